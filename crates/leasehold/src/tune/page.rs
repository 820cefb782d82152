//! A study, told to people: the front, what is recommended and why, what failed.

use leasehold_campaign::number;
use leasehold_report::study::{Advice, EachAdvice, Figure, StudySummary, Trait, ValueAdvice, told_but};

use super::Told;
use crate::again::program;
use crate::page::{Page, styled};
use crate::summary::{BAD, DOUBTFUL, GOOD, TITLE};
use crate::words::{counted, grouped};

/// How many points of the front are shown. Chosen by us: a screen.
const SHOWN: usize = 24;

/// How many points that failed are shown, each with its line. Chosen by us: one shows how, the others are in a file.
const SHOWN_FAILED: usize = 5;

/// How long it took.
pub(super) struct Pace {
    pub(super) seconds: f64,
    pub(super) jobs: usize,
    /// How many runs there were now.
    pub(super) runs: u64,
}

/// Prints it.
pub(super) fn print(told: &Told<'_>, page: &mut Page) {
    let summary = &told.kept.summary;
    page.line(format_args!("{}", styled(TITLE, format_args!("{}: {}", summary.name, summary.summary))));
    page.line(format_args!("{}", extent(told)));
    page.line(format_args!(""));
    front(summary, page);
    failed(told, page);
    advice(told, page);
    let manifest = &told.kept.manifest;
    if let Some(why) = &manifest.stopped {
        page.line(format_args!(
            "not complete: {why}; go on with {} tune --resume {}",
            program(),
            told.kept.dir.display()
        ));
    }
    page.line(format_args!("written to {}: report.html, points.csv", told.kept.dir.display()));
}

fn extent(told: &Told<'_>) -> String {
    let summary = &told.kept.summary;
    let runs = summary.points.iter().map(|point| point.runs).max().unwrap_or(0);
    let extent = format!(
        "{}, {} each (the same for all), {} of {:.0} s",
        counted(summary.points.len() as u64, "point"),
        counted(runs, "seed"),
        counted(summary.runs(), "run"),
        summary.simulated
    );
    match &told.pace {
        None => extent,
        Some(Pace { seconds, jobs, runs }) => {
            let threads = counted(*jobs as u64, "thread");
            let now =
                if *runs == summary.runs() { String::new() } else { format!("{} of them ", grouped(*runs)) };
            format!("{extent}; {now}in {seconds:.1} s on {threads}")
        }
    }
}

/// The points that no other beats, as a table.
fn front(summary: &StudySummary, page: &mut Page) {
    let names: Vec<String> = summary.trade.iter().map(ToString::to_string).collect();
    if summary.front.is_empty() {
        page.line(format_args!(
            "front: none, because no point has all of {} and no run that failed",
            names.join(", ")
        ));
        open(summary, page);
        page.line(format_args!(""));
        return;
    }
    let no_other = match summary.each() {
        None => "no other".to_owned(),
        Some(each) => format!("no other with the same {}", summary.parameters[each.parameter].name),
    };
    page.line(format_args!("front of {}: the points that {no_other} beats in all of them", names.join(", ")));
    let mut head = vec![String::new(), "point".to_owned()];
    head.extend(summary.parameters.iter().map(|parameter| parameter.name.clone()));
    head.extend(names);
    let mut rows = vec![head];
    // What the scenario has is shown beside them: that is what people would leave.
    let default = summary.default_point.filter(|default| !summary.front.contains(default));
    let front = match summary.each() {
        None => summary.front.clone(),
        // Those that are compared stand together.
        Some(each) => each.values.iter().flat_map(|value| value.front.iter().copied()).collect(),
    };
    let shown = front.iter().take(SHOWN).copied().chain(default);
    rows.extend(shown.map(|point| row(summary, point)));
    for line in aligned(&rows) {
        page.line(format_args!("  {line}"));
    }
    if summary.front.len() > SHOWN {
        page.line(format_args!("  ... and {} more: points.csv has them all", summary.front.len() - SHOWN));
    }
    page.line(format_args!(
        "  * recommended, n nearest to what is asked, d what the scenario has; in brackets: 95 %"
    ));
    unmeasured(summary, page);
    open(summary, page);
    page.line(format_args!(""));
}

fn row(summary: &StudySummary, point: usize) -> Vec<String> {
    let mark = match summary.advice {
        Advice::Take { point: taken, .. } if taken == point => "*",
        Advice::NonePasses { nearest, .. } if nearest == point => "n",
        Advice::Each(ref each) => each.of_point(summary, point).map_or("", |value| mark_of(value, point)),
        _ => "",
    };
    let default = if summary.default_point == Some(point) { "d" } else { "" };
    let mut row = vec![format!("{mark}{default}"), point.to_string()];
    row.extend(summary.points[point].values.iter().cloned());
    row.extend(summary.trade.iter().map(|&of| cell(summary.points[point].figure(of.metric), of)));
    row
}

fn mark_of(value: &ValueAdvice, point: usize) -> &'static str {
    match value.advice {
        Advice::Take { point: taken, .. } if taken == point => "*",
        Advice::NonePasses { nearest, .. } if nearest == point => "n",
        _ => "",
    }
}

/// `12.3 s (11.9 s to 12.8 s)`; `9.17 s (8.02 s or more)` where nobody knows an upper end.
fn cell(figure: Option<&Figure>, of: Trait) -> String {
    let told = figure.and_then(|figure| Some((figure, figure.estimate(of.statistic)?)));
    let Some((figure, estimate)) = told else { return "-".to_owned() };
    let value = number(of, estimate.value);
    if figure.is_open(of.statistic) {
        return format!("at least {value}");
    }
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!("{value} ({} to {})", number(of, low), number(of, high)),
        (Some(low), None) => format!("{value} ({} or more)", number(of, low)),
        (None, Some(high)) => format!("{value} (at most {})", number(of, high)),
        (None, None) => value,
    }
}

/// What did not end is told point by point, as far as points are shown.
fn open(summary: &StudySummary, page: &mut Page) {
    let default = summary.default_point.filter(|default| !summary.front.contains(default));
    let nearest =
        summary.chosen().filter(|chosen| !summary.front.contains(chosen) && default != Some(*chosen));
    for point in summary.front.iter().take(SHOWN).copied().chain(default).chain(nearest) {
        for figure in &summary.points[point].figures {
            let Some(open) = figure.open else { continue };
            page.line(format_args!(
                "  point {point}: {} of {} did not end, the longest of at least {:.1} s",
                grouped(open.count),
                figure.metric.name(),
                open.longest
            ));
        }
    }
}

/// A metric that never occurred is said so: no zero stands for it.
fn unmeasured(summary: &StudySummary, page: &mut Page) {
    for &metric in &summary.metrics {
        let is_there = summary
            .points
            .iter()
            .any(|point| point.figure(metric).is_some_and(|figure| !figure.estimates.is_empty()));
        if !is_there {
            page.line(format_args!("  {} never occurred in any run", metric.name()));
        }
    }
}

fn failed(told: &Told<'_>, page: &mut Page) {
    let failed: Vec<usize> =
        (0..told.sums.len()).filter(|&point| !told.sums[point].failures().is_empty()).collect();
    if failed.is_empty() {
        return;
    }
    let points = counted(failed.len() as u64, "point");
    page.line(format_args!(
        "{}",
        styled(BAD, format_args!("{points} with runs that failed: never recommended"))
    ));
    for &point in failed.iter().take(SHOWN_FAILED) {
        let (summary, sum) = (&told.kept.summary, &told.sums[point]);
        let first = &sum.failures()[0];
        let (bad, runs) = (grouped(summary.points[point].failed), grouped(sum.runs()));
        page.line(format_args!(
            "  point {point}, {}: {bad} of {runs}, first {}",
            summary.label(point),
            first.what
        ));
        page.line(format_args!("    {}", told.study.run_line(&program(), point, first.seed)));
    }
    if failed.len() > SHOWN_FAILED {
        page.line(format_args!("  ... and {} more: failures.csv has them all", failed.len() - SHOWN_FAILED));
    }
    page.line(format_args!(""));
}

fn advice(told: &Told<'_>, page: &mut Page) {
    let summary = &told.kept.summary;
    let (title, because) = match &summary.advice {
        Advice::NotAsked => {
            page.line(format_args!("nothing is recommended: the study has no objectives"));
            return;
        }
        Advice::Each(each) => return best_where(summary, each, page),
        Advice::Take { point, because } => {
            let title = format!("recommended: point {point}, {}", summary.label(*point));
            (styled(GOOD, title), because)
        }
        Advice::NonePasses { nearest, obstacle, because } => {
            let goal = &summary.objectives[*obstacle];
            let label = summary.label(*nearest);
            let title = format!(
                "no point meets all objectives: `{goal}` is the obstacle; nearest is point {nearest}, {label}"
            );
            (styled(DOUBTFUL, title), because)
        }
    };
    page.line(format_args!("{title}"));
    for sentence in because {
        page.line(format_args!("  {sentence}"));
    }
    page.line(format_args!(""));
}

/// What is best for each value of a parameter, and for all of them.
fn best_where(summary: &StudySummary, each: &EachAdvice, page: &mut Page) {
    let style = if each.has_obstacle() { DOUBTFUL } else { GOOD };
    page.line(format_args!("{}", styled(style, &each.headline)));
    let name = |point: usize| {
        told_but(&summary.parameters, &summary.points[point].values, each.parameter).replace('`', "")
    };
    let mut head = vec![summary.parameters[each.parameter].name.clone(), "best".to_owned()];
    head.extend(summary.trade.iter().map(ToString::to_string));
    head.push("next best".to_owned());
    let mut rows = vec![head];
    for value in &each.values {
        let Some(chosen) = value.chosen() else { continue };
        let none = matches!(value.advice, Advice::NonePasses { .. });
        let best = if none { format!("none, nearest {}", name(chosen)) } else { name(chosen) };
        let mut row = vec![value.value.clone(), best];
        row.extend(summary.trade.iter().map(|&of| cell(summary.points[chosen].figure(of.metric), of)));
        row.push(value.runner_up.as_ref().map_or_else(|| "-".to_owned(), |next| name(next.point)));
        rows.push(row);
    }
    for line in aligned(&rows) {
        page.line(format_args!("  {line}"));
    }
    for value in &each.values {
        page.line(format_args!(""));
        value.because().iter().for_each(|sentence| page.line(format_args!("  {sentence}")));
    }
    page.line(format_args!(""));
    page.line(format_args!("  {}", each.everywhere.said));
    page.line(format_args!(""));
}

/// Columns under each other.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use leasehold_check::{Metric, Statistic};
    use leasehold_report::study::{Estimate, Open};

    use super::*;

    /// What is told of a p99 of 9.17 s, of a hundred values.
    fn told(low: Option<f64>, high: Option<f64>, open: Option<Open>) -> String {
        let estimate = Estimate { statistic: Statistic::P99, value: 9.17, low, high };
        let figure = Figure {
            metric: Metric::Failover,
            count: 100,
            runs: 20,
            histogram: String::new(),
            open,
            estimates: vec![estimate],
            predictions: Vec::new(),
        };
        cell(Some(&figure), Trait { metric: Metric::Failover, statistic: Statistic::P99 })
    }

    #[test]
    fn an_interval_says_which_end_it_has() {
        assert_eq!(told(Some(8.02), Some(10.0), None), "9.17 s (8.02 s to 10 s)");
        assert_eq!(told(Some(8.02), None, None), "9.17 s (8.02 s or more)");
        assert_eq!(told(None, Some(10.0), None), "9.17 s (at most 10 s)");
        assert_eq!(told(None, None, None), "9.17 s");
        let open = |count| Some(Open { count, longest: 42.0 });
        assert_eq!(told(Some(8.02), None, open(1)), "9.17 s (8.02 s or more)");
        assert_eq!(told(Some(8.02), None, open(2)), "at least 9.17 s");
    }
}
