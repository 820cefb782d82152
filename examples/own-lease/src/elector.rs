//! An elector: polls the record, takes it over when its leader is silent, and leads.

use leasehold::event::{ClaimEnd, NodeEvent};
use leasehold::{Boot, Context, Input, LocalInstant, Node, NodeId, OpId, Span, TimerId, Token, Version};

use crate::message::{ElectionMessage, Intent, Record, Written};
use crate::{Election, LEADERSHIP};

type Ctx<'a> = Context<'a, Election>;
type Now = LocalInstant<Boot>;

/// How an elector behaves, in the words of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElectorPolicy {
    /// A record that did not change for this long, as far as an elector has seen, is free.
    pub lease_duration: Span,
    /// A leader that could not write the record for this long stops.
    pub renew_deadline: Span,
    /// How often the record is polled or written; stretched by up to a fifth.
    pub retry_period: Span,
    /// How often a leader works.
    pub work_every: Span,
}

/// Competes for the record.
#[derive(Debug)]
pub struct Elector {
    policy: ElectorPolicy,
    store: NodeId,
    last_request: OpId,
    asked: Option<Asked>,
    /// The record as last seen, and when it was first seen like this.
    seen: Option<(Record, Now)>,
    leads: Option<Leads>,
    loading: Option<OpId>,
}

/// A request that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    request: OpId,
    sent: Now,
}

/// It leads, until then.
#[derive(Clone, Copy, Debug)]
struct Leads {
    token: Token,
    deadline: Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// When to look at the record, or to write it.
    Tick,
    /// When to stop leading.
    Deadline,
    /// When to work.
    Work,
}

impl From<Timer> for TimerId {
    fn from(timer: Timer) -> Self {
        Self(timer as u32)
    }
}

impl Elector {
    /// An elector that finds the record at `store`.
    pub fn new(policy: ElectorPolicy, store: NodeId) -> Self {
        Self { policy, store, last_request: OpId(0), asked: None, seen: None, leads: None, loading: None }
    }

    fn ask(&mut self, ctx: &Ctx<'_>) -> OpId {
        self.last_request = self.last_request.next();
        self.asked = Some(Asked { request: self.last_request, sent: ctx.now() });
        self.last_request
    }

    /// Looks at the record, or, as a leader, writes it. Whatever was asked before is given up: its answer would
    /// say less.
    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        let period = self.policy.retry_period;
        let wait = period + Span::from_nanos(ctx.draw_below(period.as_nanos() / 5 + 1));
        ctx.arm(Timer::Tick, ctx.now::<Boot>() + wait);
        match (self.leads, self.seen) {
            (Some(_), Some((record, _))) => self.put(ctx, record, Intent::Renew),
            _ => {
                let request = self.ask(ctx);
                ctx.send(self.store, ElectionMessage::Get { request });
            }
        }
    }

    fn put(&mut self, ctx: &mut Ctx<'_>, record: Record, intent: Intent) {
        let request = self.ask(ctx);
        let incarnation = ctx.incarnation();
        ctx.send(self.store, ElectionMessage::Put { request, expected: record.version, incarnation, intent });
    }

    fn got(&mut self, ctx: &mut Ctx<'_>, request: OpId, record: Record, written: Written) {
        let Some(asked) = self.asked.filter(|asked| asked.request == request) else { return };
        self.asked = None;
        let now: Now = ctx.now();
        if self.seen.is_none_or(|(seen, _)| seen != record) {
            self.seen = Some((record, now));
        }
        let mine = record.leader == Some((ctx.node(), ctx.incarnation()));
        match (written, mine) {
            (Written::Yes, _) => self.lead(ctx, record.token(), asked.sent),
            // A put of ours was done and its answer lost: write again, to know from when to count.
            (Written::No, true) => self.put(ctx, record, Intent::Renew),
            (Written::No, false) => {
                self.follow(ctx, ClaimEnd::ToldLost);
                let silent = self.seen.map_or(Span::ZERO, |(_, since)| now.saturating_since(since));
                if record.leader.is_none() || silent >= self.policy.lease_duration {
                    self.put(ctx, record, Intent::Acquire);
                }
            }
        }
    }

    /// The record is written: it leads, counted from when the request was sent.
    fn lead(&mut self, ctx: &mut Ctx<'_>, token: Token, sent: Now) {
        let deadline = sent + self.policy.renew_deadline;
        if ctx.now::<Boot>() >= deadline {
            return;
        }
        let before = self.leads.replace(Leads { token, deadline });
        let claim = leasehold::event::Claim {
            resource: LEADERSHIP,
            token,
            incarnation: ctx.incarnation(),
            deadline: deadline.into(),
            ttl: self.policy.lease_duration,
        };
        ctx.arm(Timer::Deadline, deadline);
        if before.is_some() {
            ctx.emit(NodeEvent::ClaimRenewed(claim));
        } else {
            ctx.emit(NodeEvent::ClaimStarted(claim));
            self.work(ctx);
        }
    }

    /// It leads no more.
    fn follow(&mut self, ctx: &mut Ctx<'_>, reason: ClaimEnd) {
        let Some(Leads { token, .. }) = self.leads.take() else { return };
        self.loading = None;
        ctx.disarm(Timer::Deadline);
        ctx.disarm(Timer::Work);
        let incarnation = ctx.incarnation();
        ctx.emit(NodeEvent::ClaimEnded { resource: LEADERSHIP, token, incarnation, reason });
    }

    /// The token to act under, if it leads right now.
    fn guard(&mut self, ctx: &mut Ctx<'_>) -> Option<Token> {
        let Leads { token, deadline } = self.leads?;
        if ctx.now::<Boot>() < deadline {
            return Some(token);
        }
        self.follow(ctx, ClaimEnd::Lapsed);
        None
    }

    fn work(&mut self, ctx: &mut Ctx<'_>) {
        let Some(token) = self.guard(ctx) else { return };
        self.last_request = self.last_request.next();
        let op = self.last_request;
        self.loading = Some(op);
        ctx.send(self.store, ElectionMessage::Load { op, token });
        ctx.arm(Timer::Work, ctx.now::<Boot>() + self.policy.work_every);
    }

    fn loaded(&mut self, ctx: &mut Ctx<'_>, op: OpId, version: Version, value: u64) {
        if self.loading != Some(op) {
            return;
        }
        self.loading = None;
        let Some(token) = self.guard(ctx) else { return };
        self.last_request = self.last_request.next();
        let op = self.last_request;
        let value = value.wrapping_mul(31).wrapping_add(u64::from(ctx.node().0)).wrapping_add(op.0);
        ctx.emit(NodeEvent::EffectIssued { resource: LEADERSHIP, token, op });
        ctx.send(self.store, ElectionMessage::Save { op, token, based_on: version, value });
    }
}

impl Node<Election> for Elector {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<Election>) {
        match input {
            Input::Started | Input::Restarted { .. } => self.tick(ctx),
            Input::Timer(timer) if timer == Timer::Tick.into() => {
                self.guard(ctx);
                self.tick(ctx);
            }
            Input::Timer(timer) if timer == Timer::Work.into() => self.work(ctx),
            Input::Timer(_) => {
                self.guard(ctx);
            }
            Input::Received { message, .. } => match message {
                ElectionMessage::Got { request, record, written } => self.got(ctx, request, record, written),
                ElectionMessage::Loaded { op, version, value } => self.loaded(ctx, op, version, value),
                _ => {}
            },
            Input::Persisted(_) => {}
            Input::Command(never) => match never {},
        }
    }
}
