//! What a holder does while it holds: check the lease, read, think, check again, write.

use leasehold_core::clock::ClockKind;
use leasehold_core::event::NodeEvent;
use leasehold_core::id::{NodeId, OpId, ResourceId, Token, Version};
use leasehold_core::node::Context;

use crate::LeaseProtocol;
use crate::holder::Timer;
use crate::message::LeaseMessage;
use crate::policy::WorkPolicy;

type Ctx<'a> = Context<'a, LeaseProtocol>;

/// The read-think-write cycle of one holder on one resource.
///
/// It does not look at the lease: its holder calls it only while its guard says yes. Between that check and the
/// effect on the resource there is always a gap, as in real life.
#[derive(Debug)]
pub(crate) struct Work {
    policy: WorkPolicy,
    clock: ClockKind,
    resource: ResourceId,
    server: NodeId,
    last_op: OpId,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Resting,
    Reading { op: OpId },
    Thinking { version: Version, value: u64 },
    Writing { op: OpId, based_on: Version, value: u64 },
}

impl Work {
    pub(crate) fn new(policy: WorkPolicy, clock: ClockKind, resource: ResourceId, server: NodeId) -> Self {
        Self { policy, clock, resource, server, last_op: OpId(0), state: State::Resting }
    }

    /// Begins a cycle.
    pub(crate) fn begin(&mut self, ctx: &mut Ctx<'_>, token: Token) {
        let op = self.next_op();
        self.state = State::Reading { op };
        ctx.arm(Timer::Work, ctx.read(self.clock) + self.policy.every);
        self.send_read(ctx, token, op);
    }

    /// Forgets the cycle: the holder may not act any more.
    pub(crate) fn stop(&mut self, ctx: &mut Ctx<'_>) {
        self.state = State::Resting;
        ctx.disarm(Timer::Work);
        ctx.disarm(Timer::Think);
        ctx.disarm(Timer::WorkRetry);
    }

    /// The time for the next cycle has come. If the last one is not done, the next waits another turn.
    pub(crate) fn due(&mut self, ctx: &mut Ctx<'_>, token: Token) {
        if matches!(self.state, State::Resting) {
            self.begin(ctx, token);
        } else {
            ctx.arm(Timer::Work, ctx.read(self.clock) + self.policy.every);
        }
    }

    /// A read was answered.
    pub(crate) fn read_done(&mut self, ctx: &mut Ctx<'_>, op: OpId, version: Version, value: u64) {
        if matches!(self.state, State::Reading { op: mine } if mine == op) {
            self.state = State::Thinking { version, value };
            ctx.disarm(Timer::WorkRetry);
            ctx.arm(Timer::Think, ctx.read(self.clock) + self.policy.think);
        }
    }

    /// It has thought long enough, and its holder's guard said yes just now: it writes.
    pub(crate) fn write(&mut self, ctx: &mut Ctx<'_>, token: Token) {
        if let State::Thinking { version, value } = self.state {
            let op = self.next_op();
            let value = successor(value, ctx.node(), op);
            self.state = State::Writing { op, based_on: version, value };
            self.send_write(ctx, token, op, version, value);
        }
    }

    /// A write was answered.
    pub(crate) fn write_done(&mut self, ctx: &mut Ctx<'_>, op: OpId) {
        if matches!(self.state, State::Writing { op: mine, .. } if mine == op) {
            self.state = State::Resting;
            ctx.disarm(Timer::WorkRetry);
        }
    }

    /// Whether an answer to this operation is still waited for.
    pub(crate) fn awaits(&self, op: OpId) -> bool {
        matches!(self.state, State::Reading { op: mine } | State::Writing { op: mine, .. } if mine == op)
    }

    /// No answer came: the same operation again.
    pub(crate) fn retry(&mut self, ctx: &mut Ctx<'_>, token: Token) {
        match self.state {
            State::Reading { op } => self.send_read(ctx, token, op),
            State::Writing { op, based_on, value } => self.send_write(ctx, token, op, based_on, value),
            State::Resting | State::Thinking { .. } => {}
        }
    }

    fn send_read(&self, ctx: &mut Ctx<'_>, token: Token, op: OpId) {
        ctx.send(self.server, LeaseMessage::Read { incarnation: ctx.incarnation(), op, token });
        ctx.arm(Timer::WorkRetry, ctx.read(self.clock) + self.policy.retry);
    }

    fn send_write(&self, ctx: &mut Ctx<'_>, token: Token, op: OpId, based_on: Version, value: u64) {
        ctx.emit(NodeEvent::EffectIssued { resource: self.resource, token, op });
        let incarnation = ctx.incarnation();
        let based_on = Some(based_on);
        ctx.send(self.server, LeaseMessage::Write { incarnation, op, token, based_on, value, task: None });
        ctx.arm(Timer::WorkRetry, ctx.read(self.clock) + self.policy.retry);
    }

    fn next_op(&mut self) -> OpId {
        self.last_op = self.last_op.next();
        self.last_op
    }
}

/// The value after `value`: a chain over all writers and operations, so that every history has its own.
fn successor(value: u64, writer: NodeId, op: OpId) -> u64 {
    let mixed =
        (value.rotate_left(23) ^ op.0 ^ (u64::from(writer.0) << 48)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}
