//! What the runs of one seed of a row showed.

use std::collections::BTreeMap;

use leasehold_check::Invariant;
use leasehold_core::{RunEnd, SimInstant};
use leasehold_scenario::{Fate, Faults, Report, System, Trial};

use super::figures::SCRIPTED_SEEDS;
use super::rows::Row;

/// What one run showed.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// What was violated, and when first.
    pub(super) violated: BTreeMap<Invariant, SimInstant>,
    /// What was judged at least once.
    pub(super) judged: Vec<Invariant>,
    /// Whether a checker gave up.
    pub(super) gave_up: bool,
    /// What broke it off, in words: a panic of a node, a livelock.
    pub(super) broken_off: Option<String>,
    /// How many hazards.
    pub(super) hazards: u64,
}

/// What the runs of one seed showed.
#[derive(Clone, Debug)]
pub(super) struct Showed {
    /// The unsafe design.
    pub(super) by_chance: Seen,
    /// Its safe twin; nothing of a control that has none.
    pub(super) safe: Option<Seen>,
    /// Both as they are written, if that is looked at under this seed.
    pub(super) as_written: Option<(Seen, Seen)>,
}

impl Showed {
    /// Runs one seed of a row.
    pub(super) fn of(row: &Row, seed: u64, systems: &[&dyn System]) -> Self {
        let by_chance = Trial::meant_for(row.engine(), &row.by_chance, seed, Faults::Random, systems);
        let by_chance = match &row.bug.fate {
            Fate::Caught(by) | Fate::CaughtByScript { by, .. } => by_chance.run_until(row.engine(), by),
            Fate::Harmless { .. } | Fate::Control { .. } => by_chance.run(row.engine(), &mut ()),
        };
        let safe = row.safe.as_ref().map(|safe| {
            let trial = Trial::meant_for(row.engine(), safe, seed, Faults::Random, systems);
            Seen::of(&trial.run(row.engine(), &mut ()))
        });
        let as_written = row.as_written.as_ref().filter(|_| seed < SCRIPTED_SEEDS);
        let as_written = as_written.map(|(breaks, holds)| {
            let run = |scenario| {
                let trial = Trial::meant_for(row.engine(), scenario, seed, Faults::Scripted, systems);
                Seen::of(&trial.run(row.engine(), &mut ()))
            };
            (run(breaks), run(holds))
        });
        Self { by_chance: Seen::of(&by_chance), safe, as_written }
    }
}

impl Seen {
    pub(super) fn of(report: &Report) -> Self {
        let judgement = &report.judgement;
        let violated = judgement.invariants.iter().filter(|report| report.violations > 0);
        let violated = violated.map(|report| {
            let first = report.evidence.iter().map(|violation| violation.at).min();
            (report.invariant, first.unwrap_or(SimInstant::START))
        });
        let judged = judgement.invariants.iter().filter(|report| report.judged > 0);
        Self {
            violated: violated.collect(),
            judged: judged.map(|report| report.invariant).collect(),
            gave_up: judgement.invariants.iter().any(|report| report.unknown > 0),
            broken_off: match &report.outcome.end {
                RunEnd::Completed | RunEnd::Stopped => None,
                RunEnd::Panicked { message, .. } => Some(format!("a node panicked: {message}")),
                RunEnd::Livelock { .. } => Some("the nodes were in a livelock".to_owned()),
            },
            hazards: judgement.hazards.iter().map(|report| report.seen).sum(),
        }
    }

    /// Those of these invariants that were violated first, at the same instant; none if none was.
    pub(super) fn first_among(&self, among: impl Fn(Invariant) -> bool) -> Vec<Invariant> {
        let of_these = || self.violated.iter().filter(|(invariant, _)| among(**invariant));
        let first = of_these().map(|(_, at)| *at).min();
        of_these().filter(|(_, at)| Some(**at) == first).map(|(invariant, _)| *invariant).collect()
    }

    /// What should not have happened, in words.
    pub(super) fn wrong(&self) -> Vec<String> {
        let violated =
            self.violated.keys().map(|invariant| format!("{} {}", invariant.id(), invariant.name()));
        violated.chain(self.broken_off.clone()).collect()
    }
}
