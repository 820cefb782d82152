//! Names instead of draws and roles, and instants instead of conditions.

use leasehold_core::id::NodeId;
use leasehold_core::plan::{FaultPlan, Target, Trigger};
use leasehold_core::time::{SimInstant, Span};

use super::dial::{digits, round_down, round_up};
use super::state::{Offer, State};

/// The node that a fault was resolved to, if it was one.
fn struck(state: &State, fault: usize) -> Option<NodeId> {
    match state.outcome(fault)?.targets.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// Drawn targets by the names of those who were drawn: a draw depends on the fault's place and instant, so that any
/// other change would strike others.
pub(super) fn pinned(best: &State) -> Vec<Offer> {
    let pin = |state: &mut State, fault: usize| {
        if let Some(node) = struck(best, fault)
            && matches!(best.case.plan.faults[fault].target, Target::Drawn { .. })
        {
            state.case.plan.faults[fault].target = Target::Node(node);
        }
    };
    let faults = best.case.plan.faults.len();
    let all = best.changed(0, |state| (0..faults).for_each(|fault| pin(state, fault)));
    let each = (0..faults).map(|fault| best.changed(fault + 1, |state| pin(state, fault)));
    [all].into_iter().chain(each).collect()
}

/// Conditions as the instants at which they were met, and roles by the names of those who had them then.
pub(super) fn instants(best: &State) -> Vec<Offer> {
    let faults = best.case.plan.faults.len();
    let exactly = |state: &mut State, fault: usize, later: u64| {
        let fired = best.outcome(fault).and_then(|outcome| outcome.fired);
        let of = &mut state.case.plan.faults[fault];
        if let (Trigger::When { .. }, Some(fired)) = (of.trigger, fired) {
            of.trigger = Trigger::At(fired + Span::from_nanos(later));
        }
    };
    let named = |state: &mut State, fault: usize| {
        if let Some(node) = struck(best, fault) {
            state.case.plan.faults[fault].target = Target::Node(node);
        }
    };
    // A condition is met by an event, and its fault comes right after; an instant's fault comes before all else then.
    let mut offers: Vec<Offer> = [1, 0]
        .map(|later| {
            best.changed(0, |state| {
                for fault in 0..faults {
                    exactly(state, fault, later);
                    named(state, fault);
                }
            })
        })
        .into();
    for (fault, of) in best.case.plan.faults.iter().enumerate() {
        offers.push(best.changed(2 * fault + 1, |state| named(state, fault)));
        for at in candidates(best, fault, of) {
            offers.push(best.changed(2 * fault + 2, |state| {
                state.case.plan.faults[fault].trigger = Trigger::At(at);
            }));
        }
    }
    offers
}

/// The instants to try for a condition: round ones near it first.
fn candidates(best: &State, fault: usize, of: &FaultPlan) -> Vec<SimInstant> {
    let fired = best.outcome(fault).and_then(|outcome| outcome.fired);
    let (Trigger::When { .. }, Some(fired)) = (of.trigger, fired) else { return Vec::new() };
    let fired = fired.as_nanos();
    let round = [2, 3, 4].into_iter().filter(|count| *count < digits(fired));
    let round = round.flat_map(|count| [round_up(fired, count), round_down(fired, count)]);
    let near = [0, 1, 1_000, 1_000_000].map(|later| fired + later);
    round.chain(near).map(SimInstant::from_nanos).collect()
}
