//! What a feed tells whom.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::event::{Asked, NodeEvent, Probe, Status};
use leasehold_core::id::{Capabilities, NodeId, RequestId, Revision, ServiceId};
use leasehold_core::time::Span;

use super::super::message::{Change, Entry, QueryResult, RegistryMessage};
use super::super::pair::Few;
use super::super::policy::{Behind, FeedPolicy};
use super::super::scripted::{Script, add_registry, down, entry, heard, suspect, up};

const REGISTRY: NodeId = NodeId(0);
/// Nobody runs there: the test plays it.
const WATCHER: NodeId = NodeId(1);

fn registry(policy: FeedPolicy, script: &[(i64, Change)]) -> Few {
    let script: Script = script.into();
    let mut few = Few::new();
    add_registry(&mut few, REGISTRY, policy, &script);
    few
}

/// Changes at 100, 101, ... ms.
fn burst(count: u32) -> Vec<(i64, Change)> {
    (0..count).map(|n| (100 + i64::from(n), up(n, 1))).collect()
}

fn say(few: &mut Few, at: i64, message: RegistryMessage) {
    few.run_to(at);
    few.send(WATCHER, REGISTRY, message);
}

fn watch(stream: u64, from: Option<u64>) -> RegistryMessage {
    RegistryMessage::Watch { stream, from: from.map(Revision), ping: 0 }
}

fn taken(stream: u64, revision: u64, ping: u64) -> RegistryMessage {
    RegistryMessage::WatchTaken { stream, revision: Revision(revision), ping }
}

fn query(asked: Asked, known: Option<u64>) -> RegistryMessage {
    RegistryMessage::Query { request: RequestId(1), asked, known: known.map(Revision) }
}

/// What a watcher hears: in words that are quickly compared.
#[derive(Debug, PartialEq)]
enum Told {
    All(u64, usize),
    /// After which, up to which, how many, and the ping that was heard.
    Changes(u64, u64, usize, u64),
    NoNews(u64, u64),
    MustResync(u64),
    Answer(u64, i64, Option<Vec<u32>>),
}

fn told(few: &Few) -> Vec<(i64, Told)> {
    let told = |message: &RegistryMessage| match message {
        RegistryMessage::Snapshot { revision, entries, .. } => Told::All(revision.0, entries.len()),
        RegistryMessage::Changes { after, upto, changes, heard, .. } => {
            Told::Changes(after.0, upto.0, changes.len(), *heard)
        }
        RegistryMessage::NoNews { revision, heard, .. } => Told::NoNews(revision.0, *heard),
        RegistryMessage::MustResync { oldest, .. } => Told::MustResync(oldest.0),
        RegistryMessage::Answer { revision, age, result, .. } => Told::Answer(
            revision.0,
            age.as_nanos() as i64 / 1_000_000,
            match result {
                QueryResult::Unchanged => None,
                QueryResult::Entries(entries) => Some(numbers(entries)),
            },
        ),
        other => panic!("a feed said {other:?}"),
    };
    heard(few, REGISTRY, WATCHER).into_iter().map(|(at, message)| (at, told(message))).collect()
}

fn numbers(entries: &[Entry]) -> Vec<u32> {
    entries.iter().map(|entry| entry.offer.instance.0).collect()
}

// --- Watches ------------------------------------------------------------------------------------------------

#[test]
fn a_change_goes_to_a_thousand_watchers_as_one() {
    let mut few = registry(FeedPolicy::default(), &[(100, up(1, 1)), (200, down(1, 1))]);
    for node in 1..=1_000 {
        few.send(NodeId(node), REGISTRY, watch(1, Some(0)));
    }
    few.run_to(150);
    let all: Vec<&Arc<[Change]>> = few
        .letters(REGISTRY, |_| true)
        .filter_map(|letter| match &letter.message {
            RegistryMessage::Changes { changes, .. } => Some(changes),
            _ => None,
        })
        .collect();
    assert_eq!(all.len(), 1_000);
    assert!(all.iter().all(|changes| Arc::ptr_eq(changes, all[0])));
}

#[test]
fn a_snapshot_is_made_once_for_all_who_ask_at_one_revision() {
    let mut few = registry(FeedPolicy::default(), &burst(3));
    few.run_to(200);
    for node in 1..=100 {
        few.send(NodeId(node), REGISTRY, watch(1, None));
        few.send(NodeId(node), REGISTRY, query(Asked::All, None));
        few.send(NodeId(node), REGISTRY, query(Asked::Service(ServiceId(0)), None));
    }
    few.run_to(300);
    let mut lists: Vec<*const Entry> = few
        .letters(REGISTRY, |_| true)
        .filter_map(|letter| match &letter.message {
            RegistryMessage::Snapshot { entries, .. } => Some(entries.as_ptr()),
            RegistryMessage::Answer { result: QueryResult::Entries(entries), .. } => Some(entries.as_ptr()),
            _ => None,
        })
        .collect();
    assert_eq!(lists.len(), 300);
    lists.sort_unstable();
    lists.dedup();
    assert_eq!(lists.len(), 2, "one of all, one of the service");
}

#[test]
fn with_a_window_of_one_changes_wait_and_leave_together() {
    let mut few = registry(FeedPolicy::default(), &burst(3));
    say(&mut few, 10, watch(1, None));
    say(&mut few, 20, taken(1, 0, 0));
    say(&mut few, 110, taken(1, 1, 0));
    few.run_to(200);
    let expected =
        vec![(12, Told::All(0, 0)), (100, Told::Changes(0, 1, 1, 0)), (112, Told::Changes(1, 3, 2, 0))];
    assert_eq!(told(&few), expected);
}

#[test]
fn with_a_wider_window_each_change_leaves_at_once() {
    let mut few = registry(FeedPolicy { window: 2, ..FeedPolicy::default() }, &burst(3));
    say(&mut few, 10, watch(1, Some(0)));
    few.run_to(200);
    let expected =
        vec![(12, Told::NoNews(0, 0)), (100, Told::Changes(0, 1, 1, 0)), (101, Told::Changes(1, 2, 1, 0))];
    assert_eq!(told(&few), expected, "the third waits");
}

#[test]
fn a_ping_is_answered_at_once_even_if_the_window_is_full() {
    let mut few = registry(FeedPolicy::default(), &burst(3));
    say(&mut few, 10, watch(1, Some(0)));
    say(&mut few, 50, taken(1, 0, 1));
    say(&mut few, 60, taken(1, 0, 1));
    say(&mut few, 200, taken(1, 0, 2));
    say(&mut few, 300, taken(1, 3, 3));
    few.run_to(400);
    let expected = vec![
        (12, Told::NoNews(0, 0)),
        (52, Told::NoNews(0, 1)),
        (100, Told::Changes(0, 1, 1, 1)),
        (202, Told::Changes(1, 3, 2, 2)),
        (302, Told::NoNews(3, 3)),
    ];
    assert_eq!(told(&few), expected, "and one that was heard already is not answered again");
}

#[test]
fn a_watch_resumes_where_it_was_unless_that_is_forgotten() {
    let policy = FeedPolicy { history: 4, ..FeedPolicy::default() };
    let mut few = registry(policy, &burst(6));
    say(&mut few, 200, watch(1, Some(2)));
    say(&mut few, 210, watch(2, Some(1)));
    say(&mut few, 220, watch(3, Some(9)));
    few.run_to(300);
    let expected = vec![(202, Told::Changes(2, 6, 4, 0)), (212, Told::MustResync(2)), (222, Told::All(6, 6))];
    assert_eq!(told(&few), expected, "who is ahead gets all there is");
}

#[test]
fn a_feed_that_skips_says_nothing_of_what_is_forgotten() {
    let policy = FeedPolicy { history: 4, behind: Behind::Skips, ..FeedPolicy::default() };
    let mut few = registry(policy, &burst(6));
    say(&mut few, 200, watch(1, Some(1)));
    few.run_to(300);
    assert_eq!(told(&few), vec![(202, Told::Changes(1, 6, 4, 0))]);
}

fn overflowed(behind: Behind) -> (Vec<(i64, Told)>, Vec<i64>) {
    let mut few = registry(FeedPolicy { buffer: 2, behind, ..FeedPolicy::default() }, &burst(6));
    say(&mut few, 10, watch(1, Some(0)));
    say(&mut few, 110, taken(1, 1, 1));
    few.run_to(200);
    (told(&few), few.times(REGISTRY, |event| *event == NodeEvent::Probed(Probe::WatcherOverflowed)))
}

#[test]
fn a_watcher_that_falls_behind_its_buffer_is_told_so() {
    let expected = vec![
        (12, Told::NoNews(0, 0)),
        (100, Told::Changes(0, 1, 1, 0)),
        (103, Told::MustResync(0)),
        (112, Told::MustResync(0)),
    ];
    assert_eq!(overflowed(Behind::Resync), (expected, vec![103]), "the third that waits is one too many");
}

#[test]
fn a_watcher_that_is_skipped_is_told_nothing_of_it() {
    let expected =
        vec![(12, Told::NoNews(0, 0)), (100, Told::Changes(0, 1, 1, 0)), (112, Told::Changes(1, 6, 2, 1))];
    assert_eq!(overflowed(Behind::Skips), (expected, vec![103]), "five changes happened, it hears of two");
}

#[test]
fn a_registry_that_restarted_knows_no_watch_but_its_revision() {
    let mut few = registry(FeedPolicy::default(), &burst(3));
    say(&mut few, 10, watch(1, Some(0)));
    few.run_to(150);
    few.kill(REGISTRY);
    few.revive(REGISTRY);
    say(&mut few, 200, taken(1, 1, 1));
    say(&mut few, 210, watch(2, Some(1)));
    say(&mut few, 220, watch(3, Some(3)));
    few.run_to(300);
    let after = told(&few).split_off(2);
    assert_eq!(
        after,
        vec![(202, Told::MustResync(3)), (212, Told::MustResync(3)), (222, Told::NoNews(3, 0))]
    );
}

#[test]
fn a_watch_that_was_overtaken_by_the_next_is_not_taken() {
    let mut few = registry(FeedPolicy::default(), &burst(1));
    say(&mut few, 10, watch(2, Some(0)));
    say(&mut few, 20, watch(1, None));
    say(&mut few, 30, taken(1, 0, 7));
    say(&mut few, 40, watch(2, Some(0)));
    few.run_to(200);
    let expected = vec![(12, Told::NoNews(0, 0)), (42, Told::NoNews(0, 0)), (100, Told::Changes(0, 1, 1, 0))];
    assert_eq!(told(&few), expected, "and one that comes again begins again");
}

// --- Queries ------------------------------------------------------------------------------------------------

#[test]
fn a_query_is_answered_with_those_that_are_asked_for_or_that_nothing_changed() {
    let mut other = entry(3, 1, Status::Passing);
    other.offer.service = ServiceId(7);
    let script = [(1, up(1, 1)), (2, up(2, 1)), (3, Change::Listed(other)), (4, suspect(1, 1))];
    let mut few = registry(FeedPolicy::default(), &script);
    let asked = [
        (query(Asked::All, None), Some(vec![1, 2, 3])),
        (query(Asked::All, Some(3)), Some(vec![1, 2, 3])),
        (query(Asked::All, Some(4)), None),
        (query(Asked::Service(ServiceId(7)), None), Some(vec![3])),
        (query(Asked::Capable(Capabilities(0b10)), None), Some(vec![1])),
        (query(Asked::Capable(Capabilities(0b110)), None), Some(vec![])),
    ];
    few.run_to(10);
    let expected: Vec<Told> = asked.iter().map(|(_, answer)| Told::Answer(4, 0, answer.clone())).collect();
    for (message, _) in asked {
        few.send(WATCHER, REGISTRY, message);
        few.run_for(10);
    }
    assert_eq!(told(&few).into_iter().map(|(_, told)| told).collect::<Vec<_>>(), expected);
}

#[test]
fn a_response_cache_answers_with_what_was_and_says_how_old_that_is() {
    let every = Some(Span::from_secs(1));
    let mut few = registry(FeedPolicy { response_cache: every, ..FeedPolicy::default() }, &burst(1));
    for at in [50, 200, 1_049, 1_050] {
        say(&mut few, at, query(Asked::All, None));
    }
    few.run_to(2_000);
    let answers = [
        (52, Told::Answer(0, 0, Some(vec![]))),
        (202, Told::Answer(0, 150, Some(vec![]))),
        (1_051, Told::Answer(0, 999, Some(vec![]))),
        (1_052, Told::Answer(1, 0, Some(vec![0]))),
    ];
    assert_eq!(told(&few), answers);
}
