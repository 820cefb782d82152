//! What is kept of one run of a sweep.

use leasehold_check::{ClosestCall, Invariant, Verdict};
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;
use leasehold_scenario::Digest;

use crate::fingerprint::Fingerprint;

/// One run of a sweep: a row of `runs.csv`. All that a [`Tally`](crate::Tally) adds up, and nothing that depends on the
/// machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its place in the whole, unsharded sweep.
    pub position: u64,
    /// The place of its scenario in the sweep's list.
    pub scenario: usize,
    /// Its seed.
    pub seed: u64,
    /// Was it right? Places that the scenario has to reach do not count here: they are asked of the whole sweep.
    pub verdict: Verdict,
    /// The digest of its events.
    pub digest: Digest,
    /// The digest of its second run, if it had one and the digests differ.
    pub second_digest: Option<Digest>,
    /// How many events there were.
    pub events: u64,
    /// How long it was, in simulated time.
    pub simulated_ns: u64,
    /// The random and scripted faults, by kind; kinds without a fault are left out.
    pub faults: Vec<FaultCount>,
    /// The pairs of kinds of which two faults were in effect at one instant, each once, the smaller kind first.
    pub pairs: Vec<(FaultKind, FaultKind)>,
    /// How often it passed which probe; those it did not pass are left out.
    pub reach: Vec<(Probe, u64)>,
    /// How many hazards there were.
    pub hazards: u64,
    /// Those invariants that were judged or excused.
    pub invariants: Vec<InvariantCount>,
    /// What went wrong though the scenario does not expect it, in the order of time. Empty if the run is fine.
    pub failed: Vec<Fingerprint>,
    /// Whether the violation that the scenario expects was found.
    pub found_expected: bool,
}

/// The faults of one kind in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultCount {
    /// The kind.
    pub kind: FaultKind,
    /// How many stand in the plan.
    pub scheduled: u32,
    /// Of how many the trigger was met.
    pub fired: u32,
    /// How many touched something.
    pub landed: u32,
}

/// One invariant in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvariantCount {
    /// Which.
    pub invariant: Invariant,
    /// How often it was judged.
    pub judged: u64,
    /// How often a broken assumption forbade it.
    pub excused: u64,
    /// How often it was false.
    pub violations: u64,
    /// The least that was left of a bound that held.
    pub closest: Option<ClosestCall>,
}
