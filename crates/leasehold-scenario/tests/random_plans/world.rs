//! Any world that a scenario file can describe, but for its policies.

use leasehold_core::Span;
use proptest::prelude::*;
use proptest::sample::select;

const LONGEST_CHAOS_MILLIS: u64 = 40_000;

/// An hour and a bit.
const LONGEST_WALL_OFFSET_MILLIS: u64 = 4_000_000;

/// The world of a run, in the units of its tables.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) ttl_millis: u64,
    /// The parts of the TTL after one of which holders renew.
    pub(crate) renew: u64,
    pub(crate) holders: u16,
    pub(crate) resources: u16,
    pub(crate) network: Network,
    duplicate_percent: u32,
    receive_buffer: u32,
    pub(crate) disk: Disk,
    pub(crate) bound_ppm: u32,
    wall_offset: Span,
    pub(crate) chaos: Span,
}

/// What `[network]` says about latency and loss, and the longest delay that follows.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    text: String,
    pub(crate) longest_millis: u64,
}

/// What `[disk]` says, and the longest that follows.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    text: String,
    pub(crate) longest_millis: u64,
}

impl World {
    pub(crate) fn nodes(&self) -> u16 {
        1 + self.holders + self.resources
    }

    /// All tables but those that policies stand in; of `[lease]` what they rest on.
    pub(crate) fn text(&self) -> String {
        let Self { ttl_millis, renew, holders, resources, .. } = self;
        let surroundings = self.surroundings();
        format!(
            r#"
                schema = 1
                name = "random"
                summary = "Whatever goes wrong."

                [topology]
                holders = {holders}
                resources = {resources}
                {surroundings}
                [lease]
                ttl = "{ttl_millis}ms"
                renew = "ttl/{renew}"
            "#
        )
    }

    /// What is there whatever the system.
    pub(crate) fn surroundings(&self) -> String {
        let Self { network, duplicate_percent, receive_buffer, disk, bound_ppm, wall_offset, chaos, .. } =
            self;
        let (network, disk) = (&network.text, &disk.text);
        format!(
            r#"
                [bounds]
                clock_rate = "{bound_ppm}ppm"

                [network]
                {network}
                duplicate = "{duplicate_percent}%"
                receive_buffer = {receive_buffer}

                [disk]
                latency = {disk}

                [clocks]
                wall_offset = "{wall_offset}"

                [phases]
                chaos = "{chaos}"
            "#
        )
    }
}

/// Lengths of all magnitudes: as many around a millisecond as around the longest.
pub(crate) fn millis(longest: u64) -> impl Strategy<Value = Span> {
    let magnitudes = u64::BITS - longest.leading_zeros();
    (0..magnitudes, any::<u64>()).prop_map(move |(magnitude, draw)| {
        let low = 1 << magnitude;
        Span::from_millis((low + draw % low).min(longest))
    })
}

/// Of messages: two of the longest, and a write, take less than the shortest claim, which is 55 % of the TTL.
fn longest_delay_millis(ttl_millis: u64) -> u64 {
    (ttl_millis / 10).min(200)
}

/// Of writes.
fn longest_write_millis(ttl_millis: u64) -> u64 {
    (ttl_millis / 25).min(200)
}

/// A latency and its longest, which is up to 2.25 times what is asked for.
fn latency(longest_millis: u64) -> impl Strategy<Value = (String, u64)> {
    prop_oneof![
        (0..=longest_millis).prop_map(|millis| (format!("\"{millis}ms\""), millis)),
        (0..=longest_millis, 0..=longest_millis).prop_map(|(a, b)| {
            let (min, max) = (a.min(b), a.max(b));
            (format!("{{ min = \"{min}ms\", max = \"{max}ms\" }}"), max)
        }),
        (1..=longest_millis / 4, 2..6_u64).prop_map(move |(median, spread)| {
            let p99 = median * spread;
            let max = p99 + longest_millis;
            (format!("{{ median = \"{median}ms\", p99 = \"{p99}ms\", max = \"{max}ms\" }}"), max)
        }),
    ]
}

/// The presets have long tails, so they need a long term.
fn network(ttl_millis: u64) -> impl Strategy<Value = Network> {
    const PRESETS_LONGEST_MILLIS: u64 = 2_000;
    let own = (latency(longest_delay_millis(ttl_millis)), 0..=20_u32).prop_map(|(latency, loss)| {
        let (latency, longest_millis) = latency;
        Network { text: format!("latency = {latency}\nloss = \"{loss}%\""), longest_millis }
    });
    let preset = select(vec!["lan", "wan", "lossy-wifi", "congested"]).prop_map(|preset| Network {
        text: format!("preset = \"{preset}\""),
        longest_millis: PRESETS_LONGEST_MILLIS,
    });
    if ttl_millis < 6 * PRESETS_LONGEST_MILLIS {
        return own.boxed();
    }
    prop_oneof![own, preset].boxed()
}

prop_compose! {
    pub(crate) fn world()(
        ttl_millis in prop_oneof![100..=1_500_u64, 1_000..=20_000_u64, 20_000..=180_000_u64],
    )(
        ttl_millis in Just(ttl_millis),
        renew in select(vec![2, 3, 10]),
        (holders, resources) in (1..=8_u16).prop_flat_map(|holders| (Just(holders), 1..=holders.min(4))),
        network in network(ttl_millis),
        duplicate_percent in 0..=20_u32,
        receive_buffer in select(vec![1, 4, 256]),
        disk in latency(longest_write_millis(ttl_millis))
            .prop_map(|(text, longest_millis)| Disk { text, longest_millis }),
        bound_ppm in prop_oneof![Just(0), 0..=50_000_u32, Just(50_000)],
        wall_offset in prop_oneof![Just(Span::ZERO), millis(LONGEST_WALL_OFFSET_MILLIS)],
        chaos in millis(LONGEST_CHAOS_MILLIS),
    ) -> World {
        World {
            ttl_millis,
            renew,
            holders,
            resources,
            network,
            duplicate_percent,
            receive_buffer,
            disk,
            bound_ppm,
            wall_offset,
            chaos,
        }
    }
}
