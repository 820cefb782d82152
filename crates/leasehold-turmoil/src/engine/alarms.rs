//! What a process waits for in time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::engine::stage::Stage;

/// The alarms of one process, by tick, and in the order in which they were set.
#[derive(Default)]
pub(crate) struct Alarms {
    book: RefCell<Book>,
}

#[derive(Default)]
struct Book {
    set: u64,
    due: BTreeMap<Place, Waker>,
    /// How often the host's clocks have changed.
    changes: u64,
}

/// An alarm's tick and number.
type Place = (u64, u64);

/// Stands for no tick at all.
const NEVER: u64 = u64::MAX;

/// What wakes an alarm before its tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// Nothing.
    Never,
    /// A change of the host's clocks.
    ClockChanges,
}

impl Alarms {
    /// Wakes what is due by now.
    pub(crate) fn ring(&self, tick: u64) {
        loop {
            let mut book = self.book.borrow_mut();
            match book.due.first_entry() {
                Some(first) if first.key().0 <= tick => first.remove().wake(),
                _ => return,
            }
        }
    }

    /// The clocks of the host have changed: whoever waits for a reading looks again.
    pub(crate) fn clocks_changed(&self) {
        let mut book = self.book.borrow_mut();
        book.changes += 1;
        for waker in book.due.values() {
            waker.wake_by_ref();
        }
    }
}

/// Waits for a tick.
pub(crate) struct Alarm {
    alarms: Rc<Alarms>,
    stage: Rc<Stage>,
    tick: u64,
    early: Early,
    /// How often the clocks had changed when it was made.
    changes: u64,
    place: Option<Place>,
}

impl Alarm {
    /// Waits for a tick; for ever if there is none.
    pub(crate) fn new(alarms: &Rc<Alarms>, stage: &Rc<Stage>, tick: Option<u64>, early: Early) -> Self {
        let changes = alarms.book.borrow().changes;
        let tick = tick.unwrap_or(NEVER);
        Self { alarms: Rc::clone(alarms), stage: Rc::clone(stage), tick, early, changes, place: None }
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let book = &mut *this.alarms.book.borrow_mut();
        let is_due = this.stage.tick() >= this.tick;
        if is_due || this.early == Early::ClockChanges && book.changes > this.changes {
            return Poll::Ready(());
        }
        let place = *this.place.get_or_insert_with(|| {
            book.set += 1;
            (this.tick, book.set)
        });
        book.due.insert(place, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.alarms.book.borrow_mut().due.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::time::SimInstant;

    use super::*;
    use crate::engine::stage::TICK;

    fn is_over(alarm: &mut Alarm) -> bool {
        Pin::new(alarm).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn an_alarm_is_over_at_its_tick_or_when_the_clocks_change_and_leaves_nothing_behind() {
        let (alarms, stage) = (Rc::<Alarms>::default(), Rc::<Stage>::default());
        let mut early = Alarm::new(&alarms, &stage, Some(2), Early::ClockChanges);
        let mut late = Alarm::new(&alarms, &stage, Some(2), Early::Never);
        let mut never = Alarm::new(&alarms, &stage, None, Early::ClockChanges);
        assert!(!is_over(&mut early) && !is_over(&mut late) && !is_over(&mut never));
        alarms.clocks_changed();
        assert!(is_over(&mut early) && !is_over(&mut late) && is_over(&mut never));
        stage.set_now(SimInstant::START + TICK + TICK);
        alarms.ring(2);
        assert!(is_over(&mut late));
        drop((early, late, never));
        assert!(alarms.book.borrow().due.is_empty());
    }
}
