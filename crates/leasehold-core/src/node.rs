//! A node: a pure state machine of a protocol, and its context.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, ClockFace, ClockKind, LocalInstant, Reading};
use crate::event::{NodeEvent, Probe};
use crate::id::{Incarnation, NodeId, Ticket, TimerId};
use crate::noise::Draws;

/// A lease protocol: the types that its nodes exchange.
///
/// One protocol has one message type, one record type and one command type, shared by all its nodes.
pub trait Protocol: 'static {
    /// What nodes send each other. Plain data: the turmoil engine puts it on a wire.
    type Message: Message;
    /// What nodes keep on disk.
    type Record: Record;
    /// What a plan can tell a node to do (shut down, revoke). [`Infallible`](core::convert::Infallible) if
    /// there is nothing.
    type Command: Clone + Debug + Send + Sync + 'static;
}

/// What a plan can have a node told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction<C> {
    /// What it is told when the fault fires.
    pub command: C,
    /// What it is told when the fault is over; nothing if the command takes no time.
    pub undo: Option<C>,
}

impl<C> Instruction<C> {
    /// A command that takes no time.
    pub const fn at_once(command: C) -> Self {
        Self { command, undo: None }
    }
}

/// A message. The engine asks what it is about, for logs and for faults that fall "before the next write".
pub trait Message: Clone + Debug + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// What the message is about, and which leg of the exchange it is.
    fn class(&self) -> (Purpose, Leg);
}

/// What an exchange of messages is about, in the words of all lease protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To get a lease.
    Acquire,
    /// To keep it.
    Renew,
    /// To let it go.
    Release,
    /// To ask who holds it.
    Query,
    /// To read a resource.
    Read,
    /// To write it.
    Write,
    /// Anything else.
    Other,
    /// To hear of changes as they happen.
    Watch,
    /// To find out whether somebody lives, or can do its work.
    Probe,
    /// To have an instance do its work.
    Call,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Acquire,
        Self::Renew,
        Self::Release,
        Self::Query,
        Self::Read,
        Self::Write,
        Self::Other,
        Self::Watch,
        Self::Probe,
        Self::Call,
    ];

    /// The name as it stands in scenario files and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Renew => "renew",
            Self::Release => "release",
            Self::Query => "query",
            Self::Read => "read",
            Self::Write => "write",
            Self::Other => "other",
            Self::Watch => "watch",
            Self::Probe => "probe",
            Self::Call => "call",
        }
    }
}

/// Which part of an exchange a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// It asks.
    Request,
    /// It answers, or tells unasked.
    Reply,
}

/// A durable record. A disk keeps the latest record of each slot.
pub trait Record: Clone + Debug + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// Which slot the record is written to, replacing what stood there.
    fn slot(&self) -> Slot;
}

/// A place on a node's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub u64);

/// A state machine of protocol `P`.
///
/// It does no I/O, calls no clock and has no source of randomness of its own: everything comes in through
/// [`handle`](Node::handle) and goes out through its [`Context`]. Handling takes no simulated time. A panic in
/// it is an outcome of the run.
///
/// A crash drops the value; a restart makes a new one, which is given [`Input::Restarted`].
pub trait Node<P: Protocol>: Send {
    /// Takes one input and says, in order, what follows from it.
    fn handle(&mut self, ctx: &mut Context<'_, P>, input: Input<P>);
}

impl<P: Protocol, N: Node<P> + ?Sized> Node<P> for Box<N> {
    fn handle(&mut self, ctx: &mut Context<'_, P>, input: Input<P>) {
        (**self).handle(ctx, input);
    }
}

/// What a node is told.
#[derive(Clone, Debug)]
pub enum Input<P: Protocol> {
    /// It runs for the first time; its disk is empty.
    Started,
    /// It runs again after a crash.
    Restarted {
        /// What the disk kept, by slot.
        disk: Vec<P::Record>,
    },
    /// A message arrived.
    Received {
        /// From whom. Engines do not let a node pretend to be another.
        from: NodeId,
        /// What it says.
        message: P::Message,
    },
    /// A timer came due. It is disarmed now.
    Timer(TimerId),
    /// The write with this ticket, and all before it, are durable.
    Persisted(Ticket),
    /// The plan wants something done.
    Command(P::Command),
}

/// What a node does.
#[derive(Clone, Debug)]
pub enum Output<P: Protocol> {
    /// Send a message. It may be lost, delayed, duplicated or overtaken.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: P::Message,
    },
    /// Wake the node with [`Input::Timer`] when the clock of `at` reaches it, at once if it has. Replaces what
    /// was armed under the same name.
    Arm {
        /// Which timer.
        timer: TimerId,
        /// When, on the node's own clock.
        at: Reading,
    },
    /// Forget a timer. It will not come due, even if it already waits to be handled.
    Disarm {
        /// Which timer.
        timer: TimerId,
    },
    /// Write a record. Writes become durable in the order of their tickets; inputs go on meanwhile, so a safe
    /// protocol answers only after [`Input::Persisted`].
    Persist {
        /// Names the write.
        ticket: Ticket,
        /// What is written.
        record: P::Record,
    },
    /// Tell the checkers.
    Emit(NodeEvent),
}

/// What a node can see and do while it handles one input.
pub struct Context<'a, P: Protocol> {
    /// Who the node is.
    identity: Identity,
    face: ClockFace,
    draws: Draws,
    next_ticket: &'a mut Ticket,
    outputs: &'a mut Vec<Output<P>>,
}

/// Who a running process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The node.
    pub node: NodeId,
    /// How often its process was restarted.
    pub incarnation: Incarnation,
}

impl<'a, P: Protocol> Context<'a, P> {
    /// A context for one call of [`Node::handle`]: for engines, and for tests that drive nodes by hand.
    ///
    /// Outputs are appended to `outputs`, which is meant to be reused; `next_ticket` belongs to the process.
    pub fn new(
        identity: Identity,
        face: ClockFace,
        draws: Draws,
        next_ticket: &'a mut Ticket,
        outputs: &'a mut Vec<Output<P>>,
    ) -> Self {
        Self { identity, face, draws, next_ticket, outputs }
    }

    /// This node.
    pub fn node(&self) -> NodeId {
        self.identity.node
    }

    /// This process.
    pub fn incarnation(&self) -> Incarnation {
        self.identity.incarnation
    }

    /// What clock `C` of this node shows.
    pub fn now<C: Clock>(&self) -> LocalInstant<C> {
        LocalInstant::from_nanos(self.face.read(C::KIND).as_nanos())
    }

    /// What a clock that is chosen by policy shows.
    pub fn read(&self, clock: ClockKind) -> Reading {
        self.face.read(clock)
    }

    /// The next number from this node's seeded stream, uniform over all `u64`.
    pub fn draw(&mut self) -> u64 {
        self.draws.draw()
    }

    /// The next number from this node's seeded stream, uniform below `bound` (0 if `bound` is 0).
    pub fn draw_below(&mut self, bound: u64) -> u64 {
        self.draws.draw_below(bound)
    }

    /// Sends a message.
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        self.outputs.push(Output::Send { to, message });
    }

    /// Arms a timer, replacing what was armed under its name.
    pub fn arm(&mut self, timer: impl Into<TimerId>, at: impl Into<Reading>) {
        self.outputs.push(Output::Arm { timer: timer.into(), at: at.into() });
    }

    /// Disarms a timer.
    pub fn disarm(&mut self, timer: impl Into<TimerId>) {
        self.outputs.push(Output::Disarm { timer: timer.into() });
    }

    /// Writes a record; [`Input::Persisted`] with the returned ticket, or with a later one, says that it is
    /// durable.
    pub fn persist(&mut self, record: P::Record) -> Ticket {
        let ticket = *self.next_ticket;
        *self.next_ticket = Ticket(ticket.0 + 1);
        self.outputs.push(Output::Persist { ticket, record });
        ticket
    }

    /// Tells the checkers.
    pub fn emit(&mut self, event: NodeEvent) {
        self.outputs.push(Output::Emit(event));
    }

    /// Marks a place as reached.
    pub fn probe(&mut self, probe: Probe) {
        self.emit(NodeEvent::Probed(probe));
    }
}
