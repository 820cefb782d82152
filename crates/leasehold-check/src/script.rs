//! A small language for hand-written event lists, so that they read as data.
//!
//! The cast: grantor [`G`], contenders [`A`], [`B`] and [`C`], resource node [`S`]. All contend for [`R`];
//! [`R2`] is there to be mixed up with it. With a drift of 25 % and a TTL of 15 s, a lease ends no earlier than
//! 12 s and no later than 21 s (20 s and a slack of 1 s); the aftermath of a broken assumption is 22 s.

pub(crate) mod registry;

use alloc::borrow::ToOwned;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

pub(crate) use leasehold_core::event::{
    Access, Answer, Assumption, Claim, ClaimEnd, EndCause, LossCause, Operation, Phase, Refusal,
};
pub(crate) use leasehold_core::plan::Role;
pub(crate) use leasehold_core::trace::Header;
use leasehold_core::trace::{FORMAT, TraceNode};
use leasehold_core::{
    Bounds, ClockKind, Drift, EventKind, EventSink, Incarnation, KeyId, OpId, Reading, Span, TaskId, Version,
};
pub(crate) use leasehold_core::{
    Event, LeaseId, NodeEvent, NodeId, ResourceId, SimInstant, Token, WorldEvent,
};

use crate::invariant::Invariant;
use crate::judge::Judge;
use crate::report::{InvariantReport, Judgement};

pub(crate) const G: NodeId = NodeId(0);
pub(crate) const A: NodeId = NodeId(1);
pub(crate) const B: NodeId = NodeId(2);
pub(crate) const C: NodeId = NodeId(3);
pub(crate) const S: NodeId = NodeId(4);
pub(crate) const R: ResourceId = ResourceId(0);
pub(crate) const R2: ResourceId = ResourceId(7);
pub(crate) const TTL: Span = Span::from_secs(15);

pub(crate) const CRASHED: WorldEvent = WorldEvent::Crashed;
pub(crate) const PAUSED: WorldEvent = WorldEvent::Paused;
pub(crate) const SUSPENDED: WorldEvent = WorldEvent::Suspended;
pub(crate) const RESUMED: WorldEvent = WorldEvent::Resumed;
pub(crate) const RESTARTED: WorldEvent = WorldEvent::Restarted { incarnation: Incarnation(1) };
pub(crate) const SETTLE: WorldEvent = WorldEvent::PhaseEntered { phase: Phase::Settle };
pub(crate) const EXPIRED: EndCause = EndCause::Expired;
pub(crate) const REVOKED: EndCause =
    EndCause::Revoked { reason: leasehold_core::event::Revocation::Administrator };
pub(crate) const LAPSED: ClaimEnd = ClaimEnd::Lapsed;
pub(crate) const LET_GO: ClaimEnd = ClaimEnd::Released;

pub(crate) const fn bounds() -> Bounds {
    Bounds {
        clock_rate: Drift::from_ppb(250_000_000).expect("a quarter is below a half"),
        delay: Span::from_millis(500),
        end_slack: Span::from_secs(1),
        extensions: None,
        regrant: Span::from_secs(30),
        longest_ttl: TTL,
        lock_delay: Span::ZERO,
        discovery: None,
    }
}

pub(crate) fn header(invariants: &[Invariant]) -> Header {
    let node = |name: &str, role, contends_for: &[ResourceId]| TraceNode {
        name: name.to_owned(),
        role,
        relies_on: ClockKind::Boot,
        contends_for: contends_for.to_vec(),
    };
    Header {
        format: FORMAT,
        tool: "test".to_owned(),
        scenario: "script".to_owned(),
        system: "script".to_owned(),
        engine: "none".to_owned(),
        seed: 0,
        nodes: vec![
            node("g", Role::Grantor, &[]),
            node("a", Role::Contender, &[R]),
            node("b", Role::Contender, &[R]),
            node("c", Role::Contender, &[R]),
            node("s", Role::Resource, &[]),
        ],
        faults: vec![],
        instances: vec![],
        delaying: vec![],
        commands: vec![],
        bounds: bounds(),
        invariants: invariants.iter().map(|invariant| invariant.name().to_string()).collect(),
        reach: vec![],
    }
}

/// Starts every node and judges the events by these invariants.
pub(crate) fn judgement(invariants: &[Invariant], events: &[Event], ended_at: SimInstant) -> Judgement {
    judgement_with(&header(invariants), events, ended_at)
}

/// The same under another header.
pub(crate) fn judgement_with(header: &Header, events: &[Event], ended_at: SimInstant) -> Judgement {
    let mut judge = Judge::new(header).unwrap();
    for event in starts().iter().chain(events) {
        assert!(judge.on_event(event).is_continue());
    }
    judge.finish(ended_at)
}

/// The same for one invariant.
pub(crate) fn report(invariant: Invariant, events: &[Event], ended_at: SimInstant) -> InvariantReport {
    assert!(events.is_sorted_by_key(|event| event.at), "events stand in the order of time");
    judgement(&[invariant], events, ended_at).invariants.remove(0)
}

/// The report on one invariant under other bounds.
pub(crate) fn report_under(
    bounds: Bounds,
    invariant: Invariant,
    events: &[Event],
    ended_at: SimInstant,
) -> InvariantReport {
    assert!(events.is_sorted_by_key(|event| event.at), "events stand in the order of time");
    let header = Header { bounds, ..header(&[invariant]) };
    judgement_with(&header, events, ended_at).invariants.remove(0)
}

/// The report on the lock-delay, where one is promised.
pub(crate) fn report_with_lock_delay(
    lock_delay: Span,
    events: &[Event],
    ended_at: SimInstant,
) -> InvariantReport {
    report_under(Bounds { lock_delay, ..bounds() }, Invariant::LockDelay, events, ended_at)
}

pub(crate) fn starts() -> Vec<Event> {
    [G, A, B, C, S].map(|node| at(SimInstant::START, node, WorldEvent::Started)).to_vec()
}

impl InvariantReport {
    pub(crate) fn clauses(&self) -> Vec<&'static str> {
        assert_eq!(self.violations, self.evidence.len() as u64, "no more than are kept");
        self.evidence.iter().map(|violation| violation.clause).collect()
    }

    /// How often it was judged, excused, violated.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        (self.judged, self.excused, self.violations)
    }
}

pub(crate) const fn s(seconds: u64) -> SimInstant {
    SimInstant::from_nanos(seconds * 1_000_000_000)
}

pub(crate) const fn just_before(instant: SimInstant) -> SimInstant {
    SimInstant::from_nanos(instant.as_nanos() - 1)
}

pub(crate) const fn just_after(instant: SimInstant) -> SimInstant {
    SimInstant::from_nanos(instant.as_nanos() + 1)
}

pub(crate) const fn t(token: u64) -> Token {
    Token(token)
}

/// What a node or the engine can say.
pub(crate) trait Kind {
    fn kind(self) -> EventKind;
}

impl Kind for NodeEvent {
    fn kind(self) -> EventKind {
        EventKind::Node(self)
    }
}

impl Kind for WorldEvent {
    fn kind(self) -> EventKind {
        EventKind::World(self)
    }
}

pub(crate) fn at(at: SimInstant, node: NodeId, kind: impl Kind) -> Event {
    Event { at, node: Some(node), local: 0, kind: kind.kind() }
}

/// Of nobody in particular.
pub(crate) fn world(at: SimInstant, event: WorldEvent) -> Event {
    Event { at, node: None, local: 0, kind: EventKind::World(event) }
}

/// A grant of [`R`] for [`TTL`]; the token has the number of the lease.
pub(crate) const fn granted(lease: u64, holder: NodeId) -> NodeEvent {
    granted_with(lease, holder, lease)
}

pub(crate) const fn granted_with(lease: u64, holder: NodeId, token: u64) -> NodeEvent {
    NodeEvent::Granted { resource: R, lease: LeaseId(lease), holder, token: t(token), ttl: TTL }
}

pub(crate) const fn renewed(lease: u64) -> NodeEvent {
    renewed_with(lease, lease)
}

pub(crate) const fn renewed_with(lease: u64, token: u64) -> NodeEvent {
    NodeEvent::Renewed { resource: R, lease: LeaseId(lease), token: t(token), ttl: TTL }
}

/// A renewal for so many seconds.
pub(crate) const fn renewed_for(lease: u64, seconds: u64) -> NodeEvent {
    let ttl = Span::from_secs(seconds);
    NodeEvent::Renewed { resource: R, lease: LeaseId(lease), token: t(lease), ttl }
}

pub(crate) const fn acknowledged(lease: u64) -> NodeEvent {
    NodeEvent::RenewalAcknowledged { resource: R, lease: LeaseId(lease) }
}

pub(crate) const fn end_ordered(lease: u64, cause: EndCause) -> NodeEvent {
    NodeEvent::EndOrdered { resource: R, lease: LeaseId(lease), cause }
}

/// A release that names the lease, and its token.
pub(crate) const fn release_taken(lease: u64, by: NodeId) -> NodeEvent {
    release_naming(lease, by, lease, lease)
}

/// A renewal that is taken for a lease, and what it named.
pub(crate) const fn renewal_naming(lease: u64, by: NodeId, named: u64, token: u64) -> NodeEvent {
    NodeEvent::RenewalTaken {
        resource: R,
        lease: LeaseId(lease),
        by,
        named_lease: LeaseId(named),
        named_token: t(token),
    }
}

pub(crate) const fn release_naming(lease: u64, by: NodeId, named: u64, token: u64) -> NodeEvent {
    NodeEvent::ReleaseTaken {
        resource: R,
        lease: LeaseId(lease),
        by,
        named_lease: LeaseId(named),
        named_token: t(token),
    }
}

pub(crate) const fn key_attached(lease: u64, key: u32, revision: u64) -> NodeEvent {
    NodeEvent::KeyAttached { resource: R, lease: LeaseId(lease), key: KeyId(key), revision }
}

pub(crate) const fn key_ended(lease: u64, key: u32, revision: u64) -> NodeEvent {
    NodeEvent::KeyEnded { resource: R, lease: LeaseId(lease), key: KeyId(key), revision }
}

pub(crate) const fn ended(lease: u64, cause: EndCause) -> NodeEvent {
    NodeEvent::Ended { resource: R, lease: LeaseId(lease), token: t(lease), cause }
}

pub(crate) const fn released_by(by: NodeId) -> EndCause {
    EndCause::Released { by }
}

pub(crate) const fn recovered(lease: u64, holder: NodeId, ended: Option<EndCause>) -> NodeEvent {
    recovered_with(lease, holder, lease, ended)
}

pub(crate) const fn recovered_with(
    lease: u64,
    holder: NodeId,
    token: u64,
    ended: Option<EndCause>,
) -> NodeEvent {
    NodeEvent::Recovered { resource: R, lease: LeaseId(lease), holder, token: t(token), ttl: TTL, ended }
}

/// Alive, with so many seconds.
pub(crate) const fn recovered_for(lease: u64, holder: NodeId, seconds: u64) -> NodeEvent {
    NodeEvent::Recovered {
        resource: R,
        lease: LeaseId(lease),
        holder,
        token: t(lease),
        ttl: Span::from_secs(seconds),
        ended: None,
    }
}

pub(crate) const fn holds(live: u32) -> NodeEvent {
    NodeEvent::TableHolds { live }
}

const fn claim(token: u64) -> Claim {
    Claim {
        resource: R,
        token: t(token),
        incarnation: Incarnation(0),
        deadline: Reading::new(ClockKind::Boot, 0),
        ttl: TTL,
    }
}

pub(crate) const fn claim_started(token: u64) -> NodeEvent {
    NodeEvent::ClaimStarted(claim(token))
}

pub(crate) const fn claim_started_on(resource: ResourceId, token: u64) -> NodeEvent {
    NodeEvent::ClaimStarted(Claim { resource, ..claim(token) })
}

pub(crate) const fn claim_renewed(token: u64) -> NodeEvent {
    NodeEvent::ClaimRenewed(claim(token))
}

pub(crate) const fn claim_ended(token: u64, reason: ClaimEnd) -> NodeEvent {
    NodeEvent::ClaimEnded { resource: R, token: t(token), incarnation: Incarnation(0), reason }
}

pub(crate) const fn lapsed(token: u64) -> WorldEvent {
    WorldEvent::ClaimLapsed { resource: R, token: t(token), incarnation: Incarnation(0) }
}

pub(crate) const fn resumed_claim(token: u64) -> WorldEvent {
    WorldEvent::ClaimResumed { resource: R, token: t(token), incarnation: Incarnation(0) }
}

pub(crate) const fn withdrew() -> NodeEvent {
    NodeEvent::Withdrew { resource: R }
}

pub(crate) const fn broken(assumption: Assumption) -> WorldEvent {
    WorldEvent::AssumptionBroken { assumption }
}

pub(crate) const fn restored(assumption: Assumption) -> WorldEvent {
    WorldEvent::AssumptionRestored { assumption }
}

/// The resource tells `reader` its version.
pub(crate) const fn served(reader: NodeId, token: u64, version: u64) -> NodeEvent {
    NodeEvent::ReadServed { resource: R, reader, token: t(token), version: Version(version) }
}

pub(crate) const fn issued(token: u64) -> NodeEvent {
    NodeEvent::EffectIssued { resource: R, token: t(token), op: OpId(1) }
}

/// A blind write.
pub(crate) const fn accepted(writer: NodeId, token: u64) -> NodeEvent {
    wrote(writer, token, 0, None)
}

/// A write that replaced one version and was based on another.
pub(crate) const fn wrote(writer: NodeId, token: u64, replaced: u64, based_on: Option<u64>) -> NodeEvent {
    NodeEvent::EffectAccepted {
        resource: R,
        writer,
        token: t(token),
        op: OpId(1),
        replaced: Version(replaced),
        based_on: match based_on {
            Some(version) => Some(Version(version)),
            None => None,
        },
        value: 0,
    }
}

/// A refusal of an access as stale.
pub(crate) const fn refused(by: NodeId, access: Access, token: u64, mark: u64) -> NodeEvent {
    let refusal = Refusal::Stale { mark: t(mark) };
    NodeEvent::AccessRefused { resource: R, by, access, token: t(token), refusal }
}

/// A refusal because the resource goes by another token.
pub(crate) const fn not_current(by: NodeId, token: u64, current: u64) -> NodeEvent {
    let refusal = Refusal::NotCurrent { current: t(current) };
    NodeEvent::AccessRefused { resource: R, by, access: Access::Write, token: t(token), refusal }
}

pub(crate) const fn barrier(by: NodeId, token: u64) -> NodeEvent {
    NodeEvent::BarrierRaised { resource: R, by, token: t(token) }
}

pub(crate) const fn applied(task: u64) -> NodeEvent {
    NodeEvent::TaskApplied { resource: R, task: TaskId(task), by: A, token: t(1) }
}

pub(crate) const fn asks(operation: Operation) -> NodeEvent {
    NodeEvent::Asked { resource: R, operation }
}

pub(crate) const fn told(answer: Answer) -> NodeEvent {
    NodeEvent::Told { resource: R, answer }
}

/// A lease for [`TTL`]; the token has the number of the lease.
pub(crate) const fn told_granted(lease: u64) -> NodeEvent {
    told(Answer::Granted { lease: LeaseId(lease), token: t(lease), ttl: TTL })
}
