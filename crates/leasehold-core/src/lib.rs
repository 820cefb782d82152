//! The narrow waist of Leasehold: what a lease implementation, the engines that run it and the checkers that
//! judge it have to agree on, and nothing else.
//!
//! Five ideas meet here:
//!
//! * **Time** ([`time`], [`clock`]): true time belongs to engines and checkers; a node sees only readings of
//!   its own three clocks, and the two never mix.
//! * **Node** ([`node`]): a pure state machine. Inputs in, ordered outputs out.
//! * **Event** ([`event`]): what happened, with true time and node. Checkers see nothing else.
//! * **Plan** ([`plan`]): the complete input of one run.
//! * **System**, which turns a scenario's tables into nodes, reads files and therefore lives in
//!   `leasehold-scenario`.
//!
//! # What this crate does not do
//!
//! It opens no socket, file or thread, reads no clock and no environment, draws no entropy and keeps no
//! randomly keyed map: it is `no_std`, so none of these can be named here. It knows no protocol.
//!
//! # The path of one renewal
//!
//! 1. The holder's renewal timer, armed at a reading of *its* clock, comes due. The engine calls
//!    [`Node::handle`] with [`Input::Timer`].
//! 2. The node pushes `Send(Renew)` and `Arm(retry)` into its [`Context`], in this order.
//!    Handling takes no simulated time.
//! 3. The engine applies the outputs in order. If a fault has armed a *cut*, what stands before the cut leaves
//!    and the rest waits for the resume, or dies with the process.
//! 4. The message gets a delay, a loss and a duplication from [`noise`], a pure function of key, link, send
//!    time and ordinal.
//! 5. The grantor handles the message, emits [`Renewed`](event::NodeEvent::Renewed) and sends its answer; the
//!    holder emits [`ClaimRenewed`](event::NodeEvent::ClaimRenewed) with the deadline on its own clock.
//! 6. The engine notes that deadline and will emit [`ClaimLapsed`](event::WorldEvent::ClaimLapsed) when that
//!    clock gets there, whether the node runs or not.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod bounds;
pub mod clock;
pub mod event;
pub mod id;
pub mod node;
pub mod noise;
pub mod outcome;
pub mod passage;
pub mod plan;
pub mod time;
pub mod trace;

pub use bounds::{Bounds, DiscoveryBounds, Envelope, Inequality, MassCap, Reckoning, Sum, Term, Warning};
pub use clock::{Boot, Clock, ClockKind, LocalInstant, Monotonic, Reading, Wall};
pub use event::{DiscoveryEvent, Event, EventKind, EventSink, NodeEvent, RegistryEvent, WorldEvent};
pub use id::{
    Capabilities, CommandId, Epoch, FaultId, Incarnation, InstanceId, KeyId, LeaseId, NodeId, OpId, OwnerId,
    RequestId, ResourceId, Revision, ServiceId, TaskId, Ticket, TimerId, Token, Version,
};
pub use node::{Context, Input, Instruction, Leg, Message, Node, Output, Protocol, Purpose, Record, Slot};
pub use noise::NoiseKey;
pub use outcome::{FaultOutcome, Outcome, RunEnd};
pub use passage::{Came, Passage};
pub use plan::Plan;
pub use time::{Drift, RateError, SimInstant, Span};
