//! Seeded streams of random numbers, one a purpose.

use leasehold_core::plan::FaultKind;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is drawn for. Streams of different purposes are independent, so that a new purpose, or more
/// draws for an old one, moves no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'n> {
    /// The key of the run's noise.
    NoiseKey,
    /// The rate of each clock.
    ClockRates,
    /// The offset of each wall clock.
    WallOffsets,
    /// When each process starts.
    Starts,
    /// How much later than scripted each fault fires.
    Spreads,
    /// A value of a scenario's tables, by its key path.
    Setting(&'n str),
    /// What all random faults of a run have in common, by name.
    Swarm(&'n str),
    /// The random faults of one kind.
    Faults(FaultKind),
}

impl<'n> Purpose<'n> {
    /// Two names. Part of every plan ever generated: never change one.
    const fn names(self) -> [&'n str; 2] {
        match self {
            Self::NoiseKey => ["noise-key", ""],
            Self::ClockRates => ["clock-rates", ""],
            Self::WallOffsets => ["wall-offsets", ""],
            Self::Starts => ["starts", ""],
            Self::Spreads => ["spreads", ""],
            Self::Setting(key) => ["setting/", key],
            Self::Swarm(what) => ["swarm/", what],
            Self::Faults(kind) => ["faults/", kind.name()],
        }
    }
}

/// A stream of random integers: ChaCha with 8 rounds under a key derived from seed and purpose.
///
/// It gives `u64` only: the width of `usize` differs between machines, and floats between platforms.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of one purpose under one seed.
    pub fn new(seed: u64, purpose: Purpose<'_>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("leasehold 2026-11-21 plan stream v1");
        hasher.update(&seed.to_le_bytes());
        for name in purpose.names() {
            hasher.update(name.as_bytes());
        }
        Self(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    /// Uniform over all `u64`.
    pub fn draw(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform below `bound`; 0 if `bound` is 0. The bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u64
    }

    /// True in so many of a million cases.
    pub fn happens(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }

    /// One of several things that can be drawn, each by its weight.
    ///
    /// # Panics
    ///
    /// If all weights are 0.
    pub fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> T {
        let total: u64 = choices.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut place = self.below(total);
        for &(weight, choice) in choices {
            match place.checked_sub(u64::from(weight)) {
                Some(rest) => place = rest,
                None => return choice,
            }
        }
        panic!("nothing to choose from: all weights are 0")
    }

    /// Between two numbers, both included, and as often between 1 and 2 as between 1,000 and 2,000. The least is at
    /// least 1; the most is raised to it.
    pub fn log_uniform(&mut self, least: u64, most: u64) -> u64 {
        let least = least.max(1);
        let most = most.max(least);
        let (low, high) = (u64::from(least.ilog2()), u64::from(most.ilog2()));
        let octave = 1_u64 << (low + self.below(high - low + 1));
        let (from, to) = (octave.max(least), most.min(octave + (octave - 1)));
        from + self.below(to - from + 1)
    }

    /// Between `-limit` and `limit`, both included, and at one of the two ends in half of the cases.
    ///
    /// Corners are drawn on purpose: uniform draws all but never come near a bound.
    pub fn symmetric_with_corners(&mut self, limit: u64) -> i64 {
        let limit = limit.min(i64::MAX as u64 / 2);
        let corner = self.below(4);
        let inside = self.below(2 * limit + 1) as i64 - limit as i64;
        match corner {
            0 => -(limit as i64),
            1 => limit as i64,
            _ => inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_do_not_share_a_stream() {
        let first = |purpose| Stream::new(7, purpose).draw();
        let all = [
            Purpose::NoiseKey,
            Purpose::ClockRates,
            Purpose::WallOffsets,
            Purpose::Starts,
            Purpose::Setting("lease.ttl"),
            Purpose::Setting("lease.renew"),
            Purpose::Swarm("aim"),
            Purpose::Faults(FaultKind::Pause),
            Purpose::Faults(FaultKind::Crash),
        ]
        .map(first);
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a, b);
            }
        }
        assert_ne!(Stream::new(7, Purpose::Starts).draw(), Stream::new(8, Purpose::Starts).draw());
    }

    #[test]
    fn weights_are_shares() {
        let mut stream = Stream::new(1, Purpose::Starts);
        let mut seen = [0; 3];
        for _ in 0..10_000 {
            seen[stream.weighted(&[(1, 0), (0, 1), (3, 2)])] += 1;
        }
        assert!((2_300..2_700).contains(&seen[0]), "{seen:?}");
        assert_eq!((seen[1], seen[0] + seen[2]), (0, 10_000));
        let often = (0..10_000).filter(|_| stream.happens(250_000)).count();
        assert!((2_300..2_700).contains(&often), "{often}");
        assert!(!stream.happens(0) && stream.happens(1_000_000));
    }

    #[test]
    fn each_magnitude_is_as_likely_as_the_next() {
        let mut stream = Stream::new(1, Purpose::Starts);
        let draws: Vec<u64> = (0..10_000).map(|_| stream.log_uniform(1_000, 1_000_000)).collect();
        assert!(draws.iter().all(|draw| (1_000..=1_000_000).contains(draw)));
        let low = draws.iter().filter(|draw| **draw < 32_000).count();
        assert!((4_200..5_800).contains(&low), "{low}");
        for (least, most, only) in [(0, 0, 1), (7, 7, 7), (9, 3, 9), (u64::MAX, u64::MAX, u64::MAX)] {
            assert_eq!(stream.log_uniform(least, most), only);
        }
    }

    #[test]
    fn both_corners_are_reached_and_nothing_lies_outside() {
        let mut stream = Stream::new(1, Purpose::ClockRates);
        let draws: Vec<i64> = (0..10_000).map(|_| stream.symmetric_with_corners(100)).collect();
        assert!(draws.iter().all(|d| (-100..=100).contains(d)));
        let at = |value| draws.iter().filter(|&&d| d == value).count();
        assert!((2_300..2_700).contains(&at(-100)), "{}", at(-100));
        assert!((2_300..2_700).contains(&at(100)), "{}", at(100));
        assert_eq!(Stream::new(1, Purpose::ClockRates).symmetric_with_corners(0), 0);
    }
}
