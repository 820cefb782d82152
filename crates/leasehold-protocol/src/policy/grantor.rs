//! How grantors behave.

use leasehold_core::clock::{ClockKind, Reading};
use leasehold_core::time::Span;

/// How a grantor behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantorPolicy {
    /// The clock that terms are measured on.
    pub clock: ClockKind,
    /// What the term of a lease is counted from.
    pub terms_from: TermsFrom,
    /// How it reckons with terms.
    pub term_arithmetic: TermArithmetic,
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
    /// How many restarts in a row may each give a lease more time before its holder renews it. That is a promise, and
    /// nothing keeps count: every restart may if it is not given.
    pub extensions: Option<u32>,
    /// When a renewal is answered.
    pub renewals: Renewals,
    /// What becomes of a renewal that comes when its lease has ended.
    pub renewal_of_ended: RenewalOfEnded,
    /// What a renewal must name.
    pub renewal_check: RenewalCheck,
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
    /// What it answers from who asks who holds a resource.
    pub queries: Queries,
    /// How old such a copy gets, on its clock.
    pub copy_lifetime: Span,
}

impl Default for GrantorPolicy {
    /// The safe choice of each. The boot clock, terms from 100 ms to a day, an exact timer.
    fn default() -> Self {
        Self {
            clock: ClockKind::Boot,
            terms_from: TermsFrom::default(),
            term_arithmetic: TermArithmetic::default(),
            ttl_min: Span::from_millis(100),
            ttl_max: Span::from_secs(86_400),
            ttl_multiplier: 1,
            expiry: Expiry::ExactTimer,
            tokens: Tokens::default(),
            restart: Restart::default(),
            extensions: None,
            renewals: Renewals::default(),
            renewal_of_ended: RenewalOfEnded::default(),
            renewal_check: RenewalCheck::default(),
            release_check: ReleaseCheck::default(),
            lock_delay: Span::ZERO,
            lock_delay_kept: LockDelayKept::default(),
            queue: Queue::default(),
            same_owner: SameOwner::default(),
            preemption: Preemption::default(),
            revocation: RevocationStyle::default(),
            keys: KeysEnd::default(),
            ending: Ending::default(),
            queries: Queries::default(),
            copy_lifetime: Span::from_secs(5),
        }
    }
}

impl GrantorPolicy {
    /// The TTL that a contender gets when it asks for `asked`.
    #[must_use]
    pub fn negotiate(&self, asked: Span) -> Span {
        asked.clamp(self.ttl_min, self.ttl_max)
    }

    /// Whether a renewal is answered only once it is on the disk. A restart that goes by what is there needs that.
    #[must_use]
    pub fn writes_renewals(&self) -> bool {
        self.renewals != Renewals::AtOnce || self.restart == Restart::Remaining
    }

    /// The term that goes with a TTL, on the grantor's own clock.
    #[must_use]
    pub fn term(&self, ttl: Span) -> Span {
        ttl.scale(u64::from(self.ttl_multiplier), 1)
    }

    /// When a term is over that began at `from`, as it reckons.
    #[must_use]
    pub fn deadline(&self, from: Reading, term: Span) -> Reading {
        self.term_arithmetic.sum(from, term)
    }
}

/// What the term of a lease is counted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TermsFrom {
    /// The grantor's own reading when the term begins: no other clock matters.
    #[default]
    OwnTimer,
    /// The time that the holder's wall clock showed when it wrote its request, as the timestamps in the records of
    /// ShedLock and of Kubernetes leader election before it took to timers of its own. Compared with the grantor's
    /// wall clock, so terms have to be measured on that one.
    WritersStamp,
}

/// How a grantor reckons with terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TermArithmetic {
    /// In nanoseconds, and what does not fit stays at the end of time.
    #[default]
    Exact,
    /// In whole seconds, cut, and zero of them stands for ever: what is left of a term is then too little to end.
    /// Source: CVE-2021-32923 (Vault).
    WholeSecondsZeroIsForEver,
    /// In milliseconds of 32 bits: what is longer than 49 days wraps round. Source: TTLs that overflow, as in
    /// etcd#9374.
    WrappingMilliseconds,
}

impl TermArithmetic {
    /// The end of a term that began at `from`.
    fn sum(self, from: Reading, term: Span) -> Reading {
        match self {
            Self::Exact => from + term,
            Self::WholeSecondsZeroIsForEver => match term.as_nanos() / 1_000_000_000 {
                0 => Reading::new(from.clock(), i64::MAX),
                seconds => from + Span::from_secs(seconds),
            },
            Self::WrappingMilliseconds => {
                let wrapped = (term.as_nanos() / 1_000_000) & u64::from(u32::MAX);
                from + Span::from_millis(wrapped)
            }
        }
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

/// What a renewal must name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenewalCheck {
    /// The lease and its token.
    #[default]
    LeaseAndToken,
    /// Nothing, but it must come from the holder: an old renewal keeps the holder's new lease.
    HolderName,
    /// Nothing but the resource: whoever had it once keeps whoever has it now.
    Nothing,
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

/// What a grantor answers from when somebody asks who holds a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Queries {
    /// Its table: a linearizable read, the default of etcd.
    #[default]
    FromTable,
    /// A copy of what it answered before, for as long as that lives: as a serializable read of etcd, a stale one of
    /// Consul, or a read at a follower of ZooKeeper. It may show a holder whose lease has ended.
    FromCopy,
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
