//! The page of a sweep.

use std::collections::BTreeMap;

use super::document::{Block, Card, Cell, Document, Lead, Section, Table, Tone, embedded, numbers, words};
use super::view::runs;
use crate::chart::grouped;
use crate::sweep_page::{CallLine, Counted, ScenarioLine, SweepPage};

/// How many closest calls stand open; the others are folded.
const CALLS: usize = 8;

/// A sweep, on a page.
pub(crate) fn document(sweep: &SweepPage) -> Document {
    let mut sections = vec![scenarios(sweep)];
    if !sweep.failures.is_empty() {
        sections.insert(0, failures(sweep));
    }
    sections.extend([closest(sweep), reach(sweep), faults(sweep)]);
    Document {
        kind: "Leasehold sweep",
        title: format!("{} of {}", runs(sweep.runs), counted(sweep.scenarios.len(), "scenario")),
        summary: String::new(),
        facts: vec![
            ("scenarios", format!("{}, listed in manifest.json", grouped(sweep.scenarios.len() as u64))),
            ("seeds", sweep.seeds.clone()),
            ("runs", grouped(sweep.runs)),
            ("simulated", format!("{:.1}\u{a0}h", sweep.simulated / 3_600.0)),
            ("tool", format!("leasehold {}", sweep.tool)),
        ],
        lead: lead(sweep),
        sections,
        data: embedded(sweep),
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

fn lead(sweep: &SweepPage) -> Lead {
    let unmet = sweep.scenarios.iter().filter(|scenario| !scenario.unmet.is_empty()).count();
    let (tone, headline) = match sweep.standing.as_str() {
        "met" => (Tone::Good, "Every scenario came to what it expects".to_owned()),
        "vacuous" => (Tone::Doubtful, "Nothing failed, but runs said less than they should".to_owned()),
        "not-deterministic" => (Tone::Bad, "Runs came to another digest when they were run again".to_owned()),
        _ => (Tone::Bad, format!("{} did not come to what is expected", counted(unmet, "scenario"))),
    };
    let reached = sweep.reach.iter().filter(|place| place.runs > 0).count();
    let paired = sweep.pairs.iter().filter(|pair| pair.runs > 0).count();
    let card =
        |name: &str, value: String, below: String| Card { name: name.to_owned(), value, below: vec![below] };
    let cards = vec![
        card(
            "failed",
            grouped(sweep.failed),
            format!("of {}, in {}", runs(sweep.runs), counted(sweep.failures.len(), "way")),
        ),
        card("places reached", grouped(reached as u64), format!("of {}", sweep.reach.len())),
        card(
            "pairs of faults",
            grouped(paired as u64),
            format!("of {} that the runs can have", grouped(sweep.pairs.len() as u64)),
        ),
    ];
    let incomplete = sweep.incomplete.as_ref().map(|why| format!("It is not complete: {why}."));
    Lead {
        tone: if incomplete.is_some() && tone == Tone::Good { Tone::Doubtful } else { tone },
        headline,
        because: incomplete.into_iter().collect(),
        cards,
        blocks: Vec::new(),
        command: sweep.command.clone(),
    }
}

fn failures(sweep: &SweepPage) -> Section {
    let mut blocks = Vec::new();
    for failure in &sweep.failures {
        let seeds: Vec<String> = failure.seeds.iter().take(5).map(ToString::to_string).collect();
        let folder = failure.folder.as_ref().map_or_else(String::new, |folder| format!("; kept in {folder}"));
        blocks.push(Block::Text(format!(
            "{}: {} in {}, first under the seeds {}{folder}.",
            failure.what,
            runs(failure.runs),
            failure.scenario,
            seeds.join(", ")
        )));
        blocks.push(Block::Lines(failure.lines.clone()));
    }
    Section { id: "failures", title: "What failed".to_owned(), blocks }
}

fn scenarios(sweep: &SweepPage) -> Section {
    let columns = [
        words("scenario"),
        words("expects"),
        numbers("runs"),
        numbers("failed"),
        numbers("with a hazard"),
        words("verdicts"),
        words("as expected?"),
    ];
    let mut table = Table::new("The scenarios, and what they came to", columns);
    // What is not as expected stands first.
    let mut scenarios: Vec<&ScenarioLine> = sweep.scenarios.iter().collect();
    scenarios.sort_by_key(|scenario| scenario.unmet.is_empty());
    for scenario in scenarios {
        table.rows.push(vec![
            Cell::new(scenario.id.clone()),
            Cell::new(scenario.expects.clone()),
            count(scenario.runs),
            count(scenario.failed).toned(if scenario.failed > 0 { Tone::Bad } else { Tone::Plain }),
            count(scenario.hazards),
            Cell::new(verdicts(&scenario.verdicts)),
            as_expected(scenario),
        ]);
    }
    let all = format!("Verdicts of all runs: {}.", verdicts(&sweep.verdicts));
    Section {
        id: "scenarios",
        title: "Verdicts".to_owned(),
        blocks: vec![Block::Text(all), Block::Table(table)],
    }
}

fn as_expected(scenario: &ScenarioLine) -> Cell {
    if scenario.unmet.is_empty() {
        Cell::new("yes").toned(Tone::Good)
    } else {
        Cell::new(format!("no: {}", scenario.unmet.join("; "))).toned(Tone::Bad)
    }
}

fn verdicts(counts: &[Counted]) -> String {
    let told: Vec<String> = counts.iter().map(|of| format!("{} {}", of.name, grouped(of.count))).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn count(count: u64) -> Cell {
    Cell::new(grouped(count)).sorted_by(count as f64)
}

/// A count that should not be nothing.
fn wanted(times: u64) -> Cell {
    match times {
        0 => Cell::new("never").toned(Tone::Bad).sorted_by(0.0),
        times => count(times),
    }
}

fn closest(sweep: &SweepPage) -> Section {
    let mut blocks = Vec::new();
    if sweep.closest.is_empty() {
        blocks.push(Block::Text("No invariant with a bound in time was judged.".to_owned()));
    } else {
        let table = |calls: &[CallLine], caption: String| {
            let columns = [
                words("invariant"),
                numbers("left"),
                numbers("of its bound"),
                words("in"),
                words("run it again"),
            ];
            let mut table = Table::new(caption, columns);
            table.rows.extend(calls.iter().map(call));
            table
        };
        let (open, folded) = sweep.closest.split_at(sweep.closest.len().min(CALLS));
        blocks.push(Block::Table(table(
            open,
            "How much was left before an invariant would have been false".to_owned(),
        )));
        if !folded.is_empty() {
            blocks.push(Block::Folded(table(folded, format!("The other {}", folded.len()))));
        }
    }
    Section { id: "closest", title: "Closest calls".to_owned(), blocks }
}

fn call(of: &CallLine) -> Vec<Cell> {
    let share = of.of.filter(|bound| *bound > 0.0).map(|bound| of.left / bound * 100.0);
    let share =
        share.map_or_else(|| Cell::new(""), |share| Cell::new(format!("{share:.1}\u{a0}%")).sorted_by(share));
    vec![
        Cell::new(format!("{} {}", of.id, of.invariant)),
        Cell::new(format!("{:.3}\u{a0}s", of.left)).sorted_by(of.left),
        share,
        Cell::new(of.scenario.clone()),
        Cell::new(of.line.clone()),
    ]
}

fn reach(sweep: &SweepPage) -> Section {
    let mut table = Table::new(
        "In how many runs each place was passed",
        [words("place"), numbers("runs"), words("required by, and missed in")],
    );
    // What was never reached stands first: that is what somebody has to look at.
    let mut places: Vec<_> = sweep.reach.iter().collect();
    places.sort_by_key(|place| (place.missed_in.is_empty(), place.runs > 0));
    for place in places {
        let missed = if place.missed_in.is_empty() {
            Cell::new("")
        } else {
            Cell::new(format!("missed in {}", place.missed_in.join(", "))).toned(Tone::Bad)
        };
        table.rows.push(vec![Cell::new(place.place.clone()), wanted(place.runs), missed]);
    }
    let never = sweep.reach.iter().filter(|place| place.runs == 0).count();
    let text = format!(
        "{} of {} places were reached by some run, {never} by none. Not every scenario can reach every place: what a scenario \
         requires and misses is marked, and makes its pass vacuous.",
        sweep.reach.len() - never,
        sweep.reach.len()
    );
    Section { id: "reach", title: "Reach".to_owned(), blocks: vec![Block::Text(text), Block::Table(table)] }
}

fn faults(sweep: &SweepPage) -> Section {
    let mut blocks = Vec::new();
    if sweep.faults.is_empty() {
        blocks.push(Block::Text("No run has a fault.".to_owned()));
        return Section { id: "faults", title: "Faults".to_owned(), blocks };
    }
    let columns = [words("kind"), numbers("scheduled"), numbers("fired"), numbers("landed")];
    let mut table =
        Table::new("What became of the faults: scheduled, fired, and landed on something", columns);
    for of in &sweep.faults {
        table.rows.push(vec![
            Cell::new(of.kind.clone()),
            wanted(of.scheduled),
            wanted(of.fired),
            wanted(of.landed),
        ]);
    }
    blocks.push(Block::Table(table));
    if !sweep.pairs.is_empty() {
        let seen = sweep.pairs.iter().filter(|pair| pair.runs > 0).count();
        blocks.push(Block::Text(format!(
            "{} of {} pairs of kinds were in effect at one instant of some run.",
            grouped(seen as u64),
            grouped(sweep.pairs.len() as u64)
        )));
        blocks.push(Block::Table(pairs(sweep)));
    }
    Section { id: "faults", title: "Faults, and which came together".to_owned(), blocks }
}

/// A row for each kind: with which others it came together, and with which never.
fn pairs(sweep: &SweepPage) -> Table {
    let mut with: BTreeMap<&str, Vec<(u64, &str)>> = BTreeMap::new();
    for pair in &sweep.pairs {
        with.entry(&pair.one).or_default().push((pair.runs, &pair.other));
        if pair.one != pair.other {
            with.entry(&pair.other).or_default().push((pair.runs, &pair.one));
        }
    }
    let columns = [words("kind"), words("together with, in so many runs"), words("together with, never")];
    let mut table = Table::new("Pairs of kinds of faults", columns);
    for (kind, mut others) in with {
        others.sort_by_key(|(runs, other)| (std::cmp::Reverse(*runs), *other));
        let (seen, never): (Vec<_>, Vec<_>) = others.into_iter().partition(|(runs, _)| *runs > 0);
        let seen: Vec<String> =
            seen.into_iter().map(|(runs, other)| format!("{other} {}", grouped(runs))).collect();
        let never: Vec<&str> = never.into_iter().map(|(_, other)| other).collect();
        let never =
            if never.is_empty() { Cell::new("") } else { Cell::new(never.join(", ")).toned(Tone::Bad) };
        table.rows.push(vec![Cell::new(kind), Cell::new(seen.join(", ")), never]);
    }
    table
}
