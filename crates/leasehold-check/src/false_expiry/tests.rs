//! Event lists that violate I12, and such as just do not.

use super::*;
use crate::invariant::Invariant;
use crate::report::InvariantReport;
use crate::script::registry::*;
use crate::script::*;

const EXPIRED_ALIVE: &str = "live-member-expired";

/// A lease at 1 s whose expiry is ordered at 30 s, and what happens in between.
fn judged(between: &[Event]) -> InvariantReport {
    let begin = [at(s(1), G, granted(1, A)), at(s(1), G, registered(1, 1))];
    let end = [at(s(30), G, end_ordered(1, EXPIRED)), at(s(30), G, ended(1, EXPIRED))];
    report_of_registry(Invariant::FalseExpiry, &[&begin[..], between, &end].concat(), s(100))
}

/// Heartbeats that leave at these seconds; all but those lost arrive at once.
fn heartbeats(sent: &[(u64, bool)]) -> std::vec::Vec<Event> {
    let mut events = std::vec![];
    for (number, (second, arrives)) in (0..).zip(sent) {
        events.push(at(s(*second), A, heartbeat_sent(1, number)));
        if *arrives {
            events.push(at(s(*second), G, heartbeat_arrived(1, number)));
        } else {
            events.push(at(s(*second), A, HEARTBEAT_LOST));
        }
    }
    events
}

#[test]
fn no_lease_of_a_live_member_expires() {
    assert_eq!(judged(&[]).clauses(), [EXPIRED_ALIVE], "it sent no heartbeat, for whatever reason");
    assert_eq!(judged(&heartbeats(&[(10, true)])).clauses(), [EXPIRED_ALIVE], "it waited in the registry");
    let report = judged(&heartbeats(&[(10, true)]));
    assert!(matches!(report.evidence[0].evidence[1], Fact::HeartbeatArrived { at, .. } if at == s(10)));
    assert_eq!(report.evidence[0].nodes, [G, A]);
}

#[test]
fn as_many_heartbeats_may_be_lost_in_a_row_as_are_declared() {
    let lost = |n: usize| {
        let mut sent = [(10, true)].to_vec();
        sent.extend((0..n as u64).map(|n| (12 + n, false)));
        judged(&heartbeats(&sent)).counts()
    };
    assert_eq!(lost(2), (1, 0, 1));
    assert_eq!(lost(3), (0, 1, 0));
    let not_in_a_row =
        heartbeats(&[(10, false), (11, false), (12, true), (13, false), (14, false), (15, true)]);
    assert_eq!(judged(&not_in_a_row).counts(), (1, 0, 1));
    let counted_since = [heartbeats(&[(10, false), (11, false), (12, false), (13, true)]), {
        std::vec![at(s(14), G, renewed(1))]
    }];
    assert_eq!(judged(&counted_since.concat()).counts(), (1, 0, 1), "what was before is forgotten");
}

/// An engine tells of a loss as the message leaves, and the member of having sent it after that.
#[test]
fn a_first_heartbeat_that_was_lost_before_it_was_told_of_counts() {
    let told_late = |n: u64| {
        let one = |n| [at(s(10 + n), A, HEARTBEAT_LOST), at(s(10 + n), A, heartbeat_sent(1, n))];
        judged(&(0..n).flat_map(one).collect::<std::vec::Vec<_>>()).counts()
    };
    assert_eq!(told_late(2), (1, 0, 1));
    assert_eq!(told_late(3), (0, 1, 0));
}

/// The delay of the script is a second.
#[test]
fn a_heartbeat_may_take_as_long_as_is_declared() {
    let arrives = |when| {
        let sent = at(s(20), A, heartbeat_sent(1, 0));
        judged(&[sent, at(when, G, heartbeat_arrived(1, 0))]).counts()
    };
    assert_eq!(arrives(s(21)), (1, 0, 1));
    assert_eq!(arrives(just_after(s(21))), (0, 1, 0));
    let under_way = |when| judged(&[at(when, A, heartbeat_sent(1, 0))]).counts();
    assert_eq!(under_way(s(29)), (1, 0, 1));
    assert_eq!(under_way(just_before(s(29))), (0, 1, 0), "the network keeps it");
    let kept_and_next = [at(s(20), A, heartbeat_sent(1, 0)), at(s(30), A, heartbeat_sent(1, 1))];
    assert_eq!(judged(&kept_and_next).counts(), (0, 1, 0), "the next has just left");
    let overtaken = [
        at(s(20), A, heartbeat_sent(1, 0)),
        at(s(21), A, heartbeat_sent(1, 1)),
        at(s(21), G, heartbeat_arrived(1, 1)),
    ];
    assert_eq!(judged(&overtaken).counts(), (1, 0, 1));
}

/// No process stands still for more than 3 s.
#[test]
fn a_process_may_stand_still_for_as_long_as_is_declared() {
    for node in [A, G] {
        for stop in [PAUSED, SUSPENDED] {
            let stood = |until| judged(&[at(s(20), node, stop), at(until, node, RESUMED)]).counts();
            assert_eq!(stood(s(23)), (1, 0, 1));
            assert_eq!(stood(just_after(s(23))), (0, 1, 0));
            let still = |since| judged(&[at(since, node, stop)]).counts();
            assert_eq!(still(s(27)), (1, 0, 1));
            assert_eq!(still(just_before(s(27))), (0, 1, 0));
        }
        let slow = at(s(20), node, WorldEvent::Throttled);
        assert_eq!(judged(&[slow]).counts(), (0, 1, 0));
        assert_eq!(judged(&[slow, at(s(21), node, WorldEvent::Unthrottled)]).counts(), (0, 1, 0));
        let back = [at(s(20), node, CRASHED), at(s(21), node, RESTARTED)];
        assert_eq!(judged(&back).counts(), (0, 1, 0));
        let long_ago = [&back[..], &[at(s(23), G, renewed(1))]].concat();
        assert_eq!(judged(&long_ago).counts(), (1, 0, 1), "a heartbeat was counted since");
    }
    assert_eq!(judged(&[at(s(20), C, PAUSED)]).counts(), (1, 0, 1), "somebody else");
}

#[test]
fn the_dead_and_those_who_left_are_right_to_expire() {
    let left = [
        at(s(20), A, CRASHED),
        at(s(20), A, deregistration_sent(1)),
        at(s(20), A, WORK_STOPPED),
        at(s(20), A, claim_ended(1, LET_GO)),
    ];
    for event in left {
        assert_eq!(judged(&[event]).counts(), (1, 0, 0), "{event:?}");
    }
    assert_eq!(judged(&[at(s(20), A, claim_ended(1, LAPSED))]).counts(), (1, 0, 1), "not of its own will");
    assert_eq!(judged(&[at(s(20), A, claim_ended(2, LET_GO))]).counts(), (1, 0, 1), "another claim");
    assert_eq!(judged(&[at(s(20), A, deregistration_sent(2))]).counts(), (1, 0, 1), "another lease");
    let works_again = [at(s(20), A, WORK_STOPPED), at(s(21), A, WORK_WENT_ON)];
    assert_eq!(judged(&works_again).counts(), (0, 1, 0));
}

#[test]
fn who_never_heard_of_his_lease_sends_no_heartbeat() {
    let unanswered = at(s(2), G, lost(A, Purpose::Acquire, Leg::Reply));
    assert_eq!(judged(&[unanswered]).counts(), (0, 1, 0));
    let knows = [unanswered, at(s(20), A, heartbeat_sent(1, 0)), at(s(20), G, heartbeat_arrived(1, 0))];
    assert_eq!(judged(&knows).counts(), (1, 0, 1));
    assert_eq!(judged(&[at(s(2), A, delaying())]).counts(), (0, 1, 0));
    assert_eq!(judged(&[at(s(2), C, delaying())]).counts(), (1, 0, 1), "messages of another");
}

#[test]
fn who_heard_of_his_lease_late_may_be_late_with_the_first_heartbeat() {
    let first = at(s(29), A, heartbeat_sent(1, 0));
    let unanswered = at(s(2), G, lost(A, Purpose::Acquire, Leg::Reply));
    assert_eq!(judged(&[unanswered, first]).counts(), (0, 1, 0));
    assert_eq!(judged(&[at(s(2), A, delaying()), at(s(29), A, healed()), first]).counts(), (0, 1, 0));
    assert_eq!(judged(&[first]).counts(), (1, 0, 1), "nothing kept it from hearing");
    let arrived = |sent| {
        let late = [at(s(2), A, delaying()), at(s(28), A, healed())];
        let waits = [at(sent, A, heartbeat_sent(1, 0)), at(s(29), G, heartbeat_arrived(1, 0))];
        judged(&[late, waits].concat()).counts()
    };
    assert_eq!(arrived(s(29)), (0, 1, 0), "it may still wait its turn");
    assert_eq!(arrived(just_before(s(29))), (1, 0, 1), "it waited for too long");
}

/// The next process knows nothing of the lease.
#[test]
fn a_heartbeat_may_outlive_the_process_that_sent_it() {
    let back = [at(s(6), A, CRASHED), at(s(7), A, RESTARTED)];
    let arrives = [at(s(20), G, heartbeat_arrived(1, 0)), at(s(20), G, renewed(1))];
    let events = |sent| [&[at(sent, A, heartbeat_sent(1, 0))], &back[..], &arrives].concat();
    assert_eq!(judged(&events(s(5))).counts(), (0, 1, 0));
    let sent_since = [&back[..], &[at(s(8), A, heartbeat_sent(1, 0))], &arrives].concat();
    assert_eq!(judged(&sent_since).counts(), (1, 0, 1));
}

#[test]
fn lost_probes_count_where_no_heartbeats_are_sent() {
    let probes = |n: u64| {
        let lost = |n| at(s(10 + n), G, lost(A, Purpose::Probe, Leg::Request));
        judged(&(0..n).map(lost).collect::<std::vec::Vec<_>>()).counts()
    };
    assert_eq!(probes(2), (1, 0, 1));
    assert_eq!(probes(3), (0, 1, 0));
}

#[test]
fn a_sidecar_may_have_missed_a_word_of_its_application() {
    let events = |more: Event| {
        let begin = [at(s(1), G, granted(1, B)), at(s(1), G, registered(1, 1))];
        let beat = [at(s(20), B, heartbeat_sent(1, 0)), at(s(20), G, heartbeat_arrived(1, 0))];
        let end = at(s(30), G, end_ordered(1, EXPIRED));
        let events = [&begin[..], &beat, &[more, end]].concat();
        report_of_registry(Invariant::FalseExpiry, &events, s(100)).counts()
    };
    assert_eq!(events(at(s(25), A, lost(B, Purpose::Other, Leg::Request))), (1, 1, 0));
    assert_eq!(events(at(s(25), A, delaying())), (1, 1, 0));
    assert_eq!(events(at(s(25), A, CRASHED)), (2, 0, 0));
    assert_eq!(events(at(s(25), B, CRASHED)), (2, 0, 0));
    assert_eq!(events(at(s(25), C, CRASHED)), (2, 0, 1));
}

/// A lease at 1 s whose instance is listed as critical at 60 s, and what happens in between.
fn marked(between: &[Event]) -> std::vec::Vec<&'static str> {
    let begin = [at(s(1), G, granted(1, A)), at(s(1), G, registered(1, 1))];
    let end = at(s(60), G, status(1, Status::Critical, 2));
    let events = [&begin[..], between, &[end]].concat();
    report_of_registry(Invariant::FalseExpiry, &events, s(100)).clauses()
}

/// Heartbeats are counted anew under each lease. Whatever else is known of the member stays known.
#[test]
fn the_first_heartbeat_under_a_lease_forgets_nothing_else() {
    let first = |when| [at(when, A, heartbeat_sent(1, 0)), at(when, G, heartbeat_arrived(1, 0))];
    let probes = |n: u64, second| {
        let lost = |n| at(s(second + n), G, lost(A, Purpose::Probe, Leg::Request));
        (0..n).map(lost).collect::<std::vec::Vec<_>>()
    };
    let expired_after = |n| judged(&[&probes(n, 10)[..], &first(s(20))].concat()).counts();
    assert_eq!((expired_after(2), expired_after(3)), ((1, 0, 1), (0, 1, 0)));
    let left = [at(s(5), A, heartbeat_sent(1, 0)), at(s(20), A, deregistration_sent(1))];
    let again = [at(s(21), G, granted(2, A)), at(s(22), A, heartbeat_sent(2, 0))];
    assert_eq!(judged(&[left, again].concat()).counts(), (2, 0, 0), "it left the first");

    let marked_after = |before: &[Event]| marked(&[before, &first(s(55))].concat());
    assert_eq!(marked_after(&probes(1, 50)), ["able-instance-taken-out"]);
    assert_eq!(marked_after(&probes(2, 50)), [""; 0]);
    let flapped = [at(s(30), A, ready(Health::NotReady)), at(s(35), A, ready(Health::Ready))];
    assert_eq!(marked_after(&flapped[..1]), [""; 0], "it is still unable");
    assert_eq!(marked_after(&flapped), [""; 0], "it was");
}

#[test]
fn an_able_instance_is_not_taken_out() {
    let one = at(s(50), G, lost(A, Purpose::Probe, Leg::Reply));
    assert_eq!(marked(&[one]), ["able-instance-taken-out"], "one lost probe");
    assert_eq!(marked(&[one; 2]), [""; 0], "one may be lost, of heartbeats two");
    let counted =
        [at(s(50), A, heartbeat_sent(1, 0)), at(s(50), G, heartbeat_arrived(1, 0)), at(s(50), G, renewed(1))];
    let around = |probe: Event| [&[probe][..], &counted, &[one]].concat();
    assert_eq!(marked(&around(one)), [""; 0], "a heartbeat is no answer to a probe");
    let in_time = at(s(34), G, lost(A, Purpose::Probe, Leg::Reply));
    assert_eq!(marked(&around(in_time)), [""; 0], "two probes take as long");
    let long_ago = at(just_before(s(34)), G, lost(A, Purpose::Probe, Leg::Reply));
    assert_eq!(marked(&around(long_ago)), ["able-instance-taken-out"], "that was too long ago");
    let just_not = at(s(35), G, lost(A, Purpose::Probe, Leg::Reply));
    assert_eq!(marked(&around(just_not)), [""; 0], "25 s are what it may take to exclude the dead");
    let beat = [at(s(25), A, heartbeat_sent(1, 0)), at(s(25), G, heartbeat_arrived(1, 0))];
    let late_until = |until| {
        let kept = [at(s(20), G, delaying()), at(until, G, healed())];
        marked(&[&kept[..1], &beat, &[at(s(25), G, renewed(1))], &kept[1..]].concat())
    };
    assert_eq!(late_until(s(40)), [""; 0], "probes may be late, and no event says so");
    assert_eq!(late_until(s(30)), ["able-instance-taken-out"], "that was too long ago");
    let unable = at(s(30), A, ready(Health::NotReady));
    assert_eq!(marked(&[unable]), [""; 0]);
    let flapped = |until| marked(&[unable, at(until, A, ready(Health::Ready))]);
    assert_eq!(flapped(s(35)), [""; 0], "the registry may take as long as it takes for the dead");
    assert_eq!(flapped(just_before(s(35))), ["able-instance-taken-out"]);
    assert_eq!(marked(&[at(s(40), A, CRASHED)]), [""; 0]);
    let stalled = |node| {
        let disk = Assumption::DiskTimely;
        [at(s(10), node, broken(disk)), at(s(59), node, restored(disk))]
    };
    assert_eq!(marked(&stalled(G)), [""; 0], "it may have been decided long before it was durable");
    assert_eq!(marked(&stalled(A)), ["able-instance-taken-out"], "another disk");
    let revoked = EndCause::Revoked { reason: Revocation::HealthCheck };
    let events = [at(s(1), G, granted(1, A)), at(s(30), G, end_ordered(1, revoked))];
    let report = report_of_registry(Invariant::FalseExpiry, &events, s(100));
    assert_eq!(report.clauses(), ["able-instance-taken-out"]);
    let slow = at(s(20), G, broken(Assumption::DiskTimely));
    let report = report_of_registry(Invariant::FalseExpiry, &[events[0], slow, events[1]], s(100));
    assert_eq!(report.clauses(), ["able-instance-taken-out"], "an order waits for no disk");
}

#[test]
fn the_budget_is_used_up_first() {
    let mut header = registry_header(&[Invariant::FalseExpiry]);
    let mut bounds = discovery_bounds();
    bounds.envelope.budget = 1;
    header.bounds.discovery = Some(bounds);
    let wrongly = |n, cause| [at(s(n), G, granted_to_member(n)), at(s(n + 30), G, end_ordered(n, cause))];
    let unfit = EndCause::Revoked { reason: Revocation::HealthCheck };
    for (one, other) in [(EXPIRED, EXPIRED), (EXPIRED, unfit), (unfit, EXPIRED), (unfit, unfit)] {
        let (one, other) = (wrongly(1, one), wrongly(2, other));
        let two = [one[0], other[0], one[1], other[1]];
        let violations = |events: &[Event]| judgement_with(&header, events, s(40)).invariants[0].violations;
        assert_eq!((violations(&two[..3]), violations(&two)), (0, 1));
    }
}
