//! The grantor's policies, each beside its neighbour.

use super::*;
use crate::policy::{Ending, KeysEnd, Queries, RenewalCheck, Renewals, Restart, RevocationStyle, TermsFrom};
use leasehold_core::clock::LocalInstant;
use leasehold_core::event::{Probe, Revocation};

const BASE: fn() -> GrantorPolicy = GrantorPolicy::default;

fn expired(few: &Few) -> Vec<i64> {
    few.ends().into_iter().filter(|(_, cause)| *cause == EndCause::Expired).map(|(at, _)| at).collect()
}

fn probed(few: &Few, probe: Probe) -> usize {
    few.times(GRANTOR, |event| *event == NodeEvent::Probed(probe)).len()
}

/// A message to the grantor, from a node that is not there.
fn tell(few: &mut Few, from: NodeId, message: LeaseMessage) {
    few.handle(GRANTOR, Input::Received { from, message });
}

fn acquire(few: &mut Few, from: NodeId, resource: u32, keys: u32) {
    let (resource, incarnation, request) = (ResourceId(resource), Incarnation(0), RequestId(1));
    let (ttl, owner) = (Span::from_secs(10), OwnerId(u64::from(from.0)));
    let (priority, stamp) = (0, LocalInstant::from_nanos(0));
    let acquire = LeaseMessage::Acquire { resource, incarnation, request, ttl, owner, priority, keys, stamp };
    tell(few, from, acquire);
}

fn renew(few: &mut Few, request: u64) {
    renew_as(few, 1, request);
}

/// A renewal of a lease, by whoever holds the first one, written at 0 by its clock.
fn renew_as(few: &mut Few, lease: u64, request: u64) {
    let (lease, token, request) = (LeaseId(lease), Token(lease), RequestId(request));
    let stamp = LocalInstant::from_nanos(0);
    tell(few, HOLDER, LeaseMessage::Renew { resource: R, lease, token, request, stamp });
}

/// A lease of the holder, which is not there itself, granted at 0 and durable at 1.
fn held(policy: GrantorPolicy) -> Few {
    let mut few = Few::under(policy);
    acquire(&mut few, HOLDER, 0, 0);
    few.run_to(2);
    few
}

#[test]
fn how_a_grantor_notices_that_a_term_is_over() {
    let ended = |expiry| {
        let mut few = held(GrantorPolicy { expiry, ..BASE() });
        few.run_to(20_000);
        expired(&few)
    };
    let every = Span::from_millis(700);
    // The term is over at 10,001, and an end is durable 1 ms later.
    assert_eq!(ended(Expiry::ExactTimer), [10_002]);
    assert_eq!(ended(Expiry::Sweep { every, at_most: None }), [10_501]);
    assert_eq!(ended(Expiry::Buckets { width: Span::from_millis(2_000) }), [12_001]);
}

#[test]
fn a_sweep_that_may_end_only_so_many_leaves_the_rest() {
    let ended = |at_most| {
        let every = Span::from_millis(700);
        let mut few = Few::under(GrantorPolicy { expiry: Expiry::Sweep { every, at_most }, ..BASE() });
        for resource in 0..3 {
            acquire(&mut few, HOLDER, resource, 0);
        }
        few.run_to(20_000);
        (expired(&few), probed(&few, Probe::SweepRateLimited))
    };
    assert_eq!(ended(None), (vec![10_501, 10_501, 10_501], 0));
    assert_eq!(ended(Some(3)), (vec![10_501, 10_501, 10_501], 0));
    assert_eq!(ended(Some(2)), (vec![10_501, 10_501, 11_201], 1));
}

#[test]
fn the_multiplier_lets_more_terms_go_by_than_the_holder_is_told() {
    let mut few = held(GrantorPolicy { ttl_multiplier: 2, ..BASE() });
    few.run_to(30_000);
    assert_eq!(expired(&few), [20_002]);
    let told =
        few.sends(GRANTOR, |m| matches!(m, LeaseMessage::Granted { ttl, .. } if *ttl == Span::from_secs(10)));
    assert_eq!(told.len(), 1);
}

#[test]
fn what_a_restart_does_to_a_lease_that_lives() {
    let ended = |restart| {
        let mut few = held(GrantorPolicy { restart, ..BASE() });
        few.run_to(3_000);
        renew(&mut few, 1);
        few.run_to(4_000);
        few.kill(GRANTOR);
        few.run_to(5_000);
        few.revive(GRANTOR);
        few.run_to(60_000);
        expired(&few)
    };
    assert_eq!(ended(Restart::FullTerm), [15_001]);
    assert_eq!(ended(Restart::Extra(Span::from_secs(3))), [18_001]);
    assert_eq!(ended(Restart::Remaining), [13_001], "counted from the renewal at 3,000");
}

/// Written at 0, decided at 5,000: the lease is over at 10,000 or at 15,000.
#[test]
fn what_a_grantor_counts_terms_from() {
    let ended = |terms_from| {
        let mut few = held(GrantorPolicy { terms_from, clock: ClockKind::Wall, ..BASE() });
        few.run_to(5_000);
        renew(&mut few, 1);
        few.run_to(60_000);
        expired(&few)
    };
    assert_eq!(ended(TermsFrom::OwnTimer), [15_001]);
    assert_eq!(ended(TermsFrom::WritersStamp), [10_001]);
}

/// Another lease than the one that there is: it is said yes to by the name that the holder gave it.
#[test]
fn a_renewal_that_is_taken_by_name_is_acknowledged_by_name() {
    let answers = |renewal_check| {
        let mut few = held(GrantorPolicy { renewal_check, ..BASE() });
        few.run_to(5_000);
        renew_as(&mut few, 7, 1);
        few.run_to(60_000);
        let yes = |m: &LeaseMessage| matches!(m, LeaseMessage::Renewed { lease: LeaseId(7), .. });
        let told = |e: &NodeEvent| {
            matches!(
                e,
                NodeEvent::RenewalTaken { lease: LeaseId(1), by: HOLDER, named_lease: LeaseId(7), .. }
            )
        };
        (few.sends(GRANTOR, yes).len(), few.times(GRANTOR, told).len(), expired(&few))
    };
    assert_eq!(answers(RenewalCheck::LeaseAndToken), (0, 0, vec![10_002]));
    assert_eq!(answers(RenewalCheck::HolderName), (1, 1, vec![15_001]));
    assert_eq!(answers(RenewalCheck::Nothing), (1, 1, vec![15_001]));
}

/// A renewal that is on its way to the disk when the lease is revoked.
fn acknowledged(renewals: Renewals) -> (Vec<i64>, usize) {
    let mut few = held(GrantorPolicy { renewals, revocation: RevocationStyle::AtOnce, ..BASE() });
    few.run_to(1_000);
    renew(&mut few, 1);
    few.run_to(2_000);
    renew(&mut few, 2);
    few.handle(GRANTOR, Input::Command(LeaseCommand::Revoke));
    few.run_to(3_000);
    let refused = few.sends(GRANTOR, |m| matches!(m, LeaseMessage::RenewRefused { .. })).len();
    assert_eq!(
        few.times(GRANTOR, |e| matches!(e, NodeEvent::RenewalAcknowledged { .. })),
        few.sends(GRANTOR, |m| matches!(m, LeaseMessage::Renewed { .. })),
    );
    (few.times(GRANTOR, |e| matches!(e, NodeEvent::RenewalAcknowledged { .. })), refused)
}

#[test]
fn when_a_renewal_is_answered() {
    assert_eq!(acknowledged(Renewals::AtOnce), (vec![1_000, 2_000], 0), "the second came before the end");
    assert_eq!(acknowledged(Renewals::OnceDurable), (vec![1_001], 1));
    assert_eq!(acknowledged(Renewals::OnceDurableUnchecked), (vec![1_001, 2_001], 0));
}

#[test]
fn a_renewal_that_comes_twice_or_late_is_noticed() {
    let mut few = held(BASE());
    for (request, out_of_order) in [(1, 0), (2, 0), (2, 1), (1, 2), (3, 2)] {
        renew(&mut few, request);
        assert_eq!(probed(&few, Probe::RenewalOutOfOrder), out_of_order, "request {request}");
    }
}

/// A lease that is over at 10,001, when the disk takes 25 s for a write.
fn ended_slowly(ending: Ending) -> (Vec<i64>, usize, usize) {
    let mut few = held(GrantorPolicy { ending, ..BASE() });
    few.disk = 25_000;
    few.run_to(100_000);
    let asked = few.times(GRANTOR, |e| matches!(e, NodeEvent::EndOrdered { .. })).len();
    (expired(&few), probed(&few, Probe::EndGivenUp), asked)
}

#[test]
fn an_end_is_tried_for_ever_or_given_up() {
    let patience = Span::from_secs(10);
    assert_eq!(ended_slowly(Ending { patience, attempts: None }), (vec![35_001], 0, 1));
    assert_eq!(ended_slowly(Ending { patience, attempts: Some(3) }), (vec![35_001], 0, 1));
    assert_eq!(ended_slowly(Ending { patience, attempts: Some(2) }), (vec![], 1, 1));
}

/// Whoever released it is not told that it is gone.
#[test]
fn a_release_whose_end_is_given_up_is_not_answered() {
    let answers = |attempts| {
        let mut few =
            held(GrantorPolicy { ending: Ending { patience: Span::from_secs(10), attempts }, ..BASE() });
        few.disk = 25_000;
        few.run_to(1_000);
        let (lease, token, request) = (LeaseId(1), Token(1), RequestId(1));
        tell(&mut few, HOLDER, LeaseMessage::Release { resource: R, lease, token, request, done: false });
        few.run_to(100_000);
        few.sends(GRANTOR, |m| matches!(m, LeaseMessage::Released { .. }))
    };
    assert_eq!(answers(None), [26_000]);
    assert_eq!(answers(Some(2)), []);
}

/// At which revisions the keys of a lease end, and at which it was granted.
fn keys_end(keys: KeysEnd) -> (Vec<u64>, Vec<u64>) {
    let mut few = Few::under(GrantorPolicy { keys, ..BASE() });
    acquire(&mut few, HOLDER, 0, 3);
    few.run_to(20_000);
    let revisions = |wanted: fn(&NodeEvent) -> Option<u64>| {
        few.events.iter().filter_map(|(_, _, event)| wanted(event)).collect()
    };
    let attached = revisions(|event| match event {
        NodeEvent::KeyAttached { revision, .. } => Some(*revision),
        _ => None,
    });
    let ended = revisions(|event| match event {
        NodeEvent::KeyEnded { revision, .. } => Some(*revision),
        _ => None,
    });
    (attached, ended)
}

#[test]
fn keys_end_together_or_one_by_one() {
    assert_eq!(keys_end(KeysEnd::Together), (vec![1, 1, 1], vec![2, 2, 2]));
    assert_eq!(keys_end(KeysEnd::OneByOne), (vec![1, 1, 1], vec![3, 4, 5]));
}

#[test]
fn a_revision_is_used_once_also_for_keys() {
    let mut few = Few::under(GrantorPolicy { keys: KeysEnd::OneByOne, ..BASE() });
    acquire(&mut few, HOLDER, 0, 3);
    few.run_to(20_000);
    few.kill(GRANTOR);
    few.revive(GRANTOR);
    acquire(&mut few, RIVAL, 0, 1);
    few.run_to(21_000);
    let attached = |e: &NodeEvent| matches!(e, NodeEvent::KeyAttached { revision: 6, .. });
    assert_eq!(few.times(GRANTOR, attached).len(), 1, "after the last key, which ended at 5");
}

#[test]
fn a_wish_for_a_term_is_met_within_the_limits() {
    let granted = |ttl| {
        let mut few = Few::under(BASE());
        let (incarnation, request) = (Incarnation(0), RequestId(1));
        let acquire = LeaseMessage::Acquire {
            resource: R,
            incarnation,
            request,
            ttl,
            owner: OwnerId(0),
            priority: 0,
            keys: 0,
            stamp: LocalInstant::from_nanos(0),
        };
        tell(&mut few, HOLDER, acquire);
        few.run_to(2);
        few.sent.iter().find_map(|(_, _, message)| match message {
            LeaseMessage::Granted { ttl, .. } => Some(*ttl),
            _ => None,
        })
    };
    assert_eq!(granted(Span::from_millis(50)), Some(Span::from_millis(100)));
    assert_eq!(granted(Span::from_secs(10)), Some(Span::from_secs(10)));
    assert_eq!(granted(Span::from_secs(2 * 86_400)), Some(Span::from_secs(86_400)));
}

#[test]
fn an_administrator_revokes() {
    let revoked = |revocation| {
        let mut few = held(GrantorPolicy { revocation, ..BASE() });
        few.run_to(1_000);
        few.handle(GRANTOR, Input::Command(LeaseCommand::Revoke));
        few.run_to(20_000);
        let told = few.sends(GRANTOR, |m| matches!(m, LeaseMessage::Revoked { .. })).len();
        (few.ends(), told)
    };
    let cause = EndCause::Revoked { reason: Revocation::Administrator };
    assert_eq!(revoked(RevocationStyle::Drain), (vec![(10_002, cause)], 1), "nobody gave it back");
    assert_eq!(revoked(RevocationStyle::AtOnce), (vec![(1_001, cause)], 0));
}

#[test]
fn a_lock_delay_is_waited_out_also_by_a_restarted_grantor() {
    let granted = |restart: bool| {
        let mut few = held(GrantorPolicy { lock_delay: Span::from_secs(5), ..BASE() });
        acquire(&mut few, RIVAL, 0, 0);
        few.run_to(12_000);
        if restart {
            few.kill(GRANTOR);
            few.revive(GRANTOR);
            acquire(&mut few, RIVAL, 0, 0);
            assert_eq!(probed(&few, Probe::AcquiredDuringLockDelay), 1);
        }
        few.run_to(30_000);
        few.times(GRANTOR, |e| matches!(e, NodeEvent::Granted { holder: RIVAL, .. }))
    };
    // The end is durable at 10,002.
    assert_eq!(granted(false), [15_003]);
    assert_eq!(granted(true), [17_001]);
}

/// What the rival is shown who asks at these times, while the lease of the holder ends at 10,001.
fn shown(policy: GrantorPolicy, times: &[i64]) -> Vec<Option<u64>> {
    let mut few = held(policy);
    for (n, &at) in (1..).zip(times) {
        few.run_to(at);
        tell(
            &mut few,
            RIVAL,
            LeaseMessage::Query { resource: R, incarnation: Incarnation(3), request: RequestId(n) },
        );
    }
    let answers = few.sent.iter().filter_map(|(_, _, message)| match message {
        LeaseMessage::Answer { incarnation: Incarnation(3), answer, .. } => {
            Some(answer.map(|answer| answer.lease.0))
        }
        _ => None,
    });
    answers.collect()
}

#[test]
fn who_holds_is_answered_from_the_table_or_from_a_copy_while_that_lives() {
    let times = [9_000, 11_000, 12_999, 13_000];
    assert_eq!(shown(BASE(), &times), [Some(1), None, None, None]);
    let from_copy = GrantorPolicy { queries: Queries::FromCopy, copy_lifetime: Span::from_secs(4), ..BASE() };
    assert_eq!(shown(from_copy, &times), [Some(1), Some(1), Some(1), None]);
}
