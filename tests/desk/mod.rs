//! A folder of its own for tests that run the program and look at what it leaves behind.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");

/// What the environment may hold that changes what the program says or does.
const UNWELCOME: [&str; 14] = [
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_ARRAY_TASK_STEP",
    "JOB_COMPLETION_INDEX",
    "JOB_COMPLETIONS",
    "CI_NODE_INDEX",
    "CI_NODE_TOTAL",
];

/// Scenarios that fail and pass within milliseconds, in a folder of their own.
pub(crate) struct Desk {
    root: tempfile::TempDir,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// What it said as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Itself, if it ended like this.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

impl Desk {
    /// With the canary, which fails, the same with a fence, which does not, and one that expects to fail.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let scenarios = root.path().join("scenarios");
        std::fs::create_dir(&scenarios).unwrap();
        let canary = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/canary/canary.toml"),
        );
        let canary = canary.unwrap();
        let fenced = canary.replace("\"none\"", "\"highest-token\"").replace("\"canary\"", "\"fenced\"");
        let expected = canary
            .replace("\"canary\"", "\"expected\"")
            .replace("verdict = \"pass\"", "violation = \"no-lost-update\"\nalso = [\"fencing\"]");
        for (name, text) in [("canary", canary), ("fenced", fenced), ("expected", expected)] {
            std::fs::write(scenarios.join(format!("{name}.toml")), text).unwrap();
        }
        Self { root }
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A command in the folder, with an environment that says nothing.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root.path()).stdin(Stdio::null());
        UNWELCOME.iter().for_each(|name| {
            command.env_remove(name);
        });
        command
    }

    /// Runs the program with words apart by blanks.
    pub(crate) fn run(&self, words: &str) -> Ended {
        self.run_with(words, &[])
    }

    /// The same in an environment.
    pub(crate) fn run_with(&self, words: &str, env: &[(&str, &str)]) -> Ended {
        let mut command = self.command(PROGRAM);
        command.args(words.split_whitespace()).envs(env.iter().copied());
        command.output().unwrap().into()
    }

    /// All files below a folder with what they hold, but for the figures of the clock.
    pub(crate) fn contents(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.path(name), "", &mut found);
        found.remove("timing.json");
        assert!(!found.is_empty(), "{name} holds nothing");
        found
    }
}

fn collect(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), found);
        } else {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
}
