//! The heartbeats of one lease that were sent.

use alloc::collections::VecDeque;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

/// Numbers heartbeats, and knows when those left that are not answered.
#[derive(Debug, Default)]
pub(super) struct Beats {
    next: u64,
    last_sent: Option<Reading>,
    /// Number and time of those that are not answered, oldest first.
    under_way: VecDeque<(u64, Reading)>,
}

impl Beats {
    /// One leaves now: its number. Those that left a `term` ago or more are forgotten: an answer would say nothing.
    pub(super) fn send(&mut self, now: Reading, term: Span) -> u64 {
        while self.under_way.front().is_some_and(|&(_, sent)| now.has_reached(sent + term)) {
            self.under_way.pop_front();
        }
        let number = self.next;
        self.next += 1;
        self.last_sent = Some(now);
        self.under_way.push_back((number, now));
        number
    }

    /// One was answered: when it left. Nothing if it, or a later one, was answered before.
    pub(super) fn taken(&mut self, number: u64) -> Option<Reading> {
        while let Some(&(first, sent)) = self.under_way.front().filter(|(first, _)| *first <= number) {
            self.under_way.pop_front();
            if first == number {
                return Some(sent);
            }
        }
        None
    }

    /// When the last one left, of whatever became of it.
    pub(super) fn last_sent(&self) -> Option<Reading> {
        self.last_sent
    }

    /// When the oldest one left of those that are not answered.
    pub(super) fn oldest_unanswered(&self) -> Option<Reading> {
        self.under_way.front().map(|&(_, sent)| sent)
    }

    /// Answers to those that left are not waited for any more.
    pub(super) fn give_up(&mut self) {
        self.under_way.clear();
    }

    pub(super) fn awaits_an_answer(&self) -> bool {
        !self.under_way.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::clock::ClockKind;

    fn at(nanos: i64) -> Reading {
        Reading::new(ClockKind::Boot, nanos)
    }

    #[test]
    fn an_answer_counts_from_its_own_heartbeat_and_settles_those_before() {
        let mut beats = Beats::default();
        let term = Span::from_nanos(100);
        assert_eq!([0, 10, 20].map(|now| beats.send(at(now), term)), [0, 1, 2]);
        assert_eq!(beats.taken(1), Some(at(10)));
        assert_eq!([beats.taken(0), beats.taken(1), beats.taken(7)], [None; 3]);
        assert!(!beats.awaits_an_answer());
    }

    #[test]
    fn no_more_are_remembered_than_fit_into_a_term() {
        let mut beats = Beats::default();
        (0..1_000).for_each(|now| {
            beats.send(at(now), Span::from_nanos(3));
        });
        assert_eq!(beats.under_way.len(), 3);
        assert_eq!([beats.taken(996), beats.taken(997)], [None, Some(at(997))]);
    }
}
