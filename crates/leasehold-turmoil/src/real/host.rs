//! A process on a real host: the machine of the shell.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use leasehold_core::clock::{ClockFace, ClockKind, Reading};
use leasehold_core::event::{Event, EventKind, LossCause, NodeEvent, WorldEvent};
use leasehold_core::id::{NodeId, Ticket};
use leasehold_core::node::{Identity, Leg, Output, Protocol, Purpose};
use leasehold_core::noise::{Draws, NoiseKey, Use};
use leasehold_core::time::{SimInstant, Span};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::clocks::Clocks;
use super::disk::Disk;
use crate::machine::{Machine, Told};
use crate::note::Note;

/// However far away a reading is, the clock is looked at again after this time: a wall clock may step, and a host may sleep.
/// Chosen by us.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What a process says, to whoever drives it.
#[derive(Debug)]
pub(crate) enum Said {
    Event(Event),
    Note(Note),
    /// It was told a command, has done what followed from it, and waits for no clock: only a message can wake it.
    Idle,
    Panicked(String),
}

/// A process on this host. Stops fall anywhere by themselves here, so the places for them are never asked for.
pub(crate) struct Host<P: Protocol> {
    inner: Rc<Inner<P>>,
}

struct Inner<P: Protocol> {
    identity: Identity,
    nodes: u16,
    relies_on: ClockKind,
    clocks: Clocks,
    key: NoiseKey,
    steps: Cell<u32>,
    told: Mutex<UnboundedReceiver<Told<P>>>,
    was_commanded: Cell<bool>,
    disk: Disk,
    said: UnboundedSender<Said>,
}

impl<P: Protocol> Clone for Host<P> {
    fn clone(&self) -> Self {
        Self { inner: Rc::clone(&self.inner) }
    }
}

/// What a host is made of.
pub(crate) struct Parts<P: Protocol> {
    pub(crate) identity: Identity,
    /// How many there are.
    pub(crate) nodes: u16,
    pub(crate) relies_on: ClockKind,
    pub(crate) entropy: u64,
    pub(crate) told: UnboundedReceiver<Told<P>>,
    pub(crate) disk: Disk,
    pub(crate) said: UnboundedSender<Said>,
}

impl<P: Protocol> Host<P> {
    pub(crate) fn new(parts: Parts<P>) -> Self {
        let Parts { identity, nodes, relies_on, entropy, told, disk, said } = parts;
        let inner = Inner {
            identity,
            nodes,
            relies_on,
            clocks: Clocks::start(),
            key: NoiseKey(entropy),
            steps: Cell::new(0),
            told: Mutex::new(told),
            was_commanded: Cell::new(false),
            disk,
            said,
        };
        Self { inner: Rc::new(inner) }
    }

    /// The disk, once no task of the process is left.
    pub(crate) fn into_disk(self) -> Option<Disk> {
        Rc::into_inner(self.inner).map(|inner| inner.disk)
    }

    /// What the process says is heard as long as somebody drives it.
    fn say(&self, said: Said) {
        let _ = self.inner.said.send(said);
    }

    /// True time is what the boot clock shows: a process knows no better.
    fn happened(&self, kind: EventKind) {
        let face = self.face();
        self.say(Said::Event(Event {
            at: SimInstant::from_nanos(u64::try_from(face.boot).unwrap_or(0)),
            node: Some(self.inner.identity.node),
            local: face.read(self.inner.relies_on).as_nanos(),
            kind,
        }));
    }
}

impl<P: Protocol> Machine<P> for Host<P> {
    fn identity(&self) -> Identity {
        self.inner.identity
    }

    /// Drawn when it began, by the operating system.
    fn process(&self) -> u64 {
        self.inner.key.0
    }

    fn knows(&self, node: NodeId) -> bool {
        node.0 < self.inner.nodes
    }

    fn face(&self) -> ClockFace {
        self.inner.clocks.face()
    }

    fn draws(&self) -> Draws {
        let Identity { node, .. } = self.inner.identity;
        let step = self.inner.steps.get();
        self.inner.steps.set(step.wrapping_add(1));
        let now = SimInstant::from_nanos(u64::try_from(self.face().boot).unwrap_or(0));
        self.inner.key.draws(Use::Node, node, node, now, step)
    }

    async fn told(&self) -> Told<P> {
        let next = self.inner.told.lock().await.recv().await;
        match next {
            Some(told) => {
                if matches!(told, Told::Command(_)) {
                    self.inner.was_commanded.set(true);
                }
                told
            }
            // Whoever drives the process is gone, and ends it.
            None => pending().await,
        }
    }

    async fn until(&self, any_of: &[Reading]) {
        let face = self.face();
        let left = any_of.iter().map(|reading| reading.saturating_since(face.read(reading.clock()))).min();
        match left {
            Some(left) => sleep(Duration::from_nanos(left.as_nanos()).min(LOOK_AGAIN)).await,
            None => {
                if self.inner.was_commanded.get() {
                    self.say(Said::Idle);
                }
                pending::<()>().await;
            }
        }
    }

    async fn sleep(&self, span: Span) {
        sleep(Duration::from_nanos(span.as_nanos())).await;
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        // It ends with the set of tasks that it joins, which is that of the process.
        drop(spawn_local(task));
    }

    fn stop_within(&self, _: &[Output<P>]) -> Option<usize> {
        None
    }

    async fn stop(&self) {}

    async fn stepped(&self) {}

    fn persist(&self, ticket: Ticket, record: P::Record) {
        self.inner.disk.write(ticket, &record);
    }

    fn emit(&self, event: NodeEvent) {
        self.happened(EventKind::Node(event));
    }

    fn gave_up(&self, to: NodeId, (purpose, leg): (Purpose, Leg)) {
        let cause = LossCause::Disconnected;
        self.happened(EventKind::World(WorldEvent::MessageLost { to, purpose, leg, cause }));
    }

    async fn panicked(&self, message: String) {
        self.say(Said::Panicked(message));
        pending::<()>().await;
    }

    fn note(&self, note: Note) {
        self.say(Said::Note(note));
    }
}
