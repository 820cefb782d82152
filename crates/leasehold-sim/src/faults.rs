//! What a fault does to the world: fire, land, heal.

use leasehold_core::event::{Assumption, WorldEvent};
use leasehold_core::id::{CommandId, FaultId, NodeId};
use leasehold_core::node::{Input, Instruction, Protocol};
use leasehold_core::plan::{Action, Cut, Group, Pick, Role, Scope, Target, WatchFault};
use leasehold_core::time::Span;

use crate::host::{Process, Strike};
use crate::links::{Links, Nodes};
use crate::network::{About, Blame, Disturbance, Effect};
use crate::shapes::Lot;
use crate::world::{Task, World};

impl<P: Protocol> World<'_, P> {
    /// A fault's trigger was met; `subject` is the node whose condition it was. Without effect if it has fired.
    pub(crate) fn fire(&mut self, fault: FaultId, subject: Option<NodeId>) {
        if self.ledger.has_fired(fault) {
            return;
        }
        self.waiting.forget(fault);
        let plan = &self.plan.faults[usize::from(fault.0)];
        let targets = self.resolve(fault, plan.target, subject);
        self.ledger.fire(fault, self.now, &targets);
        if targets.is_empty() {
            self.emit_world(None, WorldEvent::FaultFired { fault });
        }
        for &target in &targets {
            self.emit_world(Some(target), WorldEvent::FaultFired { fault });
        }
        let Some(&first) = targets.first() else { return };
        match plan.action {
            Action::Partition(scope) => self.disturb(fault, scope, subject, Effect::Cut, first),
            Action::Link { scope, worse } => {
                self.disturb(fault, scope, subject, Effect::Worsen(worse), first);
            }
            Action::Clog(scope) => self.disturb(fault, scope, subject, Effect::Clog, first),
            Action::Hold(scope) => self.disturb(fault, scope, subject, Effect::Hold, first),
            Action::Swizzle => self.swizzle(fault, targets),
            Action::Watch(what) => self.disturb_watches(fault, &targets, what),
            _ => {
                for target in targets {
                    self.apply(fault, target);
                }
            }
        }
    }

    fn apply(&mut self, fault: FaultId, target: NodeId) {
        let plan = &self.plan.faults[usize::from(fault.0)];
        match plan.action {
            Action::Pause
            | Action::Suspend
            | Action::Crash
            | Action::Torn
            | Action::Wipe
            | Action::Restart => {
                let host = &mut self.hosts[target.index()];
                match (host.process, plan.action) {
                    // A sleeper has no next step to wait for.
                    (Process::Stopped, _) => self.strike(fault, target),
                    (Process::Down(_), Action::Restart) => {
                        self.land(fault, target);
                        self.restart(target);
                    }
                    (Process::Down(before), Action::Wipe) => {
                        self.land(fault, target);
                        self.is_over(before, target);
                        self.hosts[target.index()].process = Process::Down(fault);
                        self.wipe(fault, target);
                    }
                    (Process::Down(_), _) => {}
                    // A fault fires between steps, never within one.
                    (Process::Up, _) if plan.cut == Cut::Now => self.strike(fault, target),
                    _ => host.strikes.push(Strike { fault, cut: plan.cut }),
                }
            }
            Action::Throttle { step } => self.throttle(fault, target, step),
            Action::Stall => self.stall(fault, target),
            Action::ClockRate(rate) => self.change_rate(fault, target, rate),
            Action::ClockFreeze => self.freeze(fault, target),
            Action::WallStep(by) => {
                self.land(fault, target);
                self.step_wall(target, by);
            }
            Action::WallStrobe { .. } => self.start_strobe(fault, target),
            Action::Command(command) => self.command(fault, target, command),
            Action::Partition(_)
            | Action::Link { .. }
            | Action::Clog(_)
            | Action::Hold(_)
            | Action::Watch(_)
            | Action::Swizzle => {
                unreachable!("links are disturbed for all targets together")
            }
        }
    }

    fn command(&mut self, fault: FaultId, target: NodeId, command: CommandId) {
        let Instruction { command: said, undo } = self.commands[usize::from(command.0)].clone();
        if let Process::Up | Process::Stopped = self.hosts[target.index()].process {
            self.land(fault, target);
            self.emit_world(Some(target), WorldEvent::CommandGiven { command });
            self.tell(target, Input::Command(said));
            if undo.is_some() {
                self.hosts[target.index()].orders.push((fault, command));
                self.schedule_heal(fault, target);
            }
        }
    }

    /// What a node was told is over, unless another fault has told it the same. Without effect if its process has
    /// died since: the next one knows nothing of it.
    fn undo(&mut self, fault: FaultId, target: NodeId, command: CommandId) {
        let orders = &mut self.hosts[target.index()].orders;
        let Some(place) = orders.iter().position(|&(given_by, _)| given_by == fault) else { return };
        orders.remove(place);
        let lasts_on = orders.iter().any(|&(_, other)| other == command);
        self.is_over(fault, target);
        if let Some(undo) = self.commands[usize::from(command.0)].undo.clone().filter(|_| !lasts_on) {
            self.tell(target, Input::Command(undo));
        }
    }

    /// Watches end at their targets, whoever serves them; what is lost or held is only what they tell, unless they are
    /// dead.
    fn disturb_watches(&mut self, fault: FaultId, targets: &[NodeId], what: WatchFault) {
        let group = Nodes::new(self.plan.nodes.len(), targets);
        let by = Blame::from(fault);
        let (links, effect, about) = match what {
            WatchFault::Drop => (Links::Of(group), Effect::Cut, About::Watches),
            WatchFault::Gap => (Links::To(group), Effect::Lose, About::News),
            WatchFault::Stall => (Links::To(group), Effect::Hold, About::News),
        };
        let disturbance = Disturbance::new(by, links, effect).only(about);
        match what {
            WatchFault::Stall => self.hold(disturbance, by),
            WatchFault::Drop | WatchFault::Gap => self.network.disturb(disturbance),
        }
        if let Some(&first) = targets.first() {
            self.schedule_heal(fault, first);
        }
    }

    fn disturb(
        &mut self,
        fault: FaultId,
        scope: Scope,
        subject: Option<NodeId>,
        effect: Effect,
        first: NodeId,
    ) {
        let Some(links) = self.links_of(fault, scope, subject) else { return };
        let by = Blame::from(fault);
        let disturbance = Disturbance::new(by, links, effect);
        match effect {
            Effect::Hold => self.hold(disturbance, by),
            Effect::Cut | Effect::Lose | Effect::Worsen(_) | Effect::Clog => {
                self.network.disturb(disturbance);
            }
        }
        self.schedule_heal(fault, first);
    }

    /// Plans the clogs of all targets, one after the other in the first half of the fault's duration, and their ends,
    /// in an order of their own, in the second.
    fn swizzle(&mut self, fault: FaultId, targets: Vec<NodeId>) {
        let until_settled = self.plan.phases.settles_at() - self.now;
        let lasts = self.plan.faults[usize::from(fault.0)].lasts.unwrap_or(until_settled);
        let half = lasts.scale(1, 2);
        let count = targets.len();
        let (mut clogged, mut healed) = (targets.clone(), targets);
        self.lots(fault, Lot::Shape).choose(&mut clogged, count);
        self.lots(fault, Lot::Healing).choose(&mut healed, count);
        let after = |place: u64, of: Span| self.now.saturating_add(of.scale(place, count as u64));
        for (place, node) in (1..).zip(healed) {
            let at = after(place, lasts - half).saturating_add(half);
            self.queue.push(at, Task::Heal { fault, node });
        }
        let clogs: Vec<_> = (0..).zip(&clogged).map(|(place, &node)| (after(place, half), node)).collect();
        for &(at, node) in &clogs[1..] {
            self.queue.push(at, Task::Clog { fault, node });
        }
        self.clog(fault, clogs[0].1);
    }

    /// A swizzle clogs all links of one of its targets.
    pub(crate) fn clog(&mut self, fault: FaultId, node: NodeId) {
        let links = Links::Across(Nodes::new(self.plan.nodes.len(), &[node]));
        let by = Blame { fault, part: Some(node) };
        self.network.disturb(Disturbance::new(by, links, Effect::Clog));
    }

    /// A pause, suspend, crash, wipe or restart falls on its target now.
    pub(crate) fn strike(&mut self, fault: FaultId, target: NodeId) {
        self.land(fault, target);
        match self.plan.faults[usize::from(fault.0)].action {
            Action::Pause => {
                if self.stop(fault, target) == Process::Up {
                    self.emit_world(Some(target), WorldEvent::Paused);
                }
                self.schedule_heal(fault, target);
            }
            Action::Suspend => {
                self.stop(fault, target);
                if !self.hosts[target.index()].clocks.are_suspended() {
                    self.suspend(target);
                }
                self.schedule_heal(fault, target);
            }
            Action::Crash | Action::Torn => {
                self.crash(target, fault);
                self.schedule_heal(fault, target);
            }
            Action::Wipe => {
                self.crash(target, fault);
                self.wipe(fault, target);
            }
            Action::Restart => {
                self.crash(target, fault);
                self.restart(target);
            }
            action => unreachable!("{action:?} does not strike a step"),
        }
    }

    /// The disk of a dead process loses everything, and the process comes back: after a while, or at once.
    fn wipe(&mut self, fault: FaultId, target: NodeId) {
        self.hosts[target.index()].disk.wipe();
        let assumption = Assumption::DiskKeeps;
        self.emit_world(Some(target), WorldEvent::DiskWiped);
        self.emit_world(Some(target), WorldEvent::AssumptionBroken { assumption });
        match self.plan.faults[usize::from(fault.0)].lasts {
            Some(_) => self.schedule_heal(fault, target),
            None => self.restart(target),
        }
    }

    /// Stops a process, and says what it did before.
    fn stop(&mut self, fault: FaultId, target: NodeId) -> Process {
        let host = &mut self.hosts[target.index()];
        host.stops.push(fault);
        std::mem::replace(&mut host.process, Process::Stopped)
    }

    fn suspend(&mut self, target: NodeId) {
        self.hosts[target.index()].clocks.suspend(self.now);
        self.emit_world(Some(target), WorldEvent::Suspended);
        if self.relies_on_monotonic(target) {
            let assumption = Assumption::ClockRuns;
            self.emit_world(Some(target), WorldEvent::AssumptionBroken { assumption });
        }
        self.clocks_changed(target);
    }

    /// A fault's duration is over for a target, or the run settles. Without effect if it is over already.
    pub(crate) fn heal(&mut self, fault: FaultId, target: NodeId) {
        match self.plan.faults[usize::from(fault.0)].action {
            Action::Partition(_)
            | Action::Link { .. }
            | Action::Clog(_)
            | Action::Hold(_)
            | Action::Watch(_) => {
                let by = Blame::from(fault);
                self.network.heal(by);
                self.release(by);
                for target in self.ledger.targets(fault) {
                    self.is_over(fault, target);
                }
            }
            Action::Swizzle => {
                let by = Blame { fault, part: Some(target) };
                self.network.heal(by);
                self.release(by);
                self.is_over(fault, target);
            }
            action @ (Action::Pause | Action::Suspend) => {
                let stops = &mut self.hosts[target.index()].stops;
                let Some(place) = stops.iter().position(|&stop| stop == fault) else { return };
                stops.remove(place);
                self.is_over(fault, target);
                if action == Action::Suspend && !self.is_suspended_by_another(target) {
                    self.power_on(target);
                }
                if self.hosts[target.index()].stops.is_empty() {
                    self.resume(target);
                }
            }
            Action::Crash | Action::Torn | Action::Wipe => {
                if self.hosts[target.index()].process == Process::Down(fault) {
                    self.restart(target);
                }
            }
            Action::Throttle { .. } => self.unthrottle(fault, target),
            Action::Stall => self.unstall(fault, target),
            Action::ClockRate(_) => self.restore_rate(fault, target),
            Action::ClockFreeze => self.thaw(fault, target),
            Action::WallStrobe { .. } => self.end_strobe(fault, target),
            Action::Command(command) => self.undo(fault, target, command),
            Action::Restart | Action::WallStep(_) => {}
        }
    }

    fn is_suspended_by_another(&self, target: NodeId) -> bool {
        let is_suspend = |stop: &FaultId| self.plan.faults[usize::from(stop.0)].action == Action::Suspend;
        self.hosts[target.index()].stops.iter().any(is_suspend)
    }

    /// A fault touches nothing of a target any more: told once, and only of those that last.
    pub(crate) fn is_over(&mut self, fault: FaultId, target: NodeId) {
        let plan = &self.plan.faults[usize::from(fault.0)];
        let lasts = match plan.action {
            Action::Restart => false,
            Action::Wipe => plan.lasts.is_some(),
            _ => true,
        };
        if lasts && self.ledger.end(fault, target) {
            self.emit_world(Some(target), WorldEvent::FaultHealed { fault });
        }
    }

    /// A fault touched something of a target.
    pub(crate) fn land(&mut self, fault: FaultId, target: NodeId) {
        if self.ledger.land(fault, target, self.now) {
            self.emit_world(Some(target), WorldEvent::FaultLanded { fault });
        }
    }

    /// A fault touched a message: for those of its targets that are at an end of the link, and of a watch for whoever
    /// it tells.
    pub(crate) fn land_on_link(&mut self, fault: FaultId, from: NodeId, to: NodeId) {
        let action = self.plan.faults[usize::from(fault.0)].action;
        if let Action::Watch(WatchFault::Gap | WatchFault::Stall) = action {
            return self.land(fault, to);
        }
        for target in self.ledger.concerned(fault, from, to).into_iter().flatten() {
            self.land(fault, target);
        }
    }

    pub(crate) fn schedule_heal(&mut self, fault: FaultId, target: NodeId) {
        let plan = &self.plan.faults[usize::from(fault.0)];
        if let Some(lasts) = plan.lasts {
            let over = self.now + lasts;
            let at = match plan.action {
                Action::Pause
                | Action::Suspend
                | Action::Crash
                | Action::Torn
                | Action::Wipe
                | Action::Throttle { .. } => self.processes.can_go_on(over),
                _ => over,
            };
            self.queue.push(at, Task::Heal { fault, node: target });
        }
    }

    /// Whom a fault strikes, or who is a peer of those, by id.
    pub(crate) fn resolve(&self, fault: FaultId, target: Target, subject: Option<NodeId>) -> Vec<NodeId> {
        let (pick, from) = match target {
            Target::Node(node) => return vec![node],
            Target::Holder => return subject.or_else(|| self.claims.holder()).into_iter().collect(),
            Target::ExHolder => return self.claims.ex_holder().into_iter().collect(),
            Target::Drawn { pick, from } => (pick, from),
        };
        let fits = |id: &NodeId| match from {
            Group::Everybody => true,
            Group::Role(role) => {
                let busy = pick == Pick::One && role == Role::Contender && self.claims.is_claiming(*id);
                self.plan.nodes[id.index()].role == role && !busy
            }
        };
        let mut nodes: Vec<NodeId> = (0..self.plan.nodes.len() as u16).map(NodeId).filter(fits).collect();
        let count = pick.count(nodes.len());
        self.lots(fault, Lot::Targets).choose(&mut nodes, count);
        nodes.truncate(count);
        nodes.sort();
        nodes
    }

    /// The clock of a claiming node reached the claim's deadline.
    pub(crate) fn claim_deadline(&mut self, node: NodeId, generation: u32) {
        let Some(tracked) = self.claims.current(node, generation).filter(|tracked| !tracked.lapsed) else {
            return;
        };
        let tracked = *tracked;
        self.claims.lapse(node, generation);
        let (resource, token, incarnation) =
            (tracked.resource(), tracked.claim.token, tracked.claim.incarnation);
        self.emit_world(Some(node), WorldEvent::ClaimLapsed { resource, token, incarnation });
    }
}
