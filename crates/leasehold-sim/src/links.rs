//! Which directed links a fault concerns.

use leasehold_core::id::NodeId;

/// Some of a world's nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nodes(Vec<bool>);

impl Nodes {
    /// These nodes of a world of `count`.
    pub(crate) fn new(count: usize, members: &[NodeId]) -> Self {
        let mut nodes = Self(vec![false; count]);
        for member in members {
            nodes.0[member.index()] = true;
        }
        nodes
    }

    fn contain(&self, node: NodeId) -> bool {
        self.0[node.index()]
    }
}

/// Some directed links.
#[derive(Clone, Debug)]
pub(crate) enum Links {
    /// Those between a member of a group and a node that is none.
    Across(Nodes),
    /// Those from either group to the other.
    Between(Nodes, Nodes),
    /// Those from the first group to the second.
    OneWay(Nodes, Nodes),
    /// Those between members of a ring that are not neighbours.
    NotInRing(Ring),
    /// Those between two groups, with or without other nodes that belong to neither.
    Apart { one: Nodes, other: Nodes },
}

/// Nodes in a circle.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    /// Each node's place, if it has one.
    places: Vec<Option<u32>>,
    members: u32,
}

impl Ring {
    /// A ring of these nodes, in this order, in a world of `count`.
    pub(crate) fn new(count: usize, order: &[NodeId]) -> Self {
        let mut places = vec![None; count];
        for (place, node) in (0..).zip(order) {
            places[node.index()] = Some(place);
        }
        Self { places, members: order.len() as u32 }
    }

    fn keeps_apart(&self, from: NodeId, to: NodeId) -> bool {
        let (Some(from), Some(to)) = (self.places[from.index()], self.places[to.index()]) else {
            return false;
        };
        let apart = from.abs_diff(to);
        apart > 1 && apart < self.members - 1
    }
}

impl Links {
    pub(crate) fn contain(&self, from: NodeId, to: NodeId) -> bool {
        match self {
            Self::Across(group) => group.contain(from) != group.contain(to),
            Self::Between(one, other) | Self::Apart { one, other } => {
                one.contain(from) && other.contain(to) || other.contain(from) && one.contain(to)
            }
            Self::OneWay(ones, others) => ones.contain(from) && others.contain(to),
            Self::NotInRing(ring) => ring.keeps_apart(from, to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The links that are contained, of five nodes.
    fn all(links: &Links) -> Vec<(u16, u16)> {
        let pairs = (0..5).flat_map(|from| (0..5).map(move |to| (from, to)));
        pairs.filter(|&(from, to)| links.contain(NodeId(from), NodeId(to))).collect()
    }

    fn nodes(members: &[u16]) -> Nodes {
        let members: Vec<NodeId> = members.iter().copied().map(NodeId).collect();
        Nodes::new(5, &members)
    }

    #[test]
    fn a_group_keeps_its_inner_links() {
        let cut = all(&Links::Across(nodes(&[0, 1])));
        assert_eq!(cut.len(), 12);
        assert!(!cut.contains(&(0, 1)) && !cut.contains(&(3, 4)) && cut.contains(&(4, 1)));
    }

    #[test]
    fn one_way_is_half_of_between() {
        assert_eq!(all(&Links::OneWay(nodes(&[0]), nodes(&[1, 2]))), [(0, 1), (0, 2)]);
        let both = all(&Links::Between(nodes(&[0]), nodes(&[1, 2])));
        assert_eq!(both, [(0, 1), (0, 2), (1, 0), (2, 0)]);
    }

    #[test]
    fn in_a_ring_each_has_two_neighbours() {
        let order = [3, 0, 4, 1, 2].map(NodeId);
        let cut = all(&Links::NotInRing(Ring::new(5, &order)));
        assert_eq!(cut.len(), 10, "five of ten pairs, in both directions");
        for pair in order.windows(2).chain([&[order[4], order[0]][..]]) {
            assert!(!cut.contains(&(pair[0].0, pair[1].0)) && !cut.contains(&(pair[1].0, pair[0].0)));
        }
        let three = [0, 1, 2].map(NodeId);
        assert_eq!(all(&Links::NotInRing(Ring::new(5, &three))), [], "three are all neighbours");
    }
}
