//! I2: accepted tokens never decrease, and nothing with the current or a newer token is refused as stale.
//!
//! Source: docs/timing.md, section 1. The fence is what protects a resource from a holder that was paused
//! between its check and its write; no clock takes part in it, so no assumption excuses it.
//!
//! **Violations**
//!
//! * `accepted-older-token`: an effect was accepted with a token below the highest that the resource had
//!   accepted an effect with, in the resource's own order and across its restarts.
//! * `refused-current-token`: an access was refused as stale although its token was no older than any the
//!   resource had accepted or served. It is not held against a resource whose mark is above the token and is
//!   the token of a grant or a claim: a read or write with that token may have raised the mark and then have
//!   been cut off by a crash, or still be on its way to the disk.
//!
//! **Hazard** only: an older token is accepted after a newer grant, before the newer holder's first effect
//! (`unfenced-window`, counted in `hazard`).
//!
//! Judged: every accepted effect and every refusal as stale.

use alloc::collections::BTreeMap;

use leasehold_core::event::Refusal;
use leasehold_core::{NodeEvent, NodeId, ResourceId, Token};

use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::scene::Scene;

/// What a resource has let through.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// The highest token of an accepted effect, and that acceptance.
    effect: Option<(Token, Fact)>,
    /// The highest token of an accepted effect or a served read, and that access.
    access: Option<(Token, Fact)>,
}

impl Mark {
    fn raise(mark: &mut Option<(Token, Fact)>, token: Token, access: Fact) {
        if mark.is_none_or(|(highest, _)| token > highest) {
            *mark = Some((token, access));
        }
    }
}

/// Remembers each resource's highest tokens. They are the checker's own, so a restart of the resource that
/// forgets its mark is found.
#[derive(Debug, Default)]
pub(crate) struct Fencing {
    marks: BTreeMap<ResourceId, Mark>,
}

impl Checker for Fencing {
    fn topics(&self) -> Topics {
        Topics::ACCESSES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let at = scene.now;
        match *event {
            NodeEvent::ReadServed { resource, reader, token, version } => {
                let read = Fact::Read { at, reader, resource, token, version };
                Mark::raise(&mut self.marks.entry(resource).or_default().access, token, read);
            }
            NodeEvent::EffectAccepted { resource, writer, token, op, replaced, based_on, value: _ } => {
                book.judge();
                let accepted = Fact::Accepted { at, writer, resource, token, op, replaced, based_on };
                let mark = self.marks.entry(resource).or_default();
                if let Some((highest, before)) = mark.effect
                    && token < highest
                {
                    book.violation(at, "accepted-older-token", || Case {
                        nodes: [node, writer].into(),
                        resource: Some(resource),
                        evidence: [before, accepted].into(),
                    });
                }
                Mark::raise(&mut mark.effect, token, accepted);
                Mark::raise(&mut mark.access, token, accepted);
            }
            NodeEvent::AccessRefused { resource, by, access, token, refusal } => {
                let Refusal::Stale { mark: claimed } = refusal else { return };
                book.judge();
                let before = self.marks.get(&resource).and_then(|mark| mark.access);
                let newest = scene.leases.newest_token(resource);
                let is_explained = token < claimed && newest.is_some_and(|newest| claimed <= newest);
                if before.is_none_or(|(highest, _)| token >= highest) && !is_explained {
                    let refused = Fact::Refused { at, by, resource, access, token, refusal };
                    let newest = newest.map(|token| Fact::NewestToken { resource, token });
                    let before = before.map(|(_, access)| access);
                    book.violation(at, "refused-current-token", || Case {
                        nodes: [node, by].into(),
                        resource: Some(resource),
                        evidence: newest.into_iter().chain(before).chain([refused]).collect(),
                    });
                }
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
    fn a_restart_of_the_resource_excuses_nothing_and_neither_does_a_broken_assumption() {
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
    fn a_conflict_is_no_matter_of_tokens() {
        let refusal = Refusal::Conflict { latest: Version(3) };
        let conflict =
            NodeEvent::AccessRefused { resource: R, by: A, access: Access::Write, token: t(9), refusal };
        assert_eq!(judged(&[at(s(1), S, conflict)]).counts(), (0, 0, 0));
    }
}
