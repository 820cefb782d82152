//! What discovery clients report.

use serde::{Deserialize, Serialize};

use crate::event::registry::Status;
use crate::id::{Capabilities, Epoch, InstanceId, NodeId, Revision, ServiceId};
use crate::time::Span;

/// What a node that keeps a view of a registry reports of it: a discovery client, or a cache in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscoveryEvent {
    /// The view lists an instance from now on, or with another epoch or status than before.
    ViewListed {
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
        /// Its status.
        status: Status,
    },
    /// The view lists an instance no more.
    ViewDropped {
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
    },
    /// The view claims to be what the registry was at this revision. Comes after what it lists and drops for it. A
    /// client that polls for a part of the list only does not say this: its lookups tell the revision.
    ViewAdvanced {
        /// The revision.
        revision: Revision,
        /// How many instances it lists.
        entries: u32,
        /// The sum of the [fingerprints](super::fingerprint) of what it lists.
        fingerprint: u64,
        /// How it came about.
        by: Advance,
    },
    /// The watcher was told, or found out, that changes are missing, and asks for them, or for all there is.
    ResyncStarted,
    /// Nothing was heard of a watch for too long: it is taken to be dead.
    WatchLost,
    /// The view is too old to be answered from: its cache lifetime is over.
    ViewLapsed,
    /// What keeps the view stands still: nothing that arrives gets into it, and the plan wants it so.
    CacheFroze,
    /// It goes on.
    CacheThawed,
    /// A lookup was answered.
    LookupAnswered {
        /// What was asked for.
        asked: Asked,
        /// How it was answered.
        answer: LookupAnswer,
        /// With how many instances.
        entries: u32,
        /// The age that the answer says it has: the time since the request was sent that the view was last validated
        /// by, on the client's clock. Zero if there is no view yet.
        age: Span,
        /// The revision of the view. Zero if there is none yet.
        revision: Revision,
    },
    /// A call to an instance left.
    CallSent {
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
        /// Where it is said to run.
        to: NodeId,
        /// The call: numbers grow, within a process.
        number: u64,
    },
    /// It was answered.
    CallAnswered {
        /// The instance.
        instance: InstanceId,
        /// The call.
        number: u64,
    },
    /// It was not answered in time.
    CallFailed {
        /// The instance.
        instance: InstanceId,
        /// The call.
        number: u64,
    },
}

/// How a view came to a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advance {
    /// By changes that a watch brought, or by hearing that there are none.
    Watch,
    /// By an answer to a poll.
    Poll,
    /// By what a watch begins with, at first or after a gap: a list of all there is, or all that was missing.
    Resync,
}

/// What a lookup asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// Everybody.
    All,
    /// Those that offer a service.
    Service(ServiceId),
    /// Those that can do all of this.
    Capable(Capabilities),
}

impl Asked {
    /// Whether such an instance is asked for.
    pub const fn fits(self, service: ServiceId, capabilities: Capabilities) -> bool {
        match self {
            Self::All => true,
            Self::Service(asked) => asked.0 == service.0,
            Self::Capable(asked) => asked.0 & capabilities.0 == asked.0,
        }
    }
}

/// How a lookup was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupAnswer {
    /// From a view that is young enough.
    Fresh,
    /// From one that is too old, and it says so.
    Stale,
    /// Not at all: the view is too old, or there is none yet.
    Refused,
}
