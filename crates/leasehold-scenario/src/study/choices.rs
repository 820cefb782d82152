//! Named alternatives, each of which lays keys of its own over the scenario.

use core::ops::Range;
use std::collections::BTreeMap;

use leasehold_plan::Setting;
use toml::de::{DeTable, DeValue};

use super::parameter::is_path;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::value_text;
use crate::suggest::{cut, shown};

/// A name longer than this fits into no table. Chosen by us.
const LONGEST_NAME: usize = 60;

/// One alternative of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What it is called.
    pub name: String,
    /// What it lays over the scenario, in the order of the file; nothing if it is the scenario as it is.
    pub settings: Vec<Setting>,
}

/// A key that somebody lays over the scenario, with its value as TOML and where it stands.
pub(super) struct Laid {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) span: Range<usize>,
}

/// The choices of a parameter, or what is wrong with them.
pub(super) type Choices = Result<Vec<Choice>, Diagnostics>;

/// The choices of all parameters that have some, by the parameter's name.
pub(super) fn of_all(root: &DeTable<'_>) -> BTreeMap<String, Choices> {
    let Some(DeValue::Table(parameters)) = root.get("parameters").map(toml::Spanned::get_ref) else {
        return BTreeMap::new();
    };
    let named = |(name, parameter): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = name.get_ref();
        let DeValue::Table(parameter) = parameter.get_ref() else { return None };
        let choices = parameter.get("choices")?;
        // What is no table is told by the reader of the parameter.
        let DeValue::Table(table) = choices.get_ref() else { return None };
        Some((name.to_string(), all(table, &choices.span())))
    };
    parameters.iter().filter_map(named).collect()
}

fn all(table: &DeTable<'_>, span: &Range<usize>) -> Choices {
    let mut found = Diagnostics::default();
    let mut ordered: Vec<_> = table.iter().collect();
    ordered.sort_by_key(|(name, _)| name.span().start);
    if ordered.is_empty() {
        found.push(
            Diagnostic::at(span.clone(), "there are no choices, so the study would have no points")
                .help(EXAMPLE),
        );
    }
    let mut choices = Vec::new();
    for (name, value) in ordered {
        found.keep(usable(name.get_ref(), &name.span()));
        let DeValue::Table(keys) = value.get_ref() else {
            let told = format!(
                "the choice `{}` is this {}, expected a table of keys",
                cut(name.get_ref()),
                value.get_ref().type_str()
            );
            found.push(Diagnostic::at(value.span(), told).help(EXAMPLE));
            continue;
        };
        let laid = laid(keys);
        found.push_all(wrong(&laid));
        let settings = laid.into_iter().map(|Laid { key, value, .. }| Setting { key, value: Some(value) });
        choices.push(Choice { name: name.get_ref().to_string(), settings: settings.collect() });
    }
    found.or(choices)
}

const EXAMPLE: &str =
    "write a table of names, each with the keys that it sets: none = {}, long = { \"lease.ttl\" = \"30s\" }";

/// A name that can be told in a table, a sentence and on a terminal.
fn usable(name: &str, span: &Range<usize>) -> Result<(), Diagnostic> {
    let told = if name.trim() != name || name.is_empty() {
        "the name of a choice neither begins nor ends with a space, and is not empty".to_owned()
    } else if name.chars().any(char::is_control) {
        format!("{} cannot be the name of a choice: nobody can read it", shown(name))
    } else if name.chars().count() > LONGEST_NAME {
        format!("`{}` is too long a name: {LONGEST_NAME} letters are the most", cut(name))
    } else {
        return Ok(());
    };
    Err(Diagnostic::at(span.clone(), told).help("take a short name, as people would say it: \"fixed 10s\""))
}

/// What a table lays over a scenario: key path by key path, in the order of the file. An empty table is a value too, since
/// for some tables it matters that they are there.
pub(super) fn laid(table: &DeTable<'_>) -> Vec<Laid> {
    fn below(path: Option<&str>, table: &DeTable<'_>, laid: &mut Vec<Laid>) {
        let mut ordered: Vec<_> = table.iter().collect();
        ordered.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in ordered {
            let span = key.span();
            let key =
                path.map_or_else(|| key.get_ref().to_string(), |path| format!("{path}.{}", key.get_ref()));
            match value.get_ref() {
                DeValue::Table(table) if !table.is_empty() => below(Some(&key), table, laid),
                other => laid.push(Laid { key, value: value_text(other), span }),
            }
        }
    }
    let mut found = Vec::new();
    below(None, table, &mut found);
    found
}

/// Keys that are no key paths, and those that one choice sets twice.
fn wrong(laid: &[Laid]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (place, this) in laid.iter().enumerate() {
        if !is_path(&this.key) {
            found.push(
                Diagnostic::at(this.span.clone(), format!("`{}` is no key path", cut(&this.key)))
                    .help("write the path of a key of the scenario, as in \"lease.ttl\" = \"5s\""),
            );
        } else if let Some(other) = laid[..place].iter().find(|other| overlap(&other.key, &this.key)) {
            found.push(
                Diagnostic::at(this.span.clone(), format!("`{}` is set twice by one choice", cut(&this.key)))
                    .related(other.span.clone(), "here too")
                    .help("remove one of the two"),
            );
        }
    }
    found
}

/// Whether two key paths are the same, or one lies within the other: then both set it.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let within = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(one, other) || within(other, one)
}
