//! Messages on their way, for pictures and for counting.

use serde::{Deserialize, Serialize};

use crate::event::LossCause;
use crate::id::NodeId;
use crate::node::{Leg, Purpose};
use crate::time::SimInstant;

/// Something that became of a message. No checker judges by it and no digest has it: what a message did is in the
/// [events](crate::Event) of those who sent and took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// When, in true time.
    pub at: SimInstant,
    /// Numbers the messages of a run as they are sent. Copies of a message share its number.
    pub number: u64,
    /// Who sent it.
    pub from: NodeId,
    /// Whom to.
    pub to: NodeId,
    /// What it is about.
    pub purpose: Purpose,
    /// Which part of the exchange it is.
    pub leg: Leg,
    /// What became of it.
    pub came: Came,
}

/// What became of a message, or of a copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// It was sent. Each message begins so.
    Sent,
    /// It, or a copy, arrived at the host. A process that is stopped or busy takes it later.
    Arrived,
    /// It, or a copy, was lost.
    Lost {
        /// Why.
        cause: LossCause,
    },
}
