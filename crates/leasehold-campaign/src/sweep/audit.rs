//! Which runs are run twice.

use leasehold_core::plan::Chance;

/// A share of all runs, picked by scenario and seed alone: so every shard and every repetition picks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    share: Chance,
}

impl Default for Audit {
    /// One in twenty, as FoundationDB does.
    fn default() -> Self {
        Self { share: Chance::from_ppm(50_000).expect("below one") }
    }
}

impl Audit {
    /// This share of all runs.
    pub const fn of(share: Chance) -> Self {
        Self { share }
    }

    /// The share.
    pub const fn share(self) -> Chance {
        self.share
    }

    /// Whether a run is run twice.
    pub fn picks(self, scenario: &str, seed: u64) -> bool {
        if self.share == Chance::NEVER {
            return false;
        }
        let mut hasher = blake3::Hasher::new_derive_key("leasehold 2026-11-21 audited runs v1");
        hasher.update(&seed.to_le_bytes());
        hasher.update(scenario.as_bytes());
        let mut draw = [0; 8];
        draw.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(draw) % 1_000_000 < u64::from(self.share.as_ppm())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(ppm: u32, scenario: &str) -> Vec<u64> {
        let audit = Audit::of(Chance::from_ppm(ppm).unwrap());
        (0..10_000).filter(|&seed| audit.picks(scenario, seed)).collect()
    }

    #[test]
    fn a_share_is_picked_that_is_about_as_large_as_asked_for() {
        assert!(picked(0, "a").is_empty());
        assert_eq!(picked(1_000_000, "a").len(), 10_000);
        let twentieth = picked(50_000, "a");
        assert!((400..600).contains(&twentieth.len()), "{}", twentieth.len());
        assert!(twentieth.iter().any(|seed| seed % 2 == 0) && twentieth.iter().any(|seed| seed % 2 == 1));
    }

    #[test]
    fn scenarios_have_different_seeds_run_twice_and_a_larger_share_has_those_of_a_smaller() {
        assert_ne!(picked(50_000, "a"), picked(50_000, "b"));
        let more = picked(100_000, "a");
        assert!(picked(50_000, "a").iter().all(|seed| more.contains(seed)));
    }
}
