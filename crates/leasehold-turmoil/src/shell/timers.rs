//! A process's named timers, against clocks that may be stepped at any time.

use std::collections::BTreeMap;

use leasehold_core::clock::{ClockFace, Reading};
use leasehold_core::id::TimerId;

/// The timers that are armed. One that is disarmed or armed anew does not come due, even if it was.
#[derive(Debug, Default)]
pub(super) struct Timers {
    armed: BTreeMap<TimerId, Armed>,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    at: Reading,
    /// How many were armed before it.
    after: u64,
}

impl Timers {
    pub(super) fn arm(&mut self, timer: TimerId, at: Reading) {
        self.armed.insert(timer, Armed { at, after: self.count });
        self.count += 1;
    }

    pub(super) fn disarm(&mut self, timer: TimerId) {
        self.armed.remove(&timer);
    }

    /// The readings that are waited for.
    pub(super) fn deadlines(&self) -> Vec<Reading> {
        self.armed.values().map(|armed| armed.at).collect()
    }

    /// Disarms a timer that is due: of several the one that is due for longest, then the one that was armed first.
    pub(super) fn take_due(&mut self, face: &ClockFace) -> Option<TimerId> {
        let overdue = |at: Reading| i128::from(face.read(at.clock()).as_nanos()) - i128::from(at.as_nanos());
        let due = self.armed.iter().filter(|(_, armed)| overdue(armed.at) >= 0);
        let (&timer, _) = due.min_by_key(|(_, armed)| (-overdue(armed.at), armed.after))?;
        self.armed.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::clock::ClockKind::{Boot, Wall};

    fn face(boot: i64, wall: i64) -> ClockFace {
        ClockFace { monotonic: 0, boot, wall }
    }

    #[test]
    fn a_timer_is_due_from_its_reading_on_and_once() {
        let mut timers = Timers::default();
        timers.arm(TimerId(1), Reading::new(Boot, 10));
        assert_eq!(timers.take_due(&face(9, 99)), None);
        assert_eq!(timers.take_due(&face(10, 0)), Some(TimerId(1)));
        assert_eq!(timers.take_due(&face(11, 0)), None);
    }

    #[test]
    fn the_longest_due_goes_first_then_the_first_armed() {
        let mut timers = Timers::default();
        timers.arm(TimerId(1), Reading::new(Boot, 8));
        timers.arm(TimerId(3), Reading::new(Boot, 5));
        timers.arm(TimerId(2), Reading::new(Wall, 5));
        let order: Vec<_> = std::iter::from_fn(|| timers.take_due(&face(10, 10))).collect();
        assert_eq!(order, [TimerId(3), TimerId(2), TimerId(1)]);
    }

    #[test]
    fn what_is_disarmed_or_armed_anew_does_not_come() {
        let mut timers = Timers::default();
        timers.arm(TimerId(1), Reading::new(Boot, 1));
        timers.arm(TimerId(2), Reading::new(Boot, 1));
        timers.disarm(TimerId(1));
        timers.arm(TimerId(2), Reading::new(Boot, 20));
        assert_eq!(timers.take_due(&face(10, 0)), None);
        assert_eq!(timers.deadlines(), [Reading::new(Boot, 20)]);
    }

    #[test]
    fn a_wall_clock_that_steps_back_takes_its_timer_along() {
        let mut timers = Timers::default();
        timers.arm(TimerId(1), Reading::new(Wall, 10));
        assert_eq!(timers.take_due(&face(10, 9)), None);
        assert_eq!(timers.take_due(&face(20, -50)), None);
        assert_eq!(timers.take_due(&face(20, 10)), Some(TimerId(1)));
    }
}
