//! Lateness in common widens the grace of all.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

use super::part::{Part, Scene, exceeds};
use super::{Beginning, Congestion, Departure};

/// Fewer than this many who are late have nothing in common. Chosen by us.
const IN_COMMON: u32 = 2;

/// When more than a share of all members is late in one window, the network is late, not they: grace widens, first to
/// one step, then by a factor each time. With each window in which fewer are late it narrows by one step.
///
/// A member is late in a window in which it sent a heartbeat too late, or none at all. The first kind is known at once,
/// and widens at once; the second at the end of the window, which must be longer than an interval, so that whoever is
/// well is heard of in each. Grace widens once a window. The rule is ours; multiplicative increase and additive decrease,
/// because too little grace costs all of the leases, too much of it a late end of one.
#[derive(Debug)]
pub(super) struct CommonLateness {
    policy: Congestion,
    heartbeat: Span,
    /// No grace is wider.
    at_most: Span,
    /// The grace of all.
    width: Span,
    /// When the window began, and its number.
    began: Option<Reading>,
    window: u64,
    widened: bool,
    live: u32,
    heard: u32,
    late: u32,
    members: Vec<Standing>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    last: Option<Reading>,
    /// The windows in which it was heard of, and was late, last.
    heard_in: u64,
    late_in: u64,
}

impl CommonLateness {
    pub(super) fn new(policy: Congestion, heartbeat: Span, at_most: Span, members: usize) -> Self {
        Self {
            policy,
            heartbeat,
            at_most,
            width: Span::ZERO,
            began: None,
            window: 1,
            widened: false,
            live: 0,
            heard: 0,
            late: 0,
            members: alloc::vec![Standing::default(); members],
        }
    }

    /// Closes the windows that are over.
    fn roll(&mut self, at: Reading) {
        let Some(began) = self.began else {
            self.began = Some(at);
            return;
        };
        let gone = at.saturating_since(began).as_nanos() / self.policy.window.as_nanos().max(1);
        // After 64 windows alike grace is as wide, or as narrow, as it gets, or nobody watches any more.
        for _ in 0..gone.min(64) {
            let silent = self.live.saturating_sub(self.heard);
            if self.in_common(self.late + silent) {
                self.widen();
            } else {
                self.width = self.width.saturating_sub(self.policy.step);
            }
            (self.widened, self.heard, self.late) = (false, 0, 0);
        }
        self.window += gone;
        self.began = Some(began + self.policy.window.scale(gone, 1));
    }

    fn in_common(&self, late: u32) -> bool {
        late >= IN_COMMON && exceeds(late, self.live, self.policy.share_ppm)
    }

    fn widen(&mut self) {
        if !self.widened {
            self.widened = true;
            let wider = self.width.scale(u64::from(self.policy.factor), 1).max(self.policy.step);
            self.width = wider.min(self.at_most);
        }
    }

    fn hear(&mut self, member: usize, at: Reading) {
        let standing = &mut self.members[member];
        standing.last = Some(at);
        if standing.heard_in != self.window {
            standing.heard_in = self.window;
            self.heard += 1;
        }
    }
}

impl Part for CommonLateness {
    fn began(&mut self, member: usize, at: Reading, _: Beginning) {
        self.roll(at);
        self.live += 1;
        self.hear(member, at);
    }

    fn renewed(&mut self, member: usize, _: u64, at: Reading) {
        self.roll(at);
        let last = self.members[member].last;
        let in_time = self.heartbeat.saturating_add(self.policy.late);
        let is_late = last.is_some_and(|last| at.saturating_since(last) > in_time);
        self.hear(member, at);
        if is_late && self.members[member].late_in != self.window {
            self.members[member].late_in = self.window;
            self.late += 1;
            if self.in_common(self.late) {
                self.widen();
            }
        }
    }

    fn ended(&mut self, member: usize, at: Reading, _: Departure) {
        self.roll(at);
        self.live = self.live.saturating_sub(1);
        let Standing { heard_in, late_in, .. } = self.members[member];
        self.heard -= u32::from(heard_in == self.window);
        self.late -= u32::from(late_in == self.window);
        self.members[member] = Standing::default();
    }

    fn gives(&mut self, _: usize, scene: &Scene<'_>) -> Span {
        self.roll(scene.at);
        self.width
    }
}
