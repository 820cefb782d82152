//! What a seed decides about the harness's own tables, where they say nothing.
//!
//! All of it stays within what a sound design survives: what a message or a write can take is small against the
//! TTL.

use leasehold_core::plan::{Burst, Chance, Latency};
use leasehold_core::{Drift, Span};
use leasehold_plan::{Dice, Part, Stream};
use serde::de::DeserializeOwned;
use toml::de::ValueDeserializer;

use crate::document::{burst, latency, length, quoted, written};
use crate::scenario::Scenario;
use crate::value::{Bound, LatencyTable, Percent};
use crate::world::{DiskTable, NetworkTable, Preset, default_bound};

/// The longest delay that is drawn, and the longest write. Chosen by us: what a network or disk in trouble takes.
const LONGEST_DELAY: Span = Span::from_millis(500);
const LONGEST_WRITE: Span = Span::from_millis(200);

/// The longest chaos that is drawn: twice the default.
const LONGEST_CHAOS: Span = Span::from_secs(120);

/// Draws what a scenario leaves open about the world.
pub(crate) fn draw(dice: &mut Dice<'_>, scenario: &Scenario) {
    let ttl = scenario.template.ttl;
    network(dice, ttl);
    let longest = ttl.scale(1, 25).min(LONGEST_WRITE);
    dice.sometimes(Part::Network, "disk.latency", 250_000, |stream| latency(some_latency(longest, stream)));
    dice.sometimes(Part::Network, "clocks.wall_offset", 250_000, |stream| {
        length(Span::from_millis(stream.log_uniform(1, 3_600_000)))
    });
    // A scripted fault stands somewhere in the chaos. The reader asks so even of those that are left out.
    let is_scripted = !scenario.template.faults.is_empty();
    let shortest = match is_scripted {
        true => scenario.template.phases.chaos,
        false => ttl.scale(3, 1).min(scenario.template.phases.chaos),
    };
    dice.sometimes(Part::Phases, "phases.chaos", 250_000, |stream| {
        length(Span::from_millis(stream.log_uniform(millis(shortest) + 1, millis(LONGEST_CHAOS))))
    });
}

fn network(dice: &mut Dice<'_>, ttl: Span) {
    let part = Part::Network;
    // Two of the longest, and a write, fit into what a holder has of the TTL.
    if ["latency", "loss", "burst"].into_iter().all(|key| dice.is_open(&format!("network.{key}"))) {
        let fitting: Vec<Preset> = Preset::ALL
            .into_iter()
            .filter(|preset| preset.plan().latency.longest() < ttl.scale(1, 6))
            .collect();
        dice.sometimes(part, "network.preset", if fitting.is_empty() { 0 } else { 200_000 }, |stream| {
            quoted(fitting[stream.below(fitting.len() as u64) as usize].name())
        });
    }
    if dice.is_open("network.preset") {
        let longest = ttl.scale(1, 10).min(LONGEST_DELAY);
        dice.sometimes(part, "network.latency", 300_000, |stream| latency(some_latency(longest, stream)));
        dice.sometimes(part, "network.loss", 250_000, some_chance);
        dice.sometimes(part, "network.burst", 100_000, |stream| {
            let good = Span::from_millis(stream.log_uniform(1_000, 60_000));
            let bad = Span::from_millis(stream.log_uniform(10, 2_000));
            burst(Burst { good, bad, loss: percent(stream.log_uniform(10, 100)) })
        });
    }
    dice.sometimes(part, "network.duplicate", 250_000, some_chance);
    dice.sometimes(part, "network.receive_buffer", 150_000, |stream| {
        stream.weighted(&[(1, 1), (1, 4), (1, 16), (1, 64)]).to_string()
    });
}

/// Up to a fifth.
fn some_chance(stream: &mut Stream) -> String {
    let tenths_of_a_percent = stream.log_uniform(1, 200) as u32;
    written(&Percent(Chance::from_ppm(tenths_of_a_percent * 1_000).expect("at most a fifth")))
}

fn percent(percent: u64) -> Chance {
    Chance::from_ppm(percent as u32 * 10_000).expect("at most all")
}

/// A constant, or a distribution of either kind, that ends at `longest` or before.
fn some_latency(longest: Span, stream: &mut Stream) -> Latency {
    let longest = (longest.as_nanos() / 1_000).max(10);
    let micros = |stream: &mut Stream, most: u64| stream.log_uniform((longest / 1_000).max(1), most);
    match stream.below(3) {
        0 => Latency::Constant(Span::from_micros(micros(stream, longest))),
        1 => {
            let max = micros(stream, longest);
            Latency::Uniform { min: Span::from_micros(stream.below(max + 1)), max: Span::from_micros(max) }
        }
        _ => {
            let median = micros(stream, longest / 8);
            let p99 = median * (2 + stream.below(5));
            let max = stream.log_uniform(p99, longest);
            let [median, p99, max] = [median, p99, max].map(Span::from_micros);
            Latency::LogNormal { median, p99, max }
        }
    }
}

pub(crate) fn millis(span: Span) -> u64 {
    span.as_nanos() / 1_000_000
}

/// What stands under a key path, or was drawn for it. Nothing if it is no such value: the reader will say so.
pub(crate) fn value<T: DeserializeOwned>(dice: &Dice<'_>, key: &str) -> Option<T> {
    let text = dice.value(key)?;
    T::deserialize(ValueDeserializer::parse(&text).ok()?).ok()
}

/// What the harness's tables come to, as far as a design has to fit to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The longest that a message takes.
    pub(crate) delay: Span,
    /// The longest that a write takes.
    pub(crate) write: Span,
    /// The declared bound on clock rates.
    pub(crate) clock_rate: Drift,
}

impl Surroundings {
    /// What stands in the scenario or was drawn.
    pub(crate) fn of(dice: &Dice<'_>) -> Self {
        let mut network: NetworkTable = value(dice, "network").unwrap_or_default();
        network.preset = value(dice, "network.preset").or(network.preset);
        let delay =
            value(dice, "network.latency").map_or(network.plan().latency, |table: LatencyTable| table.0);
        let write =
            value(dice, "disk.latency").map_or(DiskTable::default().latency.0, |table: LatencyTable| table.0);
        let clock_rate = value(dice, "bounds.clock_rate").map_or_else(default_bound, |bound: Bound| bound.0);
        Self { delay: delay.longest(), write: write.longest(), clock_rate }
    }
}
