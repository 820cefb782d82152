//! What a checker is, and which events it wants to hear.

use core::fmt::Debug;

use leasehold_core::{EventKind, NodeEvent, NodeId, WorldEvent};

use crate::book::Book;
use crate::scene::Scene;

/// Judges one invariant.
///
/// The scene shows assumptions, claims and processes as they stand after the event, and leases as they stood
/// before it.
pub(crate) trait Checker: Debug + Send {
    /// What it has to hear of; it is told nothing else.
    fn topics(&self) -> Topics;

    /// A node reported something.
    fn on_node(&mut self, _scene: &Scene, _node: NodeId, _event: &NodeEvent, _book: &mut Book) {}

    /// The engine did or saw something.
    fn on_world(&mut self, _scene: &Scene, _node: Option<NodeId>, _event: &WorldEvent, _book: &mut Book) {}

    /// The instant is over that it had itself reminded of ([`Book::remind`]), or a later one. The scene shows everything
    /// as it stood at the end of that instant.
    fn on_time(&mut self, _scene: &Scene, _book: &mut Book) {}

    /// The run is over.
    fn finish(&mut self, _scene: &Scene, _book: &mut Book) {}
}

/// A set of subjects of events. Most events are of no interest to most checkers, and this sorts them out before
/// any of them is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topics(u16);

impl Topics {
    /// Of interest to no checker.
    pub(crate) const NONE: Self = Self(0);
    /// Grants, renewals, ends, recoveries, keys, and what a grantor's table holds.
    pub(crate) const LEASES: Self = Self(1);
    /// Claims and their ends, except by a crash.
    pub(crate) const CLAIMS: Self = Self(1 << 1);
    /// What a resource served, accepted and refused.
    pub(crate) const ACCESSES: Self = Self(1 << 2);
    /// Starts, stops and deaths of processes.
    pub(crate) const PROCESSES: Self = Self(1 << 3);
    /// Phases, and contenders that leave.
    pub(crate) const PHASES: Self = Self(1 << 4);
    /// Effects that leave a holder.
    pub(crate) const EFFECTS: Self = Self(1 << 5);
    /// Assumptions that break and are restored.
    pub(crate) const ASSUMPTIONS: Self = Self(1 << 6);
    /// Registrations, heartbeats, and what concerns them.
    pub(crate) const REGISTRY: Self = Self(1 << 7);
    /// Views, lookups and calls.
    pub(crate) const VIEWS: Self = Self(1 << 8);
    /// Messages that were lost.
    pub(crate) const LOSSES: Self = Self(1 << 9);
    /// What contenders ask a grantor, and are told.
    pub(crate) const OPERATIONS: Self = Self(1 << 10);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What an event is about.
    pub(crate) const fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::Node(event) => match event {
                NodeEvent::Granted { .. }
                | NodeEvent::Renewed { .. }
                | NodeEvent::RenewalAcknowledged { .. }
                | NodeEvent::RenewalTaken { .. }
                | NodeEvent::ReleaseTaken { .. }
                | NodeEvent::EndOrdered { .. }
                | NodeEvent::Ended { .. }
                | NodeEvent::KeyAttached { .. }
                | NodeEvent::KeyEnded { .. }
                | NodeEvent::Recovered { .. }
                | NodeEvent::TableHolds { .. } => Self::LEASES,
                NodeEvent::ClaimStarted(_) | NodeEvent::ClaimRenewed(_) | NodeEvent::ClaimEnded { .. } => {
                    Self::CLAIMS
                }
                NodeEvent::Asked { .. } | NodeEvent::Told { .. } => Self::OPERATIONS,
                NodeEvent::ReadServed { .. }
                | NodeEvent::EffectAccepted { .. }
                | NodeEvent::BarrierRaised { .. }
                | NodeEvent::TaskApplied { .. }
                | NodeEvent::AccessRefused { .. } => Self::ACCESSES,
                NodeEvent::Withdrew { .. } => Self::PHASES,
                NodeEvent::EffectIssued { .. } => Self::EFFECTS,
                NodeEvent::Registry(_) => Self::REGISTRY,
                NodeEvent::Discovery(_) => Self::VIEWS,
                NodeEvent::Queued { .. } | NodeEvent::DuplicateRecognised { .. } | NodeEvent::Probed(_) => {
                    Self::NONE
                }
            },
            EventKind::World(event) => match event {
                WorldEvent::Started
                | WorldEvent::Crashed
                | WorldEvent::Restarted { .. }
                | WorldEvent::Paused
                | WorldEvent::Suspended
                | WorldEvent::Resumed
                | WorldEvent::Throttled
                | WorldEvent::Unthrottled
                | WorldEvent::Panicked => Self::PROCESSES,
                WorldEvent::ClaimLapsed { .. } | WorldEvent::ClaimResumed { .. } => Self::CLAIMS,
                WorldEvent::PhaseEntered { .. } => Self::PHASES,
                WorldEvent::AssumptionBroken { .. } | WorldEvent::AssumptionRestored { .. } => {
                    Self::ASSUMPTIONS
                }
                WorldEvent::MessageLost { .. } => Self::LOSSES,
                WorldEvent::ClockRateChanged { .. }
                | WorldEvent::WallStepped { .. }
                | WorldEvent::ClocksFroze
                | WorldEvent::ClocksThawed
                | WorldEvent::DiskStalled
                | WorldEvent::DiskFlows
                | WorldEvent::DiskWiped
                | WorldEvent::CommandGiven { .. }
                | WorldEvent::FaultFired { .. }
                | WorldEvent::FaultLanded { .. }
                | WorldEvent::FaultHealed { .. } => Self::NONE,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_twice_is_asked_for() {
        let both = Topics::LEASES.and(Topics::CLAIMS).and(Topics::LEASES);
        assert!(both.meets(Topics::LEASES) && both.meets(Topics::CLAIMS) && !both.meets(Topics::ACCESSES));
    }
}
