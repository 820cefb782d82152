//! A process's named timers.

use leasehold_core::clock::Reading;
use leasehold_core::id::TimerId;

/// The timers of one process. Scheduled wake-ups carry the generation they were scheduled for, so that one that
/// has been overtaken is recognised.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    slots: Vec<Timer>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Timer {
    generation: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Disarmed,
    Armed(Reading),
    /// It came due while the process was stopped, and waits to be handled.
    Due,
}

impl Timers {
    /// Arms a timer; the wake-up belongs to the returned generation.
    pub(crate) fn arm(&mut self, timer: TimerId, at: Reading) -> u32 {
        self.set(timer, State::Armed(at))
    }

    pub(crate) fn disarm(&mut self, timer: TimerId) {
        self.set(timer, State::Disarmed);
    }

    /// A wake-up came. Whether it still counts; if so the timer is disarmed.
    pub(crate) fn fire(&mut self, timer: TimerId, generation: u32) -> bool {
        self.take(timer, |slot| slot.generation == generation && matches!(slot.state, State::Armed(_)))
    }

    /// A wake-up came but cannot be handled now. Whether it still counts.
    pub(crate) fn defer(&mut self, timer: TimerId, generation: u32) -> bool {
        let counts = self.fire(timer, generation);
        if counts {
            self.set(timer, State::Due);
        }
        counts
    }

    /// A deferred wake-up can be handled. Whether it still counts; if so the timer is disarmed.
    pub(crate) fn fire_deferred(&mut self, timer: TimerId) -> bool {
        self.take(timer, |slot| slot.state == State::Due)
    }

    /// Gives every armed timer a new generation and says when it is to fire: the clocks have changed.
    pub(crate) fn reschedule(&mut self, mut schedule: impl FnMut(TimerId, Reading, u32)) {
        for (id, slot) in (0..).zip(&mut self.slots) {
            if let State::Armed(at) = slot.state {
                slot.generation = slot.generation.wrapping_add(1);
                schedule(TimerId(id), at, slot.generation);
            }
        }
    }

    /// Forgets all: the process died. Wake-ups that are still scheduled count for nothing.
    pub(crate) fn clear(&mut self) {
        for slot in &mut self.slots {
            *slot = Timer { generation: slot.generation.wrapping_add(1), state: State::Disarmed };
        }
    }

    fn set(&mut self, timer: TimerId, state: State) -> u32 {
        let index = timer.0 as usize;
        if index >= self.slots.len() {
            self.slots.resize(index + 1, Timer::default());
        }
        let slot = &mut self.slots[index];
        slot.generation = slot.generation.wrapping_add(1);
        slot.state = state;
        slot.generation
    }

    fn take(&mut self, timer: TimerId, counts: impl Fn(&Timer) -> bool) -> bool {
        match self.slots.get_mut(timer.0 as usize) {
            Some(slot) if counts(slot) => {
                slot.state = State::Disarmed;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::clock::ClockKind;

    const T: TimerId = TimerId(3);

    fn reading(nanos: i64) -> Reading {
        Reading::new(ClockKind::Boot, nanos)
    }

    #[test]
    fn an_overtaken_or_disarmed_wake_up_does_not_count() {
        let mut timers = Timers::default();
        let first = timers.arm(T, reading(1));
        let second = timers.arm(T, reading(2));
        assert!(!timers.fire(T, first));
        assert!(timers.fire(T, second));
        assert!(!timers.fire(T, second), "it fires once");
        let third = timers.arm(T, reading(3));
        timers.disarm(T);
        assert!(!timers.fire(T, third));
        assert!(!timers.fire(TimerId(99), 0), "a name never armed");
    }

    #[test]
    fn a_deferred_wake_up_counts_until_the_timer_is_touched() {
        let mut timers = Timers::default();
        let generation = timers.arm(T, reading(1));
        assert!(timers.defer(T, generation));
        assert!(timers.fire_deferred(T));
        assert!(!timers.fire_deferred(T));
        let generation = timers.arm(T, reading(1));
        assert!(timers.defer(T, generation));
        timers.arm(T, reading(9));
        assert!(!timers.fire_deferred(T));
    }

    #[test]
    fn a_change_of_the_clocks_reschedules_what_is_armed() {
        let mut timers = Timers::default();
        let old = timers.arm(T, reading(5));
        timers.disarm(TimerId(1));
        let mut new = Vec::new();
        timers.reschedule(|timer, at, generation| new.push((timer, at, generation)));
        assert_eq!(new.len(), 1);
        assert_eq!((new[0].0, new[0].1), (T, reading(5)));
        assert!(!timers.fire(T, old));
        assert!(timers.fire(T, new[0].2));
    }

    #[test]
    fn nothing_survives_the_process() {
        let mut timers = Timers::default();
        let generation = timers.arm(T, reading(5));
        timers.clear();
        assert!(!timers.fire(T, generation));
    }
}
