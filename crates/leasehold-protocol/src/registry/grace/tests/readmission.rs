//! When somebody who comes back is let in.

use super::*;

fn damped(damping: Damping) -> Box<dyn Grace> {
    at_work(&GracePolicy { damping: Some(damping), ..policy() }, 1, 0, secs(30))
}

/// The lease of the member ends, and a new one begins at once if it may; gives until when it is kept out.
fn flap(grace: &mut dyn Grace, now: u64, how: Departure) -> Option<Reading> {
    grace.ended(member(0), at(now), how);
    let until = grace.readmission(member(0), at(now));
    grace.began(member(0), secs(30), at(now), Beginning::Registered);
    until
}

const MINUTE: u64 = 60_000;

/// RFC 2439 with a half-life of 15 min, 1000 a flap, suppressed above 2000 and reused at 750. Three flaps in one instant
/// make 3000, which is 4 · 750: two half-lives, 30 min.
#[test]
fn three_flaps_at_once_are_reused_after_two_half_lives() {
    let mut grace = damped(Damping::default());
    assert_eq!(flap(&mut *grace, 0, Departure::Expired), None);
    assert_eq!(flap(&mut *grace, 0, Departure::Expired), None, "2000 is not above 2000");
    assert_eq!(flap(&mut *grace, 0, Departure::Revoked), Some(at(30 * MINUTE)));
    assert_eq!(grace.readmission(member(0), at(30 * MINUTE - 1)), Some(at(30 * MINUTE)));
    assert_eq!(grace.readmission(member(0), at(30 * MINUTE)), None);
}

/// A flap every 15 min: 1000, then 500 + 1000 = 1500, 750 + 1000 = 1750, 1875, ... and never above 2000.
/// A flap every 7.5 min: 1000, 1000/√2 + 1000 = 1707, 2207: that is above, and back at 750 after
/// 15 · log2(2207.107/750) = 15 · 1.557195 = 23.357925 min.
#[test]
fn slow_flaps_are_never_suppressed_and_fast_ones_are() {
    let mut slow = damped(Damping::default());
    assert!((0..100).all(|flaps| flap(&mut *slow, flaps * 15 * MINUTE, Departure::Expired).is_none()));
    let mut fast = damped(Damping::default());
    let third = [0, 450_000, 900_000].map(|now| flap(&mut *fast, now, Departure::Expired))[2];
    assert_near(third.unwrap().saturating_since(at(900_000)), 23_357_925 * 60);
}

/// No penalty is above 750 · 2^(60/15) = 12,000: however often it flapped, it is back after an hour.
#[test]
fn nobody_is_kept_out_for_longer_than_the_longest() {
    let mut grace = damped(Damping::default());
    let last = (0..50).map(|_| flap(&mut *grace, 0, Departure::Expired)).last().unwrap();
    assert_eq!(last, Some(at(60 * MINUTE)));
}

#[test]
fn who_leaves_does_not_flap() {
    let mut grace = damped(Damping::default());
    assert!((0..50).all(|_| flap(&mut *grace, 0, Departure::Left).is_none()));
}

fn ejected() -> Box<dyn Grace> {
    at_work(&GracePolicy { ejection: Some(Ejection::default()), ..policy() }, 1, 0, secs(30))
}

/// Expires, is kept out, comes back as soon as it may, and expires in the same instant; gives for how long it is out.
fn ejection(grace: &mut dyn Grace, now: &mut u64) -> u64 {
    grace.ended(member(0), at(*now), Departure::Expired);
    let until = grace.readmission(member(0), at(*now)).unwrap();
    let out = until.saturating_since(at(*now)).as_nanos() / 1_000_000;
    *now += out;
    assert_eq!(grace.readmission(member(0), at(*now)), None);
    grace.began(member(0), secs(30), at(*now), Beginning::Registered);
    out / 1_000
}

/// Envoy: 30 s times how often in a row, at most 300 s. For each 10 s of health one is forgotten: as its documentation
/// says, after max/base · interval = 300/30 · 10 s = 100 s it is as if it had never been.
#[test]
fn each_ejection_in_a_row_takes_longer() {
    let mut grace = ejected();
    let mut now = 30_000;
    let out: Vec<u64> = (0..12).map(|_| ejection(&mut *grace, &mut now)).collect();
    assert_eq!(out, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
    now += 20_000;
    assert_eq!(ejection(&mut *grace, &mut now), 270, "two of ten are forgotten, and it is the ninth");
    now += 100_000;
    assert_eq!(ejection(&mut *grace, &mut now), 30);
}

/// A restart of its own counts as being well until then, and is no ejection.
#[test]
fn who_leaves_is_not_ejected() {
    let mut grace = ejected();
    grace.ended(member(0), at(30_000), Departure::Left);
    assert_eq!(grace.readmission(member(0), at(30_000)), None);
}
