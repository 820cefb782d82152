//! The task that drives the node.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use leasehold_core::id::Ticket;
use leasehold_core::node::{Context, Input, Node, Output, Protocol};
use tokio::select;
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::timers::Timers;
use super::{Arrival, INBOX, Shell};
use crate::machine::{Machine, Told};
use crate::net::Net;

/// Hands the node one input after the other.
pub(super) async fn drive<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    node: Box<dyn Node<P>>,
    inbox: mpsc::Receiver<Arrival<P>>,
) -> Infallible {
    let mut steps = Steps {
        shell,
        node,
        inbox,
        timers: Timers::default(),
        next_ticket: Ticket(0),
        outputs: Vec::new(),
        passed_over: 0,
    };
    // Whatever arrives before waits: a node is told first that it runs.
    let first = shell.machine.told().await;
    steps.take(input_of(first)).await;
    loop {
        let input = steps.next().await;
        steps.take(input).await;
        // Without this, a node that always has something to do would keep its process's other tasks from ever running.
        yield_now().await;
    }
}

fn input_of<P: Protocol>(told: Told<P>) -> Input<P> {
    match told {
        Told::Started => Input::Started,
        Told::Restarted { disk } => Input::Restarted { disk },
        Told::Persisted(ticket) => Input::Persisted(ticket),
        Told::Command(command) => Input::Command(command),
    }
}

struct Steps<'a, P: Protocol, M, N: Net> {
    shell: &'a Rc<Shell<P, M, N>>,
    node: Box<dyn Node<P>>,
    inbox: mpsc::Receiver<Arrival<P>>,
    timers: Timers,
    next_ticket: Ticket,
    /// Of the current step; reused.
    outputs: Vec<Output<P>>,
    /// How many messages were taken since a timer had its chance.
    passed_over: usize,
}

impl<P: Protocol, M: Machine<P>, N: Net> Steps<'_, P, M, N> {
    /// The next input: what the machine tells goes first, then what has arrived, then what is due. But a full inbox does
    /// not keep a timer waiting for longer than it takes to empty it once.
    async fn next(&mut self) -> Input<P> {
        loop {
            if self.passed_over >= INBOX {
                self.passed_over = 0;
                if let Some(timer) = self.timers.take_due(&self.shell.machine.face()) {
                    return Input::Timer(timer);
                }
            }
            let deadlines = self.timers.deadlines();
            select! {
                biased;
                told = self.shell.machine.told() => return input_of(told),
                // The shell holds a sender for as long as this task lives.
                Some((from, message)) = self.inbox.recv() => {
                    self.passed_over += 1;
                    return Input::Received { from, message };
                }
                () = self.shell.machine.until(&deadlines) => {
                    self.passed_over = 0;
                    if let Some(timer) = self.timers.take_due(&self.shell.machine.face()) {
                        return Input::Timer(timer);
                    }
                    // Too early: the others get their turn before this looks at the clock again.
                    yield_now().await;
                }
            }
        }
    }

    /// One step of the node, and all that follows from it.
    async fn take(&mut self, input: Input<P>) {
        let machine = &self.shell.machine;
        let mut outputs = std::mem::take(&mut self.outputs);
        let mut context = Context::new(
            self.shell.identity,
            machine.face(),
            machine.draws(),
            &mut self.next_ticket,
            &mut outputs,
        );
        let node = &mut self.node;
        // The node is not used again after a panic.
        let stepped = catch_unwind(AssertUnwindSafe(|| node.handle(&mut context, input)));
        if let Err(panic) = stepped {
            machine.panicked(panic_message(&*panic)).await;
            return std::future::pending().await;
        }
        let stop = machine.stop_within(&outputs);
        let count = outputs.len();
        for (place, output) in outputs.drain(..).enumerate() {
            if stop == Some(place) {
                self.stop().await;
            }
            self.put_out(output).await;
        }
        if stop.is_some_and(|place| place >= count) {
            self.stop().await;
        }
        self.outputs = outputs;
        machine.stepped().await;
    }

    /// What was put out before leaves first: it is ahead of the stop, in the order of the node's outputs.
    async fn stop(&self) {
        self.shell.let_it_leave().await;
        self.shell.machine.stop().await;
    }

    async fn put_out(&mut self, output: Output<P>) {
        match output {
            Output::Send { to, message } => self.shell.post(to, message).await,
            Output::Arm { timer, at } => self.timers.arm(timer, at),
            Output::Disarm { timer } => self.timers.disarm(timer),
            Output::Persist { ticket, record } => self.shell.machine.persist(ticket, record),
            Output::Emit(event) => self.shell.machine.emit(event),
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
