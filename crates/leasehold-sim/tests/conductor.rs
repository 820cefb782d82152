//! A world whose processes run elsewhere: what it orders, and what becomes of messages that only it knows the fate of.

#[expect(dead_code, reason = "other tests ask more of a run")]
mod common;

use std::convert::Infallible;

use leasehold_core::clock::ClockKind;
use leasehold_core::event::{EventKind, Phase, WorldEvent};
use leasehold_core::node::{Leg, Purpose, Slot};
use leasehold_core::plan::{Action, Chance, Cut, FaultPlan, Latency, NodePlan, Phases, Role, Scope, Target};
use leasehold_core::*;
use leasehold_sim::{Carriage, Conductor, Order, Progress, conduct};
use serde::{Deserialize, Serialize};

use common::{Ran, fault_on, ms, quiet};

/// Nothing is said: there is no process here.
#[derive(Debug)]
struct Elsewhere;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line(u64);

impl Message for Line {
    fn class(&self) -> (Purpose, Leg) {
        unreachable!("the world is told the class of a message, and sees none")
    }
}

impl Record for Line {
    fn slot(&self) -> Slot {
        Slot(self.0)
    }
}

impl Protocol for Elsewhere {
    type Message = Line;
    type Record = Line;
    type Command = Infallible;
}

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const WRITE: (Purpose, Leg) = (Purpose::Write, Leg::Request);

fn plan(faults: Vec<FaultPlan>) -> Plan {
    let node = |name: &str| NodePlan {
        name: name.to_owned(),
        role: Role::Contender,
        relies_on: ClockKind::Boot,
        rate: RateError::ZERO,
        wall_offset: 0,
        disk: Latency::Constant(Span::from_millis(3)),
        starts: Span::ZERO,
    };
    quiet(vec![node("a"), node("b")], faults, 2)
}

fn fault(at_ms: u64, action: Action, lasts_ms: u64) -> FaultPlan {
    fault_on(at_ms, Target::Node(A), action, lasts_ms)
}

/// Directs a run for a while, and gives what came of it.
fn direct(plan: &Plan, direct: impl FnOnce(&mut Conductor<'_, Elsewhere>)) -> Ran {
    let mut events = Vec::new();
    let outcome = conduct::<Elsewhere, _>(plan, &[], Span::from_millis(1), &mut events, |conductor| {
        direct(conductor);
        conductor.outcome()
    });
    Ran { outcome, events }
}

/// What is said of messages until an instant, in a word each.
fn said(conductor: &mut Conductor<'_, Elsewhere>, until_ms: u64) -> Vec<(&'static str, u64)> {
    assert_eq!(conductor.advance(ms(until_ms)), Progress::GoesOn);
    let orders = conductor.take_orders().into_iter();
    let said = orders.filter_map(|order| match order {
        Order::Arrives { to, number } => {
            assert_eq!(to, B);
            Some(("arrives", number))
        }
        Order::Lost { number } => Some(("lost", number)),
        Order::Settled { number } => Some(("settled", number)),
        Order::Boot { .. } | Order::Kill { .. } | Order::Persisted { .. } | Order::Command { .. } => None,
    });
    said.collect()
}

#[test]
fn a_message_is_settled_once_when_all_its_copies_are() {
    direct(&plan(vec![]), |conductor| {
        said(conductor, 1);
        assert_eq!(
            (conductor.send(A, B, WRITE, Carriage::Apart), conductor.send(A, B, WRITE, Carriage::Apart)),
            (0, 1)
        );
        assert_eq!(said(conductor, 1), []);
        assert_eq!(said(conductor, 2), [("arrives", 0), ("arrives", 1), ("settled", 0), ("settled", 1)]);
    });
    let mut twice = plan(vec![]);
    twice.network.duplicate = Chance::ALWAYS;
    twice.network.latency = Latency::Uniform { min: Span::from_millis(1), max: Span::from_millis(90) };
    direct(&twice, |conductor| {
        said(conductor, 1);
        conductor.send(A, B, WRITE, Carriage::Apart);
        let said: Vec<_> = (2..100).flat_map(|at| said(conductor, at)).collect();
        assert_eq!(said, [("arrives", 0), ("arrives", 0), ("settled", 0)]);
    });
}

#[test]
fn a_message_to_a_stopped_process_arrives_when_that_goes_on_or_finds_no_room() {
    let pause = FaultPlan { target: Target::Node(B), cut: Cut::Now, ..fault(10, Action::Pause, 20) };
    direct(&plan(vec![pause]), |conductor| {
        assert_eq!(said(conductor, 15), []);
        assert!(!conductor.runs(B));
        for _ in 0..3 {
            conductor.send(A, B, WRITE, Carriage::Apart);
        }
        assert_eq!(said(conductor, 29), [("lost", 2), ("settled", 2)], "the host has room for two");
        assert_eq!(said(conductor, 30), [("arrives", 0), ("arrives", 1), ("settled", 0), ("settled", 1)]);
        assert!(conductor.runs(B));
    });
}

#[test]
fn what_a_dead_process_was_to_get_is_settled_and_not_said_to_arrive() {
    let crash = FaultPlan { target: Target::Node(B), cut: Cut::Now, ..fault(10, Action::Crash, 20) };
    let ran = direct(&plan(vec![crash]), |conductor| {
        said(conductor, 9);
        conductor.send(A, B, WRITE, Carriage::Apart);
        assert_eq!(said(conductor, 11), [("lost", 0), ("settled", 0)]);
    });
    assert_eq!(ran.world(B, WorldEvent::Crashed), [10]);
}

#[test]
fn a_partition_is_told_of_and_takes_what_is_under_way() {
    direct(&plan(vec![fault(10, Action::Partition(Scope::OneWay(Target::Node(B))), 20)]), |conductor| {
        said(conductor, 9);
        let before = conductor.severings();
        conductor.send(A, B, WRITE, Carriage::Apart);
        assert_eq!(said(conductor, 10), [("lost", 0), ("settled", 0)]);
        assert!(conductor.is_severed(A, B) && !conductor.is_severed(B, A));
        assert!(conductor.severings() > before);
        said(conductor, 30);
        assert!(!conductor.is_severed(A, B));
    });
}

#[test]
fn a_strike_waits_until_it_is_said_to_fall_and_the_disk_survives_it() {
    let ran = direct(&plan(vec![fault(10, Action::Restart, 0)]), |conductor| {
        said(conductor, 5);
        conductor.persist(A, Ticket(0), Line(7));
        conductor.advance(ms(8));
        let persisted =
            |order: &Order<Elsewhere>| matches!(order, Order::Persisted { node: A, ticket: Ticket(0) });
        assert!(conductor.take_orders().iter().any(persisted));
        said(conductor, 20);
        let strikes: Vec<_> = conductor.strikes(A).collect();
        assert_eq!(strikes, [(FaultId(0), Cut::After(0))]);
        conductor.strike(A, FaultId(0));
        let orders = conductor.take_orders();
        let [Order::Kill { node: A }, Order::Boot { node: A, incarnation, disk: Some(disk) }] = &orders[..]
        else {
            panic!("{orders:?}");
        };
        assert_eq!((*incarnation, &disk[..]), (Incarnation(1), &[Line(7)][..]));
        conductor.strike(A, FaultId(0));
        assert!(conductor.take_orders().is_empty(), "it has fallen");
    });
    assert_eq!(ran.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }), [20]);
}

#[test]
fn a_run_that_ends_as_it_settles_has_settled() {
    let mut plan = plan(Vec::new());
    plan.phases = Phases { chaos: Span::from_millis(10), settle: Span::ZERO };
    let ran = direct(&plan, |conductor| {
        assert_eq!(conductor.advance(ms(9)), Progress::GoesOn);
        assert_eq!(conductor.advance(ms(10)), Progress::Over(RunEnd::Completed));
    });
    let settled = EventKind::World(WorldEvent::PhaseEntered { phase: Phase::Settle });
    assert_eq!(ran.events.iter().filter(|event| event.kind == settled).count(), 1);
}
