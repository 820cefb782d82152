//! What runs on both engines measured, compared.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use leasehold::Engine;
use leasehold_check::{Metric, Unit};
use leasehold_report::{Distance, Failovers, RunValues, Slack, distance, fisher};

use super::case::Case;
use super::pair::Pair;

/// The tick of the second engine, in nanoseconds.
const TICK: u64 = 1_000_000;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    /// From the end of the last claim to the next.
    Failover,
    /// What a checker measures.
    Of(Metric),
}

impl Measure {
    /// Times only: how many calls went to the dead is no time.
    pub(crate) fn of(metric: Metric) -> Option<Self> {
        (metric.unit() == Unit::Nanoseconds).then_some(Self::Of(metric))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Of(metric) => metric.name(),
        }
    }
}

/// How many tests a comparison is: of what was measured, and of how many runs measured anything.
pub(crate) const TESTS: usize = 2;

/// What the runs of each scenario measured on the first and on the second engine.
#[derive(Default)]
pub(crate) struct Lots {
    measured: BTreeMap<(String, Measure), [RunValues; 2]>,
    /// How often each scenario ran on either engine.
    made: BTreeMap<String, usize>,
}

impl Lots {
    pub(crate) fn of(pairs: &[Pair<'_>]) -> Self {
        let mut lots = Self::default();
        for pair in pairs {
            *lots.made.entry(pair.case.name()).or_default() += 1;
            for (side, ran) in pair.ran.iter().enumerate() {
                for (measure, values) in &ran.measures {
                    let lot = lots.measured.entry((pair.case.name(), *measure)).or_default();
                    lot[side].add_run(values.iter().copied());
                }
            }
        }
        lots
    }

    /// The failovers of the first engine under so many seeds, beside the same with so many ticks more, but only in the first
    /// so many runs.
    pub(crate) fn of_times(case: &Case, seeds: u64, ticks: u64, in_runs: u64) -> Self {
        let mut lot = [RunValues::default(), RunValues::default()];
        for seed in 0..seeds {
            let mut failovers = Failovers::default();
            case.scenario.run(seed, Engine::Sim, &mut failovers);
            lot[0].add_run(failovers.times().iter().copied());
            if seed < in_runs {
                lot[1].add_run(failovers.times().iter().map(|time| time + ticks * TICK));
            }
        }
        let measured = [((case.name(), Measure::Failover), lot)].into();
        Self { measured, made: [(case.name(), seeds as usize)].into() }
    }

    /// Compares all that either engine measured anything of.
    pub(crate) fn compare(&self) -> Vec<Compared> {
        let compared = self.measured.iter().filter_map(|((scenario, measure), lot)| {
            let [sim, turmoil] = lot.each_ref().map(RunValues::runs);
            let made = self.made[scenario];
            (sim + turmoil > 0).then(|| Compared {
                scenario: scenario.clone(),
                measure: *measure,
                lot: lot.clone(),
                distance: distance(&lot[0], &lot[1], slack(*measure)),
                counted: fisher((sim, made), (turmoil, made)),
            })
        });
        compared.collect()
    }
}

/// What the tick explains, in the worst case: what stands in a row between the beginning and the end of what is measured.
/// A message takes up to two ticks more (its fate is decided at a tick, and it is read at a tick), a timer or a write up to
/// one.
fn slack(measure: Measure) -> Slack {
    let more = match measure {
        // The last renewal; the expiry; the end and the grant on the disk; the grant, and the round trip that confirms it.
        Measure::Failover => 2 + 1 + 2 + 3 * 2,
        // The last heartbeat; the expiry; the end on the disk.
        Measure::Of(Metric::Exclusion) => 2 + 1 + 1,
        // The request; the end on the disk.
        Measure::Of(Metric::Deregistration) => 2 + 1,
        // Two rounds of a poll or a watch, with a cache in between that asks by a timer of its own; the lookup.
        Measure::Of(Metric::Propagation | Metric::Visibility) => 2 * (2 * 2 + 1) + 1,
        // Both hops.
        Measure::Of(Metric::Staleness | Metric::CallsToDead) => 4 + 11,
        Measure::Of(other) => unreachable!("{} is none of those that checkers measure", other.name()),
    };
    // What begins it, a death within a step or the deadline of a claim, can be late itself.
    Slack { less: 2 * TICK, more: more * TICK }
}

/// One comparison.
pub(crate) struct Compared {
    scenario: String,
    measure: Measure,
    lot: [RunValues; 2],
    /// Nothing if only one engine measured anything.
    distance: Option<Distance>,
    /// The chance of numbers of runs as far apart that measured something.
    counted: f64,
}

impl Compared {
    /// The lesser of both tests.
    pub(crate) fn chance(&self) -> f64 {
        self.distance.map_or(self.counted, |distance| distance.chance.min(self.counted))
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |value: Option<u64>| value.map_or(f64::NAN, |value| value as f64 / 1e9);
        write!(f, "{:<40} {:<15}", self.scenario, self.measure.name())?;
        for lot in &self.lot {
            let [low, middle, high] = [0.1, 0.5, 0.9].map(|chance| seconds(lot.quantile(chance)));
            write!(f, " {:>3} {low:>8.3} {middle:>8.3} {high:>8.3}", lot.runs())?;
        }
        match self.distance {
            Some(Distance { greatest, at, chance }) => {
                write!(f, "  D {greatest:.2} at {:.3} s, p {chance:.1e}", at as f64 / 1e9)?;
            }
            None => write!(f, "  only one engine measured it")?,
        }
        write!(f, "; runs, p {:.1e}", self.counted)
    }
}

/// All comparisons, for people.
pub(crate) fn table(comparisons: &[Compared], level: f64) -> String {
    let mut text = format!(
        "{:<40} {:<15} {:<30} {:<30}\n",
        "scenario", "measure", "sim: runs, 10 %, 50 %, 90 %", "turmoil"
    );
    for one in comparisons {
        let mark = if one.chance() < level { "  APART" } else { "" };
        let _ = writeln!(text, "{one}{mark}");
    }
    let _ = write!(text, "{} comparisons, each at a level of {level:.1e}", comparisons.len());
    text
}
