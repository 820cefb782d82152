//! I26: no discovery client sees a revision and then an older one.
//!
//! Source: docs/invariants.md. Whoever reads from a follower now and from another then can see an instance come
//! back that he saw go: ZooKeeper's followers, Eureka's caches.
//!
//! **Violation** `went-back`: a view came to a revision below one that it had been at.
//!
//! A new process of the client knows nothing of the one before, and may begin anywhere. That the registry or a follower
//! restarts is no excuse. Excused if the disk of a registry lost something since the client's view came to that
//! revision: its revisions may begin anew. No clock takes part.
//!
//! Judged: every revision that a view comes to after its first.

use alloc::vec::Vec;

use leasehold_core::event::DiscoveryEvent;
use leasehold_core::id::Revision;
use leasehold_core::{NodeEvent, NodeId, SimInstant, WorldEvent};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::scene::Scene;

/// Remembers the newest revision of each view.
#[derive(Debug, Default)]
pub(crate) struct MonotonicReads {
    newest: Vec<Option<Newest>>,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    revision: Revision,
    at: SimInstant,
    fact: Fact,
}

impl MonotonicReads {
    fn advanced(&mut self, scene: &Scene, node: NodeId, revision: Revision, fact: Fact, book: &mut Book) {
        if self.newest.len() <= node.index() {
            self.newest.resize(node.index() + 1, None);
        }
        let this = Newest { revision, at: scene.now, fact };
        let newest = &mut self.newest[node.index()];
        let Some(before) = *newest else {
            *newest = Some(this);
            return;
        };
        if scene.grantors.iter().any(|registry| scene.assumptions.excused_since(*registry, before.at, &DISK))
        {
            book.excuse();
            *newest = Some(this);
            return;
        }
        book.judge();
        if revision >= before.revision {
            *newest = Some(this);
            return;
        }
        book.violation(scene.now, "went-back", || Case {
            nodes: [node].into(),
            resource: None,
            evidence: [before.fact, fact].into(),
        });
    }
}

impl Checker for MonotonicReads {
    fn topics(&self) -> Topics {
        Topics::VIEWS.and(Topics::PROCESSES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        if let NodeEvent::Discovery(DiscoveryEvent::ViewAdvanced { revision, by, .. }) = *event {
            let fact = Fact::Viewed { at: scene.now, node, revision, by };
            self.advanced(scene, node, revision, fact, book);
        }
    }

    fn on_world(&mut self, _: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        if matches!(event, WorldEvent::Crashed)
            && let Some(newest) = node.and_then(|node| self.newest.get_mut(node.index()))
        {
            *newest = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::registry::*;
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        report_of_registry(Invariant::MonotonicReads, events, s(100))
    }

    #[test]
    fn a_view_goes_forward_or_stays() {
        let then =
            |revision| judged(&[at(s(1), C, advanced(5, 0, 0)), at(s(2), C, advanced(revision, 0, 0))]);
        assert_eq!(then(5).counts(), (1, 0, 0));
        assert_eq!(then(9).counts(), (1, 0, 0));
        assert_eq!(then(4).clauses(), ["went-back"]);
        let of_another = [at(s(1), C, advanced(5, 0, 0)), at(s(2), S, advanced(4, 0, 0))];
        assert_eq!(judged(&of_another).counts(), (0, 0, 0), "each has a view of its own");
    }

    #[test]
    fn the_newest_counts_not_the_last() {
        let revisions = [5, 3, 4, 5].map(|revision| at(s(1), C, advanced(revision, 0, 0)));
        assert_eq!(judged(&revisions).clauses(), ["went-back"; 2]);
    }

    #[test]
    fn a_new_process_begins_anew_but_only_its_own() {
        let after = |node| {
            let events = [
                at(s(1), C, advanced(5, 0, 0)),
                at(s(2), node, CRASHED),
                at(s(3), node, RESTARTED),
                at(s(4), C, advanced(4, 0, 0)),
            ];
            judged(&events).counts()
        };
        assert_eq!(after(C), (0, 0, 0));
        assert_eq!(after(G), (1, 0, 1), "the registry's restart is no excuse");
    }

    #[test]
    fn a_registry_that_lost_its_disk_begins_anew() {
        let with = |node, assumption| {
            let events = [
                at(s(1), C, advanced(5, 0, 0)),
                at(s(2), node, broken(assumption)),
                at(s(2), node, restored(assumption)),
                at(s(3), C, advanced(1, 0, 0)),
                at(s(4), C, advanced(2, 0, 0)),
            ];
            judged(&events).counts()
        };
        assert_eq!(with(G, Assumption::DiskKeeps), (0, 2, 0));
        assert_eq!(with(G, Assumption::ClockRate), (2, 0, 2));
        assert_eq!(with(C, Assumption::DiskKeeps), (2, 0, 2));
    }
}
