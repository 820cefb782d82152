//! Checking a scenario inside somebody's own tests.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use leasehold_check::Verdict;
use leasehold_core::RunEnd;
use leasehold_scenario::{Engine, Report, Scenario, System};

use crate::again::line_for_a_test;
use crate::names::Names;
use crate::panics;
use crate::words;

/// Runs a scenario under many seeds, and holds each run to the scenario's expectation.
///
/// Returns what happened, or the first failure: unwrap it in a `#[test]`, and the test's output says who
/// believed what, and how to see it again.
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
/// If the scenario cannot be read, a run does not meet its expectation, or there is no seed.
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
    let mut checked = Checked { runs: 0, violations: 0, hazards: 0 };
    for seed in seeds {
        let (report, panicked_at) = panics::watch(|| scenario.run(seed, Engine::Sim, &mut ()));
        if !report.unmet.is_empty() {
            return Err(CheckFailure { text: tell(path, &scenario, &report, panicked_at.as_deref()) });
        }
        checked.runs += 1;
        checked.violations += u64::from(report.verdict == Verdict::Violation);
        checked.hazards += u64::from(report.judgement.hazards.iter().any(|hazard| hazard.seen > 0));
    }
    Ok(checked)
}

/// What became of many runs that all met their expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

fn tell(path: &Path, scenario: &Scenario, report: &Report, panicked_at: Option<&str>) -> String {
    let names = Names::new(scenario.header(&scenario.plan(report.seed), report.seed, report.engine));
    let mut text = format!("{} under seed {}: {}", scenario.name, report.seed, report.unmet.join("; "));
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
    text.push_str(&format!("\n  to see it again:\n{}", line_for_a_test(path, report.seed)));
    text
}
