//! I17: a holder's work has stopped before its lease is over at the grantor.
//!
//! Source: docs/invariants.md. Where no fence guards the resource, all depends on it: from the end on the next
//! holder may work. client-go stops its leader only after the release call has returned; one that counts its term
//! from the receipt of the answer stops when the term is long over.
//!
//! **Violation** `effect-after-end`: a node issued an effect under the token of its lease at or after the instant
//! at which that lease expired, or at which its own release was taken. Told once for each lease.
//!
//! A release follows from what its holder did before, so where both share an instant their order counts. Else the
//! instant of the end is not part of the lease.
//!
//! The end is when it was ordered, which is when the term was over, however long the disk then takes; where no
//! order was told, or none since the last renewal, when it was told. An effect counts from the earliest instant at
//! which it can have been decided: one that a pause or a suspend held back is the hazard `effect-outside-claim`,
//! and no violation. What a later process of the node does is not held against the lease of the one before.
//!
//! Nobody can foresee a revocation, so none is judged, and no expiry that came too early either: that is I4's.
//!
//! An expiry is excused by the clocks of the holder and of the grantor, out of bounds or standing still at some
//! time since the lease's last term began. Nothing excuses work after the own release.
//!
//! Judged: each such end of a lease under which an effect was issued, and each effect after it. Only the latest
//! ended lease of a node and a resource is remembered. Closest call: the time from the last effect of a lease to
//! its expiry.

use alloc::collections::BTreeMap;

use leasehold_core::event::EndCause;
use leasehold_core::{LeaseId, NodeEvent, NodeId, OpId, ResourceId, SimInstant, Span, Token, WorldEvent};

use crate::assumptions::CLOCKS;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Over;
use crate::promise::When;
use crate::scene::Scene;

/// What one node does on one resource.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    last: Option<Effect>,
    /// The last effect when its own release was last taken.
    before_release: Option<Effect>,
    ended: Option<EndedLease>,
}

/// An effect that was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Effect {
    token: Token,
    op: OpId,
    issued: When,
}

/// A lease under which the node must not work any more.
#[derive(Clone, Copy, Debug)]
struct EndedLease {
    token: Token,
    grantor: NodeId,
    expiry: Expiry,
    origin: Fact,
    over: Over,
    is_told: bool,
}

/// Whether clocks had a part in the end.
#[derive(Clone, Copy, Debug)]
enum Expiry {
    /// It expired; its last term began then.
    Of(SimInstant),
    /// It was released.
    No,
}

/// Remembers what each node did last and which lease it lost last.
#[derive(Debug, Default)]
pub(crate) struct SelfStop {
    work: BTreeMap<(ResourceId, NodeId), Work>,
}

impl SelfStop {
    fn issued(&mut self, scene: &Scene, node: NodeId, resource: ResourceId, effect: Effect, book: &mut Book) {
        let work = self.work.entry((resource, node)).or_default();
        work.last = Some(effect);
        if let Some(ended) = work.ended.as_mut().filter(|ended| ended.token == effect.token) {
            ended.judge(scene, node, resource, effect, book);
        }
    }

    fn ended(&mut self, scene: &Scene, grantor: NodeId, id: LeaseId, cause: EndCause, book: &mut Book) {
        let Some(lease) = scene.leases.live(grantor, id) else { return };
        let Some(holder) = lease.holder else { return };
        let over = lease.over(scene.when(grantor), cause);
        let expiry = match cause {
            EndCause::Expired if over.when.told_at >= lease.promise().until => {
                Expiry::Of(lease.decided_since)
            }
            EndCause::Released { by } if by == holder => Expiry::No,
            EndCause::Expired | EndCause::Released { .. } | EndCause::Revoked { .. } => return,
        };
        let token = lease.token;
        let mut ended = EndedLease { token, grantor, expiry, origin: lease.origin(), over, is_told: false };
        let work = self.work.entry((lease.resource, holder)).or_default();
        let is_known_as_before = |effect: &Effect| {
            matches!(expiry, Expiry::No)
                && work.before_release == Some(*effect)
                && effect.issued.told_at == over.when.told_at
        };
        if let Some(effect) = work.last.filter(|effect| effect.token == token && !is_known_as_before(effect))
        {
            ended.judge(scene, holder, lease.resource, effect, book);
        }
        work.ended = Some(ended);
    }
}

impl EndedLease {
    fn judge(&mut self, scene: &Scene, node: NodeId, resource: ResourceId, effect: Effect, book: &mut Book) {
        let excused = match self.expiry {
            Expiry::Of(since) => {
                [node, self.grantor].iter().any(|node| scene.assumptions.excused_since(*node, since, &CLOCKS))
            }
            Expiry::No => false,
        };
        if excused {
            book.excuse();
            return;
        }
        book.judge();
        let end = self.over.when.told_at;
        if effect.issued.decided_since < end {
            if matches!(self.expiry, Expiry::Of(_)) && effect.issued.told_at < end {
                book.slack(end - effect.issued.told_at, None);
            }
            return;
        }
        if core::mem::replace(&mut self.is_told, true) {
            return;
        }
        let Self { grantor, origin, over, .. } = *self;
        book.violation(scene.now, "effect-after-end", || {
            let Effect { token, op, issued } = effect;
            let issued_at = issued.told_at;
            let what = "work after the end";
            let bound = Fact::Bound { what, allowed: Span::ZERO, measured: issued_at - end };
            let issued = Fact::Issued { at: issued_at, writer: node, resource, token, op };
            Case {
                nodes: [node, grantor].into(),
                resource: Some(resource),
                evidence: [origin, over.fact, issued, bound].into(),
            }
        });
    }
}

impl Checker for SelfStop {
    fn topics(&self) -> Topics {
        Topics::LEASES.and(Topics::EFFECTS).and(Topics::PROCESSES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match *event {
            NodeEvent::EffectIssued { resource, token, op } => {
                let effect = Effect { token, op, issued: scene.when(node) };
                self.issued(scene, node, resource, effect, book);
            }
            NodeEvent::Ended { lease, cause, .. }
            | NodeEvent::Recovered { lease, ended: Some(cause), .. } => {
                self.ended(scene, node, lease, cause, book);
            }
            NodeEvent::ReleaseTaken { resource, by, .. } => {
                if let Some(work) = self.work.get_mut(&(resource, by)) {
                    work.before_release = work.last;
                }
            }
            // A grantor that lost its disk may give the same token out again.
            NodeEvent::Granted { resource, holder, token, .. } => {
                if let Some(work) = self.work.get_mut(&(resource, holder)) {
                    work.ended = work.ended.filter(|ended| ended.token != token);
                }
            }
            _ => {}
        }
    }

    fn on_world(&mut self, _: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        if matches!(event, WorldEvent::Restarted { .. }) {
            self.work.retain(|(_, worker), _| Some(*worker) != node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Invariant;
    use crate::report::{ClosestCall, InvariantReport};
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        assert!(events.is_sorted_by_key(|event| event.at));
        report(Invariant::SelfStop, events, s(100))
    }

    const LATE: &str = "effect-after-end";

    /// What comes of an effect of A after the end of its lease, and before it in the list if they share an instant.
    fn effect(end: NodeEvent, when: SimInstant) -> Option<&'static str> {
        let mut events = [at(s(1), G, granted(1, A)), at(when, A, issued(1)), at(s(20), G, end)];
        events.sort_by_key(|event| event.at);
        judged(&events).clauses().pop()
    }

    #[test]
    fn the_instant_of_the_end_is_not_part_of_the_lease() {
        for end in [ended(1, EXPIRED), ended(1, released_by(A)), recovered(1, A, Some(EXPIRED))] {
            assert_eq!(effect(end, just_before(s(20))), None);
            assert_eq!(effect(end, s(20)), Some(LATE));
            assert_eq!(effect(end, just_after(s(20))), Some(LATE));
        }
        for end in [ended(1, REVOKED), ended(1, released_by(B))] {
            assert_eq!(effect(end, s(30)), None, "nobody can foresee it");
        }
    }

    #[test]
    fn the_order_of_two_events_at_one_instant_does_not_matter() {
        let (end, late) = (at(s(20), G, ended(1, EXPIRED)), at(s(20), A, issued(1)));
        for [one, other] in [[end, late], [late, end]] {
            assert_eq!(judged(&[at(s(1), G, granted(1, A)), one, other]).counts(), (1, 0, 1));
        }
    }

    /// On a network without delay.
    #[test]
    fn a_release_follows_from_what_its_holder_did_at_the_same_instant() {
        let end = released_by(A);
        let release = [at(s(20), G, release_taken(1, A)), at(s(20), G, end_ordered(1, end))];
        let (effect, ended) = (at(s(20), A, issued(1)), at(s(21), G, ended(1, end)));
        let grant = at(s(1), G, granted(1, A));
        assert_eq!(judged(&[grant, effect, release[0], release[1], ended]).clauses(), [""; 0]);
        assert_eq!(judged(&[grant, release[0], release[1], effect, ended]).clauses(), [LATE]);
        let late = at(just_after(s(20)), A, issued(1));
        assert_eq!(judged(&[grant, effect, release[0], release[1], late, ended]).clauses(), [LATE]);
    }

    #[test]
    fn the_end_is_when_it_was_ordered_however_slow_the_disk() {
        for (order, cause) in [
            (end_ordered(1, EXPIRED), EXPIRED),
            (end_ordered(1, released_by(A)), released_by(A)),
            (release_taken(1, A), released_by(A)),
        ] {
            let events = |when| {
                let mut events = [
                    at(s(1), G, granted(1, A)),
                    at(s(20), G, order),
                    at(when, A, issued(1)),
                    at(s(25), G, ended(1, cause)),
                ];
                events.sort_by_key(|event| event.at);
                judged(&events)
            };
            assert_eq!(events(s(20)).clauses(), [LATE]);
            assert_eq!(events(s(23)).evidence[0].at, s(25), "known only when the end is");
            assert_eq!(events(just_before(s(20))).clauses(), [""; 0]);
        }
    }

    #[test]
    fn an_order_that_a_crash_made_void_ends_nothing() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(20), G, end_ordered(1, EXPIRED)),
            at(s(21), G, CRASHED),
            at(s(22), G, RESTARTED),
            at(s(22), G, recovered(1, A, None)),
            at(s(30), A, issued(1)),
            at(s(40), G, ended(1, EXPIRED)),
        ];
        assert_eq!(judged(&events).counts(), (1, 0, 0));
        let mut kept = events;
        kept[4] = at(s(22), G, recovered(1, A, Some(EXPIRED)));
        assert_eq!(judged(&kept[..6]).clauses(), [LATE], "unless the end reached the disk");
    }

    #[test]
    fn an_order_from_before_the_last_renewal_ends_nothing() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(15), G, end_ordered(1, EXPIRED)),
            at(s(16), G, renewed(1)),
            at(s(20), A, issued(1)),
            at(s(40), G, ended(1, EXPIRED)),
        ];
        assert_eq!(judged(&events).counts(), (1, 0, 0));
        let again = |when| {
            let mut events = events.to_vec();
            events.extend([at(s(35), G, end_ordered(1, EXPIRED)), at(when, A, issued(1))]);
            events.sort_by_key(|event| event.at);
            judged(&events).clauses().pop()
        };
        assert_eq!(again(s(35)), Some(LATE), "the order after it does");
        assert_eq!(again(just_before(s(35))), None);
    }

    #[test]
    fn an_effect_that_a_stop_held_back_was_decided_before() {
        let events = |stop, from, issued_at| {
            [
                at(s(1), G, granted(1, A)),
                at(from, A, stop),
                at(s(20), G, ended(1, EXPIRED)),
                at(s(30), A, RESUMED),
                at(issued_at, A, issued(1)),
            ]
        };
        for stop in [PAUSED, SUSPENDED] {
            assert_eq!(judged(&events(stop, just_before(s(20)), s(30))).counts(), (1, 0, 0));
            assert_eq!(judged(&events(stop, s(20), s(30))).clauses(), [LATE], "stopped when it was over");
            let later = just_after(s(30));
            assert_eq!(judged(&events(stop, s(10), later)).clauses(), [LATE], "it has run since");
        }
    }

    #[test]
    fn it_is_the_nodes_own_lease_and_its_token_that_count() {
        let grant = [at(s(1), G, granted(1, A)), at(s(20), G, ended(1, EXPIRED))];
        let then = |events: &[Event]| judged(&[&grant[..], events].concat()).clauses().pop();
        assert_eq!(then(&[at(s(21), A, issued(1))]), Some(LATE));
        assert_eq!(then(&[at(s(21), B, issued(1))]), None);
        assert_eq!(then(&[at(s(21), G, granted(2, A)), at(s(22), A, issued(2))]), None);
        assert_eq!(then(&[at(s(21), G, granted(2, A)), at(s(22), A, issued(1))]), Some(LATE));
        let again = [at(s(21), G, granted_with(2, A, 1)), at(s(22), A, issued(1))];
        assert_eq!(then(&again), None, "its token was given out again");
        let reborn = [at(s(21), A, CRASHED), at(s(22), A, RESTARTED), at(s(23), A, issued(1))];
        assert_eq!(then(&reborn), None, "another process");
    }

    #[test]
    fn a_lease_is_told_once_with_what_shows_it() {
        let report = judged(&[
            at(s(1), G, granted(1, A)),
            at(s(20), G, ended(1, EXPIRED)),
            at(s(21), A, issued(1)),
            at(s(22), A, issued(1)),
        ]);
        assert_eq!(report.counts(), (2, 0, 1));
        let violation = &report.evidence[0];
        assert_eq!(violation.nodes, [A, G]);
        let measured = Span::from_secs(1);
        assert_eq!(
            violation.evidence[1..],
            [
                Fact::Ended {
                    at: s(20),
                    grantor: G,
                    lease: LeaseId(1),
                    resource: R,
                    token: t(1),
                    cause: EXPIRED
                },
                Fact::Issued { at: s(21), writer: A, resource: R, token: t(1), op: OpId(1) },
                Fact::Bound { what: "work after the end", allowed: Span::ZERO, measured },
            ]
        );
    }

    /// A lease of 15 s lasts 12 s at least.
    #[test]
    fn work_after_an_expiry_that_came_too_early_is_the_grantors_fault() {
        let events =
            |expiry| [at(s(1), G, granted(1, A)), at(expiry, G, ended(1, EXPIRED)), at(s(14), A, issued(1))];
        assert_eq!(judged(&events(just_before(s(13)))).counts(), (0, 0, 0));
        assert_eq!(judged(&events(s(13))).clauses(), [LATE]);
    }

    #[test]
    fn the_clocks_of_holder_and_grantor_excuse_an_expiry() {
        let with = |node, assumption, restored_at, cause| {
            let events = [
                at(s(1), node, broken(assumption)),
                at(restored_at, node, restored(assumption)),
                at(s(30), G, granted(1, A)),
                at(s(50), G, ended(1, cause)),
                at(s(51), A, issued(1)),
            ];
            judged(&events).counts()
        };
        for clock in CLOCKS {
            for node in [G, A] {
                assert_eq!(with(node, clock, s(8), EXPIRED), (0, 1, 0), "the aftermath reaches the term");
                assert_eq!(with(node, clock, just_before(s(8)), EXPIRED), (1, 0, 1), "it ended before it");
                assert_eq!(with(node, clock, s(8), released_by(A)), (1, 0, 1), "a release needs no clock");
            }
            assert_eq!(with(B, clock, s(8), EXPIRED), (1, 0, 1));
        }
        for disk in [Assumption::DiskKeeps, Assumption::DiskTimely] {
            assert_eq!(with(G, disk, s(8), EXPIRED), (1, 0, 1));
        }
    }

    #[test]
    fn the_closest_call_is_from_the_last_effect_to_the_expiry() {
        let call = |cause| {
            let events = [
                at(s(1), G, granted(1, A)),
                at(s(5), A, issued(1)),
                at(s(17), A, issued(1)),
                at(s(20), G, ended(1, cause)),
            ];
            judged(&events).closest_call
        };
        assert_eq!(call(EXPIRED), Some(ClosestCall { left: Span::from_secs(3), of: None }));
        assert_eq!(call(released_by(A)), None, "it released because it had stopped");
    }

    #[test]
    fn a_lease_that_nobody_worked_under_says_nothing() {
        let events = [at(s(1), G, granted(1, A)), at(s(20), G, ended(1, EXPIRED))];
        assert_eq!(judged(&events).counts(), (0, 0, 0));
    }
}
