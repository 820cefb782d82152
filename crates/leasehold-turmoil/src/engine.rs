//! The engine: the nodes behind sockets, on turmoil's simulated network.
//!
//! The [conductor](leasehold_sim::Conductor) has the world: clocks, disks, faults, claims, and the fate of each message.
//! Here are the processes. Time goes on by ticks: before each, the world is told to the hosts; then every host runs; then
//! what they did is told to the world.

pub(crate) mod alarms;
mod bell;
mod driver;
pub(crate) mod envelope;
pub(crate) mod fates;
pub(crate) mod gate;
mod inexpressible;
pub(crate) mod inflow;
pub(crate) mod process;
pub(crate) mod stage;

use leasehold_core::event::EventSink;
use leasehold_core::id::NodeId;
use leasehold_core::node::{Instruction, Node, Protocol};
use leasehold_core::outcome::Outcome;
use leasehold_core::plan::Plan;
use leasehold_core::time::SimInstant;
use leasehold_sim::conduct;

pub use inexpressible::{Inexpressible, Subject, inexpressible};

use crate::engine::driver::{Driver, Shell};
use crate::engine::process::SimulatedHost;
use crate::engine::stage::TICK;
use crate::note::Note;
use crate::policy::ShellPolicy;
use crate::shell::live;
use crate::turmoil_net::TurmoilNet;

/// Runs a plan to its end, each node in a shell of its own.
///
/// `make` gives the node for each id; `commands` is what [`CommandId`](leasehold_core::CommandId)s stand for. Every event
/// goes to `sink`, which may end the run; what the shells tell people goes to `notes`. A panic in a node ends the run and
/// is its outcome.
///
/// A run belongs on a thread of its own: libraries below keep state in thread-locals.
///
/// # Panics
///
/// If the plan names nodes or commands that do not exist, or the sink, `notes` or a shell panics.
pub fn run<P: Protocol>(
    plan: &Plan,
    make: &dyn Fn(NodeId) -> Box<dyn Node<P>>,
    commands: &[Instruction<P::Command>],
    policy: &ShellPolicy,
    sink: &mut dyn EventSink,
    notes: &mut dyn FnMut(SimInstant, NodeId, &Note),
) -> Outcome {
    let shell: Shell<'_, P> = &|machine, net, node| Box::pin(lives(machine, net, make(node), *policy));
    conduct(plan, commands, TICK, sink, |conductor| Driver::new(plan, conductor, shell, notes).run())
}

async fn lives<P: Protocol>(
    machine: SimulatedHost<P>,
    net: TurmoilNet,
    node: Box<dyn Node<P>>,
    policy: ShellPolicy,
) {
    let error = live(machine, net, node, policy).await;
    panic!("a process cannot listen on a host that it has to itself: {error}");
}
