//! How holders behave.

use leasehold_core::clock::ClockKind;
use leasehold_core::time::{Drift, Span};

/// How a holder behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderPolicy {
    /// The clock that its deadlines are measured on.
    pub clock: ClockKind,
    /// The TTL it asks for.
    pub ttl: Span,
    /// How many TTLs it takes a grant to last.
    pub ttl_multiplier: u32,
    /// When it renews, counted from its anchor.
    pub renew: Interval,
    /// A renewal may come earlier by up to this share of the interval, in parts per million.
    pub renew_jitter_ppm: u32,
    /// What its deadline is counted from.
    pub anchor: Anchor,
    /// How long it claims after its anchor.
    pub lifetime: Lifetime,
    /// How it asks again when it hears nothing.
    pub retry: Backoff,
    /// How often it asks again while it waits; stretched by the retry's jitter.
    pub poll: Span,
    /// When it stops to try for a renewal.
    pub give_up: GiveUp,
    /// What it does when its deadline comes and nothing was heard.
    pub lost_contact: LostContact,
    /// What a holder in jeopardy does when it is in contact again.
    pub back_in_contact: BackInContact,
    /// In which order it leaves.
    pub leave: Leave,
    /// What it does with a grant that it waited for.
    pub after_waiting: AfterWaiting,
    /// Who it says it is.
    pub identity: Identity,
    /// How urgently it wants the resource; more is more urgent.
    pub priority: u8,
    /// How many keys it attaches to its lease.
    pub keys: u32,
    /// How often it asks who holds the resource; never unless it is given. Nothing that it does depends on the answer.
    pub asks_who: Option<Span>,
}

impl HolderPolicy {
    /// The safe defaults for a TTL: the boot clock, renewal every third of the TTL, deadlines from the first
    /// send, and the margin that the declared clock bound demands.
    pub fn new(ttl: Span, clock_rate: Drift) -> Self {
        Self {
            clock: ClockKind::Boot,
            ttl,
            ttl_multiplier: 1,
            renew: Interval::OfTtl { numerator: 1, denominator: 3 },
            renew_jitter_ppm: 0,
            anchor: Anchor::FirstSend,
            lifetime: Lifetime::Margin(Margin::ForDrift(clock_rate)),
            retry: Backoff::default(),
            poll: Span::from_secs(1),
            give_up: GiveUp::default(),
            lost_contact: LostContact::default(),
            back_in_contact: BackInContact::default(),
            leave: Leave::default(),
            after_waiting: AfterWaiting::default(),
            identity: Identity::default(),
            priority: 0,
            keys: 0,
            asks_who: None,
        }
    }

    /// How long it takes a grant of a TTL to last, without its margin.
    #[must_use]
    pub fn longest(&self, ttl: Span) -> Span {
        ttl.scale(u64::from(self.ttl_multiplier), 1)
    }

    /// L: how long it claims after its anchor, on its clock, under a TTL. A renew deadline goes by no TTL.
    #[must_use]
    pub fn term(&self, ttl: Span) -> Span {
        match self.lifetime {
            Lifetime::Margin(margin) => margin.term(self.longest(ttl)),
            Lifetime::RenewDeadline(deadline) => self.renew.of(ttl).saturating_add(deadline),
        }
    }
}

/// How long a holder claims after its anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The TTL less a margin.
    Margin(Margin),
    /// Until a round of renewal has failed for so long; a round begins a renewal interval after the last. That is
    /// client-go's `RenewDeadline`, with `RetryPeriod` as the interval: it claims for the sum of the two.
    RenewDeadline(Span),
}

/// When a holder stops to try for a renewal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GiveUp {
    /// When its deadline comes.
    #[default]
    AtDeadline,
    /// When the first try was not answered in time: it gives up its claim, and contends anew.
    AtFirstError,
}

/// What a holder does when its deadline comes and nothing was heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LostContact {
    /// It stops and contends anew.
    #[default]
    Stop,
    /// It stops to act, but keeps asking for its lease: if that still lives, it goes on.
    Jeopardy,
    /// It goes on until somebody tells it that its lease is gone.
    GoOn,
}

/// What a holder in jeopardy does when it is in contact again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackInContact {
    /// It goes on if the grantor says that the very lease still lives.
    #[default]
    ComparesTheLease,
    /// It goes on whatever the grantor answers: it has a record of its lease, and takes that for alive. Source: a leader
    /// latch after a reconnect, CURATOR-696.
    TrustsItsRecord,
}

/// In which order a holder leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leave {
    /// Its work stops, then it releases.
    #[default]
    StopThenRelease,
    /// It releases, and its work stops when that is answered, as in client-go with `ReleaseOnCancel`.
    ReleaseThenStop,
}

/// What a holder does with a grant that it waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterWaiting {
    /// Its request is old, so it has the grant confirmed by a renewal before it claims.
    #[default]
    Confirm,
    /// It claims from the receipt of the grant on.
    Trust,
}

/// Who a holder says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// This process of this node.
    #[default]
    Process,
    /// This node: its next process is the same owner.
    Node,
    /// The same as all others that contend for the resource, as with a copied configuration.
    Shared,
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
    /// The latest send of that request. An answer to an earlier one counts from too late.
    LatestRetry,
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
