//! Checking a scenario inside somebody's own tests.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use leasehold_check::Verdict;
use leasehold_core::RunEnd;
use leasehold_core::event::Probe;
use leasehold_report::{Budget, Measured, meter_of_budgets};
use leasehold_scenario::{Expect, ExpectedVerdict, Faults, Report, Scenario, System, Trial};

use crate::again::line_for_a_test;
use crate::drawn;
use crate::names::Names;
use crate::panics;
use crate::words;

/// Runs a scenario under many seeds, each with random faults as in a sweep, and holds the runs to the scenario's
/// expectation.
///
/// Beside the faults that the scenario scripts, each seed draws more of them, and values that the scenario leaves
/// open, within the limits of its `[chaos]`. A scenario with a `[plan]` leaves nothing to a seed and runs once; one
/// that is expected to be vacuous runs as it is scripted.
///
/// No run may violate what is not expected, panic, or have a hazard where there must be none. What has to happen is
/// asked of all runs together: each place of `reach` is reached in at least one, an expected violation is found in
/// at least one, and something is judged.
///
/// Returns what happened, or the first failure: unwrap it in a `#[test]`, and the test's output says who
/// believed what, what was drawn, and how to see it again.
///
/// ```no_run
/// # fn my_lease() -> leasehold::SingleGrantor { leasehold::SingleGrantor }
/// #[test]
/// fn my_lease_survives() {
///     leasehold::check(&[&my_lease()], "scenarios/pause.toml", 0..100).unwrap();
/// }
/// ```
///
/// # Errors
///
/// If the scenario cannot be read, its engine cannot run it as it is written, the runs do not meet its expectation, or
/// there is no seed.
pub fn check(
    systems: &[&dyn System],
    scenario: impl AsRef<Path>,
    seeds: Range<u64>,
) -> Result<Checked, CheckFailure> {
    let path = scenario.as_ref();
    let scenario = Scenario::load(path, systems).map_err(|error| CheckFailure { text: error.to_string() })?;
    if seeds.is_empty() {
        let text = format!("{}: no seed in {}..{}", path.display(), seeds.start, seeds.end);
        return Err(CheckFailure { text });
    }
    let scenario = Arc::new(scenario);
    let seeds = if scenario.is_explicit() { 0..1 } else { seeds };
    let is_scripted = scenario.is_explicit() || scenario.expect.verdict == ExpectedVerdict::Vacuous;
    let faults = if is_scripted { Faults::Scripted } else { Faults::Random };
    let mut sum = Sum { missed: scenario.expect.reach.clone(), ..Sum::default() };
    for seed in seeds.clone() {
        let trial = Trial::meant_for(scenario.engine, &scenario, seed, faults, systems);
        // A run that leaves out what it was asked to do may not pass for one that did it.
        if let Some(why) = strange(&trial) {
            let (name, engine) = (&scenario.name, scenario.engine.name());
            let text = format!("{name} under seed {seed} cannot be run on {engine} as it is written: {why}");
            return Err(CheckFailure { text });
        }
        let mut meter = meter_of_budgets(&trial, scenario.engine);
        let (report, panicked_at) = panics::watch(|| trial.run(scenario.engine, &mut meter));
        let wrong = match scenario.expect.verdict {
            ExpectedVerdict::Vacuous => report.unmet.clone(),
            _ => scenario.expect.wrong_in(&report.judgement, &report.outcome.end),
        };
        if !wrong.is_empty() {
            return Err(CheckFailure {
                text: tell(path, &trial, faults, &report, &wrong, panicked_at.as_deref()),
            });
        }
        sum.add(&scenario.expect, &report);
        if let Some(meter) = meter {
            sum.budgets.add(&meter.finish(report.outcome.ended_at));
        }
    }
    let unmet = sum.unmet(&scenario.expect);
    if unmet.is_empty() {
        return Ok(sum.checked);
    }
    let text = format!("{} under seeds {}..{}: {}", scenario.name, seeds.start, seeds.end, unmet.join("; "));
    Err(CheckFailure { text })
}

/// What the scenario's engine cannot do with a run, in words; nothing if it can do all of it.
fn strange(trial: &Trial) -> Option<String> {
    let engine = trial.scenario().engine;
    let misfits = trial.misfits(engine).into_iter().map(|misfit| misfit.to_string());
    let inexpressible = trial.inexpressible(engine).into_iter().map(|found| found.to_string());
    let why: Vec<String> = misfits.chain(inexpressible).collect();
    (!why.is_empty()).then(|| why.join("; "))
}

/// What all runs came to together.
#[derive(Default)]
struct Sum {
    checked: Checked,
    judged: u64,
    /// Runs in which the expected violation or panic happened.
    found: u64,
    /// The places that no run reached.
    missed: Vec<Probe>,
    /// What budgets are about.
    budgets: Measured,
}

impl Sum {
    fn add(&mut self, expect: &Expect, report: &Report) {
        let judgement = &report.judgement;
        self.checked.runs += 1;
        self.checked.violations += u64::from(report.verdict == Verdict::Violation);
        self.checked.hazards += u64::from(judgement.hazards.iter().any(|hazard| hazard.seen > 0));
        self.judged += judgement.judged();
        self.found += u64::from(match &expect.verdict {
            ExpectedVerdict::Violation { invariant, .. } => {
                judgement.invariants.iter().any(|of| of.invariant == *invariant && of.violations > 0)
            }
            ExpectedVerdict::Panic => matches!(report.outcome.end, RunEnd::Panicked { .. }),
            ExpectedVerdict::Pass | ExpectedVerdict::Vacuous => false,
        });
        self.missed.retain(|&probe| judgement.reached(probe) == 0);
    }

    /// What had to happen at least once, and did not.
    fn unmet(&self, expect: &Expect) -> Vec<String> {
        let mut unmet = Vec::new();
        match &expect.verdict {
            ExpectedVerdict::Violation { invariant, .. } if self.found == 0 => {
                unmet.push(format!("no run violated {} {}", invariant.id(), invariant.name()));
            }
            ExpectedVerdict::Panic if self.found == 0 => unmet.push("no node panicked in any run".to_owned()),
            _ => {}
        }
        if !matches!(expect.verdict, ExpectedVerdict::Vacuous | ExpectedVerdict::Panic) {
            if self.judged == 0 {
                unmet.push("nothing was judged".to_owned());
            }
            unmet.extend(self.missed.iter().map(|missed| format!("no run reached {}", missed.name())));
        }
        unmet.extend(Budget::judge(&expect.budgets, &self.budgets).iter().filter_map(Budget::unmet));
        unmet
    }
}

/// What became of many runs that together met their expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many runs there were.
    pub runs: u64,
    /// In how many of them an invariant was violated, as expected.
    pub violations: u64,
    /// In how many of them there was a hazard.
    pub hazards: u64,
}

/// Why a check failed, in words.
pub struct CheckFailure {
    text: String,
}

impl fmt::Display for CheckFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CheckFailure {
    /// The same as [`Display`](fmt::Display), so that an `unwrap` in a test is readable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.text)
    }
}

impl std::error::Error for CheckFailure {}

fn tell(
    path: &Path,
    trial: &Trial,
    faults: Faults,
    report: &Report,
    wrong: &[String],
    panicked_at: Option<&str>,
) -> String {
    let names = Names::new(trial.header(report.engine));
    let mut text = format!("{} under seed {}: {}", trial.scenario().name, report.seed, wrong.join("; "));
    for line in drawn::lines(trial).iter().filter(|line| !line.is_empty()) {
        text.push_str(&format!("\n  {line}"));
    }
    if let RunEnd::Panicked { node, message } = &report.outcome.end {
        let (node, at) = (names.node(*node), report.outcome.ended_at);
        let place = panicked_at.unwrap_or("an unknown place");
        text.push_str(&format!("\n  {node} panicked at {at}, in {place}: {message}"));
    }
    for violation in report.judgement.violations() {
        let (id, name) = (violation.invariant.id(), violation.invariant.name());
        text.push_str(&format!("\n  {id} {name} at {}: {}", violation.at, violation.invariant.statement()));
        for fact in &violation.evidence {
            text.push_str(&format!("\n    {}", words::fact(&names, fact)));
        }
    }
    text.push_str(&format!("\n  to see it again:\n{}", line_for_a_test(path, report.seed, faults)));
    text
}
