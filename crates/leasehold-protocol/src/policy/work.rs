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
    /// Read from a copy for which a lease vouches: ask for the lease, and read the resource, only when something is to
    /// be read and no claim is open; renew nothing, and let the lease run out. Source: C. G. Gray and D. R. Cheriton,
    /// "Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency", 1989.
    CachedReads,
}

/// A rest between two reads from a copy is at most so many times the mean. Chosen by us: one in 22,000 is cut there, and
/// then there is a bound on how long nobody may ask for a lease.
const LONGEST_REST: u64 = 10;

impl WorkPolicy {
    /// The longest that somebody rests between two cycles who has given its lease back, or let it run out.
    #[must_use]
    pub fn longest_rest(&self) -> Span {
        match self.kind {
            WorkKind::CachedReads => self.every.scale(LONGEST_REST, 1),
            _ => self.every,
        }
    }

    /// How long it rests this time: `every`, or a length that is exponentially distributed around it, so that reads come
    /// independently of each other (a Poisson process, as in the paper). `draw` gives a number below its argument.
    #[must_use]
    pub fn rest(&self, draw: impl FnOnce(u64) -> u64) -> Span {
        if self.kind != WorkKind::CachedReads {
            return self.every;
        }
        // Above zero and at most one.
        let share = (draw(1 << 53) + 1) as f64 / (1_u64 << 53) as f64;
        let nanos = -libm::log(share) * self.every.as_nanos() as f64;
        Span::from_nanos(nanos as u64).min(self.longest_rest())
    }
}

impl WorkKind {
    /// Whether a lease is given back after one cycle.
    #[must_use]
    pub const fn is_once_a_lease(self) -> bool {
        matches!(self, Self::Tasks | Self::CacheFill)
    }

    /// Whether a lease runs out that nobody gives back, and is asked for anew only when it is needed.
    #[must_use]
    pub const fn lets_lapse(self) -> bool {
        matches!(self, Self::CachedReads)
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
