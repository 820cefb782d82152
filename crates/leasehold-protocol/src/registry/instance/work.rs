//! What an application works at.

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

/// Task after task, each of the same length. It is counted by the clock, not by a timer: an application that nobody
/// asks for its progress costs nothing. (So what is done while its process is paused counts too, which nobody can see.)
#[derive(Debug)]
pub(super) struct Work {
    /// How long a task takes.
    task: Span,
    /// When the first task of this stretch began.
    began: Reading,
    /// How many were done before it.
    done_before: u64,
    /// Since when it stands still.
    stands_since: Option<Reading>,
}

impl Work {
    /// Work that begins now.
    pub(super) fn new(task: Span, now: Reading) -> Self {
        Self { task, began: now, done_before: 0, stands_since: None }
    }

    /// How many tasks of this stretch are done.
    fn done_since(&self, now: Reading) -> u64 {
        let worked = self.stands_since.unwrap_or(now).saturating_since(self.began);
        worked.as_nanos() / self.task.as_nanos().max(1)
    }

    /// How many tasks are done.
    pub(super) fn done(&self, now: Reading) -> u64 {
        self.done_before + self.done_since(now)
    }

    /// When the task ends that is being worked at, if nothing happens; now if one has just ended.
    pub(super) fn task_ends(&self, now: Reading) -> Reading {
        let worked = now.saturating_since(self.began).as_nanos();
        let ended = worked.div_ceil(self.task.as_nanos().max(1));
        self.began + self.task.scale(ended, 1)
    }

    /// So many tasks as fit into `span`, but one at least, are done at this time if nothing happens.
    pub(super) fn after_tasks_of(&self, span: Span, now: Reading) -> Reading {
        let tasks = (span.as_nanos() / self.task.as_nanos().max(1)).max(1);
        self.began + self.task.scale(self.done_since(now) + tasks, 1)
    }

    pub(super) fn stands_still(&self) -> bool {
        self.stands_since.is_some()
    }

    /// When it will have made no progress for `span`, if it stands still: counted from the last task that was done.
    pub(super) fn stalls_at(&self, span: Span) -> Option<Reading> {
        self.stands_since.map(|since| self.began + self.task.scale(self.done_since(since), 1) + span)
    }

    /// It stands still from now on. Whether it did not before.
    #[must_use]
    pub(super) fn stop(&mut self, now: Reading) -> bool {
        let worked = self.stands_since.is_none();
        self.stands_since.get_or_insert(now);
        worked
    }

    /// It goes on, with the task that it stood still in, from its beginning. Whether it did not before.
    #[must_use]
    pub(super) fn go_on(&mut self, now: Reading) -> bool {
        if self.stands_since.is_none() {
            return false;
        }
        self.done_before = self.done(now);
        (self.began, self.stands_since) = (now, None);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::clock::ClockKind;

    fn at(secs: i64) -> Reading {
        Reading::new(ClockKind::Boot, secs * 1_000_000_000)
    }

    #[test]
    fn tasks_are_done_one_after_the_other_until_it_stands_still() {
        let mut work = Work::new(Span::from_secs(4), at(10));
        assert_eq!([10, 13, 14, 19].map(|now| work.done(at(now))), [0, 0, 1, 2]);
        assert_eq!([10, 13, 14, 15].map(|now| work.task_ends(at(now))), [10, 14, 14, 18].map(at));
        assert_eq!(work.after_tasks_of(Span::from_secs(9), at(15)), at(22));
        assert_eq!(work.after_tasks_of(Span::from_secs(1), at(15)), at(18));
        assert_eq!(work.stalls_at(Span::from_secs(10)), None);
        assert!(work.stop(at(21)) && !work.stop(at(22)));
        assert_eq!(work.stalls_at(Span::from_secs(10)), Some(at(28)));
        assert_eq!(work.done(at(100)), 2);
        assert!(work.go_on(at(100)) && !work.go_on(at(101)));
        assert_eq!([103, 104].map(|now| work.done(at(now))), [2, 3]);
    }
}
