//! How long a lease was promised to live.
//!
//! Each term is a promise: the lease expires no sooner than a clock within its bound can get through it. A later
//! and shorter term takes nothing of it back. A renewal is promised when it is decided, since its answer may be
//! on its way; but one that was never acknowledged dies with the grantor's process, for nobody has heard of it.

use leasehold_core::{Bounds, SimInstant, Span};

/// When something was told, and since when it may have been so: a stop can fall between a decision and its
/// report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) told_at: SimInstant,
    pub(crate) decided_since: SimInstant,
}

/// The term that promises most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    /// When it began.
    pub(crate) began: When,
    /// Its length, on the grantor's clock.
    pub(crate) ttl: Span,
    /// The lease expires no sooner, if the term began when it was told.
    pub(crate) until: SimInstant,
    /// The lease expires no sooner, however long before it was told any term may have begun.
    pub(crate) certain: SimInstant,
}

impl Promise {
    fn of_term(began: When, ttl: Span, bounds: &Bounds) -> Self {
        let length = bounds.earliest_end(ttl);
        let until = began.told_at.saturating_add(length);
        Self { began, ttl, until, certain: began.decided_since.saturating_add(length) }
    }

    /// Both together: what the longer one promises.
    fn and(self, other: Self) -> Self {
        let longer = if other.until >= self.until { other } else { self };
        Self { certain: self.certain.max(other.certain), ..longer }
    }
}

/// What a lease was promised by all of its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promises {
    given: Promise,
    /// What somebody has heard of.
    heard: Promise,
    /// The oldest renewal that is not acknowledged, and how many there are.
    unheard: Option<(Promise, u32)>,
}

impl Promises {
    /// By a term that somebody has heard of, or will if he asks again: it is on the disk.
    pub(crate) fn of_grant(began: When, ttl: Span, bounds: &Bounds) -> Self {
        let promise = Promise::of_term(began, ttl, bounds);
        Self { given: promise, heard: promise, unheard: None }
    }

    /// What holds now.
    pub(crate) const fn given(&self) -> &Promise {
        &self.given
    }

    /// By one term more.
    pub(crate) fn renew(&mut self, began: When, ttl: Span, bounds: &Bounds) {
        let promise = Promise::of_term(began, ttl, bounds);
        self.given = self.given.and(promise);
        self.unheard = match self.unheard {
            Some((oldest, count)) => Some((oldest, count.saturating_add(1))),
            None => Some((promise, 1)),
        };
    }

    /// A renewal is acknowledged. Which is not said; answers go out in the order of the renewals, so it is one no
    /// older than the oldest.
    pub(crate) fn acknowledge(&mut self) {
        self.unheard = match self.unheard {
            Some((oldest, count)) if count > 1 => {
                self.heard = self.heard.and(oldest);
                Some((oldest, count - 1))
            }
            Some(_) | None => {
                self.heard = self.given;
                None
            }
        };
    }

    /// The grantor lost its memory and begins a term anew.
    pub(crate) fn recover(&mut self, began: When, ttl: Span, bounds: &Bounds) {
        let promise = self.heard.and(Promise::of_term(began, ttl, bounds));
        *self = Self { given: promise, heard: promise, unheard: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{bounds, s};

    fn at(second: u64) -> When {
        When { told_at: s(second), decided_since: s(second) }
    }

    /// 5 s last 4 s at least, 10 s last 8 s, 15 s last 12 s.
    const fn ttl(seconds: u64) -> Span {
        Span::from_secs(seconds)
    }

    #[test]
    fn a_shorter_term_takes_nothing_back() {
        let mut promises = Promises::of_grant(at(1), ttl(15), &bounds());
        promises.renew(at(4), ttl(5), &bounds());
        assert_eq!((promises.given().until, promises.given().began), (s(13), at(1)));
        promises.renew(at(9), ttl(5), &bounds());
        assert_eq!((promises.given().until, promises.given().began), (s(13), at(9)), "the later of equals");
        promises.renew(at(10), ttl(5), &bounds());
        assert_eq!(promises.given().until, s(14));
    }

    #[test]
    fn a_restart_keeps_what_was_acknowledged() {
        let recovered = |acknowledgements: u32| {
            let mut promises = Promises::of_grant(at(1), ttl(15), &bounds());
            promises.renew(at(5), ttl(15), &bounds());
            promises.renew(at(6), ttl(15), &bounds());
            promises.renew(at(7), ttl(15), &bounds());
            (0..acknowledgements).for_each(|_| promises.acknowledge());
            assert_eq!(promises.given().until, s(19));
            promises.recover(at(8), ttl(5), &bounds());
            promises.given().until
        };
        assert_eq!(recovered(0), s(13), "the grant");
        assert_eq!(recovered(1), s(17), "the first");
        assert_eq!(recovered(2), s(17), "the second, but nobody can say so");
        assert_eq!(recovered(3), s(19), "all");
    }

    #[test]
    fn a_recovery_is_a_promise_itself() {
        let mut promises = Promises::of_grant(at(1), ttl(15), &bounds());
        promises.recover(at(8), ttl(10), &bounds());
        assert_eq!(promises.given().until, s(16));
        promises.recover(at(9), ttl(5), &bounds());
        assert_eq!(promises.given().until, s(16), "the next restart does not take it back");
    }

    #[test]
    fn what_is_certain_may_come_of_another_term() {
        let mut promises = Promises::of_grant(at(1), ttl(15), &bounds());
        promises.renew(When { told_at: s(11), decided_since: s(3) }, ttl(5), &bounds());
        assert_eq!((promises.given().until, promises.given().certain), (s(15), s(13)));
    }
}
