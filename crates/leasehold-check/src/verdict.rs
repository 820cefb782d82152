//! The verdict: a run in one word. Source: docs/invariants.md.

use leasehold_core::event::Probe;
use leasehold_core::outcome::RunEnd;
use serde::{Deserialize, Serialize};

use crate::invariant::Invariant;
use crate::report::Judgement;

/// What to think of a run; the worst is last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All invariants held, and the run reached what it had to.
    Pass,
    /// Nothing was violated, but nothing was judged, or the run did not reach what it had to.
    Vacuous,
    /// A checker could not tell.
    Inconclusive,
    /// Safe, but slower than wanted.
    BudgetMissed,
    /// Safe, but something did not happen in time or at all.
    Liveness,
    /// An invariant was violated.
    Violation,
    /// The same input led to two different runs.
    NotDeterministic,
    /// A node panicked, or the nodes kept each other busy without end.
    Panic,
}

impl Verdict {
    /// All of them, the worst last.
    pub const ALL: [Self; 8] = [
        Self::Pass,
        Self::Vacuous,
        Self::Inconclusive,
        Self::BudgetMissed,
        Self::Liveness,
        Self::Violation,
        Self::NotDeterministic,
        Self::Panic,
    ];

    /// The name as it stands in scenario files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Vacuous => "vacuous",
            Self::Inconclusive => "inconclusive",
            Self::BudgetMissed => "budget-missed",
            Self::Liveness => "liveness",
            Self::Violation => "violation",
            Self::NotDeterministic => "not-deterministic",
            Self::Panic => "panic",
        }
    }

    /// The verdict with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

    /// The verdict on a run that was judged, ended so, and had to reach these places.
    ///
    /// Whether it is deterministic or in budget is not for a single run's events to say.
    pub fn of(judgement: &Judgement, end: &RunEnd, required: &[Probe]) -> Self {
        match end {
            RunEnd::Panicked { .. } | RunEnd::Livelock { .. } => return Self::Panic,
            RunEnd::Completed | RunEnd::Stopped => {}
        }
        let worst = judgement
            .invariants
            .iter()
            .filter(|report| report.violations > 0)
            .map(|report| match report.invariant {
                Invariant::Liveness => Self::Liveness,
                _ => Self::Violation,
            })
            .max();
        let is_vacuous =
            judgement.judged() == 0 || required.iter().any(|probe| judgement.reached(*probe) == 0);
        match worst {
            Some(verdict) => verdict,
            None if judgement.invariants.iter().any(|report| report.unknown > 0) => Self::Inconclusive,
            None if is_vacuous => Self::Vacuous,
            None => Self::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::script::*;

    #[test]
    fn verdict_names_are_what_is_written_down_and_the_worst_is_last() {
        for verdict in Verdict::ALL {
            let quoted = serde_json::to_string(&verdict).unwrap();
            assert_eq!(quoted.trim_matches('"'), verdict.name());
            assert_eq!(Verdict::from_name(verdict.name()), Some(verdict));
        }
        assert!(Verdict::ALL.is_sorted());
        assert_eq!(Verdict::ALL.last(), Some(&Verdict::Panic));
    }

    const JUDGED: [Invariant; 2] = [Invariant::Fencing, Invariant::Liveness];

    fn verdict(events: &[Event], end: &RunEnd, required: &[Probe]) -> Verdict {
        Verdict::of(&judgement(&JUDGED, events, s(100)), end, required)
    }

    #[test]
    fn the_worst_thing_that_happened_is_the_verdict() {
        let fine = at(s(1), S, accepted(B, 2));
        let older = at(s(2), S, accepted(A, 1));
        let settle = world(s(10), SETTLE);
        let done = RunEnd::Completed;
        assert_eq!(verdict(&[fine], &done, &[]), Verdict::Pass);
        assert_eq!(verdict(&[fine], &RunEnd::Stopped, &[]), Verdict::Pass);
        assert_eq!(verdict(&[fine, settle], &done, &[]), Verdict::Liveness);
        assert_eq!(verdict(&[fine, older, settle], &done, &[]), Verdict::Violation);
        assert_eq!(verdict(&[fine, older], &done, &[Probe::ReleaseRacedExpiry]), Verdict::Violation);
        let panicked = RunEnd::Panicked { node: A, message: String::new() };
        for end in [panicked, RunEnd::Livelock { node: A }] {
            assert_eq!(verdict(&[fine], &end, &[]), Verdict::Panic);
            assert_eq!(verdict(&[fine, older], &end, &[]), Verdict::Panic);
        }
    }

    #[test]
    fn a_run_that_a_checker_could_not_tell_of_is_inconclusive_unless_something_was_false() {
        let older = [at(s(1), S, accepted(B, 2)), at(s(2), S, accepted(A, 1))];
        let with = |events: &[Event]| {
            let mut judgement = judgement(&JUDGED, events, s(100));
            judgement.invariants[1].unknown = 1;
            Verdict::of(&judgement, &RunEnd::Completed, &[])
        };
        assert_eq!(with(&older[..1]), Verdict::Inconclusive);
        assert_eq!(with(&[]), Verdict::Inconclusive, "rather than vacuous");
        assert_eq!(with(&older), Verdict::Violation);
    }

    #[test]
    fn a_pass_that_judged_nothing_or_missed_a_place_is_vacuous() {
        let done = RunEnd::Completed;
        let probed = |probe| at(s(1), G, NodeEvent::Probed(probe));
        let fine = at(s(2), S, accepted(B, 2));
        let (one, other) = (Probe::ReleaseRacedExpiry, Probe::ExpiredWhilePaused);
        assert_eq!(verdict(&[], &done, &[]), Verdict::Vacuous);
        assert_eq!(verdict(&[probed(one)], &done, &[one]), Verdict::Vacuous);
        assert_eq!(verdict(&[probed(one), fine], &done, &[one]), Verdict::Pass);
        assert_eq!(verdict(&[probed(one), fine], &done, &[one, other]), Verdict::Vacuous);
    }
}
