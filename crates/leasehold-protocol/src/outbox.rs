//! What must not leave before something is durable.

use alloc::collections::VecDeque;

use leasehold_core::id::Ticket;

/// Consequences of decisions, each held back until the write of its decision is durable.
#[derive(Clone, Debug)]
pub(crate) struct Outbox<T> {
    waiting: VecDeque<(Ticket, T)>,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<T> Outbox<T> {
    /// Holds `item` back until the write with `ticket` is durable.
    pub(crate) fn hold(&mut self, ticket: Ticket, item: T) {
        debug_assert!(self.waiting.back().is_none_or(|&(last, _)| last <= ticket), "tickets grow");
        self.waiting.push_back((ticket, item));
    }

    /// Holds `item` back until everything decided so far is durable; gives it back if it already is.
    pub(crate) fn hold_behind_all(&mut self, item: T) -> Option<T> {
        match self.waiting.back() {
            Some(&(last, _)) => {
                self.waiting.push_back((last, item));
                None
            }
            None => Some(item),
        }
    }

    /// Drops the items that will not happen any more.
    pub(crate) fn forget(&mut self, is_void: impl Fn(&T) -> bool) {
        self.waiting.retain(|(_, item)| !is_void(item));
    }

    /// The next item that may leave now that all up to `durable` is.
    pub(crate) fn release(&mut self, durable: Ticket) -> Option<T> {
        match self.waiting.front() {
            Some(&(ticket, _)) if ticket <= durable => self.waiting.pop_front().map(|(_, item)| item),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn items_leave_in_order_and_not_before_their_write_is_durable() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.hold_behind_all("at once"), Some("at once"));
        outbox.hold(Ticket(1), "first");
        assert_eq!(outbox.hold_behind_all("behind the first"), None);
        outbox.hold(Ticket(2), "second");
        let mut release = |ticket| -> Vec<&str> { core::iter::from_fn(|| outbox.release(ticket)).collect() };
        assert_eq!(release(Ticket(0)), [""; 0]);
        assert_eq!(release(Ticket(1)), ["first", "behind the first"]);
        assert_eq!(release(Ticket(7)), ["second"]);
    }
}
