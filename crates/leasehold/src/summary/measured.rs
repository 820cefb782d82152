//! What a run measured, beside its bounds.

use leasehold_check::{MeasureReport, Metric, Nearest, Unit};
use leasehold_core::Span;
use leasehold_report::{Histograms, Percentile};
use serde_json::{Map, Value, json};

use super::{BAD, DOUBTFUL, TITLE};
use crate::page::{Page, styled};
use crate::words::grouped;

/// How wide the column of names is.
const NAMES: usize = 16;

/// The block on staleness: nothing if nothing was measured.
pub(super) fn print(page: &mut Page, measures: &[MeasureReport], samples: &Histograms) {
    let measured: Vec<&MeasureReport> = measures.iter().filter(|measure| measure.samples > 0).collect();
    if measured.is_empty() {
        return;
    }
    let head = format!(
        "{:NAMES$}{:>10}{:>10}{:>9}{:>10}{:>9}{:>10}",
        "staleness", "measured", "bound", "ratio", "in bound", "outside", "violated"
    );
    page.line(format_args!("{}", styled(TITLE, head)));
    measured.iter().for_each(|measure| print_measure(page, measure));
    let told = |measure: &&MeasureReport| {
        let percentiles = samples.of(measure.metric)?.percentiles(measure.worst?);
        Some((measure.metric, percentiles))
    };
    let told: Vec<(Metric, Vec<Percentile>)> = measured.iter().filter_map(told).collect();
    let Some((_, first)) = told.first() else { return };
    let names: String = first.iter().map(|told| format!("{:>10}", told.name)).collect();
    page.line(format_args!("{}", styled(TITLE, format!("{:NAMES$}{names}", "percentiles"))));
    for (metric, percentiles) in told {
        let values: String =
            percentiles.iter().map(|told| format!("{:>10}", value(metric, told.value))).collect();
        page.line(format_args!("  {:width$}{values}", in_words(metric), width = NAMES - 2));
    }
}

fn print_measure(page: &mut Page, measure: &MeasureReport) {
    let of = |number| value(measure.metric, number);
    let (measured, bound, ratio) = match measure.nearest {
        Some(nearest) => (of(nearest.measured), of(nearest.bound), ratio(&nearest)),
        None => (measure.worst.map_or_else(String::new, of), "-".to_owned(), "-".to_owned()),
    };
    let count = |count: u64| if count == 0 { "-".to_owned() } else { grouped(count) };
    let (outside, violated) =
        (format!("{:>9}", count(measure.outside)), format!("{:>10}", count(measure.violated)));
    let outside = if measure.outside > 0 { styled(DOUBTFUL, outside) } else { outside };
    let violated = if measure.violated > 0 { styled(BAD, violated) } else { violated };
    // The worst may be another one than that which came nearest to its bound.
    let worst =
        measure.worst.filter(|worst| measure.nearest.is_some_and(|nearest| nearest.measured < *worst));
    let worst = worst.map_or_else(String::new, |worst| format!("  worst {}", of(worst)));
    page.line(format_args!(
        "  {:width$}{measured:>10}{bound:>10}{ratio:>9}{:>10}{outside}{violated}{worst}",
        in_words(measure.metric),
        count(measure.in_bound),
        width = NAMES - 2
    ));
}

/// The same for programs.
pub(crate) fn object(measures: &[MeasureReport], samples: &Histograms) -> Vec<Value> {
    let of_one = |measure: &MeasureReport| {
        let worst = measure.worst?;
        let percentiles = samples.of(measure.metric).map(|histogram| histogram.percentiles(worst));
        let percentiles: Map<String, Value> =
            percentiles.into_iter().flatten().map(|told| (told.name.to_owned(), told.value.into())).collect();
        Some(json!({
            "metric": measure.metric,
            "unit": measure.metric.unit().name(),
            "samples": measure.samples,
            "worst": worst,
            "nearest": measure.nearest.map(|nearest| json!({
                "measured": nearest.measured,
                "bound": nearest.bound,
                "ratio": nearest.share_ppm() as f64 / 1e6,
            })),
            "in_bound": measure.in_bound,
            "outside": measure.outside,
            "violated": measure.violated,
            "times_ns": measure.times,
            "percentiles": percentiles,
        }))
    };
    measures.iter().filter_map(of_one).collect()
}

/// What a metric is called in a table.
pub(crate) fn in_words(metric: Metric) -> &'static str {
    match metric {
        Metric::Exclusion => "hop one",
        Metric::Deregistration => "hop one, asked",
        Metric::Propagation => "hop two",
        Metric::Staleness => "together",
        Metric::Visibility => "visibility",
        Metric::CallsToDead => "calls to dead",
        other => other.name(),
    }
}

/// A value in its unit: times with three digits behind the point at most.
pub(crate) fn value(metric: Metric, value: u64) -> String {
    match metric.unit() {
        Unit::Nanoseconds => Span::from_nanos(value).to_string(),
        Unit::Millionths => format!("{:.3}", value as f64 / Unit::Millionths.scale()),
        Unit::Calls | Unit::PerSecond | Unit::Events | Unit::Share => grouped(value),
    }
}

/// Which share of its bound was used up, in percent, cut: 100 % is the bound, and what is below is never shown so.
pub(crate) fn ratio(nearest: &Nearest) -> String {
    let thousandths = nearest.share_ppm() / 1_000;
    format!("{}.{} %", grouped(thousandths / 10), thousandths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_cut_not_rounded() {
        for (measured, bound, told) in
            [(9_999, 10_000, "99.9 %"), (10_000, 10_000, "100.0 %"), (1, 3, "33.3 %"), (30, 2, "1,500.0 %")]
        {
            assert_eq!(ratio(&Nearest { measured, bound }), told);
        }
    }

    #[test]
    fn values_are_told_in_their_unit() {
        assert_eq!(value(Metric::Staleness, 40_123_456_789), "40.123s");
        assert_eq!(value(Metric::CallsToDead, 1_234), "1,234");
    }
}
