//! `export`: a recorded run for other people's tools.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use leasehold_campaign::{PlacedFile, TraceReader, rejudge};
use leasehold_report::export::{Format, exporter};

use crate::check_trace::trace_at;
use crate::exit::Exit;
use crate::panics;
use crate::refusal::{misuse, not_written};
use crate::timeline::is_same_file;

/// `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The trace is judged while it is read, so that what the checkers find stands in the result too.
docs/timeline.md says how to look at each.

Exit codes:
    0  the result is printed, or written
    2  the command line is wrong, the trace is damaged, or its events are not those that were recorded
   74  the result could not be written")]
pub(crate) struct ExportArgs {
    /// The trace: what run --trace wrote, or the folder of a stored failure
    pub(crate) trace: PathBuf,

    /// What to write
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,

    /// Write the result to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Chrome's trace events as JSON: open it in Perfetto
    Perfetto,
    /// A log with vector clocks: open it in ShiViz
    Shiviz,
    /// Lines of JSON with names instead of numbers
    Jsonl,
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Perfetto => Self::Perfetto,
            ExportFormat::Shiviz => Self::Shiviz,
            ExportFormat::Jsonl => Self::Jsonl,
        }
    }
}

/// Writes a trace in another format.
pub(crate) fn export(args: &ExportArgs) -> Exit {
    let mut trace = match TraceReader::open(&trace_at(&args.trace)) {
        Ok(trace) => trace,
        Err(error) => return refuse(&error),
    };
    if args.out.as_deref().is_some_and(|out| is_same_file(out, trace.path())) {
        let problem = format!("the result would overwrite {}", trace.path().display());
        return misuse(&problem, "write it to another file");
    }
    let written = match args.out.as_deref() {
        None => write(args, &mut trace, BufWriter::with_capacity(1 << 16, io::stdout())),
        Some(out) => match PlacedFile::begin(out) {
            Ok(file) => write(args, &mut trace, BufWriter::with_capacity(1 << 16, file)),
            Err(error) => return not_written(Some(out), &error),
        },
    };
    written.unwrap_or_else(|exit| exit)
}

/// Where a result goes.
trait Goal: Write + Send {
    /// What is left to do when all is written.
    fn done(self) -> io::Result<()>;
}

impl Goal for BufWriter<Stdout> {
    fn done(mut self) -> io::Result<()> {
        self.flush()
    }
}

impl Goal for BufWriter<PlacedFile> {
    fn done(self) -> io::Result<()> {
        self.into_inner().map_err(io::IntoInnerError::into_error)?.place()
    }
}

fn write(args: &ExportArgs, trace: &mut TraceReader, mut goal: impl Goal) -> Result<Exit, Exit> {
    let header = trace.header().clone();
    let mut exporter = exporter(args.format.into(), &header, &mut goal);
    let judged = panics::watch(|| rejudge(trace, &mut *exporter)).0.map_err(|error| refuse(&error))?;
    let finished = exporter.finish(&judged.report);
    if judged.recorded_digest != judged.report.digest.to_string() {
        anstream::eprintln!(
            "error: {} was edited: its footer has the digest {}, its events have {}",
            trace.path().display(),
            judged.recorded_digest,
            judged.report.digest
        );
        return Ok(Exit::Usage);
    }
    match finished.and_then(|()| goal.done()) {
        Ok(()) => Ok(Exit::Fine),
        // A reader that goes away has seen enough.
        Err(error) if args.out.is_none() && error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Fine),
        Err(error) => Err(not_written(args.out.as_deref(), &error)),
    }
}

fn refuse(error: &dyn std::error::Error) -> Exit {
    anstream::eprintln!("error: {error}");
    Exit::Usage
}
