//! Places of registries and of those who read them.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use leasehold_core::event::{
    Advance, DiscoveryEvent, EndCause, LookupAnswer, Probe, RegistryEvent, Revocation, Status,
};
use leasehold_core::id::{Epoch, InstanceId};
use leasehold_core::{LeaseId, NodeEvent, NodeId, Span};

use crate::leases::Standing;
use crate::processes::Process;
use crate::scene::Scene;

/// Instances are numbered from 0; beyond this number none is followed.
const MOST: usize = 1 << 16;

/// What has to be remembered to know such a place.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Which instances have been registered before.
    known: Vec<bool>,
    /// Whether the registry that is restarting has told of a registration.
    recovers_some: bool,
    /// Who misses changes and asks for all there is.
    resyncing: BTreeSet<NodeId>,
    /// Whose watch is dead.
    unwatched: BTreeSet<NodeId>,
    /// Who left: it answers while it drains.
    left: BTreeSet<(InstanceId, Epoch)>,
}

impl Places {
    /// The place that an event shows, if it shows one.
    pub(super) fn of(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent) -> Option<Probe> {
        match event {
            NodeEvent::Registry(event) => self.of_registry(scene, node, event),
            NodeEvent::Discovery(event) => self.of_view(scene, node, event),
            NodeEvent::Renewed { lease, .. } if scene.roster.is_of(node) => {
                kept_by_grace(scene, node, *lease)
            }
            NodeEvent::Ended { lease, cause, .. } if scene.roster.is_of(node) => match cause {
                EndCause::Expired => expired_falsely(scene, node, *lease),
                EndCause::Revoked { reason: Revocation::HealthCheck } => Some(Probe::InstanceRevokedByHealth),
                EndCause::Released { .. } | EndCause::Revoked { .. } => None,
            },
            _ => None,
        }
    }

    fn of_registry(&mut self, scene: &Scene, node: NodeId, event: &RegistryEvent) -> Option<Probe> {
        match *event {
            RegistryEvent::HeartbeatArrived { lease, .. } => came_too_late(scene, node, lease),
            RegistryEvent::DeregistrationSent { lease, .. } => {
                let of_lease = scene.roster.of_lease(lease).filter(|known| known.gone.is_none());
                self.left.extend(of_lease.map(|known| (known.instance, known.epoch)));
                None
            }
            RegistryEvent::EndsWithheld { .. } => Some(Probe::EndsWithheld),
            RegistryEvent::SweptLate { .. } => Some(Probe::SweptLate),
            RegistryEvent::StatusChanged { status: Status::Suspect, .. } => Some(Probe::InstanceSuspected),
            RegistryEvent::StatusChanged { status: Status::Critical, .. } => {
                Some(Probe::InstanceTurnedCritical)
            }
            RegistryEvent::Registered { instance, .. } => {
                self.was_known(instance).then_some(Probe::ReRegistered)
            }
            RegistryEvent::RegistrationRecovered { .. } => {
                self.recovers_some = true;
                None
            }
            RegistryEvent::RevisionRecovered { .. } => {
                core::mem::take(&mut self.recovers_some).then_some(Probe::RegistryRestartedWithRegistrations)
            }
            _ => None,
        }
    }

    fn of_view(&mut self, scene: &Scene, node: NodeId, event: &DiscoveryEvent) -> Option<Probe> {
        match *event {
            DiscoveryEvent::ResyncStarted => {
                self.resyncing.insert(node);
                None
            }
            DiscoveryEvent::WatchLost => {
                self.unwatched.insert(node);
                None
            }
            DiscoveryEvent::ViewAdvanced { by: Advance::Poll, .. } => {
                self.unwatched.remove(&node).then_some(Probe::PolledWhileWatchWasDead)
            }
            DiscoveryEvent::ViewAdvanced { by, .. } => {
                self.unwatched.remove(&node);
                let resynced = by == Advance::Resync && self.resyncing.remove(&node);
                resynced.then_some(Probe::WatchGapResynced)
            }
            DiscoveryEvent::ViewLapsed => Some(Probe::ViewLapsed),
            DiscoveryEvent::LookupAnswered { answer: LookupAnswer::Stale, .. } => Some(Probe::ServedStale),
            DiscoveryEvent::CallFailed { .. } => Some(Probe::CallFailed),
            DiscoveryEvent::CallSent { instance, epoch, .. } => {
                let known = scene.roster.get(instance, epoch);
                let is_gone = known.is_none_or(|known| known.gone.is_some());
                let is_dead = is_gone && !self.left.contains(&(instance, epoch));
                is_dead.then_some(Probe::DeadInstanceCalled)
            }
            _ => None,
        }
    }

    fn was_known(&mut self, instance: InstanceId) -> bool {
        let place = instance.0 as usize;
        if place >= MOST {
            return false;
        }
        if self.known.len() <= place {
            self.known.resize(place + 1, false);
        }
        core::mem::replace(&mut self.known[place], true)
    }
}

fn came_too_late(scene: &Scene, registry: NodeId, lease: LeaseId) -> Option<Probe> {
    let is_dead = |node: NodeId| scene.processes.of(node) == Process::Down;
    let is_late = match scene.leases.standing(registry, lease) {
        Standing::Live(lease) => lease.holder.is_some_and(is_dead),
        Standing::Ended => true,
        Standing::Unknown => false,
    };
    is_late.then_some(Probe::HeartbeatArrivedAfterDeath)
}

fn kept_by_grace(scene: &Scene, registry: NodeId, lease: LeaseId) -> Option<Probe> {
    let lease = scene.leases.live(registry, lease)?;
    let term: Span = scene.bounds.clock_rate.longest_true(lease.ttl);
    (scene.now - lease.term_began > term).then_some(Probe::KeptByGrace)
}

fn expired_falsely(scene: &Scene, registry: NodeId, lease: LeaseId) -> Option<Probe> {
    let runs = |node: NodeId| scene.processes.of(node) == Process::Running;
    let holder = scene.leases.live(registry, lease)?.holder?;
    let lives =
        runs(holder) && scene.roster.of_lease(lease).all(|known| runs(known.node) && known.gone.is_none());
    lives.then_some(Probe::FalseExpiry)
}

#[cfg(test)]
mod tests {
    use leasehold_core::event::Health;

    use super::*;
    use crate::script::registry::*;
    use crate::script::*;

    fn reached(probe: Probe, events: &[Event]) -> u64 {
        judgement_with(&registry_header(&[]), events, s(900)).reached(probe)
    }

    const LEASE: [Event; 2] = [told(G, granted(1, A)), told(G, registered(1, 1))];

    /// At one second.
    const fn told(node: NodeId, event: NodeEvent) -> Event {
        Event { at: s(1), node: Some(node), local: 0, kind: leasehold_core::EventKind::Node(event) }
    }

    fn after(events: &[Event]) -> std::vec::Vec<Event> {
        [&LEASE[..], events].concat()
    }

    #[test]
    fn heartbeat_arrived_after_death() {
        let probe = Probe::HeartbeatArrivedAfterDeath;
        let arrived = at(s(9), G, heartbeat_arrived(1, 0));
        assert_eq!(reached(probe, &after(&[arrived])), 0);
        assert_eq!(reached(probe, &after(&[at(s(2), A, CRASHED), arrived])), 1);
        assert_eq!(reached(probe, &after(&[at(s(2), B, CRASHED), arrived])), 0);
        assert_eq!(reached(probe, &after(&[at(s(2), G, ended(1, EXPIRED)), arrived])), 1);
    }

    /// 15 s last 20 s at most.
    #[test]
    fn kept_by_grace() {
        let renewal = |when| reached(Probe::KeptByGrace, &after(&[at(when, G, renewed(1))]));
        assert_eq!((renewal(s(21)), renewal(just_after(s(21)))), (0, 1));
    }

    /// What it renews late or expires is no matter of memberships.
    #[test]
    fn a_grantor_is_no_registry() {
        let events = [at(s(1), G, granted(1, A)), at(s(40), G, renewed(1)), at(s(80), G, ended(1, EXPIRED))];
        let judgement = judgement_with(&header(&[]), &events, s(900));
        assert_eq!([Probe::KeptByGrace, Probe::FalseExpiry].map(|probe| judgement.reached(probe)), [0, 0]);
    }

    #[test]
    fn false_expiry() {
        let expiry = |events: &[Event], cause| {
            let events = after(&[events, &[at(s(30), G, ended(1, cause))]].concat());
            reached(Probe::FalseExpiry, &events)
        };
        assert_eq!(expiry(&[], EXPIRED), 1);
        assert_eq!(expiry(&[], REVOKED), 0);
        assert_eq!(expiry(&[at(s(2), A, deregistration_sent(1))], EXPIRED), 0, "it has left");
        for stop in [CRASHED, PAUSED] {
            assert_eq!(expiry(&[at(s(2), A, stop)], EXPIRED), 0);
        }
    }

    #[test]
    fn what_a_registry_says() {
        let withheld = NodeEvent::Registry(RegistryEvent::EndsWithheld { due: 3, live: 9 });
        let revoked = EndCause::Revoked { reason: Revocation::HealthCheck };
        for (probe, event) in [
            (Probe::EndsWithheld, withheld),
            (Probe::SweptLate, swept_late(1)),
            (Probe::InstanceSuspected, status(1, Status::Suspect, 2)),
            (Probe::InstanceTurnedCritical, status(1, Status::Critical, 2)),
            (Probe::InstanceRevokedByHealth, ended(1, revoked)),
            (Probe::ReRegistered, registered(2, 2)),
        ] {
            assert_eq!(reached(probe, &after(&[at(s(9), G, event)])), 1, "{probe:?}");
            assert_eq!(reached(probe, &after(&[])), 0);
            let others = [
                status(1, Status::Passing, 2),
                ended(1, REVOKED),
                registered_as(InstanceId(1), 2, 2),
                ready(Health::NotReady),
            ];
            for other in others {
                assert_eq!(reached(probe, &after(&[at(s(9), G, other)])), 0, "{probe:?}");
            }
        }
    }

    #[test]
    fn registry_restarted_with_registrations() {
        let probe = Probe::RegistryRestartedWithRegistrations;
        let restart = |events: &[NodeEvent]| {
            let events: std::vec::Vec<_> = events.iter().map(|event| at(s(9), G, *event)).collect();
            reached(probe, &after(&events))
        };
        let (one, done) = (found(1, Status::Passing), revision_found(1));
        assert_eq!(restart(&[one, one, done]), 1, "once a restart");
        assert_eq!(restart(&[done]), 0);
        assert_eq!(restart(&[one, done, done]), 1);
    }

    #[test]
    fn what_a_view_goes_through() {
        let view = |probe, events: &[(NodeId, NodeEvent)]| {
            let events: std::vec::Vec<_> =
                events.iter().map(|(node, event)| at(s(9), *node, *event)).collect();
            reached(probe, &after(&events))
        };
        let said = NodeEvent::Discovery;
        let (gap, dead) = (said(DiscoveryEvent::ResyncStarted), said(DiscoveryEvent::WatchLost));
        let by = |by| advanced_by(by, 1, 1, 0);
        let resynced = Probe::WatchGapResynced;
        assert_eq!(view(resynced, &[(C, gap), (C, by(Advance::Resync))]), 1);
        assert_eq!(view(resynced, &[(C, gap), (C, by(Advance::Watch)), (C, by(Advance::Resync))]), 1);
        assert_eq!(view(resynced, &[(C, gap), (S, by(Advance::Resync))]), 0, "another view");
        assert_eq!(view(resynced, &[(C, by(Advance::Resync))]), 0, "in the beginning");
        let polled = Probe::PolledWhileWatchWasDead;
        assert_eq!(view(polled, &[(C, dead), (C, by(Advance::Poll)), (C, by(Advance::Poll))]), 1);
        assert_eq!(view(polled, &[(C, dead), (C, by(Advance::Resync)), (C, by(Advance::Poll))]), 0);
        assert_eq!(view(polled, &[(C, by(Advance::Poll))]), 0);
        assert_eq!(view(Probe::ViewLapsed, &[(C, said(DiscoveryEvent::ViewLapsed))]), 1);
        let (instance, number) = (InstanceId(1), 7);
        let failed = said(DiscoveryEvent::CallFailed { instance, number });
        let answered = said(DiscoveryEvent::CallAnswered { instance, number });
        assert_eq!(view(Probe::CallFailed, &[(C, failed), (C, answered)]), 1);
        let stale = looked_up(LookupAnswer::Stale);
        assert_eq!(view(Probe::ServedStale, &[(C, stale), (C, FRESH)]), 1);
    }

    #[test]
    fn dead_instance_called() {
        let call = |events: &[Event], epoch| {
            let events = after(&[events, &[at(s(9), C, called(epoch))]].concat());
            reached(Probe::DeadInstanceCalled, &events)
        };
        assert_eq!(call(&[], 1), 0);
        assert_eq!(call(&[at(s(2), A, CRASHED)], 1), 1);
        assert_eq!(call(&[at(s(2), A, deregistration_sent(1))], 1), 0, "it drains");
        assert_eq!(call(&[at(s(2), G, deregistered(1, 2, EXPIRED))], 1), 1);
        assert_eq!(call(&[], 2), 1, "no such registration");
    }

    /// The cache of the script lasts 10 s, and the link is disturbed.
    #[test]
    fn cache_served_near_its_bound() {
        let near = |last| {
            let events = after(&[
                at(s(1), C, listed(1)),
                at(s(20), C, delaying()),
                at(s(20), G, deregistered(1, 2, REVOKED)),
                at(last, C, FRESH),
                at(s(60), C, dropped(1)),
            ]);
            let header = registry_header(&[crate::invariant::Invariant::BoundedStaleness]);
            judgement_with(&header, &events, s(900)).reached(Probe::CacheServedNearItsBound)
        };
        assert_eq!((near(just_before(s(29))), near(s(29)), near(s(30))), (0, 1, 1));
        assert_eq!(near(s(31)), 0, "that is no near miss");
    }
}
