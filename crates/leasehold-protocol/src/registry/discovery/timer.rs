//! A discovery client's timers.

use leasehold_core::id::TimerId;

/// A discovery client's timers; those of a follower are among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Timer {
    /// When to ask for a watch again, to send a ping, or to take a watch for dead.
    Watch,
    /// When to poll, or to repeat a poll that was not answered.
    Poll,
    /// When to mark the cache as too old.
    Lapse,
    /// When somebody looks something up.
    Lookup,
    /// When to call an instance.
    Call,
    /// When the oldest call that is not answered has failed.
    CallTimeout,
}

impl From<Timer> for TimerId {
    fn from(timer: Timer) -> Self {
        Self(timer as u32)
    }
}

impl Timer {
    const ALL: [Self; 6] =
        [Self::Watch, Self::Poll, Self::Lapse, Self::Lookup, Self::Call, Self::CallTimeout];

    pub(in crate::registry) fn from_id(id: TimerId) -> Self {
        Self::ALL[id.0 as usize]
    }
}
