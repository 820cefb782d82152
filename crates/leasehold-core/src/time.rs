//! True time, durations and clock rates, in integers.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const BILLION: u64 = 1_000_000_000;

/// A duration in nanoseconds, never negative.
///
/// Arithmetic panics on overflow: a span of more than 584 years is a bug, and the scenario reader refuses
/// anything near it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span there is.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of so many nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of so many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros * 1_000)
    }

    /// A span of so many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// A span of so many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * NANOS_PER_SECOND)
    }

    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The length in seconds, for display and statistics only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The difference, or zero where `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The sum, or [`Span::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `self * numerator / denominator`, rounded down, or [`Span::MAX`] if that does not fit.
    ///
    /// # Panics
    ///
    /// If `denominator` is zero.
    #[must_use]
    pub fn scale(self, numerator: u64, denominator: u64) -> Self {
        let scaled = u128::from(self.0) * u128::from(numerator) / u128::from(denominator);
        Self(u64::try_from(scaled).unwrap_or(u64::MAX))
    }

    /// `self * numerator / denominator`, rounded up, or [`Span::MAX`] if that does not fit.
    ///
    /// # Panics
    ///
    /// If `denominator` is zero.
    #[must_use]
    pub fn scale_up(self, numerator: u64, denominator: u64) -> Self {
        let scaled = (u128::from(self.0) * u128::from(numerator)).div_ceil(u128::from(denominator));
        Self(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("a span stays below 584 years"))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("a span is never negative"))
    }
}

impl fmt::Display for Span {
    /// Writes the span in its largest fitting unit with at most three decimals, cut, not rounded: `2d`, `36h`,
    /// `15s`, `1.5s`, `20ms`, `750us`, `12ns`. Hours and days only where they are whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HOUR: u64 = 3_600 * NANOS_PER_SECOND;
        let (unit, suffix) = match self.0 {
            0 => return f.pad("0s"),
            n if n.is_multiple_of(24 * HOUR) => (24 * HOUR, "d"),
            n if n.is_multiple_of(HOUR) => (HOUR, "h"),
            n if n >= NANOS_PER_SECOND => (NANOS_PER_SECOND, "s"),
            n if n >= 1_000_000 => (1_000_000, "ms"),
            n if n >= 1_000 => (1_000, "us"),
            _ => (1, "ns"),
        };
        let whole = self.0 / unit;
        let mut decimals = (self.0 % unit) * 1_000 / unit;
        let mut width = 3;
        while width > 0 && decimals.is_multiple_of(10) {
            decimals /= 10;
            width -= 1;
        }
        if width == 0 {
            f.pad(&alloc::format!("{whole}{suffix}"))
        } else {
            f.pad(&alloc::format!("{whole}.{decimals:0width$}{suffix}"))
        }
    }
}

/// An instant of true time: nanoseconds since the start of the run.
///
/// Engines and checkers only. No node ever sees one, so none can depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimInstant(u64);

impl SimInstant {
    /// The start of the run.
    pub const START: Self = Self(0);

    /// The instant so many nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time since the start.
    pub const fn since_start(self) -> Span {
        Span(self.0)
    }

    /// The time since an earlier instant, or zero if that one is later.
    pub const fn saturating_since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The instant `span` later, or the end of time.
    #[must_use]
    pub const fn saturating_add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add<Span> for SimInstant {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.checked_add(span.0).expect("a run stays below 584 years"))
    }
}

impl Sub for SimInstant {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.checked_sub(earlier.0).expect("subtract the earlier instant from the later one"))
    }
}

impl fmt::Display for SimInstant {
    /// Writes seconds with six decimals, cut, not rounded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(f, i128::from(self.0))
    }
}

/// Writes nanoseconds as seconds with six decimals.
pub(crate) fn write_seconds(f: &mut fmt::Formatter<'_>, nanos: i128) -> fmt::Result {
    let sign = if nanos < 0 { "-" } else { "" };
    let micros = nanos.unsigned_abs() / 1_000;
    f.pad(&alloc::format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000))
}

/// How far a clock's rate is from true time, in parts per billion: a clock with error `e` advances by
/// `1 + e/10^9` seconds a second. Between -0.9 and +1000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RateError(i64);

impl RateError {
    /// A perfect clock.
    pub const ZERO: Self = Self(0);
    /// The slowest clock there is: a tenth of true time.
    pub const MIN: Self = Self(-900_000_000);
    /// The fastest clock there is: a thousand and one times true time.
    pub const MAX: Self = Self(1_000_000_000_000);

    /// An error in parts per billion; `None` outside [`RateError::MIN`] to [`RateError::MAX`].
    pub const fn from_ppb(ppb: i64) -> Option<Self> {
        if ppb < Self::MIN.0 || ppb > Self::MAX.0 { None } else { Some(Self(ppb)) }
    }

    /// The error in parts per billion.
    pub const fn as_ppb(self) -> i64 {
        self.0
    }

    /// Whether a clock with this error keeps within `1 ± drift`.
    pub const fn is_within(self, drift: Drift) -> bool {
        self.0.unsigned_abs() <= drift.0 as u64
    }
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "+" };
        let magnitude = self.0.unsigned_abs();
        if magnitude >= 10_000_000 && magnitude.is_multiple_of(10_000_000) {
            f.pad(&alloc::format!("{sign}{}%", magnitude / 10_000_000))
        } else if magnitude.is_multiple_of(1_000) {
            f.pad(&alloc::format!("{sign}{}ppm", magnitude / 1_000))
        } else {
            f.pad(&alloc::format!("{sign}{magnitude}ppb"))
        }
    }
}

/// The declared bound ρ on clock rates, in parts per billion: every rate lies in `[1 − ρ, 1 + ρ]`.
///
/// Source of the symbol: docs/timing.md, notation. Below one half, so that `1 − ρ` stays well above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Drift(u32);

impl Drift {
    /// Clocks are perfect.
    pub const ZERO: Self = Self(0);
    /// The widest bound there is: a clock may run half as fast again, or half as slow.
    pub const MAX: Self = Self(500_000_000);

    /// A bound in parts per billion; `None` above [`Drift::MAX`].
    pub const fn from_ppb(ppb: u32) -> Option<Self> {
        if ppb > Self::MAX.0 { None } else { Some(Self(ppb)) }
    }

    /// The bound in parts per billion.
    pub const fn as_ppb(self) -> u32 {
        self.0
    }

    /// The longest true time in which a clock within the bound may advance by `local`: `local / (1 − ρ)`,
    /// rounded up.
    #[must_use]
    pub fn longest_true(self, local: Span) -> Span {
        local.scale_up(BILLION, BILLION - u64::from(self.0))
    }

    /// The shortest true time in which a clock within the bound may advance by `local`: `local / (1 + ρ)`,
    /// rounded down.
    #[must_use]
    pub fn shortest_true(self, local: Span) -> Span {
        local.scale(BILLION, BILLION + u64::from(self.0))
    }

    /// The longest local term a holder may allow itself under a grantor's TTL:
    /// `ttl · (1 − ρ) / (1 + ρ)`, rounded down. Source: docs/timing.md, section 1.
    #[must_use]
    pub fn safe_term(self, ttl: Span) -> Span {
        ttl.scale(BILLION - u64::from(self.0), BILLION + u64::from(self.0))
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 10_000_000 && self.0.is_multiple_of(10_000_000) {
            f.pad(&alloc::format!("{}%", self.0 / 10_000_000))
        } else if self.0.is_multiple_of(1_000) {
            f.pad(&alloc::format!("{}ppm", self.0 / 1_000))
        } else {
            f.pad(&alloc::format!("{}ppb", self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn spans_read_as_people_write_them() {
        let shown = |nanos| Span::from_nanos(nanos).to_string();
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(172_800_000_000_000), "2d");
        assert_eq!(shown(129_600_000_000_000), "36h");
        assert_eq!(shown(129_600_500_000_000), "129600.5s");
        assert_eq!(shown(15_000_000_000), "15s");
        assert_eq!(shown(1_500_000_000), "1.5s");
        assert_eq!(shown(1_050_000_000), "1.05s");
        assert_eq!(shown(20_000_000), "20ms");
        assert_eq!(shown(750_000), "750us");
        assert_eq!(shown(12), "12ns");
        assert_eq!(shown(9_999_999_999), "9.999s");
    }

    #[test]
    fn scaling_rounds_toward_the_safe_side() {
        let ttl = Span::from_secs(10);
        let drift = Drift::from_ppb(500_000).unwrap();
        assert_eq!(drift.safe_term(ttl).as_nanos(), 9_990_004_997);
        assert_eq!(drift.shortest_true(ttl).as_nanos(), 9_995_002_498);
        assert_eq!(drift.longest_true(ttl).as_nanos(), 10_005_002_502);
        assert_eq!(Span::MAX.scale(3, 2), Span::MAX);
    }

    #[test]
    fn a_drift_of_one_half_is_the_widest() {
        assert!(Drift::from_ppb(500_000_000).is_some());
        assert!(Drift::from_ppb(500_000_001).is_none());
        let drift = Drift::from_ppb(100).unwrap();
        assert!(RateError::from_ppb(100).unwrap().is_within(drift));
        assert!(RateError::from_ppb(-100).unwrap().is_within(drift));
        assert!(!RateError::from_ppb(-101).unwrap().is_within(drift));
    }

    #[test]
    fn rates_read_as_people_write_them() {
        let shown = |ppb| RateError::from_ppb(ppb).unwrap().to_string();
        assert_eq!(shown(0), "+0ppm");
        assert_eq!(shown(-500_000), "-500ppm");
        assert_eq!(shown(7), "+7ppb");
        assert_eq!(shown(50_000_000), "+5%");
        assert_eq!(shown(3_000_000_000), "+300%");
        let shown = |ppb| Drift::from_ppb(ppb).unwrap().to_string();
        assert_eq!(
            (shown(500_000), shown(1), shown(500_000_000)),
            ("500ppm".into(), "1ppb".into(), "50%".into())
        );
    }

    #[test]
    #[should_panic(expected = "never negative")]
    fn a_negative_span_is_a_bug() {
        let _ = Span::from_secs(1) - Span::from_secs(2);
    }
}
