//! The harness's own tables about the world: `[bounds]`, `[network]`, `[disk]`, `[clocks]`, `[phases]`.

use core::fmt;
use std::collections::BTreeMap;

use crate::Spanned;
use leasehold_core::plan::{Burst, Chance, Latency, NetworkPlan, Phases};
use leasehold_core::{Bounds, Drift, RateError, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::complaint::unknown_key;
use crate::deployment::NodeSpec;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::fault::Chaos;
use crate::suggest::{cut, which_node};
use crate::value::{
    AutoOrLength, Bound, BurstTable, FromText, LONGEST, LatencyTable, Length, Offset, Percent, Rate, Whole,
};

/// 500 ppm: the most that NTP corrects a clock by (`MAXFREQ` in the code of RFC 5905).
pub(crate) fn default_bound() -> Drift {
    Drift::from_ppb(500_000).expect("500 ppm are below one half")
}

/// How many messages a stopped process's host buffers unless the file says otherwise. Chosen by us: about what a
/// socket's receive buffer of 200 KiB takes of small messages.
pub(crate) const RECEIVE_BUFFER: u32 = 256;

/// `[bounds]`: the assumptions under which timed invariants must hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BoundsTable {
    /// The declared bound on clock rates: 500ppm unless it is given.
    clock_rate: Option<Spanned<Bound>>,
}

impl BoundsTable {
    pub(crate) fn clock_rate(&self) -> Drift {
        self.clock_rate.as_ref().map_or_else(default_bound, |bound| bound.get_ref().0)
    }
}

/// `[network]`: what every link does.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NetworkTable {
    /// A network that somebody may have; what stands beside it replaces a part of it.
    pub(crate) preset: Option<Preset>,
    /// How long a message takes; messages may overtake each other.
    latency: Option<LatencyTable>,
    /// How many messages the network loses by itself, until the run settles.
    loss: Option<Percent>,
    /// How many messages arrive twice, until the run settles.
    duplicate: Percent,
    /// Times in which a link loses more.
    burst: Option<BurstTable>,
    /// How many messages the host of a stopped process keeps: 256 unless it is given.
    receive_buffer: Option<Whole<1, 65_536>>,
}

impl NetworkTable {
    /// What the file says, else the preset, else a data centre on a middling day: chosen by us.
    pub(crate) fn plan(&self) -> NetworkPlan {
        let base = match self.preset {
            Some(preset) => preset.plan(),
            None => network(Span::from_millis(2), Span::from_millis(20), 0, None),
        };
        NetworkPlan {
            latency: self.latency.map_or(base.latency, |latency| latency.0),
            loss: self.loss.map_or(base.loss, |loss| loss.0),
            duplicate: self.duplicate.0,
            burst: self.burst.map_or(base.burst, |burst| Some(burst.0)),
        }
    }

    /// How many messages a stopped process's host buffers.
    pub(crate) fn receive_buffer(&self) -> u32 {
        self.receive_buffer.map_or(RECEIVE_BUFFER, |count| count.0)
    }
}

/// A network that somebody may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Preset {
    Lan,
    Wan,
    LossyWifi,
    Congested,
}

impl Preset {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Lan, Self::Wan, Self::LossyWifi, Self::Congested];

    /// The name as it stands in scenario files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Wan => "wan",
            Self::LossyWifi => "lossy-wifi",
            Self::Congested => "congested",
        }
    }

    /// The numbers are chosen by us, to be of the right magnitude; measure your own network where it matters.
    pub(crate) fn plan(self) -> NetworkPlan {
        let (micros, millis) = (Span::from_micros, Span::from_millis);
        let burst = |good, bad, loss_ppm| Some(Burst { good, bad, loss: ppm(loss_ppm) });
        match self {
            // One switched network: a fraction of a millisecond, and next to nothing is lost.
            Self::Lan => network(micros(200), millis(1), 10, None),
            // Another continent: some 80 ms there and back; a route that changes loses a second's messages.
            Self::Wan => {
                network(millis(40), millis(80), 1_000, burst(Span::from_secs(60), millis(1_000), 300_000))
            }
            // A room full of people: retries in the air make a long tail, and fading comes in bursts.
            Self::LossyWifi => {
                network(millis(3), millis(60), 10_000, burst(Span::from_secs(5), millis(200), 600_000))
            }
            // A link that is full: queues stand, and overflow now and then.
            Self::Congested => {
                network(millis(40), millis(250), 20_000, burst(Span::from_secs(1), millis(250), 250_000))
            }
        }
    }
}

fn network(median: Span, p99: Span, loss_ppm: u32, burst: Option<Burst>) -> NetworkPlan {
    let latency = LatencyTable::log_normal(median, p99).expect("a p99 above the median, and not far").0;
    NetworkPlan { latency, loss: ppm(loss_ppm), duplicate: Chance::NEVER, burst }
}

fn ppm(ppm: u32) -> Chance {
    Chance::from_ppm(ppm).expect("below one million")
}

/// `[disk]`: what every disk does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DiskTable {
    /// How long a write takes.
    pub(crate) latency: LatencyTable,
}

impl Default for DiskTable {
    /// 1 ms: a flush of a middling SSD. Chosen by us.
    fn default() -> Self {
        Self { latency: LatencyTable(Latency::Constant(Span::from_millis(1))) }
    }
}

/// `[clocks]` and `[clocks.NODE]`: where rates and offsets come from.
#[derive(Debug, Default, JsonSchema)]
#[serde(default)]
pub(crate) struct ClocksTable {
    /// Rates are drawn within this; within [bounds] unless it is given.
    rate: Option<Spanned<Bound>>,
    /// Wall clocks start within this of true time.
    wall_offset: Option<Spanned<Length>>,
    #[schemars(flatten, with = "BTreeMap<String, NodeClockTable>")]
    nodes: Vec<(Spanned<String>, NodeClock)>,
}

/// A value of `[clocks]` under another key than the table's own: a table if a node is meant.
#[derive(Debug)]
enum NodeClock {
    Table(NodeClockTable),
    /// With its text, if it is one.
    NoTable(String),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct NodeClockTable {
    /// The rate of this node's clocks.
    rate: Option<Rate>,
    /// How far this node's wall clock is from true time at the start.
    wall_offset: Option<Offset>,
}

/// What the file says about one node's clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GivenClock {
    /// The rate, if it is given.
    pub(crate) rate: Option<RateError>,
    /// The wall clock's offset in nanoseconds, if it is given.
    pub(crate) wall_offset: Option<i64>,
}

impl ClocksTable {
    /// The widest error that rates are drawn with.
    pub(crate) fn drawn_within(&self, declared: Drift) -> Result<Drift, Diagnostic> {
        let Some(rate) = &self.rate else { return Ok(declared) };
        let drawn = rate.get_ref().0;
        if drawn <= declared {
            return Ok(drawn);
        }
        Err(Diagnostic::at(
            rate.span(),
            format!("rates of up to {drawn} are drawn, but [bounds] declares {declared}"),
        )
        .label("a drawn rate must stay within [bounds]")
        .help("raise `clock_rate` in [bounds], or lower this")
        .help("to break the assumption on purpose, use [clocks.NODE], or a fault with do = \"clock.rate\""))
    }

    pub(crate) fn wall_offset(&self) -> Span {
        self.wall_offset.as_ref().map_or(Span::ZERO, |within| within.get_ref().0)
    }

    /// Refuses ranges to draw from, where nothing is drawn.
    pub(crate) fn check_drawn_nowhere(&self) -> Result<(), Diagnostics> {
        let mut found = Diagnostics::default();
        let ranges = [
            ("rate", self.rate.as_ref().map(Spanned::span)),
            ("wall_offset", self.wall_offset.as_ref().map(Spanned::span)),
        ];
        for (key, span) in ranges {
            let Some(span) = span else { continue };
            found.push(
                Diagnostic::at(
                    span,
                    format!("`{key}` is a range to draw from, but [plan] leaves nothing to a seed"),
                )
                .help(format!("give each node its own, in [clocks.NODE]: without a word its {key} is zero"))
                .help("or remove [plan]"),
            );
        }
        found.or(())
    }

    /// What is given for each node, in the order of the nodes.
    pub(crate) fn given(&self, nodes: &[NodeSpec]) -> Result<Vec<GivenClock>, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut given = vec![GivenClock::default(); nodes.len()];
        for (key, clock) in &self.nodes {
            let (name, at) = (key.get_ref().as_str(), |message| Diagnostic::at(key.span(), message));
            match (nodes.iter().position(|node| node.name == name), clock) {
                (Some(_), NodeClock::Table(NodeClockTable { rate: None, wall_offset: None })) => {
                    let help = "add `rate = \"+5%\"` or `wall_offset = \"-3s\"`, or remove the table";
                    found.push(at(format!("[clocks.{name}] says nothing")).help(help));
                }
                (Some(index), NodeClock::Table(clock)) => {
                    given[index] = GivenClock {
                        rate: clock.rate.map(|rate| rate.0),
                        wall_offset: clock.wall_offset.map(|offset| offset.0),
                    };
                }
                (Some(_), NodeClock::NoTable(text)) => {
                    let rate = example_rate(text);
                    let help = format!("write [clocks.{name}] with rate = \"{rate}\"");
                    found.push(at(format!("`{name}` is a node, not a key of [clocks]")).help(help));
                }
                (None, NodeClock::NoTable(_)) => {
                    let diagnostic = unknown_key(name, "[clocks]", &OWN_KEYS);
                    found.push(Diagnostic { span: Some(key.span()), ..diagnostic });
                }
                (None, NodeClock::Table(_)) => {
                    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
                    let message = format!("no node is called `{}`", cut(name));
                    found.push(at(message).help(which_node(name, &names)));
                }
            }
        }
        found.or(given)
    }
}

/// The rate that somebody may have meant, with its sign.
fn example_rate(text: &str) -> String {
    match Rate::from_text(text) {
        Ok(_) if text.trim().starts_with(['+', '-']) => text.trim().to_owned(),
        Ok(_) => format!("+{}", text.trim()),
        Err(_) => "+5%".to_owned(),
    }
}

const OWN_KEYS: [&str; 2] = ["rate", "wall_offset"];

impl<'de> Deserialize<'de> for ClocksTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClocksVisitor;
        impl<'de> Visitor<'de> for ClocksVisitor {
            type Value = ClocksTable;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClocksTable, A::Error> {
                let mut table = ClocksTable::default();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    match key.get_ref().as_str() {
                        "rate" => table.rate = Some(map.next_value()?),
                        "wall_offset" => table.wall_offset = Some(map.next_value()?),
                        _ => table.nodes.push((key, map.next_value()?)),
                    }
                }
                Ok(table)
            }
        }
        deserializer.deserialize_map(ClocksVisitor)
    }
}

impl<'de> Deserialize<'de> for NodeClock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeClockVisitor;
        impl<'de> Visitor<'de> for NodeClockVisitor {
            type Value = NodeClock;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NodeClock, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                NodeClockTable::deserialize(map).map(NodeClock::Table)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<NodeClock, E> {
                Ok(NodeClock::NoTable(text.to_owned()))
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<NodeClock, E> {
                Ok(NodeClock::NoTable(String::new()))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<NodeClock, E> {
                Ok(NodeClock::NoTable(String::new()))
            }
        }
        deserializer.deserialize_any(NodeClockVisitor)
    }
}

/// `[phases]`: how long the parts of a run last.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PhasesTable {
    /// How long faults fire: 60s unless it is given.
    chaos: Option<Spanned<Length>>,
    /// How long the healed world runs on; auto is enough to judge liveness.
    settle: AutoOrLength,
}

impl PhasesTable {
    /// How long faults fire: a minute unless the file says otherwise.
    pub(crate) fn chaos(&self) -> Result<Chaos, Diagnostic> {
        let Some(chaos) = &self.chaos else { return Ok(Chaos { lasts: Span::from_secs(60), span: None }) };
        let lasts = chaos.get_ref().0;
        if lasts.is_zero() {
            return Err(Diagnostic::at(chaos.span(), "a run needs some time before it settles")
                .label("expected more than 0s"));
        }
        Ok(Chaos { lasts, span: Some(chaos.span()) })
    }

    /// The phases under these bounds.
    pub(crate) fn phases(&self, chaos: &Chaos, bounds: &Bounds) -> Phases {
        Phases { chaos: chaos.lasts, settle: settle(self.settle, bounds) }
    }

    /// How long the healed world runs on.
    pub(crate) fn settle(&self) -> AutoOrLength {
        self.settle
    }
}

/// How long a run settles under these bounds: unless the file says otherwise, twice as long as a resource may go
/// unclaimed, and a second, so that being late can be told from being stuck. And where somebody is looked up, until what
/// died at the end of the chaos must be found no more.
pub(crate) fn settle(said: AutoOrLength, bounds: &Bounds) -> Span {
    let staleness = bounds.discovery.map_or(Span::ZERO, |views| {
        let second = views.cache.or(views.dead_watch).or(views.watch).unwrap_or(Span::ZERO);
        views.exclusion.saturating_add(second)
    });
    match said {
        AutoOrLength::Auto => {
            let longest = bounds.regrant.scale(2, 1).max(staleness);
            longest.saturating_add(Span::from_secs(1)).min(LONGEST)
        }
        AutoOrLength::Length(span) => span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::Toy;
    use crate::{Scenario, ScenarioError, Source};

    fn parse(network: &str) -> Result<NetworkPlan, ScenarioError> {
        let head = "schema = 1\nname = \"x\"\nsummary = \"s\"\n[lease]\nttl = \"10s\"\n[network]\n";
        let source = Source::from_text("x.toml", format!("{head}{network}"));
        Scenario::parse(source, &[&Toy]).map(|scenario| scenario.template.network)
    }

    fn read(network: &str) -> NetworkPlan {
        parse(network).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_network_without_a_word_is_a_data_centre_without_loss() {
        let plan = read("");
        let (median, p99) = (Span::from_millis(2), Span::from_millis(20));
        assert!(
            matches!(plan.latency, Latency::LogNormal { median: m, p99: p, .. } if (m, p) == (median, p99))
        );
        assert_eq!((plan.loss, plan.duplicate, plan.burst), (Chance::NEVER, Chance::NEVER, None));
    }

    #[test]
    fn a_preset_says_what_the_file_does_not() {
        let burst = |good, bad, loss| {
            Some(Burst { good: Span::from_millis(good), bad: Span::from_millis(bad), loss: ppm(loss) })
        };
        for (name, loss, bursts) in [
            ("lan", 10, None),
            ("wan", 1_000, burst(60_000, 1_000, 300_000)),
            ("lossy-wifi", 10_000, burst(5_000, 200, 600_000)),
            ("congested", 20_000, burst(1_000, 250, 250_000)),
        ] {
            let plan = read(&format!("preset = \"{name}\""));
            assert_eq!((plan.loss, plan.burst), (ppm(loss), bursts), "{name}");
            let own = read(&format!("preset = \"{name}\"\nloss = \"7%\"\nduplicate = \"1%\""));
            assert_eq!((own.loss, own.duplicate), (ppm(70_000), ppm(10_000)), "{name}");
            assert_eq!((own.latency, own.burst), (plan.latency, plan.burst), "{name}");
        }
        let own = read(
            "preset = \"wan\"\nlatency = \"5ms\"\n[network.burst]\ngood = \"1s\"\nbad = \"10ms\"\nloss = \"50%\"",
        );
        assert_eq!(own.latency, Latency::Constant(Span::from_millis(5)));
        assert_eq!(own.burst, burst(1_000, 10, 500_000));
    }

    #[test]
    fn a_preset_is_read_by_its_name() {
        for preset in Preset::ALL {
            assert_eq!(read(&format!("preset = \"{}\"", preset.name())), preset.plan());
        }
    }

    #[test]
    fn what_is_wrong_with_a_network_is_shown_in_place() {
        for (network, place, words) in [
            ("preset = \"lann\"", "7:10", "did you mean `lan`?"),
            ("preset = \"zebra\"", "7:10", "expected `lan`, `wan`, `lossy-wifi` or `congested`"),
            ("[network.burst]\ngood = \"1s\"\nbad = \"1s\"", "7:1", "[network.burst] has no `loss`"),
            (
                "burst = { good = \"0s\", bad = \"1s\", loss = \"1%\" }",
                "7:9",
                "`good` is 0s, expected at least 1ms",
            ),
            ("[network.burst]\ngod = \"1s\"", "8:1", "did you mean `good`?"),
        ] {
            let shown = parse(network).expect_err(network).to_string();
            assert!(shown.contains(words), "expected {words} in\n{shown}");
            assert!(shown.contains(&format!(" --> x.toml:{place}\n")), "expected {place} in\n{shown}");
        }
    }
}
