//! Which directed links a fault concerns.

use leasehold_core::id::NodeId;

/// In a world of so many nodes or fewer, every link has its place from the start. Chosen by us: 64 squared links
/// take 160 kB.
const MOST_IN_A_SQUARE: usize = 64;

/// Where what is known of each directed link stands.
///
/// In a small world that is a matter of arithmetic. In a large one hardly any two nodes ever talk, so a link gets a
/// place when it is used first.
#[derive(Clone, Debug)]
pub(crate) enum Places {
    Square {
        nodes: usize,
    },
    /// By sender, the receivers in order, each with the link's place.
    Met {
        to: Vec<Vec<(NodeId, u32)>>,
        count: u32,
    },
}

impl Places {
    pub(crate) fn new(nodes: usize) -> Self {
        match nodes {
            0..=MOST_IN_A_SQUARE => Self::Square { nodes },
            _ => Self::Met { to: vec![Vec::new(); nodes], count: 0 },
        }
    }

    /// How many links have a place.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Square { nodes } => nodes * nodes,
            Self::Met { count, .. } => *count as usize,
        }
    }

    /// The place of a link: the next free one if it has none yet.
    pub(crate) fn of(&mut self, from: NodeId, to: NodeId) -> usize {
        match self {
            Self::Square { nodes } => from.index() * *nodes + to.index(),
            Self::Met { to: met, count } => {
                let met = &mut met[from.index()];
                match met.binary_search_by_key(&to, |&(to, _)| to) {
                    Ok(index) => met[index].1 as usize,
                    Err(index) => {
                        met.insert(index, (to, *count));
                        *count += 1;
                        (*count - 1) as usize
                    }
                }
            }
        }
    }

    /// All links that have a place.
    pub(crate) fn all(&self) -> Box<dyn Iterator<Item = (NodeId, NodeId, usize)> + '_> {
        match self {
            Self::Square { nodes } => {
                let nodes = *nodes;
                let link =
                    move |place| (NodeId((place / nodes) as u16), NodeId((place % nodes) as u16), place);
                Box::new((0..nodes * nodes).map(link))
            }
            Self::Met { to, .. } => Box::new(
                (0..)
                    .map(NodeId)
                    .zip(to)
                    .flat_map(|(from, met)| met.iter().map(move |&(to, place)| (from, to, place as usize))),
            ),
        }
    }
}

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
    /// Those to or from a member of a group.
    Of(Nodes),
    /// Those to a member of a group.
    To(Nodes),
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
            Self::Of(group) => group.contain(from) || group.contain(to),
            Self::To(group) => group.contain(to),
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
    fn what_is_of_a_group_is_all_that_reaches_it_or_leaves_it() {
        assert_eq!(all(&Links::To(nodes(&[1, 2]))).len(), 10, "with those to oneself");
        let of = all(&Links::Of(nodes(&[1, 2])));
        assert!(
            of.contains(&(1, 2)) && of.contains(&(3, 1)) && of.contains(&(1, 3)) && !of.contains(&(3, 4))
        );
    }

    /// A large world knows the links that were used, a small one knows all.
    #[test]
    fn a_link_keeps_its_place_and_shares_it_with_none() {
        let used: Vec<(NodeId, NodeId)> =
            [(0, 9), (0, 3), (7, 0), (0, 9), (3, 0)].map(|(from, to)| (NodeId(from), NodeId(to))).into();
        for (nodes, count) in [(10, 100), (MOST_IN_A_SQUARE, 4_096), (MOST_IN_A_SQUARE + 1, 4)] {
            let mut places = Places::new(nodes);
            let got: Vec<usize> = used.iter().map(|&(from, to)| places.of(from, to)).collect();
            assert_eq!(got[0], got[3], "{nodes}");
            assert_eq!(places.count(), count);
            let all: Vec<_> = places.all().collect();
            assert_eq!(all.len(), count);
            for (&(from, to), place) in used.iter().zip(got) {
                assert!(all.contains(&(from, to, place)), "{nodes}");
            }
            let mut taken: Vec<usize> = all.iter().map(|&(.., place)| place).collect();
            taken.sort_unstable();
            assert!(taken.into_iter().eq(0..count));
        }
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
