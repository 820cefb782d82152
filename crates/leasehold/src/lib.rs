//! Leasehold finds the schedule that breaks a lease protocol, and replays it.
//!
//! This crate is the way in for somebody with a lease implementation of their own: write its nodes as
//! [`Node`]s of a [`Protocol`], say in a [`System`] how a scenario's tables become nodes, and give it to
//! [`main`] for the whole command line, or to [`check`] inside a `#[test]`. `examples/own-lease` does both.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     leasehold::main(&[&leasehold::SingleGrantor]) // or your own
//! }
//! ```
//!
//! Only this crate prints.
//!
//! # What this crate does not do
//!
//! It holds no protocol, no engine and no invariant: it brings those of the other crates together.

mod again;
mod args;
mod bound;
mod check_trace;
mod checked;
mod completions;
mod diff;
mod drawn;
mod engines;
mod exit;
mod explain;
mod export;
mod github;
mod hold;
mod hosted;
mod instant;
mod json;
mod list;
mod log;
mod man;
mod merge;
mod mutants;
mod page;
mod panics;
mod progress;
mod refusal;
mod replay;
mod run;
#[cfg(test)]
#[path = "../../leasehold-report/src/names/sample.rs"]
mod sample_names;
mod schema;
mod serve;
mod shrink;
mod summary;
mod sweep;
mod timeline;
mod tune;
mod view;

use std::process::ExitCode;

use clap::Parser;
#[cfg(test)]
use leasehold_report::Names;
use leasehold_report::{names, words};

pub use checked::{CheckFailure, Checked, check};

pub use leasehold_check::{Invariant, Verdict};
pub use leasehold_core::*;
pub use leasehold_scenario::{
    CommandSpec, Deployment, Diagnostic, Diagnostics, Dice, Engine, Environment, NodeSpec, Part,
    RegistrySystem, Schemas, SingleGrantor, Spanned, Stream, System, Tables, value,
};
/// For property tests: the runs that [`check`] and a sweep have, as a proptest strategy that makes those that fail
/// smaller.
#[cfg(feature = "proptest")]
pub use leasehold_scenario::{Scenario, Trial, trials};
/// For tables of an own system: derive with `#[schemars(crate = "leasehold::schemars")]`.
pub use schemars;
/// For messages, records and tables of an own system: derive with `#[serde(crate = "leasehold::serde")]`.
pub use serde;

/// The whole command line, for these systems.
///
/// Exit codes: 0 fine; 1 an invariant was violated, or the expectation is not met; 2 the command line or the
/// scenario is wrong; 3 a run came to two digests; 4 vacuous; 5 shards are missing in a merge; 6 a budget was missed, or no point of
/// a study meets its objectives; 74 results could not be written; 101 a node panicked, or the nodes were in a livelock; 130 and 143
/// interrupted.
pub fn main(systems: &[&dyn System]) -> ExitCode {
    let args = args::Args::parse();
    match args.verb {
        args::Verb::Run(args) => run::run(&args, systems),
        args::Verb::Sweep(args) => sweep::sweep(&args, systems),
        args::Verb::Merge(args) => merge::merge(&args, systems),
        args::Verb::Tune(args) => tune::tune(&args, systems),
        args::Verb::Mutants(args) => mutants::mutants(&args, systems),
        args::Verb::Replay(args) => replay::replay(&args, systems),
        args::Verb::Shrink(args) => shrink::shrink(&args, systems),
        args::Verb::Explain(args) => explain::explain(&args, systems),
        args::Verb::Check(args) => check_trace::check(&args),
        args::Verb::Export(args) => export::export(&args),
        args::Verb::Diff(args) => diff::diff(&args),
        args::Verb::Serve(args) => serve::serve(&args, systems),
        args::Verb::Hold(args) => hold::hold(&args, systems),
        args::Verb::List(args) => list::list(&args, systems),
        args::Verb::Bound(args) => bound::bound(&args, systems),
        args::Verb::Schema(args) => schema::schema(&args, systems),
        args::Verb::Completions(args) => completions::completions(&args),
        args::Verb::Man(args) => man::man(&args),
    }
    .into()
}
