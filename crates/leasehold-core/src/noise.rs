//! Noise as a pure function of where and when, not a stream that is consumed.
//!
//! The fate of a message depends on the run's key, its link, its send time and its ordinal among the messages
//! sent there at that instant, and on nothing else. So removing one fault from a plan leaves the fate of
//! unrelated messages alone, which is what makes shrinking work (on a prototype 71 % of
//! violations survived the removal of an earlier fault unchanged, against 15 % with one stream).

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::time::SimInstant;

/// The key of a run's noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoiseKey(pub u64);

/// What a draw is for: separate purposes draw independently at the same place and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The fate of a message.
    Message,
    /// A node's own stream.
    Node,
    /// The latency of a disk, and what it keeps of unfinished writes.
    Disk,
    /// Which of several nodes a fault picks.
    Pick,
    /// How long a link stays in a state, by the ordinal of its transitions.
    Burst,
}

impl NoiseKey {
    /// The draws for one thing that goes from one node to another (a message), or concerns one node (both ends
    /// the same), at one instant; `ordinal` counts the things of that kind there and then.
    pub fn draws(self, purpose: Use, from: NodeId, to: NodeId, at: SimInstant, ordinal: u32) -> Draws {
        let purpose = match purpose {
            Use::Message => 1,
            Use::Node => 2,
            Use::Disk => 3,
            Use::Pick => 4,
            Use::Burst => 5,
        };
        let place = u64::from(from.0) << 48 | u64::from(to.0) << 32 | u64::from(ordinal);
        let seed = fold(self.0 ^ MULTIPLIERS[0], place ^ MULTIPLIERS[1]);
        let seed = fold(seed ^ MULTIPLIERS[2] ^ at.as_nanos(), purpose ^ MULTIPLIERS[3] ^ place);
        Draws { state: seed }
    }
}

/// A short stream of numbers for one place and time.
///
/// The successive states are a Weyl sequence, each whitened with two multiply-and-xor rounds (the construction
/// of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// A stream from a bare seed: for tests that drive a node by hand.
    pub const fn from_seed(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, uniform over all `u64`.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(WEYL_STEP);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number, uniform below `bound` (0 if `bound` is 0). The bias is below `bound / 2^64`.
    pub fn draw_below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u64
    }

    /// Moves `count` of the items to the front, each choice as likely as any other, in drawn order. All if there
    /// are fewer.
    pub fn choose<T>(&mut self, items: &mut [T], count: usize) {
        for place in 0..count.min(items.len()) {
            let left = (items.len() - place) as u64;
            items.swap(place, place + self.draw_below(left) as usize);
        }
    }

    /// True with the given chance in parts per million.
    pub fn chance(&mut self, parts_per_million: u32) -> bool {
        parts_per_million > 0 && self.draw_below(1_000_000) < u64::from(parts_per_million)
    }
}

/// The fractional part of the golden ratio, as a 64-bit odd number: steps through all states evenly.
const WEYL_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Odd constants with about half of their bits set, from the binary expansion of π (nothing up our sleeve).
const MULTIPLIERS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1, 0x082e_fa98_ec4e_6c89];

/// Both halves of the 128-bit product, folded together.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    const KEY: NoiseKey = NoiseKey(0x5eed);

    fn first(key: NoiseKey, from: u16, to: u16, at: u64, ordinal: u32) -> u64 {
        key.draws(Use::Message, NodeId(from), NodeId(to), SimInstant::from_nanos(at), ordinal).draw()
    }

    /// Pearson's statistic of 65,536 values over 256 cells, for the top and the bottom byte. With 255 degrees
    /// of freedom it exceeds 381 with a chance below 10^-6, and falls under 154 with the same.
    fn assert_uniform(name: &str, values: impl Iterator<Item = u64>) {
        let values: Vec<u64> = values.take(65_536).collect();
        assert_eq!(values.len(), 65_536);
        for shift in [0, 56] {
            let mut cells = vec![0_u64; 256];
            for value in &values {
                cells[(value >> shift) as usize & 255] += 1;
            }
            let expected = 256.0;
            let statistic: f64 = cells.iter().map(|&n| (n as f64 - expected).powi(2) / expected).sum();
            assert!((154.0..381.0).contains(&statistic), "{name}, shift {shift}: {statistic}");
        }
    }

    #[test]
    fn uniform_along_each_coordinate() {
        let n = 65_536_u64;
        assert_uniform("time, nanosecond steps", (0..n).map(|i| first(KEY, 1, 2, i, 0)));
        assert_uniform("time, 20 ms steps", (0..n).map(|i| first(KEY, 1, 2, i * 20_000_000, 0)));
        assert_uniform("ordinal", (0..n).map(|i| first(KEY, 1, 2, 77, i as u32)));
        assert_uniform("from", (0..n).map(|i| first(KEY, i as u16, 2, 77, 0)));
        assert_uniform("to", (0..n).map(|i| first(KEY, 1, i as u16, 77, 0)));
        assert_uniform("key", (0..n).map(|i| first(NoiseKey(i), 1, 2, 77, 0)));
        let mut draws = KEY.draws(Use::Message, NodeId(1), NodeId(2), SimInstant::START, 0);
        assert_uniform("successive draws", core::iter::repeat_with(|| draws.draw()));
    }

    /// Neighbours share no bits: flipping any one bit of any input flips about half of the output.
    #[test]
    fn independent_of_neighbours() {
        let rounds = 4_096;
        let mut worst: f64 = 0.5;
        for bit in 0..64 {
            let mut flips_by_time = 0;
            let mut flips_by_key = 0;
            for i in 0..rounds {
                let at = i * 1_000_003;
                let base = first(KEY, 3, 4, at, 1);
                flips_by_time += (base ^ first(KEY, 3, 4, at ^ (1 << bit), 1)).count_ones();
                flips_by_key += (base ^ first(NoiseKey(KEY.0 ^ (1 << bit)), 3, 4, at, 1)).count_ones();
            }
            for flips in [flips_by_time, flips_by_key] {
                let rate = f64::from(flips) / (rounds as f64 * 64.0);
                if (rate - 0.5).abs() > (worst - 0.5).abs() {
                    worst = rate;
                }
            }
        }
        // 4,096 x 64 fair bits: a standard deviation of 0.00098, so six of them over 128 rates.
        assert!((worst - 0.5).abs() < 0.006, "worst flip rate {worst}");
    }

    #[test]
    fn uncorrelated_between_links_purposes_and_draws() {
        let n = 65_536_u64;
        let unit = |x: u64| x as f64 / u64::MAX as f64 - 0.5;
        let correlation = |pairs: &mut dyn Iterator<Item = (u64, u64)>| {
            pairs.map(|(a, b)| unit(a) * unit(b)).sum::<f64>() / n as f64 * 12.0
        };
        let there_and_back =
            correlation(&mut (0..n).map(|i| (first(KEY, 1, 2, i * 1000, 0), first(KEY, 2, 1, i * 1000, 0))));
        let two_purposes = correlation(&mut (0..n).map(|i| {
            let at = SimInstant::from_nanos(i);
            let draw = |purpose| KEY.draws(purpose, NodeId(1), NodeId(1), at, 0).draw();
            (draw(Use::Node), draw(Use::Disk))
        }));
        let two_draws = correlation(&mut (0..n).map(|i| {
            let mut draws = KEY.draws(Use::Message, NodeId(1), NodeId(2), SimInstant::from_nanos(i), 0);
            (draws.draw(), draws.draw())
        }));
        // The standard deviation of each is 1/256; six of them.
        for (name, r) in
            [("there and back", there_and_back), ("purposes", two_purposes), ("draws", two_draws)]
        {
            assert!(r.abs() < 6.0 / 256.0, "{name}: {r}");
        }
    }

    #[test]
    fn a_chance_is_kept_at_both_ends() {
        let mut draws = Draws::from_seed(1);
        assert!((0..10_000).all(|_| !draws.chance(0)));
        assert!((0..10_000).all(|_| draws.chance(1_000_000)));
        let hits = (0..100_000).filter(|_| draws.chance(100_000)).count();
        assert!((9_400..10_600).contains(&hits), "{hits} of 100,000 at 10 %");
    }

    #[test]
    fn every_order_is_chosen_as_often() {
        let mut seen = std::collections::BTreeMap::new();
        let mut draws = Draws::from_seed(1);
        for _ in 0..12_000 {
            let mut items = [1, 2, 3, 4];
            draws.choose(&mut items, 2);
            *seen.entry([items[0], items[1]]).or_insert(0) += 1;
        }
        // Twelve ordered pairs, 1,000 each; six standard deviations are 182.
        assert_eq!(seen.len(), 12);
        assert!(seen.values().all(|n| (818..1_182).contains(n)), "{seen:?}");
        let mut few = [1, 2];
        draws.choose(&mut few, 9);
        assert_eq!(few[0] + few[1], 3);
    }

    #[test]
    fn the_function_itself_is_part_of_every_golden_digest() {
        let pick = KEY.draws(Use::Pick, NodeId(1), NodeId(2), SimInstant::from_nanos(3), 4).draw();
        assert_eq!(
            (first(NoiseKey(1), 2, 3, 4, 5), pick),
            (18_194_672_266_445_186_237, 10_431_689_717_459_490_099)
        );
        let mut draws = Draws::from_seed(7);
        assert_eq!((draws.draw(), draws.draw_below(1_000_000)), (7_191_089_600_892_374_487, 16_788));
        assert_eq!(draws.draw_below(0), 0);
    }

    #[test]
    fn every_coordinate_counts() {
        let base = first(NoiseKey(1), 2, 3, 4, 5);
        for other in [
            first(NoiseKey(2), 2, 3, 4, 5),
            first(NoiseKey(1), 3, 2, 4, 5),
            first(NoiseKey(1), 2, 3, 5, 4),
            first(NoiseKey(1), 2, 3, 4, 6),
        ] {
            assert_ne!(base, other);
        }
    }
}
