use super::*;
use crate::registry::pair::{Boxed, Ctx, Puppet};
use leasehold_core::event::Probe;
use leasehold_core::node::{Input, Leg, Purpose};

/// An application that answers probes, as if from a process of this number.
fn answering(process: u32, health: Health) -> Boxed {
    Box::new(Puppet(move |ctx: &mut Ctx<'_>, input| {
        if let Input::Received { from, message: RegistryMessage::Probe { number, .. } } = input {
            let incarnation = Incarnation(process);
            ctx.send(from, RegistryMessage::ProbeAnswer { number, incarnation, health });
        }
    }))
}

/// Probes every 2 s, timeout 1 s, fall 3, rise 2; TTL 30 s.
fn probed(liveness: Liveness, unhealthy: Unhealthy) -> RegistryPolicy {
    RegistryPolicy { liveness, unhealthy, ..policy() }
}

fn registered_with(policy: RegistryPolicy, application: impl Fn() -> Boxed + 'static) -> Few {
    let mut few = registered(policy);
    few.add(app(0), application);
    few
}

/// From then on no answer arrives.
fn silence(few: &mut Few) {
    few.all_that_are(Purpose::Probe, Leg::Reply, Way::Lost);
}

#[test]
fn an_answer_renews_a_lease_only_if_the_registry_pulls() {
    for (liveness, ends) in
        [(Liveness::Push, &[30_002][..]), (Liveness::Hybrid, &[30_002]), (Liveness::Pull, &[])]
    {
        let mut few = registered_with(probed(liveness, Unhealthy::Marked), || answering(0, Health::Ready));
        few.run_to(100_000);
        assert_eq!(expired_at(&few), ends, "{liveness:?}");
        let probes = few.sends(REGISTRY, |message| matches!(message, RegistryMessage::Probe { .. }));
        assert_eq!(probes.is_empty(), liveness == Liveness::Push, "{liveness:?}");
    }
}

#[test]
fn who_does_not_answer_is_suspect_after_three_probes_and_expires_and_is_told() {
    let mut few = registered_with(probed(Liveness::Pull, Unhealthy::Revoked), || answering(0, Health::Ready));
    few.run_to(10_001);
    silence(&mut few);
    few.run_to(60_000);
    // Probes leave at 2 s, 4 s, and so on. The last that is answered is that of 10 s.
    assert_eq!(renewals(&few).last(), Some(&(10_000, 1)));
    assert_eq!(statuses(&few, 0), [(1, Status::Passing), (17_001, Status::Suspect)]);
    assert_eq!(expired_at(&few), [40_001]);
    assert_eq!(answers(&few).last(), Some(&(40_001, "revoked")));
}

#[test]
fn two_good_answers_make_it_pass_again() {
    let mut few = registered_with(probed(Liveness::Pull, Unhealthy::Marked), || answering(0, Health::Ready));
    few.run_to(1_000);
    silence(&mut few);
    few.run_to(11_000);
    few.heal();
    few.run_to(20_000);
    assert_eq!(
        statuses(&few, 0),
        [(1, Status::Passing), (7_001, Status::Suspect), (14_001, Status::Passing)]
    );
}

#[test]
fn who_is_found_unable_is_marked_or_revoked_whoever_keeps_its_lease() {
    for liveness in [Liveness::Pull, Liveness::Hybrid] {
        let find = |unhealthy| {
            let mut few = registered_with(probed(liveness, unhealthy), || answering(0, Health::NotReady));
            few.run_to(20_000);
            few
        };
        let few = find(Unhealthy::Marked);
        let marked = [(1, Status::Passing), (6_001, Status::Critical)];
        assert_eq!((statuses(&few, 0), few.ends()), (marked.into(), [].into()), "{liveness:?}");
        let few = find(Unhealthy::Revoked);
        assert_eq!(few.ends(), [(6_001, UNHEALTHY)], "{liveness:?}");
        let after = few.sends(REGISTRY, |message| matches!(message, RegistryMessage::Probe { .. }));
        assert_eq!(after, [2_000, 4_000, 6_000], "nobody is probed who is not registered");
    }
}

#[test]
fn one_bad_answer_or_two_do_no_harm_unless_the_policy_says_so() {
    for (fall, expected) in [(3, 1), (1, 3)] {
        let mut policy = probed(Liveness::Hybrid, Unhealthy::Marked);
        policy.probe.fall = fall;
        let mut few = registered_with(policy, || answering(0, Health::Ready));
        few.run_to(1_000);
        silence(&mut few);
        few.run_to(5_500);
        few.heal();
        few.run_to(20_000);
        assert_eq!(statuses(&few, 0).len(), expected, "fall {fall}");
    }
}

#[test]
fn an_answer_of_another_process_or_one_that_is_late_does_not_count() {
    let mut few = registered_with(probed(Liveness::Pull, Unhealthy::Marked), || answering(4, Health::Ready));
    few.run_to(60_000);
    assert_eq!((renewals(&few), expired_at(&few)), ([].into(), [30_002].into()));

    let mut few = registered_with(probed(Liveness::Pull, Unhealthy::Marked), || answering(0, Health::Ready));
    few.all_that_are(Purpose::Probe, Leg::Reply, Way::ArrivesAfter(1_001));
    few.run_to(60_000);
    assert_eq!((renewals(&few), expired_at(&few)), ([].into(), [30_002].into()));
}

#[test]
fn members_are_spread_over_the_interval() {
    let mut few = all_registered(4, probed(Liveness::Pull, Unhealthy::Marked));
    few.run_to(3_900);
    let probes = few.letters(REGISTRY, |message| matches!(message, RegistryMessage::Probe { .. }));
    let probes: Vec<_> = probes.map(|letter| (letter.at, letter.to)).collect();
    let expected = [(500, 1), (1_000, 2), (1_500, 3), (2_000, 0), (2_500, 1), (3_000, 2), (3_500, 3)];
    assert_eq!(probes, expected.map(|(at, member)| (at, app(member))));
}

#[test]
fn a_member_that_comes_back_is_probed_as_its_new_process() {
    let mut few = registered_with(probed(Liveness::Pull, Unhealthy::Marked), || answering(1, Health::Ready));
    few.run_to(9_000);
    register(&mut few, 0, 1, 1);
    few.run_to(60_000);
    assert_eq!(renewals(&few).first(), Some(&(10_000, 2)));
    assert_eq!(expired_at(&few), []);
    assert_eq!(few.times(REGISTRY, |event| *event == NodeEvent::Probed(Probe::KeptByGrace)), []);
}
