//! The gate in front of every task of a process.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::engine::bell::Bell;
use crate::engine::stage::Stage;

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Shut,
    /// For good.
    Dead,
}

/// While it is shut, nothing of a process runs.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Cell<State>,
    /// How often it was opened.
    openings: Cell<u64>,
    /// Tasks to wake when it opens.
    parked: RefCell<Vec<Waker>>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { state: Cell::new(State::Open), openings: Cell::new(0), parked: RefCell::default() }
    }

    pub(crate) fn shut(&self) {
        if self.state.get() == State::Open {
            self.state.set(State::Shut);
        }
    }

    pub(crate) fn open(&self) {
        if self.state.get() == State::Shut {
            self.state.set(State::Open);
            self.openings.set(self.openings.get() + 1);
            for parked in self.parked.take() {
                parked.wake();
            }
        }
    }

    /// Nothing of the process runs any more.
    pub(crate) fn wall_up(&self) {
        self.state.set(State::Dead);
        self.parked.take();
    }

    /// Waits until the gate was opened once more.
    pub(crate) fn reopened(&self) -> impl Future<Output = ()> {
        let before = self.openings.get();
        std::future::poll_fn(move |cx| {
            if self.openings.get() > before {
                return Poll::Ready(());
            }
            self.parked.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
    }
}

/// A task behind a gate. A panic of it ends the run.
pub(crate) struct Gated<F> {
    task: Pin<Box<F>>,
    gate: Rc<Gate>,
    stage: Rc<Stage>,
    /// Since which opening of the gate it is parked, if it is.
    parked: Option<u64>,
    bell: Bell,
}

impl<F> Gated<F> {
    pub(crate) fn new(task: F, gate: Rc<Gate>, stage: Rc<Stage>) -> Self {
        let bell = Bell::rung(stage.due());
        Self { task: Box::pin(task), gate, stage, parked: None, bell }
    }
}

impl<F: Future<Output = ()>> Future for Gated<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let waker = this.bell.answered(cx.waker());
        let cx = &mut Context::from_waker(waker);
        match this.gate.state.get() {
            State::Open => {}
            State::Dead => return Poll::Pending,
            State::Shut => {
                let opening = Some(this.gate.openings.get());
                if this.parked != opening {
                    this.parked = opening;
                    this.gate.parked.borrow_mut().push(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }
        let task = &mut this.task;
        catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))).unwrap_or_else(|payload| {
            this.stage.panicked(payload);
            this.gate.wall_up();
            Poll::Pending
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A task that counts its polls and never ends.
    fn counting(polls: &Rc<Cell<u32>>) -> impl Future<Output = ()> + use<> {
        let polls = Rc::clone(polls);
        poll_fn(move |_| {
            polls.set(polls.get() + 1);
            Poll::Pending
        })
    }

    #[test]
    fn what_is_behind_a_shut_gate_is_polled_when_it_opens_and_never_when_it_is_walled_up() {
        let (gate, stage, polls) = (Rc::new(Gate::new()), Rc::<Stage>::default(), Rc::default());
        let mut task = Box::pin(Gated::new(counting(&polls), Rc::clone(&gate), stage));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut poll = || assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        poll();
        gate.shut();
        poll();
        poll();
        assert_eq!(polls.get(), 1);
        gate.open();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1, "once, however often it was polled");
        poll();
        assert_eq!(polls.get(), 2);
        gate.wall_up();
        gate.open();
        poll();
        assert_eq!(polls.get(), 2);
    }

    #[test]
    fn a_panic_is_carried_out_of_its_task() {
        let (gate, stage) = (Rc::new(Gate::new()), Rc::<Stage>::default());
        let mut task = Box::pin(Gated::new(async { panic!("lost") }, gate, Rc::clone(&stage)));
        let mut poll = || task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending() && poll().is_pending(), "it is not polled again");
        let payload = stage.take_panic().expect("it panicked");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"lost"));
        assert!(stage.take_panic().is_none());
    }
}
