//! `sweep`: many scenarios, many seeds.

mod arguments;
mod clock;
mod json;
mod page;
mod progress;
mod signals;
mod totals;
mod watch;

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use leasehold_campaign::{
    Expectation, Plateau, Program, ProgramError, ProgramOptions, Reason, Standing, Sweep, SweepEnd,
    SweepOrder, Unmet, Until, Whole, Wish,
};
use leasehold_scenario::{Faults, System, Variant};

pub(crate) use arguments::SweepArgs;

use crate::args::Format;
use crate::exit::Exit;
use crate::page::Page;
use crate::panics;
use crate::refusal::{finish, misuse, refuse};
use clock::Stopwatch;
use page::Findings;
use progress::Progress;
use signals::Signals;
use watch::Watch;

/// Runs them all, says what they came to.
pub(crate) fn sweep(args: &SweepArgs, systems: &[&dyn System]) -> Exit {
    let program = match Program::load(&args.paths, options(args), systems) {
        Ok(program) => program,
        Err(error) => return refuse_program(&error),
    };
    let jobs = args.jobs.unwrap_or_else(all_cores);
    let signals = Signals::listen();
    let stopwatch = Stopwatch::start();
    let wish = || match () {
        () if signals.caught().is_some() => Wish::Hurry,
        () if args.time.is_some_and(|budget| stopwatch.elapsed() >= budget) => Wish::NoMoreRuns,
        () => Wish::GoOn,
    };
    let order = SweepOrder {
        program: &program,
        positions: 0..program.total(),
        systems,
        engine: args.engine.into(),
        jobs,
        audit: args.audit,
        until: Until {
            failures: args.fail_fast,
            plateau: if args.until_plateau { Plateau::Stop } else { Plateau::GoOn },
        },
        wish: &wish,
    };
    let progress = Progress::begin(args, &program, &order, &stopwatch);
    let mut watch = Watch::new(progress);
    panics::silence_threads(leasehold_campaign::THREAD);
    let ended = Sweep::new(&order).run(&mut watch);
    let found = watch.finish();
    let end = match ended {
        Ok(end) => end,
        Err(error) => return misuse(&error.to_string(), "give a smaller --jobs"),
    };

    let findings = Findings {
        args,
        program: &program,
        order: &order,
        end: &end,
        unmet: end.tally.unmet(&program, Whole::Sweep),
        found: &found,
        elapsed: stopwatch.elapsed(),
        interrupted: signals.caught().is_some(),
    };
    let mut out = Page::stdout();
    match args.format {
        Format::Human => page::print(&findings, &mut out),
        Format::Json => out.line(format_args!("{:#}", json::object(&findings))),
    }
    let exit = exit_of(&findings, signals.caught());
    finish(out, exit)
}

fn options(args: &SweepArgs) -> ProgramOptions {
    ProgramOptions {
        seeds: args.seeds,
        overlays: args.overlays.clone(),
        variant: if args.safe { Variant::Safe } else { Variant::AsWritten },
        faults: if args.no_chaos { Faults::Scripted } else { Faults::Random },
        expectation: if args.ignore_expect { Expectation::Ignored } else { Expectation::Counts },
    }
}

fn all_cores() -> NonZeroUsize {
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
        ProgramError::UnreadableFolder { .. } | ProgramError::TooMany { .. } => {
            anstream::eprintln!("error: {error}");
        }
    }
    Exit::Usage
}

fn exit_of(findings: &Findings<'_>, interrupted: Option<Exit>) -> Exit {
    let Findings { args, end, unmet, found, .. } = findings;
    if !end.broken.is_empty() {
        return Exit::Panicked;
    }
    let differs = found.iter().any(|finding| !page::is_confirmed(finding));
    if let Some(exit) = interrupted {
        return exit;
    }
    let by_standing = match Standing::of(unmet.iter().flatten()) {
        Standing::NotDeterministic => Exit::NotDeterministic,
        _ if differs => Exit::NotDeterministic,
        Standing::Failed => Exit::Violated,
        Standing::Vacuous => Exit::Vacuous,
        Standing::Met => Exit::Fine,
    };
    if by_standing == Exit::Violated && args.exit_zero_on_violation { Exit::Fine } else { by_standing }
}

/// Whether a sweep ran all that it was to run.
fn is_complete(end: &SweepEnd) -> bool {
    end.reason == Reason::Complete
}

/// How a scenario is not what it should be, in words.
fn in_words(unmet: &[Unmet]) -> String {
    let words: Vec<String> = unmet.iter().map(Unmet::in_words).collect();
    words.join("; ")
}
