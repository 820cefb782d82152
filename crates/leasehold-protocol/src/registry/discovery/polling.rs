//! The polls of whoever keeps a view: rounds at a fixed distance, each repeated until it is answered.

use leasehold_core::clock::Reading;
use leasehold_core::event::Asked;
use leasehold_core::id::{RequestId, Revision};
use leasehold_core::node::Context;
use leasehold_core::time::Span;

use super::super::RegistryProtocol;
use super::super::message::RegistryMessage;
use super::super::policy::DiscoveryPolicy;
use super::sent::Sent;
use super::timer::Timer;
use super::turns::Turns;

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// Polls, every so often.
#[derive(Clone, Debug)]
pub(super) struct Polling {
    turns: Turns,
    /// What it asks for.
    asked: Asked,
    /// How often.
    every: Span,
    requests: Sent,
    round: Option<Round>,
}

/// A poll, and what comes of it.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// When it was first asked.
    began: Reading,
    /// Its first request.
    first: u64,
    tries: u32,
    is_answered: bool,
}

impl Polling {
    /// One that has not begun. Its requests are numbered after this.
    pub(super) fn new(turns: Turns, asked: Asked, every: Span, request: u64) -> Self {
        Self { turns, asked, every, requests: Sent::after(request), round: None }
    }

    /// Whether it polls at present.
    pub(super) fn is_on(&self) -> bool {
        self.round.is_some()
    }

    /// Polls now, and every so often from now on.
    pub(super) fn begin(&mut self, ctx: &mut Ctx<'_>, policy: &DiscoveryPolicy, known: Option<Revision>) {
        let began = ctx.read(policy.clock);
        let first = self.requests.last().wrapping_add(1);
        self.ask(ctx, policy, Round { began, first, tries: 0, is_answered: false }, known);
    }

    /// Polls no more.
    pub(super) fn stop(&mut self, ctx: &mut Ctx<'_>) {
        if self.round.take().is_some() {
            ctx.disarm(Timer::Poll);
        }
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>, policy: &DiscoveryPolicy, round: Round, known: Option<Revision>) {
        let now = ctx.read(policy.clock);
        let request = RequestId(self.requests.send(now));
        ctx.send(self.turns.next(), RegistryMessage::Query { request, asked: self.asked, known });
        let wait = policy.retry.wait(round.tries, |below| ctx.draw_below(below));
        ctx.arm(Timer::Poll, now + wait);
        self.round = Some(round);
    }

    /// Its timer has come.
    pub(super) fn timer(&mut self, ctx: &mut Ctx<'_>, policy: &DiscoveryPolicy, known: Option<Revision>) {
        match self.round {
            Some(round) if !round.is_answered => {
                self.turns.unanswered();
                let tries = round.tries.saturating_add(1);
                self.ask(ctx, policy, Round { tries, ..round }, known);
            }
            Some(_) => self.begin(ctx, policy, known),
            None => {}
        }
    }

    /// A request was answered: when it had not been sent yet. Nothing if it was not sent.
    pub(super) fn answered(&mut self, ctx: &mut Ctx<'_>, request: RequestId) -> Option<Reading> {
        let sent = self.requests.not_after(request.0)?;
        if let Some(round) = &mut self.round
            && !round.is_answered
            && request.0 >= round.first
        {
            round.is_answered = true;
            // If that has passed, the timer comes at once.
            ctx.arm(Timer::Poll, round.began + self.every);
        }
        Some(sent)
    }
}
