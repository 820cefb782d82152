//! Polls, and views from several sources.

use leasehold_core::event::Asked;
use leasehold_core::id::ServiceId;

use super::super::super::policy::{Source, ViewOrder};
use super::*;

#[test]
fn polls_begin_at_a_fixed_distance_and_an_answer_brings_what_changed() {
    let case = Case::new(polls(1_000), &[(1_500, up(1, 1)), (2_500, down(1, 1))]).run_to(4_500);
    assert_eq!(case.queries(), [0, 1_000, 2_000, 3_000, 4_000]);
    assert_eq!(case.views(), [(4, 0), (2_004, 1), (3_004, 2)]);
}

#[test]
fn a_poll_that_is_not_answered_is_repeated_and_the_next_one_is_not_later_for_it() {
    let mut case = Case::new(polls(3_000), &[(2_500, up(1, 1))]);
    case.few.on_network(|now, _, _, _| if (3_000..3_500).contains(&now) { Way::Lost } else { Way::Arrives });
    let case = case.run_to(7_000);
    let queries = case.queries();
    // After 200 to 240 ms, then after 400 to 480.
    assert_eq!((queries[0], queries[1], queries[4]), (0, 3_000, 6_000), "{queries:?}");
    assert!((3_200..=3_240).contains(&queries[2]) && (3_600..=3_720).contains(&queries[3]), "{queries:?}");
    assert_eq!(case.views(), [(4, 0), (queries[3] + 4, 1)]);
}

#[test]
fn an_answer_to_an_earlier_try_counts_from_that_try() {
    // Each way takes 700 ms, so that the answer to the first try comes when others have left.
    let mut case = Case::new(DiscoveryPolicy { lookup: millis(10), ..polls(5_000) }, &[]).run_to(1_000);
    case.few.delay = 700;
    let case = case.run_to(6_500);
    let tries = case.queries().into_iter().filter(|at| *at >= 5_000).count();
    assert!(tries > 2, "{tries}");
    let (.., age) = *case.lookups(6_410, 6_500).first().unwrap();
    assert!((1_410..1_430).contains(&age), "since the first try, at 5 s: {age} ms");
}

#[test]
fn who_polls_for_a_part_claims_nothing_of_the_whole() {
    let policy = DiscoveryPolicy { asked: Asked::Service(ServiceId(1)), ..polls(1_000) };
    let case = Case::new(policy, &[(100, up(1, 1))]).run_to(5_000);
    assert_eq!(case.views(), []);
    assert_eq!(case.lookups(4_000, 5_000)[0].1, 0);
    let Some(DiscoveryEvent::LookupAnswered { revision, .. }) = case.events().last().map(|(_, event)| *event)
    else {
        panic!("there are lookups")
    };
    assert_eq!(revision.0, 1, "but its lookups tell the revision");
    let of_the_service = DiscoveryPolicy { asked: Asked::Service(ServiceId(0)), ..policy };
    let case = Case::new(of_the_service, &[(100, up(1, 1))]).run_to(5_000);
    assert_eq!(case.lookups(4_000, 5_000)[0].1, 1);
}

/// The revisions of a view from two sources by turns, of which the second learns everything a minute later.
fn by_turns(order: ViewOrder) -> Vec<u64> {
    let policy = DiscoveryPolicy { source: Source::ByTurns, order, ..polls(1_000) };
    let changes: Vec<_> = (1..4).map(|n| (i64::from(n) * 1_500, up(n, 1))).collect();
    let late: Script = changes.iter().map(|(at, change)| (at + 60_000, *change)).collect();
    let mut few = Few::new();
    let script: Script = changes.into();
    add_registry(&mut few, REGISTRY, FeedPolicy::default(), &script);
    add_registry(&mut few, OTHER, FeedPolicy::default(), &late);
    few.add(CLIENT, move || Box::new(Discovery::new(policy, vec![REGISTRY, OTHER])));
    few.run_to(7_500);
    true_views(&few, CLIENT, &script).into_iter().map(|(_, revision)| revision).collect()
}

#[test]
fn a_view_goes_forward_only_though_one_source_is_behind() {
    assert_eq!(by_turns(ViewOrder::Forward), [0, 1, 2, 3], "at 0, 2, 4 and 6 s");
}

#[test]
fn a_view_of_what_was_heard_last_goes_back() {
    assert_eq!(by_turns(ViewOrder::AsHeard), [0, 1, 0, 2, 0, 3, 0], "every other poll");
}

#[test]
fn an_answer_from_the_past_does_not_make_a_view_younger_than_it_is() {
    // An answer that is on its way for 5 s arrives after a later one.
    let mut case = Case::new(polls(1_000), &[(1_500, up(1, 1))]);
    case.few.on_network(|now, _, _, message| match message {
        RegistryMessage::Answer { .. } if (1_000..1_500).contains(&now) => Way::ArrivesAfter(5_000),
        RegistryMessage::Answer { .. } if now > 3_000 => Way::Lost,
        _ => Way::Arrives,
    });
    let case = case.run_to(9_000);
    let (at, event) = case.events().pop().expect("there are lookups");
    let DiscoveryEvent::LookupAnswered { age, revision, .. } = event else {
        panic!("nothing else happens last: {event:?}")
    };
    let age = age.as_nanos() as i64 / 1_000_000;
    assert!(revision.0 == 1 && (at - 2_001..=at - 2_000).contains(&age), "at {at} ms it was {age}");
    assert_eq!(case.views().last().map(|(_, revision)| *revision), Some(1));
}
