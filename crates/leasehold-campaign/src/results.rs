//! A results folder: what a sweep, a shard of one, or a merge of shards leaves behind.
//!
//! | file | holds |
//! |---|---|
//! | `manifest.json` | what was ordered, what is there, and the digests of the other files |
//! | `runs.csv` | a line for each run, in order of position |
//! | `summary.json` | their sum |
//! | `junit.xml` | the same for machines that show tests |
//! | `report.html` | the same for people |
//! | `histograms.hlog` | what was measured, by scenario and metric, for the tools of HdrHistogram; only if something was |
//! | `failures/ID/` | the first of each kind of failure, shrunk |
//! | `timing.json` | wall-clock figures; the only file whose bytes depend on the machine |

mod manifest;
mod order;
mod place;
mod report;
mod rows;
mod summary;
mod writer;

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

pub(crate) use manifest::FORMAT;
pub use manifest::{Manifest, StoredFailure};
pub(crate) use order::failure_id;
pub use order::{Expects, FaultSource, Order, OrderedScenario, VariantName};
pub(crate) use place::{Place, files_below};
pub(crate) use report::report;
pub use summary::MeasureSummary;
pub(crate) use summary::{histograms, summary};
pub(crate) use writer::json;
pub use writer::{Kept, ResultsWriter, Timing};

use crate::record::RunRecord;
use rows::RowReader;

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const RUNS: &str = "runs.csv";
pub(crate) const SUMMARY: &str = "summary.json";
pub(crate) const REPORT: &str = "report.html";
pub(crate) const HISTOGRAMS: &str = "histograms.hlog";
pub(crate) const JUNIT: &str = "junit.xml";
pub(crate) const TIMING: &str = "timing.json";
pub(crate) const FAILURES: &str = "failures";

/// What to do with a folder that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Leave it as it is, and refuse.
    Never,
    /// Replace it if it holds results of ours and nothing else, or is empty.
    Results,
}

/// Why results cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The folder is there, and was not to be replaced.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// The folder holds something else.
    #[error("{} is not replaced: {problem}", .dir.display())]
    NotOurs {
        /// The folder.
        dir: PathBuf,
        /// What it holds.
        problem: String,
    },
    /// No results folder.
    #[error("{} is no results folder: it has no {MANIFEST}", .0.display())]
    NoResults(PathBuf),
    /// No study folder.
    #[error("{} is no folder of a study: it has no study.json", .0.display())]
    NoStudy(PathBuf),
    /// A file is not what it was when it was written.
    #[error("{} is damaged: {problem}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A folder of another version of the format.
    #[error("{} has the results format {found}, this version of leasehold reads {FORMAT}", .path.display())]
    OtherFormat {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The results in a folder are of another order.
    #[error("{} holds the results of another sweep: {}", .dir.display(), .differences.join("; "))]
    OtherOrder {
        /// The folder.
        dir: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// Results with a gap cannot be gone on with.
    #[error("{} cannot be gone on with: runs are missing before its last", .0.display())]
    Gaps(PathBuf),
    /// A file could not be read.
    #[error("{} could not be read: {error}", .path.display())]
    NotRead {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file could not be written.
    #[error("{} could not be written: {error}", .path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl ResultsError {
    /// Whether it is about writing.
    pub fn is_about_writing(&self) -> bool {
        matches!(self, Self::NotWritten { .. })
    }

    pub(crate) fn not_read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::NotRead { path: path.to_owned(), error: reason(error) }
    }

    pub(crate) fn not_written(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::NotWritten { path: path.to_owned(), error: reason(error) }
    }

    fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.into() }
    }
}

/// An error of `fs-err` tells the path too: here it stands beside it.
fn reason(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(_) => error,
        None => {
            let source = error.get_ref().and_then(|inner| inner.source());
            match source.and_then(|source| source.downcast_ref::<io::Error>()) {
                Some(inner) => {
                    inner.raw_os_error().map_or_else(|| inner.kind().into(), io::Error::from_raw_os_error)
                }
                None => error,
            }
        }
    }
}

/// A results folder, whose files are what its manifest says.
#[derive(Clone, Debug)]
pub struct Results {
    dir: PathBuf,
    manifest: Manifest,
}

impl Results {
    /// Opens a folder, and holds each of its files against the manifest.
    ///
    /// # Errors
    ///
    /// If it is no results folder, or of another version, or a file is missing or not what it was.
    pub fn open(dir: &Path) -> Result<Self, ResultsError> {
        let manifest = read_manifest(dir)?;
        let path = dir.join(MANIFEST);
        if let Some(problem) = manifest.nonsense() {
            return Err(ResultsError::damaged(&path, problem));
        }
        for name in [RUNS, SUMMARY, JUNIT] {
            if !manifest.files.contains_key(name) {
                return Err(ResultsError::damaged(&path, format!("it does not list {name}")));
            }
        }
        for (name, expected) in &manifest.files {
            if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(ResultsError::damaged(
                    &path,
                    format!("it lists `{name}`, outside of the folder"),
                ));
            }
            let file = dir.join(name);
            if digest_of(&file)? != *expected {
                return Err(ResultsError::damaged(&file, what_happened(&file, name)));
            }
        }
        Ok(Self { dir: dir.to_owned(), manifest })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder of a failure.
    pub fn failure(&self, failure: &StoredFailure) -> PathBuf {
        Self::failure_folder(&self.dir, &failure.id)
    }

    /// Where a results folder has the folder of a failure with this id.
    pub fn failure_folder(dir: &Path, id: &str) -> PathBuf {
        dir.join(FAILURES).join(id)
    }

    /// The files of a failure, by their paths in its folder, with their digests.
    pub(crate) fn failure_files(&self, failure: &StoredFailure) -> Vec<(&str, &str)> {
        let prefix = format!("{FAILURES}/{}/", failure.id);
        let below = |(name, digest)| Some((str::strip_prefix(name, &prefix)?, digest));
        self.manifest
            .files
            .iter()
            .map(|(name, digest)| (name.as_str(), digest.as_str()))
            .filter_map(below)
            .collect()
    }

    /// Its runs, in order of position, one at a time. Each is where the manifest says.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened; then with each run, if it is none or another than the manifest says.
    pub fn records(&self) -> Result<Records, ResultsError> {
        let path = self.dir.join(RUNS);
        let file = fs_err::File::open(&path).map_err(ResultsError::not_read(&path))?;
        let rows = RowReader::new(Box::new(file) as Box<dyn Read + Send>, &self.manifest.order.paths());
        let positions: Vec<_> = self.manifest.ranges().collect();
        let positions = positions.into_iter().flatten();
        Ok(Records { path, rows, order: self.manifest.order.clone(), positions: Box::new(positions) })
    }
}

/// The runs of a results folder.
pub struct Records {
    path: PathBuf,
    rows: RowReader<Box<dyn Read + Send>>,
    order: Order,
    positions: Box<dyn Iterator<Item = u64> + Send>,
}

impl Iterator for Records {
    type Item = Result<RunRecord, ResultsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let damaged = |problem: String| Some(Err(ResultsError::damaged(&self.path, problem)));
        match (self.positions.next(), self.rows.next()) {
            (None, None) => None,
            (_, Some(Err(error))) => damaged(error.to_string()),
            (Some(position), None) => damaged(format!("the run at position {position} is missing")),
            (None, Some(Ok(record))) => damaged(format!("it goes on with position {}", record.position)),
            (Some(position), Some(Ok(record))) => {
                let expected = self.order.job(position);
                if (record.position, (record.scenario, record.seed)) == (position, expected) {
                    Some(Ok(record))
                } else {
                    let found = format!("position {} under seed {}", record.position, record.seed);
                    damaged(format!("expected position {position} under seed {}, found {found}", expected.1))
                }
            }
        }
    }
}

/// Reads the manifest alone. The version is looked at before anything else.
pub(crate) fn read_manifest(dir: &Path) -> Result<Manifest, ResultsError> {
    let path = dir.join(MANIFEST);
    let text = match fs_err::read_to_string(&path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(match dir.try_exists() {
                Ok(true) => ResultsError::NoResults(dir.to_owned()),
                _ => ResultsError::NotRead { path: dir.to_owned(), error: reason(error) },
            });
        }
        text => text.map_err(ResultsError::not_read(&path))?,
    };
    let value: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| ResultsError::damaged(&path, format!("this is not JSON: {error}")))?;
    if value.get("what").and_then(serde_json::Value::as_str) != Some(manifest::WHAT) {
        return Err(ResultsError::damaged(
            &path,
            format!("it does not say \"what\": \"{}\"", manifest::WHAT),
        ));
    }
    match value.get("format") {
        Some(found) if *found == FORMAT => {}
        found => {
            let found = found.map_or_else(|| "of no number".to_owned(), ToString::to_string);
            return Err(ResultsError::OtherFormat { path, found });
        }
    }
    serde_json::from_value(value).map_err(|error| ResultsError::damaged(&path, error.to_string()))
}

/// The BLAKE3 of a file, in hexadecimal.
pub(crate) fn digest_of(path: &Path) -> Result<String, ResultsError> {
    let mut file = fs_err::File::open(path).map_err(ResultsError::not_read(path))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(ResultsError::not_read(path))? {
            0 => return Ok(hasher.finalize().to_hex().to_string()),
            n => hasher.update(&buffer[..n]),
        };
    }
}

/// Why a file's digest may have changed.
fn what_happened(path: &Path, name: &str) -> String {
    let last = fs_err::read(path).ok().and_then(|bytes| bytes.last().copied());
    match last {
        Some(b'\n') => "it is not what was written: its digest differs".to_owned(),
        _ if name == RUNS => "it is cut off in the middle of a line".to_owned(),
        _ => "it is not what was written: its digest differs, and it does not end with a line".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod tests;
