//! A small system for this crate's tests: a table with a rule between two spanned values, and silent nodes.

use crate::Spanned;
use leasehold_core::plan::Role;
use leasehold_core::{
    Bounds, ClockKind, Context, Input, Leg, Message, Node, Protocol, Purpose, Record, ResourceId, Slot, Span,
};
use serde::{Deserialize, Serialize};

use crate::value::{Length, Share};
use crate::{CommandSpec, Deployment, Diagnostic, Diagnostics, Environment, NodeSpec, System, Tables};

/// The system `toy`.
pub(crate) struct Toy;

/// A system that runs nothing, to be told apart from the toy.
pub(crate) struct Other;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaseTable {
    ttl: Spanned<Length>,
    renew: Option<Spanned<Share>>,
    #[serde(default)]
    fence: Fence,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fence {
    #[default]
    HighestToken,
    LastToken,
    None,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TopologyTable {
    holders: u16,
    resources: u16,
    /// Where there are some, they can be told `freeze-cache`, which lasts.
    watchers: u16,
}

impl Default for TopologyTable {
    fn default() -> Self {
        Self { holders: 3, resources: 1, watchers: 0 }
    }
}

impl System for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn summary(&self) -> &'static str {
        "nodes that keep silent"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["lease", "topology"]
    }

    fn configure(
        &self,
        tables: &mut Tables<'_>,
        environment: &Environment,
    ) -> Result<Deployment, Diagnostics> {
        let mut found = Diagnostics::default();
        let lease = found.keep(tables.take::<LeaseTable>("lease"));
        let topology = found.keep(tables.take::<TopologyTable>("topology"));
        let (Some(lease), Some(topology)) = (lease, topology) else { return Err(found) };
        let ttl = lease.ttl.get_ref().0;
        if ttl.is_zero() {
            found.push(Diagnostic::at(lease.ttl.span(), "a lease of 0s ends before it begins"));
        } else if let Some(renew) = &lease.renew
            && renew.get_ref().of(ttl) >= ttl
        {
            let interval = renew.get_ref().of(ttl);
            found.push(
                Diagnostic::at(
                    renew.span(),
                    format!("the lease is over before it is renewed, after {interval}"),
                )
                .label("expected less than the TTL")
                .related(lease.ttl.span(), format!("the TTL is {ttl}"))
                .help("write renew = \"ttl/3\""),
            );
        }
        let _ = lease.fence;
        let node = |role: Role, index: u16, name: &str| NodeSpec {
            name: format!("{name}-{index}"),
            role,
            relies_on: ClockKind::Boot,
            contends_for: if role == Role::Contender { vec![ResourceId(0)] } else { Vec::new() },
        };
        let mut nodes = vec![node(Role::Grantor, 1, "grantor")];
        nodes.extend((1..=topology.holders).map(|index| node(Role::Contender, index, "holder")));
        nodes.extend((1..=topology.resources).map(|index| node(Role::Resource, index, "resource")));
        nodes.extend((1..=topology.watchers).map(|index| node(Role::Discovery, index, "discovery")));
        let bounds = Bounds {
            clock_rate: environment.clock_rate,
            delay: environment.latency.longest(),
            end_slack: Span::ZERO,
            extensions: None,
            regrant: Span::from_secs(7),
            longest_ttl: ttl,
            lock_delay: Span::ZERO,
            discovery: None,
        };
        let command =
            |name| CommandSpec { name, role: Role::Contender, command: Silence, undo: None, refused: None };
        let mut commands = vec![command("shutdown"), command("revoke")];
        if topology.watchers > 0 {
            let (command, undo) = (Silence, Some(Silence));
            commands.push(CommandSpec {
                name: "freeze-cache",
                role: Role::Discovery,
                command,
                undo,
                refused: None,
            });
        }
        found.or(Deployment::new::<ToyProtocol>(nodes, bounds, commands, |_| Box::new(Silent)))
    }
}

impl System for Other {
    fn name(&self) -> &'static str {
        "other"
    }

    fn summary(&self) -> &'static str {
        "nothing"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["record"]
    }

    fn configure(&self, _: &mut Tables<'_>, _: &Environment) -> Result<Deployment, Diagnostics> {
        Err(Diagnostic::new("the other system runs nothing").into())
    }
}

struct ToyProtocol;

#[derive(Clone, Debug)]
struct Silence;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Nothing(Void);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Void {}

impl Protocol for ToyProtocol {
    type Message = Nothing;
    type Record = Nothing;
    type Command = Silence;
}

impl Message for Nothing {
    fn class(&self) -> (Purpose, Leg) {
        match self.0 {}
    }
}

impl Record for Nothing {
    fn slot(&self) -> Slot {
        match self.0 {}
    }
}

struct Silent;

impl Node<ToyProtocol> for Silent {
    fn handle(&mut self, _: &mut Context<'_, ToyProtocol>, _: Input<ToyProtocol>) {}
}
