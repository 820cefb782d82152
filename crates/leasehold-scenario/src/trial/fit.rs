//! Another case of the same trial: the scenario is read again where settings say so, and the plan is fitted to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use leasehold_core::plan::{Action, FaultPlan, NodePlan, Plan, Scope, Target};
use leasehold_core::{NodeId, RateError, Span};
use leasehold_plan::{Case, NodeTemplate, Setting};

use super::Trial;
use super::write::world_of;
use crate::diagnostic::ScenarioError;
use crate::scenario::Scenario;
use crate::source::Source;
use crate::system::System;

/// What a plan says by itself, and what it leaves no room for. It may be of nodes that settings take away, so it is
/// not read again.
const OF_THE_PLAN: [&str; 4] = ["fault", "clocks", "chaos", "plan.starts"];

pub(super) fn fit(
    trial: &Trial,
    mut case: Case,
    systems: &[&dyn System],
) -> Result<Option<Trial>, ScenarioError> {
    let scenario = reread(trial, &case, systems)?;
    let nodes = &scenario.template.nodes;
    let are_alike = |node: &NodePlan, read: &NodeTemplate| {
        (&node.name, node.role, node.relies_on) == (&read.name, read.role, read.relies_on)
    };
    let have_changed = nodes.len() != case.plan.nodes.len()
        || case.plan.nodes.iter().zip(nodes).any(|(node, read)| !are_alike(node, read));
    if have_changed && !renumber(&mut case.plan, nodes) {
        return Ok(None);
    }
    let fitted = Trial { scenario, case, ..trial.clone() };
    Ok((!have_changed || can_be_written(&fitted, systems)).then_some(fitted))
}

/// The scenario as a case makes it: its settings, and the world that its plan has.
fn reread(trial: &Trial, case: &Case, systems: &[&dyn System]) -> Result<Arc<Scenario>, ScenarioError> {
    let read = |world: &[Setting]| {
        let left_out = OF_THE_PLAN.map(|key| Setting { key: key.to_owned(), value: None });
        let source = trial.base.source.clone().with_settings(&case.settings);
        let source = source.with_settings(&left_out).with_settings(world);
        Scenario::again(source, systems).map(Arc::new)
    };
    let is_as_before = case.settings == trial.case.settings;
    if is_as_before && world_of(&case.plan, &trial.scenario.template).is_empty() {
        return Ok(Arc::clone(&trial.scenario));
    }
    // Not what differs from the trial's scenario, which may have been read with a part of the plan's world.
    let scenario = read(&[])?;
    match world_of(&case.plan, &scenario.template) {
        world if world.is_empty() => Ok(scenario),
        world => read(&world),
    }
}

/// Makes a plan one of these nodes. Those that it knows by name stay as they are; says whether all that its faults
/// name are still there.
fn renumber(plan: &mut Plan, nodes: &[NodeTemplate]) -> bool {
    let disk = plan.nodes.first().map(|node| node.disk);
    let old: BTreeMap<&str, &NodePlan> = plan.nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    let fitted: Vec<NodePlan> = nodes
        .iter()
        .map(|read| {
            let known = old.get(read.name.as_str());
            NodePlan {
                name: read.name.clone(),
                role: read.role,
                relies_on: read.relies_on,
                rate: known.map_or(RateError::ZERO, |node| node.rate),
                wall_offset: known.map_or(0, |node| node.wall_offset),
                disk: disk.unwrap_or(read.disk),
                starts: known.map_or(Span::ZERO, |node| node.starts),
            }
        })
        .collect();
    let place = |node: NodeId| {
        let name = &plan.nodes.get(node.index())?.name;
        let index = nodes.iter().position(|read| read.name == *name)?;
        Some(NodeId(u16::try_from(index).expect("a deployment's nodes are counted before")))
    };
    let faults: Option<Vec<FaultPlan>> = plan.faults.iter().map(|fault| moved(fault, &place)).collect();
    let Some(faults) = faults else { return false };
    plan.nodes = fitted;
    plan.faults = faults;
    true
}

/// The fault under new node ids; nothing if it names a node that has none.
fn moved(fault: &FaultPlan, place: &impl Fn(NodeId) -> Option<NodeId>) -> Option<FaultPlan> {
    let target = |target: Target| match target {
        Target::Node(node) => place(node).map(Target::Node),
        other => Some(other),
    };
    let scope = |scope: Scope| match scope {
        Scope::Between(peer) => target(peer).map(Scope::Between),
        Scope::OneWay(peer) => target(peer).map(Scope::OneWay),
        other => Some(other),
    };
    let action = match fault.action {
        Action::Partition(which) => Action::Partition(scope(which)?),
        Action::Clog(which) => Action::Clog(scope(which)?),
        Action::Hold(which) => Action::Hold(scope(which)?),
        Action::Link { scope: which, worse } => Action::Link { scope: scope(which)?, worse },
        other => other,
    };
    Some(FaultPlan { target: target(fault.target)?, action, ..fault.clone() })
}

/// Whether a file can say it, which depends on how many nodes there are.
fn can_be_written(trial: &Trial, systems: &[&dyn System]) -> bool {
    let source = Source::from_text("plan", trial.to_toml()).with_overlays(["name=plan"]);
    Scenario::again(source, systems).is_ok_and(|scenario| scenario.plan(0) == *trial.plan())
}
