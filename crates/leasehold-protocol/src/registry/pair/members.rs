//! What tests of members share: a small deployment.

use alloc::sync::Arc;

use leasehold_core::id::{Capabilities, InstanceId, ResourceId, ServiceId};
use leasehold_core::time::Span;

use super::*;
use crate::registry::policy::{ComesBack, MemberPolicy, ObserverPolicy, ProbePolicy, RegistryPolicy, Sender};
use crate::registry::{Instance, MemberPlace, Observer, Offer, Places, Registry, Sidecar};

pub(super) const REGISTRY: NodeId = NodeId(0);
pub(super) const APPLICATION: NodeId = NodeId(1);
pub(super) const SIDECAR: NodeId = NodeId(2);
pub(super) const OBSERVER: NodeId = NodeId(3);
pub(super) const CLIENT: NodeId = NodeId(4);
pub(super) const INSTANCE: InstanceId = InstanceId(7);
pub(super) const M: ResourceId = ResourceId(0);

/// The safe one, but that it registers at once: tests say when what happens.
pub(super) fn policy() -> MemberPolicy {
    MemberPolicy { comes_back: ComesBack::AtOnce, ..MemberPolicy::new(Span::from_secs(30)) }
}

pub(super) fn place(sidecar: Option<NodeId>) -> MemberPlace {
    let (service, capabilities) = (ServiceId(0), Capabilities(0));
    let offer = Offer { instance: INSTANCE, service, capabilities, node: APPLICATION };
    MemberPlace { member: M, application: APPLICATION, sidecar, offers: Arc::new([offer]), zone: 0 }
}

pub(super) fn places(sidecar: Option<NodeId>) -> Arc<Places> {
    let (followers, observers) = (vec![], vec![OBSERVER]);
    Arc::new(Places { registry: REGISTRY, followers, observers, members: vec![place(sidecar)] })
}

/// A registry, and one member with this policy.
pub(super) fn deployment(policy: MemberPolicy) -> Few {
    deployment_in(Few::new(), policy)
}

/// The same in a world whose network the test has made.
pub(super) fn deployment_in(few: Few, policy: MemberPolicy) -> Few {
    deployment_of(few, RegistryPolicy::default(), policy)
}

/// The same with another registry.
pub(super) fn deployment_under(registry: RegistryPolicy, policy: MemberPolicy) -> Few {
    deployment_of(Few::new(), registry, policy)
}

fn deployment_of(mut few: Few, rules: RegistryPolicy, policy: MemberPolicy) -> Few {
    let has_sidecar = matches!(policy.sender, Sender::Sidecar | Sender::DeafSidecar);
    let sidecar = if has_sidecar { Some(SIDECAR) } else { None };
    few.add(REGISTRY, move || Box::new(Registry::new(rules.clone(), places(sidecar))));
    few.add(APPLICATION, move || Box::new(Instance::new(policy, place(sidecar), REGISTRY)));
    if has_sidecar {
        few.add(SIDECAR, move || Box::new(Sidecar::new(policy, place(sidecar), REGISTRY)));
    }
    few
}

/// An observer of the one member, with the numbers of HAProxy.
pub(super) fn observer() -> Boxed {
    let clock = leasehold_core::clock::ClockKind::Boot;
    Box::new(Observer::new(ObserverPolicy { clock, probe: ProbePolicy::default() }, places(None)))
}

pub(super) fn heartbeats(few: &Few, by: NodeId) -> Vec<i64> {
    few.sends(by, is(Purpose::Renew, Leg::Request))
}

pub(super) fn registrations(few: &Few, by: NodeId) -> Vec<i64> {
    few.sends(by, is(Purpose::Acquire, Leg::Request))
}

/// When it was decided to ask to be taken off the list, each time.
pub(super) fn deregistrations(few: &Few, by: NodeId) -> Vec<i64> {
    few.times(by, |e| matches!(e, NodeEvent::Registry(RegistryEvent::DeregistrationSent { .. })))
}

/// The registrations that were granted: when, and to whom.
pub(super) fn grants(few: &Few) -> Vec<(i64, NodeId)> {
    let granted = |(at, _, event): &(i64, NodeId, NodeEvent)| match event {
        NodeEvent::Granted { holder, .. } => Some((*at, *holder)),
        _ => None,
    };
    few.events.iter().filter_map(granted).collect()
}
