//! Which links a fault is about, and how they get worse.

use leasehold_core::plan::{Burst, Chance, Condition, Scope, Target, Worsening};
use leasehold_core::time::Span;

use super::cast::{Cast, EVERYBODY};
use super::length::{Lengths, between};
use crate::stream::Stream;

/// Shorter states of a burst are not told apart from plain loss, nor can a file say so.
const SHORTEST_STATE: Span = Span::from_millis(1);

#[derive(Clone, Copy, Debug)]
enum Shape {
    Isolate,
    Between,
    OneWay,
    Majority,
    Ring,
    Bridge,
}

/// Targets, and those of their links that are meant; nothing if a node is alone. `on` is whom it strikes, if that is
/// decided.
pub(super) fn links(
    cast: Cast<'_>,
    aim: Option<Condition>,
    on: Option<Target>,
    stream: &mut Stream,
) -> Option<(Target, Scope)> {
    let count = cast.nodes.len();
    if count < 2 {
        return None;
    }
    // In a ring of three, all are neighbours.
    let (majority, ring) = (u32::from(count > 2), u32::from(count > 3));
    let shape = stream.weighted(&match aim {
        None => [
            (28, Shape::Isolate),
            (22, Shape::Between),
            (24, Shape::OneWay),
            (9 * majority, Shape::Majority),
            (7 * ring, Shape::Ring),
            (10, Shape::Bridge),
        ],
        Some(_) => [
            (24, Shape::Isolate),
            (30, Shape::Between),
            (34, Shape::OneWay),
            (5 * majority, Shape::Majority),
            (2 * ring, Shape::Ring),
            (5, Shape::Bridge),
        ],
    });
    if let Shape::Ring = shape {
        return Some((EVERYBODY, Scope::Ring));
    }
    let drawn = cast.target(aim, stream);
    let target = match on.unwrap_or(drawn) {
        // Nobody is left whom all could be cut off from.
        EVERYBODY => cast.any_node(stream),
        target => target,
    };
    let peer = cast.peer(target, stream);
    let back = stream.happens(400_000);
    let scope = match (shape, peer) {
        // What is sent to a node counts as much as what it sends.
        (Shape::OneWay, Some(peer)) if on.is_some() && back && peer != EVERYBODY => {
            return Some((peer, Scope::OneWay(target)));
        }
        (Shape::Between, Some(peer)) => Scope::Between(peer),
        (Shape::OneWay, Some(peer)) => Scope::OneWay(peer),
        (Shape::Majority, _) => Scope::Majority,
        (Shape::Bridge, _) if count >= cast.size(target) + 2 => Scope::Bridge,
        _ => Scope::Isolate,
    };
    Some((target, scope))
}

/// One to three ways in which links get worse. Slow ones are drawn most often, because what comes late is believed, and what
/// is lost is asked for again. Chosen by us.
pub(super) fn worse(lengths: &Lengths, stream: &mut Stream) -> Worsening {
    let mut worse = Worsening::NONE;
    for _ in 0..stream.weighted(&[(55, 1), (30, 2), (15, 3)]) {
        match stream.weighted(&[(34, 0), (18, 1), (10, 2), (18, 3), (8, 4), (12, 5)]) {
            0 => worse.delay = lengths.late(stream),
            1 => worse.loss = chance(stream),
            2 => worse.duplicate = chance(stream),
            3 => worse.reorder = lengths.late(stream),
            4 => worse.slow = lengths.below(lengths.ttl.scale(1, 10).max(lengths.delay), stream),
            _ => worse.burst = Some(burst(lengths, stream)),
        }
    }
    worse
}

/// From one in a thousand to all, and all in a share of the cases; never none.
fn chance(stream: &mut Stream) -> Chance {
    let some = stream.log_uniform(1_000, 1_000_000) / 1_000 * 1_000;
    let ppm = stream.weighted(&[(65, some), (20, 1_000_000), (15, 500_000)]);
    Chance::from_ppm(ppm as u32).expect("at most a million")
}

fn burst(lengths: &Lengths, stream: &mut Stream) -> Burst {
    let longest = lengths.ttl.max(SHORTEST_STATE);
    let good = between(SHORTEST_STATE, longest, stream);
    let bad = between(SHORTEST_STATE, longest, stream);
    Burst { good, bad, loss: chance(stream) }
}
