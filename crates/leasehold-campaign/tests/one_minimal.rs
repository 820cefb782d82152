//! Failures found by chance come out small: nothing single can be left out, and each can be written down and read again.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]
#![expect(clippy::print_stdout, reason = "figures, for whoever asks for them with --nocapture")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_campaign::{Confirmation, Fingerprint, Investigation, Search};
use leasehold_scenario::{Case, Engine, Faults, Scenario, SingleGrantor, Source, System, Trial};
use rayon::prelude::*;

const SYSTEMS: [&dyn System; 1] = [&SingleGrantor];

/// So many failures are looked at, of as many scenarios as have some.
const FAILURES: usize = 50;

/// So many seeds of a scenario are tried.
const SEEDS: u64 = 40;

fn breaks() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/breaks");
    let files = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "toml")).collect();
    // Those around a registry are shrunk by a test of leasehold-scenario.
    files.retain(|file| !fs_err::read_to_string(file).unwrap().contains("system = \"registry\""));
    files.sort();
    files
}

/// A scenario that is known to break, without the faults that are known to break it.
fn left_to_chance(file: &Path) -> Arc<Scenario> {
    let source = Source::read(file).unwrap().with_overlays(["chaos.script=left-out"]);
    Arc::new(Scenario::parse(source, &SYSTEMS).unwrap())
}

/// A failure that was found, and what became of it.
struct Found {
    name: String,
    seed: u64,
    investigation: Investigation,
}

/// The failures of a scenario's first seeds, by seed: one each.
fn failures(scenario: &Arc<Scenario>, most: usize) -> Vec<(u64, Fingerprint)> {
    let fingerprint = |seed| {
        let trial = Trial::new(scenario, seed, Faults::Random, &SYSTEMS);
        let report = trial.run(Engine::Sim, &mut ());
        Some((seed, Fingerprint::of(trial.scenario(), &report).into_iter().next()?))
    };
    (0..SEEDS).filter_map(fingerprint).take(most).collect()
}

fn investigate(scenario: &Arc<Scenario>, seed: u64, fingerprint: Fingerprint) -> Investigation {
    let trial = Trial::new(scenario, seed, Faults::Random, &SYSTEMS);
    let report = trial.run(Engine::Sim, &mut ());
    Investigation::new(trial, report, fingerprint, Engine::Sim, &SYSTEMS, &|| false)
}

fn found() -> Vec<Found> {
    let scenarios: Vec<Arc<Scenario>> = breaks().iter().map(|file| left_to_chance(file)).collect();
    let mut by_scenario: Vec<_> =
        scenarios.par_iter().map(|scenario| (scenario, failures(scenario, 4).into_iter())).collect();
    let mut chosen = Vec::new();
    while chosen.len() < FAILURES {
        let before = chosen.len();
        for (scenario, failures) in &mut by_scenario {
            chosen.extend(failures.next().map(|(seed, fingerprint)| (*scenario, seed, fingerprint)));
        }
        assert!(chosen.len() > before, "only {before} failures in {SEEDS} seeds of each scenario");
    }
    chosen.truncate(FAILURES);
    let investigated = chosen.into_par_iter().map(|(scenario, seed, fingerprint)| Found {
        name: scenario.name.clone(),
        seed,
        investigation: investigate(scenario, seed, fingerprint),
    });
    investigated.collect()
}

fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

fn has(trial: &Trial, fingerprint: &Fingerprint) -> bool {
    let report = trial.run(Engine::Sim, &mut ());
    Fingerprint::of(trial.scenario(), &report).contains(fingerprint)
}

#[test]
fn failures_found_by_chance_come_out_small_and_nothing_single_can_be_left_out() {
    let found = found();
    let scenarios: BTreeSet<&str> = found.iter().map(|found| found.name.as_str()).collect();

    let faults = |trial: &Trial| trial.plan().faults.len() as u64;
    let shrunk = || found.iter().map(|found| found.investigation.shrunk.as_ref().unwrap());
    let before = median(found.iter().map(|found| faults(&found.investigation.trial)).collect());
    let after = median(shrunk().map(|shrunk| faults(&shrunk.trial)).collect());
    let runs = median(shrunk().map(|shrunk| shrunk.runs).collect());
    println!(
        "{FAILURES} failures of {} scenarios: {before} faults before, {after} after, {runs} runs (medians)",
        scenarios.len()
    );
    for Found { name, seed, investigation } in &found {
        let shrunk = investigation.shrunk.as_ref().unwrap();
        let (before, after) = (faults(&investigation.trial), faults(&shrunk.trial));
        println!(
            "  {name} under {seed}: {}, {before} -> {after} faults, {} runs",
            investigation.fingerprint, shrunk.runs
        );
    }
    found.par_iter().for_each(assert_sound);
    assert!(scenarios.len() >= 20, "{}", scenarios.len());
    assert!(after <= 3, "{after} faults in the median");
    assert!(runs < 300, "{runs} runs in the median");
}

fn assert_sound(found: &Found) {
    let Found { name, seed, investigation } = found;
    let what = format!("{name} under {seed}");
    let fingerprint = &investigation.fingerprint;
    assert_eq!(investigation.confirmation, Confirmation::Same, "{what}");
    let shrunk = investigation.shrunk.as_ref().unwrap();
    assert_eq!(shrunk.search, Search::Exhausted, "{what}");
    assert!(Fingerprint::of(shrunk.trial.scenario(), &shrunk.report).contains(fingerprint), "{what}");

    for gone in 0..shrunk.trial.plan().faults.len() {
        let mut case: Case = shrunk.trial.case().clone();
        let fault = case.plan.faults.remove(gone);
        let without = shrunk.trial.with(case, &SYSTEMS).unwrap().unwrap();
        assert!(!has(&without, fingerprint), "{what}: {fault:?} can be left out");
    }

    let text = shrunk.trial.to_toml();
    let again = Scenario::parse(Source::of_file(Path::new("shrunk.toml"), text.as_str()), &SYSTEMS);
    let again = again.unwrap_or_else(|error| panic!("{what}: {error}\n{text}"));
    assert!(again.is_explicit(), "{what}");
    let again = Trial::new(&Arc::new(again), 0, Faults::Random, &SYSTEMS);
    assert_eq!(again.plan(), shrunk.trial.plan(), "{what}\n{text}");
    let report = again.run(Engine::Sim, &mut ());
    assert_eq!(report.digest, shrunk.report.digest, "{what}\n{text}");
    assert!(Fingerprint::of(again.scenario(), &report).contains(fingerprint), "{what}\n{text}");
    let missed = again.scenario().expect.missed(&report.judgement);
    assert!(missed.is_empty(), "{what}: {missed:?}");
}
