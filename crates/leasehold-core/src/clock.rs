//! The three clocks of a host, and readings of them.
//!
//! A reading is all that a protocol ever sees of time. It is typed by its clock, because a monotonic reading
//! compared with a wall reading, or with another host's, means nothing.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Add;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{Span, write_seconds};

/// Which of a host's clocks.
///
/// | kind | rate error | runs while a VM is suspended | steps |
/// |---|---|---|---|
/// | monotonic | yes | no | no |
/// | boot | yes | yes | no |
/// | wall | yes | yes | yes |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// `CLOCK_MONOTONIC` on Linux: stops while the VM is suspended.
    Monotonic,
    /// `CLOCK_BOOTTIME` on Linux: goes on through a suspend.
    Boot,
    /// `CLOCK_REALTIME`: can be stepped in either direction.
    Wall,
}

impl ClockKind {
    /// The name as it stands in scenario files and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monotonic => "monotonic",
            Self::Boot => "boot",
            Self::Wall => "wall",
        }
    }
}

/// A clock that a [`LocalInstant`] can be typed by. Sealed: a host has these three.
pub trait Clock: sealed::Sealed + Copy {
    /// The clock's run-time name.
    const KIND: ClockKind;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Monotonic {}
    impl Sealed for super::Boot {}
    impl Sealed for super::Wall {}
}

/// Types a reading of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic;
/// Types a reading of the boot clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Boot;
/// Types a reading of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall;

impl Clock for Monotonic {
    const KIND: ClockKind = ClockKind::Monotonic;
}
impl Clock for Boot {
    const KIND: ClockKind = ClockKind::Boot;
}
impl Clock for Wall {
    const KIND: ClockKind = ClockKind::Wall;
}

/// A reading of one node's own clock `C`, in nanoseconds since that clock's arbitrary zero.
///
/// Only wall readings can be serialised, so a message or a durable record can carry a duration or a wall
/// timestamp, never a monotonic instant, as in real life:
///
/// ```compile_fail
/// fn on_the_wire<T: serde::Serialize>() {}
/// on_the_wire::<leasehold_core::LocalInstant<leasehold_core::Monotonic>>();
/// ```
///
/// ```
/// fn on_the_wire<T: serde::Serialize>() {}
/// on_the_wire::<leasehold_core::LocalInstant<leasehold_core::Wall>>();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalInstant<C> {
    nanos: i64,
    clock: PhantomData<C>,
}

impl<C: Clock> LocalInstant<C> {
    /// The reading with this many nanoseconds. Engines and test harnesses make readings; a protocol gets them
    /// from its [`Context`](crate::Context).
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { nanos, clock: PhantomData }
    }

    /// Nanoseconds since the clock's zero.
    pub const fn as_nanos(self) -> i64 {
        self.nanos
    }

    /// The time since an earlier reading, or zero if that one is not earlier (a wall clock may step back).
    pub const fn saturating_since(self, earlier: Self) -> Span {
        Span::from_nanos(saturating_difference(self.nanos, earlier.nanos))
    }
}

impl<C: Clock> Add<Span> for LocalInstant<C> {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self::from_nanos(shifted(self.nanos, span))
    }
}

impl Serialize for LocalInstant<Wall> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.nanos.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LocalInstant<Wall> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_nanos)
    }
}

/// A reading whose clock is chosen at run time, by a policy.
///
/// It has no order of its own and does not serialise as part of a message; mixing clocks is a bug and panics.
/// (Events carry readings, and a trace writes them down: that is the harness talking, not a node.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    clock: ClockKind,
    nanos: i64,
}

impl Reading {
    /// The reading of `clock` with this many nanoseconds.
    pub const fn new(clock: ClockKind, nanos: i64) -> Self {
        Self { clock, nanos }
    }

    /// Which clock was read.
    pub const fn clock(self) -> ClockKind {
        self.clock
    }

    /// Nanoseconds since the clock's zero.
    pub const fn as_nanos(self) -> i64 {
        self.nanos
    }

    /// Whether this reading is at or past `deadline`: intervals are half-open, so a term that ends at
    /// `deadline` is over when this is true.
    ///
    /// # Panics
    ///
    /// If the two readings are of different clocks.
    #[must_use]
    pub fn has_reached(self, deadline: Self) -> bool {
        self.same_clock(deadline);
        self.nanos >= deadline.nanos
    }

    /// The time since an earlier reading, or zero if that one is not earlier.
    ///
    /// # Panics
    ///
    /// If the two readings are of different clocks.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Span {
        self.same_clock(earlier);
        Span::from_nanos(saturating_difference(self.nanos, earlier.nanos))
    }

    fn same_clock(self, other: Self) {
        assert!(
            self.clock == other.clock,
            "a reading of the {} clock was compared with one of the {} clock",
            self.clock.name(),
            other.clock.name()
        );
    }
}

impl Add<Span> for Reading {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self { clock: self.clock, nanos: shifted(self.nanos, span) }
    }
}

impl<C: Clock> From<LocalInstant<C>> for Reading {
    fn from(instant: LocalInstant<C>) -> Self {
        Self { clock: C::KIND, nanos: instant.nanos }
    }
}

impl fmt::Display for Reading {
    /// Writes seconds since the clock's zero with six decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(f, i128::from(self.nanos))
    }
}

/// What one host's clocks show at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockFace {
    /// The monotonic clock, in nanoseconds.
    pub monotonic: i64,
    /// The boot clock, in nanoseconds.
    pub boot: i64,
    /// The wall clock, in nanoseconds.
    pub wall: i64,
}

impl ClockFace {
    /// The reading of one of the clocks.
    pub const fn read(&self, clock: ClockKind) -> Reading {
        let nanos = match clock {
            ClockKind::Monotonic => self.monotonic,
            ClockKind::Boot => self.boot,
            ClockKind::Wall => self.wall,
        };
        Reading { clock, nanos }
    }
}

/// How an event writes down a reading. Private to this crate, so that no message or record can do the same.
pub(crate) mod in_an_event {
    use super::{ClockKind, Reading};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Written {
        clock: ClockKind,
        nanos: i64,
    }

    pub(crate) fn serialize<S: Serializer>(reading: &Reading, serializer: S) -> Result<S::Ok, S::Error> {
        Written { clock: reading.clock, nanos: reading.nanos }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Reading, D::Error> {
        Written::deserialize(deserializer).map(|written| Reading::new(written.clock, written.nanos))
    }
}

const fn saturating_difference(later: i64, earlier: i64) -> u64 {
    if later > earlier { later.abs_diff(earlier) } else { 0 }
}

/// A deadline past the end of a clock's range is the end of its range: it never comes.
fn shifted(nanos: i64, span: Span) -> i64 {
    nanos.saturating_add_unsigned(span.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_half_open() {
        let deadline = Reading::new(ClockKind::Boot, 100);
        assert!(!Reading::new(ClockKind::Boot, 99).has_reached(deadline));
        assert!(Reading::new(ClockKind::Boot, 100).has_reached(deadline));
    }

    #[test]
    #[should_panic(expected = "boot clock was compared with one of the wall clock")]
    fn clocks_do_not_mix() {
        let _ = Reading::new(ClockKind::Boot, 1).has_reached(Reading::new(ClockKind::Wall, 1));
    }

    #[test]
    fn a_clock_that_stepped_back_shows_no_negative_span() {
        let before = LocalInstant::<Wall>::from_nanos(-5);
        let after = LocalInstant::<Wall>::from_nanos(-50);
        assert_eq!(after.saturating_since(before), Span::ZERO);
        assert_eq!(before.saturating_since(after), Span::from_nanos(45));
    }

    #[test]
    fn a_deadline_beyond_the_range_never_comes() {
        let far = LocalInstant::<Boot>::from_nanos(10) + Span::MAX;
        assert_eq!(far.as_nanos(), i64::MAX);
    }

    #[test]
    fn wall_readings_serialise_and_come_back() {
        let reading = LocalInstant::<Wall>::from_nanos(-42);
        let text = serde_json::to_string(&reading).unwrap();
        assert_eq!(serde_json::from_str::<LocalInstant<Wall>>(&text).unwrap(), reading);
    }
}
