//! What a registry does with its members.

use leasehold_core::event::{Health, Revocation, Status};
use leasehold_core::id::InstanceId;
use leasehold_core::{Leg, Purpose};

use super::*;
use crate::script::registry::*;

pub(super) fn edges() -> Vec<(Invariant, Edge)> {
    let parts = [
        (Invariant::FalseExpiry, false_expiry()),
        (Invariant::FalseExpiry, taken_out()),
        (Invariant::Load, load()),
        (Invariant::Progress, progress()),
        (Invariant::MassExpiry, mass_expiry()),
        (Invariant::Conservation, conservation()),
        (Invariant::AtomicEnd, atomic_end()),
    ];
    parts
        .into_iter()
        .flat_map(|(invariant, edges)| edges.into_iter().map(move |edge| (invariant, edge)))
        .collect()
}

/// A lease and a registration under it.
fn begin() -> [Event; 2] {
    [at(s(1), G, granted(1, A)), at(s(1), G, registered(1, 1))]
}

/// Declared are two heartbeats lost in a row, none that takes longer than a second, and no stop of more than three.
fn false_expiry() -> Vec<Edge> {
    let expires = at(s(30), G, end_ordered(1, EXPIRED));
    let edge = |given: &[Event]| {
        let given = [&begin()[..], given].concat();
        Edge::of("live-member-expired", registry_header(&[Invariant::FalseExpiry]), &given)
    };
    let expired = |given: &[Event]| edge(&[given, &[expires]].concat());
    let crashes = |when| at(when, A, CRASHED);
    let leaves = |when| at(when, A, deregistration_sent(1));
    let stops = |when| at(when, A, WORK_STOPPED);
    let lost = at(s(20), A, HEARTBEAT_LOST);
    let arrives = |when| at(when, G, heartbeat_arrived(1, 0));
    let sends = |when| at(when, A, heartbeat_sent(1, 0));
    let resumes = |when| at(when, A, RESUMED);
    let before = just_before(s(30));
    [
        edge(&[]).breaks(expires),
        // Who died, left or stopped before that is no live member; what shares the instant came after it.
        expired(&[]).holds(crashes(before)).breaks(crashes(s(30))),
        expired(&[]).holds(leaves(before)).breaks(leaves(s(30))),
        expired(&[]).holds(stops(before)).breaks(stops(s(30))),
        expired(&[lost; 2]).excuses(lost),
        expired(&[sends(s(20))]).excuses(arrives(just_after(s(21)))).breaks(arrives(s(21))),
        expired(&[]).excuses(sends(just_before(s(29)))).breaks(sends(s(29))),
        expired(&[at(s(20), A, PAUSED)]).excuses(resumes(just_after(s(23)))).breaks(resumes(s(23))),
        // What was lost before the last heartbeat that counted, and what that may have taken, is forgotten.
        beside_a_sidecar(&[expires]).excuses(word_lost(s(19))).breaks(word_lost(just_before(s(19)))),
    ]
    .into()
}

/// The application's sidecar, B, sends a heartbeat at 20 s, which is counted.
fn beside_a_sidecar(more: &[Event]) -> Edge {
    let begin = [at(s(1), G, granted(1, B)), at(s(1), G, registered(1, 1))];
    let sent = at(s(20), B, heartbeat_sent(1, 0));
    let counted = [at(s(20), G, heartbeat_arrived(1, 0)), at(s(20), G, renewed(1))];
    let given = [&begin[..], &[sent], &counted, more].concat();
    Edge::of("live-member-expired", registry_header(&[Invariant::FalseExpiry]), &given)
}

/// A word of the application to its sidecar was lost.
fn word_lost(when: SimInstant) -> Event {
    at(when, A, lost(B, Purpose::Other, Leg::Request))
}

/// Declared is one probe lost in a row. A registry may take 25 s to take an instance out that is dead.
fn taken_out() -> Vec<Edge> {
    let edge = |given: &[Event]| {
        let given = [&begin()[..], given].concat();
        Edge::of("able-instance-taken-out", registry_header(&[Invariant::FalseExpiry]), &given)
    };
    let marked = |now| at(s(60), G, status(1, now, 2));
    let critical = marked(Status::Critical);
    let unready = at(s(30), A, ready(Health::NotReady));
    let ready_again = |when| at(when, A, ready(Health::Ready));
    let probe = at(s(50), G, lost(A, Purpose::Probe, Leg::Reply));
    let beyond_the_budget = |given: &[Event]| {
        let mut edge = edge(given);
        let bounds = edge.header.bounds.discovery.as_mut().expect("a registry has them");
        bounds.envelope.budget = 1;
        edge
    };
    let slow_disk = at(s(5), G, broken(Assumption::DiskTimely));
    let flows = |when| at(when, G, restored(Assumption::DiskTimely));
    let again = at(s(62), G, status(1, Status::Critical, 4));
    let revoked = |reason| at(s(60), G, end_ordered(1, EndCause::Revoked { reason }));
    let (by_health, by_hand) = (revoked(Revocation::HealthCheck), revoked(Revocation::Administrator));
    [
        edge(&[]).holds(marked(Status::Suspect)).breaks(critical),
        edge(&[]).holds(by_hand).breaks(by_health),
        edge(&[unready, critical]).holds(ready_again(s(35))).breaks(ready_again(just_before(s(35)))),
        edge(&[probe, critical]).excuses(probe),
        // What was decided may have waited for the disk; the aftermath is 22 s.
        edge(&[slow_disk, critical]).excuses(flows(s(13))).breaks(flows(just_before(s(13)))),
        beyond_the_budget(&[critical, at(s(61), G, status(1, Status::Passing, 3))]).breaks(again),
    ]
    .into()
}

/// The cap is 4 a second.
fn load() -> Vec<Edge> {
    let edge = |given: &[Event]| Edge::of("too-many-arrived", registry_header(&[Invariant::Load]), given);
    let beats = |when| at(when, G, heartbeat_arrived(1, 0));
    let four = [beats(s(1)); 4];
    let registers = |when| at(when, G, registration_arrived());
    // What it lets go when it runs again was not sent at once: for a second.
    let runs_again = |when| at(when, G, RESUMED);
    let kept = [&[at(s(1), G, PAUSED)][..], &[beats(s(9)); 5]].concat();
    [
        edge(&four).breaks(beats(s(1))),
        edge(&four).holds(beats(s(2))).breaks(beats(just_before(s(2)))),
        edge(&four).holds(registers(s(2))).breaks(registers(just_before(s(2)))),
        edge(&kept).excuses(runs_again(s(8))).breaks(runs_again(just_before(s(8)))),
    ]
    .into()
}

/// Routed for 30 s at most while its work stands still.
fn progress() -> Vec<Edge> {
    let edge = |given: &[Event]| {
        let given = [&begin()[..], given].concat();
        Edge::of("kept-its-lease", registry_header(&[Invariant::Progress]), &given)
    };
    let stands = at(s(10), A, WORK_STOPPED);
    let until = |given: &[Event], event: NodeEvent, node| {
        edge(given).holds(at(s(40), node, event)).breaks(at(just_after(s(40)), node, event))
    };
    let slow = |when| at(when, G, WorldEvent::Throttled);
    let ends = at(s(50), G, deregistered(1, 2, EXPIRED));
    [
        until(&[stands], deregistered(1, 2, EXPIRED), G),
        until(&[stands], status(1, Status::Suspect, 2), G),
        until(&[stands], WORK_WENT_ON, A),
        until(&[at(s(10), A, CRASHED)], deregistered(1, 2, EXPIRED), G),
        edge(&[stands]).holds_until(s(40)),
        // What happens once the bound has run out excuses nothing.
        edge(&[stands, ends]).excuses(slow(s(40))).breaks(slow(just_after(s(40)))),
    ]
    .into()
}

/// The cap is a half within 10 s, and 2 in any case.
fn mass_expiry() -> Vec<Edge> {
    let edge = |live: u64, expiries: &[Event]| {
        let grants = (1..=live).map(|n| at(s(1), G, granted_to_member(n)));
        let given: Vec<Event> = grants.chain(expiries.iter().copied()).collect();
        Edge::of("too-many-expired", registry_header(&[Invariant::MassExpiry]), &given)
    };
    let expires = |n, when| at(when, G, end_ordered(n, EXPIRED));
    let four = [1, 2, 3, 4].map(|n| expires(n, s(30)));
    let grants = at(s(2), G, granted_to_member(10));
    [
        edge(8, &four).breaks(expires(5, s(30))),
        edge(8, &four).holds(expires(5, s(40))).breaks(expires(5, just_before(s(40)))),
        edge(8, &four).holds(at(s(30), G, end_ordered(5, REVOKED))).breaks(expires(5, s(30))),
        // A half of ten is five, and of nine four.
        edge(9, &[&four[..], &[expires(5, s(30))]].concat()).holds(grants),
        edge(3, &four[..2]).breaks(expires(3, s(30))),
    ]
    .into()
}

fn conservation() -> Vec<Edge> {
    let edge = |given: &[Event], listed, found| {
        let lists = |found| at(s(40), G, lists(found, 9));
        let edge = Edge::of("registered-ended-listed", registry_header(&[Invariant::Conservation]), given);
        edge.holds(lists(listed)).breaks(lists(found))
    };
    let one = at(s(1), G, registered(1, 1));
    let other = at(s(2), G, registered_as(InstanceId(1), 2, 2));
    let ended = at(s(3), G, deregistered(1, 3, EXPIRED));
    // An instance that is listed under two epochs is one instance.
    let again = at(s(2), G, registered(2, 2));
    [
        edge(&[], 0, 1),
        edge(&[one, other], 2, 1),
        edge(&[one, other], 2, 3),
        edge(&[one, other, ended], 1, 0),
        edge(&[one, other, ended], 1, 2),
        edge(&[one, again], 1, 2),
    ]
    .into()
}

/// The instances of a membership are its keys.
fn atomic_end() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| {
        let other = at(s(1), G, registered_as(InstanceId(1), 1, 1));
        let end = at(s(20), G, ended(1, EXPIRED));
        let given = [&begin()[..], &[other, at(s(20), G, deregistered(1, 2, EXPIRED)), end], given].concat();
        Edge::of(clause, registry_header(&[Invariant::AtomicEnd]), &given)
    };
    let other = |revision| at(s(20), G, deregistered_as(InstanceId(1), 1, revision, EXPIRED));
    [
        edge("ended-at-different-revisions", &[]).holds(other(2)).breaks(other(3)),
        edge("key-outlived-lease", &[]).holds(other(2)),
        edge("key-ended-twice", &[other(2)]).breaks(at(s(21), G, deregistered(1, 2, EXPIRED))),
    ]
    .into()
}
