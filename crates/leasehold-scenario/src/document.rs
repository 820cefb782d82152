//! The text of a scenario file as it is written: keys, tables, comments.

use toml::de::{DeTable, DeValue};

use leasehold_core::Span;
use leasehold_core::plan::{Burst, Latency};

use crate::value::{LatencyTable, Length, Percent, ToText};

/// A text that grows from the top.
#[derive(Debug, Default)]
pub(crate) struct Document(String);

impl Document {
    /// A comment. Line breaks and what else cannot stand in one become spaces.
    pub(crate) fn comment(&mut self, text: &str) {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.0.push_str(format!("# {text}").trim_end());
        self.0.push('\n');
    }

    /// An empty line, unless the text begins here.
    pub(crate) fn gap(&mut self) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
    }

    /// The head of a table, after an empty line.
    pub(crate) fn table(&mut self, path: &[&str]) {
        self.gap();
        let path: Vec<String> = path.iter().map(|key| key_text(key)).collect();
        self.0.push_str(&format!("[{}]\n", path.join(".")));
    }

    /// The head of an element of an array of tables.
    pub(crate) fn element(&mut self, name: &str) {
        self.0.push_str(&format!("[[{}]]\n", key_text(name)));
    }

    /// A key with its value, which is TOML already.
    pub(crate) fn key(&mut self, key: &str, value: impl AsRef<str>) {
        self.0.push_str(&format!("{} = {}\n", key_text(key), value.as_ref()));
    }

    /// A key with a text.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key, quoted(text));
    }

    /// A top-level value as it was read: a table, an array of tables, or just a key. Nothing if it is empty.
    pub(crate) fn value(&mut self, name: &str, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) if table.is_empty() => {}
            DeValue::Table(table) => {
                self.table(&[name]);
                self.keys(table);
            }
            DeValue::Array(array) if array.iter().any(|element| element.get_ref().is_table()) => {
                for element in array {
                    self.gap();
                    self.element(name);
                    if let DeValue::Table(table) = element.get_ref() {
                        self.keys(table);
                    }
                }
            }
            other => self.key(name, value_text(other)),
        }
    }

    fn keys(&mut self, table: &DeTable<'_>) {
        for (key, value) in in_order(table) {
            self.key(key, value_text(value));
        }
    }

    /// All of it.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// The keys of a table in the order in which they were written, not in that of the alphabet.
pub(crate) fn in_order<'t>(table: &'t DeTable<'_>) -> Vec<(&'t str, &'t DeValue<'t>)> {
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, _)| key.span().start);
    keys.into_iter().map(|(key, value)| (key.get_ref().as_ref(), value.get_ref())).collect()
}

fn key_text(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if bare { key.to_owned() } else { quoted(key) }
}

/// A text in quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value on one line.
pub(crate) fn value_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(boolean) => boolean.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Array(array) => {
            let elements: Vec<String> = array.iter().map(|element| value_text(element.get_ref())).collect();
            format!("[{}]", elements.join(", "))
        }
        DeValue::Table(table) => inline(
            in_order(table).into_iter().map(|(key, value)| (key, value_text(value))).collect::<Vec<_>>(),
        ),
    }
}

/// A table on one line, of keys and values that are TOML already.
pub(crate) fn inline<'k>(keys: impl IntoIterator<Item = (&'k str, String)>) -> String {
    let keys: Vec<String> =
        keys.into_iter().map(|(key, value)| format!("{} = {value}", key_text(key))).collect();
    if keys.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", keys.join(", ")) }
}

/// A duration in quotes, exact, as people write it: `"12.5ms"`, `"90s"`, `"2h"`.
pub(crate) fn length(span: Span) -> String {
    quoted(&readable(span))
}

/// A duration with its sign, in quotes.
pub(crate) fn offset(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "+" };
    quoted(&format!("{sign}{}", readable(Span::from_nanos(nanos.unsigned_abs()))))
}

/// A value that knows its text, in quotes.
pub(crate) fn written(value: &impl ToText) -> String {
    quoted(&value.to_text())
}

/// A latency: a duration, or a table on one line.
pub(crate) fn latency(latency: Latency) -> String {
    match latency {
        Latency::Constant(span) => length(span),
        Latency::Uniform { min, max } => inline([("min", length(min)), ("max", length(max))]),
        Latency::LogNormal { median, p99, max } => {
            let cut_off = LatencyTable::log_normal(median, p99).map(|table| table.0.longest());
            let max = Some(max).filter(|max| cut_off != Some(*max));
            let parts = [("median", length(median)), ("p99", length(p99))];
            inline(parts.into_iter().chain(max.map(|max| ("max", length(max)))))
        }
    }
}

/// Bursts, as a table on one line.
pub(crate) fn burst(burst: Burst) -> String {
    inline([
        ("good", length(burst.good)),
        ("bad", length(burst.bad)),
        ("loss", written(&Percent(burst.loss))),
    ])
}

/// In days, hours or minutes where these are whole and more than one, else in the largest unit below them, with all
/// its decimals.
fn readable(span: Span) -> String {
    const MINUTE: u64 = 60_000_000_000;
    let nanos = span.as_nanos();
    let is_whole = |unit| nanos >= 2 * unit && nanos.is_multiple_of(unit);
    if [MINUTE, 60 * MINUTE, 24 * 60 * MINUTE].into_iter().any(is_whole) && nanos > 2 * MINUTE {
        return Length(span).to_text();
    }
    let (unit, name, digits) = match nanos {
        0 => return "0s".to_owned(),
        1_000_000_000.. => (1_000_000_000, "s", 9),
        1_000_000.. => (1_000_000, "ms", 6),
        1_000.. => (1_000, "us", 3),
        _ => (1, "ns", 0),
    };
    let decimals = format!("{:0digits$}", nanos % unit);
    match decimals.trim_end_matches('0') {
        "" => format!("{}{name}", nanos / unit),
        decimals => format!("{}.{decimals}{name}", nanos / unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::FromText;
    use proptest::prelude::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5us"),
            (12_345_678, "12.345678ms"),
            (1_000_000_001, "1.000000001s"),
            (60_000_000_000, "60s"),
            (90_000_000_000, "90s"),
            (120_000_000_000, "120s"),
            (180_000_000_000, "3m"),
            (7_200_000_000_000, "2h"),
            (5_400_000_000_000, "90m"),
        ] {
            assert_eq!(readable(Span::from_nanos(nanos)), text);
        }
    }

    proptest! {
        #[test]
        fn durations_are_exact(nanos in 0..=crate::value::LONGEST.as_nanos(), shift in 0..63_u32) {
            let span = Span::from_nanos(nanos >> shift);
            let Ok(read) = Length::from_text(&readable(span)) else { panic!("{} is not read", readable(span)) };
            prop_assert_eq!(read.0, span);
        }

        #[test]
        fn texts_are_read_back(text in any::<String>()) {
            let written = quoted(&text);
            let value = DeValue::parse(&written).unwrap();
            prop_assert_eq!(value.get_ref().as_str(), Some(text.as_str()));
        }
    }
}
