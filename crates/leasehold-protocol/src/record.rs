//! What grantor and resource keep on disk.

use leasehold_core::clock::{LocalInstant, Wall};
use leasehold_core::event::EndCause;
use leasehold_core::id::{Incarnation, LeaseId, NodeId, OpId, ResourceId, TaskId, Token, Version};
use leasehold_core::node::{Record, Slot};
use serde::{Deserialize, Serialize};

use crate::table::Lease;

/// A durable record of the shipped protocol. Grantors keep one kind, resources the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoredRecord {
    /// The latest lease of a resource.
    Lease(LeaseRecord),
    /// The keys of a lease that ended.
    Keys(KeysRecord),
    /// A resource's register, as the last operation of one holder left it.
    Register(RegisterRecord),
}

/// The latest lease of a resource: its token is the resource's token counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The lease.
    pub lease: Lease,
    /// Nothing if it lives, else why it ended.
    pub ended: Option<EndCause>,
    /// Whether its task was done when it ended.
    pub done: bool,
    /// When its term will be over, if a restart is to keep to that. Only the wall clock can be written down.
    pub deadline: Option<LocalInstant<Wall>>,
    /// How often the table had changed.
    pub revision: u64,
}

/// What is left of the keys of a lease that ended, if they end one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysRecord {
    /// The resource.
    pub resource: ResourceId,
    /// The lease.
    pub lease: LeaseId,
    /// How many keys are gone.
    pub gone: u32,
    /// How often the table had changed.
    pub revision: u64,
}

/// A resource's register as one holder's last operation left it. The latest of all holders' is the state of the
/// register, and each holder's own record recognises its duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRecord {
    /// The holder.
    pub holder: NodeId,
    /// Its last write that was accepted.
    pub last_write: Option<LastWrite>,
    /// How often the register had been written to disk: the record with the most is the latest.
    pub revision: u64,
    /// The version of the register.
    pub version: Version,
    /// Its value.
    pub value: u64,
    /// The token that it fences by.
    pub mark: Token,
    /// The token that it fenced by before.
    pub replaced: Token,
    /// The newest task whose effect was applied.
    pub applied: Option<TaskId>,
}

/// A holder's last write that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWrite {
    /// The process that wrote.
    pub incarnation: Incarnation,
    /// Its operation.
    pub op: OpId,
    /// The version that it made.
    pub version: Version,
}

impl Record for StoredRecord {
    fn slot(&self) -> Slot {
        match self {
            Self::Lease(record) => Slot(u64::from(record.lease.resource.0) << 1),
            Self::Keys(record) => Slot(u64::from(record.resource.0) << 1 | 1),
            Self::Register(record) => Slot(u64::from(record.holder.0)),
        }
    }
}
