//! `check`: a recorded run, judged again.

use std::path::{Path, PathBuf};

use leasehold_campaign::{TraceReader, rejudge, shell_path};
use leasehold_report::Histograms;
use serde_json::{Value, json};

use crate::again::program;
use crate::args::Format;
use crate::exit::Exit;
use crate::json;
use crate::names::Names;
use crate::page::Page;
use crate::panics;
use crate::refusal::finish;
use crate::summary::{Expectation, Summary};

/// `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A trace says not what its scenario expected: the verdict alone counts.

Exit codes:
    0  pass
    1  an invariant was violated
    2  the command line is wrong, the trace is damaged, or its events are not those that were recorded
    4  vacuous: nothing was judged, or a place was not reached; or inconclusive: a checker could not tell
   74  results could not be written
  101  in the recorded run a node panicked, or the nodes were in a livelock")]
pub(crate) struct CheckArgs {
    /// The trace: what run --trace wrote, or the folder of a stored failure
    pub(crate) trace: PathBuf,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// Judges it with the checkers of this version.
pub(crate) fn check(args: &CheckArgs) -> Exit {
    let mut trace = match TraceReader::open(&trace_at(&args.trace)) {
        Ok(trace) => trace,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            return Exit::Usage;
        }
    };
    let names = Names::new(trace.header().clone());
    let mut samples = Histograms::default();
    let judged = match panics::watch(|| rejudge(&mut trace, &mut samples)).0 {
        Ok(judged) => judged,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            return Exit::Usage;
        }
    };
    let report = &judged.report;
    let is_as_recorded = judged.recorded_digest == report.digest.to_string();
    let summary = Summary {
        expectation: Expectation::Unknown,
        names: &names,
        report,
        samples: &samples,
        budgets: &[],
        panicked_at: None,
        again: format!("{} check {}", program(), shell_path(&args.trace)),
    };
    let mut page = Page::stdout();
    match args.format {
        Format::Human => {
            let header = names.header();
            let title = format!("{}, recorded by version {}", header.scenario, header.tool);
            page.line(format_args!("{title}\n"));
            summary.print(&mut page);
        }
        Format::Json => {
            let mut object = json::object(&summary);
            object["recorded_digest"] = json!(judged.recorded_digest);
            // A trace does not say how many there were.
            object["steps"] = Value::Null;
            page.line(format_args!("{object:#}"));
        }
    }
    if is_as_recorded {
        return finish(page, Exit::of(report.verdict));
    }
    let exit = finish(page, Exit::Usage);
    anstream::eprintln!(
        "error: {} was edited: its footer has the digest {}, its events have {}",
        trace.path().display(),
        judged.recorded_digest,
        report.digest
    );
    exit
}

/// The trace that a path names: of a stored failure, the one in its folder.
pub(crate) fn trace_at(path: &Path) -> PathBuf {
    let within = path.join("trace.jsonl");
    if within.is_file() { within } else { path.to_owned() }
}
