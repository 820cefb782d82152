//! Lifeguard: a suspicion that runs out sooner the more observers confirm it.

use leasehold_core::time::Span;

use super::Lifeguard;
use super::part::{Part, Scene};

/// The worst health of the registry itself (memberlist: eight levels).
const WORST: u32 = 7;

/// When the term of a member is over, the registry waits for its own timeout, and then suspects the member for
/// `max − (max − min)·ln(n+1)/ln(k+1)`, n being how many observers miss it too, k how many are asked for their word,
/// `min = multiplier · max(1, log10 N) · interval` and `max = longest · min`.
///
/// The timeout is multiplied by one more than the registry's score: 0 while it is in good health, up to 7 while it is late
/// itself. Here it loses a point with each look at its leases that comes later than the timeout, and gains one with each
/// that comes in time.
///
/// Source: Dadgar, Phillips and Currey 2018; memberlist (`suspicion.go`, `awareness.go`): k is the multiplier less two,
/// or nobody where there are fewer observers.
#[derive(Debug)]
pub(super) struct Suspicion {
    policy: Lifeguard,
    observers: u32,
    score: u32,
}

impl Suspicion {
    pub(super) fn new(policy: Lifeguard, observers: usize) -> Self {
        Self { policy, observers: u32::try_from(observers).unwrap_or(u32::MAX), score: 0 }
    }

    /// k: how many observers are asked for their word.
    fn asked(&self) -> u32 {
        let wanted = self.policy.multiplier.saturating_sub(2);
        if self.observers < wanted { 0 } else { wanted }
    }

    /// The shortest suspicion among so many members.
    fn shortest(&self, members: u32) -> Span {
        let powers = libm::log10(f64::from(members.max(1))).max(1.0);
        // Thousandths are what memberlist keeps of it too.
        let thousandths = libm::floor(powers * 1_000.0) as u64;
        self.policy.interval.scale(u64::from(self.policy.multiplier) * thousandths, 1_000)
    }

    /// How long somebody among so many members is suspected whom so many observers miss.
    fn lasts(&self, members: u32, confirmed: u32) -> Span {
        let shortest = self.shortest(members);
        let asked = self.asked();
        if asked == 0 || confirmed >= asked {
            return shortest;
        }
        let longest = shortest.scale(u64::from(self.policy.longest.max(1)), 1);
        let share = libm::log(f64::from(confirmed) + 1.0) / libm::log(f64::from(asked) + 1.0);
        let saved =
            longest.saturating_sub(shortest).scale(libm::floor(share * 1_000_000.0) as u64, 1_000_000);
        longest.saturating_sub(saved)
    }
}

impl Part for Suspicion {
    fn swept(&mut self, late: Span) {
        self.score = match late > self.policy.timeout {
            true => (self.score + 1).min(WORST),
            false => self.score.saturating_sub(1),
        };
    }

    fn gives(&mut self, member: usize, scene: &Scene<'_>) -> Span {
        let waits = self.policy.timeout.scale(u64::from(self.score) + 1, 1);
        waits.saturating_add(self.lasts(scene.live, scene.missed_by(member, Span::MAX)))
    }
}
