//! A follower: keeps a copy of a registry's list, and hands that out.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use leasehold_core::event::Asked;
use leasehold_core::id::NodeId;
use leasehold_core::node::{Context, Input, Node};

use super::discovery::{KeptFor, News, Standing, Subscription, Timer};
use super::feed::Feed;
use super::message::RegistryMessage;
use super::policy::{CutOff, DiscoveryPolicy, FollowerPolicy};
use super::{RegistryCommand, RegistryProtocol};

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// Hands out what a registry lists, a little later.
///
/// Its revisions are the registry's. What it hands out is as old as its own view: it says so, and whoever asks adds
/// that to what it measures itself. When its view is too old it answers nobody, unless its policy is to serve what is
/// stale: with its age, or as if nothing were the matter.
#[derive(Debug)]
pub struct Follower {
    cut_off: CutOff,
    subscription: Subscription,
    feed: Feed,
}

impl Follower {
    /// A follower that has the list from these, asked in this order.
    ///
    /// # Panics
    ///
    /// If there is nobody to ask.
    pub fn new(policy: FollowerPolicy, sources: Vec<NodeId>) -> Self {
        let source = DiscoveryPolicy { asked: Asked::All, ..policy.source };
        Self {
            cut_off: source.cut_off,
            subscription: Subscription::new(source, sources, KeptFor::Others),
            feed: Feed::new(policy.feed, source.clock),
        }
    }

    /// What it has heard is handed on.
    fn received(&mut self, ctx: &mut Ctx<'_>, from: NodeId, message: RegistryMessage) {
        let news = self.subscription.received(ctx, from, message);
        self.date(ctx);
        match news {
            News::Nothing => {}
            News::Changes(revision, changes) => self.feed.publish(ctx, revision, &changes),
            News::List(revision, entries) => self.feed.publish_all(ctx, revision, &entries),
        }
    }

    /// Says how old what it hands out is.
    fn date(&mut self, ctx: &Ctx<'_>) {
        let is_old = self.subscription.standing(ctx) == Standing::TooOld;
        if is_old && self.cut_off == CutOff::ServesSilently {
            self.feed.is_current();
        } else if let Some(validated) = self.subscription.validated() {
            self.feed.is_current_at(validated);
        }
    }

    /// Somebody asks it.
    fn asked(&mut self, ctx: &mut Ctx<'_>, from: NodeId, message: &RegistryMessage) {
        self.date(ctx);
        match self.subscription.standing(ctx) {
            Standing::Empty => {}
            Standing::TooOld if self.cut_off == CutOff::FailsClosed => self.subscription.report_lapse(ctx),
            Standing::TooOld if self.cut_off == CutOff::ServesStale => {
                self.subscription.report_lapse(ctx);
                self.feed.handle(ctx, from, message);
            }
            Standing::TooOld | Standing::Young => self.feed.handle(ctx, from, message),
        }
    }
}

impl Node<RegistryProtocol> for Follower {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<RegistryProtocol>) {
        match input {
            Input::Started | Input::Restarted { .. } => self.subscription.start(ctx),
            Input::Timer(timer) => self.subscription.timer(ctx, Timer::from_id(timer)),
            Input::Received { from, message } => match message {
                RegistryMessage::Query { .. }
                | RegistryMessage::Watch { .. }
                | RegistryMessage::WatchTaken { .. } => self.asked(ctx, from, &message),
                _ => self.received(ctx, from, message),
            },
            Input::Command(RegistryCommand::FreezeCache) => self.subscription.freeze(ctx),
            Input::Command(RegistryCommand::ThawCache) => self.subscription.thaw(ctx),
            Input::Command(_) | Input::Persisted(_) => {}
        }
    }
}
