//! A few nodes of a registry, driven by hand: virtual time goes to the next thing due, and the test decides what
//! becomes of each message, process and clock. All times are in milliseconds.

mod harness;
mod members;
mod membership;
mod observing;
mod sidecar;
mod working;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::clock::{ClockFace, Reading};
use leasehold_core::event::{ClaimEnd, DiscoveryEvent, EndCause, NodeEvent, RegistryEvent};
use leasehold_core::id::{Incarnation, NodeId, Ticket, TimerId};
use leasehold_core::node::{Context, Identity, Input, Leg, Message, Node, Output, Purpose, Record, Slot};
use leasehold_core::noise::Draws;

use super::{RegistryCommand, RegistryMessage, RegistryProtocol, RegistryRecord};

pub(crate) type Boxed = Box<dyn Node<RegistryProtocol>>;
pub(crate) type Ctx<'a> = Context<'a, RegistryProtocol>;

const NANOS: i64 = 1_000_000;
const BILLION: i128 = 1_000_000_000;

/// What becomes of a message.
type Network = Box<dyn FnMut(i64, NodeId, NodeId, &RegistryMessage) -> Way>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Arrives,
    ArrivesAfter(i64),
    ArrivesTwice,
    Lost,
    /// It arrives when the test calls [`Few::let_go`].
    Held,
}

/// A message that left, or that a node is about to get.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    pub(crate) at: i64,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) message: RegistryMessage,
}

pub(crate) struct Few {
    /// In nanoseconds.
    now: i64,
    /// How long a message takes from now on.
    pub(crate) delay: i64,
    /// How long a write takes from now on.
    pub(crate) disk: i64,
    nodes: BTreeMap<NodeId, Process>,
    /// By when it arrives, and then by when it left.
    under_way: BTreeMap<(i64, usize), Letter>,
    /// How many have set out so far.
    set_out: usize,
    held: Vec<Letter>,
    network: Network,
    /// What nodes reported, and when.
    pub(crate) events: Vec<(i64, NodeId, NodeEvent)>,
    /// All messages that left.
    pub(crate) sent: Vec<Letter>,
    /// How often a timer was armed.
    pub(crate) armed: usize,
}

struct Process {
    make: Box<dyn Fn() -> Boxed>,
    /// Nothing while it is down.
    node: Option<Boxed>,
    incarnation: Incarnation,
    timers: BTreeMap<TimerId, Reading>,
    disk: BTreeMap<Slot, RegistryRecord>,
    writing: Vec<(i64, Ticket, RegistryRecord)>,
    next_ticket: Ticket,
    /// What its clocks are off by, in parts per billion.
    rate: i64,
    /// What waits for it while it is paused.
    paused: Option<Vec<Input<RegistryProtocol>>>,
    /// How many inputs it had.
    woken: usize,
}

impl Process {
    fn face(&self, now: i64) -> ClockFace {
        let shown = i128::from(now) * (BILLION + i128::from(self.rate)) / BILLION;
        let shown = i64::try_from(shown).expect("a test is short");
        ClockFace { monotonic: shown, boot: shown, wall: shown }
    }

    /// When its clocks show this.
    fn when(&self, at: Reading) -> i64 {
        let (at, rate) = (i128::from(at.as_nanos()), BILLION + i128::from(self.rate));
        i64::try_from((at * BILLION + rate - 1).div_euclid(rate)).unwrap_or(i64::MAX)
    }

    /// When it has something to do by itself.
    fn due(&self) -> Option<i64> {
        let write = self.writing.first().map(|(at, ..)| *at);
        let timer = self.timers.values().map(|at| self.when(*at)).min();
        let timer = if self.paused.is_some() { None } else { timer };
        write.into_iter().chain(timer).min()
    }
}

impl Few {
    /// Nobody yet; one way takes 2 ms, a write 1 ms.
    pub(crate) fn new() -> Self {
        Self {
            now: 0,
            delay: 2,
            disk: 1,
            nodes: BTreeMap::new(),
            under_way: BTreeMap::new(),
            set_out: 0,
            held: vec![],
            network: Box::new(|_, _, _, _| Way::Arrives),
            events: vec![],
            sent: vec![],
            armed: 0,
        }
    }

    /// Starts a node; `make` makes each process of it.
    pub(crate) fn add(&mut self, id: NodeId, make: impl Fn() -> Boxed + 'static) {
        self.add_with_rate(id, 0, make);
    }

    /// Starts a node whose clocks are off by so many parts per billion.
    pub(crate) fn add_with_rate(&mut self, id: NodeId, rate: i64, make: impl Fn() -> Boxed + 'static) {
        let process = Process {
            node: Some(make()),
            make: Box::new(make),
            incarnation: Incarnation(0),
            timers: BTreeMap::new(),
            disk: BTreeMap::new(),
            writing: vec![],
            next_ticket: Ticket(0),
            rate,
            paused: None,
            woken: 0,
        };
        self.nodes.insert(id, process);
        self.handle(id, Input::Started);
    }

    /// Its process dies, with what it has not written yet.
    pub(crate) fn kill(&mut self, id: NodeId) {
        let process = self.process(id);
        process.node = None;
        process.timers.clear();
        process.writing.clear();
        process.paused = None;
        process.incarnation = Incarnation(process.incarnation.0 + 1);
    }

    /// A new process of it starts, with what the disk kept.
    pub(crate) fn revive(&mut self, id: NodeId) {
        let process = self.process(id);
        process.node = Some((process.make)());
        let disk = process.disk.values().cloned().collect();
        self.handle(id, Input::Restarted { disk });
    }

    /// It does nothing from now on; what arrives waits for it.
    pub(crate) fn pause(&mut self, id: NodeId) {
        self.process(id).paused.get_or_insert_default();
    }

    /// It goes on, with what arrived meanwhile.
    pub(crate) fn resume(&mut self, id: NodeId) {
        for input in self.process(id).paused.take().into_iter().flatten() {
            self.handle(id, input);
        }
    }

    /// Its inbox overflows: what arrived while it was paused is lost.
    pub(crate) fn forget_what_waits(&mut self, id: NodeId) {
        self.process(id).paused = Some(vec![]);
    }

    /// How many inputs a node had.
    pub(crate) fn woken(&self, id: NodeId) -> usize {
        self.nodes[&id].woken
    }

    pub(crate) fn command(&mut self, id: NodeId, command: RegistryCommand) {
        self.handle(id, Input::Command(command));
    }

    /// Decides from now on what becomes of messages: when, from whom, to whom, which.
    pub(crate) fn on_network(
        &mut self,
        network: impl FnMut(i64, NodeId, NodeId, &RegistryMessage) -> Way + 'static,
    ) {
        self.network = Box::new(network);
    }

    /// From now on all messages of this kind go this way, and all others arrive.
    pub(crate) fn all_that_are(&mut self, purpose: Purpose, leg: Leg, way: Way) {
        self.on_network(
            move |_, _, _, message| if message.class() == (purpose, leg) { way } else { Way::Arrives },
        );
    }

    /// From now on every message arrives.
    pub(crate) fn heal(&mut self) {
        self.on_network(|_, _, _, _| Way::Arrives);
    }

    /// What was held sets out again.
    pub(crate) fn let_go(&mut self) {
        for letter in core::mem::take(&mut self.held) {
            self.set_out(self.delay, letter);
        }
    }

    /// A message from somebody whom no test plays.
    pub(crate) fn send(&mut self, from: NodeId, to: NodeId, message: RegistryMessage) {
        let letter = Letter { at: self.now(), from, to, message };
        let way = (self.network)(letter.at, from, to, &letter.message);
        self.sent.push(letter.clone());
        let delays = match way {
            Way::Arrives => vec![self.delay],
            Way::ArrivesAfter(delay) => vec![delay],
            Way::ArrivesTwice => vec![self.delay, 2 * self.delay],
            Way::Lost => vec![],
            Way::Held => return self.held.push(letter),
        };
        for delay in delays {
            self.set_out(delay, letter.clone());
        }
    }

    fn set_out(&mut self, delay: i64, letter: Letter) {
        self.under_way.insert((self.now + delay * NANOS, self.set_out), letter);
        self.set_out += 1;
    }

    /// What time it is.
    pub(crate) fn now(&self) -> i64 {
        self.now / NANOS
    }

    fn handle(&mut self, id: NodeId, input: Input<RegistryProtocol>) {
        let now = self.now;
        let Some(process) = self.nodes.get_mut(&id) else { return };
        let face = process.face(now);
        let Some(node) = process.node.as_mut() else { return };
        if let Some(waiting) = &mut process.paused {
            return waiting.push(input);
        }
        process.woken += 1;
        let identity = Identity { node: id, incarnation: process.incarnation };
        let draws = Draws::from_seed(now as u64 ^ u64::from(id.0) << 48);
        let mut outputs = vec![];
        node.handle(&mut Context::new(identity, face, draws, &mut process.next_ticket, &mut outputs), input);
        for output in outputs {
            self.put_out(id, output);
        }
    }

    fn put_out(&mut self, id: NodeId, output: Output<RegistryProtocol>) {
        match output {
            Output::Send { to, message } => self.send(id, to, message),
            Output::Arm { timer, at } => {
                self.armed += 1;
                self.process(id).timers.insert(timer, at);
            }
            Output::Disarm { timer } => {
                self.process(id).timers.remove(&timer);
            }
            Output::Persist { ticket, record } => {
                let done = self.now + self.disk * NANOS;
                self.process(id).writing.push((done, ticket, record));
            }
            Output::Emit(event) => self.events.push((self.now(), id, event)),
        }
    }

    fn process(&mut self, id: NodeId) -> &mut Process {
        self.nodes.get_mut(&id).expect("the test added this node")
    }

    /// Lets everything happen that is due up to `until`, and that included.
    pub(crate) fn run_to(&mut self, until: i64) {
        let until = until * NANOS;
        loop {
            let message = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let own = self.nodes.values().filter_map(Process::due).min();
            match message.into_iter().chain(own).min() {
                Some(next) if next <= until => self.now = self.now.max(next),
                _ => break,
            }
            self.do_one();
        }
        self.now = until;
    }

    /// Lets so much time go by.
    pub(crate) fn run_for(&mut self, time: i64) {
        self.run_to(self.now() + time);
    }

    fn do_one(&mut self) {
        let now = self.now;
        if let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= now) {
            let Letter { from, to, message, .. } = entry.remove();
            return self.handle(to, Input::Received { from, message });
        }
        let due = |(_, process): &(&NodeId, &Process)| process.due().is_some_and(|at| at <= now);
        let Some(id) = self.nodes.iter().find(due).map(|(id, _)| *id) else { return };
        let process = self.process(id);
        if process.writing.first().is_some_and(|(at, ..)| *at <= now) {
            let (_, ticket, record) = process.writing.remove(0);
            process.disk.insert(record.slot(), record);
            return self.handle(id, Input::Persisted(ticket));
        }
        let first = process.timers.iter().min_by_key(|(_, at)| process.when(**at)).map(|(timer, _)| *timer);
        if let Some(timer) = first {
            process.timers.remove(&timer);
            self.handle(id, Input::Timer(timer));
        }
    }

    /// When `node` reported something like `wanted`.
    pub(crate) fn times(&self, node: NodeId, wanted: impl Fn(&NodeEvent) -> bool) -> Vec<i64> {
        self.events.iter().filter(|(_, n, e)| *n == node && wanted(e)).map(|(at, ..)| *at).collect()
    }

    /// What was reported of registries and members, by whom and when.
    pub(crate) fn registry_events(&self, node: NodeId) -> Vec<(i64, RegistryEvent)> {
        let mine = self.events.iter().filter(|(_, n, _)| *n == node);
        mine.filter_map(|(at, _, event)| match event {
            NodeEvent::Registry(event) => Some((*at, *event)),
            _ => None,
        })
        .collect()
    }

    /// What a view or a lookup reported, and when.
    pub(crate) fn discovery_events(&self, node: NodeId) -> Vec<(i64, DiscoveryEvent)> {
        let mine = self.events.iter().filter(|(_, n, _)| *n == node);
        mine.filter_map(|(at, _, event)| match event {
            NodeEvent::Discovery(event) => Some((*at, *event)),
            _ => None,
        })
        .collect()
    }

    /// When `node` claimed, and until when.
    pub(crate) fn claims(&self, node: NodeId) -> Vec<(i64, i64)> {
        let mine = self.events.iter().filter(|(_, n, _)| *n == node);
        mine.filter_map(|(at, _, event)| match event {
            NodeEvent::ClaimStarted(claim) | NodeEvent::ClaimRenewed(claim) => {
                Some((*at, claim.deadline.as_nanos() / NANOS))
            }
            _ => None,
        })
        .collect()
    }

    /// When its claims ended, and why.
    pub(crate) fn claim_ends(&self, node: NodeId) -> Vec<(i64, ClaimEnd)> {
        let mine = self.events.iter().filter(|(_, n, _)| *n == node);
        mine.filter_map(|(at, _, event)| match event {
            NodeEvent::ClaimEnded { reason, .. } => Some((*at, *reason)),
            _ => None,
        })
        .collect()
    }

    /// When leases ended, and why.
    pub(crate) fn ends(&self) -> Vec<(i64, EndCause)> {
        self.events
            .iter()
            .filter_map(|(at, _, event)| match event {
                NodeEvent::Ended { cause, .. } => Some((*at, *cause)),
                _ => None,
            })
            .collect()
    }

    /// When `from` sent something like `wanted`.
    pub(crate) fn sends(&self, from: NodeId, wanted: impl Fn(&RegistryMessage) -> bool) -> Vec<i64> {
        self.letters(from, wanted).map(|letter| letter.at).collect()
    }

    /// What `from` sent that is like `wanted`.
    pub(crate) fn letters(
        &self,
        from: NodeId,
        wanted: impl Fn(&RegistryMessage) -> bool,
    ) -> impl Iterator<Item = &Letter> {
        self.sent.iter().filter(move |letter| letter.from == from && wanted(&letter.message))
    }
}

/// Whether a message is of this class.
pub(crate) fn is(purpose: Purpose, leg: Leg) -> impl Fn(&RegistryMessage) -> bool {
    move |message| message.class() == (purpose, leg)
}

/// A node that does what a test says.
pub(crate) struct Puppet<F>(pub(crate) F);

impl<F> Node<RegistryProtocol> for Puppet<F>
where
    F: FnMut(&mut Ctx<'_>, Input<RegistryProtocol>) + Send,
{
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<RegistryProtocol>) {
        (self.0)(ctx, input);
    }
}
