//! Study files: a scenario, what is varied about it, and what is asked of it.
//!
//! A study is a TOML file as a scenario is, and what is wrong with it is told in the same way. Here it is read; what its
//! points are and how they are run is the campaign's.

mod choices;
mod each;
mod expression;
mod parameter;
mod quantity;
mod schema;
mod table;

use core::ops::Range;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use leasehold_check::{Metric, Statistic};
use leasehold_plan::Setting;
use toml::de::{DeTable, DeValue};

pub use choices::Choice;
pub use expression::Expression;
pub use parameter::{Axis, Scale, StudyParameter};
pub use quantity::Quantity;
pub use schema::study_schema;
pub use table::Refused;

use crate::diagnostic::{Diagnostic, Diagnostics, ScenarioError};
use crate::goal::Goal;
use crate::overlay;
use crate::scenario::SCHEMA;
use crate::source::{Source, meet};
use crate::spanned::Spanned;
use crate::suggest::cut;
use crate::tables::Tables;
use crate::trial::Faults;
use expression::{Condition, Wrong};
use parameter::{Ranges, Surroundings};
use table::{FaultsName, MetricName, NumberName, Parameters, SampleTable, SeedsTable};

/// The top-level names of a study.
const KNOWN: [&str; 15] = [
    "schema",
    "name",
    "summary",
    "scenario",
    "set",
    "parameters",
    "each",
    "constraints",
    "refused",
    "sample",
    "seeds",
    "metrics",
    "objectives",
    "trade",
    "faults",
];

/// What is traded if nothing is said: how long nobody holds, how often somebody loses what they should have kept, and what the
/// grantor has to do for it.
const USUAL_TRADE: [(Metric, Statistic); 3] = [
    (Metric::Failover, Statistic::P99),
    (Metric::FalseExpiry, Statistic::Rate),
    (Metric::Load, Statistic::Mean),
];

/// The most parameters a study varies. Chosen by us: nobody sees through as many.
const MOST_PARAMETERS: usize = 12;

/// The most points a sample has. Chosen by us, as for grids without `--force`.
const MOST_SAMPLED: i64 = 10_000;

/// A study as its file says it.
#[derive(Clone, Debug)]
pub struct StudyFile {
    /// Its name: that of its file.
    pub name: String,
    /// What it is about, in a sentence.
    pub summary: String,
    /// The scenario that it varies, found from where the study stands.
    pub scenario: PathBuf,
    /// What is laid over the scenario for all points.
    pub settings: Vec<Setting>,
    /// What it varies: first the axes, then what follows from them, each in the order of the file.
    pub parameters: Vec<StudyParameter>,
    /// The place of the parameter for each of whose values advice is given apart.
    pub each: Option<usize>,
    /// What a point has to meet to be one.
    pub constraints: Vec<Constraint>,
    /// What becomes of a point that the scenario's reader refuses.
    pub refused: Refused,
    /// How many points are drawn, and with which seed; all are taken if this is not said.
    pub sample: Option<Sample>,
    /// The seeds of each point: the first, and the one after the last.
    pub seeds: (u64, u64),
    /// What is measured: what the file names, then what objectives and trade need beside it.
    pub metrics: Vec<Metric>,
    /// What is asked of a point.
    pub objectives: Vec<Goal>,
    /// What is traded, the one against the other.
    pub trade: Vec<(Metric, Statistic)>,
    /// Which faults the runs have.
    pub faults: Faults,
    source: Source,
}

/// A condition that drops the points that do not meet it.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// As it is written.
    pub text: String,
    /// Where.
    pub span: Range<usize>,
    condition: Condition,
}

/// How many points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// So many, before any are dropped.
    pub points: u32,
    /// What they are drawn with.
    pub seed: u32,
}

impl StudyFile {
    /// Reads a study file.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, as far as it can be told.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        Self::parse(Source::read(path)?, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a study. The scenario's path is taken from this folder on.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn parse(source: Source, folder: &Path) -> Result<Self, ScenarioError> {
        read(&source, folder).map_err(|found| ScenarioError::new(source, found))
    }

    /// What it was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Something is wrong with what it says, as somebody else found.
    pub fn wrong(&self, found: impl Into<Diagnostics>) -> ScenarioError {
        ScenarioError::new(self.source.clone(), found)
    }

    /// The values of all parameters, from those of the axes.
    ///
    /// # Errors
    ///
    /// If what is derived cannot be reckoned.
    pub fn complete(&self, axes: &[Quantity]) -> Result<Vec<Quantity>, Diagnostic> {
        let mut values = axes.to_vec();
        for parameter in &self.parameters[axes.len()..] {
            let Axis::Derived(text, expression) = &parameter.axis else {
                panic!("what is derived stands behind the axes")
            };
            let told = |what: String| {
                Diagnostic::at(parameter.span.clone(), format!("`{text}` comes to nothing: {what}"))
                    .help(format!("this is so where {}", self.told(&values)))
            };
            let value = expression.value(&|place| values[place].clone()).map_err(|wrong| told(wrong.what))?;
            let value = value.cut();
            value.to_toml().map_err(told)?;
            // What is used is what is written into the scenario, to the nanosecond.
            let written = value.to_toml().ok().and_then(|toml| Quantity::of_toml(&toml));
            let written = written.filter(|written| written.kind() == value.kind()).unwrap_or(value);
            values.push(written);
        }
        Ok(values)
    }

    /// Whether a point meets a constraint.
    ///
    /// # Errors
    ///
    /// If it cannot be reckoned.
    pub fn meets(&self, constraint: &Constraint, values: &[Quantity]) -> Result<bool, Diagnostic> {
        constraint.condition.holds(&|place| values[place].clone()).map_err(|wrong| {
            let told = format!("`{}` cannot be compared: {}", constraint.text, wrong.what);
            Diagnostic::at(constraint.span.clone(), told)
                .help("lengths of time compare with lengths of time, numbers with numbers")
        })
    }

    /// What the values of a point lay over the scenario, beside what the study says for all.
    ///
    /// # Panics
    ///
    /// If a value is none that can be written: [`complete`](Self::complete) gives no such.
    pub fn overlay(&self, values: &[Quantity]) -> Vec<Setting> {
        let set = self.parameters.iter().zip(values);
        set.flat_map(|(parameter, value)| parameter.settings(value)).collect()
    }

    /// The parameter that sets a key path, or what stands above or below it, and the key that it sets there.
    pub fn setter(&self, key: &str) -> Option<(&StudyParameter, &str)> {
        let mut all = self.parameters.iter().flat_map(|of| of.keys.iter().map(move |key| (of, key.as_str())));
        all.find(|(_, set)| meet(set, key))
    }

    /// A point, for people: `ttl = 10s, renew = 3s`.
    pub fn told(&self, values: &[Quantity]) -> String {
        let names = self.parameters.iter().map(|parameter| parameter.name.as_str());
        let told: Vec<String> = names.zip(values).map(|(name, value)| format!("{name} = {value}")).collect();
        told.join(", ")
    }
}

fn read(source: &Source, folder: &Path) -> Result<StudyFile, Diagnostics> {
    let root = overlay::parse(source.text())?;
    let settings = settings(&root);
    let choices = choices::of_all(&root);
    let (mut tables, mut found) = Tables::new(root, KNOWN.to_vec(), &[]);
    let settings = found.keep(settings);
    let _ = found.keep(tables.take_key::<toml::Table>("set"));
    found.keep(schema(&mut tables));
    let name = found.keep(name(&mut tables, source));
    let summary =
        found.keep(required::<String>(&mut tables, "summary", "\"...\"", "what it is about, in a sentence"));
    let scenario = required::<String>(
        &mut tables,
        "scenario",
        "\"../holds/lossy-wifi.toml\"",
        "the scenario that it varies, from where the study stands",
    );
    let scenario = found.keep(scenario);
    let sample = found.keep(tables.take_key::<SampleTable>("sample")).flatten();
    let sample = sample.and_then(|sample| found.keep(sampled(&sample)));
    let ranges = if sample.is_some() { Ranges::OrOpen } else { Ranges::InSteps };
    let parameters = found.keep(tables.take::<Parameters>("parameters"));
    let parameters =
        parameters.and_then(|tables| found.keep(parameters_of(&tables, &choices, ranges, source)));
    let each = found.keep(tables.take_key::<String>("each")).flatten();
    let constraints = found.keep(tables.take_key::<Vec<Spanned<String>>>("constraints"));
    let constraints = match (&parameters, constraints.flatten()) {
        (Some(parameters), Some(texts)) => found.keep(constraints_of(texts.get_ref(), parameters, source)),
        _ => Some(Vec::new()),
    };
    let refused = found.keep(tables.take_key::<Refused>("refused")).flatten();
    let seeds = found.keep(tables.take_key::<SeedsTable>("seeds")).flatten();
    let seeds = found.keep(seeds.map_or_else(|| Ok((0, DEFAULT_SEEDS)), |seeds| seeds_of(&seeds)));
    let faults = found.keep(tables.take_key::<FaultsName>("faults")).flatten();
    let objectives = found.keep(each_once::<Goal>(&mut tables, "objectives"));
    let each = match (&parameters, each, &objectives) {
        (Some(parameters), Some(each), Some(goals)) => found.keep(each::place(&each, parameters, goals)),
        _ => None,
    };
    let objectives = objectives.unwrap_or_default();
    let metrics = found.keep(each_once::<MetricName>(&mut tables, "metrics")).unwrap_or_default();
    let trade = found.keep(each_once::<NumberName>(&mut tables, "trade")).unwrap_or_default();
    let trade: Vec<(Metric, Statistic)> = match trade.as_slice() {
        [] => USUAL_TRADE.to_vec(),
        named => named.iter().map(|NumberName(metric, statistic)| (*metric, *statistic)).collect(),
    };
    let needed = objectives.iter().map(|goal| goal.metric).chain(trade.iter().map(|(metric, _)| *metric));
    let mut wanted: Vec<Metric> = Vec::new();
    for metric in metrics.iter().map(|MetricName(metric)| *metric).chain(needed) {
        if !wanted.contains(&metric) {
            wanted.push(metric);
        }
    }
    match (name, summary, scenario, settings, parameters, constraints, seeds) {
        (
            Some(name),
            Some(summary),
            Some(scenario),
            Some(settings),
            Some(parameters),
            Some(constraints),
            Some(seeds),
        ) => found.or(StudyFile {
            name,
            summary: summary.into_inner(),
            scenario: folder.join(scenario.get_ref()),
            settings,
            parameters,
            each,
            constraints,
            refused: refused.map(Spanned::into_inner).unwrap_or_default(),
            sample,
            seeds,
            metrics: wanted,
            objectives,
            trade,
            faults: match faults.map(Spanned::into_inner).unwrap_or_default() {
                FaultsName::Random => Faults::Random,
                FaultsName::Scripted => Faults::Scripted,
            },
            source: source.clone(),
        }),
        _ => Err(found),
    }
}

/// How many seeds a point has if nothing is said. Chosen by us: enough for a median, few enough to wait for.
const DEFAULT_SEEDS: u64 = 100;

fn schema(tables: &mut Tables<'_>) -> Result<(), Diagnostics> {
    let schema = required::<i64>(tables, "schema", "1", "the version of the format")?;
    match *schema.get_ref() {
        SCHEMA => Ok(()),
        other => Err(Diagnostic::at(schema.span(), format!("schema {other} is not known here"))
            .help(format!("this version of leasehold reads schema = {SCHEMA}"))
            .into()),
    }
}

fn name(tables: &mut Tables<'_>, source: &Source) -> Result<String, Diagnostics> {
    let name = tables.take_key::<String>("name")?;
    match (name, source.stem()) {
        (Some(name), Some(stem)) if name.get_ref() != stem => {
            let told = format!("the study is called `{}`, and its file `{stem}`", cut(name.get_ref()));
            Err(Diagnostic::at(name.span(), told)
                .help(format!("write name = \"{stem}\", or leave it out"))
                .into())
        }
        (Some(name), _) => Ok(name.into_inner()),
        (None, Some(stem)) => Ok(stem.to_owned()),
        (None, None) => Err(Diagnostic::new("the study has no `name`").help("add one at the top").into()),
    }
}

fn required<T: serde::de::DeserializeOwned>(
    tables: &mut Tables<'_>,
    name: &'static str,
    example: &str,
    meaning: &str,
) -> Result<Spanned<T>, Diagnostics> {
    match tables.take_key(name)? {
        Some(value) => Ok(value),
        None if tables.is_misspelt(name) => Err(Diagnostics::default()),
        None => Err(Diagnostic::new(format!("the study has no `{name}`"))
            .help(format!("add `{name} = {example}` at the top: {meaning}"))
            .into()),
    }
}

/// `[set]`, key path by key path, in the order of the file.
fn settings(root: &DeTable<'_>) -> Result<Vec<Setting>, Diagnostic> {
    let Some(set) = root.get("set") else { return Ok(Vec::new()) };
    let DeValue::Table(table) = set.get_ref() else {
        return Err(Diagnostic::at(set.span(), "`set` is no table")
            .help("write [set], and below it key paths with values: \"lease.sweep\" = \"1s\""));
    };
    let settings = choices::laid(table).into_iter();
    Ok(settings.map(|laid| Setting { key: laid.key, value: Some(laid.value) }).collect())
}

fn sampled(sample: &Spanned<SampleTable>) -> Result<Sample, Diagnostic> {
    let SampleTable { latin_hypercube: points, seed } = *sample.get_ref();
    if !(1..=MOST_SAMPLED).contains(&points) {
        return Err(Diagnostic::at(sample.span(), format!("{points} points cannot be drawn"))
            .help(format!("draw 1 to {MOST_SAMPLED}, as in sample = {{ latin_hypercube = 40 }}")));
    }
    Ok(Sample { points: u32::try_from(points).expect("it is in range"), seed })
}

/// First the axes, then what follows from them, each in the order of the file: so that a value only needs those before it.
fn parameters_of(
    tables: &Parameters,
    choices: &BTreeMap<String, choices::Choices>,
    ranges: Ranges,
    source: &Source,
) -> Result<Vec<StudyParameter>, Diagnostics> {
    let mut ordered: Vec<_> = tables.iter().collect();
    ordered.sort_by_key(|(_, table)| (table.get_ref().is_derived(), table.span().start));
    if ordered.first().is_none_or(|(_, table)| table.get_ref().is_derived()) {
        return Err(Diagnostic::new("the study varies nothing")
            .help("add a parameter: [parameters] with ttl = { key = \"lease.ttl\", values = [\"5s\", \"10s\"] }")
            .into());
    }
    if let Some((_, table)) = ordered.get(MOST_PARAMETERS) {
        let told = format!("{} parameters are more than a study has", ordered.len());
        return Err(Diagnostic::at(table.span(), told)
            .help(format!("{MOST_PARAMETERS} are the most"))
            .into());
    }
    let names: Vec<&str> = ordered.iter().map(|(name, _)| name.as_str()).collect();
    let around = Surroundings { names: &names, choices, ranges, source };
    let mut found = Diagnostics::default();
    let read: Vec<Option<StudyParameter>> =
        ordered.iter().map(|(name, table)| found.keep(parameter::read(name, table, around))).collect();
    let Some(parameters) = read.into_iter().collect::<Option<Vec<_>>>() else { return Err(found) };
    let mut used = Vec::new();
    for (place, parameter) in parameters.iter().enumerate() {
        let Axis::Derived(text, expression) = &parameter.axis else { continue };
        let uses = expression.uses();
        if let Some(later) = uses.iter().find(|&&used| used >= place) {
            let told = format!("`{text}` needs `{}`, which comes later or follows from it", names[*later]);
            found.push(
                Diagnostic::at(parameter.span.clone(), told)
                    .help("what is derived stands behind what it is derived from"),
            );
        }
        used.extend(uses);
    }
    for (place, parameter) in parameters.iter().enumerate() {
        if parameter.keys.is_empty() && !used.contains(&place) {
            let told = format!("`{}` sets nothing", parameter.name);
            found.push(
                Diagnostic::at(parameter.span.clone(), told)
                    .help("say which key of the scenario it sets: key = \"lease.ttl\""),
            );
        }
    }
    found.push_all(twice(&parameters));
    found.or(parameters)
}

/// Keys that two parameters set.
fn twice(parameters: &[StudyParameter]) -> Vec<Diagnostic> {
    let all =
        || parameters.iter().flat_map(|parameter| parameter.keys.iter().map(move |key| (key, parameter)));
    let mut found = Vec::new();
    for (place, (key, parameter)) in all().enumerate() {
        let is_twice = |(other, by): &(&String, &StudyParameter)| match by.name == parameter.name {
            true => *other == key,
            false => choices::overlap(other, key),
        };
        if let Some((_, other)) = all().take(place).find(is_twice) {
            let told = format!("`{key}` is set twice, by `{}` and by `{}`", other.name, parameter.name);
            found.push(
                Diagnostic::at(parameter.span.clone(), told)
                    .related(other.span.clone(), "here too")
                    .help("let one of them set another key"),
            );
        }
    }
    found
}

fn constraints_of(
    texts: &[Spanned<String>],
    parameters: &[StudyParameter],
    source: &Source,
) -> Result<Vec<Constraint>, Diagnostics> {
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let mut found = Diagnostics::default();
    let read = texts.iter().filter_map(|text| {
        let condition = Condition::read(text.get_ref(), &names);
        let condition = found.keep(condition.map_err(|wrong| misread(source, text, &wrong)))?;
        Some(Constraint { text: text.get_ref().clone(), span: text.span(), condition })
    });
    let constraints = read.collect();
    found.or(constraints)
}

fn seeds_of(seeds: &Spanned<SeedsTable>) -> Result<(u64, u64), Diagnostic> {
    let wrong = |told: String| {
        Err(Diagnostic::at(seeds.span(), told)
            .help("write how many, as in seeds = 200, or a range: seeds = \"0..200\""))
    };
    match seeds.get_ref() {
        SeedsTable::Count(count) => match u64::try_from(*count) {
            Ok(count) if count > 0 => Ok((0, count)),
            _ => wrong(format!("{count} seeds are none")),
        },
        SeedsTable::Range(text) => {
            let ends = text.split_once("..").map(|(from, to)| (from.trim().parse(), to.trim().parse()));
            match ends {
                Some((Ok(from), Ok(to))) if from < to => Ok((from, to)),
                Some((Ok::<u64, _>(_), Ok::<u64, _>(_))) => wrong(format!("`{}` holds no seed", cut(text))),
                _ => wrong(format!("`{}` is no range of seeds", cut(text))),
            }
        }
    }
}

/// A list in which nothing stands twice.
fn each_once<T: serde::de::DeserializeOwned + PartialEq>(
    tables: &mut Tables<'_>,
    key: &'static str,
) -> Result<Vec<T>, Diagnostics> {
    let Some(values) = tables.take_key::<Vec<Spanned<T>>>(key)? else { return Ok(Vec::new()) };
    let mut found = Diagnostics::default();
    let mut kept: Vec<T> = Vec::new();
    for value in values.into_inner() {
        let span = value.span();
        let value = value.into_inner();
        if kept.contains(&value) {
            found.push(Diagnostic::at(span, "this stands there twice").help("remove one of the two"));
        }
        kept.push(value);
    }
    found.or(kept)
}

/// What is wrong with an expression, where it stands in the file.
pub(crate) fn misread(source: &Source, text: &Spanned<String>, wrong: &Wrong) -> Diagnostic {
    let span = text.span();
    let inner = span.start + 1..span.end.saturating_sub(1);
    // Unless something in it is escaped, the text stands there as it is, between its quotes.
    let verbatim = source.text().get(inner.clone()) == Some(text.get_ref());
    let at = if verbatim { inner.start + wrong.at.start..inner.start + wrong.at.end } else { span };
    let diagnostic = Diagnostic::at(at, wrong.what.clone());
    wrong.help.iter().fold(diagnostic, |diagnostic, help| diagnostic.help(help.clone()))
}

#[cfg(test)]
mod tests;
