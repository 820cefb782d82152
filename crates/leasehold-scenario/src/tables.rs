//! The top-level tables of a scenario, handed out by name.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::complaint::explain;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::spanned::Spanned;
use crate::suggest::{cut, nearest};

/// A value of the document, not read yet.
type Raw<'s> = toml::Spanned<DeValue<'s>>;

/// The tables of one scenario. Each party takes those it owns; what nobody knows is an error.
#[derive(Debug)]
pub struct Tables<'s> {
    root: DeTable<'s>,
    known: Vec<&'static str>,
    /// Top-level names that nobody knows: what is missing may stand under one of them.
    unknown: Vec<String>,
    taken: BTreeSet<&'static str>,
}

impl<'s> Tables<'s> {
    /// The tables of a document, of which these are known. `foreign` are those of systems that the scenario
    /// does not use, each with its system's name.
    pub(crate) fn new(
        root: DeTable<'s>,
        known: Vec<&'static str>,
        foreign: &[(&'static str, &'static str)],
    ) -> (Self, Diagnostics) {
        let mut unknown = Vec::new();
        let mut found = Diagnostics::default();
        for (key, value) in &root {
            if !known.contains(&key.get_ref().as_ref()) {
                found.push(unknown_at_top(key.span(), key.get_ref(), value.get_ref(), &known, foreign));
                unknown.push(key.get_ref().to_string());
            }
        }
        (Self { root, known, unknown, taken: BTreeSet::new() }, found)
    }

    /// Whether a missing top-level name stands there misspelt. That is told already.
    pub(crate) fn is_misspelt(&self, name: &str) -> bool {
        self.unknown.iter().any(|unknown| nearest(unknown, [name]).is_some())
    }

    /// Takes a table, or any other top-level value, as a `T`. A missing one is an empty table, so that
    /// `#[serde(default)]` works. Spans are kept: fields may be [`Spanned`].
    ///
    /// Unknown keys need `#[serde(deny_unknown_fields)]` on `T`.
    ///
    /// # Errors
    ///
    /// All that is wrong with the table, as far as it can be told. Empty if it is missing because it stands
    /// there misspelt: that is told elsewhere.
    ///
    /// # Panics
    ///
    /// If the system did not list the table among its [`tables`](crate::System::tables), or took it before.
    pub fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, Diagnostics> {
        let value = self.remove(name);
        let present = value.is_some();
        let value = value.unwrap_or_else(|| Raw::new(0..0, DeValue::Table(DeTable::new())));
        let place = Place { name: format!("[{name}]"), prefix: name.to_owned(), present };
        read(&place, value).map_err(|found| match present || !self.is_misspelt(name) {
            true => found,
            false => Diagnostics::default(),
        })
    }

    /// Takes a table whose being there says something.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub(crate) fn take_if_there<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Spanned<T>>, Diagnostics> {
        let Some(value) = self.remove(name) else { return Ok(None) };
        let span = value.span();
        let place = Place { name: format!("[{name}]"), prefix: name.to_owned(), present: true };
        read(&place, value).map(|value| Some(Spanned::new(span, value)))
    }

    /// Takes an array of tables, such as `[[fault]]`; a missing one is empty.
    ///
    /// # Errors
    ///
    /// All that is wrong with its elements.
    ///
    /// # Panics
    ///
    /// As [`take`](Self::take).
    pub fn take_each<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Vec<Spanned<T>>, Diagnostics> {
        let Some(value) = self.remove(name) else { return Ok(Vec::new()) };
        let span = value.span();
        let array = match value.into_inner() {
            DeValue::Array(array) => array,
            other => {
                let found = other.type_str();
                return Err(Diagnostic::at(
                    span,
                    format!("`{name}` is one {found}, expected a list of tables"),
                )
                .help(format!("write [[{name}]], with two brackets; it can stand there many times"))
                .into());
            }
        };
        let place = Place { name: format!("[[{name}]]"), prefix: name.to_owned(), present: true };
        let mut found = Diagnostics::default();
        let mut elements = Vec::new();
        for element in array {
            let span = element.span();
            if let Some(element) = found.keep(read(&place, element)) {
                elements.push(Spanned::new(span, element));
            }
        }
        found.or(elements)
    }

    /// Takes a top-level key that need not be there.
    pub(crate) fn take_key<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Spanned<T>>, Diagnostics> {
        let Some(value) = self.remove(name) else { return Ok(None) };
        let span = value.span();
        let place = Place { name: format!("`{name}`"), prefix: name.to_owned(), present: true };
        read(&place, value).map(|value| Some(Spanned::new(span, value)))
    }

    /// Takes a top-level key that must be there. `example` is a value for somebody who left it out, and `meaning`
    /// says what that is.
    ///
    /// # Errors
    ///
    /// If it is missing or of another type. Empty if it stands there misspelt.
    pub(crate) fn take_required<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        example: &str,
        meaning: &str,
    ) -> Result<Spanned<T>, Diagnostics> {
        match self.take_key(name)? {
            Some(value) => Ok(value),
            None if self.is_misspelt(name) => Err(Diagnostics::default()),
            None => Err(Diagnostic::new(format!("the scenario has no `{name}`"))
                .help(format!("add `{name} = {example}` at the top{meaning}"))
                .into()),
        }
    }

    /// Which of these tables nobody took: a mistake of the system that listed them.
    pub(crate) fn left(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| !self.taken.contains(name))
    }

    fn remove(&mut self, name: &'static str) -> Option<Raw<'s>> {
        assert!(self.known.contains(&name), "the system does not list the table [{name}] that it takes");
        assert!(self.taken.insert(name), "the table [{name}] is taken twice");
        self.root.remove(name)
    }
}

fn unknown_at_top(
    span: Range<usize>,
    key: &str,
    value: &DeValue<'_>,
    known: &[&'static str],
    foreign: &[(&'static str, &'static str)],
) -> Diagnostic {
    let shown = cut(key);
    let (what, quoted): (_, fn(&str) -> String) = match value {
        DeValue::Table(_) => ("table", |name| format!("`[{name}]`")),
        DeValue::Array(array) if array.iter().any(|value| value.get_ref().is_table()) => {
            ("table", |name| format!("`[[{name}]]`"))
        }
        _ => ("key", |name| format!("`{name}`")),
    };
    let diagnostic = Diagnostic::at(span, format!("unknown {what} {}", quoted(&shown)));
    if let Some((_, system)) = foreign.iter().find(|(name, _)| *name == key) {
        return diagnostic.help(format!("this table belongs to another system: system = \"{system}\""));
    }
    diagnostic.help(match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None => format!("known here are {}", known.join(", ")),
    })
}

/// Where a value stands, in words.
pub(crate) struct Place {
    /// As it is shown: `[lease]`.
    pub(crate) name: String,
    /// As a key path: `lease`.
    pub(crate) prefix: String,
    /// Whether the file has it.
    pub(crate) present: bool,
}

/// Reads a value. When a key is wrong, it is noted and left out, and the rest is read again, so that all that is
/// wrong is found at once.
fn read<T: DeserializeOwned>(place: &Place, mut value: Raw<'_>) -> Result<T, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut left_out: Vec<String> = Vec::new();
    loop {
        let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(read) => return found.or(read),
            Err(error) => error,
        };
        let path = error.span().and_then(|span| path_to(value.get_ref(), &span)).unwrap_or_default();
        let diagnostic = match date_on(&value, &path) {
            Some(date) => Diagnostic::at(date, "found a date").label("no value here is a date"),
            None => explain(error.message(), error.span(), place, &path),
        };
        if !(path.is_empty() && is_consequence(error.message(), &left_out)) {
            found.push(diagnostic);
        }
        let (Some(first), DeValue::Table(table)) = (path.first(), value.get_mut()) else { return Err(found) };
        table.remove(first.as_str());
        left_out.push(first.clone());
        if left_out.len() == MOST_RETRIES {
            return Err(found);
        }
    }
}

/// Where the way to what is wrong meets a date, which serde takes for a table.
fn date_on(value: &Raw<'_>, path: &[String]) -> Option<Range<usize>> {
    if let DeValue::Datetime(_) = value.get_ref() {
        return Some(value.span());
    }
    let (first, rest) = path.split_first()?;
    match value.get_ref() {
        DeValue::Table(table) => date_on(table.get(first.as_str())?, rest),
        DeValue::Array(array) => date_on(array.get(first.parse::<usize>().ok()?)?, rest),
        _ => None,
    }
}

/// More wrong keys of one table are not looked for: each costs another reading of it.
const MOST_RETRIES: usize = 20;

/// Whether a key is missing only because it was left out, under its own name or misspelt.
fn is_consequence(message: &str, left_out: &[String]) -> bool {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    missing.is_some_and(|missing| left_out.iter().any(|key| nearest(key, [missing]).is_some()))
}

/// The keys that lead to the value or key at `span`.
fn path_to(value: &DeValue<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    let covers = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let below = |key: &str, child: &Raw<'_>| {
        let mut path = vec![key.to_owned()];
        match path_to(child.get_ref(), span) {
            Some(rest) => path.extend(rest),
            None if covers(child.span()) => {}
            None => return None,
        }
        Some(path)
    };
    match value {
        DeValue::Table(table) => table.iter().find_map(|(key, child)| {
            below(key.get_ref(), child)
                .or_else(|| covers(key.span()).then(|| vec![key.get_ref().to_string()]))
        }),
        DeValue::Array(array) => {
            array.iter().enumerate().find_map(|(index, child)| below(&index.to_string(), child))
        }
        _ => None,
    }
}
