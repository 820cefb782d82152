//! The words of registries. [`G`] is one; [`A`] is an application that registers there as member [`R`], [`B`] its
//! sidecar if it has one, and [`C`] and [`S`] are discovery clients.

use leasehold_core::bounds::{DiscoveryBounds, Envelope, MassCap};
use leasehold_core::event::{
    Advance, Asked, DiscoveryEvent, Health, LookupAnswer, RegistryEvent, Status, fingerprint,
};
use leasehold_core::id::{Capabilities, Epoch, InstanceId, Revision, ServiceId};
use leasehold_core::trace::{Delaying, LinksTouched};
use leasehold_core::{FaultId, Leg, Purpose};

use super::*;

/// An instance of [`A`].
pub(crate) const I: InstanceId = InstanceId(0);
/// The service that it offers.
pub(crate) const SERVICE: ServiceId = ServiceId(1);

pub(crate) const fn discovery_bounds() -> DiscoveryBounds {
    DiscoveryBounds {
        heartbeat_delay: Span::from_secs(1),
        exclusion: Span::from_secs(25),
        deregistration: Span::from_secs(2),
        watch: Some(Span::from_secs(1)),
        dead_watch: Some(Span::from_secs(6)),
        recovery: Some(Span::from_secs(6)),
        cache: Some(Span::from_secs(10)),
        visibility: Span::from_secs(3),
        load: Some(4),
        mass: Some(MassCap { window: Span::from_secs(10), share_ppm: 500_000, at_least: 2 }),
        progress: Some(Span::from_secs(30)),
        envelope: Envelope {
            lost_in_a_row: 2,
            probes_lost_in_a_row: 1,
            probes_within: Span::from_secs(26),
            pause: Span::from_secs(3),
            budget: 0,
        },
    }
}

/// The header of a registry's run; its fault 0 delays messages.
pub(crate) fn registry_header(invariants: &[Invariant]) -> Header {
    let mut header = header(invariants);
    let roles = [Role::Registry, Role::Instance, Role::Sidecar, Role::Discovery, Role::Discovery];
    for (node, role) in header.nodes.iter_mut().zip(roles) {
        node.role = role;
        node.contends_for.clear();
    }
    header.bounds.discovery = Some(discovery_bounds());
    header.delaying =
        vec![Delaying { fault: FaultId(0), longest: Span::ZERO, links: LinksTouched::AtTargets }];
    header
}

/// The report on one invariant of a registry's run.
pub(crate) fn report_of_registry(
    invariant: Invariant,
    events: &[Event],
    ended_at: SimInstant,
) -> InvariantReport {
    assert!(events.is_sorted_by_key(|event| event.at), "events stand in the order of time");
    judgement_with(&registry_header(&[invariant]), events, ended_at).invariants.remove(0)
}

pub(crate) const fn delaying() -> WorldEvent {
    WorldEvent::FaultLanded { fault: FaultId(0) }
}

pub(crate) const fn healed() -> WorldEvent {
    WorldEvent::FaultHealed { fault: FaultId(0) }
}

pub(crate) const fn lost(to: NodeId, purpose: Purpose, leg: Leg) -> WorldEvent {
    WorldEvent::MessageLost { to, purpose, leg, cause: LossCause::Noise }
}

/// A lost heartbeat, to the registry.
pub(crate) const HEARTBEAT_LOST: WorldEvent = lost(G, Purpose::Renew, Leg::Request);

/// A grant to another member with each number; the holder is always [`A`].
pub(crate) const fn granted_to_member(lease: u64) -> NodeEvent {
    NodeEvent::Granted {
        resource: ResourceId(lease as u32),
        lease: LeaseId(lease),
        holder: A,
        token: t(lease),
        ttl: TTL,
    }
}

/// [`I`] is registered under a lease; the epoch has its number.
pub(crate) const fn registered(lease: u64, revision: u64) -> NodeEvent {
    registered_as(I, lease, revision)
}

pub(crate) const fn registered_as(instance: InstanceId, lease: u64, revision: u64) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::Registered {
        instance,
        service: SERVICE,
        capabilities: Capabilities(0),
        lease: LeaseId(lease),
        epoch: Epoch(lease),
        node: A,
        status: Status::Passing,
        revision: Revision(revision),
    })
}

pub(crate) const fn registered_in(lease: u64, revision: u64, status: Status) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::Registered {
        instance: I,
        service: SERVICE,
        capabilities: Capabilities(0),
        lease: LeaseId(lease),
        epoch: Epoch(lease),
        node: A,
        status,
        revision: Revision(revision),
    })
}

pub(crate) const fn found(lease: u64, status: Status) -> NodeEvent {
    found_as(I, lease, status)
}

pub(crate) const fn found_as(instance: InstanceId, lease: u64, status: Status) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::RegistrationRecovered {
        instance,
        service: SERVICE,
        capabilities: Capabilities(0),
        lease: LeaseId(lease),
        epoch: Epoch(lease),
        node: A,
        status,
    })
}

pub(crate) const fn revision_found(revision: u64) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::RevisionRecovered { revision: Revision(revision) })
}

pub(crate) const fn lists(registrations: u32, revision: u64) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::TableLists { registrations, revision: Revision(revision) })
}

pub(crate) const fn status(epoch: u64, status: Status, revision: u64) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::StatusChanged {
        instance: I,
        epoch: Epoch(epoch),
        status,
        revision: Revision(revision),
    })
}

pub(crate) const fn deregistered(lease: u64, revision: u64, cause: EndCause) -> NodeEvent {
    deregistered_as(I, lease, revision, cause)
}

pub(crate) const fn deregistered_as(
    instance: InstanceId,
    lease: u64,
    revision: u64,
    cause: EndCause,
) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::Deregistered {
        instance,
        lease: LeaseId(lease),
        epoch: Epoch(lease),
        cause,
        revision: Revision(revision),
    })
}

pub(crate) const fn heartbeat_sent(lease: u64, number: u64) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::HeartbeatSent { member: R, lease: LeaseId(lease), number })
}

pub(crate) const fn heartbeat_arrived(lease: u64, number: u64) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::HeartbeatArrived { member: R, lease: LeaseId(lease), number })
}

pub(crate) const fn registration_arrived() -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::RegistrationArrived { member: R })
}

pub(crate) const fn deregistration_sent(lease: u64) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::DeregistrationSent { member: R, lease: LeaseId(lease) })
}

/// The registry had no room for a message.
pub(crate) const fn turned_away(from: NodeId, purpose: Purpose) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::MessageDropped { from, purpose })
}

pub(crate) const fn swept_late(seconds: u64) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::SweptLate { late: Span::from_secs(seconds) })
}

pub(crate) const WORK_STOPPED: NodeEvent = NodeEvent::Registry(RegistryEvent::WorkStopped { member: R });
pub(crate) const WORK_WENT_ON: NodeEvent = NodeEvent::Registry(RegistryEvent::WorkWentOn { member: R });

pub(crate) const fn ready(readiness: Health) -> NodeEvent {
    NodeEvent::Registry(RegistryEvent::ReadinessChanged { member: R, readiness })
}

/// A view lists [`I`] as passing.
pub(crate) const fn listed(epoch: u64) -> NodeEvent {
    listed_as(I, epoch)
}

pub(crate) const fn listed_as(instance: InstanceId, epoch: u64) -> NodeEvent {
    NodeEvent::Discovery(DiscoveryEvent::ViewListed {
        instance,
        epoch: Epoch(epoch),
        status: Status::Passing,
    })
}

pub(crate) const fn dropped(epoch: u64) -> NodeEvent {
    dropped_as(I, epoch)
}

pub(crate) const fn dropped_as(instance: InstanceId, epoch: u64) -> NodeEvent {
    NodeEvent::Discovery(DiscoveryEvent::ViewDropped { instance, epoch: Epoch(epoch) })
}

/// A view came to a revision by its watch.
pub(crate) const fn advanced(revision: u64, entries: u32, fingerprint: u64) -> NodeEvent {
    advanced_by(Advance::Watch, revision, entries, fingerprint)
}

pub(crate) const fn advanced_by(by: Advance, revision: u64, entries: u32, fingerprint: u64) -> NodeEvent {
    NodeEvent::Discovery(DiscoveryEvent::ViewAdvanced {
        revision: Revision(revision),
        entries,
        fingerprint,
        by,
    })
}

/// What a list says of [`I`].
pub(crate) const fn print(epoch: u64, status: Status) -> u64 {
    fingerprint(I, Epoch(epoch), status)
}

pub(crate) const fn looked_up(answer: LookupAnswer) -> NodeEvent {
    asked(Asked::All, answer)
}

pub(crate) const fn asked(asked: Asked, answer: LookupAnswer) -> NodeEvent {
    NodeEvent::Discovery(DiscoveryEvent::LookupAnswered {
        asked,
        answer,
        entries: 1,
        age: Span::ZERO,
        revision: Revision(0),
    })
}

pub(crate) const FRESH: NodeEvent = looked_up(LookupAnswer::Fresh);

pub(crate) const fn called(epoch: u64) -> NodeEvent {
    NodeEvent::Discovery(DiscoveryEvent::CallSent { instance: I, epoch: Epoch(epoch), to: A, number: 0 })
}
