//! What a holder says of what it asks and is told, and who asks who holds.

use leasehold_core::event::{Answer, Operation};

use super::*;

/// What a node asked, and was told.
fn history(few: &Few, of: NodeId) -> Vec<(i64, Result<Operation, Answer>)> {
    let said = |event: &NodeEvent| match *event {
        NodeEvent::Asked { operation, .. } => Some(Ok(operation)),
        NodeEvent::Told { answer, .. } => Some(Err(answer)),
        _ => None,
    };
    few.events.iter().filter(|(_, n, _)| *n == of).filter_map(|(at, _, e)| Some((*at, said(e)?))).collect()
}

#[test]
fn a_holder_tells_what_it_asks_and_is_told() {
    let mut few = Few::with_holder();
    few.run_to(4_000);
    few.handle(HOLDER, Input::Command(LeaseCommand::Shutdown));
    few.run_to(5_000);
    let (lease, token, ttl) = (LeaseId(1), Token(1), Span::from_secs(10));
    assert_eq!(
        history(&few, HOLDER),
        [
            (0, Ok(Operation::Acquire)),
            (5, Err(Answer::Granted { lease, token, ttl })),
            (3_333, Ok(Operation::Renew { lease })),
            (3_337, Err(Answer::Renewed { lease })),
            (4_000, Ok(Operation::Release { lease })),
            (4_005, Err(Answer::Released { lease })),
        ]
    );
}

#[test]
fn an_operation_begins_with_its_first_send() {
    let mut few = Few::new();
    let mut tries = 0;
    few.on_network(move |_, _, message| {
        tries += i32::from(matches!(message, LeaseMessage::Acquire { .. }));
        if tries < 3 { Way::Lost } else { Way::Arrives }
    });
    few.add(HOLDER, || holder(holder_policy()));
    few.run_to(2_000);
    let asked: Vec<i64> = history(&few, HOLDER).iter().map(|(at, _)| *at).collect();
    assert_eq!((asked[0], asked.len()), (0, 2));
}

#[test]
fn a_refused_renewal_is_told_and_a_revocation_is_no_answer() {
    let mut few = Few::with_holder();
    few.run_to(1_000);
    let (lease, request) = (LeaseId(1), RequestId(9));
    few.handle(HOLDER, Input::Received { from: GRANTOR, message: LeaseMessage::Revoked { lease } });
    let told = |few: &Few| history(few, HOLDER).iter().any(|(_, said)| *said == Err(Answer::Gone { lease }));
    assert!(!told(&few));
    let mut few = Few::with_holder();
    few.run_to(1_000);
    few.handle(
        HOLDER,
        Input::Received { from: GRANTOR, message: LeaseMessage::RenewRefused { lease, request } },
    );
    assert!(told(&few));
}

fn asks_who(every: Option<Span>) -> HolderPolicy {
    HolderPolicy { asks_who: every, ..holder_policy() }
}

#[test]
fn who_asks_who_holds_does_so_every_so_often_until_it_leaves() {
    let mut few = Few::with_holder();
    few.add(RIVAL, || holder(asks_who(Some(Span::from_secs(2)))));
    few.run_to(5_000);
    let (lease, token, holder) = (LeaseId(1), Token(1), HOLDER);
    let gets = |few: &Few| -> Vec<_> {
        let is_get = |(_, said): &(i64, Result<Operation, Answer>)| {
            matches!(said, Ok(Operation::Get) | Err(Answer::HeldBy { .. } | Answer::HeldByNobody))
        };
        history(few, RIVAL).into_iter().filter(is_get).collect()
    };
    let held = Err(Answer::HeldBy { lease, holder, token });
    assert_eq!(
        gets(&few),
        [(2_000, Ok(Operation::Get)), (2_004, held), (4_000, Ok(Operation::Get)), (4_004, held)]
    );
    few.handle(RIVAL, Input::Command(LeaseCommand::Shutdown));
    few.run_to(9_000);
    assert_eq!(gets(&few).len(), 4);
    few.add(RIVAL, || holder_that_never_asks());
    few.run_to(20_000);
    assert_eq!(gets(&few).len(), 4, "off unless it is given");
}

fn holder_that_never_asks() -> Box<dyn Node<LeaseProtocol>> {
    holder(asks_who(None))
}

#[test]
fn an_answer_to_an_earlier_question_or_process_is_not_taken() {
    let mut few = Few::new();
    few.on_network(|_, _, message| match message {
        LeaseMessage::Answer { .. } => Way::Lost,
        _ => Way::Arrives,
    });
    few.add(HOLDER, || holder(asks_who(Some(Span::from_secs(2)))));
    few.run_to(4_500);
    let asked = |few: &Few| {
        few.sent
            .iter()
            .filter_map(|(_, _, message)| match message {
                LeaseMessage::Query { request, .. } => Some(*request),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let [first, second] = asked(&few)[..] else { panic!("asked twice") };
    let mut tell = |incarnation, request| {
        let message = LeaseMessage::Answer {
            incarnation: Incarnation(incarnation),
            request,
            revision: 1,
            answer: None,
        };
        few.handle(HOLDER, Input::Received { from: GRANTOR, message });
        history(&few, HOLDER).iter().filter(|(_, said)| *said == Err(Answer::HeldByNobody)).count()
    };
    assert_eq!((tell(0, first), tell(7, second), tell(0, second), tell(0, second)), (0, 0, 1, 1));
}
