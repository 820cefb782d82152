//! The sum of many runs.

use std::collections::BTreeMap;

use leasehold_check::{ClosestCall, Invariant, Verdict};
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;

use crate::fingerprint::Fingerprint;

/// The sum of many [`RunRecord`](crate::RunRecord)s: the same in whatever order they are added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By the place of the scenario in the sweep's list.
    pub scenarios: Vec<ScenarioTally>,
    /// Runs whose second run had another digest: scenario and seed.
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
    /// What went wrong. A run with several is counted under the first.
    pub failures: BTreeMap<Fingerprint, FailureTally>,
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
