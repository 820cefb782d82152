//! Whom a fault strikes: names and roles, resolved.

use leasehold_core::NodeId;
use leasehold_core::plan::{Role, Target};
use toml::Spanned;

use crate::deployment::{CommandSpec, NodeSpec};
use crate::diagnostic::Diagnostic;
use crate::suggest::{cut, in_ranges, nearest, siblings};

/// Who can be struck, and what nodes can be told.
pub(crate) struct Cast<'d> {
    pub(crate) nodes: &'d [NodeSpec],
    pub(crate) commands: &'d [CommandSpec<()>],
}

impl Cast<'_> {
    /// The target with this name: a node, else a role.
    pub(super) fn resolve(&self, name: &Spanned<String>) -> Result<Target, Diagnostic> {
        let text = name.get_ref().as_str();
        if let Some(index) = self.nodes.iter().position(|node| node.name == text) {
            return Ok(Target::Node(node_id(index)));
        }
        let (target, role) = match text {
            "holder" => (Target::Holder, Role::Contender),
            "ex-holder" => (Target::ExHolder, Role::Contender),
            _ => match Role::ALL.into_iter().find(|role| role.name() == text) {
                Some(role) => (Target::OneOf(role), role),
                None => return Err(self.nobody(name)),
            },
        };
        if self.with_role(role).next().is_none() {
            let diagnostic =
                Diagnostic::at(name.span(), format!("there is no {} in this scenario", role.name()));
            return Err(diagnostic.help(self.listed()));
        }
        Ok(target)
    }

    /// The role of whoever a target resolves to.
    pub(super) fn role_of(&self, target: Target) -> Role {
        match target {
            Target::Node(node) => self.nodes[node.index()].role,
            Target::Holder | Target::ExHolder => Role::Contender,
            Target::OneOf(role) => role,
        }
    }

    /// Whether two targets can only be the same node.
    pub(super) fn is_same(&self, one: Target, other: Target) -> bool {
        let only = |target| match target {
            Target::OneOf(role) => {
                let mut nodes = self.with_role(role);
                match (nodes.next(), nodes.next()) {
                    (Some(only), None) => Target::Node(only),
                    _ => target,
                }
            }
            _ => target,
        };
        only(one) == only(other)
    }

    fn with_role(&self, role: Role) -> impl Iterator<Item = NodeId> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(move |(_, node)| node.role == role).map(|(index, _)| node_id(index))
    }

    fn node_names(&self) -> Vec<&str> {
        self.nodes.iter().map(|node| node.name.as_str()).collect()
    }

    /// The roles that somebody here has. A node may have the name of its role, and goes before it.
    fn role_names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for role in Role::ALL.into_iter().filter(|role| self.with_role(*role).next().is_some()) {
            match role {
                Role::Contender => names.extend(["holder", "ex-holder", "contender"]),
                _ => names.push(role.name()),
            }
        }
        names.retain(|name| self.nodes.iter().all(|node| node.name != *name));
        names
    }

    /// All that can be named here.
    fn listed(&self) -> String {
        format!("nodes: {}; roles: {}", in_ranges(&self.node_names()), self.role_names().join(", "))
    }

    fn nobody(&self, name: &Spanned<String>) -> Diagnostic {
        let text = name.get_ref();
        let nodes = self.node_names();
        let diagnostic = Diagnostic::at(name.span(), format!("no node or role is called `{}`", cut(text)));
        let all = || nodes.iter().copied().chain(self.role_names());
        diagnostic.help(match (siblings(text, &nodes), nearest(text, all())) {
            (Some(siblings), _) => siblings,
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => self.listed(),
        })
    }
}

fn node_id(index: usize) -> NodeId {
    NodeId(u16::try_from(index).expect("a deployment's nodes are counted before"))
}
