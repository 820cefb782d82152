//! The sum of many runs.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use leasehold_check::{ClosestCall, Invariant, Metric, Nearest, Times, Verdict};
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;
use leasehold_report::{Histogram, Measured};

use crate::fingerprint::Fingerprint;
use crate::record::{MeasureCount, RunRecord};

/// How many seeds of one failure are kept. Chosen by us: enough to see whether they have something in common.
const KEPT_SEEDS: usize = 20;

/// How many runs that are not deterministic are kept; the verdicts count them all.
const KEPT_NOT_DETERMINISTIC: usize = 20;

/// How many kinds of failure of one scenario are kept apart. Chosen by us: more than anybody reads, and few enough that
/// a panic with another text in every run fills neither memory nor disk.
pub(crate) const KEPT_KINDS: usize = 50;

/// The sum of many [`RunRecord`]s. Its size does not depend on how many they are. The same in whatever order they are
/// added, as long as no scenario fails in more than 50 ways: those are the first that are added, so more ask for the
/// order of positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By the place of the scenario in the sweep's list.
    pub scenarios: Vec<ScenarioTally>,
    /// The first few runs whose second run had another digest: scenario and seed.
    pub not_deterministic: Vec<(usize, u64)>,
}

/// The sum of the runs of one scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenarioTally {
    /// How many.
    pub runs: u64,
    /// By verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// In how many the expected violation was found.
    pub found_expected: u64,
    /// In how many something failed.
    pub failed: u64,
    /// How many events in all.
    pub events: u64,
    /// How much simulated time in all.
    pub simulated_ns: u128,
    /// In how many there was a hazard.
    pub with_hazard: u64,
    /// By probe: in how many runs it was passed, and how often in all.
    pub reach: BTreeMap<Probe, (u64, u64)>,
    /// By kind: how many faults were scheduled, fired, landed.
    pub faults: BTreeMap<FaultKind, [u64; 3]>,
    /// By pair of kinds: in how many runs two such faults were in effect at one instant.
    pub pairs: BTreeMap<(FaultKind, FaultKind), u64>,
    /// By invariant: how often judged, excused, false.
    pub invariants: BTreeMap<Invariant, [u64; 3]>,
    /// By invariant: the closest call and the first seed that had it.
    pub closest: BTreeMap<Invariant, (ClosestCall, u64)>,
    /// By metric: what was measured.
    pub measures: BTreeMap<Metric, MeasureTally>,
    /// What the scenario's budgets are about; nothing if it has none.
    pub budgets: Measured,
    /// What went wrong, in the first 50 ways. A run with several is counted under the first.
    pub failures: BTreeMap<Fingerprint, FailureTally>,
}

/// What all runs of one scenario measured of one metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeasureTally {
    /// How many samples kept to their bound or had none, how many are excused, and how many are not.
    pub counts: [u64; 3],
    /// The greatest.
    pub worst: u64,
    /// That which used up the greatest share of its bound, and the first seed that had it.
    pub nearest: Option<(Nearest, u64)>,
    /// The same as time; nothing for what is not measured in time.
    pub times: Option<Times>,
    /// All of them.
    pub histogram: Histogram,
}

/// All runs of one scenario that failed in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureTally {
    /// How many.
    pub runs: u64,
    /// The position of the first.
    pub first: u64,
    /// The seeds of the first few, in order.
    pub seeds: Vec<u64>,
}

/// Whether a record brought a failure that was not among those added before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// It failed in a way that its scenario had not failed in.
    NewFailure,
    /// It did not.
    NothingNew,
}

impl Tally {
    /// Adds a run.
    pub fn add(&mut self, record: &RunRecord) -> Novelty {
        if self.scenarios.len() <= record.scenario {
            self.scenarios.resize_with(record.scenario + 1, ScenarioTally::default);
        }
        if record.second_digest.is_some() {
            keep_lowest(&mut self.not_deterministic, (record.scenario, record.seed), KEPT_NOT_DETERMINISTIC);
        }
        self.scenarios[record.scenario].add(record)
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.scenarios.iter().map(|scenario| scenario.runs).sum()
    }

    /// In how many runs something failed.
    pub fn failed(&self) -> u64 {
        self.scenarios.iter().map(|scenario| scenario.failed).sum()
    }

    /// How many runs had another digest when they were run again.
    pub fn not_deterministic(&self) -> u64 {
        let verdict = Verdict::NotDeterministic;
        self.scenarios.iter().filter_map(|scenario| scenario.verdicts.get(&verdict)).sum()
    }

    /// By invariant: the closest call of all scenarios at places that count, with its scenario's place and its seed.
    pub fn closest(&self, counts: impl Fn(usize) -> bool) -> BTreeMap<Invariant, (ClosestCall, usize, u64)> {
        let mut closest: BTreeMap<Invariant, (ClosestCall, usize, u64)> = BTreeMap::new();
        for (place, scenario) in self.scenarios.iter().enumerate().filter(|(place, _)| counts(*place)) {
            for (&invariant, &(call, seed)) in &scenario.closest {
                let known = closest.entry(invariant).or_insert((call, place, seed));
                if closer(&call, &known.0).is_lt() {
                    *known = (call, place, seed);
                }
            }
        }
        closest
    }
}

impl ScenarioTally {
    fn add(&mut self, record: &RunRecord) -> Novelty {
        self.runs += 1;
        *self.verdicts.entry(record.verdict).or_default() += 1;
        self.found_expected += u64::from(record.found_expected);
        self.events += record.events;
        self.simulated_ns += u128::from(record.simulated_ns);
        self.with_hazard += u64::from(record.hazards > 0);
        for &(probe, count) in &record.reach {
            let (runs, times) = self.reach.entry(probe).or_default();
            *runs += 1;
            *times += count;
        }
        for count in &record.faults {
            let sums = self.faults.entry(count.kind).or_default();
            for (sum, more) in sums.iter_mut().zip([count.scheduled, count.fired, count.landed]) {
                *sum += u64::from(more);
            }
        }
        for &pair in &record.pairs {
            *self.pairs.entry(pair).or_default() += 1;
        }
        for count in &record.invariants {
            let sums = self.invariants.entry(count.invariant).or_default();
            for (sum, more) in sums.iter_mut().zip([count.judged, count.excused, count.violations]) {
                *sum += more;
            }
            if let Some(call) = count.closest {
                self.note(count.invariant, call, record.seed);
            }
        }
        for count in &record.measures {
            self.measures.entry(count.metric).or_default().add(count, record.seed);
        }
        self.budgets.add(&record.budgets);
        let Some(first) = record.failed.first() else { return Novelty::NothingNew };
        self.failed += 1;
        // Not `entry`: it would clone the fingerprint of every failing run.
        if let Some(failure) = self.failures.get_mut(first) {
            failure.runs += 1;
            failure.first = failure.first.min(record.position);
            keep_lowest(&mut failure.seeds, record.seed, KEPT_SEEDS);
            return Novelty::NothingNew;
        }
        if self.failures.len() >= KEPT_KINDS {
            return Novelty::NothingNew;
        }
        let failure = FailureTally { runs: 1, first: record.position, seeds: vec![record.seed] };
        self.failures.insert(first.clone(), failure);
        Novelty::NewFailure
    }

    /// How many runs failed in other ways than the first 50.
    pub fn failed_otherwise(&self) -> u64 {
        self.failed - self.failures.values().map(|failure| failure.runs).sum::<u64>()
    }

    fn note(&mut self, invariant: Invariant, call: ClosestCall, seed: u64) {
        let known = self.closest.entry(invariant).or_insert((call, seed));
        if closer(&call, &known.0).then(seed.cmp(&known.1)).is_lt() {
            *known = (call, seed);
        }
    }

    /// How many different places, kinds of faults that landed, pairs of them, and hazards there were: what a sweep
    /// that goes on until nothing new comes waits for.
    pub fn features(&self) -> usize {
        let landed = self.faults.values().filter(|[_, _, landed]| *landed > 0).count();
        self.reach.len() + landed + self.pairs.len() + usize::from(self.with_hazard > 0)
    }
}

impl MeasureTally {
    /// How many samples there are.
    pub fn samples(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn add(&mut self, count: &MeasureCount, seed: u64) {
        let more = [count.in_bound, count.outside, count.violated];
        self.counts.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        self.worst = self.worst.max(count.worst);
        self.histogram.add(&count.histogram);
        if let Some(times) = count.times {
            let sum = self.times.get_or_insert_default();
            sum.in_bound = sum.in_bound.saturating_add(times.in_bound);
            sum.outside = sum.outside.saturating_add(times.outside);
            sum.violated = sum.violated.saturating_add(times.violated);
        }
        if let Some(nearest) = count.nearest {
            let this = (nearest, seed);
            self.nearest = Some(self.nearest.map_or(this, |known| nearer(known, this)));
        }
    }
}

/// The one that used up more of its bound. Of two that used up the same share, the longer one, then the first seed: so
/// that the order of adding does not show.
fn nearer(one: (Nearest, u64), other: (Nearest, u64)) -> (Nearest, u64) {
    if one.0.uses_more_than(&other.0) {
        return one;
    }
    if other.0.uses_more_than(&one.0) {
        return other;
    }
    let rank = |(nearest, seed): (Nearest, u64)| (Reverse((nearest.bound, nearest.measured)), seed);
    if rank(one) <= rank(other) { one } else { other }
}

/// Orders calls by how close they were: by the share of their bound that was left, or by what was left where it is not
/// a share of anything; those come after the others.
pub fn closer(one: &ClosestCall, other: &ClosestCall) -> Ordering {
    let bound = |call: &ClosestCall| call.of.filter(|of| !of.is_zero());
    let by_share = match (bound(one), bound(other)) {
        (Some(one_of), Some(other_of)) => {
            let share = |left: u64, other_of: u64| u128::from(left) * u128::from(other_of);
            share(one.left.as_nanos(), other_of.as_nanos())
                .cmp(&share(other.left.as_nanos(), one_of.as_nanos()))
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    by_share.then_with(|| one.cmp(other))
}

/// Adds one to the lowest few, in order.
fn keep_lowest<T: Ord>(kept: &mut Vec<T>, new: T, most: usize) {
    if let Err(place) = kept.binary_search(&new) {
        kept.insert(place, new);
        kept.truncate(most);
    }
}

#[cfg(test)]
mod tests;
