//! `run`: one scenario, one seed.

use std::sync::Arc;

use leasehold_campaign::Recorder;
use leasehold_report::{Histograms, judge_budgets, meter_of_budgets};
use leasehold_scenario::{Expect, Faults, Report, System, Trial, Variant};

use crate::again::replay_line;
use crate::args::{Format, RunArgs};
use crate::drawn;
use crate::engines::{self, Allowing, Misfits, engine_for, overlay_of};
use crate::exit::Exit;
use crate::json;
use crate::log::{Detail, Log};
use crate::names::Names;
use crate::page::Page;
use crate::panics;
use crate::refusal::{load, not_written, refuse};
use crate::summary::{Expectation, Summary};
use crate::timeline::{TimelineFile, is_same_file};

/// Runs it, prints it, judges it.
pub(crate) fn run(args: &RunArgs, systems: &[&dyn System]) -> Exit {
    let variant = if args.safe { Variant::Safe } else { Variant::AsWritten };
    let overlays: Vec<String> = args.overlays.iter().cloned().chain(overlay_of(&args.allow)).collect();
    let scenario = match load(&args.scenario, &overlays, variant, systems) {
        Ok(scenario) => Arc::new(scenario),
        Err(error) => return refuse(&error),
    };
    if args.chaos && scenario.is_explicit() {
        anstream::eprintln!(
            "note: the scenario has a [plan], which leaves nothing to draw; --chaos adds nothing"
        );
    }
    let faults = if args.chaos { Faults::Random } else { Faults::Scripted };
    let engine = engine_for(args.engine, &scenario);
    let trial = Trial::meant_for(engine, &scenario, args.seed, faults, systems);
    let (scenario, expect) = (trial.scenario(), &trial.scenario().expect);
    if let Err(exit) = engines::check(&trial, engine, Misfits::of(args.force), Allowing::Flag) {
        return exit;
    }
    if let Some(trace) = args.trace.as_deref().filter(|trace| is_same_file(trace, &args.scenario)) {
        let problem = format!("error: {} is the scenario; write the trace to another file", trace.display());
        anstream::eprintln!("{problem}");
        return Exit::Usage;
    }
    let names = Names::new(trial.header(engine));
    let mut recorder = match args.trace.as_deref().map(|path| Recorder::begin(path, names.header())) {
        None => None,
        Some(Ok(recorder)) => Some(recorder),
        Some(Err(error)) => return not_written(args.trace.as_deref(), &error),
    };

    let others = [Some(args.scenario.as_path()), args.trace.as_deref()];
    let drawing = args.timeline.as_deref().map(|path| TimelineFile::begin(path, names.header(), &others));
    let mut drawing = match drawing.transpose() {
        Ok(drawing) => drawing,
        Err(exit) => return exit,
    };

    let mut page = Page::stdout();
    let with_log = args.format == Format::Human && !args.quiet;
    if with_log {
        page.line(format_args!("{}: {}", scenario.name, scenario.summary));
        page.line(format_args!(""));
        for line in drawn::lines(&trial) {
            page.line(format_args!("{line}"));
        }
    }
    let mut log = with_log.then(|| {
        let detail = if args.verbose { Detail::Full } else { Detail::Folded };
        Log::new(&mut page, &names, detail)
    });
    let mut samples = Histograms::default();
    let mut meter = if args.ignore_expect { None } else { meter_of_budgets(&trial, engine) };
    let drawn_upon = drawing.as_mut().map(|drawing| &mut drawing.timeline);
    let mut observers = ((log.as_mut(), recorder.as_mut()), ((drawn_upon, &mut samples), &mut meter));
    let (mut report, panicked_at) = panics::watch(|| trial.run(engine, &mut observers));
    if let Some(log) = log {
        log.finish();
        page.line(format_args!(""));
    }
    let budgets = judge_budgets(&mut report, expect, meter);
    let traced = recorder.map_or(Ok(()), |recorder| recorder.finish(&report));
    let drawn = drawing.map_or(Ok(()), |drawing| drawing.finish(&trial, &report, replay_line(args)));

    let summary = Summary {
        expectation: if args.ignore_expect { Expectation::Ignored(expect) } else { Expectation::Of(expect) },
        names: &names,
        report: &report,
        samples: &samples,
        budgets: &budgets,
        panicked_at: panicked_at.as_deref(),
        again: replay_line(args),
    };
    match args.format {
        Format::Human => summary.print(&mut page),
        Format::Json => {
            let mut object = json::object(&summary);
            (object["settings"], object["drawn"]) = (drawn::settings(&trial), drawn::told(&trial));
            page.line(format_args!("{object:#}"));
        }
    }
    if let Err(error) = page.finish() {
        return not_written(None, &error);
    }
    if let Err(error) = traced {
        return not_written(args.trace.as_deref(), &error);
    }
    if let Err(exit) = drawn {
        return exit;
    }
    exit_of(args, expect, &report)
}

fn exit_of(args: &RunArgs, expect: &Expect, report: &Report) -> Exit {
    let by_verdict = Exit::of(report.verdict);
    if args.ignore_expect {
        return by_verdict;
    }
    if report.unmet.is_empty() {
        return Exit::Fine;
    }
    match by_verdict {
        Exit::Panicked => Exit::Panicked,
        Exit::Vacuous => Exit::Vacuous,
        Exit::BudgetMissed if report.only_missed_reach(expect) => Exit::BudgetMissed,
        // What was expected happened, but not where it matters.
        _ if report.only_missed_reach(expect) => Exit::Vacuous,
        _ => Exit::Violated,
    }
}
