//! What a fleet costs: as many instances, with a heartbeat every 10 s, as clients that watch the registry and look
//! something up every second, for 10 simulated minutes. Throughput is in events of the engine, so its inverse is the
//! cost of one: that is to be about the same whatever the size. Budgets: ARCHITECTURE.md.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use leasehold::plan::Role;
use leasehold::{Engine, Plan, RegistrySystem, Span};
use leasehold_scenario::{Faults, Scenario, Source, Trial};

const SIZES: [u16; 4] = [16, 64, 256, 1_024];

/// By then all instances are registered.
const SETTLED: Span = Span::from_secs(20);

/// A fleet that starts within ten seconds.
fn fleet(instances: u16, clients: u16, chaos: &str) -> Arc<Scenario> {
    let text = format!(
        "schema = 1\nname = \"fleet\"\nsummary = \"A fleet.\"\nsystem = \"registry\"\n\
         [topology]\ninstances = {instances}\ndiscovery = {clients}\nstarts_within = \"10s\"\n\
         [phases]\nchaos = \"{chaos}\"\nsettle = \"0s\"\n"
    );
    let scenario = Scenario::parse(Source::from_text("fleet.toml", text), &[&RegistrySystem]);
    Arc::new(scenario.unwrap_or_else(|error| panic!("{error}")))
}

/// The fleet with clients that come when it stands: else each hears of each that comes, which is no longer a question
/// of events, but of their number.
fn standing(scenario: &Arc<Scenario>) -> Trial {
    let trial = Trial::new(scenario, 1, Faults::Scripted, &[&RegistrySystem]);
    let mut plan: Plan = trial.plan().clone();
    for node in plan.nodes.iter_mut().filter(|node| node.role == Role::Discovery) {
        node.starts += SETTLED;
    }
    trial.with_plan(plan)
}

fn cost_of_an_event(c: &mut Criterion) {
    let mut group = c.benchmark_group("fleet");
    group.sample_size(10);
    for size in SIZES {
        let trial = standing(&fleet(size, size, "10m"));
        let run = || trial.scenario().deployment.run(Engine::Sim, trial.plan(), &mut ());
        group.throughput(Throughput::Elements(run().steps));
        group.bench_function(BenchmarkId::new("1 protocol", size), |b| b.iter(|| black_box(run())));
        group.bench_function(BenchmarkId::new("2 protocol, checkers, digest", size), |b| {
            b.iter(|| black_box(trial.run(Engine::Sim, &mut ())));
        });
    }
    group.finish();
}

/// A thousand clients hear of 256 instances one after the other.
fn cost_of_a_change(c: &mut Criterion) {
    let mut group = c.benchmark_group("fan-out");
    group.sample_size(10);
    let trial = Trial::new(&fleet(256, 1_000, "15s"), 1, Faults::Scripted, &[&RegistrySystem]);
    group.throughput(Throughput::Elements(256 * 1_000));
    group.bench_function("256 changes to 1,000 watchers", |b| {
        b.iter(|| black_box(trial.scenario().deployment.run(Engine::Sim, trial.plan(), &mut ())));
    });
    group.finish();
}

criterion_group!(benches, cost_of_an_event, cost_of_a_change);
criterion_main!(benches);
