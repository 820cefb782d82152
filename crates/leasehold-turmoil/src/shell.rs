//! The shell: what surrounds a state machine in production, and what can go wrong there.
//!
//! A process is some tasks that take turns. One drives the node, one input at a time. One accepts connections; each
//! connection has a task of its own, and so has each peer and lane that this process dials. They meet in [`Shell`].

mod conversation;
mod datagrams;
mod frames;
mod inbound;
mod outbound;
mod outbox;
mod routing;
mod sessions;
mod steps;
mod timers;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use leasehold_core::id::{Incarnation, NodeId};
use leasehold_core::node::{Identity, Node, Protocol};
use tokio::sync::mpsc;

use crate::machine::Machine;
use crate::net::{Lane, Net};
use crate::note::Note;
use crate::policy::{Incarnations, ShellPolicy, Transport};
use crate::wire::{Hello, Refusal};
use outbox::Outbox;
use sessions::Sessions;

/// How many messages have arrived and wait for the node: chosen by us, small, so that a slow node is felt by its peers.
const INBOX: usize = 64;

/// Runs a process for as long as it lives. Comes back only if it cannot listen.
///
/// `net` reaches the other nodes; `machine` is the host that the process runs on, and says who it is.
pub async fn live<P: Protocol, M: Machine<P>, N: Net>(
    machine: M,
    net: N,
    node: Box<dyn Node<P>>,
    policy: ShellPolicy,
) -> io::Error {
    let listener = match net.listen().await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    let datagrams = match policy.heartbeats {
        Transport::Tcp => None,
        Transport::Udp => match net.datagrams().await {
            Ok(datagrams) => Some(datagrams),
            Err(error) => return error,
        },
    };
    let (arrived, inbox) = mpsc::channel(INBOX);
    let shell = Rc::new(Shell {
        identity: machine.identity(),
        machine,
        net,
        policy,
        arrived,
        datagrams,
        links: RefCell::default(),
        sessions: RefCell::new(Sessions::new(&policy)),
        heard_of: RefCell::default(),
    });
    shell.machine.spawn(inbound::accept(Rc::clone(&shell), listener));
    if shell.datagrams.is_some() {
        shell.machine.spawn(datagrams::receive(Rc::clone(&shell)));
    }
    match steps::drive(&shell, node, inbox).await {}
}

/// A message that arrived, and who says it.
type Arrival<P> = (NodeId, <P as Protocol>::Message);

/// What the tasks of a process share.
struct Shell<P: Protocol, M, N: Net> {
    identity: Identity,
    machine: M,
    net: N,
    policy: ShellPolicy,
    /// Where messages wait for the node.
    arrived: mpsc::Sender<Arrival<P>>,
    /// If heartbeats travel by datagram.
    datagrams: Option<N::Datagrams>,
    /// What waits for the connections that this process opens.
    links: RefCell<BTreeMap<(NodeId, Lane), Rc<Outbox>>>,
    /// The connections that peers have opened.
    sessions: RefCell<Sessions>,
    /// The newest process of each peer that said something.
    heard_of: RefCell<BTreeMap<NodeId, Heard>>,
}

/// The newest process of a peer.
#[derive(Clone, Copy)]
struct Heard {
    incarnation: Incarnation,
    /// As its hello said; a datagram does not.
    process: Option<u64>,
}

impl<P: Protocol, M: Machine<P>, N: Net> Shell<P, M, N> {
    fn hello(&self, lane: Lane) -> Hello {
        let Identity { node, incarnation } = self.identity;
        Hello { node, incarnation, process: self.machine.process(), lane }
    }

    /// A process of a peer says something. Whether it is listened to.
    fn listens_to(&self, peer: NodeId, incarnation: Incarnation) -> bool {
        let mut heard_of = self.heard_of.borrow_mut();
        let said = Heard { incarnation, process: None };
        let newest = heard_of.entry(peer).or_insert(said);
        if newest.incarnation < incarnation {
            *newest = said;
        }
        newest.incarnation == incarnation || self.policy.incarnations == Incarnations::Any
    }

    /// A peer says who it is. Whether it is spoken to.
    fn welcomes(&self, hello: &Hello) -> Result<(), Refusal> {
        if !self.machine.knows(hello.node) {
            return Err(Refusal::Unknown);
        }
        if !self.listens_to(hello.node, hello.incarnation) {
            return Err(Refusal::Outdated);
        }
        let mut heard_of = self.heard_of.borrow_mut();
        let newest = heard_of.get_mut(&hello.node).expect("it was heard of just now");
        if newest.incarnation == hello.incarnation
            && *newest.process.get_or_insert(hello.process) != hello.process
        {
            return Err(Refusal::Twin);
        }
        Ok(())
    }

    /// Hands a message to the node, and waits while too many others wait for it.
    async fn arrives(&self, from: NodeId, incarnation: Incarnation, message: P::Message) {
        if !self.listens_to(from, incarnation) {
            self.machine.note(Note::Outdated { from, incarnation });
            return;
        }
        // The node's task ends with the process, and so does this one.
        let _ = self.arrived.send((from, message)).await;
    }
}
