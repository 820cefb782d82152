//! A host: its clocks, its disk, and the process on it.

use std::collections::VecDeque;

use leasehold_core::id::{CommandId, FaultId, Incarnation, NodeId, Ticket};
use leasehold_core::node::{Input, Message, Node, Output, Protocol};
use leasehold_core::plan::{Cut, NodePlan};
use leasehold_core::time::{RateError, SimInstant, Span};

use crate::clocks::HostClocks;
use crate::disk::Disk;
use crate::network::Ordinals;
use crate::timers::Timers;

/// What a host's process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    NotStarted,
    Up,
    /// Stopped between two instructions, until all that stopped it is over.
    Stopped,
    /// Dead; if by a fault with a duration, that one brings it back.
    Down(FaultId),
}

/// A pause, suspend, crash or restart that waits for the process's next step with outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub(crate) fault: FaultId,
    pub(crate) cut: Cut,
}

/// A wall clock that jumps to and fro.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strobe {
    pub(crate) fault: FaultId,
    pub(crate) side: Side,
}

/// Where a strobed wall clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Where it would without the fault.
    Home,
    /// One jump from there.
    Away,
}

pub(crate) struct Host<P: Protocol> {
    pub(crate) clocks: HostClocks,
    pub(crate) disk: Disk<P::Record>,
    /// Grows with every death, so that what was scheduled for a dead process is recognised.
    pub(crate) incarnation: Incarnation,
    pub(crate) process: Process,
    pub(crate) node: Option<Box<dyn Node<P>>>,
    pub(crate) timers: Timers,
    pub(crate) next_ticket: Ticket,
    pub(crate) steps: Ordinals,
    pub(crate) strikes: Vec<Strike>,
    /// The pauses and suspends that the process is under.
    pub(crate) stops: Vec<FaultId>,
    /// What makes the process slow, and how long each input keeps it busy.
    pub(crate) throttles: Vec<(FaultId, Span)>,
    /// Until when a slow process is busy with its last input, if it is.
    pub(crate) busy_until: Option<SimInstant>,
    /// What keeps the disk from completing writes.
    pub(crate) stalls: Vec<FaultId>,
    /// What keeps the clocks from going.
    pub(crate) freezes: Vec<FaultId>,
    /// What makes the clocks run at another rate. The last one counts.
    pub(crate) rates: Vec<(FaultId, RateError)>,
    pub(crate) strobes: Vec<Strobe>,
    /// The commands that last and that this process was given.
    pub(crate) orders: Vec<(FaultId, CommandId)>,
    /// The outputs of the step that a pause cut: they leave at the resume.
    pub(crate) held: VecDeque<Output<P>>,
    /// What came in while the process was stopped or busy.
    pub(crate) backlog: VecDeque<Input<P>>,
    pub(crate) backlog_messages: u32,
}

impl<P: Protocol> Host<P> {
    pub(crate) fn new(id: NodeId, plan: &NodePlan) -> Self {
        Self {
            clocks: HostClocks::new(plan.rate, plan.wall_offset),
            disk: Disk::new(id, plan.disk),
            incarnation: Incarnation(0),
            process: Process::NotStarted,
            node: None,
            timers: Timers::default(),
            next_ticket: Ticket(0),
            steps: Ordinals::default(),
            strikes: Vec::new(),
            stops: Vec::new(),
            throttles: Vec::new(),
            busy_until: None,
            stalls: Vec::new(),
            freezes: Vec::new(),
            rates: Vec::new(),
            strobes: Vec::new(),
            orders: Vec::new(),
            held: VecDeque::new(),
            backlog: VecDeque::new(),
            backlog_messages: 0,
        }
    }

    /// Whether the process takes an input now.
    pub(crate) fn is_ready(&self) -> bool {
        self.process == Process::Up && self.busy_until.is_none()
    }

    /// Forgets everything that dies with the process.
    pub(crate) fn forget(&mut self) {
        self.node = None;
        self.busy_until = None;
        self.timers.clear();
        self.held.clear();
        self.backlog.clear();
        self.backlog_messages = 0;
    }
}

/// Where a cut falls in a step's outputs, if this step is one that it waits for.
pub(crate) fn place_of_cut<P: Protocol>(cut: Cut, outputs: &[Output<P>]) -> Option<usize> {
    if outputs.is_empty() {
        return None;
    }
    match cut {
        Cut::After(count) => Some(usize::from(count).min(outputs.len())),
        Cut::BeforeSend(purpose) => {
            let sends = |output: &Output<P>| matches!(output, Output::Send { message, .. } if message.class().0 == purpose);
            let mut place = outputs.iter().position(sends)?;
            while place > 0 && matches!(outputs[place - 1], Output::Emit(_)) {
                place -= 1;
            }
            Some(place)
        }
        // That waits for no step.
        Cut::Now => None,
    }
}
