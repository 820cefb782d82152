//! A sidecar: a process beside an application, which registers it and sends its heartbeats.
//!
//! It goes by what it hears: a new process of the application is another registration, and one that tells of no
//! progress for too long is taken off the list (Kafka KIP-62). If nobody answers
//! that, the lease runs out: it sends no heartbeats meanwhile. A deaf one does none of that (KNOWN_BUGS B6).

use leasehold_core::clock::Reading;
use leasehold_core::id::{Incarnation, NodeId};
use leasehold_core::node::{Input, Node};
use leasehold_core::time::Span;

use super::member::{Ctx, Listing, Membership, Timer};
use super::message::RegistryMessage;
use super::policy::{MemberPolicy, Sender};
use super::{MemberPlace, RegistryProtocol};

/// A timer that comes later than this has waited for a sidecar that was asleep. Chosen by us.
const ASLEEP: Span = Span::from_millis(10);

/// A sidecar.
#[derive(Debug)]
pub struct Sidecar {
    policy: MemberPolicy,
    application: NodeId,
    membership: Membership,
    /// The latest process of the application; nothing if none was heard of.
    process: Option<Process>,
}

/// A process of the application, as its sidecar knows it.
#[derive(Clone, Copy, Debug)]
struct Process {
    incarnation: Incarnation,
    /// How much it had done when it was heard of last.
    done: u64,
    /// When it was last heard to have made progress.
    progressed: Reading,
    standing: Standing,
}

/// Whether a sidecar speaks for its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It does.
    Working,
    /// It does, but has to hear of progress soon: it was itself asleep when it should have.
    Doubted,
    /// It does not: there was no progress.
    Stalled,
    /// It does not: the application wants to go.
    Leaving,
}

impl Sidecar {
    /// The sidecar at `place`, which registers at `registry`.
    pub fn new(policy: MemberPolicy, place: MemberPlace, registry: NodeId) -> Self {
        let MemberPlace { member, application, offers, .. } = place;
        Self {
            policy,
            application,
            membership: Membership::new(policy, member, offers, registry),
            process: None,
        }
    }

    fn now(&self, ctx: &Ctx<'_>) -> Reading {
        ctx.read(self.policy.clock)
    }

    fn is_deaf(&self) -> bool {
        self.policy.sender == Sender::DeafSidecar
    }

    /// A deaf one registers at once, the other when it hears of its application.
    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if self.is_deaf() {
            self.membership.begin(ctx);
        }
    }

    fn heard(&mut self, ctx: &mut Ctx<'_>, message: &RegistryMessage) {
        let RegistryMessage::Progress { incarnation, done, health } = *message else { return };
        let now = self.now(ctx);
        match self.process {
            Some(known) if incarnation < known.incarnation => return,
            Some(Process { incarnation: same, standing: Standing::Leaving, .. }) if same == incarnation => {
                return;
            }
            Some(known) if incarnation == known.incarnation && done < known.done => return,
            Some(known) if incarnation == known.incarnation => {
                if done > known.done {
                    let standing = Standing::Working;
                    self.process = Some(Process { done, progressed: now, standing, ..known });
                    if known.standing == Standing::Stalled {
                        self.begin(ctx);
                    }
                }
            }
            Some(_) | None => {
                let standing = Standing::Working;
                self.process = Some(Process { incarnation, done, progressed: now, standing });
                self.begin(ctx);
            }
        }
        if self.membership.report(ctx, health) {
            self.membership.beat(ctx);
        }
    }

    /// Registers its application, from now on and as long as that makes progress.
    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        if !self.is_deaf() {
            self.membership.begin(ctx);
            let now = self.now(ctx);
            ctx.arm(Timer::Progress, now + self.policy.work.progress);
        }
    }

    /// It may have heard of no progress for too long.
    fn progress_due(&mut self, ctx: &mut Ctx<'_>) {
        let Some(known) = &mut self.process else { return };
        let now = ctx.read(self.policy.clock);
        let due = known.progressed + self.policy.work.progress;
        let was_asleep = now.saturating_since(due) > ASLEEP;
        match known.standing {
            Standing::Stalled | Standing::Leaving => {}
            _ if !now.has_reached(due) => {
                known.standing = Standing::Working;
                ctx.arm(Timer::Progress, due);
            }
            // What was said while it was asleep itself may still wait to be read. For as long as two messages are
            // apart it gives the benefit of the doubt, once.
            Standing::Working if was_asleep => {
                known.standing = Standing::Doubted;
                let apart = self.policy.work.progress.scale(1, 4).max(self.policy.work.task);
                ctx.arm(Timer::Progress, now + apart);
            }
            Standing::Working | Standing::Doubted => {
                known.standing = Standing::Stalled;
                let _ = self.membership.deregister(ctx);
            }
        }
    }

    /// A process of the application wants to go.
    fn leave(&mut self, ctx: &mut Ctx<'_>, incarnation: Incarnation) {
        let is_over = match self.process {
            Some(known) => incarnation < known.incarnation,
            None => false,
        };
        if is_over {
            return self.tell_left(ctx, incarnation);
        }
        let now = self.now(ctx);
        let standing = Standing::Leaving;
        self.process = Some(Process { incarnation, done: 0, progressed: now, standing });
        ctx.disarm(Timer::Progress);
        if self.membership.deregister(ctx) == Listing::Off {
            self.tell_left(ctx, incarnation);
        }
    }

    fn tell_left(&self, ctx: &mut Ctx<'_>, incarnation: Incarnation) {
        ctx.send(self.application, RegistryMessage::Left { incarnation });
    }

    fn received(&mut self, ctx: &mut Ctx<'_>, from: NodeId, message: &RegistryMessage) {
        match *message {
            RegistryMessage::Progress { .. } if from == self.application => self.heard(ctx, message),
            RegistryMessage::Leave { incarnation } if from == self.application => {
                self.leave(ctx, incarnation);
            }
            _ => {
                if self.membership.received(ctx, message) == Listing::Off
                    && let Some(Process { incarnation, standing: Standing::Leaving, .. }) = self.process
                {
                    self.tell_left(ctx, incarnation);
                }
            }
        }
    }
}

impl Node<RegistryProtocol> for Sidecar {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<RegistryProtocol>) {
        match input {
            Input::Started | Input::Restarted { .. } => self.start(ctx),
            Input::Received { from, message } => self.received(ctx, from, &message),
            Input::Timer(id) => match Timer::from_id(id) {
                Timer::Retry => self.membership.retry(ctx),
                Timer::Heartbeat => self.membership.beat(ctx),
                Timer::Progress => self.progress_due(ctx),
                Timer::Look | Timer::Flap | Timer::Leave | Timer::Answer => {}
            },
            Input::Persisted(_) | Input::Command(_) => {}
        }
    }
}
