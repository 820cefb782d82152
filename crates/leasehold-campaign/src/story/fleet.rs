//! What a registry, its members and its views have to tell of a failure.
//!
//! Of the instances that the evidence names: how they were registered and went, which heartbeats came for them when they
//! were gone, and who still believed in them. What other views do is counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use leasehold_check::Gone;
use leasehold_core::event::{DiscoveryEvent, EndCause, NodeEvent, RegistryEvent, Status, WorldEvent};
use leasehold_core::{Event, EventKind, InstanceId, LeaseId, NodeId, ResourceId, SimInstant};

use super::focus::Focus;

/// Of a failure whose evidence names no instance, so many of the latest changes are told. Chosen by us.
const WIDE: usize = 6;

/// So many instances are told what everybody believed of them. Chosen by us.
const MOST_BELIEFS: usize = 2;

/// What everybody believed of an instance when the failure was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belief {
    /// The instance.
    pub instance: InstanceId,
    /// Where it ran last.
    pub node: NodeId,
    /// Since when and how it is gone, if it is.
    pub gone: Option<(SimInstant, Gone)>,
    /// Since when its work stands still, though its process runs, if it does.
    pub stands_still: Option<SimInstant>,
    /// As what the registry lists it, or since when and why it does not.
    pub registry: Listing,
    /// The nodes whose view lists it as passing.
    pub views: Vec<NodeId>,
    /// How many nodes have a view.
    pub of: usize,
}

/// What a registry says of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// It lists it.
    As(Status),
    /// It does not any more.
    Ended(SimInstant, EndCause),
}

/// Heartbeats that arrived for somebody who was gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// For whom.
    pub member: ResourceId,
    /// The lease that they named.
    pub lease: LeaseId,
    /// Since when its instances were gone.
    pub gone_since: SimInstant,
    /// The first.
    pub first: SimInstant,
    /// The last.
    pub last: SimInstant,
    /// How many.
    pub count: u64,
}

/// Who is registered, as far as events say.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    known: BTreeMap<InstanceId, Known>,
    /// The instances that hang on each lease.
    on_lease: BTreeMap<LeaseId, Vec<InstanceId>>,
    /// Who has a view.
    viewers: BTreeSet<NodeId>,
    /// Whose view lists which instance as passing.
    listed: BTreeSet<(InstanceId, NodeId)>,
    late: BTreeMap<LeaseId, Late>,
    /// The applications whose work stands still, and since when.
    stand_still: BTreeMap<NodeId, SimInstant>,
    /// The latest changes of the list.
    latest: VecDeque<Event>,
}

#[derive(Debug)]
struct Known {
    node: NodeId,
    gone: Option<(SimInstant, Gone)>,
    registry: Listing,
}

impl Fleet {
    /// Hears an event, and says whether it is to be told.
    pub(super) fn hear(&mut self, focus: &Focus, event: &Event) -> bool {
        let Some(node) = event.node else { return false };
        match event.kind {
            EventKind::Node(NodeEvent::Registry(said)) => self.registry(focus, event, node, said),
            EventKind::Node(NodeEvent::Discovery(said)) => self.discovery(focus, event, node, said),
            EventKind::World(WorldEvent::Crashed) => {
                let of_it = self.known.values_mut().filter(|known| known.node == node);
                of_it.for_each(|known| known.go(event.at, Gone::Crashed));
                false
            }
            _ => false,
        }
    }

    /// The latest changes of the list, for a failure whose evidence names no instance.
    pub(super) fn latest(&self) -> impl Iterator<Item = &Event> {
        self.latest.iter()
    }

    /// The heartbeats that came late, by lease.
    pub(super) fn late(&self) -> impl Iterator<Item = &Late> {
        self.late.values()
    }

    /// What everybody believes of the instances that it is about.
    pub(super) fn beliefs(&self, focus: &Focus) -> Vec<Belief> {
        let named = self.known.iter().filter(|(instance, _)| focus.instances.contains(instance));
        let belief = |(&instance, known): (&InstanceId, &Known)| {
            let range = (instance, NodeId(0))..=(instance, NodeId(u16::MAX));
            Belief {
                instance,
                node: known.node,
                gone: known.gone,
                stands_still: self.stand_still.get(&known.node).copied(),
                registry: known.registry,
                views: self.listed.range(range).map(|(_, node)| *node).collect(),
                of: self.viewers.len(),
            }
        };
        named.take(MOST_BELIEFS).map(belief).collect()
    }

    fn is_about(&self, focus: &Focus, instance: InstanceId) -> bool {
        focus.instances.contains(&instance)
            || self.known.get(&instance).is_some_and(|known| focus.nodes.contains(&known.node))
    }

    fn is_about_lease(&self, focus: &Focus, lease: LeaseId) -> bool {
        focus.leases.contains(&lease)
            || self.on_lease.get(&lease).is_some_and(|on| on.iter().any(|one| self.is_about(focus, *one)))
    }

    fn note(&mut self, event: &Event) {
        if self.latest.len() == WIDE {
            self.latest.pop_front();
        }
        self.latest.push_back(*event);
    }

    fn registry(&mut self, focus: &Focus, event: &Event, node: NodeId, said: RegistryEvent) -> bool {
        match said {
            RegistryEvent::Registered { instance, lease, node, status, .. }
            | RegistryEvent::RegistrationRecovered { instance, lease, node, status, .. } => {
                let registry = Listing::As(status);
                let is_new = matches!(said, RegistryEvent::Registered { .. });
                let gone = self.known.get(&instance).and_then(|known| known.gone).filter(|_| !is_new);
                self.known.insert(instance, Known { node, gone, registry });
                let on = self.on_lease.entry(lease).or_default();
                if !on.contains(&instance) {
                    on.push(instance);
                }
                self.note(event);
                self.is_about(focus, instance)
            }
            RegistryEvent::StatusChanged { instance, status, .. } => {
                if let Some(known) = self.known.get_mut(&instance) {
                    known.registry = Listing::As(status);
                }
                self.note(event);
                self.is_about(focus, instance)
            }
            RegistryEvent::Deregistered { instance, cause, lease, .. } => {
                self.on_lease.remove(&lease);
                if let Some(known) = self.known.get_mut(&instance) {
                    known.registry = Listing::Ended(event.at, cause);
                    known.go(event.at, Gone::Ended);
                }
                self.note(event);
                self.is_about(focus, instance)
            }
            RegistryEvent::DeregistrationSent { lease, .. } => {
                for instance in self.on_lease.get(&lease).into_iter().flatten() {
                    if let Some(known) = self.known.get_mut(instance) {
                        known.go(event.at, Gone::Left);
                    }
                }
                self.is_about_lease(focus, lease)
            }
            RegistryEvent::HeartbeatArrived { member, lease, .. } => {
                self.heartbeat(focus, event.at, member, lease);
                false
            }
            RegistryEvent::WorkStopped { .. } => {
                self.stand_still.insert(node, event.at);
                focus.nodes.contains(&node)
            }
            RegistryEvent::WorkWentOn { .. } => {
                // What ends at the very instant that it is about was so until then.
                if focus.instants.last().is_none_or(|last| event.at < *last) {
                    self.stand_still.remove(&node);
                }
                focus.nodes.contains(&node)
            }
            RegistryEvent::ReadinessChanged { .. } => focus.nodes.contains(&node),
            RegistryEvent::MessageDropped { from, .. } => focus.nodes.contains(&from),
            RegistryEvent::RevisionRecovered { .. }
            | RegistryEvent::SweptLate { .. }
            | RegistryEvent::EndsWithheld { .. }
            | RegistryEvent::EndsAdmitted => true,
            RegistryEvent::HeartbeatSent { .. } | RegistryEvent::RegistrationArrived { .. } => {
                focus.instants.contains(&event.at) && focus.nodes.contains(&node)
            }
            RegistryEvent::TableLists { .. } | RegistryEvent::Compacted { .. } => false,
        }
    }

    /// A heartbeat arrived: it is late if what hangs on its lease is gone.
    fn heartbeat(&mut self, focus: &Focus, at: SimInstant, member: ResourceId, lease: LeaseId) {
        let on = self.on_lease.get(&lease).into_iter().flatten();
        let gone = on.filter_map(|one| self.known.get(one)?.gone).map(|(since, _)| since).min();
        if let Some(gone_since) = gone.filter(|_| self.is_about_lease(focus, lease)) {
            let new = Late { member, lease, gone_since, first: at, last: at, count: 0 };
            let late = self.late.entry(lease).or_insert(new);
            (late.last, late.count) = (at, late.count + 1);
        }
    }

    fn discovery(&mut self, focus: &Focus, event: &Event, node: NodeId, said: DiscoveryEvent) -> bool {
        match said {
            DiscoveryEvent::ViewListed { instance, status, .. } => {
                match status.is_routed() {
                    true => self.listed.insert((instance, node)),
                    false => self.listed.remove(&(instance, node)),
                };
                focus.nodes.contains(&node) && focus.instances.contains(&instance)
            }
            DiscoveryEvent::ViewDropped { instance, .. } => {
                self.listed.remove(&(instance, node));
                focus.nodes.contains(&node) && focus.instances.contains(&instance)
            }
            DiscoveryEvent::ViewAdvanced { .. } => {
                self.viewers.insert(node);
                focus.nodes.contains(&node) && focus.instants.contains(&event.at)
            }
            DiscoveryEvent::ResyncStarted
            | DiscoveryEvent::WatchLost
            | DiscoveryEvent::ViewLapsed
            | DiscoveryEvent::CacheFroze
            | DiscoveryEvent::CacheThawed => focus.nodes.contains(&node),
            // That it answered is the evidence, and stands there.
            DiscoveryEvent::LookupAnswered { .. }
            | DiscoveryEvent::CallSent { .. }
            | DiscoveryEvent::CallAnswered { .. }
            | DiscoveryEvent::CallFailed { .. } => false,
        }
    }
}

impl Known {
    /// It is gone since now, if it was not before.
    fn go(&mut self, at: SimInstant, how: Gone) {
        self.gone.get_or_insert((at, how));
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::id::{Capabilities, Epoch, Revision, ServiceId};

    use super::*;

    const REGISTRY: NodeId = NodeId(0);
    const APPLICATION: NodeId = NodeId(1);
    const ONE: InstanceId = InstanceId(0);
    const LEASE: LeaseId = LeaseId(1);

    fn at(seconds: u64, node: NodeId, kind: EventKind) -> Event {
        Event { at: instant(seconds), node: Some(node), local: 0, kind }
    }

    fn instant(seconds: u64) -> SimInstant {
        SimInstant::from_nanos(seconds * 1_000_000_000)
    }

    fn said(event: RegistryEvent) -> EventKind {
        EventKind::Node(NodeEvent::Registry(event))
    }

    fn viewed(event: DiscoveryEvent) -> EventKind {
        EventKind::Node(NodeEvent::Discovery(event))
    }

    fn registered() -> EventKind {
        said(RegistryEvent::Registered {
            instance: ONE,
            service: ServiceId(0),
            capabilities: Capabilities(0),
            lease: LEASE,
            epoch: Epoch(1),
            node: APPLICATION,
            status: Status::Passing,
            revision: Revision(1),
        })
    }

    fn heartbeat(number: u64) -> EventKind {
        said(RegistryEvent::HeartbeatArrived { member: ResourceId(0), lease: LEASE, number })
    }

    fn listed(status: Status) -> EventKind {
        viewed(DiscoveryEvent::ViewListed { instance: ONE, epoch: Epoch(1), status })
    }

    fn advanced() -> EventKind {
        let by = leasehold_core::event::Advance::Watch;
        viewed(DiscoveryEvent::ViewAdvanced { revision: Revision(1), entries: 1, fingerprint: 0, by })
    }

    fn focus() -> Focus {
        Focus { instances: [ONE].into(), ..Focus::default() }
    }

    fn fleet(events: &[Event]) -> Fleet {
        let mut fleet = Fleet::default();
        for event in events {
            fleet.hear(&focus(), event);
        }
        fleet
    }

    #[test]
    fn only_heartbeats_for_the_dead_are_late() {
        let late = |events: &[Event]| fleet(events).late().copied().collect::<Vec<_>>();
        let mut events = vec![at(1, REGISTRY, registered()), at(2, REGISTRY, heartbeat(1))];
        assert!(late(&events).is_empty());
        events.push(at(3, APPLICATION, EventKind::World(WorldEvent::Crashed)));
        assert!(late(&events).is_empty());
        events.extend([at(9, REGISTRY, heartbeat(2)), at(11, REGISTRY, heartbeat(3))]);
        let expected = Late {
            member: ResourceId(0),
            lease: LEASE,
            gone_since: instant(3),
            first: instant(9),
            last: instant(11),
            count: 2,
        };
        assert_eq!(late(&events), [expected]);
    }

    #[test]
    fn everybody_has_his_own_belief() {
        let (one, other) = (NodeId(2), NodeId(3));
        let belief = |events: &[Event]| fleet(events).beliefs(&focus()).remove(0);
        let mut events = vec![at(1, REGISTRY, registered())];
        for view in [one, other] {
            events.extend([at(1, view, listed(Status::Passing)), at(1, view, advanced())]);
        }
        let known = belief(&events);
        assert_eq!((known.gone, known.registry), (None, Listing::As(Status::Passing)));
        assert_eq!((known.views, known.of), (vec![one, other], 2));

        events.push(at(4, APPLICATION, said(RegistryEvent::WorkStopped { member: ResourceId(0) })));
        assert_eq!(belief(&events).stands_still, Some(instant(4)));
        events.push(at(5, APPLICATION, EventKind::World(WorldEvent::Crashed)));
        events.push(at(30, one, listed(Status::Suspect)));
        events.push(at(
            36,
            REGISTRY,
            said(RegistryEvent::Deregistered {
                instance: ONE,
                lease: LEASE,
                epoch: Epoch(1),
                cause: EndCause::Expired,
                revision: Revision(2),
            }),
        ));
        let known = belief(&events);
        assert_eq!(known.gone, Some((instant(5), Gone::Crashed)));
        assert_eq!(known.registry, Listing::Ended(instant(36), EndCause::Expired));
        assert_eq!(known.views, [other]);
    }
}
