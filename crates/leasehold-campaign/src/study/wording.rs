//! Numbers of metrics, as people read them.

use leasehold_check::{Metric, Statistic, Unit};
use leasehold_report::study::Trait;

/// A number of a metric with its unit, to three digits: `12.3 s`, `0.5/h`, `0.02 %`.
pub fn number(of: Trait, value: f64) -> String {
    number_beside(of, value, value)
}

/// The same in the unit that another number would have: what stands beside each other is told in one unit.
pub(super) fn number_beside(of: Trait, value: f64, other: f64) -> String {
    let Trait { metric, statistic } = of;
    match (statistic, metric.unit()) {
        (Statistic::Share, _) => format!("{} %", digits(value * 100.0)),
        (Statistic::Rate, _) => rate(value, other.abs()),
        (_, Unit::Nanoseconds) => length(value, other.abs()),
        (_, Unit::PerSecond) => format!("{}/s", digits(value)),
        (_, Unit::Calls) => format!("{} calls", digits(value)),
        (_, Unit::Millionths | Unit::Events | Unit::Share) => digits(value),
    }
}

/// The name of a number: `failover p99`.
pub(super) fn name(of: Trait) -> String {
    let Trait { metric, statistic } = of;
    let told = metric.name().replace('-', " ");
    match (statistic, metric.kind().usual()) {
        (statistic, Some(usual)) if statistic == usual && statistic != Statistic::Mean => told,
        _ => format!("{told} {}", statistic.name()),
    }
}

/// The name of a metric.
pub(super) fn metric(metric: Metric) -> String {
    metric.name().replace('-', " ")
}

/// In the unit in which `size` is a number that one can imagine.
fn length(seconds: f64, size: f64) -> String {
    match size {
        _ if size == 0.0 => "0 s".to_owned(),
        _ if size < 1e-3 => format!("{} µs", digits(seconds * 1e6)),
        _ if size < 1.0 => format!("{} ms", digits(seconds * 1e3)),
        _ => format!("{} s", digits(seconds)),
    }
}

/// The same for what happens so often.
fn rate(per_second: f64, size: f64) -> String {
    let (unit, seconds) = match size {
        _ if size >= 0.1 => ("s", 1.0),
        _ if size >= 0.1 / 3_600.0 => ("h", 3_600.0),
        _ => ("day", 86_400.0),
    };
    format!("{}/{unit}", digits(per_second * seconds))
}

/// To three significant digits, and never in powers of ten.
fn digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if size == 0.0 || size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ if size >= 0.1 => 3,
        _ if size >= 0.01 => 4,
        _ => 6,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit_that_fits() {
        let of = |metric, statistic| Trait { metric, statistic };
        let failover = of(Metric::Failover, Statistic::P99);
        for (value, told) in
            [(12.345, "12.3 s"), (0.0, "0 s"), (0.2504, "250 ms"), (0.000_25, "250 µs"), (120.4, "120 s")]
        {
            assert_eq!(number(failover, value), told);
        }
        let false_expiry = of(Metric::FalseExpiry, Statistic::Rate);
        for (value, told) in
            [(0.0, "0/day"), (1.0 / 86_400.0, "1/day"), (2.5 / 3_600.0, "2.5/h"), (3.0, "3/s")]
        {
            assert_eq!(number(false_expiry, value), told);
        }
        assert_eq!(number(of(Metric::Load, Statistic::Mean), 512.34), "512/s");
        assert_eq!(number(of(Metric::Unavailability, Statistic::Share), 0.0012), "0.12 %");
        assert_eq!(number(failover, -3.0), "-3 s");
    }

    #[test]
    fn what_stands_beside_each_other_has_one_unit() {
        let failover = Trait { metric: Metric::Failover, statistic: Statistic::P99 };
        let false_expiry = Trait { metric: Metric::FalseExpiry, statistic: Statistic::Rate };
        assert_eq!(number_beside(failover, 0.9, 1.1), "0.9 s");
        assert_eq!(number_beside(failover, 0.0, 0.2), "0 ms");
        assert_eq!(number_beside(false_expiry, 0.6 / 86_400.0, 1.0 / 3_600.0), "0.025/h");
    }

    #[test]
    fn the_usual_number_needs_no_name() {
        let of = |metric, statistic| name(Trait { metric, statistic });
        assert_eq!(of(Metric::FalseExpiry, Statistic::Rate), "false expiry");
        assert_eq!(of(Metric::Failover, Statistic::P99), "failover p99");
        assert_eq!(of(Metric::Load, Statistic::Mean), "load mean");
    }
}
