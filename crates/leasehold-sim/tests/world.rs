//! Every fault lands, does what it says, and heals: on a protocol with nothing but ticks.

mod common;

use std::ops::ControlFlow;

use leasehold_core::clock::{ClockKind, Reading};
use leasehold_core::event::{Assumption, Claim, LossCause, Phase};
use leasehold_core::node::{Leg, Purpose, Slot};
use leasehold_core::plan::{
    Action, Chance, Condition, Cut, FaultPlan, Latency, NodePlan, Role, Scope, Target, Trigger, Worsening,
};
use leasehold_core::*;
use serde::{Deserialize, Serialize};

use common::{Ran, fault_on, ms, quiet, within};

/// Two nodes that tick every 10 ms: each tick is reported, written to disk, and sent to the other.
struct Ticks;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tick(u64);

impl Message for Tick {
    fn class(&self) -> (Purpose, Leg) {
        (Purpose::Write, Leg::Request)
    }
}

impl Record for Tick {
    fn slot(&self) -> Slot {
        Slot(0)
    }
}

#[derive(Clone, Debug)]
enum Order {
    Panic,
    Spin,
    SayHello,
}

impl Protocol for Ticks {
    type Message = Tick;
    type Record = Tick;
    type Command = Order;
}

const R: ResourceId = ResourceId(0);
const TICK: Span = Span::from_millis(10);
const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

struct Ticker {
    me: NodeId,
    clock: ClockKind,
    ticks: u64,
}

impl Node<Ticks> for Ticker {
    fn handle(&mut self, ctx: &mut Context<'_, Ticks>, input: Input<Ticks>) {
        match input {
            Input::Started => {
                if self.me == A {
                    let deadline = ctx.read(self.clock) + Span::from_secs(1);
                    let incarnation = ctx.incarnation();
                    let ttl = Span::from_secs(1);
                    ctx.emit(NodeEvent::ClaimStarted(Claim {
                        resource: R,
                        token: Token(1),
                        incarnation,
                        deadline,
                        ttl,
                    }));
                }
                ctx.arm(TimerId(0), ctx.read(self.clock) + TICK);
            }
            Input::Restarted { disk } => {
                let kept = disk.first().map_or(0, |tick| tick.0);
                ctx.emit(NodeEvent::TableHolds { live: kept as u32 });
                self.ticks = kept;
                ctx.arm(TimerId(0), ctx.read(self.clock) + TICK);
            }
            Input::Timer(TimerId(0)) => {
                self.ticks += 1;
                ctx.persist(Tick(self.ticks));
                ctx.emit(NodeEvent::EffectIssued { resource: R, token: Token(1), op: OpId(self.ticks) });
                ctx.send(NodeId(1 - self.me.0), Tick(self.ticks));
                ctx.arm(TimerId(0), ctx.read(self.clock) + TICK);
            }
            Input::Timer(spin) => ctx.arm(spin, ctx.read(self.clock)),
            Input::Received { from, message } => {
                ctx.emit(NodeEvent::DuplicateRecognised { resource: R, writer: from, op: OpId(message.0) });
            }
            Input::Persisted(_) => {}
            Input::Command(Order::Panic) => panic!("told to"),
            Input::Command(Order::Spin) => ctx.arm(TimerId(1), ctx.read(self.clock)),
            Input::Command(Order::SayHello) => ctx.emit(NodeEvent::Withdrew { resource: R }),
        }
    }
}

fn plan(faults: Vec<FaultPlan>) -> Plan {
    let node = |name: &str, role| NodePlan {
        name: name.into(),
        role,
        relies_on: ClockKind::Boot,
        rate: RateError::ZERO,
        wall_offset: 0,
        disk: Latency::Constant(Span::from_millis(1)),
        starts: Span::ZERO,
    };
    quiet(vec![node("a", Role::Contender), node("b", Role::Grantor)], faults, 3)
}

fn fault(at_ms: u64, on: NodeId, action: Action, lasts_ms: u64) -> FaultPlan {
    fault_on(at_ms, Target::Node(on), action, lasts_ms)
}

fn run_on(clock: ClockKind, mut plan: Plan) -> Ran {
    for node in &mut plan.nodes {
        node.relies_on = clock;
    }
    let mut events = Vec::new();
    let commands = [Order::Panic, Order::Spin, Order::SayHello].map(Instruction::at_once);
    let make = move |me| Box::new(Ticker { me, clock, ticks: 0 }) as Box<dyn Node<Ticks>>;
    let outcome = leasehold_sim::run::<Ticks>(&plan, &make, &commands, &mut events);
    Ran { outcome, events }
}

fn run(plan: Plan) -> Ran {
    run_on(ClockKind::Boot, plan)
}

impl Ran {
    /// When the other's ticks arrived at `node`.
    fn heard(&self, node: NodeId) -> Vec<u64> {
        self.times(node, |kind| matches!(kind, EventKind::Node(NodeEvent::DuplicateRecognised { .. })))
    }

    fn landed(&self) -> Option<SimInstant> {
        self.outcome.faults[0].landed
    }
}

#[test]
fn without_faults_everything_ticks_to_the_end() {
    let ran = run(plan(vec![]));
    assert_eq!(ran.outcome.end, RunEnd::Completed);
    assert_eq!(ran.outcome.ended_at, ms(3_000));
    assert_eq!(ran.ticked(A).len(), 299, "the end itself is outside");
    assert_eq!(ran.heard(B).len(), 299);
    assert_eq!(ran.world(None, WorldEvent::PhaseEntered { phase: Phase::Settle }), [2_000]);
}

#[test]
fn the_same_plan_gives_the_same_events_and_another_key_others() {
    let mut noisy = plan(vec![fault(300, A, Action::Pause, 200), fault(900, B, Action::Crash, 100)]);
    noisy.network.loss = Chance::from_ppm(100_000).unwrap();
    noisy.network.duplicate = Chance::from_ppm(100_000).unwrap();
    noisy.network.latency = Latency::Uniform { min: Span::ZERO, max: Span::from_millis(40) };
    let first = run(noisy.clone());
    assert_eq!(first.events, run(noisy.clone()).events);
    noisy.noise = NoiseKey(2);
    assert_ne!(first.events, run(noisy).events);
}

#[test]
fn a_partition_takes_what_is_sent_and_what_is_under_way() {
    let ran = run(plan(vec![fault(500, A, Action::Partition(Scope::Isolate), 300)]));
    assert_eq!(ran.landed(), Some(ms(500)), "the tick sent at 500");
    // What was sent at 490 arrived at 491; what was sent at 800 or later arrives again.
    assert_eq!((within(&ran.heard(B), 492, 801), within(&ran.heard(A), 492, 801)), (0, 0));
    assert_eq!(within(&ran.heard(B), 801, 1_000), 20);
    assert_eq!(ran.world(A, WorldEvent::FaultHealed { fault: FaultId(0) }), [800]);

    let mut slow = plan(vec![fault(500, A, Action::Partition(Scope::Isolate), 300)]);
    slow.network.latency = Latency::Constant(Span::from_millis(50));
    let ran = run(slow);
    assert_eq!(within(&ran.heard(B), 500, 850), 0, "five messages were under way at 500");
}

#[test]
fn a_one_way_partition_leaves_the_way_back() {
    let scope = Scope::OneWay(Target::Node(B));
    let ran = run(plan(vec![fault(500, A, Action::Partition(scope), 300)]));
    assert_eq!(within(&ran.heard(B), 502, 801), 0);
    assert_eq!(within(&ran.heard(A), 502, 802), 30);
    let between = Scope::Between(Target::Node(B));
    let ran = run(plan(vec![fault(500, A, Action::Partition(between), 300)]));
    assert_eq!((within(&ran.heard(A), 502, 801), within(&ran.heard(B), 502, 801)), (0, 0));
}

#[test]
fn a_worse_link_delays_loses_and_duplicates() {
    let link = |delay, loss, duplicate| Action::Link {
        scope: Scope::OneWay(Target::Node(B)),
        worse: Worsening {
            delay: Span::from_millis(delay),
            loss: Chance::from_ppm(loss).unwrap(),
            duplicate: Chance::from_ppm(duplicate).unwrap(),
            ..Worsening::NONE
        },
    };
    let ran = run(plan(vec![fault(500, A, link(100, 0, 0), 300)]));
    assert_eq!(within(&ran.heard(B), 502, 601), 0);
    assert_eq!(ran.landed(), Some(ms(500)));
    assert_eq!(ran.heard(B).len(), 299, "late, not lost");
    let ran = run(plan(vec![fault(500, A, link(0, 1_000_000, 0), 300)]));
    assert_eq!(within(&ran.heard(B), 502, 801), 0);
    let lost = WorldEvent::MessageLost {
        to: B,
        purpose: Purpose::Write,
        leg: Leg::Request,
        cause: LossCause::Fault,
    };
    assert_eq!(ran.world(A, lost).len(), 30);
    let ran = run(plan(vec![fault(500, A, link(0, 0, 1_000_000), 300)]));
    assert_eq!(within(&ran.heard(B), 501, 801), 60);
}

#[test]
fn a_pause_holds_back_what_stands_behind_its_cut() {
    let pause = |cut| {
        let mut pause = fault(495, A, Action::Pause, 300);
        pause.cut = cut;
        run(plan(vec![pause]))
    };
    // A step's outputs: write, report, send, arm. The tick at 500 is struck.
    let ran = pause(Cut::After(0));
    assert_eq!(within(&ran.ticked(A), 491, 800), 0);
    // And the next tick at once: its timer was armed for 510.
    assert_eq!(within(&ran.ticked(A), 800, 801), 2, "the cut report leaves at the resume, stamped then");
    assert_eq!((ran.world(A, WorldEvent::Paused), ran.world(A, WorldEvent::Resumed)), (vec![500], vec![800]));
    assert_eq!(ran.landed(), Some(ms(500)));

    let ran = pause(Cut::After(2));
    assert_eq!(within(&ran.ticked(A), 500, 501), 1, "the report was ahead of the cut");
    assert_eq!(within(&ran.heard(B), 492, 801), 0);
    assert_eq!(within(&ran.heard(B), 801, 802), 2, "the message was behind it");

    let ran = pause(Cut::BeforeSend(Purpose::Write));
    assert_eq!(within(&ran.ticked(A), 491, 800), 0, "the report just ahead of the message stays with it");

    let ran = pause(Cut::Now);
    assert_eq!(ran.landed(), Some(ms(495)), "it waits for no step");
    assert_eq!(within(&ran.ticked(A), 491, 795), 0);
    assert_eq!(ran.world(A, WorldEvent::Resumed), [795]);

    let ran = pause(Cut::BeforeSend(Purpose::Renew));
    assert_eq!(ran.landed(), None, "no such message is ever sent");
    assert_eq!(ran.ticked(A).len(), 299);
}

#[test]
fn a_stopped_process_finds_what_its_buffer_held() {
    let ran = run(plan(vec![fault(495, A, Action::Pause, 300)]));
    // The other's ticks at 500 .. 790 came while it slept; three fit. The one of 490 came before.
    assert_eq!(within(&ran.heard(A), 492, 800), 0);
    assert_eq!(within(&ran.heard(A), 800, 801), 3);
    let overflow = WorldEvent::MessageLost {
        to: A,
        purpose: Purpose::Write,
        leg: Leg::Request,
        cause: LossCause::Overflow,
    };
    assert_eq!(ran.world(B, overflow).len(), 27);
}

#[test]
fn a_suspend_stops_the_monotonic_clock_and_breaks_the_assumption_of_who_relies_on_it() {
    let suspend = || plan(vec![fault(495, A, Action::Suspend, 300)]);
    let broken = WorldEvent::AssumptionBroken { assumption: Assumption::ClockRuns };
    let restored = WorldEvent::AssumptionRestored { assumption: Assumption::ClockRuns };
    let lapsed = WorldEvent::ClaimLapsed { resource: R, token: Token(1), incarnation: Incarnation(0) };

    let ran = run_on(ClockKind::Monotonic, suspend());
    assert_eq!((ran.world(A, broken), ran.world(A, restored)), (vec![500], vec![800]));
    assert_eq!(ran.world(A, lapsed), [1_300], "300 ms of the claim's clock are missing");
    assert_eq!(ran.world(A, WorldEvent::Suspended), [500]);

    let ran = run_on(ClockKind::Boot, suspend());
    assert_eq!(ran.world(A, broken), []);
    assert_eq!(ran.world(A, lapsed), [1_000]);

    let mut pause = suspend();
    pause.faults[0].action = Action::Pause;
    let ran = run_on(ClockKind::Monotonic, pause);
    assert_eq!(ran.world(A, lapsed), [1_000], "a pause stops no clock");
}

#[test]
fn pauses_that_overlap_end_together_and_a_suspend_strikes_a_sleeper_at_once() {
    let ran = run_on(
        ClockKind::Monotonic,
        plan(vec![
            fault(495, A, Action::Pause, 300),
            fault(600, A, Action::Suspend, 100),
            fault(650, A, Action::Pause, 400),
        ]),
    );
    assert_eq!(
        (ran.world(A, WorldEvent::Paused), ran.world(A, WorldEvent::Suspended)),
        (vec![500], vec![600])
    );
    let restored = WorldEvent::AssumptionRestored { assumption: Assumption::ClockRuns };
    assert_eq!(ran.world(A, restored), [700], "the machine runs again, the process does not");
    assert_eq!(ran.world(A, WorldEvent::Resumed), [1_050]);
    let over = |fault| ran.world(A, WorldEvent::FaultHealed { fault: FaultId(fault) });
    assert_eq!((over(0), over(1), over(2)), (vec![800], vec![700], vec![1_050]));
}

#[test]
fn a_fault_that_another_ends_is_over() {
    let over = |ran: &Ran, fault| ran.world(A, WorldEvent::FaultHealed { fault: FaultId(fault) });
    let killed = run(plan(vec![fault(495, A, Action::Pause, 300), fault(600, A, Action::Crash, 300)]));
    assert_eq!((over(&killed, 0), over(&killed, 1)), (vec![600], vec![900]));
    let revived = run(plan(vec![fault(495, A, Action::Crash, 300), fault(600, A, Action::Restart, 0)]));
    assert_eq!(over(&revived, 0), [600]);
    assert_eq!(revived.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }), [600]);
}

#[test]
fn what_leaves_when_a_process_resumes_at_the_settling_is_not_lost() {
    // The partition has the higher id, and takes all of the chaos.
    let mut cut = plan(vec![
        fault(1_795, A, Action::Pause, 5_000),
        fault(100, A, Action::Partition(Scope::Isolate), 5_000),
    ]);
    cut.network.loss = Chance::ALWAYS;
    let ran = run(cut);
    assert_eq!(within(&ran.heard(B), 2_001, 2_002), 2, "the one held back and the one due long ago");
}

#[test]
fn a_crash_forgets_all_but_the_disk_and_a_restart_brings_it_back() {
    let ran = run(plan(vec![fault(495, A, Action::Crash, 300)]));
    assert_eq!(ran.world(A, WorldEvent::Crashed), [500]);
    assert_eq!(ran.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }), [800]);
    assert_eq!(within(&ran.ticked(A), 491, 810), 0);
    let kept = ran.times(A, |kind| *kind == EventKind::Node(NodeEvent::TableHolds { live: 49 }));
    assert_eq!(kept, [800], "the write of tick 49 was durable at 491; tick 50 was cut off");
    let down =
        WorldEvent::MessageLost { to: A, purpose: Purpose::Write, leg: Leg::Request, cause: LossCause::Down };
    assert_eq!(ran.world(B, down).len(), 30);

    let bounced = run(plan(vec![fault(495, A, Action::Restart, 0)]));
    assert_eq!(bounced.world(A, WorldEvent::Crashed), [500]);
    assert_eq!(bounced.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }), [500]);

    let killed_asleep = run(plan(vec![fault(495, A, Action::Pause, 300), fault(600, A, Action::Crash, 0)]));
    assert_eq!(killed_asleep.world(A, WorldEvent::Crashed), [600], "a sleeper does not wait for its step");
    assert_eq!(killed_asleep.world(A, WorldEvent::Resumed), []);
}

#[test]
fn a_crash_without_a_duration_lasts_unless_the_core_needs_the_node() {
    // `b` is a grantor and comes back when the run settles; `a` is the only contender, and so does it.
    let ran = run(plan(vec![fault(495, B, Action::Crash, 0)]));
    assert_eq!(ran.world(B, WorldEvent::Restarted { incarnation: Incarnation(1) }), [2_000]);
    let ran = run(plan(vec![fault(495, A, Action::Crash, 0)]));
    assert_eq!(ran.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }), [2_000]);

    let mut two = plan(vec![fault(495, A, Action::Crash, 0)]);
    two.nodes[1].role = Role::Contender;
    let ran = run(two);
    assert_eq!(ran.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }), []);
}

#[test]
fn a_clock_rate_moves_timers_and_deadlines_and_is_judged_against_the_bound() {
    let twice = RateError::from_ppb(1_000_000_000).unwrap();
    let ran = run(plan(vec![fault(500, A, Action::ClockRate(twice), 500)]));
    assert_eq!(within(&ran.ticked(A), 500, 1_000), 100);
    assert_eq!(within(&ran.ticked(A), 1_000, 1_500), 50);
    let lapsed = WorldEvent::ClaimLapsed { resource: R, token: Token(1), incarnation: Incarnation(0) };
    assert_eq!(ran.world(A, lapsed), [750]);
    let broken = WorldEvent::AssumptionBroken { assumption: Assumption::ClockRate };
    let restored = WorldEvent::AssumptionRestored { assumption: Assumption::ClockRate };
    assert_eq!((ran.world(A, broken), ran.world(A, restored)), (vec![500], vec![1_000]));

    let at_the_bound = RateError::from_ppb(-500_000).unwrap();
    let ran = run(plan(vec![fault(500, A, Action::ClockRate(at_the_bound), 500)]));
    assert_eq!(ran.world(A, broken), []);
    assert!(ran.landed().is_some());

    let mut wrong_from_the_start = plan(vec![]);
    wrong_from_the_start.nodes[0].rate = twice;
    assert_eq!(run(wrong_from_the_start).world(A, broken), [0]);
}

#[test]
fn a_wall_step_moves_wall_deadlines_in_both_directions() {
    let step = |ms: i64| Action::WallStep(ms * 1_000_000);
    let lapsed = WorldEvent::ClaimLapsed { resource: R, token: Token(1), incarnation: Incarnation(0) };
    let resumed = WorldEvent::ClaimResumed { resource: R, token: Token(1), incarnation: Incarnation(0) };
    let steps = || plan(vec![fault(500, A, step(600), 0), fault(700, A, step(-900), 0)]);
    let ran = run_on(ClockKind::Wall, steps());
    assert_eq!(ran.world(A, WorldEvent::WallStepped { by: 600_000_000 }), [500]);
    assert_eq!(ran.world(A, lapsed), [500, 1_300]);
    assert_eq!(ran.world(A, resumed), [700]);
    assert_eq!(run_on(ClockKind::Boot, steps()).world(A, lapsed), [1_000]);
}

#[test]
fn a_condition_fires_when_little_of_a_claim_is_left() {
    let mut pause = fault(0, B, Action::Pause, 100);
    pause.trigger = Trigger::when(Condition::TtlRemainingBelow { percent: 30 });
    pause.target = Target::Holder;
    let ran = run(plan(vec![pause.clone()]));
    let outcome = &ran.outcome.faults[0];
    assert_eq!(outcome.fired, Some(SimInstant::from_nanos(700_000_001)), "strictly below 30 % of 1 s");
    assert_eq!(outcome.targets, [A]);

    let mut slow = plan(vec![pause]);
    slow.nodes[0].rate = RateError::from_ppb(-500_000_000).unwrap();
    let fired = run(slow).outcome.faults[0].fired.unwrap();
    assert_eq!(fired, SimInstant::from_nanos(1_400_000_001), "on the holder's own clock");
}

#[test]
fn roles_are_resolved_when_the_fault_fires() {
    let on = |target, at| {
        let mut pause = fault(at, A, Action::Pause, 50);
        pause.target = target;
        run(plan(vec![pause])).outcome.faults[0].clone()
    };
    assert_eq!(on(Target::Holder, 500).targets, [A]);
    assert_eq!(on(Target::Holder, 1_500).targets, [], "its claim lapsed at 1,000");
    assert_eq!(on(Target::ExHolder, 1_500).targets, [A]);
    assert_eq!(on(Target::ExHolder, 500).targets, []);
    assert_eq!(on(Target::one_of(Role::Grantor), 500).targets, [B]);
    assert_eq!(on(Target::one_of(Role::Contender), 500).targets, [], "the only one claims");
    assert_eq!(on(Target::one_of(Role::Contender), 1_500).targets, [A]);
    let nobody = on(Target::one_of(Role::Registry), 500);
    assert_eq!((nobody.fired, nobody.landed), (Some(ms(500)), None));
}

#[test]
fn what_is_not_over_heals_when_the_run_settles() {
    let ran = run(plan(vec![
        fault(1_800, A, Action::Partition(Scope::Isolate), 0),
        fault(1_900, B, Action::Pause, 5_000),
        fault(1_999, A, Action::Pause, 1),
    ]));
    assert_eq!(ran.world(B, WorldEvent::Resumed), [2_000]);
    assert_eq!(ran.outcome.faults[2].landed, None, "it had not struck yet");
    assert_eq!(within(&ran.heard(B), 2_000, 3_000), 100, "that of 2,000 included");
}

#[test]
fn what_a_fault_had_slowed_is_on_a_healthy_link_when_the_run_settles() {
    let delay = Span::from_secs(5);
    let slow =
        Action::Link { scope: Scope::OneWay(Target::Node(B)), worse: Worsening { delay, ..Worsening::NONE } };
    let ran = run(plan(vec![fault(1_500, A, slow, 0)]));
    assert_eq!(within(&ran.heard(B), 1_502, 2_001), 0);
    assert_eq!(within(&ran.heard(B), 2_001, 2_002), 51, "those of 1,500 to 1,990, and that of 2,000");
    assert_eq!(ran.heard(B).len(), 299);
}

#[test]
fn from_the_settling_on_the_network_loses_nothing() {
    let mut lossy = plan(vec![]);
    lossy.network.loss = Chance::from_ppm(500_000).unwrap();
    let ran = run(lossy);
    assert!(within(&ran.heard(B), 0, 2_000) < 140);
    assert_eq!(within(&ran.heard(B), 2_001, 3_000), 100);
}

#[test]
fn a_command_reaches_its_node() {
    let hello = |at| fault(at, A, Action::Command(CommandId(2)), 0);
    let ran = run(plan(vec![hello(500)]));
    let withdrew = |kind: &EventKind| matches!(kind, EventKind::Node(NodeEvent::Withdrew { .. }));
    assert_eq!(ran.times(A, withdrew), [500]);
    let asleep = run(plan(vec![fault(395, A, Action::Pause, 300), hello(500)]));
    assert_eq!(asleep.times(A, withdrew), [700], "it hears of it when it wakes");
}

#[test]
fn a_panic_in_a_node_is_an_outcome() {
    let ran = run(plan(vec![fault(500, B, Action::Command(CommandId(0)), 0)]));
    assert_eq!(ran.outcome.end, RunEnd::Panicked { node: B, message: "told to".into() });
    assert_eq!(ran.outcome.ended_at, ms(500));
    assert_eq!(ran.world(B, WorldEvent::Panicked), [500]);
}

#[test]
fn a_livelock_is_an_outcome() {
    let ran = run(plan(vec![fault(500, B, Action::Command(CommandId(1)), 0)]));
    assert_eq!(ran.outcome.end, RunEnd::Livelock { node: B });
}

#[test]
fn a_sink_can_end_the_run() {
    struct Enough(u32);
    impl EventSink for Enough {
        fn on_event(&mut self, _: &Event) -> ControlFlow<()> {
            self.0 += 1;
            if self.0 == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    let plan = plan(vec![]);
    let make = |me| Box::new(Ticker { me, clock: ClockKind::Boot, ticks: 0 }) as Box<dyn Node<Ticks>>;
    let mut sink = Enough(0);
    let outcome = leasehold_sim::run::<Ticks>(&plan, &make, &[], &mut sink);
    assert_eq!(outcome.end, RunEnd::Stopped);
    assert_eq!(sink.0, 10, "and hears no more");
}

#[test]
fn events_carry_the_reading_of_the_clock_that_the_node_relies_on() {
    let mut skewed = plan(vec![]);
    skewed.nodes[0].wall_offset = 77;
    let ran = run_on(ClockKind::Wall, skewed);
    let started = ran.events.iter().find(|e| e.node == Some(A)).unwrap();
    assert_eq!(Reading::new(ClockKind::Wall, started.local).as_nanos(), 77);
}
