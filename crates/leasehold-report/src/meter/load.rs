//! How many messages there are in each second, and what a mass event does to that.

use leasehold_check::Metric;
use leasehold_core::event::EventKind;
use leasehold_core::passage::Came;
use leasehold_core::plan::Role;
use leasehold_core::trace::Header;
use leasehold_core::{Leg, NodeId, Passage, Plan, Purpose, SimInstant, Span};

use super::hosts::Turn;
use super::mass::Mass;
use super::values::Values;
use crate::amount::Amount;

/// What is measured here.
pub(crate) const MEASURED: [Metric; 4] = [Metric::Renewals, Metric::Messages, Metric::Load, Metric::Surge];

/// How long a window is. That of I13 (docs/timing.md, section 7).
pub(crate) const WINDOW: Span = Span::from_secs(1);

/// Counts what happens in each second of a run, until its faults are over: then nothing is lost any more, and how long that lasts
/// follows from what is measured.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// So many windows count.
    windows: u64,
    window: u64,
    so_far: u64,
    values: Values,
}

/// A stretch of windows in which equally many things happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// The number of the first.
    pub(crate) first: u64,
    /// How many there are.
    pub(crate) many: u64,
    /// How much happened in each.
    pub(crate) count: u64,
}

impl Level {
    /// Counts the seconds that are over by then.
    pub(crate) fn until(until: SimInstant) -> Self {
        let windows = until.since_start().as_nanos() / WINDOW.as_nanos();
        Self { windows, window: 0, so_far: 0, values: Values::default() }
    }

    /// Something happened.
    pub(crate) fn count(&mut self, at: SimInstant) {
        self.turn_to(at, &mut |_| ());
        self.so_far += 1;
    }

    /// Closes all windows that are over at an instant, and tells of them.
    pub(crate) fn turn_to(&mut self, at: SimInstant, tell: &mut dyn FnMut(Windows)) {
        let now = at.since_start().as_nanos() / WINDOW.as_nanos();
        if now <= self.window {
            return;
        }
        let (first, count) = (self.window, std::mem::take(&mut self.so_far));
        let empty = now - first - 1;
        self.window = now;
        if first < self.windows {
            self.values.record(count);
        }
        tell(Windows { first, many: 1, count });
        if empty > 0 {
            self.values.record_times(0, now.min(self.windows).saturating_sub(first + 1));
            tell(Windows { first: first + 1, many: empty, count: 0 });
        }
    }

    /// The run is over. A window that is not is left out.
    pub(crate) fn finish(mut self, ended_at: SimInstant) -> Amount {
        self.turn_to(ended_at, &mut |_| ());
        self.values.into()
    }
}

/// All messages of a run.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    servers: Vec<NodeId>,
    renewals: Level,
    messages: Level,
    load: Level,
    mass: Mass,
}

impl Load {
    pub(crate) fn new(header: &Header, plan: &Plan) -> Self {
        let (nodes, until) = ((0..).map(NodeId).zip(&header.nodes), plan.phases.settles_at());
        let is_server = |role: Role| matches!(role, Role::Grantor | Role::Registry);
        Self {
            servers: nodes.filter(|(_, node)| is_server(node.role)).map(|(id, _)| id).collect(),
            renewals: Level::until(until),
            messages: Level::until(until),
            load: Level::until(until),
            mass: Mass::new(header, plan),
        }
    }

    pub(crate) fn hear(&mut self, at: SimInstant, node: NodeId, kind: &EventKind, turn: Option<Turn>) {
        let EventKind::World(event) = kind else { return };
        if self.mass.concerns(node, event, turn) {
            self.turn_to(at);
            self.mass.hear(at, node, event, turn);
        }
    }

    pub(crate) fn message(&mut self, passage: &Passage) {
        let at = passage.at;
        match passage.came {
            Came::Sent => self.messages.count(at),
            Came::Arrived if passage.leg == Leg::Request && self.servers.contains(&passage.to) => {
                match passage.purpose {
                    Purpose::Renew => {
                        self.renewals.count(at);
                        self.arrives(at);
                    }
                    Purpose::Acquire => self.arrives(at),
                    _ => {}
                }
            }
            Came::Arrived | Came::Lost { .. } => {}
        }
    }

    fn arrives(&mut self, at: SimInstant) {
        self.turn_to(at);
        self.load.count(at);
    }

    fn turn_to(&mut self, at: SimInstant) {
        let Self { load, mass, .. } = self;
        load.turn_to(at, &mut |windows| mass.take(windows));
    }

    /// The run is over.
    pub(crate) fn finish(mut self, ended_at: SimInstant) -> Vec<(Metric, Amount)> {
        self.turn_to(ended_at);
        vec![
            (Metric::Renewals, self.renewals.finish(ended_at)),
            (Metric::Messages, self.messages.finish(ended_at)),
            (Metric::Load, self.load.finish(ended_at)),
            (Metric::Surge, self.mass.finish().into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use leasehold_check::Statistic;
    use leasehold_scenario::{Engine, Faults, Scenario, SingleGrantor, Source, Trial};

    use super::super::Meter;
    use super::super::script::*;
    use crate::measured::Measured;

    #[test]
    fn what_arrives_at_a_grantor_is_counted_by_the_second() {
        let lines = [
            arrives(ms(100), G, Purpose::Renew),
            arrives(ms(999), G, Purpose::Acquire),
            arrives(ms(1_000), G, Purpose::Renew),
            arrives(ms(1_100), G, Purpose::Release),
            arrives(ms(1_200), S, Purpose::Renew),
            message(ms(1_300), G, Purpose::Renew, Leg::Reply, Came::Arrived),
            message(ms(1_400), G, Purpose::Renew, Leg::Request, Came::Sent),
            arrives(ms(3_500), G, Purpose::Renew),
        ];
        values(Metric::Renewals, &lines, s(5), &[1, 1, 0, 1, 0]);
        values(Metric::Load, &lines, s(5), &[2, 1, 0, 1, 0]);
        values(Metric::Messages, &lines, s(5), &[0, 1, 0, 0, 0]);
        values(Metric::Load, &lines, ms(3_999), &[2, 1, 0]);
    }

    /// Gray and Cheriton (1989): `N·R/(1+R·t)`. Nothing fails, one client reads each file, and clocks are nearly right. What
    /// five runs of ten minutes measure is the formula's value, within two in a hundred, from a term in which hardly anything is
    /// read twice to one that saves nine questions of ten.
    #[test]
    fn the_load_of_cached_reads_is_what_the_formula_says() {
        for (term, value) in [("100ms", 18.18), ("1s", 10.0), ("9s", 2.0)] {
            let text = format!(
                "schema = 1\nname = \"x\"\nsummary = \"s\"\n[lease]\nttl = \"{term}\"\n[work]\nkind = \"cached-reads\"\n\
                 every = \"1s\"\n[topology]\nholders = 20\nresources = 20\n[network]\nlatency = \"1ms\"\n[bounds]\n\
                 clock_rate = \"1ppm\"\n[phases]\nchaos = \"590s\"\nsettle = \"10s\"\n"
            );
            let scenario =
                Scenario::parse(Source::from_text("x.toml", text), &[&SingleGrantor]).expect("it is right");
            let predictions = scenario.predictions(Faults::Scripted);
            let scenario = scenario.into();
            let mut all = Measured::default();
            for seed in 0..5 {
                let trial = Trial::new(&scenario, seed, Faults::Scripted, &[&SingleGrantor]);
                let mut meter = Meter::of(&trial, Engine::Sim, &[Metric::Load, Metric::Messages]);
                let report = trial.run(Engine::Sim, &mut meter);
                all.add(&meter.finish(report.outcome.ended_at));
            }
            for (metric, times) in [(Metric::Load, 1.0), (Metric::Messages, 4.0)] {
                let told = predictions.iter().find(|one| one.metric == metric).expect("it is predicted");
                assert!(
                    (told.value - value * times).abs() < 0.01 * times,
                    "{term}: {} predicted",
                    told.value
                );
                let figure = all.figure(metric, &predictions);
                let mean =
                    figure.estimates.iter().find(|one| one.statistic == Statistic::Mean).expect("it is told");
                assert!(
                    (mean.value / told.value - 1.0).abs() < 0.02,
                    "{term}: {} measured of {}",
                    mean.value,
                    told.value
                );
            }
        }
    }

    #[test]
    fn seconds_count_until_faults_are_over() {
        let lines = [100, 1_100, 3_100, 3_900, 5_100].map(|millis| arrives(ms(millis), G, Purpose::Renew));
        for metric in [Metric::Renewals, Metric::Load] {
            let levels = |chaos| amount_within(chaos, metric, &lines, s(20)).values().to_string();
            let of = |counts: &[u64]| {
                let mut values = super::Values::default();
                counts.iter().for_each(|count| values.record(*count));
                super::Amount::from(values).values().to_string()
            };
            assert_eq!(levels("4s"), of(&[1, 1, 0, 2]));
            assert_eq!(levels("3500ms"), of(&[1, 1, 0]), "a second in which they end is none");
            assert_eq!(levels("5s"), of(&[1, 1, 0, 2, 0]));
            assert_eq!(levels("7s"), of(&[1, 1, 0, 2, 0, 1, 0]));
        }
    }
}
