//! Where a failure comes from, and the line that runs it again.

use std::path::{Path, PathBuf};

use leasehold_scenario::{Engine, Faults, Trial, Variant};

use crate::program::Expectation;

/// Where a failure comes from: all of the command line that decided about its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The scenario's file, as it was given.
    pub path: PathBuf,
    /// Which variant of it ran.
    pub variant: Variant,
    /// The `--set` texts, in order.
    pub overlays: Vec<String>,
    /// Which faults it had.
    pub faults: Faults,
    /// What the expectation of its scenario means.
    pub expectation: Expectation,
    /// The engine that ran it.
    pub engine: Engine,
    /// Whether what its scenario expects counted.
    pub ignore_expect: Expectation,
}

impl Origin {
    /// The line to paste to see a run again from its scenario and seed, in the words of a shell. It holds as long as the
    /// scenario and the generator stay as they are; the stored plan holds for longer.
    pub fn again(&self, trial: &Trial) -> String {
        let path = shell_path(&self.path);
        let mut line = format!("leasehold run {path} --seed {}", trial.seed());
        if self.faults == Faults::Random && !trial.scenario().is_explicit() {
            line.push_str(" --chaos");
        }
        if self.engine != trial.scenario().engine {
            line.push_str(&format!(" --engine {}", self.engine.name()));
        }
        if self.variant == Variant::Safe {
            line.push_str(" --safe");
        }
        for overlay in &self.overlays {
            line.push_str(&format!(" --set {}", shell_word(overlay)));
        }
        if self.ignore_expect == Expectation::Ignored {
            line.push_str(" --ignore-expect");
        }
        line
    }
}

/// A path as a shell takes it: never as an option.
pub fn shell_path(path: &Path) -> String {
    let is_like_an_option = path.as_os_str().as_encoded_bytes().starts_with(b"-");
    let here = if is_like_an_option { "./" } else { "" };
    shell_word(&format!("{here}{}", path.to_string_lossy()))
}

/// A word as a shell takes it.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_when_a_shell_would_split_them() {
        for (word, expected) in [
            ("scenarios/holds/a.toml", "scenarios/holds/a.toml"),
            ("lease.ttl=5s", "lease.ttl=5s"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), expected);
        }
        assert_eq!(shell_path(Path::new("-x.toml")), "./-x.toml");
    }
}
