//! The bounds that a registry and the views of it promise, from the declared environment and the policies alone.
//!
//! Every bound is the total of a sum of named terms, and the same sums are told by [`promise`]: what checkers judge
//! by and what a person reads cannot differ. Source of the inequalities: docs/timing.md.
//!
//! A promise is that of the safe design. Where a policy is unsafe, the bound is what its neighbour would keep to, so
//! that a run shows what is lost; the reckoning says so in a warning.

mod chain;
mod queue;
mod reckoning;
#[cfg(test)]
mod tests;
mod views;
mod warnings;

use leasehold_core::time::{Drift, Span};
use leasehold_core::{Bounds, DiscoveryBounds, Envelope, MassCap, Sum, Term};

use super::policy::{
    DiscoveryPolicy, FollowerPolicy, Liveness, MemberPolicy, RegistryPolicy, Sender, Unanswered,
};
use crate::Promise;

/// What is assumed of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// ρ: how far any clock's rate may be off.
    pub clock_rate: Drift,
    /// d⁺: the longest a message takes on a healthy link.
    pub delay: Span,
    /// d⁻: the shortest it takes.
    pub least_delay: Span,
    /// c: the longest the registry's disk takes.
    pub commit: Span,
    /// N: how many members there are, and so leases.
    pub members: u32,
    /// How many of them have a sidecar.
    pub sidecars: u32,
    /// How many followers there are.
    pub followers: u32,
    /// How many discovery clients there are.
    pub clients: u32,
    /// How many messages the network loses by itself, in parts per million.
    pub loss_ppm: u32,
}

/// What a design is meant to withstand, and what it may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// How many heartbeats and registrations may reach the registry in a second.
    pub load: Option<u32>,
    /// k: so many heartbeats of a member may be lost in a row; as many as the term allows if nothing is said.
    pub lost_in_a_row: Option<u32>,
    /// G: how long a member may stand still.
    pub pause: Span,
    /// How many leases of live members may expire nevertheless.
    pub false_expiries: u32,
    /// How many leases may end of themselves in one window.
    pub mass: Option<MassCap>,
    /// q: so long the end of a lease waits its turn behind others, at most; as long as it takes for all of them if
    /// nothing is said.
    pub queueing: Option<Span>,
    /// How long after a change of the registry's list a view may answer otherwise; as long as caches allow together if nothing
    /// is said.
    pub view_age: Option<Span>,
}

/// All policies of a design.
#[derive(Clone, Copy, Debug)]
pub struct Policies<'a> {
    /// The registry's.
    pub registry: &'a RegistryPolicy,
    /// The members'.
    pub member: &'a MemberPolicy,
    /// What sidecars go by, where there are some.
    pub sidecar: Sender,
    /// The followers', where there are some.
    pub follower: &'a FollowerPolicy,
    /// The discovery clients'.
    pub discovery: &'a DiscoveryPolicy,
    /// What all of this is meant for.
    pub budget: Budget,
}

/// The bounds, with the sums that they are the totals of.
pub fn promise(assumed: &Assumed, policies: &Policies<'_>) -> Promise {
    let sums = Sums::new(assumed, policies);
    Promise { bounds: sums.bounds(), reckoning: reckoning::reckon(&sums) }
}

/// All that bounds are made of.
struct Sums<'a> {
    assumed: &'a Assumed,
    policies: &'a Policies<'a>,
    /// T: the longest term that a member gets.
    ttl: Span,
    /// The shortest.
    least_ttl: Span,
    /// h: how often something is heard of a live member, under the longest term.
    interval: Span,
    /// D.
    heartbeat_delay: Sum,
    /// q, if all leases end at once; nothing if a sweep ends as many as there are.
    queueing: Option<Term>,
    /// How long a lease may live after its last renewal. The first term is that of the lease.
    latest_end: Sum,
    /// A.
    exclusion: Sum,
    /// From its request on.
    deregistration: Sum,
    /// W and so on, for clients.
    views: views::Views,
    /// Until an instance whose work stands still has lost its lease.
    progress: Sum,
    /// How long a healthy instance may go unregistered once all is healed.
    regrant: Sum,
    /// What heartbeats must withstand.
    envelope: Envelope,
}

impl<'a> Sums<'a> {
    fn new(assumed: &'a Assumed, policies: &'a Policies<'a>) -> Self {
        let Policies { registry, member, budget, .. } = *policies;
        let ttl = registry.negotiate(registry.grace.longest_term(member.ttl, assumed.members));
        let least_ttl = registry.negotiate(match registry.grace.rate_scaled {
            Some(_) => registry.grace.longest_term(member.ttl, 1).scale(1, 2),
            None => member.ttl,
        });
        let interval = interval(policies, ttl);
        let chain = chain::Chain::new(assumed, policies, ttl);
        let heartbeat_delay = chain.heartbeat_delay();
        let lost_in_a_row = budget.lost_in_a_row.unwrap_or_else(|| {
            reckoning::withstood(assumed, policies, least_ttl, heartbeat_delay.total, budget.pause)
        });
        let probes_lost = lost_in_a_row.min(PROBES_LOST);
        Self {
            assumed,
            policies,
            ttl,
            least_ttl,
            interval,
            queueing: chain.queueing(),
            latest_end: chain.latest_end(),
            exclusion: chain.exclusion(),
            deregistration: chain.deregistration(),
            views: views::Views::new(assumed, policies, ttl),
            progress: chain.progress(),
            regrant: chain.regrant(),
            envelope: Envelope {
                lost_in_a_row,
                probes_lost_in_a_row: probes_lost,
                probes_within: probes_within(assumed, policies, probes_lost),
                pause: budget.pause,
                budget: budget.false_expiries,
            },
            heartbeat_delay,
        }
    }

    fn bounds(&self) -> Bounds {
        let term = self.latest_end.terms.first().map_or(Span::ZERO, |term| term.value);
        Bounds {
            clock_rate: self.assumed.clock_rate,
            delay: self.assumed.delay,
            end_slack: self.latest_end.total.saturating_sub(term),
            extensions: None,
            regrant: self.regrant.total,
            longest_ttl: self.ttl,
            lock_delay: Span::ZERO,
            discovery: Some(self.discovery()),
        }
    }

    fn discovery(&self) -> DiscoveryBounds {
        let total = |sum: &Option<Sum>| sum.as_ref().map(|sum| sum.total);
        DiscoveryBounds {
            heartbeat_delay: self.heartbeat_delay.total,
            exclusion: self.exclusion.total,
            deregistration: self.deregistration.total,
            watch: total(&self.views.watch),
            dead_watch: total(&self.views.dead_watch),
            recovery: self.views.recovery,
            cache: total(&self.views.cache),
            visibility: self.views.visibility.total,
            load: self.policies.budget.load,
            mass: self.policies.budget.mass,
            progress: Some(self.progress.total),
            envelope: self.envelope,
        }
    }
}

/// So many lost probes in a row must not take an able instance out, if as many heartbeats may be lost: one less than the three of
/// HAProxy (`fall`). Not what the policy says: that fewer are enough for it is what a design can have wrong.
const PROBES_LOST: u32 = 2;

/// How long one more probe than may be lost takes, from its send until it is on the disk what came of the last; no time if
/// nobody is probed.
fn probes_within(assumed: &Assumed, policies: &Policies<'_>, lost: u32) -> Span {
    if policies.registry.liveness == Liveness::Push {
        return Span::ZERO;
    }
    let rounds = policies.registry.probe.every.scale(u64::from(lost) + 1, 1);
    assumed.clock_rate.longest_true(rounds).saturating_add(assumed.commit)
}

/// How long after one that left something leaves of a live member at the latest, if no answer is lost but one: more than
/// the interval where it looks only now and then whether it is time, or waits for a connection to be given up.
fn latest_interval(policies: &Policies<'_>, ttl: Span) -> Span {
    let (every, member) = (interval(policies, ttl), policies.member);
    if policies.registry.liveness == Liveness::Pull {
        return every;
    }
    let every = match member.unanswered {
        Unanswered::Blocks => every.max(member.dead_peer),
        Unanswered::Waits | Unanswered::Retries | Unanswered::GivesUp => every,
    };
    every.saturating_add(member.looks_every.unwrap_or(Span::ZERO))
}

/// h: how often something is heard of a live member.
fn interval(policies: &Policies<'_>, ttl: Span) -> Span {
    match policies.registry.liveness {
        Liveness::Push | Liveness::Hybrid => policies.member.heartbeat.of(ttl),
        Liveness::Pull => policies.registry.probe.every,
    }
}
