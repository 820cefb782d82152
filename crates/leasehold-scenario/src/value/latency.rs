//! How long something takes: a constant or a distribution.

use core::fmt;
use std::borrow::Cow;

use leasehold_core::Span;
use leasehold_core::plan::Latency;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::{LONGEST, Length, visit_number, visit_text};

/// A latency: `"2ms"`, `{ min = "1ms", max = "5ms" }`, or `{ median = "2ms", p99 = "20ms" }` with an optional
/// `max`.
///
/// Without a `max`, the log-normal distribution is cut off where one draw in a million would lie above:
/// `median * (p99 / median)^(4.753424 / 2.326348)`, rounded up to a microsecond. The numbers are the standard
/// normal quantiles of 1 - 10^-6 and 0.99.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyTable(pub Latency);

impl LatencyTable {
    /// What `{ median = ..., p99 = ... }` alone gives; nothing if the two contradict each other or are so far
    /// apart that the end lies beyond [`LONGEST`].
    pub fn log_normal(median: Span, p99: Span) -> Option<Self> {
        log_normal(median, p99, None).map(Self).ok()
    }
}

impl From<LatencyTable> for Latency {
    fn from(table: LatencyTable) -> Self {
        table.0
    }
}

/// `{ min, max }`, evenly between the two; or `{ median, p99 }`, log-normal, with an optional `max`.
#[derive(Default, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parts {
    /// The shortest, of an even distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<Length>,
    /// The longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Length>,
    /// Half are shorter, of a log-normal distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<Length>,
    /// One in a hundred is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p99: Option<Length>,
}

impl serde::Serialize for LatencyTable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |span| Some(Length(span));
        match self.0 {
            Latency::Constant(span) => Length(span).serialize(serializer),
            Latency::Uniform { min, max } => {
                Parts { min: part(min), max: part(max), ..Parts::default() }.serialize(serializer)
            }
            Latency::LogNormal { median, p99, max } => {
                let parts = Parts { median: part(median), p99: part(p99), ..Parts::default() };
                let cut_off = Self::log_normal(median, p99).map(|table| table.0.longest());
                let max = Some(max).filter(|max| cut_off != Some(*max)).map(Length);
                Parts { max, ..parts }.serialize(serializer)
            }
        }
    }
}

impl JsonSchema for LatencyTable {
    fn schema_name() -> Cow<'static, str> {
        "Latency".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "how long something takes: a duration, { min, max }, or { median, p99 } with an optional max",
            "anyOf": [generator.subschema_for::<Length>(), generator.subschema_for::<Parts>()],
        })
    }
}

impl<'de> Deserialize<'de> for LatencyTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LatencyVisitor)
    }
}

struct LatencyVisitor;

impl<'de> Visitor<'de> for LatencyVisitor {
    type Value = LatencyTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a duration such as "2ms", { min, max } or { median, p99 }"#)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LatencyTable, E> {
        visit_text::<Length, E>(text).map(|length| LatencyTable(Latency::Constant(length.0)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<LatencyTable, E> {
        Err(visit_number::<Length, E>(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<LatencyTable, E> {
        Err(visit_number::<Length, E>(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LatencyTable, A::Error> {
        let parts = Parts::deserialize(MapAccessDeserializer::new(map))?;
        latency(&parts).map(LatencyTable).map_err(A::Error::custom)
    }
}

fn latency(parts: &Parts) -> Result<Latency, String> {
    match *parts {
        Parts { min: Some(Length(min)), max: Some(Length(max)), median: None, p99: None } => {
            if min > max {
                return Err(format!("`min` is {min} and `max` only {max}\nswap the two"));
            }
            Ok(Latency::Uniform { min, max })
        }
        Parts { min: None, max, median: Some(Length(median)), p99: Some(Length(p99)) } => {
            log_normal(median, p99, max.map(|max| max.0))
        }
        Parts { min, max, median, p99 } => {
            let given: Vec<&str> = [("min", min), ("max", max), ("median", median), ("p99", p99)]
                .into_iter()
                .filter_map(|(name, value)| value.map(|_| name))
                .collect();
            let found = if given.is_empty() { "neither".to_owned() } else { given.join(", ") };
            Err(format!(
                "expected `min` and `max`, or `median` and `p99`, found {found}\n\
                 for example {{ min = \"1ms\", max = \"5ms\" }} or {{ median = \"2ms\", p99 = \"20ms\" }}"
            ))
        }
    }
}

fn log_normal(median: Span, p99: Span, max: Option<Span>) -> Result<Latency, String> {
    if median.is_zero() {
        return Err("a `median` of 0s leaves no room for a distribution\nwrite latency = \"0s\"".to_owned());
    }
    if p99 <= median {
        return Err(format!(
            "`p99` is {p99}, not above the `median` of {median}\n\
             one in a hundred takes longer than `p99`, half take longer than `median`"
        ));
    }
    let max = match max {
        Some(max) if max < p99 => {
            return Err(format!("`max` is {max}, below the `p99` of {p99}\nleave out `max`, or raise it"));
        }
        Some(max) => max,
        None => longest_in_a_million(median, p99).ok_or(
            "the two are so far apart that the longest of a million would take over 366 days\n\
             say where it ends with `max`",
        )?,
    };
    Ok(Latency::LogNormal { median, p99, max })
}

fn longest_in_a_million(median: Span, p99: Span) -> Option<Span> {
    const ONE_IN_A_MILLION: f64 = 4.753_424;
    const ONE_IN_A_HUNDRED: f64 = 2.326_348;
    let (median, p99) = (median.as_nanos() as f64, p99.as_nanos() as f64);
    let nanos = median * libm::pow(p99 / median, ONE_IN_A_MILLION / ONE_IN_A_HUNDRED);
    let micros = libm::ceil(nanos / 1_000.0);
    (micros * 1_000.0 <= LONGEST.as_nanos() as f64).then(|| Span::from_micros(micros as u64))
}
