//! What an application's work and readiness have to do with its heartbeats, and what it answers.

use leasehold_core::event::Health;
use leasehold_core::time::Span;

use super::members::*;
use super::*;
use crate::registry::policy::{
    Flaps, HeartbeatThread, Hysteresis, MemberPolicy, MemberWork, NextHeartbeat, RegistryPolicy,
};
use crate::registry::{Instance, ProbeKind, Registry};

fn on_thread(thread: HeartbeatThread) -> MemberPolicy {
    MemberPolicy { thread, ..policy() }
}

/// Its work stands still from 12.4 s on: its last task was done at 12 s.
fn stopped(thread: HeartbeatThread) -> Few {
    let mut few = deployment(on_thread(thread));
    few.run_to(12_400);
    few.command(APPLICATION, RegistryCommand::StopWork);
    few
}

#[test]
fn heartbeats_stop_with_the_work_unless_they_are_apart() {
    let after = |thread| {
        let mut few = stopped(thread);
        few.run_to(45_000);
        let stops =
            few.times(APPLICATION, |e| matches!(e, NodeEvent::Registry(RegistryEvent::WorkStopped { .. })));
        assert_eq!(stops, [12_400]);
        (heartbeats(&few, APPLICATION), few.ends())
    };
    // Z after the last task that was done, and what it takes to tell.
    let released = vec![(22_003, EndCause::Released { by: APPLICATION })];
    assert_eq!(after(HeartbeatThread::Supervised), (vec![10_000, 20_000], released));
    assert_eq!(after(HeartbeatThread::Apart), (vec![10_000, 20_000, 30_000, 40_000], vec![]));
    let expired = vec![(40_003, EndCause::Expired)];
    assert_eq!(after(HeartbeatThread::OfTheWork), (vec![10_000], expired));
}

#[test]
fn who_was_taken_off_for_want_of_progress_comes_back_with_it() {
    let goes_on_at = |at: i64| {
        let mut few = stopped(HeartbeatThread::Supervised);
        few.run_to(at);
        few.command(APPLICATION, RegistryCommand::GoOnWorking);
        few.run_to(60_000);
        (registrations(&few, APPLICATION), deregistrations(&few, APPLICATION))
    };
    assert_eq!(goes_on_at(21_900), (vec![0], vec![]));
    assert_eq!(goes_on_at(25_000), (vec![0, 25_000], vec![22_000]));
    // The deregistration is still under way then.
    assert_eq!(goes_on_at(22_001), (vec![0, 22_005], vec![22_000]));
}

#[test]
fn a_long_task_delays_heartbeats_on_its_own_thread_only() {
    let beats = |thread| {
        let work =
            MemberWork { task: Span::from_secs(12), progress: Span::from_secs(40), ..MemberWork::default() };
        let mut few = deployment(MemberPolicy { work, ..on_thread(thread) });
        few.run_to(45_000);
        heartbeats(&few, APPLICATION)
    };
    assert_eq!(beats(HeartbeatThread::OfTheWork), [12_000, 24_000, 36_000]);
    assert_eq!(beats(HeartbeatThread::Apart), [10_000, 20_000, 30_000, 40_000]);
    assert_eq!(beats(HeartbeatThread::Supervised), [10_000, 20_000, 30_000, 40_000]);
}

#[test]
fn a_clock_that_is_off_does_not_keep_the_works_thread_from_its_heartbeats() {
    let work = MemberWork { task: Span::from_millis(700), ..MemberWork::default() };
    let policy = MemberPolicy { work, ..on_thread(HeartbeatThread::OfTheWork) };
    for rate in [-333_333, 333_333] {
        let mut few = Few::new();
        few.add_with_rate(APPLICATION, rate, move || Box::new(Instance::new(policy, place(None), REGISTRY)));
        few.add(REGISTRY, || Box::new(Registry::new(RegistryPolicy::default(), places(None))));
        few.run_to(100_000);
        assert_eq!(heartbeats(&few, APPLICATION).len(), 9, "{:?}", heartbeats(&few, APPLICATION));
    }
}

#[test]
fn a_heartbeat_that_waited_for_the_work_leaves_when_it_goes_on() {
    let mut few = stopped(HeartbeatThread::OfTheWork);
    few.run_to(26_000);
    few.command(APPLICATION, RegistryCommand::GoOnWorking);
    few.run_to(40_000);
    assert_eq!(heartbeats(&few, APPLICATION), [10_000, 26_000, 36_000]);
}

/// How often an application whose readiness comes and goes says something else, in two minutes.
fn changes_told(hysteresis: Hysteresis, flaps: Flaps) -> (usize, usize) {
    let work = MemberWork { flaps: Some(flaps), ..MemberWork::default() };
    let mut few = deployment(MemberPolicy { work, hysteresis, ..policy() });
    few.run_to(120_000);
    let said = |letter: &Letter| match letter.message {
        RegistryMessage::Heartbeat { health, .. } => Some(health),
        _ => None,
    };
    let said: Vec<Health> = few.letters(APPLICATION, |_| true).filter_map(said).collect();
    let turns =
        few.times(APPLICATION, |e| matches!(e, NodeEvent::Registry(RegistryEvent::ReadinessChanged { .. })));
    (turns.len(), said.windows(2).filter(|pair| pair[0] != pair[1]).count())
}

#[test]
fn a_readiness_that_flaps_is_told_only_without_hysteresis() {
    let (safe, none) = (Hysteresis::default(), Hysteresis { fall: 1, rise: 1 });
    let short = Flaps { ready: Span::from_secs(4), unready: Span::from_secs(2) };
    let long = Flaps { ready: Span::from_secs(5), unready: Span::from_secs(5) };
    assert_eq!(changes_told(safe, short), (40, 0));
    assert_eq!(changes_told(none, short), (40, 38));
    // What lasts is told all the same.
    assert_eq!(changes_told(safe, long).1, 22);
}

#[test]
fn who_cannot_do_its_work_lets_its_callers_wait() {
    let answers = |command: Option<RegistryCommand>, instance| {
        let mut few = deployment(policy());
        few.run_to(1_000);
        command.into_iter().for_each(|command| few.command(APPLICATION, command));
        few.send(CLIENT, APPLICATION, RegistryMessage::Call { number: 5, instance });
        few.run_to(2_000);
        few.letters(APPLICATION, is(Purpose::Call, Leg::Reply)).count()
    };
    assert_eq!(answers(None, INSTANCE), 1);
    assert_eq!(answers(None, leasehold_core::id::InstanceId(8)), 0);
    assert_eq!(answers(Some(RegistryCommand::TurnUnready), INSTANCE), 0);
    assert_eq!(answers(Some(RegistryCommand::StopWork), INSTANCE), 0);
}

/// When a probe for readiness that comes at `probed` is answered, if the work stopped at 12.4 s.
fn answered(thread: HeartbeatThread, probed: i64) -> Vec<i64> {
    answered_as(ProbeKind::Readiness, thread, probed)
}

fn answered_as(kind: ProbeKind, thread: HeartbeatThread, probed: i64) -> Vec<i64> {
    let mut few = deployment(on_thread(thread));
    let stops = 12_400.min(probed);
    few.run_to(stops);
    if probed > stops {
        few.command(APPLICATION, RegistryCommand::StopWork);
    }
    few.run_to(probed);
    few.send(OBSERVER, APPLICATION, RegistryMessage::Probe { number: 0, kind });
    few.run_to(50_000);
    few.sends(APPLICATION, is(Purpose::Probe, Leg::Reply))
}

#[test]
fn probes_are_answered_by_the_thread_of_the_heartbeats() {
    assert_eq!(answered(HeartbeatThread::Supervised, 3_300), [3_302]);
    assert_eq!(answered(HeartbeatThread::Supervised, 21_900), [21_902]);
    assert_eq!(answered(HeartbeatThread::Supervised, 22_100), [0; 0]);
    assert_eq!(answered(HeartbeatThread::Apart, 22_100), [22_102]);
    assert_eq!(answered(HeartbeatThread::OfTheWork, 3_300), [4_000]);
    assert_eq!(answered(HeartbeatThread::OfTheWork, 13_000), [0; 0]);
}

#[test]
fn a_process_lives_whatever_becomes_of_its_work() {
    assert_eq!(answered_as(ProbeKind::Liveness, HeartbeatThread::Supervised, 22_100), [22_102]);
    assert_eq!(
        answered_as(ProbeKind::Liveness, HeartbeatThread::OfTheWork, 13_000),
        [0; 0],
        "it has one thread"
    );
}

#[test]
fn an_answer_tells_what_is_so_and_not_what_was_seen_often_enough() {
    let mut few = deployment(policy());
    few.run_to(500);
    few.command(APPLICATION, RegistryCommand::TurnUnready);
    few.send(OBSERVER, APPLICATION, RegistryMessage::Probe { number: 0, kind: ProbeKind::Readiness });
    few.run_to(600);
    let answer = few.letters(APPLICATION, is(Purpose::Probe, Leg::Reply)).next().unwrap();
    let (number, incarnation, health) = (0, Incarnation(0), Health::NotReady);
    assert_eq!(answer.message, RegistryMessage::ProbeAnswer { number, incarnation, health });
}

/// A fleet over a day has to be cheap: nothing but heartbeats wakes a healthy application.
#[test]
fn a_healthy_application_does_nothing_between_its_heartbeats() {
    let mut few = deployment(policy());
    few.run_to(600_500);
    assert_eq!(few.woken(APPLICATION), 60 + 61 + 1, "heartbeats, answers, and its start");
}

/// Its work stands still from 15 s to 23 s. The answer to the heartbeat of 20 s is in the channel: one more leaves at each
/// look, until the work takes it out.
#[test]
fn the_next_heartbeat_is_due_at_once_until_the_answer_to_the_last_is_taken() {
    let beats = |next_heartbeat| {
        let looks_every = Some(Span::from_millis(500));
        let mut few = deployment(MemberPolicy { next_heartbeat, looks_every, ..policy() });
        few.run_to(15_000);
        few.command(APPLICATION, RegistryCommand::StopWork);
        few.run_to(23_100);
        few.command(APPLICATION, RegistryCommand::GoOnWorking);
        few.run_to(44_000);
        heartbeats(&few, APPLICATION)
    };
    assert_eq!(beats(NextHeartbeat::WhenSent), [10_000, 20_000, 30_000, 40_000]);
    let each_look = [20_000, 20_500, 21_000, 21_500, 22_000, 22_500, 23_000];
    assert_eq!(beats(NextHeartbeat::WhenDrained), [&[10_000][..], &each_look, &[33_000, 43_000]].concat());
}
