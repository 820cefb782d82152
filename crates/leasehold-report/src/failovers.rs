//! How long resources are without a holder when one is lost.

use leasehold_check::Finding;
use leasehold_core::Event;
use leasehold_core::event::EventKind;
use leasehold_scenario::Observer;

use crate::meter::{Claims, Hosts, Lost};

/// The failovers of one run: from the instant at which the last claim on a resource was over, and not because its holder
/// let go, to the next claim on it, whose ever it is. A holder that dies ends its claims there and then (docs/timing.md,
/// section 4), one that is cut off or stopped when its deadline comes.
#[derive(Clone, Debug, Default)]
pub struct Failovers {
    hosts: Hosts,
    claims: Claims,
    times: Vec<u64>,
}

impl Failovers {
    /// How long each that came to an end took, in nanoseconds, in the order of their ends.
    pub fn times(&self) -> &[u64] {
        &self.times
    }
}

impl Observer for Failovers {
    fn event(&mut self, event: &Event) {
        let (at, Some(node)) = (event.at, event.node) else { return };
        let turn = match &event.kind {
            EventKind::World(world) => self.hosts.hear(node, world),
            EventKind::Node(_) => None,
        };
        let gap = self.claims.hear(at, node, &event.kind, turn);
        self.times.extend(gap.filter(|gap| gap.after != Lost::LetGo).map(|gap| gap.length.as_nanos()));
    }

    fn finding(&mut self, _: &Finding) {}
}

#[cfg(test)]
mod tests {
    use leasehold_core::clock::{ClockKind, Reading};
    use leasehold_core::event::{Claim, ClaimEnd, NodeEvent, WorldEvent};
    use leasehold_core::id::{Incarnation, NodeId, ResourceId, Token};
    use leasehold_core::time::{SimInstant, Span};

    use super::*;

    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);
    const R: ResourceId = ResourceId(0);

    fn claim(resource: ResourceId, token: u64) -> Claim {
        let deadline = Reading::new(ClockKind::Boot, 0);
        let incarnation = Incarnation(0);
        Claim { resource, token: Token(token), incarnation, deadline, ttl: Span::from_secs(10) }
    }

    fn starts(token: u64) -> EventKind {
        EventKind::Node(NodeEvent::ClaimStarted(claim(R, token)))
    }

    fn ends(token: u64, reason: ClaimEnd) -> EventKind {
        let incarnation = Incarnation(0);
        EventKind::Node(NodeEvent::ClaimEnded { resource: R, token: Token(token), incarnation, reason })
    }

    fn lapses(token: u64) -> EventKind {
        let incarnation = Incarnation(0);
        EventKind::World(WorldEvent::ClaimLapsed { resource: R, token: Token(token), incarnation })
    }

    const DIES: EventKind = EventKind::World(WorldEvent::Crashed);

    /// The times of a run with these events, in seconds.
    fn times(events: &[(u64, NodeId, EventKind)]) -> Vec<u64> {
        let mut failovers = Failovers::default();
        for &(second, node, kind) in events {
            let at = SimInstant::from_nanos(second * 1_000_000_000);
            failovers.event(&Event { at, node: Some(node), local: 0, kind });
        }
        failovers.times().iter().map(|time| time / 1_000_000_000).collect()
    }

    #[test]
    fn a_failover_lasts_from_the_death_or_the_deadline_to_the_next_claim() {
        assert_eq!(times(&[(1, A, starts(1)), (5, A, DIES), (12, B, starts(2))]), [7]);
        let panics = EventKind::World(WorldEvent::Panicked);
        assert_eq!(times(&[(1, A, starts(1)), (5, A, panics), (12, B, starts(2))]), [7]);
        assert_eq!(times(&[(1, A, starts(1)), (9, A, lapses(1)), (12, B, starts(2))]), [3]);
        let word_comes_later =
            [(1, A, starts(1)), (9, A, lapses(1)), (11, A, ends(1, ClaimEnd::Lapsed)), (12, B, starts(2))];
        assert_eq!(times(&word_comes_later), [3], "the clock ended it, not the word");
        let renewed = EventKind::Node(NodeEvent::ClaimRenewed(claim(R, 1)));
        assert_eq!(
            times(&[(1, A, starts(1)), (9, A, lapses(1)), (10, A, renewed)]),
            [1],
            "it comes back itself"
        );
    }

    #[test]
    fn what_is_given_back_or_still_claimed_is_not_lost() {
        assert_eq!(
            times(&[(1, A, starts(1)), (5, A, ends(1, ClaimEnd::Released)), (12, B, starts(2))]),
            [0; 0]
        );
        let overlap = [(1, A, starts(1)), (4, B, starts(2)), (5, A, lapses(1)), (12, A, starts(3))];
        assert_eq!(times(&overlap), [0; 0]);
        assert_eq!(
            times(&[(1, A, starts(1)), (5, B, DIES), (12, B, starts(2))]),
            [0; 0],
            "somebody else died"
        );
        assert_eq!(times(&[(1, A, starts(1)), (5, A, DIES)]), [0; 0], "nobody came");
    }

    #[test]
    fn resources_are_told_apart() {
        let other = EventKind::Node(NodeEvent::ClaimStarted(claim(ResourceId(1), 1)));
        assert_eq!(times(&[(1, A, starts(1)), (5, A, DIES), (7, B, other), (12, B, starts(2))]), [7]);
    }
}
