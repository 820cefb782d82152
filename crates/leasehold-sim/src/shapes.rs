//! Which links a fault's scope means, given whom it strikes.

use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::node::Protocol;
use leasehold_core::noise::{Draws, Use};
use leasehold_core::plan::{Pick, Scope};

use crate::links::{Links, Nodes, Ring};
use crate::world::World;

/// What the draws of one fault are for, when it fires.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lot {
    /// Whom it strikes.
    Targets = 0,
    /// Its shape, or the order in which it begins.
    Shape = 1,
    /// The order in which it heals.
    Healing = 2,
}

impl<P: Protocol> World<'_, P> {
    pub(crate) fn lots(&self, fault: FaultId, lot: Lot) -> Draws {
        let by = NodeId(fault.0);
        self.plan.noise.draws(Use::Pick, by, by, self.now, lot as u32)
    }

    /// Nothing if a peer is meant and there is none.
    pub(crate) fn links_of(&self, fault: FaultId, scope: Scope, subject: Option<NodeId>) -> Option<Links> {
        let count = self.plan.nodes.len();
        let targets = self.ledger.targets(fault);
        let group = |members: &[NodeId]| Nodes::new(count, members);
        let is_target = |node: &NodeId| targets.binary_search(node).is_ok();
        let mut others: Vec<NodeId> = (0..count as u16).map(NodeId).filter(|node| !is_target(node)).collect();
        let mut lots = self.lots(fault, Lot::Shape);
        Some(match scope {
            Scope::Isolate => Links::Across(group(&targets)),
            Scope::Between(peer) | Scope::OneWay(peer) => {
                let mut peers = self.resolve(fault, peer, subject);
                peers.retain(|peer| !is_target(peer));
                if peers.is_empty() {
                    return None;
                }
                match scope {
                    Scope::OneWay(_) => Links::OneWay(group(&targets), group(&peers)),
                    _ => Links::Between(group(&targets), group(&peers)),
                }
            }
            Scope::Majority => {
                let more = Pick::Minority.count(count).saturating_sub(targets.len()).min(others.len());
                lots.choose(&mut others, more);
                Links::Across(group(&[&targets[..], &others[..more]].concat()))
            }
            Scope::Ring => {
                let mut order = targets;
                let members = order.len();
                lots.choose(&mut order, members);
                Links::NotInRing(Ring::new(count, &order))
            }
            Scope::Bridge => {
                let half = others.len() / 2;
                lots.choose(&mut others, half);
                let (one, other) = others.split_at(half);
                Links::Apart { one: group(one), other: group(other) }
            }
        })
    }
}
