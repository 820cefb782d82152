//! Chen's detector with estimated arrivals (NFD-E).

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

use super::part::{Part, Scene};
use super::samples::Offsets;
use super::{Beginning, Chen};

/// A lease is left alive until the next heartbeat should have come, and a margin more.
///
/// Heartbeat number i comes at `A_i`; the mean of `A_i − i·h` over those that came lately says how long heartbeats are on
/// their way, and so the next should come at `EA = mean(A_i − i·h) + (l+1)·h`, l being the last that came. It is given up
/// at `EA + α`. Source: Chen, Toueg and Aguilera 2002, section 6.3 (NFD-E).
#[derive(Debug)]
pub(super) struct EstimatedArrival {
    policy: Chen,
    heartbeat: Span,
    members: Vec<Arrivals>,
}

#[derive(Clone, Debug)]
struct Arrivals {
    /// The first heartbeat of the lease: when it came, and its number.
    first: Option<(Reading, u64)>,
    /// `A_i − i·h`, counted from the first: for the latest heartbeats, and for the very latest.
    offsets: Offsets,
    latest: i64,
}

impl EstimatedArrival {
    pub(super) fn new(policy: Chen, heartbeat: Span, members: usize) -> Self {
        let arrivals = Arrivals { first: None, offsets: Offsets::new(policy.window), latest: 0 };
        Self { policy, heartbeat, members: alloc::vec![arrivals; members] }
    }

    /// How long after the last heartbeat the next one is given up.
    fn patience(&self, member: usize) -> Span {
        let arrivals = &self.members[member];
        // EA − A_l = h + mean − (A_l − l·h).
        let estimate =
            arrivals.offsets.mean().map_or(0, |mean| i128::from(mean) - i128::from(arrivals.latest));
        let patience = i128::from(self.heartbeat.saturating_add(self.policy.margin).as_nanos()) + estimate;
        Span::from_nanos(u64::try_from(patience.max(0)).unwrap_or(u64::MAX))
    }
}

impl Part for EstimatedArrival {
    fn began(&mut self, member: usize, _: Reading, _: Beginning) {
        let arrivals = &mut self.members[member];
        arrivals.first = None;
        arrivals.offsets.clear();
        arrivals.latest = 0;
    }

    fn renewed(&mut self, member: usize, number: u64, at: Reading) {
        let arrivals = &mut self.members[member];
        let (first, first_number) = *arrivals.first.get_or_insert((at, number));
        let sent_later = i128::from(number) - i128::from(first_number);
        let expected = i128::from(self.heartbeat.as_nanos()) * sent_later;
        let came_later = i128::from(at.as_nanos()) - i128::from(first.as_nanos());
        let offset = (came_later - expected).clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        arrivals.latest = i64::try_from(offset).expect("clamped");
        arrivals.offsets.push(arrivals.latest);
    }

    fn gives(&mut self, member: usize, scene: &Scene<'_>) -> Span {
        self.patience(member).saturating_sub(scene.tenures[member].term)
    }
}
