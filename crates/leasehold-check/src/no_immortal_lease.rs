//! I5: every lease is gone when its term and the grantor's slack are over.
//!
//! Source: docs/invariants.md. A lease that no clock ends is a lock that its holder's death leaves locked.
//!
//! A lease is due at [`Bounds::latest_end`](leasehold_core::Bounds::latest_end) after its term began. A grantor
//! that does not run cannot end anything, so:
//!
//! * when a paused or suspended grantor goes on, its leases are due no sooner than its slack later;
//! * when a crashed one is back, they are due no sooner than a whole term later, and a lease that it then
//!   recovers has a term of the length it says, once a restart. If only so many
//!   [extensions](leasehold_core::Bounds::extensions) are promised, only so many restarts since the lease was granted
//!   or renewed do that, and after a further one it is due no sooner than the grantor's slack later;
//! * while its process is throttled nothing is overdue, and when it is not any more, they are due no sooner than
//!   its slack later;
//! * when a sweep of it ran late, and it says so, they are due no sooner than its slack later;
//! * while its disk is slower than declared nothing is overdue, and when it is not any more, they are due no
//!   sooner than a whole term later. That is no excuse for ever: an end that was given up meanwhile is found.
//!
//! **Violations**
//!
//! * `ended-late`: a lease ended after it was due. Exactly when due is fine.
//! * `renewed-overdue`: a lease was renewed after it was due, so it was still there.
//! * `never-ended`: it was due before the end of the run and still there then. Not judged if the grantor does
//!   not run at that time.
//!
//! Excused if the grantor's clocks were out of bounds or stood still at some time during the term. A lease that was
//! there when the grantor's disk lost something may be forgotten: as long as nothing more is heard of it, it is not
//! looked for.
//!
//! Judged: every end and every renewal of a live lease, and what is overdue at the end of the run. An end that
//! is only found on the disk is not: when it came is not known. Closest call: the time left until it was due.

use alloc::collections::{BTreeMap, BTreeSet};

use leasehold_core::event::{Assumption, RegistryEvent};
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
    /// How many restarts there were since it was granted or renewed.
    restarts: u32,
    /// Whether its grantor's disk lost something since it was last heard of.
    may_be_forgotten: bool,
    /// When that was put off for the last time, and why.
    put_off: Option<(SimInstant, &'static str)>,
}

impl Due {
    fn of_term(scene: &Scene, grantor: NodeId, ttl: Span) -> Self {
        let at = scene.now.saturating_add(scene.bounds.latest_end(ttl));
        let may_be_forgotten = scene.assumptions.is_broken(grantor, Assumption::DiskKeeps);
        let (awaits_recovery, restarts, put_off) = (false, 0, None);
        Self { ttl, term_began: scene.now, at, awaits_recovery, restarts, may_be_forgotten, put_off }
    }

    /// Its grantor is back.
    fn restarted(&mut self, scene: &Scene) {
        self.restarts = self.restarts.saturating_add(1);
        self.awaits_recovery = scene.bounds.extensions.is_none_or(|most| self.restarts <= most);
        let more = match self.awaits_recovery {
            true => scene.bounds.latest_end(self.ttl),
            false => scene.bounds.end_slack,
        };
        self.no_sooner_than(scene.now.saturating_add(more), scene.now, "it had been dead, and is back");
    }

    /// Its grantor found it on its disk, with such a term.
    fn recovered(&mut self, scene: &Scene, grantor: NodeId, ttl: Span) {
        self.may_be_forgotten = scene.assumptions.is_broken(grantor, Assumption::DiskKeeps);
        if self.awaits_recovery {
            *self = Self { restarts: self.restarts, ..Self::of_term(scene, grantor, ttl) };
        }
    }

    fn no_sooner_than(&mut self, instant: SimInstant, now: SimInstant, why: &'static str) {
        if instant > self.at {
            self.at = instant;
            self.put_off = Some((now, why));
        }
    }
}

/// Remembers when each live lease is due.
#[derive(Debug, Default)]
pub(crate) struct NoImmortalLease {
    live: BTreeMap<(NodeId, LeaseId), Due>,
    /// The nodes whose process is throttled.
    slow: BTreeSet<NodeId>,
}

impl NoImmortalLease {
    fn of(&mut self, grantor: NodeId) -> impl Iterator<Item = &mut Due> {
        let all = (grantor, LeaseId(0))..=(grantor, LeaseId(u64::MAX));
        self.live.range_mut(all).map(|(_, due)| due)
    }

    fn judge(&self, scene: &Scene, key: (NodeId, LeaseId), due: Due, clause: &'static str, book: &mut Book) {
        let (grantor, id) = key;
        if scene.assumptions.excused_since(grantor, due.term_began, &CLOCKS) {
            book.excuse();
            return;
        }
        let allowed = due.at - due.term_began;
        if scene.now <= due.at {
            book.judge();
            book.slack(due.at - scene.now, Some(allowed));
            return;
        }
        if scene.assumptions.is_broken(grantor, Assumption::DiskTimely) || self.slow.contains(&grantor) {
            book.excuse();
            return;
        }
        book.judge();
        book.violation(scene.now, clause, || {
            let lease = scene.leases.live(grantor, id);
            let measured = scene.now - due.term_began;
            let term = lease.into_iter().flat_map(|lease| [lease.origin(), lease.term()]);
            let put_off = due.put_off.map(|(at, why)| Fact::PutOff { at, node: grantor, why });
            Case {
                nodes: [grantor].into_iter().chain(lease.and_then(|lease| lease.holder)).collect(),
                resource: lease.map(|lease| lease.resource),
                evidence: term
                    .chain(put_off)
                    .chain([Fact::Bound { what: "greatest length of a term", allowed, measured }])
                    .collect(),
            }
        });
    }
}

impl Checker for NoImmortalLease {
    fn topics(&self) -> Topics {
        Topics::LEASES.and(Topics::PROCESSES).and(Topics::ASSUMPTIONS).and(Topics::REGISTRY)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match *event {
            NodeEvent::Granted { lease, ttl, .. } => {
                self.live.insert((node, lease), Due::of_term(scene, node, ttl));
            }
            NodeEvent::Renewed { lease, ttl, .. } => {
                if let Some(due) = self.live.insert((node, lease), Due::of_term(scene, node, ttl)) {
                    self.judge(scene, (node, lease), due, "renewed-overdue", book);
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
                let due = self.live.entry((node, lease)).or_insert_with(|| Due::of_term(scene, node, ttl));
                due.recovered(scene, node, ttl);
            }
            NodeEvent::Registry(RegistryEvent::SweptLate { .. }) => {
                let instant = scene.now.saturating_add(scene.bounds.end_slack);
                self.of(node).for_each(|due| due.no_sooner_than(instant, scene.now, "its sweep ran late"));
            }
            NodeEvent::Ended { lease, .. } => {
                if let Some(due) = self.live.remove(&(node, lease)) {
                    self.judge(scene, (node, lease), due, "ended-late", book);
                }
            }
            _ => {}
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        let Some(node) = node else { return };
        match event {
            WorldEvent::Throttled => {
                self.slow.insert(node);
            }
            WorldEvent::Resumed | WorldEvent::Unthrottled => {
                if matches!(event, WorldEvent::Unthrottled) {
                    self.slow.remove(&node);
                }
                let instant = scene.now.saturating_add(scene.bounds.end_slack);
                let why = match event {
                    WorldEvent::Resumed => "it had stood still, and goes on",
                    _ => "it had been slow, and is no more",
                };
                self.of(node).for_each(|due| due.no_sooner_than(instant, scene.now, why));
            }
            WorldEvent::Restarted { .. } => {
                self.of(node).for_each(|due| due.restarted(scene));
            }
            WorldEvent::AssumptionRestored { assumption: Assumption::DiskTimely } => {
                for due in self.of(node) {
                    let instant = scene.now.saturating_add(scene.bounds.latest_end(due.ttl));
                    due.no_sooner_than(instant, scene.now, "its disk had been slow, and is no more");
                }
            }
            WorldEvent::AssumptionBroken { assumption: Assumption::DiskKeeps } => {
                self.of(node).for_each(|due| due.may_be_forgotten = true);
            }
            _ => {}
        }
    }

    fn finish(&mut self, scene: &Scene, book: &mut Book) {
        for (key, due) in &self.live {
            let is_judged = scene.processes.of(key.0) == Process::Running && !due.may_be_forgotten;
            if scene.now > due.at && is_judged {
                self.judge(scene, *key, *due, "never-ended", book);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::{Bounds, EventKind};

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
    fn the_evidence_says_why_more_time_was_allowed() {
        let events = [
            at(s(1), G, granted(1, A)),
            at(s(10), G, PAUSED),
            at(s(40), G, RESUMED),
            at(s(50), G, ended(1, EXPIRED)),
        ];
        let report = report(Invariant::NoImmortalLease, &events, s(100));
        let put_off = |fact: &&Fact| matches!(fact, Fact::PutOff { at, node: G, .. } if *at == s(40));
        assert_eq!(report.evidence[0].evidence.iter().filter(put_off).count(), 1, "{report:?}");
        // With a slack of 1 s it is due at 22 s anyway, so this put off nothing.
        let soon = [events[0], events[1], at(s(21), G, RESUMED), events[3]];
        let report = self::report(Invariant::NoImmortalLease, &soon, s(100));
        assert!(!report.evidence[0].evidence.iter().any(|fact| matches!(fact, Fact::PutOff { .. })));
        let without = [events[0], events[3]];
        let report = self::report(Invariant::NoImmortalLease, &without, s(100));
        assert!(!report.evidence[0].evidence.iter().any(|fact| matches!(fact, Fact::PutOff { .. })));
    }

    #[test]
    fn while_a_grantor_is_throttled_nothing_is_overdue() {
        let slow = |node| [at(s(1), G, granted(1, A)), at(s(10), node, WorldEvent::Throttled)];
        assert_eq!(expiry(&slow(G), s(50)), None);
        assert_eq!(expiry(&slow(A), s(50)), Some("ended-late"));
        let fast_again = |when| [slow(G)[0], slow(G)[1], at(when, G, WorldEvent::Unthrottled)];
        assert_due(&fast_again(s(50)), s(51));
        assert_due(&fast_again(s(12)), s(22));
    }

    #[test]
    fn a_sweep_that_runs_late_ends_leases_late() {
        use crate::script::registry::swept_late;
        assert_due(&[at(s(1), G, granted(1, A)), at(s(25), G, swept_late(3))], s(26));
        assert_due(&[at(s(1), G, granted(1, A)), at(s(20), G, swept_late(3))], s(22));
        assert_due(&[at(s(1), G, granted(1, A)), at(s(22), C, swept_late(3))], s(22));
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

    /// Each restart puts the end off by a term of 20 s and the slack, as long as so many are promised; the slack of 1 s is
    /// for a grantor that was dead when the lease was due.
    #[test]
    fn only_so_many_restarts_in_a_row_give_more_time() {
        let restarted = |when| [at(when, G, RESTARTED), at(when, G, recovered(1, A, None))];
        let events = |restarts: &[u64]| {
            let all = restarts.iter().flat_map(|&second| restarted(s(second)));
            [at(s(1), G, granted(1, A))].into_iter().chain(all).collect::<std::vec::Vec<_>>()
        };
        let due = |extensions, restarts: &[u64], more: &[Event], when: SimInstant| {
            let end = |when| {
                let events = [&events(restarts)[..], more, &[at(when, G, ended(1, EXPIRED))]].concat();
                let bounds = Bounds { extensions, ..bounds() };
                report_under(bounds, Invariant::NoImmortalLease, &events, when).clauses().pop()
            };
            let seen = [end(when), end(just_after(when))];
            assert_eq!(seen, [None, Some("ended-late")], "{extensions:?}, {restarts:?}");
        };
        due(None, &[10, 20, 30], &[], s(51));
        due(Some(3), &[10, 20, 30], &[], s(51));
        due(Some(2), &[10, 20, 30], &[], s(41));
        due(Some(0), &[10, 20], &[], s(22));
        due(Some(1), &[10, 60], &[], s(61));
        due(Some(1), &[10, 20], &[at(s(25), G, renewed(1))], s(46));
        let renewed_between = [at(s(25), G, renewed(1)), restarted(s(30))[0], restarted(s(30))[1]];
        due(Some(1), &[10, 20], &renewed_between, s(51));
    }

    /// 12 s last 16 s at most, 30 s last 40 s, and 1 s more for the slack.
    #[test]
    fn a_recovered_term_is_as_long_as_it_says() {
        let events = |seconds| {
            [
                at(s(1), G, granted(1, A)),
                at(s(10), G, CRASHED),
                at(s(30), G, RESTARTED),
                at(s(30), G, recovered_for(1, A, seconds)),
            ]
        };
        assert_due(&events(12), s(47));
        assert_due(&events(30), s(71));
        let twice = [&events(30)[..], &[at(s(31), G, recovered_for(1, A, 90))]].concat();
        assert_due(&twice, s(71));
    }

    #[test]
    fn a_slow_disk_delays_but_excuses_for_no_longer() {
        let stall = |from, to| {
            [
                at(s(1), G, granted(1, A)),
                at(from, G, broken(Assumption::DiskTimely)),
                at(to, G, restored(Assumption::DiskTimely)),
            ]
        };
        assert_due(&stall(s(5), s(40)), s(61));
        assert_due(&stall(s(22), s(40)), s(61));
        let given_up = stall(s(5), s(40));
        assert_eq!(judged_until(&given_up, s(61)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&given_up, just_after(s(61))).clauses(), ["never-ended"]);
        let renewed_since = [&given_up[..], &[at(s(41), G, renewed(1))]].concat();
        assert_due(&renewed_since, s(62));
        let of_another = stall(s(5), s(40)).map(|event| match event.at {
            begun if begun == s(1) => event,
            _ => Event { node: Some(A), ..event },
        });
        assert_eq!(expiry(&of_another, s(41)), Some("ended-late"));
    }

    #[test]
    fn while_the_disk_is_slow_nothing_is_overdue() {
        let events = [at(s(1), G, granted(1, A)), at(s(5), G, broken(Assumption::DiskTimely))];
        assert_eq!(judged_until(&events, s(90)).counts(), (0, 1, 0), "at the end of the run");
        for told in [renewed(1), ended(1, EXPIRED)] {
            let events = [events[0], events[1], at(s(50), G, told)];
            assert_eq!(judged_until(&events, s(50)).counts(), (0, 1, 0));
        }
        let in_time = [events[0], events[1], at(s(22), G, ended(1, EXPIRED))];
        assert_eq!(judged_until(&in_time, s(90)).counts(), (1, 0, 0));
    }

    #[test]
    fn a_lease_that_a_lost_disk_may_have_forgotten_is_not_looked_for() {
        let lost = [
            at(s(1), G, granted(1, A)),
            at(s(5), G, CRASHED),
            at(s(5), G, broken(Assumption::DiskKeeps)),
            at(s(6), G, restored(Assumption::DiskKeeps)),
            at(s(6), G, RESTARTED),
        ];
        assert_eq!(judged_until(&lost, s(90)).counts(), (0, 0, 0));
        for heard_of in [recovered(1, A, None), renewed(1), granted(1, B)] {
            let events = [&lost[..], &[at(s(7), G, heard_of)]].concat();
            assert_eq!(judged_until(&events, s(90)).clauses(), ["never-ended"], "{heard_of:?}");
        }
        let events = [&lost[..3], &[at(s(5), G, renewed(1)), lost[3], lost[4]]].concat();
        assert_eq!(judged_until(&events, s(90)).counts(), (1, 0, 0), "nor one that was heard of too early");
        let in_one_process = [lost[0], lost[2], lost[3], at(s(7), G, recovered(1, A, None))];
        assert_eq!(judged_until(&in_one_process[..3], s(90)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&in_one_process, s(90)).clauses(), ["never-ended"]);
        let of_another = lost.map(|event| match event.kind {
            EventKind::World(WorldEvent::AssumptionBroken { .. }) => Event { node: Some(S), ..event },
            _ => event,
        });
        assert_eq!(judged_until(&of_another, s(90)).clauses(), ["never-ended"]);
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
