//! How each known bug fares, for people.

use leasehold_campaign::{
    Extent, Figures, Interval, Measured, MeasuredRow, MutantsOrder, Row, RowStanding, of_thousand,
};
use leasehold_scenario::Fate;

use crate::again::program;
use crate::page::Page;
use crate::sweep::clock::Stopwatch;
use crate::words::{counted, grouped};

/// What stands above the columns.
const HEAD: [&str; 9] = [
    "id",
    "scenario",
    "detected",
    "per 1,000",
    "median",
    "first",
    "caught first by",
    "safe twin",
    "standing",
];

/// Prints the table, then what is wrong.
pub(super) fn print(order: &MutantsOrder<'_>, measured: &Measured, stopwatch: &Stopwatch, page: &mut Page) {
    let head = HEAD.map(str::to_owned);
    let rows = order.rows.iter().zip(&measured.rows);
    let lines: Vec<[String; 9]> =
        [head].into_iter().chain(rows.clone().map(|(row, of)| columns(row, of, order.extent))).collect();
    for line in aligned(&lines) {
        page.line(format_args!("{line}"));
    }
    page.line(format_args!(""));
    for (row, of) in rows {
        for told in wrong(row, of) {
            page.line(format_args!("{} {}: {told}", row.bug.id, row.name()));
        }
    }
    for invariant in measured.gaps() {
        page.line(format_args!("{} {}: no known bug brings it out", invariant.id(), invariant.name()));
    }
    page.line(format_args!("{}", summary(measured)));
    let seeds: u64 = measured.rows.iter().map(|row| row.figures.seeds).sum();
    let (seconds, jobs) = (stopwatch.elapsed().as_secs_f64(), order.jobs.get() as u64);
    page.line(format_args!("{} in {seconds:.1} s on {}", counted(seeds, "seed"), counted(jobs, "thread")));
}

fn columns(row: &Row, of: &MeasuredRow, extent: Extent) -> [String; 9] {
    let Figures { seeds, detected, detecting, .. } = &of.figures;
    let is_to_be_found = !row.bug.caught_by().is_empty();
    let if_found = |text: String| if is_to_be_found { text } else { "-".to_owned() };
    // Who stops at the first detection has measured no rate.
    let if_measured = |text: String| match extent {
        Extent::All => if_found(text),
        Extent::UntilFound => "-".to_owned(),
    };
    [
        row.bug.id.to_string(),
        row.name().to_owned(),
        if_found(format!("{}/{}", grouped(*detected), grouped(*seeds))),
        if_measured(rate(&of.figures)),
        if_measured(median(&of.figures)),
        detecting.first().map_or_else(|| "-".to_owned(), |seed| grouped(*seed)),
        if_found(caught_by(&of.figures)),
        safe(&of.figures),
        of.standing.map_or("not run", RowStanding::name).to_owned(),
    ]
}

fn rate(figures: &Figures) -> String {
    let (Some(rate), Some(Interval { low, high })) = (figures.rate(), figures.interval()) else {
        return "-".to_owned();
    };
    format!("{} ({} to {})", of_thousand(rate), of_thousand(low), of_thousand(high))
}

fn median(figures: &Figures) -> String {
    let (Some(median), Some((low, high))) = (figures.median(), figures.median_interval()) else {
        return "-".to_owned();
    };
    let high = high.map_or_else(|| "any".to_owned(), grouped);
    format!("{} ({} to {high})", grouped(median), grouped(low))
}

fn caught_by(figures: &Figures) -> String {
    let Some(by) = figures.caught_by() else { return "-".to_owned() };
    format!("{} {}", by.id(), by.name())
}

fn safe(figures: &Figures) -> String {
    let safe = &figures.safe;
    match safe.seeds {
        0 => "-".to_owned(),
        seeds => {
            let (alarms, judged) = (grouped(safe.alarms), grouped(figures.judged_in(safe)));
            format!("{alarms}/{}, judged {judged}", grouped(seeds))
        }
    }
}

/// What is not as it should be, with the line that shows it.
fn wrong(row: &Row, of: &MeasuredRow) -> Vec<String> {
    let Figures { safe, as_written, broken_off, .. } = &of.figures;
    let mut told = Vec::new();
    if let Some((seed, what)) = broken_off {
        told.push(format!("{what}\n  {} {}", program(), row.again(*seed)));
    }
    if let Some((seed, what)) = &safe.first {
        let runs = counted(safe.alarms, "seed");
        told.push(format!(
            "the safe twin is not safe under {runs}: {what}\n  {} {} --safe",
            program(),
            row.again(*seed)
        ));
    }
    if let Some(script) = as_written {
        if let Some((seed, what)) = &script.safe.first {
            told.push(format!(
                "the safe twin of the schedule is not safe: {what}\n  {} {} --safe",
                program(),
                row.as_scripted(*seed)
            ));
        }
        if script.detected == 0 && script.seeds > 0 {
            told.push(format!("its own schedule does not break it\n  {} {}", program(), row.as_scripted(0)));
        }
    }
    match (of.standing, &row.bug.fate) {
        (Some(RowStanding::Escaped), Fate::Caught(by)) => {
            let by: Vec<&str> = by.iter().map(|invariant| invariant.name()).collect();
            told.push(format!("it escaped: no random plan violated {}", by.join(" or ")));
        }
        (Some(RowStanding::Vacuous), _) => {
            told.push("the invariants that it is about were never judged".to_owned());
        }
        (Some(RowStanding::Bites), _) => told.push("something was violated".to_owned()),
        (Some(RowStanding::NoHazard), _) => told.push("no hazard was seen".to_owned()),
        (Some(RowStanding::Found), _) if of.figures.is_late() => {
            told.push("it takes more than 1,000 seeds in the median".to_owned());
        }
        _ => {}
    }
    told
}

fn summary(measured: &Measured) -> String {
    let standing =
        |standing| measured.rows.iter().filter(|row| row.standing == Some(standing)).count() as u64;
    let in_time =
        measured.rows.iter().filter(|row| row.standing == Some(RowStanding::Found) && !row.figures.is_late());
    let not_run = measured.rows.iter().filter(|row| row.standing.is_none()).count() as u64;
    let mut words = vec![format!(
        "{} of {} found by chance, in the median within 1,000 seeds",
        in_time.count(),
        counted(measured.rows.len() as u64, "bug")
    )];
    for what in [
        RowStanding::Scripted,
        RowStanding::Harmless,
        RowStanding::Control,
        RowStanding::Escaped,
        RowStanding::Bites,
        RowStanding::NoHazard,
        RowStanding::FalseAlarm,
        RowStanding::Vacuous,
        RowStanding::BrokenOff,
    ] {
        if standing(what) > 0 {
            words.push(format!("{} {}", standing(what), what.name()));
        }
    }
    if not_run > 0 {
        words.push(format!("{not_run} not run to their end"));
    }
    words.join(", ")
}

/// The lines with their columns below each other; the last is as long as it is.
fn aligned<const N: usize>(lines: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect()
}
