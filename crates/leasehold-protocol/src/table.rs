//! The lease table: who holds what, and who waits.
//!
//! A deterministic state machine of its own. It knows no clock, timer, disk or message: the time of a command is
//! part of the command's application, and what follows is a list of [`Change`]s. So it can stand behind one
//! node's disk, as here, or behind a replicated log.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::event::EndCause;
use leasehold_core::id::{Incarnation, LeaseId, NodeId, RequestId, ResourceId, Token};
use leasehold_core::time::Span;
use serde::{Deserialize, Serialize};

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
    /// Its term.
    pub ttl: Span,
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
}

/// What the table is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Somebody wants a resource for a term (already negotiated). Asking again changes nothing.
    Acquire {
        /// The resource.
        resource: ResourceId,
        /// Who.
        contender: Contender,
        /// For how long.
        ttl: Span,
    },
    /// The grant of this lease is durable: its term begins.
    Begin {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
    },
    /// Somebody wants a lease's term to start anew.
    Renew {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its token.
        token: Token,
    },
    /// Somebody is done with a lease.
    Release {
        /// The resource.
        resource: ResourceId,
        /// The lease.
        lease: LeaseId,
        /// Its token.
        token: Token,
        /// Who says so.
        by: NodeId,
    },
    /// The lease of this resource is to end if its term is over.
    Expire {
        /// The resource.
        resource: ResourceId,
    },
}

/// What follows from a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A lease was made. Nobody may hear of it before it is durable, and its term begins with
    /// [`Command::Begin`].
    Granted {
        /// The lease.
        lease: Lease,
        /// How the table stands after this change.
        after: Standing,
    },
    /// The term of a new lease began.
    Begun {
        /// The lease.
        lease: Lease,
        /// When it will be over, on the grantor's clock.
        deadline: Reading,
    },
    /// The acquire request has this lease already: its answer may have been lost.
    AlreadyGranted(Lease),
    /// The contender waits.
    Queued {
        /// For what.
        resource: ResourceId,
        /// Who.
        contender: Contender,
        /// Its place, 1 for the next in turn.
        position: u32,
        /// Whether it was there before.
        entry: QueueEntry,
    },
    /// The term of a lease began anew.
    Renewed {
        /// The lease.
        lease: Lease,
        /// When it will be over, on the grantor's clock.
        deadline: Reading,
    },
    /// There is no such lease, or no longer.
    NotHeld {
        /// Why it ended, if it was the last of its resource that did.
        ended: Option<EndCause>,
    },
    /// A lease ended. Nobody may hear of it before it is durable.
    Ended {
        /// The lease.
        lease: Lease,
        /// Why.
        cause: EndCause,
        /// How the table stands after this change.
        after: Standing,
    },
}

/// How the table stands after a change that is to be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How often it has changed.
    pub revision: u64,
    /// How many leases live, over all resources.
    pub live: u32,
}

/// Whether a contender was in the queue before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueEntry {
    /// It is new.
    New,
    /// It asked again.
    Known,
}

/// Who holds what, and who waits.
#[derive(Clone, Debug, Default)]
pub struct LeaseTable {
    resources: BTreeMap<ResourceId, Entry>,
    last_lease: LeaseId,
    revision: u64,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    /// The latest lease; its token is the resource's token counter.
    latest: Option<Lease>,
    state: State,
    /// The last lease that ended, and why.
    last_end: Option<(LeaseId, EndCause)>,
    queue: VecDeque<Waiter>,
    /// The newest acquire request of each node, so that one that was overtaken is recognised.
    newest: BTreeMap<NodeId, (Incarnation, RequestId)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nobody holds it.
    #[default]
    Free,
    /// The latest lease is decided but not durable yet.
    Granting,
    /// It lives until then.
    Held { deadline: Reading },
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    contender: Contender,
    ttl: Span,
}

impl LeaseTable {
    /// The table that a disk kept. Every lease that lives gets a full term from `now`.
    ///
    /// Queues are not durable: contenders ask again.
    pub fn recover(records: &[LeaseRecord], now: Reading) -> Self {
        let mut table = Self::default();
        for record in records {
            let state = match record.ended {
                None => State::Held { deadline: now + record.lease.ttl },
                Some(_) => State::Free,
            };
            let last_end = record.ended.map(|cause| (record.lease.id, cause));
            let entry = Entry { latest: Some(record.lease), state, last_end, ..Entry::default() };
            table.resources.insert(record.lease.resource, entry);
            table.last_lease = table.last_lease.max(record.lease.id);
            table.revision = table.revision.max(record.revision);
        }
        table
    }

    /// Applies a command at `now` on the grantor's clock, and appends what follows to `changes`.
    pub fn apply(&mut self, now: Reading, command: Command, changes: &mut Vec<Change>) {
        match command {
            Command::Acquire { resource, contender, ttl } => {
                self.acquire(resource, Waiter { contender, ttl }, changes);
            }
            Command::Begin { resource, lease } => self.begin(now, resource, lease, changes),
            Command::Renew { resource, lease, token } => self.renew(now, resource, lease, token, changes),
            Command::Release { resource, lease, token, by } => {
                self.release(resource, lease, token, by, changes);
            }
            Command::Expire { resource } => self.expire(now, resource, changes),
        }
    }

    /// How often the table has changed in a way that is durable.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many leases live, those included whose grant is not durable yet.
    pub fn live(&self) -> u32 {
        self.resources.values().filter(|entry| entry.live().is_some()).count() as u32
    }

    fn standing(&self) -> Standing {
        Standing { revision: self.revision, live: self.live() }
    }

    /// The lease of a resource and its deadline, if its term has begun and it has not ended.
    pub fn held(&self, resource: ResourceId) -> Option<(Lease, Reading)> {
        let entry = self.resources.get(&resource)?;
        match (entry.latest, entry.state) {
            (Some(lease), State::Held { deadline }) => Some((lease, deadline)),
            _ => None,
        }
    }

    /// The resources whose lease is past its deadline at `now`.
    pub fn overdue(&self, now: Reading) -> impl Iterator<Item = ResourceId> {
        self.resources.iter().filter_map(move |(&resource, entry)| match entry.state {
            State::Held { deadline } if now.has_reached(deadline) => Some(resource),
            _ => None,
        })
    }

    fn acquire(&mut self, resource: ResourceId, waiter: Waiter, changes: &mut Vec<Change>) {
        let Contender { node, incarnation, request } = waiter.contender;
        let entry = self.resources.entry(resource).or_default();
        let newest = entry.newest.entry(node).or_insert((incarnation, request));
        if (incarnation, request) < *newest {
            return;
        }
        *newest = (incarnation, request);

        match entry.live() {
            Some(lease) if lease.contender == waiter.contender => {
                if entry.state != State::Granting {
                    changes.push(Change::AlreadyGranted(lease));
                }
            }
            Some(_) => {
                let known = entry.queue.iter().position(|other| other.contender.node == node);
                let (place, found) = match known {
                    Some(place) => {
                        entry.queue[place] = waiter;
                        (place, QueueEntry::Known)
                    }
                    None => {
                        entry.queue.push_back(waiter);
                        (entry.queue.len() - 1, QueueEntry::New)
                    }
                };
                let position = place as u32 + 1;
                let contender = waiter.contender;
                changes.push(Change::Queued { resource, contender, position, entry: found });
            }
            None => self.grant(resource, waiter, changes),
        }
    }

    fn grant(&mut self, resource: ResourceId, waiter: Waiter, changes: &mut Vec<Change>) {
        self.last_lease = self.last_lease.next();
        self.revision += 1;
        let entry = self.resources.entry(resource).or_default();
        let token = entry.latest.map_or(Token(1), |lease| lease.token.next());
        let lease =
            Lease { id: self.last_lease, resource, contender: waiter.contender, token, ttl: waiter.ttl };
        entry.latest = Some(lease);
        entry.state = State::Granting;
        changes.push(Change::Granted { lease, after: self.standing() });
    }

    fn begin(&mut self, now: Reading, resource: ResourceId, lease: LeaseId, changes: &mut Vec<Change>) {
        let Some(entry) = self.resources.get_mut(&resource) else { return };
        let Some(latest) = entry.latest.filter(|latest| latest.id == lease) else { return };
        if entry.state == State::Granting {
            let deadline = now + latest.ttl;
            entry.state = State::Held { deadline };
            changes.push(Change::Begun { lease: latest, deadline });
        }
    }

    fn renew(
        &mut self,
        now: Reading,
        resource: ResourceId,
        lease: LeaseId,
        token: Token,
        changes: &mut Vec<Change>,
    ) {
        let Some(entry) = self.resources.get_mut(&resource) else {
            changes.push(Change::NotHeld { ended: None });
            return;
        };
        match (entry.latest, entry.state) {
            (Some(latest), State::Held { deadline })
                if latest.id == lease && latest.token == token && !now.has_reached(deadline) =>
            {
                let deadline = now + latest.ttl;
                entry.state = State::Held { deadline };
                changes.push(Change::Renewed { lease: latest, deadline });
            }
            _ => changes.push(entry.not_held(lease)),
        }
    }

    fn release(
        &mut self,
        resource: ResourceId,
        lease: LeaseId,
        token: Token,
        by: NodeId,
        changes: &mut Vec<Change>,
    ) {
        let Some(entry) = self.resources.get_mut(&resource) else {
            changes.push(Change::NotHeld { ended: None });
            return;
        };
        match entry.live() {
            Some(latest) if latest.id == lease && latest.token == token => {
                self.end(resource, EndCause::Released { by }, changes);
            }
            _ => changes.push(entry.not_held(lease)),
        }
    }

    fn expire(&mut self, now: Reading, resource: ResourceId, changes: &mut Vec<Change>) {
        if self.held(resource).is_some_and(|(_, deadline)| now.has_reached(deadline)) {
            self.end(resource, EndCause::Expired, changes);
        }
    }

    /// Ends the live lease of a resource and grants it to the next in turn.
    fn end(&mut self, resource: ResourceId, cause: EndCause, changes: &mut Vec<Change>) {
        let Some(entry) = self.resources.get_mut(&resource) else { return };
        let Some(lease) = entry.live() else { return };
        entry.state = State::Free;
        entry.last_end = Some((lease.id, cause));
        let next = entry.queue.pop_front();
        self.revision += 1;
        changes.push(Change::Ended { lease, cause, after: self.standing() });
        if let Some(next) = next {
            self.grant(resource, next, changes);
        }
    }
}

impl Entry {
    fn live(&self) -> Option<Lease> {
        self.latest.filter(|_| self.state != State::Free)
    }

    fn not_held(&self, lease: LeaseId) -> Change {
        let ended = self.last_end.filter(|&(ended, _)| ended == lease).map(|(_, cause)| cause);
        Change::NotHeld { ended }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use leasehold_core::clock::ClockKind;
    use proptest::prelude::*;

    const R: ResourceId = ResourceId(0);
    const TTL: Span = Span::from_nanos(100);

    fn at(nanos: i64) -> Reading {
        Reading::new(ClockKind::Boot, nanos)
    }

    fn contender(node: u16, request: u64) -> Contender {
        Contender { node: NodeId(node), incarnation: Incarnation(0), request: RequestId(request) }
    }

    fn apply(table: &mut LeaseTable, now: i64, command: Command) -> Vec<Change> {
        let mut changes = vec![];
        table.apply(at(now), command, &mut changes);
        changes
    }

    fn acquire(table: &mut LeaseTable, now: i64, node: u16, request: u64) -> Vec<Change> {
        apply(table, now, Command::Acquire { resource: R, contender: contender(node, request), ttl: TTL })
    }

    /// A lease for node 1, granted and begun at 0.
    fn held() -> (LeaseTable, Lease) {
        let mut table = LeaseTable::default();
        let [Change::Granted { lease, .. }] = acquire(&mut table, 0, 1, 1)[..] else { panic!("free") };
        apply(&mut table, 0, Command::Begin { resource: R, lease: lease.id });
        (table, lease)
    }

    fn renew(lease: Lease) -> Command {
        Command::Renew { resource: R, lease: lease.id, token: lease.token }
    }

    #[test]
    fn a_term_begins_when_the_grant_is_durable() {
        let mut table = LeaseTable::default();
        acquire(&mut table, 0, 1, 1);
        assert_eq!(table.held(R), None);
        assert_eq!(acquire(&mut table, 5, 1, 1), [], "not even a retry may hear of it yet");
        let changes = apply(&mut table, 30, Command::Begin { resource: R, lease: LeaseId(1) });
        assert!(matches!(changes[..], [Change::Begun { deadline, .. }] if deadline == at(130)));
        assert!(matches!(acquire(&mut table, 31, 1, 1)[..], [Change::AlreadyGranted(_)]));
    }

    #[test]
    fn a_renewal_at_the_deadline_is_too_late_and_just_before_is_not() {
        let (mut table, lease) = held();
        assert!(matches!(apply(&mut table.clone(), 99, renew(lease))[..], [Change::Renewed { .. }]));
        assert_eq!(apply(&mut table, 100, renew(lease)), [Change::NotHeld { ended: None }]);
    }

    #[test]
    fn expiry_comes_at_the_deadline_and_not_before() {
        let (mut table, _) = held();
        assert_eq!(apply(&mut table, 99, Command::Expire { resource: R }), []);
        assert_eq!(table.overdue(at(99)).count(), 0);
        assert_eq!(table.overdue(at(100)).count(), 1);
        let changes = apply(&mut table, 100, Command::Expire { resource: R });
        assert!(matches!(changes[..], [Change::Ended { cause: EndCause::Expired, .. }]));
        assert_eq!(apply(&mut table, 100, Command::Expire { resource: R }), [], "once");
    }

    #[test]
    fn an_ended_lease_is_never_renewed_or_released_again() {
        let (mut table, lease) = held();
        apply(&mut table, 100, Command::Expire { resource: R });
        let release = Command::Release { resource: R, lease: lease.id, token: lease.token, by: NodeId(1) };
        let over = [Change::NotHeld { ended: Some(EndCause::Expired) }];
        assert_eq!(apply(&mut table, 101, renew(lease)), over);
        assert_eq!(apply(&mut table, 101, release), over);
        acquire(&mut table, 102, 2, 1);
        assert_eq!(apply(&mut table, 103, release), over, "nor under its successor");
        assert_eq!(table.live(), 1);
    }

    #[test]
    fn a_release_compares_lease_and_token() {
        let (table, lease) = held();
        let release = |lease, token| {
            let mut table = table.clone();
            apply(&mut table, 1, Command::Release { resource: R, lease, token, by: NodeId(1) });
            table.live()
        };
        assert_eq!(release(lease.id, lease.token), 0);
        assert_eq!(release(lease.id.next(), lease.token), 1);
        assert_eq!(release(lease.id, lease.token.next()), 1);
    }

    #[test]
    fn contenders_are_served_in_the_order_in_which_they_came() {
        let (mut table, lease) = held();
        acquire(&mut table, 1, 2, 1);
        acquire(&mut table, 2, 3, 1);
        assert!(matches!(
            acquire(&mut table, 3, 2, 1)[..],
            [Change::Queued { position: 1, entry: QueueEntry::Known, .. }]
        ));
        let release = Command::Release { resource: R, lease: lease.id, token: lease.token, by: NodeId(1) };
        let changes = apply(&mut table, 4, release);
        let [Change::Ended { after: ended, .. }, Change::Granted { lease: next, after: granted }] =
            changes[..]
        else {
            panic!("{changes:?}")
        };
        assert_eq!(next.contender.node, NodeId(2));
        assert_eq!(next.token, lease.token.next());
        assert_eq!((ended.live, granted.live), (0, 1));
        assert!(ended.revision < granted.revision);
    }

    #[test]
    fn an_overtaken_acquire_is_ignored() {
        let (mut table, lease) = held();
        let release = Command::Release { resource: R, lease: lease.id, token: lease.token, by: NodeId(1) };
        acquire(&mut table, 1, 1, 2);
        apply(&mut table, 2, release);
        assert_eq!(acquire(&mut table, 3, 1, 1), [], "request 1 came late");
    }

    #[test]
    fn recovery_keeps_tokens_ids_and_ends() {
        let (_, lease) = held();
        let record = |ended| LeaseRecord { lease, ended, revision: 7 };
        let mut live = LeaseTable::recover(&[record(None)], at(1_000));
        assert_eq!(live.held(R), Some((lease, at(1_100))));
        assert_eq!(live.revision(), 7);
        assert!(matches!(acquire(&mut live, 1_000, 1, 1)[..], [Change::AlreadyGranted(_)]));

        let mut ended = LeaseTable::recover(&[record(Some(EndCause::Expired))], at(1_000));
        assert_eq!(ended.live(), 0);
        let [Change::Granted { lease: next, .. }] = acquire(&mut ended, 1_000, 2, 1)[..] else {
            panic!("free")
        };
        assert!(next.id > lease.id && next.token > lease.token);
    }

    /// Who does what, in a property test.
    fn commands() -> impl Strategy<Value = Vec<(i64, Command)>> {
        let command =
            (0_u16..4, 0_u64..4, 0_u64..6, 0_u64..6).prop_flat_map(|(node, request, lease, token)| {
                let (resource, lease, token) = (R, LeaseId(lease), Token(token));
                prop_oneof![
                    Just(Command::Acquire { resource, contender: contender(node, request), ttl: TTL }),
                    Just(Command::Begin { resource, lease }),
                    Just(Command::Renew { resource, lease, token }),
                    Just(Command::Release { resource, lease, token, by: NodeId(node) }),
                    Just(Command::Expire { resource }),
                ]
            });
        proptest::collection::vec((0_i64..60, command), 0..80)
    }

    proptest! {
        /// Whatever comes, in whatever order: tokens and ids grow, at most one lease lives, grants are ends
        /// plus what lives, and nothing that ended comes back.
        #[test]
        fn the_table_keeps_its_promises(commands in commands()) {
            let mut table = LeaseTable::default();
            let (mut now, mut grants, mut ends) = (0, 0, 0);
            let (mut last_id, mut last_token) = (LeaseId(0), Token(0));
            let mut ended_up_to = LeaseId(0);
            for (wait, command) in commands {
                now += wait;
                for change in apply(&mut table, now, command) {
                    match change {
                        Change::Granted { lease, .. } => {
                            grants += 1;
                            prop_assert!(lease.id > last_id && lease.token > last_token);
                            (last_id, last_token) = (lease.id, lease.token);
                        }
                        Change::Ended { lease, .. } => {
                            ends += 1;
                            prop_assert!(lease.id > ended_up_to);
                            ended_up_to = lease.id;
                        }
                        Change::Renewed { lease, deadline } | Change::Begun { lease, deadline } => {
                            prop_assert!(lease.id > ended_up_to);
                            prop_assert_eq!(deadline, at(now) + lease.ttl);
                        }
                        Change::AlreadyGranted(lease) => prop_assert!(lease.id > ended_up_to),
                        Change::Queued { .. } | Change::NotHeld { .. } => {}
                    }
                }
                prop_assert!(table.live() <= 1);
                prop_assert_eq!(grants, ends + table.live());
            }
        }
    }
}
