//! I24: what contenders are told fits a grantor that does one thing at a time.
//!
//! Source: docs/invariants.md. The history of acquire, renew, release and get of each resource, as those saw it who asked,
//! has to be linearizable: each answer tells what a [lease register](lease_register) was at some instant between the first
//! send of the request and the answer. A lease may end by itself only once its term can be over, which is
//! [`Bounds::earliest_end`](leasehold_core::Bounds::earliest_end) after its last acknowledged renewal at the earliest. From
//! outside there is no latest instant, for a copy of a renewal may always be under way: that it ends in time is I5's.
//!
//! Of the grantor's own word three things are used: that it granted a lease, which names what a contender may be told
//! later; that it ordered a revocation, which is somebody else's operation; and that a lease is over, which it may not tell
//! otherwise to whoever asks after that. It does not have to say so, and that alone ends no lease: other invariants look at it.
//!
//! **Violations**, by the answer that fits nothing that the register can have been:
//!
//! * `granted-out-of-turn`: a lease while another one had to hold, or under an id or a token that is not above all before,
//!   or one that was there before it was asked for.
//! * `renewed-while-not-held`: the lease had ended, for another one held, and its term would have begun too late for that.
//! * `refused-while-held`: the lease cannot have ended yet.
//! * `wrong-holder-told`: a get was shown another lease than the one that held, or one when none did, or none when one did;
//!   or one that was over by the grantor's own word before it was asked for.
//!
//! Excused is what ends too early while the grantor's clocks or its disk are not as assumed. When a disk loses something,
//! nothing is known any more: until a contender that asked after that is granted a lease, answers are excused. So it is after a
//! violation, which is told once, after more grants in a row than are remembered of which nobody was told, and after a search
//! that was given up; that one is *unknown*, and the run inconclusive. Of gets that are under way at one time three are judged.
//!
//! Judged: every answer.

mod lease_register;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem::discriminant;

use leasehold_core::event::{Answer, Assumption, EndCause, Operation};
use leasehold_core::{LeaseId, NodeEvent, NodeId, ResourceId, SimInstant, WorldEvent};

use self::lease_register::{LeaseRegister, Offer, State};
use crate::assumptions::{CLOCKS_AND_DISK, DISK};
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Lease;
use crate::linearizability::{Call, Explained, Key, Search};
use crate::scene::Scene;

/// How many states are shown that the register can have been in. Chosen by us: there are hardly ever more.
const SHOWN: usize = 4;

/// How many gets are judged that are under way at one time. Chosen by us: each may have seen any state that passed since it was
/// asked, so what is to be looked at grows with their power.
const GETS: usize = 3;

/// Keeps what each resource can have come to.
#[derive(Debug, Default)]
pub(crate) struct LinearizableRegister {
    resources: BTreeMap<ResourceId, History>,
}

/// What was asked and told of one resource.
#[derive(Debug)]
struct History {
    register: LeaseRegister,
    /// Nothing if it is not known what the register is.
    search: Option<Search<LeaseRegister>>,
    /// What began before is not held against anybody.
    known_since: SimInstant,
    under_way: Vec<UnderWay>,
}

/// An operation that was not answered yet.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    node: NodeId,
    operation: Operation,
    began: SimInstant,
    /// Nothing if the search does not know of it.
    key: Option<Key>,
}

impl UnderWay {
    fn is_asked_by(&self, node: NodeId, answer: &Answer) -> bool {
        self.node == node
            && match (self.operation, *answer) {
                (Operation::Acquire, Answer::Granted { .. } | Answer::Refused)
                | (Operation::Get, Answer::HeldBy { .. } | Answer::HeldByNobody) => true,
                (
                    Operation::Renew { lease },
                    Answer::Renewed { lease: told } | Answer::Gone { lease: told },
                )
                | (Operation::Release { lease }, Answer::Released { lease: told }) => lease == told,
                _ => false,
            }
    }
}

impl History {
    fn new(scene: &Scene) -> Self {
        let lost =
            scene.grantors.iter().any(|grantor| scene.assumptions.excused_since(*grantor, scene.now, &DISK));
        Self {
            register: LeaseRegister::new(scene.bounds),
            search: (!lost).then(|| Search::new(State::FREE)),
            known_since: SimInstant::START,
            under_way: Vec::new(),
        }
    }

    fn begin(&mut self, now: SimInstant, node: NodeId, operation: Operation) {
        let kind = discriminant(&operation);
        self.give_up(|other| other.node == node && discriminant(&other.operation) == kind);
        match operation {
            Operation::Acquire => self.register.ask(node, now),
            Operation::Release { lease } => self.register.may_end(lease, now),
            Operation::Renew { .. } | Operation::Get => {}
        }
        let is_get = |known: &&UnderWay| known.operation == Operation::Get && known.key.is_some();
        let is_judged = operation != Operation::Get || self.under_way.iter().filter(is_get).count() < GETS;
        let call = Call { operation: (node, operation), began: now };
        let key = self.search.as_mut().filter(|_| is_judged).map(|search| search.begin(call));
        self.under_way.push(UnderWay { node, operation, began: now, key });
    }

    /// Nobody waits for the answers to these any more.
    fn give_up(&mut self, is_given_up: impl Fn(&UnderWay) -> bool) {
        let search = &mut self.search;
        self.under_way.retain(|under_way| {
            let is_given_up = is_given_up(under_way);
            if let (true, Some(key), Some(search)) = (is_given_up, under_way.key, search.as_mut()) {
                search.forget(key);
            }
            !is_given_up
        });
    }

    /// The grantor tells of a grant. If that is one too many of which nobody was told, nothing is known any more.
    fn offered(&mut self, now: SimInstant, offer: Offer) {
        self.register.offer(offer);
        let dropped = self.register.dropped();
        if self.search.iter().flat_map(Search::states).any(|state| state.taken() < dropped) {
            self.lose(now);
        }
    }

    /// Nothing is known any more of what was before.
    fn lose(&mut self, now: SimInstant) {
        self.search = None;
        self.known_since = now;
        for under_way in &mut self.under_way {
            under_way.key = None;
        }
    }

    /// The operation that this answers. A refusal that comes for an earlier renewal tells the same at this instant.
    fn take(&mut self, now: SimInstant, node: NodeId, answer: &Answer) -> Option<UnderWay> {
        if let Some(place) = self.under_way.iter().position(|under_way| under_way.is_asked_by(node, answer)) {
            return Some(self.under_way.remove(place));
        }
        let Answer::Gone { lease } = *answer else { return None };
        let call = Call { operation: (node, Operation::Renew { lease }), began: now };
        let key = self.search.as_mut().map(|search| search.begin(call));
        Some(UnderWay { node, operation: call.operation.1, began: now, key })
    }

    /// Begins anew with a grant that was asked for since nothing is known.
    fn begin_anew(&mut self, scene: &Scene, asked: &UnderWay, answer: Answer) {
        let Answer::Granted { lease, token, ttl } = answer else { return };
        let is_sound = |grantor: &NodeId| !scene.assumptions.excused_since(*grantor, asked.began, &DISK);
        if asked.began < self.known_since || !scene.grantors.iter().all(is_sound) {
            return;
        }
        let offer = Offer { lease, token, holder: asked.node, ttl };
        let state = self.register.restored(offer, asked.began);
        let mut search = Search::new(state);
        // What is under way may still take effect, or has before: its answers are judged only if they fit.
        for under_way in self.under_way.iter_mut().filter(|under_way| under_way.operation != Operation::Get) {
            let UnderWay { node, operation, began, .. } = *under_way;
            under_way.key = Some(search.begin(Call { operation: (node, operation), began }));
        }
        self.search = Some(search);
        self.known_since = scene.now;
    }

    /// Whether nobody can say what became of this grant: it is older than all that are remembered.
    fn has_forgotten(&mut self, now: SimInstant, node: NodeId, answer: &Answer) -> bool {
        let Answer::Granted { lease, token, ttl } = *answer else { return false };
        if self.register.offer_of(lease).is_some() {
            return false;
        }
        let is_new = self.register.latest().is_none_or(|latest| latest.lease < lease);
        if is_new {
            // The grantor did not say so; the answer does.
            self.offered(now, Offer { lease, token, holder: node, ttl });
        }
        !is_new
    }

    fn told(&mut self, scene: &Scene, node: NodeId, resource: ResourceId, answer: Answer, book: &mut Book) {
        let Some(asked) = self.take(scene.now, node, &answer) else { return };
        let grantors = || scene.grantors.iter().copied();
        if self.search.is_none() {
            self.begin_anew(scene, &asked, answer);
            if self.search.is_none() {
                self.has_forgotten(scene.now, node, &answer);
            }
            book.excuse();
            return;
        }
        let (Some(key), false) = (asked.key, self.has_forgotten(scene.now, node, &answer)) else {
            book.excuse();
            return;
        };
        let excused = grantors().filter_map(|of| scene.assumptions.excused_until(of, &CLOCKS_AND_DISK)).max();
        self.register.excuse_until(excused);
        let Some(search) = &mut self.search else {
            book.excuse();
            return;
        };
        match search.end(&self.register, key, self.register.as_granted(answer), scene.now) {
            Explained::Yes => match grantors().any(|grantor| scene.assumptions.excused(grantor, scene.now)) {
                true => book.excuse(),
                false => book.judge(),
            },
            Explained::No if asked.began < self.known_since => {
                book.excuse();
                self.lose(scene.now);
                return;
            }
            Explained::No => {
                book.judge();
                book.violation(scene.now, clause(&answer), || self.case(scene, &asked, resource, answer));
                self.lose(scene.now);
                return;
            }
            Explained::Unknown => {
                book.unknown();
                self.lose(scene.now);
                return;
            }
        }
        if let Some(oldest) = search.states().map(State::oldest).min() {
            self.register.forget_before(oldest);
        }
    }

    fn case(&self, scene: &Scene, asked: &UnderWay, resource: ResourceId, answer: Answer) -> Case {
        let UnderWay { node, operation, began, .. } = *asked;
        let states = self.search.iter().flat_map(Search::states).take(SHOWN).map(|state| {
            let held = state.held.map(|held| held.lease);
            Fact::CouldBe { resource, held, until: state.held.map(|held| held.until) }
        });
        let grant = scene.leases.latest(resource).map(Lease::origin);
        let history = [
            Fact::Asked { at: began, node, resource, operation },
            Fact::Told { at: scene.now, node, resource, answer },
        ];
        Case {
            nodes: [node].into_iter().chain(scene.grantors.iter().copied()).collect(),
            resource: Some(resource),
            evidence: grant.into_iter().chain(history).chain(states).collect(),
        }
    }
}

fn clause(answer: &Answer) -> &'static str {
    match answer {
        Answer::Granted { .. } => "granted-out-of-turn",
        Answer::Refused => unreachable!("whoever asks may be refused at any time"),
        Answer::Renewed { .. } => "renewed-while-not-held",
        Answer::Gone { .. } => "refused-while-held",
        Answer::Released { .. } => unreachable!("a lease of which a release was sent may end"),
        Answer::HeldBy { .. } | Answer::HeldByNobody => "wrong-holder-told",
    }
}

impl LinearizableRegister {
    fn of(&mut self, scene: &Scene, resource: ResourceId) -> &mut History {
        self.resources.entry(resource).or_insert_with(|| History::new(scene))
    }
}

impl Checker for LinearizableRegister {
    fn topics(&self) -> Topics {
        Topics::OPERATIONS.and(Topics::LEASES).and(Topics::PROCESSES).and(Topics::ASSUMPTIONS)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match *event {
            NodeEvent::Asked { resource, operation } => {
                self.of(scene, resource).begin(scene.now, node, operation);
            }
            NodeEvent::Told { resource, answer } => {
                self.of(scene, resource).told(scene, node, resource, answer, book);
            }
            NodeEvent::Granted { resource, lease, holder, token, ttl } => {
                self.of(scene, resource).offered(scene.now, Offer { lease, token, holder, ttl });
            }
            NodeEvent::Ended { resource, lease, .. } => {
                self.of(scene, resource).register.is_over(lease, scene.now);
            }
            // A grant that its grantor did not live to tell of.
            NodeEvent::Recovered { resource, lease, holder, token, ttl, .. } => {
                let history = self.of(scene, resource);
                if history.register.latest().is_none_or(|latest| latest.lease < lease) {
                    history.offered(scene.now, Offer { lease, token, holder, ttl });
                }
            }
            NodeEvent::EndOrdered { resource, lease, cause: EndCause::Revoked { .. } } => {
                let since = scene.when(node).decided_since;
                self.of(scene, resource).register.may_end(lease, since);
            }
            _ => {}
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        let Some(node) = node else { return };
        match event {
            WorldEvent::Crashed => {
                for history in self.resources.values_mut() {
                    history.give_up(|under_way| under_way.node == node);
                }
            }
            WorldEvent::AssumptionBroken { assumption: Assumption::DiskKeeps }
                if scene.grantors.contains(&node) =>
            {
                for history in self.resources.values_mut() {
                    history.register.forget_offers();
                    history.lose(scene.now);
                }
            }
            _ => {}
        }
    }
}

impl State {
    /// No lease before this one can hold the register again.
    fn oldest(&self) -> LeaseId {
        self.held.map_or(self.newest(), |held| held.lease)
    }
}
