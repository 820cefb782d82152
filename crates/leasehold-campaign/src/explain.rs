//! Which faults a failure needs.

use leasehold_core::plan::Trigger;
use leasehold_core::{FaultId, SimInstant};
use leasehold_scenario::{Engine, Report, Trial};

use crate::fingerprint::Fingerprint;

/// What a fault has to do with a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Nothing: without it the violation is found at the same instant, with the same evidence.
    Inert,
    /// Without it the same goes wrong, but at another time, or with other evidence.
    Shifted,
    /// Without it that does not go wrong any more.
    Decisive,
}

impl Part {
    /// The name as it stands in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inert => "inert",
            Self::Shifted => "shifted",
            Self::Decisive => "decisive",
        }
    }
}

/// A failing run, taken apart.
#[derive(Clone, Debug)]
pub struct Dissection {
    /// What the run came to.
    pub report: Report,
    /// What each of its faults has to do with the failure, by id.
    pub parts: Vec<Part>,
    /// Whether it goes wrong without any fault: then the design breaks by itself.
    pub breaks_by_itself: bool,
}

impl Dissection {
    /// Runs a failing trial again without each of its faults in turn, and without all of them. Nothing if it does not
    /// fail in this way to begin with.
    pub fn new(trial: &Trial, fingerprint: &Fingerprint, engine: Engine) -> Option<Self> {
        let report = trial.run(engine, &mut ());
        if !shows(fingerprint, trial, &report) {
            return None;
        }
        let ids: Vec<FaultId> = (0..).map(FaultId).take(trial.plan().faults.len()).collect();
        let parts: Vec<Part> = ids
            .iter()
            .map(|fault| {
                let trial = leave_out(trial, &[*fault]);
                let without = trial.run(engine, &mut ());
                part(fingerprint, &trial, &report, &without)
            })
            .collect();
        let without_any = leave_out(trial, &ids);
        let breaks_by_itself = shows(fingerprint, &without_any, &without_any.run(engine, &mut ()));
        Some(Self { report, parts, breaks_by_itself })
    }

    /// The faults to tell of: those that the failure cannot do without, or, where there is none, those that change it.
    pub fn worth_telling(&self) -> Vec<FaultId> {
        let with = |wanted: Part| -> Vec<FaultId> {
            let parts = (0..).map(FaultId).zip(&self.parts);
            parts.filter(|(_, part)| **part == wanted).map(|(fault, _)| fault).collect()
        };
        let decisive = with(Part::Decisive);
        if decisive.is_empty() { with(Part::Shifted) } else { decisive }
    }
}

/// Whether this went wrong in the run.
pub fn shows(fingerprint: &Fingerprint, trial: &Trial, report: &Report) -> bool {
    Fingerprint::of(trial.scenario(), report).contains(fingerprint)
}

fn part(fingerprint: &Fingerprint, trial: &Trial, with: &Report, without: &Report) -> Part {
    if with.digest == without.digest {
        return Part::Inert;
    }
    if !shows(fingerprint, trial, without) {
        return Part::Decisive;
    }
    let first = |report| fingerprint.first_in(trial.scenario(), report);
    let is_the_same = match (first(with), first(without)) {
        (Some(one), Some(other)) => one == other,
        // Neither is a violation: a panic or a livelock ends its run, hazards are told with their times.
        _ => {
            with.outcome.ended_at == without.outcome.ended_at
                && with.outcome.end == without.outcome.end
                && with.judgement.hazards == without.judgement.hazards
        }
    };
    if is_the_same { Part::Inert } else { Part::Shifted }
}

/// The same run without some of its faults. They stay in the plan and never fire, so that the others keep their numbers,
/// and with these what is drawn for them.
pub fn leave_out(trial: &Trial, faults: &[FaultId]) -> Trial {
    const NEVER: Trigger = Trigger::At(SimInstant::from_nanos(u64::MAX));
    let mut plan = trial.plan().clone();
    for fault in faults {
        plan.faults[usize::from(fault.0)].trigger = NEVER;
    }
    trial.with_plan(plan)
}
