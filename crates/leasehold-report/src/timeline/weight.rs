//! How much an event matters to a picture.

use leasehold_core::event::{DiscoveryEvent, LookupAnswer, NodeEvent, RegistryEvent, WorldEvent};
use leasehold_core::{Event, EventKind};

/// What is kept first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// It changes who holds, who claims, who runs, or what is true; or it should not have happened.
    Turn,
    /// Something of what leases are there for, or a message that was lost or late.
    Work,
    /// What goes on all the time.
    Routine,
}

/// How much an event matters.
pub(super) const fn of(event: &Event) -> Weight {
    match &event.kind {
        EventKind::Node(said) => of_report(said),
        EventKind::World(seen) => of_world(seen),
    }
}

const fn of_report(said: &NodeEvent) -> Weight {
    match said {
        NodeEvent::Granted { .. }
        | NodeEvent::Ended { .. }
        | NodeEvent::Recovered { .. }
        | NodeEvent::ClaimStarted(_)
        | NodeEvent::ClaimEnded { .. }
        | NodeEvent::Withdrew { .. }
        | NodeEvent::BarrierRaised { .. }
        | NodeEvent::AccessRefused { .. } => Weight::Turn,
        NodeEvent::Queued { .. }
        | NodeEvent::EffectAccepted { .. }
        | NodeEvent::TaskApplied { .. }
        | NodeEvent::DuplicateRecognised { .. } => Weight::Work,
        NodeEvent::Renewed { .. }
        | NodeEvent::RenewalAcknowledged { .. }
        | NodeEvent::RenewalTaken { .. }
        | NodeEvent::ReleaseTaken { .. }
        | NodeEvent::EndOrdered { .. }
        | NodeEvent::KeyAttached { .. }
        | NodeEvent::KeyEnded { .. }
        | NodeEvent::TableHolds { .. }
        | NodeEvent::Asked { .. }
        | NodeEvent::Told { .. }
        | NodeEvent::ClaimRenewed(_)
        | NodeEvent::ReadServed { .. }
        | NodeEvent::EffectIssued { .. }
        | NodeEvent::Probed(_) => Weight::Routine,
        NodeEvent::Registry(said) => of_registry(said),
        NodeEvent::Discovery(said) => of_discovery(said),
    }
}

const fn of_registry(said: &RegistryEvent) -> Weight {
    match said {
        RegistryEvent::Registered { .. }
        | RegistryEvent::StatusChanged { .. }
        | RegistryEvent::Deregistered { .. }
        | RegistryEvent::RegistrationRecovered { .. }
        | RegistryEvent::RevisionRecovered { .. }
        | RegistryEvent::SweptLate { .. }
        | RegistryEvent::EndsWithheld { .. }
        | RegistryEvent::EndsAdmitted
        | RegistryEvent::DeregistrationSent { .. }
        | RegistryEvent::WorkStopped { .. }
        | RegistryEvent::WorkWentOn { .. }
        | RegistryEvent::ReadinessChanged { .. } => Weight::Turn,
        RegistryEvent::MessageDropped { .. } | RegistryEvent::Compacted { .. } => Weight::Work,
        RegistryEvent::TableLists { .. }
        | RegistryEvent::HeartbeatArrived { .. }
        | RegistryEvent::RegistrationArrived { .. }
        | RegistryEvent::HeartbeatSent { .. } => Weight::Routine,
    }
}

const fn of_discovery(said: &DiscoveryEvent) -> Weight {
    match said {
        DiscoveryEvent::ResyncStarted
        | DiscoveryEvent::WatchLost
        | DiscoveryEvent::ViewLapsed
        | DiscoveryEvent::CacheFroze
        | DiscoveryEvent::CacheThawed
        | DiscoveryEvent::ViewDropped { .. }
        | DiscoveryEvent::CallFailed { .. } => Weight::Turn,
        DiscoveryEvent::ViewListed { .. }
        | DiscoveryEvent::LookupAnswered { answer: LookupAnswer::Stale | LookupAnswer::Refused, .. } => {
            Weight::Work
        }
        DiscoveryEvent::ViewAdvanced { .. }
        | DiscoveryEvent::LookupAnswered { .. }
        | DiscoveryEvent::CallSent { .. }
        | DiscoveryEvent::CallAnswered { .. } => Weight::Routine,
    }
}

const fn of_world(seen: &WorldEvent) -> Weight {
    match seen {
        // The message itself is shown.
        WorldEvent::MessageLost { .. } => Weight::Routine,
        _ => Weight::Turn,
    }
}
