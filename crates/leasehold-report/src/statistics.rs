//! From sums of runs to numbers with intervals of 95 %. docs/metrics.md says which interval is whose, and why.
//!
//! Runs are independent, what happens within one is not: a failover makes the next one likelier, and all leases of a fleet
//! expire in one congestion. So every interval is reckoned by runs, as if all that one run gave had one cause:
//!
//! * a **mean**, a rate or a share that many runs had some of: the ratio of two sums over runs, with its variance between
//!   runs and Student's factor (Cochran, Sampling Techniques, 3rd edition 1977, section 6.3);
//! * a **rate** or a share that few runs had any of: the gamma interval for a weighted sum of Poisson counts (Fay and Feuer
//!   1997), each run a weight. It is that of Garwood (1936), the exact one, where no run has more than one. The upper end of
//!   either kind is at least that of runs that show nothing: of a share, what one whole run would weigh;
//! * a **quantile**: the order statistics between which it lies by the binomial distribution (David and Nagaraja, Order
//!   Statistics, 3rd edition 2003, section 7.1), of as many independent values as there would be if those of a run were all the
//!   same (Kish, Survey Sampling, 1965, section 8.2);
//! * in **how many runs** something happened: Wilson's (1927).

mod distributions;

use std::num::NonZeroU64;

use leasehold_check::{Kind, Metric, Statistic};
use leasehold_scenario::{Predicted, Reading};

use crate::amount::{Amount, Sums};
use crate::histogram::Histogram;
use crate::interval::Interval;
use crate::study::{Estimate, Figure, Open, Prediction, PredictionStanding};

pub use distributions::student;
use distributions::{binomial_at_most, chi_square};

/// So many runs have to have had as much of something before its mean is taken to be normal. Chosen by us, as textbooks do.
const MANY: f64 = 30.0;

/// A formula leaves out what is small: this share of what it says. Chosen by us.
const LEFT_OUT: f64 = 0.05;

/// What confirms a formula lies as near to it as this on both sides, with its whole interval: one that reaches further would as well confirm
/// another formula. Chosen by us.
const NEAR: f64 = 0.2;

/// What is told of a metric of which runs gave this.
pub(crate) fn figure(metric: Metric, amount: Option<&Amount>, predictions: &[Predicted]) -> Figure {
    let nothing = Amount::default();
    let amount = amount.unwrap_or(&nothing);
    let sums = amount.sums();
    let (count, runs) = match metric.kind() {
        Kind::Values | Kind::Level => (sums.whole, sums.runs),
        Kind::Count => (sums.part, sums.any),
        Kind::Share => (sums.any, sums.any),
    };
    let estimates = match sums.whole {
        0 if amount.open().is_empty() => Vec::new(),
        _ => metric.kind().statistics().iter().map(|of| estimate(metric, *of, amount)).collect(),
    };
    let mut figure = Figure {
        metric,
        count: u64::try_from(count).unwrap_or(u64::MAX),
        runs: u64::try_from(runs).unwrap_or(u64::MAX),
        histogram: amount.values().to_string(),
        open: longest(amount.open())
            .map(|longest| Open { count: amount.open().count(), longest: longest as f64 / 1e9 }),
        estimates,
        predictions: Vec::new(),
    };
    let of_it = predictions.iter().filter(|predicted| predicted.metric == metric);
    figure.predictions = of_it.map(|predicted| held_against(predicted, &figure)).collect();
    figure
}

/// The longest that did not end, as nearly as it was kept; nothing if all did.
fn longest(open: &Histogram) -> Option<u64> {
    open.bucket_at(open.count()).map(|(lowest, _)| lowest)
}

/// From where to where a number lies; nothing where it cannot be said.
type Ends = (Option<f64>, Option<f64>);

fn estimate(metric: Metric, statistic: Statistic, amount: &Amount) -> Estimate {
    let (sums, scale) = (amount.sums(), metric.unit().scale());
    match (metric.kind(), statistic) {
        (Kind::Values | Kind::Level, Statistic::Mean) if !amount.open().is_empty() => {
            let open =
                amount.open().buckets().map(|(lowest, count)| lowest as f64 * count as f64).sum::<f64>();
            let all = sums.whole as f64 + amount.open().count() as f64;
            let least = (sums.part as f64 + open) / all;
            told(statistic, least, (None, None), 1.0 / scale)
        }
        (Kind::Values | Kind::Level, Statistic::Mean) => {
            told(statistic, ratio(sums), between_runs(sums), 1.0 / scale)
        }
        (_, Statistic::Max) => {
            let greatest = sums.greatest.max(u128::from(longest(amount.open()).unwrap_or(0))) as f64;
            told(statistic, greatest, (Some(greatest), None), 1.0 / scale)
        }
        (Kind::Values | Kind::Level, _) => quantile(statistic, amount, scale),
        (Kind::Count, Statistic::Share) => share_of_runs(sums),
        // Exposures are in nanoseconds.
        (Kind::Count, _) => told(statistic, ratio(sums), rare_or_not(sums, Unseen::Event), 1e9),
        (Kind::Share, _) => {
            let estimate = told(statistic, ratio(sums), rare_or_not(sums, Unseen::Whole), 1.0);
            Estimate { high: estimate.high.map(|high| high.min(1.0)), ..estimate }
        }
    }
}

fn told(statistic: Statistic, value: f64, (low, high): Ends, factor: f64) -> Estimate {
    let scaled = |end: Option<f64>| end.map(|end| end.max(0.0) * factor);
    Estimate { statistic, value: value * factor, low: scaled(low), high: scaled(high) }
}

/// Σx / Σw.
fn ratio(sums: &Sums) -> f64 {
    sums.part as f64 / sums.whole as f64
}

/// The interval of a ratio, by how runs differ.
fn between_runs(sums: &Sums) -> Ends {
    let is_exact = [sums.part_squared, sums.product, sums.whole_squared].iter().all(|sum| *sum < u128::MAX);
    if sums.runs < 2 || !is_exact {
        return (None, None);
    }
    let (runs, ratio) = (sums.runs as f64, ratio(sums));
    let squares = sums.part_squared as f64 - 2.0 * ratio * sums.product as f64
        + ratio * ratio * sums.whole_squared as f64;
    let variance = squares.max(0.0) * runs / (runs - 1.0);
    let half = student(runs - 1.0) * variance.sqrt() / sums.whole as f64;
    (Some(ratio - half), Some(ratio + half))
}

/// What a run may yet show that none has shown so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unseen {
    /// One event.
    Event,
    /// All of it.
    Whole,
}

/// The interval of a ratio whose parts may be rare.
///
/// Its upper end is nowhere below that of as many runs that show nothing. A run of which all is lost can be as rare as the
/// runs that were not made, and no trace in another run says otherwise: more that is seen never makes it surer that there is little.
fn rare_or_not(sums: &Sums, unseen: Unseen) -> Ends {
    let weight = match unseen {
        Unseen::Event => 1.0,
        Unseen::Whole => sums.most_whole as f64,
    };
    let of_nothing = weight * chi_square(0.975, 2.0) / 2.0 / sums.whole as f64;
    let (low, high) = match sums.part {
        0 => (Some(0.0), Some(of_nothing)),
        _ if is_common(sums) => between_runs(sums),
        _ => between_rare(sums),
    };
    (low, high.map(|high| high.max(of_nothing)))
}

/// Whether so many runs had a part that its mean is taken to be normal. Great parts and small ones do not count alike: they are
/// worth (Σx)²/Σx² runs of equal parts (Kish, as for quantiles), or thirty traces would hide that one run has it all.
fn is_common(sums: &Sums) -> bool {
    let (part, squared) = (sums.part as f64, sums.part_squared as f64);
    sums.part_squared < u128::MAX && part * part >= MANY * squared
}

/// The gamma interval of Fay and Feuer: each run that has a part is an event of that weight.
fn between_rare(sums: &Sums) -> Ends {
    if sums.part_squared == u128::MAX {
        return (None, None);
    }
    let end = |chance: f64, part: f64, variance: f64| {
        variance / (2.0 * part) * chi_square(chance, 2.0 * part * part / variance) / sums.whole as f64
    };
    let (part, variance, most) = (sums.part as f64, sums.part_squared as f64, sums.most_part as f64);
    (Some(end(0.025, part, variance)), Some(end(0.975, part + most, variance + most * most)))
}

/// In which share of the runs there was any.
fn share_of_runs(sums: &Sums) -> Estimate {
    let of = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
    let runs = NonZeroU64::new(of(sums.runs)).expect("something was measured, so some run was");
    let Interval { low, high } = Interval::wilson(of(sums.any), runs);
    let value = sums.any as f64 / sums.runs as f64;
    Estimate { statistic: Statistic::Share, value, low: Some(low), high: Some(high) }
}

/// The place of the number that this share of so many values does not exceed, from 1 on.
pub(crate) fn rank(share: f64, values: u64) -> u64 {
    (libm::ceil(share * values as f64) as u64).max(1)
}

/// The number that so many of all values do not exceed, between order statistics. What did not end is longer than all that did;
/// where the number is one of those, it is at least what it would be if they had ended with their runs.
fn quantile(statistic: Statistic, amount: &Amount, scale: f64) -> Estimate {
    let (values, sums) = (amount.values(), amount.sums());
    let share = statistic.quantile().expect("what is no quantile was told before");
    let mut least = values.clone();
    least.add(amount.open());
    let count = least.count();
    let greatest = u64::try_from(sums.greatest).unwrap_or(u64::MAX);
    let at_least = |rank: u64| least.bucket_at(rank).expect("there are values").0;
    let at_most = |rank: u64| {
        let bucket = values.bucket_at(rank).filter(|_| rank <= values.count());
        bucket.map(|(_, highest)| highest.min(greatest))
    };
    let place = rank(share, count);
    let value = at_most(place).unwrap_or_else(|| at_least(place));
    // So many values there would be if those of a run were all the same.
    let independent = match sums.whole_squared {
        0 | u128::MAX => 0,
        squared => u64::try_from(sums.whole.saturating_mul(sums.whole) / squared).unwrap_or(u64::MAX),
    };
    let all = |rank: u64| u128::from(rank) * u128::from(count);
    let (each, in_all) =
        (u128::from(independent.max(1)), |rank: u128| u64::try_from(rank).unwrap_or(u64::MAX));
    let low = lower_rank(independent, share).map(|rank| at_least(in_all(all(rank - 1) / each + 1)));
    let high = upper_rank(independent, share).and_then(|rank| at_most(in_all(all(rank).div_ceil(each))));
    let scaled = |value: u64| value as f64 / scale;
    Estimate { statistic, value: scaled(value), low: low.map(scaled), high: high.map(scaled) }
}

/// The greatest rank whose value is, with 97.5 %, not above what a share of all values does not exceed; nothing if even the
/// least of so many values may be.
fn lower_rank(values: u64, share: f64) -> Option<u64> {
    let is_too_great = |rank: u64| binomial_at_most(rank - 1, values, share) > 0.025;
    let rank = first_where(1, values + 1, is_too_great) - 1;
    (rank > 0).then_some(rank)
}

/// The least rank whose value is, with 97.5 %, not below it; nothing if even the greatest may be.
fn upper_rank(values: u64, share: f64) -> Option<u64> {
    let is_enough = |rank: u64| binomial_at_most(rank - 1, values, share) >= 0.975;
    let rank = first_where(1, values + 1, is_enough);
    (rank <= values).then_some(rank)
}

/// The first number from `low` on that is so, as all after it are; `end` if none before that is.
fn first_where(mut low: u64, mut end: u64, is_so: impl Fn(u64) -> bool) -> u64 {
    while low < end {
        let middle = low + (end - low) / 2;
        if is_so(middle) { end = middle } else { low = middle + 1 }
    }
    low
}

/// Holds a prediction against what was measured.
fn held_against(predicted: &Predicted, figure: &Figure) -> Prediction {
    let Predicted { statistic, formula, value, reading, spread, .. } = predicted;
    let standing = match (reading, figure.estimate(*statistic)) {
        (Reading::Beside, _) => PredictionStanding::Beside,
        (_, None) => PredictionStanding::Open,
        (Reading::Bound, Some(measured)) => {
            let is_known = figure.number(*statistic).is_some();
            keeps_to(*value, measured, if is_known { figure.runs } else { 0 })
        }
        (Reading::Expected, Some(measured)) => comes_to(*value, measured),
    };
    let (formula, spread) = (formula.clone(), spread.clone());
    Prediction { statistic: *statistic, formula, value: *value, standing, spread }
}

/// A bound, of which so many runs know whether they keep to it. Of 30 runs that all do, one in ten would not with 4 % only: a single
/// value confirms nothing.
fn keeps_to(bound: f64, measured: &Estimate, runs: u64) -> PredictionStanding {
    match measured.low {
        Some(low) if low > bound => PredictionStanding::Refuted,
        _ if measured.value <= bound && runs as f64 >= MANY => PredictionStanding::Confirmed,
        _ => PredictionStanding::Open,
    }
}

fn comes_to(value: f64, measured: &Estimate) -> PredictionStanding {
    let around = |share: f64| (value * (1.0 - share), value * (1.0 + share));
    let ((least, most), (lowest, highest)) = (around(LEFT_OUT), around(NEAR));
    match (measured.low, measured.high) {
        (Some(low), _) if low > most => PredictionStanding::Refuted,
        (_, Some(high)) if high < least => PredictionStanding::Refuted,
        (Some(low), Some(high)) if lowest <= low && high <= highest => PredictionStanding::Confirmed,
        _ => PredictionStanding::Open,
    }
}

#[cfg(test)]
mod tests;
