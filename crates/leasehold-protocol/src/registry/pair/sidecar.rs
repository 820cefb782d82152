//! How a sidecar speaks for an application.

use leasehold_core::time::Span;

use super::members::*;
use super::*;
use crate::policy::Backoff;
use crate::registry::policy::{Leaves, MemberPolicy, Sender};

fn beside(sender: Sender) -> MemberPolicy {
    MemberPolicy { sender, retry: Backoff { jitter_ppm: 0, ..Backoff::default() }, ..policy() }
}

fn progress(few: &Few) -> Vec<i64> {
    few.sends(APPLICATION, |message| matches!(message, RegistryMessage::Progress { .. }))
}

#[test]
fn it_registers_when_it_hears_of_the_application_and_a_deaf_one_at_once() {
    let starts = |sender| {
        let mut few = Few::new();
        few.on_network(
            |now, from, _, _| if from == APPLICATION && now < 5_000 { Way::Lost } else { Way::Arrives },
        );
        let mut few = deployment_in(few, beside(sender));
        few.run_to(16_500);
        assert_eq!(registrations(&few, APPLICATION), [0; 0]);
        (registrations(&few, SIDECAR), heartbeats(&few, SIDECAR))
    };
    assert_eq!(starts(Sender::Sidecar), (vec![6_002], vec![16_002]));
    assert_eq!(starts(Sender::DeafSidecar), (vec![0], vec![10_000]));
}

#[test]
fn progress_is_told_four_times_in_the_time_that_matters() {
    let mut few = deployment(beside(Sender::Sidecar));
    few.run_to(9_000);
    assert_eq!(progress(&few), [0, 2_000, 4_000, 6_000, 8_000]);
    assert_eq!(grants(&few), [(5, SIDECAR)]);
}

#[test]
fn it_takes_the_application_off_when_there_is_no_progress_unless_it_is_deaf() {
    let off = |sender, dies: fn(&mut Few)| {
        let mut few = deployment(beside(sender));
        few.run_to(12_500);
        dies(&mut few);
        few.run_to(45_000);
        (
            deregistrations(&few, SIDECAR),
            heartbeats(&few, SIDECAR).into_iter().filter(|at| *at > 22_100).count(),
        )
    };
    let dead: fn(&mut Few) = |few| few.kill(APPLICATION);
    let paused: fn(&mut Few) = |few| few.pause(APPLICATION);
    let stopped: fn(&mut Few) = |few| few.command(APPLICATION, RegistryCommand::StopWork);
    for dies in [dead, paused, stopped] {
        // Heard last at 12.002 s, and Z after that.
        assert_eq!(off(Sender::Sidecar, dies), (vec![22_002], 0));
        assert_eq!(off(Sender::DeafSidecar, dies), (vec![], 2));
    }
}

#[test]
fn it_registers_again_when_there_is_progress_again() {
    let mut few = deployment(beside(Sender::Sidecar));
    few.run_to(12_500);
    few.command(APPLICATION, RegistryCommand::StopWork);
    few.run_to(30_000);
    few.command(APPLICATION, RegistryCommand::GoOnWorking);
    few.run_to(45_000);
    // With the first task that is done.
    assert_eq!(registrations(&few, SIDECAR), [2, 32_002]);
    assert_eq!(deregistrations(&few, SIDECAR), [22_002]);
}

#[test]
fn another_process_of_the_application_is_another_registration_unless_it_is_deaf() {
    let grants = |sender| {
        let mut few = deployment(beside(sender));
        few.run_to(12_500);
        few.kill(APPLICATION);
        few.run_to(15_000);
        few.revive(APPLICATION);
        few.run_to(40_000);
        assert_eq!(deregistrations(&few, SIDECAR), [0; 0]);
        registrations(&few, SIDECAR)
    };
    assert_eq!(grants(Sender::Sidecar), [2, 15_002]);
    assert_eq!(grants(Sender::DeafSidecar), [0]);
}

#[test]
fn a_sidecar_that_was_restarted_registers_anew() {
    let mut few = deployment(beside(Sender::Sidecar));
    few.run_to(5_000);
    few.kill(SIDECAR);
    few.run_to(8_500);
    few.revive(SIDECAR);
    few.run_to(15_000);
    assert_eq!(registrations(&few, SIDECAR), [2, 10_002]);
}

#[test]
fn a_sidecar_that_slept_does_not_take_its_own_silence_for_the_applications() {
    let mut few = deployment(beside(Sender::Sidecar));
    few.run_to(3_000);
    few.pause(SIDECAR);
    few.run_to(25_500);
    // Its timers come before what waits for it is read.
    few.all_that_are(Purpose::Other, Leg::Request, Way::ArrivesAfter(100));
    few.forget_what_waits(SIDECAR);
    few.resume(SIDECAR);
    few.run_to(60_000);
    assert_eq!((registrations(&few, SIDECAR), deregistrations(&few, SIDECAR)), (vec![2], vec![]));
}

/// The benefit of the doubt is given once.
#[test]
fn a_sidecar_that_slept_while_its_application_died_finds_out_soon() {
    let mut few = deployment(beside(Sender::Sidecar));
    few.run_to(3_000);
    few.pause(SIDECAR);
    few.kill(APPLICATION);
    few.run_to(25_500);
    few.resume(SIDECAR);
    few.run_to(60_000);
    assert_eq!(deregistrations(&few, SIDECAR), [28_000]);
}

#[test]
fn what_the_application_says_of_itself_goes_on_to_the_registry() {
    let mut few = deployment(beside(Sender::Sidecar));
    few.run_to(12_500);
    few.command(APPLICATION, RegistryCommand::TurnUnready);
    few.run_to(20_000);
    let said = |letter: &Letter| match letter.message {
        RegistryMessage::Heartbeat { health, .. } => Some((letter.at, health)),
        _ => None,
    };
    let said: Vec<_> = few.letters(SIDECAR, |_| true).filter_map(said).collect();
    use leasehold_core::event::Health;
    assert_eq!(said, [(10_002, Health::Ready), (15_002, Health::NotReady)]);
}

#[test]
fn an_application_leaves_through_its_sidecar_and_asks_until_it_is_answered() {
    let leaves = |leaves, lost: Option<(Purpose, Leg)>| {
        let mut few =
            deployment(MemberPolicy { leaves, drain: Span::from_secs(5), ..beside(Sender::Sidecar) });
        few.run_to(12_500);
        if let Some((purpose, leg)) = lost {
            few.on_network(move |now, _, _, message| {
                if message.class() == (purpose, leg) && now < 13_000 { Way::Lost } else { Way::Arrives }
            });
        }
        few.command(APPLICATION, RegistryCommand::Deregister);
        few.run_to(60_000);
        let asked = few.sends(APPLICATION, is(Purpose::Release, Leg::Request));
        let last = progress(&few).into_iter().max();
        assert_eq!(registrations(&few, SIDECAR), [2]);
        (asked, deregistrations(&few, SIDECAR), last)
    };
    let safe = Leaves::DeregistersThenStops;
    assert_eq!(leaves(safe, None), (vec![12_500], vec![12_502], Some(12_000)));
    assert_eq!(leaves(Leaves::StopsThenDeregisters, None), (vec![12_500], vec![12_502], Some(12_000)));
    // It says nothing: the sidecar finds out.
    assert_eq!(leaves(Leaves::JustStops, None), (vec![], vec![22_002], Some(12_000)));
    let requests = Some((Purpose::Release, Leg::Request));
    assert_eq!(leaves(safe, requests), (vec![12_500, 12_700, 13_100], vec![13_102], Some(12_000)));
    let replies = Some((Purpose::Release, Leg::Reply));
    assert_eq!(leaves(safe, replies).1, [12_502]);
}

#[test]
fn a_new_process_stays_although_the_one_before_wanted_to_go() {
    let mut few = deployment(beside(Sender::Sidecar));
    few.run_to(12_500);
    few.all_that_are(Purpose::Release, Leg::Request, Way::Held);
    few.command(APPLICATION, RegistryCommand::Deregister);
    few.run_to(12_600);
    few.kill(APPLICATION);
    few.revive(APPLICATION);
    few.heal();
    few.run_to(13_000);
    few.let_go();
    few.run_to(40_000);
    assert_eq!(registrations(&few, SIDECAR), [2, 12_602]);
    assert_eq!(deregistrations(&few, SIDECAR), [0; 0]);
}
