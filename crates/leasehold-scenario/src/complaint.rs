//! Turns the messages of serde into ours.

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::suggest::{cut, did_you_mean};
use crate::tables::Place;

/// Says what serde said about the value at `path` below `place`, in the words of the file. A message's further
/// lines are help lines.
pub(crate) fn explain(
    message: &str,
    span: Option<Range<usize>>,
    place: &Place,
    path: &[String],
) -> Diagnostic {
    let (first, help) = message.split_once('\n').unwrap_or((message, ""));
    let parent = path.split_last().map_or(&[][..], |(_, parent)| parent);
    let unknown_field = unknown_name(first, "unknown field `")
        .map(|(name, known)| unknown_key(name, &below(place, parent), &known));
    let unknown_variant = || {
        let (name, known) = unknown_name(first, "unknown variant `")?;
        let message = match path.last() {
            Some(key) if key.parse::<usize>().is_err() => format!("`{}` is no value of `{key}`", cut(name)),
            _ => format!("unknown name `{}`", cut(name)),
        };
        Some(Diagnostic::new(message).help(did_you_mean(name, known)))
    };
    let diagnostic = unknown_field
        .or_else(unknown_variant)
        .or_else(|| missing(first, place, path))
        .or_else(|| mismatch(first))
        .unwrap_or_else(|| Diagnostic::new(first));
    let diagnostic = help.lines().fold(diagnostic, Diagnostic::help);
    Diagnostic { span: span.filter(|_| place.present), ..diagnostic }
}

/// Complains about a key of a table.
pub(crate) fn unknown_key(name: &str, table: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::new(format!("unknown key `{}` in {table}", cut(name))).help(match known {
        _ if ["schema", "name", "summary", "system", "engine"].contains(&name) => {
            format!("`{name}` belongs at the top, before the first table")
        }
        [] => "nothing can stand here".to_owned(),
        known => did_you_mean(name, known.iter().copied()),
    })
}

/// The name and what was expected, of `` unknown field `x`, expected one of `a`, `b` ``.
fn unknown_name<'m>(message: &'m str, prefix: &str) -> Option<(&'m str, Vec<&'m str>)> {
    let rest = message.strip_prefix(prefix)?;
    let end = rest.rfind("`, expected ").or_else(|| rest.rfind("`, there are no "))?;
    let (name, expected) = rest.split_at(end);
    Some((name, expected[1..].split('`').skip(1).step_by(2).collect()))
}

/// `` missing field `x` ``.
fn missing(message: &str, place: &Place, path: &[String]) -> Option<Diagnostic> {
    let key = message.strip_prefix("missing field `")?.strip_suffix('`')?;
    let place_name = below(place, path);
    let diagnostic = Diagnostic::new(format!("{place_name} has no `{key}`"));
    let example = match key {
        "do" => "\"pause\"",
        "on" => "\"holder\"",
        _ => "...",
    };
    Some(match place.present {
        true => diagnostic.help(format!("add `{key} = {example}`")),
        false => diagnostic.help(format!("add the table {place_name} with `{key} = {example}`")),
    })
}

/// ``invalid type: integer `5`, expected a string``.
fn mismatch(message: &str) -> Option<Diagnostic> {
    if message == "integer number overflowed" {
        return Some(Diagnostic::new("this number is too large"));
    }
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.split_at(rest.rfind(", expected ")?);
    let expected = &expected[", expected ".len()..];
    // Integers beyond 64 bits.
    let found = found.trim_end_matches(" as i128").trim_end_matches(" as u128");
    let help = meant(found, expected);
    let found = match found {
        "map" => "a table",
        "sequence" => "a list",
        "" => "nothing",
        other => other,
    };
    let expected = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        "a sequence" => "a list in square brackets",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    let diagnostic = Diagnostic::new(format!("expected {expected}, found {}", cut(found)))
        .label(format!("expected {expected}"));
    Some(help.into_iter().fold(diagnostic, Diagnostic::help))
}

/// What to write instead: the same value as another type.
fn meant(found: &str, expected: &str) -> Option<String> {
    let text = found.strip_prefix("string \"").and_then(|rest| rest.strip_suffix('"'));
    let float = found.strip_prefix("floating point `").and_then(|rest| rest.strip_suffix('`'));
    let integer = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];
    let is_whole = integer.contains(&expected) || expected.starts_with(|c: char| c.is_ascii_digit());
    match (text, float) {
        (Some(text), _) if expected == "a sequence" => Some(format!("write [\"{}\"]", cut(text))),
        (Some(text), _) if is_whole && text.parse::<i64>().is_ok() => {
            Some(format!("leave out the quotes: {text}"))
        }
        (_, Some(float)) if is_whole => float.strip_suffix(".0").map(|whole| format!("write {whole}")),
        _ => None,
    }
}

/// The name of what lies at `path` in `place`: `[clocks.holder-1]`.
fn below(place: &Place, path: &[String]) -> String {
    match path {
        [] => place.name.clone(),
        path => cut(&format!("[{}.{}]", place.prefix, path.join("."))).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(message: &str, path: &[&str]) -> (String, Vec<String>) {
        let place = Place { name: "[lease]".to_owned(), prefix: "lease".to_owned(), present: true };
        let path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
        let diagnostic = explain(message, Some(1..2), &place, &path);
        (diagnostic.message, diagnostic.notes)
    }

    #[test]
    fn serde_is_put_into_our_words() {
        for (message, path, expected, help) in [
            (
                "unknown field `tll`, expected one of `ttl`, `renew`",
                &["tll"][..],
                "unknown key `tll` in [lease]",
                "did you mean `ttl`?",
            ),
            (
                "unknown field `x`, expected `ttl` or `renew`",
                &["in", "x"],
                "unknown key `x` in [lease.in]",
                "expected `ttl` or `renew`",
            ),
            (
                "unknown field `x`, there are no fields",
                &["x"],
                "unknown key `x` in [lease]",
                "nothing can stand here",
            ),
            (
                "unknown field `a`, expected b`, expected `ttl`",
                &["a"],
                "unknown key `a`, expected b` in [lease]",
                "expected `ttl`",
            ),
            (
                "unknown variant `nne`, expected `none` or `last`",
                &["fence"],
                "`nne` is no value of `fence`",
                "did you mean `none`?",
            ),
            (
                "unknown field `system`, expected `ttl`",
                &["system"],
                "unknown key `system` in [lease]",
                "`system` belongs at the top, before the first table",
            ),
            ("missing field `ttl`", &[], "[lease] has no `ttl`", "add `ttl = ...`"),
            ("missing field `do`", &[], "[lease] has no `do`", "add `do = \"pause\"`"),
            (
                "invalid type: string \"taken-over\", expected a sequence",
                &[],
                "expected a list in square brackets, found string \"taken-over\"",
                "write [\"taken-over\"]",
            ),
            (
                "invalid type: string \"3\", expected 1 to 400",
                &[],
                "expected 1 to 400, found string \"3\"",
                "leave out the quotes: 3",
            ),
            (
                "invalid type: floating point `3.0`, expected i64",
                &[],
                "expected a whole number, found floating point `3.0`",
                "write 3",
            ),
            (
                "invalid type: floating point `2.5`, expected 1 to 400",
                &[],
                "expected 1 to 400, found floating point `2.5`",
                "",
            ),
            (
                "invalid type: integer `99999999999999999999` as i128, expected 1 to 400",
                &[],
                "expected 1 to 400, found integer `99999999999999999999`",
                "",
            ),
            (
                "invalid type: integer `5`, expected struct Lease",
                &[],
                "expected a table, found integer `5`",
                "",
            ),
            (
                "invalid value: integer `-1`, expected u16",
                &[],
                "expected a whole number from 0 to 65535, found integer `-1`",
                "",
            ),
            ("integer number overflowed", &["holders"], "this number is too large", ""),
            ("ours\nwith help\nand more", &[], "ours", "with help"),
            ("unknown field `", &[], "unknown field `", ""),
        ] {
            let (said, notes) = explained(message, path);
            assert_eq!(said, expected, "{message}");
            assert_eq!(notes.first().map_or("", String::as_str), help, "{message}");
        }
    }
}
