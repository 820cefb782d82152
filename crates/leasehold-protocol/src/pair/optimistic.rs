//! Writers without a lease.

use super::*;
use crate::OptimisticWriter;
use crate::policy::{Backoff, WorkKind, Writes};

const OTHER: NodeId = RIVAL;

fn writer() -> Box<dyn Node<LeaseProtocol>> {
    let (first, cap) = (Span::from_millis(100), Span::from_millis(300));
    let policy = HolderPolicy { retry: Backoff { first, cap, jitter_ppm: 0 }, ..holder_policy() };
    let work = WorkPolicy { kind: WorkKind::Optimistic, ..WorkPolicy::default() };
    Box::new(OptimisticWriter::new(&policy, work, R, RESOURCE))
}

fn register(writes: Writes) -> Box<dyn Node<LeaseProtocol>> {
    Box::new(Resource::new(R, ResourcePolicy { fence: Fence::None, writes, ..ResourcePolicy::default() }))
}

/// A resource that takes such writes, and no grantor: nobody needs one.
fn around(writes: fn() -> Box<dyn Node<LeaseProtocol>>) -> Few {
    let mut few = Few::new();
    few.nodes.remove(&GRANTOR);
    few.nodes.remove(&RESOURCE);
    few.add(RESOURCE, writes);
    few
}

fn compares() -> Box<dyn Node<LeaseProtocol>> {
    register(Writes::CompareAndSet)
}

fn takes_any() -> Box<dyn Node<LeaseProtocol>> {
    register(Writes::Any)
}

/// A writer whose resource is played by the test, and which has just sent its first read.
fn alone() -> Few {
    let mut few = around(compares);
    few.nodes.remove(&RESOURCE);
    few.add(HOLDER, writer);
    few
}

fn tell(few: &mut Few, message: LeaseMessage) {
    few.handle(HOLDER, Input::Received { from: RESOURCE, message });
}

fn shown(incarnation: u32, op: u64, version: u64) -> LeaseMessage {
    let (incarnation, op, version) = (Incarnation(incarnation), OpId(op), Version(version));
    LeaseMessage::ReadDone { incarnation, op, version, value: 3 }
}

fn refused(op: u64) -> LeaseMessage {
    LeaseMessage::Conflict { incarnation: Incarnation(0), op: OpId(op), latest: Version(9) }
}

fn done(op: u64) -> LeaseMessage {
    LeaseMessage::WriteDone { incarnation: Incarnation(0), op: OpId(op), version: Version(9) }
}

/// Lost updates, and all updates.
fn updates(few: &Few) -> (usize, usize) {
    let accepted = |event: &NodeEvent| match event {
        NodeEvent::EffectAccepted { replaced, based_on, .. } => Some(*based_on != Some(*replaced)),
        _ => None,
    };
    let all: Vec<bool> = few.events.iter().filter_map(|(_, _, event)| accepted(event)).collect();
    (all.iter().filter(|is_lost| **is_lost).count(), all.len())
}

#[test]
fn it_reads_thinks_writes_and_rests_and_asks_nobody_for_a_lease() {
    let mut few = around(compares);
    few.add(HOLDER, writer);
    few.run_to(80);
    // A round trip and 5 of thought; a round trip and the disk; 20 of rest, from when it is done.
    assert_eq!(few.sends(HOLDER, is(Purpose::Read)), [0, 34, 68]);
    assert_eq!(few.sends(HOLDER, is(Purpose::Write)), [9, 43, 77]);
    assert_eq!(few.sends(HOLDER, is(Purpose::Acquire)), [0_i64; 0]);
    let is_bare = |event: &NodeEvent| matches!(event, NodeEvent::EffectIssued { token: Token::NONE, .. });
    assert_eq!(few.times(HOLDER, is_bare), [9, 43, 77]);
    assert_eq!(updates(&few), (0, 3));
}

#[test]
fn who_is_refused_reads_again_after_a_longer_wait_each_time() {
    let mut few = alone();
    let mut next_op = 1;
    let mut waits = Vec::new();
    for is_refused in [true, true, true, true, false, true] {
        tell(&mut few, shown(0, next_op, 4));
        few.run_to(few.now + 5);
        let (from, answer) = (few.now, if is_refused { refused(next_op + 1) } else { done(next_op + 1) });
        tell(&mut few, answer);
        few.run_to(from + 310);
        let read = few.sends(HOLDER, is(Purpose::Read)).into_iter().find(|at| *at > from);
        waits.push(read.expect("it reads again") - from);
        next_op += 2;
    }
    assert_eq!(waits, [100, 200, 300, 300, 20, 100], "doubled up to the cap, and anew after an update");
}

#[test]
fn answers_to_other_operations_and_to_earlier_processes_change_nothing() {
    let mut few = alone();
    tell(&mut few, shown(7, 1, 4));
    tell(&mut few, shown(0, 2, 4));
    few.run_to(20);
    assert_eq!(few.sends(HOLDER, is(Purpose::Write)), [0_i64; 0]);
    tell(&mut few, shown(0, 1, 4));
    few.run_to(25);
    tell(&mut few, refused(1));
    tell(&mut few, done(7));
    few.run_to(124);
    assert_eq!(few.sends(HOLDER, is(Purpose::Read)), [0], "it waits for the answer to its write");
}

#[test]
fn what_is_not_answered_is_sent_again_under_its_number() {
    let mut few = alone();
    few.run_to(150);
    tell(&mut few, shown(0, 1, 4));
    few.run_to(300);
    let op = |message: &LeaseMessage| match message {
        LeaseMessage::Read { op, .. } | LeaseMessage::Write { op, .. } => op.0,
        _ => 0,
    };
    let sent: Vec<(i64, u64)> = few.sent.iter().map(|(at, _, message)| (*at, op(message))).collect();
    assert_eq!(sent, [(0, 1), (100, 1), (155, 2), (255, 2)]);
}

#[test]
fn no_update_is_lost_where_versions_are_compared_and_some_are_where_they_are_not() {
    let run = |writes: fn() -> Box<dyn Node<LeaseProtocol>>| {
        let mut few = around(writes);
        few.add(HOLDER, writer);
        few.add(OTHER, writer);
        few.run_to(3_000);
        updates(&few)
    };
    let (lost, all) = run(compares);
    assert!(lost == 0 && all > 100, "{lost} of {all}");
    let (lost, all) = run(takes_any);
    assert!(lost > 50, "{lost} of {all}");
}

#[test]
fn a_new_process_begins_anew_and_one_that_leaves_is_silent() {
    let mut few = around(compares);
    few.add(HOLDER, writer);
    few.run_to(10);
    few.kill(HOLDER);
    few.run_to(50);
    few.revive(HOLDER);
    few.run_to(70);
    assert_eq!(few.sends(HOLDER, is(Purpose::Read)), [0, 50]);
    assert_eq!(updates(&few), (0, 2), "that of the process that died under way, and its own");
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    let before = few.sent.len();
    few.run_to(1_000);
    assert_eq!(few.sent.len(), before);
    assert_eq!(few.times(HOLDER, |event| matches!(event, NodeEvent::Withdrew { .. })), [70]);
}
