//! Same scenario, same seed: same digest, in any process, in debug and in release, watched or not.
//!
//! `.ci/run` runs this file in both profiles; the golden digests tie the two together.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Changing one of these needs a line in CHANGELOG.md: everybody's stored seeds change with it.
const GOLDEN: [(&str, u64, &str); 3] = [
    ("holds/gc-pause-across-expiry", 0, "3b48f7b2a38cb0a82291805c758d6bad9d30ffcb93219965867756f4d29a8135"),
    ("breaks/deadline-from-receipt", 7, "b88631cbafdbea8060e1e1bf2594063796a392f4c53e232d0745ca28948d4df7"),
    (
        "holds/grantor-restart-with-live-lease",
        42,
        "996519e34e0febd547eac037c89d59ed91af050e343383fd30cf0ef1a1a3dd32",
    ),
];

/// The same on the other engine.
const GOLDEN_ON_TURMOIL: [(&str, u64, &str); 2] = [
    ("holds/gc-pause-across-expiry", 0, "34dbe6e281f45403749ae6dd9c5b59ab4d9748a8bb328c2873e04ae22b3946ce"),
    ("breaks/deadline-from-receipt", 7, "225662afe9942e6ff0cb0f8fc81ee1a4019577c41ba57411a32eb21adad11ee2"),
];

/// The first of them is made short: idle time costs as much as busy there.
const SHORT: [&str; 10] = [
    "--engine",
    "turmoil",
    "--set",
    "lease.ttl=1s",
    "--set",
    "fault.0.for=2s",
    "--set",
    "phases.chaos=4s",
    "--set",
    "phases.settle=1s",
];

const PROCESSES: usize = 20;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The digest that a fresh process gives.
fn digest(scenario: &str, seed: u64, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_leasehold"))
        .current_dir(root())
        .args(["run", &format!("scenarios/{scenario}.toml"), "--quiet", "--seed", &seed.to_string()])
        .args(more)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("digest"));
    line.unwrap_or_else(|| panic!("no digest in {text}")).trim().to_owned()
}

#[test]
fn twenty_processes_give_one_digest() {
    let (scenario, seed, golden) = GOLDEN[0];
    let folder = tempfile::tempdir().unwrap();
    for process in 0..PROCESSES {
        let trace = folder.path().join(format!("{process}.jsonl"));
        let trace = trace.to_str().unwrap();
        let more: &[&str] = if process % 2 == 0 { &[] } else { &["--trace", trace] };
        assert_eq!(digest(scenario, seed, more), golden, "process {process}");
    }
    let first = std::fs::read(folder.path().join("1.jsonl")).unwrap();
    let last = std::fs::read(folder.path().join("19.jsonl")).unwrap();
    assert!(first == last, "two traces of one run differ");
}

#[test]
fn golden_digests_stand() {
    for (scenario, seed, golden) in GOLDEN {
        assert_eq!(digest(scenario, seed, &[]), golden, "{scenario} under seed {seed}");
    }
}

#[test]
fn twenty_processes_give_one_digest_on_turmoil() {
    let (scenario, seed, golden) = GOLDEN_ON_TURMOIL[0];
    let folder = tempfile::tempdir().unwrap();
    for process in 0..PROCESSES {
        let trace = folder.path().join(format!("{process}.jsonl"));
        let mut more = SHORT.to_vec();
        if process % 2 == 1 {
            more.extend(["--trace", trace.to_str().unwrap()]);
        }
        assert_eq!(digest(scenario, seed, &more), golden, "process {process}");
    }
    let first = std::fs::read(folder.path().join("1.jsonl")).unwrap();
    let last = std::fs::read(folder.path().join("19.jsonl")).unwrap();
    assert!(first == last, "two traces of one run differ");
    assert_ne!(digest(scenario, seed + 1, &SHORT), golden, "seeds differ");
    assert_ne!(digest(scenario, seed, &SHORT[2..]), golden, "engines differ");
}

#[test]
fn a_golden_digest_stands_on_turmoil() {
    let (scenario, seed, golden) = GOLDEN_ON_TURMOIL[1];
    assert_eq!(digest(scenario, seed, &SHORT[..2]), golden, "{scenario} under seed {seed}");
}

#[test]
fn seeds_differ() {
    let (scenario, ..) = GOLDEN[0];
    let mut digests: Vec<String> = (0..10).map(|seed| digest(scenario, seed, &[])).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 10);
}

/// Neither the log nor what surrounds the process reaches the run.
#[test]
fn how_it_is_shown_changes_nothing() {
    let (scenario, seed, golden) = GOLDEN[0];
    let run = |command: &mut Command| {
        let output = command
            .current_dir(root())
            .args(["run", &format!("scenarios/{scenario}.toml"), "--verbose", "--seed", &seed.to_string()])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().contains(golden)
    };
    let binary = env!("CARGO_BIN_EXE_leasehold");
    assert!(run(&mut Command::new(binary)));
    assert!(run(Command::new(binary).env_clear().env("TZ", "Pacific/Chatham").env("LANG", "tr_TR.UTF-8")));
}
