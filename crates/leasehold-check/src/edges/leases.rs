//! What a grantor does with leases.

use leasehold_core::Span;

use super::*;

pub(super) fn edges() -> Vec<(Invariant, Edge)> {
    let parts = [
        (Invariant::TokenOrder, token_order()),
        (Invariant::NoEarlyEnd, no_early_end()),
        (Invariant::NoImmortalLease, no_immortal_lease()),
        (Invariant::AcknowledgedIsAlive, acknowledged_is_alive()),
        (Invariant::NoResurrection, no_resurrection()),
        (Invariant::OwnerOnly, owner_only()),
        (Invariant::LockDelay, lock_delay()),
        (Invariant::AtomicEnd, atomic_end()),
        (Invariant::Conservation, conservation()),
        (Invariant::Liveness, liveness()),
        (Invariant::LinearizableRegister, linearizable_register()),
    ];
    parts
        .into_iter()
        .flat_map(|(invariant, edges)| edges.into_iter().map(move |edge| (invariant, edge)))
        .collect()
}

fn grant() -> Event {
    at(s(1), G, granted(1, A))
}

fn token_order() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::TokenOrder]), given);
    let first = at(s(1), G, granted_with(1, A, 5));
    let next = |token| at(s(30), G, granted_with(2, B, token));
    let found = |token| at(s(30), G, recovered_with(2, B, token, None));
    let (renewal, recovery) = ("renewal-changed-token", "recovery-changed-token");
    let renewed = |token| at(s(2), G, renewed_with(1, token));
    let recovered = |token| at(s(2), G, recovered_with(1, A, token, None));
    [
        edge("token-not-increasing", &[first]).holds(next(6)).breaks(next(5)),
        edge("token-not-increasing", &[first]).holds(found(6)).breaks(found(5)),
        edge(renewal, &[first]).holds(renewed(5)).breaks(renewed(4)),
        edge(renewal, &[first]).holds(renewed(5)).breaks(renewed(6)),
        edge(recovery, &[first]).holds(recovered(5)).breaks(recovered(4)),
        edge(recovery, &[first]).holds(recovered(5)).breaks(recovered(6)),
    ]
    .into()
}

/// 15 s on a clock that is up to a quarter fast last 12 s at least.
fn no_early_end() -> Vec<Edge> {
    let edge = |given: &[Event], when| {
        let end = |when| at(when, G, ended(1, EXPIRED));
        let edge = Edge::of("expired-early", header(&[Invariant::NoEarlyEnd]), given);
        edge.holds(end(when)).breaks(end(just_before(when)))
    };
    [
        edge(&[grant()], s(13)),
        edge(&[grant(), at(s(6), G, renewed(1))], s(18)),
        edge(&[grant(), at(s(6), G, recovered(1, A, None))], s(18)),
        // The longest of the promises counts.
        edge(&[grant(), at(s(5), G, renewed_for(1, 5))], s(13)),
    ]
    .into()
}

/// 15 s on a clock that is up to a quarter slow, and a slack of 1 s: 21 s at most.
fn no_immortal_lease() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::NoImmortalLease]), given);
    let late = |given: &[Event], due| {
        let end = |when| at(when, G, ended(1, EXPIRED));
        edge("ended-late", given).holds(end(due)).breaks(end(just_after(due)))
    };
    let once_extended = |given: &[Event], due| {
        let mut edge = late(given, due);
        edge.header.bounds.extensions = Some(1);
        edge
    };
    let overdue = |due| {
        // The renewal makes the lease due anew, and the run ends before that.
        let renewal = |when| at(when, G, renewed(1));
        let end = at(s(30), G, ended(1, released_by(A)));
        edge("renewed-overdue", &[grant(), end]).holds(renewal(due)).breaks(renewal(just_after(due)))
    };
    [
        late(&[grant()], s(22)),
        late(&[grant(), at(s(5), G, renewed(1))], s(26)),
        // Stopped, it has its slack once it goes on; dead, a whole term when it is back.
        late(&[grant(), at(s(10), G, PAUSED), at(s(50), G, RESUMED)], s(51)),
        late(&[grant(), at(s(10), G, CRASHED), at(s(30), G, RESTARTED)], s(51)),
        // Where one extension is promised, the second restart gives no more than the slack.
        once_extended(&[grant(), at(s(10), G, RESTARTED), at(s(11), G, RESTARTED)], s(31)),
        once_extended(&[grant(), at(s(10), G, RESTARTED), at(s(60), G, RESTARTED)], s(61)),
        overdue(s(22)),
        edge("never-ended", &[grant()]).holds_until(s(22)),
    ]
    .into()
}

fn acknowledged_is_alive() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::AcknowledgedIsAlive]), given);
    let answer = at(s(20), G, acknowledged(1));
    let ends = |when| at(when, G, ended(1, EXPIRED));
    let orders = |when| at(when, G, end_ordered(1, EXPIRED));
    let releases = |when| at(when, G, release_taken(1, A));
    let grants = |when| at(when, G, granted(1, A));
    let (dead, ordered) = ("acknowledged-ended-lease", "acknowledged-after-end-ordered");
    // What shares the instant of the answer came after it.
    let (before, after) = (just_before(s(20)), s(20));
    [
        edge(dead, &[grant(), answer]).holds(ends(after)).breaks(ends(before)),
        edge("acknowledged-unknown-lease", &[answer]).holds(grants(before)).breaks(grants(after)),
        edge(ordered, &[grant(), answer]).holds(orders(after)).breaks(orders(before)),
        edge(ordered, &[grant(), answer]).holds(releases(after)).breaks(releases(before)),
    ]
    .into()
}

fn no_resurrection() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::NoResurrection]), given);
    let given = [at(s(1), G, granted(5, A)), at(s(20), G, ended(5, EXPIRED))];
    let next = |lease| at(s(30), G, granted(lease, B));
    let again = "ended-lease-lived-again";
    let found = |end| at(s(30), G, recovered(5, A, end));
    [
        edge("lease-id-reused", &given).holds(next(6)).breaks(next(5)),
        edge("lease-id-reused", &given[..1]).holds(next(6)).breaks(next(5)),
        edge(again, &given).holds(at(just_before(s(20)), G, renewed(5))).breaks(at(s(20), G, renewed(5))),
        edge(again, &given).holds(found(Some(EXPIRED))).breaks(found(None)),
        edge("ended-twice", &given).breaks(at(s(30), G, ended(5, EXPIRED))),
    ]
    .into()
}

fn owner_only() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::OwnerOnly]), given);
    let given = [at(s(1), G, granted_with(4, A, 9))];
    let release = |by, lease, token| at(s(2), G, release_naming(4, by, lease, token));
    let other = |lease, token| {
        edge("released-other-lease", &given).holds(release(A, 4, 9)).breaks(release(A, lease, token))
    };
    let end = |by| at(s(2), G, ended(4, released_by(by)));
    let renewal = |by, lease, token| at(s(2), G, renewal_naming(4, by, lease, token));
    let renewed = |clause, breaks| edge(clause, &given).holds(renewal(A, 4, 9)).breaks(breaks);
    [
        renewed("renewed-other-lease", renewal(A, 3, 9)),
        renewed("renewed-other-lease", renewal(A, 5, 9)),
        renewed("renewed-other-lease", renewal(A, 4, 8)),
        renewed("renewed-other-lease", renewal(A, 4, 10)),
        renewed("renewed-by-stranger", renewal(B, 4, 9)),
        other(3, 9),
        other(5, 9),
        other(4, 8),
        other(4, 10),
        edge("released-by-stranger", &given).holds(release(A, 4, 9)).breaks(release(B, 4, 9)),
        // Nobody told of the release.
        edge("released-by-stranger", &given).holds(end(A)).breaks(end(B)),
    ]
    .into()
}

/// 10 s on a clock that is up to a quarter fast last 8 s at least.
fn lock_delay() -> Vec<Edge> {
    let mut header = header(&[Invariant::LockDelay]);
    header.bounds.lock_delay = Span::from_secs(10);
    let next = |when| at(when, G, granted(2, B));
    let free_at = |given: &[Event], due| {
        let edge = Edge::of("granted-too-soon", header.clone(), given);
        edge.holds(next(due)).breaks(next(just_before(due)))
    };
    let orders = |second| at(s(second), G, end_ordered(1, EXPIRED));
    let renewal = at(s(20), G, renewed(1));
    let ends = |second| at(s(second), G, ended(1, EXPIRED));
    let end = |by| at(s(20), G, ended(1, by));
    let voluntary = Edge::of("granted-too-soon", header.clone(), &[grant(), next(s(21))]);
    [
        free_at(&[grant(), ends(20)], s(28)),
        free_at(&[grant(), end(REVOKED)], s(28)),
        free_at(&[grant(), orders(20), ends(25)], s(28)),
        // An order that is no later than the last renewal is void, and so is not in the way of the next.
        free_at(&[grant(), orders(20), renewal, ends(25)], s(33)),
        free_at(&[grant(), orders(20), renewal, orders(30), ends(35)], s(38)),
        voluntary.holds(end(released_by(A))).breaks(end(REVOKED)),
    ]
    .into()
}

fn atomic_end() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::AtomicEnd]), given);
    let keys = [grant(), at(s(1), G, key_attached(1, 0, 5)), at(s(1), G, key_attached(1, 1, 5))];
    let given = |more: &[Event]| [&keys[..], &[at(s(10), G, ended(1, EXPIRED))], more].concat();
    let (one, other) = (at(s(10), G, key_ended(1, 0, 6)), |revision| at(s(10), G, key_ended(1, 1, revision)));
    let next = at(s(20), G, granted(2, B));
    let late = |when| at(when, G, key_ended(1, 1, 6));
    let apart = |revision| {
        edge("ended-at-different-revisions", &given(&[one])).holds(other(6)).breaks(other(revision))
    };
    [
        apart(5),
        apart(7),
        edge("key-outlived-lease", &given(&[one])).holds(other(6)),
        edge("key-outlived-lease", &given(&[one, next])).holds(late(s(20))).breaks(late(just_after(s(20)))),
        edge("key-ended-twice", &given(&[one, other(6)])).breaks(late(s(11))),
    ]
    .into()
}

fn conservation() -> Vec<Edge> {
    let edge = |given: &[Event]| Edge::of("grants-ends-held", header(&[Invariant::Conservation]), given);
    let holds = |live| at(s(40), G, holds(live));
    let two = [grant(), at(s(2), G, granted(2, B))];
    let ends = |cause| [two[0], two[1], at(s(20), G, ended(1, cause))];
    let of = |given: &[Event], live, found| edge(given).holds(holds(live)).breaks(holds(found));
    let mut edges: Vec<Edge> = [of(&[], 0, 1), of(&two, 2, 1), of(&two, 2, 3)].into();
    for cause in [EXPIRED, REVOKED, released_by(A)] {
        edges.extend([of(&ends(cause), 1, 0), of(&ends(cause), 1, 2)]);
    }
    edges
}

/// Regranted within 30 s.
fn liveness() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::Liveness]), given);
    let settle = world(s(50), SETTLE);
    let lapses = [at(s(1), A, claim_started(1)), settle, at(s(60), A, lapsed(1))];
    let late = |given: &[Event], due| {
        let claim = |when| at(when, B, claim_started(2));
        edge("late", given).holds(claim(due)).breaks(claim(just_after(due)))
    };
    let crash = |when| [settle, at(when, A, CRASHED), at(when, B, CRASHED)];
    let goes = |when| at(when, C, CRASHED);
    [
        late(&[settle], s(80)),
        late(&lapses, s(90)),
        edge("stuck", &[settle]).holds_until(s(80)),
        edge("stuck", &lapses).holds_until(s(90)),
        // The last contender goes away when its time is just not over.
        edge("stuck", &crash(s(70))).holds(goes(s(80))).breaks(goes(just_after(s(80)))),
    ]
    .into()
}

/// A asks at 1 s: what it is granted is over at 13 s at the earliest.
fn linearizable_register() -> Vec<Edge> {
    let acquire = |node, when| at(when, node, asks(Operation::Acquire));
    let granted_to_a = [acquire(A, s(1)), grant(), at(s(2), A, told_granted(1))];
    let edge = |clause, more: &[Event]| {
        let given = [&granted_to_a[..], more].concat();
        Edge::of(clause, header(&[Invariant::LinearizableRegister]), &given)
    };
    let b_asks = [acquire(B, s(3)), at(s(5), G, granted(2, B))];
    let told_b = |when| at(when, B, told_granted(2));
    let lease = LeaseId(1);
    let renewal =
        [at(s(12), A, asks(Operation::Renew { lease })), at(s(60), A, told(Answer::Renewed { lease }))];
    let refused = |when| at(when, A, told(Answer::Gone { lease }));
    let free = |when| at(when, C, told(Answer::HeldByNobody));
    [
        edge("granted-out-of-turn", &b_asks).holds(told_b(s(13))).breaks(told_b(just_before(s(13)))),
        edge("renewed-while-not-held", &[b_asks, renewal].concat())
            .holds(told_b(s(24)))
            .breaks(told_b(just_before(s(24)))),
        edge("refused-while-held", &[]).holds(refused(s(13))).breaks(refused(just_before(s(13)))),
        edge("wrong-holder-told", &[at(s(4), C, asks(Operation::Get))])
            .holds(free(s(13)))
            .breaks(free(just_before(s(13)))),
    ]
    .into()
}
