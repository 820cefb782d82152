//! The first screen of a study: what to take, what it costs, how sure that is.

use super::document::{Block, Card, Cell, Column, Lead, Table, Tone, numbers, words};
use super::each;
use super::scale::change;
use super::view::{View, about, met, runs};
use crate::study::{Advice, Met, Trait};

/// The first screen.
pub(crate) fn lead(view: &View<'_>) -> Lead {
    let study = view.study;
    let mut lead = match &study.advice {
        Advice::Each(each) => each::lead(view, each),
        advice => of_all(view, advice),
    };
    let failed = study.points.iter().filter(|point| point.failed > 0).count();
    if failed > 0 {
        lead.because.push(format!(
            "{failed} of {} points are out of the question: runs of them failed, so they are never recommended.",
            study.points.len()
        ));
    }
    lead
}

/// One answer for all points.
fn of_all(view: &View<'_>, advice: &Advice) -> Lead {
    let study = view.study;
    let (tone, headline, because) = match advice {
        Advice::Take { point, because } => {
            let sure = study.points[*point].objectives.iter().all(|met| *met == Met::Surely);
            let tone = if sure { Tone::Good } else { Tone::Doubtful };
            (tone, format!("Take {}", study.label(*point)), because.clone())
        }
        Advice::NonePasses { obstacle, nearest, because } => {
            let asked = study.objectives.get(*obstacle).map_or("what was asked", String::as_str);
            let headline = format!("No point meets every objective; the obstacle is {asked}");
            let mut sentences = vec![format!("The nearest point is {}.", study.label(*nearest))];
            sentences.extend(because.iter().cloned());
            (Tone::Bad, headline, sentences)
        }
        Advice::NotAsked | Advice::Each(_) => {
            let count = study.front.len();
            let points = if count == 1 { "point is" } else { "points are" };
            let of = study.points.len();
            let headline = format!("{count} of {of} {points} beaten by no other in all that is traded");
            let sentence = "The study has no objectives, so no point is recommended.".to_owned();
            (Tone::Plain, headline, vec![sentence])
        }
    };
    let cards = study.trade.iter().map(|of| card(view, *of)).collect();
    let blocks = objectives(view).map(Block::Table).into_iter().collect();
    Lead { tone, headline, because, cards, blocks, command: study.command.clone() }
}

fn card(view: &View<'_>, of: Trait) -> Card {
    let study = view.study;
    let name = of.to_string();
    let Some(chosen) = study.chosen() else {
        return over_the_front(view, of, name);
    };
    let told = view.told(chosen, of);
    let mut below = Vec::new();
    if !told.between.is_empty() {
        let sign =
            if told.value.and(told.ends.0.or(told.ends.1)).is_some() { "95\u{a0}% sure: " } else { "" };
        below.push(format!("{sign}{}", told.between));
    }
    if let Some(default) = study.default_point.filter(|default| *default != chosen) {
        let own = view.told(default, of);
        let change = told.value.zip(own.value).map(|(to, from)| format!("; this is {}", change(from, to)));
        below.push(format!("the scenario's own: {}{}", own.text, change.unwrap_or_default()));
    } else if study.default_point == Some(chosen) {
        below.push("the scenario's own values".to_owned());
    }
    Card { name, value: told.text, below }
}

/// From the least to the greatest of the points that are not beaten.
fn over_the_front(view: &View<'_>, of: Trait, name: String) -> Card {
    let values = view.study.front.iter().filter_map(|point| view.told(*point, of).value);
    let ends = values.fold(None, |ends: Option<(f64, f64)>, value| {
        let (least, greatest) = ends.unwrap_or((value, value));
        Some((least.min(value), greatest.max(value)))
    });
    let scale = view.scale(of);
    let value = match ends {
        Some((least, greatest)) if least < greatest => {
            format!("{} to {}", scale.number(least), scale.text(greatest))
        }
        Some((least, _)) => scale.text(least),
        None => "never".to_owned(),
    };
    Card { name, value, below: vec!["over the points on the front".to_owned()] }
}

/// What was asked, and whether the chosen point keeps to it.
fn objectives(view: &View<'_>) -> Option<Table> {
    let study = view.study;
    let chosen = study.chosen().filter(|_| !study.objectives.is_empty())?;
    let columns: [Column; 5] = [
        words("asked for"),
        numbers("measured"),
        numbers("95\u{a0}% sure"),
        words("met?"),
        numbers("points that meet it"),
    ];
    let label = study.label(chosen);
    let caption = format!("What was asked, and what {label} gives, in {}", runs(study.points[chosen].runs));
    let mut table = Table::new(caption, columns);
    for (nth, objective) in study.objectives.iter().enumerate() {
        let told = about(objective).map(|of| view.told(chosen, of));
        let (text, between) = told.map_or_else(Default::default, |told| (told.text, told.between));
        let met_by = |met: &Met| matches!(met, Met::Surely | Met::Probably);
        let passing =
            study.points.iter().filter(|point| point.objectives.get(nth).is_some_and(met_by)).count();
        table.rows.push(vec![
            Cell::new(objective.clone()),
            Cell::new(text),
            Cell::new(between),
            met(study.points[chosen].objectives.get(nth).copied().unwrap_or(Met::Unmeasured)),
            Cell::new(format!("{passing} of {}", study.points.len())).sorted_by(passing as f64),
        ]);
    }
    Some(table)
}
