//! What excuses what, held to the table of docs/invariants.md.
//!
//! Each invariant is violated by a short run. The same run with an assumption broken about some node from its
//! first instant on must be excused exactly where the table says so.

use std::collections::{BTreeMap, BTreeSet};
use std::string::String;
use std::vec::Vec;

use leasehold_core::{Bounds, Span};

use crate::invariant::Invariant;
use crate::script::registry::*;
use crate::script::*;

/// Who is who in the runs of leases below.
const ROLES: [(&str, NodeId); 4] = [("grantor", G), ("holder", A), ("next holder", B), ("resource", S)];

/// And in those of registries.
const REGISTRY_ROLES: [(&str, NodeId); 3] = [("registry", G), ("member", A), ("client", C)];

/// The invariants that are about registries.
const OF_REGISTRIES: [Invariant; 7] = [
    Invariant::BoundedStaleness,
    Invariant::Watch,
    Invariant::FalseExpiry,
    Invariant::Load,
    Invariant::Progress,
    Invariant::MassExpiry,
    Invariant::MonotonicReads,
];

const ASSUMPTIONS: [Assumption; 4] =
    [Assumption::ClockRate, Assumption::ClockRuns, Assumption::DiskKeeps, Assumption::DiskTimely];

/// A run that violates the invariant.
fn violating(invariant: Invariant) -> Vec<Event> {
    let grant = at(s(1), G, granted(1, A));
    let listing = at(s(1), G, registered(1, 1));
    let end = |second, cause| at(s(second), G, ended(1, cause));
    match invariant {
        Invariant::Exclusivity => [(1, A), (2, B)].map(|(n, node)| at(s(n), node, claim_started(n))).to_vec(),
        Invariant::Fencing => [(5, B), (4, A)].map(|(n, node)| at(s(9 - n), S, accepted(node, n))).to_vec(),
        Invariant::TokenOrder => [grant, end(20, EXPIRED), at(s(30), G, granted_with(2, B, 1))].to_vec(),
        Invariant::NoEarlyEnd => [grant, end(5, EXPIRED)].to_vec(),
        Invariant::NoImmortalLease => [grant].to_vec(),
        Invariant::AcknowledgedIsAlive => [grant, end(20, EXPIRED), at(s(21), G, acknowledged(1))].to_vec(),
        Invariant::NoResurrection => [grant, end(20, EXPIRED), at(s(21), G, renewed(1))].to_vec(),
        Invariant::OwnerOnly => [grant, at(s(2), G, release_taken(1, B))].to_vec(),
        Invariant::LockDelay => [grant, end(20, EXPIRED), at(s(21), G, granted(2, B))].to_vec(),
        Invariant::SelfStop => [grant, end(20, EXPIRED), at(s(21), A, issued(1))].to_vec(),
        Invariant::AppliedOnce => [1, 2].map(|n| at(s(n), S, applied(0))).to_vec(),
        Invariant::AtomicEnd => [grant, at(s(1), G, key_attached(1, 0, 1)), end(20, EXPIRED)].to_vec(),
        Invariant::Conservation => [grant, at(s(2), G, holds(0))].to_vec(),
        Invariant::Liveness => [world(s(10), SETTLE)].to_vec(),
        Invariant::BoundedStaleness => [grant, listing, at(s(2), A, CRASHED)].to_vec(),
        Invariant::Watch => [listing, at(s(2), C, advanced(1, 0, 0))].to_vec(),
        Invariant::FalseExpiry => [grant, at(s(30), G, end_ordered(1, EXPIRED))].to_vec(),
        Invariant::Load => [at(s(1), G, registration_arrived()); 5].to_vec(),
        Invariant::Progress => [grant, listing, at(s(2), A, WORK_STOPPED)].to_vec(),
        Invariant::MassExpiry => {
            let all = [1, 2, 3].map(|n| at(s(1), G, granted_to_member(n)));
            let ends = [1, 2, 3].map(|n| at(s(30), G, end_ordered(n, EXPIRED)));
            [all, ends].concat()
        }
        Invariant::MonotonicReads => [2, 1].map(|n| at(s(3 - n), C, advanced(n, 0, 0))).to_vec(),
        Invariant::LinearizableRegister => [
            at(s(1), A, asks(Operation::Acquire)),
            grant,
            at(s(1), A, told_granted(1)),
            at(s(2), B, asks(Operation::Acquire)),
            at(s(5), G, granted(2, B)),
            at(s(5), B, told_granted(2)),
        ]
        .to_vec(),
        Invariant::NoLostUpdate => [at(s(1), S, wrote(A, 1, 5, Some(4)))].to_vec(),
    }
}

fn violations(invariant: Invariant, events: &[Event]) -> u64 {
    let header = if OF_REGISTRIES.contains(&invariant) {
        registry_header(&[invariant])
    } else {
        let bounds = Bounds { lock_delay: Span::from_secs(10), ..bounds() };
        Header { bounds, ..header(&[invariant]) }
    };
    judgement_with(&header, events, s(100)).invariants[0].violations
}

/// The roles whose broken assumption excuses the run, by invariant and assumption.
fn excusing(invariant: Invariant, assumption: Assumption) -> BTreeSet<&'static str> {
    let is_excused = |node| {
        let events = [&[at(s(0), node, broken(assumption))], &violating(invariant)[..]].concat();
        violations(invariant, &events) == 0
    };
    let roles = if OF_REGISTRIES.contains(&invariant) { &REGISTRY_ROLES[..] } else { &ROLES };
    roles.iter().filter(|(_, node)| is_excused(*node)).map(|(role, _)| *role).collect()
}

/// The table of the documentation: for each id and assumption the words of the cell.
fn documented() -> BTreeMap<(String, String), BTreeSet<&'static str>> {
    let text = include_str!("../../../docs/invariants.md");
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| id | clock-rate |"));
    let heads = cells(lines.next().expect("the table is there"));
    let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(cells);
    let mut table = BTreeMap::new();
    for row in rows {
        for (head, cell) in heads.iter().zip(&row).skip(1) {
            let roles = cell.split(", ").filter(|role| *role != "-").collect();
            table.insert((row[0].into(), (*head).into()), roles);
        }
    }
    table
}

#[test]
fn each_run_violates_when_nothing_is_broken() {
    for invariant in Invariant::ALL {
        assert_eq!(violations(invariant, &violating(invariant)), 1, "{}", invariant.id());
    }
}

#[test]
fn what_excuses_what_is_what_the_documentation_says() {
    let documented = documented();
    assert_eq!(documented.len(), Invariant::ALL.len() * ASSUMPTIONS.len());
    for invariant in Invariant::ALL {
        for assumption in ASSUMPTIONS {
            let (id, name) = (invariant.id(), assumption.name());
            let said = &documented[&(id.into(), name.into())];
            assert_eq!(&excusing(invariant, assumption), said, "{id} {name}");
        }
    }
}
