//! The shipped system under test: grantor, holder and resource as pure state machines.
//!
//! Every decision that real systems take differently is a [policy], with the safe choice as the default: a known
//! bug is a configuration that somebody runs, not a flag in the code.
//!
//! # What this crate does not do
//!
//! It opens no socket, reads no clock and draws no randomness: inputs come in, outputs go out
//! ([`leasehold_core::node`]). It does not judge itself: it reports what it does, and `leasehold-check` judges.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bounds;
mod grantor;
mod holder;
mod message;
mod optimistic_writer;
mod outbox;
pub mod policy;
mod record;
pub mod registry;
mod resource;
pub mod table;
mod work;

#[cfg(test)]
mod pair;

pub use bounds::{Assumed, Policies, Promise, bounds, promise};
pub use grantor::Grantor;
pub use holder::{Holder, LeaseCommand};
pub use message::{LeaseMessage, QueryAnswer};
pub use optimistic_writer::OptimisticWriter;
pub use record::{LeaseRecord, RegisterRecord, StoredRecord};
pub use resource::Resource;

use leasehold_core::Protocol;

/// The protocol of this crate's nodes.
#[derive(Clone, Copy, Debug)]
pub struct LeaseProtocol;

impl Protocol for LeaseProtocol {
    type Message = LeaseMessage;
    type Record = StoredRecord;
    type Command = LeaseCommand;
}
