//! An earlier end, and an earlier beginning.

use leasehold_core::plan::{FaultPlan, Phases, Plan, Trigger};
use leasehold_core::time::{SimInstant, Span};

use super::dial::{round_down, round_up};
use super::state::{Offer, State};

/// How long a phase is told to the reader: 47 s, 3.2 s.
const DIGITS: u32 = 2;

/// Chaos is not made shorter than a millisecond: that says as much as anything below.
const SHORTEST: u64 = 1_000_000;

/// A run that ends just after it failed, if it is known when that is; else shorter phases.
pub(super) fn earlier_ends(best: &State) -> Vec<Offer> {
    let Phases { chaos, settle } = best.case.plan.phases;
    let needed = last_instant(&best.case.plan).map_or(SHORTEST, |at| (at.as_nanos() + 1).max(SHORTEST));
    let ends = |knob: usize, chaos: u64, settle: u64| {
        best.changed(knob, |state| {
            let phases = Phases { chaos: Span::from_nanos(chaos), settle: Span::from_nanos(settle) };
            state.case.plan.phases = phases;
        })
    };
    let (chaos, settle) = (chaos.as_nanos(), settle.as_nanos());
    let mut offers = Vec::new();
    match best.facts.failed_at.map(SimInstant::as_nanos) {
        Some(failed) if failed < chaos => {
            let enough = round_up((failed + 1).max(needed), DIGITS).min(chaos);
            offers.extend([ends(0, enough, 0), ends(0, enough, settle), ends(1, chaos, 0)]);
        }
        Some(failed) => {
            let enough = round_up(failed - chaos + 1, DIGITS).min(settle);
            offers.push(ends(1, chaos, enough));
        }
        None => {}
    }
    let soonest = round_up(needed, DIGITS);
    for shorter in [soonest, round_down(chaos / 2, DIGITS), round_down(chaos / 4 * 3, DIGITS)] {
        if shorter >= needed && shorter < chaos {
            offers.push(ends(2, shorter, settle));
        }
    }
    for shorter in [0, round_down(settle / 2, DIGITS), round_down(settle / 4 * 3, DIGITS)] {
        offers.push(ends(3, chaos, shorter));
    }
    offers
}

/// The whole run some time earlier, so that little comes before the first fault.
pub(super) fn shifted(best: &State) -> Vec<Offer> {
    let plan = &best.case.plan;
    let first = plan.faults.iter().map(instant).filter(|at| *at > SimInstant::START).min();
    let Some(first) = first.map(SimInstant::as_nanos) else { return Vec::new() };
    let by = [round_down(first, 2), round_down(first, 1), round_down(first / 2, 1), round_down(first / 4, 1)];
    let earlier = |by: u64| {
        best.changed(0, |state| {
            let plan = &mut state.case.plan;
            plan.phases.chaos = plan.phases.chaos.saturating_sub(Span::from_nanos(by));
            for fault in &mut plan.faults {
                let (Trigger::At(at) | Trigger::When { from: at, .. }) = &mut fault.trigger;
                *at = SimInstant::from_nanos(at.as_nanos().saturating_sub(by));
            }
        })
    };
    by.into_iter().filter(|by| *by > 0).map(earlier).collect()
}

/// The faults in the order in which they fire.
pub(super) fn in_order(best: &State) -> Vec<Offer> {
    let faults = &best.case.plan.faults;
    let mut order: Vec<usize> = (0..faults.len()).collect();
    order.sort_by_key(|fault| instant(&faults[*fault]));
    vec![best.changed(0, |state| {
        state.case.plan.faults = order.iter().map(|fault| faults[*fault].clone()).collect();
        if best.facts.faults.len() == faults.len() {
            state.facts.faults = order.iter().map(|fault| best.facts.faults[*fault].clone()).collect();
        }
    })]
}

/// The last instant that a fault names: chaos has to last longer.
pub(super) fn last_instant(plan: &Plan) -> Option<SimInstant> {
    plan.faults.iter().map(instant).max()
}

pub(super) fn instant(fault: &FaultPlan) -> SimInstant {
    match fault.trigger {
        Trigger::At(at) | Trigger::When { from: at, .. } => at,
    }
}
