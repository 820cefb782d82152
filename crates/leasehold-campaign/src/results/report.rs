//! `report.html`: the sum of all runs for people. As in `summary.json`, nothing in it depends on the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use leasehold_check::{ClosestCall, Invariant};
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;
use leasehold_report::page::sweep_html;
use leasehold_report::sweep_page::{
    Agreement as Agrees, CallLine, ConfirmedLine, Counted, FailureLine, FaultLine, PairCount, ReachLine,
    ScenarioLine, SweepPage,
};

use super::{Expects, FAILURES, FaultSource, Manifest, Order, OrderedScenario, VariantName};
use crate::confirm::{Agreement, Confirmed};
use crate::failure::{TIMELINE, shell_path, shell_word};
use crate::fingerprint::Fingerprint;
use crate::standing::{Standing, Unmet};
use crate::tally::{ScenarioTally, Tally, closer};

/// The text of `report.html`.
pub(crate) fn report(manifest: &Manifest, tally: &Tally) -> String {
    sweep_html(&sheet(manifest, tally))
}

fn sheet(manifest: &Manifest, tally: &Tally) -> SweepPage {
    let order = &manifest.order;
    let unmet = manifest.unmet(tally);
    let none = ScenarioTally::default();
    let scenarios = order.scenarios.iter().zip(&unmet).enumerate();
    let scenarios = scenarios.map(|(place, (scenario, unmet))| {
        of_scenario(scenario, tally.scenarios.get(place).unwrap_or(&none), unmet)
    });
    let is_asked = !manifest.confirmed.is_empty() || order.confirm.is_some_and(|most| most > 0);
    let simulated: u128 = tally.scenarios.iter().map(|scenario| scenario.simulated_ns).sum();
    SweepPage {
        tool: order.tool.clone(),
        seeds: format!("{}..{}", order.seeds.0, order.seeds.1),
        command: command(order, manifest.shard.as_deref()),
        standing: Standing::of(unmet.iter().flatten()).name().to_owned(),
        incomplete: incomplete(manifest),
        runs: tally.runs(),
        failed: tally.failed(),
        simulated: simulated as f64 / 1e9,
        verdicts: verdicts(tally.scenarios.iter()),
        scenarios: scenarios.collect(),
        reach: reach(order, tally, &unmet),
        faults: faults(order, tally),
        pairs: pairs(order, tally),
        closest: closest(order, tally),
        failures: failures(manifest, tally),
        confirmed: is_asked.then(|| manifest.confirmed.iter().map(|run| confirmed(order, run)).collect()),
    }
}

/// What the other engine says of a run.
fn confirmed(order: &Order, run: &Confirmed) -> ConfirmedLine {
    let (agreement, there) = match &run.agreement {
        Agreement::Same => (Agrees::Same, "the same".to_owned()),
        Agreement::Other { verdict, failed } if failed.is_empty() => {
            (Agrees::Other, verdict.name().to_owned())
        }
        Agreement::Other { failed, .. } => {
            (Agrees::Other, failed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        }
        Agreement::Broken { message } => (Agrees::Other, format!("the harness itself panicked: {message}")),
        Agreement::NotExpressible { why } => (Agrees::Unknown, format!("not expressible: {why}")),
        Agreement::DoesNotFit { why } => (Agrees::Unknown, format!("too large: {why}")),
    };
    let lines = match agreement {
        Agrees::Other => order.both_lines(&order.program, run.scenario, run.seed).to_vec(),
        Agrees::Same | Agrees::Unknown => Vec::new(),
    };
    ConfirmedLine {
        run: format!("{} seed {}", order.scenarios[run.scenario].id, run.seed),
        here: run.failed.as_ref().map_or_else(|| "pass".to_owned(), Fingerprint::to_string),
        there,
        agreement,
        lines,
    }
}

fn incomplete(manifest: &Manifest) -> Option<String> {
    if manifest.complete {
        return manifest.shard.as_ref().map(|shard| format!("it is the shard {shard}"));
    }
    let why = manifest.stopped.clone().unwrap_or_else(|| "runs are missing".to_owned());
    let wanted = manifest.slice.1 - manifest.slice.0;
    Some(format!("{} of {wanted} runs are there; {why}", manifest.done))
}

/// Of more scenarios than this the command names the folders, and the manifest alone says which they were. Chosen by us: more
/// do not fit on a line.
const NAMED: usize = 8;

/// The line that does the same again.
fn command(order: &Order, shard: Option<&str>) -> String {
    let mut line = format!("{} sweep", shell_word(&order.program));
    let paths: Vec<&Path> = order.scenarios.iter().map(|scenario| Path::new(&scenario.path)).collect();
    let folders: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    let named = if paths.len() > NAMED { folders.into_iter().collect() } else { paths };
    named.iter().for_each(|path| line.push_str(&format!(" {}", shell_path(path))));
    line.push_str(&format!(" --seeds {}..{}", order.seeds.0, order.seeds.1));
    if order.faults == FaultSource::Scripted {
        line.push_str(" --no-chaos");
    }
    if let Some(engine) = &order.engine {
        line.push_str(&format!(" --engine {}", shell_word(engine)));
    }
    if order.variant == VariantName::Safe {
        line.push_str(" --safe");
    }
    for overlay in &order.overlays {
        line.push_str(&format!(" --set {}", shell_word(overlay)));
    }
    if order.ignore_expect {
        line.push_str(" --ignore-expect");
    }
    if let Some(confirm) = order.confirm {
        line.push_str(&format!(" --confirm {confirm}"));
    }
    if let Some(shard) = shard {
        line.push_str(&format!(" --shard {shard}"));
    }
    line
}

fn verdicts<'t>(scenarios: impl Iterator<Item = &'t ScenarioTally>) -> Vec<Counted> {
    let mut sums = BTreeMap::new();
    for (verdict, runs) in scenarios.flat_map(|scenario| &scenario.verdicts) {
        *sums.entry(*verdict).or_insert(0) += runs;
    }
    sums.into_iter().map(|(verdict, count)| Counted { name: verdict.name().to_owned(), count }).collect()
}

fn of_scenario(scenario: &OrderedScenario, tally: &ScenarioTally, unmet: &[Unmet]) -> ScenarioLine {
    let expects = match (scenario.expects, scenario.violation) {
        (_, Some(invariant)) => format!("a violation of {} {}", invariant.id(), invariant.name()),
        (Expects::Panic, None) => "a panic".to_owned(),
        (Expects::Vacuous, None) => "that it says nothing".to_owned(),
        (Expects::Pass | Expects::Violation, None) => "that all invariants hold".to_owned(),
    };
    ScenarioLine {
        id: scenario.id.clone(),
        path: scenario.path.clone(),
        expects,
        runs: tally.runs,
        failed: tally.failed,
        hazards: tally.with_hazard,
        verdicts: verdicts(std::iter::once(tally)),
        unmet: unmet.iter().map(Unmet::in_words).collect(),
    }
}

fn reach(order: &Order, tally: &Tally, unmet: &[Vec<Unmet>]) -> Vec<ReachLine> {
    let line = |probe: Probe| {
        let runs =
            tally.scenarios.iter().filter_map(|scenario| scenario.reach.get(&probe)).map(|(runs, _)| runs);
        let misses = |unmet: &&Unmet| matches!(unmet, Unmet::NeverReached(missed) if *missed == probe);
        let scenarios = order.scenarios.iter().zip(unmet);
        let missed_in = scenarios.filter(|(_, unmet)| unmet.iter().any(|one| misses(&one)));
        ReachLine {
            place: probe.name().to_owned(),
            runs: runs.sum(),
            missed_in: missed_in.map(|(scenario, _)| scenario.id.clone()).collect(),
        }
    };
    Probe::ALL.into_iter().map(line).collect()
}

/// The kinds that some run can have.
fn kinds(order: &Order) -> Vec<FaultKind> {
    FaultKind::ALL.into_iter().filter(|kind| order.can_have(*kind)).collect()
}

fn faults(order: &Order, tally: &Tally) -> Vec<FaultLine> {
    let line = |kind: FaultKind| {
        let counts = tally.scenarios.iter().filter_map(|scenario| scenario.faults.get(&kind));
        let [scheduled, fired, landed] = counts
            .fold([0, 0, 0], |sum: [u64; 3], more| std::array::from_fn(|place| sum[place] + more[place]));
        FaultLine { kind: kind.name().to_owned(), scheduled, fired, landed }
    };
    kinds(order).into_iter().map(line).collect()
}

fn pairs(order: &Order, tally: &Tally) -> Vec<PairCount> {
    let kinds = kinds(order);
    let count = |one: FaultKind, other: FaultKind| {
        let runs = tally.scenarios.iter().filter_map(|scenario| scenario.pairs.get(&(one, other)));
        PairCount { one: one.name().to_owned(), other: other.name().to_owned(), runs: runs.sum() }
    };
    let with_later = |(place, one): (usize, &FaultKind)| {
        kinds[place..].iter().map(|other| count((*one).min(*other), (*one).max(*other))).collect::<Vec<_>>()
    };
    kinds.iter().enumerate().flat_map(with_later).collect()
}

/// The closest of all first. Designs that are expected to break say nothing about how close one comes, unless there are
/// no others.
fn closest(order: &Order, tally: &Tally) -> Vec<CallLine> {
    let holding =
        tally.closest(|place| order.ignore_expect || order.scenarios[place].expects == Expects::Pass);
    let calls = if holding.is_empty() { tally.closest(|_| true) } else { holding };
    let mut calls: Vec<_> = calls.into_iter().collect();
    calls.sort_by(|(_, one), (_, other)| closer(&one.0, &other.0));
    let line = |(invariant, (call, place, seed)): (Invariant, (ClosestCall, usize, u64))| CallLine {
        id: invariant.id().to_owned(),
        invariant: invariant.name().to_owned(),
        left: call.left.as_nanos() as f64 / 1e9,
        of: call.of.map(|of| of.as_nanos() as f64 / 1e9),
        scenario: format!("{} seed {seed}", order.scenarios[place].id),
        line: order.line(place, seed),
    };
    calls.into_iter().map(line).collect()
}

fn failures(manifest: &Manifest, tally: &Tally) -> Vec<FailureLine> {
    let order = &manifest.order;
    let mut found = Vec::new();
    for (place, scenario) in tally.scenarios.iter().enumerate() {
        for (fingerprint, failure) in &scenario.failures {
            let stored = manifest
                .failures
                .iter()
                .find(|stored| stored.scenario == place && stored.fingerprint == *fingerprint);
            let folder = stored.map(|stored| format!("{FAILURES}/{}", stored.id));
            // The folder is named as it stands beside this page, which may be moved.
            let mut lines: Vec<String> =
                failure.seeds.first().map(|seed| order.line(place, *seed)).into_iter().collect();
            if let Some(folder) = &folder {
                let (program, folder) = (shell_word(&order.program), shell_path(Path::new(folder)));
                lines.push(format!("{program} replay {folder}"));
                lines.push(format!("{program} explain {folder}"));
            }
            let line = FailureLine {
                what: fingerprint.to_string(),
                scenario: order.scenarios[place].id.clone(),
                runs: failure.runs,
                seeds: failure.seeds.clone(),
                timeline: folder.as_ref().map(|folder| format!("{folder}/{TIMELINE}")),
                folder,
                lines,
            };
            found.push((failure.first, line));
        }
    }
    found.sort_by_key(|(first, _)| *first);
    found.into_iter().map(|(_, line)| line).collect()
}
