//! I21: all keys that are attached to a lease vanish at one revision, and none outlives it.
//!
//! Source: docs/invariants.md. Whoever looks at what a lease carries sees all of it or nothing: etcd deletes the
//! keys of a lease in one transaction.
//!
//! **Violations**
//!
//! * `ended-at-different-revisions`: a key of a lease vanished at another revision than the first one did.
//! * `key-outlived-lease`: a lease has ended, and one of its keys was still there when the next lease of its
//!   resource was granted, or when the run ended.
//! * `key-ended-twice`: a key of a lease vanished, and had before.
//!
//! An instance that is registered under a lease is a key of it: it vanishes when it is deregistered.
//!
//! In which order ends are told within one instant is free. A crash can swallow the report that a key is gone, or
//! leave it to the next process to make it again: so with a restart of the grantor it is forgotten which keys have
//! vanished, and the keys of a lease that has ended are taken to be gone with it, as are those of one that it finds
//! ended on its disk. A grantor that does not run when the run ends has not said its last word.
//!
//! Nothing excuses it: no clock takes part, and what is on the disk is not compared with what was.
//!
//! Judged: every key that vanishes, and every ended lease with keys, when the next is granted or the run ends. Of a
//! lease that ended before the last of its resource nothing is remembered.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use leasehold_core::event::RegistryEvent;
use leasehold_core::id::{Epoch, InstanceId};
use leasehold_core::{KeyId, LeaseId, NodeEvent, NodeId, ResourceId, SimInstant, WorldEvent};

use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Standing;
use crate::processes::Process;
use crate::scene::Scene;

/// A grantor's lease.
type Id = (NodeId, LeaseId);

/// Something that is attached to a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Numbered(KeyId),
    /// An instance that is registered under it.
    Instance(InstanceId, Epoch),
}

/// What is attached to a lease.
#[derive(Clone, Debug)]
struct Attached {
    resource: ResourceId,
    keys: BTreeMap<Key, Presence>,
    /// The first of its keys that vanished: at which revision, and what shows it.
    vanished: Option<(u64, Fact)>,
    /// The end of the lease, if it was told. None is shown of a lease that had ended before it had keys.
    ended: Option<Option<Fact>>,
}

/// Whether a key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Since then.
    Attached(SimInstant),
    Vanished(Fact),
}

/// Remembers the keys of each lease, from the first to the next grant of its resource.
#[derive(Debug, Default)]
pub(crate) struct AtomicEnd {
    leases: BTreeMap<Id, Attached>,
    /// The same by resource: there are a thousand, and a grant concerns one.
    by_resource: BTreeSet<(NodeId, ResourceId, LeaseId)>,
    /// Those after which another was granted, and when. Judged once that instant is over, since their last keys may
    /// be told to vanish in it.
    followed: Vec<(Id, SimInstant)>,
}

impl Attached {
    fn judge(&self, scene: &Scene, id: Id, book: &mut Book) {
        let Some(end) = self.ended else { return };
        let (grantor, lease) = id;
        book.judge();
        let there = self.keys.values().filter(|key| matches!(key, Presence::Attached(_))).count() as u64;
        if there > 0 {
            book.violation(scene.now, "key-outlived-lease", || Case {
                nodes: [grantor].into(),
                resource: Some(self.resource),
                evidence: end
                    .or_else(|| scene.leases.end_of(self.resource, grantor, lease))
                    .into_iter()
                    .chain(self.vanished.map(|(_, vanished)| vanished))
                    .chain([Fact::Count { what: "keys still there", expected: 0, found: there }])
                    .collect(),
            });
        }
    }
}

impl AtomicEnd {
    fn attached(&mut self, scene: &Scene, id: Id, resource: ResourceId, key: Key) {
        self.by_resource.insert((id.0, resource, id.1));
        let lease = self.leases.entry(id).or_insert_with(|| {
            let ended = (scene.leases.standing(id.0, id.1) == Standing::Ended).then_some(None);
            Attached { resource, keys: BTreeMap::new(), vanished: None, ended }
        });
        lease.keys.insert(key, Presence::Attached(scene.now));
    }

    fn vanished(&mut self, scene: &Scene, id: Id, key: Key, revision: u64, fact: Fact, book: &mut Book) {
        let Some(lease) = self.leases.get_mut(&id) else { return };
        let (grantor, resource) = (id.0, lease.resource);
        book.judge();
        let (first, shown) = *lease.vanished.get_or_insert((revision, fact));
        let before = lease.keys.insert(key, Presence::Vanished(fact));
        let objection = match before {
            Some(Presence::Vanished(before)) => Some(("key-ended-twice", before)),
            Some(Presence::Attached(_)) | None if revision != first => {
                Some(("ended-at-different-revisions", shown))
            }
            Some(Presence::Attached(_)) | None => None,
        };
        if let Some((clause, before)) = objection {
            book.violation(scene.now, clause, || Case {
                nodes: [grantor].into(),
                resource: Some(resource),
                evidence: [before, fact].into(),
            });
        }
    }

    fn granted(&mut self, now: SimInstant, grantor: NodeId, resource: ResourceId, next: LeaseId) {
        // A grantor that lost its disk gives its ids out again.
        if let Some(lease) = self.leases.get_mut(&(grantor, next)) {
            lease.keys.retain(|_, key| *key == Presence::Attached(now));
            (lease.vanished, lease.ended) = (None, None);
        }
        let before = (grantor, resource, LeaseId(0))..=(grantor, resource, LeaseId(u64::MAX));
        for (grantor, _, lease) in self.by_resource.range(before) {
            let id = (*grantor, *lease);
            if *lease != next && !self.followed.iter().any(|(followed, _)| *followed == id) {
                self.followed.push((id, now));
            }
        }
    }

    /// Judges those whose next lease was granted before now.
    fn judge_followed(&mut self, scene: &Scene, book: &mut Book) {
        let Self { leases, by_resource, followed } = self;
        followed.retain(|(id, since)| {
            if *since == scene.now {
                return true;
            }
            if let Some(lease) = leases.remove(id) {
                by_resource.remove(&(id.0, lease.resource, id.1));
                lease.judge(scene, *id, book);
            }
            false
        });
    }

    fn forget(&mut self, id: Id) {
        if let Some(lease) = self.leases.remove(&id) {
            self.by_resource.remove(&(id.0, lease.resource, id.1));
        }
        self.followed.retain(|(followed, _)| *followed != id);
    }
}

impl Checker for AtomicEnd {
    fn topics(&self) -> Topics {
        Topics::LEASES.and(Topics::PROCESSES).and(Topics::REGISTRY)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        if !self.followed.is_empty() {
            self.judge_followed(scene, book);
        }
        let at = scene.now;
        match *event {
            NodeEvent::KeyAttached { resource, lease, key, .. } => {
                self.attached(scene, (node, lease), resource, Key::Numbered(key));
            }
            NodeEvent::KeyEnded { resource, lease, key, revision } => {
                let fact = Fact::KeyEnded { at, grantor: node, lease, resource, key, revision };
                self.vanished(scene, (node, lease), Key::Numbered(key), revision, fact, book);
            }
            NodeEvent::Registry(
                RegistryEvent::Registered { instance, epoch, lease, .. }
                | RegistryEvent::RegistrationRecovered { instance, epoch, lease, .. },
            ) => {
                if let Some(resource) = scene.leases.live(node, lease).map(|lease| lease.resource) {
                    self.attached(scene, (node, lease), resource, Key::Instance(instance, epoch));
                }
            }
            NodeEvent::Registry(RegistryEvent::Deregistered { instance, epoch, lease, cause, revision }) => {
                let fact = Fact::Deregistered { at, registry: node, instance, epoch, lease, cause, revision };
                let key = Key::Instance(instance, epoch);
                self.vanished(scene, (node, lease), key, revision.0, fact, book);
            }
            NodeEvent::Ended { resource, lease, token, cause } => {
                if let Some(attached) = self.leases.get_mut(&(node, lease)) {
                    let end = Fact::Ended { at, grantor: node, lease, resource, token, cause };
                    attached.ended.get_or_insert(Some(end));
                }
            }
            NodeEvent::Granted { resource, lease, .. } => self.granted(at, node, resource, lease),
            NodeEvent::Recovered { resource, lease, ended, .. } => {
                for superseded in scene.leases.superseded_by(node, resource, lease) {
                    self.forget((node, superseded));
                }
                if ended.is_some() {
                    self.forget((node, lease));
                }
            }
            _ => {}
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, book: &mut Book) {
        let (Some(node), WorldEvent::Restarted { .. }) = (node, event) else { return };
        self.judge_followed(scene, book);
        // A thousand instances restart, and grant nothing: that is no reason to look at all leases.
        let of_this = (node, LeaseId(0))..=(node, LeaseId(u64::MAX));
        if self.leases.range(of_this.clone()).next().is_none() {
            return;
        }
        self.leases.retain(|(grantor, _), lease| *grantor != node || lease.ended.is_none());
        self.by_resource.retain(|(grantor, _, lease)| self.leases.contains_key(&(*grantor, *lease)));
        for (_, lease) in self.leases.range_mut(of_this) {
            lease.keys.retain(|_, key| matches!(key, Presence::Attached(_)));
            lease.vanished = None;
        }
    }

    fn finish(&mut self, scene: &Scene, book: &mut Book) {
        for (id, lease) in &self.leases {
            if scene.processes.of(id.0) == Process::Running {
                lease.judge(scene, *id, book);
            }
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
        report(Invariant::AtomicEnd, events, s(100))
    }

    /// Events of the grantor, at the same instant unless a number says how many seconds to wait first.
    fn lease_with_keys(then: &[(u64, NodeEvent)]) -> InvariantReport {
        let begin = [granted(1, A), key_attached(1, 0, 5), key_attached(1, 1, 5)];
        let mut second = 1;
        let mut events: std::vec::Vec<_> = begin.iter().map(|event| at(s(1), G, *event)).collect();
        for (wait, event) in then {
            second += wait;
            events.push(at(s(second), G, *event));
        }
        judged(&events)
    }

    const END: NodeEvent = ended(1, EXPIRED);

    #[test]
    fn all_keys_vanish_at_one_revision() {
        let then =
            |revision| lease_with_keys(&[(9, END), (0, key_ended(1, 0, 6)), (0, key_ended(1, 1, revision))]);
        assert_eq!(then(6).counts(), (3, 0, 0));
        for revision in [5, 7] {
            let report = then(revision);
            assert_eq!(report.clauses(), ["ended-at-different-revisions"]);
            let fact = |key, revision| Fact::KeyEnded {
                at: s(10),
                grantor: G,
                lease: LeaseId(1),
                resource: R,
                key: KeyId(key),
                revision,
            };
            assert_eq!(report.evidence[0].evidence, [fact(0, 6), fact(1, revision)]);
        }
    }

    #[test]
    fn leases_have_their_own_revisions() {
        let other = [(9, END), (0, key_ended(1, 0, 6)), (0, key_ended(1, 1, 6)), (1, granted(2, B))];
        let keys = [(0, key_attached(2, 0, 8)), (9, key_ended(2, 0, 9)), (0, ended(2, EXPIRED))];
        assert_eq!(lease_with_keys(&[&other[..], &keys].concat()).counts(), (5, 0, 0));
    }

    #[test]
    fn no_key_outlives_its_lease_until_the_next_grant() {
        let next = |last: &[(u64, NodeEvent)]| {
            let events = [&[(9, END), (0, key_ended(1, 0, 6))], last].concat();
            lease_with_keys(&events).clauses().pop()
        };
        let gone = key_ended(1, 1, 6);
        assert_eq!(next(&[(0, gone), (1, granted(2, B))]), None);
        assert_eq!(next(&[(1, granted(2, B)), (1, gone)]), Some("key-outlived-lease"));
        assert_eq!(next(&[(1, gone), (1, granted(2, B))]), None, "late, but before the next grant");
        assert_eq!(next(&[(0, granted(2, B)), (0, gone)]), None, "the order within an instant is free");
        assert_eq!(next(&[(0, granted(2, B)), (1, gone)]), Some("key-outlived-lease"));
    }

    #[test]
    fn no_key_outlives_its_lease_until_the_end_of_the_run() {
        let one = [(9, END), (0, key_ended(1, 0, 6))];
        let report = lease_with_keys(&one);
        assert_eq!(report.clauses(), ["key-outlived-lease"]);
        let evidence = &report.evidence[0].evidence;
        assert!(matches!(evidence[0], Fact::Ended { lease: LeaseId(1), .. }), "{evidence:?}");
        assert_eq!(evidence[2], Fact::Count { what: "keys still there", expected: 0, found: 1 });
        assert_eq!(lease_with_keys(&[one[0], one[1], (0, key_ended(1, 1, 6))]).clauses(), [""; 0]);
        assert_eq!(lease_with_keys(&[]).counts(), (0, 0, 0), "the lease lives");
    }

    #[test]
    fn the_order_of_end_and_keys_is_free() {
        let (one, other) = (key_ended(1, 0, 6), key_ended(1, 1, 6));
        for order in [[END, one, other], [one, END, other], [one, other, END]] {
            assert_eq!(lease_with_keys(&order.map(|event| (0, event))).counts(), (3, 0, 0));
        }
    }

    #[test]
    fn a_key_vanishes_once() {
        let gone = [(9, END), (0, key_ended(1, 0, 6)), (0, key_ended(1, 1, 6))];
        let again = |key: NodeEvent| lease_with_keys(&[&gone[..], &[(1, key)]].concat()).clauses().pop();
        assert_eq!(again(key_ended(1, 1, 6)), Some("key-ended-twice"));
        assert_eq!(again(key_ended(1, 2, 6)), None, "attached, but a crash swallowed the report");
        let attached_again = [(9, key_ended(1, 0, 6)), (1, key_attached(1, 0, 7)), (1, key_ended(1, 0, 6))];
        assert_eq!(lease_with_keys(&attached_again).counts(), (2, 0, 0));
    }

    #[test]
    fn a_key_that_is_attached_to_an_ended_lease_outlives_it() {
        let late = |then: &[(u64, NodeEvent)]| {
            let mut events = std::vec![at(s(1), G, granted(1, A)), at(s(9), G, END)];
            events.extend(then.iter().map(|(second, event)| at(s(*second), G, *event)));
            judged(&events).clauses().pop()
        };
        assert_eq!(late(&[(10, key_attached(1, 0, 7))]), Some("key-outlived-lease"));
        assert_eq!(late(&[(10, key_attached(1, 0, 7)), (10, key_ended(1, 0, 7))]), None);
    }

    #[test]
    fn a_crash_may_swallow_the_report_or_leave_it_to_the_next_process() {
        let restart = |node, before: &[NodeEvent], after: &[NodeEvent]| {
            let begin = [granted(1, A), key_attached(1, 0, 5), key_attached(1, 1, 5)];
            let mut events: std::vec::Vec<_> = begin.iter().map(|event| at(s(1), G, *event)).collect();
            events.extend(before.iter().map(|event| at(s(10), G, *event)));
            events.extend([at(s(10), node, CRASHED), at(s(11), node, RESTARTED)]);
            events.extend(after.iter().map(|event| at(s(11), G, *event)));
            judged(&events).clauses().pop()
        };
        let (gone, other, found) = (key_ended(1, 0, 6), key_ended(1, 1, 6), recovered(1, A, Some(EXPIRED)));
        assert_eq!(restart(G, &[END, gone], &[]), None);
        assert_eq!(restart(G, &[END, gone], &[found, gone, other, granted(2, B)]), None, "told again");
        assert_eq!(
            restart(G, &[gone, other], &[gone, other, END]),
            None,
            "told again, and only then the end"
        );
        assert_eq!(restart(G, &[], &[found, granted(2, B)]), None, "gone with it");
        assert_eq!(restart(G, &[], &[recovered(2, B, None)]), None, "and with the one after it");
        assert_eq!(
            restart(G, &[], &[recovered(1, A, None), END]),
            Some("key-outlived-lease"),
            "alive, so not"
        );
        assert_eq!(
            restart(
                G,
                &[gone],
                &[recovered(1, A, None), key_attached(1, 0, 7), key_ended(1, 0, 9), key_ended(1, 1, 9)]
            ),
            None,
            "the end was not kept, so its revision counts no more"
        );
        assert_eq!(restart(A, &[END, gone], &[]), Some("key-outlived-lease"), "somebody else's crash");
    }

    #[test]
    fn a_grantor_that_gives_an_id_out_again_has_lost_what_was_attached_to_it() {
        let again = |keys_at, grant_at| {
            let mut events = [
                at(s(1), G, granted(1, A)),
                at(s(1), G, key_attached(1, 0, 5)),
                at(s(1), G, key_attached(1, 1, 5)),
                at(keys_at, G, key_attached(1, 0, 1)),
                at(grant_at, G, granted(1, B)),
                at(s(30), G, END),
                at(s(30), G, key_ended(1, 0, 2)),
            ];
            events.sort_by_key(|event| event.at);
            judged(&events).clauses().pop()
        };
        assert_eq!(again(s(20), s(20)), None);
        assert_eq!(again(s(20), s(19)), None);
        assert_eq!(again(s(18), s(19)), None);
    }

    #[test]
    fn a_grantor_that_does_not_run_has_not_said_its_last_word() {
        for (stop, clauses) in [(CRASHED, &[][..]), (PAUSED, &[]), (RESUMED, &["key-outlived-lease"])] {
            let events = [
                at(s(1), G, granted(1, A)),
                at(s(1), G, key_attached(1, 0, 5)),
                at(s(9), G, END),
                at(s(9), G, stop),
            ];
            assert_eq!(judged(&events).clauses(), clauses, "{stop:?}");
        }
    }

    #[test]
    fn nothing_excuses_it() {
        for assumption in [Assumption::DiskKeeps, Assumption::DiskTimely, Assumption::ClockRate] {
            let events = [
                at(s(1), G, broken(assumption)),
                at(s(1), G, granted(1, A)),
                at(s(1), G, key_attached(1, 0, 5)),
                at(s(9), G, END),
            ];
            assert_eq!(judged(&events).counts(), (1, 0, 1));
        }
    }

    #[test]
    fn the_instances_of_a_membership_are_its_keys() {
        use crate::script::registry::{deregistered, deregistered_as, registered, registered_as};
        let other = InstanceId(1);
        let both = [registered(1, 1), registered_as(other, 1, 1), key_attached(1, 0, 1)];
        let end = |then: &[NodeEvent]| {
            let mut events = std::vec![at(s(1), G, granted(1, A))];
            events.extend(both.iter().map(|event| at(s(1), G, *event)));
            events.extend(then.iter().map(|event| at(s(20), G, *event)));
            judged(&events).clauses()
        };
        let (one, two, key) =
            (deregistered(1, 2, EXPIRED), deregistered_as(other, 1, 2, EXPIRED), key_ended(1, 0, 2));
        assert_eq!(end(&[one, two, key, ended(1, EXPIRED)]), [""; 0]);
        assert_eq!(end(&[one, key, ended(1, EXPIRED)]), ["key-outlived-lease"]);
        assert_eq!(
            end(&[one, deregistered_as(other, 1, 3, EXPIRED), key, ended(1, EXPIRED)]),
            ["ended-at-different-revisions"]
        );
        assert_eq!(end(&[one, two, key_ended(1, 0, 3), ended(1, EXPIRED)]), ["ended-at-different-revisions"]);
        assert_eq!(end(&[one, two, one, key, ended(1, EXPIRED)]), ["key-ended-twice"]);
    }

    #[test]
    fn the_keys_of_other_resources_do_not_follow_a_grant() {
        let elsewhere =
            NodeEvent::Granted { resource: R2, lease: LeaseId(2), holder: B, token: t(2), ttl: TTL };
        let report = lease_with_keys(&[
            (9, ended(1, EXPIRED)),
            (0, elsewhere),
            (9, key_ended(1, 0, 6)),
            (0, key_ended(1, 1, 6)),
        ]);
        assert_eq!(report.clauses(), [""; 0]);
        let same = lease_with_keys(&[(9, ended(1, EXPIRED)), (0, granted(2, B)), (9, renewed(2))]);
        assert_eq!(same.clauses(), ["key-outlived-lease"]);
    }
}
