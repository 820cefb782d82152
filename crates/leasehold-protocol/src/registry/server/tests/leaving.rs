use super::*;
use crate::policy::{KeysEnd, ReleaseCheck};

/// An old deregistration arrives when a new process is registered; then one without any right.
#[test]
fn a_deregistration_ends_what_it_names_or_whoever_has_the_name() {
    for (deregister_check, ended) in
        [(ReleaseCheck::LeaseAndToken, 0), (ReleaseCheck::HolderName, 1), (ReleaseCheck::Nothing, 2)]
    {
        let policy = RegistryPolicy { deregister_check, ..policy() };
        let after = |from| {
            let mut few = registered(policy.clone());
            few.run_to(5_000);
            register(&mut few, 0, 1, 1);
            few.run_to(6_000);
            deregister(&mut few, 0, from, 1, 1);
            few.run_to(7_000);
            assert_eq!(answers(&few).last().unwrap().1, "deregistered", "it is as good as done");
            few.ends().len() - 1
        };
        assert_eq!(after(app(0)) + after(app(9)), ended, "{deregister_check:?}");
    }
}

#[test]
fn a_deregistration_takes_a_member_off_the_list_and_is_answered_when_that_is_durable() {
    let mut few = registered(policy());
    few.disk = 40;
    few.run_to(1_000);
    deregister(&mut few, 0, app(0), 1, 1);
    few.run_to(1_010);
    deregister(&mut few, 0, app(0), 1, 1);
    few.run_to(60_000);
    assert_eq!(few.ends(), [(1_040, EndCause::Released { by: app(0) })]);
    assert_eq!(answers(&few)[1..], [(1_040, "deregistered"), (1_040, "deregistered")]);
    let taken = |event: &NodeEvent| matches!(event, NodeEvent::ReleaseTaken { named_lease: LeaseId(1), .. });
    assert_eq!(few.times(REGISTRY, taken), [1_000]);
}

#[test]
fn what_hangs_on_a_lease_vanishes_together_or_one_after_the_other() {
    for (ends, revisions, listed) in [
        (KeysEnd::Together, [2, 2, 2], &[(1, 2), (2, 0)][..]),
        (KeysEnd::OneByOne, [2, 3, 4], &[(1, 2), (2, 1), (3, 0)]),
    ] {
        let mut few = registered(RegistryPolicy { ends, ..policy() });
        deregister(&mut few, 0, app(0), 1, 1);
        few.run_to(100);
        let gone = |(_, _, event): &(i64, NodeId, NodeEvent)| match event {
            NodeEvent::Registry(RegistryEvent::Deregistered { revision, .. }) => Some(revision.0),
            NodeEvent::KeyEnded { revision, .. } => Some(*revision),
            _ => None,
        };
        let gone: Vec<u64> = few.events.iter().filter_map(gone).collect();
        assert_eq!((gone.as_slice(), counts(&few).as_slice()), (&revisions[..], listed), "{ends:?}");
    }
}

#[test]
fn instances_are_gone_when_the_end_of_their_lease_is_told() {
    let mut few = registered(policy());
    few.run_to(40_000);
    let place = |wanted: fn(&NodeEvent) -> bool| few.events.iter().position(|(_, _, event)| wanted(event));
    let gone = place(|event| matches!(event, NodeEvent::Registry(RegistryEvent::Deregistered { .. })));
    let ended = place(|event| matches!(event, NodeEvent::Ended { .. }));
    assert!(gone.is_some() && gone < ended);
}

/// Two members, of which the second was heard of last.
#[test]
fn an_administrator_revokes_and_tells_or_expires_by_force_and_does_not() {
    for (command, told) in [(RegistryCommand::Revoke, true), (RegistryCommand::Expire, false)] {
        let mut few = all_registered(2, policy());
        few.run_to(5_000);
        beat_as(&mut few, 1, (2, Some(1)), 0, Health::Ready);
        few.run_to(6_000);
        few.command(REGISTRY, command);
        few.run_to(7_000);
        let ended = few.events.iter().find_map(|(at, _, event)| match event {
            NodeEvent::Ended { lease, cause, .. } => Some((*at, lease.0, *cause)),
            _ => None,
        });
        assert_eq!(ended, Some((6_001, 2, ADMINISTRATOR)));
        let letters =
            few.letters(REGISTRY, |message| *message == RegistryMessage::Revoked { lease: LeaseId(2) });
        let letters: Vec<_> = letters.map(|letter| (letter.at, letter.to)).collect();
        assert_eq!(letters, if told { [(6_001, app(1))].into() } else { Vec::new() }, "{command:?}");
    }
}

#[test]
fn a_registry_with_nobody_in_it_has_nothing_to_revoke() {
    let mut few = with(1, policy());
    few.command(REGISTRY, RegistryCommand::Revoke);
    few.run_to(100);
    assert_eq!(few.events, []);
}
