//! Chances, clock rates and bounds on them: parts of a whole.

use leasehold_core::plan::Chance;
use leasehold_core::{Drift, RateError};

use super::number::Decimal;
use super::{FromText, Reason, ToText, deserialize_from_text, serialize_as_text};
use crate::suggest::shown;

/// A chance: `"0.1%"`, `"30%"`, `"250ppm"`. Between 0 and 100 %, exact to one in a million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub Chance);

/// By how much a wait is stretched at the most: `"20%"`, `"120%"`. Up to 1,000 %, exact to one in a million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// In parts per million.
    pub ppm: u32,
}

/// How far a clock's rate is off: `"+500ppm"`, `"-20%"`, `"500ppb"`. Between -90 % and +100,000 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub RateError);

/// How far clock rates may be off, in either direction: `"500ppm"`, `"1%"`. At most 50 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bound(pub Drift);

deserialize_from_text!(Percent, Stretch, Rate, Bound);
serialize_as_text!(Percent, Stretch, Rate, Bound);

fn percent(ppm: u32) -> String {
    let decimals = format!("{:04}", ppm % 10_000);
    match decimals.trim_end_matches('0') {
        "" => format!("{}%", ppm / 10_000),
        decimals => format!("{}.{decimals}%", ppm / 10_000),
    }
}

impl ToText for Percent {
    fn to_text(&self) -> String {
        percent(self.0.as_ppm())
    }
}

impl ToText for Stretch {
    fn to_text(&self) -> String {
        percent(self.ppm)
    }
}

impl ToText for Rate {
    fn to_text(&self) -> String {
        self.0.to_string()
    }
}

impl ToText for Bound {
    fn to_text(&self) -> String {
        self.0.to_string()
    }
}

const PER_CENT: u128 = 10_000_000;
const PER_MILLION: u128 = 1_000;

impl FromText for Percent {
    const EXPECTED: &'static str = r#"a chance such as "0.1%" or "30%""#;
    const PATTERN: Option<&'static str> = Some(r"^\s*\d+(\.\d+)?\s*(%|ppm|ppb)\s*$");
    const EXAMPLES: &'static [&'static str] = &["0.1%", "30%"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let trimmed = text.trim();
        if trimmed.starts_with('-') {
            return Err(Reason::new("a chance is never negative"));
        }
        u32::try_from(millionths(trimmed)?)
            .ok()
            .and_then(Chance::from_ppm)
            .map(Self)
            .ok_or_else(|| Reason::new("it is more than 100%").help("write \"100%\" or less"))
    }

    fn meant_by(number: &str) -> String {
        meant_by_part(number)
    }
}

impl FromText for Stretch {
    const EXPECTED: &'static str = r#"a share such as "20%" or "120%""#;
    const PATTERN: Option<&'static str> = Some(r"^\s*\d+(\.\d+)?\s*(%|ppm|ppb)\s*$");
    const EXAMPLES: &'static [&'static str] = &["20%", "120%"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let trimmed = text.trim();
        if trimmed.starts_with('-') {
            return Err(Reason::new("a wait is stretched, never cut short"));
        }
        match u32::try_from(millionths(trimmed)?) {
            Ok(ppm @ ..=10_000_000) => Ok(Self { ppm }),
            _ => Err(Reason::new("it is more than 1000%").help("write \"1000%\" or less")),
        }
    }

    fn meant_by(number: &str) -> String {
        meant_by_part(number)
    }
}

/// What somebody meant by a number that may be a part of one.
fn meant_by_part(number: &str) -> String {
    match number.parse::<f64>() {
        Ok(part) if 0.0 < part && part < 1.0 => {
            // Ten decimals: more than a chance has, and too few to show that a float is not exact.
            let percent = format!("{:.10}", part * 100.0);
            let percent = percent.trim_end_matches('0').trim_end_matches('.');
            format!(r#"write "{percent}%" for a part of {number}, or "{number}%""#)
        }
        _ => meant_by_percent(number),
    }
}

/// A part of a whole in millionths, if it is not finer.
fn millionths(text: &str) -> Result<u128, Reason> {
    let billionths = parts(text)?;
    match billionths % PER_MILLION {
        0 => Ok(billionths / PER_MILLION),
        _ => Err(Reason::new("it is finer than one in a million (0.0001%)")),
    }
}

impl FromText for Rate {
    const EXPECTED: &'static str = r#"a clock's rate error such as "+500ppm" or "-20%""#;
    const PATTERN: Option<&'static str> = Some(r"^\s*[+-]?\s*\d+(\.\d+)?\s*(%|ppm|ppb)\s*$");
    const EXAMPLES: &'static [&'static str] = &["+500ppm", "-20%"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let trimmed = text.trim();
        let (sign, rest) = match trimmed.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let magnitude = parts(rest)?;
        i64::try_from(magnitude)
            .ok()
            .and_then(|ppb| RateError::from_ppb(sign * ppb))
            .map(Self)
            .ok_or_else(|| Reason::new("a clock's rate error lies between -90% and +100000%"))
    }

    fn meant_by(number: &str) -> String {
        format!(r#"write "{number}ppm" for {number} parts per million, or "{number}%""#)
    }
}

impl FromText for Bound {
    const EXPECTED: &'static str = r#"a bound on clock rates such as "500ppm" or "1%""#;
    const PATTERN: Option<&'static str> = Some(r"^\s*\d+(\.\d+)?\s*(%|ppm|ppb)\s*$");
    const EXAMPLES: &'static [&'static str] = &["500ppm", "1%"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let trimmed = text.trim();
        if let Some(rest) = trimmed.strip_prefix(['-', '+', '±']) {
            let reason = Reason::new("a bound has no sign, it holds in both directions");
            return Err(reason.help(format!("leave out the sign: {:?}", rest.trim())));
        }
        u32::try_from(parts(trimmed)?)
            .ok()
            .and_then(Drift::from_ppb)
            .map(Self)
            .ok_or_else(|| Reason::new("it is more than 50%, the widest bound there is"))
    }

    fn meant_by(number: &str) -> String {
        let number = number.trim_start_matches('-');
        format!(r#"write "{number}ppm" for {number} parts per million, or "{number}%""#)
    }
}

fn meant_by_percent(number: &str) -> String {
    let number = number.trim_start_matches('-');
    format!(r#"write "{number}%""#)
}

/// Parts per billion of an unsigned number with its unit.
fn parts(text: &str) -> Result<u128, Reason> {
    let (number, rest) = Decimal::read(text.trim_start())?;
    let unit = match rest.trim() {
        "%" => PER_CENT,
        "ppm" => PER_MILLION,
        "ppb" => 1,
        "" => return Err(Reason::new("it has no unit").help(meant_by_percent(text))),
        other => {
            let reason = Reason::new(format!("{} is not a unit of a ratio", shown(other)));
            return Err(reason.help("the units are %, ppm and ppb"));
        }
    };
    number.times(unit).ok_or_else(|| Reason::new("it is finer than one in a billion"))
}
