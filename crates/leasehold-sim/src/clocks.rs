//! The three clocks of a host, driven by true time.

use leasehold_core::clock::{ClockFace, ClockKind, Reading};
use leasehold_core::time::{RateError, SimInstant};

/// Rate errors are held in units of 2⁻⁴⁰, so that reading a clock needs a multiplication and a shift. Over a day
/// that is off by less than 0.1 ns from the exact rational rate, toward true time.
const FRACTION_BITS: u32 = 40;

/// No clock is followed so far: 18 years, longer than any run, and early enough that even a clock at a tenth of its
/// speed gets there within the range of an `i64`. A deadline that never comes stands at the end of that range.
const NEVER: i64 = i64::MAX / 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Running,
    Suspended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Going,
    Frozen,
}

/// A host's clocks since their rate, offset, power or pace last changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostClocks {
    since: SimInstant,
    then: ClockFace,
    rate: RateError,
    error: i64,
    power: Power,
    pace: Pace,
}

impl HostClocks {
    pub(crate) fn new(rate: RateError, wall_offset: i64) -> Self {
        Self {
            since: SimInstant::START,
            then: ClockFace { monotonic: 0, boot: 0, wall: wall_offset },
            rate,
            error: scaled_error(rate),
            power: Power::Running,
            pace: Pace::Going,
        }
    }

    /// What the three clocks show at an instant, not before the last change.
    pub fn face(&self, now: SimInstant) -> ClockFace {
        if self.pace == Pace::Frozen {
            return self.then;
        }
        let advance = self.advance((now - self.since).as_nanos());
        let monotonic = match self.power {
            Power::Running => self.then.monotonic + advance,
            Power::Suspended => self.then.monotonic,
        };
        ClockFace { monotonic, boot: self.then.boot + advance, wall: self.then.wall + advance }
    }

    pub(crate) fn read(&self, clock: ClockKind, now: SimInstant) -> Reading {
        self.face(now).read(clock)
    }

    /// The first instant, not before `now`, at which `reading` is reached, if things stay as they are. Nothing
    /// if the clock stands still, or if that lies beyond the end of time.
    pub fn instant_of(&self, reading: Reading, now: SimInstant) -> Option<SimInstant> {
        if self.read(reading.clock(), now).has_reached(reading) {
            return Some(now);
        }
        let suspended = reading.clock() == ClockKind::Monotonic && self.power == Power::Suspended;
        if suspended || self.pace == Pace::Frozen {
            return None;
        }
        if reading.as_nanos() >= NEVER {
            return None;
        }
        let then = self.then.read(reading.clock()).as_nanos();
        let needed = u64::try_from(i128::from(reading.as_nanos()) - i128::from(then)).ok()?;
        let one = 1_i128 << FRACTION_BITS;
        let estimate = (i128::from(needed) << FRACTION_BITS) / (one + i128::from(self.error));
        let mut elapsed = u64::try_from(estimate).ok()?;
        let target = i64::try_from(needed).ok()?;
        while self.advance(elapsed) < target {
            elapsed += 1;
        }
        while elapsed > 0 && self.advance(elapsed - 1) >= target {
            elapsed -= 1;
        }
        self.since.as_nanos().checked_add(elapsed).map(SimInstant::from_nanos)
    }

    pub(crate) fn rate(&self) -> RateError {
        self.rate
    }

    pub(crate) fn set_rate(&mut self, rate: RateError, now: SimInstant) {
        self.settle(now);
        self.rate = rate;
        self.error = scaled_error(rate);
    }

    /// The others are not touched, not even by a rounding: they are read as if nothing had happened.
    pub(crate) fn step_wall(&mut self, by: i64) {
        self.then.wall = self.then.wall.saturating_add(by);
    }

    pub(crate) fn suspend(&mut self, now: SimInstant) {
        self.settle(now);
        self.power = Power::Suspended;
    }

    pub(crate) fn are_suspended(&self) -> bool {
        self.power == Power::Suspended
    }

    pub(crate) fn resume(&mut self, now: SimInstant) {
        self.settle(now);
        self.power = Power::Running;
    }

    /// All three stand still.
    pub(crate) fn freeze(&mut self, now: SimInstant) {
        self.settle(now);
        self.pace = Pace::Frozen;
    }

    pub(crate) fn thaw(&mut self, now: SimInstant) {
        self.settle(now);
        self.pace = Pace::Going;
    }

    pub(crate) fn are_frozen(&self) -> bool {
        self.pace == Pace::Frozen
    }

    fn settle(&mut self, now: SimInstant) {
        self.then = self.face(now);
        self.since = now;
    }

    /// How far the clocks get in so much true time. The error is cut toward zero, so that rounding never takes
    /// a clock past its declared rate.
    fn advance(&self, elapsed: u64) -> i64 {
        let magnitude = (u128::from(elapsed) * u128::from(self.error.unsigned_abs())) >> FRACTION_BITS;
        let error = magnitude as i64;
        elapsed as i64 + if self.error < 0 { -error } else { error }
    }
}

fn scaled_error(rate: RateError) -> i64 {
    let scaled = (i128::from(rate.as_ppb()) << FRACTION_BITS) / 1_000_000_000;
    i64::try_from(scaled).expect("a rate error is at most a thousand")
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::time::Span;
    use proptest::prelude::*;

    fn at(nanos: u64) -> SimInstant {
        SimInstant::from_nanos(nanos)
    }

    fn rate(ppb: i64) -> RateError {
        RateError::from_ppb(ppb).unwrap()
    }

    #[test]
    fn a_step_of_the_wall_clock_moves_no_other_clock() {
        let (mut stepped, untouched) = (HostClocks::new(rate(-40_000), 0), HostClocks::new(rate(-40_000), 0));
        for _ in 0..1_000 {
            stepped.step_wall(-1_000_000);
        }
        for clock in [ClockKind::Boot, ClockKind::Monotonic] {
            let end = at(1_000_000_007);
            assert_eq!(stepped.read(clock, end), untouched.read(clock, end), "{clock:?}");
        }
        let wall = |clocks: &HostClocks| clocks.read(ClockKind::Wall, at(1_000_000_007)).as_nanos();
        assert_eq!(wall(&stepped), wall(&untouched) - 1_000_000_000);
    }

    #[test]
    fn never_does_not_come() {
        for (ppb, nanos) in [(-500_000, i64::MAX), (0, i64::MAX), (500_000, i64::MAX - 10_000_000_000)] {
            let never = Reading::new(ClockKind::Boot, nanos);
            assert_eq!(HostClocks::new(rate(ppb), 0).instant_of(never, at(5)), None);
        }
    }

    #[test]
    fn a_clock_keeps_its_rate() {
        let clocks = HostClocks::new(rate(500_000), 7);
        let face = clocks.face(at(10_000_000_000));
        assert_eq!(face.boot, 10_004_999_999);
        assert_eq!(face.wall, 10_005_000_006);
        assert_eq!(HostClocks::new(rate(0), 0).face(at(5)).monotonic, 5);
    }

    #[test]
    fn a_suspend_stops_the_monotonic_clock_alone() {
        let mut clocks = HostClocks::new(rate(0), 0);
        clocks.suspend(at(100));
        let during = clocks.face(at(150));
        assert_eq!((during.monotonic, during.boot, during.wall), (100, 150, 150));
        assert_eq!(clocks.instant_of(Reading::new(ClockKind::Monotonic, 101), at(150)), None);
        assert_eq!(clocks.instant_of(Reading::new(ClockKind::Boot, 160), at(150)), Some(at(160)));
        clocks.resume(at(200));
        let after = clocks.face(at(210));
        assert_eq!((after.monotonic, after.boot), (110, 210));
        assert_eq!(clocks.instant_of(Reading::new(ClockKind::Monotonic, 111), at(210)), Some(at(211)));
    }

    #[test]
    fn a_wall_step_moves_the_wall_clock_alone() {
        let mut clocks = HostClocks::new(rate(0), 0);
        clocks.step_wall(-50);
        let face = clocks.face(at(100));
        assert_eq!((face.wall, face.boot), (50, 100));
    }

    #[test]
    fn a_freeze_stops_all_three_and_they_go_on_from_there() {
        let mut clocks = HostClocks::new(rate(0), 5);
        clocks.freeze(at(100));
        let during = clocks.face(at(150));
        assert_eq!((during.monotonic, during.boot, during.wall), (100, 100, 105));
        assert_eq!(clocks.instant_of(Reading::new(ClockKind::Boot, 101), at(150)), None);
        assert_eq!(
            clocks.instant_of(Reading::new(ClockKind::Boot, 100), at(150)),
            Some(at(150)),
            "reached before"
        );
        clocks.step_wall(7);
        clocks.set_rate(rate(1_000_000_000), at(170));
        assert_eq!(clocks.face(at(180)).wall, 112, "a step moves it, a rate does not");
        clocks.suspend(at(185));
        clocks.thaw(at(200));
        let after = clocks.face(at(210));
        assert_eq!((after.monotonic, after.boot, after.wall), (100, 120, 132));
    }

    #[test]
    fn a_deadline_beyond_the_end_of_time_never_comes() {
        let clocks = HostClocks::new(rate(-900_000_000), 0);
        let far = Reading::new(ClockKind::Boot, 0) + Span::MAX;
        assert_eq!(clocks.instant_of(far, at(0)), None);
    }

    proptest! {
        /// The instant found is the first at which the clock shows the reading, and never lies outside what
        /// the declared rate allows.
        #[test]
        fn the_instant_of_a_reading_is_the_first(
            ppb in -900_000_000_i64..2_000_000_000,
            now in 0_u64..1_000_000_000_000,
            ahead in 1_u64..100_000_000_000_000,
        ) {
            let mut clocks = HostClocks::new(rate(ppb), -3);
            clocks.set_rate(rate(ppb / 2), at(now / 2));
            clocks.set_rate(rate(ppb), at(now));
            let reading = clocks.read(ClockKind::Wall, at(now)) + Span::from_nanos(ahead);
            let instant = clocks.instant_of(reading, at(now)).unwrap();
            prop_assert!(clocks.read(ClockKind::Wall, instant).has_reached(reading));
            let before = at(instant.as_nanos() - 1);
            prop_assert!(before < at(now) || !clocks.read(ClockKind::Wall, before).has_reached(reading));
            let exact = ahead as f64 / (1.0 + ppb as f64 / 1e9);
            prop_assert!(((instant - at(now)).as_nanos() as f64 - exact).abs() < 2.0 + exact * 1e-10);
        }

        /// A clock within the declared bound ends a term no earlier and no later than the bounds say, to the
        /// nanosecond.
        #[test]
        fn rounding_stays_inside_the_declared_bound(ttl in 1_u64..1_000_000_000_000, ppb in 0_u32..500_000_000) {
            let drift = leasehold_core::Drift::from_ppb(ppb).unwrap();
            let ttl = Span::from_nanos(ttl);
            let end = |error: i64| {
                let clocks = HostClocks::new(rate(error), 0);
                clocks.instant_of(Reading::new(ClockKind::Boot, 0) + ttl, at(0)).unwrap().since_start()
            };
            prop_assert!(end(i64::from(ppb)) >= drift.shortest_true(ttl));
            prop_assert!(end(-i64::from(ppb)) <= drift.longest_true(ttl));
        }
    }
}
