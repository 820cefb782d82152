//! Quantiles of three distributions, by bisection of their tails.
//!
//! The tails come from the incomplete gamma and beta functions: series and continued fractions of Abramowitz and Stegun,
//! Handbook of Mathematical Functions (1964), 6.5.29, 6.5.31 and 26.5.8. Intervals ask for a few of them a figure, so
//! nothing here is fast.

/// Terms beyond this many are not added: a quantile of more degrees of freedom is taken from its limit.
const MOST_TERMS: u32 = 20_000;

/// A term that is so small in proportion changes nothing any more.
const NEGLIGIBLE: f64 = 1e-15;

/// A denominator of a continued fraction is not closer to zero than this (Lentz 1976).
const TINY: f64 = 1e-300;

/// The value that a chi-square variable with these degrees of freedom does not exceed with this chance.
pub(crate) fn chi_square(chance: f64, degrees: f64) -> f64 {
    // Wilson and Hilferty 1931: with so many degrees it is right to six digits.
    if degrees > 1e5 {
        let step = 2.0 / (9.0 * degrees);
        let cube = 1.0 - step + normal(chance) * step.sqrt();
        return degrees * cube * cube * cube;
    }
    let most = degrees + 40.0 * (degrees + 1.0).sqrt() + 100.0;
    bisect(0.0, most, |x| gamma_below(degrees / 2.0, x / 2.0) < chance)
}

/// The value between whose negative and itself a Student variable lies with 95 %.
pub fn student(degrees: f64) -> f64 {
    if degrees > 1e5 {
        return normal(0.975);
    }
    let tails = |t: f64| beta_below(degrees / 2.0, 0.5, degrees / (degrees + t * t));
    bisect(0.0, 1_000.0, |t| tails(t) > 0.05)
}

/// The chance that of n tries, each of which comes off with this chance, k do at most.
pub(crate) fn binomial_at_most(k: u64, n: u64, chance: f64) -> f64 {
    match k < n {
        true => beta_below((n - k) as f64, k as f64 + 1.0, 1.0 - chance),
        false => 1.0,
    }
}

/// The value that a normal variable does not exceed with this chance.
fn normal(chance: f64) -> f64 {
    bisect(-10.0, 10.0, |z| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2) < chance)
}

/// Where something ceases to be so.
fn bisect(mut low: f64, mut high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..100 {
        let middle = low + (high - low) / 2.0;
        if is_below(middle) { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

/// The regularised incomplete gamma function P(a, x).
fn gamma_below(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let factor = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut sum, mut term) = (1.0 / a, 1.0 / a);
        for n in 1..MOST_TERMS {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * NEGLIGIBLE {
                break;
            }
        }
        return (sum * factor).min(1.0);
    }
    let (mut b, mut c) = (x + 1.0 - a, 1.0 / TINY);
    let mut d = 1.0 / b;
    let mut fraction = d;
    for n in 1..MOST_TERMS {
        let step = -f64::from(n) * (f64::from(n) - a);
        b += 2.0;
        d = 1.0 / away_from_zero(step * d + b);
        c = away_from_zero(b + step / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < NEGLIGIBLE {
            break;
        }
    }
    (1.0 - factor * fraction).max(0.0)
}

/// The regularised incomplete beta function I_x(a, b).
fn beta_below(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let logarithm =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let factor = libm::exp(logarithm);
    match x < (a + 1.0) / (a + b + 2.0) {
        true => factor * beta_fraction(a, b, x) / a,
        false => 1.0 - factor * beta_fraction(b, a, 1.0 - x) / b,
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for n in 1..MOST_TERMS {
        let m = f64::from(n);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for step in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + step * d);
            c = away_from_zero(1.0 + step / c);
            fraction *= d * c;
        }
        if (fraction / before - 1.0).abs() < NEGLIGIBLE {
            break;
        }
    }
    fraction
}

fn away_from_zero(number: f64) -> f64 {
    if number.abs() < TINY { TINY } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-4, "{found} instead of {expected}");
    }

    /// The values stand in the tables of textbooks.
    #[test]
    fn chi_square_quantiles_are_those_of_the_tables() {
        for (chance, degrees, expected) in [
            (0.975, 1.0, 5.02389),
            (0.975, 2.0, 7.37776),
            (0.025, 2.0, 0.050636),
            (0.025, 10.0, 3.24697),
            (0.975, 10.0, 20.4832),
            (0.95, 100.0, 124.342),
            (0.025, 100.0, 74.2219),
            (0.975, 1_000.0, 1_089.531),
        ] {
            is_near(chi_square(chance, degrees), expected);
        }
    }

    #[test]
    fn many_degrees_of_freedom_are_no_break() {
        let (below, above) = (chi_square(0.975, 1e5), chi_square(0.975, 1e5 + 1.0));
        assert!(above > below && above - below < 1.1, "{below} {above}");
    }

    #[test]
    fn student_quantiles_are_those_of_the_tables() {
        for (degrees, expected) in
            [(1.0, 12.7062), (2.0, 4.30265), (5.0, 2.57058), (29.0, 2.04523), (1e3, 1.96234), (1e6, 1.95996)]
        {
            is_near(student(degrees), expected);
        }
    }

    #[test]
    fn binomial_tails_are_sums() {
        is_near(binomial_at_most(0, 10, 0.5), 1.0 / 1_024.0);
        is_near(binomial_at_most(2, 10, 0.5), 56.0 / 1_024.0);
        let (all, but_one) = (libm::pow(0.99, 100.0), libm::pow(0.99, 99.0));
        is_near(binomial_at_most(98, 100, 0.99), 1.0 - all - but_one);
        assert!((binomial_at_most(10, 10, 0.5) - 1.0).abs() < 1e-12);
    }
}
