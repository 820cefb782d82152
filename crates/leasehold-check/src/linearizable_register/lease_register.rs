//! A lease register: what a grantor would be if it did one thing at a time.
//!
//! It is free, or one lease holds it. A grant needs it to be free, and a lease id and a token above all before. A renewal
//! begins the term of the lease that holds it anew. That lease ends when somebody gave it back, when its revocation was
//! ordered, or when its term can be over; then the register is free.
//!
//! Requests are sent again until they are answered, and copies of them stay under way. So what a request may do, it may do
//! from its first send on, for ever, and more than once: whoever asked for the resource may be granted it, and a lease of
//! which a release was sent may end. That is why these are steps of the register too, and not only effects of the operation
//! that is answered.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use leasehold_core::event::{Answer, Operation};
use leasehold_core::{Bounds, LeaseId, NodeId, SimInstant, Span, Token};

use crate::linearizability::{Call, Object};

/// How many grants are remembered. Chosen by us: of one that is older no answer can be expected.
pub(super) const OFFERS: usize = 32;

/// A grant that the grantor says it has made. When it took effect, the search has to find out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) lease: LeaseId,
    pub(crate) token: Token,
    pub(crate) holder: NodeId,
    pub(crate) ttl: Span,
}

impl Offer {
    /// What its holder is answered.
    pub(crate) const fn answer(self) -> Answer {
        Answer::Granted { lease: self.lease, token: self.token, ttl: self.ttl }
    }
}

/// A lease that holds the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Held {
    pub(crate) lease: LeaseId,
    pub(crate) token: Token,
    pub(crate) holder: NodeId,
    ttl: Span,
    /// When its running term began, at the earliest.
    began: SimInstant,
    /// When that can be over, at the earliest.
    pub(crate) until: SimInstant,
}

/// The register at some time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    pub(crate) held: Option<Held>,
    /// How many of the offers have taken effect.
    taken: u64,
    newest: (LeaseId, Token),
    /// When it came to be so, at the earliest.
    at: SimInstant,
}

impl State {
    /// Nobody ever held it.
    pub(crate) const FREE: Self =
        Self { held: None, taken: 0, newest: (LeaseId(0), Token(0)), at: SimInstant::START };

    /// The id of the newest lease that held it.
    pub(crate) const fn newest(&self) -> LeaseId {
        self.newest.0
    }

    /// How many offers have taken effect.
    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    fn holds(&self, lease: LeaseId) -> bool {
        self.held.is_some_and(|held| held.lease == lease)
    }

    /// The same, no earlier than this.
    fn since(&self, at: SimInstant) -> Self {
        Self { at: self.at.max(at), ..self.clone() }
    }
}

/// The rules of one register, and what it may do by itself.
#[derive(Debug)]
pub(crate) struct LeaseRegister {
    bounds: Bounds,
    offers: VecDeque<Offer>,
    /// How many offers stood before those.
    dropped: u64,
    /// Since when each node asks for the resource.
    asked: BTreeMap<NodeId, SimInstant>,
    /// The leases that may end before their term is over, since when, in the order of that.
    ends: Vec<(LeaseId, SimInstant)>,
    /// The leases of which the grantor told that they are over, since when.
    over: Vec<(LeaseId, SimInstant)>,
    /// A term that began no later may end at any time: the grantor's clocks or disk were not as assumed since.
    excused_until: Option<SimInstant>,
}

impl LeaseRegister {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let (asked, ends, over) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { bounds, offers: VecDeque::new(), dropped: 0, asked, ends, over, excused_until: None }
    }

    /// How many offers are not remembered any more.
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A node asks for the resource.
    pub(crate) fn ask(&mut self, node: NodeId, now: SimInstant) {
        self.asked.entry(node).or_insert(now);
    }

    /// The grantor says that it granted.
    pub(crate) fn offer(&mut self, offer: Offer) {
        if self.offers.len() == OFFERS {
            self.drop_offers(1);
        }
        self.offers.push_back(offer);
    }

    fn drop_offers(&mut self, count: usize) {
        self.offers.drain(..count);
        self.dropped += count as u64;
    }

    /// The latest grant that the grantor told of.
    pub(crate) fn latest(&self) -> Option<&Offer> {
        self.offers.back()
    }

    /// The grantor's word on this lease.
    pub(crate) fn offer_of(&self, lease: LeaseId) -> Option<&Offer> {
        self.place(lease).map(|place| &self.offers[place])
    }

    /// An answer as this register would give it: what holders are told of the TTL is a matter of policy.
    pub(crate) fn as_granted(&self, answer: Answer) -> Answer {
        match answer {
            Answer::Granted { lease, token, .. } => match self.offer_of(lease) {
                Some(offer) => Answer::Granted { lease, token, ttl: offer.ttl },
                None => answer,
            },
            other => other,
        }
    }

    /// Somebody entitled wants this lease to end.
    pub(crate) fn may_end(&mut self, lease: LeaseId, since: SimInstant) {
        note(&mut self.ends, lease, since);
    }

    /// The grantor says that this lease is over.
    pub(crate) fn is_over(&mut self, lease: LeaseId, now: SimInstant) {
        note(&mut self.over, lease, now);
    }

    /// Terms that began no later may end at any time.
    pub(crate) const fn excuse_until(&mut self, instant: Option<SimInstant>) {
        self.excused_until = instant;
    }

    /// Forgets what concerns no lease from this one on.
    pub(crate) fn forget_before(&mut self, lease: LeaseId) {
        for noted in [&mut self.ends, &mut self.over] {
            noted.retain(|(ending, _)| *ending >= lease);
        }
    }

    /// Nothing is known of what was before.
    pub(crate) fn forget_offers(&mut self) {
        self.drop_offers(self.offers.len());
        self.ends.clear();
        self.over.clear();
    }

    /// The state in which this grant has just taken effect, at some time between the request for it and the answer.
    pub(crate) fn restored(&mut self, offer: Offer, asked: SimInstant) -> State {
        self.drop_offers(self.place(offer.lease).unwrap_or(self.offers.len()));
        if self.offers.is_empty() {
            self.offer(offer);
        }
        self.granted(&State { taken: self.dropped, at: asked, ..State::FREE }, offer)
    }

    fn place(&self, lease: LeaseId) -> Option<usize> {
        self.offers.iter().rposition(|offer| offer.lease == lease)
    }

    fn end_of(&self, lease: LeaseId) -> Option<SimInstant> {
        noted(&self.ends, lease)
    }

    fn was_over(&self, lease: LeaseId, at: SimInstant) -> bool {
        noted(&self.over, lease).is_some_and(|since| since < at)
    }

    /// The grant that can take effect next, if the register is free.
    fn next_offer(&self, state: &State) -> Option<Offer> {
        let place = state.taken.checked_sub(self.dropped).filter(|_| state.held.is_none())?;
        let offer = self.offers.get(usize::try_from(place).ok()?)?;
        (offer.lease > state.newest.0 && offer.token > state.newest.1).then_some(*offer)
    }

    /// The register with this grant, which takes effect at its time.
    fn granted(&self, free: &State, offer: Offer) -> State {
        let Offer { lease, token, holder, ttl } = offer;
        let until = free.at.saturating_add(self.bounds.earliest_end(ttl));
        let held = Held { lease, token, holder, ttl, began: free.at, until };
        State { held: Some(held), taken: free.taken + 1, newest: (lease, token), at: free.at }
    }

    /// When the lease that holds the register in this state can be over, at the earliest.
    fn end_at(&self, state: &State, held: Held) -> SimInstant {
        let is_excused = self.excused_until.is_some_and(|until| held.began <= until);
        let expiry = if is_excused { state.at } else { held.until };
        self.end_of(held.lease).map_or(expiry, |end| end.min(expiry)).max(state.at)
    }

    /// The term of the lease that holds begins anew, no earlier than this.
    fn renewed(&self, state: &State, held: Held, at: SimInstant) -> State {
        let at = state.at.max(at);
        let until = at.saturating_add(self.bounds.earliest_end(held.ttl)).max(held.until);
        let held = Held { began: held.began.max(at), until, ..held };
        State { held: Some(held), at, ..state.clone() }
    }
}

/// Keeps since when something is so of a lease, unless it is known already.
fn note(list: &mut Vec<(LeaseId, SimInstant)>, lease: LeaseId, since: SimInstant) {
    if noted(list, lease).is_none() {
        // Those that can still matter are of leases that are held or on offer, one each.
        if list.len() > 2 * OFFERS {
            list.remove(0);
        }
        list.push((lease, since));
    }
}

fn noted(list: &[(LeaseId, SimInstant)], lease: LeaseId) -> Option<SimInstant> {
    list.iter().find(|(noted, _)| *noted == lease).map(|(_, since)| *since)
}

impl Object for LeaseRegister {
    type State = State;
    type Operation = (NodeId, Operation);
    type Answer = Answer;

    fn effects(
        &self,
        state: &State,
        call: Call<(NodeId, Operation)>,
        told: Option<(Answer, SimInstant)>,
        effects: &mut Vec<(Answer, State)>,
    ) {
        match (call.operation.1, told) {
            (Operation::Renew { lease }, None | Some((Answer::Renewed { .. }, _))) => {
                if let Some(held) = state.held.filter(|held| held.lease == lease) {
                    effects.push((Answer::Renewed { lease }, self.renewed(state, held, call.began)));
                }
            }
            // What is over by the grantor's own word is shown to nobody who asks after that.
            (Operation::Get, _) if state.held.is_some_and(|held| self.was_over(held.lease, call.began)) => {}
            (Operation::Get, _) => {
                let answer =
                    state.held.map_or(Answer::HeldByNobody, |Held { lease, holder, token, .. }| {
                        Answer::HeldBy { lease, holder, token }
                    });
                effects.push((answer, state.since(call.began)));
            }
            // This very request is granted. That it was, the answer may tell when the lease is long over.
            (Operation::Acquire, None | Some((Answer::Granted { .. }, _))) => {
                let offer = self.next_offer(state).filter(|offer| offer.holder == call.operation.0);
                let granted = offer.map(|offer| self.granted(&state.since(call.began), offer));
                effects.extend(offer.map(Offer::answer).zip(granted));
            }
            (Operation::Acquire, Some((Answer::Refused, _))) => {
                effects.push((Answer::Refused, state.clone()));
            }
            // Its end was decided, and is not on the disk yet: it is renewed no more, and still counts.
            (Operation::Renew { lease }, Some((answer @ Answer::Gone { .. }, now)))
                if state.held.is_some_and(|held| held.lease == lease && self.end_at(state, held) <= now) =>
            {
                effects.push((answer, state.clone()));
            }
            // A lease that is over stays so: that can wait for the answer.
            (Operation::Renew { lease }, Some((answer @ Answer::Gone { .. }, _)))
            | (Operation::Release { lease }, Some((answer @ Answer::Released { .. }, _)))
                if !state.holds(lease) =>
            {
                effects.push((answer, state.since(call.began)));
            }
            _ => {}
        }
    }

    fn steps(&self, state: &State, now: SimInstant, states: &mut Vec<State>) {
        let Some(held) = state.held else {
            // Some request of this node's is granted: also one that nobody waits for any more.
            let offer = self.next_offer(state);
            let asked = offer.and_then(|offer| self.asked.get(&offer.holder));
            let granted = offer.zip(asked).map(|(offer, asked)| self.granted(&state.since(*asked), offer));
            states.extend(granted);
            return;
        };
        let end = self.end_at(state, held);
        if end <= now {
            states.push(State { held: None, at: end, ..state.clone() });
        }
    }

    fn covers(more: &State, less: &State) -> bool {
        let has_not_less = match (more.held, less.held) {
            (None, None) => true,
            (Some(a), Some(b)) => a.lease == b.lease && a.until <= b.until && a.began <= b.began,
            _ => false,
        };
        has_not_less && more.taken == less.taken && more.newest == less.newest && more.at <= less.at
    }
}
