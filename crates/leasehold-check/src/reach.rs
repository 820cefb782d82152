//! Reach: did the run touch what matters?
//!
//! Source: docs/timing.md, section 5. Some places are derived here from events, so that they count for every system;
//! the others only the protocol itself can see, and it reports them. What it reports is added to what is
//! derived.

mod registry;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use leasehold_core::event::{Access, EndCause, Probe, Refusal};
use leasehold_core::{EventKind, LeaseId, Leg, NodeEvent, NodeId, Purpose, ResourceId, Span, WorldEvent};

use crate::hazard::{Hazard, Hazards};
use crate::leases::Lease;
use crate::processes::Process;
use crate::scene::Scene;

use registry::Places;

/// Counts how often a run passed each probe.
#[derive(Debug)]
pub(crate) struct Reach {
    counts: [u64; Probe::ALL.len()],
    /// Why the last lease of each resource ended that nothing was granted after.
    ends: BTreeMap<ResourceId, EndCause>,
    /// The latest lease of each resource that has keys attached and has not ended.
    with_keys: BTreeMap<(NodeId, ResourceId), LeaseId>,
    registries: Places,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            counts: [0; Probe::ALL.len()],
            ends: BTreeMap::new(),
            with_keys: BTreeMap::new(),
            registries: Places::default(),
        }
    }
}

impl Reach {
    pub(crate) fn hear(&mut self, scene: &Scene, node: Option<NodeId>, kind: &EventKind) {
        let Some(node) = node else { return };
        match kind {
            EventKind::Node(event) => {
                self.hear_node(scene, node, event);
                if let Some(probe) = self.registries.of(scene, node, event) {
                    self.pass(probe);
                }
            }
            EventKind::World(WorldEvent::MessageLost {
                to,
                purpose: Purpose::Renew,
                leg: Leg::Reply,
                cause: _,
            }) if scene.grantors.contains(&node) && scene.claims.claims_anything(*to) => {
                self.pass(Probe::RenewalAppliedButResponseLost);
            }
            EventKind::World(WorldEvent::WallStepped { .. }) if Self::is_concerned(scene, node) => {
                self.pass(Probe::WallSteppedWhileHeld);
            }
            EventKind::World(_) => {}
        }
    }

    /// Whether the node granted or holds a live lease.
    fn is_concerned(scene: &Scene, node: NodeId) -> bool {
        scene.leases.all_live().any(|lease| lease.grantor == node || lease.holder == Some(node))
    }

    /// All probes with their counts. Hazards that are probes as well are counted once, by their watch; and what came
    /// near a bound on staleness, by who measured it.
    pub(crate) fn counts(&self, hazards: &Hazards, near_the_bound: u64) -> Vec<(Probe, u64)> {
        let count = |probe: Probe| {
            let derived = match probe {
                Probe::ClaimsOverlapped => hazards.count(Hazard::ClaimsOverlapped),
                Probe::CacheServedNearItsBound => near_the_bound,
                Probe::UnfencedWindow => hazards.count(Hazard::UnfencedWindow),
                _ => 0,
            };
            (probe, derived + self.counts[index(probe)])
        };
        Probe::ALL.into_iter().map(count).collect()
    }

    fn hear_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent) {
        match *event {
            NodeEvent::Probed(probe) => self.pass(probe),
            NodeEvent::Granted { resource, holder, .. } => {
                if scene.leases.latest(resource).is_some_and(|last| last.holder == Some(holder)) {
                    self.pass(Probe::RegrantedToSameOwner);
                }
                match self.ends.remove(&resource) {
                    Some(EndCause::Expired) => self.pass(Probe::TakenOver),
                    Some(EndCause::Released { .. }) => self.pass(Probe::HandedOver),
                    Some(EndCause::Revoked { .. }) | None => {}
                }
                if matches!(scene.processes.of(holder), Process::Down | Process::Stopped) {
                    self.pass(Probe::GrantedToTheDead);
                }
            }
            NodeEvent::KeyAttached { resource, lease, .. } => {
                self.with_keys.insert((node, resource), lease);
            }
            NodeEvent::Ended { resource, lease, cause, .. } => {
                self.ends.insert(resource, cause);
                self.keys_ended(node, resource, lease);
                if matches!(cause, EndCause::Revoked { .. }) {
                    self.pass(Probe::Revoked);
                }
                if cause == EndCause::Expired
                    && let Some(lease) = scene.leases.live(node, lease)
                {
                    self.expired(scene, lease);
                }
            }
            NodeEvent::Recovered { ended: None, .. } => self.pass(Probe::GrantorRestartedWithLiveLease),
            NodeEvent::Recovered { resource, lease, ended: Some(_), .. } => {
                self.keys_ended(node, resource, lease);
            }
            NodeEvent::DuplicateRecognised { .. } => self.pass(Probe::DuplicateRecognised),
            NodeEvent::EffectIssued { resource, token, .. }
                if scene.leases.newest_token(resource).is_some_and(|newest| token < newest) =>
            {
                self.pass(Probe::StaleWriteAttempted);
            }
            NodeEvent::AccessRefused { access: Access::Write, refusal: Refusal::Stale { .. }, .. } => {
                self.pass(Probe::StaleWriteRejected);
            }
            // Such a fence does not know which of two tokens is older; the grants do.
            NodeEvent::AccessRefused {
                resource,
                access: Access::Write,
                refusal: Refusal::NotCurrent { .. },
                token,
                ..
            } if scene.leases.newest_token(resource).is_some_and(|newest| token < newest) => {
                self.pass(Probe::StaleWriteRejected);
            }
            _ => {}
        }
    }

    fn keys_ended(&mut self, grantor: NodeId, resource: ResourceId, lease: LeaseId) {
        if self.with_keys.get(&(grantor, resource)) == Some(&lease) {
            self.with_keys.remove(&(grantor, resource));
            self.pass(Probe::KeysEnded);
        }
    }

    fn expired(&mut self, scene: &Scene, lease: &Lease) {
        if lease.holder.is_some_and(|holder| scene.processes.of(holder) == Process::Stopped) {
            self.pass(Probe::ExpiredWhilePaused);
        }
        // An end that comes late by no more than the slack may be due to the sweep alone, so it says nothing of
        // the clock. One that comes early, or later than that, can only come from the clock.
        let early = lease.ttl.saturating_sub(scene.now - lease.decided_since);
        let late =
            (scene.now - lease.term_began).saturating_sub(lease.ttl.saturating_add(scene.bounds.end_slack));
        let allowed_early = lease.ttl.saturating_sub(scene.bounds.earliest_end(lease.ttl));
        let allowed_late = scene.bounds.clock_rate.longest_true(lease.ttl).saturating_sub(lease.ttl);
        if exceeds_half(early, allowed_early) || exceeds_half(late, allowed_late) {
            self.pass(Probe::ClockUsedOverHalfTheMargin);
        }
    }

    fn pass(&mut self, probe: Probe) {
        self.counts[index(probe)] += 1;
    }
}

fn exceeds_half(part: Span, whole: Span) -> bool {
    part > whole.saturating_sub(part)
}

const fn index(probe: Probe) -> usize {
    match probe {
        Probe::ExpiredWhilePaused => 0,
        Probe::RenewalInFlightAtExpiry => 1,
        Probe::RenewalAppliedButResponseLost => 2,
        Probe::StaleWriteAttempted => 3,
        Probe::StaleWriteRejected => 4,
        Probe::UnfencedWindow => 5,
        Probe::ClaimsOverlapped => 6,
        Probe::RegrantedToSameOwner => 7,
        Probe::GrantorRestartedWithLiveLease => 8,
        Probe::ClockUsedOverHalfTheMargin => 9,
        Probe::ReleaseRacedExpiry => 10,
        Probe::ClaimLapsedAwaitingRenewal => 11,
        Probe::TakenOver => 12,
        Probe::HandedOver => 13,
        Probe::SweepRateLimited => 14,
        Probe::AcquiredDuringLockDelay => 15,
        Probe::RenewalOutOfOrder => 16,
        Probe::WallSteppedWhileHeld => 17,
        Probe::Revoked => 18,
        Probe::KeysEnded => 19,
        Probe::TaskDeliveredAgain => 20,
        Probe::DuplicateRecognised => 21,
        Probe::GrantedToTheDead => 22,
        Probe::RecoveredFromJeopardy => 23,
        Probe::EndGivenUp => 24,
        Probe::HeartbeatArrivedAfterDeath => 25,
        Probe::KeptByGrace => 26,
        Probe::FalseExpiry => 27,
        Probe::EndsWithheld => 28,
        Probe::SweptLate => 29,
        Probe::InboxOverflowed => 30,
        Probe::ReadmissionPutOff => 31,
        Probe::InstanceSuspected => 32,
        Probe::InstanceTurnedCritical => 33,
        Probe::InstanceRevokedByHealth => 34,
        Probe::ReRegistered => 35,
        Probe::RegistryRestartedWithRegistrations => 36,
        Probe::WatchGapResynced => 37,
        Probe::WatcherOverflowed => 38,
        Probe::PolledWhileWatchWasDead => 39,
        Probe::ViewLapsed => 40,
        Probe::ServedStale => 41,
        Probe::CacheServedNearItsBound => 42,
        Probe::DeadInstanceCalled => 43,
        Probe::CallFailed => 44,
        Probe::ReadFromCopy => 45,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::*;

    fn reached(probe: Probe, events: &[Event]) -> u64 {
        judgement(&[], events, s(100)).reached(probe)
    }

    #[test]
    fn every_probe_is_reported_in_order() {
        let reach = judgement(&[], &[], s(1)).reach;
        assert_eq!(reach, Probe::ALL.map(|probe| (probe, 0)));
        for (place, probe) in Probe::ALL.into_iter().enumerate() {
            assert_eq!(index(probe), place);
        }
    }

    #[test]
    fn what_a_protocol_reports_is_counted() {
        for probe in Probe::ALL {
            let event = at(s(1), G, NodeEvent::Probed(probe));
            assert_eq!(reached(probe, &[event, event]), 2);
        }
    }

    #[test]
    fn expired_while_paused() {
        let expiry = |holder, stop, cause| {
            let events = [at(s(1), G, granted(1, A)), at(s(2), holder, stop), at(s(16), G, ended(1, cause))];
            reached(Probe::ExpiredWhilePaused, &events)
        };
        assert_eq!(expiry(A, PAUSED, EXPIRED), 1);
        assert_eq!(expiry(A, SUSPENDED, EXPIRED), 1);
        assert_eq!(expiry(A, CRASHED, EXPIRED), 0);
        assert_eq!(expiry(B, PAUSED, EXPIRED), 0, "not its holder");
        assert_eq!(expiry(A, PAUSED, REVOKED), 0);
        let resumed = [
            at(s(1), G, granted(1, A)),
            at(s(2), A, PAUSED),
            at(s(3), A, RESUMED),
            at(s(16), G, ended(1, EXPIRED)),
        ];
        assert_eq!(reached(Probe::ExpiredWhilePaused, &resumed), 0);
    }

    #[test]
    fn renewal_applied_but_response_lost() {
        let lost = |from, to, purpose, leg| {
            let lost = WorldEvent::MessageLost { to, purpose, leg, cause: LossCause::Noise };
            reached(
                Probe::RenewalAppliedButResponseLost,
                &[at(s(1), A, claim_started(1)), at(s(2), from, lost)],
            )
        };
        assert_eq!(lost(G, A, Purpose::Renew, Leg::Reply), 1);
        assert_eq!(lost(G, A, Purpose::Renew, Leg::Request), 0);
        assert_eq!(lost(G, A, Purpose::Acquire, Leg::Reply), 0);
        assert_eq!(lost(G, B, Purpose::Renew, Leg::Reply), 0, "it holds nothing");
        assert_eq!(lost(S, A, Purpose::Renew, Leg::Reply), 0, "not from a grantor");
    }

    #[test]
    fn stale_writes() {
        let grants = [at(s(1), G, granted(1, A)), at(s(20), G, granted(2, B))];
        let attempt = |token| {
            let events = [grants[0], grants[1], at(s(21), A, issued(token))];
            reached(Probe::StaleWriteAttempted, &events)
        };
        assert_eq!(attempt(1), 1);
        assert_eq!(attempt(2), 0);
        for end in [None, Some(EXPIRED)] {
            let events = [grants[0], at(s(20), G, recovered(2, B, end)), at(s(21), A, issued(1))];
            assert_eq!(reached(Probe::StaleWriteAttempted, &events), 1, "a grant known from the disk");
        }
        let rejected = |access| reached(Probe::StaleWriteRejected, &[at(s(1), S, refused(A, access, 1, 2))]);
        assert_eq!(rejected(Access::Write), 1);
        let not_current = |token| {
            let refusal = Refusal::NotCurrent { current: Token(2) };
            let (resource, token) = (R, Token(token));
            let refused = NodeEvent::AccessRefused { resource, by: A, access: Access::Write, token, refusal };
            reached(Probe::StaleWriteRejected, &[grants[0], grants[1], at(s(21), S, refused)])
        };
        assert_eq!((not_current(1), not_current(2)), (1, 0));
        assert_eq!(rejected(Access::Read), 0);
    }

    #[test]
    fn hazards_that_are_probes() {
        let overlap = [at(s(1), A, claim_started(1)), at(s(2), B, claim_started(2))];
        assert_eq!(reached(Probe::ClaimsOverlapped, &overlap), 1);
        assert_eq!(reached(Probe::ClaimsOverlapped, &overlap[..1]), 0);
        let window = [at(s(1), G, granted(2, B)), at(s(2), S, accepted(A, 1))];
        assert_eq!(reached(Probe::UnfencedWindow, &window), 1);
        assert_eq!(reached(Probe::UnfencedWindow, &window[1..]), 0);
    }

    #[test]
    fn re_granted_to_the_same_owner() {
        let grants = |holders: &[NodeId]| {
            let events: Vec<_> =
                (1..).zip(holders).map(|(lease, holder)| at(s(lease), G, granted(lease, *holder))).collect();
            reached(Probe::RegrantedToSameOwner, &events)
        };
        assert_eq!(grants(&[A, A]), 1);
        assert_eq!(grants(&[A, B, A]), 0);
    }

    #[test]
    fn grantor_restarted_with_a_live_lease() {
        let recovery =
            |end| reached(Probe::GrantorRestartedWithLiveLease, &[at(s(1), G, recovered(1, A, end))]);
        assert_eq!(recovery(None), 1);
        assert_eq!(recovery(Some(EXPIRED)), 0);
    }

    /// 15 s may last from 12 s to 20 s, and 1 s more for the slack.
    #[test]
    fn clock_used_over_half_the_margin() {
        let expiry = |nanos| {
            let when = SimInstant::from_nanos(nanos);
            let events = [at(s(0), G, granted(1, A)), at(when, G, ended(1, EXPIRED))];
            reached(Probe::ClockUsedOverHalfTheMargin, &events)
        };
        assert_eq!(expiry(13_500_000_000), 0);
        assert_eq!(expiry(13_499_999_999), 1);
        assert_eq!(expiry(18_500_000_000), 0);
        assert_eq!(expiry(18_500_000_001), 1);
    }

    #[test]
    fn taken_over_and_handed_over() {
        let next = |cause| {
            let events = [
                at(s(1), G, granted(1, A)),
                at(s(12), G, ended(1, cause)),
                at(s(12), G, granted(2, B)),
                at(s(13), G, granted(3, B)),
            ];
            (reached(Probe::TakenOver, &events), reached(Probe::HandedOver, &events))
        };
        assert_eq!(next(EndCause::Expired), (1, 0));
        assert_eq!(next(EndCause::Released { by: A }), (0, 1));
        assert_eq!(next(REVOKED), (0, 0));
    }

    #[test]
    fn revoked() {
        let end =
            |cause| reached(Probe::Revoked, &[at(s(1), G, granted(1, A)), at(s(2), G, ended(1, cause))]);
        assert_eq!((end(REVOKED), end(EXPIRED), end(released_by(A))), (1, 0, 0));
    }

    #[test]
    fn keys_ended() {
        let end = |lease, end: NodeEvent| {
            let events = [
                at(s(1), G, granted(1, A)),
                at(s(1), G, key_attached(lease, 0, 5)),
                at(s(1), G, key_attached(lease, 1, 5)),
                at(s(20), G, end),
                at(s(21), G, end),
            ];
            reached(Probe::KeysEnded, &events)
        };
        assert_eq!(end(1, ended(1, EXPIRED)), 1, "once a lease");
        assert_eq!(end(1, recovered(1, A, Some(EXPIRED))), 1);
        assert_eq!(end(1, recovered(1, A, None)), 0);
        assert_eq!(end(2, ended(1, EXPIRED)), 0, "it had none");
        let vanished_first = [
            at(s(1), G, key_attached(1, 0, 5)),
            at(s(9), G, key_ended(1, 0, 6)),
            at(s(9), G, ended(1, EXPIRED)),
        ];
        assert_eq!(reached(Probe::KeysEnded, &vanished_first), 1);
    }

    #[test]
    fn duplicate_recognised() {
        let known = NodeEvent::DuplicateRecognised { resource: R, writer: A, op: leasehold_core::OpId(1) };
        assert_eq!(reached(Probe::DuplicateRecognised, &[at(s(1), S, known)]), 1);
        assert_eq!(reached(Probe::DuplicateRecognised, &[at(s(1), S, accepted(A, 1))]), 0);
    }

    #[test]
    fn granted_to_the_dead() {
        let grant = |events: &[Event]| {
            reached(Probe::GrantedToTheDead, &[events, &[at(s(9), G, granted(1, A))]].concat())
        };
        for stop in [CRASHED, PAUSED, SUSPENDED] {
            assert_eq!(grant(&[at(s(1), A, stop)]), 1, "{stop:?}");
            assert_eq!(grant(&[at(s(1), B, stop)]), 0, "somebody else");
        }
        assert_eq!(grant(&[at(s(1), A, CRASHED), at(s(2), A, RESTARTED)]), 0);
        assert_eq!(grant(&[at(s(1), A, PAUSED), at(s(2), A, RESUMED)]), 0);
        assert_eq!(grant(&[]), 0);
    }

    #[test]
    fn wall_stepped_while_held() {
        let step = |node, end: Option<EndCause>| {
            let mut events = std::vec![at(s(1), G, granted(1, A))];
            events.extend(end.map(|cause| at(s(2), G, ended(1, cause))));
            events.push(at(s(3), node, WorldEvent::WallStepped { by: -5 }));
            reached(Probe::WallSteppedWhileHeld, &events)
        };
        assert_eq!((step(G, None), step(A, None)), (1, 1));
        assert_eq!((step(B, None), step(S, None)), (0, 0), "they have no part in it");
        assert_eq!((step(G, Some(EXPIRED)), step(A, Some(EXPIRED))), (0, 0), "it does not live any more");
    }
}
