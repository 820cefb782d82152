//! The sum of a sweep so far, and whether there has been enough.

use std::num::NonZeroU64;

use super::Reason;
use crate::record::RunRecord;
use crate::tally::{Novelty, Tally};

/// The fewest runs in which nothing new may come before a sweep stops for that. Chosen by us.
const SHORTEST_PLATEAU: u64 = 1_000;

/// When there have been enough runs. It depends on their records alone, so that every repetition stops at the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Until {
    /// After so many runs that failed.
    pub failures: Option<NonZeroU64>,
    /// When nothing new comes any more.
    pub plateau: Plateau,
}

/// What a sweep does when, for a thousand runs and for half of all runs, no scenario reached a place that it had not
/// reached before, nor had a hazard, a kind of fault that landed or a pair of them that it had not had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plateau {
    /// On with it: the next run may be the one.
    #[default]
    GoOn,
    /// It stops.
    Stop,
}

pub(super) struct Sum {
    tally: Tally,
    until: Until,
    runs: u64,
    failed: u64,
    /// How many runs there were when something new came last.
    last_new: u64,
}

impl Sum {
    pub(super) fn new(until: Until) -> Self {
        Self { tally: Tally::default(), until, runs: 0, failed: 0, last_new: 0 }
    }

    pub(super) fn add(&mut self, record: &RunRecord) -> Novelty {
        let features = |tally: &Tally| {
            tally.scenarios.get(record.scenario).map_or(0, crate::tally::ScenarioTally::features)
        };
        let before = features(&self.tally);
        let novelty = self.tally.add(record);
        self.runs += 1;
        self.failed += u64::from(!record.failed.is_empty());
        if features(&self.tally) > before {
            self.last_new = self.runs;
        }
        novelty
    }

    /// Why no more runs are needed, if so.
    pub(super) fn enough(&self) -> Option<Reason> {
        if self.until.failures.is_some_and(|most| self.failed >= most.get()) {
            return Some(Reason::EnoughFailures);
        }
        let is_plateau = self.runs - self.last_new >= SHORTEST_PLATEAU.max(self.runs / 2);
        (self.until.plateau == Plateau::Stop && is_plateau).then_some(Reason::Plateau)
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn into_tally(self) -> Tally {
        self.tally
    }
}
