//! A guard against mass expiry that goes by how many heartbeats come.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::id::ResourceId;
use leasehold_core::time::Span;

use super::held::Held;
use super::part::{Part, Scene, index, share_of};
use super::policy::MILLION;
use super::{Beginning, Counted, Departure, Expected, RateGuard};

/// No end is admitted while not more than a share of the expected heartbeats came in the last full window, and in one
/// pass never more than a share of all members ends.
///
/// Source: Eureka (`PeerAwareInstanceRegistryImpl.isLeaseExpirationEnabled`, `AbstractInstanceRegistry.evict`,
/// `MeasuredRate`). Ours are: counting over a sliding window (a term is shorter than two of Eureka's minutes), the limit, the fewest members, passes of fixed length whatever the sweep, and the share of a
/// pass being that of the most members since ends were withheld (Eureka's is that of those that are left, so that many
/// members take ever more passes).
#[derive(Debug)]
pub(super) struct HeartbeatRate {
    policy: RateGuard,
    heartbeat: Span,
    pass: Span,
    /// When the window began in which heartbeats are counted, how many came in it, and in the one before.
    window: Option<Reading>,
    counted: u64,
    last: u64,
    /// How many members are expected to send heartbeats, and which.
    expected: u32,
    is_expected: Vec<bool>,
    /// When the pass began, and how many ended in it.
    pass_began: Option<Reading>,
    ended: u32,
    /// The most members since ends were withheld.
    most: u32,
    held: Held,
    retry: Option<Span>,
}

impl HeartbeatRate {
    pub(super) fn new(policy: RateGuard, heartbeat: Span, pass: Span, members: usize) -> Self {
        Self {
            policy,
            heartbeat,
            pass,
            window: None,
            counted: 0,
            last: 0,
            expected: 0,
            is_expected: alloc::vec![false; members],
            pass_began: None,
            ended: 0,
            most: 0,
            held: Held::new(alloc::vec![0; members]),
            retry: None,
        }
    }

    fn roll(&mut self, at: Reading) {
        let window = *self.window.get_or_insert(at);
        match at.saturating_since(window).as_nanos() / self.policy.window.as_nanos().max(1) {
            0 => {}
            gone => {
                self.last = if gone == 1 { self.counted } else { 0 };
                self.counted = 0;
                self.window = Some(window + self.policy.window.scale(gone, 1));
            }
        }
    }

    /// How many heartbeats came in a window.
    fn came(&self, at: Reading) -> u64 {
        match self.policy.counted {
            Counted::FullWindow => self.last,
            Counted::Sliding => {
                let gone = self.window.map_or(Span::ZERO, |began| at.saturating_since(began));
                let rest = self.policy.window.saturating_sub(gone);
                let window = u128::from(self.policy.window.as_nanos().max(1));
                let before = u128::from(self.last) * u128::from(rest.as_nanos()) / window;
                self.counted + u64::try_from(before).expect("no more than came in the window before")
            }
        }
    }

    /// Whether too few heartbeats came: `heartbeats ≤ threshold · expected · window/h`.
    fn too_few(&self, at: Reading) -> bool {
        let came = u128::from(self.came(at)) * u128::from(self.heartbeat.as_nanos()) * u128::from(MILLION);
        let expected = u128::from(self.expected) * u128::from(self.policy.window.as_nanos());
        came <= expected * u128::from(self.policy.threshold_ppm)
    }

    fn expect(&mut self, member: usize, expected: bool) {
        let was = core::mem::replace(&mut self.is_expected[member], expected);
        self.expected = self.expected + u32::from(expected) - u32::from(was);
    }

    /// How many more may end in this pass, and how long it still takes.
    fn left(&self, at: Reading) -> (u32, Span) {
        let most = share_of(self.most, self.policy.pass_share_ppm).max(1);
        let gone = self.pass_began.map_or(Span::MAX, |began| at.saturating_since(began));
        match self.pass.saturating_sub(gone) {
            Span::ZERO => (most, self.pass),
            rest => (most.saturating_sub(self.ended), rest),
        }
    }
}

impl Part for HeartbeatRate {
    fn began(&mut self, member: usize, at: Reading, _: Beginning) {
        self.roll(at);
        self.held.free(member);
        self.expect(member, true);
    }

    fn renewed(&mut self, member: usize, _: u64, at: Reading) {
        self.roll(at);
        self.counted += 1;
        self.held.free(member);
    }

    fn ended(&mut self, member: usize, _: Reading, how: Departure) {
        self.held.free(member);
        if how != Departure::Expired || self.policy.expected == Expected::FollowsEnds {
            self.expect(member, false);
        }
    }

    fn retain(&mut self, scene: &Scene<'_>, due: &mut Vec<ResourceId>) {
        self.roll(scene.at);
        self.retry = None;
        self.most = if self.held.count() == 0 { scene.live } else { self.most.max(scene.live) };
        if scene.live < self.policy.least_members {
            return;
        }
        let rest = self.held.rest(0, self.policy.limit, scene.at);
        let (admitted, retry) = match rest {
            Some(rest) if self.too_few(scene.at) => (0, rest.min(self.pass)),
            _ => self.left(scene.at),
        };
        let admitted = usize::try_from(admitted).expect("a u32 fits into a usize");
        if admitted < due.len() {
            due[admitted..].iter().for_each(|member| self.held.hold(index(*member), scene.at));
            due.truncate(admitted);
            self.retry = Some(retry);
        }
    }

    fn admitted(&mut self, at: Reading, ends: &[ResourceId]) {
        if self.pass_began.is_none_or(|began| at.saturating_since(began) >= self.pass) {
            (self.pass_began, self.ended) = (Some(at), 0);
        }
        self.ended += u32::try_from(ends.len()).expect("members fit into a u32");
    }

    fn retry(&self, _: Reading) -> Option<Span> {
        self.retry
    }
}
