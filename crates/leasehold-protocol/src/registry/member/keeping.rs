//! While it is registered: heartbeats, and what it takes itself to be.

use core::mem;

use leasehold_core::clock::{Reading, Wall};
use leasehold_core::event::{Claim, ClaimEnd, Health, NodeEvent, Probe, RegistryEvent};
use leasehold_core::id::{LeaseId, Token};
use leasehold_core::time::Span;

use super::{Ctx, Heart, Membership, Reader, State, Tenure, Timer, Until};
use crate::registry::message::RegistryMessage;
use crate::registry::policy::{Cadence, Naming, NextHeartbeat, Refused, Sender, Unanswered};

/// Later than now: what a timer at this very look would not be.
const JUST_AFTER: Span = Span::from_nanos(1);

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
        match (self.policy.sender, self.heart) {
            (Sender::Nobody, _) => ctx.arm(Timer::Heartbeat, claimed_until.unwrap_or(since)),
            (_, Heart::Beats) => {
                let now = self.now(ctx);
                let mut due = since + self.interval(ctx, ttl);
                if now.has_reached(due) {
                    // So may all others be that were answered just now, after the registry had kept them waiting.
                    due = now + self.jitter(ctx, ttl);
                }
                ctx.arm(Timer::Heartbeat, self.look_from(due));
            }
            (_, Heart::Stopped) => {}
        }
    }

    /// When it finds that something is due which is due from then on: at its next look, if it does not know at once.
    fn look_from(&self, due: Reading) -> Reading {
        match (self.policy.looks_every, self.looks_since) {
            (Some(every), Some(since)) => {
                let looks = due.saturating_since(since).as_nanos().div_ceil(every.as_nanos().max(1));
                since + every.scale(looks, 1)
            }
            _ => due,
        }
    }

    /// A heartbeat was sent just now: arms the timer for the next, or for another try before that.
    fn beat_again(&mut self, ctx: &mut Ctx<'_>, now: Reading) {
        let State::Registered(Tenure { ttl, over_at, .. }) = self.state else { return };
        let mut wait = self.interval(ctx, ttl);
        if self.policy.unanswered == Unanswered::Retries && !now.has_reached(over_at) {
            wait = wait.min(self.policy.retry.wait(self.unanswered, |below| ctx.draw_below(below)));
            self.unanswered = self.unanswered.saturating_add(1);
        }
        if self.policy.next_heartbeat == NextHeartbeat::WhenDrained {
            // It is due until an answer says otherwise: at the next look, not at this one.
            wait = JUST_AFTER;
        }
        ctx.arm(Timer::Heartbeat, self.look_from(now + wait));
    }

    /// A heartbeat was answered: the next one leaves an interval after the last that was sent, or after the answer.
    fn beat_in_time(&mut self, ctx: &mut Ctx<'_>) {
        let is_armed_for_less = matches!(self.policy.unanswered, Unanswered::Retries | Unanswered::Blocks)
            || self.policy.next_heartbeat == NextHeartbeat::WhenDrained;
        let since = match self.policy.cadence {
            Cadence::FromAnswer => self.now(ctx),
            Cadence::Fixed if is_armed_for_less => self.beats.last_sent().unwrap_or_else(|| self.now(ctx)),
            Cadence::Fixed => return,
        };
        self.unanswered = 0;
        self.next_beat(ctx, since);
    }

    /// How long after the last heartbeat the next one leaves.
    fn interval(&self, ctx: &mut Ctx<'_>, ttl: Span) -> Span {
        self.policy.heartbeat.of(ttl).saturating_sub(self.jitter(ctx, ttl))
    }

    /// By how much one heartbeat comes earlier than at the latest.
    fn jitter(&self, ctx: &mut Ctx<'_>, ttl: Span) -> Span {
        match self.policy.jitter_ppm {
            0 => Span::ZERO,
            ppm => {
                let most = self.policy.heartbeat.of(ttl).scale(u64::from(ppm), 1_000_000).as_nanos();
                Span::from_nanos(ctx.draw_below(most.saturating_add(1)))
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
        if self.heart == Heart::Stopped || self.has_to_wait(ctx, now) {
            return;
        }
        let (member, lease) = (self.member, tenure.lease);
        let number = self.beats.send(now, self.policy.margin.term(tenure.ttl));
        let epoch = match self.policy.naming {
            Naming::LeaseAndEpoch => Some(tenure.epoch),
            Naming::Member => None,
        };
        let (stamp, health) = (ctx.now::<Wall>(), self.health);
        ctx.send(self.registry, RegistryMessage::Heartbeat { member, lease, epoch, number, stamp, health });
        ctx.emit(NodeEvent::Registry(RegistryEvent::HeartbeatSent { member, lease, number }));
        self.beat_again(ctx, now);
    }

    /// Whether one that was not answered keeps the next one back: for ever, or until the connection is given up.
    fn has_to_wait(&mut self, ctx: &mut Ctx<'_>, now: Reading) -> bool {
        let Some(unanswered_since) = self.beats.oldest_unanswered() else { return false };
        match self.policy.unanswered {
            Unanswered::Waits | Unanswered::Retries => false,
            Unanswered::GivesUp => {
                self.heart = Heart::Stopped;
                true
            }
            Unanswered::Blocks => {
                let given_up = unanswered_since + self.policy.dead_peer;
                if now.has_reached(given_up) {
                    // No answer comes over a connection that is closed.
                    self.beats.give_up();
                    return false;
                }
                ctx.arm(Timer::Heartbeat, self.look_from(given_up));
                true
            }
        }
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
            match (self.policy.next_heartbeat, self.reader) {
                (NextHeartbeat::WhenDrained, Reader::Stalls | Reader::LeavesAnswers) => {
                    self.reader = Reader::LeavesAnswers;
                }
                (NextHeartbeat::WhenDrained, Reader::Takes) | (NextHeartbeat::WhenSent, _) => {
                    self.beat_in_time(ctx);
                }
            }
        }
    }

    /// The work stands still from now on: nobody takes the answers to heartbeats.
    pub(in crate::registry) fn work_stalls(&mut self) {
        self.reader = Reader::Stalls;
    }

    /// The work goes on, and takes the answers that wait for it.
    pub(in crate::registry) fn work_goes_on(&mut self, ctx: &mut Ctx<'_>) {
        if mem::replace(&mut self.reader, Reader::Takes) == Reader::LeavesAnswers {
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

    /// A heartbeat was refused: there is no such lease, or no longer.
    pub(super) fn heartbeat_refused(&mut self, ctx: &mut Ctx<'_>, lease: LeaseId) {
        match self.policy.refused {
            Refused::RegistersAnew => self.lost(ctx, lease, Until::Turn),
            Refused::GivesUp => {
                if matches!(self.state, State::Registered(tenure) if tenure.lease == lease) {
                    self.end_claim(ctx, ClaimEnd::ToldLost);
                    self.let_run_out(ctx);
                }
            }
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
