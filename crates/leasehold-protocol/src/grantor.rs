//! The grantor: owns clock, timers, disk and messages around a [`LeaseTable`].

use alloc::vec::Vec;
use core::mem;

use leasehold_core::clock::Reading;
use leasehold_core::event::{EndCause, NodeEvent, Probe};
use leasehold_core::id::{NodeId, RequestId, ResourceId, TaskId, Ticket, TimerId};
use leasehold_core::node::{Context, Input, Node};

use crate::LeaseProtocol;
use crate::holder::LeaseCommand;
use crate::message::{LeaseMessage, QueryAnswer};
use crate::outbox::Outbox;
use crate::policy::{Expiry, GrantorPolicy};
use crate::record::{LeaseRecord, StoredRecord};
use crate::table::{Change, Command, Contender, Lease, LeaseTable, QueueEntry, Standing};

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
    changes: Vec<Change>,
}

/// What happens once a decision is durable.
#[derive(Clone, Copy, Debug)]
enum Consequence {
    Granted { lease: Lease, after: Standing },
    Ended { lease: Lease, cause: EndCause, after: Standing },
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
}

impl From<Timer> for TimerId {
    fn from(timer: Timer) -> Self {
        match timer {
            Timer::Sweep => Self(0),
            Timer::Deadline(resource) => Self(resource.0 + 1),
        }
    }
}

impl From<TimerId> for Timer {
    fn from(id: TimerId) -> Self {
        match id.0 {
            0 => Self::Sweep,
            n => Self::Deadline(ResourceId(n - 1)),
        }
    }
}

impl Grantor {
    /// A grantor with an empty table.
    pub fn new(policy: GrantorPolicy) -> Self {
        Self {
            policy,
            table: LeaseTable::default(),
            outbox: Outbox::default(),
            changes: Vec::with_capacity(4),
        }
    }

    fn now(&self, ctx: &Ctx<'_>) -> Reading {
        ctx.read(self.policy.clock)
    }

    fn recover(&mut self, ctx: &mut Ctx<'_>, disk: &[StoredRecord]) {
        let mut records: Vec<LeaseRecord> = disk
            .iter()
            .map(|record| match record {
                StoredRecord::Lease(record) => *record,
                StoredRecord::Register(_) => unreachable!("a grantor writes lease records only"),
            })
            .collect();
        // Some may never have been told of. Lease ids only grow, so the oldest is told first.
        records.sort_by_key(|record| record.lease.id);
        self.table = LeaseTable::recover(&records, self.now(ctx));
        for LeaseRecord { lease, ended, .. } in records {
            ctx.emit(NodeEvent::Recovered {
                resource: lease.resource,
                lease: lease.id,
                holder: lease.contender.node,
                token: lease.token,
                ttl: lease.ttl,
                ended,
            });
            if let Some((_, deadline)) = self.table.held(lease.resource) {
                self.watch(ctx, lease.resource, deadline);
            }
        }
        ctx.emit(NodeEvent::TableHolds { live: self.table.live() });
        self.arm_sweep(ctx);
    }

    fn arm_sweep(&self, ctx: &mut Ctx<'_>) {
        if let Expiry::Sweep { every, .. } = self.policy.expiry {
            ctx.arm(Timer::Sweep, self.now(ctx) + every);
        }
    }

    fn watch(&self, ctx: &mut Ctx<'_>, resource: ResourceId, deadline: Reading) {
        if self.policy.expiry == Expiry::ExactTimer {
            ctx.arm(Timer::Deadline(resource), deadline);
        }
    }

    fn timer(&mut self, ctx: &mut Ctx<'_>, timer: Timer) {
        match timer {
            Timer::Deadline(resource) => self.apply(ctx, Command::Expire { resource }, None),
            Timer::Sweep => {
                let overdue: Vec<ResourceId> = self.table.overdue(self.now(ctx)).collect();
                for resource in overdue {
                    self.apply(ctx, Command::Expire { resource }, None);
                }
                self.arm_sweep(ctx);
            }
        }
    }

    fn received(&mut self, ctx: &mut Ctx<'_>, from: NodeId, message: LeaseMessage) {
        let command = match message {
            LeaseMessage::Acquire { resource, incarnation, request, ttl, .. } => {
                let contender = Contender { node: from, incarnation, request };
                Command::Acquire { resource, contender, ttl: self.policy.negotiate(ttl) }
            }
            LeaseMessage::Renew { resource, lease, token, .. } => Command::Renew { resource, lease, token },
            LeaseMessage::Release { resource, lease, token, .. } => {
                Command::Release { resource, lease, token, by: from }
            }
            LeaseMessage::Query { resource, request } => return self.query(ctx, from, resource, request),
            // Answers, and what concerns resources: not for a grantor, wherever they come from.
            _ => return,
        };
        self.apply(ctx, command, Some(Question { from, message }));
    }

    fn query(&mut self, ctx: &mut Ctx<'_>, from: NodeId, resource: ResourceId, request: RequestId) {
        let now = self.now(ctx);
        let answer = self.table.held(resource).map(|(lease, deadline)| QueryAnswer {
            lease: lease.id,
            holder: lease.contender.node,
            token: lease.token,
            remaining: deadline.saturating_since(now),
        });
        let message = LeaseMessage::Answer { request, revision: self.table.revision(), answer };
        if let Some(Consequence::Answered { to, message }) =
            self.outbox.hold_behind_all(Consequence::Answered { to: from, message })
        {
            ctx.send(to, message);
        }
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
            Change::Granted { lease, after } => {
                let ticket = persist(ctx, lease, None, after);
                self.outbox.hold(ticket, Consequence::Granted { lease, after });
            }
            Change::Ended { lease, cause, after } => {
                ctx.disarm(Timer::Deadline(lease.resource));
                let ticket = persist(ctx, lease, Some(cause), after);
                self.outbox.hold(ticket, Consequence::Ended { lease, cause, after });
                if let Some(Question { from, message: LeaseMessage::Release { lease, request, .. } }) =
                    question
                {
                    let message = LeaseMessage::Released { lease, request };
                    self.outbox.hold(ticket, Consequence::Answered { to: from, message });
                }
            }
            Change::Begun { lease, deadline } => self.watch(ctx, lease.resource, deadline),
            Change::AlreadyGranted(lease) => ctx.send(lease.contender.node, granted(lease)),
            Change::Queued { resource, contender, position, entry } => {
                if entry == QueueEntry::New {
                    ctx.emit(NodeEvent::Queued { resource, contender: contender.node, position });
                }
                let Contender { node, incarnation, request } = contender;
                ctx.send(node, LeaseMessage::Queued { resource, incarnation, request, position });
            }
            Change::Renewed { lease, deadline } => {
                self.watch(ctx, lease.resource, deadline);
                let Lease { id, resource, token, ttl, .. } = lease;
                ctx.emit(NodeEvent::Renewed { resource, lease: id, token, ttl });
                if let Some(Question { from, message: LeaseMessage::Renew { request, .. } }) = question {
                    ctx.send(from, LeaseMessage::Renewed { lease: id, request, ttl });
                }
            }
            Change::NotHeld { ended } => self.refuse(ctx, ended, question),
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
        if let Some(Consequence::Answered { to, message }) =
            self.outbox.hold_behind_all(Consequence::Answered { to: from, message })
        {
            ctx.send(to, message);
        }
    }

    /// All writes up to `durable` are on disk: what they held back happens.
    fn persisted(&mut self, ctx: &mut Ctx<'_>, durable: Ticket) {
        while let Some(consequence) = self.outbox.release(durable) {
            match consequence {
                Consequence::Granted { lease, after } => {
                    let Lease { id, resource, contender, token, ttl } = lease;
                    let holder = contender.node;
                    ctx.emit(NodeEvent::Granted { resource, lease: id, holder, token, ttl });
                    ctx.emit(NodeEvent::TableHolds { live: after.live });
                    self.apply(ctx, Command::Begin { resource, lease: id }, None);
                    ctx.send(holder, granted(lease));
                }
                Consequence::Ended { lease, cause, after } => {
                    let Lease { id, resource, token, .. } = lease;
                    ctx.emit(NodeEvent::Ended { resource, lease: id, token, cause });
                    ctx.emit(NodeEvent::TableHolds { live: after.live });
                }
                Consequence::Answered { to, message } => ctx.send(to, message),
            }
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
            Input::Command(LeaseCommand::Shutdown) => {}
        }
    }
}

fn granted(lease: Lease) -> LeaseMessage {
    let Lease { id, resource, contender, token, ttl } = lease;
    let Contender { incarnation, request, .. } = contender;
    LeaseMessage::Granted { resource, incarnation, request, lease: id, token, ttl, task: TaskId(0) }
}

fn persist(ctx: &mut Ctx<'_>, lease: Lease, ended: Option<EndCause>, after: Standing) -> Ticket {
    ctx.persist(StoredRecord::Lease(LeaseRecord { lease, ended, revision: after.revision }))
}
