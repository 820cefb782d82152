//! How registries and their followers behave.

use leasehold_core::clock::ClockKind;
use leasehold_core::time::Span;

use crate::policy::{Expiry, KeysEnd, ReleaseCheck, Renewals, Restart};
use crate::registry::grace::{GracePolicy, Tries};

/// How a registry behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryPolicy {
    /// The clock that terms are measured on.
    pub clock: ClockKind,
    /// The shortest term it gives; shorter wishes get this.
    pub ttl_min: Span,
    /// The longest term it gives; longer wishes get this.
    pub ttl_max: Span,
    /// How it finds out who lives.
    pub liveness: Liveness,
    /// How often members are expected to send heartbeats: what misses are counted by.
    pub heartbeat: Span,
    /// After so many missed heartbeats a member is suspect.
    pub suspect_after: u32,
    /// What it does for those that are late.
    pub grace: GracePolicy,
    /// How it notices that a term is over.
    pub expiry: Expiry,
    /// What a restart does to leases that live.
    pub restart: Restart,
    /// When a registration is answered.
    pub registrations: Registrations,
    /// What a heartbeat has to name.
    pub heartbeat_check: HeartbeatCheck,
    /// By what it tells a heartbeat from one that was overtaken.
    pub heartbeat_order: HeartbeatOrder,
    /// When a heartbeat is answered.
    pub answers: Renewals,
    /// What it does with a heartbeat for a lease that is over.
    pub late_heartbeat: LateHeartbeat,
    /// What a heartbeat does to a term.
    pub renewal: RenewalTerm,
    /// What a deregistration has to name.
    pub deregister_check: ReleaseCheck,
    /// What becomes of a registration that the member asks for again.
    pub again: RegisteredAgain,
    /// What becomes of a member that says, or is found, to be unable to do its work.
    pub unhealthy: Unhealthy,
    /// How what hangs on a lease vanishes.
    pub ends: KeysEnd,
    /// How leases are numbered.
    pub ids: LeaseIds,
    /// Whether heartbeats are published to watchers.
    pub renewals: RenewalNews,
    /// How it probes, if it does.
    pub probe: ProbePolicy,
    /// How its messages wait their turn; nothing if they are handled in no time.
    pub inbox: Option<InboxPolicy>,
    /// A sweep comes so many times later while the plan says so.
    pub slow_sweep: u32,
    /// How it answers queries and watches.
    pub feed: FeedPolicy,
}

impl Default for RegistryPolicy {
    fn default() -> Self {
        Self {
            clock: ClockKind::Boot,
            ttl_min: Span::from_millis(100),
            ttl_max: Span::from_secs(86_400),
            liveness: Liveness::default(),
            heartbeat: Span::from_secs(10),
            suspect_after: 3,
            grace: GracePolicy::default(),
            expiry: Expiry::ExactTimer,
            restart: Restart::default(),
            registrations: Registrations::default(),
            heartbeat_check: HeartbeatCheck::default(),
            heartbeat_order: HeartbeatOrder::default(),
            answers: Renewals::default(),
            late_heartbeat: LateHeartbeat::default(),
            renewal: RenewalTerm::default(),
            deregister_check: ReleaseCheck::default(),
            again: RegisteredAgain::default(),
            unhealthy: Unhealthy::default(),
            ends: KeysEnd::default(),
            ids: LeaseIds::default(),
            renewals: RenewalNews::default(),
            probe: ProbePolicy::default(),
            inbox: None,
            slow_sweep: 8,
            feed: FeedPolicy::default(),
        }
    }
}

impl RegistryPolicy {
    /// The term that a member gets for which the grace policy proposes this one.
    #[must_use]
    pub fn negotiate(&self, proposed: Span) -> Span {
        proposed.clamp(self.ttl_min, self.ttl_max)
    }

    /// Whether a heartbeat is answered only once it is on the disk. A restart that goes by what is there needs that.
    #[must_use]
    pub fn writes_renewals(&self) -> bool {
        self.answers != Renewals::AtOnce || self.restart == Restart::Remaining
    }

    /// When ends that were due but not admitted are tried again: with a sweep, with the end of a bucket, or as soon as
    /// the guards say.
    #[must_use]
    pub fn tries(&self) -> Tries {
        match self.expiry {
            Expiry::ExactTimer => Tries { every: None, at_most: None },
            Expiry::Sweep { every, at_most } => Tries { every: Some(every), at_most },
            Expiry::Buckets { width } => Tries { every: Some(width), at_most: None },
        }
    }

    /// The longest time that guards withhold an end, on the registry's clock, with so many members; nothing if one has
    /// no limit.
    #[must_use]
    pub fn longest_withheld(&self, members: u32) -> Option<Span> {
        self.grace.longest_withheld(members, self.tries())
    }
}

/// How a registry finds out who lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Liveness {
    /// Members send heartbeats.
    #[default]
    Push,
    /// It probes them; an answer renews the lease.
    Pull,
    /// Members send heartbeats, and it probes whether they can do their work.
    Hybrid,
}

/// What a heartbeat has to name to be counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeartbeatCheck {
    /// The member's lease and epoch, and that it is later than the last.
    #[default]
    LeaseAndEpoch,
    /// The member only: who is dead, or was replaced, lives on by a heartbeat of its past.
    Member,
}

/// By what a heartbeat is told from one that was overtaken, where it names its registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeartbeatOrder {
    /// By its number: above that of the last one.
    #[default]
    Number,
    /// By the reading of its sender's wall clock: after that of the last one. When that clock steps back, nothing counts
    /// until it is there again (Kubernetes #113081).
    WallStamp,
}

/// When a registration is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registrations {
    /// When it is on the disk, and heartbeats for it are counted.
    #[default]
    AnsweredWhenDurable,
    /// At once: a heartbeat may come for a lease that is not there yet, and is refused (etcd PR 13932).
    AnsweredAtOnce,
}

/// What becomes of a heartbeat for a lease that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LateHeartbeat {
    /// It is refused, from the decision to end the lease on: register anew.
    #[default]
    Refused,
    /// It is counted until the end is on the disk, as in Consul's session invalidation.
    TakenUntilRecorded,
    /// The lease lives again, as if it had not ended.
    Revives,
}

/// What a heartbeat does to a term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenewalTerm {
    /// It begins anew.
    #[default]
    FromNow,
    /// It begins anew, but a whole TTL later: the duration is added twice (Eureka).
    AddedTwice,
}

/// What becomes of a registration that a member asks for again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegisteredAgain {
    /// The same request gets the same answer; another one replaces what was there. The lease that was there ends first,
    /// released by the node that asked.
    #[default]
    Replaces,
    /// It is listed a second time, under a lease of its own.
    SecondEntry,
}

/// What becomes of a member that is unable to do its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unhealthy {
    /// It is marked as critical.
    #[default]
    Marked,
    /// Its lease is revoked when it turns unable. One that registers as unable is marked until it is able for the
    /// first time: else it would come and go with each heartbeat.
    Revoked,
}

/// How leases are numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaseIds {
    /// By a counter on the disk.
    #[default]
    Durable,
    /// By a counter that a restart begins anew, as session ids are that come from a clock.
    Volatile,
}

/// Whether heartbeats are published to watchers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenewalNews {
    /// No.
    #[default]
    Never,
    /// Each is a change with a revision of its own.
    Published,
}

/// How somebody is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbePolicy {
    /// How often.
    pub every: Span,
    /// An answer is late after so long: at most `every`.
    pub timeout: Span,
    /// So many probes in a row must fail before somebody is taken to be dead, or unable.
    pub fall: u32,
    /// So many in a row must be answered well before somebody is taken to be able again.
    pub rise: u32,
}

impl Default for ProbePolicy {
    /// Those of HAProxy: every 2 s, fall 3, rise 2. The timeout is chosen by us.
    fn default() -> Self {
        Self { every: Span::from_secs(2), timeout: Span::from_secs(1), fall: 3, rise: 2 }
    }
}

/// How messages wait their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxPolicy {
    /// How long each message takes.
    pub service: Span,
    /// So many may wait; further ones are dropped.
    pub limit: u32,
    /// In which order they are served.
    pub order: InboxOrder,
}

/// In which order messages are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InboxOrder {
    /// Heartbeats first, each kind in the order of arrival. A full inbox drops others before it drops heartbeats.
    #[default]
    HeartbeatsFirst,
    /// In the order of arrival: heartbeats wait behind everything else.
    Arrival,
}

/// How a list is handed out, by a registry or a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPolicy {
    /// Of how many revisions, at least, the changes are kept.
    pub history: u32,
    /// While so many revisions are under way to a watcher, further changes wait for it, and leave together.
    pub window: u32,
    /// A watcher may fall behind by so many revisions.
    pub buffer: u32,
    /// What becomes of a watcher that falls behind further, or asks for what is forgotten.
    pub behind: Behind,
    /// Queries are answered from a copy that is made this often; from the list itself if nothing is said.
    pub response_cache: Option<Span>,
    /// Whether it says how old its answers are.
    pub ages: Ages,
}

impl Default for FeedPolicy {
    /// Chosen by us. With a window of 1 no message of a watch can overtake another, and changes that come in a burst
    /// leave together, once a round trip.
    fn default() -> Self {
        Self {
            history: 1_000,
            window: 1,
            buffer: 1_000,
            behind: Behind::default(),
            response_cache: None,
            ages: Ages::default(),
        }
    }
}

/// What becomes of a watcher for whom changes are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behind {
    /// It is told, and asks for all there is.
    #[default]
    Resync,
    /// It hears of what comes next, as if nothing were missing.
    Skips,
}

/// Whether answers say how old they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ages {
    /// They do: the lifetime of a client's cache counts from when the list was the latest, whatever is in between.
    #[default]
    Told,
    /// They do not: the ages of all caches in between add up, as in Eureka.
    Untold,
}

/// How a follower behaves: it keeps a copy of a registry's list, and hands that out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerPolicy {
    /// How it gets the list, and what it does when it is cut off. Its lookups and calls are not used.
    pub source: super::DiscoveryPolicy,
    /// How it hands it out.
    pub feed: FeedPolicy,
}
