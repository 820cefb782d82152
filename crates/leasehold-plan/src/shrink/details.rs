//! The simplest form of each fault.

use leasehold_core::id::NodeId;
use leasehold_core::plan::{
    Action, Chance, Cut, FaultPlan, Group, Pick, Scope, Target, Trigger, WatchFault, Worsening,
};
use leasehold_core::time::{SimInstant, Span};

use super::legal::claimant;
use super::size::scope_of;
use super::state::{Offer, State};

/// So many other ends of a link are tried by name: of more nodes, only those of other roles than the target's.
const MOST_PEERS: usize = 6;

/// In how many ways a fault's form is made simpler.
const FORMS: usize = 6;

pub(super) fn simpler(best: &State) -> Vec<Offer> {
    let mut offers = Vec::new();
    for (place, fault) in best.case.plan.faults.iter().enumerate() {
        let forms: [Vec<FaultPlan>; FORMS] = [
            whens(fault),
            kinds(fault),
            targets(best, place, fault),
            cuts(fault),
            scopes(best, fault),
            worsenings(fault),
        ];
        for (aspect, forms) in forms.into_iter().enumerate() {
            let knob = place * FORMS + aspect;
            let offer = |form| best.changed(knob, |state| state.case.plan.faults[place] = form);
            offers.extend(forms.into_iter().map(offer));
        }
    }
    offers
}

fn whens(fault: &FaultPlan) -> Vec<FaultPlan> {
    match fault.trigger {
        Trigger::When { condition, .. } => {
            vec![FaultPlan { trigger: Trigger::When { condition, from: SimInstant::START }, ..fault.clone() }]
        }
        Trigger::At(_) => Vec::new(),
    }
}

/// A fault that does the same or less, and that more people know.
fn kinds(fault: &FaultPlan) -> Vec<FaultPlan> {
    let action = match fault.action {
        Action::Torn => Action::Crash,
        Action::Suspend => Action::Pause,
        Action::Swizzle => Action::Clog(Scope::Isolate),
        Action::Watch(WatchFault::Drop) => Action::Watch(WatchFault::Gap),
        _ => return Vec::new(),
    };
    vec![FaultPlan { action, ..fault.clone() }]
}

/// One node instead of several, or instead of a role.
fn targets(best: &State, place: usize, fault: &FaultPlan) -> Vec<FaultPlan> {
    if matches!(fault.target, Target::Node(_)) {
        return Vec::new();
    }
    let struck = best.outcome(place).map_or(&[][..], |outcome| &outcome.targets);
    let named = struck.iter().map(|node| Target::Node(*node));
    // Others than those who claim have no such role, and not every node takes a command.
    let can_hold = match fault.target {
        Target::Drawn { from: Group::Role(role), .. } => claimant(&best.case.plan) == Some(role),
        _ => false,
    };
    let roles = can_hold.then_some(Target::Holder);
    let all = match fault.target {
        Target::Drawn { pick: Pick::Minority | Pick::Majority | Pick::Random(_), from } => {
            Some(Target::Drawn { pick: Pick::All, from })
        }
        _ => None,
    };
    named.chain(roles).chain(all).map(|target| FaultPlan { target, ..fault.clone() }).collect()
}

fn cuts(fault: &FaultPlan) -> Vec<FaultPlan> {
    let fewer = match fault.cut {
        Cut::After(0) => return Vec::new(),
        Cut::After(outputs) => vec![0, outputs / 2, outputs - 1],
        Cut::BeforeSend(_) | Cut::Now => vec![0],
    };
    fewer.into_iter().map(|outputs| FaultPlan { cut: Cut::After(outputs), ..fault.clone() }).collect()
}

fn scopes(best: &State, fault: &FaultPlan) -> Vec<FaultPlan> {
    let with: fn(&Action, Scope) -> Action = |action, scope| match *action {
        Action::Partition(_) => Action::Partition(scope),
        Action::Clog(_) => Action::Clog(scope),
        Action::Hold(_) => Action::Hold(scope),
        Action::Link { worse, .. } => Action::Link { scope, worse },
        action => action,
    };
    let Some(scope) = scope_of(&fault.action) else { return Vec::new() };
    let nodes = &best.case.plan.nodes;
    let own_role = match fault.target {
        Target::Node(node) => nodes.get(node.index()).map(|node| node.role),
        _ => None,
    };
    let peers = (0..).map(NodeId).zip(nodes);
    let peers = peers.filter(|(_, node)| nodes.len() <= MOST_PEERS || Some(node.role) != own_role);
    let peers: Vec<Target> =
        peers.map(|(id, _)| Target::Node(id)).filter(|peer| *peer != fault.target).collect();
    if scope == Scope::Ring {
        // Around all nodes; anything less is around one.
        let around =
            |target| FaultPlan { target, action: with(&fault.action, Scope::Isolate), ..fault.clone() };
        return (0..).map(NodeId).zip(nodes).map(|(id, _)| around(Target::Node(id))).collect();
    }
    let simpler: Vec<Scope> = match scope {
        Scope::Majority | Scope::Ring | Scope::Bridge => vec![Scope::Isolate],
        Scope::Isolate => peers.into_iter().map(Scope::Between).collect(),
        Scope::Between(peer @ Target::Node(_)) => vec![Scope::OneWay(peer)],
        Scope::Between(_) => peers.into_iter().map(Scope::Between).collect(),
        Scope::OneWay(Target::Node(_)) => Vec::new(),
        Scope::OneWay(_) => peers.into_iter().map(Scope::OneWay).collect(),
    };
    simpler
        .into_iter()
        .map(|scope| FaultPlan { action: with(&fault.action, scope), ..fault.clone() })
        .collect()
}

/// Each part of a worsening left out; each alone is what is left in the end.
fn worsenings(fault: &FaultPlan) -> Vec<FaultPlan> {
    let Action::Link { scope, worse } = fault.action else { return Vec::new() };
    let without: [fn(&mut Worsening); 6] = [
        |worse| worse.burst = None,
        |worse| worse.duplicate = Chance::NEVER,
        |worse| worse.loss = Chance::NEVER,
        |worse| worse.reorder = Span::ZERO,
        |worse| worse.slow = Span::ZERO,
        |worse| worse.delay = Span::ZERO,
    ];
    let fault_with = |without: fn(&mut Worsening)| {
        let mut worse = worse;
        without(&mut worse);
        FaultPlan { action: Action::Link { scope, worse }, ..fault.clone() }
    };
    without.into_iter().map(fault_with).collect()
}
