//! One histogram: how often which value was seen, to three significant digits.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::str::FromStr;

use hdrhistogram::Histogram as Dense;
use hdrhistogram::serialization::{Serializer, V2Serializer};

/// Values above this are counted as this: a thousand hours in nanoseconds. Chosen by us: forty times the longest run
/// that anybody has asked for.
pub const HIGHEST: u64 = 1_000 * 3_600 * 1_000_000_000;

/// So many significant digits are kept. Chosen by us: a thousandth of a bound is more than anybody argues about.
const DIGITS: u8 = 3;

/// A value is kept with so many bits: 2,048 buckets a power of two, which is what three digits take (`HdrHistogram`).
const BITS: u32 = 11;

/// How often which value was seen.
///
/// The buckets are those of `HdrHistogram` for values from 1 to [`HIGHEST`] with three significant digits, but only those that
/// hold something are there: a run has a few samples, and its row in a table must be short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By the lowest value of the bucket; none of them is empty.
    buckets: BTreeMap<u64, u64>,
}

/// A value that so many percent of all values do not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentile {
    /// Its name: `p99.9`.
    pub name: &'static str,
    /// The value.
    pub value: u64,
}

/// A text that is no histogram.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no bucket of a histogram: {problem}")]
pub struct BadHistogram {
    text: String,
    problem: &'static str,
}

/// The percentiles that are told. Chosen by us.
const TOLD: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

impl Histogram {
    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        self.record_times(value, 1);
    }

    /// Counts a value that was seen so often.
    pub fn record_times(&mut self, value: u64, times: u64) {
        if times > 0 {
            let count = self.buckets.entry(lowest_equivalent(value.min(HIGHEST))).or_default();
            *count = count.saturating_add(times);
        }
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        for (&value, &times) in &other.buckets {
            self.record_times(value, times);
        }
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.buckets.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The lowest value of each bucket that holds something, with how much it holds; the least first.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets.iter().map(|(&value, &count)| (value, count))
    }

    /// The bucket of the value that so many values, itself among them, do not exceed: its lowest value and its highest. A
    /// rank that is too great is that of the greatest; nothing if there are no values.
    pub(crate) fn bucket_at(&self, rank: u64) -> Option<(u64, u64)> {
        let mut so_far = 0_u64;
        let at_rank = self.buckets.iter().find(|(_, times)| {
            so_far = so_far.saturating_add(**times);
            so_far >= rank
        });
        let (&lowest, _) = at_rank.or_else(|| self.buckets.last_key_value())?;
        Some((lowest, lowest + ((1 << shift_of(lowest)) - 1)))
    }

    /// What people ask of it, the least first. No percentile is above `worst`, the greatest value that was seen, which
    /// whoever counts knows exactly.
    pub fn percentiles(&self, worst: u64) -> Vec<Percentile> {
        if self.is_empty() {
            return Vec::new();
        }
        let dense = self.dense();
        let of = |(name, quantile)| Percentile { name, value: dense.value_at_quantile(quantile).min(worst) };
        TOLD.into_iter().map(of).collect()
    }

    /// In version 2 of the format of `HdrHistogram`, which its tools read.
    pub fn v2(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.dense(), &mut bytes)
            .expect("memory can be written to, and counts fit the format");
        bytes
    }

    /// The distribution as text, in the form that `HdrHistogram` prints and its plotter reads (`.hgrm`), each value
    /// divided by `scale`.
    pub fn hgrm(&self, scale: f64) -> String {
        let dense = self.dense();
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        let mut so_far = 0;
        for step in dense.iter_quantiles(5) {
            so_far += step.count_since_last_iteration();
            let (value, quantile) = (step.value_iterated_to() as f64 / scale, step.quantile_iterated_to());
            let _ = write!(text, "{value:>12.6} {quantile:>14.12} {so_far:>10}");
            // The last line has no finite inverse, and none in the original either.
            let _ = if quantile < 1.0 {
                writeln!(text, " {:>14.2}", 1.0 / (1.0 - quantile))
            } else {
                writeln!(text)
            };
        }
        let _ = writeln!(
            text,
            "#[Mean    = {:>12.6}, StdDeviation   = {:>12.6}]\n#[Max     = {:>12.6}, Total count    = {:>12}]\n\
             #[Buckets = {:>12}, SubBuckets     = {:>12}]",
            dense.mean() / scale,
            dense.stdev() / scale,
            dense.max() as f64 / scale,
            dense.len(),
            dense.buckets(),
            1 << BITS
        );
        text
    }

    /// The same as its tools have it: all buckets.
    pub(crate) fn dense(&self) -> Dense<u64> {
        let mut dense =
            Dense::new_with_bounds(1, HIGHEST, DIGITS).expect("the range and the digits are possible");
        for (&value, &times) in &self.buckets {
            dense.record_n(value, times).expect("no value is above the highest");
        }
        dense
    }
}

/// The lowest value in the same bucket.
const fn lowest_equivalent(value: u64) -> u64 {
    let shift = shift_of(value);
    value >> shift << shift
}

/// How many of a value's low bits are dropped.
const fn shift_of(value: u64) -> u32 {
    (u64::BITS - value.leading_zeros()).saturating_sub(BITS)
}

/// Writes buckets apart by `+`: `1153p25*2` are two values whose first eleven bits are 1153, with 25 more bits behind
/// them. A single value has no `*1`, a short one no `p0`.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (&value, &times)) in self.buckets.iter().enumerate() {
            let shift = shift_of(value);
            let sign = if place == 0 { "" } else { "+" };
            write!(f, "{sign}{}", value >> shift)?;
            if shift > 0 {
                write!(f, "p{shift}")?;
            }
            if times > 1 {
                write!(f, "*{times}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Histogram {
    type Err = BadHistogram;

    /// Reads what [`Display`](fmt::Display) writes, and nothing else: one histogram has one text.
    fn from_str(text: &str) -> Result<Self, BadHistogram> {
        let mut buckets = BTreeMap::new();
        for bucket in text.split('+').filter(|_| !text.is_empty()) {
            let bad = |problem| BadHistogram { text: bucket.to_owned(), problem };
            let (value, times) = bucket.split_once('*').unwrap_or((bucket, "1"));
            let (value, shift) = value.split_once('p').unwrap_or((value, "0"));
            let number = |text: &str| text.parse::<u64>().map_err(|_| bad("a number was expected"));
            let (first, shift, times) = (number(value)?, number(shift)?, number(times)?);
            let value = u32::try_from(shift).ok().and_then(|shift| {
                let value = first.checked_shl(shift)?;
                (value >> shift == first && shift_of(value) == shift).then_some(value)
            });
            let value =
                value.filter(|value| *value <= HIGHEST).ok_or_else(|| bad("there is no such bucket"))?;
            if times == 0 || buckets.last_key_value().is_some_and(|(last, _)| *last >= value) {
                return Err(bad("buckets are not empty, and stand in order"));
            }
            buckets.insert(value, times);
        }
        let histogram = Self { buckets };
        match histogram.to_string() == text {
            true => Ok(histogram),
            false => Err(BadHistogram { text: text.to_owned(), problem: "it is written otherwise" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    }

    fn any_values() -> impl Strategy<Value = Vec<u64>> {
        // Of all magnitudes alike.
        let value = (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift);
        proptest::collection::vec(value, 0..40)
    }

    proptest! {
        /// The whole point of the layout: it is the one that the tools have.
        #[test]
        fn buckets_are_those_of_the_dense_one(values in any_values()) {
            let mut dense = Dense::<u64>::new_with_bounds(1, HIGHEST, DIGITS).unwrap();
            for value in &values {
                dense.record(*value.min(&HIGHEST)).unwrap();
                let value = *value.min(&HIGHEST);
                prop_assert_eq!(lowest_equivalent(value), dense.lowest_equivalent(value));
            }
            let ours = of(&values);
            prop_assert_eq!(ours.count(), dense.len());
            let theirs: Vec<(u64, u64)> = dense
                .iter_recorded()
                .map(|step| (dense.lowest_equivalent(step.value_iterated_to()), step.count_at_value()))
                .collect();
            prop_assert_eq!(ours.buckets.clone().into_iter().collect::<Vec<_>>(), theirs);
            prop_assert_eq!(ours.dense(), dense);
        }

        #[test]
        fn what_is_written_is_read_back_exactly(values in any_values()) {
            let histogram = of(&values);
            prop_assert_eq!(histogram.to_string().parse(), Ok(histogram));
        }

        #[test]
        fn the_order_of_adding_does_not_show(one in any_values(), other in any_values()) {
            let (mut sum, mut other_way) = (of(&one), of(&other));
            sum.add(&of(&other));
            other_way.add(&of(&one));
            prop_assert_eq!(sum.v2(), other_way.v2());
            let together: Vec<u64> = one.into_iter().chain(other).collect();
            prop_assert_eq!(&sum, &of(&together));
            prop_assert_eq!(sum, other_way);
        }
    }

    #[test]
    fn a_cell_is_read_by_people_too() {
        assert_eq!(of(&[0, 7, 7, 2_047, 4_096]).to_string(), "0+7*2+2047+1024p2");
        assert_eq!(of(&[]).to_string(), "");
        assert_eq!(of(&[u64::MAX]), of(&[HIGHEST]));
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        for text in [
            "7*0",
            "7*1",
            "7p0",
            "07",
            "2048",
            "3p2",
            "8+7",
            "7+7",
            "-7",
            "7*",
            "+",
            "1024p63",
            "1024p42",
            " 7",
            "7p99999999999",
        ] {
            assert!(text.parse::<Histogram>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rank_has_the_bucket_of_its_value() {
        let histogram = of(&[5, 7, 7, 4_097, 9_000]);
        let at: Vec<_> = (1..=6).map(|rank| histogram.bucket_at(rank).unwrap()).collect();
        assert_eq!(at, [(5, 5), (7, 7), (7, 7), (4_096, 4_099), (9_000, 9_007), (9_000, 9_007)]);
        assert_eq!(of(&[]).bucket_at(1), None);
    }

    #[test]
    fn percentiles_do_not_exceed_the_worst() {
        let values: Vec<u64> = (1..=1_000).map(|n| n * 1_000_000).collect();
        let told = of(&values).percentiles(1_000_000_000);
        let of_name = |name| told.iter().find(|percentile| percentile.name == name).unwrap().value;
        assert_eq!(of_name("max"), 1_000_000_000);
        let (half, most) = (of_name("p50") as f64, of_name("p99") as f64);
        assert!((half / 5e8 - 1.0).abs() < 2e-3 && (most / 9.9e8 - 1.0).abs() < 2e-3, "{told:?}");
        assert!(of(&[]).percentiles(7).is_empty());
    }

    #[test]
    fn the_text_for_people_ends_with_its_sums() {
        let text = of(&[1_000_000_000, 1_000_000_000, 3_000_000_000]).hgrm(1e9);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("Value") && lines[0].contains("1/(1-Percentile)"), "{text}");
        assert!(lines[2].trim_start().starts_with("1.0"), "{text}");
        assert!(text.contains("Total count    =            3"), "{text}");
        assert!(lines.iter().any(|line| line.contains("1.000000000000          3")), "{text}");
    }
}
