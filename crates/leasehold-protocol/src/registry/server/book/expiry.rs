//! When leases are over, and which of them end.

use alloc::vec::Vec;
use core::mem;

use leasehold_core::clock::Reading;
use leasehold_core::event::EndCause;
use leasehold_core::time::Span;

use super::{Book, Change, RowId, Standing};
use crate::registry::policy::Liveness;

/// More than so long ago: just past it.
const JUST_PAST: Span = Span::from_nanos(1);

impl Book {
    /// Looks at all rows that are due for it, and ends the leases that are over, at most so many.
    pub(in crate::registry::server) fn pass(
        &mut self,
        now: Reading,
        late: Span,
        at_most: Option<u32>,
        changes: &mut Vec<Change>,
    ) {
        self.grace.swept(now, late);
        while let Some(row) = self.looks.take(now) {
            self.look(now, row, changes);
        }
        self.end_overdue(now, at_most, changes);
    }

    /// Notes when a row is to be looked at next.
    pub(super) fn note(&mut self, id: RowId) {
        let suspect_at = self.suspect_at(id);
        let Some((_, standing)) = self.rows[id.index()].held() else { return };
        let kept_out = standing.kept_out;
        self.looks.note(id, standing.deadline);
        for at in kept_out.into_iter().chain(suspect_at) {
            self.looks.note(id, at);
        }
    }

    /// When a member that is not heard of becomes suspect. In pull that is for the probes to say.
    fn suspect_at(&mut self, id: RowId) -> Option<Reading> {
        let past = self.quiet.saturating_add(JUST_PAST);
        let (_, standing) = self.rows[id.index()].held()?;
        let is_asked = self.rules.liveness != Liveness::Pull && !standing.is_late;
        is_asked.then(|| standing.heard + past)
    }

    /// When the lease of a row is due: asked when its term is over.
    fn due_at(&mut self, now: Reading, id: RowId) -> Option<Reading> {
        let is_own = self.is_own(id);
        let (tenure, standing) = self.rows[id.index()].held()?;
        let deadline = standing.deadline;
        let grace = if is_own { self.grace.grace(tenure.member, now) } else { Span::ZERO };
        Some(deadline + grace.min(self.rules.grace.at_most))
    }

    fn look(&mut self, now: Reading, id: RowId, changes: &mut Vec<Change>) {
        let Some((tenure, standing)) = self.rows[id.index()].held() else { return };
        let deadline = standing.deadline;
        let mut suspect_at = self.suspect_at(id);
        if now.has_reached(deadline) {
            let Some(due) = self.due_at(now, id) else { return };
            if now.has_reached(due) {
                self.overdue.note(id, due);
            } else {
                self.looks.note(id, due);
            }
            if let Some(suspicion) = self.grace.suspicion(tenure.member, now) {
                let at = deadline + suspicion;
                suspect_at = Some(suspect_at.filter(|before| at.has_reached(*before)).unwrap_or(at));
            }
        } else {
            self.looks.note(id, deadline);
        }
        self.readmit(now, id, changes);
        let Some((_, standing)) = self.rows[id.index()].held() else { return };
        match suspect_at {
            Some(at) if !standing.is_late && now.has_reached(at) => {
                standing.is_late = true;
                self.restate(id, changes);
            }
            Some(at) if !standing.is_late => self.looks.note(id, at),
            _ => {}
        }
    }

    /// Until when a member is kept out that came and went too often: listed, but not as passing.
    pub(super) fn kept_out(&mut self, now: Reading, id: RowId) -> Option<Reading> {
        let until =
            self.is_own(id).then(|| self.grace.readmission(self.rows[id.index()].member, now)).flatten();
        until.filter(|until| !now.has_reached(*until))
    }

    /// Lets a member in that was kept out for long enough.
    fn readmit(&mut self, now: Reading, id: RowId, changes: &mut Vec<Change>) {
        let Some((_, &mut Standing { kept_out: Some(until), .. })) = self.rows[id.index()].held() else {
            return;
        };
        let until = if now.has_reached(until) { self.kept_out(now, id) } else { Some(until) };
        if let Some(until) = until {
            self.looks.note(id, until);
        }
        if let Some((_, standing)) = self.rows[id.index()].held() {
            standing.kept_out = until;
        }
        self.restate(id, changes);
    }

    /// Lists the instances of a row as what they are by now.
    pub(super) fn restate(&mut self, id: RowId, changes: &mut Vec<Change>) {
        let Some((_, standing)) = self.rows[id.index()].held() else { return };
        let status = standing.due_status();
        if mem::replace(&mut standing.status, status) == status {
            return;
        }
        let revision = self.next_revision();
        let lease = self.rows[id.index()].lease.clone();
        changes.extend(lease.map(|lease| Change::Status { row: id, lease, status, revision }));
    }

    /// Ends the leases that are due, as far as that is admitted.
    fn end_overdue(&mut self, now: Reading, at_most: Option<u32>, changes: &mut Vec<Change>) {
        let mut candidates = mem::take(&mut self.candidates);
        candidates.clear();
        let rows: Vec<RowId> = self.overdue.rows().collect();
        for id in rows {
            match self.due_at(now, id) {
                Some(due) if now.has_reached(due) => {}
                Some(due) => {
                    // It looks better by now.
                    self.overdue.forget(id);
                    self.looks.note(id, due);
                    continue;
                }
                None => continue,
            }
            if self.is_own(id) {
                candidates.push(self.rows[id.index()].member);
            } else {
                self.order_end(now, id, EndCause::Expired, changes);
            }
        }
        let due = candidates.len();
        if due > 0 {
            self.grace.admit(now, &mut candidates);
        }
        let withheld = (due - candidates.len()) as u32;
        match (mem::replace(&mut self.is_withholding, withheld > 0), withheld > 0) {
            (false, true) => changes.push(Change::Withheld { due: withheld, live: self.live }),
            (true, false) => changes.push(Change::Admitted),
            _ => {}
        }
        let most = at_most.map_or(candidates.len(), |most| most as usize);
        if candidates.len() > most {
            candidates.truncate(most);
            changes.push(Change::RateLimited);
        }
        if !candidates.is_empty() {
            // What is cut here ends with a later sweep, and costs a guard nothing now.
            self.grace.admitted(now, &candidates);
        }
        for member in candidates.drain(..) {
            self.order_end(now, RowId(member.0), EndCause::Expired, changes);
        }
        self.candidates = candidates;
    }
}
