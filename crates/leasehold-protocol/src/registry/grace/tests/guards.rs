//! Which of the ends that are due are admitted.

use alloc::vec;

use super::*;

/// Eureka with ten clients that renew every 30 s: 20 a minute are expected, and the threshold is 17.
fn of_eureka(guard: RateGuard) -> Box<dyn Grace> {
    let guard = RateGuard { counted: Counted::FullWindow, ..guard };
    at_work(&GracePolicy { rate_guard: Some(guard), heartbeat: secs(30), ..policy() }, 10, 0, secs(90))
}

fn beat(grace: &mut dyn Grace, beats: u64, from: u64) {
    (0..beats).for_each(|number| {
        let who = u32::try_from(number % 10).unwrap();
        grace.renewed(member(who), number + from, at(from + number));
    });
}

#[test]
fn the_guard_withholds_at_the_threshold_and_admits_above_it() {
    for (beats, expected) in [(17, vec![]), (18, vec![9])] {
        let mut grace = of_eureka(RateGuard::default());
        beat(&mut *grace, beats, 30_000);
        assert_eq!(admitted(&mut *grace, 59_999, &[9]), [], "no minute is full yet");
        assert_eq!(admitted(&mut *grace, 60_000, &[9]), expected, "{beats} in the last minute");
        assert_eq!(admitted(&mut *grace, 119_999, &[9]), expected);
        assert_eq!(admitted(&mut *grace, 120_000, &[9]), [], "none in the last minute");
    }
}

/// 20 in the first minute, none since. After 8 s of the next 20·52/60 = 17.3, cut to 17, still count: too few, while
/// Eureka sees that after a minute only.
#[test]
fn a_sliding_window_sees_an_outage_sooner() {
    let policy = GracePolicy { rate_guard: Some(RateGuard::default()), heartbeat: secs(30), ..policy() };
    let mut grace = at_work(&policy, 10, 0, secs(90));
    beat(&mut *grace, 20, 30_000);
    assert_eq!(admitted(&mut *grace, 66_000, &[9]), [9], "20·54/60 = 18");
    assert_eq!(admitted(&mut *grace, 68_000, &[9]), []);
    beat(&mut *grace, 1, 68_000);
    assert_eq!(admitted(&mut *grace, 68_000, &[9]), [9], "17 and 1 are 18");
}

/// Eureka evicts at most registry size − ⌊0.85 · size⌋ in a pass: of 100 members 15, of 10 members 2.
#[test]
fn a_pass_ends_no_more_than_its_share() {
    for (members, share) in [(100_u32, 15), (10, 2)] {
        let policy = GracePolicy { rate_guard: Some(RateGuard::default()), ..policy() };
        let mut grace = at_work(&policy, members, 0, secs(30));
        // Each member twelve times a minute: the dead are not missed.
        (0..members * 12).for_each(|beat| grace.renewed(member(beat % members), u64::from(beat), at(30_000)));
        let mut due: Vec<u32> = (0..members).collect();
        assert_eq!(end(&mut *grace, 60_000, &mut due), share);
        assert_eq!(grace.retry(at(60_000)), secs(10));
        assert_eq!(end(&mut *grace, 69_999, &mut due), 0, "the pass is not over");
        assert_eq!(grace.retry(at(69_999)), millis(1));
        assert_eq!(end(&mut *grace, 70_000, &mut due), share);
        assert_eq!(due[0], u32::try_from(2 * share).unwrap(), "in the order in which they came due");
    }
}

/// All of 40 members are dead at once. The guard gives way after 120 s, and the rest takes as many passes of 15 % as there
/// are shares in a whole: 7 · 6 = 42. That is within what it promises, and no sooner than its limit.
#[test]
fn a_guard_with_a_limit_gives_way() {
    let policy = GracePolicy { rate_guard: Some(RateGuard::default()), ..policy() };
    let mut grace = at_work(&policy, 40, 0, secs(30));
    let mut due: Vec<u32> = (0..40).collect();
    let mut now = 30_000;
    let mut ends = Vec::new();
    while !due.is_empty() {
        match end(&mut *grace, now, &mut due) {
            0 => {}
            count => ends.push((now / 1_000, count)),
        }
        now += grace.retry(at(now)).as_nanos() / 1_000_000;
        assert!(now < 400_000, "{} are withheld for ever", due.len());
    }
    assert_eq!(ends, [(150, 6), (160, 6), (170, 6), (180, 6), (190, 6), (200, 6), (210, 4)]);
    let promised = policy.longest_withheld(40, Tries::default()).unwrap();
    assert!(secs(210 - 30) <= promised && promised == secs(120 + 8 * 10));
}

/// Heartbeats that come again end the outage: the limit counts anew with the next.
#[test]
fn the_limit_counts_from_when_the_first_is_withheld() {
    let policy = GracePolicy { rate_guard: Some(RateGuard::default()), ..policy() };
    let mut grace = at_work(&policy, 10, 0, secs(30));
    assert_eq!(admitted(&mut *grace, 30_000, &[0, 1]), []);
    assert_eq!(admitted(&mut *grace, 149_999, &[0, 1]), []);
    grace.renewed(member(0), 1, at(149_999));
    assert_eq!(admitted(&mut *grace, 150_000, &[1]), [1], "one is withheld since 30 s");
    let mut grace = at_work(&policy, 10, 0, secs(30));
    assert_eq!(admitted(&mut *grace, 30_000, &[0, 1]), []);
    (0..2).for_each(|number| grace.renewed(member(number), 1, at(149_999)));
    assert_eq!(admitted(&mut *grace, 180_000, &[1]), [], "nobody was withheld any more");
}

#[test]
fn a_guard_without_a_limit_promises_nothing() {
    let guard = RateGuard { limit: None, ..RateGuard::default() };
    let policy = GracePolicy { rate_guard: Some(guard), ..policy() };
    let mut grace = at_work(&policy, 10, 0, secs(30));
    assert_eq!(admitted(&mut *grace, 30_000, &[0]), []);
    assert_eq!(admitted(&mut *grace, 30 * 86_400_000, &[0]), []);
    assert_eq!(policy.longest_withheld(10, Tries::default()), None);
    assert_eq!(super::policy().longest_withheld(10, Tries::default()), Some(Span::ZERO));
}

/// Eureka #1073: of 10 members two crash, one after the other. Who expired is expected no more, so 8 members are enough
/// for the 9 that are left. Where it still is, 8 of 10 are too few, for ever.
#[test]
fn what_is_expected_follows_ends_or_does_not() {
    for (expected, ends) in [(Expected::FollowsEnds, 1), (Expected::IgnoresExpiries, 0)] {
        let guard = RateGuard { expected, limit: None, ..RateGuard::default() };
        let mut grace = at_work(&GracePolicy { rate_guard: Some(guard), ..policy() }, 10, 0, secs(30));
        let minute = |grace: &mut dyn Grace, members: u32, from: u64| {
            let beats =
                (0..6 * members).map(|beat| (beat % members, from + u64::from(beat / members) * 10_000));
            beats.for_each(|(who, now)| grace.renewed(member(who), now, at(now)));
        };
        minute(&mut *grace, 9, 0);
        assert_eq!(end(&mut *grace, 60_000, &mut vec![9]), 1, "nine of ten are enough");
        minute(&mut *grace, 8, 60_000);
        minute(&mut *grace, 8, 120_000);
        assert_eq!(end(&mut *grace, 180_000, &mut vec![8]), ends, "{expected:?}");
    }
}

/// spring-cloud-netflix #747: with one or two members nobody is ever evicted. Six are below the fewest, seven are not.
#[test]
fn few_members_are_not_guarded() {
    for (members, ends) in [(1, 1), (6, 1), (7, 0)] {
        let policy = GracePolicy { rate_guard: Some(RateGuard::default()), ..policy() };
        let mut grace = at_work(&policy, members, 0, secs(30));
        assert_eq!(end(&mut *grace, 30_000, &mut vec![0]), ends, "of {members}");
    }
}

/// Members 0 to 59 are in zone 0, and 60 to 69 in zone 1.
fn in_two_zones(guard: ZoneGuard) -> Box<dyn Grace> {
    let zones: Vec<u16> = (0..70).map(|number| u16::from(number >= 60)).collect();
    let mut grace = build(&GracePolicy { zone_guard: Some(guard), ..policy() }, places(&zones, 0));
    (0..70).for_each(|number| grace.began(member(number), secs(30), at(0), Beginning::Registered));
    grace
}

/// When the first ends happen, in seconds, if these are due at 30 s.
fn ends_in_zones(guard: ZoneGuard, mut due: Vec<u32>, until: u64) -> Vec<u64> {
    let mut grace = in_two_zones(guard);
    let mut ends = Vec::new();
    let mut now = 30_000;
    while now <= until * 1_000 && !due.is_empty() {
        let count = end(&mut *grace, now, &mut due);
        ends.extend((0..count).map(|_| now / 1_000));
        now += grace.retry(at(now)).as_nanos().div_ceil(1_000_000);
    }
    ends
}

/// Kubernetes: 0.1 nodes a second in a healthy zone. 32 of 60 are 53 %.
#[test]
fn a_healthy_zone_loses_one_in_ten_seconds() {
    let guard = ZoneGuard { limit: None, ..ZoneGuard::default() };
    assert_eq!(ends_in_zones(guard, (0..32).collect(), 70), [30, 40, 50, 60, 70]);
}

/// From 55 % on 0.01 a second, as the zone has more than 50. Of 34 of 60 one ends; 33 of 59 are 55.9 %, 32 of 58 55.2 %,
/// and 31 of 57 are 54.4 %.
#[test]
fn a_large_zone_that_is_disturbed_loses_one_in_a_hundred_seconds() {
    let guard = ZoneGuard { limit: None, ..ZoneGuard::default() };
    assert_eq!(ends_in_zones(guard, (0..34).collect(), 250), [30, 130, 230, 240, 250]);
}

/// 6 of 10 are 60 %, in a small zone: nobody ends. 2 are too few to disturb it, and so are 5: 50 %. The whole zone is gone
/// as usual.
#[test]
fn a_small_zone_that_is_disturbed_loses_nobody() {
    let guard = ZoneGuard { limit: None, ..ZoneGuard::default() };
    assert_eq!(ends_in_zones(guard, (60..66).collect(), 1_000), []);
    assert_eq!(ends_in_zones(guard, (60..65).collect(), 40), [30, 40]);
    assert_eq!(ends_in_zones(guard, (60..70).collect(), 50), [30, 40, 50], "ten of ten, then nine of nine");
}

/// With all zones gone, nobody ends, until the limit.
#[test]
fn with_all_zones_gone_it_is_the_registry_that_is_cut_off() {
    let all: Vec<u32> = (0..70).collect();
    assert_eq!(ends_in_zones(ZoneGuard { limit: None, ..ZoneGuard::default() }, all.clone(), 1_000), []);
    let ends = ends_in_zones(ZoneGuard::default(), all, 2_000);
    assert_eq!((ends[0], ends[1], ends[2], ends[3]), (150, 150, 160, 160), "one of each zone");
    let policy = GracePolicy { zone_guard: Some(ZoneGuard::default()), ..policy() };
    let promised = policy.longest_withheld(70, Tries::default()).unwrap();
    assert!(secs(ends[69] - 30) <= promised, "{} took {}, not {promised}", ends.len(), ends[69]);
}

/// Sentinel with a quorum of 2: one observer is not enough, nor are two of which one said so 11 s ago, or one before the
/// last heartbeat.
#[test]
fn a_quorum_has_to_miss_a_member() {
    let policy = GracePolicy { quorum: Some(Quorum::default()), ..policy() };
    let mut grace = at_work(&policy, 2, 3, secs(30));
    let say = |grace: &mut dyn Grace, observer: u16, now: u64, sighting: Sighting| {
        grace.observed(member(0), NodeId(900 + observer), at(now), sighting);
    };
    assert_eq!(admitted(&mut *grace, 30_000, &[0, 1]), []);
    say(&mut *grace, 0, 30_000, Sighting::Missed);
    say(&mut *grace, 0, 30_500, Sighting::Missed);
    assert_eq!(admitted(&mut *grace, 31_000, &[0, 1]), [], "one of three, twice");
    say(&mut *grace, 2, 31_000, Sighting::Missed);
    assert_eq!(admitted(&mut *grace, 31_000, &[0, 1]), [0], "two of three");
    assert_eq!(admitted(&mut *grace, 40_501, &[0, 1]), [], "the first is old news");
    say(&mut *grace, 0, 40_600, Sighting::Missed);
    assert_eq!(admitted(&mut *grace, 40_600, &[0, 1]), [0]);
    say(&mut *grace, 2, 40_700, Sighting::Seen);
    assert_eq!(admitted(&mut *grace, 40_700, &[0, 1]), []);
    say(&mut *grace, 1, 41_000, Sighting::Missed);
    grace.renewed(member(0), 1, at(41_000));
    assert_eq!(admitted(&mut *grace, 42_000, &[0]), [], "a heartbeat came since");
}

/// Without a quorum the registry's word is enough after 60 s.
#[test]
fn without_a_quorum_the_limit_counts_for_each_member() {
    let policy = GracePolicy { quorum: Some(Quorum::default()), ..policy() };
    let mut grace = at_work(&policy, 2, 3, secs(30));
    assert_eq!(admitted(&mut *grace, 30_000, &[0]), []);
    assert_eq!(admitted(&mut *grace, 50_000, &[0, 1]), []);
    assert_eq!(grace.retry(at(85_000)), secs(10));
    assert_eq!(admitted(&mut *grace, 85_000, &[0, 1]), []);
    assert_eq!(grace.retry(at(85_000)), secs(5), "until the limit of the first");
    assert_eq!(admitted(&mut *grace, 90_000, &[0, 1]), [0]);
    assert_eq!(policy.longest_withheld(2, Tries::default()), Some(secs(70)));
}

/// Envoy, `max_ejection_percent` 10: of 20 hosts two are out at most, of 15 two (one is 6.7 %), of 5 one. The next is when
/// the first comes back after 30 s.
#[test]
fn only_a_share_is_out_at_once() {
    for (members, out) in [(20, 2), (15, 2), (10, 1), (5, 1)] {
        let policy = GracePolicy { ejection: Some(Ejection::default()), ..policy() };
        let mut grace = at_work(&policy, members, 0, secs(30));
        let mut due: Vec<u32> = (0..members).collect();
        assert_eq!(end(&mut *grace, 30_000, &mut due), out, "of {members}");
        assert_eq!(end(&mut *grace, 59_999, &mut due), 0);
        assert_eq!(grace.retry(at(59_999)), millis(1));
        assert!(end(&mut *grace, 60_000, &mut due) >= 1);
    }
}

/// The registry tells of an end when it is durable. Until then others come due, and two of twenty may be out.
#[test]
fn who_was_admitted_is_out_before_the_end_is_told_of() {
    let policy = GracePolicy { ejection: Some(Ejection::default()), ..policy() };
    let mut grace = at_work(&policy, 20, 0, secs(30));
    assert_eq!(admitted(&mut *grace, 30_000, &[0, 1, 2]), [0, 1]);
    assert_eq!(admitted(&mut *grace, 31_000, &[2]), []);
    grace.ended(member(0), at(32_000), Departure::Expired);
    assert_eq!(grace.readmission(member(0), at(32_000)), Some(at(60_000)), "once, and since it was admitted");
}
