//! Commands that last are taken back, once and in time; and what a run has to have when it settles is up.

mod common;

use leasehold_core::clock::ClockKind;
use leasehold_core::node::{Leg, Purpose, Slot};
use leasehold_core::plan::{Action, FaultPlan, Group, Latency, NodePlan, Pick, Role, Target};
use leasehold_core::*;
use serde::{Deserialize, Serialize};

use common::{Ran, fault_on, quiet, within};

/// Nodes that tick every 10 ms, unless they are told to be quiet.
struct Ticks;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Nothing;

impl Message for Nothing {
    fn class(&self) -> (Purpose, Leg) {
        (Purpose::Other, Leg::Request)
    }
}

impl Record for Nothing {
    fn slot(&self) -> Slot {
        Slot(0)
    }
}

#[derive(Clone, Debug)]
enum Order {
    BeQuiet,
    GoOn,
    Shout,
}

impl Protocol for Ticks {
    type Message = Nothing;
    type Record = Nothing;
    type Command = Order;
}

const TICK: Span = Span::from_millis(10);
const R: ResourceId = ResourceId(0);
const A: NodeId = NodeId(0);

const BE_QUIET: Action = Action::Command(CommandId(0));
const SHOUT: Action = Action::Command(CommandId(1));

fn orders() -> Vec<Instruction<Order>> {
    vec![Instruction { command: Order::BeQuiet, undo: Some(Order::GoOn) }, Instruction::at_once(Order::Shout)]
}

#[derive(Default)]
struct Ticker {
    is_quiet: bool,
    ticks: u64,
}

impl Node<Ticks> for Ticker {
    fn handle(&mut self, ctx: &mut Context<'_, Ticks>, input: Input<Ticks>) {
        match input {
            Input::Command(Order::BeQuiet) => self.is_quiet = true,
            Input::Command(Order::GoOn) => {
                ctx.emit(NodeEvent::TableHolds { live: 0 });
                self.is_quiet = false;
            }
            Input::Command(Order::Shout) => ctx.emit(NodeEvent::TableHolds { live: 1 }),
            _ => {
                self.ticks += 1;
                if !self.is_quiet {
                    ctx.emit(NodeEvent::EffectIssued { resource: R, token: Token(1), op: OpId(self.ticks) });
                }
                ctx.arm(TimerId(0), ctx.read(ClockKind::Boot) + TICK);
            }
        }
    }
}

fn run(roles: &[Role], faults: Vec<FaultPlan>) -> Ran {
    let node = |(id, role): (usize, &Role)| NodePlan {
        name: format!("n{id}"),
        role: *role,
        relies_on: ClockKind::Boot,
        rate: RateError::ZERO,
        wall_offset: 0,
        disk: Latency::Constant(Span::ZERO),
        starts: Span::from_millis(5),
    };
    let plan = quiet(roles.iter().enumerate().map(node).collect(), faults, 100);
    let mut events = Vec::new();
    let make = |_| Box::new(Ticker::default()) as Box<dyn Node<Ticks>>;
    let outcome = leasehold_sim::run::<Ticks>(&plan, &make, &orders(), &mut events);
    assert_eq!(outcome.end, RunEnd::Completed);
    Ran { outcome, events }
}

fn one(faults: Vec<FaultPlan>) -> Ran {
    run(&[Role::Instance], faults)
}

fn fault(at_ms: u64, action: Action, lasts_ms: u64) -> FaultPlan {
    fault_on(at_ms, Target::Node(A), action, lasts_ms)
}

impl Ran {
    /// When the node was told to go on.
    fn went_on(&self) -> Vec<u64> {
        self.times(A, |kind| *kind == EventKind::Node(NodeEvent::TableHolds { live: 0 }))
    }

    fn healed(&self, fault: u16) -> Vec<u64> {
        self.world(A, WorldEvent::FaultHealed { fault: FaultId(fault) })
    }
}

#[test]
fn what_a_node_was_told_is_over_when_the_fault_is() {
    let ran = one(vec![fault(500, BE_QUIET, 300)]);
    assert_eq!((ran.went_on(), ran.healed(0)), (vec![800], vec![800]));
    assert_eq!(within(&ran.ticked(A), 500, 800), 0);
    assert_eq!(within(&ran.ticked(A), 800, 2_000), 120);

    let until_settled = one(vec![fault(500, BE_QUIET, 0)]);
    assert_eq!((until_settled.went_on(), until_settled.healed(0)), (vec![2_000], vec![2_000]));
    let longer_than_chaos = one(vec![fault(500, BE_QUIET, 2_100)]);
    assert_eq!((longer_than_chaos.went_on(), longer_than_chaos.healed(0)), (vec![2_000], vec![2_000]));
}

#[test]
fn a_command_that_takes_no_time_has_no_end() {
    let ran = one(vec![fault(500, SHOUT, 0)]);
    assert_eq!(ran.times(A, |kind| *kind == EventKind::Node(NodeEvent::TableHolds { live: 1 })), [500]);
    assert_eq!((ran.went_on(), ran.healed(0)), (vec![], vec![]));
}

#[test]
fn what_was_said_twice_is_over_when_the_last_is() {
    let ran = one(vec![fault(500, BE_QUIET, 300), fault(600, BE_QUIET, 300)]);
    assert_eq!(ran.went_on(), [900]);
    assert_eq!((ran.healed(0), ran.healed(1)), (vec![800], vec![900]));
    assert_eq!(within(&ran.ticked(A), 500, 900), 0);
}

/// The next process knows nothing of it, so that it is over with the one that was told; what that next one is told is
/// not taken back with it.
#[test]
fn a_process_takes_what_it_was_told_along_when_it_dies() {
    let ran = one(vec![fault(500, BE_QUIET, 300), fault(600, Action::Restart, 0)]);
    assert_eq!((ran.went_on(), ran.healed(0)), (vec![], vec![605]));
    assert_eq!(within(&ran.ticked(A), 605, 705), 10);

    let again =
        one(vec![fault(500, BE_QUIET, 300), fault(600, Action::Restart, 0), fault(700, BE_QUIET, 300)]);
    assert_eq!((again.went_on(), again.healed(2)), (vec![1_000], vec![1_000]));
    assert_eq!(within(&again.ticked(A), 705, 1_000), 0);
}

#[test]
fn the_dead_are_told_nothing_and_sleepers_hear_it_later() {
    let dead = one(vec![fault(500, Action::Crash, 300), fault(600, BE_QUIET, 100)]);
    assert_eq!((dead.outcome.faults[1].landed, dead.went_on(), dead.healed(1)), (None, vec![], vec![]));
    let still_dead = one(vec![fault(500, Action::Crash, 0), fault(600, BE_QUIET, 0)]);
    assert_eq!(still_dead.healed(1), [], "nor when the run settles");

    let asleep = one(vec![fault(500, BE_QUIET, 200), fault(600, Action::Pause, 300)]);
    let woke = asleep.world(A, WorldEvent::Resumed);
    assert_eq!((asleep.healed(0), asleep.went_on()), (vec![700], woke));
}

/// All processes die for good at 500; who is back when the run settles?
fn back(roles: &[Role]) -> Vec<u16> {
    let everybody = Target::Drawn { pick: Pick::All, from: Group::Everybody };
    back_after(roles, vec![fault_on(500, everybody, Action::Crash, 0)])
}

fn back_after(roles: &[Role], faults: Vec<FaultPlan>) -> Vec<u16> {
    let ran = run(roles, faults);
    let restarted = |node: &u16| {
        !ran.world(NodeId(*node), WorldEvent::Restarted { incarnation: Incarnation(1) }).is_empty()
    };
    (0..roles.len() as u16).filter(restarted).collect()
}

#[test]
fn a_core_of_each_topology_is_up_when_the_run_settles() {
    use Role::{Contender, Discovery, Follower, Grantor, Instance, Observer, Registry, Resource, Sidecar};
    assert_eq!(back(&[Grantor, Contender, Contender, Resource]), [0, 1, 3]);
    assert_eq!(back(&[Registry, Follower, Instance, Instance, Discovery, Discovery]), [0, 1, 2, 4]);
    assert_eq!(back(&[Registry, Instance, Instance, Sidecar, Sidecar, Observer]), [0, 1, 3, 5]);
    assert_eq!(back(&[Registry]), [0]);
}

/// An instance whose sidecar is dead is of no use, though another's sidecar is up.
#[test]
fn an_instance_is_up_together_with_its_sidecar_or_another_is() {
    use Role::{Instance, Registry, Sidecar};
    let roles = [Registry, Instance, Instance, Sidecar, Sidecar];
    let crash = |node| fault_on(500, Target::Node(NodeId(node)), Action::Crash, 0);
    assert_eq!(back_after(&roles, vec![crash(1), crash(4)]), [1], "whose sidecar is up");
    assert_eq!(back_after(&roles, vec![crash(1)]), [0_u16; 0], "the second has all it needs");
    assert_eq!(back_after(&roles, vec![crash(1), crash(2)]), [1]);
}
