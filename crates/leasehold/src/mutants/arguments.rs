//! What `mutants` takes.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use leasehold_scenario::BugId;

use crate::args::Format;
use crate::sweep::arguments::jobs;

/// `mutants`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A known bug is a scenario with a [bug] table: a design with one unsafe policy, and its safe twin in [safe]. Each seed is a run
of both with random faults alone, without those that the scenario scripts. The bug is detected if an invariant that [bug]
names is violated; the twin may violate nothing at all.

Exit codes:
    0  each bug was detected, and no safe twin raised an alarm
    1  a bug escaped, an alarm was false, or a twin was never judged by what it is about
    2  the command line or a scenario is wrong, or a known bug has no scenario
   74  results could not be written
  101  a node panicked, the nodes were in a livelock, or the harness itself panicked
  130  interrupted (143: terminated); what was measured until then is shown")]
pub(crate) struct MutantsArgs {
    /// Scenario files, and folders in which all *.toml are scenarios; ./scenarios/breaks and ./scenarios/holds, with a scenario
    /// for each known bug, unless one is given
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Only these bugs, as in A7 or A7,B12; can be given many times
    #[arg(long = "id", value_name = "ID", value_delimiter = ',', value_parser = id)]
    pub(crate) ids: Vec<BugId>,

    /// How many seeds each has, from 0 on
    #[arg(long, value_name = "N", default_value = "1000", value_parser = seeds)]
    pub(crate) seeds: NonZeroU64,

    /// Take the seeds of each only until it is detected and its twin was judged, at most --seeds: for CI
    #[arg(long)]
    pub(crate) until_found: bool,

    /// How many threads run at once; all cores unless it is given
    #[arg(long, short, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Write the table, the matrix of bugs against invariants, and the page docs/known-bugs.md into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "until_found")]
    pub(crate) out: Option<PathBuf>,

    /// Replace the folder of --out, if it holds what an earlier --out wrote and nothing else
    #[arg(long, requires = "out")]
    pub(crate) force: bool,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

fn id(text: &str) -> Result<BugId, String> {
    BugId::from_name(text.trim())
        .ok_or_else(|| format!("no known bug is called so: {}", BugId::suggestion(text)))
}

fn seeds(text: &str) -> Result<NonZeroU64, String> {
    text.parse().map_err(|_| "write how many, at least 1, as in 1000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_whatever_its_case_and_a_wrong_one_is_told_the_nearest() {
        assert_eq!(id("b12").map(|id| id.to_string()), Ok("B12".to_owned()));
        assert!(id("A36").is_err_and(|said| said.contains("did you mean A3")));
        assert!(id("").is_err());
    }

    #[test]
    fn no_seeds_are_refused() {
        assert_eq!(seeds("1000").map(NonZeroU64::get), Ok(1_000));
        for wrong in ["0", "-1", "0..10", "many", "", "18446744073709551616"] {
            assert!(seeds(wrong).is_err_and(|said| said.contains("at least 1")), "{wrong}");
        }
    }
}
