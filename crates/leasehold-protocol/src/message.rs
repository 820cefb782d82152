//! What grantor, holder and resource say to each other.

use leasehold_core::id::{Incarnation, LeaseId, NodeId, OpId, RequestId, ResourceId, Token, Version};
use leasehold_core::node::{Leg, Message, Purpose};
use leasehold_core::time::Span;
use serde::{Deserialize, Serialize};

/// A message of the shipped protocol. Lease id and token travel on every message that concerns a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseMessage {
    /// Contender to grantor: give me the resource. A retry is the same message.
    Acquire {
        /// The resource.
        resource: ResourceId,
        /// The asking process.
        incarnation: Incarnation,
        /// The request.
        request: RequestId,
        /// The term it would like.
        ttl: Span,
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
        /// Its term.
        ttl: Span,
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
        /// The request.
        request: RequestId,
    },
    /// Grantor to whoever asked.
    Answer {
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
        /// The version that it read.
        based_on: Version,
        /// The new value.
        value: u64,
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
            Self::Granted { .. } | Self::Queued { .. } => (Purpose::Acquire, Leg::Reply),
            Self::Renew { .. } => (Purpose::Renew, Leg::Request),
            Self::Renewed { .. } | Self::RenewRefused { .. } => (Purpose::Renew, Leg::Reply),
            Self::Release { .. } => (Purpose::Release, Leg::Request),
            Self::Released { .. } => (Purpose::Release, Leg::Reply),
            Self::Query { .. } => (Purpose::Query, Leg::Request),
            Self::Answer { .. } => (Purpose::Query, Leg::Reply),
            Self::Read { .. } => (Purpose::Read, Leg::Request),
            Self::ReadDone { .. } => (Purpose::Read, Leg::Reply),
            Self::Write { .. } => (Purpose::Write, Leg::Request),
            Self::WriteDone { .. } | Self::Fenced { .. } => (Purpose::Write, Leg::Reply),
        }
    }
}
