//! The world: everything together, and the loop that drives it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use leasehold_core::clock::ClockKind;
use leasehold_core::event::{
    Assumption, Event, EventKind, EventSink, LossCause, NodeEvent, Phase, WorldEvent,
};
use leasehold_core::id::{FaultId, Incarnation, NodeId, ResourceId, Ticket, TimerId};
use leasehold_core::node::{
    Context, Identity, Input, Instruction, Leg, Message, Node, Output, Protocol, Purpose,
};
use leasehold_core::noise::Use;
use leasehold_core::outcome::{Outcome, RunEnd};
use leasehold_core::passage::{Came, Passage};
use leasehold_core::plan::{Action, Plan, Trigger};
use leasehold_core::time::{SimInstant, Span};

use crate::claims::Claims;
use crate::disk::Completion;
use crate::host::{Host, Process, place_of_cut};
use crate::ledger::Ledger;
use crate::network::{Carriage, Departure, Fate, Letter, Network};
use crate::parcels::{Parcel, Parcels};
use crate::pens::{Kept, Penned};
use crate::queue::Queue;
use crate::terms::Terms;
use crate::triggers::Waiting;

/// So many things at one instant are a livelock: no protocol needs a thousandth of it, and a run that got there
/// would never end.
pub(crate) const LIVELOCK: u64 = 1_000_000;

/// Where the processes of the hosts run.
#[derive(Debug)]
pub(crate) enum Processes<M> {
    /// In this world.
    Here,
    /// Behind a [`Conductor`](crate::Conductor).
    Elsewhere {
        /// They do something only when a whole number of these has passed.
        tick: Span,
        /// The messages that it was not told yet are lost.
        lost: Vec<M>,
    },
}

impl<M> Processes<M> {
    /// When processes can go on, if nothing keeps them from it from an instant on. What ends a stop waits for that: what
    /// a process was about to do when it was stopped leaves at the instant at which it goes on, here as there.
    pub(crate) fn can_go_on(&self, from: SimInstant) -> SimInstant {
        match self {
            Self::Here => from,
            Self::Elsewhere { tick, .. } => {
                let ticks = from.as_nanos().div_ceil(tick.as_nanos());
                SimInstant::from_nanos(ticks.saturating_mul(tick.as_nanos()))
            }
        }
    }
}

/// Makes the node for an id: called once at its start and once after each crash.
pub(crate) type Cast<'a, P> = &'a dyn Fn(NodeId) -> Box<dyn Node<P>>;

/// What is scheduled. Small and copyable: messages wait in [`Parcels`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task {
    Start(NodeId),
    Deliver {
        parcel: u32,
    },
    Timer {
        node: NodeId,
        timer: TimerId,
        generation: u32,
    },
    Durable {
        node: NodeId,
        generation: u32,
    },
    /// A slow process may be done with its last input.
    Free(NodeId),
    Fault(FaultId),
    /// A condition was met just now.
    Trigger {
        fault: FaultId,
        subject: Option<NodeId>,
    },
    /// A swizzle clogs its next target.
    Clog {
        fault: FaultId,
        node: NodeId,
    },
    /// A strobed wall clock jumps.
    Strobe {
        fault: FaultId,
        node: NodeId,
    },
    Heal {
        fault: FaultId,
        node: NodeId,
    },
    ClaimDeadline {
        node: NodeId,
        generation: u32,
    },
    Condition {
        fault: FaultId,
        node: NodeId,
        generation: u32,
    },
    Expiry {
        fault: FaultId,
        grantor: NodeId,
        resource: ResourceId,
        generation: u32,
    },
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
    commands: &[Instruction<P::Command>],
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
    Outcome { ended_at: world.now, steps: world.steps, end, faults: world.ledger.outcomes() }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

pub(crate) struct World<'a, P: Protocol> {
    pub(crate) plan: &'a Plan,
    make: Cast<'a, P>,
    pub(crate) commands: &'a [Instruction<P::Command>],
    sink: &'a mut dyn EventSink,
    pub(crate) now: SimInstant,
    pub(crate) steps: u64,
    pub(crate) queue: Queue<Task>,
    pub(crate) hosts: Vec<Host<P>>,
    pub(crate) network: Network,
    pub(crate) parcels: Parcels<P::Message>,
    pub(crate) pens: Vec<Penned>,
    pub(crate) claims: Claims,
    pub(crate) terms: Terms,
    pub(crate) waiting: Waiting,
    pub(crate) ledger: Ledger,
    pub(crate) settled: bool,
    pub(crate) stopped: bool,
    pub(crate) processes: Processes<P::Message>,
    /// The node whose code runs right now.
    running: Option<NodeId>,
    /// The outputs of the current step; reused.
    outputs: Vec<Output<P>>,
    /// The faults that changed the fate of the current message; reused.
    touched: Vec<FaultId>,
}

impl<'a, P: Protocol> World<'a, P> {
    pub(crate) fn new(
        plan: &'a Plan,
        make: Cast<'a, P>,
        commands: &'a [Instruction<P::Command>],
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
            parcels: Parcels::new(),
            pens: Vec::new(),
            claims: Claims::new(nodes),
            terms: Terms::default(),
            waiting: Waiting::new(&plan.faults),
            ledger: Ledger::new(plan.faults.len()),
            settled: false,
            stopped: false,
            processes: Processes::Here,
            running: None,
            outputs: Vec::with_capacity(32),
            touched: Vec::new(),
        }
    }

    fn run(&mut self) -> RunEnd {
        self.begin();
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

    /// Schedules all that is known from the start.
    pub(crate) fn begin(&mut self) {
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
        self.queue.push(self.processes.can_go_on(self.plan.phases.settles_at()), Task::Settle);
    }

    pub(crate) fn perform(&mut self, task: Task) {
        match task {
            Task::Start(node) => self.start(node),
            Task::Deliver { parcel } => self.deliver(parcel),
            Task::Timer { node, timer, generation } => self.timer(node, timer, generation),
            Task::Durable { node, generation } => self.durable(node, generation),
            Task::Free(node) => self.free(node),
            Task::Fault(_) | Task::Trigger { .. } | Task::Clog { .. }
                if self.settled || self.now > self.plan.phases.settles_at() => {}
            Task::Fault(fault) => self.fire(fault, None),
            Task::Trigger { fault, subject } => self.fire(fault, subject),
            Task::Clog { fault, node } => self.clog(fault, node),
            Task::Strobe { fault, node } => self.strobe(fault, node),
            Task::Heal { fault, node } => self.heal(fault, node),
            Task::ClaimDeadline { node, generation } => self.claim_deadline(node, generation),
            Task::Condition { fault, node, generation } => self.condition_met(fault, node, generation),
            Task::Expiry { fault, grantor, resource, generation } => {
                self.expiry_is_near(fault, grantor, resource, generation);
            }
            Task::Settle => self.settle(),
        }
    }

    pub(crate) fn node_of(&self, task: Task) -> Option<NodeId> {
        match task {
            Task::Start(node)
            | Task::Timer { node, .. }
            | Task::Durable { node, .. }
            | Task::Free(node)
            | Task::Clog { node, .. }
            | Task::Strobe { node, .. }
            | Task::Heal { node, .. }
            | Task::ClaimDeadline { node, .. }
            | Task::Condition { node, .. } => Some(node),
            Task::Deliver { parcel } => Some(self.parcels.ends(parcel).1),
            Task::Trigger { subject, .. } => subject,
            Task::Fault(_) | Task::Expiry { .. } | Task::Settle => None,
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
            self.is_over(fault, id);
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
        match self.plan.faults[usize::from(fault.0)].action {
            Action::Torn | Action::Wipe => host.disk.tear(self.now),
            _ => host.disk.lose_power(self.now, self.plan.noise),
        }
        host.process = Process::Down(fault);
        host.incarnation = Incarnation(host.incarnation.0 + 1);
        let stops = std::mem::take(&mut host.stops);
        let orders = std::mem::take(&mut host.orders);
        self.claims.crash(id);
        self.emit_world(Some(id), WorldEvent::Crashed);
        // The next process knows nothing of what this one was told.
        for fault in stops.into_iter().chain(orders.into_iter().map(|(fault, _)| fault)) {
            self.is_over(fault, id);
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
        self.drain(id);
    }

    /// Lets a process handle what waits for it, for as long as it takes inputs.
    pub(crate) fn drain(&mut self, id: NodeId) {
        while self.hosts[id.index()].is_ready() {
            let host = &mut self.hosts[id.index()];
            let Some(input) = host.backlog.pop_front() else { return };
            match input {
                Input::Timer(timer) if !host.timers.fire_deferred(timer) => continue,
                Input::Received { .. } => host.backlog_messages -= 1,
                _ => {}
            }
            self.step(id, input);
        }
        if !self.hosts[id.index()].backlog.is_empty() {
            self.had_to_wait(id);
        }
    }

    /// A slow process may be done with its last input.
    fn free(&mut self, id: NodeId) {
        let host = &mut self.hosts[id.index()];
        if host.busy_until == Some(self.now) {
            host.busy_until = None;
            self.drain(id);
        }
    }

    /// Something waits for a process. If only because that is slow, so much is due to what makes it slow.
    pub(crate) fn had_to_wait(&mut self, id: NodeId) {
        let host = &self.hosts[id.index()];
        if host.process != Process::Up {
            return;
        }
        for place in 0..host.throttles.len() {
            let (fault, _) = self.hosts[id.index()].throttles[place];
            self.land(fault, id);
        }
    }

    fn deliver(&mut self, place: u32) {
        let letter = self.parcels.letter(place);
        let Letter { from, to, carriage, .. } = letter;
        if let Some(fault) = self.network.cut_by(letter) {
            self.land_on_link(fault, from, to);
            self.lose_parcel(place, LossCause::Fault);
            return;
        }
        let host = &self.hosts[to.index()];
        let waits = match host.process {
            Process::Up if host.is_ready() => false,
            Process::Up | Process::Stopped => true,
            Process::Down(_) | Process::NotStarted => return self.lose_parcel(place, LossCause::Down),
        };
        // On a stream its process is elsewhere, and reads when it goes on.
        let queues = waits && carriage == Carriage::Apart;
        if queues && host.backlog_messages >= self.plan.receive_buffer {
            self.lose_parcel(place, LossCause::Overflow);
            return self.had_to_wait(to);
        }
        self.tell_of(letter, self.parcels.order(place), Came::Arrived);
        let input = Input::Received { from, message: self.parcels.take(place).message };
        if queues {
            let host = &mut self.hosts[to.index()];
            host.backlog_messages += 1;
            host.backlog.push_back(input);
        } else {
            self.step(to, input);
        }
        if waits {
            self.had_to_wait(to);
        }
    }

    fn timer(&mut self, node: NodeId, timer: TimerId, generation: u32) {
        let host = &mut self.hosts[node.index()];
        match host.process {
            Process::Up if host.is_ready() => {
                if host.timers.fire(timer, generation) {
                    self.step(node, Input::Timer(timer));
                }
            }
            Process::Up | Process::Stopped => {
                if host.timers.defer(timer, generation) {
                    host.backlog.push_back(Input::Timer(timer));
                    self.had_to_wait(node);
                }
            }
            Process::Down(_) | Process::NotStarted => {}
        }
    }

    fn durable(&mut self, node: NodeId, generation: u32) {
        match self.hosts[node.index()].disk.complete(generation) {
            Completion::Done(ticket) => self.tell(node, Input::Persisted(ticket)),
            Completion::HeldBack => self.waits_for_disk(node),
            Completion::Outdated => {}
        }
    }

    /// Gives a process an input, now or when it takes one again. The dead hear nothing.
    pub(crate) fn tell(&mut self, node: NodeId, input: Input<P>) {
        let host = &mut self.hosts[node.index()];
        match host.process {
            Process::Up if host.is_ready() => self.step(node, input),
            Process::Up | Process::Stopped => {
                host.backlog.push_back(input);
                self.had_to_wait(node);
            }
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
        if matches!(self.processes, Processes::Here) {
            self.is_busy(id);
        }

        let host = &mut self.hosts[id.index()];
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

    /// A slow process is busy with its step for a while.
    pub(crate) fn is_busy(&mut self, id: NodeId) {
        let host = &mut self.hosts[id.index()];
        if let Some(step) = host.throttles.iter().map(|&(_, step)| step).max() {
            let busy_until = self.processes.can_go_on(self.now.saturating_add(step));
            host.busy_until = Some(busy_until);
            self.queue.push(busy_until, Task::Free(id));
        }
    }

    fn put_out(&mut self, id: NodeId, output: Output<P>) {
        match output {
            Output::Send { to, message } => self.send(id, to, message, Carriage::Apart),
            Output::Arm { timer, at } => {
                let host = &mut self.hosts[id.index()];
                let generation = host.timers.arm(timer, at);
                if let Some(at) = host.clocks.instant_of(at, self.now) {
                    self.queue.push(at, Task::Timer { node: id, timer, generation });
                }
            }
            Output::Disarm { timer } => self.hosts[id.index()].timers.disarm(timer),
            Output::Persist { ticket, record } => self.persist(id, ticket, record),
            Output::Emit(event) => self.report(id, event),
        }
    }

    /// A node tells of something.
    pub(crate) fn report(&mut self, id: NodeId, event: NodeEvent) {
        self.emit(Some(id), EventKind::Node(event));
        self.observe(id, &event);
    }

    pub(crate) fn persist(&mut self, id: NodeId, ticket: Ticket, record: P::Record) {
        let host = &mut self.hosts[id.index()];
        let generation = host.disk.generation();
        match host.disk.write(ticket, record, self.now, self.plan.noise) {
            Some(done) => self.queue.push(done, Task::Durable { node: id, generation }),
            None => self.waits_for_disk(id),
        }
    }

    /// A write waits for a stalled disk.
    fn waits_for_disk(&mut self, id: NodeId) {
        for place in 0..self.hosts[id.index()].stalls.len() {
            let fault = self.hosts[id.index()].stalls[place];
            self.land(fault, id);
        }
    }

    pub(crate) fn send(&mut self, from: NodeId, to: NodeId, message: P::Message, carriage: Carriage) {
        assert!(to.index() < self.hosts.len(), "a message to node {to}, which is not in the plan");
        let parcel = self.parcels.send(from, to, message, carriage);
        self.tell_of(self.parcels.letter(parcel), self.parcels.order(parcel), Came::Sent);
        self.set_out(parcel, Departure::Sent);
    }

    /// Puts a message on its way.
    pub(crate) fn set_out(&mut self, parcel: u32, departure: Departure) {
        let letter = self.parcels.letter(parcel);
        let Letter { from, to, .. } = letter;
        let mut touched = std::mem::take(&mut self.touched);
        let fate =
            self.network.fate(letter, departure, self.now, self.plan.noise, |fault| touched.push(fault));
        for fault in touched.drain(..) {
            self.land_on_link(fault, from, to);
        }
        self.touched = touched;
        match fate {
            Fate::LostToNoise => self.lose_parcel(parcel, LossCause::Noise),
            Fate::LostTo(_) => self.lose_parcel(parcel, LossCause::Fault),
            Fate::Clogged(by) => self.pen(by, parcel, Kept::AtHome),
            Fate::Held { by, copies } => {
                for _ in 1..copies {
                    let copy = self.parcels.copy(parcel);
                    self.pen(by, copy, Kept::UnderWay);
                }
                self.is_under_way(parcel);
                self.pen(by, parcel, Kept::UnderWay);
            }
            Fate::Arrives { after, again_after } => {
                if let Some(again_after) = again_after {
                    let copy = self.parcels.copy(parcel);
                    self.queue.push(self.now.saturating_add(again_after), Task::Deliver { parcel: copy });
                }
                self.queue.push(self.now.saturating_add(after), Task::Deliver { parcel });
                self.is_under_way(parcel);
            }
        }
    }

    fn is_under_way(&mut self, parcel: u32) {
        if self.waiting.for_renewals() {
            let Parcel { from, ref message, .. } = *self.parcels.at(parcel);
            if message.class() == (Purpose::Renew, Leg::Request) {
                self.renewal_sent(from);
            }
        }
    }

    pub(crate) fn lose_parcel(&mut self, parcel: u32, cause: LossCause) {
        self.tell_of(self.parcels.letter(parcel), self.parcels.order(parcel), Came::Lost { cause });
        let Parcel { from, to, message, .. } = self.parcels.take(parcel);
        let (purpose, leg) = message.class();
        if let Processes::Elsewhere { lost, .. } = &mut self.processes {
            lost.push(message);
        }
        self.emit_world(Some(from), WorldEvent::MessageLost { to, purpose, leg, cause });
    }

    /// Tells what becomes of a message.
    fn tell_of(&mut self, letter: Letter, number: u64, came: Came) {
        let Letter { from, to, class: (purpose, leg), .. } = letter;
        if !self.stopped {
            self.sink.on_message(&Passage { at: self.now, number, from, to, purpose, leg, came });
        }
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
