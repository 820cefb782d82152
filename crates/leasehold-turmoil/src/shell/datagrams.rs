//! Heartbeats by datagram: each by itself, lost when nobody takes it.

use std::rc::Rc;

use leasehold_core::id::NodeId;
use leasehold_core::node::{Identity, Message, Protocol};

use super::Shell;
use crate::machine::Machine;
use crate::net::{Datagrams, Label, Net};
use crate::note::{ClosedBecause, Note};
use crate::wire::Letter;

/// The longest datagram that UDP over IPv4 takes (RFC 768 and RFC 791: 65,535 bytes with both headers).
const LONGEST: u32 = 65_507;

impl<P: Protocol, M: Machine<P>, N: Net> Shell<P, M, N> {
    pub(super) async fn send_datagram(&self, to: NodeId, message: P::Message) {
        let Some(datagrams) = &self.datagrams else { return };
        let class = message.class();
        let Identity { node: from, incarnation } = self.identity;
        let letter = Letter { from, incarnation, message };
        let sent = match letter.to_bytes(self.policy.longest_frame.min(LONGEST)) {
            Ok(bytes) => {
                let label = Label::Message(class.0, class.1);
                datagrams.send(to, label, &bytes).await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(because) = sent {
            self.machine.note(Note::NotSent { to, because });
            self.machine.gave_up(to, class);
        }
    }
}

/// Takes datagrams for as long as the process lives. Those that come faster than the node takes them are lost in the
/// socket.
pub(super) async fn receive<P: Protocol, M: Machine<P>, N: Net>(shell: Rc<Shell<P, M, N>>) {
    let Some(datagrams) = &shell.datagrams else { return };
    // A byte more than the longest, so that one which is longer still is not taken for whole.
    let mut buffer = vec![0; LONGEST as usize + 1];
    loop {
        let count = match datagrams.receive(&mut buffer).await {
            Ok(count) => count,
            Err(error) => {
                shell.machine.note(Note::Trouble { what: format!("no datagram could be received: {error}") });
                shell.machine.sleep(shell.policy.backoff).await;
                continue;
            }
        };
        match Letter::from_bytes(&buffer[..count], shell.policy.longest_frame) {
            Ok(Letter { from, .. }) if !shell.machine.knows(from) => {
                shell.machine.note(Note::BadDatagram { because: ClosedBecause::Unknown(from).to_string() });
            }
            Ok(Letter { from, incarnation, message }) => shell.arrives(from, incarnation, message).await,
            Err(error) => shell.machine.note(Note::BadDatagram { because: error.to_string() }),
        }
    }
}
