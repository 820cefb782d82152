//! What `serve` and `hold` share: one node of a scenario, on this host.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_core::event::{EventKind, NodeEvent};
use leasehold_core::plan::Role;
use leasehold_core::{Event, NodeId, Span};
use leasehold_scenario::{
    BadLog, Beginning, ClosedBecause, CommandSpec, Ended, Engine, Faults, NodeSpec, Note, Place, RealError,
    Scenario, ScenarioError, Source, StopSignal, System, Then, Trial, Variant, Watcher,
};

use crate::exit::Exit;
use crate::names::Names;
use crate::page::Page;
use crate::refusal::{load, misuse, not_written, refuse};
use crate::words;

/// Which node, and what it needs.
#[derive(Debug, clap::Args)]
pub(crate) struct HostedArgs {
    /// The scenario whose node it is, the same one at all nodes; without one, one grantor with a TTL of 10s
    scenario: Option<PathBuf>,

    /// Without a scenario: a registry instead of a grantor
    #[arg(long, conflicts_with = "scenario")]
    registry: bool,

    /// Which node of the scenario; the first that fits unless it is given
    #[arg(long, value_name = "NAME")]
    node: Option<String>,

    /// The folder with the node's log; leasehold-data/NODE unless it is given. It is made if it is not there
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where another node is that this one may have to call, as in resource=127.0.0.1:7421; can be given many times
    #[arg(long = "peer", value_name = "NODE=ADDRESS")]
    peers: Vec<String>,

    /// Replace a value of the scenario, as in lease.ttl=5s, the same at all nodes; can be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overlays: Vec<String>,

    /// Run the safe variant: what stands in the scenario's [safe] table replaces what stands beside it
    #[arg(long)]
    safe: bool,

    /// Show every event, and every connection that opens or closes, also where it was said before
    #[arg(long, short)]
    verbose: bool,
}

/// An address of a host and a port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = |_| "expected an IP address and a port, as in 127.0.0.1:7420 or [::1]:7420".to_owned();
    text.parse().map_err(wrong)
}

/// Why a node does not run.
#[derive(Debug)]
pub(crate) enum Refused {
    Scenario(ScenarioError),
    Usage { problem: String, help: String },
    Real(RealError),
    NotPrinted(io::Error),
}

impl Refused {
    pub(crate) fn usage(problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into(), help: help.into() }
    }

    /// Says why, and what to do about it.
    pub(crate) fn say(&self) -> Exit {
        match self {
            Self::Scenario(error) => refuse(error),
            Self::Usage { problem, help } => misuse(problem, help),
            Self::NotPrinted(error) => not_written(None, error),
            Self::Real(error) => {
                misuse(&error.to_string(), help(error));
                match error {
                    RealError::Listen { .. } | RealError::InUse { .. } | RealError::Log { .. } => Exit::Usage,
                    RealError::Data { .. } | RealError::Write { .. } | RealError::Host(_) => Exit::NotWritten,
                    RealError::Panicked { .. } => Exit::Panicked,
                }
            }
        }
    }
}

fn help(error: &RealError) -> &'static str {
    match error {
        RealError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            "stop what listens there, or give --listen another port; port 0 stands for any that is free"
        }
        RealError::Listen { .. } => {
            "give --listen an address of this host and a port that this user may have"
        }
        RealError::Data { .. } => "give --data a folder that this user can write to",
        RealError::InUse { .. } => {
            "stop that process, or run another node (`--node holder-2`): a node is one process at a time"
        }
        RealError::Log { because: BadLog::OfAnother { .. }, .. } => {
            "give --data the folder of this node, or a new one"
        }
        RealError::Log { because: BadLog::Format { .. }, .. } => {
            "run the version of leasehold that wrote it, or give --data another folder"
        }
        RealError::Log { because: BadLog::Foreign, .. } => {
            "it was left as it is: move it away, or give --data another folder"
        }
        RealError::Log { because: BadLog::Damaged { .. }, .. } => {
            "it was left as it is, and nothing was started: leases may have been granted that it tells of. Bring it back from \
             a copy; or move it away, once the longest lease has surely run out"
        }
        RealError::Write { .. } => {
            "the process has ended, since it can promise nothing any more: make room on that disk, and start it again"
        }
        RealError::Panicked { .. } => "this is a mistake of the node's code: run it in a simulation",
        RealError::Host(_) => "see what this process may have of the host (ulimit)",
    }
}

/// A scenario, and which of its nodes is meant.
pub(crate) struct Setup<'a> {
    args: &'a HostedArgs,
    scenario: Arc<Scenario>,
    names: Names,
}

impl<'a> Setup<'a> {
    /// Reads the scenario.
    pub(crate) fn read(args: &'a HostedArgs, systems: &[&dyn System]) -> Result<Self, Refused> {
        let variant = if args.safe { Variant::Safe } else { Variant::AsWritten };
        let scenario = match &args.scenario {
            Some(path) => load(path, &args.overlays, variant, systems),
            None => {
                let source = Source::from_text("built-in.toml", built_in(args.registry));
                Scenario::parse(source.with_overlays(&args.overlays).as_variant(variant), systems)
            }
        };
        let scenario = Arc::new(scenario.map_err(Refused::Scenario)?);
        let trial = Trial::new(&scenario, 0, Faults::Scripted, systems);
        let names = Names::new(trial.header(Engine::Sim));
        Ok(Self { args, scenario, names })
    }

    pub(crate) fn nodes(&self) -> &[NodeSpec] {
        self.scenario.deployment.nodes()
    }

    pub(crate) fn commands(&self) -> &[CommandSpec<()>] {
        self.scenario.deployment.commands()
    }

    pub(crate) fn longest_ttl(&self) -> Span {
        self.scenario.deployment.bounds().longest_ttl
    }

    pub(crate) fn name(&self, node: NodeId) -> &str {
        &self.nodes()[node.index()].name
    }

    pub(crate) fn role(&self, node: NodeId) -> Role {
        self.nodes()[node.index()].role
    }

    /// The node that was asked for, or the first with such a role.
    pub(crate) fn chosen(&self, fits: impl Fn(Role) -> bool) -> Result<NodeId, Refused> {
        if let Some(name) = &self.args.node {
            return self.named(name);
        }
        let first = (0..).zip(self.nodes()).find(|(_, node)| fits(node.role));
        first.map(|(id, _)| NodeId(id)).ok_or_else(|| {
            let problem = format!("the scenario {} has no such node", self.scenario.name);
            Refused::usage(problem, "say with --node which one is meant")
        })
    }

    fn named(&self, name: &str) -> Result<NodeId, Refused> {
        let unknown =
            |help| Refused::usage(format!("the scenario {} has no node `{name}`", self.scenario.name), help);
        self.scenario.deployment.named(name).map_err(unknown)
    }

    /// Where that node runs.
    pub(crate) fn place(&self, node: NodeId, listen: SocketAddr) -> Result<Place, Refused> {
        let mut peers = BTreeMap::new();
        for peer in &self.args.peers {
            let Some((name, text)) = peer.split_once('=') else {
                let problem = format!("`{peer}` says no address");
                return Err(Refused::usage(problem, "write it as in --peer resource=127.0.0.1:7421"));
            };
            let wrong = |help| Refused::usage(format!("`{text}` is no address of {name}"), help);
            peers.insert(self.named(name)?, address(text).map_err(wrong)?);
        }
        let name = self.name(node).to_owned();
        let data = self.args.data.clone().unwrap_or_else(|| Path::new("leasehold-data").join(&name));
        Ok(Place {
            system: self.scenario.system.clone(),
            node,
            relies_on: self.nodes()[node.index()].relies_on,
            nodes: u16::try_from(self.nodes().len()).expect("nodes are numbered by 16 bits"),
            name,
            listen,
            peers,
            data,
            shell: self.scenario.shell,
        })
    }

    /// Runs it, prints what happens, and says how it ended.
    pub(crate) fn run(&self, place: &Place, asked: impl FnMut(StopSignal) -> Then) -> Result<Ended, Refused> {
        let mut shown = Shown {
            names: &self.names,
            place,
            verbosity: if self.args.verbose { Verbosity::Everything } else { Verbosity::Leases },
            page: Page::stdout(),
            unreachable: BTreeSet::new(),
            closed: BTreeMap::new(),
            asked,
        };
        let ended = self.scenario.deployment.serve(place, &mut shown);
        let printed = shown.page.finish();
        let ended = ended.map_err(Refused::Real)?;
        printed.map_err(Refused::NotPrinted)?;
        Ok(ended)
    }
}

/// What stands in the scenario that is meant when none is given: the defaults of its system.
fn built_in(registry: bool) -> &'static str {
    match registry {
        false => "schema = 1\nname = \"built-in\"\nsummary = \"One grantor, and who asks it for a lease.\"\n",
        true => {
            "schema = 1\nname = \"built-in\"\nsummary = \"A registry, and who registers there.\"\nsystem = \"registry\"\n"
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verbosity {
    /// What concerns leases, and the first trouble with each peer.
    Leases,
    Everything,
}

/// Prints what happens, as it happens.
struct Shown<'a, F> {
    names: &'a Names,
    place: &'a Place,
    verbosity: Verbosity,
    page: Page,
    /// Those that could not be called, and have not been reached since: that is said once.
    unreachable: BTreeSet<NodeId>,
    /// Why the last connection with each was closed, if nothing has changed since: that is said once, too.
    closed: BTreeMap<NodeId, ClosedBecause>,
    asked: F,
}

impl<F> Shown<'_, F> {
    fn is_worth_saying(&mut self, note: &Note) -> bool {
        match note {
            Note::NotOpened { to, .. } => {
                self.closed.remove(to);
                self.unreachable.insert(*to) || self.is_verbose()
            }
            Note::Opened { to, .. } => self.unreachable.remove(to) || self.is_verbose(),
            Note::Accepted { from, .. } => {
                self.closed.remove(from);
                self.is_verbose()
            }
            Note::Closed { with: Some(with), because, .. } => {
                self.closed.insert(*with, because.clone()).as_ref() != Some(because) || self.is_verbose()
            }
            _ => true,
        }
    }

    fn is_verbose(&self) -> bool {
        self.verbosity == Verbosity::Everything
    }
}

impl<F: FnMut(StopSignal) -> Then> Watcher for Shown<'_, F> {
    fn begins(&mut self, beginning: Beginning) {
        let Place { name, data, .. } = self.place;
        let Beginning { address, incarnation, records, torn } = beginning;
        let data = data.display();
        self.page.line(format_args!(
            "listening on {address} as {name}, incarnation {incarnation}, data in {data}"
        ));
        if records > 0 {
            let records = words::counted(records as u64, "record");
            self.page.line(format_args!("found {records} in its log"));
        }
        self.page.flush();
        if torn > 0 {
            anstream::eprintln!(
                "note: dropped {} at the end of the log, which are what a crash leaves of a write that it cut short; if \
                 something else cut the file, a promise may be lost",
                words::counted(torn as u64, "byte")
            );
        }
        anstream::eprintln!("note: this is a reference to try things against, no production server");
    }

    fn event(&mut self, event: &Event) {
        if self.is_verbose() || concerns_leases(&event.kind) {
            self.page.line(format_args!("{:>11}  {}", event.at, words::happened(self.names, event)));
            self.page.flush();
        }
    }

    fn note(&mut self, note: &Note) {
        if self.is_worth_saying(note) {
            anstream::eprintln!("note: {}", words::noted(self.names, note));
        }
    }

    fn asked_to_stop(&mut self, how: StopSignal) -> Then {
        (self.asked)(how)
    }
}

/// Whether an event is of a lease or a registration, not of the work that is done under it.
fn concerns_leases(kind: &EventKind) -> bool {
    match kind {
        EventKind::World(_) => false,
        EventKind::Node(event) => !matches!(
            event,
            NodeEvent::ReadServed { .. }
                | NodeEvent::EffectIssued { .. }
                | NodeEvent::EffectAccepted { .. }
                | NodeEvent::DuplicateRecognised { .. }
                | NodeEvent::TaskApplied { .. }
                | NodeEvent::RenewalAcknowledged { .. }
                | NodeEvent::RenewalTaken { .. }
                | NodeEvent::Asked { .. }
                | NodeEvent::Told { .. }
                | NodeEvent::ReleaseTaken { .. }
                | NodeEvent::EndOrdered { .. }
                | NodeEvent::TableHolds { .. }
                | NodeEvent::Probed(_)
        ),
    }
}
