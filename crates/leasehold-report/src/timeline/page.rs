//! The timeline as one HTML file: no network, readable without its script.

use askama::Template;
use leasehold_core::{Event, SimInstant};

use super::chart::Chart;
use super::choice::MOST_SHOWN;
use super::embedded;
use super::ink::escape;
use super::lanes::Lanes;
use super::lead::lead;
use super::picture::{AlarmKind, Happening, Picture};
use crate::words::{self, clock_time};

/// So many rows stand in the table of turning points. Chosen by us: whoever needs more reads the log below it.
const MOST_ROWS: usize = 300;

/// So many lines stand in the log. Chosen by us: it is half of the page's size.
const MOST_LINES: usize = 3_000;

/// The chart of the last moments before what was found.
const CLOSE_UP: &str = "close-up";

/// What is said of a run beside what is drawn of it.
#[derive(Clone, Debug, Default)]
pub struct Caption {
    /// What its scenario is about, in a sentence; empty if that is not known.
    pub summary: String,
    /// The line to paste to see it again.
    pub command: String,
    /// What happened, in sentences, each with its time; empty if there is nothing to tell.
    pub story: Vec<(SimInstant, String)>,
    /// Who believed what in the end.
    pub beliefs: Vec<String>,
    /// What went wrong, in a sentence.
    pub ending: Option<String>,
    /// What shows it.
    pub evidence: Vec<String>,
}

/// A numbered sentence that is pinned to the chart.
#[derive(Clone, Debug)]
pub(super) struct Pin {
    pub(super) number: usize,
    pub(super) at: SimInstant,
    pub(super) text: String,
}

struct Said {
    number: usize,
    at: String,
    text: String,
}

struct Row {
    at: String,
    node: String,
    clock: String,
    text: String,
    class: &'static str,
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct Page<'p> {
    scenario: &'p str,
    caption: &'p Caption,
    lead: String,
    verdict: &'static str,
    failed: bool,
    facts: Vec<(&'static str, String)>,
    story: Vec<Said>,
    charts: Vec<Chart>,
    first_alarm: Option<String>,
    /// The chart that the link to what was found leads to.
    jump: &'static str,
    alarms: Vec<(String, String, &'static str)>,
    left_out: Vec<String>,
    rows: Vec<Row>,
    rows_left_out: Option<String>,
    log: String,
    log_lines: String,
    /// The number of the first event in the log, from 0.
    log_first: usize,
    data: String,
    /// Whose clock stands under the true time at first.
    ruler: u16,
}

/// The page of a picture.
pub fn page(picture: &Picture, caption: &Caption) -> String {
    let header = picture.names.header();
    let pins: Vec<Pin> = (1..)
        .zip(&caption.story)
        .map(|(number, (at, text))| Pin { number, at: *at, text: text.clone() })
        .collect();
    let charts = charts(picture, &pins);
    let data = embedded::data(picture, &charts);
    let rows = rows(picture);
    let turns = picture.happenings.iter().filter(|happening| happening.is_turn).count();
    let alarm = |kind| if kind == AlarmKind::Violation { "violation" } else { "hazard" };
    let page = Page {
        scenario: &header.scenario,
        caption,
        lead: lead(picture, caption),
        verdict: picture.verdict.name(),
        failed: picture.alarms.iter().any(|alarm| alarm.kind == AlarmKind::Violation),
        facts: vec![
            ("seed", header.seed.to_string()),
            ("engine", header.engine.clone()),
            ("system", header.system.clone()),
            ("nodes", words::grouped(header.nodes.len() as u64)),
            ("length", clock_time(picture.ended_at)),
            ("written by", format!("leasehold {}", header.tool)),
        ],
        story: pins
            .iter()
            .map(|pin| Said { number: pin.number, at: clock_time(pin.at), text: pin.text.clone() })
            .collect(),
        jump: charts.iter().find(|chart| chart.id == CLOSE_UP).map_or(charts[0].id, |chart| chart.id),
        first_alarm: picture.first_alarm().map(|alarm| clock_time(alarm.at)),
        alarms: picture
            .alarms
            .iter()
            .map(|found| (clock_time(found.at), found.text.clone(), alarm(found.kind)))
            .collect(),
        left_out: left_out(picture),
        rows_left_out: rows_left_out(picture, turns, rows.len()),
        rows,
        log: log(picture),
        log_lines: log_lines(picture),
        log_first: logged(picture).start,
        charts,
        data,
        ruler: picture.ruler_node().0,
    };
    page.render().expect("a page is written into a string")
}

/// The scene, its last moments, and the whole run.
fn charts(picture: &Picture, pins: &[Pin]) -> Vec<Chart> {
    let lanes = Lanes::of(picture);
    let mut charts = Vec::new();
    let mut draw = |id, title: &str, (from, until): (SimInstant, SimInstant)| {
        let title = format!("{title}, {} to {}", clock_time(from), clock_time(until));
        charts.push(Chart::draw(id, title, picture, &lanes, pins, (from, until)));
    };
    if let Some(scene) = picture.scene() {
        draw("scene", "The scene", scene);
    }
    if let Some(close_up) = picture.close_up() {
        draw(CLOSE_UP, "The last moments", close_up);
    }
    draw("whole", "The whole run", (SimInstant::START, picture.ended_at));
    charts
}

/// What is not shown, a sentence each.
fn left_out(picture: &Picture) -> Vec<String> {
    let out = picture.left_out;
    let mut said = Vec::new();
    if out.events_left_out + out.messages_left_out > 0 {
        let most = words::grouped(MOST_SHOWN as u64);
        said.push(format!(
            "Not all is shown: this page takes {most} events and messages. Left out are {} of {} events and {} of {} messages.",
            words::grouped(out.events_left_out),
            words::grouped(out.events),
            words::grouped(out.messages_left_out),
            words::grouped(out.messages),
        ));
        let nearest = match picture.first_alarm() {
            Some(alarm) => format!("what is nearest to {}, where something was found", clock_time(alarm.at)),
            None => "what is nearest to them".to_owned(),
        };
        said.push(match out.turns_left_out {
            0 => format!("Shown are all turning points, and of the rest {nearest}."),
            1 => format!("Even a turning point is left out; shown is {nearest}."),
            some => format!("Even {} turning points are left out; shown is {nearest}.", words::grouped(some)),
        });
    }
    said.extend(not_drawn(picture));
    said
}

/// What lasts and is not drawn, a sentence; nothing if all of it is.
fn not_drawn(picture: &Picture) -> Option<String> {
    let out = picture.left_out;
    let some = [
        (out.bars, "bars of claims and leases"),
        (out.bands, "pauses and the like"),
        (out.faults, "faults"),
        (out.steps, "rises of a mark"),
        (out.listings, "changes of what views list"),
    ];
    let some: Vec<String> = some
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{what}: {}", words::grouped(count)))
        .collect();
    let is_thinned = out.events_left_out + out.messages_left_out > 0;
    match some.as_slice() {
        [] => is_thinned.then(|| "Bars and bands are whole.".to_owned()),
        some => Some(format!("Too many to draw, and left out: {}.", some.join(", "))),
    }
}

/// What the table of turning points does not have, and where it stands; nothing if it has all.
fn rows_left_out(picture: &Picture, turns: usize, rows: usize) -> Option<String> {
    let more = turns.checked_sub(rows).filter(|more| *more > 0)?;
    let count = words::grouped(more as u64);
    let (noun, verb) = if more == 1 { ("point", "stands") } else { ("points", "stand") };
    let has_all = logged(picture).len() == picture.happenings.len();
    Some(match has_all {
        true => format!("{count} more turning {noun} {verb} in the log below."),
        false => {
            let lines = words::grouped(MOST_LINES as u64);
            format!(
                "{count} more turning {noun} {verb} not here; the log below has the {lines} events around these."
            )
        }
    })
}

fn rows(picture: &Picture) -> Vec<Row> {
    let turns: Vec<&Happening> = picture.happenings.iter().filter(|happening| happening.is_turn).collect();
    let about = picture.first_alarm().map_or(SimInstant::START, |alarm| alarm.at);
    let place = turns.partition_point(|happening| happening.event.at <= about);
    // Most of what explains it stands before it.
    let first = match turns.len() > MOST_ROWS {
        true => place.saturating_sub(MOST_ROWS / 4 * 3).min(turns.len() - MOST_ROWS),
        false => 0,
    };
    let row = |happening: &&Happening| {
        let event = &happening.event;
        Row {
            at: event.at.to_string(),
            node: event.node.map_or_else(String::new, |node| picture.names.node(node).to_owned()),
            clock: own_clock(event),
            text: words::happened(&picture.names, event),
            class: match happening.mark {
                Some(mark) if mark.is_odd() => "odd",
                _ => "",
            },
        }
    };
    turns[first..].iter().take(MOST_ROWS).map(row).collect()
}

fn own_clock(event: &Event) -> String {
    event.node.map_or_else(String::new, |_| {
        leasehold_core::Reading::new(leasehold_core::ClockKind::Boot, event.local).to_string()
    })
}

/// The part of the events that stands in the log: all, or those around what the picture is about.
fn logged(picture: &Picture) -> std::ops::Range<usize> {
    let all = &picture.happenings;
    let about = picture.first_alarm().map_or(SimInstant::START, |alarm| alarm.at);
    let place = all.partition_point(|happening| happening.event.at <= about);
    let first = place.saturating_sub(MOST_LINES / 4 * 3).min(all.len().saturating_sub(MOST_LINES));
    first..all.len().min(first + MOST_LINES)
}

fn log_lines(picture: &Picture) -> String {
    let (shown, all) = (logged(picture).len(), picture.happenings.len());
    match shown == all {
        true => words::counted(all as u64, "event"),
        false => {
            let (shown, all) = (words::grouped(shown as u64), words::grouped(all as u64));
            format!("{shown} of the {all} events that are drawn")
        }
    }
}

/// Events, a line each.
fn log(picture: &Picture) -> String {
    let width = picture.names.longest_node().clamp(4, 24);
    let lines = picture.happenings[logged(picture)].iter().map(|happening| {
        let event = &happening.event;
        let node = event.node.map_or("", |node| picture.names.node(node));
        // A name may hold anything, a line ends where it ends.
        let node = node.replace(['\n', '\r'], " ");
        let text = words::happened(&picture.names, event).replace(['\n', '\r'], " ");
        escape(&format!("{:>11}  {node:width$}  {text}\n", event.at.to_string()))
    });
    lines.collect()
}
