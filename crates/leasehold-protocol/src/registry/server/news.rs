//! What a registry tells once something is durable: events, answers, and changes of the list.

use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::{LocalInstant, Reading, Wall};
use leasehold_core::event::{EndCause, NodeEvent, RegistryEvent, Status};
use leasehold_core::id::{KeyId, LeaseId, NodeId, ResourceId, Revision, Ticket};
use leasehold_core::time::Span;

use super::agenda::RowId;
use super::book::{Lease, Tenure};
use super::{Ctx, Registry};
use crate::policy::{KeysEnd, Renewals, Restart};
use crate::registry::policy::{Registrations, RegistryPolicy};
use crate::registry::{Change, Entry, Offer, RegistryMessage, RegistryRecord};

/// What happens once a decision is durable.
#[derive(Clone, Debug)]
pub(super) enum Consequence {
    Granted { member: ResourceId, lease: LeaseId },
    Ended { member: ResourceId, lease: LeaseId },
    InstanceEnded { offer: Offer, tenure: Tenure, cause: EndCause, revision: Revision },
    KeyEnded { tenure: Tenure, key: KeyId, revision: Revision },
    Status { lease: Lease, status: Status, revision: Revision },
    Revived { lease: Lease, status: Status, revision: Revision },
    Published { member: ResourceId, revision: Revision },
    Taken { to: NodeId, tenure: Tenure, number: u64 },
    Answered { to: NodeId, message: RegistryMessage },
}

impl Registry {
    // --- After a restart --------------------------------------------------------------------------------

    pub(super) fn recover(&mut self, ctx: &mut Ctx<'_>, mut records: Vec<RegistryRecord>) {
        // Some may never have been told of. Lease ids only grow, so the oldest is told first.
        records.sort_by_key(|record| (record.lease, record.row));
        // One that was being given another place may stand in both.
        records.dedup_by_key(|record| record.lease);
        let (now, wall, policy) = (self.now(ctx), ctx.now::<Wall>(), self.policy.clone());
        let term = |record: &RegistryRecord| recovered_term(&policy, record, wall);
        self.book.recover(&records, now, term);
        if records.is_empty() {
            // Who still has the list of an earlier process, from before the disk was lost, must not take it for a later one.
            self.book.begin_above(Revision(u64::from(ctx.incarnation().0) << 32));
        }
        self.published = self.book.revision();
        let mut entries = Vec::new();
        for record in &records {
            let Lease { tenure: Tenure { lease, member, epoch, holder, .. }, offers, incarnation, .. } =
                Lease::of(record);
            ctx.emit(NodeEvent::Recovered {
                resource: member,
                lease,
                holder,
                token: Lease::of(record).tenure.token(),
                ttl: term(record),
                ended: record.ended,
            });
            if record.ended.is_some() {
                continue;
            }
            if let Some(prober) = self.prober.as_mut().filter(|_| self.book.is_own(RowId(record.row))) {
                prober.began(now, member, holder, incarnation);
            }
            let status = record.status;
            for &offer in offers.iter() {
                let Offer { instance, service, capabilities, node } = offer;
                ctx.emit(NodeEvent::Registry(RegistryEvent::RegistrationRecovered {
                    instance,
                    service,
                    capabilities,
                    lease,
                    epoch,
                    node,
                    status,
                }));
                entries.push(Entry { offer, member, lease, epoch, status });
            }
        }
        let revision = self.published;
        ctx.emit(NodeEvent::Registry(RegistryEvent::RevisionRecovered { revision }));
        self.count(ctx);
        self.feed.open(revision, &entries);
    }

    // --- What is durable --------------------------------------------------------------------------------

    /// All writes up to `durable` are on disk: what they held back happens.
    pub(super) fn persisted(&mut self, ctx: &mut Ctx<'_>, durable: Ticket) {
        while let Some(consequence) = self.outbox.release(durable) {
            match consequence {
                Consequence::Granted { member, lease } => {
                    self.apply(ctx, None, |book, now, changes| book.begin(now, member, lease, changes));
                }
                Consequence::Ended { member, lease } => {
                    self.apply(ctx, None, |book, _, changes| book.finish(member, lease, changes));
                    self.apply(ctx, None, |book, now, changes| book.register_next(now, member, changes));
                }
                Consequence::InstanceEnded { offer, tenure, cause, revision } => {
                    self.instance_ended(ctx, offer, tenure, cause, revision);
                }
                Consequence::KeyEnded { tenure: Tenure { member, lease, .. }, key, revision } => {
                    let revision = revision.0;
                    ctx.emit(NodeEvent::KeyEnded { resource: member, lease, key, revision });
                }
                Consequence::Status { lease, status, revision } => {
                    for offer in lease.offers.iter() {
                        let (instance, epoch) = (offer.instance, lease.tenure.epoch);
                        let changed = RegistryEvent::StatusChanged { instance, epoch, status, revision };
                        ctx.emit(NodeEvent::Registry(changed));
                    }
                    self.publish(ctx, revision, &listed(&lease, status));
                }
                Consequence::Revived { lease, status, revision } => {
                    self.book.list_again(lease.offers.len());
                    say_listed(ctx, &lease, status, revision);
                    self.count_listed(ctx, revision);
                    self.publish(ctx, revision, &listed(&lease, status));
                }
                Consequence::Published { member, revision } => {
                    self.publish(ctx, revision, &([Change::Renewed { member }].into()));
                }
                Consequence::Taken { to, tenure, number } => {
                    let lives = self.book.holds(tenure.member, tenure.lease);
                    if lives || self.policy.answers == Renewals::OnceDurableUnchecked {
                        say_taken(ctx, to, tenure, number);
                    } else {
                        ctx.send(to, RegistryMessage::HeartbeatRefused { lease: tenure.lease, number });
                    }
                }
                Consequence::Answered { to, message } => ctx.send(to, message),
            }
        }
    }

    /// The term of a lease began, and its instances are listed: its member may hear of it.
    pub(super) fn begun(
        &mut self,
        ctx: &mut Ctx<'_>,
        lease: &Lease,
        status: Status,
        deadline: Reading,
        revision: Revision,
    ) {
        let now = self.now(ctx);
        let Tenure { lease: id, member: resource, holder, .. } = lease.tenure;
        let (token, ttl) = (lease.tenure.token(), deadline.saturating_since(now));
        ctx.emit(NodeEvent::Granted { resource, lease: id, holder, token, ttl });
        for key in (0..lease.keys).map(KeyId) {
            ctx.emit(NodeEvent::KeyAttached { resource, lease: id, key, revision: revision.0 });
        }
        say_listed(ctx, lease, status, revision);
        ctx.emit(NodeEvent::TableHolds { live: self.book.live() });
        self.count_listed(ctx, revision);
        self.publish(ctx, revision, &listed(lease, status));
        if let Some(prober) = &mut self.prober {
            prober.began(now, resource, holder, lease.incarnation);
        }
        if self.policy.registrations == Registrations::AnsweredWhenDurable {
            ctx.send(holder, registered(lease));
        }
    }

    /// A lease is gone, and what hangs on it with it: at one revision, or one after the other.
    pub(super) fn ended(
        &mut self,
        ctx: &mut Ctx<'_>,
        row: RowId,
        lease: &Lease,
        cause: EndCause,
        revision: Revision,
    ) {
        let tenure = lease.tenure;
        let Tenure { lease: id, member: resource, .. } = tenure;
        let end = NodeEvent::Ended { resource, lease: id, token: tenure.token(), cause };
        match self.policy.ends {
            KeysEnd::Together => {
                for &offer in lease.offers.iter() {
                    say_deregistered(ctx, offer, tenure, cause, revision);
                }
                for key in (0..lease.keys).map(KeyId) {
                    ctx.emit(NodeEvent::KeyEnded { resource, lease: id, key, revision: revision.0 });
                }
                ctx.emit(end);
                ctx.emit(NodeEvent::TableHolds { live: self.book.live() });
                self.count_listed(ctx, revision);
                let changes = lease.offers.iter().map(|&offer| ended(offer, tenure, cause));
                self.publish(ctx, revision, &changes.collect());
            }
            KeysEnd::OneByOne => {
                ctx.emit(end);
                ctx.emit(NodeEvent::TableHolds { live: self.book.live() });
                let mut offers = lease.offers.iter().copied();
                if let Some(first) = offers.next() {
                    self.instance_ended(ctx, first, tenure, cause, revision);
                }
                for offer in offers {
                    let revision = self.book.next_revision();
                    let ticket = self.write(ctx, row);
                    self.outbox.hold(ticket, Consequence::InstanceEnded { offer, tenure, cause, revision });
                }
                for key in (0..lease.keys).map(KeyId) {
                    let revision = self.book.next_revision();
                    let ticket = self.write(ctx, row);
                    self.outbox.hold(ticket, Consequence::KeyEnded { tenure, key, revision });
                }
            }
        }
        if let Some(prober) = self.prober.as_mut().filter(|_| self.book.is_own(row)) {
            prober.ended(resource);
        }
    }

    /// One instance of a lease that ended is gone.
    fn instance_ended(
        &mut self,
        ctx: &mut Ctx<'_>,
        offer: Offer,
        tenure: Tenure,
        cause: EndCause,
        revision: Revision,
    ) {
        self.book.unlist();
        say_deregistered(ctx, offer, tenure, cause, revision);
        self.count_listed(ctx, revision);
        self.publish(ctx, revision, &([ended(offer, tenure, cause)].into()));
    }

    fn publish(&mut self, ctx: &mut Ctx<'_>, revision: Revision, changes: &Arc<[Change]>) {
        self.published = revision;
        self.feed.publish(ctx, revision, changes);
    }

    fn count(&self, ctx: &mut Ctx<'_>) {
        ctx.emit(NodeEvent::TableHolds { live: self.book.live() });
        self.count_listed(ctx, self.published);
    }

    fn count_listed(&self, ctx: &mut Ctx<'_>, revision: Revision) {
        let registrations = self.book.listed();
        ctx.emit(NodeEvent::Registry(RegistryEvent::TableLists { registrations, revision }));
    }
}

/// The term that a lease gets which a restarted registry finds alive.
fn recovered_term(policy: &RegistryPolicy, record: &RegistryRecord, wall: LocalInstant<Wall>) -> Span {
    let full = record.ttl;
    match (policy.restart, record.deadline) {
        (Restart::FullTerm, _) | (Restart::Remaining, None) => full,
        (Restart::Extra(extra), _) => full.saturating_add(extra),
        // A clock that stepped back must not make it longer than it ever was.
        (Restart::Remaining, Some(deadline)) => deadline.saturating_since(wall).min(full),
    }
}

pub(super) fn registered(lease: &Lease) -> RegistryMessage {
    let Lease { tenure: Tenure { lease, member, epoch, ttl, .. }, incarnation, request, .. } = *lease;
    RegistryMessage::Registered { member, incarnation, request, lease, epoch, ttl }
}

pub(super) fn say_taken(ctx: &mut Ctx<'_>, to: NodeId, tenure: Tenure, number: u64) {
    let Tenure { lease, member, ttl, .. } = tenure;
    ctx.emit(NodeEvent::RenewalAcknowledged { resource: member, lease });
    ctx.send(to, RegistryMessage::HeartbeatTaken { lease, number, ttl });
}

fn say_listed(ctx: &mut Ctx<'_>, lease: &Lease, status: Status, revision: Revision) {
    let Tenure { lease: id, epoch, .. } = lease.tenure;
    for &Offer { instance, service, capabilities, node } in lease.offers.iter() {
        ctx.emit(NodeEvent::Registry(RegistryEvent::Registered {
            instance,
            service,
            capabilities,
            lease: id,
            epoch,
            node,
            status,
            revision,
        }));
    }
}

fn say_deregistered(ctx: &mut Ctx<'_>, offer: Offer, tenure: Tenure, cause: EndCause, revision: Revision) {
    let Tenure { lease, epoch, .. } = tenure;
    let instance = offer.instance;
    ctx.emit(NodeEvent::Registry(RegistryEvent::Deregistered { instance, lease, epoch, cause, revision }));
}

fn listed(lease: &Lease, status: Status) -> Arc<[Change]> {
    let Tenure { lease: id, member, epoch, .. } = lease.tenure;
    let listed = |&offer: &Offer| Change::Listed(Entry { offer, member, lease: id, epoch, status });
    lease.offers.iter().map(listed).collect()
}

fn ended(offer: Offer, tenure: Tenure, cause: EndCause) -> Change {
    Change::Ended { instance: offer.instance, epoch: tenure.epoch, cause }
}
