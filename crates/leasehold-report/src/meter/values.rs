//! The values of one metric in one run.

use leasehold_core::Span;

use crate::amount::Amount;
use crate::histogram::Histogram;

/// A histogram, with what it does not keep exactly.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    histogram: Histogram,
    sum: u128,
    greatest: u64,
}

impl Values {
    /// Takes a value.
    pub(crate) fn record(&mut self, value: u64) {
        self.record_times(value, 1);
    }

    /// Takes a value that was seen so often.
    pub(crate) fn record_times(&mut self, value: u64, times: u64) {
        if times == 0 {
            return;
        }
        self.histogram.record_times(value, times);
        self.sum = self.sum.saturating_add(u128::from(value) * u128::from(times));
        self.greatest = self.greatest.max(value);
    }

    /// Takes a length.
    pub(crate) fn lasts(&mut self, length: Span) {
        self.record(length.as_nanos());
    }
}

impl From<Values> for Amount {
    fn from(values: Values) -> Self {
        Self::of_values(values.histogram, values.sum, values.greatest)
    }
}
