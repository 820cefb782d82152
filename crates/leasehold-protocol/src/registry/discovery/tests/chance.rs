//! Whatever becomes of messages, a view is the list at its revision.

use leasehold_core::noise::Draws;
use proptest::prelude::*;

use super::super::super::policy::{Ages, FollowerPolicy, Source, ViewOrder};
use super::super::super::{Follower, RegistryCommand};
use super::*;

const FOLLOWER: NodeId = OTHER;
/// Faults last until then. In milliseconds, like all that follows.
const HEALED: i64 = 60_000;
const END: i64 = 130_000;

/// A world in which messages go astray.
#[derive(Clone, Debug)]
struct World {
    seed: u64,
    /// How many in a hundred are lost, late, or come twice.
    lost: u64,
    late: u64,
    twice: u64,
    feed: FeedPolicy,
    refresh: Refresh,
    /// Whether the client asks the registry, the follower, or both by turns.
    source: Source,
    /// How far changes are apart.
    changes: Vec<(i64, u32)>,
    /// When the registry, the follower and the client restart, or freeze.
    upsets: Vec<(i64, Upset)>,
}

#[derive(Clone, Copy, Debug)]
enum Upset {
    Restarts(u16),
    Freezes(u16),
    Thaws(u16),
}

fn worlds() -> impl Strategy<Value = World> {
    let feed =
        (1_u32..6, 1_u32..4, 1_u32..20, any::<bool>()).prop_map(|(history, window, buffer, caches)| {
            let response_cache = caches.then_some(millis(1_500));
            FeedPolicy { history, window, buffer, response_cache, ages: Ages::Told, ..FeedPolicy::default() }
        });
    let refresh = prop_oneof![
        Just(Refresh::Watch),
        Just(Refresh::Poll(millis(700))),
        Just(Refresh::WatchElsePoll(millis(700))),
    ];
    let source = prop_oneof![Just(Source::Registry), Just(Source::Follower), Just(Source::ByTurns)];
    let upset = prop_oneof![
        (0_u16..3).prop_map(Upset::Restarts),
        (1_u16..3).prop_map(Upset::Freezes),
        (1_u16..3).prop_map(Upset::Thaws),
    ];
    (
        any::<u64>(),
        (0_u64..40, 0_u64..40, 0_u64..30),
        feed,
        refresh,
        source,
        prop::collection::vec((1_i64..3_000, 0_u32..6), 5..60),
        prop::collection::vec((0..HEALED, upset), 0..6),
    )
        .prop_map(|(seed, (lost, late, twice), feed, refresh, source, changes, upsets)| World {
            seed,
            lost,
            late,
            twice,
            feed,
            refresh,
            source,
            changes,
            upsets,
        })
}

/// Instances come, are suspect, and go.
fn script(changes: &[(i64, u32)]) -> Script {
    let mut at = 0;
    let mut epochs = [(0_u64, 0_u8); 6];
    let lines = changes.iter().map(|(gap, instance)| {
        at += gap;
        let (epoch, stage) = &mut epochs[*instance as usize];
        let change = match *stage {
            0 => {
                *epoch += 1;
                up(*instance, *epoch)
            }
            1 => suspect(*instance, *epoch),
            _ => down(*instance, *epoch),
        };
        *stage = (*stage + 1) % 3;
        (at.min(END - 40_000), change)
    });
    lines.collect()
}

fn run(world: &World) -> (Few, Script) {
    let script = script(&world.changes);
    let mut few = Few::new();
    let World { seed, lost, late, twice, feed, refresh, source, .. } = *world;
    let mut count = 0;
    few.on_network(move |now, from, to, _| {
        count += 1;
        let mut draws = Draws::from_seed(seed ^ count ^ u64::from(from.0) << 40 ^ u64::from(to.0) << 50);
        let place = draws.draw_below(100);
        match now < HEALED {
            true if place < lost => Way::Lost,
            true if place < lost + late => Way::ArrivesAfter(draws.draw_below(4_000) as i64),
            true if place < lost + late + twice => Way::ArrivesTwice,
            _ => Way::Arrives,
        }
    });
    add_registry(&mut few, REGISTRY, feed, &script);
    let keeps = DiscoveryPolicy { refresh, order: ViewOrder::Forward, ..DiscoveryPolicy::default() };
    let follower = FollowerPolicy { source: DiscoveryPolicy { refresh: Refresh::Watch, ..keeps }, feed };
    few.add(FOLLOWER, move || Box::new(Follower::new(follower, vec![REGISTRY])));
    let policy = DiscoveryPolicy { source, ..keeps };
    let sources = match source {
        Source::Registry => vec![REGISTRY],
        Source::Follower => vec![FOLLOWER],
        Source::ByTurns => vec![REGISTRY, FOLLOWER],
    };
    few.add(CLIENT, move || Box::new(Discovery::new(policy, sources.clone())));
    let mut upsets = world.upsets.clone();
    upsets.extend([(HEALED, Upset::Thaws(FOLLOWER.0)), (HEALED, Upset::Thaws(CLIENT.0))]);
    upsets.sort_by_key(|(at, _)| *at);
    for (at, upset) in upsets {
        few.run_to(at);
        match upset {
            Upset::Restarts(node) => {
                few.kill(NodeId(node));
                forget_view(&mut few, NodeId(node));
                few.revive(NodeId(node));
            }
            Upset::Freezes(node) => few.command(NodeId(node), RegistryCommand::FreezeCache),
            Upset::Thaws(node) => few.command(NodeId(node), RegistryCommand::ThawCache),
        }
    }
    few.run_to(END);
    (few, script)
}

/// A new process has a view of its own: what the old one reported is not part of that.
fn forget_view(few: &mut Few, node: NodeId) {
    few.events.retain(|(_, by, _)| *by != node);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_view_is_the_list_at_its_revision_whatever_becomes_of_messages(world in worlds()) {
        let (few, script) = run(&world);
        for node in [FOLLOWER, CLIENT] {
            let views = true_views(&few, node, &script);
            prop_assert!(views.is_sorted_by_key(|(_, revision)| *revision), "{node} went back: {views:?}");
            let last = views.last().map(|(_, revision)| *revision);
            prop_assert_eq!(last, Some(script.len() as u64), "node {} caught up", node);
        }
    }

    #[test]
    fn a_view_is_never_older_than_it_says(world in worlds()) {
        let (few, script) = run(&world);
        for (at, event) in few.discovery_events(CLIENT) {
            if let DiscoveryEvent::LookupAnswered { age, revision, answer, .. } = event
                && answer != LookupAnswer::Refused
            {
                let until = script.get(revision.0 as usize).map_or(END, |(next, _)| *next);
                let claimed = at - age.as_nanos() as i64 / 1_000_000;
                prop_assert!(claimed <= until + 1, "at {at} ms revision {revision}, said to be of {claimed}, was over at {until}");
            }
        }
    }
}
