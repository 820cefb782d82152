//! The page of a sweep.

use std::collections::BTreeMap;

use super::document::{Block, Card, Cell, Document, Lead, Section, Table, Tone, embedded, numbers, words};
use super::view::runs;
use crate::chart::grouped;
use crate::sweep_page::{Agreement, CallLine, ConfirmedLine, Counted, ScenarioLine, SweepPage};

/// How many closest calls stand open; the others are folded.
const CALLS: usize = 8;

/// A sweep, on a page.
pub(crate) fn document(sweep: &SweepPage) -> Document {
    let mut sections = vec![scenarios(sweep)];
    if !sweep.failures.is_empty() {
        sections.insert(0, failures(sweep));
    }
    sections.extend(sweep.confirmed.as_deref().map(confirmed));
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
    let confirmed = sweep.confirmed.as_deref().unwrap_or_default();
    let dissents = confirmed.iter().filter(|run| run.agreement == Agreement::Other).count();
    let (tone, headline) = match (tone, dissents) {
        (_, 0) | (Tone::Bad, _) => (tone, headline),
        _ => (Tone::Bad, format!("The two engines disagree on {}", counted(dissents, "run"))),
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
    let because: Vec<String> = incomplete.into_iter().chain(confirming(sweep)).collect();
    let is_sure = sweep.incomplete.is_none() && (sweep.confirmed.is_none() || says_something(confirmed));
    Lead {
        tone: if !is_sure && tone == Tone::Good { Tone::Doubtful } else { tone },
        headline,
        because,
        cards,
        blocks: Vec::new(),
        command: sweep.command.clone(),
    }
}

/// Whether the other engine could say anything.
fn says_something(runs: &[ConfirmedLine]) -> bool {
    runs.iter().any(|run| run.agreement != Agreement::Unknown)
}

/// What the other engine says, in a sentence; nothing if it was not asked.
fn confirming(sweep: &SweepPage) -> Option<String> {
    let asked = sweep.confirmed.as_ref()?;
    let all = runs(asked.len() as u64);
    if !says_something(asked) {
        return Some(format!(
            "Of {all} that turmoil was asked about none could be compared: this says nothing about the two engines."
        ));
    }
    let count = |wanted: Agreement| asked.iter().filter(|run| run.agreement == wanted).count() as u64;
    let [same, other, unknown] =
        [Agreement::Same, Agreement::Other, Agreement::Unknown].map(|of| grouped(count(of)));
    Some(format!(
        "Of {all} that turmoil was asked about, {same} came to the same verdict there, {other} to another, and {unknown} could not \
         be compared."
    ))
}

/// What the other engine says of each run: where the two disagree stands first, with lines to see both.
fn confirmed(asked: &[ConfirmedLine]) -> Section {
    let mut ordered: Vec<&ConfirmedLine> = asked.iter().collect();
    ordered.sort_by_key(|run| run.agreement);
    let mut blocks = Vec::new();
    for run in ordered.iter().filter(|run| run.agreement == Agreement::Other) {
        blocks.push(Block::Text(format!("{}: {} on sim, {} on turmoil.", run.run, run.here, run.there)));
        blocks.push(Block::Lines(run.lines.clone()));
    }
    let columns = [words("run"), words("on sim"), words("on turmoil"), words("the engines agree?")];
    let mut table = Table::new("What each run came to on either engine", columns);
    for run in ordered {
        let agreement = match run.agreement {
            Agreement::Other => Cell::new("no").toned(Tone::Bad),
            Agreement::Same => Cell::new("yes").toned(Tone::Good),
            Agreement::Unknown => Cell::new("cannot be compared").toned(Tone::Doubtful),
        };
        let texts = [&run.run, &run.here, &run.there].map(|text| Cell::new(text.clone()));
        table.rows.push(texts.into_iter().chain([agreement]).collect());
    }
    blocks.push(if asked.is_empty() {
        Block::Text("There was no run to confirm.".to_owned())
    } else {
        Block::Table(table)
    });
    Section { id: "confirmed", title: "Confirmed on turmoil".to_owned(), blocks }
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
        if let Some(timeline) = &failure.timeline {
            blocks.push(Block::Link("Who believed what: its timeline".to_owned(), timeline.clone()));
        }
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
