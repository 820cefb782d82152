//! I7: an ended lease never lives again, and lease ids only grow.
//!
//! Source: docs/invariants.md. Whoever saw the end acts on it: a contender has taken over, a child was
//! deleted. A late renewal that brings the lease back makes two of it.
//!
//! **Violations**
//!
//! * `lease-id-reused`: a grant has an id that is not above all that this grantor used.
//! * `ended-lease-lived-again`: a lease that had ended was renewed, or recovered as live.
//! * `ended-twice`: a lease that had ended ended once more.
//!
//! That a restarted grantor finds the end of an ended lease on its disk is as it should be. Excused while the
//! grantor's disk does not keep what was synced, at any time since its last new lease id.
//!
//! Judged: every grant, every renewal, every live recovery, every end. There is no history: an id that is not
//! above the highest and is not live has ended.

use leasehold_core::{LeaseId, NodeEvent, NodeId, ResourceId};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Standing;
use crate::scene::Scene;

/// Compares what is said of a lease with where it stands. All there is to remember, the scene does.
#[derive(Debug, Default)]
pub(crate) struct NoResurrection;

/// One thing said of a lease.
struct Told {
    clause: &'static str,
    resource: ResourceId,
    lease: LeaseId,
    fact: Fact,
}

impl Told {
    fn of(scene: &Scene, grantor: NodeId, event: &NodeEvent) -> Option<Self> {
        let at = scene.now;
        let told = |clause, resource, lease, fact| Some(Self { clause, resource, lease, fact });
        let lived_again = "ended-lease-lived-again";
        match *event {
            NodeEvent::Granted { resource, lease, holder, token, ttl } => {
                let fact = Fact::Granted { at, grantor, lease, resource, holder, token, ttl };
                told("lease-id-reused", resource, lease, fact)
            }
            NodeEvent::Renewed { resource, lease, token, ttl } => {
                let fact = Fact::TermBegan { at, grantor, lease, resource, token, ttl };
                told(lived_again, resource, lease, fact)
            }
            NodeEvent::Recovered { resource, lease, token, ended: None, .. } => {
                let fact = Fact::Recovered { at, grantor, lease, resource, token, ended: None };
                told(lived_again, resource, lease, fact)
            }
            NodeEvent::Ended { resource, lease, token, cause } => {
                let fact = Fact::Ended { at, grantor, lease, resource, token, cause };
                told("ended-twice", resource, lease, fact)
            }
            _ => None,
        }
    }
}

impl Checker for NoResurrection {
    fn topics(&self) -> Topics {
        Topics::LEASES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let Some(Told { clause, resource, lease, fact }) = Told::of(scene, node, event) else { return };
        let highest = scene.leases.last_new_id(node);
        if highest.is_some_and(|(_, at)| scene.assumptions.excused_since(node, at, &DISK)) {
            book.excuse();
            return;
        }
        book.judge();
        let (holds, before) = match scene.leases.standing(node, lease) {
            Standing::Unknown => (true, None),
            Standing::Live(live) => (!matches!(event, NodeEvent::Granted { .. }), Some(live.origin())),
            Standing::Ended => (false, scene.leases.end_of(resource, node, lease)),
        };
        if holds {
            return;
        }
        book.violation(scene.now, clause, || {
            let found = highest.filter(|_| matches!(event, NodeEvent::Granted { .. })).map(|(highest, _)| {
                Fact::Count { what: "lease id, at least", expected: highest.0 + 1, found: lease.0 }
            });
            Case {
                nodes: [node].into(),
                resource: Some(resource),
                evidence: before.into_iter().chain([fact]).chain(found).collect(),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        report(Invariant::NoResurrection, events, s(100))
    }

    #[test]
    fn a_new_lease_has_an_id_above_all_before() {
        let then = |lease| {
            judged(&[
                at(s(1), G, granted(5, A)),
                at(s(20), G, ended(5, EXPIRED)),
                at(s(30), G, granted(lease, B)),
            ])
            .clauses()
            .pop()
        };
        assert_eq!(then(6), None);
        assert_eq!(then(5), Some("lease-id-reused"));
        assert_eq!(then(4), Some("lease-id-reused"), "even if nobody saw that id");
    }

    #[test]
    fn the_id_of_a_live_lease_is_not_free_either() {
        let report = judged(&[at(s(1), G, granted(5, A)), at(s(2), G, granted(5, B))]);
        assert_eq!(report.clauses(), ["lease-id-reused"]);
    }

    #[test]
    fn the_highest_id_counts_not_the_last() {
        let events = [
            at(s(1), G, granted(5, A)),
            at(s(2), G, granted(3, A)),
            at(s(3), G, granted(4, A)),
            at(s(4), G, granted(6, A)),
        ];
        assert_eq!(judged(&events).counts(), (4, 0, 2));
    }

    #[test]
    fn each_grantor_counts_its_own_leases() {
        assert_eq!(judged(&[at(s(1), G, granted(5, A)), at(s(2), C, granted(5, A))]).counts(), (2, 0, 0));
    }

    #[test]
    fn what_has_ended_is_neither_renewed_nor_recovered_nor_ended() {
        for (again, clause) in [
            (renewed(1), "ended-lease-lived-again"),
            (recovered(1, A, None), "ended-lease-lived-again"),
            (ended(1, released_by(A)), "ended-twice"),
        ] {
            let end = at(s(20), G, ended(1, EXPIRED));
            let report = judged(&[at(s(1), G, granted(1, A)), end, at(s(21), G, again)]);
            assert_eq!(report.clauses(), [clause]);
            let told = report.evidence[0].evidence[0];
            assert!(matches!(told, Fact::Ended { cause: EXPIRED, .. }), "the end is shown: {told:?}");
            let report = judged(&[at(s(1), G, granted(1, A)), at(s(15), G, again)]);
            assert_eq!(report.counts(), (2, 0, 0), "while the lease lives, all are fine");
        }
    }

    #[test]
    fn a_lease_that_came_back_is_told_once() {
        let report = judged(&[
            at(s(1), G, granted(1, A)),
            at(s(20), G, ended(1, EXPIRED)),
            at(s(21), G, renewed(1)),
            at(s(25), G, renewed(1)),
            at(s(45), G, ended(1, EXPIRED)),
        ]);
        assert_eq!(report.clauses(), ["ended-lease-lived-again"]);
    }

    #[test]
    fn the_end_of_an_ended_lease_on_the_disk_is_fine() {
        let report = judged(&[
            at(s(1), G, granted(1, A)),
            at(s(20), G, ended(1, EXPIRED)),
            at(s(30), G, recovered(1, A, Some(EXPIRED))),
            at(s(40), G, renewed(1)),
        ]);
        assert_eq!(report.counts(), (3, 0, 1), "it changes nothing about what comes later");
        let end = report.evidence[0].evidence[0];
        assert!(matches!(end, Fact::Ended { at, .. } if at == s(20)), "the first report counts: {end:?}");
    }

    #[test]
    fn a_lease_that_is_first_met_on_the_disk_is_known_from_then() {
        let met = |end, then| judged(&[at(s(1), G, recovered(4, A, end)), at(s(2), G, then)]).clauses().pop();
        assert_eq!(met(None, renewed(4)), None);
        assert_eq!(met(Some(EXPIRED), renewed(4)), Some("ended-lease-lived-again"));
        assert_eq!(met(Some(EXPIRED), granted(4, A)), Some("lease-id-reused"));
        assert_eq!(met(Some(EXPIRED), granted(5, A)), None);
    }

    #[test]
    fn a_lost_disk_excuses_and_the_ids_count_anew_after_it() {
        let events = [
            at(s(1), G, granted(7, A)),
            at(s(2), G, broken(Assumption::DiskKeeps)),
            at(s(2), G, restored(Assumption::DiskKeeps)),
            at(s(60), G, granted(1, B)),
            at(s(70), G, granted(2, A)),
            at(s(80), G, granted(2, A)),
        ];
        assert_eq!(judged(&events[..5]).counts(), (2, 1, 0));
        assert_eq!(judged(&events).counts(), (3, 1, 1));
        let the_same_again =
            [events[0], events[1], events[2], at(s(60), G, granted(7, B)), at(s(80), G, granted(7, A))];
        assert_eq!(judged(&the_same_again).counts(), (2, 1, 1), "it counts from the id that was given anew");
        let mut clock = events;
        clock[1] = at(s(2), G, broken(Assumption::ClockRate));
        clock[2] = at(s(2), G, restored(Assumption::ClockRate));
        assert_eq!(judged(&clock[..4]).counts(), (2, 0, 1), "a clock has no say in ids");
    }
}
