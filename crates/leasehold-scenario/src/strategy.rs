//! Random trials for property tests: a seed draws them as in a sweep, the shrinker makes them smaller.

use std::fmt;
use std::sync::Arc;

use leasehold_plan::{Accepted, Case, Facts, Shrinker};
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::scenario::Scenario;
use crate::system::System;
use crate::trial::{Faults, Trial};

/// The random runs of a scenario, as a strategy: each is what a sweep has under the seed that is drawn.
///
/// One that fails is made smaller. What is shown in the end can be [written as a file](Trial::to_toml) whose run it is.
pub fn trials(
    scenario: &Arc<Scenario>,
    systems: &'static [&'static dyn System],
) -> impl Strategy<Value = Trial> + use<> {
    Trials { scenario: Arc::clone(scenario), systems }
}

struct Trials {
    scenario: Arc<Scenario>,
    systems: &'static [&'static dyn System],
}

impl fmt::Debug for Trials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trials").field("scenario", &self.scenario.name).finish_non_exhaustive()
    }
}

impl Strategy for Trials {
    type Tree = TrialTree;
    type Value = Trial;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let seed = proptest::num::u64::ANY.new_tree(runner)?.current();
        let best = Trial::new(&self.scenario, seed, Faults::Random, self.systems);
        let shrinker = Shrinker::new(best.case().clone(), Facts::default());
        Ok(TrialTree { best, proposed: None, shrinker, systems: self.systems })
    }
}

/// A trial that can be made smaller.
struct TrialTree {
    /// The smallest so far that fails.
    best: Trial,
    /// What is being tried.
    proposed: Option<Trial>,
    shrinker: Shrinker,
    systems: &'static [&'static dyn System],
}

impl TrialTree {
    /// Goes on to the next proposal that can be run and written.
    fn propose(&mut self) -> bool {
        while let Some(case) = self.shrinker.propose() {
            self.proposed = self.realised(case);
            if self.proposed.is_some() {
                return true;
            }
            self.shrinker.reject();
        }
        self.proposed = None;
        false
    }

    fn realised(&self, case: Case) -> Option<Trial> {
        let trial = self.best.with(case, self.systems).ok()??;
        // Without a drawn count there can be more nodes than with it.
        if trial.plan().nodes.len() > self.best.plan().nodes.len() {
            return None;
        }
        let again = trial.read_again([], self.systems).ok()?;
        (again.plan() == trial.plan()).then_some(trial)
    }
}

impl ValueTree for TrialTree {
    type Value = Trial;

    fn current(&self) -> Trial {
        self.proposed.as_ref().unwrap_or(&self.best).clone()
    }

    /// The current trial fails: a smaller one.
    fn simplify(&mut self) -> bool {
        if let Some(failed) = self.proposed.take()
            && self.shrinker.accept(failed.case().clone(), None) == Accepted::Best
        {
            self.best = failed;
        }
        self.propose()
    }

    /// The current trial does not fail: another one, smaller than the last that did.
    fn complicate(&mut self) -> bool {
        self.shrinker.reject();
        self.propose()
    }
}
