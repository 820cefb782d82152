//! Where a number stands on a picture.

/// From what to what an axis goes, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Axis {
    /// Equal steps are equally far apart.
    Linear {
        /// The number at its beginning.
        from: f64,
        /// The number at its end.
        to: f64,
    },
    /// Equal factors are equally far apart.
    Logarithmic {
        /// The number at its beginning, above zero.
        from: f64,
        /// The number at its end.
        to: f64,
    },
}

impl Axis {
    /// From zero to a round number that is no less than the greatest of these.
    pub(crate) fn from_zero(greatest: f64) -> Self {
        if !greatest.is_finite() || greatest <= 0.0 {
            return Self::Linear { from: 0.0, to: 1.0 };
        }
        let step = round_step(greatest / 5.0);
        Self::Linear { from: 0.0, to: libm::ceil(greatest / step - 1e-9) * step }
    }

    /// Around these numbers: by factors where they are far apart and above zero, else from zero on. Chosen by us: at
    /// thirty times the least one, linear steps hide what is small.
    pub(crate) fn around(numbers: &[f64]) -> Self {
        let greatest = numbers.iter().copied().fold(0.0, f64::max);
        let least = numbers.iter().copied().filter(|number| *number > 0.0).fold(f64::INFINITY, f64::min);
        let all_above = numbers.iter().all(|number| *number > 0.0);
        if all_above && greatest > 30.0 * least {
            let power = |number: f64| libm::pow(10.0, number);
            let (from, to) = (libm::floor(libm::log10(least)), libm::ceil(libm::log10(greatest)));
            return Self::Logarithmic { from: power(from), to: power(to) };
        }
        Self::from_zero(greatest)
    }

    /// Where a number stands: 0 at the beginning, 1 at the end.
    pub(crate) fn place(self, number: f64) -> f64 {
        let place = match self {
            Self::Linear { from, to } => (number - from) / (to - from),
            Self::Logarithmic { from, to } => {
                let log = |number: f64| libm::log(number.max(f64::MIN_POSITIVE));
                (log(number) - log(from)) / (log(to) - log(from))
            }
        };
        place.clamp(0.0, 1.0)
    }

    /// The numbers that are written beside it.
    pub(crate) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { from, to } => {
                let step = round_step((to - from) / 5.0);
                let count = libm::round((to - from) / step) as u32;
                (0..=count).map(|nth| from + f64::from(nth) * step).collect()
            }
            Self::Logarithmic { from, to } => {
                let decades = libm::round(libm::log10(to / from)) as i32;
                // With few decades the steps between are needed, with many not even each decade.
                let each = 1 + decades / 7;
                (0..=decades)
                    .filter(|nth| nth % each == 0)
                    .map(|nth| from * libm::pow(10.0, f64::from(nth)))
                    .collect()
            }
        }
    }
}

/// A round number, as it is written beside an axis.
pub(crate) fn tick_text(number: f64) -> String {
    let size = number.abs();
    if size < 1e-12 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{number:e}");
    }
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// 1, 2 or 5 times a power of ten, no less than this.
fn round_step(least: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(least)));
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| times * power >= least * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_reach_to_the_end() {
        for (greatest, ticks) in [
            (14.2, &[0.0, 5.0, 10.0, 15.0][..]),
            (1.0, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (30.0, &[0.0, 10.0, 20.0, 30.0]),
            (0.0, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (f64::NAN, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ] {
            let axis = Axis::from_zero(greatest);
            let close = |(one, other): (&f64, &f64)| (one - other).abs() < 1e-9;
            assert!(axis.ticks().len() == ticks.len(), "{greatest}: {:?}", axis.ticks());
            assert!(axis.ticks().iter().zip(ticks).all(close), "{greatest}: {:?}", axis.ticks());
        }
    }

    #[test]
    fn ticks_are_written_short() {
        let told = [0.0, 15.0, 0.1 + 0.2, 0.001, 20_000.0, 1e-6].map(tick_text);
        assert_eq!(told, ["0", "15", "0.3", "0.001", "20000", "1e-6"]);
    }

    #[test]
    fn what_is_far_apart_stands_by_factors_unless_there_is_a_zero() {
        assert_eq!(Axis::around(&[0.002, 0.9]), Axis::Logarithmic { from: 0.001, to: 1.0 });
        assert_eq!(Axis::around(&[0.0, 0.9]), Axis::Linear { from: 0.0, to: 1.0 });
        assert_eq!(Axis::around(&[0.5, 0.9]), Axis::Linear { from: 0.0, to: 1.0 });
        assert_eq!(Axis::around(&[]), Axis::Linear { from: 0.0, to: 1.0 });
        let axis = Axis::Logarithmic { from: 0.001, to: 1.0 };
        assert!((axis.place(0.1) - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(axis.place(0.0), 0.0);
        assert_eq!(axis.ticks().len(), 4);
    }
}
