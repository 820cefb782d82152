//! What observers find out, and when they tell.

use leasehold_core::event::Health;

use super::members::*;
use super::*;
use crate::registry::ProbeKind;
use crate::registry::policy::{Liveness, RegistryPolicy};

fn told(few: &Few) -> Vec<(i64, Option<Health>)> {
    let found = |letter: &Letter| match letter.message {
        RegistryMessage::Observed { health, .. } => Some((letter.at, health)),
        _ => None,
    };
    few.letters(OBSERVER, |_| true).filter_map(found).collect()
}

fn observed() -> Few {
    let mut few = deployment(policy());
    few.add(OBSERVER, observer);
    few
}

const READY: Option<Health> = Some(Health::Ready);

#[test]
fn an_observer_of_who_is_well_says_so_three_times_and_then_nothing() {
    let mut few = observed();
    few.run_to(60_000);
    assert_eq!(told(&few), [(2_004, READY), (4_004, READY), (6_004, READY)]);
    assert_eq!(few.sends(OBSERVER, is(Purpose::Probe, Leg::Request)).len(), 31);
}

/// HAProxy's numbers: every 2 s, timeout 1 s, fall 3, rise 2.
#[test]
fn it_takes_so_many_to_fall_and_so_many_to_rise() {
    let mut few = observed();
    few.run_to(9_000);
    few.pause(APPLICATION);
    few.run_to(19_500);
    few.resume(APPLICATION);
    few.run_to(60_000);
    // Asked at 10, 12 and 14 s, each a second late; asked at 20 and 22 s.
    let bad = [(15_000, None), (17_000, None), (19_000, None), (20_004, None)];
    let good = [(22_004, READY), (24_004, READY), (26_004, READY)];
    assert_eq!(told(&few)[3..], [&bad[..], &good[..]].concat());
}

#[test]
fn one_lost_probe_is_no_sighting() {
    let mut few = observed();
    few.on_network(|now, _, _, message| match message.class() {
        (Purpose::Probe, Leg::Request) if (9_000..13_000).contains(&now) => Way::Lost,
        _ => Way::Arrives,
    });
    few.run_to(60_000);
    assert_eq!(told(&few).len(), 3, "{:?}", told(&few));
}

#[test]
fn who_is_not_ready_is_told_of_as_that() {
    let mut few = observed();
    few.run_to(9_000);
    few.command(APPLICATION, RegistryCommand::TurnUnready);
    few.run_to(15_000);
    assert_eq!(told(&few)[3..], [(14_004, Some(Health::NotReady))]);
}

#[test]
fn an_observer_asks_whether_the_process_runs_and_the_registry_whether_it_can_work() {
    let mut few =
        deployment_under(RegistryPolicy { liveness: Liveness::Pull, ..RegistryPolicy::default() }, policy());
    few.add(OBSERVER, observer);
    few.run_to(9_000);
    for (asker, kind) in [(OBSERVER, ProbeKind::Liveness), (REGISTRY, ProbeKind::Readiness)] {
        let mut asked = few.letters(asker, is(Purpose::Probe, Leg::Request)).peekable();
        assert!(asked.peek().is_some());
        assert!(asked.all(
            |letter| matches!(letter.message, RegistryMessage::Probe { kind: asked, .. } if asked == kind)
        ));
    }
}

/// Half of a second after a restart the rounds begin anew, and their numbers do not.
#[test]
fn rounds_are_numbered_on_over_restarts() {
    let mut few = observed();
    few.run_to(9_000);
    few.kill(OBSERVER);
    few.run_to(9_500);
    few.revive(OBSERVER);
    few.run_to(20_000);
    let rounds: Vec<u64> = few
        .letters(OBSERVER, |_| true)
        .filter_map(|letter| match letter.message {
            RegistryMessage::Observed { round, .. } => Some(round),
            _ => None,
        })
        .collect();
    assert!(rounds.len() == 6 && rounds.is_sorted_by(|one, next| one < next), "{rounds:?}");
}

#[test]
fn an_observer_that_slept_blames_nobody_and_does_not_catch_up() {
    let mut few = observed();
    few.run_to(10_001);
    few.pause(OBSERVER);
    few.run_to(40_100);
    few.forget_what_waits(OBSERVER);
    few.resume(OBSERVER);
    few.run_to(60_000);
    assert_eq!(told(&few).len(), 3, "{:?}", told(&few));
    let probes = few.sends(OBSERVER, is(Purpose::Probe, Leg::Request));
    assert_eq!(probes.iter().filter(|at| (10_001..50_000).contains(*at)).count(), 5, "{probes:?}");
}
