//! Calls: who is called, and what becomes of a call that is not answered.

use super::super::super::pair::{Ctx, Puppet};
use super::super::super::policy::{Balance, CallPolicy};
use super::*;

const DEAD: NodeId = NodeId(102);

/// Three instances, of which the second does not answer until 20 s.
fn calling(balance: Balance, timeout: u64) -> Case {
    let calls = CallPolicy { every: millis(100), timeout: millis(timeout), balance };
    let policy = DiscoveryPolicy { calls: Some(calls), ..watches() };
    let mut case = Case::new(policy, &[(1, up(1, 1)), (2, up(2, 1)), (3, up(3, 1))]);
    for node in 101..=103 {
        case.few.add(NodeId(node), || {
            Box::new(Puppet(|ctx: &mut Ctx<'_>, input| {
                if let Input::Received { from, message: RegistryMessage::Call { number, instance } } = input {
                    ctx.send(from, RegistryMessage::CallDone { number, instance });
                }
            }))
        });
    }
    case.few
        .on_network(|now, from, _, _| if from == DEAD && now < 20_000 { Way::Lost } else { Way::Arrives });
    case
}

/// Who was called in a span of time, in order.
fn called(case: &Case, from: i64, until: i64) -> Vec<u32> {
    let events = case.events().into_iter().filter(|(at, _)| (from..until).contains(at));
    events
        .filter_map(|(_, event)| match event {
            DiscoveryEvent::CallSent { instance, .. } => Some(instance.0),
            _ => None,
        })
        .collect()
}

#[test]
fn calls_are_dealt_out_in_turn_whoever_fails() {
    let case = calling(Balance::RoundRobin, 250).run_to(10_000);
    let called = called(&case, 1_000, 10_000);
    assert_eq!(called.len(), 90);
    assert!(called.windows(4).all(|four| four[0] == four[3] && four[0] != four[1]), "{called:?}");
}

#[test]
fn who_failed_lately_is_not_called_while_there_are_others() {
    let case = calling(Balance::LeastRecentlyFailed, 250).run_to(30_000);
    let counts = |from, until| {
        let called = called(&case, from, until);
        [1, 2, 3].map(|instance| called.iter().filter(|one| **one == instance).count())
    };
    // It is called a few times before the first of its calls has failed; then again every 2.5 s.
    let [first, dead, third] = counts(1_000, 20_000);
    assert!((6..=16).contains(&dead) && first > 80 && third > 80, "{first} {dead} {third}");
    let [_, back, _] = counts(25_000, 30_000);
    assert!(back > 15, "it is called like the others again: {back}");
}

#[test]
fn each_call_is_answered_or_fails_once() {
    let case = calling(Balance::RoundRobin, 250).run_to(10_000);
    let mut open = vec![];
    let mut failed = 0;
    for (at, event) in case.events() {
        match event {
            DiscoveryEvent::CallSent { number, instance, to, .. } => {
                assert_eq!(u32::from(to.0), instance.0 + 100);
                open.push((number, instance, at));
            }
            DiscoveryEvent::CallAnswered { number, instance } => {
                let sent = open.iter().position(|(n, i, _)| (*n, *i) == (number, instance)).unwrap();
                assert_eq!(open.remove(sent).2 + 4, at);
                assert_ne!(instance.0, 2);
            }
            DiscoveryEvent::CallFailed { number, instance } => {
                let sent = open.iter().position(|(n, i, _)| (*n, *i) == (number, instance)).unwrap();
                assert_eq!(open.remove(sent).2 + 250, at);
                assert_eq!(instance.0, 2);
                failed += 1;
            }
            _ => {}
        }
    }
    assert!(failed > 25 && open.len() <= 3, "{failed} failed, {} are open", open.len());
}

#[test]
fn an_answer_that_comes_too_late_is_not_one() {
    let mut case = calling(Balance::RoundRobin, 250);
    case.few.on_network(|_, from, _, _| match from.0 {
        101.. => Way::ArrivesAfter(300),
        _ => Way::Arrives,
    });
    let case = case.run_to(5_000);
    assert!(!case.events().iter().any(|(_, event)| matches!(event, DiscoveryEvent::CallAnswered { .. })));
}

#[test]
fn who_refuses_lookups_calls_nobody() {
    let calls = CallPolicy { every: millis(100), timeout: millis(250), balance: Balance::RoundRobin };
    let cache = Some(Span::from_secs(3));
    let policy = DiscoveryPolicy { calls: Some(calls), cache, ..polls(1_000) };
    let mut case = Case::new(policy, &[(1, up(1, 1))]);
    case.few.on_network(|now, _, _, _| if now > 10_000 { Way::Lost } else { Way::Arrives });
    let case = case.run_to(20_000);
    assert!(!called(&case, 9_000, 10_000).is_empty());
    assert_eq!(called(&case, 13_100, 20_000), []);
}
