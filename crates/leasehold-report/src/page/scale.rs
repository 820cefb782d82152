//! Numbers as people read them: three digits that say something, in a unit that is the same wherever a number is compared.

use crate::chart::grouped;
use crate::study::{Estimate, Statistic, Trait};

/// How the values of one number of a metric are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    /// What a value is multiplied by.
    factor: f64,
    /// What stands behind it.
    unit: &'static str,
}

impl Scale {
    /// For values of which this is the greatest.
    pub(crate) fn of(of: Trait, greatest: f64) -> Self {
        let (factor, unit) = match of.statistic {
            Statistic::Share => (100.0, "%"),
            // What happens less than ten times an hour says nothing in seconds.
            _ if of.is_rate() && greatest >= 0.1 => (1.0, "/s"),
            _ if of.is_rate() && greatest * 3_600.0 >= 10.0 => (3_600.0, "/h"),
            _ if of.is_rate() && greatest > 0.0 => (86_400.0, "/day"),
            _ if of.is_rate() => (1.0, "/s"),
            _ if !of.is_length() => (1.0, ""),
            _ if greatest >= 1.0 => (1.0, "s"),
            _ if greatest >= 1e-3 => (1e3, "ms"),
            _ => (1e6, "\u{b5}s"),
        };
        Self { factor, unit }
    }

    /// A value in the unit.
    pub(crate) fn scaled(self, value: f64) -> f64 {
        value * self.factor
    }

    /// The unit behind a name: `failover.p99, s`.
    pub(crate) fn behind(self, name: &str) -> String {
        if self.unit.is_empty() { name.to_owned() } else { format!("{name}, {}", self.unit) }
    }

    /// A value without its unit.
    pub(crate) fn number(self, value: f64) -> String {
        digits(self.scaled(value))
    }

    /// A value.
    pub(crate) fn text(self, value: f64) -> String {
        self.with_unit(&self.number(value))
    }

    /// What it lies between, with the unit; nothing if there are too few values to say. One end may be missing: of the greatest
    /// value nobody knows an upper one.
    pub(crate) fn interval(self, estimate: &Estimate) -> Option<String> {
        Some(match (estimate.low, estimate.high) {
            (Some(low), Some(high)) => {
                self.with_unit(&format!("{} to {}", self.number(low), self.number(high)))
            }
            (Some(low), None) => format!("{} or more", self.text(low)),
            (None, Some(high)) => format!("at most {}", self.text(high)),
            (None, None) => return None,
        })
    }

    /// The same without the unit, and short.
    pub(crate) fn bare_interval(self, estimate: &Estimate) -> Option<String> {
        Some(match (estimate.low, estimate.high) {
            (Some(low), Some(high)) => format!("{} to {}", self.number(low), self.number(high)),
            (Some(low), None) => format!("\u{2265} {}", self.number(low)),
            (None, Some(high)) => format!("\u{2264} {}", self.number(high)),
            (None, None) => return None,
        })
    }

    fn with_unit(self, number: &str) -> String {
        match self.unit {
            "" => number.to_owned(),
            unit if unit.starts_with('/') => format!("{number}{unit}"),
            unit => format!("{number}\u{a0}{unit}"),
        }
    }
}

/// Three digits that say something; whole numbers as they are.
fn digits(number: f64) -> String {
    let size = number.abs();
    if size < 1e-12 {
        return "0".to_owned();
    }
    match size {
        size if size >= 999.5 => {
            let sign = if number < 0.0 { "-" } else { "" };
            format!("{sign}{}", grouped(libm::round(size) as u64))
        }
        size if size >= 99.95 => format!("{number:.0}"),
        size if size >= 9.995 => format!("{number:.1}"),
        size if size >= 0.9995 => format!("{number:.2}"),
        size if size >= 1e-6 => {
            let places = (2.0 - libm::floor(libm::log10(size))) as usize;
            format!("{number:.places$}")
        }
        _ => format!("{number:.1e}"),
    }
}

/// How much less or more a number is than another, in words.
pub(crate) fn change(from: f64, to: f64) -> String {
    if from <= 0.0 {
        return if to > 0.0 { "more, from nothing".to_owned() } else { "the same".to_owned() };
    }
    let factor = to / from;
    match factor {
        f if (f - 1.0).abs() < 0.005 => "the same".to_owned(),
        f if f >= 2.0 => format!("{} times as much", digits(f)),
        f if f > 1.0 => format!("{:.0}\u{a0}% more", (f - 1.0) * 100.0),
        f if f > 0.01 => format!("{:.0}\u{a0}% less", (1.0 - f) * 100.0),
        f if f > 0.0 => "over 99\u{a0}% less".to_owned(),
        _ => "none any more".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use leasehold_check::Metric;

    use super::*;

    const fn of(statistic: Statistic) -> Trait {
        Trait { metric: Metric::Staleness, statistic }
    }

    #[test]
    fn three_digits_say_something() {
        let told = [0.0, 14.234, 9.995, 123.4, 12_345.6, 0.012_34, 1.0, -2.5, 3e-9].map(digits);
        assert_eq!(told, ["0", "14.2", "10.0", "123", "12,346", "0.0123", "1.00", "-2.50", "3.0e-9"]);
    }

    #[test]
    fn the_unit_follows_the_greatest() {
        for (of, greatest, value, told) in [
            (of(Statistic::P99), 14.0, 0.25, "0.250\u{a0}s"),
            (of(Statistic::P99), 0.9, 0.25, "250\u{a0}ms"),
            (of(Statistic::P99), 9e-4, 2.5e-4, "250\u{a0}\u{b5}s"),
            (of(Statistic::Rate), 400.0, 12.0, "12.0/s"),
            (of(Statistic::Rate), 0.01, 0.005, "18.0/h"),
            (of(Statistic::Rate), 1e-5, 1e-5, "0.864/day"),
            (of(Statistic::Share), 0.1, 0.0012, "0.120\u{a0}%"),
            (Trait { metric: Metric::CallsToDead, statistic: Statistic::Max }, 9.0, 7.0, "7.00"),
        ] {
            assert_eq!(Scale::of(of, greatest).text(value), told);
        }
    }

    #[test]
    fn an_interval_says_which_end_it_has() {
        let scale = Scale::of(of(Statistic::P99), 20.0);
        let whole = Estimate { statistic: Statistic::P99, value: 14.2, low: Some(13.9), high: Some(14.6) };
        assert_eq!(scale.interval(&whole).as_deref(), Some("13.9 to 14.6\u{a0}s"));
        let half = Estimate { high: None, ..whole };
        assert_eq!(scale.interval(&half).as_deref(), Some("13.9\u{a0}s or more"));
        assert_eq!(scale.bare_interval(&half).as_deref(), Some("\u{2265} 13.9"));
        assert_eq!(scale.interval(&Estimate { low: None, ..half }), None);
    }

    #[test]
    fn a_change_is_told_in_words() {
        let told = [(20.0, 15.0), (10.0, 11.0), (1.0, 40.0), (0.0, 1.0), (0.0, 0.0), (5.0, 0.0), (5.0, 5.01)]
            .map(|(from, to)| change(from, to).replace('\u{a0}', " "));
        let expected = [
            "25 % less",
            "10 % more",
            "40.0 times as much",
            "more, from nothing",
            "the same",
            "none any more",
            "the same",
        ];
        assert_eq!(told, expected);
    }
}
