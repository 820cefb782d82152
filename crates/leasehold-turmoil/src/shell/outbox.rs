//! What waits for a connection, or for room on it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use leasehold_core::node::{Leg, Purpose};
use tokio::sync::Notify;

/// A message that waits to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    pub(super) class: (Purpose, Leg),
    /// The whole frame.
    pub(super) frame: Vec<u8>,
}

/// A bounded queue with one reader: whoever writes to the connection of the moment.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: RefCell<VecDeque<Parcel>>,
    limit: usize,
    /// Whether somebody takes from it and is not held up: see [`is_moving`](Self::is_moving).
    writer: Cell<WriterState>,
    changed: Notify,
}

/// What the writer of a connection is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum WriterState {
    /// There is no connection.
    #[default]
    Absent,
    /// It takes what comes.
    Ready,
    /// It waits for room on the connection.
    HeldUp,
}

impl Outbox {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            waiting: RefCell::default(),
            limit: limit.max(1) as usize,
            writer: Cell::default(),
            changed: Notify::new(),
        }
    }

    /// Puts a message at the end. Gives back the oldest one if there was no room.
    #[must_use]
    pub(super) fn push(&self, parcel: Parcel) -> Option<Parcel> {
        let mut waiting = self.waiting.borrow_mut();
        let displaced = if waiting.len() >= self.limit { waiting.pop_front() } else { None };
        waiting.push_back(parcel);
        self.changed.notify_one();
        displaced
    }

    /// Puts messages in front of all others, in their order. Gives back what there was no room for, the oldest.
    #[must_use]
    pub(super) fn put_back(&self, parcels: impl IntoIterator<Item = Parcel>) -> Vec<Parcel> {
        let mut waiting = self.waiting.borrow_mut();
        let mut all: VecDeque<_> = parcels.into_iter().collect();
        all.append(&mut waiting);
        let too_many = all.len().saturating_sub(self.limit);
        let displaced = all.drain(..too_many).collect();
        *waiting = all;
        self.changed.notify_one();
        displaced
    }

    pub(super) fn pop(&self) -> Option<Parcel> {
        self.waiting.borrow_mut().pop_front()
    }

    /// Empties it.
    pub(super) fn take_all(&self) -> VecDeque<Parcel> {
        std::mem::take(&mut *self.waiting.borrow_mut())
    }

    /// Waits until something is to be written, or the writer is to look at something else. May be given up without loss.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Has the writer look again.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    pub(super) fn writer_is(&self, state: WriterState) {
        self.writer.set(state);
    }

    /// Whether something waits that will leave as soon as the writer has its turn.
    pub(super) fn is_moving(&self) -> bool {
        self.writer.get() == WriterState::Ready && !self.waiting.borrow().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(number: u8) -> Parcel {
        Parcel { class: (Purpose::Other, Leg::Request), frame: vec![number] }
    }

    fn numbers(parcels: impl IntoIterator<Item = Parcel>) -> Vec<u8> {
        parcels.into_iter().map(|parcel| parcel.frame[0]).collect()
    }

    #[test]
    fn the_oldest_makes_room() {
        let outbox = Outbox::new(2);
        assert_eq!(outbox.push(parcel(1)), None);
        assert_eq!(outbox.push(parcel(2)), None);
        assert_eq!(outbox.push(parcel(3)), Some(parcel(1)));
        assert_eq!(numbers(outbox.take_all()), [2, 3]);
        assert_eq!(outbox.pop(), None);
    }

    #[test]
    fn what_is_put_back_is_older_than_what_waits() {
        let outbox = Outbox::new(3);
        assert_eq!(outbox.push(parcel(8)), None);
        assert_eq!(outbox.push(parcel(9)), None);
        assert_eq!(numbers(outbox.put_back([parcel(1), parcel(2)])), [1]);
        assert_eq!(numbers(outbox.take_all()), [2, 8, 9]);
    }
}
