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
    Orders,
}

const fn kind(action: &Action) -> Option<Kind> {
    match action {
        Action::Partition(_)
        | Action::Link { .. }
        | Action::Clog(_)
        | Action::Hold(_)
        | Action::Swizzle
        | Action::Watch(_) => Some(Kind::Links),
        Action::ClockRate(_) | Action::ClockFreeze | Action::WallStrobe { .. } => Some(Kind::Clocks),
        Action::Stall => Some(Kind::Disks),
        Action::Throttle { .. } => Some(Kind::Speed),
        Action::Pause | Action::Suspend | Action::Crash | Action::Torn | Action::Wipe => {
            Some(Kind::Processes)
        }
        Action::Command(_) => Some(Kind::Orders),
        Action::Restart | Action::WallStep(_) => None,
    }
}

impl<P: Protocol> World<'_, P> {
    /// Ends the chaos: no armed fault strikes any more, links heal first, then clocks, disks and processes, and what
    /// nodes were told is taken back; the network loses nothing by itself, and the core is up.
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
        for kind in [Kind::Clocks, Kind::Disks, Kind::Speed, Kind::Processes, Kind::Orders] {
            self.heal_all(kind);
        }

        let core: Vec<NodeId> = self.nodes(Role::is_core).filter(|&node| self.is_down(node)).collect();
        let others = [Role::Contender, Role::Discovery].map(|role| self.first_of(self.alone(role)));
        let member = self.first_of(self.members());
        for node in core.into_iter().chain(others.into_iter().flatten()).chain(member) {
            self.restart(node);
        }
        self.emit_world(None, WorldEvent::PhaseEntered { phase: Phase::Settle });
    }

    /// Heals what has fired, but for crashes that are for good.
    fn heal_all(&mut self, wanted: Kind) {
        for (fault, plan) in (0..).map(FaultId).zip(&self.plan.faults) {
            let is_for_good = matches!(plan.action, Action::Crash | Action::Torn) && plan.lasts.is_none();
            if kind(&plan.action) == Some(wanted) && !is_for_good {
                let mut targets = self.ledger.targets(fault);
                if wanted == Kind::Links && plan.action != Action::Swizzle {
                    // Its links are healed for all of them together.
                    targets.truncate(1);
                }
                for node in targets {
                    self.heal(fault, node);
                }
            }
        }
    }

    /// What has to be up of the first of these groups whose nodes are all of use only together: nobody if one group
    /// is up, or there is none.
    fn first_of(&self, groups: Vec<Vec<NodeId>>) -> Vec<NodeId> {
        let is_up = |group: &Vec<NodeId>| !group.iter().any(|&node| self.is_down(node));
        if groups.iter().any(is_up) {
            return Vec::new();
        }
        let first = groups.into_iter().next().unwrap_or_default();
        first.into_iter().filter(|&node| self.is_down(node)).collect()
    }

    /// The nodes of a role, each by itself.
    fn alone(&self, role: Role) -> Vec<Vec<NodeId>> {
        self.nodes(|other| other == role).map(|node| vec![node]).collect()
    }

    /// The instances, each with the sidecar that sends its heartbeats: sidecars stand in the order of their instances.
    fn members(&self) -> Vec<Vec<NodeId>> {
        let mut members = self.alone(Role::Instance);
        for (member, sidecar) in members.iter_mut().zip(self.nodes(|role| role == Role::Sidecar)) {
            member.push(sidecar);
        }
        members
    }

    fn nodes(&self, fits: impl Fn(Role) -> bool) -> impl Iterator<Item = NodeId> {
        let nodes = (0..).map(NodeId).zip(&self.plan.nodes);
        nodes.filter(move |(_, node)| fits(node.role)).map(|(id, _)| id)
    }

    fn is_down(&self, node: NodeId) -> bool {
        matches!(self.hosts[node.index()].process, Process::Down(_))
    }
}
