//! Who expired is kept out for longer each time, and only so many at once.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::id::ResourceId;
use leasehold_core::time::Span;

use super::part::{Part, Scene, index};
use super::{Beginning, Departure, Ejection};

/// A member that expired is kept out for `base` times how often it was, at most for `longest`; for each `forget` that it
/// is well one time is forgotten. While a share of all members is out, no further one ends; one may be out in any case.
///
/// Source: Envoy, outlier detection (`base_ejection_time`, `max_ejection_time`, `interval`, `max_ejection_percent`).
#[derive(Debug)]
pub(super) struct Ejections {
    policy: Ejection,
    members: Vec<Standing>,
    /// Those that are out, in no order.
    out: Vec<usize>,
    retry: Option<Span>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    lives: bool,
    /// How often it was ejected, as far as that is not forgotten.
    times: u32,
    out_until: Option<Reading>,
    /// Since when it is well; nothing while it is not there.
    well_since: Option<Reading>,
}

impl Ejections {
    pub(super) fn new(policy: Ejection, members: usize) -> Self {
        Self { policy, members: alloc::vec![Standing::default(); members], out: Vec::new(), retry: None }
    }

    /// The member is gone: forgets what its time here made good for.
    fn settle(&mut self, member: usize, at: Reading) {
        let standing = &mut self.members[member];
        let well = standing.well_since.take().map_or(Span::ZERO, |since| at.saturating_since(since));
        let forgotten = well.as_nanos() / self.policy.forget.as_nanos().max(1);
        standing.times = standing.times.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
    }

    fn eject(&mut self, member: usize, at: Reading) {
        self.settle(member, at);
        let Ejection { base, longest, .. } = self.policy;
        // Times that no longer make a difference are not counted: they would have to be forgotten again.
        let most = u32::try_from(longest.as_nanos().div_ceil(base.as_nanos().max(1))).unwrap_or(u32::MAX);
        let standing = &mut self.members[member];
        standing.times = (standing.times + 1).min(most);
        let out_for = base.scale(u64::from(standing.times), 1).min(longest);
        standing.out_until = Some(at + out_for);
        if !self.out.contains(&member) {
            self.out.push(member);
        }
    }

    fn is_out(&self, member: usize, at: Reading) -> bool {
        self.members[member].out_until.is_some_and(|until| !at.has_reached(until))
    }
}

impl Part for Ejections {
    fn began(&mut self, member: usize, at: Reading, _: Beginning) {
        let standing = &mut self.members[member];
        standing.lives = true;
        let back = standing.out_until.filter(|until| !at.has_reached(*until));
        standing.well_since = Some(back.unwrap_or(at));
    }

    fn ended(&mut self, member: usize, at: Reading, how: Departure) {
        self.members[member].lives = false;
        // Somebody may have ended it without asking.
        if self.members[member].well_since.is_some() {
            match how {
                Departure::Expired => self.eject(member, at),
                Departure::Left | Departure::Revoked => self.settle(member, at),
            }
        }
    }

    fn retain(&mut self, scene: &Scene<'_>, due: &mut Vec<ResourceId>) {
        let members = &self.members;
        self.out
            .retain(|member| members[*member].out_until.is_some_and(|until| !scene.at.has_reached(until)));
        let gone = self.out.iter().filter(|member| !members[**member].lives).count();
        let out = u32::try_from(self.out.len()).expect("members fit into a u32");
        let all = scene.live.saturating_add(u32::try_from(gone).expect("members fit into a u32"));
        let room =
            usize::try_from(self.policy.at_once(all).saturating_sub(out)).expect("a u32 fits into a usize");
        self.retry = None;
        if room < due.len() {
            due.truncate(room);
            let back = self.out.iter().filter_map(|member| members[*member].out_until);
            let first = back.map(|until| until.saturating_since(scene.at)).min();
            self.retry = Some(first.unwrap_or(self.policy.base));
        }
    }

    fn admitted(&mut self, at: Reading, ends: &[ResourceId]) {
        for member in ends.iter().copied().map(index) {
            if self.members[member].well_since.is_some() {
                self.eject(member, at);
            }
        }
    }

    fn retry(&self, _: Reading) -> Option<Span> {
        self.retry
    }

    fn readmission(&mut self, member: usize, at: Reading) -> Option<Reading> {
        self.members[member].out_until.filter(|_| self.is_out(member, at))
    }
}
