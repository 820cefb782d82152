//! What a system says that measurements of it will come to.

use leasehold_check::{Metric, Statistic};
use leasehold_core::plan::{FaultKind, Latency};
use leasehold_core::{Reckoning, Span};

use crate::scenario::Scenario;
use crate::trial::Faults;

/// What a formula says of a number, with the scenario's values. Source: docs/timing.md, sections 4 and 7.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// Of what.
    pub metric: Metric,
    /// Which number of it.
    pub statistic: Statistic,
    /// The formula, in the symbols of docs/timing.md: `m·T − h/2 + σ/2 + 2c`.
    pub formula: String,
    /// What it comes to: seconds, a rate per second, or a share from 0 to 1.
    pub value: f64,
    /// How it is to be read.
    pub reading: Reading,
    /// How the values are spread of which it is the mean, where a formula says that: values in order, and which share of all is
    /// at most so great.
    pub spread: Vec<(f64, f64)>,
}

/// How a predicted number is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is the number that is to be expected.
    Expected,
    /// The number is not above it.
    Bound,
    /// It is told beside, and nothing is held against it: its formula is of a world that the runs do not have.
    Beside,
}

impl Predicted {
    /// A number that is to be expected.
    pub fn expected(metric: Metric, statistic: Statistic, formula: impl Into<String>, value: f64) -> Self {
        Self {
            metric,
            statistic,
            formula: formula.into(),
            value,
            reading: Reading::Expected,
            spread: Vec::new(),
        }
    }

    /// The same, of values that differ for two reasons, each uniform and as wide as this, and each for itself: the point of its
    /// interval at which a holder dies, and that of its sweep at which a term ends. Their sum is a trapezoid.
    #[must_use]
    pub fn spread_by(mut self, one: f64, other: f64) -> Self {
        /// Into so many steps the curve is cut. Chosen by us: no eye sees the corners.
        const STEPS: u32 = 24;
        let (wide, narrow) = (one.max(other), one.min(other));
        if wide > 0.0 {
            let whole = wide + narrow;
            let share = |from_start: f64| match from_start {
                x if x < narrow => x * x / (2.0 * wide * narrow),
                x if x <= wide => (x - narrow / 2.0) / wide,
                x if x < whole => 1.0 - (whole - x) * (whole - x) / (2.0 * wide * narrow),
                _ => 1.0,
            };
            let steps = (0..=STEPS).map(|step| whole * f64::from(step) / f64::from(STEPS));
            self.spread = steps.map(|x| (self.value - whole / 2.0 + x, share(x))).collect();
        }
        self
    }

    /// A length that no value exceeds.
    pub fn at_most(metric: Metric, formula: impl Into<String>, longest: Span) -> Self {
        let (statistic, value) = (Statistic::Max, longest.as_secs_f64());
        Self {
            metric,
            statistic,
            formula: formula.into(),
            value,
            reading: Reading::Bound,
            spread: Vec::new(),
        }
    }

    /// A length that none exceeds, by the sum that the system reckons under this name.
    pub fn reckoned(metric: Metric, name: &str, reckoning: &Reckoning) -> Option<Self> {
        let sum = reckoning.inequalities.iter().find(|inequality| inequality.name == name)?;
        Some(Self::at_most(metric, sum.formula.clone(), sum.left.total))
    }

    /// `p^m/h`: how often all of so many tries are lost, each with this chance, so often as one begins.
    pub fn false_expiry(loss: f64, tries: u32, interval: f64) -> Option<Self> {
        let rate = (0..tries).fold(1.0, |chance, _| chance * loss) / interval;
        let formula = format!("p^m/h, m = {tries}");
        (loss > 0.0).then(|| Self::expected(Metric::FalseExpiry, Statistic::Rate, formula, rate))
    }
}

impl Scenario {
    /// What measurements of runs with these faults will come to, as far as its system says. The formulas know a world in
    /// which one process dies at a time, and messages are lost one by one: where runs have partitions, pauses or bursts of
    /// loss, all but the load is told [beside](Reading::Beside), and so are bounds on failovers where a seed lets several
    /// processes be dead at once.
    pub fn predictions(&self, faults: Faults) -> Vec<Predicted> {
        let knows = |kind| matches!(kind, FaultKind::Crash | FaultKind::Restart | FaultKind::Command);
        let is_drawn = faults == Faults::Random;
        let disturbs = self.template.network.burst.is_some()
            || self.template.faults.iter().any(|fault| !knows(fault.action.kind()))
            || (is_drawn && self.template.chaos.kinds.iter().any(|kind| !knows(*kind)));
        let is_beside = |predicted: &Predicted| match (predicted.metric, predicted.reading) {
            (Metric::Renewals, _) => false,
            (Metric::FailoverCrash, Reading::Bound) => disturbs || is_drawn,
            _ => disturbs,
        };
        let all = self.deployment.predictions().iter().cloned();
        all.map(|one| if is_beside(&one) { Predicted { reading: Reading::Beside, ..one } } else { one })
            .collect()
    }
}

/// How long something takes on average, in seconds. That of a log-normal length is of the one that is not cut off.
pub(crate) fn mean(latency: &Latency) -> f64 {
    /// The quantile of the normal distribution that one in a hundred exceeds.
    const Z: f64 = 2.326_347_874_040_841;
    match *latency {
        Latency::Constant(span) => span.as_secs_f64(),
        Latency::Uniform { min, max } => (min.as_secs_f64() + max.as_secs_f64()) / 2.0,
        Latency::LogNormal { median, p99, .. } => {
            let spread = libm::log(p99.as_secs_f64() / median.as_secs_f64()) / Z;
            median.as_secs_f64() * libm::exp(spread * spread / 2.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_uniform_reasons_make_a_trapezoid_around_the_mean() {
        let mean = |wide: f64, narrow: f64| {
            let of = Predicted::expected(Metric::FailoverCrash, Statistic::Mean, "T", 10.0)
                .spread_by(wide, narrow);
            let parts =
                of.spread.windows(2).map(|pair| (pair[0].0 + pair[1].0) / 2.0 * (pair[1].1 - pair[0].1));
            (of.spread[0], *of.spread.last().unwrap(), parts.sum::<f64>())
        };
        for (one, other, ends) in [(4.0, 1.0, (7.5, 12.5)), (1.0, 4.0, (7.5, 12.5)), (4.0, 0.0, (8.0, 12.0))]
        {
            let (first, last, middle) = mean(one, other);
            assert_eq!((first, last), ((ends.0, 0.0), (ends.1, 1.0)), "{one} {other}");
            assert!((middle - 10.0).abs() < 1e-9, "{one} {other}: {middle}");
        }
        let fixed =
            Predicted::expected(Metric::FailoverCrash, Statistic::Mean, "T", 10.0).spread_by(0.0, 0.0);
        assert!(fixed.spread.is_empty());
    }

    use crate::{RegistrySystem, SingleGrantor, Source};

    fn predicted(text: &str) -> Vec<(String, f64)> {
        let text = format!("schema = 1\nname = \"x\"\nsummary = \"s\"\n{text}");
        let scenario = Scenario::parse(Source::from_text("x.toml", text), &[&SingleGrantor, &RegistrySystem]);
        let told = |predicted: Predicted| {
            let Predicted { metric, statistic, value, .. } = predicted;
            (format!("{}.{}", metric.name(), statistic.name()), (value * 1e6).round() / 1e6)
        };
        scenario.expect("it is right").predictions(Faults::Scripted).into_iter().map(told).collect()
    }

    fn value(text: &str, of: &str) -> Option<f64> {
        let all = predicted(text);
        all.into_iter().find(|(name, _)| name == of).map(|(_, value)| value)
    }

    const QUIET: &str = "[network]\nlatency = \"10ms\"\nloss = \"0%\"\n[disk]\nlatency = \"5ms\"\n";

    /// Each by hand: `m·T − h/2 + σ/2 + 2c + Λ + W`, with d = 10 ms, c = 5 ms, and h = T/3.
    #[test]
    fn the_mean_failover_is_that_of_the_formula() {
        let mean = |tables: &str| value(&format!("{QUIET}{tables}"), "failover-crash.mean");
        let lease = "[lease]\nttl = \"12s\"\n";
        // 12 − 2 + 0.01 for the renewal + 2c + the grant and its confirmation, 3d.
        assert_eq!(mean(lease), Some(10.05));
        assert_eq!(mean(&format!("{lease}sweep = \"2s\"\n")), Some(11.05));
        // Of two that are left the first asks after a third of a poll; question, grant: d each, less the one that polls hide.
        let none = format!("{lease}[grantor]\nqueue = \"none\"\n[holder]\npoll = \"3s\"\n");
        assert_eq!(mean(&none), Some(10.0 + 0.01 + 0.01 + 1.0 + 0.01));
    }

    #[test]
    fn the_worst_failover_is_what_bound_tells() {
        let text = "schema = 1\nname = \"x\"\nsummary = \"s\"\n";
        let scenario = Scenario::parse(Source::from_text("x.toml", text.to_owned()), &[&SingleGrantor]);
        let scenario = scenario.expect("it is right");
        let reckoning = scenario.deployment.reckoning().expect("it says how");
        let sum = reckoning.inequalities.iter().find(|sum| sum.name == "failover after a crash, at worst");
        let worst = sum.expect("it is told").left.total.as_secs_f64();
        let found =
            scenario.predictions(Faults::Scripted).into_iter().find(|one| one.reading == Reading::Bound);
        assert_eq!(found.expect("it is predicted").value, worst);
    }

    #[test]
    fn renewals_come_once_an_interval_and_lease() {
        let renewals = |tables: &str| value(&format!("{QUIET}{tables}"), "renewals.mean");
        let lease = "[lease]\nttl = \"12s\"\n";
        assert_eq!(renewals(lease), Some(0.25));
        assert_eq!(renewals(&format!("{lease}[topology]\nholders = 4\nresources = 2\n")), Some(0.5));
        let once = format!("{lease}[work]\nkind = \"tasks\"\n");
        assert_eq!(renewals(&once), None);
    }

    /// How predictions of a metric are read; nothing if there are none.
    fn readings(tables: &str, metric: Metric, faults: Faults) -> Vec<Reading> {
        let text = format!("schema = 1\nname = \"x\"\nsummary = \"s\"\n{tables}");
        let scenario = Scenario::parse(Source::from_text("x.toml", text), &[&SingleGrantor]);
        let all = scenario.expect("it is right").predictions(faults).into_iter();
        all.filter(|one| one.metric == metric).map(|one| one.reading).collect()
    }

    #[test]
    fn what_the_runs_have_more_than_the_formula_puts_it_beside() {
        use Reading::{Beside, Bound, Expected};
        let lossy = "[network]\nlatency = \"10ms\"\nloss = \"10%\"\n";
        let fault = |action: &str| {
            format!("{lossy}[[fault]]\nat = \"1s\"\non = \"holder\"\ndo = \"{action}\"\nfor = \"1s\"\n")
        };
        let only_crashes = format!("{lossy}[chaos]\nonly = [\"crash\"]\n");
        for (tables, faults, failover, expiry) in [
            (lossy, Faults::Scripted, &[Bound, Expected], &[Expected][..]),
            (&fault("crash"), Faults::Scripted, &[Bound, Expected], &[Expected]),
            (&fault("pause"), Faults::Scripted, &[Beside, Beside], &[Beside]),
            (lossy, Faults::Random, &[Beside, Beside], &[Beside]),
            (&only_crashes, Faults::Random, &[Beside, Expected], &[Expected]),
            (QUIET, Faults::Scripted, &[Bound, Expected], &[]),
        ] {
            assert_eq!(readings(tables, Metric::FailoverCrash, faults), failover, "{tables}");
            assert_eq!(readings(tables, Metric::FalseExpiry, faults), expiry, "{tables}");
            assert_eq!(readings(tables, Metric::Renewals, faults), [Expected], "{tables}");
        }
    }

    #[test]
    fn a_fleet_is_predicted_by_its_bounds_and_its_cadence() {
        let all = predicted("system = \"registry\"\n");
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        for expected in ["exclusion.max", "visibility.max", "renewals.mean"] {
            assert!(names.contains(&expected), "{names:?}");
        }
    }

    #[test]
    fn a_mean_is_that_of_the_distribution() {
        let millis = Span::from_millis;
        assert_eq!(mean(&Latency::Constant(millis(10))), 0.01);
        assert_eq!(mean(&Latency::Uniform { min: millis(10), max: millis(30) }), 0.02);
        let skewed = mean(&Latency::LogNormal { median: millis(10), p99: millis(100), max: millis(900) });
        // exp(ln(10)/2.3263) = e^0.98979; its mean is median · e^(0.98979²/2).
        assert!((skewed - 0.016_321).abs() < 1e-5, "{skewed}");
    }
}
