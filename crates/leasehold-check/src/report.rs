//! What is left of a run when it has been judged.

use alloc::vec::Vec;

use leasehold_core::event::{Assumption, Probe};
use leasehold_core::{NodeId, Span};
use serde::Serialize;

use crate::finding::{Sighting, Violation};
use crate::hazard::Hazard;
use crate::invariant::Invariant;
use crate::measure::MeasureReport;
use crate::metric::Metric;

/// A run, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The invariants that apply to the system, in the order of their ids.
    pub invariants: Vec<InvariantReport>,
    /// All hazards, whether seen or not.
    pub hazards: Vec<HazardReport>,
    /// All probes and how often the run passed each.
    pub reach: Vec<(Probe, u64)>,
    /// How often which assumption about which node was broken; those that never were are left out.
    pub assumptions: Vec<(NodeId, Assumption, u64)>,
    /// What was measured, in the order of [`Metric::JUDGED`]; metrics of which there is nothing are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<MeasureReport>,
}

impl Judgement {
    /// The kept violations of all invariants in the order of time, those of one instant in the order of ids.
    pub fn violations(&self) -> Vec<&Violation> {
        let mut all: Vec<&Violation> = self.invariants.iter().flat_map(|report| &report.evidence).collect();
        all.sort_by_key(|violation| violation.at);
        all
    }

    /// How many times some invariant was judged.
    pub fn judged(&self) -> u64 {
        self.invariants.iter().map(|report| report.judged).sum()
    }

    /// The report of one invariant; nothing if it does not apply to the system.
    pub fn of(&self, invariant: Invariant) -> Option<&InvariantReport> {
        self.invariants.iter().find(|report| report.invariant == invariant)
    }

    /// How often a hazard was seen.
    pub fn seen(&self, hazard: Hazard) -> u64 {
        self.hazards.iter().find(|report| report.hazard == hazard).map_or(0, |report| report.seen)
    }

    /// What was measured of a metric; nothing if nothing was.
    pub fn measure(&self, metric: Metric) -> Option<&MeasureReport> {
        self.measures.iter().find(|report| report.metric == metric)
    }

    /// How often the run passed a probe.
    pub fn reached(&self, probe: Probe) -> u64 {
        self.reach.iter().find(|(reached, _)| *reached == probe).map_or(0, |(_, count)| *count)
    }
}

/// What became of one invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InvariantReport {
    /// Which.
    pub invariant: Invariant,
    /// How often it was really judged. A pass with none of these says nothing.
    pub judged: u64,
    /// How often a broken assumption forbade a judgement.
    pub excused: u64,
    /// How often it was false.
    pub violations: u64,
    /// How often its checker gave up, and does not know. A run with one of these is inconclusive unless something was
    /// false.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown: u64,
    /// The least that was left of a bound that held; nothing if none was measured.
    pub closest_call: Option<ClosestCall>,
    /// The first eight violations.
    pub evidence: Vec<Violation>,
}

/// For serde: what is left out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How close a run came to a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ClosestCall {
    /// What was left.
    pub left: Span,
    /// Of what; nothing where it is not a share of a bound.
    pub of: Option<Span>,
}

/// What was seen of one hazard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HazardReport {
    /// Which.
    pub hazard: Hazard,
    /// How often.
    pub seen: u64,
    /// The first eight.
    pub evidence: Vec<Sighting>,
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::script::s;

    #[test]
    fn violations_of_all_invariants_stand_in_the_order_of_time() {
        let violation = |invariant, at| Violation {
            invariant,
            clause: "clause",
            at,
            nodes: vec![],
            resource: None,
            evidence: vec![],
        };
        let report = |invariant, times: &[u64]| InvariantReport {
            invariant,
            judged: 3,
            excused: 1,
            violations: times.len() as u64,
            unknown: 0,
            closest_call: None,
            evidence: times.iter().map(|time| violation(invariant, s(*time))).collect(),
        };
        let judgement = Judgement {
            invariants: vec![report(Invariant::Fencing, &[2, 5]), report(Invariant::Liveness, &[1, 5])],
            hazards: vec![],
            reach: vec![],
            assumptions: vec![],
            measures: vec![],
        };
        let told: Vec<_> = judgement.violations().iter().map(|found| (found.at, found.invariant)).collect();
        assert_eq!(
            told,
            [
                (s(1), Invariant::Liveness),
                (s(2), Invariant::Fencing),
                (s(5), Invariant::Fencing),
                (s(5), Invariant::Liveness),
            ]
        );
        assert_eq!(judgement.judged(), 6);
        assert!(judgement.of(Invariant::Exclusivity).is_none());
    }
}
