//! I3: tokens of a resource strictly increase over grants; a renewal keeps the token.
//!
//! Source: docs/invariants.md. A fence can only order what the grantor has ordered: a counter that a crash
//! resets, or that counts per owner, hands an old holder a token that still counts.
//!
//! **Violations**
//!
//! * `token-not-increasing`: a grant's token is not above that of the grant before it on the same resource. A
//!   lease that is recovered from disk without its grant having been reported counts as a grant: it became
//!   durable, and the process died before it could say so.
//! * `renewal-changed-token`: a renewal of a live lease has another token than the lease.
//! * `recovery-changed-token`: a lease came back from disk with another token than it was granted with.
//!
//! Excused while the grantor's disk does not keep what was synced, at any time since the earlier of the two.
//!
//! Judged: every grant that has one before it, every renewal of a live lease, every recovery of a known lease.

use leasehold_core::{NodeEvent, NodeId, SimInstant};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::{Lease, Standing};
use crate::scene::Scene;

/// Compares each token with the one before it. All there is to remember, the scene does.
#[derive(Debug, Default)]
pub(crate) struct TokenOrder;

/// A token beside the one it has to be compared with.
struct Comparison {
    clause: &'static str,
    holds: bool,
    /// The lease with the token before.
    before: Lease,
    /// From when on a broken disk is an excuse.
    since: SimInstant,
    /// The event, as evidence.
    told: Fact,
}

impl Comparison {
    fn of(scene: &Scene, grantor: NodeId, event: &NodeEvent) -> Option<Self> {
        let at = scene.now;
        match *event {
            NodeEvent::Granted { resource, lease, holder, token, ttl } => {
                let before = *scene.leases.latest(resource)?;
                let told = Fact::Granted { at, grantor, lease, resource, holder, token, ttl };
                let (clause, holds) = ("token-not-increasing", token > before.token);
                Some(Self { clause, holds, before, since: before.granted_at, told })
            }
            NodeEvent::Renewed { resource, lease, token, ttl } => {
                let before = *scene.leases.live(grantor, lease)?;
                let told = Fact::TermBegan { at, grantor, lease, resource, token, ttl };
                let (clause, holds) = ("renewal-changed-token", token == before.token);
                Some(Self { clause, holds, before, since: before.term_began, told })
            }
            NodeEvent::Recovered { resource, lease, token, ended, .. } => {
                let latest = scene.leases.latest(resource).copied();
                let told = Fact::Recovered { at, grantor, lease, resource, token, ended };
                let known = match scene.leases.standing(grantor, lease) {
                    Standing::Unknown => {
                        let before = latest?;
                        let (clause, holds) = ("token-not-increasing", token > before.token);
                        return Some(Self { clause, holds, before, since: before.granted_at, told });
                    }
                    Standing::Live(before) => *before,
                    Standing::Ended => latest.filter(|last| (last.grantor, last.id) == (grantor, lease))?,
                };
                let (clause, holds) = ("recovery-changed-token", token == known.token);
                Some(Self { clause, holds, before: known, since: known.term_began, told })
            }
            _ => None,
        }
    }
}

impl Checker for TokenOrder {
    fn topics(&self) -> Topics {
        Topics::LEASES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let Some(Comparison { clause, holds, before, since, told }) = Comparison::of(scene, node, event)
        else {
            return;
        };
        if scene.assumptions.excused_since(node, since, &DISK) {
            book.excuse();
            return;
        }
        book.judge();
        if !holds {
            book.violation(scene.now, clause, || Case {
                nodes: [node].into_iter().chain(before.holder).collect(),
                resource: Some(before.resource),
                evidence: [before.origin(), told].into(),
            });
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
        report(Invariant::TokenOrder, events, s(100))
    }

    #[test]
    fn the_token_of_a_grant_is_above_that_of_the_one_before() {
        let then = |token| {
            let events = [at(s(1), G, granted_with(1, A, 5)), at(s(30), G, granted_with(2, B, token))];
            judged(&events).clauses().pop()
        };
        assert_eq!(then(6), None);
        assert_eq!(then(5), Some("token-not-increasing"));
        assert_eq!(then(4), Some("token-not-increasing"));
    }

    #[test]
    fn the_first_grant_of_a_resource_has_nothing_to_be_compared_with() {
        let other = NodeEvent::Granted { resource: R2, lease: LeaseId(2), holder: B, token: t(1), ttl: TTL };
        let report = judged(&[at(s(1), G, granted_with(1, A, 5)), at(s(2), G, other)]);
        assert_eq!(report.counts(), (0, 0, 0));
    }

    #[test]
    fn the_order_goes_on_after_an_end_and_across_a_restart() {
        let report = judged(&[
            at(s(1), G, granted_with(1, A, 5)),
            at(s(2), G, ended(1, released_by(A))),
            at(s(3), G, CRASHED),
            at(s(4), G, RESTARTED),
            at(s(5), G, granted_with(2, A, 5)),
        ]);
        assert_eq!(report.clauses(), ["token-not-increasing"]);
    }

    #[test]
    fn a_renewal_keeps_the_token() {
        let renewal = |token| {
            judged(&[at(s(1), G, granted_with(1, A, 5)), at(s(5), G, renewed_with(1, token))]).clauses().pop()
        };
        assert_eq!(renewal(5), None);
        assert_eq!(renewal(6), Some("renewal-changed-token"));
        assert_eq!(renewal(4), Some("renewal-changed-token"));
    }

    #[test]
    fn a_renewal_of_a_lease_that_does_not_live_is_for_others_to_judge() {
        assert_eq!(judged(&[at(s(5), G, renewed_with(1, 5))]).counts(), (0, 0, 0));
    }

    #[test]
    fn a_recovered_lease_keeps_its_token_whether_it_lives_or_has_ended() {
        for end in [None, Some(EXPIRED)] {
            let recovery = |token| {
                let mut events = std::vec![at(s(1), G, granted_with(1, A, 5))];
                if let Some(cause) = end {
                    events.push(at(s(20), G, ended(1, cause)));
                }
                events.push(at(s(30), G, recovered_with(1, A, token, end)));
                judged(&events).clauses().pop()
            };
            assert_eq!(recovery(5), None);
            assert_eq!(recovery(4), Some("recovery-changed-token"));
            assert_eq!(recovery(6), Some("recovery-changed-token"));
        }
    }

    #[test]
    fn of_ended_leases_only_the_latest_is_remembered() {
        let report = judged(&[
            at(s(1), G, granted_with(1, A, 5)),
            at(s(2), G, ended(1, EXPIRED)),
            at(s(3), G, granted_with(2, A, 6)),
            at(s(30), G, recovered_with(1, A, 5, Some(EXPIRED))),
        ]);
        assert_eq!(report.counts(), (1, 0, 0));
    }

    #[test]
    fn a_grant_that_is_known_only_from_the_disk_counts() {
        let then = |recovered_token, granted_token| {
            judged(&[
                at(s(1), G, granted_with(1, A, 5)),
                at(s(30), G, recovered_with(2, B, recovered_token, Some(EXPIRED))),
                at(s(60), G, granted_with(3, A, granted_token)),
            ])
            .counts()
        };
        assert_eq!(then(6, 7), (2, 0, 0));
        assert_eq!(then(6, 6), (2, 0, 1), "the recovered token was used");
        assert_eq!(then(5, 6), (2, 0, 1), "the recovered grant itself is out of order");
    }

    #[test]
    fn a_lost_disk_excuses_until_the_next_grant_after_it() {
        let events = [
            at(s(1), G, granted_with(7, A, 5)),
            at(s(2), G, broken(Assumption::DiskKeeps)),
            at(s(2), G, restored(Assumption::DiskKeeps)),
            at(s(60), G, granted_with(1, B, 1)),
            at(s(90), G, granted_with(2, A, 1)),
        ];
        assert_eq!(judged(&events).counts(), (1, 1, 1));
        assert_eq!(judged(&events[..4]).counts(), (0, 1, 0));
        let mut clock = events;
        clock[1] = at(s(2), G, broken(Assumption::ClockRate));
        clock[2] = at(s(2), G, restored(Assumption::ClockRate));
        assert_eq!(judged(&clock[..4]).counts(), (1, 0, 1), "a clock has no say in tokens");
    }
}
