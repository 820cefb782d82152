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
//! replaces a later version than the one before left. So many tasks may be missing; and one more for a crash that
//! fell between the report of an effect and that of its task.
//!
//! Excused, and counted anew from there, if the resource's disk lost something since the last task was applied.
//! Nothing else excuses it: only the highest task has to be remembered.
//!
//! Judged: every task that is applied.

use alloc::collections::BTreeMap;

use leasehold_core::{NodeEvent, NodeId, ResourceId, SimInstant, TaskId, Version, WorldEvent};

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
    /// How many effects since then were accepted without a report, of themselves or of their task.
    unreported: u64,
    /// The node that reported the last effect, as long as it did not report a task that was applied by it.
    may_owe_a_task: Option<NodeId>,
}

/// Counts the tasks of each resource.
#[derive(Debug, Default)]
pub(crate) struct AppliedOnce {
    resources: BTreeMap<ResourceId, Progress>,
}

impl Progress {
    fn accepted(&mut self, by: NodeId, replaced: Version) {
        self.may_owe_a_task = Some(by);
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
        Topics::ACCESSES.and(Topics::PROCESSES)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        let at = scene.now;
        match *event {
            NodeEvent::EffectAccepted { resource, replaced, .. } => {
                self.resources.entry(resource).or_default().accepted(node, replaced);
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
                let last = Some(applied);
                *progress = Progress { next, last, applied_at: at, version, ..Progress::default() };
            }
            _ => {}
        }
    }

    fn on_world(&mut self, _: &Scene, node: Option<NodeId>, event: &WorldEvent, _: &mut Book) {
        if matches!(event, WorldEvent::Crashed) {
            for progress in self.resources.values_mut() {
                if progress.may_owe_a_task.take_if(|by| Some(*by) == node).is_some() {
                    progress.unreported = progress.unreported.saturating_add(1);
                }
            }
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

    /// The effect was told, its task was not.
    #[test]
    fn a_crash_can_fall_between_an_effect_and_its_task() {
        let with = |between: &[Event]| {
            let first = at(s(1), S, wrote(A, 1, 0, None));
            let second = [at(s(4), S, wrote(A, 1, 1, None)), at(s(4), S, applied(1))];
            judged(&[&[first], between, &second[..]].concat()).clauses().pop()
        };
        assert_eq!(with(&[at(s(2), S, CRASHED), at(s(3), S, RESTARTED)]), None);
        assert_eq!(with(&[]), Some("never-applied"), "it does not say so for another reason");
        assert_eq!(with(&[at(s(2), A, CRASHED)]), Some("never-applied"), "another node crashed");
        let told = [at(s(1), S, applied(0)), at(s(2), S, CRASHED), at(s(3), S, RESTARTED)];
        assert_eq!(with(&told), None);
        let then = [at(s(4), S, wrote(A, 1, 1, None)), at(s(4), S, applied(2))];
        let events = [&[at(s(1), S, wrote(A, 1, 0, None))], &told[..], &then[..]].concat();
        assert_eq!(judged(&events).clauses(), ["never-applied"], "it owed none");
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
