//! Every fault lands, and does what its neighbour does not: on five nodes that tick to each other.

mod common;

use leasehold_core::clock::{ClockKind, Reading};
use leasehold_core::event::{Assumption, Claim, EndCause, LossCause};
use leasehold_core::node::{Leg, Purpose, Slot};
use leasehold_core::plan::{
    Action, Burst, Chance, Condition, FaultPlan, Group, Latency, NodePlan, Pick, Role, Scope, Target,
    Trigger, Worsening,
};
use leasehold_core::*;
use serde::{Deserialize, Serialize};

use common::{Ran, fault_on, ms, quiet, within};

/// Five nodes that tick every 10 ms: each tick is written to the disk, and sent to all others.
struct Ticks;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Note {
    Tick(u64),
    Renewal,
}

impl Message for Note {
    fn class(&self) -> (Purpose, Leg) {
        match self {
            Self::Tick(_) => (Purpose::Write, Leg::Request),
            Self::Renewal => (Purpose::Renew, Leg::Request),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line(u64);

impl Record for Line {
    fn slot(&self) -> Slot {
        Slot(self.0)
    }
}

#[derive(Clone, Debug)]
enum Order {
    Say(NodeEvent),
    /// Claim the resource for a second of one's own clock.
    Claim,
    /// Send a renewal to this node.
    Renew(NodeId),
}

impl Protocol for Ticks {
    type Message = Note;
    type Record = Line;
    type Command = Order;
}

const R: ResourceId = ResourceId(0);
const TICK: Span = Span::from_millis(10);
const NODES: u16 = 5;
/// A grantor; the others contend.
const G: NodeId = NodeId(0);
const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const C: NodeId = NodeId(3);
const D: NodeId = NodeId(4);
const ALL: [NodeId; 5] = [G, A, B, C, D];

struct Ticker {
    me: NodeId,
    clock: ClockKind,
    ticks: u64,
}

impl Node<Ticks> for Ticker {
    fn handle(&mut self, ctx: &mut Context<'_, Ticks>, input: Input<Ticks>) {
        match input {
            Input::Started => ctx.arm(TimerId(0), ctx.read(self.clock) + TICK),
            Input::Restarted { disk } => {
                ctx.emit(NodeEvent::TableHolds { live: disk.len() as u32 });
                self.ticks = disk.len() as u64;
                ctx.arm(TimerId(0), ctx.read(self.clock) + TICK);
            }
            Input::Timer(_) => {
                self.ticks += 1;
                ctx.persist(Line(self.ticks));
                ctx.emit(NodeEvent::EffectIssued { resource: R, token: Token(1), op: OpId(self.ticks) });
                for other in ALL.into_iter().filter(|&other| other != self.me) {
                    ctx.send(other, Note::Tick(self.ticks));
                }
                ctx.arm(TimerId(0), ctx.read(self.clock) + TICK);
            }
            Input::Received { from, message: Note::Tick(tick) } => {
                ctx.emit(NodeEvent::DuplicateRecognised { resource: R, writer: from, op: OpId(tick) });
            }
            Input::Received { .. } => {}
            Input::Persisted(ticket) => ctx.emit(NodeEvent::KeyAttached {
                resource: R,
                lease: LeaseId(0),
                key: KeyId(0),
                revision: ticket.0,
            }),
            Input::Command(Order::Say(event)) => ctx.emit(event),
            Input::Command(Order::Claim) => {
                let (deadline, ttl) = (ctx.read(self.clock) + Span::from_secs(1), Span::from_secs(1));
                let incarnation = ctx.incarnation();
                let claim = Claim { resource: R, token: Token(1), incarnation, deadline, ttl };
                ctx.emit(NodeEvent::ClaimStarted(claim));
            }
            Input::Command(Order::Renew(to)) => ctx.send(to, Note::Renewal),
        }
    }
}

/// What nodes can be told in these tests, by id.
fn orders() -> Vec<Instruction<Order>> {
    let granted = |lease| NodeEvent::Granted {
        resource: R,
        lease: LeaseId(lease),
        holder: B,
        token: Token(lease),
        ttl: Span::from_millis(500),
    };
    let renewed =
        NodeEvent::Renewed { resource: R, lease: LeaseId(1), token: Token(1), ttl: Span::from_millis(500) };
    let ended = |cause| NodeEvent::Ended { resource: R, lease: LeaseId(1), token: Token(1), cause };
    let orders = [
        Order::Claim,
        Order::Renew(G),
        Order::Say(granted(1)),
        Order::Say(renewed),
        Order::Say(ended(EndCause::Expired)),
        Order::Say(ended(EndCause::Released { by: B })),
        Order::Say(granted(2)),
        Order::Say(NodeEvent::EndOrdered { resource: R, lease: LeaseId(1), cause: EndCause::Expired }),
    ];
    orders.map(Instruction::at_once).into()
}

const CLAIM: Action = Action::Command(CommandId(0));
const RENEW: Action = Action::Command(CommandId(1));
const GRANT: Action = Action::Command(CommandId(2));
const PROLONG: Action = Action::Command(CommandId(3));
const EXPIRE: Action = Action::Command(CommandId(4));
const RELEASE: Action = Action::Command(CommandId(5));
const GRANT_AGAIN: Action = Action::Command(CommandId(6));
const ORDER_END: Action = Action::Command(CommandId(7));

fn plan(faults: Vec<FaultPlan>) -> Plan {
    let node = |id: u16| NodePlan {
        name: format!("n{id}"),
        role: if id == 0 { Role::Grantor } else { Role::Contender },
        relies_on: ClockKind::Boot,
        rate: RateError::ZERO,
        wall_offset: 0,
        disk: Latency::Constant(Span::from_millis(3)),
        starts: Span::ZERO,
    };
    quiet((0..NODES).map(node).collect(), faults, 1_000)
}

/// The same with a registry and its instances.
fn around_a_registry(mut plan: Plan) -> Plan {
    for node in &mut plan.nodes {
        node.role = if node.role == Role::Grantor { Role::Registry } else { Role::Instance };
    }
    plan
}

fn fault(at_ms: u64, target: impl Into<On>, action: Action, lasts_ms: u64) -> FaultPlan {
    fault_on(at_ms, target.into().0, action, lasts_ms)
}

/// A target, or the node that is one.
struct On(Target);

impl From<NodeId> for On {
    fn from(node: NodeId) -> Self {
        Self(Target::Node(node))
    }
}

impl From<Target> for On {
    fn from(target: Target) -> Self {
        Self(target)
    }
}

const fn everybody(pick: Pick) -> Target {
    Target::Drawn { pick, from: Group::Everybody }
}

const fn contenders(pick: Pick) -> Target {
    Target::Drawn { pick, from: Group::Role(Role::Contender) }
}

fn run_on(clock: ClockKind, mut plan: Plan) -> Ran {
    for node in &mut plan.nodes {
        node.relies_on = clock;
    }
    let mut events = Vec::new();
    let make = move |me| Box::new(Ticker { me, clock, ticks: 0 }) as Box<dyn Node<Ticks>>;
    let outcome = leasehold_sim::run::<Ticks>(&plan, &make, &orders(), &mut events);
    assert_eq!(outcome.end, RunEnd::Completed);
    Ran { outcome, events }
}

fn run(faults: Vec<FaultPlan>) -> Ran {
    run_on(ClockKind::Boot, plan(faults))
}

impl Ran {
    /// The ticks of `from` that `to` heard of, and when.
    fn heard(&self, from: NodeId, to: NodeId) -> Vec<(u64, u64)> {
        let heard =
            self.events.iter().filter(|event| event.node == Some(to)).filter_map(|event| match event.kind {
                EventKind::Node(NodeEvent::DuplicateRecognised { writer, op, .. }) if writer == from => {
                    Some((op.0, event.at.as_nanos() / 1_000_000))
                }
                _ => None,
            });
        heard.collect()
    }

    fn heard_within(&self, from: NodeId, to: NodeId, start: u64, end: u64) -> usize {
        self.heard(from, to).iter().filter(|(_, at)| (start..end).contains(at)).count()
    }

    /// The ordered pairs that heard nothing from one end to the other in this time.
    fn silent(&self, start: u64, end: u64) -> Vec<(NodeId, NodeId)> {
        let pairs = ALL.into_iter().flat_map(|from| ALL.map(|to| (from, to)));
        pairs.filter(|&(from, to)| from != to && self.heard_within(from, to, start, end) == 0).collect()
    }

    /// When writes of a node became durable.
    fn persisted(&self, node: NodeId) -> Vec<u64> {
        self.times(node, |kind| matches!(kind, EventKind::Node(NodeEvent::KeyAttached { .. })))
    }

    /// How many lines a restarted node found on its disk, and when.
    fn found(&self, node: NodeId) -> Vec<(u64, u32)> {
        let found =
            self.events.iter().filter(|event| event.node == Some(node)).filter_map(|event| {
                match event.kind {
                    EventKind::Node(NodeEvent::TableHolds { live }) => {
                        Some((event.at.as_nanos() / 1_000_000, live))
                    }
                    _ => None,
                }
            });
        found.collect()
    }

    fn fired(&self, fault: usize) -> Option<SimInstant> {
        self.outcome.faults[fault].fired
    }

    fn landed(&self, fault: usize) -> Option<SimInstant> {
        self.outcome.faults[fault].landed
    }

    fn targets(&self, fault: usize) -> &[NodeId] {
        &self.outcome.faults[fault].targets
    }

    fn healed(&self, node: NodeId, fault: u16) -> Vec<u64> {
        self.world(node, WorldEvent::FaultHealed { fault: FaultId(fault) })
    }
}

#[test]
fn a_selection_strikes_as_many_as_it_says() {
    for (target, count) in [
        (contenders(Pick::One), 1),
        (contenders(Pick::Minority), 1),
        (contenders(Pick::Majority), 3),
        (contenders(Pick::All), 4),
        (contenders(Pick::Random(2)), 2),
        (contenders(Pick::Random(9)), 4),
        (everybody(Pick::Minority), 2),
        (everybody(Pick::Majority), 3),
        (everybody(Pick::All), 5),
    ] {
        let ran = run(vec![fault(500, target, Action::Crash, 100)]);
        let targets = ran.targets(0);
        assert_eq!(targets.len(), count, "{target:?}");
        assert!(targets.is_sorted());
        for node in ALL {
            let struck = u64::from(targets.contains(&node));
            let times = |event| ran.world(node, event).len() as u64;
            assert_eq!(times(WorldEvent::Crashed), struck, "{target:?} {node}");
            assert_eq!(times(WorldEvent::FaultFired { fault: FaultId(0) }), struck);
            assert_eq!(times(WorldEvent::FaultLanded { fault: FaultId(0) }), struck);
            assert_eq!(ran.healed(node, 0), if struck == 1 { vec![600] } else { vec![] });
        }
    }
}

#[test]
fn a_pick_is_up_to_the_noise_key_and_to_nothing_else() {
    let picked = |key, more: Vec<FaultPlan>| {
        let mut faults = vec![fault(500, contenders(Pick::Random(2)), Action::Pause, 100)];
        faults.extend(more);
        let mut plan = plan(faults);
        plan.noise = NoiseKey(key);
        run_on(ClockKind::Boot, plan).targets(0).to_vec()
    };
    let mut seen: Vec<Vec<NodeId>> = (0..100).map(|key| picked(key, vec![])).collect();
    assert_eq!(seen[7], picked(7, vec![fault(400, G, Action::Pause, 50)]));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6, "all pairs of four");
}

#[test]
fn one_contender_is_one_that_does_not_claim_but_all_are_all() {
    let claims = || ALL[1..4].iter().map(|&node| fault(100, node, CLAIM, 0));
    let on = |pick| {
        let faults = [fault(500, contenders(pick), Action::Pause, 100)].into_iter().chain(claims());
        run(faults.collect()).targets(0).to_vec()
    };
    assert_eq!(on(Pick::One), [D]);
    assert_eq!(on(Pick::All), [A, B, C, D]);
}

#[test]
fn one_command_reaches_all_that_are_picked_and_they_restart_together() {
    let ran = run(vec![
        fault(500, contenders(Pick::All), CLAIM, 0),
        fault(595, contenders(Pick::Majority), Action::Restart, 0),
    ]);
    let given = WorldEvent::CommandGiven { command: CommandId(0) };
    let restarted = WorldEvent::Restarted { incarnation: Incarnation(1) };
    let count = |event| ALL.iter().map(|&node| ran.world(node, event).len()).sum::<usize>();
    assert_eq!((count(given), count(restarted)), (4, 3));
    assert_eq!(ran.targets(1).len(), 3);
}

#[test]
fn all_instances_restart_at_once() {
    let instances = |pick| Target::Drawn { pick, from: Group::Role(Role::Instance) };
    let restart = fault(595, instances(Pick::All), Action::Restart, 0);
    let ran = run_on(ClockKind::Boot, around_a_registry(plan(vec![restart])));
    assert_eq!(ran.targets(0), [A, B, C, D]);
    for node in [A, B, C, D] {
        // Each at its next step, which is what it hears at 601.
        let restarted = ran.world(node, WorldEvent::Restarted { incarnation: Incarnation(1) });
        assert!(matches!(restarted[..], [595..=601]), "{restarted:?}");
    }
    assert_eq!(ran.world(G, WorldEvent::Crashed), []);
}

#[test]
fn a_group_that_is_cut_off_goes_on_talking_among_itself() {
    let ran = run(vec![fault(500, contenders(Pick::Random(2)), Action::Partition(Scope::Isolate), 300)]);
    let [one, other] = *ran.targets(0) else { panic!("two") };
    let silent = ran.silent(505, 795);
    assert_eq!(silent.len(), 12);
    assert!(!silent.contains(&(one, other)) && !silent.contains(&(other, one)));
    assert_eq!(ran.silent(505, 810), [], "healed");
    assert_eq!((ran.healed(one, 0), ran.healed(other, 0)), (vec![800], vec![800]));
}

#[test]
fn a_minority_that_is_cut_off_has_others_in_it_and_an_isolated_node_has_none() {
    let cut = |scope| {
        let ran = run(vec![fault(500, A, Action::Partition(scope), 300)]);
        assert_eq!(ran.landed(0), Some(ms(500)));
        ran.silent(505, 795)
    };
    assert_eq!(cut(Scope::Isolate).len(), 8, "one against four");
    let minority = cut(Scope::Majority);
    assert_eq!(minority.len(), 12, "two against three");
    assert_eq!(minority.iter().filter(|(from, _)| *from == A).count(), 3);
}

#[test]
fn in_a_ring_everybody_has_two_to_talk_to_and_over_a_bridge_one_node_has_all() {
    let ran = run(vec![fault(500, everybody(Pick::All), Action::Partition(Scope::Ring), 300)]);
    let silent = ran.silent(505, 795);
    for node in ALL {
        assert_eq!(silent.iter().filter(|(from, _)| *from == node).count(), 2, "{node}");
        assert_eq!(silent.iter().filter(|(_, to)| *to == node).count(), 2, "{node}");
        assert_eq!(ran.world(node, WorldEvent::FaultLanded { fault: FaultId(0) }), [500]);
    }
    let rings = (0..50).map(|key| {
        let mut plan = plan(vec![fault(500, everybody(Pick::All), Action::Partition(Scope::Ring), 300)]);
        plan.noise = NoiseKey(key);
        run_on(ClockKind::Boot, plan).silent(505, 795)
    });
    let rings: std::collections::BTreeSet<Vec<(NodeId, NodeId)>> = rings.collect();
    assert!(rings.len() > 8, "of twelve rings of five: {}", rings.len());

    let ran = run(vec![fault(500, C, Action::Partition(Scope::Bridge), 300)]);
    let silent = ran.silent(505, 795);
    assert_eq!(silent.len(), 8, "two on either side");
    assert!(silent.iter().all(|&(from, to)| from != C && to != C));
    assert_eq!(ran.world(C, WorldEvent::FaultLanded { fault: FaultId(0) }), [500]);
}

#[test]
fn one_way_leaves_the_way_back_and_symmetric_does_not() {
    let peers = Target::one_of(Role::Grantor);
    let cut =
        |scope| run(vec![fault(500, contenders(Pick::All), Action::Partition(scope), 300)]).silent(505, 795);
    let to_grantor: Vec<_> = ALL[1..].iter().map(|&node| (node, G)).collect();
    assert_eq!(cut(Scope::OneWay(peers)), to_grantor);
    assert_eq!(cut(Scope::Between(peers)).len(), 8);
}

/// When the ticks that A sent at 480 to 700 reached B, under a fault from 505 to 605, with 50 ms on the way.
fn arrivals(action: Option<Action>) -> Vec<(u64, u64)> {
    let mut plan = plan(action.map(|action| fault(505, A, action, 100)).into_iter().collect());
    plan.network.latency = Latency::Constant(Span::from_millis(50));
    let ran = run_on(ClockKind::Boot, plan);
    if action.is_some() {
        assert!(ran.landed(0).is_some());
        assert_eq!(ran.healed(A, 0), [605]);
    }
    ran.heard(A, B).into_iter().filter(|(tick, _)| (48..70).contains(tick)).collect()
}

const TO_B: Scope = Scope::OneWay(Target::Node(B));

const fn worse(worse: Worsening) -> Action {
    Action::Link { scope: TO_B, worse }
}

#[test]
fn a_clog_delays_the_departure_a_hold_the_arrival_and_a_delay_each_message_by_itself() {
    let usual: Vec<(u64, u64)> = (48..70).map(|tick| (tick, tick * 10 + 50)).collect();
    assert_eq!(arrivals(None), usual);

    let clogged = arrivals(Some(Action::Clog(TO_B)));
    let expected = |tick| match tick {
        51..=60 => (tick, 655),
        _ => (tick, tick * 10 + 50),
    };
    let mut ordered: Vec<(u64, u64)> = (48..70).map(expected).collect();
    ordered.sort_by_key(|&(_, at)| at);
    assert_eq!(clogged, ordered, "those under way arrive, those sent meanwhile set out at 605");

    let held = arrivals(Some(Action::Hold(TO_B)));
    let expected = |tick| match tick {
        48..=60 => (tick, 605),
        _ => (tick, tick * 10 + 50),
    };
    assert_eq!(held, (48..70).map(expected).collect::<Vec<_>>(), "all at once, in the order of sending");

    let delayed = arrivals(Some(worse(Worsening { delay: Span::from_millis(100), ..Worsening::NONE })));
    let expected = |tick| match tick {
        51..=60 => (tick, tick * 10 + 150),
        _ => (tick, tick * 10 + 50),
    };
    let mut ordered: Vec<(u64, u64)> = (48..70).map(expected).collect();
    ordered.sort_by_key(|&(_, at)| at);
    let sorted = |mut arrivals: Vec<(u64, u64)>| {
        arrivals.sort_by_key(|&(tick, at)| (at, tick));
        arrivals
    };
    assert_eq!(sorted(delayed), sorted(ordered));
}

#[test]
fn a_slow_link_makes_a_queue_and_a_reordering_one_makes_none() {
    let twenty = Span::from_millis(20);
    let slow = arrivals(Some(worse(Worsening { slow: twenty, ..Worsening::NONE })));
    let queued: Vec<u64> =
        slow.iter().filter(|(tick, _)| (51..=60).contains(tick)).map(|&(_, at)| at).collect();
    assert_eq!(queued, [580, 600, 620, 640, 660, 680, 700, 720, 740, 760], "one every 20 ms, sent every 10");

    let by = Span::from_millis(60);
    let reordered = arrivals(Some(worse(Worsening { reorder: by, ..Worsening::NONE })));
    let overtakings = reordered.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
    assert!(overtakings > 2, "{reordered:?}");
    assert!(reordered.iter().all(|(tick, at)| (tick * 10 + 50..=tick * 10 + 110).contains(at)));
    let delayed = arrivals(Some(worse(Worsening { delay: Span::from_millis(5), ..Worsening::NONE })));
    assert!(delayed.is_sorted(), "{delayed:?}");
}

#[test]
fn a_bursty_link_loses_in_rows() {
    let burst = Burst { good: Span::from_millis(100), bad: Span::from_millis(100), loss: Chance::ALWAYS };
    let ran = run(vec![fault(0, A, worse(Worsening { burst: Some(burst), ..Worsening::NONE }), 0)]);
    assert!(ran.landed(0).is_some());
    let heard: Vec<u64> =
        ran.heard(A, B).into_iter().map(|(tick, _)| tick).filter(|&tick| tick < 200).collect();
    let gaps = heard.windows(2).filter(|pair| pair[1] > pair[0] + 1).count();
    assert!((40..160).contains(&heard.len()), "half of the time: {}", heard.len());
    assert!((3..30).contains(&gaps), "in few rows: {gaps}");
    assert_eq!(ran.heard_within(A, B, 2_001, 3_000), 100);
    assert_eq!(ran.heard(A, C).len(), 299);
}

#[test]
fn the_networks_own_bursts_end_when_the_run_settles() {
    let mut bursty = plan(vec![]);
    bursty.network.burst =
        Some(Burst { good: Span::from_millis(100), bad: Span::from_millis(100), loss: Chance::ALWAYS });
    let ran = run_on(ClockKind::Boot, bursty);
    assert!((40..160).contains(&ran.heard_within(A, B, 0, 2_000)));
    assert_eq!(ran.heard_within(A, B, 2_001, 3_000), 100);
    let noise = WorldEvent::MessageLost {
        to: B,
        purpose: Purpose::Write,
        leg: Leg::Request,
        cause: LossCause::Noise,
    };
    assert!(!ran.world(A, noise).is_empty());
}

#[test]
fn a_swizzle_clogs_one_after_the_other_and_heals_in_another_order() {
    let ran = run(vec![fault(500, everybody(Pick::All), Action::Swizzle, 1_000)]);
    let mut healed: Vec<(u64, NodeId)> = ALL.map(|node| (ran.healed(node, 0)[0], node)).into();
    healed.sort();
    let times: Vec<u64> = healed.iter().map(|&(at, _)| at).collect();
    assert_eq!(times, [1_100, 1_200, 1_300, 1_400, 1_500]);
    // A node is clogged when its own ticks reach nobody any more; the last two fall silent for each other.
    let last_heard = |node: NodeId| {
        let others = ALL.into_iter().filter(|&other| other != node);
        let heard = others.flat_map(|other| ran.heard(node, other));
        heard.map(|(_, at)| at).filter(|&at| at < 1_000).max().unwrap()
    };
    let mut clogged: Vec<(u64, NodeId)> = ALL.map(|node| (last_heard(node), node)).into();
    clogged.sort();
    let times: Vec<u64> = clogged.iter().map(|&(at, _)| at).collect();
    assert_eq!(times, [491, 591, 691, 791, 791]);
    let order = |list: &[(u64, NodeId)]| list.iter().map(|&(_, node)| node).collect::<Vec<_>>();
    assert_ne!(
        order(&clogged)[..3],
        order(&healed)[..3],
        "the last two are clogged as far as they can tell at once"
    );
    for (from, to) in [(A, B), (G, D)] {
        let mut ticks: Vec<u64> = ran.heard(from, to).iter().map(|&(tick, _)| tick).collect();
        ticks.sort();
        assert_eq!(ticks, (1..300).collect::<Vec<_>>(), "nothing is lost, nothing comes twice");
    }
}

/// A link keeps as many messages as a stopped process's host, and after it has let go as many again.
#[test]
fn a_link_that_is_clogged_or_held_has_room_for_so_many_messages() {
    for kept in [Action::Clog(TO_B), Action::Hold(TO_B)] {
        let mut plan = plan(vec![fault(505, A, kept, 100), fault(805, A, kept, 100)]);
        plan.receive_buffer = 4;
        let ran = run_on(ClockKind::Boot, plan);
        let overflows = |event: &EventKind| {
            matches!(event, EventKind::World(WorldEvent::MessageLost { cause: LossCause::Overflow, .. }))
        };
        let lost: Vec<u64> = (550..=600).step_by(10).chain((850..=900).step_by(10)).collect();
        assert_eq!(ran.times(A, overflows), lost, "{kept:?}");
        let ticks: Vec<u64> = ran.heard(A, B).iter().map(|&(tick, _)| tick).collect();
        assert_eq!(ticks.iter().filter(|tick| (51..=60).contains(*tick)).count(), 4);
    }
}

#[test]
fn what_a_clog_and_a_hold_kept_arrives_when_the_run_settles() {
    // A partition takes what sets out while it lasts: that is nothing of what is clogged.
    for (kept, lost) in [(Action::Clog(Scope::Isolate), 0..0), (Action::Hold(Scope::Isolate), 161..200)] {
        let mut plan = plan(vec![
            fault(1_505, A, kept, 0),
            fault(1_605, B, Action::Partition(Scope::Isolate), 0),
            fault(1_605, B, Action::Pause, 0),
        ]);
        plan.network.loss = Chance::from_ppm(1).unwrap();
        let ran = run_on(ClockKind::Boot, plan);
        let ticks: Vec<u64> =
            ran.heard(A, B).iter().map(|&(tick, _)| tick).filter(|&tick| tick > 150).collect();
        let expected: Vec<u64> = (151..300).filter(|tick| !lost.contains(tick)).collect();
        assert_eq!(ticks, expected, "{kept:?}: in the order of sending");
        assert_eq!(ran.heard_within(A, B, 1_505, 2_000), 0);
    }
}

#[test]
fn a_hold_that_ends_under_another_goes_on_and_a_cut_takes_what_it_lets_go() {
    let hold = |at, lasts| fault(at, A, Action::Hold(TO_B), lasts);
    let ran = run(vec![hold(505, 100), hold(555, 200)]);
    assert_eq!(ran.heard_within(A, B, 505, 755), 0);
    assert_eq!(ran.heard(A, B).len(), 299);
    let ran = run(vec![hold(505, 100), fault(604, A, Action::Partition(TO_B), 10)]);
    assert_eq!(ran.heard(A, B).len(), 288, "ten were held, and released into the partition");
}

#[test]
fn a_slow_process_takes_one_input_at_a_time() {
    let throttled = || fault(505, A, Action::Throttle { step: Span::from_millis(7) }, 200);
    let ran = run(vec![throttled()]);
    // At 510 it ticks, at once; then the writes' completion and four ticks of others wait, and are handled one by one.
    assert_eq!(within(&ran.ticked(A), 505, 520), 1);
    assert_eq!(
        (ran.world(A, WorldEvent::Throttled), ran.world(A, WorldEvent::Unthrottled)),
        (vec![505], vec![705])
    );
    assert_eq!((ran.world(A, WorldEvent::Paused), ran.world(A, WorldEvent::Resumed)), (vec![], vec![]));
    assert_eq!(ran.landed(0), Some(ms(511)), "when an input first had to wait");
    let mut handled = ran.times(A, |kind| matches!(kind, EventKind::Node(_)));
    handled.retain(|at| (506..705).contains(at));
    handled.dedup();
    assert!(handled.windows(2).all(|pair| pair[1] - pair[0] >= 7), "{handled:?}");
    assert!(handled.len() > 20, "always busy: {}", handled.len());
    assert_eq!(ran.healed(A, 0), [705]);
    assert_eq!(ran.heard(B, A).len(), 299, "what waited is handled at once in the end");

    let idle = run(vec![fault(502, A, Action::Throttle { step: Span::from_millis(1) }, 7)]);
    assert_eq!((idle.fired(0), idle.landed(0)), (Some(ms(502)), None), "nothing came in before 510");

    let mut small = plan(vec![throttled()]);
    small.receive_buffer = 2;
    let overflow = WorldEvent::MessageLost {
        to: A,
        purpose: Purpose::Write,
        leg: Leg::Request,
        cause: LossCause::Overflow,
    };
    assert!(run_on(ClockKind::Boot, small).world(B, overflow).len() > 3);
}

#[test]
fn what_is_slow_can_be_paused_and_killed() {
    let slow = |lasts| fault(505, A, Action::Throttle { step: Span::from_millis(7) }, lasts);
    let ran = run(vec![slow(200), fault(600, A, Action::Pause, 50), fault(660, A, Action::Crash, 20)]);
    let paused = ran.world(A, WorldEvent::Paused);
    assert_eq!(paused.len(), 1);
    assert_eq!(
        within(&ran.times(A, |kind| matches!(kind, EventKind::Node(_))), paused[0] + 1, paused[0] + 50),
        0
    );
    assert_eq!(ran.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }).len(), 1);
    assert!(ran.ticked(A).last() > Some(&2_900), "and it goes on in the end");
    let ran = run(vec![slow(0)]);
    assert_eq!(ran.world(A, WorldEvent::Unthrottled), [2_000], "until all is healed");
    assert_eq!(within(&ran.ticked(A), 2_001, 3_000), 99);
}

#[test]
fn a_stalled_disk_holds_back_completions_while_timers_go_on() {
    let ran = run(vec![fault(511, A, Action::Stall, 100)]);
    // That of 510 is due at 513. A pause would have stopped the ticks.
    assert_eq!(within(&ran.ticked(A), 511, 611), 10);
    assert_eq!(within(&ran.persisted(A), 504, 611), 0);
    assert_eq!(within(&ran.persisted(A), 611, 612), 1, "the first at once");
    assert_eq!(within(&ran.persisted(A), 612, 614), 0);
    assert_eq!(within(&ran.persisted(A), 614, 615), 10, "the rest after their latency");
    assert_eq!(ran.persisted(A).len(), 299);
    assert_eq!(ran.landed(0), Some(ms(513)));
    let timely = Assumption::DiskTimely;
    assert_eq!(
        (ran.world(A, WorldEvent::DiskStalled), ran.world(A, WorldEvent::DiskFlows)),
        (vec![511], vec![611])
    );
    assert_eq!(ran.world(A, WorldEvent::AssumptionBroken { assumption: timely }), [511]);
    assert_eq!(ran.world(A, WorldEvent::AssumptionRestored { assumption: timely }), [611]);
    assert_eq!(within(&ran.persisted(B), 511, 611), 10);

    let idle = run(vec![fault(514, A, Action::Stall, 5)]);
    assert_eq!((idle.fired(0), idle.landed(0)), (Some(ms(514)), None), "no write was under way or came");
    assert_eq!(
        run(vec![fault(515, A, Action::Stall, 10)]).landed(0),
        Some(ms(520)),
        "a write that waits is enough"
    );
}

#[test]
fn a_stall_stays_with_the_host_through_a_crash_and_ends_when_the_run_settles() {
    let ran = run(vec![fault(505, A, Action::Stall, 0), fault(695, A, Action::Crash, 50)]);
    assert_eq!(ran.found(A), [(750, 50)], "writes under way are lost: those from 510 on");
    assert_eq!(within(&ran.persisted(A), 505, 2_000), 0);
    assert_eq!(ran.world(A, WorldEvent::DiskFlows), [2_000]);
    assert!(within(&ran.persisted(A), 2_000, 2_004) > 100);
    let two = run(vec![fault(505, A, Action::Stall, 100), fault(555, A, Action::Stall, 100)]);
    assert_eq!(
        (two.world(A, WorldEvent::DiskStalled), two.world(A, WorldEvent::DiskFlows)),
        (vec![505], vec![655])
    );
    assert_eq!((two.healed(A, 0), two.healed(A, 1)), (vec![605], vec![655]));
    let paused = run(vec![fault(508, A, Action::Pause, 100), fault(509, A, Action::Stall, 50)]);
    assert_eq!(paused.persisted(A).len(), paused.ticked(A).len(), "completions wait for the process");
}

/// What the disk kept at crashes of different kinds, under several keys, with seven writes under way.
fn kept(action: Action) -> Vec<u32> {
    let kept = (0..40).map(|key| {
        let mut plan = plan(vec![fault(595, A, action, 50)]);
        plan.noise = NoiseKey(key);
        plan.nodes[A.index()].disk = Latency::Constant(Span::from_millis(75));
        let ran = run_on(ClockKind::Boot, plan);
        assert!(ran.landed(0).is_some());
        let [(at, kept)] = ran.found(A)[..] else { panic!("one restart") };
        assert_eq!(at, 645);
        kept
    });
    let mut kept: Vec<u32> = kept.collect();
    kept.sort();
    kept.dedup();
    kept
}

#[test]
fn a_crash_keeps_some_of_what_is_under_way_a_torn_one_nothing_of_it_and_a_wipe_nothing_at_all() {
    // At 595 the writes up to that of 520 are durable, and those of 530 to 590 under way.
    assert_eq!(kept(Action::Crash), [52, 53, 54, 55, 56, 57, 58, 59]);
    assert_eq!(kept(Action::Torn), [52]);
    assert_eq!(kept(Action::Wipe), [0]);
}

#[test]
fn a_wipe_breaks_an_assumption_for_good_and_without_a_duration_the_process_is_back_at_once() {
    let keeps = Assumption::DiskKeeps;
    let ran = run(vec![fault(595, A, Action::Wipe, 0)]);
    assert_eq!((ran.world(A, WorldEvent::Crashed), ran.found(A)), (vec![600], vec![(600, 0)]));
    assert_eq!(ran.world(A, WorldEvent::DiskWiped), [600]);
    assert_eq!(ran.world(A, WorldEvent::AssumptionBroken { assumption: keeps }), [600]);
    assert_eq!(ran.world(A, WorldEvent::AssumptionRestored { assumption: keeps }), []);
    let dead = run(vec![fault(595, A, Action::Crash, 0), fault(700, A, Action::Wipe, 100)]);
    assert_eq!((dead.world(A, WorldEvent::Crashed), dead.found(A)), (vec![600], vec![(800, 0)]));
    assert_eq!((dead.healed(A, 0), dead.healed(A, 1)), (vec![700], vec![800]));
    let torn = run(vec![fault(595, A, Action::Torn, 0)]);
    assert_eq!(torn.found(A), [], "for good: others contend");
}

fn lapsed(ran: &Ran) -> Vec<u64> {
    ran.world(A, WorldEvent::ClaimLapsed { resource: R, token: Token(1), incarnation: Incarnation(0) })
}

#[test]
fn frozen_clocks_stand_still_and_slow_ones_do_not() {
    let claim = || fault(500, A, CLAIM, 0);
    assert_eq!(lapsed(&run(vec![claim()])), [1_500]);
    for clock in [ClockKind::Monotonic, ClockKind::Boot, ClockKind::Wall] {
        let ran = run_on(clock, plan(vec![claim(), fault(605, A, Action::ClockFreeze, 300)]));
        assert_eq!(within(&ran.ticked(A), 605, 905), 0, "its timers wait");
        assert_eq!(within(&ran.ticked(A), 905, 1_005), 10, "and go on where they were");
        assert_eq!(lapsed(&ran), [1_800]);
        assert_eq!(ran.landed(1), Some(ms(605)));
        assert_eq!(
            (ran.world(A, WorldEvent::ClocksFroze), ran.world(A, WorldEvent::ClocksThawed)),
            (vec![605], vec![905])
        );
        assert_eq!(ran.heard_within(B, A, 605, 905), 30, "its process goes on");
    }
    let slow = RateError::from_ppb(-500_000_000).unwrap();
    let ran = run(vec![claim(), fault(605, A, Action::ClockRate(slow), 300)]);
    assert_eq!((within(&ran.ticked(A), 605, 905), lapsed(&ran)), (15, vec![1_650]));
    assert_eq!(ran.world(A, WorldEvent::ClocksFroze), []);
}

#[test]
fn clocks_are_good_again_when_the_last_fault_on_them_is_over() {
    let broken = WorldEvent::AssumptionBroken { assumption: Assumption::ClockRate };
    let restored = WorldEvent::AssumptionRestored { assumption: Assumption::ClockRate };
    let fast = RateError::from_ppb(100_000_000).unwrap();
    let ran = run(vec![
        fault(500, A, Action::ClockFreeze, 300),
        fault(600, A, Action::ClockRate(fast), 400),
        fault(700, A, Action::ClockFreeze, 200),
    ]);
    assert_eq!((ran.world(A, broken), ran.world(A, restored)), (vec![500], vec![1_000]));
    assert_eq!(
        (ran.world(A, WorldEvent::ClocksFroze), ran.world(A, WorldEvent::ClocksThawed)),
        (vec![500], vec![900])
    );
    let ran = run_on(
        ClockKind::Monotonic,
        plan(vec![fault(500, A, Action::ClockFreeze, 300), fault(505, A, Action::Suspend, 0)]),
    );
    assert_eq!((ran.world(A, broken), ran.world(A, restored)), (vec![500], vec![800]));
}

#[test]
fn a_strobed_clock_jumps_to_and_fro_and_a_stepped_one_jumps_once() {
    let by = 2_000_000_000;
    let strobe = Action::WallStrobe { by, every: Span::from_millis(100) };
    let claim = || fault(400, A, CLAIM, 0);
    let jumps = |ran: &Ran| {
        (ran.world(A, WorldEvent::WallStepped { by }), ran.world(A, WorldEvent::WallStepped { by: -by }))
    };
    let ran = run_on(ClockKind::Wall, plan(vec![claim(), fault(500, A, strobe, 250)]));
    assert_eq!(jumps(&ran), (vec![500, 700], vec![600, 750]), "home again at the end, whatever the beat");
    assert_eq!(ran.landed(1), Some(ms(500)));
    assert_eq!(ran.healed(A, 1), [750]);
    assert_eq!(lapsed(&ran), [500, 700, 1_400]);
    let resumed = WorldEvent::ClaimResumed { resource: R, token: Token(1), incarnation: Incarnation(0) };
    assert_eq!(ran.world(A, resumed), [600, 750]);
    let last = ran.events.iter().rfind(|event| event.node == Some(A)).unwrap();
    assert_eq!(last.local, last.at.as_nanos() as i64);

    let ran = run_on(ClockKind::Wall, plan(vec![claim(), fault(500, A, Action::WallStep(by), 0)]));
    assert_eq!((jumps(&ran), lapsed(&ran)), ((vec![500], vec![]), vec![500]));
    let ran = run_on(ClockKind::Wall, plan(vec![fault(1_850, A, strobe, 0)]));
    assert_eq!(jumps(&ran), (vec![1_850], vec![1_950]), "the run settles at 2,000");
}

/// A pause of whoever the condition is about, from an instant on.
fn on_condition(condition: Condition, from_ms: u64) -> FaultPlan {
    let trigger = Trigger::When { condition, from: ms(from_ms) };
    FaultPlan { trigger, ..fault(0, Target::Holder, Action::Pause, 50) }
}

/// When a fault that waits for this fired and at whom, if this happens. Whether it is a grantor or a registry that
/// grants, and a contender or an instance that claims, makes no difference.
fn fired_at(
    condition: Condition,
    from_ms: u64,
    happens: &[(u64, NodeId, Action)],
) -> Option<(u64, Vec<NodeId>)> {
    let faults = happens.iter().map(|&(at, node, action)| fault(at, node, action, 100));
    let lease = plan([on_condition(condition, from_ms)].into_iter().chain(faults).collect());
    let fired = [lease.clone(), around_a_registry(lease)].map(|plan| {
        let ran = run_on(ClockKind::Boot, plan);
        ran.fired(0).map(|at| (at.as_nanos() / 1_000_000, ran.targets(0).to_vec()))
    });
    let [fired, around_a_registry] = fired;
    assert_eq!(fired, around_a_registry);
    fired
}

#[test]
fn a_grant_in_flight_is_one_that_was_just_given() {
    let when = |from, happens: &[_]| fired_at(Condition::GrantInFlight, from, happens);
    assert_eq!(when(0, &[(500, G, GRANT)]), Some((500, vec![B])));
    assert_eq!(when(0, &[(500, G, PROLONG), (600, B, CLAIM)]), None);
    assert_eq!(when(550, &[(500, G, GRANT), (600, G, GRANT)]), Some((600, vec![B])));
    assert_eq!(when(550, &[(500, G, GRANT)]), None);
}

#[test]
fn a_renewal_in_flight_is_one_of_a_node_that_claims_and_that_will_arrive() {
    let when = |from, happens: &[_]| fired_at(Condition::RenewalInFlight, from, happens);
    assert_eq!(when(0, &[(400, A, CLAIM), (500, A, RENEW)]), Some((500, vec![A])));
    assert_eq!(when(0, &[(500, A, RENEW)]), None, "it claims nothing");
    assert_eq!(when(0, &[(400, A, CLAIM), (1_500, A, RENEW)]), None, "it claims no more");
    let cut = Action::Partition(Scope::Isolate);
    assert_eq!(when(0, &[(400, A, CLAIM), (450, A, cut), (500, A, RENEW)]), None, "it is lost");
    assert_eq!(when(550, &[(400, A, CLAIM), (500, A, RENEW), (600, A, RENEW)]), Some((600, vec![A])));
}

#[test]
fn a_term_that_is_soon_over_is_known_by_the_grantors_clock() {
    let left = Span::from_millis(200);
    let when = |from, happens: &[_]| fired_at(Condition::ExpiryWithin { left }, from, happens);
    assert_eq!(when(0, &[(500, G, GRANT)]), Some((800, vec![B])));
    assert_eq!(when(0, &[(500, G, GRANT), (700, G, PROLONG)]), Some((1_000, vec![B])), "renewed in time");
    assert_eq!(when(0, &[(500, G, GRANT), (700, G, RELEASE)]), None);
    assert_eq!(when(900, &[(500, G, GRANT)]), Some((900, vec![B])), "it holds when it begins to count");
    assert_eq!(when(1_100, &[(500, G, GRANT)]), None, "over before it counts");
    let twice = Action::ClockRate(RateError::from_ppb(1_000_000_000).unwrap());
    assert_eq!(when(0, &[(500, G, GRANT), (600, G, twice)]), Some((600, vec![B])), "400 ms of it take 200");
    assert_eq!(when(0, &[(500, G, GRANT), (600, G, Action::ClockFreeze)]), Some((900, vec![B])));
    assert_eq!(
        when(0, &[(500, G, GRANT), (600, B, twice)]),
        Some((800, vec![B])),
        "the holder's clock is not asked"
    );
}

#[test]
fn a_takeover_follows_an_expiry() {
    let when = |from, happens: &[_]| fired_at(Condition::AfterTakeover, from, happens);
    assert_eq!(when(0, &[(500, G, GRANT), (600, G, EXPIRE), (700, G, GRANT_AGAIN)]), Some((700, vec![B])));
    assert_eq!(when(0, &[(500, G, GRANT), (600, G, RELEASE), (700, G, GRANT_AGAIN)]), None);
    assert_eq!(when(0, &[(500, G, GRANT)]), None);
    assert_eq!(when(800, &[(500, G, GRANT), (600, G, EXPIRE), (700, G, GRANT_AGAIN)]), None);
}

#[test]
fn an_end_is_ordered_before_it_is_known() {
    let when = |from, happens: &[_]| fired_at(Condition::EndOrdered, from, happens);
    assert_eq!(when(0, &[(500, G, GRANT), (600, G, ORDER_END), (700, G, EXPIRE)]), Some((600, vec![B])));
    assert_eq!(when(0, &[(500, G, GRANT), (600, G, EXPIRE), (650, G, RELEASE)]), None, "these are known");
    assert_eq!(
        when(650, &[(500, G, GRANT), (600, G, ORDER_END), (700, G, ORDER_END)]),
        Some((700, vec![B])),
        "tried again"
    );
    assert_eq!(when(650, &[(500, G, GRANT), (600, G, ORDER_END)]), None);
    assert_eq!(when(0, &[(600, G, ORDER_END)]), Some((600, vec![])), "of a lease that nobody heard of");
    assert_eq!(
        when(0, &[(400, A, CLAIM), (600, G, ORDER_END)]),
        Some((600, vec![A])),
        "then the holder is who claims"
    );
    assert_eq!(
        when(0, &[(500, G, GRANT), (550, G, GRANT_AGAIN), (600, G, ORDER_END)]),
        Some((600, vec![])),
        "of a lease that is not the latest"
    );
}

#[test]
fn what_is_left_of_a_claim_counts_from_when_it_is_asked() {
    let condition = Condition::TtlRemainingBelow { percent: 30 };
    let claim = [(500, A, CLAIM)];
    assert_eq!(fired_at(condition, 0, &claim), Some((1_200, vec![A])));
    assert_eq!(fired_at(condition, 1_300, &claim), Some((1_300, vec![A])));
    assert_eq!(fired_at(condition, 1_600, &claim), None, "it is over");
}

#[test]
fn a_peer_that_is_the_holder_is_the_one_of_the_condition() {
    let cut = FaultPlan {
        target: Target::Node(G),
        action: Action::Partition(Scope::Between(Target::Holder)),
        ..on_condition(Condition::GrantInFlight, 0)
    };
    let ran = run(vec![FaultPlan { lasts: Some(Span::from_millis(300)), ..cut }, fault(505, G, GRANT, 0)]);
    assert_eq!(ran.silent(515, 795), [(G, B), (B, G)]);
}

#[test]
fn removing_a_fault_leaves_the_fate_of_other_messages_alone() {
    let noisy = |faults| {
        let mut plan = plan(faults);
        plan.network.latency = Latency::Uniform { min: Span::ZERO, max: Span::from_millis(30) };
        plan.network.loss = Chance::from_ppm(100_000).unwrap();
        plan.network.duplicate = Chance::from_ppm(100_000).unwrap();
        plan.network.burst =
            Some(Burst { good: Span::from_millis(200), bad: Span::from_millis(50), loss: Chance::ALWAYS });
        run_on(ClockKind::Boot, plan)
    };
    let calm = noisy(vec![]);
    let all = worse(Worsening {
        delay: Span::from_millis(3),
        loss: Chance::from_ppm(300_000).unwrap(),
        duplicate: Chance::from_ppm(300_000).unwrap(),
        reorder: Span::from_millis(9),
        slow: Span::from_millis(5),
        burst: Some(Burst { good: TICK, bad: TICK, loss: Chance::ALWAYS }),
    });
    for action in [all, Action::Clog(TO_B), Action::Hold(TO_B), Action::Partition(TO_B)] {
        let disturbed = noisy(vec![fault(505, A, action, 300)]);
        for (from, to) in [(B, A), (A, C), (C, B), (G, D)] {
            assert_eq!(disturbed.heard(from, to), calm.heard(from, to), "{action:?} {from} {to}");
        }
        let after = |ran: &Ran| {
            let mut ticks = ran.heard(A, B);
            ticks.retain(|(tick, _)| (81..200).contains(tick));
            ticks
        };
        assert_eq!(after(&disturbed), after(&calm), "{action:?}: those sent after it");
        assert_ne!(disturbed.heard(A, B), calm.heard(A, B));
    }
}

#[test]
fn what_never_fired_and_what_never_landed_is_told() {
    let ran = run(vec![
        on_condition(Condition::GrantInFlight, 0),
        fault(500, Target::Holder, Action::Pause, 100),
        fault(500, A, Action::Link { scope: TO_B, worse: Worsening::NONE }, 100),
        fault(500, Target::one_of(Role::Registry), Action::Wipe, 100),
    ]);
    let told = |index: usize| {
        let FaultOutcome { fired, targets, landed } = &ran.outcome.faults[index];
        (fired.is_some(), targets.len(), landed.is_some())
    };
    assert_eq!(
        [told(0), told(1), told(2), told(3)],
        [(false, 0, false), (true, 0, false), (true, 1, false), (true, 0, false)]
    );
    assert_eq!(ran.world(None, WorldEvent::FaultFired { fault: FaultId(1) }), [500]);
}

#[test]
fn events_of_a_frozen_clock_show_where_it_stands() {
    let ran = run(vec![fault(605, A, Action::ClockFreeze, 300)]);
    let during = ran.events.iter().find(|event| event.node == Some(A) && event.at > ms(700)).unwrap();
    assert_eq!(Reading::new(ClockKind::Boot, during.local).as_nanos(), 605_000_000);
}
