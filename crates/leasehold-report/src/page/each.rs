//! What is best where: advice for each value of one parameter.

use leasehold_check::Better;

use super::document::{Block, Cell, Lead, Section, Table, Tone, numbers, words};
use super::view::{View, with_number};
use crate::study::{Advice, EachAdvice, Gap, Met, ValueAdvice, told_but};

/// The first screen.
pub(super) fn lead(view: &View<'_>, each: &EachAdvice) -> Lead {
    let mut because: Vec<String> = each.values.iter().map(|value| value.because().join(" ")).collect();
    because.push(each.everywhere.said.clone());
    Lead {
        tone: tone(view, each),
        headline: each.headline.clone(),
        because,
        cards: Vec::new(),
        blocks: vec![Block::Table(best_where(view, each))],
        command: view.study.command.clone(),
    }
}

fn tone(view: &View<'_>, each: &EachAdvice) -> Tone {
    let of_value = |value: &ValueAdvice| match value.advice {
        Advice::Take { point, .. } => {
            view.study.points[point].objectives.iter().all(|met| *met == Met::Surely)
        }
        _ => false,
    };
    let has_any = each.values.iter().any(|value| matches!(value.advice, Advice::Take { .. }));
    match (has_any, each.values.iter().all(of_value)) {
        (false, _) => Tone::Bad,
        (true, true) => Tone::Good,
        (true, false) => Tone::Doubtful,
    }
}

/// A row for each value: what is best, its numbers, and what the next best costs more.
fn best_where(view: &View<'_>, each: &EachAdvice) -> Table {
    let study = view.study;
    let name = study.parameters[each.parameter].name.clone();
    let mut columns = vec![words(name.clone()), words("best")];
    columns.extend(view.traits.iter().map(|of| numbers(of.to_string())));
    columns.extend([words("objectives"), words("next best"), words("what that costs more"), words("sure?")]);
    let caption = format!(
        "What is best for each {name}, with what each number lies between with 95\u{a0}%, and the next best beside it"
    );
    let mut table = Table::new(caption, columns);
    for value in &each.values {
        let Some(chosen) = value.chosen() else { continue };
        let told =
            |point: usize| plain(&told_but(&study.parameters, &study.points[point].values, each.parameter));
        let mut best = told(chosen);
        if matches!(value.advice, Advice::NonePasses { .. }) {
            best = format!("none; nearest {best}");
        }
        if !value.equals.is_empty() {
            best.push_str(&format!(
                " (the same: {})",
                value.equals.iter().map(|&point| told(point)).collect::<Vec<_>>().join(", ")
            ));
        }
        let mut row = vec![Cell::new(value.value.clone()), Cell::new(best)];
        row.extend(view.traits.iter().map(|of| {
            let told = view.told(chosen, *of);
            let between = match told.short_between.as_str() {
                "" => String::new(),
                between => format!(" ({between})"),
            };
            with_number(Cell::new(format!("{}{between}", told.text)), told.value)
        }));
        row.push(kept(&study.points[chosen].objectives, study.points[chosen].failed));
        row.extend(next(view, value, told));
        table.rows.push(row);
    }
    table
}

fn kept(objectives: &[Met], failed: u64) -> Cell {
    let missed = objectives.iter().filter(|met| matches!(met, Met::Missed | Met::Unmeasured)).count();
    match () {
        () if failed > 0 => Cell::new("runs failed").toned(Tone::Bad),
        () if missed > 0 => Cell::new(format!("{missed} of {} missed", objectives.len())).toned(Tone::Bad),
        () if objectives.iter().all(|met| *met == Met::Surely) => Cell::new("met").toned(Tone::Good),
        () => Cell::new("met as measured").toned(Tone::Doubtful),
    }
}

/// The next best, by how much its numbers are greater, and whether that may be chance.
fn next(view: &View<'_>, value: &ValueAdvice, told: impl Fn(usize) -> String) -> [Cell; 3] {
    let Some(next) = &value.runner_up else { return ["none", "", ""].map(Cell::new) };
    let fits = !view.study.points[next.point]
        .objectives
        .iter()
        .any(|met| matches!(met, Met::Missed | Met::Unmeasured));
    let name =
        if fits { told(next.point) } else { format!("{}, which misses an objective", told(next.point)) };
    let gaps: Vec<&Gap> = next.more.iter().filter(|gap| !gap.is_none()).collect();
    // What it is better in, and the first in which it is not: the sentences tell all of them.
    let is_worse = |gap: &&Gap| (gap.value > 0.0) == (gap.of.metric.better() == Better::Less);
    let told = gaps.iter().position(is_worse).map_or(gaps.len(), |place| place + 1);
    let parts: Vec<String> = gaps[..told].iter().map(|gap| more(view, gap)).collect();
    let sure = match gaps[..told].last() {
        None => Cell::new("the same"),
        Some(gap) if gap.low.is_none() => Cell::new("too few seeds to say").toned(Tone::Doubtful),
        Some(gap) if gap.is_sure() => Cell::new("yes").toned(Tone::Good),
        Some(_) => Cell::new("may be chance").toned(Tone::Doubtful),
    };
    [Cell::new(name), Cell::new(parts.join("; ")), sure]
}

/// `exclusion.p99 +3.10 s (2.90 to 3.30)`.
fn more(view: &View<'_>, gap: &Gap) -> String {
    let scale = view.scale(gap.of);
    let signed = |value: f64| {
        let sign = if value < 0.0 { "\u{2212}" } else { "+" };
        (sign, value.abs())
    };
    let (sign, size) = signed(gap.value);
    let between = match (gap.low, gap.high) {
        (Some(low), Some(high)) => {
            let end = |value: f64| {
                let (sign, size) = signed(value);
                format!("{sign}{}", scale.number(size))
            };
            format!(" ({} to {})", end(low), end(high))
        }
        _ => String::new(),
    };
    format!("{} {sign}{}{between}", gap.of, scale.text(size))
}

/// Without what marks names in sentences: a cell holds nothing else.
fn plain(told: &str) -> String {
    told.replace('`', "")
}

/// What each choice lays over the scenario, for parameters that have some.
pub(super) fn choices(view: &View<'_>) -> Option<Section> {
    let table = |parameter: &crate::study::Parameter| {
        let caption = format!("What each {} lays over the scenario", parameter.name);
        let mut table = Table::new(caption, [words(parameter.name.clone()), words("sets")]);
        for (value, keys) in parameter.values.iter().zip(&parameter.choices) {
            let keys = if keys.is_empty() { "nothing".to_owned() } else { keys.join("; ") };
            table.rows.push(vec![Cell::new(value.clone()), Cell::new(keys)]);
        }
        Block::Folded(table)
    };
    let named = view.study.parameters.iter().filter(|parameter| !parameter.choices.is_empty());
    let blocks: Vec<Block> = named.map(table).collect();
    (!blocks.is_empty()).then(|| Section { id: "choices", title: "The choices".to_owned(), blocks })
}
