//! Small integer names. Each is its own type, so that a token is never taken for a version.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// A node: its position in the plan's topology.
    NodeId(u16)
}

impl NodeId {
    /// The node's place in lists that are ordered like the topology.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

id! {
    /// How often a node's process has been restarted: 0 for the first. A new incarnation remembers only what
    /// the disk kept.
    Incarnation(u32)
}
id! {
    /// A resource that at most one holder may claim.
    ResourceId(u32)
}
id! {
    /// One grant of one resource, from its grant to its end. Ids only grow, and none is used twice.
    LeaseId(u64)
}
id! {
    /// A fencing token: orders the holders of one resource.
    Token(u64)
}
id! {
    /// A request of one incarnation of a node. A retry keeps its request's id.
    RequestId(u64)
}
id! {
    /// An operation of one incarnation of a node on a resource: its sequence number there. A retry keeps it.
    OpId(u64)
}
id! {
    /// A task of a resource: how many of it were done before.
    TaskId(u64)
}
id! {
    /// A key that is attached to a lease: its number there.
    KeyId(u32)
}
id! {
    /// Who a contender says it is. Whether two processes can say the same is a decision of the protocol.
    OwnerId(u64)
}
id! {
    /// A version of a resource's register: how many writes it has accepted.
    Version(u64)
}
id! {
    /// A write to a node's disk that is under way or done. Tickets of a node grow in the order of its writes.
    Ticket(u64)
}
id! {
    /// A named timer of a node. The engine keeps a table up to the largest one, so number them from 0.
    TimerId(u32)
}
id! {
    /// A fault: its position in the plan.
    FaultId(u16)
}
id! {
    /// A named command that a system takes from a plan: its position in the system's list.
    CommandId(u16)
}

id! {
    /// An instance that is registered, or was: an entry of a registry. The same one keeps it over restarts.
    InstanceId(u32)
}
id! {
    /// A service that instances offer.
    ServiceId(u16)
}
id! {
    /// What an instance can do: a set, with a bit for each capability.
    Capabilities(u32)
}
id! {
    /// Which registration of an instance: they grow, and an older one is dead.
    Epoch(u64)
}
id! {
    /// How often a registry's list has changed. Heartbeats do not change it.
    Revision(u64)
}

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl LeaseId {
    /// The id after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Token {
    /// What an operation carries that no lease covers. No grant has it: tokens begin at 1.
    pub const NONE: Self = Self(0);

    /// The token after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl TaskId {
    /// The task after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Version {
    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl RequestId {
    /// The id after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl OpId {
    /// The id after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
