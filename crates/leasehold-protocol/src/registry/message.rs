//! What registry, members and discovery clients say to each other.

use alloc::sync::Arc;

use leasehold_core::clock::{LocalInstant, Wall};
use leasehold_core::event::{Asked, EndCause, Health, Status};
use leasehold_core::id::{
    Capabilities, Epoch, Incarnation, InstanceId, LeaseId, NodeId, RequestId, ResourceId, Revision, ServiceId,
};
use leasehold_core::node::{Leg, Message, Purpose};
use leasehold_core::time::Span;
use serde::{Deserialize, Serialize};

/// An instance that a member registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The instance.
    pub instance: InstanceId,
    /// The service that it offers.
    pub service: ServiceId,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Where it is called: its endpoint.
    pub node: NodeId,
}

/// An instance as a registry lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The instance, and what it offers.
    pub offer: Offer,
    /// The member that it belongs to.
    pub member: ResourceId,
    /// The lease that it hangs on.
    pub lease: LeaseId,
    /// Which registration of it this is.
    pub epoch: Epoch,
    /// How it is.
    pub status: Status,
}

/// What changed in a registry's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// An instance is there, or with another epoch or status than before.
    Listed(Entry),
    /// An instance is gone.
    Ended {
        /// The instance.
        instance: InstanceId,
        /// Its registration.
        epoch: Epoch,
        /// Why.
        cause: EndCause,
    },
    /// A heartbeat was counted. Only a registry that publishes them says so.
    Renewed {
        /// The member.
        member: ResourceId,
    },
}

/// A message of the protocol. Lists and changes are shared, never copied: a change goes to a thousand watchers as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryMessage {
    /// Member to registry: list me. A retry is the same message.
    Register {
        /// The member.
        member: ResourceId,
        /// The process that asks.
        incarnation: Incarnation,
        /// The request.
        request: RequestId,
        /// The TTL that it would like.
        ttl: Span,
        /// Its instances.
        offers: Arc<[Offer]>,
        /// How many further keys are to hang on the lease.
        keys: u32,
        /// How it is.
        health: Health,
    },
    /// Registry to member: done.
    Registered {
        /// The member.
        member: ResourceId,
        /// The process that asked.
        incarnation: Incarnation,
        /// The request that this answers.
        request: RequestId,
        /// The lease.
        lease: LeaseId,
        /// Which registration of the member this is.
        epoch: Epoch,
        /// Its term.
        ttl: Span,
    },
    /// Registry to member: not now.
    RegisterRefused {
        /// The member.
        member: ResourceId,
        /// The process that asked.
        incarnation: Incarnation,
        /// The request that this answers.
        request: RequestId,
        /// Why.
        because: RefusedBecause,
        /// When to ask again.
        retry_after: Span,
    },
    /// Member to registry: I am still there.
    Heartbeat {
        /// The member.
        member: ResourceId,
        /// Its lease.
        lease: LeaseId,
        /// Its registration; nothing from a member that does not keep it.
        epoch: Option<Epoch>,
        /// How many heartbeats this process sent before under this lease.
        number: u64,
        /// What its sender's wall clock shows.
        stamp: LocalInstant<Wall>,
        /// How it is, all in all.
        health: Health,
    },
    /// Registry to member: counted.
    HeartbeatTaken {
        /// The lease.
        lease: LeaseId,
        /// The heartbeat that this answers.
        number: u64,
        /// The new term.
        ttl: Span,
    },
    /// Registry to member: that lease is over. Register anew.
    HeartbeatRefused {
        /// The lease.
        lease: LeaseId,
        /// The heartbeat that this answers.
        number: u64,
    },
    /// Member to registry: take me off the list.
    Deregister {
        /// The member.
        member: ResourceId,
        /// Its lease.
        lease: LeaseId,
        /// Its registration.
        epoch: Epoch,
        /// The request.
        request: RequestId,
    },
    /// Registry to member: you are off the list, by this or before.
    Deregistered {
        /// The lease.
        lease: LeaseId,
        /// The request that this answers.
        request: RequestId,
    },
    /// Registry to member, unasked: your lease was taken from you.
    Revoked {
        /// The lease.
        lease: LeaseId,
    },
    /// Application to its sidecar: I am at work.
    Progress {
        /// The process that works.
        incarnation: Incarnation,
        /// How much was done so far.
        done: u64,
        /// How it is.
        health: Health,
    },
    /// Application to its sidecar: I go, take me off the list. A retry is the same message.
    Leave {
        /// The process that goes.
        incarnation: Incarnation,
    },
    /// Sidecar to its application: you are off the list.
    Left {
        /// The process that goes.
        incarnation: Incarnation,
    },

    /// Registry or observer to an application: how are you?
    Probe {
        /// The probe: numbers grow, at each who asks.
        number: u64,
        /// What is asked for.
        kind: ProbeKind,
    },
    /// Application to whoever asked.
    ProbeAnswer {
        /// The probe that this answers.
        number: u64,
        /// The process that answers.
        incarnation: Incarnation,
        /// How it is. Whoever answers lives.
        health: Health,
    },
    /// Observer to registry: what it found out about a member, by a probe of its own.
    Observed {
        /// The member.
        member: ResourceId,
        /// In which round of probes: the numbers of an observer grow, over its restarts too.
        round: u64,
        /// How it is; nothing if it did not answer.
        health: Option<Health>,
    },

    /// Anybody to registry or follower: whom do you list?
    Query {
        /// The request.
        request: RequestId,
        /// Whom it asks for.
        asked: Asked,
        /// The revision that whoever asks has already.
        known: Option<Revision>,
    },
    /// To whoever asked.
    Answer {
        /// The request that this answers.
        request: RequestId,
        /// The revision that it shows.
        revision: Revision,
        /// How long ago that was the latest, for all that whoever answers knows: its own cache's age, on its clock. The
        /// registry itself says zero.
        age: Span,
        /// Whom it lists.
        result: QueryResult,
    },
    /// Discovery client or follower to registry or follower: tell me of changes. Replaces an earlier watch of it, and
    /// is answered at once. One that comes again begins again.
    Watch {
        /// The watch: numbers grow, at each who watches, over its restarts too.
        stream: u64,
        /// The revision that it has; nothing if it has none and wants all there is.
        from: Option<Revision>,
        /// The ping that this is: see [`WatchTaken`](Self::WatchTaken).
        ping: u64,
    },
    /// To a watcher: all there is. The watch goes on from here.
    Snapshot {
        /// The watch.
        stream: u64,
        /// The revision.
        revision: Revision,
        /// How old that is, as in [`Answer`](Self::Answer).
        age: Span,
        /// The latest ping of this watch that had been heard when this was sent.
        heard: u64,
        /// All that is listed.
        entries: Arc<[Entry]>,
    },
    /// To a watcher: what changed.
    Changes {
        /// The watch.
        stream: u64,
        /// The revision that they follow on: whoever does not have that has missed something.
        after: Revision,
        /// The revision that they lead to.
        upto: Revision,
        /// How old that is, as in [`Answer`](Self::Answer).
        age: Span,
        /// The latest ping of this watch that had been heard when this was sent.
        heard: u64,
        /// The changes.
        changes: Arc<[Change]>,
    },
    /// To a watcher, as the answer to its ping: nothing changed since, and the watch lives.
    NoNews {
        /// The watch.
        stream: u64,
        /// The revision that the watcher has been told of.
        revision: Revision,
        /// How old that is, as in [`Answer`](Self::Answer).
        age: Span,
        /// The latest ping of this watch that had been heard when this was sent.
        heard: u64,
    },
    /// Watcher to whom it watches: I have come so far. One with a ping that was not heard before is answered at once,
    /// with what changed or with [`NoNews`](Self::NoNews).
    ///
    /// Only what answers a request of the watcher can tell it how old its view is: it knows when it sent the request,
    /// and the answer cannot be about an earlier time. When a message was sent by the other side it cannot know.
    WatchTaken {
        /// The watch.
        stream: u64,
        /// The revision.
        revision: Revision,
        /// The latest ping that it sent: they are numbered from 0 within a watch.
        ping: u64,
    },
    /// To a watcher: what it asks for, or has not taken yet, is forgotten, or the whole watch is. Ask for all there is.
    MustResync {
        /// The watch.
        stream: u64,
        /// The oldest revision that can be gone on from.
        oldest: Revision,
    },

    /// Discovery client to an instance: do something.
    Call {
        /// The call.
        number: u64,
        /// The instance.
        instance: InstanceId,
    },
    /// Instance to whoever called.
    CallDone {
        /// The call that this answers.
        number: u64,
        /// The instance.
        instance: InstanceId,
    },
}

/// Why somebody is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusedBecause {
    /// Another one is registered under its name and lives.
    NameTaken,
}

/// What a probe asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeKind {
    /// Whether the process runs.
    Liveness,
    /// Whether it can do its work.
    Readiness,
}

/// Whom a registry lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryResult {
    /// Nothing changed since the revision that was known.
    Unchanged,
    /// These, and nobody else that was asked for.
    Entries(Arc<[Entry]>),
}

impl Message for RegistryMessage {
    fn class(&self) -> (Purpose, Leg) {
        match self {
            Self::Register { .. } => (Purpose::Acquire, Leg::Request),
            Self::Registered { .. } | Self::RegisterRefused { .. } => (Purpose::Acquire, Leg::Reply),
            Self::Heartbeat { .. } => (Purpose::Renew, Leg::Request),
            Self::HeartbeatTaken { .. } | Self::HeartbeatRefused { .. } | Self::Revoked { .. } => {
                (Purpose::Renew, Leg::Reply)
            }
            Self::Deregister { .. } | Self::Leave { .. } => (Purpose::Release, Leg::Request),
            Self::Deregistered { .. } | Self::Left { .. } => (Purpose::Release, Leg::Reply),
            Self::Progress { .. } => (Purpose::Other, Leg::Request),
            Self::Probe { .. } => (Purpose::Probe, Leg::Request),
            Self::ProbeAnswer { .. } | Self::Observed { .. } => (Purpose::Probe, Leg::Reply),
            Self::Query { .. } => (Purpose::Query, Leg::Request),
            Self::Answer { .. } => (Purpose::Query, Leg::Reply),
            Self::Watch { .. } | Self::WatchTaken { .. } => (Purpose::Watch, Leg::Request),
            Self::Snapshot { .. } | Self::Changes { .. } | Self::NoNews { .. } | Self::MustResync { .. } => {
                (Purpose::Watch, Leg::Reply)
            }
            Self::Call { .. } => (Purpose::Call, Leg::Request),
            Self::CallDone { .. } => (Purpose::Call, Leg::Reply),
        }
    }
}
