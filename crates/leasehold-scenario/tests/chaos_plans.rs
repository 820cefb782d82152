//! Random plans as the generator draws them, in a property test: what fails is shown small.

use leasehold_plan::plans;
use leasehold_scenario::{Engine, Scenario, SingleGrantor, Source};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// The default design, and half a minute of whatever may go wrong.
const DESIGN: &str = r#"
schema = 1
name = "default"
summary = "All that is not said here is the default."
[phases]
chaos = "30s"
"#;

#[test]
fn the_default_design_survives_whatever_the_generator_draws() {
    let scenario = Scenario::parse(Source::from_text("default.toml", DESIGN), &[&SingleGrantor]).unwrap();
    let plans = plans(scenario.template.clone());
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) });
    let survived = runner.run(&plans, |plan| {
        let report = scenario.run_plan(&plan, 0, Engine::Sim, &mut ());
        let violations = report.judgement.violations();
        prop_assert!(violations.is_empty(), "{:#?}", violations);
        Ok(())
    });
    survived.unwrap_or_else(|error| panic!("{error}"));
}
