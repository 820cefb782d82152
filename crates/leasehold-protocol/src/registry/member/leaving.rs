//! How it gives its registration back.

use leasehold_core::event::{ClaimEnd, NodeEvent, RegistryEvent};
use leasehold_core::id::{LeaseId, RequestId};

use super::{Ctx, Listing, Membership, Return, State, Tenure, Then, Timer, Until};
use crate::registry::message::RegistryMessage;

impl Membership {
    /// Has itself taken off the list, and stays out until it begins again. It asks until it is answered, and sends no
    /// heartbeats meanwhile.
    pub(in crate::registry) fn deregister(&mut self, ctx: &mut Ctx<'_>) -> Listing {
        match self.state {
            State::Registered(Tenure { lease, epoch, .. }) => {
                self.end_claim(ctx, ClaimEnd::Released);
                ctx.disarm(Timer::Heartbeat);
                let asked = self.ask(ctx);
                let member = self.member;
                ctx.emit(NodeEvent::Registry(RegistryEvent::DeregistrationSent { member, lease }));
                self.send_deregister(ctx, Return { lease, epoch, asked, then: Then::StayOut });
                Listing::Unsettled
            }
            State::Leaving(returned) => {
                self.state = State::Leaving(Return { then: Then::StayOut, ..returned });
                Listing::Unsettled
            }
            // A registration that is still under way is given back when its answer comes.
            State::Biding(_) | State::Convalescing | State::Registering(_) | State::Out => {
                self.let_run_out(ctx);
                Listing::Off
            }
        }
    }

    /// Says nothing more: its lease, if it has one, runs out.
    pub(in crate::registry) fn let_run_out(&mut self, ctx: &mut Ctx<'_>) {
        self.end_claim(ctx, ClaimEnd::Released);
        ctx.disarm(Timer::Heartbeat);
        ctx.disarm(Timer::Retry);
        self.state = State::Out;
    }

    pub(super) fn send_deregister(&mut self, ctx: &mut Ctx<'_>, returned: Return) {
        let (member, Return { lease, epoch, asked, .. }) = (self.member, returned);
        let request = asked.request;
        ctx.send(self.registry, RegistryMessage::Deregister { member, lease, epoch, request });
        let asked = self.again_later(ctx, asked);
        self.state = State::Leaving(Return { asked, ..returned });
    }

    pub(super) fn deregistered(&mut self, ctx: &mut Ctx<'_>, gone: LeaseId, answered: RequestId) -> Listing {
        match self.state {
            State::Leaving(Return { lease, asked, then, .. })
                if lease == gone && asked.request == answered =>
            {
                ctx.disarm(Timer::Retry);
                self.state = State::Out;
                if then == Then::ComeBack {
                    self.come_back(ctx, Until::Turn);
                }
                Listing::Off
            }
            _ => Listing::Unsettled,
        }
    }
}
