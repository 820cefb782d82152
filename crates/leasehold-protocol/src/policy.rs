//! The decisions that real systems take differently. Defaults are the safe ones.

use leasehold_core::clock::ClockKind;
use leasehold_core::time::{Drift, Span};

/// How a grantor behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantorPolicy {
    /// The clock that terms are measured on.
    pub clock: ClockKind,
    /// The shortest term it grants; shorter wishes get this.
    pub ttl_min: Span,
    /// The longest term it grants; longer wishes get this.
    pub ttl_max: Span,
    /// How it notices that a term is over.
    pub expiry: Expiry,
}

impl Default for GrantorPolicy {
    /// The boot clock, terms from 100 ms to a day, an exact timer.
    fn default() -> Self {
        Self {
            clock: ClockKind::Boot,
            ttl_min: Span::from_millis(100),
            ttl_max: Span::from_secs(86_400),
            expiry: Expiry::ExactTimer,
        }
    }
}

impl GrantorPolicy {
    /// The term that a contender gets when it asks for `asked`.
    #[must_use]
    pub fn negotiate(&self, asked: Span) -> Span {
        asked.clamp(self.ttl_min, self.ttl_max)
    }
}

/// How a grantor notices that a term is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// A timer for each lease.
    ExactTimer,
    /// A look at all leases every so often, as etcd does every 500 ms.
    Sweep {
        /// How often, on the grantor's clock.
        every: Span,
    },
}

/// How a holder behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderPolicy {
    /// The clock that its deadlines are measured on.
    pub clock: ClockKind,
    /// The term it asks for.
    pub ttl: Span,
    /// When it renews, counted from the first send of the request that was answered last.
    pub renew: Interval,
    /// What its deadline is counted from.
    pub anchor: Anchor,
    /// How much of the granted term it gives up for clock drift.
    pub margin: Margin,
    /// How it asks again when it hears nothing.
    pub retry: Backoff,
    /// How often it asks again while it waits in the queue; stretched by the retry's jitter.
    pub poll: Span,
}

impl HolderPolicy {
    /// The safe defaults for a term: the boot clock, renewal every third of the term, deadlines from the first
    /// send, and the margin that the declared clock bound demands.
    pub fn new(ttl: Span, clock_rate: Drift) -> Self {
        Self {
            clock: ClockKind::Boot,
            ttl,
            renew: Interval::OfTtl { numerator: 1, denominator: 3 },
            anchor: Anchor::FirstSend,
            margin: Margin::ForDrift(clock_rate),
            retry: Backoff::default(),
            poll: Span::from_secs(1),
        }
    }
}

/// A length of time that may depend on the granted term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Always the same.
    Fixed(Span),
    /// A share of the granted term.
    OfTtl {
        /// So many parts ...
        numerator: u32,
        /// ... of so many.
        denominator: u32,
    },
}

impl Interval {
    /// The length under a granted term.
    #[must_use]
    pub fn of(self, ttl: Span) -> Span {
        match self {
            Self::Fixed(span) => span,
            Self::OfTtl { numerator, denominator } => ttl.scale(u64::from(numerator), u64::from(denominator)),
        }
    }
}

/// What a holder's deadline is counted from. Source: docs/timing.md, section 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The first send of the very request that was answered. Sending precedes granting, so no delay matters.
    FirstSend,
    /// The receipt of the answer, as etcd's client does: the answer's delay is added, and has no bound.
    Receipt,
}

/// How much of the granted term a holder gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// So much that clocks within the bound cannot hurt: it keeps `T·(1−ρ)/(1+ρ)`.
    ForDrift(Drift),
    /// Just so much.
    Fixed(Span),
}

impl Margin {
    /// What a holder allows itself of a granted term.
    #[must_use]
    pub fn term(self, ttl: Span) -> Span {
        match self {
            Self::ForDrift(drift) => drift.safe_term(ttl),
            Self::Fixed(span) => ttl.saturating_sub(span),
        }
    }
}

/// Exponential back-off: each wait doubles up to a cap, and is stretched at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait.
    pub first: Span,
    /// The longest wait, before jitter.
    pub cap: Span,
    /// A wait is stretched by up to this share, in parts per million.
    pub jitter_ppm: u32,
}

impl Default for Backoff {
    /// 200 ms doubling to 2 s, stretched by up to a fifth.
    fn default() -> Self {
        Self { first: Span::from_millis(200), cap: Span::from_secs(2), jitter_ppm: 200_000 }
    }
}

impl Backoff {
    /// The wait after so many tries without an answer; `draw` gives a number below its argument.
    #[must_use]
    pub fn wait(&self, tries: u32, draw: impl FnOnce(u64) -> u64) -> Span {
        let doubled = self.first.scale(1 << tries.min(32), 1);
        self.stretch(doubled.min(self.cap), draw)
    }

    /// A wait, stretched.
    #[must_use]
    pub fn stretch(&self, wait: Span, draw: impl FnOnce(u64) -> u64) -> Span {
        let most = wait.scale(u64::from(self.jitter_ppm), 1_000_000);
        wait + Span::from_nanos(draw(most.as_nanos() + 1))
    }

    /// The longest a wait can get.
    #[must_use]
    pub fn longest(&self, wait: Span) -> Span {
        wait.scale_up(1_000_000 + u64::from(self.jitter_ppm), 1_000_000)
    }
}

/// What a holder does while it holds: check the lease, read, think, check again, write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkPolicy {
    /// How often.
    pub every: Span,
    /// How long it thinks between read and write.
    pub think: Span,
    /// When it repeats an operation that was not answered.
    pub retry: Span,
}

impl Default for WorkPolicy {
    /// Every 20 ms, with 5 ms of thought; asks again after 100 ms.
    fn default() -> Self {
        Self { every: Span::from_millis(20), think: Span::from_millis(5), retry: Span::from_millis(100) }
    }
}

/// How a resource behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// Which tokens it accepts.
    pub fence: Fence,
    /// What a read does to the mark.
    pub reads: Reads,
}

/// Which tokens a resource accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fence {
    /// None older than the newest it has seen, which it keeps on disk. Source: M. Kleppmann, "How to do
    /// distributed locking", 2016.
    #[default]
    HighestToken,
    /// All: it does not look.
    None,
}

/// What a read does to the mark of a resource that fences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// It raises it: what the reader is about to overwrite can no longer be changed behind its back.
    #[default]
    RaiseMark,
    /// Nothing.
    LeaveMark,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_to_its_cap_and_stays_within_its_jitter() {
        let backoff = Backoff::default();
        let waits = |draw: fn(u64) -> u64| (0..6).map(move |tries| backoff.wait(tries, draw));
        let shortest: alloc::vec::Vec<u64> = waits(|_| 0).map(|w| w.as_nanos() / 1_000_000).collect();
        assert_eq!(shortest, [200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(waits(|below| below - 1).next_back(), Some(backoff.longest(backoff.cap)));
        assert_eq!(backoff.wait(u32::MAX, |_| 0), backoff.cap);
    }

    #[test]
    fn a_wish_is_met_within_the_limits() {
        let policy = GrantorPolicy::default();
        assert_eq!(policy.negotiate(Span::from_secs(10)), Span::from_secs(10));
        assert_eq!(policy.negotiate(Span::from_nanos(1)), policy.ttl_min);
        assert_eq!(policy.negotiate(Span::MAX), policy.ttl_max);
    }

    #[test]
    fn a_margin_leaves_the_safe_term() {
        let ttl = Span::from_secs(10);
        let drift = Drift::from_ppb(500_000).unwrap();
        assert_eq!(Margin::ForDrift(drift).term(ttl), drift.safe_term(ttl));
        assert_eq!(Margin::Fixed(Span::from_secs(1)).term(ttl), Span::from_secs(9));
        assert_eq!(Margin::Fixed(Span::from_secs(11)).term(ttl), Span::ZERO);
        assert_eq!(Interval::OfTtl { numerator: 1, denominator: 3 }.of(ttl).as_nanos(), 3_333_333_333);
    }
}
