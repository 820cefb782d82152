//! Which points a study has.

use std::sync::Arc;

use leasehold_plan::Setting;
use leasehold_scenario::{
    Axis, Choice, Diagnostic, Diagnostics, Faults, Quantity, Refused, Scenario, ScenarioError, Source,
    StudyFile, System,
};

use super::{Point, Size, StudyError, hypercube};

/// More combinations than these are not even looked at. Chosen by us: a second's work.
const MOST_COMBINED: u64 = 10_000_000;

/// More points than these are run only if somebody insists. Chosen by us: at a hundred seeds each that is a million runs.
pub(super) const MOST_POINTS: usize = 10_000;

/// The points of a study, and what became of those that are none.
pub(super) struct Grid {
    pub(super) points: Vec<Point>,
    /// How many a constraint dropped.
    pub(super) dropped: u64,
    /// How many the scenario's reader refused.
    pub(super) refused: u64,
    /// The point with the scenario's own values.
    pub(super) default_point: Option<usize>,
    /// The scenario with its own values.
    pub(super) base: Arc<Scenario>,
}

pub(super) fn points(
    file: &StudyFile,
    overlays: &[String],
    size: Size,
    systems: &[&dyn System],
) -> Result<Grid, StudyError> {
    let source = Source::read(&file.scenario)?;
    let own = own_settings(file, &source, overlays, systems)?;
    let base = read(&source, &own, systems)?;
    if base.is_explicit() {
        let told = Diagnostic::new(format!(
            "{} leaves nothing to a seed: all runs of a point would be the same",
            source.name()
        ))
        .help("take its [plan] out, or vary another scenario");
        return Err(file.wrong(told).into());
    }
    let (values, dropped) = values(file, size)?;
    let mut points = Vec::new();
    let mut refused: Vec<(String, ScenarioError)> = Vec::new();
    for values in values {
        let settings: Vec<Setting> = own.iter().cloned().chain(file.overlay(&values)).collect();
        match read(&source, &settings, systems) {
            Ok(scenario) => {
                let values = values.iter().map(ToString::to_string).collect();
                points.push(Point { values, settings, scenario });
            }
            Err(error) => refused.push((file.told(&values), error)),
        }
    }
    let count = refused.len() as u64;
    let first = refused.into_iter().next();
    if let Some((point, error)) = first
        && (file.refused == Refused::Error || points.is_empty())
    {
        return Err(StudyError::Point { point, refused: count, error: Box::new(error) });
    }
    let default_point = default_point(file, &base, &mut points, own);
    Ok(Grid { points, dropped, refused: count, default_point, base })
}

/// What is laid over all points: what the study says, what the command line says, and, with random faults, that a seed draws
/// faults only. A study varies what its file says and nothing else.
fn own_settings(
    file: &StudyFile,
    source: &Source,
    overlays: &[String],
    systems: &[&dyn System],
) -> Result<Vec<Setting>, StudyError> {
    let mut settings = file.settings.clone();
    for overlay in overlays {
        settings.push(setting(file, source, overlay, systems)?);
    }
    let as_set = read(source, &settings, systems)?;
    if file.faults == Faults::Random && as_set.written("chaos.draw").is_none() {
        settings.push(Setting { key: "chaos.draw".to_owned(), value: Some("[]".to_owned()) });
    }
    Ok(settings)
}

/// A `key.path=value` text as a setting. What a parameter sets it cannot say: the parameter would win, and silently.
fn setting(
    file: &StudyFile,
    source: &Source,
    overlay: &str,
    systems: &[&dyn System],
) -> Result<Setting, StudyError> {
    let Some((key, value)) = overlay.split_once('=') else {
        let refused = Scenario::parse(source.clone().with_overlays([overlay]), systems);
        return Err(refused.expect_err("the reader says what is missing in it").into());
    };
    if let Some((parameter, set)) = file.setter(key.trim_end_matches('+').trim()) {
        let (parameter, key) = (parameter.name.clone(), set.to_owned());
        return Err(StudyError::SetByParameter { overlay: overlay.to_owned(), parameter, key });
    }
    Ok(Setting { key: key.to_owned(), value: Some(value.to_owned()) })
}

fn read(
    source: &Source,
    settings: &[Setting],
    systems: &[&dyn System],
) -> Result<Arc<Scenario>, ScenarioError> {
    Scenario::parse(source.clone().with_settings(settings), systems).map(Arc::new)
}

/// The values of all parameters, point by point, and how many points constraints dropped.
fn values(file: &StudyFile, size: Size) -> Result<(Vec<Vec<Quantity>>, u64), StudyError> {
    let axes: Vec<(&str, &Axis)> = file
        .parameters
        .iter()
        .filter(|parameter| !matches!(parameter.axis, Axis::Derived(..)))
        .map(|parameter| (parameter.name.as_str(), &parameter.axis))
        .collect();
    let combined: Box<dyn Iterator<Item = Vec<Quantity>>> = match file.sample {
        Some(sample) => Box::new(hypercube::draw(&axes, sample).into_iter()),
        None => {
            let total = combinations(&axes);
            let total = total.filter(|total| *total <= MOST_COMBINED);
            let total = total.ok_or_else(|| too_many(file, combinations(&axes), MOST_COMBINED))?;
            Box::new((0..total).map(|number| combination(&axes, number)))
        }
    };
    let mut kept: Vec<Vec<Quantity>> = Vec::new();
    let mut drops = vec![0_u64; file.constraints.len()];
    let (mut all, mut dropped) = (0_u64, 0_u64);
    for axes in combined {
        all += 1;
        let values = file.complete(&axes).map_err(|wrong| file.wrong(wrong))?;
        let mut is_dropped = false;
        for (place, constraint) in file.constraints.iter().enumerate() {
            if !file.meets(constraint, &values).map_err(|wrong| file.wrong(wrong))? {
                drops[place] += 1;
                is_dropped = true;
            }
        }
        // Two points of a sample may be the same where an axis has few values.
        let is_twice = file.sample.is_some() && kept.contains(&values);
        if is_dropped {
            dropped += 1;
        } else if !is_twice {
            kept.push(values);
        }
    }
    if kept.is_empty() {
        return Err(file.wrong(none_left(file, &drops, all)).into());
    }
    if size == Size::Usual && kept.len() > MOST_POINTS {
        return Err(StudyError::TooMany { points: kept.len() as u64 });
    }
    Ok((kept, dropped))
}

fn combinations(axes: &[(&str, &Axis)]) -> Option<u64> {
    axes.iter().try_fold(1_u64, |product, (_, axis)| product.checked_mul(choices(axis).len() as u64))
}

/// The last axis changes fastest.
fn combination(axes: &[(&str, &Axis)], mut number: u64) -> Vec<Quantity> {
    let mut values: Vec<Quantity> = Vec::with_capacity(axes.len());
    for (_, axis) in axes.iter().rev() {
        let choices = choices(axis);
        let count = choices.len() as u64;
        values.push(choices[usize::try_from(number % count).expect("it is a place in a list")].clone());
        number /= count;
    }
    values.reverse();
    values
}

fn choices(axis: &Axis) -> &[Quantity] {
    match axis {
        Axis::Values(values) => values,
        Axis::Between(..) | Axis::Derived(..) => panic!("only a sample has ranges without steps"),
    }
}

fn too_many(file: &StudyFile, found: Option<u64>, most: u64) -> StudyError {
    let found = found.map_or_else(|| "more than 64 bits count".to_owned(), |found| found.to_string());
    let told =
        format!("the parameters combine to {found} points, and {most} are the most that are looked at");
    let span = file.parameters[0].span.clone();
    file.wrong(
        Diagnostic::at(span, told).help("take fewer values, or draw some: sample = { latin_hypercube = 40 }"),
    )
    .into()
}

/// No point meets all constraints: which are to blame?
fn none_left(file: &StudyFile, drops: &[u64], all: u64) -> Diagnostics {
    let help = "mend it, or give the parameters other values";
    let mut found = Diagnostics::default();
    for (constraint, _) in file.constraints.iter().zip(drops).filter(|(_, drops)| **drops == all) {
        let told = format!("`{}` drops all {all} points", constraint.text);
        found.push(Diagnostic::at(constraint.span.clone(), told).help(help));
    }
    if !found.is_empty() {
        return found;
    }
    let most = file.constraints.iter().zip(drops).max_by_key(|(_, drops)| **drops);
    let (most, drops) = most.expect("only constraints drop points");
    let told = format!("the constraints contradict each other: together they drop all {all} points");
    Diagnostic::at(most.span.clone(), told).label(format!("this one drops {drops}")).help(help).into()
}

/// The point that has the scenario's own values. What people would change has to be measured too: if it is none of the
/// points, it becomes the last.
fn default_point(
    file: &StudyFile,
    base: &Arc<Scenario>,
    points: &mut Vec<Point>,
    own: Vec<Setting>,
) -> Option<usize> {
    let said: Vec<Option<String>> = file
        .parameters
        .iter()
        .map(|parameter| match parameter.choices.as_slice() {
            [] => said_by_all(base, &parameter.keys),
            choices => choices.iter().find(|choice| is_made(choice, base)).map(|choice| choice.name.clone()),
        })
        .collect();
    let is_said = file
        .parameters
        .iter()
        .zip(&said)
        .all(|(parameter, said)| parameter.keys.is_empty() || said.is_some());
    let same = |point: &Point| {
        let mut both =
            point.values.iter().zip(&said).filter_map(|(value, said)| Some((value, said.as_ref()?)));
        is_said && both.all(|(value, said)| value == said)
    };
    if let Some(place) = points.iter().position(same) {
        return Some(place);
    }
    let values = file.parameters.iter().zip(said).map(|(parameter, said)| match said {
        Some(said) => said,
        None if parameter.keys.is_empty() => "-".to_owned(),
        None => "default".to_owned(),
    });
    points.push(Point { values: values.collect(), settings: own, scenario: Arc::clone(base) });
    Some(points.len() - 1)
}

/// The value that all of these keys have in a scenario.
fn said_by_all(base: &Scenario, keys: &[String]) -> Option<String> {
    let mut said = keys.iter().map(|key| base.written(key).map(in_one_way));
    let first = said.next()??;
    said.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// A value as a study tells it, however it is written.
fn in_one_way(written: String) -> String {
    Quantity::told_of(&written).unwrap_or(written)
}

/// Whether the scenario is what a choice would make of it.
fn is_made(choice: &Choice, base: &Scenario) -> bool {
    choice.settings.iter().all(|Setting { key, value }| {
        let own = base.written(key).map(in_one_way);
        own.is_some() && own == value.clone().map(in_one_way)
    })
}
