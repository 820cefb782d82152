//! Folds shards: many results folders into one, with the bytes that one unsharded sweep would have given.
//!
//! In whatever order, however often, and however grouped: a run is its position, and a position has one run.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::fingerprint::Fingerprint;
use crate::record::RunRecord;
use crate::results::{Kept, Order, Records, Replace, Results, ResultsError, ResultsWriter, StoredFailure};
use crate::shard::Shard;

/// How many shards are named that would hold what is missing. Chosen by us: more than anybody reads.
const MOST_NAMED: usize = 100;

/// What came of a merge.
#[derive(Debug)]
pub struct Merged {
    /// The folder.
    pub kept: Kept,
    /// What is missing in it, in words: range by range, then who was stopped and why.
    pub missing: Vec<String>,
}

/// Why folders cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// One cannot be read, or the result cannot be written.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// They are of different sweeps.
    #[error("{} and {} are of different sweeps: {}", .one.display(), .other.display(), .differences.join("; "))]
    Mixed {
        /// A folder.
        one: PathBuf,
        /// Another.
        other: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// One run has two digests.
    #[error(transparent)]
    NotDeterministic(Box<TwoDigests>),
    /// One run has one digest, and something else about it differs.
    #[error(
        "{} and {} tell different things about {scenario} under seed {seed}, though the digests are the same",
        .one.display(),
        .other.display()
    )]
    Contradiction {
        /// The path of the scenario.
        scenario: String,
        /// The seed.
        seed: u64,
        /// A folder.
        one: PathBuf,
        /// Another.
        other: PathBuf,
    },
}

/// One run with two digests.
#[derive(Debug, thiserror::Error)]
#[error(
    "not deterministic: {scenario} under seed {seed} has the digest {one_digest} in {} and {other_digest} in {}",
    .one.display(),
    .other.display()
)]
pub struct TwoDigests {
    /// The path of the scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// A folder.
    pub one: PathBuf,
    /// Another.
    pub other: PathBuf,
    /// The digest in the first.
    pub one_digest: String,
    /// The digest in the second.
    pub other_digest: String,
    /// The line that runs it again.
    pub line: String,
}

/// Merges results folders into a new one. It need not be complete: what is missing is told.
///
/// # Errors
///
/// If one is damaged, they are of different sweeps, or contradict each other: then nothing is written.
///
/// # Panics
///
/// If no folder is given.
pub fn merge(dirs: &[PathBuf], out: &Path, replace: Replace) -> Result<Merged, MergeError> {
    let inputs = dirs.iter().map(|dir| Results::open(dir)).collect::<Result<Vec<_>, _>>()?;
    let first = inputs.first().expect("there is something to merge");
    for other in &inputs[1..] {
        let differences = first.manifest().order.differences(&other.manifest().order);
        if !differences.is_empty() {
            let (one, other) = (first.dir().to_owned(), other.dir().to_owned());
            return Err(MergeError::Mixed { one, other, differences });
        }
    }
    let order = first.manifest().order.clone();
    let mut writer = ResultsWriter::create(out, order.clone(), Shard::WHOLE, replace)?;
    let mut reels: Vec<Reel<'_>> = inputs.iter().map(Reel::new).collect();
    while let Some(record) = next(&mut reels, &order)? {
        writer.record(&record);
        if writer.broken().is_some() {
            break;
        }
    }
    for (results, failure) in chosen_failures(&inputs) {
        writer.copy_failure(results, failure);
    }
    for results in &inputs {
        writer.confirmed(results.manifest().confirmed.iter().cloned());
    }
    // Half a merge is of no use: the shards are still there.
    let kept = writer.finish_whole()?;
    let missing = missing(&kept, &inputs);
    Ok(Merged { kept, missing })
}

/// The runs of one folder. Its file is open only from its first run to its last, so that many shards can be merged.
struct Reel<'r> {
    results: &'r Results,
    records: Option<Records>,
    head: Option<RunRecord>,
    /// The position of the run that comes next.
    position: Option<u64>,
}

impl<'r> Reel<'r> {
    fn new(results: &'r Results) -> Self {
        let position = results.manifest().covered.first().map(|first| first.0);
        Self { results, records: None, head: None, position }
    }

    /// The run that comes next.
    fn head(&mut self) -> Result<Option<&RunRecord>, ResultsError> {
        if self.head.is_none() && self.position.is_some() {
            self.advance()?;
        }
        Ok(self.head.as_ref())
    }

    fn advance(&mut self) -> Result<(), ResultsError> {
        let records = match self.records.take() {
            Some(records) => records,
            None => self.results.records()?,
        };
        let records = self.records.insert(records);
        self.head = records.next().transpose()?;
        self.position = self.head.as_ref().map(|record| record.position);
        if self.head.is_none() {
            self.records = None;
        }
        Ok(())
    }
}

/// The run with the lowest position, which every folder that has it tells alike.
fn next(reels: &mut [Reel<'_>], order: &Order) -> Result<Option<RunRecord>, MergeError> {
    let Some(position) = reels.iter().filter_map(|reel| reel.position).min() else { return Ok(None) };
    let mut found: Option<(RunRecord, PathBuf)> = None;
    for reel in reels.iter_mut().filter(|reel| reel.position == Some(position)) {
        let record = reel.head()?.expect("it has one at this position").clone();
        let dir = reel.results.dir();
        match &found {
            None => found = Some((record, dir.to_owned())),
            Some((known, one)) if *known != record => {
                return Err(contradiction(order, (known, one), (&record, dir)));
            }
            Some(_) => {}
        }
        reel.advance()?;
    }
    Ok(found.map(|(record, _)| record))
}

fn contradiction(
    order: &Order,
    (one, one_dir): (&RunRecord, &Path),
    (other, other_dir): (&RunRecord, &Path),
) -> MergeError {
    let scenario = order.scenarios[one.scenario].path.clone();
    let (seed, one_dir, other_dir) = (one.seed, one_dir.to_owned(), other_dir.to_owned());
    if one.digest == other.digest && one.second_digest == other.second_digest {
        return MergeError::Contradiction { scenario, seed, one: one_dir, other: other_dir };
    }
    // If only one of them ran it twice and saw the difference, the second digest is the one to show.
    let shown = |record: &RunRecord| record.digest.to_string();
    let (one_digest, mut other_digest) = (shown(one), shown(other));
    if one.digest == other.digest {
        let second = one.second_digest.or(other.second_digest);
        other_digest = second.map_or(other_digest, |digest| digest.to_string());
    }
    let line = order.line(one.scenario, seed);
    let (one, other) = (one_dir, other_dir);
    let found = TwoDigests { scenario, seed, one, other, one_digest, other_digest, line };
    MergeError::NotDeterministic(Box::new(found))
}

/// Of each failure the one with the lowest position. Of two that are of one position, and were looked into for
/// different lengths of time, any will do, as long as it is the same one in whatever order they come.
fn chosen_failures(inputs: &[Results]) -> Vec<(&Results, &StoredFailure)> {
    type Kind<'k> = (usize, &'k Fingerprint);
    type Candidate<'k> = (u64, Vec<(&'k str, &'k str)>, &'k Results, &'k StoredFailure);
    let mut chosen: BTreeMap<Kind<'_>, Candidate<'_>> = BTreeMap::new();
    for results in inputs {
        for failure in &results.manifest().failures {
            let files = results.failure_files(failure);
            let candidate = (failure.position, files, results, failure);
            match chosen.get(&(failure.scenario, &failure.fingerprint)) {
                Some(known) if (known.0, &known.1) <= (candidate.0, &candidate.1) => {}
                _ => {
                    chosen.insert((failure.scenario, &failure.fingerprint), candidate);
                }
            }
        }
    }
    chosen.into_values().map(|(_, _, results, failure)| (results, failure)).collect()
}

/// What is missing, in words.
fn missing(kept: &Kept, inputs: &[Results]) -> Vec<String> {
    let order = &kept.manifest.order;
    let mut told: Vec<String> =
        kept.manifest.missing().into_iter().map(|range| missing_range(order, &range, inputs)).collect();
    if told.is_empty() {
        return told;
    }
    for results in inputs {
        let manifest = results.manifest();
        if let Some(why) = &manifest.stopped {
            told.push(format!("{} is not complete: {why}", results.dir().display()));
        }
    }
    told
}

fn missing_range(order: &Order, range: &Range<u64>, inputs: &[Results]) -> String {
    let job = |position: u64| {
        let (scenario, seed) = order.job(position);
        format!("{} under seed {seed}", order.scenarios[scenario].path)
    };
    let what = match range.end - range.start {
        1 => job(range.start),
        n => format!("{n} runs, from {} to {}", job(range.start), job(range.end - 1)),
    };
    let shards = inputs.iter().filter_map(|results| results.manifest().shard.as_ref()?.parse::<Shard>().ok());
    let counts: std::collections::BTreeSet<u64> = shards.map(Shard::of).collect();
    let total = order.total();
    let mut named = Vec::new();
    for of in counts {
        // Only shards with runs in them: somebody's number of shards may be anything.
        let mut next = range.start;
        while next < range.end {
            let shard = Shard::holding(next, of, total);
            let slice = shard.slice(total);
            if range.start <= slice.start && slice.end <= range.end {
                if named.len() == MOST_NAMED {
                    named.push("and more".to_owned());
                    break;
                }
                named.push(shard.to_string());
            }
            next = slice.end;
        }
    }
    match named.as_slice() {
        [] => what,
        [one] => format!("{what} (shard {one})"),
        many => format!("{what} (shards {})", many.join(", ")),
    }
}

#[cfg(test)]
mod tests;
