//! What electors and the store say to each other, and what the store keeps.

use leasehold::serde::{Deserialize, Serialize};
use leasehold::{Incarnation, Leg, Message, NodeId, OpId, Purpose, Slot, Token, Version};

/// The record that electors compete for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "leasehold::serde")]
pub struct Record {
    /// How often it was written: compare-and-set compares this.
    pub version: u64,
    /// Who leads: a node and its process.
    pub leader: Option<(NodeId, Incarnation)>,
    /// How often the leader has changed: the fencing token.
    pub transitions: u64,
}

impl Record {
    /// The fencing token of the leader.
    pub fn token(&self) -> Token {
        Token(self.transitions)
    }
}

/// What the store keeps on disk: everything, in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "leasehold::serde")]
pub struct StoreRecord {
    /// The leadership record.
    pub record: Record,
    /// How often the work has been written.
    pub version: Version,
    /// What the work has come to.
    pub value: u64,
}

impl leasehold::Record for StoreRecord {
    fn slot(&self) -> Slot {
        Slot(0)
    }
}

/// A message. Requests are numbered by the asking process, and every answer names its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "leasehold::serde")]
pub enum ElectionMessage {
    /// Elector to store: what is in the record?
    Get {
        /// The request.
        request: OpId,
    },
    /// Elector to store: make me leader, if the record is still at this version.
    Put {
        /// The request.
        request: OpId,
        /// The version that the elector has seen.
        expected: u64,
        /// Its process.
        incarnation: Incarnation,
        /// Why.
        intent: Intent,
    },
    /// Store to elector: the record now, and whether a put was done.
    Got {
        /// The request that this answers.
        request: OpId,
        /// The record.
        record: Record,
        /// Whether it was written by the put that this answers.
        written: Written,
    },
    /// Leader to store: what has the work come to?
    Load {
        /// The operation.
        op: OpId,
        /// The leader's token.
        token: Token,
    },
    /// Store to leader.
    Loaded {
        /// The operation that this answers.
        op: OpId,
        /// The version of the work.
        version: Version,
        /// Its value.
        value: u64,
    },
    /// Leader to store: replace the work, if it is still at this version.
    Save {
        /// The operation.
        op: OpId,
        /// The leader's token.
        token: Token,
        /// The version that it has loaded.
        based_on: Version,
        /// The new value.
        value: u64,
    },
}

/// Why an elector writes the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "leasehold::serde")]
pub enum Intent {
    /// To become leader.
    Acquire,
    /// To stay leader.
    Renew,
}

/// Whether a put was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "leasehold::serde")]
pub enum Written {
    /// It was.
    Yes,
    /// It was not, or nothing was put.
    No,
}

impl Message for ElectionMessage {
    fn class(&self) -> (Purpose, Leg) {
        match self {
            Self::Get { .. } => (Purpose::Query, Leg::Request),
            Self::Put { intent: Intent::Acquire, .. } => (Purpose::Acquire, Leg::Request),
            Self::Put { intent: Intent::Renew, .. } => (Purpose::Renew, Leg::Request),
            Self::Got { .. } => (Purpose::Query, Leg::Reply),
            Self::Load { .. } => (Purpose::Read, Leg::Request),
            Self::Loaded { .. } => (Purpose::Read, Leg::Reply),
            Self::Save { .. } => (Purpose::Write, Leg::Request),
        }
    }
}
