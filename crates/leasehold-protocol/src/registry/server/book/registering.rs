//! How members come to a lease.

use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::event::EndCause;
use leasehold_core::id::{LeaseId, ResourceId};

use super::row::{Lease, Standing, State, Tenure};
use super::{Asked, Book, Change, RowId, Wish};
use crate::policy::Restart;
use crate::registry::RefusedBecause;
use crate::registry::grace::Beginning;
use crate::registry::policy::{RegisteredAgain, Registrations};

impl Book {
    /// Somebody wants to be registered. Asking again changes nothing.
    ///
    /// Another request of the same node replaces the lease that is there, which ends first: released by that node, since
    /// its new process speaks for the old one, which is dead. Another node is refused while the lease lives.
    pub(in crate::registry::server) fn register(
        &mut self,
        now: Reading,
        wish: Wish,
        changes: &mut Vec<Change>,
    ) {
        let asked = wish.asked;
        let Some(id) = self.own_row(asked.member) else { return };
        if self.rules.again == RegisteredAgain::SecondEntry {
            self.set_apart(id, changes);
            return self.grant(now, id, wish, changes);
        }
        let row = &self.rows[id.index()];
        if row.newest.is_some_and(|newest| asked.is_before(&newest)) {
            return;
        }
        let is_known = row.lease.as_ref().is_some_and(|lease| lease.asked() == asked);
        match (&row.state, is_known) {
            (State::Held(_), true) => {
                changes.extend(row.lease.clone().map(Change::AlreadyRegistered));
                return;
            }
            // Its answer may have been lost: it was given before the disk had it.
            (State::Granting { .. }, true) if self.rules.registrations == Registrations::AnsweredAtOnce => {
                changes.extend(row.lease.clone().map(Change::AlreadyRegistered));
                return;
            }
            // It is answered when the disk has it, and a member that left does not come back by an old request.
            (State::Granting { .. } | State::Ended(EndCause::Released { .. }), true) => return,
            (State::Ending { cause: EndCause::Released { .. }, .. }, true) => return,
            (State::Held(standing), false) if row.tenure().is_some_and(|has| has.holder != asked.node) => {
                let retry_after = standing.deadline.saturating_since(now);
                changes.push(Change::Refused { asked, because: RefusedBecause::NameTaken, retry_after });
                return;
            }
            _ => {}
        }
        let row = &mut self.rows[id.index()];
        row.newest = Some(asked);
        match row.state {
            State::Empty | State::Ended(_) => self.grant(now, id, wish, changes),
            State::Granting { .. } | State::Ending { .. } => row.next = Some(wish),
            State::Held(_) => {
                row.next = Some(wish);
                self.order_end(now, id, EndCause::Released { by: asked.node }, changes);
            }
        }
    }

    fn grant(&mut self, now: Reading, id: RowId, wish: Wish, changes: &mut Vec<Change>) {
        self.last_lease = self.last_lease.next();
        let (lease, revision) = (self.last_lease, self.next_revision());
        let mut standing = Standing::new(now, now, wish.health, self.rules.liveness);
        standing.kept_out = self.kept_out(now, id);
        let status = standing.due_status();
        let row = &mut self.rows[id.index()];
        row.epoch = row.epoch.next();
        let Wish { asked: Asked { member, node: holder, incarnation, request }, ttl, offers, keys, health } =
            wish;
        let tenure = Tenure { lease, member, epoch: row.epoch, holder, ttl };
        row.lease = Some(Lease { tenure, incarnation, request, offers, keys });
        row.state = State::Granting { decided: now, revision, health, status };
        changes.push(Change::Granted { row: id, tenure });
    }

    /// Puts the lease of a row aside, so that the row can take another one: nothing ends it but its term.
    fn set_apart(&mut self, id: RowId, changes: &mut Vec<Change>) {
        let row = &mut self.rows[id.index()];
        if matches!(row.state, State::Empty | State::Ended(_)) {
            return;
        }
        let mut stray = row.clone();
        stray.next = None;
        row.state = State::Empty;
        self.overdue.forget(id);
        let free = self
            .rows
            .iter()
            .skip(self.members)
            .position(|row| matches!(row.state, State::Empty | State::Ended(_)));
        let at = free.map_or(self.rows.len(), |place| self.members + place);
        match self.rows.get_mut(at) {
            Some(row) => *row = stray,
            None => self.rows.push(stray),
        }
        let stray = RowId(at as u32);
        self.note(stray);
        changes.push(Change::SetApart { row: stray });
    }

    /// The grant of a lease is durable: its term begins.
    pub(in crate::registry::server) fn begin(
        &mut self,
        now: Reading,
        member: ResourceId,
        lease: LeaseId,
        changes: &mut Vec<Change>,
    ) {
        let Some(id) = self.find(member, lease) else { return };
        let row = &mut self.rows[id.index()];
        let (State::Granting { decided, revision, health, status }, Some(lease)) =
            (row.state, row.lease.clone())
        else {
            return;
        };
        // A deadline that is on the disk cannot wait for the disk.
        let from = if self.rules.restart == Restart::Remaining { decided } else { now };
        let Tenure { ttl, holder, .. } = lease.tenure;
        let deadline = from + ttl;
        let is_replaced = row.next.is_some();
        self.live += 1;
        self.listed += lease.offers.len() as u32;
        if self.is_own(id) {
            self.grace.began(member, ttl, now, Beginning::Registered);
        }
        let mut standing = Standing::new(now, deadline, health, self.rules.liveness);
        (standing.status, standing.kept_out) = (status, self.kept_out(now, id));
        self.rows[id.index()].state = State::Held(standing);
        self.note(id);
        changes.push(Change::Begun { lease, status, deadline, revision });
        if standing.kept_out.is_some() {
            changes.push(Change::KeptOut);
        }
        self.restate(id, changes);
        if is_replaced {
            self.order_end(now, id, EndCause::Released { by: holder }, changes);
        }
    }

    /// Registers who waits for a lease of this member to end.
    pub(in crate::registry::server) fn register_next(
        &mut self,
        now: Reading,
        member: ResourceId,
        changes: &mut Vec<Change>,
    ) {
        let Some(id) = self.own_row(member) else { return };
        let row = &mut self.rows[id.index()];
        if matches!(row.state, State::Empty | State::Ended(_))
            && let Some(next) = row.next.take()
        {
            self.grant(now, id, next, changes);
        }
    }
}

impl Asked {
    /// Whether this was overtaken by a later request of the same node.
    fn is_before(&self, newest: &Self) -> bool {
        let order = |asked: &Self| (asked.incarnation, asked.request);
        self.node == newest.node && order(self) < order(newest)
    }
}
