//! What the tests of the engine share: a quiet world, a fault in it, and questions to what a run did.

use leasehold_core::plan::{
    Action, Chance, Cut, FaultPlan, Latency, NetworkPlan, NodePlan, Phases, Target, Trigger,
};
use leasehold_core::*;

pub(crate) fn ms(millis: u64) -> SimInstant {
    SimInstant::START + Span::from_millis(millis)
}

/// Two seconds of chaos and one to settle, a millisecond on the way, clocks that are right.
pub(crate) fn quiet(nodes: Vec<NodePlan>, faults: Vec<FaultPlan>, receive_buffer: u32) -> Plan {
    Plan {
        nodes,
        network: NetworkPlan {
            latency: Latency::Constant(Span::from_millis(1)),
            loss: Chance::NEVER,
            duplicate: Chance::NEVER,
            burst: None,
        },
        noise: NoiseKey(1),
        faults,
        phases: Phases { chaos: Span::from_secs(2), settle: Span::from_secs(1) },
        clock_rate: Drift::from_ppb(500_000).expect("500 ppm is below one half"),
        receive_buffer,
    }
}

/// A fault at an instant, for so long; until the run settles if that is 0.
pub(crate) fn fault_on(at_ms: u64, target: Target, action: Action, lasts_ms: u64) -> FaultPlan {
    FaultPlan {
        trigger: Trigger::At(ms(at_ms)),
        target,
        action,
        lasts: (lasts_ms > 0).then(|| Span::from_millis(lasts_ms)),
        cut: Cut::After(0),
    }
}

/// What a run did, in a form that tests can ask. Times are in milliseconds.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<Event>,
}

impl Ran {
    /// When `node` reported something like `wanted`, or it happened to it.
    pub(crate) fn times(
        &self,
        node: impl Into<Option<NodeId>>,
        wanted: impl Fn(&EventKind) -> bool,
    ) -> Vec<u64> {
        let node = node.into();
        let fits = |event: &&Event| event.node == node && wanted(&event.kind);
        self.events.iter().filter(fits).map(|event| event.at.as_nanos() / 1_000_000).collect()
    }

    pub(crate) fn world(&self, node: impl Into<Option<NodeId>>, wanted: WorldEvent) -> Vec<u64> {
        self.times(node, |kind| *kind == EventKind::World(wanted))
    }

    /// When `node` ticked.
    pub(crate) fn ticked(&self, node: NodeId) -> Vec<u64> {
        self.times(node, |kind| matches!(kind, EventKind::Node(NodeEvent::EffectIssued { .. })))
    }
}

/// How many of these times lie in a half-open interval.
pub(crate) fn within(times: &[u64], from: u64, to: u64) -> usize {
    times.iter().filter(|t| (from..to).contains(t)).count()
}
