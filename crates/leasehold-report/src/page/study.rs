//! The page of a study.

use leasehold_check::Kind;
use serde::Serialize;

use super::document::{Block, Cell, Document, Picture, Section, Table, embedded, numbers, words};
use super::scale::Scale;
use super::view::{View, runs};
use super::{advice, comparison, distributions, each, maps, predictions};
use crate::chart::grouped;
use crate::study::{Statistic, StudySummary, Trait};

/// Histograms of more letters than this do not go into the page. Chosen by us: with all else it stays below a megabyte.
const LONGEST_HISTOGRAMS: usize = 300_000;

/// A study, on a page.
pub(crate) fn document(study: &StudySummary, baseline: Option<&StudySummary>) -> Document {
    let view = View::new(study, baseline);
    let mut sections = vec![maps::maps(&view), maps::front(&view)];
    sections.extend(distributions::distributions(&view));
    sections.extend(rates(&view));
    sections.extend(predictions::predictions(&view));
    sections.extend(comparison::comparison(&view));
    sections.push(points(&view));
    sections.extend(each::choices(&view));
    sections.push(how(&view));
    Document {
        kind: "Leasehold study",
        title: study.name.clone(),
        summary: study.summary.clone(),
        facts: facts(study),
        lead: advice::lead(&view),
        sections,
        data: data(&view),
    }
}

fn facts(study: &StudySummary) -> Vec<(&'static str, String)> {
    vec![
        ("scenario", study.scenario.clone()),
        ("system", study.system.clone()),
        ("points", grouped(study.points.len() as u64)),
        ("seeds of each", study.seeds.clone()),
        ("runs", grouped(study.runs())),
        ("a run of the scenario lasts", Scale::of_seconds(study.simulated)),
        ("tool", format!("leasehold {}", study.tool)),
    ]
}

/// What is counted or goes on all the time, and is not on the maps.
fn rates(view: &View<'_>) -> Option<Section> {
    let told = |metric: &leasehold_check::Metric| -> Vec<Trait> {
        let of = |statistic: Statistic| Trait { metric: *metric, statistic };
        match metric.kind() {
            Kind::Level => vec![of(Statistic::Mean), of(Statistic::Max)],
            Kind::Count => vec![of(Statistic::Rate)],
            Kind::Share => vec![of(Statistic::Share)],
            Kind::Values => Vec::new(),
        }
    };
    let traits: Vec<Trait> = view.study.metrics.iter().flat_map(told).collect();
    if traits.is_empty() {
        return None;
    }
    let (never, seen): (Vec<Trait>, Vec<Trait>) =
        traits.into_iter().partition(|of| view.never_seen(of.metric));
    let few = view.points().len() <= 8;
    let all: Vec<usize> = view.points().collect();
    let points = if few { &all } else { &view.shown };
    let mut blocks = Vec::new();
    if !seen.is_empty() {
        let which = if few { "all points" } else { "the points that the pictures above show" };
        blocks.push(Block::Text(format!(
            "Load, and what happens now and then: {which}, each with what it lies between with 95\u{a0}%."
        )));
    }
    let mut gone: Vec<&str> = never.iter().map(|of| of.metric.name()).collect();
    gone.dedup();
    blocks.extend(gone.into_iter().map(|name| Block::Text(format!("{name} never occurred, at no point."))));
    let pictures: Vec<Picture> = seen.iter().map(|of| maps::whiskers(view, "load", *of, points)).collect();
    if !pictures.is_empty() {
        blocks.push(Block::Pictures(pictures));
    }
    Some(Section { id: "load", title: "Load and rates".to_owned(), blocks })
}

/// All that was measured.
fn points(view: &View<'_>) -> Section {
    let study = view.study;
    let mut columns: Vec<_> =
        study.parameters.iter().map(|parameter| words(parameter.name.clone())).collect();
    columns.extend([numbers("runs"), numbers("failed"), numbers("with a hazard")]);
    columns.extend(study.objectives.iter().map(|objective| words(objective.clone())));
    columns.push(words("it is"));
    let mut table = Table::new("All points, and what they meet", columns);
    for (number, point) in study.points.iter().enumerate() {
        let mut row: Vec<Cell> = point.values.iter().map(|value| Cell::new(value.clone())).collect();
        row.extend(
            [point.runs, point.failed, point.hazards]
                .map(|count| Cell::new(grouped(count)).sorted_by(count as f64)),
        );
        row.extend(point.objectives.iter().map(|met| super::view::met(*met)));
        row.push(Cell::new(view.marks_in_words(number)));
        table.rows.push(row);
    }
    let of_metric = |metric: &leasehold_check::Metric| {
        let caption = format!("{} at all points", metric.name());
        Block::Folded(distributions::percentiles(view, *metric, view.points(), &caption))
    };
    let mut blocks = vec![Block::Folded(table)];
    blocks.extend(study.metrics.iter().map(of_metric));
    Section { id: "points", title: "All numbers".to_owned(), blocks }
}

/// What the words mean.
fn how(view: &View<'_>) -> Section {
    let study = view.study;
    let seeds = format!(
        "Each point was run {} times under the same seeds ({}): what differs between two points is not the luck of the draw. \
         In all there were {}.",
        grouped(study.points.first().map_or(0, |point| point.runs)),
        study.seeds,
        runs(study.runs())
    );
    let derived = study.parameters.iter().filter_map(|parameter| {
        let by = parameter.derived.as_ref()?;
        Some(format!("{} ({}) follows from the others: {by}.", parameter.name, parameter.key))
    });
    let sure = "What a number lies between with 95\u{a0}% is reckoned by runs, as if all that one run gave had one cause; \
                docs/metrics.md says how for each. Where there are too few values, an end is missing, or it says so. A metric that \
                was never seen is said to be so, and not drawn as zero.";
    let mut blocks = vec![Block::Text(seeds), Block::Text(sure.to_owned())];
    blocks.extend(derived.map(Block::Text));
    let more = "The same numbers for machines: points.csv and summary.json beside this page, and in it as JSON in the element \
                with the id data.";
    blocks.push(Block::Text(more.to_owned()));
    Section { id: "how", title: "How to read this".to_owned(), blocks }
}

/// What a page holds for machines.
#[derive(Serialize)]
struct Data<'s> {
    study: &'s StudySummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'s StudySummary>,
}

/// The study as JSON. Of the histograms only those that are drawn stand there, as far as there is room.
fn data(view: &View<'_>) -> String {
    let mut study = view.study.clone();
    let mut room = LONGEST_HISTOGRAMS;
    let rank = |point: usize| view.shown.iter().position(|shown| *shown == point);
    let mut points: Vec<usize> = view.points().collect();
    points.sort_by_key(|point| rank(*point).unwrap_or(usize::MAX));
    for point in points {
        for figure in &mut study.points[point].figures {
            let fits = rank(point).is_some() && figure.histogram.len() <= room;
            if fits {
                room -= figure.histogram.len();
            } else {
                figure.histogram.clear();
            }
        }
    }
    let baseline = view.baseline.map(|baseline| {
        let mut baseline = baseline.clone();
        let figures = baseline.points.iter_mut().flat_map(|point| &mut point.figures);
        figures.for_each(|figure| figure.histogram.clear());
        baseline
    });
    embedded(&Data { study: &study, baseline: baseline.as_ref() })
}
