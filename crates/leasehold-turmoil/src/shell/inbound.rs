//! The connections that peers open.

use std::cell::Cell;
use std::rc::Rc;

use leasehold_core::node::Protocol;
use tokio::select;

use super::Shell;
use super::conversation::{Conversation, End, converse};
use super::frames::{Frames, expect_hello};
use super::outbox::Outbox;
use crate::machine::Machine;
use crate::net::{Label, Listener, Net, Writer};
use crate::note::{ClosedBecause, Note};
use crate::policy::Accepting;
use crate::wire::{Frame, Refusal};

/// Accepts connections for as long as the process lives.
pub(super) async fn accept<P: Protocol, M: Machine<P>, N: Net>(
    shell: Rc<Shell<P, M, N>>,
    listener: N::Listener,
) {
    let failed = Rc::new(Cell::new(false));
    loop {
        let (reader, writer) = match listener.accept().await {
            Ok(connection) => connection,
            Err(error) => {
                let what = format!("a connection could not be accepted: {error}");
                shell.machine.note(Note::Trouble { what });
                // What is wrong, such as too many open files, may be wrong for a while.
                shell.machine.sleep(shell.policy.backoff).await;
                continue;
            }
        };
        match shell.policy.accepting {
            Accepting::Always => {
                let shell_of_it = Rc::clone(&shell);
                shell.machine.spawn(async move {
                    serve(&shell_of_it, reader, writer).await;
                });
            }
            Accepting::OneAtATime => {
                serve(&shell, reader, writer).await;
            }
            Accepting::UntilAnError => {
                if failed.get() {
                    shell.machine.note(Note::Trouble { what: "the listener has stopped".to_owned() });
                    return std::future::pending().await;
                }
                let (shell_of_it, failed) = (Rc::clone(&shell), Rc::clone(&failed));
                shell.machine.spawn(async move {
                    let because = serve(&shell_of_it, reader, writer).await;
                    failed.set(failed.get() || is_an_error(&because));
                });
            }
        }
    }
}

fn is_an_error(because: &ClosedBecause) -> bool {
    match because {
        ClosedBecause::Truncated | ClosedBecause::Broke(_) | ClosedBecause::Garbage(_) => true,
        ClosedBecause::End
        | ClosedBecause::Silent
        | ClosedBecause::Replaced
        | ClosedBecause::Outdated
        | ClosedBecause::Twin
        | ClosedBecause::Unknown(_)
        | ClosedBecause::Refused(_) => false,
    }
}

/// Serves one connection until it is over.
async fn serve<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    reader: N::Reader,
    writer: N::Writer,
) -> ClosedBecause {
    let mut frames = Frames::new(reader, shell.policy);
    let origin = frames.origin();
    let hello = select! {
        biased;
        hello = expect_hello::<P, N>(&mut frames) => hello,
        // A stranger who says nothing is not waited for.
        () = shell.machine.sleep(shell.policy.silent_after) => Err(ClosedBecause::Silent),
    };
    let welcome = hello.map(|hello| (hello, shell.welcomes(&hello)));
    let (with, because) = match welcome {
        Ok((hello, Ok(()))) => {
            shell.machine.note(Note::Accepted { from: hello.node, lane: hello.lane });
            let outbox = Rc::new(Outbox::new(shell.policy.outbox));
            let conversation = Conversation::new(hello.node, hello.lane, hello.incarnation, outbox);
            shell.sessions.borrow_mut().open(&conversation);
            return converse(shell, End::Acceptor, frames, writer, &conversation).await;
        }
        Ok((hello, Err(refusal))) => {
            refuse(shell, frames, writer, refusal).await;
            // A node that is not there has no name.
            let with = Some(hello.node).filter(|_| refusal != Refusal::Unknown);
            (with, ClosedBecause::refusing(&hello, refusal))
        }
        Err(because) => (None, because),
    };
    let at = origin.filter(|_| with.is_none());
    shell.machine.note(Note::Closed { with, at, because: because.clone() });
    because
}

/// Says why whoever opened a connection is not spoken to, and lets it read that: a connection that is closed while something
/// on it was not read is reset, and may take along what was written last.
async fn refuse<P: Protocol, M: Machine<P>, N: Net>(
    shell: &Rc<Shell<P, M, N>>,
    mut frames: Frames<N::Reader>,
    mut writer: N::Writer,
    refusal: Refusal,
) {
    let frame = Frame::<()>::Refused(refusal).to_bytes(shell.policy.longest_frame.max(32));
    let frame = frame.expect("the shell's own frames are tiny");
    let said = async {
        if writer.write(Label::Control, &frame).await.is_ok() {
            drop(writer);
            while frames.next::<P::Message>().await.is_ok() {}
        }
    };
    select! {
        biased;
        () = said => {}
        () = shell.machine.sleep(shell.policy.silent_after) => {}
    }
}
