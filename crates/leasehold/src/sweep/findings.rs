//! What a sweep or a merge came to, for whoever tells it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use leasehold_campaign::{
    Agreement, Broken, Confirmation, Confirmed, Expects, FailureRecord, Finding, Fingerprint, Job, Manifest,
    Order, Reason, Results, ScenarioTally, Tally, Unmet, closer, shell_path,
};
use leasehold_check::{ClosestCall, Invariant};
use leasehold_scenario::Expect;

use crate::again::program;

/// A sweep that is over, or shards that are merged.
pub(crate) struct Findings {
    pub(crate) order: Order,
    pub(crate) tally: Tally,
    /// By scenario.
    pub(crate) unmet: Vec<Vec<Unmet>>,
    /// What is known of each failure that was looked into, in the order of positions.
    pub(crate) failures: Vec<Failure>,
    /// What turmoil says of some runs; nothing if it was not asked.
    pub(crate) confirmed: Option<Vec<Confirmed>>,
    /// Runs in which the harness itself panicked.
    pub(crate) broken: Vec<Broken>,
    /// How many runs there should be.
    pub(crate) wanted: u64,
    /// How many were run twice.
    pub(crate) audited: u64,
    pub(crate) ending: Ending,
    /// How fast it was; nothing for a merge.
    pub(crate) pace: Option<Pace>,
    /// Where it is kept.
    pub(crate) kept_in: Option<PathBuf>,
}

/// How fast it was.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// The wall time since this program was started, without that of a sweep that it goes on with.
    pub(crate) elapsed: Duration,
    pub(crate) jobs: usize,
    /// What was there before it began.
    pub(crate) earlier: Earlier,
}

/// What a sweep that is gone on with had done.
#[derive(Clone, Copy, Default)]
pub(crate) struct Earlier {
    pub(crate) runs: u64,
    /// In seconds.
    pub(crate) simulated: f64,
}

/// Why it ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything was run.
    Complete,
    /// Some shards are not there.
    Missing,
    /// As many runs failed as were asked for.
    EnoughFailures,
    /// Nothing new came any more.
    Plateau,
    /// It was interrupted.
    Interrupted,
    /// Its time was over.
    TimeOver,
    /// Results could not be written any more.
    NotWritten,
}

/// The first run that failed in one way.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) position: u64,
    pub(crate) job: Job,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) confirmation: Again,
    /// How many faults it has.
    pub(crate) before: usize,
    /// How many are left, and how many runs it took; nothing if it was not shrunk.
    pub(crate) shrunk: Option<(usize, u64)>,
    pub(crate) folder: Option<PathBuf>,
}

/// Whether it came again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    Same,
    Different,
}

impl Ending {
    /// Why a sweep ended.
    pub(crate) fn of(reason: Reason, interrupted: bool) -> Self {
        match reason {
            Reason::Complete => Self::Complete,
            Reason::EnoughFailures => Self::EnoughFailures,
            Reason::Plateau => Self::Plateau,
            Reason::Asked if interrupted => Self::Interrupted,
            Reason::Asked => Self::TimeOver,
        }
    }

    /// In words; nothing for what is complete.
    pub(crate) fn why(self) -> Option<&'static str> {
        Some(match self {
            Self::Complete => return None,
            Self::Missing => "runs are missing",
            Self::EnoughFailures => "as many runs failed as were asked for",
            Self::Plateau => "nothing new came any more",
            Self::Interrupted => "it was interrupted",
            Self::TimeOver => "its time was over",
            Self::NotWritten => "results could not be written",
        })
    }
}

impl Failure {
    /// What an investigation found.
    pub(crate) fn of(finding: &Finding) -> Self {
        let investigation = &finding.investigation;
        Self {
            position: finding.position,
            job: finding.job,
            fingerprint: investigation.fingerprint.clone(),
            confirmation: match investigation.confirmation {
                Confirmation::Same => Again::Same,
                Confirmation::Differs(_) => Again::Different,
            },
            before: investigation.trial.plan().faults.len(),
            shrunk: investigation.shrunk.as_ref().map(|s| (s.trial.plan().faults.len(), s.runs)),
            folder: None,
        }
    }

    /// Those that a results folder holds. What is known of one that cannot be read is left out, not the failure.
    pub(crate) fn stored(dir: &Path, manifest: &Manifest) -> Vec<Self> {
        let mut stored: Vec<Self> = manifest
            .failures
            .iter()
            .map(|failure| {
                let folder = Results::failure_folder(dir, &failure.id);
                let record = FailureRecord::read(&folder).ok();
                let shrunk = record.as_ref().map(|record| &record.shrunk).filter(|shrunk| shrunk.runs > 0);
                let shrunk = shrunk.map(|shrunk| (shrunk.faults.len(), shrunk.runs));
                let differs = record.as_ref().is_some_and(|record| record.second_digest.is_some());
                Self {
                    position: failure.position,
                    job: Job { scenario: failure.scenario, seed: failure.seed },
                    fingerprint: failure.fingerprint.clone(),
                    confirmation: if differs { Again::Different } else { Again::Same },
                    before: record.map_or(0, |record| record.faults.len()),
                    shrunk,
                    folder: Some(folder),
                }
            })
            .collect();
        stored.sort_by_key(|failure| failure.position);
        stored
    }
}

impl Findings {
    /// The runs of which the other engine says something else, or of which it could say nothing because it broke.
    pub(crate) fn dissents(&self) -> impl Iterator<Item = &Confirmed> {
        self.confirmed.iter().flatten().filter(|run| run.agreement.is_dissent())
    }

    /// Whether runs were to be confirmed, and none could be compared.
    pub(crate) fn confirms_nothing(&self) -> bool {
        let is_said = |run: &Confirmed| run.agreement == Agreement::Same || run.agreement.is_dissent();
        let Some(runs) = &self.confirmed else { return false };
        let is_asked = !runs.is_empty() || self.order.confirm.is_some_and(|most| most > 0);
        is_asked && !runs.iter().any(is_said)
    }

    /// The lines to paste to see a run on either engine.
    pub(crate) fn both_lines(&self, run: &Confirmed) -> [String; 2] {
        self.order.both_lines(&called(), run.scenario, run.seed)
    }

    /// Whether everything was run.
    pub(crate) fn is_complete(&self) -> bool {
        self.ending == Ending::Complete
    }

    /// What a scenario expects.
    pub(crate) fn expect(&self, scenario: usize) -> Expect {
        self.order.scenarios[scenario].expect()
    }

    /// The sum of a scenario's runs.
    pub(crate) fn of_scenario(&self, scenario: usize) -> ScenarioTally {
        self.tally.scenarios.get(scenario).cloned().unwrap_or_default()
    }

    /// By invariant: the closest call, its scenario's place and its seed; the closest of all first. Designs that are
    /// expected to break say nothing about how close one comes, unless there are no others.
    pub(crate) fn closest(&self) -> Vec<(Invariant, (ClosestCall, usize, u64))> {
        let holds =
            |place: usize| self.order.ignore_expect || self.order.scenarios[place].expects == Expects::Pass;
        let holding = self.tally.closest(holds);
        let calls = if holding.is_empty() { self.tally.closest(|_| true) } else { holding };
        let mut calls: Vec<_> = calls.into_iter().collect();
        calls.sort_by(|(_, one), (_, other)| closer(&one.0, &other.0));
        calls
    }

    /// The line to paste to see a run: the program as it was called, from the same folder.
    pub(crate) fn line(&self, job: Job) -> String {
        self.order.line_for(&called(), job.scenario, job.seed)
    }

    /// The line to paste to see a failure.
    pub(crate) fn line_of(&self, failure: &Failure) -> String {
        match &failure.folder {
            Some(folder) => {
                format!("{} replay {}", program(), shell_path(folder))
            }
            None => self.line(failure.job),
        }
    }
}

/// The program as it was called.
fn called() -> String {
    std::env::args_os()
        .next()
        .map_or_else(|| "leasehold".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The program's name, without where it lies.
pub(crate) fn program_name() -> String {
    let stem = Path::new(&called()).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| "leasehold".to_owned())
}
