//! What holders do while they hold.

use leasehold_core::time::Span;

/// What a holder does while it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkPolicy {
    /// What it is.
    pub kind: WorkKind,
    /// How often.
    pub every: Span,
    /// How long it thinks between read and write, or over a task.
    pub think: Span,
    /// When it repeats an operation that was not answered.
    pub retry: Span,
    /// What it does first under a new claim.
    pub takeover: Takeover,
}

impl Default for WorkPolicy {
    /// A mutex. Every 20 ms, with 5 ms of thought; asks again after 100 ms.
    fn default() -> Self {
        Self {
            kind: WorkKind::default(),
            every: Span::from_millis(20),
            think: Span::from_millis(5),
            retry: Span::from_millis(100),
            takeover: Takeover::default(),
        }
    }
}

/// What a holder does while it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkKind {
    /// Check the lease, read, think, check again, write; over and over.
    #[default]
    Mutex,
    /// Write what it decided alone, over and over: a leader's periodic work.
    Leader,
    /// Work on the task that came with the lease, apply its effect, release the lease as done; then ask for the
    /// next. The TTL is the task's visibility timeout.
    Tasks,
    /// Read, think, write what it made of it, release the lease; then, a cycle later, ask again: whoever misses in
    /// a cache fills it under a lease.
    CacheFill,
    /// Read, think, write what is based on that, and begin again where somebody else has written meanwhile; all
    /// without a lease, so a resource has to compare versions. Source: H. T. Kung and J. T. Robinson, "On Optimistic
    /// Methods for Concurrency Control", 1981.
    Optimistic,
}

impl WorkKind {
    /// Whether a lease is given back after one cycle.
    #[must_use]
    pub const fn is_once_a_lease(self) -> bool {
        matches!(self, Self::Tasks | Self::CacheFill)
    }
}

/// What a holder does first under a new claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takeover {
    /// Its work.
    #[default]
    Work,
    /// It has the resource make its token the mark, and works when that is answered.
    Barrier,
}
