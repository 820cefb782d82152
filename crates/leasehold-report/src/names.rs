//! What the numbers in events are called.

use leasehold_core::plan::Role;
use leasehold_core::trace::Header;
use leasehold_core::{CommandId, FaultId, InstanceId, NodeId, ResourceId};

/// The names of one scenario.
#[derive(Clone, Debug)]
pub struct Names {
    header: Header,
    resources: usize,
    /// The applications, in the order of their members; empty unless there is a registry.
    members: Vec<NodeId>,
}

impl Names {
    /// The names that stand in a header.
    pub fn new(header: Header) -> Self {
        let resources = header.nodes.iter().flat_map(|node| &node.contends_for).max();
        let resources = resources.map_or(0, |resource| resource.0 as usize + 1);
        let has_registry = header.nodes.iter().any(|node| node.role == Role::Registry);
        let applications = (0..).zip(&header.nodes).filter(|(_, node)| node.role == Role::Instance);
        let members = match has_registry {
            true => applications.map(|(id, _)| NodeId(id)).collect(),
            false => Vec::new(),
        };
        Self { header, resources, members }
    }

    /// The header that they come from.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether leases are those of members of a registry.
    pub fn has_registry(&self) -> bool {
        !self.members.is_empty()
    }

    /// A node.
    pub fn node(&self, node: NodeId) -> &str {
        self.header.nodes.get(node.index()).map_or("?", |node| node.name.as_str())
    }

    /// How long the longest name of a node is, in bytes.
    pub fn longest_node(&self) -> usize {
        self.header.nodes.iter().map(|node| node.name.len()).max().unwrap_or(0)
    }

    /// What a fault does.
    pub fn fault(&self, fault: FaultId) -> &str {
        self.header.faults.get(usize::from(fault.0)).map_or("?", String::as_str)
    }

    /// A command of the system.
    pub fn command(&self, command: CommandId) -> &str {
        self.header.commands.get(usize::from(command.0)).map_or("?", String::as_str)
    }

    /// ` on resource 2`, or nothing where there is only one; ` of instance-2` where resources are members.
    pub fn on(&self, resource: ResourceId) -> String {
        match (self.has_registry(), self.resources > 1) {
            (true, _) => format!(" of {}", self.member(resource)),
            (false, true) => format!(" on resource {}", resource.0 + 1),
            (false, false) => String::new(),
        }
    }

    /// A member of a registry, by its application.
    pub fn member(&self, member: ResourceId) -> String {
        match self.members.get(member.0 as usize) {
            Some(application) => self.node(*application).to_owned(),
            None => format!("member {}", member.0 + 1),
        }
    }

    /// An instance that a member registers.
    pub fn instance(&self, instance: InstanceId) -> String {
        let name = self.header.instances.get(instance.0 as usize);
        name.map_or_else(|| format!("instance {}", instance.0 + 1), String::clone)
    }
}

#[cfg(test)]
pub(crate) mod sample;

#[cfg(test)]
mod tests {
    use super::sample::fleet;
    use super::*;

    #[test]
    fn members_and_instances_have_the_names_of_their_applications() {
        let names = fleet(2, 1);
        assert_eq!(names.member(ResourceId(1)), "instance-2");
        assert_eq!(names.on(ResourceId(0)), " of instance-1");
        assert_eq!(names.instance(InstanceId(0)), "instance-1");
        assert_eq!(names.instance(InstanceId(7)), "instance 8");
        assert_eq!(names.member(ResourceId(7)), "member 8");
    }
}
