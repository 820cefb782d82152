//! Until when a holder claims, when it renews, and what it does when it hears nothing.

use leasehold_core::event::Probe;

use super::*;
use crate::policy::{BackInContact, GiveUp, Lifetime, LostContact, Margin};

type Make = fn() -> Box<dyn Node<LeaseProtocol>>;

fn with_holder(make: Make) -> Few {
    let mut few = Few::new();
    few.add(HOLDER, make);
    few
}

/// Cuts the holder off from the grantor, or connects it again.
fn connect(few: &mut Few, way: Way) {
    few.on_network(move |from, to, _| if from == GRANTOR || to == GRANTOR { way } else { Way::Arrives });
}

fn renewals(few: &Few) -> Vec<i64> {
    few.sends(HOLDER, |m| matches!(m, LeaseMessage::Renew { .. }))
}

fn acquires(few: &Few) -> Vec<i64> {
    few.sends(HOLDER, is(Purpose::Acquire))
}

fn writes(few: &Few, time: core::ops::Range<i64>) -> usize {
    few.sends(HOLDER, is(Purpose::Write)).iter().filter(|at| time.contains(at)).count()
}

#[test]
fn a_renewal_comes_earlier_by_up_to_its_jitter() {
    let waits = |make: Make| -> Vec<i64> {
        let mut few = with_holder(make);
        few.run_to(60_000);
        let sent: Vec<i64> = [0].into_iter().chain(renewals(&few)).collect();
        sent.windows(2).map(|pair| pair[1] - pair[0]).collect()
    };
    // Timers come due in the millisecond in which they lie.
    let even = waits(|| holder(holder_policy()));
    assert!(even.iter().all(|wait| *wait == 3_333), "{even:?}");
    let spread = waits(|| holder(HolderPolicy { renew_jitter_ppm: 300_000, ..holder_policy() }));
    assert!(spread.iter().all(|wait| (2_332..=3_333).contains(wait)), "{spread:?}");
    assert!(spread.iter().any(|wait| *wait < 2_700) && spread.iter().any(|wait| *wait > 3_000), "{spread:?}");
}

/// The answer to the first try comes when the second is under way.
#[test]
fn a_claim_may_be_counted_from_the_latest_retry() {
    let claimed_until = |make: Make| {
        let mut few = with_holder(make);
        let mut answers = 0;
        few.on_network(move |_, to, message| match message {
            LeaseMessage::Renewed { .. } => {
                answers += 1;
                if answers == 1 { Way::ArrivesAfter(300) } else { Way::Lost }
            }
            LeaseMessage::Renew { .. } if to == GRANTOR && answers == 1 => Way::Lost,
            _ => Way::Arrives,
        });
        few.run_to(4_000);
        (few.claims(HOLDER)[1], renewals(&few))
    };
    let (first_send, sent) = claimed_until(|| holder(holder_policy()));
    assert_eq!((first_send, sent[0]), ((3_635, 13_333), 3_333));
    let (latest_retry, sent) =
        claimed_until(|| holder(HolderPolicy { anchor: Anchor::LatestRetry, ..holder_policy() }));
    assert!(sent[1] > 3_500);
    assert_eq!(latest_retry.0, 3_635);
    assert!((sent[1] + 10_000..=sent[1] + 10_001).contains(&latest_retry.1), "{latest_retry:?} {sent:?}");
}

#[test]
fn a_claim_lasts_for_the_renewal_interval_and_the_renewal_deadline() {
    let claim = |make: Make| {
        let mut few = with_holder(make);
        few.run_to(100);
        few.claims(HOLDER)[0]
    };
    let by_margin = || {
        let lifetime = Lifetime::Margin(Margin::Fixed(Span::from_secs(2)));
        holder(HolderPolicy { lifetime, ..holder_policy() })
    };
    let by_renew_deadline = || {
        let lifetime = Lifetime::RenewDeadline(Span::from_secs(8));
        holder(HolderPolicy { lifetime, ..holder_policy() })
    };
    assert_eq!(claim(by_margin), (5, 8_000));
    assert_eq!(claim(by_renew_deadline), (5, 11_333), "longer than its lease");
}

#[test]
fn a_holder_gives_up_at_its_deadline_or_at_the_first_error() {
    let after_one_lost_renewal = |make: Make| {
        let mut few = with_holder(make);
        few.on_network(cut_off_while(1..2));
        few.run_to(9_000);
        few
    };
    let patient = after_one_lost_renewal(|| holder(holder_policy()));
    assert_eq!((patient.claim_ends(HOLDER), acquires(&patient).len()), (vec![], 1));
    assert_eq!(renewals(&patient).len(), 3);

    let impatient =
        after_one_lost_renewal(|| holder(HolderPolicy { give_up: GiveUp::AtFirstError, ..holder_policy() }));
    let [(at, ClaimEnd::GaveUp)] = impatient.claim_ends(HOLDER)[..] else { panic!("it gave up") };
    assert!((3_533..=3_573).contains(&at), "when it would have asked again: {at}");
    assert_eq!(renewals(&impatient).len(), 1);
    assert_eq!(acquires(&impatient)[1], at);
    assert_eq!(writes(&impatient, at..9_000), 0, "it waits behind its own lease");
}

#[test]
fn an_impatient_holder_goes_on_while_it_is_answered() {
    let mut few = with_holder(|| holder(HolderPolicy { give_up: GiveUp::AtFirstError, ..holder_policy() }));
    few.run_to(30_000);
    assert_eq!(few.claim_ends(HOLDER), []);
}

/// It allows itself 5 s of 10, so its lease still lives when its deadline comes.
fn careful(lost_contact: LostContact) -> Box<dyn Node<LeaseProtocol>> {
    let lifetime = Lifetime::Margin(Margin::Fixed(Span::from_secs(5)));
    holder(HolderPolicy { lifetime, lost_contact, ..holder_policy() })
}

/// Cut off from 3 s on for a while.
fn cut_off_until(end: i64, make: Make) -> Few {
    let mut few = with_holder(make);
    few.run_to(3_000);
    connect(&mut few, Way::Lost);
    few.run_to(end);
    connect(&mut few, Way::Arrives);
    few.run_to(end + 2_500);
    few
}

fn recoveries(few: &Few) -> usize {
    few.times(HOLDER, |e| matches!(e, NodeEvent::Probed(Probe::RecoveredFromJeopardy))).len()
}

#[test]
fn a_holder_that_lost_contact_stops_at_its_deadline_and_contends_anew() {
    let few = cut_off_until(6_000, || careful(LostContact::Stop));
    assert_eq!(few.claim_ends(HOLDER), [(5_000, ClaimEnd::Lapsed)]);
    assert_eq!((acquires(&few)[1], recoveries(&few)), (5_000, 0));
    assert_eq!(few.claims(HOLDER).len(), 1, "it waits behind its own lease");
}

#[test]
fn a_holder_in_jeopardy_stops_at_its_deadline_and_goes_on_if_its_lease_still_lives() {
    let few = cut_off_until(6_000, || careful(LostContact::Jeopardy));
    assert_eq!(few.claim_ends(HOLDER)[0], (5_000, ClaimEnd::Lapsed));
    assert_eq!(writes(&few, 5_000..6_000), 0);
    let claimed = few.claims(HOLDER)[1];
    assert!(claimed.0 > 6_000 && claimed.1 == 8_333, "from the first send of that renewal: {claimed:?}");
    assert_eq!((acquires(&few).len(), recoveries(&few)), (1, 1));
    let started = |e: &NodeEvent| matches!(e, NodeEvent::ClaimStarted(claim) if claim.token == Token(1));
    assert_eq!(few.times(HOLDER, started), [5, claimed.0]);
    assert!(writes(&few, claimed.0..8_000) > 0, "it works again");
    assert_eq!(few.ends(), []);
}

#[test]
fn a_holder_in_jeopardy_contends_anew_when_its_lease_is_gone() {
    let few = cut_off_until(11_000, || careful(LostContact::Jeopardy));
    assert_eq!(few.claim_ends(HOLDER), [(5_000, ClaimEnd::Lapsed)], "ended once");
    assert_eq!(acquires(&few).len(), 2);
    assert!(acquires(&few)[1] > 11_000);
    let started = |e: &NodeEvent| matches!(e, NodeEvent::ClaimStarted(claim) if claim.token == Token(2));
    assert_eq!((few.times(HOLDER, started).len(), recoveries(&few)), (1, 0));
}

/// The renewal comes due before the deadline's own timer, as after a pause.
/// It claims again from the first answer on, though that says that its lease is gone; the next such answer ends that.
#[test]
fn a_holder_that_trusts_its_record_goes_on_whatever_it_is_told() {
    let claimed = |make: Make| {
        let few = cut_off_until(12_000, make);
        let claims = few.claims(HOLDER);
        let between = claims.iter().filter(|(at, _)| (12_000..15_000).contains(at)).count();
        (between, recoveries(&few))
    };
    let trusting = || {
        holder(HolderPolicy {
            lost_contact: LostContact::Jeopardy,
            back_in_contact: BackInContact::TrustsItsRecord,
            ..holder_policy()
        })
    };
    let (claims, recovered) = claimed(trusting);
    assert!(claims > 0 && recovered == 1, "{claims}, {recovered}");
    assert_eq!(claimed(|| careful(LostContact::Jeopardy)).1, 0);
}

#[test]
fn a_holder_takes_a_grant_to_last_so_many_ttls() {
    let claimed = |make: Make| {
        let mut few = with_holder(make);
        few.run_to(1_000);
        few.claims(HOLDER)[0].1
    };
    assert_eq!(claimed(|| holder(holder_policy())), 10_000);
    assert_eq!(claimed(|| holder(HolderPolicy { ttl_multiplier: 2, ..holder_policy() })), 20_000);
}

#[test]
fn a_holder_that_wakes_past_its_deadline_in_jeopardy_asks_at_once() {
    let mut few = with_holder(|| careful(LostContact::Jeopardy));
    few.run_to(3_000);
    few.now = 6_000;
    few.handle(HOLDER, Input::Timer(crate::holder::Timer::Renew.into()));
    assert_eq!((few.claim_ends(HOLDER), renewals(&few)), (vec![(6_000, ClaimEnd::Lapsed)], vec![6_000]));
}

#[test]
fn a_holder_that_goes_on_claims_until_it_is_told() {
    let few = cut_off_until(6_000, || careful(LostContact::GoOn));
    assert_eq!(few.claims(HOLDER)[0], (5, i64::MAX / 1_000_000));
    assert_eq!(few.claim_ends(HOLDER), []);
    assert!(writes(&few, 5_000..6_000) > 0);
    assert!(renewals(&few).iter().filter(|at| (3_000..6_000).contains(*at)).count() > 2, "it keeps asking");

    let few = cut_off_until(11_000, || careful(LostContact::GoOn));
    let [(at, ClaimEnd::ToldLost)] = few.claim_ends(HOLDER)[..] else { panic!("told") };
    assert!(at > 11_000 && acquires(&few)[1] == at);
    assert!(writes(&few, 10_003..11_000) > 0, "after its lease has ended");
}
