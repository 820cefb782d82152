//! Watches: what they bring, what becomes of what is missing, and of one that is dead.

use super::super::super::RegistryCommand;
use super::super::super::policy::{Gap, Source};
use super::*;

/// Up at 1 s, changes at 10 s and 11 s.
fn three() -> [(i64, Change); 3] {
    [(1_000, up(1, 1)), (10_000, down(1, 1)), (11_000, up(2, 1))]
}

/// Changes that leave within this time are lost.
fn losing_changes(mut case: Case, from: i64, until: i64) -> Case {
    case.few.on_network(move |now, _, _, message| match message {
        RegistryMessage::Changes { .. } if (from..until).contains(&now) => Way::Lost,
        _ => Way::Arrives,
    });
    case
}

/// Nothing about a watch arrives within this time.
fn cutting_watches(mut case: Case, from: i64, until: i64) -> Case {
    case.few.on_network(move |now, _, _, message| match is_of_a_watch(message) {
        true if (from..until).contains(&now) => Way::Lost,
        _ => Way::Arrives,
    });
    case
}

#[test]
fn a_view_follows_the_list_one_way_behind() {
    let case = Case::new(watches(), &three()).run_to(20_000);
    assert_eq!(case.views(), [(4, 0), (1_002, 1), (10_002, 2), (11_002, 3)]);
    assert_eq!(case.watches(), [0]);
}

#[test]
fn a_change_of_status_is_a_change_and_hides_an_instance_from_lookups() {
    let case = Case::new(watches(), &[(1_000, up(1, 1)), (5_000, suspect(1, 1))]).run_to(10_000);
    assert_eq!(case.lookups(3_000, 4_000)[0].1, 1);
    assert_eq!(case.lookups(8_000, 9_000)[0].1, 0);
    assert_eq!(case.views().last(), Some(&(5_002, 2)));
}

#[test]
fn a_lookup_asks_for_some_of_those_that_a_view_lists() {
    let asked = leasehold_core::event::Asked::Capable(leasehold_core::id::Capabilities(0b10));
    let policy = DiscoveryPolicy { asked, ..watches() };
    let case = Case::new(policy, &[(1, up(1, 1)), (2, up(2, 1))]).run_to(5_000);
    assert_eq!(case.lookups(3_000, 4_000)[0].1, 1);
    assert_eq!(case.views().last().map(|(_, revision)| *revision), Some(2), "the view is of all");
}

/// A change each 10 ms, which take 10 ms and each fourth 1 ms more than there is between them. It asks again each time
/// that it finds a gap, and has to get on all the same: with at most five ways, as docs/timing.md has it.
#[test]
fn a_view_gets_on_though_each_answer_is_overtaken_by_the_next_change() {
    let script: Vec<_> = (0..100).map(|n| (1_000 + n * 4, up(1, n as u64 + 1))).collect();
    let wide = FeedPolicy { window: 4, ..FeedPolicy::default() };
    let mut case = Case::with(watches(), wide, &script);
    // What answers a watch takes 10 ms, whatever else there is 1 ms; of changes the first takes long too.
    let mut answers = 0;
    case.few.on_network(move |now, _, _, message| match message {
        RegistryMessage::Watch { .. } => {
            answers = 1;
            Way::ArrivesAfter(1)
        }
        RegistryMessage::Changes { .. } if now >= 1_000 && answers > 0 => {
            answers -= 1;
            Way::ArrivesAfter(10)
        }
        _ => Way::ArrivesAfter(1),
    });
    let case = case.run_to(3_000);
    let seen = case.views();
    let latest = |at: i64| seen.iter().filter(|(when, _)| *when <= at).map(|(_, revision)| *revision).max();
    for (at, revision) in (1_000..).step_by(4).zip(1..=100) {
        assert!(latest(at + 50) >= Some(revision), "revision {revision} of {at} ms: {seen:?}");
    }
}

#[test]
fn what_is_missing_is_found_by_the_next_change_or_the_next_ping() {
    let wide = FeedPolicy { window: 8, ..FeedPolicy::default() };
    let policy = DiscoveryPolicy { ping: millis(60_000), dead_watch: millis(60_000), ..watches() };
    let case = losing_changes(Case::with(policy, wide, &three()), 9_000, 10_500).run_to(30_000);
    assert_eq!(case.when(DiscoveryEvent::ResyncStarted), [11_002]);
    assert_eq!(case.views(), [(4, 0), (1_002, 1), (11_006, 3)]);

    // Nothing follows on the change that is lost.
    let case = losing_changes(Case::new(watches(), &three()[..2]), 9_000, 10_500).run_to(30_000);
    let resyncs = case.when(DiscoveryEvent::ResyncStarted);
    assert!((10_002..=15_004).contains(&resyncs[0]), "a ping is due every 5 s: {resyncs:?}");
    assert_eq!(case.views(), [(4, 0), (1_002, 1), (resyncs[0] + 4, 2)]);
}

#[test]
fn who_ignores_a_gap_lists_who_is_gone() {
    let policy = DiscoveryPolicy { gap: Gap::Ignores, ..watches() };
    let case = losing_changes(Case::new(policy, &three()), 9_000, 10_500).run_to(30_000);
    assert_eq!(case.when(DiscoveryEvent::ResyncStarted), []);
    assert_eq!(case.lookups(28_000, 29_000)[0].1, 2, "one of the two is gone");
    let safe = losing_changes(Case::new(watches(), &three()), 9_000, 10_500).run_to(30_000);
    assert_eq!(safe.lookups(28_000, 29_000)[0].1, 1);
}

#[test]
fn a_watch_of_which_nothing_was_heard_is_dead_and_asked_for_again() {
    let case = cutting_watches(Case::new(watches(), &three()), 9_000, 40_000).run_to(60_000);
    let lost = case.when(DiscoveryEvent::WatchLost);
    let last = 9_002; // What was under way still arrived.
    assert_eq!(lost.len(), 1);
    assert!(
        (15_000 + 4_000..=15_000 + last).contains(&lost[0]),
        "15 s after the last ping's answer: {lost:?}"
    );
    assert_eq!(case.watches()[1], lost[0], "at once");
    let views = case.views();
    assert!(views[2].0 >= 40_000 && views[2].1 == 3, "it goes on from where it was: {views:?}");
    assert_eq!(case.queries(), [], "it has no poll to fall back to");
}

#[test]
fn a_watch_that_is_told_something_is_not_dead() {
    let policy = DiscoveryPolicy { ping: millis(60_000), dead_watch: millis(3_000), ..watches() };
    let changes: Vec<_> = (1..10).map(|n| (i64::from(n) * 2_000, up(n, 1))).collect();
    let case = Case::new(policy, &changes).run_to(19_000);
    assert_eq!(case.when(DiscoveryEvent::WatchLost), []);
    let case = Case::new(policy, &changes).run_to(40_000);
    assert!(!case.when(DiscoveryEvent::WatchLost).is_empty(), "but then all is quiet");
}

#[test]
fn while_its_watch_is_dead_a_client_may_poll() {
    let policy = DiscoveryPolicy { refresh: Refresh::WatchElsePoll(millis(3_000)), ..watches() };
    let case = cutting_watches(Case::new(policy, &three()), 9_000, 40_000).run_to(60_000);
    let lost = case.when(DiscoveryEvent::WatchLost)[0];
    assert_eq!(case.views()[2], (lost + 4, 3), "by a poll, at once");
    let queries = case.queries();
    assert_eq!(queries[..3], [lost, lost + 3_000, lost + 6_000]);
    assert!(*queries.last().unwrap() < 43_000, "no more once the watch is there again: {queries:?}");
}

#[test]
fn a_watch_that_was_never_answered_is_made_up_for_by_polls_too() {
    let policy = DiscoveryPolicy { refresh: Refresh::WatchElsePoll(millis(3_000)), ..watches() };
    // The first request for a watch leaves before the test can say so: its answer is lost.
    let case = cutting_watches(Case::new(policy, &three()), 0, 60_000).run_to(5_000);
    assert_eq!(case.when(DiscoveryEvent::WatchLost), []);
    assert!(case.queries()[0] <= 240, "after the first try was not answered: {:?}", case.queries());
    assert!(case.views().last().is_some_and(|(_, revision)| *revision == 1));
}

#[test]
fn a_restarted_registry_has_forgotten_its_watches_and_the_next_ping_finds_out() {
    let mut case = Case::new(watches(), &three()).run_to(5_000);
    case.few.kill(REGISTRY);
    case.few.revive(REGISTRY);
    let case = case.run_to(30_000);
    let resyncs = case.when(DiscoveryEvent::ResyncStarted);
    assert_eq!(resyncs.len(), 1);
    assert!((5_000..=10_004).contains(&resyncs[0]), "{resyncs:?}");
    assert_eq!(case.views().last().map(|(_, revision)| *revision), Some(3));
    assert_eq!(case.when(DiscoveryEvent::WatchLost), []);
}

#[test]
fn a_client_that_asks_for_what_is_forgotten_gets_all_there_is() {
    let policy = DiscoveryPolicy { dead_watch: millis(3_000), ..watches() };
    let feed = FeedPolicy { history: 2, ..FeedPolicy::default() };
    let changes: Vec<_> = (1..10).map(|n| (10_000 + i64::from(n), up(n, 1))).collect();
    let run = |gap| {
        let policy = DiscoveryPolicy { gap, ..policy };
        cutting_watches(Case::with(policy, feed, &changes), 9_000, 20_000).run_to(30_000)
    };
    let case = run(Gap::Resync);
    assert_eq!(case.views().last().map(|(_, revision)| *revision), Some(9));
    assert_eq!(case.lookups(28_000, 29_000)[0].1, 9);
    let case = run(Gap::Ignores);
    assert_eq!(case.lookups(28_000, 29_000)[0].1, 2, "it goes on from the oldest that there is");
}

#[test]
fn what_comes_late_or_twice_changes_nothing() {
    let change = |n: u64| if n.is_multiple_of(3) { down(1, n - 1) } else { up(1, n) };
    let changes: Vec<_> = (1..20).map(|n| (1_000 + 7 * n as i64, change(n))).collect();
    let mut case = Case::new(watches(), &changes);
    case.few.on_network(|_, _, _, message| match message {
        RegistryMessage::Changes { .. } | RegistryMessage::Watch { .. } => Way::ArrivesTwice,
        _ => Way::Arrives,
    });
    let case = case.run_to(20_000);
    let views = case.views();
    assert_eq!(views.last().map(|(_, revision)| *revision), Some(19));
    assert!(views.is_sorted_by(|one, next| one.1 < next.1), "{views:?}");
}

#[test]
fn a_message_to_an_earlier_process_is_not_taken_by_the_next() {
    let mut case = Case::new(watches(), &three());
    case.few.on_network(|_, _, to, _| if to == CLIENT { Way::Held } else { Way::Arrives });
    let mut case = case.run_to(100);
    case.few.kill(CLIENT);
    case.few.revive(CLIENT);
    case.few.heal();
    case.few.let_go();
    let case = case.run_to(110);
    let views = case.views();
    assert_eq!(views, [(104, 0)], "its own answer, not the one that came at 102 ms");
}

#[test]
fn who_does_not_answer_loses_its_turn_to_the_next_source() {
    let run = |source, first: Way| {
        let policy = DiscoveryPolicy { source, ..watches() };
        let mut few = Few::new();
        let script: Script = Script::from(three());
        add_registry(&mut few, REGISTRY, FeedPolicy::default(), &script);
        add_registry(&mut few, OTHER, FeedPolicy::default(), &script);
        few.on_network(move |_, from, _, _| if from == REGISTRY { first } else { Way::Arrives });
        few.add(CLIENT, move || Box::new(Discovery::new(policy, vec![REGISTRY, OTHER])));
        few.run_to(5_000);
        let times = |to| heard(&few, CLIENT, to).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
        (times(REGISTRY).len(), times(OTHER).len(), true_views(&few, CLIENT, &script).len())
    };
    let (first, other, views) = run(Source::Follower, Way::Lost);
    assert!(first == 1 && other >= 2 && views == 2, "{first} {other} {views}");
    let (_, other, views) = run(Source::Follower, Way::Arrives);
    assert_eq!((other, views), (0, 2), "it stays with who answers");
}

#[test]
fn a_frozen_view_is_not_brought_up_to_date_and_catches_up_after_it() {
    let mut case = Case::new(watches(), &three()).run_to(9_000);
    case.few.command(CLIENT, RegistryCommand::FreezeCache);
    let mut case = case.run_to(20_000);
    assert_eq!(case.views().len(), 2);
    assert_eq!(case.when(DiscoveryEvent::WatchLost), [], "nobody notices");
    case.few.command(CLIENT, RegistryCommand::ThawCache);
    let case = case.run_to(40_000);
    assert_eq!(case.views().last().map(|(_, revision)| *revision), Some(3));
}
