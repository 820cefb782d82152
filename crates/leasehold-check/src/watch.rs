//! I11: a view is what the registry was at the view's revision: each change came once and in order, or all anew.
//!
//! Source: docs/timing.md, section 7. A watcher that loses an end over a reconnect, and does not ask for all there is,
//! lists a dead instance for ever; one that applies a change twice or in the wrong order likewise. Views and lists are
//! compared by number and fingerprint, so none of this needs to be looked for by itself.
//!
//! **Violations**
//!
//! * `view-differs`: a view says that it is what the registry was at a revision, and lists something else.
//! * `revision-without-a-change`: a revision of the registry, or of a view, came to be although nothing was registered,
//!   changed its status or ended. Heartbeats cause none.
//! * `revision-went-back`: the registry told of a change at a revision below the one before, or goes on from such a
//!   one after a restart.
//! * `changed-without-a-revision`: what a restarted registry found differs from what it listed at the same revision. Where it
//!   died while it told of that revision, other instances of the same lease may have changed with those that it told of.
//!
//! Excused if the registry's disk lost something since the revision, or the last, was told of. A restart by itself is no
//! excuse. A view of a revision that is too long ago to be remembered is counted as excused. No clock takes part.
//!
//! Judged: every revision that a view comes to, every change that the registry tells of, and what it says of its own
//! table.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use leasehold_core::event::{DiscoveryEvent, RegistryEvent, Status, fingerprint};
use leasehold_core::id::{Epoch, InstanceId, Revision};
use leasehold_core::{LeaseId, NodeEvent, NodeId, SimInstant, WorldEvent};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::roster::Registration;
use crate::scene::Scene;

/// Of how many revisions it is remembered what the registry listed.
///
/// Chosen by us: four times what a registry keeps by default, so that no view is forgotten that still can catch up by
/// changes.
const REMEMBERED: usize = 4_096;

/// What a registry listed at one revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct List {
    count: u32,
    fingerprint: u64,
}

/// Remembers what the registry listed at its latest revisions.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// One for each revision, without gaps; the last is the newest.
    lists: VecDeque<List>,
    newest: Option<Revision>,
    /// When the newest was last told of.
    told_at: SimInstant,
    change: Option<Change>,
    /// What was listed beside the lease of the last change when the registry died.
    beside: Option<List>,
}

/// What the registry told of its newest revision: of the instances of one lease.
#[derive(Debug)]
struct Change {
    lease: LeaseId,
    /// What they are since then; nothing if they are gone.
    told: Vec<(InstanceId, Epoch, Option<Status>)>,
}

impl List {
    fn without<'a>(self, registrations: impl Iterator<Item = &'a Registration>) -> Self {
        registrations.fold(self, |list, known| Self {
            count: list.count - 1,
            fingerprint: list.fingerprint.wrapping_sub(fingerprint(
                known.instance,
                known.epoch,
                known.status,
            )),
        })
    }
}

impl Watch {
    /// Keeps what this change is about, until the next revision.
    fn note(&mut self, revision: Revision, lease: Option<LeaseId>, now: (InstanceId, Epoch, Option<Status>)) {
        match (&mut self.change, lease) {
            (Some(change), Some(lease)) if self.newest == Some(revision) && change.lease == lease => {
                change.told.push(now);
            }
            (_, lease) => self.change = lease.map(|lease| Change { lease, told: [now].into() }),
        }
    }

    /// Whether what a restarted registry found differs from what it told of in nothing but the rest of a change of which it did not
    /// live to tell all.
    fn was_cut_short(&self, scene: &Scene, found: List) -> bool {
        let (Some(change), Some(beside)) = (&self.change, self.beside) else { return false };
        let is_as_told = |&(instance, epoch, status): &(InstanceId, Epoch, Option<Status>)| {
            let known =
                scene.roster.recovered().find(|known| (known.instance, known.epoch) == (instance, epoch));
            known.map(|known| known.status) == status
        };
        let of_lease = scene.roster.recovered().filter(|known| known.lease == change.lease);
        found.without(of_lease) == beside && change.told.iter().all(is_as_told)
    }

    fn list_at(&self, revision: Revision) -> Option<List> {
        let back = usize::try_from(self.newest?.0.checked_sub(revision.0)?).ok()?;
        let place = self.lists.len().checked_sub(1)?.checked_sub(back)?;
        self.lists.get(place).copied()
    }

    fn is_excused(&self, scene: &Scene) -> bool {
        let since = self.told_at;
        scene
            .roster
            .registry()
            .is_some_and(|registry| scene.assumptions.excused_since(registry, since, &DISK))
    }

    /// The registry came to a revision, with this list.
    fn came_to(&mut self, now: SimInstant, revision: Revision, list: List) {
        self.told_at = now;
        if self.newest.is_none() && revision.0 > 0 {
            // Before its first change it listed nothing.
            self.newest = Some(Revision(revision.0 - 1));
            self.lists.push_back(List::default());
        }
        let follows = self.newest.is_some_and(|newest| newest.next() == revision);
        if self.newest == Some(revision) {
            self.lists.pop_back();
        } else if !follows {
            self.lists.clear();
        }
        if self.lists.len() == REMEMBERED {
            self.lists.pop_front();
        }
        self.lists.push_back(list);
        self.newest = Some(revision);
    }

    /// The registry told of a change, and lists this since then.
    fn changed(
        &mut self,
        scene: &Scene,
        registry: NodeId,
        revision: Revision,
        list: List,
        told: Fact,
        book: &mut Book,
    ) {
        let clause = match self.newest {
            None => None,
            Some(newest) if revision == newest || revision == newest.next() => None,
            Some(newest) if revision < newest => Some("revision-went-back"),
            Some(_) => Some("revision-without-a-change"),
        };
        let expected = self.newest.map_or(revision, Revision::next);
        self.judge(scene, registry, clause, book, || {
            let what = "revision, at most";
            [told, Fact::Count { what, expected: expected.0, found: revision.0 }].into()
        });
        self.came_to(scene.now, revision, list);
    }

    fn judge(
        &self,
        scene: &Scene,
        node: NodeId,
        clause: Option<&'static str>,
        book: &mut Book,
        evidence: impl FnOnce() -> Vec<Fact>,
    ) {
        if self.is_excused(scene) {
            book.excuse();
            return;
        }
        book.judge();
        let Some(clause) = clause else { return };
        let registry = scene.roster.registry().filter(|registry| *registry != node);
        book.violation(scene.now, clause, || Case {
            nodes: [node].into_iter().chain(registry).collect(),
            resource: None,
            evidence: evidence(),
        });
    }

    fn hear_registry(&mut self, scene: &Scene, node: NodeId, event: &RegistryEvent, book: &mut Book) {
        let (at, registry) = (scene.now, node);
        let (count, sum) = (scene.roster.count(), scene.roster.fingerprint());
        match *event {
            RegistryEvent::Registered { instance, epoch, lease, node, status, revision, .. } => {
                let list = List {
                    count: count + 1,
                    fingerprint: sum.wrapping_add(fingerprint(instance, epoch, status)),
                };
                let told = Fact::Registered { at, registry, instance, epoch, lease, node };
                self.note(revision, Some(lease), (instance, epoch, Some(status)));
                self.changed(scene, registry, revision, list, told, book);
            }
            RegistryEvent::StatusChanged { instance, epoch, status, revision } => {
                let before = scene.roster.get(instance, epoch).map(|known| known.status);
                let changed = before.map_or(0, |before| {
                    fingerprint(instance, epoch, status).wrapping_sub(fingerprint(instance, epoch, before))
                });
                let list = List { count, fingerprint: sum.wrapping_add(changed) };
                let told = Fact::StatusChanged { at, registry, instance, epoch, status, revision };
                let lease = scene.roster.get(instance, epoch).map(|known| known.lease);
                self.note(revision, lease, (instance, epoch, Some(status)));
                self.changed(scene, registry, revision, list, told, book);
            }
            RegistryEvent::Deregistered { instance, epoch, lease, cause, revision } => {
                let known = scene.roster.get(instance, epoch);
                let gone = known.map_or(0, |known| fingerprint(instance, epoch, known.status));
                let count = count - u32::from(known.is_some());
                let list = List { count, fingerprint: sum.wrapping_sub(gone) };
                let told = Fact::Deregistered { at, registry, instance, epoch, lease, cause, revision };
                self.note(revision, Some(lease), (instance, epoch, None));
                self.changed(scene, registry, revision, list, told, book);
            }
            RegistryEvent::RevisionRecovered { revision } => self.recovered(scene, registry, revision, book),
            RegistryEvent::TableLists { revision, .. } => {
                let Some(newest) = self.newest else { return };
                let clause = match revision {
                    _ if revision == newest => None,
                    _ if revision < newest => Some("revision-went-back"),
                    _ => Some("revision-without-a-change"),
                };
                self.judge(scene, registry, clause, book, || {
                    let what = "revision of the table";
                    [Fact::Count { what, expected: newest.0, found: revision.0 }].into()
                });
                // Told once: it goes on from there.
                if revision != newest {
                    self.came_to(at, revision, List { count, fingerprint: sum });
                }
            }
            _ => {}
        }
    }

    /// A restarted registry goes on from a revision, with what it found on its disk.
    fn recovered(&mut self, scene: &Scene, registry: NodeId, revision: Revision, book: &mut Book) {
        let told = List { count: scene.roster.count(), fingerprint: scene.roster.fingerprint() };
        let list = told.without(scene.roster.unrecovered());
        if let Some(newest) = self.newest {
            let clause = match revision {
                _ if revision < newest => Some("revision-went-back"),
                _ if revision > newest || self.lists.back() == Some(&list) => None,
                _ if !self.was_cut_short(scene, list) => Some("changed-without-a-revision"),
                _ => None,
            };
            self.judge(scene, registry, clause, book, || {
                let what = "revision after the restart, at least";
                [Fact::Count { what, expected: newest.0, found: revision.0 }].into()
            });
        }
        (self.change, self.beside) = (None, None);
        self.came_to(scene.now, revision, list);
    }

    fn viewed(
        &self,
        scene: &Scene,
        node: NodeId,
        revision: Revision,
        found: List,
        view: Fact,
        book: &mut Book,
    ) {
        let Some(newest) = self.newest else { return };
        let Some(list) = self.list_at(revision) else {
            if revision <= newest {
                book.excuse();
                return;
            }
            self.judge(scene, node, Some("revision-without-a-change"), book, || {
                let what = "revision of the registry";
                [view, Fact::Count { what, expected: newest.0, found: revision.0 }].into()
            });
            return;
        };
        let clause = (list != found).then_some("view-differs");
        self.judge(scene, node, clause, book, || {
            let count = |what, expected, found| Fact::Count { what, expected, found };
            let differs = if list.count == found.count {
                count("fingerprint of the view", list.fingerprint, found.fingerprint)
            } else {
                count("instances in the view", u64::from(list.count), u64::from(found.count))
            };
            [view, differs].into()
        });
    }
}

impl Checker for Watch {
    fn topics(&self) -> Topics {
        Topics::REGISTRY.and(Topics::VIEWS).and(Topics::PROCESSES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match *event {
            NodeEvent::Registry(ref event) if scene.roster.is_of(node) => {
                self.hear_registry(scene, node, event, book);
            }
            NodeEvent::Discovery(DiscoveryEvent::ViewAdvanced { revision, entries, fingerprint, by }) => {
                let view = Fact::Viewed { at: scene.now, node, revision, by };
                self.viewed(scene, node, revision, List { count: entries, fingerprint }, view, book);
            }
            _ => {}
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        let is_the_registry = node.is_some_and(|node| scene.roster.is_of(node));
        if is_the_registry && matches!(event, WorldEvent::Crashed) {
            self.beside = self
                .change
                .as_ref()
                .zip(self.lists.back())
                .map(|(change, list)| list.without(scene.roster.of_lease(change.lease)));
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::event::Advance;

    use super::*;
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::registry::*;
    use crate::script::*;

    const PASSING: Status = Status::Passing;

    fn judged(events: &[Event]) -> InvariantReport {
        report_of_registry(Invariant::Watch, events, s(100))
    }

    /// Events of the registry a second apart, and then of a view.
    fn view_after(events: &[NodeEvent], view: NodeEvent) -> InvariantReport {
        let mut all: Vec<_> = (1..).zip(events).map(|(second, event)| at(s(second), G, *event)).collect();
        all.push(at(s(60), C, view));
        judged(&all)
    }

    const DIFFERS: &str = "view-differs";
    const NO_CHANGE: &str = "revision-without-a-change";

    #[test]
    fn a_view_lists_what_the_registry_listed_at_its_revision() {
        let suspect = Status::Suspect;
        let story = [registered(1, 1), status(1, suspect, 2), deregistered(1, 3, EXPIRED), registered(2, 4)];
        for (revision, count, sum) in [
            (0, 0, 0),
            (1, 1, print(1, PASSING)),
            (2, 1, print(1, suspect)),
            (3, 0, 0),
            (4, 1, print(2, PASSING)),
        ] {
            let then = |revision, count, sum| view_after(&story, advanced(revision, count, sum)).clauses();
            assert_eq!(then(revision, count, sum), [""; 0], "{revision}");
            assert_eq!(then(revision, count + 1, sum), [DIFFERS]);
            assert_eq!(then(revision, count, sum + 1), [DIFFERS]);
        }
        let stale = view_after(&story, advanced(3, 1, print(1, suspect)));
        assert_eq!(stale.clauses(), [DIFFERS], "the end was lost on the way");
        let (what, expected, found) = ("instances in the view", 0, 1);
        assert_eq!(stale.evidence[0].evidence[1], Fact::Count { what, expected, found });
        assert_eq!(stale.evidence[0].nodes, [C, G]);
        for by in [Advance::Poll, Advance::Resync] {
            assert_eq!(view_after(&story, advanced_by(by, 3, 1, 0)).clauses(), [DIFFERS], "however it came");
        }
    }

    #[test]
    fn one_change_set_has_one_revision() {
        let other = leasehold_core::id::InstanceId(1);
        let both = [registered(1, 1), registered_as(other, 1, 1)];
        let sum = print(1, PASSING).wrapping_add(fingerprint(other, leasehold_core::id::Epoch(1), PASSING));
        assert_eq!(view_after(&both, advanced(1, 2, sum)).clauses(), [""; 0]);
        assert_eq!(view_after(&both, advanced(1, 1, print(1, PASSING))).clauses(), [DIFFERS], "half of it");
    }

    #[test]
    fn a_revision_comes_of_a_change() {
        let then =
            |event| view_after(&[registered(1, 1), event], advanced(1, 1, print(1, PASSING))).clauses();
        assert_eq!(then(lists(1, 1)), [""; 0]);
        assert_eq!(then(lists(1, 2)), [NO_CHANGE], "a heartbeat made one");
        assert_eq!(then(registered_as(leasehold_core::id::InstanceId(1), 2, 3)), [NO_CHANGE]);
        let ahead = view_after(&[registered(1, 1)], advanced(2, 1, print(1, PASSING)));
        assert_eq!(ahead.clauses(), [NO_CHANGE], "nobody told of it");
    }

    #[test]
    fn revisions_never_go_back() {
        let first = [registered(1, 4), deregistered(1, 5, EXPIRED)];
        let then =
            |event| judged(&[at(s(1), G, first[0]), at(s(2), G, first[1]), at(s(3), G, event)]).clauses();
        assert_eq!(then(registered(2, 6)), [""; 0]);
        assert_eq!(then(registered(2, 5)), [""; 0], "of one change set with the end");
        assert_eq!(then(registered(2, 4)), ["revision-went-back"]);
        assert_eq!(then(lists(0, 4)), ["revision-went-back"]);
    }

    #[test]
    fn a_restart_goes_on_with_what_was_listed() {
        let restart = |found: &[NodeEvent]| {
            let mut events =
                [at(s(1), G, registered(1, 1)), at(s(2), G, CRASHED), at(s(3), G, RESTARTED)].to_vec();
            events.extend(found.iter().map(|event| at(s(3), G, *event)));
            judged(&events)
        };
        assert_eq!(restart(&[found(1, PASSING), revision_found(1)]).clauses(), [""; 0]);
        let lost = restart(&[revision_found(1)]);
        assert_eq!(lost.clauses(), ["changed-without-a-revision"]);
        assert_eq!(restart(&[revision_found(2)]).clauses(), [""; 0], "its end was not told of");
        let suspect = found(1, Status::Suspect);
        assert_eq!(restart(&[suspect, revision_found(1)]).clauses(), ["changed-without-a-revision"]);
        assert_eq!(restart(&[suspect, revision_found(2)]).clauses(), [""; 0]);
        assert_eq!(restart(&[found(1, PASSING), revision_found(0)]).clauses(), ["revision-went-back"]);
        let view = at(s(4), C, advanced(2, 1, print(1, Status::Suspect)));
        let events = [
            at(s(1), G, registered(1, 1)),
            at(s(2), G, CRASHED),
            at(s(3), G, RESTARTED),
            at(s(3), G, suspect),
            at(s(3), G, revision_found(2)),
            view,
        ];
        assert_eq!(judged(&events).counts().2, 0, "what was found is what is listed");
    }

    /// The change at the revision is about two instances of one lease, and the registry tells of the first.
    #[test]
    fn who_died_while_telling_of_a_change_has_told_of_a_part_of_it() {
        let both = [registered(1, 1), registered_as(InstanceId(1), 1, 1)];
        let one = &both[..1];
        let gone = [both[0], both[1], deregistered(1, 2, EXPIRED)];
        let restart = |told: &[NodeEvent], found: &[NodeEvent]| {
            let mut events: Vec<Event> = told.iter().map(|event| at(s(1), G, *event)).collect();
            events.extend([at(s(2), G, CRASHED), at(s(3), G, RESTARTED)]);
            events.extend(found.iter().map(|event| at(s(3), G, *event)));
            judged(&events).clauses()
        };
        let there = found(1, PASSING);
        let other = |lease| found_as(InstanceId(1), lease, PASSING);
        let differs = ["changed-without-a-revision"];
        assert_eq!(restart(one, &[there, other(1), revision_found(1)]), [""; 0]);
        assert_eq!(restart(one, &[other(1), revision_found(1)]), differs, "what was told of is not there");
        assert_eq!(restart(one, &[there, other(2), revision_found(1)]), differs, "another lease");
        assert_eq!(restart(&gone, &[revision_found(2)]), [""; 0]);
        assert_eq!(restart(&gone, &[there, revision_found(2)]), differs, "its end was told of");
        assert_eq!(restart(&gone, &[there, other(1), revision_found(2)]), differs);
    }

    #[test]
    fn a_lost_disk_excuses_and_nothing_else_does() {
        let with = |node, assumption| {
            let events = [
                at(s(1), G, registered(1, 1)),
                at(s(2), node, broken(assumption)),
                at(s(2), node, restored(assumption)),
                at(s(3), C, advanced(1, 0, 0)),
            ];
            judged(&events).counts()
        };
        assert_eq!(with(G, Assumption::DiskKeeps), (1, 1, 0));
        assert_eq!(with(C, Assumption::DiskKeeps), (2, 0, 1));
        assert_eq!(with(G, Assumption::ClockRate), (2, 0, 1));
    }

    #[test]
    fn what_is_too_long_ago_is_counted_as_excused() {
        let mut events = std::vec![at(s(1), G, registered(1, 1))];
        let changes = (2..REMEMBERED as u64 + 2).map(|revision| {
            let to = if revision % 2 == 0 { Status::Suspect } else { PASSING };
            at(s(2), G, status(1, to, revision))
        });
        events.extend(changes);
        events.push(at(s(3), C, advanced(1, 9, 9)));
        let report = judged(&events);
        assert_eq!((report.excused, report.violations), (1, 0));
        events.push(at(s(3), C, advanced(2, 9, 9)));
        assert_eq!(judged(&events).clauses(), [DIFFERS], "this one is remembered");
    }
}
