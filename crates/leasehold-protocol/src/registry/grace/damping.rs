//! Flap damping: who comes and goes too often is kept out for a while.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

use super::part::Part;
use super::{Damping, Departure};

/// Each involuntary end costs a penalty, which decays with a half-life. A member whose penalty is above one limit is kept
/// out until it is down at another. No penalty is so high that this takes longer than `longest` after the last flap.
///
/// Source: RFC 2439, section 4.2 to 4.5 (figure of merit, cutoff and reuse threshold, maximum hold time and the ceiling
/// that follows from it). An end that the member asked for is no flap here.
#[derive(Debug)]
pub(super) struct FlapDamping {
    policy: Damping,
    ceiling: f64,
    members: Vec<Merit>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Merit {
    /// The penalty, and when it was so high.
    penalty: f64,
    at: Option<Reading>,
    /// Until when the member is kept out.
    reuse_at: Option<Reading>,
}

impl Damping {
    /// `reuse · 2^(longest/half-life)`: what decays to the reuse limit within the longest time. No penalty is higher.
    pub fn ceiling(&self) -> f64 {
        let half_lives = self.longest.as_secs_f64() / self.half_life.as_secs_f64();
        f64::from(self.reuse) * libm::exp2(half_lives)
    }

    /// Whether anybody can ever be kept out.
    pub fn reaches_its_limit(&self) -> bool {
        self.ceiling() > f64::from(self.suppress)
    }
}

impl FlapDamping {
    pub(super) fn new(policy: Damping, members: usize) -> Self {
        Self { policy, ceiling: policy.ceiling(), members: alloc::vec![Merit::default(); members] }
    }

    /// What is left of a member's penalty.
    fn penalty(&self, member: usize, at: Reading) -> f64 {
        let merit = &self.members[member];
        let gone = merit.at.map_or(Span::ZERO, |since| at.saturating_since(since));
        merit.penalty * libm::exp2(-(gone.as_secs_f64() / self.policy.half_life.as_secs_f64()))
    }

    /// How long a penalty takes to decay to the reuse limit.
    fn decay(&self, penalty: f64) -> Span {
        let half_lives = libm::log2(penalty / f64::from(self.policy.reuse)).max(0.0);
        let nanos = libm::ceil(half_lives * self.policy.half_life.as_nanos() as f64);
        Span::from_nanos(nanos as u64).min(self.policy.longest)
    }
}

impl Part for FlapDamping {
    fn ended(&mut self, member: usize, at: Reading, how: Departure) {
        if !how.is_involuntary() {
            return;
        }
        let penalty = (self.penalty(member, at) + f64::from(self.policy.penalty)).min(self.ceiling);
        let is_out = self.members[member].reuse_at.is_some_and(|until| !at.has_reached(until));
        let goes_out = is_out || penalty > f64::from(self.policy.suppress);
        let reuse_at = goes_out.then(|| at + self.decay(penalty));
        self.members[member] = Merit { penalty, at: Some(at), reuse_at };
    }

    fn readmission(&mut self, member: usize, at: Reading) -> Option<Reading> {
        self.members[member].reuse_at.filter(|until| !at.has_reached(*until))
    }
}
