//! `replay`: a stored failure, or a plan, once more.

use std::path::PathBuf;
use std::sync::Arc;

use leasehold_campaign::{
    Comparison, Difference, FailureError, FailureFolder, Fingerprint, TraceError, TraceReader, leave_out,
    shell_path, shows,
};
use leasehold_core::{FaultId, SimInstant};
use leasehold_report::Histograms;
use leasehold_scenario::{Digest, Engine, Faults, Report, Scenario, System, Trial};
use serde_json::{Value, json};

use crate::again::program;
use crate::args::{EngineName, Format};
use crate::engines::{self, Allowing, Misfits, engine_for};
use crate::exit::Exit;
use crate::instant::instant;
use crate::json;
use crate::log::{Detail, node_width, row};
use crate::names::Names;
use crate::page::Page;
use crate::panics;
use crate::refusal::{finish, misuse, refuse};
use crate::summary::{Expectation, Standing, Summary};
use crate::timeline::TimelineFile;
use crate::view::View;
use crate::words;

/// `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A stored failure is run once before it is shown: it must have the events that are stored with it.

Exit codes:
    0  the failure is gone (with --without, or of a bare plan: the run is fine)
    1  the failure is there
    2  the command line is wrong, or the folder or the plan is damaged
    3  the stored plan does not give the stored run any more
    4  of a bare plan: vacuous; or inconclusive: the engine cannot express a fault, and the failure is not there
   74  results could not be written
  101  of a bare plan: a node panicked, or the nodes were in a livelock")]
pub(crate) struct ReplayArgs {
    /// The folder of a stored failure, or a plan or scenario file
    pub(crate) failure: PathBuf,

    /// End the log at this instant of true time, as in 12s or as it stands in a log; the run goes on
    #[arg(long, value_name = "T", value_parser = instant)]
    pub(crate) until: Option<SimInstant>,

    /// Leave out a fault, by its number as it is printed; can be given many times
    #[arg(long, value_name = "FAULT")]
    pub(crate) without: Vec<u16>,

    /// Replay the smaller run that was found
    #[arg(long)]
    pub(crate) shrunk: bool,

    /// The engine that runs the nodes; the one that found the failure unless it is given
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,

    /// Run also what does not fit the engine
    #[arg(long)]
    pub(crate) force: bool,

    /// Draw the run as one HTML page into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,

    /// Show every event instead of folding routine traffic
    #[arg(long, short, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// Show the verdict only
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// Runs it again, after it was proved to be the same.
pub(crate) fn replay(args: &ReplayArgs, systems: &[&dyn System]) -> Exit {
    if FailureFolder::is_at(&args.failure) {
        match FailureFolder::load(&args.failure, systems) {
            Ok(folder) => replay_stored(args, &folder),
            Err(error) => refuse_failure(&error),
        }
    } else {
        replay_file(args, systems)
    }
}

/// Says what is wrong with a stored failure.
pub(crate) fn refuse_failure(error: &FailureError) -> Exit {
    match error {
        FailureError::Plan(error) => refuse(error),
        error => {
            anstream::eprintln!("error: {error}");
            Exit::Usage
        }
    }
}

fn replay_stored(args: &ReplayArgs, folder: &FailureFolder) -> Exit {
    let engine = args.engine.map_or(folder.engine, Engine::from);
    let trial = if args.shrunk { &folder.shrunk } else { &folder.plan };
    let faults = match faults_of(args, trial) {
        Ok(faults) => faults,
        Err(exit) => return exit,
    };
    let proved = if engine == folder.engine {
        match prove(args, folder, engine) {
            Ok(digest) => Some(digest),
            Err(exit) => return exit,
        }
    } else {
        None
    };
    show(args, trial, &faults, engine, Some(&Stored { folder, proved }))
}

fn replay_file(args: &ReplayArgs, systems: &[&dyn System]) -> Exit {
    if args.shrunk {
        return misuse(
            "--shrunk is of a stored failure, and this is no folder",
            "name the folder of a failure",
        );
    }
    let scenario = match Scenario::load(&args.failure, systems) {
        Ok(scenario) => Arc::new(scenario),
        Err(error) => return refuse(&error),
    };
    let engine = engine_for(args.engine, &scenario);
    let trial = Trial::meant_for(engine, &scenario, 0, Faults::Scripted, systems);
    match faults_of(args, &trial) {
        Ok(faults) => show(args, &trial, &faults, engine, None),
        Err(exit) => exit,
    }
}

/// The faults that are to be left out, each once.
fn faults_of(args: &ReplayArgs, trial: &Trial) -> Result<Vec<FaultId>, Exit> {
    let count = trial.plan().faults.len();
    let mut faults = Vec::new();
    for &number in &args.without {
        if number == 0 || usize::from(number) > count {
            let help = match count {
                0 => "the plan has no fault".to_owned(),
                1 => "the plan has one fault: --without 1".to_owned(),
                _ => format!("the plan has faults 1 to {count}"),
            };
            return Err(misuse(&format!("there is no fault {number}"), &help));
        }
        let fault = FaultId(number - 1);
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    Ok(faults)
}

/// Runs the stored plan, or the smaller one, and compares.
fn prove(args: &ReplayArgs, folder: &FailureFolder, engine: Engine) -> Result<Digest, Exit> {
    let (trial, stored) = match args.shrunk {
        true => (&folder.shrunk, &folder.record.shrunk.digest),
        false => (&folder.plan, &folder.record.digest),
    };
    // Only the plan's events are stored.
    let mut comparison = match args.shrunk {
        true => None,
        false => match TraceReader::open(&folder.trace()) {
            Ok(trace) => Some(Comparison::with(trace)),
            Err(error) => return Err(refuse_trace(&error)),
        },
    };
    let (report, _) = panics::watch(|| trial.run(engine, &mut comparison));
    let compared = comparison.map(Comparison::finish);
    if report.digest.to_string() == *stored {
        return match compared {
            None | Some(Ok(None)) if !shows(&folder.record.fingerprint, trial, &report) => {
                Err(refuse_fingerprint(folder, trial, &report))
            }
            None | Some(Ok(None)) => Ok(report.digest),
            Some(Ok(Some(difference))) => {
                anstream::eprintln!(
                    "error: {} is not of this run: its digest is that of {}, but not its event {}",
                    folder.trace().display(),
                    folder.plan_file().display(),
                    difference.number
                );
                tell_difference(folder, trial, engine, &difference);
                Err(Exit::Usage)
            }
            Some(Err(error)) => Err(refuse_trace(&error)),
        };
    }
    let (again, _) = panics::watch(|| trial.run(engine, &mut ()));
    let is_deterministic = again.digest == report.digest;
    tell_other_digest(args, folder, is_deterministic, &report.digest);
    match compared {
        Some(Ok(Some(difference))) => tell_difference(folder, trial, engine, &difference),
        Some(Ok(None)) => anstream::eprintln!(
            "note: the events are those of {}: it is the digest in failure.json that is not theirs",
            folder.trace().display()
        ),
        Some(Err(error)) => anstream::eprintln!("note: where they part cannot be told: {error}"),
        None => anstream::eprintln!("note: where they part cannot be told: no events of it are stored"),
    }
    Err(Exit::NotDeterministic)
}

fn refuse_trace(error: &TraceError) -> Exit {
    anstream::eprintln!("error: {error}");
    Exit::Usage
}

/// The run is the stored one, and does not fail as it is stored: then "gone" would say nothing.
fn refuse_fingerprint(folder: &FailureFolder, trial: &Trial, report: &Report) -> Exit {
    let file = folder.path.join("failure.json");
    anstream::eprintln!("error: {}: its fingerprint is not what this version finds", file.display());
    anstream::eprintln!("    stored    {}", folder.record.fingerprint);
    let found = Fingerprint::of(trial.scenario(), report);
    if found.is_empty() {
        anstream::eprintln!("    this run  nothing fails in it");
    }
    for fingerprint in found {
        anstream::eprintln!("    this run  {fingerprint}");
    }
    let (then, now) = (folder.record.tool.as_str(), env!("CARGO_PKG_VERSION"));
    if then == now {
        anstream::eprintln!("note: the events are those that are stored, so the file was edited");
    } else {
        anstream::eprintln!(
            "note: it was stored by version {then}, this is {now}: what fails may be named otherwise"
        );
    }
    Exit::Usage
}

fn tell_other_digest(args: &ReplayArgs, folder: &FailureFolder, is_deterministic: bool, digest: &Digest) {
    let (file, stored) = match args.shrunk {
        true => (folder.shrunk_file(), &folder.record.shrunk.digest),
        false => (folder.plan_file(), &folder.record.digest),
    };
    anstream::eprintln!("error: {} does not give the stored run", file.display());
    anstream::eprintln!("    stored    {stored}");
    anstream::eprintln!("    this run  {digest}");
    let (then, now) = (folder.record.tool.as_str(), env!("CARGO_PKG_VERSION"));
    if then != now {
        anstream::eprintln!(
            "note: it was stored by version {then}, this is {now}: what runs may have changed since"
        );
    } else if is_deterministic {
        anstream::eprintln!(
            "note: a second run is the same as this one, so the plan was edited, or the program is not that of then"
        );
    } else {
        anstream::eprintln!("note: a second run is yet another: the system under test is not deterministic");
    }
    if folder.record.second_digest.is_some() {
        anstream::eprintln!("note: it was not deterministic when it was found");
    }
}

fn tell_difference(folder: &FailureFolder, trial: &Trial, engine: Engine, difference: &Difference) {
    // Either side by the names of its own header: the plan may have been edited.
    let stored = TraceReader::open(&folder.trace())
        .map_or_else(|_| trial.header(engine), |trace| trace.header().clone());
    let (stored, now) = (Names::new(stored), Names::new(trial.header(engine)));
    let width = node_width(&stored).max(node_width(&now));
    let tell = |names: &Names, event: Option<leasehold_core::Event>| match event {
        Some(event) => row(names, width, &event, &words::happened(names, &event)),
        None => format!("{:>11}", "the run is over"),
    };
    anstream::eprintln!("note: they part at event {} ({}):", difference.number, place(folder, difference));
    anstream::eprintln!("    stored    {}", tell(&stored, difference.recorded));
    anstream::eprintln!("    this run  {}", tell(&now, difference.happened));
}

/// Where an event stands in the stored trace.
fn place(folder: &FailureFolder, difference: &Difference) -> String {
    format!("{}:{}", folder.trace().display(), difference.line)
}

/// A run whose record is at hand.
struct Stored<'f> {
    folder: &'f FailureFolder,
    /// The digest that it was proved to have; nothing if that says nothing of this engine.
    proved: Option<Digest>,
}

fn show(
    args: &ReplayArgs,
    trial: &Trial,
    without: &[FaultId],
    engine: Engine,
    stored: Option<&Stored<'_>>,
) -> Exit {
    // The names of all faults, those left out among them.
    let names = Names::new(trial.header(engine));
    let trial = &leave_out(trial, without);
    if let Err(exit) = engines::check(trial, engine, Misfits::of(args.force), Allowing::File) {
        return exit;
    }
    let others = [Some(args.failure.as_path())];
    let drawing = args.timeline.as_deref().map(|path| TimelineFile::begin(path, names.header(), &others));
    let mut drawing = match drawing.transpose() {
        Ok(drawing) => drawing,
        Err(exit) => return exit,
    };
    let mut page = Page::stdout();
    if args.format == Format::Human {
        head(&mut page, &names, trial, without, stored);
    }
    let mut samples = Histograms::default();
    let drawn_upon = drawing.as_mut().map(|drawing| &mut drawing.timeline);
    let mut beside = (drawn_upon, &mut samples);
    let (report, panicked_at) = if args.format == Format::Human && !args.quiet {
        let detail = if args.verbose { Detail::Full } else { Detail::Folded };
        View { detail, until: args.until }.of_run(&mut page, &names, trial, engine, &mut beside)
    } else {
        panics::watch(|| trial.run(engine, &mut beside))
    };
    if let Some(drawing) = drawing
        && let Err(exit) = drawing.finish(trial, &report, line(args))
    {
        return exit;
    }
    let fingerprint = stored.map(|stored| &stored.folder.record.fingerprint);
    let expectation = match fingerprint {
        Some(fingerprint) if shows(fingerprint, trial, &report) => {
            Expectation::Replayed(fingerprint, Standing::There)
        }
        Some(fingerprint) => Expectation::Replayed(fingerprint, Standing::Gone),
        None => Expectation::Ignored(&trial.scenario().expect),
    };
    let summary = Summary {
        expectation,
        names: &names,
        report: &report,
        samples: &samples,
        budgets: &[],
        panicked_at: panicked_at.as_deref(),
        again: line(args),
    };
    match args.format {
        Format::Human => summary.print(&mut page),
        Format::Json => {
            let mut object = json::object(&summary);
            object["replay"] = replayed(&names, without, stored, expectation);
            page.line(format_args!("{object:#}"));
        }
    }
    let exit = match expectation {
        Expectation::Replayed(_, Standing::There) => Exit::Violated,
        // What cannot be expressed may be what it takes.
        Expectation::Replayed(_, Standing::Gone) if !report.inexpressible.is_empty() => Exit::Vacuous,
        Expectation::Replayed(_, Standing::Gone) => Exit::Fine,
        _ => Exit::of(report.verdict),
    };
    finish(page, exit)
}

fn head(page: &mut Page, names: &Names, trial: &Trial, without: &[FaultId], stored: Option<&Stored<'_>>) {
    page.line(format_args!("{}: {}", trial.scenario().name, trial.scenario().summary));
    if let Some(Stored { folder, proved }) = stored {
        page.line(format_args!("stored as   {}", folder.record.fingerprint));
        match proved {
            Some(digest) => page.line(format_args!("proved      same events as stored, digest {digest}")),
            None => page.line(format_args!("proved      nothing: it was stored by another engine")),
        }
    }
    for fault in without {
        page.line(format_args!("without     {}. {}", fault.0 + 1, names.fault(*fault)));
    }
    page.line(format_args!(""));
}

fn replayed(
    names: &Names,
    without: &[FaultId],
    stored: Option<&Stored<'_>>,
    expectation: Expectation<'_>,
) -> Value {
    let left_out: Vec<Value> =
        without.iter().map(|fault| json!({ "fault": fault.0 + 1, "what": names.fault(*fault) })).collect();
    let there = match expectation {
        Expectation::Replayed(_, standing) => Some(standing == Standing::There),
        _ => None,
    };
    let fingerprint: Option<&Fingerprint> = stored.map(|stored| &stored.folder.record.fingerprint);
    json!({
        "without": left_out,
        "fingerprint": fingerprint,
        "there": there,
        "proved_digest": stored.and_then(|stored| stored.proved).map(|digest| digest.to_string()),
    })
}

/// The line to paste to see this again.
fn line(args: &ReplayArgs) -> String {
    let mut line = format!("{} replay {}", program(), shell_path(&args.failure));
    if args.shrunk {
        line.push_str(" --shrunk");
    }
    for fault in &args.without {
        line.push_str(&format!(" --without {fault}"));
    }
    if let Some(engine) = args.engine {
        line.push_str(&format!(" --engine {}", Engine::from(engine).name()));
    }
    line
}
