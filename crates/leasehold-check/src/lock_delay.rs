//! I16: after an involuntary end nobody is granted the resource before the lock-delay is over.
//!
//! Source: docs/invariants.md; Chubby and Consul name it so. What the last holder sent may still be under way when
//! its lease expires or is revoked. Where no fence guards the resource, waiting is all that helps.
//!
//! **Violation** `granted-too-soon`: a resource was granted when less true time had gone by since its last lease
//! expired or was revoked than a clock within the declared bound needs for the lock-delay. Exactly that long is
//! fine. A grant that is only found on the disk is judged like one that is reported, at the time of the find,
//! which is never too strict.
//!
//! The delay runs from the order to end the lease, which is when its term was over, however long the disk then
//! takes; where no order was told, from the end as told. An end that a restarted grantor finds on its disk and
//! never reported came at any time since the lease's term was over, or since a revoked lease's term began; only
//! what is too soon even from there on is a violation, and so it is with an end that was told at a resume, which
//! may have been decided before the pause. What may or may not be too soon is not judged.
//!
//! Excused if an assumption about the clocks or the disk of one of the two grantors was broken since the end. A
//! disk that is merely slow makes no grant come sooner. After a release there is nothing to wait for. A system
//! that promises no lock-delay (its bound is zero) is not judged.
//!
//! Judged: every first grant after an involuntary end. Closest call: how much later than allowed it came.

use alloc::collections::BTreeMap;

use leasehold_core::event::EndCause;
use leasehold_core::{LeaseId, NodeEvent, NodeId, ResourceId, SimInstant};

use crate::assumptions::CLOCKS_AND_DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::{Lease, Over, Standing};
use crate::promise::When;
use crate::scene::Scene;

/// Remembers the last end of each resource, if it was involuntary and nothing was granted since.
#[derive(Debug, Default)]
pub(crate) struct LockDelay {
    ends: BTreeMap<ResourceId, (NodeId, Over)>,
}

impl LockDelay {
    fn ended(&mut self, grantor: NodeId, resource: ResourceId, cause: EndCause, over: Over) {
        match cause {
            EndCause::Expired | EndCause::Revoked { .. } => self.ends.insert(resource, (grantor, over)),
            EndCause::Released { .. } => self.ends.remove(&resource),
        };
    }

    /// When a lease was over whose end was never reported.
    fn found(scene: &Scene, lease: &Lease, cause: EndCause) -> Over {
        let earliest = match cause {
            EndCause::Expired => lease.promise().certain,
            EndCause::Released { .. } | EndCause::Revoked { .. } => lease.decided_since,
        };
        let told = When { told_at: scene.now, decided_since: earliest.min(scene.now) };
        lease.over(told, cause)
    }

    fn granted(
        &mut self,
        scene: &Scene,
        grantor: NodeId,
        resource: ResourceId,
        grant: Fact,
        book: &mut Book,
    ) {
        let Some((ended_by, over)) = self.ends.remove(&resource) else { return };
        let When { told_at, decided_since } = over.when;
        let excused = |node| scene.assumptions.excused_since(node, decided_since, &CLOCKS_AND_DISK);
        if excused(grantor) || excused(ended_by) {
            book.excuse();
            return;
        }
        let allowed = scene.bounds.clock_rate.shortest_true(scene.bounds.lock_delay);
        let since = |instant: SimInstant| scene.now - instant;
        if since(told_at) >= allowed {
            book.judge();
            book.slack(since(told_at) - allowed, Some(allowed));
            return;
        }
        if since(decided_since) >= allowed {
            return;
        }
        book.judge();
        book.violation(scene.now, "granted-too-soon", || {
            let waited = Fact::Bound { what: "least lock-delay", allowed, measured: since(told_at) };
            let nodes = [grantor].into_iter().chain((ended_by != grantor).then_some(ended_by));
            Case {
                nodes: nodes.collect(),
                resource: Some(resource),
                evidence: [over.fact, grant, waited].into(),
            }
        });
    }

    fn recovered(
        &mut self,
        scene: &Scene,
        grantor: NodeId,
        lease: LeaseId,
        found: &Recovery,
        book: &mut Book,
    ) {
        match (scene.leases.standing(grantor, lease), found.ended) {
            (Standing::Live(lease), Some(cause)) => {
                self.ended(grantor, found.resource, cause, Self::found(scene, lease, cause));
            }
            // Its grant was never told of. When it then ended nobody can say.
            (Standing::Unknown, _) => self.granted(scene, grantor, found.resource, found.fact, book),
            (Standing::Live(_), None) | (Standing::Ended, _) => {}
        }
    }
}

/// What a restarted grantor says of a lease.
struct Recovery {
    resource: ResourceId,
    ended: Option<EndCause>,
    fact: Fact,
}

impl Checker for LockDelay {
    fn topics(&self) -> Topics {
        Topics::LEASES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        if scene.bounds.lock_delay.is_zero() {
            return;
        }
        let at = scene.now;
        match *event {
            NodeEvent::Granted { resource, lease, holder, token, ttl } => {
                let grant = Fact::Granted { at, grantor: node, lease, resource, holder, token, ttl };
                self.granted(scene, node, resource, grant, book);
            }
            NodeEvent::Ended { resource, lease, cause, .. } => {
                if let Some(lease) = scene.leases.live(node, lease) {
                    self.ended(node, resource, cause, lease.over(scene.when(node), cause));
                }
            }
            NodeEvent::Recovered { resource, lease, token, ended, .. } => {
                let fact = Fact::Recovered { at, grantor: node, lease, resource, token, ended };
                self.recovered(scene, node, lease, &Recovery { resource, ended, fact }, book);
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

    /// 10 s on a clock that is up to a quarter fast last 8 s at least.
    const DELAY: Span = Span::from_secs(10);

    fn judged(events: &[Event]) -> InvariantReport {
        report_with_lock_delay(DELAY, events, s(100))
    }

    /// What comes of a grant after these events.
    fn grant(events: &[Event], when: SimInstant) -> InvariantReport {
        judged(&[events, &[at(when, G, granted(2, B))]].concat())
    }

    /// That a grant is fine at this instant and too soon a nanosecond before.
    #[track_caller]
    fn assert_free(events: &[Event], when: SimInstant) {
        assert_eq!(grant(events, when).counts(), (1, 0, 0), "late enough");
        assert_eq!(grant(events, just_before(when)).clauses(), ["granted-too-soon"], "too soon");
    }

    #[test]
    fn a_grant_may_come_when_the_delay_is_over_but_not_before() {
        for cause in [EXPIRED, REVOKED] {
            assert_free(&[at(s(1), G, granted(1, A)), at(s(20), G, ended(1, cause))], s(28));
        }
        let released = [at(s(1), G, granted(1, A)), at(s(20), G, ended(1, released_by(A)))];
        assert_eq!(grant(&released, s(20)).counts(), (0, 0, 0));
    }

    #[test]
    fn the_delay_runs_from_the_order_however_slow_the_disk() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(20), G, end_ordered(1, EXPIRED)),
            at(s(25), G, ended(1, EXPIRED)),
        ];
        assert_free(&events, s(28));
        let report = grant(&events, just_before(s(28)));
        assert!(matches!(report.evidence[0].evidence[0], Fact::EndOrdered { at, .. } if at == s(20)));
        let renewed_since = [events[0], events[1], at(s(22), G, renewed(1)), events[2]];
        assert_free(&renewed_since, s(33));
    }

    #[test]
    fn only_the_first_grant_after_the_end_is_judged() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(20), G, ended(1, EXPIRED)),
            at(s(40), G, granted(2, B)),
            at(s(41), G, granted(3, C)),
        ];
        assert_eq!(judged(&events).counts(), (1, 0, 0));
        let elsewhere =
            NodeEvent::Granted { resource: R2, lease: LeaseId(2), holder: B, token: t(2), ttl: TTL };
        assert_eq!(judged(&[events[0], events[1], at(s(21), G, elsewhere)]).counts(), (0, 0, 0));
    }

    #[test]
    fn the_release_of_the_last_lease_ends_the_delay_of_the_one_before() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(20), G, ended(1, EXPIRED)),
            at(s(28), G, granted(2, B)),
            at(s(29), G, ended(2, released_by(B))),
            at(s(29), G, granted(3, C)),
        ];
        assert_eq!(judged(&events).counts(), (1, 0, 0));
    }

    #[test]
    fn a_restart_does_not_end_the_delay() {
        let restart = [at(s(21), G, CRASHED), at(s(22), G, RESTARTED)];
        let reported = [at(s(1), G, granted(1, A)), at(s(20), G, ended(1, EXPIRED))];
        let found = at(s(22), G, recovered(1, A, Some(EXPIRED)));
        assert_free(&[&reported[..], &restart, &[found]].concat(), s(28));
        assert_free(&[&reported[..], &restart].concat(), s(28));
        let ordered = [reported[0], at(s(20), G, end_ordered(1, EXPIRED)), restart[0], restart[1], found];
        assert_free(&ordered, s(28));
    }

    /// A lease of 15 s expires 12 s after its term began at the soonest.
    #[test]
    fn an_end_that_was_never_told_of_came_at_any_time_since_the_term_was_over() {
        let events = |cause| [at(s(5), G, granted(1, A)), at(s(20), G, recovered(1, A, Some(cause)))];
        let verdict = |cause, when| grant(&events(cause), when).counts();
        assert_eq!(verdict(EXPIRED, just_before(s(25))), (1, 0, 1), "too soon even from 17 s on");
        assert_eq!(verdict(EXPIRED, s(25)), (0, 0, 0), "nobody knows");
        assert_eq!(verdict(EXPIRED, s(28)), (1, 0, 0));
        assert_eq!(verdict(REVOKED, s(20)), (0, 0, 0), "it may have been revoked at once");
        assert_eq!(verdict(released_by(A), s(20)), (0, 0, 0));
        let too_early = [at(s(5), G, granted(1, A)), at(s(10), G, recovered(1, A, Some(EXPIRED)))];
        for when in [s(11), just_before(s(18))] {
            assert_eq!(grant(&too_early, when).counts(), (1, 0, 1), "but not after it was found");
        }
    }

    #[test]
    fn an_end_that_is_told_at_a_resume_may_have_been_decided_before_the_pause() {
        let events = |told| {
            [
                at(s(1), G, granted(1, A)),
                at(s(20), G, PAUSED),
                at(s(24), G, RESUMED),
                at(told, G, ended(1, EXPIRED)),
            ]
        };
        assert_eq!(
            grant(&events(s(24)), just_before(s(28))).counts(),
            (1, 0, 1),
            "too soon from the pause on"
        );
        assert_eq!(grant(&events(s(24)), s(28)).counts(), (0, 0, 0), "nobody knows");
        assert_eq!(grant(&events(s(24)), s(32)).counts(), (1, 0, 0));
        assert_eq!(grant(&events(s(25)), s(28)).counts(), (1, 0, 1), "told later, so decided later");
    }

    #[test]
    fn a_grant_that_is_found_on_the_disk_is_judged() {
        let found = |end, when| {
            let events = [
                at(s(1), G, granted(1, A)),
                at(s(20), G, ended(1, EXPIRED)),
                at(when, G, recovered(2, B, end)),
                at(when, G, granted(3, C)),
            ];
            judged(&events).counts()
        };
        for end in [None, Some(EXPIRED)] {
            assert_eq!(found(end, just_before(s(28))), (1, 0, 1));
            assert_eq!(found(end, s(28)), (1, 0, 0), "and of the end of that one nothing is known");
        }
    }

    #[test]
    fn the_clocks_and_the_disk_of_a_grantor_excuse_and_nothing_else_does() {
        let with = |node, assumption, restored_at| {
            let events = [
                at(s(1), node, broken(assumption)),
                at(restored_at, node, restored(assumption)),
                at(s(30), G, granted(1, A)),
                at(s(50), G, ended(1, EXPIRED)),
            ];
            grant(&events, s(51)).counts()
        };
        for assumption in CLOCKS_AND_DISK {
            assert_eq!(with(G, assumption, s(28)), (0, 1, 0), "the aftermath reaches the end");
            assert_eq!(with(G, assumption, just_before(s(28))), (1, 0, 1), "the aftermath ended before it");
            assert_eq!(with(A, assumption, s(28)), (1, 0, 1));
        }
        assert_eq!(with(G, Assumption::DiskTimely, s(28)), (1, 0, 1));
    }

    #[test]
    fn either_of_two_grantors_excuses_and_both_are_shown() {
        let with = |lost: Option<NodeId>| {
            let mut events = std::vec![at(s(1), G, granted(1, A))];
            events.extend(lost.map(|node| at(s(2), node, broken(Assumption::DiskKeeps))));
            events.extend([at(s(20), G, ended(1, EXPIRED)), at(s(21), C, granted(1, B))]);
            judged(&events)
        };
        for grantor in [G, C] {
            assert_eq!(with(Some(grantor)).counts(), (0, 1, 0));
        }
        assert_eq!(with(None).evidence[0].nodes, [C, G]);
    }

    #[test]
    fn the_closest_call_is_how_much_later_than_allowed_the_grant_came() {
        let events = [at(s(1), G, granted(1, A)), at(s(20), G, ended(1, EXPIRED))];
        let (left, of) = (Span::from_secs(3), Some(Span::from_secs(8)));
        assert_eq!(grant(&events, s(31)).closest_call, Some(ClosestCall { left, of }));
    }

    #[test]
    fn a_system_that_promises_no_delay_is_not_judged() {
        let events =
            [at(s(1), G, granted(1, A)), at(s(20), G, ended(1, EXPIRED)), at(s(20), G, granted(2, B))];
        assert_eq!(report(Invariant::LockDelay, &events, s(100)).counts(), (0, 0, 0));
    }
}
