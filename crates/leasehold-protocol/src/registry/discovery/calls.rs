//! Calls to instances, dealt out over those that a view lists.

use alloc::collections::{BTreeMap, VecDeque};

use leasehold_core::clock::{ClockKind, Reading};
use leasehold_core::event::{DiscoveryEvent, NodeEvent};
use leasehold_core::id::InstanceId;
use leasehold_core::node::Context;

use super::super::RegistryProtocol;
use super::super::list::{Key, Row};
use super::super::message::RegistryMessage;
use super::super::policy::{Balance, CallPolicy};
use super::super::view::{Seen, View};
use super::timer::Timer;

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// After so many timeouts a failure is forgotten, so that who has recovered is called again. Chosen by us.
const FORGOTTEN_AFTER: u64 = 10;

/// Calls instances.
#[derive(Debug)]
pub(super) struct Calls {
    policy: CallPolicy,
    clock: ClockKind,
    last: u64,
    /// Those that are not answered yet, the oldest first.
    waiting: VecDeque<Waiting>,
    /// Who was called last.
    turn: Key,
    /// When who failed last.
    failed: BTreeMap<Key, Reading>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    number: u64,
    key: Key,
    /// When it has failed.
    until: Reading,
}

impl Calls {
    pub(super) fn new(policy: CallPolicy, clock: ClockKind) -> Self {
        Self {
            policy,
            clock,
            last: 0,
            waiting: VecDeque::new(),
            turn: Key::default(),
            failed: BTreeMap::new(),
        }
    }

    /// Calls of this process are numbered after all those of earlier ones. Clients that began together do not call
    /// together.
    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.last = u64::from(ctx.incarnation().0) << 32;
        super::at_some_phase(ctx, Timer::Call, self.policy.every, self.clock);
    }

    /// Calls whose turn it is, if there is anybody, and does so again later.
    pub(super) fn call(&mut self, ctx: &mut Ctx<'_>, view: Option<&View>) {
        let now = ctx.read(self.clock);
        ctx.arm(Timer::Call, now + self.policy.every);
        let Some(callee) = view.and_then(|view| self.choose(view, now)) else { return };
        self.last += 1;
        let (number, instance, to) = (self.last, callee.instance, callee.node);
        self.turn = callee.key();
        tell(ctx, DiscoveryEvent::CallSent { instance, epoch: callee.epoch, to, number });
        ctx.send(to, RegistryMessage::Call { number, instance });
        let until = now + self.policy.timeout;
        if self.waiting.is_empty() {
            ctx.arm(Timer::CallTimeout, until);
        }
        self.waiting.push_back(Waiting { number, key: callee.key(), until });
    }

    fn choose(&mut self, view: &View, now: Reading) -> Option<Seen> {
        let next = view.routed_after(self.turn).next().copied();
        if self.policy.balance == Balance::RoundRobin || self.failed.is_empty() {
            return next;
        }
        let memory = self.policy.timeout.scale(FORGOTTEN_AFTER, 1);
        self.failed.retain(|key, at| view.lists(*key) && !now.has_reached(*at + memory));
        let failed = |row: &&Seen| self.failed.get(&row.key()).map(|at| at.as_nanos());
        view.routed_after(self.turn).min_by_key(failed).copied()
    }

    /// A call was answered: in time, or nobody waits for it any more.
    pub(super) fn done(&mut self, ctx: &mut Ctx<'_>, number: u64, instance: InstanceId) {
        let at = self.waiting.binary_search_by_key(&number, |waiting| waiting.number);
        if let Ok(at) = at
            && self.waiting[at].key.0 == instance
        {
            self.waiting.remove(at);
            tell(ctx, DiscoveryEvent::CallAnswered { instance, number });
        }
    }

    /// Calls that are not answered by now have failed.
    pub(super) fn timer(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.read(self.clock);
        while let Some(Waiting { number, key, until }) = self.waiting.front().copied() {
            if !now.has_reached(until) {
                return ctx.arm(Timer::CallTimeout, until);
            }
            self.waiting.pop_front();
            self.failed(key, now);
            tell(ctx, DiscoveryEvent::CallFailed { instance: key.0, number });
        }
    }

    /// A call to this one failed. Whoever deals out by turns has no use for that; the other forgets, with each call,
    /// those that its view lists no more.
    fn failed(&mut self, key: Key, at: Reading) {
        if self.policy.balance == Balance::LeastRecentlyFailed {
            self.failed.insert(key, at);
        }
    }
}

fn tell(ctx: &mut Ctx<'_>, event: DiscoveryEvent) {
    ctx.emit(NodeEvent::Discovery(event));
}

#[cfg(test)]
mod tests {
    use leasehold_core::id::Epoch;
    use leasehold_core::time::Span;

    use super::*;

    /// Each new registration of an instance has a key of its own.
    #[test]
    fn failures_are_kept_only_by_who_goes_by_them() {
        for (balance, kept) in [(Balance::RoundRobin, 0), (Balance::LeastRecentlyFailed, 50)] {
            let policy = CallPolicy { every: Span::from_secs(1), timeout: Span::from_secs(1), balance };
            let mut calls = Calls::new(policy, ClockKind::Boot);
            for epoch in 0..50 {
                calls.failed((InstanceId(1), Epoch(epoch)), Reading::new(ClockKind::Boot, 0));
            }
            assert_eq!(calls.failed.len(), kept, "{balance:?}");
        }
    }
}
