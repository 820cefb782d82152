//! How sure a rate is that was measured with few seeds.

use core::num::NonZeroU64;

/// The quantile of the normal distribution that leaves 2.5 % on either side.
const Z: f64 = 1.959_963_984_540_054;

/// Where a rate lies with 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// From here.
    pub low: f64,
    /// To here.
    pub high: f64,
}

impl Interval {
    /// Of a rate of which `hits` of `of` were seen: Wilson's score interval (E. B. Wilson 1927), which is of use for few hits,
    /// and for none, too.
    pub fn wilson(hits: u64, of: NonZeroU64) -> Self {
        let (n, p) = (of.get() as f64, hits as f64 / of.get() as f64);
        let shrunk = 1.0 + Z * Z / n;
        let middle = (p + Z * Z / (2.0 * n)) / shrunk;
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / shrunk;
        let low = if hits == 0 { 0.0 } else { (middle - half).max(0.0) };
        let high = if hits == of.get() { 1.0 } else { (middle + half).min(1.0) };
        Self { low, high }
    }
}

/// How many seeds it takes until half of all who look have found what each seed shows at this rate; nothing at a rate
/// of 0. The first n seeds all miss it with (1 - rate)^n.
pub fn median(rate: f64) -> Option<u64> {
    if rate >= 1.0 {
        return Some(1);
    }
    let seeds = libm::ceil(-core::f64::consts::LN_2 / libm::log1p(-rate));
    (rate > 0.0).then_some((seeds as u64).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wilson(hits: u64, of: u64) -> (f64, f64) {
        let Interval { low, high } = Interval::wilson(hits, NonZeroU64::new(of).expect("some"));
        ((low * 1e4).round() / 1e4, (high * 1e4).round() / 1e4)
    }

    /// The values for 0 and 10 of 10, and for 15 of 50, stand in textbooks.
    #[test]
    fn the_interval_is_that_of_wilson() {
        assert_eq!(wilson(0, 10), (0.0, 0.2775));
        assert_eq!(wilson(10, 10), (0.7225, 1.0));
        assert_eq!(wilson(15, 50), (0.191, 0.4375));
        assert_eq!(wilson(1, 1_000), (0.0002, 0.0056));
        assert_eq!(wilson(0, 1), (0.0, 0.7935));
    }

    #[test]
    fn the_median_is_that_of_the_geometric_distribution() {
        assert_eq!(median(0.0), None);
        assert_eq!(median(1.0), Some(1));
        assert_eq!(median(0.5), Some(1));
        // 0.51^1 > 1/2 >= 0.51^2.
        assert_eq!(median(0.49), Some(2));
        assert_eq!(median(0.001), Some(693));
        // What is found in the median within 1,000 seeds has this rate at least.
        assert_eq!(median(0.000_693), Some(1_000));
        assert_eq!(median(0.000_692), Some(1_002));
    }
}
