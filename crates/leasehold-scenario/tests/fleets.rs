//! Random faults around a registry: each is one that a file can say, strikes somebody, and gets smaller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leasehold_core::RunEnd;
use leasehold_core::plan::{Action, FaultKind, Plan, Role, Trigger};
use leasehold_scenario::{Engine, Faults, RegistrySystem, Report, Scenario, Source, System, Trial, trials};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

const SYSTEMS: &[&dyn System] = &[&RegistrySystem];

/// Everybody there can be, and all kinds of faults.
const FLEET: &str = r#"
schema = 1
name = "fleet"
summary = "Somebody of every role."
system = "registry"

[registration]
ttl = "6s"
heartbeat = "2s"

[topology]
instances = 4
sidecars = 2
discovery = 3
followers = 1
observers = 1

[chaos]
draw = []
also = ["wipe"]

[phases]
chaos = "40s"
"#;

fn fleet(without: &str) -> Arc<Scenario> {
    let text = FLEET.replace(without, "");
    Arc::new(
        Scenario::parse(Source::from_text("fleet.toml", text), SYSTEMS).unwrap_or_else(|e| panic!("{e}")),
    )
}

fn run(scenario: &Arc<Scenario>, seed: u64) -> (Trial, Report) {
    let trial = Trial::new(scenario, seed, Faults::Random, SYSTEMS);
    let report = trial.run(Engine::Sim, &mut ());
    assert_eq!(report.outcome.end, RunEnd::Completed, "seed {seed}");
    (trial, report)
}

fn role_of(plan: &Plan, node: leasehold_core::NodeId) -> Role {
    plan.nodes[node.index()].role
}

/// Without the observer: where members send heartbeats, the system refuses one.
#[test]
fn what_is_drawn_around_a_registry_can_be_written_and_lands() {
    let scenario = fleet("observers = 1");
    let mut landed: BTreeMap<FaultKind, (u32, u32)> = BTreeMap::new();
    let mut struck = BTreeSet::new();
    let (mut waited, mut came, mut undone) = (0, 0, 0);
    for seed in 0..300 {
        let (trial, report) = run(&scenario, seed);
        assert_eq!(trial.read_again([], SYSTEMS).unwrap().plan(), trial.plan(), "{}", trial.to_toml());
        for (fault, outcome) in trial.plan().faults.iter().zip(&report.outcome.faults) {
            let (all, touched) = landed.entry(fault.action.kind()).or_default();
            *all += 1;
            *touched += u32::from(outcome.landed.is_some());
            if matches!(fault.trigger, Trigger::When { .. }) {
                waited += 1;
                came += u32::from(outcome.fired.is_some());
            }
            let targets = outcome.targets.iter().map(|&node| role_of(trial.plan(), node));
            let targets: BTreeSet<Role> = targets.collect();
            if let Action::Watch(_) = fault.action {
                assert!(targets.iter().all(|role| role.can_watch()), "{fault:?}");
            }
            if let Action::Command(command) = fault.action {
                undone += u32::from(fault.lasts.is_some());
                let spec = &scenario.deployment.commands()[usize::from(command.0)];
                assert!(targets.iter().all(|role| *role == spec.role), "{fault:?}");
                assert!(fault.lasts.is_none() || spec.undo.is_some(), "{fault:?}");
            }
            struck.extend(targets);
        }
    }
    for kind in FaultKind::ALL {
        let (all, touched) = landed.get(&kind).copied().unwrap_or_default();
        // A link that loses little, or that nobody uses, is often not noticed.
        // Only the registry has something to write, and only when its list changes: many a stall of its disk meets no write.
        let one_in = if kind == FaultKind::Stall { 10 } else { 5 };
        assert!(touched > 10 && touched * one_in > all, "{} landed {touched} times of {all}", kind.name());
    }
    let (all, touched) = landed.values().fold((0, 0), |sum, of_kind| (sum.0 + of_kind.0, sum.1 + of_kind.1));
    assert!(touched * 2 > all, "{touched} of {all} landed");
    assert!(came * 2 > waited, "{came} of {waited} waited for an instant that came");
    assert!(undone > 10, "{undone} commands had an end");
    let everybody = [Role::Registry, Role::Instance, Role::Discovery, Role::Follower, Role::Sidecar];
    assert!(struck.is_superset(&BTreeSet::from(everybody)), "{struck:?}");
}

/// Somebody of each is up in the end, whatever was done to them: else nothing that is said of the end could be judged.
#[test]
fn a_core_of_the_fleet_is_up_when_the_run_is_over() {
    use leasehold_core::{Event, EventKind, NodeId, WorldEvent};
    let scenario = fleet("observers = 1");
    for seed in 0..100 {
        let trial = Trial::new(&scenario, seed, Faults::Random, SYSTEMS);
        let mut events: Vec<Event> = Vec::new();
        trial.scenario().deployment.run(Engine::Sim, trial.plan(), &mut events);
        let mut down: BTreeSet<NodeId> = BTreeSet::new();
        for event in &events {
            match (event.node, event.kind) {
                (Some(node), EventKind::World(WorldEvent::Crashed)) => down.insert(node),
                (Some(node), EventKind::World(WorldEvent::Restarted { .. })) => down.remove(&node),
                _ => continue,
            };
        }
        let plan = trial.plan();
        let nodes: Vec<NodeId> = (0..plan.nodes.len() as u16).map(NodeId).collect();
        let up = |role| -> Vec<bool> {
            let of_role = nodes.iter().filter(|node| role_of(plan, **node) == role);
            of_role.map(|node| !down.contains(node)).collect()
        };
        assert!(up(Role::Registry)[0] && up(Role::Follower)[0], "seed {seed}");
        assert!(up(Role::Discovery).contains(&true), "seed {seed}");
        let (instances, sidecars) = (up(Role::Instance), up(Role::Sidecar));
        let member = |index: usize| instances[index] && sidecars.get(index).is_none_or(|sidecar| *sidecar);
        assert!((0..instances.len()).any(member), "seed {seed}: {instances:?}, {sidecars:?}");
    }
}

#[test]
fn what_fails_around_a_registry_gets_small() {
    let scenario = fleet("observers = 1");
    let is_lost = |trial: &Trial| {
        let report = trial.run(Engine::Sim, &mut ());
        let mut faults = trial.plan().faults.iter().zip(&report.outcome.faults);
        faults
            .any(|(fault, outcome)| fault.action.kind() == FaultKind::WatchStall && outcome.landed.is_some())
    };
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..ProptestConfig::with_cases(256)
    };
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let failed = TestRunner::new_with_rng(config, dice).run(&trials(&scenario, SYSTEMS), |trial| {
        prop_assert!(!is_lost(&trial));
        Ok(())
    });
    let Err(TestError::Fail(_, small)) = failed else { panic!("{failed:?}") };
    // A stall lands when there is something to tell, which may take another fault.
    assert!(small.plan().faults.len() <= 2, "{}", small.to_toml());
    assert!(is_lost(&small));
    assert_eq!(small.read_again([], SYSTEMS).unwrap().plan(), small.plan());
}
