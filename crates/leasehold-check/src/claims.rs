//! The claims that are open: what holders believe.
//!
//! A claim is closed by the holder's word, by its clock (the engine sees that) or by a crash, whichever comes
//! first, and may be opened again: by a clock that steps back, or by a renewal that came when it had lapsed.
//! Source: docs/timing.md, section 1. Claims are half-open intervals: the instant of the end is not part of them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use leasehold_core::event::{Claim, ClaimEnd};
use leasehold_core::{EventKind, Incarnation, NodeEvent, NodeId, ResourceId, SimInstant, Token, WorldEvent};

use crate::finding::Fact;

/// How many closed claims are remembered, for evidence only.
///
/// Chosen by the authors: an effect that left after its claim ended is nearly always of the last holder or of
/// the one before, on each of a handful of resources.
const REMEMBERED: usize = 16;

/// Whose claim, on what, under which token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClaimId {
    pub(crate) resource: ResourceId,
    pub(crate) node: NodeId,
    pub(crate) incarnation: Incarnation,
    pub(crate) token: Token,
}

/// A claim and the interval in which it was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClaimSpan {
    pub(crate) id: ClaimId,
    pub(crate) from: SimInstant,
    /// Nothing while it is open.
    pub(crate) until: Option<SimInstant>,
}

impl ClaimSpan {
    pub(crate) const fn fact(&self) -> Fact {
        let ClaimId { node, incarnation, resource, token } = self.id;
        Fact::Claimed { node, incarnation, resource, token, from: self.from, until: self.until }
    }
}

/// How a claim was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Its deadline came.
    Lapsed,
    /// The holder gave it up for another reason, or died.
    GivenUp,
}

/// All open claims, and what the latest event changed about them.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// In the order of their ids, so that those of one resource stand together: a registry has a thousand of them.
    open: Vec<ClaimSpan>,
    opened: Option<ClaimSpan>,
    closed: Vec<(ClaimSpan, Closing)>,
    recent: VecDeque<ClaimSpan>,
}

impl Claims {
    /// The open claims on a resource.
    pub(crate) fn on(&self, resource: ResourceId) -> &[ClaimSpan] {
        let begin = self.open.partition_point(|claim| claim.id.resource < resource);
        let length = self.open[begin..].partition_point(|claim| claim.id.resource == resource);
        &self.open[begin..begin + length]
    }

    /// The claim that the latest event opened, or opened again.
    pub(crate) const fn opened(&self) -> Option<&ClaimSpan> {
        self.opened.as_ref()
    }

    /// The claims that the latest event closed.
    pub(crate) fn closed(&self) -> &[(ClaimSpan, Closing)] {
        &self.closed
    }

    /// Whether anybody claims the resource.
    pub(crate) fn is_claimed(&self, resource: ResourceId) -> bool {
        !self.on(resource).is_empty()
    }

    /// Whether the node claims the resource under this token.
    pub(crate) fn claims(&self, node: NodeId, resource: ResourceId, token: Token) -> bool {
        self.on(resource).iter().any(|claim| (claim.id.node, claim.id.token) == (node, token))
    }

    /// Whether the node claims anything.
    pub(crate) fn claims_anything(&self, node: NodeId) -> bool {
        self.open.iter().any(|claim| claim.id.node == node)
    }

    /// The latest of the remembered closed claims that fits.
    pub(crate) fn last_closed(&self, fits: impl Fn(&ClaimId) -> bool) -> Option<&ClaimSpan> {
        self.recent.iter().rev().find(|claim| fits(&claim.id))
    }

    /// Forgets what the event before the latest had changed.
    pub(crate) fn turn_page(&mut self) {
        self.opened = None;
        self.closed.clear();
    }

    pub(crate) fn hear(&mut self, now: SimInstant, node: NodeId, kind: &EventKind) {
        let id = |resource, token, incarnation| ClaimId { node, incarnation, resource, token };
        match *kind {
            EventKind::Node(NodeEvent::ClaimStarted(claim) | NodeEvent::ClaimRenewed(claim)) => {
                let Claim { resource, token, incarnation, .. } = claim;
                self.open_claim(now, id(resource, token, incarnation));
            }
            EventKind::World(WorldEvent::ClaimResumed { resource, token, incarnation }) => {
                self.open_claim(now, id(resource, token, incarnation));
            }
            EventKind::Node(NodeEvent::ClaimEnded { resource, token, incarnation, reason }) => {
                let closing = match reason {
                    ClaimEnd::Lapsed => Closing::Lapsed,
                    ClaimEnd::Released | ClaimEnd::ToldLost | ClaimEnd::Fenced | ClaimEnd::GaveUp => {
                        Closing::GivenUp
                    }
                };
                self.close(now, closing, id(resource, token, incarnation));
            }
            EventKind::World(WorldEvent::ClaimLapsed { resource, token, incarnation }) => {
                self.close(now, Closing::Lapsed, id(resource, token, incarnation));
            }
            EventKind::World(WorldEvent::Crashed | WorldEvent::Panicked) => {
                self.close_where(now, Closing::GivenUp, |claim| claim.node == node);
            }
            _ => {}
        }
    }

    fn open_claim(&mut self, now: SimInstant, id: ClaimId) {
        let Err(place) = self.place(id) else { return };
        let claim = ClaimSpan { id, from: now, until: None };
        self.open.insert(place, claim);
        self.opened = Some(claim);
    }

    /// Where a claim stands, or would.
    fn place(&self, id: ClaimId) -> Result<usize, usize> {
        self.open.binary_search_by(|claim| claim.id.cmp(&id))
    }

    fn close(&mut self, now: SimInstant, closing: Closing, id: ClaimId) {
        if let Ok(place) = self.place(id) {
            let claim = self.open.remove(place);
            self.note_closed(now, closing, claim);
        }
    }

    fn close_where(&mut self, now: SimInstant, closing: Closing, fits: impl Fn(&ClaimId) -> bool) {
        let mut place = 0;
        while let Some(claim) = self.open.get(place).copied() {
            if fits(&claim.id) {
                self.open.remove(place);
                self.note_closed(now, closing, claim);
            } else {
                place += 1;
            }
        }
    }

    fn note_closed(&mut self, now: SimInstant, closing: Closing, claim: ClaimSpan) {
        let claim = ClaimSpan { until: Some(now), ..claim };
        self.closed.push((claim, closing));
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(claim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::*;

    fn after(events: &[Event]) -> Claims {
        let mut claims = Claims::default();
        for event in events {
            claims.turn_page();
            claims.hear(event.at, event.node.unwrap(), &event.kind);
        }
        claims
    }

    #[test]
    fn a_claim_is_closed_once_by_whatever_comes_first() {
        let events =
            [at(s(1), A, claim_started(1)), at(s(5), A, lapsed(1)), at(s(6), A, claim_ended(1, LAPSED))];
        let claims = after(&events[..2]);
        assert_eq!(claims.closed().len(), 1);
        assert_eq!(claims.closed()[0].0.until, Some(s(5)));
        assert_eq!(claims.closed()[0].1, Closing::Lapsed);
        let claims = after(&events);
        assert!(claims.closed().is_empty());
        assert!(!claims.is_claimed(R));
        assert_eq!(claims.last_closed(|id| id.node == A).unwrap().until, Some(s(5)));
    }

    #[test]
    fn a_claim_opens_again_by_a_clock_that_steps_back_and_by_a_late_renewal() {
        for reopening in [at(s(6), A, resumed_claim(1)), at(s(6), A, claim_renewed(1))] {
            let claims = after(&[at(s(1), A, claim_started(1)), at(s(5), A, lapsed(1)), reopening]);
            assert!(claims.claims(A, R, t(1)));
            assert_eq!(claims.opened().unwrap().from, s(6));
        }
    }

    #[test]
    fn a_renewal_of_an_open_claim_opens_nothing() {
        let claims = after(&[at(s(1), A, claim_started(1)), at(s(5), A, claim_renewed(1))]);
        assert_eq!(claims.opened(), None);
        assert_eq!(claims.on(R)[0].from, s(1));
    }

    #[test]
    fn a_crash_closes_the_claims_of_its_node_only() {
        let claims =
            after(&[at(s(1), A, claim_started(1)), at(s(2), B, claim_started(2)), at(s(3), A, CRASHED)]);
        assert!(!claims.claims_anything(A));
        assert!(claims.claims(B, R, t(2)));
        assert!(!claims.claims(B, R, t(1)));
        assert!(!claims.claims(B, R2, t(2)));
    }
}
