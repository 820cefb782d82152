//! Who believed what: what nodes claimed, and what grantors thought.

use std::collections::BTreeMap;

use leasehold_core::event::{Claim, NodeEvent, WorldEvent};
use leasehold_core::{Event, EventKind, LeaseId, NodeId, ResourceId, SimInstant, Token};

use super::anchors::Anchors;
use super::picture::Alarm;

/// So many bars are shown at most. Chosen by us: more cannot be told apart.
const MOST_BARS: usize = 4_000;

/// Something that was believed for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// In whose lane it stands: of a claim, who claims; of a lease, who is said to hold it.
    pub node: NodeId,
    /// What it is about.
    pub resource: ResourceId,
    /// Under which token.
    pub token: Token,
    /// Since when.
    pub from: SimInstant,
    /// Until when, this instant not included; until the end of the run if it was not over then.
    pub until: SimInstant,
    /// Whether it was over when the run was.
    pub is_over: bool,
    /// What was believed.
    pub kind: BarKind,
}

/// What was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BarKind {
    /// A grantor thought that the node holds the resource by this lease.
    Lease(LeaseId),
    /// The node claimed, and its own clock agreed.
    Claim,
    /// The node's own clock had passed the deadline of its claim, and the node had not noticed.
    Unaware,
}

#[derive(Clone, Copy, Debug)]
struct OpenClaim {
    token: Token,
    since: SimInstant,
    /// Since when its clock is past the deadline, if it is.
    lapsed: Option<SimInstant>,
}

#[derive(Clone, Copy, Debug)]
struct OpenLease {
    holder: NodeId,
    token: Token,
    since: SimInstant,
}

/// Follows claims and leases.
#[derive(Debug, Default)]
pub(super) struct Beliefs {
    claims: BTreeMap<(NodeId, ResourceId), OpenClaim>,
    leases: BTreeMap<(ResourceId, LeaseId), OpenLease>,
    bars: Vec<Bar>,
    left_out: u64,
}

impl Beliefs {
    /// Whether a node's own clock says that it may act under this token.
    pub(super) fn claims(&self, node: NodeId, resource: ResourceId, token: Token) -> bool {
        let claim = self.claims.get(&(node, resource));
        claim.is_some_and(|claim| claim.token == token && claim.lapsed.is_none())
    }

    pub(super) fn hear(&mut self, event: &Event, alarms: &[Alarm]) {
        let Some(node) = event.node else { return };
        match event.kind {
            EventKind::Node(said) => self.hear_report(event.at, node, &said),
            EventKind::World(seen) => self.hear_world(event.at, node, &seen),
        }
        if self.bars.len() >= 2 * MOST_BARS {
            let anchors = Anchors::of(alarms, std::iter::empty(), event.at);
            self.thin(&anchors);
        }
    }

    /// Bars in the order in which they began, those that are nearest if there are too many, and how many are left out.
    pub(super) fn finish(mut self, ended_at: SimInstant, anchors: &Anchors) -> (Vec<Bar>, u64) {
        self.end(ended_at);
        self.thin(anchors);
        self.bars.sort_by_key(|bar| (bar.from, bar.kind, bar.node));
        (self.bars, self.left_out)
    }

    fn thin(&mut self, anchors: &Anchors) {
        self.left_out += anchors.keep_nearest(&mut self.bars, MOST_BARS, |bar| (bar.from, bar.until));
    }

    /// The bars that came to their end since this was asked last.
    pub(super) fn drain(&mut self) -> Vec<Bar> {
        std::mem::take(&mut self.bars)
    }

    /// The run is over: what is believed then, is believed until then.
    pub(super) fn end(&mut self, ended_at: SimInstant) {
        for ((node, resource), claim) in std::mem::take(&mut self.claims) {
            let (kind, from) =
                claim.lapsed.map_or((BarKind::Claim, claim.since), |at| (BarKind::Unaware, at));
            self.push(Bar {
                node,
                resource,
                token: claim.token,
                from,
                until: ended_at,
                is_over: false,
                kind,
            });
        }
        for ((resource, lease), OpenLease { holder, token, since }) in std::mem::take(&mut self.leases) {
            let kind = BarKind::Lease(lease);
            let bar =
                Bar { node: holder, resource, token, from: since, until: ended_at, is_over: false, kind };
            self.push(bar);
        }
    }

    fn hear_report(&mut self, at: SimInstant, node: NodeId, said: &NodeEvent) {
        match *said {
            NodeEvent::ClaimStarted(Claim { resource, token, .. }) => {
                self.close_claim(at, node, resource);
                self.claims.insert((node, resource), OpenClaim { token, since: at, lapsed: None });
            }
            NodeEvent::ClaimRenewed(Claim { resource, token, .. }) => {
                let open = self.claims.get(&(node, resource)).copied();
                if !open.is_some_and(|open| open.token == token && open.lapsed.is_none()) {
                    self.close_claim(at, node, resource);
                    self.claims.insert((node, resource), OpenClaim { token, since: at, lapsed: None });
                }
            }
            NodeEvent::ClaimEnded { resource, .. } => self.close_claim(at, node, resource),
            NodeEvent::Granted { resource, lease, holder, token, .. } => {
                self.leases.insert((resource, lease), OpenLease { holder, token, since: at });
            }
            NodeEvent::Recovered { resource, lease, holder, token, ended: None, .. } => {
                self.leases.entry((resource, lease)).or_insert(OpenLease { holder, token, since: at });
            }
            NodeEvent::Recovered { resource, lease, ended: Some(_), .. }
            | NodeEvent::Ended { resource, lease, .. } => self.close_lease(at, resource, lease),
            _ => {}
        }
    }

    fn hear_world(&mut self, at: SimInstant, node: NodeId, seen: &WorldEvent) {
        match *seen {
            WorldEvent::ClaimLapsed { resource, token, .. } => {
                let Some(open) = self.claims.get_mut(&(node, resource)) else { return };
                if open.token == token && open.lapsed.is_none() {
                    let from = open.since;
                    open.lapsed = Some(at);
                    self.push_claim(BarKind::Claim, node, resource, token, from, at);
                }
            }
            WorldEvent::ClaimResumed { resource, token, .. } => {
                let Some(open) = self.claims.get_mut(&(node, resource)) else { return };
                if let Some(from) = open.lapsed.take_if(|_| open.token == token) {
                    open.since = at;
                    self.push_claim(BarKind::Unaware, node, resource, token, from, at);
                }
            }
            WorldEvent::Crashed => {
                let of_it = self.claims.keys().filter(|(of, _)| *of == node);
                let resources: Vec<ResourceId> = of_it.map(|(_, resource)| *resource).collect();
                resources.into_iter().for_each(|resource| self.close_claim(at, node, resource));
            }
            _ => {}
        }
    }

    fn close_claim(&mut self, at: SimInstant, node: NodeId, resource: ResourceId) {
        let Some(open) = self.claims.remove(&(node, resource)) else { return };
        let (kind, from) = open.lapsed.map_or((BarKind::Claim, open.since), |at| (BarKind::Unaware, at));
        self.push_claim(kind, node, resource, open.token, from, at);
    }

    fn close_lease(&mut self, until: SimInstant, resource: ResourceId, lease: LeaseId) {
        let Some(OpenLease { holder, token, since }) = self.leases.remove(&(resource, lease)) else { return };
        let kind = BarKind::Lease(lease);
        self.push(Bar { node: holder, resource, token, from: since, until, is_over: true, kind });
    }

    fn push_claim(
        &mut self,
        kind: BarKind,
        node: NodeId,
        resource: ResourceId,
        token: Token,
        from: SimInstant,
        until: SimInstant,
    ) {
        self.push(Bar { node, resource, token, from, until, is_over: true, kind });
    }

    /// What lasted no time was not believed.
    fn push(&mut self, bar: Bar) {
        if bar.from < bar.until {
            self.bars.push(bar);
        }
    }
}
