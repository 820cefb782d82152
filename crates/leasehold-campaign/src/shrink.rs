//! Makes a failure smaller: runs what a [`Shrinker`] proposes, and says whether it still fails in the same way.

use std::ops::ControlFlow;

use leasehold_check::Invariant;
use leasehold_plan::{Accepted, Case, Count, Facts, Shrinker};
use leasehold_scenario::{Engine, Report, System, Trial};

use crate::fingerprint::Fingerprint;
use crate::investigation::{Search, Shrunk};

/// So many runs are enough for nearly every failure. Chosen by us: ten times what the largest of the known breaks take.
pub const MOST_RUNS: u64 = 3_000;

/// The same on an engine on which a run takes a hundred times as long: a minute or two. Chosen by us.
const MOST_RUNS_BEHIND_SOCKETS: u64 = 100;

/// After how many runs a search for a smaller one ends, unless somebody says otherwise.
pub const fn most_runs(engine: Engine) -> u64 {
    match engine {
        Engine::Sim => MOST_RUNS,
        Engine::Turmoil => MOST_RUNS_BEHIND_SOCKETS,
    }
}

/// A run that failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'f> {
    /// The run.
    pub trial: &'f Trial,
    /// What it came to.
    pub report: &'f Report,
    /// How it failed. What is smaller has to fail in this way too.
    pub fingerprint: &'f Fingerprint,
    /// The keys of its scenario's tables that a seed decided, where the trial does not say so itself: those of a stored
    /// plan.
    pub drawn: &'f [String],
}

/// How far a search for a smaller run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many runs it took so far.
    pub runs: u64,
    /// How many faults the smallest run has so far.
    pub faults: usize,
}

/// Looks for a smaller run that fails in the same way, in at most so many runs. `watch` is told between runs how far it
/// is, and can end the search.
///
/// What comes out can be written as a scenario file, and its run is that of the file.
pub fn shrink(
    failure: Failure<'_>,
    engine: Engine,
    systems: &[&dyn System],
    most_runs: u64,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Shrunk {
    let mut bench = Bench {
        best: failure.trial.clone(),
        report: failure.report.clone(),
        fingerprint: failure.fingerprint,
        engine,
        systems,
        runs: 0,
    };
    let shrinker = Shrinker::new(bench.best.case().clone(), bench.facts(&bench.best, &bench.report));
    let mut shrinker = shrinker.with_drawn(failure.drawn).with_counts(bench.counts());
    let search = loop {
        let progress = Progress { runs: bench.runs, faults: bench.best.plan().faults.len() };
        if bench.runs >= most_runs || watch(progress).is_break() {
            break Search::CutShort;
        }
        let Some(case) = shrinker.propose() else { break Search::Exhausted };
        match bench.failing(case) {
            Some((trial, report)) => {
                let facts = bench.facts(&trial, &report);
                if shrinker.accept(trial.case().clone(), Some(facts)) == Accepted::Best {
                    (bench.best, bench.report) = (trial, report);
                }
            }
            None => shrinker.reject(),
        }
    };
    bench.finish(search)
}

/// Where candidates are run.
struct Bench<'b> {
    best: Trial,
    report: Report,
    fingerprint: &'b Fingerprint,
    engine: Engine,
    systems: &'b [&'b dyn System],
    runs: u64,
}

impl Bench<'_> {
    /// The run of a case, if it fails in the same way and a scenario file can hold it.
    fn failing(&mut self, case: Case) -> Option<(Trial, Report)> {
        let trial = self.best.with(case, self.systems).ok()??;
        // The count of something was not known, and was less than what is proposed.
        if trial.plan().nodes.len() > self.best.plan().nodes.len() {
            return None;
        }
        self.runs += 1;
        let report = trial.run(self.engine, &mut ());
        let fails = Fingerprint::of(trial.scenario(), &report).contains(self.fingerprint);
        (fails && self.can_be_written(&trial)).then_some((trial, report))
    }

    fn can_be_written(&self, trial: &Trial) -> bool {
        trial.read_again([], self.systems).is_ok_and(|again| again.plan() == trial.plan())
    }

    fn facts(&self, trial: &Trial, report: &Report) -> Facts {
        Facts {
            faults: report.outcome.faults.clone(),
            failed_at: self.fingerprint.first_seen(trial.scenario(), report),
        }
    }

    /// What the system counts, with what it comes to here. Where that is not written, the number of nodes is the most
    /// that can be.
    fn counts(&self) -> Vec<Count> {
        let name = &self.best.scenario().system;
        let system = self.systems.iter().find(|system| system.name() == name);
        let nodes = u32::try_from(self.best.plan().nodes.len()).expect("nodes are counted in 16 bits");
        let written =
            |key: &str| self.best.scenario().written(key).and_then(|value| value.trim().parse().ok());
        let counts = system.map_or(&[][..], |system| system.counts()).iter();
        counts
            .map(|&(key, least)| Count { key: key.to_owned(), least, current: written(key).unwrap_or(nodes) })
            .collect()
    }

    /// The smallest run as its file has it, with an expectation that it meets: of the places that the scenario has to
    /// reach those that it does, and of the violations that one expects what is left of them.
    fn finish(mut self, search: Search) -> Shrunk {
        let overlays = self.violation().into_iter().chain(self.reach());
        if let Ok(trial) = self.best.read_again(overlays, self.systems) {
            self.runs += 1;
            let report = trial.run(self.engine, &mut ());
            if Fingerprint::of(trial.scenario(), &report).contains(self.fingerprint) {
                (self.best, self.report) = (trial, report);
            }
        }
        Shrunk { trial: self.best, report: self.report, runs: self.runs, search }
    }

    fn reach(&self) -> Option<String> {
        let required = &self.best.scenario().expect.reach;
        let reached = required.iter().filter(|probe| self.report.judgement.reached(**probe) > 0);
        let reached: Vec<String> = reached.map(|probe| format!("\"{}\"", probe.name())).collect();
        (reached.len() < required.len()).then(|| format!("expect.reach=[{}]", reached.join(", ")))
    }

    /// A scenario that expects a pass goes on expecting it: that is what is to be mended.
    fn violation(&self) -> Vec<String> {
        let scenario = self.best.scenario();
        let found = Invariant::from_name(&self.fingerprint.what);
        let (Some(found), Some(_)) = (found, scenario.written("expect.violation")) else { return Vec::new() };
        let violated = self.report.judgement.invariants.iter().filter(|report| report.violations > 0);
        let along = violated.map(|report| report.invariant).filter(|invariant| *invariant != found);
        let along: Vec<String> = along.map(|invariant| format!("\"{}\"", invariant.name())).collect();
        let mut overlays = vec![format!("expect.violation=\"{}\"", found.name())];
        if !along.is_empty() || scenario.written("expect.also").is_some() {
            overlays.push(format!("expect.also=[{}]", along.join(", ")));
        }
        overlays
    }
}
