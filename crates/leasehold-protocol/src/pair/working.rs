//! What a holder does while it holds, and what its lease is for.

use leasehold_core::id::TaskId;

use super::*;
use crate::policy::{Lifetime, LostContact, Margin, Takeover, WorkKind, Writes};

type Make = fn() -> Box<dyn Node<LeaseProtocol>>;

fn worker(work: WorkPolicy) -> Box<dyn Node<LeaseProtocol>> {
    Box::new(Holder::new(holder_policy(), work, R, GRANTOR, RESOURCE))
}

fn does(kind: WorkKind) -> Box<dyn Node<LeaseProtocol>> {
    worker(WorkPolicy { kind, ..WorkPolicy::default() })
}

fn bars() -> Box<dyn Node<LeaseProtocol>> {
    worker(WorkPolicy { takeover: Takeover::Barrier, ..WorkPolicy::default() })
}

/// A holder with a lease on task 7, whose grantor and resource are played by the test.
fn alone(make: Make) -> Few {
    let mut few = Few::new();
    few.nodes.remove(&GRANTOR);
    few.nodes.remove(&RESOURCE);
    few.add(HOLDER, make);
    few.sent.clear();
    tell(&mut few, grant(1, 1, 7));
    few
}

fn grant(request: u64, lease: u64, task: u64) -> LeaseMessage {
    LeaseMessage::Granted {
        resource: R,
        incarnation: Incarnation(0),
        request: RequestId(request),
        lease: LeaseId(lease),
        token: Token(lease),
        ttl: Span::from_secs(10),
        task: TaskId(task),
    }
}

fn tell(few: &mut Few, message: LeaseMessage) {
    few.handle(HOLDER, Input::Received { from: GRANTOR, message });
}

fn answer_read(few: &mut Few, op: u64, version: u64) {
    let (incarnation, op, version) = (Incarnation(0), OpId(op), Version(version));
    tell(few, LeaseMessage::ReadDone { incarnation, op, version, value: 3 });
}

fn answer_write(few: &mut Few, op: u64) {
    tell(few, LeaseMessage::WriteDone { incarnation: Incarnation(0), op: OpId(op), version: Version(9) });
}

/// What it sent since this was asked last, with when.
fn said(few: &mut Few) -> Vec<(i64, LeaseMessage)> {
    few.sent.drain(..).map(|(at, _, message)| (at, message)).collect()
}

#[test]
fn each_kind_of_work_begins_in_its_way() {
    let first = |make: Make| {
        let mut few = alone(make);
        few.run_to(50);
        said(&mut few)[0]
    };
    let read = |(at, message)| matches!((at, message), (0, LeaseMessage::Read { op: OpId(1), .. }));
    assert!(read(first(|| does(WorkKind::Mutex))));
    assert!(read(first(|| does(WorkKind::CacheFill))));
    let (0, LeaseMessage::Write { based_on: None, task: None, .. }) = first(|| does(WorkKind::Leader)) else {
        panic!("a leader writes at once, on its own")
    };
    let (5, LeaseMessage::Write { based_on: None, task: Some(TaskId(7)), .. }) =
        first(|| does(WorkKind::Tasks))
    else {
        panic!("a worker thinks over its task, and writes its effect")
    };
}

#[test]
fn a_leader_writes_over_and_over_and_never_reads() {
    let run = |make: Make| {
        let mut few = Few::new();
        few.add(HOLDER, make);
        few.run_to(94);
        (few.sends(HOLDER, is(Purpose::Read)), few.sends(HOLDER, is(Purpose::Write)))
    };
    assert_eq!(run(|| does(WorkKind::Leader)), (vec![], vec![5, 25, 45, 65, 85]));
    // A read takes a round trip and the disk once, for the mark; then it thinks for 5.
    assert_eq!(run(|| does(WorkKind::Mutex)), (vec![5, 25, 45, 65, 85], vec![15, 34, 54, 74, 94]));
}

#[test]
fn values_of_blind_writes_differ() {
    let mut few = Few::new();
    few.add(HOLDER, || does(WorkKind::Leader));
    few.run_to(1_000);
    few.kill(HOLDER);
    few.revive(HOLDER);
    few.run_to(12_000);
    let value = |event: &NodeEvent| match event {
        NodeEvent::EffectAccepted { value, .. } => Some(*value),
        _ => None,
    };
    let mut values: Vec<u64> = few.events.iter().filter_map(|(_, _, e)| value(e)).collect();
    let count = values.len();
    values.sort_unstable();
    values.dedup();
    assert!(count > 60 && values.len() == count);
}

#[test]
fn a_lease_is_given_back_after_one_task_and_the_next_is_asked_for() {
    let mut few = alone(|| does(WorkKind::Tasks));
    few.run_to(10);
    said(&mut few);
    answer_write(&mut few, 9);
    assert_eq!(few.claim_ends(HOLDER), [], "another operation");
    answer_write(&mut few, 1);
    assert_eq!(few.claim_ends(HOLDER), [(10, ClaimEnd::Released)]);
    let [(10, LeaseMessage::Release { lease: LeaseId(1), done: true, request, .. })] = said(&mut few)[..]
    else {
        panic!("released as done")
    };
    answer_write(&mut few, 1);
    tell(&mut few, LeaseMessage::Released { lease: LeaseId(1), request });
    few.run_to(100);
    let [(30, LeaseMessage::Acquire { request, .. })] = said(&mut few)[..] else {
        panic!("a cycle of work later")
    };
    tell(&mut few, grant(request.0, 2, 8));
    few.run_to(200);
    let next = |(_, message): &(i64, LeaseMessage)| {
        matches!(message, LeaseMessage::Write { task: Some(TaskId(8)), token: Token(2), .. })
    };
    assert!(said(&mut few).iter().any(next));
}

#[test]
fn a_cache_is_filled_once_a_lease_and_that_is_no_task() {
    let mut few = alone(|| does(WorkKind::CacheFill));
    answer_read(&mut few, 1, 4);
    few.run_to(10);
    assert!(said(&mut few).iter().any(|(at, message)| {
        matches!((at, message), (5, LeaseMessage::Write { based_on: Some(Version(4)), task: None, .. }))
    }));
    answer_write(&mut few, 2);
    assert_eq!(few.claim_ends(HOLDER), [(10, ClaimEnd::Released)]);
    assert!(matches!(said(&mut few)[..], [(10, LeaseMessage::Release { done: false, .. })]));
}

#[test]
fn a_mutex_and_a_leader_keep_their_lease() {
    for make in [(|| does(WorkKind::Mutex)) as Make, || does(WorkKind::Leader)] {
        let mut few = Few::new();
        few.add(HOLDER, make);
        few.run_to(1_000);
        assert_eq!((few.claim_ends(HOLDER), few.ends()), (vec![], vec![]));
    }
}

/// A heartbeat extends the task's visibility timeout.
#[test]
fn a_lease_is_renewed_while_its_holder_thinks_for_longer_than_the_term() {
    let mut few = Few::new();
    few.add(HOLDER, || {
        worker(WorkPolicy { kind: WorkKind::Tasks, think: Span::from_secs(25), ..WorkPolicy::default() })
    });
    few.run_to(26_000);
    let applied = few.times(RESOURCE, |e| matches!(e, NodeEvent::TaskApplied { .. }));
    assert_eq!((applied, few.claims(HOLDER)[0].1), (vec![25_008], 10_000));
    let [(ended, EndCause::Released { by: HOLDER })] = few.ends()[..] else { panic!("{:?}", few.ends()) };
    assert_eq!(ended, 25_013);
}

#[test]
fn a_holder_that_loses_its_lease_over_a_task_contends_at_once() {
    let mut few = alone(|| does(WorkKind::Tasks));
    few.run_to(2);
    said(&mut few);
    tell(&mut few, LeaseMessage::RenewRefused { lease: LeaseId(1), request: RequestId(1) });
    few.run_to(100);
    let [(2, LeaseMessage::Acquire { .. })] = said(&mut few)[..] else { panic!("and writes nothing") };
}

#[test]
fn a_barrier_comes_before_the_work_of_a_new_claim() {
    let done = |op| LeaseMessage::BarrierDone { incarnation: Incarnation(0), op: OpId(op) };
    let mut few = alone(bars);
    few.run_to(150);
    let barrier = |at: i64, message: &LeaseMessage, when: i64| {
        at == when && matches!(message, LeaseMessage::Barrier { op: OpId(1), token: Token(1), .. })
    };
    let first = said(&mut few);
    assert_eq!(first.len(), 2, "it asks, and asks again: {first:?}");
    assert!(barrier(first[0].0, &first[0].1, 0) && barrier(first[1].0, &first[1].1, 100));
    tell(&mut few, done(7));
    assert_eq!(said(&mut few), [], "another operation");
    tell(&mut few, done(1));
    assert!(matches!(said(&mut few)[..], [(150, LeaseMessage::Read { op: OpId(2), .. })]));
    answer_read(&mut few, 2, 0);
    few.run_to(160);
    answer_write(&mut few, 3);
    few.run_to(175);
    let then = said(&mut few);
    assert!(
        matches!(then[..], [(155, LeaseMessage::Write { .. }), (170, LeaseMessage::Read { .. })]),
        "{then:?}"
    );
}

#[test]
fn a_barrier_that_is_answered_past_the_deadline_begins_no_work() {
    let mut few = alone(bars);
    said(&mut few);
    few.now = 10_000;
    tell(&mut few, LeaseMessage::BarrierDone { incarnation: Incarnation(0), op: OpId(1) });
    assert!(matches!(said(&mut few)[..], [(10_000, LeaseMessage::Acquire { .. })]));
    assert_eq!(few.claim_ends(HOLDER), [(10_000, ClaimEnd::Lapsed)]);
}

#[test]
fn a_holder_whose_barrier_is_refused_has_lost() {
    let mut few = alone(bars);
    tell(&mut few, LeaseMessage::Fenced { incarnation: Incarnation(0), op: OpId(1), mark: Token(2) });
    assert_eq!(few.claim_ends(HOLDER), [(0, ClaimEnd::Fenced)]);
}

#[test]
fn after_a_conflict_the_next_cycle_reads_anew() {
    for make in [(|| does(WorkKind::Mutex)) as Make, || does(WorkKind::CacheFill)] {
        let mut few = alone(make);
        answer_read(&mut few, 1, 4);
        few.run_to(8);
        said(&mut few);
        let conflict = |op| {
            let (incarnation, op, latest) = (Incarnation(0), OpId(op), Version(5));
            LeaseMessage::Conflict { incarnation, op, latest }
        };
        tell(&mut few, conflict(1));
        tell(&mut few, conflict(2));
        few.run_to(40);
        let [(20 | 28, LeaseMessage::Read { op: OpId(3), .. })] = said(&mut few)[..] else {
            panic!("under the same claim")
        };
        assert_eq!(few.claim_ends(HOLDER), []);
    }
}

/// Somebody else writes between the read and the write of each cycle, now and then.
#[test]
fn under_compare_and_set_no_update_is_lost() {
    let lost = |make: Make| {
        let mut few = Few::new();
        few.nodes.remove(&RESOURCE);
        few.add(RESOURCE, make);
        few.add(HOLDER, || does(WorkKind::Mutex));
        for op in 1..10 {
            // It has read, and thinks.
            few.run_to(i64::try_from(op).unwrap() * 100 + 11);
            let (incarnation, op, token) = (Incarnation(0), OpId(op), Token(1));
            let message =
                LeaseMessage::Write { incarnation, op, token, based_on: None, value: 1, task: None };
            few.handle(RESOURCE, Input::Received { from: RIVAL, message });
        }
        few.run_to(1_000);
        let overwrote = |e: &NodeEvent| matches!(e, NodeEvent::EffectAccepted { replaced, based_on: Some(seen), .. } if replaced != seen);
        assert!(few.sends(HOLDER, is(Purpose::Write)).len() > 40);
        (few.times(RESOURCE, overwrote).len(), few.claim_ends(HOLDER).len())
    };
    let compare_and_set = || -> Box<dyn Node<LeaseProtocol>> {
        let policy = ResourcePolicy { writes: Writes::CompareAndSet, ..ResourcePolicy::default() };
        Box::new(Resource::new(R, policy))
    };
    assert_eq!(lost(compare_and_set), (0, 0));
    assert_eq!(lost(|| Box::new(Resource::new(R, ResourcePolicy::default()))), (9, 0));
}

/// It stops 5 s before its lease is over, and hopes to go on.
fn hopes() -> Box<dyn Node<LeaseProtocol>> {
    let lifetime = Lifetime::Margin(Margin::Fixed(Span::from_secs(5)));
    holder(HolderPolicy { lifetime, lost_contact: LostContact::Jeopardy, ..holder_policy() })
}

/// Found by random plans (I25): a holder in jeopardy forgot its write, read when it went on, and then the write came.
#[test]
fn a_holder_that_goes_on_first_finishes_the_write_that_was_not_answered() {
    let first_done_when_it_goes_on = |answered_at: Option<i64>| {
        let mut few = alone(hopes);
        answer_read(&mut few, 1, 4);
        if let Some(at) = answered_at {
            few.run_to(at);
            answer_write(&mut few, 2);
        }
        few.run_to(6_000);
        assert_eq!(few.claim_ends(HOLDER), [(5_000, ClaimEnd::Lapsed)]);
        let renewal = said(&mut few).into_iter().rev().find_map(|(_, message)| match message {
            LeaseMessage::Renew { request, .. } => Some(request),
            _ => None,
        });
        let (lease, request) = (LeaseId(1), renewal.expect("it keeps asking"));
        tell(&mut few, LeaseMessage::Renewed { lease, request, ttl: Span::from_secs(10) });
        let first = said(&mut few);
        few.run_to(6_050);
        assert!(!said(&mut few).iter().any(|(_, message)| is(Purpose::Write)(message)), "not yet again");
        answer_write(&mut few, 2);
        few.run_to(6_080);
        let reads = said(&mut few).into_iter().filter(|(_, message)| is(Purpose::Read)(message)).count();
        (first.into_iter().map(|(_, message)| message.class().0).collect::<Vec<_>>(), reads)
    };
    assert_eq!(first_done_when_it_goes_on(None), (vec![Purpose::Write], 1));
    assert_eq!(
        first_done_when_it_goes_on(Some(5_500)),
        (vec![Purpose::Read], 0),
        "it was answered meanwhile"
    );
}
