//! The committed examples are what the program writes today.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the program in the root of the repository, as `reports/example/make` does.
fn run(words: &[&str], out: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_leasehold"))
        .current_dir(root())
        .args(words)
        .arg(out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Both are the same to the last byte; if not, which line differs first.
fn assert_same(committed: &str, made: &Path) {
    let committed_text = fs::read_to_string(root().join("reports/example").join(committed)).unwrap();
    let made = fs::read_to_string(made).unwrap();
    let lines = committed_text.lines().zip(made.lines()).enumerate();
    if let Some((place, (was, is))) = lines.into_iter().find(|(_, (was, is))| was != is) {
        let cut = |line: &str| line.chars().take(400).collect::<String>();
        panic!(
            "reports/example/{committed}:{} is not what is written today; if that is meant, run reports/example/make\n\
             committed: {}\nmade now:  {}",
            place + 1,
            cut(was),
            cut(is)
        );
    }
    assert_eq!(committed_text.len(), made.len(), "{committed} is cut off, or goes on");
}

#[test]
fn the_study_is_what_is_measured_today() {
    let made = tempfile::tempdir().unwrap();
    let out = made.path().join("study");
    run(&["tune", "scenarios/studies/ttl-vs-interval.toml", "--seeds", "20", "--quiet", "--out"], &out);
    for name in ["report.html", "report.md", "points.csv"] {
        assert_same(&format!("ttl-vs-interval/{name}"), &out.join(name));
    }
}

#[test]
fn the_timeline_is_what_is_drawn_today() {
    let made = tempfile::tempdir().unwrap();
    let out = made.path().join("run.html");
    run(&["run", "scenarios/breaks/pause-without-fencing.toml", "--quiet", "--timeline"], &out);
    assert_same("pause-without-fencing.html", &out);
}
