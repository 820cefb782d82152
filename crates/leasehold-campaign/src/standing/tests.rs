use std::path::Path;

use leasehold_check::{Metric, Verdict};
use leasehold_report::Measured;
use leasehold_scenario::{Faults, SingleGrantor, Variant};

use super::*;
use crate::fingerprint::Fingerprint;
use crate::program::ProgramOptions;
use crate::tally::FailureTally;

/// One scenario that should come to this: a line of `[expect]`.
fn program(expect: &str, expectation: Expectation) -> Program {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("a.toml");
    let text = format!(
        "schema = 1\nsummary = \"s\"\n[lease]\nttl = \"1s\"\n[expect]\nreach = [\"taken-over\"]\n{expect}\n"
    );
    std::fs::write(&path, text).unwrap();
    let options = ProgramOptions {
        seeds: "0..9".parse().unwrap(),
        overlays: vec![],
        variant: Variant::AsWritten,
        faults: Faults::Random,
        expectation,
        engine: None,
    };
    Program::load(&[Path::to_owned(&path)], options, &[&SingleGrantor]).unwrap()
}

/// What happened in how many of nine runs.
#[derive(Default)]
struct Runs {
    found_expected: u64,
    failed: u64,
    differ: u64,
    reached: u64,
    judged: u64,
}

const FINE: Runs = Runs { found_expected: 0, failed: 0, differ: 0, reached: 1, judged: 9 };

fn tally(runs: &Runs) -> Tally {
    let mut scenario = ScenarioTally { runs: 9, failed: runs.failed, ..ScenarioTally::default() };
    scenario.found_expected = runs.found_expected;
    scenario.verdicts.insert(Verdict::NotDeterministic, runs.differ);
    scenario.verdicts.insert(Verdict::Pass, 9 - runs.differ);
    scenario.invariants.insert(Invariant::Fencing, [runs.judged, 3, 0]);
    if runs.reached > 0 {
        scenario.reach.insert(Probe::TakenOver, (runs.reached, runs.reached));
    }
    if runs.failed > 0 {
        let fingerprint = Fingerprint { what: "panic".to_owned(), clause: String::new(), roles: vec![] };
        let failure = FailureTally { runs: runs.failed, first: 0, seeds: vec![0] };
        scenario.failures.insert(fingerprint, failure);
    }
    Tally { scenarios: vec![scenario], not_deterministic: vec![] }
}

#[test]
fn a_scenario_is_held_to_what_it_expects_over_all_runs() {
    use Expectation::{Counts, Ignored};
    const FENCING: &str = "violation = \"fencing\"";
    const PANIC: &str = "verdict = \"panic\"";
    const VACUOUS: &str = "verdict = \"vacuous\"";
    const NEVER_REACHED: Unmet = Unmet::NeverReached(Probe::TakenOver);
    for (expect, expectation, runs, unmet, standing) in [
        ("", Counts, FINE, &[][..], Standing::Met),
        ("", Counts, Runs { failed: 2, ..FINE }, &[Unmet::Failed(2)], Standing::Failed),
        ("", Counts, Runs { differ: 1, ..FINE }, &[Unmet::NotDeterministic(1)], Standing::NotDeterministic),
        ("", Counts, Runs { reached: 0, ..FINE }, &[NEVER_REACHED], Standing::Vacuous),
        (
            "",
            Counts,
            Runs { reached: 0, judged: 0, ..FINE },
            &[Unmet::NothingJudged, NEVER_REACHED],
            Standing::Vacuous,
        ),
        (
            "",
            Counts,
            Runs { failed: 1, reached: 0, ..FINE },
            &[Unmet::Failed(1), NEVER_REACHED],
            Standing::Failed,
        ),
        (FENCING, Counts, Runs { found_expected: 1, ..FINE }, &[], Standing::Met),
        (FENCING, Counts, FINE, &[Unmet::NeverViolated(Invariant::Fencing)], Standing::Failed),
        (
            FENCING,
            Counts,
            Runs { found_expected: 3, failed: 1, ..FINE },
            &[Unmet::Failed(1)],
            Standing::Failed,
        ),
        (FENCING, Ignored, FINE, &[], Standing::Met),
        (PANIC, Counts, Runs { found_expected: 1, reached: 0, judged: 0, ..FINE }, &[], Standing::Met),
        (PANIC, Counts, FINE, &[Unmet::NeverPanicked], Standing::Failed),
        (VACUOUS, Counts, Runs { found_expected: 9, reached: 0, judged: 0, ..FINE }, &[], Standing::Met),
        (VACUOUS, Counts, Runs { found_expected: 7, ..FINE }, &[Unmet::NotVacuous(2)], Standing::Failed),
        (VACUOUS, Ignored, Runs { reached: 0, ..FINE }, &[NEVER_REACHED], Standing::Vacuous),
    ] {
        let program = program(expect, expectation);
        let found = tally(&runs).unmet(&program, Whole::Sweep);
        assert_eq!(found, [unmet], "{expect} {expectation:?}");
        assert_eq!(Standing::of(found.iter().flatten()), standing, "{expect} {expectation:?}");
    }
}

#[test]
fn a_part_of_a_sweep_is_only_asked_whether_something_failed() {
    let open = program("violation = \"fencing\"", Expectation::Counts);
    assert_eq!(tally(&Runs { reached: 0, ..FINE }).unmet(&open, Whole::Part), [vec![]]);
    assert_eq!(tally(&Runs { failed: 1, ..FINE }).unmet(&open, Whole::Part), [vec![Unmet::Failed(1)]]);
    assert_eq!(Tally::default().unmet(&open, Whole::Part), [vec![]]);
    assert_eq!(Tally::default().unmet(&open, Whole::Sweep), [vec![Unmet::NotRun]]);
}

/// All nine runs together failed over in 13 s, and nobody handed anything over.
#[test]
fn budgets_are_judged_over_all_runs_of_a_whole_sweep() {
    let standing = |budget: &str, runs: &Runs, expectation, whole| {
        let program = program(&format!("budgets = [\"{budget}\"]"), expectation);
        let mut tally = tally(runs);
        let amount = "1/1/13000000000/1/0/0/1/13000000000/1/13000000000:1549p23".parse().unwrap();
        tally.scenarios[0].budgets = Measured::of_run([(Metric::Failover, amount)]);
        Standing::of(tally.unmet(&program, whole).iter().flatten())
    };
    let of = |budget| standing(budget, &FINE, Expectation::Counts, Whole::Sweep);
    assert_eq!(of("failover.max <= 13s"), Standing::Met);
    assert_eq!(of("failover.max < 13s"), Standing::BudgetMissed);
    assert_eq!(of("handover.max < 13s"), Standing::Vacuous);
    let missed = "failover.max < 13s";
    assert_eq!(standing(missed, &FINE, Expectation::Ignored, Whole::Sweep), Standing::Met);
    assert_eq!(standing(missed, &FINE, Expectation::Counts, Whole::Part), Standing::Met);
    let failed = Runs { failed: 1, ..FINE };
    assert_eq!(standing(missed, &failed, Expectation::Counts, Whole::Sweep), Standing::Failed);
    let unreached = Runs { reached: 0, ..FINE };
    assert_eq!(standing(missed, &unreached, Expectation::Counts, Whole::Sweep), Standing::BudgetMissed);
}
