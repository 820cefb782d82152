//! What a registry keeps on disk.

use alloc::sync::Arc;

use leasehold_core::clock::{LocalInstant, Wall};
use leasehold_core::event::{EndCause, Status};
use leasehold_core::id::{Epoch, Incarnation, LeaseId, NodeId, RequestId, ResourceId, Revision};
use leasehold_core::node::{Record, Slot};
use leasehold_core::time::Span;
use serde::{Deserialize, Serialize};

use super::message::Offer;

/// A durable record of a registry: the latest lease of a member, and what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryRecord {
    /// Which row of the registry's book it is: its member's own, or, for a lease that was replaced and not ended, one
    /// behind those of all members.
    pub row: u32,
    /// The member.
    pub member: ResourceId,
    /// Its latest lease.
    pub lease: LeaseId,
    /// Which registration of the member that is.
    pub epoch: Epoch,
    /// Who sends its heartbeats.
    pub holder: NodeId,
    /// The process that asked for it.
    pub incarnation: Incarnation,
    /// The request of that process: asked again after a restart, it gets the same lease.
    pub request: RequestId,
    /// Its term.
    pub ttl: Span,
    /// The instances that hang on it.
    pub offers: Arc<[Offer]>,
    /// How many further keys hang on it.
    pub keys: u32,
    /// Their status.
    pub status: Status,
    /// Nothing if it lives, else why it ended.
    pub ended: Option<EndCause>,
    /// When its term will be over, if a restart is to keep to that. Only the wall clock can be written down.
    pub deadline: Option<LocalInstant<Wall>>,
    /// The revision of the registry when this was written: the highest on a disk is where a restart goes on from.
    pub revision: Revision,
}

impl Record for RegistryRecord {
    fn slot(&self) -> Slot {
        Slot(u64::from(self.row))
    }
}
