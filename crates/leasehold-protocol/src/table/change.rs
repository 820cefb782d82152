//! What the lease table is told, and what follows.

use leasehold_core::clock::Reading;
use leasehold_core::event::{EndCause, Revocation};
use leasehold_core::id::{LeaseId, NodeId, ResourceId, Token};
use leasehold_core::time::Span;

use super::{Contender, Lease, Wish};

/// What the table is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Somebody wants a resource. Asking again changes nothing.
    Acquire {
        /// The resource.
        resource: ResourceId,
        /// Who, and for how long.
        wish: Wish,
    },
    /// The grant of this lease is durable: its term begins.
    Begin {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
    },
    /// Somebody wants a lease's term to start anew.
    Renew {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its token.
        token: Token,
        /// Who says so.
        by: NodeId,
        /// What the term is counted from, if that is not when it begins: the time that whoever wrote this says.
        stamp: Option<Reading>,
    },
    /// Somebody is done with a lease.
    Release {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its token.
        token: Token,
        /// Who says so.
        by: NodeId,
        /// Whether the lease's task is done.
        done: bool,
    },
    /// The lease of this resource is to end if its term is over.
    Expire {
        /// The resource.
        resource: ResourceId,
    },
    /// The lease of this resource is to be taken from its holder.
    Revoke {
        /// The resource.
        resource: ResourceId,
        /// Why.
        reason: Revocation,
    },
    /// The end of this lease is durable: it is gone.
    Finish {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
    },
    /// Nobody tries any more to make the end of this lease durable: it stays.
    Abandon {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
    },
    /// The lock-delay of a resource may be over.
    DelayOver {
        /// The resource.
        resource: ResourceId,
    },
}

/// What follows from a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A lease was made. Nobody may hear of it before it is durable, and its term begins with
    /// [`Command::Begin`].
    Granted {
        /// The lease.
        lease: Lease,
        /// How often the table has changed.
        revision: u64,
        /// Whether its task was given out before.
        again: bool,
    },
    /// The term of a new lease began.
    Begun {
        /// The lease.
        lease: Lease,
        /// When it will be over, on the grantor's clock.
        deadline: Reading,
        /// How long it was promised to last from now on.
        term: Span,
        /// How often the table had changed when it was granted.
        revision: u64,
    },
    /// The acquire request has this lease already: its answer may have been lost.
    AlreadyGranted(Lease),
    /// The lease was given to its owner's new request. Nobody may hear of it before it is durable.
    Reassigned {
        /// The lease.
        lease: Lease,
        /// When its new term will be over, on the grantor's clock.
        deadline: Reading,
        /// How often the table has changed.
        revision: u64,
    },
    /// The contender waits.
    Queued {
        /// For what.
        resource: ResourceId,
        /// Who.
        contender: Contender,
        /// Its place, 1 for the next in turn.
        position: u32,
        /// Whether it was there before.
        entry: QueueEntry,
    },
    /// The contender is sent away: there is no queue.
    Refused {
        /// From what.
        resource: ResourceId,
        /// Who.
        contender: Contender,
    },
    /// Nobody has the resource, but its lock-delay runs.
    DuringLockDelay,
    /// The term of a lease began anew.
    Renewed {
        /// The lease.
        lease: Lease,
        /// When it will be over, on the grantor's clock.
        deadline: Reading,
    },
    /// A lease that had ended lives again.
    Resurrected {
        /// The lease.
        lease: Lease,
        /// When it will be over, on the grantor's clock.
        deadline: Reading,
        /// How often the table has changed.
        revision: u64,
    },
    /// The lease is to be given back by its holder, and is renewed no more.
    Draining(Lease),
    /// There is no such lease, or no longer.
    NotHeld {
        /// Why it ended, if it was the last of its resource that did.
        ended: Option<EndCause>,
    },
    /// A renewal was found good for a lease.
    RenewalTaken(Lease),
    /// A release was found good for a lease.
    ReleaseTaken(Lease),
    /// A lease is to end. Nobody may hear of it before it is durable, and it is gone with [`Command::Finish`].
    EndOrdered {
        /// The lease.
        lease: Lease,
        /// Why.
        cause: EndCause,
        /// How often the table has changed.
        revision: u64,
        /// Whether its task is done.
        done: bool,
    },
    /// A lease is gone.
    Ended {
        /// The lease.
        lease: Lease,
        /// Why.
        cause: EndCause,
        /// How often the table had changed when that was decided.
        revision: u64,
    },
    /// Nobody is granted the resource before this reading of the grantor's clock.
    Delayed {
        /// The resource.
        resource: ResourceId,
        /// Until then.
        until: Reading,
    },
}

/// Whether a contender was in the queue before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueEntry {
    /// It is new.
    New,
    /// It asked again.
    Known,
}
