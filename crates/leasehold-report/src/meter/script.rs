//! A small language for hand-written event lists.
//!
//! The cast: grantor [`G`], contenders [`A`], [`B`] and [`C`] of [`R`], resource node [`S`]. All run from the start. The plan
//! has one fault, 0, that cuts links.

pub(super) use leasehold_check::Metric;
pub(super) use leasehold_core::event::{
    Access, Claim, ClaimEnd, EndCause, NodeEvent, Operation, Refusal, RegistryEvent, WorldEvent,
};
pub(super) use leasehold_core::id::{
    FaultId, Incarnation, LeaseId, NodeId, OpId, ResourceId, Token, Version,
};
pub(super) use leasehold_core::{
    Came, ClockKind, Event, EventKind, Leg, Passage, Purpose, Reading, SimInstant, Span,
};
use leasehold_scenario::{Engine, Faults, Observer, Scenario, SingleGrantor, Source, Trial};

use super::Meter;
use super::values::Values;
use crate::amount::Amount;

pub(super) const G: NodeId = NodeId(0);
pub(super) const A: NodeId = NodeId(1);
pub(super) const B: NodeId = NodeId(2);
pub(super) const C: NodeId = NodeId(3);
pub(super) const S: NodeId = NodeId(4);
pub(super) const R: ResourceId = ResourceId(0);
pub(super) const TTL: Span = Span::from_secs(10);

pub(super) const DIES: WorldEvent = WorldEvent::Crashed;
pub(super) const STOPS: WorldEvent = WorldEvent::Paused;
pub(super) const GOES_ON: WorldEvent = WorldEvent::Resumed;
pub(super) const COMES_BACK: WorldEvent = WorldEvent::Restarted { incarnation: Incarnation(1) };
pub(super) const EXPIRED: EndCause = EndCause::Expired;
pub(super) const LAPSED: ClaimEnd = ClaimEnd::Lapsed;
pub(super) const LET_GO: ClaimEnd = ClaimEnd::Released;

/// An event or a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    Event(Event),
    Message(Passage),
}

pub(super) const fn s(seconds: u64) -> SimInstant {
    SimInstant::from_nanos(seconds * 1_000_000_000)
}

pub(super) const fn ms(millis: u64) -> SimInstant {
    SimInstant::from_nanos(millis * 1_000_000)
}

/// What a node or the engine can say.
pub(super) trait Kind {
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

impl Kind for RegistryEvent {
    fn kind(self) -> EventKind {
        EventKind::Node(NodeEvent::Registry(self))
    }
}

pub(super) fn at(at: SimInstant, node: NodeId, kind: impl Kind) -> Line {
    Line::Event(Event { at, node: Some(node), local: 0, kind: kind.kind() })
}

/// What these lines give of a metric, in a run that ends then while faults may still come.
pub(super) fn amount(metric: Metric, lines: &[Line], ended_at: SimInstant) -> Amount {
    amount_within("600s", metric, lines, ended_at)
}

/// The same in a run in which faults may come for so long.
pub(super) fn amount_within(chaos: &str, metric: Metric, lines: &[Line], ended_at: SimInstant) -> Amount {
    let text = format!(
        "schema = 1\nname = \"x\"\nsummary = \"s\"\n[[fault]]\nat = \"1s\"\non = \"grantor\"\n\
         do = \"partition\"\nfor = \"1s\"\n[phases]\nchaos = \"{chaos}\"\n"
    );
    let source = Source::from_text("x.toml", text);
    let scenario = Scenario::parse(source, &[&SingleGrantor]).expect("it is right");
    let trial = Trial::new(&scenario.into(), 0, Faults::Scripted, &[&SingleGrantor]);
    let mut meter = Meter::of(&trial, Engine::Sim, &[metric]);
    let starts = [G, A, B, C, S].map(|node| at(SimInstant::START, node, WorldEvent::Started));
    let mut before = SimInstant::START;
    for line in starts.iter().chain(lines) {
        let now = match line {
            Line::Event(event) => event.at,
            Line::Message(passage) => passage.at,
        };
        assert!(before <= now && now <= ended_at, "lines stand in the order of time");
        before = now;
        match line {
            Line::Event(event) => meter.event(event),
            Line::Message(passage) => meter.message(passage),
        }
    }
    meter.finish(ended_at).amount(metric).expect("it was asked for").clone()
}

/// Lines in the order of time.
pub(super) fn in_order(lines: &[&[Line]]) -> Vec<Line> {
    let mut lines = lines.concat();
    lines.sort_by_key(|line| match line {
        Line::Event(event) => event.at,
        Line::Message(passage) => passage.at,
    });
    lines
}

/// The metric has just these values.
#[track_caller]
pub(super) fn values(metric: Metric, lines: &[Line], ended_at: SimInstant, expected: &[u64]) {
    let mut values = Values::default();
    expected.iter().for_each(|value| values.record(*value));
    assert_eq!(amount(metric, lines, ended_at).to_string(), Amount::from(values).to_string());
}

/// The metric has values of just so many milliseconds.
#[track_caller]
pub(super) fn lengths(metric: Metric, lines: &[Line], ended_at: SimInstant, expected: &[u64]) {
    let expected: Vec<u64> = expected.iter().map(|millis| millis * 1_000_000).collect();
    values(metric, lines, ended_at, &expected);
}

/// The metric has this part of this whole.
#[track_caller]
pub(super) fn part(metric: Metric, lines: &[Line], ended_at: SimInstant, part: u128, whole: u128) {
    assert_eq!(amount(metric, lines, ended_at).to_string(), Amount::of_part(part, whole).to_string());
}

/// So many events in so many seconds.
#[track_caller]
pub(super) fn events(metric: Metric, lines: &[Line], ended_at: SimInstant, count: u128, seconds: u128) {
    part(metric, lines, ended_at, count, seconds * 1_000_000_000);
}

const fn claim(token: u64) -> Claim {
    let deadline = Reading::new(ClockKind::Boot, 0);
    Claim { resource: R, token: Token(token), incarnation: Incarnation(0), deadline, ttl: TTL }
}

pub(super) const fn claims(token: u64) -> NodeEvent {
    NodeEvent::ClaimStarted(claim(token))
}

pub(super) const fn claims_on(token: u64) -> NodeEvent {
    NodeEvent::ClaimRenewed(claim(token))
}

pub(super) const fn ends_claim(token: u64, reason: ClaimEnd) -> NodeEvent {
    NodeEvent::ClaimEnded { resource: R, token: Token(token), incarnation: Incarnation(0), reason }
}

pub(super) const fn lapses(token: u64) -> WorldEvent {
    WorldEvent::ClaimLapsed { resource: R, token: Token(token), incarnation: Incarnation(0) }
}

pub(super) const fn grants(lease: u64, holder: NodeId) -> NodeEvent {
    NodeEvent::Granted { resource: R, lease: LeaseId(lease), holder, token: Token(lease), ttl: TTL }
}

pub(super) const fn renews(lease: u64) -> NodeEvent {
    NodeEvent::Renewed { resource: R, lease: LeaseId(lease), token: Token(lease), ttl: TTL }
}

pub(super) const fn orders_end(lease: u64, cause: EndCause) -> NodeEvent {
    NodeEvent::EndOrdered { resource: R, lease: LeaseId(lease), cause }
}

pub(super) const fn ends(lease: u64, cause: EndCause) -> NodeEvent {
    NodeEvent::Ended { resource: R, lease: LeaseId(lease), token: Token(lease), cause }
}

pub(super) const fn recovers(lease: u64, holder: NodeId, ended: Option<EndCause>) -> NodeEvent {
    NodeEvent::Recovered { resource: R, lease: LeaseId(lease), holder, token: Token(lease), ttl: TTL, ended }
}

pub(super) const fn issues(token: u64, op: u64) -> NodeEvent {
    NodeEvent::EffectIssued { resource: R, token: Token(token), op: OpId(op) }
}

pub(super) const fn accepts(writer: NodeId, token: u64, op: u64) -> NodeEvent {
    NodeEvent::EffectAccepted {
        resource: R,
        writer,
        token: Token(token),
        op: OpId(op),
        replaced: Version(0),
        based_on: None,
        value: 0,
    }
}

pub(super) const fn refuses(by: NodeId, access: Access, token: u64, refusal: Refusal) -> NodeEvent {
    NodeEvent::AccessRefused { resource: R, by, access, token: Token(token), refusal }
}

pub(super) const fn message(at: SimInstant, to: NodeId, purpose: Purpose, leg: Leg, came: Came) -> Line {
    Line::Message(Passage { at, number: 0, from: A, to, purpose, leg, came })
}

/// A request that arrives.
pub(super) const fn arrives(at: SimInstant, to: NodeId, purpose: Purpose) -> Line {
    message(at, to, purpose, Leg::Request, Came::Arrived)
}
