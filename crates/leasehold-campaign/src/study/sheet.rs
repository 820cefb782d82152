//! `points.csv`, `runs.csv` and `failures.csv`: a line for each point, run, and run that failed.

use std::io;

use csv::{Terminator, Writer, WriterBuilder};
use leasehold_check::{Kind, Metric, Statistic};
use leasehold_report::study::{Met, PointSummary, StudySummary};

use super::Study;
use super::sums::{PointSum, StudyRun};

/// `points.csv`: values, runs, and each number with its interval. Lengths are in seconds, rates per second, shares from 0 to
/// 1, as in `summary.json`; a cell is empty where nothing is known.
pub(super) fn points(study: &StudySummary) -> io::Result<String> {
    let mut lines = lines();
    let mut head = vec!["point".to_owned()];
    head.extend(study.parameters.iter().map(|parameter| parameter.name.clone()));
    head.extend(["runs", "failed", "hazards", "default", "front"].map(str::to_owned));
    for metric in &study.metrics {
        head.extend(["count", "runs"].map(|of| format!("{}.{of}", metric.name())));
        if metric.can_stay_open() {
            head.extend(["open", "open.longest"].map(|of| format!("{}.{of}", metric.name())));
        }
        for statistic in metric.kind().statistics() {
            let name = format!("{}.{}", metric.name(), statistic.name());
            head.extend([name.clone(), format!("{name}.low"), format!("{name}.high")]);
        }
    }
    head.extend(study.objectives.iter().cloned());
    lines.write_record(&head)?;
    for (number, point) in study.points.iter().enumerate() {
        lines.write_record(line(study, number, point))?;
    }
    text(lines)
}

fn line(study: &StudySummary, number: usize, point: &PointSummary) -> Vec<String> {
    let mut cells = vec![number.to_string()];
    cells.extend(point.values.iter().cloned());
    cells.extend([point.runs, point.failed, point.hazards].map(|count| count.to_string()));
    let is_default = study.default_point == Some(number);
    cells.extend(
        [is_default, study.front.contains(&number)].map(|is_so| if is_so { "yes" } else { "no" }.to_owned()),
    );
    for &metric in &study.metrics {
        let figure = point.figure(metric);
        let counts = figure.map_or([0, 0], |figure| [figure.count, figure.runs]);
        cells.extend(counts.map(|count| count.to_string()));
        if metric.can_stay_open() {
            let open = figure.and_then(|figure| figure.open);
            cells.extend([
                open.map_or(0, |open| open.count).to_string(),
                shown(open.map(|open| open.longest)),
            ]);
        }
        for &statistic in metric.kind().statistics() {
            let estimate = figure.and_then(|figure| figure.estimate(statistic));
            let number = figure.and_then(|figure| figure.number(statistic));
            // Of what did not end the least is known.
            let least = estimate.filter(|_| number.is_none()).map(|estimate| estimate.value);
            cells.extend([
                shown(number),
                shown(least.or_else(|| estimate?.low)),
                shown(estimate.and_then(|estimate| estimate.high)),
            ]);
        }
    }
    let met = |met: &Met| match met {
        Met::Surely => "surely",
        Met::Probably => "probably",
        Met::Missed => "missed",
        Met::Unmeasured => "unmeasured",
    };
    cells.extend(point.objectives.iter().map(|of| met(of).to_owned()));
    cells
}

/// The columns of `runs.csv`.
pub(super) fn run_columns(study: &Study) -> io::Result<String> {
    let mut head = vec!["seed".to_owned(), "point".to_owned()];
    head.extend(study.file().parameters.iter().map(|parameter| parameter.name.clone()));
    head.extend(["verdict", "failed", "hazards"].map(str::to_owned));
    for &metric in study.metrics() {
        head.push(format!("{}.count", metric.name()));
        if metric.can_stay_open() {
            head.push(format!("{}.open", metric.name()));
        }
        head.extend(of_run(metric).iter().map(|of| format!("{}.{}", metric.name(), of.name())));
    }
    let mut lines = lines();
    lines.write_record(&head)?;
    text(lines)
}

/// The lines of a seed in `runs.csv`.
pub(super) fn runs(study: &Study, seed: u64, runs: &[StudyRun]) -> io::Result<String> {
    let mut lines = lines();
    for (number, (point, run)) in study.points().iter().zip(runs).enumerate() {
        let mut cells = vec![seed.to_string(), number.to_string()];
        cells.extend(point.values.iter().cloned());
        cells.extend([
            run.verdict.name().to_owned(),
            run.failed.clone().unwrap_or_default(),
            run.hazards.to_string(),
        ]);
        for &metric in study.metrics() {
            let figure = run.measured.figure(metric, &[]);
            cells.push(figure.count.to_string());
            if metric.can_stay_open() {
                cells.push(figure.open.map_or(0, |open| open.count).to_string());
            }
            cells.extend(of_run(metric).iter().map(|&of| shown(figure.number(of))));
        }
        lines.write_record(&cells)?;
    }
    text(lines)
}

/// What of a metric is told of a single run.
const fn of_run(metric: Metric) -> &'static [Statistic] {
    match metric.kind() {
        Kind::Values | Kind::Level => &[Statistic::Mean, Statistic::Max],
        Kind::Count => &[Statistic::Rate],
        Kind::Share => &[Statistic::Share],
    }
}

/// `failures.csv`: the first runs of each point that failed, with the line that shows each again; nothing if none did.
pub(super) fn failures(study: &Study, sums: &[PointSum], program: &str) -> io::Result<Option<String>> {
    if sums.iter().all(|sum| sum.failures().is_empty()) {
        return Ok(None);
    }
    let mut lines = lines();
    lines.write_record(["point", "seed", "what", "line"])?;
    for (number, sum) in sums.iter().enumerate() {
        for failure in sum.failures() {
            let line = study.run_line(program, number, failure.seed);
            lines.write_record([&number.to_string(), &failure.seed.to_string(), &failure.what, &line])?;
        }
    }
    text(lines).map(Some)
}

fn lines() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new())
}

fn text(lines: Writer<Vec<u8>>) -> io::Result<String> {
    let bytes = lines.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
