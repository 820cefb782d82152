//! What registries tell, and what views make of it.

use leasehold_core::event::{LookupAnswer, Status};
use leasehold_core::{Leg, Purpose};

use super::*;
use crate::script::registry::*;

pub(super) fn edges() -> Vec<(Invariant, Edge)> {
    let parts = [
        (Invariant::BoundedStaleness, exclusion()),
        (Invariant::BoundedStaleness, propagation()),
        (Invariant::BoundedStaleness, visibility()),
        (Invariant::Watch, watch()),
        (Invariant::MonotonicReads, monotonic_reads()),
    ];
    parts
        .into_iter()
        .flat_map(|(invariant, edges)| edges.into_iter().map(move |edge| (invariant, edge)))
        .collect()
}

fn staleness(clause: &'static str, given: &[Event]) -> Edge {
    Edge::of(clause, registry_header(&[Invariant::BoundedStaleness]), given)
}

/// A registration at 101 s, which C's view lists at once.
fn begin(more: &[Event]) -> Vec<Event> {
    let view = at(s(100), C, advanced(0, 0, 0));
    let shown = [at(s(101), C, listed(1)), at(s(101), C, advanced(1, 1, 0))];
    [&[view, at(s(101), G, granted(1, A)), at(s(101), G, registered(1, 1))], &shown[..], more].concat()
}

/// Hop one: 25 s after a crash, 2 s after a deregistration.
fn exclusion() -> Vec<Edge> {
    let ends = |when| at(when, G, deregistered(1, 2, EXPIRED));
    let crash = at(s(110), A, CRASHED);
    let leaves = at(s(110), A, deregistration_sent(1));
    let by = |given: &[Event], due| {
        let edge = staleness("listed-too-long", &begin(given));
        edge.holds(ends(due)).breaks(ends(just_after(due)))
    };
    let suspect = |when| at(when, G, status(1, Status::Suspect, 2));
    let last = at(s(140), G, deregistered(1, 3, EXPIRED));
    let slow = |when| at(when, G, WorldEvent::Throttled);
    [
        by(&[crash], s(135)),
        by(&[leaves], s(112)),
        // What happens once the bound has run out excuses nothing.
        staleness("listed-too-long", &begin(&[crash, last]))
            .excuses(slow(s(135)))
            .breaks(slow(just_after(s(135)))),
        staleness("listed-too-long", &begin(&[crash, last]))
            .holds(suspect(s(135)))
            .breaks(suspect(just_after(s(135)))),
        staleness("never-excluded", &begin(&[crash])).holds_until(s(135)),
        staleness("never-excluded", &begin(&[leaves])).holds_until(s(112)),
    ]
    .into()
}

/// Hop two: 1 s by a watch that was healthy for 6 s, 6 s by a dead one, 10 s by the cache.
fn propagation() -> Vec<Edge> {
    let end = at(s(120), G, deregistered(1, 2, EXPIRED));
    let edge = |clause, given: &[Event]| staleness(clause, &[&begin(&[end])[..], given].concat());
    let answers = |when| at(when, C, FRESH);
    let by = |given: &[Event], due| {
        edge("answered-too-long", given).holds(answers(due)).breaks(answers(just_after(due)))
    };
    let loses = |when| at(when, G, lost(C, Purpose::Watch, Leg::Reply));
    let says = |answer| at(s(150), C, looked_up(answer));
    let lists = |epoch| at(s(121), C, listed(epoch));
    let forgets = |when| at(when, C, dropped(1));
    [
        by(&[], s(121)),
        by(&[loses(just_before(s(114)))], s(121)),
        by(&[loses(s(114))], s(126)),
        // A trouble afterwards has to be recovered from; what is left of it is the cache.
        by(&[loses(s(122))], just_after(s(128))),
        by(&[at(s(115), C, delaying())], s(130)),
        edge("answered-too-long", &[]).holds(says(LookupAnswer::Stale)).breaks(says(LookupAnswer::Fresh)),
        // At one instant the answer that was told first had it still.
        edge("answered-too-long", &[answers(s(150))])
            .holds(forgets(just_before(s(150))))
            .breaks(forgets(s(150))),
        edge("listed-what-never-was", &[]).holds(lists(1)).breaks(lists(2)),
    ]
    .into()
}

/// Shown within 3 s, by a view that was there before.
fn visibility() -> Vec<Edge> {
    let view = at(s(100), C, advanced(0, 0, 0));
    let registers = at(s(101), G, registered(1, 1));
    let shows = |when| at(when, C, listed(1));
    let ends = |when| at(when, G, deregistered(1, 2, EXPIRED));
    let exists = |when| at(when, C, advanced(0, 0, 0));
    let given = [view, registers];
    [
        staleness("shown-too-late", &given).holds(shows(s(104))).breaks(shows(just_after(s(104)))),
        staleness("never-shown", &given).holds(ends(s(104))).breaks(ends(just_after(s(104)))),
        staleness("never-shown", &given).holds_until(s(104)),
        // At the instant of the registration itself it was there.
        staleness("never-shown", &[registers]).holds(exists(just_after(s(101)))).breaks(exists(s(101))),
    ]
    .into()
}

fn watch() -> Vec<Edge> {
    let edge = |clause, given: &[Event]| Edge::of(clause, registry_header(&[Invariant::Watch]), given);
    let first = at(s(1), G, registered(1, 1));
    let sum = print(1, Status::Passing);
    let view = |revision, count, sum| at(s(60), C, advanced(revision, count, sum));
    let differs =
        |count, wrong| edge("view-differs", &[first]).holds(view(1, 1, sum)).breaks(view(1, count, wrong));
    let ended = at(s(2), G, deregistered(1, 2, EXPIRED));
    let next = |revision| at(s(3), G, registered(2, revision));
    let table = |revision| at(s(3), G, lists(0, revision));
    let (no_change, back, changed) =
        ("revision-without-a-change", "revision-went-back", "changed-without-a-revision");
    let restarted = [first, at(s(2), G, CRASHED), at(s(3), G, RESTARTED)];
    let alive = [restarted[0], restarted[1], restarted[2], at(s(3), G, found(1, Status::Passing))];
    let goes_on = |revision| at(s(3), G, revision_found(revision));
    [
        differs(2, sum),
        differs(0, sum),
        differs(1, sum.wrapping_add(1)),
        edge(no_change, &[first]).holds(view(1, 1, sum)).breaks(view(2, 1, sum)),
        edge(no_change, &[first, ended]).holds(next(3)).breaks(next(4)),
        edge(no_change, &[first, ended]).holds(table(2)).breaks(table(3)),
        edge(back, &[first, ended]).holds(next(2)).breaks(next(1)),
        edge(back, &[first, ended]).holds(table(2)).breaks(table(1)),
        edge(back, &alive).holds(goes_on(1)).breaks(goes_on(0)),
        edge(changed, &restarted).holds(goes_on(2)).breaks(goes_on(1)),
    ]
    .into()
}

fn monotonic_reads() -> Vec<Edge> {
    let first = at(s(1), C, advanced(5, 0, 0));
    let next = |node, revision| at(s(2), node, advanced(revision, 0, 0));
    let edge = || Edge::of("went-back", registry_header(&[Invariant::MonotonicReads]), &[first]);
    [edge().holds(next(C, 5)).breaks(next(C, 4)), edge().holds(next(S, 4)).breaks(next(C, 4))].into()
}
