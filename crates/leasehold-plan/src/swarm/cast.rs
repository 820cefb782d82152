//! Whom faults strike: every target that a scenario file can express, and no other.

use leasehold_core::id::NodeId;
use leasehold_core::plan::{Condition, FaultKind, Group, Pick, Role, Target};

use crate::stream::Stream;
use crate::template::NodeTemplate;

/// The roles of a lease's topology. Part of every plan ever generated for one: never change it.
const LEASE_ROLES: [Role; 6] =
    [Role::Grantor, Role::Contender, Role::Resource, Role::Registry, Role::Instance, Role::Discovery];

/// All nodes together.
pub(super) const EVERYBODY: Target = Target::Drawn { pick: Pick::All, from: Group::Everybody };

/// Who can be struck.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cast<'t> {
    pub(super) nodes: &'t [NodeTemplate],
}

/// Whom a target is to be, before it is known whether there is such a one.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Holder,
    ExHolder,
    OneOf(Role),
    AnyNode,
    SeveralOf(Role),
    SeveralOfAnyRole,
    SeveralOfAll,
    Everybody,
}

impl Cast<'_> {
    /// Somebody who has to do with what the fault aims at; anybody if it aims at nothing.
    pub(super) fn target(self, aim: Option<Condition>, stream: &mut Stream) -> Target {
        let wanted = match self.has(Role::Registry) {
            true => stream.weighted(&self.registry_shares(aim)),
            false => self.lease_target(aim, stream),
        };
        self.find(wanted, stream)
    }

    /// Somebody who has something to write. Around a registry only that writes, and a stalled disk of anybody else does
    /// nothing: so it is nearly always the registry's. Chosen by us.
    pub(super) fn writer(self, aim: Option<Condition>, on: Option<Target>, stream: &mut Stream) -> Target {
        if self.has(Role::Registry) && stream.happens(900_000) {
            return self.find(Wanted::OneOf(Role::Registry), stream);
        }
        let drawn = self.target(aim, stream);
        on.unwrap_or(drawn)
    }

    /// Somebody at whom several faults meet: one node that stays the same, or whoever holds at that time. Chosen by us, with
    /// the shares of those whom a fault strikes alone.
    pub(super) fn somebody(self, stream: &mut Stream) -> Target {
        use Role::{Contender, Discovery, Follower, Grantor, Instance, Registry, Resource, Sidecar};
        let shares: &[(u32, Option<Role>)] = match self.has(Registry) {
            true => &[
                (44, Some(Instance)),
                (22, Some(Registry)),
                (10, Some(Sidecar)),
                (14, Some(Discovery)),
                (10, Some(Follower)),
            ],
            false => &[(30, None), (20, Some(Contender)), (28, Some(Grantor)), (22, Some(Resource))],
        };
        match stream.weighted(shares) {
            None => self.find(Wanted::Holder, stream),
            Some(role) if self.has(role) => {
                self.member(role, stream).map_or_else(|| self.any_node(stream), Target::Node)
            }
            Some(_) => self.any_node(stream),
        }
    }

    /// Whom faults strike around a lease.
    fn lease_target(self, aim: Option<Condition>, stream: &mut Stream) -> Wanted {
        use Role::{Contender, Grantor, Resource};
        use Wanted::{AnyNode, ExHolder, Holder, OneOf, SeveralOf, SeveralOfAll, SeveralOfAnyRole};
        let several = SeveralOf(Contender);
        match aim {
            None => stream.weighted(&[
                (24, Holder),
                (8, ExHolder),
                (15, OneOf(Grantor)),
                (9, OneOf(Resource)),
                (8, OneOf(Contender)),
                (16, AnyNode),
                (7, several),
                (4, SeveralOfAnyRole),
                (7, SeveralOfAll),
                (2, Wanted::Everybody),
            ]),
            Some(Condition::TtlRemainingBelow { .. } | Condition::ExpiryWithin { .. }) => stream.weighted(&[
                (50, Holder),
                (22, OneOf(Grantor)),
                (12, OneOf(Resource)),
                (8, OneOf(Contender)),
                (3, ExHolder),
                (5, several),
            ]),
            Some(Condition::RenewalInFlight) => stream.weighted(&[
                (47, Holder),
                (35, OneOf(Grantor)),
                (8, OneOf(Resource)),
                (5, OneOf(Contender)),
                (5, SeveralOfAll),
            ]),
            Some(Condition::GrantInFlight) => stream.weighted(&[
                (40, Holder),
                (30, OneOf(Grantor)),
                (15, ExHolder),
                (10, OneOf(Resource)),
                (5, several),
            ]),
            Some(Condition::AfterTakeover) => stream.weighted(&[
                (40, ExHolder),
                (22, Holder),
                (20, OneOf(Resource)),
                (13, OneOf(Grantor)),
                (5, several),
            ]),
            Some(Condition::EndOrdered) => stream.weighted(&[
                (50, OneOf(Grantor)),
                (25, Holder),
                (12, OneOf(Contender)),
                (8, OneOf(Resource)),
                (5, ExHolder),
            ]),
        }
    }

    /// Whom faults strike around a registry, each with its share; none of those whom there is nobody of. Chosen by us:
    /// whoever keeps something up to date (leases, lists, views) is struck more often than who is only written about.
    fn registry_shares(self, aim: Option<Condition>) -> Vec<(u32, Wanted)> {
        use Role::{Discovery, Follower, Instance, Observer, Registry, Sidecar};
        use Wanted::{AnyNode, ExHolder, Holder, OneOf, SeveralOf, SeveralOfAll, SeveralOfAnyRole};
        let all: &[(u32, Wanted)] = match aim {
            None => &[
                (14, Holder),
                (5, ExHolder),
                (18, OneOf(Registry)),
                (12, OneOf(Instance)),
                (8, OneOf(Sidecar)),
                (12, OneOf(Discovery)),
                (7, OneOf(Follower)),
                (3, OneOf(Observer)),
                (8, AnyNode),
                (5, SeveralOf(Instance)),
                (3, SeveralOf(Discovery)),
                (3, SeveralOfAnyRole),
                (3, SeveralOfAll),
                (1, Wanted::Everybody),
            ],
            Some(
                Condition::TtlRemainingBelow { .. }
                | Condition::ExpiryWithin { .. }
                | Condition::RenewalInFlight,
            ) => &[
                (40, Holder),
                (30, OneOf(Registry)),
                (8, OneOf(Instance)),
                (6, OneOf(Discovery)),
                (5, OneOf(Follower)),
                (3, OneOf(Observer)),
                (5, SeveralOf(Instance)),
                (3, SeveralOfAll),
            ],
            Some(Condition::GrantInFlight | Condition::AfterTakeover) => &[
                (30, Holder),
                (28, OneOf(Registry)),
                (8, ExHolder),
                (8, OneOf(Instance)),
                (15, OneOf(Discovery)),
                (8, OneOf(Follower)),
                (3, SeveralOf(Instance)),
            ],
            Some(Condition::EndOrdered) => &[
                (40, OneOf(Registry)),
                (18, Holder),
                (5, OneOf(Instance)),
                (20, OneOf(Discovery)),
                (12, OneOf(Follower)),
                (5, ExHolder),
            ],
        };
        self.of_those_there_are(all)
    }

    /// Whom somebody around a registry talks to, as [`registry_shares`](Self::registry_shares).
    fn registry_peers(self, role: Option<Role>) -> Vec<(u32, Wanted)> {
        use Role::{Discovery, Follower, Instance, Observer, Registry, Sidecar};
        use Wanted::{AnyNode, Everybody, Holder, OneOf};
        let all: &[(u32, Wanted)] = match role {
            Some(Registry) => &[
                (30, Holder),
                (15, OneOf(Instance)),
                (25, OneOf(Discovery)),
                (15, OneOf(Follower)),
                (8, OneOf(Observer)),
                (5, AnyNode),
                (2, Everybody),
            ],
            Some(Discovery) => &[
                (45, OneOf(Registry)),
                (30, OneOf(Follower)),
                (15, OneOf(Instance)),
                (5, AnyNode),
                (5, Everybody),
            ],
            Some(Follower) => &[(55, OneOf(Registry)), (35, OneOf(Discovery)), (5, AnyNode), (5, Everybody)],
            Some(Observer) => &[(45, OneOf(Instance)), (45, OneOf(Registry)), (10, AnyNode)],
            Some(Instance) => &[
                (50, OneOf(Registry)),
                (15, OneOf(Sidecar)),
                (10, OneOf(Observer)),
                (10, OneOf(Discovery)),
                (10, AnyNode),
                (5, Everybody),
            ],
            _ => &[(70, OneOf(Registry)), (10, OneOf(Instance)), (15, AnyNode), (5, Everybody)],
        };
        self.of_those_there_are(all)
    }

    fn of_those_there_are(self, shares: &[(u32, Wanted)]) -> Vec<(u32, Wanted)> {
        let is_there = |wanted| match wanted {
            Wanted::OneOf(role) | Wanted::SeveralOf(role) => self.has(role),
            _ => true,
        };
        shares.iter().copied().filter(|&(_, wanted)| is_there(wanted)).collect()
    }

    /// Whether there is somebody to whom faults of a kind can do something.
    pub(super) fn can_suffer(self, kind: FaultKind) -> bool {
        match kind {
            FaultKind::WatchDrop | FaultKind::WatchStall | FaultKind::WatchGap => {
                self.nodes.iter().any(|node| node.role.can_watch())
            }
            _ => true,
        }
    }

    /// Some who watch; nothing if nobody does.
    pub(super) fn watchers(self, stream: &mut Stream) -> Option<Target> {
        let shares = self.of_those_there_are(&[
            (50, Wanted::OneOf(Role::Discovery)),
            (15, Wanted::SeveralOf(Role::Discovery)),
            (25, Wanted::OneOf(Role::Follower)),
            (10, Wanted::SeveralOf(Role::Follower)),
        ]);
        if shares.is_empty() {
            return None;
        }
        let wanted = stream.weighted(&shares);
        let target = self.find(wanted, stream);
        let (Wanted::OneOf(role) | Wanted::SeveralOf(role)) = wanted else { return Some(target) };
        if self.role_of(target) == Some(role) {
            Some(target)
        } else {
            self.member(role, stream).map(Target::Node)
        }
    }

    /// Somebody whom the targets talk to, who is not one of them whatever happens; nothing if nobody is found.
    pub(super) fn peer(self, targets: Target, stream: &mut Stream) -> Option<Target> {
        use Role::{Contender, Grantor, Resource};
        use Wanted::{AnyNode, Everybody, ExHolder, Holder, OneOf};
        let role = self.role_of(targets);
        let around_a_registry = self.has(Role::Registry).then(|| self.registry_peers(role));
        // A peer is one node or all: no file can say more.
        let wanted: &[(u32, Wanted)] = match role {
            _ if around_a_registry.is_some() => around_a_registry.as_deref().unwrap_or_default(),
            Some(Contender) => &[
                (50, OneOf(Grantor)),
                (28, OneOf(Resource)),
                (6, OneOf(Contender)),
                (4, Holder),
                (2, ExHolder),
                (5, AnyNode),
                (5, Everybody),
            ],
            Some(Grantor) => &[
                (45, Holder),
                (12, ExHolder),
                (15, OneOf(Contender)),
                (5, OneOf(Resource)),
                (13, AnyNode),
                (10, Everybody),
            ],
            Some(Resource) => &[
                (50, Holder),
                (22, ExHolder),
                (10, OneOf(Contender)),
                (3, OneOf(Grantor)),
                (10, AnyNode),
                (5, Everybody),
            ],
            _ => &[(30, Holder), (25, OneOf(Grantor)), (15, OneOf(Resource)), (25, AnyNode), (5, Everybody)],
        };
        (0..4).find_map(|_| {
            let wanted = stream.weighted(wanted);
            let peer = self.find(wanted, stream);
            (!self.is_same(targets, peer)).then_some(peer)
        })
    }

    /// Somebody who takes a command; nothing if nobody has that role.
    pub(super) fn of_role(self, role: Role, stream: &mut Stream) -> Option<Target> {
        if self.members(Group::Role(role)) == 0 {
            return None;
        }
        let claimants = u32::from(role.can_claim());
        let wanted = stream.weighted(&[
            (45 * claimants, Wanted::Holder),
            (8 * claimants, Wanted::ExHolder),
            (35, Wanted::OneOf(role)),
            (12, Wanted::SeveralOf(role)),
        ]);
        let target = self.find(wanted, stream);
        if self.role_of(target) == Some(role) {
            Some(target)
        } else {
            self.member(role, stream).map(Target::Node)
        }
    }

    /// The target that is wanted, or any node where there is no such one or no file can say so.
    fn find(self, wanted: Wanted, stream: &mut Stream) -> Target {
        let claims = |name| self.is_no_node(name) && self.nodes.iter().any(|node| node.role.can_claim());
        match wanted {
            Wanted::Holder if claims("holder") => Target::Holder,
            Wanted::ExHolder if claims("ex-holder") => Target::ExHolder,
            Wanted::OneOf(role) => match self.members(Group::Role(role)) {
                0 => self.any_node(stream),
                _ if self.is_no_node(role.name()) => Target::one_of(role),
                _ => self.member(role, stream).map_or_else(|| self.any_node(stream), Target::Node),
            },
            Wanted::SeveralOf(role) => self.several(Group::Role(role), stream),
            Wanted::SeveralOfAnyRole => {
                let there: Vec<Role> = match self.has(Role::Registry) {
                    true => Role::ALL.into_iter().filter(|role| self.has(*role)).collect(),
                    false => LEASE_ROLES.into(),
                };
                let role = there[stream.below(there.len() as u64) as usize];
                self.several(Group::Role(role), stream)
            }
            Wanted::SeveralOfAll => self.several(Group::Everybody, stream),
            Wanted::Everybody => EVERYBODY,
            Wanted::Holder | Wanted::ExHolder | Wanted::AnyNode => self.any_node(stream),
        }
    }

    /// Some of a group of at least two; else any node.
    fn several(self, group: Group, stream: &mut Stream) -> Target {
        let count = self.members(group);
        let can_be_named = match group {
            Group::Role(role) => self.is_no_node(role.name()),
            Group::Everybody => true,
        };
        if count < 2 || !can_be_named {
            return self.any_node(stream);
        }
        let random = Pick::Random(1 + stream.below(count as u64) as u16);
        // It takes three to have a minority.
        let minority = u32::from(count > 2);
        let pick = stream.weighted(&[
            (30 * minority, Pick::Minority),
            (25, Pick::Majority),
            (20, Pick::All),
            (25, random),
        ]);
        Target::Drawn { pick, from: group }
    }

    /// Any node.
    pub(super) fn any_node(self, stream: &mut Stream) -> Target {
        Target::Node(node_id(stream.below(self.nodes.len() as u64) as usize))
    }

    fn member(self, role: Role, stream: &mut Stream) -> Option<NodeId> {
        let place = stream.below(self.members(Group::Role(role)) as u64);
        self.with_role(role).nth(place as usize)
    }

    fn with_role(self, role: Role) -> impl Iterator<Item = NodeId> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(move |(_, node)| node.role == role).map(|(index, _)| node_id(index))
    }

    pub(super) fn has(self, role: Role) -> bool {
        self.nodes.iter().any(|node| node.role == role)
    }

    /// How many nodes a group has.
    pub(super) fn members(self, group: Group) -> usize {
        match group {
            Group::Everybody => self.nodes.len(),
            Group::Role(role) => self.nodes.iter().filter(|node| node.role == role).count(),
        }
    }

    /// Whether a role can be named: a node of that name goes before it.
    fn is_no_node(self, name: &str) -> bool {
        self.nodes.iter().all(|node| node.name != name)
    }

    /// How many nodes a target is: at least, if that is not certain.
    pub(super) fn size(self, target: Target) -> usize {
        match target {
            Target::Node(_) | Target::Holder | Target::ExHolder => 1,
            Target::Drawn { pick, from } => pick.count(self.members(from)),
        }
    }

    /// The role of whoever a target resolves to, if all have the same.
    pub(super) fn role_of(self, target: Target) -> Option<Role> {
        match target {
            Target::Node(node) => self.nodes.get(node.index()).map(|node| node.role),
            Target::Holder | Target::ExHolder => self.claimant(),
            Target::Drawn { from: Group::Role(role), .. } => Some(role),
            Target::Drawn { from: Group::Everybody, .. } => None,
        }
    }

    /// The role of whoever claims, if all who can have the same.
    fn claimant(self) -> Option<Role> {
        let mut roles = Role::ALL.into_iter().filter(|role| role.can_claim() && self.has(*role));
        roles.next().filter(|_| roles.next().is_none())
    }

    /// Whether a peer can only be one of the targets.
    pub(super) fn is_same(self, targets: Target, peer: Target) -> bool {
        match targets {
            EVERYBODY => true,
            Target::Drawn { pick: Pick::All, from: Group::Role(role) } => self.role_of(peer) == Some(role),
            _ => match (self.only(targets), self.only(peer)) {
                (Some(one), Some(other)) => one == other,
                _ => targets == peer && !matches!(targets, Target::Drawn { .. }),
            },
        }
    }

    /// The node that a target is, whatever happens.
    fn only(self, target: Target) -> Option<NodeId> {
        match target {
            Target::Node(node) => Some(node),
            Target::Drawn { from: Group::Role(role), .. } => {
                let mut nodes = self.with_role(role);
                nodes.next().filter(|_| nodes.next().is_none())
            }
            _ => None,
        }
    }
}

fn node_id(index: usize) -> NodeId {
    NodeId(u16::try_from(index).expect("a scenario's nodes are counted before"))
}
