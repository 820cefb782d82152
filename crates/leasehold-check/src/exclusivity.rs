//! I1: no two holders claim one resource at the same instant.
//!
//! Source: docs/timing.md, section 1. What a design that stops its holders in time (Chubby's sessions, etcd leases
//! with a margin) promises, and what one that counts its deadline from the answer does not.
//!
//! **Violation** `claims-overlap`: two claims on one resource, of two processes or under two tokens, are open
//! together for longer than nothing, while the assumptions about the clocks and disks of both nodes and of every
//! grantor hold and their aftermath is over. It is found when the overlap ends, or the run does, and told once
//! for each pair. A disk that is merely slow excuses nothing.
//!
//! **Hazard** only: the same overlap while an assumption is broken; an effect that leaves outside a claim.
//! Both are counted in `hazard`.
//!
//! Judged: every claim that starts. Closest call: the time from a claim's lapse to the next claim of another
//! node.

use alloc::collections::BTreeMap;

use leasehold_core::{NodeEvent, NodeId, ResourceId, SimInstant, WorldEvent};

use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::claims::Closing;
use crate::scene::Scene;

/// The last claim of a resource that lapsed, while nobody has claimed since.
#[derive(Clone, Copy, Debug)]
struct Lapse {
    node: NodeId,
    at: SimInstant,
}

/// Watches claims for overlaps.
#[derive(Debug, Default)]
pub(crate) struct Exclusivity {
    lapses: BTreeMap<ResourceId, Lapse>,
}

impl Exclusivity {
    fn follow(&mut self, scene: &Scene, book: &mut Book) {
        Self::judge_overlaps(scene, book);
        for (claim, closing) in scene.claims.closed() {
            match closing {
                Closing::Lapsed => {
                    let lapse = Lapse { node: claim.id.node, at: scene.now };
                    self.lapses.insert(claim.id.resource, lapse);
                }
                Closing::GivenUp => {}
            }
        }
        let Some(opened) = scene.claims.opened() else { return };
        let Some(lapse) = self.lapses.remove(&opened.id.resource) else { return };
        let excused = [lapse.node, opened.id.node]
            .iter()
            .chain(&scene.grantors)
            .any(|node| scene.assumptions.excused(*node, scene.now));
        if lapse.node != opened.id.node && !excused {
            book.slack(scene.now - lapse.at, None);
        }
    }

    fn judge_overlaps(scene: &Scene, book: &mut Book) {
        for overlap in scene.overlaps.over() {
            if overlap.excused {
                book.excuse();
                continue;
            }
            book.violation(scene.now, "claims-overlap", || Case {
                nodes: [overlap.second.id.node, overlap.first.id.node].into(),
                resource: Some(overlap.first.id.resource),
                evidence: overlap.facts().into(),
            });
        }
    }
}

impl Checker for Exclusivity {
    fn topics(&self) -> Topics {
        Topics::CLAIMS.and(Topics::PROCESSES)
    }

    fn on_node(&mut self, scene: &Scene, _: NodeId, event: &NodeEvent, book: &mut Book) {
        if matches!(event, NodeEvent::ClaimStarted(_)) {
            book.judge();
        }
        self.follow(scene, book);
    }

    fn on_world(&mut self, scene: &Scene, _: Option<NodeId>, _: &WorldEvent, book: &mut Book) {
        self.follow(scene, book);
    }

    fn finish(&mut self, scene: &Scene, book: &mut Book) {
        Self::judge_overlaps(scene, book);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use leasehold_core::{Incarnation, Span};

    use super::*;
    use crate::finding::Fact;
    use crate::invariant::Invariant;
    use crate::report::{ClosestCall, InvariantReport};
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        report(Invariant::Exclusivity, events, s(100))
    }

    fn claimed(node: NodeId, token: u64, from: SimInstant, until: Option<SimInstant>) -> Fact {
        Fact::Claimed { node, incarnation: Incarnation(0), resource: R, token: t(token), from, until }
    }

    #[test]
    fn one_nanosecond_of_overlap_is_a_violation_and_none_is_not() {
        for (second_starts, clauses) in
            [(s(11), vec![]), (just_after(s(11)), vec![]), (just_before(s(11)), vec!["claims-overlap"])]
        {
            let mut events = [
                at(s(1), A, claim_started(1)),
                at(s(11), A, lapsed(1)),
                at(second_starts, B, claim_started(2)),
                at(s(20), B, claim_ended(2, LET_GO)),
            ];
            events.sort_by_key(|event| event.at);
            let report = judged(&events);
            assert_eq!(report.clauses(), clauses, "second starts at {second_starts}");
            assert_eq!(report.judged, 2);
        }
    }

    #[test]
    fn the_order_of_two_events_at_one_instant_does_not_matter() {
        let report =
            judged(&[at(s(1), A, claim_started(1)), at(s(11), B, claim_started(2)), at(s(11), A, lapsed(1))]);
        assert_eq!(report.counts(), (2, 0, 0));
    }

    #[test]
    fn a_pair_is_told_once_with_both_intervals_when_the_overlap_ends() {
        let report = judged(&[
            at(s(1), A, claim_started(1)),
            at(s(5), B, claim_started(2)),
            at(s(6), A, claim_renewed(1)),
            at(s(7), B, claim_renewed(2)),
            at(s(9), A, lapsed(1)),
            at(s(10), A, claim_ended(1, LAPSED)),
        ]);
        assert_eq!(report.clauses(), ["claims-overlap"]);
        let violation = &report.evidence[0];
        assert_eq!((violation.at, violation.resource), (s(9), Some(R)));
        assert_eq!(violation.nodes, [B, A]);
        assert_eq!(
            violation.evidence,
            [
                claimed(A, 1, s(1), Some(s(9))),
                claimed(B, 2, s(5), None),
                Fact::Bound { what: "overlap of claims", allowed: Span::ZERO, measured: Span::from_secs(4) },
            ]
        );
    }

    #[test]
    fn three_claims_are_three_pairs() {
        let report = judged(&[
            at(s(1), A, claim_started(1)),
            at(s(2), B, claim_started(2)),
            at(s(3), C, claim_started(3)),
            at(s(4), B, lapsed(2)),
        ]);
        assert_eq!(report.clauses().len(), 3);
        assert_eq!(report.evidence[2].at, s(100), "A and C overlap until the run ends");
    }

    #[test]
    fn a_claim_that_flickers_is_one_overlap() {
        let report = judged(&[
            at(s(1), A, claim_started(1)),
            at(s(5), B, claim_started(2)),
            at(s(6), A, lapsed(1)),
            at(s(7), A, resumed_claim(1)),
            at(s(8), A, lapsed(1)),
            at(s(9), A, claim_renewed(1)),
            at(s(10), A, claim_ended(1, LET_GO)),
        ]);
        assert_eq!(report.clauses(), ["claims-overlap"]);
    }

    #[test]
    fn every_pair_that_flickers_is_told_once() {
        let mut events = [(1, A), (2, B), (3, C)].map(|(n, node)| at(s(n), node, claim_started(n))).to_vec();
        for (second, event) in [(5, lapsed(1)), (6, resumed_claim(1)), (7, lapsed(1)), (8, resumed_claim(1))]
        {
            events.push(at(s(second), A, event));
        }
        assert_eq!(judged(&events).clauses().len(), 3);
    }

    #[test]
    fn a_renewal_that_reopens_a_lapsed_claim_can_overlap() {
        let events = [
            at(s(1), A, claim_started(1)),
            at(s(6), A, lapsed(1)),
            at(s(7), B, claim_started(2)),
            at(s(8), A, claim_renewed(1)),
        ];
        assert_eq!(judged(&events).clauses(), ["claims-overlap"]);
        assert!(judged(&events[..3]).clauses().is_empty());
    }

    #[test]
    fn a_crash_ends_claims_and_another_resource_is_another_matter() {
        let report = judged(&[
            at(s(1), A, claim_started(1)),
            at(s(2), C, claim_started_on(R2, 9)),
            at(s(3), A, CRASHED),
            at(s(4), B, claim_started(2)),
        ]);
        assert_eq!(report.counts(), (3, 0, 0));
    }

    #[test]
    fn one_process_under_two_tokens_overlaps_with_itself() {
        let report = judged(&[at(s(1), A, claim_started(1)), at(s(2), A, claim_started(2))]);
        assert_eq!(report.clauses(), ["claims-overlap"]);
    }

    #[test]
    fn a_broken_assumption_about_a_claiming_node_or_a_grantor_excuses() {
        let overlap =
            [at(s(30), A, claim_started(1)), at(s(35), B, claim_started(2)), at(s(40), A, lapsed(1))];
        let with = |node, from: SimInstant, to: SimInstant| {
            let mut events = vec![
                at(from, node, broken(Assumption::ClockRate)),
                at(to, node, restored(Assumption::ClockRate)),
            ];
            events.extend(overlap);
            events.sort_by_key(|event| event.at);
            judged(&events).counts()
        };
        for node in [A, B, G] {
            assert_eq!(with(node, s(1), s(36)), (2, 1, 0), "broken when the overlap began");
            assert_eq!(with(node, s(1), s(13)), (2, 1, 0), "the aftermath just lasts");
            assert_eq!(with(node, s(1), just_before(s(13))), (2, 0, 1), "the aftermath is just over");
            assert_eq!(with(node, s(36), s(37)), (2, 0, 1), "broken only after the overlap began");
        }
        assert_eq!(with(C, s(1), s(36)), (2, 0, 1), "a node without a part in it excuses nothing");
        for place in 0..3 {
            let mut events = overlap.to_vec();
            let when = overlap[place.max(1) - 1].at;
            events.insert(place, at(when, G, broken(Assumption::DiskTimely)));
            assert_eq!(judged(&events).counts(), (2, 0, 1), "nor does a slow disk");
        }
    }

    #[test]
    fn an_assumption_that_breaks_as_the_overlap_begins_excuses_whatever_the_order() {
        let start = at(s(5), B, claim_started(2));
        for (node, counts) in [(A, (2, 1, 0)), (B, (2, 1, 0)), (G, (2, 1, 0)), (C, (2, 0, 1))] {
            let breaks = at(s(5), node, broken(Assumption::ClockRuns));
            for [one, other] in [[start, breaks], [breaks, start]] {
                let report = judged(&[at(s(1), A, claim_started(1)), one, other, at(s(9), A, lapsed(1))]);
                assert_eq!(report.counts(), counts, "about {node}");
            }
        }
    }

    #[test]
    fn the_closest_call_is_from_a_lapse_to_the_next_claim_of_another() {
        let call = |events: &[Event]| judged(events).closest_call;
        let left = |seconds| Some(ClosestCall { left: Span::from_secs(seconds), of: None });
        let lapse = [at(s(1), A, claim_started(1)), at(s(11), A, lapsed(1))];
        let then = |event: Event| [lapse[0], lapse[1], event];
        assert_eq!(call(&then(at(s(14), B, claim_started(2)))), left(3));
        assert_eq!(call(&then(at(s(14), A, claim_started(2)))), None, "its own next claim is no danger");
        assert_eq!(call(&then(at(s(14), C, claim_started_on(R2, 2)))), None);
        for node in [A, B, G] {
            let broken = at(s(12), node, broken(Assumption::ClockRate));
            let excused = [lapse[0], lapse[1], broken, at(s(14), B, claim_started(2))];
            assert_eq!(call(&excused), None, "a margin that need not be there says nothing");
        }
        let released = [
            at(s(1), A, claim_started(1)),
            at(s(11), A, claim_ended(1, LET_GO)),
            at(s(12), B, claim_started(2)),
        ];
        assert_eq!(call(&released), None, "a release needs no margin");
        let noticed = [
            at(s(1), A, claim_started(1)),
            at(s(11), A, lapsed(1)),
            at(s(13), A, claim_ended(1, LAPSED)),
            at(s(14), B, claim_started(2)),
        ];
        assert_eq!(call(&noticed), left(3), "the lapse counts, not when the holder noticed it");
    }

    #[test]
    fn without_claims_nothing_was_judged() {
        assert_eq!(judged(&[at(s(1), G, granted(1, A))]).counts(), (0, 0, 0));
    }
}
