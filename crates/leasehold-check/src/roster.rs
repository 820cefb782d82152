//! The registrations that a registry has told of, and which of them are gone in truth.
//!
//! An instance is *gone* when its process has died, when its member has asked to be deregistered, or when the registry
//! has ended its registration for another reason, whichever comes first; the registry may list it for a while after
//! that. Whoever registers again does so under another epoch.
//!
//! One registry is followed: the first node of that role.

use alloc::vec::Vec;

use leasehold_core::event::{RegistryEvent, Status, fingerprint};
use leasehold_core::id::{Capabilities, Epoch, InstanceId, ServiceId};
use leasehold_core::{EventKind, LeaseId, NodeEvent, NodeId, ResourceId, SimInstant, WorldEvent};

use crate::finding::{Fact, Gone};
use crate::leases::Leases;
use crate::processes::{Process, Processes};

/// Instances are numbered from 0. Beyond this number none is followed: tables are kept up to the greatest.
///
/// Chosen by us: it is as many as there can be nodes.
const MOST: usize = 1 << 16;

/// A live registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) instance: InstanceId,
    pub(crate) epoch: Epoch,
    pub(crate) service: ServiceId,
    pub(crate) capabilities: Capabilities,
    pub(crate) lease: LeaseId,
    /// Where it runs.
    pub(crate) node: NodeId,
    pub(crate) status: Status,
    pub(crate) registered_at: SimInstant,
    /// Whose it is, if its lease is known.
    pub(crate) member: Option<ResourceId>,
    /// Who sends its heartbeats.
    pub(crate) holder: Option<NodeId>,
    /// Since when it is gone, and how.
    pub(crate) gone: Option<(SimInstant, Gone)>,
    /// Whether a restarted registry has not told of it yet.
    awaits_recovery: bool,
}

impl Registration {
    const fn fingerprint(&self) -> u64 {
        fingerprint(self.instance, self.epoch, self.status)
    }

    /// Whether somebody beside the application speaks for it.
    pub(crate) fn has_sidecar(&self) -> bool {
        self.holder.is_some_and(|holder| holder != self.node)
    }

    /// The registration as evidence.
    pub(crate) fn fact(&self, registry: NodeId) -> Fact {
        let Self { instance, epoch, lease, node, registered_at: at, .. } = *self;
        Fact::Registered { at, registry, instance, epoch, lease, node }
    }
}

/// All that a registry lists.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    registry: Option<NodeId>,
    /// By instance: more than one where a registry lists an instance twice.
    instances: Vec<Vec<Registration>>,
    count: u32,
    /// How many instances are listed, each counted once.
    names: u32,
    fingerprint: u64,
    /// How many are gone, so that a heartbeat costs no search where none is.
    gone: u32,
}

impl Roster {
    pub(crate) fn new(registry: Option<NodeId>) -> Self {
        Self { registry, ..Self::default() }
    }

    /// Whose it is.
    pub(crate) const fn registry(&self) -> Option<NodeId> {
        self.registry
    }

    /// Whether it is that of this node.
    pub(crate) fn is_of(&self, node: NodeId) -> bool {
        self.registry == Some(node)
    }

    /// How many registrations there are.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// How many instances are listed, however often.
    pub(crate) const fn names(&self) -> u32 {
        self.names
    }

    /// The sum of the fingerprints of all that is listed.
    pub(crate) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// All registrations, by instance.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Registration> {
        self.instances.iter().flatten()
    }

    /// Those of one lease.
    pub(crate) fn of_lease(&self, lease: LeaseId) -> impl Iterator<Item = &Registration> {
        self.all().filter(move |registration| registration.lease == lease)
    }

    /// Those of the application that runs at a node.
    pub(crate) fn of_node(&self, node: NodeId) -> impl Iterator<Item = &Registration> {
        self.all().filter(move |registration| registration.node == node)
    }

    /// Those that a restarted registry has not told of so far.
    pub(crate) fn unrecovered(&self) -> impl Iterator<Item = &Registration> {
        self.all().filter(|registration| registration.awaits_recovery)
    }

    /// Those that it has told of.
    pub(crate) fn recovered(&self) -> impl Iterator<Item = &Registration> {
        self.all().filter(|registration| !registration.awaits_recovery)
    }

    /// A live registration.
    pub(crate) fn get(&self, instance: InstanceId, epoch: Epoch) -> Option<&Registration> {
        self.listed(instance).iter().find(|registration| registration.epoch == epoch)
    }

    /// The live registrations of an instance: one, unless a registry lists it twice.
    pub(crate) fn listed(&self, instance: InstanceId) -> &[Registration] {
        self.instances.get(instance.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The registration that such an event begins, as it will be.
    pub(crate) fn begun_by(
        &self,
        now: SimInstant,
        event: &RegistryEvent,
        leases: &Leases,
        processes: &Processes,
    ) -> Option<Registration> {
        let (RegistryEvent::Registered {
            instance, service, capabilities, lease, epoch, node, status, ..
        }
        | RegistryEvent::RegistrationRecovered {
            instance,
            service,
            capabilities,
            lease,
            epoch,
            node,
            status,
        }) = *event
        else {
            return None;
        };
        let held = self.registry.and_then(|registry| leases.live(registry, lease));
        let gone = (processes.of(node) == Process::Down).then_some((now, Gone::Crashed));
        Some(Registration {
            instance,
            epoch,
            service,
            capabilities,
            lease,
            node,
            status,
            registered_at: now,
            member: held.map(|lease| lease.resource),
            holder: held.and_then(|lease| lease.holder),
            gone,
            awaits_recovery: false,
        })
    }

    /// Takes an event, after the checkers have seen it.
    pub(crate) fn conclude(
        &mut self,
        now: SimInstant,
        node: NodeId,
        event: &EventKind,
        leases: &Leases,
        processes: &Processes,
    ) {
        match event {
            EventKind::Node(NodeEvent::Registry(event)) => self.hear(now, node, event, leases, processes),
            EventKind::World(WorldEvent::Crashed) => {
                self.go(|registration| registration.node == node, now, Gone::Crashed);
            }
            EventKind::World(WorldEvent::Restarted { .. }) if self.is_of(node) => {
                let all = self.instances.iter_mut().flatten();
                all.for_each(|registration| registration.awaits_recovery = true);
            }
            _ => {}
        }
    }

    fn hear(
        &mut self,
        now: SimInstant,
        node: NodeId,
        event: &RegistryEvent,
        leases: &Leases,
        processes: &Processes,
    ) {
        match *event {
            RegistryEvent::DeregistrationSent { lease, .. } => {
                self.go(|registration| registration.lease == lease, now, Gone::Left);
            }
            // Who sends heartbeats for a process that is up again, under the lease of the one before, says that
            // the instance lives.
            RegistryEvent::HeartbeatSent { lease, .. } => {
                self.come_back(lease, processes);
            }
            _ if !self.is_of(node) => {}
            RegistryEvent::Registered { .. } => {
                if let Some(new) = self.begun_by(now, event, leases, processes) {
                    self.list(new);
                }
            }
            RegistryEvent::RegistrationRecovered { .. } => {
                if let Some(found) = self.begun_by(now, event, leases, processes) {
                    self.recover(found);
                }
            }
            RegistryEvent::RevisionRecovered { .. } => {
                self.drop_where(|registration| registration.awaits_recovery);
            }
            RegistryEvent::StatusChanged { instance, epoch, status, .. } => {
                self.change(instance, epoch, status);
            }
            RegistryEvent::Deregistered { instance, epoch, .. } => {
                self.end(instance, epoch);
            }
            _ => {}
        }
    }

    fn list(&mut self, new: Registration) {
        let place = new.instance.0 as usize;
        if place >= MOST {
            return;
        }
        if self.instances.len() <= place {
            self.instances.resize_with(place + 1, Vec::new);
        }
        self.count += 1;
        self.names += u32::from(self.instances[place].is_empty());
        self.gone += u32::from(new.gone.is_some());
        self.fingerprint = self.fingerprint.wrapping_add(new.fingerprint());
        self.instances[place].push(new);
    }

    fn recover(&mut self, found: Registration) {
        let Registration { instance, epoch, status, .. } = found;
        let known = self.instances.get_mut(instance.0 as usize).into_iter().flatten();
        match known.into_iter().find(|known| known.epoch == epoch) {
            Some(known) => {
                known.awaits_recovery = false;
                self.change(instance, epoch, status);
            }
            None => self.list(found),
        }
    }

    fn change(&mut self, instance: InstanceId, epoch: Epoch, status: Status) {
        let Some(listed) = self.instances.get_mut(instance.0 as usize) else { return };
        if let Some(registration) = listed.iter_mut().find(|registration| registration.epoch == epoch) {
            let before = registration.fingerprint();
            registration.status = status;
            self.fingerprint = self.fingerprint.wrapping_sub(before).wrapping_add(registration.fingerprint());
        }
    }

    fn end(&mut self, instance: InstanceId, epoch: Epoch) {
        let Some(listed) = self.instances.get_mut(instance.0 as usize) else { return };
        if let Some(place) = listed.iter().position(|registration| registration.epoch == epoch) {
            let ended = listed.remove(place);
            self.count -= 1;
            self.names -= u32::from(listed.is_empty());
            self.gone -= u32::from(ended.gone.is_some());
            self.fingerprint = self.fingerprint.wrapping_sub(ended.fingerprint());
        }
    }

    fn drop_where(&mut self, fits: impl Fn(&Registration) -> bool) {
        let Self { instances, count, names, fingerprint, gone, .. } = self;
        for listed in instances.iter_mut().filter(|listed| !listed.is_empty()) {
            listed.retain(|registration| {
                let is_dropped = fits(registration);
                if is_dropped {
                    *count -= 1;
                    *gone -= u32::from(registration.gone.is_some());
                    *fingerprint = fingerprint.wrapping_sub(registration.fingerprint());
                }
                !is_dropped
            });
            *names -= u32::from(listed.is_empty());
        }
    }

    fn go(&mut self, fits: impl Fn(&Registration) -> bool, now: SimInstant, how: Gone) {
        for registration in self.instances.iter_mut().flatten() {
            if registration.gone.is_none() && fits(registration) {
                registration.gone = Some((now, how));
                self.gone += 1;
            }
        }
    }

    fn come_back(&mut self, lease: LeaseId, processes: &Processes) {
        if self.gone == 0 {
            return;
        }
        for registration in self.instances.iter_mut().flatten() {
            if registration.lease == lease
                && matches!(registration.gone, Some((_, Gone::Crashed)))
                && processes.of(registration.node) == Process::Running
            {
                registration.gone = None;
                self.gone -= 1;
            }
        }
    }
}
