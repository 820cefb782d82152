//! The faults that concern links: which, and how they get worse.

use crate::Spanned;
use leasehold_core::Span;
use leasehold_core::plan::{Action, Chance, Group, Pick, Scope, Target, Worsening};
use schemars::JsonSchema;
use serde::Deserialize;

use super::FaultTable;
use super::target::Cast;
use crate::diagnostic::Diagnostic;
use crate::value::{Length, Percent};

/// Which links of the targets are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    Symmetric,
    OneWay,
    Isolate,
    Majority,
    Ring,
    Bridge,
}

impl Shape {
    const fn name(self) -> &'static str {
        match self {
            Self::Symmetric => "symmetric",
            Self::OneWay => "one-way",
            Self::Isolate => "isolate",
            Self::Majority => "majority",
            Self::Ring => "ring",
            Self::Bridge => "bridge",
        }
    }
}

impl FaultTable {
    pub(super) fn scope(&self, on: Option<Target>, cast: &Cast<'_>) -> Result<Scope, Diagnostic> {
        match &self.to {
            Some(to) => self.scope_with_peer(to, on, cast),
            None => self.scope_without_peer(on, cast),
        }
    }

    fn scope_with_peer(
        &self,
        to: &Spanned<String>,
        on: Option<Target>,
        cast: &Cast<'_>,
    ) -> Result<Scope, Diagnostic> {
        let peer = cast.resolve(to)?;
        if on.is_some_and(|on| cast.is_same(on, peer)) {
            return Err(Diagnostic::at(to.span(), "both ends of the link are the same")
                .label("expected another node or role")
                .related(self.on.span(), "the other end"));
        }
        match self.shape.as_ref().map(Spanned::get_ref) {
            Some(Shape::Isolate) => {
                Err(Diagnostic::at(to.span(), "`isolate` means all links of a node, so it has no peer")
                    .help("remove `to`, or write shape = \"symmetric\" or \"one-way\""))
            }
            Some(Shape::OneWay) => Ok(Scope::OneWay(peer)),
            Some(Shape::Symmetric) | None => Ok(Scope::Between(peer)),
            Some(shape @ (Shape::Majority | Shape::Ring | Shape::Bridge)) => {
                let name = shape.name();
                Err(Diagnostic::at(to.span(), format!("`{name}` concerns all nodes, so it has no peer"))
                    .help("remove `to`, or write shape = \"symmetric\" or \"one-way\""))
            }
        }
    }

    fn scope_without_peer(&self, on: Option<Target>, cast: &Cast<'_>) -> Result<Scope, Diagnostic> {
        let everybody = Target::Drawn { pick: Pick::All, from: Group::Everybody };
        let is_everybody = on == Some(everybody);
        let at_shape = |message: String| {
            let span = self.shape.as_ref().map_or_else(|| self.on.span(), Spanned::span);
            Diagnostic::at(span, message)
        };
        let shape = self.shape.as_ref().map_or(Shape::Isolate, |shape| *shape.get_ref());
        let scope = match shape {
            Shape::Symmetric | Shape::OneWay => {
                return Err(at_shape("this shape needs a peer: it says which links are meant".to_owned())
                    .label("expected a `to` beside it")
                    .help(
                        "add `to = \"grantor\"`, or any node or role; without a peer, write shape = \"isolate\"",
                    ));
            }
            Shape::Ring if on.is_some() && !is_everybody => {
                return Err(at_shape("a ring joins all nodes".to_owned())
                    .related(self.on.span(), "these are not all")
                    .help("write on = \"all\", without `pick`"));
            }
            Shape::Ring => Scope::Ring,
            Shape::Isolate | Shape::Majority | Shape::Bridge if is_everybody => {
                let diagnostic = at_shape("nobody is left whom all nodes could be cut off from".to_owned());
                return Err(diagnostic.help("write shape = \"ring\", or fewer nodes: `pick = \"minority\"`"));
            }
            Shape::Isolate => Scope::Isolate,
            Shape::Majority => Scope::Majority,
            Shape::Bridge => Scope::Bridge,
        };
        let nodes = cast.nodes.len();
        let others = nodes - on.map_or(0, |on| cast.size(on));
        match scope {
            Scope::Ring if nodes < 4 => {
                Err(at_shape(format!("in a ring of {nodes}, all nodes are neighbours"))
                    .label("it takes four to have somebody out of reach")
                    .help("add a node in [topology]"))
            }
            Scope::Bridge if others < 2 => {
                Err(at_shape("a bridge needs two nodes to stand between".to_owned())
                    .label(format!("beside its targets there are {others}"))
                    .help("strike fewer nodes, or add one in [topology]"))
            }
            scope => Ok(scope),
        }
    }

    pub(super) fn link(&self, scope: Scope) -> Result<Action, Diagnostic> {
        let chance =
            |percent: &Option<Spanned<Percent>>| percent.as_ref().map_or(Chance::NEVER, |p| p.get_ref().0);
        let span = |length: &Option<Spanned<Length>>| length.as_ref().map_or(Span::ZERO, |l| l.get_ref().0);
        let worse = Worsening {
            delay: span(&self.delay),
            loss: chance(&self.loss),
            duplicate: chance(&self.duplicate),
            reorder: span(&self.reorder),
            slow: span(&self.slow),
            burst: self.burst.as_ref().map(|burst| burst.get_ref().0),
        };
        if worse == Worsening::NONE {
            return Err(Diagnostic::at(self.action.span(), "this link gets no worse")
                .label("expected `loss`, `delay` or `duplicate` beside it")
                .help("for example `loss = \"10%\"` or `delay = \"50ms\"`")
                .help("or `reorder`, `slow` or `burst`"));
        }
        Ok(Action::Link { scope, worse })
    }
}
