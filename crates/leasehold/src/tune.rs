//! `tune`: what each choice of parameters comes to, and which to take.

mod arguments;
mod json;
mod merging;
mod page;
mod progress;

use std::path::{Path, PathBuf};

use leasehold_campaign::{
    KeptStudy, PointSum, Replace, RunRows, SeedRange, Shard, Size, Study, StudyEnd, StudyError, StudyFolder,
    StudyOrder, StudyResults, StudyWhat, Wish, run_study,
};
use leasehold_report::study::{Advice, StudySummary};
use leasehold_scenario::System;

pub(crate) use arguments::TuneArgs;
pub(crate) use merging::merge;

use crate::args::Format;
use crate::exit::Exit;
use crate::page::Page;
use crate::panics;
use crate::refusal::{finish, misuse, refuse};
use crate::sweep::clock::Stopwatch;
use crate::sweep::findings::program_name;
use crate::sweep::signals::Signals;
use crate::sweep::{all_cores, chosen_shard, refuse_results};
use progress::Progress;

/// Runs the study, says what it came to.
pub(crate) fn tune(args: &TuneArgs, systems: &[&dyn System]) -> Exit {
    match prepare(args, systems) {
        Ok(prepared) => run(args, prepared, systems),
        Err(exit) => exit,
    }
}

/// All that has to be right before anything is run.
struct Prepared {
    study: Study,
    shard: Shard,
    folder: StudyFolder,
    sums: Vec<PointSum>,
    baseline: Option<StudySummary>,
}

fn prepare(args: &TuneArgs, systems: &[&dyn System]) -> Result<Prepared, Exit> {
    let asked = Asked::new(args)?;
    let size = if args.force { Size::Forced } else { Size::Usual };
    let study = Study::load(&asked.path, asked.seeds, &asked.overlays, size, systems);
    let study = study.map_err(|error| refuse_study(&error))?;
    let baseline = args.baseline.as_deref().map(|dir| baseline(dir, &study)).transpose()?;
    let program = program_name();
    let opened = match &args.resume {
        Some(dir) => StudyFolder::resume(dir, &study, asked.shard, asked.rows, &program),
        None => {
            let dir = args.out.clone().unwrap_or_else(|| Path::new("reports").join(&study.file().name));
            let replace = if args.force { Replace::Results } else { Replace::Never };
            let none = vec![PointSum::default(); study.points().len()];
            StudyFolder::create(&dir, &study, asked.shard, asked.rows, &program, replace)
                .map(|folder| (folder, none))
        }
    };
    let (folder, sums) = opened.map_err(|error| refuse_results(&error))?;
    Ok(Prepared { study, shard: asked.shard, folder, sums, baseline })
}

/// What the command line asks for, which may leave it to a study folder.
struct Asked {
    path: PathBuf,
    seeds: Option<SeedRange>,
    overlays: Vec<String>,
    shard: Shard,
    rows: RunRows,
}

impl Asked {
    fn new(args: &TuneArgs) -> Result<Self, Exit> {
        if let (None, Some(dir)) = (&args.study, &args.resume) {
            return Self::as_in(dir, args);
        }
        let path = args.study.clone().expect("the command line asks for one of the two");
        let shard = chosen_shard(args.shard);
        let shard = shard.map_err(|error| misuse(&error.to_string(), "shards are counted from 1"))?;
        let rows = if args.runs { RunRows::Kept } else { RunRows::None };
        Ok(Self { path, seeds: args.seeds, overlays: args.overlays.clone(), shard, rows })
    }

    /// What a folder says, which nothing on the command line may say too.
    fn as_in(dir: &Path, args: &TuneArgs) -> Result<Self, Exit> {
        let options = [
            ("--seeds", args.seeds.is_some()),
            ("--set", !args.overlays.is_empty()),
            ("--shard", args.shard.is_some()),
            ("--runs", args.runs),
        ];
        if let Some((said, _)) = options.into_iter().find(|(_, is_said)| *is_said) {
            let problem =
                format!("{said}: without a study, it is run as {} says it was ordered", dir.display());
            return Err(misuse(&problem, "leave it out, or name the study too"));
        }
        let results = StudyResults::open(dir).map_err(|error| refuse_results(&error))?;
        let manifest = results.manifest();
        let unclear = || {
            misuse(
                &format!("{} was ordered in a way that is not known here", dir.display()),
                "name the study and its seeds too",
            )
        };
        let shard = manifest.shard.as_ref().map_or(Some(Shard::WHOLE), |shard| shard.parse().ok());
        let seeds = SeedRange::new(manifest.order.seeds.0, manifest.order.seeds.1).ok();
        Ok(Self {
            path: PathBuf::from(&manifest.order.path),
            seeds: Some(seeds.ok_or_else(unclear)?),
            overlays: manifest.order.overlays.clone(),
            shard: shard.ok_or_else(unclear)?,
            rows: if manifest.order.runs { RunRows::Kept } else { RunRows::None },
        })
    }
}

fn run(args: &TuneArgs, prepared: Prepared, systems: &[&dyn System]) -> Exit {
    let Prepared { study, shard, folder, mut sums, baseline } = prepared;
    let signals = Signals::listen();
    let stopwatch = Stopwatch::start();
    let wish = || match () {
        () if signals.caught().is_some() => Wish::Hurry,
        () if args.time.is_some_and(|budget| stopwatch.elapsed() >= budget) => Wish::NoMoreRuns,
        () => Wish::GoOn,
    };
    let order = StudyOrder {
        study: &study,
        seeds: folder.rest(),
        systems,
        jobs: args.jobs.unwrap_or_else(all_cores),
        wish: &wish,
    };
    panics::silence_threads(leasehold_campaign::THREAD);
    let mut progress = Progress::begin(args, &order, folder, &stopwatch);
    let ended = run_study(&order, &mut sums, &mut progress);
    let folder = progress.finish();
    let end = match ended {
        Ok(end) => end,
        Err(error) => return misuse(&error.to_string(), "give a smaller --jobs"),
    };
    let stopped = match signals.caught() {
        Some(Exit::Terminated) => "it was terminated",
        Some(_) => "it was interrupted",
        None => "its time was over",
    };
    if let Some((point, seed, message)) = &end.broken {
        return broken(&study, *point, *seed, message);
    }
    if end.done_to == study_start(&study, shard) && !order.seeds.is_empty() {
        anstream::eprintln!("nothing was kept: {stopped} before all points had one seed");
        return signals.caught().unwrap_or(Exit::Fine);
    }
    let kept = folder.finish(&study, &sums, baseline.as_ref(), Some(stopped.to_owned()));
    let kept = match kept {
        Ok(kept) => kept,
        Err(error) => return refuse_results(&error),
    };
    let pace = page::Pace {
        seconds: stopwatch.elapsed().as_secs_f64(),
        jobs: order.jobs.get(),
        runs: runs(&end, &order),
    };
    tell(&Told { study: &study, sums: &sums, kept: &kept, pace: Some(pace) }, args.format, signals.caught())
}

fn runs(end: &StudyEnd, order: &StudyOrder<'_>) -> u64 {
    (end.done_to - order.seeds.start) * order.study.points().len() as u64
}

fn study_start(study: &Study, shard: Shard) -> u64 {
    study.seeds().start() + shard.slice(study.seeds().count()).start
}

/// A study that is over.
struct Told<'a> {
    study: &'a Study,
    sums: &'a [PointSum],
    kept: &'a KeptStudy,
    /// How long it took; nothing if it was merged.
    pace: Option<page::Pace>,
}

fn tell(told: &Told<'_>, format: Format, interrupted: Option<Exit>) -> Exit {
    let mut out = Page::stdout();
    match format {
        Format::Human => page::print(told, &mut out),
        Format::Json => out.line(format_args!("{:#}", json::object(told))),
    }
    let exit = finish(out, interrupted.unwrap_or_else(|| exit_of(told.kept)));
    match &told.kept.broken {
        Some(error) => refuse_results(error),
        None => exit,
    }
}

/// What it comes to. Of a part of a study nothing is asked.
fn exit_of(kept: &KeptStudy) -> Exit {
    let missed = match &kept.summary.advice {
        Advice::NonePasses { .. } => true,
        Advice::Each(each) => each.has_obstacle(),
        Advice::Take { .. } | Advice::NotAsked => false,
    };
    if missed && kept.manifest.is_whole() { Exit::BudgetMissed } else { Exit::Fine }
}

/// The harness itself panicked.
fn broken(study: &Study, point: usize, seed: u64, message: &str) -> Exit {
    let line = study.run_line(&crate::again::program(), point, seed);
    anstream::eprintln!(
        "error: leasehold itself panicked at point {point} under seed {seed}: {message}\nhelp: this shows it again: {line}"
    );
    Exit::Panicked
}

/// What an earlier run of the same study came to.
fn baseline(dir: &Path, study: &Study) -> Result<StudySummary, Exit> {
    let opened = StudyResults::open(dir).and_then(|results| Ok((results.summary()?, results)));
    let (summary, results) = opened.map_err(|error| refuse_results(&error))?;
    let other = |what: String| {
        let problem = format!("{} cannot be compared with: it {what}", dir.display());
        Err(misuse(&problem, "give the folder of an earlier run of this study"))
    };
    let name = &study.file().name;
    if summary.name != *name {
        return other(format!("is of the study {}, not of {name}", summary.name));
    }
    let order = &results.manifest().order;
    if order.overlays != study.overlays() {
        let own = StudyWhat::in_words(study.overlays());
        let theirs = StudyWhat::in_words(&order.overlays);
        return other(format!("has {theirs} laid over its scenario by --set, and this has {own}"));
    }
    let own: Vec<(String, String)> = study
        .file()
        .parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), parameter.keys.join(", ")))
        .collect();
    let theirs: Vec<(String, String)> =
        summary.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.key.clone())).collect();
    if own != theirs {
        let names = |of: &[(String, String)]| {
            of.iter().map(|(name, key)| format!("{name} ({key})")).collect::<Vec<_>>().join(", ")
        };
        return other(format!("varies {}, and the study varies {}", names(&theirs), names(&own)));
    }
    let in_both = |values: &Vec<String>| summary.points.iter().any(|point| point.values == *values);
    if !study.points().iter().any(|point| in_both(&point.values)) {
        return other(
            "has none of the points of the study: the values of its parameters are all others".to_owned(),
        );
    }
    Ok(summary)
}

fn refuse_study(error: &StudyError) -> Exit {
    match error {
        StudyError::File(error) => refuse(error),
        StudyError::Point { point, refused, error } => {
            refuse(error);
            let others = match refused {
                1 => String::new(),
                more => format!(", and {} more are refused", more - 1),
            };
            misuse(
                &format!("the scenario's reader refuses the point {point}{others}"),
                "drop it by a constraint, or write refused = \"drop\" at the top of the study",
            )
        }
        StudyError::SetByParameter { .. } => {
            misuse(&error.to_string(), "give the parameter other values in the study, or leave the --set out")
        }
        StudyError::TooMany { .. } => misuse(
            &error.to_string(),
            "take fewer values, draw some with sample = { latin_hypercube = 40 }, or run them all with --force",
        ),
    }
}
