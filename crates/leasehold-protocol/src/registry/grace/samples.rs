//! The latest samples of something, in memory that does not grow.

use alloc::boxed::Box;

use leasehold_core::time::Span;

/// The latest intervals between heartbeats, with their mean and deviation: exact, to the microsecond.
#[derive(Clone, Debug)]
pub(super) struct Intervals {
    ring: Ring<u32>,
    sum: u64,
    squares: u128,
}

impl Intervals {
    pub(super) fn new(window: u32) -> Self {
        Self { ring: Ring::new(window), sum: 0, squares: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.ring.clear();
        (self.sum, self.squares) = (0, 0);
    }

    /// Takes an interval. One of more than an hour counts as one of an hour (and eleven minutes: a u32 is full).
    pub(super) fn push(&mut self, interval: Span) {
        let micros = u32::try_from(interval.as_nanos() / 1_000).unwrap_or(u32::MAX);
        self.sum += u64::from(micros);
        self.squares += square(micros);
        if let Some(oldest) = self.ring.push(micros) {
            self.sum -= u64::from(oldest);
            self.squares -= square(oldest);
        }
    }

    /// The mean; zero of nothing.
    pub(super) fn mean(&self) -> Span {
        let count = u64::from(self.ring.filled).max(1);
        Span::from_nanos(u64::try_from(u128::from(self.sum) * 1_000 / u128::from(count)).unwrap_or(u64::MAX))
    }

    /// The standard deviation of what is remembered: `√(n·Σx² − (Σx)²) / n`.
    pub(super) fn deviation(&self) -> Span {
        let count = u128::from(self.ring.filled).max(1);
        let scaled = count * self.squares - u128::from(self.sum) * u128::from(self.sum);
        // A thousand times the deviation in microseconds is the deviation in nanoseconds.
        let nanos = (scaled * 1_000_000).isqrt() / count;
        Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

fn square(value: u32) -> u128 {
    u128::from(value) * u128::from(value)
}

/// The latest values, with their mean.
#[derive(Clone, Debug)]
pub(super) struct Offsets {
    ring: Ring<i64>,
    sum: i128,
}

impl Offsets {
    pub(super) fn new(window: u32) -> Self {
        Self { ring: Ring::new(window), sum: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.ring.clear();
        self.sum = 0;
    }

    pub(super) fn push(&mut self, offset: i64) {
        self.sum += i128::from(offset);
        if let Some(oldest) = self.ring.push(offset) {
            self.sum -= i128::from(oldest);
        }
    }

    /// The mean; nothing of nothing.
    pub(super) fn mean(&self) -> Option<i64> {
        let mean = self.sum.checked_div(i128::from(self.ring.filled))?;
        Some(i64::try_from(mean).expect("a mean lies between the values"))
    }
}

/// The latest values, at most so many.
#[derive(Clone, Debug)]
struct Ring<T> {
    values: Box<[T]>,
    next: usize,
    filled: u32,
}

impl<T: Copy + Default> Ring<T> {
    fn new(window: u32) -> Self {
        let size = usize::try_from(window.max(1)).expect("a u32 fits into a usize");
        Self { values: alloc::vec![T::default(); size].into_boxed_slice(), next: 0, filled: 0 }
    }

    fn clear(&mut self) {
        (self.next, self.filled) = (0, 0);
    }

    /// Takes a value, and gives the one that it pushes out.
    fn push(&mut self, value: T) -> Option<T> {
        let is_full = self.next < usize::try_from(self.filled).expect("a u32 fits into a usize");
        let oldest = is_full.then_some(self.values[self.next]);
        self.values[self.next] = value;
        self.filled += u32::from(!is_full);
        self.next = (self.next + 1) % self.values.len();
        oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(values: &[u64], window: u32) -> (Span, Span) {
        let mut intervals = Intervals::new(window);
        values.iter().for_each(|value| intervals.push(Span::from_millis(*value)));
        (intervals.mean(), intervals.deviation())
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_latest() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 40/8 = 5; squares of the differences 9+1+1+1+0+0+4+16 = 32, √(32/8) = 2.
        let values = [2, 4, 4, 4, 5, 5, 7, 9];
        assert_eq!(millis(&values, 8), (Span::from_millis(5), Span::from_millis(2)));
        assert_eq!(
            millis(&[&[100, 1], &values[..]].concat(), 8),
            millis(&values, 8),
            "what is old is forgotten"
        );
        assert_eq!(millis(&[], 8), (Span::ZERO, Span::ZERO));
        assert_eq!(millis(&[7], 8), (Span::from_millis(7), Span::ZERO));
    }

    #[test]
    fn a_cleared_window_starts_afresh() {
        let mut offsets = Offsets::new(3);
        for (value, mean) in [(3, 3), (-5, -1), (8, 2), (9, 4), (1, 6)] {
            offsets.push(value);
            assert_eq!(offsets.mean(), Some(mean));
        }
        offsets.clear();
        assert_eq!(offsets.mean(), None);
        offsets.push(7);
        assert_eq!(offsets.mean(), Some(7));
    }
}
