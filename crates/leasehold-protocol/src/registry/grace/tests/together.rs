//! Several parts at once.

use alloc::vec;

use super::*;

#[test]
fn what_parts_give_is_added_up_and_cut() {
    let policy = GracePolicy {
        detector: Detector::Fixed(secs(10)),
        late_sweep: LateSweep::Compensated,
        second_stage: Some(secs(60)),
        at_most: secs(75),
        ..policy()
    };
    let mut grace = at_work(&policy, 1, 0, secs(30));
    grace.swept(at(30_000), secs(3));
    assert_eq!(grace.suspicion(member(0), at(30_000)), Some(secs(13)));
    assert_eq!(grace.grace(member(0), at(30_000)), secs(73));
    grace.swept(at(40_000), secs(20));
    assert_eq!(grace.grace(member(0), at(40_000)), secs(75));
    assert_eq!(policy.longest(), secs(75));
}

/// The quorum would let all three end, the rate guard two of ten, and one may be out: the one that came due first. What
/// another part refuses costs the rate guard nothing of its pass.
#[test]
fn the_guard_that_admits_least_decides() {
    let guard = RateGuard { limit: Some(Span::ZERO), ..RateGuard::default() };
    let policy = GracePolicy {
        quorum: Some(Quorum { observers: 1, ..Quorum::default() }),
        rate_guard: Some(guard),
        ejection: Some(Ejection { base: secs(1), ..Ejection::default() }),
        ..policy()
    };
    let mut grace = at_work(&policy, 10, 1, secs(30));
    for number in [4, 7, 5] {
        grace.observed(member(number), NodeId(900), at(30_000), Sighting::Missed);
    }
    let mut due = vec![3, 7, 4, 5];
    assert_eq!(end(&mut *grace, 30_000, &mut due), 1);
    assert_eq!(due, [3, 4, 5]);
    assert_eq!(grace.retry(at(30_000)), secs(1), "the soonest that any of them says");
    assert_eq!(end(&mut *grace, 31_000, &mut due), 1, "of the same pass");
    assert_eq!(end(&mut *grace, 32_000, &mut due), 0, "which is used up");
    assert_eq!(due, [3, 5]);
}

#[test]
fn the_latest_readmission_counts() {
    let ejection = Ejection { base: secs(3_600), longest: secs(7_200), ..Ejection::default() };
    let damping = Damping { suppress: 999, reuse: 500, ..Damping::default() };
    let policy = GracePolicy { ejection: Some(ejection), damping: Some(damping), ..policy() };
    let mut grace = at_work(&policy, 1, 0, secs(30));
    grace.ended(member(0), at(0), Departure::Expired);
    // 1000 is twice 500: one half-life of 15 min. The ejection takes an hour.
    assert_eq!(grace.readmission(member(0), at(0)), Some(at(3_600_000)));
    assert_eq!(policy.longest_kept_out(), secs(7_200));
}

/// A lease that replaces another one is one lease, and what does not live is not renewed.
#[test]
fn leases_are_counted_once() {
    let policy = GracePolicy { rate_guard: Some(RateGuard::default()), ..policy() };
    let mut grace = at_work(&policy, 6, 0, secs(30));
    grace.began(member(0), secs(30), at(1_000), Beginning::Registered);
    assert_eq!(admitted(&mut *grace, 31_000, &[0]), [0], "six are not guarded");
    grace.ended(member(0), at(31_000), Departure::Expired);
    grace.ended(member(0), at(31_000), Departure::Expired);
    grace.renewed(member(0), 2, at(31_000));
    assert_eq!(admitted(&mut *grace, 32_000, &[1]), [1]);
}

/// Whatever happens, in whatever order, no part panics, and no grace is above the longest.
#[test]
fn no_order_of_events_is_too_much() {
    let policy = GracePolicy {
        detector: Detector::PhiNormal(PhiNormal { window: 3, ..PhiNormal::default() }),
        late_sweep: LateSweep::Compensated,
        failover: Some(secs(5)),
        second_stage: Some(secs(7)),
        congestion: Some(Congestion::default()),
        rate_guard: Some(RateGuard { least_members: 2, ..RateGuard::default() }),
        zone_guard: Some(ZoneGuard::default()),
        quorum: Some(Quorum::default()),
        damping: Some(Damping::default()),
        ejection: Some(Ejection::default()),
        at_most: secs(40),
        ..policy()
    };
    let mut grace = build(&policy, places(&[0, 0, 1, 1, 2], 3));
    let mut draws = leasehold_core::noise::Draws::from_seed(5);
    let mut now = 0;
    let mut due = Vec::new();
    for number in 0..200_000 {
        now += draws.draw_below(3_000);
        let who = member(u32::try_from(draws.draw_below(5)).unwrap());
        match draws.draw_below(9) {
            0 => grace.began(who, secs(30), at(now), Beginning::Registered),
            1 => grace.ended(who, at(now), Departure::Expired),
            2 => grace.ended(who, at(now), Departure::Left),
            3 => grace.swept(at(now), millis(draws.draw_below(100_000))),
            4 => grace.observed(who, NodeId(900), at(now), Sighting::Missed),
            5 => {
                due.clear();
                due.extend((0..=who.0).map(member));
                grace.admit(at(now), &mut due);
                grace.admitted(at(now), &due);
                assert!(grace.retry(at(now)) <= policy.pass && !grace.retry(at(now)).is_zero());
            }
            6 => {
                let until = grace.readmission(who, at(now));
                assert!(
                    until.is_none_or(|until| until.saturating_since(at(now)) <= policy.longest_kept_out())
                );
            }
            _ => grace.renewed(who, number, at(now)),
        }
        let given = grace.grace(who, at(now));
        assert!(given <= policy.longest(), "{given}");
        assert!(grace.suspicion(who, at(now)).is_some_and(|suspicion| suspicion <= given));
    }
}
