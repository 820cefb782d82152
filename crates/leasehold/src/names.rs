//! What the numbers in events are called.

use leasehold_core::trace::Header;
use leasehold_core::{CommandId, FaultId, NodeId, ResourceId};

/// The names of one scenario.
pub(crate) struct Names {
    header: Header,
    resources: usize,
}

impl Names {
    pub(crate) fn new(header: Header) -> Self {
        let resources = header.nodes.iter().flat_map(|node| &node.contends_for).max();
        let resources = resources.map_or(0, |resource| resource.0 as usize + 1);
        Self { header, resources }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn node(&self, node: NodeId) -> &str {
        self.header.nodes.get(node.index()).map_or("?", |node| node.name.as_str())
    }

    pub(crate) fn longest_node(&self) -> usize {
        self.header.nodes.iter().map(|node| node.name.len()).max().unwrap_or(0)
    }

    pub(crate) fn fault(&self, fault: FaultId) -> &str {
        self.header.faults.get(usize::from(fault.0)).map_or("?", String::as_str)
    }

    pub(crate) fn command(&self, command: CommandId) -> &str {
        self.header.commands.get(usize::from(command.0)).map_or("?", String::as_str)
    }

    /// ` on resource 2`, or nothing where there is only one.
    pub(crate) fn on(&self, resource: ResourceId) -> String {
        if self.resources > 1 { format!(" on resource {}", resource.0 + 1) } else { String::new() }
    }
}
