//! Nodes that tick to each other every 10 ms: each tick is written to the disk, reported, and sent to all others, who
//! answer.

use leasehold_core::clock::ClockKind;
use leasehold_core::event::Claim;
use leasehold_core::node::{Leg, Purpose, Slot};
use leasehold_core::plan::{Action, FaultPlan, Latency, NodePlan, Role, Target};
use leasehold_core::*;
use leasehold_turmoil::{Note, ShellPolicy};
use serde::{Deserialize, Serialize};

use crate::common::{Ran, fault_on, quiet};

pub(crate) struct Ticks;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    Tick(u64),
    Answer(u64),
    /// A heartbeat, and what a watch tells.
    Beat(u64),
    News(u64),
}

impl Message for Word {
    fn class(&self) -> (Purpose, Leg) {
        match self {
            Self::Tick(_) => (Purpose::Write, Leg::Request),
            Self::Answer(_) => (Purpose::Write, Leg::Reply),
            Self::Beat(_) => (Purpose::Renew, Leg::Request),
            Self::News(_) => (Purpose::Watch, Leg::Reply),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line(u64);

impl Record for Line {
    fn slot(&self) -> Slot {
        Slot(self.0)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Claim the resource for a second of one's own clock.
    Claim,
    Panic,
    /// Send oneself to sleep and wake at once, for ever.
    Spin,
}

impl Protocol for Ticks {
    type Message = Word;
    type Record = Line;
    type Command = Order;
}

pub(crate) const R: ResourceId = ResourceId(0);
/// What was heard, as the resource of an event.
pub(crate) const TICK: ResourceId = ResourceId(0);
pub(crate) const ANSWER: ResourceId = ResourceId(1);
pub(crate) const BEAT: ResourceId = ResourceId(2);
pub(crate) const NEWS: ResourceId = ResourceId(3);

pub(crate) const EVERY: Span = Span::from_millis(10);
pub(crate) const A: NodeId = NodeId(0);
pub(crate) const B: NodeId = NodeId(1);
pub(crate) const C: NodeId = NodeId(2);
pub(crate) const ALL: [NodeId; 3] = [A, B, C];

struct Ticker {
    me: NodeId,
    clock: ClockKind,
    talk: Talk,
    ticks: u64,
    spins: bool,
}

/// What nodes say at each tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// One word of each kind.
    Everything,
    /// A heartbeat: then nothing else is sent on a link at that instant.
    Beats,
}

impl Node<Ticks> for Ticker {
    fn handle(&mut self, ctx: &mut Context<'_, Ticks>, input: Input<Ticks>) {
        match input {
            Input::Started => ctx.arm(TimerId(0), ctx.read(self.clock) + EVERY),
            Input::Restarted { disk } => {
                ctx.emit(NodeEvent::TableHolds { live: disk.len() as u32 });
                self.ticks = disk.len() as u64;
                ctx.arm(TimerId(0), ctx.read(self.clock) + EVERY);
            }
            Input::Timer(timer) => {
                if self.spins {
                    return ctx.arm(timer, ctx.read(self.clock));
                }
                self.ticks += 1;
                ctx.persist(Line(self.ticks));
                ctx.emit(NodeEvent::EffectIssued { resource: R, token: Token(1), op: OpId(self.ticks) });
                for other in ALL.into_iter().filter(|&other| other != self.me) {
                    ctx.send(other, Word::Beat(self.ticks));
                    if self.talk == Talk::Everything {
                        ctx.send(other, Word::Tick(self.ticks));
                        ctx.send(other, Word::News(self.ticks));
                    }
                }
                ctx.arm(TimerId(0), ctx.read(self.clock) + EVERY);
            }
            Input::Received { from, message } => {
                let (resource, op) = match message {
                    Word::Tick(tick) => (TICK, tick),
                    Word::Answer(tick) => (ANSWER, tick),
                    Word::Beat(tick) => (BEAT, tick),
                    Word::News(tick) => (NEWS, tick),
                };
                ctx.emit(NodeEvent::DuplicateRecognised { resource, writer: from, op: OpId(op) });
                if resource == TICK {
                    ctx.send(from, Word::Answer(op));
                }
            }
            Input::Persisted(ticket) => ctx.emit(NodeEvent::KeyAttached {
                resource: R,
                lease: LeaseId(0),
                key: KeyId(0),
                revision: ticket.0,
            }),
            Input::Command(Order::Claim) => {
                let (deadline, ttl) = (ctx.read(self.clock) + Span::from_secs(1), Span::from_secs(1));
                let incarnation = ctx.incarnation();
                let claim = Claim { resource: R, token: Token(1), incarnation, deadline, ttl };
                ctx.emit(NodeEvent::ClaimStarted(claim));
            }
            Input::Command(Order::Panic) => panic!("told to"),
            Input::Command(Order::Spin) => {
                self.spins = true;
                ctx.arm(TimerId(0), ctx.read(self.clock));
            }
        }
    }
}

pub(crate) const CLAIM: Action = Action::Command(CommandId(0));
pub(crate) const PANIC: Action = Action::Command(CommandId(1));
pub(crate) const SPIN: Action = Action::Command(CommandId(2));

pub(crate) fn plan(faults: Vec<FaultPlan>) -> Plan {
    let node = |id: u16| NodePlan {
        name: format!("n{id}"),
        role: if id == 0 { Role::Grantor } else { Role::Contender },
        relies_on: ClockKind::Boot,
        rate: RateError::ZERO,
        wall_offset: 0,
        disk: Latency::Constant(Span::from_millis(3)),
        starts: Span::ZERO,
    };
    quiet((0..3).map(node).collect(), faults, 1_000)
}

pub(crate) fn fault(at_ms: u64, node: NodeId, action: Action, lasts_ms: u64) -> FaultPlan {
    fault_on(at_ms, Target::Node(node), action, lasts_ms)
}

/// What a run did, and what its shells told people, with the time in milliseconds.
pub(crate) struct Told {
    pub(crate) ran: Ran,
    pub(crate) notes: Vec<(u64, NodeId, Note)>,
}

pub(crate) fn run(faults: Vec<FaultPlan>) -> Ran {
    run_on(ClockKind::Boot, faults)
}

/// All nodes rely on this clock, and read it.
pub(crate) fn run_on(clock: ClockKind, faults: Vec<FaultPlan>) -> Ran {
    let mut plan = plan(faults);
    for node in &mut plan.nodes {
        node.relies_on = clock;
    }
    let ran = run_with(&plan, &ShellPolicy::default(), Talk::Everything).ran;
    assert_eq!(ran.outcome.end, RunEnd::Completed);
    ran
}

pub(crate) fn run_with(plan: &Plan, policy: &ShellPolicy, talk: Talk) -> Told {
    let (mut events, mut notes) = (Vec::new(), Vec::new());
    let mut note = |at: SimInstant, node: NodeId, note: &Note| {
        notes.push((at.as_nanos() / 1_000_000, node, note.clone()));
    };
    let outcome =
        leasehold_turmoil::run::<Ticks>(plan, &make(plan, talk), &orders(), policy, &mut events, &mut note);
    Told { ran: Ran { outcome, events }, notes }
}

/// The same on the discrete-event engine.
pub(crate) fn run_on_sim(plan: &Plan, talk: Talk) -> Ran {
    let mut events = Vec::new();
    let outcome = leasehold_sim::run::<Ticks>(plan, &make(plan, talk), &orders(), &mut events);
    Ran { outcome, events }
}

pub(crate) fn make(plan: &Plan, talk: Talk) -> impl Fn(NodeId) -> Box<dyn Node<Ticks>> {
    let clocks: Vec<ClockKind> = plan.nodes.iter().map(|node| node.relies_on).collect();
    move |me| Box::new(Ticker { me, clock: clocks[me.index()], talk, ticks: 0, spins: false })
}

/// What nodes can be told, by id.
pub(crate) fn orders() -> Vec<Instruction<Order>> {
    [Order::Claim, Order::Panic, Order::Spin].map(Instruction::at_once).into()
}

impl Ran {
    /// The words of a kind of `from` that `to` heard, and when.
    pub(crate) fn heard(&self, what: ResourceId, from: NodeId, to: NodeId) -> Vec<(u64, u64)> {
        let heard = self.events.iter().filter(|event| event.node == Some(to));
        let heard = heard.filter_map(|event| match event.kind {
            EventKind::Node(NodeEvent::DuplicateRecognised { resource, writer, op }) => {
                ((resource, writer) == (what, from)).then(|| (op.0, event.at.as_nanos() / 1_000_000))
            }
            _ => None,
        });
        heard.collect()
    }

    /// How many of them were heard in a half-open interval.
    pub(crate) fn heard_within(
        &self,
        what: ResourceId,
        from: NodeId,
        to: NodeId,
        start: u64,
        end: u64,
    ) -> usize {
        self.heard(what, from, to).iter().filter(|(_, at)| (start..end).contains(at)).count()
    }

    /// When a node reported something.
    pub(crate) fn reports(&self, node: NodeId) -> Vec<u64> {
        self.times(node, |kind| matches!(kind, EventKind::Node(_)))
    }

    /// When writes of a node became durable.
    pub(crate) fn persisted(&self, node: NodeId) -> Vec<u64> {
        self.times(node, |kind| matches!(kind, EventKind::Node(NodeEvent::KeyAttached { .. })))
    }

    /// How many lines a restarted node found on its disk.
    pub(crate) fn found(&self, node: NodeId) -> Vec<u32> {
        let found =
            self.events.iter().filter(|event| event.node == Some(node)).filter_map(|event| {
                match event.kind {
                    EventKind::Node(NodeEvent::TableHolds { live }) => Some(live),
                    _ => None,
                }
            });
        found.collect()
    }

    pub(crate) fn landed(&self) -> Option<u64> {
        self.outcome.faults[0].landed.map(|at| at.as_nanos() / 1_000_000)
    }
}
