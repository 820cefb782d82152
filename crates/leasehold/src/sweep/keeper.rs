//! What is kept of a sweep on disk.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use leasehold_campaign::{
    Candidate, Candidates, Confirmed, Finding, Fingerprint, Job, Kept, Known, Order, Origin, Program,
    Replace, Results, ResultsError, ResultsWriter, RunRecord, Search, Shard, StoredFailure, Sweep, Timing,
    store,
};
use leasehold_scenario::System;

use super::arguments::SweepArgs;

/// Where failures go if no folder is named: below this one, in the first `sweep-N` that is free.
const REPORTS: &str = "reports";

/// Keeps runs and failures.
pub(super) struct Keeper<'a> {
    program: &'a Program,
    kept: Place,
    /// What is to be confirmed.
    candidates: Candidates,
}

enum Place {
    /// All of it.
    Results(Box<ResultsWriter>),
    /// The failures alone; the folder is made when there is one.
    Failures { root: Option<PathBuf>, not_stored: Option<ResultsError> },
}

impl<'a> Keeper<'a> {
    /// What the command line asks for. What an earlier sweep left is handed to the one that goes on with it.
    pub(super) fn new(
        args: &SweepArgs,
        program: &'a Program,
        order: &Order,
        shard: Shard,
        sweep: &mut Sweep<'_>,
    ) -> Result<Self, ResultsError> {
        let replace = if args.force { Replace::Results } else { Replace::Never };
        let mut candidates = Candidates::new(order.confirm.unwrap_or(0));
        let kept = match (&args.out, &args.resume) {
            (_, Some(dir)) => {
                let mut known = |record: &RunRecord| candidates.ran(program, record);
                let (writer, failures) = resume(dir, order, shard, sweep, &mut known)?;
                for failure in &failures {
                    let job = Job { scenario: failure.scenario, seed: failure.seed };
                    candidates.failed(program, failure.position, job, &failure.fingerprint);
                }
                Place::Results(Box::new(writer))
            }
            (Some(dir), None) => {
                Place::Results(Box::new(ResultsWriter::create(dir, order.clone(), shard, replace)?))
            }
            (None, None) => Place::Failures { root: None, not_stored: None },
        };
        Ok(Self { program, kept, candidates })
    }

    /// Keeps a run, or says that nothing can be kept any more.
    pub(super) fn record(&mut self, record: &RunRecord) -> Result<(), ()> {
        self.candidates.ran(self.program, record);
        match &mut self.kept {
            Place::Results(writer) => {
                writer.record(record);
                writer.broken().map_or(Ok(()), |_| Err(()))
            }
            Place::Failures { .. } => Ok(()),
        }
    }

    /// Stores a failure. Says where, if that is known by now.
    pub(super) fn failure(&mut self, finding: &Finding, hurry: Hurry) -> Option<PathBuf> {
        let Finding { position, job, investigation } = finding;
        self.candidates.failed(self.program, *position, *job, &investigation.fingerprint);
        let cut_short = investigation.shrunk.as_ref().is_none_or(|shrunk| shrunk.search == Search::CutShort);
        let entry = &self.program.entries()[job.scenario];
        let options = self.program.options();
        let origin = Origin {
            path: entry.path.clone(),
            variant: options.variant,
            overlays: options.overlays.clone(),
            faults: self.program.faults(job.scenario),
            expectation: options.expectation,
            engine: self.program.engine(job.scenario),
            ignore_expect: options.expectation,
        };
        let fingerprint = &investigation.fingerprint;
        match &mut self.kept {
            // Whoever goes on with the sweep looks into it again, with more patience.
            Place::Results(_) if hurry == Hurry::Yes && cut_short => None,
            Place::Results(writer) => {
                writer.failure(*position, fingerprint, |folder| store(investigation, folder, &origin));
                None
            }
            Place::Failures { root, not_stored } => {
                let id = self.program.failure_id(job.scenario, fingerprint);
                let stored = free(root).and_then(|root| {
                    let folder = Results::failure_folder(root, &id);
                    fs_err::create_dir_all(folder.parent().expect("it is below the root"))?;
                    store(investigation, &folder, &origin)?;
                    Ok(folder)
                });
                match stored {
                    Ok(folder) => Some(folder),
                    Err(error) => {
                        let path =
                            Results::failure_folder(root.as_deref().unwrap_or(Path::new(REPORTS)), &id);
                        not_stored.get_or_insert(ResultsError::NotWritten { path, error });
                        None
                    }
                }
            }
        }
    }

    /// What is to be confirmed of all this, by now.
    pub(super) fn candidates(&mut self, systems: &[&dyn System]) -> Vec<Candidate> {
        std::mem::replace(&mut self.candidates, Candidates::new(0)).all(self.program, systems)
    }

    /// Keeps what the other engine says.
    pub(super) fn confirmed(&mut self, runs: &[Confirmed]) {
        if let Place::Results(writer) = &mut self.kept {
            writer.confirmed(runs.iter().cloned());
        }
    }

    /// Puts everything into its place.
    pub(super) fn finish(self, stopped: Option<&str>, timing: Timing) -> Finished {
        match self.kept {
            Place::Results(writer) => match writer.finish(stopped.map(str::to_owned), Some(timing)) {
                Ok(kept) => Finished::Results(Box::new(kept)),
                Err(error) => Finished::Failures(None, Some(error)),
            },
            Place::Failures { root, not_stored } => Finished::Failures(root, not_stored),
        }
    }
}

/// Whether somebody waits for the sweep to end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hurry {
    Yes,
    No,
}

/// What was kept.
pub(super) enum Finished {
    /// All of it.
    Results(Box<Kept>),
    /// The failures, if there were any, and what could not be written.
    Failures(Option<PathBuf>, Option<ResultsError>),
}

fn resume(
    dir: &Path,
    order: &Order,
    shard: Shard,
    sweep: &mut Sweep<'_>,
    known: &mut dyn FnMut(&RunRecord),
) -> Result<(ResultsWriter, Vec<StoredFailure>), ResultsError> {
    let earlier = Results::open(dir)?;
    let stored: BTreeSet<(usize, &Fingerprint)> =
        earlier.manifest().failures.iter().map(|failure| (failure.scenario, &failure.fingerprint)).collect();
    let writer = ResultsWriter::resume(dir, order.clone(), shard, &mut |record| {
        known(record);
        sweep.take_over(record, |fingerprint| {
            if stored.contains(&(record.scenario, fingerprint)) { Known::LookedInto } else { Known::Open }
        });
    })?;
    Ok((writer, earlier.manifest().failures.clone()))
}

/// The first folder `reports/sweep-N` that is free, made when it is asked for first.
fn free(root: &mut Option<PathBuf>) -> io::Result<&PathBuf> {
    if root.is_none() {
        fs_err::create_dir_all(REPORTS)?;
        let mut number = 1_u64;
        let made = loop {
            let folder = Path::new(REPORTS).join(format!("sweep-{number}"));
            match fs_err::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                made => break made.map(|()| folder)?,
            }
        };
        *root = Some(made);
    }
    Ok(root.as_ref().expect("it was made"))
}
