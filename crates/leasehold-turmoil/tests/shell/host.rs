//! A host for tests: tokio's paused clock, and a diary of all that its process did.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leasehold_core::clock::{ClockFace, ClockKind, Reading};
use leasehold_core::event::NodeEvent;
use leasehold_core::id::{Incarnation, NodeId, Ticket, TimerId};
use leasehold_core::node::{
    Context, Identity, Input, Leg, Message, Node, Output, Protocol, Purpose, Record, Slot,
};
use leasehold_core::noise::Draws;
use leasehold_core::time::Span;
use leasehold_turmoil::{Machine, Note, ShellPolicy, Told, live};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, sleep};

use crate::wires::Wires;

/// A protocol with a message of each class that a shell treats in its own way.
pub(crate) struct Talk;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Say {
    /// Is answered with the same number.
    Ask(u32),
    Answer(u32),
    /// A heartbeat. Is answered too.
    Beat(u32),
    Beaten(u32),
    /// Told unasked.
    News(u32),
    Bulk(Vec<u8>),
}

impl Message for Say {
    fn class(&self) -> (Purpose, Leg) {
        match self {
            Self::Ask(_) => (Purpose::Query, Leg::Request),
            Self::Answer(_) => (Purpose::Query, Leg::Reply),
            Self::Beat(_) => (Purpose::Renew, Leg::Request),
            Self::Beaten(_) => (Purpose::Renew, Leg::Reply),
            Self::News(_) => (Purpose::Watch, Leg::Reply),
            Self::Bulk(_) => (Purpose::Read, Leg::Request),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Nothing;

impl Record for Nothing {
    fn slot(&self) -> Slot {
        Slot(0)
    }
}

/// What a test has a node do.
#[derive(Clone, Debug)]
pub(crate) enum Do {
    Send(NodeId, Say),
    /// All in one step.
    SendAll(NodeId, Vec<Say>),
    /// Arms a timer that is due, and again whenever it fires, so many times.
    Spin(u32),
    Panic,
}

impl Protocol for Talk {
    type Message = Say;
    type Record = Nothing;
    type Command = Do;
}

/// What a node was told by others, in order.
pub(crate) type Heard = Arc<Mutex<Vec<(NodeId, Say)>>>;

struct Talker {
    heard: Heard,
    spins: u32,
}

impl Node<Talk> for Talker {
    fn handle(&mut self, ctx: &mut Context<'_, Talk>, input: Input<Talk>) {
        match input {
            Input::Started | Input::Restarted { .. } | Input::Persisted(_) => {}
            Input::Received { from, message } => {
                self.heard.lock().unwrap().push((from, message.clone()));
                match message {
                    Say::Ask(number) => ctx.send(from, Say::Answer(number)),
                    Say::Beat(number) => ctx.send(from, Say::Beaten(number)),
                    Say::Answer(_) | Say::Beaten(_) | Say::News(_) | Say::Bulk(_) => {}
                }
            }
            Input::Command(Do::Send(to, message)) => ctx.send(to, message),
            Input::Command(Do::SendAll(to, messages)) => {
                messages.into_iter().for_each(|message| ctx.send(to, message));
            }
            Input::Command(Do::Spin(times)) => {
                self.spins = times;
                ctx.arm(TimerId(0), ctx.read(ClockKind::Boot));
            }
            Input::Command(Do::Panic) => panic!("as it was told"),
            Input::Timer(timer) => {
                self.spins -= 1;
                if self.spins > 0 {
                    ctx.arm(timer, ctx.read(ClockKind::Boot));
                }
            }
        }
    }
}

/// So many nodes there are.
const NODES: u16 = 8;

/// What a process did, and what the test wants of it.
#[derive(Default)]
struct Diary {
    told: RefCell<VecDeque<Told<Talk>>>,
    tells: Notify,
    notes: RefCell<Vec<Note>>,
    gave_up: RefCell<Vec<(NodeId, (Purpose, Leg))>>,
    panicked: RefCell<Option<String>>,
    steps: Cell<u32>,
    tasks: RefCell<Vec<AbortHandle>>,
    /// Where the next step is stopped.
    stop_at: Cell<Option<usize>>,
    stopped: Cell<bool>,
    goes_on: Notify,
}

/// One process and its host.
#[derive(Clone)]
pub(crate) struct Host {
    identity: Identity,
    diary: Rc<Diary>,
    heard: Heard,
    born: Instant,
}

impl Host {
    /// Starts a process.
    pub(crate) fn boot(wires: &Wires, node: NodeId, incarnation: u32, policy: ShellPolicy) -> Self {
        let identity = Identity { node, incarnation: Incarnation(incarnation) };
        let diary = Rc::new(Diary::default());
        diary.told.borrow_mut().push_back(Told::Started);
        let host = Self { identity, diary, heard: Heard::default(), born: Instant::now() };
        let talker = Box::new(Talker { heard: Arc::clone(&host.heard), spins: 0 });
        let (machine, net) = (host.clone(), wires.of(node));
        host.spawn(async move {
            let error = live(machine.clone(), net, talker, policy).await;
            machine.note(Note::Trouble { what: format!("cannot listen: {error}") });
        });
        host
    }

    /// The process is gone, and all that it had open is closed.
    pub(crate) fn kill(&self) {
        self.diary.tasks.borrow().iter().for_each(AbortHandle::abort);
    }

    pub(crate) fn command(&self, what: Do) {
        self.diary.told.borrow_mut().push_back(Told::Command(what));
        self.diary.tells.notify_one();
    }

    pub(crate) fn send(&self, to: NodeId, message: Say) {
        self.command(Do::Send(to, message));
    }

    pub(crate) fn stop_next_step_at(&self, place: usize) {
        self.diary.stop_at.set(Some(place));
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.diary.stopped.get()
    }

    pub(crate) fn go_on(&self) {
        self.diary.goes_on.notify_one();
    }

    pub(crate) fn heard(&self) -> Vec<(NodeId, Say)> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn has_heard(&self, message: &Say) -> bool {
        self.heard.lock().unwrap().iter().any(|(_, said)| said == message)
    }

    pub(crate) fn notes(&self) -> Vec<Note> {
        self.diary.notes.borrow().clone()
    }

    pub(crate) fn noted(&self, of_interest: impl Fn(&Note) -> bool) -> usize {
        self.diary.notes.borrow().iter().filter(|note| of_interest(note)).count()
    }

    pub(crate) fn gave_up(&self) -> Vec<(NodeId, (Purpose, Leg))> {
        self.diary.gave_up.borrow().clone()
    }

    pub(crate) fn panic_message(&self) -> Option<String> {
        self.diary.panicked.borrow().clone()
    }

    pub(crate) fn steps(&self) -> u32 {
        self.diary.steps.get()
    }
}

impl Machine<Talk> for Host {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn knows(&self, node: NodeId) -> bool {
        node.0 < NODES
    }

    fn face(&self) -> ClockFace {
        let since = i64::try_from(self.born.elapsed().as_nanos()).unwrap();
        ClockFace { monotonic: since, boot: since, wall: since }
    }

    fn draws(&self) -> Draws {
        Draws::from_seed(u64::from(self.diary.steps.get()))
    }

    async fn told(&self) -> Told<Talk> {
        loop {
            if let Some(told) = self.diary.told.borrow_mut().pop_front() {
                return told;
            }
            self.diary.tells.notified().await;
        }
    }

    async fn until(&self, any_of: &[Reading]) {
        let face = self.face();
        let left = |at: &Reading| at.saturating_since(face.read(at.clock()));
        match any_of.iter().map(left).min() {
            Some(left) => sleep(Duration::from_nanos(left.as_nanos())).await,
            None => std::future::pending().await,
        }
    }

    async fn sleep(&self, span: Span) {
        sleep(Duration::from_nanos(span.as_nanos())).await;
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.diary.tasks.borrow_mut().push(spawn_local(task).abort_handle());
    }

    fn stop_within(&self, outputs: &[Output<Talk>]) -> Option<usize> {
        if outputs.is_empty() { None } else { self.diary.stop_at.take() }
    }

    async fn stop(&self) {
        self.diary.stopped.set(true);
        self.diary.goes_on.notified().await;
        self.diary.stopped.set(false);
    }

    async fn stepped(&self) {
        self.diary.steps.set(self.diary.steps.get() + 1);
    }

    fn persist(&self, _: Ticket, _: Nothing) {}

    fn emit(&self, _: NodeEvent) {}

    fn gave_up(&self, to: NodeId, class: (Purpose, Leg)) {
        self.diary.gave_up.borrow_mut().push((to, class));
    }

    async fn panicked(&self, message: String) {
        *self.diary.panicked.borrow_mut() = Some(message);
        std::future::pending::<()>().await;
    }

    fn note(&self, note: Note) {
        self.diary.notes.borrow_mut().push(note);
    }
}

/// Waits until something is so, and fails after a simulated minute.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        sleep(Duration::from_millis(1)).await;
    }
    begin.elapsed()
}

/// Lets some simulated time pass: for what must not happen.
pub(crate) async fn pass(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}

/// Runs a test on one thread, with a clock that jumps to whatever is waited for.
pub(crate) fn with_wires(test: impl AsyncFnOnce(Wires)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let mut test = pin!(test(Wires::new()));
        test.as_mut().await;
    });
}
