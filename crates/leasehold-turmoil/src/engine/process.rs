//! A process on a simulated host.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::task::{Poll, Waker};

use leasehold_core::clock::{ClockFace, Reading};
use leasehold_core::event::NodeEvent;
use leasehold_core::id::{FaultId, NodeId, Ticket};
use leasehold_core::node::{Identity, Leg, Output, Protocol, Purpose};
use leasehold_core::noise::{Draws, NoiseKey, Use};
use leasehold_core::plan::Cut;
use leasehold_core::time::{SimInstant, Span};
use leasehold_sim::{HostClocks, struck_at};

use crate::engine::alarms::{Alarm, Alarms, Early};
use crate::engine::gate::{Gate, Gated};
use crate::engine::stage::{Act, Stage, TICK, tick_of};
use crate::machine::{Machine, Told};
use crate::note::Note;

/// So many steps of one process within one tick are a livelock: a hundred thousandth of a tick each.
const LIVELOCK: u32 = 100_000;

/// What the driver knows of a process, and what the process is told of the world: copies, which the driver refreshes
/// between ticks.
pub(crate) struct Process<P: Protocol> {
    identity: Identity,
    noise: NoiseKey,
    stage: Rc<Stage>,
    gate: Rc<Gate>,
    alarms: Rc<Alarms>,
    clocks: RefCell<HostClocks>,
    strikes: RefCell<Vec<(FaultId, Cut)>>,
    slowness: Cell<Option<Span>>,
    told: RefCell<VecDeque<Told<P>>>,
    listener: RefCell<Option<Waker>>,
    writes: RefCell<VecDeque<(Ticket, P::Record)>>,
    /// The strike whose place was found in the step that is on its way out.
    found: Cell<Option<FaultId>>,
    steps: Cell<Steps>,
}

/// What was done within one tick.
#[derive(Clone, Copy, Default)]
struct Steps {
    tick: u64,
    /// How many streams of numbers were asked for.
    drawn: u32,
    taken: u32,
    /// For how long a slow process is busy with them.
    busy: Span,
}

impl<P: Protocol> Process<P> {
    pub(crate) fn new(identity: Identity, noise: NoiseKey, stage: &Rc<Stage>, clocks: &HostClocks) -> Self {
        Self {
            identity,
            noise,
            stage: Rc::clone(stage),
            gate: Rc::new(Gate::new()),
            alarms: Rc::default(),
            clocks: RefCell::new(clocks.clone()),
            strikes: RefCell::default(),
            slowness: Cell::default(),
            told: RefCell::default(),
            listener: RefCell::default(),
            writes: RefCell::default(),
            found: Cell::default(),
            steps: Cell::default(),
        }
    }

    pub(crate) fn gate(&self) -> &Rc<Gate> {
        &self.gate
    }

    pub(crate) fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    pub(crate) fn tell(&self, told: Told<P>) {
        self.told.borrow_mut().push_back(told);
        if let Some(listener) = self.listener.take() {
            listener.wake();
        }
    }

    /// The oldest write that was not begun.
    pub(crate) fn next_write(&self) -> (Ticket, P::Record) {
        self.writes.borrow_mut().pop_front().expect("each act of writing has its record")
    }

    pub(crate) fn see_clocks(&self, clocks: &HostClocks) {
        if *self.clocks.borrow() != *clocks {
            *self.clocks.borrow_mut() = clocks.clone();
            self.alarms.clocks_changed();
        }
    }

    pub(crate) fn see_strikes(&self, strikes: impl Iterator<Item = (FaultId, Cut)>) {
        let mut seen = self.strikes.borrow_mut();
        seen.clear();
        seen.extend(strikes);
    }

    pub(crate) fn see_slowness(&self, slowness: Option<Span>) {
        self.slowness.set(slowness);
    }

    fn steps(&self) -> Steps {
        let steps = self.steps.get();
        let tick = self.stage.tick();
        if steps.tick == tick { steps } else { Steps { tick, ..Steps::default() } }
    }
}

/// The handle that a process has on its host.
pub(crate) struct SimulatedHost<P: Protocol>(pub(crate) Rc<Process<P>>);

impl<P: Protocol> Clone for SimulatedHost<P> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<P: Protocol> SimulatedHost<P> {
    fn act(&self, act: Act) {
        self.0.stage.act(self.0.identity.node, act);
    }

    fn alarm(&self, at: Option<SimInstant>, early: Early) -> Alarm {
        Alarm::new(&self.0.alarms, &self.0.stage, at.map(tick_of), early)
    }
}

impl<P: Protocol> Machine<P> for SimulatedHost<P> {
    fn identity(&self) -> Identity {
        self.0.identity
    }

    fn face(&self) -> ClockFace {
        self.0.clocks.borrow().face(self.0.stage.now())
    }

    fn draws(&self) -> Draws {
        let mut steps = self.0.steps();
        let ordinal = steps.drawn;
        steps.drawn += 1;
        self.0.steps.set(steps);
        let node = self.0.identity.node;
        self.0.noise.draws(Use::Node, node, node, self.0.stage.now(), ordinal)
    }

    fn told(&self) -> impl Future<Output = Told<P>> {
        std::future::poll_fn(|cx| match self.0.told.borrow_mut().pop_front() {
            Some(told) => Poll::Ready(told),
            None => {
                *self.0.listener.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        })
    }

    fn until(&self, any_of: &[Reading]) -> impl Future<Output = ()> {
        let clocks = self.0.clocks.borrow();
        let now = self.0.stage.now();
        let first = any_of.iter().filter_map(|&reading| clocks.instant_of(reading, now)).min();
        self.alarm(first, Early::ClockChanges)
    }

    fn sleep(&self, span: Span) -> impl Future<Output = ()> {
        self.alarm(Some(self.0.stage.now().saturating_add(span)), Early::Never)
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let gated = Gated::new(task, Rc::clone(&self.0.gate), Rc::clone(&self.0.stage));
        tokio::task::spawn_local(gated);
    }

    fn stop_within(&self, outputs: &[Output<P>]) -> Option<usize> {
        let (fault, place) = struck_at(self.0.strikes.borrow().iter().copied(), outputs)?;
        self.0.found.set(Some(fault));
        Some(place)
    }

    async fn stop(&self) {
        let fault = self.0.found.take().expect("a stop falls at a place that was found");
        self.0.strikes.borrow_mut().retain(|&(other, _)| other != fault);
        self.act(Act::Struck(fault));
        self.0.gate.reopened().await;
    }

    async fn stepped(&self) {
        let mut steps = self.0.steps();
        steps.taken += 1;
        steps.busy += self.0.slowness.get().unwrap_or(Span::ZERO);
        self.0.steps.set(steps);
        if steps.taken > LIVELOCK {
            self.act(Act::Livelock);
            return std::future::pending::<()>().await;
        }
        // Less than a tick is not seen.
        if steps.busy >= TICK {
            self.act(Act::Stepped);
            self.0.gate.reopened().await;
        }
    }

    fn persist(&self, ticket: Ticket, record: P::Record) {
        self.0.writes.borrow_mut().push_back((ticket, record));
        self.act(Act::Persist);
    }

    fn emit(&self, event: NodeEvent) {
        self.act(Act::Emit(event));
    }

    fn gave_up(&self, to: NodeId, class: (Purpose, Leg)) {
        self.act(Act::GaveUp { to, class });
    }

    async fn panicked(&self, message: String) {
        self.act(Act::Panicked(message));
        std::future::pending::<()>().await;
    }

    fn note(&self, note: Note) {
        self.act(Act::Note(note));
    }
}
