//! What timed invariants are judged by: bounds in true time.
//!
//! They follow from the scenario's `[bounds]` and the policies alone, never from what a run happened to do. A
//! system computes them once; checkers and command line share the result.

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
