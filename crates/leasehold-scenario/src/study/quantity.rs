//! The value of a parameter, and how it is reckoned with.

use core::cmp::Ordering;
use core::fmt;

use leasehold_core::Span;

use crate::document::{length, quoted};
use crate::suggest::shown;
use crate::value::{FromText, LONGEST, Length};

/// A value that a study varies. Lengths of time are in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A length of time: `10s`.
    Time(f64),
    /// A bare number: `3`, `0.5`.
    Number(f64),
    /// A part of a whole: `2%`, `500ppm`. As a number, 1 is all of it.
    Share(f64),
    /// A name: `none`.
    Word(String),
    /// `true` or `false`.
    Flag(bool),
}

/// A value as a study file says it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raw {
    Integer(i64),
    Float(f64),
    Flag(bool),
    Text(String),
}

impl Quantity {
    /// What a text says: a length of time, a share, or just a name.
    pub(crate) fn of_text(text: &str) -> Self {
        let trimmed = text.trim();
        if let Ok(Length(span)) = Length::from_text(trimmed) {
            return Self::Time(span.as_nanos() as f64);
        }
        let units = [("ppm", 1e6), ("ppb", 1e9), ("%", 1e2)];
        let share = units.into_iter().find_map(|(unit, of)| {
            let number: f64 = trimmed.strip_suffix(unit)?.trim().parse().ok()?;
            number.is_finite().then_some(Self::Share(number / of))
        });
        share.unwrap_or_else(|| Self::Word(trimmed.to_owned()))
    }

    pub(crate) fn of_raw(raw: &Raw) -> Self {
        match raw {
            Raw::Integer(number) => Self::Number(*number as f64),
            Raw::Float(number) => Self::Number(*number),
            Raw::Flag(flag) => Self::Flag(*flag),
            Raw::Text(text) => Self::of_text(text),
        }
    }

    /// What somebody wrote as TOML; nothing if it is no single value.
    pub(crate) fn of_toml(text: &str) -> Option<Self> {
        use toml::de::DeValue;
        let value = DeValue::parse(text).ok()?;
        match value.get_ref() {
            DeValue::String(text) => Some(Self::of_text(text)),
            DeValue::Integer(number) => number.to_string().parse().ok().map(Self::Number),
            DeValue::Float(number) => number.to_string().parse().ok().map(Self::Number),
            DeValue::Boolean(flag) => Some(Self::Flag(*flag)),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        }
    }

    /// What somebody wrote as TOML, in the one way in which a study tells it: `10000ms` is `10s`. Nothing if it is no single
    /// value.
    pub fn told_of(text: &str) -> Option<String> {
        Self::of_toml(text).map(|quantity| quantity.to_string())
    }

    /// What a study told: the other way round than [`Display`](fmt::Display).
    pub fn told(text: &str) -> Self {
        match Self::of_text(text) {
            Self::Word(word) => Self::of_toml(&word).unwrap_or(Self::Word(word)),
            other => other,
        }
    }

    /// What it is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Time(_) => "a length of time",
            Self::Number(_) => "a number",
            Self::Share(_) => "a share",
            Self::Word(_) => "a name",
            Self::Flag(_) => "true or false",
        }
    }

    /// Its number, if it has one: nanoseconds for a length of time.
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Time(number) | Self::Number(number) | Self::Share(number) => Some(*number),
            Self::Word(_) | Self::Flag(_) => None,
        }
    }

    /// The same kind of value with another number.
    pub(crate) fn like(&self, number: f64) -> Self {
        match self {
            Self::Time(_) => Self::Time(number),
            Self::Share(_) => Self::Share(number),
            Self::Number(_) | Self::Word(_) | Self::Flag(_) => Self::Number(number),
        }
    }

    /// A length without the digits that nobody writes: whole milliseconds from a second on, whole microseconds below. Cut, not
    /// rounded, so that a third of something fits into it three times.
    pub(crate) fn cut(self) -> Self {
        let Self::Time(nanos) = self else { return self };
        let unit = if nanos >= 1e9 { 1e6 } else { 1e3 };
        // What is off by less than a thousandth of a nanosecond was meant to be whole.
        let cut = ((nanos + 1e-3) / unit).floor() * unit;
        Self::Time(if nanos < 1e6 { nanos } else { cut })
    }

    /// As TOML: what a scenario has under the key. Lengths are cut to whole nanoseconds.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words: below zero, beyond any length, or no number at all.
    pub(crate) fn to_toml(&self) -> Result<String, String> {
        match self {
            Self::Time(nanos) => time(*nanos).map(length),
            Self::Share(share) => Ok(quoted(&format!("{}%", plain(finite(*share)? * 100.0)))),
            Self::Number(number) => Ok(plain(finite(*number)?)),
            Self::Word(word) => Ok(quoted(word)),
            Self::Flag(flag) => Ok(flag.to_string()),
        }
    }

    /// How two compare; nothing if they cannot be compared.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Time(one), Self::Time(other)) => one.partial_cmp(other),
            (Self::Number(one) | Self::Share(one), Self::Number(other) | Self::Share(other)) => {
                one.partial_cmp(other)
            }
            (Self::Word(one), Self::Word(other)) => Some(one.cmp(other)),
            (Self::Flag(one), Self::Flag(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }
}

/// As people write it: TOML without quotes.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.to_toml()) {
            // What stands between quotes in a file needs none here.
            (Self::Word(word), _) if !word.contains(char::is_control) => f.write_str(word),
            (_, Ok(toml)) => f.write_str(toml.trim_matches('"')),
            (_, Err(problem)) => f.write_str(&problem),
        }
    }
}

fn time(nanos: f64) -> Result<Span, String> {
    let nanos = finite(nanos)?;
    // What is off by less than a thousandth of a nanosecond was meant to be whole.
    let whole = (nanos + 1e-3).floor();
    if whole < 0.0 {
        return Err(format!("{} s is below zero", plain(nanos / 1e9)));
    }
    if whole > LONGEST.as_nanos() as f64 {
        return Err(format!("{} s is more than 366 days, the longest there is", plain(nanos / 1e9)));
    }
    Ok(Span::from_nanos(whole as u64))
}

fn finite(number: f64) -> Result<f64, String> {
    if number.is_finite() { Ok(number) } else { Err("it is no number: something is divided by 0".to_owned()) }
}

/// Without what only shows that floats are not exact: at most ten decimals.
fn plain(number: f64) -> String {
    let text = format!("{number:.10}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Rounded to three significant digits: nobody sets a TTL to 7.155418 s. Chosen by us.
pub(crate) fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    // Through its decimal form, which is exact, where powers and logarithms are not.
    format!("{number:.2e}").parse().expect("a number was just written so")
}

impl Raw {
    /// As somebody wrote it, for messages.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => shown(text),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl serde::de::Visitor<'_> for Any {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a single value such as \"5s\", 3 or \"none\"")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Raw, E> {
        i64::try_from(number).map(Raw::Integer).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Raw, E> {
        match number.is_finite() {
            true => Ok(Raw::Float(number)),
            false => Err(E::custom("a value is finite")),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<Raw, E> {
        Ok(Raw::Flag(flag))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_they_look_like() {
        assert_eq!(Quantity::of_text("10s"), Quantity::Time(1e10));
        assert_eq!(Quantity::of_text(" 1m 30s "), Quantity::Time(9e10));
        assert_eq!(Quantity::of_text("5%"), Quantity::Share(0.05));
        assert_eq!(Quantity::of_text("500ppm"), Quantity::Share(0.0005));
        assert_eq!(Quantity::of_text("none"), Quantity::Word("none".to_owned()));
        assert_eq!(Quantity::of_text("%"), Quantity::Word("%".to_owned()));
        assert_eq!(Quantity::of_toml("3"), Some(Quantity::Number(3.0)));
        assert_eq!(Quantity::of_toml("\"2s\""), Some(Quantity::Time(2e9)));
        assert_eq!(Quantity::of_toml("[1]"), None);
    }

    #[test]
    fn values_are_written_as_a_scenario_has_them() {
        for (quantity, toml) in [
            (Quantity::Time(1e10 / 3.0), "\"3.333333333s\""),
            (Quantity::Time(1e10 * 0.65), "\"6.5s\""),
            (Quantity::Number(3.0), "3"),
            (Quantity::Number(0.1 + 0.2), "0.3"),
            (Quantity::Share(0.1 * 3.0), "\"30%\""),
            (Quantity::Word("a\"b".to_owned()), "\"a\\\"b\""),
            (Quantity::Flag(true), "true"),
        ] {
            assert_eq!(quantity.to_toml().as_deref(), Ok(toml));
        }
        assert!(Quantity::Time(-1.0).to_toml().is_err_and(|said| said.contains("below zero")));
        assert!(Quantity::Time(f64::INFINITY).to_toml().is_err_and(|said| said.contains("divided by 0")));
        assert!(Quantity::Time(1e20).to_toml().is_err_and(|said| said.contains("366 days")));
    }

    #[test]
    fn what_is_derived_is_cut_to_what_people_write() {
        for (nanos, cut) in
            [(1e10 / 3.0, "3.333s"), (2e9 / 3.0, "666.666ms"), (1e10 * 0.65, "6.5s"), (1_234.0, "1.234us")]
        {
            assert_eq!(Quantity::Time(nanos).cut().to_string(), cut);
        }
        assert_eq!(Quantity::Number(0.5).cut(), Quantity::Number(0.5));
    }

    #[test]
    fn three_digits_are_kept() {
        for (number, kept) in
            [(7.155_418e9, 7.16e9), (0.0, 0.0), (999.6, 1_000.0), (5e9, 5e9), (0.012_34, 0.0123)]
        {
            assert!((rounded(number) - kept).abs() <= kept * 1e-12, "{number}");
        }
    }
}
