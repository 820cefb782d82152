//! The shell over a network in memory: what it does when the other end is slow, silent, gone, or talks nonsense; and what
//! each of its mistakes looks like from outside.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod connections;
mod host;
mod input;
mod mistakes;
mod steps;
mod stranger;
mod wires;

use leasehold_core::id::NodeId;

const SERVER: NodeId = NodeId(0);
const CLIENT: NodeId = NodeId(1);
const OTHER: NodeId = NodeId(2);
