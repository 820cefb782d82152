//! Engine 1: a discrete-event world.
//!
//! [`run`] takes a plan, the nodes of one protocol and a sink, and gives an outcome. Time goes from one thing
//! that happens to the next, in nanoseconds; what happens at the same instant happens in the order in which it
//! was scheduled. The same plan and nodes give the same events, on any machine.
//!
//! # What this crate does not do
//!
//! It knows no protocol, judges nothing, reads no file, and has no source of randomness beside the plan's
//! noise key. It does not run the shell around a state machine (framing, connections, tasks): that is for the
//! turmoil engine, which has this world's clocks, disks, faults and fates of messages behind a [`Conductor`], and runs the
//! processes elsewhere.

mod afflictions;
mod burst;
mod claims;
mod clocks;
mod conductor;
mod disk;
mod faults;
mod host;
mod latency;
mod ledger;
mod links;
mod network;
mod parcels;
mod pens;
mod queue;
mod settle;
mod shapes;
mod terms;
mod timers;
mod triggers;
mod world;

pub use clocks::HostClocks;
pub use conductor::{Conductor, Order, Progress, conduct, struck_at};
pub use network::Carriage;
pub use world::run;
