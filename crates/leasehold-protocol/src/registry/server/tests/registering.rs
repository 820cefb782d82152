use super::*;
use crate::registry::grace::{Damping, GracePolicy, RateScaled};

#[test]
fn nobody_hears_of_a_registration_before_it_is_durable() {
    let mut few = with(1, policy());
    few.disk = 7;
    register(&mut few, 0, 0, 1);
    few.run_to(6);
    assert!(
        few.registry_events(REGISTRY)
            .iter()
            .all(|(_, event)| { matches!(event, RegistryEvent::RegistrationArrived { .. }) })
    );
    assert_eq!(answers(&few), []);
    few.run_to(7);
    assert_eq!((grants(&few), answers(&few)), ([(7, 1, 1)].into(), [(7, "registered")].into()));
    assert_eq!(
        (statuses(&few, 0), statuses(&few, 1)),
        ([(7, Status::Passing)].into(), [(7, Status::Passing)].into())
    );
    assert_eq!(counts(&few), [(1, 2)]);
    few.run_to(40_000);
    assert_eq!(expired_at(&few), [30_014], "its term begins when it is durable, and so does its end");
}

#[test]
fn a_retry_gets_the_same_answer_or_a_second_entry() {
    let again = |again| {
        let mut few = registered(RegistryPolicy { again, ..policy() });
        few.run_to(10);
        register(&mut few, 0, 0, 1);
        few.run_to(20);
        beats_until(&mut few, 1, 60_000);
        few
    };
    let few = again(RegisteredAgain::Replaces);
    assert_eq!((grants(&few), counts(&few)), ([(1, 1, 1)].into(), [(1, 2)].into()));
    assert_eq!(answers(&few)[..2], [(1, "registered"), (10, "registered")]);
    assert_eq!(expired_at(&few), []);

    let few = again(RegisteredAgain::SecondEntry);
    assert_eq!(grants(&few), [(1, 1, 1), (11, 2, 2)]);
    assert_eq!(counts(&few), [(1, 2), (2, 4), (4, 2)], "listed twice, until one of the two expires");
    assert_eq!(expired_at(&few), [30_012]);
}

#[test]
fn a_retry_that_comes_before_the_first_is_durable_changes_nothing() {
    let mut few = with(1, policy());
    few.disk = 50;
    register(&mut few, 0, 0, 1);
    few.run_to(20);
    register(&mut few, 0, 0, 1);
    few.run_to(200);
    assert_eq!((grants(&few), answers(&few)), ([(50, 1, 1)].into(), [(50, "registered")].into()));
}

/// A heartbeat comes before the lease is on the disk, and the request a second time.
#[test]
fn a_registration_is_answered_when_it_is_durable_or_at_once() {
    let told = |registrations| {
        let mut few = with(1, RegistryPolicy { registrations, ..policy() });
        few.disk = 100;
        register(&mut few, 0, 0, 1);
        few.run_to(50);
        beat(&mut few, 1, 0);
        few.run_to(60);
        register(&mut few, 0, 0, 1);
        few.run_to(35_000);
        assert_eq!((grants(&few), expired_at(&few)), ([(100, 1, 1)].into(), [30_200].into()));
        answers(&few)
    };
    assert_eq!(told(Registrations::AnsweredWhenDurable), [(100, "registered"), (100, "refused")]);
    assert_eq!(
        told(Registrations::AnsweredAtOnce),
        [(0, "registered"), (60, "registered"), (100, "refused")]
    );
}

#[test]
fn a_new_process_replaces_the_old_one_which_is_released_first() {
    let mut few = registered(policy());
    few.run_to(5_000);
    register(&mut few, 0, 1, 1);
    few.run_to(6_000);
    assert_eq!(few.ends(), [(5_001, EndCause::Released { by: app(0) })]);
    assert_eq!(grants(&few), [(1, 1, 1), (5_002, 2, 2)]);
    assert_eq!(counts(&few), [(1, 2), (2, 0), (3, 2)]);
    register(&mut few, 0, 0, 7);
    few.run_to(7_000);
    assert_eq!(
        grants(&few).len(),
        2,
        "a request of the old process, that was under way for long, does nothing"
    );
}

#[test]
fn a_new_process_that_comes_while_the_old_one_is_being_registered_replaces_it_too() {
    let mut few = with(1, policy());
    few.disk = 50;
    register(&mut few, 0, 0, 1);
    few.run_to(20);
    register(&mut few, 0, 1, 1);
    few.run_to(500);
    assert_eq!(grants(&few), [(50, 1, 1), (150, 2, 2)]);
    assert_eq!(few.ends(), [(100, EndCause::Released { by: app(0) })]);
}

#[test]
fn another_node_does_not_get_the_name_of_one_that_lives() {
    let mut few = registered(policy());
    few.run_to(10_001);
    register_as(&mut few, app(7), 0, 0, 1, Health::Ready);
    few.run_to(10_002);
    let refused = few.letters(REGISTRY, |message| matches!(message, RegistryMessage::RegisterRefused { .. }));
    let told: Vec<_> = refused
        .map(|letter| match letter.message {
            RegistryMessage::RegisterRefused { retry_after, .. } => (letter.to, retry_after),
            _ => unreachable!("it refuses"),
        })
        .collect();
    assert_eq!(told, [(app(7), Span::from_secs(20))]);
    few.run_to(40_000);
    register_as(&mut few, app(7), 0, 0, 2, Health::Ready);
    few.run_to(40_001);
    assert_eq!(grants(&few).last(), Some(&(40_001, 2, 2)), "the name is free");
}

#[test]
fn an_old_request_does_not_bring_back_who_left() {
    let mut few = registered(policy());
    deregister(&mut few, 0, app(0), 1, 1);
    few.run_to(100);
    register(&mut few, 0, 0, 1);
    few.run_to(200);
    assert_eq!(grants(&few).len(), 1);
    register(&mut few, 0, 0, 2);
    few.run_to(300);
    assert_eq!(grants(&few).len(), 2, "but a new one does");
}

#[test]
fn who_expired_before_it_was_answered_gets_a_lease_by_the_same_request() {
    let mut few = registered(policy());
    few.run_to(31_000);
    register(&mut few, 0, 0, 1);
    few.run_to(32_000);
    assert_eq!(grants(&few), [(1, 1, 1), (31_001, 2, 2)]);
}

#[test]
fn the_term_is_within_what_the_registry_gives() {
    for (min, max, expected) in [(100, 86_400_000, 30_000), (40_000, 50_000, 40_000), (1_000, 20_000, 20_000)]
    {
        let (ttl_min, ttl_max) = (Span::from_millis(min), Span::from_millis(max));
        let mut few = registered(RegistryPolicy { ttl_min, ttl_max, ..policy() });
        few.run_to(60_000);
        assert_eq!(expired_at(&few), [expected + 2]);
    }
}

#[test]
fn who_comes_and_goes_too_often_is_listed_but_not_as_passing() {
    let damping = Damping {
        penalty: 1_000,
        half_life: Span::from_secs(60),
        suppress: 900,
        reuse: 500,
        longest: Span::from_secs(600),
    };
    let statuses_with = |damping| {
        let grace = GracePolicy { damping, ..GracePolicy::default() };
        let mut few = registered(RegistryPolicy { grace, ..policy() });
        few.run_to(31_000);
        register(&mut few, 0, 0, 2);
        few.run_to(31_001);
        for number in 0..10 {
            few.run_for(9_000);
            beat(&mut few, 2, number);
        }
        (few.run_for(1), statuses(&few, 0)).1
    };
    let passing = |at| (at, Status::Passing);
    assert_eq!(statuses_with(None), [passing(1), (20_002, Status::Suspect), passing(31_001)]);
    let kept_out = statuses_with(Some(damping));
    assert_eq!(kept_out[..3], [passing(1), (20_002, Status::Suspect), (31_001, Status::Suspect)]);
    // The penalty of 1,000 is from 30,001 ms on; it is 500 a half-life later.
    assert_eq!(kept_out[3..], [passing(90_002)]);
}

#[test]
fn the_list_is_open_to_whoever_asks_from_the_start() {
    let mut few = with(1, policy());
    let asked = leasehold_core::event::Asked::All;
    few.send(app(5), REGISTRY, RegistryMessage::Query { request: RequestId(1), asked, known: None });
    few.run_to(1);
    register(&mut few, 0, 0, 1);
    few.run_to(10);
    few.send(app(5), REGISTRY, RegistryMessage::Query { request: RequestId(2), asked, known: None });
    few.run_to(11);
    let answers = few.letters(REGISTRY, |message| matches!(message, RegistryMessage::Answer { .. }));
    let listed: Vec<_> = answers
        .map(|letter| match &letter.message {
            RegistryMessage::Answer {
                revision,
                result: crate::registry::QueryResult::Entries(entries),
                ..
            } => (revision.0, entries.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(listed, [(0, 0), (1, 2)]);
}

#[test]
fn a_term_that_grows_with_the_number_of_members_is_what_they_are_told() {
    for (rate_scaled, shortest, longest) in [(None, 30, 30), (Some(RateScaled::default()), 10, 20)] {
        let grace = GracePolicy { rate_scaled, ..GracePolicy::default() };
        let few = registered(RegistryPolicy { grace, ..policy() });
        let told = few.letters(REGISTRY, |_| true).find_map(|letter| match letter.message {
            RegistryMessage::Registered { ttl, .. } => Some(ttl),
            _ => None,
        });
        let allowed = Span::from_secs(shortest)..=Span::from_secs(longest);
        assert!(told.is_some_and(|ttl| allowed.contains(&ttl)), "{told:?}");
    }
}
