//! How a list is handed out: to those who ask, and to those who watch. A registry does it, and so do its followers.

mod copies;
#[cfg(test)]
mod tests;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::{ClockKind, Reading};
use leasehold_core::event::{Asked, EndCause, NodeEvent, Probe, RegistryEvent};
use leasehold_core::id::{NodeId, RequestId, Revision};
use leasehold_core::node::Context;
use leasehold_core::time::Span;

use self::copies::Copies;
use super::RegistryProtocol;
use super::changes::{ChangeLog, Since};
use super::list::{Difference, List};
use super::message::{Change, Entry, QueryResult, RegistryMessage};
use super::policy::{Ages, Behind, FeedPolicy};

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// Hands out a list of instances.
///
/// It keeps what was published, and no more of a watcher than how far it is: a change is stored once, however many
/// are to hear of it, and goes to all of them as one.
#[derive(Debug)]
pub(super) struct Feed {
    policy: FeedPolicy,
    /// The clock that ages are measured on.
    clock: ClockKind,
    /// Nothing before the list is known: then nobody gets an answer.
    published: Option<Published>,
    copies: Copies,
    watchers: BTreeMap<NodeId, Watcher>,
    /// When the list was the latest for sure; nothing if it always is: this is where it is made.
    current_at: Option<Reading>,
}

/// What everybody may know.
#[derive(Debug)]
struct Published {
    list: List<Entry>,
    log: ChangeLog,
}

/// Who is told of changes.
#[derive(Clone, Copy, Debug)]
struct Watcher {
    stream: u64,
    /// The revision that it was told of last.
    told: Revision,
    /// How far it is in the log. That is what it was told of, unless something was skipped.
    cursor: Revision,
    /// The revision that it says it has.
    taken: Revision,
    /// The latest ping of it.
    heard: u64,
}

impl Watcher {
    /// Whether so little is under way to it that more may follow.
    fn is_open(&self, window: u32) -> bool {
        self.told.0.saturating_sub(self.taken.0) < u64::from(window)
    }
}

impl Feed {
    /// One that hands out nothing yet. Ages are measured on this clock.
    pub(super) fn new(policy: FeedPolicy, clock: ClockKind) -> Self {
        Self {
            policy,
            clock,
            published: None,
            copies: Copies::default(),
            watchers: BTreeMap::new(),
            current_at: None,
        }
    }

    /// Begins, or begins anew, with this list and no history. Those who watched are told when they ask.
    pub(super) fn open(&mut self, revision: Revision, entries: &[Entry]) {
        let mut sorted = Vec::from(entries);
        sorted.sort_unstable_by_key(Entry::key);
        let mut list = List::default();
        list.replace(&sorted, |_| ());
        let log = ChangeLog::beginning_at(revision, self.policy.history);
        self.published = Some(Published { list, log });
        self.copies = Copies::default();
        self.watchers.clear();
    }

    /// Says that the list was the latest at this time, for sure. For who has it from somebody else.
    pub(super) fn is_current_at(&mut self, at: Reading) {
        self.current_at = Some(at);
    }

    /// Says that the list is the latest always, as it is where it is made.
    pub(super) fn is_current(&mut self) {
        self.current_at = None;
    }

    /// Makes known what led to a new revision: all at once, so that nobody sees a part of it.
    ///
    /// # Panics
    ///
    /// If it was not opened, or the revision is not new.
    pub(super) fn publish(&mut self, ctx: &mut Ctx<'_>, upto: Revision, changes: &Arc<[Change]>) {
        let published = self.published.as_mut().expect("a feed is opened before anything is published");
        let before = published.log.newest();
        for change in changes.iter() {
            published.list.apply(change);
        }
        if let Some(revision) = published.log.append(upto, changes.clone()) {
            ctx.emit(NodeEvent::Registry(RegistryEvent::Compacted { revision }));
        }
        let age = self.age(ctx);
        let policy = &self.policy;
        let published = self.published.as_mut().expect("it was there just now");
        self.watchers.retain(|node, watcher| {
            if !watcher.is_open(policy.window) {
                return keeps_up(ctx, policy, &published.log, *node, watcher);
            }
            let since = match watcher.cursor == before {
                true => Since::Changes(changes.clone()),
                false => published.log.since(watcher.cursor),
            };
            send_changes(ctx, *node, watcher, upto, age, since);
            true
        });
    }

    /// Makes known all there is at a revision: what differs, to those who watch. It begins anew if the revision is
    /// older than what it hands out.
    pub(super) fn publish_all(&mut self, ctx: &mut Ctx<'_>, revision: Revision, entries: &[Entry]) {
        let known = |published: &&mut Published| published.log.newest() <= revision;
        let Some(published) = self.published.as_mut().filter(known) else {
            return self.open(revision, entries);
        };
        let mut changes = Vec::new();
        published.list.replace(entries, |difference| {
            changes.push(match difference {
                Difference::Listed(entry) => Change::Listed(*entry),
                // Why it is gone is not known here, and nobody who watches asks.
                Difference::Gone(Entry { offer, epoch, .. }) => {
                    Change::Ended { instance: offer.instance, epoch: *epoch, cause: EndCause::Expired }
                }
            });
        });
        match published.log.newest() == revision {
            true if changes.is_empty() => {}
            // It was another list at the same revision: whoever has that cannot be told of changes.
            true => self.open(revision, entries),
            false => self.publish(ctx, revision, &changes.into()),
        }
    }

    /// Takes a query, a watch, or what a watcher says. Anything else is not for it.
    pub(super) fn handle(&mut self, ctx: &mut Ctx<'_>, from: NodeId, message: &RegistryMessage) {
        if self.published.is_none() {
            return;
        }
        match *message {
            RegistryMessage::Query { request, asked, known } => self.answer(ctx, from, request, asked, known),
            RegistryMessage::Watch { stream, from: has, ping } => self.watch(ctx, from, stream, has, ping),
            RegistryMessage::WatchTaken { stream, revision, ping } => {
                self.taken(ctx, from, stream, revision, ping);
            }
            _ => {}
        }
    }

    // --- Queries ----------------------------------------------------------------------------------------

    fn answer(
        &mut self,
        ctx: &mut Ctx<'_>,
        to: NodeId,
        request: RequestId,
        asked: Asked,
        known: Option<Revision>,
    ) {
        let Some(Published { list, log }) = &self.published else { return };
        let now = ctx.read(self.clock);
        let as_of = self.current_at.unwrap_or(now);
        let copy = match self.policy.response_cache {
            None => self.copies.latest(asked, list, log.newest(), as_of),
            Some(every) => self.copies.made_every(every, now, asked, list, log.newest(), as_of),
        };
        // What comes from the list itself is as old as that is now, whenever the copy was made.
        let as_of = if self.policy.response_cache.is_some() { copy.as_of } else { as_of };
        let result = if known == Some(copy.revision) {
            QueryResult::Unchanged
        } else {
            QueryResult::Entries(copy.entries.clone())
        };
        let age = told(self.policy.ages, now.saturating_since(as_of));
        ctx.send(to, RegistryMessage::Answer { request, revision: copy.revision, age, result });
    }

    /// What it says of the age of the list itself.
    fn age(&self, ctx: &Ctx<'_>) -> Span {
        let now = ctx.read(self.clock);
        told(self.policy.ages, now.saturating_since(self.current_at.unwrap_or(now)))
    }

    // --- Watches ----------------------------------------------------------------------------------------

    fn watch(&mut self, ctx: &mut Ctx<'_>, node: NodeId, stream: u64, has: Option<Revision>, ping: u64) {
        let before = self.watchers.get(&node).filter(|watcher| watcher.stream >= stream);
        let heard = match before {
            Some(newer) if newer.stream > stream => return,
            Some(same) => same.heard.max(ping),
            None => ping,
        };
        let Some(Published { log, .. }) = &self.published else { return };
        let Some(has) = has.filter(|has| *has <= log.newest()) else {
            return self.snapshot(ctx, node, stream, heard);
        };
        let step = log.step_at(has);
        let cursor = match self.policy.behind {
            _ if step == has => has,
            Behind::Skips => step,
            Behind::Resync => {
                self.watchers.remove(&node);
                return ctx.send(node, RegistryMessage::MustResync { stream, oldest: log.oldest() });
            }
        };
        self.watchers.insert(node, Watcher { stream, told: has, cursor, taken: has, heard });
        self.tell(ctx, node);
    }

    fn snapshot(&mut self, ctx: &mut Ctx<'_>, node: NodeId, stream: u64, heard: u64) {
        let age = self.age(ctx);
        let Some(Published { list, log }) = &self.published else { return };
        let (revision, now) = (log.newest(), ctx.read(self.clock));
        let entries = self.copies.whole(list, revision, self.current_at.unwrap_or(now)).entries.clone();
        ctx.send(node, RegistryMessage::Snapshot { stream, revision, age, heard, entries });
        let taken = Revision(0);
        self.watchers.insert(node, Watcher { stream, told: revision, cursor: revision, taken, heard });
    }

    fn taken(&mut self, ctx: &mut Ctx<'_>, node: NodeId, stream: u64, revision: Revision, ping: u64) {
        let Some(Published { log, .. }) = &self.published else { return };
        let Some(watcher) = self.watchers.get_mut(&node).filter(|watcher| watcher.stream >= stream) else {
            return ctx.send(node, RegistryMessage::MustResync { stream, oldest: log.oldest() });
        };
        if watcher.stream > stream {
            return;
        }
        watcher.taken = watcher.taken.max(revision);
        let is_ping = ping > watcher.heard;
        watcher.heard = watcher.heard.max(ping);
        let has_room = watcher.cursor < log.newest() && watcher.is_open(self.policy.window);
        if is_ping || has_room {
            self.tell(ctx, node);
        }
    }

    /// Tells a watcher of all that it does not know yet, or that there is nothing. It brings it up to the present
    /// always: what it says that it heard would be no proof otherwise.
    fn tell(&mut self, ctx: &mut Ctx<'_>, node: NodeId) {
        let age = self.age(ctx);
        let (Some(Published { log, .. }), Some(watcher)) =
            (&mut self.published, self.watchers.get_mut(&node))
        else {
            return;
        };
        let since = log.since(watcher.cursor);
        send_changes(ctx, node, watcher, log.newest(), age, since);
    }
}

fn told(ages: Ages, age: Span) -> Span {
    match ages {
        Ages::Told => age,
        Ages::Untold => Span::ZERO,
    }
}

/// Sends a watcher what changed.
fn send_changes(
    ctx: &mut Ctx<'_>,
    node: NodeId,
    watcher: &mut Watcher,
    upto: Revision,
    age: Span,
    since: Since,
) {
    let Watcher { stream, heard, told: after, .. } = *watcher;
    ctx.send(
        node,
        match since {
            Since::Changes(changes) => {
                (watcher.told, watcher.cursor) = (upto, upto);
                RegistryMessage::Changes { stream, after, upto, age, heard, changes }
            }
            Since::Nothing => RegistryMessage::NoNews { stream, revision: after, age, heard },
            Since::Compacted => unreachable!("a watcher that fell behind what is kept was put off before"),
        },
    );
}

/// Whether a watcher that is too slow for the next change may stay. What waits for it is in the log, for everybody.
fn keeps_up(
    ctx: &mut Ctx<'_>,
    policy: &FeedPolicy,
    log: &ChangeLog,
    node: NodeId,
    watcher: &mut Watcher,
) -> bool {
    let waiting = log.newest().0 - watcher.cursor.0;
    if waiting <= u64::from(policy.buffer) && watcher.cursor >= log.oldest() {
        return true;
    }
    ctx.probe(Probe::WatcherOverflowed);
    match policy.behind {
        Behind::Skips => {
            watcher.cursor = log.newest();
            true
        }
        Behind::Resync => {
            let stream = watcher.stream;
            ctx.send(node, RegistryMessage::MustResync { stream, oldest: log.oldest() });
            false
        }
    }
}
