//! I4: no lease ends before its term is over, unless somebody entitled ended it.
//!
//! Source: docs/invariants.md. A holder relies on the whole of the term that it was acknowledged.
//!
//! **Violation** `expired-early`: a lease expired when less true time had gone by since one of its terms began than
//! a clock within the declared bound needs for it ([`Bounds::earliest_end`](leasehold_core::Bounds::earliest_end)).
//! Exactly that long is fine. All its terms count, so a later and shorter one takes nothing back: neither a
//! renewal nor what a restarted grantor believes to be left. Only a renewal that was not acknowledged when the
//! grantor died was never promised.
//!
//! Excused if the grantor's clocks were out of bounds or stood still, or its disk lost something, since the term
//! began that promised most. A disk that is merely slow makes no end come sooner.
//!
//! A pause can fall between a grantor's decision and its report, which is then stamped with the resume. Of a
//! term that was reported at a resume only what would be too early from the pause on is a violation; what may
//! or may not be is not judged.
//!
//! A revocation is always entitled; whether a release was, I8 judges. An end that a restarted grantor finds on its
//! disk is judged like one that it reports, at the time of the find, which is never too strict.
//!
//! Judged: every expiry of a lease that lives. Closest call: how much later than allowed a lease expired.

use leasehold_core::event::EndCause;
use leasehold_core::{NodeEvent, NodeId};

use crate::assumptions::CLOCKS_AND_DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Lease;
use crate::scene::Scene;

/// Measures terms. All there is to remember, the scene does.
#[derive(Debug, Default)]
pub(crate) struct NoEarlyEnd;

impl NoEarlyEnd {
    fn expired(scene: &Scene, lease: &Lease, book: &mut Book) {
        let promise = lease.promise();
        let since = promise.began.decided_since;
        if scene.assumptions.excused_since(lease.grantor, since, &CLOCKS_AND_DISK) {
            book.excuse();
            return;
        }
        let began = promise.began.told_at;
        let (allowed, measured) = (promise.until - began, scene.now - began);
        if scene.now >= promise.until {
            book.judge();
            book.slack(measured - allowed, Some(allowed));
            return;
        }
        if scene.now >= promise.certain {
            return;
        }
        book.judge();
        book.violation(scene.now, "expired-early", || Case {
            nodes: [lease.grantor].into_iter().chain(lease.holder).collect(),
            resource: Some(lease.resource),
            evidence: [
                lease.origin(),
                lease.promised_term(),
                lease.end_fact(scene.now, EndCause::Expired),
                Fact::Bound { what: "least length of a term", allowed, measured },
            ]
            .into(),
        });
    }
}

impl Checker for NoEarlyEnd {
    fn topics(&self) -> Topics {
        Topics::LEASES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match *event {
            NodeEvent::Ended { lease, cause: EndCause::Expired, .. }
            | NodeEvent::Recovered { lease, ended: Some(EndCause::Expired), .. } => {
                if let Some(lease) = scene.leases.live(node, lease) {
                    Self::expired(scene, lease, book);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::Span;

    use super::*;
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
    fn only_an_expiry_can_come_too_early() {
        for cause in [released_by(A), released_by(B), REVOKED] {
            let report = judged(&[at(s(1), G, granted(1, A)), at(s(2), G, ended(1, cause))]);
            assert_eq!(report.counts(), (0, 0, 0));
        }
    }

    /// 5 s last 4 s at least.
    #[test]
    fn a_shorter_term_takes_nothing_back() {
        let expiry = |shorter: NodeEvent, when| {
            judged(&[at(s(1), G, granted(1, A)), at(s(5), G, shorter), at(when, G, ended(1, EXPIRED))])
        };
        for shorter in [recovered_for(1, A, 5), renewed_for(1, 5)] {
            let early = expiry(shorter, just_before(s(13)));
            assert_eq!(early.clauses(), ["expired-early"]);
            let promised = early.evidence[0].evidence[1];
            assert!(matches!(promised, Fact::TermBegan { at, ttl: TTL, .. } if at == s(1)), "{promised:?}");
            assert_eq!(expiry(shorter, s(13)).counts(), (1, 0, 0));
        }
        let longer = recovered_for(1, A, 20);
        assert_eq!(expiry(longer, just_before(s(21))).clauses(), ["expired-early"]);
        assert_eq!(expiry(longer, s(21)).clauses(), [""; 0]);
    }

    #[test]
    fn a_restart_takes_back_only_a_renewal_that_was_not_acknowledged() {
        let expiry = |answer: &[NodeEvent], when| {
            let mut events = std::vec![at(s(1), G, granted(1, A)), at(s(5), G, renewed(1))];
            events.extend(answer.iter().map(|answer| at(s(5), G, *answer)));
            events.extend([
                at(s(6), G, CRASHED),
                at(s(7), G, RESTARTED),
                at(s(7), G, recovered_for(1, A, 5)),
            ]);
            events.push(at(when, G, ended(1, EXPIRED)));
            judged(&events).clauses().pop()
        };
        assert_eq!(expiry(&[acknowledged(1)], just_before(s(17))), Some("expired-early"));
        assert_eq!(expiry(&[acknowledged(1)], s(17)), None);
        assert_eq!(expiry(&[], just_before(s(13))), Some("expired-early"), "the grant was");
        assert_eq!(expiry(&[], s(13)), None);
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
        let with = |node, from, to, assumption| {
            let mut events = [
                at(from, node, broken(assumption)),
                at(to, node, restored(assumption)),
                at(s(40), G, granted(1, A)),
                at(s(45), G, ended(1, EXPIRED)),
            ];
            events.sort_by_key(|event| event.at);
            judged(&events).counts()
        };
        for assumption in CLOCKS_AND_DISK {
            assert_eq!(with(G, s(41), s(42), assumption), (0, 1, 0), "broken and restored within the term");
            assert_eq!(with(G, s(1), s(18), assumption), (0, 1, 0), "the aftermath reaches into the term");
            let before = just_before(s(18));
            assert_eq!(with(G, s(1), before, assumption), (1, 0, 1), "the aftermath ended before it");
            assert_eq!(with(A, s(41), s(42), assumption), (1, 0, 1), "the holder is of no matter");
        }
        assert_eq!(
            with(G, s(41), s(42), Assumption::DiskTimely),
            (1, 0, 1),
            "a slow disk ends nothing early"
        );
    }
}
