//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use leasehold_campaign::BadSeeds;

use crate::check_trace::CheckArgs;
use crate::diff::DiffArgs;
use crate::explain::ExplainArgs;
use crate::export::ExportArgs;
use crate::hold::HoldArgs;
use crate::merge::MergeArgs;
use crate::mutants::MutantsArgs;
use crate::replay::ReplayArgs;
use crate::serve::ServeArgs;
use crate::shrink::ShrinkArgs;
use crate::sweep::SweepArgs;
use crate::tune::TuneArgs;

/// Finds the schedule that breaks a lease protocol, and replays it.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a scenario once, and say what happened and whether it was right
    Run(RunArgs),
    /// Run scenarios under many seeds with random faults, and say what they came to
    Sweep(SweepArgs),
    /// Measure what each choice of TTL, interval or any other value comes to, and recommend one
    Tune(TuneArgs),
    /// Measure how often chance finds each known bug, and that its safe twin raises no alarm
    Mutants(MutantsArgs),
    /// Run a stored failure again, after it was proved to be the same, and show its log
    Replay(ReplayArgs),
    /// Find the smallest run that fails in the same way, and print it as a scenario file
    Shrink(ShrinkArgs),
    /// Say which faults a failure needs, and tell what happened in sentences
    Explain(ExplainArgs),
    /// Judge a recorded trace again with the checkers of this version
    Check(CheckArgs),
    /// Show the first event where two traces part, with what is around it
    Diff(DiffArgs),
    /// Write a recorded run in a format of other tools: Perfetto, ShiViz, lines of JSON
    Export(ExportArgs),
    /// Fold the results of shards into those of one sweep
    Merge(MergeArgs),
    /// Run a grantor or a registry of a scenario on real sockets: a reference to talk to, no production server
    Serve(ServeArgs),
    /// Run a holder on real sockets: it asks for a lease, keeps it, and says when it may not act any more
    Hold(HoldArgs),
    /// List scenarios with what they should come to
    List(ListArgs),
    /// Show the inequalities behind a scenario's design, with its numbers and the margin left
    Bound(BoundArgs),
    /// Print the JSON schema of scenario files or of studies, for editors
    Schema(SchemaArgs),
    /// Print the completions of the command line for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each verb
    Man(ManArgs),
}

/// `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
    0  as expected
    1  an invariant was violated, or the expectation is not met
    2  the command line or the scenario is wrong
    4  vacuous: nothing was judged, or a place was not reached; or inconclusive: a checker could not tell, the engine
       cannot express a fault, or nothing was measured that a budget is about
    6  safe, but a budget was missed
   74  results could not be written
  101  a node panicked, or the nodes were in a livelock")]
pub(crate) struct RunArgs {
    /// The scenario file
    pub(crate) scenario: PathBuf,

    /// The seed, decimal or hexadecimal (0x...): everything that the scenario leaves open follows from it
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    pub(crate) seed: u64,

    /// Let the seed draw faults too, and values that the scenario leaves open, as each run of a sweep does
    #[arg(long)]
    pub(crate) chaos: bool,

    /// The engine that runs the nodes; sim unless it is given or the scenario names another
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,

    /// What the engine may leave out because it cannot express it, without making the run inconclusive: kinds of faults
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,

    /// Run also what does not fit the engine
    #[arg(long)]
    pub(crate) force: bool,

    /// Write every event and what becomes of each message to this file, as lines of JSON behind a header
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// Draw the run as one HTML page into this file: who believed what, when, and what travelled between them
    #[arg(long, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,

    /// Replace a value of the scenario, as in lease.ttl=5s or fault.0.for=20s; can be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overlays: Vec<String>,

    /// Run the safe variant: what stands in the scenario's [safe] table replaces what stands beside it
    #[arg(long)]
    pub(crate) safe: bool,

    /// Show every event instead of folding routine traffic
    #[arg(long, short, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// Show the verdict only
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,

    /// Judge the run by its verdict alone, whatever the scenario expects
    #[arg(long)]
    pub(crate) ignore_expect: bool,
}

/// `list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
    0  all files were read
    2  the command line is wrong, or a file cannot be read: it is listed with its first error
   74  the list could not be written")]
pub(crate) struct ListArgs {
    /// Files, and folders in which to look for *.toml; ./scenarios unless one is given
    pub(crate) paths: Vec<PathBuf>,

    /// How to print the list
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `bound`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The numbers come from the scenario's [bounds], [network], [disk] and policies alone: nothing is run.
The formulas are those of docs/timing.md, in true time unless a line says otherwise.

Exit codes:
    0  the bounds are shown, also if an inequality does not hold: that is information
    2  the command line or the scenario is wrong
   74  the bounds could not be written")]
pub(crate) struct BoundArgs {
    /// The scenario file
    pub(crate) scenario: PathBuf,

    /// Replace a value of the scenario, as in lease.ttl=5s; can be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overlays: Vec<String>,

    /// The engine whose bounds are shown; sim unless it is given or the scenario names another
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,

    /// Show the safe variant: what stands in the scenario's [safe] table replaces what stands beside it
    #[arg(long)]
    pub(crate) safe: bool,

    /// How to print the bounds
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
    0  fine
    2  the command line is wrong
   74  the schema could not be written")]
pub(crate) struct SchemaArgs {
    /// The system whose tables a scenario may have; all that are offered unless it is given
    #[arg(long, value_name = "NAME")]
    pub(crate) system: Option<String>,

    /// Print that of study files instead; it is the same for all systems
    #[arg(long, conflicts_with = "system")]
    pub(crate) study: bool,
}

/// `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
    0  fine
    2  the command line is wrong
   74  the script could not be written")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
    0  fine
    2  the command line is wrong
   74  a page could not be written")]
pub(crate) struct ManArgs {
    /// Write one page for the program and one for each verb into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// A discrete-event world
    Sim,
    /// The nodes behind sockets, on turmoil's simulated network: slower, and with all that surrounds them
    Turmoil,
}

impl From<EngineName> for leasehold_scenario::Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Sim => Self::Sim,
            EngineName::Turmoil => Self::Turmoil,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// JSON, for programs
    Json,
}

pub(crate) fn seed(text: &str) -> Result<u64, BadSeeds> {
    leasehold_campaign::seed(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    /// What a verb can always come to, and what it can where it catches signals.
    #[test]
    fn every_verb_lists_its_exit_codes() {
        let command = Args::command();
        for verb in command.get_subcommands() {
            let name = verb.get_name();
            let help = verb.get_after_help().unwrap_or_else(|| panic!("{name} lists none")).to_string();
            let (_, listed) =
                help.split_once("Exit codes:\n").unwrap_or_else(|| panic!("{name} lists none: {help}"));
            let code = |line: &str| line.get(..5).and_then(|code| code.trim().parse::<u8>().ok());
            let mut codes: Vec<u8> = listed.lines().filter_map(code).collect();
            assert!(codes.is_sorted_by(|one, next| one < next), "{name}: {codes:?}");
            codes.extend(listed.contains("(143: terminated)").then_some(143));
            let always: &[u8] = match name {
                "sweep" | "tune" | "mutants" | "hold" => &[0, 2, 74, 101, 130, 143],
                _ => &[0, 2, 74],
            };
            for code in always {
                assert!(codes.contains(code), "{name} does not list {code}: {codes:?}");
            }
        }
    }

    #[test]
    fn a_seed_is_decimal_or_hexadecimal() {
        assert_eq!(seed("17"), Ok(17));
        assert_eq!(seed("0x11"), Ok(17));
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["", "-1", "0x", "1e3", "18446744073709551616"] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
    }
}
