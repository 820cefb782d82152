//! Measures a run as it happens.
//!
//! Each file below counts what belongs together; docs/metrics.md says what each metric is, and why so.

mod claims;
mod effects;
mod hosts;
mod leases;
mod load;
mod mass;
#[cfg(test)]
mod script;
mod values;

use leasehold_check::{Finding, Metric, Sample};
use leasehold_core::trace::Header;
use leasehold_core::{Event, EventKind, Passage, Plan, SimInstant};
use leasehold_scenario::{Engine, Observer, Trial};

use crate::amount::Amount;
use crate::measured::Measured;

pub(crate) use claims::{Claims, Lost};
use effects::Effects;
pub(crate) use hosts::Hosts;
use leases::Leases;
use load::Load;
pub(crate) use values::Values;

/// Measures what it is asked to of one run. Its memory does not grow with the length of the run.
#[derive(Clone, Debug)]
pub struct Meter {
    wanted: Vec<Metric>,
    hosts: Hosts,
    claims: Option<Claims>,
    leases: Option<Leases>,
    effects: Option<Effects>,
    load: Option<Load>,
    /// What checkers measure: those that are wanted.
    samples: Vec<(Metric, Values)>,
}

impl Meter {
    /// A meter for a run that begins with this header and does this plan.
    pub fn new(header: &Header, plan: &Plan, wanted: &[Metric]) -> Self {
        let mut wanted = wanted.to_vec();
        wanted.sort();
        wanted.dedup();
        let wants = |some: &[Metric]| some.iter().any(|metric| wanted.contains(metric));
        // Then faults and losses are over, and the system is watched while it settles: how long is reckoned from the very terms that
        // are compared. So nothing is divided by that time.
        let until = plan.phases.settles_at();
        let judged = Metric::JUDGED.into_iter().filter(|metric| wanted.contains(metric));
        Self {
            hosts: Hosts::new(header.nodes.len()),
            claims: wants(&claims::MEASURED).then(|| Claims::new(header, until)),
            leases: wants(&leases::MEASURED).then(|| Leases::until(until)),
            effects: wants(&effects::MEASURED).then(|| Effects::until(until)),
            load: wants(&load::MEASURED).then(|| Load::new(header, plan)),
            samples: judged.map(|metric| (metric, Values::default())).collect(),
            wanted,
        }
    }

    /// A meter for a trial on an engine.
    pub fn of(trial: &Trial, engine: Engine, wanted: &[Metric]) -> Self {
        Self::new(&trial.header(engine), trial.plan(), wanted)
    }

    /// The run is over.
    pub fn finish(mut self, ended_at: SimInstant) -> Measured {
        let mut amounts: Vec<(Metric, Amount)> = Vec::new();
        amounts.extend(self.claims.take().into_iter().flat_map(|claims| claims.finish(ended_at)));
        amounts.extend(self.leases.take().into_iter().flat_map(|leases| leases.finish(ended_at)));
        amounts.extend(self.effects.take().into_iter().flat_map(|effects| effects.finish(ended_at)));
        amounts.extend(self.load.take().into_iter().flat_map(|load| load.finish(ended_at)));
        amounts.extend(self.samples.into_iter().map(|(metric, values)| (metric, values.into())));
        Measured::of_run(amounts.into_iter().filter(|(metric, _)| self.wanted.contains(metric)))
    }
}

impl Observer for Meter {
    fn event(&mut self, event: &Event) {
        let (at, Some(node)) = (event.at, event.node) else { return };
        let turn = match &event.kind {
            EventKind::World(world) => self.hosts.hear(node, world),
            EventKind::Node(_) => None,
        };
        if let Some(claims) = &mut self.claims {
            claims.hear(at, node, &event.kind, turn);
        }
        if let Some(leases) = &mut self.leases {
            leases.hear(at, node, &event.kind, turn, &self.hosts);
        }
        if let Some(effects) = &mut self.effects {
            effects.hear(at, node, &event.kind);
        }
        if let Some(load) = &mut self.load {
            load.hear(at, node, &event.kind, turn);
        }
    }

    fn finding(&mut self, _: &Finding) {}

    fn sample(&mut self, sample: &Sample) {
        if let Some((_, values)) = self.samples.iter_mut().find(|(metric, _)| *metric == sample.metric) {
            values.record(sample.value);
        }
    }

    fn message(&mut self, passage: &Passage) {
        if let Some(load) = &mut self.load {
            load.message(passage);
        }
    }
}
