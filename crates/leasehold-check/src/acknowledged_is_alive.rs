//! I6: who is told that his lease is renewed has a live lease, and no end of it was ordered before.
//!
//! Source: docs/invariants.md. A grantor decides an end first and makes it durable then (Consul's sessions), or
//! looks at the lease first and answers a slow renewal then (etcd PR 20615). An answer in between promises what
//! is already given away.
//!
//! **Violations**
//!
//! * `acknowledged-ended-lease`: the lease had ended.
//! * `acknowledged-unknown-lease`: there never was such a lease.
//! * `acknowledged-after-end-ordered`: the lease lives, but its grantor had ordered its end, or had taken its
//!   release. An order dies with the process that gave it: what did not reach the disk is void after a restart.
//!
//! A lease that a renewal brought back to life is alive; that it was, I7 judges. A pause between a grantor's
//! decision and its answer needs no care: its process orders nothing meanwhile.
//!
//! The first two are excused while the grantor's disk does not keep what was synced, at any time since its last
//! new lease id. An order is in memory, so nothing excuses the third.
//!
//! Told once of each lease.
//!
//! Judged: every positive answer to a renewal.

use alloc::collections::BTreeMap;

use leasehold_core::{LeaseId, NodeEvent, NodeId, ResourceId};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::{Lease, Standing};
use crate::scene::Scene;

/// Compares answers with leases. What there is to remember of those, the scene does.
#[derive(Debug, Default)]
pub(crate) struct AcknowledgedIsAlive {
    /// The last lease of each resource of which a violation was told: of one lease it is told once.
    told: BTreeMap<(NodeId, ResourceId), LeaseId>,
}

impl AcknowledgedIsAlive {
    fn live(scene: &Scene, lease: &Lease, answer: Fact, book: &mut Book) {
        book.judge();
        let Some(order) = lease.order() else { return };
        book.violation(scene.now, "acknowledged-after-end-ordered", || Case {
            nodes: [lease.grantor].into_iter().chain(lease.holder).collect(),
            resource: Some(lease.resource),
            evidence: [lease.origin(), lease.order_fact(order), answer].into(),
        });
    }

    fn dead(scene: &Scene, grantor: NodeId, clause: &'static str, answer: Fact, book: &mut Book) {
        let since = scene.leases.last_new_id(grantor).map_or(scene.now, |(_, at)| at);
        if scene.assumptions.excused_since(grantor, since, &DISK) {
            book.excuse();
            return;
        }
        book.judge();
        book.violation(scene.now, clause, || {
            let Fact::Acknowledged { resource, lease, .. } = answer else { unreachable!("it is an answer") };
            let end = scene.leases.end_of(resource, grantor, lease);
            Case {
                nodes: [grantor].into(),
                resource: Some(resource),
                evidence: end.into_iter().chain([answer]).collect(),
            }
        });
    }

    fn answered(
        &mut self,
        scene: &Scene,
        grantor: NodeId,
        resource: ResourceId,
        lease: LeaseId,
        book: &mut Book,
    ) {
        if self.told.get(&(grantor, resource)) == Some(&lease) {
            return;
        }
        let told = book.report().violations;
        let answer = Fact::Acknowledged { at: scene.now, grantor, lease, resource };
        match scene.leases.standing(grantor, lease) {
            Standing::Live(lease) => Self::live(scene, lease, answer, book),
            Standing::Ended => Self::dead(scene, grantor, "acknowledged-ended-lease", answer, book),
            Standing::Unknown => Self::dead(scene, grantor, "acknowledged-unknown-lease", answer, book),
        }
        if book.report().violations > told {
            self.told.insert((grantor, resource), lease);
        }
    }
}

impl Checker for AcknowledgedIsAlive {
    fn topics(&self) -> Topics {
        Topics::LEASES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        if let NodeEvent::RenewalAcknowledged { resource, lease } = *event {
            self.answered(scene, node, resource, lease, book);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        report(Invariant::AcknowledgedIsAlive, events, s(100))
    }

    const AFTER_ORDER: &str = "acknowledged-after-end-ordered";

    /// What comes of an answer after these events of the grantor, a second apart.
    fn answer(events: &[NodeEvent]) -> Option<&'static str> {
        let events: std::vec::Vec<_> = (1..)
            .zip(events.iter().chain(&[acknowledged(1)]))
            .map(|(second, event)| at(s(second), G, *event))
            .collect();
        let report = judged(&events);
        assert_eq!(report.judged, 1);
        report.clauses().pop()
    }

    #[test]
    fn the_lease_of_an_answer_lives() {
        assert_eq!(answer(&[granted(1, A)]), None);
        assert_eq!(answer(&[granted(1, A), renewed(1)]), None);
        assert_eq!(answer(&[recovered(1, A, None)]), None);
        for cause in [EXPIRED, REVOKED, released_by(A)] {
            assert_eq!(answer(&[granted(1, A), ended(1, cause)]), Some("acknowledged-ended-lease"));
            let found = recovered(1, A, Some(cause));
            assert_eq!(answer(&[granted(1, A), found]), Some("acknowledged-ended-lease"));
        }
        assert_eq!(answer(&[]), Some("acknowledged-unknown-lease"));
        assert_eq!(answer(&[granted(2, B)]), Some("acknowledged-ended-lease"), "ids only grow");
    }

    #[test]
    fn it_is_told_once_of_a_lease() {
        let twice = [granted(1, A), end_ordered(1, EXPIRED), acknowledged(1), acknowledged(1)];
        let then = [ended(1, EXPIRED), granted(2, B), end_ordered(2, EXPIRED), acknowledged(2)];
        let at_once = |events: &[NodeEvent]| {
            let events: std::vec::Vec<_> = events.iter().map(|event| at(s(1), G, *event)).collect();
            judged(&events).clauses()
        };
        assert_eq!(at_once(&twice), [AFTER_ORDER]);
        assert_eq!(at_once(&[&twice[..], &then].concat()), [AFTER_ORDER, AFTER_ORDER]);
    }

    #[test]
    fn no_end_was_ordered_before_an_answer() {
        for order in [end_ordered(1, EXPIRED), end_ordered(1, REVOKED), release_taken(1, A)] {
            assert_eq!(answer(&[granted(1, A), order]), Some(AFTER_ORDER));
            assert_eq!(
                answer(&[granted(1, A), order, renewed(1)]),
                Some(AFTER_ORDER),
                "and renewed in between"
            );
        }
        assert_eq!(
            answer(&[granted(1, A), granted(2, B), end_ordered(2, EXPIRED)]),
            None,
            "of another lease"
        );
    }

    /// Steps take no time, so an answer and an order can share an instant.
    #[test]
    fn at_one_instant_the_order_of_the_events_counts() {
        let (order, answer) = (at(s(2), G, end_ordered(1, EXPIRED)), at(s(2), G, acknowledged(1)));
        let grant = at(s(1), G, granted(1, A));
        assert_eq!(judged(&[grant, answer, order]).clauses(), [""; 0]);
        let report = judged(&[grant, order, answer]);
        assert_eq!(report.clauses(), [AFTER_ORDER]);
        assert_eq!(report.evidence[0].nodes, [G, A]);
        let told = &report.evidence[0].evidence;
        assert!(matches!(told[1], Fact::EndOrdered { at, cause: EXPIRED, .. } if at == s(2)), "{told:?}");
    }

    #[test]
    fn an_order_dies_with_its_process_unless_it_reached_the_disk() {
        let after = |node, found: Option<NodeEvent>| {
            let mut events = std::vec![
                at(s(1), G, granted(1, A)),
                at(s(2), G, end_ordered(1, EXPIRED)),
                at(s(3), node, CRASHED),
                at(s(4), node, RESTARTED),
            ];
            events.extend(found.map(|found| at(s(4), G, found)));
            events.push(at(s(5), G, acknowledged(1)));
            judged(&events).clauses().pop()
        };
        assert_eq!(after(G, None), None);
        assert_eq!(after(G, Some(recovered(1, A, None))), None);
        assert_eq!(after(G, Some(recovered(1, A, Some(EXPIRED)))), Some("acknowledged-ended-lease"));
        assert_eq!(after(A, None), Some(AFTER_ORDER), "somebody else's restart");
    }

    #[test]
    fn a_lost_disk_excuses_but_not_an_order_in_memory() {
        let with = |node, assumption, then: NodeEvent| {
            let events = [
                at(s(1), G, granted(1, A)),
                at(s(2), node, broken(assumption)),
                at(s(2), node, restored(assumption)),
                at(s(3), G, then),
                at(s(60), G, acknowledged(1)),
            ];
            judged(&events).counts()
        };
        assert_eq!(with(G, Assumption::DiskKeeps, ended(1, EXPIRED)), (0, 1, 0));
        assert_eq!(with(A, Assumption::DiskKeeps, ended(1, EXPIRED)), (1, 0, 1));
        assert_eq!(
            with(G, Assumption::ClockRate, ended(1, EXPIRED)),
            (1, 0, 1),
            "a clock has no say in this"
        );
        assert_eq!(with(G, Assumption::DiskKeeps, end_ordered(1, EXPIRED)), (1, 0, 1));
        // The aftermath is 22 s, and an end is no new id.
        let ended_later = |granted_at| {
            let events = [
                at(s(2), G, broken(Assumption::DiskKeeps)),
                at(s(2), G, restored(Assumption::DiskKeeps)),
                at(granted_at, G, granted(1, A)),
                at(s(50), G, ended(1, EXPIRED)),
                at(s(60), G, acknowledged(1)),
            ];
            judged(&events).counts()
        };
        assert_eq!(ended_later(s(24)), (0, 1, 0));
        assert_eq!(ended_later(just_after(s(24))), (1, 0, 1));
        let of_before = [
            at(s(2), G, broken(Assumption::DiskKeeps)),
            at(s(2), G, restored(Assumption::DiskKeeps)),
            at(s(30), G, granted(1, A)),
            at(s(50), G, ended(1, EXPIRED)),
            at(s(60), G, acknowledged(1)),
        ];
        assert_eq!(judged(&of_before).counts(), (1, 0, 1), "a grant since then is on a whole disk");
    }

    #[test]
    fn an_end_that_was_ordered_anew_after_a_restart_counts() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(2), G, end_ordered(1, EXPIRED)),
            at(s(3), G, CRASHED),
            at(s(4), G, RESTARTED),
            at(s(5), G, end_ordered(1, EXPIRED)),
            at(s(6), G, acknowledged(1)),
        ];
        assert_eq!(judged(&events).clauses(), [AFTER_ORDER]);
    }
}
