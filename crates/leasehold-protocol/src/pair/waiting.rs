//! A contender until it holds: what it says of itself, and how it waits.

use leasehold_core::id::OwnerId;

use super::*;
use crate::policy::{AfterWaiting, Identity as SaysItIs};

type Make = fn() -> Box<dyn Node<LeaseProtocol>>;

fn grant(request: u64, incarnation: u32, lease: u64) -> LeaseMessage {
    LeaseMessage::Granted {
        resource: R,
        incarnation: Incarnation(incarnation),
        request: RequestId(request),
        lease: LeaseId(lease),
        token: Token(lease),
        ttl: Span::from_secs(10),
        task: leasehold_core::id::TaskId(0),
    }
}

/// A holder whose grantor is played by the test.
fn alone(make: Make) -> Few {
    let mut few = Few::new();
    few.nodes.remove(&GRANTOR);
    few.add(HOLDER, make);
    few
}

fn tell(few: &mut Few, message: LeaseMessage) {
    few.handle(HOLDER, Input::Received { from: GRANTOR, message });
}

/// When it asked, and by which request.
fn acquires(few: &Few) -> Vec<(i64, u64)> {
    let request = |message: &LeaseMessage| match message {
        LeaseMessage::Acquire { request, .. } => Some(request.0),
        _ => None,
    };
    few.sent.iter().filter_map(|(at, _, m)| request(m).map(|request| (*at, request))).collect()
}

#[test]
fn a_contender_that_was_refused_asks_anew_a_poll_later() {
    let mut few = alone(|| holder(holder_policy()));
    let refused = |request, incarnation| {
        let (incarnation, request) = (Incarnation(incarnation), RequestId(request));
        LeaseMessage::Refused { resource: R, incarnation, request }
    };
    few.run_to(10);
    tell(&mut few, refused(1, 0));
    tell(&mut few, refused(1, 0));
    few.run_to(1_211);
    let [(0, 1), (at, 2)] = acquires(&few)[..] else { panic!("{:?}", acquires(&few)) };
    assert!((1_010..=1_210).contains(&at), "{at}");
    // Neither a late answer to what is finished, nor one to somebody else, is one to what it asks now.
    few.now = at;
    tell(&mut few, refused(1, 0));
    tell(&mut few, refused(2, 7));
    few.run_to(at + 1);
    tell(&mut few, grant(2, 0, 1));
    let claims = few.claims(HOLDER);
    assert!(
        (at + 10_000..=at + 10_001).contains(&claims[0].1),
        "from the request that was answered: {claims:?}"
    );
}

#[test]
fn a_grant_to_a_request_that_was_refused_is_given_back() {
    let mut few = alone(|| holder(holder_policy()));
    tell(&mut few, LeaseMessage::Refused { resource: R, incarnation: Incarnation(0), request: RequestId(1) });
    tell(&mut few, grant(1, 0, 1));
    assert_eq!((few.claims(HOLDER), few.sends(HOLDER, is(Purpose::Release)).len()), (vec![], 1));
}

#[test]
fn a_contender_that_leaves_while_it_bides_its_time_asks_no_more() {
    let mut few = alone(|| holder(holder_policy()));
    tell(&mut few, LeaseMessage::Refused { resource: R, incarnation: Incarnation(0), request: RequestId(1) });
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(5_000);
    assert_eq!(acquires(&few).len(), 1);
    assert_eq!(few.times(HOLDER, |e| matches!(e, NodeEvent::Withdrew { .. })).len(), 1);
}

fn trusting() -> Box<dyn Node<LeaseProtocol>> {
    holder(HolderPolicy { after_waiting: AfterWaiting::Trust, ..holder_policy() })
}

#[test]
fn a_grant_that_was_waited_for_is_confirmed_or_trusted() {
    let after_15_seconds_in_the_queue = |make: Make| {
        let mut few = Few::with_holder();
        few.run_to(100);
        few.add(RIVAL, make);
        few.run_to(15_000);
        few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
        few.run_to(15_050);
        (few.claims(RIVAL), few.sends(RIVAL, is(Purpose::Renew)))
    };
    let (claims, renewals) = after_15_seconds_in_the_queue(|| holder(holder_policy()));
    assert_eq!((claims, renewals), (vec![(15_010, 25_006)], vec![15_006]));
    let (claims, renewals) = after_15_seconds_in_the_queue(trusting);
    assert_eq!((claims, renewals), (vec![(15_006, 25_006)], vec![]), "from its receipt, unasked");
}

#[test]
fn a_grant_is_trusted_only_if_it_was_waited_for() {
    let claim = |queued: bool| {
        let mut few = alone(trusting);
        let (incarnation, request) = (Incarnation(0), RequestId(1));
        if queued {
            tell(&mut few, LeaseMessage::Queued { resource: R, incarnation, request, position: 1 });
        }
        few.run_to(4_000);
        tell(&mut few, grant(1, 0, 1));
        few.claims(HOLDER)[0]
    };
    assert_eq!((claim(true), claim(false)), ((4_000, 14_000), (4_000, 10_000)));
}

/// Two processes of one node, and one of another.
fn owners(make: Make) -> [OwnerId; 3] {
    let mut few = Few::new();
    few.add(HOLDER, make);
    few.kill(HOLDER);
    few.revive(HOLDER);
    few.add(RIVAL, make);
    let owner = |message: &LeaseMessage| match message {
        LeaseMessage::Acquire { owner, .. } => Some(*owner),
        _ => None,
    };
    let owners: Vec<OwnerId> = few.sent.iter().filter_map(|(_, _, m)| owner(m)).collect();
    owners.try_into().unwrap()
}

#[test]
fn an_owner_is_a_process_or_a_node_or_anybody() {
    let process = owners(|| holder(holder_policy()));
    let node = owners(|| holder(HolderPolicy { identity: SaysItIs::Node, ..holder_policy() }));
    let shared = owners(|| holder(HolderPolicy { identity: SaysItIs::Shared, ..holder_policy() }));
    assert!(node[0] == node[1] && node[1] != node[2], "{node:?}");
    assert!(shared[0] == shared[1] && shared[1] == shared[2], "{shared:?}");
    let mut all: Vec<OwnerId> = process.into_iter().chain(node).chain(shared).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6, "three processes, two nodes and anybody, none taken for another");
}

#[test]
fn a_contender_says_how_urgent_it_is_and_how_many_keys_it_wants() {
    let said = |make: Make| {
        let few = alone(make);
        few.sent.iter().find_map(|(_, _, message)| match message {
            LeaseMessage::Acquire { priority, keys, .. } => Some((*priority, *keys)),
            _ => None,
        })
    };
    assert_eq!(said(|| holder(holder_policy())), Some((0, 0)));
    assert_eq!(said(|| holder(HolderPolicy { priority: 7, keys: 3, ..holder_policy() })), Some((7, 3)));
}

/// A grantor may give the lease of a node's old process to its new one.
#[test]
fn a_lease_of_an_earlier_process_is_as_good_as_any() {
    let mut few = alone(|| holder(holder_policy()));
    tell(&mut few, grant(1, 0, 1));
    few.run_to(1_000);
    few.kill(HOLDER);
    few.revive(HOLDER);
    few.run_to(1_004);
    tell(&mut few, grant(1, 1, 1));
    assert_eq!(few.claims(HOLDER), [(0, 10_000), (1_004, 11_000)]);
    few.run_to(4_400);
    let renewed =
        |m: &LeaseMessage| matches!(m, LeaseMessage::Renew { lease: LeaseId(1), token: Token(1), .. });
    assert!(!few.sends(HOLDER, renewed).is_empty());
}
