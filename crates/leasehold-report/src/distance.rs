//! How far apart the distributions are that two lots of runs measured, and what chance makes of that.
//!
//! The two-sample test of Kolmogorov and Smirnov, with two additions of ours. *Slack*: what is known to make the values of
//! one lot later or sooner than those of the other counts as no distance. *Runs*: values of one run hang together (views
//! that find the same dead instance, failovers after the same fault), so each run weighs the same, however many values
//! it has, and chance is reckoned from the number of runs.

use std::f64::consts::PI;

use crate::histogram::HIGHEST;

/// What many runs measured of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunValues {
    /// Of each run that measured something.
    runs: Vec<Vec<u64>>,
}

impl RunValues {
    /// Takes the values of one run. One that measured nothing does not count.
    pub fn add_run(&mut self, values: impl IntoIterator<Item = u64>) {
        let values: Vec<u64> = values.into_iter().map(|value| value.min(HIGHEST)).collect();
        if !values.is_empty() {
            self.runs.push(values);
        }
    }

    /// How many runs measured something.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// How many values there are.
    pub fn values(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// The least value that is not exceeded with this chance, if a run is picked and then one of its values.
    pub fn quantile(&self, chance: f64) -> Option<u64> {
        let shares = self.shares();
        let place = shares.steps.iter().position(|&(_, up_to)| up_to >= chance);
        place.or(shares.steps.len().checked_sub(1)).map(|place| shares.steps[place].0)
    }

    fn shares(&self) -> Shares {
        let runs = self.runs.len() as f64;
        let weigh = |run: &Vec<u64>| {
            let weight = 1.0 / (runs * run.len() as f64);
            run.iter().map(move |&value| (value, weight)).collect::<Vec<_>>()
        };
        let mut steps: Vec<(u64, f64)> = self.runs.iter().flat_map(weigh).collect();
        steps.sort_unstable_by_key(|&(value, _)| value);
        let mut up_to = 0.0;
        for step in &mut steps {
            up_to += step.1;
            step.1 = up_to;
        }
        Shares { steps }
    }
}

/// An empirical distribution: values in order, each with the share of all that is no greater.
struct Shares {
    steps: Vec<(u64, f64)>,
}

impl Shares {
    /// The share of values that are no greater. All that are equal count, so ties need no further care.
    fn up_to(&self, value: u64) -> f64 {
        let place = self.steps.partition_point(|&(other, _)| other <= value);
        place.checked_sub(1).map_or(0.0, |place| self.steps[place].1)
    }
}

/// By how much the values of the second lot may differ from those of the first for a known reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slack {
    /// How much less they may be.
    pub less: u64,
    /// How much more.
    pub more: u64,
}

/// How far apart two distributions are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// The greatest difference between the shares of values up to some point that the slack does not explain: from 0 to 1.
    pub greatest: f64,
    /// Where it is: a value of the second lot, or one of the first with the slack added.
    pub at: u64,
    /// The chance of such a distance, or a greater one, if nothing but the slack makes the two differ. At most: see
    /// [`distance`].
    pub chance: f64,
}

/// Compares what two lots of runs measured; nothing if either measured nothing.
///
/// What is tested: each value of the second lot is one that could as well have been of the first, plus something between
/// `-slack.less` and `slack.more`. Then the share of the second up to x is at most that of the first up to `x + less`, and
/// at least that of the first up to `x - more`; the distance is the greatest by which it leaves this band. Without slack it
/// is the distance D of Smirnov (1939), and the chance is that of the Kolmogorov distribution for √(mn/(m+n))·D, m and n
/// being the numbers of runs.
///
/// The chance is an upper bound where anything is known against it: for small numbers of runs the asymptotic distribution
/// gives more than the exact one; for values that are equal more often than by chance, as on a tick, too (Noether, "Note on
/// the Kolmogorov statistic in the discrete case", 1963); runs of the same seed resemble each other, and so do values of one
/// run, which are averaged before runs are counted.
pub fn distance(one: &RunValues, other: &RunValues, slack: Slack) -> Option<Distance> {
    if one.runs() == 0 || other.runs() == 0 {
        return None;
    }
    let (first, second) = (one.shares(), other.shares());
    // Where a share steps up, and nowhere else, it can be too great.
    let too_many = second
        .steps
        .iter()
        .map(|&(value, _)| (second.up_to(value) - first.up_to(value.saturating_add(slack.less)), value));
    let too_few = first.steps.iter().map(|&(value, _)| {
        let later = value.saturating_add(slack.more);
        (first.up_to(value) - second.up_to(later), later)
    });
    let (greatest, at) = too_many
        .chain(too_few)
        .fold((0.0, 0), |greatest, this| if this.0 > greatest.0 { this } else { greatest });
    let (m, n) = (one.runs() as f64, other.runs() as f64);
    let chance = kolmogorov(libm::sqrt(m * n / (m + n)) * greatest);
    Some(Distance { greatest, at, chance })
}

/// The chance that the greatest distance between a Brownian bridge and 0 is above `x`: 1 less the Kolmogorov distribution.
///
/// Kolmogorov, "Sulla determinazione empirica di una legge di distribuzione", 1933; its two series, of which one converges
/// at once for great, the other for small values, as in Feller, "On the Kolmogorov-Smirnov limit theorems for empirical
/// distributions", 1948.
pub fn kolmogorov(x: f64) -> f64 {
    /// Terms: what is left out is below the smallest double beside 1.
    const TERMS: i32 = 12;
    /// Where either series is good. Chosen by us.
    const SMALL: f64 = 1.0;
    if x <= 0.0 {
        return 1.0;
    }
    let chance = if x < SMALL {
        let term = |j: i32| {
            let odd = f64::from(2 * j - 1) * PI;
            libm::exp(-odd * odd / (8.0 * x * x))
        };
        1.0 - libm::sqrt(2.0 * PI) / x * (1..=TERMS).map(term).sum::<f64>()
    } else {
        let term = |j: i32| {
            let sign = if j % 2 == 1 { 2.0 } else { -2.0 };
            sign * libm::exp(-2.0 * f64::from(j * j) * x * x)
        };
        (1..=TERMS).map(term).sum()
    };
    chance.clamp(0.0, 1.0)
}

/// The chance that two lots of runs differ at least so much in how many of them measured something, if both do with the same
/// chance: Fisher's exact test, both ways. Each lot is given as how many did, of how many.
///
/// Fisher, "The Design of Experiments", 1935, chapter 2: with all sums of the table given, how it is filled is
/// hypergeometric; what is no more likely than what was seen is counted.
pub fn fisher(one: (usize, usize), other: (usize, usize)) -> f64 {
    /// What is as likely may come out a little more so. Chosen by us.
    const AS_LIKELY: f64 = 1.0 + 1e-9;
    let ((seen, first), (seen_there, second)) = (one, other);
    let all = seen + seen_there;
    let (least, most) = (all.saturating_sub(second), all.min(first));
    // From one filling to the next, relative to the one that was seen.
    let step = |k: usize| {
        let more = (first - k) as f64 * (all - k) as f64;
        more / ((k + 1) as f64 * (second + k + 1 - all) as f64)
    };
    let upward = (seen..most).scan(1.0, |weight, k| {
        *weight *= step(k);
        Some(*weight)
    });
    let downward = (least..seen).rev().scan(1.0, |weight, k| {
        *weight /= step(k);
        Some(*weight)
    });
    let (mut total, mut counted) = (1.0, 1.0);
    for weight in upward.chain(downward) {
        total += weight;
        counted += if weight <= AS_LIKELY { weight } else { 0.0 };
    }
    counted / total
}

#[cfg(test)]
mod tests {
    use leasehold_core::id::NodeId;
    use leasehold_core::noise::{Draws, NoiseKey, Use};
    use leasehold_core::time::SimInstant;

    use super::*;

    /// The quantiles that stand in tables of the Kolmogorov distribution.
    #[test]
    fn the_distribution_is_that_of_the_tables() {
        for (x, chance) in
            [(0.8276, 0.5), (1.2238, 0.1), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001), (0.4410, 0.99)]
        {
            assert!((kolmogorov(x) / chance - 1.0).abs() < 2e-3, "{x}: {} {chance}", kolmogorov(x));
        }
        assert_eq!((kolmogorov(0.0), kolmogorov(0.05)), (1.0, 1.0));
        assert!(kolmogorov(9.0) < 1e-60);
    }

    /// The two series meet where one takes over from the other.
    #[test]
    fn the_two_series_are_one_function() {
        let (below, above) = (kolmogorov(1.0 - 1e-9), kolmogorov(1.0));
        assert!((below - above).abs() < 1e-8 && below > above, "{below} {above}");
    }

    /// The lady who tastes tea, and tables whose chances are small fractions.
    #[test]
    fn fishers_chances_are_those_of_the_tables() {
        for (one, other, chance) in [
            ((4, 4), (0, 4), 2.0 / 70.0),
            ((3, 4), (1, 4), 34.0 / 70.0),
            ((0, 10), (10, 10), 2.0 / 184_756.0),
            ((2, 3), (1, 5), 26.0 / 56.0),
            ((0, 40), (0, 40), 1.0),
            ((7, 7), (3, 3), 1.0),
        ] {
            let here = fisher(one, other);
            assert!((here / chance - 1.0).abs() < 1e-9, "{one:?} {other:?}: {here} {chance}");
            assert!((fisher(other, one) / here - 1.0).abs() < 1e-9, "{one:?} {other:?}");
        }
    }

    fn of(runs: &[&[u64]]) -> RunValues {
        let mut values = RunValues::default();
        runs.iter().for_each(|run| values.add_run(run.iter().copied()));
        values
    }

    /// Runs of one value each.
    fn single(values: &[u64]) -> RunValues {
        let mut all = RunValues::default();
        values.iter().for_each(|&value| all.add_run([value]));
        all
    }

    fn greatest(one: &RunValues, other: &RunValues, less: u64, more: u64) -> f64 {
        let distance = distance(one, other, Slack { less, more }).unwrap().greatest;
        (distance * 1e9).round() / 1e9
    }

    #[test]
    fn distances_are_those_that_one_reckons_by_hand() {
        let one = single(&[1, 2, 3, 4]);
        assert_eq!(greatest(&one, &one, 0, 0), 0.0);
        assert_eq!(greatest(&one, &single(&[3, 4, 5, 6]), 0, 0), 0.5);
        assert_eq!(greatest(&one, &single(&[5, 6]), 0, 0), 1.0);
        assert_eq!(greatest(&one, &single(&[2, 2, 2, 2]), 0, 0), 0.5);
        // Ties: all of them count before anything is compared.
        assert_eq!(greatest(&single(&[1, 1, 1, 2]), &single(&[1, 2, 2, 2]), 0, 0), 0.5);
        assert_eq!(distance(&one, &RunValues::default(), Slack::default()), None);
    }

    #[test]
    fn what_the_slack_explains_is_no_distance() {
        let (one, later) = (single(&[10, 20, 30, 40]), single(&[13, 23, 33, 43]));
        assert_eq!(greatest(&one, &later, 0, 3), 0.0);
        assert_eq!(greatest(&one, &later, 0, 2), 0.25);
        assert_eq!(greatest(&one, &later, 3, 0), 0.25, "it is later, not sooner");
        assert_eq!(greatest(&later, &one, 3, 0), 0.0);
        assert_eq!(greatest(&later, &one, 2, 0), 0.25);
        // Some later than others: any value between the two is explained.
        assert_eq!(greatest(&one, &single(&[10, 23, 31, 43]), 0, 3), 0.0);
    }

    #[test]
    fn each_run_weighs_the_same() {
        let one = of(&[&[1], &[2, 2, 2, 2, 2, 2]]);
        assert_eq!(greatest(&one, &of(&[&[1], &[2]]), 0, 0), 0.0);
        assert_eq!((one.runs(), one.values()), (2, 7));
        assert_eq!((one.quantile(0.5), one.quantile(0.9)), (Some(1), Some(2)));
        let mut same = one.clone();
        same.add_run([]);
        assert_eq!(same, one, "what measured nothing does not count");
        assert_eq!(RunValues::default().quantile(0.5), None);
    }

    /// A stream of numbers for the n-th repetition.
    fn draws(n: u32) -> Draws {
        NoiseKey(7).draws(Use::Message, NodeId(0), NodeId(1), SimInstant::START, n)
    }

    /// Of so many repetitions, the share in which the test with this level rejects.
    fn rejected(
        repetitions: u32,
        level: f64,
        mut pair: impl FnMut(&mut Draws) -> (RunValues, RunValues),
    ) -> f64 {
        let rejects = (0..repetitions).filter(|&n| {
            let (one, other) = pair(&mut draws(n));
            distance(&one, &other, Slack { less: 0, more: 10_000 }).unwrap().chance < level
        });
        rejects.count() as f64 / f64::from(repetitions)
    }

    /// Forty runs whose values are spread over a second, by so much later, on a grid of this width.
    fn lot(draws: &mut Draws, later: u64, grid: u64, of_each: usize) -> RunValues {
        let mut values = RunValues::default();
        for _ in 0..40 {
            let value = (draws.draw_below(1_000_000) + later) / grid * grid;
            values.add_run(std::iter::repeat_n(value, of_each));
        }
        values
    }

    #[test]
    fn what_does_not_differ_is_rejected_about_as_often_as_the_level_says() {
        let continuous = rejected(2_000, 0.05, |draws| (lot(draws, 10_000, 1, 1), lot(draws, 20_000, 1, 1)));
        assert!((0.015..=0.055).contains(&continuous), "{continuous}");
        let tied = rejected(2_000, 0.05, |draws| (lot(draws, 0, 100_000, 1), lot(draws, 0, 100_000, 1)));
        assert!((0.002..=0.055).contains(&tied), "{tied}");
        // Seven values that are one, of each run, are one: counted as seven, they would be rejected every other time.
        let clustered = rejected(2_000, 0.05, |draws| (lot(draws, 0, 1, 7), lot(draws, 0, 1, 7)));
        assert!((0.005..=0.055).contains(&clustered), "{clustered}");
    }

    /// The level is one that is left when the 5 % of a hundred comparisons are shared among them.
    #[test]
    fn what_differs_is_rejected() {
        let shifted = rejected(200, 0.0005, |draws| (lot(draws, 0, 1, 1), lot(draws, 600_000, 1, 1)));
        assert!(shifted > 0.95, "{shifted}");
        let wider = rejected(200, 0.0005, |draws| {
            let mut wide = RunValues::default();
            (0..40).for_each(|_| wide.add_run([draws.draw_below(4_000_000)]));
            (lot(draws, 0, 1, 1), wide)
        });
        assert!(wider > 0.95, "{wider}");
        let sooner = rejected(200, 0.0005, |draws| (lot(draws, 600_000, 1, 1), lot(draws, 0, 1, 1)));
        assert!(sooner > 0.95, "{sooner}");
    }
}
