//! Every scenario file is run and held to its own expectation; what breaks has a safe variant that does not.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::{Path, PathBuf};

use leasehold::{Engine, RegistrySystem, SingleGrantor};
use leasehold_scenario::{Scenario, Source, Variant};

/// Enough to see that an expectation does not hang on one lucky seed.
const SEEDS: u64 = 20;

/// The same where nodes run behind sockets: a run takes a hundred times as long.
const SEEDS_BEHIND_SOCKETS: u64 = 3;

/// What breaks without any fault: it needs no more than somebody who wants the lease, or who asks, and what a network
/// loses and delays by itself, or a shell.
const BROKEN_BY_ITSELF: [&str; 11] = [
    "frame-split-over-reads",
    "gives-up-before-an-answer-can-come",
    "heartbeat-timer-aliases-with-the-ttl",
    "heartbeats-behind-queries",
    "heartbeats-on-the-thread-of-the-work",
    "listener-stops-accepting",
    "no-hysteresis",
    "optimistic-without-compare",
    "reads-go-back",
    "renewal-causes-events",
    "shared-identity",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("scenarios").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    // There may be a time without regressions.
    assert!(folder == "regressions" || !files.is_empty(), "scenarios/{folder} has no scenario");
    files
}

fn load(path: &Path, variant: Variant) -> Scenario {
    let source = Source::read(path).unwrap_or_else(|error| panic!("{error}")).as_variant(variant);
    Scenario::parse(source, &[&SingleGrantor, &RegistrySystem]).unwrap_or_else(|error| panic!("{error}"))
}

/// What went wrong, a line a seed.
fn hold_to_expectation(scenario: &Scenario) -> Vec<String> {
    // What leaves nothing to a seed is one run.
    let seeds = match (scenario.is_explicit(), scenario.engine) {
        (true, _) => 1,
        (false, Engine::Sim) => SEEDS,
        (false, Engine::Turmoil) => SEEDS_BEHIND_SOCKETS,
    };
    (0..seeds)
        .filter_map(|seed| {
            let report = scenario.run(seed, scenario.engine, &mut ());
            let unmet = report.unmet.join("; ");
            (!unmet.is_empty()).then(|| format!("{} under seed {seed}: {unmet}", scenario.name))
        })
        .collect()
}

#[test]
fn every_scenario_meets_its_own_expectation() {
    let failures: Vec<String> = ["holds", "breaks", "regressions"]
        .into_iter()
        .flat_map(files)
        .flat_map(|path| hold_to_expectation(&load(&path, Variant::AsWritten)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_safe_variant_of_what_breaks_passes_under_the_same_seeds() {
    let failures: Vec<String> = files("breaks")
        .into_iter()
        .flat_map(|path| hold_to_expectation(&load(&path, Variant::Safe)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Otherwise an expectation could be met by a fault that never happened.
#[test]
fn every_scripted_fault_lands() {
    let idle: Vec<String> = ["holds", "breaks", "regressions"]
        .into_iter()
        .flat_map(files)
        .flat_map(|path| {
            let scenario = load(&path, Variant::AsWritten);
            let report = scenario.run(0, scenario.engine, &mut ());
            let described = scenario.describe(&scenario.template.faults);
            let faults = report.outcome.faults.into_iter().zip(described);
            faults
                .filter(|(fault, _)| fault.landed.is_none())
                .map(|(_, what)| format!("{}: {what}", scenario.name))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}

/// A scenario that passes without its faults as it does with them shows nothing.
#[test]
fn what_breaks_does_not_break_without_its_faults() {
    for path in files("breaks") {
        let mut scenario = load(&path, Variant::AsWritten);
        if BROKEN_BY_ITSELF.contains(&scenario.name.as_str()) {
            continue;
        }
        scenario.template.faults.clear();
        let report = scenario.run(0, scenario.engine, &mut ());
        let violations = report.judgement.violations();
        assert!(violations.is_empty(), "{}: {violations:?}", scenario.name);
    }
}

/// Of what holds: the one decision that it shows, turned. It has to fail then, or it shows something else.
const TURNED: [(&str, &[&str]); 11] = [
    ("answers-kept-for-the-next-process", &["transport.replies=to-the-peer"]),
    ("congested-network-grace", &["grace.congestion.step=1ms"]),
    ("graceful-deregistration", &["instance.drain=0s"]),
    ("mass-restart-with-pacing", &["instance.comes_back=0s"]),
    ("readiness-flaps-with-hysteresis", &["instance.fall=1", "instance.rise=1"]),
    ("renewals-by-datagram", &["transport.heartbeats=tcp"]),
    ("sent-again-by-the-shell", &["transport.unanswered=gone"]),
    ("stale-connection-and-epochs", &["transport.incarnations=newest-only"]),
    ("stale-connection-and-tokens", &["transport.incarnations=newest-only"]),
    ("stalled-watch-on-one-stream", &["transport.lanes=apart"]),
    ("unready-for-long", &["instance.fall=60"]),
];

#[test]
fn what_holds_does_not_with_its_one_decision_turned() {
    for (name, overlays) in TURNED {
        let path = root().join(format!("scenarios/holds/{name}.toml"));
        let source = Source::read(&path).unwrap().with_overlays(overlays.iter().copied());
        let scenario = Scenario::parse(source, &[&SingleGrantor, &RegistrySystem])
            .unwrap_or_else(|error| panic!("{error}"));
        let fails = |seed| !scenario.run(seed, scenario.engine, &mut ()).unmet.is_empty();
        assert!((0..3).any(fails), "{name} passes with {overlays:?}");
    }
}

/// Each decision that a safe variant takes is needed: without it, the rest does not help.
const NEEDED: [(&str, &[&str]); 3] = [
    ("heartbeat-without-epoch", &["registry.heartbeat_check=member", "instance.names=member"]),
    ("self-preservation-for-ever", &["grace.rate_guard.limit=never"]),
    (
        "self-preservation-for-ever",
        &["grace.rate_guard.limit=never", "grace.rate_guard.expected=follows-ends"],
    ),
];

#[test]
fn what_breaks_breaks_without_the_decision_that_mends_it() {
    for (name, overlays) in NEEDED {
        let path = root().join(format!("scenarios/breaks/{name}.toml"));
        let source = Source::read(&path).unwrap().as_variant(Variant::Safe);
        let source = source.with_overlays(overlays.iter().copied());
        let scenario = Scenario::parse(source, &[&SingleGrantor, &RegistrySystem])
            .unwrap_or_else(|error| panic!("{error}"));
        let report = scenario.run(0, scenario.engine, &mut ());
        assert!(!report.judgement.violations().is_empty(), "{name} holds with {overlays:?}");
    }
}

/// Otherwise a file could lie there and never be run.
#[test]
fn there_are_no_other_scenarios() {
    let mut there: Vec<String> = std::fs::read_dir(root().join("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(there, ["README.md", "breaks", "holds", "regressions", "studies"]);
}

#[test]
fn the_list_of_scenarios_names_every_file() {
    let list = std::fs::read_to_string(root().join("scenarios/README.md")).unwrap();
    for path in ["holds", "breaks"].into_iter().flat_map(files) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(list.contains(&format!("`{name}`")), "scenarios/README.md does not name {name}");
    }
}
