//! The end of the chaos.

use leasehold_core::event::{Phase, WorldEvent};
use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::node::Protocol;
use leasehold_core::plan::{Action, Role};

use crate::host::Process;
use crate::world::{Task, World};

/// What heals together when a run settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Links,
    Clocks,
    Disks,
    Speed,
    Processes,
}

const fn kind(action: &Action) -> Option<Kind> {
    match action {
        Action::Partition(_) | Action::Link { .. } | Action::Clog(_) | Action::Hold(_) | Action::Swizzle => {
            Some(Kind::Links)
        }
        Action::ClockRate(_) | Action::ClockFreeze | Action::WallStrobe { .. } => Some(Kind::Clocks),
        Action::Stall => Some(Kind::Disks),
        Action::Throttle { .. } => Some(Kind::Speed),
        Action::Pause | Action::Suspend | Action::Crash | Action::Torn | Action::Wipe => {
            Some(Kind::Processes)
        }
        Action::Restart | Action::WallStep(_) | Action::Command(_) => None,
    }
}

impl<P: Protocol> World<'_, P> {
    /// Ends the chaos: no armed fault strikes any more, links heal first, then clocks, disks and processes, the
    /// network loses nothing by itself, and the core is up.
    pub(crate) fn settle(&mut self) {
        self.settled = true;
        self.waiting.clear();
        for host in &mut self.hosts {
            host.strikes.clear();
        }
        self.network.calm();
        // All links at once, so that what one fault lets go is not lost to another.
        self.network.heal_all();
        self.heal_all(Kind::Links);
        // What a fault had slowed is on healthy links from now on.
        let latest = self.now + self.plan.network.latency.longest();
        self.queue.reschedule(|at, task| match task {
            Task::Deliver { .. } => at.min(latest),
            _ => at,
        });
        for kind in [Kind::Clocks, Kind::Disks, Kind::Speed, Kind::Processes] {
            self.heal_all(kind);
        }

        for node in self.down(Role::is_core) {
            self.restart(node);
        }
        let contenders = self.plan.nodes.iter().filter(|node| node.role == Role::Contender).count();
        let down = self.down(|role| role == Role::Contender);
        if let Some(&first) = down.first().filter(|_| down.len() == contenders) {
            self.restart(first);
        }
        self.emit_world(None, WorldEvent::PhaseEntered { phase: Phase::Settle });
    }

    /// Heals what has fired, but for crashes that are for good.
    fn heal_all(&mut self, wanted: Kind) {
        for (fault, plan) in (0..).map(FaultId).zip(&self.plan.faults) {
            let is_for_good = matches!(plan.action, Action::Crash | Action::Torn) && plan.lasts.is_none();
            if kind(&plan.action) == Some(wanted) && !is_for_good {
                for node in self.ledger.targets(fault) {
                    self.heal(fault, node);
                }
            }
        }
    }

    /// The nodes of such roles whose process is down.
    fn down(&self, role: fn(Role) -> bool) -> Vec<NodeId> {
        let nodes = (0..).map(NodeId).zip(&self.plan.nodes).filter(|(_, node)| role(node.role));
        nodes
            .map(|(id, _)| id)
            .filter(|id| matches!(self.hosts[id.index()].process, Process::Down(_)))
            .collect()
    }
}
