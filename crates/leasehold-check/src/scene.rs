//! What every checker may ask about the run so far.

use alloc::vec::Vec;

use leasehold_core::plan::Role;
use leasehold_core::trace::{Header, TraceNode};
use leasehold_core::{Bounds, Event, EventKind, NodeId, SimInstant, WorldEvent};

use crate::assumptions::Assumptions;
use crate::claims::Claims;
use crate::leases::{Leases, When};
use crate::overlaps::Overlaps;
use crate::processes::Processes;

/// The run as it stands.
#[derive(Debug)]
pub(crate) struct Scene {
    /// The time of the latest event.
    pub(crate) now: SimInstant,
    pub(crate) bounds: Bounds,
    pub(crate) grantors: Vec<NodeId>,
    pub(crate) assumptions: Assumptions,
    pub(crate) processes: Processes,
    pub(crate) claims: Claims,
    pub(crate) overlaps: Overlaps,
    /// As they stood before the latest event.
    pub(crate) leases: Leases,
}

impl Scene {
    pub(crate) fn new(header: &Header) -> Self {
        let is_grantor = |(_, node): &(NodeId, &TraceNode)| node.role == Role::Grantor;
        let nodes = (0..).map(NodeId).zip(&header.nodes);
        Self {
            now: SimInstant::START,
            bounds: header.bounds,
            grantors: nodes.filter(is_grantor).map(|(node, _)| node).collect(),
            assumptions: Assumptions::new(header.nodes.len(), header.bounds.aftermath()),
            processes: Processes::new(header.nodes.len()),
            claims: Claims::default(),
            overlaps: Overlaps::default(),
            leases: Leases::default(),
        }
    }

    /// Takes an event before the checkers see it: all but the leases.
    pub(crate) fn hear(&mut self, event: &Event) {
        self.now = event.at;
        self.claims.turn_page();
        self.overlaps.turn_page();
        let Some(node) = event.node else { return };
        self.claims.hear(event.at, node, &event.kind);
        if let EventKind::World(event) = &event.kind {
            self.processes.hear(self.now, node, event);
            self.assumptions.hear(self.now, node, event);
            if matches!(event, WorldEvent::AssumptionBroken { .. }) {
                let Self { now, overlaps, grantors, .. } = self;
                let is_grantor = grantors.contains(&node);
                overlaps.excuse_begun_at(*now, |overlap| {
                    is_grantor || overlap.first.id.node == node || overlap.second.id.node == node
                });
            }
        }
        let Self { now, overlaps, claims, grantors, assumptions, .. } = self;
        let excused = |node: NodeId| assumptions.excused(node, *now);
        overlaps.follow(*now, claims, |first, second| {
            excused(first) || excused(second) || grantors.iter().any(|grantor| excused(*grantor))
        });
    }

    /// Takes an event after the checkers have seen it: the leases.
    pub(crate) fn conclude(&mut self, event: &Event) {
        if let (Some(node), EventKind::Node(said)) = (event.node, &event.kind) {
            let decided_since = self.processes.decided_since(node, event.at);
            let when = When { told_at: event.at, decided_since };
            self.leases.conclude(when, node, said, &self.assumptions);
        }
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, ended_at: SimInstant) {
        self.now = self.now.max(ended_at);
        self.claims.turn_page();
        self.overlaps.turn_page();
        self.overlaps.finish(self.now);
    }
}
