//! What grantor, holder and resource say to each other.

use leasehold_core::clock::{LocalInstant, Wall};
use leasehold_core::id::{
    Incarnation, LeaseId, NodeId, OpId, OwnerId, RequestId, ResourceId, TaskId, Token, Version,
};
use leasehold_core::node::{Leg, Message, Purpose};
use leasehold_core::time::Span;
use serde::{Deserialize, Serialize};

/// A message of the shipped protocol. Lease id and token travel on every message that concerns a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseMessage {
    /// Contender to grantor: give me the resource. A retry is the same message, but for its stamp.
    Acquire {
        /// The resource.
        resource: ResourceId,
        /// The asking process.
        incarnation: Incarnation,
        /// The request.
        request: RequestId,
        /// The TTL it would like.
        ttl: Span,
        /// Who it says it is.
        owner: OwnerId,
        /// How urgent it is.
        priority: u8,
        /// How many keys are to be attached to the lease.
        keys: u32,
        /// What the wall clock of its node showed when it was sent: for grantors that go by that.
        stamp: LocalInstant<Wall>,
    },
    /// Grantor to contender: it is yours.
    Granted {
        /// The resource.
        resource: ResourceId,
        /// The process that asked.
        incarnation: Incarnation,
        /// The acquire request that this answers.
        request: RequestId,
        /// The lease.
        lease: LeaseId,
        /// Its fencing token.
        token: Token,
        /// Its TTL.
        ttl: Span,
        /// The resource's task that is to be done under it.
        task: TaskId,
    },
    /// Grantor to contender: somebody else has it; ask again later.
    Refused {
        /// The resource.
        resource: ResourceId,
        /// The process that asked.
        incarnation: Incarnation,
        /// The acquire request that this answers.
        request: RequestId,
    },
    /// Grantor to contender: wait.
    Queued {
        /// The resource.
        resource: ResourceId,
        /// The process that asked.
        incarnation: Incarnation,
        /// The acquire request that this answers.
        request: RequestId,
        /// Its place, 1 for the next in turn.
        position: u32,
    },
    /// Holder to grantor: start the term anew.
    Renew {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its token.
        token: Token,
        /// The request.
        request: RequestId,
        /// What the wall clock of its node showed when it was sent.
        stamp: LocalInstant<Wall>,
    },
    /// Grantor to holder: done.
    Renewed {
        /// The lease.
        lease: LeaseId,
        /// The request that this answers.
        request: RequestId,
        /// The new term.
        ttl: Span,
    },
    /// Grantor to holder: that lease is over.
    RenewRefused {
        /// The lease.
        lease: LeaseId,
        /// The request that this answers.
        request: RequestId,
    },
    /// Grantor to holder, unasked: give that lease back, it will not be renewed.
    Revoked {
        /// The lease.
        lease: LeaseId,
    },
    /// Holder to grantor: I am done with it.
    Release {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its token.
        token: Token,
        /// The request.
        request: RequestId,
        /// Whether the task that came with it is done.
        done: bool,
    },
    /// Grantor to holder: it is over, by this release or before.
    Released {
        /// The lease.
        lease: LeaseId,
        /// The request that this answers.
        request: RequestId,
    },
    /// Anybody to grantor: who holds it?
    Query {
        /// The resource.
        resource: ResourceId,
        /// The asking process.
        incarnation: Incarnation,
        /// The request.
        request: RequestId,
    },
    /// Grantor to whoever asked.
    Answer {
        /// The process that asked.
        incarnation: Incarnation,
        /// The request that this answers.
        request: RequestId,
        /// How often the grantor's table has changed.
        revision: u64,
        /// Who holds it; nothing if nobody does.
        answer: Option<QueryAnswer>,
    },

    /// Holder to resource: what do you hold?
    Read {
        /// The reading process.
        incarnation: Incarnation,
        /// The operation.
        op: OpId,
        /// The reader's token.
        token: Token,
    },
    /// Resource to holder.
    ReadDone {
        /// The process that asked.
        incarnation: Incarnation,
        /// The operation that this answers.
        op: OpId,
        /// The version.
        version: Version,
        /// The value.
        value: u64,
    },
    /// Holder to resource: replace what you hold.
    Write {
        /// The writing process.
        incarnation: Incarnation,
        /// The operation.
        op: OpId,
        /// The writer's token.
        token: Token,
        /// The version that it read; nothing if it did not.
        based_on: Option<Version>,
        /// The new value.
        value: u64,
        /// The task whose effect it is, if it is one's.
        task: Option<TaskId>,
    },
    /// Resource to holder.
    WriteDone {
        /// The process that asked.
        incarnation: Incarnation,
        /// The operation that this answers.
        op: OpId,
        /// The version that it made.
        version: Version,
    },
    /// Holder to resource: from now on refuse whoever comes with an older token than mine.
    Barrier {
        /// The asking process.
        incarnation: Incarnation,
        /// The operation.
        op: OpId,
        /// The token.
        token: Token,
    },
    /// Resource to holder.
    BarrierDone {
        /// The process that asked.
        incarnation: Incarnation,
        /// The operation that this answers.
        op: OpId,
    },
    /// Resource to holder: somebody else has written since you read.
    Conflict {
        /// The process that asked.
        incarnation: Incarnation,
        /// The operation that this answers.
        op: OpId,
        /// The latest version.
        latest: Version,
    },
    /// Resource to holder: your token is too old.
    Fenced {
        /// The process that asked.
        incarnation: Incarnation,
        /// The operation that this answers.
        op: OpId,
        /// The newest token that it has seen.
        mark: Token,
    },
}

/// Who holds a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// The lease.
    pub lease: LeaseId,
    /// Its holder.
    pub holder: NodeId,
    /// Its token.
    pub token: Token,
    /// What is left of its term, on the grantor's clock.
    pub remaining: Span,
}

impl Message for LeaseMessage {
    fn class(&self) -> (Purpose, Leg) {
        match self {
            Self::Acquire { .. } => (Purpose::Acquire, Leg::Request),
            Self::Granted { .. } | Self::Refused { .. } | Self::Queued { .. } => {
                (Purpose::Acquire, Leg::Reply)
            }
            Self::Renew { .. } => (Purpose::Renew, Leg::Request),
            Self::Renewed { .. } | Self::RenewRefused { .. } | Self::Revoked { .. } => {
                (Purpose::Renew, Leg::Reply)
            }
            Self::Release { .. } => (Purpose::Release, Leg::Request),
            Self::Released { .. } => (Purpose::Release, Leg::Reply),
            Self::Query { .. } => (Purpose::Query, Leg::Request),
            Self::Answer { .. } => (Purpose::Query, Leg::Reply),
            Self::Read { .. } => (Purpose::Read, Leg::Request),
            Self::ReadDone { .. } => (Purpose::Read, Leg::Reply),
            Self::Write { .. } | Self::Barrier { .. } => (Purpose::Write, Leg::Request),
            Self::WriteDone { .. }
            | Self::BarrierDone { .. }
            | Self::Conflict { .. }
            | Self::Fenced { .. } => (Purpose::Write, Leg::Reply),
        }
    }
}
