//! Who claims what: followed from events alone, so that it works for any protocol.
//!
//! The world derives from it when claims lapse, who is `holder` and `ex-holder`, and when lease-critical
//! conditions hold.

use leasehold_core::event::{Claim, NodeEvent};
use leasehold_core::id::{NodeId, ResourceId};

/// An open claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tracked {
    pub(crate) node: NodeId,
    pub(crate) claim: Claim,
    /// Whether the node's clock has reached the deadline, as far as the world has said.
    pub(crate) lapsed: bool,
    /// Grows whenever the claim or the node's clocks change: scheduled deadlines carry it.
    pub(crate) generation: u32,
    /// Orders claims by their start.
    started: u64,
}

/// All open claims, and who claimed last.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    by_node: Vec<Claimant>,
    changes: u64,
    generations: u32,
}

#[derive(Clone, Debug, Default)]
struct Claimant {
    open: Vec<Tracked>,
    /// The order of the latest end of a claim of its.
    ended: Option<u64>,
}

impl Claims {
    pub(crate) fn new(nodes: usize) -> Self {
        Self { by_node: vec![Claimant::default(); nodes], ..Self::default() }
    }

    /// Learns from a node's report. Gives the claim if its deadline has to be scheduled anew.
    pub(crate) fn observe(&mut self, node: NodeId, event: &NodeEvent) -> Option<Tracked> {
        match *event {
            NodeEvent::ClaimStarted(claim) | NodeEvent::ClaimRenewed(claim) => Some(self.set(node, claim)),
            NodeEvent::ClaimEnded { resource, .. } => {
                self.end(node, |tracked| tracked.claim.resource == resource);
                None
            }
            _ => None,
        }
    }

    /// The process of a node died, and its claims with it.
    pub(crate) fn crash(&mut self, node: NodeId) {
        self.end(node, |_| true);
    }

    /// The open claim that a scheduled deadline of this generation belongs to, if nothing has changed since.
    pub(crate) fn current(&mut self, node: NodeId, generation: u32) -> Option<&mut Tracked> {
        self.by_node[node.index()].open.iter_mut().find(|tracked| tracked.generation == generation)
    }

    /// A claim's deadline came.
    pub(crate) fn lapse(&mut self, node: NodeId, generation: u32) {
        self.changes += 1;
        let order = self.changes;
        if let Some(tracked) = self.current(node, generation) {
            tracked.lapsed = true;
            self.by_node[node.index()].ended = Some(order);
        }
    }

    /// The clock stepped back below a lapsed claim's deadline.
    pub(crate) fn resume(&mut self, node: NodeId, generation: u32) {
        if let Some(tracked) = self.current(node, generation) {
            tracked.lapsed = false;
        }
    }

    /// Gives the claims of a node new generations, because its clocks have changed.
    pub(crate) fn of_node(&mut self, node: NodeId) -> impl Iterator<Item = &mut Tracked> {
        let generations = &mut self.generations;
        self.by_node[node.index()].open.iter_mut().map(move |tracked| {
            *generations += 1;
            tracked.generation = *generations;
            &mut *tracked
        })
    }

    /// The node with the latest claim that has not lapsed.
    pub(crate) fn holder(&self) -> Option<NodeId> {
        let open = self.by_node.iter().flat_map(|claimant| &claimant.open);
        open.filter(|tracked| !tracked.lapsed)
            .max_by_key(|tracked| tracked.started)
            .map(|tracked| tracked.node)
    }

    /// The node whose claim ended last, of those that do not claim now.
    pub(crate) fn ex_holder(&self) -> Option<NodeId> {
        (0..)
            .zip(&self.by_node)
            .filter_map(|(id, claimant)| claimant.ended.map(|order| (order, NodeId(id))))
            .filter(|&(_, node)| !self.is_claiming(node))
            .max()
            .map(|(_, node)| node)
    }

    pub(crate) fn is_claiming(&self, node: NodeId) -> bool {
        self.by_node[node.index()].open.iter().any(|tracked| !tracked.lapsed)
    }

    fn set(&mut self, node: NodeId, claim: Claim) -> Tracked {
        self.changes += 1;
        self.generations += 1;
        let (generation, started) = (self.generations, self.changes);
        let open = &mut self.by_node[node.index()].open;
        if let Some(tracked) = open.iter_mut().find(|tracked| tracked.claim.resource == claim.resource) {
            let started = if tracked.claim.token == claim.token { tracked.started } else { started };
            *tracked = Tracked { node, claim, lapsed: false, generation, started };
            return *tracked;
        }
        let tracked = Tracked { node, claim, lapsed: false, generation, started };
        open.push(tracked);
        tracked
    }

    fn end(&mut self, node: NodeId, ends: impl Fn(&Tracked) -> bool) {
        self.changes += 1;
        let Claimant { open, ended } = &mut self.by_node[node.index()];
        if open.iter().any(|tracked| ends(tracked) && !tracked.lapsed) {
            *ended = Some(self.changes);
        }
        open.retain(|tracked| !ends(tracked));
    }
}

/// What distinguishes a claim's end in events.
impl Tracked {
    pub(crate) fn resource(&self) -> ResourceId {
        self.claim.resource
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::clock::{ClockKind, Reading};
    use leasehold_core::event::ClaimEnd;
    use leasehold_core::id::{Incarnation, Token};
    use leasehold_core::time::Span;

    const R: ResourceId = ResourceId(0);

    fn claim(token: u64) -> NodeEvent {
        NodeEvent::ClaimStarted(Claim {
            resource: R,
            token: Token(token),
            incarnation: Incarnation(0),
            deadline: Reading::new(ClockKind::Boot, 10),
            ttl: Span::from_secs(1),
        })
    }

    fn ended(token: u64) -> NodeEvent {
        NodeEvent::ClaimEnded {
            resource: R,
            token: Token(token),
            incarnation: Incarnation(0),
            reason: ClaimEnd::Released,
        }
    }

    #[test]
    fn roles_follow_claims() {
        let (a, b) = (NodeId(0), NodeId(1));
        let mut claims = Claims::new(2);
        assert_eq!((claims.holder(), claims.ex_holder()), (None, None));
        claims.observe(a, &claim(1));
        assert_eq!((claims.holder(), claims.ex_holder()), (Some(a), None));
        claims.observe(a, &ended(1));
        assert_eq!((claims.holder(), claims.ex_holder()), (None, Some(a)));
        claims.observe(b, &claim(2));
        assert_eq!((claims.holder(), claims.ex_holder()), (Some(b), Some(a)));
        claims.observe(a, &claim(3));
        assert_eq!((claims.holder(), claims.ex_holder()), (Some(a), None), "the later claim wins");
        claims.crash(a);
        assert_eq!((claims.holder(), claims.ex_holder()), (Some(b), Some(a)));
    }

    #[test]
    fn a_lapsed_claim_makes_an_ex_holder_that_still_may_end_it() {
        let a = NodeId(0);
        let mut claims = Claims::new(1);
        let tracked = claims.observe(a, &claim(1)).unwrap();
        claims.lapse(a, tracked.generation);
        assert!(!claims.is_claiming(a));
        assert_eq!((claims.holder(), claims.ex_holder()), (None, Some(a)));
        assert!(claims.current(a, tracked.generation).is_some(), "open until the node has seen the end");
        claims.observe(a, &ended(1));
        assert!(claims.current(a, tracked.generation).is_none());
    }

    #[test]
    fn a_renewal_overtakes_the_old_deadline() {
        let a = NodeId(0);
        let mut claims = Claims::new(1);
        let first = claims.observe(a, &claim(1)).unwrap();
        let second = claims.observe(a, &claim(1)).unwrap();
        assert!(claims.current(a, first.generation).is_none());
        assert!(claims.current(a, second.generation).is_some());
    }
}
