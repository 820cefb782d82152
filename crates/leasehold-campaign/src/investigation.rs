//! What is done about a failure: it is run again, and shrunk.

use std::ops::ControlFlow;

use leasehold_scenario::{Digest, Engine, Report, System, Trial};
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::shrink::{Failure, Progress, most_runs, shrink};

/// A failure, looked into.
#[derive(Clone, Debug)]
pub struct Investigation {
    /// What went wrong.
    pub fingerprint: Fingerprint,
    /// The run that failed.
    pub trial: Trial,
    /// What it came to.
    pub report: Report,
    /// Whether it fails again.
    pub confirmation: Confirmation,
    /// A smaller run that fails in the same way.
    pub shrunk: Option<Shrunk>,
}

/// What a second run of the same plan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The same digest.
    Same,
    /// Another: the run is not deterministic, and nothing can be said about it.
    Differs(Digest),
}

/// The smallest run with the same fingerprint that was found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The run.
    pub trial: Trial,
    /// What it came to.
    pub report: Report,
    /// How many runs it took to find it.
    pub runs: u64,
    /// Whether nothing single can be taken away any more, or the search was ended before that was known.
    pub search: Search,
}

/// How a search for a smaller run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// No single step makes it smaller.
    Exhausted,
    /// It had its share of runs, or was told to stop.
    CutShort,
}

impl Investigation {
    /// Runs a failed trial again, and if it fails in the same way makes it smaller, in at most
    /// [`most_runs`] runs.
    /// `stop` is asked between runs.
    pub fn new(
        trial: Trial,
        report: Report,
        fingerprint: Fingerprint,
        engine: Engine,
        systems: &[&dyn System],
        stop: &dyn Fn() -> bool,
    ) -> Self {
        let again = trial.run(engine, &mut ()).digest;
        let mut investigation =
            Self { fingerprint, trial, report, confirmation: Confirmation::Same, shrunk: None };
        if again != investigation.report.digest {
            investigation.confirmation = Confirmation::Differs(again);
            return investigation;
        }
        let failure = Failure {
            trial: &investigation.trial,
            report: &investigation.report,
            fingerprint: &investigation.fingerprint,
            drawn: &[],
        };
        let mut watch = |_: Progress| if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        investigation.shrunk = Some(shrink(failure, engine, systems, most_runs(engine), &mut watch));
        investigation
    }
}
