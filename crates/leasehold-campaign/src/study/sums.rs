//! What the runs of each point come to.

use leasehold_check::Verdict;
use leasehold_report::Measured;
use leasehold_scenario::{Report, Trial};
use serde::{Deserialize, Serialize};

use super::paired::{self, LOTS, Lots};
use crate::fingerprint::Fingerprint;

/// How many of the runs of a point that failed are told. Chosen by us: one to replay, and two to see whether it is always
/// the same.
const TOLD: usize = 3;

/// One run.
#[derive(Clone, Debug)]
pub struct StudyRun {
    /// What went wrong, if it failed.
    pub failed: Option<String>,
    /// Its verdict.
    pub verdict: Verdict,
    /// How many hazards there were.
    pub hazards: u64,
    /// What was measured.
    pub measured: Measured,
}

/// The sum of the runs of a point. Exact: the same in whatever order runs are added, and whoever adds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointSum {
    /// How many failed.
    pub(super) failed: u64,
    /// How many had a hazard.
    pub(super) hazards: u64,
    /// The first that failed, by seed.
    pub(super) failures: Vec<FailedRun>,
    /// What was measured, lot of seeds by lot.
    pub(super) lots: Lots,
}

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedRun {
    /// Its seed.
    pub seed: u64,
    /// What went wrong.
    pub what: String,
}

impl StudyRun {
    pub(super) fn new(trial: &Trial, report: &Report, measured: Measured) -> Self {
        let is_bad = match report.verdict {
            Verdict::Pass | Verdict::Vacuous | Verdict::BudgetMissed => false,
            Verdict::Inconclusive
            | Verdict::Liveness
            | Verdict::Violation
            | Verdict::NotDeterministic
            | Verdict::Panic => true,
        };
        let failed = is_bad.then(|| {
            let found = Fingerprint::of(trial.scenario(), report);
            found.first().map_or_else(|| report.verdict.name().to_owned(), ToString::to_string)
        });
        let hazards = report.judgement.hazards.iter().map(|hazard| hazard.seen).sum();
        Self { failed, verdict: report.verdict, hazards, measured }
    }
}

impl PointSum {
    pub(super) fn add_run(&mut self, seed: u64, run: &StudyRun) {
        if let Some(what) = &run.failed {
            self.failed += 1;
            self.failures.push(FailedRun { seed, what: what.clone() });
            self.keep_few();
        }
        self.hazards += u64::from(run.hazards > 0);
        self.lots[paired::lot(seed)].add(&run.measured);
    }

    /// Adds what other seeds came to.
    pub(super) fn add(&mut self, other: &Self) {
        self.failed += other.failed;
        self.hazards += other.hazards;
        self.failures.extend(other.failures.iter().cloned());
        self.keep_few();
        for (lot, other) in self.lots.iter_mut().zip(&other.lots) {
            lot.add(other);
        }
    }

    fn keep_few(&mut self) {
        self.failures.sort();
        self.failures.truncate(TOLD);
    }

    /// All of it together.
    pub(super) fn whole(&self) -> Measured {
        paired::sum(&self.lots, None)
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.lots.iter().take(LOTS).map(Measured::runs).sum()
    }

    /// The first runs that failed, by seed.
    pub fn failures(&self) -> &[FailedRun] {
        &self.failures
    }
}
