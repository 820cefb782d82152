//! What every checker may ask about the run so far.

use alloc::vec::Vec;

use leasehold_core::plan::Role;
use leasehold_core::trace::{Header, TraceNode};
use leasehold_core::{Bounds, Event, EventKind, NodeId, SimInstant, WorldEvent};

use crate::assumptions::{Assumptions, CLOCKS_AND_DISK};
use crate::claims::Claims;
use crate::leases::Leases;
use crate::overlaps::Overlaps;
use crate::processes::Processes;
use crate::promise::When;

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
            leases: Leases::new(header.bounds),
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
            if let WorldEvent::AssumptionBroken { assumption } = event
                && CLOCKS_AND_DISK.contains(assumption)
            {
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
        let Some(node) = event.node else { return };
        match &event.kind {
            EventKind::Node(said) => self.leases.conclude(self.when(node), node, said, &self.assumptions),
            EventKind::World(WorldEvent::Restarted { .. }) => self.leases.restarted(node),
            EventKind::World(_) => {}
        }
    }

    /// When a node says what it says now, and since when that may have been so.
    pub(crate) fn when(&self, node: NodeId) -> When {
        When { told_at: self.now, decided_since: self.processes.decided_since(node, self.now) }
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, ended_at: SimInstant) {
        self.now = self.now.max(ended_at);
        self.claims.turn_page();
        self.overlaps.turn_page();
        self.overlaps.finish(self.now);
    }
}
