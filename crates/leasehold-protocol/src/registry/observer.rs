//! An observer: probes every application, and tells the registry of those that do not answer.
//!
//! It asks whether the process runs: that is what a registry that hears nothing of somebody wants to know of others.
//! Whether it can do its work, whoever answers says as well.
//!
//! It probes one after the other, spread over the interval, so that its load is even. What it has found out it says
//! when that changes, and in each round while somebody is not well: an observer of a healthy fleet says nothing.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::event::Health;
use leasehold_core::id::{NodeId, TimerId};
use leasehold_core::node::{Context, Input, Node};
use leasehold_core::time::Span;

use super::message::{ProbeKind, RegistryMessage};
use super::policy::ObserverPolicy;
use super::{Places, RegistryProtocol};

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// The only timer: when to probe the next, or when an answer is late.
const TURN: TimerId = TimerId(0);

/// In so many rounds a change is told, because what tells of it may be lost. Chosen by us.
const TOLD_AGAIN: u32 = 3;

/// An answer that is looked for later than this may have come while the observer slept. Chosen by us.
const ASLEEP: Span = Span::from_millis(10);

/// An observer.
#[derive(Debug)]
pub struct Observer {
    policy: ObserverPolicy,
    places: Arc<Places>,
    started: Option<Reading>,
    /// Rounds of this process are numbered after all those of earlier ones.
    first_round: u64,
    /// How many turns there were: the number of the next probe. Turns go round all members.
    turn: u64,
    /// Probes that are under way, or were answered since; and when their answers are late.
    under_way: VecDeque<(u64, Reading)>,
    /// By their place in the list of members.
    watched: Vec<Watched>,
}

/// What it knows of one member.
#[derive(Clone, Copy, Debug)]
struct Watched {
    /// The probe that is not answered.
    awaits: Option<u64>,
    verdict: Verdict,
    /// How often in a row it saw something else.
    others: u32,
    /// In how many rounds it is yet to tell of a change.
    to_tell: u32,
}

/// What an observer takes to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It has not seen enough.
    Open,
    /// So it answers; nothing if it does not.
    Found(Option<Health>),
}

impl Observer {
    /// An observer of all members, for the registry.
    pub fn new(policy: ObserverPolicy, places: Arc<Places>) -> Self {
        let nothing = Watched { awaits: None, verdict: Verdict::Open, others: 0, to_tell: 0 };
        let watched = places.members.iter().map(|_| nothing).collect();
        Self { policy, places, started: None, first_round: 0, turn: 0, under_way: VecDeque::new(), watched }
    }

    fn members(&self) -> u64 {
        self.watched.len() as u64
    }

    /// Whose turn this is, or was.
    fn index(&self, turn: u64) -> usize {
        (turn % self.members()) as usize
    }

    /// When this turn comes.
    fn turn_comes(&self, started: Reading, turn: u64) -> Reading {
        started + self.policy.probe.every.scale(turn, self.members())
    }

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if !self.watched.is_empty() {
            self.started = Some(ctx.read(self.policy.clock));
            self.first_round = u64::from(ctx.incarnation().0) << 32;
            self.go_on(ctx);
        }
    }

    /// Does what is due, and arms the timer for what comes next.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        let Some(started) = self.started else { return };
        let now = ctx.read(self.policy.clock);
        self.miss_those_that_are_late(ctx, now);
        if now.has_reached(self.turn_comes(started, self.turn)) {
            // Turns that it slept through are left out.
            let since = now.saturating_since(started).as_nanos();
            let every = self.policy.probe.every.as_nanos().max(1);
            let turns = u128::from(since) * u128::from(self.members()) / u128::from(every);
            self.turn = self.turn.max(u64::try_from(turns).unwrap_or(u64::MAX));
            self.probe(ctx, now);
        }
        let turn = self.turn_comes(started, self.turn);
        let next = match self.under_way.front() {
            Some(&(_, late)) if turn.has_reached(late) => late,
            _ => turn,
        };
        ctx.arm(TURN, next);
    }

    fn probe(&mut self, ctx: &mut Ctx<'_>, now: Reading) {
        let (number, index) = (self.turn, self.index(self.turn));
        self.turn += 1;
        self.watched[index].awaits = Some(number);
        self.under_way.push_back((number, now + self.policy.probe.timeout));
        let to = self.places.members[index].application;
        ctx.send(to, RegistryMessage::Probe { number, kind: ProbeKind::Liveness });
    }

    /// Forgets the oldest probes that are answered, and counts those that are not in time.
    fn miss_those_that_are_late(&mut self, ctx: &mut Ctx<'_>, now: Reading) {
        while let Some(&(number, late)) = self.under_way.front() {
            let index = self.index(number);
            if self.watched[index].awaits == Some(number) {
                if !now.has_reached(late) {
                    break;
                }
                self.watched[index].awaits = None;
                if now.saturating_since(late) <= ASLEEP {
                    self.saw(ctx, number, None);
                }
            }
            self.under_way.pop_front();
        }
    }

    fn answered(&mut self, ctx: &mut Ctx<'_>, from: NodeId, number: u64, health: Health) {
        if self.watched.is_empty() {
            return;
        }
        let index = self.index(number);
        let is_asked = self.places.members[index].application == from;
        if is_asked && self.watched[index].awaits == Some(number) {
            self.watched[index].awaits = None;
            self.saw(ctx, number, Some(health));
        }
    }

    /// A probe came out like this.
    fn saw(&mut self, ctx: &mut Ctx<'_>, number: u64, health: Option<Health>) {
        let (index, probe) = (self.index(number), self.policy.probe);
        let watched = &mut self.watched[index];
        if watched.verdict == Verdict::Found(health) {
            watched.others = 0;
        } else {
            watched.others += 1;
            let needed = if health == Some(Health::Ready) { probe.rise } else { probe.fall };
            if watched.others >= needed {
                watched.verdict = Verdict::Found(health);
                (watched.others, watched.to_tell) = (0, TOLD_AGAIN);
            }
        }
        let Verdict::Found(found) = watched.verdict else { return };
        if watched.to_tell > 0 || found != Some(Health::Ready) {
            watched.to_tell = watched.to_tell.saturating_sub(1);
            let member = self.places.members[index].member;
            let round = self.first_round + number / self.members();
            ctx.send(self.places.registry, RegistryMessage::Observed { member, round, health: found });
        }
    }
}

impl Node<RegistryProtocol> for Observer {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<RegistryProtocol>) {
        match input {
            // It keeps nothing on disk: it finds out again.
            Input::Started | Input::Restarted { .. } => self.start(ctx),
            Input::Received { from, message: RegistryMessage::ProbeAnswer { number, health, .. } } => {
                self.answered(ctx, from, number, health);
            }
            Input::Timer(_) => self.go_on(ctx),
            Input::Received { .. } | Input::Persisted(_) | Input::Command(_) => {}
        }
    }
}
