//! A guard that asks several observers.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::id::ResourceId;
use leasehold_core::time::Span;

use super::held::Held;
use super::part::{Part, Scene, index};
use super::{Beginning, Departure, Quorum};

/// A lease ends only if `q` of the observers missed its member too, since its last heartbeat, and not too long ago.
///
/// Source: Redis Sentinel, where a master that one sentinel takes to be down is down when a quorum of them does; SWIM (Das,
/// Gupta and Motivala 2002) asks three others before it suspects. The limit is ours.
#[derive(Debug)]
pub(super) struct ObserverQuorum {
    policy: Quorum,
    pass: Span,
    held: Held,
    retry: Option<Span>,
}

impl ObserverQuorum {
    pub(super) fn new(policy: Quorum, pass: Span, members: usize) -> Self {
        Self { policy, pass, held: Held::new((0..members).collect()), retry: None }
    }
}

impl Part for ObserverQuorum {
    fn began(&mut self, member: usize, _: Reading, _: Beginning) {
        self.held.free(member);
    }

    fn renewed(&mut self, member: usize, _: u64, _: Reading) {
        self.held.free(member);
    }

    fn ended(&mut self, member: usize, _: Reading, _: Departure) {
        self.held.free(member);
    }

    fn retain(&mut self, scene: &Scene<'_>, due: &mut Vec<ResourceId>) {
        self.retry = None;
        due.retain(|member| {
            let member = index(*member);
            if scene.missed_by(member, self.policy.fresh) >= self.policy.observers {
                return true;
            }
            let Some(rest) = self.held.rest(member, self.policy.limit, scene.at) else { return true };
            self.held.hold(member, scene.at);
            let again = rest.min(self.pass);
            self.retry = Some(self.retry.map_or(again, |retry| retry.min(again)));
            false
        });
    }

    fn retry(&self, _: Reading) -> Option<Span> {
        self.retry
    }
}
