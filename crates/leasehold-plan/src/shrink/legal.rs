//! What a scenario file can say: a proposal that no file could hold is none.

use leasehold_core::id::NodeId;
use leasehold_core::plan::{Action, FaultPlan, Group, Pick, Plan, Role, Scope, Target, Worsening};
use leasehold_core::time::Span;

use super::horizon::last_instant;

/// The shortest time that a strobed clock stays on a side, as scenario files have it.
const SHORTEST_STROBE: Span = Span::from_millis(1);

pub(super) fn is_expressible(plan: &Plan) -> bool {
    let chaos = plan.phases.chaos;
    !chaos.is_zero()
        && last_instant(plan).is_none_or(|at| at.since_start() < chaos)
        && plan.faults.iter().all(|fault| is_sound(fault, plan))
}

fn is_sound(fault: &FaultPlan, plan: &Plan) -> bool {
    fault.lasts.is_none_or(|lasts| !lasts.is_zero())
        && match fault.action {
            Action::Partition(scope) | Action::Clog(scope) | Action::Hold(scope) => {
                is_scope(scope, fault, plan)
            }
            Action::Link { scope, worse } => worse != Worsening::NONE && is_scope(scope, fault, plan),
            Action::Throttle { step } => !step.is_zero(),
            Action::WallStep(by) => by != 0,
            Action::WallStrobe { by, every } => by != 0 && every >= SHORTEST_STROBE,
            _ => true,
        }
}

fn is_scope(scope: Scope, fault: &FaultPlan, plan: &Plan) -> bool {
    let everybody = Target::Drawn { pick: Pick::All, from: Group::Everybody };
    match scope {
        Scope::Ring => fault.target == everybody && plan.nodes.len() >= 4,
        Scope::Isolate | Scope::Majority => fault.target != everybody,
        Scope::Bridge => fault.target != everybody && plan.nodes.len() >= 2 + least(fault.target, plan),
        Scope::Between(peer) | Scope::OneWay(peer) => !is_same(fault.target, peer, plan),
    }
}

/// Whether the two ends of a link can only be one node, or the second is among the first whatever happens.
fn is_same(target: Target, peer: Target, plan: &Plan) -> bool {
    if let Target::Drawn { pick: Pick::All, from } = target {
        return match from {
            Group::Everybody => true,
            Group::Role(role) => match peer {
                Target::Node(node) => plan.nodes[node.index()].role == role,
                Target::Holder | Target::ExHolder => claimant(plan) == Some(role),
                Target::Drawn { from, .. } => from == Group::Role(role),
            },
        };
    }
    match (only(target, plan), only(peer, plan)) {
        (Some(one), Some(other)) => one == other,
        _ => target == peer && !matches!(target, Target::Drawn { .. }),
    }
}

/// The role of whoever claims, if all who can have the same.
pub(super) fn claimant(plan: &Plan) -> Option<Role> {
    let can_claim = |role: &Role| role.can_claim() && plan.nodes.iter().any(|node| node.role == *role);
    let mut roles = Role::ALL.into_iter().filter(can_claim);
    roles.next().filter(|_| roles.next().is_none())
}

/// The node that a target is, whatever happens.
fn only(target: Target, plan: &Plan) -> Option<NodeId> {
    match target {
        Target::Node(node) => Some(node),
        Target::Drawn { from: Group::Role(role), .. } => {
            let mut nodes = (0..).map(NodeId).zip(&plan.nodes).filter(|(_, node)| node.role == role);
            let (first, _) = nodes.next()?;
            nodes.next().is_none().then_some(first)
        }
        _ => None,
    }
}

/// How many nodes a target is at least.
fn least(target: Target, plan: &Plan) -> usize {
    let members = |group| match group {
        Group::Everybody => plan.nodes.len(),
        Group::Role(role) => plan.nodes.iter().filter(|node| node.role == role).count(),
    };
    match target {
        Target::Node(_) | Target::Holder | Target::ExHolder => 1,
        Target::Drawn { pick, from } => pick.count(members(from)),
    }
}
