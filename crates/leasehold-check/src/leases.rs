//! The leases that grantors say are live, and the tokens they came with.
//!
//! No history: per grantor the live leases and the highest id. Ids only grow, so an id that is not above the
//! highest and not live belongs to a lease that has ended. Per resource the latest grant and the latest end.

use alloc::collections::BTreeMap;

use leasehold_core::event::EndCause;
use leasehold_core::{Bounds, LeaseId, NodeEvent, NodeId, ResourceId, SimInstant, Span, Token};

use crate::assumptions::{Assumptions, DISK};
use crate::finding::Fact;
use crate::promise::{Promise, Promises, When};

/// One lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) grantor: NodeId,
    pub(crate) id: LeaseId,
    pub(crate) resource: ResourceId,
    /// Nothing if it came to life by a renewal alone.
    pub(crate) holder: Option<NodeId>,
    pub(crate) token: Token,
    /// When it was granted, or first heard of.
    pub(crate) granted_at: SimInstant,
    /// When its running term began, as told.
    pub(crate) term_began: SimInstant,
    /// When it may already have begun: a stop can fall between a grantor's decision and its report.
    pub(crate) decided_since: SimInstant,
    /// The length of that term, on the grantor's clock.
    pub(crate) ttl: Span,
    /// What all its terms promise.
    promises: Promises,
    /// The first order to end it, of those since its running term began if there is one.
    order: Option<Order>,
}

/// A grantor's decision that a lease is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) given: When,
    pub(crate) cause: EndCause,
    force: Force,
}

/// Whether an order still is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Force {
    InForce,
    /// The process that gave it is gone. The end may still have reached the disk.
    Void,
}

/// A lease's end at its grantor, and what shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) when: When,
    pub(crate) fact: Fact,
}

impl Lease {
    /// What it was promised.
    pub(crate) const fn promise(&self) -> &Promise {
        self.promises.given()
    }

    /// The order to end it, if there is one.
    pub(crate) fn order(&self) -> Option<&Order> {
        self.order.as_ref().filter(|order| order.force == Force::InForce)
    }

    /// The order as evidence.
    pub(crate) const fn order_fact(&self, order: &Order) -> Fact {
        let Self { grantor, id: lease, resource, .. } = *self;
        Fact::EndOrdered { at: order.given.told_at, grantor, lease, resource, cause: order.cause }
    }

    /// The end as evidence.
    pub(crate) const fn end_fact(&self, at: SimInstant, cause: EndCause) -> Fact {
        let Self { grantor, id: lease, resource, token, .. } = *self;
        Fact::Ended { at, grantor, lease, resource, token, cause }
    }

    /// When it was over, if its end is told so: when that was ordered, even by a process that is gone. Not by an
    /// order from before its running term, which cannot have been what ended it.
    pub(crate) fn over(&self, told: When, cause: EndCause) -> Over {
        match &self.order {
            Some(order) if order.given.told_at > self.term_began => {
                Over { when: order.given, fact: self.order_fact(order) }
            }
            _ => Over { when: told, fact: self.end_fact(told.told_at, cause) },
        }
    }

    /// The grant if it is known, else the term.
    pub(crate) fn origin(&self) -> Fact {
        let Self { grantor, id: lease, resource, token, ttl, .. } = *self;
        match self.holder {
            Some(holder) => {
                Fact::Granted { at: self.granted_at, grantor, lease, resource, holder, token, ttl }
            }
            None => self.term(),
        }
    }

    fn is_superseded_by(&self, grantor: NodeId, resource: ResourceId, id: LeaseId) -> bool {
        self.grantor == grantor && self.resource == resource && self.id < id
    }

    /// The term that promised most.
    pub(crate) fn promised_term(&self) -> Fact {
        let Self { grantor, id: lease, resource, token, .. } = *self;
        let Promise { began, ttl, .. } = *self.promise();
        Fact::TermBegan { at: began.told_at, grantor, lease, resource, token, ttl }
    }

    /// The running term.
    pub(crate) const fn term(&self) -> Fact {
        let Self { grantor, id: lease, resource, token, ttl, .. } = *self;
        Fact::TermBegan { at: self.term_began, grantor, lease, resource, token, ttl }
    }
}

/// What is known of a lease id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// Nothing: it is above all that were seen.
    Unknown,
    /// It lives.
    Live(&'a Lease),
    /// It has lived.
    Ended,
}

/// The highest lease id of a grantor, and when it was reached.
#[derive(Clone, Copy, Debug)]
struct Highest {
    id: LeaseId,
    at: SimInstant,
}

/// The leases of all grantors.
#[derive(Debug)]
pub(crate) struct Leases {
    bounds: Bounds,
    live: BTreeMap<(NodeId, LeaseId), Lease>,
    highest: BTreeMap<NodeId, Highest>,
    latest: BTreeMap<ResourceId, Lease>,
    latest_end: BTreeMap<ResourceId, Fact>,
    newest_token: BTreeMap<ResourceId, Token>,
}

impl Leases {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            live: BTreeMap::new(),
            highest: BTreeMap::new(),
            latest: BTreeMap::new(),
            latest_end: BTreeMap::new(),
            newest_token: BTreeMap::new(),
        }
    }

    /// What is known of a grantor's lease.
    pub(crate) fn standing(&self, grantor: NodeId, id: LeaseId) -> Standing<'_> {
        match self.live.get(&(grantor, id)) {
            Some(lease) => Standing::Live(lease),
            None if self.highest.get(&grantor).is_some_and(|highest| id <= highest.id) => Standing::Ended,
            None => Standing::Unknown,
        }
    }

    /// The lease, if it lives.
    pub(crate) fn live(&self, grantor: NodeId, id: LeaseId) -> Option<&Lease> {
        self.live.get(&(grantor, id))
    }

    /// All that live.
    pub(crate) fn all_live(&self) -> impl Iterator<Item = &Lease> {
        self.live.values()
    }

    /// How many of a grantor's leases live.
    pub(crate) fn live_at(&self, grantor: NodeId) -> u64 {
        self.live.range((grantor, LeaseId(0))..=(grantor, LeaseId(u64::MAX))).count() as u64
    }

    /// The live leases that must have ended, unreported, if the grantor finds this lease on its disk.
    ///
    /// What a restarted grantor recovers is the latest lease of its resource. If that was never heard of, its
    /// grant became durable and the process died before it could say so; what it could not say either is that
    /// the lease before it had ended.
    pub(crate) fn superseded_by(
        &self,
        grantor: NodeId,
        resource: ResourceId,
        id: LeaseId,
    ) -> impl Iterator<Item = LeaseId> {
        let is_unknown = self.standing(grantor, id) == Standing::Unknown;
        let live = self.live.values().filter(move |_| is_unknown);
        live.filter(move |live| live.is_superseded_by(grantor, resource, id)).map(|live| live.id)
    }

    /// When the grantor last gave out a new lease id.
    pub(crate) fn last_new_id(&self, grantor: NodeId) -> Option<(LeaseId, SimInstant)> {
        self.highest.get(&grantor).map(|highest| (highest.id, highest.at))
    }

    /// The lease that was granted last on a resource, live or not, as it stood when granted.
    pub(crate) fn latest(&self, resource: ResourceId) -> Option<&Lease> {
        self.latest.get(&resource)
    }

    /// The last end of this lease, if no other lease of its resource has ended since.
    pub(crate) fn end_of(&self, resource: ResourceId, grantor: NodeId, id: LeaseId) -> Option<Fact> {
        self.latest_end.get(&resource).copied().filter(
            |end| matches!(end, Fact::Ended { grantor: by, lease, .. } if (*by, *lease) == (grantor, id)),
        )
    }

    /// The newest token of a resource that was granted or claimed.
    pub(crate) fn newest_token(&self, resource: ResourceId) -> Option<Token> {
        self.newest_token.get(&resource).copied()
    }

    /// Takes an event, after the checkers have seen it.
    pub(crate) fn conclude(
        &mut self,
        when: When,
        node: NodeId,
        event: &NodeEvent,
        assumptions: &Assumptions,
    ) {
        let When { told_at: now, decided_since } = when;
        match *event {
            NodeEvent::Granted { resource, lease: id, holder, token, ttl } => {
                let lost_disk = self
                    .highest
                    .get(&node)
                    .is_some_and(|highest| assumptions.excused_since(node, highest.at, &DISK));
                if lost_disk {
                    self.forget_from(node, id);
                }
                let promises = Promises::of_grant(when, ttl, &self.bounds);
                let lease = Lease {
                    grantor: node,
                    id,
                    resource,
                    holder: Some(holder),
                    token,
                    granted_at: now,
                    term_began: now,
                    decided_since,
                    ttl,
                    promises,
                    order: None,
                };
                self.begin(now, lease);
                self.latest.insert(resource, lease);
            }
            NodeEvent::Renewed { resource, lease: id, token, ttl } => {
                if let Some(lease) = self.live.get_mut(&(node, id)) {
                    (lease.token, lease.ttl) = (token, ttl);
                    (lease.term_began, lease.decided_since) = (now, decided_since);
                    lease.promises.renew(when, ttl, &self.bounds);
                } else {
                    let known =
                        self.latest.get(&resource).filter(|last| (last.grantor, last.id) == (node, id));
                    let (holder, granted_at) =
                        known.map_or((None, now), |last| (last.holder, last.granted_at));
                    let lease = Lease {
                        grantor: node,
                        id,
                        resource,
                        holder,
                        token,
                        granted_at,
                        term_began: now,
                        decided_since,
                        ttl,
                        promises: Promises::of_grant(when, ttl, &self.bounds),
                        order: None,
                    };
                    self.begin(now, lease);
                }
            }
            NodeEvent::RenewalAcknowledged { lease, .. } => {
                if let Some(lease) = self.live.get_mut(&(node, lease)) {
                    lease.promises.acknowledge();
                }
            }
            NodeEvent::ReleaseTaken { lease, by, .. } => {
                self.order(when, node, lease, EndCause::Released { by });
            }
            NodeEvent::EndOrdered { lease, cause, .. } => self.order(when, node, lease, cause),
            NodeEvent::Ended { resource, lease, token, cause } => {
                self.end(now, node, lease, resource, token, cause);
            }
            NodeEvent::Recovered { resource, lease: id, holder, token, ttl, ended } => {
                let standing = self.standing(node, id);
                let (is_new, has_ended) = (standing == Standing::Unknown, standing == Standing::Ended);
                let (granted_at, promises) = match standing {
                    Standing::Live(lease) => {
                        let mut promises = lease.promises;
                        promises.recover(when, ttl, &self.bounds);
                        (lease.granted_at, promises)
                    }
                    Standing::Unknown | Standing::Ended => (now, Promises::of_grant(when, ttl, &self.bounds)),
                };
                let lease = Lease {
                    grantor: node,
                    id,
                    resource,
                    holder: Some(holder),
                    token,
                    granted_at,
                    term_began: now,
                    decided_since,
                    ttl,
                    promises,
                    order: None,
                };
                if is_new {
                    self.live.retain(|_, live| !live.is_superseded_by(node, resource, id));
                    self.latest.insert(resource, lease);
                }
                match ended {
                    None => self.begin(now, lease),
                    Some(cause) => {
                        self.raise_token(resource, token);
                        if !has_ended {
                            self.end(now, node, id, resource, token, cause);
                        }
                    }
                }
            }
            NodeEvent::ClaimStarted(claim) => self.raise_token(claim.resource, claim.token),
            _ => {}
        }
    }

    /// A new process of the grantor knows nothing of the orders of the one before.
    pub(crate) fn restarted(&mut self, grantor: NodeId) {
        let all = (grantor, LeaseId(0))..=(grantor, LeaseId(u64::MAX));
        for order in self.live.range_mut(all).filter_map(|(_, lease)| lease.order.as_mut()) {
            order.force = Force::Void;
        }
    }

    fn order(&mut self, given: When, grantor: NodeId, lease: LeaseId, cause: EndCause) {
        if let Some(lease) = self.live.get_mut(&(grantor, lease))
            && lease.order().is_none_or(|order| order.given.told_at <= lease.term_began)
        {
            lease.order = Some(Order { given, cause, force: Force::InForce });
        }
    }

    fn begin(&mut self, now: SimInstant, lease: Lease) {
        self.live.insert((lease.grantor, lease.id), lease);
        self.raise_id(now, lease.grantor, lease.id);
        self.raise_token(lease.resource, lease.token);
    }

    fn end(
        &mut self,
        at: SimInstant,
        grantor: NodeId,
        lease: LeaseId,
        resource: ResourceId,
        token: Token,
        cause: EndCause,
    ) {
        self.live.remove(&(grantor, lease));
        self.raise_id(at, grantor, lease);
        self.latest_end.insert(resource, Fact::Ended { at, grantor, lease, resource, token, cause });
    }

    fn raise_id(&mut self, at: SimInstant, grantor: NodeId, id: LeaseId) {
        let highest = self.highest.entry(grantor).or_insert(Highest { id, at });
        if id > highest.id {
            *highest = Highest { id, at };
        }
    }

    fn raise_token(&mut self, resource: ResourceId, token: Token) {
        let newest = self.newest_token.entry(resource).or_insert(token);
        *newest = token.max(*newest);
    }

    /// A grantor that lost its disk counts anew: what it granted from this id on is gone with the disk.
    fn forget_from(&mut self, grantor: NodeId, id: LeaseId) {
        if self.highest.get(&grantor).is_some_and(|highest| id <= highest.id) {
            self.highest.remove(&grantor);
            self.live.retain(|(of, live), _| *of != grantor || *live < id);
        }
    }
}
