//! From sums of runs to numbers with intervals.

use leasehold_check::Metric;
use leasehold_scenario::Predicted;

use crate::amount::Amount;
use crate::study::Figure;

pub(crate) fn figure(
    metric: Metric,
    amount: Option<&Amount>,
    runs: u64,
    predictions: &[Predicted],
) -> Figure {
    let _ = (amount, runs, predictions);
    Figure {
        metric,
        count: 0,
        runs: 0,
        histogram: String::new(),
        estimates: Vec::new(),
        predictions: Vec::new(),
    }
}
