//! How sure a difference between two points is.
//!
//! All points have the same seeds, so what a seed does to both falls out of the difference. Seeds are dealt into ten lots; each
//! lot in turn is left out at both points, and how much the difference moves says how far it can be trusted: the jackknife
//! by groups (Kott 2001), with Student's quantile for one lot less than there are. It needs no more memory than a few points
//! more, however many seeds there are, and serves quantiles as it serves means.

use leasehold_report::Measured;
use leasehold_report::study::Trait;

/// Into how many lots seeds are dealt. Chosen by us: Student's quantile is near that of many more.
pub(super) const LOTS: usize = 10;

/// Student's quantile that leaves 2.5 % above, for 1, 2, ... degrees of freedom.
const STUDENT: [f64; LOTS - 1] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/// How much greater a number is at one point than at another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Difference {
    /// By so much.
    pub(super) value: f64,
    /// It lies from here to there, at 95 %; nothing if there are too few seeds to say.
    pub(super) interval: Option<(f64, f64)>,
}

impl Difference {
    /// How sure it is which of the two is less.
    pub(super) fn is_sure(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// The sums of a point, lot by lot.
pub(super) type Lots = [Measured; LOTS];

/// The lot of a seed.
pub(super) fn lot(seed: u64) -> usize {
    usize::try_from(seed % LOTS as u64).expect("it is below ten")
}

/// All lots but one, or all.
pub(super) fn sum(lots: &Lots, without: Option<usize>) -> Measured {
    let mut sum = Measured::default();
    let kept = lots.iter().enumerate().filter(|(place, _)| Some(*place) != without);
    kept.for_each(|(_, lot)| sum.add(lot));
    sum
}

/// By how much a number is greater at the first point; nothing if one of the points does not have it.
pub(super) fn difference(one: &Lots, other: &Lots, of: Trait) -> Option<Difference> {
    let number = |lots: &Lots, without| {
        let figure = sum(lots, without).figure(of.metric, &[]);
        figure.estimate(of.statistic).map(|estimate| estimate.value)
    };
    let without = |lot| Some(number(one, lot)? - number(other, lot)?);
    let value = without(None)?;
    let used: Vec<usize> = (0..LOTS).filter(|&lot| one[lot].runs() > 0 && other[lot].runs() > 0).collect();
    // A number that a lot alone decides is not told without it.
    let moved: Option<Vec<f64>> = used.iter().map(|&lot| without(Some(lot))).collect();
    let interval = moved.and_then(|moved| jackknife(value, &moved));
    Some(Difference { value, interval })
}

/// The interval of a number that comes to these without each of the lots.
fn jackknife(value: f64, without: &[f64]) -> Option<(f64, f64)> {
    let count = without.len();
    let student = STUDENT.get(count.checked_sub(2)?)?;
    let mean = without.iter().sum::<f64>() / count as f64;
    let squares: f64 = without.iter().map(|without| (without - mean) * (without - mean)).sum();
    let half = student * libm::sqrt(squares * (count - 1) as f64 / count as f64);
    Some((value - half, value + half))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a mean, the jackknife is the textbook's standard error: s / √n.
    #[test]
    fn the_interval_of_a_mean_is_that_of_students_t() {
        let values = [2.0, 4.0, 4.0, 5.0, 5.0, 5.0, 7.0, 8.0, 9.0, 11.0];
        let mean = values.iter().sum::<f64>() / 10.0;
        let without: Vec<f64> = values.iter().map(|value| (mean * 10.0 - value) / 9.0).collect();
        let (low, high) = jackknife(mean, &without).unwrap();
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / 9.0;
        let half = 2.262 * (variance / 10.0).sqrt();
        assert!((low - (mean - half)).abs() < 1e-9 && (high - (mean + half)).abs() < 1e-9, "{low} {high}");
    }

    #[test]
    fn one_lot_says_nothing() {
        assert_eq!(jackknife(1.0, &[]), None);
        assert_eq!(jackknife(1.0, &[1.0]), None);
        assert_eq!(jackknife(1.0, &[1.0, 1.0]), Some((1.0, 1.0)));
    }

    #[test]
    fn a_difference_is_sure_if_its_interval_has_one_sign() {
        let sure = |interval| Difference { value: 1.0, interval }.is_sure();
        assert!(sure(Some((0.5, 1.5))) && sure(Some((-2.0, -1.0))));
        assert!(!sure(Some((-0.5, 1.5))) && !sure(None));
    }
}
