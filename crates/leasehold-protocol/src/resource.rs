//! The resource: a register that a lease protects, and that protects itself by fencing.

use alloc::collections::BTreeMap;

use leasehold_core::event::{Access, NodeEvent, Refusal};
use leasehold_core::id::{Incarnation, NodeId, OpId, ResourceId, Ticket, Token, Version};
use leasehold_core::node::{Context, Input, Node};

use crate::LeaseProtocol;
use crate::message::LeaseMessage;
use crate::outbox::Outbox;
use crate::policy::{Fence, Reads, ResourcePolicy};
use crate::record::{LastWrite, RegisterRecord, StoredRecord};

type Ctx<'a> = Context<'a, LeaseProtocol>;

/// A register with a version, a value and the newest token it has seen, all durable.
///
/// Operations of one holder are numbered; one that comes twice is done once.
#[derive(Debug)]
pub struct Resource {
    id: ResourceId,
    policy: ResourcePolicy,
    version: Version,
    value: u64,
    mark: Token,
    last_writes: BTreeMap<NodeId, LastWrite>,
    outbox: Outbox<Consequence>,
}

/// What happens once the register's state is durable.
#[derive(Clone, Copy, Debug)]
struct Consequence {
    event: NodeEvent,
    to: NodeId,
    message: LeaseMessage,
}

/// A write that came in.
#[derive(Clone, Copy, Debug)]
struct Write {
    holder: NodeId,
    incarnation: Incarnation,
    op: OpId,
    token: Token,
    based_on: Option<Version>,
    value: u64,
}

impl Resource {
    /// An empty register.
    pub fn new(id: ResourceId, policy: ResourcePolicy) -> Self {
        Self {
            id,
            policy,
            version: Version(0),
            value: 0,
            mark: Token(0),
            last_writes: BTreeMap::new(),
            outbox: Outbox::default(),
        }
    }

    fn recover(&mut self, disk: &[StoredRecord]) {
        for record in disk {
            let StoredRecord::Register(record) = record else {
                unreachable!("a resource writes register records only")
            };
            if record.version >= self.version {
                (self.version, self.value) = (record.version, record.value);
            }
            self.mark = self.mark.max(record.mark);
            if let Some(write) = record.last_write {
                self.last_writes.insert(record.holder, write);
            }
        }
    }

    fn is_stale(&self, token: Token) -> bool {
        self.policy.fence == Fence::HighestToken && token < self.mark
    }

    fn read(&mut self, ctx: &mut Ctx<'_>, holder: NodeId, incarnation: Incarnation, op: OpId, token: Token) {
        if self.is_stale(token) {
            self.refuse(ctx, holder, (incarnation, op), token, Access::Read);
            return;
        }
        let event = NodeEvent::ReadServed { resource: self.id, reader: holder, token, version: self.version };
        let message = LeaseMessage::ReadDone { incarnation, op, version: self.version, value: self.value };
        let done = Consequence { event, to: holder, message };

        let fences = self.policy.fence == Fence::HighestToken;
        if fences && self.policy.reads == Reads::RaiseMark && token > self.mark {
            self.mark = token;
            let ticket = self.persist(ctx, holder);
            self.outbox.hold(ticket, done);
        } else if let Some(done) = self.outbox.hold_behind_all(done) {
            happen(ctx, done);
        }
    }

    fn write(&mut self, ctx: &mut Ctx<'_>, write: Write) {
        let Write { holder, incarnation, op, token, based_on, value } = write;
        if let Some(last) = self.last_writes.get(&holder).copied()
            && (incarnation, op) <= (last.incarnation, last.op)
        {
            self.duplicate(ctx, holder, (incarnation, op), last);
            return;
        }
        if self.is_stale(token) {
            self.refuse(ctx, holder, (incarnation, op), token, Access::Write);
            return;
        }
        let replaced = self.version;
        self.version = replaced.next();
        self.value = value;
        self.mark = self.mark.max(token);
        self.last_writes.insert(holder, LastWrite { incarnation, op, version: self.version });
        let ticket = self.persist(ctx, holder);
        let event = NodeEvent::EffectAccepted {
            resource: self.id,
            writer: holder,
            token,
            op,
            replaced,
            based_on,
            value,
        };
        let message = LeaseMessage::WriteDone { incarnation, op, version: self.version };
        self.outbox.hold(ticket, Consequence { event, to: holder, message });
    }

    /// Answers a write that was done before as it was answered then; one that the holder has moved on from is
    /// answered by nothing.
    fn duplicate(&mut self, ctx: &mut Ctx<'_>, holder: NodeId, came: (Incarnation, OpId), last: LastWrite) {
        let event = NodeEvent::DuplicateRecognised { resource: self.id, writer: holder, op: came.1 };
        if came != (last.incarnation, last.op) {
            ctx.emit(event);
            return;
        }
        let message =
            LeaseMessage::WriteDone { incarnation: last.incarnation, op: last.op, version: last.version };
        if let Some(done) = self.outbox.hold_behind_all(Consequence { event, to: holder, message }) {
            happen(ctx, done);
        }
    }

    fn refuse(
        &self,
        ctx: &mut Ctx<'_>,
        by: NodeId,
        (incarnation, op): (Incarnation, OpId),
        token: Token,
        access: Access,
    ) {
        let refusal = Refusal::Stale { mark: self.mark };
        ctx.emit(NodeEvent::AccessRefused { resource: self.id, by, access, token, refusal });
        ctx.send(by, LeaseMessage::Fenced { incarnation, op, mark: self.mark });
    }

    fn persist(&self, ctx: &mut Ctx<'_>, holder: NodeId) -> Ticket {
        ctx.persist(StoredRecord::Register(RegisterRecord {
            holder,
            last_write: self.last_writes.get(&holder).copied(),
            version: self.version,
            value: self.value,
            mark: self.mark,
        }))
    }
}

fn happen(ctx: &mut Ctx<'_>, consequence: Consequence) {
    ctx.emit(consequence.event);
    ctx.send(consequence.to, consequence.message);
}

impl Node<LeaseProtocol> for Resource {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<LeaseProtocol>) {
        match input {
            Input::Restarted { disk } => self.recover(&disk),
            Input::Received { from, message: LeaseMessage::Read { incarnation, op, token } } => {
                self.read(ctx, from, incarnation, op, token);
            }
            Input::Received {
                from,
                message: LeaseMessage::Write { incarnation, op, token, based_on, value, .. },
            } => self.write(ctx, Write { holder: from, incarnation, op, token, based_on, value }),
            Input::Persisted(ticket) => {
                while let Some(consequence) = self.outbox.release(ticket) {
                    happen(ctx, consequence);
                }
            }
            Input::Started | Input::Received { .. } | Input::Timer(_) | Input::Command(_) => {}
        }
    }
}
