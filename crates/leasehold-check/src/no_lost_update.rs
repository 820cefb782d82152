//! I25: every accepted read-modify-write saw its predecessor.
//!
//! Source: docs/timing.md, section 1. Fencing writes alone is not enough: a new holder that read before the
//! old holder's last write was accepted, and then writes, overwrites it although no token was out of order.
//! Reads that raise the mark, a barrier write or compare-and-set prevent that.
//!
//! **Violation** `overwrote-unseen`: an effect was accepted that replaced another version than the one its
//! writer had read. Whatever the policies, and whatever assumption is broken: an update is lost.
//!
//! Judged: every accepted effect that was based on a read. A blind write has nothing to lose.

use alloc::collections::BTreeMap;

use leasehold_core::{NodeEvent, NodeId, ResourceId, Version};

use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::scene::Scene;

/// Remembers, for evidence, the last effect of each resource and the last read of each reader.
#[derive(Debug, Default)]
pub(crate) struct NoLostUpdate {
    effects: BTreeMap<ResourceId, Fact>,
    reads: BTreeMap<(ResourceId, NodeId), (Version, Fact)>,
}

impl Checker for NoLostUpdate {
    fn topics(&self) -> Topics {
        Topics::ACCESSES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let at = scene.now;
        match *event {
            NodeEvent::ReadServed { resource, reader, token, version } => {
                let read = Fact::Read { at, reader, resource, token, version };
                self.reads.insert((resource, reader), (version, read));
            }
            NodeEvent::EffectAccepted { resource, writer, token, op, replaced, based_on, value: _ } => {
                let accepted = Fact::Accepted { at, writer, resource, token, op, replaced, based_on };
                let overwritten = self.effects.insert(resource, accepted);
                let Some(seen) = based_on else { return };
                book.judge();
                if seen == replaced {
                    return;
                }
                let read = self.reads.get(&(resource, writer));
                let read = read.filter(|(version, _)| *version == seen).map(|(_, read)| *read);
                book.violation(at, "overwrote-unseen", || Case {
                    nodes: [writer, node].into(),
                    resource: Some(resource),
                    evidence: read.into_iter().chain(overwritten).chain([accepted]).collect(),
                });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::OpId;

    use super::*;
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        report(Invariant::NoLostUpdate, events, s(100))
    }

    #[test]
    fn an_effect_may_replace_only_the_version_it_was_based_on() {
        let effect = |replaced, based_on| judged(&[at(s(1), S, wrote(A, 1, replaced, based_on))]);
        assert_eq!(effect(4, Some(4)).counts(), (1, 0, 0));
        assert_eq!(effect(5, Some(4)).clauses(), ["overwrote-unseen"]);
        assert_eq!(effect(3, Some(4)).clauses(), ["overwrote-unseen"], "a version it cannot have");
        assert_eq!(effect(5, None).counts(), (0, 0, 0), "a blind write");
    }

    #[test]
    fn nothing_excuses_a_lost_update() {
        let events = [at(s(1), S, broken(Assumption::DiskKeeps)), at(s(2), S, wrote(A, 1, 5, Some(4)))];
        assert_eq!(judged(&events).counts(), (1, 0, 1));
    }

    #[test]
    fn the_evidence_is_the_read_what_was_overwritten_and_the_overwriting() {
        let events = [
            at(s(1), S, served(B, 2, 0)),
            at(s(2), S, wrote(A, 1, 0, Some(0))),
            at(s(3), S, served(C, 2, 1)),
            at(s(4), S, wrote(B, 2, 1, Some(0))),
        ];
        let report = judged(&events);
        assert_eq!(report.counts(), (2, 0, 1));
        let fact = |at, writer, token, replaced| Fact::Accepted {
            at,
            writer,
            resource: R,
            token: t(token),
            op: OpId(1),
            replaced: Version(replaced),
            based_on: Some(Version(0)),
        };
        let read = Fact::Read { at: s(1), reader: B, resource: R, token: t(2), version: Version(0) };
        assert_eq!(report.evidence[0].evidence, [read, fact(s(2), A, 1, 0), fact(s(4), B, 2, 1)]);
    }

    #[test]
    fn a_read_of_another_version_is_not_taken_for_evidence() {
        let report = judged(&[at(s(1), S, served(B, 2, 7)), at(s(4), S, wrote(B, 2, 1, Some(0)))]);
        assert_eq!(report.evidence[0].evidence.len(), 1);
    }
}
