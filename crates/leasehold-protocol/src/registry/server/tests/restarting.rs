use super::*;
use crate::policy::Restart;

/// Registered at 1 ms, heard of at 10 s, down from 20 s to 22 s.
fn restarted(policy: RegistryPolicy) -> Few {
    let mut few = registered(policy);
    few.run_to(10_000);
    beat(&mut few, 1, 0);
    few.run_to(20_000);
    few.kill(REGISTRY);
    few.run_to(22_000);
    few.revive(REGISTRY);
    few
}

#[test]
fn a_lease_that_lives_gets_a_full_term_what_is_left_of_it_or_more() {
    for (restart, end) in [
        (Restart::FullTerm, 52_001),
        (Restart::Remaining, 40_001),
        (Restart::Extra(Span::from_secs(5)), 57_001),
    ] {
        let mut few = restarted(RegistryPolicy { restart, ..policy() });
        few.run_to(90_000);
        assert_eq!(expired_at(&few), [end], "{restart:?}");
    }
}

/// A disk that keeps nothing: what is registered after a restart comes after all that was before.
#[test]
fn revisions_grow_over_a_disk_that_was_lost() {
    let revisions = |few: &Few| -> Vec<u64> {
        let events = few.registry_events(REGISTRY).into_iter();
        let told = |event| match event {
            RegistryEvent::Registered { revision, .. } | RegistryEvent::RevisionRecovered { revision } => {
                Some(revision.0)
            }
            _ => None,
        };
        events.filter_map(|(_, event)| told(event)).collect()
    };
    let mut few = with(2, policy());
    few.run_to(1_000);
    few.kill(REGISTRY);
    few.revive(REGISTRY);
    register(&mut few, 0, 0, 1);
    few.run_to(2_000);
    few.kill(REGISTRY);
    few.revive(REGISTRY);
    register(&mut few, 1, 0, 1);
    few.run_to(3_000);
    let first = 1 << 32;
    // A member has two instances, and the second restart finds a list.
    let grown = [first, first + 1, first + 1, first + 1, first + 2, first + 2];
    assert_eq!(revisions(&few), grown);
}

#[test]
fn a_heartbeat_soon_after_a_restart_does_not_take_back_what_that_gave_in_addition() {
    let restart = Restart::Extra(Span::from_secs(50));
    let mut few = restarted(RegistryPolicy { restart, suspect_after: 20, ..policy() });
    few.run_to(23_000);
    beat(&mut few, 1, 1);
    few.run_to(120_000);
    assert_eq!(expired_at(&few), [102_001]);
}

#[test]
fn a_term_that_was_over_while_the_registry_was_down_ends_when_it_is_back() {
    let mut few = registered(RegistryPolicy { restart: Restart::Remaining, ..policy() });
    few.run_to(20_000);
    few.kill(REGISTRY);
    few.run_to(50_000);
    few.revive(REGISTRY);
    few.run_to(60_000);
    assert_eq!(expired_at(&few), [50_001]);
}

#[test]
fn what_it_finds_on_its_disk_it_tells_in_the_order_of_leases() {
    let mut few = with(3, policy());
    for member in [2, 0, 1] {
        register(&mut few, member, 0, 1);
        few.run_for(5);
    }
    deregister(&mut few, 0, app(0), 2, 1);
    few.run_for(5);
    few.kill(REGISTRY);
    few.events.clear();
    few.revive(REGISTRY);
    let told: Vec<_> = few
        .events
        .iter()
        .map(|(_, _, event)| match event {
            NodeEvent::Recovered { lease, ended: None, .. } => ("lives", lease.0),
            NodeEvent::Recovered { lease, ended: Some(_), .. } => ("ended", lease.0),
            NodeEvent::Registry(RegistryEvent::RegistrationRecovered { instance, .. }) => {
                ("instance", u64::from(instance.0))
            }
            NodeEvent::Registry(RegistryEvent::RevisionRecovered { revision }) => ("revision", revision.0),
            NodeEvent::TableHolds { live } => ("leases", u64::from(*live)),
            NodeEvent::Registry(RegistryEvent::TableLists { registrations, .. }) => {
                ("instances", u64::from(*registrations))
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            ("lives", 1),
            ("instance", 20),
            ("instance", 21),
            ("ended", 2),
            ("lives", 3),
            ("instance", 10),
            ("instance", 11),
            ("revision", 4),
            ("leases", 2),
            ("instances", 4)
        ]
    );
}

#[test]
fn ids_and_epochs_go_on_where_they_were_or_begin_anew() {
    for (ids, second) in [(LeaseIds::Durable, (22_002, 2, 2)), (LeaseIds::Volatile, (22_002, 1, 1))] {
        let mut few = restarted(RegistryPolicy { ids, ..policy() });
        register(&mut few, 0, 1, 1);
        few.run_to(23_000);
        assert_eq!(grants(&few)[1], second, "{ids:?}");
        // A heartbeat from before the restart, which was held.
        beat(&mut few, 1, 1);
        few.run_to(24_000);
        let is_counted = renewals(&few).last().is_some_and(|(at, _)| *at == 23_000);
        assert_eq!(is_counted, ids == LeaseIds::Volatile, "{ids:?}");
    }
}

#[test]
fn a_retry_after_a_restart_gets_the_lease_that_it_asked_for_before() {
    let mut few = restarted(policy());
    register(&mut few, 0, 0, 1);
    few.run_to(23_000);
    assert_eq!((grants(&few).len(), answers(&few).last()), (1, Some(&(22_000, "registered"))));
}

#[test]
fn what_was_not_durable_was_never_told_and_is_void() {
    let mut few = with(1, policy());
    few.disk = 100;
    register(&mut few, 0, 0, 1);
    few.run_to(50);
    few.kill(REGISTRY);
    few.revive(REGISTRY);
    few.run_to(300);
    assert_eq!((grants(&few), answers(&few), counts(&few)), ([].into(), [].into(), [(1 << 32, 0)].into()));
}

#[test]
fn a_suspect_stays_suspect_over_a_restart_until_it_is_heard_of() {
    let mut few = registered(policy());
    few.run_to(25_000);
    few.kill(REGISTRY);
    few.revive(REGISTRY);
    few.run_to(26_000);
    beat(&mut few, 1, 0);
    few.run_to(27_000);
    let told = [(1, Status::Passing), (20_002, Status::Suspect), (26_001, Status::Passing)];
    assert_eq!(statuses(&few, 0), told);
}

#[test]
fn revisions_go_on_after_a_restart() {
    let mut few = restarted(policy());
    deregister(&mut few, 0, app(0), 1, 1);
    few.run_to(23_000);
    assert_eq!(counts(&few), [(1, 2), (1, 2), (2, 0)]);
}

/// The probes found it unable; its heartbeat after the restart says that it is ready, as all did before.
#[test]
fn a_heartbeat_after_a_restart_does_not_undo_what_probes_had_found() {
    let mut few = registered(RegistryPolicy { liveness: Liveness::Hybrid, ..policy() });
    few.run_to(10_000);
    beat(&mut few, 1, 0);
    few.run_to(20_000);
    few.kill(REGISTRY);
    few.run_to(20_500);
    few.revive(REGISTRY);
    few.run_to(21_000);
    beat(&mut few, 1, 1);
    few.run_to(26_000);
    assert_eq!(statuses(&few, 0), [(1, Status::Passing), (7_001, Status::Critical)]);
}

/// The first lease is replaced at 10 s and ends at 30 s, the second one lives. Each restart finds what there is.
#[test]
fn the_end_of_a_lease_that_was_put_aside_leaves_the_next_one_on_the_disk() {
    let find = |down: i64| {
        let mut few = registered(RegistryPolicy { again: RegisteredAgain::SecondEntry, ..policy() });
        few.run_to(10_000);
        register(&mut few, 0, 1, 1);
        few.run_to(20_000);
        beat_as(&mut few, 0, (2, Some(2)), 0, Health::Ready);
        few.run_to(down);
        few.kill(REGISTRY);
        few.events.clear();
        few.revive(REGISTRY);
        few.run_for(10);
        let recovered = |(_, _, event): &(i64, NodeId, NodeEvent)| match event {
            NodeEvent::Recovered { lease, ended, .. } => Some((lease.0, *ended)),
            _ => None,
        };
        let leases: Vec<_> = few.events.iter().filter_map(recovered).collect();
        (leases, counts(&few).last().map(|(_, listed)| *listed))
    };
    assert_eq!(find(25_000), ([(1, None), (2, None)].into(), Some(4)));
    assert_eq!(find(35_000), ([(1, Some(EndCause::Expired)), (2, None)].into(), Some(2)));
}
