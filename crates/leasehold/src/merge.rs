//! `merge`: the results of shards become those of one sweep.

use std::path::PathBuf;

use leasehold_campaign::{Kept, MergeError, Merged, Replace, is_study, merge as fold};
use leasehold_scenario::System;

use crate::args::Format;
use crate::exit::Exit;
use crate::refusal::misuse;
use crate::sweep::findings::{Ending, Failure, Findings};
use crate::sweep::{exit_of, print, refuse_results};
use crate::tune;

/// `merge`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The folders can be given in any order, more than once, and can be merged ones themselves. The result is what one sweep
without shards would have written, but for timing.json. Shards of a study are merged where the study's file stands, as it
was when they were run.

Exit codes:
    0  nothing is missing, and each scenario came to what it expects
    1  runs failed, a violation that a scenario expects was never found, or --confirm had found that the engines disagree
    2  the command line or a folder is wrong, or folders are of different sweeps, or of a study that is not what it was
    3  a run has two digests
    4  vacuous: nothing was judged, a place was never reached, or nothing was measured that a budget is about
    5  runs are missing: the rest is merged, and marked as incomplete
    6  safe, but a budget was missed; of a study: no point meets all objectives
   74  results could not be written
  101  the harness itself had panicked when a run was confirmed")]
pub(crate) struct MergeArgs {
    /// The folders that sweep --out wrote, or those that tune --out wrote
    #[arg(required = true, value_name = "DIR")]
    pub(crate) dirs: Vec<PathBuf>,

    /// The folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Replace the folder of --out, if it holds results and nothing else
    #[arg(long)]
    pub(crate) force: bool,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,

    /// Exit with 0 where it would be 1: for schedulers that stop everything otherwise
    #[arg(long)]
    pub(crate) exit_zero_on_violation: bool,
}

/// Merges, and says what all of it came to.
pub(crate) fn merge(args: &MergeArgs, systems: &[&dyn System]) -> Exit {
    let replace = if args.force { Replace::Results } else { Replace::Never };
    if args.dirs.iter().any(|dir| is_study(dir)) {
        return tune::merge(args, replace, systems);
    }
    let Merged { kept, missing } = match fold(&args.dirs, &args.out, replace) {
        Ok(merged) => merged,
        Err(error) => return refuse(&error),
    };
    let Kept { dir, manifest, tally, .. } = kept;
    let order = manifest.order.clone();
    let ending = if manifest.complete { Ending::Complete } else { Ending::Missing };
    let findings = Findings {
        unmet: manifest.unmet(&tally),
        failures: Failure::stored(&dir, &manifest),
        confirmed: order.confirm.map(|_| manifest.confirmed.clone()),
        broken: Vec::new(),
        wanted: order.total(),
        audited: order.audited(manifest.ranges().flatten()),
        ending,
        pace: None,
        kept_in: Some(dir),
        order,
        tally,
    };
    let exit = exit_of(&findings, args.exit_zero_on_violation, None);
    let exit = print(&findings, args.format, exit);
    if !missing.is_empty() {
        anstream::eprintln!("error: the merge is not complete, runs are missing:");
        missing.iter().for_each(|told| anstream::eprintln!("    {told}"));
        anstream::eprintln!("help: run what is missing, and merge it with {}", args.out.display());
    }
    exit
}

fn refuse(error: &MergeError) -> Exit {
    match error {
        MergeError::Results(error) => refuse_results(error),
        MergeError::Mixed { .. } => misuse(&error.to_string(), "merge only shards of one sweep"),
        MergeError::NotDeterministic(found) => {
            let line = &found.line;
            anstream::eprintln!(
                "error: {error}\nhelp: run it on both machines and compare: {line} --trace FILE"
            );
            Exit::NotDeterministic
        }
        MergeError::Contradiction { .. } => misuse(&error.to_string(), "run one of the two shards again"),
    }
}
