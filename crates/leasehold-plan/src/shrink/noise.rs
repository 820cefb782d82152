//! A quieter world: perfect clocks, a network and disks that always take the same time, nothing drawn.

use leasehold_core::noise::NoiseKey;
use leasehold_core::plan::{Chance, Latency, NodePlan, Plan};
use leasehold_core::time::{RateError, Span};

use super::state::{Offer, State};

type Change = fn(&mut Plan);

/// How many messages a stopped process's host buffers, where a scenario says nothing.
pub(super) const RECEIVE_BUFFER: u32 = 256;

/// Everything at once, then part by part, then piece by piece.
pub(super) fn quieter(best: &State) -> Vec<Offer> {
    let parts: [(&[Change], usize); 11] = [
        (&[calm, steady, even_disks, true_rates, true_walls, at_once, unkeyed], 0),
        (&[calm, steady, even_disks], 1),
        (&[true_rates, true_walls, at_once, unkeyed], 2),
        (&[calm], 3),
        (&[steady], 4),
        (&[slow_but_steady], 5),
        (&[even_disks], 6),
        (&[true_rates], 7),
        (&[true_walls], 8),
        (&[at_once], 9),
        (&[unkeyed], 10),
    ];
    let mut offers: Vec<Offer> = parts
        .into_iter()
        .map(|(changes, knob)| {
            best.changed(knob, |state| changes.iter().for_each(|change| change(&mut state.case.plan)))
        })
        .collect();
    let network: [Change; 4] = [
        |plan| plan.receive_buffer = RECEIVE_BUFFER,
        |plan| plan.network.loss = Chance::NEVER,
        |plan| plan.network.duplicate = Chance::NEVER,
        |plan| plan.network.burst = None,
    ];
    let node: [fn(&mut NodePlan); 3] =
        [|node| node.rate = RateError::ZERO, |node| node.wall_offset = 0, |node| node.starts = Span::ZERO];
    let mut knob = 11..;
    let mut next = || knob.next().expect("there is always one more");
    offers.extend(network.map(|change| best.changed(next(), |state| change(&mut state.case.plan))));
    for change in node {
        for index in 0..best.case.plan.nodes.len() {
            offers.push(best.changed(next(), |state| change(&mut state.case.plan.nodes[index])));
        }
    }
    offers
}

fn calm(plan: &mut Plan) {
    plan.receive_buffer = RECEIVE_BUFFER;
    plan.network.loss = Chance::NEVER;
    plan.network.duplicate = Chance::NEVER;
    plan.network.burst = None;
}

fn steady(plan: &mut Plan) {
    plan.network.latency = Latency::Constant(middle(&plan.network.latency));
}

fn slow_but_steady(plan: &mut Plan) {
    let latency = match plan.network.latency {
        Latency::LogNormal { p99, .. } => p99,
        latency => latency.longest(),
    };
    plan.network.latency = Latency::Constant(latency);
}

fn even_disks(plan: &mut Plan) {
    for node in &mut plan.nodes {
        node.disk = Latency::Constant(middle(&node.disk));
    }
}

fn true_rates(plan: &mut Plan) {
    plan.nodes.iter_mut().for_each(|node| node.rate = RateError::ZERO);
}

fn true_walls(plan: &mut Plan) {
    plan.nodes.iter_mut().for_each(|node| node.wall_offset = 0);
}

fn at_once(plan: &mut Plan) {
    plan.nodes.iter_mut().for_each(|node| node.starts = Span::ZERO);
}

fn unkeyed(plan: &mut Plan) {
    plan.noise = NoiseKey(0);
}

/// What half of the draws are below.
fn middle(latency: &Latency) -> Span {
    match *latency {
        Latency::Constant(span) => span,
        Latency::Uniform { min, max } => min + (max - min).scale(1, 2),
        Latency::LogNormal { median, .. } => median,
    }
}
