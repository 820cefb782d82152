//! The resource alone, with holders that a test speaks for.

use leasehold_core::event::Refusal;
use leasehold_core::id::TaskId;

use super::*;
use crate::policy::{Duplicates, TaskEffects, Writes};

/// A resource alone, with holders that a test speaks for.
fn resource(make: fn() -> Box<dyn Node<LeaseProtocol>>) -> Few {
    let mut few = Few::new();
    few.nodes.remove(&RESOURCE);
    few.add(RESOURCE, make);
    few
}

fn tell(few: &mut Few, from: NodeId, message: LeaseMessage) {
    few.handle(RESOURCE, Input::Received { from, message });
    few.under_way.clear();
    few.run_to(few.now + 10);
}

fn read(op: u64, token: u64) -> LeaseMessage {
    LeaseMessage::Read { incarnation: Incarnation(0), op: OpId(op), token: Token(token) }
}

fn write(op: u64, token: u64, based_on: u64) -> LeaseMessage {
    let (incarnation, op, token) = (Incarnation(0), OpId(op), Token(token));
    LeaseMessage::Write { incarnation, op, token, based_on: Some(Version(based_on)), value: op.0, task: None }
}

fn barrier(op: u64, token: u64) -> LeaseMessage {
    LeaseMessage::Barrier { incarnation: Incarnation(0), op: OpId(op), token: Token(token) }
}

fn effect_of(task: u64, op: u64, token: u64) -> LeaseMessage {
    let (incarnation, op, token) = (Incarnation(0), OpId(op), Token(token));
    let task = Some(TaskId(task));
    LeaseMessage::Write { incarnation, op, token, based_on: None, value: op.0, task }
}

fn accepted(few: &Few) -> usize {
    few.times(RESOURCE, |e| matches!(e, NodeEvent::EffectAccepted { .. })).len()
}

fn refused(few: &Few) -> usize {
    few.times(RESOURCE, |e| matches!(e, NodeEvent::AccessRefused { .. })).len()
}

fn refusals(few: &Few) -> Vec<Refusal> {
    let refusal = |event: &NodeEvent| match event {
        NodeEvent::AccessRefused { refusal, .. } => Some(*refusal),
        _ => None,
    };
    few.events.iter().filter_map(|(_, _, event)| refusal(event)).collect()
}

/// Crashes the resource and starts it again.
fn bounce(few: &mut Few) {
    few.kill(RESOURCE);
    few.revive(RESOURCE);
}

fn with(policy: ResourcePolicy) -> Box<dyn Node<LeaseProtocol>> {
    Box::new(Resource::new(R, policy))
}

fn by(fence: Fence) -> Box<dyn Node<LeaseProtocol>> {
    with(ResourcePolicy { fence, ..ResourcePolicy::default() })
}

fn fenced() -> Box<dyn Node<LeaseProtocol>> {
    Box::new(Resource::new(R, ResourcePolicy::default()))
}

fn reads_leave_the_mark() -> Box<dyn Node<LeaseProtocol>> {
    Box::new(Resource::new(R, ResourcePolicy { reads: Reads::LeaveMark, ..ResourcePolicy::default() }))
}

fn unfenced() -> Box<dyn Node<LeaseProtocol>> {
    Box::new(Resource::new(R, ResourcePolicy { fence: Fence::None, ..ResourcePolicy::default() }))
}

#[test]
fn a_fence_refuses_what_is_older_than_the_newest_it_has_seen() {
    let mut few = resource(fenced);
    tell(&mut few, HOLDER, write(1, 5, 0));
    tell(&mut few, RIVAL, write(1, 6, 1));
    tell(&mut few, HOLDER, write(2, 6, 2));
    assert_eq!((accepted(&few), refused(&few)), (3, 0), "the same token is not older");
    tell(&mut few, HOLDER, write(3, 5, 3));
    assert_eq!((accepted(&few), refused(&few)), (3, 1));
    few.kill(RESOURCE);
    few.revive(RESOURCE);
    tell(&mut few, HOLDER, write(4, 5, 3));
    assert_eq!((accepted(&few), refused(&few)), (3, 2), "the mark is durable");
}

#[test]
fn a_read_raises_the_mark_unless_it_is_told_not_to() {
    for (make, refusals) in [(fenced as fn() -> _, 1), (reads_leave_the_mark, 0), (unfenced, 0)] {
        let mut few = resource(make);
        tell(&mut few, HOLDER, write(1, 5, 0));
        tell(&mut few, RIVAL, read(1, 6));
        tell(&mut few, HOLDER, write(2, 5, 1));
        assert_eq!(refused(&few), refusals);
    }
}

#[test]
fn without_a_fence_an_old_token_is_accepted() {
    for (make, refusals) in [(fenced as fn() -> _, 1), (unfenced, 0)] {
        let mut few = resource(make);
        tell(&mut few, RIVAL, write(1, 6, 0));
        tell(&mut few, HOLDER, write(1, 5, 0));
        assert_eq!(refused(&few), refusals);
    }
}

#[test]
fn a_write_that_comes_twice_is_done_once_also_across_a_restart() {
    let mut few = resource(fenced);
    tell(&mut few, HOLDER, write(1, 5, 0));
    tell(&mut few, HOLDER, write(1, 5, 0));
    few.kill(RESOURCE);
    few.revive(RESOURCE);
    tell(&mut few, HOLDER, write(1, 5, 0));
    assert_eq!(accepted(&few), 1);
    let done = few.sends(RESOURCE, |m| matches!(m, LeaseMessage::WriteDone { version: Version(1), .. }));
    assert_eq!(done.len(), 3, "and answered each time");
    tell(&mut few, HOLDER, write(3, 5, 1));
    tell(&mut few, HOLDER, write(2, 5, 1));
    assert_eq!(accepted(&few), 2, "one that was overtaken is not done at all");
}

#[test]
fn a_restart_finds_the_latest_write_whoever_it_was() {
    for (first, last) in [(HOLDER, RIVAL), (RIVAL, HOLDER)] {
        let mut few = resource(|| by(Fence::LastToken));
        tell(&mut few, first, write(1, 6, 0));
        tell(&mut few, last, write(2, 5, 1));
        bounce(&mut few);
        tell(&mut few, last, read(3, 5));
        let latest =
            |m: &LeaseMessage| matches!(m, LeaseMessage::ReadDone { version: Version(2), value: 2, .. });
        assert_eq!(few.sends(RESOURCE, latest).len(), 1);
        tell(&mut few, first, read(2, 6));
        assert_eq!(refusals(&few), [Refusal::NotCurrent { current: Token(5) }]);
    }
}

#[test]
fn a_read_shows_no_write_that_is_not_durable() {
    let mut few = resource(fenced);
    few.handle(RESOURCE, Input::Received { from: HOLDER, message: write(1, 5, 0) });
    few.handle(RESOURCE, Input::Received { from: HOLDER, message: read(2, 5) });
    assert_eq!(few.sends(RESOURCE, |_| true), []);
    few.run_to(DISK);
    assert_eq!(
        few.sends(RESOURCE, |m| matches!(m, LeaseMessage::ReadDone { version: Version(1), .. })),
        [DISK]
    );
}

#[test]
fn a_volatile_mark_is_forgotten_at_a_restart_and_nothing_else_is() {
    for (make, taken) in [(fenced as fn() -> _, 1), (|| by(Fence::HighestVolatile), 2)] {
        let mut few = resource(make);
        tell(&mut few, RIVAL, write(1, 6, 0));
        tell(&mut few, HOLDER, read(1, 5));
        assert_eq!(refusals(&few), [Refusal::Stale { mark: Token(6) }]);
        bounce(&mut few);
        tell(&mut few, RIVAL, write(1, 6, 0));
        assert_eq!(accepted(&few), 1, "that it came before is on the disk");
        tell(&mut few, HOLDER, write(2, 5, 1));
        assert_eq!(accepted(&few), taken);
        let replaced = |e: &NodeEvent| {
            matches!(e, NodeEvent::EffectAccepted { token: Token(5), replaced: Version(1), .. })
        };
        assert_eq!(few.times(RESOURCE, replaced).len(), taken - 1);
    }
}

#[test]
fn a_volatile_mark_is_raised_by_a_read_without_the_disk() {
    for (make, answered) in [(fenced as fn() -> _, vec![DISK]), (|| by(Fence::HighestVolatile), vec![0])] {
        let mut few = resource(make);
        few.handle(RESOURCE, Input::Received { from: HOLDER, message: read(1, 5) });
        few.run_to(10);
        assert_eq!(few.sends(RESOURCE, |_| true), answered);
    }
}

/// The one before the last is refused; the one before that is taken for a new holder's.
#[test]
fn a_fence_by_the_last_token_knows_only_its_predecessor() {
    let not_current = |token| Refusal::NotCurrent { current: Token(token) };
    let stale = |token| Refusal::Stale { mark: Token(token) };
    for (make, refused) in [
        (fenced as fn() -> _, vec![stale(6), stale(6), stale(7)]),
        (|| by(Fence::LastToken), vec![not_current(6), not_current(6)]),
        (unfenced, vec![]),
    ] {
        let mut few = resource(make);
        tell(&mut few, HOLDER, write(1, 5, 0));
        tell(&mut few, HOLDER, write(2, 5, 1));
        tell(&mut few, RIVAL, write(1, 6, 2));
        tell(&mut few, HOLDER, write(3, 5, 3));
        bounce(&mut few);
        tell(&mut few, HOLDER, write(4, 5, 3));
        tell(&mut few, RIVAL, write(2, 7, 3));
        tell(&mut few, HOLDER, write(5, 5, 4));
        assert_eq!(refusals(&few), refused);
    }
}

#[test]
fn a_refusal_names_the_token_that_the_resource_goes_by() {
    let mut few = resource(|| by(Fence::LastToken));
    tell(&mut few, HOLDER, write(1, 5, 0));
    tell(&mut few, RIVAL, write(1, 3, 1));
    tell(&mut few, HOLDER, read(2, 5));
    assert_eq!(few.sends(RESOURCE, |m| matches!(m, LeaseMessage::Fenced { mark: Token(3), .. })).len(), 1);
}

#[test]
fn a_fence_by_equality_takes_writes_with_just_the_token_of_the_last_read() {
    for (make, taken) in [(|| by(Fence::Equality) as _, vec![6, 5]), (|| by(Fence::LastToken), vec![6, 6, 5])]
        as [(fn() -> _, _); 2]
    {
        let mut few = resource(make);
        tell(&mut few, RIVAL, write(1, 6, 0));
        tell(&mut few, RIVAL, read(2, 6));
        tell(&mut few, RIVAL, write(3, 6, 0));
        bounce(&mut few);
        // A late read of its predecessor is enough to make that the one.
        tell(&mut few, HOLDER, read(1, 5));
        tell(&mut few, HOLDER, write(2, 5, 1));
        tell(&mut few, RIVAL, write(4, 6, 2));
        let tokens: Vec<u64> = few
            .events
            .iter()
            .filter_map(|(_, _, event)| match event {
                NodeEvent::EffectAccepted { token, .. } => Some(token.0),
                _ => None,
            })
            .collect();
        assert_eq!(tokens, taken);
        assert_eq!(*refusals(&few).last().unwrap(), Refusal::NotCurrent { current: Token(5) });
    }
}

#[test]
fn compare_and_set_refuses_what_is_based_on_an_older_version() {
    let cas = || with(ResourcePolicy { writes: Writes::CompareAndSet, ..ResourcePolicy::default() });
    for (make, taken, refused) in
        [(fenced as fn() -> _, 4, vec![]), (cas, 3, vec![Refusal::Conflict { latest: Version(1) }])]
    {
        let mut few = resource(make);
        tell(&mut few, HOLDER, write(1, 5, 0));
        tell(&mut few, HOLDER, write(2, 5, 0));
        let latest = accepted(&few) as u64;
        tell(&mut few, HOLDER, write(3, 5, latest));
        tell(&mut few, HOLDER, effect_of(0, 4, 5));
        assert_eq!(refusals(&few), refused);
        assert_eq!(accepted(&few), taken, "what is based on nothing is compared with nothing");
        let told =
            |m: &LeaseMessage| matches!(m, LeaseMessage::Conflict { op: OpId(2), latest: Version(1), .. });
        assert_eq!(few.sends(RESOURCE, told).len(), refused.len());
    }
}

#[test]
fn nobody_hears_of_a_conflict_with_a_version_that_is_not_durable() {
    let mut few =
        resource(|| with(ResourcePolicy { writes: Writes::CompareAndSet, ..ResourcePolicy::default() }));
    few.handle(RESOURCE, Input::Received { from: HOLDER, message: write(1, 5, 0) });
    few.handle(RESOURCE, Input::Received { from: RIVAL, message: write(1, 5, 0) });
    assert_eq!((refused(&few), few.sends(RESOURCE, |_| true)), (0, vec![]));
    few.run_to(DISK);
    assert_eq!((refused(&few), few.sends(RESOURCE, |_| true)), (1, vec![DISK, DISK]));
}

#[test]
fn a_resource_that_does_not_recognise_duplicates_does_them_again() {
    let again = || with(ResourcePolicy { duplicates: Duplicates::DoneAgain, ..ResourcePolicy::default() });
    for (make, taken) in [(fenced as fn() -> _, vec![0]), (again, vec![0, 1, 2])] {
        let mut few = resource(make);
        tell(&mut few, HOLDER, write(1, 5, 0));
        tell(&mut few, HOLDER, write(1, 5, 0));
        bounce(&mut few);
        tell(&mut few, HOLDER, write(1, 5, 0));
        let replaced: Vec<u64> = few
            .events
            .iter()
            .filter_map(|(_, _, event)| match event {
                NodeEvent::EffectAccepted { replaced, .. } => Some(replaced.0),
                _ => None,
            })
            .collect();
        assert_eq!(replaced, taken);
    }
}

#[test]
fn the_effect_of_a_task_is_applied_once_also_across_a_restart() {
    let each_time = || with(ResourcePolicy { tasks: TaskEffects::EachTime, ..ResourcePolicy::default() });
    for (make, applied) in [(fenced as fn() -> _, 2), (each_time, 4)] {
        let mut few = resource(make);
        tell(&mut few, HOLDER, effect_of(0, 1, 5));
        tell(&mut few, RIVAL, effect_of(0, 1, 6));
        bounce(&mut few);
        tell(&mut few, RIVAL, effect_of(0, 2, 6));
        tell(&mut few, RIVAL, effect_of(1, 3, 6));
        let times = few.times(RESOURCE, |e| matches!(e, NodeEvent::TaskApplied { .. }));
        assert_eq!((accepted(&few), times.len()), (applied, applied));
        let recognised = few.times(RESOURCE, |e| matches!(e, NodeEvent::DuplicateRecognised { .. }));
        assert_eq!(recognised.len(), 4 - applied);
        assert_eq!(few.sends(RESOURCE, |m| matches!(m, LeaseMessage::WriteDone { .. })).len(), 4);
        assert_eq!(refusals(&few), []);
    }
}

#[test]
fn an_old_token_is_refused_even_for_a_task_that_is_done() {
    let mut few = resource(fenced);
    tell(&mut few, HOLDER, effect_of(0, 1, 5));
    tell(&mut few, RIVAL, effect_of(1, 1, 6));
    tell(&mut few, HOLDER, effect_of(0, 2, 5));
    assert_eq!(refusals(&few), [Refusal::Stale { mark: Token(6) }]);
}

#[test]
fn a_task_is_applied_together_with_its_effect_and_not_before_it_is_durable() {
    let mut few = resource(fenced);
    few.handle(RESOURCE, Input::Received { from: HOLDER, message: effect_of(0, 1, 5) });
    few.handle(RESOURCE, Input::Received { from: RIVAL, message: effect_of(0, 1, 5) });
    assert_eq!((few.events.len(), few.sent.len()), (0, 0));
    few.run_to(DISK);
    let happened: Vec<NodeEvent> = few.events.iter().map(|(_, _, event)| *event).collect();
    assert!(
        matches!(
            happened[..],
            [
                NodeEvent::EffectAccepted { writer: HOLDER, .. },
                NodeEvent::TaskApplied { task: TaskId(0), by: HOLDER, token: Token(5), .. },
                NodeEvent::DuplicateRecognised { writer: RIVAL, .. },
            ]
        ),
        "{happened:?}"
    );
}

#[test]
fn a_barrier_makes_its_token_the_mark_where_there_is_one() {
    for (make, refused) in [
        (fenced as fn() -> _, vec![Refusal::Stale { mark: Token(6) }]),
        (reads_leave_the_mark, vec![Refusal::Stale { mark: Token(6) }]),
        (|| by(Fence::HighestVolatile), vec![]),
        (|| by(Fence::LastToken), vec![Refusal::NotCurrent { current: Token(6) }]),
        (|| by(Fence::Equality), vec![Refusal::NotCurrent { current: Token(6) }]),
        (unfenced, vec![]),
    ] {
        let mut few = resource(make);
        tell(&mut few, HOLDER, barrier(1, 5));
        tell(&mut few, HOLDER, write(2, 5, 0));
        tell(&mut few, RIVAL, barrier(1, 6));
        bounce(&mut few);
        tell(&mut few, HOLDER, write(3, 5, 1));
        assert_eq!(refusals(&few), refused);
        assert_eq!(accepted(&few) + refused.len(), 2);
        assert_eq!(few.times(RESOURCE, |e| matches!(e, NodeEvent::BarrierRaised { .. })).len(), 2);
    }
}

#[test]
fn a_barrier_is_answered_when_it_is_durable_and_raised_once() {
    let mut few = resource(fenced);
    few.handle(RESOURCE, Input::Received { from: RIVAL, message: barrier(1, 6) });
    few.handle(RESOURCE, Input::Received { from: RIVAL, message: barrier(1, 6) });
    assert_eq!((few.events.len(), few.sent.len()), (0, 0));
    few.run_to(DISK);
    let raised = |e: &NodeEvent| matches!(e, NodeEvent::BarrierRaised { by: RIVAL, token: Token(6), .. });
    assert_eq!(few.times(RESOURCE, raised), [DISK]);
    assert_eq!(few.sends(RESOURCE, |m| matches!(m, LeaseMessage::BarrierDone { .. })), [DISK, DISK]);
    tell(&mut few, HOLDER, barrier(1, 5));
    assert_eq!(refusals(&few), [Refusal::Stale { mark: Token(6) }]);
    assert_eq!(few.sends(RESOURCE, |m| matches!(m, LeaseMessage::Fenced { mark: Token(6), .. })).len(), 1);
}
