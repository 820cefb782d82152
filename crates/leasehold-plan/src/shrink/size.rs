//! How large a case is: by what a reader has to take in.

use leasehold_core::plan::Chance;
use leasehold_core::plan::{
    Action, Cut, FaultPlan, Latency, NetworkPlan, NodePlan, Pick, Plan, Scope, Target, Trigger, WatchFault,
    Worsening,
};
use leasehold_core::time::{RateError, SimInstant};

use super::dial::{Dial, digits};
use super::horizon::instant;
use super::noise::RECEIVE_BUFFER;
use super::state::State;

/// Compared field by field, the first first. Each is a natural number, so there is no infinite descent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    faults: usize,
    /// Values of the scenario's tables that a seed decided.
    drawn: usize,
    /// How many there are of what is counted.
    counted: u64,
    /// Ways in which the world is not as quiet as it could be.
    noise: usize,
    /// How far the faults are from the simplest of their kind.
    forms: usize,
    /// The sum of the ids of the nodes that are named.
    names: usize,
    /// Pairs of faults of which the later stands first.
    disorder: usize,
    /// How long the run is, in steps of about a tenth: that it does not creep, more digits for less time each.
    horizon: u32,
    /// How many digits there are to read.
    digits: u32,
    /// The sum of all durations, delays and errors.
    lengths: u128,
    /// How long the run is, in nanoseconds.
    exact_horizon: u64,
}

impl Size {
    pub(super) fn of(state: &State) -> Self {
        let plan = &state.case.plan;
        let dials = Dial::all(plan);
        let lengths = dials.iter().filter(|dial| dial.is_length()).map(|dial| u128::from(dial.read(plan)));
        let exact_horizon = plan.phases.chaos.saturating_add(plan.phases.settle).as_nanos();
        Self {
            faults: plan.faults.len(),
            drawn: state.drawn.len(),
            counted: state.counts.iter().map(|count| u64::from(count.current)).sum(),
            noise: noise(plan),
            forms: plan.faults.iter().map(form).sum(),
            names: plan.faults.iter().map(names).sum(),
            disorder: disorder(&plan.faults),
            horizon: eighths_of_doublings(exact_horizon),
            digits: dials.iter().map(|dial| digits(dial.read(plan))).sum(),
            lengths: lengths.sum(),
            exact_horizon,
        }
    }
}

/// A logarithm in steps of 2^(1/8) or so.
fn eighths_of_doublings(number: u64) -> u32 {
    match number.checked_ilog2() {
        Some(log @ 3..) => 8 * log + u32::try_from(number >> (log - 3)).expect("the top four bits") - 8,
        _ => 0,
    }
}

fn noise(plan: &Plan) -> usize {
    let NetworkPlan { latency, loss, duplicate, burst } = plan.network;
    let of_node = |node: &NodePlan| {
        usize::from(node.rate != RateError::ZERO)
            + usize::from(node.wall_offset != 0)
            + usize::from(!node.starts.is_zero())
            + spread(&node.disk)
    };
    spread(&latency)
        + usize::from(loss != Chance::NEVER)
        + usize::from(duplicate != Chance::NEVER)
        + usize::from(burst.is_some())
        + usize::from(plan.receive_buffer != RECEIVE_BUFFER)
        + usize::from(plan.noise.0 != 0)
        + plan.nodes.iter().map(of_node).sum::<usize>()
}

const fn spread(latency: &Latency) -> usize {
    match latency {
        Latency::Constant(_) => 0,
        Latency::Uniform { .. } => 1,
        Latency::LogNormal { .. } => 2,
    }
}

fn form(fault: &FaultPlan) -> usize {
    let trigger = match fault.trigger {
        Trigger::At(_) => 0,
        Trigger::When { from, .. } if from.as_nanos() == 0 => 1,
        Trigger::When { .. } => 2,
    };
    let cut = match fault.cut {
        Cut::After(outputs) => usize::from(outputs),
        Cut::BeforeSend(_) | Cut::Now => 1,
    };
    let action = match fault.action {
        Action::Partition(scope) | Action::Clog(scope) | Action::Hold(scope) => reach(scope),
        Action::Link { scope, worse } => reach(scope) + parts(&worse),
        Action::Swizzle => 1 + reach(Scope::Isolate),
        Action::Torn | Action::Suspend | Action::Watch(WatchFault::Drop) => 1,
        _ => 0,
    };
    trigger + who(fault.target) + cut + action
}

/// How far from a node's name.
pub(super) const fn who(target: Target) -> usize {
    match target {
        Target::Node(_) => 0,
        Target::Holder | Target::ExHolder => 1,
        Target::Drawn { pick: Pick::One, .. } => 2,
        Target::Drawn { pick: Pick::All, .. } => 3,
        Target::Drawn { .. } => 4,
    }
}

/// The fewer links the better: what is left says which matter.
const fn reach(scope: Scope) -> usize {
    match scope {
        Scope::OneWay(peer) => who(peer),
        Scope::Between(peer) => 1 + who(peer),
        Scope::Isolate => 6,
        Scope::Majority => 7,
        Scope::Ring | Scope::Bridge => 8,
    }
}

fn parts(worse: &Worsening) -> usize {
    let Worsening { delay, loss, duplicate, reorder, slow, burst } = *worse;
    [delay, reorder, slow].iter().filter(|span| !span.is_zero()).count()
        + [loss, duplicate].iter().filter(|chance| **chance != Chance::NEVER).count()
        + usize::from(burst.is_some())
}

fn disorder(faults: &[FaultPlan]) -> usize {
    let instants: Vec<SimInstant> = faults.iter().map(instant).collect();
    let later =
        |(place, at): (usize, &SimInstant)| instants[..place].iter().filter(|before| *before > at).count();
    instants.iter().enumerate().map(later).sum()
}

fn names(fault: &FaultPlan) -> usize {
    let id = |target: Target| match target {
        Target::Node(node) => node.index(),
        _ => 0,
    };
    match scope_of(&fault.action) {
        Some(Scope::Between(peer) | Scope::OneWay(peer)) => id(fault.target) + id(peer),
        _ => id(fault.target),
    }
}

/// Which links an action concerns, if it is about links.
pub(super) const fn scope_of(action: &Action) -> Option<Scope> {
    match *action {
        Action::Partition(scope) | Action::Clog(scope) | Action::Hold(scope) | Action::Link { scope, .. } => {
            Some(scope)
        }
        _ => None,
    }
}
