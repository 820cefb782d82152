//! What lasts on a host beside its process: slowness, a stalled disk, and clocks that do not run as they should.

use leasehold_core::event::{Assumption, WorldEvent};
use leasehold_core::id::{FaultId, NodeId};
use leasehold_core::node::Protocol;
use leasehold_core::plan::Action;
use leasehold_core::time::{RateError, Span};

use crate::claims::Tracked;
use crate::host::{Side, Strobe};
use crate::world::{Task, World};

/// Takes what is of a fault out of a list. Whether there was something.
fn take_out<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> bool {
    let place = list.iter().position(is_it);
    if let Some(place) = place {
        list.remove(place);
    }
    place.is_some()
}

impl<P: Protocol> World<'_, P> {
    pub(crate) fn throttle(&mut self, fault: FaultId, target: NodeId, step: Span) {
        let throttles = &mut self.hosts[target.index()].throttles;
        throttles.push((fault, step));
        if throttles.len() == 1 {
            self.emit_world(Some(target), WorldEvent::Throttled);
        }
        self.schedule_heal(fault, target);
    }

    /// What waits is handled at once if nothing else makes the process slow.
    pub(crate) fn unthrottle(&mut self, fault: FaultId, target: NodeId) {
        let host = &mut self.hosts[target.index()];
        if !take_out(&mut host.throttles, |&(other, _)| other == fault) {
            return;
        }
        let is_fast = host.throttles.is_empty();
        self.is_over(fault, target);
        if is_fast {
            self.emit_world(Some(target), WorldEvent::Unthrottled);
            self.hosts[target.index()].busy_until = None;
            self.drain(target);
        }
    }

    pub(crate) fn stall(&mut self, fault: FaultId, target: NodeId) {
        let host = &mut self.hosts[target.index()];
        host.stalls.push(fault);
        if host.stalls.len() == 1 {
            host.disk.stall();
            let assumption = Assumption::DiskTimely;
            self.emit_world(Some(target), WorldEvent::DiskStalled);
            self.emit_world(Some(target), WorldEvent::AssumptionBroken { assumption });
        }
        self.schedule_heal(fault, target);
    }

    pub(crate) fn unstall(&mut self, fault: FaultId, target: NodeId) {
        let host = &mut self.hosts[target.index()];
        if !take_out(&mut host.stalls, |&other| other == fault) {
            return;
        }
        let flows = host.stalls.is_empty();
        self.is_over(fault, target);
        if flows {
            let disk = &mut self.hosts[target.index()].disk;
            let due: Vec<_> = disk.flow(self.now).collect();
            let generation = disk.generation();
            for at in due {
                self.queue.push(at, Task::Durable { node: target, generation });
            }
            let assumption = Assumption::DiskTimely;
            self.emit_world(Some(target), WorldEvent::DiskFlows);
            self.emit_world(Some(target), WorldEvent::AssumptionRestored { assumption });
        }
    }

    pub(crate) fn change_rate(&mut self, fault: FaultId, target: NodeId, rate: RateError) {
        self.hosts[target.index()].rates.push((fault, rate));
        self.land(fault, target);
        self.set_rate(target, rate);
        self.schedule_heal(fault, target);
    }

    pub(crate) fn restore_rate(&mut self, fault: FaultId, target: NodeId) {
        let host = &mut self.hosts[target.index()];
        if !take_out(&mut host.rates, |&(other, _)| other == fault) {
            return;
        }
        let latest = host.rates.last().map_or(self.plan.nodes[target.index()].rate, |&(_, rate)| rate);
        self.is_over(fault, target);
        self.set_rate(target, latest);
    }

    fn set_rate(&mut self, node: NodeId, rate: RateError) {
        let kept_time = self.keeps_time(node);
        self.hosts[node.index()].clocks.set_rate(rate, self.now);
        self.emit_world(Some(node), WorldEvent::ClockRateChanged { rate });
        self.judge_clocks(node, kept_time);
        self.clocks_changed(node);
    }

    pub(crate) fn freeze(&mut self, fault: FaultId, target: NodeId) {
        self.land(fault, target);
        let kept_time = self.keeps_time(target);
        let host = &mut self.hosts[target.index()];
        host.freezes.push(fault);
        if host.freezes.len() == 1 {
            host.clocks.freeze(self.now);
            self.emit_world(Some(target), WorldEvent::ClocksFroze);
            self.judge_clocks(target, kept_time);
            self.clocks_changed(target);
        }
        self.schedule_heal(fault, target);
    }

    pub(crate) fn thaw(&mut self, fault: FaultId, target: NodeId) {
        let kept_time = self.keeps_time(target);
        let host = &mut self.hosts[target.index()];
        if !take_out(&mut host.freezes, |&other| other == fault) {
            return;
        }
        let goes_on = host.freezes.is_empty();
        self.is_over(fault, target);
        if goes_on {
            self.hosts[target.index()].clocks.thaw(self.now);
            self.emit_world(Some(target), WorldEvent::ClocksThawed);
            self.judge_clocks(target, kept_time);
            self.clocks_changed(target);
        }
    }

    /// Whether a host's clocks go, at a rate within the declared bound.
    fn keeps_time(&self, node: NodeId) -> bool {
        let clocks = &self.hosts[node.index()].clocks;
        !clocks.are_frozen() && clocks.rate().is_within(self.plan.clock_rate)
    }

    fn judge_clocks(&mut self, node: NodeId, kept_time: bool) {
        let assumption = Assumption::ClockRate;
        match (kept_time, self.keeps_time(node)) {
            (true, false) => self.emit_world(Some(node), WorldEvent::AssumptionBroken { assumption }),
            (false, true) => self.emit_world(Some(node), WorldEvent::AssumptionRestored { assumption }),
            _ => {}
        }
    }

    pub(crate) fn step_wall(&mut self, target: NodeId, by: i64) {
        self.hosts[target.index()].clocks.step_wall(by);
        self.emit_world(Some(target), WorldEvent::WallStepped { by });
        self.clocks_changed(target);
    }

    pub(crate) fn start_strobe(&mut self, fault: FaultId, target: NodeId) {
        self.land(fault, target);
        self.hosts[target.index()].strobes.push(Strobe { fault, side: Side::Home });
        self.schedule_heal(fault, target);
        self.strobe(fault, target);
    }

    /// A strobed wall clock jumps to its other side. Without effect if the fault is over.
    pub(crate) fn strobe(&mut self, fault: FaultId, target: NodeId) {
        let Action::WallStrobe { by, every } = self.plan.faults[usize::from(fault.0)].action else { return };
        let strobes = &mut self.hosts[target.index()].strobes;
        let Some(strobe) = strobes.iter_mut().find(|strobe| strobe.fault == fault) else { return };
        let (side, by) = match strobe.side {
            Side::Home => (Side::Away, by),
            Side::Away => (Side::Home, -by),
        };
        strobe.side = side;
        self.step_wall(target, by);
        let every = every.max(Span::from_nanos(1));
        self.queue.push(self.now.saturating_add(every), Task::Strobe { fault, node: target });
    }

    pub(crate) fn end_strobe(&mut self, fault: FaultId, target: NodeId) {
        let Action::WallStrobe { by, .. } = self.plan.faults[usize::from(fault.0)].action else { return };
        let strobes = &mut self.hosts[target.index()].strobes;
        let Some(place) = strobes.iter().position(|strobe| strobe.fault == fault) else { return };
        let Strobe { side, .. } = strobes.remove(place);
        self.is_over(fault, target);
        if side == Side::Away {
            self.step_wall(target, -by);
        }
    }

    /// A node's clocks run otherwise from now on: its timers and claims, and what waits for the end of its leases'
    /// terms, are scheduled anew.
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
        for term in self.terms.of_grantor(node) {
            self.watch_term(&term);
        }
    }
}
