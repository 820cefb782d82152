//! A histogram for each metric.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use leasehold_check::{Finding, Metric, Sample};
use leasehold_core::Event;
use leasehold_scenario::Observer;

use crate::histogram::Histogram;

/// The samples of one run, or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histograms {
    /// Those that hold something.
    of: BTreeMap<Metric, Histogram>,
}

impl Histograms {
    /// Counts a sample.
    pub fn record(&mut self, sample: &Sample) {
        self.of.entry(sample.metric).or_default().record(sample.value);
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        for (metric, histogram) in &other.of {
            self.insert(*metric, histogram);
        }
    }

    /// Adds one.
    pub fn insert(&mut self, metric: Metric, histogram: &Histogram) {
        if !histogram.is_empty() {
            self.of.entry(metric).or_default().add(histogram);
        }
    }

    /// The histogram of a metric; nothing if there is no sample of it.
    pub fn of(&self, metric: Metric) -> Option<&Histogram> {
        self.of.get(&metric)
    }

    /// All that hold something, in the order of metrics.
    pub fn iter(&self) -> impl Iterator<Item = (Metric, &Histogram)> {
        self.of.iter().map(|(metric, histogram)| (*metric, histogram))
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

/// Counts the samples of the run that it watches.
impl Observer for Histograms {
    fn event(&mut self, _: &Event) {}
    fn finding(&mut self, _: &Finding) {}
    fn sample(&mut self, sample: &Sample) {
        self.record(sample);
    }
}

/// By what the values of a metric are divided for people, so that times are in seconds.
pub const fn scale(metric: Metric) -> f64 {
    metric.unit().scale()
}

/// Histograms as an interval log, which the tools of `HdrHistogram` read (`.hlog`): a line for each, tagged by its name
/// and its metric. What a tag must not contain stands as `_`.
pub fn interval_log<'h>(named: impl IntoIterator<Item = (&'h str, &'h Histograms)>) -> String {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    {
        let mut log = IntervalLogWriterBuilder::new()
            .with_max_value_divisor(1.0)
            .begin_log_with(&mut bytes, &mut serializer)
            .expect("memory can be written to");
        for (name, histograms) in named {
            let name = name.replace([',', ' ', '\r', '\n'], "_");
            for (metric, histogram) in histograms.iter() {
                let tag = format!("{name}/{}", metric.name());
                let tag = Tag::new(&tag).expect("what a tag must not contain was replaced");
                log.write_histogram(&histogram.dense(), Duration::ZERO, Duration::ZERO, Some(tag))
                    .expect("memory can be written to, and counts fit the format");
            }
        }
    }
    String::from_utf8(bytes).expect("an interval log is text")
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use leasehold_check::Standing;
    use leasehold_core::SimInstant;

    use super::*;

    /// Tags, and the greatest value of each: as the tools' own reader has them.
    fn read(log: &str) -> Vec<(String, f64)> {
        let entries = IntervalLogIterator::new(log.as_bytes()).map(Result::unwrap);
        let histograms = entries.filter_map(|entry| match entry {
            LogEntry::Interval(line) => Some((line.tag()?.as_str().to_owned(), line.max())),
            _ => None,
        });
        histograms.collect()
    }

    fn sample(metric: Metric, value: u64) -> Sample {
        Sample { metric, value, standing: Standing::InBound, at: SimInstant::START }
    }

    #[test]
    fn each_metric_has_its_own_and_they_add_up() {
        let (mut one, mut other) = (Histograms::default(), Histograms::default());
        one.record(&sample(Metric::Staleness, 5));
        other.record(&sample(Metric::Staleness, 5));
        other.record(&sample(Metric::CallsToDead, 2));
        one.add(&other);
        let told: Vec<String> = one.iter().map(|(metric, of)| format!("{} {of}", metric.name())).collect();
        assert_eq!(told, ["staleness 5*2", "calls-to-dead 2"]);
        assert_eq!(one.of(Metric::Visibility), None);
        one.insert(Metric::Visibility, &Histogram::default());
        assert_eq!(one.of(Metric::Visibility), None);
    }

    #[test]
    fn a_log_has_a_line_for_each_and_tells_whose_it_is() {
        let mut some = Histograms::default();
        some.record(&sample(Metric::Exclusion, 1_000));
        some.record(&sample(Metric::Exclusion, 2_000));
        some.record(&sample(Metric::CallsToDead, 3));
        let log = interval_log([("one", &some), ("a, b", &some), ("none", &Histograms::default())]);
        let names = read(&log);
        let expected = [
            ("one/exclusion", 2_000.0),
            ("one/calls-to-dead", 3.0),
            ("a__b/exclusion", 2_000.0),
            ("a__b/calls-to-dead", 3.0),
        ];
        assert_eq!(names, expected.map(|(name, max)| (name.to_owned(), max)));
    }
}
