//! Names for tests: of this crate, and of the binary, which takes the file as its own.

use leasehold_core::plan::Role;
use leasehold_core::trace::{FORMAT, Header, TraceNode};
use leasehold_core::{Bounds, ClockKind, Drift, Span};

use super::Names;

/// A registry, so many applications, and so many discovery clients.
pub(crate) fn fleet(instances: u32, views: u32) -> Names {
    let node =
        |name: String, role| TraceNode { name, role, relies_on: ClockKind::Boot, contends_for: Vec::new() };
    let mut nodes = vec![node("registry".to_owned(), Role::Registry)];
    nodes.extend((1..=instances).map(|place| node(format!("instance-{place}"), Role::Instance)));
    nodes.extend((1..=views).map(|place| node(format!("discovery-{place}"), Role::Discovery)));
    Names::new(Header {
        format: FORMAT,
        tool: "0.0.0".to_owned(),
        scenario: "fleet".to_owned(),
        system: "registry".to_owned(),
        engine: "sim".to_owned(),
        seed: 0,
        nodes,
        instances: (1..=instances).map(|place| format!("instance-{place}")).collect(),
        faults: Vec::new(),
        delaying: Vec::new(),
        commands: Vec::new(),
        bounds: Bounds {
            clock_rate: Drift::default(),
            delay: Span::ZERO,
            end_slack: Span::ZERO,
            extensions: None,
            regrant: Span::ZERO,
            longest_ttl: Span::ZERO,
            lock_delay: Span::ZERO,
            discovery: None,
        },
        invariants: Vec::new(),
        reach: Vec::new(),
    })
}
