//! The runs of all scenarios together.

use std::collections::BTreeMap;

use leasehold_campaign::Tally;
use leasehold_check::Verdict;
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;

/// Sums over all scenarios of a sweep.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) runs: u64,
    pub(crate) simulated_ns: u128,
    pub(crate) verdicts: BTreeMap<Verdict, u64>,
    /// In how many runs.
    pub(crate) reach: BTreeMap<Probe, u64>,
    /// Scheduled, fired, landed.
    pub(crate) faults: BTreeMap<FaultKind, [u64; 3]>,
    /// In how many runs.
    pub(crate) pairs: BTreeMap<(FaultKind, FaultKind), u64>,
}

impl Totals {
    pub(crate) fn of(tally: &Tally) -> Self {
        let mut totals = Self::default();
        for scenario in &tally.scenarios {
            totals.runs += scenario.runs;
            totals.simulated_ns += scenario.simulated_ns;
            for (&verdict, runs) in &scenario.verdicts {
                *totals.verdicts.entry(verdict).or_default() += runs;
            }
            for (&probe, (runs, _)) in &scenario.reach {
                *totals.reach.entry(probe).or_default() += runs;
            }
            for (&kind, counts) in &scenario.faults {
                let sums = totals.faults.entry(kind).or_default();
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
            for (&pair, runs) in &scenario.pairs {
                *totals.pairs.entry(pair).or_default() += runs;
            }
        }
        totals
    }

    pub(crate) fn simulated_seconds(&self) -> f64 {
        self.simulated_ns as f64 / 1e9
    }
}
