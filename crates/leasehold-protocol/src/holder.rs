//! The holder: contends, holds, renews, works, and knows when to stop.

use leasehold_core::clock::{ClockKind, Reading};
use leasehold_core::event::{Claim, ClaimEnd, NodeEvent, Probe};
use leasehold_core::id::{LeaseId, NodeId, OpId, OwnerId, RequestId, ResourceId, TimerId, Token};
use leasehold_core::node::{Context, Input, Node};
use leasehold_core::time::Span;
use serde::{Deserialize, Serialize};

use crate::LeaseProtocol;
use crate::message::LeaseMessage;
use crate::policy::{Anchor, HolderPolicy, WorkPolicy};
use crate::work::Work;

type Ctx<'a> = Context<'a, LeaseProtocol>;

/// What a plan can tell a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseCommand {
    /// To a holder: stop working, release, and contend no more.
    Shutdown,
    /// To a grantor: revoke every lease.
    Revoke,
}

/// Wants to hold one resource, for ever.
#[derive(Debug)]
pub struct Holder {
    policy: HolderPolicy,
    resource: ResourceId,
    grantor: NodeId,
    last_request: RequestId,
    state: State,
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It does nothing: before its start, and after a shutdown is complete.
    Idle,
    /// It has asked for the lease.
    Contending { asked: Asked },
    /// It has a lease.
    Holding(Tenure),
    /// It has stopped working and gives the lease back.
    Releasing { lease: LeaseId, token: Token, asked: Asked },
}

/// A request that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    request: RequestId,
    /// When it was sent for the first time: its retries do not count.
    first_sent: Reading,
    tries: u32,
}

/// A lease that the grantor has given.
#[derive(Clone, Copy, Debug)]
struct Tenure {
    lease: LeaseId,
    token: Token,
    ttl: Span,
    /// Until when it claims to hold. Nothing before that is known: the grant took so long that it must be
    /// confirmed by a renewal first.
    claimed_until: Option<Reading>,
    renewal: Option<Asked>,
}

/// The holder's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// When to ask again for what was not answered: acquire, release.
    Retry,
    /// When to renew, or to ask again for a renewal that was not answered.
    Renew,
    /// When the claim is over.
    Deadline,
    /// When to begin the next cycle of work.
    Work,
    /// When it has thought long enough.
    Think,
    /// When to repeat an operation that was not answered.
    WorkRetry,
}

impl From<Timer> for TimerId {
    fn from(timer: Timer) -> Self {
        Self(timer as u32)
    }
}

impl Timer {
    const ALL: [Self; 6] =
        [Self::Retry, Self::Renew, Self::Deadline, Self::Work, Self::Think, Self::WorkRetry];

    fn from_id(id: TimerId) -> Self {
        Self::ALL[id.0 as usize]
    }
}

impl Holder {
    /// A holder that will contend for `resource`, served by node `server`, at `grantor`.
    pub fn new(
        policy: HolderPolicy,
        work: WorkPolicy,
        resource: ResourceId,
        grantor: NodeId,
        server: NodeId,
    ) -> Self {
        Self {
            policy,
            resource,
            grantor,
            last_request: RequestId(0),
            state: State::Idle,
            work: Work::new(work, policy.clock, resource, server),
        }
    }

    fn now(&self, ctx: &Ctx<'_>) -> Reading {
        ctx.read(self.clock())
    }

    fn clock(&self) -> ClockKind {
        self.policy.clock
    }

    fn ask(&mut self, ctx: &Ctx<'_>) -> Asked {
        self.last_request = self.last_request.next();
        Asked { request: self.last_request, first_sent: self.now(ctx), tries: 0 }
    }

    // --- Contending -------------------------------------------------------------------------------------

    fn contend(&mut self, ctx: &mut Ctx<'_>) {
        let asked = self.ask(ctx);
        self.send_acquire(ctx, asked);
    }

    fn send_acquire(&mut self, ctx: &mut Ctx<'_>, asked: Asked) {
        let (resource, incarnation) = (self.resource, ctx.incarnation());
        let Asked { request, .. } = asked;
        ctx.send(
            self.grantor,
            LeaseMessage::Acquire {
                resource,
                incarnation,
                request,
                ttl: self.policy.ttl,
                owner: OwnerId(0),
                priority: self.policy.priority,
                keys: self.policy.keys,
            },
        );
        let asked = self.again_later(ctx, Timer::Retry, asked);
        self.state = State::Contending { asked };
    }

    /// Arms the timer for the next try of a request.
    fn again_later(&self, ctx: &mut Ctx<'_>, timer: Timer, asked: Asked) -> Asked {
        let wait = self.policy.retry.wait(asked.tries, |below| ctx.draw_below(below));
        ctx.arm(timer, self.now(ctx) + wait);
        Asked { tries: asked.tries.saturating_add(1), ..asked }
    }

    fn queued(&mut self, ctx: &mut Ctx<'_>, request: RequestId) {
        if let State::Contending { asked } = self.state
            && asked.request == request
        {
            let wait = self.policy.retry.stretch(self.policy.poll, |below| ctx.draw_below(below));
            ctx.arm(Timer::Retry, self.now(ctx) + wait);
        }
    }

    fn granted(&mut self, ctx: &mut Ctx<'_>, answered: RequestId, lease: LeaseId, token: Token, ttl: Span) {
        match self.state {
            State::Contending { asked } if asked.request == answered => {
                ctx.disarm(Timer::Retry);
                self.state = State::Holding(Tenure { lease, token, ttl, claimed_until: None, renewal: None });
                self.extend(ctx, asked, ttl);
            }
            State::Holding(Tenure { lease: mine, .. }) | State::Releasing { lease: mine, .. }
                if mine == lease => {}
            // Nobody here waits for this one: it is given back, lest it lie dead until it expires.
            _ => {
                let request = self.ask(ctx).request;
                let resource = self.resource;
                ctx.send(
                    self.grantor,
                    LeaseMessage::Release { resource, lease, token, request, done: false },
                );
            }
        }
    }

    // --- Holding ----------------------------------------------------------------------------------------

    /// A request was answered with a term: the claim begins or goes on, counted from the policy's anchor.
    fn extend(&mut self, ctx: &mut Ctx<'_>, answered: Asked, ttl: Span) {
        let now = self.now(ctx);
        let State::Holding(mut tenure) = self.state else { return };
        tenure.ttl = ttl;
        tenure.renewal = None;
        let anchor = match self.policy.anchor {
            Anchor::FirstSend | Anchor::LatestRetry => answered.first_sent,
            Anchor::Receipt => now,
        };
        let deadline = anchor + self.policy.term(ttl);
        let before = tenure.claimed_until;
        if !now.has_reached(deadline) {
            tenure.claimed_until = Some(deadline);
            let claim = Claim {
                resource: self.resource,
                token: tenure.token,
                incarnation: ctx.incarnation(),
                deadline,
                ttl,
            };
            ctx.emit(match before {
                None => NodeEvent::ClaimStarted(claim),
                Some(_) => NodeEvent::ClaimRenewed(claim),
            });
            ctx.arm(Timer::Deadline, deadline);
        }
        self.state = State::Holding(tenure);
        // In the past if the answer was slow: then the renewal, which also confirms the lease, goes out at once.
        ctx.arm(Timer::Renew, anchor + self.policy.renew.of(ttl));
        if before.is_none() && tenure.claimed_until.is_some() {
            self.work.begin(ctx, tenure.token);
        }
    }

    fn renew(&mut self, ctx: &mut Ctx<'_>) {
        if let State::Holding(mut tenure) = self.state {
            let asked = tenure.renewal.unwrap_or_else(|| self.ask(ctx));
            let (resource, Tenure { lease, token, .. }) = (self.resource, tenure);
            let Asked { request, .. } = asked;
            ctx.send(self.grantor, LeaseMessage::Renew { resource, lease, token, request });
            tenure.renewal = Some(self.again_later(ctx, Timer::Renew, asked));
            self.state = State::Holding(tenure);
        }
    }

    fn renewed(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId, request: RequestId, ttl: Span) {
        if let State::Holding(Tenure { lease: mine, renewal: Some(asked), .. }) = self.state
            && mine == lease
            && asked.request == request
        {
            self.extend(ctx, asked, ttl);
        }
    }

    fn refused(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId) {
        if matches!(self.state, State::Holding(tenure) if tenure.lease == lease) {
            self.lose(ctx, ClaimEnd::ToldLost);
        }
    }

    /// The guard: the token to act under, if it claims to hold right now. If its deadline has come it stops.
    fn guard(&mut self, ctx: &mut Ctx<'_>) -> Option<Token> {
        let State::Holding(Tenure { token, claimed_until: Some(deadline), renewal, .. }) = self.state else {
            return None;
        };
        if self.now(ctx).has_reached(deadline) {
            if renewal.is_some() {
                ctx.probe(Probe::ClaimLapsedAwaitingRenewal);
            }
            self.lose(ctx, ClaimEnd::Lapsed);
            return None;
        }
        Some(token)
    }

    /// Stops working and ends the claim, if there is one.
    fn stop(&mut self, ctx: &mut Ctx<'_>, reason: ClaimEnd) {
        self.work.stop(ctx);
        ctx.disarm(Timer::Deadline);
        ctx.disarm(Timer::Renew);
        if let State::Holding(Tenure { token, claimed_until: Some(_), .. }) = self.state {
            let (resource, incarnation) = (self.resource, ctx.incarnation());
            ctx.emit(NodeEvent::ClaimEnded { resource, token, incarnation, reason });
        }
    }

    /// The lease is gone, or must be taken to be: it contends again.
    fn lose(&mut self, ctx: &mut Ctx<'_>, reason: ClaimEnd) {
        self.stop(ctx, reason);
        self.contend(ctx);
    }

    // --- Leaving ----------------------------------------------------------------------------------------

    /// Work stops first, then the lease is given back: the other order is a known bug.
    fn shut_down(&mut self, ctx: &mut Ctx<'_>) {
        match self.state {
            State::Holding(Tenure { lease, token, .. }) => {
                self.stop(ctx, ClaimEnd::Released);
                let asked = self.ask(ctx);
                self.send_release(ctx, lease, token, asked);
            }
            State::Contending { .. } => {
                ctx.disarm(Timer::Retry);
                self.state = State::Idle;
            }
            State::Idle | State::Releasing { .. } => return,
        }
        ctx.emit(NodeEvent::Withdrew { resource: self.resource });
    }

    fn send_release(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId, token: Token, asked: Asked) {
        let (resource, Asked { request, .. }) = (self.resource, asked);
        ctx.send(self.grantor, LeaseMessage::Release { resource, lease, token, request, done: false });
        let asked = self.again_later(ctx, Timer::Retry, asked);
        self.state = State::Releasing { lease, token, asked };
    }

    fn released(&mut self, ctx: &mut Ctx<'_>, gone: LeaseId, answered: RequestId) {
        if matches!(self.state, State::Releasing { lease, asked, .. } if lease == gone && asked.request == answered)
        {
            ctx.disarm(Timer::Retry);
            self.state = State::Idle;
        }
    }

    // --- Inputs -----------------------------------------------------------------------------------------

    fn timer(&mut self, ctx: &mut Ctx<'_>, timer: Timer) {
        match timer {
            Timer::Retry => match self.state {
                State::Contending { asked } => self.send_acquire(ctx, asked),
                State::Releasing { lease, token, asked } => self.send_release(ctx, lease, token, asked),
                State::Idle | State::Holding(_) => {}
            },
            Timer::Deadline => {
                self.guard(ctx);
            }
            Timer::Renew => {
                // Past its deadline it has no claim to renew; one that is not confirmed yet has no deadline.
                let is_confirmed =
                    matches!(self.state, State::Holding(Tenure { claimed_until: Some(_), .. }));
                if !is_confirmed || self.guard(ctx).is_some() {
                    self.renew(ctx);
                }
            }
            Timer::Work => {
                if let Some(token) = self.guard(ctx) {
                    self.work.due(ctx, token);
                }
            }
            Timer::Think => {
                if let Some(token) = self.guard(ctx) {
                    self.work.write(ctx, token);
                }
            }
            Timer::WorkRetry => {
                if let Some(token) = self.guard(ctx) {
                    self.work.retry(ctx, token);
                }
            }
        }
    }

    fn received(&mut self, ctx: &mut Ctx<'_>, message: LeaseMessage) {
        match message {
            LeaseMessage::Granted { incarnation, request, lease, token, ttl, .. } => {
                // A grant to an earlier process is nobody's: no request of this one matches.
                let answered = if incarnation == ctx.incarnation() { request } else { RequestId(0) };
                self.granted(ctx, answered, lease, token, ttl);
            }
            LeaseMessage::Queued { incarnation, request, .. } if incarnation == ctx.incarnation() => {
                self.queued(ctx, request);
            }
            LeaseMessage::Renewed { lease, request, ttl } => self.renewed(ctx, lease, request, ttl),
            LeaseMessage::RenewRefused { lease, .. } => self.refused(ctx, lease),
            LeaseMessage::Released { lease, request } => self.released(ctx, lease, request),
            // Operations are numbered per process: an answer to an earlier one would be taken for another's.
            LeaseMessage::ReadDone { incarnation, .. }
            | LeaseMessage::WriteDone { incarnation, .. }
            | LeaseMessage::Fenced { incarnation, .. }
                if incarnation != ctx.incarnation() => {}
            LeaseMessage::ReadDone { op, version, value, .. } => self.work.read_done(ctx, op, version, value),
            LeaseMessage::WriteDone { op, .. } => self.work.write_done(ctx, op),
            LeaseMessage::Fenced { op, .. } => self.fenced(ctx, op),
            _ => {}
        }
    }

    fn fenced(&mut self, ctx: &mut Ctx<'_>, op: OpId) {
        if self.work.awaits(op) {
            self.lose(ctx, ClaimEnd::Fenced);
        }
    }
}

impl Node<LeaseProtocol> for Holder {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<LeaseProtocol>) {
        match input {
            // It keeps nothing on disk: a new process begins from nothing, under a new incarnation.
            Input::Started | Input::Restarted { .. } => self.contend(ctx),
            Input::Received { message, .. } => self.received(ctx, message),
            Input::Timer(id) => self.timer(ctx, Timer::from_id(id)),
            Input::Command(LeaseCommand::Shutdown) => self.shut_down(ctx),
            Input::Persisted(_) | Input::Command(LeaseCommand::Revoke) => {}
        }
    }
}
