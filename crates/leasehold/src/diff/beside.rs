//! Two recorded runs side by side, by time: for runs that are not meant to be the same, as those of two engines.
//!
//! The turning points of both, each of one with the like of the other: what the same node did, in the same words but for
//! the numbers in them, as often. Between them stands what only one of them has.

use std::collections::BTreeMap;

use leasehold_campaign::{RejudgeError, TraceReader, rejudge};
use leasehold_check::{Finding, Invariant};
use leasehold_core::event::{DiscoveryEvent, EventKind, NodeEvent, Probe, RegistryEvent, WorldEvent};
use leasehold_core::{Event, SimInstant};
use leasehold_scenario::{Observer, Report};
use serde_json::{Value, json};

use crate::names::Names;
use crate::page::Page;
use crate::panics;
use crate::words;

/// Something to be told of a run.
struct Point {
    at: SimInstant,
    who: String,
    what: String,
}

impl Point {
    /// What it has in common with its like in another run: all but numbers and times.
    fn kind(&self) -> (String, String) {
        let is_name = |c: char| c.is_ascii_alphabetic() || c == '-';
        let mut kind = String::new();
        // A number that is part of a name (`holder-2`) stays.
        let mut in_name = false;
        for c in self.what.chars() {
            in_name = is_name(c) || (in_name && c.is_ascii_digit());
            if in_name || !(c.is_ascii_digit() || c == '.') {
                kind.push(c);
            }
        }
        (self.who.clone(), kind)
    }
}

/// One run: its turning points, and what it came to.
pub(super) struct Side {
    points: Vec<Point>,
    report: Report,
}

/// Collects the turning points of a run while it is judged again.
struct Points<'n> {
    names: &'n Names,
    points: Vec<Point>,
}

impl Observer for Points<'_> {
    fn event(&mut self, event: &Event) {
        if is_turning_point(&event.kind) {
            let who = event.node.map_or(String::new(), |node| self.names.node(node).to_owned());
            self.points.push(Point { at: event.at, who, what: words::happened(self.names, event) });
        }
    }

    fn finding(&mut self, finding: &Finding) {
        self.points.push(Point { at: finding.at(), who: String::new(), what: words::found(finding) });
    }
}

impl Side {
    /// Reads a trace to its end.
    ///
    /// # Errors
    ///
    /// If the trace is damaged, or tells of what this version does not know.
    pub(super) fn read(trace: &mut TraceReader, names: &Names) -> Result<Self, RejudgeError> {
        let mut points = Points { names, points: Vec::new() };
        let judged = panics::watch(|| rejudge(trace, &mut points)).0?;
        Ok(Self { points: points.points, report: judged.report })
    }

    /// The invariants that were violated, in the order of their ids.
    fn violated(&self) -> Vec<Invariant> {
        let reports = self.report.judgement.invariants.iter().filter(|report| report.violations > 0);
        reports.map(|report| report.invariant).collect()
    }

    fn reached(&self) -> Vec<Probe> {
        let reach = self.report.judgement.reach.iter().filter(|(_, times)| *times > 0);
        reach.map(|(probe, _)| *probe).collect()
    }

    fn verdict(&self) -> String {
        let violated: Vec<String> = self
            .violated()
            .iter()
            .map(|invariant| format!("{} {}", invariant.id(), invariant.name()))
            .collect();
        match violated.is_empty() {
            true => self.report.verdict.name().to_owned(),
            false => format!("{}: {}", self.report.verdict.name(), violated.join(", ")),
        }
    }
}

/// Whether the course of a run hangs on it: what is done to it, grants and ends, and what anybody believes of them.
fn is_turning_point(kind: &EventKind) -> bool {
    match kind {
        EventKind::Node(said) => match said {
            NodeEvent::Granted { .. }
            | NodeEvent::EndOrdered { .. }
            | NodeEvent::Ended { .. }
            | NodeEvent::Recovered { .. }
            | NodeEvent::ClaimStarted(_)
            | NodeEvent::ClaimEnded { .. }
            | NodeEvent::Withdrew { .. }
            | NodeEvent::AccessRefused { .. } => true,
            NodeEvent::Registry(said) => matches!(
                said,
                RegistryEvent::Registered { .. }
                    | RegistryEvent::StatusChanged { .. }
                    | RegistryEvent::Deregistered { .. }
                    | RegistryEvent::DeregistrationSent { .. }
                    | RegistryEvent::EndsWithheld { .. }
                    | RegistryEvent::EndsAdmitted
                    | RegistryEvent::WorkStopped { .. }
                    | RegistryEvent::WorkWentOn { .. }
            ),
            NodeEvent::Discovery(said) => matches!(
                said,
                DiscoveryEvent::ViewListed { .. }
                    | DiscoveryEvent::ViewDropped { .. }
                    | DiscoveryEvent::ResyncStarted
                    | DiscoveryEvent::WatchLost
                    | DiscoveryEvent::ViewLapsed
                    | DiscoveryEvent::CacheFroze
                    | DiscoveryEvent::CacheThawed
            ),
            _ => false,
        },
        EventKind::World(WorldEvent::MessageLost { .. }) => false,
        EventKind::World(_) => true,
    }
}

/// A turning point of either run, or of both.
struct Row<'p> {
    sides: [Option<&'p Point>; 2],
}

impl Row<'_> {
    /// What it is sorted by: the first of the two.
    fn at(&self) -> SimInstant {
        self.sides.iter().flatten().map(|point| point.at).min().expect("a row has a side")
    }
}

/// The n-th of a kind on one side stands beside the n-th on the other.
fn rows<'p>([a, b]: [&'p [Point]; 2]) -> Vec<Row<'p>> {
    let mut of_kind: BTreeMap<_, [Vec<&Point>; 2]> = BTreeMap::new();
    for (side, points) in [a, b].into_iter().enumerate() {
        for point in points {
            of_kind.entry(point.kind()).or_default()[side].push(point);
        }
    }
    let mut rows = Vec::new();
    for [a, b] in of_kind.into_values() {
        for place in 0..a.len().max(b.len()) {
            rows.push(Row { sides: [a.get(place).copied(), b.get(place).copied()] });
        }
    }
    rows.sort_by_key(Row::at);
    rows
}

/// Prints both, and what they came to.
pub(super) fn print(page: &mut Page, sides: &[Side; 2]) {
    let points = sides.each_ref().map(|side| side.points.as_slice());
    let width = points.into_iter().flatten().map(|point| point.who.len()).max().unwrap_or(0).max(4);
    page.line(format_args!("\n{:>11}  {:>11}  {:width$}  what happened", "A", "B", "node"));
    for Row { sides } in rows(points) {
        let [a, b] = sides.map(|point| point.map_or_else(|| "-".to_owned(), |point| point.at.to_string()));
        let [one, other] = sides.map(|point| point.map(|point| point.what.as_str()));
        let who = sides.into_iter().flatten().next().map_or("", |point| point.who.as_str());
        let what = one.or(other).unwrap_or_default();
        page.line(format_args!("{a:>11}  {b:>11}  {who:width$}  {what}"));
        if let (Some(one), Some(other)) = (one, other)
            && one != other
        {
            page.line(format_args!("{:>11}  {:>11}  {:width$}  {other}", "", "", ""));
        }
    }
    page.line(format_args!(""));
    for (mark, side) in ["A", "B"].into_iter().zip(sides) {
        page.line(format_args!("{mark}  {}", side.verdict()));
    }
    for (mark, only) in ["A", "B"].into_iter().zip(reached_by_one(sides)) {
        if !only.is_empty() {
            page.line(format_args!("only {mark} reached {}", only.join(", ")));
        }
    }
}

/// The places that only the one run, and that only the other reached.
fn reached_by_one(sides: &[Side; 2]) -> [Vec<&'static str>; 2] {
    let reached = sides.each_ref().map(Side::reached);
    let only = |one: usize, other: usize| {
        let only = reached[one].iter().filter(|probe| !reached[other].contains(probe));
        only.map(|probe| probe.name()).collect()
    };
    [only(0, 1), only(1, 0)]
}

/// Whether both came to the same: verdict, and which invariants were violated.
pub(super) fn agree(sides: &[Side; 2]) -> bool {
    let [a, b] = sides;
    a.report.verdict == b.report.verdict && a.violated() == b.violated()
}

/// The same as an object.
pub(super) fn object(sides: &[Side; 2]) -> Value {
    let told = |point: &Point| json!({ "at": point.at, "node": point.who, "told": point.what });
    let points = sides.each_ref().map(|side| side.points.as_slice());
    let rows: Vec<Value> = rows(points)
        .iter()
        .map(|row| json!({ "a": row.sides[0].map(told), "b": row.sides[1].map(told) }))
        .collect();
    let came_to = |side: &Side| {
        let violated: Vec<&str> = side.violated().iter().map(|invariant| invariant.name()).collect();
        json!({ "verdict": side.report.verdict, "violated": violated })
    };
    let [only_a, only_b] = reached_by_one(sides);
    json!({
        "agree": agree(sides),
        "a": came_to(&sides[0]),
        "b": came_to(&sides[1]),
        "reached_only_by": { "a": only_a, "b": only_b },
        "rows": rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: u64, who: &str, what: &str) -> Point {
        Point { at: SimInstant::from_nanos(second * 1_000_000_000), who: who.into(), what: what.into() }
    }

    /// Seconds of either side, and what stands there.
    fn told(a: &[Point], b: &[Point]) -> Vec<(Option<u64>, Option<u64>, String)> {
        let second = |point: Option<&Point>| point.map(|point| point.at.as_nanos() / 1_000_000_000);
        let of = |row: &Row<'_>| {
            let what = row.sides.iter().flatten().next().map(|point| point.what.clone());
            (second(row.sides[0]), second(row.sides[1]), what.unwrap())
        };
        rows([a, b]).iter().map(of).collect()
    }

    #[test]
    fn the_like_stands_beside_the_like_whatever_its_numbers() {
        let a = [point(1, "holder-1", "claims until 9.5 s"), point(4, "grantor", "ends lease 1 of holder-1")];
        let b = [point(2, "holder-1", "claims until 9.8 s"), point(5, "grantor", "ends lease 3 of holder-2")];
        assert_eq!(
            told(&a, &b),
            [
                (Some(1), Some(2), "claims until 9.5 s".to_owned()),
                (Some(4), None, "ends lease 1 of holder-1".to_owned()),
                (None, Some(5), "ends lease 3 of holder-2".to_owned()),
            ],
            "numbers differ, names do not"
        );
    }

    #[test]
    fn what_happens_more_often_on_one_side_is_alone_there() {
        let a = [point(1, "x", "crashes"), point(7, "x", "crashes")];
        let b = [point(2, "x", "crashes"), point(2, "y", "crashes")];
        let told: Vec<_> = told(&a, &b).into_iter().map(|(a, b, _)| (a, b)).collect();
        assert_eq!(told, [(Some(1), Some(2)), (None, Some(2)), (Some(7), None)]);
    }
}
