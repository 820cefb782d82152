//! `sweep`: many scenarios, many seeds.

pub(crate) mod arguments;
mod asked;
pub(crate) mod clock;
pub(crate) mod findings;
mod json;
mod junit_file;
mod keeper;
pub(crate) mod page;
mod progress;
pub(crate) mod signals;
mod totals;
mod watch;

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use leasehold_campaign::{
    Agreement, Candidate, Confirmed, Kept, Manifest, NoThreads, Order, Plateau, Program, ProgramError, Shard,
    Standing, Sweep, SweepEnd, SweepOrder, Timing, Unmet, Until, Whole, Wish, confirm, junit,
};
use leasehold_scenario::System;

pub(crate) use arguments::SweepArgs;
pub(crate) use asked::{refuse as refuse_results, shard as chosen_shard};

use crate::args::Format;
use crate::exit::Exit;
use crate::github;
use crate::page::Page;
use crate::panics;
use crate::refusal::{finish, misuse, not_written, refuse};
use crate::words::counted;
use asked::Asked;
use clock::Stopwatch;
use findings::{Again, Earlier, Ending, Failure, Findings, Pace, program_name};
use junit_file::{JunitFile, Overwrite};
use keeper::{Finished, Hurry, Keeper};
use progress::Progress;
use signals::Signals;
use totals::Totals;
use watch::Watch;

/// Runs them all, says what they came to.
pub(crate) fn sweep(args: &SweepArgs, systems: &[&dyn System]) -> Exit {
    match order(args, systems) {
        Ok((asked, program)) => run(args, &asked, &program, systems),
        Err(exit) => exit,
    }
}

fn order(args: &SweepArgs, systems: &[&dyn System]) -> Result<(Asked, Program), Exit> {
    let asked = Asked::new(args)?;
    let program = Program::load(&asked.paths, asked.options.clone(), systems);
    let program = program.map_err(|error| refuse_program(&error))?;
    let program = match &args.rerun_failed {
        Some(dir) => {
            let jobs = asked::failed(dir, &program)?;
            program.only(jobs)
        }
        None => program,
    };
    Ok((asked, program))
}

fn run(args: &SweepArgs, asked: &Asked, program: &Program, systems: &[&dyn System]) -> Exit {
    let jobs = args.jobs.unwrap_or_else(all_cores);
    let signals = Signals::listen();
    let stopwatch = Stopwatch::start();
    let wish = || match () {
        () if signals.caught().is_some() => Wish::Hurry,
        () if args.time.is_some_and(|budget| stopwatch.elapsed() >= budget) => Wish::NoMoreRuns,
        () => Wish::GoOn,
    };
    let hurry = || if wish() == Wish::Hurry { Hurry::Yes } else { Hurry::No };
    let order = SweepOrder {
        program,
        positions: asked.shard.slice(program.total()),
        systems,
        jobs,
        audit: asked.audit,
        until: Until {
            failures: args.fail_fast,
            plateau: if args.until_plateau { Plateau::Stop } else { Plateau::GoOn },
        },
        wish: &wish,
    };
    let what = Order::new(program, asked.audit, asked.confirm, &program_name());
    let mut sweep = Sweep::new(&order);
    let overwrite = if args.force { Overwrite::Anything } else { Overwrite::Reports };
    let junit = match args.junit.as_deref().map(|file| JunitFile::begin(file, overwrite)).transpose() {
        Ok(junit) => junit,
        Err(exit) => return exit,
    };
    let keeper = match Keeper::new(args, program, &what, asked.shard, &mut sweep) {
        Ok(keeper) => keeper,
        Err(error) => return refuse_results(&error),
    };
    let done = Totals::of(sweep.tally());
    let earlier = Earlier { runs: done.runs, simulated: done.simulated_seconds() };
    let progress = Progress::begin(args, program, &order, &stopwatch);
    let mut watch = Watch::new(progress, keeper, &hurry);
    panics::silence_threads(leasehold_campaign::THREAD);
    let ended = sweep.run(&mut watch);
    let (found, mut keeper) = watch.finish();
    let end = match ended {
        Ok(end) => end,
        Err(error) => return misuse(&error.to_string(), "give a smaller --jobs"),
    };
    let confirmed = match asked.confirm.filter(|_| wish() < Wish::Hurry) {
        None => None,
        Some(_) => {
            let candidates = keeper.candidates(systems);
            match confirmed(args, program, candidates, jobs, systems, &|| wish() == Wish::Hurry) {
                Ok(runs) => Some(runs),
                Err(error) => return misuse(&error.to_string(), "give a smaller --jobs"),
            }
        }
    };
    keeper.confirmed(confirmed.as_deref().unwrap_or_default());
    let interrupted = signals.caught();
    let ending = Ending::of(end.reason, interrupted.is_some());
    let elapsed = stopwatch.elapsed();
    let timing = Timing { seconds: elapsed.as_secs_f64(), jobs: jobs.get() };
    let kept = keeper.finish(ending.why(), timing);
    let resumed = args.resume.is_some();
    let over = Over { what, shard: asked.shard, end, found, confirmed, ending, resumed, junit };
    let pace = Pace { elapsed, jobs: jobs.get(), earlier };
    tell(args, over, kept, pace, interrupted)
}

/// What turmoil says of some runs.
fn confirmed(
    args: &SweepArgs,
    program: &Program,
    candidates: Vec<Candidate>,
    jobs: NonZeroUsize,
    systems: &[&dyn System],
    is_enough: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Confirmed>, NoThreads> {
    if !args.quiet {
        let failed = candidates.iter().filter(|candidate| candidate.failed.is_some()).count() as u64;
        let (failed, all) = (counted(failed, "failure"), candidates.len() as u64);
        anstream::eprintln!("confirming on turmoil: {}, {failed} among them", counted(all, "run"));
    }
    confirm(program, candidates, jobs, systems, is_enough)
}

/// A sweep that is over.
struct Over {
    what: Order,
    shard: Shard,
    end: SweepEnd,
    found: Vec<Failure>,
    confirmed: Option<Vec<Confirmed>>,
    ending: Ending,
    resumed: bool,
    junit: Option<JunitFile>,
}

fn tell(args: &SweepArgs, over: Over, kept: Finished, pace: Pace, interrupted: Option<Exit>) -> Exit {
    let Over { what, shard, end, found, confirmed, mut ending, resumed, junit: file } = over;
    let slice = shard.slice(match args.rerun_failed {
        Some(_) => end.done_to,
        None => what.total(),
    });
    let audited = if resumed { what.audited(slice.start..end.done_to) } else { end.audited };
    let (mut not_kept, mut failures, mut tally) = (None, found, end.tally);
    let (manifest, kept_in) = match kept {
        Finished::Results(kept) => {
            let Kept { dir, manifest, tally: written, broken } = *kept;
            failures = with_folders(failures, Failure::stored(&dir, &manifest));
            if let Some(error) = broken {
                (tally, not_kept) = (written, Some(error));
                // All may be there, and only not in its place.
                ending = if manifest.complete { ending } else { Ending::NotWritten };
            }
            (manifest, Some(dir))
        }
        Finished::Failures(dir, error) => {
            not_kept = error;
            let mut manifest = Manifest::new(what.clone(), shard);
            manifest.covers_to(end.done_to);
            (manifest, dir)
        }
    };
    // What is stored says the same: one rule, in the manifest. A choice of runs is no whole sweep.
    let unmet = match args.rerun_failed {
        Some(_) => what.unmet(&tally, Whole::Part),
        None => manifest.unmet(&tally),
    };
    let wanted = if args.rerun_failed.is_some() { tally.runs() } else { slice.end - slice.start };
    let junit = file.map(|file| (file, junit(&manifest, &tally)));
    let findings = Findings {
        order: what,
        tally,
        unmet,
        failures,
        confirmed,
        broken: end.broken,
        wanted,
        audited,
        ending,
        pace: Some(pace),
        kept_in,
    };
    let exit = print(&findings, args.format, exit_of(&findings, args.exit_zero_on_violation, interrupted));
    if let Some((file, text)) = junit
        && let Err(exit) = file.finish(&text)
    {
        return exit;
    }
    match not_kept {
        Some(error) => refuse_results(&error),
        None => exit,
    }
}

/// Tells it to people and machines.
pub(crate) fn print(findings: &Findings, format: Format, exit: Exit) -> Exit {
    let mut out = Page::stdout();
    match format {
        Format::Human => page::print(findings, &mut out),
        Format::Json => out.line(format_args!("{:#}", json::object(findings))),
    }
    let exit = finish(out, exit);
    match github::tell(findings, &|name| std::env::var(name).ok()) {
        Ok(()) => exit,
        Err((file, error)) => not_written(Some(&file), &error),
    }
}

/// What was found in this sweep and in the one that it goes on with, with the folders of those that are stored.
fn with_folders(found: Vec<Failure>, stored: Vec<Failure>) -> Vec<Failure> {
    let mut all = found;
    for failure in stored {
        let same = |known: &&mut Failure| {
            known.job.scenario == failure.job.scenario && known.fingerprint == failure.fingerprint
        };
        match all.iter_mut().find(same) {
            Some(known) => known.folder = failure.folder,
            None => all.push(failure),
        }
    }
    all.sort_by_key(|failure| failure.position);
    all
}

pub(crate) fn all_cores() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn refuse_program(error: &ProgramError) -> Exit {
    match error {
        ProgramError::Wrong { errors } => {
            for error in errors {
                refuse(error);
            }
            if errors.len() > 1 {
                anstream::eprintln!("error: {} files cannot be run as a scenario", errors.len());
            }
        }
        ProgramError::NothingFound { .. } => {
            misuse(&error.to_string(), "name scenario files, or folders with some");
        }
        ProgramError::NothingFits { .. } => {
            misuse(&error.to_string(), "run them on sim, or allow what is left out with --allow");
        }
        ProgramError::UnreadableFolder { .. } | ProgramError::TooMany { .. } => {
            anstream::eprintln!("error: {error}");
        }
    }
    Exit::Usage
}

/// What it comes to. Missing shards come before violations: whoever merges wants to know that first.
pub(crate) fn exit_of(findings: &Findings, exit_zero_on_violation: bool, interrupted: Option<Exit>) -> Exit {
    let broke = |run: &Confirmed| matches!(run.agreement, Agreement::Broken { .. });
    if !findings.broken.is_empty() || findings.dissents().any(broke) {
        return Exit::Panicked;
    }
    if let Some(exit) = interrupted {
        return exit;
    }
    let differs = findings.failures.iter().any(|failure| failure.confirmation == Again::Different);
    let by_standing = match Standing::of(findings.unmet.iter().flatten()) {
        Standing::NotDeterministic => Exit::NotDeterministic,
        _ if differs => Exit::NotDeterministic,
        _ if findings.ending == Ending::Missing => Exit::Incomplete,
        Standing::Failed => Exit::Violated,
        _ if findings.dissents().next().is_some() => Exit::Violated,
        Standing::BudgetMissed => Exit::BudgetMissed,
        Standing::Vacuous => Exit::Vacuous,
        _ if findings.confirms_nothing() => Exit::Vacuous,
        Standing::Met => Exit::Fine,
    };
    if by_standing == Exit::Violated && exit_zero_on_violation { Exit::Fine } else { by_standing }
}

/// How a scenario is not what it should be, in words.
fn in_words(unmet: &[Unmet]) -> String {
    let words: Vec<String> = unmet.iter().map(Unmet::in_words).collect();
    words.join("; ")
}
