//! What timed invariants are judged by: bounds in true time.
//!
//! They follow from the scenario's `[bounds]` and the policies alone, never from what a run happened to do. A
//! system computes them once; checkers and command line share the result.

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
    /// How long a resource may go unclaimed once all is healed (section 3).
    pub regrant: Span,
    /// The longest term that may be granted, on the grantor's clock.
    pub longest_ttl: Span,
    /// Λ: how long nobody may be granted a resource after its lease expired or was revoked, on the grantor's
    /// clock. Zero if nothing is promised.
    pub lock_delay: Span,
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
    /// The inequality in symbols, as in docs/timing.md.
    pub formula: &'static str,
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
