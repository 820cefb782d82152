//! Whom a fault strikes: names, roles and selections, resolved.

use crate::Spanned;
use leasehold_core::NodeId;
use leasehold_core::plan::{Group, Pick, Role, Target};

use super::pick::PickText;
use crate::deployment::{CommandSpec, NodeSpec};
use crate::diagnostic::Diagnostic;
use crate::suggest::{cut, in_ranges, nearest, siblings};

/// What stands for all nodes, whatever their role. No node is called so.
pub(crate) const EVERYBODY: &str = "all";

/// Who can be struck, and what nodes can be told.
pub(crate) struct Cast<'d> {
    pub(crate) nodes: &'d [NodeSpec],
    pub(crate) commands: &'d [CommandSpec<()>],
}

impl Cast<'_> {
    /// The target with this name: everybody, a node, else a role, of which one is picked.
    ///
    /// # Errors
    ///
    /// If nobody is called so, or nobody here has that role.
    pub(crate) fn resolve(&self, name: &Spanned<String>) -> Result<Target, Diagnostic> {
        let text = name.get_ref().as_str();
        if text == EVERYBODY {
            return Ok(Target::Drawn { pick: Pick::All, from: Group::Everybody });
        }
        if let Some(index) = self.nodes.iter().position(|node| node.name == text) {
            return Ok(Target::Node(node_id(index)));
        }
        let claimant = self.claimants().next().unwrap_or(Role::Contender);
        let (target, role) = match text {
            "holder" => (Target::Holder, claimant),
            "ex-holder" => (Target::ExHolder, claimant),
            _ => match Role::ALL.into_iter().find(|role| role.name() == text) {
                Some(role) => (Target::one_of(role), role),
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

    /// The target with this name, if so many of it are picked.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve), and if nothing can be picked there, or not so many.
    pub(super) fn select(
        &self,
        name: &Spanned<String>,
        pick: Option<&Spanned<PickText>>,
    ) -> Result<Target, Diagnostic> {
        let target = self.resolve(name)?;
        let Some(pick) = pick else { return Ok(target) };
        let Target::Drawn { from, .. } = target else {
            return Err(self.is_one(target, name, pick));
        };
        let PickText(wanted) = *pick.get_ref();
        let (count, of) = (self.members(from), plural(from, self.members(from)));
        let wrong = |message: String| Diagnostic::at(pick.span(), message).related(name.span(), "of these");
        match wanted {
            Pick::Random(more) if usize::from(more) > count => {
                let only = if count == 1 { "there is only" } else { "there are only" };
                Err(wrong(format!("{only} {count} {of}")).label(format!("expected at most random:{count}")))
            }
            Pick::Minority if wanted.count(count) == 0 => {
                Err(wrong(format!("a minority of {count} {of} is nobody"))
                    .label("it takes three to have a minority")
                    .help("write pick = \"one\""))
            }
            _ => Ok(Target::Drawn { pick: wanted, from }),
        }
    }

    fn is_one(&self, target: Target, name: &Spanned<String>, pick: &Spanned<PickText>) -> Diagnostic {
        let role = self.role_of(target).or_else(|| self.claimants().next()).unwrap_or(Role::Contender).name();
        let name_text = cut(name.get_ref());
        Diagnostic::at(pick.span(), format!("`{name_text}` is one node: there is nothing to pick"))
            .related(name.span(), "because of this")
            .help(format!("remove `pick`, or write on = \"{role}\""))
    }

    /// The role of whoever a target resolves to, if all have the same.
    pub(crate) fn role_of(&self, target: Target) -> Option<Role> {
        match target {
            Target::Node(node) => Some(self.nodes[node.index()].role),
            Target::Holder | Target::ExHolder => {
                let mut claimants = self.claimants();
                claimants.next().filter(|_| claimants.next().is_none())
            }
            Target::Drawn { from: Group::Role(role), .. } => Some(role),
            Target::Drawn { from: Group::Everybody, .. } => None,
        }
    }

    /// The roles of those here who can claim something, and so be `holder`.
    fn claimants(&self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(|role| role.can_claim() && self.with_role(*role).next().is_some())
    }

    /// Whether a peer can only be one of the targets.
    pub(super) fn is_same(&self, targets: Target, peer: Target) -> bool {
        if let Target::Drawn { pick: Pick::All, from } = targets {
            return match from {
                Group::Everybody => true,
                Group::Role(role) => self.role_of(peer) == Some(role),
            };
        }
        match (self.only(targets), self.only(peer)) {
            (Some(one), Some(other)) => one == other,
            _ => targets == peer && !matches!(targets, Target::Drawn { .. }),
        }
    }

    /// The node that a target is, whatever happens.
    fn only(&self, target: Target) -> Option<NodeId> {
        match target {
            Target::Node(node) => Some(node),
            Target::Drawn { from: Group::Role(role), .. } => {
                let mut nodes = self.with_role(role);
                nodes.next().filter(|_| nodes.next().is_none())
            }
            _ => None,
        }
    }

    /// How many nodes a target is: at least, if that is not certain.
    pub(super) fn size(&self, target: Target) -> usize {
        match target {
            Target::Node(_) | Target::Holder | Target::ExHolder => 1,
            Target::Drawn { pick, from } => pick.count(self.members(from)),
        }
    }

    fn members(&self, group: Group) -> usize {
        match group {
            Group::Everybody => self.nodes.len(),
            Group::Role(role) => self.with_role(role).count(),
        }
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
        let claimant = self.claimants().next();
        for role in Role::ALL.into_iter().filter(|role| self.with_role(*role).next().is_some()) {
            if Some(role) == claimant {
                names.extend(["holder", "ex-holder"]);
            }
            names.push(role.name());
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
        if let "any" | "everybody" | "everyone" | "*" = text.as_str() {
            return diagnostic.help(format!("all nodes together are called `{EVERYBODY}`"));
        }
        let all = || nodes.iter().copied().chain(self.role_names()).chain([EVERYBODY]);
        diagnostic.help(match (siblings(text, &nodes), nearest(text, all())) {
            (Some(siblings), _) => siblings,
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => self.listed(),
        })
    }
}

/// The nodes of a group, if there are so many.
pub(super) fn plural(group: Group, count: usize) -> &'static str {
    let Group::Role(role) = group else { return if count == 1 { "node" } else { "nodes" } };
    match role {
        _ if count == 1 => role.name(),
        Role::Grantor => "grantors",
        Role::Contender => "contenders",
        Role::Resource => "resources",
        Role::Registry => "registries",
        Role::Instance => "instances",
        Role::Discovery => "discovery clients",
        Role::Follower => "followers",
        Role::Sidecar => "sidecars",
        Role::Observer => "observers",
    }
}

fn node_id(index: usize) -> NodeId {
    NodeId(u16::try_from(index).expect("a deployment's nodes are counted before"))
}
