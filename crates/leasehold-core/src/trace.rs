//! What stands at the head and at the end of a recorded trace, so that it can be judged without the run.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::bounds::Bounds;
use crate::clock::ClockKind;
use crate::event::Probe;
use crate::id::{FaultId, ResourceId};
use crate::outcome::RunEnd;
use crate::passage::Passage;
use crate::plan::Role;
use crate::time::{SimInstant, Span};

/// The version of the trace format.
pub const FORMAT: u32 = 3;

/// The first line of a trace. The last is a [`Footer`], every other an [`Event`](crate::Event) or a [`PassageLine`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the tool that wrote it.
    pub tool: String,
    /// The scenario's name.
    pub scenario: String,
    /// The system that ran.
    pub system: String,
    /// The engine that ran it.
    pub engine: String,
    /// The seed.
    pub seed: u64,
    /// The nodes, by id.
    pub nodes: Vec<TraceNode>,
    /// The names of the instances that members register, by id; empty if there is no registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<String>,
    /// What each fault of the plan does, in words, by id.
    pub faults: Vec<String>,
    /// Those faults of the plan that keep messages for longer than [`Bounds::delay`]: no event says of a message that
    /// it is late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delaying: Vec<Delaying>,
    /// The commands of the system, by id.
    pub commands: Vec<String>,
    /// What timed invariants are judged by.
    pub bounds: Bounds,
    /// The names of the invariants that apply to the system.
    pub invariants: Vec<String>,
    /// The places that a run had to reach.
    pub reach: Vec<Probe>,
}

/// A fault that keeps messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delaying {
    /// Which.
    pub fault: FaultId,
    /// How much longer than [`Bounds::delay`] a message may take that is sent just before the fault is over.
    pub longest: Span,
    /// Which links it touches.
    pub links: LinksTouched,
}

/// Where the links are that a fault touches, seen from the nodes that it is said to land on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinksTouched {
    /// At such a node.
    AtTargets,
    /// Anywhere: the fault draws nodes that are no targets.
    Anywhere,
}

/// One node of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceNode {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The clock whose reading stands beside each of its events.
    pub relies_on: ClockKind,
    /// The resources it wants to hold, or to write to without a lease; liveness is judged for these.
    pub contends_for: Vec<ResourceId>,
}

/// The line of a trace that tells what became of a message. Nothing is judged by it, and no digest has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassageLine {
    /// What became of which.
    pub passage: Passage,
}

/// The last line of a trace. One without it was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// When the run ended.
    pub ended_at: SimInstant,
    /// How.
    pub end: RunEnd,
    /// How many events stand before it. Passages do not count.
    pub events: u64,
    /// Their digest, in hexadecimal.
    pub digest: String,
    /// What of the plan the engine left out, though nobody allowed it to: the run is inconclusive then. Empty in what was
    /// recorded before there was an engine that leaves anything out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inexpressible: Vec<Inexpressible>,
}

/// Something of a plan that an engine leaves out, because it cannot do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inexpressible {
    /// Its kind, as `--allow` takes it.
    pub kind: String,
    /// What it is, in words.
    pub what: String,
    /// Why it cannot be done.
    pub because: String,
}

impl fmt::Display for Inexpressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this engine cannot express {}: {}", self.what, self.because)
    }
}
