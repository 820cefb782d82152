//! Random plans for property tests: the generator draws them, the shrinker makes them smaller.

use leasehold_core::plan::Plan;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::case::Case;
use crate::shrink::{Facts, Shrinker};
use crate::template::Template;

/// The random plans of a template, as a strategy.
pub fn plans(template: Template) -> Plans {
    Plans { template }
}

/// What [`plans`] gives.
#[derive(Clone, Debug)]
pub struct Plans {
    template: Template,
}

impl Strategy for Plans {
    type Tree = PlanTree;
    type Value = Plan;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let seed = proptest::num::u64::ANY.new_tree(runner)?.current();
        let case = Case { settings: Vec::new(), plan: self.template.generate(seed).plan };
        Ok(PlanTree { shrinker: Shrinker::new(case, Facts::default()), proposed: None })
    }
}

/// A plan that can be made smaller.
#[derive(Clone, Debug)]
pub struct PlanTree {
    shrinker: Shrinker,
    proposed: Option<Case>,
}

impl PlanTree {
    fn propose(&mut self) -> bool {
        self.proposed = self.shrinker.propose();
        self.proposed.is_some()
    }
}

impl ValueTree for PlanTree {
    type Value = Plan;

    fn current(&self) -> Plan {
        self.proposed.as_ref().unwrap_or(self.shrinker.best()).plan.clone()
    }

    /// The current plan fails: a smaller one.
    fn simplify(&mut self) -> bool {
        if let Some(failed) = self.proposed.take() {
            self.shrinker.accept(failed, None);
        }
        self.propose()
    }

    /// The current plan does not fail: another one, smaller than the last that did.
    fn complicate(&mut self) -> bool {
        self.shrinker.reject();
        self.propose()
    }
}

#[cfg(test)]
mod tests {
    use leasehold_core::clock::ClockKind;
    use leasehold_core::id::NodeId;
    use leasehold_core::plan::{
        Action, Chance, Cut, FaultPlan, Latency, NetworkPlan, Phases, Role, Scope, Target, Trigger,
    };
    use leasehold_core::time::{Drift, SimInstant, Span};
    use proptest::test_runner::{Config, TestError};

    use super::*;
    use crate::chaos::Chaos;
    use crate::template::{NodeTemplate, OffsetDraw, RateDraw, StartDraw};

    /// Two nodes, eight scripted faults and no others.
    fn template() -> Template {
        let drift = Drift::from_ppb(500_000).unwrap();
        let node = |name: &str, role| NodeTemplate {
            name: name.to_owned(),
            role,
            relies_on: ClockKind::Boot,
            disk: Latency::Constant(Span::from_millis(1)),
            rate: RateDraw::Within(drift),
            wall_offset: OffsetDraw::Within(Span::from_secs(1)),
            starts: StartDraw::Within(Span::from_millis(50)),
        };
        let fault = |place: u64, action| FaultPlan {
            trigger: Trigger::At(SimInstant::from_nanos(1_234_567_890 * place)),
            target: Target::Node(NodeId(0)),
            action,
            lasts: Some(Span::from_nanos(5_432_109_876)),
            cut: Cut::After(0),
        };
        let actions = [Action::Pause, Action::Stall, Action::Crash, Action::Partition(Scope::Isolate)];
        Template {
            nodes: vec![node("grantor", Role::Grantor), node("holder", Role::Contender)],
            network: NetworkPlan {
                latency: Latency::Uniform { min: Span::from_millis(1), max: Span::from_millis(5) },
                loss: Chance::from_ppm(10_000).unwrap(),
                duplicate: Chance::NEVER,
                burst: None,
            },
            faults: (1..9).map(|place| fault(place, actions[place as usize % 4])).collect(),
            phases: Phases { chaos: Span::from_secs(60), settle: Span::from_secs(10) },
            clock_rate: drift,
            receive_buffer: 16,
            noise: None,
            chaos: Chaos { kinds: vec![], ..Chaos::default() },
            ttl: Span::from_secs(10),
            commands: vec![],
        }
    }

    #[test]
    fn a_property_that_fails_ends_in_the_smallest_plan_that_fails() {
        let stalls = |plan: &Plan| plan.faults.iter().any(|fault| fault.action == Action::Stall);
        let cuts = |plan: &Plan| plan.faults.iter().any(|fault| matches!(fault.action, Action::Partition(_)));
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        let failed = runner.run(&plans(template()), |plan| {
            proptest::prop_assert!(!(stalls(&plan) && cuts(&plan)));
            Ok(())
        });
        let Err(TestError::Fail(_, small)) = failed else { panic!("{failed:?}") };
        assert!(stalls(&small) && cuts(&small));
        assert_eq!(small.faults.len(), 2);
        assert!(small.faults.iter().all(|fault| fault.lasts == Some(Span::from_millis(1))), "{small:?}");
        assert_eq!((small.noise.0, small.network.loss), (0, Chance::NEVER));
        assert!(small.phases.chaos < Span::from_secs(10), "{:?}", small.phases);
    }
}
