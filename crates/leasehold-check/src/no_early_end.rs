//! I4: no lease ends before its term is over, unless somebody entitled ended it.
//!
//! Source: docs/invariants.md. A holder relies on the whole of the term that it was acknowledged.
//!
//! **Violations**
//!
//! * `expired-early`: a lease expired when less true time had gone by since its term began than a clock within
//!   the declared bound needs for it ([`Bounds::earliest_end`](leasehold_core::Bounds::earliest_end)). Exactly
//!   that long is fine. Excused if an assumption about the grantor was broken during the term.
//! * `ended-by-stranger`: a lease was released by somebody else than its holder. No clock, no excuse.
//!
//! A pause can fall between a grantor's decision and its report, which is then stamped with the resume. Of a
//! term that was reported at a resume only what would be too early from the pause on is a violation; what may
//! or may not be is not judged.
//!
//! A revocation is always entitled. An end that a restarted grantor finds on its disk is judged like one that
//! it reports, at the time of the find, which is never too strict.
//!
//! Judged: every expiry and every release of a lease that lives. Closest call: how much later than allowed a
//! lease expired.

use leasehold_core::event::EndCause;
use leasehold_core::{LeaseId, NodeEvent, NodeId};

use crate::assumptions;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Lease;
use crate::scene::Scene;

/// Measures terms. All there is to remember, the scene does.
#[derive(Debug, Default)]
pub(crate) struct NoEarlyEnd;

impl NoEarlyEnd {
    fn ended(scene: &Scene, grantor: NodeId, id: LeaseId, cause: EndCause, book: &mut Book) {
        let Some(lease) = scene.leases.live(grantor, id) else { return };
        match cause {
            EndCause::Expired => Self::expired(scene, lease, book),
            EndCause::Released { by } => {
                let Some(holder) = lease.holder else { return };
                book.judge();
                if by != holder {
                    book.violation(scene.now, "ended-by-stranger", || Case {
                        nodes: [grantor, by, holder].into(),
                        resource: Some(lease.resource),
                        evidence: [lease.origin(), Self::end(scene, lease, cause)].into(),
                    });
                }
            }
            EndCause::Revoked { .. } => {}
        }
    }

    fn expired(scene: &Scene, lease: &Lease, book: &mut Book) {
        if scene.assumptions.excused_since(lease.grantor, lease.decided_since, &assumptions::ALL) {
            book.excuse();
            return;
        }
        let (allowed, measured) = (scene.bounds.earliest_end(lease.ttl), scene.now - lease.term_began);
        if measured >= allowed {
            book.judge();
            book.slack(measured - allowed, Some(allowed));
            return;
        }
        if scene.now - lease.decided_since >= allowed {
            return;
        }
        book.judge();
        book.violation(scene.now, "expired-early", || Case {
            nodes: [lease.grantor].into_iter().chain(lease.holder).collect(),
            resource: Some(lease.resource),
            evidence: [
                lease.origin(),
                lease.term(),
                Self::end(scene, lease, EndCause::Expired),
                Fact::Bound { what: "least length of a term", allowed, measured },
            ]
            .into(),
        });
    }

    fn end(scene: &Scene, lease: &Lease, cause: EndCause) -> Fact {
        let Lease { grantor, id: lease, resource, token, .. } = *lease;
        Fact::Ended { at: scene.now, grantor, lease, resource, token, cause }
    }
}

impl Checker for NoEarlyEnd {
    fn topics(&self) -> Topics {
        Topics::LEASES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match *event {
            NodeEvent::Ended { lease, cause, .. }
            | NodeEvent::Recovered { lease, ended: Some(cause), .. } => {
                Self::ended(scene, node, lease, cause, book);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::Span;

    use crate::invariant::Invariant;
    use crate::report::{ClosestCall, InvariantReport};
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        report(Invariant::NoEarlyEnd, events, s(100))
    }

    /// A lease with 15 s on a clock that is up to a quarter fast lasts 12 s at least.
    #[test]
    fn a_lease_may_expire_at_the_bound_but_not_before() {
        let expiry = |when| judged(&[at(s(1), G, granted(1, A)), at(when, G, ended(1, EXPIRED))]);
        assert_eq!(expiry(just_before(s(13))).clauses(), ["expired-early"]);
        assert_eq!(expiry(just_before(s(13))).closest_call, None);
        let (bound, report) = (Span::from_secs(12), expiry(s(13)));
        assert_eq!(report.counts(), (1, 0, 0));
        assert_eq!(report.closest_call, Some(ClosestCall { left: Span::ZERO, of: Some(bound) }));
        let left = Span::from_secs(2);
        assert_eq!(expiry(s(15)).closest_call, Some(ClosestCall { left, of: Some(bound) }));
    }

    #[test]
    fn the_term_counts_from_the_last_renewal_or_recovery() {
        for began_again in [renewed(1), recovered(1, A, None)] {
            let expiry = |when| {
                let events =
                    [at(s(1), G, granted(1, A)), at(s(6), G, began_again), at(when, G, ended(1, EXPIRED))];
                judged(&events).clauses().pop()
            };
            assert_eq!(expiry(just_before(s(18))), Some("expired-early"));
            assert_eq!(expiry(s(18)), None);
        }
    }

    #[test]
    fn a_term_that_is_reported_at_a_resume_may_have_begun_before_the_pause() {
        let expiry = |reported, when| {
            let events = [
                at(s(1), G, granted(1, A)),
                at(s(10), G, PAUSED),
                at(s(20), G, RESUMED),
                at(reported, G, renewed(1)),
                at(when, G, ended(1, EXPIRED)),
            ];
            judged(&events).counts()
        };
        assert_eq!(expiry(s(20), just_before(s(22))), (1, 0, 1), "too early even from the pause on");
        assert_eq!(expiry(s(20), s(22)), (0, 0, 0), "nobody knows");
        assert_eq!(expiry(s(20), s(32)), (1, 0, 0));
        assert_eq!(expiry(just_after(s(20)), s(32)), (1, 0, 1), "reported later, so decided later");
    }

    #[test]
    fn an_expiry_that_is_found_on_the_disk_is_judged() {
        let found = |when| {
            let recovery = recovered(1, A, Some(EXPIRED));
            judged(&[at(s(1), G, granted(1, A)), at(when, G, recovery)]).clauses().pop()
        };
        assert_eq!(found(just_before(s(13))), Some("expired-early"));
        assert_eq!(found(s(13)), None);
    }

    #[test]
    fn only_the_holder_may_release_and_anybody_may_revoke() {
        let end = |cause| {
            let report = judged(&[at(s(1), G, granted(1, A)), at(s(2), G, ended(1, cause))]);
            (report.judged, report.clauses().pop())
        };
        assert_eq!(end(released_by(A)), (1, None));
        assert_eq!(end(released_by(B)), (1, Some("ended-by-stranger")));
        assert_eq!(end(REVOKED), (0, None));
        let found = recovered(1, A, Some(released_by(B)));
        let report = judged(&[at(s(1), G, granted(1, A)), at(s(2), G, found)]);
        assert_eq!(report.clauses(), ["ended-by-stranger"]);
    }

    #[test]
    fn a_lease_that_does_not_live_is_not_judged() {
        let report = judged(&[
            at(s(1), G, granted(1, A)),
            at(s(20), G, ended(1, EXPIRED)),
            at(s(21), G, ended(1, EXPIRED)),
            at(s(22), G, ended(9, released_by(C))),
        ]);
        assert_eq!(report.counts(), (1, 0, 0));
    }

    #[test]
    fn a_broken_assumption_about_the_grantor_during_the_term_excuses_an_expiry() {
        let with = |node, from, to, cause| {
            let mut events = [
                at(from, node, broken(Assumption::ClockRate)),
                at(to, node, restored(Assumption::ClockRate)),
                at(s(40), G, granted(1, A)),
                at(s(45), G, ended(1, cause)),
            ];
            events.sort_by_key(|event| event.at);
            judged(&events).counts()
        };
        assert_eq!(with(G, s(41), s(42), EXPIRED), (0, 1, 0), "broken and restored within the term");
        assert_eq!(with(G, s(1), s(18), EXPIRED), (0, 1, 0), "the aftermath reaches into the term");
        assert_eq!(with(G, s(1), just_before(s(18)), EXPIRED), (1, 0, 1), "the aftermath ended before it");
        assert_eq!(with(A, s(41), s(42), EXPIRED), (1, 0, 1), "the holder's clock is of no matter");
        assert_eq!(with(G, s(41), s(42), released_by(B)), (1, 0, 1), "nor is a clock to a release");
    }
}
