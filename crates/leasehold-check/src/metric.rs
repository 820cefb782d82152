//! The names of what is measured, and which numbers are told of it.

use serde::{Deserialize, Serialize};

/// Something that is measured. docs/metrics.md defines each: its unit, its exposure, what is predicted of it, and the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Hop one: how long after its process died an instance was still routed by the registry.
    Exclusion,
    /// Hop one, if the instance asked for it: how long after that it was still routed.
    Deregistration,
    /// Hop two: how long after the registry ceased to route an instance a view still answered with it.
    Propagation,
    /// Both hops: how long after an instance was gone a view still answered with it.
    Staleness,
    /// How long after an instance was registered a view first listed it.
    Visibility,
    /// How many calls went to one instance after it was gone.
    CallsToDead,
    /// How long a resource was claimed by nobody after its last claim was lost.
    Failover,
    /// The same where the claim was lost because its holder's process died.
    FailoverCrash,
    /// The same where it was lost though its holder's process lived on: cut off, stopped, or told so.
    FailoverPartition,
    /// How long a resource was claimed by nobody after its last claim was let go.
    Handover,
    /// How much later than its term a lease was ended that nobody renewed.
    ExpiryLag,
    /// How often a lease expired though its holder lived and wanted it.
    FalseExpiry,
    /// How often a registry suspected an instance, and ceased to route to it, though it lived and its lease was wanted.
    FalseSuspicion,
    /// Which share of the time nobody claimed a resource that somebody alive wanted.
    Unavailability,
    /// For how long a resource had two claims or more.
    Overlap,
    /// How long after a newer grant an effect under an older token was still accepted.
    UnfencedWindow,
    /// How often a write was refused because its token was old.
    StaleWritesRejected,
    /// How many renewals and heartbeats arrive at grantors and registries.
    Renewals,
    /// How many messages are sent.
    Messages,
    /// How many renewals, heartbeats, acquisitions and registrations arrive at grantors and registries.
    Load,
    /// How many times its mean the load was at its peak after a mass event.
    Surge,
    /// How often somebody alive lost its lease and got one again.
    Flaps,
    /// How many effects are accepted.
    Throughput,
    /// How often a write was tried again after a refusal.
    Retries,
    /// Which share of the effects that were issued was never accepted.
    WastedWork,
    /// How long somebody waited for a resource that somebody else claimed when it asked.
    Wait,
}

/// What the values of a metric count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds of true time.
    Nanoseconds,
    /// Calls.
    Calls,
    /// Millionths of a ratio of two numbers.
    Millionths,
    /// So many in a second of true time.
    PerSecond,
    /// So many in the time in which they could have happened.
    Events,
    /// A part of a whole.
    Share,
}

impl Unit {
    /// The name as it stands in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Calls => "calls",
            Self::Millionths => "millionths",
            Self::PerSecond => "per-second",
            Self::Events => "events",
            Self::Share => "share",
        }
    }

    /// By what values are divided for people, so that times are in seconds.
    pub const fn scale(self) -> f64 {
        match self {
            Self::Nanoseconds => 1e9,
            Self::Millionths => 1e6,
            Self::Calls | Self::PerSecond | Self::Events | Self::Share => 1.0,
        }
    }
}

/// What measuring a metric gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value each time: they make a distribution.
    Values,
    /// How often it happened, in the time in which it could have: they make a rate.
    Count,
    /// A part of a whole.
    Share,
    /// A value for each second of the run: they make a distribution over time.
    Level,
}

/// Which of two measurements of a metric is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The smaller one.
    Less,
    /// The greater one.
    More,
}

/// A number that is told of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// The mean of all values.
    Mean,
    /// Half of the values are at most so great.
    P50,
    /// Nine tenths are.
    P90,
    /// 99 of a hundred are.
    P99,
    /// 999 of a thousand are.
    #[serde(rename = "p99.9")]
    P999,
    /// The greatest value.
    Max,
    /// How often it happens in the time that it could have happened in, per second.
    Rate,
    /// Which share of the whole it is; of a count, in which share of the runs it happened at all.
    Share,
}

impl Statistic {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Mean, Self::P50, Self::P90, Self::P99, Self::P999, Self::Max, Self::Rate, Self::Share];

    /// The name as it stands in objectives and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Max => "max",
            Self::Rate => "rate",
            Self::Share => "share",
        }
    }

    /// The statistic with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|statistic| statistic.name() == name)
    }

    /// Which share of the values is at most so great, for a quantile; the greatest value is none.
    pub const fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P99 => Some(0.99),
            Self::P999 => Some(0.999),
            Self::Mean | Self::Max | Self::Rate | Self::Share => None,
        }
    }
}

impl Kind {
    /// The numbers that are told of such a metric.
    pub const fn statistics(self) -> &'static [Statistic] {
        use Statistic::{Max, Mean, P50, P90, P99, P999, Rate, Share};
        match self {
            Self::Values | Self::Level => &[Mean, P50, P90, P99, P999, Max],
            Self::Count => &[Rate, Share],
            Self::Share => &[Share],
        }
    }

    /// The number that is meant where none is named; nothing where it has to be.
    pub const fn usual(self) -> Option<Statistic> {
        match self {
            Self::Values => None,
            Self::Count => Some(Statistic::Rate),
            Self::Share => Some(Statistic::Share),
            Self::Level => Some(Statistic::Mean),
        }
    }
}

impl Metric {
    /// Those that checkers measure, because they judge by them. Source: docs/timing.md, section 7.
    pub const JUDGED: [Self; 6] = [
        Self::Exclusion,
        Self::Deregistration,
        Self::Propagation,
        Self::Staleness,
        Self::Visibility,
        Self::CallsToDead,
    ];

    /// All of them. Those that are judged come first.
    pub const ALL: [Self; 26] = [
        Self::Exclusion,
        Self::Deregistration,
        Self::Propagation,
        Self::Staleness,
        Self::Visibility,
        Self::CallsToDead,
        Self::Failover,
        Self::FailoverCrash,
        Self::FailoverPartition,
        Self::Handover,
        Self::ExpiryLag,
        Self::FalseExpiry,
        Self::FalseSuspicion,
        Self::Unavailability,
        Self::Overlap,
        Self::UnfencedWindow,
        Self::StaleWritesRejected,
        Self::Renewals,
        Self::Messages,
        Self::Load,
        Self::Surge,
        Self::Flaps,
        Self::Throughput,
        Self::Retries,
        Self::WastedWork,
        Self::Wait,
    ];

    /// The name as it stands in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exclusion => "exclusion",
            Self::Deregistration => "deregistration",
            Self::Propagation => "propagation",
            Self::Staleness => "staleness",
            Self::Visibility => "visibility",
            Self::CallsToDead => "calls-to-dead",
            Self::Failover => "failover",
            Self::FailoverCrash => "failover-crash",
            Self::FailoverPartition => "failover-partition",
            Self::Handover => "handover",
            Self::ExpiryLag => "expiry-lag",
            Self::FalseExpiry => "false-expiry",
            Self::FalseSuspicion => "false-suspicion",
            Self::Unavailability => "unavailability",
            Self::Overlap => "overlap",
            Self::UnfencedWindow => "unfenced-window",
            Self::StaleWritesRejected => "stale-writes-rejected",
            Self::Renewals => "renewals",
            Self::Messages => "messages",
            Self::Load => "load",
            Self::Surge => "surge",
            Self::Flaps => "flaps",
            Self::Throughput => "throughput",
            Self::Retries => "retries",
            Self::WastedWork => "wasted-work",
            Self::Wait => "wait",
        }
    }

    /// The metric with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// What measuring it gives.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Exclusion
            | Self::Deregistration
            | Self::Propagation
            | Self::Staleness
            | Self::Visibility
            | Self::CallsToDead
            | Self::Failover
            | Self::FailoverCrash
            | Self::FailoverPartition
            | Self::Handover
            | Self::ExpiryLag
            | Self::Overlap
            | Self::UnfencedWindow
            | Self::Surge
            | Self::Wait => Kind::Values,
            Self::FalseExpiry
            | Self::FalseSuspicion
            | Self::StaleWritesRejected
            | Self::Flaps
            | Self::Retries => Kind::Count,
            Self::Unavailability | Self::WastedWork => Kind::Share,
            Self::Renewals | Self::Messages | Self::Load | Self::Throughput => Kind::Level,
        }
    }

    /// What its values count.
    pub const fn unit(self) -> Unit {
        match (self, self.kind()) {
            (Self::CallsToDead, _) => Unit::Calls,
            (Self::Surge, _) => Unit::Millionths,
            (_, Kind::Values) => Unit::Nanoseconds,
            (_, Kind::Count) => Unit::Events,
            (_, Kind::Share) => Unit::Share,
            (_, Kind::Level) => Unit::PerSecond,
        }
    }

    /// Whether some of its values may not have ended when a run is over, and are then told apart.
    pub const fn can_stay_open(self) -> bool {
        matches!(self, Self::Failover | Self::FailoverCrash | Self::FailoverPartition)
    }

    /// Which of two measurements is the better one.
    pub const fn better(self) -> Better {
        match self {
            Self::Throughput => Better::More,
            _ => Better::Less,
        }
    }

    /// Its place in [`ALL`](Self::ALL), and in [`JUDGED`](Self::JUDGED) if it is there.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistic_names_are_what_is_written_down() {
        for statistic in Statistic::ALL {
            let quoted = serde_json::to_string(&statistic).unwrap();
            assert_eq!(quoted.trim_matches('"'), statistic.name());
            assert_eq!(Statistic::from_name(statistic.name()), Some(statistic));
        }
    }

    #[test]
    fn what_is_judged_stands_first_and_is_measured_by_values() {
        assert!(Metric::ALL.starts_with(&Metric::JUDGED));
        assert!(Metric::JUDGED.iter().all(|metric| metric.kind() == Kind::Values));
        for metric in Metric::ALL {
            let kind = metric.kind();
            assert!(kind.usual().is_none_or(|usual| kind.statistics().contains(&usual)));
        }
    }

    #[test]
    fn metric_names_are_what_is_written_down() {
        for (place, metric) in Metric::ALL.into_iter().enumerate() {
            let quoted = serde_json::to_string(&metric).unwrap();
            assert_eq!(quoted.trim_matches('"'), metric.name());
            assert_eq!(Metric::from_name(metric.name()), Some(metric));
            assert_eq!(metric.index(), place);
        }
        assert_eq!(Metric::from_name("stale"), None);
    }
}
