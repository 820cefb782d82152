//! The resource: a register that a lease protects, and that protects itself by fencing.

use alloc::collections::BTreeMap;

use leasehold_core::event::{Access, NodeEvent, Refusal};
use leasehold_core::id::{Incarnation, NodeId, OpId, ResourceId, TaskId, Ticket, Token, Version};
use leasehold_core::node::{Context, Input, Node};

use crate::LeaseProtocol;
use crate::message::LeaseMessage;
use crate::outbox::Outbox;
use crate::policy::{Duplicates, Fence, Reads, ResourcePolicy, TaskEffects, Writes};
use crate::record::{LastWrite, RegisterRecord, StoredRecord};

type Ctx<'a> = Context<'a, LeaseProtocol>;

/// A register with a version, a value and the token that it fences by, all durable unless a policy says otherwise.
///
/// Operations of one holder are numbered; one that comes twice is done once.
#[derive(Debug)]
pub struct Resource {
    id: ResourceId,
    policy: ResourcePolicy,
    /// How often it was written to disk.
    revision: u64,
    version: Version,
    value: u64,
    /// The newest token, where tokens have an order; else the one that it goes by.
    mark: Token,
    /// The mark before this one.
    replaced: Token,
    last_writes: BTreeMap<NodeId, LastWrite>,
    /// The newest task whose effect was applied.
    applied: Option<TaskId>,
    outbox: Outbox<Consequence>,
}

/// What happens once the register's state is durable.
#[derive(Clone, Copy, Debug)]
struct Consequence {
    event: Option<NodeEvent>,
    and: Option<NodeEvent>,
    to: NodeId,
    message: LeaseMessage,
}

/// Who wants what, under which token.
#[derive(Clone, Copy, Debug)]
struct Caller {
    holder: NodeId,
    incarnation: Incarnation,
    op: OpId,
    token: Token,
}

/// What a write brings.
#[derive(Clone, Copy, Debug)]
struct Write {
    based_on: Option<Version>,
    value: u64,
    task: Option<TaskId>,
}

impl Resource {
    /// An empty register.
    pub fn new(id: ResourceId, policy: ResourcePolicy) -> Self {
        Self {
            id,
            policy,
            revision: 0,
            version: Version(0),
            value: 0,
            mark: Token(0),
            replaced: Token(0),
            last_writes: BTreeMap::new(),
            applied: None,
            outbox: Outbox::default(),
        }
    }

    fn recover(&mut self, disk: &[StoredRecord]) {
        for record in disk {
            let StoredRecord::Register(record) = record else {
                unreachable!("a resource writes register records only")
            };
            if record.revision >= self.revision {
                self.revision = record.revision;
                (self.version, self.value) = (record.version, record.value);
                (self.mark, self.replaced) = (record.mark, record.replaced);
                self.applied = record.applied;
            }
            if let Some(write) = record.last_write {
                self.last_writes.insert(record.holder, write);
            }
        }
        if self.policy.fence == Fence::HighestVolatile {
            self.mark = Token(0);
        }
    }

    // --- The fence --------------------------------------------------------------------------------------

    /// Why it refuses a token, if it does.
    fn refusal(&self, token: Token, access: Access) -> Option<Refusal> {
        let mark = self.mark;
        match (self.policy.fence, access) {
            (Fence::HighestToken | Fence::HighestVolatile, _) if token < mark => {
                Some(Refusal::Stale { mark })
            }
            (Fence::LastToken, _) if token == self.replaced && token != mark => {
                Some(Refusal::NotCurrent { current: mark })
            }
            (Fence::Equality, Access::Write) if token != mark => Some(Refusal::NotCurrent { current: mark }),
            _ => None,
        }
    }

    /// Fences by a token that it has not refused, from now on. Says whether that changes anything.
    fn adopt(&mut self, token: Token) -> bool {
        let is_new = match self.policy.fence {
            Fence::HighestToken | Fence::HighestVolatile | Fence::None => token > self.mark,
            Fence::LastToken | Fence::Equality => token != self.mark,
        };
        if is_new {
            (self.replaced, self.mark) = (self.mark, token);
        }
        is_new
    }

    fn refuse(&self, ctx: &mut Ctx<'_>, caller: Caller, access: Access, refusal: Refusal) {
        let Caller { holder, incarnation, op, token } = caller;
        ctx.emit(NodeEvent::AccessRefused { resource: self.id, by: holder, access, token, refusal });
        ctx.send(holder, LeaseMessage::Fenced { incarnation, op, mark: self.mark });
    }

    /// Lets something happen once a mark that was set just now is as durable as it gets.
    fn behind_mark(&mut self, ctx: &mut Ctx<'_>, consequence: Consequence) {
        if self.policy.fence == Fence::HighestVolatile {
            self.behind_all(ctx, consequence);
        } else {
            let ticket = self.persist(ctx, consequence.to);
            self.outbox.hold(ticket, consequence);
        }
    }

    /// Lets something happen once all that was decided before is durable.
    fn behind_all(&mut self, ctx: &mut Ctx<'_>, consequence: Consequence) {
        if let Some(consequence) = self.outbox.hold_behind_all(consequence) {
            happen(ctx, consequence);
        }
    }

    // --- Operations -------------------------------------------------------------------------------------

    fn read(&mut self, ctx: &mut Ctx<'_>, caller: Caller) {
        let Caller { holder, incarnation, op, token } = caller;
        if let Some(refusal) = self.refusal(token, Access::Read) {
            return self.refuse(ctx, caller, Access::Read, refusal);
        }
        let event = NodeEvent::ReadServed { resource: self.id, reader: holder, token, version: self.version };
        let message = LeaseMessage::ReadDone { incarnation, op, version: self.version, value: self.value };
        let done = Consequence { event: Some(event), and: None, to: holder, message };

        let raises = self.policy.fence != Fence::None && self.policy.reads == Reads::RaiseMark;
        if raises && self.adopt(token) {
            self.behind_mark(ctx, done);
        } else {
            self.behind_all(ctx, done);
        }
    }

    fn barrier(&mut self, ctx: &mut Ctx<'_>, caller: Caller) {
        let Caller { holder, incarnation, op, token } = caller;
        // It is let in like a reader: what is to become the mark need not be it yet.
        if let Some(refusal) = self.refusal(token, Access::Read) {
            return self.refuse(ctx, caller, Access::Write, refusal);
        }
        let message = LeaseMessage::BarrierDone { incarnation, op };
        let done = Consequence { event: None, and: None, to: holder, message };
        if self.adopt(token) {
            let event = NodeEvent::BarrierRaised { resource: self.id, by: holder, token };
            self.behind_mark(ctx, Consequence { event: Some(event), ..done });
        } else {
            self.behind_all(ctx, done);
        }
    }

    fn write(&mut self, ctx: &mut Ctx<'_>, caller: Caller, write: Write) {
        let Caller { holder, incarnation, op, token } = caller;
        let Write { based_on, value, task } = write;
        if self.policy.duplicates == Duplicates::Recognised
            && let Some(last) = self.last_writes.get(&holder).copied()
            && (incarnation, op) <= (last.incarnation, last.op)
        {
            self.duplicate(ctx, caller, last);
            return;
        }
        if let Some(refusal) = self.refusal(token, Access::Write) {
            return self.refuse(ctx, caller, Access::Write, refusal);
        }
        if self.policy.tasks == TaskEffects::Once && task.is_some() && task <= self.applied {
            self.recognise(ctx, caller, self.version);
            return;
        }
        // A write that is based on nothing has nothing to compare.
        if self.policy.writes == Writes::CompareAndSet && based_on.is_some_and(|seen| seen != self.version) {
            self.conflict(ctx, caller);
            return;
        }
        let replaced = self.version;
        self.version = replaced.next();
        self.value = value;
        self.adopt(token);
        self.applied = self.applied.max(task);
        self.last_writes.insert(holder, LastWrite { incarnation, op, version: self.version });
        let ticket = self.persist(ctx, holder);
        let resource = self.id;
        let event =
            NodeEvent::EffectAccepted { resource, writer: holder, token, op, replaced, based_on, value };
        let and = task.map(|task| NodeEvent::TaskApplied { resource, task, by: holder, token });
        let message = LeaseMessage::WriteDone { incarnation, op, version: self.version };
        self.outbox.hold(ticket, Consequence { event: Some(event), and, to: holder, message });
    }

    /// Answers a write that was done before as it was answered then; one that the holder has moved on from is
    /// answered by nothing.
    fn duplicate(&mut self, ctx: &mut Ctx<'_>, caller: Caller, last: LastWrite) {
        let Caller { holder, incarnation, op, .. } = caller;
        if (incarnation, op) == (last.incarnation, last.op) {
            self.recognise(ctx, caller, last.version);
        } else {
            ctx.emit(NodeEvent::DuplicateRecognised { resource: self.id, writer: holder, op });
        }
    }

    /// Answers that something is done, without doing it again.
    fn recognise(&mut self, ctx: &mut Ctx<'_>, caller: Caller, version: Version) {
        let Caller { holder, incarnation, op, .. } = caller;
        let event = NodeEvent::DuplicateRecognised { resource: self.id, writer: holder, op };
        let message = LeaseMessage::WriteDone { incarnation, op, version };
        self.behind_all(ctx, Consequence { event: Some(event), and: None, to: holder, message });
    }

    /// Refuses a write that is based on an older version than the latest.
    fn conflict(&mut self, ctx: &mut Ctx<'_>, caller: Caller) {
        let Caller { holder: by, incarnation, op, token } = caller;
        let latest = self.version;
        let (access, refusal) = (Access::Write, Refusal::Conflict { latest });
        let event = NodeEvent::AccessRefused { resource: self.id, by, access, token, refusal };
        let message = LeaseMessage::Conflict { incarnation, op, latest };
        self.behind_all(ctx, Consequence { event: Some(event), and: None, to: by, message });
    }

    fn persist(&mut self, ctx: &mut Ctx<'_>, holder: NodeId) -> Ticket {
        self.revision += 1;
        ctx.persist(StoredRecord::Register(RegisterRecord {
            holder,
            last_write: self.last_writes.get(&holder).copied(),
            revision: self.revision,
            version: self.version,
            value: self.value,
            mark: self.mark,
            replaced: self.replaced,
            applied: self.applied,
        }))
    }

    fn received(&mut self, ctx: &mut Ctx<'_>, holder: NodeId, message: LeaseMessage) {
        match message {
            LeaseMessage::Read { incarnation, op, token } => {
                self.read(ctx, Caller { holder, incarnation, op, token });
            }
            LeaseMessage::Barrier { incarnation, op, token } => {
                self.barrier(ctx, Caller { holder, incarnation, op, token });
            }
            LeaseMessage::Write { incarnation, op, token, based_on, value, task } => {
                let caller = Caller { holder, incarnation, op, token };
                self.write(ctx, caller, Write { based_on, value, task });
            }
            // Answers, and what concerns grantors: not for a resource, wherever they come from.
            _ => {}
        }
    }
}

fn happen(ctx: &mut Ctx<'_>, consequence: Consequence) {
    for event in consequence.event.into_iter().chain(consequence.and) {
        ctx.emit(event);
    }
    ctx.send(consequence.to, consequence.message);
}

impl Node<LeaseProtocol> for Resource {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<LeaseProtocol>) {
        match input {
            Input::Restarted { disk } => self.recover(&disk),
            Input::Received { from, message } => self.received(ctx, from, message),
            Input::Persisted(ticket) => {
                while let Some(consequence) = self.outbox.release(ticket) {
                    happen(ctx, consequence);
                }
            }
            Input::Started | Input::Timer(_) | Input::Command(_) => {}
        }
    }
}
