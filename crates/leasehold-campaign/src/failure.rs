//! A stored failure: a folder that can be replayed, explained and shrunk on any machine.
//!
//! | file | holds |
//! |---|---|
//! | `failure.json` | what went wrong, how it was found, and the digests ([`FailureRecord`]) |
//! | `plan.toml` | the run, as a scenario that leaves nothing open |
//! | `shrunk.toml` | the smaller run; the same as the plan where none was found |
//! | `trace.jsonl` | the events of the plan's run, and what became of its messages |
//! | `timeline.html` | the same as a picture, for people: nothing reads it |

mod origin;
mod record;

pub use origin::{Origin, shell_path, shell_word};
pub use record::{
    ClosestCallRecord, DrawnRecord, FAILURE_FORMAT, FailureRecord, ScenarioRecord, SettingRecord,
    ShrunkRecord, ViolationRecord,
};

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_report::timeline::{self, Timeline};
use leasehold_scenario::{Engine, Faults, Scenario, ScenarioError, System, Trial};
use serde::Deserialize;
use thiserror::Error;

use crate::caption::caption;
use crate::investigation::{Investigation, Shrunk};
use crate::trace::Recorder;

/// The names of the files in a failure's folder.
const RECORD: &str = "failure.json";
const PLAN: &str = "plan.toml";
const SHRUNK: &str = "shrunk.toml";
const TRACE: &str = "trace.jsonl";
pub(crate) const TIMELINE: &str = "timeline.html";

/// Stores a failure as a folder: under a temporary name beside it, then renamed, so that it is there whole or not at
/// all. The plan is run once more for its trace, and once more for its story.
///
/// # Errors
///
/// If anything of it cannot be written, or the folder exists and is not empty.
pub fn store(investigation: &Investigation, folder: &Path, origin: &Origin) -> io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let beside = open_to_others().tempdir_in(parent)?;

    let record = FailureRecord::of(investigation, origin);
    fs_err::write(beside.path().join(RECORD), as_json(&record))?;

    let plan = investigation.trial.to_toml();
    let shrunk = investigation.shrunk.as_ref().map(|shrunk| shrunk.trial.to_toml());
    fs_err::write(beside.path().join(SHRUNK), shrunk.as_ref().unwrap_or(&plan))?;
    fs_err::write(beside.path().join(PLAN), plan)?;

    let header = investigation.trial.header(origin.engine);
    let mut recorder = Recorder::begin(&beside.path().join(TRACE), &header)?;
    let mut timeline = Timeline::new(&header);
    let report = investigation.trial.run(origin.engine, &mut (&mut recorder, &mut timeline));
    recorder.finish(&report)?;
    let (trial, fingerprint) = (&investigation.trial, Some(&investigation.fingerprint));
    let caption = caption(trial, &report, fingerprint, origin.again(trial));
    fs_err::write(beside.path().join(TIMELINE), timeline::page(&timeline.finish(&report), &caption))?;

    fs_err::rename(beside.path(), folder)?;
    // It bears its name now: there is nothing left to take away.
    let _ = beside.keep();
    Ok(())
}

/// A temporary folder with the permissions that the process gives its folders, not the narrow ones of a secret.
fn open_to_others() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    builder
}

/// A stored failure, read and checked.
#[derive(Clone, Debug)]
pub struct FailureFolder {
    /// Where it is.
    pub path: PathBuf,
    /// What is known of it.
    pub record: FailureRecord,
    /// The engine that it was found with.
    pub engine: Engine,
    /// The run, as its plan file has it.
    pub plan: Trial,
    /// The smaller run.
    pub shrunk: Trial,
}

impl FailureFolder {
    /// Whether a path looks like a failure: it is a folder. Whether it is sound, [`load`](Self::load) says.
    pub fn is_at(path: &Path) -> bool {
        path.is_dir()
    }

    /// Reads a stored failure, and checks that it is complete and sound. Whether its plan still gives its digest,
    /// only a run can say.
    ///
    /// # Errors
    ///
    /// What is missing, damaged, or of another version, by the name of the file.
    pub fn load(path: &Path, systems: &[&dyn System]) -> Result<Self, FailureError> {
        let record = read_record(&path.join(RECORD))?;
        let wrong = |problem: String| FailureError::Damaged { file: path.join(RECORD), problem };
        let engine = Engine::ALL
            .into_iter()
            .find(|engine| engine.name() == record.engine)
            .ok_or_else(|| wrong(format!("no engine is called `{}`", record.engine)))?;
        if !systems.iter().any(|system| system.name() == record.system) {
            let offered: Vec<&str> = systems.iter().map(|system| system.name()).collect();
            let problem =
                format!("it is of the system `{}`, this program has {}", record.system, offered.join(", "));
            return Err(wrong(problem));
        }
        let plan = read_plan(&path.join(PLAN), &record, systems)?;
        let shrunk = read_plan(&path.join(SHRUNK), &record, systems)?;
        let trace = path.join(TRACE);
        if !trace.is_file() {
            return Err(FailureError::Missing { file: trace });
        }
        Ok(Self { path: path.to_owned(), record, engine, plan, shrunk })
    }

    /// The recorded run of the plan.
    pub fn trace(&self) -> PathBuf {
        self.path.join(TRACE)
    }

    /// The file of the smaller run.
    pub fn shrunk_file(&self) -> PathBuf {
        self.path.join(SHRUNK)
    }

    /// The file of the plan.
    pub fn plan_file(&self) -> PathBuf {
        self.path.join(PLAN)
    }
}

impl FailureRecord {
    /// Reads what is known of a stored failure, without its plans.
    ///
    /// # Errors
    ///
    /// If it is missing, damaged, or of another version.
    pub fn read(folder: &Path) -> Result<Self, FailureError> {
        read_record(&folder.join(RECORD))
    }
}

impl FailureFolder {
    /// Puts another smaller run in the place of the stored one.
    ///
    /// # Errors
    ///
    /// If a file cannot be written. Each is written under a temporary name beside it, then renamed.
    pub fn replace_shrunk(&self, shrunk: &Shrunk) -> io::Result<()> {
        let mut record = self.record.clone();
        record.shrunk = ShrunkRecord::of(shrunk);
        let files =
            [(self.shrunk_file(), shrunk.trial.to_toml()), (self.path.join(RECORD), as_json(&record))];
        let beside = tempfile::tempdir_in(&self.path)?;
        for (file, text) in files {
            let name = beside.path().join(file.file_name().expect("it was joined to the folder"));
            fs_err::write(&name, text)?;
            fs_err::rename(name, file)?;
        }
        Ok(())
    }
}

fn as_json(record: &FailureRecord) -> String {
    let mut json = serde_json::to_string_pretty(record).expect("a record is plain data");
    json.push('\n');
    json
}

/// Why a stored failure cannot be used.
#[derive(Debug, Error)]
pub enum FailureError {
    /// A part of it is not there.
    #[error("{} is missing: a failure is a folder with {RECORD}, {PLAN}, {SHRUNK} and {TRACE}", file.display())]
    Missing {
        /// Which.
        file: PathBuf,
    },
    /// A part of it cannot be read.
    #[error("{} cannot be read: {error}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A part of it is not what it should be.
    #[error("{} is damaged: {problem}", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It was written by another version, in a way that is not understood here.
    #[error("{} has format {found}, this version reads {FAILURE_FORMAT}{}", file.display(), by(tool.as_deref()))]
    UnknownFormat {
        /// The record.
        file: PathBuf,
        /// The format it names.
        found: u64,
        /// The version of the tool that wrote it, if it says so.
        tool: Option<String>,
    },
    /// One of its plans is no scenario.
    #[error(transparent)]
    Plan(#[from] ScenarioError),
    /// One of its plans is a scenario, but leaves something to a seed.
    #[error("{} is no plan: it has no [plan] table, so its run is not fixed", file.display())]
    Open {
        /// Which.
        file: PathBuf,
    },
}

fn by(tool: Option<&str>) -> String {
    tool.map_or_else(String::new, |tool| format!("; it was written by version {tool}"))
}

fn read_record(file: &Path) -> Result<FailureRecord, FailureError> {
    #[derive(Deserialize)]
    struct Head {
        format: u64,
        tool: Option<String>,
    }
    let text = fs_err::read_to_string(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FailureError::Missing { file: file.to_owned() },
        ErrorKind::InvalidData => {
            FailureError::Damaged { file: file.to_owned(), problem: "it is not UTF-8".to_owned() }
        }
        _ => FailureError::Unreadable { file: file.to_owned(), error },
    })?;
    let damaged = |error: serde_json::Error| FailureError::Damaged {
        file: file.to_owned(),
        problem: error.to_string(),
    };
    // What another version wrote may lack what this one needs: so its format is asked for first.
    let Head { format, tool } = serde_json::from_str(&text).map_err(damaged)?;
    if format != u64::from(FAILURE_FORMAT) {
        return Err(FailureError::UnknownFormat { file: file.to_owned(), found: format, tool });
    }
    serde_json::from_str(&text).map_err(damaged)
}

fn read_plan(file: &Path, record: &FailureRecord, systems: &[&dyn System]) -> Result<Trial, FailureError> {
    if !file.exists() {
        return Err(FailureError::Missing { file: file.to_owned() });
    }
    let mut scenario = Scenario::load(file, systems)?;
    if !scenario.is_explicit() {
        return Err(FailureError::Open { file: file.to_owned() });
    }
    // In logs it goes by the name of the scenario that it came from, not by that of the file in the folder.
    scenario.name.clone_from(&record.scenario.name);
    Ok(Trial::new(&Arc::new(scenario), record.seed, Faults::Scripted, systems))
}
