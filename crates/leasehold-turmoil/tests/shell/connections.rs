//! Opening, losing and replacing connections.

use leasehold_core::node::{Leg, Purpose};
use leasehold_core::time::Span;
use leasehold_turmoil::{ClosedBecause, Lane, Lanes, Net, Note, ShellPolicy, Transport};

use crate::host::{Do, Host, Say, pass, until, with_wires};
use crate::stranger::Stranger;
use crate::{CLIENT, OTHER, SERVER};

fn safe() -> ShellPolicy {
    ShellPolicy::default()
}

fn opened(note: &Note) -> bool {
    matches!(note, Note::Opened { .. })
}

fn closed(because: &ClosedBecause) -> impl Fn(&Note) -> bool {
    move |note| matches!(note, Note::Closed { because: other, .. } if other == because)
}

#[test]
fn what_is_asked_is_answered_on_one_connection_a_lane() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, safe());
        let client = Host::boot(&wires, CLIENT, 0, safe());
        for number in 1..=3 {
            client.send(SERVER, Say::Ask(number));
            client.send(SERVER, Say::Beat(number));
        }
        until("six answers", || client.heard().len() == 6).await;
        let answers = |of: fn(u32) -> Say| (1..=3).all(|number| client.has_heard(&of(number)));
        assert!(answers(Say::Answer) && answers(Say::Beaten), "{:?}", client.heard());
        for lane in [Lane::Requests, Lane::Heartbeats] {
            assert_eq!(client.noted(|note| *note == Note::Opened { to: SERVER, lane }), 1);
            assert_eq!(server.noted(|note| *note == Note::Accepted { from: CLIENT, lane }), 1);
        }
        assert_eq!(client.gave_up(), []);
    });
}

#[test]
fn one_lane_carries_all() {
    with_wires(async |wires| {
        let policy = ShellPolicy { lanes: Lanes::One, ..safe() };
        let _server = Host::boot(&wires, SERVER, 0, policy);
        let client = Host::boot(&wires, CLIENT, 0, policy);
        client.command(Do::SendAll(SERVER, vec![Say::Beat(1), Say::Ask(2)]));
        until("two answers", || client.heard().len() == 2).await;
        assert_eq!(client.heard(), [(SERVER, Say::Beaten(1)), (SERVER, Say::Answer(2))], "in order");
        assert_eq!(client.noted(opened), 1);
    });
}

#[test]
fn a_client_finds_a_server_that_was_restarted() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, safe());
        let client = Host::boot(&wires, CLIENT, 0, safe());
        client.send(SERVER, Say::Ask(1));
        until("an answer", || client.has_heard(&Say::Answer(1))).await;
        server.kill();
        until("the end is noticed", || client.noted(closed(&ClosedBecause::End)) == 1).await;
        client.send(SERVER, Say::Ask(2));
        until("it is given up", || client.gave_up() == [(SERVER, (Purpose::Query, Leg::Request))]).await;
        let _server = Host::boot(&wires, SERVER, 1, safe());
        let took = until("a new connection", || client.noted(opened) == 2).await;
        assert!(took.as_millis() <= 330, "{took:?}: the longest back-off is 320 ms");
        client.send(SERVER, Say::Ask(3));
        until("an answer", || client.has_heard(&Say::Answer(3))).await;
        assert!(!client.has_heard(&Say::Answer(2)), "what was given up is not sent later");
    });
}

#[test]
fn the_back_off_grows_and_is_capped() {
    with_wires(async |wires| {
        let client = Host::boot(&wires, CLIENT, 0, safe());
        client.send(SERVER, Say::Ask(1));
        until("eight attempts", || wires.dialled(SERVER).len() == 8).await;
        let gaps: Vec<_> = wires.dialled(SERVER).windows(2).map(|at| (at[1] - at[0]).as_millis()).collect();
        assert_eq!(gaps, [20, 40, 80, 160, 320, 320, 320]);
        assert_eq!(client.noted(|note| matches!(note, Note::NotOpened { .. })), 1, "said once");
        // And begins anew when somebody was there.
        let server = Host::boot(&wires, SERVER, 0, safe());
        until("a connection", || client.noted(opened) == 1).await;
        pass(5).await;
        server.kill();
        let before = wires.dialled(SERVER).len();
        let took = until("the next attempt", || wires.dialled(SERVER).len() > before).await;
        assert!(took.as_millis() <= 21, "{took:?}");
    });
}

#[test]
fn one_that_hangs_up_at_once_is_not_dialled_at_once() {
    with_wires(async |wires| {
        let port = wires.of(SERVER).listen().await.unwrap();
        let client = Host::boot(&wires, CLIENT, 0, safe());
        client.send(SERVER, Say::Ask(1));
        tokio::task::spawn_local(async move {
            loop {
                drop(leasehold_turmoil::Listener::accept(&port).await);
            }
        });
        until("six attempts", || wires.dialled(SERVER).len() == 6).await;
        let gaps: Vec<_> = wires.dialled(SERVER).windows(2).map(|at| (at[1] - at[0]).as_millis()).collect();
        assert_eq!(gaps, [20, 40, 80, 160, 320]);
    });
}

#[test]
fn what_waits_for_a_connection_that_does_not_open_is_given_up() {
    with_wires(async |wires| {
        wires.sever(CLIENT, SERVER);
        let _server = Host::boot(&wires, SERVER, 0, safe());
        let client = Host::boot(&wires, CLIENT, 0, safe());
        client.command(Do::SendAll(SERVER, vec![Say::Ask(1), Say::Ask(2)]));
        let took = until("both are given up", || client.gave_up().len() == 2).await;
        assert!((200..=202).contains(&took.as_millis()), "{took:?}: connect_within is 200 ms");
        assert_eq!(client.heard(), []);
    });
}

#[test]
fn an_answer_that_finds_no_connection_is_given_up() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, safe());
        server.send(CLIENT, Say::News(1));
        until("it is given up", || server.gave_up() == [(CLIENT, (Purpose::Watch, Leg::Reply))]).await;
        assert_eq!(wires.dialled(CLIENT), [], "a server dials nobody to answer");
    });
}

#[test]
fn what_is_told_unasked_takes_the_connection_there_is() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, safe());
        let client = Host::boot(&wires, CLIENT, 0, safe());
        client.send(SERVER, Say::Ask(1));
        until("an answer", || client.has_heard(&Say::Answer(1))).await;
        // News belong on the lane of watches, which this client has never opened.
        server.send(CLIENT, Say::News(7));
        until("news", || client.has_heard(&Say::News(7))).await;
    });
}

#[test]
fn silence_is_noticed_and_the_connection_replaced() {
    for (from, to) in [(CLIENT, SERVER), (SERVER, CLIENT)] {
        with_wires(async move |wires| {
            let _server = Host::boot(&wires, SERVER, 0, safe());
            let client = Host::boot(&wires, CLIENT, 0, safe());
            client.send(SERVER, Say::Ask(1));
            until("an answer", || client.has_heard(&Say::Answer(1))).await;
            wires.sever(from, to);
            let took = until("silence", || client.noted(closed(&ClosedBecause::Silent)) == 1).await;
            assert!((600..=1000).contains(&took.as_millis()), "{took:?}");
            wires.repair();
            until("a new connection", || client.noted(opened) >= 2).await;
            client.send(SERVER, Say::Ask(2));
            until("an answer", || client.has_heard(&Say::Answer(2))).await;
        });
    }
}

#[test]
fn a_connection_with_nothing_to_say_stays() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, safe());
        let client = Host::boot(&wires, CLIENT, 0, safe());
        client.send(SERVER, Say::Ask(1));
        until("an answer", || client.has_heard(&Say::Answer(1))).await;
        pass(30_000).await;
        server.send(CLIENT, Say::News(1));
        until("news", || client.has_heard(&Say::News(1))).await;
        assert_eq!(client.noted(opened), 1);
        assert_eq!(client.noted(|note| matches!(note, Note::Closed { .. })), 0);
    });
}

#[test]
fn answers_go_to_the_newest_connection_of_a_peer() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, safe());
        let mut old = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
        old.say(Say::Ask(1)).await;
        assert_eq!(old.hear().await, Some(Say::Answer(1)));
        let mut new = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
        until("it is replaced", || server.noted(closed(&ClosedBecause::Replaced)) == 1).await;
        server.send(CLIENT, Say::News(5));
        assert_eq!(new.hear().await, Some(Say::News(5)));
        // What was late on the old one still comes: this process did send it. The answer takes the new way.
        old.say(Say::Ask(2)).await;
        assert_eq!(new.hear().await, Some(Say::Answer(2)));
        assert_eq!(old.hear().await, None, "nothing more is written there");
    });
}

#[test]
fn a_replaced_connection_is_listened_to_for_a_while_only() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy { linger: Span::from_secs(2), ..safe() });
        let mut old = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
        let _new = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
        until("it is replaced", || server.noted(closed(&ClosedBecause::Replaced)) == 1).await;
        pass(1_900).await;
        old.say(Say::Ask(1)).await;
        until("what was late", || server.has_heard(&Say::Ask(1))).await;
        pass(200).await;
        let too_late = leasehold_turmoil::wire::Frame::Message(Say::Ask(2)).to_bytes(64).unwrap();
        assert!(old.try_write(&too_late).await.is_err(), "the connection is closed");
    });
}

#[test]
fn a_dead_process_does_not_pass_for_its_successor() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, safe());
        let mut dead = Stranger::greet(&wires, CLIENT, 0, Lane::Heartbeats, SERVER).await;
        dead.say(Say::Beat(1)).await;
        until("it is heard while it lives", || server.has_heard(&Say::Beat(1))).await;
        // The successor says something on another lane.
        let mut successor = Stranger::greet(&wires, CLIENT, 1, Lane::Requests, SERVER).await;
        until("it is known", || server.noted(|note| matches!(note, Note::Accepted { .. })) == 2).await;
        server.send(CLIENT, Say::Beaten(7));
        assert_eq!(successor.hear().await, Some(Say::Beaten(7)), "the dead are told nothing any more");
        dead.say(Say::Beat(2)).await;
        until("it is thrown away", || server.noted(|note| matches!(note, Note::Outdated { .. })) == 1).await;
        let again = Stranger::greet(&wires, CLIENT, 0, Lane::Heartbeats, SERVER).await;
        until("it is turned away", || server.noted(closed(&ClosedBecause::Outdated)) == 1).await;
        drop(again);
        assert!(!server.has_heard(&Say::Beat(2)));
    });
}

#[test]
fn late_answers_come_though_their_connection_was_given_up() {
    with_wires(async |wires| {
        let port = wires.of(SERVER).listen().await.unwrap();
        let client = Host::boot(&wires, CLIENT, 0, safe());
        client.send(SERVER, Say::Ask(1));
        let (mut first, _) = Stranger::answer(&port, SERVER, 0).await;
        until("silence", || client.noted(closed(&ClosedBecause::Silent)) == 1).await;
        let (mut second, _) = Stranger::answer(&port, SERVER, 0).await;
        first.say(Say::Answer(1)).await;
        until("the late answer", || client.has_heard(&Say::Answer(1))).await;
        // But not when the server that gives it has a successor.
        second.say(Say::Answer(2)).await;
        until("an answer", || client.has_heard(&Say::Answer(2))).await;
        drop(second);
        let (_third, _) = Stranger::answer(&port, SERVER, 1).await;
        pass(10).await;
        first.say(Say::Answer(3)).await;
        until("it is thrown away", || client.noted(|note| matches!(note, Note::Outdated { .. })) == 1).await;
        assert!(!client.has_heard(&Say::Answer(3)));
    });
}

#[test]
fn whoever_answers_for_another_is_hung_up_on() {
    with_wires(async |wires| {
        let port = wires.of(SERVER).listen().await.unwrap();
        let client = Host::boot(&wires, CLIENT, 0, safe());
        client.send(SERVER, Say::Ask(1));
        let (mut wrong, _) = Stranger::answer(&port, OTHER, 0).await;
        wrong.say(Say::Answer(1)).await;
        let garbage = |note: &Note| {
            matches!(note, Note::Closed { because: ClosedBecause::Garbage(what), .. }
                if what.contains("node 2 answered"))
        };
        until("it is refused", || client.noted(garbage) == 1).await;
        assert_eq!(client.heard(), []);
    });
}

#[test]
fn a_full_outbox_gives_up_the_oldest() {
    with_wires(async |wires| {
        wires.sever(CLIENT, SERVER);
        let policy = ShellPolicy { outbox: 4, connect_within: Span::from_secs(30), ..safe() };
        let client = Host::boot(&wires, CLIENT, 0, policy);
        client.command(Do::SendAll(SERVER, vec![Say::Bulk(vec![1]), Say::Bulk(vec![2])]));
        client.command(Do::SendAll(SERVER, (1..=4).map(Say::Ask).collect()));
        until("two are given up", || client.gave_up().len() == 2).await;
        assert_eq!(client.gave_up(), [(SERVER, (Purpose::Read, Leg::Request)); 2]);
    });
}

#[test]
fn a_slow_reader_is_felt_where_it_is_written_to_and_nowhere_else() {
    with_wires(async |wires| {
        wires.hold(1100);
        let policy = ShellPolicy { outbox: 8, silent_after: Span::from_secs(3600), ..safe() };
        let port = wires.of(SERVER).listen().await.unwrap();
        let _other = Host::boot(&wires, OTHER, 0, policy);
        let client = Host::boot(&wires, CLIENT, 0, policy);
        for _ in 0..10 {
            client.send(SERVER, Say::Bulk(vec![0; 500]));
        }
        // This one accepts, and then reads nothing.
        let (mut slow, _) = Stranger::answer(&port, SERVER, 0).await;
        pass(100).await;
        assert_eq!(client.gave_up(), [], "one is half written, three are on the way, the others wait");
        for _ in 0..8 {
            client.send(SERVER, Say::Bulk(vec![0; 500]));
        }
        client.send(OTHER, Say::Ask(1));
        until("the others are served", || client.has_heard(&Say::Answer(1))).await;
        assert_eq!(client.gave_up().len(), 6, "18 in all, 8 wait, and 4 left, the last one by half");
        let mut heard = 0;
        while heard < 12 {
            assert!(matches!(slow.hear().await, Some(Say::Bulk(_))));
            heard += 1;
        }
    });
}

#[test]
fn of_what_is_held_up_when_a_connection_is_given_up_each_message_was_written_or_is_given_up() {
    with_wires(async |wires| {
        wires.hold(1024);
        let port = wires.of(SERVER).listen().await.unwrap();
        let client = Host::boot(&wires, CLIENT, 0, safe());
        for _ in 0..10 {
            client.send(SERVER, Say::Bulk(vec![0; 500]));
        }
        let (mut slow, _) = Stranger::answer(&port, SERVER, 0).await;
        until("it is taken for dead", || client.noted(closed(&ClosedBecause::Silent)) == 1).await;
        let mut heard = 0;
        while let Some(Say::Bulk(_)) = slow.hear().await {
            heard += 1;
        }
        assert!(heard > 0);
        until("all are accounted for", || heard + client.gave_up().len() == 10).await;
    });
}

#[test]
fn a_datagram_is_one_message() {
    with_wires(async |wires| {
        let policy = ShellPolicy { heartbeats: Transport::Udp, ..safe() };
        let server = Host::boot(&wires, SERVER, 0, policy);
        let client = Host::boot(&wires, CLIENT, 0, policy);
        client.command(Do::SendAll(SERVER, vec![Say::Beat(1), Say::Beat(2), Say::Ask(3)]));
        until("three answers", || client.heard().len() == 3).await;
        for answer in [Say::Beaten(1), Say::Beaten(2), Say::Answer(3)] {
            assert!(client.has_heard(&answer), "{answer:?}");
        }
        assert_eq!(client.noted(opened), 1, "for the question only");
        // Both ends of it know incarnations too.
        let _successor = Stranger::greet(&wires, CLIENT, 1, Lane::Requests, SERVER).await;
        until("it is known", || server.noted(|note| matches!(note, Note::Accepted { .. })) == 2).await;
        client.send(SERVER, Say::Beat(4));
        until("it is thrown away", || server.noted(|note| matches!(note, Note::Outdated { .. })) == 1).await;
        assert!(!server.has_heard(&Say::Beat(4)));
    });
}
