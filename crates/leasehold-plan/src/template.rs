//! What a scenario leaves open, and how a seed closes it.

use leasehold_core::clock::ClockKind;
use leasehold_core::noise::NoiseKey;
use leasehold_core::plan::{FaultPlan, Latency, NetworkPlan, NodePlan, Phases, Plan, Role};
use leasehold_core::time::{Drift, RateError, Span};

use crate::stream::{Purpose, Stream};

/// A plan with open places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The hosts.
    pub nodes: Vec<NodeTemplate>,
    /// What every link does.
    pub network: NetworkPlan,
    /// What goes wrong, as scripted.
    pub faults: Vec<FaultPlan>,
    /// How long the run's parts last.
    pub phases: Phases,
    /// The declared bound on clock rates.
    pub clock_rate: Drift,
    /// How many messages a stopped process's host buffers.
    pub receive_buffer: u32,
}

/// One host with open places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTemplate {
    /// Its unique name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The clock that its protocol reads.
    pub relies_on: ClockKind,
    /// How long its disk takes for a write.
    pub disk: Latency,
    /// The rate of its clocks.
    pub rate: RateDraw,
    /// Its wall clock starts at most this far from true time, in either direction.
    pub wall_offset_within: Span,
    /// Its process starts within this time.
    pub starts_within: Span,
}

/// Where a clock's rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateDraw {
    /// It is given.
    Fixed(RateError),
    /// It is drawn within a bound, at one of its ends in half of the cases.
    Within(Drift),
}

impl Template {
    /// The plan for one seed. Every node takes its draws whether it needs them or not, so that fixing one clock
    /// leaves the others as they were.
    pub fn expand(&self, seed: u64) -> Plan {
        let mut rates = Stream::new(seed, Purpose::ClockRates);
        let mut offsets = Stream::new(seed, Purpose::WallOffsets);
        let mut starts = Stream::new(seed, Purpose::Starts);
        let nodes = self
            .nodes
            .iter()
            .map(|node| {
                let drawn = |limit: Drift, rates: &mut Stream| {
                    let ppb = rates.symmetric_with_corners(u64::from(limit.as_ppb()));
                    RateError::from_ppb(ppb).expect("a declared drift is at most one half")
                };
                let rate = match node.rate {
                    RateDraw::Within(limit) => drawn(limit, &mut rates),
                    RateDraw::Fixed(rate) => {
                        drawn(Drift::ZERO, &mut rates);
                        rate
                    }
                };
                NodePlan {
                    name: node.name.clone(),
                    role: node.role,
                    relies_on: node.relies_on,
                    rate,
                    wall_offset: offsets.symmetric_with_corners(node.wall_offset_within.as_nanos()),
                    disk: node.disk,
                    starts: Span::from_nanos(starts.below(node.starts_within.as_nanos())),
                }
            })
            .collect();
        Plan {
            nodes,
            network: self.network,
            noise: NoiseKey(Stream::new(seed, Purpose::NoiseKey).draw()),
            faults: self.faults.clone(),
            phases: self.phases,
            clock_rate: self.clock_rate,
            receive_buffer: self.receive_buffer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::plan::Chance;
    use proptest::prelude::*;

    fn template(rates: [RateDraw; 3]) -> Template {
        let node = |(i, rate): (usize, &RateDraw)| NodeTemplate {
            name: format!("n{i}"),
            role: Role::Contender,
            relies_on: ClockKind::Boot,
            disk: Latency::Constant(Span::ZERO),
            rate: *rate,
            wall_offset_within: Span::from_secs(1),
            starts_within: Span::from_millis(50),
        };
        Template {
            nodes: rates.iter().enumerate().map(node).collect(),
            network: NetworkPlan {
                latency: Latency::Constant(Span::from_millis(1)),
                loss: Chance::NEVER,
                duplicate: Chance::NEVER,
                burst: None,
            },
            faults: Vec::new(),
            phases: Phases { chaos: Span::from_secs(1), settle: Span::from_secs(1) },
            clock_rate: Drift::from_ppb(500_000).unwrap(),
            receive_buffer: 16,
        }
    }

    proptest! {
        #[test]
        fn a_seed_always_gives_the_same_plan_and_stays_in_range(seed: u64) {
            let drift = Drift::from_ppb(500_000).unwrap();
            let open = template([RateDraw::Within(drift); 3]);
            let plan = open.expand(seed);
            prop_assert_eq!(&plan, &open.expand(seed));
            for node in &plan.nodes {
                prop_assert!(node.rate.is_within(drift));
                prop_assert!(node.wall_offset.unsigned_abs() <= 1_000_000_000);
                prop_assert!(node.starts < Span::from_millis(50));
            }
        }

        #[test]
        fn fixing_one_clock_leaves_everything_else_as_it_was(seed: u64) {
            let drift = Drift::from_ppb(500_000).unwrap();
            let fixed = RateError::from_ppb(77).unwrap();
            let before = template([RateDraw::Within(drift); 3]).expand(seed);
            let after =
                template([RateDraw::Within(drift), RateDraw::Fixed(fixed), RateDraw::Within(drift)])
                    .expand(seed);
            prop_assert_eq!(&before.nodes[0], &after.nodes[0]);
            prop_assert_eq!(after.nodes[1].rate, fixed);
            prop_assert_eq!(&before.nodes[2], &after.nodes[2]);
            prop_assert_eq!(before.noise, after.noise);
        }
    }
}
