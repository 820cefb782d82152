//! Studies: what each choice of some parameters comes to.
//!
//! A study file is read by `leasehold-scenario`. Here it becomes points, each a scenario of its own; all of them are run under
//! the same seeds, so that chance is the same for all: what a seed does to messages, clocks and faults it does to each
//! point. What they come to is a [`StudySummary`](leasehold_report::study::StudySummary), and a folder.

mod advice;
mod each;
mod folder;
mod front;
mod grid;
mod hypercube;
mod manifest;
mod merge;
mod paired;
mod running;
mod sheet;
mod summary;
mod sums;
mod wording;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_check::Metric;
use leasehold_plan::Setting;
use leasehold_report::study::Trait;
use leasehold_scenario::{Faults, Goal, Scenario, ScenarioError, StudyFile, System};

use crate::failure::{shell_path, shell_word};
use crate::seeds::SeedRange;

pub use folder::{KeptStudy, RunRows, StudyFolder, StudyResults, is_study};
pub use manifest::{StudyManifest, StudyWhat};
pub use merge::{MergedStudy, StudyMergeError, merge_studies};
pub use running::{StudyEnd, StudyOrder, StudyOverseer, run_study};
pub use sums::{FailedRun, PointSum, StudyRun};
pub use wording::number;

/// A study that can be run.
#[derive(Debug)]
pub struct Study {
    file: StudyFile,
    path: PathBuf,
    points: Vec<Point>,
    default_point: Option<usize>,
    dropped: u64,
    refused: u64,
    base: Arc<Scenario>,
    seeds: SeedRange,
    overlays: Vec<String>,
    digest: String,
}

/// One choice of all parameters.
#[derive(Debug)]
pub struct Point {
    /// The values, one for each of the study's parameters.
    pub values: Vec<String>,
    /// What is laid over the scenario.
    pub settings: Vec<Setting>,
    /// The scenario with that.
    pub scenario: Arc<Scenario>,
}

/// How many points a study may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As many as one waits for.
    Usual,
    /// As many as there are.
    Forced,
}

/// Why a study cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// Its file is wrong, or the scenario's.
    #[error(transparent)]
    File(#[from] ScenarioError),
    /// The reader of scenarios refuses points.
    #[error("{}", .error)]
    Point {
        /// The first of them: `ttl = 5s, renew = 6s`.
        point: String,
        /// How many there are.
        refused: u64,
        /// What it says of the first.
        error: Box<ScenarioError>,
    },
    /// The command line lays over all points what a parameter sets.
    #[error("--set {overlay}: the parameter `{parameter}` of the study sets {key}")]
    SetByParameter {
        /// What is laid over.
        overlay: String,
        /// The parameter.
        parameter: String,
        /// What it sets.
        key: String,
    },
    /// More points than one waits for.
    #[error("the study has {points} points, and {} are the most", grid::MOST_POINTS)]
    TooMany {
        /// So many.
        points: u64,
    },
}

impl Study {
    /// Reads a study and the scenario of each of its points. `seeds` are those of the file unless they are given; `overlays` are
    /// `key.path=value` texts that are laid over the scenario for all points, after what the study says for all.
    ///
    /// # Errors
    ///
    /// If something about it is wrong, or it has too many points.
    pub fn load(
        path: &Path,
        seeds: Option<SeedRange>,
        overlays: &[String],
        size: Size,
        systems: &[&dyn System],
    ) -> Result<Self, StudyError> {
        let file = StudyFile::load(path)?;
        let grid = grid::points(&file, overlays, size, systems)?;
        let (start, end) = file.seeds;
        let seeds =
            seeds.unwrap_or_else(|| SeedRange::new(start, end).expect("the reader wants one at least"));
        let mut study = Self {
            path: path.to_owned(),
            points: grid.points,
            default_point: grid.default_point,
            dropped: grid.dropped,
            refused: grid.refused,
            base: grid.base,
            seeds,
            overlays: overlays.to_vec(),
            digest: String::new(),
            file,
        };
        study.digest = study.digest_of();
        Ok(study)
    }

    /// Its file, as it was read.
    pub fn file(&self) -> &StudyFile {
        &self.file
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its points. That of the scenario's own values, if no other is the same, is the last.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The number of the point that has the scenario's own values.
    pub fn default_point(&self) -> Option<usize> {
        self.default_point
    }

    /// How many points constraints dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many points the scenario's reader refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The scenario with its own values.
    pub fn base(&self) -> &Arc<Scenario> {
        &self.base
    }

    /// What the command line lays over the scenario for all points, as it was given.
    pub fn overlays(&self) -> &[String] {
        &self.overlays
    }

    /// The seeds of each point.
    pub fn seeds(&self) -> SeedRange {
        self.seeds
    }

    /// Which faults the runs have.
    pub fn faults(&self) -> Faults {
        self.file.faults
    }

    /// What is measured.
    pub fn metrics(&self) -> &[Metric] {
        &self.file.metrics
    }

    /// What is asked of a point.
    pub fn objectives(&self) -> &[Goal] {
        &self.file.objectives
    }

    /// What is traded, the one against the other.
    pub fn trade(&self) -> Vec<Trait> {
        self.file.trade.iter().map(|&(metric, statistic)| Trait { metric, statistic }).collect()
    }

    /// The line that makes the study again. `program` is what the program is called.
    pub fn line(&self, program: &str) -> String {
        let seeds = self.seeds;
        let mut line = format!("{} tune {} --seeds {seeds}", shell_word(program), shell_path(&self.path));
        for overlay in &self.overlays {
            line.push_str(&format!(" --set {}", shell_word(overlay)));
        }
        line
    }

    /// The line that runs one seed of one point again.
    pub fn run_line(&self, program: &str, point: usize, seed: u64) -> String {
        let scenario = shell_path(&self.file.scenario);
        let mut line = format!("{} run {scenario} --seed {seed}", shell_word(program));
        if self.faults() == Faults::Random {
            line.push_str(" --chaos");
        }
        for Setting { key, value } in &self.points[point].settings {
            let value = value.as_ref().expect("a study leaves no key out");
            line.push_str(&format!(" --set {}", shell_word(&format!("{key}={value}"))));
        }
        line
    }

    /// What its runs follow from: the text of the study, that of each point's scenario, and what is laid over it.
    fn digest_of(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("leasehold 2026-11-22 study v1");
        let mut update = |part: &str| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        };
        update(self.file.source().text());
        update(self.base.text());
        for point in &self.points {
            for Setting { key, value } in &point.settings {
                update(key);
                update(value.as_deref().unwrap_or_default());
            }
            update("");
        }
        hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests;
