//! Reads from a copy, for which a lease vouches.

use leasehold_core::event::Probe;

use super::*;
use crate::policy::WorkKind;

const EVERY: Span = Span::from_secs(1);

fn reads() -> WorkPolicy {
    WorkPolicy { kind: WorkKind::CachedReads, every: EVERY, ..WorkPolicy::default() }
}

fn reader() -> Box<dyn Node<LeaseProtocol>> {
    Box::new(Holder::new(holder_policy(), reads(), R, GRANTOR, RESOURCE))
}

/// A reader whose grantor and resource are played by the test, and which has just asked for its lease.
fn alone() -> Few {
    let mut few = Few::new();
    few.nodes.remove(&GRANTOR);
    few.nodes.remove(&RESOURCE);
    few.add(HOLDER, reader);
    few
}

fn tell(few: &mut Few, message: LeaseMessage) {
    few.handle(HOLDER, Input::Received { from: GRANTOR, message });
}

fn grant() -> LeaseMessage {
    LeaseMessage::Granted {
        resource: R,
        incarnation: Incarnation(0),
        request: RequestId(1),
        lease: LeaseId(1),
        token: Token(1),
        ttl: Span::from_secs(10),
        task: TaskId(0),
    }
}

fn shown() -> LeaseMessage {
    LeaseMessage::ReadDone { incarnation: Incarnation(0), op: OpId(1), version: Version(4), value: 3 }
}

fn copy_reads(few: &Few) -> Vec<i64> {
    few.times(HOLDER, |event| matches!(event, NodeEvent::Probed(Probe::ReadFromCopy)))
}

#[test]
fn it_asks_when_it_reads_and_lets_its_lease_run_out() {
    let mut few = Few::new();
    few.add(HOLDER, reader);
    few.run_to(120_000);
    let asked = few.sends(HOLDER, is(Purpose::Acquire));
    let until: Vec<i64> = few.claims(HOLDER).into_iter().map(|(_, deadline)| deadline).collect();
    assert!((8..=12).contains(&asked.len()), "one in a term of 10 s and a rest of 1 s: {asked:?}");
    // Counted from the question on, and over with nothing said.
    assert!(asked.iter().zip(&until).all(|(asked, until)| until - asked == 10_000), "{asked:?} {until:?}");
    assert!(until.iter().zip(&asked[1..]).all(|(until, asks)| until < asks), "{until:?} {asked:?}");
    for other in [Purpose::Renew, Purpose::Release, Purpose::Write] {
        assert_eq!(few.sends(HOLDER, is(other)), [0_i64; 0]);
    }
    assert!(few.claim_ends(HOLDER).iter().all(|(_, reason)| *reason == ClaimEnd::Lapsed));
    assert_eq!(few.sends(HOLDER, is(Purpose::Read)).len(), asked.len(), "once a lease");
    let copies = copy_reads(&few);
    assert!((80..=120).contains(&copies.len()), "once a second: {}", copies.len());
    let is_vouched_for = |at: &i64| asked.iter().any(|asked| (0..10_000).contains(&(at - asked)));
    assert!(copies.iter().all(is_vouched_for));
}

#[test]
fn nothing_is_read_from_a_copy_that_is_not_there() {
    let mut few = alone();
    tell(&mut few, grant());
    few.run_to(5_000);
    assert_eq!(copy_reads(&few), [0_i64; 0], "the resource has not answered");
    tell(&mut few, shown());
    few.run_to(9_999);
    assert!(!copy_reads(&few).is_empty());
    let before = copy_reads(&few).len();
    few.run_to(60_000);
    assert_eq!(copy_reads(&few).len(), before, "and nothing is when the lease is over");
}

/// A callback, in the paper's words: the server asks for the lease, because somebody wants to write.
#[test]
fn who_is_called_back_gives_its_lease_back_and_asks_again_at_its_next_read() {
    let mut few = alone();
    tell(&mut few, grant());
    tell(&mut few, shown());
    few.run_to(3_000);
    tell(&mut few, LeaseMessage::Revoked { lease: LeaseId(1) });
    assert_eq!(few.claim_ends(HOLDER), [(3_000, ClaimEnd::ToldLost)]);
    let Some((3_000, _, LeaseMessage::Release { request, done: false, .. })) = few.sent.last().copied()
    else {
        panic!("{:?}", few.sent.last())
    };
    tell(&mut few, LeaseMessage::Released { lease: LeaseId(1), request });
    let reads = copy_reads(&few).len();
    few.run_to(14_000);
    let asked = few.sends(HOLDER, is(Purpose::Acquire));
    assert!(asked[0] == 0 && 3_000 < asked[1], "after a rest: {asked:?}");
    assert_eq!(copy_reads(&few).len(), reads);
}

#[test]
fn a_grant_that_came_late_is_confirmed_by_the_one_renewal_there_is() {
    let mut few = alone();
    let (resource, incarnation, request) = (R, Incarnation(0), RequestId(1));
    tell(&mut few, LeaseMessage::Queued { resource, incarnation, request, position: 1 });
    few.run_to(12_000);
    tell(&mut few, grant());
    few.run_to(12_001);
    let Some((12_000, _, LeaseMessage::Renew { request, .. })) = few.sent.last().copied() else {
        panic!("{:?}", few.sent.last())
    };
    assert_eq!(few.claims(HOLDER), []);
    tell(&mut few, LeaseMessage::Renewed { lease: LeaseId(1), request, ttl: Span::from_secs(10) });
    assert_eq!(few.claims(HOLDER), [(12_001, 22_000)]);
    few.run_to(60_000);
    assert_eq!(few.sends(HOLDER, is(Purpose::Renew)), [12_000]);
}

#[test]
fn who_has_nothing_yet_to_read_from_asks_again_at_once() {
    let mut few = alone();
    let (resource, incarnation, request) = (R, Incarnation(0), RequestId(1));
    tell(&mut few, LeaseMessage::Queued { resource, incarnation, request, position: 1 });
    few.run_to(12_000);
    tell(&mut few, grant());
    few.run_to(12_001);
    let Some((_, _, LeaseMessage::Renew { request, .. })) = few.sent.last().copied() else {
        panic!("it confirms")
    };
    tell(&mut few, LeaseMessage::RenewRefused { lease: LeaseId(1), request });
    assert!(matches!(few.sent.last(), Some((12_001, _, LeaseMessage::Acquire { .. }))));
}

#[test]
fn rests_are_exponentially_distributed_up_to_ten_times_their_mean() {
    let mut draws = Draws::from_seed(3);
    let rests: Vec<Span> = (0..200_000).map(|_| reads().rest(|below| draws.draw_below(below))).collect();
    let mean = rests.iter().map(|rest| rest.as_secs_f64()).sum::<f64>() / 200_000.0;
    assert!((mean - 1.0).abs() < 0.01, "{mean}");
    let longer =
        |than: u64| rests.iter().filter(|rest| rest.as_nanos() > than * 1_000_000_000).count() as f64;
    assert!((longer(1) / 200_000.0 - 0.3679).abs() < 0.005 && (longer(3) / 200_000.0 - 0.0498).abs() < 0.003);
    assert!(rests.iter().all(|rest| *rest <= reads().longest_rest()));
    assert_eq!(reads().rest(|below| below - 1), Span::ZERO);
    assert_eq!(reads().rest(|_| 0), Span::from_secs(10));
    let steady = WorkPolicy { kind: WorkKind::CacheFill, ..reads() };
    assert_eq!(steady.rest(|_| panic!("nothing is drawn")), EVERY);
}
