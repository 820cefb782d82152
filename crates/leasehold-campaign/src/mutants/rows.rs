//! The rows: scenarios that show a known bug, each with its safe twin.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_scenario::{
    Bug, BugId, Engine, Fate, Replaced, Scenario, ScenarioError, Source, System, Variant,
};
use thiserror::Error;

use crate::files::all_files;

/// What is laid over a scenario so that nothing but chance is left: its own faults are out, random ones are drawn.
pub(crate) const BY_CHANCE: &str = "chaos.script=\"left-out\"";

/// What that replaces.
const SCRIPT: &str = "chaos.script";

/// A known bug with the scenario that shows it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where the scenario stands.
    pub path: PathBuf,
    /// The bug.
    pub bug: Bug,
    /// In what the safe twin's design differs; nothing of a control that has none.
    pub replaced: Vec<Replaced>,
    /// The unsafe design as chance is to break it.
    pub by_chance: Arc<Scenario>,
    /// Its safe twin under the same; nothing of a control that has none.
    pub safe: Option<Arc<Scenario>>,
    /// Both as they are written, of one that only its own schedule breaks.
    pub as_written: Option<(Arc<Scenario>, Arc<Scenario>)>,
}

/// Which rows.
#[derive(Clone, Debug)]
pub struct RowsOrder<'a> {
    /// Files, and folders in which `*.toml` are scenarios.
    pub paths: &'a [PathBuf],
    /// Only these; all if there are none.
    pub ids: &'a [BugId],
    /// Which have to be there.
    pub completeness: Completeness,
}

/// Which rows have to be there. One that is asked for by its id always has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Every known bug.
    Every,
    /// Any.
    AsFound,
}

/// Known bugs without a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub Vec<BugId>);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "{}", ids.join(", "))
    }
}

/// Why there is nothing to measure.
#[derive(Debug, Error)]
pub enum RowsError {
    /// No scenario has a `[bug]` table.
    #[error("no known bug: no scenario in {} has a [bug] table", listed(paths))]
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
    #[error("{} files cannot be run as a scenario", errors.len())]
    Wrong {
        /// What is wrong with each.
        errors: Vec<ScenarioError>,
    },
    /// Rows that have no scenario.
    #[error("no scenario in {} shows {missing}", listed(paths))]
    NotThere {
        /// Which.
        missing: Missing,
        /// Where they were looked for.
        paths: Vec<PathBuf>,
    },
    /// Two scenarios show one bug.
    #[error("{id} is shown by two scenarios: {} and {}", paths[0].display(), paths[1].display())]
    Twice {
        /// Which.
        id: BugId,
        /// Where.
        paths: [PathBuf; 2],
    },
    /// The safe variant replaces no policy.
    #[error("the safe variant of {id} is the unsafe one: [safe] in {} replaces no policy", path.display())]
    NothingReplaced {
        /// Which.
        id: BugId,
        /// Where.
        path: PathBuf,
    },
    /// The safe variant differs in more than its design.
    #[error("the safe variant of {id} lives in another world: [safe] in {} replaces {}", path.display(), keys.join(", "))]
    AnotherWorld {
        /// Which.
        id: BugId,
        /// Where.
        path: PathBuf,
        /// What it replaces of the harness's tables.
        keys: Vec<String>,
    },
    /// The scenario leaves nothing to chance, and says that chance finds its bug.
    #[error("chance cannot find {id}: {} has a [plan], which leaves nothing to a seed", path.display())]
    NothingLeftToChance {
        /// Which.
        id: BugId,
        /// Where.
        path: PathBuf,
    },
}

/// Reads the rows, in the order of their ids.
///
/// # Errors
///
/// If one is missing, there twice, or wrong.
pub fn rows(order: &RowsOrder<'_>, systems: &[&dyn System]) -> Result<Vec<Row>, RowsError> {
    let files = all_files(order.paths);
    let files = files.map_err(|(folder, error)| RowsError::UnreadableFolder { folder, error })?;
    let mut rows: BTreeMap<BugId, Row> = BTreeMap::new();
    let mut errors = Vec::new();
    for path in files {
        let scenario = match Scenario::load(&path, systems) {
            Ok(scenario) => scenario,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let Some(bug) = scenario.bug.as_ref().map(|bug| bug.id) else { continue };
        if !order.ids.is_empty() && !order.ids.contains(&bug) {
            continue;
        }
        match Row::of(&path, &scenario, systems) {
            Ok(Ok(row)) => {
                if let Some(other) = rows.insert(bug, row) {
                    return Err(RowsError::Twice { id: bug, paths: [other.path, path] });
                }
            }
            Ok(Err(refused)) => return Err(refused),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(RowsError::Wrong { errors });
    }
    let wanted: Vec<BugId> = match (order.ids, order.completeness) {
        ([], Completeness::AsFound) => Vec::new(),
        ([], Completeness::Every) => BugId::all().collect(),
        (ids, _) => ids.to_vec(),
    };
    let missing: Vec<BugId> = wanted.into_iter().filter(|id| !rows.contains_key(id)).collect();
    let paths = order.paths.to_vec();
    if !missing.is_empty() {
        return Err(RowsError::NotThere { missing: Missing(missing), paths });
    }
    if rows.is_empty() {
        return Err(RowsError::NothingFound { paths });
    }
    Ok(rows.into_values().collect())
}

impl Row {
    /// The row of a scenario with a `[bug]` table.
    fn of(
        path: &Path,
        scenario: &Scenario,
        systems: &[&dyn System],
    ) -> Result<Result<Self, RowsError>, ScenarioError> {
        let bug = scenario.bug.clone().expect("whoever calls has looked");
        let (id, path) = (bug.id, path.to_owned());
        if matches!(bug.fate, Fate::Caught(_)) && scenario.is_explicit() {
            return Ok(Err(RowsError::NothingLeftToChance { id, path }));
        }
        let mut world = scenario.world_replaced_by_safe().unwrap_or_default();
        // By chance both are run without it.
        world.retain(|replaced| replaced.key != SCRIPT || matches!(bug.fate, Fate::CaughtByScript { .. }));
        if !world.is_empty() {
            let keys = world.into_iter().map(|replaced| replaced.key).collect();
            return Ok(Err(RowsError::AnotherWorld { id, path, keys }));
        }
        let (replaced, safe) = match (scenario.replaced_by_safe(), &bug.fate) {
            (Ok(replaced), _) if replaced.is_empty() => {
                return Ok(Err(RowsError::NothingReplaced { id, path }));
            }
            (Ok(replaced), _) => (replaced, Some(read(&path, [BY_CHANCE], Variant::Safe, systems)?)),
            // It is safe as it is.
            (Err(_), Fate::Control { .. }) => (Vec::new(), None),
            (Err(error), _) => return Err(error),
        };
        let as_written = match bug.fate {
            Fate::CaughtByScript { .. } => Some((
                read(&path, [], Variant::AsWritten, systems)?,
                read(&path, [], Variant::Safe, systems)?,
            )),
            _ => None,
        };
        let by_chance = read(&path, [BY_CHANCE], Variant::AsWritten, systems)?;
        Ok(Ok(Self { path, bug, replaced, by_chance, safe, as_written }))
    }

    /// The name of its scenario.
    pub fn name(&self) -> &str {
        &self.by_chance.name
    }

    /// The engine that runs it.
    pub fn engine(&self) -> Engine {
        self.by_chance.engine
    }

    /// What follows `leasehold` on the line to paste that shows a run of it.
    pub fn again(&self, seed: u64) -> String {
        let path = crate::failure::shell_path(&self.path);
        format!("run {path} --chaos --seed {seed} --set '{BY_CHANCE}' --ignore-expect")
    }

    /// The same of a run with the faults that it scripts.
    pub fn as_scripted(&self, seed: u64) -> String {
        format!("run {} --seed {seed} --ignore-expect", crate::failure::shell_path(&self.path))
    }
}

fn read<const N: usize>(
    path: &Path,
    overlays: [&str; N],
    variant: Variant,
    systems: &[&dyn System],
) -> Result<Arc<Scenario>, ScenarioError> {
    let source = Source::read(path)?.with_overlays(overlays).as_variant(variant);
    Scenario::parse(source, systems).map(Arc::new)
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
