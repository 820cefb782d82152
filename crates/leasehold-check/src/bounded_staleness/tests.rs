//! Both hops, both together, visibility and calls, on both sides of each bound.
//!
//! Bounds of the script: hop one 25 s after a crash and 2 s after a deregistration; hop two 1 s by a watch, 6 s by a
//! dead one, 10 s by the cache; visibility 3 s; a heartbeat takes 1 s at most.

use std::vec::Vec;

use leasehold_core::event::{Advance, Asked, LookupAnswer, Status};
use leasehold_core::id::{InstanceId, ServiceId};
use leasehold_core::{Leg, Purpose, Span};

use crate::finding::{Fact, Gone};
use crate::invariant::Invariant;
use crate::measure::{Nearest, Standing};
use crate::metric::Metric;
use crate::report::{InvariantReport, Judgement};
use crate::script::registry::*;
use crate::script::*;

fn judgement_until(events: &[Event], ended_at: SimInstant) -> Judgement {
    assert!(events.is_sorted_by_key(|event| event.at), "events stand in the order of time");
    judgement_with(&registry_header(&[Invariant::BoundedStaleness]), events, ended_at)
}

fn judged_until(events: &[Event], ended_at: SimInstant) -> InvariantReport {
    judgement_until(events, ended_at).invariants.remove(0)
}

fn judged(events: &[Event]) -> InvariantReport {
    judged_until(events, s(900))
}

/// Sorts what is told in pieces; what shares an instant keeps its order.
fn story(pieces: &[&[Event]]) -> Vec<Event> {
    let mut events = pieces.concat();
    events.sort_by_key(|event| event.at);
    events
}

/// A lease and a registration under it at 101 s, in the view of C at once; the network is calm.
fn begin() -> [Event; 5] {
    [
        at(s(100), C, advanced_by(Advance::Resync, 0, 0, 0)),
        at(s(101), G, granted(1, A)),
        at(s(101), G, registered(1, 1)),
        at(s(101), C, listed(1)),
        at(s(101), C, advanced(1, 1, 0)),
    ]
}

const OTHER: InstanceId = InstanceId(7);

/// A second instance of A beside the one of [`begin`], in the view of C at once too.
fn other() -> [Event; 3] {
    [
        at(s(101), G, granted_to_member(2)),
        at(s(101), G, registered_as(OTHER, 2, 1)),
        at(s(101), C, listed_as(OTHER, 2)),
    ]
}

fn end_at(when: SimInstant) -> [Event; 2] {
    [at(when, G, deregistered(1, 2, EXPIRED)), at(when, G, ended(1, EXPIRED))]
}

/// The outcome of the only sample of a metric.
fn sample(judgement: &Judgement, metric: Metric) -> Option<(Span, Standing)> {
    let report = judgement.measure(metric)?;
    assert_eq!(report.samples, 1, "{metric:?}");
    let standing = match (report.in_bound, report.outside, report.violated) {
        (1, 0, 0) => Standing::InBound,
        (0, 1, 0) => Standing::Outside,
        (0, 0, 1) => Standing::Violated,
        _ => unreachable!("one sample has one standing"),
    };
    Some((Span::from_nanos(report.worst.unwrap()), standing))
}

// Hop one.

/// What comes of an end at this instant, of what went at 110 s.
fn hop_one(metric: Metric, between: &[Event], when: SimInstant) -> (Option<Standing>, Vec<&'static str>) {
    let events = story(&[&begin(), between, &end_at(when), &[at(when, C, dropped(1))]]);
    let judgement = judgement_until(&events, s(900));
    let standing = sample(&judgement, metric).map(|(_, standing)| standing);
    (standing, judgement.invariants[0].clauses())
}

/// That an end is in time at this instant, and a violation a nanosecond later.
#[track_caller]
fn assert_excluded_by(metric: Metric, between: &[Event], when: SimInstant) {
    assert_eq!(hop_one(metric, between, when), (Some(Standing::InBound), [].into()));
    let late = (Some(Standing::Violated), ["listed-too-long"].into());
    assert_eq!(hop_one(metric, between, just_after(when)), late);
}

#[track_caller]
fn assert_outside(metric: Metric, between: &[Event], when: SimInstant) {
    assert_eq!(hop_one(metric, between, when), (Some(Standing::Outside), [].into()));
}

const DIED: (SimInstant, NodeId, WorldEvent) = (s(110), A, CRASHED);

fn died() -> Event {
    at(DIED.0, DIED.1, DIED.2)
}

fn left() -> Event {
    at(s(110), A, deregistration_sent(1))
}

#[test]
fn what_has_died_is_excluded_within_the_bound() {
    assert_excluded_by(Metric::Exclusion, &[died()], s(135));
    let restarted = [died(), at(s(111), A, RESTARTED)];
    assert_excluded_by(Metric::Exclusion, &restarted, s(135));
    let elsewhere = at(s(110), B, CRASHED);
    assert_eq!(hop_one(Metric::Exclusion, &[elsewhere], s(800)).1, [""; 0], "somebody else");
    let report = judged(&story(&[&begin(), &[died()], &end_at(s(140))]));
    assert_eq!(report.evidence[0].nodes, [G, A]);
    assert!(
        matches!(report.evidence[0].evidence[1], Fact::Gone { at, how: Gone::Crashed, .. } if at == s(110))
    );
}

#[test]
fn who_asks_for_it_is_excluded_sooner() {
    assert_excluded_by(Metric::Deregistration, &[left()], s(112));
    let of_another = [at(s(110), A, deregistration_sent(7))];
    assert_eq!(hop_one(Metric::Deregistration, &of_another, s(140)), (None, [].into()));
}

#[test]
fn whoever_is_not_routed_is_excluded() {
    for status_now in [Status::Suspect, Status::Critical] {
        let marked = |when| {
            let events =
                story(&[&begin(), &[died(), at(when, G, status(1, status_now, 2))], &end_at(s(300))]);
            judged(&events).clauses()
        };
        assert_eq!(marked(s(135)), [""; 0]);
        assert_eq!(marked(just_after(s(135))), ["listed-too-long"]);
        let before = [at(s(105), G, status(1, status_now, 2)), died()];
        assert_eq!(judged(&story(&[&begin(), &before, &end_at(s(300))])).clauses(), [""; 0]);
        let again =
            [died(), at(s(120), G, status(1, status_now, 2)), at(s(121), G, status(1, Status::Passing, 3))];
        let events = story(&[&begin(), &again, &end_at(just_after(s(135)))]);
        assert_eq!(judged(&events).clauses(), ["listed-too-long"], "it came back, dead as it was");
    }
}

#[test]
fn what_is_never_excluded_is_found_in_the_end() {
    let events = story(&[&begin(), &[died()]]);
    assert_eq!(judged_until(&events, s(135)).clauses(), [""; 0]);
    assert_eq!(judged_until(&events, just_after(s(135))).clauses(), ["never-excluded"]);
    let down = story(&[&begin(), &[died(), at(s(134), G, CRASHED)]]);
    assert_eq!(judged_until(&down, s(900)).clauses(), [""; 0], "it has not said its last word");
}

#[test]
fn a_heartbeat_that_was_kept_revives_the_dead_for_one_bound_more() {
    let sent = at(s(109), A, heartbeat_sent(1, 4));
    let arrives = |when, lease, number| [sent, died(), at(when, G, heartbeat_arrived(lease, number))];
    assert_outside(Metric::Exclusion, &arrives(just_after(s(111)), 1, 4), s(136));
    assert_excluded_by(Metric::Exclusion, &arrives(s(111), 1, 4), s(135));
    assert_excluded_by(Metric::Exclusion, &arrives(s(120), 1, 6), s(135));
    assert_excluded_by(Metric::Exclusion, &arrives(s(120), 2, 4), s(135));
    assert_outside(Metric::Exclusion, &arrives(s(120), 1, 5), s(145));
    let sent_since =
        [sent, died(), at(s(112), A, heartbeat_sent(1, 5)), at(s(120), G, heartbeat_arrived(1, 5))];
    assert_excluded_by(Metric::Exclusion, &sent_since, s(135));
    assert_outside(Metric::Exclusion, &arrives(s(120), 1, 4), s(145));
    let late = (Some(Standing::Violated), ["listed-too-long"].into());
    assert_eq!(hop_one(Metric::Exclusion, &arrives(s(120), 1, 4), just_after(s(145))), late);
}

/// It was suspect when it died; the heartbeat that the network had kept has it routed again.
#[test]
fn a_heartbeat_that_was_kept_may_find_the_dead_suspect() {
    let routed_by = |heartbeat: Event| {
        [
            at(s(105), A, heartbeat_sent(1, 4)),
            at(s(108), G, status(1, Status::Suspect, 2)),
            died(),
            heartbeat,
            at(s(120), G, status(1, Status::Passing, 3)),
        ]
    };
    let kept = at(s(120), G, heartbeat_arrived(1, 4));
    assert_outside(Metric::Exclusion, &routed_by(kept), s(145));
    let late = (Some(Standing::Violated), ["listed-too-long"].into());
    assert_eq!(hop_one(Metric::Exclusion, &routed_by(kept), just_after(s(145))), late);
    let of_another = at(s(120), G, heartbeat_arrived(2, 4));
    assert_eq!(hop_one(Metric::Exclusion, &routed_by(of_another), s(145)), late, "by itself");
}

#[test]
fn an_answer_to_a_probe_counts_where_no_heartbeats_are_sent() {
    let counted = |when| [died(), at(when, G, renewed(1))];
    assert_outside(Metric::Exclusion, &counted(just_after(s(111))), s(136));
    assert_excluded_by(Metric::Exclusion, &counted(s(111)), s(135));
    let sends = [at(s(105), A, heartbeat_sent(1, 0)), died(), at(s(120), G, renewed(1))];
    assert_excluded_by(Metric::Exclusion, &sends, s(135));
}

#[test]
fn a_registry_that_cannot_exclude_is_excused_for_one_bound_more() {
    for (trouble, over) in
        [(PAUSED, RESUMED), (CRASHED, RESTARTED), (WorldEvent::Throttled, WorldEvent::Unthrottled)]
    {
        let between = [died(), at(s(115), G, trouble), at(s(120), G, over)];
        let metric = Metric::Exclusion;
        assert_eq!(hop_one(metric, &between, s(135)).0, Some(Standing::InBound));
        assert_outside(metric, &between, s(145));
        let late = (Some(Standing::Violated), ["listed-too-long"].into());
        assert_eq!(hop_one(metric, &between, just_after(s(145))), late, "{trouble:?}");
        let of_another =
            between.map(|event| if event.node == Some(G) { Event { node: Some(B), ..event } } else { event });
        assert_excluded_by(metric, &of_another, s(135));
    }
    let late_sweep = [died(), at(s(120), G, swept_late(3))];
    assert_outside(Metric::Exclusion, &late_sweep, s(145));
    let withheld = NodeEvent::Registry(leasehold_core::RegistryEvent::EndsWithheld { due: 1, live: 1 });
    assert_excluded_by(Metric::Exclusion, &[died(), at(s(120), G, withheld)], s(135));
}

#[test]
fn what_comes_after_hop_one_has_run_out_excuses_nothing() {
    let late = (Some(Standing::Violated), ["listed-too-long"].into());
    for (trouble, over) in [(PAUSED, RESUMED), (WorldEvent::Throttled, WorldEvent::Unthrottled)] {
        let trifle = |when| [died(), at(when, G, trouble), at(when, G, over)];
        assert_outside(Metric::Exclusion, &trifle(s(135)), s(150));
        assert_eq!(hop_one(Metric::Exclusion, &trifle(just_after(s(135))), s(150)), late, "{trouble:?}");
        assert_eq!(hop_one(Metric::Deregistration, &[left(), trifle(s(113))[1]], s(130)), late);
    }
    let sweeps_late = |seconds| [died(), at(s(140), G, swept_late(seconds))];
    assert_outside(Metric::Exclusion, &sweeps_late(5), s(150));
    assert_eq!(hop_one(Metric::Exclusion, &sweeps_late(3), s(150)), late, "that was due later");
}

#[test]
fn clocks_and_disk_of_the_registry_excuse_hop_one() {
    let with = |node, assumption| {
        hop_one(Metric::Exclusion, &[at(s(105), node, broken(assumption)), died()], s(400))
    };
    for assumption in
        [Assumption::ClockRate, Assumption::ClockRuns, Assumption::DiskKeeps, Assumption::DiskTimely]
    {
        assert_eq!(with(G, assumption).0, Some(Standing::Outside));
        assert_eq!(with(A, assumption).0, Some(Standing::Violated));
    }
}

#[test]
fn a_deregistration_that_is_lost_or_late_has_no_bound() {
    let lost_from = |node, purpose| at(s(110), node, lost(G, purpose, Leg::Request));
    assert_outside(Metric::Deregistration, &[left(), lost_from(A, Purpose::Release)], s(130));
    assert_excluded_by(Metric::Deregistration, &[left(), lost_from(A, Purpose::Renew)], s(112));
    assert_excluded_by(Metric::Deregistration, &[left(), lost_from(B, Purpose::Release)], s(112));
    let dropped_of = |node, purpose| at(s(110), G, turned_away(node, purpose));
    assert_outside(Metric::Deregistration, &[left(), dropped_of(A, Purpose::Release)], s(130));
    assert_excluded_by(Metric::Deregistration, &[left(), dropped_of(A, Purpose::Renew)], s(112));
    assert_excluded_by(Metric::Deregistration, &[left(), dropped_of(B, Purpose::Release)], s(112));
    assert_outside(Metric::Deregistration, &[at(s(109), A, delaying()), left()], s(130));
    let dead_for_a_moment = [left(), at(s(110), G, CRASHED), at(s(111), G, RESTARTED)];
    assert_outside(Metric::Deregistration, &dead_for_a_moment, s(130));
    for stop in [PAUSED, CRASHED] {
        // It may have fallen between the report and the message.
        assert_outside(Metric::Deregistration, &[left(), at(s(110), A, stop)], s(130));
    }
    // The registry may have forgotten it, and hears of it again only later.
    let stopped = [left(), at(s(111), G, PAUSED), at(s(112), G, RESUMED)];
    assert_outside(Metric::Deregistration, &stopped, s(130));
    assert_excluded_by(
        Metric::Deregistration,
        &[at(s(108), G, PAUSED), at(s(109), G, RESUMED), left()],
        s(112),
    );
}

#[test]
fn an_application_beside_a_sidecar_is_judged_by_its_progress() {
    let events = |when| {
        let mut begin = begin();
        begin[1] = at(s(101), G, granted(1, B));
        story(&[&begin, &[died()], &end_at(when)])
    };
    let judgement = judgement_until(&events(s(200)), s(900));
    assert_eq!(sample(&judgement, Metric::Exclusion), Some((Span::from_secs(90), Standing::Outside)));
    let back = [at(s(111), A, RESTARTED), at(s(112), B, heartbeat_sent(1, 0))];
    let judgement = judgement_until(&story(&[&events(s(200)), &back]), s(900));
    assert_eq!(judgement.measure(Metric::Exclusion), None, "it lives again under the same lease");
}

#[test]
fn who_registers_although_dead_counts_from_then() {
    let events = |when| {
        story(&[
            &[at(s(100), A, CRASHED), at(s(101), G, granted(1, A)), at(s(101), G, registered(1, 1))],
            &end_at(when),
        ])
    };
    assert_eq!(judged(&events(s(126))).clauses(), [""; 0]);
    assert_eq!(judged(&events(just_after(s(126)))).clauses(), ["listed-too-long"]);
}

#[test]
fn what_a_restarted_registry_does_not_find_has_ended() {
    let events = [died(), at(s(111), G, CRASHED), at(s(112), G, RESTARTED), at(s(112), G, revision_found(2))];
    let judgement = judgement_until(&story(&[&begin(), &events]), s(900));
    assert_eq!(sample(&judgement, Metric::Exclusion), Some((Span::from_secs(2), Standing::InBound)));
}

#[test]
fn each_of_several_that_died_at_once_is_excluded_within_the_bound() {
    let events = |when| {
        let end = at(when, G, deregistered_as(OTHER, 2, 3, EXPIRED));
        story(&[&begin(), &other(), &[died()], &end_at(s(120)), &[end]])
    };
    assert_eq!(judged(&events(s(135))).clauses(), [""; 0]);
    assert_eq!(judged(&events(just_after(s(135)))).clauses(), ["listed-too-long"]);
}

/// It may give the same epoch again. The new registration died when it did, not when the old one had.
#[test]
fn what_a_wiped_registry_registers_again_counts_from_its_own_death() {
    let wiped = [at(s(130), G, CRASHED), at(s(130), G, RESTARTED), at(s(130), G, revision_found(0))];
    let again = [
        at(s(125), A, RESTARTED),
        at(s(140), G, granted(1, A)),
        at(s(140), G, registered(1, 1)),
        at(s(200), A, CRASHED),
    ];
    let events = |when| story(&[&begin(), &[died()], &end_at(s(120)), &wiped, &again, &end_at(when)]);
    assert_eq!(judged(&events(s(225))).clauses(), [""; 0]);
    assert_eq!(judged(&events(just_after(s(225)))).clauses(), ["listed-too-long"]);
}

// Hop two.

/// The registry ends it at 120 s; C answers with it until the instant, and drops it a second later.
fn hop_two(between: &[Event], last: SimInstant) -> (Option<Standing>, Vec<&'static str>) {
    let later = last.saturating_add(Span::from_secs(1));
    let view = [at(last, C, FRESH), at(later, C, dropped(1)), at(later, C, advanced(2, 0, 0))];
    let events = story(&[&begin(), &[at(s(102), C, FRESH)], between, &end_at(s(120)), &view]);
    let judgement = judgement_until(&events, s(900));
    let standing = sample(&judgement, Metric::Propagation).map(|(_, standing)| standing);
    (standing, judgement.invariants[0].clauses())
}

#[track_caller]
fn assert_answered_until(between: &[Event], when: SimInstant) {
    assert_eq!(hop_two(between, when), (Some(Standing::InBound), [].into()), "in time");
    let late = (Some(Standing::Violated), ["answered-too-long"].into());
    assert_eq!(hop_two(between, just_after(when)), late);
}

const FROZE: NodeEvent = NodeEvent::Discovery(leasehold_core::DiscoveryEvent::CacheFroze);
const THAWED: NodeEvent = NodeEvent::Discovery(leasehold_core::DiscoveryEvent::CacheThawed);

fn lost_reading(when: SimInstant, node: NodeId) -> Event {
    at(when, G, lost(node, Purpose::Watch, Leg::Reply))
}

#[test]
fn a_healthy_watch_shows_an_end_within_its_bound() {
    assert_answered_until(&[], s(121));
    assert_answered_until(&[lost_reading(s(119), S)], s(121));
    assert_answered_until(&[lost_reading(just_before(s(114)), C)], s(121));
}

#[test]
fn a_watch_that_was_disturbed_before_is_noticed_to_be_dead() {
    assert_answered_until(&[lost_reading(s(114), C)], s(126));
    assert_answered_until(&[lost_reading(just_before(s(120)), C)], s(126));
}

#[test]
fn while_it_is_disturbed_only_the_cache_holds() {
    assert_answered_until(&[at(s(115), C, delaying())], s(130));
    assert_answered_until(&[at(s(115), G, delaying())], s(130));
    assert_answered_until(&[at(s(115), B, delaying())], s(121));
    assert_answered_until(&[at(s(115), C, FROZE)], s(130));
    let losses: Vec<Event> = (0..20).map(|second| lost_reading(s(120 + second), C)).collect();
    assert_answered_until(&losses[..10], s(130));
}

#[test]
fn what_disturbs_it_has_to_be_recovered_from() {
    let recovered = |after: SimInstant| just_after(after).saturating_add(Span::from_secs(6));
    assert_answered_until(&[lost_reading(s(120), C)], recovered(s(120)));
    assert_answered_until(&[lost_reading(s(122), C)], recovered(s(122)));
    assert_answered_until(&[at(s(120), C, lost(G, Purpose::Query, Leg::Request))], recovered(s(120)));
    assert_answered_until(&[at(s(120), G, turned_away(C, Purpose::Query))], recovered(s(120)));
    assert_answered_until(&[at(s(120), G, turned_away(B, Purpose::Query))], s(121));
    for node in [C, G] {
        let stopped = [at(s(115), node, PAUSED), at(s(120), node, RESUMED)];
        assert_answered_until(&stopped, recovered(s(120)));
    }
    for missed in [leasehold_core::DiscoveryEvent::ResyncStarted, leasehold_core::DiscoveryEvent::WatchLost] {
        assert_answered_until(&[at(s(120), C, NodeEvent::Discovery(missed))], recovered(s(120)));
    }
    let (froze, thawed) = (at(s(115), C, FROZE), at(s(120), C, THAWED));
    assert_answered_until(&[froze, thawed], recovered(s(120)));
    assert_answered_until(&[froze, at(s(116), C, THAWED)], s(126));
}

/// So that a log tells it where it happens, and nothing that comes later excuses it.
#[test]
fn it_is_told_at_the_first_answer_that_comes_too_late() {
    let late = [at(s(122), C, FRESH), at(s(123), C, FRESH)];
    let later = [lost_reading(s(124), C), at(s(125), C, FRESH), at(s(140), C, dropped(1))];
    let report = judged(&story(&[&begin(), &[at(s(102), C, FRESH)], &end_at(s(120)), &late, &later]));
    assert_eq!(report.clauses(), ["answered-too-long"], "once");
    assert_eq!(report.evidence[0].at, s(122));
    let both = [at(s(134), C, FRESH), at(s(136), C, FRESH), at(s(137), C, FRESH)];
    let died = [died(), at(s(134), C, PAUSED), at(s(134), C, RESUMED)];
    let report = judged(&story(&[&begin(), &died, &end_at(s(134)), &both]));
    assert_eq!(report.clauses(), [""; 0], "it recovers");
}

#[test]
fn a_view_that_lists_what_never_was_lies() {
    let lists = |epoch| judged(&story(&[&begin(), &end_at(s(120)), &[at(s(121), C, listed(epoch))]]));
    assert_eq!(lists(7).clauses(), ["listed-what-never-was"]);
    assert_eq!(lists(1).clauses(), [""; 0]);
    let again = |epoch: u64| {
        [at(s(120 + epoch), G, granted(epoch, A)), at(s(120 + epoch), G, registered(epoch, 2 * epoch))]
            .into_iter()
            .chain([at(s(120 + epoch), G, deregistered(epoch, 2 * epoch + 1, EXPIRED))])
    };
    let mut events: Vec<Event> = story(&[&begin(), &end_at(s(120)), &[at(s(120), C, dropped(1))]]);
    events.extend((2..6).flat_map(again));
    events.push(at(s(130), C, listed(1)));
    assert_eq!(judged(&events).clauses(), [""; 0], "too long ago to be remembered");
    events.push(at(s(131), C, listed(9)));
    assert_eq!(judged(&events).clauses(), ["listed-what-never-was"]);
}

/// No table is kept beyond that, so nobody can say what was there.
#[test]
fn what_no_node_can_be_numbered_is_not_held_against_a_view() {
    let lists = |number| {
        let instance = leasehold_core::id::InstanceId(number);
        let event = leasehold_core::DiscoveryEvent::ViewListed {
            instance,
            epoch: leasehold_core::id::Epoch(1),
            status: Status::Passing,
        };
        let view = [at(s(121), C, NodeEvent::Discovery(event)), at(s(150), C, FRESH)];
        judged(&story(&[&begin(), &[at(s(120), C, dropped(1))], &end_at(s(120)), &view])).counts()
    };
    let last = u32::from(u16::MAX);
    assert_eq!(lists(last).2, 1);
    assert_eq!((lists(last + 1).1, lists(last + 1).2), (1, 0));
}

#[test]
fn only_fresh_answers_to_the_right_question_count() {
    let answer = |answer: NodeEvent| {
        let view = [at(s(121), C, FRESH), at(s(150), C, answer), at(s(151), C, dropped(1))];
        judged(&story(&[&begin(), &end_at(s(120)), &view])).clauses()
    };
    assert_eq!(answer(FRESH), ["answered-too-long"]);
    assert_eq!(answer(looked_up(LookupAnswer::Stale)), [""; 0], "it said so");
    assert_eq!(answer(looked_up(LookupAnswer::Refused)), [""; 0]);
    assert_eq!(answer(asked(Asked::Service(SERVICE), LookupAnswer::Fresh)), ["answered-too-long"]);
    assert_eq!(answer(asked(Asked::Service(ServiceId(9)), LookupAnswer::Fresh)), [""; 0]);
    let changed = [
        at(s(150), C, FRESH),
        at(s(151), C, asked(Asked::Service(ServiceId(9)), LookupAnswer::Fresh)),
        at(s(152), C, dropped(1)),
    ];
    assert_eq!(judged(&story(&[&begin(), &end_at(s(120)), &changed])).clauses(), ["answered-too-long"]);
}

#[test]
fn what_was_answered_before_a_view_listed_it_was_without_it() {
    let again = |answered: &[Event]| {
        let gone = [at(s(120), C, dropped(1)), at(s(120), C, advanced(2, 0, 0)), at(s(160), C, FRESH)];
        let back = [at(s(161), C, listed(1)), at(s(163), C, dropped(1))];
        judged(&story(&[&begin(), &end_at(s(120)), &gone, &back, answered])).clauses()
    };
    assert_eq!(again(&[]), [""; 0], "nobody asked while it was there again");
    assert_eq!(again(&[at(s(162), C, FRESH)]), ["answered-too-long"]);
}

#[test]
fn a_view_that_lists_it_otherwise_does_not_answer_with_it() {
    let suspect = NodeEvent::Discovery(leasehold_core::DiscoveryEvent::ViewListed {
        instance: I,
        epoch: leasehold_core::id::Epoch(1),
        status: Status::Suspect,
    });
    for drops in [dropped(1), suspect] {
        let view = [at(s(121), C, drops), at(s(150), C, FRESH)];
        assert_eq!(judged(&story(&[&begin(), &end_at(s(120)), &view])).clauses(), [""; 0], "{drops:?}");
    }
}

#[test]
fn a_view_may_come_to_list_what_has_long_departed() {
    let view = [at(s(121), C, dropped(1)), at(s(140), C, listed(1)), at(s(141), C, FRESH)];
    assert_eq!(judged(&story(&[&begin(), &end_at(s(120)), &view])).clauses(), ["answered-too-long"]);
}

#[test]
fn what_is_routed_again_is_not_stale_any_more() {
    let suspect = at(s(120), G, status(1, Status::Suspect, 2));
    let passing = |when| at(when, G, status(1, Status::Passing, 3));
    let until = |when| {
        judged(&story(&[
            &begin(),
            &[suspect, at(just_before(when), C, FRESH), passing(when), at(s(400), C, FRESH)],
        ]))
    };
    assert_eq!(until(just_after(s(121))).clauses(), [""; 0]);
    assert_eq!(until(s(131)).clauses(), ["answered-too-long"], "it was stale for a while");
}

/// A wiped disk takes the epochs that were given with it. The view has listed epoch 1 all the time, and nobody can tell
/// the two registrations apart. Found by a random plan: 28 s after a wipe a client answered with whom the registry listed.
#[test]
fn what_a_wiped_registry_registers_under_the_same_epoch_is_not_stale_any_more() {
    let wiped = [at(s(120), G, CRASHED), at(s(120), G, RESTARTED), at(s(120), G, revision_found(100))];
    let until = |when, now| {
        let again = [at(when, G, granted(1, A)), at(when, G, registered_in(1, 101, now))];
        let answers = [at(just_before(when), C, FRESH), at(s(400), C, FRESH)];
        judged(&story(&[&begin(), &wiped, &answers[..1], &again, &answers[1..]])).clauses()
    };
    // The restart is trouble, so the watch has to recover from it.
    let recovered = just_after(s(126));
    assert_eq!(until(just_after(recovered), Status::Passing), [""; 0]);
    assert_eq!(
        until(just_after(just_after(recovered)), Status::Passing),
        ["answered-too-long"],
        "until then"
    );
    assert_eq!(
        until(just_after(recovered), Status::Suspect),
        ["answered-too-long"],
        "it is not routed again"
    );
}

#[test]
fn an_answer_that_a_stop_held_back_was_given_before_it() {
    let view =
        |told| [at(s(119), C, PAUSED), at(s(150), C, RESUMED), at(told, C, FRESH), at(s(151), C, dropped(1))];
    assert_eq!(judged(&story(&[&begin(), &end_at(s(120)), &view(s(150))])).clauses(), [""; 0]);
    let after = judged(&story(&[&begin(), &end_at(s(120)), &view(just_after(s(150)))]));
    assert_eq!(after.clauses(), ["answered-too-long"]);
}

#[test]
fn a_dead_client_answers_nobody() {
    let view = [at(s(121), C, FRESH), at(s(122), C, CRASHED), at(s(130), C, RESTARTED), at(s(150), C, FRESH)];
    assert_eq!(judged(&story(&[&begin(), &end_at(s(120)), &view])).clauses(), [""; 0]);
}

/// A client that has died lists nothing, whatever it listed before.
#[test]
fn what_departs_while_a_client_is_dead_is_not_in_its_view() {
    let view = [at(s(115), C, CRASHED), at(s(130), C, RESTARTED), at(s(150), C, FRESH)];
    let events = story(&[&begin(), &end_at(s(120)), &view]);
    assert_eq!(judged(&events).clauses(), [""; 0]);
    let lists = [at(s(140), C, listed(1))];
    assert_eq!(judged(&story(&[&events, &lists])).clauses(), ["answered-too-long"], "it has asked again");
}

#[test]
fn each_instance_in_a_view_is_judged_apart() {
    let ends = [at(s(120), G, deregistered_as(OTHER, 2, 3, EXPIRED))];
    let told = |drops: &[Event]| {
        let answers = [at(s(150), C, FRESH)];
        let events = story(&[&begin(), &other(), &end_at(s(120)), &ends, drops, &answers]);
        judged(&events).clauses().len()
    };
    let (one, two) = (at(s(121), C, dropped(1)), at(s(121), C, dropped_as(OTHER, 2)));
    assert_eq!(told(&[]), 2);
    assert_eq!((told(&[one]), told(&[two])), (1, 1));
    assert_eq!((told(&[one, two]), told(&[two, one])), (0, 0));
}

#[test]
fn each_view_is_judged_apart() {
    let lists = [at(s(100), S, advanced_by(Advance::Resync, 0, 0, 0)), at(s(101), S, listed(1))];
    let told = |clients: &[NodeId]| {
        let drops: Vec<Event> = clients.iter().map(|node| at(s(121), *node, dropped(1))).collect();
        let answers = [at(s(150), C, FRESH), at(s(150), S, FRESH)];
        let report = judged(&story(&[&begin(), &lists, &end_at(s(120)), &drops, &answers]));
        report.evidence.iter().map(|violation| violation.nodes[0]).collect::<Vec<_>>()
    };
    assert_eq!(told(&[]), [C, S]);
    assert_eq!(told(&[C]), [S]);
    assert_eq!(told(&[S]), [C]);
    assert_eq!(told(&[C, S]), []);
}

#[test]
fn clocks_of_client_and_registry_excuse_hop_two() {
    let with = |node, assumption| hop_two(&[at(s(105), node, broken(assumption))], s(150)).0;
    for clock in [Assumption::ClockRate, Assumption::ClockRuns] {
        assert_eq!(with(C, clock), Some(Standing::Outside));
        assert_eq!(with(G, clock), Some(Standing::Outside));
        assert_eq!(with(S, clock), Some(Standing::Violated));
    }
    assert_eq!(with(C, Assumption::DiskKeeps), Some(Standing::Violated));
}

#[test]
fn without_a_bound_that_holds_nothing_is_violated() {
    let with = |watch, cache, between: &[Event]| {
        let mut header = registry_header(&[Invariant::BoundedStaleness]);
        let bounds = leasehold_core::DiscoveryBounds { watch, dead_watch: None, cache, ..discovery_bounds() };
        header.bounds.discovery = Some(bounds);
        let view = [at(s(150), C, FRESH), at(s(151), C, dropped(1))];
        let judgement = judgement_with(&header, &story(&[&begin(), between, &end_at(s(120)), &view]), s(900));
        sample(&judgement, Metric::Propagation).unwrap().1
    };
    let (second, disturbed) = (Some(Span::from_secs(1)), lost_reading(s(120), C));
    assert_eq!(with(second, None, &[]), Standing::Violated);
    assert_eq!(with(second, None, &[disturbed]), Standing::Outside);
    assert_eq!(with(None, None, &[]), Standing::InBound, "it serves for ever, by design");
    assert_eq!(with(None, second, &[disturbed]), Standing::Violated);
}

// Both together.

#[test]
fn both_hops_together_are_measured_against_both_bounds() {
    let view = [at(s(131), C, FRESH), at(s(132), C, dropped(1))];
    let events = story(&[&begin(), &[died()], &end_at(s(130)), &view]);
    let judgement = judgement_until(&events, s(900));
    let second = Span::from_secs;
    assert_eq!(sample(&judgement, Metric::Exclusion), Some((second(20), Standing::InBound)));
    assert_eq!(sample(&judgement, Metric::Propagation), Some((second(1), Standing::InBound)));
    assert_eq!(sample(&judgement, Metric::Staleness), Some((second(21), Standing::InBound)));
    let nearest = judgement.measure(Metric::Staleness).unwrap().nearest.unwrap();
    assert_eq!(nearest, Nearest { measured: second(21).as_nanos(), bound: second(26).as_nanos() });
    assert_eq!(judgement.invariants[0].counts(), (4, 0, 0), "and visibility");
}

#[test]
fn a_hop_that_is_outside_takes_both_together_outside() {
    let view = |last| [at(last, C, FRESH), at(s(300), C, dropped(1))];
    let slow = [died(), at(s(115), G, PAUSED), at(s(150), G, RESUMED)];
    let events = story(&[&begin(), &slow, &end_at(s(150)), &view(s(156))]);
    let judgement = judgement_until(&events, s(900));
    assert_eq!(sample(&judgement, Metric::Staleness).unwrap().1, Standing::Outside);
    assert!(judgement.violations().is_empty());
    let late = story(&[&begin(), &[died()], &end_at(s(120)), &view(s(200))]);
    let judgement = judgement_until(&late, s(900));
    assert_eq!(sample(&judgement, Metric::Staleness).unwrap().1, Standing::Violated);
    assert_eq!(judgement.invariants[0].clauses(), ["answered-too-long"], "told once");
}

#[test]
fn what_the_registry_ends_by_itself_is_gone_since_then() {
    let view = [at(s(121), C, FRESH), at(s(122), C, dropped(1))];
    let judgement = judgement_until(&story(&[&begin(), &end_at(s(120)), &view]), s(900));
    assert_eq!(sample(&judgement, Metric::Staleness), Some((Span::from_secs(1), Standing::InBound)));
    assert_eq!(judgement.measure(Metric::Exclusion), None);
}

// Visibility.

/// A registration at 101 s that the view shows at the instant.
fn shown(between: &[Event], when: SimInstant) -> (Option<Standing>, Vec<&'static str>) {
    let [first, grant, registered, ..] = begin();
    let events = story(&[&[first], between, &[grant, registered, at(when, C, listed(1))]]);
    let judgement = judgement_until(&events, s(900));
    let standing = sample(&judgement, Metric::Visibility).map(|(_, standing)| standing);
    (standing, judgement.invariants[0].clauses())
}

#[test]
fn a_new_instance_is_seen_within_the_bound() {
    assert_eq!(shown(&[], s(104)), (Some(Standing::InBound), [].into()));
    let late = (Some(Standing::Violated), ["shown-too-late"].into());
    assert_eq!(shown(&[], just_after(s(104))), late);
    for disturbance in
        [lost_reading(s(102), C), at(s(102), C, delaying()), at(s(102), C, PAUSED), at(s(102), C, FROZE)]
    {
        assert_eq!(shown(&[disturbance], s(110)).0, Some(Standing::Outside), "{disturbance:?}");
    }
    assert_eq!(shown(&[lost_reading(s(102), S)], s(110)).0, Some(Standing::Violated));
}

#[test]
fn a_new_instance_that_is_never_seen_is_found_when_it_ends_or_the_run_does() {
    let [first, grant, registered, ..] = begin();
    let events = [first, grant, registered];
    assert_eq!(judged_until(&events, s(104)).clauses(), [""; 0]);
    assert_eq!(judged_until(&events, just_after(s(104))).clauses(), ["never-shown"]);
    let ended = |when| judged(&story(&[&events, &end_at(when)])).clauses();
    assert_eq!(ended(s(104)), [""; 0]);
    assert_eq!(ended(just_after(s(104))), ["never-shown"]);
}

#[test]
fn only_a_view_that_was_there_before_is_judged_and_only_once() {
    let [_, grant, registered, list, advance] = begin();
    let no_view_yet = [grant, registered, at(s(300), C, listed(1))];
    assert_eq!(judgement_until(&no_view_yet, s(900)).measure(Metric::Visibility), None);
    let again = [at(s(200), C, dropped(1)), at(s(300), C, listed(1))];
    let events = story(&[&begin()[..1], &[grant, registered, list, advance], &again]);
    let judgement = judgement_until(&events, s(900));
    assert_eq!(sample(&judgement, Metric::Visibility), Some((Span::ZERO, Standing::InBound)));
}

#[test]
fn what_nobody_asks_for_need_not_be_shown() {
    let [_, grant, registered, ..] = begin();
    let of = |service| {
        let events = [at(s(100), C, asked(Asked::Service(service), LookupAnswer::Fresh)), grant, registered];
        judged_until(&events, s(300)).clauses()
    };
    assert_eq!(of(SERVICE), ["never-shown"]);
    assert_eq!(of(ServiceId(9)), [""; 0]);
}

#[test]
fn a_view_may_list_the_next_registration_before_it_drops_the_last() {
    let next = [at(s(120), G, granted(2, A)), at(s(120), G, registered(2, 3))];
    let view = [at(s(121), C, listed(2)), at(s(121), C, dropped(1)), at(s(125), C, FRESH)];
    let end = [at(s(130), G, deregistered(2, 4, REVOKED)), at(s(150), C, FRESH), at(s(151), C, dropped(2))];
    let events = story(&[&begin(), &end_at(s(119)), &next, &view, &end]);
    assert_eq!(judged(&events).clauses(), ["answered-too-long"], "it still lists the second");
    assert_eq!(judged(&events[..events.len() - 3]).clauses(), [""; 0]);
}

// Calls.

#[test]
fn calls_to_what_is_gone_are_counted_for_each_that_is() {
    let calls = |events: &[Event]| {
        let judgement = judgement_until(&story(&[&begin(), events]), s(900));
        judgement.measure(Metric::CallsToDead).map(|report| (report.samples, report.worst))
    };
    assert_eq!(calls(&[at(s(105), C, called(1))]), None, "it lives");
    assert_eq!(calls(&[died()]), None, "nobody calls");
    assert_eq!(calls(&[at(s(105), C, called(1)), died()]), Some((1, Some(0))));
    assert_eq!(calls(&[died(), at(s(111), C, called(1)), at(s(112), C, called(1))]), Some((1, Some(2))));
    assert_eq!(calls(&[left(), at(s(111), C, called(1))]), None, "it drains");
    let drained = story(&[&[left()], &end_at(s(111)), &[at(s(112), C, called(1))]]);
    assert_eq!(calls(&drained), None);
    let ended = story(&[&end_at(s(120)), &[at(s(121), C, called(1))]]);
    assert_eq!(calls(&ended), Some((1, Some(1))));
    let judgement = judgement_until(&story(&[&begin(), &ended]), s(900));
    assert!(judgement.violations().is_empty(), "there is no bound");
}

#[test]
fn samples_are_handed_out_at_their_events_and_once() {
    use leasehold_core::EventSink;
    let mut judge = crate::judge::Judge::new(&registry_header(&[Invariant::BoundedStaleness])).unwrap();
    let mut seen = Vec::new();
    for event in
        starts().iter().chain(&begin()).chain(&[at(s(105), C, called(1)), died()]).chain(&end_at(s(130)))
    {
        assert!(judge.on_event(event).is_continue());
        seen.extend(judge.drain_samples().map(|sample| (sample.metric, sample.at)));
        assert_eq!(judge.drain_samples().count(), 0);
    }
    assert_eq!(seen, [(Metric::Visibility, s(101)), (Metric::Exclusion, s(130))]);
    let ignored = at(s(140), G, lists(0, 2));
    assert!(judge.on_event(&ignored).is_continue());
    let judgement = judge.finish(s(200));
    let last: Vec<_> = judge.drain_samples().map(|sample| sample.metric).collect();
    assert_eq!(last, [Metric::CallsToDead]);
    assert_eq!(judgement.measures.len(), 3);
}
