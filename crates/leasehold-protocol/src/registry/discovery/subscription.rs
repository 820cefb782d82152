//! Keeps a view in step with a registry, or with somebody who has it from there.

use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::event::{Advance, Asked, DiscoveryEvent, NodeEvent};
use leasehold_core::id::{NodeId, Revision};
use leasehold_core::node::Context;
use leasehold_core::time::Span;

use super::super::RegistryProtocol;
use super::super::message::{Change, Entry, QueryResult, RegistryMessage};
use super::super::policy::{CacheFrom, CacheGuard, DiscoveryPolicy, Gap, Refresh, ViewOrder};
use super::super::view::{Extent, View};
use super::cache::{Cache, Standing};
use super::polling::Polling;
use super::timer::Timer;
use super::turns::Turns;
use super::watching::{Begins, Found, Watching};

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// A view, and all that keeps it up to date.
#[derive(Debug)]
pub(in crate::registry) struct Subscription {
    policy: DiscoveryPolicy,
    sources: Arc<[NodeId]>,
    view: View,
    cache: Cache,
    watching: Option<Watching>,
    polling: Option<Polling>,
}

/// What became of a view.
#[derive(Clone, Debug)]
pub(in crate::registry) enum News {
    /// It is what it was, though perhaps younger.
    Nothing,
    /// These changes led to a revision.
    Changes(Revision, Arc<[Change]>),
    /// This is all there is at a revision.
    List(Revision, Arc<[Entry]>),
}

/// Whom a view is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum KeptFor {
    /// For lookups: of those who poll it need not show more than they ask for.
    Lookups,
    /// To hand it on.
    Others,
}

impl Subscription {
    pub(in crate::registry) fn new(policy: DiscoveryPolicy, sources: Vec<NodeId>, kept: KeptFor) -> Self {
        let is_part = kept == KeptFor::Lookups && matches!(policy.refresh, Refresh::Poll(_));
        let extent = if is_part && policy.asked != Asked::All { Extent::Part } else { Extent::Whole };
        Self {
            policy,
            sources: sources.into(),
            view: View::new(policy.asked, extent),
            cache: Cache::new(&policy),
            watching: None,
            polling: None,
        }
    }

    pub(in crate::registry) fn view(&self) -> &View {
        &self.view
    }

    /// When the view was the registry's list for sure.
    pub(in crate::registry) fn validated(&self) -> Option<Reading> {
        self.cache.validated()
    }

    pub(in crate::registry) fn age(&self, ctx: &Ctx<'_>) -> Span {
        self.cache.age(self.now(ctx))
    }

    pub(in crate::registry) fn standing(&self, ctx: &Ctx<'_>) -> Standing {
        self.cache.standing(self.now(ctx))
    }

    /// Somebody finds the view too old: reported once each time.
    pub(in crate::registry) fn report_lapse(&mut self, ctx: &mut Ctx<'_>) {
        if self.cache.reports() {
            tell(ctx, DiscoveryEvent::ViewLapsed);
        }
    }

    fn now(&self, ctx: &Ctx<'_>) -> Reading {
        ctx.read(self.policy.clock)
    }

    pub(in crate::registry) fn start(&mut self, ctx: &mut Ctx<'_>) {
        // Streams and requests of this process are numbered after all those of earlier ones.
        let last = u64::from(ctx.incarnation().0) << 32;
        let turns = Turns::new(self.sources.clone(), self.policy.source);
        let (watches, polls) = match self.policy.refresh {
            Refresh::Watch => (true, None),
            Refresh::Poll(every) => (false, Some(every)),
            Refresh::WatchElsePoll(every) => (true, Some(every)),
        };
        let asked = if watches { Asked::All } else { self.policy.asked };
        self.polling = polls.map(|every| Polling::new(turns.clone(), asked, every, last));
        if watches {
            self.watching = Some(Watching::new(turns, last));
            self.begin_watch(ctx, Begins::AtTheView);
        } else {
            self.begin_poll(ctx);
        }
    }

    fn begin_watch(&mut self, ctx: &mut Ctx<'_>, begins: Begins) {
        if let Some(watching) = &mut self.watching {
            watching.begin(ctx, &self.policy, begins, self.view.revision());
        }
    }

    fn begin_poll(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(polling) = self.polling.as_mut().filter(|polling| !polling.is_on()) {
            polling.begin(ctx, &self.policy, self.view.revision());
        }
    }

    pub(in crate::registry) fn timer(&mut self, ctx: &mut Ctx<'_>, timer: Timer) {
        let has = self.view.revision();
        match timer {
            Timer::Watch => {
                let Some(watching) = &mut self.watching else { return };
                match watching.timer(ctx, &self.policy, has) {
                    Found::Nothing => {}
                    Found::Unanswered => self.begin_poll(ctx),
                    Found::Dead => {
                        tell(ctx, DiscoveryEvent::WatchLost);
                        self.begin_watch(ctx, Begins::AtTheView);
                        self.begin_poll(ctx);
                    }
                }
            }
            Timer::Poll => {
                if let Some(polling) = &mut self.polling {
                    polling.timer(ctx, &self.policy, has);
                }
            }
            Timer::Lapse => {
                if let Some(again) = self.cache.mark(ctx.read(self.policy.clock)) {
                    ctx.arm(Timer::Lapse, again);
                }
            }
            Timer::Lookup | Timer::Call | Timer::CallTimeout => {}
        }
    }

    // --- What comes -------------------------------------------------------------------------------------

    /// Takes an answer, or a message of a watch. Anything else is not for it.
    pub(in crate::registry) fn received(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        message: RegistryMessage,
    ) -> News {
        match message {
            RegistryMessage::Answer { request, revision, age, result } => {
                let sent = self.polling.as_mut().and_then(|polling| polling.answered(ctx, request));
                match sent {
                    Some(sent) if !self.cache.is_frozen => self.answered(ctx, sent, revision, age, result),
                    _ => News::Nothing,
                }
            }
            RegistryMessage::Snapshot { stream, .. }
            | RegistryMessage::Changes { stream, .. }
            | RegistryMessage::NoNews { stream, .. }
            | RegistryMessage::MustResync { stream, .. } => {
                let watching = self.watching.as_ref().filter(|watching| watching.is_of(from, stream));
                if watching.is_some() { self.of_the_watch(ctx, message) } else { News::Nothing }
            }
            _ => News::Nothing,
        }
    }

    fn answered(
        &mut self,
        ctx: &mut Ctx<'_>,
        sent: Reading,
        revision: Revision,
        age: Span,
        result: QueryResult,
    ) -> News {
        let (news, went_back) = match result {
            // It is about the view that there was, and tells nothing of a later one but that it is not older.
            QueryResult::Unchanged => (News::Nothing, false),
            QueryResult::Entries(entries) => self.list(ctx, revision, entries, Advance::Poll),
        };
        self.was_current(ctx, revision, sent, age, went_back);
        news
    }

    fn of_the_watch(&mut self, ctx: &mut Ctx<'_>, message: RegistryMessage) -> News {
        let Some(watching) = &mut self.watching else { return News::Nothing };
        if let RegistryMessage::MustResync { oldest, .. } = message {
            return self.must_resync(ctx, oldest);
        }
        if self.policy.gap == Gap::Resync && watching.comes_early(&message, self.view.revision()) {
            return News::Nothing;
        }
        let asks_again = watching.was_overtaken();
        let is_first = watching.heard(ctx, &self.policy);
        if is_first && let Some(polling) = &mut self.polling {
            polling.stop(ctx);
        }
        if self.cache.is_frozen {
            return News::Nothing;
        }
        let by = if is_first { Advance::Resync } else { Advance::Watch };
        let news = self.follow(ctx, message, by);
        // What came before this answer was left alone then, and may not be part of it.
        if asks_again && self.watching.as_ref().is_some_and(Watching::lives) {
            self.missed(ctx);
        }
        news
    }

    /// Takes over what a message of the watch says.
    fn follow(&mut self, ctx: &mut Ctx<'_>, message: RegistryMessage, by: Advance) -> News {
        match message {
            RegistryMessage::Snapshot { revision, age, heard, entries, .. } => {
                let (news, went_back) = self.list(ctx, revision, entries, Advance::Resync);
                self.acknowledge(ctx);
                self.pinged(ctx, revision, heard, age, went_back);
                news
            }
            RegistryMessage::Changes { after, upto, age, heard, changes, .. } => {
                // What leads from one revision to another leads nowhere from a third.
                if self.is_behind(upto) && self.view.revision() != Some(after) && self.minds_gaps() {
                    self.missed(ctx);
                    return News::Nothing;
                }
                let news = self.changed(ctx, upto, changes, by);
                self.acknowledge(ctx);
                self.pinged(ctx, upto, heard, age, false);
                news
            }
            RegistryMessage::NoNews { revision, age, heard, .. } => {
                if self.is_behind(revision) && self.minds_gaps() {
                    self.missed(ctx);
                    return News::Nothing;
                }
                let news = self.changed(ctx, revision, Arc::new([]), by);
                self.pinged(ctx, revision, heard, age, false);
                news
            }
            _ => News::Nothing,
        }
    }

    fn acknowledge(&mut self, ctx: &mut Ctx<'_>) {
        if let (Some(watching), Some(revision)) = (&self.watching, self.view.revision()) {
            watching.acknowledge(ctx, revision);
        }
    }

    /// Whether the view is older than this revision.
    fn is_behind(&self, revision: Revision) -> bool {
        self.view.revision().is_none_or(|has| has < revision)
    }

    fn minds_gaps(&self) -> bool {
        self.policy.gap == Gap::Resync
    }

    fn missed(&mut self, ctx: &mut Ctx<'_>) {
        tell(ctx, DiscoveryEvent::ResyncStarted);
        self.begin_watch(ctx, Begins::AtTheView);
    }

    fn must_resync(&mut self, ctx: &mut Ctx<'_>, oldest: Revision) -> News {
        match self.policy.gap {
            Gap::Resync => {
                tell(ctx, DiscoveryEvent::ResyncStarted);
                self.begin_watch(ctx, Begins::WithAll);
                News::Nothing
            }
            // It goes on from the oldest that there is, as if it had that.
            Gap::Ignores => {
                let news = self.changed(ctx, oldest, Arc::new([]), Advance::Watch);
                self.begin_watch(ctx, Begins::AtTheView);
                news
            }
        }
    }

    // --- What becomes of the view -----------------------------------------------------------------------

    /// Changes lead to a revision; nothing if the view is there already.
    fn changed(&mut self, ctx: &mut Ctx<'_>, upto: Revision, changes: Arc<[Change]>, by: Advance) -> News {
        if !self.is_behind(upto) {
            return News::Nothing;
        }
        self.view.apply(ctx, &changes, upto, by);
        News::Changes(upto, changes)
    }

    /// All there is at a revision; and whether the view went back by it.
    fn list(
        &mut self,
        ctx: &mut Ctx<'_>,
        revision: Revision,
        entries: Arc<[Entry]>,
        by: Advance,
    ) -> (News, bool) {
        let goes_back = self.view.revision().is_some_and(|has| has > revision);
        if goes_back && self.policy.order == ViewOrder::Forward {
            return (News::Nothing, false);
        }
        self.view.replace(ctx, &entries, revision, by);
        (News::List(revision, entries), goes_back)
    }

    /// A message of the watch says that this revision was the list, `age` before this ping was heard.
    fn pinged(&mut self, ctx: &mut Ctx<'_>, revision: Revision, heard: u64, age: Span, went_back: bool) {
        let dated = self.watching.as_ref().and_then(|watching| watching.dated(heard));
        if let Some(dated) = dated {
            self.was_current(ctx, revision, dated, age, went_back);
        }
    }

    /// This revision was the list, `age` before this request was heard. The view is that, or a later one: so it was
    /// the list then, or after that.
    fn was_current(
        &mut self,
        ctx: &mut Ctx<'_>,
        revision: Revision,
        sent: Reading,
        age: Span,
        went_back: bool,
    ) {
        if self.is_behind(revision) {
            return;
        }
        let now = self.now(ctx);
        let anchor = match self.policy.cache_from {
            CacheFrom::Send => sent,
            CacheFrom::Receipt => now,
        };
        let is_younger = self.cache.validate(earlier(anchor, age), went_back, now);
        if is_younger && self.policy.guard == CacheGuard::ByTimer {
            self.arm_lapse(ctx);
        }
    }

    fn arm_lapse(&self, ctx: &mut Ctx<'_>) {
        if let Some(end) = self.cache.ends() {
            ctx.arm(Timer::Lapse, end);
        }
    }

    /// What keeps the view does nothing from now on: it is not brought up to date, and not marked as too old. The
    /// node's other timers go on, and so do lookups.
    pub(in crate::registry) fn freeze(&mut self, ctx: &mut Ctx<'_>) {
        self.cache.is_frozen = true;
        tell(ctx, DiscoveryEvent::CacheFroze);
    }

    /// It goes on.
    pub(in crate::registry) fn thaw(&mut self, ctx: &mut Ctx<'_>) {
        self.cache.is_frozen = false;
        tell(ctx, DiscoveryEvent::CacheThawed);
        if self.policy.guard == CacheGuard::ByTimer {
            self.arm_lapse(ctx);
        }
    }
}

/// The reading so long before another.
fn earlier(at: Reading, span: Span) -> Reading {
    let span = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    Reading::new(at.clock(), at.as_nanos().saturating_sub(span))
}

fn tell(ctx: &mut Ctx<'_>, event: DiscoveryEvent) {
    ctx.emit(NodeEvent::Discovery(event));
}
