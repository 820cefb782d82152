use super::*;
use crate::policy::Expiry;
use crate::registry::grace::{Detector, GracePolicy, LateSweep, Lifeguard, Quorum, RateGuard, ZoneGuard};

/// Members register at 0; the disk takes 1 ms, so their terms are over at 30,001 ms.
fn expiring(members: u32, expiry: Expiry, grace: GracePolicy) -> Few {
    all_registered(members, RegistryPolicy { expiry, grace, suspect_after: 9, ..policy() })
}

const SWEEP: Expiry = Expiry::Sweep { every: Span::from_secs(4), at_most: None };
const BUCKETS: Expiry = Expiry::Buckets { width: Span::from_secs(7) };

#[test]
fn a_lease_ends_by_its_timer_with_the_next_sweep_or_with_its_bucket() {
    for (expiry, end) in [(Expiry::ExactTimer, 30_002), (SWEEP, 32_001), (BUCKETS, 35_001)] {
        let mut few = expiring(1, expiry, GracePolicy::default());
        few.run_to(60_000);
        assert_eq!(expired_at(&few), [end], "{expiry:?}");
    }
}

#[test]
fn a_sweep_ends_only_so_many_and_the_rest_with_the_next() {
    let expiry = Expiry::Sweep { every: Span::from_secs(4), at_most: Some(2) };
    let mut few = expiring(5, expiry, GracePolicy::default());
    few.run_to(60_000);
    assert_eq!(expired_at(&few), [32_001, 32_001, 36_001, 36_001, 40_001]);
    let limited = NodeEvent::Probed(leasehold_core::event::Probe::SweepRateLimited);
    assert_eq!(few.times(REGISTRY, |event| *event == limited), [32_000, 36_000]);
}

#[test]
fn a_heartbeat_before_the_sweep_saves_a_lease_whose_term_is_over() {
    let mut few = expiring(1, SWEEP, GracePolicy::default());
    few.run_to(31_000);
    beat(&mut few, 1, 0);
    few.run_to(90_000);
    assert_eq!(expired_at(&few), [64_001], "61,000 is its next deadline");
}

#[test]
fn a_slow_sweep_comes_so_many_times_later_and_says_so() {
    let mut few = expiring(1, SWEEP, GracePolicy::default());
    few.run_to(25_000);
    few.command(REGISTRY, RegistryCommand::SlowSweep);
    few.run_to(70_000);
    assert_eq!(expired_at(&few), [56_001], "eight intervals after the last in time, at 24 s");
    few.command(REGISTRY, RegistryCommand::SweepInTime);
    few.run_to(150_000);
    let late: Vec<_> = few
        .registry_events(REGISTRY)
        .into_iter()
        .filter_map(|(at, event)| match event {
            RegistryEvent::SweptLate { late } => Some((at, late)),
            _ => None,
        })
        .collect();
    // At 70 s the sweep that was meant for 60 s comes at once.
    assert_eq!(late, [(56_000, Span::from_secs(28)), (70_000, Span::from_secs(10))]);
}

#[test]
fn a_registry_that_stood_still_says_how_late_it_is() {
    for expiry in [Expiry::ExactTimer, BUCKETS, SWEEP] {
        let mut few = expiring(1, expiry, GracePolicy::default());
        few.run_to(10_000);
        few.pause(REGISTRY);
        few.run_to(50_000);
        few.resume(REGISTRY);
        few.run_to(60_000);
        let is_late =
            |event: &NodeEvent| matches!(event, NodeEvent::Registry(RegistryEvent::SweptLate { .. }));
        assert_eq!(
            (few.times(REGISTRY, is_late).len(), expired_at(&few)),
            (1, [50_001].into()),
            "{expiry:?}"
        );
    }
}

#[test]
fn a_member_is_suspect_when_so_many_heartbeats_are_missing() {
    for (suspect_after, expected) in [(1, Some(10_002)), (2, Some(20_002)), (3, None)] {
        let mut few = registered(RegistryPolicy { suspect_after, ..policy() });
        few.run_to(60_000);
        let suspect: Vec<i64> =
            statuses(&few, 0).into_iter().filter(|(_, s)| *s == Status::Suspect).map(|(at, _)| at).collect();
        assert_eq!(suspect, Vec::from_iter(expected), "{suspect_after}");
    }
}

#[test]
fn a_suspect_that_is_heard_of_again_passes_again() {
    let mut few = registered(policy());
    few.run_to(25_000);
    beat(&mut few, 1, 0);
    few.run_to(46_000);
    beat(&mut few, 1, 1);
    few.run_to(47_000);
    let told = [
        (1, Status::Passing),
        (20_002, Status::Suspect),
        (25_001, Status::Passing),
        (45_001, Status::Suspect),
        (46_001, Status::Passing),
    ];
    assert_eq!(statuses(&few, 0), told);
    assert_eq!(few.ends(), []);
}

#[test]
fn grace_is_given_beyond_the_term_and_never_more_than_allowed() {
    for (grace, at_most, end) in [(0, 60, 30_002), (12, 60, 42_002), (12, 5, 35_002)] {
        let detector = Detector::Fixed(Span::from_secs(grace));
        let grace = GracePolicy { detector, at_most: Span::from_secs(at_most), ..GracePolicy::default() };
        let mut few = expiring(1, Expiry::ExactTimer, grace.clone());
        few.run_to(90_000);
        assert_eq!(expired_at(&few), [end], "{grace:?}");
        let mut few = expiring(1, Expiry::ExactTimer, grace.clone());
        few.run_to(end - 100);
        beat(&mut few, 1, 0);
        few.run_to(end + 10_000);
        assert_eq!(expired_at(&few), [], "a heartbeat within grace keeps it: {grace:?}");
    }
}

#[test]
fn the_second_stage_is_suspect_before_it_ends() {
    let grace = GracePolicy {
        second_stage: Some(Span::from_secs(8)),
        at_most: Span::from_secs(60),
        ..GracePolicy::default()
    };
    let mut few = expiring(1, Expiry::ExactTimer, grace);
    few.run_to(60_000);
    assert_eq!(statuses(&few, 0), [(1, Status::Passing), (30_002, Status::Suspect)]);
    assert_eq!(expired_at(&few), [38_002]);
}

fn guard() -> GracePolicy {
    GracePolicy {
        rate_guard: Some(RateGuard { limit: Some(Span::from_secs(60)), ..RateGuard::default() }),
        at_most: Span::from_secs(60),
        ..GracePolicy::default()
    }
}

/// What is withheld and admitted, when.
fn withheld(few: &Few) -> Vec<(i64, Option<u32>)> {
    let events = few.registry_events(REGISTRY).into_iter();
    events
        .filter_map(|(at, event)| match event {
            RegistryEvent::EndsWithheld { due, .. } => Some((at, Some(due))),
            RegistryEvent::EndsAdmitted => Some((at, None)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_guard_withholds_the_ends_of_all_for_a_while_and_says_so_once() {
    for (grace, first, last) in [(GracePolicy::default(), 30_002, 30_002), (guard(), 90_002, 200_002)] {
        let mut few = expiring(20, Expiry::ExactTimer, grace.clone());
        few.run_to(400_000);
        let ends = expired_at(&few);
        assert_eq!(ends.len(), 20);
        assert!(ends[0] >= first && *ends.last().unwrap() <= last, "{ends:?} by {grace:?}");
        let is_guarded = grace.rate_guard.is_some();
        let told = withheld(&few);
        assert_eq!(
            (told.first().map(|(at, _)| *at), told.len()),
            if is_guarded { (Some(30_001), 2) } else { (None, 0) }
        );
    }
}

/// A sweep ends two, and the guard admits three of twenty in a pass of a minute: the third is not lost, but ends with the
/// next sweep.
#[test]
fn a_guard_counts_the_ends_that_a_sweep_makes() {
    let grace = GracePolicy { pass: Span::from_secs(60), ..guard() };
    let expiry = Expiry::Sweep { every: Span::from_secs(4), at_most: Some(2) };
    let mut few = expiring(20, expiry, grace);
    few.run_to(150_000);
    assert_eq!(expired_at(&few), [92_001, 92_001, 96_001]);
}

/// All stay silent. A pass of 10 s ends with the second sweep of 9 s, so that the waits of a guard come to more than it
/// says, and to no more than is promised. With exact timers they are what it says.
#[test]
fn what_guards_let_go_ends_as_soon_as_is_promised_whatever_the_sweep() {
    let (sweep, buckets) = (
        Expiry::Sweep { every: Span::from_secs(9), at_most: None },
        Expiry::Buckets { width: Span::from_secs(9) },
    );
    let by_rate = GracePolicy { rate_guard: Some(RateGuard::default()), ..GracePolicy::default() };
    let by_zone = GracePolicy { zone_guard: Some(ZoneGuard::default()), ..GracePolicy::default() };
    let took = |grace: &GracePolicy, members, expiry, noticed: i64| {
        let rules = RegistryPolicy { expiry, grace: grace.clone(), suspect_after: 9_999, ..policy() };
        let promised = rules.longest_withheld(members).unwrap().as_nanos() / 1_000_000_000;
        let mut few = all_registered(members, rules);
        few.run_to(2_000_000);
        let ends = expired_at(&few);
        assert_eq!(ends.len(), members as usize);
        let took = (ends[ends.len() - 1] - 30_002 + 999) / 1_000;
        assert!(
            took <= promised as i64 + noticed,
            "{took} s, and {promised} s are promised, with {expiry:?}"
        );
        took
    };
    let all = [(Expiry::ExactTimer, 0), (sweep, 9), (buckets, 9)];
    assert_eq!(all.map(|(expiry, noticed)| took(&by_rate, 100, expiry, noticed)), [180, 240, 240]);
    assert_eq!(all.map(|(expiry, noticed)| took(&by_zone, 60, expiry, noticed)), [710, 1_194, 1_194]);
}

#[test]
fn who_is_heard_of_while_its_end_is_withheld_is_saved() {
    let mut few = expiring(20, Expiry::ExactTimer, guard());
    few.run_to(50_000);
    (0..20).for_each(|member| beat_as(&mut few, member, (u64::from(member) + 1, Some(1)), 0, Health::Ready));
    few.run_to(75_000);
    assert_eq!((few.ends(), renewals(&few).len()), ([].into(), 20));
    let told = withheld(&few);
    assert_eq!((told.len(), told[1].1), (2, None), "{told:?}");
}

#[test]
fn what_observers_say_reaches_the_guard_that_asks_them() {
    let quorum = Some(Quorum { observers: 1, limit: None, ..Quorum::default() });
    let grace = GracePolicy { quorum, pass: Span::from_secs(10), ..GracePolicy::default() };
    for (health, ends) in [(None, &[40_002][..]), (Some(Health::Ready), &[])] {
        let mut few = expiring(1, Expiry::ExactTimer, grace.clone());
        few.run_to(35_000);
        few.send(OBSERVER, REGISTRY, RegistryMessage::Observed { member: ResourceId(0), round: 3, health });
        few.run_to(60_000);
        assert_eq!(expired_at(&few), ends, "{health:?}");
    }
}

/// The term is over at 30 s. Half a second later the suspicion begins: it lasts 18 s, or 3 s once somebody confirms it.
#[test]
fn what_observers_confirm_later_shortens_a_suspicion() {
    let detector = Detector::Lifeguard(Lifeguard { multiplier: 3, ..Lifeguard::default() });
    let grace = GracePolicy { detector, at_most: Span::from_secs(60), ..GracePolicy::default() };
    for (confirmed, end) in [(None, 48_502), (Some(34_000), 34_001)] {
        let mut few = expiring(1, Expiry::ExactTimer, grace.clone());
        if let Some(at) = confirmed {
            few.run_to(at);
            let (member, health) = (ResourceId(0), None);
            few.send(OBSERVER, REGISTRY, RegistryMessage::Observed { member, round: 3, health });
        }
        few.run_to(60_000);
        assert_eq!(expired_at(&few), [end], "{confirmed:?}");
    }
}

/// Of a quorum of one: what was held up is older than what was said last.
#[test]
fn a_word_that_was_overtaken_does_not_count() {
    let quorum = Some(Quorum { observers: 1, limit: None, ..Quorum::default() });
    let grace = GracePolicy { quorum, pass: Span::from_secs(10), ..GracePolicy::default() };
    for (round, ends) in [(2, &[][..]), (3, &[]), (4, &[40_002])] {
        let mut few = expiring(1, Expiry::ExactTimer, grace.clone());
        few.run_to(35_000);
        let member = ResourceId(0);
        for (round, health) in [(3, Some(Health::Ready)), (round, None)] {
            few.send(OBSERVER, REGISTRY, RegistryMessage::Observed { member, round, health });
        }
        few.run_to(60_000);
        assert_eq!(expired_at(&few), ends, "round {round}");
    }
}

/// It stands still from 10 s to 50 s, so the sweep of 12 s is 38 s late.
#[test]
fn a_sweep_that_was_late_is_lenient_if_the_policy_says_so() {
    for (late_sweep, end) in [(LateSweep::Ignored, 50_001), (LateSweep::Compensated, 70_001)] {
        let grace = GracePolicy { late_sweep, at_most: Span::from_secs(60), ..GracePolicy::default() };
        let mut few = expiring(1, SWEEP, grace);
        few.run_to(10_000);
        few.pause(REGISTRY);
        few.run_to(50_000);
        few.resume(REGISTRY);
        few.run_to(120_000);
        assert_eq!(expired_at(&few), [end], "{late_sweep:?}");
    }
}
