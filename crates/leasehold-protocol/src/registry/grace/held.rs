//! Ends that a guard withholds, and for how long.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::time::Span;

/// Whose ends are withheld. Members are in groups; a group is held since the first of those was that are held now.
#[derive(Debug)]
pub(super) struct Held {
    /// The group of each member.
    group: Vec<usize>,
    is_held: Vec<bool>,
    groups: Vec<Group>,
    count: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    count: u32,
    since: Option<Reading>,
}

impl Held {
    pub(super) fn new(group: Vec<usize>) -> Self {
        let groups = group.iter().max().map_or(0, |highest| highest + 1);
        let members = group.len();
        Self {
            group,
            is_held: alloc::vec![false; members],
            groups: alloc::vec![Group::default(); groups],
            count: 0,
        }
    }

    /// The group of a member.
    pub(super) fn group_of(&self, member: usize) -> usize {
        self.group[member]
    }

    /// How many are held.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn hold(&mut self, member: usize, at: Reading) {
        if !core::mem::replace(&mut self.is_held[member], true) {
            let group = &mut self.groups[self.group[member]];
            group.count += 1;
            group.since.get_or_insert(at);
            self.count += 1;
        }
    }

    /// A member is held no more: it ended, or it was heard of.
    pub(super) fn free(&mut self, member: usize) {
        if core::mem::take(&mut self.is_held[member]) {
            let group = &mut self.groups[self.group[member]];
            group.count -= 1;
            self.count -= 1;
            if group.count == 0 {
                group.since = None;
            }
        }
    }

    /// How much longer this group may be held; nothing if that is over. Without a limit it may be for ever.
    pub(super) fn rest(&self, group: usize, limit: Option<Span>, at: Reading) -> Option<Span> {
        let held = self.groups[group].since.map_or(Span::ZERO, |since| at.saturating_since(since));
        let rest = limit.map_or(Span::MAX, |limit| limit.saturating_sub(held));
        (!rest.is_zero()).then_some(rest)
    }
}
