//! The holder: contends, holds, renews, works, and knows when to stop.

mod query;
mod timer;

use core::mem;

use leasehold_core::clock::{ClockKind, Reading, Wall};
use leasehold_core::event::{Answer, Claim, ClaimEnd, NodeEvent, Operation, Probe};
use leasehold_core::id::{LeaseId, NodeId, OpId, OwnerId, RequestId, ResourceId, TaskId, Token};
use leasehold_core::node::{Context, Input, Node};
use leasehold_core::time::Span;
use serde::{Deserialize, Serialize};

pub(crate) use self::timer::Timer;
use crate::LeaseProtocol;
use crate::message::LeaseMessage;
use crate::policy::{
    AfterWaiting, Anchor, BackInContact, GiveUp, HolderPolicy, Identity, Leave, LostContact, WorkPolicy,
};
use crate::work::{Next, Work};

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
    /// Its question who holds the resource, while that is not answered.
    question: Option<RequestId>,
    state: State,
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It does nothing: before its start, and after a shutdown is complete.
    Idle,
    /// It lets some time go by before it asks for a lease: it was refused, or has just given one back.
    Biding,
    /// It has asked for the lease.
    Contending { asked: Asked },
    /// It has a lease.
    Holding(Tenure),
    /// It has stopped working and gives the lease back.
    Releasing(Return),
}

/// A request that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    request: RequestId,
    /// When it was sent for the first time.
    first_sent: Reading,
    /// When it was sent last.
    last_sent: Reading,
    tries: u32,
    /// Whether the grantor has said that it must wait.
    was_queued: bool,
}

/// A lease on its way back to the grantor.
#[derive(Clone, Copy, Debug)]
struct Return {
    lease: LeaseId,
    token: Token,
    /// Whether its task is done.
    done: bool,
    asked: Asked,
    then: Then,
}

/// What a holder does once it has given its lease back.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Nothing more: it leaves.
    Leave,
    /// It contends anew, at once.
    Contend,
    /// It contends anew, a cycle of work later.
    Bide,
}

/// A lease that the grantor has given.
#[derive(Clone, Copy, Debug)]
struct Tenure {
    lease: LeaseId,
    token: Token,
    task: TaskId,
    /// The TTL that it was granted.
    ttl: Span,
    /// Until when it claims to hold. Nothing before that is known: the grant took so long that it must be
    /// confirmed by a renewal first, or its claim has lapsed and it hopes to go on.
    claimed_until: Option<Reading>,
    /// Whether it has stopped at its deadline, and keeps asking for the lease.
    is_in_jeopardy: bool,
    renewal: Option<Asked>,
    /// The release that it has sent, and works on until it is answered.
    leaving: Option<Asked>,
}

impl Tenure {
    /// Its way back, by a release that was asked for as `asked`.
    fn returned(self, asked: Asked, done: bool, then: Then) -> Return {
        Return { lease: self.lease, token: self.token, done, asked, then }
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
            question: None,
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

    /// A new request, which is to leave now.
    fn ask(&mut self, ctx: &mut Ctx<'_>, operation: Operation) -> Asked {
        ctx.emit(NodeEvent::Asked { resource: self.resource, operation });
        self.last_request = self.last_request.next();
        let now = self.now(ctx);
        Asked { request: self.last_request, first_sent: now, last_sent: now, tries: 0, was_queued: false }
    }

    /// Who it says it is: kind, node and process in 16, 16 and 32 bits, so that no two that differ collide.
    fn owner(&self, ctx: &Ctx<'_>) -> OwnerId {
        let node = u64::from(ctx.node().0) << 32;
        OwnerId(match self.policy.identity {
            Identity::Shared => 0,
            Identity::Node => 1 << 48 | node,
            Identity::Process => 2 << 48 | node | u64::from(ctx.incarnation().0),
        })
    }

    // --- Contending -------------------------------------------------------------------------------------

    fn contend(&mut self, ctx: &mut Ctx<'_>) {
        let asked = self.ask(ctx, Operation::Acquire);
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
                owner: self.owner(ctx),
                priority: self.policy.priority,
                keys: self.policy.keys,
                stamp: ctx.now::<Wall>(),
            },
        );
        let asked = self.again_later(ctx, Timer::Retry, asked);
        self.state = State::Contending { asked };
    }

    /// A request was sent just now: arms the timer for its next try.
    fn again_later(&self, ctx: &mut Ctx<'_>, timer: Timer, asked: Asked) -> Asked {
        let wait = self.policy.retry.wait(asked.tries, |below| ctx.draw_below(below));
        let now = self.now(ctx);
        ctx.arm(timer, now + wait);
        Asked { tries: asked.tries.saturating_add(1), last_sent: now, ..asked }
    }

    /// Arms the timer for when to ask again while somebody else holds.
    fn poll_later(&self, ctx: &mut Ctx<'_>) {
        let wait = self.policy.retry.stretch(self.policy.poll, |below| ctx.draw_below(below));
        ctx.arm(Timer::Retry, self.now(ctx) + wait);
    }

    fn queued(&mut self, ctx: &mut Ctx<'_>, request: RequestId) {
        if let State::Contending { asked } = &mut self.state
            && asked.request == request
        {
            asked.was_queued = true;
            self.poll_later(ctx);
        }
    }

    /// There is no queue, so that request is finished: a deadline counted from it would lie too far back.
    fn refused(&mut self, ctx: &mut Ctx<'_>, request: RequestId) {
        if matches!(self.state, State::Contending { asked } if asked.request == request) {
            self.told(ctx, Answer::Refused);
            self.state = State::Biding;
            self.poll_later(ctx);
        }
    }

    fn granted(&mut self, ctx: &mut Ctx<'_>, answered: RequestId, grant: Tenure) {
        let Tenure { lease, token, ttl, .. } = grant;
        match self.state {
            State::Contending { asked } if asked.request == answered => {
                ctx.disarm(Timer::Retry);
                self.told(ctx, Answer::Granted { lease, token, ttl });
                self.state = State::Holding(grant);
                let trusts = asked.was_queued && self.policy.after_waiting == AfterWaiting::Trust;
                let anchor = if trusts { self.now(ctx) } else { self.anchor(ctx, asked) };
                self.extend(ctx, anchor, ttl);
            }
            State::Holding(Tenure { lease: mine, .. }) | State::Releasing(Return { lease: mine, .. })
                if mine == lease => {}
            // Nobody here waits for this one: it is given back, lest it lie dead until it expires.
            _ => {
                let request = self.ask(ctx, Operation::Release { lease }).request;
                let resource = self.resource;
                ctx.send(
                    self.grantor,
                    LeaseMessage::Release { resource, lease, token, request, done: false },
                );
            }
        }
    }

    // --- Holding ----------------------------------------------------------------------------------------

    /// What a term is counted from that came in answer to a request.
    fn anchor(&self, ctx: &Ctx<'_>, answered: Asked) -> Reading {
        match self.policy.anchor {
            Anchor::FirstSend => answered.first_sent,
            Anchor::LatestRetry => answered.last_sent,
            Anchor::Receipt => self.now(ctx),
        }
    }

    /// A request was answered with a term: the claim begins or goes on, counted from the anchor.
    fn extend(&mut self, ctx: &mut Ctx<'_>, anchor: Reading, ttl: Span) {
        let State::Holding(mut tenure) = self.state else { return };
        tenure.renewal = None;
        let until = anchor + self.policy.term(ttl);
        let before = tenure.claimed_until;
        if !self.now(ctx).has_reached(until) {
            let deadline = match self.policy.lost_contact {
                LostContact::Stop | LostContact::Jeopardy => until,
                LostContact::GoOn => Reading::new(self.clock(), i64::MAX),
            };
            tenure.claimed_until = Some(deadline);
            if mem::take(&mut tenure.is_in_jeopardy) {
                ctx.probe(Probe::RecoveredFromJeopardy);
            }
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
        if self.work.lets_lapse() && tenure.claimed_until.is_some() {
            ctx.disarm(Timer::Renew);
        } else {
            // In the past if the answer was slow: then the renewal, which also confirms the lease, goes out at once.
            let renewal = anchor + self.until_renewal(ctx, ttl);
            ctx.arm(Timer::Renew, renewal);
        }
        if before.is_none() && tenure.claimed_until.is_some() {
            self.work.take_over(ctx, tenure.token, tenure.task);
        }
    }

    /// How long after its anchor it renews.
    fn until_renewal(&self, ctx: &mut Ctx<'_>, ttl: Span) -> Span {
        let latest = self.policy.renew.of(ttl);
        match self.policy.renew_jitter_ppm {
            0 => latest,
            ppm => {
                let most = latest.scale(u64::from(ppm), 1_000_000).as_nanos();
                latest.saturating_sub(Span::from_nanos(ctx.draw_below(most.saturating_add(1))))
            }
        }
    }

    /// The time to renew has come, or the time to ask again for a renewal.
    fn renewal_due(&mut self, ctx: &mut Ctx<'_>) {
        // Past its deadline it has no claim to renew; one that is not confirmed yet has no deadline.
        self.guard(ctx);
        match self.state {
            State::Holding(Tenure { renewal: Some(_), .. })
                if self.policy.give_up == GiveUp::AtFirstError =>
            {
                self.lose(ctx, ClaimEnd::GaveUp);
            }
            _ => self.renew(ctx),
        }
    }

    fn renew(&mut self, ctx: &mut Ctx<'_>) {
        if let State::Holding(mut tenure) = self.state {
            let (resource, Tenure { lease, token, .. }) = (self.resource, tenure);
            let asked = tenure.renewal.unwrap_or_else(|| self.ask(ctx, Operation::Renew { lease }));
            let Asked { request, .. } = asked;
            let stamp = ctx.now::<Wall>();
            ctx.send(self.grantor, LeaseMessage::Renew { resource, lease, token, request, stamp });
            tenure.renewal = Some(self.again_later(ctx, Timer::Renew, asked));
            self.state = State::Holding(tenure);
        }
    }

    fn renewed(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId, request: RequestId, ttl: Span) {
        if let Some(asked) = self.awaited(lease, request) {
            self.told(ctx, Answer::Renewed { lease });
            let anchor = self.anchor(ctx, asked);
            self.extend(ctx, anchor, ttl);
        }
    }

    /// The renewal that this request was a try of, if its answer is awaited.
    fn awaited(&self, lease: LeaseId, request: RequestId) -> Option<Asked> {
        match self.state {
            State::Holding(tenure) if tenure.lease == lease => {
                tenure.renewal.filter(|asked| asked.request == request)
            }
            _ => None,
        }
    }

    fn renewal_refused(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId, request: RequestId) {
        let asked = self.awaited(lease, request);
        match (self.state, asked) {
            // It hears of its grantor again, and that is all it wants to know.
            (State::Holding(tenure), Some(asked))
                if tenure.is_in_jeopardy && self.policy.back_in_contact == BackInContact::TrustsItsRecord =>
            {
                self.told(ctx, Answer::Gone { lease });
                let anchor = self.anchor(ctx, asked);
                self.extend(ctx, anchor, tenure.ttl);
            }
            _ => self.told_lost(ctx, lease),
        }
    }

    fn told_lost(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId) {
        if matches!(self.state, State::Holding(tenure) if tenure.lease == lease) {
            self.told(ctx, Answer::Gone { lease });
            self.lose(ctx, ClaimEnd::ToldLost);
        }
    }

    /// The grantor wants the lease back.
    fn revoked(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId) {
        match self.state {
            State::Holding(tenure) if tenure.lease == lease && tenure.leaving.is_none() => {
                let then = if self.may_rest() { Then::Bide } else { Then::Contend };
                self.give_back(ctx, tenure, ClaimEnd::ToldLost, false, then);
            }
            State::Holding(tenure) if tenure.lease == lease => self.lose(ctx, ClaimEnd::ToldLost),
            _ => {}
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
            self.lapse(ctx);
            return None;
        }
        Some(token)
    }

    /// Its deadline has come.
    fn lapse(&mut self, ctx: &mut Ctx<'_>) {
        let State::Holding(tenure) = self.state else { return };
        match (tenure.leaving, self.policy.lost_contact) {
            (Some(_), _) => self.lose(ctx, ClaimEnd::Released),
            (None, LostContact::Jeopardy) => {
                self.work.interrupt(ctx);
                self.end_claim(ctx, ClaimEnd::Lapsed);
                let hoping = Tenure { claimed_until: None, is_in_jeopardy: true, ..tenure };
                self.state = State::Holding(hoping);
            }
            (None, LostContact::Stop | LostContact::GoOn) => self.lose(ctx, ClaimEnd::Lapsed),
        }
    }

    /// Ends the claim, if there is one. Work has stopped.
    fn end_claim(&mut self, ctx: &mut Ctx<'_>, reason: ClaimEnd) {
        ctx.disarm(Timer::Deadline);
        if let State::Holding(Tenure { token, claimed_until: Some(_), .. }) = self.state {
            let (resource, incarnation) = (self.resource, ctx.incarnation());
            ctx.emit(NodeEvent::ClaimEnded { resource, token, incarnation, reason });
        }
    }

    /// Stops working and ends the claim, if there is one; it will not be renewed any more.
    fn stop(&mut self, ctx: &mut Ctx<'_>, reason: ClaimEnd) {
        self.work.stop(ctx);
        self.end_claim(ctx, reason);
        ctx.disarm(Timer::Renew);
    }

    /// Whether it need not ask again before it needs the lease again: it had what it asked for last.
    fn may_rest(&self) -> bool {
        let has_claimed = matches!(self.state, State::Holding(Tenure { claimed_until: Some(_), .. }));
        self.work.lets_lapse() && has_claimed
    }

    /// The lease is gone, or must be taken to be: it contends again, unless it was about to leave.
    fn lose(&mut self, ctx: &mut Ctx<'_>, reason: ClaimEnd) {
        let may_rest = self.may_rest();
        self.stop(ctx, reason);
        match self.state {
            State::Holding(tenure @ Tenure { leaving: Some(asked), .. }) => {
                self.state = State::Releasing(tenure.returned(asked, false, Then::Leave));
            }
            _ if may_rest => self.bide(ctx),
            _ => self.contend(ctx),
        }
    }

    /// It needs no lease for a while.
    fn bide(&mut self, ctx: &mut Ctx<'_>) {
        let pause = self.work.pause(ctx);
        ctx.arm(Timer::Retry, self.now(ctx) + pause);
        self.state = State::Biding;
    }

    // --- Leaving ----------------------------------------------------------------------------------------

    fn shut_down(&mut self, ctx: &mut Ctx<'_>) {
        match &mut self.state {
            State::Holding(Tenure { leaving: Some(_), .. })
            | State::Idle
            | State::Releasing(Return { then: Then::Leave, .. }) => return,
            State::Holding(tenure) => {
                let tenure = *tenure;
                self.leave(ctx, tenure);
            }
            State::Releasing(returned) => returned.then = Then::Leave,
            State::Biding | State::Contending { .. } => {
                ctx.disarm(Timer::Retry);
                self.state = State::Idle;
            }
        }
        ctx.emit(NodeEvent::Withdrew { resource: self.resource });
    }

    /// Leaves a lease: work stops first, then it is given back. The other order is a known bug.
    fn leave(&mut self, ctx: &mut Ctx<'_>, tenure: Tenure) {
        match (self.policy.leave, tenure.claimed_until) {
            (Leave::StopThenRelease, _) | (Leave::ReleaseThenStop, None) => {
                self.give_back(ctx, tenure, ClaimEnd::Released, false, Then::Leave);
            }
            (Leave::ReleaseThenStop, Some(_)) => {
                ctx.disarm(Timer::Renew);
                let asked = self.ask(ctx, Operation::Release { lease: tenure.lease });
                let asked = self.send_release(ctx, tenure.returned(asked, false, Then::Leave));
                self.state = State::Holding(Tenure { renewal: None, leaving: Some(asked), ..tenure });
            }
        }
    }

    /// Stops, and gives the lease back.
    fn give_back(&mut self, ctx: &mut Ctx<'_>, tenure: Tenure, reason: ClaimEnd, done: bool, then: Then) {
        self.stop(ctx, reason);
        let asked = self.ask(ctx, Operation::Release { lease: tenure.lease });
        self.release(ctx, tenure.returned(asked, done, then));
    }

    fn release(&mut self, ctx: &mut Ctx<'_>, returned: Return) {
        let asked = self.send_release(ctx, returned);
        self.state = State::Releasing(Return { asked, ..returned });
    }

    fn send_release(&self, ctx: &mut Ctx<'_>, returned: Return) -> Asked {
        let Return { lease, token, done, asked, .. } = returned;
        let (resource, Asked { request, .. }) = (self.resource, asked);
        ctx.send(self.grantor, LeaseMessage::Release { resource, lease, token, request, done });
        self.again_later(ctx, Timer::Retry, asked)
    }

    fn released(&mut self, ctx: &mut Ctx<'_>, gone: LeaseId, answered: RequestId) {
        let is_answer = |lease, asked: Asked| lease == gone && asked.request == answered;
        let then = match self.state {
            State::Holding(Tenure { lease, leaving: Some(asked), .. }) if is_answer(lease, asked) => {
                self.stop(ctx, ClaimEnd::Released);
                Then::Leave
            }
            State::Releasing(Return { lease, asked, then, .. }) if is_answer(lease, asked) => then,
            _ => return,
        };
        ctx.disarm(Timer::Retry);
        self.told(ctx, Answer::Released { lease: gone });
        match then {
            Then::Leave => self.state = State::Idle,
            Then::Contend => self.contend(ctx),
            Then::Bide => self.bide(ctx),
        }
    }

    // --- Inputs -----------------------------------------------------------------------------------------

    fn timer(&mut self, ctx: &mut Ctx<'_>, timer: Timer) {
        match timer {
            Timer::Retry => match self.state {
                State::Biding => self.contend(ctx),
                State::Contending { asked } => self.send_acquire(ctx, asked),
                State::Releasing(returned) => self.release(ctx, returned),
                State::Holding(tenure @ Tenure { leaving: Some(asked), .. }) => {
                    let asked = self.send_release(ctx, tenure.returned(asked, false, Then::Leave));
                    self.state = State::Holding(Tenure { leaving: Some(asked), ..tenure });
                }
                State::Idle | State::Holding(_) => {}
            },
            Timer::Deadline => {
                self.guard(ctx);
            }
            Timer::Renew => self.renewal_due(ctx),
            Timer::Query => self.query(ctx),
            Timer::Work => {
                if let Some(token) = self.guard(ctx) {
                    self.work.due(ctx, token);
                }
            }
            Timer::Think => {
                if let Some(token) = self.guard(ctx) {
                    self.work.thought(ctx, token);
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
            LeaseMessage::Granted { incarnation, request, lease, token, ttl, task, .. } => {
                // A grant to an earlier process is nobody's: no request of this one matches.
                let answered = if incarnation == ctx.incarnation() { request } else { RequestId(0) };
                let grant = Tenure {
                    lease,
                    token,
                    task,
                    ttl,
                    claimed_until: None,
                    is_in_jeopardy: false,
                    renewal: None,
                    leaving: None,
                };
                self.granted(ctx, answered, grant);
            }
            LeaseMessage::Queued { incarnation, request, .. } if incarnation == ctx.incarnation() => {
                self.queued(ctx, request);
            }
            LeaseMessage::Refused { incarnation, request, .. } if incarnation == ctx.incarnation() => {
                self.refused(ctx, request);
            }
            LeaseMessage::Renewed { lease, request, ttl } => self.renewed(ctx, lease, request, ttl),
            LeaseMessage::RenewRefused { lease, request } => self.renewal_refused(ctx, lease, request),
            LeaseMessage::Revoked { lease } => self.revoked(ctx, lease),
            LeaseMessage::Released { lease, request } => self.released(ctx, lease, request),
            LeaseMessage::Answer { incarnation, request, answer, .. } if incarnation == ctx.incarnation() => {
                self.queried(ctx, request, answer);
            }
            // Operations are numbered per process: an answer to an earlier one would be taken for another's.
            LeaseMessage::ReadDone { incarnation, .. }
            | LeaseMessage::WriteDone { incarnation, .. }
            | LeaseMessage::BarrierDone { incarnation, .. }
            | LeaseMessage::Conflict { incarnation, .. }
            | LeaseMessage::Fenced { incarnation, .. }
                if incarnation != ctx.incarnation() => {}
            LeaseMessage::ReadDone { op, version, value, .. } => self.work.read_done(ctx, op, version, value),
            LeaseMessage::WriteDone { op, .. } => self.write_done(ctx, op),
            LeaseMessage::BarrierDone { op, .. } => {
                if let Some(token) = self.guard(ctx) {
                    self.work.barrier_done(ctx, token, op);
                }
            }
            LeaseMessage::Conflict { op, .. } => self.work.conflict(ctx, op),
            LeaseMessage::Fenced { op, .. } => self.fenced(ctx, op),
            _ => {}
        }
    }

    /// A write was answered. If that was all that the lease was for, it is given back, also past its deadline:
    /// its task is done all the same.
    fn write_done(&mut self, ctx: &mut Ctx<'_>, op: OpId) {
        if let Next::GiveBack { done } = self.work.write_done(ctx, op)
            && let State::Holding(tenure @ Tenure { leaving: None, .. }) = self.state
        {
            self.give_back(ctx, tenure, ClaimEnd::Released, done, Then::Bide);
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
            Input::Started | Input::Restarted { .. } => {
                self.contend(ctx);
                self.arm_query(ctx);
            }
            Input::Received { message, .. } => self.received(ctx, message),
            Input::Timer(id) => self.timer(ctx, Timer::from_id(id)),
            Input::Command(LeaseCommand::Shutdown) => self.shut_down(ctx),
            Input::Persisted(_) | Input::Command(LeaseCommand::Revoke) => {}
        }
    }
}
