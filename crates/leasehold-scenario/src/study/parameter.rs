//! What a study varies: values one by one, ranges, and what follows from others.

use core::ops::Range;
use std::collections::BTreeMap;

use leasehold_plan::Setting;

use super::choices::{Choice, Choices};
use super::expression::Expression;
use super::misread;
use super::quantity::{Quantity, Raw, rounded};
use super::table::{ParameterTable, ScaleName};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Source;
use crate::spanned::Spanned;
use crate::suggest::cut;

/// More values than these are no grid that anybody reads. Chosen by us.
const MOST_STEPS: i64 = 1_000;

/// Something that a study varies.
#[derive(Clone, Debug)]
pub struct StudyParameter {
    /// Its name in the study.
    pub name: String,
    /// The key paths of the scenario that it sets, those of all its choices; none if others only follow from it.
    pub keys: Vec<String>,
    /// What each of its values lays over the scenario, in their order; empty if it sets its keys to its values.
    pub choices: Vec<Choice>,
    /// Where its values come from.
    pub axis: Axis,
    /// Where it stands in the file.
    pub span: Range<usize>,
}

/// Where the values of a parameter come from.
#[derive(Clone, Debug)]
pub enum Axis {
    /// They are these. Of choices they are the names.
    Values(Vec<Quantity>),
    /// Any between these two; only a sample has such.
    Between(Quantity, Quantity, Scale),
    /// They follow from other parameters.
    Derived(String, Expression),
}

/// How the values of a range are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// By the same amount.
    Linear,
    /// By the same factor.
    Log,
}

/// Whether ranges without steps are allowed: only where points are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ranges {
    InSteps,
    OrOpen,
}

impl StudyParameter {
    /// What one of its values lays over the scenario.
    pub(super) fn settings(&self, value: &Quantity) -> Vec<Setting> {
        if self.choices.is_empty() {
            let toml = value.to_toml().expect("it was written before");
            return self
                .keys
                .iter()
                .map(|key| Setting { key: key.clone(), value: Some(toml.clone()) })
                .collect();
        }
        let is_meant = |choice: &&Choice| matches!(value, Quantity::Word(name) if *name == choice.name);
        let choice = self.choices.iter().find(is_meant).expect("its values are the names of its choices");
        choice.settings.clone()
    }
}

impl Axis {
    /// The value of a range at a part of its way, from 0 to 1, to three significant digits; the ends are what they are.
    ///
    /// # Panics
    ///
    /// If it is no range.
    pub fn between(&self, part: f64) -> Quantity {
        let Self::Between(from, to, scale) = self else { panic!("only a range has values in between") };
        within(from, to, *scale, part)
    }
}

fn within(from: &Quantity, to: &Quantity, scale: Scale, part: f64) -> Quantity {
    let number = |quantity: &Quantity| quantity.number().expect("the ends of a range are numbers");
    let (low, high) = (number(from), number(to));
    if part <= 0.0 {
        return from.clone();
    }
    if part >= 1.0 {
        return to.clone();
    }
    from.like(rounded(match scale {
        Scale::Linear => low + (high - low) * part,
        Scale::Log => low * libm::pow(high / low, part),
    }))
}

/// What reading a parameter needs beside it.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The names of all parameters, each at its place.
    pub(super) names: &'a [&'a str],
    /// The choices of those that have some.
    pub(super) choices: &'a BTreeMap<String, Choices>,
    pub(super) ranges: Ranges,
    pub(super) source: &'a Source,
}

/// Reads a parameter.
pub(super) fn read(
    name: &str,
    table: &Spanned<ParameterTable>,
    around: Surroundings<'_>,
) -> Result<StudyParameter, Diagnostics> {
    let (span, table) = (table.span(), table.get_ref());
    let mut found = Diagnostics::default();
    let usable = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !usable || ["min", "max", "floor"].contains(&name) {
        let told = format!("`{}` cannot be the name of a parameter", cut(name));
        found.push(Diagnostic::at(span.clone(), told).help(
            "begin with a letter, go on with letters, digits, `-` and `_`; min, max and floor are functions",
        ));
    }
    let mut keys = found.keep(keys(table)).unwrap_or_default();
    let choices = match (&table.choices, around.choices.get(name)) {
        (Some(_), Some(read)) => found.keep(read.clone()).unwrap_or_default(),
        _ => Vec::new(),
    };
    for Setting { key, .. } in choices.iter().flat_map(|choice| &choice.settings) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    let axis = match choices.as_slice() {
        [] => found.keep(axis(name, &span, table, around)),
        // A name is a name, even if it looks like a length of time.
        named => Some(Axis::Values(named.iter().map(|choice| Quantity::Word(choice.name.clone())).collect())),
    };
    found.push_all(beside_choices(table));
    match axis {
        Some(axis) => found.or(StudyParameter { name: name.to_owned(), keys, choices, axis, span }),
        None => Err(found),
    }
}

/// What has no meaning beside choices.
fn beside_choices(table: &ParameterTable) -> Option<Diagnostic> {
    let choices = table.choices.as_ref()?;
    let others = [
        ("key", table.key.as_ref().map(Spanned::span)),
        ("values", table.values.as_ref().map(Spanned::span)),
        ("from", table.from.as_ref().map(Spanned::span)),
        ("to", table.to.as_ref().map(Spanned::span)),
        ("steps", table.steps.as_ref().map(Spanned::span)),
        ("scale", table.scale.as_ref().map(Spanned::span)),
        ("derive", table.derive.as_ref().map(Spanned::span)),
    ];
    let (other, span) = others.into_iter().find_map(|(other, span)| Some((other, span?)))?;
    let told = format!("`{other}` has no meaning beside choices: each of them says what it sets");
    Some(Diagnostic::at(span, told).related(choices.span(), "the choices").help("remove one of the two"))
}

fn keys(table: &ParameterTable) -> Result<Vec<String>, Diagnostic> {
    let Some(key) = &table.key else { return Ok(Vec::new()) };
    let keys = key.get_ref().all();
    match keys.iter().find(|key| !is_path(key)) {
        Some(wrong) => Err(Diagnostic::at(key.span(), format!("`{}` is no key path", cut(wrong)))
            .help("write the path of a key of the scenario, as in key = \"lease.ttl\"")),
        None if keys.is_empty() => Err(Diagnostic::at(key.span(), "this names no key")
            .help("name one, or leave `key` out of what others only follow from")),
        None => Ok(keys.to_vec()),
    }
}

/// Whether a text is the path of a key.
pub(super) fn is_path(key: &str) -> bool {
    let bare =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    key.split('.').all(bare)
}

fn axis(
    name: &str,
    span: &Range<usize>,
    table: &ParameterTable,
    around: Surroundings<'_>,
) -> Result<Axis, Diagnostics> {
    if table.choices.is_some() {
        // What is wrong with them is told already.
        return Err(Diagnostics::default());
    }
    let Surroundings { names, ranges, source, .. } = around;
    let is_range = table.from.is_some() || table.to.is_some();
    let ways = [table.values.is_some(), is_range, table.derive.is_some()];
    if ways.into_iter().filter(|way| *way).count() != 1 {
        return Err(Diagnostic::at(
            span.clone(),
            format!("`{name}` has no values, or more than one kind of them"),
        )
        .help("write one of: values = [\"5s\", \"10s\"], or from, to and steps, or derive = \"ttl/3\", or choices")
        .into());
    }
    let of_range = [
        table.steps.as_ref().map(|steps| ("steps", steps.span())),
        table.scale.as_ref().map(|scale| ("scale", scale.span())),
    ];
    if !is_range && let Some((key, span)) = of_range.into_iter().flatten().next() {
        return Err(Diagnostic::at(span, format!("`{key}` belongs to a range"))
            .help("write `from` and `to` beside it, or remove it")
            .into());
    }
    if let Some(derive) = &table.derive {
        let expression =
            Expression::read(derive.get_ref(), names).map_err(|wrong| misread(source, derive, &wrong))?;
        return Ok(Axis::Derived(derive.get_ref().clone(), expression));
    }
    match &table.values {
        Some(values) => listed(values).map(Axis::Values),
        None => range(span, table, ranges),
    }
}

fn listed(values: &Spanned<Vec<Spanned<Raw>>>) -> Result<Vec<Quantity>, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut quantities: Vec<Quantity> = Vec::new();
    for value in values.get_ref() {
        let quantity = Quantity::of_raw(value.get_ref());
        if quantities.contains(&quantity) {
            let told = format!("{} stands there twice", value.get_ref().told());
            found.push(Diagnostic::at(value.span(), told).help("remove one of the two"));
        }
        quantities.push(quantity);
    }
    if quantities.is_empty() {
        found.push(
            Diagnostic::at(values.span(), "there are no values, so the study would have no points")
                .help("write some, as in values = [\"5s\", \"10s\"]"),
        );
    }
    found.or(quantities)
}

fn range(span: &Range<usize>, table: &ParameterTable, ranges: Ranges) -> Result<Axis, Diagnostics> {
    let (Some(from), Some(to)) = (&table.from, &table.to) else {
        return Err(Diagnostic::at(span.clone(), "a range has two ends")
            .help("write both: from = \"5s\", to = \"30s\", steps = 6")
            .into());
    };
    let (low, high) = (Quantity::of_raw(from.get_ref()), Quantity::of_raw(to.get_ref()));
    let ends = || from.span().start.min(to.span().start)..from.span().end.max(to.span().end);
    let (Some(start), Some(end)) = (low.number(), high.number()) else {
        let told = format!(
            "a range goes between two numbers or lengths, not from {} to {}",
            low.kind(),
            high.kind()
        );
        return Err(Diagnostic::at(ends(), told).help("name the values one by one: values = [...]").into());
    };
    if low.kind() != high.kind() {
        let told = format!("the range begins with {} and ends with {}", low.kind(), high.kind());
        return Err(Diagnostic::at(ends(), told).help("write both alike").into());
    }
    if start >= end {
        return Err(Diagnostic::at(ends(), format!("the range goes from {low} to {high}: it has no length"))
            .help("write the lower end in `from`")
            .into());
    }
    let scale = match table.scale.as_ref().map(|scale| *scale.get_ref()).unwrap_or_default() {
        ScaleName::Linear => Scale::Linear,
        ScaleName::Log => Scale::Log,
    };
    if scale == Scale::Log && start <= 0.0 {
        return Err(Diagnostic::at(from.span(), "a logarithmic range cannot begin at or below 0")
            .help("begin above 0, or leave `scale` out")
            .into());
    }
    let Some(steps) = &table.steps else {
        return match ranges {
            Ranges::OrOpen => Ok(Axis::Between(low, high, scale)),
            Ranges::InSteps => Err(Diagnostic::at(span.clone(), "the range has no steps")
                .help("write how many values it has, as in steps = 6; only a study with a `sample` can do without")
                .into()),
        };
    };
    let count = *steps.get_ref();
    if !(2..=MOST_STEPS).contains(&count) {
        return Err(Diagnostic::at(
            steps.span(),
            format!("a range has 2 to {MOST_STEPS} steps, found {count}"),
        )
        .help("both ends count: steps = 2 is just `from` and `to`")
        .into());
    }
    let last = (count - 1) as f64;
    let mut values: Vec<Quantity> =
        (0..count).map(|step| within(&low, &high, scale, step as f64 / last)).collect();
    values.dedup();
    if values.len() as i64 != count {
        return Err(Diagnostic::at(
            steps.span(),
            format!("{count} steps are too many: some would be the same"),
        )
        .help("values in between are rounded to three significant digits")
        .into());
    }
    Ok(Axis::Values(values))
}
