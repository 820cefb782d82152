//! A process whose node panics exits with 101, and says which node, where, and under which seed.
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
        Some("run") => leasehold::main(&[&Glass]),
        // What a test runner that lists tests before it runs them is told.
        Some("--list") => ExitCode::SUCCESS,
        _ => {
            a_panic_in_a_node_exits_with_101();
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
