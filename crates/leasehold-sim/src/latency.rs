//! Drawing a latency from its distribution.

use std::sync::OnceLock;

use leasehold_core::noise::Draws;
use leasehold_core::plan::Latency;
use leasehold_core::time::Span;

/// Quantiles of a log-normal are looked up between these many steps; the outermost steps, where the curve is
/// steep, are computed.
const STEPS: usize = 2048;
const COMPUTED_STEPS: usize = 8;

/// The 99th percentile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874_040_841;

/// A latency, ready to be drawn from quickly.
#[derive(Clone, Debug)]
pub(crate) enum Sampler {
    Constant(Span),
    Uniform { min: u64, width: u64 },
    LogNormal { median: f64, sigma: f64, max: u64, quantiles: Vec<u64> },
}

impl Sampler {
    pub(crate) fn new(latency: Latency) -> Self {
        match latency {
            Latency::Constant(span) => Self::Constant(span),
            Latency::Uniform { min, max } => {
                Self::Uniform { min: min.as_nanos(), width: (max.saturating_sub(min)).as_nanos() + 1 }
            }
            Latency::LogNormal { median, p99, max } => {
                let sigma = libm::log(p99.as_nanos() as f64 / median.as_nanos() as f64) / Z_99;
                let (median, max) = (median.as_nanos() as f64, max.as_nanos());
                let quantiles = standard_quantiles().iter().map(|z| scaled(median, sigma, max, *z)).collect();
                Self::LogNormal { median, sigma, max, quantiles }
            }
        }
    }

    pub(crate) fn sample(&self, draws: &mut Draws) -> Span {
        match self {
            Self::Constant(span) => *span,
            Self::Uniform { min, width } => Span::from_nanos(min + draws.draw_below(*width)),
            Self::LogNormal { median, sigma, max, quantiles } => {
                let draw = draws.draw();
                let scaled = u128::from(draw) * STEPS as u128;
                let step = (scaled >> 64) as usize;
                if !(COMPUTED_STEPS..STEPS - COMPUTED_STEPS).contains(&step) {
                    let p = (draw >> 11) as f64 / (1_u64 << 53) as f64;
                    return Span::from_nanos(quantile(*median, *sigma, *max, p));
                }
                let (low, high) = (quantiles[step], quantiles[step + 1]);
                let part = (u128::from(scaled as u64) * u128::from(high - low)) >> 64;
                Span::from_nanos(low + part as u64)
            }
        }
    }
}

/// The latency below which a share `p` of a log-normal lies, in nanoseconds, cut off at `max`.
fn quantile(median: f64, sigma: f64, max: u64, p: f64) -> u64 {
    scaled(median, sigma, max, standard_normal_quantile(p))
}

/// The latency at a standard normal quantile.
fn scaled(median: f64, sigma: f64, max: u64, z: f64) -> u64 {
    let nanos = median * libm::exp(sigma * z);
    if nanos >= max as f64 { max } else { nanos as u64 }
}

/// The standard normal quantiles at every step: the same for all log-normals, and computed once.
fn standard_quantiles() -> &'static [f64] {
    static QUANTILES: OnceLock<Vec<f64>> = OnceLock::new();
    QUANTILES.get_or_init(|| {
        (0..=STEPS).map(|step| standard_normal_quantile(step as f64 / STEPS as f64)).collect()
    })
}

/// The standard normal quantile, by the rational approximation of P. J. Acklam (2003): relative error below
/// 1.15·10⁻⁹ for every `p` strictly between 0 and 1, infinite outside.
fn standard_normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    const TAIL: f64 = 0.02425;

    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = libm::sqrt(-2.0 * libm::log(p));
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    };
    if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p >= 1.0 {
        f64::INFINITY
    } else if p < TAIL {
        tail(p)
    } else if p > 1.0 - TAIL {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws() -> impl Iterator<Item = Draws> {
        (0..200_000).map(Draws::from_seed)
    }

    #[test]
    fn the_normal_quantile_is_that_of_the_tables() {
        for (p, z) in [(0.5, 0.0), (0.99, Z_99), (0.01, -Z_99), (0.999_999, 4.753_424_308_822_899)] {
            assert!((standard_normal_quantile(p) - z).abs() < 1e-7, "at {p}");
        }
    }

    #[test]
    fn a_log_normal_has_its_median_its_p99_and_its_end() {
        let (median, p99, max) = (Span::from_millis(2), Span::from_millis(20), Span::from_millis(200));
        let sampler = Sampler::new(Latency::LogNormal { median, p99, max });
        let mut samples: Vec<Span> = draws().map(|mut d| sampler.sample(&mut d)).collect();
        samples.sort();
        let at = |q: f64| samples[(samples.len() as f64 * q) as usize].as_nanos() as f64;
        assert!((at(0.5) / 2e6 - 1.0).abs() < 0.02, "median {}", at(0.5));
        assert!((at(0.99) / 20e6 - 1.0).abs() < 0.05, "p99 {}", at(0.99));
        // 2·exp(0.99·3.09) = 42.6 ms: the computed tail, not the interpolated middle.
        assert!((at(0.999) / 42.6e6 - 1.0).abs() < 0.10, "p99.9 {}", at(0.999));
        assert!(*samples.last().unwrap() <= max);
    }

    #[test]
    fn the_table_agrees_with_the_curve() {
        let latency = Latency::LogNormal {
            median: Span::from_millis(2),
            p99: Span::from_millis(20),
            max: Span::from_secs(1),
        };
        let Sampler::LogNormal { median, sigma, max, quantiles } = Sampler::new(latency) else {
            unreachable!("a log-normal makes a log-normal sampler")
        };
        for step in COMPUTED_STEPS..STEPS - COMPUTED_STEPS {
            let middle = (quantiles[step] + quantiles[step + 1]) / 2;
            let exact = quantile(median, sigma, max, (step as f64 + 0.5) / STEPS as f64);
            assert!(middle.abs_diff(exact) * 500 <= exact, "step {step}: {middle} for {exact}");
        }
    }

    #[test]
    fn a_uniform_latency_reaches_both_its_ends() {
        let (min, max) = (Span::from_nanos(10), Span::from_nanos(13));
        let sampler = Sampler::new(Latency::Uniform { min, max });
        let samples: Vec<Span> = draws().map(|mut d| sampler.sample(&mut d)).collect();
        assert_eq!(samples.iter().min(), Some(&min));
        assert_eq!(samples.iter().max(), Some(&max));
    }
}
