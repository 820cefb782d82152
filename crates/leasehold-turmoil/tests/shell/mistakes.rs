//! What each mistake of a shell looks like from outside. The safe choice passes each of these tests the other way round.

use leasehold_turmoil::{
    Accepting, Framing, Incarnations, Lane, Net, Note, Replies, ShellPolicy, Unanswered,
};

use crate::host::{Do, Host, Say, pass, until, with_wires};
use crate::stranger::Stranger;
use crate::{CLIENT, OTHER, SERVER};

fn shell(change: impl FnOnce(&mut ShellPolicy)) -> ShellPolicy {
    let mut policy = ShellPolicy::default();
    change(&mut policy);
    policy
}

fn accepted(server: &Host) -> usize {
    server.noted(|note| matches!(note, Note::Accepted { .. }))
}

/// Three peers, the first of which connects anew; then the second is told something. Who hears it?
#[test]
fn an_answer_goes_to_whoever_has_moved_up() {
    for (replies, by_whom) in [(Replies::ToThePeer, 1), (Replies::ToThePlace, 2)] {
        with_wires(async move |wires| {
            let server = Host::boot(&wires, SERVER, 0, shell(|policy| policy.replies = replies));
            let mut peers = Vec::new();
            for node in 1..=3 {
                let node = leasehold_core::id::NodeId(node);
                peers.push(Stranger::greet(&wires, node, 0, Lane::Watch, SERVER).await);
                until("it is accepted", || accepted(&server) == usize::from(node.0)).await;
            }
            peers[0] = Stranger::greet(&wires, CLIENT, 0, Lane::Watch, SERVER).await;
            until("the old one is closed", || server.noted(|note| matches!(note, Note::Closed { .. })) == 1)
                .await;
            server.send(OTHER, Say::News(1));
            assert_eq!(peers[by_whom].hear().await, Some(Say::News(1)));
        });
    }
}

#[test]
fn an_answer_waits_for_a_process_that_did_not_ask() {
    for (replies, kept) in [(Replies::ToThePeer, false), (Replies::ToTheNextConnection, true)] {
        with_wires(async move |wires| {
            let server = Host::boot(&wires, SERVER, 0, shell(|policy| policy.replies = replies));
            let dead = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
            until("it is accepted", || accepted(&server) == 1).await;
            drop(dead);
            until("its end", || server.noted(|note| matches!(note, Note::Closed { .. })) == 1).await;
            server.send(CLIENT, Say::Answer(1));
            pass(10).await;
            assert_eq!(server.gave_up().is_empty(), kept);
            let mut successor = Stranger::greet(&wires, CLIENT, 1, Lane::Requests, SERVER).await;
            until("it is accepted", || accepted(&server) == 2).await;
            server.send(CLIENT, Say::Answer(2));
            let first = if kept { 1 } else { 2 };
            assert_eq!(successor.hear().await, Some(Say::Answer(first)));
        });
    }
}

#[test]
fn a_dead_process_goes_on_speaking() {
    for (incarnations, heard) in [(Incarnations::NewestOnly, false), (Incarnations::Any, true)] {
        with_wires(async move |wires| {
            let server = Host::boot(&wires, SERVER, 0, shell(|policy| policy.incarnations = incarnations));
            let mut dead = Stranger::greet(&wires, CLIENT, 0, Lane::Heartbeats, SERVER).await;
            until("it is accepted", || accepted(&server) == 1).await;
            let _successor = Stranger::greet(&wires, CLIENT, 1, Lane::Heartbeats, SERVER).await;
            until("so is its successor", || accepted(&server) == 2).await;
            dead.say(Say::Beat(1)).await;
            pass(10).await;
            assert_eq!(server.has_heard(&Say::Beat(1)), heard);
        });
    }
}

#[test]
fn a_read_is_taken_for_a_frame() {
    let frame = |number| leasehold_turmoil::wire::Frame::Message(Say::Ask(number)).to_bytes(64).unwrap();
    for framing in [Framing::Reassembled, Framing::OneRead] {
        with_wires(async move |wires| {
            let server = Host::boot(&wires, SERVER, 0, shell(|policy| policy.framing = framing));
            let mut peer = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
            until("it is accepted", || accepted(&server) == 1).await;
            peer.write(&[frame(1), frame(2)].concat()).await;
            until("the first", || server.has_heard(&Say::Ask(1))).await;
            peer.write(&frame(3)[..5]).await;
            pass(10).await;
            let closed = server.noted(|note| matches!(note, Note::Closed { .. }));
            let got = [server.has_heard(&Say::Ask(2)), closed == 0];
            let right = framing == Framing::Reassembled;
            assert_eq!(got, [right, right], "{framing:?}");
        });
    }
}

#[test]
fn what_nobody_answered_is_sent_again() {
    for (unanswered, asked) in [(Unanswered::Gone, 1), (Unanswered::SentAgain, 2)] {
        with_wires(async move |wires| {
            let policy = shell(|policy| policy.unanswered = unanswered);
            let client = Host::boot(&wires, CLIENT, 0, policy);
            let server = Host::boot(&wires, SERVER, 0, policy);
            client.send(SERVER, Say::Ask(1));
            until("a connection", || client.has_heard(&Say::Answer(1))).await;
            // The question gets there. Its answer does not.
            wires.sever(SERVER, CLIENT);
            client.send(SERVER, Say::Ask(2));
            until("a new connection", || client.noted(|note| matches!(note, Note::Opened { .. })) == 2).await;
            wires.repair();
            pass(3_000).await;
            let times = server.heard().iter().filter(|(_, said)| *said == Say::Ask(2)).count();
            assert_eq!(times.min(2), asked, "{unanswered:?}");
        });
    }
}

#[test]
fn a_listener_serves_one_and_lets_the_others_wait() {
    for (accepting, served) in [(Accepting::Always, true), (Accepting::OneAtATime, false)] {
        with_wires(async move |wires| {
            let server = Host::boot(&wires, SERVER, 0, shell(|policy| policy.accepting = accepting));
            let first = Stranger::greet(&wires, CLIENT, 0, Lane::Requests, SERVER).await;
            let mut second = Stranger::greet(&wires, OTHER, 0, Lane::Requests, SERVER).await;
            second.say(Say::Ask(1)).await;
            pass(5_000).await;
            assert_eq!(server.has_heard(&Say::Ask(1)), served);
            drop(first);
            assert_eq!(second.hear().await, Some(Say::Answer(1)), "its turn comes");
        });
    }
}

#[test]
fn a_listener_stops_at_its_first_error() {
    for (accepting, served) in [(Accepting::Always, true), (Accepting::UntilAnError, false)] {
        with_wires(async move |wires| {
            let server = Host::boot(&wires, SERVER, 0, shell(|policy| policy.accepting = accepting));
            let mut bad = Stranger::dial(&wires, CLIENT, SERVER).await;
            bad.write(&[255; 8]).await;
            assert_eq!(bad.hear().await, None);
            let mut good = Stranger::greet(&wires, OTHER, 0, Lane::Requests, SERVER).await;
            good.say(Say::Ask(1)).await;
            pass(5_000).await;
            assert_eq!(server.has_heard(&Say::Ask(1)), served);
        });
    }
}

/// A slow answer on the only stream there is: what is urgent waits behind what is large.
#[test]
fn a_heartbeat_waits_behind_a_transfer_on_the_same_stream() {
    use leasehold_turmoil::Lanes;
    for (lanes, in_time) in [(Lanes::Apart, true), (Lanes::One, false)] {
        with_wires(async move |wires| {
            wires.hold(1024);
            let policy = shell(|policy| policy.lanes = lanes);
            let port = wires.of(SERVER).listen().await.unwrap();
            let client = Host::boot(&wires, CLIENT, 0, policy);
            client.command(Do::SendAll(SERVER, vec![Say::Bulk(vec![0; 10_000]), Say::Beat(1)]));
            let mut beaten = false;
            // It reads no byte of the large one, and all of the others.
            for _ in 0..2 {
                let next = tokio::time::timeout(
                    std::time::Duration::from_millis(300),
                    Stranger::answer(&port, SERVER, 0),
                );
                let Ok((mut peer, hello)) = next.await else { break };
                if hello.lane == Lane::Heartbeats {
                    beaten = peer.hear().await == Some(Say::Beat(1));
                }
                std::mem::forget(peer);
            }
            assert_eq!(beaten, in_time, "{lanes:?}");
        });
    }
}
