//! The store: two records with compare-and-set, one for the leadership and one for the work.

use std::collections::VecDeque;

use leasehold::event::{Access, NodeEvent, Refusal};
use leasehold::{Context, Incarnation, Input, LeaseId, Node, NodeId, OpId, Span, Ticket, Token, Version};

use crate::message::{ElectionMessage, Record, StoreRecord, Written};
use crate::{Election, LEADERSHIP};

/// Keeps the records. It knows nothing of time.
#[derive(Debug)]
pub struct Store {
    state: StoreRecord,
    lease_duration: Span,
    /// Answers and reports that wait for their write to be durable.
    waiting: VecDeque<(Ticket, Reaction)>,
}

#[derive(Clone, Copy, Debug)]
enum Reaction {
    Report(NodeEvent),
    Answer(NodeId, ElectionMessage),
}

type Ctx<'a> = Context<'a, Election>;

impl Store {
    /// An empty store. The lease duration is only reported, never counted.
    pub fn new(lease_duration: Span) -> Self {
        Self { state: StoreRecord::default(), lease_duration, waiting: VecDeque::new() }
    }

    fn put(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        request: OpId,
        expected: u64,
        incarnation: Incarnation,
    ) {
        let record = self.state.record;
        if record.version != expected {
            self.answer(ctx, from, ElectionMessage::Got { request, record, written: Written::No });
            return;
        }
        let leader = Some((from, incarnation));
        let changed = u64::from(record.leader != leader);
        let record =
            Record { version: record.version + 1, leader, transitions: record.transitions + changed };
        self.state.record = record;
        let ticket = ctx.persist(self.state);
        if changed == 1 {
            let granted = NodeEvent::Granted {
                resource: LEADERSHIP,
                lease: LeaseId(record.transitions),
                holder: from,
                token: record.token(),
                ttl: self.lease_duration,
            };
            self.waiting.push_back((ticket, Reaction::Report(granted)));
        }
        let answer = ElectionMessage::Got { request, record, written: Written::Yes };
        self.waiting.push_back((ticket, Reaction::Answer(from, answer)));
    }

    fn save(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        op: OpId,
        token: Token,
        based_on: Version,
        value: u64,
    ) {
        let refused = |refusal| NodeEvent::AccessRefused {
            resource: LEADERSHIP,
            by: from,
            access: Access::Write,
            token,
            refusal,
        };
        if based_on != self.state.version {
            ctx.emit(refused(Refusal::Conflict { latest: self.state.version }));
            return;
        }
        // The version alone would let a former leader write between two writes of the next: it loses no update, but
        // it decides where it should not any more. Nobody knows of the next before the record is durable.
        let mark = self.state.record.token();
        if token < mark {
            self.report(ctx, refused(Refusal::Stale { mark }));
            return;
        }
        let replaced = self.state.version;
        self.state.version = replaced.next();
        self.state.value = value;
        let ticket = ctx.persist(self.state);
        let accepted = NodeEvent::EffectAccepted {
            resource: LEADERSHIP,
            writer: from,
            token,
            op,
            replaced,
            based_on: Some(based_on),
            value,
        };
        self.waiting.push_back((ticket, Reaction::Report(accepted)));
    }

    /// Reports once everything decided so far is durable.
    fn report(&mut self, ctx: &mut Ctx<'_>, event: NodeEvent) {
        match self.waiting.back() {
            Some(&(ticket, _)) => self.waiting.push_back((ticket, Reaction::Report(event))),
            None => ctx.emit(event),
        }
    }

    /// Answers once everything decided so far is durable.
    fn answer(&mut self, ctx: &mut Ctx<'_>, to: NodeId, message: ElectionMessage) {
        match self.waiting.back() {
            Some(&(ticket, _)) => self.waiting.push_back((ticket, Reaction::Answer(to, message))),
            None => ctx.send(to, message),
        }
    }
}

impl Node<Election> for Store {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<Election>) {
        match input {
            Input::Started | Input::Timer(_) => {}
            Input::Restarted { disk } => self.state = disk.first().copied().unwrap_or_default(),
            Input::Received { from, message } => match message {
                ElectionMessage::Get { request } => {
                    let record = self.state.record;
                    self.answer(ctx, from, ElectionMessage::Got { request, record, written: Written::No });
                }
                ElectionMessage::Put { request, expected, incarnation, .. } => {
                    self.put(ctx, from, request, expected, incarnation);
                }
                ElectionMessage::Load { op, token } => {
                    let StoreRecord { version, value, .. } = self.state;
                    ctx.emit(NodeEvent::ReadServed { resource: LEADERSHIP, reader: from, token, version });
                    self.answer(ctx, from, ElectionMessage::Loaded { op, version, value });
                }
                ElectionMessage::Save { op, token, based_on, value } => {
                    self.save(ctx, from, op, token, based_on, value);
                }
                ElectionMessage::Got { .. } | ElectionMessage::Loaded { .. } => {}
            },
            Input::Persisted(durable) => {
                while let Some(&(ticket, reaction)) = self.waiting.front() {
                    if ticket > durable {
                        break;
                    }
                    self.waiting.pop_front();
                    match reaction {
                        Reaction::Report(event) => ctx.emit(event),
                        Reaction::Answer(to, message) => ctx.send(to, message),
                    }
                }
            }
            Input::Command(never) => match never {},
        }
    }
}
