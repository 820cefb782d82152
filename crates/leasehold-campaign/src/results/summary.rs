//! `summary.json`: the sum of all runs. Nothing in it depends on the machine.

use std::collections::BTreeMap;

use leasehold_check::{Invariant, Metric, Verdict};
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;
use leasehold_core::time::Span;
use leasehold_report::{Histograms, interval_log};
use leasehold_scenario::Engine;
use serde::Serialize;

use super::writer::json;
use super::{FORMAT, Manifest};
use crate::confirm::{Agreement, Confirmed};
use crate::fingerprint::Fingerprint;
use crate::standing::{Standing, Unmet};
use crate::tally::{MeasureTally, ScenarioTally, Tally};

/// The text of `histograms.hlog`; nothing if nothing was measured.
pub(crate) fn histograms(manifest: &Manifest, tally: &Tally) -> Option<String> {
    let of_scenario = |(scenario, tally): (&super::OrderedScenario, &ScenarioTally)| {
        let mut histograms = Histograms::default();
        for (metric, measured) in &tally.measures {
            histograms.insert(*metric, &measured.histogram);
        }
        (!histograms.is_empty()).then(|| (scenario.id.clone(), histograms))
    };
    let measured: Vec<(String, Histograms)> =
        manifest.order.scenarios.iter().zip(&tally.scenarios).filter_map(of_scenario).collect();
    (!measured.is_empty())
        .then(|| interval_log(measured.iter().map(|(name, histograms)| (name.as_str(), histograms))))
}

/// The text of `summary.json`.
pub(crate) fn summary(manifest: &Manifest, tally: &Tally) -> String {
    let unmet = manifest.unmet(tally);
    let none = ScenarioTally::default();
    let scenarios: Vec<ScenarioSummary<'_>> = manifest
        .order
        .scenarios
        .iter()
        .zip(&unmet)
        .enumerate()
        .map(|(place, (scenario, unmet))| {
            let tally = tally.scenarios.get(place).unwrap_or(&none);
            ScenarioSummary::new(&scenario.path, &scenario.name, tally, unmet)
        })
        .collect();
    let mut sums = Sums::default();
    tally.scenarios.iter().for_each(|scenario| sums.add(scenario));
    let path = |place: usize| manifest.order.scenarios[place].path.as_str();
    let closest_calls = tally.closest(|_| true).into_iter().map(|(invariant, (call, place, seed))| {
        ClosestSummary { invariant, left_ns: call.left, of_ns: call.of, scenario: path(place), seed }
    });
    let not_deterministic =
        tally.not_deterministic.iter().map(|&(place, seed)| RunName { scenario: path(place), seed });
    json(&Summary {
        format: FORMAT,
        complete: manifest.complete,
        standing: Standing::of(unmet.iter().flatten()).name(),
        runs: tally.runs(),
        failed: tally.failed(),
        events: sums.events,
        simulated_ns: sums.simulated_ns,
        verdicts: sums.verdicts,
        reach: named_reach(&sums.reach),
        faults: named_faults(&sums.faults),
        pairs: named_pairs(&sums.pairs),
        closest_calls: closest_calls.collect(),
        not_deterministic: not_deterministic.collect(),
        failures: failures(manifest, tally),
        confirmed: manifest.order.confirm.map(|_| ConfirmedSummary::of(manifest)),
        scenarios,
    })
}

#[derive(Serialize)]
struct Summary<'m> {
    format: u32,
    complete: bool,
    standing: &'static str,
    runs: u64,
    failed: u64,
    events: u64,
    simulated_ns: u128,
    verdicts: BTreeMap<Verdict, u64>,
    reach: BTreeMap<&'static str, ReachSummary>,
    faults: BTreeMap<&'static str, FaultSummary>,
    pairs: BTreeMap<String, u64>,
    closest_calls: Vec<ClosestSummary<'m>>,
    not_deterministic: Vec<RunName<'m>>,
    failures: Vec<FailureSummary<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<ConfirmedSummary<'m>>,
    scenarios: Vec<ScenarioSummary<'m>>,
}

#[derive(Serialize)]
struct ScenarioSummary<'m> {
    path: &'m str,
    name: &'m str,
    met: bool,
    unmet: Vec<String>,
    runs: u64,
    failed: u64,
    found_expected: u64,
    with_hazard: u64,
    events: u64,
    simulated_ns: u128,
    verdicts: BTreeMap<Verdict, u64>,
    reach: BTreeMap<&'static str, ReachSummary>,
    faults: BTreeMap<&'static str, FaultSummary>,
    pairs: BTreeMap<String, u64>,
    invariants: BTreeMap<&'static str, InvariantSummary>,
    measures: BTreeMap<&'static str, MeasureSummary>,
}

/// What was measured of one metric, in the metric's unit.
#[derive(Clone, Debug, Serialize)]
pub struct MeasureSummary {
    unit: &'static str,
    samples: u64,
    in_bound: u64,
    outside: u64,
    violated: u64,
    worst: u64,
    percentiles: BTreeMap<&'static str, u64>,
    /// That which used up the greatest share of its bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<NearestSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times_ns: Option<TimesSummary>,
}

#[derive(Clone, Debug, Serialize)]
struct NearestSummary {
    measured: u64,
    bound: u64,
    share: f64,
    seed: u64,
}

#[derive(Clone, Debug, Serialize)]
struct TimesSummary {
    in_bound: Span,
    outside: Span,
    violated: Span,
}

impl MeasureSummary {
    /// What a scenario's runs measured of a metric.
    pub fn of(metric: Metric, tally: &MeasureTally) -> Self {
        let [in_bound, outside, violated] = tally.counts;
        let percentiles = tally.histogram.percentiles(tally.worst);
        Self {
            unit: metric.unit().name(),
            samples: tally.samples(),
            in_bound,
            outside,
            violated,
            worst: tally.worst,
            percentiles: percentiles.into_iter().map(|told| (told.name, told.value)).collect(),
            nearest: tally.nearest.map(|(nearest, seed)| NearestSummary {
                measured: nearest.measured,
                bound: nearest.bound,
                share: nearest.share_ppm() as f64 / 1e6,
                seed,
            }),
            times_ns: tally.times.map(|times| TimesSummary {
                in_bound: times.in_bound,
                outside: times.outside,
                violated: times.violated,
            }),
        }
    }
}

#[derive(Serialize)]
struct ReachSummary {
    runs: u64,
    times: u64,
}

#[derive(Serialize)]
struct FaultSummary {
    scheduled: u64,
    fired: u64,
    landed: u64,
}

#[derive(Serialize)]
struct InvariantSummary {
    judged: u64,
    excused: u64,
    violations: u64,
    closest: Option<ClosestHere>,
}

#[derive(Serialize)]
struct ClosestHere {
    left_ns: Span,
    of_ns: Option<Span>,
    seed: u64,
}

#[derive(Serialize)]
struct ClosestSummary<'m> {
    invariant: Invariant,
    left_ns: Span,
    of_ns: Option<Span>,
    scenario: &'m str,
    seed: u64,
}

#[derive(Serialize)]
struct RunName<'m> {
    scenario: &'m str,
    seed: u64,
}

#[derive(Serialize)]
struct FailureSummary<'m> {
    fingerprint: &'m Fingerprint,
    scenario: &'m str,
    runs: u64,
    first_position: u64,
    seeds: &'m [u64],
    folder: Option<String>,
}

/// What the other engine says of some runs.
#[derive(Serialize)]
struct ConfirmedSummary<'m> {
    engine: &'static str,
    runs: usize,
    same: usize,
    other: usize,
    not_expressible: usize,
    does_not_fit: usize,
    broken: usize,
    dissents: Vec<DissentSummary<'m>>,
}

#[derive(Serialize)]
struct DissentSummary<'m> {
    scenario: &'m str,
    seed: u64,
    failed: Option<&'m Fingerprint>,
    agreement: &'m Agreement,
    lines: [String; 2],
}

impl<'m> ConfirmedSummary<'m> {
    fn of(manifest: &'m Manifest) -> Self {
        let runs = &manifest.confirmed;
        let count = |is: fn(&Agreement) -> bool| runs.iter().filter(|run| is(&run.agreement)).count();
        let dissent = |run: &'m Confirmed| DissentSummary {
            scenario: &manifest.order.scenarios[run.scenario].path,
            seed: run.seed,
            failed: run.failed.as_ref(),
            agreement: &run.agreement,
            lines: manifest.order.both_lines(&manifest.order.program, run.scenario, run.seed),
        };
        Self {
            engine: Engine::Turmoil.name(),
            runs: runs.len(),
            same: count(|agreement| matches!(agreement, Agreement::Same)),
            other: count(|agreement| matches!(agreement, Agreement::Other { .. })),
            not_expressible: count(|agreement| matches!(agreement, Agreement::NotExpressible { .. })),
            does_not_fit: count(|agreement| matches!(agreement, Agreement::DoesNotFit { .. })),
            broken: count(|agreement| matches!(agreement, Agreement::Broken { .. })),
            dissents: runs.iter().filter(|run| run.agreement.is_dissent()).map(dissent).collect(),
        }
    }
}

/// What is added up over all scenarios.
#[derive(Default)]
struct Sums {
    events: u64,
    simulated_ns: u128,
    verdicts: BTreeMap<Verdict, u64>,
    reach: BTreeMap<Probe, (u64, u64)>,
    faults: BTreeMap<FaultKind, [u64; 3]>,
    pairs: BTreeMap<(FaultKind, FaultKind), u64>,
}

impl Sums {
    fn add(&mut self, scenario: &ScenarioTally) {
        self.events += scenario.events;
        self.simulated_ns += scenario.simulated_ns;
        for (&verdict, runs) in &scenario.verdicts {
            *self.verdicts.entry(verdict).or_default() += runs;
        }
        for (&probe, (more_runs, more_times)) in &scenario.reach {
            let (runs, times) = self.reach.entry(probe).or_default();
            *runs += more_runs;
            *times += more_times;
        }
        for (&kind, more) in &scenario.faults {
            let sums = self.faults.entry(kind).or_default();
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        for (&pair, runs) in &scenario.pairs {
            *self.pairs.entry(pair).or_default() += runs;
        }
    }
}

impl<'m> ScenarioSummary<'m> {
    fn new(path: &'m str, name: &'m str, tally: &ScenarioTally, unmet: &[Unmet]) -> Self {
        let invariants = tally.invariants.iter().map(|(invariant, &[judged, excused, violations])| {
            let closest = tally.closest.get(invariant).map(|&(call, seed)| ClosestHere {
                left_ns: call.left,
                of_ns: call.of,
                seed,
            });
            (invariant.name(), InvariantSummary { judged, excused, violations, closest })
        });
        Self {
            path,
            name,
            met: unmet.is_empty(),
            unmet: unmet.iter().map(Unmet::in_words).collect(),
            runs: tally.runs,
            failed: tally.failed,
            found_expected: tally.found_expected,
            with_hazard: tally.with_hazard,
            events: tally.events,
            simulated_ns: tally.simulated_ns,
            verdicts: tally.verdicts.clone(),
            reach: named_reach(&tally.reach),
            faults: named_faults(&tally.faults),
            pairs: named_pairs(&tally.pairs),
            invariants: invariants.collect(),
            measures: tally
                .measures
                .iter()
                .map(|(metric, tally)| (metric.name(), MeasureSummary::of(*metric, tally)))
                .collect(),
        }
    }
}

fn named_reach(reach: &BTreeMap<Probe, (u64, u64)>) -> BTreeMap<&'static str, ReachSummary> {
    reach.iter().map(|(probe, &(runs, times))| (probe.name(), ReachSummary { runs, times })).collect()
}

fn named_faults(faults: &BTreeMap<FaultKind, [u64; 3]>) -> BTreeMap<&'static str, FaultSummary> {
    let summary = |&[scheduled, fired, landed]: &[u64; 3]| FaultSummary { scheduled, fired, landed };
    faults.iter().map(|(kind, counts)| (kind.name(), summary(counts))).collect()
}

fn named_pairs(pairs: &BTreeMap<(FaultKind, FaultKind), u64>) -> BTreeMap<String, u64> {
    pairs.iter().map(|((one, other), runs)| (format!("{}+{}", one.name(), other.name()), *runs)).collect()
}

fn failures<'m>(manifest: &'m Manifest, tally: &'m Tally) -> Vec<FailureSummary<'m>> {
    let folder = |place: usize, fingerprint: &Fingerprint| {
        let is_it =
            |stored: &&super::StoredFailure| stored.scenario == place && stored.fingerprint == *fingerprint;
        manifest.failures.iter().find(is_it).map(|stored| format!("{}/{}", super::FAILURES, stored.id))
    };
    let mut found = Vec::new();
    for (place, scenario) in tally.scenarios.iter().enumerate() {
        for (fingerprint, failure) in &scenario.failures {
            found.push(FailureSummary {
                fingerprint,
                scenario: &manifest.order.scenarios[place].path,
                runs: failure.runs,
                first_position: failure.first,
                seeds: &failure.seeds,
                folder: folder(place, fingerprint),
            });
        }
    }
    found
}
