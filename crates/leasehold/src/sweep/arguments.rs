//! What `sweep` takes.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use leasehold_campaign::{Audit, BadSeeds, SeedRange, Shard, ShardError};
use leasehold_scenario::value::{Length, Percent};
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

use crate::args::{EngineName, Format};

/// `sweep`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each scenario is run under each seed, with random faults within the limits of its [chaos] beside those that it scripts.
A scenario with a [plan] leaves nothing to a seed: it is run once. What does not fit an engine, or scripts what it cannot
express, is left out and named; what is random is drawn so that the engine can express it.

That a scenario finds what it expects, judges something and reaches its places is asked of a whole sweep. Of a part of
one (a shard, a sweep that ended early for whatever reason, --rerun-failed) it is asked only that nothing failed.

Exit codes:
    0  each scenario came to what it expects; for a part of a sweep, nothing failed
    1  runs failed, a violation that a scenario expects was never found, or --confirm found that the engines disagree
    2  the command line or a scenario is wrong
    3  a run came to two digests
    4  vacuous: nothing was judged, a place was never reached, or --confirm found nothing that can be compared,
       or nothing was measured that a budget is about
    6  safe, but a budget was missed
   74  results could not be written
  101  the harness itself panicked
  130  interrupted (143: terminated); what was run until then is shown")]
pub(crate) struct SweepArgs {
    /// Scenario files, and folders in which all *.toml are scenarios
    #[arg(required_unless_present_any = ["resume", "rerun_failed"], value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// The seeds, from A to before B (A..=B: B too), decimal or hexadecimal (0x...)
    #[arg(long, value_name = "A..B", value_parser = seeds, required_unless_present_any = ["resume", "rerun_failed"])]
    pub(crate) seeds: Option<SeedRange>,

    /// How many threads run at once; all cores unless it is given
    #[arg(long, short, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Begin no run any more after this time, as in 90s or 5m
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) time: Option<Duration>,

    /// Stop when for 1,000 runs, and for half of all, no scenario reached anything new
    #[arg(long)]
    pub(crate) until_plateau: bool,

    /// Stop after so many runs that failed
    #[arg(long, value_name = "K")]
    pub(crate) fail_fast: Option<NonZeroU64>,

    /// Run this share of the runs twice, and compare their digests; 5% unless it is given
    #[arg(long, value_name = "SHARE", value_parser = audit)]
    pub(crate) audit: Option<Audit>,

    /// Keep the results in this folder: a line for each run, their sum, and each kind of failure, shrunk
    #[arg(long, value_name = "DIR", conflicts_with_all = ["resume", "rerun_failed"])]
    pub(crate) out: Option<PathBuf>,

    /// Replace the folder of --out, if it holds results and nothing else, and any file of --junit
    #[arg(long)]
    pub(crate) force: bool,

    /// Run one slice of so many: K/N with K from 1, or auto for what Slurm, Kubernetes or GitLab say
    #[arg(long, value_name = "K/N", value_parser = shard, conflicts_with = "rerun_failed")]
    pub(crate) shard: Option<ShardChoice>,

    /// Go on with a sweep that was interrupted; without paths, as its folder says it was ordered
    #[arg(long, value_name = "DIR", conflicts_with = "rerun_failed")]
    pub(crate) resume: Option<PathBuf>,

    /// Run only what failed before: the folder of a sweep, or of failures; without paths, as it was run then
    #[arg(long, value_name = "DIR")]
    pub(crate) rerun_failed: Option<PathBuf>,

    /// Write the result as JUnit XML too: a test case for each scenario and invariant. An older report is replaced
    #[arg(long, value_name = "FILE", conflicts_with = "rerun_failed")]
    pub(crate) junit: Option<PathBuf>,

    /// Only the faults that the scenarios script
    #[arg(long)]
    pub(crate) no_chaos: bool,

    /// Replace a value of each scenario, as in lease.ttl=5s; can be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overlays: Vec<String>,

    /// Run the safe variants: what stands in a scenario's [safe] table replaces what stands beside it
    #[arg(long)]
    pub(crate) safe: bool,

    /// Whatever goes wrong is a failure, also what a scenario expects
    #[arg(long)]
    pub(crate) ignore_expect: bool,

    /// The engine that runs the nodes; sim unless it is given or a scenario names another
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,

    /// What the engine may leave out because it cannot express it: kinds of faults
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,

    /// Run the first failure of each kind, the first expected violation of each scenario, and N runs that passed, again on
    /// turmoil, and say where the engines agree
    #[arg(long, value_name = "N")]
    pub(crate) confirm: Option<u64>,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,

    /// Exit with 0 where it would be 1: for schedulers that stop everything otherwise
    #[arg(long)]
    pub(crate) exit_zero_on_violation: bool,
}

/// What `--shard` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShardChoice {
    /// This one.
    This(Shard),
    /// The one that the environment names.
    Auto,
}

pub(crate) fn shard(text: &str) -> Result<ShardChoice, ShardError> {
    if text == "auto" { Ok(ShardChoice::Auto) } else { text.parse().map(ShardChoice::This) }
}

/// How many threads can be asked for. Chosen by us: more cores than a machine has, and fewer threads than a system
/// refuses or dies of.
const MOST_JOBS: usize = 1_024;

pub(crate) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs: NonZeroUsize = text.parse().map_err(|error: std::num::ParseIntError| error.to_string())?;
    if jobs.get() > MOST_JOBS {
        return Err(format!("at most {MOST_JOBS} threads run at once"));
    }
    Ok(jobs)
}

fn seeds(text: &str) -> Result<SeedRange, BadSeeds> {
    text.parse()
}

pub(crate) fn time(text: &str) -> Result<Duration, Error> {
    let Length(span) = Length::deserialize(StrDeserializer::new(text))?;
    Ok(Duration::from_nanos(span.as_nanos()))
}

fn audit(text: &str) -> Result<Audit, Error> {
    let Percent(share) = Percent::deserialize(StrDeserializer::new(text))?;
    Ok(Audit::of(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_bounded() {
        assert_eq!(jobs("1024"), Ok(NonZeroUsize::new(1_024).expect("it is not zero")));
        for wrong in ["0", "1025", "18446744073709551615", "-1", "many"] {
            assert!(jobs(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_and_shares_are_those_of_scenario_files() {
        assert_eq!(time("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(audit("5%"), Ok(Audit::default()));
        for wrong in ["", "5", "-3s", "soon"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "5", "120%", "-1%"] {
            assert!(audit(wrong).is_err(), "{wrong}");
        }
    }
}
