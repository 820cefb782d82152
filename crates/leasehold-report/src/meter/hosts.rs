//! Which processes run.

use leasehold_core::{NodeId, WorldEvent};

/// What a node's process does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Process {
    /// It has not been started yet.
    #[default]
    Absent,
    /// It runs.
    Running,
    /// It is paused or suspended.
    Stopped,
    /// It has died.
    Down,
}

/// What became of a process at an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It runs for the first time.
    Starts,
    /// It dies.
    Dies,
    /// A new process runs in place of the one that died.
    ComesBack,
    /// It stops.
    Stops,
    /// It goes on.
    GoesOn,
}

/// Every node's process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    processes: Vec<Process>,
}

impl Hosts {
    pub(crate) fn new(nodes: usize) -> Self {
        Self { processes: vec![Process::Absent; nodes] }
    }

    /// Whether a node's process runs.
    pub(crate) fn runs(&self, node: NodeId) -> bool {
        self.processes.get(node.index()) == Some(&Process::Running)
    }

    /// Takes an event; says what it is for the process, if it is anything.
    pub(crate) fn hear(&mut self, node: NodeId, event: &WorldEvent) -> Option<Turn> {
        // Who listens without having heard how many nodes there are learns of each when it is told of.
        if self.processes.len() <= node.index() {
            self.processes.resize(node.index() + 1, Process::Absent);
        }
        let process = &mut self.processes[node.index()];
        let (turn, then) = match (event, *process) {
            (WorldEvent::Started, Process::Absent) => (Turn::Starts, Process::Running),
            (WorldEvent::Restarted { .. }, _) => (Turn::ComesBack, Process::Running),
            (WorldEvent::Crashed | WorldEvent::Panicked, _) => (Turn::Dies, Process::Down),
            (WorldEvent::Paused | WorldEvent::Suspended, Process::Running) => (Turn::Stops, Process::Stopped),
            (WorldEvent::Resumed, Process::Stopped) => (Turn::GoesOn, Process::Running),
            _ => return None,
        };
        *process = then;
        Some(turn)
    }
}
