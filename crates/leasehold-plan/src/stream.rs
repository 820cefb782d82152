//! Seeded streams of random numbers, one a purpose.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is drawn for. Streams of different purposes are independent, so that a new purpose, or more
/// draws for an old one, moves no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The key of the run's noise.
    NoiseKey,
    /// The rate of each clock.
    ClockRates,
    /// The offset of each wall clock.
    WallOffsets,
    /// When each process starts.
    Starts,
}

impl Purpose {
    /// Part of every plan ever generated: never change one.
    const fn name(self) -> &'static str {
        match self {
            Self::NoiseKey => "noise-key",
            Self::ClockRates => "clock-rates",
            Self::WallOffsets => "wall-offsets",
            Self::Starts => "starts",
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
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("leasehold 2026-11-21 plan stream v1");
        hasher.update(&seed.to_le_bytes());
        hasher.update(purpose.name().as_bytes());
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
        let all = [Purpose::NoiseKey, Purpose::ClockRates, Purpose::WallOffsets, Purpose::Starts].map(first);
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a, b);
            }
        }
        assert_ne!(Stream::new(7, Purpose::Starts).draw(), Stream::new(8, Purpose::Starts).draw());
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
