//! How old a view is, and whether that is too old.

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

use super::super::policy::{CacheGuard, DiscoveryPolicy, ViewOrder};

/// How old a view is.
#[derive(Clone, Copy, Debug)]
pub(in crate::registry) struct Cache {
    lifetime: Option<Span>,
    guard: CacheGuard,
    order: ViewOrder,
    /// When the view was the registry's list for sure.
    validated: Option<Reading>,
    /// Whether its keeper has marked it as too old.
    is_marked: bool,
    /// Whether it was reported to be too old.
    is_reported: bool,
    /// Whether its keeper does nothing.
    pub(super) is_frozen: bool,
}

/// What a cache is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Standing {
    /// There is nothing in it.
    Empty,
    /// It may be answered from.
    Young,
    /// Its lifetime is over.
    TooOld,
}

impl Cache {
    pub(super) fn new(policy: &DiscoveryPolicy) -> Self {
        Self {
            lifetime: policy.cache,
            guard: policy.guard,
            order: policy.order,
            validated: None,
            is_marked: false,
            is_reported: false,
            is_frozen: false,
        }
    }

    /// When the view was the registry's list for sure.
    pub(in crate::registry) fn validated(&self) -> Option<Reading> {
        self.validated
    }

    /// The view was the registry's list at this time, or a later list than that was. Tells whether it is younger than
    /// it was known to be.
    pub(super) fn validate(&mut self, at: Reading, went_back: bool, now: Reading) -> bool {
        let known = self.validated.filter(|_| !(went_back && self.order == ViewOrder::AsHeard));
        if known.is_some_and(|known| known.has_reached(at)) {
            return false;
        }
        self.validated = Some(at);
        let is_young = !self.is_over(now);
        if is_young {
            (self.is_marked, self.is_reported) = (false, false);
        }
        is_young
    }

    /// Whether its lifetime is over, by the clock. Half-open: at its end it is over.
    fn is_over(&self, now: Reading) -> bool {
        self.ends().is_some_and(|end| now.has_reached(end))
    }

    /// When its lifetime ends.
    pub(super) fn ends(&self) -> Option<Reading> {
        Some(self.validated? + self.lifetime?)
    }

    /// The time has come at which its keeper looks whether it is too old. Tells when to look again.
    pub(super) fn mark(&mut self, now: Reading) -> Option<Reading> {
        if self.is_frozen {
            return None;
        }
        self.is_marked = self.is_over(now);
        self.ends().filter(|_| !self.is_marked)
    }

    pub(in crate::registry) fn standing(&self, now: Reading) -> Standing {
        if self.validated.is_none() {
            return Standing::Empty;
        }
        let is_old = match self.guard {
            CacheGuard::AtEachLookup => self.is_over(now),
            CacheGuard::ByTimer => self.is_marked,
        };
        if is_old { Standing::TooOld } else { Standing::Young }
    }

    /// How long ago the view was the registry's list for sure.
    pub(in crate::registry) fn age(&self, now: Reading) -> Span {
        self.validated.map_or(Span::ZERO, |validated| now.saturating_since(validated))
    }

    /// Whether it is to be reported that it is too old: once each time.
    pub(super) fn reports(&mut self) -> bool {
        !core::mem::replace(&mut self.is_reported, true)
    }
}
