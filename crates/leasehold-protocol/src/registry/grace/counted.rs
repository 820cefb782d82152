//! Detectors that count: a fixed time, missed heartbeats, rise and fall.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

use super::part::{Part, Scene};
use super::{Beginning, Departure, RiseAndFall};

/// A lease is left alive for so long beyond its term.
///
/// Source: Consul gives as long as the TTL, Nomad 10 s, Kubernetes 40 s to a node, and 50 s since 1.32.
#[derive(Debug)]
pub(super) struct Fixed(pub(super) Span);

impl Part for Fixed {
    fn gives(&mut self, _: usize, _: &Scene<'_>) -> Span {
        self.0
    }
}

/// A lease is left alive until so many heartbeats are missing: counted from the last one, `k · h`.
#[derive(Debug)]
pub(super) struct Missed {
    /// k.
    pub(super) beats: u32,
    /// h.
    pub(super) heartbeat: Span,
}

impl Part for Missed {
    fn gives(&mut self, member: usize, scene: &Scene<'_>) -> Span {
        let patience = self.heartbeat.scale(u64::from(self.beats), 1);
        patience.saturating_sub(scene.tenures[member].term)
    }
}

/// Down after `fall` intervals in a row without a heartbeat; up again after `rise` heartbeats in a row.
///
/// A member that is down registers anew as soon as it can; it is not listed before that many of its heartbeats came, an
/// interval apart.
///
/// Source: health checks of HAProxy (`inter`, `fall`, `rise`). There a check is made in each interval; here the interval
/// is that of the heartbeats.
#[derive(Debug)]
pub(super) struct RisesAndFalls {
    policy: RiseAndFall,
    heartbeat: Span,
    members: Vec<Standing>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    is_down: bool,
    /// How many heartbeats came in a row since the lease began, and when the last sign of life was.
    good: u32,
    last: Option<Reading>,
}

impl RisesAndFalls {
    pub(super) fn new(policy: RiseAndFall, heartbeat: Span, members: usize) -> Self {
        Self { policy, heartbeat, members: alloc::vec![Standing::default(); members] }
    }
}

impl Part for RisesAndFalls {
    fn began(&mut self, member: usize, at: Reading, _: Beginning) {
        let standing = &mut self.members[member];
        (standing.good, standing.last) = (0, Some(at));
    }

    fn renewed(&mut self, member: usize, _: u64, at: Reading) {
        let standing = &mut self.members[member];
        let gap = standing.last.replace(at).map_or(Span::ZERO, |last| at.saturating_since(last));
        // An interval is missed when the heartbeat comes nearer to the end of the next.
        let is_in_a_row = gap < self.heartbeat.scale(3, 2);
        standing.good = if is_in_a_row { standing.good.saturating_add(1) } else { 1 };
        standing.is_down &= standing.good < self.policy.rise;
    }

    fn ended(&mut self, member: usize, _: Reading, how: Departure) {
        let standing = &mut self.members[member];
        standing.is_down = how.is_involuntary() || (standing.is_down && how == Departure::Left);
    }

    fn gives(&mut self, member: usize, scene: &Scene<'_>) -> Span {
        let patience = self.heartbeat.scale(u64::from(self.policy.fall), 1);
        patience.saturating_sub(scene.tenures[member].term)
    }

    fn readmission(&mut self, member: usize, at: Reading) -> Option<Reading> {
        let standing = self.members[member];
        let missing = u64::from(self.policy.rise.saturating_sub(standing.good).max(1));
        // Half an interval more: who is asked just before the last of them comes waits for one more in vain.
        standing.is_down.then(|| at + self.heartbeat.scale(2 * missing + 1, 2))
    }
}
