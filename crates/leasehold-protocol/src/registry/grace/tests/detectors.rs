//! How long beyond its term a lease is left alive.

use super::*;

/// The only member has a term of 1 ns, so that its grace is how long the detector waits after the last heartbeat, less
/// that.
fn watched(detector: Detector) -> Box<dyn Grace> {
    at_work(&GracePolicy { detector, ..policy() }, 1, 0, Span::from_nanos(1))
}

/// How long after the last heartbeat the member is given up.
fn patience(grace: &mut dyn Grace, now: u64) -> Span {
    grace.grace(member(0), at(now)) + Span::from_nanos(1)
}

fn beat(grace: &mut dyn Grace, arrivals: &[(u64, u64)]) {
    arrivals.iter().for_each(|(number, millis)| grace.renewed(member(0), *number, at(*millis)));
}

#[test]
fn none_gives_nothing_and_fixed_the_same_always() {
    let mut none = at_work(&GracePolicy { detector: Detector::None, ..policy() }, 1, 0, secs(30));
    let mut fixed = at_work(&GracePolicy { detector: Detector::Fixed(secs(10)), ..policy() }, 1, 0, secs(30));
    for now in [0, 10_000, 50_000] {
        assert_eq!(none.grace(member(0), at(now)), Span::ZERO);
        assert_eq!(fixed.grace(member(0), at(now)), secs(10));
        fixed.renewed(member(0), now, at(now));
    }
}

/// k = 5 heartbeats of 10 s: 50 s after the last. A term of 30 s leaves 20 s of grace, one of 60 s none.
#[test]
fn missed_heartbeats_are_counted_from_the_last() {
    let policy = GracePolicy { detector: Detector::Missed(5), ..policy() };
    assert_eq!(at_work(&policy, 1, 0, secs(30)).grace(member(0), at(0)), secs(20));
    assert_eq!(at_work(&policy, 1, 0, secs(60)).grace(member(0), at(0)), Span::ZERO);
}

/// HAProxy: `inter 2s fall 3 rise 2`: down after 3 · 2 s = 6 s.
#[test]
fn three_intervals_in_a_row_are_a_fall() {
    let detector = Detector::RiseAndFall(RiseAndFall::default());
    let policy = GracePolicy { detector, heartbeat: secs(2), ..policy() };
    assert_eq!(at_work(&policy, 1, 0, secs(2)).grace(member(0), at(0)), secs(4));
}

/// Who fell registers at 8 s, and its heartbeats come every 2 s: the second of them in a row is a rise. One that comes
/// after 4 s begins a new row.
#[test]
fn two_heartbeats_in_a_row_are_a_rise() {
    let detector = Detector::RiseAndFall(RiseAndFall::default());
    let policy = GracePolicy { detector, heartbeat: secs(2), ..policy() };
    let mut grace = at_work(&policy, 1, 0, secs(2));
    assert_eq!(grace.readmission(member(0), at(0)), None, "nobody is down at first");
    grace.ended(member(0), at(6_000), Departure::Expired);
    grace.began(member(0), secs(2), at(8_000), Beginning::Registered);
    assert_eq!(grace.readmission(member(0), at(8_000)), Some(at(13_000)), "two intervals, and a half");
    let mut after = |number: u64, now: u64| {
        grace.renewed(member(0), number, at(now));
        grace.readmission(member(0), at(now))
    };
    assert_eq!(after(1, 10_000), Some(at(13_000)));
    assert_eq!(after(2, 14_000), Some(at(17_000)), "one is missing: this is the first in a row again");
    assert_eq!(after(3, 16_000), None);
    grace.ended(member(0), at(17_000), Departure::Left);
    assert_eq!(grace.readmission(member(0), at(17_000)), None, "who left did not fall");
}

/// From a table of the normal distribution, Q(y) = P(X > y): Q(3.719016) = 10⁻⁴ and Q(5.612001) = 10⁻⁸.
///
/// Intervals of 9, 11, 9 and 11 s in a window of 4: mean 10 s, deviation √((1+1+1+1)/4) = 1 s. A threshold of 4 is
/// exceeded after 10 + 3 (pause) + 3.719016 = 16.719016 s, one of 8 after 10 + 3 + 5.612001 = 18.612001 s.
#[test]
fn phi_exceeds_its_threshold_where_the_normal_distribution_says() {
    for (threshold, micros) in [(4, 16_719_016), (8, 18_612_001)] {
        let mut grace =
            watched(Detector::PhiNormal(PhiNormal { threshold, window: 4, ..PhiNormal::default() }));
        beat(&mut *grace, &[(1, 9_000), (2, 20_000), (3, 29_000), (4, 40_000)]);
        assert_near(patience(&mut *grace, 40_000), micros);
    }
}

/// Without a deviation Akka's least one counts: 10 + 3 + 5.612001 · 0.1 = 13.561200 s. The silence of 30 s is longer than
/// that, so it is not remembered.
#[test]
fn phi_knows_a_least_deviation_and_forgets_the_silence_of_the_dead() {
    let mut grace = watched(Detector::PhiNormal(PhiNormal { window: 4, ..PhiNormal::default() }));
    beat(&mut *grace, &[(1, 10_000), (2, 20_000), (3, 30_000), (4, 40_000)]);
    assert_near(patience(&mut *grace, 40_000), 13_561_200);
    beat(&mut *grace, &[(5, 70_000)]);
    assert_near(patience(&mut *grace, 70_000), 13_561_200);
}

/// Before the first heartbeat, Akka's estimate from 10 s: a deviation of 10/4 = 2.5 s, so 10 + 3 + 5.612001 · 2.5 =
/// 27.030003 s.
#[test]
fn phi_begins_with_an_estimate() {
    let mut grace = watched(Detector::PhiNormal(PhiNormal::default()));
    assert_near(patience(&mut *grace, 0), 27_030_003);
}

/// φ = t/mean · 0.4343, so with a mean of 1 s the threshold 8 is exceeded at 8/0.4342945 = 18.420681 s.
///
/// Intervals of 1.0, 0.9 and 1.1 s push the estimate of 2 s out of a window of 3. The interval of 2.5 s is more than twice
/// the heartbeat's, and not remembered.
#[test]
fn exponential_phi_goes_by_the_mean_alone() {
    let detector = Detector::PhiExponential(PhiExponential { window: 3, ..PhiExponential::default() });
    let policy = GracePolicy { detector, heartbeat: secs(1), ..policy() };
    let mut grace = at_work(&policy, 1, 0, Span::from_nanos(1));
    assert_near(patience(&mut *grace, 0), 2 * 18_420_681);
    beat(&mut *grace, &[(1, 1_000), (2, 1_900), (3, 3_000)]);
    assert_near(patience(&mut *grace, 3_000), 18_420_681);
    beat(&mut *grace, &[(4, 5_500)]);
    assert_near(patience(&mut *grace, 5_500), 18_420_681);
}

/// Chen, Toueg and Aguilera, NFD-E with h = 10 s: heartbeats 1 to 5 come at 10.1, 20.3, 30.2, 40.5 and 50.4 s, so
/// A_i − i·h = 0.1, 0.3, 0.2, 0.5, 0.4 with the mean 0.3. EA_6 = 0.3 + 60 = 60.3 s, and with α = 0.2 s it is given up at
/// 60.5 s: 10.1 s after the fifth.
#[test]
fn chen_estimates_the_sixth_arrival_from_five() {
    let mut grace = watched(Detector::Chen(Chen::default()));
    beat(&mut *grace, &[(1, 10_100), (2, 20_300), (3, 30_200), (4, 40_500), (5, 50_400)]);
    assert_eq!(patience(&mut *grace, 50_400), millis(10_100));
}

/// The same with the fourth lost: the mean of 0.1, 0.3, 0.2 and 0.4 is 0.25, EA_6 = 60.25 s, given up at 60.45 s.
#[test]
fn chen_goes_by_the_numbers_of_heartbeats() {
    let mut grace = watched(Detector::Chen(Chen::default()));
    beat(&mut *grace, &[(1, 10_100), (2, 20_300), (3, 30_200), (5, 50_400)]);
    assert_eq!(patience(&mut *grace, 50_400), millis(10_050));
    grace.began(member(0), Span::from_nanos(1), at(60_000), Beginning::Registered);
    assert_eq!(patience(&mut *grace, 60_000), millis(10_200), "a new lease begins without a past");
}

/// RFC 6298, 2.2 and 2.3: R = 100 ms: srtt 100, rttvar 50, so 10 s + 100 + 4·50 = 10.3 s. R = 140 ms: rttvar =
/// 3/4·50 + 1/4·|100−140| = 47.5, srtt = 7/8·100 + 1/8·140 = 105, so 10 s + 105 + 190 = 10.295 s.
#[test]
fn jacobson_smooths_lateness_and_its_deviation() {
    let mut grace = watched(Detector::Jacobson);
    beat(&mut *grace, &[(1, 10_000)]);
    assert_eq!(patience(&mut *grace, 10_000), secs(10));
    beat(&mut *grace, &[(2, 20_100)]);
    assert_eq!(patience(&mut *grace, 20_100), millis(10_300));
    beat(&mut *grace, &[(3, 30_240)]);
    assert_eq!(patience(&mut *grace, 30_240), millis(10_295));
}

/// Number 2 is lost, and number 3 comes 20.1 s after number 1: 100 ms late, not 10.1 s.
#[test]
fn jacobson_does_not_take_a_lost_heartbeat_for_a_late_one() {
    let mut grace = watched(Detector::Jacobson);
    beat(&mut *grace, &[(1, 10_000), (3, 30_100)]);
    assert_eq!(patience(&mut *grace, 30_100), millis(10_300));
}

/// memberlist's own example: min 0.5 s, max 2 s, k = 3. Nobody confirms: 2 s. One: 2 − 1.5·ln 2/ln 4 = 1.25 s. Two:
/// 2 − 1.5·ln 3/ln 4 = 2 − 1.5·0.792481 = 0.811278 s. Three: 0.5 s.
///
/// Ten members or fewer: log10 N counts as 1. A multiplier of 5 makes k = 3 and, with an interval of 0.1 s, min = 0.5 s;
/// max is 4 times that.
#[test]
fn lifeguard_suspects_the_shorter_the_more_confirm_it() {
    let lifeguard = Lifeguard { multiplier: 5, longest: 4, interval: millis(100), timeout: Span::ZERO };
    let policy = GracePolicy { detector: Detector::Lifeguard(lifeguard), ..policy() };
    let mut grace = at_work(&policy, 10, 4, secs(30));
    let mut shown = Vec::new();
    for observer in 0..4 {
        shown.push(grace.grace(member(0), at(31_000)).as_nanos() / 1_000_000);
        grace.observed(member(0), NodeId(900 + observer), at(31_000), Sighting::Missed);
    }
    assert_eq!(shown, [2_000, 1_250, 811, 500]);
    assert_eq!(grace.grace(member(0), at(31_000)), millis(500), "four are no more than three");
    assert_eq!(grace.grace(member(1), at(31_000)), secs(2));
    grace.observed(member(0), NodeId(900), at(31_000), Sighting::Seen);
    grace.observed(member(0), NodeId(901), at(31_000), Sighting::Seen);
    assert_eq!(grace.grace(member(0), at(31_000)).as_nanos() / 1_000_000, 811, "two saw it again");
    grace.renewed(member(0), 1, at(32_000));
    assert_eq!(grace.grace(member(0), at(62_000)), secs(2), "a heartbeat refutes them all");
}

/// memberlist's defaults, 4 · log10(1000) · 1 s = 12 s for a thousand members, and k = 4 − 2 = 2. With one observer there
/// are too few to ask, so the shortest counts at once; with two it is 6 times as long at first.
#[test]
fn lifeguard_waits_longer_among_many() {
    let policy = GracePolicy { detector: Detector::Lifeguard(Lifeguard::default()), ..policy() };
    let timeout = millis(500);
    assert_eq!(at_work(&policy, 1_000, 1, secs(30)).grace(member(0), at(0)), secs(12) + timeout);
    assert_eq!(at_work(&policy, 1_000, 2, secs(30)).grace(member(0), at(0)), secs(72) + timeout);
    assert_eq!(at_work(&policy, 5, 1, secs(30)).grace(member(0), at(0)), secs(4) + timeout);
}

/// A registry that is late itself waits (score + 1) · 0.5 s; the score is 7 at most, and falls again.
#[test]
fn lifeguard_distrusts_a_late_registry() {
    let policy = GracePolicy { detector: Detector::Lifeguard(Lifeguard::default()), ..policy() };
    let mut grace = at_work(&policy, 5, 0, secs(30));
    let mut waits = |late: u64, sweeps: u32| {
        (0..sweeps).for_each(|_| grace.swept(at(0), millis(late)));
        grace.grace(member(0), at(0)) - secs(4)
    };
    assert_eq!(waits(0, 1), millis(500));
    assert_eq!(waits(500, 1), millis(500), "as late as its timeout is in time");
    assert_eq!(waits(501, 2), millis(1_500));
    assert_eq!(waits(501, 20), millis(4_000));
    assert_eq!(waits(0, 1), millis(3_500));
    assert_eq!(waits(0, 20), millis(500));
}

/// A detector that would give a member up before its term is over gives no grace.
#[test]
fn no_detector_gives_less_than_the_term() {
    for detector in [
        Detector::Missed(2),
        Detector::RiseAndFall(RiseAndFall::default()),
        Detector::PhiNormal(PhiNormal::default()),
        Detector::Chen(Chen::default()),
        Detector::Jacobson,
    ] {
        let mut grace = at_work(&GracePolicy { detector, ..policy() }, 1, 0, secs(30));
        (1..50).for_each(|number| grace.renewed(member(0), number, at(number * 10_000)));
        assert_eq!(grace.grace(member(0), at(520_000)), Span::ZERO, "{detector:?}");
    }
}
