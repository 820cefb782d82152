//! A membership: registers, keeps the registration alive, and gives it back.
//!
//! It is the same for an application that speaks for itself and for a sidecar that speaks for one. Whoever has it
//! says when a heartbeat may leave ([`Membership::beat`]): whose thread that is, and what it waits for, is theirs.
//!
//! A registration is no lock. When its own claim lapses it goes on and keeps asking at its cadence: the lease may well
//! live, by grace, or because only answers were lost, and to register anew would end it, for all who watch to see.
//! It registers anew when it is told that the lease is over. A registry that forgot it says so too.

mod beats;
mod keeping;
mod leaving;
mod timer;

use alloc::sync::Arc;

use leasehold_core::clock::Reading;
use leasehold_core::event::{ClaimEnd, Health, NodeEvent, RegistryEvent};
use leasehold_core::id::{Epoch, LeaseId, NodeId, RequestId, ResourceId};
use leasehold_core::node::Context;
use leasehold_core::time::Span;

use self::beats::Beats;
pub(super) use self::timer::Timer;
use super::RegistryProtocol;
use super::message::{Offer, RegistryMessage};
use super::policy::{Cadence, ComesBack, MemberPolicy, RegisteredAnew};

pub(super) type Ctx<'a> = Context<'a, RegistryProtocol>;

/// The registration of one member, from the member's side.
#[derive(Debug)]
pub(super) struct Membership {
    policy: MemberPolicy,
    member: ResourceId,
    offers: Arc<[Offer]>,
    registry: NodeId,
    /// What it says of itself.
    health: Health,
    last_request: RequestId,
    /// How often it was registered.
    registrations: u32,
    /// How often it was refused since it was last registered.
    refusals: u32,
    /// How many heartbeats it has sent since one was answered.
    unanswered: u32,
    beats: Beats,
    heart: Heart,
    reader: Reader,
    /// Since when it looks whether a heartbeat is due; nothing before it wanted to be registered.
    looks_since: Option<Reading>,
    state: State,
}

/// Whether heartbeats leave while it is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heart {
    Beats,
    /// They have ended, and nobody starts them again under this registration.
    Stopped,
}

/// Whether its work takes the answers to heartbeats out of the channel that they are handed over by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// At once.
    Takes,
    /// Not now, and none waits for it.
    Stalls,
    /// Not now, and some wait for it.
    LeavesAnswers,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It is not registered, and does not want to be.
    Out,
    /// It lets some time go by before it registers.
    Biding(Until),
    /// It was taken off the list as unable, and waits until it is able.
    Convalescing,
    /// It has asked to be registered.
    Registering(Asked),
    /// It is registered.
    Registered(Tenure),
    /// It has asked to be deregistered.
    Leaving(Return),
}

/// What a member waits for before it registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// For its turn.
    Turn,
    /// For its turn, and to be ready: its lease was taken from it.
    TurnAndReady,
}

/// A request that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    request: RequestId,
    /// When it was sent for the first time.
    first_sent: Reading,
    tries: u32,
}

/// A registration that the registry has confirmed.
#[derive(Clone, Copy, Debug)]
struct Tenure {
    lease: LeaseId,
    epoch: Epoch,
    ttl: Span,
    /// When its term is over on its own clock, whatever it gives up of it.
    over_at: Reading,
    /// Until when it takes itself to be registered. Nothing if that is over, or never began.
    claimed_until: Option<Reading>,
    has_lapsed: bool,
}

/// A registration that it gives back.
#[derive(Clone, Copy, Debug)]
struct Return {
    lease: LeaseId,
    epoch: Epoch,
    asked: Asked,
    then: Then,
}

/// What a member does once it is deregistered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    StayOut,
    ComeBack,
}

/// Whether a member is off the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// It is, by an answer of the registry, or because it has no registration that it knows of.
    Off,
    /// It may still be on it.
    Unsettled,
}

impl Membership {
    /// A membership of `member` with its instances, at `registry`.
    pub(super) fn new(
        policy: MemberPolicy,
        member: ResourceId,
        offers: Arc<[Offer]>,
        registry: NodeId,
    ) -> Self {
        Self {
            policy,
            member,
            offers,
            registry,
            health: Health::Ready,
            last_request: RequestId(0),
            registrations: 0,
            refusals: 0,
            unanswered: 0,
            beats: Beats::default(),
            heart: Heart::Beats,
            reader: Reader::Takes,
            looks_since: None,
            state: State::Out,
        }
    }

    fn now(&self, ctx: &Ctx<'_>) -> Reading {
        ctx.read(self.policy.clock)
    }

    fn ask(&mut self, ctx: &Ctx<'_>) -> Asked {
        self.last_request = self.last_request.next();
        Asked { request: self.last_request, first_sent: self.now(ctx), tries: 0 }
    }

    /// A request was sent just now: arms the timer for its next try.
    fn again_later(&self, ctx: &mut Ctx<'_>, asked: Asked) -> Asked {
        let wait = self.policy.retry.wait(asked.tries, |below| ctx.draw_below(below));
        ctx.arm(Timer::Retry, self.now(ctx) + wait);
        Asked { tries: asked.tries.saturating_add(1), ..asked }
    }

    // --- Registering ------------------------------------------------------------------------------------

    /// Wants to be registered from now on; anew if it is, as for another process of the application.
    pub(super) fn begin(&mut self, ctx: &mut Ctx<'_>) {
        let now = self.now(ctx);
        self.looks_since.get_or_insert(now);
        match &mut self.state {
            State::Leaving(returned) => returned.then = Then::ComeBack,
            State::Biding(_) | State::Convalescing => {}
            State::Out | State::Registering(_) => self.come_back(ctx, Until::Turn),
            State::Registered(_) => {
                self.end_claim(ctx, ClaimEnd::Released);
                self.come_back(ctx, Until::Turn);
            }
        }
    }

    /// Registers, at once or after a drawn wait.
    fn come_back(&mut self, ctx: &mut Ctx<'_>, until: Until) {
        ctx.disarm(Timer::Heartbeat);
        self.state = State::Biding(until);
        match self.policy.comes_back {
            ComesBack::Paced(longest) => {
                let wait = Span::from_nanos(ctx.draw_below(longest.as_nanos().saturating_add(1)));
                ctx.arm(Timer::Retry, self.now(ctx) + wait);
            }
            ComesBack::AtOnce => self.turn_has_come(ctx, until),
        }
    }

    fn turn_has_come(&mut self, ctx: &mut Ctx<'_>, until: Until) {
        if until == Until::TurnAndReady && self.health == Health::NotReady {
            self.state = State::Convalescing;
        } else {
            let asked = self.ask(ctx);
            self.send_register(ctx, asked);
        }
    }

    fn send_register(&mut self, ctx: &mut Ctx<'_>, asked: Asked) {
        ctx.send(
            self.registry,
            RegistryMessage::Register {
                member: self.member,
                incarnation: ctx.incarnation(),
                request: asked.request,
                ttl: self.policy.ttl,
                offers: self.offers.clone(),
                keys: self.policy.keys,
                health: self.health,
            },
        );
        self.state = State::Registering(self.again_later(ctx, asked));
    }

    fn registered(
        &mut self,
        ctx: &mut Ctx<'_>,
        answered: RequestId,
        lease: LeaseId,
        epoch: Epoch,
        ttl: Span,
    ) {
        match self.state {
            State::Registering(asked) if asked.request == answered => {
                ctx.disarm(Timer::Retry);
                self.heart = match (self.registrations, self.policy.registered_anew) {
                    (0, _) | (_, RegisteredAnew::HeartbeatsGoOn) => Heart::Beats,
                    (_, RegisteredAnew::HeartbeatsStayAway) => Heart::Stopped,
                };
                self.registrations = self.registrations.saturating_add(1);
                self.refusals = 0;
                self.unanswered = 0;
                self.beats = Beats::default();
                let over_at = asked.first_sent + ttl;
                let tenure = Tenure { lease, epoch, ttl, over_at, claimed_until: None, has_lapsed: false };
                self.state = State::Registered(tenure);
                self.extend(ctx, asked.first_sent, ttl);
                let is_confirmed =
                    !self.now(ctx).has_reached(asked.first_sent + self.policy.margin.term(ttl));
                let since = match self.policy.cadence {
                    Cadence::FromAnswer if is_confirmed => self.now(ctx),
                    Cadence::Fixed | Cadence::FromAnswer => asked.first_sent,
                };
                self.next_beat(ctx, since);
            }
            State::Registered(Tenure { lease: mine, .. }) | State::Leaving(Return { lease: mine, .. })
                if mine == lease => {}
            // Nobody here waits for this one: it is given back, lest it be listed until it expires.
            _ => {
                let request = self.ask(ctx).request;
                let member = self.member;
                ctx.emit(NodeEvent::Registry(RegistryEvent::DeregistrationSent { member, lease }));
                ctx.send(self.registry, RegistryMessage::Deregister { member, lease, epoch, request });
            }
        }
    }

    /// That request is finished. The next is another one, so that a claim is not counted from this.
    fn refused(&mut self, ctx: &mut Ctx<'_>, request: RequestId, retry_after: Span) {
        if matches!(self.state, State::Registering(asked) if asked.request == request) {
            let retry = self.policy.retry;
            let wait = retry.wait(self.refusals, |below| ctx.draw_below(below));
            let told = retry.stretch(retry_after, |below| ctx.draw_below(below));
            ctx.arm(Timer::Retry, self.now(ctx) + wait.max(told));
            self.refusals = self.refusals.saturating_add(1);
            self.state = State::Biding(Until::Turn);
        }
    }

    pub(super) fn is_registered(&self) -> bool {
        matches!(self.state, State::Registered(_))
    }

    // --- Inputs -----------------------------------------------------------------------------------------

    /// The time to ask again, or to ask at last, has come.
    pub(super) fn retry(&mut self, ctx: &mut Ctx<'_>) {
        match self.state {
            State::Biding(until) => self.turn_has_come(ctx, until),
            State::Registering(asked) => self.send_register(ctx, asked),
            State::Leaving(returned) => self.send_deregister(ctx, returned),
            State::Out | State::Convalescing | State::Registered(_) => {}
        }
    }

    /// The registry says something.
    pub(super) fn received(&mut self, ctx: &mut Ctx<'_>, message: &RegistryMessage) -> Listing {
        match *message {
            // An answer to an earlier process is nobody's: no request of this one matches.
            RegistryMessage::Registered { incarnation, request, lease, epoch, ttl, .. } => {
                let answered = if incarnation == ctx.incarnation() { request } else { RequestId(0) };
                self.registered(ctx, answered, lease, epoch, ttl);
            }
            RegistryMessage::RegisterRefused { incarnation, request, retry_after, .. }
                if incarnation == ctx.incarnation() =>
            {
                self.refused(ctx, request, retry_after);
            }
            RegistryMessage::HeartbeatTaken { lease, number, ttl } => {
                self.heartbeat_taken(ctx, lease, number, ttl);
            }
            RegistryMessage::HeartbeatRefused { lease, .. } => self.heartbeat_refused(ctx, lease),
            RegistryMessage::Revoked { lease } => self.lost(ctx, lease, Until::TurnAndReady),
            RegistryMessage::Deregistered { lease, request } => {
                return self.deregistered(ctx, lease, request);
            }
            _ => {}
        }
        Listing::Unsettled
    }
}
