//! A process whose node panics exits with 101, and says which node, where, and under which seed. And whatever else needs
//! a program of its own: a system that says little of itself has every verb.
//!
//! This file has no test harness: `leasehold::main` reads the command line, so the program under test is this one,
//! started again.

#[path = "glass/mod.rs"]
mod glass;

use std::process::{Command, ExitCode};

use glass::{Glass, crack};

fn main() -> ExitCode {
    let first = std::env::args().nth(1);
    match first.as_deref() {
        Some("run" | "bound" | "schema" | "man" | "check" | "explain") => leasehold::main(&[&Glass]),
        // What a test runner that lists tests before it runs them is told.
        Some("--list") => ExitCode::SUCCESS,
        _ => {
            a_panic_in_a_node_exits_with_101();
            a_panic_is_recorded_and_explained();
            a_system_that_says_little_of_itself_still_has_every_verb();
            ExitCode::SUCCESS
        }
    }
}

fn a_panic_in_a_node_exits_with_101() {
    let folder = tempfile::tempdir().expect("there is room");
    let run = |verdict| {
        let program = std::env::current_exe().expect("it runs");
        let scenario = crack(folder.path(), verdict);
        Command::new(program).arg("run").arg(scenario).args(["--seed", "7"]).output().expect("it starts")
    };
    let output = run("pass");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(101), "{shown}");
    for told in ["bottle panicked at 1.0", "tests/glass/mod.rs:", "a crack in the glass", "verdict     panic"]
    {
        assert!(shown.contains(told), "{told} is not told:\n{shown}");
    }
    assert!(shown.lines().last().is_some_and(|line| line.ends_with("--seed 7")), "{shown}");
    assert!(output.stderr.is_empty(), "no backtrace in between: {}", String::from_utf8_lossy(&output.stderr));

    assert_eq!(run("panic").status.code(), Some(0), "an expected panic is as expected");
}

/// A run that ends early has a trace with an end all the same, and a story.
fn a_panic_is_recorded_and_explained() {
    let folder = tempfile::tempdir().expect("there is room");
    let scenario = crack(folder.path(), "panic");
    let trace = folder.path().join("run.jsonl");
    let [scenario, trace] = [&scenario, &trace].map(|path| path.to_str().expect("temporary paths are UTF-8"));
    let said = |args: &[&str], code: i32, words: &[&str]| {
        let program = std::env::current_exe().expect("it runs");
        let output = Command::new(program).args(args).output().expect("it starts");
        let said = String::from_utf8(output.stdout).expect("what is printed is UTF-8");
        assert_eq!(output.status.code(), Some(code), "{args:?}:\n{said}");
        for word in words {
            assert!(said.contains(word), "{args:?}: {word} is not said:\n{said}");
        }
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    said(&["run", "--quiet", "--trace", trace, scenario], 0, &[]);
    said(&["check", trace], 101, &["bottle panicked at 1.0", "a crack in the glass", "verdict     panic"]);
    said(&["explain", scenario], 0, &["panic, ", "the run ends here: bottle panicked: a crack in the glass"]);
}

/// The glass describes no table and derives no bound.
fn a_system_that_says_little_of_itself_still_has_every_verb() {
    let folder = tempfile::tempdir().expect("there is room");
    let scenario = crack(folder.path(), "panic");
    let scenario = scenario.to_str().expect("temporary paths are UTF-8");
    let printed = |args: &[&str]| {
        let program = std::env::current_exe().expect("it runs");
        let output = Command::new(program).args(args).output().expect("it starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{args:?}");
        String::from_utf8(output.stdout).expect("what is printed is UTF-8")
    };
    let told = printed(&["bound", scenario]);
    for words in
        ["the system glass does not say how", "    1.000000  a resource is claimed again", "warnings  none"]
    {
        assert!(told.contains(words), "{words}:\n{told}");
    }
    let json = printed(&["bound", scenario, "--format", "json"]);
    assert!(json.contains("\"inequalities\": null") && json.contains("\"regrant_ns\": 1000000000"), "{json}");
    assert!(printed(&["schema"]).contains("Leasehold scenario for glass"));
    assert!(printed(&["man"]).contains(".TH panics"), "it is called as the program is");
}
