//! Which point is recommended, and why.
//!
//! Of the points of which no run failed and that meet all objectives, those that do so with their whole intervals first, the
//! one with the best value of the first number that is traded; where several have it, the next number decides, and then the
//! order of points.

use leasehold_check::{Better, Statistic};
use leasehold_report::study::{Advice, Met, Parameter, PointSummary, Trait};
use leasehold_scenario::Goal;

use super::each::{Field, each_advice};
use super::paired::{Difference, difference};
use super::sums::PointSum;
use super::wording::{metric, name, number};
use super::{Study, front};

/// The numbers that are traded of each point, as costs: less is better. Nothing for a point of which a run failed, or of which
/// one of them is not known; a number that is known of no point does not count.
pub(super) fn costs(points: &[PointSummary], trade: &[Trait]) -> Vec<Option<Vec<f64>>> {
    let is_known = |of: &&Trait| points.iter().any(|point| value(point, **of).is_some());
    let known: Vec<Trait> = trade.iter().filter(is_known).copied().collect();
    let of_point = |point: &PointSummary| {
        let costs = || known.iter().map(|&of| cost(point, of)).collect::<Option<Vec<f64>>>();
        if point.failed > 0 || known.is_empty() { None } else { costs() }
    };
    points.iter().map(of_point).collect()
}

pub(super) fn front_of(points: &[PointSummary], trade: &[Trait]) -> Vec<usize> {
    front::front(&costs(points, trade))
}

pub(super) fn value(point: &PointSummary, of: Trait) -> Option<f64> {
    point.figure(of.metric)?.number(of.statistic)
}

pub(super) fn cost(point: &PointSummary, of: Trait) -> Option<f64> {
    let value = value(point, of)?;
    Some(match of.metric.better() {
        Better::Less => value,
        Better::More => -value,
    })
}

/// What is recommended.
pub(super) fn advice(
    study: &Study,
    parameters: &[Parameter],
    points: &[PointSummary],
    sums: &[PointSum],
) -> Advice {
    let goals = study.objectives();
    if goals.is_empty() {
        return Advice::NotAsked;
    }
    let trade = study.trade();
    if let Some(each) = study.file().each {
        let differs = |one: usize, other: usize, of| difference(&sums[one].lots, &sums[other].lots, of);
        let default = study.default_point();
        let field = Field { parameters, each, points, goals, trade: &trade, default, differs: &differs };
        return Advice::Each(each_advice(&field));
    }
    match best(points, &trade) {
        Some(point) => Advice::Take { point, because: reasons(study, points, sums, point) },
        None => none_passes(goals, points, &trade),
    }
}

pub(super) fn best(points: &[PointSummary], trade: &[Trait]) -> Option<usize> {
    let meets = |point: &PointSummary, enough: &[Met]| {
        point.runs > 0 && point.failed == 0 && point.objectives.iter().all(|met| enough.contains(met))
    };
    let among = |enough: &[Met]| {
        let fit = points.iter().enumerate().filter(|(_, point)| meets(point, enough));
        let costs = |point: &PointSummary| -> Vec<f64> {
            trade.iter().map(|&of| cost(point, of).unwrap_or(f64::INFINITY)).collect()
        };
        let order = |one: &[f64], other: &[f64]| {
            let first = one.iter().zip(other).map(|(one, other)| one.total_cmp(other));
            first.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        };
        // The first of the least: `min_by` keeps it.
        fit.map(|(place, point)| (place, costs(point))).min_by(|(_, one), (_, other)| order(one, other))
    };
    let found = among(&[Met::Surely]).or_else(|| among(&[Met::Surely, Met::Probably]));
    found.map(|(place, _)| place)
}

fn reasons(study: &Study, points: &[PointSummary], sums: &[PointSum], taken: usize) -> Vec<String> {
    let (trade, point) = (study.trade(), &points[taken]);
    let mut because = Vec::new();
    let unsure: Vec<String> = study
        .objectives()
        .iter()
        .zip(&point.objectives)
        .filter(|(_, met)| **met == Met::Probably)
        .map(|(goal, _)| format!("`{goal}`"))
        .collect();
    because.push(match unsure.as_slice() {
        [] => "It meets all objectives, with their whole intervals.".to_owned(),
        unsure => format!(
            "It meets all objectives, but {} only as measured: the interval reaches beyond. More seeds would tell.",
            unsure.join(" and ")
        ),
    });
    if let Some((&first, told)) = trade.first().and_then(|first| Some((first, value(point, *first)?))) {
        because.push(format!(
            "Of the points that do so, it has the best {}: {}.",
            name(first),
            number(first, told)
        ));
    }
    because.extend(against_the_default(study, points, sums, taken, &trade));
    because
}

/// By how much it beats what the scenario has, number by number.
fn against_the_default(
    study: &Study,
    points: &[PointSummary],
    sums: &[PointSum],
    taken: usize,
    trade: &[Trait],
) -> Vec<String> {
    let Some(default) = study.default_point() else { return Vec::new() };
    if default == taken {
        return vec!["It is what the scenario has.".to_owned()];
    }
    let mut told = Vec::new();
    if points[default].failed > 0 {
        let (failed, runs) = (points[default].failed, points[default].runs);
        told.push(format!("With what the scenario has, {failed} of {runs} runs failed."));
    }
    for &of in trade {
        let found = difference(&sums[taken].lots, &sums[default].lots, of);
        let own = value(&points[default], of);
        if let (Some(difference), Some(own)) = (found, own) {
            told.push(compared(of, difference, own));
        }
    }
    told
}

/// `failover p99 is 4.2 s less than the scenario's own 15.1 s (3.9 s to 4.6 s less, with 95 %).`
fn compared(of: Trait, difference: Difference, own: f64) -> String {
    let (what, own) = (name(of), number(of, own));
    if difference.value == 0.0 && difference.interval.is_none_or(|(low, high)| low == 0.0 && high == 0.0) {
        return format!("Its {what} is the scenario's own, {own}, as far as these seeds show.");
    }
    let direction = if difference.value < 0.0 { "less" } else { "more" };
    let size = number(of, difference.value.abs());
    let sure = match difference.interval {
        None if of.statistic == Statistic::Max => {
            "of a greatest value nobody can say how sure that is".to_owned()
        }
        None => "there are too few seeds to say how sure that is".to_owned(),
        Some((low, high)) if difference.is_sure() => {
            let (near, far) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
            format!("{} to {} {direction} with 95 %, seed by seed", number(of, near), number(of, far))
        }
        Some((low, high)) => {
            let (least, most) = (number(of, low.abs()), number(of, high.abs()));
            format!("which may be chance: from {least} less to {most} more with 95 %, seed by seed")
        }
    };
    format!("Its {what} is {size} {direction} than the scenario's own {own}: {sure}.")
}

pub(super) fn none_passes(goals: &[Goal], points: &[PointSummary], trade: &[Trait]) -> Advice {
    // A point that failed is out of the question for that alone, unless all are.
    let failed = points.iter().filter(|point| point.failed > 0).count();
    let sound: Vec<&PointSummary> =
        points.iter().filter(|point| point.failed == 0 || failed == points.len()).collect();
    let count = |objective: usize, fits: &[Met]| {
        sound.iter().filter(|point| fits.contains(&point.objectives[objective])).count()
    };
    let misses = |objective: usize| count(objective, &[Met::Missed, Met::Unmeasured]);
    // The first of the greatest.
    let obstacle =
        (0..goals.len()).rev().max_by_key(|&objective| misses(objective)).expect("something is asked");
    let excess = |point: &PointSummary| goals.iter().map(|goal| beyond(goal, point)).fold(0.0, f64::max);
    let rank = |place: usize| {
        let point = &points[place];
        let first = trade.first().and_then(|&first| cost(point, first)).unwrap_or(f64::INFINITY);
        // Of those that failed none is near, unless all failed.
        (point.failed > 0, excess(point), first)
    };
    let order = |one: &usize, other: &usize| {
        let (one, other) = (rank(*one), rank(*other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).then(one.2.total_cmp(&other.2))
    };
    let nearest = (0..points.len()).min_by(order).expect("a study has a point");
    let mut because = Vec::new();
    if failed == points.len() {
        because.push("Runs of every point failed: before that is mended, no objective matters.".to_owned());
    } else if failed > 0 {
        because.push(format!(
            "Runs of {failed} of {} points failed: these are out of the question.",
            points.len()
        ));
    }
    let goal = &goals[obstacle];
    let others = if failed == 0 || failed == points.len() { " points" } else { " other points" };
    let (missed, unknown) = (count(obstacle, &[Met::Missed]), count(obstacle, &[Met::Unmeasured]));
    if missed > 0 {
        let of = sound.len();
        because.push(format!("`{goal}` is missed by {missed} of {of}{others}."));
    }
    if unknown > 0 && missed > 0 {
        because.push(format!("At {unknown} it was not measured."));
    }
    let point = &points[nearest];
    let unmeasured = |goal: &&Goal| {
        points
            .iter()
            .all(|point| point.figure(goal.metric).is_none_or(|of| of.estimate(goal.statistic).is_none()))
    };
    for goal in goals.iter().filter(unmeasured) {
        because.push(format!(
            "There is nothing to hold `{goal}` against: {} never occurred in any run.",
            metric(goal.metric)
        ));
    }
    let missed = goals.iter().zip(&point.objectives).filter(|(_, met)| **met == Met::Missed);
    for (goal, _) in missed {
        let of = Trait { metric: goal.metric, statistic: goal.statistic };
        let figure = point.figure(of.metric).expect("what is missed was measured");
        let least = figure.estimate(of.statistic).expect("what is missed was measured").value;
        let sign = if figure.is_open(of.statistic) { "at least " } else { "" };
        because.push(format!(
            "The nearest point has {} {sign}{}, where `{goal}` is asked.",
            name(of),
            number(of, least)
        ));
    }
    Advice::NonePasses { obstacle, nearest, because }
}

/// By which part of its limit a point misses a goal; infinite if nothing was measured.
pub(super) fn beyond(goal: &Goal, point: &PointSummary) -> f64 {
    let of = Trait { metric: goal.metric, statistic: goal.statistic };
    let Some(value) = value(point, of) else { return f64::INFINITY };
    if goal.is_kept_by(value) {
        return 0.0;
    }
    let size = goal.limit.abs();
    let over = (value - goal.limit).abs();
    // Of a limit of zero there are no parts.
    if size > 0.0 { (over / size).max(f64::MIN_POSITIVE) } else { 1.0 + over }
}

#[cfg(test)]
mod tests;
