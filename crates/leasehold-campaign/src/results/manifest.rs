//! `manifest.json`: what a results folder holds, how complete it is, and what it was ordered to be.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Order;
use crate::confirm::Confirmed;
use crate::fingerprint::Fingerprint;
use crate::shard::Shard;
use crate::standing::{Unmet, Whole};
use crate::tally::Tally;

/// The version of the format of results folders.
pub(crate) const FORMAT: u32 = 2;

/// What a results folder calls itself, so that no other folder is taken for one.
pub(crate) const WHAT: &str = "leasehold results";

/// What stands in `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always the same, so that no other folder is taken for one of results.
    pub(crate) what: String,
    /// [`FORMAT`].
    pub(crate) format: u32,
    /// What was ordered.
    pub order: Order,
    /// Which shard of it; nothing for the whole, merged or not.
    pub shard: Option<String>,
    /// The positions that it is to hold: the first, and the one behind the last.
    pub slice: (u64, u64),
    /// Those that it does hold, in order, none touching the next.
    pub covered: Vec<(u64, u64)>,
    /// How many positions that makes.
    pub done: u64,
    /// Whether that is all of its slice.
    pub complete: bool,
    /// Why it is not all, if somebody or something stopped it.
    pub stopped: Option<String>,
    /// The failures that are stored, in the order of their folders' names.
    pub failures: Vec<StoredFailure>,
    /// The runs that were to be confirmed by the other engine, failures first, each in the order of positions. Each shard
    /// confirms its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirmed: Vec<Confirmed>,
    /// The BLAKE3 of each other file, by its path in the folder; `timing.json` is left out.
    pub files: BTreeMap<String, String>,
}

/// A failure whose folder is there: the first run of its scenario that failed like this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredFailure {
    /// The name of its folder.
    pub id: String,
    /// The place of its scenario in the order.
    pub scenario: usize,
    /// The position of its run.
    pub position: u64,
    /// The seed of its run.
    pub seed: u64,
    /// What went wrong.
    pub fingerprint: Fingerprint,
}

impl Manifest {
    /// Of a folder that is to hold this shard of an order, and holds nothing yet.
    pub fn new(order: Order, shard: Shard) -> Self {
        let slice = shard.slice(order.total());
        Self {
            what: WHAT.to_owned(),
            format: FORMAT,
            order,
            shard: (shard != Shard::WHOLE).then(|| shard.to_string()),
            slice: (slice.start, slice.end),
            covered: Vec::new(),
            done: 0,
            complete: slice.is_empty(),
            stopped: None,
            failures: Vec::new(),
            confirmed: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// Says which positions are there.
    pub(crate) fn covers(&mut self, ranges: &[Range<u64>]) {
        self.covered = ranges.iter().filter(|range| !range.is_empty()).map(|r| (r.start, r.end)).collect();
        self.done = self.covered.iter().map(|(from, to)| to - from).sum();
        self.complete = self.done == self.slice.1 - self.slice.0;
    }

    /// The ranges of positions that are there.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.covered.iter().map(|&(from, to)| from..to)
    }

    /// Whether it is the whole sweep, and complete.
    pub fn is_whole(&self) -> bool {
        self.complete && self.slice == (0, self.order.total())
    }

    /// By the place of the scenario in the order: how its runs are not what they should be. What is to be found or
    /// reached at least once is asked of a whole sweep only.
    pub fn unmet(&self, tally: &Tally) -> Vec<Vec<Unmet>> {
        self.order.unmet(tally, if self.is_whole() { Whole::Sweep } else { Whole::Part })
    }

    /// Says that it holds the positions of its slice up to this one.
    pub fn covers_to(&mut self, end: u64) {
        self.covers(std::slice::from_ref(&(self.slice.0..end)));
    }

    /// The ranges of its slice that are missing.
    pub fn missing(&self) -> Vec<Range<u64>> {
        let mut missing = Vec::new();
        let mut next = self.slice.0;
        for range in self.ranges() {
            if next < range.start {
                missing.push(next..range.start);
            }
            next = range.end;
        }
        if next < self.slice.1 {
            missing.push(next..self.slice.1);
        }
        missing
    }

    /// What cannot be, in words; nothing if all of it can.
    pub(crate) fn nonsense(&self) -> Option<String> {
        let order = &self.order;
        let (from, to) = self.slice;
        let ascending = self.covered.iter().all(|(from, to)| from < to)
            && self.covered.windows(2).all(|pair| pair[0].1 < pair[1].0);
        let inside = self.covered.first().is_none_or(|first| first.0 >= from)
            && self.covered.last().is_none_or(|last| last.1 <= to);
        let add = |sum: u64, &(from, to): &(u64, u64)| sum.checked_add(to.checked_sub(from)?);
        let done = self.covered.iter().try_fold(0, add);
        let stored = |failure: &StoredFailure| {
            failure.position < order.total()
                && order.job(failure.position) == (failure.scenario, failure.seed)
                && failure.id == order.failure_id(failure.scenario, &failure.fingerprint)
        };
        let shard = self.shard.as_ref().map_or(Ok(Shard::WHOLE), |shard| shard.parse());
        if order.seeds.0 >= order.seeds.1 || order.scenarios.is_empty() {
            return Some("it has no seeds or no scenarios".to_owned());
        }
        if order.checked_total().is_none() {
            return Some("it has more runs than 64 bits count".to_owned());
        }
        let slice: Range<u64> = match shard {
            Ok(shard) => shard.slice(order.total()),
            Err(error) => return Some(error.to_string()),
        };
        if from > to || to > order.total() {
            Some(format!("its slice {from}..{to} is no part of {} runs", order.total()))
        } else if (from, to) != (slice.start, slice.end) {
            let shard = self.shard.as_deref().unwrap_or("1/1");
            Some(format!(
                "its slice {from}..{to} is not that of shard {shard}, which is {}..{}",
                slice.start, slice.end
            ))
        } else if !ascending
            || !inside
            || done != Some(self.done)
            || self.complete != (self.done == to - from)
        {
            Some("the ranges that it says it holds cannot be".to_owned())
        } else if let Some(odd) = self.failures.iter().find(|failure| !stored(failure)) {
            Some(format!("its failure `{}` cannot be", odd.id))
        } else {
            let can_be = |run: &Confirmed| {
                run.position < order.total() && order.job(run.position) == (run.scenario, run.seed)
            };
            let odd = self.confirmed.iter().find(|run| !can_be(run))?;
            Some(format!("its confirmed run at position {} cannot be", odd.position))
        }
    }
}
