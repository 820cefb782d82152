//! A system that is ready to run, with its protocol's types erased.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use leasehold_check::Invariant;
use leasehold_core::plan::{Plan, Role};
use leasehold_core::{
    Bounds, ClockKind, EventSink, Instruction, Node, NodeId, Outcome, Protocol, Reckoning, ResourceId, Span,
};

use leasehold_plan::{CommandEffect, CommandTemplate};
use leasehold_turmoil::{Ended, Place, RealError, ShellPolicy, Watcher};

use crate::engine::{Engine, Shell};
use crate::fault::{EVERYBODY, actions};
use crate::predicted::Predicted;
use crate::suggest::which_node;

/// Contenders start within this time of each other, so that who comes first depends on the seed. Chosen by us:
/// a few round trips.
const CONTENDERS_START_WITHIN: Span = Span::from_millis(50);

/// One node of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its unique name: faults and `[clocks]` refer to it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The clock that its protocol reads.
    pub relies_on: ClockKind,
    /// The resources it wants to hold, or to write to without a lease; liveness is judged for these.
    pub contends_for: Vec<ResourceId>,
}

/// What a plan can tell a node to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandSpec<C> {
    /// What faults call it.
    pub name: &'static str,
    /// The role of the nodes that take it; for others it is an error of the scenario.
    pub role: Role,
    /// What the node is given.
    pub command: C,
    /// What it is given when the fault is over; nothing if the command takes no time.
    pub undo: Option<C>,
    /// Why it would do nothing in this deployment, and what it needs: a fault that says it is an error of the scenario.
    /// Nothing if it does something.
    pub refused: Option<(&'static str, &'static str)>,
}

impl<C> CommandSpec<C> {
    /// What a generator of random faults has to know of it.
    pub(crate) fn template(&self) -> CommandTemplate {
        let effect = match (self.refused, &self.undo) {
            (Some(_), _) => CommandEffect::Nothing,
            (None, Some(_)) => CommandEffect::Lasting,
            (None, None) => CommandEffect::AtOnce,
        };
        CommandTemplate { role: self.role, effect }
    }
}

/// The nodes of one scenario and what is known of them, ready to run any number of times, on any thread.
pub struct Deployment {
    nodes: Vec<NodeSpec>,
    bounds: Bounds,
    commands: Vec<CommandSpec<()>>,
    invariants: Vec<Invariant>,
    reckoning: Option<Reckoning>,
    predictions: Vec<Predicted>,
    starts_within: Span,
    instances: Vec<String>,
    runner: Box<dyn Runner>,
}

impl Deployment {
    /// A deployment of protocol `P`. `make` gives a fresh node for each id: its position in `nodes`.
    ///
    /// `commands` are what a plan can tell a node to do: a [`CommandId`](leasehold_core::CommandId) is a position
    /// there.
    ///
    /// # Panics
    ///
    /// If two nodes have one name or one is called `all`, or a command has the name of one of the harness's own
    /// faults: mistakes of the system, not of the scenario.
    pub fn new<P: Protocol>(
        nodes: Vec<NodeSpec>,
        bounds: Bounds,
        commands: Vec<CommandSpec<P::Command>>,
        make: impl Fn(NodeId) -> Box<dyn Node<P>> + Send + Sync + 'static,
    ) -> Self {
        let names: BTreeSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names.len(), nodes.len(), "every node of a system has its own name");
        assert!(!names.contains(EVERYBODY), "no node is called `{EVERYBODY}`: faults mean all nodes by it");
        let (specs, commands): (Vec<CommandSpec<()>>, Vec<Instruction<P::Command>>) = commands
            .into_iter()
            .map(|CommandSpec { name, role, command, undo, refused }| {
                let undone = undo.as_ref().map(|_| ());
                (
                    CommandSpec { name, role, command: (), undo: undone, refused },
                    Instruction { command, undo },
                )
            })
            .unzip();
        for CommandSpec { name, .. } in &specs {
            assert!(actions().all(|action| action != *name), "the command {name} has the name of a fault");
        }
        let starts_within = CONTENDERS_START_WITHIN;
        let runner = Box::new(Wired { make, commands, protocol: PhantomData::<fn() -> P> });
        Self {
            nodes,
            bounds,
            commands: specs,
            invariants: Invariant::ALL.to_vec(),
            reckoning: None,
            predictions: Vec::new(),
            starts_within,
            instances: Vec::new(),
            runner,
        }
    }

    /// Says which invariants apply; all do unless this is called.
    #[must_use]
    pub fn judged_by(mut self, invariants: &[Invariant]) -> Self {
        self.invariants = invariants.to_vec();
        self
    }

    /// Says how the bounds come about, for people. It should come from the same computation as the bounds.
    #[must_use]
    pub fn reckoned_as(mut self, reckoning: Reckoning) -> Self {
        self.reckoning = Some(reckoning);
        self
    }

    /// Says what measurements of it will come to. It should come from the same numbers as the bounds.
    #[must_use]
    pub fn predicting(mut self, predictions: Vec<Predicted>) -> Self {
        self.predictions = predictions;
        self
    }

    /// Says within which time of each other those start that serve nobody: contenders, members and discovery clients.
    #[must_use]
    pub fn starting_within(mut self, span: Span) -> Self {
        self.starts_within = span;
        self
    }

    /// Says what the instances are called that members register, by id.
    #[must_use]
    pub fn registering(mut self, instances: Vec<String>) -> Self {
        self.instances = instances;
        self
    }

    /// The names of the instances that members register, by id.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// The time within which a node of this role starts: servers are there at once.
    pub(crate) fn starts_within(&self, role: Role) -> Span {
        match role {
            Role::Contender | Role::Instance | Role::Sidecar | Role::Discovery => self.starts_within,
            Role::Grantor | Role::Resource | Role::Registry | Role::Follower | Role::Observer => Span::ZERO,
        }
    }

    /// The nodes, by id.
    pub fn nodes(&self) -> &[NodeSpec] {
        &self.nodes
    }

    /// The node with this name.
    ///
    /// # Errors
    ///
    /// Which one may have been meant, if there is none.
    pub fn named(&self, name: &str) -> Result<NodeId, String> {
        match (0..).zip(&self.nodes).find(|(_, node)| node.name == name) {
            Some((id, _)) => Ok(NodeId(id)),
            None => {
                let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
                Err(which_node(name, &names))
            }
        }
    }

    /// What timed invariants are judged by.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// How the bounds come about, if the system says so.
    pub fn reckoning(&self) -> Option<&Reckoning> {
        self.reckoning.as_ref()
    }

    /// What measurements will come to, as far as the system says.
    pub fn predictions(&self) -> &[Predicted] {
        &self.predictions
    }

    /// The commands, by id.
    pub fn commands(&self) -> &[CommandSpec<()>] {
        &self.commands
    }

    /// The invariants that apply.
    pub fn invariants(&self) -> &[Invariant] {
        &self.invariants
    }

    /// Runs a plan to its end, telling `sink` all that happens. The plan must be one of this deployment's
    /// scenario. Shells, on an engine that has them, work as they do unless a scenario says otherwise.
    pub fn run(&self, engine: Engine, plan: &Plan, sink: &mut dyn EventSink) -> Outcome {
        let shell = Shell { policy: &ShellPolicy::default(), notes: &mut |_, _, _| {} };
        self.run_within(engine, plan, shell, sink)
    }

    /// The same, with this shell around each node on an engine that has shells.
    pub fn run_within(
        &self,
        engine: Engine,
        plan: &Plan,
        shell: Shell<'_>,
        sink: &mut dyn EventSink,
    ) -> Outcome {
        self.runner.run(engine, plan, shell, sink)
    }

    /// Runs one node on this host, on real sockets, with real clocks and a durable log, until `watcher` says that it ends.
    ///
    /// # Errors
    ///
    /// If it cannot listen, its data folder or its log cannot be used, a write fails, or its code panics.
    pub fn serve(&self, place: &Place, watcher: &mut dyn Watcher) -> Result<Ended, RealError> {
        self.runner.serve(place, watcher)
    }
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("nodes", &self.nodes)
            .field("bounds", &self.bounds)
            .field("commands", &self.commands)
            .field("invariants", &self.invariants)
            .finish_non_exhaustive()
    }
}

trait Runner: Send + Sync {
    fn run(&self, engine: Engine, plan: &Plan, shell: Shell<'_>, sink: &mut dyn EventSink) -> Outcome;
    fn serve(&self, place: &Place, watcher: &mut dyn Watcher) -> Result<Ended, RealError>;
}

/// A protocol with its nodes and commands: the last place where its types are known.
struct Wired<P: Protocol, F> {
    make: F,
    commands: Vec<Instruction<P::Command>>,
    protocol: PhantomData<fn() -> P>,
}

impl<P, F> Runner for Wired<P, F>
where
    P: Protocol,
    F: Fn(NodeId) -> Box<dyn Node<P>> + Send + Sync,
{
    fn run(&self, engine: Engine, plan: &Plan, shell: Shell<'_>, sink: &mut dyn EventSink) -> Outcome {
        let (make, commands) = (&self.make, &self.commands);
        match engine {
            Engine::Sim => leasehold_sim::run::<P>(plan, make, commands, sink),
            Engine::Turmoil => {
                leasehold_turmoil::run::<P>(plan, make, commands, shell.policy, sink, shell.notes)
            }
        }
    }

    fn serve(&self, place: &Place, watcher: &mut dyn Watcher) -> Result<Ended, RealError> {
        leasehold_turmoil::serve::<P>(place, (self.make)(place.node), &self.commands, watcher)
    }
}
