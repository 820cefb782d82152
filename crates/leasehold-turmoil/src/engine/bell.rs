//! Who has something to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Wake, Waker};

/// How many tasks were woken and have not looked since. While there are none, no host does anything, however often it is
/// polled: nothing in a simulated shell waits for tokio's clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Due(Arc<AtomicUsize>);

impl Due {
    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// The bell of one task: rung by whoever wakes the task, until it looks.
#[derive(Debug)]
pub(crate) struct Bell {
    cord: Arc<Cord>,
    /// What the task hands out, and the runtime's waker behind it.
    handed_out: Option<(Waker, Waker)>,
}

/// What rings a bell. Wakers can go to other threads, so it is made of atomics; in a simulation there is one thread.
#[derive(Debug)]
struct Cord {
    is_rung: AtomicBool,
    due: Due,
}

/// Rings a bell, and wakes the task.
struct Pull {
    cord: Arc<Cord>,
    runtime: Waker,
}

impl Bell {
    /// That of a task that was never polled: it has something to do.
    pub(crate) fn rung(due: &Due) -> Self {
        let cord = Cord { is_rung: AtomicBool::new(false), due: due.clone() };
        cord.ring();
        Self { cord: Arc::new(cord), handed_out: None }
    }

    /// The task looks now. Gives the waker for whatever it waits for next.
    pub(crate) fn answered(&mut self, runtime: &Waker) -> &Waker {
        self.cord.still();
        if self.handed_out.as_ref().is_none_or(|(_, behind)| !behind.will_wake(runtime)) {
            self.handed_out = None;
        }
        let (waker, _) = self.handed_out.get_or_insert_with(|| {
            let pull = Pull { cord: Arc::clone(&self.cord), runtime: runtime.clone() };
            (Waker::from(Arc::new(pull)), runtime.clone())
        });
        waker
    }
}

/// A task that is gone has nothing to do, and whoever wakes it later rings nothing.
impl Drop for Bell {
    fn drop(&mut self) {
        self.cord.still();
        self.cord.is_rung.store(true, Ordering::Relaxed);
    }
}

impl Cord {
    fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::Relaxed) {
            self.due.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn still(&self) {
        if self.is_rung.swap(false, Ordering::Relaxed) {
            self.due.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Wake for Pull {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.cord.ring();
        self.runtime.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_due_from_its_beginning_and_from_each_waking_until_it_looks() {
        let due = Due::default();
        let mut bell = Bell::rung(&due);
        assert!(due.is_any());
        let waker = bell.answered(Waker::noop()).clone();
        assert!(!due.is_any());
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(due.is_any());
        bell.answered(Waker::noop());
        assert!(!due.is_any(), "it was woken twice, and looks once");
    }

    #[test]
    fn a_task_that_is_gone_is_due_no_more() {
        let due = Due::default();
        let mut bell = Bell::rung(&due);
        let other = Bell::rung(&due);
        let waker = bell.answered(Waker::noop()).clone();
        waker.wake_by_ref();
        drop(bell);
        assert!(due.is_any(), "the other is due");
        drop(other);
        assert!(!due.is_any());
        waker.wake();
        assert!(!due.is_any(), "nobody is there to look");
    }
}
