//! Durations, with and without a sign.

use leasehold_core::Span;

use super::number::Decimal;
use super::{FromText, Reason, ToText, deserialize_from_text, serialize_as_text};
use crate::suggest::{nearest, shown};

/// The longest duration of a scenario file: 366 days. Chosen by us: longer than any run that ends, and far from
/// where sums of nanoseconds overflow (584 years).
pub const LONGEST: Span = Span::from_secs(366 * 86_400);

/// The units, long to short, in nanoseconds.
const UNITS: [(&[&str], u128); 7] = [
    (&["d"], 86_400_000_000_000),
    (&["h"], 3_600_000_000_000),
    (&["m", "min"], 60_000_000_000),
    (&["s", "sec"], 1_000_000_000),
    (&["ms"], 1_000_000),
    (&["us", "µs", "μs"], 1_000),
    (&["ns"], 1),
];

/// A duration: `"10s"`, `"500ms"`, `"1.5s"`, `"1m 30s"`, `"0s"`. Never negative, at most [`LONGEST`], exact to
/// the nanosecond. Units: d, h, m, s, ms, us, ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub Span);

impl From<Length> for Span {
    fn from(length: Length) -> Self {
        length.0
    }
}

/// A duration with a sign: `"+3s"`, `"-3s"`. In nanoseconds, at most [`LONGEST`] in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(pub i64);

deserialize_from_text!(Length, Offset);
serialize_as_text!(Length, Offset);

/// One or more numbers with a unit each.
macro_rules! length_pattern {
    () => {
        r"\s*(\d+(\.\d+)?\s*(d|h|min|ms|m|sec|s|us|µs|μs|ns)\s*)+"
    };
}
pub(super) use length_pattern;

impl ToText for Length {
    /// In the longest unit in which it is a whole number.
    fn to_text(&self) -> String {
        let nanos = u128::from(self.0.as_nanos());
        if nanos == 0 {
            return "0s".to_owned();
        }
        let whole = UNITS.iter().find(|(_, unit)| nanos.is_multiple_of(*unit));
        let (names, unit) = whole.expect("every length is a whole number of nanoseconds");
        format!("{}{}", nanos / unit, names[0])
    }
}

impl ToText for Offset {
    fn to_text(&self) -> String {
        let sign = if self.0 < 0 { '-' } else { '+' };
        format!("{sign}{}", Length(Span::from_nanos(self.0.unsigned_abs())).to_text())
    }
}

impl FromText for Length {
    const EXPECTED: &'static str = r#"a duration such as "10s" or "1m 30s""#;
    const PATTERN: Option<&'static str> = Some(concat!("^", length_pattern!(), "$"));
    const EXAMPLES: &'static [&'static str] = &["10s", "500ms", "1m 30s", "1.5s"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let trimmed = text.trim();
        if let Some(rest) = trimmed.strip_prefix('-') {
            let reason = Reason::new("a duration is never negative");
            return Err(match parse(rest) {
                Ok(_) => reason.help(format!("leave out the sign: {:?}", rest.trim())),
                Err(_) => reason,
            });
        }
        if let Some(rest) = trimmed.strip_prefix('+') {
            return Err(Reason::new("a duration has no sign").help(format!("write {:?}", rest.trim())));
        }
        parse(trimmed).map(Self)
    }

    fn meant_by(number: &str) -> String {
        let number = number.trim_start_matches('-');
        format!(r#"write "{number}s" for {number} seconds, or "{number}ms" for {number} milliseconds"#)
    }
}

impl FromText for Offset {
    const EXPECTED: &'static str = r#"a duration with a sign, such as "+3s" or "-250ms""#;
    const PATTERN: Option<&'static str> = Some(concat!(r"^\s*[+-]?", length_pattern!(), "$"));
    const EXAMPLES: &'static [&'static str] = &["+3s", "-250ms"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let trimmed = text.trim();
        let (sign, rest) = match trimmed.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let nanos = i64::try_from(parse(rest)?.as_nanos()).expect("366 days fit into an i64");
        Ok(Self(sign * nanos))
    }

    fn meant_by(number: &str) -> String {
        let sign = if number.starts_with('-') { "" } else { "+" };
        format!(r#"write "{sign}{number}s" for {number} seconds"#)
    }
}

/// `"auto"`, or a length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoOrLength {
    /// What follows from the rest.
    #[default]
    Auto,
    /// Just so long.
    Length(Span),
}

deserialize_from_text!(AutoOrLength);
serialize_as_text!(AutoOrLength);

impl ToText for AutoOrLength {
    fn to_text(&self) -> String {
        match *self {
            Self::Auto => "auto".to_owned(),
            Self::Length(span) => Length(span).to_text(),
        }
    }
}

impl FromText for AutoOrLength {
    const EXPECTED: &'static str = r#""auto", or a duration such as "10ms""#;
    const PATTERN: Option<&'static str> = Some(concat!(r"^(\s*auto\s*|", length_pattern!(), ")$"));
    const EXAMPLES: &'static [&'static str] = &["auto", "10ms"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            text if nearest(text, ["auto"]).is_some() => Err(Reason::new("").help("did you mean `auto`?")),
            text => Length::from_text(text).map(|length| Self::Length(length.0)),
        }
    }

    fn meant_by(number: &str) -> String {
        Length::meant_by(number)
    }
}

/// `"never"`, or a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeverOrLength {
    /// It never comes.
    Never,
    /// After so long.
    Length(Span),
}

impl NeverOrLength {
    /// After how long; nothing if it never comes.
    pub const fn span(self) -> Option<Span> {
        match self {
            Self::Never => None,
            Self::Length(span) => Some(span),
        }
    }
}

deserialize_from_text!(NeverOrLength);
serialize_as_text!(NeverOrLength);

impl ToText for NeverOrLength {
    fn to_text(&self) -> String {
        match *self {
            Self::Never => "never".to_owned(),
            Self::Length(span) => Length(span).to_text(),
        }
    }
}

impl FromText for NeverOrLength {
    const EXPECTED: &'static str = r#""never", or a duration such as "2m""#;
    const PATTERN: Option<&'static str> = Some(concat!(r"^(\s*never\s*|", length_pattern!(), ")$"));
    const EXAMPLES: &'static [&'static str] = &["never", "2m"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        match text.trim() {
            "never" => Ok(Self::Never),
            text if nearest(text, ["never"]).is_some() => Err(Reason::new("").help("did you mean `never`?")),
            text => Length::from_text(text).map(|length| Self::Length(length.0)),
        }
    }

    fn meant_by(number: &str) -> String {
        Length::meant_by(number)
    }
}

fn parse(text: &str) -> Result<Span, Reason> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(Reason::new("there is nothing in it"));
    }
    let limit = u128::from(LONGEST.as_nanos());
    let mut total = 0_u128;
    let mut last_unit = u128::MAX;
    while !rest.is_empty() {
        let (number, after) = Decimal::read(rest)?;
        let after = after.trim_start();
        let (name, after) = after.split_at(after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len()));
        let unit = unit(name, text)?;
        if unit >= last_unit {
            return Err(Reason::new("units go from long to short, each at most once"));
        }
        let nanos = number.times(unit).ok_or_else(|| Reason::new("it is finer than a nanosecond"))?;
        total += nanos;
        if total > limit {
            return Err(Reason::new("it is more than 366 days, the longest duration there is here"));
        }
        last_unit = unit;
        rest = after.trim_start();
    }
    let nanos = u64::try_from(total).expect("366 days fit into a u64");
    Ok(Span::from_nanos(nanos))
}

fn unit(name: &str, text: &str) -> Result<u128, Reason> {
    let units = "the units are d, h, m, s, ms, us and ns";
    if name.is_empty() {
        let reason = Reason::new("a unit is missing");
        let is_number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        return Err(reason.help(if is_number { Length::meant_by(text) } else { units.to_owned() }));
    }
    UNITS
        .iter()
        .find(|(names, _)| names.contains(&name))
        .map(|(_, nanos)| *nanos)
        .ok_or_else(|| Reason::new(format!("{} is not a unit of time", shown(name))).help(units))
}
