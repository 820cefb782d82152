//! One tenure: a lease with the claims under it, as grantor and holder know it.

use std::collections::BTreeMap;

use leasehold_core::event::{Claim, NodeEvent, WorldEvent};
use leasehold_core::{
    Event, EventKind, LeaseId, NodeId, Reading, ResourceId, SimInstant, Span, Token, Version,
};

/// Which tenure: the n-th that was granted of a resource under a token. Tokens may be given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TenureId {
    /// The resource.
    pub resource: ResourceId,
    /// The token.
    pub token: Token,
    /// How often the token was granted before.
    pub nth: u32,
}

/// What went on as a matter of course while a lease lasted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routine {
    /// How often its grantor began a new term, and when and for how long it did so last.
    pub renewed: (u64, Option<(SimInstant, Span)>),
    /// How often its holder heard of that, when last, and until when it claims since, on its own clock.
    pub heard: (u64, Option<(SimInstant, NodeId, Reading)>),
    /// How many writes were accepted under it, and when and as which version the last.
    pub wrote: (u64, Option<(SimInstant, NodeId, Version)>),
}

/// Which events belong to which tenure.
#[derive(Debug, Default)]
pub(super) struct Tenures {
    latest: BTreeMap<(ResourceId, Token), u32>,
    by_lease: BTreeMap<(ResourceId, LeaseId), TenureId>,
}

impl Tenures {
    /// The tenure that an event is about, and that the event may begin.
    pub(super) fn of(&mut self, event: &Event) -> Option<TenureId> {
        let EventKind::Node(said) = event.kind else { return self.of_world(event) };
        match said {
            NodeEvent::Granted { resource, lease, token, .. } => Some(self.begin(resource, lease, token)),
            NodeEvent::Recovered { resource, lease, token, .. } => {
                let known =
                    self.by_lease.get(&(resource, lease)).filter(|known| known.token == token).copied();
                Some(known.unwrap_or_else(|| self.begin(resource, lease, token)))
            }
            NodeEvent::Renewed { resource, lease, .. }
            | NodeEvent::RenewalAcknowledged { resource, lease }
            | NodeEvent::RenewalTaken { resource, lease, .. }
            | NodeEvent::ReleaseTaken { resource, lease, .. }
            | NodeEvent::EndOrdered { resource, lease, .. }
            | NodeEvent::Ended { resource, lease, .. }
            | NodeEvent::KeyAttached { resource, lease, .. }
            | NodeEvent::KeyEnded { resource, lease, .. } => self.by_lease.get(&(resource, lease)).copied(),
            NodeEvent::ClaimStarted(Claim { resource, token, .. })
            | NodeEvent::ClaimRenewed(Claim { resource, token, .. })
            | NodeEvent::ClaimEnded { resource, token, .. }
            | NodeEvent::ReadServed { resource, token, .. }
            | NodeEvent::EffectIssued { resource, token, .. }
            | NodeEvent::EffectAccepted { resource, token, .. }
            | NodeEvent::BarrierRaised { resource, token, .. }
            | NodeEvent::TaskApplied { resource, token, .. }
            | NodeEvent::AccessRefused { resource, token, .. } => Some(self.under(resource, token)),
            NodeEvent::TableHolds { .. }
            | NodeEvent::Asked { .. }
            | NodeEvent::Told { .. }
            | NodeEvent::Queued { .. }
            | NodeEvent::Withdrew { .. }
            | NodeEvent::DuplicateRecognised { .. }
            | NodeEvent::Registry(_)
            | NodeEvent::Discovery(_)
            | NodeEvent::Probed(_) => None,
        }
    }

    fn of_world(&self, event: &Event) -> Option<TenureId> {
        match event.kind {
            EventKind::World(
                WorldEvent::ClaimLapsed { resource, token, .. }
                | WorldEvent::ClaimResumed { resource, token, .. },
            ) => Some(self.under(resource, token)),
            _ => None,
        }
    }

    /// The lease of a tenure, if its grantor named one.
    pub(super) fn lease(&self, tenure: TenureId) -> Option<LeaseId> {
        let found = self.by_lease.iter().find(|(_, known)| **known == tenure);
        found.map(|((_, lease), _)| *lease)
    }

    /// The tenure of a lease.
    pub(super) fn of_lease(&self, resource: Option<ResourceId>, lease: LeaseId) -> Option<TenureId> {
        let fits = |known: ResourceId| resource.is_none_or(|resource| resource == known);
        self.by_lease.iter().find(|((known, id), _)| *id == lease && fits(*known)).map(|(_, tenure)| *tenure)
    }

    fn begin(&mut self, resource: ResourceId, lease: LeaseId, token: Token) -> TenureId {
        let nth = self.latest.entry((resource, token)).and_modify(|nth| *nth += 1).or_insert(0);
        let tenure = TenureId { resource, token, nth: *nth };
        self.by_lease.insert((resource, lease), tenure);
        tenure
    }

    fn under(&self, resource: ResourceId, token: Token) -> TenureId {
        let nth = self.latest.get(&(resource, token)).copied().unwrap_or_default();
        TenureId { resource, token, nth }
    }
}
