//! While it is registered: heartbeats, and what it takes itself to be.

use core::mem;

use leasehold_core::clock::Reading;
use leasehold_core::event::{Claim, ClaimEnd, Health, NodeEvent, Probe, RegistryEvent};
use leasehold_core::id::{LeaseId, Token};
use leasehold_core::time::Span;

use super::{Ctx, Membership, State, Tenure, Timer, Until};
use crate::registry::message::RegistryMessage;
use crate::registry::policy::{Cadence, Naming, Sender, Unanswered};

impl Membership {
    /// Something was answered with a term: the claim begins or goes on, counted from when that was sent first.
    pub(super) fn extend(&mut self, ctx: &mut Ctx<'_>, sent: Reading, ttl: Span) {
        let State::Registered(mut tenure) = self.state else { return };
        tenure.ttl = ttl;
        tenure.over_at = sent + ttl;
        let deadline = sent + self.policy.margin.term(ttl);
        if !self.now(ctx).has_reached(deadline) {
            let before = tenure.claimed_until.replace(deadline);
            if mem::take(&mut tenure.has_lapsed) {
                ctx.probe(Probe::RecoveredFromJeopardy);
            }
            let (resource, incarnation) = (self.member, ctx.incarnation());
            let claim = Claim { resource, token: Token(tenure.epoch.0), incarnation, deadline, ttl };
            ctx.emit(match before {
                None => NodeEvent::ClaimStarted(claim),
                Some(_) => NodeEvent::ClaimRenewed(claim),
            });
        }
        self.state = State::Registered(tenure);
    }

    /// Arms the timer for the next heartbeat, or for when it was not probed for so long that it must be forgotten.
    pub(super) fn next_beat(&self, ctx: &mut Ctx<'_>, since: Reading) {
        let State::Registered(Tenure { ttl, claimed_until, .. }) = self.state else { return };
        let at = match self.policy.sender {
            Sender::Nobody => claimed_until.unwrap_or(since),
            _ => since + self.interval(ctx, ttl),
        };
        ctx.arm(Timer::Heartbeat, at);
    }

    /// A heartbeat was sent just now: arms the timer for the next, or for another try before that.
    fn beat_again(&mut self, ctx: &mut Ctx<'_>, now: Reading) {
        let State::Registered(Tenure { ttl, over_at, .. }) = self.state else { return };
        let mut wait = self.interval(ctx, ttl);
        if self.policy.unanswered == Unanswered::Retries && !now.has_reached(over_at) {
            wait = wait.min(self.policy.retry.wait(self.unanswered, |below| ctx.draw_below(below)));
            self.unanswered = self.unanswered.saturating_add(1);
        }
        ctx.arm(Timer::Heartbeat, now + wait);
    }

    /// A heartbeat was answered: the next one leaves an interval after the last that was sent, or after the answer.
    fn beat_in_time(&mut self, ctx: &mut Ctx<'_>) {
        let retries = self.policy.unanswered == Unanswered::Retries;
        let since = match self.policy.cadence {
            Cadence::FromAnswer => self.now(ctx),
            Cadence::Fixed if retries => self.beats.last_sent().unwrap_or_else(|| self.now(ctx)),
            Cadence::Fixed => return,
        };
        self.unanswered = 0;
        self.next_beat(ctx, since);
    }

    /// How long after the last heartbeat the next one leaves.
    fn interval(&self, ctx: &mut Ctx<'_>, ttl: Span) -> Span {
        let latest = self.policy.heartbeat.of(ttl);
        match self.policy.jitter_ppm {
            0 => latest,
            ppm => {
                let most = latest.scale(u64::from(ppm), 1_000_000).as_nanos();
                latest.saturating_sub(Span::from_nanos(ctx.draw_below(most.saturating_add(1))))
            }
        }
    }

    /// The time for a heartbeat has come. Whoever is probed instead has not been for a whole term: it must have been
    /// forgotten, and registers anew.
    pub(in crate::registry) fn beat(&mut self, ctx: &mut Ctx<'_>) {
        self.notice_lapse(ctx);
        let State::Registered(tenure) = self.state else { return };
        let now = self.now(ctx);
        if self.policy.sender == Sender::Nobody {
            match tenure.claimed_until {
                Some(_) => self.next_beat(ctx, now),
                None => self.come_back(ctx, Until::Turn),
            }
            return;
        }
        let (member, lease) = (self.member, tenure.lease);
        let number = self.beats.send(now, self.policy.margin.term(tenure.ttl));
        let epoch = match self.policy.naming {
            Naming::LeaseAndEpoch => Some(tenure.epoch),
            Naming::Member => None,
        };
        let health = self.health;
        ctx.send(self.registry, RegistryMessage::Heartbeat { member, lease, epoch, number, health });
        ctx.emit(NodeEvent::Registry(RegistryEvent::HeartbeatSent { member, lease, number }));
        self.beat_again(ctx, now);
    }

    /// The registry probed it, and it has just answered: that renews what is not renewed by heartbeats. Whether the
    /// answer arrives it never learns.
    pub(in crate::registry) fn answered_probe(&mut self, ctx: &mut Ctx<'_>) {
        if let (Sender::Nobody, State::Registered(Tenure { ttl, .. })) = (self.policy.sender, self.state) {
            self.notice_lapse(ctx);
            let now = self.now(ctx);
            self.extend(ctx, now, ttl);
        }
    }

    pub(super) fn heartbeat_taken(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId, number: u64, ttl: Span) {
        self.notice_lapse(ctx);
        if matches!(self.state, State::Registered(tenure) if tenure.lease == lease)
            && let Some(sent) = self.beats.taken(number)
        {
            self.extend(ctx, sent, ttl);
            self.beat_in_time(ctx);
        }
    }

    /// Its own claim is over, if its deadline has come. No timer wakes it for that: nothing hangs on it.
    fn notice_lapse(&mut self, ctx: &mut Ctx<'_>) {
        if let State::Registered(Tenure { claimed_until: Some(deadline), .. }) = self.state
            && self.now(ctx).has_reached(deadline)
        {
            if self.beats.awaits_an_answer() {
                ctx.probe(Probe::ClaimLapsedAwaitingRenewal);
            }
            self.end_claim(ctx, ClaimEnd::Lapsed);
        }
    }

    /// Ends its claim, if it has one.
    pub(super) fn end_claim(&mut self, ctx: &mut Ctx<'_>, reason: ClaimEnd) {
        if let State::Registered(tenure) = &mut self.state
            && tenure.claimed_until.take().is_some()
        {
            tenure.has_lapsed = reason == ClaimEnd::Lapsed;
            let (resource, token) = (self.member, Token(tenure.epoch.0));
            let incarnation = ctx.incarnation();
            ctx.emit(NodeEvent::ClaimEnded { resource, token, incarnation, reason });
        }
    }

    /// The registry says that the lease is over.
    pub(super) fn lost(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId, until: Until) {
        if matches!(self.state, State::Registered(tenure) if tenure.lease == lease) {
            self.end_claim(ctx, ClaimEnd::ToldLost);
            self.come_back(ctx, until);
        }
    }

    /// What it says of itself from now on. A change goes to the registry with a heartbeat of its own: whether the
    /// caller is to send that.
    #[must_use]
    pub(in crate::registry) fn report(&mut self, ctx: &mut Ctx<'_>, health: Health) -> bool {
        let has_changed = self.health != health;
        self.health = health;
        if matches!(self.state, State::Convalescing) && health == Health::Ready {
            self.turn_has_come(ctx, Until::Turn);
        }
        has_changed && self.is_registered() && self.policy.sender != Sender::Nobody
    }
}
