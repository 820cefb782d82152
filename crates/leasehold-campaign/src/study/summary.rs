//! From sums to a summary.

use leasehold_core::SimInstant;
use leasehold_plan::Setting;
use leasehold_report::study::{Advice, EachAdvice, FORMAT, Figure, Parameter, PointSummary, StudySummary};
use leasehold_scenario::Axis;

use super::advice::{advice, front_of};
use super::sums::PointSum;
use super::{Point, Study};

/// What the study came to. `seeds` are those that were run, as `A..B`; `program` is what the program is called.
pub(super) fn summary(study: &Study, sums: &[PointSum], seeds: String, program: &str) -> StudySummary {
    let points: Vec<PointSummary> =
        study.points().iter().zip(sums).map(|(point, sum)| point_summary(study, point, sum)).collect();
    let has_runs = points.iter().any(|point| point.runs > 0);
    let plan = study.base().plan(study.seeds().start());
    let trade = study.trade();
    let parameters = parameters(study);
    let advice = if has_runs { advice(study, &parameters, &points, sums) } else { Advice::NotAsked };
    let front = match &advice {
        Advice::Each(each) => fronts(each),
        _ => front_of(&points, &trade),
    };
    StudySummary {
        format: FORMAT,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        name: study.file().name.clone(),
        summary: study.file().summary.clone(),
        scenario: study.file().scenario.display().to_string(),
        system: study.base().system.clone(),
        command: study.line(program),
        seeds,
        simulated: plan.phases.ends_at().saturating_since(SimInstant::START).as_nanos() as f64 / 1e9,
        parameters,
        metrics: study.metrics().to_vec(),
        objectives: study.objectives().iter().map(ToString::to_string).collect(),
        front,
        trade,
        default_point: study.default_point(),
        advice,
        points,
    }
}

/// The points of all fronts, by number.
fn fronts(each: &EachAdvice) -> Vec<usize> {
    let mut front: Vec<usize> = each.values.iter().flat_map(|value| value.front.iter().copied()).collect();
    front.sort_unstable();
    front
}

fn parameters(study: &Study) -> Vec<Parameter> {
    let parameters = study.file().parameters.iter().enumerate();
    let parameters = parameters.map(|(place, parameter)| {
        let derived = match &parameter.axis {
            Axis::Derived(text, _) => Some(text.clone()),
            Axis::Values(_) | Axis::Between(..) => None,
        };
        let values = match &parameter.axis {
            Axis::Values(values) => values.iter().map(ToString::to_string).collect(),
            Axis::Between(..) | Axis::Derived(..) => seen(study, place),
        };
        let told = |set: &Setting| format!("{} = {}", set.key, set.value.as_deref().unwrap_or_default());
        let choices = parameter.choices.iter().map(|choice| choice.settings.iter().map(told).collect());
        Parameter {
            name: parameter.name.clone(),
            key: parameter.keys.join(", "),
            values,
            derived,
            choices: choices.collect(),
        }
    });
    parameters.collect()
}

/// The values that points have, each once, the least first if they are numbers.
fn seen(study: &Study, place: usize) -> Vec<String> {
    let mut values: Vec<&String> = Vec::new();
    for (number, point) in study.points().iter().enumerate() {
        let value = &point.values[place];
        if Some(number) != study.default_point() && !values.contains(&value) {
            values.push(value);
        }
    }
    let size = |value: &&String| leasehold_scenario::Quantity::told(value).number().unwrap_or(f64::INFINITY);
    values.sort_by(|one, other| size(one).total_cmp(&size(other)));
    values.into_iter().cloned().collect()
}

fn point_summary(study: &Study, point: &Point, sum: &PointSum) -> PointSummary {
    let measured = sum.whole();
    let predictions = point.scenario.predictions(study.faults());
    let figures: Vec<Figure> =
        study.metrics().iter().map(|&metric| measured.figure(metric, &predictions)).collect();
    let meets = |goal: &leasehold_scenario::Goal| {
        let figure = figures.iter().find(|figure| figure.metric == goal.metric);
        figure.expect("what is asked for is measured").meets(goal)
    };
    PointSummary {
        values: point.values.clone(),
        runs: sum.runs(),
        failed: sum.failed,
        hazards: sum.hazards,
        objectives: study.objectives().iter().map(meets).collect(),
        figures,
    }
}
