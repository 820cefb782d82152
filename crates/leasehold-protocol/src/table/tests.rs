use super::*;
use crate::policy::TermArithmetic;
use alloc::vec;
use leasehold_core::clock::ClockKind;
use proptest::prelude::*;

const R: ResourceId = ResourceId(0);
const TTL: Span = Span::from_nanos(100);
const EXPIRED: EndCause = EndCause::Expired;

fn at(nanos: i64) -> Reading {
    Reading::new(ClockKind::Boot, nanos)
}

fn contender(node: u16, request: u64) -> Contender {
    Contender {
        node: NodeId(node),
        incarnation: Incarnation(0),
        request: RequestId(request),
        owner: OwnerId(u64::from(node)),
        priority: 0,
    }
}

fn wish(contender: Contender) -> Wish {
    Wish { contender, ttl: TTL, keys: 0, stamp: None }
}

fn apply(table: &mut LeaseTable, now: i64, command: Command) -> Vec<Change> {
    let mut changes = vec![];
    table.apply(at(now), command, &mut changes);
    changes
}

fn acquire(table: &mut LeaseTable, now: i64, node: u16, request: u64) -> Vec<Change> {
    acquire_as(table, now, contender(node, request))
}

fn acquire_as(table: &mut LeaseTable, now: i64, contender: Contender) -> Vec<Change> {
    apply(table, now, Command::Acquire { resource: R, wish: wish(contender) })
}

fn expire(table: &mut LeaseTable, now: i64) -> Vec<Change> {
    apply(table, now, Command::Expire { resource: R })
}

fn revoke(table: &mut LeaseTable, now: i64) -> Vec<Change> {
    apply(table, now, Command::Revoke { resource: R, reason: Revocation::Administrator })
}

fn begin(table: &mut LeaseTable, now: i64, lease: u64) -> Vec<Change> {
    apply(table, now, Command::Begin { resource: R, lease: LeaseId(lease) })
}

fn finish(table: &mut LeaseTable, now: i64, lease: LeaseId) -> Vec<Change> {
    apply(table, now, Command::Finish { resource: R, lease })
}

/// The lease that is granted last among these changes.
fn granted(changes: &[Change]) -> Lease {
    let lease = changes.iter().find_map(|change| match change {
        Change::Granted { lease, .. } => Some(*lease),
        _ => None,
    });
    lease.unwrap_or_else(|| panic!("nothing is granted by {changes:?}"))
}

fn default_table() -> LeaseTable {
    LeaseTable::new(GrantorPolicy::default())
}

/// A lease for node 1, granted and begun at 0.
fn held_under(rules: GrantorPolicy) -> (LeaseTable, Lease) {
    let mut table = LeaseTable::new(rules);
    let lease = granted(&acquire(&mut table, 0, 1, 1));
    begin(&mut table, 0, lease.id.0);
    (table, lease)
}

fn held() -> (LeaseTable, Lease) {
    held_under(GrantorPolicy::default())
}

fn renew(lease: Lease) -> Command {
    renew_by(lease, 1)
}

fn renew_by(lease: Lease, by: u16) -> Command {
    Command::Renew { resource: R, lease: lease.id, token: lease.token, by: NodeId(by), stamp: None }
}

fn release(lease: Lease) -> Command {
    release_by(lease, 1, false)
}

fn release_by(lease: Lease, by: u16, done: bool) -> Command {
    Command::Release { resource: R, lease: lease.id, token: lease.token, by: NodeId(by), done }
}

/// Ends the lease by its release, and grants and begins what is next, if anything is.
fn hand_over(table: &mut LeaseTable, now: i64, lease: Lease, done: bool) -> Option<Lease> {
    apply(table, now, release_by(lease, lease.contender.node.0, done));
    let changes = finish(table, now, lease.id);
    let next = changes.iter().any(|change| matches!(change, Change::Granted { .. }));
    let next = next.then(|| granted(&changes));
    if let Some(next) = next {
        begin(table, now, next.id.0);
    }
    next
}

fn record(lease: Lease, ended: Option<EndCause>) -> LeaseRecord {
    LeaseRecord { lease, ended, done: false, deadline: None, revision: 7 }
}

fn recover(rules: GrantorPolicy, record: LeaseRecord, now: i64) -> LeaseTable {
    LeaseTable::recover(rules, &[record], at(now), |record| record.lease.ttl)
}

#[test]
fn a_term_begins_when_the_grant_is_durable() {
    let mut table = default_table();
    acquire(&mut table, 0, 1, 1);
    assert_eq!((table.held(R), table.live()), (None, 0));
    assert_eq!(acquire(&mut table, 5, 1, 1), [], "not even a retry may hear of it yet");
    let changes = begin(&mut table, 30, 1);
    assert!(matches!(changes[..], [Change::Begun { deadline, .. }] if deadline == at(130)));
    assert!(matches!(acquire(&mut table, 31, 1, 1)[..], [Change::AlreadyGranted(_)]));
    assert_eq!(table.live(), 1);
}

#[test]
fn a_term_whose_deadline_is_on_the_disk_begins_with_the_decision() {
    let mut table =
        LeaseTable::new(GrantorPolicy { restart: Restart::Remaining, ..GrantorPolicy::default() });
    acquire(&mut table, 0, 1, 1);
    let changes = begin(&mut table, 30, 1);
    assert!(matches!(changes[..], [Change::Begun { deadline, .. }] if deadline == at(100)));
}

#[test]
fn a_lease_is_there_until_its_end_is_durable() {
    let (mut table, lease) = held();
    acquire(&mut table, 1, 2, 1);
    let changes = expire(&mut table, 100);
    assert!(matches!(changes[..], [Change::EndOrdered { cause: EXPIRED, .. }]));
    assert_eq!((table.held(R), table.live()), (None, 1));
    let changes = finish(&mut table, 101, lease.id);
    assert!(matches!(changes[..], [Change::Ended { cause: EXPIRED, .. }, Change::Granted { .. }]));
    assert_eq!(finish(&mut table, 102, lease.id), [], "once");
}

#[test]
fn a_renewal_at_the_deadline_is_too_late_and_just_before_is_not() {
    let (mut table, lease) = held();
    assert!(matches!(
        apply(&mut table.clone(), 99, renew(lease))[..],
        [Change::RenewalTaken(_), Change::Renewed { .. }]
    ));
    assert_eq!(apply(&mut table, 100, renew(lease)), [Change::NotHeld { ended: None }]);
}

#[test]
fn expiry_comes_at_the_deadline_and_not_before() {
    let (mut table, _) = held();
    assert_eq!(expire(&mut table, 99), []);
    assert_eq!(table.overdue(at(99)), []);
    assert_eq!(table.overdue(at(100)), [R]);
    assert!(matches!(expire(&mut table, 100)[..], [Change::EndOrdered { cause: EXPIRED, .. }]));
    assert_eq!(expire(&mut table, 100), [], "once");
}

#[test]
fn what_was_due_first_is_overdue_first() {
    let mut table = default_table();
    for (resource, begins) in [(0, 30), (1, 10), (2, 20)] {
        let (resource, wish) = (ResourceId(resource), wish(contender(1, 1)));
        let lease = granted(&apply(&mut table, 0, Command::Acquire { resource, wish }));
        apply(&mut table, begins, Command::Begin { resource, lease: lease.id });
    }
    assert_eq!(table.overdue(at(125)), [ResourceId(1), ResourceId(2)]);
    assert_eq!(table.overdue(at(130)), [ResourceId(1), ResourceId(2), ResourceId(0)]);
}

#[test]
fn the_multiplier_is_the_grantors_alone() {
    let (table, lease) = held_under(GrantorPolicy { ttl_multiplier: 2, ..GrantorPolicy::default() });
    assert_eq!(table.held(R), Some((lease, at(200))));
    assert_eq!(lease.ttl, TTL);
}

#[test]
fn an_ended_lease_is_never_renewed_or_released_again() {
    let (mut table, lease) = held();
    expire(&mut table, 100);
    let over = [Change::NotHeld { ended: Some(EXPIRED) }];
    for _ in 0..2 {
        assert_eq!(apply(&mut table, 101, renew(lease)), over);
        assert_eq!(apply(&mut table, 101, release(lease)), over);
        finish(&mut table, 101, lease.id);
    }
    acquire(&mut table, 102, 2, 1);
    assert_eq!(apply(&mut table, 103, release(lease)), over, "nor under its successor");
    assert_eq!(apply(&mut table, 103, renew(lease)), over);
}

#[test]
fn what_becomes_of_a_renewal_of_an_ended_lease() {
    let renewed = |renewal_of_ended| {
        let rules = GrantorPolicy { renewal_of_ended, ..GrantorPolicy::default() };
        let (mut table, lease) = held_under(rules);
        let late = apply(&mut table.clone(), 100, renew(lease));
        expire(&mut table, 100);
        let ordered = apply(&mut table, 100, renew(lease));
        finish(&mut table, 101, lease.id);
        let ended = apply(&mut table, 102, renew(lease));
        let told = |changes: &[Change]| match changes {
            [Change::NotHeld { .. }] => "no",
            [Change::RenewalTaken(_), Change::Renewed { .. }] => "renewed",
            [Change::Resurrected { .. }] => "resurrected",
            other => panic!("{other:?}"),
        };
        ([told(&late), told(&ordered), told(&ended)], table.live())
    };
    assert_eq!(renewed(RenewalOfEnded::Refused), (["no", "no", "no"], 0));
    assert_eq!(renewed(RenewalOfEnded::AcknowledgedUntilRecorded), (["no", "renewed", "no"], 0));
    assert_eq!(renewed(RenewalOfEnded::Resurrects), (["renewed", "no", "resurrected"], 1));
}

#[test]
fn nothing_is_resurrected_under_somebody_elses_lease() {
    let rules = GrantorPolicy { renewal_of_ended: RenewalOfEnded::Resurrects, ..GrantorPolicy::default() };
    let (mut table, lease) = held_under(rules);
    acquire(&mut table, 1, 2, 1);
    expire(&mut table, 100);
    finish(&mut table, 101, lease.id);
    assert_eq!(apply(&mut table, 102, renew(lease)), [Change::NotHeld { ended: Some(EXPIRED) }]);
}

#[test]
fn what_a_renewal_must_name() {
    // The current lease, another lease or token of the same node, and a stranger's.
    let taken = |renewal_check| {
        let rules = GrantorPolicy { renewal_check, ..GrantorPolicy::default() };
        let (table, lease) = held_under(rules);
        let other_lease = Lease { id: LeaseId(77), ..lease };
        let other_token = Lease { token: lease.token.next(), ..lease };
        [(lease, 1), (other_lease, 1), (other_token, 1), (lease, 2), (other_lease, 2)].map(|(named, by)| {
            let mut table = table.clone();
            let changes = apply(&mut table, 1, renew_by(named, by));
            let is_taken =
                matches!(changes[..], [Change::RenewalTaken(of), Change::Renewed { .. }] if of == lease);
            assert_eq!(table.held(R), Some((lease, at(if is_taken { 101 } else { 100 }))));
            is_taken
        })
    };
    assert_eq!(taken(RenewalCheck::LeaseAndToken), [true, false, false, true, false]);
    assert_eq!(taken(RenewalCheck::HolderName), [true, true, true, false, false]);
    assert_eq!(taken(RenewalCheck::Nothing), [true; 5]);
}

/// The promise is a whole term, whatever the holder wrote: what its stamp makes of it is another matter.
#[test]
fn a_term_is_counted_from_its_beginning_or_from_the_writers_stamp() {
    let deadlines = |stamp: Option<i64>| {
        let mut table = default_table();
        let wish = Wish { stamp: stamp.map(at), ..wish(contender(1, 1)) };
        let lease = granted(&apply(&mut table, 1_000, Command::Acquire { resource: R, wish }));
        let changes = begin(&mut table, 1_002, lease.id.0);
        let [Change::Begun { deadline: first, term, .. }] = changes[..] else { panic!("{changes:?}") };
        assert_eq!(term, TTL);
        let renewal = Command::Renew {
            resource: R,
            lease: lease.id,
            token: lease.token,
            by: NodeId(1),
            stamp: stamp.map(|stamp| at(stamp + 10)),
        };
        apply(&mut table, 1_003, renewal);
        (first, table.held(R).map(|(_, deadline)| deadline))
    };
    assert_eq!(deadlines(None), (at(1_102), Some(at(1_103))));
    assert_eq!(deadlines(Some(5_000)), (at(5_100), Some(at(5_110))), "ahead");
    assert_eq!(deadlines(Some(990)), (at(1_090), Some(at(1_100))), "behind");
    assert_eq!(deadlines(Some(0)), (at(100), Some(at(100))), "so far behind that it is not renewed");
}

#[test]
fn how_a_grantor_reckons_with_terms() {
    let (_, lease) = held();
    let ends = |term_arithmetic, left: Span| {
        let rules = GrantorPolicy { term_arithmetic, ..GrantorPolicy::default() };
        let table = LeaseTable::recover(rules, &[record(lease, None)], at(7), |_| left);
        table.held(R).map(|(_, deadline)| deadline.as_nanos() - 7)
    };
    let (ms, seconds) = (Span::from_millis, TermArithmetic::WholeSecondsZeroIsForEver);
    let wrapping = TermArithmetic::WrappingMilliseconds;
    let for_ever = Some(i64::MAX - 7);
    for millis in [0, 1, 999, 1_000, 1_999, 4_294_967_295, 4_294_967_296, 4_294_968_000] {
        assert_eq!(ends(TermArithmetic::Exact, ms(millis)), Some(millis as i64 * 1_000_000));
    }
    assert_eq!([0, 999].map(|millis| ends(seconds, ms(millis))), [for_ever; 2]);
    assert_eq!([1_000, 1_999].map(|millis| ends(seconds, ms(millis))), [Some(1_000_000_000); 2]);
    assert_eq!(ends(wrapping, ms(4_294_967_295)), Some(4_294_967_295_000_000));
    assert_eq!(ends(wrapping, ms(4_294_967_296)), Some(0));
    assert_eq!(ends(wrapping, ms(4_294_968_000)), Some(704_000_000));
}

#[test]
fn what_a_release_must_name() {
    // The current lease, another lease or token of the same node, and a stranger's.
    let taken = |release_check| {
        let rules = GrantorPolicy { release_check, ..GrantorPolicy::default() };
        let (table, lease) = held_under(rules);
        let other_lease = Lease { id: LeaseId(77), ..lease };
        let other_token = Lease { token: lease.token.next(), ..lease };
        [(lease, 1), (other_lease, 1), (other_token, 1), (lease, 2), (other_lease, 2)].map(|(named, by)| {
            let changes = apply(&mut table.clone(), 1, release_by(named, by, false));
            matches!(changes[..], [Change::ReleaseTaken(_), Change::EndOrdered { .. }])
        })
    };
    assert_eq!(taken(ReleaseCheck::LeaseAndToken), [true, false, false, true, false]);
    assert_eq!(taken(ReleaseCheck::HolderName), [true, true, true, false, false]);
    assert_eq!(taken(ReleaseCheck::Nothing), [true; 5]);
}

#[test]
fn contenders_are_served_in_the_order_in_which_they_came() {
    let (mut table, lease) = held();
    acquire(&mut table, 1, 2, 1);
    acquire(&mut table, 2, 3, 1);
    assert!(matches!(
        acquire(&mut table, 3, 2, 1)[..],
        [Change::Queued { position: 1, entry: QueueEntry::Known, .. }]
    ));
    let next = hand_over(&mut table, 4, lease, false).expect("two wait");
    assert_eq!(next.contender.node, NodeId(2));
    assert_eq!(next.token, lease.token.next());
    let last = hand_over(&mut table, 5, next, false).expect("one waits");
    assert_eq!(last.contender.node, NodeId(3));
    assert_eq!(table.live(), 1);
}

#[test]
fn without_a_queue_nobody_waits() {
    let (mut table, lease) = held_under(GrantorPolicy { queue: Queue::None, ..GrantorPolicy::default() });
    assert!(matches!(acquire(&mut table, 1, 2, 1)[..], [Change::Refused { .. }]));
    assert_eq!(hand_over(&mut table, 2, lease, false), None);
    assert!(matches!(acquire(&mut table, 3, 2, 2)[..], [Change::Granted { .. }]));
}

#[test]
fn an_overtaken_acquire_is_ignored() {
    let (mut table, lease) = held();
    acquire(&mut table, 1, 1, 2);
    hand_over(&mut table, 2, lease, false);
    assert_eq!(acquire(&mut table, 3, 1, 1), [], "request 1 came late");
}

/// The tokens of three leases: of node 1, of node 2, and of node 1 again after a restart.
fn tokens(tokens: Tokens) -> [u64; 3] {
    let rules = GrantorPolicy { tokens, ..GrantorPolicy::default() };
    let (mut table, first) = held_under(rules);
    acquire(&mut table, 1, 2, 1);
    let second = hand_over(&mut table, 2, first, false).expect("node 2 waits");
    // As it is with two resources: other leases are granted in between.
    let other = Command::Acquire { resource: ResourceId(1), wish: wish(contender(3, 1)) };
    apply(&mut table, 3, other);
    apply(&mut table, 3, release_by(second, 2, false));
    let [Change::Ended { cause, revision, .. }] = finish(&mut table, 3, second.id)[..] else {
        panic!("nobody waits")
    };
    // The disk has the latest lease of the resource only.
    let record = LeaseRecord { revision, ..record(second, Some(cause)) };
    let mut table = recover(rules, record, 4);
    let third = granted(&acquire(&mut table, 5, 1, 2));
    [first.token.0, second.token.0, third.token.0]
}

/// What a restart gave in addition, an early renewal leaves.
#[test]
fn a_renewal_takes_nothing_back_of_what_a_restart_gave() {
    let (_, lease) = held();
    let renewed = |restart, now| {
        let rules = GrantorPolicy { restart, ..GrantorPolicy::default() };
        let term = |_: &LeaseRecord| Span::from_nanos(150);
        let mut table = LeaseTable::recover(rules, &[record(lease, None)], at(1_000), term);
        let changes = apply(&mut table, now, renew(lease));
        let [Change::RenewalTaken(_), Change::Renewed { deadline, .. }] = changes[..] else {
            panic!("{changes:?}")
        };
        assert_eq!(table.held(R), Some((lease, deadline)));
        deadline
    };
    let extra = Restart::Extra(Span::from_nanos(50));
    assert_eq!(renewed(extra, 1_010), at(1_150));
    assert_eq!(renewed(extra, 1_060), at(1_160));
    assert_eq!(renewed(Restart::FullTerm, 1_010), at(1_110));
}

#[test]
fn where_tokens_come_from() {
    assert_eq!(tokens(Tokens::DurableCounter), [1, 2, 3]);
    // Grant, end, grant, another resource's grant, end, grant.
    assert_eq!(tokens(Tokens::StoreRevision), [1, 3, 6]);
    assert_eq!(tokens(Tokens::Volatile), [1, 2, 1]);
    let random = tokens(Tokens::Random);
    assert!(random.iter().all(|token| *token > 1_000_000) && !random.is_sorted(), "{random:?}");
}

#[test]
fn an_owner_that_keeps_its_token_finds_it_again() {
    let again = |tokens| {
        let (mut table, first) = held_under(GrantorPolicy { tokens, ..GrantorPolicy::default() });
        acquire(&mut table, 1, 2, 1);
        let second = hand_over(&mut table, 2, first, false).expect("node 2 waits");
        acquire(&mut table, 3, 1, 2);
        let third = hand_over(&mut table, 4, second, false).expect("node 1 waits");
        acquire(&mut table, 5, 3, 1);
        let fourth = hand_over(&mut table, 6, third, false).expect("node 3 waits");
        [first, second, third, fourth].map(|lease| lease.token.0)
    };
    assert_eq!(again(Tokens::PerOwner), [1, 2, 1, 3]);
    assert_eq!(again(Tokens::DurableCounter), [1, 2, 3, 4]);
}

#[test]
fn the_same_owner_under_another_process() {
    let next = Contender { incarnation: Incarnation(1), ..contender(1, 1) };
    let acquired = |same_owner| {
        let (mut table, lease) = held_under(GrantorPolicy { same_owner, ..GrantorPolicy::default() });
        let changes = acquire_as(&mut table, 50, next);
        let holds = table.held(R).map(|(lease, deadline)| (lease.contender.incarnation.0, deadline));
        assert_eq!(table.held(R).map(|(held, _)| held.token), Some(lease.token));
        (changes, holds)
    };
    let (changes, holds) = acquired(SameOwner::Waits);
    assert!(matches!(changes[..], [Change::Queued { .. }]));
    assert_eq!(holds, Some((0, at(100))));
    let (changes, holds) = acquired(SameOwner::Revokes);
    assert!(matches!(changes[..], [Change::Queued { .. }, Change::Draining(_)]));
    assert_eq!(holds, Some((0, at(100))));
    let (changes, holds) = acquired(SameOwner::TakesOver);
    assert!(matches!(changes[..], [Change::Reassigned { .. }]));
    assert_eq!(holds, Some((1, at(150))));
}

#[test]
fn nobody_takes_over_or_revokes_the_lease_of_another_owner() {
    for same_owner in [SameOwner::Waits, SameOwner::Revokes, SameOwner::TakesOver] {
        let (mut table, lease) = held_under(GrantorPolicy { same_owner, ..GrantorPolicy::default() });
        let changes = acquire(&mut table, 50, 2, 1);
        assert!(matches!(changes[..], [Change::Queued { position: 1, .. }]), "{same_owner:?}: {changes:?}");
        assert_eq!(table.held(R), Some((lease, at(100))), "{same_owner:?}");
    }
}

/// Who waits for its own old lease like anybody else may be as urgent as anybody else.
#[test]
fn a_higher_priority_takes_the_lease_from_the_same_owner_too() {
    let rules = GrantorPolicy { preemption: Preemption::ByPriority, ..GrantorPolicy::default() };
    let (mut table, lease) = held_under(rules);
    let urgent = Contender { incarnation: Incarnation(1), priority: 2, ..contender(1, 1) };
    let changes = acquire_as(&mut table, 50, urgent);
    assert!(
        matches!(changes[..], [Change::Queued { .. }, Change::Draining(old)] if old == lease),
        "{changes:?}"
    );
}

#[test]
fn a_revoked_lease_drains_or_ends_at_once() {
    let (mut table, lease) = held();
    assert_eq!(revoke(&mut table, 1), [Change::Draining(lease)]);
    assert_eq!(revoke(&mut table, 2), [], "it is told once");
    assert_eq!(apply(&mut table, 3, renew(lease)), [Change::Draining(lease)], "and with each renewal");
    let cause = EndCause::Revoked { reason: Revocation::Administrator };
    let mut released = table.clone();
    let changes = apply(&mut released, 4, release(lease));
    assert!(matches!(changes[..], [_, Change::EndOrdered { cause: why, .. }] if why == cause));
    assert_eq!(expire(&mut table, 99), []);
    let changes = expire(&mut table, 100);
    assert!(matches!(changes[..], [Change::EndOrdered { cause: why, .. }] if why == cause));

    let rules = GrantorPolicy { revocation: RevocationStyle::AtOnce, ..GrantorPolicy::default() };
    let (mut table, _) = held_under(rules);
    let changes = revoke(&mut table, 1);
    assert!(matches!(changes[..], [Change::EndOrdered { cause: why, .. }] if why == cause));
}

#[test]
fn a_grant_that_is_revoked_on_its_way_to_the_disk_is_told_both() {
    for (revocation, ends) in [(RevocationStyle::Drain, false), (RevocationStyle::AtOnce, true)] {
        let mut table = LeaseTable::new(GrantorPolicy { revocation, ..GrantorPolicy::default() });
        acquire(&mut table, 0, 1, 1);
        assert_eq!(revoke(&mut table, 0), []);
        let changes = begin(&mut table, 1, 1);
        assert!(matches!(changes[0], Change::Begun { .. }));
        assert_eq!(matches!(changes[1], Change::EndOrdered { .. }), ends);
        assert_eq!(matches!(changes[1], Change::Draining(_)), !ends);
    }
}

#[test]
fn a_higher_priority_takes_the_lease_and_the_first_place() {
    let urgent = Contender { priority: 2, ..contender(3, 1) };
    let (mut table, lease) = held();
    acquire(&mut table, 1, 2, 1);
    let queued = acquire_as(&mut table, 2, urgent);
    assert!(matches!(queued[..], [Change::Queued { position: 2, .. }]), "by default nobody looks");

    let rules = GrantorPolicy { preemption: Preemption::ByPriority, ..GrantorPolicy::default() };
    let (mut table, _) = held_under(rules);
    acquire(&mut table, 1, 2, 1);
    let changes = acquire_as(&mut table, 2, urgent);
    assert_eq!(changes[1..], [Change::Draining(lease)]);
    assert!(matches!(changes[0], Change::Queued { position: 1, .. }));
    assert_eq!(acquire_as(&mut table, 3, urgent).len(), 1, "it is told once");
    let equal = Contender { priority: 2, ..contender(4, 1) };
    assert!(matches!(acquire_as(&mut table, 3, equal)[..], [Change::Queued { position: 2, .. }]));
}

#[test]
fn a_lock_delay_follows_an_involuntary_end_alone() {
    let delay = Span::from_nanos(50);
    let rules = GrantorPolicy { lock_delay: delay, ..GrantorPolicy::default() };
    let (mut table, lease) = held_under(rules);
    acquire(&mut table, 1, 2, 1);
    let mut released = table.clone();
    assert!(hand_over(&mut released, 2, lease, false).is_some());

    expire(&mut table, 100);
    let changes = finish(&mut table, 101, lease.id);
    let until = Change::Delayed { resource: R, until: at(151) };
    assert!(matches!(changes[..], [Change::Ended { .. }, delayed] if delayed == until));
    let changes = acquire(&mut table, 150, 3, 1);
    assert!(matches!(changes[..], [Change::DuringLockDelay, Change::Queued { position: 2, .. }]));
    assert_eq!(apply(&mut table, 150, Command::DelayOver { resource: R }), []);
    let next = granted(&apply(&mut table, 151, Command::DelayOver { resource: R }));
    assert_eq!(next.contender.node, NodeId(2), "who waited is first");
}

#[test]
fn who_comes_at_the_end_of_a_lock_delay_stands_behind_those_who_wait() {
    let rules = GrantorPolicy { lock_delay: Span::from_nanos(50), ..GrantorPolicy::default() };
    let (mut table, lease) = held_under(rules);
    acquire(&mut table, 1, 2, 1);
    expire(&mut table, 100);
    finish(&mut table, 100, lease.id);
    // At that very instant, before the table was told.
    let next = granted(&acquire(&mut table, 150, 3, 1));
    assert_eq!(next.contender.node, NodeId(2));
}

#[test]
fn the_lease_after_a_revoked_one_is_renewed() {
    let (mut table, lease) = held();
    acquire(&mut table, 1, 2, 1);
    revoke(&mut table, 2);
    let next = hand_over(&mut table, 3, lease, false).expect("node 2 waits");
    assert!(matches!(
        apply(&mut table, 4, renew(next))[..],
        [Change::RenewalTaken(_), Change::Renewed { .. }]
    ));
}

#[test]
fn whether_a_lock_delay_is_kept() {
    let granted_at = |lock_delay_kept, restarted: bool| {
        let lock_delay = Span::from_nanos(50);
        let rules = GrantorPolicy { lock_delay, lock_delay_kept, ..GrantorPolicy::default() };
        let (mut table, lease) = held_under(rules);
        expire(&mut table, 100);
        finish(&mut table, 100, lease.id);
        if restarted {
            table = recover(rules, record(lease, Some(EXPIRED)), 120);
        }
        (120..).find(|now| {
            let changes = acquire(&mut table.clone(), *now, 2, 1);
            matches!(changes[..], [Change::Granted { .. }])
        })
    };
    for (kept, running, restarted) in [
        (LockDelayKept::Durable, 150, 170),
        (LockDelayKept::InMemory, 150, 120),
        (LockDelayKept::Never, 120, 120),
    ] {
        assert_eq!(granted_at(kept, false), Some(running), "{kept:?}");
        assert_eq!(granted_at(kept, true), Some(restarted), "{kept:?} after a restart");
    }
}

#[test]
fn an_end_that_is_given_up_leaves_the_lease_there() {
    let (mut table, lease) = held();
    acquire(&mut table, 1, 2, 1);
    expire(&mut table, 100);
    apply(&mut table, 200, Command::Abandon { resource: R, lease: lease.id });
    assert_eq!((table.live(), table.overdue(at(1_000))), (1, vec![]));
    assert_eq!(finish(&mut table, 300, lease.id), [], "nobody listens any more");
    assert_eq!(apply(&mut table, 300, renew(lease)), [Change::NotHeld { ended: None }]);
    assert!(matches!(acquire(&mut table, 300, 3, 1)[..], [Change::Queued { .. }]));
    let changes = apply(&mut table, 300, release(lease));
    assert!(matches!(changes[..], [Change::ReleaseTaken(_), Change::EndOrdered { .. }]));
}

#[test]
fn a_task_is_given_out_until_it_is_done() {
    let (mut table, lease) = held();
    assert_eq!(lease.task, TaskId(0));
    acquire(&mut table, 1, 2, 1);
    let next = hand_over(&mut table, 2, lease, true).expect("node 2 waits");
    assert_eq!(next.task, TaskId(1));
    acquire(&mut table, 3, 1, 2);
    let again = hand_over(&mut table, 4, next, false).expect("node 1 waits");
    assert_eq!(again.task, TaskId(1));

    let kept = |done| {
        let record = LeaseRecord { done, ..record(again, Some(EndCause::Released { by: NodeId(1) })) };
        let mut table = recover(GrantorPolicy::default(), record, 5);
        granted(&acquire(&mut table, 6, 2, 9)).task
    };
    assert_eq!((kept(false), kept(true)), (TaskId(1), TaskId(2)));
}

#[test]
fn recovery_keeps_tokens_ids_and_ends() {
    let (_, lease) = held();
    let mut live = recover(GrantorPolicy::default(), record(lease, None), 1_000);
    assert_eq!(live.held(R), Some((lease, at(1_100))));
    assert_eq!(live.revision(), 7);
    assert!(matches!(acquire(&mut live, 1_000, 1, 1)[..], [Change::AlreadyGranted(_)]));

    let mut ended = recover(GrantorPolicy::default(), record(lease, Some(EXPIRED)), 1_000);
    assert_eq!(ended.live(), 0);
    let next = granted(&acquire(&mut ended, 1_000, 2, 1));
    assert!(next.id > lease.id && next.token > lease.token);
}

#[test]
fn no_two_random_tokens_are_the_same() {
    let mut tokens: Vec<u64> = (0..10_000).map(scrambled).collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 10_000);
}

/// Who does what, in a property test.
fn commands() -> impl Strategy<Value = Vec<(i64, Command)>> {
    let command = (0_u16..4, 0_u64..4, 0_u64..6, 0_u64..6).prop_flat_map(|(node, request, lease, token)| {
        let (resource, lease, token) = (R, LeaseId(lease), Token(token));
        prop_oneof![
            Just(Command::Acquire { resource, wish: wish(contender(node, request)) }),
            Just(Command::Begin { resource, lease }),
            Just(Command::Renew { resource, lease, token, by: NodeId(node), stamp: None }),
            Just(Command::Release { resource, lease, token, by: NodeId(node), done: node == 0 }),
            Just(Command::Expire { resource }),
            Just(Command::Revoke { resource, reason: Revocation::Administrator }),
            Just(Command::Finish { resource, lease }),
            Just(Command::DelayOver { resource }),
        ]
    });
    proptest::collection::vec((0_i64..60, command), 0..120)
}

/// Safe rules of every sort.
fn rules() -> impl Strategy<Value = GrantorPolicy> {
    let styles = prop_oneof![Just(RevocationStyle::Drain), Just(RevocationStyle::AtOnce)];
    let queues = prop_oneof![Just(Queue::Fifo), Just(Queue::None)];
    let tokens = prop_oneof![Just(Tokens::DurableCounter), Just(Tokens::StoreRevision)];
    (styles, queues, tokens, 0_u64..2, 1_u32..3).prop_map(|(revocation, queue, tokens, delay, multiplier)| {
        GrantorPolicy {
            revocation,
            queue,
            tokens,
            lock_delay: Span::from_nanos(50 * delay),
            ttl_multiplier: multiplier,
            ..GrantorPolicy::default()
        }
    })
}

proptest! {
    /// Whatever comes, in whatever order: tokens and ids grow, at most one lease lives, grants are ends plus
    /// what lives, tasks are given out in order, and nothing that ended comes back.
    #[test]
    fn the_table_keeps_its_promises(rules in rules(), commands in commands()) {
        let mut table = LeaseTable::new(rules);
        let (mut now, mut grants, mut ends) = (0, 0, 0);
        let (mut last_id, mut last_token, mut last_task) = (LeaseId(0), Token(0), TaskId(0));
        let mut ordered_up_to = LeaseId(0);
        let mut free_from = 0;
        for (wait, command) in commands {
            now += wait;
            for change in apply(&mut table, now, command) {
                match change {
                    Change::Granted { lease, .. } => {
                        prop_assert!(lease.id > last_id && lease.token > last_token);
                        prop_assert!(lease.task == last_task || lease.task == last_task.next());
                        prop_assert!(now >= free_from);
                        (last_id, last_token, last_task) = (lease.id, lease.token, lease.task);
                    }
                    Change::Begun { lease, deadline, .. } => {
                        grants += 1;
                        prop_assert!(lease.id > ordered_up_to);
                        prop_assert_eq!(deadline, at(now) + rules.term(lease.ttl));
                    }
                    Change::Renewed { lease, deadline } => {
                        prop_assert!(lease.id > ordered_up_to);
                        prop_assert_eq!(deadline, at(now) + rules.term(lease.ttl));
                    }
                    Change::EndOrdered { lease, .. } => {
                        prop_assert!(lease.id > ordered_up_to);
                        ordered_up_to = lease.id;
                    }
                    Change::Ended { lease, cause, .. } => {
                        ends += 1;
                        prop_assert_eq!(lease.id, ordered_up_to);
                        let delay = if is_involuntary(cause) { rules.lock_delay } else { Span::ZERO };
                        free_from = now + delay.as_nanos() as i64;
                    }
                    Change::AlreadyGranted(lease)
                    | Change::Draining(lease)
                    | Change::RenewalTaken(lease)
                    | Change::ReleaseTaken(lease) => {
                        prop_assert!(lease.id > ordered_up_to);
                    }
                    Change::Queued { .. } => prop_assert_eq!(rules.queue, Queue::Fifo),
                    Change::Refused { .. } => prop_assert_eq!(rules.queue, Queue::None),
                    Change::NotHeld { .. } | Change::DuringLockDelay | Change::Delayed { .. } => {}
                    Change::Resurrected { .. } | Change::Reassigned { .. } => {
                        prop_assert!(false, "these rules do no such thing");
                    }
                }
            }
            prop_assert!(table.live() <= 1);
            prop_assert_eq!(grants, ends + table.live());
        }
    }
}
