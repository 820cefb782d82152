//! The faults that wait for a condition, and how it is met.
//!
//! Nothing is scheduled, followed or looked at for conditions that no fault waits for.

use leasehold_core::clock::Reading;
use leasehold_core::event::NodeEvent;
use leasehold_core::id::{FaultId, NodeId, ResourceId};
use leasehold_core::node::Protocol;
use leasehold_core::plan::{Condition, FaultPlan, Trigger};
use leasehold_core::time::{SimInstant, Span};

use crate::claims::Tracked;
use crate::terms::{News, Term};
use crate::world::{Task, World};

/// The faults that have not fired yet, by what they wait for.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    ttl_remaining: Vec<(Wait, u8)>,
    expiry: Vec<(Wait, Span)>,
    grant: Vec<Wait>,
    renewal: Vec<Wait>,
    takeover: Vec<Wait>,
    end: Vec<Wait>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    fault: FaultId,
    from: SimInstant,
}

impl Waiting {
    pub(crate) fn new(faults: &[FaultPlan]) -> Self {
        let mut waiting = Self::default();
        for (fault, plan) in (0..).map(FaultId).zip(faults) {
            let Trigger::When { condition, from } = plan.trigger else { continue };
            let wait = Wait { fault, from };
            match condition {
                Condition::TtlRemainingBelow { percent } => waiting.ttl_remaining.push((wait, percent)),
                Condition::ExpiryWithin { left } => waiting.expiry.push((wait, left)),
                Condition::GrantInFlight => waiting.grant.push(wait),
                Condition::RenewalInFlight => waiting.renewal.push(wait),
                Condition::AfterTakeover => waiting.takeover.push(wait),
                Condition::EndOrdered => waiting.end.push(wait),
            }
        }
        waiting
    }

    /// Whether a renewal that is sent meets a condition.
    pub(crate) fn for_renewals(&self) -> bool {
        !self.renewal.is_empty()
    }

    /// A fault fired.
    pub(crate) fn forget(&mut self, fault: FaultId) {
        self.ttl_remaining.retain(|(wait, _)| wait.fault != fault);
        self.expiry.retain(|(wait, _)| wait.fault != fault);
        for list in [&mut self.grant, &mut self.renewal, &mut self.takeover, &mut self.end] {
            list.retain(|wait| wait.fault != fault);
        }
    }

    /// Nothing fires any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn for_terms(&self) -> bool {
        !self.expiry.is_empty() || !self.takeover.is_empty() || !self.end.is_empty()
    }
}

/// Takes out what counts by now.
fn met(list: &mut Vec<Wait>, now: SimInstant) -> Vec<FaultId> {
    let mut met = Vec::new();
    list.retain(|wait| {
        let counts = wait.from <= now;
        if counts {
            met.push(wait.fault);
        }
        !counts
    });
    met
}

impl<P: Protocol> World<'_, P> {
    /// Keeps what the world derives from nodes' reports up to date.
    pub(crate) fn observe(&mut self, node: NodeId, event: &NodeEvent) {
        if let Some(tracked) = self.claims.observe(node, event) {
            self.watch_claim(tracked);
        }
        if let NodeEvent::Granted { holder, .. } = *event
            && !self.waiting.grant.is_empty()
        {
            let faults = met(&mut self.waiting.grant, self.now);
            self.trigger(faults, Some(holder));
        }
        if self.waiting.for_terms() {
            self.observe_term(node, event);
        }
    }

    fn observe_term(&mut self, node: NodeId, event: &NodeEvent) {
        let clock = self.plan.nodes[node.index()].relies_on;
        let reading = self.hosts[node.index()].clocks.read(clock, self.now);
        match self.terms.observe(node, reading, event) {
            News::TakenOver(term) => {
                let faults = met(&mut self.waiting.takeover, self.now);
                self.trigger(faults, Some(term.holder));
                self.watch_term(&term);
            }
            News::Began(term) => self.watch_term(&term),
            News::EndOrdered(holder) => {
                let faults = met(&mut self.waiting.end, self.now);
                self.trigger(faults, holder);
            }
            News::Nothing => {}
        }
    }

    /// A node that claims sent a renewal, and it will arrive.
    pub(crate) fn renewal_sent(&mut self, node: NodeId) {
        if self.claims.is_claiming(node) {
            let faults = met(&mut self.waiting.renewal, self.now);
            self.trigger(faults, Some(node));
        }
    }

    /// Lets faults fire as soon as the step that met their condition is done. Nothing may be known of its subject.
    fn trigger(&mut self, faults: Vec<FaultId>, subject: Option<NodeId>) {
        for fault in faults {
            self.queue.push(self.now, Task::Trigger { fault, subject });
        }
    }

    /// Schedules what waits for a claim: its lapse, and the conditions on what is left of it.
    pub(crate) fn watch_claim(&mut self, tracked: Tracked) {
        let clocks = &self.hosts[tracked.node.index()].clocks;
        let Tracked { node, generation, claim, .. } = tracked;
        if let Some(at) = clocks.instant_of(claim.deadline, self.now) {
            self.queue.push(at, Task::ClaimDeadline { node, generation });
        }
        for &(Wait { fault, from }, percent) in &self.waiting.ttl_remaining {
            let left = claim.ttl.scale(u64::from(percent), 100).as_nanos();
            let below = claim.deadline.as_nanos().saturating_sub_unsigned(left).saturating_add(1);
            let reading = Reading::new(claim.deadline.clock(), below);
            if let Some(at) = clocks.instant_of(reading, self.now) {
                self.queue.push(at.max(from), Task::Condition { fault, node, generation });
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

    /// Schedules the conditions on what is left of a lease's term.
    pub(crate) fn watch_term(&mut self, term: &Term) {
        let clocks = &self.hosts[term.grantor.index()].clocks;
        let Some(end) = clocks.instant_of(term.end, self.now) else { return };
        for &(Wait { fault, from }, left) in &self.waiting.expiry {
            let within = SimInstant::from_nanos(end.as_nanos().saturating_sub(left.as_nanos()));
            let at = within.max(from).max(self.now);
            let Term { grantor, resource, generation, .. } = *term;
            self.queue.push(at, Task::Expiry { fault, grantor, resource, generation });
        }
    }

    /// A lease's term will be over soon, if nothing has changed since that was scheduled.
    pub(crate) fn expiry_is_near(
        &mut self,
        fault: FaultId,
        grantor: NodeId,
        resource: ResourceId,
        generation: u32,
    ) {
        let Some(term) = self.terms.current(grantor, resource, generation) else { return };
        let holder = term.holder;
        let reading = self.hosts[grantor.index()].clocks.read(term.end.clock(), self.now);
        if !self.settled && !reading.has_reached(term.end) {
            self.fire(fault, Some(holder));
        }
    }
}
