//! What a log makes of a fleet: hundreds of members and views that all do the same.
//!
//! Heartbeats, lookups and calls are counted. What views do is counted by instance, and told once it is true of the
//! last of them. Turns (a registration, an end, a process that dies) are shown, but of many at once only the first few.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_core::event::{DiscoveryEvent, LookupAnswer, NodeEvent, RegistryEvent, WorldEvent};
use leasehold_core::{Event, EventKind, InstanceId, LeaseId, NodeId, SimInstant, Span};

use crate::names::Names;
use crate::words::{counted, grouped};

/// So many turns of one kind are shown of a burst. Chosen by us: a screen holds a few bursts.
const MOST_OF_A_BURST: u64 = 6;

/// A burst is over when nothing of its kind came for so long. Chosen by us: less than heartbeats are apart.
const BURST_OVER: Span = Span::from_secs(1);

/// So many instances are told by name in one line. Chosen by us.
const MOST_NAMED: usize = 3;

/// What has been heard of a fleet, and what of it was not told yet.
#[derive(Default)]
pub(super) struct Fleet {
    /// How many turns of each kind came in a row, and when the last.
    bursts: BTreeMap<&'static str, (u64, SimInstant)>,
    /// Where each instance runs.
    runs_at: BTreeMap<InstanceId, NodeId>,
    /// The instances that hang on each lease.
    on_lease: BTreeMap<LeaseId, Vec<InstanceId>>,
    /// Since when an instance is gone: since its process died or it asked for it, if that came first.
    gone: BTreeMap<InstanceId, SimInstant>,
    /// Which view lists which instance.
    lists: BTreeSet<(InstanceId, NodeId)>,
    /// How many views dropped an instance since it is gone.
    dropped_by: BTreeMap<InstanceId, u64>,
    /// The lease whose end was told by its instances.
    ended: Option<LeaseId>,
    counts: BTreeMap<&'static str, u64>,
    listed: BTreeMap<InstanceId, u64>,
    dropped: BTreeMap<InstanceId, u64>,
}

/// What becomes of an event.
pub(super) enum Told {
    /// It is shown, with this behind it.
    Shown(String),
    /// It is not: it was counted, or says nothing new.
    Folded,
}

impl Fleet {
    /// What becomes of an event; nothing if it is not of a registry, and stands as in any log.
    pub(super) fn hear(&mut self, names: &Names, event: &Event) -> Option<Told> {
        if !names.has_registry() {
            return None;
        }
        match (&event.kind, event.node) {
            (EventKind::Node(NodeEvent::Registry(said)), _) => Some(self.registry(event.at, said)),
            (EventKind::Node(NodeEvent::Discovery(said)), Some(node)) => {
                Some(self.discovery(event.at, node, said))
            }
            (EventKind::Node(said), _) => self.lease(event.at, said),
            (EventKind::World(seen), node) => self.world(event.at, node, seen),
        }
    }

    /// Something else begins: of what comes next the first few are shown again.
    pub(super) fn turn(&mut self) {
        self.bursts.clear();
    }

    /// What was counted since this was asked last, in the order in which to tell it.
    pub(super) fn unfold(&mut self, names: &Names, parts: &mut Vec<String>) {
        for (what, count) in std::mem::take(&mut self.counts) {
            parts.push(counted(count, what));
        }
        for (of, verb) in
            [(std::mem::take(&mut self.listed), "list"), (std::mem::take(&mut self.dropped), "drop")]
        {
            parts.extend(of_views(names, &of, verb));
        }
    }

    fn count(&mut self, what: &'static str) -> Told {
        *self.counts.entry(what).or_default() += 1;
        Told::Folded
    }

    /// Shown, unless too many of the kind came at once: then it is counted, and a kind's first word has its plural.
    fn turn_of(&mut self, at: SimInstant, kind: &'static str) -> Told {
        let (count, last) = self.bursts.entry(kind).or_insert((0, at));
        if at.saturating_since(*last) > BURST_OVER {
            *count = 0;
        }
        (*count, *last) = (*count + 1, at);
        if *count > MOST_OF_A_BURST { self.count(kind) } else { Told::Shown(String::new()) }
    }

    fn registry(&mut self, at: SimInstant, said: &RegistryEvent) -> Told {
        match *said {
            RegistryEvent::Registered { instance, node, lease, .. } => {
                self.runs_at.insert(instance, node);
                self.on_lease.entry(lease).or_default().push(instance);
                self.gone.remove(&instance);
                self.dropped_by.remove(&instance);
                self.turn_of(at, "registration more")
            }
            RegistryEvent::RegistrationRecovered { instance, node, .. } => {
                self.runs_at.insert(instance, node);
                self.turn_of(at, "registration more on a disk")
            }
            RegistryEvent::Deregistered { instance, lease, .. } => {
                self.ended = Some(lease);
                self.on_lease.remove(&lease);
                self.is_gone(instance, at);
                self.turn_of(at, "end more of a registration")
            }
            RegistryEvent::StatusChanged { .. } => self.turn_of(at, "change more of a status"),
            RegistryEvent::RevisionRecovered { .. } => Told::Shown(String::new()),
            RegistryEvent::SweptLate { .. } => self.turn_of(at, "sweep more that was late"),
            RegistryEvent::EndsWithheld { .. } => self.turn_of(at, "time more that ends are withheld"),
            RegistryEvent::EndsAdmitted => self.turn_of(at, "time more that ends are admitted again"),
            RegistryEvent::DeregistrationSent { lease, .. } => {
                let on = self.on_lease.get(&lease).cloned().unwrap_or_default();
                on.into_iter().for_each(|instance| self.is_gone(instance, at));
                self.turn_of(at, "deregistration more asked for")
            }
            RegistryEvent::WorkStopped { .. } | RegistryEvent::WorkWentOn { .. } => {
                self.turn_of(at, "turn more of somebody's work")
            }
            RegistryEvent::ReadinessChanged { .. } => self.turn_of(at, "change more of readiness"),
            RegistryEvent::HeartbeatSent { .. } => self.count("heartbeat"),
            RegistryEvent::MessageDropped { .. } => self.turn_of(at, "message more dropped"),
            RegistryEvent::RegistrationArrived { .. }
            | RegistryEvent::HeartbeatArrived { .. }
            | RegistryEvent::TableLists { .. }
            | RegistryEvent::Compacted { .. } => Told::Folded,
        }
    }

    fn discovery(&mut self, at: SimInstant, node: NodeId, said: &DiscoveryEvent) -> Told {
        match *said {
            DiscoveryEvent::ViewListed { instance, .. } => {
                self.lists.insert((instance, node));
                *self.listed.entry(instance).or_default() += 1;
                Told::Folded
            }
            DiscoveryEvent::ViewDropped { instance, .. } => self.drops(at, node, instance),
            DiscoveryEvent::ViewLapsed => self.turn_of(at, "view more too old to be answered from"),
            DiscoveryEvent::CacheFroze => self.turn_of(at, "cache more that stands still"),
            DiscoveryEvent::CacheThawed => self.turn_of(at, "cache more that goes on"),
            DiscoveryEvent::WatchLost => self.turn_of(at, "time more that a watch is taken for dead"),
            DiscoveryEvent::ResyncStarted => self.turn_of(at, "view more asking for all there is"),
            DiscoveryEvent::LookupAnswered { answer, .. } => self.count(match answer {
                LookupAnswer::Fresh => "lookup",
                LookupAnswer::Stale => "lookup answered as stale",
                LookupAnswer::Refused => "lookup refused",
            }),
            DiscoveryEvent::CallSent { .. } => self.count("call"),
            DiscoveryEvent::CallFailed { .. } => self.count("call not answered"),
            DiscoveryEvent::CallAnswered { .. } | DiscoveryEvent::ViewAdvanced { .. } => Told::Folded,
        }
    }

    /// A view drops an instance: shown if no other lists it any more and it is gone.
    fn drops(&mut self, at: SimInstant, node: NodeId, instance: InstanceId) -> Told {
        self.lists.remove(&(instance, node));
        *self.dropped.entry(instance).or_default() += 1;
        let Some(&since) = self.gone.get(&instance) else { return Told::Folded };
        let by = self.dropped_by.entry(instance).or_default();
        *by += 1;
        let views = (instance, NodeId(0))..=(instance, NodeId(u16::MAX));
        if self.lists.range(views).next().is_some() {
            return Told::Folded;
        }
        let last = if *by > 1 { format!(", the last of {} views", grouped(*by)) } else { String::new() };
        self.dropped.remove(&instance);
        match self.turn_of(at, "instance more that no view lists any longer") {
            Told::Shown(_) => {
                Told::Shown(format!("{last}, {} after it was gone", at.saturating_since(since)))
            }
            told => told,
        }
    }

    fn is_gone(&mut self, instance: InstanceId, at: SimInstant) {
        self.gone.entry(instance).or_insert(at);
        self.dropped_by.entry(instance).or_default();
    }

    /// The lease of a member: what hangs on it is told instead.
    fn lease(&mut self, at: SimInstant, said: &NodeEvent) -> Option<Told> {
        match *said {
            NodeEvent::Granted { .. } | NodeEvent::ClaimStarted(_) | NodeEvent::Recovered { .. } => {
                Some(Told::Folded)
            }
            NodeEvent::Ended { lease, .. } if self.ended == Some(lease) => Some(Told::Folded),
            NodeEvent::Ended { .. } => Some(self.turn_of(at, "end more of a lease")),
            NodeEvent::ClaimEnded { .. } => Some(self.turn_of(at, "member more told of its end")),
            NodeEvent::Withdrew { .. } => Some(self.turn_of(at, "member more that left")),
            _ => None,
        }
    }

    fn world(&mut self, at: SimInstant, node: Option<NodeId>, seen: &WorldEvent) -> Option<Told> {
        match *seen {
            WorldEvent::Crashed => {
                let died: Vec<InstanceId> =
                    self.runs_at.iter().filter(|(_, at)| Some(**at) == node).map(|(id, _)| *id).collect();
                died.into_iter().for_each(|instance| self.is_gone(instance, at));
                Some(self.turn_of(at, "death more of a process"))
            }
            WorldEvent::Started => Some(self.turn_of(at, "start more")),
            WorldEvent::Restarted { .. } => Some(self.turn_of(at, "restart more")),
            WorldEvent::Paused => Some(self.turn_of(at, "pause more")),
            WorldEvent::Suspended => Some(self.turn_of(at, "suspension more")),
            WorldEvent::Resumed => Some(self.turn_of(at, "resumption more")),
            WorldEvent::CommandGiven { .. } => Some(self.turn_of(at, "command more")),
            WorldEvent::FaultLanded { .. } => Some(self.turn_of(at, "node more that a fault lands on")),
            WorldEvent::FaultHealed { .. } => Some(self.turn_of(at, "node more that a fault is over for")),
            WorldEvent::ClaimLapsed { .. } => Some(self.turn_of(at, "member more past its deadline")),
            _ => None,
        }
    }
}

/// `64 views list instance-3`, or of many instances how many there are.
fn of_views(names: &Names, changes: &BTreeMap<InstanceId, u64>, verb: &str) -> Vec<String> {
    let views =
        |count: u64| format!("{} {verb}{}", counted(count, "view"), if count == 1 { "s" } else { "" });
    if changes.len() <= MOST_NAMED {
        let of_one = |(instance, count): (&InstanceId, &u64)| {
            format!("{} {}", views(*count), names.instance(*instance))
        };
        return changes.iter().map(of_one).collect();
    }
    let most = changes.values().copied().max().unwrap_or(0);
    vec![format!("{} up to {} each", views(most), counted(changes.len() as u64, "instance"))]
}

#[cfg(test)]
mod tests {
    use leasehold_core::ResourceId;
    use leasehold_core::event::{EndCause, Status};
    use leasehold_core::id::{Capabilities, Epoch, Revision, ServiceId};

    use super::*;
    use crate::sample_names::fleet;

    const REGISTRY: NodeId = NodeId(0);

    fn at(millis: u64, node: NodeId, kind: EventKind) -> Event {
        Event { at: SimInstant::from_nanos(millis * 1_000_000), node: Some(node), local: 0, kind }
    }

    fn registered(instance: u32) -> EventKind {
        EventKind::Node(NodeEvent::Registry(RegistryEvent::Registered {
            instance: InstanceId(instance),
            service: ServiceId(0),
            capabilities: Capabilities(0),
            lease: LeaseId(u64::from(instance) + 1),
            epoch: Epoch(1),
            node: NodeId(1 + instance as u16),
            status: Status::Passing,
            revision: Revision(1),
        }))
    }

    fn gone(instance: u32) -> EventKind {
        EventKind::Node(NodeEvent::Registry(RegistryEvent::Deregistered {
            instance: InstanceId(instance),
            lease: LeaseId(u64::from(instance) + 1),
            epoch: Epoch(1),
            cause: EndCause::Expired,
            revision: Revision(2),
        }))
    }

    fn view(instance: u32, verb: &str) -> EventKind {
        let (instance, epoch) = (InstanceId(instance), Epoch(1));
        EventKind::Node(NodeEvent::Discovery(match verb {
            "lists" => DiscoveryEvent::ViewListed { instance, epoch, status: Status::Passing },
            _ => DiscoveryEvent::ViewDropped { instance, epoch },
        }))
    }

    const CRASH: EventKind = EventKind::World(WorldEvent::Crashed);

    /// What is shown, and at last what was folded.
    fn told(events: &[Event]) -> Vec<String> {
        let (names, mut log) = (fleet(8, 3), Fleet::default());
        let mut told = Vec::new();
        for event in events {
            match log.hear(&names, event).expect("the log knows it") {
                Told::Shown(more) => told.push(format!("{}{more}", crate::words::happened(&names, event))),
                Told::Folded => {}
            }
        }
        log.unfold(&names, &mut told);
        told
    }

    #[test]
    fn what_views_do_is_told_once_it_is_true_of_the_last() {
        let mut events = vec![at(0, REGISTRY, registered(0))];
        events.extend([9, 10, 11].map(|client| at(10, NodeId(client), view(0, "lists"))));
        events.push(at(5_000, NodeId(1), CRASH));
        events.push(at(30_000, REGISTRY, gone(0)));
        events.extend([9, 10, 11].map(|client| at(31_000, NodeId(client), view(0, "drops"))));
        assert_eq!(
            told(&events),
            [
                "registers instance-1 (service 1) under lease 1, epoch 1, at revision 1",
                "crashes",
                "instance-1 (epoch 1) is gone at revision 2: lease 1 expired",
                "its view drops instance-1 (epoch 1), the last of 3 views, 26s after it was gone",
                "3 views list instance-1",
            ]
        );
        // While one still lists it, the others are counted.
        events.pop();
        assert_eq!(told(&events)[3..], ["3 views list instance-1", "2 views drop instance-1"]);
    }

    #[test]
    fn of_a_burst_the_first_few_are_shown() {
        let burst: Vec<Event> = (0..8).map(|instance| at(1, REGISTRY, registered(instance))).collect();
        let lines = told(&burst);
        assert_eq!((lines.len(), lines[6].as_str()), (7, "2 registrations more"));
        // A second apart they are no burst.
        let apart: Vec<Event> = (0..8).map(|i| at(1_001 * u64::from(i), REGISTRY, registered(i))).collect();
        assert_eq!(told(&apart).len(), 8);
    }

    #[test]
    fn many_instances_are_counted_not_named() {
        let listed: Vec<Event> = (0..4).map(|i| at(1, NodeId(9), view(i, "lists"))).collect();
        assert_eq!(told(&listed), ["1 view lists up to 4 instances each"]);
        assert_eq!(told(&listed[..1]), ["1 view lists instance-1"]);
    }

    #[test]
    fn heartbeats_are_counted_and_leases_are_told_by_what_hangs_on_them() {
        let sent = RegistryEvent::HeartbeatSent { member: ResourceId(0), lease: LeaseId(1), number: 7 };
        let ended = NodeEvent::Ended {
            resource: ResourceId(0),
            lease: LeaseId(1),
            token: leasehold_core::Token(1),
            cause: EndCause::Expired,
        };
        let lines = told(&[
            at(1, NodeId(1), EventKind::Node(NodeEvent::Registry(sent))),
            at(2, REGISTRY, gone(0)),
            at(2, REGISTRY, EventKind::Node(ended)),
        ]);
        assert_eq!(lines, ["instance-1 (epoch 1) is gone at revision 2: lease 1 expired", "1 heartbeat"]);
    }
}
