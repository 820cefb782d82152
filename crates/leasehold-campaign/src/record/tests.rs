use std::path::Path;
use std::sync::Arc;

use leasehold_scenario::{Engine, Faults, Scenario, SingleGrantor, Source};

use super::*;

fn record(file: &str, overlays: &[&str], expectation: Expectation) -> RunRecord {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(file);
    let source = Source::read(&path).unwrap().with_overlays(overlays.iter().copied());
    let scenario = Arc::new(Scenario::parse(source, &[&SingleGrantor]).unwrap());
    let trial = Trial::new(&scenario, 3, Faults::Scripted, &[&SingleGrantor]);
    let mut samples = Histograms::default();
    let report = trial.run(Engine::Sim, &mut samples);
    RunRecord::of(17, Job { scenario: 4, seed: 3 }, &trial, &report, &samples, expectation)
}

fn failed(record: &RunRecord) -> Vec<&str> {
    record.failed.iter().map(|fingerprint| fingerprint.what.as_str()).collect()
}

const FENCED: &str = "holds/gc-pause-across-expiry.toml";
/// It expects a lost update, and fencing to be violated too.
const UNFENCED: &str = "breaks/pause-without-fencing.toml";

#[test]
fn a_run_fails_by_what_its_scenario_does_not_expect() {
    use Expectation::{Counts, Ignored};
    use Verdict::{Pass, Violation};
    const NOT_FENCED: &str = "resource.fence=none";
    const NO_HAZARD: &str = "expect.hazard=none";
    for (file, overlays, expectation, verdict, failures, is_found) in [
        (FENCED, &[][..], Counts, Pass, &[][..], false),
        (FENCED, &[NO_HAZARD], Counts, Pass, &["hazard"], false),
        (FENCED, &[NOT_FENCED], Counts, Violation, &["no-lost-update", "fencing"], false),
        (FENCED, &[NOT_FENCED], Ignored, Violation, &["no-lost-update", "fencing"], false),
        (UNFENCED, &[], Counts, Violation, &[], true),
        (UNFENCED, &["expect.also=[]"], Counts, Violation, &["fencing"], true),
        (
            UNFENCED,
            &["expect.violation=fencing", "expect.also=[]"],
            Counts,
            Violation,
            &["no-lost-update"],
            true,
        ),
        (
            UNFENCED,
            &["expect.violation=liveness", "expect.also=[]"],
            Counts,
            Violation,
            &["no-lost-update", "fencing"],
            false,
        ),
        (UNFENCED, &[], Ignored, Violation, &["no-lost-update", "fencing"], false),
        (FENCED, &["expect.never=[\"taken-over\"]"], Counts, Pass, &["astray"], false),
        // What was to be reached is asked of the whole sweep.
        (FENCED, &["expect.reach=[\"end-given-up\"]"], Counts, Pass, &[], false),
    ] {
        let record = record(file, overlays, expectation);
        let mut found = failed(&record);
        let mut expected = failures.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(
            (record.verdict, found, record.found_expected),
            (verdict, expected, is_found),
            "{file} {overlays:?}"
        );
    }
}

#[test]
fn a_run_that_should_say_nothing_is_found_to_say_nothing() {
    let vacuous = ["expect.verdict=vacuous", "fault=[]"];
    let record = record(FENCED, &vacuous, Expectation::Counts);
    assert!(record.found_expected, "it does not reach what the file asks for");
    let says_something = self::record(FENCED, &["expect.verdict=vacuous"], Expectation::Counts);
    assert!(!says_something.found_expected);
}

#[test]
fn a_record_has_what_happened_and_leaves_out_what_did_not() {
    let record = record(FENCED, &[], Expectation::Counts);
    assert_eq!((record.position, record.scenario, record.seed), (17, 4, 3));
    assert_eq!(record.faults, [FaultCount { kind: FaultKind::Pause, scheduled: 1, fired: 1, landed: 1 }]);
    assert!(record.pairs.is_empty());
    assert!(record.reach.iter().any(|(probe, count)| *probe == Probe::ExpiredWhilePaused && *count > 0));
    assert!(record.reach.iter().all(|(_, count)| *count > 0));
    assert!(record.invariants.iter().all(|count| count.judged + count.excused > 0));
    assert!(record.invariants.iter().any(|count| count.closest.is_some()));
    assert!(record.events > 0 && record.simulated_ns > 0 && record.hazards > 0);
    let never = self::record(FENCED, &["fault.0.when=ttl_remaining < 1%"], Expectation::Counts);
    assert_eq!(never.faults, [FaultCount { kind: FaultKind::Pause, scheduled: 1, fired: 0, landed: 0 }]);
}

#[test]
fn a_second_run_counts_only_if_it_is_another() {
    let first = record(FENCED, &[], Expectation::Counts);
    let other = record(UNFENCED, &[], Expectation::Counts).digest;
    assert_eq!(first.clone().audited(first.digest), first);
    let audited = first.clone().audited(other);
    assert_eq!((audited.verdict, audited.second_digest), (Verdict::NotDeterministic, Some(other)));
    assert_eq!(audited.digest, first.digest);
}
