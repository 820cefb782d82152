//! When requests were sent: what their answers are dated by.

use leasehold_core::clock::Reading;

/// So many of the latest are remembered. An answer to an earlier one dates from the first of all.
const REMEMBERED: usize = 8;

/// When numbered requests were sent. Their numbers follow on each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    last: u64,
    first: Option<(u64, Reading)>,
    times: [Option<Reading>; REMEMBERED],
}

impl Sent {
    /// Nothing yet; the next one has the number after this.
    pub(super) fn after(last: u64) -> Self {
        Self { last, first: None, times: [None; REMEMBERED] }
    }

    /// The number of the latest.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Another one is sent now: its number.
    pub(super) fn send(&mut self, now: Reading) -> u64 {
        self.last = self.last.wrapping_add(1);
        self.first.get_or_insert((self.last, now));
        self.times[slot(self.last)] = Some(now);
        self.last
    }

    /// A time that is not after the one at which this one was sent; nothing if it was not sent.
    pub(super) fn not_after(&self, number: u64) -> Option<Reading> {
        let (oldest, at) = self.first?;
        // Numbers may begin at the end of the range, so that the first is zero.
        let (place, latest) = (number.wrapping_sub(oldest), self.last.wrapping_sub(oldest));
        if place > latest {
            return None;
        }
        if latest - place < REMEMBERED as u64 { self.times[slot(number)] } else { Some(at) }
    }
}

fn slot(number: u64) -> usize {
    (number % REMEMBERED as u64) as usize
}

#[cfg(test)]
mod tests {
    use leasehold_core::clock::ClockKind;

    use super::*;

    fn at(nanos: i64) -> Reading {
        Reading::new(ClockKind::Boot, nanos)
    }

    fn sent(count: i64) -> Sent {
        let mut sent = Sent::after(u64::MAX);
        for nanos in 0..count {
            assert_eq!(sent.send(at(nanos * 10)), nanos as u64);
        }
        sent
    }

    #[test]
    fn the_latest_are_dated_exactly_and_earlier_ones_too_early() {
        let sent = sent(20);
        assert_eq!(sent.not_after(19), Some(at(190)));
        assert_eq!(sent.not_after(12), Some(at(120)));
        assert_eq!(sent.not_after(11), Some(at(0)));
    }

    #[test]
    fn what_was_never_sent_has_no_date() {
        assert_eq!(sent(0).not_after(0), None);
        assert_eq!(sent(3).not_after(3), None);
        assert_eq!(sent(3).not_after(2), Some(at(20)));
    }
}
