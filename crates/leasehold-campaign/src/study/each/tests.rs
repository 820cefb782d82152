use leasehold_check::{Metric, Statistic};
use leasehold_report::study::Figure;

use super::*;

const FAILOVER: Trait = Trait { metric: Metric::Failover, statistic: Statistic::P99 };
const MISTAKES: Trait = Trait { metric: Metric::FalseExpiry, statistic: Statistic::Rate };
const TRADE: [Trait; 2] = [FAILOVER, MISTAKES];

/// A mistake a day, in mistakes a second.
const DAY: f64 = 1.0 / 86_400.0;

fn parameter(name: &str, values: &[&str], choices: usize) -> Parameter {
    Parameter {
        name: name.to_owned(),
        key: String::new(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        derived: None,
        choices: vec![Vec::new(); choices],
    }
}

/// A policy in a situation: how long a failover takes, how many mistakes it makes a day, in how many runs it failed.
struct Row(&'static str, &'static str, f64, f64, u64);

fn summary(Row(policy, situation, failover, mistakes, failed): &Row, goals: &[Goal]) -> PointSummary {
    let figure = |of: Trait, value: f64| Figure {
        open: None,
        metric: of.metric,
        count: 9,
        runs: 9,
        histogram: String::new(),
        estimates: vec![Estimate {
            statistic: of.statistic,
            value,
            low: Some(value * 0.9),
            high: Some(value * 1.1),
        }],
        predictions: Vec::new(),
    };
    let figures = vec![figure(FAILOVER, *failover), figure(MISTAKES, *mistakes * DAY)];
    let meets = |goal: &Goal| figures.iter().find(|figure| figure.metric == goal.metric).unwrap().meets(goal);
    PointSummary {
        values: [policy, situation].map(|value| (*value).to_owned()).into(),
        runs: 9,
        failed: *failed,
        hazards: 0,
        objectives: goals.iter().map(meets).collect(),
        figures,
    }
}

/// The advice of a study of policies in situations, at most two mistakes a day. The first point is the scenario's own.
fn advised(rows: &[Row]) -> EachAdvice {
    let goals = [Goal::parse("false_expiry < 2/day").unwrap()];
    let points: Vec<PointSummary> = rows.iter().map(|row| summary(row, &goals)).collect();
    let mut names: [Vec<&str>; 2] = [Vec::new(), Vec::new()];
    for Row(policy, situation, ..) in rows {
        for (names, name) in names.iter_mut().zip([policy, situation]) {
            if !names.contains(name) {
                names.push(name);
            }
        }
    }
    let parameters =
        [parameter("policy", &names[0], names[0].len()), parameter("situation", &names[1], names[1].len())];
    // As sure as a tenth of what it is.
    let differs = |one: usize, other: usize, of: Trait| {
        let difference = value(&points[one], of)? - value(&points[other], of)?;
        let (low, high) = (difference * 0.9, difference * 1.1);
        Some(Difference { value: difference, interval: Some((low.min(high), low.max(high))) })
    };
    let field = Field {
        parameters: &parameters,
        each: 1,
        points: &points,
        goals: &goals,
        trade: &TRADE,
        default: Some(0),
        differs: &differs,
    };
    each_advice(&field)
}

fn because(advice: &EachAdvice, nth: usize) -> String {
    advice.values[nth].because().join("\n")
}

/// Two situations with an answer each, and what comes second.
const APART: [Row; 6] = [
    Row("none", "calm", 8.0, 1.0, 0),
    Row("none", "storm", 8.0, 13.0, 0),
    Row("fixed", "calm", 18.0, 0.5, 0),
    Row("fixed", "storm", 18.0, 0.5, 0),
    Row("phi", "calm", 9.0, 1.0, 0),
    Row("phi", "storm", 13.0, 1.0, 0),
];

#[test]
fn the_best_differs_by_value_and_the_words_say_by_how_much() {
    let advice = advised(&APART);
    assert_eq!(advice.headline, "Best under `calm`: `none`; under `storm`: `phi`");
    let chosen: Vec<Option<usize>> = advice.values.iter().map(ValueAdvice::chosen).collect();
    assert_eq!(chosen, [Some(0), Some(5)]);
    // Only points with the same value are compared: the calm does not beat the storm.
    assert_eq!(advice.values[1].front, [1, 3, 5]);
    let calm = because(&advice, 0);
    assert!(
        calm.starts_with("Under `calm`, `none` is best: failover p99 8 s (7.2 s to 8.8 s), false expiry 1/day (0.9/day to 1.1/day)."),
        "{calm}"
    );
    assert!(calm.contains("Next is `phi`: its failover p99 is 1 s more (0.9 s to 1.1 s)."), "{calm}");
    let storm = because(&advice, 1);
    assert!(
        storm.contains(
            "Next is `fixed`: its failover p99 is 5 s more (4.5 s to 5.5 s), its false expiry is 0.5/day less"
        ),
        "{storm}"
    );
    assert!(
        storm.contains(
            "`none`, which is the scenario's own, misses `false_expiry < 2/day` with 0.542/h: \
             its failover p99 is 5 s less (4.5 s to 5.5 s), its false expiry is 0.5/h more"
        ),
        "{storm}"
    );
    assert_eq!(
        advice.everywhere.said,
        "`phi` is good everywhere: it meets all objectives under all 2 values of situation, as 2 do, and of those it \
         loses least; its failover p99 is at worst 1 s behind the best, under `calm`."
    );
    assert_eq!((advice.everywhere.points, advice.everywhere.meets), (vec![4, 5], 2));
}

#[test]
fn where_nothing_passes_the_obstacle_is_told_and_the_least_bad_for_all() {
    let advice = advised(&[
        Row("none", "calm", 8.0, 1.0, 0),
        Row("none", "storm", 8.0, 12.0, 0),
        Row("fixed", "calm", 18.0, 1.0, 0),
        Row("fixed", "storm", 18.0, 3.0, 0),
    ]);
    assert!(advice.has_obstacle());
    assert_eq!(advice.headline, "Best under `calm`: `none`; under `storm`: no policy");
    let storm = because(&advice, 1);
    for words in [
        "Under `storm`, no policy meets all objectives: `false_expiry < 2/day` is the obstacle. Nearest is `fixed`",
        "`false_expiry < 2/day` is missed by 2 of 2 points.",
    ] {
        assert!(storm.contains(words), "{storm}");
    }
    assert_eq!(
        advice.everywhere.said,
        "No policy is good everywhere. `fixed` comes nearest, and meets all objectives under 1 of 2 values of situation: \
         under `storm` it misses `false_expiry < 2/day` with 0.125/h."
    );
}

#[test]
fn what_comes_to_the_same_is_no_runner_up() {
    let advice = advised(&[
        Row("none", "calm", 8.0, 1.0, 0),
        Row("guard", "calm", 8.0, 1.0, 0),
        Row("fixed", "calm", 18.0, 1.0, 0),
        Row("broken", "calm", 1.0, 1.0, 2),
    ]);
    let calm = &advice.values[0];
    assert_eq!((calm.chosen(), calm.equals.as_slice()), (Some(0), &[1][..]));
    assert_eq!(calm.runner_up.as_ref().map(|next| next.point), Some(2));
    assert!(
        because(&advice, 0).contains("`guard` comes to the same here.\nNext is `fixed`"),
        "{}",
        because(&advice, 0)
    );
    assert_eq!(advice.headline, "Take `none`, whatever the situation");
    assert!(
        advice.everywhere.said.ends_with("; nowhere is what is recommended any better."),
        "{}",
        advice.everywhere.said
    );
}

#[test]
fn who_fails_somewhere_is_not_good_everywhere() {
    let advice = advised(&[
        Row("quick", "calm", 1.0, 1.0, 0),
        Row("quick", "storm", 1.0, 1.0, 3),
        Row("slow", "calm", 9.0, 3.0, 0),
        Row("slow", "storm", 9.0, 1.0, 0),
    ]);
    // Of two that pass once, a miss by half is better than a run that failed.
    assert!(advice.everywhere.said.contains("`slow` comes nearest"), "{}", advice.everywhere.said);
    assert!(because(&advice, 1).contains("Every other policy fails here."), "{}", because(&advice, 1));
    assert!(
        because(&advice, 0).contains("Nearest is `slow`, which misses `false_expiry < 2/day` with 0.125/h")
    );
}

#[test]
fn a_difference_that_may_be_chance_says_so() {
    let gap = |value: f64, low: f64, high: f64| Gap { of: FAILOVER, value, low: Some(low), high: Some(high) };
    assert_eq!(differences(&[gap(1.0, -0.5, 2.5)]), "its failover p99 is 1 s more (which may be chance)");
    assert_eq!(differences(&[gap(-1.0, -1.5, -0.5)]), "its failover p99 is 1 s less (0.5 s to 1.5 s)");
    assert_eq!(differences(&[gap(0.0, 0.0, 0.0)]), "it comes to the same, as far as these seeds show");
    let few = Gap { low: None, high: None, ..gap(1.0, 0.0, 0.0) };
    assert_eq!(
        differences(&[few]),
        "its failover p99 is 1 s more (with too few seeds to say how sure that is)"
    );
}
