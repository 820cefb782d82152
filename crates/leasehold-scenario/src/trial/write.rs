//! A trial as a scenario file that leaves nothing open.

use leasehold_core::Span;
use leasehold_core::noise::NoiseKey;
use leasehold_core::plan::{Chance, Plan};
use leasehold_plan::{Setting, Template};
use toml::de::DeTable;

use super::Trial;
use crate::document::{Document, burst, in_order, inline, latency, length, offset, written};
use crate::fault::{Cast, write};
use crate::overlay;
use crate::plan_table::KeyText;
use crate::scenario::{OWN, SCHEMA};
use crate::value::{Bound, Percent, Rate};
use crate::world::RECEIVE_BUFFER;

/// The scenario file of a trial.
pub(super) fn to_toml(trial: &Trial) -> String {
    let scenario = trial.scenario();
    let root = overlay::read(&scenario.source).expect("the scenario was read from this source");
    let mut document = Document::default();
    document.comment(&origin(trial));
    document.key("schema", SCHEMA.to_string());
    document.text("summary", &scenario.summary);
    if root.contains_key("system") {
        document.text("system", &scenario.system);
    }
    as_read("engine", &root, &mut document);
    let foreign = |name: &str| OWN.contains(&name) || NEVER_WRITTEN.contains(&name);
    for (name, value) in in_order(&root).into_iter().filter(|(name, _)| !foreign(name)) {
        document.value(name, value);
    }
    world(&root, &mut document);
    phases(trial.plan(), &mut document);
    plan(trial.plan(), &mut document);
    clocks(trial.plan(), &mut document);
    faults(trial, &mut document);
    as_read("expect", &root, &mut document);
    document.finish()
}

/// What a plan leaves no room for.
const NEVER_WRITTEN: [&str; 2] = ["safe", "chaos"];

fn origin(trial: &Trial) -> String {
    let name = &trial.scenario().name;
    if trial.scenario().is_explicit() {
        return format!("A run of {name}. Nothing is left to a seed.");
    }
    format!("The run of {name} under seed {}. Nothing is left to the seed any more.", trial.seed())
}

fn as_read(name: &str, root: &DeTable<'_>, document: &mut Document) {
    if let Some(value) = root.get(name) {
        document.value(name, value.get_ref());
    }
}

/// `[bounds]`, `[network]`, `[disk]` and `[transport]`: as they stand in the scenario, which says the same as the plan.
fn world(root: &DeTable<'_>, document: &mut Document) {
    for name in ["bounds", "network", "disk", "transport"] {
        as_read(name, root, document);
    }
}

/// What has to be said so that the scenario's world is that of a plan: `[bounds]`, `[network]` and `[disk]`, each as
/// a whole. Disks are all alike.
pub(super) fn world_of(plan: &Plan, template: &Template) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut say = |key: &str, value: String| {
        settings.push(Setting { key: key.to_owned(), value: Some(value) });
    };
    if template.clock_rate != plan.clock_rate {
        say("bounds", inline([("clock_rate", written(&Bound(plan.clock_rate)))]));
    }
    if (template.network, template.receive_buffer) != (plan.network, plan.receive_buffer) {
        say("network", inline(network(plan)));
    }
    if let (Some(read), Some(node)) = (template.nodes.first(), plan.nodes.first())
        && read.disk != node.disk
    {
        say("disk", inline([("latency", latency(node.disk))]));
    }
    settings
}

/// The keys of `[network]` that a plan's network needs.
fn network(plan: &Plan) -> Vec<(&'static str, String)> {
    let network = &plan.network;
    let mut keys = vec![("latency", latency(network.latency))];
    for (key, chance) in [("loss", network.loss), ("duplicate", network.duplicate)] {
        if chance != Chance::NEVER {
            keys.push((key, written(&Percent(chance))));
        }
    }
    keys.extend(network.burst.map(|bursts| ("burst", burst(bursts))));
    if plan.receive_buffer != RECEIVE_BUFFER {
        keys.push(("receive_buffer", plan.receive_buffer.to_string()));
    }
    keys
}

fn phases(plan: &Plan, document: &mut Document) {
    document.table(&["phases"]);
    document.key("chaos", length(plan.phases.chaos));
    document.key("settle", length(plan.phases.settle));
}

fn plan(plan: &Plan, document: &mut Document) {
    document.table(&["plan"]);
    if plan.noise != NoiseKey::default() {
        document.key("noise", written(&KeyText(plan.noise)));
    }
    let late: Vec<_> = plan.nodes.iter().filter(|node| node.starts != Span::ZERO).collect();
    if !late.is_empty() {
        document.table(&["plan", "starts"]);
        for node in late {
            document.key(&node.name, length(node.starts));
        }
    }
}

fn clocks(plan: &Plan, document: &mut Document) {
    for node in &plan.nodes {
        let (has_rate, has_offset) = (node.rate.as_ppb() != 0, node.wall_offset != 0);
        if has_rate || has_offset {
            document.table(&["clocks", &node.name]);
        }
        if has_rate {
            document.key("rate", written(&Rate(node.rate)));
        }
        if has_offset {
            document.key("wall_offset", offset(node.wall_offset));
        }
    }
}

fn faults(trial: &Trial, document: &mut Document) {
    let deployment = &trial.scenario().deployment;
    let cast = Cast { nodes: deployment.nodes(), commands: deployment.commands() };
    let described = trial.scenario().describe(&trial.plan().faults);
    for (fault, description) in trial.plan().faults.iter().zip(described) {
        document.gap();
        document.comment(&description);
        write(fault, &cast, document);
    }
}
