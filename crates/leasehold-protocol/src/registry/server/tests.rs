//! The registry alone: members are played by the test, all times are in milliseconds.
//!
//! Each policy has a test that fails when it is swapped for its neighbour.

mod expiry;
mod heartbeats;
mod leaving;
mod load;
mod probing;
mod registering;
mod restarting;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::LocalInstant;
use leasehold_core::event::{EndCause, Health, NodeEvent, RegistryEvent, Revocation, Status};
use leasehold_core::id::{
    Capabilities, Epoch, Incarnation, InstanceId, LeaseId, NodeId, RequestId, ResourceId, ServiceId,
};
use leasehold_core::time::Span;

use crate::registry::pair::{Few, Way};
use crate::registry::policy::*;
use crate::registry::{MemberPlace, Offer, Places, Registry, RegistryCommand, RegistryMessage};

const REGISTRY: NodeId = NodeId(0);
const OBSERVER: NodeId = NodeId(1);
const ADMINISTRATOR: EndCause = EndCause::Revoked { reason: Revocation::Administrator };
const UNHEALTHY: EndCause = EndCause::Revoked { reason: Revocation::HealthCheck };

/// TTL 30 s, a heartbeat each 10 s, suspect after two that are missing.
fn policy() -> RegistryPolicy {
    RegistryPolicy { suspect_after: 2, ..RegistryPolicy::default() }
}

/// Where a member's application is.
fn app(member: u32) -> NodeId {
    NodeId(10 + member as u16)
}

fn offers(member: u32, count: u32) -> Arc<[Offer]> {
    let offer = |n| Offer {
        instance: InstanceId(member * 10 + n),
        service: ServiceId(0),
        capabilities: Capabilities(0),
        node: app(member),
    };
    (0..count).map(offer).collect()
}

fn place(member: u32) -> MemberPlace {
    let (application, offers) = (app(member), offers(member, 2));
    MemberPlace { member: ResourceId(member), application, sidecar: None, offers, zone: 0 }
}

/// A registry and so many members, each with two instances and a key. Messages take no time, a write 1 ms.
fn with(members: u32, policy: RegistryPolicy) -> Few {
    let members = (0..members).map(place).collect();
    let (followers, observers) = (Vec::new(), [OBSERVER].into());
    let places = Arc::new(Places { registry: REGISTRY, followers, observers, members });
    let mut few = Few::new();
    few.delay = 0;
    few.add(REGISTRY, move || Box::new(Registry::new(policy.clone(), places.clone())));
    few
}

/// The same with one member, which is registered at 1 ms, under lease 1 with epoch 1.
fn registered(policy: RegistryPolicy) -> Few {
    let mut few = with(1, policy);
    register(&mut few, 0, 0, 1);
    few.run_to(1);
    few
}

/// The same with so many, under leases from 1 on, each with epoch 1.
fn all_registered(members: u32, policy: RegistryPolicy) -> Few {
    let mut few = with(members, policy);
    (0..members).for_each(|member| register(&mut few, member, 0, 1));
    few.run_to(1);
    few
}

fn register(few: &mut Few, member: u32, incarnation: u32, request: u64) {
    register_as(few, app(member), member, incarnation, request, Health::Ready);
}

fn register_as(few: &mut Few, from: NodeId, member: u32, incarnation: u32, request: u64, health: Health) {
    let message = RegistryMessage::Register {
        member: ResourceId(member),
        incarnation: Incarnation(incarnation),
        request: RequestId(request),
        ttl: Span::from_secs(30),
        offers: offers(member, 2),
        keys: 1,
        health,
    };
    few.send(from, REGISTRY, message);
}

/// A heartbeat of the first member, whose epochs are its leases' numbers.
fn beat(few: &mut Few, lease: u64, number: u64) {
    beat_as(few, 0, (lease, Some(lease)), number, Health::Ready);
}

fn beat_as(few: &mut Few, member: u32, named: (u64, Option<u64>), number: u64, health: Health) {
    beat_stamped(few, member, named, (number, 0), health);
}

/// One that says which number it has, and what its sender's wall clock shows, in milliseconds.
fn beat_stamped(
    few: &mut Few,
    member: u32,
    named: (u64, Option<u64>),
    (number, stamp): (u64, i64),
    health: Health,
) {
    let (member, lease, epoch) = (ResourceId(member), LeaseId(named.0), named.1.map(Epoch));
    let (from, stamp) = (app(member.0), LocalInstant::from_nanos(stamp * 1_000_000));
    few.send(from, REGISTRY, RegistryMessage::Heartbeat { member, lease, epoch, number, stamp, health });
}

fn deregister(few: &mut Few, member: u32, from: NodeId, lease: u64, epoch: u64) {
    let (member, lease, epoch, request) = (ResourceId(member), LeaseId(lease), Epoch(epoch), RequestId(9));
    few.send(from, REGISTRY, RegistryMessage::Deregister { member, lease, epoch, request });
}

/// Heartbeats of all members, every 10 s up to then.
fn beats_until(few: &mut Few, members: u32, until: i64) {
    for (number, at) in (0..).zip((10_000..=until).step_by(10_000)) {
        few.run_to(at);
        for member in 0..members {
            beat_as(few, member, (u64::from(member) + 1, Some(1)), number, Health::Ready);
        }
    }
    few.run_to(until);
}

// --- What came of it ------------------------------------------------------------------------------------

/// When leases expired.
fn expired_at(few: &Few) -> Vec<i64> {
    few.ends().into_iter().filter(|(_, cause)| *cause == EndCause::Expired).map(|(at, _)| at).collect()
}

/// When which lease was granted, with which epoch.
fn grants(few: &Few) -> Vec<(i64, u64, u64)> {
    let granted = |(at, _, event): &(i64, NodeId, NodeEvent)| match event {
        NodeEvent::Granted { lease, token, .. } => Some((*at, lease.0, token.0)),
        _ => None,
    };
    few.events.iter().filter_map(granted).collect()
}

/// When which lease was renewed.
fn renewals(few: &Few) -> Vec<(i64, u64)> {
    let renewed = |(at, _, event): &(i64, NodeId, NodeEvent)| match event {
        NodeEvent::Renewed { lease, .. } => Some((*at, lease.0)),
        _ => None,
    };
    few.events.iter().filter_map(renewed).collect()
}

/// What an instance was listed as, and when.
fn statuses(few: &Few, instance: u32) -> Vec<(i64, Status)> {
    let told = |(at, event)| match event {
        RegistryEvent::Registered { instance: of, status, .. }
        | RegistryEvent::StatusChanged { instance: of, status, .. } => {
            (of.0 == instance).then_some((at, status))
        }
        _ => None,
    };
    few.registry_events(REGISTRY).into_iter().filter_map(told).collect()
}

/// How many instances the registry says that it lists, at which revision.
fn counts(few: &Few) -> Vec<(u64, u32)> {
    let told = |(_, event)| match event {
        RegistryEvent::TableLists { registrations, revision } => Some((revision.0, registrations)),
        _ => None,
    };
    few.registry_events(REGISTRY).into_iter().filter_map(told).collect()
}

/// What the registry told members, in short, and when.
fn answers(few: &Few) -> Vec<(i64, &'static str)> {
    let name = |message: &RegistryMessage| match message {
        RegistryMessage::Registered { .. } => Some("registered"),
        RegistryMessage::RegisterRefused { .. } => Some("not now"),
        RegistryMessage::HeartbeatTaken { .. } => Some("taken"),
        RegistryMessage::HeartbeatRefused { .. } => Some("refused"),
        RegistryMessage::Deregistered { .. } => Some("deregistered"),
        RegistryMessage::Revoked { .. } => Some("revoked"),
        _ => None,
    };
    few.letters(REGISTRY, |_| true).filter_map(|letter| Some((letter.at, name(&letter.message)?))).collect()
}
