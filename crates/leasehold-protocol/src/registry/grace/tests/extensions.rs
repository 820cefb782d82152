//! What leases get for what is not their holders' fault.

use super::*;

/// Eureka: evictions every 60 s, and one runs 75 s after the last: 15 s late. A lease of 90 s is over after 105 s.
#[test]
fn a_late_sweep_adds_its_lateness() {
    let mut grace = at_work(&GracePolicy { late_sweep: LateSweep::Compensated, ..policy() }, 1, 0, secs(90));
    grace.swept(at(75_000), secs(15));
    assert_eq!(grace.grace(member(0), at(75_000)), secs(15));
    grace.swept(at(135_000), Span::ZERO);
    assert_eq!(grace.grace(member(0), at(135_000)), Span::ZERO);
}

/// Nomad: a lease that a new leader finds lasts five minutes more, until its first heartbeat.
#[test]
fn a_recovered_lease_gets_more_once() {
    let mut grace = build(&GracePolicy { failover: Some(secs(300)), ..policy() }, places(&[0, 0], 0));
    grace.began(member(0), secs(30), at(0), Beginning::Recovered);
    grace.began(member(1), secs(30), at(0), Beginning::Registered);
    assert_eq!(grace.grace(member(0), at(30_000)), secs(300));
    assert_eq!(grace.grace(member(1), at(30_000)), Span::ZERO);
    grace.renewed(member(0), 1, at(31_000));
    assert_eq!(grace.grace(member(0), at(61_000)), Span::ZERO);
}

/// Consul: not routed when the check has failed, deregistered a minute later at the earliest.
#[test]
fn a_second_stage_comes_after_a_first_that_is_listed_no_more() {
    let policy = GracePolicy { detector: Detector::Fixed(secs(5)), second_stage: Some(secs(60)), ..policy() };
    let mut grace = at_work(&policy, 1, 0, secs(30));
    assert_eq!(grace.suspicion(member(0), at(30_000)), Some(secs(5)));
    assert_eq!(grace.grace(member(0), at(30_000)), secs(65));
    assert_eq!((policy.longest_listed(), policy.longest()), (secs(5), secs(65)));
    let without = GracePolicy { second_stage: None, ..policy };
    assert_eq!(at_work(&without, 1, 0, secs(30)).suspicion(member(0), at(30_000)), None);
}

/// Ten members, windows of 15 s. In the first all are heard of, in the second the last three are not: 30 % > 20 %, so at
/// 30 s grace widens to one step of 5 s; at 45 s and 60 s it doubles. Then all are heard of again.
#[test]
fn silence_in_common_widens_grace_and_it_narrows_again() {
    let mut grace =
        at_work(&GracePolicy { congestion: Some(Congestion::default()), ..policy() }, 10, 0, secs(30));
    let mut shown = Vec::new();
    for second in 1..=120_u64 {
        let are_silent = (15..60).contains(&second);
        let heard = if are_silent { 7 } else { 10 };
        if second % 10 == 5 {
            (0..heard).for_each(|number| grace.renewed(member(number), second, at(second * 1_000)));
        }
        if second % 15 == 0 {
            shown.push(grace.grace(member(0), at(second * 1_000)).as_nanos() / 1_000_000_000);
        }
    }
    // At 65 s the three come late, which is a window with lateness in common again.
    assert_eq!(shown, [0, 5, 10, 20, 40, 35, 30, 25]);
}

/// Late heartbeats count at once: the third of ten that comes 13 s after its last, 12 s being in time, is 30 %.
#[test]
fn lateness_in_common_widens_at_once_but_once_a_window() {
    let mut grace =
        at_work(&GracePolicy { congestion: Some(Congestion::default()), ..policy() }, 10, 0, secs(30));
    let mut after = |number: u32, now: u64| {
        grace.renewed(member(number), 1, at(now));
        grace.grace(member(9), at(now))
    };
    assert_eq!(after(0, 12_000), Span::ZERO, "in time");
    assert_eq!(after(1, 13_000), Span::ZERO, "one alone");
    assert_eq!(after(2, 13_000), Span::ZERO, "20 % are not more than 20 %");
    assert_eq!(after(3, 13_000), secs(5));
    assert_eq!(after(4, 13_000), secs(5));
}

/// One of two is half of all, and yet has nothing in common with anybody.
#[test]
fn one_late_member_is_not_the_network() {
    let mut grace =
        at_work(&GracePolicy { congestion: Some(Congestion::default()), ..policy() }, 2, 0, secs(30));
    for beat in 1..=10 {
        grace.renewed(member(0), beat, at(beat * 10_000));
    }
    assert_eq!(grace.grace(member(1), at(100_000)), Span::ZERO);
}

/// A registry that stood still for a year closes as many windows as make a difference.
#[test]
fn grace_never_widens_beyond_its_limit() {
    let policy = GracePolicy { congestion: Some(Congestion::default()), at_most: secs(33), ..policy() };
    let mut grace = at_work(&policy, 10, 0, secs(30));
    assert_eq!(grace.grace(member(0), at(365 * 86_400_000)), secs(33));
    assert_eq!(policy.longest(), secs(33));
}

/// Nomad: 10,000 clients at 50 a second take 200 s, and chance adds up to as much; 100 clients take 2 s, so they get the
/// least term of 10 s, and up to as much again.
#[test]
fn terms_grow_with_the_number_of_members() {
    let policy = GracePolicy { rate_scaled: Some(RateScaled::default()), ..policy() };
    let grace = build(&policy, places(&[0], 0));
    let term = |members: u32, draw: fn(u64) -> u64| grace.term(secs(30), members, &mut |below| draw(below));
    assert_eq!((term(10_000, |_| 0), term(10_000, |below| below - 1)), (secs(200), secs(400)));
    assert_eq!((term(100, |_| 0), term(100, |below| below - 1)), (secs(10), secs(20)));
    assert_eq!(policy.longest_term(secs(30), 10_000), secs(400));
    let unscaled = super::policy();
    assert_eq!(build(&unscaled, places(&[0], 0)).term(secs(30), 10_000, &mut |_| 0), secs(30));
    assert_eq!(unscaled.longest_term(secs(30), 10_000), secs(30));
}
