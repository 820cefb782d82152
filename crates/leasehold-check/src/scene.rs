//! What every checker may ask about the run so far.

use alloc::vec::Vec;

use leasehold_core::event::{Assumption, DiscoveryEvent, RegistryEvent};
use leasehold_core::plan::Role;
use leasehold_core::trace::{Header, TraceNode};
use leasehold_core::{Bounds, Event, EventKind, NodeEvent, NodeId, SimInstant, Span, WorldEvent};

use crate::assumptions::{Assumptions, CLOCKS_AND_DISK};
use crate::calm::Calm;
use crate::claims::Claims;
use crate::leases::Leases;
use crate::overlaps::Overlaps;
use crate::processes::Processes;
use crate::promise::When;
use crate::roster::Roster;

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
    pub(crate) calm: Calm,
    /// As they stood before the latest event.
    pub(crate) leases: Leases,
    /// Likewise.
    pub(crate) roster: Roster,
}

impl Scene {
    pub(crate) fn new(header: &Header) -> Self {
        let is_grantor =
            |(_, node): &(NodeId, &TraceNode)| matches!(node.role, Role::Grantor | Role::Registry);
        let nodes = || (0..).map(NodeId).zip(&header.nodes);
        let registry = nodes().find(|(_, node)| node.role == Role::Registry).map(|(node, _)| node);
        Self {
            now: SimInstant::START,
            bounds: header.bounds,
            grantors: nodes().filter(is_grantor).map(|(node, _)| node).collect(),
            assumptions: Assumptions::new(header.nodes.len(), header.bounds.aftermath()),
            processes: Processes::new(header.nodes.len()),
            claims: Claims::default(),
            overlaps: Overlaps::default(),
            calm: Calm::new(header),
            leases: Leases::new(header.bounds),
            roster: Roster::new(registry),
        }
    }

    /// Takes an event before the checkers see it: all but the leases and the registrations.
    pub(crate) fn hear(&mut self, event: &Event) {
        self.now = event.at;
        self.claims.turn_page();
        self.overlaps.turn_page();
        self.calm.hear(event.at, event.node, &event.kind);
        let Some(node) = event.node else { return };
        match event.kind {
            EventKind::Node(NodeEvent::Registry(RegistryEvent::SweptLate { .. })) => {
                self.calm.swept_late(event.at);
            }
            EventKind::Node(NodeEvent::Registry(RegistryEvent::MessageDropped { from, purpose })) => {
                self.calm.lost(event.at, [node, from], purpose);
            }
            _ => {}
        }
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

    /// Takes an event after the checkers have seen it: the leases and the registrations.
    pub(crate) fn conclude(&mut self, event: &Event) {
        let Some(node) = event.node else { return };
        self.roster.conclude(self.now, node, &event.kind, &self.leases, &self.processes);
        match &event.kind {
            EventKind::Node(NodeEvent::Discovery(
                DiscoveryEvent::ResyncStarted | DiscoveryEvent::WatchLost,
            )) => self.calm.missed(self.now, node),
            EventKind::Node(NodeEvent::Discovery(DiscoveryEvent::CacheFroze)) => self.calm.froze(node),
            EventKind::Node(NodeEvent::Discovery(DiscoveryEvent::CacheThawed)) => {
                self.calm.thawed(self.now, node);
            }
            EventKind::Node(NodeEvent::Registry(_) | NodeEvent::Discovery(_)) => {}
            EventKind::Node(said) => self.leases.conclude(self.when(node), node, said, &self.assumptions),
            EventKind::World(WorldEvent::Restarted { .. }) => self.leases.restarted(node),
            EventKind::World(_) => {}
        }
    }

    /// When a node says what it says now, and since when that may have been so.
    pub(crate) fn when(&self, node: NodeId) -> When {
        When { told_at: self.now, decided_since: self.processes.decided_since(node, self.now) }
    }

    /// Whether from `since` to now the registry could end what it had to end: its process ran at its ordinary speed,
    /// its sweeps were in time, and no assumption about its clocks and its disk was broken.
    pub(crate) fn registry_was_fit(&self, since: SimInstant) -> bool {
        const ALL: [Assumption; 4] =
            [Assumption::ClockRate, Assumption::ClockRuns, Assumption::DiskKeeps, Assumption::DiskTimely];
        self.roster.registry().is_some_and(|registry| {
            self.calm.ran_since(registry, since)
                && !self.calm.swept_late_since(since)
                && !self.assumptions.excused_since(registry, since, &ALL)
        })
    }

    /// Since when a sweep was due that is so late now, on the registry's clock.
    pub(crate) fn swept_late_since(&self, late: Span) -> SimInstant {
        self.ago(self.bounds.clock_rate.longest_true(late))
    }

    /// The instant this long ago, or the beginning.
    pub(crate) fn ago(&self, length: Span) -> SimInstant {
        SimInstant::START + self.now.since_start().saturating_sub(length)
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, ended_at: SimInstant) {
        self.now = self.now.max(ended_at);
        self.claims.turn_page();
        self.overlaps.turn_page();
        self.overlaps.finish(self.now);
    }
}
