//! What a sweep runs: scenarios and seeds, and the place of each run among all.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_core::plan::FaultKind;
use leasehold_scenario::{
    Engine, ExpectedVerdict, Faults, Scenario, ScenarioError, Source, System, Trial, Variant,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::files::all_files;
use crate::fingerprint::Fingerprint;
use crate::results::failure_id;
use crate::seeds::SeedRange;

/// How the runs of a sweep are made of its scenarios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramOptions {
    /// The seeds of each scenario that leaves something to a seed.
    pub seeds: SeedRange,
    /// The `--set` texts that are laid over each scenario.
    pub overlays: Vec<String>,
    /// Which variant of each is run.
    pub variant: Variant,
    /// Which faults the runs have.
    pub faults: Faults,
    /// What the scenarios' expectations mean.
    pub expectation: Expectation,
    /// The engine that runs the nodes; each scenario's own if nothing is said.
    pub engine: Option<Engine>,
}

/// What the expectations of scenarios mean in a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expectation {
    /// A violation that is expected is no failure.
    #[default]
    Counts,
    /// Whatever goes wrong is one.
    Ignored,
}

/// All runs of a sweep, by position: first each scenario that leaves nothing to a seed, once, in their order; then,
/// seed by seed, all others in theirs. So a sweep that is stopped early has run every scenario about as often.
#[derive(Debug)]
pub struct Program {
    entries: Vec<Entry>,
    options: ProgramOptions,
    /// The places of the scenarios that run once.
    once: Vec<usize>,
    /// The places of the scenarios that run under every seed.
    often: Vec<usize>,
    /// If only these are to run.
    chosen: Option<Vec<Job>>,
    /// Scenarios that its engine cannot run.
    left_out: Vec<LeftOut>,
}

/// A scenario that is not run, because its engine cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Where it stands.
    pub path: String,
    /// Why it is not run.
    pub why: String,
}

/// One scenario of a sweep.
#[derive(Debug)]
pub struct Entry {
    /// Where it stands, as it was found from the paths given.
    pub path: PathBuf,
    /// It.
    pub scenario: Arc<Scenario>,
    /// Names it among the others of the sweep, also in the names of files: its name, or its path where two have the
    /// same name.
    pub id: String,
    /// BLAKE3 of its text, what is laid over it, and the variant, in hexadecimal.
    pub digest: String,
}

/// One run: the place of its scenario, and its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// The place of the scenario in the sweep's list.
    pub scenario: usize,
    /// The seed; 0 for a scenario that leaves nothing to it.
    pub seed: u64,
}

/// Why there is nothing to sweep.
#[derive(Debug, Error)]
pub enum ProgramError {
    /// No file.
    #[error("no scenario: there is no *.toml file in {}", listed(paths))]
    NothingFound {
        /// Where it was looked for.
        paths: Vec<PathBuf>,
    },
    /// A folder that cannot be looked into.
    #[error("the folder {} cannot be read: {error}", folder.display())]
    UnreadableFolder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Files that are no scenarios, or wrong ones.
    #[error("{}", all_of(errors))]
    Wrong {
        /// What is wrong with each.
        errors: Vec<ScenarioError>,
    },
    /// None that the engine can run.
    #[error("none of these scenarios can be run on this engine:\n{}", all_left_out(left_out))]
    NothingFits {
        /// Why not, of each.
        left_out: Vec<LeftOut>,
    },
    /// More than can be counted.
    #[error("{scenarios} scenarios under {seeds} seeds are more runs than 64 bits count")]
    TooMany {
        /// How many scenarios.
        scenarios: usize,
        /// How many seeds.
        seeds: u64,
    },
}

impl Program {
    /// Reads scenarios: files, and folders in which all `*.toml` are scenarios. They are put in the order of their
    /// paths; one that is found twice counts once.
    ///
    /// # Errors
    ///
    /// If none is found, or one cannot be read.
    pub fn load(
        paths: &[PathBuf],
        options: ProgramOptions,
        systems: &[&dyn System],
    ) -> Result<Self, ProgramError> {
        let files = all_files(paths);
        let files = files.map_err(|(folder, error)| ProgramError::UnreadableFolder { folder, error })?;
        if files.is_empty() {
            return Err(ProgramError::NothingFound { paths: paths.to_vec() });
        }
        let (mut entries, mut errors) = (Vec::new(), Vec::new());
        for path in files {
            match Entry::load(&path, &options, systems) {
                Ok(entry) => entries.push(entry),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(ProgramError::Wrong { errors });
        }
        tell_apart(&mut entries);
        let mut left_out = Vec::new();
        let engine_of = |entry: &Entry| options.engine.unwrap_or(entry.scenario.engine);
        entries.retain(|entry| match entry.strange_to(engine_of(entry), options.seeds.start()) {
            Some(why) => {
                left_out.push(LeftOut { path: entry.path.display().to_string(), why });
                false
            }
            None => true,
        });
        if entries.is_empty() {
            return Err(ProgramError::NothingFits { left_out });
        }
        Ok(Self { left_out, ..Self::of(entries, options)? })
    }

    fn of(entries: Vec<Entry>, options: ProgramOptions) -> Result<Self, ProgramError> {
        let (once, often): (Vec<usize>, Vec<usize>) =
            (0..entries.len()).partition(|&place| entries[place].scenario.is_explicit());
        let seeds = options.seeds.count();
        let total = (often.len() as u64).checked_mul(seeds).and_then(|n| n.checked_add(once.len() as u64));
        if total.is_none() {
            return Err(ProgramError::TooMany { scenarios: entries.len(), seeds });
        }
        Ok(Self { entries, options, once, often, chosen: None, left_out: Vec::new() })
    }

    /// The same, but only with these runs, each once, in the order of scenario and seed.
    #[must_use]
    pub fn only(self, jobs: impl IntoIterator<Item = Job>) -> Self {
        let mut jobs: Vec<Job> = jobs.into_iter().collect();
        jobs.sort_unstable();
        jobs.dedup();
        Self { chosen: Some(jobs), ..self }
    }

    /// The scenarios, in the order of their paths.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The scenarios that are not run, because their engine cannot, in the order of their paths.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The engine that runs a scenario.
    pub fn engine(&self, scenario: usize) -> Engine {
        self.options.engine.unwrap_or(self.entries[scenario].scenario.engine)
    }

    /// Why an engine cannot run a scenario as it is written, in words; nothing if it can.
    pub(crate) fn strange_to(&self, engine: Engine, scenario: usize) -> Option<String> {
        self.entries[scenario].strange_to(engine, self.options.seeds.start())
    }

    /// How its runs are made.
    pub fn options(&self) -> &ProgramOptions {
        &self.options
    }

    /// How many runs there are.
    pub fn total(&self) -> u64 {
        match &self.chosen {
            Some(jobs) => jobs.len() as u64,
            None => self.once.len() as u64 + self.often.len() as u64 * self.options.seeds.count(),
        }
    }

    /// The run at a position.
    ///
    /// # Panics
    ///
    /// If there are not that many.
    pub fn job(&self, position: u64) -> Job {
        assert!(position < self.total(), "there are {} runs, so none has position {position}", self.total());
        let place = |position: u64| usize::try_from(position).expect("it is below the length of a list");
        if let Some(jobs) = &self.chosen {
            return jobs[place(position)];
        }
        let once = self.once.len() as u64;
        let Some(among) = position.checked_sub(once) else {
            return Job { scenario: self.once[place(position)], seed: 0 };
        };
        let often = self.often.len() as u64;
        let scenario = self.often[place(among % often)];
        Job { scenario, seed: self.options.seeds.start() + among / often }
    }

    /// Which faults the runs of a scenario have. One that is expected to be vacuous is run as it is written: random
    /// faults would reach something after all.
    pub fn faults(&self, scenario: usize) -> Faults {
        let scenario = &self.entries[scenario].scenario;
        let as_written = scenario.is_explicit() || scenario.expect.verdict == ExpectedVerdict::Vacuous;
        if as_written { Faults::Scripted } else { self.options.faults }
    }

    /// Makes a run.
    pub fn trial(&self, job: Job, systems: &[&dyn System]) -> Trial {
        let (engine, faults) = (self.engine(job.scenario), self.faults(job.scenario));
        Trial::meant_for(engine, &self.entries[job.scenario].scenario, job.seed, faults, systems)
    }

    /// Whether nothing may be violated in the runs of a scenario.
    pub fn must_hold(&self, scenario: usize) -> bool {
        let is_pass = self.entries[scenario].scenario.expect.verdict == ExpectedVerdict::Pass;
        is_pass || self.options.expectation == Expectation::Ignored
    }

    /// Whether faults of this kind can be in a run of any of the scenarios.
    pub fn can_have(&self, kind: FaultKind) -> bool {
        (0..self.entries.len()).any(|place| self.can_have_in(place, kind))
    }

    /// Whether faults of this kind can be in a run of a scenario.
    pub fn can_have_in(&self, place: usize, kind: FaultKind) -> bool {
        let template = &self.entries[place].scenario.template;
        template.faults.iter().any(|fault| fault.action.kind() == kind)
            || (self.faults(place) == Faults::Random && template.chaos.kinds.contains(&kind))
    }

    /// The name of the folder of a failure.
    pub fn failure_id(&self, scenario: usize, fingerprint: &Fingerprint) -> String {
        failure_id(&self.entries[scenario].id, fingerprint)
    }
}

impl Entry {
    fn load(path: &Path, options: &ProgramOptions, systems: &[&dyn System]) -> Result<Self, ScenarioError> {
        let source = Source::read(path)?;
        let digest = digest(source.text(), options);
        let source = source.with_overlays(&options.overlays).as_variant(options.variant);
        let scenario = Arc::new(Scenario::parse(source, systems)?);
        Ok(Self { path: path.to_owned(), id: scenario.name.clone(), scenario, digest })
    }

    /// Why the engine cannot run it as it is written, in words: it does not fit, or has what cannot be expressed. What a
    /// seed draws fits whatever engine it is drawn for.
    fn strange_to(&self, engine: Engine, seed: u64) -> Option<String> {
        let plan = self.scenario.plan_for(engine, seed);
        let misfits = engine.misfits(&plan).into_iter().map(|misfit| misfit.to_string());
        let strange = self.scenario.inexpressible(&plan, engine).into_iter().map(|found| found.to_string());
        let why: Vec<String> = misfits.chain(strange).collect();
        (!why.is_empty()).then(|| why.join("; "))
    }
}

fn digest(text: &str, options: &ProgramOptions) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("leasehold 2026-11-21 scenario of a sweep v1");
    let variant = match options.variant {
        Variant::AsWritten => "as written",
        Variant::Safe => "safe",
    };
    for part in [variant, text].into_iter().chain(options.overlays.iter().map(String::as_str)) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Names scenarios of the same name by their paths.
fn tell_apart(entries: &mut [Entry]) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &*entries {
        *times.entry(entry.id.clone()).or_default() += 1;
    }
    for entry in entries.iter_mut().filter(|entry| times[&entry.id] > 1) {
        let path = entry.path.with_extension("");
        let path = path.to_string_lossy();
        let parts = path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != "." && *part != "..");
        entry.id = parts.collect::<Vec<_>>().join("-");
    }
    // Paths that differ may still make the same name, as `a-b/c` and `a/b/c` do, and a path that of another scenario.
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &*entries {
        *times.entry(entry.id.clone()).or_default() += 1;
    }
    for entry in entries.iter_mut().filter(|entry| times[&entry.id] > 1) {
        let hash = blake3::hash(entry.path.to_string_lossy().as_bytes()).to_hex();
        entry.id = format!("{}-{}", entry.id, &hash[..8]);
    }
}

fn listed(paths: &[PathBuf]) -> impl fmt::Display {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

fn all_left_out(left_out: &[LeftOut]) -> impl fmt::Display {
    let told: Vec<String> = left_out.iter().map(|left| format!("  {}: {}", left.path, left.why)).collect();
    told.join("\n")
}

fn all_of(errors: &[ScenarioError]) -> impl fmt::Display {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    errors.join("\n")
}

#[cfg(test)]
mod tests;
