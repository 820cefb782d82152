//! The line to paste to see a run again.

use std::ffi::OsStr;
use std::path::Path;

use crate::args::RunArgs;

/// The line to paste from somebody's own tests: it runs the binary of the package that is tested.
pub(crate) fn line_for_a_test(scenario: &Path, seed: u64) -> String {
    let scenario = scenario.canonicalize().unwrap_or_else(|_| scenario.to_owned());
    let package =
        std::env::var("CARGO_PKG_NAME").map_or_else(|_| String::new(), |name| format!(" -p {name}"));
    format!("cargo run{package} -- run {} --seed {seed}", quoted(scenario.as_os_str()))
}

/// The line to paste to see this run again: the program as it was called, from the same folder.
pub(crate) fn replay_line(args: &RunArgs) -> String {
    let program = std::env::args_os().next().unwrap_or_else(|| "leasehold".into());
    let scenario = args.scenario.as_os_str();
    let is_like_an_option = scenario.as_encoded_bytes().starts_with(b"-");
    let here = if is_like_an_option { "./" } else { "" };
    let mut line = format!("{} run {here}{}", quoted(&program), quoted(scenario));
    line.push_str(&format!(" --seed {}", args.seed));
    let engine = leasehold_scenario::Engine::from(args.engine);
    if engine != leasehold_scenario::Engine::Sim {
        line.push_str(&format!(" --engine {}", engine.name()));
    }
    if args.safe {
        line.push_str(" --safe");
    }
    for overlay in &args.overlays {
        line.push_str(&format!(" --set {}", quoted(OsStr::new(overlay))));
    }
    if args.ignore_expect {
        line.push_str(" --ignore-expect");
    }
    line
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
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
            assert_eq!(quoted(OsStr::new(word)), expected);
        }
    }
}
