//! What a sweep costs: seeds a second of all of `scenarios/holds` and of five hosts with random faults, on one thread and
//! on two; what of it is not the run itself; and what shrinking a failure costs. Budgets: ARCHITECTURE.md.
//!
//! Criterion's throughput is in runs. `1 thread` over `runs alone` is what audit, records and sums cost; `plans` is what
//! drawing costs; `nodes alone` is a run without digest and checkers.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use leasehold::{Engine, RegistrySystem, SingleGrantor, System};
use leasehold_campaign::{
    Audit, Expectation, Finding, Fingerprint, Investigation, Overseer, Program, ProgramOptions, RunRecord,
    SweepOrder, Tally, Until, Wish, sweep,
};
use leasehold_report::Histograms;
use leasehold_scenario::{Faults, Trial, Variant};

const SYSTEMS: &[&dyn System] = &[&SingleGrantor, &RegistrySystem];

const HOLDS: &str = "/../../scenarios/holds";
const FIVE_HOSTS: &str = "/benches/five-hosts.toml";
const BREAKS: &str = "/../../scenarios/breaks/pause-without-fencing.toml";

/// These scenarios, under so many seeds.
fn program(path: &str, seeds: u64) -> Program {
    let path = PathBuf::from(format!("{}{path}", env!("CARGO_MANIFEST_DIR")));
    let options = ProgramOptions {
        seeds: format!("0..{seeds}").parse().expect("it is a range"),
        overlays: Vec::new(),
        variant: Variant::AsWritten,
        faults: Faults::Random,
        expectation: Expectation::Counts,
        engine: None,
    };
    Program::load(&[path], options, SYSTEMS).expect("the scenarios are in the repository")
}

/// Listens to nothing, and looks into nothing: failures are no part of the cost of a seed.
struct Nobody;

impl Overseer for Nobody {
    fn record(&mut self, _: &RunRecord, _: &Tally) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn investigated(&mut self, _: Finding) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn seeds(c: &mut Criterion) {
    sweeps(c, "sweep of scenarios/holds", &program(HOLDS, 4));
    sweeps(c, "sweep of a minute on five hosts", &program(FIVE_HOSTS, 500));
}

fn sweeps(c: &mut Criterion, name: &str, program: &Program) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(program.total())).sample_size(10);
    for jobs in [1, 2] {
        let order = SweepOrder {
            program,
            positions: 0..program.total(),
            systems: SYSTEMS,
            jobs: NonZeroUsize::new(jobs).expect("at least one"),
            audit: Audit::default(),
            until: Until::default(),
            wish: &|| Wish::GoOn,
        };
        group.bench_function(format!("{jobs} thread"), |b| {
            b.iter(|| sweep(&order, &mut Nobody).expect("a thread can be started"));
        });
    }
    group.finish();
}

fn parts(c: &mut Criterion) {
    let program = program(HOLDS, 2);
    let jobs: Vec<_> = (0..program.total()).map(|position| program.job(position)).collect();
    let trials: Vec<Trial> = jobs.iter().map(|job| program.trial(*job, SYSTEMS)).collect();
    let mut group = c.benchmark_group("parts of it");
    group.throughput(Throughput::Elements(program.total())).sample_size(10);
    group.bench_function("plans", |b| {
        b.iter(|| jobs.iter().for_each(|job| drop(black_box(program.trial(*job, SYSTEMS)))));
    });
    group.bench_function("nodes alone", |b| {
        b.iter(|| {
            for trial in &trials {
                black_box(trial.scenario().deployment.run(Engine::Sim, trial.plan(), &mut ()));
            }
        });
    });
    group.bench_function("runs alone", |b| {
        b.iter(|| trials.iter().for_each(|trial| drop(black_box(trial.run(Engine::Sim, &mut ())))));
    });
    let measured = |trial: &Trial| {
        let mut samples = Histograms::default();
        (trial.run(Engine::Sim, &mut samples), samples)
    };
    let reports: Vec<_> = trials.iter().map(measured).collect();
    group.bench_function("records and their sum", |b| {
        b.iter(|| {
            let mut tally = Tally::default();
            for (position, ((job, trial), (report, samples))) in
                (0..).zip(jobs.iter().zip(&trials).zip(&reports))
            {
                tally.add(&RunRecord::of(position, *job, trial, report, samples, Expectation::Counts));
            }
            tally
        });
    });
    group.finish();
}

/// Seed 17 draws eight faults, of which one is left.
fn shrinking(c: &mut Criterion) {
    let program = program(BREAKS, 18);
    let trial = program.trial(program.job(17), SYSTEMS);
    let report = trial.run(Engine::Sim, &mut ());
    let fingerprint = Fingerprint::of(trial.scenario(), &report).into_iter().next().expect("it fails");
    let mut group = c.benchmark_group("shrinking");
    group.sample_size(10).bench_function("a failure of eight faults and a script", |b| {
        b.iter(|| {
            let (trial, report, fingerprint) = (trial.clone(), report.clone(), fingerprint.clone());
            Investigation::new(trial, report, fingerprint, Engine::Sim, SYSTEMS, &|| false)
        });
    });
    group.finish();
}

criterion_group!(benches, seeds, parts, shrinking);
criterion_main!(benches);
