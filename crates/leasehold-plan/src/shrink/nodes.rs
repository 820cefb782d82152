//! Fewer nodes, and the first of each role for those that are struck.

use std::collections::BTreeMap;

use leasehold_core::id::NodeId;
use leasehold_core::plan::{Action, Plan, Scope, Target};

use super::Count;
use super::state::{Offer, State};
use crate::case::Setting;

/// So many above the least are tried one by one: the current count may be less than what is known.
const ONE_BY_ONE: u32 = 3;

pub(super) fn fewer(best: &State) -> Vec<Offer> {
    let mut offers = vec![best.changed(0, |state| renumber(&mut state.case.plan))];
    for (place, Count { key, least, current }) in best.counts.iter().enumerate() {
        let near_least = (0..=ONE_BY_ONE).map(|more| least.saturating_add(more));
        let mut fewer: Vec<u32> = near_least
            .chain([current / 2, current.saturating_sub(1)])
            .filter(|count| count < current)
            .collect();
        fewer.sort_unstable();
        fewer.dedup();
        for count in fewer.into_iter().filter(|count| count >= least) {
            offers.push(best.changed(place + 1, |state| {
                let settings = &mut state.case.settings;
                settings.retain(|setting| setting.key != *key);
                settings.push(Setting { key: key.clone(), value: Some(count.to_string()) });
                state.counts[place].current = count;
            }));
        }
    }
    offers
}

/// Lets faults strike the first nodes of each role instead of those they strike: in the order in which they are named.
/// Clocks and start times go with them.
fn renumber(plan: &mut Plan) {
    let mut new_ids: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let mut named = Vec::new();
    each_node(plan, |node| named.push(*node));
    for node in named {
        if new_ids.contains_key(&node) || node.index() >= plan.nodes.len() {
            continue;
        }
        let role = plan.nodes[node.index()].role;
        let mut same = (0..).map(NodeId).zip(&plan.nodes).filter(|(_, other)| other.role == role);
        let free = same.find(|(id, _)| !new_ids.values().any(|taken| taken == id));
        let (first, _) = free.expect("there are as many places as nodes");
        new_ids.insert(node, first);
    }
    let before = plan.nodes.clone();
    for (old, new) in &new_ids {
        let (old, new) = (&before[old.index()], &mut plan.nodes[new.index()]);
        (new.rate, new.wall_offset, new.starts) = (old.rate, old.wall_offset, old.starts);
    }
    // Who made room takes over what those had.
    let left: Vec<NodeId> =
        new_ids.keys().filter(|old| !new_ids.values().any(|new| new == *old)).copied().collect();
    let ousted = new_ids.values().filter(|new| !new_ids.contains_key(new)).copied();
    for (ousted, free) in ousted.zip(left) {
        let (old, new) = (&before[ousted.index()], &mut plan.nodes[free.index()]);
        (new.rate, new.wall_offset, new.starts) = (old.rate, old.wall_offset, old.starts);
    }
    each_node(plan, |node| *node = new_ids.get(node).copied().unwrap_or(*node));
}

/// All nodes that faults name, in order.
fn each_node(plan: &mut Plan, mut visit: impl FnMut(&mut NodeId)) {
    for fault in &mut plan.faults {
        if let Target::Node(node) = &mut fault.target {
            visit(node);
        }
        if let Action::Partition(scope)
        | Action::Clog(scope)
        | Action::Hold(scope)
        | Action::Link { scope, .. } = &mut fault.action
            && let Scope::Between(Target::Node(node)) | Scope::OneWay(Target::Node(node)) = scope
        {
            visit(node);
        }
    }
}
