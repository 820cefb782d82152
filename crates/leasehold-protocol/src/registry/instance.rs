//! An application: works, is ready or not, answers, and keeps its registration or has its sidecar do so.
//!
//! Three things that look alike are told apart: whether its process runs, whether its work makes progress, and whether
//! it is ready to be called. A process whose work stands still looks well from outside: it is ready, for all that it
//! says, and answers probes. It is the thread of its heartbeats that has to look at the work.
//!
//! Whatever can be reckoned when it is asked for has no timer: an application that has nothing to tell costs nothing
//! but its heartbeats.

mod readiness;
mod work;

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::event::{Health, NodeEvent, RegistryEvent};
use leasehold_core::id::NodeId;
use leasehold_core::node::{Input, Node};
use leasehold_core::time::Span;

use self::readiness::{By, Readiness};
use self::work::Work;
use super::member::{Ctx, Listing, Membership, Timer};
use super::message::{ProbeKind, RegistryMessage};
use super::policy::{HeartbeatThread, Leaves, MemberPolicy};
use super::{MemberPlace, RegistryCommand, RegistryProtocol};

/// An application.
#[derive(Debug)]
pub struct Instance {
    policy: MemberPolicy,
    place: MemberPlace,
    registry: NodeId,
    /// Nothing if a sidecar has it.
    membership: Option<Membership>,
    life: Life,
    /// Nothing before its start.
    started: Option<Reading>,
    work: Work,
    readiness: Readiness,
    /// Whether a heartbeat waits for the work's thread.
    owes_heartbeat: bool,
    /// The latest probe of each who waits for an answer of the work's thread.
    owed: Vec<(NodeId, u64)>,
    /// How often it asked its sidecar to be taken off the list.
    tries: u32,
}

/// Where an application is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// It is there to stay.
    Serving,
    /// It works, and asks to be taken off the list.
    Leaving,
    /// It is off the list, and answers those that do not know yet.
    Draining,
    /// It has stopped, and asks to be taken off the list.
    Closing,
    /// It has stopped. Its process runs, and does nothing.
    Stopped,
}

impl Life {
    const fn works(self) -> bool {
        matches!(self, Self::Serving | Self::Leaving | Self::Draining)
    }
}

impl Instance {
    /// The application at `place`, registered at `registry`.
    pub fn new(policy: MemberPolicy, place: MemberPlace, registry: NodeId) -> Self {
        let membership = match place.sidecar {
            Some(_) => None,
            None => Some(Membership::new(policy, place.member, place.offers.clone(), registry)),
        };
        Self {
            policy,
            place,
            registry,
            membership,
            life: Life::Serving,
            started: None,
            work: Work::new(policy.work.task, Reading::new(policy.clock, 0)),
            readiness: Readiness::default(),
            owes_heartbeat: false,
            owed: Vec::new(),
            tries: 0,
        }
    }

    fn now(&self, ctx: &Ctx<'_>) -> Reading {
        ctx.read(self.policy.clock)
    }

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        let now = self.now(ctx);
        self.started = Some(now);
        self.work = Work::new(self.policy.work.task, now);
        if let Some(flaps) = self.policy.work.flaps {
            ctx.arm(Timer::Flap, now + flaps.ready);
        }
        match &mut self.membership {
            Some(membership) => membership.begin(ctx),
            None => self.tell_progress(ctx),
        }
    }

    // --- Work -------------------------------------------------------------------------------------------

    fn stop_work(&mut self, ctx: &mut Ctx<'_>) {
        let now = self.now(ctx);
        if self.life.works() && self.work.stop(now) {
            ctx.emit(NodeEvent::Registry(RegistryEvent::WorkStopped { member: self.place.member }));
            if let Some(membership) = &mut self.membership {
                membership.work_stalls();
            }
            ctx.disarm(Timer::Progress);
            if let (Some(_), Some(stalls)) = (&self.membership, self.silent_from()) {
                ctx.arm(Timer::Progress, stalls);
            }
        }
    }

    fn go_on_working(&mut self, ctx: &mut Ctx<'_>) {
        let now = self.now(ctx);
        let was_silent = self.is_silent(now);
        if !self.work.go_on(now) {
            return;
        }
        ctx.emit(NodeEvent::Registry(RegistryEvent::WorkWentOn { member: self.place.member }));
        ctx.disarm(Timer::Progress);
        if let Some(membership) = &mut self.membership {
            membership.work_goes_on(ctx);
        }
        if !self.owed.is_empty() {
            self.answer_all(ctx);
        }
        match &mut self.membership {
            None => self.tell_progress(ctx),
            Some(membership) if was_silent && self.life == Life::Serving => membership.begin(ctx),
            Some(membership) if core::mem::take(&mut self.owes_heartbeat) => membership.beat(ctx),
            Some(_) => {}
        }
    }

    /// When the thread of its heartbeats falls silent because of its work.
    fn silent_from(&self) -> Option<Reading> {
        match self.policy.thread {
            HeartbeatThread::Supervised => self.work.stalls_at(self.policy.work.progress),
            HeartbeatThread::Apart | HeartbeatThread::OfTheWork => None,
        }
    }

    fn is_silent(&self, now: Reading) -> bool {
        self.silent_from().is_some_and(|stalls| now.has_reached(stalls))
    }

    /// The time has come to look after its progress: to tell the sidecar, or to own that there is none.
    fn progress_due(&mut self, ctx: &mut Ctx<'_>) {
        match &mut self.membership {
            None => self.tell_progress(ctx),
            // It waits for nothing: if that is not answered, its lease runs out all the same.
            Some(membership) if self.life == Life::Serving => {
                let _ = membership.deregister(ctx);
            }
            Some(_) => {}
        }
    }

    /// Tells its sidecar how it is, and arms the timer for when to do so again: four times in the time after which it
    /// would be given up, so that three may be lost. Chosen by us.
    fn tell_progress(&mut self, ctx: &mut Ctx<'_>) {
        let Some(sidecar) = self.place.sidecar else { return };
        if self.work.stands_still() || !self.life.works() {
            return;
        }
        let now = self.now(ctx);
        let (done, health) = (self.work.done(now), self.readiness.said());
        ctx.send(sidecar, RegistryMessage::Progress { incarnation: ctx.incarnation(), done, health });
        ctx.arm(Timer::Progress, self.work.after_tasks_of(self.policy.work.progress.scale(1, 4), now));
    }

    // --- Heartbeats and health --------------------------------------------------------------------------

    /// A heartbeat is due. It leaves when its thread gets to it.
    fn heartbeat_due(&mut self, ctx: &mut Ctx<'_>) {
        let now = self.now(ctx);
        let is_silent = self.is_silent(now);
        let Some(membership) = &mut self.membership else { return };
        match self.policy.thread {
            HeartbeatThread::Supervised if is_silent => {
                let _ = membership.deregister(ctx);
            }
            HeartbeatThread::Supervised | HeartbeatThread::Apart => membership.beat(ctx),
            HeartbeatThread::OfTheWork if self.work.stands_still() => self.owes_heartbeat = true,
            // Its task is done: a timer may come a little later than it was armed for, so that is not asked again.
            HeartbeatThread::OfTheWork if self.owes_heartbeat => {
                self.owes_heartbeat = false;
                membership.beat(ctx);
            }
            HeartbeatThread::OfTheWork => self.owe_heartbeat(ctx),
        }
    }

    /// A heartbeat leaves when the task is done that is being worked at.
    fn owe_heartbeat(&mut self, ctx: &mut Ctx<'_>) {
        let now = self.now(ctx);
        self.owes_heartbeat = true;
        ctx.arm(Timer::Heartbeat, self.work.task_ends(now));
    }

    /// It is ready from now on, or is no more.
    fn turn(&mut self, ctx: &mut Ctx<'_>, by: By, health: Health) {
        if self.life.works() && self.readiness.turn(by, health) {
            let (member, readiness) = (self.place.member, self.readiness.truth());
            ctx.emit(NodeEvent::Registry(RegistryEvent::ReadinessChanged { member, readiness }));
            self.look_later(ctx);
        }
    }

    /// Arms the timer for its next look, on a grid of its own.
    fn look_later(&mut self, ctx: &mut Ctx<'_>) {
        if !self.readiness.is_in_doubt() {
            return ctx.disarm(Timer::Look);
        }
        let (now, every) = (self.now(ctx), self.policy.work.readiness.max(Span::from_nanos(1)));
        let started = self.started.unwrap_or(now);
        let looks = now.saturating_since(started).as_nanos() / every.as_nanos();
        ctx.arm(Timer::Look, started + every.scale(looks + 1, 1));
    }

    fn look(&mut self, ctx: &mut Ctx<'_>) {
        let says_otherwise = self.readiness.look(self.policy.hysteresis);
        self.look_later(ctx);
        if !says_otherwise {
            return;
        }
        let health = self.readiness.said();
        let sends_now = match &mut self.membership {
            Some(membership) => membership.report(ctx, health),
            None => {
                self.tell_progress(ctx);
                false
            }
        };
        match self.policy.thread {
            _ if !sends_now || self.owes_heartbeat => {}
            HeartbeatThread::OfTheWork => self.owe_heartbeat(ctx),
            HeartbeatThread::Supervised | HeartbeatThread::Apart => self.heartbeat_due(ctx),
        }
    }

    fn flap(&mut self, ctx: &mut Ctx<'_>) {
        let (Some(flaps), now) = (self.policy.work.flaps, self.now(ctx)) else { return };
        let (becomes, lasts) = match self.readiness.own() {
            Health::Ready => (Health::NotReady, flaps.unready),
            Health::NotReady => (Health::Ready, flaps.ready),
        };
        ctx.arm(Timer::Flap, now + lasts);
        self.turn(ctx, By::Itself, becomes);
    }

    // --- Answers ----------------------------------------------------------------------------------------

    /// Somebody wants to know how it is. That is answered by the thread of its heartbeats: that it lives, whatever the
    /// work does; that it can work, not when that stands still.
    fn probed(&mut self, ctx: &mut Ctx<'_>, by: NodeId, number: u64, kind: ProbeKind) {
        let now = self.now(ctx);
        let answers = kind == ProbeKind::Liveness || !self.is_silent(now);
        if !self.life.works() || !answers {
            return;
        }
        if self.policy.thread != HeartbeatThread::OfTheWork {
            return self.answer_probe(ctx, by, number);
        }
        self.owed.retain(|(asker, _)| *asker != by);
        self.owed.push((by, number));
        if !self.work.stands_still() {
            ctx.arm(Timer::Answer, self.work.task_ends(now));
        }
    }

    fn answer_probe(&mut self, ctx: &mut Ctx<'_>, to: NodeId, number: u64) {
        let (incarnation, health) = (ctx.incarnation(), self.readiness.truth());
        ctx.send(to, RegistryMessage::ProbeAnswer { number, incarnation, health });
        if let Some(membership) = &mut self.membership
            && to == self.registry
        {
            membership.answered_probe(ctx);
        }
    }

    /// The thread of the work is free to answer; if it stands still it never is.
    fn answer_all(&mut self, ctx: &mut Ctx<'_>) {
        if !self.work.stands_still() {
            for (by, number) in core::mem::take(&mut self.owed) {
                self.answer_probe(ctx, by, number);
            }
        }
    }

    // --- Leaving ----------------------------------------------------------------------------------------

    fn leave(&mut self, ctx: &mut Ctx<'_>) {
        if self.life != Life::Serving {
            return;
        }
        ctx.emit(NodeEvent::Withdrew { resource: self.place.member });
        match self.policy.leaves {
            Leaves::DeregistersThenStops => {
                self.life = Life::Leaving;
                self.ask_to_be_taken_off(ctx);
            }
            Leaves::StopsThenDeregisters => {
                self.stop(ctx, Life::Closing);
                self.ask_to_be_taken_off(ctx);
            }
            Leaves::JustStops => {
                if let Some(membership) = &mut self.membership {
                    membership.let_run_out(ctx);
                }
                self.stop(ctx, Life::Stopped);
            }
        }
    }

    /// It works no more, and does nothing but what `life` wants.
    fn stop(&mut self, ctx: &mut Ctx<'_>, life: Life) {
        Timer::OF_AN_APPLICATION.into_iter().for_each(|timer| ctx.disarm(timer));
        self.owed.clear();
        self.life = life;
    }

    fn ask_to_be_taken_off(&mut self, ctx: &mut Ctx<'_>) {
        match &mut self.membership {
            Some(membership) => {
                if membership.deregister(ctx) == Listing::Off {
                    self.is_off(ctx);
                }
            }
            None => self.ask_sidecar(ctx),
        }
    }

    fn ask_sidecar(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(sidecar) = self.place.sidecar {
            ctx.send(sidecar, RegistryMessage::Leave { incarnation: ctx.incarnation() });
            let wait = self.policy.retry.wait(self.tries, |below| ctx.draw_below(below));
            self.tries = self.tries.saturating_add(1);
            ctx.arm(Timer::Leave, self.now(ctx) + wait);
        }
    }

    /// It is off the list.
    fn is_off(&mut self, ctx: &mut Ctx<'_>) {
        match self.life {
            Life::Leaving => {
                ctx.disarm(Timer::Progress);
                ctx.arm(Timer::Leave, self.now(ctx) + self.policy.drain);
                self.life = Life::Draining;
            }
            Life::Closing => self.stop(ctx, Life::Stopped),
            Life::Serving | Life::Draining | Life::Stopped => {}
        }
    }

    /// Whether it has gone without a word. Who leaves otherwise still gives back a registration that comes late.
    fn has_just_stopped(&self) -> bool {
        self.life == Life::Stopped && self.policy.leaves == Leaves::JustStops
    }

    // --- Inputs -----------------------------------------------------------------------------------------

    fn timer(&mut self, ctx: &mut Ctx<'_>, timer: Timer) {
        match timer {
            Timer::Retry => {
                if let Some(membership) = &mut self.membership {
                    membership.retry(ctx);
                }
            }
            Timer::Heartbeat => self.heartbeat_due(ctx),
            Timer::Progress => self.progress_due(ctx),
            Timer::Look => self.look(ctx),
            Timer::Flap => self.flap(ctx),
            Timer::Answer => self.answer_all(ctx),
            Timer::Leave => match self.life {
                Life::Draining => self.stop(ctx, Life::Stopped),
                Life::Leaving | Life::Closing => self.ask_sidecar(ctx),
                Life::Serving | Life::Stopped => {}
            },
        }
    }

    fn received(&mut self, ctx: &mut Ctx<'_>, from: NodeId, message: &RegistryMessage) {
        match *message {
            RegistryMessage::Probe { number, kind } => self.probed(ctx, from, number, kind),
            // Whoever is not ready, or does not get on, lets its callers wait.
            RegistryMessage::Call { number, instance } => {
                let is_here = self.place.offers.iter().any(|offer| offer.instance == instance);
                let can = self.readiness.truth() == Health::Ready && !self.work.stands_still();
                if is_here && can && self.life.works() {
                    ctx.send(from, RegistryMessage::CallDone { number, instance });
                }
            }
            RegistryMessage::Left { incarnation } => {
                if incarnation == ctx.incarnation() {
                    self.is_off(ctx);
                }
            }
            _ if self.has_just_stopped() => {}
            _ => {
                let Some(membership) = &mut self.membership else { return };
                let listing = membership.received(ctx, message);
                self.owes_heartbeat &= membership.is_registered();
                if listing == Listing::Off {
                    self.is_off(ctx);
                }
            }
        }
    }
}

impl Node<RegistryProtocol> for Instance {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<RegistryProtocol>) {
        match input {
            // It keeps nothing on disk: a new process begins from nothing, under a new incarnation.
            Input::Started | Input::Restarted { .. } => self.start(ctx),
            Input::Received { from, message } => self.received(ctx, from, &message),
            Input::Timer(id) => self.timer(ctx, Timer::from_id(id)),
            Input::Command(RegistryCommand::Deregister) => self.leave(ctx),
            Input::Command(RegistryCommand::StopWork) => self.stop_work(ctx),
            Input::Command(RegistryCommand::GoOnWorking) => self.go_on_working(ctx),
            Input::Command(RegistryCommand::TurnUnready) => self.turn(ctx, By::Another, Health::NotReady),
            Input::Command(RegistryCommand::TurnReady) => self.turn(ctx, By::Another, Health::Ready),
            Input::Persisted(_) | Input::Command(_) => {}
        }
    }
}
