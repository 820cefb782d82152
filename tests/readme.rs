//! The README's commands run, exit as it says, and print what it shows.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Folded lines of an excerpt.
const CUT: &str = "[...]";

struct Shown {
    command: String,
    lines: Vec<String>,
}

/// The console blocks of the README: a command, and lines of its output.
fn shown() -> Vec<Shown> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```console\n").skip(1);
    blocks
        .map(|block| {
            let (block, _) = block.split_once("```").expect("a block is closed");
            let mut lines = block.lines().map(str::to_owned);
            let command = lines.next().unwrap().trim_start_matches("$ ").to_owned();
            Shown { command, lines: lines.collect() }
        })
        .collect()
}

/// What a command of the README prints. Runs the binary that the tests were built with instead of building another.
fn run(command: &str) -> (String, i32) {
    let mut words = command.split_whitespace();
    let mut skip_to_arguments = words.by_ref().skip_while(|word| *word != "--");
    assert_eq!(skip_to_arguments.next(), Some("--"), "{command}");
    let output =
        Command::new(env!("CARGO_BIN_EXE_leasehold")).current_dir(root()).args(words).output().unwrap();
    // A sweep says there how far it is.
    let quiet = output.stderr.is_empty() || command.contains(" sweep ") || command.contains(" shrink ");
    assert!(quiet, "{command}: {}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

fn is_for_the_shipped_binary(command: &str) -> bool {
    command.starts_with("cargo run --release -- ")
}

/// The program's own name differs between a release build and this one.
fn without_program(line: &str) -> &str {
    line.split_once("/leasehold ").map_or(line, |(_, rest)| rest)
}

#[test]
fn excerpts_are_what_is_printed() {
    let mut compared = 0;
    for Shown { command, lines } in shown() {
        if !is_for_the_shipped_binary(&command) {
            continue;
        }
        let (printed, _) = run(&command);
        let mut rest = printed.lines().filter(|other| !other.trim().is_empty());
        let mut after_cut = true;
        for line in lines.iter().filter(|line| !line.trim().is_empty()) {
            if line.trim() == CUT {
                after_cut = true;
                continue;
            }
            let is_it = |other: &str| without_program(other) == without_program(line);
            let found = if after_cut { rest.any(is_it) } else { rest.next().is_some_and(is_it) };
            assert!(
                found,
                "the README shows, out of place or not at all:\n{line}\nbut {command} prints:\n{printed}"
            );
            after_cut = false;
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared} lines compared");
    std::fs::remove_dir_all(root().join("reports/readme")).unwrap();
}

#[test]
fn every_command_of_the_tables_runs() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let commands: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with('|'))
        .flat_map(|line| line.split('`'))
        .filter(|word| is_for_the_shipped_binary(word))
        .collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        let expected = i32::from(command.contains("--ignore-expect"));
        assert_eq!(run(command).1, expected, "{command}");
    }
}

#[test]
fn every_linked_file_exists() {
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let docs = docs.map(|name| format!("docs/{}", name.to_string_lossy()));
    let pages = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "scenarios/README.md"].map(str::to_owned);
    for page in pages.into_iter().chain(docs) {
        let text = std::fs::read_to_string(root().join(&page)).unwrap();
        let folder = root().join(&page).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            assert!(folder.join(link).exists(), "{page} links {link}");
        }
    }
}

/// What the documentation of the format calls a key, a value or a place must exist.
#[test]
fn every_place_and_invariant_is_documented() {
    let format = std::fs::read_to_string(root().join("docs/scenario-format.md")).unwrap();
    for probe in leasehold::event::Probe::ALL {
        assert!(format.contains(&format!("`{}`", probe.name())), "{}", probe.name());
    }
    let invariants = std::fs::read_to_string(root().join("docs/invariants.md")).unwrap();
    for invariant in leasehold::Invariant::ALL {
        let row = format!("| {} | `{}` |", invariant.id(), invariant.name());
        assert!(invariants.contains(&row), "{row}");
    }
}
