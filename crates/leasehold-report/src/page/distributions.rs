//! How long things take: percentile curves, and distributions with what was predicted on top.

use leasehold_check::{Kind, Metric};

use super::document::{Block, Cell, Picture, Section, Table, numbers, words};
use super::maps::id;
use super::predictions::standing;
use super::scale::Scale;
use super::view::{View, with_number};
use crate::chart::{CurveChart, Foreseen, Named, Series, SpreadChart, grouped};
use crate::histogram::Histogram;
use crate::study::{Statistic, Trait};

/// How many places of a curve are drawn in each factor of ten.
const STEPS: f64 = 16.0;

/// Curves and distributions of all that is measured by values.
pub(crate) fn distributions(view: &View<'_>) -> Option<Section> {
    let timed: Vec<Metric> =
        view.study.metrics.iter().copied().filter(|metric| metric.kind() == Kind::Values).collect();
    if timed.is_empty() {
        return None;
    }
    let (never, seen): (Vec<Metric>, Vec<Metric>) =
        timed.iter().partition(|metric| view.never_seen(**metric));
    let mut blocks = Vec::new();
    if !seen.is_empty() {
        blocks.push(Block::Text(
            "Left: from left to right each step is ten times as rare, so the tail is not squeezed into the edge; a curve ends at \
             the greatest of its values. Right: how the values of the first point are spread, with what was predicted of it."
                .to_owned(),
        ));
    }
    for metric in never {
        blocks.push(Block::Text(format!("{} never occurred, at no point.", metric.name())));
    }
    let pictures: Vec<Picture> =
        seen.into_iter().flat_map(|metric| [curves(view, metric), spread(view, metric)]).flatten().collect();
    if !pictures.is_empty() {
        blocks.push(Block::Pictures(pictures));
    }
    Some(Section { id: "distributions", title: "How long it takes".to_owned(), blocks })
}

/// The points that are shown and have values of a metric, the most important first.
fn known(view: &View<'_>, metric: Metric) -> Vec<(usize, Histogram)> {
    let of = |point: &usize| Some((*point, view.study.points[*point].figure(metric)?.distribution()?));
    view.shown.iter().filter_map(of).collect()
}

fn scale_of(view: &View<'_>, metric: Metric) -> (Scale, f64) {
    (view.scale(Trait { metric, statistic: Statistic::Max }), metric.unit().scale())
}

fn curves(view: &View<'_>, metric: Metric) -> Option<Picture> {
    let known = known(view, metric);
    if known.is_empty() {
        return None;
    }
    let (scale, units) = scale_of(view, metric);
    let series = known.iter().map(|(point, histogram)| Series {
        name: view.name(*point),
        count: histogram.count(),
        steps: steps(histogram, |value| scale.scaled(value / units)),
    });
    let series: Vec<Series> = series.collect();
    let measure = scale.behind(metric.name());
    let caption = format!("{}: percentiles", metric.name());
    let desc = format!("Percentile curves of {} points, on an axis of 1/(1-p).", series.len());
    let named = Named {
        id: id("curves", &[Trait { metric, statistic: Statistic::P99 }]),
        title: caption.clone(),
        desc,
    };
    let table = percentiles(view, metric, known.iter().map(|(point, _)| *point), &caption);
    Some(Picture { svg: CurveChart { named, measure, series }.draw(), caption, table })
}

/// What is told of a metric: a row for each point, a column for each number.
pub(crate) fn percentiles(
    view: &View<'_>,
    metric: Metric,
    points: impl Iterator<Item = usize>,
    caption: &str,
) -> Table {
    let told = metric.kind().statistics();
    let mut columns = vec![words("point"), numbers("values"), numbers("in runs")];
    columns.extend(told.iter().map(|statistic| numbers(statistic.name())));
    columns.push(words("it is"));
    let mut table =
        Table::new(format!("{caption}; behind each number, what it lies between with 95\u{a0}%"), columns);
    for point in points {
        let figure = view.study.points[point].figure(metric);
        let (count, runs) = figure.map_or((0, 0), |figure| (figure.count, figure.runs));
        let mut row = vec![
            Cell::new(view.label(point)),
            Cell::new(grouped(count)).sorted_by(count as f64),
            Cell::new(grouped(runs)).sorted_by(runs as f64),
        ];
        for statistic in told {
            let told = view.told(point, Trait { metric, statistic: *statistic });
            let between = match told.short_between.as_str() {
                "" => String::new(),
                between => format!(" ({between})"),
            };
            row.push(with_number(Cell::new(format!("{}{between}", told.text)), told.value));
        }
        row.push(Cell::new(view.marks_in_words(point)));
        table.rows.push(row);
    }
    table
}

fn spread(view: &View<'_>, metric: Metric) -> Option<Picture> {
    let known = known(view, metric);
    let (first, histogram) = known.first()?;
    let (scale, units) = scale_of(view, metric);
    let values = |histogram: &Histogram| -> Vec<(f64, u64)> {
        histogram.buckets().map(|(value, count)| (scale.scaled(value as f64 / units), count)).collect()
    };
    let figure = view.study.points[*first].figure(metric)?;
    let foreseen = figure.predictions.iter().map(|prediction| Foreseen {
        value: scale.scaled(prediction.value),
        name: format!(
            "{} {}, predicted: {}",
            prediction.statistic.name(),
            scale.text(prediction.value),
            standing(prediction.standing)
        ),
    });
    let curve = figure.predictions.iter().find(|prediction| !prediction.spread.is_empty());
    let curve = curve.into_iter().flat_map(|prediction| &prediction.spread);
    let curve = curve.map(|(value, share)| (scale.scaled(*value), *share));
    let caption = format!("{}: how its values are spread", metric.name());
    let desc = format!("Bars for {}; lines where a number was predicted.", view.name(*first));
    let chart = SpreadChart {
        named: Named {
            id: id("spread", &[Trait { metric, statistic: Statistic::P99 }]),
            title: caption.clone(),
            desc,
        },
        measure: scale.behind(metric.name()),
        bars: (view.name(*first), values(histogram)),
        outline: known.get(1).map(|(point, histogram)| (view.name(*point), values(histogram))),
        foreseen: foreseen.collect(),
        curve: curve.collect(),
    };
    let mut columns = vec![numbers("from"), numbers("to"), numbers(view.label(*first))];
    columns.extend(known.get(1).map(|(point, _)| numbers(view.label(*point))));
    let mut table = Table::new(
        format!("Which share of the values of {} lies where", scale.behind(metric.name())),
        columns,
    );
    for bar in chart.in_numbers() {
        let ends = [bar.from, bar.to].map(|end| Cell::new(format!("{end:.3}")).sorted_by(end));
        let shares = [Some(bar.share), bar.outline].into_iter().flatten();
        let shares = shares.map(|share| Cell::new(format!("{:.2}\u{a0}%", share * 100.0)).sorted_by(share));
        table.rows.push(ends.into_iter().chain(shares).collect());
    }
    Some(Picture { svg: chart.draw(), caption, table })
}

/// `1/(1-p)` and the value there, in order.
fn steps(histogram: &Histogram, scaled: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let count = histogram.count() as f64;
    let last = libm::floor(STEPS * libm::log10(count)) as u32;
    let rare = (0..=last).map(|nth| libm::pow(10.0, f64::from(nth) / STEPS)).chain([count]);
    let mut buckets = histogram.buckets().peekable();
    let mut so_far = 0.0;
    let mut steps: Vec<(f64, f64)> = Vec::new();
    let mut value = buckets.peek().map_or(0, |(value, _)| *value);
    for rare in rare {
        let wanted = libm::ceil(count * (1.0 - 1.0 / rare) - 1e-9).max(1.0);
        while so_far < wanted {
            let Some((next, more)) = buckets.next() else { break };
            so_far += more as f64;
            value = next;
        }
        steps.push((rare, scaled(value as f64)));
    }
    // The last place is the greatest value itself.
    if let (Some(last), Some((greatest, _))) = (steps.last_mut(), histogram.buckets().last()) {
        last.1 = scaled(greatest as f64);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_passes_through_the_percentiles_and_ends_at_the_greatest() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|value| histogram.record(value));
        let steps = steps(&histogram, |value| value);
        let at = |rare: f64| steps.iter().find(|step| (step.0 - rare).abs() < 1e-6 * rare).unwrap().1;
        assert_eq!((at(1.0), at(10.0), at(100.0), at(1_000.0)), (1.0, 900.0, 990.0, 999.0));
        assert_eq!(steps.last(), Some(&(1_000.0, 1_000.0)));
        assert!(steps.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
    }

    #[test]
    fn a_single_value_is_a_curve_of_nothing_else() {
        let mut histogram = Histogram::default();
        histogram.record(7);
        assert!(steps(&histogram, |value| value).iter().all(|step| step.1 == 7.0));
    }
}
