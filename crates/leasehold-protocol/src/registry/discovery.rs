//! A discovery client: keeps a view, answers lookups from it, and calls whom it finds there.

mod cache;
mod calls;
mod polling;
mod sent;
mod subscription;
#[cfg(test)]
mod tests;
mod timer;
mod turns;
mod watching;

use alloc::vec::Vec;

use leasehold_core::clock::ClockKind;
use leasehold_core::event::{DiscoveryEvent, LookupAnswer, NodeEvent};
use leasehold_core::id::NodeId;
use leasehold_core::node::{Context, Input, Node};
use leasehold_core::time::Span;

pub(super) use self::cache::Standing;
use self::calls::Calls;
pub(super) use self::subscription::{KeptFor, News, Subscription};
pub(super) use self::timer::Timer;
use super::message::RegistryMessage;
use super::policy::{CutOff, DiscoveryPolicy};
use super::{RegistryCommand, RegistryProtocol};

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// Looks up whom a registry lists, again and again.
///
/// It answers from a view, and knows how old that is: since the request was sent whose answer showed it to be the
/// registry's list, whether that was a poll or a ping over a watch, and less what whoever answered said of its own
/// age. So no delay on the way makes a view look younger than it is.
///
/// [`FreezeCache`](RegistryCommand::FreezeCache) stops what keeps the view: no answer and no change gets into it, and
/// nobody notices. Lookups go on. The safe client reads its clock at each of them, so the view becomes too old like
/// any other that is cut off, and what it answered until then is judged as ever: by what the lifetime of the cache
/// allows. With [`CacheGuard::ByTimer`](super::policy::CacheGuard::ByTimer) nobody marks the view as too old, and it
/// is answered from for as long as the freeze lasts: the staleness of that is a violation. That a frozen view is late to
/// show what is new is judged of nobody: the client reports when it freezes and thaws.
#[derive(Debug)]
pub struct Discovery {
    policy: DiscoveryPolicy,
    subscription: Subscription,
    calls: Option<Calls>,
}

impl Discovery {
    /// A client that asks these, in this order.
    ///
    /// # Panics
    ///
    /// If there is nobody to ask.
    pub fn new(policy: DiscoveryPolicy, sources: Vec<NodeId>) -> Self {
        Self {
            policy,
            subscription: Subscription::new(policy, sources, KeptFor::Lookups),
            calls: policy.calls.map(|calls| Calls::new(calls, policy.clock)),
        }
    }

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.subscription.start(ctx);
        at_some_phase(ctx, Timer::Lookup, self.policy.lookup, self.policy.clock);
        if let Some(calls) = &mut self.calls {
            calls.start(ctx);
        }
    }

    /// How a lookup is answered now.
    fn answer(&self, ctx: &Ctx<'_>) -> LookupAnswer {
        match (self.subscription.standing(ctx), self.policy.cut_off) {
            (Standing::Empty, _) | (Standing::TooOld, CutOff::FailsClosed) => LookupAnswer::Refused,
            (Standing::TooOld, CutOff::ServesStale) => LookupAnswer::Stale,
            (Standing::Young, _) | (Standing::TooOld, CutOff::ServesSilently) => LookupAnswer::Fresh,
        }
    }

    fn look_up(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.read(self.policy.clock);
        ctx.arm(Timer::Lookup, now + self.policy.lookup);
        if self.subscription.standing(ctx) == Standing::TooOld
            && self.policy.cut_off != CutOff::ServesSilently
        {
            self.subscription.report_lapse(ctx);
        }
        let answer = self.answer(ctx);
        let entries = match answer {
            LookupAnswer::Fresh | LookupAnswer::Stale => self.subscription.view().routed(),
            LookupAnswer::Refused => 0,
        };
        ctx.emit(NodeEvent::Discovery(DiscoveryEvent::LookupAnswered {
            asked: self.policy.asked,
            answer,
            entries,
            age: self.subscription.age(ctx),
            revision: self.subscription.view().revision().unwrap_or_default(),
        }));
    }

    fn timer(&mut self, ctx: &mut Ctx<'_>, timer: Timer) {
        match (timer, &mut self.calls) {
            (Timer::Lookup, _) => self.look_up(ctx),
            (Timer::Call, Some(_)) => {
                let answers = self.answer(ctx) != LookupAnswer::Refused;
                let view = Some(self.subscription.view()).filter(|_| answers);
                if let Some(calls) = &mut self.calls {
                    calls.call(ctx, view);
                }
            }
            (Timer::CallTimeout, Some(calls)) => calls.timer(ctx),
            _ => self.subscription.timer(ctx, timer),
        }
    }
}

impl Node<RegistryProtocol> for Discovery {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<RegistryProtocol>) {
        match input {
            Input::Started | Input::Restarted { .. } => self.start(ctx),
            Input::Timer(timer) => self.timer(ctx, Timer::from_id(timer)),
            Input::Received { message: RegistryMessage::CallDone { number, instance }, .. } => {
                if let Some(calls) = &mut self.calls {
                    calls.done(ctx, number, instance);
                }
            }
            Input::Received { from, message } => {
                self.subscription.received(ctx, from, message);
            }
            Input::Command(RegistryCommand::FreezeCache) => self.subscription.freeze(ctx),
            Input::Command(RegistryCommand::ThawCache) => self.subscription.thaw(ctx),
            Input::Command(_) | Input::Persisted(_) => {}
        }
    }
}

/// Arms a timer that will come every so often for the first time: not for all nodes at once.
fn at_some_phase(ctx: &mut Ctx<'_>, timer: Timer, every: Span, clock: ClockKind) {
    let phase = Span::from_nanos(ctx.draw_below(every.as_nanos()));
    ctx.arm(timer, ctx.read(clock) + phase);
}
