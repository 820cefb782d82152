use super::*;
use crate::registry::{Instance, grace::GracePolicy};
use leasehold_core::event::{Asked, Probe};
use leasehold_core::node::Purpose;

/// Each message takes 100 ms, and 50 queries come at once, just before a heartbeat.
#[test]
fn heartbeats_starve_behind_other_load_unless_they_go_first() {
    for (order, counted) in [(InboxOrder::HeartbeatsFirst, 10_200), (InboxOrder::Arrival, 15_100)] {
        let inbox = Some(InboxPolicy { service: Span::from_millis(100), limit: 100, order });
        let mut few = registered(RegistryPolicy { inbox, ..policy() });
        few.run_to(10_000);
        for request in 0..50 {
            let query =
                RegistryMessage::Query { request: RequestId(request), asked: Asked::All, known: None };
            few.send(app(5), REGISTRY, query);
        }
        beat(&mut few, 1, 0);
        few.run_to(20_000);
        let arrived = few.times(REGISTRY, |event| {
            matches!(event, NodeEvent::Registry(RegistryEvent::HeartbeatArrived { .. }))
        });
        assert_eq!((renewals(&few), arrived), ([(counted, 1)].into(), [10_000].into()), "{order:?}");
    }
}

#[test]
fn an_inbox_that_overflows_drops_messages_and_says_so() {
    for (inbox, dropped) in [(None, 0), (Some(10), 39)] {
        let inbox = inbox.map(|limit| InboxPolicy {
            service: Span::from_millis(1),
            limit,
            order: InboxOrder::Arrival,
        });
        let mut few = registered(RegistryPolicy { inbox, ..policy() });
        few.run_to(10_000);
        for request in 0..50 {
            let query =
                RegistryMessage::Query { request: RequestId(request), asked: Asked::All, known: None };
            few.send(app(5), REGISTRY, query);
        }
        few.run_to(11_000);
        let overflows = few.times(REGISTRY, |event| *event == NodeEvent::Probed(Probe::InboxOverflowed));
        let answers = few.sends(REGISTRY, |message| matches!(message, RegistryMessage::Answer { .. }));
        assert_eq!((overflows.len(), answers.len()), (dropped, 50 - dropped));
        let told = RegistryEvent::MessageDropped { from: app(5), purpose: Purpose::Query };
        assert_eq!(few.times(REGISTRY, |event| *event == NodeEvent::Registry(told)).len(), dropped);
    }
}

/// A look at a lease comes less often than its heartbeats: what costs is what happens.
#[test]
fn a_heartbeat_arms_no_timer() {
    let mut few = with(1, policy());
    let armed = |few: &Few| few.armed;
    register(&mut few, 0, 0, 1);
    few.run_to(1_000);
    let before = armed(&few);
    for number in 0..10 {
        few.run_for(1_000);
        beat(&mut few, 1, number);
    }
    few.run_for(1);
    assert_eq!(armed(&few), before);
}

#[test]
fn members_that_are_well_stay_registered_for_an_hour() {
    let member = MemberPolicy::new(Span::from_secs(30));
    for liveness in [Liveness::Push, Liveness::Hybrid] {
        let mut few = with(8, RegistryPolicy { liveness, grace: GracePolicy::default(), ..policy() });
        for number in 0..8 {
            let place = MemberPlace {
                member: ResourceId(number),
                application: app(number),
                sidecar: None,
                offers: offers(number, 2),
                zone: 0,
            };
            few.add(app(number), move || Box::new(Instance::new(member, place.clone(), REGISTRY)));
        }
        few.run_to(3_600_000);
        assert_eq!((few.ends(), counts(&few).last()), ([].into(), Some(&(8, 16))), "{liveness:?}");
        assert_eq!(grants(&few).len(), 8);
    }
}
