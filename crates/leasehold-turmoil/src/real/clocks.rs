//! The clocks of a real host.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use leasehold_core::clock::ClockFace;

/// The host's three clocks. Those that never step count from the start of the process: their zero means nothing, and
/// small numbers are easier to read. The wall clock counts from 1970, because its readings are written down.
#[derive(Debug)]
pub(crate) struct Clocks {
    started: Instant,
    booted: i64,
}

impl Clocks {
    #[expect(clippy::disallowed_methods, reason = "a real host has real clocks")]
    pub(crate) fn start() -> Self {
        let started = Instant::now();
        Self { started, booted: boot(started) }
    }

    #[expect(clippy::disallowed_methods, reason = "a real host has real clocks")]
    pub(crate) fn face(&self) -> ClockFace {
        let monotonic = self.started.elapsed();
        ClockFace {
            monotonic: i64::try_from(monotonic.as_nanos()).unwrap_or(i64::MAX),
            boot: boot(self.started) - self.booted,
            wall: since_1970(SystemTime::now()),
        }
    }
}

/// `CLOCK_BOOTTIME`: goes on while the host sleeps.
#[cfg(target_os = "linux")]
fn boot(_: Instant) -> i64 {
    use rustix::time::{ClockId, clock_gettime};

    let reading = clock_gettime(ClockId::Boottime);
    reading.tv_sec * 1_000_000_000 + reading.tv_nsec
}

/// Elsewhere the monotonic clock stands in for it: a lease on such a host must not rely on a clock that runs while the
/// host sleeps.
#[cfg(not(target_os = "linux"))]
fn boot(started: Instant) -> i64 {
    i64::try_from(started.elapsed().as_nanos()).unwrap_or(i64::MAX)
}

/// A clock may be set to before 1970.
fn since_1970(now: SystemTime) -> i64 {
    let nanos = |span: std::time::Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    now.duration_since(UNIX_EPOCH).map_or_else(|before| -nanos(before.duration()), nanos)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clocks_go_forward_and_begin_near_zero() {
        let clocks = Clocks::start();
        let first = clocks.face();
        // Waits for a condition: the clocks must move by themselves.
        let mut later = clocks.face();
        while later.monotonic < first.monotonic + 2_000_000 {
            later = clocks.face();
        }
        assert!(first.monotonic >= 0 && first.boot >= 0);
        assert!(first.boot < 60_000_000_000, "it counts from the start of the process: {}", first.boot);
        assert!(later.boot >= first.boot + 1_000_000, "{first:?} {later:?}");
        assert!(later.wall > 1_600_000_000_000_000_000, "since 1970, not since the start: {}", later.wall);
    }

    #[test]
    fn a_wall_clock_before_1970_shows_less_than_nothing() {
        assert_eq!(since_1970(UNIX_EPOCH - Duration::from_nanos(7)), -7);
        assert_eq!(since_1970(UNIX_EPOCH + Duration::from_nanos(7)), 7);
    }
}
