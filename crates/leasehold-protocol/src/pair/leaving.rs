//! How a holder ends: it leaves, or its lease is wanted back.

use super::*;
use crate::policy::Leave;

type Make = fn() -> Box<dyn Node<LeaseProtocol>>;

fn stops_first() -> Box<dyn Node<LeaseProtocol>> {
    holder(holder_policy())
}

fn releases_first() -> Box<dyn Node<LeaseProtocol>> {
    holder(HolderPolicy { leave: Leave::ReleaseThenStop, ..holder_policy() })
}

fn after(few: &Few, since: i64, wanted: Purpose) -> Vec<i64> {
    few.sends(HOLDER, is(wanted)).into_iter().filter(|&at| at > since).collect()
}

/// It holds, and is told to leave at 1 s. What is sent from then on meets the network.
fn leaves(make: Make, network: fn(NodeId, NodeId, &LeaseMessage) -> Way) -> Few {
    let mut few = Few::new();
    few.add(HOLDER, make);
    few.run_to(1_000);
    few.on_network(network);
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few
}

#[test]
fn a_holder_stops_before_it_releases_or_when_that_is_answered() {
    for (make, end) in [(stops_first as Make, 1_000), (releases_first, 1_005)] {
        let mut few = leaves(make, |_, _, _| Way::Arrives);
        few.run_to(3_000);
        assert_eq!(few.claim_ends(HOLDER), [(end, ClaimEnd::Released)]);
        assert_eq!(few.sends(HOLDER, is(Purpose::Release)), [1_000], "answered, so sent once");
        assert_eq!(few.ends(), [(1_003, EndCause::Released { by: HOLDER })]);
        assert_eq!(few.times(HOLDER, |e| matches!(e, NodeEvent::Withdrew { .. })), [1_000]);
        assert_eq!((after(&few, end, Purpose::Write), after(&few, 0, Purpose::Acquire)), (vec![], vec![]));
    }
}

fn releases_get_lost(_: NodeId, _: NodeId, message: &LeaseMessage) -> Way {
    if message.class().0 == Purpose::Release { Way::Lost } else { Way::Arrives }
}

#[test]
fn a_holder_that_releases_first_works_until_its_deadline_if_nobody_answers() {
    let mut few = leaves(stops_first, releases_get_lost);
    few.run_to(12_000);
    assert_eq!(few.claim_ends(HOLDER), [(1_000, ClaimEnd::Released)]);
    assert_eq!(after(&few, 1_000, Purpose::Write), []);

    let mut few = leaves(releases_first, releases_get_lost);
    few.run_to(13_000);
    assert_eq!(few.claim_ends(HOLDER), [(10_000, ClaimEnd::Released)]);
    assert!(*after(&few, 1_000, Purpose::Write).last().unwrap() > 9_900);
    assert_eq!(after(&few, 1_000, Purpose::Renew), [], "it renews no more");
    assert!(!after(&few, 10_000, Purpose::Release).is_empty(), "and goes on asking");
    few.on_network(|_, _, _| Way::Arrives);
    few.run_to(20_000);
    assert_eq!(after(&few, 16_000, Purpose::Release), [], "until it is answered");
    assert_eq!(after(&few, 0, Purpose::Acquire), []);
}

#[test]
fn a_renewal_under_way_does_not_keep_a_leaving_holder() {
    let mut few = Few::new();
    few.add(HOLDER, releases_first);
    few.run_to(3_333);
    few.on_network(releases_get_lost);
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(12_000);
    assert_eq!(few.claims(HOLDER).len(), 1, "the answer comes after the release was sent");
    assert_eq!(few.claim_ends(HOLDER), [(10_000, ClaimEnd::Released)]);
}

#[test]
fn a_leaving_holder_that_is_told_that_its_lease_is_gone_stops_and_does_not_contend() {
    let refused = LeaseMessage::RenewRefused { lease: LeaseId(1), request: RequestId(9) };
    let fenced = LeaseMessage::Fenced { incarnation: Incarnation(0), op: OpId(0), mark: Token(9) };
    for message in [refused, LeaseMessage::Revoked { lease: LeaseId(1) }, fenced] {
        let mut few = leaves(releases_first, releases_get_lost);
        // A read is under way.
        few.run_to(2_006);
        let message = match message {
            LeaseMessage::Fenced { incarnation, mark, .. } => {
                let op = few.sent.iter().rev().find_map(|(_, _, message)| match message {
                    LeaseMessage::Read { op, .. } | LeaseMessage::Write { op, .. } => Some(*op),
                    _ => None,
                });
                LeaseMessage::Fenced { incarnation, op: op.unwrap(), mark }
            }
            other => other,
        };
        few.on_network(|_, _, _| Way::Lost);
        few.under_way.clear();
        few.handle(HOLDER, Input::Received { from: GRANTOR, message });
        few.run_to(8_000);
        assert_eq!(few.claim_ends(HOLDER).len(), 1, "{message:?}");
        assert_eq!(few.claim_ends(HOLDER)[0].0, 2_006, "{message:?}");
        assert!(!after(&few, 2_006, Purpose::Release).is_empty());
        few.on_network(|_, _, _| Way::Arrives);
        few.run_to(14_000);
        assert_eq!((after(&few, 0, Purpose::Acquire), few.ends().len()), (vec![], 1));
    }
}

#[test]
fn a_lease_that_is_not_confirmed_is_given_back_at_once() {
    for make in [stops_first as Make, releases_first] {
        let mut few = Few::new();
        few.on_network(|_, _, message| match message {
            LeaseMessage::Granted { .. } => Way::ArrivesAfter(10_500),
            LeaseMessage::Renew { .. } => Way::Lost,
            _ => Way::Arrives,
        });
        few.add(HOLDER, make);
        few.run_to(10_600);
        few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
        few.run_to(20_000);
        assert_eq!((few.claims(HOLDER), few.claim_ends(HOLDER)), (vec![], vec![]));
        assert_eq!(few.sends(HOLDER, is(Purpose::Release))[0], 10_600);
    }
}

/// What the grantor says when it wants a lease back.
fn revoke(few: &mut Few, lease: u64) {
    few.handle(
        HOLDER,
        Input::Received { from: GRANTOR, message: LeaseMessage::Revoked { lease: LeaseId(lease) } },
    );
}

#[test]
fn a_revoked_lease_is_given_back_before_the_holder_contends_anew() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    revoke(&mut few, 7);
    assert_eq!(few.claim_ends(HOLDER), [], "another lease");
    few.on_network(releases_get_lost);
    revoke(&mut few, 1);
    revoke(&mut few, 1);
    few.run_to(2_000);
    assert_eq!(few.claim_ends(HOLDER), [(1_000, ClaimEnd::ToldLost)]);
    assert!(after(&few, 999, Purpose::Release).len() > 1, "it asks until it is answered");
    assert_eq!((after(&few, 1_000, Purpose::Write), after(&few, 0, Purpose::Acquire)), (vec![], vec![]));
    let undone = |m: &LeaseMessage| matches!(m, LeaseMessage::Release { done: false, lease: LeaseId(1), .. });
    assert_eq!(few.sends(HOLDER, undone), few.sends(HOLDER, is(Purpose::Release)));
    few.on_network(|_, _, _| Way::Arrives);
    few.run_to(5_000);
    let [(ended, EndCause::Released { by: HOLDER })] = few.ends()[..] else { panic!("released") };
    assert_eq!(after(&few, 0, Purpose::Acquire), [ended + DELAY], "as soon as it is answered");
    assert_eq!(few.claims(HOLDER)[1].0, ended + DELAY + 5);
}

#[test]
fn a_holder_that_is_to_leave_while_it_gives_a_lease_back_does_not_come_back() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    revoke(&mut few, 1);
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(5_000);
    assert_eq!((few.ends().len(), after(&few, 0, Purpose::Acquire)), (1, vec![]));
    assert_eq!(few.times(HOLDER, |e| matches!(e, NodeEvent::Withdrew { .. })), [1_000]);
}
