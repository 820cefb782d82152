//! The resource alone, with holders that a test speaks for.

use super::*;

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

fn accepted(few: &Few) -> usize {
    few.times(RESOURCE, |e| matches!(e, NodeEvent::EffectAccepted { .. })).len()
}

fn refused(few: &Few) -> usize {
    few.times(RESOURCE, |e| matches!(e, NodeEvent::AccessRefused { .. })).len()
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
