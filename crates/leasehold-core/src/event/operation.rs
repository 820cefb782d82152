//! What contenders ask a grantor, and what they are told: the history of a resource as they see it.
//!
//! An operation begins with the first send of its request and ends when its asker takes an answer to it. One whose asker
//! dies, or gives it up, never ends: it may have taken effect all the same, at any time.

use serde::{Deserialize, Serialize};

use crate::id::{LeaseId, NodeId, Token};
use crate::time::Span;

/// What is asked. A node has one of each kind under way at most: when it begins another, it has given the one before up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// For the resource.
    Acquire,
    /// For a new term.
    Renew {
        /// Of this lease.
        lease: LeaseId,
    },
    /// To take a lease back.
    Release {
        /// This one.
        lease: LeaseId,
    },
    /// Who holds it.
    Get,
}

/// What the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To an acquire: it is yours.
    Granted {
        /// The lease.
        lease: LeaseId,
        /// Its token.
        token: Token,
        /// Its TTL.
        ttl: Span,
    },
    /// To an acquire: not now.
    Refused,
    /// To a renewal: its term began anew.
    Renewed {
        /// The lease.
        lease: LeaseId,
    },
    /// To a renewal: it is over.
    Gone {
        /// The lease.
        lease: LeaseId,
    },
    /// To a release: it is over.
    Released {
        /// The lease.
        lease: LeaseId,
    },
    /// To a get: somebody holds it.
    HeldBy {
        /// The lease.
        lease: LeaseId,
        /// Its holder.
        holder: NodeId,
        /// Its token.
        token: Token,
    },
    /// To a get: nobody does.
    HeldByNobody,
}
