//! I8: a release ends, and a renewal keeps, only the lease that it named, and only if it comes from that lease's holder.
//!
//! Source: docs/invariants.md. A request can be late: what it named is gone, and somebody else holds the resource.
//! A plain `DEL` on Redis, or a leader record that is cleared whatever it says, takes the resource from him; a renewal
//! that names nothing but the resource keeps it for him, though he may be dead.
//!
//! **Violations**
//!
//! * `released-other-lease`: a release was taken that named another lease, or another token, than those of the
//!   lease that it is to end.
//! * `released-by-stranger`: a release was taken that does not come from the holder. If a lease ended by a release
//!   that was never told of, that is found at its end.
//! * `renewed-other-lease`, `renewed-by-stranger`: the same of a renewal that was taken.
//!
//! One release is told once, by the first of these that fits. Who ends a lease is judged here alone: I4 asks only
//! whether an expiry was too early.
//!
//! Excused if the grantor's disk lost something since the lease was granted: it may have used its id and token
//! for another before. No clock takes part.
//!
//! Judged: every release and every renewal that a grantor took for a live lease whose holder is known, or which named
//! another; and every end by a release that was not told of. Heartbeats of instances name a lease and an epoch, and are
//! not told of.

use alloc::collections::BTreeSet;

use leasehold_core::event::EndCause;
use leasehold_core::{LeaseId, NodeEvent, NodeId, ResourceId, SimInstant, Token, WorldEvent};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Lease;
use crate::scene::Scene;

/// Remembers of which live leases a release was told.
#[derive(Debug, Default)]
pub(crate) struct OwnerOnly {
    told: BTreeSet<(NodeId, LeaseId)>,
}

/// A release or a renewal that was taken.
struct Taken {
    what: What,
    resource: ResourceId,
    lease: LeaseId,
    by: NodeId,
    named: (LeaseId, Token),
}

#[derive(Clone, Copy)]
enum What {
    Release,
    Renewal,
}

impl What {
    /// What is violated if it named another lease.
    const fn of_another(self) -> &'static str {
        match self {
            Self::Release => "released-other-lease",
            Self::Renewal => "renewed-other-lease",
        }
    }

    /// What is violated if it came from somebody else than the holder.
    const fn by_stranger(self) -> &'static str {
        match self {
            Self::Release => "released-by-stranger",
            Self::Renewal => "renewed-by-stranger",
        }
    }
}

impl OwnerOnly {
    fn taken(scene: &Scene, grantor: NodeId, taken: &Taken, book: &mut Book) {
        let Taken { what, resource, lease: id, by, named } = *taken;
        let lease = scene.leases.live(grantor, id);
        let is_named = named.0 == id && lease.is_none_or(|lease| lease.token == named.1);
        let holder = lease.and_then(|lease| lease.holder);
        let clause = match holder {
            _ if !is_named => Some(what.of_another()),
            Some(holder) if holder != by => Some(what.by_stranger()),
            Some(_) => None,
            None => return,
        };
        let since = lease.map_or(scene.now, |lease| lease.granted_at);
        Self::judge(scene, grantor, since, book, clause, || Case {
            nodes: [grantor, by].into_iter().chain(holder).collect(),
            resource: Some(resource),
            evidence: lease.map(Lease::origin).into_iter().chain([taken.fact(scene.now, grantor)]).collect(),
        });
    }

    /// A lease ended by a release that nobody told of.
    fn ended(scene: &Scene, lease: &Lease, by: NodeId, book: &mut Book) {
        let Some(holder) = lease.holder else { return };
        let clause = (by != holder).then_some(What::Release.by_stranger());
        Self::judge(scene, lease.grantor, lease.granted_at, book, clause, || Case {
            nodes: [lease.grantor, by, holder].into(),
            resource: Some(lease.resource),
            evidence: [lease.origin(), lease.end_fact(scene.now, EndCause::Released { by })].into(),
        });
    }

    fn judge(
        scene: &Scene,
        grantor: NodeId,
        since: SimInstant,
        book: &mut Book,
        violated: Option<&'static str>,
        case: impl FnOnce() -> Case,
    ) {
        if scene.assumptions.excused_since(grantor, since, &DISK) {
            book.excuse();
            return;
        }
        book.judge();
        if let Some(clause) = violated {
            book.violation(scene.now, clause, case);
        }
    }
}

impl Taken {
    const fn fact(&self, at: SimInstant, grantor: NodeId) -> Fact {
        let Self { what, resource, lease, by, named: (named_lease, named_token) } = *self;
        match what {
            What::Release => {
                Fact::ReleaseTaken { at, grantor, resource, lease, by, named_lease, named_token }
            }
            What::Renewal => {
                Fact::RenewalTaken { at, grantor, resource, lease, by, named_lease, named_token }
            }
        }
    }
}

impl Checker for OwnerOnly {
    fn topics(&self) -> Topics {
        Topics::LEASES.and(Topics::PROCESSES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match *event {
            NodeEvent::RenewalTaken { resource, lease, by, named_lease, named_token } => {
                let named = (named_lease, named_token);
                Self::taken(scene, node, &Taken { what: What::Renewal, resource, lease, by, named }, book);
            }
            NodeEvent::ReleaseTaken { resource, lease, by, named_lease, named_token } => {
                let named = (named_lease, named_token);
                Self::taken(scene, node, &Taken { what: What::Release, resource, lease, by, named }, book);
                if scene.leases.live(node, lease).is_some() {
                    self.told.insert((node, lease));
                }
            }
            NodeEvent::Ended { lease, cause, .. }
            | NodeEvent::Recovered { lease, ended: Some(cause), .. } => {
                let was_told = self.told.remove(&(node, lease));
                if let EndCause::Released { by } = cause
                    && let Some(lease) = scene.leases.live(node, lease)
                    && !was_told
                {
                    Self::ended(scene, lease, by, book);
                }
            }
            _ => {}
        }
    }

    fn on_world(&mut self, _: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        // What the process before took may be void, and the next release of the same lease is another one. One that
        // reached the disk is judged twice; that is better than not at all.
        if matches!(event, WorldEvent::Restarted { .. }) {
            self.told.retain(|(grantor, _)| Some(*grantor) != node);
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
        report(Invariant::OwnerOnly, events, s(100))
    }

    const STRANGER: &str = "released-by-stranger";
    const OTHER: &str = "released-other-lease";

    #[test]
    fn a_release_ends_what_it_named() {
        let release = |lease, token| {
            let taken = release_naming(4, A, lease, token);
            judged(&[at(s(1), G, granted_with(4, A, 9)), at(s(2), G, taken)]).clauses().pop()
        };
        assert_eq!(release(4, 9), None);
        assert_eq!(release(3, 9), Some(OTHER));
        assert_eq!(release(5, 9), Some(OTHER));
        assert_eq!(release(4, 8), Some(OTHER));
        assert_eq!(release(4, 10), Some(OTHER));
    }

    #[test]
    fn a_renewal_keeps_what_it_named() {
        let renewal = |by, lease, token| {
            let taken = renewal_naming(4, by, lease, token);
            judged(&[at(s(1), G, granted_with(4, A, 9)), at(s(2), G, taken)]).clauses().pop()
        };
        assert_eq!(renewal(A, 4, 9), None);
        for (lease, token) in [(3, 9), (5, 9), (4, 8), (4, 10)] {
            assert_eq!(renewal(A, lease, token), Some("renewed-other-lease"));
        }
        assert_eq!(renewal(B, 4, 9), Some("renewed-by-stranger"));
        let report = judged(&[at(s(1), G, granted(1, A)), at(s(2), G, renewal_naming(1, B, 1, 1))]);
        assert!(matches!(report.evidence[0].evidence[1], Fact::RenewalTaken { by: B, .. }));
        let then = [at(s(3), G, ended(1, released_by(A)))];
        let kept =
            [&[at(s(1), G, granted(1, A)), at(s(2), G, renewal_naming(1, A, 1, 1))], &then[..]].concat();
        assert_eq!(judged(&kept).counts(), (2, 0, 0), "it is no release: the end is judged too");
    }

    #[test]
    fn a_release_comes_from_the_holder() {
        let release = |by| judged(&[at(s(1), G, granted(1, A)), at(s(2), G, release_taken(1, by))]);
        assert_eq!(release(A).counts(), (1, 0, 0));
        let report = release(B);
        assert_eq!(report.clauses(), [STRANGER]);
        assert_eq!(report.evidence[0].nodes, [G, B, A]);
        assert!(matches!(report.evidence[0].evidence[0], Fact::Granted { holder: A, .. }));
        assert!(matches!(report.evidence[0].evidence[1], Fact::ReleaseTaken { by: B, .. }));
    }

    #[test]
    fn a_late_release_that_ends_the_next_lease_is_told_once() {
        let report = judged(&[
            at(s(1), G, granted(1, A)),
            at(s(20), G, ended(1, EXPIRED)),
            at(s(21), G, granted(2, B)),
            at(s(22), G, release_naming(2, A, 1, 1)),
            at(s(22), G, end_ordered(2, released_by(A))),
            at(s(23), G, ended(2, released_by(A))),
        ]);
        assert_eq!(report.counts(), (1, 0, 1));
        assert_eq!(report.clauses(), [OTHER]);
    }

    #[test]
    fn an_end_by_a_release_that_was_not_told_of_is_judged() {
        for end in [ended(1, released_by(B)), recovered(1, A, Some(released_by(B)))] {
            let report = judged(&[at(s(1), G, granted(1, A)), at(s(2), G, end)]);
            assert_eq!(report.clauses(), [STRANGER]);
        }
        for cause in [released_by(A), EXPIRED, REVOKED] {
            let report = judged(&[at(s(1), G, granted(1, A)), at(s(2), G, ended(1, cause))]);
            assert_eq!(report.counts(), (u64::from(cause == released_by(A)), 0, 0));
        }
    }

    #[test]
    fn a_release_that_a_crash_made_void_does_not_speak_for_the_next() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(2), G, release_taken(1, A)),
            at(s(3), G, CRASHED),
            at(s(4), G, RESTARTED),
            at(s(4), G, recovered(1, A, None)),
            at(s(5), G, ended(1, released_by(B))),
        ];
        assert_eq!(judged(&events).clauses(), [STRANGER]);
        let mut another = events;
        (another[2], another[3]) = (at(s(3), A, CRASHED), at(s(4), A, RESTARTED));
        assert_eq!(judged(&another).clauses(), [""; 0], "the one that was told is the one that ended it");
    }

    #[test]
    fn of_a_lease_that_does_not_live_only_its_name_is_judged() {
        assert_eq!(judged(&[at(s(1), G, release_taken(1, A))]).counts(), (0, 0, 0));
        assert_eq!(judged(&[at(s(1), G, release_naming(2, A, 1, 1))]).clauses(), [OTHER]);
        let granted_later = [
            at(s(1), G, release_taken(1, A)),
            at(s(2), G, granted(1, A)),
            at(s(3), G, ended(1, released_by(B))),
        ];
        assert_eq!(judged(&granted_later).clauses(), [STRANGER], "it was not of this lease");
        let renewed_only = [at(s(1), G, renewed(1)), at(s(2), G, release_taken(1, B))];
        assert_eq!(judged(&renewed_only).counts(), (0, 0, 0), "nobody knows its holder");
    }

    #[test]
    fn a_lost_disk_of_the_grantor_excuses_for_the_leases_of_its_time() {
        let with = |node, assumption, restored_at| {
            let events = [
                at(s(1), node, broken(assumption)),
                at(restored_at, node, restored(assumption)),
                at(s(30), G, granted(1, B)),
                at(s(31), G, release_taken(1, A)),
                at(s(32), G, ended(1, released_by(A))),
                at(s(33), G, granted(2, B)),
                at(s(34), G, ended(2, released_by(A))),
            ];
            judged(&events).counts()
        };
        assert_eq!(with(G, Assumption::DiskKeeps, s(8)), (1, 1, 1), "the second is of later");
        assert_eq!(with(G, Assumption::DiskKeeps, just_before(s(8))), (2, 0, 2));
        assert_eq!(with(A, Assumption::DiskKeeps, s(8)), (2, 0, 2));
        assert_eq!(with(G, Assumption::ClockRate, s(8)), (2, 0, 2));
    }
}
