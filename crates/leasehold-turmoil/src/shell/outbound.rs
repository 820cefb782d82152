//! The connections that this process opens.

use std::io;
use std::rc::Rc;

use leasehold_core::id::NodeId;
use leasehold_core::node::Protocol;
use tokio::select;

use super::Shell;
use super::conversation::{Conversation, End, converse};
use super::frames::Frames;
use super::outbox::Outbox;
use crate::machine::Machine;
use crate::net::{Lane, Net};
use crate::note::Note;
use crate::policy::Unanswered;

/// Keeps a connection to a peer from the first message on, for as long as the process lives: the peer needs it for what it
/// tells unasked.
pub(super) async fn keep<P: Protocol, M: Machine<P>, N: Net>(
    shell: Rc<Shell<P, M, N>>,
    to: NodeId,
    lane: Lane,
    outbox: Rc<Outbox>,
) {
    let policy = shell.policy;
    let mut backoff = policy.backoff;
    let mut trouble = None;
    loop {
        match open(&shell, to).await {
            Ok((reader, writer)) => {
                shell.machine.note(Note::Opened { to, lane });
                trouble = None;
                let conversation =
                    Conversation::new(to, lane, shell.identity.incarnation, Rc::clone(&outbox));
                let (shell_of_it, its_own) = (Rc::clone(&shell), Rc::clone(&conversation));
                shell.machine.spawn(async move {
                    let frames = Frames::new(reader, policy);
                    converse(&shell_of_it, End::Dialler, frames, writer, &its_own).await;
                });
                conversation.over().await;
                // One that accepts and hangs up at once is no better than one that does not accept.
                if conversation.was_answered() {
                    backoff = policy.backoff;
                }
                if policy.unanswered == Unanswered::SentAgain {
                    shell.give_up(to, outbox.put_back(conversation.take_unanswered()));
                }
            }
            Err(error) => {
                let because = Some(error.to_string());
                // Said once, not at each attempt.
                if because != trouble {
                    shell.machine.note(Note::NotOpened { to, because: error.to_string() });
                    trouble = because;
                }
            }
        }
        if policy.unanswered == Unanswered::Gone {
            shell.give_up(to, outbox.take_all());
        }
        shell.machine.sleep(backoff).await;
        backoff = (backoff + backoff).min(policy.backoff_max);
    }
}

/// Opens a connection, or gives up after a while.
async fn open<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    to: NodeId,
) -> io::Result<(N::Reader, N::Writer)> {
    select! {
        biased;
        opened = shell.net.connect(to) => opened,
        () = shell.machine.sleep(shell.policy.connect_within) => {
            Err(io::Error::new(io::ErrorKind::TimedOut, "no answer"))
        }
    }
}
