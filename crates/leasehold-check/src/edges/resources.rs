//! What holders and resources do.

use super::*;

pub(super) fn edges() -> Vec<(Invariant, Edge)> {
    let parts = [
        (Invariant::Exclusivity, exclusivity()),
        (Invariant::Fencing, fencing()),
        (Invariant::SelfStop, self_stop()),
        (Invariant::AppliedOnce, applied_once()),
        (Invariant::NoLostUpdate, no_lost_update()),
    ];
    parts
        .into_iter()
        .flat_map(|(invariant, edges)| edges.into_iter().map(move |edge| (invariant, edge)))
        .collect()
}

fn exclusivity() -> Vec<Edge> {
    let edge = |given: &[Event]| Edge::of("claims-overlap", header(&[Invariant::Exclusivity]), given);
    let first = |end| [at(s(1), A, claim_started(1)), at(s(11), A, end)];
    let next = |when| at(when, B, claim_started(2));
    let after = |given: &[Event]| edge(given).holds(next(s(11))).breaks(next(just_before(s(11))));
    let dies = [at(s(1), A, claim_started(1)), at(s(11), A, CRASHED)];
    let again = [at(s(1), A, claim_started(1)), at(s(6), A, lapsed(1)), next(s(7)), at(s(11), B, lapsed(2))];
    let reopened = |when| at(when, A, claim_renewed(1));
    let itself = |when| at(when, A, claim_started(2));
    [
        after(&first(lapsed(1))),
        after(&[at(s(1), A, claim_started(1)), at(s(11), A, claim_ended(1, LET_GO))]),
        after(&dies),
        edge(&again).holds(reopened(s(11))).breaks(reopened(just_before(s(11)))),
        edge(&first(lapsed(1))).holds(itself(s(11))).breaks(itself(just_before(s(11)))),
    ]
    .into()
}

fn fencing() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::Fencing]), given);
    let (older, current, holder) =
        ("accepted-older-token", "refused-current-token", "refused-current-holder");
    let wrote = at(s(1), S, accepted(B, 5));
    let write = |token| at(s(2), S, accepted(A, token));
    let raise = |token| at(s(2), S, barrier(A, token));
    let refuse = |access, token| at(s(2), S, refused(C, access, token, 5));
    let grants = |token| at(s(1), G, granted_with(2, B, token));
    let pending = [at(s(1), S, accepted(A, 3)), at(s(3), S, refused(A, Access::Write, 3, 5))];
    let anew = |end| [wrote, at(s(2), G, granted_with(7, B, 1)), at(end, G, ended(7, EXPIRED))];
    let refused_holder = |when| at(when, S, not_current(B, 1, 5));
    [
        edge(older, &[wrote]).holds(write(5)).breaks(write(4)),
        edge(older, &[wrote]).holds(raise(5)).breaks(raise(4)),
        edge(older, &[at(s(1), S, barrier(B, 5))]).holds(write(5)).breaks(write(4)),
        edge(current, &[wrote]).holds(refuse(Access::Write, 4)).breaks(refuse(Access::Write, 5)),
        edge(current, &[wrote]).holds(refuse(Access::Read, 4)).breaks(refuse(Access::Read, 5)),
        // A mark that is no token of a grant has no excuse.
        edge(current, &pending).holds(grants(5)).breaks(grants(4)),
        edge(holder, &anew(s(20))).holds(refused_holder(s(20))).breaks(refused_holder(just_before(s(20)))),
    ]
    .into()
}

fn self_stop() -> Vec<Edge> {
    let edge = |given: &[Event]| Edge::of("effect-after-end", header(&[Invariant::SelfStop]), given);
    let grant = at(s(1), G, granted(1, A));
    let works = |when| at(when, A, issued(1));
    let after = |given: &[Event]| edge(given).holds(works(just_before(s(20)))).breaks(works(s(20)));
    let ordered = [grant, at(s(20), G, end_ordered(1, EXPIRED)), at(s(25), G, ended(1, EXPIRED))];
    // A lease of 15 s lasts 12 s at least: one that expires sooner is not the holder's fault.
    let early = |when| at(when, G, ended(1, EXPIRED));
    let held = [grant, at(s(20), G, ended(1, EXPIRED)), at(s(30), A, RESUMED), works(s(30))];
    let stops = |when| at(when, A, PAUSED);
    [
        after(&[grant, at(s(20), G, ended(1, EXPIRED))]),
        after(&[grant, at(s(20), G, ended(1, released_by(A)))]),
        after(&[grant, at(s(20), G, release_taken(1, A)), at(s(25), G, ended(1, released_by(A)))]),
        after(&ordered),
        edge(&[grant, works(s(14))]).holds(early(just_before(s(13)))).breaks(early(s(13))),
        edge(&held).holds(stops(just_before(s(20)))).breaks(stops(s(20))),
    ]
    .into()
}

fn applied_once() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, header(&[Invariant::AppliedOnce]), given);
    let done = [at(s(1), S, applied(0)), at(s(2), S, applied(1))];
    let next = |task| at(s(3), S, applied(task));
    // One effect went unreported, so one task may be missing.
    let unreported =
        [at(s(1), S, wrote(A, 1, 0, None)), at(s(1), S, applied(0)), at(s(2), S, wrote(A, 1, 2, None))];
    [
        edge("applied-twice", &done).holds(next(2)).breaks(next(1)),
        edge("never-applied", &done).holds(next(2)).breaks(next(3)),
        edge("never-applied", &[]).holds(next(0)).breaks(next(1)),
        edge("never-applied", &unreported).holds(next(2)).breaks(next(3)),
        edge("applied-twice", &unreported).holds(next(1)).breaks(next(0)),
    ]
    .into()
}

fn no_lost_update() -> Vec<Edge> {
    let write = |replaced, based_on| at(s(1), S, wrote(A, 1, replaced, based_on));
    let edge = |breaks| {
        let edge = Edge::of("overwrote-unseen", header(&[Invariant::NoLostUpdate]), &[]);
        edge.holds(write(4, Some(4))).breaks(breaks)
    };
    [edge(write(5, Some(4))), edge(write(3, Some(4))), edge(write(4, Some(3)))].into()
}
