//! A study folder: what a study, a shard of one, or a merge of shards leaves behind.
//!
//! | file | holds |
//! |---|---|
//! | `study.json` | what was ordered, what is there, and the digests of the other files |
//! | `points.csv` | a line for each point: values, runs, each number with its interval |
//! | `runs.csv` | a line for each run, if that was asked for |
//! | `failures.csv` | the first runs of each point that failed, with the lines that show them again |
//! | `histograms/` | for each point and metric the values, as `.hdr` (V2) and `.hgrm` |
//! | `sums.jsonl` | a line for each point: the exact sums, for merging and for going on |
//! | `summary.json` | all numbers, for programs |
//! | `report.html`, `report.md` | the same for people |

use std::collections::BTreeSet;
use std::io::{BufReader, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use leasehold_report::page::{study_html, study_md};
use leasehold_report::scale;
use leasehold_report::study::StudySummary;

use super::manifest::{FORMAT, WHAT};
use super::summary::summary;
use super::sums::{PointSum, StudyRun};
use super::{Study, StudyManifest, StudyWhat, sheet};
use crate::results::{Place, Replace, ResultsError, digest_of, files_below, json};
use crate::shard::Shard;

const MANIFEST: &str = "study.json";
const POINTS: &str = "points.csv";
const RUNS: &str = "runs.csv";
const FAILURES: &str = "failures.csv";
const HISTOGRAMS: &str = "histograms";
const SUMS: &str = "sums.jsonl";
const SUMMARY: &str = "summary.json";
const HTML: &str = "report.html";
const MARKDOWN: &str = "report.md";

/// Whether each run has a line in `runs.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunRows {
    /// It has.
    Kept,
    /// There is no such file.
    None,
}

/// A study folder in the making. It stands beside its place under another name until it is [finished](Self::finish); given up
/// before, it is removed.
pub struct StudyFolder {
    place: Place,
    manifest: StudyManifest,
    rows: Option<BufWriter<fs_err::File>>,
    covered: Vec<Range<u64>>,
    /// The first thing that could not be written.
    broken: Option<ResultsError>,
}

/// What was kept.
#[derive(Debug)]
pub struct KeptStudy {
    /// Where: beside its place, if it could not be put there.
    pub dir: PathBuf,
    /// What.
    pub manifest: StudyManifest,
    /// The numbers.
    pub summary: StudySummary,
    /// Why it is not in its place, if that is so.
    pub broken: Option<ResultsError>,
}

/// A study folder, opened and found to be whole.
#[derive(Debug)]
pub struct StudyResults {
    dir: PathBuf,
    manifest: StudyManifest,
}

impl StudyFolder {
    /// Begins a folder that holds nothing yet.
    ///
    /// # Errors
    ///
    /// If it is there already and not to be replaced, or holds something else, or nothing can be written beside it.
    pub fn create(
        dir: &Path,
        study: &Study,
        shard: Shard,
        rows: RunRows,
        program: &str,
        replace: Replace,
    ) -> Result<Self, ResultsError> {
        let place = Place::new(dir, replace, why_no_study)?;
        let what = StudyWhat::of(study, program, rows == RunRows::Kept);
        let manifest = StudyManifest::new(what, shard);
        let rows = match rows {
            RunRows::None => None,
            RunRows::Kept => {
                let path = place.path().join(RUNS);
                let file = fs_err::File::create(&path).map_err(ResultsError::not_written(&path))?;
                let mut rows = BufWriter::new(file);
                let head = sheet::run_columns(study).map_err(ResultsError::not_written(&path))?;
                rows.write_all(head.as_bytes()).map_err(ResultsError::not_written(&path))?;
                Some(rows)
            }
        };
        Ok(Self { place, manifest, rows, covered: Vec::new(), broken: None })
    }

    /// Goes on with a folder that is not complete: what is there is taken over, and the result replaces it. The second part
    /// are the sums of what is there.
    ///
    /// # Errors
    ///
    /// If the folder is damaged, of another study or shard, or has gaps.
    pub fn resume(
        dir: &Path,
        study: &Study,
        shard: Shard,
        rows: RunRows,
        program: &str,
    ) -> Result<(Self, Vec<PointSum>), ResultsError> {
        let earlier = StudyResults::open(dir)?;
        let found = earlier.manifest();
        let what = StudyWhat::of(study, program, rows == RunRows::Kept);
        let mut differences = what.differences(&found.order);
        let manifest = StudyManifest::new(what, shard);
        if manifest.slice != found.slice {
            let slice = |manifest: &StudyManifest| manifest.shard.clone().unwrap_or_else(|| "1/1".to_owned());
            differences.push(format!("--shard: {} and {}", slice(&manifest), slice(found)));
        }
        if !differences.is_empty() {
            return Err(ResultsError::OtherOrder { dir: dir.to_owned(), differences });
        }
        if found.covered.len() > 1 || found.covered.first().is_some_and(|first| first.0 != found.slice.0) {
            return Err(ResultsError::Gaps(dir.to_owned()));
        }
        let mut folder = Self::create(dir, study, shard, rows, program, Replace::Results)?;
        let sums = earlier.sums()?;
        for range in found.ranges() {
            folder.copy_rows(&earlier, &range)?;
            folder.covered.push(range);
        }
        Ok((folder, sums))
    }

    /// The seeds of its slice behind those that are there.
    pub fn rest(&self) -> Range<u64> {
        let next = self.covered.last().map_or(self.manifest.slice.0, |last| last.end);
        next..self.manifest.slice.1
    }

    /// Adds a seed: all its points.
    pub fn seed(&mut self, study: &Study, seed: u64, runs: &[StudyRun]) {
        match self.covered.last_mut() {
            Some(last) if last.end == seed => last.end += 1,
            _ => self.covered.push(seed..seed + 1),
        }
        let Some(rows) = &mut self.rows else { return };
        let written = sheet::runs(study, seed, runs).and_then(|lines| rows.write_all(lines.as_bytes()));
        if let (Err(error), None) = (written, &self.broken) {
            self.broken = Some(ResultsError::not_written(&self.place.target().join(RUNS))(error));
        }
    }

    /// What could not be written, if something could not: there is no point in going on.
    pub fn broken(&self) -> Option<&ResultsError> {
        self.broken.as_ref()
    }

    /// Takes over the lines of runs that another folder has for these seeds.
    pub(super) fn copy_rows(&mut self, from: &StudyResults, seeds: &Range<u64>) -> Result<(), ResultsError> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let path = from.dir.join(RUNS);
        let target = self.place.target().join(RUNS);
        let file = fs_err::File::open(&path).map_err(ResultsError::not_read(&path))?;
        // A line at a time: there are as many as there were runs.
        let mut reader = csv::ReaderBuilder::new().from_reader(BufReader::new(file));
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(rows);
        let damaged = |error: String| ResultsError::Damaged { path: path.clone(), problem: error };
        let mut line = csv::ByteRecord::new();
        while reader.read_byte_record(&mut line).map_err(|error| damaged(error.to_string()))? {
            let seed = line.get(0).and_then(|seed| std::str::from_utf8(seed).ok()?.parse::<u64>().ok());
            let seed = seed.ok_or_else(|| damaged("a line begins with no seed".to_owned()))?;
            if seeds.contains(&seed) {
                let written = writer.write_byte_record(&line).map_err(std::io::Error::from);
                written.map_err(ResultsError::not_written(&target))?;
            }
        }
        writer.flush().map_err(ResultsError::not_written(&target))
    }

    pub(super) fn covers(&mut self, ranges: &[Range<u64>]) {
        self.covered = ranges.to_vec();
    }

    /// Writes what the sums come to, and puts the folder into its place. `stopped` says why it is not complete, if that is so.
    ///
    /// # Errors
    ///
    /// If it cannot be written. Then nothing is left behind.
    pub fn finish(
        mut self,
        study: &Study,
        sums: &[PointSum],
        baseline: Option<&StudySummary>,
        stopped: Option<String>,
    ) -> Result<KeptStudy, ResultsError> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        if let Some(rows) = self.rows.take() {
            let flushed = rows.into_inner().map_err(std::io::IntoInnerError::into_error);
            flushed.map_err(ResultsError::not_written(&self.place.target().join(RUNS)))?;
        }
        self.manifest.covers(&self.covered);
        self.manifest.stopped = stopped.filter(|_| !self.manifest.complete);
        let program = self.manifest.order.program.clone();
        let summary = summary(study, sums, self.manifest.seeds(), &program);
        let not_written = |name: &str| {
            let path = self.place.target().join(name);
            move |error| ResultsError::not_written(&path)(error)
        };
        self.write(POINTS, sheet::points(&summary).map_err(not_written(POINTS))?.as_bytes())?;
        if let Some(failures) = sheet::failures(study, sums, &program).map_err(not_written(FAILURES))? {
            self.write(FAILURES, failures.as_bytes())?;
        }
        self.write_histograms(study, sums)?;
        self.write(SUMS, lines_of(sums).as_bytes())?;
        self.write(SUMMARY, json(&summary).as_bytes())?;
        self.write(HTML, study_html(&summary, baseline).as_bytes())?;
        self.write(MARKDOWN, study_md(&summary, baseline).as_bytes())?;
        let mut names = Vec::new();
        let root = self.place.path();
        files_below(root, Path::new(""), &mut names).map_err(ResultsError::not_read(root))?;
        for name in names {
            let digest = digest_of(&root.join(&name))?;
            self.manifest.files.insert(name, digest);
        }
        self.write(MANIFEST, json(&self.manifest).as_bytes())?;
        let Self { place, manifest, .. } = self;
        let (dir, settled) = place.settle();
        Ok(KeptStudy { dir, manifest, summary, broken: settled.err() })
    }

    fn write_histograms(&self, study: &Study, sums: &[PointSum]) -> Result<(), ResultsError> {
        let folder = self.place.path().join(HISTOGRAMS);
        let digits = sums.len().saturating_sub(1).to_string().len();
        for (number, sum) in sums.iter().enumerate() {
            let measured = sum.whole();
            for &metric in study.metrics() {
                let Some(histogram) = measured.histogram(metric) else { continue };
                fs_err::create_dir_all(&folder).map_err(ResultsError::not_written(&folder))?;
                let name = format!("{HISTOGRAMS}/point-{number:0digits$}-{}", metric.name());
                self.write(&format!("{name}.hdr"), &histogram.v2())?;
                self.write(&format!("{name}.hgrm"), histogram.hgrm(scale(metric)).as_bytes())?;
            }
        }
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ResultsError> {
        let path = self.place.path().join(name);
        // The path that people know is that of the place.
        fs_err::write(&path, bytes).map_err(ResultsError::not_written(&self.place.target().join(name)))
    }
}

/// The sums, a line for each point.
fn lines_of(sums: &[PointSum]) -> String {
    let line =
        |sum: &PointSum| serde_json::to_string(sum).expect("numbers and texts can be written as JSON") + "\n";
    sums.iter().map(line).collect()
}

impl StudyResults {
    /// Opens a study folder. All of its files must be what they were when they were written.
    ///
    /// # Errors
    ///
    /// If it is none, or is damaged.
    pub fn open(dir: &Path) -> Result<Self, ResultsError> {
        let manifest = read_manifest(dir)?;
        for (name, digest) in &manifest.files {
            let path = dir.join(name);
            if digest_of(&path)? != *digest {
                return Err(ResultsError::Damaged {
                    path,
                    problem: "it was changed since it was written".to_owned(),
                });
            }
        }
        Ok(Self { dir: dir.to_owned(), manifest })
    }

    /// Where it stands.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it holds.
    pub fn manifest(&self) -> &StudyManifest {
        &self.manifest
    }

    /// The numbers.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub fn summary(&self) -> Result<StudySummary, ResultsError> {
        let path = self.dir.join(SUMMARY);
        let text = fs_err::read_to_string(&path).map_err(ResultsError::not_read(&path))?;
        let damaged = |error: serde_json::Error| ResultsError::Damaged { path, problem: error.to_string() };
        serde_json::from_str(&text).map_err(damaged)
    }

    /// The sums, point by point.
    ///
    /// # Errors
    ///
    /// If they cannot be read, or are not those of all points.
    pub fn sums(&self) -> Result<Vec<PointSum>, ResultsError> {
        let path = self.dir.join(SUMS);
        let text = fs_err::read_to_string(&path).map_err(ResultsError::not_read(&path))?;
        let damaged = |problem: String| ResultsError::Damaged { path: path.clone(), problem };
        let sums: Result<Vec<PointSum>, _> = text.lines().map(serde_json::from_str).collect();
        let sums = sums.map_err(|error| damaged(error.to_string()))?;
        let points = self.manifest.order.points;
        match sums.len() as u64 == points {
            true => Ok(sums),
            false => {
                Err(damaged(format!("it has the sums of {} points, and the study has {points}", sums.len())))
            }
        }
    }
}

/// Whether a folder says that it is a study's.
pub fn is_study(dir: &Path) -> bool {
    dir.join(MANIFEST).is_file()
}

fn read_manifest(dir: &Path) -> Result<StudyManifest, ResultsError> {
    let path = dir.join(MANIFEST);
    let text = match fs_err::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(ResultsError::NoStudy(dir.to_owned()));
        }
        Err(error) => return Err(ResultsError::not_read(&path)(error)),
    };
    let damaged = |problem: String| ResultsError::Damaged { path: path.clone(), problem };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    if value["what"] != WHAT {
        return Err(ResultsError::NoStudy(dir.to_owned()));
    }
    if value["format"] != FORMAT {
        return Err(ResultsError::OtherFormat { path, found: value["format"].to_string() });
    }
    serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
}

/// Why a folder with these files is not one of these; see [`Place`].
fn why_no_study(dir: &Path, there: &[String]) -> Result<(), String> {
    let manifest = match read_manifest(dir) {
        Ok(manifest) => manifest,
        Err(ResultsError::NoStudy(_)) => return Err(format!("it holds files, and no {MANIFEST} of a study")),
        Err(error) => return Err(error.to_string()),
    };
    let listed: BTreeSet<&str> = manifest.files.keys().map(String::as_str).chain([MANIFEST]).collect();
    match there.iter().find(|name| !listed.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(format!("`{name}` in it is none of the study's")),
    }
}
