//! How the node is driven.

use leasehold_turmoil::{Note, ShellPolicy};

use crate::host::{Do, Host, Say, pass, until, with_wires};
use crate::{CLIENT, SERVER};

#[test]
fn a_stop_falls_between_two_outputs() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let client = Host::boot(&wires, CLIENT, 0, ShellPolicy::default());
        client.send(SERVER, Say::Ask(0));
        until("a connection", || client.has_heard(&Say::Answer(0))).await;
        client.stop_next_step_at(2);
        client.command(Do::SendAll(SERVER, (1..=3).map(Say::Ask).collect()));
        until("it stops", || client.is_stopped()).await;
        pass(500).await;
        let asked = |number| server.has_heard(&Say::Ask(number));
        assert_eq!([1, 2, 3].map(asked), [true, true, false], "the first two left before the stop");
        client.send(SERVER, Say::Ask(4));
        pass(500).await;
        assert!(!asked(4), "no input is taken in the middle of a step");
        client.go_on();
        until("the rest", || asked(3) && asked(4)).await;
    });
}

/// The messages have left by the time the stop falls, not some while after it: the gate in front of a process's tasks shuts
/// at once.
#[test]
fn what_stands_before_a_stop_has_left_when_it_falls() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let client = Host::boot(&wires, CLIENT, 0, ShellPolicy::default());
        client.send(SERVER, Say::Ask(0));
        until("a connection", || client.has_heard(&Say::Answer(0))).await;
        client.stop_next_step_at(1);
        client.send(SERVER, Say::Ask(1));
        until("it stops", || client.is_stopped()).await;
        // All tasks of the process end at this very instant.
        client.kill();
        until("it has left", || server.has_heard(&Say::Ask(1))).await;
    });
}

#[test]
fn a_node_that_always_has_something_to_do_keeps_nobody_waiting() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let client = Host::boot(&wires, CLIENT, 0, ShellPolicy::default());
        client.send(SERVER, Say::Ask(0));
        until("a connection", || client.has_heard(&Say::Answer(0))).await;
        server.command(Do::Spin(u32::MAX));
        client.send(SERVER, Say::Ask(1));
        // No time passes while somebody has something to do.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert!(server.steps() > 100, "it spins");
        assert!(client.has_heard(&Say::Answer(1)));
    });
}

#[test]
fn messages_without_end_keep_no_timer_waiting() {
    with_wires(async |wires| {
        let server = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let client = Host::boot(&wires, CLIENT, 0, ShellPolicy::default());
        client.command(Do::SendAll(SERVER, (0..250).map(Say::Ask).collect()));
        until("the first", || server.heard().len() > 10).await;
        server.command(Do::Spin(1));
        client.command(Do::SendAll(SERVER, (0..250).map(Say::Ask).collect()));
        until("all", || server.heard().len() == 500).await;
        // Start, 500 messages, the command and the timer.
        until("the timer too", || server.steps() == 503).await;
    });
}

#[test]
fn a_panic_is_told_and_the_node_is_not_used_again() {
    with_wires(async |wires| {
        let client = Host::boot(&wires, CLIENT, 0, ShellPolicy::default());
        client.command(Do::Panic);
        until("it is told", || client.panic_message().is_some()).await;
        assert_eq!(client.panic_message().as_deref(), Some("as it was told"));
        let steps = client.steps();
        client.send(SERVER, Say::Ask(1));
        pass(1_000).await;
        assert_eq!(client.steps(), steps);
    });
}

#[test]
fn a_process_that_cannot_listen_says_so() {
    with_wires(async |wires| {
        let _first = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let second = Host::boot(&wires, SERVER, 0, ShellPolicy::default());
        let said = |note: &Note| matches!(note, Note::Trouble { what } if what.starts_with("cannot listen"));
        until("it is told", || second.noted(said) == 1).await;
    });
}
