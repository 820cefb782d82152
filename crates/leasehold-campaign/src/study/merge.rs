//! Folds shards of a study: many folders into one, with the bytes that one unsharded study would have given.

use std::ops::Range;
use std::path::{Path, PathBuf};

use leasehold_report::study::StudySummary;

use super::folder::{KeptStudy, RunRows, StudyFolder, StudyResults};
use super::sums::PointSum;
use super::{Study, StudyWhat};
use crate::results::{Replace, ResultsError};
use crate::shard::Shard;

/// What came of a merge.
#[derive(Debug)]
pub struct MergedStudy {
    /// The folder.
    pub kept: KeptStudy,
    /// What is missing in it, in words: range by range, then who was stopped and why.
    pub missing: Vec<String>,
    /// The sums of the points.
    pub sums: Vec<PointSum>,
}

/// Why folders cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum StudyMergeError {
    /// One cannot be read, or the result cannot be written.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// They are of different studies.
    #[error("{} and {} are of different studies: {}", .one.display(), .other.display(), .differences.join("; "))]
    Mixed {
        /// A folder.
        one: PathBuf,
        /// Another.
        other: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// The study has changed since.
    #[error("{} is not what is in {} any more: {}", .path.display(), .dir.display(), .differences.join("; "))]
    Changed {
        /// The study's file.
        path: PathBuf,
        /// A folder.
        dir: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// Two hold some seeds both, and each others that the other does not: sums cannot be taken apart.
    #[error("{} and {} both hold seed {seed}, and each holds seeds that the other does not", .one.display(), .other.display())]
    Overlap {
        /// A folder.
        one: PathBuf,
        /// Another.
        other: PathBuf,
        /// A seed that both hold.
        seed: u64,
    },
    /// Two hold the same seeds, and tell different things of them.
    #[error("not deterministic: {} and {} hold the same seeds, and point {point} comes to different sums", .one.display(), .other.display())]
    Contradiction {
        /// A folder.
        one: PathBuf,
        /// Another.
        other: PathBuf,
        /// The first point in which they differ.
        point: usize,
    },
}

/// Merges folders of this study into a new one. It need not be complete: what is missing is told.
///
/// # Errors
///
/// If one is damaged, they are of different studies, or contradict each other: then nothing is written.
///
/// # Panics
///
/// If no folder is given.
pub fn merge_studies(
    inputs: &[StudyResults],
    study: &Study,
    out: &Path,
    replace: Replace,
    baseline: Option<&StudySummary>,
) -> Result<MergedStudy, StudyMergeError> {
    let first = inputs.first().expect("there is something to merge");
    let what = first.manifest().order.clone();
    for other in &inputs[1..] {
        let differences = what.differences(&other.manifest().order);
        if !differences.is_empty() {
            let (one, other) = (first.dir().to_owned(), other.dir().to_owned());
            return Err(StudyMergeError::Mixed { one, other, differences });
        }
    }
    let now = StudyWhat::of(study, &what.program, what.runs);
    let differences = what.differences(&now);
    if !differences.is_empty() {
        let (path, dir) = (study.path().to_owned(), first.dir().to_owned());
        return Err(StudyMergeError::Changed { path, dir, differences });
    }
    let used = used(inputs)?;
    let mut sums = vec![PointSum::default(); study.points().len()];
    for results in &used {
        for (sum, other) in sums.iter_mut().zip(results.sums()?) {
            sum.add(&other);
        }
    }
    let rows = if what.runs { RunRows::Kept } else { RunRows::None };
    let mut folder = StudyFolder::create(out, study, Shard::WHOLE, rows, &what.program, replace)?;
    let mut ranges: Vec<(Range<u64>, &StudyResults)> =
        used.iter().flat_map(|results| results.manifest().ranges().map(|range| (range, *results))).collect();
    ranges.sort_by_key(|(range, _)| range.start);
    for (range, results) in &ranges {
        folder.copy_rows(results, range)?;
    }
    let ranges: Vec<Range<u64>> = ranges.into_iter().map(|(range, _)| range).collect();
    folder.covers(&ranges);
    let kept = folder.finish(study, &sums, baseline, None)?;
    let missing = missing(&kept, inputs);
    Ok(MergedStudy { kept, missing, sums })
}

/// The folders that count: one whose seeds another has too adds nothing.
fn used(inputs: &[StudyResults]) -> Result<Vec<&StudyResults>, StudyMergeError> {
    let ranges = |results: &StudyResults| results.manifest().ranges().collect::<Vec<_>>();
    let size =
        |results: &StudyResults| ranges(results).iter().map(|range| range.end - range.start).sum::<u64>();
    let mut ordered: Vec<&StudyResults> = inputs.iter().collect();
    ordered.sort_by(|one, other| size(other).cmp(&size(one)).then_with(|| one.dir().cmp(other.dir())));
    let mut used: Vec<&StudyResults> = Vec::new();
    for results in ordered {
        let own = ranges(results);
        let mut is_new = true;
        for known in &used {
            let theirs = ranges(known);
            let Some(seed) = common(&own, &theirs) else { continue };
            let (one, other) = (known.dir().to_owned(), results.dir().to_owned());
            if own == theirs {
                let differs =
                    known.sums()?.iter().zip(&results.sums()?).position(|(one, other)| one != other);
                if let Some(point) = differs {
                    return Err(StudyMergeError::Contradiction { one, other, point });
                }
            } else if !own
                .iter()
                .all(|range| theirs.iter().any(|by| by.start <= range.start && range.end <= by.end))
            {
                return Err(StudyMergeError::Overlap { one, other, seed });
            }
            is_new = false;
        }
        if is_new {
            used.push(results);
        }
    }
    Ok(used)
}

/// A seed that both have.
fn common(one: &[Range<u64>], other: &[Range<u64>]) -> Option<u64> {
    let both = one
        .iter()
        .flat_map(|one| other.iter().map(move |other| one.start.max(other.start)..one.end.min(other.end)));
    both.filter(|range| !range.is_empty()).map(|range| range.start).min()
}

/// What is missing, in words.
fn missing(kept: &KeptStudy, inputs: &[StudyResults]) -> Vec<String> {
    let mut told: Vec<String> = kept
        .manifest
        .missing()
        .iter()
        .map(|range| match range.end - range.start {
            1 => format!("seed {}", range.start),
            _ => format!("the seeds {}..{}", range.start, range.end),
        })
        .collect();
    if told.is_empty() {
        return told;
    }
    for results in inputs {
        if let Some(why) = &results.manifest().stopped {
            told.push(format!("{} is not complete: {why}", results.dir().display()));
        }
    }
    told
}
