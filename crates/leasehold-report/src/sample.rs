//! Hand-written runs for tests: a grantor, two holders and a resource.

use leasehold_check::{Judgement, Verdict};
use leasehold_core::event::Claim;
use leasehold_core::passage::Came;
use leasehold_core::plan::Role;
use leasehold_core::trace::{FORMAT, Header, TraceNode};
use leasehold_core::{
    Bounds, ClockKind, Drift, Event, EventKind, Incarnation, LeaseId, Leg, NodeEvent, NodeId, OpId, Outcome,
    Passage, Purpose, Reading, ResourceId, RunEnd, SimInstant, Span, Token, Version, WorldEvent,
};
use leasehold_scenario::{Digester, Engine, Report};

pub(crate) const G: NodeId = NodeId(0);
pub(crate) const A: NodeId = NodeId(1);
pub(crate) const B: NodeId = NodeId(2);
pub(crate) const S: NodeId = NodeId(3);
pub(crate) const R: ResourceId = ResourceId(0);

pub(crate) const fn ms(millis: u64) -> SimInstant {
    SimInstant::from_nanos(millis * 1_000_000)
}

pub(crate) fn header(names: &[(&str, Role)]) -> Header {
    let nodes = names.iter().map(|(name, role)| TraceNode {
        name: (*name).to_owned(),
        role: *role,
        relies_on: ClockKind::Boot,
        contends_for: if role.can_claim() { vec![R] } else { vec![] },
    });
    Header {
        format: FORMAT,
        tool: "0.0.0".to_owned(),
        scenario: "sample".to_owned(),
        system: "single-grantor".to_owned(),
        engine: "sim".to_owned(),
        seed: 7,
        nodes: nodes.collect(),
        instances: vec!["instance-1".to_owned()],
        faults: vec!["pause holder for 15s".to_owned()],
        delaying: vec![],
        commands: vec![],
        bounds: Bounds {
            clock_rate: Drift::ZERO,
            delay: Span::from_millis(50),
            end_slack: Span::ZERO,
            extensions: None,
            regrant: Span::ZERO,
            longest_ttl: Span::from_secs(10),
            lock_delay: Span::ZERO,
            discovery: None,
        },
        invariants: vec![],
        reach: vec![],
    }
}

pub(crate) fn cast() -> Header {
    header(&[
        ("grantor", Role::Grantor),
        ("holder-1", Role::Contender),
        ("holder-2", Role::Contender),
        ("resource", Role::Resource),
    ])
}

pub(crate) fn report(ended_at: SimInstant) -> Report {
    let judgement = Judgement {
        invariants: vec![],
        hazards: vec![],
        reach: vec![],
        assumptions: vec![],
        measures: vec![],
    };
    Report {
        seed: 7,
        engine: Engine::Sim,
        verdict: Verdict::Pass,
        unmet: vec![],
        inexpressible: vec![],
        digest: Digester::default().finish(),
        events: 0,
        outcome: Outcome { ended_at, steps: 0, end: RunEnd::Completed, faults: vec![] },
        judgement,
    }
}

pub(crate) fn by(node: NodeId, at: SimInstant, said: NodeEvent) -> Event {
    Event { at, node: Some(node), local: at.as_nanos() as i64, kind: EventKind::Node(said) }
}

pub(crate) fn to(node: NodeId, at: SimInstant, done: WorldEvent) -> Event {
    Event { at, node: Some(node), local: at.as_nanos() as i64, kind: EventKind::World(done) }
}

pub(crate) fn granted(at: SimInstant, lease: u64, holder: NodeId, token: u64) -> Event {
    let (lease, token, ttl) = (LeaseId(lease), Token(token), Span::from_secs(10));
    by(G, at, NodeEvent::Granted { resource: R, lease, holder, token, ttl })
}

pub(crate) fn renewed(at: SimInstant, lease: u64, token: u64) -> Event {
    let (lease, token, ttl) = (LeaseId(lease), Token(token), Span::from_secs(10));
    by(G, at, NodeEvent::Renewed { resource: R, lease, token, ttl })
}

pub(crate) fn expired(at: SimInstant, lease: u64, token: u64) -> Event {
    let (lease, token, cause) = (LeaseId(lease), Token(token), leasehold_core::event::EndCause::Expired);
    by(G, at, NodeEvent::Ended { resource: R, lease, token, cause })
}

pub(crate) fn claim(token: u64) -> Claim {
    Claim {
        resource: R,
        token: Token(token),
        incarnation: Incarnation(0),
        deadline: Reading::new(ClockKind::Boot, 0),
        ttl: Span::from_secs(10),
    }
}

pub(crate) fn claims(node: NodeId, at: SimInstant, token: u64) -> Event {
    by(node, at, NodeEvent::ClaimStarted(claim(token)))
}

pub(crate) fn lapses(node: NodeId, at: SimInstant, token: u64) -> Event {
    let (token, incarnation) = (Token(token), Incarnation(0));
    to(node, at, WorldEvent::ClaimLapsed { resource: R, token, incarnation })
}

pub(crate) fn notices(node: NodeId, at: SimInstant, token: u64) -> Event {
    let (token, incarnation, reason) =
        (Token(token), Incarnation(0), leasehold_core::event::ClaimEnd::Lapsed);
    by(node, at, NodeEvent::ClaimEnded { resource: R, token, incarnation, reason })
}

pub(crate) fn writes(node: NodeId, at: SimInstant, token: u64) -> Event {
    by(node, at, NodeEvent::EffectIssued { resource: R, token: Token(token), op: OpId(1) })
}

/// A write that replaces a version, and was based on one.
pub(crate) fn accepted(at: SimInstant, writer: NodeId, token: u64, [replaced, seen]: [u64; 2]) -> Event {
    let said = NodeEvent::EffectAccepted {
        resource: R,
        writer,
        token: Token(token),
        op: OpId(1),
        replaced: Version(replaced),
        based_on: Some(Version(seen)),
        value: 0,
    };
    by(S, at, said)
}

pub(crate) fn passage(at: SimInstant, number: u64, from: NodeId, to: NodeId, came: Came) -> Passage {
    Passage { at, number, from, to, purpose: Purpose::Write, leg: Leg::Request, came }
}

/// A holder is paused before a write, another gets the resource, and the late write goes through.
pub(crate) fn pause() -> Vec<Event> {
    vec![
        granted(ms(1_000), 1, A, 1),
        claims(A, ms(1_100), 1),
        accepted(ms(2_000), A, 1, [0, 0]),
        to(A, ms(3_000), WorldEvent::Paused),
        lapses(A, ms(11_000), 1),
        expired(ms(11_500), 1, 1),
        granted(ms(11_600), 2, B, 2),
        claims(B, ms(11_700), 2),
        accepted(ms(12_000), B, 2, [1, 1]),
        to(A, ms(18_000), WorldEvent::Resumed),
        writes(A, ms(18_000), 1),
        notices(A, ms(18_000), 1),
        accepted(ms(18_004), A, 1, [2, 1]),
    ]
}
