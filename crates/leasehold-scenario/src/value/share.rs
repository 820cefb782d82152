//! A duration that may depend on the TTL.

use leasehold_core::Span;

use super::length::length_pattern;
use super::{FromText, Length, Reason, ToText, deserialize_from_text, serialize_as_text};

/// A duration, or a share of the TTL: `"3s"`, `"ttl"`, `"ttl/3"`, `"ttl*2/3"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So long, whatever the TTL is.
    Fixed(Span),
    /// `ttl * numerator / denominator`, both at least 1.
    OfTtl {
        /// How many parts.
        numerator: u32,
        /// Of how many.
        denominator: u32,
    },
}

impl Share {
    /// How long it is under this TTL, rounded down to the nanosecond.
    #[must_use]
    pub fn of(self, ttl: Span) -> Span {
        match self {
            Self::Fixed(span) => span,
            Self::OfTtl { numerator, denominator } => ttl.scale(u64::from(numerator), u64::from(denominator)),
        }
    }
}

deserialize_from_text!(Share);
serialize_as_text!(Share);

impl ToText for Share {
    fn to_text(&self) -> String {
        match *self {
            Self::Fixed(span) => Length(span).to_text(),
            Self::OfTtl { numerator: 1, denominator: 1 } => "ttl".to_owned(),
            Self::OfTtl { numerator: 1, denominator } => format!("ttl/{denominator}"),
            Self::OfTtl { numerator, denominator } => format!("ttl*{numerator}/{denominator}"),
        }
    }
}

impl FromText for Share {
    const EXPECTED: &'static str = r#"a duration such as "3s", or a share of the TTL such as "ttl/3""#;
    const PATTERN: Option<&'static str> =
        Some(concat!(r"^(\s*ttl\s*((\*\s*\d+\s*)?/\s*\d+\s*)?|", length_pattern!(), ")$"));
    const EXAMPLES: &'static [&'static str] = &["ttl/3", "ttl*2/3", "3s"];

    fn from_text(text: &str) -> Result<Self, Reason> {
        let trimmed = text.trim();
        let Some(rest) = trimmed.strip_prefix("ttl") else {
            if trimmed.to_lowercase().contains("ttl") {
                return Err(not_a_share());
            }
            return Length::from_text(text).map(|length| Self::Fixed(length.0));
        };
        let rest = rest.trim();
        let (numerator, rest) = match rest.strip_prefix('*') {
            Some(rest) => {
                let (numerator, rest) = rest.split_once('/').unwrap_or((rest, ""));
                (count(numerator)?, rest)
            }
            None => match rest.strip_prefix('/') {
                Some(rest) => (1, rest),
                None if rest.is_empty() => return Ok(Self::OfTtl { numerator: 1, denominator: 1 }),
                None => return Err(not_a_share()),
            },
        };
        Ok(Self::OfTtl { numerator, denominator: count(rest)? })
    }

    fn meant_by(number: &str) -> String {
        Length::meant_by(number)
    }
}

fn not_a_share() -> Reason {
    Reason::new("a share of the TTL is written ttl/N or ttl*A/B").help(r#"for example "ttl/3" or "ttl*2/3""#)
}

fn count(text: &str) -> Result<u32, Reason> {
    match text.trim().parse() {
        Ok(0) => Err(Reason::new("the parts of a share are at least 1")),
        Ok(count) if !text.contains('+') => Ok(count),
        _ => Err(not_a_share()),
    }
}
