//! What comes in and is no frame, or is too long to be one.

use leasehold_core::id::NodeId;
use leasehold_core::node::{Leg, Purpose};
use leasehold_turmoil::wire::{Frame, Refusal};
use leasehold_turmoil::{ClosedBecause, Datagrams, Label, Lane, Net, Note, ShellPolicy, Transport};

use crate::host::{Host, Say, pass, until, with_wires};
use crate::stranger::Stranger;
use crate::{CLIENT, OTHER, SERVER};

fn garbage(note: &Note) -> bool {
    matches!(note, Note::Closed { because: ClosedBecause::Garbage(_), .. })
}

#[test]
fn garbage_closes_only_the_connection_it_came_on() {
    let cases: [(&str, &[u8]); 5] = [
        ("a length beyond all limits", &[255; 8]),
        ("another version", &[0, 0, 0, 2, 9, 3]),
        ("a kind of which nobody knows", &[0, 0, 0, 2, 1, 99]),
        ("a message that is none", &[0, 0, 0, 3, 1, 2, 77]),
        ("a second hello", &[0, 0, 0, 6, 1, 1, 1, 0, 0, 0]),
    ];
    for (name, bytes) in cases {
        with_wires(async move |wires| {
            let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
            let mut good = Stranger::greet(&wires, OTHER, 0, Lane::Requests, SERVER).await;
            let mut bad = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
            bad.say(Say::Ask(1)).await;
            assert_eq!(bad.hear().await, Some(Say::Answer(1)), "{name}");
            bad.write(bytes).await;
            assert_eq!(bad.hear().await, None, "{name}: it is closed");
            assert_eq!(server.noted(garbage), 1, "{name}: {:?}", server.notes());
            good.say(Say::Ask(2)).await;
            assert_eq!(good.hear().await, Some(Say::Answer(2)), "{name}: the other one is not");
            let mut again = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
            again.say(Say::Ask(3)).await;
            assert_eq!(again.hear().await, Some(Say::Answer(3)), "{name}: it may come back");
        });
    }
}

#[test]
fn whoever_does_not_say_who_it_is_is_hung_up_on() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let mut rude = Stranger::dial(&wires, CLIENT, SERVER).await;
        rude.say(Say::Ask(1)).await;
        assert_eq!(rude.hear().await, None);
        assert_eq!(server.noted(garbage), 1);
        let mut mute = Stranger::dial(&wires, CLIENT, SERVER).await;
        assert_eq!(mute.hear().await, None);
        let silent = Note::Closed { with: None, at: None, because: ClosedBecause::Silent };
        assert_eq!(server.noted(|note| *note == silent), 1);
        assert_eq!(server.heard(), []);
    });
}

#[test]
fn an_end_within_a_frame_is_told_from_an_end() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let mut cut = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
        cut.say(Say::Ask(1)).await;
        let bytes = Frame::Message(Say::Ask(2)).to_bytes(64).unwrap();
        cut.write(&bytes[..bytes.len() - 1]).await;
        drop(cut);
        let truncated = Note::Closed { with: Some(CLIENT), at: None, because: ClosedBecause::Truncated };
        until("it is noted", || server.noted(|note| *note == truncated) == 1).await;
        assert_eq!(server.heard(), [(CLIENT, Say::Ask(1))], "what was whole is not lost");
    });
}

#[test]
fn a_frame_may_come_byte_by_byte() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let mut slow = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
        let large = Say::Bulk((0..=255).cycle().take(300).collect());
        for byte in Frame::Message(large.clone()).to_bytes(1024).unwrap() {
            slow.write(&[byte]).await;
            pass(1).await;
        }
        until("all of it", || server.has_heard(&large)).await;
    });
}

#[test]
fn what_is_too_long_does_not_leave() {
    for heartbeats in [Transport::Tcp, Transport::Udp] {
        with_wires(async move |wires| {
            let policy = ShellPolicy { longest_frame: 100, heartbeats, ..ShellPolicy::default() };
            let server = Host::boot(&wires, SERVER, 0, policy);
            let client = Host::boot(&wires, CLIENT, 0, policy);
            client.send(SERVER, Say::Bulk(vec![0; 100]));
            client.send(SERVER, Say::Bulk(vec![0; 90]));
            until("the short one", || server.heard().len() == 1).await;
            assert_eq!(client.gave_up(), [(SERVER, (Purpose::Read, Leg::Request))]);
            let said = |note: &Note| matches!(note, Note::NotSent { to: SERVER, because } if because.contains("longest_frame"));
            assert_eq!(client.noted(said), 1, "{:?}", client.notes());
        });
    }
}

#[test]
fn bad_datagrams_are_thrown_away() {
    with_wires(async |wires| {
        let policy = ShellPolicy { heartbeats: Transport::Udp, longest_frame: 100, ..ShellPolicy::default() };
        let server = Host::boot(&wires, SERVER, 0, policy);
        let client = Host::boot(&wires, CLIENT, 0, policy);
        pass(1).await;
        let socket = wires.of(OTHER).datagrams().await.unwrap();
        let good = [1, 5, 2, 0, 2, 7];
        let bad: [&[u8]; 5] = [&[], &[7], &good[..5], &[1, 5, 2, 0, 2, 7, 7], &[1; 200]];
        for bytes in bad {
            socket.send(SERVER, Label::Control, bytes).await.unwrap();
        }
        socket.send(SERVER, Label::Control, &good).await.unwrap();
        client.send(SERVER, Say::Beat(1));
        until("the others are answered", || client.has_heard(&Say::Beaten(1))).await;
        assert_eq!(server.noted(|note| matches!(note, Note::BadDatagram { .. })), 5, "{:?}", server.notes());
        assert_eq!(server.heard(), [(OTHER, Say::Beat(7)), (CLIENT, Say::Beat(1))]);
    });
}

/// Two processes that both count themselves as the first of their node, a later one, and one that lost its folder after that.
#[test]
fn whoever_is_not_listened_to_is_told_why() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let cases: [((NodeId, u32, u64), Option<Refusal>); 6] = [
            ((CLIENT, 0, 5), None),
            ((CLIENT, 0, 6), Some(Refusal::Twin)),
            ((CLIENT, 0, 5), None),
            ((CLIENT, 1, 6), None),
            ((CLIENT, 0, 5), Some(Refusal::Outdated)),
            ((NodeId(77), 0, 5), Some(Refusal::Unknown)),
        ];
        for (who, refusal) in cases {
            let (mut stranger, answer) = Stranger::greet_as(&wires, who, SERVER).await;
            // It may have asked before it could know.
            let _ = stranger.try_write(&Frame::Message(Say::Ask(1)).to_bytes(64).unwrap()).await;
            match refusal {
                Some(refusal) => {
                    assert_eq!(answer, Some(Frame::Refused(refusal)), "{who:?}");
                    assert_eq!(stranger.frame().await, None, "{who:?}");
                }
                None => {
                    assert!(matches!(answer, Some(Frame::Hello(_))), "{who:?}: {answer:?}");
                    assert_eq!(stranger.hear().await, Some(Say::Answer(1)), "{who:?}");
                }
            }
        }
        assert_eq!(server.heard().len(), 3, "only of those that were welcome");
        for because in [ClosedBecause::Twin, ClosedBecause::Outdated, ClosedBecause::Unknown(NodeId(77))] {
            let said = |note: &Note| matches!(note, Note::Closed { because: other, .. } if *other == because);
            until("it is noted", || server.noted(said) == 1).await;
        }
    });
}

#[test]
fn whoever_is_refused_says_why() {
    with_wires(async |wires| {
        let port = wires.of(SERVER).listen().await.unwrap();
        let client = Host::boot(&wires, CLIENT, 0, ShellPolicy::default());
        client.send(SERVER, Say::Ask(1));
        Stranger::refuse(&port, Refusal::Outdated).await;
        let refused =
            Note::Closed { with: Some(SERVER), at: None, because: ClosedBecause::Refused(Refusal::Outdated) };
        until("it is noted", || client.noted(|note| *note == refused) == 1).await;
    });
}

#[test]
fn a_datagram_of_a_node_that_is_not_there_is_thrown_away() {
    with_wires(async |wires| {
        let policy = ShellPolicy { heartbeats: Transport::Udp, ..ShellPolicy::default() };
        let server = Host::boot(&wires, SERVER, 0, policy);
        pass(1).await;
        let socket = wires.of(OTHER).datagrams().await.unwrap();
        socket.send(SERVER, Label::Control, &[1, 5, 77, 0, 2, 7]).await.unwrap();
        socket.send(SERVER, Label::Control, &[1, 5, 2, 0, 2, 7]).await.unwrap();
        until("the other one", || server.heard() == [(OTHER, Say::Beat(7))]).await;
        let said = |note: &Note| matches!(note, Note::BadDatagram { because } if because.contains("node 77"));
        assert_eq!(server.noted(said), 1, "{:?}", server.notes());
    });
}
