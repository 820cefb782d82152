//! Claims on one resource that are open at the same time.
//!
//! Claims are half-open, so an overlap counts only if it has a length. That is known when one of the two ends,
//! or the run does; only then is it reported. Two claims that end and begin at one instant do not overlap, in
//! whichever order the events stand.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use leasehold_core::{NodeId, SimInstant, Span};

use crate::claims::{ClaimId, ClaimSpan, Claims};
use crate::finding::Fact;

/// How many pairs of claims are remembered as reported.
///
/// Chosen by the authors: a wall clock that is strobed lets one claim lapse and come back many times, and this
/// is to stay one overlap; few pairs flicker at the same time.
const REMEMBERED: usize = 16;

/// Two claims that were open at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overlap {
    /// The claim that was there.
    pub(crate) first: ClaimSpan,
    /// The claim that came on top.
    pub(crate) second: ClaimSpan,
    /// When the second came.
    pub(crate) from: SimInstant,
    /// How long both were open.
    pub(crate) length: Span,
    /// Whether an assumption about one of the claiming nodes or a grantor was broken when it began.
    pub(crate) excused: bool,
}

impl Overlap {
    /// What shows it.
    pub(crate) const fn facts(&self) -> [Fact; 3] {
        let overlap = Fact::Bound { what: "overlap of claims", allowed: Span::ZERO, measured: self.length };
        [self.first.fact(), self.second.fact(), overlap]
    }
}

/// The overlaps that go on, and those that the latest event ended.
#[derive(Debug, Default)]
pub(crate) struct Overlaps {
    running: Vec<Overlap>,
    over: Vec<Overlap>,
    reported: VecDeque<(ClaimId, ClaimId, bool)>,
}

impl Overlaps {
    /// The overlaps, longer than nothing, that the latest event (or the end of the run) ended. A pair of claims
    /// that flickers is told once, or twice if it overlapped both with an excuse and without.
    pub(crate) fn over(&self) -> &[Overlap] {
        &self.over
    }

    /// Forgets what the event before the latest had ended.
    pub(crate) fn turn_page(&mut self) {
        self.over.clear();
    }

    /// Takes what the latest event did to the claims. `excused` tells whether an overlap of claims of two nodes
    /// that begins now is.
    pub(crate) fn follow(
        &mut self,
        now: SimInstant,
        claims: &Claims,
        excused: impl Fn(NodeId, NodeId) -> bool,
    ) {
        if !claims.closed().is_empty() {
            self.end_where(now, |claim| {
                let closed = claims.closed().iter().find(|(closed, _)| closed.id == claim.id);
                closed.and_then(|(closed, _)| closed.until)
            });
        }
        let Some(second) = claims.opened() else { return };
        for first in claims.on(second.id.resource) {
            if first.id != second.id {
                let excused = excused(first.id.node, second.id.node);
                let (first, second) = (*first, *second);
                self.running.push(Overlap { first, second, from: now, length: Span::ZERO, excused });
            }
        }
    }

    /// Excuses those that began at this very instant and that `concerns` picks: an assumption broke before they
    /// had any length.
    pub(crate) fn excuse_begun_at(&mut self, now: SimInstant, concerns: impl Fn(&Overlap) -> bool) {
        for overlap in &mut self.running {
            overlap.excused |= overlap.from == now && concerns(overlap);
        }
    }

    /// The run is over: whatever overlaps still go on have their length now.
    pub(crate) fn finish(&mut self, now: SimInstant) {
        let running = core::mem::take(&mut self.running);
        for overlap in running {
            self.report(now, overlap);
        }
    }

    fn end_where(&mut self, now: SimInstant, ended: impl Fn(&ClaimSpan) -> Option<SimInstant>) {
        let mut place = 0;
        while place < self.running.len() {
            let mut overlap = self.running[place];
            overlap.first.until = ended(&overlap.first);
            overlap.second.until = ended(&overlap.second);
            if overlap.first.until.is_none() && overlap.second.until.is_none() {
                place += 1;
            } else {
                self.running.remove(place);
                self.report(now, overlap);
            }
        }
    }

    fn report(&mut self, now: SimInstant, mut overlap: Overlap) {
        overlap.length = now - overlap.from;
        let (first, second, excused) = (overlap.first.id, overlap.second.id, overlap.excused);
        let known = self.reported.contains(&(first, second, excused))
            || self.reported.contains(&(second, first, excused));
        if overlap.length.is_zero() || known {
            return;
        }
        if self.reported.len() == REMEMBERED {
            self.reported.pop_front();
        }
        self.reported.push_back((first, second, excused));
        self.over.push(overlap);
    }
}
