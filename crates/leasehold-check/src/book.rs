//! The books that a judge keeps for each invariant.

use alloc::vec::Vec;

use leasehold_core::{NodeId, ResourceId, SimInstant, Span};

use crate::finding::{Fact, KEPT, Violation};
use crate::invariant::Invariant;
use crate::measure::{MeasureReport, Nearest, Sample, Standing};
use crate::metric::Metric;
use crate::report::{ClosestCall, InvariantReport};

/// From which share of its bound on a measurement is near it. Chosen by us.
const NEAR_PPM: u64 = 900_000;

/// What a checker has to say about a violation, beside when it happened.
pub(crate) struct Case {
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) resource: Option<ResourceId>,
    pub(crate) evidence: Vec<Fact>,
}

/// Counts judgements and keeps the first violations.
#[derive(Debug)]
pub(crate) struct Book {
    report: InvariantReport,
    /// How many of the kept violations were handed out as new.
    handed_out: usize,
    /// Of each metric that was measured here, by its place; empty where nothing was.
    measures: Vec<MeasureReport>,
    /// What the latest event brought.
    samples: Vec<Sample>,
    /// How many answers of views used up most of their bound.
    near_the_bound: u64,
    /// When the checker wants to look at things as they then stand.
    due: Option<SimInstant>,
}

impl Book {
    pub(crate) fn new(invariant: Invariant) -> Self {
        let report = InvariantReport {
            invariant,
            judged: 0,
            excused: 0,
            violations: 0,
            unknown: 0,
            closest_call: None,
            evidence: Vec::new(),
        };
        Self {
            report,
            handed_out: 0,
            measures: Vec::new(),
            samples: Vec::new(),
            near_the_bound: 0,
            due: None,
        }
    }

    /// The invariant was judged once more. A violation has to be judged as well.
    pub(crate) fn judge(&mut self) {
        self.report.judged += 1;
    }

    /// A broken assumption forbade a judgement.
    pub(crate) fn excuse(&mut self) {
        self.report.excused += 1;
    }

    /// There was too much to look at.
    pub(crate) fn unknown(&mut self) {
        self.report.unknown += 1;
    }

    /// A bound held with this much left.
    pub(crate) fn slack(&mut self, left: Span, of: Option<Span>) {
        if self.report.closest_call.is_none_or(|closest| left < closest.left) {
            self.report.closest_call = Some(ClosestCall { left, of });
        }
    }

    /// The invariant was false. `case` is only asked for evidence that will be kept.
    pub(crate) fn violation(&mut self, at: SimInstant, clause: &'static str, case: impl FnOnce() -> Case) {
        self.report.violations += 1;
        if self.report.evidence.len() < KEPT {
            let Case { nodes, resource, evidence } = case();
            let invariant = self.report.invariant;
            self.report.evidence.push(Violation { invariant, clause, at, nodes, resource, evidence });
        }
    }

    /// Whether there are kept violations that were not handed out before.
    pub(crate) fn has_news(&self) -> bool {
        self.handed_out < self.report.evidence.len()
    }

    /// The kept violations that were not handed out before.
    pub(crate) fn hand_out(&mut self) -> &[Violation] {
        let from = core::mem::replace(&mut self.handed_out, self.report.evidence.len());
        &self.report.evidence[from..]
    }

    /// The checker wants to be called when this instant is over: what happens after it may change what it has to find.
    pub(crate) fn remind(&mut self, at: SimInstant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// The first instant that the checker wants to be reminded of.
    pub(crate) const fn due(&self) -> Option<SimInstant> {
        self.due
    }

    /// It is over.
    pub(crate) const fn take_due(&mut self) -> Option<SimInstant> {
        self.due.take()
    }

    pub(crate) fn report(&self) -> &InvariantReport {
        &self.report
    }

    /// Something was measured that had to keep to this bound, if there was one.
    pub(crate) fn measure(
        &mut self,
        at: SimInstant,
        metric: Metric,
        value: u64,
        bound: Option<u64>,
        standing: Standing,
    ) {
        if self.measures.is_empty() {
            self.measures = Metric::JUDGED.map(MeasureReport::new).to_vec();
        }
        if let (Metric::Propagation, Standing::InBound, Some(bound)) = (metric, standing, bound) {
            let near = Nearest { measured: value, bound }.share_ppm() >= NEAR_PPM;
            self.near_the_bound += u64::from(near);
        }
        let sample = Sample { metric, value, standing, at };
        self.measures[metric.index()].take(&sample, bound);
        self.samples.push(sample);
    }

    /// What was measured here, of those metrics of which there is anything.
    pub(crate) fn measures(&self) -> impl Iterator<Item = &MeasureReport> {
        self.measures.iter().filter(|measure| measure.samples > 0)
    }

    /// How many answers of views used up at least nine tenths of their bound on staleness, and kept to it.
    pub(crate) const fn near_the_bound(&self) -> u64 {
        self.near_the_bound
    }

    /// What the latest event brought.
    pub(crate) fn samples(&mut self) -> &mut Vec<Sample> {
        &mut self.samples
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::script::s;

    fn nobody() -> Case {
        Case { nodes: vec![], resource: None, evidence: vec![] }
    }

    #[test]
    fn only_the_first_violations_are_kept_but_all_are_counted() {
        let mut book = Book::new(Invariant::Fencing);
        for second in 0..20 {
            book.violation(s(second), "clause", || {
                assert!(second < 8, "evidence is gathered only where it is kept");
                nobody()
            });
        }
        assert_eq!(book.report().violations, 20);
        assert_eq!(book.report().evidence.len(), 8);
        assert_eq!(book.report().evidence[7].at, s(7));
    }

    #[test]
    fn each_violation_is_handed_out_once() {
        let mut book = Book::new(Invariant::Fencing);
        book.violation(s(1), "clause", nobody);
        assert_eq!(book.hand_out().len(), 1);
        assert!(book.hand_out().is_empty());
        book.violation(s(2), "clause", nobody);
        assert_eq!(book.hand_out()[0].at, s(2));
    }

    #[test]
    fn an_answer_that_used_up_nine_tenths_of_its_bound_was_near_it() {
        let near = |metric, value, bound, standing| {
            let mut book = Book::new(Invariant::BoundedStaleness);
            book.measure(s(1), metric, value, bound, standing);
            book.near_the_bound()
        };
        let (metric, bound) = (Metric::Propagation, Some(1_000_000));
        assert_eq!(near(metric, 900_000, bound, Standing::InBound), 1);
        assert_eq!(near(metric, 899_999, bound, Standing::InBound), 0);
        assert_eq!(near(metric, 900_000, None, Standing::InBound), 0);
        assert_eq!(near(metric, 1_000_001, bound, Standing::Violated), 0, "it did not keep to it");
        assert_eq!(near(Metric::Exclusion, 900_000, bound, Standing::InBound), 0, "no answer of a view");
    }

    #[test]
    fn the_closest_call_is_the_one_with_the_least_left() {
        let mut book = Book::new(Invariant::Liveness);
        let second = Some(Span::from_secs(1));
        for (left, of) in [(5, None), (3, second), (4, None), (3, None)] {
            book.slack(Span::from_millis(left), of);
        }
        assert_eq!(book.report().closest_call, Some(ClosestCall { left: Span::from_millis(3), of: second }));
    }
}
