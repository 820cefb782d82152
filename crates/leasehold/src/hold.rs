//! `hold`: a node that wants a lease, on real sockets.

use std::net::SocketAddr;

use leasehold_core::plan::Role;
use leasehold_core::{CommandId, NodeId};
use leasehold_scenario::{Ended, StopSignal, System, Then};

use crate::exit::Exit;
use crate::hosted::{HostedArgs, Refused, Setup, address};

/// `hold`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It asks for its lease, renews it, and prints its claims with their deadlines on its own clock,
in seconds since it began. SIGINT and SIGTERM make it give its lease back, if it has one; not its
place in the queue, nor a lease that is just being granted, which runs out. A second one ends it at
once, and so does a grantor that has not answered for twice the longest TTL.

Exit codes:
    0  it was asked to end, and had no lease or gave it back
    2  the command line or the scenario is wrong, the port or the folder is taken, or the log is
       damaged or another node's
   74  the data folder could not be written
  101  the node panicked
  130  SIGINT ended it before its lease was given back
  143  SIGTERM did")]
pub(crate) struct HoldArgs {
    #[command(flatten)]
    hosted: HostedArgs,

    /// Where the grantor is, or the registry; needed if the scenario has one
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    grantor: Option<SocketAddr>,

    /// Where the resource is that the holder works on; without one it holds its lease and gets no work done
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    resource: Option<SocketAddr>,

    /// Where to listen; port 0 stands for any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
}

/// What commands are called that make a node leave, in the order in which they are looked for.
const LEAVING: [&str; 2] = ["shutdown", "deregister"];

/// Runs it until it is asked to end.
pub(crate) fn hold(args: &HoldArgs, systems: &[&dyn System]) -> Exit {
    match run(args, systems) {
        Ok(exit) => exit,
        Err(refused) => refused.say(),
    }
}

fn wants_a_lease(role: Role) -> bool {
    matches!(role, Role::Contender | Role::Instance | Role::Sidecar)
}

fn run(args: &HoldArgs, systems: &[&dyn System]) -> Result<Exit, Refused> {
    let setup = Setup::read(&args.hosted, systems)?;
    let node = setup.chosen(wants_a_lease)?;
    let role = setup.role(node);
    if !wants_a_lease(role) {
        let name = setup.name(node);
        return Err(Refused::usage(
            format!("{name} asks for no lease"),
            format!("run it with `leasehold serve --node {name}`"),
        ));
    }
    let mut place = setup.place(node, args.listen)?;
    for (id, spec) in (0..).map(NodeId).zip(setup.nodes()) {
        let address = match spec.role {
            Role::Grantor | Role::Registry => args.grantor,
            Role::Resource => args.resource,
            _ => None,
        };
        if let Some(address) = address {
            place.peers.entry(id).or_insert(address);
        } else if matches!(spec.role, Role::Grantor | Role::Registry) && !place.peers.contains_key(&id) {
            let problem = format!("nobody said where {} is", spec.name);
            return Err(Refused::usage(
                problem,
                "give --grantor the address that it told when it began to listen",
            ));
        }
    }
    // One for the answer, and one for what it does until its peers have noticed.
    let within = setup.longest_ttl().scale(2, 1);
    let mut leave = leaving(&setup, role).map(|command| Then::Leave(command, within));
    let mut asked = Exit::Interrupted;
    let told = |how: StopSignal| {
        asked = match how {
            StopSignal::Interrupt => Exit::Interrupted,
            StopSignal::Terminate => Exit::Terminated,
        };
        leave.take().unwrap_or(Then::End)
    };
    let ended = setup.run(&place, told)?;
    Ok(match ended {
        Ended::Left => Exit::Fine,
        Ended::AtOnce | Ended::Unanswered => asked,
    })
}

fn leaving(setup: &Setup, role: Role) -> Option<CommandId> {
    let commands = setup.commands();
    LEAVING.iter().find_map(|name| {
        let found = (0..).zip(commands).find(|(_, command)| command.name == *name && command.role == role);
        found.map(|(id, _)| CommandId(id))
    })
}
