//! Random runs as a sweep has them, in a property test: what fails is shown small.

use std::sync::Arc;

use leasehold_scenario::{Engine, Faults, Scenario, SingleGrantor, Source, System, Trial, trials};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

const SYSTEMS: &[&dyn System] = &[&SingleGrantor];

/// The default design, and half a minute of whatever may go wrong.
const DESIGN: &str = r#"
schema = 1
name = "default"
summary = "All that is not said here is the default."
[phases]
chaos = "30s"
"#;

/// The same with a resource that takes every write.
const UNFENCED: &str = r#"
schema = 1
name = "unfenced"
summary = "The resource does not fence."
[resource]
fence = "none"
[phases]
chaos = "30s"
"#;

fn scenario(text: &str) -> Arc<Scenario> {
    Arc::new(Scenario::parse(Source::from_text("design.toml", text), SYSTEMS).expect("it can be read"))
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) }
}

fn is_violated(trial: &Trial) -> bool {
    !trial.run(Engine::Sim, &mut ()).judgement.violations().is_empty()
}

#[test]
fn the_default_design_survives_whatever_the_generator_draws() {
    let survived = TestRunner::new(config()).run(&trials(&scenario(DESIGN), SYSTEMS), |trial| {
        let report = trial.run(Engine::Sim, &mut ());
        let violations = report.judgement.violations();
        prop_assert!(violations.is_empty(), "{:#?}", violations);
        Ok(())
    });
    survived.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_is_drawn_is_what_a_sweep_has_under_that_seed() {
    let scenario = scenario(DESIGN);
    let trials = trials(&scenario, SYSTEMS);
    let mut runner = TestRunner::new(config());
    let mut with_settings = 0;
    for _ in 0..20 {
        let drawn = trials.new_tree(&mut runner).unwrap().current();
        let swept = Trial::new(&scenario, drawn.seed(), Faults::Random, SYSTEMS);
        assert_eq!(drawn.case(), swept.case());
        with_settings += usize::from(!drawn.settings().is_empty());
    }
    assert!(with_settings > 0);
}

#[test]
fn a_property_that_fails_ends_in_a_small_trial_that_fails_and_can_be_written() {
    let scenario = scenario(UNFENCED);
    let config = ProptestConfig { max_shrink_iters: 3_000, ..config() };
    // Always the same failure: how small one can be differs.
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let failed = TestRunner::new_with_rng(config, dice).run(&trials(&scenario, SYSTEMS), |trial| {
        prop_assert!(!is_violated(&trial));
        Ok(())
    });
    let Err(TestError::Fail(_, small)) = failed else { panic!("{failed:?}") };
    let drawn = Trial::new(&scenario, small.seed(), Faults::Random, SYSTEMS);
    assert!(is_violated(&small));
    let (faults, at_first) = (&small.plan().faults, drawn.plan().faults.len());
    assert!(faults.len() <= 3 && faults.len() < at_first, "of {at_first} faults: {}", small.to_toml());
    for place in 0..faults.len() {
        let mut fewer = small.plan().clone();
        fewer.faults.remove(place);
        assert!(!is_violated(&small.with_plan(fewer)), "fault {place} is not needed: {}", small.to_toml());
    }
    assert_eq!(small.read_again([], SYSTEMS).unwrap().plan(), small.plan());
}
