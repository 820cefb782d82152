//! I13: registrations and heartbeats a second stay under the declared cap.
//!
//! Source: docs/timing.md, section 7. A fleet that comes back at once takes down what it comes back to: Teleport 6889,
//! kazoo 664; etcd 9911 sent a heartbeat on every turn of a loop.
//!
//! **Violation** `too-many-arrived`: within some second more registrations and heartbeats arrived at the registry than
//! [`DiscoveryBounds::load`](leasehold_core::bounds::DiscoveryBounds::load). Exactly that many are fine, and so are those
//! that come a second later to the nanosecond. Told once for each crowd: again when the load has been under the cap in
//! between.
//!
//! What the network or a stop of the registry itself has kept and lets go at once was not sent at once. So it is
//! excused while messages of anybody who does not only read may be late, and for a second after; and for a second after the registry's process began
//! to run, or to run at its ordinary speed, again. No clock takes part, and no disk.
//!
//! Judged: every arrival. A system that declares no cap is not judged.

use alloc::collections::VecDeque;

use leasehold_core::event::RegistryEvent;
use leasehold_core::{NodeEvent, NodeId, SimInstant, Span};

use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::scene::Scene;

const WINDOW: Span = Span::from_secs(1);

/// Remembers when the last few arrived: one more than may in a window.
#[derive(Debug, Default)]
pub(crate) struct Load {
    arrivals: VecDeque<SimInstant>,
    crowd: Crowd,
}

/// Whether there are too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Crowd {
    #[default]
    None,
    Told,
}

impl Load {
    fn arrived(&mut self, scene: &Scene, registry: NodeId, cap: u32, book: &mut Book) {
        let now = scene.now;
        while self.arrivals.front().is_some_and(|first| now - *first >= WINDOW) {
            self.arrivals.pop_front();
        }
        // Beyond the cap only the latest are of interest.
        if self.arrivals.len() > cap as usize {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(now);
        let since = scene.ago(WINDOW);
        if scene.calm.members_late_since(since) || !scene.calm.ran_since(registry, since) {
            book.excuse();
            return;
        }
        book.judge();
        let found = self.arrivals.len() as u64;
        if found <= u64::from(cap) {
            self.crowd = Crowd::None;
            return;
        }
        if core::mem::replace(&mut self.crowd, Crowd::Told) == Crowd::Told {
            return;
        }
        let first = self.arrivals[0];
        book.violation(now, "too-many-arrived", || Case {
            nodes: [registry].into(),
            resource: None,
            evidence: [
                Fact::Count { what: "arrivals within a second, at most", expected: u64::from(cap), found },
                Fact::Bound { what: "time that they took", allowed: WINDOW, measured: now - first },
            ]
            .into(),
        });
    }
}

impl Checker for Load {
    fn topics(&self) -> Topics {
        Topics::REGISTRY
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let Some(cap) = scene.bounds.discovery.and_then(|bounds| bounds.load) else { return };
        if let NodeEvent::Registry(
            RegistryEvent::HeartbeatArrived { .. } | RegistryEvent::RegistrationArrived { .. },
        ) = event
        {
            self.arrived(scene, node, cap, book);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::registry::*;
    use crate::script::*;

    /// The cap of the script is 4 a second.
    fn judged(events: &[Event]) -> InvariantReport {
        report_of_registry(Invariant::Load, events, s(100))
    }

    fn arrivals(instants: &[SimInstant]) -> std::vec::Vec<Event> {
        instants.iter().map(|instant| at(*instant, G, heartbeat_arrived(1, 0))).collect()
    }

    #[test]
    fn as_many_as_the_cap_may_come_at_once_and_no_more_within_a_second() {
        assert_eq!(judged(&arrivals(&[s(1); 4])).counts(), (4, 0, 0));
        assert_eq!(judged(&arrivals(&[s(1); 5])).clauses(), ["too-many-arrived"]);
        let fifth = |when| judged(&arrivals(&[s(1), s(1), s(1), s(1), when])).counts().2;
        assert_eq!(fifth(just_before(s(2))), 1);
        assert_eq!(fifth(s(2)), 0, "the window is over");
    }

    #[test]
    fn registrations_count_as_well() {
        let mut events = arrivals(&[s(1); 4]);
        events.push(at(s(1), G, registration_arrived()));
        assert_eq!(judged(&events).clauses(), ["too-many-arrived"]);
    }

    #[test]
    fn a_crowd_is_told_once() {
        let mut instants = [s(1); 9].to_vec();
        assert_eq!(judged(&arrivals(&instants)).clauses(), ["too-many-arrived"]);
        instants.extend([s(10); 9]);
        assert_eq!(judged(&arrivals(&instants)).clauses(), ["too-many-arrived"; 2]);
    }

    #[test]
    fn what_was_kept_and_let_go_at_once_was_not_sent_at_once() {
        let after = |begin: &[Event], when| judged(&[begin, &arrivals(&[when; 5])].concat()).counts();
        let resumed = [at(s(1), G, PAUSED), at(s(5), G, RESUMED)];
        assert_eq!(after(&resumed, s(5)), (0, 5, 0));
        assert_eq!(after(&resumed, s(6)), (0, 5, 0));
        assert_eq!(after(&resumed, just_after(s(6))), (5, 0, 1));
        let of_another = [at(s(1), A, PAUSED), at(s(5), A, RESUMED)];
        assert_eq!(after(&of_another, s(5)), (5, 0, 1));
        let held = [at(s(1), A, delaying()), at(s(5), A, healed())];
        assert_eq!(after(&held[..1], s(9)), (0, 5, 0));
        assert_eq!(after(&held, s(6)), (0, 5, 0));
        assert_eq!(after(&held, s(7)), (5, 0, 1));
        assert_eq!(after(&[at(s(1), C, delaying())], s(9)), (5, 0, 1), "who reads sends no heartbeats");
    }
}
