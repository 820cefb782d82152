//! What a registry is asked, by members, clients and administrators.

use leasehold_core::event::{NodeEvent, Probe, RegistryEvent, Revocation};
use leasehold_core::node::Message;

use super::book::{Asked, Beat, Change, Found, Tenure, Wish};
use super::inbox::{Arrival, Letter};
use super::{Ctx, Named, Pace, Question, Registry, Timer};
use crate::registry::grace::Sighting;
use crate::registry::{RegistryCommand, RegistryMessage};

/// Whether a member is told that its lease was taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    Told,
    Untold,
}

impl Registry {
    /// A message reached the registry. It may have to wait its turn.
    pub(super) fn received(&mut self, ctx: &mut Ctx<'_>, letter: Letter) {
        match letter.1 {
            RegistryMessage::Heartbeat { member, lease, number, .. } => {
                ctx.emit(NodeEvent::Registry(RegistryEvent::HeartbeatArrived { member, lease, number }));
            }
            RegistryMessage::Register { member, .. } => {
                ctx.emit(NodeEvent::Registry(RegistryEvent::RegistrationArrived { member }));
            }
            _ => {}
        }
        let Some(inbox) = &mut self.inbox else { return self.serve(ctx, letter) };
        match inbox.arrived(letter) {
            Arrival::Served => self.work(ctx),
            Arrival::Waits => {}
            Arrival::Overflowed((from, dropped)) => {
                let (purpose, _) = dropped.class();
                ctx.emit(NodeEvent::Registry(RegistryEvent::MessageDropped { from, purpose }));
                ctx.probe(Probe::InboxOverflowed);
            }
        }
    }

    /// Works at the message at the head of the inbox.
    fn work(&self, ctx: &mut Ctx<'_>) {
        if let Some(policy) = self.policy.inbox {
            ctx.arm(Timer::Served, self.now(ctx) + policy.service);
        }
    }

    pub(super) fn served(&mut self, ctx: &mut Ctx<'_>) {
        let Some(inbox) = &mut self.inbox else { return };
        let done = inbox.served();
        if inbox.is_busy() {
            self.work(ctx);
        }
        if let Some(letter) = done {
            self.serve(ctx, letter);
        }
    }

    fn serve(&mut self, ctx: &mut Ctx<'_>, (from, message): Letter) {
        if let RegistryMessage::Register { .. }
        | RegistryMessage::Heartbeat { .. }
        | RegistryMessage::Deregister { .. }
        | RegistryMessage::ProbeAnswer { .. } = message
        {
            self.tell_of_late_sweep(ctx);
        }
        match message {
            RegistryMessage::Register { member, incarnation, request, ttl, offers, keys, health } => {
                let members = self.book.live();
                let proposed = self.book.grace().term(ttl, members, &mut |below| ctx.draw_below(below));
                let asked = Asked { member, node: from, incarnation, request };
                let wish = Wish { asked, ttl: self.policy.negotiate(proposed), offers, keys, health };
                self.apply(ctx, Some(Question::Registration), |book, now, changes| {
                    book.register(now, wish, changes);
                });
            }
            RegistryMessage::Heartbeat { member, lease, epoch, number, stamp, health } => {
                let beat = Beat { member, lease, epoch, number, stamp, health };
                self.apply(ctx, Some(Question::Heartbeat { from, beat }), |book, now, changes| {
                    book.heartbeat(now, beat, changes);
                });
            }
            RegistryMessage::Deregister { member, lease, epoch, request } => {
                let message = Named { lease, epoch, request };
                let question = Question::Deregistration { from, message };
                self.apply(ctx, Some(question), |book, now, changes| {
                    book.deregister(now, (member, lease, epoch), from, changes);
                });
            }
            RegistryMessage::ProbeAnswer { number, incarnation, health } => {
                let prober = self.prober.as_mut();
                let Some(member) = prober.and_then(|prober| prober.answered(from, number, incarnation))
                else {
                    return;
                };
                self.apply(ctx, None, |book, now, changes| {
                    book.probed(now, member, Found::Answer(health), changes);
                });
            }
            RegistryMessage::Observed { member, round, health } => {
                let sighting = if health.is_some() { Sighting::Seen } else { Sighting::Missed };
                if self.words.is_newer(member, from, round) {
                    self.apply(ctx, None, |book, now, _| book.observed(now, member, from, sighting));
                }
            }
            RegistryMessage::Query { .. }
            | RegistryMessage::Watch { .. }
            | RegistryMessage::WatchTaken { .. } => {
                self.feed.handle(ctx, from, &message);
            }
            // Answers, and what concerns others: not for a registry, wherever they come from.
            _ => {}
        }
    }

    // --- Commands ---------------------------------------------------------------------------------------

    pub(super) fn command(&mut self, ctx: &mut Ctx<'_>, command: RegistryCommand) {
        match command {
            RegistryCommand::Revoke => self.revoke(ctx, Telling::Told),
            RegistryCommand::Expire => self.revoke(ctx, Telling::Untold),
            RegistryCommand::SlowSweep => self.pace = Pace::Slow,
            RegistryCommand::SweepInTime => self.pace = Pace::InTime,
            // Not for a registry.
            RegistryCommand::Deregister
            | RegistryCommand::StopWork
            | RegistryCommand::GoOnWorking
            | RegistryCommand::TurnUnready
            | RegistryCommand::TurnReady
            | RegistryCommand::FreezeCache
            | RegistryCommand::ThawCache => {}
        }
    }

    /// An administrator takes a lease from its member. To revoke it is to tell the member; to expire it by force is to
    /// let it find out as it would if it had expired. Either way the cause is the administrator: a term that is
    /// promised does not expire early.
    fn revoke(&mut self, ctx: &mut Ctx<'_>, telling: Telling) {
        let mut taken = None;
        self.apply(ctx, None, |book, now, changes| {
            book.revoke(now, Revocation::Administrator, changes);
            taken = changes.iter().find_map(|change| match change {
                Change::EndOrdered { tenure, .. } => Some(*tenure),
                _ => None,
            });
        });
        if let (Some(Tenure { holder, lease, .. }), Telling::Told) = (taken, telling) {
            self.answer_behind_all(ctx, holder, RegistryMessage::Revoked { lease });
        }
    }
}
