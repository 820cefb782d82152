//! What a fault does to the world: fire, land, heal.

use leasehold_core::event::{Assumption, NodeEvent, Phase, WorldEvent};
use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::node::{Input, Protocol};
use leasehold_core::noise::Use;
use leasehold_core::plan::{Action, Condition, Role, Scope, Target, Trigger};
use leasehold_core::time::RateError;

use crate::claims::Tracked;
use crate::host::{Process, Strike};
use crate::network::{Disturbance, Effect, Links};
use crate::world::{Task, World};

impl<P: Protocol> World<'_, P> {
    /// A fault's trigger was met; `subject` is the node whose condition it was.
    pub(crate) fn fire(&mut self, fault: FaultId, subject: Option<NodeId>) {
        if self.outcomes[usize::from(fault.0)].fired.is_some() {
            return;
        }
        let plan = &self.plan.faults[usize::from(fault.0)];
        let target = match (plan.target, subject) {
            (Target::Holder, Some(subject)) => Some(subject),
            (target, _) => self.resolve(fault, target),
        };
        let outcome = &mut self.outcomes[usize::from(fault.0)];
        outcome.fired = Some(self.now);
        outcome.target = target;
        self.emit_world(target, WorldEvent::FaultFired { fault });
        if let Some(target) = target {
            self.apply(fault, target);
        }
    }

    fn apply(&mut self, fault: FaultId, target: NodeId) {
        let plan = &self.plan.faults[usize::from(fault.0)];
        match plan.action {
            Action::Partition(scope) => self.disturb(fault, target, scope, Effect::Cut),
            Action::Link { scope, delay, loss, duplicate } => {
                self.disturb(fault, target, scope, Effect::Worsen { delay, loss, duplicate });
            }
            Action::Pause | Action::Suspend | Action::Crash | Action::Restart => {
                let host = &mut self.hosts[target.index()];
                match (host.process, plan.action) {
                    // A sleeper has no next step to wait for.
                    (Process::Stopped, _) => self.strike(fault, target),
                    (Process::Down(_), Action::Restart) => {
                        self.land(fault);
                        self.restart(target);
                    }
                    (Process::Down(_), _) => {}
                    _ => host.strikes.push(Strike { fault, cut: plan.cut }),
                }
            }
            Action::ClockRate(rate) => {
                self.rate_faults.push((fault, target, rate));
                self.land(fault);
                self.set_rate(target, rate);
                self.schedule_heal(fault);
            }
            Action::WallStep(by) => {
                self.land(fault);
                self.hosts[target.index()].clocks.step_wall(by, self.now);
                self.emit_world(Some(target), WorldEvent::WallStepped { by });
                self.clocks_changed(target);
            }
            Action::Command(command) => {
                let input = Input::Command(self.commands[usize::from(command.0)].clone());
                match self.hosts[target.index()].process {
                    Process::Up => {
                        self.land(fault);
                        self.emit_world(Some(target), WorldEvent::CommandGiven { command });
                        self.step(target, input);
                    }
                    Process::Stopped => {
                        self.land(fault);
                        self.emit_world(Some(target), WorldEvent::CommandGiven { command });
                        self.hosts[target.index()].backlog.push_back(input);
                    }
                    Process::NotStarted | Process::Down(_) => {}
                }
            }
        }
    }

    fn disturb(&mut self, fault: FaultId, target: NodeId, scope: Scope, effect: Effect) {
        let links = match scope {
            Scope::Isolate => Links::Of(target),
            Scope::Between(peer) | Scope::OneWay(peer) => {
                let Some(peer) = self.resolve(fault, peer).filter(|&peer| peer != target) else { return };
                match scope {
                    Scope::OneWay(_) => Links::OneWay(target, peer),
                    _ => Links::Between(target, peer),
                }
            }
        };
        self.network.disturb(Disturbance { fault, links, effect });
        self.schedule_heal(fault);
    }

    /// A pause, suspend, crash or restart falls on its target now.
    pub(crate) fn strike(&mut self, fault: FaultId, target: NodeId) {
        self.land(fault);
        match self.plan.faults[usize::from(fault.0)].action {
            Action::Pause => {
                if self.stop(fault, target) == Process::Up {
                    self.emit_world(Some(target), WorldEvent::Paused);
                }
                self.schedule_heal(fault);
            }
            Action::Suspend => {
                self.stop(fault, target);
                if !self.hosts[target.index()].clocks.are_suspended() {
                    self.suspend(target);
                }
                self.schedule_heal(fault);
            }
            Action::Crash => {
                self.crash(target, fault);
                self.schedule_heal(fault);
            }
            Action::Restart => {
                self.crash(target, fault);
                self.restart(target);
            }
            action => unreachable!("{action:?} does not strike a step"),
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

    /// A fault's duration is over, or the run settles. Without effect if it is over already.
    pub(crate) fn heal(&mut self, fault: FaultId) {
        let Some(target) = self.outcomes[usize::from(fault.0)].target else { return };
        match self.plan.faults[usize::from(fault.0)].action {
            Action::Partition(_) | Action::Link { .. } => {
                self.network.heal(fault);
                self.is_over(fault);
            }
            action @ (Action::Pause | Action::Suspend) => {
                let stops = &mut self.hosts[target.index()].stops;
                let Some(place) = stops.iter().position(|&stop| stop == fault) else { return };
                stops.remove(place);
                self.is_over(fault);
                if action == Action::Suspend && !self.is_suspended_by_another(target) {
                    self.power_on(target);
                }
                if self.hosts[target.index()].stops.is_empty() {
                    self.resume(target);
                }
            }
            Action::Crash => {
                if self.hosts[target.index()].process == Process::Down(fault) {
                    self.restart(target);
                }
            }
            Action::ClockRate(_) => {
                let Some(place) = self.rate_faults.iter().position(|&(active, ..)| active == fault) else {
                    return;
                };
                self.rate_faults.remove(place);
                self.is_over(fault);
                let latest = self.rate_faults.iter().rev().find(|&&(_, node, _)| node == target);
                let rate = latest.map_or(self.plan.nodes[target.index()].rate, |&(.., rate)| rate);
                self.set_rate(target, rate);
            }
            Action::Restart | Action::WallStep(_) | Action::Command(_) => {}
        }
    }

    fn is_suspended_by_another(&self, target: NodeId) -> bool {
        let is_suspend = |stop: &FaultId| self.plan.faults[usize::from(stop.0)].action == Action::Suspend;
        self.hosts[target.index()].stops.iter().any(is_suspend)
    }

    /// A fault touches nothing any more: told once, and only of those that last.
    pub(crate) fn is_over(&mut self, fault: FaultId) {
        let index = usize::from(fault.0);
        let lasts = !matches!(self.plan.faults[index].action, Action::Restart);
        if lasts && !std::mem::replace(&mut self.healed[index], true) {
            let target = self.outcomes[index].target;
            self.emit_world(target, WorldEvent::FaultHealed { fault });
        }
    }

    /// Ends the chaos: no armed fault strikes any more, links heal first, then clocks, then processes, the network
    /// loses nothing by itself, and the core is up.
    pub(crate) fn settle(&mut self) {
        self.settled = true;
        for host in &mut self.hosts {
            host.strikes.clear();
        }
        self.network.calm();
        self.heal_all(|action| matches!(action, Action::Partition(_) | Action::Link { .. }));
        // What a fault had slowed is on healthy links from now on.
        let latest = self.now + self.plan.network.latency.longest();
        self.queue.reschedule(|at, task| match task {
            Task::Deliver { .. } => at.min(latest),
            _ => at,
        });
        self.heal_all(|action| matches!(action, Action::ClockRate(_)));
        self.heal_all(|action| matches!(action, Action::Pause | Action::Suspend | Action::Crash));

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
    fn heal_all(&mut self, wanted: fn(&Action) -> bool) {
        for (index, plan) in (0..).zip(&self.plan.faults) {
            let is_for_good = matches!(plan.action, Action::Crash) && plan.lasts.is_none();
            if wanted(&plan.action) && !is_for_good && self.outcomes[usize::from(index)].fired.is_some() {
                self.heal(FaultId(index));
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

    /// A fault touched something.
    pub(crate) fn land(&mut self, fault: FaultId) {
        let outcome = &mut self.outcomes[usize::from(fault.0)];
        if outcome.landed.is_none() {
            outcome.landed = Some(self.now);
            let target = outcome.target;
            self.emit_world(target, WorldEvent::FaultLanded { fault });
        }
    }

    fn schedule_heal(&mut self, fault: FaultId) {
        if let Some(lasts) = self.plan.faults[usize::from(fault.0)].lasts {
            self.queue.push(self.now + lasts, Task::Heal(fault));
        }
    }

    fn resolve(&self, fault: FaultId, target: Target) -> Option<NodeId> {
        match target {
            Target::Node(node) => Some(node),
            Target::Holder => self.claims.holder(),
            Target::ExHolder => self.claims.ex_holder(),
            Target::OneOf(role) => {
                let fits = |id: &NodeId| {
                    self.plan.nodes[id.index()].role == role
                        && !(role == Role::Contender && self.claims.is_claiming(*id))
                };
                let candidates: Vec<NodeId> =
                    (0..self.plan.nodes.len() as u16).map(NodeId).filter(fits).collect();
                let by = NodeId(fault.0);
                let pick =
                    self.plan.noise.draws(Use::Pick, by, by, self.now, 0).draw_below(candidates.len() as u64);
                candidates.get(pick as usize).copied()
            }
        }
    }

    /// Schedules what waits for a claim: its lapse, and the conditions on what is left of it.
    pub(crate) fn watch_claim(&mut self, tracked: Tracked) {
        let clocks = &self.hosts[tracked.node.index()].clocks;
        let Tracked { node, generation, claim, .. } = tracked;
        if let Some(at) = clocks.instant_of(claim.deadline, self.now) {
            self.queue.push(at, Task::ClaimDeadline { node, generation });
        }
        if self.settled {
            return;
        }
        for (index, plan) in (0..).zip(&self.plan.faults) {
            let Trigger::When(Condition::TtlRemainingBelow { percent }) = plan.trigger else { continue };
            if self.outcomes[usize::from(index)].fired.is_some() {
                continue;
            }
            let left = claim.ttl.scale(u64::from(percent), 100).as_nanos();
            let below = claim.deadline.as_nanos().saturating_sub_unsigned(left).saturating_add(1);
            let reading = leasehold_core::Reading::new(claim.deadline.clock(), below);
            if let Some(at) = clocks.instant_of(reading, self.now) {
                self.queue.push(at, Task::Condition { fault: FaultId(index), node, generation });
            }
        }
    }

    /// What is left of a claim dropped below a share.
    pub(crate) fn condition_met(&mut self, fault: FaultId, node: NodeId, generation: u32) {
        let current = self.claims.current(node, generation).is_some_and(|tracked| !tracked.lapsed);
        if current && !self.settled {
            self.fire(fault, Some(node));
        }
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

    /// A node's clocks run otherwise from now on: its timers and claims are scheduled anew.
    pub(crate) fn clocks_changed(&mut self, node: NodeId) {
        let host = &mut self.hosts[node.index()];
        let (clocks, queue, now) = (&host.clocks, &mut self.queue, self.now);
        host.timers.reschedule(|timer, at, generation| {
            if let Some(at) = clocks.instant_of(at, now) {
                queue.push(at, Task::Timer { node, timer, generation });
            }
        });
        let changed: Vec<Tracked> = self.claims.of_node(node).map(|tracked| *tracked).collect();
        for tracked in changed {
            let reading = self.hosts[node.index()].clocks.read(tracked.claim.deadline.clock(), self.now);
            if tracked.lapsed && !reading.has_reached(tracked.claim.deadline) {
                self.claims.resume(node, tracked.generation);
                self.emit_world(
                    Some(node),
                    WorldEvent::ClaimResumed {
                        resource: tracked.resource(),
                        token: tracked.claim.token,
                        incarnation: tracked.claim.incarnation,
                    },
                );
            }
            self.watch_claim(tracked);
        }
    }

    fn set_rate(&mut self, node: NodeId, rate: RateError) {
        let bound = self.plan.clock_rate;
        let host = &mut self.hosts[node.index()];
        let before = host.clocks.rate();
        host.clocks.set_rate(rate, self.now);
        self.emit_world(Some(node), WorldEvent::ClockRateChanged { rate });
        let assumption = Assumption::ClockRate;
        match (before.is_within(bound), rate.is_within(bound)) {
            (true, false) => self.emit_world(Some(node), WorldEvent::AssumptionBroken { assumption }),
            (false, true) => self.emit_world(Some(node), WorldEvent::AssumptionRestored { assumption }),
            _ => {}
        }
        self.clocks_changed(node);
    }

    /// Keeps what the world derives from nodes' reports up to date.
    pub(crate) fn observe(&mut self, node: NodeId, event: &NodeEvent) {
        if let Some(tracked) = self.claims.observe(node, event) {
            self.watch_claim(tracked);
        }
    }
}
