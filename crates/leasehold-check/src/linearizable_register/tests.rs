//! Histories that a grantor which does one thing at a time can have had, and those that it cannot.
//!
//! With a TTL of 15 s a term is over after 12 s at the earliest.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::invariant::Invariant;
use crate::report::InvariantReport;
use crate::script::*;

fn judged(events: &[Event]) -> InvariantReport {
    report(Invariant::LinearizableRegister, events, s(200))
}

const fn l(lease: u64) -> LeaseId {
    LeaseId(lease)
}

const ACQUIRE: NodeEvent = asks(Operation::Acquire);
const GET: NodeEvent = asks(Operation::Get);

const fn renew(lease: u64) -> NodeEvent {
    asks(Operation::Renew { lease: l(lease) })
}

const fn release(lease: u64) -> NodeEvent {
    asks(Operation::Release { lease: l(lease) })
}

const fn told_renewed(lease: u64) -> NodeEvent {
    told(Answer::Renewed { lease: l(lease) })
}

const fn told_gone(lease: u64) -> NodeEvent {
    told(Answer::Gone { lease: l(lease) })
}

const fn told_released(lease: u64) -> NodeEvent {
    told(Answer::Released { lease: l(lease) })
}

const fn told_held(lease: u64, holder: NodeId) -> NodeEvent {
    told(Answer::HeldBy { lease: l(lease), holder, token: t(lease) })
}

const NOBODY: NodeEvent = told(Answer::HeldByNobody);

/// A asks at 1 s and is granted lease 1 at 2 s: its term can be over at 13 s. The rest comes later.
fn after_a_grant(more: &[Event]) -> Vec<Event> {
    let grant = [at(s(1), A, ACQUIRE), at(s(2), G, granted(1, A)), at(s(2), A, told_granted(1))];
    let mut events = [&grant[..], more].concat();
    events.sort_by_key(|event| event.at);
    events
}

/// B asks at 3 s, and is granted lease 2 at some time.
fn then_granted(when: SimInstant, between: &[Event]) -> Option<&'static str> {
    let b = [at(s(3), B, ACQUIRE), at(when, G, granted(2, B)), at(when, B, told_granted(2))];
    judged(&after_a_grant(&[between, &b].concat())).clauses().pop()
}

const OUT_OF_TURN: Option<&str> = Some("granted-out-of-turn");

#[test]
fn the_next_lease_is_granted_when_the_term_can_be_over_and_no_sooner() {
    assert_eq!(then_granted(just_before(s(13)), &[]), OUT_OF_TURN);
    assert_eq!(then_granted(s(13), &[]), None);
}

#[test]
fn a_term_counts_from_the_first_send_of_the_last_renewal_that_was_acknowledged() {
    let renewed = [at(s(5), A, renew(1)), at(s(8), A, told_renewed(1))];
    assert_eq!(then_granted(just_before(s(17)), &renewed), OUT_OF_TURN);
    assert_eq!(then_granted(s(17), &renewed), None);
    assert_eq!(then_granted(s(13), &renewed[..1]), None, "nobody relies on it");
    let died = [renewed[0], at(s(6), A, CRASHED)];
    assert_eq!(then_granted(s(13), &died), None);
}

#[test]
fn whose_request_left_later_has_a_term_that_is_over_later() {
    let grant = |asked, when| {
        let events = [
            at(s(1), A, ACQUIRE),
            at(asked, A, CRASHED),
            at(asked, A, ACQUIRE),
            at(s(3), G, granted(1, A)),
            at(s(3), A, told_granted(1)),
            at(s(4), B, ACQUIRE),
            at(when, G, granted(2, B)),
            at(when, B, told_granted(2)),
        ];
        judged(&events).clauses().pop()
    };
    assert_eq!(grant(s(2), just_before(s(14))), OUT_OF_TURN);
    assert_eq!(grant(s(2), s(14)), None);
}

#[test]
fn a_lease_ends_at_once_if_it_was_given_back_or_revoked_and_not_because_the_grantor_says_it_expired() {
    assert_eq!(then_granted(s(5), &[at(s(4), A, release(1))]), None, "answered or not");
    assert_eq!(then_granted(s(5), &[at(s(4), A, release(1)), at(s(4), A, told_released(1))]), None);
    assert_eq!(then_granted(s(5), &[at(s(4), A, release(7))]), OUT_OF_TURN, "another lease");
    assert_eq!(then_granted(s(5), &[at(s(4), G, end_ordered(1, REVOKED))]), None);
    assert_eq!(then_granted(s(5), &[at(s(4), G, end_ordered(1, EXPIRED))]), OUT_OF_TURN);
    assert_eq!(then_granted(s(5), &[at(s(4), G, ended(1, EXPIRED))]), OUT_OF_TURN);
}

#[test]
fn ids_and_tokens_grow() {
    let second = |lease, token| {
        let answer = told(Answer::Granted { lease: l(lease), token: t(token), ttl: TTL });
        let b = [at(s(3), B, ACQUIRE), at(s(20), G, granted_with(lease, B, token)), at(s(20), B, answer)];
        judged(&after_a_grant(&b)).clauses().pop()
    };
    assert_eq!(second(2, 2), None);
    assert_eq!(second(9, 4), None, "not by one each time");
    assert_eq!(second(2, 1), OUT_OF_TURN);
    assert_eq!(second(1, 2), OUT_OF_TURN);
}

#[test]
fn an_answer_shows_the_grant_that_the_grantor_told_of() {
    let second = |holder, token| {
        let answer = told(Answer::Granted { lease: l(2), token: t(token), ttl: TTL });
        let b = [at(s(3), B, ACQUIRE), at(s(20), G, granted(2, holder)), at(s(20), B, answer)];
        judged(&after_a_grant(&b)).clauses().pop()
    };
    assert_eq!(second(B, 2), None);
    assert_eq!(second(B, 3), OUT_OF_TURN, "another token");
    let c_asks = at(s(3), C, ACQUIRE);
    assert_eq!(second(C, 2), OUT_OF_TURN, "another holder");
    assert_eq!(then_granted(s(20), &[c_asks]), None);
}

/// A grantor may give more than it tells.
#[test]
fn a_holder_may_be_told_another_ttl_than_the_grantor_counts() {
    let ttl = leasehold_core::Span::from_secs(5);
    let answer = told(Answer::Granted { lease: l(1), token: t(1), ttl });
    let events = [at(s(1), A, ACQUIRE), at(s(2), G, granted(1, A)), at(s(2), A, answer)];
    assert_eq!(judged(&events).counts(), (1, 0, 0));
}

#[test]
fn a_grant_that_nobody_told_of_is_known_from_its_answer() {
    let second = |when| {
        let b = [at(s(3), B, ACQUIRE), at(when, B, told_granted(2))];
        judged(&after_a_grant(&b)).clauses().pop()
    };
    assert_eq!((second(just_before(s(13))), second(s(13))), (OUT_OF_TURN, None));
}

#[test]
fn a_request_is_not_answered_with_a_lease_that_was_there_before_it() {
    let again = [at(s(4), A, CRASHED), at(s(5), A, ACQUIRE), at(s(6), A, told_granted(1))];
    assert_eq!(judged(&after_a_grant(&again)).clauses(), ["granted-out-of-turn"]);
    let unheard = [&[at(s(1), A, ACQUIRE), at(s(2), G, granted(1, A))], &again[..]].concat();
    assert_eq!(judged(&unheard).counts(), (1, 0, 0), "nobody had been told of it");
}

/// Nor if it is over by then, and another one was told of.
#[test]
fn a_request_is_not_answered_with_a_lease_that_was_over_before_it() {
    let again = |asked, next_told| {
        let events = [
            at(s(3), B, ACQUIRE),
            at(s(4), A, release(1)),
            at(s(5), A, told_released(1)),
            at(s(6), G, granted(2, B)),
            at(next_told, B, told_granted(2)),
            at(asked, A, ACQUIRE),
            at(s(9), A, told_granted(1)),
        ];
        judged(&after_a_grant(&events)).clauses()
    };
    assert_eq!(again(s(8), s(7)), ["granted-out-of-turn"]);
    assert_eq!(again(s(5), s(7)), ["granted-out-of-turn"], "it had been told of");
    let unheard = |asked| {
        let mut events = [
            at(s(1), A, ACQUIRE),
            at(s(2), G, granted(1, A)),
            at(s(2), A, CRASHED),
            at(s(3), B, ACQUIRE),
            at(asked, A, ACQUIRE),
            at(s(20), G, granted(2, B)),
            at(s(20), B, told_granted(2)),
            at(s(30), A, told_granted(1)),
        ];
        events.sort_by_key(|event| event.at);
        judged(&events).clauses()
    };
    assert_eq!(unheard(s(8)), [""; 0], "granted at 8 s, over at 20 s");
    assert_eq!(
        unheard(just_after(s(8))),
        ["granted-out-of-turn"],
        "it cannot be over when lease 2 was told of"
    );
}

/// What is known of each lease stays known when another one is told of.
#[test]
fn when_a_lease_was_told_of_is_not_forgotten_with_the_next() {
    let events = after_a_grant(&[
        at(s(4), A, CRASHED),
        at(s(5), A, ACQUIRE),
        at(s(5), B, ACQUIRE),
        at(s(14), G, granted(2, B)),
        at(s(14), B, told_granted(2)),
        at(s(15), A, told_granted(1)),
    ]);
    assert_eq!(judged(&events).clauses(), ["granted-out-of-turn"]);
}

#[test]
fn an_answer_may_come_when_its_lease_is_long_over() {
    let events = |when| {
        vec![
            at(s(1), A, ACQUIRE),
            at(s(1), B, ACQUIRE),
            at(s(2), G, granted(1, A)),
            at(when, G, granted(2, B)),
            at(when, B, told_granted(2)),
            at(s(30), A, told_granted(1)),
        ]
    };
    assert_eq!(judged(&events(s(13))).counts(), (2, 0, 0));
    assert_eq!(judged(&events(just_before(s(13)))).clauses(), ["granted-out-of-turn"]);
}

#[test]
fn a_grantor_may_have_died_before_it_told_of_a_grant() {
    let events = [
        at(s(1), A, ACQUIRE),
        at(s(2), G, CRASHED),
        at(s(3), G, RESTARTED),
        at(s(3), G, recovered(1, A, None)),
        at(s(4), A, told_granted(1)),
        at(s(5), C, GET),
        at(s(6), C, told_held(1, A)),
    ];
    assert_eq!(judged(&events).counts(), (2, 0, 0));
}

/// A copy of the first request is granted when nobody waits for it any more, and given back.
#[test]
fn a_request_may_be_granted_twice() {
    let events = after_a_grant(&[
        at(s(3), A, release(1)),
        at(s(4), A, told_released(1)),
        at(s(5), G, granted(2, A)),
        at(s(6), A, release(2)),
        at(s(6), B, ACQUIRE),
        at(s(7), G, granted(3, B)),
        at(s(7), B, told_granted(3)),
    ]);
    assert_eq!(judged(&events).counts(), (3, 0, 0));
    let unasked = [at(s(5), G, granted(2, C)), at(s(30), C, ACQUIRE), at(s(31), C, told_granted(2))];
    assert_eq!(judged(&after_a_grant(&unasked)).clauses(), [""; 0]);
}

#[test]
fn a_lease_is_renewed_while_it_holds() {
    let renewal = |asked, granted_at| {
        let events = after_a_grant(&[
            at(s(3), B, ACQUIRE),
            at(asked, A, renew(1)),
            at(granted_at, G, granted(2, B)),
            at(granted_at, B, told_granted(2)),
            at(s(60), A, told_renewed(1)),
        ]);
        judged(&events).clauses().pop()
    };
    assert_eq!(renewal(s(12), s(24)), None, "it can have taken effect at 12 s, and its term be over");
    assert_eq!(renewal(s(12), just_before(s(24))), Some("renewed-while-not-held"));
    assert_eq!(renewal(s(14), s(26)), None, "nobody says when the first term was over");
    assert_eq!(renewal(s(14), s(25)), Some("renewed-while-not-held"));
    assert_eq!(renewal(s(27), s(26)), Some("renewed-while-not-held"));
}

#[test]
fn a_renewal_is_refused_when_the_lease_can_be_over_and_no_sooner() {
    let refusal = |asked: Option<SimInstant>, when| {
        let ask = asked.map(|asked| at(asked, A, renew(1)));
        let events: Vec<Event> = ask.into_iter().chain([at(when, A, told_gone(1))]).collect();
        judged(&after_a_grant(&events)).clauses().pop()
    };
    assert_eq!(refusal(Some(s(5)), just_before(s(13))), Some("refused-while-held"));
    assert_eq!(refusal(Some(s(5)), s(13)), None);
    assert_eq!(refusal(None, just_before(s(13))), Some("refused-while-held"), "to an earlier renewal");
    assert_eq!(refusal(None, s(13)), None);
}

/// What C is told who asks at one time and hears at another. Lease 2 is B's from 20 s on.
fn got(asked: SimInstant, told: SimInstant, answer: NodeEvent) -> Option<&'static str> {
    let events = after_a_grant(&[
        at(s(3), B, ACQUIRE),
        at(s(20), G, granted(2, B)),
        at(s(20), B, told_granted(2)),
        at(asked, C, GET),
        at(told, C, answer),
    ]);
    judged(&events).clauses().pop()
}

const WRONG: Option<&str> = Some("wrong-holder-told");

#[test]
fn a_get_shows_who_held_at_some_instant_since_it_was_asked() {
    assert_eq!(got(s(4), s(5), told_held(1, A)), None);
    assert_eq!(got(s(4), s(5), told_held(1, B)), WRONG);
    assert_eq!(got(s(4), s(5), told_held(2, B)), WRONG);
    assert_eq!(got(s(4), just_before(s(13)), NOBODY), WRONG);
    assert_eq!(got(s(4), s(13), NOBODY), None);
    assert_eq!(got(s(19), s(25), told_held(1, A)), None, "before the next grant");
    assert_eq!(got(s(19), s(25), told_held(2, B)), None, "after it");
    assert_eq!(got(s(19), s(25), NOBODY), None, "between the two");
    assert_eq!(got(s(21), s(25), told_held(1, A)), WRONG, "a stale copy");
    assert_eq!(got(s(21), just_before(s(25)), NOBODY), WRONG, "lease 2 cannot have begun before 13 s");
    assert_eq!(got(s(21), s(25), NOBODY), None);
    assert_eq!(got(s(21), s(25), told_held(2, B)), None);
}

/// The grantor says that lease 1 expired, nobody follows, and somebody asks who holds.
#[test]
fn what_is_over_by_the_grantors_own_word_is_shown_to_nobody_who_asks_after_that() {
    let look = |asked, answer| {
        let over = [at(s(18), G, ended(1, EXPIRED)), at(asked, C, GET), at(s(30), C, answer)];
        judged(&after_a_grant(&over)).clauses().pop()
    };
    assert_eq!(look(s(18), told_held(1, A)), None, "at that very instant it may have come first");
    assert_eq!(look(just_after(s(18)), told_held(1, A)), WRONG);
    assert_eq!(look(just_after(s(18)), NOBODY), None);
}

#[test]
fn two_who_asked_one_after_the_other_are_not_shown_the_later_state_first() {
    let looks = |first, second| {
        let events = after_a_grant(&[
            at(s(3), B, ACQUIRE),
            at(s(20), G, granted(2, B)),
            at(s(21), C, GET),
            at(s(22), C, first),
            at(s(23), C, GET),
            at(s(24), C, second),
        ]);
        judged(&events).clauses().pop()
    };
    assert_eq!(looks(told_held(1, A), told_held(2, B)), None);
    assert_eq!(looks(NOBODY, told_held(2, B)), None);
    assert_eq!(looks(told_held(2, B), told_held(1, A)), WRONG);
    assert_eq!(looks(NOBODY, told_held(1, A)), WRONG);
}

/// A read that comes between a request and its answer says nothing of when the request was granted.
#[test]
fn a_slow_answer_does_not_move_the_term() {
    let events = |when| {
        vec![
            at(s(1), A, ACQUIRE),
            at(s(2), G, granted(1, A)),
            at(s(5), C, GET),
            at(s(6), C, told_held(1, A)),
            at(s(7), A, told_granted(1)),
            at(s(8), B, ACQUIRE),
            at(when, G, granted(2, B)),
            at(when, B, told_granted(2)),
        ]
    };
    assert_eq!(judged(&events(s(13))).counts(), (3, 0, 0));
    assert_eq!(judged(&events(just_before(s(13)))).clauses(), ["granted-out-of-turn"]);
}

#[test]
fn a_violation_is_told_once_and_judging_goes_on_from_the_next_grant() {
    let events = after_a_grant(&[
        at(s(3), B, ACQUIRE),
        at(s(5), G, granted(2, B)),
        at(s(5), B, told_granted(2)),
        at(s(6), A, renew(1)),
        at(s(7), A, told_gone(1)),
        at(s(8), C, ACQUIRE),
        at(s(9), B, release(2)),
        at(s(10), G, granted(3, C)),
        at(s(10), C, told_granted(3)),
        at(s(11), A, ACQUIRE),
        at(s(19), G, granted(4, A)),
        at(s(19), A, told_granted(4)),
    ]);
    let report = judged(&events);
    assert_eq!(report.clauses(), ["granted-out-of-turn", "granted-out-of-turn"]);
    assert_eq!(report.counts(), (3, 2, 2), "of the refusal and of the third grant nobody can say");
    let facts = &report.evidence[0].evidence;
    assert!(matches!(facts[1], Fact::Asked { at, node: B, .. } if at == s(3)), "{facts:?}");
    assert!(
        matches!(facts[3], Fact::CouldBe { held: Some(LeaseId(1)), until: Some(until), .. } if until == s(13)),
        "{facts:?}"
    );
}

/// The register begins anew with lease 3: the next ones are judged as if nothing had been.
#[test]
fn grants_after_the_one_that_it_began_anew_with_are_held_against_nobody_who_is_right() {
    let granted_fourth = |when| {
        let events = after_a_grant(&[
            at(s(3), B, ACQUIRE),
            at(s(5), G, granted(2, B)),
            at(s(5), B, told_granted(2)),
            at(s(8), C, ACQUIRE),
            at(s(9), B, release(2)),
            at(s(10), G, granted(3, C)),
            at(s(10), C, told_granted(3)),
            at(s(11), A, ACQUIRE),
            at(when, G, granted(4, A)),
            at(when, A, told_granted(4)),
            at(s(40), A, release(4)),
            at(s(41), A, told_released(4)),
            at(s(42), B, ACQUIRE),
            at(s(43), G, granted(5, B)),
            at(s(43), B, told_granted(5)),
        ]);
        judged(&events)
    };
    // C asked at 8 s.
    assert_eq!(granted_fourth(just_before(s(20))).clauses(), ["granted-out-of-turn"; 2]);
    let right = granted_fourth(s(20));
    assert_eq!((right.clauses(), right.counts()), (vec!["granted-out-of-turn"], (5, 1, 1)));
}

/// Who asked while nothing was known may be granted later, and that is judged where it fits.
#[test]
fn what_was_asked_before_it_began_anew_is_not_held_against_anybody() {
    let queued = |released: bool| {
        let release = released.then_some(at(s(11), C, release(3)));
        let events = [
            at(s(3), B, ACQUIRE),
            at(s(5), G, granted(2, B)),
            at(s(5), B, told_granted(2)),
            at(s(6), A, ACQUIRE),
            at(s(8), C, ACQUIRE),
            at(s(9), B, asks(Operation::Release { lease: l(2) })),
            at(s(10), G, granted(3, C)),
            at(s(10), C, told_granted(3)),
            at(s(12), G, granted(4, A)),
            at(s(12), A, told_granted(4)),
        ];
        judged(&after_a_grant(&events.into_iter().chain(release).collect::<Vec<_>>())).counts()
    };
    assert_eq!(queued(true), (3, 1, 1), "it fits, and was judged");
    assert_eq!(queued(false), (2, 2, 1), "it does not, and nobody is blamed");
}

/// Its end is decided, and not on the disk yet: it is renewed no more, and nobody else has it.
#[test]
fn a_lease_that_is_gone_for_its_holder_may_still_be_told_as_held() {
    let seen = |answer| {
        let events =
            [at(s(13), A, renew(1)), at(s(14), A, told_gone(1)), at(s(15), C, GET), at(s(16), C, answer)];
        judged(&after_a_grant(&events)).clauses().pop()
    };
    assert_eq!(seen(told_held(1, A)), None);
    assert_eq!(seen(NOBODY), None);
    assert_eq!(seen(told_held(1, B)), WRONG);
}

#[test]
fn broken_clocks_of_the_grantor_excuse_an_early_end_of_a_term_that_began_before_they_were_mended() {
    let with = |node, from, to| {
        let events = [
            at(from, node, broken(Assumption::ClockRate)),
            at(to, node, restored(Assumption::ClockRate)),
            at(s(50), A, ACQUIRE),
            at(s(50), G, granted(1, A)),
            at(s(50), A, told_granted(1)),
            at(s(51), B, ACQUIRE),
            at(s(60), G, granted(2, B)),
            at(s(60), B, told_granted(2)),
        ];
        let mut events = events.to_vec();
        events.sort_by_key(|event| event.at);
        judged(&events).violations
    };
    assert_eq!(with(G, s(55), s(56)), 0);
    assert_eq!(with(G, s(1), s(28)), 0, "the aftermath reaches into the term");
    assert_eq!(with(G, s(1), just_before(s(28))), 1, "it ended before");
    assert_eq!(with(A, s(55), s(56)), 1, "a holder's clocks are of no matter");
}

#[test]
fn after_a_lost_disk_nothing_is_known_until_somebody_is_granted_a_lease_who_asked_later() {
    let events = after_a_grant(&[
        at(s(3), B, ACQUIRE),
        at(s(4), G, broken(Assumption::DiskKeeps)),
        at(s(4), G, restored(Assumption::DiskKeeps)),
        at(s(5), G, granted(1, B)),
        at(s(5), B, told_granted(1)),
        at(s(6), C, GET),
        at(s(6), C, told_held(1, B)),
        at(s(27), C, ACQUIRE),
        at(s(30), G, granted(2, C)),
        at(s(30), C, told_granted(2)),
        at(s(31), A, GET),
        at(s(32), A, told_held(1, B)),
    ]);
    let report = judged(&events);
    assert_eq!(report.clauses(), ["wrong-holder-told"]);
    assert_eq!(report.counts(), (2, 3, 1));
}

#[test]
fn each_resource_is_looked_at_apart() {
    let on_another = |event: NodeEvent| match event {
        NodeEvent::Asked { operation, .. } => NodeEvent::Asked { resource: R2, operation },
        NodeEvent::Told { answer, .. } => NodeEvent::Told { resource: R2, answer },
        NodeEvent::Granted { lease, holder, token, ttl, .. } => {
            NodeEvent::Granted { resource: R2, lease, holder, token, ttl }
        }
        other => other,
    };
    let b = [(s(3), B, ACQUIRE), (s(4), G, granted(2, B)), (s(4), B, told_granted(2))];
    let apart: Vec<Event> =
        b.iter().map(|(when, node, event)| at(*when, *node, on_another(*event))).collect();
    assert_eq!(judged(&after_a_grant(&apart)).counts(), (2, 0, 0));
    let together: Vec<Event> = b.iter().map(|(when, node, event)| at(*when, *node, *event)).collect();
    assert_eq!(judged(&after_a_grant(&together)).clauses(), ["granted-out-of-turn"]);
}

#[test]
fn an_answer_to_nobody_is_not_judged() {
    let report = judged(&[at(s(1), A, told_granted(1)), at(s(2), A, told_renewed(1)), at(s(3), C, NOBODY)]);
    assert_eq!(report.counts(), (0, 0, 0));
}

/// Copies of a request that is answered no more are granted, and given back, over and over.
#[test]
fn after_many_grants_that_nobody_was_told_of_nothing_is_known() {
    let with = |copies: u64| {
        let copies = (0..copies).flat_map(|n| [at(s(3), G, granted(2 + n, A)), at(s(3), A, release(2 + n))]);
        let next = [at(s(4), B, ACQUIRE), at(s(5), G, granted(90, B)), at(s(5), B, told_granted(90))];
        let events: Vec<Event> = [at(s(3), A, release(1))].into_iter().chain(copies).chain(next).collect();
        judged(&after_a_grant(&events)).counts()
    };
    let most = lease_register::OFFERS as u64;
    assert_eq!(with(most - 1), (2, 0, 0));
    assert_eq!(with(most), (1, 1, 0));
}

#[test]
fn of_many_gets_at_one_time_a_few_are_judged() {
    let ask = [A, B, C, S].map(|node| at(s(4), node, GET));
    let answer = [A, B, C, S].map(|node| at(s(5), node, told_held(1, A)));
    assert_eq!(judged(&after_a_grant(&[&ask[..], &answer].concat())).counts(), (4, 1, 0));
}
