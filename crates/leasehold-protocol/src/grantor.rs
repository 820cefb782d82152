//! The grantor: owns clock, timers, disk and messages around a [`LeaseTable`].

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use leasehold_core::clock::{LocalInstant, Reading, Wall};
use leasehold_core::event::{EndCause, NodeEvent, Probe, Revocation};
use leasehold_core::id::{Incarnation, KeyId, LeaseId, NodeId, RequestId, ResourceId, Ticket, TimerId};
use leasehold_core::node::{Context, Input, Node};
use leasehold_core::time::Span;

use crate::LeaseProtocol;
use crate::holder::LeaseCommand;
use crate::message::{LeaseMessage, QueryAnswer};
use crate::outbox::Outbox;
use crate::policy::{Expiry, GrantorPolicy, KeysEnd, Queries, Renewals, Restart, TermsFrom};
use crate::record::{KeysRecord, LeaseRecord, StoredRecord};
use crate::table::{Change, Command, Contender, Lease, LeaseTable, QueueEntry, Wish};

type Ctx<'a> = Context<'a, LeaseProtocol>;

/// Grants leases on named resources.
///
/// Every decision that must survive is written first; what follows from it (events, answers, the start of a
/// term) waits in an outbox until the disk has it.
#[derive(Debug)]
pub struct Grantor {
    policy: GrantorPolicy,
    table: LeaseTable,
    outbox: Outbox<Consequence>,
    /// The ends that are on their way to the disk.
    ending: BTreeMap<ResourceId, Attempt>,
    /// What was last told of each resource, where queries are answered from a copy.
    copies: BTreeMap<ResourceId, Copied>,
    /// The latest renewal of each resource's lease.
    last_renewals: BTreeMap<ResourceId, (LeaseId, RequestId)>,
    changes: Vec<Change>,
}

/// A try to make the end of a lease durable.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    record: LeaseRecord,
    tries: u32,
}

/// Who held a resource when somebody asked.
#[derive(Clone, Copy, Debug)]
struct Copied {
    taken: Reading,
    revision: u64,
    answer: Option<QueryAnswer>,
}

/// What happens once a decision is durable.
#[derive(Clone, Copy, Debug)]
enum Consequence {
    Granted { resource: ResourceId, lease: LeaseId },
    Reassigned { lease: Lease },
    Ended { resource: ResourceId, lease: LeaseId },
    KeyEnded { resource: ResourceId, lease: LeaseId, key: KeyId, revision: u64 },
    Renewed { to: NodeId, lease: Lease, named: LeaseId, request: RequestId },
    Answered { to: NodeId, message: LeaseMessage },
}

/// Who asked what.
#[derive(Clone, Copy, Debug)]
struct Question {
    from: NodeId,
    message: LeaseMessage,
}

/// The grantor's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// When to look at all leases.
    Sweep,
    /// When to end the lease of a resource.
    Deadline(ResourceId),
    /// When the lock-delay of a resource is over.
    Delay(ResourceId),
    /// When to try again to make the end of a resource's lease durable.
    Ending(ResourceId),
}

impl From<Timer> for TimerId {
    fn from(timer: Timer) -> Self {
        match timer {
            Timer::Sweep => Self(0),
            Timer::Deadline(resource) => Self(resource.0 * 3 + 1),
            Timer::Delay(resource) => Self(resource.0 * 3 + 2),
            Timer::Ending(resource) => Self(resource.0 * 3 + 3),
        }
    }
}

impl From<TimerId> for Timer {
    fn from(id: TimerId) -> Self {
        let Some(n) = id.0.checked_sub(1) else { return Self::Sweep };
        let resource = ResourceId(n / 3);
        match n % 3 {
            0 => Self::Deadline(resource),
            1 => Self::Delay(resource),
            _ => Self::Ending(resource),
        }
    }
}

impl Grantor {
    /// A grantor with an empty table.
    pub fn new(policy: GrantorPolicy) -> Self {
        Self {
            policy,
            table: LeaseTable::new(policy),
            outbox: Outbox::default(),
            ending: BTreeMap::new(),
            copies: BTreeMap::new(),
            last_renewals: BTreeMap::new(),
            changes: Vec::with_capacity(4),
        }
    }

    fn now(&self, ctx: &Ctx<'_>) -> Reading {
        ctx.read(self.policy.clock)
    }

    // --- After a restart --------------------------------------------------------------------------------

    fn recover(&mut self, ctx: &mut Ctx<'_>, disk: &[StoredRecord]) {
        let mut records: Vec<LeaseRecord> = disk
            .iter()
            .filter_map(|record| match record {
                StoredRecord::Lease(record) => Some(*record),
                // The keys of a lease that ended are taken to be gone with it.
                StoredRecord::Keys(_) => None,
                StoredRecord::Register(_) => unreachable!("a grantor writes no registers"),
            })
            .collect();
        // Some may never have been told of. Lease ids only grow, so the oldest is told first.
        records.sort_by_key(|record| record.lease.id);
        let wall = ctx.now::<Wall>();
        let policy = self.policy;
        let term = |record: &LeaseRecord| recovered_term(&policy, record, wall);
        self.table = LeaseTable::recover(policy, &records, self.now(ctx), term);
        let revisions = disk.iter().filter_map(|record| match record {
            StoredRecord::Keys(record) => Some(record.revision),
            StoredRecord::Lease(_) | StoredRecord::Register(_) => None,
        });
        self.table.count_from(revisions.max().unwrap_or(0));
        for record in records {
            let LeaseRecord { lease, ended, .. } = record;
            ctx.emit(NodeEvent::Recovered {
                resource: lease.resource,
                lease: lease.id,
                holder: lease.contender.node,
                token: lease.token,
                ttl: term(&record),
                ended,
            });
            if let Some((_, deadline)) = self.table.held(lease.resource) {
                self.watch(ctx, lease.resource, deadline);
            }
            if let Some(until) = self.table.delayed_until(lease.resource) {
                ctx.arm(Timer::Delay(lease.resource), until);
            }
        }
        ctx.emit(NodeEvent::TableHolds { live: self.table.live() });
        self.arm_sweep(ctx);
    }

    // --- Terms ------------------------------------------------------------------------------------------

    fn arm_sweep(&self, ctx: &mut Ctx<'_>) {
        if let Expiry::Sweep { every, .. } = self.policy.expiry {
            ctx.arm(Timer::Sweep, self.now(ctx) + every);
        }
    }

    fn watch(&self, ctx: &mut Ctx<'_>, resource: ResourceId, deadline: Reading) {
        match self.policy.expiry {
            Expiry::ExactTimer => ctx.arm(Timer::Deadline(resource), deadline),
            Expiry::Buckets { width } => ctx.arm(Timer::Deadline(resource), end_of_bucket(deadline, width)),
            Expiry::Sweep { .. } => {}
        }
    }

    fn sweep(&mut self, ctx: &mut Ctx<'_>) {
        let Expiry::Sweep { at_most, .. } = self.policy.expiry else { return };
        let mut overdue = self.table.overdue(self.now(ctx));
        let admitted = at_most.map_or(overdue.len(), |most| most as usize);
        if overdue.len() > admitted {
            overdue.truncate(admitted);
            ctx.probe(Probe::SweepRateLimited);
        }
        for resource in overdue {
            self.apply(ctx, Command::Expire { resource }, None);
        }
        self.arm_sweep(ctx);
    }

    /// An end is not durable yet, although the grantor has waited long enough: it tries again or gives up.
    fn end_again(&mut self, ctx: &mut Ctx<'_>, resource: ResourceId) {
        let Some(attempt) = self.ending.get_mut(&resource) else { return };
        let Attempt { record, tries } = *attempt;
        let lease = record.lease.id;
        if self.policy.ending.attempts.is_some_and(|most| tries >= most) {
            self.ending.remove(&resource);
            self.outbox.forget(|consequence| match *consequence {
                Consequence::Ended { lease: gone, .. }
                | Consequence::Answered { message: LeaseMessage::Released { lease: gone, .. }, .. } => {
                    gone == lease
                }
                _ => false,
            });
            ctx.probe(Probe::EndGivenUp);
            self.apply(ctx, Command::Abandon { resource, lease }, None);
            return;
        }
        attempt.tries += 1;
        ctx.persist(StoredRecord::Lease(record));
        ctx.arm(Timer::Ending(resource), self.now(ctx) + self.policy.ending.patience);
    }

    fn timer(&mut self, ctx: &mut Ctx<'_>, timer: Timer) {
        match timer {
            Timer::Deadline(resource) => self.apply(ctx, Command::Expire { resource }, None),
            Timer::Delay(resource) => self.apply(ctx, Command::DelayOver { resource }, None),
            Timer::Ending(resource) => self.end_again(ctx, resource),
            Timer::Sweep => self.sweep(ctx),
        }
    }

    // --- Requests ---------------------------------------------------------------------------------------

    fn received(&mut self, ctx: &mut Ctx<'_>, from: NodeId, message: LeaseMessage) {
        let command = match message {
            LeaseMessage::Acquire { resource, incarnation, request, ttl, owner, priority, keys, stamp } => {
                let contender = Contender { node: from, incarnation, request, owner, priority };
                let (ttl, stamp) = (self.policy.negotiate(ttl), self.stamp(stamp));
                Command::Acquire { resource, wish: Wish { contender, ttl, keys, stamp } }
            }
            LeaseMessage::Renew { resource, lease, token, stamp, .. } => {
                Command::Renew { resource, lease, token, by: from, stamp: self.stamp(stamp) }
            }
            LeaseMessage::Release { resource, lease, token, done, .. } => {
                Command::Release { resource, lease, token, by: from, done }
            }
            LeaseMessage::Query { resource, incarnation, request } => {
                return self.query(ctx, from, resource, incarnation, request);
            }
            // Answers, and what concerns resources: not for a grantor, wherever they come from.
            _ => return,
        };
        self.apply(ctx, command, Some(Question { from, message }));
    }

    /// What a term is counted from that was asked for at this time of the asker's.
    fn stamp(&self, written: LocalInstant<Wall>) -> Option<Reading> {
        match self.policy.terms_from {
            TermsFrom::OwnTimer => None,
            TermsFrom::WritersStamp => Some(written.into()),
        }
    }

    /// Tells who holds a resource. From a copy that somebody made who asked before, if the policy has one: it is as true
    /// as it was then.
    fn query(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        resource: ResourceId,
        incarnation: Incarnation,
        request: RequestId,
    ) {
        let now = self.now(ctx);
        let lifetime = self.policy.copy_lifetime;
        let copy = self.copies.get(&resource).filter(|copy| !now.has_reached(copy.taken + lifetime));
        let Copied { revision, answer, .. } = match copy {
            Some(copy) => *copy,
            None => {
                let answer = self.table.held(resource).map(|(lease, deadline)| QueryAnswer {
                    lease: lease.id,
                    holder: lease.contender.node,
                    token: lease.token,
                    remaining: deadline.saturating_since(now),
                });
                let copy = Copied { taken: now, revision: self.table.revision(), answer };
                if self.policy.queries == Queries::FromCopy {
                    self.copies.insert(resource, copy);
                }
                copy
            }
        };
        let message = LeaseMessage::Answer { incarnation, request, revision, answer };
        self.answer_behind_all(ctx, from, message);
    }

    /// Answers when all that is decided is durable, or a restart brings back what somebody was told is gone.
    fn answer_behind_all(&mut self, ctx: &mut Ctx<'_>, to: NodeId, message: LeaseMessage) {
        if self.outbox.hold_behind_all(Consequence::Answered { to, message }).is_none() {
            return;
        }
        ctx.send(to, message);
    }

    /// Applies a command to the table and does what follows.
    fn apply(&mut self, ctx: &mut Ctx<'_>, command: Command, question: Option<Question>) {
        let now = self.now(ctx);
        let mut changes = mem::take(&mut self.changes);
        self.table.apply(now, command, &mut changes);
        for change in changes.drain(..) {
            self.follow(ctx, change, question);
        }
        self.changes = changes;
    }

    fn follow(&mut self, ctx: &mut Ctx<'_>, change: Change, question: Option<Question>) {
        match change {
            Change::Granted { lease, revision, again } => {
                if again {
                    ctx.probe(Probe::TaskDeliveredAgain);
                }
                let ticket = self.write(ctx, lease, revision);
                let Lease { id, resource, .. } = lease;
                self.outbox.hold(ticket, Consequence::Granted { resource, lease: id });
            }
            Change::Begun { lease, deadline, term, revision } => {
                self.watch(ctx, lease.resource, deadline);
                self.begun(ctx, lease, term, revision);
            }
            Change::AlreadyGranted(lease) => ctx.send(lease.contender.node, granted(lease)),
            Change::Reassigned { lease, deadline, revision } => {
                self.begin_anew(ctx, lease, deadline);
                let ticket = self.write(ctx, lease, revision);
                self.outbox.hold(ticket, Consequence::Reassigned { lease });
            }
            Change::Queued { resource, contender, position, entry } => {
                if entry == QueueEntry::New {
                    ctx.emit(NodeEvent::Queued { resource, contender: contender.node, position });
                }
                let Contender { node, incarnation, request, .. } = contender;
                ctx.send(node, LeaseMessage::Queued { resource, incarnation, request, position });
            }
            Change::Refused { resource, contender: Contender { node, incarnation, request, .. } } => {
                ctx.send(node, LeaseMessage::Refused { resource, incarnation, request });
            }
            Change::DuringLockDelay => ctx.probe(Probe::AcquiredDuringLockDelay),
            Change::Renewed { lease, deadline } => {
                self.begin_anew(ctx, lease, deadline);
                self.acknowledge(ctx, lease, question);
            }
            Change::Resurrected { lease, deadline, revision } => {
                self.begin_anew(ctx, lease, deadline);
                self.write(ctx, lease, revision);
                ctx.emit(NodeEvent::TableHolds { live: self.table.live() });
                self.acknowledge(ctx, lease, question);
            }
            Change::Draining(lease) => {
                ctx.send(lease.contender.node, LeaseMessage::Revoked { lease: lease.id });
            }
            Change::RenewalTaken(lease) => {
                if let Some(Question { from, message: LeaseMessage::Renew { lease: named, token, .. } }) =
                    question
                {
                    ctx.emit(NodeEvent::RenewalTaken {
                        resource: lease.resource,
                        lease: lease.id,
                        by: from,
                        named_lease: named,
                        named_token: token,
                    });
                }
            }
            Change::ReleaseTaken(lease) => {
                if let Some(Question { from, message: LeaseMessage::Release { lease: named, token, .. } }) =
                    question
                {
                    ctx.emit(NodeEvent::ReleaseTaken {
                        resource: lease.resource,
                        lease: lease.id,
                        by: from,
                        named_lease: named,
                        named_token: token,
                    });
                }
            }
            Change::EndOrdered { lease, cause, revision, done } => {
                self.order_end(
                    ctx,
                    LeaseRecord { lease, ended: Some(cause), done, deadline: None, revision },
                );
                if let Some(Question { from, message: LeaseMessage::Release { lease, request, .. } }) =
                    question
                {
                    self.answer_behind_all(ctx, from, LeaseMessage::Released { lease, request });
                }
            }
            Change::Ended { lease, cause, revision } => self.ended(ctx, lease, cause, revision),
            Change::Delayed { resource, until } => ctx.arm(Timer::Delay(resource), until),
            Change::NotHeld { ended } => self.refuse(ctx, ended, question),
        }
    }

    /// The term of a lease begins anew, now.
    fn begin_anew(&self, ctx: &mut Ctx<'_>, lease: Lease, deadline: Reading) {
        self.watch(ctx, lease.resource, deadline);
        let Lease { id, resource, token, ttl, .. } = lease;
        ctx.emit(NodeEvent::Renewed { resource, lease: id, token, ttl: self.policy.term(ttl) });
    }

    /// Answers a renewal with yes: now, or when it is durable.
    fn acknowledge(&mut self, ctx: &mut Ctx<'_>, lease: Lease, question: Option<Question>) {
        let Some(Question { from, message: LeaseMessage::Renew { lease: named, request, .. } }) = question
        else {
            return;
        };
        let last = self.last_renewals.insert(lease.resource, (lease.id, request));
        if last.is_some_and(|(of, last)| of == lease.id && request <= last) {
            ctx.probe(Probe::RenewalOutOfOrder);
        }
        if self.policy.writes_renewals() {
            let ticket = self.write(ctx, lease, self.table.revision());
            self.outbox.hold(ticket, Consequence::Renewed { to: from, lease, named, request });
        } else {
            say_renewed(ctx, from, lease, named, request);
        }
    }

    /// Tells whoever asked that there is no such lease: for a release that is as good as done. Not before the
    /// end itself is durable, or a restart brings back what somebody was told is gone.
    fn refuse(&mut self, ctx: &mut Ctx<'_>, ended: Option<EndCause>, question: Option<Question>) {
        let Some(Question { from, message }) = question else { return };
        let expired = ended == Some(EndCause::Expired);
        let (probe, message) = match message {
            LeaseMessage::Renew { lease, request, .. } => {
                (Probe::RenewalInFlightAtExpiry, LeaseMessage::RenewRefused { lease, request })
            }
            LeaseMessage::Release { lease, request, .. } => {
                (Probe::ReleaseRacedExpiry, LeaseMessage::Released { lease, request })
            }
            other => unreachable!("{other:?} does not ask for a lease that exists"),
        };
        if expired {
            ctx.probe(probe);
        }
        self.answer_behind_all(ctx, from, message);
    }

    // --- What must be durable ---------------------------------------------------------------------------

    /// Writes a lease that lives.
    fn write(&self, ctx: &mut Ctx<'_>, lease: Lease, revision: u64) -> Ticket {
        let deadline = (self.policy.restart == Restart::Remaining)
            .then(|| ctx.now::<Wall>() + self.policy.term(lease.ttl));
        ctx.persist(StoredRecord::Lease(LeaseRecord { lease, ended: None, done: false, deadline, revision }))
    }

    fn order_end(&mut self, ctx: &mut Ctx<'_>, record: LeaseRecord) {
        let LeaseRecord { lease: Lease { id: lease, resource, .. }, ended: Some(cause), .. } = record else {
            return;
        };
        ctx.disarm(Timer::Deadline(resource));
        ctx.emit(NodeEvent::EndOrdered { resource, lease, cause });
        let ticket = ctx.persist(StoredRecord::Lease(record));
        self.outbox.hold(ticket, Consequence::Ended { resource, lease });
        self.ending.insert(resource, Attempt { record, tries: 1 });
        ctx.arm(Timer::Ending(resource), self.now(ctx) + self.policy.ending.patience);
    }

    /// A lease is gone: its keys follow.
    fn ended(&mut self, ctx: &mut Ctx<'_>, lease: Lease, cause: EndCause, revision: u64) {
        let Lease { id, resource, token, keys, .. } = lease;
        self.ending.remove(&resource);
        ctx.disarm(Timer::Ending(resource));
        ctx.emit(NodeEvent::Ended { resource, lease: id, token, cause });
        for key in (0..keys).map(KeyId) {
            match self.policy.keys {
                KeysEnd::Together => ctx.emit(NodeEvent::KeyEnded { resource, lease: id, key, revision }),
                KeysEnd::OneByOne => {
                    let revision = self.table.next_revision();
                    let record = KeysRecord { resource, lease: id, gone: key.0 + 1, revision };
                    let ticket = ctx.persist(StoredRecord::Keys(record));
                    self.outbox.hold(ticket, Consequence::KeyEnded { resource, lease: id, key, revision });
                }
            }
        }
        ctx.emit(NodeEvent::TableHolds { live: self.table.live() });
    }

    /// The term of a lease began: its holder may hear of it.
    fn begun(&self, ctx: &mut Ctx<'_>, lease: Lease, ttl: Span, revision: u64) {
        let Lease { id, resource, contender: Contender { node: holder, .. }, token, keys, .. } = lease;
        ctx.emit(NodeEvent::Granted { resource, lease: id, holder, token, ttl });
        for key in (0..keys).map(KeyId) {
            ctx.emit(NodeEvent::KeyAttached { resource, lease: id, key, revision });
        }
        ctx.emit(NodeEvent::TableHolds { live: self.table.live() });
        ctx.send(holder, granted(lease));
    }

    /// All writes up to `durable` are on disk: what they held back happens.
    fn persisted(&mut self, ctx: &mut Ctx<'_>, durable: Ticket) {
        while let Some(consequence) = self.outbox.release(durable) {
            match consequence {
                Consequence::Granted { resource, lease } => {
                    self.apply(ctx, Command::Begin { resource, lease }, None);
                }
                Consequence::Reassigned { lease } => ctx.send(lease.contender.node, granted(lease)),
                Consequence::Ended { resource, lease } => {
                    self.apply(ctx, Command::Finish { resource, lease }, None);
                }
                Consequence::KeyEnded { resource, lease, key, revision } => {
                    ctx.emit(NodeEvent::KeyEnded { resource, lease, key, revision });
                }
                Consequence::Renewed { to, lease, named, request } => {
                    let lives = self.table.held(lease.resource).is_some_and(|(held, _)| held.id == lease.id);
                    if lives || self.policy.renewals == Renewals::OnceDurableUnchecked {
                        say_renewed(ctx, to, lease, named, request);
                    } else {
                        ctx.send(to, LeaseMessage::RenewRefused { lease: named, request });
                    }
                }
                Consequence::Answered { to, message } => ctx.send(to, message),
            }
        }
    }

    fn revoke_all(&mut self, ctx: &mut Ctx<'_>) {
        let resources: Vec<ResourceId> = self.table.resources().collect();
        for resource in resources {
            self.apply(ctx, Command::Revoke { resource, reason: Revocation::Administrator }, None);
        }
    }
}

impl Node<LeaseProtocol> for Grantor {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<LeaseProtocol>) {
        match input {
            Input::Started => self.arm_sweep(ctx),
            Input::Restarted { disk } => self.recover(ctx, &disk),
            Input::Received { from, message } => self.received(ctx, from, message),
            Input::Timer(id) => self.timer(ctx, id.into()),
            Input::Persisted(ticket) => self.persisted(ctx, ticket),
            Input::Command(LeaseCommand::Revoke) => self.revoke_all(ctx),
            Input::Command(LeaseCommand::Shutdown) => {}
        }
    }
}

/// The term that a lease gets which a restarted grantor finds alive.
fn recovered_term(policy: &GrantorPolicy, record: &LeaseRecord, wall: LocalInstant<Wall>) -> Span {
    let full = policy.term(record.lease.ttl);
    match (policy.restart, record.deadline) {
        (Restart::FullTerm, _) | (Restart::Remaining, None) => full,
        (Restart::Extra(extra), _) => full.saturating_add(extra),
        // A clock that stepped back must not make it longer than it ever was.
        (Restart::Remaining, Some(deadline)) => deadline.saturating_since(wall).min(full),
    }
}

/// The end of the bucket that a reading lies in.
pub(crate) fn end_of_bucket(deadline: Reading, width: Span) -> Reading {
    let past = deadline.as_nanos().rem_euclid(width.as_nanos() as i64);
    match u64::try_from(past) {
        Ok(0) | Err(_) => deadline,
        Ok(past) => deadline + width.saturating_sub(Span::from_nanos(past)),
    }
}

fn granted(lease: Lease) -> LeaseMessage {
    let Lease { id, resource, contender, token, ttl, task, .. } = lease;
    let Contender { incarnation, request, .. } = contender;
    LeaseMessage::Granted { resource, incarnation, request, lease: id, token, ttl, task }
}

/// Says yes to a renewal, of the lease that it named: whoever looks at nothing but a name knows of no other.
fn say_renewed(ctx: &mut Ctx<'_>, to: NodeId, lease: Lease, named: LeaseId, request: RequestId) {
    let Lease { resource, ttl, .. } = lease;
    ctx.emit(NodeEvent::RenewalAcknowledged { resource, lease: named });
    ctx.send(to, LeaseMessage::Renewed { lease: named, request, ttl });
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::id::{OwnerId, TaskId, Token};

    /// What is left by the wall clock, and never more than a term: a step back would make it longer than it was.
    #[test]
    fn what_is_left_of_a_term_is_never_more_than_a_term() {
        let node = NodeId(1);
        let contender = Contender {
            node,
            incarnation: Incarnation(0),
            request: RequestId(1),
            owner: OwnerId(0),
            priority: 0,
        };
        let (id, resource, token) = (LeaseId(1), ResourceId(0), Token(1));
        let lease =
            Lease { id, resource, contender, token, ttl: Span::from_secs(10), task: TaskId(0), keys: 0 };
        let wall = |seconds: i64| LocalInstant::<Wall>::from_nanos(seconds * 1_000_000_000);
        let record = LeaseRecord { lease, ended: None, done: false, deadline: Some(wall(100)), revision: 1 };
        let policy = GrantorPolicy { restart: Restart::Remaining, ..GrantorPolicy::default() };
        let left = |now| recovered_term(&policy, &record, wall(now)).as_nanos() / 1_000_000_000;
        assert_eq!([left(93), left(100), left(3_700), left(-3_500)], [7, 0, 0, 10]);
    }
}
