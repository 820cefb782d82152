//! From a death to the end of what was registered: heartbeat delay, term, grace, sweep, queueing, commit.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::time::Span;
use leasehold_core::{Sum, Term};

use super::queue::Queue;
use super::{Assumed, Policies, latest_interval};
use crate::bounds::term;
use crate::policy::{Expiry, Restart};
use crate::registry::policy::{ComesBack, Liveness};

/// What the sums between a member and the registry's list are made of.
pub(super) struct Chain<'a> {
    assumed: &'a Assumed,
    policies: &'a Policies<'a>,
    queue: Queue<'a>,
    ttl: Span,
}

impl<'a> Chain<'a> {
    pub(super) fn new(assumed: &'a Assumed, policies: &'a Policies<'a>, ttl: Span) -> Self {
        Self { assumed, policies, queue: Queue::new(assumed, policies, ttl), ttl }
    }

    /// A length on a clock, in true time.
    fn true_time(&self, local: Span) -> Span {
        self.assumed.clock_rate.longest_true(local)
    }

    /// D: until a heartbeat that was sent has been counted, if it is not lost.
    pub(super) fn heartbeat_delay(&self) -> Sum {
        let mut terms = vec![term("d⁺", self.assumed.delay, "a heartbeat under way")];
        terms.extend(self.queue.urgent());
        if self.policies.registry.writes_renewals() {
            terms.push(term("c", self.assumed.commit, "until it is on the disk"));
        }
        Sum::of("from the send of a heartbeat until it is counted", terms)
    }

    /// `(T+g)/(1−ρ)`, sweep, queueing, guards, restart, commit. The first term is that of the lease.
    fn end(&self) -> Vec<Term> {
        let registry = self.policies.registry;
        let what = format!("the term of {}, on a slow clock", self.ttl);
        let mut terms = vec![term("T/(1−ρ)", self.true_time(self.ttl), what)];
        let grace = registry.grace.longest();
        if !grace.is_zero() {
            let what = format!("the longest grace beyond the term, {grace}");
            terms.push(term("g/(1−ρ)", self.true_time(grace), what));
        }
        terms.extend(self.noticed());
        if let Some(needed) = self.queueing() {
            terms.push(match self.policies.budget.queueing {
                Some(declared) => {
                    term("q", declared, "it waits its turn behind others for so long: declared")
                }
                None => needed,
            });
        }
        if let Some(withheld) = self.withheld() {
            let what = format!("guards withhold an end for {withheld} at most, up to the try that ends it");
            terms.push(term("w/(1−ρ)", self.true_time(withheld), what));
        }
        terms.extend(self.restarted());
        terms.push(term("c", self.assumed.commit, "until the end is on the disk"));
        terms
    }

    /// q, as it is when all leases end at once: what a sweep does not end waits for the next.
    pub(super) fn queueing(&self) -> Option<Term> {
        let Expiry::Sweep { every, at_most: Some(at_most) } = self.policies.registry.expiry else {
            return None;
        };
        let (leases, at_most) = (self.assumed.members, at_most.max(1));
        let waits = u64::from(leases.div_ceil(at_most).saturating_sub(1));
        let what = format!("{leases} leases end at once, and a sweep ends {at_most}");
        Some(term("q", self.true_time(every).scale(waits, 1), what))
    }

    /// σ: until it is noticed that a term is over.
    fn noticed(&self) -> Option<Term> {
        match self.policies.registry.expiry {
            Expiry::ExactTimer => None,
            Expiry::Sweep { every, .. } => {
                let what = format!("until the next sweep, one every {every}");
                Some(term("σ/(1−ρ)", self.true_time(every), what))
            }
            Expiry::Buckets { width } => {
                let what = format!("until its bucket of {width} is over");
                Some(term("σ/(1−ρ)", self.true_time(width), what))
            }
        }
    }

    /// How long guards withhold an end, each wait up to the try that ends it. One without a limit promises nothing, and
    /// is left out: whoever relies on the bound loses it.
    fn withheld(&self) -> Option<Span> {
        let withheld = self.policies.registry.longest_withheld(self.assumed.members);
        withheld.filter(|withheld| !withheld.is_zero())
    }

    pub(super) fn latest_end(&self) -> Sum {
        Sum::of("how long a registration may live", self.end())
    }

    /// The last heartbeat, or a registration that was under way and is put on the disk first.
    fn last_message(&self) -> Vec<Term> {
        let heartbeat = self.heartbeat_delay();
        let registration = Sum::of("", self.registration());
        match registration.total > heartbeat.total {
            true => registration.terms,
            false => heartbeat.terms,
        }
    }

    fn registration(&self) -> Vec<Term> {
        let mut terms = vec![term("d⁺", self.assumed.delay, "the last heartbeat or registration, under way")];
        terms.extend(self.queue.other());
        terms.push(term(
            "c",
            self.assumed.commit,
            "until a registration is on the disk: its term begins then",
        ));
        terms
    }

    /// A: until the registry lists a dead instance no more, or as one that is not routed to. Of one whose sidecar goes
    /// on beside its dead application that is not promised: see [`progress`](Self::progress).
    pub(super) fn exclusion(&self) -> Sum {
        let with = |rest: Vec<Term>| {
            let mut terms = self.last_message();
            terms.extend(rest);
            Sum::of("from a death until the registry routes nobody there", terms)
        };
        let ended = with(self.end());
        let sooner = self.suspected().into_iter().map(with).min_by_key(|suspected| suspected.total);
        sooner.filter(|suspected| suspected.total < ended.total).unwrap_or(ended)
    }

    /// Until a member is suspect, if that comes before its end: no guard withholds it. By whichever way.
    fn suspected(&self) -> Vec<Vec<Term>> {
        let registry = self.policies.registry;
        let grace = &registry.grace;
        let mut ways = Vec::new();
        if grace.second_stage.is_some() {
            let staged = self.ttl.saturating_add(grace.longest_listed());
            let what = format!("suspect after {staged}");
            let mut terms = vec![term("(T+g)/(1−ρ)", self.true_time(staged), what)];
            terms.extend(self.restarted());
            ways.push(terms);
        }
        let missed = registry.heartbeat.scale(u64::from(registry.suspect_after), 1);
        // Of one that is probed, the probes decide, in a time that no bound is made of.
        if registry.liveness != Liveness::Pull && missed < self.ttl.saturating_add(grace.longest()) {
            let count = registry.suspect_after;
            let what = format!("suspect after {count} missed heartbeats, {missed}, on a slow clock");
            ways.push(vec![term("k·h/(1−ρ)", self.true_time(missed), what)]);
        }
        for terms in &mut ways {
            terms.extend(self.noticed());
            terms.push(term("c", self.assumed.commit, "until that is on the disk"));
        }
        ways
    }

    /// e: what a restart of the registry gives beyond a term.
    fn restarted(&self) -> Option<Term> {
        let Restart::Extra(extra) = self.policies.registry.restart else { return None };
        let what = format!("a restart of the registry adds {extra}");
        Some(term("e/(1−ρ)", self.true_time(extra), what))
    }

    /// `d⁺ + c`, if nothing is lost.
    pub(super) fn deregistration(&self) -> Sum {
        let mut terms = vec![term("d⁺", self.assumed.delay, "the request")];
        terms.extend(self.queue.other());
        terms.push(term("c", self.assumed.commit, "until it is on the disk"));
        Sum::of("from the request until the registry lists the instance no more", terms)
    }

    /// `Z/(1−ρ)`, and what it takes to end the lease.
    pub(super) fn progress(&self) -> Sum {
        let mut terms = Vec::new();
        let standstill = self.policies.member.work.progress;
        let what = match self.assumed.sidecars {
            0 => format!("work may stand still for {standstill} before heartbeats stop"),
            _ => {
                terms.push(term("d⁺", self.assumed.delay, "the last progress, under way to its sidecar"));
                format!("the sidecar goes on for {standstill} without hearing of progress")
            }
        };
        terms.push(term("Z/(1−ρ)", self.true_time(standstill), what));
        terms.extend(self.last_message());
        terms.extend(self.end());
        Sum::of("from a standstill until the lease is over", terms)
    }

    /// How long a healthy instance may go unregistered: it learns of it, waits, and registers.
    pub(super) fn regrant(&self) -> Sum {
        let Policies { registry, member, .. } = *self.policies;
        let Assumed { delay, commit, .. } = *self.assumed;
        let mut terms = vec![term("d⁺", delay, "what is still under way")];
        if self.assumed.sidecars > 0 {
            let told = member.work.progress.scale(1, 4).max(member.work.task);
            let what = format!("until a sidecar is told of progress, every {told} at the latest");
            terms.push(term("max(Z/4, task)/(1−ρ)", self.true_time(told), what));
            terms.push(term("d⁺", delay, "on its way to the sidecar"));
        }
        match registry.liveness {
            Liveness::Push | Liveness::Hybrid => {
                let latest = latest_interval(self.policies, self.ttl);
                let what = format!("until its next heartbeat, one every {latest}");
                terms.push(term("h/(1−ρ)", self.true_time(latest), what));
                terms.push(term("2d⁺", delay.scale(2, 1), "that heartbeat, and that its lease is over"));
                terms.extend(self.queue.urgent());
            }
            Liveness::Pull => {
                let what = "until it takes itself to be registered no more: the term that it was told";
                terms.push(term("T/(1−ρ)", self.true_time(self.ttl), what));
            }
        }
        if let ComesBack::Paced(within) = member.comes_back {
            let what = format!("it waits for up to {within}, so that not all come at once");
            terms.push(term("B/(1−ρ)", self.true_time(within), what));
        }
        let kept_out = registry.grace.longest_kept_out();
        if !kept_out.is_zero() {
            let what = format!("whoever came and went too often is kept out for {kept_out} at most");
            terms.push(term("f/(1−ρ)", self.true_time(kept_out), what));
        }
        let wait = member.retry.longest(member.retry.cap);
        let what = format!("until it asks again, every {wait} at the latest; twice");
        terms.push(term("2·(1+j)·P/(1−ρ)", self.true_time(wait).scale(2, 1), what));
        terms.extend(self.queue.other());
        terms.push(term(
            "2d⁺+2c",
            delay.scale(2, 1) + commit.scale(2, 1),
            "request and answer, with the end of what was there",
        ));
        Sum::of("how long a healthy instance may go unregistered", terms)
    }
}
