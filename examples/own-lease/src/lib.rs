//! Leader election on a shared record, in the manner of Kubernetes: a lease protocol that is not Leasehold's own.
//!
//! There is no grantor that counts terms. A *store* keeps a record with compare-and-set; *electors* poll it. The
//! leader writes the record every so often; an elector that has seen no change for the lease duration, on its own
//! clock, takes the record over. The number of takeovers is the fencing token.
//!
//! The crate depends on `leasehold` alone. [`RecordElection`] is all that the command line and the tests need.

mod elector;
mod message;
mod store;
mod system;

pub use elector::{Elector, ElectorPolicy};
pub use message::{ElectionMessage, Record, StoreRecord};
pub use store::Store;
pub use system::RecordElection;

use std::convert::Infallible;

/// The protocol of this crate's nodes.
#[derive(Clone, Copy, Debug)]
pub struct Election;

impl leasehold::Protocol for Election {
    type Message = ElectionMessage;
    type Record = StoreRecord;
    type Command = Infallible;
}

/// There is one thing to be leader of.
pub(crate) const LEADERSHIP: leasehold::ResourceId = leasehold::ResourceId(0);
