//! The watch of whoever keeps a view: one stream of changes at a time, and the pings that date it.

use leasehold_core::clock::Reading;
use leasehold_core::id::{NodeId, Revision};
use leasehold_core::node::Context;
use leasehold_core::time::Span;

use super::super::RegistryProtocol;
use super::super::message::RegistryMessage;
use super::super::policy::DiscoveryPolicy;
use super::sent::Sent;
use super::timer::Timer;
use super::turns::Turns;

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// A watch.
#[derive(Clone, Debug)]
pub(super) struct Watching {
    turns: Turns,
    source: NodeId,
    stream: u64,
    pings: Sent,
    state: State,
    /// Whether it asks for all there is.
    begins: Begins,
}

/// What a watch begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// With what changed since the view.
    AtTheView,
    /// With all there is.
    WithAll,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It is asked for: what changed since this revision, if it was not all there is. Whether something came already
    /// that overtook the answer.
    Asked { tries: u32, from: Option<Revision>, is_overtaken: bool },
    /// It was answered.
    Lives { heard: Reading, next_ping: Reading },
}

/// What a watch's timer has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing that matters to others.
    Nothing,
    /// Nobody answers: it asks again.
    Unanswered,
    /// Nothing was heard for too long: it is dead.
    Dead,
}

impl Watching {
    /// One that has not begun. Its streams are numbered after this.
    pub(super) fn new(turns: Turns, stream: u64) -> Self {
        Self {
            turns,
            source: NodeId(0),
            stream,
            pings: Sent::after(u64::MAX),
            state: State::Asked { tries: 0, from: None, is_overtaken: false },
            begins: Begins::AtTheView,
        }
    }

    /// Whether a message from there is of this watch.
    pub(super) fn is_of(&self, from: NodeId, stream: u64) -> bool {
        (from, stream) == (self.source, self.stream)
    }

    /// When the ping that was heard had not been sent yet.
    pub(super) fn dated(&self, heard: u64) -> Option<Reading> {
        self.pings.not_after(heard)
    }

    /// Begins a new stream; what still comes of the one before is not for it.
    pub(super) fn begin(
        &mut self,
        ctx: &mut Ctx<'_>,
        policy: &DiscoveryPolicy,
        begins: Begins,
        has: Option<Revision>,
    ) {
        self.source = self.turns.next();
        self.begins = begins;
        self.renumber();
        self.ask(ctx, policy, 0, has);
    }

    fn renumber(&mut self) {
        self.stream += 1;
        self.pings = Sent::after(u64::MAX);
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>, policy: &DiscoveryPolicy, tries: u32, has: Option<Revision>) {
        let now = ctx.read(policy.clock);
        let ping = self.pings.send(now);
        let from = has.filter(|_| self.begins == Begins::AtTheView);
        ctx.send(self.source, RegistryMessage::Watch { stream: self.stream, from, ping });
        let is_overtaken = tries > 0 && self.was_overtaken();
        self.state = State::Asked { tries, from, is_overtaken };
        let wait = policy.retry.wait(tries, |below| ctx.draw_below(below));
        ctx.arm(Timer::Watch, now + wait);
    }

    /// Whether this overtook the answer to what was asked for: it leads on from a revision that only the answer leads to.
    /// To ask again at once would throw that answer away, and the next one as well if it is overtaken too.
    pub(super) fn comes_early(&mut self, message: &RegistryMessage, has: Option<Revision>) -> bool {
        let (State::Asked { from, is_overtaken, .. }, RegistryMessage::Changes { after, upto, .. }) =
            (&mut self.state, message)
        else {
            return false;
        };
        let is_news = has.is_none_or(|has| has < *upto);
        let is_early = is_news && has != Some(*after) && *from != Some(*after);
        *is_overtaken |= is_early;
        is_early
    }

    /// Whether something came that did.
    pub(super) fn was_overtaken(&self) -> bool {
        matches!(self.state, State::Asked { is_overtaken: true, .. })
    }

    /// Whether it was answered.
    pub(super) fn lives(&self) -> bool {
        matches!(self.state, State::Lives { .. })
    }

    /// Something of it came. Tells whether that was the first.
    pub(super) fn heard(&mut self, ctx: &mut Ctx<'_>, policy: &DiscoveryPolicy) -> bool {
        let now = ctx.read(policy.clock);
        match &mut self.state {
            State::Lives { heard, .. } => {
                *heard = now;
                false
            }
            State::Asked { .. } => {
                // Watches that began together do not send their pings together.
                let phase = Span::from_nanos(ctx.draw_below(policy.ping.as_nanos()));
                self.begins = Begins::AtTheView;
                self.state = State::Lives { heard: now, next_ping: now + phase };
                self.wake(ctx, policy);
                true
            }
        }
    }

    /// Arms the timer for whatever is next: a ping, or the end of its patience.
    fn wake(&self, ctx: &mut Ctx<'_>, policy: &DiscoveryPolicy) {
        if let State::Lives { heard, next_ping } = self.state {
            let dead = heard + policy.dead_watch;
            ctx.arm(Timer::Watch, if next_ping.has_reached(dead) { dead } else { next_ping });
        }
    }

    /// Says how far the view is, by a ping that was sent before.
    pub(super) fn acknowledge(&self, ctx: &mut Ctx<'_>, revision: Revision) {
        let (stream, ping) = (self.stream, self.pings.last());
        ctx.send(self.source, RegistryMessage::WatchTaken { stream, revision, ping });
    }

    /// Its timer has come.
    pub(super) fn timer(
        &mut self,
        ctx: &mut Ctx<'_>,
        policy: &DiscoveryPolicy,
        has: Option<Revision>,
    ) -> Found {
        let now = ctx.read(policy.clock);
        match self.state {
            State::Asked { tries, .. } => {
                self.turns.unanswered();
                let before = core::mem::replace(&mut self.source, self.turns.next());
                if before != self.source {
                    self.renumber();
                }
                self.ask(ctx, policy, tries.saturating_add(1), has);
                Found::Unanswered
            }
            State::Lives { heard, .. } if now.has_reached(heard + policy.dead_watch) => {
                self.turns.unanswered();
                Found::Dead
            }
            State::Lives { heard, next_ping } => {
                if now.has_reached(next_ping) {
                    self.pings.send(now);
                    self.acknowledge(ctx, has.unwrap_or_default());
                    self.state = State::Lives { heard, next_ping: now + policy.ping };
                }
                self.wake(ctx, policy);
                Found::Nothing
            }
        }
    }
}
