//! Grantor and holder: from the first request to the last release.

use super::*;

#[test]
fn a_claim_is_counted_from_the_first_send_and_renewed_at_a_third() {
    let mut few = Few::with_holder();
    few.run_to(4_000);
    // Sent at 0, at the grantor at 2, durable at 3, back at 5; renewed at 3,333.
    assert_eq!(few.claims(HOLDER), [(5, 10_000), (3_337, 13_333)]);
    assert_eq!(few.times(GRANTOR, |e| matches!(e, NodeEvent::Granted { .. })), [3]);
}

#[test]
fn a_claim_counted_from_receipt_is_longer_by_the_delay() {
    let mut few = Few::new();
    few.add(HOLDER, || holder(HolderPolicy { anchor: Anchor::Receipt, ..holder_policy() }));
    few.run_to(100);
    assert_eq!(few.claims(HOLDER), [(5, 10_005)]);
}

#[test]
fn an_answer_slower_than_the_term_begins_no_claim_unless_it_is_counted_from_receipt() {
    let slow_grant = |_, _, message: &LeaseMessage| match message {
        LeaseMessage::Granted { .. } => Way::ArrivesAfter(11_000),
        _ => Way::Arrives,
    };
    let mut few = Few::new();
    few.on_network(slow_grant);
    few.add(HOLDER, || holder(holder_policy()));
    few.run_to(11_050);
    assert_eq!(few.claims(HOLDER), [], "the renewal that would confirm it was refused");
    let mut few = Few::new();
    few.on_network(slow_grant);
    few.add(HOLDER, || holder(HolderPolicy { anchor: Anchor::Receipt, ..holder_policy() }));
    few.run_to(11_050);
    assert_eq!(few.claims(HOLDER)[0], (11_003, 21_003), "a second after the lease has ended");
}

#[test]
fn a_retry_keeps_the_anchor_of_its_first_send() {
    let mut few = Few::new();
    let mut tries = 0;
    few.on_network(move |_, _, message| {
        tries += i32::from(matches!(message, LeaseMessage::Acquire { .. }));
        if tries < 3 { Way::Lost } else { Way::Arrives }
    });
    few.add(HOLDER, || holder(holder_policy()));
    few.run_to(2_000);
    let sent = few.sends(HOLDER, |m| matches!(m, LeaseMessage::Acquire { .. }));
    assert_eq!(sent.len(), 3);
    assert!((200..=240).contains(&(sent[1] - sent[0])) && (400..=480).contains(&(sent[2] - sent[1])));
    assert_eq!(few.claims(HOLDER), [(sent[2] + 5, 10_000)]);
}

#[test]
fn a_holder_that_hears_nothing_stops_at_its_deadline_and_contends_again() {
    let mut few = Few::with_holder();
    few.on_network(|_, to, message| match message {
        LeaseMessage::Renew { .. } if to == GRANTOR => Way::Lost,
        _ => Way::Arrives,
    });
    few.run_to(9_999);
    assert_eq!(few.claim_ends(HOLDER), []);
    few.run_to(10_500);
    assert_eq!(few.claim_ends(HOLDER), [(10_000, ClaimEnd::Lapsed)]);
    // The grant was durable at 3, so its term ends at 10,003; the holder then stands in the queue.
    assert_eq!(few.ends(), [(10_004, EndCause::Expired)]);
    let last_write = *few.sends(HOLDER, is(Purpose::Write)).iter().rfind(|&&at| at <= 10_000).unwrap();
    assert!(last_write < 10_000, "no write at the deadline itself");
    assert_eq!(few.sends(HOLDER, is(Purpose::Write)).iter().filter(|&&at| at == 10_000).count(), 0);
    assert!(few.claims(HOLDER).last().unwrap().0 > 10_003);
}

#[test]
fn one_lost_renewal_is_made_up_by_a_retry() {
    let mut few = Few::with_holder();
    few.on_network(cut_off_while(1..2));
    few.run_to(9_000);
    let sent = few.sends(HOLDER, |m| matches!(m, LeaseMessage::Renew { .. }));
    assert_eq!(sent[0], 3_333);
    // The retry was answered, and the claim is counted from the first send all the same.
    assert_eq!(few.claims(HOLDER)[1], (sent[1] + 4, 13_333));
    assert_eq!(few.claim_ends(HOLDER), []);
}

#[test]
fn a_grant_out_of_the_queue_is_confirmed_before_it_is_claimed() {
    let mut few = Few::with_holder();
    few.run_to(100);
    few.add(RIVAL, || holder(holder_policy()));
    few.run_to(15_000);
    assert_eq!(few.claims(RIVAL), []);
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(15_100);
    // Release at 15,002, durable at 15,003; the grant is durable at 15,004. Its own request is 15 s old, so it
    // asks once more.
    assert_eq!(few.times(GRANTOR, |e| matches!(e, NodeEvent::Granted { holder: RIVAL, .. })), [15_004]);
    assert_eq!(few.claims(RIVAL), [(15_010, 25_006)]);
}

#[test]
fn a_shutdown_stops_work_before_it_gives_the_lease_back() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(5_000);
    assert_eq!(few.claim_ends(HOLDER), [(1_000, ClaimEnd::Released)]);
    assert_eq!(few.sends(HOLDER, is(Purpose::Release)), [1_000]);
    assert_eq!(few.ends(), [(1_003, EndCause::Released { by: HOLDER })]);
    let after = |purpose| few.sends(HOLDER, is(purpose)).into_iter().filter(|&at| at > 1_000).count();
    assert_eq!((after(Purpose::Write), after(Purpose::Read), after(Purpose::Acquire)), (0, 0, 0));
}

#[test]
fn a_lost_release_is_sent_again() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    let mut releases = 0;
    few.on_network(move |_, _, message| {
        releases += i32::from(matches!(message, LeaseMessage::Release { .. }));
        if releases == 1 { Way::Lost } else { Way::Arrives }
    });
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(5_000);
    assert_eq!(few.sends(HOLDER, is(Purpose::Release)).len(), 2);
    assert_eq!(few.ends().len(), 1);
}

/// Found by reading: a second copy of a release was answered before the end was durable; after a crash the lease
/// was alive again, and nobody would ever release it.
#[test]
fn nobody_hears_of_an_end_that_is_not_durable() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    let mut releases = 0;
    few.on_network(move |_, _, message| {
        releases += i32::from(matches!(message, LeaseMessage::Release { .. }));
        if releases == 1 { Way::ArrivesTwice } else { Way::Arrives }
    });
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(1_002);
    // The copy comes at 1,004; the disk is slow today.
    few.process(GRANTOR).writing[0].0 = 1_010;
    few.run_to(1_009);
    assert_eq!(few.sends(GRANTOR, is(Purpose::Release)), []);
    few.kill(GRANTOR);
    few.revive(GRANTOR);
    few.run_to(3_000);
    assert_eq!(few.ends().len(), 1, "the holder still waits for its answer, and asks again");
}

/// Found by reading: a holder that wakes past its deadline renewed a lease that it was about to give up, and then
/// waited for a whole term behind itself.
#[test]
fn a_holder_past_its_deadline_does_not_renew() {
    let mut few = Few::with_holder();
    few.run_to(3_000);
    // It sleeps from here, and its timer for the renewal comes first when it wakes.
    few.now = 11_000;
    let renew = TimerId(crate::holder::Timer::Renew as u32);
    few.handle(HOLDER, Input::Timer(renew));
    assert_eq!(few.claim_ends(HOLDER), [(11_000, ClaimEnd::Lapsed)]);
    assert_eq!(few.sends(HOLDER, |m| matches!(m, LeaseMessage::Renew { .. })), []);
}

#[test]
fn nobody_hears_of_a_grant_that_is_not_durable() {
    let mut few = Few::with_holder();
    few.run_to(2);
    few.kill(GRANTOR);
    few.run_to(100);
    few.revive(GRANTOR);
    assert_eq!(few.sends(GRANTOR, |_| true), []);
    assert_eq!(few.times(GRANTOR, |e| matches!(e, NodeEvent::Granted { .. })), []);
    few.run_to(1_000);
    assert_eq!(few.claims(HOLDER).len(), 1, "the retry is served by the new process");
}

#[test]
fn a_restarted_grantor_knows_its_leases_and_gives_them_a_full_term() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    few.kill(GRANTOR);
    few.run_to(2_000);
    few.revive(GRANTOR);
    let recovered = |event: &NodeEvent| {
        matches!(event, NodeEvent::Recovered { lease: LeaseId(1), token: Token(1), ended: None, .. })
    };
    assert_eq!(few.times(GRANTOR, recovered), [2_000]);
    few.kill(HOLDER);
    few.run_to(20_000);
    assert_eq!(few.ends(), [(12_001, EndCause::Expired)], "a full term from the restart");
    few.revive(HOLDER);
    few.run_to(20_100);
    let token = |e: &NodeEvent| matches!(e, NodeEvent::Granted { token: Token(2), lease: LeaseId(2), .. });
    assert_eq!(few.times(GRANTOR, token).len(), 1);
}

#[test]
fn a_restarted_grantor_tells_of_its_leases_in_the_order_of_their_ids() {
    let mut few = Few::new();
    let lease = |resource, id| StoredRecord::Lease(a_record(resource, id));
    few.handle(GRANTOR, Input::Restarted { disk: vec![lease(0, 5), lease(1, 3)] });
    let told: Vec<LeaseId> = few
        .events
        .iter()
        .filter_map(|(_, _, event)| match event {
            NodeEvent::Recovered { lease, .. } => Some(*lease),
            _ => None,
        })
        .collect();
    assert_eq!(told, [LeaseId(3), LeaseId(5)]);
}

/// Operations are numbered per process. Found by random plans: the answer to a dead process's read was taken for
/// one to its successor's, which then overwrote what it had never seen.
#[test]
fn an_answer_to_an_earlier_process_is_not_taken() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    few.kill(HOLDER);
    few.on_network(|from, _, _| if from == RESOURCE { Way::Lost } else { Way::Arrives });
    few.revive(HOLDER);
    few.run_to(12_000);
    let reads = few.sent.iter().rev().find_map(|(_, from, message)| match message {
        LeaseMessage::Read { op, .. } if *from == HOLDER => Some(*op),
        _ => None,
    });
    let op = reads.expect("it holds again, and works");
    let mut writes_after_an_answer_to = |incarnation| {
        let (version, value) = (Version(999), 1);
        let message = LeaseMessage::ReadDone { incarnation: Incarnation(incarnation), op, version, value };
        few.handle(HOLDER, Input::Received { from: RESOURCE, message });
        few.run_to(few.now + 10);
        few.sends(HOLDER, |m| matches!(m, LeaseMessage::Write { based_on: Some(Version(999)), .. })).len()
    };
    assert_eq!(writes_after_an_answer_to(0), 0);
    assert_eq!(writes_after_an_answer_to(1), 1);
}

#[test]
fn a_restarted_holder_waits_for_its_own_old_lease_to_end() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    few.kill(HOLDER);
    few.revive(HOLDER);
    few.run_to(12_000);
    assert_eq!(few.ends(), [(10_004, EndCause::Expired)]);
    let claims = few.claims(HOLDER);
    assert!(claims[1].0 > 10_004, "{claims:?}");
}

#[test]
fn a_grant_that_nobody_waits_for_is_given_back() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(2_000);
    // A copy of the first acquire comes late.
    let Some(&(_, _, acquire)) = few.sent.iter().find(|(_, _, m)| matches!(m, LeaseMessage::Acquire { .. }))
    else {
        panic!("it has asked")
    };
    few.handle(GRANTOR, Input::Received { from: HOLDER, message: acquire });
    few.run_to(3_000);
    assert_eq!(few.ends().len(), 2, "granted and released within a round trip");
    assert_eq!(few.claims(HOLDER).len(), 1);
}

#[test]
fn duplicates_of_everything_change_nothing() {
    let run = |twice: bool| {
        let mut few = Few::new();
        if twice {
            few.on_network(|_, _, _| Way::ArrivesTwice);
        }
        few.add(HOLDER, || holder(holder_policy()));
        few.run_to(8_000);
        few
    };
    let (once, twice) = (run(false), run(true));
    assert_eq!(twice.times(GRANTOR, |e| matches!(e, NodeEvent::Granted { .. })).len(), 1);
    assert_eq!(once.claims(HOLDER), twice.claims(HOLDER));
    let accepted = |few: &Few| few.times(RESOURCE, |e| matches!(e, NodeEvent::EffectAccepted { .. })).len();
    assert_eq!(accepted(&once), accepted(&twice));
    let recognised = |e: &NodeEvent| matches!(e, NodeEvent::DuplicateRecognised { .. });
    assert!(twice.times(RESOURCE, recognised).len() >= accepted(&twice) - 1);
}

#[test]
fn a_sweep_ends_leases_at_its_own_pace() {
    let mut few = Few::new();
    few.nodes.remove(&GRANTOR);
    few.add(GRANTOR, || {
        let expiry = Expiry::Sweep { every: Span::from_millis(700), at_most: None };
        Box::new(Grantor::new(GrantorPolicy { expiry, ..GrantorPolicy::default() }))
    });
    few.add(HOLDER, || holder(holder_policy()));
    few.run_to(1_000);
    few.kill(HOLDER);
    few.run_to(12_000);
    // Its term is over at 10,003; sweeps are at multiples of 700.
    assert_eq!(few.ends(), [(10_501, EndCause::Expired)]);
}

#[test]
fn a_query_says_who_holds_and_for_how_long() {
    let mut few = Few::with_holder();
    let ask = |few: &mut Few, at| {
        few.run_to(at);
        let message = LeaseMessage::Query { resource: R, incarnation: Incarnation(0), request: RequestId(9) };
        few.handle(GRANTOR, Input::Received { from: RIVAL, message });
        few.under_way.retain(|(_, to, _)| *to != RIVAL);
        let answer = few.sent.iter().rev().find_map(|(_, _, m)| match m {
            LeaseMessage::Answer { answer, revision, .. } => Some((*answer, *revision)),
            _ => None,
        });
        answer.unwrap()
    };
    let (answer, revision) = ask(&mut few, 1_003);
    let remaining = Span::from_millis(9_000);
    assert_eq!(answer, Some(QueryAnswer { lease: LeaseId(1), holder: HOLDER, token: Token(1), remaining }));
    assert_eq!(revision, 1);
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    assert_eq!(ask(&mut few, 2_000), (None, 2));
}

#[test]
fn readings_are_of_the_clock_that_the_policy_names() {
    let mut few = Few::new();
    few.add(HOLDER, || holder(HolderPolicy { clock: ClockKind::Wall, ..holder_policy() }));
    few.run_to(100);
    let wall =
        |e: &NodeEvent| matches!(e, NodeEvent::ClaimStarted(c) if c.deadline.clock() == ClockKind::Wall);
    assert_eq!(few.times(HOLDER, wall).len(), 1);
}
