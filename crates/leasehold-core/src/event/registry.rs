//! What registries and instances report.

use serde::{Deserialize, Serialize};

use crate::event::EndCause;
use crate::id::{Capabilities, Epoch, InstanceId, LeaseId, NodeId, ResourceId, Revision, ServiceId};
use crate::node::Purpose;
use crate::time::Span;

/// What a registry, or who is registered there, reports of itself.
///
/// A lease on a membership is told of as any lease is ([`NodeEvent::Granted`](super::NodeEvent::Granted) and so on):
/// its resource is the *member*, its holder the node that sends the heartbeats, and its token the epoch. What stands
/// here is what hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryEvent {
    /// An instance is registered: durable, and visible from this revision on.
    Registered {
        /// The instance.
        instance: InstanceId,
        /// The service that it offers.
        service: ServiceId,
        /// What it can do.
        capabilities: Capabilities,
        /// The lease that it hangs on.
        lease: LeaseId,
        /// Which registration of it this is.
        epoch: Epoch,
        /// Where it runs.
        node: NodeId,
        /// Its status at first.
        status: Status,
        /// The revision since which it is there.
        revision: Revision,
    },
    /// The status of an instance changed.
    StatusChanged {
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
        /// The new status.
        status: Status,
        /// The revision since which it is so.
        revision: Revision,
    },
    /// An instance is registered no more: durable, and gone from this revision on.
    Deregistered {
        /// The instance.
        instance: InstanceId,
        /// The lease that it hung on.
        lease: LeaseId,
        /// Its registration.
        epoch: Epoch,
        /// Why.
        cause: EndCause,
        /// The revision since which it is gone.
        revision: Revision,
    },
    /// A restarted registry read this registration from its disk.
    RegistrationRecovered {
        /// The instance.
        instance: InstanceId,
        /// The service that it offers.
        service: ServiceId,
        /// What it can do.
        capabilities: Capabilities,
        /// The lease that it hangs on.
        lease: LeaseId,
        /// Its registration.
        epoch: Epoch,
        /// Where it runs.
        node: NodeId,
        /// Its status.
        status: Status,
    },
    /// A restarted registry has told of all that it recovered, and goes on from this revision.
    RevisionRecovered {
        /// The revision.
        revision: Revision,
    },
    /// How many instances the registry's own table holds once all changes reported so far are done.
    TableLists {
        /// Live registrations.
        registrations: u32,
        /// The revision.
        revision: Revision,
    },
    /// A registry can tell no more what changed up to this revision.
    Compacted {
        /// The newest that is forgotten.
        revision: Revision,
    },
    /// A heartbeat reached the registry: it may still have to wait its turn there.
    HeartbeatArrived {
        /// Whose.
        member: ResourceId,
        /// The lease that it named.
        lease: LeaseId,
        /// Its number.
        number: u64,
    },
    /// A registration request reached the registry.
    RegistrationArrived {
        /// Whose.
        member: ResourceId,
    },
    /// A registry had no room for this message, or none any more once one came that goes first: it is lost. That is the
    /// registry's own doing, not the network's.
    MessageDropped {
        /// Who had sent it.
        from: NodeId,
        /// What it was about.
        purpose: Purpose,
    },
    /// A sweep ran later than it was due; or it has not run so far, and a member is served meanwhile while terms are over
    /// that it should have found.
    SweptLate {
        /// By how much, on the registry's clock, at this time.
        late: Span,
    },
    /// A guard against mass expiry withholds ends that are due.
    EndsWithheld {
        /// How many.
        due: u32,
        /// Of how many live leases.
        live: u32,
    },
    /// No guard withholds ends any more.
    EndsAdmitted,

    /// A heartbeat left.
    HeartbeatSent {
        /// Whose.
        member: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its number: they grow, within a process.
        number: u64,
    },
    /// A member asked, for the first time, to be deregistered.
    DeregistrationSent {
        /// Who.
        member: ResourceId,
        /// The lease.
        lease: LeaseId,
    },
    /// The work of an application stands still although its process runs.
    WorkStopped {
        /// The member that it is.
        member: ResourceId,
    },
    /// It goes on.
    WorkWentOn {
        /// The member that it is.
        member: ResourceId,
    },
    /// An application is ready to be called, or is no more: the truth, whoever knows it.
    ReadinessChanged {
        /// The member that it is.
        member: ResourceId,
        /// What it is now.
        readiness: Health,
    },
}

/// What a registry says of an instance that it lists. One that is gone is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It may be called.
    Passing,
    /// Nothing was heard of it for a while: its end is near.
    Suspect,
    /// It lives but cannot do its work.
    Critical,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Passing, Self::Suspect, Self::Critical];

    /// The name as it stands in scenario files and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Suspect => "suspect",
            Self::Critical => "critical",
        }
    }

    /// Whether a lookup answers with such an instance.
    pub const fn is_routed(self) -> bool {
        matches!(self, Self::Passing)
    }
}

/// Whether somebody can do its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// It can.
    #[default]
    Ready,
    /// It cannot.
    NotReady,
}

/// A number that stands for what a list of instances says of one of them. Those of a whole list are added up (see
/// [`wrapping_add`](u64::wrapping_add)), in any order: two lists with the same sum say the same, as nearly as 64 bits
/// can tell.
pub const fn fingerprint(instance: InstanceId, epoch: Epoch, status: Status) -> u64 {
    let mixed = mix(instance.0 as u64 ^ 0x9e37_79b9_7f4a_7c15);
    let mixed = mix(mixed ^ epoch.0);
    mix(mixed ^ (status as u64 + 1))
}

/// A bijection that spreads its input over all bits (the finaliser of SplitMix64; Steele, Lea and Flood 2014).
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn whatever_differs_has_another_fingerprint() {
        let mut seen = BTreeSet::new();
        for instance in 0..40 {
            for epoch in 0..40 {
                for status in Status::ALL {
                    assert!(seen.insert(fingerprint(InstanceId(instance), Epoch(epoch), status)));
                }
            }
        }
    }
}
