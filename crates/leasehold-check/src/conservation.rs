//! I22: grants = releases + expiries + revocations + held, at every moment; and the same for registrations.
//!
//! Source: docs/invariants.md. An equality, since a bug that loses a grant and an end passes every
//! inequality. What is held comes from the grantor's own table, the rest from events.
//!
//! **Violations**
//!
//! * `grants-ends-held`: a grantor says how many leases its table holds, and that is not its grants less its ends.
//! * `registered-ended-listed`: a registry says how many registrations its table lists, and that is not how many
//!   instances were registered and have not ended. An instance counts once: two entries for one are one too many, as a
//!   retried registration leaves them (Curator 45 and 264).
//!
//! What a restarted grantor finds on its disk is counted as it happened there: a lease that was never reported
//! as a grant, an end that was never reported as an end, and the end of the lease before one whose grant was
//! never reported. A lease that comes back to life counts as a grant
//! again, since it will end again.
//!
//! Excused if the grantor's disk lost something since the account was last compared; what the table then holds is
//! where the account goes on. No clock takes part.
//!
//! Judged: every time a grantor says what its table holds, or lists.

use alloc::collections::BTreeMap;

use leasehold_core::event::{EndCause, RegistryEvent};
use leasehold_core::{NodeEvent, NodeId, SimInstant};

use crate::assumptions::DISK;
use crate::book::{Book, Case};
use crate::checker::{Checker, Topics};
use crate::finding::Fact;
use crate::leases::Standing;
use crate::scene::Scene;

/// What one grantor did so far.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    grants: u64,
    releases: u64,
    expiries: u64,
    revocations: u64,
    /// Leases that ended without a report: a later one of their resource was found on the disk.
    superseded: u64,
    /// Leases that are held without a report of their grant, less those that are gone without a report of their
    /// end: what a lost disk did to the table.
    adjustment: i128,
    /// When it was last compared with the table.
    compared_at: SimInstant,
    registrations: Registrations,
}

/// What was registered at one registry so far.
#[derive(Clone, Copy, Debug, Default)]
struct Registrations {
    begun: u64,
    ended: u64,
    /// As in [`Account`].
    adjustment: i128,
    compared_at: SimInstant,
}

impl Registrations {
    fn hear(&mut self, scene: &Scene, registry: NodeId, event: &RegistryEvent, book: &mut Book) {
        match *event {
            RegistryEvent::Registered { .. } => self.begun += 1,
            RegistryEvent::Deregistered { .. } => self.ended += 1,
            RegistryEvent::TableLists { registrations, .. } if scene.roster.is_of(registry) => {
                self.compare(scene, registry, registrations, book);
            }
            _ => {}
        }
    }

    fn compare(&mut self, scene: &Scene, registry: NodeId, found: u32, book: &mut Book) {
        let since = core::mem::replace(&mut self.compared_at, scene.now);
        let (expected, found) = (i128::from(scene.roster.names()) + self.adjustment, u64::from(found));
        if scene.assumptions.excused_since(registry, since, &DISK) {
            book.excuse();
            self.adjustment += i128::from(found) - expected;
            return;
        }
        book.judge();
        if expected == i128::from(found) {
            return;
        }
        let Self { begun, ended, .. } = *self;
        let expected = u64::try_from(expected).unwrap_or(0);
        book.violation(scene.now, "registered-ended-listed", || Case {
            nodes: [registry].into(),
            resource: None,
            evidence: [
                Fact::Total { what: "registrations", count: begun },
                Fact::Total { what: "ends of registrations", count: ended },
                Fact::Count { what: "instances listed", expected, found },
            ]
            .into(),
        });
    }
}

impl Account {
    fn end(&mut self, cause: EndCause) {
        match cause {
            EndCause::Released { .. } => self.releases += 1,
            EndCause::Expired => self.expiries += 1,
            EndCause::Revoked { .. } => self.revocations += 1,
        }
    }

    const fn ends(&self) -> u64 {
        self.releases + self.expiries + self.revocations + self.superseded
    }

    /// How many leases the table should hold; below zero if more ended than were granted.
    fn held(&self) -> i128 {
        i128::from(self.grants) - i128::from(self.ends()) + self.adjustment
    }

    fn compare(&mut self, scene: &Scene, grantor: NodeId, found: u32, book: &mut Book) {
        let since = core::mem::replace(&mut self.compared_at, scene.now);
        let (expected, found) = (self.held(), u64::from(found));
        if scene.assumptions.excused_since(grantor, since, &DISK) {
            book.excuse();
            self.adjustment += i128::from(found) - expected;
            return;
        }
        book.judge();
        if expected == i128::from(found) {
            return;
        }
        let Self { grants, releases, expiries, revocations, superseded, .. } = *self;
        let expected = u64::try_from(expected).unwrap_or(0);
        book.violation(scene.now, "grants-ends-held", || Case {
            nodes: [grantor].into(),
            resource: None,
            evidence: [
                Fact::Total { what: "grants", count: grants },
                Fact::Total { what: "releases", count: releases },
                Fact::Total { what: "expiries", count: expiries },
                Fact::Total { what: "revocations", count: revocations },
                Fact::Total { what: "ends without a report", count: superseded },
                Fact::Count { what: "leases held", expected, found },
            ]
            .into(),
        });
    }
}

/// Keeps each grantor's account.
#[derive(Debug, Default)]
pub(crate) struct Conservation {
    accounts: BTreeMap<NodeId, Account>,
}

impl Checker for Conservation {
    fn topics(&self) -> Topics {
        Topics::LEASES.and(Topics::REGISTRY)
    }

    fn on_node(&mut self, scene: &Scene, node: NodeId, event: &NodeEvent, book: &mut Book) {
        if !scene.grantors.contains(&node) && matches!(event, NodeEvent::Registry(_)) {
            return;
        }
        let account = self.accounts.entry(node).or_default();
        match *event {
            NodeEvent::Granted { .. } => account.grants += 1,
            NodeEvent::Ended { cause, .. } => account.end(cause),
            NodeEvent::Recovered { resource, lease, ended, .. } => {
                account.superseded += scene.leases.superseded_by(node, resource, lease).count() as u64;
                match (scene.leases.standing(node, lease), ended) {
                    (Standing::Unknown, None) | (Standing::Ended, None) => account.grants += 1,
                    (Standing::Unknown, Some(cause)) => {
                        account.grants += 1;
                        account.end(cause);
                    }
                    (Standing::Live(_), Some(cause)) => account.end(cause),
                    (Standing::Live(_), None) | (Standing::Ended, Some(_)) => {}
                }
            }
            NodeEvent::TableHolds { live } => account.compare(scene, node, live, book),
            NodeEvent::Registry(ref event) => account.registrations.hear(scene, node, event, book),
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

    fn judged(events: &[NodeEvent]) -> InvariantReport {
        let events: std::vec::Vec<_> =
            (1..).zip(events).map(|(second, event)| at(s(second), G, *event)).collect();
        report(Invariant::Conservation, &events, s(100))
    }

    /// That the table may hold so many after these events, and neither one more nor one less.
    #[track_caller]
    fn assert_held(events: &[NodeEvent], held: u32) {
        for found in held.saturating_sub(1)..=held + 1 {
            let mut events = events.to_vec();
            events.push(holds(found));
            let report = judged(&events);
            assert_eq!(report.judged, 1);
            let clauses: &[_] = if found == held { &[] } else { &["grants-ends-held"] };
            assert_eq!(report.clauses(), clauses, "held {found}");
        }
    }

    #[test]
    fn held_is_what_was_granted_and_has_not_ended() {
        assert_held(&[], 0);
        assert_held(&[granted(1, A), granted(2, B)], 2);
        assert_held(&[granted(1, A), renewed(1)], 1);
        for cause in [released_by(A), EXPIRED, REVOKED] {
            assert_held(&[granted(1, A), granted(2, B), ended(1, cause)], 1);
        }
    }

    #[test]
    fn what_is_found_on_the_disk_is_counted_as_it_happened() {
        let grant = granted(1, A);
        assert_held(&[grant, recovered(1, A, None)], 1);
        assert_held(&[grant, recovered(1, A, Some(EXPIRED))], 0);
        assert_held(&[grant, ended(1, EXPIRED), recovered(1, A, Some(EXPIRED))], 0);
        assert_held(&[grant, ended(1, EXPIRED), recovered(1, A, None)], 1);
        assert_held(&[recovered(2, B, None)], 1);
        assert_held(&[recovered(2, B, Some(EXPIRED))], 0);
    }

    #[test]
    fn an_unreported_grant_on_the_disk_ended_the_lease_before_it() {
        assert_held(&[granted(1, A), recovered(2, B, None)], 1);
        assert_held(&[granted(1, A), recovered(2, B, Some(EXPIRED))], 0);
        assert_held(&[granted(1, A), granted(2, B), recovered(2, B, None)], 2);
        let elsewhere =
            NodeEvent::Granted { resource: R2, lease: LeaseId(1), holder: A, token: t(1), ttl: TTL };
        assert_held(&[elsewhere, recovered(2, B, None)], 2);
    }

    #[test]
    fn a_renewal_does_not_make_an_ended_lease_count() {
        assert_held(&[granted(1, A), ended(1, EXPIRED), renewed(1)], 0);
    }

    #[test]
    fn more_ends_than_grants_are_a_violation_whatever_is_held() {
        let report = judged(&[granted(1, A), ended(1, EXPIRED), ended(1, EXPIRED), holds(0)]);
        assert_eq!(report.clauses(), ["grants-ends-held"]);
    }

    #[test]
    fn the_evidence_is_the_whole_account() {
        let report = judged(&[
            granted(1, A),
            ended(1, released_by(A)),
            granted(2, A),
            ended(2, EXPIRED),
            granted(3, A),
            ended(3, REVOKED),
            granted(4, A),
            holds(0),
        ]);
        let total = |what, count| Fact::Total { what, count };
        assert_eq!(
            report.evidence[0].evidence,
            [
                total("grants", 4),
                total("releases", 1),
                total("expiries", 1),
                total("revocations", 1),
                total("ends without a report", 0),
                Fact::Count { what: "leases held", expected: 1, found: 0 },
            ]
        );
    }

    /// The aftermath is 22 s.
    #[test]
    fn a_lost_disk_of_the_grantor_excuses_and_the_account_goes_on_from_what_is_held() {
        let with = |node, assumption, compared_at, then: &[NodeEvent]| {
            let mut events = std::vec![
                at(s(1), G, granted(1, A)),
                at(s(2), G, granted(2, B)),
                at(s(3), node, broken(assumption)),
                at(s(3), node, restored(assumption)),
                at(compared_at, G, holds(0)),
            ];
            events.extend(then.iter().map(|event| at(s(60), G, *event)));
            report(Invariant::Conservation, &events, s(100)).counts()
        };
        assert_eq!(with(G, Assumption::DiskKeeps, s(4), &[]), (0, 1, 0));
        assert_eq!(with(G, Assumption::DiskKeeps, s(59), &[]), (0, 1, 0), "broken since the last comparison");
        assert_eq!(with(G, Assumption::DiskKeeps, s(59), &[granted(3, A), holds(1)]), (1, 1, 0));
        assert_eq!(with(G, Assumption::DiskKeeps, s(59), &[granted(3, A), holds(0)]), (1, 1, 1));
        let after = |second| with(G, Assumption::DiskKeeps, s(second), &[holds(1)]);
        assert_eq!((after(25), after(26)), ((0, 2, 0), (1, 1, 1)), "the aftermath lasts, and is over");
        assert_eq!(with(G, Assumption::DiskTimely, s(4), &[]), (1, 0, 1));
        assert_eq!(with(G, Assumption::ClockRate, s(4), &[]), (1, 0, 1));
        assert_eq!(with(S, Assumption::DiskKeeps, s(4), &[]), (1, 0, 1));
    }

    #[test]
    fn each_grantor_has_its_own_account() {
        let report = report(
            Invariant::Conservation,
            &[
                at(s(1), G, granted(1, A)),
                at(s(2), C, recovered(2, B, None)),
                at(s(3), C, holds(1)),
                at(s(4), G, holds(1)),
            ],
            s(9),
        );
        assert_eq!(report.counts(), (2, 0, 0));
    }

    /// That the table may list so many after these events, and neither one more nor one less.
    #[track_caller]
    fn assert_listed(events: &[NodeEvent], listed: u32) {
        use crate::script::registry::{lists, report_of_registry};
        for found in listed.saturating_sub(1)..=listed + 1 {
            let all = events.iter().copied().chain([lists(found, 9)]);
            let events: std::vec::Vec<_> = (1..).zip(all).map(|(n, event)| at(s(n), G, event)).collect();
            let report = report_of_registry(Invariant::Conservation, &events, s(100));
            assert_eq!(report.judged, 1);
            let clauses: &[_] = if found == listed { &[] } else { &["registered-ended-listed"] };
            assert_eq!(report.clauses(), clauses, "listed {found}");
        }
    }

    #[test]
    fn listed_is_what_was_registered_and_has_not_ended() {
        use crate::script::registry::*;
        let other = leasehold_core::id::InstanceId(1);
        assert_listed(&[], 0);
        assert_listed(&[registered(1, 1), registered_as(other, 2, 2)], 2);
        assert_listed(&[registered(1, 1), deregistered(1, 2, EXPIRED)], 0);
        assert_listed(&[registered(1, 1), deregistered(1, 2, REVOKED), registered(2, 3)], 1);
        assert_listed(&[registered(1, 1), deregistered(7, 2, EXPIRED)], 1);
        assert_listed(&[registered(1, 1), registered(2, 2)], 1);
    }

    /// As many as there can be nodes; what a table would grow to is known before.
    #[test]
    fn instances_are_followed_up_to_the_greatest_number_that_a_node_can_have() {
        use crate::script::registry::*;
        let numbered = |number| registered_as(leasehold_core::id::InstanceId(number), 1, 1);
        assert_listed(&[numbered(u32::from(u16::MAX))], 1);
        assert_listed(&[numbered(u32::from(u16::MAX) + 1)], 0);
    }

    #[test]
    fn what_a_registry_finds_on_its_disk_is_listed() {
        use crate::script::registry::*;
        let passing = leasehold_core::event::Status::Passing;
        let restart = |found: &[NodeEvent], listed: u32| {
            let mut events =
                [at(s(1), G, registered(1, 1)), at(s(2), G, CRASHED), at(s(3), G, RESTARTED)].to_vec();
            events.extend(found.iter().map(|event| at(s(3), G, *event)));
            events.push(at(s(3), G, revision_found(2)));
            events.push(at(s(3), G, lists(listed, 2)));
            report_of_registry(Invariant::Conservation, &events, s(100)).counts()
        };
        assert_eq!(restart(&[found(1, passing)], 1), (1, 0, 0));
        assert_eq!(restart(&[], 0), (1, 0, 0), "its end was not told of");
        assert_eq!(restart(&[found(1, passing)], 0), (1, 0, 1));
        assert_eq!(restart(&[found(2, passing)], 1), (1, 0, 0), "nor was its beginning");
    }

    #[test]
    fn after_a_lost_disk_the_list_goes_on_from_what_it_says() {
        use crate::script::registry::*;
        let events = [
            at(s(1), G, registered(1, 1)),
            at(s(2), G, broken(Assumption::DiskKeeps)),
            at(s(2), G, restored(Assumption::DiskKeeps)),
            at(s(3), G, lists(0, 1)),
            at(s(50), G, lists(0, 1)),
            at(s(90), G, registered_as(leasehold_core::id::InstanceId(1), 2, 2)),
            at(s(91), G, lists(1, 2)),
        ];
        let report = |events: &[Event]| report_of_registry(Invariant::Conservation, events, s(100)).counts();
        assert_eq!(report(&events), (1, 2, 0));
    }
}
