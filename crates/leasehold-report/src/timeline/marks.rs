//! What resources accepted and refused, and how their marks rose.

use std::collections::BTreeMap;

use leasehold_core::event::{DiscoveryEvent, LookupAnswer, NodeEvent, WorldEvent};
use leasehold_core::{Event, EventKind, NodeId, ResourceId, SimInstant, Token};

use super::beliefs::Beliefs;

/// So many steps of marks are kept. Chosen by us: a token a tenth of a second, for a quarter of an hour.
const MOST_STEPS: usize = 9_000;

/// An event that stands as a mark in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: SimInstant,
    /// In whose lane.
    pub node: NodeId,
    /// What it is.
    pub kind: MarkKind,
}

/// What a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// A resource accepted an effect under this token.
    Accepted(Token),
    /// A resource accepted an effect under this token although it had accepted one under a newer.
    AcceptedOld(Token),
    /// A resource accepted an effect under this token whose writer had not seen what it replaced.
    AcceptedUnseen(Token),
    /// A resource refused an access under this token.
    Refused(Token),
    /// A holder sent an effect under this token, and by its own clock its claim was over.
    IssuedLate(Token),
    /// A lookup was answered from a view that is too old, or not at all.
    LookupPoor,
    /// A call to an instance was not answered.
    CallFailed,
    /// A clock of the node's host was changed.
    ClockChanged,
    /// The node was told to do something.
    Commanded,
    /// A grantor granted a lease.
    Granted,
    /// A grantor ended one.
    Ended,
}

impl MarkKind {
    /// Whether it should not happen.
    pub const fn is_odd(self) -> bool {
        matches!(
            self,
            Self::AcceptedOld(_) | Self::AcceptedUnseen(_) | Self::Refused(_) | Self::IssuedLate(_)
        )
    }
}

/// The mark of a resource rose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: SimInstant,
    /// Which node keeps the resource.
    pub node: NodeId,
    /// Which resource.
    pub resource: ResourceId,
    /// The newest token that it has seen since.
    pub token: Token,
}

/// Follows the marks of resources.
#[derive(Debug, Default)]
pub(super) struct Marks {
    newest: BTreeMap<(NodeId, ResourceId), Token>,
    steps: Vec<Step>,
    left_out: u64,
}

impl Marks {
    /// The mark that stands for an event, if one does.
    pub(super) fn hear(&mut self, event: &Event, beliefs: &Beliefs) -> Option<MarkKind> {
        let node = event.node?;
        match event.kind {
            EventKind::Node(said) => self.hear_report(event.at, node, &said, beliefs),
            EventKind::World(WorldEvent::ClockRateChanged { .. } | WorldEvent::WallStepped { .. }) => {
                Some(MarkKind::ClockChanged)
            }
            EventKind::World(WorldEvent::CommandGiven { .. }) => Some(MarkKind::Commanded),
            EventKind::World(_) => None,
        }
    }

    pub(super) fn steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// How many rises came when there was no room any more.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }

    fn hear_report(
        &mut self,
        at: SimInstant,
        node: NodeId,
        said: &NodeEvent,
        beliefs: &Beliefs,
    ) -> Option<MarkKind> {
        match *said {
            NodeEvent::EffectAccepted { resource, token, replaced, based_on, .. } => {
                let newest = self.newest.get(&(node, resource)).copied();
                self.raise(at, node, resource, token);
                Some(match (newest, based_on) {
                    (_, Some(seen)) if seen != replaced => MarkKind::AcceptedUnseen(token),
                    (Some(newest), _) if token < newest => MarkKind::AcceptedOld(token),
                    _ => MarkKind::Accepted(token),
                })
            }
            NodeEvent::BarrierRaised { resource, token, .. } => {
                self.raise(at, node, resource, token);
                None
            }
            NodeEvent::AccessRefused { token, .. } => Some(MarkKind::Refused(token)),
            NodeEvent::EffectIssued { resource, token, .. } => {
                let is_late = token != Token::NONE && !beliefs.claims(node, resource, token);
                is_late.then_some(MarkKind::IssuedLate(token))
            }
            NodeEvent::Granted { .. } => Some(MarkKind::Granted),
            NodeEvent::Ended { .. } => Some(MarkKind::Ended),
            NodeEvent::Discovery(DiscoveryEvent::CallFailed { .. }) => Some(MarkKind::CallFailed),
            NodeEvent::Discovery(DiscoveryEvent::LookupAnswered {
                answer: LookupAnswer::Stale | LookupAnswer::Refused,
                ..
            }) => Some(MarkKind::LookupPoor),
            _ => None,
        }
    }

    fn raise(&mut self, at: SimInstant, node: NodeId, resource: ResourceId, token: Token) {
        let is_newer = self.newest.get(&(node, resource)).is_none_or(|newest| token > *newest);
        if is_newer {
            self.newest.insert((node, resource), token);
            if self.steps.len() < MOST_STEPS {
                self.steps.push(Step { at, node, resource, token });
            } else {
                self.left_out += 1;
            }
        }
    }
}
