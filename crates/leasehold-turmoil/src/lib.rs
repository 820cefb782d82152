//! Engine 2: the nodes behind sockets.
//!
//! A **shell** surrounds each state machine, as in production: tasks, connections, frames, reconnecting, back-pressure. It
//! is written against a small seam: a [`Net`] with sockets, and a [`Machine`] with clocks, a disk and a scheduler. On
//! [turmoil's](https://docs.rs/turmoil) simulated network it is an engine, under the same plans and checkers as the
//! discrete-event world; on tokio's sockets it is a process that anybody can talk to.
//!
//! Nodes share nothing but bytes on sockets.
//!
//! # What this crate does not do
//!
//! It knows no protocol, judges nothing, prints nothing. It is no production server: nothing here authenticates, encrypts
//! or limits who connects.

mod engine;
mod machine;
mod net;
mod note;
mod policy;
mod real;
mod shell;
mod tokio_net;
mod turmoil_net;
pub mod wire;

pub use engine::{Inexpressible, Subject, inexpressible, run};
pub use machine::{Machine, Told};
pub use net::{Datagrams, Label, Lane, Listener, Net, Reader, Writer};
pub use note::{ClosedBecause, Note};
pub use policy::{Accepting, Framing, Incarnations, Lanes, Replies, ShellPolicy, Transport, Unanswered};
pub use real::{BadLog, Beginning, Ended, Place, RealError, StopSignal, Then, Watcher, serve};
pub use shell::live;
pub use tokio_net::{TokioDatagrams, TokioNet};
