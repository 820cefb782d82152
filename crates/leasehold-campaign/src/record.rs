//! What is kept of one run of a sweep.

use leasehold_check::{ClosestCall, Invariant, Judgement, MeasureReport, Metric, Nearest, Times, Verdict};
use leasehold_core::event::Probe;
use leasehold_core::plan::FaultKind;
use leasehold_core::{Outcome, Plan, RunEnd};
use leasehold_report::{Histogram, Histograms, Measured};
use leasehold_scenario::{Digest, Expect, ExpectedVerdict, Report, Trial};

use crate::fingerprint::Fingerprint;
use crate::pairs::pairs;
use crate::program::{Expectation, Job};

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
    /// What was measured; metrics without a sample are left out.
    pub measures: Vec<MeasureCount>,
    /// What the scenario's budgets are about; nothing if it has none.
    pub budgets: Measured,
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

/// One metric in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureCount {
    /// Which.
    pub metric: Metric,
    /// How many samples kept to their bound, or had none.
    pub in_bound: u64,
    /// How many did not, and are excused.
    pub outside: u64,
    /// How many did not, and are not.
    pub violated: u64,
    /// The greatest.
    pub worst: u64,
    /// That which used up the greatest share of its bound.
    pub nearest: Option<Nearest>,
    /// The same as time; nothing for what is not measured in time.
    pub times: Option<Times>,
    /// All of them.
    pub histogram: Histogram,
}

impl RunRecord {
    /// What is kept of a run at this position, which gave these samples.
    pub fn of(
        position: u64,
        job: Job,
        trial: &Trial,
        report: &Report,
        samples: &Histograms,
        expectation: Expectation,
    ) -> Self {
        let Report { judgement, outcome, .. } = report;
        let expect = &trial.scenario().expect;
        let mut failed = Fingerprint::of(trial.scenario(), report);
        let found_expected = expectation == Expectation::Counts && is_as_expected(expect, report);
        if expectation == Expectation::Counts {
            failed.retain(|fingerprint| !is_expected(expect, fingerprint));
        }
        let concerned = judgement.invariants.iter().filter(|report| report.judged + report.excused > 0);
        Self {
            position,
            scenario: job.scenario,
            seed: job.seed,
            verdict: match report.inexpressible.is_empty() {
                true => Verdict::of(judgement, &outcome.end, &[]),
                false => Verdict::of(judgement, &outcome.end, &[]).max(Verdict::Inconclusive),
            },
            digest: report.digest,
            second_digest: None,
            events: report.events,
            simulated_ns: outcome.ended_at.as_nanos(),
            faults: fault_counts(trial.plan(), outcome),
            pairs: pairs(trial.plan(), outcome),
            reach: judgement.reach.iter().copied().filter(|(_, count)| *count > 0).collect(),
            hazards: judgement.hazards.iter().map(|hazard| hazard.seen).sum(),
            invariants: concerned
                .map(|report| InvariantCount {
                    invariant: report.invariant,
                    judged: report.judged,
                    excused: report.excused,
                    violations: report.violations,
                    closest: report.closest_call,
                })
                .collect(),
            measures: measure_counts(judgement, samples),
            budgets: Measured::default(),
            failed,
            found_expected,
        }
    }

    /// The same, with what its scenario's budgets are about.
    #[must_use]
    pub fn with_budgets(self, budgets: Measured) -> Self {
        Self { budgets, ..self }
    }

    /// The same, after a second run that came to this digest. Another digest than the first says that nothing can be
    /// said about the run.
    #[must_use]
    pub fn audited(self, second: Digest) -> Self {
        if second == self.digest {
            return self;
        }
        Self { second_digest: Some(second), verdict: Verdict::NotDeterministic, ..self }
    }
}

/// Whether a run is an instance of what its scenario expects to find.
fn is_as_expected(expect: &Expect, report: &Report) -> bool {
    match expect.verdict {
        ExpectedVerdict::Pass => false,
        ExpectedVerdict::Violation { invariant, .. } => {
            report.judgement.of(invariant).is_some_and(|report| report.violations > 0)
        }
        ExpectedVerdict::Panic => matches!(report.outcome.end, RunEnd::Panicked { .. }),
        ExpectedVerdict::Vacuous => report.verdict == Verdict::Vacuous,
    }
}

/// Whether a scenario expects that this goes wrong.
fn is_expected(expect: &Expect, fingerprint: &Fingerprint) -> bool {
    match &expect.verdict {
        ExpectedVerdict::Pass | ExpectedVerdict::Vacuous => false,
        ExpectedVerdict::Violation { invariant, also } => {
            also.iter().chain([invariant]).any(|expected| expected.name() == fingerprint.what)
        }
        ExpectedVerdict::Panic => fingerprint.what == "panic",
    }
}

fn measure_counts(judgement: &Judgement, samples: &Histograms) -> Vec<MeasureCount> {
    let measures = judgement.measures.iter().filter_map(|report| Some((report, report.worst?)));
    let count = |(report, worst): (&MeasureReport, u64)| MeasureCount {
        metric: report.metric,
        in_bound: report.in_bound,
        outside: report.outside,
        violated: report.violated,
        worst,
        nearest: report.nearest,
        times: report.times,
        histogram: samples.of(report.metric).cloned().unwrap_or_default(),
    };
    measures.map(count).collect()
}

fn fault_counts(plan: &Plan, outcome: &Outcome) -> Vec<FaultCount> {
    let mut counts = [[0_u32; 3]; FaultKind::ALL.len()];
    for (fault, became) in plan.faults.iter().zip(&outcome.faults) {
        let [scheduled, fired, landed] = &mut counts[fault.action.kind() as usize];
        *scheduled += 1;
        *fired += u32::from(became.fired.is_some());
        *landed += u32::from(became.landed.is_some());
    }
    let of_kind = |(kind, [scheduled, fired, landed]): (FaultKind, [u32; 3])| FaultCount {
        kind,
        scheduled,
        fired,
        landed,
    };
    FaultKind::ALL.into_iter().zip(counts).map(of_kind).filter(|count| count.scheduled > 0).collect()
}

#[cfg(test)]
mod tests;
