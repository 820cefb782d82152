//! Whatever goes wrong, no combination of safe policies violates anything.
//!
//! Random plans: any world that a scenario file can describe, any safe policies, and any faults at all, also such
//! as no file can ask for. Hazards are fine; a violation is a bug of the protocol, of the engine, of a checker or
//! of a bound. For a longer look:
//! `PROPTEST_CASES=20000 cargo test --release -p leasehold-scenario --test random_plans`.

mod faults;
mod policies;
mod registry;
mod world;

use leasehold_check::{Invariant, Violation};
use leasehold_core::RunEnd;
use leasehold_core::plan::{Action, Burst, FaultPlan};
use leasehold_scenario::{Engine, Report, Scenario, ScenarioError, SingleGrantor, Source};
use proptest::prelude::*;

use crate::faults::{Cast, burst, some_faults};
use crate::policies::Policies;
use crate::world::{World, world};

/// The complete input of a run, but for its seed.
#[derive(Clone, Debug)]
struct Case {
    world: World,
    policies: Policies,
    burst: Option<Burst>,
    faults: Vec<FaultPlan>,
}

impl Case {
    fn text(&self) -> String {
        format!("{}{}", self.world.text(), self.policies.text())
    }

    fn scenario(&self) -> Result<Scenario, ScenarioError> {
        let source = Source::from_text("random.toml", self.text());
        let mut scenario = Scenario::parse(source, &[&SingleGrantor])?;
        scenario.template.network.burst = self.burst.or(scenario.template.network.burst);
        scenario.template.faults.clone_from(&self.faults);
        Ok(scenario)
    }
}

fn case<P: Strategy<Value = Policies>>(policies: impl Fn(&World) -> P) -> impl Strategy<Value = Case> {
    let world_and_policies = world().prop_flat_map(move |world| (policies(&world), Just(world)));
    world_and_policies.prop_flat_map(|(policies, world)| {
        let mut faults = some_faults(&world, Cast::of_a_lease(world.nodes()));
        if policies.trust_a_wall_clock() {
            faults = faults.prop_map(without_steps).boxed();
        }
        (burst(), faults).prop_map(move |(burst, faults)| Case {
            world: world.clone(),
            policies: policies.clone(),
            burst,
            faults,
        })
    })
}

/// Who trusts a wall clock is not safe against steps of it.
fn without_steps(mut faults: Vec<FaultPlan>) -> Vec<FaultPlan> {
    faults.retain(|fault| !matches!(fault.action, Action::WallStep(_) | Action::WallStrobe { .. }));
    faults
}

fn run(scenario: &Scenario, seed: u64) -> Report {
    scenario.run(seed, Engine::Sim, &mut ())
}

/// What was violated, but for what no design can keep: an update that was on a disk which was lost is lost too, and
/// I25 is judged always.
fn unexcused<'r>(case: &Case, report: &'r Report) -> Vec<&'r Violation> {
    let wipes = case.faults.iter().any(|fault| fault.action == Action::Wipe);
    let violations = report.judgement.violations().into_iter();
    violations.filter(|found| !(wipes && found.invariant == Invariant::NoLostUpdate)).collect()
}

proptest! {
    // A failure shows its plan, so nothing is written beside the sources; shrinking takes at most some seconds.
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_violated_whatever_goes_wrong(case in case(policies::safe), seed: u64) {
        let scenario = case.scenario().unwrap_or_else(|error| panic!("{error}"));
        let report = run(&scenario, seed);
        prop_assert_eq!(&report.outcome.end, &RunEnd::Completed);
        let violations = unexcused(&case, &report);
        prop_assert!(
            violations.is_empty(),
            "{violations:#?}\n{}\n{:#?}\nseed {seed}",
            case.text(),
            scenario.describe(&scenario.template.faults),
        );
        prop_assert_eq!(report.digest, run(&scenario, seed).digest, "the same plan, twice");
    }

    /// Unsafe policies violate much, but they do not bring the harness down.
    #[test]
    fn every_run_ends_whatever_the_policies(case in case(policies::any), seed: u64) {
        // Some combinations exclude each other, and the reader says so.
        if let Ok(scenario) = case.scenario() {
            let report = run(&scenario, seed);
            prop_assert_eq!(&report.outcome.end, &RunEnd::Completed, "{}", case.text());
            prop_assert_eq!(report.digest, run(&scenario, seed).digest, "the same plan, twice");
        }
    }
}
