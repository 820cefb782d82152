//! The seam to the host: clocks, a disk, a scheduler, and whoever watches.

use std::future::Future;

use leasehold_core::clock::{ClockFace, Reading};
use leasehold_core::event::NodeEvent;
use leasehold_core::id::{NodeId, Ticket};
use leasehold_core::node::{Identity, Leg, Output, Protocol, Purpose};
use leasehold_core::noise::Draws;
use leasehold_core::time::Span;

use crate::note::Note;

/// What a process is told, and not by the network.
#[derive(Clone, Debug)]
pub enum Told<P: Protocol> {
    /// It runs for the first time on this host; the disk is empty.
    Started,
    /// It runs again.
    Restarted {
        /// What the disk kept, by slot.
        disk: Vec<P::Record>,
    },
    /// The write with this ticket, and all before it, are durable.
    Persisted(Ticket),
    /// Somebody wants something done.
    Command(P::Command),
}

/// The host that a process runs on.
///
/// One value is one process: what it is told after a crash is told to its successor, which has another.
pub trait Machine<P: Protocol>: Clone + 'static {
    /// Who the process is.
    fn identity(&self) -> Identity;

    /// A number that no other process of this node has, even if it counts itself as of the same incarnation: its data folder
    /// was lost, or there is another one. In a simulation there is none such.
    fn process(&self) -> u64 {
        0
    }

    /// Whether the deployment has such a node. In a simulation nobody else can speak.
    fn knows(&self, _node: NodeId) -> bool {
        true
    }

    /// What the host's clocks show.
    fn face(&self) -> ClockFace;

    /// The stream of numbers for one step of the node.
    fn draws(&self) -> Draws;

    /// Waits for the next thing that the process is told. The first is [`Told::Started`] or [`Told::Restarted`]. May be
    /// given up at any time without loss.
    fn told(&self) -> impl Future<Output = Told<P>>;

    /// Waits until one of these readings is reached, for ever if there is none. May come back early: look at the clock.
    fn until(&self, any_of: &[Reading]) -> impl Future<Output = ()>;

    /// Waits for a while: the shell's own waits (back-off, keep-alive). Not what the protocol's clocks show.
    fn sleep(&self, span: Span) -> impl Future<Output = ()>;

    /// Runs a task beside the others of this process. It ends with the process.
    fn spawn(&self, task: impl Future<Output = ()> + 'static);

    /// Whether a stop falls within a step with these outputs: those before the place leave, then [`stop`](Self::stop) is to
    /// be awaited, then the others leave. Always `None` on a real host, where stops fall anywhere by themselves.
    fn stop_within(&self, outputs: &[Output<P>]) -> Option<usize>;

    /// The stop that was found falls now. Comes back when the process goes on, if it does.
    fn stop(&self) -> impl Future<Output = ()>;

    /// A step of the node is done, with all that follows from it. Comes back when the process takes the next input: at
    /// once, unless it is slow.
    fn stepped(&self) -> impl Future<Output = ()>;

    /// Begins a write. Writes become durable in order; [`Told::Persisted`] says when.
    fn persist(&self, ticket: Ticket, record: P::Record);

    /// Tells whoever judges.
    fn emit(&self, event: NodeEvent);

    /// A message was given up, because there was no connection to take it or the one that had taken it broke.
    fn gave_up(&self, to: NodeId, class: (Purpose, Leg));

    /// The node's code panicked: the process is dead. Does not come back.
    fn panicked(&self, message: String) -> impl Future<Output = ()>;

    /// Tells people something of the shell.
    fn note(&self, note: Note);
}
