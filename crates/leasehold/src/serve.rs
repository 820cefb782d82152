//! `serve`: a node that others ask, on real sockets.

use std::net::SocketAddr;

use leasehold_core::plan::Role;
use leasehold_scenario::{System, Then};

use crate::exit::Exit;
use crate::hosted::{HostedArgs, Refused, Setup, address};

/// `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It is no production server: it authenticates nobody, encrypts nothing, and runs on one host. It is
the very state machine, shell and wire format that the simulations run, to try things against.
SIGINT and SIGTERM end it.

Exit codes:
    0  it was asked to end
    2  the command line or the scenario is wrong, the port or the folder is taken, or the log is
       damaged or another node's
   74  the data folder could not be written
  101  the node panicked")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    hosted: HostedArgs,

    /// Where to listen; port 0 stands for any that is free, and is told
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7420", value_parser = address)]
    listen: SocketAddr,
}

/// Runs it until it is asked to end.
pub(crate) fn serve(args: &ServeArgs, systems: &[&dyn System]) -> Exit {
    match run(args, systems) {
        Ok(exit) => exit,
        Err(refused) => refused.say(),
    }
}

fn run(args: &ServeArgs, systems: &[&dyn System]) -> Result<Exit, Refused> {
    let setup = Setup::read(&args.hosted, systems)?;
    let node = setup.chosen(|role| matches!(role, Role::Grantor | Role::Registry))?;
    let place = setup.place(node, args.listen)?;
    setup.run(&place, |_| Then::End).map(|_| Exit::Fine)
}
