//! The lease table: who holds what, and who waits.
//!
//! A deterministic state machine of its own. It knows no clock, timer, disk or message: the time of a command is
//! part of the command's application, and what follows is a list of [`Change`]s. So it can stand behind one
//! node's disk, as here, or behind a replicated log.
//!
//! A grant and an end are decided first and become effective when they are durable: whoever drives the table
//! reports that with [`Command::Begin`] and [`Command::Finish`].

mod change;

pub use change::{Change, Command, QueueEntry};

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::event::{EndCause, Revocation};
use leasehold_core::id::{Incarnation, LeaseId, NodeId, OwnerId, RequestId, ResourceId, TaskId, Token};
use leasehold_core::time::Span;
use serde::{Deserialize, Serialize};

use crate::policy::{
    GrantorPolicy, LockDelayKept, Preemption, Queue, ReleaseCheck, RenewalCheck, RenewalOfEnded, Restart,
    RevocationStyle, SameOwner, Tokens,
};
use crate::record::LeaseRecord;

/// One grant of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Its id.
    pub id: LeaseId,
    /// The resource.
    pub resource: ResourceId,
    /// The request that it answers.
    pub contender: Contender,
    /// Its fencing token.
    pub token: Token,
    /// Its TTL, as its holder is told.
    pub ttl: Span,
    /// The resource's task that is to be done under it.
    pub task: TaskId,
    /// How many keys are attached to it.
    pub keys: u32,
}

/// Who asked, and in which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contender {
    /// The node.
    pub node: NodeId,
    /// Its process.
    pub incarnation: Incarnation,
    /// The request of that process.
    pub request: RequestId,
    /// Who it says it is.
    pub owner: OwnerId,
    /// How urgent it is.
    pub priority: u8,
}

/// A wish for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whose.
    pub contender: Contender,
    /// For how long, already negotiated.
    pub ttl: Span,
    /// With how many keys.
    pub keys: u32,
    /// What the term is counted from, if that is not when it begins: the time that the contender wrote into its wish.
    pub stamp: Option<Reading>,
}

/// Who holds what, and who waits.
#[derive(Clone, Debug)]
pub struct LeaseTable {
    rules: GrantorPolicy,
    resources: BTreeMap<ResourceId, Entry>,
    last_lease: LeaseId,
    revision: u64,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    /// The latest lease.
    latest: Option<Lease>,
    state: State,
    /// The last lease that ended, and why.
    last_end: Option<(LeaseId, EndCause)>,
    /// The task of the next lease.
    task: TaskId,
    /// The last token that was given out, as far as the token policy remembers it.
    last_token: Token,
    /// The tokens of all owners, if each keeps its own.
    owners: BTreeMap<OwnerId, Token>,
    /// Why the latest lease is to be given back, if it is.
    revoking: Option<Revocation>,
    /// Until when nobody is granted the resource.
    delayed_until: Option<Reading>,
    queue: VecDeque<Wish>,
    /// The newest acquire request of each node, so that one that was overtaken is recognised.
    newest: BTreeMap<NodeId, (Incarnation, RequestId)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nobody holds it.
    #[default]
    Free,
    /// The latest lease is decided but not durable yet.
    Granting { decided: Reading, stamp: Option<Reading>, revision: u64 },
    /// It lives until then.
    Held { deadline: Reading },
    /// Its end is decided but not durable yet.
    Ending { cause: EndCause, revision: u64, done: bool },
    /// Its end was given up: it stays.
    Stuck,
}

impl LeaseTable {
    /// An empty table.
    pub fn new(rules: GrantorPolicy) -> Self {
        Self { rules, resources: BTreeMap::new(), last_lease: LeaseId(0), revision: 0 }
    }

    /// The table that a disk kept. Each lease that lives gets the term that `term` says, from `now` on.
    ///
    /// Queues are not durable: contenders ask again.
    pub fn recover(
        rules: GrantorPolicy,
        records: &[LeaseRecord],
        now: Reading,
        term: impl Fn(&LeaseRecord) -> Span,
    ) -> Self {
        let mut table = Self::new(rules);
        for record in records {
            let LeaseRecord { lease, ended, done, revision, .. } = *record;
            let state = match ended {
                None => State::Held { deadline: rules.deadline(now, term(record)) },
                Some(_) => State::Free,
            };
            let is_delayed = ended.is_some_and(is_involuntary)
                && !rules.lock_delay.is_zero()
                && rules.lock_delay_kept == LockDelayKept::Durable;
            let last_token = match rules.tokens {
                Tokens::Volatile => Token(0),
                _ => lease.token,
            };
            let entry = Entry {
                latest: Some(lease),
                state,
                last_end: ended.map(|cause| (lease.id, cause)),
                task: if done { lease.task.next() } else { lease.task },
                last_token,
                owners: BTreeMap::from([(lease.contender.owner, lease.token)]),
                delayed_until: is_delayed.then(|| now + rules.lock_delay),
                ..Entry::default()
            };
            table.resources.insert(lease.resource, entry);
            table.last_lease = table.last_lease.max(lease.id);
            table.revision = table.revision.max(revision);
        }
        table
    }

    /// Applies a command at `now` on the grantor's clock, and appends what follows to `changes`.
    pub fn apply(&mut self, now: Reading, command: Command, changes: &mut Vec<Change>) {
        match command {
            Command::Acquire { resource, wish } => self.acquire(now, resource, wish, changes),
            Command::Begin { resource, lease } => self.begin(now, resource, lease, changes),
            Command::Renew { resource, lease, token, by, stamp } => {
                self.renew(now, resource, Renewal { lease, token, by, stamp }, changes);
            }
            Command::Release { resource, lease, token, by, done } => {
                self.release(resource, Release { lease, token, by, done }, changes);
            }
            Command::Expire { resource } => self.expire(now, resource, changes),
            Command::Revoke { resource, reason } => self.revoke(resource, reason, changes),
            Command::Finish { resource, lease } => self.finish(now, resource, lease, changes),
            Command::Abandon { resource, lease } => {
                if let Some(entry) = self.resources.get_mut(&resource)
                    && entry.latest.is_some_and(|latest| latest.id == lease)
                    && matches!(entry.state, State::Ending { .. })
                {
                    entry.state = State::Stuck;
                }
            }
            Command::DelayOver { resource } => self.grant_next(now, resource, changes),
        }
    }

    /// How often the table has changed in a way that is durable.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts on from this revision, if it is further than its own.
    pub fn count_from(&mut self, revision: u64) {
        self.revision = self.revision.max(revision);
    }

    /// Counts one more change.
    pub fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// How many leases are there: those whose grant is durable and whose end is not.
    pub fn live(&self) -> u32 {
        let lives = |entry: &&Entry| !matches!(entry.state, State::Free | State::Granting { .. });
        self.resources.values().filter(lives).count() as u32
    }

    /// The lease of a resource and its deadline, if its term has begun and no end of it is decided.
    pub fn held(&self, resource: ResourceId) -> Option<(Lease, Reading)> {
        let entry = self.resources.get(&resource)?;
        match (entry.latest, entry.state) {
            (Some(lease), State::Held { deadline }) => Some((lease, deadline)),
            _ => None,
        }
    }

    /// All resources that anybody asked for.
    pub fn resources(&self) -> impl Iterator<Item = ResourceId> {
        self.resources.keys().copied()
    }

    /// Until when the lock-delay of a resource runs, if it does.
    pub fn delayed_until(&self, resource: ResourceId) -> Option<Reading> {
        self.resources.get(&resource)?.delayed_until
    }

    /// The resources whose lease is past its deadline at `now`, the one that was due first at the front.
    pub fn overdue(&self, now: Reading) -> Vec<ResourceId> {
        let mut overdue: Vec<(i64, ResourceId)> = self
            .resources
            .iter()
            .filter_map(|(&resource, entry)| match entry.state {
                State::Held { deadline } if now.has_reached(deadline) => {
                    Some((deadline.as_nanos(), resource))
                }
                _ => None,
            })
            .collect();
        overdue.sort_unstable();
        overdue.into_iter().map(|(_, resource)| resource).collect()
    }

    fn acquire(&mut self, now: Reading, resource: ResourceId, wish: Wish, changes: &mut Vec<Change>) {
        let Contender { node, incarnation, request, owner, priority } = wish.contender;
        let entry = self.resources.entry(resource).or_default();
        let newest = entry.newest.entry(node).or_insert((incarnation, request));
        if (incarnation, request) < *newest {
            return;
        }
        *newest = (incarnation, request);

        let Some(lease) = entry.undone() else {
            if entry.delayed_until.is_some_and(|until| !now.has_reached(until)) {
                changes.push(Change::DuringLockDelay);
                self.wait(resource, wish, changes);
            } else if entry.queue.is_empty() {
                self.grant(now, resource, wish, changes);
            } else {
                // The delay is over, and those who wait come first.
                self.wait(resource, wish, changes);
                self.grant_next(now, resource, changes);
            }
            return;
        };
        if lease.contender.is_same_request(&wish.contender) {
            if matches!(entry.state, State::Held { .. }) {
                changes.push(Change::AlreadyGranted(lease));
            }
        } else if lease.contender.owner == owner && self.rules.same_owner != SameOwner::Waits {
            match (self.rules.same_owner, entry.state) {
                (SameOwner::TakesOver, State::Held { .. }) => self.reassign(now, resource, wish, changes),
                (SameOwner::Revokes, _) => {
                    self.wait(resource, wish, changes);
                    self.revoke(resource, Revocation::Conflict, changes);
                }
                _ => self.wait(resource, wish, changes),
            }
        } else {
            self.wait(resource, wish, changes);
            let preempts = self.rules.preemption == Preemption::ByPriority;
            if preempts && priority > lease.contender.priority {
                self.revoke(resource, Revocation::Priority, changes);
            }
        }
    }

    /// Puts a contender into the queue, or sends it away.
    fn wait(&mut self, resource: ResourceId, wish: Wish, changes: &mut Vec<Change>) {
        let contender = wish.contender;
        if self.rules.queue == Queue::None {
            changes.push(Change::Refused { resource, contender });
            return;
        }
        let queue = &mut self.resources.entry(resource).or_default().queue;
        let known = queue.iter().position(|other| other.contender.node == contender.node);
        let (place, found) = match known {
            Some(place) => {
                queue[place] = wish;
                (place, QueueEntry::Known)
            }
            None => {
                let place = match self.rules.preemption {
                    Preemption::Never => queue.len(),
                    Preemption::ByPriority => queue
                        .iter()
                        .position(|other| other.contender.priority < contender.priority)
                        .unwrap_or(queue.len()),
                };
                queue.insert(place, wish);
                (place, QueueEntry::New)
            }
        };
        let position = place as u32 + 1;
        changes.push(Change::Queued { resource, contender, position, entry: found });
    }

    fn grant(&mut self, now: Reading, resource: ResourceId, wish: Wish, changes: &mut Vec<Change>) {
        self.last_lease = self.last_lease.next();
        let (id, revision) = (self.last_lease, self.next_revision());
        let entry = self.resources.entry(resource).or_default();
        let owner = wish.contender.owner;
        let token = match self.rules.tokens {
            Tokens::DurableCounter | Tokens::Volatile => entry.last_token.next(),
            Tokens::StoreRevision => Token(revision),
            Tokens::PerOwner => entry.owners.get(&owner).copied().unwrap_or_else(|| entry.last_token.next()),
            Tokens::Random => Token(scrambled(id.0)),
        };
        entry.last_token = match self.rules.tokens {
            Tokens::PerOwner => entry.last_token.max(token),
            _ => token,
        };
        if self.rules.tokens == Tokens::PerOwner {
            entry.owners.insert(owner, token);
        }
        let again = entry.task > TaskId(0) && entry.latest.is_some_and(|latest| latest.task == entry.task);
        let Wish { contender, ttl, keys, stamp } = wish;
        let lease = Lease { id, resource, contender, token, ttl, task: entry.task, keys };
        entry.latest = Some(lease);
        entry.state = State::Granting { decided: now, stamp, revision };
        changes.push(Change::Granted { lease, revision, again });
    }

    /// Grants a free resource to the next in turn, unless its lock-delay runs.
    fn grant_next(&mut self, now: Reading, resource: ResourceId, changes: &mut Vec<Change>) {
        let Some(entry) = self.resources.get_mut(&resource) else { return };
        if entry.state != State::Free || entry.delayed_until.is_some_and(|until| !now.has_reached(until)) {
            return;
        }
        if let Some(next) = entry.queue.pop_front() {
            self.grant(now, resource, next, changes);
        }
    }

    fn begin(&mut self, now: Reading, resource: ResourceId, lease: LeaseId, changes: &mut Vec<Change>) {
        let rules = self.rules;
        let Some(entry) = self.resources.get_mut(&resource) else { return };
        let Some(latest) = entry.latest.filter(|latest| latest.id == lease) else { return };
        let State::Granting { decided, stamp, revision } = entry.state else { return };
        let revoking = entry.revoking.take();
        // A deadline that is on the disk cannot wait for the disk.
        let began = if rules.restart == Restart::Remaining { decided } else { now };
        let full = rules.term(latest.ttl);
        let term = full.saturating_sub(now.saturating_since(began));
        let deadline = rules.deadline(stamp.unwrap_or(began), full);
        entry.state = State::Held { deadline };
        changes.push(Change::Begun { lease: latest, deadline, term, revision });
        if let Some(reason) = revoking {
            self.revoke(resource, reason, changes);
        }
    }

    fn reassign(&mut self, now: Reading, resource: ResourceId, wish: Wish, changes: &mut Vec<Change>) {
        let revision = self.next_revision();
        let rules = self.rules;
        let Some(entry) = self.resources.get_mut(&resource) else { return };
        let Some(latest) = &mut entry.latest else { return };
        latest.contender = wish.contender;
        let deadline = rules.deadline(wish.stamp.unwrap_or(now), rules.term(latest.ttl));
        entry.state = State::Held { deadline };
        changes.push(Change::Reassigned { lease: *latest, deadline, revision });
    }

    fn renew(&mut self, now: Reading, resource: ResourceId, renewal: Renewal, changes: &mut Vec<Change>) {
        let rules = self.rules;
        let Renewal { lease, token, by, stamp } = renewal;
        let Some(entry) = self.resources.get_mut(&resource) else {
            changes.push(Change::NotHeld { ended: None });
            return;
        };
        let is_good = |latest: &Lease| match rules.renewal_check {
            RenewalCheck::LeaseAndToken => (latest.id, latest.token) == (lease, token),
            RenewalCheck::HolderName => latest.contender.node == by,
            RenewalCheck::Nothing => true,
        };
        let Some(latest) = entry.latest.filter(is_good) else {
            changes.push(entry.not_held(lease));
            return;
        };
        let renewed = rules.deadline(stamp.unwrap_or(now), rules.term(latest.ttl));
        let resurrects = rules.renewal_of_ended == RenewalOfEnded::Resurrects;
        match entry.state {
            State::Held { .. } if entry.revoking.is_some() => changes.push(Change::Draining(latest)),
            State::Held { deadline } if resurrects || !now.has_reached(deadline) => {
                // What a restart gave in addition is not taken back by a renewal soon after it.
                let is_longer = matches!(rules.restart, Restart::Extra(_)) && !renewed.has_reached(deadline);
                let deadline = if is_longer { deadline } else { renewed };
                entry.state = State::Held { deadline };
                changes.extend([Change::RenewalTaken(latest), Change::Renewed { lease: latest, deadline }]);
            }
            State::Ending { .. } if rules.renewal_of_ended == RenewalOfEnded::AcknowledgedUntilRecorded => {
                let deadline = renewed;
                changes.extend([Change::RenewalTaken(latest), Change::Renewed { lease: latest, deadline }]);
            }
            State::Free if resurrects => {
                entry.state = State::Held { deadline: renewed };
                entry.delayed_until = None;
                let revision = self.next_revision();
                changes.push(Change::Resurrected { lease: latest, deadline: renewed, revision });
            }
            _ => changes.push(entry.not_held(lease)),
        }
    }

    fn release(&mut self, resource: ResourceId, release: Release, changes: &mut Vec<Change>) {
        let Release { lease, token, by, done } = release;
        let Some(entry) = self.resources.get_mut(&resource) else {
            changes.push(Change::NotHeld { ended: None });
            return;
        };
        let is_good = |latest: &Lease| match self.rules.release_check {
            ReleaseCheck::LeaseAndToken => (latest.id, latest.token) == (lease, token),
            ReleaseCheck::HolderName => latest.contender.node == by,
            ReleaseCheck::Nothing => true,
        };
        match (entry.latest, entry.state) {
            (Some(latest), State::Held { .. } | State::Stuck) if is_good(&latest) => {
                changes.push(Change::ReleaseTaken(latest));
                let cause = match entry.revoking {
                    Some(reason) => EndCause::Revoked { reason },
                    None => EndCause::Released { by },
                };
                self.end(resource, cause, done, changes);
            }
            _ => changes.push(entry.not_held(lease)),
        }
    }

    fn expire(&mut self, now: Reading, resource: ResourceId, changes: &mut Vec<Change>) {
        if self.held(resource).is_some_and(|(_, deadline)| now.has_reached(deadline)) {
            let revoking = self.resources.get(&resource).and_then(|entry| entry.revoking);
            let cause = revoking.map_or(EndCause::Expired, |reason| EndCause::Revoked { reason });
            self.end(resource, cause, false, changes);
        }
    }

    fn revoke(&mut self, resource: ResourceId, reason: Revocation, changes: &mut Vec<Change>) {
        let style = self.rules.revocation;
        let Some(entry) = self.resources.get_mut(&resource) else { return };
        let Some(latest) = entry.undone() else { return };
        match (entry.state, style) {
            // It is told once: whoever asks again, the holder hears of it with its next renewal.
            (State::Held { .. }, RevocationStyle::Drain) if entry.revoking.is_some() => {}
            (State::Held { .. }, RevocationStyle::Drain) => {
                entry.revoking = Some(reason);
                changes.push(Change::Draining(latest));
            }
            (State::Held { .. }, RevocationStyle::AtOnce) | (State::Stuck, _) => {
                self.end(resource, EndCause::Revoked { reason }, false, changes);
            }
            (State::Granting { .. }, _) => entry.revoking = Some(reason),
            (State::Ending { .. } | State::Free, _) => {}
        }
    }

    /// Decides the end of the lease of a resource.
    fn end(&mut self, resource: ResourceId, cause: EndCause, done: bool, changes: &mut Vec<Change>) {
        let revision = self.next_revision();
        let Some(entry) = self.resources.get_mut(&resource) else { return };
        let Some(lease) = entry.undone() else { return };
        entry.state = State::Ending { cause, revision, done };
        changes.push(Change::EndOrdered { lease, cause, revision, done });
    }

    fn finish(&mut self, now: Reading, resource: ResourceId, lease: LeaseId, changes: &mut Vec<Change>) {
        let rules = self.rules;
        let Some(entry) = self.resources.get_mut(&resource) else { return };
        let Some(latest) = entry.latest.filter(|latest| latest.id == lease) else { return };
        let State::Ending { cause, revision, done } = entry.state else { return };
        entry.state = State::Free;
        entry.revoking = None;
        entry.last_end = Some((lease, cause));
        if done {
            entry.task = latest.task.next();
        }
        changes.push(Change::Ended { lease: latest, cause, revision });
        let keeps = rules.lock_delay_kept != LockDelayKept::Never && !rules.lock_delay.is_zero();
        if keeps && is_involuntary(cause) {
            let until = now + rules.lock_delay;
            entry.delayed_until = Some(until);
            changes.push(Change::Delayed { resource, until });
        } else {
            self.grant_next(now, resource, changes);
        }
    }
}

/// A renewal that came in.
#[derive(Clone, Copy, Debug)]
struct Renewal {
    lease: LeaseId,
    token: Token,
    by: NodeId,
    stamp: Option<Reading>,
}

/// A release that came in.
#[derive(Clone, Copy, Debug)]
struct Release {
    lease: LeaseId,
    token: Token,
    by: NodeId,
    done: bool,
}

impl Contender {
    fn is_same_request(&self, other: &Self) -> bool {
        (self.node, self.incarnation, self.request) == (other.node, other.incarnation, other.request)
    }
}

impl Entry {
    /// The latest lease, from the decision to grant it until its end is durable.
    fn undone(&self) -> Option<Lease> {
        self.latest.filter(|_| self.state != State::Free)
    }

    fn not_held(&self, lease: LeaseId) -> Change {
        let ended = self.last_end.filter(|&(ended, _)| ended == lease).map(|(_, cause)| cause);
        let ending = match self.state {
            State::Ending { cause, .. } if self.latest.is_some_and(|latest| latest.id == lease) => {
                Some(cause)
            }
            _ => None,
        };
        Change::NotHeld { ended: ending.or(ended) }
    }
}

/// Whether a holder did not end its lease itself: a lock-delay follows.
fn is_involuntary(cause: EndCause) -> bool {
    !matches!(cause, EndCause::Released { .. })
}

/// A number that looks like any other, and is another for every `n`: a bijection, by multiplication with odd
/// numbers and shifts.
fn scrambled(n: u64) -> u64 {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[cfg(test)]
mod tests;
