//! What timed invariants are judged by: bounds in true time.
//!
//! They follow from the scenario's `[bounds]` and the policies alone, never from what a run happened to do. A
//! system computes them once; checkers and command line share the result.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::time::{Drift, Span};

/// The bounds of one scenario. Source of the inequalities: docs/timing.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// ρ: how far any clock's rate may be off.
    pub clock_rate: Drift,
    /// d⁺: the longest a message takes on a healthy link.
    pub delay: Span,
    /// How long after its term, in true time, a lease may still be there: `σ/(1−ρ) + q + c`.
    pub end_slack: Span,
    /// How many restarts in a row may each give a lease more time, until it is renewed; every one if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<u32>,
    /// How long a resource may go unclaimed once all is healed (section 3).
    pub regrant: Span,
    /// The longest term that may be granted, on the grantor's clock.
    pub longest_ttl: Span,
    /// Λ: how long nobody may be granted a resource after its lease expired or was revoked, on the grantor's
    /// clock. Zero if nothing is promised.
    pub lock_delay: Span,
    /// What holds for a registry and the views of it; nothing if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<DiscoveryBounds>,
}

/// The bounds of a registry and the views of it, in true time. Source: docs/timing.md, section 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoveryBounds {
    /// D: the longest that a heartbeat takes until the registry has counted it, its wait there included.
    pub heartbeat_delay: Span,
    /// A: how long after its death an instance is listed by the registry at most: `D + (T+σ+g)/(1−ρ) + q + c`, g what
    /// grace adds.
    pub exclusion: Span,
    /// How long after it asked to be deregistered an instance is listed by the registry at most, if nothing is
    /// lost: `d⁺ + c`.
    pub deregistration: Span,
    /// W, with all caches in between: how long after a change a view with a healthy watch shows it. Nothing if no
    /// view watches.
    pub watch: Option<Span>,
    /// K_w/(1−ρ) + R + W: the same if the watch died silently. Nothing if nobody notices.
    pub dead_watch: Option<Span>,
    /// How long after the last trouble of its links a client that watches has a healthy watch again at most: a dead one
    /// was replaced, or what was not answered was asked again. Nothing if no view watches.
    pub recovery: Option<Span>,
    /// C/(1−ρ), with all caches in between: how long after a change a view may still answer otherwise, whatever
    /// happened to the network. Nothing if views serve without an end.
    pub cache: Option<Span>,
    /// How long after an instance is registered a healthy view shows it at most.
    pub visibility: Span,
    /// How many registrations and heartbeats a second the registry is meant for.
    pub load: Option<u32>,
    /// How many leases may end of themselves in one window.
    pub mass: Option<MassCap>,
    /// How long an instance whose work stands still may keep its lease: `Z`, and what it takes to end it.
    pub progress: Option<Span>,
    /// What heartbeats must withstand.
    pub envelope: Envelope,
}

/// The faults that no lease of a live instance may end by (I12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// k: so many heartbeats of one member are lost in a row at most.
    pub lost_in_a_row: u32,
    /// So many probes of one instance, or answers to them, are lost in a row at most.
    #[serde(default)]
    pub probes_lost_in_a_row: u32,
    /// One more than that take so long at most, from the first that is lost until it is told what came of the last.
    #[serde(default)]
    pub probes_within: Span,
    /// G: a process stands still for so long at most.
    pub pause: Span,
    /// How many false expiries are allowed nevertheless.
    pub budget: u32,
}

/// A cap on the leases that end of themselves within one window (I18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MassCap {
    /// How long the window is, in true time.
    pub window: Span,
    /// The greatest share of the live leases, in parts per million.
    pub share_ppm: u32,
    /// So many may end in any case.
    pub at_least: u32,
}

impl Bounds {
    /// A lease with this term may end no earlier than this after its last renewal (I4): `T/(1+ρ)`.
    pub fn earliest_end(&self, ttl: Span) -> Span {
        self.clock_rate.shortest_true(ttl)
    }

    /// A lease with this term must have ended this long after its last renewal (I5):
    /// `(T + σ)/(1−ρ) + q + c`.
    pub fn latest_end(&self, ttl: Span) -> Span {
        self.clock_rate.longest_true(ttl) + self.end_slack
    }

    /// How long after an assumption is restored what happened meanwhile can still matter: terms and claims that
    /// began before live at most so long.
    pub fn aftermath(&self) -> Span {
        self.latest_end(self.longest_ttl) + self.delay + self.delay
    }
}

/// How the bounds of a scenario come about, term by term: what `leasehold bound` shows. The same function that
/// gives the [`Bounds`] gives this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reckoning {
    /// What was compared or added up, in the order in which to tell it.
    pub inequalities: Vec<Inequality>,
    /// What somebody who relies on this design should know.
    pub warnings: Vec<Warning>,
}

/// One inequality `left ≤ right`, or one sum if there is nothing to compare it with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inequality {
    /// What it is about, in a few words: `exclusivity of claims`.
    pub name: &'static str,
    /// The inequality in symbols, those of docs/timing.md.
    pub formula: Cow<'static, str>,
    /// What must be no more than the right side.
    pub left: Sum,
    /// Nothing if the sum itself is the bound.
    pub right: Option<Sum>,
    /// What follows from it, a sentence each.
    pub notes: Vec<String>,
}

impl Inequality {
    /// How much is left, in nanoseconds: negative if the inequality is false.
    pub fn margin(&self) -> Option<i128> {
        let right = self.right.as_ref()?;
        Some(i128::from(right.total.as_nanos()) - i128::from(self.left.total.as_nanos()))
    }
}

/// A length and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// What it is: `how long a claim may last`.
    pub what: &'static str,
    /// Its parts. They add up to `total`.
    pub terms: Vec<Term>,
    /// The length, in true time unless `what` says otherwise.
    pub total: Span,
}

impl Sum {
    /// The sum of these terms.
    pub fn of(what: &'static str, terms: Vec<Term>) -> Self {
        let total = terms.iter().fold(Span::ZERO, |sum, term| sum.saturating_add(term.value));
        Self { what, terms, total }
    }
}

/// A part of a sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Term {
    /// Its symbol in docs/timing.md, with its factor: `T/(1−ρ)`.
    pub symbol: &'static str,
    /// What it is, with the scenario's numbers: `the TTL of 10s on a slow clock`.
    pub what: String,
    /// Its length.
    pub value: Span,
}

/// Something that somebody who relies on a design should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What is so.
    pub text: String,
    /// The least change that would mend it, if there is one.
    pub help: Option<String>,
}
