//! I19: each task of a resource is applied once, and in order.
//!
//! Source: docs/invariants.md. A task is handed out under a lease (a visibility timeout) and handed out again when
//! that ends first, so the same work is done twice; what makes its effect happen once is the resource.
//!
//! Tasks of a resource are numbered from 0, without gaps.
//!
//! **Violations**
//!
//! * `applied-twice`: a task was applied although it, or a later one, was before.
//! * `never-applied`: a task was applied although one before it never was.
//!
//! A crash can swallow the report of an effect that the disk kept. The versions then show how many: an effect that
//! replaces a later version than the one before left. So many tasks may be missing.
//!
//! Excused, and counted anew from there, if the resource's disk lost something since the last task was applied.
//! Nothing else excuses it: only the highest task has to be remembered.
//!
//! Judged: every task that is applied.

use alloc::collections::BTreeMap;

use leasehold_core::{NodeEvent, NodeId, ResourceId, SimInstant, TaskId, Version};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::scene::Scene;

/// How far a resource is.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    next: TaskId,
    /// The task before that, as it was applied.
    last: Option<Fact>,
    applied_at: SimInstant,
    version: Version,
    /// How many effects since then were accepted without a report.
    unreported: u64,
}

/// Counts the tasks of each resource.
#[derive(Debug, Default)]
pub(crate) struct AppliedOnce {
    resources: BTreeMap<ResourceId, Progress>,
}

impl Progress {
    fn accepted(&mut self, replaced: Version) {
        self.unreported = self.unreported.saturating_add(replaced.0.saturating_sub(self.version.0));
        self.version = replaced.next();
    }

    /// What is wrong with this task as the next one, if anything is.
    fn objection(&self, task: TaskId) -> Option<&'static str> {
        if task < self.next {
            Some("applied-twice")
        } else if task.0 - self.next.0 > self.unreported {
            Some("never-applied")
        } else {
            None
        }
    }
}

impl Checker for AppliedOnce {
    fn topics(&self) -> Topics {
        Topics::ACCESSES
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let at = scene.now;
        match *event {
            NodeEvent::EffectAccepted { resource, replaced, .. } => {
                self.resources.entry(resource).or_default().accepted(replaced);
            }
            NodeEvent::TaskApplied { resource, task, by, token } => {
                let progress = self.resources.entry(resource).or_default();
                let applied = Fact::TaskApplied { at, resource, task, by, token };
                let is_excused = scene.assumptions.excused_since(node, progress.applied_at, &DISK);
                if is_excused {
                    book.excuse();
                } else {
                    book.judge();
                    if let Some(clause) = progress.objection(task) {
                        let Progress { next, last, .. } = *progress;
                        book.violation(at, clause, || Case {
                            nodes: [node, by].into(),
                            resource: Some(resource),
                            evidence: last
                                .into_iter()
                                .chain([
                                    applied,
                                    Fact::Count { what: "task", expected: next.0, found: task.0 },
                                ])
                                .collect(),
                        });
                    }
                }
                let next = if is_excused { task.next() } else { progress.next.max(task.next()) };
                let version = progress.version;
                *progress = Progress { next, last: Some(applied), applied_at: at, version, unreported: 0 };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::Invariant;
    use crate::report::InvariantReport;
    use crate::script::*;

    fn judged(events: &[Event]) -> InvariantReport {
        report(Invariant::AppliedOnce, events, s(100))
    }

    fn tasks(numbers: &[u64]) -> InvariantReport {
        let events: std::vec::Vec<_> =
            (1..).zip(numbers).map(|(second, task)| at(s(second), S, applied(*task))).collect();
        judged(&events)
    }

    #[test]
    fn each_task_is_applied_once_and_in_order() {
        assert_eq!(tasks(&[0, 1, 2]).counts(), (3, 0, 0));
        assert_eq!(tasks(&[0, 1, 1]).clauses(), ["applied-twice"]);
        assert_eq!(tasks(&[0, 1, 0]).clauses(), ["applied-twice"]);
        assert_eq!(tasks(&[0, 2]).clauses(), ["never-applied"]);
        assert_eq!(tasks(&[1]).clauses(), ["never-applied"], "the first is number 0");
    }

    #[test]
    fn what_went_wrong_is_told_once() {
        assert_eq!(tasks(&[0, 3, 4, 5]).clauses(), ["never-applied"]);
        assert_eq!(tasks(&[0, 1, 0, 2]).clauses(), ["applied-twice"]);
        assert_eq!(
            tasks(&[0, 3, 2, 4]).clauses(),
            ["never-applied", "applied-twice"],
            "out of order is both"
        );
    }

    #[test]
    fn the_evidence_is_the_task_before_and_the_one_that_should_have_come() {
        let report = tasks(&[0, 2]);
        assert_eq!(report.evidence[0].nodes, [S, A]);
        let fact = |at, task| Fact::TaskApplied { at, resource: R, task: TaskId(task), by: A, token: t(1) };
        let count = Fact::Count { what: "task", expected: 1, found: 2 };
        assert_eq!(report.evidence[0].evidence, [fact(s(1), 0), fact(s(2), 2), count]);
    }

    #[test]
    fn resources_count_apart() {
        let elsewhere = NodeEvent::TaskApplied { resource: R2, task: TaskId(0), by: A, token: t(1) };
        assert_eq!(judged(&[at(s(1), S, applied(0)), at(s(2), S, elsewhere)]).counts(), (2, 0, 0));
    }

    #[test]
    fn the_versions_show_how_many_reports_a_crash_swallowed() {
        let after = |replaced, task| {
            let events = [
                at(s(1), S, wrote(A, 1, 0, None)),
                at(s(1), S, applied(0)),
                at(s(2), S, CRASHED),
                at(s(3), S, RESTARTED),
                at(s(4), S, wrote(A, 1, replaced, None)),
                at(s(4), S, applied(task)),
            ];
            judged(&events).clauses().pop()
        };
        assert_eq!(after(1, 1), None);
        assert_eq!(after(2, 2), None, "task 1 was applied, and nobody could say so");
        assert_eq!(after(2, 1), None, "it was something else");
        assert_eq!(after(1, 2), Some("never-applied"));
        assert_eq!(after(2, 3), Some("never-applied"));
        assert_eq!(after(2, 0), Some("applied-twice"));
    }

    #[test]
    fn an_unreported_effect_explains_one_gap_only() {
        let events = [
            at(s(4), S, wrote(A, 1, 1, None)),
            at(s(4), S, applied(1)),
            at(s(5), S, wrote(A, 1, 2, None)),
            at(s(5), S, applied(3)),
        ];
        assert_eq!(judged(&events).clauses(), ["never-applied"]);
    }

    #[test]
    fn a_lost_disk_of_the_resource_excuses_and_the_count_begins_anew() {
        let with = |node, assumption, then: &[u64]| {
            let mut events = std::vec![
                at(s(1), S, applied(0)),
                at(s(2), S, applied(1)),
                at(s(3), node, broken(assumption)),
                at(s(3), node, restored(assumption)),
            ];
            events.extend((40..).zip(then).map(|(second, task)| at(s(second), S, applied(*task))));
            judged(&events).counts()
        };
        assert_eq!(with(S, Assumption::DiskKeeps, &[0, 1, 2]), (4, 1, 0));
        assert_eq!(with(S, Assumption::DiskKeeps, &[0, 1, 1]), (4, 1, 1));
        assert_eq!(with(S, Assumption::DiskTimely, &[0]), (3, 0, 1));
        assert_eq!(with(S, Assumption::ClockRate, &[0]), (3, 0, 1));
        assert_eq!(with(G, Assumption::DiskKeeps, &[0]), (3, 0, 1), "the numbers are the resource's");
    }
}
