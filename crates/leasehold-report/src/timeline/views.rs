//! What views listed, and what of it was gone.

use std::collections::BTreeMap;

use leasehold_core::event::{DiscoveryEvent, NodeEvent, RegistryEvent, Status, WorldEvent};
use leasehold_core::id::Epoch;
use leasehold_core::{Event, EventKind, InstanceId, LeaseId, NodeId, SimInstant};

/// So many entries of views are kept that were stale at some time, and so many changes of how many a view lists.
const MOST_KEPT: usize = 4_000;

/// So many registrations of an instance are remembered. Chosen by us: a view that lists an older one is told of as if it
/// listed nobody.
const REGISTRATIONS: usize = 4;

/// What a view listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Whose view it is.
    pub node: NodeId,
    /// How many instances it listed as passing, from when on.
    pub counts: Vec<(SimInstant, u32)>,
    /// The entries that were stale at some time, in the order in which they became so.
    pub stale: Vec<Listed>,
}

/// An entry of a view whose instance was gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The instance.
    pub instance: InstanceId,
    /// Since when it was listed.
    pub from: SimInstant,
    /// Since when it was gone.
    pub stale_from: SimInstant,
    /// Until when it was listed all the same.
    pub until: SimInstant,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    node: NodeId,
    lease: LeaseId,
    gone: Option<SimInstant>,
}

#[derive(Debug, Default)]
struct View {
    entries: BTreeMap<InstanceId, (Epoch, SimInstant)>,
    counts: Vec<(SimInstant, u32)>,
    stale: Vec<Listed>,
    left_out: u64,
}

type Registrations = BTreeMap<(InstanceId, Epoch), Known>;

/// Follows registrations and views.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// The newest registrations of each instance.
    known: Registrations,
    views: BTreeMap<NodeId, View>,
}

impl Views {
    pub(super) fn hear(&mut self, event: &Event) {
        let Some(node) = event.node else { return };
        match event.kind {
            EventKind::Node(NodeEvent::Registry(said)) => self.hear_registry(event.at, &said),
            EventKind::Node(NodeEvent::Discovery(said)) => self.hear_view(event.at, node, &said),
            EventKind::World(WorldEvent::Crashed) => {
                self.gone(event.at, |known| known.node == node);
                // The next process begins without a view.
                if let Some(view) = self.views.get_mut(&node) {
                    let known = &self.known;
                    let all: Vec<InstanceId> = view.entries.keys().copied().collect();
                    all.into_iter().for_each(|instance| view.drop_entry(known, event.at, instance));
                    view.count(event.at);
                }
            }
            _ => {}
        }
    }

    /// What each view listed, the first of it if there is too much, and how much is left out.
    pub(super) fn finish(mut self, ended_at: SimInstant) -> (Vec<Listing>, u64) {
        let known = std::mem::take(&mut self.known);
        let views = std::mem::take(&mut self.views).into_iter();
        let mut left_out = 0;
        let listings = views
            .map(|(node, mut view)| {
                let all: Vec<InstanceId> = view.entries.keys().copied().collect();
                all.into_iter().for_each(|instance| view.drop_entry(&known, ended_at, instance));
                view.stale.sort_by_key(|listed| (listed.stale_from, listed.instance));
                left_out += view.left_out;
                Listing { node, counts: view.counts, stale: view.stale }
            })
            .collect();
        (listings, left_out)
    }

    fn hear_registry(&mut self, at: SimInstant, said: &RegistryEvent) {
        match *said {
            RegistryEvent::Registered { instance, lease, epoch, node, .. } => {
                // Whoever is registered anew is not registered as before.
                let before = (instance, Epoch(0))..(instance, epoch);
                self.known.range_mut(before).for_each(|(_, known)| {
                    known.gone.get_or_insert(at);
                });
                self.known.insert((instance, epoch), Known { node, lease, gone: None });
                self.forget(instance);
            }
            RegistryEvent::RegistrationRecovered { instance, lease, epoch, node, .. } => {
                self.known.entry((instance, epoch)).or_insert(Known { node, lease, gone: None });
            }
            RegistryEvent::Deregistered { instance, epoch, .. } => {
                if let Some(known) = self.known.get_mut(&(instance, epoch)) {
                    known.gone.get_or_insert(at);
                }
            }
            RegistryEvent::DeregistrationSent { lease, .. } => self.gone(at, |known| known.lease == lease),
            _ => {}
        }
    }

    fn hear_view(&mut self, at: SimInstant, node: NodeId, said: &DiscoveryEvent) {
        let view = self.views.entry(node).or_default();
        match *said {
            DiscoveryEvent::ViewListed { instance, epoch, status } => {
                let is_same = view.entries.get(&instance).is_some_and(|(known, _)| *known == epoch);
                if !is_same || status != Status::Passing {
                    view.drop_entry(&self.known, at, instance);
                }
                if status == Status::Passing {
                    view.entries.entry(instance).or_insert((epoch, at));
                }
            }
            DiscoveryEvent::ViewDropped { instance, .. } => view.drop_entry(&self.known, at, instance),
            _ => return,
        }
        view.count(at);
    }

    fn forget(&mut self, instance: InstanceId) {
        let of_it = (instance, Epoch(0))..=(instance, Epoch(u64::MAX));
        let mut oldest = self.known.range(of_it.clone()).map(|(key, _)| *key);
        if let (Some(oldest), true) = (oldest.next(), oldest.count() >= REGISTRATIONS) {
            self.known.remove(&oldest);
        }
    }

    fn gone(&mut self, at: SimInstant, who: impl Fn(&Known) -> bool) {
        let those = self.known.values_mut().filter(|known| who(known));
        those.for_each(|known| {
            known.gone.get_or_insert(at);
        });
    }
}

impl View {
    /// An entry leaves the view. If its instance was gone, it was stale.
    fn drop_entry(&mut self, known: &Registrations, at: SimInstant, instance: InstanceId) {
        let Some((epoch, from)) = self.entries.remove(&instance) else { return };
        let gone = known.get(&(instance, epoch)).and_then(|known| known.gone);
        if let Some(gone) = gone {
            let stale_from = gone.max(from);
            match stale_from < at {
                true if self.stale.len() < MOST_KEPT => {
                    self.stale.push(Listed { instance, from, stale_from, until: at });
                }
                true => self.left_out += 1,
                false => {}
            }
        }
    }

    fn count(&mut self, at: SimInstant) {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let has_room = self.counts.len() < MOST_KEPT;
        match self.counts.last_mut() {
            Some((latest, known)) if *latest == at => *known = count,
            Some((_, known)) if *known == count => {}
            _ if has_room => self.counts.push((at, count)),
            _ => self.left_out += 1,
        }
    }
}
