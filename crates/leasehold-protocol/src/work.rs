//! What a holder does while it holds: check the lease, read, think, check again, write; or a part of that.

use leasehold_core::clock::ClockKind;
use leasehold_core::event::{NodeEvent, Probe};
use leasehold_core::id::{NodeId, OpId, ResourceId, TaskId, Token, Version};
use leasehold_core::node::Context;
use leasehold_core::time::Span;

use crate::LeaseProtocol;
use crate::holder::Timer;
use crate::message::LeaseMessage;
use crate::policy::{Takeover, WorkKind, WorkPolicy};

type Ctx<'a> = Context<'a, LeaseProtocol>;

/// The work of one holder on one resource, in cycles.
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
    /// The task that came with the latest claim.
    task: TaskId,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Resting,
    /// It has the resource fence off its predecessors.
    Barring {
        op: OpId,
    },
    Reading {
        op: OpId,
    },
    /// It thinks over what it has read, or over a task.
    Thinking {
        read: Option<(Version, u64)>,
    },
    Writing(Write),
    /// It has a copy, and reads from that.
    Serving,
}

/// A write that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Write {
    op: OpId,
    based_on: Option<Version>,
    value: u64,
    task: Option<TaskId>,
}

/// What is to become of the lease after a step of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The work goes on under it.
    Keep,
    /// It has served its purpose.
    GiveBack {
        /// Whether its task is done.
        done: bool,
    },
}

impl Work {
    pub(crate) fn new(policy: WorkPolicy, clock: ClockKind, resource: ResourceId, server: NodeId) -> Self {
        let (last_op, task, state) = (OpId(0), TaskId(0), State::Resting);
        Self { policy, clock, resource, server, last_op, task, state }
    }

    /// How long it rests between two leases, where each is good for one cycle, or asked for when it is needed.
    pub(crate) fn pause(&self, ctx: &mut Ctx<'_>) -> Span {
        self.policy.rest(|below| ctx.draw_below(below))
    }

    /// Whether its lease is not renewed, and asked for anew when it is needed.
    pub(crate) fn lets_lapse(&self) -> bool {
        self.policy.kind.lets_lapse()
    }

    /// Begins to work under a new claim.
    pub(crate) fn take_over(&mut self, ctx: &mut Ctx<'_>, token: Token, task: TaskId) {
        self.task = task;
        match (self.state, self.policy.takeover) {
            // It goes on after an interruption.
            (State::Writing(write), _) => {
                if !self.policy.kind.is_once_a_lease() {
                    self.rest_until_next(ctx);
                }
                self.send_write(ctx, token, write);
            }
            (_, Takeover::Work) => self.begin(ctx, token),
            (_, Takeover::Barrier) => {
                let op = self.next_op();
                self.state = State::Barring { op };
                self.send_barrier(ctx, token, op);
            }
        }
    }

    /// The resource has fenced off all predecessors, and the holder's guard said yes just now: it begins.
    pub(crate) fn barrier_done(&mut self, ctx: &mut Ctx<'_>, token: Token, op: OpId) {
        if matches!(self.state, State::Barring { op: mine } if mine == op) {
            ctx.disarm(Timer::WorkRetry);
            self.begin(ctx, token);
        }
    }

    /// Begins a cycle.
    fn begin(&mut self, ctx: &mut Ctx<'_>, token: Token) {
        match self.policy.kind {
            WorkKind::Mutex => {
                self.rest_until_next(ctx);
                self.read(ctx, token);
            }
            WorkKind::Leader => {
                self.rest_until_next(ctx);
                self.write(ctx, token, None);
            }
            WorkKind::Tasks => self.think(ctx, None),
            WorkKind::CacheFill | WorkKind::Optimistic | WorkKind::CachedReads => self.read(ctx, token),
        }
    }

    /// Stops, perhaps to go on under the same token. Of a write that was not answered nobody knows yet whether it is
    /// done, so it is kept: what the next cycle reads must not be older.
    pub(crate) fn interrupt(&mut self, ctx: &mut Ctx<'_>) {
        let state = self.state;
        self.stop(ctx);
        if matches!(state, State::Writing(_)) {
            self.state = state;
        }
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
        match self.state {
            State::Resting => self.begin(ctx, token),
            // Its holder's guard said yes just now, so nobody has written since: that is what the lease is for.
            State::Serving => {
                ctx.probe(Probe::ReadFromCopy);
                self.rest_until_next(ctx);
            }
            _ => self.rest_until_next(ctx),
        }
    }

    /// A read was answered.
    pub(crate) fn read_done(&mut self, ctx: &mut Ctx<'_>, op: OpId, version: Version, value: u64) {
        if matches!(self.state, State::Reading { op: mine } if mine == op) {
            ctx.disarm(Timer::WorkRetry);
            if self.policy.kind == WorkKind::CachedReads {
                self.state = State::Serving;
                self.rest_until_next(ctx);
            } else {
                self.think(ctx, Some((version, value)));
            }
        }
    }

    /// It has thought long enough, and its holder's guard said yes just now: it writes.
    pub(crate) fn thought(&mut self, ctx: &mut Ctx<'_>, token: Token) {
        if let State::Thinking { read } = self.state {
            self.write(ctx, token, read);
        }
    }

    /// A write was answered.
    pub(crate) fn write_done(&mut self, ctx: &mut Ctx<'_>, op: OpId) -> Next {
        if !self.is_writing(op) {
            return Next::Keep;
        }
        self.state = State::Resting;
        ctx.disarm(Timer::WorkRetry);
        match self.policy.kind {
            WorkKind::Mutex | WorkKind::Leader | WorkKind::Optimistic | WorkKind::CachedReads => Next::Keep,
            WorkKind::Tasks => Next::GiveBack { done: true },
            WorkKind::CacheFill => Next::GiveBack { done: false },
        }
    }

    /// A write was refused because somebody else has written since the read: the next cycle reads anew.
    pub(crate) fn conflict(&mut self, ctx: &mut Ctx<'_>, op: OpId) {
        if self.is_writing(op) {
            self.state = State::Resting;
            ctx.disarm(Timer::WorkRetry);
            if self.policy.kind.is_once_a_lease() {
                self.rest_until_next(ctx);
            }
        }
    }

    fn is_writing(&self, op: OpId) -> bool {
        matches!(self.state, State::Writing(write) if write.op == op)
    }

    /// Whether an answer to this operation is still waited for.
    pub(crate) fn awaits(&self, op: OpId) -> bool {
        match self.state {
            State::Barring { op: mine } | State::Reading { op: mine } => mine == op,
            State::Writing(write) => write.op == op,
            State::Resting | State::Thinking { .. } | State::Serving => false,
        }
    }

    /// No answer came: the same operation again.
    pub(crate) fn retry(&mut self, ctx: &mut Ctx<'_>, token: Token) {
        match self.state {
            State::Barring { op } => self.send_barrier(ctx, token, op),
            State::Reading { op } => self.send_read(ctx, token, op),
            State::Writing(write) => self.send_write(ctx, token, write),
            State::Resting | State::Thinking { .. } | State::Serving => {}
        }
    }

    fn rest_until_next(&self, ctx: &mut Ctx<'_>) {
        let rest = self.policy.rest(|below| ctx.draw_below(below));
        ctx.arm(Timer::Work, ctx.read(self.clock) + rest);
    }

    fn read(&mut self, ctx: &mut Ctx<'_>, token: Token) {
        let op = self.next_op();
        self.state = State::Reading { op };
        self.send_read(ctx, token, op);
    }

    fn think(&mut self, ctx: &mut Ctx<'_>, read: Option<(Version, u64)>) {
        self.state = State::Thinking { read };
        ctx.arm(Timer::Think, ctx.read(self.clock) + self.policy.think);
    }

    fn write(&mut self, ctx: &mut Ctx<'_>, token: Token, read: Option<(Version, u64)>) {
        let op = self.next_op();
        // A blind write continues no chain: it begins one with the token, which its operation alone does not name.
        let value = successor(read.map_or(token.0, |(_, value)| value), ctx.node(), op);
        let task = (self.policy.kind == WorkKind::Tasks).then_some(self.task);
        let write = Write { op, based_on: read.map(|(version, _)| version), value, task };
        self.state = State::Writing(write);
        self.send_write(ctx, token, write);
    }

    fn send_barrier(&self, ctx: &mut Ctx<'_>, token: Token, op: OpId) {
        ctx.send(self.server, LeaseMessage::Barrier { incarnation: ctx.incarnation(), op, token });
        self.retry_later(ctx);
    }

    fn send_read(&self, ctx: &mut Ctx<'_>, token: Token, op: OpId) {
        ctx.send(self.server, LeaseMessage::Read { incarnation: ctx.incarnation(), op, token });
        self.retry_later(ctx);
    }

    fn send_write(&self, ctx: &mut Ctx<'_>, token: Token, write: Write) {
        let Write { op, based_on, value, task } = write;
        ctx.emit(NodeEvent::EffectIssued { resource: self.resource, token, op });
        let incarnation = ctx.incarnation();
        ctx.send(self.server, LeaseMessage::Write { incarnation, op, token, based_on, value, task });
        self.retry_later(ctx);
    }

    fn retry_later(&self, ctx: &mut Ctx<'_>) {
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
