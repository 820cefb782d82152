//! The line to paste to see a run again.

use std::path::Path;

use leasehold_campaign::{shell_path, shell_word};
use leasehold_scenario::Faults;

use crate::args::RunArgs;

/// The line to paste from somebody's own tests: it runs the binary of the package that is tested.
pub(crate) fn line_for_a_test(scenario: &Path, seed: u64, faults: Faults) -> String {
    let scenario = scenario.canonicalize().unwrap_or_else(|_| scenario.to_owned());
    let package =
        std::env::var("CARGO_PKG_NAME").map_or_else(|_| String::new(), |name| format!(" -p {name}"));
    let chaos = if faults == Faults::Random { " --chaos" } else { "" };
    format!("cargo run{package} -- run {} --seed {seed}{chaos}", shell_path(&scenario))
}

/// The line to paste to see this run again: the program as it was called, from the same folder.
pub(crate) fn replay_line(args: &RunArgs) -> String {
    let mut line = format!("{} run {}", program(), shell_path(&args.scenario));
    line.push_str(&format!(" --seed {}", args.seed));
    if args.chaos {
        line.push_str(" --chaos");
    }
    if let Some(engine) = args.engine {
        line.push_str(&format!(" --engine {}", leasehold_scenario::Engine::from(engine).name()));
    }
    if !args.allow.is_empty() {
        line.push_str(&format!(" --allow {}", shell_word(&args.allow.join(","))));
    }
    if args.force {
        line.push_str(" --force");
    }
    if args.safe {
        line.push_str(" --safe");
    }
    for overlay in &args.overlays {
        line.push_str(&format!(" --set {}", shell_word(overlay)));
    }
    if args.ignore_expect {
        line.push_str(" --ignore-expect");
    }
    line
}

/// The program as it was called, as a shell takes it.
pub(crate) fn program() -> String {
    let program = std::env::args_os().next().unwrap_or_else(|| "leasehold".into());
    shell_word(&program.to_string_lossy())
}
