//! I5: every lease is gone when its term and the grantor's slack are over.
//!
//! Source: docs/invariants.md. A lease that no clock ends is a lock that its holder's death leaves locked.
//!
//! A lease is due at [`Bounds::latest_end`](leasehold_core::Bounds::latest_end) after its term began. A grantor
//! that does not run cannot end anything, so:
//!
//! * when a paused or suspended grantor goes on, its leases are due no sooner than its slack later;
//! * when a crashed one is back, they are due no sooner than a whole term later, and a lease that it then
//!   recovers has its term begin anew, once a restart.
//!
//! **Violations**
//!
//! * `ended-late`: a lease ended after it was due. Exactly when due is fine.
//! * `renewed-overdue`: a lease was renewed after it was due, so it was still there.
//! * `never-ended`: it was due before the end of the run and still there then. Not judged if the grantor does
//!   not run at that time.
//!
//! Excused if the grantor's clocks were out of bounds or stood still at some time during the term.
//!
//! Judged: every end and every renewal of a live lease, and what is overdue at the end of the run. An end that
//! is only found on the disk is not: when it came is not known. Closest call: the time left until it was due.

use alloc::collections::BTreeMap;

use leasehold_core::{LeaseId, NodeEvent, NodeId, SimInstant, Span, WorldEvent};

use crate::assumptions::CLOCKS;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::processes::Process;
use crate::scene::Scene;

/// When a lease has to be gone.
#[derive(Clone, Copy, Debug)]
struct Due {
    ttl: Span,
    term_began: SimInstant,
    at: SimInstant,
    /// Whether its grantor restarted and has not recovered it since.
    awaits_recovery: bool,
}

impl Due {
    fn of_term(scene: &Scene, ttl: Span) -> Self {
        let at = scene.now.saturating_add(scene.bounds.latest_end(ttl));
        Self { ttl, term_began: scene.now, at, awaits_recovery: false }
    }

    fn no_sooner_than(&mut self, instant: SimInstant) {
        self.at = self.at.max(instant);
    }
}

/// Remembers when each live lease is due.
#[derive(Debug, Default)]
pub(crate) struct NoImmortalLease {
    live: BTreeMap<(NodeId, LeaseId), Due>,
}

impl NoImmortalLease {
    fn of(&mut self, grantor: NodeId) -> impl Iterator<Item = &mut Due> {
        let all = (grantor, LeaseId(0))..=(grantor, LeaseId(u64::MAX));
        self.live.range_mut(all).map(|(_, due)| due)
    }

    fn judge(scene: &Scene, key: (NodeId, LeaseId), due: Due, clause: &'static str, book: &mut Book) {
        let (grantor, id) = key;
        if scene.assumptions.excused_since(grantor, due.term_began, &CLOCKS) {
            book.excuse();
            return;
        }
        book.judge();
        let allowed = due.at - due.term_began;
        if scene.now <= due.at {
            book.slack(due.at - scene.now, Some(allowed));
            return;
        }
        book.violation(scene.now, clause, || {
            let lease = scene.leases.live(grantor, id);
            let measured = scene.now - due.term_began;
            let term = lease.into_iter().flat_map(|lease| [lease.origin(), lease.term()]);
            Case {
                nodes: [grantor].into_iter().chain(lease.and_then(|lease| lease.holder)).collect(),
                resource: lease.map(|lease| lease.resource),
                evidence: term
                    .chain([Fact::Bound { what: "greatest length of a term", allowed, measured }])
                    .collect(),
            }
        });
    }
}

impl Checker for NoImmortalLease {
    fn topics(&self) -> Topics {
        Topics::LEASES.and(Topics::PROCESSES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match *event {
            NodeEvent::Granted { lease, ttl, .. } => {
                self.live.insert((node, lease), Due::of_term(scene, ttl));
            }
            NodeEvent::Renewed { lease, ttl, .. } => {
                if let Some(due) = self.live.insert((node, lease), Due::of_term(scene, ttl)) {
                    Self::judge(scene, (node, lease), due, "renewed-overdue", book);
                }
            }
            NodeEvent::Recovered { resource, lease, ttl, ended, .. } => {
                for superseded in scene.leases.superseded_by(node, resource, lease) {
                    self.live.remove(&(node, superseded));
                }
                if ended.is_some() {
                    self.live.remove(&(node, lease));
                    return;
                }
                let due = self.live.entry((node, lease)).or_insert_with(|| Due::of_term(scene, ttl));
                if due.awaits_recovery {
                    *due = Due::of_term(scene, ttl);
                }
            }
            NodeEvent::Ended { lease, .. } => {
                if let Some(due) = self.live.remove(&(node, lease)) {
                    Self::judge(scene, (node, lease), due, "ended-late", book);
                }
            }
            _ => {}
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        let Some(node) = node else { return };
        match event {
            WorldEvent::Resumed => {
                let instant = scene.now.saturating_add(scene.bounds.end_slack);
                self.of(node).for_each(|due| due.no_sooner_than(instant));
            }
            WorldEvent::Restarted { .. } => {
                for due in self.of(node) {
                    due.no_sooner_than(scene.now.saturating_add(scene.bounds.latest_end(due.ttl)));
                    due.awaits_recovery = true;
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, scene: &Scene, book: &mut Book) {
        for (key, due) in &self.live {
            if scene.now > due.at && scene.processes.of(key.0) == Process::Running {
                Self::judge(scene, *key, *due, "never-ended", book);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Invariant;
    use crate::report::{ClosestCall, InvariantReport};
    use crate::script::*;

    fn judged_until(events: &[Event], ended_at: SimInstant) -> InvariantReport {
        report(Invariant::NoImmortalLease, events, ended_at)
    }

    /// What comes of a lease that expires at an instant after these events.
    fn expiry(events: &[Event], when: SimInstant) -> Option<&'static str> {
        let mut events = events.to_vec();
        events.push(at(when, G, ended(1, EXPIRED)));
        judged_until(&events, when).clauses().pop()
    }

    /// That an expiry is fine at this instant and too late a nanosecond later.
    #[track_caller]
    fn assert_due(events: &[Event], when: SimInstant) {
        assert_eq!(expiry(events, when), None, "in time");
        assert_eq!(expiry(events, just_after(when)), Some("ended-late"), "too late");
    }

    /// A lease with 15 s on a clock that is up to a quarter slow, and a slack of 1 s: 21 s at most.
    #[test]
    fn a_lease_may_end_at_the_bound_but_not_after() {
        assert_due(&[at(s(1), G, granted(1, A))], s(22));
        assert_due(&[at(s(1), G, granted(1, A)), at(s(5), G, renewed(1))], s(26));
    }

    #[test]
    fn any_end_has_to_come_in_time() {
        for cause in [released_by(A), REVOKED] {
            let report = judged_until(&[at(s(1), G, granted(1, A)), at(s(30), G, ended(1, cause))], s(30));
            assert_eq!(report.clauses(), ["ended-late"]);
        }
    }

    #[test]
    fn a_renewal_after_the_lease_was_due_shows_that_it_was_still_there() {
        let renewal = |when| judged_until(&[at(s(1), G, granted(1, A)), at(when, G, renewed(1))], when);
        assert_eq!(renewal(s(22)).counts(), (1, 0, 0));
        assert_eq!(renewal(just_after(s(22))).clauses(), ["renewed-overdue"]);
    }

    #[test]
    fn a_lease_that_is_still_there_at_the_end_of_the_run_is_judged_if_it_was_due() {
        let events = [at(s(1), G, granted(1, A))];
        assert_eq!(judged_until(&events, s(22)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&events, just_after(s(22))).clauses(), ["never-ended"]);
        for stop in [CRASHED, PAUSED, SUSPENDED] {
            let events = [at(s(1), G, granted(1, A)), at(s(20), G, stop)];
            assert_eq!(judged_until(&events, s(90)).counts(), (0, 0, 0), "it cannot end anything");
        }
    }

    #[test]
    fn a_grantor_that_was_stopped_has_its_slack_once_it_goes_on() {
        for stop in [PAUSED, SUSPENDED] {
            let lease = [at(s(1), G, granted(1, A)), at(s(10), G, stop)];
            assert_due(&[lease[0], lease[1], at(s(50), G, RESUMED)], s(51));
            assert_due(&[lease[0], lease[1], at(s(12), G, RESUMED)], s(22));
        }
        let of_another = [at(s(1), G, granted(1, A)), at(s(10), A, PAUSED), at(s(50), A, RESUMED)];
        assert_eq!(expiry(&of_another, s(51)), Some("ended-late"));
    }

    #[test]
    fn a_restart_gives_a_term_and_the_recovery_after_it_another_once() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(10), G, CRASHED),
            at(s(30), G, RESTARTED),
            at(s(31), G, recovered(1, A, None)),
            at(s(32), G, recovered(1, A, None)),
        ];
        assert_due(&events[..3], s(51));
        assert_due(&events[..4], s(52));
        assert_due(&events, s(52));
    }

    #[test]
    fn a_lease_that_is_known_only_from_the_disk_has_a_term_from_then() {
        assert_due(&[at(s(31), G, recovered(1, A, None))], s(52));
    }

    #[test]
    fn an_end_on_the_disk_is_not_judged_but_ends_the_lease() {
        let events = [at(s(1), G, granted(1, A)), at(s(50), G, recovered(1, A, Some(EXPIRED)))];
        assert_eq!(judged_until(&events, s(90)).counts(), (0, 0, 0));
    }

    #[test]
    fn an_unreported_grant_on_the_disk_ended_the_lease_before_it() {
        let events = |found| [at(s(1), G, granted(1, A)), at(s(50), G, found)];
        assert_eq!(judged_until(&events(recovered(2, B, Some(EXPIRED))), s(90)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&events(recovered(2, B, None)), s(60)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&events(recovered(1, A, None)), s(60)).clauses(), ["never-ended"]);
    }

    #[test]
    fn the_grantors_clocks_excuse_and_nothing_else_does() {
        let with = |node, assumption, restored_at| {
            let events = [
                at(s(1), node, broken(assumption)),
                at(restored_at, node, restored(assumption)),
                at(s(30), G, granted(1, A)),
                at(s(60), G, ended(1, EXPIRED)),
            ];
            judged_until(&events, s(60)).counts()
        };
        for clock in CLOCKS {
            assert_eq!(with(G, clock, s(8)), (0, 1, 0), "the aftermath reaches into the term");
            assert_eq!(with(G, clock, just_before(s(8))), (1, 0, 1), "the aftermath ended before it");
        }
        assert_eq!(with(G, Assumption::DiskKeeps, s(8)), (1, 0, 1));
        assert_eq!(with(A, Assumption::ClockRate, s(8)), (1, 0, 1));
    }

    #[test]
    fn the_closest_call_is_the_least_time_left_of_the_term() {
        let report = judged_until(
            &[
                at(s(1), G, granted(1, A)),
                at(s(5), G, renewed(1)),
                at(s(23), G, ended(1, EXPIRED)),
                at(s(24), G, granted(2, B)),
                at(s(34), G, ended(2, released_by(B))),
            ],
            s(40),
        );
        let (left, of) = (Span::from_secs(3), Some(Span::from_secs(21)));
        assert_eq!(report.closest_call, Some(ClosestCall { left, of }));
        assert_eq!(report.judged, 3);
    }

    #[test]
    fn two_grantors_do_not_share_their_lease_ids() {
        let report = judged_until(
            &[at(s(1), G, granted(1, A)), at(s(2), C, granted(1, B)), at(s(20), C, ended(1, EXPIRED))],
            s(30),
        );
        assert_eq!(report.clauses(), ["never-ended"]);
        assert_eq!(report.evidence[0].nodes, [G, A]);
    }
}
