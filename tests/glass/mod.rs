//! A system of which one node panics.

use std::path::Path;

use leasehold::clock::ClockKind;
use leasehold::plan::Role;
use leasehold::serde::{Deserialize, Serialize};
use leasehold::{
    Boot, Bounds, Context, Deployment, Diagnostics, Environment, Input, Leg, Node, NodeId, NodeSpec,
    Protocol, Purpose, Slot, Span, System, Tables, TimerId,
};

/// Nodes of which one breaks after a second.
pub(crate) struct Glass;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(crate = "leasehold::serde")]
pub(crate) struct Silence;

impl leasehold::Message for Silence {
    fn class(&self) -> (Purpose, Leg) {
        (Purpose::Other, Leg::Request)
    }
}

impl leasehold::Record for Silence {
    fn slot(&self) -> Slot {
        Slot(0)
    }
}

impl Protocol for Glass {
    type Message = Silence;
    type Record = Silence;
    type Command = std::convert::Infallible;
}

impl Node<Self> for Glass {
    fn handle(&mut self, ctx: &mut Context<'_, Self>, input: Input<Self>) {
        if matches!(input, Input::Started) {
            ctx.arm(TimerId(0), ctx.now::<Boot>() + Span::from_secs(1));
        } else if ctx.node() == NodeId(1) {
            panic!("a crack in the glass");
        }
    }
}

impl System for Glass {
    fn name(&self) -> &'static str {
        "glass"
    }

    fn summary(&self) -> &'static str {
        "it breaks"
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    fn configure(&self, _: &mut Tables<'_>, environment: &Environment) -> Result<Deployment, Diagnostics> {
        let node = |name: &str| NodeSpec {
            name: name.to_owned(),
            role: Role::Contender,
            relies_on: ClockKind::Boot,
            contends_for: vec![],
        };
        let bounds = Bounds {
            clock_rate: environment.clock_rate,
            delay: environment.latency.longest(),
            end_slack: Span::ZERO,
            extensions: None,
            regrant: Span::from_secs(1),
            longest_ttl: Span::from_secs(1),
            lock_delay: Span::ZERO,
            discovery: None,
        };
        Ok(Deployment::new::<Self>(vec![node("pane"), node("bottle")], bounds, vec![], |_| Box::new(Self)))
    }
}

/// A scenario of the glass that expects this verdict.
pub(crate) fn crack(folder: &Path, verdict: &str) -> std::path::PathBuf {
    let path = folder.join("crack.toml");
    let head = "schema = 1\nname = \"crack\"\nsummary = \"A node breaks.\"\n";
    std::fs::write(&path, format!("{head}[expect]\nverdict = \"{verdict}\"\n")).expect("there is room");
    path
}
