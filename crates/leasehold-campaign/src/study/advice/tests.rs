use leasehold_check::{Metric, Statistic};
use leasehold_report::study::{Estimate, Figure};

use super::*;

const TRADE: [Trait; 2] = [
    Trait { metric: Metric::Failover, statistic: Statistic::P99 },
    Trait { metric: Metric::Load, statistic: Statistic::Mean },
];

fn figure(of: Trait, value: Option<f64>) -> Figure {
    let estimate =
        |value| Estimate { statistic: of.statistic, value, low: Some(value * 0.9), high: Some(value * 1.1) };
    Figure {
        metric: of.metric,
        count: 9,
        runs: 9,
        histogram: String::new(),
        open: None,
        estimates: value.map(estimate).into_iter().collect(),
        predictions: Vec::new(),
    }
}

/// A point with this failover, this load, and so many runs that failed.
fn point(failover: Option<f64>, load: Option<f64>, failed: u64, goals: &[Goal]) -> PointSummary {
    let figures = vec![figure(TRADE[0], failover), figure(TRADE[1], load)];
    let meets = |goal: &Goal| figures.iter().find(|figure| figure.metric == goal.metric).unwrap().meets(goal);
    let objectives = goals.iter().map(meets).collect();
    PointSummary { values: Vec::new(), runs: 9, failed, hazards: 0, figures, objectives }
}

fn goals(texts: &[&str]) -> Vec<Goal> {
    texts.iter().map(|text| Goal::parse(text).unwrap()).collect()
}

fn points(goals: &[Goal], of: &[(f64, f64, u64)]) -> Vec<PointSummary> {
    of.iter().map(|&(failover, load, failed)| point(Some(failover), Some(load), failed, goals)).collect()
}

#[test]
fn of_the_points_that_meet_all_and_never_failed_the_best_is_taken() {
    let goals = goals(&["failover.p99 < 15s", "load < 100/s"]);
    // The first is too slow, the second too loud, the third failed.
    let points = points(
        &goals,
        &[(20.0, 1.0, 0), (5.0, 200.0, 0), (6.0, 50.0, 1), (9.0, 50.0, 0), (9.0, 40.0, 0), (12.0, 1.0, 0)],
    );
    assert_eq!(best(&points, &TRADE), Some(4), "the load decides between equals");
    assert_eq!(front_of(&points, &TRADE), [1, 4, 5], "who failed is not on the front");
    assert_eq!(best(&points[..3], &TRADE), None);
}

#[test]
fn who_meets_them_surely_comes_before_who_only_seems_to() {
    let goals = goals(&["load < 100/s"]);
    // An interval that reaches beyond the limit.
    let points = points(&goals, &[(1.0, 95.0, 0), (2.0, 80.0, 0)]);
    assert_eq!(points[0].objectives, [Met::Probably]);
    assert_eq!(best(&points, &TRADE), Some(1));
    assert_eq!(best(&points[..1], &TRADE), Some(0));
}

#[test]
fn if_none_passes_the_obstacle_and_the_nearest_are_told() {
    let goals = goals(&["failover.p99 < 10s", "load < 100/s"]);
    let points = points(&goals, &[(30.0, 50.0, 0), (12.0, 90.0, 0), (11.0, 300.0, 0), (9.0, 90.0, 3)]);
    let Advice::NonePasses { obstacle, nearest, because } = none_passes(&goals, &points, &TRADE) else {
        panic!()
    };
    assert_eq!((obstacle, nearest), (0, 1));
    let because = because.join("\n");
    for words in [
        "`failover.p99 < 10s` is missed by 3 of 3 other points.",
        "Runs of 1 of 4 points failed",
        "The nearest point has failover p99 12 s",
    ] {
        assert!(because.contains(words), "{because}");
    }
}

/// What failed meets nothing, whatever its numbers are; so it does not make a goal the obstacle that all others meet.
#[test]
fn points_that_failed_are_no_obstacle_to_a_goal() {
    let goals = goals(&["failover.p99 < 10s", "load < 100/s"]);
    let points = points(&goals, &[(5.0, 300.0, 2), (5.0, 400.0, 1), (12.0, 90.0, 0)]);
    let Advice::NonePasses { obstacle, because, .. } = none_passes(&goals, &points, &TRADE) else { panic!() };
    assert_eq!(obstacle, 0);
    assert!(because.join("\n").contains("is missed by 1 of 1 other points"), "{because:?}");
    let Advice::NonePasses { because, .. } = none_passes(&goals, &points[..2], &TRADE) else { panic!() };
    assert!(because[0].starts_with("Runs of every point failed"), "{because:?}");
}

#[test]
fn what_never_occurred_is_told_and_not_taken_for_zero() {
    let goals = goals(&["failover.p99 < 10s"]);
    let points = vec![point(None, Some(5.0), 0, &goals), point(None, Some(4.0), 0, &goals)];
    assert_eq!(points[0].objectives, [Met::Unmeasured]);
    let Advice::NonePasses { because, .. } = none_passes(&goals, &points, &TRADE) else { panic!() };
    assert!(because.join("\n").contains("failover never occurred in any run"), "{because:?}");
    // What nobody has does not count: the rest decides.
    assert_eq!(front_of(&points, &TRADE), [1]);
}

#[test]
fn differences_say_how_sure_they_are() {
    let of = TRADE[0];
    let told = |value, interval| compared(of, Difference { value, interval }, 15.0);
    assert_eq!(
        told(-4.2, Some((-4.6, -3.9))),
        "Its failover p99 is 4.2 s less than the scenario's own 15 s: 3.9 s to 4.6 s less with 95 %, seed by seed."
    );
    assert!(told(0.2, Some((-0.1, 0.5))).contains("which may be chance: from 100 ms less to 500 ms more"));
    assert!(told(0.2, None).contains("too few seeds to say how sure"));
    assert_eq!(
        told(0.0, Some((0.0, 0.0))),
        "Its failover p99 is the scenario's own, 15 s, as far as these seeds show."
    );
}
