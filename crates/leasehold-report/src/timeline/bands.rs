//! When nodes could not do what they otherwise do, and when faults were about.

use std::collections::BTreeMap;

use leasehold_core::event::{DiscoveryEvent, NodeEvent, RegistryEvent, WorldEvent};
use leasehold_core::{Event, EventKind, FaultId, NodeId, RunEnd, SimInstant};

use super::anchors::Anchors;
use super::picture::Alarm;

/// So many bands are shown at most. Chosen by us: more cannot be told apart.
const MOST_BANDS: usize = 2_000;

/// For a while something was the matter with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// The node.
    pub node: NodeId,
    /// Since when.
    pub from: SimInstant,
    /// Until when, this instant not included.
    pub until: SimInstant,
    /// What.
    pub kind: BandKind,
}

/// What can be the matter with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BandKind {
    /// Its process was stopped, its clocks ran.
    Paused,
    /// Its machine was stopped.
    Suspended,
    /// Its process was dead.
    Down,
    /// Its process was slow.
    Slow,
    /// Its disk completed nothing.
    DiskStalled,
    /// Its clocks stood still.
    ClocksFrozen,
    /// Its work stood still, though its process ran.
    WorkStopped,
    /// Its view was kept up to date no more, though its process ran.
    CacheFrozen,
}

impl BandKind {
    /// What stands in the band.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Down => "down",
            Self::Slow => "slow",
            Self::DiskStalled => "disk stalled",
            Self::ClocksFrozen => "clocks frozen",
            Self::WorkStopped => "work stands still",
            Self::CacheFrozen => "view frozen",
        }
    }

    /// Whether the process does nothing at all.
    pub const fn is_stop(self) -> bool {
        matches!(self, Self::Paused | Self::Suspended | Self::Down)
    }
}

/// How long a fault lasted, on one node or on the whole world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultBand {
    /// Which.
    pub fault: FaultId,
    /// On whom; nothing if it fell on nobody.
    pub node: Option<NodeId>,
    /// When it fired.
    pub from: SimInstant,
    /// When it was over: the same instant if it took no time.
    pub until: SimInstant,
    /// Whether it touched anything.
    pub landed: bool,
}

/// Follows what is the matter.
#[derive(Debug, Default)]
pub(super) struct Bands {
    open: BTreeMap<(NodeId, BandKind), SimInstant>,
    bands: Vec<Band>,
    faults: Vec<(FaultBand, Option<SimInstant>)>,
    left_out: u64,
    faults_left_out: u64,
}

impl Bands {
    pub(super) fn hear(&mut self, event: &Event, alarms: &[Alarm]) {
        let at = event.at;
        match (event.kind, event.node) {
            (EventKind::World(seen), node) => self.hear_world(at, node, &seen),
            (EventKind::Node(NodeEvent::Registry(said)), Some(node)) => match said {
                RegistryEvent::WorkStopped { .. } => self.begin(at, node, BandKind::WorkStopped),
                RegistryEvent::WorkWentOn { .. } => self.end(at, node, BandKind::WorkStopped),
                _ => {}
            },
            (EventKind::Node(NodeEvent::Discovery(said)), Some(node)) => match said {
                DiscoveryEvent::CacheFroze => self.begin(at, node, BandKind::CacheFrozen),
                DiscoveryEvent::CacheThawed => self.end(at, node, BandKind::CacheFrozen),
                _ => {}
            },
            (EventKind::Node(_), _) => {}
        }
        if self.bands.len() >= 2 * MOST_BANDS {
            let anchors = Anchors::of(alarms, std::iter::empty(), at);
            self.thin(&anchors);
        }
    }

    /// Bands in the order in which they began, those that are nearest if there are too many, and how many are left out.
    pub(super) fn finish(mut self, ended_at: SimInstant, anchors: &Anchors) -> (Vec<Band>, u64) {
        self.end_all(ended_at);
        self.thin(anchors);
        self.bands.sort_by_key(|band| (band.from, band.node, band.kind));
        (self.bands, self.left_out)
    }

    fn thin(&mut self, anchors: &Anchors) {
        self.left_out += anchors.keep_nearest(&mut self.bands, MOST_BANDS, |band| (band.from, band.until));
    }

    /// How many faults came when there was no room any more.
    pub(super) const fn faults_left_out(&self) -> u64 {
        self.faults_left_out
    }

    /// The bands that came to their end since this was asked last.
    pub(super) fn drain(&mut self) -> Vec<Band> {
        std::mem::take(&mut self.bands)
    }

    /// The run is over, and all that lasts with it.
    pub(super) fn end_all(&mut self, ended_at: SimInstant) {
        let open: Vec<(NodeId, BandKind)> = self.open.keys().copied().collect();
        open.into_iter().for_each(|(node, kind)| self.end(ended_at, node, kind));
    }

    /// How long faults lasted. One that nobody says is over took no time, unless the run ended before it could be.
    pub(super) fn faults(&mut self, ended_at: SimInstant, end: &RunEnd) -> Vec<FaultBand> {
        let healed = matches!(end, RunEnd::Completed);
        let until = |band: &FaultBand| if healed { band.from } else { ended_at };
        let faults = std::mem::take(&mut self.faults).into_iter();
        faults.map(|(band, over)| FaultBand { until: over.unwrap_or_else(|| until(&band)), ..band }).collect()
    }

    fn hear_world(&mut self, at: SimInstant, node: Option<NodeId>, seen: &WorldEvent) {
        match *seen {
            WorldEvent::FaultFired { fault } => {
                if self.faults.len() < MOST_BANDS {
                    self.faults.push((FaultBand { fault, node, from: at, until: at, landed: false }, None));
                } else {
                    self.faults_left_out += 1;
                }
                return;
            }
            WorldEvent::FaultLanded { fault } => {
                self.of_fault(fault, node).for_each(|(band, _)| band.landed = true);
                return;
            }
            WorldEvent::FaultHealed { fault } => {
                self.of_fault(fault, node).for_each(|(_, over)| *over = Some(at));
                return;
            }
            _ => {}
        }
        let Some(node) = node else { return };
        match *seen {
            WorldEvent::Paused => self.begin(at, node, BandKind::Paused),
            WorldEvent::Suspended => self.begin(at, node, BandKind::Suspended),
            WorldEvent::Resumed => self.go_on(at, node),
            WorldEvent::Crashed => {
                self.go_on(at, node);
                self.end(at, node, BandKind::WorkStopped);
                self.end(at, node, BandKind::CacheFrozen);
                self.begin(at, node, BandKind::Down);
            }
            WorldEvent::Restarted { .. } => self.end(at, node, BandKind::Down),
            WorldEvent::Throttled => self.begin(at, node, BandKind::Slow),
            WorldEvent::Unthrottled => self.end(at, node, BandKind::Slow),
            WorldEvent::DiskStalled => self.begin(at, node, BandKind::DiskStalled),
            WorldEvent::DiskFlows => self.end(at, node, BandKind::DiskStalled),
            WorldEvent::ClocksFroze => self.begin(at, node, BandKind::ClocksFrozen),
            WorldEvent::ClocksThawed => self.end(at, node, BandKind::ClocksFrozen),
            _ => {}
        }
    }

    /// What a fault does to a node, if it is about one; on all whom it was aimed at if nobody is named.
    fn of_fault(
        &mut self,
        fault: FaultId,
        node: Option<NodeId>,
    ) -> impl Iterator<Item = &mut (FaultBand, Option<SimInstant>)> {
        let is_of = move |band: &FaultBand| {
            band.fault == fault && (node.is_none() || band.node.is_none() || band.node == node)
        };
        self.faults.iter_mut().filter(move |(band, over)| is_of(band) && over.is_none())
    }

    fn go_on(&mut self, at: SimInstant, node: NodeId) {
        self.end(at, node, BandKind::Paused);
        self.end(at, node, BandKind::Suspended);
    }

    fn begin(&mut self, at: SimInstant, node: NodeId, kind: BandKind) {
        self.open.entry((node, kind)).or_insert(at);
    }

    fn end(&mut self, at: SimInstant, node: NodeId, kind: BandKind) {
        if let Some(from) = self.open.remove(&(node, kind))
            && from < at
        {
            self.bands.push(Band { node, from, until: at, kind });
        }
    }
}
