//! A short sweep: each scenario is run once as it is written, and once under random faults where it has to hold.
//!
//! It is the judge of mutation testing (docs/ci.md): a change that the tests of its own crate let through has to make some
//! scenario come to something else. So it is as quick as can be, and sees only what a verdict says. `tests/scenarios.rs` holds
//! the same files to more seeds, and to more than that.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_core::RunEnd;
use leasehold_scenario::{
    Engine, Faults, RegistrySystem, Scenario, SingleGrantor, Source, System, Trial, Variant,
};

const SYSTEMS: [&dyn System; 2] = [&SingleGrantor, &RegistrySystem];

/// What takes longer than all others together, and shows nothing that a few hundred instances do not.
const TOO_LARGE: [&str; 1] = ["thousand-instances"];

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| !TOO_LARGE.iter().any(|name| path.ends_with(format!("{name}.toml"))))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The scenarios of a folder that the fast engine runs: behind sockets a run takes a hundred times as long.
fn scenarios(folder: &str, variant: Variant) -> impl Iterator<Item = Arc<Scenario>> {
    let all = files(folder).into_iter().map(move |path| {
        let source = Source::read(&path).unwrap_or_else(|error| panic!("{error}")).as_variant(variant);
        Arc::new(Scenario::parse(source, &SYSTEMS).unwrap_or_else(|error| panic!("{error}")))
    });
    all.filter(|scenario| scenario.engine == Engine::Sim)
}

/// How the scenarios do not come to what they say, a line each.
fn unmet(scenarios: impl Iterator<Item = Arc<Scenario>>) -> Vec<String> {
    scenarios
        .filter_map(|scenario| {
            let unmet = scenario.run(0, Engine::Sim, &mut ()).unmet.join("; ");
            (!unmet.is_empty()).then(|| format!("{}: {unmet}", scenario.name))
        })
        .collect()
}

#[test]
fn what_breaks_breaks_and_its_safe_variant_does_not() {
    let both = scenarios("breaks", Variant::AsWritten).chain(scenarios("breaks", Variant::Safe));
    let unmet = unmet(both);
    assert!(unmet.is_empty(), "{}", unmet.join("\n"));
}

#[test]
fn what_holds_holds_and_what_was_mended_stays_so() {
    let both = scenarios("holds", Variant::AsWritten).chain(scenarios("regressions", Variant::AsWritten));
    let unmet = unmet(both);
    assert!(unmet.is_empty(), "{}", unmet.join("\n"));
}

#[test]
fn what_has_to_hold_violates_nothing_under_random_faults() {
    let all = scenarios("holds", Variant::AsWritten).chain(scenarios("breaks", Variant::Safe));
    let mut judged = 0;
    for scenario in all {
        let trial = Trial::new(&scenario, 1, Faults::Random, &SYSTEMS);
        let report = trial.run(Engine::Sim, &mut ());
        let name = &scenario.name;
        assert_eq!(report.outcome.end, RunEnd::Completed, "{name}");
        let violations = report.judgement.violations();
        assert!(
            violations.is_empty(),
            "{name}: {violations:#?}\n{:#?}",
            trial.scenario().describe(&trial.plan().faults)
        );
        judged += report.judgement.judged();
    }
    assert!(judged > 0, "nothing was judged");
}
