//! What is measured beside being judged: how stale views were, against the bound on it.
//!
//! A [`Sample`] is one measurement. Whoever wants the whole distribution takes them as they come
//! ([`Judge::drain_samples`](crate::Judge::drain_samples)); a [`MeasureReport`] keeps what a few numbers can say.

use leasehold_core::{SimInstant, Span};
use serde::{Deserialize, Serialize};

use crate::metric::{Metric, Unit};

/// What a measurement says about its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It kept to the bound, or there is none to keep to.
    InBound,
    /// It did not, but something that the bound relies on was not so.
    Outside,
    /// It did not, and nothing excuses that.
    Violated,
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Of what.
    pub metric: Metric,
    /// The value, in the metric's [`Unit`].
    pub value: u64,
    /// What it says about its bound.
    pub standing: Standing,
    /// When it was complete.
    pub at: SimInstant,
}

/// A measurement beside the bound that it had to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// The value.
    pub measured: u64,
    /// The bound.
    pub bound: u64,
}

impl Nearest {
    /// Which share of the bound was used up, in parts per million.
    pub fn share_ppm(&self) -> u64 {
        let share = u128::from(self.measured) * 1_000_000 / u128::from(self.bound.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// Whether it used up a greater share of its bound.
    pub fn uses_more_than(&self, other: &Self) -> bool {
        let of = |bound: u64| u128::from(bound.max(1));
        u128::from(self.measured) * of(other.bound) > u128::from(other.measured) * of(self.bound)
    }
}

/// How much of the measured time was what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// Within the bound: also the first part of what went on for longer.
    pub in_bound: Span,
    /// Beyond the bound, but something that it relies on was not so.
    pub outside: Span,
    /// Beyond the bound, and nothing excuses that.
    pub violated: Span,
}

/// What was measured of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MeasureReport {
    /// Which.
    pub metric: Metric,
    /// How many measurements.
    pub samples: u64,
    /// The greatest.
    pub worst: Option<u64>,
    /// That of those which had to keep to a bound that used up the greatest share of it, and that bound. Bounds
    /// differ: a healthy watch promises more than a cache.
    pub nearest: Option<Nearest>,
    /// How many kept to their bound, or had none.
    pub in_bound: u64,
    /// How many did not, and are excused.
    pub outside: u64,
    /// How many did not, and are not.
    pub violated: u64,
    /// The same as time; nothing for what is not measured in time.
    pub times: Option<Times>,
}

impl MeasureReport {
    pub(crate) fn new(metric: Metric) -> Self {
        let times = (metric.unit() == Unit::Nanoseconds).then(Times::default);
        Self { metric, samples: 0, worst: None, nearest: None, in_bound: 0, outside: 0, violated: 0, times }
    }

    /// Takes a sample that had to keep to this bound, if there was one.
    pub(crate) fn take(&mut self, sample: &Sample, bound: Option<u64>) {
        self.samples += 1;
        self.worst = self.worst.max(Some(sample.value));
        match sample.standing {
            Standing::InBound => self.in_bound += 1,
            Standing::Outside => self.outside += 1,
            Standing::Violated => self.violated += 1,
        }
        if let Some(bound) = bound
            && sample.standing != Standing::Outside
        {
            let this = Nearest { measured: sample.value, bound };
            if self.nearest.is_none_or(|nearest| this.uses_more_than(&nearest)) {
                self.nearest = Some(this);
            }
        }
        let Some(times) = &mut self.times else { return };
        let within = sample.value.min(bound.unwrap_or(sample.value));
        let beyond = Span::from_nanos(sample.value - within);
        times.in_bound = times.in_bound.saturating_add(Span::from_nanos(within));
        match sample.standing {
            Standing::InBound => {}
            Standing::Outside => times.outside = times.outside.saturating_add(beyond),
            Standing::Violated => times.violated = times.violated.saturating_add(beyond),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::s;

    fn report_of(samples: &[(u64, Standing, Option<u64>)]) -> MeasureReport {
        let mut report = MeasureReport::new(Metric::Staleness);
        for (value, standing, bound) in samples.iter().copied() {
            report.take(&Sample { metric: Metric::Staleness, value, standing, at: s(1) }, bound);
        }
        report
    }

    #[test]
    fn time_is_told_apart_by_the_bound() {
        let report = report_of(&[
            (30, Standing::InBound, Some(40)),
            (50, Standing::Outside, Some(40)),
            (45, Standing::Violated, Some(40)),
            (7, Standing::InBound, None),
        ]);
        assert_eq!((report.samples, report.in_bound, report.outside, report.violated), (4, 2, 1, 1));
        assert_eq!(report.worst, Some(50));
        let nanos = Span::from_nanos;
        let times = Times { in_bound: nanos(30 + 40 + 40 + 7), outside: nanos(10), violated: nanos(5) };
        assert_eq!(report.times, Some(times));
        assert_eq!(MeasureReport::new(Metric::CallsToDead).times, None);
    }

    #[test]
    fn the_nearest_used_the_greatest_share_of_its_own_bound() {
        let report = report_of(&[
            (50, Standing::InBound, Some(100)),
            (9, Standing::InBound, Some(10)),
            (80, Standing::InBound, Some(100)),
            // As near as the second, and later.
            (90, Standing::InBound, Some(100)),
            (500, Standing::Outside, Some(100)),
            (1_000, Standing::InBound, None),
        ]);
        assert_eq!(report.nearest, Some(Nearest { measured: 9, bound: 10 }));
        assert_eq!(report.nearest.unwrap().share_ppm(), 900_000);
        assert_eq!(Nearest { measured: 3, bound: 0 }.share_ppm(), 3_000_000);
    }
}
