//! I23: once all is healed, a resource does not go unclaimed for long.
//!
//! Source: docs/timing.md, section 3. Safety alone is kept by a grantor that never grants anything.
//!
//! From the settle phase on, a clock runs for each resource while nobody claims it although a contender for it
//! is up and has not withdrawn. It starts at the settle, at the end of the last claim, or when the first such
//! contender came up, whichever is last, and must not show more than
//! [`Bounds::regrant`](leasehold_core::Bounds::regrant). Exactly that is fine.
//!
//! Work without a lease claims nothing. There an effect that is accepted without a token stands for a claim that is over at
//! once: the clock starts anew with each. What is judged is that somebody gets on, for compare-and-set promises no more:
//! the writer that is refused was refused for another's write, and nothing says that it is ever the fastest.
//!
//! **Violations**
//!
//! * `late`: it showed more, and then somebody claimed.
//! * `stuck`: it showed more, and nobody claimed until the run ended.
//!
//! Nothing excuses it: in the settle phase all is healed. A paused contender counts as up. A member of a registry is
//! its application: it is the one that leaves. A sidecar that speaks for it has to be up as well.
//!
//! Judged: every gap that a claim ended or that was too long, and every resource that was claimed when the
//! settle phase began. A shorter gap at the end of the run is not. Closest call: the time left to the bound.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use leasehold_core::event::{Claim, Phase};
use leasehold_core::plan::Role;
use leasehold_core::trace::TraceNode;
use leasehold_core::{NodeEvent, NodeId, ResourceId, SimInstant, Span, Token, WorldEvent};

use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::claims::ClaimSpan;
use crate::finding::Fact;
use crate::scene::Scene;

/// A resource that somebody wants.
#[derive(Debug, Default)]
struct Wanted {
    contenders: Vec<Contender>,
    /// Those without whom no contender gets anywhere.
    sidecars: Vec<NodeId>,
    /// Since when the clock runs.
    unclaimed_since: Option<SimInstant>,
    /// A gap that was too long and in which the last contender went away before anybody claimed.
    overdue: Option<Span>,
    /// Whether it was written to without a lease.
    is_unleased: bool,
}

#[derive(Debug)]
struct Contender {
    node: NodeId,
    wish: Wish,
}

/// Whether the process of a contender still wants the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Contends,
    /// It left; a new process of the node would contend again.
    Withdrawn,
}

impl Wanted {
    fn is_contended(&self, scene: &Scene) -> bool {
        let is_up = |node: NodeId| scene.processes.of(node).is_up();
        self.contenders.iter().any(|contender| contender.wish == Wish::Contends && is_up(contender.node))
            && self.sidecars.iter().all(|sidecar| is_up(*sidecar))
    }

    fn set(&mut self, node: NodeId, wish: Wish) {
        for contender in self.contenders.iter_mut().filter(|contender| contender.node == node) {
            contender.wish = wish;
        }
    }

    fn follow(&mut self, scene: &Scene, resource: ResourceId, book: &mut Book) {
        if scene.claims.is_claimed(resource) {
            let gap = self.unclaimed_since.take().map(|since| scene.now - since);
            if let Some(gap) = self.overdue.take().max(gap) {
                self.judge(scene, resource, gap, "late", book);
            }
        } else if self.is_contended(scene) {
            self.unclaimed_since.get_or_insert(scene.now);
        } else if let Some(since) = self.unclaimed_since.take() {
            let gap = scene.now - since;
            if gap > scene.bounds.regrant {
                self.overdue = self.overdue.max(Some(gap));
            }
        }
    }

    /// An effect without a token was accepted: what a claim is elsewhere, and over at once.
    fn update(&mut self, scene: &Scene, resource: ResourceId, book: &mut Book) {
        let gap = self.unclaimed_since.take().map(|since| scene.now - since);
        if let Some(gap) = self.overdue.take().max(gap) {
            self.judge(scene, resource, gap, "late", book);
        }
        if self.is_contended(scene) {
            self.unclaimed_since = Some(scene.now);
        }
    }

    fn finish(&mut self, scene: &Scene, resource: ResourceId, book: &mut Book) {
        let gap = self.unclaimed_since.take().map(|since| scene.now - since);
        if let Some(gap) = self.overdue.take().max(gap)
            && gap > scene.bounds.regrant
        {
            self.judge(scene, resource, gap, "stuck", book);
        }
    }

    fn judge(&self, scene: &Scene, resource: ResourceId, gap: Span, clause: &'static str, book: &mut Book) {
        book.judge();
        let allowed = scene.bounds.regrant;
        if gap <= allowed {
            book.slack(allowed - gap, Some(allowed));
            return;
        }
        book.violation(scene.now, clause, || {
            let last = scene.claims.last_closed(|claim| claim.resource == resource).map(ClaimSpan::fact);
            let next = scene.claims.opened().map(ClaimSpan::fact);
            let what = if self.is_unleased { "time without an update" } else { "time unclaimed" };
            let gap = Fact::Bound { what, allowed, measured: gap };
            Case {
                nodes: self.contenders.iter().map(|contender| contender.node).collect(),
                resource: Some(resource),
                evidence: last.into_iter().chain([gap]).chain(next).collect(),
            }
        });
    }
}

/// Runs a clock for each resource that somebody wants.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    wanted: BTreeMap<ResourceId, Wanted>,
    has_settled: bool,
}

impl Liveness {
    pub(crate) fn new(nodes: &[TraceNode]) -> Self {
        let mut wanted: BTreeMap<ResourceId, Wanted> = BTreeMap::new();
        for (node, described) in (0..).map(NodeId).zip(nodes) {
            for resource in &described.contends_for {
                let wanted = wanted.entry(*resource).or_default();
                match described.role {
                    Role::Sidecar => wanted.sidecars.push(node),
                    _ => wanted.contenders.push(Contender { node, wish: Wish::Contends }),
                }
            }
        }
        Self { wanted, has_settled: false }
    }

    fn follow(&mut self, scene: &Scene, book: &mut Book) {
        if self.has_settled {
            for (resource, wanted) in &mut self.wanted {
                wanted.follow(scene, *resource, book);
            }
        }
    }

    /// The same for one resource: what a claim changes.
    fn follow_one(&mut self, scene: &Scene, resource: ResourceId, book: &mut Book) {
        if self.has_settled
            && let Some(wanted) = self.wanted.get_mut(&resource)
        {
            wanted.follow(scene, resource, book);
        }
    }

    /// Somebody got on without a lease.
    fn updated(&mut self, scene: &Scene, resource: ResourceId, book: &mut Book) {
        let Some(wanted) = self.wanted.get_mut(&resource) else { return };
        wanted.is_unleased = true;
        if self.has_settled {
            wanted.update(scene, resource, book);
        }
    }

    fn settle(&mut self, scene: &Scene, book: &mut Book) {
        if self.has_settled {
            return;
        }
        self.has_settled = true;
        for resource in self.wanted.keys() {
            if scene.claims.is_claimed(*resource) {
                book.judge();
            }
        }
        self.follow(scene, book);
    }
}

impl Checker for Liveness {
    fn topics(&self) -> Topics {
        Topics::CLAIMS.and(Topics::ACCESSES).and(Topics::PROCESSES).and(Topics::PHASES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        match event {
            NodeEvent::ClaimRenewed(_) if scene.claims.opened().is_none() => {}
            NodeEvent::ClaimStarted(Claim { resource, .. })
            | NodeEvent::ClaimRenewed(Claim { resource, .. })
            | NodeEvent::ClaimEnded { resource, .. } => self.follow_one(scene, *resource, book),
            NodeEvent::EffectAccepted { resource, token: Token::NONE, .. } => {
                self.updated(scene, *resource, book);
            }
            NodeEvent::EffectAccepted { .. }
            | NodeEvent::ReadServed { .. }
            | NodeEvent::AccessRefused { .. }
            | NodeEvent::BarrierRaised { .. }
            | NodeEvent::TaskApplied { .. } => {}
            NodeEvent::Withdrew { resource } => {
                if let Some(wanted) = self.wanted.get_mut(resource) {
                    wanted.set(node, Wish::Withdrawn);
                }
                self.follow(scene, book);
            }
            _ => self.follow(scene, book),
        }
    }

    fn on_world(&mut self, scene: &Scene, node: Option<NodeId>, event: &WorldEvent, book: &mut Book) {
        match event {
            WorldEvent::PhaseEntered { phase: Phase::Settle } => self.settle(scene, book),
            WorldEvent::Restarted { .. } => {
                for wanted in self.wanted.values_mut() {
                    node.into_iter().for_each(|node| wanted.set(node, Wish::Contends));
                }
                self.follow(scene, book);
            }
            WorldEvent::ClaimLapsed { resource, .. } | WorldEvent::ClaimResumed { resource, .. } => {
                self.follow_one(scene, *resource, book);
            }
            _ => self.follow(scene, book),
        }
    }

    fn finish(&mut self, scene: &Scene, book: &mut Book) {
        if self.has_settled {
            for (resource, wanted) in &mut self.wanted {
                wanted.finish(scene, *resource, book);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::invariant::Invariant;
    use crate::report::{ClosestCall, InvariantReport};
    use crate::script::*;

    fn judged_until(events: &[Event], ended_at: SimInstant) -> InvariantReport {
        report(Invariant::Liveness, events, ended_at)
    }

    /// That after these events a claim of B is in time at this instant and late a nanosecond later; and that
    /// without any claim the run may end then but not a nanosecond later.
    #[track_caller]
    fn assert_due(events: &[Event], when: SimInstant) {
        let claimed_at = |instant| {
            let mut events = events.to_vec();
            events.push(at(instant, B, claim_started(2)));
            judged_until(&events, s(1000)).clauses()
        };
        assert_eq!(claimed_at(when), [""; 0], "in time");
        assert_eq!(claimed_at(just_after(when)), ["late"]);
        assert_eq!(judged_until(events, when).counts().2, 0, "not too long yet");
        assert_eq!(judged_until(events, just_after(when)).clauses(), ["stuck"]);
    }

    #[test]
    fn the_clock_starts_at_the_settle_or_at_the_end_of_the_last_claim() {
        let settle = world(s(50), SETTLE);
        assert_due(&[settle], s(80));
        assert_due(&[at(s(1), A, claim_started(1)), at(s(10), A, lapsed(1)), settle], s(80));
        assert_due(&[at(s(1), A, claim_started(1)), settle, at(s(60), A, lapsed(1))], s(90));
        assert_due(&[at(s(1), A, claim_started(1)), settle, at(s(60), A, CRASHED)], s(90));
    }

    #[test]
    fn the_clock_starts_when_a_contender_comes_up() {
        let down = [A, B, C].map(|node| at(s(10), node, CRASHED));
        let events = [down[0], down[1], down[2], world(s(50), SETTLE)];
        assert_eq!(judged_until(&events, s(500)).counts(), (0, 0, 0), "nobody is there to claim");
        let back = [down[0], down[1], down[2], world(s(50), SETTLE), at(s(70), B, RESTARTED)];
        assert_due(&back, s(100));
    }

    #[test]
    fn a_paused_contender_is_up_and_one_that_withdrew_does_not_count() {
        let events = [
            at(s(10), A, withdrew()),
            at(s(10), C, CRASHED),
            at(s(10), B, PAUSED),
            world(s(50), SETTLE),
            at(s(90), B, withdrew()),
        ];
        assert_due(&events[..4], s(80));
        let gone = [events[0], events[1], at(s(60), B, withdrew())];
        let events = [gone[0], gone[1], world(s(50), SETTLE), gone[2]];
        assert_eq!(judged_until(&events, s(500)).counts(), (0, 0, 0));
    }

    #[test]
    fn a_new_process_of_a_node_that_withdrew_contends_again() {
        let events = [
            at(s(10), A, CRASHED),
            at(s(10), B, withdrew()),
            at(s(10), C, CRASHED),
            world(s(50), SETTLE),
            at(s(60), B, CRASHED),
            at(s(70), B, RESTARTED),
        ];
        assert_due(&events, s(100));
    }

    #[test]
    fn a_member_is_its_application_and_needs_its_sidecar() {
        let mut header = header(&[Invariant::Liveness]);
        header.nodes[B.index()].role = Role::Sidecar;
        header.nodes[C.index()].contends_for.clear();
        let clauses = |before: Event| {
            let events = [before, world(s(50), SETTLE)];
            judgement_with(&header, &events, s(500)).invariants.remove(0).clauses()
        };
        assert_eq!(clauses(at(s(10), C, CRASHED)), ["stuck"]);
        assert_eq!(clauses(at(s(10), A, withdrew())), [""; 0]);
        assert_eq!(clauses(at(s(10), A, CRASHED)), [""; 0]);
        assert_eq!(clauses(at(s(10), B, CRASHED)), [""; 0]);
        assert_eq!(clauses(at(s(10), B, PAUSED)), ["stuck"]);
    }

    #[test]
    fn a_gap_that_was_too_long_is_told_even_if_all_contenders_left_meanwhile() {
        let left = |second| {
            let mut events = vec![world(s(50), SETTLE)];
            events.extend([A, B, C].map(|node| at(s(second), node, CRASHED)));
            events
        };
        assert_eq!(judged_until(&left(80), s(500)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&left(81), s(500)).clauses(), ["stuck"]);
        let mut back = left(81);
        back.extend([at(s(90), A, RESTARTED), at(s(91), A, claim_started(1))]);
        assert_eq!(judged_until(&back, s(500)).clauses(), ["late"]);
    }

    #[test]
    fn without_a_settle_phase_nothing_is_judged() {
        let events = [world(s(0), WorldEvent::PhaseEntered { phase: Phase::Chaos })];
        assert_eq!(judged_until(&events, s(500)).counts(), (0, 0, 0));
    }

    #[test]
    fn a_resource_that_was_claimed_throughout_was_judged_once() {
        let events = [at(s(1), A, claim_started(1)), world(s(50), SETTLE), at(s(60), A, claim_renewed(1))];
        assert_eq!(judged_until(&events, s(500)).counts(), (1, 0, 0));
    }

    #[test]
    fn a_gap_that_the_run_cuts_short_is_not_judged() {
        let events = [world(s(50), SETTLE)];
        assert_eq!(judged_until(&events, s(80)).counts(), (0, 0, 0));
        assert_eq!(judged_until(&events, just_after(s(80))).counts(), (1, 0, 1));
    }

    #[test]
    fn a_renewal_that_reopens_a_claim_ends_the_gap() {
        let events = [
            at(s(1), A, claim_started(1)),
            world(s(50), SETTLE),
            at(s(60), A, lapsed(1)),
            at(s(70), A, claim_renewed(1)),
        ];
        assert_eq!(judged_until(&events, s(500)).counts(), (2, 0, 0));
    }

    #[test]
    fn every_gap_counts_and_the_closest_call_is_the_longest_of_them() {
        let events = [
            world(s(50), SETTLE),
            at(s(55), A, claim_started(1)),
            at(s(60), A, lapsed(1)),
            at(s(72), B, claim_started(2)),
            at(s(80), B, claim_ended(2, LET_GO)),
            at(s(81), A, claim_started(3)),
        ];
        let report = judged_until(&events, s(90));
        assert_eq!(report.counts(), (3, 0, 0));
        let (left, of) = (Span::from_secs(18), Some(Span::from_secs(30)));
        assert_eq!(report.closest_call, Some(ClosestCall { left, of }));
    }

    /// Work without a lease: it claims nothing, and what is accepted without a token shows that somebody gets on.
    #[test]
    fn where_nobody_claims_each_update_starts_the_clock_anew() {
        let update = |second| at(s(second), S, wrote(A, 0, second, Some(second)));
        let steady = [update(40), world(s(50), SETTLE), update(60), update(90), update(120)];
        assert_due(&steady[..2], s(80));
        assert_eq!(judged_until(&steady, s(150)).counts(), (3, 0, 0));
        assert_eq!(judged_until(&steady, just_after(s(150))).clauses(), ["stuck"]);
        let late = [steady[0], steady[1], at(just_after(s(80)), S, wrote(A, 0, 60, Some(60)))];
        let report = judged_until(&late, s(100));
        assert_eq!(report.clauses(), ["late"]);
        let (allowed, measured) = (Span::from_secs(30), just_after(s(80)) - s(50));
        let what = "time without an update";
        assert_eq!(report.evidence[0].evidence, [Fact::Bound { what, allowed, measured }]);
    }

    #[test]
    fn where_nobody_wants_to_write_any_more_no_update_is_missed() {
        let left = [A, B, C].map(|node| at(s(55), node, withdrew()));
        let events = [world(s(50), SETTLE), at(s(54), S, wrote(A, 0, 1, Some(1))), left[0], left[1], left[2]];
        assert_eq!(judged_until(&events, s(500)).counts(), (1, 0, 0));
    }

    #[test]
    fn an_effect_under_a_token_is_no_claim() {
        let events = [world(s(50), SETTLE), at(s(60), S, wrote(A, 1, 1, Some(1)))];
        assert_due(&events, s(80));
    }

    #[test]
    fn a_claim_on_another_resource_does_not_help_and_a_broken_assumption_excuses_nothing() {
        let events = [
            at(s(40), G, broken(Assumption::ClockRate)),
            world(s(50), SETTLE),
            at(s(51), A, claim_started_on(R2, 1)),
        ];
        assert_eq!(judged_until(&events, s(81)).counts(), (1, 0, 1));
    }

    #[test]
    fn the_evidence_tells_the_last_claim_and_the_gap() {
        let events = [at(s(1), A, claim_started(1)), world(s(50), SETTLE), at(s(60), A, lapsed(1))];
        let report = judged_until(&events, s(100));
        let evidence = &report.evidence[0].evidence;
        assert!(matches!(evidence[0], Fact::Claimed { node: A, until: Some(until), .. } if until == s(60)));
        let (allowed, measured) = (Span::from_secs(30), Span::from_secs(40));
        assert_eq!(evidence[1], Fact::Bound { what: "time unclaimed", allowed, measured });
        assert_eq!(report.evidence[0].nodes, [A, B, C]);
    }
}
