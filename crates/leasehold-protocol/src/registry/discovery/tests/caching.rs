//! How old a view is, and what becomes of one that is too old.

use super::super::super::RegistryCommand;
use super::super::super::policy::{CacheFrom, CacheGuard, CutOff};
use super::*;

/// A client with a cache of 10 s that is cut off for good after 20 s.
fn cut_off(policy: DiscoveryPolicy) -> Case {
    let policy = DiscoveryPolicy { cache: Some(Span::from_secs(10)), ..policy };
    let mut case = Case::new(policy, &[(1_000, up(1, 1))]);
    case.few.on_network(|now, _, _, _| if now >= 20_000 { Way::Lost } else { Way::Arrives });
    case.run_to(40_000)
}

fn answers(case: &Case, from: i64, until: i64) -> Vec<LookupAnswer> {
    let mut answers: Vec<_> = case.lookups(from, until).into_iter().map(|(answer, ..)| answer).collect();
    answers.dedup();
    answers
}

#[test]
fn a_client_that_is_cut_off_fails_closed_says_so_or_goes_on() {
    use LookupAnswer::{Fresh, Refused, Stale};
    for (policy, then) in
        [(CutOff::FailsClosed, Refused), (CutOff::ServesStale, Stale), (CutOff::ServesSilently, Fresh)]
    {
        for keeps in [polls(1_000), watches()] {
            let case = cut_off(DiscoveryPolicy { cut_off: policy, ..keeps });
            assert_eq!(answers(&case, 2_000, 25_000), [Fresh], "{policy:?}");
            assert_eq!(answers(&case, 31_000, 40_000), [then], "{policy:?}");
            let entries = case.lookups(39_000, 40_000)[0].1;
            assert_eq!(entries, u32::from(then != Refused), "{policy:?}");
            let lapses = usize::from(policy != CutOff::ServesSilently);
            assert_eq!(case.when(DiscoveryEvent::ViewLapsed).len(), lapses, "once: {policy:?}");
        }
    }
}

#[test]
fn a_cache_without_an_end_is_answered_from_for_ever() {
    let mut case = Case::new(DiscoveryPolicy { cache: None, ..polls(1_000) }, &[(1_000, up(1, 1))]);
    case.few.on_network(|now, _, _, _| if now >= 20_000 { Way::Lost } else { Way::Arrives });
    let case = case.run_to(1_000_000);
    assert_eq!(answers(&case, 2_000, 1_000_000), [LookupAnswer::Fresh]);
}

#[test]
fn a_cache_ends_its_lifetime_after_the_last_request_that_was_answered_was_sent() {
    let policy = DiscoveryPolicy { lookup: millis(1), ..polls(1_000) };
    let case = cut_off(policy);
    // The poll of 19 s was the last to be answered.
    assert_eq!(answers(&case, 28_990, 29_000), [LookupAnswer::Fresh]);
    assert_eq!(answers(&case, 29_000, 29_010), [LookupAnswer::Refused], "half-open");
    assert_eq!(case.when(DiscoveryEvent::ViewLapsed), [29_000]);
}

#[test]
fn a_view_that_was_too_old_is_answered_from_again_once_it_is_young() {
    let policy = DiscoveryPolicy { cache: Some(Span::from_secs(3)), ..polls(1_000) };
    let mut case = Case::new(policy, &[]);
    let is_cut = |now| (10_000..20_000).contains(&now) || (30_000..40_000).contains(&now);
    case.few.on_network(move |now, _, _, _| if is_cut(now) { Way::Lost } else { Way::Arrives });
    let case = case.run_to(50_000);
    let expected = [LookupAnswer::Fresh, LookupAnswer::Refused, LookupAnswer::Fresh, LookupAnswer::Refused];
    assert_eq!(answers(&case, 1_000, 39_000), expected);
    assert_eq!(case.when(DiscoveryEvent::ViewLapsed).len(), 2, "each time");
}

/// Answers take 20 s, the cache lasts 10.
fn slow_answers(cache_from: CacheFrom, keeps: DiscoveryPolicy) -> Vec<LookupAnswer> {
    let policy = DiscoveryPolicy { cache: Some(Span::from_secs(10)), cache_from, ..keeps };
    let mut case = Case::new(policy, &[(1_000, up(1, 1))]);
    case.few.on_network(|now, from, _, _| match from {
        REGISTRY if now >= 2_000 => Way::ArrivesAfter(20_000),
        _ => Way::Arrives,
    });
    answers(&case.run_to(60_000), 25_000, 60_000)
}

#[test]
fn slow_answers_are_as_old_as_their_requests() {
    let patient = DiscoveryPolicy { dead_watch: Span::from_secs(60), ..watches() };
    for keeps in [polls(1_000), patient] {
        assert_eq!(slow_answers(CacheFrom::Send, keeps), [LookupAnswer::Refused]);
        assert_eq!(slow_answers(CacheFrom::Receipt, keeps), [LookupAnswer::Fresh], "they are not");
    }
}

#[test]
fn a_watch_is_as_young_as_the_ping_that_was_answered() {
    let case = Case::new(watches(), &[]).run_to(30_000);
    let pings = case.when_said(|message| matches!(message, RegistryMessage::WatchTaken { .. }));
    assert!(pings.is_sorted_by(|one, next| next - one <= 5_000), "{pings:?}");
    for (at, event) in case.events() {
        if let DiscoveryEvent::LookupAnswered { age, .. } = event {
            // The acknowledgement of the snapshot is no ping: the request for the watch is the one that counts.
            let last = pings.iter().skip(1).rfind(|ping| **ping + 4 <= at).unwrap_or(&0);
            let age = age.as_nanos() as i64 / 1_000_000;
            assert!((at - last - 1..=at - last).contains(&age), "at {at} ms, after {last}, it was {age}");
        }
    }
}

fn frozen(guard: CacheGuard) -> Case {
    let policy = DiscoveryPolicy { cache: Some(Span::from_secs(10)), guard, ..watches() };
    let mut case = Case::new(policy, &[(1_000, up(1, 1)), (12_000, down(1, 1))]).run_to(11_000);
    case.few.command(CLIENT, RegistryCommand::FreezeCache);
    let mut case = case.run_to(40_000);
    case.few.command(CLIENT, RegistryCommand::ThawCache);
    case.run_to(60_000)
}

#[test]
fn a_frozen_cache_is_too_old_for_who_reads_the_clock() {
    let case = frozen(CacheGuard::AtEachLookup);
    assert_eq!(answers(&case, 22_000, 40_000), [LookupAnswer::Refused]);
    assert_eq!(answers(&case, 50_000, 60_000), [LookupAnswer::Fresh]);
}

#[test]
fn a_frozen_cache_is_young_for_ever_if_only_its_keeper_can_mark_it() {
    let case = frozen(CacheGuard::ByTimer);
    assert_eq!(answers(&case, 2_000, 40_000), [LookupAnswer::Fresh]);
    let (_, entries, age) = *case.lookups(39_000, 40_000).last().unwrap();
    assert!(entries == 1 && age > 25_000, "who is gone is still found, after {age} ms");
    assert_eq!(case.lookups(59_000, 60_000)[0].1, 0);
}

#[test]
fn a_timer_marks_a_cache_that_is_merely_cut_off() {
    let case = cut_off(DiscoveryPolicy { guard: CacheGuard::ByTimer, ..polls(1_000) });
    assert_eq!(answers(&case, 25_000, 28_900), [LookupAnswer::Fresh]);
    assert_eq!(answers(&case, 29_001, 40_000), [LookupAnswer::Refused]);
}

#[test]
fn who_has_nothing_yet_refuses() {
    let mut case = Case::new(polls(1_000), &[]);
    case.few.on_network(|_, _, _, _| Way::Lost);
    let case = case.run_to(10_000);
    // What left before the network was cut is answered, but that does not arrive.
    assert_eq!(answers(&case, 0, 10_000), [LookupAnswer::Refused]);
    assert_eq!(case.when(DiscoveryEvent::ViewLapsed), [], "nothing was there to lapse");
}
