//! Which assumptions about which nodes are broken, and until when that excuses them.
//!
//! A term or a claim that began while an assumption was broken outlives the
//! moment in which it is restored, so the excuse lasts for an aftermath
//! ([`Bounds::aftermath`](leasehold_core::Bounds::aftermath)) longer, its last instant included.

use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::event::Assumption;
use leasehold_core::{NodeId, SimInstant, Span, WorldEvent};

/// All assumptions there are.
const ALL: [Assumption; 4] =
    [Assumption::ClockRate, Assumption::ClockRuns, Assumption::DiskKeeps, Assumption::DiskTimely];

/// Those that whatever reads a clock relies on.
pub(crate) const CLOCKS: [Assumption; 2] = [Assumption::ClockRate, Assumption::ClockRuns];

/// Those that whatever has to remember something for a time relies on. A slow disk makes nothing come sooner, so
/// it is not among them.
pub(crate) const CLOCKS_AND_DISK: [Assumption; 3] =
    [Assumption::ClockRate, Assumption::ClockRuns, Assumption::DiskKeeps];

/// What tokens, ids and counts rely on.
pub(crate) const DISK: [Assumption; 1] = [Assumption::DiskKeeps];

/// One assumption about one node.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    broken: bool,
    aftermath_ends: Option<SimInstant>,
    times_broken: u64,
}

/// All assumptions about all nodes.
#[derive(Debug)]
pub(crate) struct Assumptions {
    nodes: Vec<[State; ALL.len()]>,
    aftermath: Span,
}

impl Assumptions {
    pub(crate) fn new(nodes: usize, aftermath: Span) -> Self {
        Self { nodes: vec![[State::default(); ALL.len()]; nodes], aftermath }
    }

    pub(crate) fn hear(&mut self, now: SimInstant, node: NodeId, event: &WorldEvent) {
        let Some(states) = self.nodes.get_mut(node.index()) else { return };
        match event {
            WorldEvent::AssumptionBroken { assumption } => {
                let state = &mut states[index(*assumption)];
                state.broken = true;
                state.times_broken += 1;
            }
            WorldEvent::AssumptionRestored { assumption } => {
                let state = &mut states[index(*assumption)];
                state.broken = false;
                state.aftermath_ends = Some(now.saturating_add(self.aftermath));
            }
            _ => {}
        }
    }

    /// Whether an assumption that claims rely on is broken about the node at this instant, or its aftermath lasts.
    /// `now` must be the time of the latest event.
    pub(crate) fn excused(&self, node: NodeId, now: SimInstant) -> bool {
        self.excused_since(node, now, &CLOCKS_AND_DISK)
    }

    /// Whether an assumption about the node is broken at this instant.
    pub(crate) fn is_broken(&self, node: NodeId, assumption: Assumption) -> bool {
        self.nodes.get(node.index()).is_some_and(|states| states[index(assumption)].broken)
    }

    /// Whether one of these assumptions about the node was broken, or its aftermath lasted, at some time from
    /// `since` to now.
    pub(crate) fn excused_since(&self, node: NodeId, since: SimInstant, which: &[Assumption]) -> bool {
        let Some(states) = self.nodes.get(node.index()) else { return false };
        which.iter().any(|assumption| {
            let state = &states[index(*assumption)];
            state.broken || state.aftermath_ends.is_some_and(|end| since <= end)
        })
    }

    /// The last instant that one of these assumptions about the node excuses; nothing if none was ever broken.
    pub(crate) fn excused_until(&self, node: NodeId, which: &[Assumption]) -> Option<SimInstant> {
        let states = self.nodes.get(node.index())?;
        let until = |assumption: &Assumption| {
            let State { broken, aftermath_ends, .. } = states[index(*assumption)];
            if broken { Some(SimInstant::from_nanos(u64::MAX)) } else { aftermath_ends }
        };
        which.iter().filter_map(until).max()
    }

    /// How often which was broken, without those that never were.
    pub(crate) fn times_broken(&self) -> Vec<(NodeId, Assumption, u64)> {
        let mut times = Vec::new();
        for (node, states) in (0..).map(NodeId).zip(&self.nodes) {
            for assumption in ALL {
                let count = states[index(assumption)].times_broken;
                if count > 0 {
                    times.push((node, assumption, count));
                }
            }
        }
        times
    }
}

const fn index(assumption: Assumption) -> usize {
    match assumption {
        Assumption::ClockRate => 0,
        Assumption::ClockRuns => 1,
        Assumption::DiskKeeps => 2,
        Assumption::DiskTimely => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{A, B, broken, just_after, restored, s};

    #[test]
    fn the_excuse_lasts_from_the_break_to_the_end_of_the_aftermath() {
        let mut assumptions = Assumptions::new(3, Span::from_secs(5));
        assert!(!assumptions.excused(A, s(1)));
        assumptions.hear(s(1), A, &broken(Assumption::ClockRate));
        assert!(assumptions.excused(A, s(1)));
        assert!(!assumptions.excused(B, s(1)), "only the node that it is about");
        assumptions.hear(s(2), A, &restored(Assumption::ClockRate));
        assert!(assumptions.excused(A, s(7)));
        assert!(!assumptions.excused(A, just_after(s(7))));
        assert_eq!(assumptions.excused_until(A, &CLOCKS), Some(s(7)));
        assert_eq!(
            (assumptions.excused_until(A, &DISK), assumptions.excused_until(B, &CLOCKS)),
            (None, None)
        );
    }

    #[test]
    fn a_slow_disk_is_no_excuse_by_itself() {
        let mut assumptions = Assumptions::new(3, Span::from_secs(5));
        assumptions.hear(s(1), A, &broken(Assumption::DiskTimely));
        assert!(!assumptions.excused(A, s(1)));
        assert!(assumptions.is_broken(A, Assumption::DiskTimely));
        assert_eq!(assumptions.times_broken(), [(A, Assumption::DiskTimely, 1)]);
    }

    #[test]
    fn each_assumption_is_broken_on_its_own() {
        let mut assumptions = Assumptions::new(3, Span::from_secs(5));
        assumptions.hear(s(1), A, &broken(Assumption::ClockRuns));
        assumptions.hear(s(2), A, &broken(Assumption::DiskKeeps));
        assumptions.hear(s(3), A, &restored(Assumption::ClockRuns));
        assert!(assumptions.excused(A, s(100)), "the disk is still broken");
        assert!(!assumptions.excused_since(A, s(9), &CLOCKS));
        assert!(assumptions.excused_since(A, s(8), &CLOCKS));
        assumptions.hear(s(4), A, &restored(Assumption::DiskKeeps));
        assert!(!assumptions.excused(A, s(10)));
        assumptions.hear(s(20), A, &broken(Assumption::DiskKeeps));
        assert!(assumptions.is_broken(A, Assumption::DiskKeeps));
        assert!(
            !assumptions.is_broken(A, Assumption::ClockRuns)
                && !assumptions.is_broken(B, Assumption::DiskKeeps)
        );
        assert_eq!(
            assumptions.times_broken(),
            [(A, Assumption::ClockRuns, 1), (A, Assumption::DiskKeeps, 2)]
        );
    }
}
