//! What runs gave of each metric, in numbers that add up exactly.

use std::collections::BTreeMap;

use leasehold_check::{Kind, Metric};
use leasehold_scenario::Predicted;
use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::histogram::Histogram;
use crate::statistics;
use crate::study::Figure;

/// What one run gave, or many: the numbers from which a [`Figure`] is reckoned. Those of many runs are the same in whatever
/// order they are added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// How many runs there were.
    runs: u64,
    /// What was asked for, and what there was of it.
    of: BTreeMap<Metric, Amount>,
}

impl Measured {
    /// What one run gave; of nothing, no run.
    pub fn of_run(amounts: impl IntoIterator<Item = (Metric, Amount)>) -> Self {
        let of: BTreeMap<Metric, Amount> = amounts.into_iter().collect();
        Self { runs: u64::from(!of.is_empty()), of }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.runs = self.runs.saturating_add(other.runs);
        for (metric, amount) in &other.of {
            self.of.entry(*metric).or_default().add(amount);
        }
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// What was measured, in the order of metrics.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.of.keys().copied()
    }

    /// What there was of a metric; nothing if it was not asked for.
    pub fn amount(&self, metric: Metric) -> Option<&Amount> {
        self.of.get(&metric)
    }

    /// The values of a metric; nothing if it has none.
    pub fn histogram(&self, metric: Metric) -> Option<&Histogram> {
        let has_values = matches!(metric.kind(), Kind::Values | Kind::Level);
        self.of.get(&metric).map(Amount::values).filter(|values| has_values && !values.is_empty())
    }

    /// What is told of a metric, beside what was predicted of it: predictions of other metrics are left out. Intervals are
    /// reckoned by runs, because the values of one run hang together (docs/metrics.md).
    pub fn figure(&self, metric: Metric, predictions: &[Predicted]) -> Figure {
        statistics::figure(metric, self.of.get(&metric), predictions)
    }
}
