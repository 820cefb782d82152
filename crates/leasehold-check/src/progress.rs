//! I14: an instance whose work stands still loses its lease.
//!
//! Source: docs/timing.md, section 7. A sidecar that goes on beside a dead application, or a heartbeat on a thread of
//! its own, keeps what nobody can use (CockroachDB 41691, Kafka KIP-62).
//!
//! The work of an application stands still while it says so, and while its process is dead, paused or suspended. What
//! counts is that nobody is sent to it: an instance that is listed as suspect or critical has lost what a lookup gives.
//!
//! **Violation** `kept-its-lease`: an instance was routed for longer than
//! [`DiscoveryBounds::progress`](leasehold_core::bounds::DiscoveryBounds::progress) while its work stood still. Exactly
//! that long is fine. It is found when the instance is routed no more, when the work goes on, or when the run ends.
//!
//! A violation takes one stretch of that length that nothing excuses: what happens after such a stretch excuses it no
//! more. It is excused if within it the registry did not run, was slow or swept late, if messages of the application, its
//! sidecar or the registry may have been late, or if an assumption about the clocks of the registry, the application or
//! its sidecar, or about the registry's disk was broken. A lost message makes no lease last. A heartbeat that reached the
//! registry more than `heartbeat_delay` after the process that sends it itself had stopped or died is excused likewise:
//! the network had kept it.
//! So it is if the sidecar did not run: one that was asleep when it should have heard of progress waits a while for what
//! may have been said meanwhile.
//!
//! Judged: every instance that is routed no more while its work stands still, and every one that was for too long.
//! Closest call: the time left.

use alloc::vec::Vec;

use leasehold_core::event::RegistryEvent;
use leasehold_core::id::{Epoch, InstanceId};
use leasehold_core::{LeaseId, NodeEvent, NodeId, ResourceId, SimInstant, Span, WorldEvent};

use crate::assumptions::CLOCKS;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::roster::Registration;
use crate::scene::Scene;
use crate::stretch::{RanOut, ran_out};

/// Remembers whose work stands still, and since when.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    applications: Vec<Work>,
    /// When the last heartbeat of each member reached the registry, and under which lease.
    arrived: Vec<Option<(LeaseId, SimInstant)>>,
    /// Those whose bound ran out while nothing excused it. What happens later is no excuse.
    overdue: Vec<Overdue>,
}

/// A registration that is routed for too long, and when that was so.
#[derive(Clone, Copy, Debug)]
struct Overdue {
    instance: InstanceId,
    epoch: Epoch,
    at: SimInstant,
}

impl Overdue {
    fn is(&self, known: &Registration) -> bool {
        (self.instance, self.epoch) == (known.instance, known.epoch)
    }
}

/// Members are numbered from 0; beyond this number none is followed.
const MOST: usize = 1 << 16;

/// The work of one node.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    stopped: Option<SimInstant>,
    /// Its process.
    down: Option<(SimInstant, &'static str)>,
    /// When the bound of a registration of it can have run out.
    due: Option<SimInstant>,
}

impl Work {
    fn stands_still(&self) -> Option<(SimInstant, &'static str)> {
        let work = self.stopped.map(|since| (since, "it makes no progress"));
        work.into_iter().chain(self.down).min_by_key(|(since, _)| *since)
    }
}

impl Progress {
    fn of(&mut self, node: NodeId) -> &mut Work {
        if self.applications.len() <= node.index() {
            self.applications.resize(node.index() + 1, Work::default());
        }
        &mut self.applications[node.index()]
    }

    /// The work of a node stands still, or somebody registers who does: waits for the bound to run out.
    fn wait(&mut self, scene: &Scene, node: NodeId, book: &mut Book) {
        let Some(allowed) = scene.bounds.discovery.and_then(|bounds| bounds.progress) else { return };
        let work = self.of(node);
        if let Some((since, _)) = work.stands_still() {
            let due = since.saturating_add(allowed).max(scene.now);
            work.due = Some(work.due.map_or(due, |before| before.min(due)));
            book.remind(due);
        }
    }

    /// The work of a node goes on: nothing is overdue.
    fn forget(&mut self, scene: &Scene, node: NodeId) {
        self.of(node).due = None;
        self.overdue.retain(|overdue| {
            let known = scene.roster.get(overdue.instance, overdue.epoch);
            known.is_some_and(|known| known.node != node)
        });
    }

    /// The registry says that it has swept late, and that it should have at an instant: nothing was overdue since then.
    fn swept_late(&mut self, scene: &Scene, due: SimInstant, book: &mut Book) {
        while let Some(place) = self.overdue.iter().position(|overdue| due <= overdue.at) {
            let Overdue { instance, epoch, .. } = self.overdue.swap_remove(place);
            if let Some(known) = scene.roster.get(instance, epoch) {
                self.wait(scene, known.node, book);
            }
        }
    }

    /// When the bound of one that is routed while its work stands still can run out next; nothing if it has.
    fn look(
        &self,
        scene: &Scene,
        known: &Registration,
        since: SimInstant,
        allowed: Span,
    ) -> Option<SimInstant> {
        let due = since.max(known.registered_at).saturating_add(allowed);
        if due > scene.now {
            return Some(due);
        }
        match ran_out(scene.now, allowed, |since| !self.is_excused(scene, known, since)) {
            RanOut::Now => None,
            RanOut::NotBefore(due) => Some(due),
        }
    }

    /// Whether something from `since` to now excuses it.
    fn is_excused(&self, scene: &Scene, known: &Registration, since: SimInstant) -> bool {
        let clocks = |node: NodeId| scene.assumptions.excused_since(node, since, &CLOCKS);
        let late = |node: NodeId| scene.calm.late_since(node, since);
        let speaks = || [known.node].into_iter().chain(known.holder);
        let sidecar = known.holder.filter(|holder| *holder != known.node);
        !scene.registry_was_fit(since)
            || scene.roster.registry().is_some_and(late)
            || speaks().any(|node| late(node) || clocks(node))
            || sidecar.is_some_and(|sidecar| !scene.calm.ran_since(sidecar, since))
            || self.heard_late(scene, known, since)
    }

    /// The work of a node goes on: whatever is still routed was so until now.
    fn goes_on(&self, scene: &Scene, node: NodeId, book: &mut Book) {
        for registration in scene.roster.of_node(node).filter(|routed| routed.status.is_routed()) {
            self.judge(scene, registration, Ending::Open, book);
        }
    }

    /// The registry says of these that nobody is sent to them from now on.
    fn routed_no_more<'a>(
        &self,
        scene: &Scene,
        them: impl IntoIterator<Item = &'a Registration>,
        book: &mut Book,
    ) {
        for known in them.into_iter().filter(|known| known.status.is_routed()) {
            self.judge(scene, known, Ending::RoutedNoMore, book);
        }
    }

    fn heard(&mut self, now: SimInstant, member: ResourceId, lease: LeaseId) {
        let place = member.0 as usize;
        if place >= MOST {
            return;
        }
        if self.arrived.len() <= place {
            self.arrived.resize(place + 1, None);
        }
        self.arrived[place] = Some((lease, now));
    }

    /// Whether the network kept a heartbeat of a process that does not run until after `since`.
    fn heard_late(&self, scene: &Scene, registration: &Registration, since: SimInstant) -> bool {
        let Registration { node, member, lease, .. } = *registration;
        let down = self.applications.get(node.index()).and_then(|work| work.down);
        let arrived = member.and_then(|member| self.arrived.get(member.0 as usize).copied().flatten());
        let (Some((down, _)), Some((of, at)), Some(bounds)) = (down, arrived, scene.bounds.discovery) else {
            return false;
        };
        let is_late = at > down.saturating_add(bounds.heartbeat_delay) && since <= at;
        of == lease && !registration.has_sidecar() && is_late
    }

    fn judge(&self, scene: &Scene, registration: &Registration, ending: Ending, book: &mut Book) {
        let Some(allowed) = scene.bounds.discovery.and_then(|bounds| bounds.progress) else { return };
        let node = registration.node;
        let work = self.applications.get(node.index()).and_then(Work::stands_still);
        let Some((since, why)) = work else { return };
        let from = since.max(registration.registered_at);
        let measured = scene.now - from;
        if measured <= allowed {
            if ending == Ending::RoutedNoMore {
                book.judge();
                book.slack(allowed - measured, Some(allowed));
            }
            return;
        }
        let is_overdue = self.overdue.iter().any(|overdue| overdue.is(registration));
        if !is_overdue && self.is_excused(scene, registration, scene.ago(allowed)) {
            book.excuse();
            return;
        }
        book.judge();
        let Some(registry) = scene.roster.registry() else { return };
        book.violation(scene.now, "kept-its-lease", || Case {
            nodes: [node].into_iter().chain(registration.holder.filter(|holder| *holder != node)).collect(),
            resource: registration.member,
            evidence: [
                registration.fact(registry),
                Fact::StoodStill { at: since, node, why },
                Fact::Bound { what: "time routed without any progress", allowed, measured },
            ]
            .into(),
        });
    }
}

/// Whether somebody is still sent to the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    RoutedNoMore,
    Open,
}

impl Checker for Progress {
    fn topics(&self) -> Topics {
        Topics::REGISTRY.and(Topics::PROCESSES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let NodeEvent::Registry(event) = event else { return };
        match *event {
            RegistryEvent::HeartbeatArrived { member, lease, .. } if scene.roster.is_of(node) => {
                self.heard(scene.now, member, lease);
            }
            RegistryEvent::SweptLate { late } if scene.roster.is_of(node) => {
                self.swept_late(scene, scene.swept_late_since(late), book);
            }
            RegistryEvent::WorkStopped { .. } => {
                self.of(node).stopped.get_or_insert(scene.now);
                self.wait(scene, node, book);
            }
            RegistryEvent::WorkWentOn { .. } => {
                self.goes_on(scene, node, book);
                self.of(node).stopped = None;
                self.forget(scene, node);
                self.wait(scene, node, book);
            }
            RegistryEvent::Registered { node: application, .. } if scene.roster.is_of(node) => {
                self.wait(scene, application, book);
            }
            RegistryEvent::Deregistered { instance, epoch, .. } => {
                self.routed_no_more(scene, scene.roster.get(instance, epoch), book);
            }
            RegistryEvent::StatusChanged { instance, epoch, status, .. } if !status.is_routed() => {
                self.routed_no_more(scene, scene.roster.get(instance, epoch), book);
            }
            RegistryEvent::RegistrationRecovered { instance, epoch, node: application, status, .. }
                if scene.roster.is_of(node) =>
            {
                if !status.is_routed() {
                    self.routed_no_more(scene, scene.roster.get(instance, epoch), book);
                }
                self.wait(scene, application, book);
            }
            RegistryEvent::RevisionRecovered { .. } if scene.roster.is_of(node) => {
                self.routed_no_more(scene, scene.roster.unrecovered(), book);
            }
            _ => {}
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, book: &mut Book) {
        let Some(node) = node else { return };
        let now = scene.now;
        match event {
            WorldEvent::Crashed => {
                self.of(node).down.get_or_insert((now, "its process is dead"));
                self.wait(scene, node, book);
            }
            WorldEvent::Paused | WorldEvent::Suspended => {
                self.of(node).down.get_or_insert((now, "its process is stopped"));
                self.wait(scene, node, book);
            }
            WorldEvent::Resumed => {
                self.goes_on(scene, node, book);
                self.of(node).down = None;
                self.forget(scene, node);
                self.wait(scene, node, book);
            }
            WorldEvent::Restarted { .. } => {
                self.goes_on(scene, node, book);
                self.forget(scene, node);
                *self.of(node) = Work::default();
            }
            _ => {}
        }
    }

    fn on_time(&mut self, scene: &Scene, book: &mut Book) {
        let Some(allowed) = scene.bounds.discovery.and_then(|bounds| bounds.progress) else { return };
        for place in 0..self.applications.len() {
            let Work { due: Some(due), .. } = self.applications[place] else { continue };
            if due > scene.now {
                book.remind(due);
                continue;
            }
            let Some((since, _)) = self.applications[place].stands_still() else { continue };
            let mut next: Option<SimInstant> = None;
            for known in scene.roster.of_node(NodeId(place as u16)).filter(|known| known.status.is_routed()) {
                if self.overdue.iter().any(|overdue| overdue.is(known)) {
                    continue;
                }
                match self.look(scene, known, since, allowed) {
                    Some(due) => next = Some(next.map_or(due, |next| next.min(due))),
                    None => {
                        let Registration { instance, epoch, .. } = *known;
                        self.overdue.push(Overdue { instance, epoch, at: scene.now });
                    }
                }
            }
            self.applications[place].due = next;
            next.into_iter().for_each(|due| book.remind(due));
        }
    }

    fn finish(&mut self, scene: &Scene, book: &mut Book) {
        for registration in scene.roster.all().filter(|registration| registration.status.is_routed()) {
            self.judge(scene, registration, Ending::Open, book);
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::event::Status;

    use super::*;
    use crate::invariant::Invariant;
    use crate::report::{ClosestCall, InvariantReport};
    use crate::script::registry::*;
    use crate::script::*;

    const KEPT: &str = "kept-its-lease";

    fn judged_until(events: &[Event], ended_at: SimInstant) -> InvariantReport {
        report_of_registry(Invariant::Progress, events, ended_at)
    }

    const fn begin() -> [Event; 2] {
        [
            Event { at: s(1), node: Some(G), local: 0, kind: leasehold_core::EventKind::Node(granted(1, A)) },
            Event {
                at: s(1),
                node: Some(G),
                local: 0,
                kind: leasehold_core::EventKind::Node(registered(1, 1)),
            },
        ]
    }

    /// That after these events an end at this instant is in time, and a nanosecond later is too late.
    #[track_caller]
    fn assert_due(events: &[Event], when: SimInstant) {
        let ends =
            [deregistered(1, 2, EXPIRED), status(1, Status::Suspect, 2), status(1, Status::Critical, 2)];
        for end in ends {
            let end_at = |when| judged_until(&[&begin()[..], events, &[at(when, G, end)]].concat(), s(900));
            assert_eq!(end_at(when).counts(), (1, 0, 0), "in time: {end:?}");
            assert_eq!(end_at(just_after(when)).clauses(), [KEPT], "{end:?}");
        }
        let all = [&begin()[..], events].concat();
        assert_eq!(judged_until(&all, when).counts(), (0, 0, 0), "the run ended before it was due");
        assert_eq!(judged_until(&all, just_after(when)).clauses(), [KEPT]);
    }

    /// The bound of the script is 30 s.
    #[test]
    fn an_instance_without_progress_is_routed_for_no_longer_than_the_bound() {
        assert_due(&[at(s(10), A, WORK_STOPPED)], s(40));
        for stop in [CRASHED, PAUSED, SUSPENDED] {
            assert_due(&[at(s(10), A, stop)], s(40));
        }
        assert_due(&[at(s(10), A, PAUSED), at(s(20), A, WORK_STOPPED)], s(40));
    }

    #[test]
    fn work_that_goes_on_ends_it() {
        for (stop, go) in [(PAUSED, RESUMED), (CRASHED, RESTARTED)] {
            let events = |when| [&begin()[..], &[at(s(10), A, stop), at(when, A, go)]].concat();
            assert_eq!(judged_until(&events(s(40)), s(900)).counts(), (0, 0, 0));
            assert_eq!(judged_until(&events(just_after(s(40))), s(900)).clauses(), [KEPT]);
        }
        let events = |when| [&begin()[..], &[at(s(10), A, WORK_STOPPED), at(when, A, WORK_WENT_ON)]].concat();
        assert_eq!(judged_until(&events(s(40)), s(900)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&events(just_after(s(40))), s(900)).clauses(), [KEPT]);
    }

    #[test]
    fn it_counts_from_the_registration_and_only_while_it_is_routed() {
        let events = [
            at(s(1), A, WORK_STOPPED),
            at(s(20), G, granted(1, A)),
            at(s(20), G, registered(1, 1)),
            at(s(50), G, deregistered(1, 2, EXPIRED)),
        ];
        assert_eq!(judged_until(&events, s(900)).counts(), (1, 0, 0));
        let critical = [
            at(s(20), A, WORK_STOPPED),
            at(s(25), G, status(1, Status::Critical, 2)),
            at(s(90), G, deregistered(1, 3, EXPIRED)),
        ];
        let report = judged_until(&[&begin()[..], &critical].concat(), s(900));
        assert_eq!(report.counts(), (1, 0, 0));
        let (left, of) = (Span::from_secs(25), Some(Span::from_secs(30)));
        assert_eq!(report.closest_call, Some(ClosestCall { left, of }));
    }

    /// What a restarted registry does not tell of is gone, and nobody is sent there any more.
    #[test]
    fn what_a_restarted_registry_does_not_find_is_routed_no_more() {
        let before = [at(s(2), G, CRASHED), at(s(3), G, RESTARTED), at(s(10), A, WORK_STOPPED)];
        let told = |when, told: &[NodeEvent]| {
            let told: std::vec::Vec<_> = told.iter().map(|told| at(when, G, *told)).collect();
            judged_until(&[&begin()[..], &before, &told].concat(), when)
        };
        let nothing = [revision_found(1)];
        assert_eq!(told(s(40), &nothing).counts(), (1, 0, 0));
        assert_eq!(told(just_after(s(40)), &nothing).clauses(), [KEPT]);
        let passing = [found(1, Status::Passing), revision_found(1)];
        assert_eq!(told(s(40), &passing).counts(), (0, 0, 0), "it is still routed");
        let critical = [found(1, Status::Critical), revision_found(1)];
        assert_eq!(told(s(40), &critical).counts(), (1, 0, 0), "it is not");
        assert_eq!(told(just_after(s(40)), &critical).clauses(), [KEPT]);
        let twice = [status(1, Status::Critical, 2), found(1, Status::Critical), revision_found(2)];
        assert_eq!(told(s(40), &twice).counts(), (1, 0, 0), "it is judged once");
    }

    #[test]
    fn what_only_a_restarted_registry_tells_of_is_waited_for_too() {
        let events = [
            at(s(1), A, WORK_STOPPED),
            at(s(50), G, CRASHED),
            at(s(59), G, RESTARTED),
            at(s(60), G, found(1, Status::Passing)),
            at(s(60), G, revision_found(1)),
            at(s(95), G, WorldEvent::Throttled),
        ];
        assert_eq!(judged_until(&events[..5], s(90)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&events, s(100)).clauses(), [KEPT], "what comes later excuses nothing");
    }

    #[test]
    fn somebody_elses_work_does_not_matter() {
        let events = [&begin()[..], &[at(s(10), B, WORK_STOPPED), at(s(10), B, PAUSED)]].concat();
        assert_eq!(judged_until(&events, s(900)).counts(), (0, 0, 0));
    }

    #[test]
    fn a_registry_that_cannot_end_anything_is_excused_for_one_bound_more() {
        for (trouble, over) in [
            (PAUSED, RESUMED),
            (CRASHED, RESTARTED),
            (WorldEvent::Throttled, WorldEvent::Unthrottled),
            (delaying(), healed()),
        ] {
            let is_network = trouble == delaying();
            let events =
                [&begin()[..], &[at(s(10), A, WORK_STOPPED), at(s(20), G, trouble), at(s(30), G, over)]]
                    .concat();
            assert_eq!(judged_until(&events[..4], s(900)).counts(), (0, 1, 0), "{trouble:?}");
            let again = if is_network { just_after(s(30)) } else { s(30) };
            assert_eq!(judged_until(&events, s(60)).counts(), (0, 1, 0), "{trouble:?}");
            let late = again.saturating_add(Span::from_millis(30_500));
            assert_eq!(judged_until(&events, just_after(late)).clauses(), [KEPT], "{trouble:?}");
        }
        let late = [&begin()[..], &[at(s(10), A, WORK_STOPPED), at(s(45), G, swept_late(9))]].concat();
        assert_eq!(judged_until(&late, s(75)).counts(), (0, 1, 0));
        assert_eq!(judged_until(&late, just_after(s(75))).clauses(), [KEPT]);
        let too_late = [&begin()[..], &[at(s(10), A, WORK_STOPPED), at(s(45), G, swept_late(3))]].concat();
        assert_eq!(judged_until(&too_late, s(46)).clauses(), [KEPT], "it was due only after 40 s");
    }

    #[test]
    fn what_comes_after_the_bound_has_run_out_excuses_nothing() {
        for trouble in [PAUSED, WorldEvent::Throttled, delaying(), broken(Assumption::ClockRate)] {
            let events = |when| [&begin()[..], &[at(s(10), A, WORK_STOPPED), at(when, G, trouble)]].concat();
            assert_eq!(judged_until(&events(s(40)), s(50)).counts(), (0, 1, 0), "{trouble:?}");
            assert_eq!(judged_until(&events(just_after(s(40))), s(50)).clauses(), [KEPT], "{trouble:?}");
        }
        let trifle = [at(s(60), G, WorldEvent::Throttled), at(s(60), G, WorldEvent::Unthrottled)];
        let events = [&begin()[..], &[at(s(10), A, WORK_STOPPED)], &trifle].concat();
        assert_eq!(judged_until(&events, s(70)).clauses(), [KEPT]);
        let twice =
            [&begin()[..], &[at(s(10), A, WORK_STOPPED), at(s(30), G, PAUSED), at(s(35), G, RESUMED)]];
        let twice = [&twice.concat()[..], &trifle].concat();
        assert_eq!(judged_until(&twice, s(70)).counts(), (0, 1, 0), "25 s after the one it has another");
        let later = trifle.map(|event| Event { at: s(66), ..event });
        let apart = [&twice[..5], &later].concat();
        assert_eq!(judged_until(&apart, s(70)).clauses(), [KEPT], "it had 30 s between them");
    }

    #[test]
    fn only_messages_of_who_takes_part_can_be_late() {
        let with = |node| {
            let events = [&begin()[..], &[at(s(10), A, WORK_STOPPED), at(s(20), node, delaying())]].concat();
            judged_until(&events, s(900)).counts()
        };
        assert_eq!((with(A), with(G), with(C)), ((0, 1, 0), (0, 1, 0), (1, 0, 1)));
    }

    /// The network may take a second.
    #[test]
    fn a_heartbeat_that_was_kept_excuses_who_does_not_run_for_one_bound_more() {
        let beat = |lease, when| at(when, G, heartbeat_arrived(lease, 4));
        for stop in [CRASHED, PAUSED] {
            let with = |beat| [&begin()[..], &[at(s(10), A, stop), beat]].concat();
            assert_eq!(judged_until(&with(beat(1, s(20))), s(50)).counts(), (0, 1, 0));
            assert_eq!(judged_until(&with(beat(1, s(20))), just_after(s(50))).clauses(), [KEPT]);
            assert_eq!(judged_until(&with(beat(1, s(11))), just_after(s(40))).clauses(), [KEPT], "in time");
            assert_eq!(judged_until(&with(beat(2, s(20))), s(50)).clauses(), [KEPT], "of another lease");
        }
        let goes_on = [&begin()[..], &[at(s(10), A, WORK_STOPPED), beat(1, s(20))]].concat();
        assert_eq!(judged_until(&goes_on, s(50)).clauses(), [KEPT], "it sends heartbeats itself");
    }

    /// A sidecar that wakes gives the benefit of the doubt; an application that stands still itself does not count.
    #[test]
    fn a_sidecar_that_slept_is_excused_for_one_bound_more() {
        for (holder, expected) in [(C, (0, 1, 0)), (A, (1, 0, 1))] {
            let events = |ended_at| {
                let events = [
                    at(s(1), G, granted(1, holder)),
                    at(s(1), G, registered(1, 1)),
                    at(s(10), A, PAUSED),
                    at(s(20), C, PAUSED),
                    at(s(30), C, RESUMED),
                ];
                judged_until(&events, ended_at).counts()
            };
            assert_eq!(events(s(60)), expected, "held by {holder:?}");
            assert_eq!(events(just_after(s(60))), (1, 0, 1), "held by {holder:?}");
        }
    }

    #[test]
    fn clocks_excuse_and_the_registrys_disk() {
        let with = |node, assumption| {
            let events = [&begin()[..], &[at(s(10), A, WORK_STOPPED), at(s(20), node, broken(assumption))]];
            judged_until(&events.concat(), s(900)).counts()
        };
        for clock in CLOCKS {
            assert_eq!(with(G, clock), (0, 1, 0));
            assert_eq!(with(A, clock), (0, 1, 0));
            assert_eq!(with(C, clock), (1, 0, 1));
        }
        assert_eq!(with(G, Assumption::DiskTimely), (0, 1, 0));
        assert_eq!(with(A, Assumption::DiskKeeps), (1, 0, 1));
    }
}
