//! The decisions that real systems take differently. Defaults are the safe ones.

mod grantor;
mod holder;
mod resource;
mod work;

pub use grantor::*;
pub use holder::*;
pub use resource::*;
pub use work::*;

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::time::{Drift, Span};

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
