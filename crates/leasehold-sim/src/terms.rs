//! Which leases live and until when: followed from grantors' reports, while some fault waits for it.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_core::clock::Reading;
use leasehold_core::event::{EndCause, NodeEvent};
use leasehold_core::id::{LeaseId, NodeId, ResourceId};

/// The term of a live lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) grantor: NodeId,
    pub(crate) resource: ResourceId,
    lease: LeaseId,
    pub(crate) holder: NodeId,
    /// When it is over, on the clock that the grantor relies on.
    pub(crate) end: Reading,
    /// Grows whenever the term or the grantor's clocks change: what is scheduled carries it.
    pub(crate) generation: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    /// A renewal may still bring it back, if its grantor does such things.
    Ended,
}

/// What a report means for those who wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News {
    /// This term began, or began anew; its lease is a new one, and took over from one that expired.
    TakenOver(Term),
    /// This term began, or began anew.
    Began(Term),
    /// A lease is to end; with its holder, if its grant was heard of.
    EndOrdered(Option<NodeId>),
    Nothing,
}

/// The latest lease of each resource, and how the others ended.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    latest: BTreeMap<(NodeId, ResourceId), Term>,
    /// The resources whose last lease expired.
    expired: BTreeSet<ResourceId>,
    generations: u32,
}

impl Terms {
    /// Learns from a grantor's report, made when the clock that it relies on showed `now`.
    pub(crate) fn observe(&mut self, grantor: NodeId, now: Reading, event: &NodeEvent) -> News {
        match *event {
            NodeEvent::Granted { resource, lease, holder, ttl, .. } => {
                let term = self.set(grantor, resource, lease, holder, now + ttl);
                if self.expired.remove(&resource) { News::TakenOver(term) } else { News::Began(term) }
            }
            NodeEvent::Renewed { resource, lease, ttl, .. } => {
                let Some(holder) = self.holder(grantor, resource, lease) else { return News::Nothing };
                self.expired.remove(&resource);
                News::Began(self.set(grantor, resource, lease, holder, now + ttl))
            }
            NodeEvent::Recovered { resource, lease, holder, ttl, ended: None, .. } => {
                self.expired.remove(&resource);
                News::Began(self.set(grantor, resource, lease, holder, now + ttl))
            }
            NodeEvent::EndOrdered { resource, lease, .. } => {
                News::EndOrdered(self.holder(grantor, resource, lease))
            }
            NodeEvent::Recovered { resource, ended: Some(cause), .. }
            | NodeEvent::Ended { resource, cause, .. } => {
                if let Some(term) = self.latest.get_mut(&(grantor, resource)) {
                    term.state = State::Ended;
                }
                match cause {
                    EndCause::Expired => self.expired.insert(resource),
                    EndCause::Released { .. } | EndCause::Revoked { .. } => self.expired.remove(&resource),
                };
                News::Nothing
            }
            _ => News::Nothing,
        }
    }

    /// The term of this generation, if nothing has changed since.
    pub(crate) fn current(&self, grantor: NodeId, resource: ResourceId, generation: u32) -> Option<&Term> {
        let is_current = |term: &&Term| term.generation == generation && term.state == State::Live;
        self.latest.get(&(grantor, resource)).filter(is_current)
    }

    /// Gives the terms of a grantor new generations, because its clocks have changed.
    pub(crate) fn of_grantor(&mut self, grantor: NodeId) -> Vec<Term> {
        let generations = &mut self.generations;
        let its = (grantor, ResourceId(0))..=(grantor, ResourceId(u32::MAX));
        let live = self.latest.range_mut(its).map(|(_, term)| term).filter(|term| term.state == State::Live);
        live.map(|term| {
            *generations += 1;
            term.generation = *generations;
            *term
        })
        .collect()
    }

    fn holder(&self, grantor: NodeId, resource: ResourceId, lease: LeaseId) -> Option<NodeId> {
        let latest = self.latest.get(&(grantor, resource)).filter(|term| term.lease == lease);
        latest.map(|term| term.holder)
    }

    fn set(
        &mut self,
        grantor: NodeId,
        resource: ResourceId,
        lease: LeaseId,
        holder: NodeId,
        end: Reading,
    ) -> Term {
        self.generations += 1;
        let term =
            Term { grantor, resource, lease, holder, end, generation: self.generations, state: State::Live };
        self.latest.insert((grantor, resource), term);
        term
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::clock::ClockKind;
    use leasehold_core::id::Token;
    use leasehold_core::time::Span;

    const G: NodeId = NodeId(0);
    const H: NodeId = NodeId(1);
    const R: ResourceId = ResourceId(0);
    const TTL: Span = Span::from_nanos(100);

    fn at(nanos: i64) -> Reading {
        Reading::new(ClockKind::Boot, nanos)
    }

    fn granted(lease: u64) -> NodeEvent {
        NodeEvent::Granted { resource: R, lease: LeaseId(lease), holder: H, token: Token(lease), ttl: TTL }
    }

    fn renewed(lease: u64) -> NodeEvent {
        NodeEvent::Renewed { resource: R, lease: LeaseId(lease), token: Token(lease), ttl: TTL }
    }

    fn ended(lease: u64, cause: EndCause) -> NodeEvent {
        NodeEvent::Ended { resource: R, lease: LeaseId(lease), token: Token(lease), cause }
    }

    #[test]
    fn a_renewal_moves_the_end_and_overtakes_what_was_scheduled() {
        let mut terms = Terms::default();
        let News::Began(first) = terms.observe(G, at(0), &granted(1)) else { panic!("a term") };
        let News::Began(second) = terms.observe(G, at(50), &renewed(1)) else { panic!("a term") };
        assert_eq!((first.end, second.end, second.holder), (at(100), at(150), H));
        assert!(
            terms.current(G, R, first.generation).is_none()
                && terms.current(G, R, second.generation).is_some()
        );
        assert!(matches!(terms.observe(G, at(60), &renewed(7)), News::Nothing), "of a lease never heard of");
        terms.observe(G, at(150), &ended(1, EndCause::Expired));
        assert!(terms.current(G, R, second.generation).is_none() && terms.of_grantor(G).is_empty());
    }

    #[test]
    fn a_renewal_of_an_ended_lease_brings_it_back() {
        let mut terms = Terms::default();
        terms.observe(G, at(0), &granted(1));
        terms.observe(G, at(100), &ended(1, EndCause::Expired));
        let News::Began(back) = terms.observe(G, at(120), &renewed(1)) else { panic!("a term") };
        assert_eq!(terms.current(G, R, back.generation).map(|term| term.end), Some(at(220)));
        assert!(matches!(terms.observe(G, at(130), &granted(2)), News::Began(_)), "nothing had expired");
    }

    #[test]
    fn only_a_grant_after_an_expiry_is_a_takeover() {
        let mut terms = Terms::default();
        let takes_over =
            |terms: &mut Terms, lease| matches!(terms.observe(G, at(0), &granted(lease)), News::TakenOver(_));
        assert!(!takes_over(&mut terms, 1));
        terms.observe(G, at(1), &ended(1, EndCause::Released { by: H }));
        assert!(!takes_over(&mut terms, 2));
        terms.observe(G, at(2), &ended(2, EndCause::Expired));
        assert!(takes_over(&mut terms, 3));
        assert!(!takes_over(&mut terms, 4), "once");
    }
}
