//! What is asked of a measured number: `failover.p99 < 15s`.
//!
//! A goal names a metric, a statistic where the metric does not have a usual one, and a limit in the metric's unit. Both
//! budgets in `[expect]` and objectives of a study are goals.

use core::fmt;

use leasehold_check::{Better, Kind, Metric, Statistic, Unit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

use crate::expect::NameVisitor;
use crate::suggest::{cut, did_you_mean, listed, shown};
use crate::value::{FromText, Length};

/// A limit on a measured number. Written back as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// Of what.
    pub metric: Metric,
    /// Which number of it.
    pub statistic: Statistic,
    /// On which side of the limit it should be.
    pub comparison: Comparison,
    /// The limit: seconds, a rate per second, or a share from 0 to 1, as the number is told.
    pub limit: f64,
    text: String,
}

/// A limit is a number that was read, and so equal to itself.
impl Eq for Goal {}

/// On which side of its limit a number should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Below it.
    Below,
    /// At most as great.
    AtMost,
    /// Above it.
    Above,
    /// At least as great.
    AtLeast,
}

/// A text that is no goal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadGoal {
    /// What is wrong with it.
    pub message: String,
    /// What to write instead, or what there is to choose from.
    pub help: String,
}

impl Comparison {
    const ALL: [Self; 4] = [Self::AtMost, Self::AtLeast, Self::Below, Self::Above];

    /// How it is written.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Which numbers it asks for.
    pub const fn wants(self) -> Better {
        match self {
            Self::Below | Self::AtMost => Better::Less,
            Self::Above | Self::AtLeast => Better::More,
        }
    }
}

impl BadGoal {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

impl Goal {
    /// Reads one: `failover.p99 < 15s`, `false_expiry <= 1/day`, `load < 500/s`, `unavailability < 0.1%`.
    ///
    /// # Errors
    ///
    /// What is wrong, and the nearest name if one is misspelt.
    pub fn parse(text: &str) -> Result<Self, BadGoal> {
        let text = text.trim();
        let (comparison, at) = sign(text)?;
        let (number, limit) = (text[..at].trim(), text[at + comparison.sign().len()..].trim());
        let (metric, statistic) = match number.split_once('.') {
            Some((metric, statistic)) => (metric.trim(), Some(statistic.trim())),
            None => (number, None),
        };
        let metric = metric_named(metric)?;
        let statistic = statistic_named(metric, statistic)?;
        let limit = limit_of(metric, statistic, limit)?;
        Ok(Self { metric, statistic, comparison, limit, text: text.to_owned() })
    }

    /// Whether a number keeps to it.
    pub fn is_kept_by(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Below => value < self.limit,
            Comparison::AtMost => value <= self.limit,
            Comparison::Above => value > self.limit,
            Comparison::AtLeast => value >= self.limit,
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The first comparison of a text, and where it stands.
fn sign(text: &str) -> Result<(Comparison, usize), BadGoal> {
    let Some(at) = text.find(['<', '>', '=', '≤', '≥']) else {
        let help = "write a metric, `<` or `<=`, and a limit: `failover.p99 < 15s`";
        return Err(BadGoal::new(format!("{} has no `<`", shown(text)), help));
    };
    let here = Comparison::ALL.into_iter().find(|comparison| text[at..].starts_with(comparison.sign()));
    let unclear = || {
        BadGoal::new(format!("{} compares in an unknown way", shown(text)), "write `<`, `<=`, `>` or `>=`")
    };
    let comparison = here.ok_or_else(unclear)?;
    match text[at + comparison.sign().len()..].contains(['<', '>', '=', '≤', '≥']) {
        true => Err(unclear()),
        false => Ok((comparison, at)),
    }
}

/// A metric by its name, `_` taken for `-`.
pub(crate) fn metric_named(name: &str) -> Result<Metric, BadGoal> {
    let plain = name.replace('_', "-");
    Metric::from_name(&plain).ok_or_else(|| {
        BadGoal::new(
            format!("`{}` is no metric", cut(name)),
            did_you_mean(name, Metric::ALL.map(Metric::name)),
        )
    })
}

/// A statistic of a metric by its name; the usual one if none is named.
pub(crate) fn statistic_named(metric: Metric, name: Option<&str>) -> Result<Statistic, BadGoal> {
    let kind = metric.kind();
    let known = || kind.statistics().iter().map(|statistic| statistic.name());
    let Some(name) = name else {
        let all = listed(known());
        return kind.usual().ok_or_else(|| {
            let message = format!("`{}` is many values: which number of them?", metric.name());
            BadGoal::new(message, format!("write `{}.p99`, or another of {all}", metric.name()))
        });
    };
    // What arrives per second is a rate as well as a mean.
    let found = match Statistic::from_name(name) {
        Some(Statistic::Rate) if kind == Kind::Level => Some(Statistic::Mean),
        found => found.filter(|found| kind.statistics().contains(found)),
    };
    found.ok_or_else(|| {
        let message = format!("`{}` has no `{}`", metric.name(), cut(name));
        BadGoal::new(message, did_you_mean(name, known().collect::<Vec<_>>()))
    })
}

/// A limit as its number is told.
fn limit_of(metric: Metric, statistic: Statistic, text: &str) -> Result<f64, BadGoal> {
    let (read, expected): (fn(&str) -> Option<f64>, &str) = match (statistic, metric.unit()) {
        (Statistic::Share, _) => (share, "a share such as `0.1%`"),
        (Statistic::Rate, _) | (_, Unit::PerSecond) => (rate, "a rate such as `1/day` or `500/s`"),
        (_, Unit::Nanoseconds) => (length, "a duration such as `15s`"),
        _ => (number, "a number such as `3`"),
    };
    read(text).ok_or_else(|| {
        let found = if text.is_empty() { "nothing".to_owned() } else { shown(text) };
        let of = format!("`{}.{}`", metric.name(), statistic.name());
        BadGoal::new(
            format!("the limit of {of} is {expected}, found {found}"),
            format!("for example {expected}"),
        )
    })
}

fn length(text: &str) -> Option<f64> {
    Length::from_text(text).ok().map(|length| length.0.as_nanos() as f64 / 1e9)
}

/// A decimal number: digits, with a point and digits behind them or without.
fn number(text: &str) -> Option<f64> {
    let is_decimal = text.chars().all(|c| c.is_ascii_digit() || c == '.')
        && text.starts_with(|c: char| c.is_ascii_digit());
    is_decimal.then(|| text.parse().ok())?.filter(|number: &f64| number.is_finite())
}

fn share(text: &str) -> Option<f64> {
    let of = |suffix: &str, scale: f64| Some(number(text.strip_suffix(suffix)?.trim())? / scale);
    let share = of("%", 1e2).or_else(|| of("ppm", 1e6)).or_else(|| number(text))?;
    (share <= 1.0).then_some(share)
}

/// How long the times are that a rate can be of, in seconds.
const PER: [(&[&str], f64); 5] = [
    (&["s", "sec", "second"], 1.0),
    (&["min", "m", "minute"], 60.0),
    (&["h", "hour"], 3_600.0),
    (&["d", "day"], 86_400.0),
    (&["w", "week"], 604_800.0),
];

fn rate(text: &str) -> Option<f64> {
    let (count, per) = text.split_once('/')?;
    let per = PER.iter().find(|(names, _)| names.contains(&per.trim())).map(|(_, seconds)| seconds)?;
    Some(number(count.trim())? / per)
}

impl<'de> Deserialize<'de> for Goal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = |text: &str| Self::parse(text).map_err(|bad| format!("{}\n{}", bad.message, bad.help));
        deserializer.deserialize_str(NameVisitor { expected: "a goal such as \"failover.p99 < 15s\"", named })
    }
}

impl Serialize for Goal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl JsonSchema for Goal {
    fn schema_name() -> Cow<'static, str> {
        "Goal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "a limit on a measured number: docs/metrics.md lists the metrics",
            "pattern": r"^\s*[a-z][a-z_-]*(\.[a-z0-9.]+)?\s*[<>]=?\s*\d.*$",
            "examples": ["failover.p99 < 15s", "false_expiry < 1/day", "load < 500/s", "unavailability < 0.1%"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Metric, Statistic, Comparison, f64) {
        let goal = Goal::parse(text).unwrap_or_else(|bad| panic!("{text}: {bad}"));
        (goal.metric, goal.statistic, goal.comparison, goal.limit)
    }

    #[test]
    fn a_goal_is_a_number_a_comparison_and_a_limit() {
        use Comparison::{Above, AtLeast, AtMost, Below};
        for (text, metric, statistic, comparison, limit) in [
            ("failover.p99 < 15s", Metric::Failover, Statistic::P99, Below, 15.0),
            ("failover.p99.9<=1m 30s", Metric::Failover, Statistic::P999, AtMost, 90.0),
            ("  failover_crash.mean <  250ms ", Metric::FailoverCrash, Statistic::Mean, Below, 0.25),
            ("false_expiry < 1/day", Metric::FalseExpiry, Statistic::Rate, Below, 1.0 / 86_400.0),
            ("false-expiry.rate <= 0.5/h", Metric::FalseExpiry, Statistic::Rate, AtMost, 0.5 / 3_600.0),
            ("false-expiry.share < 1%", Metric::FalseExpiry, Statistic::Share, Below, 0.01),
            ("load < 500/s", Metric::Load, Statistic::Mean, Below, 500.0),
            ("load.rate < 500/s", Metric::Load, Statistic::Mean, Below, 500.0),
            ("load.max < 600/min", Metric::Load, Statistic::Max, Below, 10.0),
            ("unavailability < 0.1%", Metric::Unavailability, Statistic::Share, Below, 0.001),
            ("unavailability < 0.02", Metric::Unavailability, Statistic::Share, Below, 0.02),
            ("surge.max < 3", Metric::Surge, Statistic::Max, Below, 3.0),
            ("calls-to-dead.max <= 10", Metric::CallsToDead, Statistic::Max, AtMost, 10.0),
            ("throughput >= 20/s", Metric::Throughput, Statistic::Mean, AtLeast, 20.0),
            ("throughput.p50 > 1/week", Metric::Throughput, Statistic::P50, Above, 1.0 / 604_800.0),
        ] {
            assert_eq!(read(text), (metric, statistic, comparison, limit), "{text}");
            assert_eq!(Goal::parse(text).unwrap().to_string(), text.trim());
        }
    }

    #[test]
    fn what_is_no_goal_is_told_with_what_was_meant() {
        for (text, message, help) in [
            ("failovr.p99 < 15s", "`failovr` is no metric", "did you mean `failover`?"),
            ("failover.p95 < 15s", "`failover` has no `p95`", "did you mean `p"),
            ("failover < 15s", "`failover` is many values: which number of them?", "write `failover.p99`"),
            ("unavailability.rate < 1%", "`unavailability` has no `rate`", "`share`"),
            ("failover.p99", "has no `<`", "`failover.p99 < 15s`"),
            ("failover.p99 = 15s", "compares in an unknown way", "`<=`"),
            ("failover.p99 << 15s", "compares in an unknown way", "`<=`"),
            ("failover.p99 < 15", "is a duration such as `15s`, found \"15\"", "for example"),
            ("failover.p99 <", "found nothing", "for example"),
            ("load < 500", "is a rate such as `1/day` or `500/s`, found \"500\"", "for example"),
            ("load < 500/fortnight", "is a rate", "for example"),
            ("unavailability < 101%", "is a share such as `0.1%`", "for example"),
            ("unavailability < -1%", "is a share such as `0.1%`", "for example"),
            ("surge.max < nan", "is a number such as `3`", "for example"),
            ("surge.max < 1e400", "is a number such as `3`", "for example"),
            ("", "has no `<`", "write a metric"),
        ] {
            let bad = Goal::parse(text).expect_err(text);
            assert!(bad.message.contains(message), "{text}: {}", bad.message);
            assert!(bad.help.contains(help), "{text}: {}", bad.help);
        }
    }

    #[test]
    fn a_limit_is_kept_on_its_side() {
        let kept = |text: &str| [2.9, 3.0, 3.1].map(|value| Goal::parse(text).unwrap().is_kept_by(value));
        assert_eq!(kept("surge.max < 3"), [true, false, false]);
        assert_eq!(kept("surge.max <= 3"), [true, true, false]);
        assert_eq!(kept("surge.max > 3"), [false, false, true]);
        assert_eq!(kept("surge.max >= 3"), [false, true, true]);
    }

    #[test]
    fn a_usual_statistic_needs_no_name() {
        for metric in Metric::ALL {
            let limit = match metric.kind().usual() {
                None => continue,
                Some(Statistic::Share) => "1%",
                Some(_) => "1/s",
            };
            let (bare, named) =
                (format!("{} < {limit}", metric.name()), metric.kind().usual().unwrap().name());
            let named = format!("{}.{named} < {limit}", metric.name());
            assert_eq!(read(&bare), read(&named));
        }
    }
}
