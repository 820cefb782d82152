//! What the shell tells people. Nobody judges it.

use std::fmt;

use leasehold_core::id::{Incarnation, NodeId};

use crate::net::Lane;
use crate::wire::{Hello, Refusal};

/// Something that happened in a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A connection was opened.
    Opened {
        /// To whom.
        to: NodeId,
        /// What for.
        lane: Lane,
    },
    /// A connection could not be opened.
    NotOpened {
        /// To whom.
        to: NodeId,
        /// Why.
        because: String,
    },
    /// A connection was accepted, and the other end said who it is.
    Accepted {
        /// From whom.
        from: NodeId,
        /// What for.
        lane: Lane,
    },
    /// A connection was closed, by either end.
    Closed {
        /// With whom, if it was said.
        with: Option<NodeId>,
        /// Where the other end is, if it did not say who it is and the network tells.
        at: Option<String>,
        /// Why.
        because: ClosedBecause,
    },
    /// A datagram was thrown away.
    BadDatagram {
        /// Why.
        because: String,
    },
    /// A message was thrown away: it was of a process that is dead, as its successor was heard of before.
    Outdated {
        /// Of whom.
        from: NodeId,
        /// Of which of its processes.
        incarnation: Incarnation,
    },
    /// A message could not be made into a frame, and was given up.
    NotSent {
        /// To whom.
        to: NodeId,
        /// Why.
        because: String,
    },
    /// The listener or the datagram socket has trouble, and goes on.
    Trouble {
        /// What.
        what: String,
    },
}

/// Why a connection was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClosedBecause {
    /// The other end closed it.
    End,
    /// The other end closed it within a frame.
    Truncated,
    /// It broke.
    Broke(String),
    /// Nothing was heard for too long: the other end is dead, or cannot be reached.
    Silent,
    /// What came was no frame: what was wrong with it.
    Garbage(String),
    /// A newer connection took its place.
    Replaced,
    /// Whoever opened it is dead: its successor was heard of before.
    Outdated,
    /// Another process of the same node and incarnation spoke before.
    Twin,
    /// Whoever opened it says that it is a node that is not there.
    Unknown(NodeId),
    /// The other end will not speak to this process.
    Refused(Refusal),
}

impl ClosedBecause {
    /// Why a connection is closed whose other end said this, and is not listened to.
    pub(crate) fn refusing(hello: &Hello, refusal: Refusal) -> Self {
        match refusal {
            Refusal::Outdated => Self::Outdated,
            Refusal::Twin => Self::Twin,
            Refusal::Unknown => Self::Unknown(hello.node),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { to, lane } => write!(f, "connected to {to} for {}", lane.name()),
            Self::NotOpened { to, because } => write!(f, "could not connect to {to}: {because}"),
            Self::Accepted { from, lane } => write!(f, "accepted a connection of {from} for {}", lane.name()),
            Self::Closed { with: Some(with), because, .. } => {
                write!(f, "connection with {with} closed: {because}")
            }
            Self::Closed { with: None, at: Some(at), because } => {
                write!(f, "connection of a stranger at {at} closed: {because}")
            }
            Self::Closed { with: None, at: None, because } => write!(f, "connection closed: {because}"),
            Self::BadDatagram { because } => write!(f, "datagram thrown away: {because}"),
            Self::Outdated { from, incarnation } => {
                write!(
                    f,
                    "a message of {from} thrown away: it is of its process {incarnation}, which is dead"
                )
            }
            Self::NotSent { to, because } => write!(f, "a message to {to} was given up: {because}"),
            Self::Trouble { what } => f.write_str(what),
        }
    }
}

impl fmt::Display for ClosedBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the other end closed it"),
            Self::Truncated => f.write_str("the other end closed it within a frame"),
            Self::Broke(how) => write!(f, "it broke: {how}"),
            Self::Silent => f.write_str("nothing was heard for too long"),
            Self::Garbage(what) => f.write_str(what),
            Self::Outdated => f.write_str("whoever opened it is dead, and has a successor"),
            Self::Replaced => f.write_str("a newer one took its place"),
            Self::Twin => f.write_str(
                "another process of this node and incarnation spoke before: two run at once, or its data folder was lost",
            ),
            Self::Unknown(node) => {
                write!(f, "it says that it is node {node}, which is none of this scenario: does it run another one?")
            }
            Self::Refused(Refusal::Outdated) => {
                f.write_str("it refuses this process: it has heard of a later one of this node (was the data folder lost?)")
            }
            Self::Refused(Refusal::Twin) => f.write_str(
                "it refuses this process: another one of this node spoke to it before (run another node, or was the data folder \
                 lost?)",
            ),
            Self::Refused(Refusal::Unknown) => {
                f.write_str("it refuses this process: its scenario has no such node (is it another scenario?)")
            }
        }
    }
}

impl Lane {
    /// What it is for, in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Heartbeats => "heartbeats",
            Self::Watch => "watches",
        }
    }
}
