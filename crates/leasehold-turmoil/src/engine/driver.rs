//! The loop that drives a run: the world, then the hosts, then the world again.

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;

use leasehold_core::id::{Incarnation, NodeId};
use leasehold_core::node::{Identity, Protocol};
use leasehold_core::outcome::Outcome;
use leasehold_core::plan::Plan;
use leasehold_core::time::SimInstant;
use leasehold_sim::{Carriage, Conductor, Order, Progress};

use crate::engine::fates::{Address, Carrier, Fates, Link};
use crate::engine::gate::Gated;
use crate::engine::process::{Process, SimulatedHost};
use crate::engine::stage::{Act, Stage, TICK};
use crate::machine::Told;
use crate::note::Note;
use crate::turmoil_net::{Door, Fabric, TurmoilNet};

/// Makes the shell of a new process: all that runs there.
pub(crate) type Shell<'a, P> = &'a dyn Fn(SimulatedHost<P>, TurmoilNet, NodeId) -> Life;

/// A process, as long as it lives.
pub(crate) type Life = Pin<Box<dyn Future<Output = ()>>>;

/// Who hears of what the shells tell people.
pub(crate) type Notes<'a> = &'a mut dyn FnMut(SimInstant, NodeId, &Note);

/// So many datagrams wait in a socket at least. The conductor decides which arrive, and keeps the bound of the plan.
const UDP_CAPACITY: usize = 4096;

/// One run.
pub(crate) struct Driver<'a, 'w, P: Protocol> {
    conductor: &'a mut Conductor<'w, P>,
    plan: &'a Plan,
    shell: Shell<'a, P>,
    notes: Notes<'a>,
    stage: Rc<Stage>,
    fabric: Fabric,
    doors: Rc<[Door]>,
    hosts: Vec<Host<P>>,
    /// Hosts whose processes died in this tick: turmoil's hosts end a tick later, so that what has left them arrives.
    dying: BTreeSet<NodeId>,
    severed: Severed,
    acts: Vec<(NodeId, Act)>,
}

struct Host<P: Protocol> {
    /// The latest process, dead or alive.
    process: Option<Rc<Process<P>>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing runs, and nothing gets there.
    Down,
    /// The process waits for the end of the one before it.
    Boots,
    Up,
}

/// Which links of the fabric are severed.
struct Severed {
    hosts: usize,
    links: Vec<bool>,
    /// As of which state of the conductor's faults, and of the hosts. Nothing before the first look.
    as_of: Option<u64>,
}

impl<'a, 'w, P: Protocol> Driver<'a, 'w, P> {
    pub(crate) fn new(
        plan: &'a Plan,
        conductor: &'a mut Conductor<'w, P>,
        shell: Shell<'a, P>,
        notes: Notes<'a>,
    ) -> Self {
        let count = plan.nodes.len();
        let udp_capacity = UDP_CAPACITY.max(2 * plan.receive_buffer as usize);
        let fabric = Fabric::new(count, plan.noise.0, udp_capacity);
        Self {
            conductor,
            plan,
            shell,
            notes,
            stage: Rc::default(),
            doors: fabric.doors(),
            fabric,
            hosts: (0..count).map(|_| Host { process: None, state: State::Down }).collect(),
            dying: BTreeSet::new(),
            severed: Severed { hosts: count, links: vec![false; count * count], as_of: None },
            acts: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) -> Outcome {
        let mut now = SimInstant::START;
        while self.conductor.advance(now) == Progress::GoesOn {
            self.stage.set_now(now);
            self.end_the_dead();
            for order in self.conductor.take_orders() {
                self.obey(order);
            }
            self.boot();
            self.refresh_links();
            self.refresh_processes();
            self.stage.fates(Fates::tick_is_over);
            self.run_hosts();
            if let Some(payload) = self.stage.take_panic() {
                resume_unwind(payload);
            }
            self.replay();
            now = now + TICK;
        }
        self.conductor.outcome()
    }

    /// Lets every host run for a tick. Where no task was woken and nothing is on the network, turmoil would find nothing to
    /// do: then it is not asked, and its clock, which nobody reads, stands still. That is most of a run's ticks.
    fn run_hosts(&mut self) {
        if self.stage.due().is_any() || self.fabric.carries_any() {
            self.fabric.step();
        }
    }

    /// What died in the last tick is ended now. Power fails before software ends: turmoil's end is polite, and nobody is
    /// to hear of it.
    fn end_the_dead(&mut self) {
        for node in std::mem::take(&mut self.dying) {
            self.cut_off(node);
            self.fabric.crash(node);
        }
    }

    fn cut_off(&mut self, node: NodeId) {
        for other in nodes(self.hosts.len()).filter(|&other| other != node) {
            for (from, to) in [(node, other), (other, node)] {
                self.severed.sever(&self.fabric, from, to);
                self.stage.fates(|fates| fates.cut(from, to));
            }
        }
        self.severed.as_of = None;
    }

    fn obey(&mut self, order: Order<P>) {
        match order {
            Order::Boot { node, incarnation, disk } => {
                let told = disk.map_or(Told::Started, |disk| Told::Restarted { disk });
                self.begin(node, incarnation, told);
            }
            Order::Kill { node } => self.kill(node),
            Order::Persisted { node, ticket } => self.tell(node, Told::Persisted(ticket)),
            Order::Command { node, command } => self.tell(node, Told::Command(command)),
            Order::Arrives { number, .. } => {
                let unread = self.stage.fates(|fates| fates.arrives(number));
                self.gave_up(unread);
            }
            Order::Lost { number } => self.stage.fates(|fates| fates.lost(number)),
            Order::Settled { number } => self.stage.fates(|fates| fates.settled(number)),
        }
    }

    fn begin(&mut self, node: NodeId, incarnation: Incarnation, told: Told<P>) {
        let identity = Identity { node, incarnation };
        let clocks = self.conductor.clocks(node);
        let process = Rc::new(Process::new(identity, self.plan.noise, &self.stage, clocks));
        process.tell(told);
        self.hosts[node.index()] = Host { process: Some(process), state: State::Boots };
    }

    fn kill(&mut self, node: NodeId) {
        let host = &mut self.hosts[node.index()];
        if let Some(process) = &host.process {
            process.gate().wall_up();
        }
        // A process that was to begin and did not leaves nothing behind.
        if host.state == State::Up {
            self.dying.insert(node);
        }
        host.state = State::Down;
        self.stage.fates(|fates| fates.died(node));
    }

    fn tell(&self, node: NodeId, told: Told<P>) {
        let process = self.hosts[node.index()].process.as_ref();
        process.expect("only a process that was begun is told something").tell(told);
    }

    fn gave_up(&mut self, unread: impl IntoIterator<Item = Address>) {
        for Address { from, to, class } in unread {
            self.conductor.gave_up(from, to, class);
        }
    }

    /// Starts what waits for nothing any more.
    fn boot(&mut self) {
        for node in nodes(self.hosts.len()) {
            let host = &mut self.hosts[node.index()];
            if host.state != State::Boots || self.dying.contains(&node) {
                continue;
            }
            host.state = State::Up;
            let process = host.process.as_ref().expect("a process that boots was begun");
            let net = TurmoilNet::new(node, &self.doors, &self.stage);
            let life = (self.shell)(SimulatedHost(Rc::clone(process)), net, node);
            let gated = Gated::new(life, Rc::clone(process.gate()), Rc::clone(&self.stage));
            self.fabric.boot(node, gated);
            self.severed.as_of = None;
        }
    }

    /// Severs and mends what faults say, and what leads to hosts that are down.
    fn refresh_links(&mut self) {
        let as_of = Some(self.conductor.severings());
        if self.severed.as_of == as_of {
            return;
        }
        self.severed.as_of = as_of;
        for (from, to) in pairs(self.hosts.len()) {
            let is_off =
                |node: NodeId| self.hosts[node.index()].state != State::Up && !self.dying.contains(&node);
            if is_off(from) || is_off(to) || self.conductor.is_severed(from, to) {
                if self.severed.sever(&self.fabric, from, to) {
                    self.stage.fates(|fates| fates.cut(from, to));
                }
            } else {
                self.severed.mend(&self.fabric, from, to);
            }
        }
    }

    /// Shows each process what concerns it of the world, opens and shuts its gate, and wakes what is due.
    fn refresh_processes(&mut self) {
        let tick = self.stage.tick();
        for (node, host) in nodes(self.hosts.len()).zip(&self.hosts) {
            let (Some(process), State::Up) = (&host.process, host.state) else { continue };
            process.see_clocks(self.conductor.clocks(node));
            process.see_strikes(self.conductor.strikes(node));
            process.see_slowness(self.conductor.slowness(node));
            if self.conductor.runs(node) {
                process.gate().open();
            } else {
                process.gate().shut();
            }
            process.alarms().ring(tick);
        }
    }

    /// Tells the conductor what the hosts did in this tick, in that order. What stops a process comes last: what the
    /// process did before has left by then, though its node was done with it earlier.
    fn replay(&mut self) {
        let mut acts = self.stage.take_acts(std::mem::take(&mut self.acts));
        let mut stops = Vec::new();
        for (node, act) in acts.drain(..) {
            match act {
                Act::Struck(_) | Act::Stepped => stops.push((node, act)),
                act => self.play(node, act),
            }
            if self.conductor.progress() != Progress::GoesOn {
                return;
            }
        }
        for (node, act) in stops {
            self.play(node, act);
            self.process(node).gate().shut();
        }
        self.acts = acts;
    }

    fn play(&mut self, node: NodeId, act: Act) {
        match act {
            Act::Emit(event) => self.conductor.report(node, event),
            Act::Persist => {
                let (ticket, record) = self.process(node).next_write();
                self.conductor.persist(node, ticket, record);
            }
            Act::Send { to, class, number, carrier } => {
                let link = self.severed.state(node, to);
                let address = Address { from: node, to, class };
                self.stage.fates(|fates| fates.expect(number, address, carrier, link));
                let carriage = match carrier {
                    Carrier::Stream(_) => Carriage::OnAStream,
                    Carrier::Datagram => Carriage::Apart,
                };
                let decided = self.conductor.send(node, to, class, carriage);
                assert_eq!(
                    decided, number,
                    "the fates of messages are decided in the order in which they leave"
                );
            }
            Act::GaveUp { to, class } => self.conductor.gave_up(node, to, class),
            Act::Struck(fault) => self.conductor.strike(node, fault),
            Act::Stepped => self.conductor.stepped(node),
            Act::Panicked(message) => self.conductor.panicked(node, message),
            Act::Livelock => self.conductor.livelock(node),
            Act::Closed { way, end } => {
                let unread = self.stage.fates(|fates| fates.closed(way, end));
                self.gave_up(unread);
            }
            Act::Note(note) => (self.notes)(self.conductor.now(), node, &note),
        }
    }

    fn process(&self, node: NodeId) -> &Process<P> {
        self.hosts[node.index()].process.as_deref().expect("whoever did something was begun")
    }
}

impl Severed {
    fn place(&self, from: NodeId, to: NodeId) -> usize {
        from.index() * self.hosts + to.index()
    }

    fn state(&self, from: NodeId, to: NodeId) -> Link {
        if self.links[self.place(from, to)] { Link::Severed } else { Link::Whole }
    }

    /// Whether the link was whole.
    fn sever(&mut self, fabric: &Fabric, from: NodeId, to: NodeId) -> bool {
        let place = self.place(from, to);
        let was_whole = !self.links[place];
        if was_whole {
            fabric.sever(from, to);
            self.links[place] = true;
        }
        was_whole
    }

    fn mend(&mut self, fabric: &Fabric, from: NodeId, to: NodeId) {
        let place = self.place(from, to);
        if self.links[place] {
            fabric.mend(from, to);
            self.links[place] = false;
        }
    }
}

fn nodes(count: usize) -> impl Iterator<Item = NodeId> {
    (0..count as u16).map(NodeId)
}

/// All links but those of hosts with themselves.
fn pairs(count: usize) -> impl Iterator<Item = (NodeId, NodeId)> {
    nodes(count).flat_map(move |from| nodes(count).map(move |to| (from, to))).filter(|(from, to)| from != to)
}
