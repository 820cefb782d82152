//! Every fault lands, and does what it says, on this engine: on three nodes that tick to each other and answer.

#[path = "../../leasehold-sim/tests/common/mod.rs"]
mod common;
mod ticks;

use leasehold_core::clock::ClockKind;
use leasehold_core::event::{Assumption, LossCause};
use leasehold_core::node::{Leg, Purpose};
use leasehold_core::plan::{
    Action, Chance, Cut, FaultKind, FaultPlan, Latency, Scope, Target, WatchFault, Worsening,
};
use leasehold_core::*;
use leasehold_turmoil::{ClosedBecause, Note, ShellPolicy, Subject, Transport, inexpressible};

use common::{Ran, ms, within};
use ticks::*;

const TO_B: Scope = Scope::OneWay(Target::Node(B));

const fn worse(worse: Worsening) -> Action {
    Action::Link { scope: TO_B, worse }
}

const LATE: Worsening = Worsening { delay: Span::from_millis(100), ..Worsening::NONE };

/// One fault of each kind, on A, in a list that grows with them.
fn one_of(kind: FaultKind) -> FaultPlan {
    let twice = RateError::from_ppb(1_000_000_000).expect("twice as fast is a rate");
    let action = match kind {
        FaultKind::Partition => Action::Partition(Scope::Isolate),
        FaultKind::Link => worse(LATE),
        FaultKind::Clog => Action::Clog(TO_B),
        FaultKind::Hold => Action::Hold(TO_B),
        FaultKind::Swizzle => Action::Swizzle,
        FaultKind::Pause => Action::Pause,
        FaultKind::Suspend => Action::Suspend,
        FaultKind::Throttle => Action::Throttle { step: Span::from_millis(5) },
        FaultKind::Stall => Action::Stall,
        FaultKind::Crash => Action::Crash,
        FaultKind::Torn => Action::Torn,
        FaultKind::Wipe => Action::Wipe,
        FaultKind::Restart => Action::Restart,
        FaultKind::ClockRate => Action::ClockRate(twice),
        FaultKind::ClockFreeze => Action::ClockFreeze,
        FaultKind::WallStrobe => Action::WallStrobe { by: 5_000_000, every: Span::from_millis(50) },
        FaultKind::WallStep => Action::WallStep(1_000_000),
        FaultKind::Command => CLAIM,
        FaultKind::WatchDrop => Action::Watch(WatchFault::Drop),
        FaultKind::WatchStall => Action::Watch(WatchFault::Stall),
        FaultKind::WatchGap => Action::Watch(WatchFault::Gap),
    };
    fault(495, A, action, 300)
}

#[test]
fn every_fault_lands_and_the_nodes_get_over_it() {
    for kind in FaultKind::ALL {
        let ran = run(vec![one_of(kind)]);
        let landed = ran.landed().unwrap_or_else(|| panic!("{kind:?} did not land"));
        assert!((495..=520).contains(&landed), "{kind:?} landed at {landed}");
        for (from, to) in [(A, B), (B, A), (B, C)] {
            for what in [TICK, ANSWER, BEAT, NEWS] {
                let heard = ran.heard_within(what, from, to, 2_500, 3_000);
                assert!((49..=51).contains(&heard), "{kind:?}: {what} from {from} to {to}: {heard}");
            }
        }
    }
}

#[test]
fn a_partition_breaks_connections_that_were_open_and_keeps_new_ones_from_being_opened() {
    for at in [0, 500] {
        let ran = run(vec![fault(at, A, Action::Partition(Scope::Isolate), 800)]);
        for (from, to) in [(A, B), (B, A), (C, A)] {
            for what in [TICK, ANSWER, BEAT, NEWS] {
                assert_eq!(ran.heard_within(what, from, to, at + 2, at + 800), 0, "{what}: {from} to {to}");
                assert!(
                    ran.heard_within(what, from, to, at + 800, at + 1_600) > 20,
                    "{what}: {from} to {to}"
                );
            }
        }
        assert!(ran.heard_within(ANSWER, B, C, at, at + 800) > 75, "the others go on");
        let lost = |cause| {
            ran.times(A, |kind| {
                matches!(kind, EventKind::World(WorldEvent::MessageLost { cause: other, .. }) if *other == cause)
            })
        };
        assert!(within(&lost(LossCause::Disconnected), at, at + 1_600) > 0, "the shell knows");
        assert_eq!(within(&lost(LossCause::Fault), at, at + 800) > 0, at > 0, "what left before it knew");
    }
}

#[test]
fn who_dials_over_a_partition_hears_nothing_until_it_gives_up() {
    let ran = run_with(
        &plan(vec![fault(0, A, Action::Partition(Scope::Isolate), 800)]),
        &ShellPolicy::default(),
        Talk::Everything,
    );
    let troubles: Vec<_> = ran
        .notes
        .iter()
        .filter_map(|(at, node, note)| match note {
            Note::NotOpened { to: B, because } if *node == A => Some((*at, because.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(troubles, [(210, "no answer"); 2], "one a lane, 200 ms after the first tick");
}

/// Turmoil gives a host 16,384 ports, and each attempt that it refuses keeps one for good.
#[test]
fn however_often_it_is_dialled_over_a_partition_there_are_ports_left() {
    let hasty = ShellPolicy {
        connect_within: Span::from_millis(3),
        backoff: Span::from_millis(1),
        backoff_max: Span::from_millis(1),
        ..ShellPolicy::default()
    };
    let mut long = plan(vec![fault(495, A, Action::Partition(Scope::Isolate), 20_000)]);
    long.phases.chaos = Span::from_secs(21);
    let ran = run_with(&long, &hasty, Talk::Everything).ran;
    assert!(ran.heard_within(TICK, A, B, 20_500, 21_500) > 80);
}

#[test]
fn a_partition_one_way_leaves_the_way_back() {
    let ran = run(vec![fault(500, A, Action::Partition(TO_B), 300)]);
    for what in [TICK, ANSWER, BEAT, NEWS] {
        assert_eq!(ran.heard_within(what, A, B, 502, 800), 0);
    }
    assert!(ran.heard_within(TICK, B, A, 502, 800) >= 29);
    assert!(ran.heard_within(TICK, A, C, 502, 800) >= 29);
}

#[test]
fn a_message_that_is_late_on_a_stream_holds_up_those_behind_it() {
    let ran = run(vec![fault(505, A, worse(LATE), 100)]);
    let late: Vec<_> =
        ran.heard(TICK, A, B).into_iter().filter(|(tick, _)| (49..72).contains(tick)).collect();
    let expected = |tick| match tick {
        51..=60 => (tick, tick * 10 + 101),
        // Behind that of 600, which was late.
        61..=70 => (tick, 701),
        _ => (tick, tick * 10 + 1),
    };
    assert_eq!(late, (49..72).map(expected).collect::<Vec<_>>());
    assert_eq!(ran.heard(TICK, A, C).iter().filter(|(tick, at)| *at > tick * 10 + 1).count(), 1, "the first");
}

#[test]
fn a_clog_and_a_hold_let_go_what_they_kept() {
    for action in [Action::Clog(TO_B), Action::Hold(TO_B)] {
        let ran = run(vec![fault(505, A, action, 100)]);
        assert_eq!(ran.heard_within(TICK, A, B, 505, 605), 0);
        let kept = |(tick, at): &(u64, u64)| (51..=60).contains(tick) && (605..=607).contains(at);
        assert_eq!(ran.heard(TICK, A, B).iter().filter(|heard| kept(heard)).count(), 10, "{action:?}");
        assert_eq!(ran.heard(TICK, A, B).len(), 299, "{action:?}");
    }
}

#[test]
fn a_link_loses_above_its_streams_and_makes_them_wait_where_it_is_slow() {
    let loss = Chance::from_ppm(500_000).unwrap();
    let ran = run(vec![fault(500, A, worse(Worsening { loss, ..Worsening::NONE }), 1_000)]);
    let heard = ran.heard_within(TICK, A, B, 502, 1_501);
    assert!((30..70).contains(&heard), "{heard}");
    assert_eq!(ran.heard_within(TICK, A, B, 1_502, 3_000), 149, "the same connection goes on");
    let slow =
        run(vec![fault(500, A, worse(Worsening { slow: Span::from_millis(5), ..Worsening::NONE }), 300)]);
    // Four words of A to B, and two of them answers, every 10 ms: that is twice as much as the link carries.
    let heard = slow.heard_within(TICK, A, B, 505, 800);
    assert!((12..22).contains(&heard), "{heard}");
    assert_eq!(slow.heard(TICK, A, B).len(), 299);
}

#[test]
fn datagrams_are_duplicated_and_overtake_each_other() {
    let policy = ShellPolicy { heartbeats: Transport::Udp, ..ShellPolicy::default() };
    let mut twice = plan(vec![]);
    twice.network.duplicate = Chance::ALWAYS;
    let heard = run_with(&twice, &policy, Talk::Beats).ran.heard_within(BEAT, A, B, 0, 1_995);
    assert_eq!(heard, 2 * 199);
    let reorder = Worsening { reorder: Span::from_millis(60), ..Worsening::NONE };
    let plan = plan(vec![fault(500, A, worse(reorder), 1_000)]);
    let heard = run_with(&plan, &policy, Talk::Beats).ran.heard(BEAT, A, B);
    assert!(heard.windows(2).filter(|pair| pair[1].0 < pair[0].0).count() > 10, "{heard:?}");
    assert_eq!(heard.len(), 299);
}

#[test]
fn what_streams_cannot_do_is_named_and_nothing_else() {
    let reorder = Worsening { reorder: Span::from_millis(60), ..Worsening::NONE };
    let twice = Worsening { duplicate: Chance::ALWAYS, ..Worsening::NONE };
    let mut asked = plan(FaultKind::ALL.into_iter().map(one_of).collect());
    let policy = ShellPolicy::default();
    assert_eq!(inexpressible(&asked, &policy), [], "one of each kind");
    let first = asked.faults.len() as u16;
    asked.faults.extend([worse(reorder), worse(twice)].map(|action| fault(500, A, action, 100)));
    asked.network.duplicate = Chance::ALWAYS;
    for heartbeats in [Transport::Tcp, Transport::Udp] {
        let found = inexpressible(&asked, &ShellPolicy { heartbeats, ..policy });
        let subjects: Vec<Subject> = found.iter().map(|found| found.subject).collect();
        let faults = [FaultId(first), FaultId(first + 1)].map(Subject::Fault);
        assert_eq!(subjects, [Subject::NetworkDuplicates, faults[0], faults[1]]);
    }
}

#[test]
fn a_fault_that_a_stream_does_not_carry_out_touches_nothing_there() {
    let policy = |heartbeats| ShellPolicy { heartbeats, ..ShellPolicy::default() };
    for other in [
        Worsening { reorder: Span::from_millis(60), ..Worsening::NONE },
        Worsening { duplicate: Chance::ALWAYS, ..Worsening::NONE },
    ] {
        let plan = plan(vec![fault(500, A, worse(other), 1_000)]);
        let on_streams = run_with(&plan, &policy(Transport::Tcp), Talk::Everything).ran;
        assert_eq!(on_streams.landed(), None);
        assert_eq!(on_streams.heard(TICK, A, B).len(), 299);
        let beats_apart = run_with(&plan, &policy(Transport::Udp), Talk::Everything).ran;
        assert_eq!(beats_apart.landed(), Some(500));
    }
}

#[test]
fn what_comes_on_a_stream_to_a_stopped_process_waits_there_however_much_it_is() {
    let mut plan = plan(vec![fault(495, A, Action::Pause, 300)]);
    plan.receive_buffer = 3;
    let ran = run_with(&plan, &ShellPolicy::default(), Talk::Everything).ran;
    for what in [TICK, BEAT] {
        assert_eq!(ran.heard(what, B, A).len(), 299, "{what}");
    }
}

#[test]
fn datagrams_queue_up_to_the_capacity_of_a_stopped_process() {
    let policy = ShellPolicy { heartbeats: Transport::Udp, ..ShellPolicy::default() };
    let mut plan = plan(vec![fault(495, A, Action::Pause, 300)]);
    plan.receive_buffer = 3;
    let ran = run_with(&plan, &policy, Talk::Beats).ran;
    let heard = ran.heard_within(BEAT, B, A, 500, 801) + ran.heard_within(BEAT, C, A, 500, 801);
    assert_eq!(heard, 3);
    let overflow = WorldEvent::MessageLost {
        to: A,
        purpose: Purpose::Renew,
        leg: Leg::Request,
        cause: LossCause::Overflow,
    };
    assert_eq!(ran.world(B, overflow).len() + ran.world(C, overflow).len(), 57);
}

#[test]
fn nothing_of_a_paused_process_runs_and_what_was_cut_leaves_when_it_goes_on() {
    let pause = |cut| {
        let mut pause = fault(495, A, Action::Pause, 300);
        pause.cut = cut;
        run(vec![pause])
    };
    let ran = pause(Cut::After(0));
    assert_eq!((ran.world(A, WorldEvent::Paused), ran.world(A, WorldEvent::Resumed)), (vec![500], vec![800]));
    assert_eq!(within(&ran.reports(A), 500, 800), 0);
    for (what, other) in [(TICK, B), (ANSWER, B), (BEAT, C), (NEWS, C)] {
        assert_eq!(ran.heard_within(what, A, other, 500, 801), 0, "{what}");
    }
    // A step is: write, report, beat, tick, news, for each of the others.
    let ran = pause(Cut::After(2));
    assert_eq!(within(&ran.ticked(A), 500, 501), 1, "the report was ahead of the cut");
    assert_eq!(ran.heard_within(TICK, A, B, 492, 801), 0);
    let ran = pause(Cut::After(3));
    assert_eq!(ran.heard_within(BEAT, A, B, 501, 502), 1, "what is ahead of the cut leaves");
    assert_eq!(ran.heard_within(BEAT, A, C, 501, 800), 0);
    let ran = pause(Cut::BeforeSend(Purpose::Write));
    assert_eq!(within(&ran.reports(A), 501, 800), 0);
    assert!(ran.heard_within(TICK, A, B, 801, 803) >= 1, "late");
    let ran = pause(Cut::Now);
    assert_eq!(within(&ran.reports(A), 495, 795), 0);
    assert_eq!(ran.world(A, WorldEvent::Resumed), [795]);
}

/// What excuses a report of something decided before a stop is that the process goes on at that very instant.
#[test]
fn a_stop_that_is_over_within_a_tick_lasts_until_its_end_whatever_ends_it() {
    let odd = Span::from_nanos(300_400_500);
    let stopped = |action| FaultPlan { lasts: Some(odd), ..fault(495, A, action, 0) };
    let mut settles = plan(vec![fault(495, A, Action::Pause, 0)]);
    settles.phases.chaos = Span::from_millis(500) + odd;
    for plan in [plan(vec![stopped(Action::Pause)]), plan(vec![stopped(Action::Suspend)]), settles] {
        let events = run_with(&plan, &ShellPolicy::default(), Talk::Everything).ran.events;
        let mut of_a = events.iter().filter(|event| event.node == Some(A));
        let resumed = of_a.find(|event| event.kind == EventKind::World(WorldEvent::Resumed)).unwrap().at;
        let held = of_a.find(|event| matches!(event.kind, EventKind::Node(NodeEvent::EffectIssued { .. })));
        assert_eq!((resumed, held.unwrap().at), (ms(801), ms(801)));
    }
}

#[test]
fn not_even_the_shell_of_a_paused_process_answers() {
    let impatient = ShellPolicy {
        ping_every: Span::from_millis(20),
        silent_after: Span::from_millis(60),
        ..ShellPolicy::default()
    };
    let paused = plan(vec![fault(495, A, Action::Pause, 300)]);
    let silent = |plan: &Plan| {
        let told = run_with(plan, &impatient, Talk::Everything);
        let silent = |(_, node, note): &&(u64, NodeId, Note)| {
            let closed = Note::Closed { with: Some(A), at: None, because: ClosedBecause::Silent };
            *node == B && *note == closed
        };
        told.notes.iter().filter(silent).map(|&(at, ..)| at).collect::<Vec<_>>()
    };
    assert_eq!(silent(&plan(vec![])), []);
    let silent = silent(&paused);
    assert!(!silent.is_empty() && silent.iter().all(|at| (540..900).contains(at)), "{silent:?}");
}

/// Turmoil panics when more than 1,024 connections wait to be accepted. Six times 280 are tried here.
#[test]
fn however_many_knock_at_a_stopped_process_it_opens_when_it_goes_on() {
    let hasty = ShellPolicy {
        connect_within: Span::from_millis(3),
        backoff: Span::from_millis(1),
        backoff_max: Span::from_millis(1),
        ping_every: Span::from_millis(10),
        silent_after: Span::from_millis(30),
        ..ShellPolicy::default()
    };
    let told = run_with(&plan(vec![fault(495, A, Action::Pause, 1_400)]), &hasty, Talk::Everything);
    for other in [B, C] {
        assert!(told.ran.heard_within(TICK, other, A, 1_900, 2_500) > 50);
        assert!(told.ran.heard_within(ANSWER, A, other, 1_900, 2_500) > 50);
    }
}

#[test]
fn a_suspend_stops_the_monotonic_clock_and_a_pause_does_not() {
    let lapsed = WorldEvent::ClaimLapsed { resource: R, token: Token(1), incarnation: Incarnation(0) };
    let stop = |action| vec![fault(495, A, action, 300), fault(100, A, CLAIM, 0)];
    let suspended = run_on(ClockKind::Monotonic, stop(Action::Suspend));
    assert_eq!(suspended.world(A, lapsed), [1_400], "300 ms are missing");
    let broken = WorldEvent::AssumptionBroken { assumption: Assumption::ClockRuns };
    assert_eq!(suspended.world(A, broken), [500]);
    assert_eq!(within(&suspended.ticked(A), 500, 800), 0);
    assert_eq!(
        within(&suspended.ticked(A), 800, 1_000),
        20,
        "it was about to tick, and does so on its own clock"
    );
    let paused = run_on(ClockKind::Monotonic, stop(Action::Pause));
    assert_eq!(paused.world(A, lapsed), [1_100]);
}

#[test]
fn a_slow_process_takes_one_step_at_a_time() {
    let ran = run(vec![fault(505, A, Action::Throttle { step: Span::from_millis(7) }, 200)]);
    let mut busy = ran.reports(A);
    busy.retain(|at| (520..700).contains(at));
    busy.dedup();
    assert!(busy.windows(2).all(|pair| pair[1] - pair[0] >= 7), "{busy:?}");
    assert!(busy.len() > 20, "always busy: {busy:?}");
    assert_eq!(ran.heard(TICK, B, A).len(), 299, "what waited is handled in the end");
}

#[test]
fn a_stall_holds_back_completions_and_nothing_else() {
    let ran = run(vec![fault(505, A, Action::Stall, 200)]);
    assert_eq!(within(&ran.persisted(A), 505, 705), 0);
    assert_eq!(ran.heard_within(TICK, A, B, 505, 705), 20);
    assert_eq!(ran.persisted(A).len(), 299);
}

#[test]
fn a_crashed_host_answers_nothing_and_its_disk_keeps_what_was_durable() {
    let ran = run(vec![fault(495, A, Action::Crash, 300)]);
    assert_eq!(ran.world(A, WorldEvent::Crashed), [500]);
    assert_eq!(ran.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }), [800]);
    assert_eq!(within(&ran.reports(A), 500, 800), 0);
    for (what, other) in [(TICK, B), (ANSWER, B), (BEAT, C), (NEWS, C)] {
        assert_eq!(ran.heard_within(what, A, other, 502, 801), 0, "{what}");
        assert!(ran.heard_within(what, A, other, 801, 1_300) > 20, "{what}");
    }
    assert_eq!(ran.found(A), [49], "the write of tick 49 was durable at 493; tick 50 was cut off");
    let torn = |at| run(vec![FaultPlan { cut: Cut::Now, ..fault(at, A, Action::Torn, 100) }]).found(A);
    assert_eq!((torn(502), torn(504)), (vec![49], vec![50]), "the write of tick 50 took until 503");
}

#[test]
fn what_left_before_the_cut_of_a_crash_arrives() {
    let crash = FaultPlan { cut: Cut::After(3), ..fault(495, A, Action::Crash, 300) };
    let ran = run(vec![crash]);
    assert_eq!(ran.world(A, WorldEvent::Crashed), [500]);
    assert_eq!(ran.heard_within(BEAT, A, B, 501, 502), 1);
    assert_eq!(ran.heard_within(BEAT, A, C, 501, 502), 0);
}

#[test]
fn a_wipe_and_a_restart_bring_the_process_back_at_once() {
    let wiped = run(vec![fault(495, A, Action::Wipe, 0)]);
    assert_eq!(wiped.found(A), [0]);
    let bounced = run(vec![fault(495, A, Action::Restart, 0)]);
    assert_eq!(bounced.found(A), [49]);
    for ran in [wiped, bounced] {
        assert_eq!(ran.world(A, WorldEvent::Crashed), [500]);
        assert_eq!(ran.world(A, WorldEvent::Restarted { incarnation: Incarnation(1) }), [500]);
        let again = ran.reports(A).into_iter().find(|&at| at > 500);
        assert!(again.is_some_and(|at| at <= 503), "{again:?}");
        assert!(ran.heard_within(ANSWER, B, A, 510, 1_000) > 10, "it asks, and is answered");
    }
}

#[test]
fn clocks_that_run_otherwise_move_timers() {
    let twice = RateError::from_ppb(1_000_000_000).expect("twice as fast is a rate");
    let ran = run(vec![fault(500, A, Action::ClockRate(twice), 500)]);
    assert_eq!((within(&ran.ticked(A), 500, 1_000), within(&ran.ticked(A), 1_000, 1_500)), (100, 50));
    let ran = run(vec![fault(505, A, Action::ClockFreeze, 300)]);
    assert_eq!((within(&ran.ticked(A), 505, 805), within(&ran.ticked(A), 805, 905)), (0, 10));
    let ran = run_on(ClockKind::Wall, vec![fault(505, A, Action::WallStep(-200_000_000), 0)]);
    assert_eq!(within(&ran.ticked(A), 505, 709), 0, "its deadline is 200 ms farther away");
    let ran = run_on(ClockKind::Wall, vec![fault(505, A, Action::WallStep(200_000_000), 0)]);
    assert_eq!(within(&ran.ticked(A), 505, 507), 1, "its deadline has passed");
    let strobe = Action::WallStrobe { by: 5_000_000, every: Span::from_millis(20) };
    let ran = run_on(ClockKind::Wall, vec![fault(503, A, strobe, 100)]);
    assert_eq!(ran.world(A, WorldEvent::WallStepped { by: 5_000_000 }).len(), 3);
    assert_eq!(within(&ran.ticked(A), 505, 506), 1, "pushed toward its deadline");
}

#[test]
fn faults_of_watches_touch_what_watches_tell() {
    for (what, kept) in [(WatchFault::Drop, 0), (WatchFault::Gap, 0), (WatchFault::Stall, 10)] {
        let ran = run(vec![fault(505, A, Action::Watch(what), 100)]);
        assert_eq!(ran.heard_within(NEWS, B, A, 505, 605), 0, "{what:?}");
        let late = |(tick, at): &&(u64, u64)| (51..=60).contains(tick) && *at >= 605;
        assert_eq!(ran.heard(NEWS, B, A).iter().filter(late).count(), kept, "{what:?}");
        assert_eq!(ran.heard_within(TICK, B, A, 505, 605), 10, "{what:?}");
        assert_eq!(ran.heard_within(NEWS, B, C, 505, 605), 10, "{what:?}");
    }
}

#[test]
fn a_command_reaches_a_process_when_it_runs() {
    let claimed = |kind: &EventKind| matches!(kind, EventKind::Node(NodeEvent::ClaimStarted(_)));
    assert_eq!(run(vec![fault(500, A, CLAIM, 0)]).times(A, claimed), [500]);
    let asleep = run(vec![fault(395, A, Action::Pause, 300), fault(500, A, CLAIM, 0)]);
    assert_eq!(asleep.times(A, claimed), [700]);
}

#[test]
fn a_run_says_how_it_ended() {
    let end = |action| {
        run_with(&plan(vec![fault(500, B, action, 0)]), &ShellPolicy::default(), Talk::Everything).ran
    };
    let panicked = end(PANIC);
    assert_eq!(panicked.outcome.end, RunEnd::Panicked { node: B, message: "told to".into() });
    assert_eq!(panicked.world(B, WorldEvent::Panicked), [500]);
    assert_eq!(end(SPIN).outcome.end, RunEnd::Livelock { node: B });
}

#[test]
fn a_message_takes_as_long_as_in_the_discrete_event_world_and_two_milliseconds_at_most() {
    let policy = ShellPolicy { heartbeats: Transport::Udp, ..ShellPolicy::default() };
    let mut plan = plan(vec![fault(500, A, worse(LATE), 500)]);
    plan.network.latency = Latency::Uniform { min: Span::from_micros(300), max: Span::from_millis(9) };
    plan.network.loss = Chance::from_ppm(100_000).unwrap();
    let (here, there) = (run_with(&plan, &policy, Talk::Beats).ran, run_on_sim(&plan, Talk::Beats));
    let by_tick = |ran: &Ran, from, to| {
        let mut heard = ran.heard(BEAT, from, to);
        heard.sort();
        heard
    };
    for (from, to) in [(A, B), (B, A), (C, B)] {
        let (here, there) = (by_tick(&here, from, to), by_tick(&there, from, to));
        let ticks = |heard: &[(u64, u64)]| heard.iter().map(|&(tick, _)| tick).collect::<Vec<_>>();
        assert_eq!(ticks(&here), ticks(&there), "the same are lost");
        let late: Vec<u64> = here.iter().zip(&there).map(|(here, there)| here.1 - there.1).collect();
        assert!(late.iter().all(|&late| late <= 2), "{late:?}");
    }
}

#[test]
fn the_same_plan_gives_the_same_events() {
    let faults = || {
        FaultKind::ALL.into_iter().zip(0_u64..).map(|(kind, place)| {
            let planned = one_of(kind);
            FaultPlan { trigger: plan::Trigger::At(common::ms(100 + 80 * place)), ..planned }
        })
    };
    let mut noisy = plan(faults().collect());
    noisy.network.latency = Latency::Uniform { min: Span::from_micros(300), max: Span::from_millis(9) };
    noisy.network.loss = Chance::from_ppm(20_000).unwrap();
    let run = |plan: &Plan| run_with(plan, &ShellPolicy::default(), Talk::Everything).ran;
    let (once, again) = (run(&noisy), run(&noisy));
    assert_eq!(once.outcome, again.outcome);
    assert_eq!(once.events, again.events);
    let mut other = noisy.clone();
    other.noise = NoiseKey(2);
    assert_ne!(once.events, run(&other).events);
}
