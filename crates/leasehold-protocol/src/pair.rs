//! A pair of nodes, or a few, driven by hand: virtual time goes to the next thing due, and the test decides what
//! becomes of each message.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::clock::{ClockFace, ClockKind, Reading};
use leasehold_core::event::{ClaimEnd, EndCause, NodeEvent};
use leasehold_core::id::{
    Incarnation, LeaseId, NodeId, OpId, OwnerId, RequestId, ResourceId, TaskId, Ticket, TimerId, Token,
    Version,
};
use leasehold_core::node::{Context, Identity, Input, Message, Node, Output, Purpose, Record, Slot};
use leasehold_core::noise::Draws;
use leasehold_core::time::{Drift, Span};

use crate::policy::{Anchor, Expiry, Fence, GrantorPolicy, HolderPolicy, Reads, ResourcePolicy, WorkPolicy};
use crate::table::{Contender, Lease};
use crate::{
    Grantor, Holder, LeaseCommand, LeaseMessage, LeaseProtocol, LeaseRecord, QueryAnswer, Resource,
    StoredRecord,
};

const GRANTOR: NodeId = NodeId(0);
const RESOURCE: NodeId = NodeId(1);
const HOLDER: NodeId = NodeId(2);
const RIVAL: NodeId = NodeId(3);
const R: ResourceId = ResourceId(0);

/// One way of a message, of a write to disk, and of nothing else. In milliseconds, like all times here.
const DELAY: i64 = 2;
const DISK: i64 = 1;

/// What becomes of a message.
type Network = Box<dyn FnMut(NodeId, NodeId, &LeaseMessage) -> Way>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Arrives,
    ArrivesAfter(i64),
    ArrivesTwice,
    Lost,
}

struct Few {
    now: i64,
    /// How long a write takes from now on.
    disk: i64,
    nodes: BTreeMap<NodeId, Process>,
    under_way: Vec<(i64, NodeId, Input<LeaseProtocol>)>,
    network: Network,
    events: Vec<(i64, NodeId, NodeEvent)>,
    sent: Vec<(i64, NodeId, LeaseMessage)>,
}

struct Process {
    make: Box<dyn Fn() -> Box<dyn Node<LeaseProtocol>>>,
    node: Option<Box<dyn Node<LeaseProtocol>>>,
    incarnation: Incarnation,
    timers: BTreeMap<TimerId, Reading>,
    disk: BTreeMap<Slot, StoredRecord>,
    writing: Vec<(i64, Ticket, StoredRecord)>,
    next_ticket: Ticket,
}

fn holder_policy() -> HolderPolicy {
    HolderPolicy::new(Span::from_secs(10), Drift::ZERO)
}

fn holder(policy: HolderPolicy) -> Box<dyn Node<LeaseProtocol>> {
    Box::new(Holder::new(policy, WorkPolicy::default(), R, GRANTOR, RESOURCE))
}

/// A live lease of the holder, as it stands on the grantor's disk.
fn a_record(resource: u32, id: u64) -> LeaseRecord {
    let contender = Contender {
        node: HOLDER,
        incarnation: Incarnation(0),
        request: RequestId(1),
        owner: OwnerId(0),
        priority: 0,
    };
    let (id, resource, token) = (LeaseId(id), ResourceId(resource), Token(1));
    let lease = Lease { id, resource, contender, token, ttl: Span::from_secs(10), task: TaskId(0), keys: 0 };
    LeaseRecord { lease, ended: None, done: false, deadline: None, revision: id.0 }
}

impl Few {
    /// A grantor and a resource, to begin with.
    fn new() -> Self {
        let mut few = Self {
            now: 0,
            disk: DISK,
            nodes: BTreeMap::new(),
            under_way: vec![],
            network: Box::new(|_, _, _| Way::Arrives),
            events: vec![],
            sent: vec![],
        };
        few.add(GRANTOR, || Box::new(Grantor::new(GrantorPolicy::default())));
        few.add(RESOURCE, || Box::new(Resource::new(R, ResourcePolicy::default())));
        few
    }

    fn with_holder() -> Self {
        let mut few = Self::new();
        few.add(HOLDER, || holder(holder_policy()));
        few
    }

    fn add(&mut self, id: NodeId, make: impl Fn() -> Box<dyn Node<LeaseProtocol>> + 'static) {
        let process = Process {
            node: Some(make()),
            make: Box::new(make),
            incarnation: Incarnation(0),
            timers: BTreeMap::new(),
            disk: BTreeMap::new(),
            writing: vec![],
            next_ticket: Ticket(0),
        };
        self.nodes.insert(id, process);
        self.handle(id, Input::Started);
    }

    /// The same with another grantor.
    fn under(policy: GrantorPolicy) -> Self {
        let mut few = Self::new();
        few.nodes.remove(&GRANTOR);
        few.add(GRANTOR, move || Box::new(Grantor::new(policy)));
        few
    }

    fn kill(&mut self, id: NodeId) {
        let process = self.nodes.get_mut(&id).unwrap();
        process.node = None;
        process.timers.clear();
        process.writing.clear();
        process.incarnation = Incarnation(process.incarnation.0 + 1);
    }

    fn revive(&mut self, id: NodeId) {
        let process = self.nodes.get_mut(&id).unwrap();
        process.node = Some((process.make)());
        let disk = process.disk.values().copied().collect();
        self.handle(id, Input::Restarted { disk });
    }

    fn on_network(&mut self, network: impl FnMut(NodeId, NodeId, &LeaseMessage) -> Way + 'static) {
        self.network = Box::new(network);
    }

    fn handle(&mut self, id: NodeId, input: Input<LeaseProtocol>) {
        let Some(process) = self.nodes.get_mut(&id) else { return };
        let Some(node) = process.node.as_mut() else { return };
        let nanos = self.now * 1_000_000;
        let face = ClockFace { monotonic: nanos, boot: nanos, wall: nanos };
        let identity = Identity { node: id, incarnation: process.incarnation };
        let mut outputs = vec![];
        let draws = Draws::from_seed(self.now as u64);
        node.handle(&mut Context::new(identity, face, draws, &mut process.next_ticket, &mut outputs), input);
        for output in outputs {
            match output {
                Output::Send { to, message } => self.send(id, to, message),
                Output::Arm { timer, at } => {
                    self.process(id).timers.insert(timer, at);
                }
                Output::Disarm { timer } => {
                    self.process(id).timers.remove(&timer);
                }
                Output::Persist { ticket, record } => {
                    let done = self.now + self.disk;
                    self.process(id).writing.push((done, ticket, record));
                }
                Output::Emit(event) => self.events.push((self.now, id, event)),
            }
        }
    }

    fn process(&mut self, id: NodeId) -> &mut Process {
        self.nodes.get_mut(&id).unwrap()
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: LeaseMessage) {
        self.sent.push((self.now, from, message));
        let received = Input::Received { from, message };
        match (self.network)(from, to, &message) {
            Way::Arrives => self.under_way.push((self.now + DELAY, to, received)),
            Way::ArrivesAfter(delay) => self.under_way.push((self.now + delay, to, received)),
            Way::ArrivesTwice => {
                self.under_way.push((self.now + DELAY, to, received.clone()));
                self.under_way.push((self.now + 2 * DELAY, to, received));
            }
            Way::Lost => {}
        }
    }

    /// Lets everything happen that is due up to `until`, in milliseconds.
    fn run_to(&mut self, until: i64) {
        loop {
            let message = self.under_way.iter().map(|(at, ..)| *at).min();
            let timer = |p: &Process| p.timers.values().map(|at| at.as_nanos().div_euclid(1_000_000)).min();
            let write = |p: &Process| p.writing.first().map(|(at, ..)| *at);
            let own = self.nodes.values().flat_map(|p| [timer(p), write(p)]).flatten().min();
            let Some(next) = message.into_iter().chain(own).min().filter(|&next| next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            self.do_one();
        }
        self.now = until;
    }

    fn do_one(&mut self) {
        let now = self.now;
        if let Some(i) = self.under_way.iter().position(|(at, ..)| *at <= now) {
            let (_, to, input) = self.under_way.remove(i);
            return self.handle(to, input);
        }
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        for id in ids {
            let process = self.process(id);
            if process.writing.first().is_some_and(|(at, ..)| *at <= now) {
                let (_, ticket, record) = process.writing.remove(0);
                process.disk.insert(record.slot(), record);
                return self.handle(id, Input::Persisted(ticket));
            }
            let due = |(_, at): &(&TimerId, &Reading)| at.as_nanos().div_euclid(1_000_000) <= now;
            if let Some((&timer, _)) = process.timers.iter().find(due) {
                process.timers.remove(&timer);
                return self.handle(id, Input::Timer(timer));
            }
        }
    }

    /// When `node` reported something like `wanted`.
    fn times(&self, node: NodeId, wanted: impl Fn(&NodeEvent) -> bool) -> Vec<i64> {
        self.events.iter().filter(|(_, n, e)| *n == node && wanted(e)).map(|(at, ..)| *at).collect()
    }

    fn claims(&self, node: NodeId) -> Vec<(i64, i64)> {
        let deadline = |event: &NodeEvent| match event {
            NodeEvent::ClaimStarted(claim) | NodeEvent::ClaimRenewed(claim) => {
                Some(claim.deadline.as_nanos() / 1_000_000)
            }
            _ => None,
        };
        let mine = self.events.iter().filter(|(_, n, _)| *n == node);
        mine.filter_map(|(at, _, e)| deadline(e).map(|deadline| (*at, deadline))).collect()
    }

    fn claim_ends(&self, node: NodeId) -> Vec<(i64, ClaimEnd)> {
        let reason = |event: &NodeEvent| match event {
            NodeEvent::ClaimEnded { reason, .. } => Some(*reason),
            _ => None,
        };
        let mine = self.events.iter().filter(|(_, n, _)| *n == node);
        mine.filter_map(|(at, _, e)| reason(e).map(|reason| (*at, reason))).collect()
    }

    fn ends(&self) -> Vec<(i64, EndCause)> {
        let cause = |event: &NodeEvent| match event {
            NodeEvent::Ended { cause, .. } => Some(*cause),
            _ => None,
        };
        self.events.iter().filter_map(|(at, _, e)| cause(e).map(|cause| (*at, cause))).collect()
    }

    fn sends(&self, from: NodeId, wanted: impl Fn(&LeaseMessage) -> bool) -> Vec<i64> {
        self.sent.iter().filter(|(_, n, m)| *n == from && wanted(m)).map(|(at, ..)| *at).collect()
    }
}

fn is(purpose: Purpose) -> impl Fn(&LeaseMessage) -> bool {
    move |message| message.class().0 == purpose
}

/// Loses everything between the holder and the grantor while it is the case.
fn cut_off_while(time: core::ops::Range<usize>) -> impl FnMut(NodeId, NodeId, &LeaseMessage) -> Way {
    let mut renewals = 0;
    move |_, _, message| {
        if message.class().0 != Purpose::Renew {
            return Way::Arrives;
        }
        renewals += 1;
        if time.contains(&renewals) { Way::Lost } else { Way::Arrives }
    }
}

mod asking;
mod cached;
mod deadlines;
mod grantor;
mod leaving;
mod optimistic;
mod register;
mod tenure;
mod waiting;
mod working;
