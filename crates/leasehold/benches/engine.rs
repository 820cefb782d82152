//! What an event costs, in one run: the bare loop, the shipped protocol on it, and that with all checkers and the
//! digest. Criterion's throughput is in events of the engine (messages, timers, disk writes), so its inverse is
//! the cost of one. And what a minute of five hosts costs on either engine, told as a ratio. Budgets: ARCHITECTURE.md.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use leasehold::clock::ClockKind;
use leasehold::plan::{Chance, Latency, NetworkPlan, NodePlan, Phases, Role};
use leasehold::serde::{Deserialize, Serialize};
use leasehold::{
    Boot, Context, Drift, Engine, Input, Invariant, Leg, Message, Node, NodeId, NoiseKey, Plan, Protocol,
    Purpose, RateError, SingleGrantor, Slot, Span, TimerId,
};
use leasehold_scenario::{Scenario, Source};

/// Nodes that do nothing but keep the loop busy: each tick arms the next and sends a message that nobody reads.
struct Idle;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(crate = "leasehold::serde")]
struct Nothing([u64; 6]);

impl Message for Nothing {
    fn class(&self) -> (Purpose, Leg) {
        (Purpose::Other, Leg::Request)
    }
}

impl leasehold::Record for Nothing {
    fn slot(&self) -> Slot {
        Slot(0)
    }
}

impl Protocol for Idle {
    type Message = Nothing;
    type Record = Nothing;
    type Command = Infallible;
}

struct IdleNode(NodeId);

impl Node<Idle> for IdleNode {
    fn handle(&mut self, ctx: &mut Context<'_, Idle>, input: Input<Idle>) {
        if matches!(input, Input::Started | Input::Timer(_)) {
            ctx.arm(TimerId(0), ctx.now::<Boot>() + Span::from_millis(10));
            ctx.send(NodeId((self.0.0 + 1) % 5), Nothing([1; 6]));
        }
    }
}

fn idle_plan() -> Plan {
    let node = |index: u16| NodePlan {
        name: format!("idle-{index}"),
        role: Role::Contender,
        relies_on: ClockKind::Boot,
        rate: RateError::from_ppb(100_000).expect("100 ppm is a rate"),
        wall_offset: 0,
        disk: Latency::Constant(Span::ZERO),
        starts: Span::from_micros(u64::from(index) * 17),
    };
    Plan {
        nodes: (0..5).map(node).collect(),
        network: NetworkPlan {
            latency: Latency::Uniform { min: Span::from_millis(1), max: Span::from_millis(8) },
            loss: Chance::NEVER,
            duplicate: Chance::NEVER,
            burst: None,
        },
        noise: NoiseKey(1),
        faults: vec![],
        phases: Phases { chaos: Span::from_secs(20), settle: Span::ZERO },
        clock_rate: Drift::from_ppb(500_000).expect("500 ppm is a bound"),
        receive_buffer: 256,
    }
}

/// 60 simulated seconds of a grantor, three holders that read, think and write every 20 ms, and a resource, with a
/// pause across an expiry.
fn scenario() -> Scenario {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/holds/gc-pause-across-expiry.toml");
    let source = Source::read(path.as_ref()).expect("the scenario is in the repository");
    Scenario::parse(source.with_overlays(["phases.settle=0s"]), &[&SingleGrantor]).expect("and it is right")
}

fn cost_of_an_event(c: &mut Criterion) {
    let mut group = c.benchmark_group("event");

    let plan = idle_plan();
    let make = |id| Box::new(IdleNode(id)) as Box<dyn Node<Idle>>;
    let run = || leasehold_sim::run::<Idle>(&plan, &make, &[], &mut ());
    group.throughput(Throughput::Elements(run().steps));
    group.bench_function("1 bare loop", |b| b.iter(|| black_box(run())));

    let scenario = scenario();
    let plan = scenario.plan(1);
    let run = || scenario.deployment.run(Engine::Sim, &plan, &mut ());
    group.throughput(Throughput::Elements(run().steps));
    group.bench_function("2 shipped protocol", |b| b.iter(|| black_box(run())));
    group.bench_function("3 shipped protocol, checkers, digest", |b| {
        b.iter(|| black_box(scenario.run(1, Engine::Sim, &mut ())));
    });
    group.finish();
}

fn cost_of_a_seed(c: &mut Criterion) {
    let mut group = c.benchmark_group("seed");
    let scenario = scenario();
    group.throughput(Throughput::Elements(1));
    for seed in [1, 2] {
        group.bench_with_input(BenchmarkId::new("60 s, five hosts, faults", seed), &seed, |b, &seed| {
            b.iter(|| black_box(scenario.run(seed, Engine::Sim, &mut ())));
        });
    }
    group.finish();
}

/// What it costs to judge contenders' answers as a linearizable register (I24): where they only acquire, renew and release, and
/// where each asks twice a second who holds. The budget is a fifth of the rest.
#[expect(clippy::print_stdout, reason = "a share is no measurement of criterion's")]
fn cost_of_a_register(c: &mut Criterion) {
    let mut group = c.benchmark_group("register");
    group.sample_size(20);
    for name in ["gc-pause-across-expiry", "who-holds-it"] {
        let read = || {
            let path = format!("{}/../../scenarios/holds/{name}.toml", env!("CARGO_MANIFEST_DIR"));
            let source = Source::read(path.as_ref()).expect("the scenario is in the repository");
            Scenario::parse(source, &[&SingleGrantor]).expect("and it is right")
        };
        let with = read();
        let mut without = read();
        let others: Vec<Invariant> = with.deployment.invariants().to_vec();
        let others: Vec<Invariant> =
            others.into_iter().filter(|invariant| *invariant != Invariant::LinearizableRegister).collect();
        without.deployment = without.deployment.judged_by(&others);
        for (what, scenario) in [("all but I24", &without), ("all", &with)] {
            group.bench_function(BenchmarkId::new(what, name), |b| {
                b.iter(|| black_box(scenario.run(1, Engine::Sim, &mut ())));
            });
        }
        let mut took: [Vec<Duration>; 2] = Default::default();
        for n in 0..202_u64 {
            let scenario = if n % 2 == 0 { &without } else { &with };
            let start = WallTime.start();
            black_box(scenario.run(n / 2, Engine::Sim, &mut ()));
            took[(n % 2) as usize].push(WallTime.end(start));
        }
        let [without, with] = took.map(|mut took| {
            took.sort();
            took[took.len() / 2].as_secs_f64()
        });
        let more = (with / without - 1.0) * 100.0;
        println!("{name}: I24 adds {more:.1} % to a seed (at most 20)");
    }
    group.finish();
}

/// The same seed on both engines. The ratio is that of the medians of a few runs of each, in this process.
#[expect(clippy::print_stdout, reason = "a ratio is no measurement of criterion's")]
fn cost_of_an_engine(c: &mut Criterion) {
    let scenario = scenario();
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    for engine in Engine::ALL {
        group.bench_function(engine.name(), |b| b.iter(|| black_box(scenario.run(1, engine, &mut ()))));
    }
    group.finish();

    let median = |engine: Engine, runs: usize| {
        let mut took: Vec<Duration> = (0..runs)
            .map(|_| {
                let start = WallTime.start();
                black_box(scenario.run(1, engine, &mut ()));
                WallTime.end(start)
            })
            .collect();
        took.sort();
        took[runs / 2]
    };
    let (sim, turmoil) = (median(Engine::Sim, 21), median(Engine::Turmoil, 5));
    let ratio = turmoil.as_secs_f64() / sim.as_secs_f64();
    println!("a minute of five hosts: sim {sim:.2?}, turmoil {turmoil:.2?}, ratio {ratio:.0} (at least 50)");
}

criterion_group!(benches, cost_of_an_event, cost_of_a_seed, cost_of_a_register, cost_of_an_engine);
criterion_main!(benches);
