//! The optimistic writer: no lease, no token; it reads, thinks, writes, and begins again if somebody was faster.

use leasehold_core::clock::ClockKind;
use leasehold_core::event::NodeEvent;
use leasehold_core::id::{NodeId, OpId, ResourceId, TaskId, Token};
use leasehold_core::node::{Context, Input, Node};

use crate::LeaseProtocol;
use crate::holder::{LeaseCommand, Timer};
use crate::message::LeaseMessage;
use crate::policy::{Backoff, HolderPolicy, Takeover, WorkPolicy};
use crate::work::Work;

type Ctx<'a> = Context<'a, LeaseProtocol>;

/// Updates one resource over and over, by compare-and-set alone.
///
/// All that keeps it from undoing what others write is that its resource compares versions. It promises less than a
/// lease: whoever is fastest gets on, and nobody in particular ever has to.
#[derive(Debug)]
pub struct OptimisticWriter {
    work: Work,
    policy: WorkPolicy,
    retry: Backoff,
    clock: ClockKind,
    resource: ResourceId,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It has not begun, or has left.
    Idle,
    /// It has an update to make, which was refused so many times.
    Updating { refusals: u32 },
}

impl OptimisticWriter {
    /// A writer of `resource`, served by node `server`. Of a holder's policies only its clock and its back-off matter.
    pub fn new(holder: &HolderPolicy, work: WorkPolicy, resource: ResourceId, server: NodeId) -> Self {
        let HolderPolicy { clock, retry, .. } = *holder;
        // Its resource does not fence, so there is nothing to bar.
        let policy = WorkPolicy { takeover: Takeover::Work, ..work };
        let work = Work::new(policy, clock, resource, server);
        Self { work, policy, retry, clock, resource, stage: Stage::Idle }
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        self.stage = Stage::Updating { refusals: 0 };
        self.work.take_over(ctx, Token::NONE, TaskId(0));
    }

    /// The update is made: the next is wanted a cycle later.
    fn write_done(&mut self, ctx: &mut Ctx<'_>, op: OpId) {
        if self.work.awaits(op) {
            self.work.write_done(ctx, op);
            self.stage = Stage::Updating { refusals: 0 };
            ctx.arm(Timer::Work, ctx.read(self.clock) + self.policy.every);
        }
    }

    /// Somebody else has written since it read: the thought was in vain. Who lost reads again only after a while, and
    /// after a longer one each time, or all who lost together would meet again together.
    fn conflict(&mut self, ctx: &mut Ctx<'_>, op: OpId) {
        let Stage::Updating { refusals } = self.stage else { return };
        if self.work.awaits(op) {
            self.work.conflict(ctx, op);
            self.stage = Stage::Updating { refusals: refusals.saturating_add(1) };
            let wait = self.retry.wait(refusals, |below| ctx.draw_below(below));
            ctx.arm(Timer::Work, ctx.read(self.clock) + wait);
        }
    }

    fn received(&mut self, ctx: &mut Ctx<'_>, message: LeaseMessage) {
        match message {
            // Operations are numbered per process: an answer to an earlier one would be taken for another's.
            LeaseMessage::ReadDone { incarnation, .. }
            | LeaseMessage::WriteDone { incarnation, .. }
            | LeaseMessage::Conflict { incarnation, .. }
                if incarnation != ctx.incarnation() => {}
            LeaseMessage::ReadDone { op, version, value, .. } => self.work.read_done(ctx, op, version, value),
            LeaseMessage::WriteDone { op, .. } => self.write_done(ctx, op),
            LeaseMessage::Conflict { op, .. } => self.conflict(ctx, op),
            // It asks for no lease, raises no barrier, and its resource does not fence.
            _ => {}
        }
    }

    fn timer(&mut self, ctx: &mut Ctx<'_>, timer: Timer) {
        match timer {
            Timer::Work => self.work.due(ctx, Token::NONE),
            Timer::Think => self.work.thought(ctx, Token::NONE),
            Timer::WorkRetry => self.work.retry(ctx, Token::NONE),
            Timer::Retry | Timer::Renew | Timer::Deadline | Timer::Query => {}
        }
    }

    fn shut_down(&mut self, ctx: &mut Ctx<'_>) {
        if matches!(self.stage, Stage::Updating { .. }) {
            self.work.stop(ctx);
            self.stage = Stage::Idle;
            ctx.emit(NodeEvent::Withdrew { resource: self.resource });
        }
    }
}

impl Node<LeaseProtocol> for OptimisticWriter {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<LeaseProtocol>) {
        match input {
            // It keeps nothing on disk: a new process begins from nothing, under a new incarnation.
            Input::Started | Input::Restarted { .. } => self.begin(ctx),
            Input::Received { message, .. } => self.received(ctx, message),
            Input::Timer(id) => self.timer(ctx, Timer::from_id(id)),
            Input::Command(LeaseCommand::Shutdown) => self.shut_down(ctx),
            Input::Persisted(_) | Input::Command(LeaseCommand::Revoke) => {}
        }
    }
}
