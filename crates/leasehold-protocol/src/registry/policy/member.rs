//! How members behave: instances, and the sidecars that speak for them.

use leasehold_core::clock::ClockKind;
use leasehold_core::time::{Drift, Span};

use crate::policy::{Backoff, Interval, Margin};

/// How a member keeps its registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberPolicy {
    /// The clock that its timers run on.
    pub clock: ClockKind,
    /// The TTL that it asks for.
    pub ttl: Span,
    /// How much of a term it gives up: it takes itself to be registered for the rest, counted from the first send of
    /// what was answered.
    pub margin: Margin,
    /// How often it sends a heartbeat.
    pub heartbeat: Interval,
    /// A heartbeat may come earlier by up to this share of the interval, in parts per million.
    pub jitter_ppm: u32,
    /// What the interval is counted from.
    pub cadence: Cadence,
    /// How often it looks whether a heartbeat is due; each leaves at its time if nothing is said.
    pub looks_every: Option<Span>,
    /// When it is settled that the next one is due an interval later.
    pub next_heartbeat: NextHeartbeat,
    /// What it does about a heartbeat that is not answered.
    pub unanswered: Unanswered,
    /// After so long without an answer it gives up a connection, where heartbeats wait for answers.
    pub dead_peer: Span,
    /// How it asks again for a registration or deregistration that was not answered; and for a heartbeat, if it does.
    pub retry: Backoff,
    /// Whether its heartbeats name its registration.
    pub naming: Naming,
    /// When it registers: as a new process, and after it was told that its lease is over.
    pub comes_back: ComesBack,
    /// What it does when a heartbeat of its is refused.
    pub refused: Refused,
    /// Whether heartbeats begin anew when it is registered anew.
    pub registered_anew: RegisteredAnew,
    /// How it leaves.
    pub leaves: Leaves,
    /// How long it answers calls after it was deregistered, if it does: as long as views may go on listing it.
    pub drain: Span,
    /// Whose thread heartbeats, and answers to probes, are on.
    pub thread: HeartbeatThread,
    /// Who sends the heartbeats.
    pub sender: Sender,
    /// How often its health has to be the same before it says so.
    pub hysteresis: Hysteresis,
    /// How many instances it registers under its lease.
    pub instances: u16,
    /// How many further keys hang on its lease.
    pub keys: u32,
    /// What it works at.
    pub work: MemberWork,
}

impl MemberPolicy {
    /// The safe one, for this TTL: a heartbeat every third of it.
    pub fn new(ttl: Span) -> Self {
        Self {
            clock: ClockKind::Boot,
            ttl,
            margin: Margin::ForDrift(Drift::ZERO),
            heartbeat: Interval::OfTtl { numerator: 1, denominator: 3 },
            jitter_ppm: 0,
            cadence: Cadence::default(),
            looks_every: None,
            next_heartbeat: NextHeartbeat::default(),
            unanswered: Unanswered::default(),
            // Chosen by us: well below the default term.
            dead_peer: Span::from_secs(5),
            retry: Backoff::default(),
            naming: Naming::default(),
            comes_back: ComesBack::default(),
            refused: Refused::default(),
            registered_anew: RegisteredAnew::default(),
            leaves: Leaves::default(),
            // Chosen by us: as long as a view lives by default.
            drain: Span::from_secs(30),
            thread: HeartbeatThread::default(),
            sender: Sender::default(),
            hysteresis: Hysteresis::default(),
            instances: 1,
            keys: 0,
            work: MemberWork::default(),
        }
    }
}

/// What the interval between heartbeats is counted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cadence {
    /// From the heartbeat before.
    #[default]
    Fixed,
    /// From its answer: a round trip more.
    FromAnswer,
}

/// What a member does about a heartbeat that is not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unanswered {
    /// Nothing: the next one is its second chance.
    #[default]
    Waits,
    /// It sends further ones by its back-off, never later than at its cadence, until one is answered or its term is
    /// over; then it waits again.
    Retries,
    /// The next ones wait behind it, as on one ordered connection, until it is answered or the connection is given up
    /// (`dead_peer`); then one leaves on a new connection. Kubernetes #121793: 40 to 50 s until HTTP/2 gives up.
    Blocks,
    /// It is the last one if it is not answered by the time at which the next is due: the loop that sends them has
    /// ended with an error (Consul PR 912, Redisson #775). The work goes on.
    GivesUp,
}

/// When it is settled that the next heartbeat is due an interval later. Until then one is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NextHeartbeat {
    /// When one is sent.
    #[default]
    WhenSent,
    /// When the work has taken the answer out of the channel that it is handed over by: while it does not, one leaves
    /// at each look (etcd #9911).
    WhenDrained,
}

/// What a member does when a heartbeat is refused: its lease is over, says the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refused {
    /// It registers anew.
    #[default]
    RegistersAnew,
    /// Nothing more: it takes that for final, and works on without being registered (etcd's keep-alive).
    GivesUp,
}

/// Whether heartbeats begin anew under a registration that is not the first of its process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegisteredAnew {
    /// They do.
    #[default]
    HeartbeatsGoOn,
    /// Nobody starts them again: they belonged to the registration before (Redisson #3194, CURATOR-202).
    HeartbeatsStayAway,
}

/// What a heartbeat names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// Lease and epoch.
    #[default]
    LeaseAndEpoch,
    /// The member alone.
    Member,
}

/// When a member registers: as a new process, and after it was told that its lease is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComesBack {
    /// After a drawn wait of up to this long, so that all of them do not come at once.
    Paced(Span),
    /// At once.
    AtOnce,
}

impl Default for ComesBack {
    /// Chosen by us.
    fn default() -> Self {
        Self::Paced(Span::from_secs(5))
    }
}

/// How a member leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaves {
    /// It is deregistered, then answers calls a while longer, then stops.
    #[default]
    DeregistersThenStops,
    /// It stops, then asks to be deregistered.
    StopsThenDeregisters,
    /// It stops, and lets its lease expire.
    JustStops,
}

/// Whose thread heartbeats, and answers to probes, are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeartbeatThread {
    /// One of its own, which falls silent, and takes the member off the list, when the work made no progress for too
    /// long (Kafka since KIP-62).
    #[default]
    Supervised,
    /// One of its own, whatever the work does.
    Apart,
    /// The one that does the work: a long task delays heartbeats.
    OfTheWork,
}

/// Who sends heartbeats for an application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sender {
    /// It does itself.
    #[default]
    Itself,
    /// A process beside it, which needs to hear of its progress.
    Sidecar,
    /// A process beside it, whatever it hears.
    DeafSidecar,
    /// Nobody: the registry probes it.
    Nobody,
}

/// How often something has to be seen before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hysteresis {
    /// So many bad ones in a row.
    pub fall: u32,
    /// So many good ones in a row.
    pub rise: u32,
}

impl Default for Hysteresis {
    /// Those of HAProxy.
    fn default() -> Self {
        Self { fall: 3, rise: 2 }
    }
}

/// What an application works at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberWork {
    /// How long a task takes; the next begins at once.
    pub task: Span,
    /// How long its work may stand still before its heartbeats stop: Z.
    pub progress: Span,
    /// How often it looks at its own readiness.
    pub readiness: Span,
    /// Whether its readiness comes and goes by itself.
    pub flaps: Option<Flaps>,
}

/// A readiness that comes and goes by itself, for ever: an application at the edge of what it can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaps {
    /// How long it is ready at a time.
    pub ready: Span,
    /// How long it is not.
    pub unready: Span,
}

impl Default for MemberWork {
    /// Chosen by us.
    fn default() -> Self {
        Self {
            task: Span::from_secs(1),
            progress: Span::from_secs(10),
            readiness: Span::from_secs(1),
            flaps: None,
        }
    }
}

/// How an observer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObserverPolicy {
    /// The clock that its timers run on.
    pub clock: ClockKind,
    /// How it probes.
    pub probe: super::ProbePolicy,
}
