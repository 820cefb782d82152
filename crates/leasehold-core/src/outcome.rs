//! What an engine says at the end of a run.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::time::SimInstant;

/// The end of a run, as its engine saw it. Whether the run was *right* is for the checkers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When it ended.
    pub ended_at: SimInstant,
    /// How many things happened in the engine: messages, timers, disk writes, faults.
    pub steps: u64,
    /// How.
    pub end: RunEnd,
    /// What became of each fault of the plan.
    pub faults: Vec<FaultOutcome>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// It came to its planned end.
    Completed,
    /// A sink had seen enough.
    Stopped,
    /// A node's code panicked.
    Panicked {
        /// Which node.
        node: NodeId,
        /// What it said.
        message: String,
    },
    /// The nodes kept each other busy without time going on.
    Livelock {
        /// The node that was handled last.
        node: NodeId,
    },
}

/// What became of one fault: scheduled, fired, landed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultOutcome {
    /// When its trigger was met.
    pub fired: Option<SimInstant>,
    /// Whom it was resolved to, by id. Empty if nobody fitted.
    pub targets: Vec<NodeId>,
    /// When it first touched something of any of them.
    pub landed: Option<SimInstant>,
}
