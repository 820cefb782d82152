//! A study file's tables, as they stand there.

use std::collections::BTreeMap;

use leasehold_check::{Metric, Statistic};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::quantity::Raw;
use super::schema::choices;
use crate::expect::NameVisitor;
use crate::goal::{BadGoal, metric_named, statistic_named};
use crate::spanned::Spanned;
use crate::value::Whole;

/// Where the values of a parameter come from: one by one, from a range, or from others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["values"] }, { "required": ["from", "to"] }, { "required": ["derive"] }, { "required": ["choices"] }]))]
pub(super) struct ParameterTable {
    /// The key path of the scenario that it sets, or several.
    pub(super) key: Option<Spanned<Keys>>,
    /// Its values, one by one.
    pub(super) values: Option<Spanned<Vec<Spanned<Raw>>>>,
    /// The first value of a range.
    pub(super) from: Option<Spanned<Raw>>,
    /// The last.
    pub(super) to: Option<Spanned<Raw>>,
    /// How many there are.
    #[schemars(with = "Option<Whole<2, 1_000>>")]
    pub(super) steps: Option<Spanned<i64>>,
    /// How they are apart.
    pub(super) scale: Option<Spanned<ScaleName>>,
    /// What it follows from.
    pub(super) derive: Option<Spanned<String>>,
    /// Named alternatives. They are read from the document, which knows in which order they stand there.
    #[serde(default)]
    #[schemars(schema_with = "choices")]
    pub(super) choices: Option<Spanned<toml::Table>>,
}

impl ParameterTable {
    /// Whether it has no values of its own.
    pub(super) fn is_derived(&self) -> bool {
        let has_own =
            self.values.is_some() || self.from.is_some() || self.to.is_some() || self.choices.is_some();
        self.derive.is_some() && !has_own
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a key path in quotes, or a list of them")]
pub(super) enum Keys {
    One(String),
    Several(Vec<String>),
}

impl Keys {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::One(key) => core::slice::from_ref(key),
            Self::Several(keys) => keys,
        }
    }
}

/// How the values of a range are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScaleName {
    /// By the same amount.
    #[default]
    Linear,
    /// By the same factor.
    Log,
}

/// How many points are drawn, so that each axis is covered evenly; all are taken unless this is said.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleTable {
    /// So many, before any are dropped.
    #[schemars(with = "Whole<1, 10_000>")]
    pub(super) latin_hypercube: i64,
    /// What they are drawn with.
    #[serde(default)]
    pub(super) seed: u32,
}

/// What becomes of a point that the scenario's reader refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// A point that the scenario's reader refuses is an error.
    #[default]
    Error,
    /// It is left out, and counted.
    Drop,
}

/// Which faults the runs have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FaultsName {
    /// Random ones beside those that the scenario scripts.
    #[default]
    Random,
    /// Those that the scenario scripts.
    Scripted,
}

/// `seeds`: how many, or from one to before another.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "how many seeds, as in 100, or a range in quotes, as in \"0..100\"")]
pub(super) enum SeedsTable {
    Count(i64),
    Range(String),
}

/// The name of a metric, `_` taken for `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MetricName(pub(super) Metric);

/// One number of a metric, as in `failover.p99`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberName(pub(super) Metric, pub(super) Statistic);

impl<'de> Deserialize<'de> for MetricName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = |name: &str| metric_named(name).map(Self).map_err(|bad| told(&bad));
        deserializer.deserialize_str(NameVisitor { expected: "the name of a metric", named })
    }
}

impl<'de> Deserialize<'de> for NumberName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = |name: &str| {
            let (metric, statistic) = match name.split_once('.') {
                Some((metric, statistic)) => (metric, Some(statistic)),
                None => (name, None),
            };
            let metric = metric_named(metric.trim()).map_err(|bad| told(&bad))?;
            statistic_named(metric, statistic.map(str::trim))
                .map(|found| Self(metric, found))
                .map_err(|bad| told(&bad))
        };
        deserializer.deserialize_str(NameVisitor { expected: "a number such as \"failover.p99\"", named })
    }
}

fn told(bad: &BadGoal) -> String {
    format!("{}\n{}", bad.message, bad.help)
}

pub(super) type Parameters = BTreeMap<String, Spanned<ParameterTable>>;
