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
    /// How many TTLs it lets go by before a lease expires, as Consul lets up to two. Holders are told the TTL.
    pub ttl_multiplier: u32,
    /// How it notices that a term is over.
    pub expiry: Expiry,
    /// Where fencing tokens come from.
    pub tokens: Tokens,
    /// What a restart does to leases that live.
    pub restart: Restart,
    /// When a renewal is answered.
    pub renewals: Renewals,
    /// What becomes of a renewal that comes when its lease has ended.
    pub renewal_of_ended: RenewalOfEnded,
    /// What a release must name.
    pub release_check: ReleaseCheck,
    /// How long nobody is granted a resource after its lease expired or was revoked, on the grantor's clock.
    pub lock_delay: Span,
    /// Whether it keeps to that.
    pub lock_delay_kept: LockDelayKept,
    /// What becomes of a contender that comes while somebody else holds the resource.
    pub queue: Queue,
    /// What becomes of a contender that is the owner of the lease that lives.
    pub same_owner: SameOwner,
    /// Whether a contender with a higher priority takes the lease from its holder.
    pub preemption: Preemption,
    /// How it revokes.
    pub revocation: RevocationStyle,
    /// How the keys that are attached to a lease end.
    pub keys: KeysEnd,
    /// How it ends a lease when its disk is slow.
    pub ending: Ending,
}

impl Default for GrantorPolicy {
    /// The safe choice of each. The boot clock, terms from 100 ms to a day, an exact timer.
    fn default() -> Self {
        Self {
            clock: ClockKind::Boot,
            ttl_min: Span::from_millis(100),
            ttl_max: Span::from_secs(86_400),
            ttl_multiplier: 1,
            expiry: Expiry::ExactTimer,
            tokens: Tokens::default(),
            restart: Restart::default(),
            renewals: Renewals::default(),
            renewal_of_ended: RenewalOfEnded::default(),
            release_check: ReleaseCheck::default(),
            lock_delay: Span::ZERO,
            lock_delay_kept: LockDelayKept::default(),
            queue: Queue::default(),
            same_owner: SameOwner::default(),
            preemption: Preemption::default(),
            revocation: RevocationStyle::default(),
            keys: KeysEnd::default(),
            ending: Ending::default(),
        }
    }
}

impl GrantorPolicy {
    /// The TTL that a contender gets when it asks for `asked`.
    #[must_use]
    pub fn negotiate(&self, asked: Span) -> Span {
        asked.clamp(self.ttl_min, self.ttl_max)
    }

    /// The term that goes with a TTL, on the grantor's own clock.
    #[must_use]
    pub fn term(&self, ttl: Span) -> Span {
        ttl.scale(u64::from(self.ttl_multiplier), 1)
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
        /// How many a sweep ends at most; the rest waits for the next. Nothing for all.
        at_most: Option<u32>,
    },
    /// A timer for all leases whose term is over in the same bucket of time, at its end, as ZooKeeper does.
    Buckets {
        /// How long a bucket is, on the grantor's clock.
        width: Span,
    },
}

/// Where fencing tokens come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokens {
    /// A counter of the resource, kept on disk.
    #[default]
    DurableCounter,
    /// How often the grantor's table has changed: etcd's revision, ZooKeeper's zxid.
    StoreRevision,
    /// A counter of the resource in memory: it starts from 1 again after a restart.
    Volatile,
    /// A counter of the resource that an owner who gets it again finds as it left it.
    PerOwner,
    /// A number without order, as the record version of the DynamoDB lock client.
    Random,
}

/// What a restart of the grantor does to leases that live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Each gets a full term, as in etcd without checkpoints.
    #[default]
    FullTerm,
    /// Each keeps the deadline it had on the wall clock, which is on the disk, as in Vault. Renewals are written.
    Remaining,
    /// Each gets a full term and this much more, to let its holder find the new process.
    Extra(Span),
}

/// When a renewal is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renewals {
    /// At once. That is safe as long as a restart gives a full term.
    #[default]
    AtOnce,
    /// When it is on the disk, and after a second look whether the lease still lives.
    OnceDurable,
    /// When it is on the disk, without a second look.
    OnceDurableUnchecked,
}

/// What becomes of a renewal that comes when its lease has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenewalOfEnded {
    /// It is refused, from the decision to end the lease on.
    #[default]
    Refused,
    /// It is acknowledged until the end is on the disk, as in Consul's session invalidation.
    AcknowledgedUntilRecorded,
    /// It brings the lease back unless somebody else has the resource, as registering again does in Eureka.
    Resurrects,
}

/// What a release must name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReleaseCheck {
    /// The lease and its token.
    #[default]
    LeaseAndToken,
    /// Nothing, but it must come from the holder: an old release ends the holder's new lease.
    HolderName,
    /// Nothing: as a plain DEL on Redis.
    Nothing,
}

/// Whether a grantor keeps to its lock-delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockDelayKept {
    /// Yes: after a restart all of it begins anew.
    #[default]
    Durable,
    /// Until it restarts, as Consul.
    InMemory,
    /// No.
    Never,
}

/// What becomes of a contender that comes while somebody else holds the resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Queue {
    /// It waits its turn, even if it is dead by then.
    #[default]
    Fifo,
    /// It is refused, and asks again.
    None,
}

/// What becomes of a contender that is the owner of the lease that lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameOwner {
    /// It waits for its own old lease to end like anybody else: its old process may be alive.
    #[default]
    Waits,
    /// The old lease is revoked, for a conflict.
    Revokes,
    /// It is given the old lease, with its token.
    TakesOver,
}

/// Whether a contender with a higher priority takes the lease from its holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preemption {
    /// No; priorities do not even order the queue.
    #[default]
    Never,
    /// Yes: the lease is revoked, and the contender stands first in the queue.
    ByPriority,
}

/// How a grantor revokes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationStyle {
    /// It renews the lease no more and tells its holder. The lease ends when the holder gives it back or its term
    /// is over.
    #[default]
    Drain,
    /// It ends the lease, as etcd does, whatever its holder believes.
    AtOnce,
}

/// How the keys that are attached to a lease end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeysEnd {
    /// All with their lease, at one revision.
    #[default]
    Together,
    /// One after the other, each at a revision of its own.
    OneByOne,
}

/// How a grantor ends a lease when its disk is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How long it waits for an end to be durable before it tries again, on its clock.
    pub patience: Span,
    /// How often it tries before it gives up; nothing for ever.
    pub attempts: Option<u32>,
}

impl Default for Ending {
    /// Tries every 10 s, for ever.
    fn default() -> Self {
        Self { patience: Span::from_secs(10), attempts: None }
    }
}

/// How a holder behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderPolicy {
    /// The clock that its deadlines are measured on.
    pub clock: ClockKind,
    /// The TTL it asks for.
    pub ttl: Span,
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
}

impl HolderPolicy {
    /// The safe defaults for a TTL: the boot clock, renewal every third of the TTL, deadlines from the first
    /// send, and the margin that the declared clock bound demands.
    pub fn new(ttl: Span, clock_rate: Drift) -> Self {
        Self {
            clock: ClockKind::Boot,
            ttl,
            renew: Interval::OfTtl { numerator: 1, denominator: 3 },
            renew_jitter_ppm: 0,
            anchor: Anchor::FirstSend,
            lifetime: Lifetime::Margin(Margin::ForDrift(clock_rate)),
            retry: Backoff::default(),
            poll: Span::from_secs(1),
            give_up: GiveUp::default(),
            lost_contact: LostContact::default(),
            leave: Leave::default(),
            after_waiting: AfterWaiting::default(),
            identity: Identity::default(),
            priority: 0,
            keys: 0,
        }
    }

    /// L: how long it claims after its anchor, on its clock, under a TTL.
    #[must_use]
    pub fn term(&self, ttl: Span) -> Span {
        match self.lifetime {
            Lifetime::Margin(margin) => margin.term(ttl),
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

/// How a resource behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// Which tokens it accepts.
    pub fence: Fence,
    /// What a read does to the mark.
    pub reads: Reads,
    /// Which writes it accepts, as far as tokens allow them.
    pub writes: Writes,
    /// What it does with an operation that comes twice.
    pub duplicates: Duplicates,
    /// What it does with a task whose effect it has applied before.
    pub tasks: TaskEffects,
}

/// Which tokens a resource accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fence {
    /// None older than the newest it has seen, which it keeps on disk. Source: M. Kleppmann, "How to do
    /// distributed locking", 2016.
    #[default]
    HighestToken,
    /// The same, but the mark is forgotten at a restart.
    HighestVolatile,
    /// Any but the one before the last: what differs from the last token is taken for a new holder's.
    LastToken,
    /// Writes with just the token of the last read. For tokens without order.
    Equality,
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

/// Which writes a resource accepts, as far as tokens allow them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// All.
    #[default]
    Any,
    /// Those that are based on the latest version.
    CompareAndSet,
}

/// What a resource does with an operation that comes twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// It is done once, and answered twice.
    #[default]
    Recognised,
    /// It is done twice.
    DoneAgain,
}

/// What a resource does with a task whose effect it has applied before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskEffects {
    /// It answers that it is done.
    #[default]
    Once,
    /// It applies it again.
    EachTime,
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
