//! One run's complete input, and what runs it.

mod fit;
mod settle;
mod write;

use std::path::Path;
use std::sync::Arc;

use leasehold_check::Invariant;
use leasehold_core::plan::{FaultKind, Plan};
use leasehold_core::trace::{Header, Inexpressible};
use leasehold_plan::{Case, Drawn, Setting};

use crate::diagnostic::ScenarioError;
use crate::engine::{Engine, Misfit};
use crate::run::{Observer, Report};
use crate::scenario::Scenario;
use crate::source::Source;
use crate::system::System;

/// Which faults a run has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Faults {
    /// Those that the scenario scripts.
    #[default]
    Scripted,
    /// Random ones, within the limits of the scenario's `[chaos]`; what else it leaves open is drawn too.
    Random,
}

/// A scenario with nothing left open: it can be run, any number of times, always the same.
#[derive(Clone, Debug)]
pub struct Trial {
    /// As it is written.
    base: Arc<Scenario>,
    /// As the case's settings make it.
    scenario: Arc<Scenario>,
    seed: u64,
    case: Case,
    drawn: Vec<Drawn>,
}

impl Trial {
    /// The run of a scenario under a seed. A scenario that [leaves nothing open](Scenario::is_explicit) has only
    /// one, with its own faults.
    ///
    /// With random faults the seed also decides values that stand nowhere in the scenario, and those of its
    /// `[chaos.values]`. Values that turn out not to go together are left out, and [`drawn`](Self::drawn) says so.
    pub fn new(scenario: &Arc<Scenario>, seed: u64, faults: Faults, systems: &[&dyn System]) -> Self {
        Self::meant_for(Engine::Sim, scenario, seed, faults, systems)
    }

    /// The same, as one draws for an engine: nothing is drawn that it cannot express or that does not fit it, and the run
    /// has as long to settle as it needs there. What stands in the scenario stays.
    pub fn meant_for(
        engine: Engine,
        scenario: &Arc<Scenario>,
        seed: u64,
        faults: Faults,
        systems: &[&dyn System],
    ) -> Self {
        let base = Arc::clone(scenario);
        if faults == Faults::Scripted || scenario.is_explicit() {
            let case = Case { settings: Vec::new(), plan: scenario.plan_for(engine, seed) };
            return Self { scenario: Arc::clone(&base), base, seed, case, drawn: Vec::new() };
        }
        let settled = settle::settle(scenario, seed, engine, systems);
        let generated = settled.scenario.template.generate(seed);
        let (plan, out) = settled.scenario.expressible(generated.plan, engine);
        let plan = settled.scenario.settled_on(engine, plan);
        let case = Case { settings: settled.settings, plan };
        let drawn = settled.left_out.into_iter().chain(generated.drawn).chain(left_out(&out, engine));
        let drawn = drawn.collect();
        Self { base, scenario: settled.scenario, seed, case, drawn }
    }

    /// The same run with as long to settle as it needs on an engine, where the scenario leaves that open.
    #[must_use]
    pub fn on(self, engine: Engine) -> Self {
        let plan = self.scenario.settled_on(engine, self.case.plan.clone());
        self.with_plan(plan)
    }

    /// The same run with another case: fewer faults, other settings. Where settings change which nodes there are,
    /// the plan's nodes are found again by their names, and new ones have clocks that are right and start at once.
    ///
    /// # Errors
    ///
    /// If the scenario cannot be read with these settings.
    ///
    /// Nothing if a fault of the plan is of a node that is no more, or says what no scenario with these nodes can.
    pub fn with(&self, case: Case, systems: &[&dyn System]) -> Result<Option<Self>, ScenarioError> {
        fit::fit(self, case, systems)
    }

    /// The run of the file that it [is written as](Self::to_toml), with `key.path=value` texts laid over that: the same
    /// run, unless the texts say otherwise.
    ///
    /// # Errors
    ///
    /// If the plan is one that no file can hold, or the texts are wrong.
    pub fn read_again(
        &self,
        overlays: impl IntoIterator<Item = String>,
        systems: &[&dyn System],
    ) -> Result<Self, ScenarioError> {
        let file = format!("{}.toml", self.scenario.name);
        let source = Source::of_file(Path::new(&file), self.to_toml()).with_overlays(overlays);
        let scenario = Scenario::parse(source, systems)?;
        Ok(Self::new(&Arc::new(scenario), self.seed, Faults::Scripted, systems))
    }

    /// The same run with another plan for the same nodes in the same world.
    #[must_use]
    pub fn with_plan(&self, plan: Plan) -> Self {
        let case = Case { settings: self.case.settings.clone(), plan };
        Self { case, ..self.clone() }
    }

    /// The scenario, as the case's settings make it. Its template may say less than the [`plan`](Self::plan), which
    /// is what runs.
    pub fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// The seed it was made of.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What runs.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.case.plan
    }

    /// What the seed decided about the scenario's tables.
    pub fn settings(&self) -> &[Setting] {
        &self.case.settings
    }

    /// What else was drawn, for people.
    pub fn drawn(&self) -> &[Drawn] {
        &self.drawn
    }

    /// What of it an engine cannot express, and nobody allowed it to leave out.
    pub fn inexpressible(&self, engine: Engine) -> Vec<Inexpressible> {
        self.scenario.inexpressible(self.plan(), engine)
    }

    /// Why it does not fit an engine; nothing if it does.
    pub fn misfits(&self, engine: Engine) -> Vec<Misfit> {
        engine.misfits(self.plan())
    }

    /// What stands at the head of a trace of it.
    pub fn header(&self, engine: Engine) -> Header {
        self.scenario.header(self.plan(), self.seed, engine)
    }

    /// Runs it, and judges it.
    pub fn run(&self, engine: Engine, observer: &mut dyn Observer) -> Report {
        self.scenario.run_plan(self.plan(), self.seed, engine, observer)
    }

    /// The same, but the run ends as soon as one of these invariants is violated: for who wants to know no more than whether it
    /// is. What only the end of a run can show is then judged at an end that came early.
    pub fn run_until(&self, engine: Engine, violated: &[Invariant]) -> Report {
        self.scenario.run_plan_until(self.plan(), self.seed, engine, &mut (), violated)
    }

    /// It as a scenario file that leaves nothing open: whatever the generator draws tomorrow, it stays this run.
    /// It says no name, so that the file can have any.
    pub fn to_toml(&self) -> String {
        write::to_toml(self)
    }
}

/// What a seed drew and an engine cannot express, in words.
fn left_out(kinds: &[FaultKind], engine: Engine) -> Option<Drawn> {
    let value: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let what = format!("left out, for {} cannot express it", engine.name());
    (!kinds.is_empty()).then(|| Drawn { what, value: value.join(", ") })
}
