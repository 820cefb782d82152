//! I2: accepted tokens never decrease, and nothing with the current or a newer token is refused as stale.
//!
//! Source: docs/timing.md, section 1. The fence is what protects a resource from a holder that was paused
//! between its check and its write; no clock takes part in it.
//!
//! **Violations**
//!
//! * `accepted-older-token`: an effect was accepted with a token below the highest that the resource had
//!   accepted an effect with, in the resource's own order and across its restarts. A barrier counts as an effect: it
//!   is one that writes nothing but the mark.
//! * `refused-current-token`: an access was refused as stale although its token was no older than any the
//!   resource had accepted or served. It is not held against a resource whose mark is above the token and is
//!   the token of a grant or a claim: a read or write with that token may have raised the mark and then have
//!   been cut off by a crash, or still be on its way to the disk.
//! * `refused-current-holder`: an access was refused as stale, or for not having the current token, although it
//!   came from the holder of the resource's latest lease, with that lease's token, while that lease lived. So it is
//!   found that a grantor began to count again.
//!
//! Excused while a disk of the resource or of a grantor does not keep what was synced, at any time since the mark
//! in question was made: one forgets the mark, the other what tokens it gave out. From an older effect that is
//! excused on, the mark counts anew.
//!
//! **Hazard** only: an older token is accepted after a newer grant, before the newer holder's first effect
//! (`unfenced-window`, counted in `hazard`).
//!
//! Judged: every accepted effect, every barrier, every refusal that is not about a version.

use alloc::collections::BTreeMap;

use leasehold_core::event::{Access, Refusal};
use leasehold_core::{NodeEvent, NodeId, ResourceId, SimInstant, Token};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Lease;
use crate::scene::Scene;

/// A token that was let through.
#[derive(Clone, Copy, Debug)]
struct Mark {
    token: Token,
    made_at: SimInstant,
    /// What it was let through for.
    shown: Fact,
}

/// What a resource has let through.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    /// The highest token of an accepted effect or a barrier.
    effect: Option<Mark>,
    /// The highest token of those and of served reads.
    access: Option<Mark>,
}

impl Marks {
    fn raise(highest: &mut Option<Mark>, mark: Mark) {
        if highest.is_none_or(|highest| mark.token > highest.token) {
            *highest = Some(mark);
        }
    }
}

/// Remembers each resource's highest tokens. They are the checker's own, so a restart of the resource that
/// forgets its mark is found.
#[derive(Debug, Default)]
pub(crate) struct Fencing {
    marks: BTreeMap<ResourceId, Marks>,
}

/// An access that was refused.
struct Refused {
    resource: ResourceId,
    by: NodeId,
    access: Access,
    token: Token,
    refusal: Refusal,
}

fn is_excused(scene: &Scene, resource: NodeId, since: SimInstant) -> bool {
    let mut disks = scene.grantors.iter().chain([&resource]);
    disks.any(|node| scene.assumptions.excused_since(*node, since, &DISK))
}

impl Fencing {
    fn effect(
        &mut self,
        scene: &Scene,
        node: NodeId,
        by: NodeId,
        resource: ResourceId,
        mark: Mark,
        book: &mut Book,
    ) {
        let marks = self.marks.entry(resource).or_default();
        if let Some(highest) = marks.effect
            && mark.token < highest.token
        {
            if is_excused(scene, node, highest.made_at) {
                book.excuse();
                *marks = Marks { effect: Some(mark), access: Some(mark) };
                return;
            }
            book.violation(scene.now, "accepted-older-token", || Case {
                nodes: [node, by].into(),
                resource: Some(resource),
                evidence: [highest.shown, mark.shown].into(),
            });
        }
        book.judge();
        Marks::raise(&mut marks.effect, mark);
        Marks::raise(&mut marks.access, mark);
    }

    fn refused(&self, scene: &Scene, node: NodeId, refused: &Refused, book: &mut Book) {
        let Refused { resource, by, access, token, refusal } = *refused;
        let mark = self.marks.get(&resource).and_then(|marks| marks.access);
        let newest = scene.leases.newest_token(resource);
        let is_newest_access = match refusal {
            Refusal::Stale { mark: claimed } => {
                let is_explained = token < claimed && newest.is_some_and(|newest| claimed <= newest);
                mark.is_none_or(|mark| token >= mark.token) && !is_explained
            }
            Refusal::NotCurrent { .. } => false,
            Refusal::Conflict { .. } => return,
        };
        let lease = scene.leases.latest(resource).filter(|lease| {
            let is_its_own = (lease.holder, lease.token) == (Some(by), token);
            is_its_own && scene.leases.live(lease.grantor, lease.id).is_some()
        });
        let clause = match lease {
            _ if is_newest_access => "refused-current-token",
            Some(_) => "refused-current-holder",
            None => return book.judge(),
        };
        if is_excused(scene, node, mark.map_or(scene.now, |mark| mark.made_at)) {
            book.excuse();
            return;
        }
        book.judge();
        book.violation(scene.now, clause, || {
            let granted = lease.map(Lease::origin);
            let newest = newest.map(|token| Fact::NewestToken { resource, token });
            let refused = Fact::Refused { at: scene.now, by, resource, access, token, refusal };
            let before = granted.or(newest).into_iter().chain(mark.map(|mark| mark.shown));
            Case {
                nodes: [node, by].into(),
                resource: Some(resource),
                evidence: before.chain([refused]).collect(),
            }
        });
    }
}

impl Checker for Fencing {
    fn topics(&self) -> Topics {
        Topics::ACCESSES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let at = scene.now;
        match *event {
            NodeEvent::ReadServed { resource, reader, token, version } => {
                let shown = Fact::Read { at, reader, resource, token, version };
                let marks = self.marks.entry(resource).or_default();
                Marks::raise(&mut marks.access, Mark { token, made_at: at, shown });
            }
            NodeEvent::EffectAccepted { resource, writer, token, op, replaced, based_on, value: _ } => {
                let shown = Fact::Accepted { at, writer, resource, token, op, replaced, based_on };
                self.effect(scene, node, writer, resource, Mark { token, made_at: at, shown }, book);
            }
            NodeEvent::BarrierRaised { resource, by, token } => {
                let shown = Fact::BarrierRaised { at, resource, by, token };
                self.effect(scene, node, by, resource, Mark { token, made_at: at, shown }, book);
            }
            NodeEvent::AccessRefused { resource, by, access, token, refusal } => {
                let refused = Refused { resource, by, access, token, refusal };
                self.refused(scene, node, &refused, book);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::{OpId, Version};

    use super::*;
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        report(Invariant::Fencing, events, s(100))
    }

    #[test]
    fn an_accepted_token_may_stay_or_grow_but_not_fall() {
        let then =
            |token| judged(&[at(s(1), S, accepted(B, 5)), at(s(2), S, accepted(A, token))]).clauses().pop();
        assert_eq!(then(6), None);
        assert_eq!(then(5), None);
        assert_eq!(then(4), Some("accepted-older-token"));
    }

    #[test]
    fn the_evidence_is_the_acceptance_with_the_highest_token() {
        let report =
            judged(&[at(s(1), S, accepted(B, 5)), at(s(2), S, accepted(A, 3)), at(s(3), S, accepted(A, 4))]);
        assert_eq!(report.counts(), (3, 0, 2), "compared with the highest, not with the last");
        let fact = |at, writer, token| Fact::Accepted {
            at,
            writer,
            resource: R,
            token: t(token),
            op: OpId(1),
            replaced: Version(0),
            based_on: None,
        };
        assert_eq!(report.evidence[1].evidence, [fact(s(1), B, 5), fact(s(3), A, 4)]);
        assert_eq!(report.evidence[1].nodes, [S, A]);
    }

    #[test]
    fn a_restart_of_the_resource_excuses_nothing_and_neither_does_a_clock() {
        let report = judged(&[
            at(s(1), S, accepted(B, 5)),
            at(s(2), S, broken(Assumption::ClockRate)),
            at(s(2), S, CRASHED),
            at(s(3), S, RESTARTED),
            at(s(4), S, accepted(A, 4)),
        ]);
        assert_eq!(report.counts(), (2, 0, 1));
    }

    #[test]
    fn a_read_with_a_newer_token_does_not_make_an_older_effect_a_violation() {
        let report = judged(&[at(s(1), S, served(B, 5, 0)), at(s(2), S, accepted(A, 4))]);
        assert_eq!(report.counts(), (1, 0, 0));
    }

    #[test]
    fn a_refusal_as_stale_needs_a_newer_token_that_was_let_through() {
        for access in [Access::Read, Access::Write] {
            let refusal = |token, mark| {
                judged(&[
                    at(s(1), S, accepted(A, 3)),
                    at(s(2), S, served(B, 5, 0)),
                    at(s(3), S, refused(C, access, token, mark)),
                ])
                .clauses()
                .pop()
            };
            assert_eq!(refusal(4, 5), None);
            assert_eq!(refusal(5, 5), Some("refused-current-token"));
            assert_eq!(refusal(6, 5), Some("refused-current-token"));
            assert_eq!(refusal(5, 6), Some("refused-current-token"), "a mark that nobody was granted");
        }
    }

    #[test]
    fn an_accepted_effect_raises_the_mark_as_a_read_does() {
        let refusal = |token| {
            judged(&[at(s(1), S, accepted(A, 5)), at(s(2), S, refused(C, Access::Read, token, 5))]).counts()
        };
        assert_eq!(refusal(4), (2, 0, 0));
        assert_eq!(refusal(5), (2, 0, 1));
    }

    #[test]
    fn a_mark_that_a_granted_token_explains_is_believed() {
        let refusal = |token, mark| {
            judged(&[
                at(s(1), S, accepted(A, 3)),
                at(s(1), G, granted_with(2, B, 5)),
                at(s(3), S, refused(A, Access::Write, token, mark)),
            ])
            .clauses()
            .pop()
        };
        assert_eq!(refusal(3, 5), None, "a write under 5 may be on its way to the disk");
        assert_eq!(refusal(3, 6), Some("refused-current-token"));
        assert_eq!(refusal(5, 5), Some("refused-current-token"));
    }

    #[test]
    fn a_resource_that_let_nothing_through_has_nothing_to_refuse_for() {
        let report = judged(&[at(s(1), S, refused(A, Access::Write, 1, 1))]);
        assert_eq!(report.clauses(), ["refused-current-token"]);
    }

    #[test]
    fn a_barrier_is_an_effect() {
        let then = |event| judged(&[at(s(1), S, barrier(B, 5)), at(s(2), S, event)]);
        assert_eq!(then(accepted(A, 5)).counts(), (2, 0, 0));
        assert_eq!(then(accepted(A, 4)).clauses(), ["accepted-older-token"]);
        assert_eq!(then(barrier(A, 5)).counts(), (2, 0, 0));
        assert_eq!(then(barrier(A, 4)).clauses(), ["accepted-older-token"]);
        assert_eq!(then(refused(A, Access::Write, 4, 5)).clauses(), [""; 0]);
        assert_eq!(then(refused(A, Access::Write, 5, 5)).clauses(), ["refused-current-token"]);
        let report = then(accepted(A, 4));
        let raised = Fact::BarrierRaised { at: s(1), resource: R, by: B, token: t(5) };
        assert_eq!(report.evidence[0].evidence[0], raised);
    }

    const HOLDER: &str = "refused-current-holder";

    /// The grantor counts from 1 again: what it grants looks older than what was accepted before.
    #[test]
    fn the_holder_of_the_latest_lease_is_not_refused_while_it_lives() {
        let refusal = |by, token, then: Option<NodeEvent>, how: NodeEvent| {
            let mut events = std::vec![at(s(1), S, accepted(A, 5)), at(s(2), G, granted_with(7, B, 1)),];
            events.extend(then.map(|then| at(s(3), G, then)));
            events.push(at(s(4), S, how));
            let report = judged(&events);
            assert_eq!(report.judged, 2, "{by} under {token}");
            report.clauses().pop()
        };
        for how in [refused(B, Access::Write, 1, 5), refused(B, Access::Read, 1, 5), not_current(B, 1, 5)] {
            assert_eq!(refusal(B, 1, None, how), Some(HOLDER));
            assert_eq!(refusal(B, 1, Some(renewed_with(7, 1)), how), Some(HOLDER));
            assert_eq!(refusal(B, 1, Some(ended(7, EXPIRED)), how), None, "it does not live");
            assert_eq!(refusal(B, 1, Some(granted_with(8, C, 2)), how), None, "it is not the latest");
        }
        assert_eq!(refusal(C, 1, None, refused(C, Access::Write, 1, 5)), None, "not the holder");
        assert_eq!(refusal(B, 2, None, refused(B, Access::Write, 2, 5)), None, "not its token");
    }

    #[test]
    fn a_current_holder_is_shown_with_its_grant_and_the_mark() {
        let events = [
            at(s(1), S, accepted(A, 5)),
            at(s(2), G, granted_with(7, B, 1)),
            at(s(3), S, not_current(B, 1, 5)),
        ];
        let report = judged(&events);
        assert_eq!(report.evidence[0].nodes, [S, B]);
        let told = &report.evidence[0].evidence;
        assert!(matches!(told[0], Fact::Granted { holder: B, .. }), "{told:?}");
        assert!(matches!(told[1], Fact::Accepted { writer: A, .. }), "{told:?}");
        assert!(matches!(told[2], Fact::Refused { by: B, .. }), "{told:?}");
    }

    #[test]
    fn not_being_current_says_nothing_of_which_is_older() {
        let events = [at(s(1), S, accepted(A, 5)), at(s(2), S, not_current(B, 6, 5))];
        assert_eq!(judged(&events).counts(), (2, 0, 0));
    }

    #[test]
    fn a_lost_disk_of_the_resource_or_a_grantor_excuses_and_the_mark_counts_anew() {
        let older = [at(s(40), S, accepted(B, 2)), at(s(41), S, accepted(A, 1))];
        let current = [at(s(40), G, granted_with(1, B, 1)), at(s(41), S, refused(B, Access::Read, 1, 5))];
        let stale = [at(s(40), S, accepted(A, 5)), at(s(41), S, refused(B, Access::Read, 5, 5))];
        let with = |node, assumption, then: [Event; 2]| {
            let lost = [at(s(9), node, broken(assumption)), at(s(9), node, restored(assumption))];
            judged(&[&[at(s(1), S, accepted(A, 5))], &lost[..], &then].concat()).counts()
        };
        for node in [S, G] {
            assert_eq!(with(node, Assumption::DiskKeeps, older), (2, 1, 1), "the second is of later");
            assert_eq!(with(node, Assumption::DiskKeeps, current), (1, 1, 0));
            assert_eq!(with(node, Assumption::DiskKeeps, stale), (2, 1, 0));
            assert_eq!(with(node, Assumption::DiskTimely, current), (2, 0, 1));
            assert_eq!(with(node, Assumption::ClockRuns, older), (3, 0, 2));
        }
        assert_eq!(with(A, Assumption::DiskKeeps, older), (3, 0, 2), "of no holder");
    }

    /// The aftermath is 22 s.
    #[test]
    fn a_mark_that_was_made_after_the_disk_was_whole_again_is_judged() {
        let events = |made_at| {
            [
                at(s(9), S, broken(Assumption::DiskKeeps)),
                at(s(9), S, restored(Assumption::DiskKeeps)),
                at(made_at, S, accepted(A, 5)),
                at(s(60), S, accepted(B, 4)),
            ]
        };
        assert_eq!(judged(&events(s(31))).counts(), (1, 1, 0));
        assert_eq!(judged(&events(just_after(s(31)))).counts(), (2, 0, 1));
    }

    #[test]
    fn a_conflict_is_no_matter_of_tokens() {
        let refusal = Refusal::Conflict { latest: Version(3) };
        let conflict =
            NodeEvent::AccessRefused { resource: R, by: A, access: Access::Write, token: t(9), refusal };
        assert_eq!(judged(&[at(s(1), S, conflict)]).counts(), (0, 0, 0));
    }
}
