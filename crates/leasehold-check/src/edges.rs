//! Each clause on both sides of its boundaries.
//!
//! A clause says with how little it is broken: a nanosecond, a token, an event, a second one of a kind. So each edge
//! below is two runs that differ in one event, or in the instant at which the run ends: one just breaks the clause,
//! and one just does not. What the checkers' own tests say at length stands here once, as data, and no clause can be
//! added without it: the clauses are read from the documentation and the code of the checkers.

mod leases;
mod registry;
mod resources;
mod views;

use std::borrow::ToOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::string::String;
use std::vec::Vec;

use crate::invariant::Invariant;
use crate::report::InvariantReport;
use crate::script::*;

/// When a run ends, unless an edge says otherwise.
const END: SimInstant = s(900);

/// Two runs on either side of a boundary.
pub(super) struct Edge {
    clause: &'static str,
    header: Header,
    /// What happens in both.
    given: Vec<Event>,
    holds: Side,
    breaks: Side,
    why: Why,
}

/// Why a clause is not broken on that side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Kept,
    /// More went wrong than its promise bears.
    Excused,
}

/// What is only so on one side.
struct Side {
    event: Option<Event>,
    ended_at: SimInstant,
}

impl Edge {
    /// Of a clause, under this header; in both runs this happens, and nothing else until more is said.
    pub(super) fn of(clause: &'static str, header: Header, given: &[Event]) -> Self {
        let side = || Side { event: None, ended_at: END };
        Self { clause, header, given: given.to_vec(), holds: side(), breaks: side(), why: Why::Kept }
    }

    /// With this event the clause holds; it is not there in the other run.
    pub(super) fn holds(mut self, event: Event) -> Self {
        self.holds.event = Some(event);
        self
    }

    /// This event excuses what happens; it is not there in the other run.
    pub(super) fn excuses(mut self, event: Event) -> Self {
        self.why = Why::Excused;
        self.holds(event)
    }

    /// With this event it does not.
    pub(super) fn breaks(mut self, event: Event) -> Self {
        self.breaks.event = Some(event);
        self
    }

    /// It holds if the run ends then, and does not if it ends a nanosecond later.
    pub(super) fn holds_until(mut self, ended_at: SimInstant) -> Self {
        self.holds.ended_at = ended_at;
        self.breaks.ended_at = just_after(ended_at);
        self
    }

    /// What happens on a side, in the order of time. What shares an instant with what is only so on this side came first.
    fn run(&self, side: &Side) -> InvariantReport {
        let mut events: Vec<Event> = self.given.iter().copied().chain(side.event).collect();
        events.sort_by_key(|event| event.at);
        judgement_with(&self.header, &events, side.ended_at).invariants.remove(0)
    }

    /// That the two differ by what a boundary is: where one event only comes at another time, by a nanosecond.
    fn assert_is_narrow(&self, name: &str) {
        let Self { holds, breaks, .. } = self;
        let moved = match (holds.event, breaks.event) {
            (Some(one), Some(other)) if Event { at: other.at, ..one } == other => {
                Some((one.at.as_nanos(), other.at.as_nanos()))
            }
            (None, None) => Some((holds.ended_at.as_nanos(), breaks.ended_at.as_nanos())),
            _ => None,
        };
        let is_narrow = moved.is_none_or(|(one, other)| one.abs_diff(other) == 1);
        assert!(is_narrow, "{name}: the sides are {moved:?} apart, and a nanosecond is enough");
    }
}

/// All edges, by invariant.
fn edges() -> Vec<(Invariant, Edge)> {
    [leases::edges(), resources::edges(), registry::edges(), views::edges()].into_iter().flatten().collect()
}

#[test]
fn each_clause_is_broken_on_one_side_of_its_boundary_and_not_on_the_other() {
    let mut places: BTreeMap<&str, u32> = BTreeMap::new();
    for (invariant, edge) in edges() {
        let place = places.entry(edge.clause).and_modify(|place| *place += 1).or_insert(1);
        let name = format!("{}, {}, number {place}", invariant.id(), edge.clause);
        edge.assert_is_narrow(&name);
        let (holds, breaks) = (edge.run(&edge.holds), edge.run(&edge.breaks));
        assert_eq!(breaks.clauses(), [edge.clause], "{name}: what breaks it");
        assert_eq!(holds.clauses(), [""; 0], "{name}: what just does not");
        assert_eq!(breaks.excused, 0, "{name}: nothing excuses it");
        assert_eq!(holds.excused > 0, edge.why == Why::Excused, "{name}: why it does not");
    }
}

macro_rules! sources {
    ($($path:literal,)*) => { &[$(($path, include_str!($path))),*] };
}

/// The checkers, and their parts.
const SOURCES: &[(&str, &str)] = sources![
    "acknowledged_is_alive.rs",
    "applied_once.rs",
    "atomic_end.rs",
    "bounded_staleness.rs",
    "bounded_staleness/calls.rs",
    "bounded_staleness/departure.rs",
    "bounded_staleness/lingering.rs",
    "bounded_staleness/views.rs",
    "bounded_staleness/visibility.rs",
    "conservation.rs",
    "exclusivity.rs",
    "false_expiry.rs",
    "fencing.rs",
    "linearizable_register.rs",
    "liveness.rs",
    "load.rs",
    "lock_delay.rs",
    "mass_expiry.rs",
    "monotonic_reads.rs",
    "no_early_end.rs",
    "no_immortal_lease.rs",
    "no_lost_update.rs",
    "no_resurrection.rs",
    "owner_only.rs",
    "progress.rs",
    "self_stop.rs",
    "token_order.rs",
    "watch.rs",
];

#[test]
fn no_clause_is_without_an_edge() {
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (invariant, edge) in edges() {
        shown.entry(invariant.id().into()).or_default().insert(edge.clause.into());
    }
    let documented: BTreeMap<_, _> =
        SOURCES.iter().filter_map(|(_, text)| Some((id_of(text)?, documented(text)))).collect();
    let all = Invariant::ALL.len();
    assert_eq!(documented.len(), all, "each invariant has a file above, whose first line begins with its id");
    assert_eq!(
        shown, documented,
        "the clauses of the edges, and those that the checkers' first comments list"
    );
}

/// Without this a clause could be in the code alone, or in a comment.
#[test]
fn the_clauses_that_a_checker_tells_of_are_those_that_its_first_comment_lists() {
    for (path, text) in SOURCES.iter().filter(|(_, text)| id_of(text).is_some()) {
        let folder = path.replace(".rs", "/");
        let parts = SOURCES.iter().filter(|(path, _)| path.starts_with(&folder)).map(|(_, text)| text);
        let told: BTreeSet<String> = parts.chain([text]).flat_map(|text| literals(code(text))).collect();
        let listed = documented(text);
        let unlisted: Vec<_> = told.difference(&listed).filter(|word| word.contains('-')).collect();
        assert!(unlisted.is_empty(), "{path}: its first comment does not list {unlisted:?}");
        let untold: Vec<_> = listed.difference(&told).collect();
        assert!(untold.is_empty(), "{path}: nothing is ever told of {untold:?}");
    }
}

/// Which invariant a file is about: its first line begins with the id.
fn id_of(text: &str) -> Option<String> {
    let (id, _) = text.strip_prefix("//! ")?.split_once(':')?;
    Invariant::ALL.iter().any(|invariant| invariant.id() == id).then(|| id.to_owned())
}

/// The clauses that a file's first comment tells of: one behind "**Violation**", or a list below "**Violations**".
fn documented(text: &str) -> BTreeSet<String> {
    let mut lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim_start);
    let Some(begins) = lines.find(|line| line.starts_with("**Violation")) else { return BTreeSet::new() };
    let names = |line: &str| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    if begins.starts_with("**Violation** ") {
        return names(begins).into_iter().take(1).collect();
    }
    let list = lines.skip_while(|line| !line.starts_with("* ")).take_while(|line| !line.is_empty());
    let heads = list.filter(|line| line.starts_with("* ")).map(|line| line.split(':').next().unwrap_or(line));
    heads.flat_map(names).collect()
}

/// A file without its tests.
fn code(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests {").map_or(text, |(code, _)| code)
}

/// The quoted words in it that could name a clause.
fn literals(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
    let is_name = |word: &&str| word.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-');
    words.filter(is_name).map(str::to_owned).collect()
}
