//! How a member registers, keeps its registration, and gives it back.

use leasehold_core::event::Health;
use leasehold_core::id::{Epoch, LeaseId, RequestId};
use leasehold_core::time::{Drift, Span};

use super::members::*;
use super::*;
use crate::policy::{Backoff, Interval, Margin};
use crate::registry::RefusedBecause;
use crate::registry::policy::{
    Cadence, ComesBack, HeartbeatCheck, Leaves, Liveness, MemberPolicy, Naming, Refused, RegisteredAnew,
    RegistryPolicy, Sender, Unanswered,
};

fn requests(few: &Few) -> Vec<RequestId> {
    few.letters(APPLICATION, |_| true)
        .filter_map(|letter| match letter.message {
            RegistryMessage::Register { request, .. } | RegistryMessage::Deregister { request, .. } => {
                Some(request)
            }
            _ => None,
        })
        .collect()
}

/// Without jitter, so that tests can say when.
fn steady() -> MemberPolicy {
    MemberPolicy { retry: Backoff { jitter_ppm: 0, ..Backoff::default() }, ..policy() }
}

/// A world in which nothing reaches the registry before `heals`.
fn deaf_until(heals: i64) -> Few {
    let mut few = Few::new();
    few.on_network(move |now, _, to, _| if to == REGISTRY && now < heals { Way::Lost } else { Way::Arrives });
    few
}

#[test]
fn it_registers_and_claims_from_the_send_of_what_was_answered() {
    let mut few = deployment(policy());
    few.run_to(25_000);
    assert_eq!(registrations(&few, APPLICATION), [0]);
    assert_eq!(heartbeats(&few, APPLICATION), [10_000, 20_000]);
    let claims: Vec<i64> = few.claims(APPLICATION).into_iter().map(|(_, until)| until).collect();
    assert_eq!(claims, [30_000, 40_000, 50_000]);
}

#[test]
fn it_claims_as_much_less_as_clocks_may_be_off() {
    let margin = Margin::ForDrift(Drift::from_ppb(100_000_000).unwrap());
    let mut few = deployment(MemberPolicy { margin, ..policy() });
    few.run_to(5_000);
    assert_eq!(few.claims(APPLICATION)[0].1, 24_545);
}

#[test]
fn a_retry_is_the_same_request_and_the_claim_counts_from_the_first() {
    let mut few = deployment_in(deaf_until(1_000), steady());
    few.run_to(5_000);
    assert_eq!(registrations(&few, APPLICATION), [0, 200, 600, 1_400]);
    assert_eq!(requests(&few), [RequestId(1); 4]);
    assert_eq!(few.claims(APPLICATION)[0].1, 30_000);
}

#[test]
fn a_registration_that_took_longer_than_its_term_is_confirmed_before_it_is_claimed() {
    let mut few = deployment_in(deaf_until(31_000), steady());
    few.run_to(35_000);
    let confirmed = heartbeats(&few, APPLICATION)[0];
    assert!((31_000..34_000).contains(&confirmed), "{confirmed}");
    assert_eq!(few.claims(APPLICATION)[0].1, confirmed + 30_000);
}

#[test]
fn a_fixed_cadence_counts_from_the_heartbeat_and_the_other_from_its_answer() {
    let beats = |cadence| {
        let mut few = Few::new();
        few.delay = 50;
        let mut few = deployment_in(few, MemberPolicy { cadence, ..policy() });
        few.run_to(35_000);
        heartbeats(&few, APPLICATION)
    };
    assert_eq!(beats(Cadence::Fixed), [10_000, 20_000, 30_000]);
    assert_eq!(beats(Cadence::FromAnswer), [10_101, 20_201, 30_301]);
}

/// The answers from 10 s to 12 s are lost: one policy tries again inside the rest of the term, and then counts its
/// interval from the last try.
#[test]
fn a_heartbeat_that_is_not_answered_is_tried_again_or_waits_for_the_next() {
    let beats = |unanswered| {
        let mut few = deployment(MemberPolicy { unanswered, ..steady() });
        few.on_network(|now, from, _, _| {
            if from == REGISTRY && (10_000..12_000).contains(&now) { Way::Lost } else { Way::Arrives }
        });
        few.run_to(35_000);
        assert_eq!(few.claim_ends(APPLICATION), []);
        heartbeats(&few, APPLICATION)
    };
    assert_eq!(beats(Unanswered::Waits), [10_000, 20_000, 30_000]);
    let by_back_off = [10_000, 10_200, 10_600, 11_400, 13_000, 23_000, 33_000];
    assert_eq!(beats(Unanswered::Retries), by_back_off);
}

/// The answers from 10 s to 12 s are lost. What was sent then is waited for until the connection is given up: after the
/// term that the registry counted from it, and the lease is over, or before that.
#[test]
fn heartbeats_wait_behind_one_that_is_not_answered_or_end_with_it() {
    let beats = |unanswered, dead_peer| {
        let dead_peer = Span::from_secs(dead_peer);
        let mut few = deployment(MemberPolicy { unanswered, dead_peer, ..steady() });
        few.on_network(|now, from, _, _| {
            if from == REGISTRY && (10_000..12_000).contains(&now) { Way::Lost } else { Way::Arrives }
        });
        few.run_to(58_000);
        (heartbeats(&few, APPLICATION), grants(&few).len())
    };
    assert_eq!(beats(Unanswered::Waits, 25), (vec![10_000, 20_000, 30_000, 40_000, 50_000], 1));
    assert_eq!(beats(Unanswered::Blocks, 5), (vec![10_000, 20_000, 30_000, 40_000, 50_000], 1));
    assert_eq!(beats(Unanswered::Blocks, 25), (vec![10_000, 35_000, 45_000, 55_000], 1));
    assert_eq!(beats(Unanswered::Blocks, 35), (vec![10_000, 45_000, 55_004], 2), "registered anew");
    assert_eq!(beats(Unanswered::GivesUp, 5), (vec![10_000], 1));
}

/// An answer that comes late does not start again what has ended, whatever the interval is counted from.
#[test]
fn heartbeats_that_have_ended_stay_away() {
    let policy = MemberPolicy { unanswered: Unanswered::GivesUp, cadence: Cadence::FromAnswer, ..steady() };
    let mut few = deployment(policy);
    few.on_network(|now, from, _, _| match from == REGISTRY && now >= 10_000 {
        true => Way::ArrivesAfter(12_000),
        false => Way::Arrives,
    });
    few.run_to(100_000);
    assert_eq!(heartbeats(&few, APPLICATION), [10_005]);
    assert_eq!(few.ends().len(), 1);
}

/// 20 s after the last one it is time: at once, or when it looks, which it does from its start on.
#[test]
fn heartbeats_leave_at_their_time_or_at_the_next_look() {
    let beats = |looks_every: Option<u64>| {
        let heartbeat = Interval::Fixed(Span::from_secs(20));
        let looks_every = looks_every.map(Span::from_millis);
        let mut few = deployment(MemberPolicy { heartbeat, looks_every, ..policy() });
        few.run_to(50_000);
        heartbeats(&few, APPLICATION)
    };
    assert_eq!(beats(None), [20_000, 40_000]);
    assert_eq!(beats(Some(15_000)), [30_000]);
    assert_eq!(beats(Some(9_000)), [27_000]);
    assert_eq!(beats(Some(3_000)), [21_000, 42_000]);
    assert_eq!(beats(Some(1_000)), [20_000, 40_000]);
}

/// A client that is refused may know better than its registry, or not.
#[test]
fn who_is_refused_registers_anew_or_gives_up() {
    let registers = |refused, told: fn(LeaseId) -> RegistryMessage| {
        let mut few = deployment(MemberPolicy { refused, ..policy() });
        few.run_to(15_000);
        few.send(REGISTRY, APPLICATION, told(LeaseId(1)));
        few.run_to(28_000);
        assert_eq!(few.claim_ends(APPLICATION), [(15_002, ClaimEnd::ToldLost)]);
        (registrations(&few, APPLICATION), heartbeats(&few, APPLICATION))
    };
    let refused = |lease| RegistryMessage::HeartbeatRefused { lease, number: 0 };
    let revoked = |lease| RegistryMessage::Revoked { lease };
    assert_eq!(registers(Refused::RegistersAnew, refused), (vec![0, 15_002], vec![10_000, 25_002]));
    assert_eq!(registers(Refused::GivesUp, refused), (vec![0], vec![10_000]));
    assert_eq!(registers(Refused::GivesUp, revoked), (vec![0, 15_002], vec![10_000, 25_002]));
}

#[test]
fn heartbeats_begin_anew_with_a_registration_or_stay_away() {
    let beats = |registered_anew| {
        let mut few = deployment(MemberPolicy { registered_anew, ..policy() });
        few.run_to(15_000);
        few.send(REGISTRY, APPLICATION, RegistryMessage::HeartbeatRefused { lease: LeaseId(1), number: 0 });
        few.run_to(40_000);
        few.kill(APPLICATION);
        few.revive(APPLICATION);
        few.run_to(55_000);
        (registrations(&few, APPLICATION), heartbeats(&few, APPLICATION))
    };
    let (registered, beats_on) = beats(RegisteredAnew::HeartbeatsGoOn);
    assert_eq!((registered, beats_on), (vec![0, 15_002, 40_000], vec![10_000, 25_002, 35_002, 50_000]));
    let (registered, stay_away) = beats(RegisteredAnew::HeartbeatsStayAway);
    assert_eq!((registered, stay_away), (vec![0, 15_002, 40_000], vec![10_000, 50_000]), "of a new process");
}

/// GRACE: a renewal when the rest is under two thirds of the term, then tries inside that rest, and no further.
#[test]
fn tries_end_with_the_term_and_the_cadence_goes_on() {
    let mut few = deployment(MemberPolicy { unanswered: Unanswered::Retries, ..steady() });
    few.run_to(5_000);
    few.all_that_are(Purpose::Renew, Leg::Reply, Way::Lost);
    few.run_to(60_000);
    let beats = heartbeats(&few, APPLICATION);
    assert_eq!(beats[..6], [10_000, 10_200, 10_600, 11_400, 13_000, 15_000]);
    assert_eq!(beats[beats.len() - 5..], [27_000, 29_000, 31_000, 41_000, 51_000]);
}

/// Answers that take longer than the interval do not set off a heartbeat each.
#[test]
fn slow_answers_do_not_multiply_heartbeats() {
    let mut few = deployment(MemberPolicy { unanswered: Unanswered::Retries, ..steady() });
    few.on_network(|_, from, _, _| if from == REGISTRY { Way::ArrivesAfter(12_000) } else { Way::Arrives });
    few.run_to(600_000);
    let gaps = heartbeats(&few, APPLICATION).windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
    assert!(gaps.len() < 600_000 / 200 / 4, "{} heartbeats", gaps.len());
    assert!(gaps.iter().all(|gap| (200..=10_000).contains(gap)), "{gaps:?}");
}

#[test]
fn jitter_lets_heartbeats_come_earlier_but_never_later() {
    let mut few = deployment(MemberPolicy { jitter_ppm: 200_000, ..policy() });
    few.run_to(300_000);
    let beats = heartbeats(&few, APPLICATION);
    let gaps: Vec<i64> = beats.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (8_000..=10_000).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().max().unwrap() - gaps.iter().min().unwrap() > 1_000, "{gaps:?}");
}

/// A registration is answered when its first heartbeat is due already, as those of all others may be.
#[test]
fn whoever_is_overdue_asks_at_once_or_within_its_jitter() {
    let asks = |jitter_ppm, seed: i64| {
        let mut few = Few::new();
        few.on_network(move |_, from, _, message| match message {
            RegistryMessage::Registered { .. } if from == REGISTRY => Way::ArrivesAfter(40_000 + seed),
            _ => Way::Arrives,
        });
        let mut few = deployment_in(few, MemberPolicy { jitter_ppm, ..steady() });
        few.run_to(50_000);
        heartbeats(&few, APPLICATION)[0] - (40_000 + seed)
    };
    let at_once = asks(0, 0);
    assert!((0..10).contains(&at_once), "{at_once}");
    let spread: Vec<i64> = (0..8).map(|seed| asks(500_000, seed)).collect();
    assert!(spread.iter().all(|wait| (0..=5_010).contains(wait)), "{spread:?}");
    assert!(spread.iter().max().unwrap() - spread.iter().min().unwrap() > 1_000, "{spread:?}");
}

#[test]
fn heartbeats_are_numbered_under_each_lease_and_name_what_the_policy_wants() {
    let beats = |naming| -> Vec<_> {
        let rules = RegistryPolicy { heartbeat_check: HeartbeatCheck::Member, ..RegistryPolicy::default() };
        let mut few = deployment_under(rules, MemberPolicy { naming, ..policy() });
        few.run_to(15_000);
        few.send(REGISTRY, APPLICATION, RegistryMessage::HeartbeatRefused { lease: LeaseId(1), number: 0 });
        few.run_to(36_000);
        few.letters(APPLICATION, is(Purpose::Renew, Leg::Request))
            .map(|letter| match letter.message {
                RegistryMessage::Heartbeat { lease, epoch, number, .. } => (lease, epoch, number),
                _ => panic!("no heartbeat: {letter:?}"),
            })
            .collect()
    };
    let (one, two) = (LeaseId(1), LeaseId(2));
    let named = [(one, Some(Epoch(1)), 0), (two, Some(Epoch(2)), 0), (two, Some(Epoch(2)), 1)];
    assert_eq!(beats(Naming::LeaseAndEpoch), named);
    assert_eq!(beats(Naming::Member), [(one, None, 0), (two, None, 0), (two, None, 1)]);
}

#[test]
fn who_lost_its_lease_comes_back_at_once_or_when_it_is_its_turn() {
    let returns = |comes_back, seed: i64| {
        let mut few = deployment(MemberPolicy { comes_back, ..policy() });
        few.run_to(15_000 + seed);
        let first = registrations(&few, APPLICATION).len();
        few.send(REGISTRY, APPLICATION, RegistryMessage::HeartbeatRefused { lease: LeaseId(1), number: 0 });
        few.run_to(25_000);
        assert_eq!(few.claim_ends(APPLICATION), [(15_002 + seed, ClaimEnd::ToldLost)]);
        registrations(&few, APPLICATION)[first] - (15_002 + seed)
    };
    assert_eq!(returns(ComesBack::AtOnce, 0), 0);
    let paced: Vec<i64> = (0..8).map(|seed| returns(ComesBack::Paced(Span::from_secs(5)), seed)).collect();
    assert!(paced.iter().all(|wait| (0..=5_000).contains(wait)), "{paced:?}");
    assert!(paced.iter().max().unwrap() - paced.iter().min().unwrap() > 1_000, "{paced:?}");
}

#[test]
fn a_new_process_waits_for_its_turn_too() {
    let starts = |seed: i64| {
        let mut few =
            deployment(MemberPolicy { comes_back: ComesBack::Paced(Span::from_secs(5)), ..policy() });
        few.run_to(10_000 + seed);
        let first = registrations(&few, APPLICATION).len();
        few.kill(APPLICATION);
        few.revive(APPLICATION);
        few.run_to(20_000);
        registrations(&few, APPLICATION)[first] - (10_000 + seed)
    };
    let waits: Vec<i64> = (0..8).map(starts).collect();
    assert!(waits.iter().max().unwrap() - waits.iter().min().unwrap() > 1_000, "{waits:?}");
}

#[test]
fn who_was_refused_asks_anew_and_not_before_it_was_told_to() {
    let mut few = deployment(steady());
    few.on_network(|now, from, _, _| if from == REGISTRY && now < 50 { Way::Lost } else { Way::Arrives });
    let (member, incarnation, request) = (M, Incarnation(0), RequestId(1));
    let (because, retry_after) = (RefusedBecause::NameTaken, Span::from_secs(7));
    let refusal = RegistryMessage::RegisterRefused { member, incarnation, request, because, retry_after };
    few.run_to(60);
    few.send(REGISTRY, APPLICATION, refusal);
    few.run_to(20_000);
    assert_eq!(registrations(&few, APPLICATION), [0, 7_062]);
    assert_eq!(requests(&few), [RequestId(1), RequestId(2)]);
}

/// The lease lives, and only answers were lost: to register anew would end it.
#[test]
fn who_hears_nothing_keeps_asking_and_goes_on_when_it_is_answered() {
    let mut few = deployment(policy());
    few.run_to(5_000);
    few.all_that_are(Purpose::Renew, Leg::Reply, Way::Lost);
    few.run_to(45_000);
    few.heal();
    few.run_to(55_000);
    assert_eq!(heartbeats(&few, APPLICATION), [10_000, 20_000, 30_000, 40_000, 50_000]);
    assert_eq!(registrations(&few, APPLICATION), [0]);
    assert_eq!(few.claim_ends(APPLICATION), [(30_000, ClaimEnd::Lapsed)]);
    let claims: Vec<i64> = few.claims(APPLICATION).into_iter().map(|(_, until)| until).collect();
    assert_eq!(claims, [30_000, 80_000]);
}

#[test]
fn an_answer_that_was_overtaken_does_not_take_a_claim_back() {
    let mut few = deployment(policy());
    few.on_network(|_, _, _, message| match message {
        RegistryMessage::HeartbeatTaken { number: 0, .. } => Way::ArrivesAfter(15_000),
        _ => Way::Arrives,
    });
    few.run_to(26_000);
    let claims: Vec<i64> = few.claims(APPLICATION).into_iter().map(|(_, until)| until).collect();
    assert_eq!(claims, [30_000, 50_000]);
}

#[test]
fn who_was_revoked_while_unable_comes_back_when_it_is_able() {
    let returns = |ready_at: Option<i64>| {
        let mut few = deployment(policy());
        few.run_to(1_000);
        if ready_at.is_some() {
            few.command(APPLICATION, RegistryCommand::TurnUnready);
        }
        few.run_to(8_000);
        few.send(REGISTRY, APPLICATION, RegistryMessage::Revoked { lease: LeaseId(1) });
        few.run_to(ready_at.unwrap_or(8_000));
        few.command(APPLICATION, RegistryCommand::TurnReady);
        few.run_to(40_000);
        registrations(&few, APPLICATION)
    };
    assert_eq!(returns(None), [0, 8_002]);
    // Two good looks, a second apart.
    assert_eq!(returns(Some(20_500)), [0, 22_000]);
}

#[test]
fn what_is_registered_for_nobody_is_given_back() {
    let mut few = Few::new();
    few.all_that_are(Purpose::Acquire, Leg::Reply, Way::Held);
    let mut few = deployment_in(few, policy());
    few.run_to(100);
    few.command(APPLICATION, RegistryCommand::Deregister);
    few.heal();
    few.let_go();
    few.run_to(1_000);
    assert_eq!(few.ends().len(), 1, "{:?}", few.ends());
    assert!(heartbeats(&few, APPLICATION).is_empty());
}

#[test]
fn an_answer_to_an_earlier_process_is_nobodys() {
    let mut few = deployment_in(deaf_until(1_000), steady());
    few.kill(APPLICATION);
    few.revive(APPLICATION);
    few.run_to(100);
    let (member, incarnation, request) = (M, Incarnation(0), RequestId(1));
    let (lease, epoch, ttl) = (LeaseId(9), Epoch(9), Span::from_secs(30));
    few.heal();
    few.send(
        REGISTRY,
        APPLICATION,
        RegistryMessage::Registered { member, incarnation, request, lease, epoch, ttl },
    );
    few.run_to(103);
    assert_eq!(few.claims(APPLICATION), []);
    assert_eq!(deregistrations(&few, APPLICATION), [102]);
}

#[test]
fn each_way_to_leave_has_its_order() {
    let calls = |few: &mut Few, times: &[i64]| -> Vec<bool> {
        let answered = |few: &mut Few, (number, at): (usize, &i64)| {
            few.run_to(*at);
            few.send(
                CLIENT,
                APPLICATION,
                RegistryMessage::Call { number: number as u64, instance: INSTANCE },
            );
            few.run_for(10);
            few.letters(APPLICATION, is(Purpose::Call, Leg::Reply)).any(|letter| letter.at > *at)
        };
        times.iter().enumerate().map(|call| answered(few, call)).collect()
    };
    let leaves = |leaves| {
        let mut few = deployment(MemberPolicy { leaves, drain: Span::from_secs(20), ..policy() });
        few.run_to(25_000);
        few.command(APPLICATION, RegistryCommand::Deregister);
        let answered = calls(&mut few, &[25_100, 44_000, 46_000]);
        few.run_to(100_000);
        assert_eq!(heartbeats(&few, APPLICATION), [10_000, 20_000]);
        assert_eq!(registrations(&few, APPLICATION), [0]);
        assert_eq!(few.claim_ends(APPLICATION), [(25_000, ClaimEnd::Released)]);
        (answered, deregistrations(&few, APPLICATION))
    };
    assert_eq!(leaves(Leaves::DeregistersThenStops), (vec![true, true, false], vec![25_000]));
    assert_eq!(leaves(Leaves::StopsThenDeregisters), (vec![false; 3], vec![25_000]));
    assert_eq!(leaves(Leaves::JustStops), (vec![false; 3], vec![]));
}

#[test]
fn a_deregistration_is_asked_for_until_it_is_answered() {
    let mut few = deployment(steady());
    few.run_to(5_000);
    few.all_that_are(Purpose::Release, Leg::Reply, Way::Lost);
    few.command(APPLICATION, RegistryCommand::Deregister);
    few.run_to(7_000);
    few.heal();
    few.run_to(60_000);
    assert_eq!(
        few.sends(APPLICATION, is(Purpose::Release, Leg::Request)),
        [5_000, 5_200, 5_600, 6_400, 8_000]
    );
    assert_eq!(requests(&few)[1..], [RequestId(2); 5]);
    assert_eq!(deregistrations(&few, APPLICATION), [5_000]);
}

/// A registry that probes: answers are its heartbeats.
#[test]
fn who_is_probed_sends_no_heartbeats_and_registers_anew_when_it_was_forgotten() {
    let rules = RegistryPolicy { liveness: Liveness::Pull, ..RegistryPolicy::default() };
    let mut few = deployment_under(rules, MemberPolicy { sender: Sender::Nobody, ..policy() });
    few.run_to(120_500);
    let claims = few.claims(APPLICATION);
    assert_eq!((registrations(&few, APPLICATION), few.ends()), (vec![0], vec![]));
    assert!(claims[1..].iter().all(|(at, until)| until - at == 30_000), "{claims:?}");
    let (last, _) = claims[claims.len() - 1];
    few.on_network(|_, _, _, message| match message.class().0 {
        Purpose::Probe | Purpose::Renew => Way::Lost,
        _ => Way::Arrives,
    });
    few.run_to(160_000);
    assert_eq!(few.claim_ends(APPLICATION), [(last + 30_000, ClaimEnd::Lapsed)]);
    assert_eq!(registrations(&few, APPLICATION), [0, last + 30_000]);
    assert_eq!(heartbeats(&few, APPLICATION), [0; 0]);
}

#[test]
fn what_it_says_of_itself_goes_with_every_heartbeat() {
    let mut few = deployment(policy());
    few.run_to(12_000);
    few.command(APPLICATION, RegistryCommand::TurnUnready);
    few.run_to(26_000);
    let said = |letter: &Letter| match letter.message {
        RegistryMessage::Heartbeat { health, .. } => (letter.at, health),
        _ => panic!("no heartbeat: {letter:?}"),
    };
    let beats: Vec<_> = few.letters(APPLICATION, is(Purpose::Renew, Leg::Request)).map(said).collect();
    // Three bad looks, then at once; and the cadence counts from there.
    assert_eq!(beats, [(10_000, Health::Ready), (15_000, Health::NotReady), (25_000, Health::NotReady)]);
}
