//! Whether a sweep came to what its scenarios should come to.

use leasehold_check::Invariant;
use leasehold_core::event::Probe;
use leasehold_report::Budget;
use leasehold_report::study::Met;
use leasehold_scenario::{Expect, ExpectedVerdict};

use crate::program::{Expectation, Program};
use crate::tally::{ScenarioTally, Tally};

/// What is asked of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// All: what should be found or reached was to be, at least once.
    Sweep,
    /// It is a part of a sweep: only that nothing failed.
    Part,
}

/// One way in which the runs of a scenario are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// So many runs have another digest when they are run again.
    NotDeterministic(u64),
    /// So many runs failed.
    Failed(u64),
    /// The violation that is expected was never found.
    NeverViolated(Invariant),
    /// No node ever panicked, though that is expected.
    NeverPanicked,
    /// So many runs said something, though they are expected to say nothing.
    NotVacuous(u64),
    /// It was not run at all.
    NotRun,
    /// Nothing was judged in any run.
    NothingJudged,
    /// No run reached this place.
    NeverReached(Probe),
    /// All runs together do not keep to a limit: what it is, and what was measured.
    BudgetMissed(String),
    /// Nothing was measured of what a limit is about.
    BudgetUnmeasured(String),
}

/// What a sweep comes to, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// All scenarios came to what they should.
    Met,
    /// Nothing failed, but runs said less than they should.
    Vacuous,
    /// Safe, but what was measured does not keep to its limits.
    BudgetMissed,
    /// Runs failed, or a violation that is expected was not found.
    Failed,
    /// Runs have another digest when they are run again.
    NotDeterministic,
}

impl Tally {
    /// By the place of the scenario in the program: how its runs are not what they should be. Empty lists if all is
    /// well.
    pub fn unmet(&self, program: &Program, whole: Whole) -> Vec<Vec<Unmet>> {
        let none = ScenarioTally::default();
        let expectation = program.options().expectation;
        let unmet = program.entries().iter().enumerate().map(|(place, entry)| {
            let tally = self.scenarios.get(place).unwrap_or(&none);
            tally.unmet(&entry.scenario.expect, expectation, whole)
        });
        unmet.collect()
    }
}

impl ScenarioTally {
    /// How the runs of a scenario that expects this are not what they should be.
    pub fn unmet(&self, expect: &Expect, expectation: Expectation, whole: Whole) -> Vec<Unmet> {
        of_scenario(self, expect, expectation, whole)
    }
}

impl Standing {
    /// As it stands in `summary.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Vacuous => "vacuous",
            Self::BudgetMissed => "budget-missed",
            Self::Failed => "failed",
            Self::NotDeterministic => "not-deterministic",
        }
    }

    /// What all of this comes to.
    pub fn of<'u>(unmet: impl IntoIterator<Item = &'u Unmet>) -> Self {
        unmet.into_iter().map(Unmet::standing).max().unwrap_or(Self::Met)
    }
}

impl Unmet {
    /// How bad it is.
    pub fn standing(&self) -> Standing {
        match self {
            Self::NotDeterministic(_) => Standing::NotDeterministic,
            Self::Failed(_) | Self::NeverViolated(_) | Self::NeverPanicked | Self::NotVacuous(_) => {
                Standing::Failed
            }
            Self::BudgetMissed(_) => Standing::BudgetMissed,
            Self::NotRun | Self::NothingJudged | Self::NeverReached(_) | Self::BudgetUnmeasured(_) => {
                Standing::Vacuous
            }
        }
    }

    /// In words, as in `was never run`.
    pub fn in_words(&self) -> String {
        let runs = |count: u64| if count == 1 { "run" } else { "runs" };
        match self {
            Self::NotDeterministic(count) => {
                format!("{count} {} came to another digest when run again", runs(*count))
            }
            Self::Failed(count) => format!("{count} {} failed", runs(*count)),
            Self::NeverViolated(invariant) => {
                format!("{} {} was never violated", invariant.id(), invariant.name())
            }
            Self::NeverPanicked => "no node panicked".to_owned(),
            Self::NotVacuous(count) => format!("{count} {} not vacuous", runs(*count)),
            Self::NotRun => "was not run".to_owned(),
            Self::NothingJudged => "nothing was judged".to_owned(),
            Self::NeverReached(probe) => format!("{} was never reached", probe.name()),
            Self::BudgetMissed(told) | Self::BudgetUnmeasured(told) => format!("budget {told}"),
        }
    }
}

fn of_scenario(tally: &ScenarioTally, expect: &Expect, expectation: Expectation, whole: Whole) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    let different = tally.verdicts.get(&leasehold_check::Verdict::NotDeterministic).copied().unwrap_or(0);
    if different > 0 {
        unmet.push(Unmet::NotDeterministic(different));
    }
    if tally.failed > 0 {
        unmet.push(Unmet::Failed(tally.failed));
    }
    let verdict = match expectation {
        Expectation::Counts => &expect.verdict,
        Expectation::Ignored => &ExpectedVerdict::Pass,
    };
    if *verdict == ExpectedVerdict::Vacuous && tally.found_expected < tally.runs {
        unmet.push(Unmet::NotVacuous(tally.runs - tally.found_expected));
    }
    if whole == Whole::Part {
        return unmet;
    }
    if tally.runs == 0 {
        unmet.push(Unmet::NotRun);
        return unmet;
    }
    match verdict {
        ExpectedVerdict::Violation { invariant, .. } if tally.found_expected == 0 => {
            unmet.push(Unmet::NeverViolated(*invariant));
        }
        ExpectedVerdict::Panic if tally.found_expected == 0 => unmet.push(Unmet::NeverPanicked),
        _ => {}
    }
    // A panic ends a run before it gets anywhere.
    if !matches!(verdict, ExpectedVerdict::Vacuous | ExpectedVerdict::Panic) {
        if tally.invariants.values().all(|[judged, _, _]| *judged == 0) {
            unmet.push(Unmet::NothingJudged);
        }
        let missed = expect.reach.iter().filter(|probe| !tally.reach.contains_key(probe));
        unmet.extend(missed.copied().map(Unmet::NeverReached));
    }
    if expectation == Expectation::Counts {
        unmet.extend(Budget::judge(&expect.budgets, &tally.budgets).iter().filter_map(of_budget));
    }
    unmet
}

fn of_budget(budget: &Budget) -> Option<Unmet> {
    match budget.met {
        Met::Surely | Met::Probably => None,
        Met::Missed => Some(Unmet::BudgetMissed(budget.told())),
        Met::Unmeasured => Some(Unmet::BudgetUnmeasured(budget.told())),
    }
}

#[cfg(test)]
mod tests;
