//! What happened: the only thing that checkers see.
//!
//! Events are small and copyable, and name things by integer ids. They come in two kinds, so that no node can
//! forge what only an engine knows: [`NodeEvent`] is what a node says of itself, [`WorldEvent`] what the engine
//! did to it or saw.

mod discovery;
mod operation;
mod probe;
mod registry;

pub use discovery::{Advance, Asked, DiscoveryEvent, LookupAnswer};
pub use operation::{Answer, Operation};
pub use probe::Probe;
pub use registry::{Health, RegistryEvent, Status, fingerprint};

use core::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::clock::{self, Reading};
use crate::id::{
    CommandId, FaultId, Incarnation, KeyId, LeaseId, NodeId, OpId, ResourceId, TaskId, Token, Version,
};
use crate::node::{Leg, Purpose};
use crate::passage::Passage;
use crate::time::{RateError, SimInstant, Span};

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in true time. Within a run, events are ordered by this and then by emission.
    pub at: SimInstant,
    /// To whom; nothing for what concerns the whole world.
    pub node: Option<NodeId>,
    /// What the clock that the node relies on (see [`NodePlan`](crate::plan::NodePlan)) showed then, in
    /// nanoseconds. True time where there is no node.
    pub local: i64,
    /// What.
    pub kind: EventKind,
}

/// What happened, by who may say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventKind {
    /// A node's own report.
    Node(NodeEvent),
    /// The engine's.
    World(WorldEvent),
}

/// What a node reports of itself, through [`Context::emit`](crate::Context::emit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeEvent {
    /// A grantor's grant became durable; its term begins now.
    Granted {
        /// The resource.
        resource: ResourceId,
        /// The new lease.
        lease: LeaseId,
        /// Who holds it.
        holder: NodeId,
        /// Its fencing token.
        token: Token,
        /// Its term, on the grantor's clock.
        ttl: Span,
    },
    /// A grantor decided to start a lease's term anew.
    Renewed {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its token, which a renewal keeps.
        token: Token,
        /// The new term, on the grantor's clock.
        ttl: Span,
    },
    /// A grantor answered a renewal with yes. It leaves now; the renewal may have been decided before.
    RenewalAcknowledged {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
    },
    /// A grantor took a renewal for the current lease of a resource.
    RenewalTaken {
        /// The resource.
        resource: ResourceId,
        /// The lease whose term begins anew.
        lease: LeaseId,
        /// Who asked.
        by: NodeId,
        /// The lease that the request named.
        named_lease: LeaseId,
        /// The token that it named.
        named_token: Token,
    },
    /// A grantor took a release for the current lease of a resource.
    ReleaseTaken {
        /// The resource.
        resource: ResourceId,
        /// The lease that is to end.
        lease: LeaseId,
        /// Who asked.
        by: NodeId,
        /// The lease that the request named.
        named_lease: LeaseId,
        /// The token that it named.
        named_token: Token,
    },
    /// A grantor decided that a lease is to end, and makes that durable.
    EndOrdered {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Why.
        cause: EndCause,
    },
    /// A lease's end became durable.
    Ended {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its token.
        token: Token,
        /// Why.
        cause: EndCause,
    },
    /// A key was attached to a lease: it is to vanish with it.
    KeyAttached {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// The key.
        key: KeyId,
        /// The revision of the grantor's table since which it is there.
        revision: u64,
    },
    /// A key that was attached to a lease vanished.
    KeyEnded {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// The key.
        key: KeyId,
        /// The revision of the grantor's table since which it is gone.
        revision: u64,
    },
    /// A restarted grantor read this lease from its disk: the latest of its resource. If it lives, a new term
    /// of `ttl` begins now. A grantor with many tells of them in the order of their lease ids: some may never have
    /// been told of before.
    Recovered {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Who holds or held it.
        holder: NodeId,
        /// Its token.
        token: Token,
        /// Its term, on the grantor's clock.
        ttl: Span,
        /// Nothing if it lives, else why it ended.
        ended: Option<EndCause>,
    },
    /// How many leases the grantor's own table holds once all decisions reported so far are done.
    TableHolds {
        /// Live leases, over all resources.
        live: u32,
    },
    /// A grantor put a contender into its queue.
    Queued {
        /// The resource.
        resource: ResourceId,
        /// The contender.
        contender: NodeId,
        /// Its place, 1 for the next in turn.
        position: u32,
    },

    /// A contender begins an operation at a grantor: its request leaves for the first time.
    Asked {
        /// The resource.
        resource: ResourceId,
        /// What it asks.
        operation: Operation,
    },
    /// A contender was answered, and takes the answer.
    Told {
        /// The resource.
        resource: ResourceId,
        /// What it was told.
        answer: Answer,
    },

    /// A holder believes that it holds, until `deadline` on its own clock.
    ClaimStarted(Claim),
    /// A holder moved the deadline of its claim.
    ClaimRenewed(Claim),
    /// A holder knows that its claim is over.
    ClaimEnded {
        /// The resource.
        resource: ResourceId,
        /// The claim's token.
        token: Token,
        /// The claiming process.
        incarnation: Incarnation,
        /// Why.
        reason: ClaimEnd,
    },
    /// A contender left: this process of it will not contend again.
    Withdrew {
        /// The resource.
        resource: ResourceId,
    },

    /// A resource answered a read.
    ReadServed {
        /// The resource.
        resource: ResourceId,
        /// Who asked.
        reader: NodeId,
        /// The token that the read carried.
        token: Token,
        /// The version it was shown.
        version: Version,
    },
    /// A holder sent an effect.
    EffectIssued {
        /// The resource.
        resource: ResourceId,
        /// The token it carries.
        token: Token,
        /// Its sequence number.
        op: OpId,
    },
    /// An effect of `writer` became durable at the resource.
    EffectAccepted {
        /// The resource.
        resource: ResourceId,
        /// Who sent it.
        writer: NodeId,
        /// The token it carried.
        token: Token,
        /// Its sequence number.
        op: OpId,
        /// The version that it replaced.
        replaced: Version,
        /// The version that its writer had read; nothing for a blind write.
        based_on: Option<Version>,
        /// A chain over all values so far, so that two histories can be told apart.
        value: u64,
    },
    /// A resource made a token its mark because a new holder asked for it before its first read.
    BarrierRaised {
        /// The resource.
        resource: ResourceId,
        /// Who asked.
        by: NodeId,
        /// The token.
        token: Token,
    },
    /// The effect of a task became durable at the resource. Comes just after its
    /// [`EffectAccepted`](Self::EffectAccepted).
    TaskApplied {
        /// The resource.
        resource: ResourceId,
        /// The task. A resource's tasks are numbered from 0, without gaps.
        task: TaskId,
        /// Who worked on it.
        by: NodeId,
        /// The token that it carried.
        token: Token,
    },
    /// A resource refused a read or a write.
    AccessRefused {
        /// The resource.
        resource: ResourceId,
        /// Who asked.
        by: NodeId,
        /// What for.
        access: Access,
        /// The token that the request carried.
        token: Token,
        /// Why.
        refusal: Refusal,
    },
    /// A resource recognised an operation that it had done before, and did not do it again.
    DuplicateRecognised {
        /// The resource.
        resource: ResourceId,
        /// Who sent it.
        writer: NodeId,
        /// Its sequence number.
        op: OpId,
    },

    /// The node passed a place that a test of the protocol should reach.
    Probed(Probe),

    /// Of a registry, or of who is registered there.
    Registry(RegistryEvent),
    /// Of a node that keeps a view of a registry.
    Discovery(DiscoveryEvent),
}

/// A holder's belief that it holds a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The resource.
    pub resource: ResourceId,
    /// The token under which it claims.
    pub token: Token,
    /// The claiming process.
    pub incarnation: Incarnation,
    /// Until when, on the holder's own clock: its guard says yes while that clock shows less.
    #[serde(with = "clock::in_an_event")]
    pub deadline: Reading,
    /// The TTL that the grantor gave.
    pub ttl: Span,
}

/// Why a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// Somebody asked for it and the grantor found it entitled.
    Released {
        /// Who asked.
        by: NodeId,
    },
    /// Its term was over.
    Expired,
    /// Somebody entitled took it from its holder.
    Revoked {
        /// Why.
        reason: Revocation,
    },
}

/// Why a lease was taken from its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revocation {
    /// An administrator said so.
    Administrator,
    /// A contender with a higher priority wants it.
    Priority,
    /// Its owner asked for it again under another process: one of the two is an impostor or dead.
    Conflict,
    /// Its holder was found to be unable to do its work.
    HealthCheck,
}

impl Revocation {
    /// The name as it stands in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Priority => "priority",
            Self::Conflict => "conflict",
            Self::HealthCheck => "health-check",
        }
    }
}

/// Why a holder gave up its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimEnd {
    /// It let go by itself.
    Released,
    /// Its own deadline came.
    Lapsed,
    /// The grantor said that the lease is gone.
    ToldLost,
    /// The resource refused its token.
    Fenced,
    /// It gave up because a renewal was not answered at once.
    GaveUp,
}

/// What an access to a resource wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// To read.
    Read,
    /// To write.
    Write,
}

/// Why a resource refused an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Its token is older than the resource's mark.
    Stale {
        /// The mark.
        mark: Token,
    },
    /// Its token is not the one that the resource goes by. Says nothing of which is older.
    NotCurrent {
        /// That one.
        current: Token,
    },
    /// What it was based on is no longer the latest version (compare-and-set).
    Conflict {
        /// The latest version.
        latest: Version,
    },
}

/// What the engine did to a node, or saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorldEvent {
    /// The node's process started for the first time.
    Started,
    /// The process died; its memory is gone.
    Crashed,
    /// The process started again, with what its disk kept.
    Restarted {
        /// The new process.
        incarnation: Incarnation,
    },
    /// The process stopped between two instructions; its clocks go on.
    Paused,
    /// The machine stopped; its monotonic clock stands still.
    Suspended,
    /// The process goes on where it stopped.
    Resumed,
    /// The node's code panicked. The run ends here.
    Panicked,
    /// All clocks of the host run at a new rate.
    ClockRateChanged {
        /// The new error.
        rate: RateError,
    },
    /// The host's wall clock jumped.
    WallStepped {
        /// By so many nanoseconds, negative for back.
        by: i64,
    },
    /// All clocks of the host stand still.
    ClocksFroze,
    /// They run again, from where they stood.
    ClocksThawed,
    /// The host's disk completes no writes any more.
    DiskStalled,
    /// It completes writes again, first those that waited.
    DiskFlows,
    /// The host's disk lost everything.
    DiskWiped,
    /// The process runs slowly: each step takes it some time.
    Throttled,
    /// It runs at its ordinary speed again.
    Unthrottled,
    /// The node was given a command of its system.
    CommandGiven {
        /// Which.
        command: CommandId,
    },

    /// The clock of the claiming node reached the claim's deadline: its guard says no from now on, whether the
    /// process runs or not.
    ClaimLapsed {
        /// The resource.
        resource: ResourceId,
        /// The claim's token.
        token: Token,
        /// The claiming process.
        incarnation: Incarnation,
    },
    /// That clock stepped back below the deadline, and the node has not seen the end: its guard says yes again.
    ClaimResumed {
        /// The resource.
        resource: ResourceId,
        /// The claim's token.
        token: Token,
        /// The claiming process.
        incarnation: Incarnation,
    },

    /// A message from this event's node did not arrive.
    MessageLost {
        /// Where it was going.
        to: NodeId,
        /// What it was about.
        purpose: Purpose,
        /// Which leg of the exchange it was.
        leg: Leg,
        /// Why.
        cause: LossCause,
    },

    /// A fault's trigger was met.
    FaultFired {
        /// Which fault.
        fault: FaultId,
    },
    /// A fault touched something for the first time.
    FaultLanded {
        /// Which fault.
        fault: FaultId,
    },
    /// A fault is over.
    FaultHealed {
        /// Which fault.
        fault: FaultId,
    },

    /// From now on an assumption about this event's node does not hold: timed invariants count, not judge.
    AssumptionBroken {
        /// Which.
        assumption: Assumption,
    },
    /// It holds again.
    AssumptionRestored {
        /// Which.
        assumption: Assumption,
    },

    /// A phase of the run began.
    PhaseEntered {
        /// Which.
        phase: Phase,
    },
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// The network's own loss.
    Noise,
    /// A partition or a lossy-link fault.
    Fault,
    /// The receiver's process was down.
    Down,
    /// The receiver was paused and its buffer full.
    Overflow,
    /// There was no connection to take it, or the one that had taken it broke. Only on an engine that has connections.
    Disconnected,
}

/// What timed invariants rely on, per node. Source: ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assumption {
    /// The rates of the node's clocks lie within the declared bound.
    ClockRate,
    /// The clock that the node relies on is not suspended.
    ClockRuns,
    /// The disk keeps what was synced.
    DiskKeeps,
    /// The disk takes no longer for a write than was declared.
    DiskTimely,
}

impl Assumption {
    /// The name as it stands in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClockRate => "clock-rate",
            Self::ClockRuns => "clock-runs",
            Self::DiskKeeps => "disk-keeps",
            Self::DiskTimely => "disk-timely",
        }
    }
}

/// The parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Faults fire.
    Chaos,
    /// Every fault is healed, and the core stays so; liveness is judged from here.
    Settle,
}

/// Takes events as they happen. Sinks compose: a digest, checkers, a recorder and a log can listen at once.
pub trait EventSink {
    /// Takes one event. Returning [`ControlFlow::Break`] ends the run after it.
    fn on_event(&mut self, event: &Event) -> ControlFlow<()>;

    /// Hears what becomes of a message, in the order of time among the events.
    fn on_message(&mut self, passage: &Passage) {
        let _ = passage;
    }
}

impl<S: EventSink + ?Sized> EventSink for &mut S {
    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        (**self).on_event(event)
    }

    fn on_message(&mut self, passage: &Passage) {
        (**self).on_message(passage);
    }
}

impl<A: EventSink, B: EventSink> EventSink for (A, B) {
    /// Both see the event; either may end the run.
    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        let first = self.0.on_event(event);
        let second = self.1.on_event(event);
        if first.is_break() { first } else { second }
    }

    fn on_message(&mut self, passage: &Passage) {
        self.0.on_message(passage);
        self.1.on_message(passage);
    }
}

impl<S: EventSink> EventSink for Option<S> {
    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        self.as_mut().map_or(ControlFlow::Continue(()), |sink| sink.on_event(event))
    }

    fn on_message(&mut self, passage: &Passage) {
        if let Some(sink) = self {
            sink.on_message(passage);
        }
    }
}

/// Hears everything and remembers nothing.
impl EventSink for () {
    fn on_event(&mut self, _: &Event) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Remembers everything: for tests.
impl EventSink for alloc::vec::Vec<Event> {
    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        self.push(*event);
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockKind;

    #[test]
    fn an_event_survives_the_trace() {
        let event = Event {
            at: SimInstant::from_nanos(5),
            node: Some(NodeId(3)),
            local: -7,
            kind: EventKind::Node(NodeEvent::ClaimStarted(Claim {
                resource: ResourceId(0),
                token: Token(9),
                incarnation: Incarnation(1),
                deadline: Reading::new(ClockKind::Boot, 11),
                ttl: Span::from_secs(10),
            })),
        };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        let crashed = Event { kind: EventKind::World(WorldEvent::Crashed), ..event };
        let line = serde_json::to_string(&crashed).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), crashed);
    }

    /// The two kinds stand untagged in a trace, so no name may mean both.
    #[test]
    fn no_two_events_share_a_name() {
        let source = include_str!("event.rs");
        let variants = |name: &str| -> std::vec::Vec<&str> {
            let (_, rest) = source.split_once(&std::format!("pub enum {name} {{\n")).unwrap();
            let (body, _) = rest.split_once("\n}\n").unwrap();
            let lines = body.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     "));
            let words = lines.filter_map(|line| line.trim().split([' ', ',', '(', '{']).next());
            words.filter(|word| word.starts_with(char::is_uppercase)).collect()
        };
        let (node, world) = (variants("NodeEvent"), variants("WorldEvent"));
        assert!(node.len() > 15 && world.len() > 15, "{node:?} {world:?}");
        assert!(node.iter().all(|name| !world.contains(name)));
    }
}
