//! What the hosts of a run and its driver share.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem;

use leasehold_core::event::NodeEvent;
use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::node::{Leg, Purpose};
use leasehold_core::time::{SimInstant, Span};

use crate::engine::bell::Due;
use crate::engine::fates::{Carrier, End, Fates, Way};
use crate::note::Note;

/// How long a tick is. Turmoil's host clocks run at the wrong speed with any other length that is not whole milliseconds
/// (DESIGN section 4).
pub(crate) const TICK: Span = Span::from_millis(1);

/// What a panic said.
pub(crate) type Payload = Box<dyn Any + Send>;

/// The present, what hosts did in it, and the fates of messages. A host writes down what it does; the driver looks at it
/// when the tick is over, and acts on it. So no host ever calls into the world.
#[derive(Default)]
pub(crate) struct Stage {
    now: Cell<SimInstant>,
    packets: Cell<u64>,
    acts: RefCell<Vec<(NodeId, Act)>>,
    fates: RefCell<Fates>,
    panic: RefCell<Option<Payload>>,
    due: Due,
}

/// Something that a host did within a tick.
#[derive(Debug)]
pub(crate) enum Act {
    /// It told of something.
    Emit(NodeEvent),
    /// It began the oldest of its writes that was not begun.
    Persist,
    /// It put a message on the network.
    Send { to: NodeId, class: (Purpose, Leg), number: u64, carrier: Carrier },
    /// It gave a message up.
    GaveUp { to: NodeId, class: (Purpose, Leg) },
    /// It is at the cut of a fault.
    Struck(FaultId),
    /// It is slow, and did so much that it is busy now.
    Stepped,
    /// Its node's code panicked.
    Panicked(String),
    /// It took too many steps.
    Livelock,
    /// An end of a stream was closed.
    Closed { way: Way, end: End },
    /// It told people something.
    Note(Note),
}

impl Stage {
    pub(crate) fn now(&self) -> SimInstant {
        self.now.get()
    }

    /// Which tick it is.
    pub(crate) fn tick(&self) -> u64 {
        self.now.get().as_nanos() / TICK.as_nanos()
    }

    pub(crate) fn set_now(&self, now: SimInstant) {
        self.now.set(now);
    }

    /// How many tasks have something to do.
    pub(crate) fn due(&self) -> &Due {
        &self.due
    }

    /// Writes down what a host did.
    pub(crate) fn act(&self, node: NodeId, act: Act) {
        self.acts.borrow_mut().push((node, act));
    }

    /// What was done since this was asked last. Gives back a list to be used again.
    pub(crate) fn take_acts(&self, reused: Vec<(NodeId, Act)>) -> Vec<(NodeId, Act)> {
        mem::replace(&mut self.acts.borrow_mut(), reused)
    }

    /// The number that the next message gets, if it is sent.
    pub(crate) fn next_packet(&self) -> u64 {
        self.packets.get()
    }

    /// A message was sent under the number that was to be the next.
    pub(crate) fn sent(&self, node: NodeId, to: NodeId, class: (Purpose, Leg), carrier: Carrier) {
        let number = self.packets.get();
        self.packets.set(number + 1);
        self.act(node, Act::Send { to, class, number, carrier });
    }

    /// Looks at the fates of messages. Not to be nested.
    pub(crate) fn fates<R>(&self, look: impl FnOnce(&mut Fates) -> R) -> R {
        look(&mut self.fates.borrow_mut())
    }

    /// A task of a process panicked, and not its node: the first one ends the run.
    pub(crate) fn panicked(&self, payload: Payload) {
        self.panic.borrow_mut().get_or_insert(payload);
    }

    pub(crate) fn take_panic(&self) -> Option<Payload> {
        self.panic.borrow_mut().take()
    }
}

/// The first tick that is not before an instant.
pub(crate) fn tick_of(instant: SimInstant) -> u64 {
    instant.as_nanos().div_ceil(TICK.as_nanos())
}
