//! Reading a source: TOML with spans, and the `--set` texts laid over it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::value_text;
use crate::source::{Does, Overlay, Source, Variant, shown_overlay};
use crate::suggest::cut;

/// How deep a key path may go. Scenario files go three deep.
const DEEPEST: usize = 16;

/// The whole document. Spans are addresses in `source`.
pub(crate) fn read(source: &Source) -> Result<DeTable<'_>, Diagnostics> {
    let mut root = parse(source.text())?;
    choose_variant(&mut root, source.variant())?;
    let mut found = Diagnostics::default();
    for overlay in source.overlays() {
        if let Err(diagnostic) = lay_over(&mut root, overlay) {
            found.push(diagnostic);
        }
    }
    found.or(root)
}

/// A text alone.
pub(crate) fn parse(text: &str) -> Result<DeTable<'_>, Diagnostics> {
    let parsed = DeTable::parse(text).map(Spanned::into_inner);
    parsed.map_err(|error| syntax_error(text, &error).into())
}

/// Whether the file says what its safe variant is. A text that is no TOML does not.
pub(crate) fn has_safe_table(source: &Source) -> bool {
    let text = source.text();
    text.contains("safe") && DeTable::parse(text).is_ok_and(|root| root.get_ref().contains_key("safe"))
}

/// Takes the `[safe]` table out, and for the safe variant lays it over the rest.
fn choose_variant<'s>(root: &mut DeTable<'s>, variant: Variant) -> Result<(), Diagnostic> {
    let safe = root.remove("safe");
    if variant == Variant::AsWritten {
        return Ok(());
    }
    let Some(safe) = safe else {
        return Err(Diagnostic::new("the scenario has no [safe] table, so it has no safe variant").help(
            "add one with what makes it hold, for example [safe.resource] with fence = \"highest-token\"",
        ));
    };
    let span = safe.span();
    let DeValue::Table(safe) = safe.into_inner() else {
        return Err(Diagnostic::at(span, "`safe` is no table").help("write [safe.resource], for example"));
    };
    // The safe variant is to pass, whatever the other is expected to come to.
    root.remove("expect");
    merge(root, safe);
    Ok(())
}

/// Lays one table over another, table by table and key by key.
fn merge<'s>(under: &mut DeTable<'s>, over: DeTable<'s>) {
    for (key, value) in over {
        match (under.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut), value.get_ref()) {
            (Some(DeValue::Table(below)), DeValue::Table(_)) => {
                let DeValue::Table(above) = value.into_inner() else { unreachable!("it is a table") };
                merge(below, above);
            }
            _ => {
                under.remove(key.get_ref().as_ref());
                under.insert(key, value);
            }
        }
    }
}

fn syntax_error(text: &str, error: &toml::de::Error) -> Diagnostic {
    let message = error.message();
    // Too deep a table header comes without a place.
    let too_deep = message.contains("recurs").then(|| "tables or lists are nested too deep".to_owned());
    let other = || format!("this is not TOML: {message}");
    let Some(span) = error.span() else { return Diagnostic::new(too_deep.unwrap_or_else(other)) };
    // Not `Diagnostic::at`: what is wrong may be the empty place at the very start.
    let at = |message: String| Diagnostic { span: Some(span.clone()), ..Diagnostic::new(message) };
    if let Some(too_deep) = too_deep {
        at(too_deep)
    } else if message.starts_with("duplicate key") {
        let key = text.get(span.clone()).unwrap_or("this key");
        at(format!("`{}` stands there twice", cut(key))).help("remove one of the two")
    } else if ["string, expected `\"", "string, expected `'"].iter().any(|end| message.contains(end)) {
        at("this text has no closing quote".to_owned())
    } else if let Some(value) = unquoted_value(text, span.start) {
        at("a value without quotes".to_owned())
            .help(format!("values with a unit or a name stand in quotes: \"{value}\""))
    } else {
        at(other())
    }
}

/// The bare word behind the `=` of the line at `offset`, if that is what is wrong there.
fn unquoted_value(text: &str, offset: usize) -> Option<&str> {
    let offset = offset.min(text.len());
    let start = text.get(..offset)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?;
    let (key, value) = line.split_once('=')?;
    if offset <= start + key.len() {
        return None;
    }
    let value = value.split('#').next()?.trim();
    let bare = |c: char| c.is_alphanumeric() || "+-_.%/*<> ".contains(c);
    (!value.is_empty() && value.len() <= 60 && value.chars().all(bare)).then_some(value)
}

/// One step of a key path, with its span.
struct Step<'s> {
    key: &'s str,
    span: Range<usize>,
}

fn lay_over<'s>(root: &mut DeTable<'s>, overlay: &'s Overlay) -> Result<(), Diagnostic> {
    if overlay.does == Does::Remove {
        remove(root, &overlay.text);
        return Ok(());
    }
    let whole = overlay.base..overlay.base + overlay.text.len();
    let Some((path, value)) = overlay.text.split_once('=') else {
        return Err(Diagnostic::at(whole, format!("{} has no value", shown_overlay(overlay)))
            .help("write --set key.path=value, for example --set lease.ttl=5s"));
    };
    let value_base = overlay.base + path.len() + 1;
    let (path, adds) = match path.strip_suffix('+') {
        Some(path) => (path, true),
        None => (path, false),
    };
    let steps = steps(path, overlay)?;
    let value = value_of(value, value_base)?;
    let (last, above) = steps.split_last().expect("splitting gives at least one part");

    let mut here = Container::Table(root);
    for (depth, step) in above.iter().enumerate() {
        here = descend(here, step, &steps[..depth])?;
    }
    match here {
        Container::Table(table) if adds && table.contains_key(last.key) => {
            let there = table.get_mut(last.key).expect("it was found");
            add(there, value, last)?;
        }
        Container::Table(table) => {
            table.remove(last.key);
            table.insert(Spanned::new(last.span.clone(), Cow::Borrowed(last.key)), value);
        }
        Container::Array(array) if adds => add(element(array, last, above)?, value, last)?,
        Container::Array(array) => *element(array, last, above)? = value,
    }
    Ok(())
}

/// Adds the elements of one list to another: `key.path+=[value]`.
fn add<'s>(
    there: &mut Spanned<DeValue<'s>>,
    value: Spanned<DeValue<'s>>,
    step: &Step<'_>,
) -> Result<(), Diagnostic> {
    let (span, kind) = (there.span(), there.get_ref().type_str());
    let (value_span, value_kind) = (value.span(), value.get_ref().type_str());
    match (there.get_mut(), value.into_inner()) {
        (DeValue::Array(array), DeValue::Array(more)) => {
            more.into_iter().for_each(|value| array.push(value));
            Ok(())
        }
        (DeValue::Array(_), _) => {
            Err(Diagnostic::at(value_span, format!("`+=` adds a list, found this {value_kind}"))
                .help("write it in brackets, as in --set transport.allow+=[\"link\"]"))
        }
        _ => Err(Diagnostic::at(
            step.span.clone(),
            format!("`{}` is no list, so `+=` has no meaning", step.key),
        )
        .related(span, format!("it is this {kind}"))
        .help("replace it with `=`")),
    }
}

/// Takes away what stands under a key path, if anything does.
fn remove(root: &mut DeTable<'_>, path: &str) {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut here = root;
    for key in above.split('.').filter(|key| !key.is_empty()) {
        match here.get_mut(key).map(Spanned::get_mut) {
            Some(DeValue::Table(table)) => here = table,
            _ => return,
        }
    }
    here.remove(last);
}

/// All that a document says, by key path, as TOML: tables and lists as a whole, and each of their parts.
pub(crate) fn flatten(root: &DeTable<'_>) -> BTreeMap<String, String> {
    fn below(path: &str, value: &DeValue<'_>, flat: &mut BTreeMap<String, String>) {
        flat.insert(path.to_owned(), value_text(value));
        match value {
            DeValue::Table(table) => {
                for (key, value) in table {
                    below(&format!("{path}.{}", key.get_ref()), value.get_ref(), flat);
                }
            }
            DeValue::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    below(&format!("{path}.{index}"), value.get_ref(), flat);
                }
            }
            _ => {}
        }
    }
    let mut flat = BTreeMap::new();
    for (key, value) in root {
        below(key.get_ref(), value.get_ref(), &mut flat);
    }
    flat
}

/// What a key path can go through.
enum Container<'t, 's> {
    Table(&'t mut DeTable<'s>),
    Array(&'t mut DeArray<'s>),
}

fn descend<'t, 's>(
    here: Container<'t, 's>,
    step: &Step<'s>,
    above: &[Step<'_>],
) -> Result<Container<'t, 's>, Diagnostic> {
    let child = match here {
        Container::Table(table) => {
            if !table.contains_key(step.key) {
                let empty = Spanned::new(step.span.clone(), DeValue::Table(DeTable::new()));
                table.insert(Spanned::new(step.span.clone(), Cow::Borrowed(step.key)), empty);
            }
            table.get_mut(step.key).expect("inserted if it was missing")
        }
        Container::Array(array) => element(array, step, above)?,
    };
    let child_span = child.span();
    let kind = child.get_ref().type_str();
    match child.get_mut() {
        DeValue::Table(table) => Ok(Container::Table(table)),
        DeValue::Array(array) => Ok(Container::Array(array)),
        _ => Err(Diagnostic::at(step.span.clone(), format!("`{}` is no table", step.key))
            .label("expected a table or an array here")
            .related(child_span, format!("it is this {kind}"))
            .help("set the value itself, or leave out what follows it")),
    }
}

fn element<'t, 's>(
    array: &'t mut DeArray<'s>,
    step: &Step<'_>,
    above: &[Step<'_>],
) -> Result<&'t mut Spanned<DeValue<'s>>, Diagnostic> {
    let name: Vec<&str> = above.iter().map(|step| step.key).collect();
    let name = name.join(".");
    let count = array.len();
    step.key.parse().ok().and_then(|index: usize| array.get_mut(index)).ok_or_else(|| {
        let last = count.saturating_sub(1);
        Diagnostic::at(step.span.clone(), format!("`{name}` has no element `{}`", step.key)).help(match count
        {
            0 => format!("`{name}` is empty"),
            1 => format!("it has one: {name}.0"),
            _ => format!("it has {count}: {name}.0 to {name}.{last}"),
        })
    })
}

fn steps<'s>(path: &'s str, overlay: &Overlay) -> Result<Vec<Step<'s>>, Diagnostic> {
    let mut steps = Vec::new();
    let mut start = overlay.base;
    for part in path.split('.') {
        let key = part.trim();
        let key_start = start + (part.len() - part.trim_start().len());
        let span = key_start..key_start + key.len();
        let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !bare {
            return Err(Diagnostic::at(span, format!("{} does not name a key", shown_overlay(overlay)))
                .label("expected letters, digits, `-` and `_`")
                .help("write --set key.path=value, for example --set lease.ttl=5s"));
        }
        if steps.len() == DEEPEST {
            return Err(Diagnostic::at(span, format!("a key path has at most {DEEPEST} parts")));
        }
        steps.push(Step { key, span });
        start += part.len() + 1;
    }
    Ok(steps)
}

/// A TOML value if it is one, else the text itself, so that `5s` needs no quotes in a shell.
fn value_of(text: &str, base: usize) -> Result<Spanned<DeValue<'_>>, Diagnostic> {
    let trimmed = text.trim();
    let base = base + (text.len() - text.trim_start().len());
    match DeValue::parse(trimmed) {
        Ok(value) => Ok(shifted(value, base)),
        Err(error) if trimmed.starts_with(['"', '\'', '[', '{']) => {
            let span = error.span().unwrap_or(0..trimmed.len());
            Err(Diagnostic::at(
                span.start + base..span.end + base,
                format!("this is not a TOML value: {}", error.message()),
            ))
        }
        Err(_) => Ok(Spanned::new(base..base + trimmed.len(), DeValue::String(Cow::Borrowed(trimmed)))),
    }
}

/// The same value, with all spans moved up. Nesting is limited by the parser.
fn shifted(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let up = |span: Range<usize>| span.start + by..span.end + by;
    let span = up(value.span());
    let inner = match value.into_inner() {
        DeValue::Array(array) => DeValue::Array(array.into_iter().map(|value| shifted(value, by)).collect()),
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, value)| (Spanned::new(up(key.span()), key.into_inner()), shifted(value, by)))
                .collect(),
        ),
        scalar => scalar,
    };
    Spanned::new(span, inner)
}
