//! One scenario under one seed, on both engines.

use std::collections::BTreeMap;
use std::process::Command;

use leasehold::{Engine, Verdict};
use leasehold_campaign::Recorder;
use leasehold_check::{Finding, Sample};
use leasehold_core::Event;
use leasehold_report::Failovers;
use leasehold_scenario::{Observer, Variant};

use super::case::{Case, root};
use super::measured::Measure;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");

/// What a run on one engine came to.
pub(crate) struct Ran {
    pub(crate) engine: Engine,
    pub(crate) verdict: Verdict,
    /// How the scenario's expectation is not met.
    unmet: Vec<String>,
    /// Which faults touched something.
    landed: Vec<bool>,
    pub(crate) measures: BTreeMap<Measure, Vec<u64>>,
}

/// Takes what is measured.
#[derive(Default)]
struct Meter {
    failovers: Failovers,
    samples: BTreeMap<Measure, Vec<u64>>,
}

impl Observer for Meter {
    fn event(&mut self, event: &Event) {
        self.failovers.event(event);
    }

    fn finding(&mut self, _: &Finding) {}

    fn sample(&mut self, sample: &Sample) {
        if let Some(measure) = Measure::of(sample.metric) {
            self.samples.entry(measure).or_default().push(sample.value);
        }
    }
}

impl Ran {
    /// Which faults touched something, by their places.
    pub(crate) fn landed(&self) -> impl Iterator<Item = usize> {
        self.landed.iter().enumerate().filter_map(|(place, landed)| landed.then_some(place))
    }

    fn on(engine: Engine, case: &Case, seed: u64) -> Self {
        let mut meter = Meter::default();
        let report = case.scenario.run(seed, engine, &mut meter);
        let mut measures = meter.samples;
        // In a registry a resource is a member, and nobody takes over from it.
        if case.scenario.system != "registry" {
            measures.insert(Measure::Failover, meter.failovers.times().to_vec());
        }
        let landed = report.outcome.faults.iter().map(|fault| fault.landed.is_some()).collect();
        Self { engine, verdict: report.verdict, unmet: report.unmet, landed, measures }
    }
}

/// One scenario under one seed, on both engines.
pub(crate) struct Pair<'c> {
    pub(crate) case: &'c Case,
    pub(crate) seed: u64,
    pub(crate) ran: [Ran; 2],
}

impl<'c> Pair<'c> {
    /// Runs it on both.
    pub(crate) fn run(case: &'c Case, seed: u64) -> Self {
        Self { case, seed, ran: [Engine::Sim, Engine::Turmoil].map(|engine| Ran::on(engine, case, seed)) }
    }

    /// How the two disagree, or either with what is expected.
    pub(crate) fn disagreements(&self) -> Vec<String> {
        let [sim, turmoil] = &self.ran;
        let mut told: Vec<String> = self
            .ran
            .iter()
            .flat_map(|ran| ran.unmet.iter().map(|unmet| format!("on {}, {unmet}", ran.engine.name())))
            .collect();
        if told.is_empty() && sim.verdict != turmoil.verdict {
            told.push(format!("the verdicts are {} and {}", sim.verdict.name(), turmoil.verdict.name()));
        }
        told
    }

    /// How it is not what the list of those that differ says: on the first engine it comes to what is expected, on the
    /// second to this verdict.
    pub(crate) fn not_as_listed(&self, verdict: &str) -> Vec<String> {
        let [sim, turmoil] = &self.ran;
        let mut told: Vec<String> = sim.unmet.iter().map(|unmet| format!("on sim, {unmet}")).collect();
        if turmoil.verdict.name() != verdict {
            told.push(format!(
                "on turmoil, the verdict is {}, and {verdict} is listed",
                turmoil.verdict.name()
            ));
        }
        told
    }

    /// What runs it again.
    pub(crate) fn command(&self) -> String {
        let safe = if self.case.variant == Variant::Safe { " --safe" } else { "" };
        let (file, seed) = (&self.case.file, self.seed);
        format!("leasehold run scenarios/{file}{safe} --seed {seed} --engine turmoil")
    }

    /// Both runs, side by side.
    pub(crate) fn side_by_side(&self) -> String {
        let desk = tempfile::tempdir().unwrap();
        let traces = self.ran.each_ref().map(|ran| {
            let path = desk.path().join(format!("{}.jsonl", ran.engine.name()));
            let (scenario, plan) = (&self.case.scenario, self.case.scenario.plan_for(ran.engine, self.seed));
            let header = scenario.header(&plan, self.seed, ran.engine);
            let mut recorder = Recorder::begin(&path, &header).unwrap();
            let report = scenario.run(self.seed, ran.engine, &mut recorder);
            recorder.finish(&report).unwrap();
            path
        });
        let mut diff = Command::new(PROGRAM);
        diff.arg("diff").args(traces).args(["--align", "by-time"]).env("NO_COLOR", "1").current_dir(root());
        let output = diff.output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        format!(
            "{} under seed {}\n{}{}",
            self.case.name(),
            self.seed,
            text(&output.stdout),
            text(&output.stderr)
        )
    }
}
