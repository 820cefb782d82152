//! What is heard of members: heartbeats, and what probes find.

use alloc::vec::Vec;
use core::mem;

use leasehold_core::clock::Reading;
use leasehold_core::event::{EndCause, Health, Revocation};
use leasehold_core::id::{NodeId, ResourceId};

use super::row::{Row, Standing, State, Verdict};
use super::{Beat, Book, Change, Found, RowId};
use crate::policy::Restart;
use crate::registry::grace::Sighting;
use crate::registry::policy::{
    HeartbeatCheck, HeartbeatOrder, LateHeartbeat, Liveness, RenewalNews, RenewalTerm, Unhealthy,
};

impl Book {
    /// A member sent a heartbeat.
    pub(in crate::registry::server) fn heartbeat(
        &mut self,
        now: Reading,
        beat: Beat,
        changes: &mut Vec<Change>,
    ) {
        let Some(id) = self.named_by(&beat) else {
            changes.push(Change::NotHeld { ended: self.end_of(beat.member, beat.lease) });
            return;
        };
        let row = &self.rows[id.index()];
        match row.state {
            State::Held(standing) => {
                let is_old = match self.rules.heartbeat_order {
                    HeartbeatOrder::Number => standing.number.is_some_and(|last| beat.number <= last),
                    HeartbeatOrder::WallStamp => standing.stamp.is_some_and(|last| beat.stamp <= last),
                };
                if is_old && self.rules.heartbeat_check == HeartbeatCheck::LeaseAndEpoch {
                    changes.push(Change::OutOfOrder);
                    return;
                }
                self.count(now, id, Some(beat), changes);
            }
            State::Ending { .. } if self.rules.late_heartbeat == LateHeartbeat::TakenUntilRecorded => {
                let tenure = row.tenure();
                changes.extend(tenure.map(|tenure| Change::Renewed { row: id, tenure, news: None }));
            }
            State::Ended(_) if self.rules.late_heartbeat == LateHeartbeat::Revives => {
                self.revive(now, id, beat, changes);
            }
            // Whoever sent it is about to be registered, and cannot know of it yet.
            State::Granting { .. } if self.rules.heartbeat_check == HeartbeatCheck::Member => {}
            _ => changes.push(Change::NotHeld { ended: self.end_of(beat.member, beat.lease) }),
        }
    }

    /// The row that a heartbeat is for.
    fn named_by(&self, beat: &Beat) -> Option<RowId> {
        match self.rules.heartbeat_check {
            HeartbeatCheck::LeaseAndEpoch => {
                let found = self.find(beat.member, beat.lease);
                found.filter(|id| self.rows[id.index()].tenure().map(|tenure| tenure.epoch) == beat.epoch)
            }
            HeartbeatCheck::Member => {
                let own = self.own_row(beat.member);
                own.filter(|id| self.rows[id.index()].lease.is_some())
            }
        }
    }

    /// Counts what was heard of a member: a heartbeat, or an answer to a probe.
    fn count(&mut self, now: Reading, id: RowId, beat: Option<Beat>, changes: &mut Vec<Change>) {
        let is_own = self.is_own(id);
        let Some((tenure, standing)) = self.rows[id.index()].held() else { return };
        if let Some(Beat { health, .. }) = beat
            && mem::replace(&mut standing.said, health) == Health::Ready
            && health == Health::NotReady
            && self.rules.unhealthy == Unhealthy::Revoked
        {
            let cause = EndCause::Revoked { reason: Revocation::HealthCheck };
            return self.order_end(now, id, cause, changes);
        }
        let renewed = match self.rules.renewal {
            RenewalTerm::FromNow => now + tenure.ttl,
            RenewalTerm::AddedTwice => now + tenure.ttl.scale(2, 1),
        };
        let is_kept = now.has_reached(standing.deadline);
        // What a restart gave in addition is not taken back by a heartbeat soon after it.
        let is_longer =
            matches!(self.rules.restart, Restart::Extra(_)) && !renewed.has_reached(standing.deadline);
        standing.deadline = if is_longer { standing.deadline } else { renewed };
        standing.heard = now;
        standing.is_late = false;
        // A number that nothing was compared with is as good as any: an answer's, say how many came before.
        let number = beat.map_or_else(|| standing.number.map_or(0, |last| last + 1), |beat| beat.number);
        standing.number = Some(number);
        standing.stamp = beat.map(|beat| beat.stamp).or(standing.stamp);
        if is_own {
            self.grace.renewed(tenure.member, number, now);
        }
        self.overdue.forget(id);
        // The look at it stands where it stood, which is earlier, unless it was overdue or the clock stepped back.
        self.note(id);
        let news = (self.rules.renewals == RenewalNews::Published).then(|| self.next_revision());
        changes.push(Change::Renewed { row: id, tenure, news });
        if is_kept {
            changes.push(Change::KeptByGrace);
        }
        self.restate(id, changes);
    }

    /// A lease that had ended lives again.
    fn revive(&mut self, now: Reading, id: RowId, beat: Beat, changes: &mut Vec<Change>) {
        let revision = self.next_revision();
        let Row { lease: Some(lease), state, .. } = &mut self.rows[id.index()] else { return };
        let lease = lease.clone();
        let mut standing = Standing::new(now, now + lease.tenure.ttl, beat.health, self.rules.liveness);
        let status = standing.status;
        (standing.number, standing.stamp) = (Some(beat.number), Some(beat.stamp));
        *state = State::Held(standing);
        self.live += 1;
        self.note(id);
        changes.push(Change::Revived { row: id, lease, status, revision });
    }

    /// A probe of a member is over.
    pub(in crate::registry::server) fn probed(
        &mut self,
        now: Reading,
        member: ResourceId,
        found: Found,
        changes: &mut Vec<Change>,
    ) {
        let Some(id) = self.own_row(member) else { return };
        let is_pulled = self.rules.liveness == Liveness::Pull;
        if is_pulled && matches!(found, Found::Answer(_)) {
            self.count(now, id, None, changes);
        }
        let (fall, rise) = (self.rules.probe.fall, self.rules.probe.rise);
        let Some((_, standing)) = self.rows[id.index()].held() else { return };
        let before = standing.verdict;
        if found == Found::Answer(Health::Ready) {
            (standing.bad, standing.good) = (0, standing.good.saturating_add(1));
            if standing.good >= rise {
                standing.verdict = Verdict::Able;
            }
        } else {
            (standing.bad, standing.good) = (standing.bad.saturating_add(1), 0);
            if standing.bad >= fall {
                let is_silent = is_pulled && found == Found::Silence;
                standing.verdict = if is_silent { Verdict::Silent } else { Verdict::Unable };
            }
        }
        let turned_unable = before != Verdict::Unable && standing.verdict == Verdict::Unable;
        if turned_unable && self.rules.unhealthy == Unhealthy::Revoked {
            let cause = EndCause::Revoked { reason: Revocation::HealthCheck };
            return self.order_end(now, id, cause, changes);
        }
        self.restate(id, changes);
    }

    /// An observer told what it saw of a member.
    pub(in crate::registry::server) fn observed(
        &mut self,
        now: Reading,
        member: ResourceId,
        observer: NodeId,
        sighting: Sighting,
    ) {
        let Some(id) = self.own_row(member) else { return };
        let Some((_, standing)) = self.rows[id.index()].held() else { return };
        let is_over = now.has_reached(standing.deadline);
        self.grace.observed(member, observer, now, sighting);
        // What is confirmed may shorten the grace of one whose term is over. Of one whose grace is over too, the guards
        // are asked when they said that they want to be.
        if is_over && sighting == Sighting::Missed && !self.overdue.has(id) {
            self.looks.note(id, now);
        }
    }
}
