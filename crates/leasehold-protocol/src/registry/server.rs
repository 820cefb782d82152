//! The registry: owns clock, timers, disk, inbox and messages around a [book](book::Book) of leases.
//!
//! It hands out its list by a [feed](super::feed), which has only what is durable.

mod agenda;
mod book;
mod inbox;
mod news;
mod passes;
mod prober;
mod requests;
mod words;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use leasehold_core::clock::{Reading, Wall};
use leasehold_core::event::{EndCause, NodeEvent, Probe, RegistryEvent, Revocation};
use leasehold_core::id::{Epoch, LeaseId, NodeId, RequestId, Revision, Ticket, TimerId, Token};
use leasehold_core::node::{Context, Input, Node};

use self::agenda::RowId;
use self::book::{Asked, Beat, Book, Change, Tenure};
use self::inbox::Inbox;
use self::news::Consequence;
use self::prober::Prober;
use self::words::Words;
use super::feed::Feed;
use super::grace;
use super::policy::{Liveness, Registrations, RegistryPolicy};
use super::{Places, RegistryMessage, RegistryProtocol};
use crate::outbox::Outbox;
use crate::policy::Expiry;

type Ctx<'a> = Context<'a, RegistryProtocol>;

/// Keeps members' leases, and lists the instances that hang on them.
///
/// Every decision that must survive is written first; what follows from it (events, answers, what the feed hands
/// out, the start of a term) waits in an outbox until the disk has it. A heartbeat is not such a decision, and is not
/// written unless a restart has to know of it.
#[derive(Debug)]
pub struct Registry {
    policy: Arc<RegistryPolicy>,
    places: Arc<Places>,
    book: Book,
    outbox: Outbox<Consequence>,
    feed: Feed,
    inbox: Option<Inbox>,
    prober: Option<Prober>,
    words: Words,
    /// The revision that the feed is at: the latest that is durable.
    published: Revision,
    /// When the next pass over the leases is meant to be: what its lateness is counted from.
    pass_due: Option<Reading>,
    /// When the timer for it comes, in nanoseconds of the clock. With a slow sweep that is later.
    pass_armed: Option<i64>,
    probe_armed: Option<i64>,
    /// When ends that were not admitted are tried again.
    retry_at: Option<Reading>,
    pace: Pace,
    changes: Vec<Change>,
}

/// How fast it sweeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pace {
    #[default]
    InTime,
    Slow,
}

/// Who asked what.
#[derive(Clone, Copy, Debug)]
enum Question {
    Registration,
    Heartbeat { from: NodeId, beat: Beat },
    Deregistration { from: NodeId, message: Named },
}

/// What a deregistration names.
#[derive(Clone, Copy, Debug)]
struct Named {
    lease: LeaseId,
    epoch: Epoch,
    request: RequestId,
}

/// The registry's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// When to look at leases: at all that are noted for then.
    Pass,
    /// When to send a probe, or to give up on one.
    Probe,
    /// When the message that is worked at is done.
    Served,
}

impl From<Timer> for TimerId {
    fn from(timer: Timer) -> Self {
        match timer {
            Timer::Pass => Self(0),
            Timer::Probe => Self(1),
            Timer::Served => Self(2),
        }
    }
}

impl From<TimerId> for Timer {
    fn from(id: TimerId) -> Self {
        match id.0 {
            0 => Self::Pass,
            1 => Self::Probe,
            _ => Self::Served,
        }
    }
}

impl Registry {
    /// A registry with an empty list.
    pub fn new(policy: RegistryPolicy, places: Arc<Places>) -> Self {
        let grace = grace::build(&policy.grace, places.clone());
        let policy = Arc::new(policy);
        Self {
            book: Book::new(policy.clone(), places.members.len(), grace),
            outbox: Outbox::default(),
            feed: Feed::new(policy.feed, policy.clock),
            inbox: policy.inbox.filter(|inbox| !inbox.service.is_zero()).map(Inbox::new),
            prober: None,
            words: Words::new(places.clone()),
            published: Revision(0),
            pass_due: None,
            pass_armed: None,
            probe_armed: None,
            retry_at: None,
            pace: Pace::InTime,
            changes: Vec::with_capacity(4),
            policy,
            places,
        }
    }

    fn now(&self, ctx: &Ctx<'_>) -> Reading {
        ctx.read(self.policy.clock)
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        let now = self.now(ctx);
        self.prober = Prober::new(&self.policy, self.places.clone(), now);
        if let Expiry::Sweep { every, .. } = self.policy.expiry {
            self.pass_due = Some(now + every);
        }
    }

    // --- What follows -----------------------------------------------------------------------------------

    /// Tells the book something, and does what follows.
    fn apply(
        &mut self,
        ctx: &mut Ctx<'_>,
        question: Option<Question>,
        tell: impl FnOnce(&mut Book, Reading, &mut Vec<Change>),
    ) {
        let now = self.now(ctx);
        let mut changes = mem::take(&mut self.changes);
        tell(&mut self.book, now, &mut changes);
        for change in changes.drain(..) {
            self.follow(ctx, change, question);
        }
        self.changes = changes;
    }

    fn follow(&mut self, ctx: &mut Ctx<'_>, change: Change, question: Option<Question>) {
        match change {
            Change::Granted { row, tenure: Tenure { member, lease, .. } } => {
                let ticket = self.write(ctx, row);
                self.outbox.hold(ticket, Consequence::Granted { member, lease });
                if self.policy.registrations == Registrations::AnsweredAtOnce
                    && let Some(lease) = self.book.lease(row)
                {
                    ctx.send(lease.tenure.holder, news::registered(lease));
                }
            }
            // Nothing waits for that: what its old place is needed for is written behind it.
            Change::SetApart { row } => {
                let _ = self.write(ctx, row);
            }
            Change::Begun { lease, status, deadline, revision } => {
                self.begun(ctx, &lease, status, deadline, revision);
            }
            Change::KeptOut => ctx.probe(Probe::ReadmissionPutOff),
            Change::AlreadyRegistered(lease) => ctx.send(lease.tenure.holder, news::registered(&lease)),
            Change::Refused { asked: Asked { member, node, incarnation, request }, because, retry_after } => {
                let refused =
                    RegistryMessage::RegisterRefused { member, incarnation, request, because, retry_after };
                ctx.send(node, refused);
            }
            Change::Renewed { row, tenure, news } => self.renewed(ctx, row, tenure, news, question),
            Change::KeptByGrace => ctx.probe(Probe::KeptByGrace),
            Change::OutOfOrder => ctx.probe(Probe::RenewalOutOfOrder),
            Change::Revived { row, lease, status, revision } => {
                let Tenure { member: resource, lease: id, ttl, .. } = lease.tenure;
                let token = lease.tenure.token();
                ctx.emit(NodeEvent::Renewed { resource, lease: id, token, ttl });
                ctx.emit(NodeEvent::TableHolds { live: self.book.live() });
                self.acknowledge(ctx, lease.tenure, question);
                let ticket = self.write(ctx, row);
                self.outbox.hold(ticket, Consequence::Revived { lease, status, revision });
            }
            Change::Status { row, lease, status, revision } => {
                let ticket = self.write(ctx, row);
                self.outbox.hold(ticket, Consequence::Status { lease, status, revision });
            }
            Change::NotHeld { ended } => self.refuse(ctx, ended, question),
            Change::ReleaseTaken(tenure) => {
                if let Some(Question::Deregistration { from: by, message: Named { lease, epoch, .. } }) =
                    question
                {
                    ctx.emit(NodeEvent::ReleaseTaken {
                        resource: tenure.member,
                        lease: tenure.lease,
                        by,
                        named_lease: lease,
                        named_token: Token(epoch.0),
                    });
                }
            }
            Change::EndOrdered { row, tenure, cause } => self.order_end(ctx, row, tenure, cause, question),
            Change::Ended { row, lease, cause, revision } => self.ended(ctx, row, &lease, cause, revision),
            Change::Withheld { due, live } => {
                ctx.emit(NodeEvent::Registry(RegistryEvent::EndsWithheld { due, live }));
            }
            Change::Admitted => ctx.emit(NodeEvent::Registry(RegistryEvent::EndsAdmitted)),
            Change::RateLimited => ctx.probe(Probe::SweepRateLimited),
        }
    }

    /// A term began anew, now.
    fn renewed(
        &mut self,
        ctx: &mut Ctx<'_>,
        row: RowId,
        tenure: Tenure,
        news: Option<Revision>,
        question: Option<Question>,
    ) {
        let Tenure { member, lease, ttl, .. } = tenure;
        ctx.emit(NodeEvent::Renewed { resource: member, lease, token: tenure.token(), ttl });
        if news.is_none() && !self.policy.writes_renewals() {
            return self.acknowledge(ctx, tenure, question);
        }
        let ticket = self.write(ctx, row);
        if let Some(revision) = news {
            self.outbox.hold(ticket, Consequence::Published { member, revision });
        }
        match question {
            Some(Question::Heartbeat { from: to, beat }) if self.policy.writes_renewals() => {
                let number = beat.number;
                self.outbox.hold(ticket, Consequence::Taken { to, tenure, number });
            }
            _ => self.acknowledge(ctx, tenure, question),
        }
    }

    /// Answers a heartbeat with yes. Who answers a probe is not told that it was counted.
    fn acknowledge(&self, ctx: &mut Ctx<'_>, tenure: Tenure, question: Option<Question>) {
        if let Some(Question::Heartbeat { from, beat }) = question {
            news::say_taken(ctx, from, tenure, beat.number);
        }
    }

    /// Tells whoever asked that there is no such lease: for a deregistration that is as good as done. Not before the
    /// end itself is durable, or a restart brings back what somebody was told is gone.
    fn refuse(&mut self, ctx: &mut Ctx<'_>, ended: Option<EndCause>, question: Option<Question>) {
        let (probe, to, message) = match question {
            Some(Question::Heartbeat { from, beat: Beat { lease, number, .. } }) => {
                (Probe::RenewalInFlightAtExpiry, from, RegistryMessage::HeartbeatRefused { lease, number })
            }
            Some(Question::Deregistration { from, message: Named { lease, request, .. } }) => {
                (Probe::ReleaseRacedExpiry, from, RegistryMessage::Deregistered { lease, request })
            }
            Some(Question::Registration) | None => return,
        };
        if ended == Some(EndCause::Expired) {
            ctx.probe(probe);
        }
        self.answer_behind_all(ctx, to, message);
    }

    /// Answers when all that is decided is durable.
    fn answer_behind_all(&mut self, ctx: &mut Ctx<'_>, to: NodeId, message: RegistryMessage) {
        if let Some(Consequence::Answered { to, message }) =
            self.outbox.hold_behind_all(Consequence::Answered { to, message })
        {
            ctx.send(to, message);
        }
    }

    fn write(&self, ctx: &mut Ctx<'_>, row: RowId) -> Ticket {
        let now = (self.now(ctx), ctx.now::<Wall>());
        ctx.persist(self.book.record(row, now))
    }

    fn order_end(
        &mut self,
        ctx: &mut Ctx<'_>,
        row: RowId,
        tenure: Tenure,
        cause: EndCause,
        question: Option<Question>,
    ) {
        let Tenure { member, lease, .. } = tenure;
        ctx.emit(NodeEvent::EndOrdered { resource: member, lease, cause });
        let ticket = self.write(ctx, row);
        self.outbox.hold(ticket, Consequence::Ended { member, lease });
        if let Some(Question::Deregistration { from, message: Named { lease, request, .. } }) = question {
            self.answer_behind_all(ctx, from, RegistryMessage::Deregistered { lease, request });
        }
        let is_told = match (cause, question) {
            (EndCause::Revoked { reason: Revocation::HealthCheck }, _) => true,
            // Nothing that it sends is answered in pull, so it would never find out.
            (EndCause::Expired, _) => self.policy.liveness == Liveness::Pull,
            _ => false,
        };
        if is_told {
            self.answer_behind_all(ctx, tenure.holder, RegistryMessage::Revoked { lease });
        }
    }
}

impl Node<RegistryProtocol> for Registry {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<RegistryProtocol>) {
        match input {
            Input::Started => {
                self.begin(ctx);
                self.feed.open(Revision(0), &[]);
            }
            Input::Restarted { disk } => {
                self.begin(ctx);
                self.recover(ctx, disk);
            }
            Input::Received { from, message } => self.received(ctx, (from, message)),
            Input::Timer(id) => match id.into() {
                Timer::Pass => self.pass(ctx),
                Timer::Probe => self.probe(ctx),
                Timer::Served => self.served(ctx),
            },
            Input::Persisted(ticket) => self.persisted(ctx, ticket),
            Input::Command(command) => self.command(ctx, command),
        }
        self.arm(ctx);
    }
}

#[cfg(test)]
mod tests;
