//! What `tune` takes.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use leasehold_campaign::{BadSeeds, SeedRange};

use crate::args::Format;
use crate::sweep::arguments::{ShardChoice, jobs, shard, time};

/// `tune`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A study is a TOML file that names a scenario, what to vary about it, and what is asked: docs/studies.md. All points have the
same seeds. A run that violates an invariant counts against its point: such a point is never recommended.

Recommended is, of the points that meet all objectives and of which no run failed, the one with the best value of the first
number that is traded. Of a part of a study (a shard, one that ended early) nothing is asked.

Exit codes:
    0  a point meets all objectives, or the study has none
    2  the command line, the study or its scenario is wrong
    6  no point meets all objectives: which is the obstacle, and which point is nearest, is shown
   74  results could not be written
  101  the harness itself panicked
  130  interrupted (143: terminated); the seeds that all points had until then are kept")]
pub(crate) struct TuneArgs {
    /// The study file
    #[arg(value_name = "STUDY", required_unless_present = "resume")]
    pub(crate) study: Option<PathBuf>,

    /// How many seeds each point has, or which: N, or from A to before B; as the study says unless it is given
    #[arg(long, value_name = "N or A..B", value_parser = seeds)]
    pub(crate) seeds: Option<SeedRange>,

    /// Replace a value of the scenario at all points, as in network.loss=5%; can be given many times. What a parameter of
    /// the study sets cannot be replaced
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overlays: Vec<String>,

    /// How many threads run at once; all cores unless it is given
    #[arg(long, short, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Begin no seed any more after this time, as in 90s or 5m
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) time: Option<Duration>,

    /// Run one slice of the seeds out of so many: K/N with K from 1, or auto for what Slurm, Kubernetes or GitLab say
    #[arg(long, value_name = "K/N", value_parser = shard)]
    pub(crate) shard: Option<ShardChoice>,

    /// The folder to write; reports/ and the study's name unless it is given
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub(crate) out: Option<PathBuf>,

    /// Replace the folder of --out, if it holds a study and nothing else, and run more than 10,000 points
    #[arg(long)]
    pub(crate) force: bool,

    /// Go on with a study that was interrupted; without a study, as its folder says it was ordered
    #[arg(long, value_name = "DIR")]
    pub(crate) resume: Option<PathBuf>,

    /// Keep a line for each run, in runs.csv
    #[arg(long)]
    pub(crate) runs: bool,

    /// Compare with an earlier run of the same study, in the report
    #[arg(long, value_name = "DIR")]
    pub(crate) baseline: Option<PathBuf>,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `100` are the seeds from 0 to 99.
fn seeds(text: &str) -> Result<SeedRange, BadSeeds> {
    match text.trim().parse() {
        Ok(count) => SeedRange::new(0, count),
        Err(_) => text.parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_counted_or_named() {
        assert_eq!(seeds("100"), SeedRange::new(0, 100));
        assert_eq!(seeds("5..7"), SeedRange::new(5, 7));
        for wrong in ["0", "7..5", "many", "-1", ""] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
