//! What the book is asked, and what follows.

use alloc::sync::Arc;

use leasehold_core::clock::{LocalInstant, Reading, Wall};
use leasehold_core::event::{EndCause, Health, Status};
use leasehold_core::id::{Epoch, Incarnation, LeaseId, NodeId, RequestId, ResourceId, Revision};
use leasehold_core::time::Span;

use super::row::{Lease, Tenure};
use crate::registry::server::agenda::RowId;
use crate::registry::{Offer, RefusedBecause};

/// A request to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registry::server) struct Wish {
    /// Whose.
    pub(in crate::registry::server) asked: Asked,
    /// For how long, already negotiated.
    pub(in crate::registry::server) ttl: Span,
    /// Its instances.
    pub(in crate::registry::server) offers: Arc<[Offer]>,
    /// How many further keys.
    pub(in crate::registry::server) keys: u32,
    /// How it is.
    pub(in crate::registry::server) health: Health,
}

/// Who asked, and in which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry::server) struct Asked {
    /// The member.
    pub(in crate::registry::server) member: ResourceId,
    /// The node that asks, and will send the heartbeats.
    pub(in crate::registry::server) node: NodeId,
    /// Its process.
    pub(in crate::registry::server) incarnation: Incarnation,
    /// The request of that process.
    pub(in crate::registry::server) request: RequestId,
}

/// A heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry::server) struct Beat {
    /// Whose.
    pub(in crate::registry::server) member: ResourceId,
    /// The lease that it names.
    pub(in crate::registry::server) lease: LeaseId,
    /// The registration that it names.
    pub(in crate::registry::server) epoch: Option<Epoch>,
    /// Its number.
    pub(in crate::registry::server) number: u64,
    /// What its sender's wall clock showed.
    pub(in crate::registry::server) stamp: LocalInstant<Wall>,
    /// How its member is.
    pub(in crate::registry::server) health: Health,
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry::server) enum Found {
    /// An answer.
    Answer(Health),
    /// None, in time.
    Silence,
}

/// What follows from what the book is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registry::server) enum Change {
    /// A lease was made. Nobody may hear of it before it is durable, and its term begins with
    /// [`Book::begin`](super::Book::begin).
    Granted { row: RowId, tenure: Tenure },
    /// A lease stands in this row from now on, so that its member can have another one.
    SetApart { row: RowId },
    /// The term of a new lease began.
    Begun { lease: Lease, status: Status, deadline: Reading, revision: Revision },
    /// Its member came and went too often: it is not listed as passing for a while.
    KeptOut,
    /// The request has this lease already: its answer may have been lost.
    AlreadyRegistered(Lease),
    /// The request is refused.
    Refused { asked: Asked, because: RefusedBecause, retry_after: Span },
    /// A heartbeat was counted, or an answer to a probe, and a term began anew.
    Renewed { row: RowId, tenure: Tenure, news: Option<Revision> },
    /// It came when its term was over already.
    KeptByGrace,
    /// A heartbeat came that is not newer than the last that was counted.
    OutOfOrder,
    /// A lease that had ended lives again.
    Revived { row: RowId, lease: Lease, status: Status, revision: Revision },
    /// What a member's instances are listed as changed.
    Status { row: RowId, lease: Lease, status: Status, revision: Revision },
    /// There is no such lease, or no longer.
    NotHeld {
        /// Why it ended, if it was the last of its member that did.
        ended: Option<EndCause>,
    },
    /// A deregistration was found good for a lease.
    ReleaseTaken(Tenure),
    /// A lease is to end. Nobody may hear of it before it is durable, and it is gone with
    /// [`Book::finish`](super::Book::finish).
    EndOrdered { row: RowId, tenure: Tenure, cause: EndCause },
    /// A lease is gone.
    Ended { row: RowId, lease: Lease, cause: EndCause, revision: Revision },
    /// A guard withholds ends from now on.
    Withheld { due: u32, live: u32 },
    /// No guard withholds ends any more.
    Admitted,
    /// A pass left ends to the next one, because it may make only so many.
    RateLimited,
}
