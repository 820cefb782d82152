//! This world without the processes in it: for an engine that runs those elsewhere.
//!
//! Clocks, disks, faults, claims, and the fate of each message are the same, computed by the same code under the same
//! noise. What a process does is reported here; what is done to it is read here as [`Order`]s. Time goes on only when
//! [`Conductor::advance`] says so.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use leasehold_core::event::{EventSink, LossCause, NodeEvent, WorldEvent};
use leasehold_core::id::{FaultId, Incarnation, NodeId, Ticket};
use leasehold_core::node::{Context, Input, Instruction, Leg, Message, Node, Output, Protocol, Purpose};
use leasehold_core::outcome::{Outcome, RunEnd};
use leasehold_core::plan::{Cut, Plan};
use leasehold_core::time::{SimInstant, Span};
use serde::{Deserialize, Serialize};

use crate::clocks::HostClocks;
use crate::host::{Process, place_of_cut};
use crate::network::Carriage;
use crate::world::{LIVELOCK, Processes, Task, World};

/// A message that travels elsewhere: what the world has to know of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Packet {
    /// Unique in a run. Copies share it.
    number: u64,
    purpose: u8,
    leg: u8,
    /// Goes with the last copy.
    #[serde(skip)]
    _alive: Option<Arc<Alive>>,
}

impl Packet {
    fn new(number: u64, (purpose, leg): (Purpose, Leg), settled: &Settled) -> Self {
        let purpose = Purpose::ALL.iter().position(|&other| other == purpose);
        let purpose = purpose.expect("all purposes are listed") as u8;
        let alive = Alive { number, settled: Arc::clone(settled) };
        Self { number, purpose, leg: u8::from(leg == Leg::Reply), _alive: Some(Arc::new(alive)) }
    }
}

/// The numbers of packets of which no copy is left.
type Settled = Arc<Mutex<Vec<u64>>>;

/// Tells when the last copy of a packet is gone.
#[derive(Debug)]
struct Alive {
    number: u64,
    settled: Settled,
}

impl Drop for Alive {
    fn drop(&mut self) {
        // Nobody panics while it is locked.
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
    }
}

impl Message for Packet {
    fn class(&self) -> (Purpose, Leg) {
        let leg = if self.leg == 0 { Leg::Request } else { Leg::Reply };
        (Purpose::ALL[usize::from(self.purpose)], leg)
    }
}

/// What is to be done outside.
#[derive(Clone, Debug)]
pub enum Order<P: Protocol> {
    /// A new process begins: [`Input::Started`] or [`Input::Restarted`] is its first input.
    Boot {
        /// On which host.
        node: NodeId,
        /// Which of its processes this is.
        incarnation: Incarnation,
        /// Nothing if it is the first, else what the disk kept.
        disk: Option<Vec<P::Record>>,
    },
    /// The process dies.
    Kill {
        /// On which host.
        node: NodeId,
    },
    /// The process is told something that does not come from the network.
    Persisted {
        /// On which host.
        node: NodeId,
        /// The write that is durable now.
        ticket: Ticket,
    },
    /// The plan wants something done.
    Command {
        /// On which host.
        node: NodeId,
        /// What.
        command: P::Command,
    },
    /// A message, or a copy of it, gets to its receiver now.
    Arrives {
        /// Who receives it.
        to: NodeId,
        /// Which.
        number: u64,
    },
    /// A message, or a copy of it, does not get there.
    Lost {
        /// Which.
        number: u64,
    },
    /// All has been said of a message and its copies.
    Settled {
        /// Which.
        number: u64,
    },
}

type Orders<P> = Arc<Mutex<Vec<Order<P>>>>;

/// The protocol of a world whose processes run elsewhere: messages are packets.
struct Elsewhere<P>(PhantomData<P>);

impl<P: Protocol> Protocol for Elsewhere<P> {
    type Message = Packet;
    type Record = P::Record;
    type Command = P::Command;
}

/// Stands for a process that runs elsewhere, and hands on what it is told.
struct Proxy<P: Protocol> {
    orders: Orders<P>,
    id: NodeId,
}

impl<P: Protocol> Proxy<P> {
    fn order(&self, order: Order<P>) {
        // Nobody panics while it is locked.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
    }
}

impl<P: Protocol> Node<Elsewhere<P>> for Proxy<P> {
    fn handle(&mut self, ctx: &mut Context<'_, Elsewhere<P>>, input: Input<Elsewhere<P>>) {
        let (node, incarnation) = (self.id, ctx.incarnation());
        self.order(match input {
            Input::Started => Order::Boot { node, incarnation, disk: None },
            Input::Restarted { disk } => Order::Boot { node, incarnation, disk: Some(disk) },
            Input::Received { message, .. } => Order::Arrives { to: node, number: message.number },
            Input::Persisted(ticket) => Order::Persisted { node, ticket },
            Input::Command(command) => Order::Command { node, command },
            Input::Timer(timer) => unreachable!("timer {timer:?} was armed elsewhere"),
        });
    }
}

/// A process is dropped when it dies.
impl<P: Protocol> Drop for Proxy<P> {
    fn drop(&mut self) {
        self.order(Order::Kill { node: self.id });
    }
}

/// How far a run got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    GoesOn,
    /// It is over.
    Over(RunEnd),
}

/// Runs a plan's world without its processes, for as long as `direct` does. These do something only at whole `tick`s: what
/// ends a stop of theirs waits for the next one.
///
/// # Panics
///
/// If the plan names commands that do not exist, a tick takes no time, or the sink or `direct` panics.
pub fn conduct<P: Protocol, R>(
    plan: &Plan,
    commands: &[Instruction<P::Command>],
    tick: Span,
    sink: &mut dyn EventSink,
    direct: impl FnOnce(&mut Conductor<'_, P>) -> R,
) -> R {
    let orders = Orders::<P>::default();
    let proxies = Arc::clone(&orders);
    let make = move |id| -> Box<dyn Node<Elsewhere<P>>> {
        Box::new(Proxy::<P> { orders: Arc::clone(&proxies), id })
    };
    let mut world = World::<Elsewhere<P>>::new(plan, &make, commands, sink);
    world.processes = Processes::Elsewhere { tick, lost: Vec::new() };
    world.begin();
    direct(&mut Conductor { world, orders, settled: Settled::default(), packets: 0, end: None })
}

/// A world whose processes run elsewhere: see [`conduct`].
///
/// Orders for a process name no incarnation but at its boot: what is ordered after a [`Order::Kill`] is for its successor.
pub struct Conductor<'a, P: Protocol> {
    world: World<'a, Elsewhere<P>>,
    orders: Orders<P>,
    settled: Settled,
    packets: u64,
    end: Option<RunEnd>,
}

impl<P: Protocol> Conductor<'_, P> {
    /// Lets all happen that is due until an instant, that one included, and makes it the present.
    pub fn advance(&mut self, to: SimInstant) -> Progress {
        let ends_at = self.world.plan.phases.ends_at();
        let mut steps_at_this_instant = 0;
        while self.end.is_none() && self.world.queue.next_at().is_some_and(|at| at <= to) {
            let (at, task) = self.world.queue.pop().expect("something is due");
            // A run that ends as it settles has settled.
            if at >= ends_at && !matches!(task, Task::Settle) {
                break;
            }
            if at > self.world.now {
                self.world.now = at;
                steps_at_this_instant = 0;
            }
            self.world.steps += 1;
            steps_at_this_instant += 1;
            if steps_at_this_instant > LIVELOCK {
                self.end = Some(RunEnd::Livelock { node: self.world.node_of(task).unwrap_or_default() });
                break;
            }
            self.world.perform(task);
            self.look_at_the_sink();
        }
        if self.end.is_none() {
            self.world.now = self.world.now.max(to.min(ends_at));
            if to >= ends_at {
                self.end = Some(RunEnd::Completed);
            }
        }
        self.progress()
    }

    fn look_at_the_sink(&mut self) {
        if self.world.stopped && self.end.is_none() {
            self.end = Some(RunEnd::Stopped);
        }
    }

    /// How far the run got.
    pub fn progress(&self) -> Progress {
        self.end.clone().map_or(Progress::GoesOn, Progress::Over)
    }

    /// The present.
    pub fn now(&self) -> SimInstant {
        self.world.now
    }

    /// What is to be done outside, in order, since this was asked last.
    pub fn take_orders(&mut self) -> Vec<Order<P>> {
        let mut orders = std::mem::take(&mut *self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        if let Processes::Elsewhere { lost, .. } = &mut self.world.processes {
            orders.extend(lost.drain(..).map(|packet| Order::Lost { number: packet.number }));
        }
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        orders.extend(settled.drain(..).map(|number| Order::Settled { number }));
        orders
    }

    /// Whether a host's process runs: it is up, not stopped, and not busy with its last step.
    pub fn runs(&self, node: NodeId) -> bool {
        self.world.hosts[node.index()].is_ready()
    }

    /// Which process of a host it is.
    pub fn incarnation(&self, node: NodeId) -> Incarnation {
        self.world.hosts[node.index()].incarnation
    }

    /// A host's clocks, as they run now.
    pub fn clocks(&self, node: NodeId) -> &HostClocks {
        &self.world.hosts[node.index()].clocks
    }

    /// How long each step keeps a slow process busy; nothing if it is not slow.
    pub fn slowness(&self, node: NodeId) -> Option<Span> {
        self.world.hosts[node.index()].throttles.iter().map(|&(_, step)| step).max()
    }

    /// The faults that wait for a place in the outputs of a host's next step.
    pub fn strikes(&self, node: NodeId) -> impl Iterator<Item = (FaultId, Cut)> {
        self.world.hosts[node.index()].strikes.iter().map(|strike| (strike.fault, strike.cut))
    }

    /// Grows whenever what [`is_severed`](Self::is_severed) says may have changed.
    pub fn severings(&self) -> u64 {
        self.world.network.changes()
    }

    /// Whether a fault cuts all that goes from one host to another.
    pub fn is_severed(&self, from: NodeId, to: NodeId) -> bool {
        self.world.network.severs(from, to)
    }

    /// A process took a step: if it is slow, it is busy for a while.
    pub fn stepped(&mut self, node: NodeId) {
        if self.is_up(node) {
            self.world.is_busy(node);
        }
    }

    /// A process told of something.
    pub fn report(&mut self, node: NodeId, event: NodeEvent) {
        self.world.report(node, event);
        self.look_at_the_sink();
    }

    /// A process writes a record.
    pub fn persist(&mut self, node: NodeId, ticket: Ticket, record: P::Record) {
        if self.is_up(node) {
            self.world.persist(node, ticket, record);
        }
    }

    /// A message leaves a host: its fate is decided now. [`Order::Arrives`] or [`Order::Lost`] will tell of it by the
    /// number that is returned, each as often as there are copies of it, and then [`Order::Settled`] once.
    pub fn send(&mut self, from: NodeId, to: NodeId, class: (Purpose, Leg), carriage: Carriage) -> u64 {
        let number = self.packets;
        self.packets += 1;
        self.world.send(from, to, Packet::new(number, class, &self.settled), carriage);
        self.look_at_the_sink();
        number
    }

    /// A message was given up by the host that was to send it, or by the one that was to take it. A fault that cuts the
    /// two apart, whichever way, left it without a connection: so it has touched it, although nothing was sent.
    pub fn gave_up(&mut self, from: NodeId, to: NodeId, class: (Purpose, Leg)) {
        let network = &self.world.network;
        let cut: Vec<FaultId> = network.severed_by(from, to).chain(network.severed_by(to, from)).collect();
        for fault in cut {
            self.world.land_on_link(fault, from, to);
        }
        let (purpose, leg) = class;
        let cause = LossCause::Disconnected;
        self.world.emit_world(Some(from), WorldEvent::MessageLost { to, purpose, leg, cause });
        self.look_at_the_sink();
    }

    /// One of the [`strikes`](Self::strikes) falls on its target now.
    pub fn strike(&mut self, node: NodeId, fault: FaultId) {
        let strikes = &mut self.world.hosts[node.index()].strikes;
        if let Some(place) = strikes.iter().position(|strike| strike.fault == fault) {
            strikes.remove(place);
            self.world.strike(fault, node);
            self.look_at_the_sink();
        }
    }

    /// A node's code panicked: the run is over.
    pub fn panicked(&mut self, node: NodeId, message: String) {
        if self.end.is_none() {
            self.world.emit_world(Some(node), WorldEvent::Panicked);
            self.end = Some(RunEnd::Panicked { node, message });
        }
    }

    /// A process does not come to an end at one instant: the run is over.
    pub fn livelock(&mut self, node: NodeId) {
        self.end.get_or_insert(RunEnd::Livelock { node });
    }

    /// What became of the run and of each fault so far.
    pub fn outcome(&self) -> Outcome {
        let end = self.end.clone().unwrap_or(RunEnd::Stopped);
        Outcome {
            ended_at: self.world.now,
            steps: self.world.steps,
            end,
            faults: self.world.ledger.outcomes(),
        }
    }

    fn is_up(&self, node: NodeId) -> bool {
        matches!(self.world.hosts[node.index()].process, Process::Up | Process::Stopped)
    }
}

/// Which of the faults that wait falls within a step, and at which of its outputs: what stands before that leaves.
pub fn struck_at<P: Protocol>(
    strikes: impl IntoIterator<Item = (FaultId, Cut)>,
    outputs: &[Output<P>],
) -> Option<(FaultId, usize)> {
    let mut strikes = strikes.into_iter();
    strikes.find_map(|(fault, cut)| place_of_cut(cut, outputs).map(|place| (fault, place)))
}
