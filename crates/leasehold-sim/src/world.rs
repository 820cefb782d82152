//! The world: everything together, and the loop that drives it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use leasehold_core::clock::ClockKind;
use leasehold_core::event::{Assumption, Event, EventKind, EventSink, LossCause, Phase, WorldEvent};
use leasehold_core::id::{FaultId, Incarnation, NodeId, Ticket, TimerId};
use leasehold_core::node::{Context, Identity, Input, Message, Node, Output, Protocol};
use leasehold_core::noise::Use;
use leasehold_core::outcome::{FaultOutcome, Outcome, RunEnd};
use leasehold_core::plan::{Plan, Trigger};
use leasehold_core::time::{RateError, SimInstant};

use crate::claims::Claims;
use crate::host::{Host, Process, place_of_cut};
use crate::network::{Fate, Network};
use crate::queue::Queue;

/// So many things at one instant are a livelock: no protocol needs a thousandth of it, and a run that got there
/// would never end.
const LIVELOCK: u64 = 1_000_000;

/// Makes the node for an id: called once at its start and once after each crash.
pub(crate) type Cast<'a, P> = &'a dyn Fn(NodeId) -> Box<dyn Node<P>>;

/// What is scheduled. Small and copyable: messages wait in [`Parcels`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task {
    Start(NodeId),
    Deliver { parcel: u32 },
    Timer { node: NodeId, timer: TimerId, generation: u32 },
    Durable { node: NodeId, incarnation: Incarnation },
    Fault(FaultId),
    Heal(FaultId),
    ClaimDeadline { node: NodeId, generation: u32 },
    Condition { fault: FaultId, node: NodeId, generation: u32 },
    Settle,
}

/// Runs a plan to its end.
///
/// `make` gives the node for each id; `commands` is what [`CommandId`](leasehold_core::CommandId)s stand for.
/// Every event goes to `sink`, which may end the run. A panic in a node ends the run and is its outcome.
///
/// # Panics
///
/// If the plan names nodes or commands that do not exist, or the sink panics.
pub fn run<P: Protocol>(
    plan: &Plan,
    make: &dyn Fn(NodeId) -> Box<dyn Node<P>>,
    commands: &[P::Command],
    sink: &mut dyn EventSink,
) -> Outcome {
    let mut world = World::new(plan, make, commands, sink);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run()));
    let end = match (ran, world.running) {
        (Ok(end), _) => end,
        (Err(panic), Some(node)) => {
            world.emit_world(Some(node), WorldEvent::Panicked);
            RunEnd::Panicked { node, message: panic_message(&*panic) }
        }
        (Err(panic), None) => resume_unwind(panic),
    };
    Outcome { ended_at: world.now, steps: world.steps, end, faults: world.outcomes }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

pub(crate) struct World<'a, P: Protocol> {
    pub(crate) plan: &'a Plan,
    make: Cast<'a, P>,
    pub(crate) commands: &'a [P::Command],
    sink: &'a mut dyn EventSink,
    pub(crate) now: SimInstant,
    steps: u64,
    pub(crate) queue: Queue<Task>,
    pub(crate) hosts: Vec<Host<P>>,
    pub(crate) network: Network,
    parcels: Parcels<P::Message>,
    pub(crate) claims: Claims,
    pub(crate) outcomes: Vec<FaultOutcome>,
    pub(crate) healed: Vec<bool>,
    pub(crate) rate_faults: Vec<(FaultId, NodeId, RateError)>,
    pub(crate) settled: bool,
    stopped: bool,
    /// The node whose code runs right now.
    running: Option<NodeId>,
    /// The outputs of the current step; reused.
    outputs: Vec<Output<P>>,
    /// The faults that changed the fate of the current message; reused.
    touched: Vec<FaultId>,
}

/// Messages under way. Places are used again, so that a steady run allocates nothing.
struct Parcels<M> {
    places: Vec<Option<Parcel<M>>>,
    free: Vec<u32>,
}

struct Parcel<M> {
    from: NodeId,
    to: NodeId,
    message: M,
}

impl<M> Parcels<M> {
    fn put(&mut self, parcel: Parcel<M>) -> u32 {
        if let Some(place) = self.free.pop() {
            self.places[place as usize] = Some(parcel);
            return place;
        }
        self.places.push(Some(parcel));
        (self.places.len() - 1) as u32
    }

    fn take(&mut self, place: u32) -> Parcel<M> {
        self.free.push(place);
        self.places[place as usize].take().expect("a parcel is delivered once")
    }
}

impl<'a, P: Protocol> World<'a, P> {
    fn new(
        plan: &'a Plan,
        make: Cast<'a, P>,
        commands: &'a [P::Command],
        sink: &'a mut dyn EventSink,
    ) -> Self {
        let nodes = plan.nodes.len();
        Self {
            plan,
            make,
            commands,
            sink,
            now: SimInstant::START,
            steps: 0,
            queue: Queue::new(),
            hosts: (0..).zip(&plan.nodes).map(|(id, node)| Host::new(NodeId(id), node)).collect(),
            network: Network::new(nodes, &plan.network),
            parcels: Parcels { places: Vec::with_capacity(64), free: Vec::with_capacity(64) },
            claims: Claims::new(nodes),
            outcomes: vec![FaultOutcome::default(); plan.faults.len()],
            healed: vec![false; plan.faults.len()],
            rate_faults: Vec::new(),
            settled: false,
            stopped: false,
            running: None,
            outputs: Vec::with_capacity(32),
            touched: Vec::new(),
        }
    }

    fn run(&mut self) -> RunEnd {
        self.emit_world(None, WorldEvent::PhaseEntered { phase: Phase::Chaos });
        for (id, node) in (0..).zip(&self.plan.nodes) {
            self.queue.push(SimInstant::START + node.starts, Task::Start(NodeId(id)));
            if !node.rate.is_within(self.plan.clock_rate) {
                let assumption = Assumption::ClockRate;
                self.emit_world(Some(NodeId(id)), WorldEvent::AssumptionBroken { assumption });
            }
        }
        for (index, fault) in (0..).zip(&self.plan.faults) {
            if let Trigger::At(at) = fault.trigger {
                self.queue.push(at, Task::Fault(FaultId(index)));
            }
        }
        self.queue.push(self.plan.phases.settles_at(), Task::Settle);

        let ends_at = self.plan.phases.ends_at();
        let mut steps_at_this_instant = 0;
        while let Some((at, task)) = self.queue.pop() {
            if at >= ends_at && !matches!(task, Task::Settle) {
                break;
            }
            if at > self.now {
                self.now = at;
                steps_at_this_instant = 0;
            }
            self.steps += 1;
            steps_at_this_instant += 1;
            if steps_at_this_instant > LIVELOCK {
                return RunEnd::Livelock { node: self.node_of(task).unwrap_or_default() };
            }
            self.perform(task);
            if self.stopped {
                return RunEnd::Stopped;
            }
        }
        self.now = ends_at;
        RunEnd::Completed
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Start(node) => self.start(node),
            Task::Deliver { parcel } => self.deliver(parcel),
            Task::Timer { node, timer, generation } => self.timer(node, timer, generation),
            Task::Durable { node, incarnation } => self.durable(node, incarnation),
            Task::Fault(fault) if !self.settled => self.fire(fault, None),
            Task::Fault(_) => {}
            Task::Heal(fault) => self.heal(fault),
            Task::ClaimDeadline { node, generation } => self.claim_deadline(node, generation),
            Task::Condition { fault, node, generation } => self.condition_met(fault, node, generation),
            Task::Settle => self.settle(),
        }
    }

    fn node_of(&self, task: Task) -> Option<NodeId> {
        match task {
            Task::Start(node)
            | Task::Timer { node, .. }
            | Task::Durable { node, .. }
            | Task::ClaimDeadline { node, .. }
            | Task::Condition { node, .. } => Some(node),
            Task::Deliver { parcel } => self.parcels.places[parcel as usize].as_ref().map(|p| p.to),
            Task::Fault(_) | Task::Heal(_) | Task::Settle => None,
        }
    }

    fn start(&mut self, id: NodeId) {
        let host = &mut self.hosts[id.index()];
        host.node = Some((self.make)(id));
        host.process = Process::Up;
        self.emit_world(Some(id), WorldEvent::Started);
        self.step(id, Input::Started);
    }

    pub(crate) fn restart(&mut self, id: NodeId) {
        if let Process::Down(fault) = self.hosts[id.index()].process {
            self.is_over(fault);
        }
        let host = &mut self.hosts[id.index()];
        host.node = Some((self.make)(id));
        host.process = Process::Up;
        let incarnation = host.incarnation;
        let disk = host.disk.contents();
        self.emit_world(Some(id), WorldEvent::Restarted { incarnation });
        self.step(id, Input::Restarted { disk });
    }

    pub(crate) fn crash(&mut self, id: NodeId, fault: FaultId) {
        let host = &mut self.hosts[id.index()];
        host.forget();
        host.disk.lose_power(self.now, self.plan.noise);
        host.process = Process::Down(fault);
        host.incarnation = Incarnation(host.incarnation.0 + 1);
        let stops = std::mem::take(&mut host.stops);
        self.claims.crash(id);
        self.emit_world(Some(id), WorldEvent::Crashed);
        for stop in stops {
            self.is_over(stop);
        }
        self.power_on(id);
    }

    /// The machine runs again, if it was suspended: so does its monotonic clock.
    pub(crate) fn power_on(&mut self, id: NodeId) {
        let clocks = &mut self.hosts[id.index()].clocks;
        if !clocks.are_suspended() {
            return;
        }
        clocks.resume(self.now);
        if self.relies_on_monotonic(id) {
            let assumption = Assumption::ClockRuns;
            self.emit_world(Some(id), WorldEvent::AssumptionRestored { assumption });
        }
        self.clocks_changed(id);
    }

    /// Lets a stopped process go on: first what it was about to do, then what came in meanwhile.
    pub(crate) fn resume(&mut self, id: NodeId) {
        let host = &mut self.hosts[id.index()];
        host.process = Process::Up;
        self.emit_world(Some(id), WorldEvent::Resumed);
        while let Some(output) = self.hosts[id.index()].held.pop_front() {
            self.put_out(id, output);
        }
        while self.hosts[id.index()].process == Process::Up {
            let host = &mut self.hosts[id.index()];
            let Some(input) = host.backlog.pop_front() else { break };
            match input {
                Input::Timer(timer) if !host.timers.fire_deferred(timer) => continue,
                Input::Received { .. } => host.backlog_messages -= 1,
                _ => {}
            }
            self.step(id, input);
        }
    }

    fn deliver(&mut self, parcel: u32) {
        let Parcel { from, to, message } = self.parcels.take(parcel);
        if let Some(fault) = self.network.cut_by(from, to) {
            self.land(fault);
            self.lose(from, to, &message, LossCause::Fault);
            return;
        }
        let host = &mut self.hosts[to.index()];
        match host.process {
            Process::Up => self.step(to, Input::Received { from, message }),
            Process::Stopped if host.backlog_messages < self.plan.receive_buffer => {
                host.backlog_messages += 1;
                host.backlog.push_back(Input::Received { from, message });
            }
            Process::Stopped => self.lose(from, to, &message, LossCause::Overflow),
            Process::Down(_) | Process::NotStarted => self.lose(from, to, &message, LossCause::Down),
        }
    }

    fn timer(&mut self, node: NodeId, timer: TimerId, generation: u32) {
        let host = &mut self.hosts[node.index()];
        match host.process {
            Process::Up if host.timers.fire(timer, generation) => self.step(node, Input::Timer(timer)),
            Process::Stopped if host.timers.defer(timer, generation) => {
                host.backlog.push_back(Input::Timer(timer));
            }
            _ => {}
        }
    }

    fn durable(&mut self, node: NodeId, incarnation: Incarnation) {
        let host = &mut self.hosts[node.index()];
        if host.incarnation != incarnation {
            return;
        }
        let ticket = host.disk.complete();
        match host.process {
            Process::Up => self.step(node, Input::Persisted(ticket)),
            Process::Stopped => host.backlog.push_back(Input::Persisted(ticket)),
            Process::Down(_) | Process::NotStarted => {}
        }
    }

    /// Lets a node handle an input, and does what follows from it, up to a cut.
    pub(crate) fn step(&mut self, id: NodeId, input: Input<P>) {
        let host = &mut self.hosts[id.index()];
        let ordinal = host.steps.next(self.now);
        let draws = self.plan.noise.draws(Use::Node, id, id, self.now, ordinal);
        let identity = Identity { node: id, incarnation: host.incarnation };
        let face = host.clocks.face(self.now);
        let node = host.node.as_mut().expect("a process that is up has a node");
        let mut outputs = std::mem::take(&mut self.outputs);
        self.running = Some(id);
        node.handle(&mut Context::new(identity, face, draws, &mut host.next_ticket, &mut outputs), input);
        self.running = None;

        let strike = host
            .strikes
            .iter()
            .enumerate()
            .find_map(|(i, strike)| place_of_cut(strike.cut, &outputs).map(|place| (i, place)));
        if let Some((index, place)) = strike {
            let fault = host.strikes.remove(index).fault;
            host.held.extend(outputs.drain(place..));
            for output in outputs.drain(..) {
                self.put_out(id, output);
            }
            self.strike(fault, id);
        } else {
            for output in outputs.drain(..) {
                self.put_out(id, output);
            }
        }
        self.outputs = outputs;
    }

    fn put_out(&mut self, id: NodeId, output: Output<P>) {
        match output {
            Output::Send { to, message } => self.send(id, to, message),
            Output::Arm { timer, at } => {
                let host = &mut self.hosts[id.index()];
                let generation = host.timers.arm(timer, at);
                if let Some(at) = host.clocks.instant_of(at, self.now) {
                    self.queue.push(at, Task::Timer { node: id, timer, generation });
                }
            }
            Output::Disarm { timer } => self.hosts[id.index()].timers.disarm(timer),
            Output::Persist { ticket, record } => self.persist(id, ticket, record),
            Output::Emit(event) => {
                self.emit(Some(id), EventKind::Node(event));
                self.observe(id, &event);
            }
        }
    }

    fn persist(&mut self, id: NodeId, ticket: Ticket, record: P::Record) {
        let host = &mut self.hosts[id.index()];
        let done = host.disk.write(ticket, record, self.now, self.plan.noise);
        self.queue.push(done, Task::Durable { node: id, incarnation: host.incarnation });
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        assert!(to.index() < self.hosts.len(), "a message to node {to}, which is not in the plan");
        let mut touched = std::mem::take(&mut self.touched);
        let fate = self.network.fate(from, to, self.now, self.plan.noise, |fault| touched.push(fault));
        for fault in touched.drain(..) {
            self.land(fault);
        }
        self.touched = touched;
        match fate {
            Fate::LostToNoise => self.lose(from, to, &message, LossCause::Noise),
            Fate::LostTo(_) => self.lose(from, to, &message, LossCause::Fault),
            Fate::Arrives { after, again_after } => {
                if let Some(again_after) = again_after {
                    let parcel = self.parcels.put(Parcel { from, to, message: message.clone() });
                    self.queue.push(self.now + again_after, Task::Deliver { parcel });
                }
                let parcel = self.parcels.put(Parcel { from, to, message });
                self.queue.push(self.now + after, Task::Deliver { parcel });
            }
        }
    }

    fn lose(&mut self, from: NodeId, to: NodeId, message: &P::Message, cause: LossCause) {
        let (purpose, leg) = message.class();
        self.emit_world(Some(from), WorldEvent::MessageLost { to, purpose, leg, cause });
    }

    pub(crate) fn relies_on_monotonic(&self, node: NodeId) -> bool {
        self.plan.nodes[node.index()].relies_on == ClockKind::Monotonic
    }

    pub(crate) fn emit_world(&mut self, node: Option<NodeId>, event: WorldEvent) {
        self.emit(node, EventKind::World(event));
    }

    fn emit(&mut self, node: Option<NodeId>, kind: EventKind) {
        if self.stopped {
            return;
        }
        let local = match node {
            Some(id) => {
                let clock = self.plan.nodes[id.index()].relies_on;
                self.hosts[id.index()].clocks.read(clock, self.now).as_nanos()
            }
            None => self.now.as_nanos() as i64,
        };
        let event = Event { at: self.now, node, local, kind };
        if self.sink.on_event(&event).is_break() {
            self.stopped = true;
        }
    }
}
