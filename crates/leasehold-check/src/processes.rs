//! Which processes run, and when they last stopped.

use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::{NodeId, SimInstant, WorldEvent};

/// What a node's process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    /// It has not been started yet.
    Absent,
    /// It runs.
    Running,
    /// It is paused or suspended.
    Stopped,
    /// It has crashed.
    Down,
}

impl Process {
    /// Whether there is a process that goes on, now or when it is resumed.
    pub(crate) const fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Stopped)
    }
}

/// A process and its last stop.
#[derive(Clone, Copy, Debug)]
struct Tracked {
    process: Process,
    stopped_at: SimInstant,
    resumed_at: Option<SimInstant>,
}

/// Every node's process.
#[derive(Debug)]
pub(crate) struct Processes {
    nodes: Vec<Tracked>,
}

impl Processes {
    pub(crate) fn new(nodes: usize) -> Self {
        let absent = Tracked { process: Process::Absent, stopped_at: SimInstant::START, resumed_at: None };
        Self { nodes: vec![absent; nodes] }
    }

    pub(crate) fn of(&self, node: NodeId) -> Process {
        self.nodes.get(node.index()).map_or(Process::Absent, |tracked| tracked.process)
    }

    /// The earliest instant at which the node may have decided what it reports now. A stop can fall between a
    /// decision and its report; the report is then stamped with the instant of the resume.
    pub(crate) fn decided_since(&self, node: NodeId, now: SimInstant) -> SimInstant {
        match self.nodes.get(node.index()) {
            Some(tracked) if tracked.resumed_at == Some(now) => tracked.stopped_at,
            _ => now,
        }
    }

    pub(crate) fn hear(&mut self, now: SimInstant, node: NodeId, event: &WorldEvent) {
        let Some(tracked) = self.nodes.get_mut(node.index()) else { return };
        match event {
            WorldEvent::Started | WorldEvent::Restarted { .. } => tracked.process = Process::Running,
            WorldEvent::Crashed | WorldEvent::Panicked => tracked.process = Process::Down,
            WorldEvent::Paused | WorldEvent::Suspended if tracked.process == Process::Running => {
                tracked.process = Process::Stopped;
                tracked.stopped_at = now;
            }
            WorldEvent::Resumed if tracked.process == Process::Stopped => {
                tracked.process = Process::Running;
                tracked.resumed_at = Some(now);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::*;

    #[test]
    fn what_is_reported_at_a_resume_may_have_been_decided_before_the_stop() {
        let mut processes = Processes::new(5);
        for (when, event) in [(s(0), WorldEvent::Started), (s(3), PAUSED), (s(4), SUSPENDED), (s(9), RESUMED)]
        {
            processes.hear(when, A, &event);
        }
        assert_eq!(processes.decided_since(A, s(9)), s(3));
        assert_eq!(processes.decided_since(A, just_after(s(9))), just_after(s(9)));
        assert_eq!(processes.decided_since(B, s(9)), s(9));
    }

    #[test]
    fn a_resume_does_not_raise_the_dead() {
        let mut processes = Processes::new(5);
        for event in [WorldEvent::Started, PAUSED, CRASHED, RESUMED, PAUSED] {
            processes.hear(s(1), A, &event);
            assert!(!processes.of(B).is_up());
        }
        assert_eq!(processes.of(A), Process::Down);
        processes.hear(s(2), A, &RESTARTED);
        assert_eq!(processes.of(A), Process::Running);
    }
}
