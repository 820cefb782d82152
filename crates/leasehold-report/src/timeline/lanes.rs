//! Which node stands where.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_core::plan::Role;
use leasehold_core::{NodeId, ResourceId};

use super::bands::BandKind;
use super::picture::Picture;

/// So many lanes are drawn in full. Chosen by us: more do not fit on a screen, and a fleet is best seen as a whole.
const MOST_FULL: usize = 24;
/// Of a larger fleet, so many nodes with something to tell get a lane of their own.
const MOST_TELLING: usize = 14;
/// So many of the others are drawn as thin rows.
const MOST_THIN: usize = 300;
/// A lane has rows for so many resources or members.
const MOST_ROWS: usize = 3;
/// A view has rows for so many stale entries.
const MOST_STALE: usize = 6;

/// How high a row for a resource is: the lease above, the claim below.
pub(super) const ROW: f64 = 32.0;
/// How high the row is in which a resource's mark rises.
pub(super) const MARK_ROW: f64 = 40.0;
/// How high a row for a stale entry is.
pub(super) const STALE_ROW: f64 = 13.0;
/// How high the row is that says how many a view lists.
pub(super) const COUNT_ROW: f64 = 20.0;
/// How high the row is on which messages begin and end.
pub(super) const WIRE_ROW: f64 = 14.0;
/// The empty space at the top of a lane.
pub(super) const PAD: f64 = 6.0;

/// A lane.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) node: NodeId,
    pub(super) role: Role,
    /// Where it begins, from the top of the first lane.
    pub(super) top: f64,
    pub(super) height: f64,
    /// The resources that have a row, in order.
    pub(super) rows: Vec<ResourceId>,
    /// How many resources have none.
    pub(super) rows_left_out: usize,
    /// The stale entries that have a row: their places among those of the view.
    pub(super) stale: usize,
}

impl Lane {
    /// Where messages begin and end.
    pub(super) fn wire(&self) -> f64 {
        self.top + self.height - WIRE_ROW / 2.0
    }

    /// Where the row of a resource begins, if it has one.
    pub(super) fn row(&self, resource: ResourceId) -> Option<f64> {
        let place = self.rows.iter().position(|row| *row == resource)?;
        let height = if self.role == Role::Resource { MARK_ROW } else { ROW };
        Some(self.top + PAD + place as f64 * height)
    }
}

/// All lanes, and the nodes that share one.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    pub(super) full: Vec<Lane>,
    /// The nodes that have a thin row each, in one lane.
    pub(super) thin: Vec<NodeId>,
    /// Where that lane begins.
    pub(super) thin_top: f64,
    /// How high a thin row is.
    pub(super) thin_row: f64,
    /// How many nodes are not drawn at all.
    pub(super) left_out: usize,
    pub(super) height: f64,
    by_node: BTreeMap<NodeId, usize>,
}

impl Lanes {
    pub(super) fn of(picture: &Picture) -> Self {
        let nodes = &picture.names.header().nodes;
        let mut order: Vec<NodeId> = (0..).map(NodeId).take(nodes.len()).collect();
        order.sort_by_key(|node| (rank(nodes[node.index()].role), *node));
        let telling = if order.len() > MOST_FULL { Some(telling(picture)) } else { None };
        let is_full = |node: &NodeId| telling.as_ref().is_none_or(|telling| telling.contains(node));
        let (full, thin): (Vec<NodeId>, Vec<NodeId>) = order.into_iter().partition(is_full);
        let mut top = 0.0;
        let lanes: Vec<Lane> = full
            .into_iter()
            .map(|node| {
                let lane = lane(picture, node, top);
                top += lane.height;
                lane
            })
            .collect();
        let left_out = thin.len().saturating_sub(MOST_THIN);
        let thin: Vec<NodeId> = thin.into_iter().take(MOST_THIN).collect();
        let thin_row = if thin.len() > 100 { 4.0 } else { 6.0 };
        let height = top + if thin.is_empty() { 0.0 } else { thin.len() as f64 * thin_row + 2.0 * PAD };
        let by_node = lanes.iter().enumerate().map(|(place, lane)| (lane.node, place)).collect();
        Self { full: lanes, thin, thin_top: top, thin_row, left_out, height, by_node }
    }

    /// The lane of a node, if it has one of its own.
    pub(super) fn lane(&self, node: NodeId) -> Option<&Lane> {
        self.by_node.get(&node).map(|place| &self.full[*place])
    }

    /// Where the thin row of a node begins, if it has one.
    pub(super) fn thin(&self, node: NodeId) -> Option<f64> {
        let place = self.thin.iter().position(|thin| *thin == node)?;
        Some(self.thin_top + PAD + place as f64 * self.thin_row)
    }

    /// Where messages of a node begin and end, if it is drawn.
    pub(super) fn wire(&self, node: NodeId) -> Option<f64> {
        let thin = || self.thin(node).map(|top| top + self.thin_row / 2.0);
        self.lane(node).map(Lane::wire).or_else(thin)
    }
}

/// Who talks with whom stands near: those that hold between who grants and what they work on, a registry between who is
/// registered and who asks for them.
const fn rank(role: Role) -> u32 {
    match role {
        Role::Grantor => 0,
        Role::Contender => 1,
        Role::Resource => 2,
        Role::Sidecar => 3,
        Role::Instance => 4,
        Role::Registry => 5,
        Role::Observer => 6,
        Role::Follower => 7,
        Role::Discovery => 8,
    }
}

/// The nodes of a large fleet that have something to tell: those that everything goes through, those that had a part in
/// what was found, those that were stopped, and those whose views were stale.
fn telling(picture: &Picture) -> BTreeSet<NodeId> {
    let header = picture.names.header();
    let nodes = (0..).map(NodeId).zip(&header.nodes);
    let mut telling: BTreeSet<NodeId> =
        nodes.filter(|(_, node)| node.role.is_core()).map(|(node, _)| node).take(MOST_TELLING).collect();
    let first = picture.first_alarm().into_iter().flat_map(|alarm| alarm.nodes.iter().copied());
    let found = picture.alarms.iter().flat_map(|alarm| alarm.nodes.iter().copied());
    let stale = picture.views.iter().filter(|view| !view.stale.is_empty()).map(|view| view.node);
    let stopped = picture.bands.iter().filter(|band| band.kind != BandKind::Slow).map(|band| band.node);
    let struck = picture.faults.iter().filter_map(|fault| fault.node);
    let views = picture.views.iter().map(|view| view.node).take(2);
    for node in first.chain(found).chain(stale).chain(stopped).chain(struck).chain(views) {
        if telling.len() >= MOST_TELLING {
            break;
        }
        telling.insert(node);
    }
    telling
}

fn lane(picture: &Picture, node: NodeId, top: f64) -> Lane {
    let role = picture.names.header().nodes[node.index()].role;
    let resources: BTreeSet<ResourceId> = match role {
        Role::Resource => {
            picture.steps.iter().filter(|step| step.node == node).map(|step| step.resource).collect()
        }
        _ => picture.bars.iter().filter(|bar| bar.node == node).map(|bar| bar.resource).collect(),
    };
    let rows: Vec<ResourceId> = resources.iter().copied().take(MOST_ROWS).collect();
    let view = picture.views.iter().find(|view| view.node == node);
    let stale = view.map_or(0, |view| view.stale.len().min(MOST_STALE));
    let row = if role == Role::Resource { MARK_ROW } else { ROW };
    let height = rows.len() as f64 * row + view.map_or(0.0, |_| COUNT_ROW) + stale as f64 * STALE_ROW;
    let rows_left_out = resources.len() - rows.len();
    Lane { node, role, top, height: PAD + height.max(20.0) + WIRE_ROW, rows, rows_left_out, stale }
}
