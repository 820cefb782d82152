//! The bounds that this protocol promises, from the declared environment and the policies alone.

use leasehold_core::Bounds;
use leasehold_core::time::{Drift, Span};

use crate::policy::{Expiry, GrantorPolicy, HolderPolicy};

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
}

/// The one function that checkers and command line take their bounds from. Source: docs/timing.md, sections 1 to 3.
pub fn bounds(environment: &Assumed, grantor: &GrantorPolicy, holder: &HolderPolicy) -> Bounds {
    let Assumed { clock_rate, delay, commit, contenders } = *environment;
    let sweep = match grantor.expiry {
        Expiry::ExactTimer => Span::ZERO,
        Expiry::Sweep { every, .. } | Expiry::Buckets { width: every } => clock_rate.longest_true(every),
    };
    let longest_ttl = grantor.negotiate(holder.ttl);
    let end_slack = sweep + commit;
    let latest_end = clock_rate.longest_true(longest_ttl) + end_slack;

    // Of those that contend, one is in the core. All others may stand dead in the queue, also whoever held the
    // lease: one that lost its claim, or a new process of a node, queues behind the node's own old lease.
    let dead_waiters = u64::from(contenders.saturating_sub(1));
    let wait = holder.retry.longest(holder.poll.max(holder.retry.cap));
    let asks = clock_rate.longest_true(wait);
    // A renewal still under way, the acquire, the grant, and the round trip that confirms it; twice, because
    // the first grant may answer a duplicate that nobody waits for and that is given back at once.
    let exchange = delay.scale(4, 1) + commit;
    let regrant = delay + latest_end.scale(1 + dead_waiters, 1) + asks + exchange.scale(2, 1);
    Bounds { clock_rate, delay, end_slack, regrant, longest_ttl, lock_delay: grantor.lock_delay }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_add_up() {
        let environment = Assumed {
            clock_rate: Drift::ZERO,
            delay: Span::from_millis(10),
            commit: Span::from_millis(1),
            contenders: 3,
        };
        let holder = HolderPolicy::new(Span::from_secs(10), Drift::ZERO);
        let exact = bounds(&environment, &GrantorPolicy::default(), &holder);
        assert_eq!(exact.end_slack, Span::from_millis(1));
        assert_eq!(exact.latest_end(Span::from_secs(10)), Span::from_millis(10_001));
        // 10 + 3 * 10,001 + 2,400 + 2 * 41
        assert_eq!(exact.regrant, Span::from_millis(32_495));
        let swept = GrantorPolicy {
            expiry: Expiry::Sweep { every: Span::from_millis(500), at_most: None },
            ..GrantorPolicy::default()
        };
        assert_eq!(bounds(&environment, &swept, &holder).end_slack, Span::from_millis(501));
    }
}
