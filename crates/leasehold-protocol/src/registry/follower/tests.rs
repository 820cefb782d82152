//! Followers: what they hand out, and how old they say it is.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::event::{DiscoveryEvent, LookupAnswer};
use leasehold_core::time::Span;

use super::super::message::Change;
use super::super::pair::{Few, Way};
use super::super::policy::{Ages, FeedPolicy, Refresh};
use super::super::scripted::{Script, add_registry, down, heard, true_views, up};
use super::super::{Discovery, RegistryMessage};
use super::*;

const REGISTRY: NodeId = NodeId(0);
const FOLLOWER: NodeId = NodeId(1);
const CLIENT: NodeId = NodeId(2);

/// Polls every 4 s, keeps what it has for 10 s.
fn follows() -> FollowerPolicy {
    FollowerPolicy { source: keeps(Refresh::Poll(Span::from_secs(4))), feed: FeedPolicy::default() }
}

fn keeps(refresh: Refresh) -> DiscoveryPolicy {
    DiscoveryPolicy { refresh, cache: Some(Span::from_secs(10)), ..DiscoveryPolicy::default() }
}

/// A registry, a follower of it, and a client that asks the follower.
fn chain(follower: FollowerPolicy, client: DiscoveryPolicy, script: &[(i64, Change)]) -> (Few, Script) {
    let (mut few, script): (Few, Script) = (Few::new(), script.into());
    add_registry(&mut few, REGISTRY, FeedPolicy::default(), &script);
    few.add(FOLLOWER, move || Box::new(Follower::new(follower, vec![REGISTRY])));
    few.add(CLIENT, move || Box::new(Discovery::new(client, vec![FOLLOWER])));
    (few, script)
}

/// The registry is not to be reached from then on.
fn cut_off(few: &mut Few, from: i64) {
    few.on_network(move |now, by, to, _| match now >= from && (by == REGISTRY || to == REGISTRY) {
        true => Way::Lost,
        false => Way::Arrives,
    });
}

/// The lookups of a span of time: when, answer, and age in milliseconds.
fn lookups(few: &Few, from: i64, until: i64) -> Vec<(i64, LookupAnswer, i64)> {
    let events = few.discovery_events(CLIENT).into_iter().filter(|(at, _)| (from..until).contains(at));
    events
        .filter_map(|(at, event)| match event {
            DiscoveryEvent::LookupAnswered { answer, age, .. } => {
                Some((at, answer, age.as_nanos() as i64 / 1_000_000))
            }
            _ => None,
        })
        .collect()
}

fn three() -> [(i64, Change); 3] {
    [(1_000, up(1, 1)), (10_500, down(1, 1)), (10_600, up(2, 1))]
}

#[test]
fn a_follower_has_the_registrys_revisions_and_so_have_its_watchers() {
    let (mut few, script) = chain(follows(), keeps(Refresh::Watch), &three());
    few.run_to(20_000);
    assert_eq!(true_views(&few, FOLLOWER, &script), [(4, 0), (4_004, 1), (12_004, 3)]);
    let client = true_views(&few, CLIENT, &script);
    assert_eq!(client[1..], [(4_006, 1), (12_006, 3)], "changes, of which one came and went unseen");
    let lists = heard(&few, FOLLOWER, CLIENT).into_iter();
    let snapshots = lists.filter(|(_, message)| matches!(message, RegistryMessage::Snapshot { .. })).count();
    assert_eq!(snapshots, 1, "at the beginning only");
}

#[test]
fn a_follower_that_watches_passes_changes_on_as_they_come() {
    let follower = FollowerPolicy { source: keeps(Refresh::Watch), ..follows() };
    let (mut few, script) = chain(follower, keeps(Refresh::Watch), &three());
    few.run_to(20_000);
    assert_eq!(true_views(&few, CLIENT, &script)[1..], [(1_004, 1), (10_504, 2), (10_604, 3)]);
}

#[test]
fn ages_add_up_unless_a_follower_keeps_its_own_to_itself() {
    let client =
        DiscoveryPolicy { lookup: Span::from_millis(10), ..keeps(Refresh::Poll(Span::from_secs(1))) };
    for (ages, worst) in [(Ages::Told, 4_990..5_010), (Ages::Untold, 990..1_010)] {
        let feed = FeedPolicy { ages, ..FeedPolicy::default() };
        let (mut few, _) = chain(FollowerPolicy { feed, ..follows() }, client, &three());
        few.run_to(30_000);
        let most = lookups(&few, 5_000, 30_000).into_iter().map(|(.., age)| age).max().unwrap();
        assert!(worst.contains(&most), "{ages:?}: {most} ms; it polls every 4 s, the client every 1 s");
    }
}

/// The answers of a client of a follower that is cut off at 20 s; its own cache would last for a minute.
fn behind_who_is_cut_off(cut: CutOff, client: Refresh) -> Vec<(i64, LookupAnswer, i64)> {
    let follower =
        FollowerPolicy { source: DiscoveryPolicy { cut_off: cut, ..follows().source }, ..follows() };
    let client = DiscoveryPolicy { cache: Some(Span::from_secs(60)), ..keeps(client) };
    let (mut few, _) = chain(follower, client, &three());
    cut_off(&mut few, 18_000);
    few.run_to(70_000);
    lookups(&few, 69_000, 70_000)
}

#[test]
fn a_follower_that_is_cut_off_says_nothing_or_how_old_it_is_or_as_if_nothing_were_the_matter() {
    for client in [Refresh::Watch, Refresh::Poll(Span::from_secs(1))] {
        // Its last poll that was answered was sent at 16 s. It is silent, or honest: the ages are the same.
        for cut in [CutOff::FailsClosed, CutOff::ServesStale] {
            let (at, answer, age) = behind_who_is_cut_off(cut, client)[0];
            assert_eq!(answer, LookupAnswer::Fresh);
            // Older by the 2 ms that the client's question took to get there.
            assert!((at - 15_999..=at - 15_997).contains(&age), "{cut:?}: at {at} ms it was {age}");
        }
        let (.., age) = behind_who_is_cut_off(CutOff::ServesSilently, client)[0];
        assert!(age < 6_000, "it is 50 s old, and says {age} ms");
    }
}

#[test]
fn who_fails_closed_leaves_its_watchers_to_find_out() {
    let lost = |cut| {
        let source = DiscoveryPolicy { cut_off: cut, ..follows().source };
        let (mut few, _) = chain(FollowerPolicy { source, ..follows() }, keeps(Refresh::Watch), &three());
        cut_off(&mut few, 18_000);
        few.run_to(70_000);
        few.discovery_events(CLIENT).iter().filter(|(_, event)| *event == DiscoveryEvent::WatchLost).count()
    };
    assert_eq!((lost(CutOff::FailsClosed), lost(CutOff::ServesStale)), (1, 0));
}

#[test]
fn a_follower_that_has_nothing_yet_answers_nobody() {
    let (mut few, script) = chain(follows(), keeps(Refresh::Watch), &three());
    few.on_network(|now, from, _, _| if from == REGISTRY && now < 3_000 { Way::Lost } else { Way::Arrives });
    few.run_to(2_900);
    assert_eq!(heard(&few, FOLLOWER, CLIENT), []);
    few.run_to(20_000);
    assert_eq!(true_views(&few, CLIENT, &script).last().map(|(_, revision)| *revision), Some(3));
}

#[test]
fn a_follower_that_restarted_has_its_watchers_ask_for_all_there_is() {
    let (mut few, script) = chain(follows(), keeps(Refresh::Watch), &three());
    few.run_to(6_000);
    few.kill(FOLLOWER);
    few.revive(FOLLOWER);
    few.run_to(30_000);
    let resyncs = few.times(CLIENT, |event| {
        *event == leasehold_core::event::NodeEvent::Discovery(DiscoveryEvent::ResyncStarted)
    });
    assert_eq!(resyncs.len(), 1);
    assert_eq!(true_views(&few, CLIENT, &script).last().map(|(_, revision)| *revision), Some(3));
}

#[test]
fn a_frozen_follower_grows_old() {
    let (mut few, _) = chain(follows(), keeps(Refresh::Watch), &three());
    few.run_to(6_000);
    few.command(FOLLOWER, RegistryCommand::FreezeCache);
    few.run_to(30_000);
    assert!(lookups(&few, 20_000, 30_000).iter().all(|(_, answer, _)| *answer == LookupAnswer::Refused));
    few.command(FOLLOWER, RegistryCommand::ThawCache);
    few.run_to(60_000);
    assert!(lookups(&few, 50_000, 60_000).iter().all(|(_, answer, _)| *answer == LookupAnswer::Fresh));
}
