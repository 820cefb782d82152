//! The book: which member has which lease, and how it stands.
//!
//! A deterministic state machine of its own, as the [lease table](crate::table) is: it knows no clock, timer, disk or
//! message. The time is told with each call, and what follows is a list of [`Change`]s.
//!
//! A registration and an end are decided first and become effective when they are durable: whoever drives the book
//! reports that with [`begin`](Book::begin) and [`finish`](Book::finish).
//!
//! # Invariants
//!
//! * **A heartbeat leaves nothing behind but the lease it renews.** What is kept of it is the standing of its member:
//!   when it was last heard of, and the number. There is no session, queue or history for each heartbeat,
//!   and the rows are as many as there are members.
//! * **A heartbeat costs no scan and no search**: its row is found by the member's number, and no deadline is moved.
//!   Each row is looked at when the earliest of its deadlines *was*, and then noted for when it is by then.
//! * **Epochs of a member grow**, over restarts too, and so do lease ids and revisions: unless a policy says otherwise.

mod change;
mod expiry;
mod heard;
mod registering;
mod row;

pub(super) use change::{Asked, Beat, Change, Found, Wish};
pub(super) use row::{Lease, Tenure};

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::{LocalInstant, Reading, Wall};
use leasehold_core::event::{EndCause, Health, Revocation, Status};
use leasehold_core::id::{Epoch, LeaseId, NodeId, ResourceId, Revision};
use leasehold_core::time::Span;

use self::row::{Row, Standing, State, Verdict};
use super::agenda::{Agenda, RowId};
use crate::policy::{KeysEnd, ReleaseCheck, Restart};
use crate::registry::RegistryRecord;
use crate::registry::grace::{Beginning, Departure, Grace};
use crate::registry::policy::{LeaseIds, Liveness, RegistryPolicy};

/// Which member has which lease.
#[derive(Debug)]
pub(super) struct Book {
    rules: Arc<RegistryPolicy>,
    grace: Box<dyn Grace>,
    /// One for each member, in their order; then those of leases that were replaced and not ended, if the policy
    /// lets that happen.
    rows: Vec<Row>,
    /// How many are members'.
    members: usize,
    /// When the term of a row may be over, or its member suspect.
    looks: Agenda,
    /// Those whose lease is due, since when.
    overdue: Agenda,
    /// Those whose end is asked for in one pass; kept for its memory.
    candidates: Vec<ResourceId>,
    is_withholding: bool,
    /// A member that is not heard of for longer is suspect.
    quiet: Span,
    last_lease: LeaseId,
    revision: Revision,
    /// Leases whose grant is durable and whose end is not.
    live: u32,
    /// Instances that hang on those.
    listed: u32,
}

impl Book {
    /// An empty book for so many members.
    pub(super) fn new(rules: Arc<RegistryPolicy>, members: usize, grace: Box<dyn Grace>) -> Self {
        let rows = (0..).take(members).map(|member| Row::new(ResourceId(member))).collect();
        let quiet = rules.heartbeat.scale(u64::from(rules.suspect_after), 1);
        Self {
            rules,
            grace,
            rows,
            members,
            looks: Agenda::default(),
            overdue: Agenda::default(),
            candidates: Vec::new(),
            is_withholding: false,
            quiet,
            last_lease: LeaseId(0),
            revision: Revision(0),
            live: 0,
            listed: 0,
        }
    }

    /// Takes over what a disk kept. Each lease that lives gets the term that `term` says, from `now` on.
    pub(super) fn recover(
        &mut self,
        records: &[RegistryRecord],
        now: Reading,
        term: impl Fn(&RegistryRecord) -> Span,
    ) {
        for record in records {
            self.revision = self.revision.max(record.revision);
            let id = RowId(record.row);
            if id.index() >= self.rows.len() {
                self.rows.resize_with(id.index() + 1, || Row::new(record.member));
            }
            let is_own = self.is_own(id);
            let row = &mut self.rows[id.index()];
            row.member = record.member;
            let lease = Lease::of(record);
            row.newest = Some(lease.asked());
            if self.rules.ids == LeaseIds::Durable {
                self.last_lease = self.last_lease.max(record.lease);
                row.epoch = record.epoch;
            }
            row.lease = Some(lease);
            row.state = match record.ended {
                Some(cause) => State::Ended(cause),
                None => {
                    let health = match record.status {
                        Status::Critical => Health::NotReady,
                        Status::Passing | Status::Suspect => Health::Ready,
                    };
                    let mut standing = Standing::new(now, now + term(record), health, self.rules.liveness);
                    (standing.is_late, standing.status) = (record.status == Status::Suspect, record.status);
                    // It may have been the probes that found that, and a heartbeat does not undo what they found.
                    if self.rules.liveness == Liveness::Hybrid && record.status == Status::Critical {
                        standing.verdict = Verdict::Unable;
                    }
                    self.live += 1;
                    self.listed += record.offers.len() as u32;
                    if is_own {
                        self.grace.began(record.member, record.ttl, now, Beginning::Recovered);
                    }
                    State::Held(standing)
                }
            };
            self.note(id);
        }
    }

    /// Nothing is left of what was there, if there was anything: revisions go on above all that somebody may have of it.
    pub(super) fn begin_above(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
    }

    // --- What there is ----------------------------------------------------------------------------------

    /// How often the list has changed, with all that is decided.
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// How many leases there are: those whose grant is durable and whose end is not.
    pub(super) fn live(&self) -> u32 {
        self.live
    }

    /// How many instances are listed.
    pub(super) fn listed(&self) -> u32 {
        self.listed
    }

    /// Whether a member has this lease, and no end of it is decided.
    pub(super) fn holds(&mut self, member: ResourceId, lease: LeaseId) -> bool {
        self.find(member, lease).is_some_and(|id| self.rows[id.index()].held().is_some())
    }

    /// The grace policy at work.
    pub(super) fn grace(&mut self) -> &mut dyn Grace {
        &mut *self.grace
    }

    /// When the next look at a row is due, in nanoseconds of the clock.
    pub(super) fn next_look(&self) -> Option<i64> {
        self.looks.first()
    }

    /// Whether ends are due that were not admitted, or not made.
    pub(super) fn has_overdue(&self) -> bool {
        !self.overdue.is_empty()
    }

    /// What is to stand on the disk of a row. `now` is the time by the book's clock and by the one that can be
    /// written down.
    pub(super) fn record(&self, id: RowId, now: (Reading, LocalInstant<Wall>)) -> RegistryRecord {
        let row = &self.rows[id.index()];
        let Lease { tenure, incarnation, request, offers, keys } =
            row.lease.clone().expect("only rows with a lease are written");
        let Tenure { lease, member, epoch, holder, ttl } = tenure;
        let (reading, wall) = now;
        let (ended, status, left) = match row.state {
            State::Ended(cause) => (Some(cause), Status::Passing, Span::ZERO),
            State::Ending { cause, status, .. } => (Some(cause), status, Span::ZERO),
            State::Held(Standing { deadline, status, .. }) => {
                (None, status, deadline.saturating_since(reading))
            }
            State::Granting { status, .. } => (None, status, ttl),
            State::Empty => (None, Status::Passing, ttl),
        };
        let keeps_deadline = self.rules.restart == Restart::Remaining && ended.is_none();
        let deadline = keeps_deadline.then(|| wall + left);
        let revision = self.revision;
        RegistryRecord {
            row: id.0,
            member,
            lease,
            epoch,
            holder,
            incarnation,
            request,
            ttl,
            offers,
            keys,
            status,
            ended,
            deadline,
            revision,
        }
    }

    /// The lease that stands in a row: the latest, from the decision to grant it on.
    pub(super) fn lease(&self, row: RowId) -> Option<&Lease> {
        self.rows[row.index()].lease.as_ref()
    }

    /// The row of a member's lease, from the decision to grant it on.
    fn find(&self, member: ResourceId, lease: LeaseId) -> Option<RowId> {
        let is_this = |row: &Row| row.member == member && row.tenure().is_some_and(|has| has.lease == lease);
        if member.0 as usize >= self.members {
            return None;
        }
        let own = RowId(member.0);
        if is_this(&self.rows[own.index()]) {
            return Some(own);
        }
        let strays = self.rows.iter().enumerate().skip(self.members);
        strays.filter(|(_, row)| is_this(row)).map(|(index, _)| RowId(index as u32)).next()
    }

    fn own_row(&self, member: ResourceId) -> Option<RowId> {
        ((member.0 as usize) < self.members).then_some(RowId(member.0))
    }

    /// Whether the grace policy is told of a row: it knows one lease of each member.
    pub(super) fn is_own(&self, row: RowId) -> bool {
        row.index() < self.members
    }

    /// Counts one more change.
    pub(super) fn next_revision(&mut self) -> Revision {
        self.revision = self.revision.next();
        self.revision
    }

    // --- Ends -------------------------------------------------------------------------------------------

    /// Somebody wants to be taken off the list.
    pub(super) fn deregister(
        &mut self,
        now: Reading,
        named: (ResourceId, LeaseId, Epoch),
        by: NodeId,
        changes: &mut Vec<Change>,
    ) {
        let (member, lease, epoch) = named;
        let found = match self.rules.deregister_check {
            ReleaseCheck::LeaseAndToken => {
                let found = self.find(member, lease);
                found.filter(|id| self.rows[id.index()].tenure().is_some_and(|tenure| tenure.epoch == epoch))
            }
            ReleaseCheck::HolderName => {
                let own = self.own_row(member);
                own.filter(|id| self.rows[id.index()].tenure().is_some_and(|tenure| tenure.holder == by))
            }
            ReleaseCheck::Nothing => self.own_row(member),
        };
        let held = found.and_then(|id| Some((id, self.rows[id.index()].held()?.0)));
        let Some((id, tenure)) = held else {
            changes.push(Change::NotHeld { ended: self.end_of(member, lease) });
            return;
        };
        changes.push(Change::ReleaseTaken(tenure));
        self.order_end(now, id, EndCause::Released { by }, changes);
    }

    fn end_of(&self, member: ResourceId, lease: LeaseId) -> Option<EndCause> {
        self.own_row(member).and_then(|id| self.rows[id.index()].end_of(lease))
    }

    /// The lease of the member that was heard of last is taken from it.
    pub(super) fn revoke(&mut self, now: Reading, reason: Revocation, changes: &mut Vec<Change>) {
        let mut last: Option<(i64, RowId)> = None;
        for (index, row) in (0..).zip(&mut self.rows) {
            let Some((_, standing)) = row.held() else { continue };
            let heard = standing.heard.as_nanos();
            if last.is_none_or(|(latest, _)| heard > latest) {
                last = Some((heard, RowId(index)));
            }
        }
        if let Some((_, id)) = last {
            self.order_end(now, id, EndCause::Revoked { reason }, changes);
        }
    }

    /// Decides the end of the lease of a row.
    fn order_end(&mut self, now: Reading, id: RowId, cause: EndCause, changes: &mut Vec<Change>) {
        let revision = self.next_revision();
        let Some((tenure, standing)) = self.rows[id.index()].held() else { return };
        let status = standing.status;
        self.rows[id.index()].state = State::Ending { cause, revision, status };
        self.overdue.forget(id);
        self.looks.forget(id);
        if self.is_own(id) {
            let how = match cause {
                EndCause::Expired => Departure::Expired,
                EndCause::Released { .. } => Departure::Left,
                EndCause::Revoked { .. } => Departure::Revoked,
            };
            self.grace.ended(tenure.member, now, how);
        }
        changes.push(Change::EndOrdered { row: id, tenure, cause });
    }

    /// The end of a lease is durable: it is gone. What hangs on it vanishes with it, or is taken off the list one by
    /// one with [`unlist`](Self::unlist).
    pub(super) fn finish(&mut self, member: ResourceId, lease: LeaseId, changes: &mut Vec<Change>) {
        let Some(id) = self.find(member, lease) else { return };
        let row = &mut self.rows[id.index()];
        let (State::Ending { cause, revision, .. }, Some(lease)) = (row.state, row.lease.clone()) else {
            return;
        };
        row.state = State::Ended(cause);
        self.live -= 1;
        if self.rules.ends == KeysEnd::Together {
            self.listed -= lease.offers.len() as u32;
        }
        changes.push(Change::Ended { row: id, lease, cause, revision });
    }

    /// One instance of a lease that ended is gone.
    pub(super) fn unlist(&mut self) {
        self.listed -= 1;
    }

    /// So many instances are listed again.
    pub(super) fn list_again(&mut self, instances: usize) {
        self.listed += instances as u32;
    }
}

impl Lease {
    /// That which stands on the disk.
    pub(super) fn of(record: &RegistryRecord) -> Self {
        let RegistryRecord {
            member, lease, epoch, holder, incarnation, request, ttl, ref offers, keys, ..
        } = *record;
        let tenure = Tenure { lease, member, epoch, holder, ttl };
        Self { tenure, incarnation, request, offers: offers.clone(), keys }
    }
}
