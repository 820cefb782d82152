//! A holder's timers.

use leasehold_core::id::TimerId;

/// The holder's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// When to ask again for what was not answered: acquire, release.
    Retry,
    /// When to renew, or to ask again for a renewal that was not answered.
    Renew,
    /// When the claim is over.
    Deadline,
    /// When to begin the next cycle of work.
    Work,
    /// When it has thought long enough.
    Think,
    /// When to repeat an operation that was not answered.
    WorkRetry,
    /// When to ask who holds the resource.
    Query,
}

impl From<Timer> for TimerId {
    fn from(timer: Timer) -> Self {
        Self(timer as u32)
    }
}

impl Timer {
    const ALL: [Self; 7] =
        [Self::Retry, Self::Renew, Self::Deadline, Self::Work, Self::Think, Self::WorkRetry, Self::Query];

    pub(crate) fn from_id(id: TimerId) -> Self {
        Self::ALL[id.0 as usize]
    }
}
