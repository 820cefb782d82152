//! The bounds that this protocol promises, from the declared environment and the policies alone.
//!
//! Every bound is the total of a sum of named terms, and the same sums are told by [`promise`]: what checkers judge
//! by and what a person reads cannot differ.

pub(crate) mod reckoning;
#[cfg(test)]
mod tests;
pub(crate) mod warnings;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::time::{Drift, Span};
use leasehold_core::{Bounds, Reckoning, Sum, Term};

use crate::policy::{
    Expiry, GrantorPolicy, HolderPolicy, Queue, ResourcePolicy, Restart, SameOwner, WorkKind, WorkPolicy,
};

/// What is assumed of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// ρ: how far any clock's rate may be off.
    pub clock_rate: Drift,
    /// d⁺: the longest a message takes on a healthy link.
    pub delay: Span,
    /// c: the longest the grantor's disk takes.
    pub commit: Span,
    /// How many contend for one resource.
    pub contenders: u32,
    /// How many resources there are, and so leases that can be overdue at once.
    pub resources: u32,
    /// How many messages the network loses by itself, in parts per million.
    pub loss_ppm: u32,
}

/// All policies of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// The grantor's.
    pub grantor: GrantorPolicy,
    /// The holders'.
    pub holder: HolderPolicy,
    /// What holders do.
    pub work: WorkPolicy,
    /// The resources'.
    pub resource: ResourcePolicy,
}

/// What a design promises, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// What timed invariants are judged by.
    pub bounds: Bounds,
    /// How that comes about.
    pub reckoning: Reckoning,
}

/// The bounds, with the sums that they are the totals of. Source: docs/timing.md, sections 1 to 4.
pub fn promise(environment: &Assumed, policies: &Policies) -> Promise {
    let sums = Sums::new(environment, policies);
    Promise { bounds: sums.bounds(), reckoning: reckoning::reckon(&sums, policies) }
}

/// The bounds alone.
pub fn bounds(environment: &Assumed, policies: &Policies) -> Bounds {
    Sums::new(environment, policies).bounds()
}

/// All that bounds are made of.
struct Sums<'a> {
    environment: &'a Assumed,
    grantor: &'a GrantorPolicy,
    holder: &'a HolderPolicy,
    /// T: the TTL that holders get.
    ttl: Span,
    /// (1+j)·P: the longest that somebody waits before it asks again.
    wait: Span,
    /// How long a lease may live after its last renewal. The first term is that of the lease, m·T.
    latest_end: Sum,
    /// The same, unless the grantor restarts.
    undisturbed_end: Span,
    /// How long a resource may go unclaimed once all is healed; or without an update, where nobody claims.
    regrant: Sum,
}

impl<'a> Sums<'a> {
    fn new(environment: &'a Assumed, policies: &'a Policies) -> Self {
        let Policies { grantor, holder, work, .. } = policies;
        let ttl = grantor.negotiate(holder.ttl);
        let extra = match grantor.restart {
            Restart::Extra(extra) => environment.clock_rate.longest_true(extra),
            Restart::FullTerm | Restart::Remaining => Span::ZERO,
        };
        let latest_end = Sum::of("how long a lease may live", latest_end(environment, grantor, ttl, extra));
        let undisturbed_end = latest_end.total.saturating_sub(extra);
        let wait = longest_wait(holder, work);
        let regrant = match work.kind {
            WorkKind::Optimistic => {
                let terms = next_update(environment, holder, work);
                Sum::of("how long a resource may go without an update", terms)
            }
            _ => {
                let terms = regrant(environment, grantor, wait, latest_end.total, undisturbed_end);
                Sum::of("how long a resource may go unclaimed", terms)
            }
        };
        Self { environment, grantor, holder, ttl, wait, latest_end, undisturbed_end, regrant }
    }

    fn bounds(&self) -> Bounds {
        let Assumed { clock_rate, delay, .. } = *self.environment;
        let term = self.latest_end.terms.first().map_or(Span::ZERO, |term| term.value);
        Bounds {
            clock_rate,
            delay,
            end_slack: self.latest_end.total.saturating_sub(term),
            extensions: self.grantor.extensions,
            regrant: self.regrant.total,
            longest_ttl: self.grantor.term(self.ttl),
            lock_delay: self.grantor.lock_delay,
            discovery: None,
        }
    }
}

pub(crate) fn term(symbol: &'static str, value: Span, what: impl Into<String>) -> Term {
    Term { symbol, value, what: what.into() }
}

/// `(m·T+σ+e)/(1−ρ) + q + c`: e is what a restart adds. The first term is that of the lease.
fn latest_end(environment: &Assumed, grantor: &GrantorPolicy, ttl: Span, extra: Span) -> Vec<Term> {
    let rho = environment.clock_rate;
    let (symbol, what) = match grantor.ttl_multiplier {
        1 => ("T/(1−ρ)", format!("the TTL of {ttl}, on a slow clock")),
        m => ("m·T/(1−ρ)", format!("the grantor lets {m} TTLs of {ttl} go by, on a slow clock")),
    };
    let mut terms = vec![term(symbol, rho.longest_true(grantor.term(ttl)), what)];
    match grantor.expiry {
        Expiry::ExactTimer => {}
        Expiry::Sweep { every, at_most } => {
            let sweep = rho.longest_true(every);
            terms.push(term("σ/(1−ρ)", sweep, format!("until the next sweep, one every {every}")));
            if let Some(at_most) = at_most {
                let (leases, at_most) = (environment.resources, at_most.max(1));
                let waits = u64::from(leases.div_ceil(at_most).saturating_sub(1));
                let what = format!("{leases} leases end at once, and a sweep ends {at_most}");
                terms.push(term("q", sweep.scale(waits, 1), what));
            }
        }
        Expiry::Buckets { width } => {
            let what = format!("until its bucket of {width} is over");
            terms.push(term("σ/(1−ρ)", rho.longest_true(width), what));
        }
    }
    if let Restart::Extra(length) = grantor.restart {
        terms.push(term("e/(1−ρ)", extra, format!("a restart of the grantor adds {length}")));
    }
    terms.push(term("c", environment.commit, "until the end is on the disk"));
    terms
}

/// Section 3 of docs/timing.md, term by term.
fn regrant(
    environment: &Assumed,
    grantor: &GrantorPolicy,
    wait: Span,
    latest_end: Span,
    undisturbed_end: Span,
) -> Vec<Term> {
    let Assumed { clock_rate: rho, delay, commit, .. } = *environment;
    let dead = dead_waiters(environment, grantor);
    let mut terms = vec![
        term("d⁺", delay, "a renewal of the last holder that is still under way"),
        term("(m·T+σ)/(1−ρ)+q+c", latest_end, "the lease that runs, until its end is on the disk"),
    ];
    if dead > 0 {
        let what = format!("{dead} dead contenders that stand ahead in the queue, a term each");
        terms.push(term("w·((m·T+σ)/(1−ρ)+q+c)", undisturbed_end.scale(dead, 1), what));
    }
    // An end is on the disk before the next grant is decided, and a term begins when its grant is on the disk.
    let what = "each grant that follows an end is put on the disk too";
    terms.push(term("(1+w)·c", commit.scale(1 + dead, 1), what));
    if !grantor.lock_delay.is_zero() {
        let what = format!("after each of these ends, a lock-delay of {}", grantor.lock_delay);
        let lock_delay = rho.longest_true(grantor.lock_delay);
        terms.push(term("(1+w)·Λ/(1−ρ)", lock_delay.scale(1 + dead, 1), what));
        // Whoever was refused asks anew, and if meanwhile a copy of its last request was granted, revokes that.
        if (grantor.queue, grantor.same_owner) == (Queue::None, SameOwner::Revokes) {
            let what = "once more, if the first grant answers a duplicate and its owner has that revoked";
            terms.push(term("Λ/(1−ρ)", lock_delay, what));
        }
    }
    let asks = rho.longest_true(wait);
    match grantor.queue {
        Queue::Fifo => {
            let what =
                format!("until somebody who is not in the queue asks again, every {wait} at the latest");
            terms.push(term("(1+j)·P/(1−ρ)", asks, what));
        }
        // Who is refused asks again, also when the first grant was given back.
        Queue::None => {
            let what = format!("until somebody asks again, every {wait} at the latest; twice");
            terms.push(term("2·(1+j)·P/(1−ρ)", asks.scale(2, 1), what));
        }
    }
    // The acquire, the grant, and the round trip that confirms it; twice, because the first grant may answer a
    // duplicate that nobody waits for and that is given back at once.
    let confirmation = round_trip(environment, grantor);
    let exchange = delay.scale(2, 1) + commit + confirmation.length;
    let symbol = match confirmation.waits_for_disk {
        false => "2·(4d⁺+c)",
        true => "2·(4d⁺+2c)",
    };
    let what = "question, grant and confirmation; twice, for the first may answer a duplicate";
    terms.push(term(symbol, exchange.scale(2, 1), what));
    terms
}

/// Of those that have read the latest version, the first whose write arrives is accepted. So it takes no longer than one
/// of them needs to read the latest and write: if that is refused, somebody else's was accepted meanwhile.
fn next_update(environment: &Assumed, holder: &HolderPolicy, work: &WorkPolicy) -> Vec<Term> {
    let Assumed { clock_rate: rho, delay, commit, .. } = *environment;
    let (repeated, back_off) = (rho.longest_true(work.retry), holder.retry.longest(holder.retry.cap));
    let exchange = delay.scale(2, 1) + commit;
    let what = format!("until the last operation is repeated, every {}", work.retry);
    let rests = format!("after a refusal at most {back_off}, after an update {}", work.every);
    vec![
        term("r/(1−ρ)", repeated, what),
        term("2d⁺+c", exchange, "its answer; it may be refused for a write before the healing"),
        term("max(P·(1+j), e)/(1−ρ)", rho.longest_true(back_off.max(work.every)), rests),
        term("2d⁺+c", exchange, "the next read"),
        term("θ/(1−ρ)", rho.longest_true(work.think), "it thinks"),
        term("d⁺+c", delay + commit, "its write, or the one that it was refused for, is on the disk"),
    ]
}

/// How long a renewal may be under way until its answer has come, in true time.
struct RoundTrip {
    length: Span,
    /// Whether it is answered once it is on the disk.
    waits_for_disk: bool,
}

fn round_trip(environment: &Assumed, grantor: &GrantorPolicy) -> RoundTrip {
    let waits_for_disk = grantor.writes_renewals();
    let commit = if waits_for_disk { environment.commit } else { Span::ZERO };
    RoundTrip { length: environment.delay.scale(2, 1).saturating_add(commit), waits_for_disk }
}

/// w. Of those that contend, one is in the core. All others may stand dead in the queue, also whoever held the
/// lease: one that lost its claim, or a new process of a node, queues behind the node's own old lease.
fn dead_waiters(environment: &Assumed, grantor: &GrantorPolicy) -> u64 {
    match grantor.queue {
        Queue::Fifo => u64::from(environment.contenders.saturating_sub(1)),
        Queue::None => 0,
    }
}

/// (1+j)·P. Whoever holds a lease for one cycle of work only asks for the next when that has gone by, and whoever lets it
/// run out when it needs it.
fn longest_wait(holder: &HolderPolicy, work: &WorkPolicy) -> Span {
    let asks = holder.retry.longest(holder.poll.max(holder.retry.cap));
    match work.kind.is_once_a_lease() || work.kind.lets_lapse() {
        true => asks.max(work.longest_rest()),
        false => asks,
    }
}
