//! The JSON schema of study files, generated from the types that read them.

use std::borrow::Cow;

use leasehold_check::Metric;
use schemars::generate::SchemaSettings;
use schemars::transform::Transform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::Refused;
use super::quantity::Raw;
use super::table::{FaultsName, Keys, MetricName, NumberName, ParameterTable, SampleTable, SeedsTable};
use crate::goal::{Goal, statistic_named};
use crate::scenario::SCHEMA;
use crate::schema::WithoutNull;

/// The key path of a scenario: names with points in between.
const KEY_PATH: &str = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$";

/// The JSON schema (draft 7, as that of scenarios) of study files.
pub fn study_schema() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let properties = properties(&mut generator);
    let mut root = json_schema!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Leasehold study",
        "description": "A scenario, what is varied about it, and what is asked of it: docs/studies.md.",
        "type": "object",
        "required": ["schema", "summary", "scenario", "parameters"],
        "additionalProperties": false,
        "properties": properties,
        "definitions": generator.take_definitions(true),
    });
    WithoutNull.transform(&mut root);
    root.to_value()
}

/// Each of the top-level names, in words for whoever writes one.
fn properties(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let text = |meaning: &str| json!({ "type": "string", "description": meaning });
    let list =
        |items: Schema, meaning: &str| json!({ "type": "array", "items": items, "description": meaning });
    let texts = json_schema!({ "type": "string" });
    let [metrics, objectives, trade] = [
        generator.subschema_for::<MetricName>(),
        generator.subschema_for::<Goal>(),
        generator.subschema_for::<NumberName>(),
    ];
    let described = [
        ("schema", json!({ "const": SCHEMA, "description": "the version of the format" })),
        ("name", text("the name of the file, without its extension: it need not be said")),
        ("summary", text("what it is about, in a sentence")),
        ("scenario", text("the scenario that it varies, from where the study stands")),
        (
            "set",
            json!({
                "type": "object",
                "description": "key paths of the scenario with values, laid over it for all points",
            }),
        ),
        ("parameters", parameters(generator)),
        ("constraints", list(texts, "comparisons; a point that does not meet all of them is dropped")),
        ("refused", generator.subschema_for::<Refused>().to_value()),
        ("sample", generator.subschema_for::<SampleTable>().to_value()),
        ("seeds", generator.subschema_for::<SeedsTable>().to_value()),
        (
            "metrics",
            list(metrics, "what is measured; what objectives and trade need is measured in any case"),
        ),
        ("objectives", list(objectives, "what is asked of a point")),
        ("trade", list(trade, "the numbers that are traded, the one against the other")),
        ("faults", generator.subschema_for::<FaultsName>().to_value()),
        ("each", text("a parameter: what is advised is told for each of its values apart")),
    ];
    described.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// `[parameters]`: names, and below each where its values come from.
fn parameters(generator: &mut SchemaGenerator) -> Value {
    json!({
        "type": "object",
        "description": "what is varied, by names that expressions use",
        "minProperties": 1,
        "propertyNames": { "pattern": "^[A-Za-z][A-Za-z0-9_-]*$", "not": { "enum": ["min", "max", "floor"] } },
        "additionalProperties": generator.subschema_for::<ParameterTable>(),
    })
}

/// The choices of a parameter: names, and below each the keys that it lays over the scenario.
pub(super) fn choices(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "named alternatives, each a table of key paths of the scenario with values",
        "minProperties": 1,
        "additionalProperties": { "type": "object" },
    })
}

impl JsonSchema for Keys {
    fn schema_name() -> Cow<'static, str> {
        "Keys".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "a key path of the scenario, or a list of them",
            "anyOf": [
                { "type": "string", "pattern": KEY_PATH },
                { "type": "array", "items": { "type": "string", "pattern": KEY_PATH }, "minItems": 1 },
            ],
        })
    }
}

impl JsonSchema for Raw {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number", "boolean"],
            "description": "a length of time, a share, a number, a name, or true or false",
            "examples": ["10s", "2%", 3, "none", true],
        })
    }
}

impl JsonSchema for SeedsTable {
    fn schema_name() -> Cow<'static, str> {
        "Seeds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "how many seeds each point has, or which: from one to before another",
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": r"^\s*\d+\s*\.\.\s*\d+\s*$" },
            ],
            "examples": [200, "100..200"],
        })
    }
}

impl JsonSchema for MetricName {
    fn schema_name() -> Cow<'static, str> {
        "Metric".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        named("a metric: docs/metrics.md", &Metric::ALL.map(|metric| metric.name().to_owned()))
    }
}

impl JsonSchema for NumberName {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let of = |metric: Metric| {
            let usual = statistic_named(metric, None).is_ok().then(|| metric.name().to_owned());
            let statistics = metric.kind().statistics().iter();
            usual.into_iter().chain(statistics.map(move |of| format!("{}.{}", metric.name(), of.name())))
        };
        let names: Vec<String> = Metric::ALL.into_iter().flat_map(of).collect();
        named("a number of a metric, as in failover.p99", &names)
    }
}

/// One of these names. Where a `-` stands in one, `_` is read too, but not offered.
fn named(meaning: &str, names: &[String]) -> Schema {
    let twins = names.iter().filter(|name| name.contains('-'));
    let twins: Vec<String> = twins.map(|name| name.replace('-', "[_-]").replace('.', r"\.")).collect();
    let pattern = format!("^({})$", twins.join("|"));
    json_schema!({
        "description": meaning,
        "anyOf": [{ "enum": names }, { "type": "string", "pattern": pattern }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::KNOWN;

    #[test]
    fn every_top_level_name_is_described_and_all_tables_are_closed() {
        let schema = study_schema();
        let mut known = KNOWN;
        known.sort_unstable();
        let described: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(described, known);
        for (name, definition) in schema["definitions"].as_object().unwrap() {
            let is_open = definition.get("properties").is_some()
                && definition.get("additionalProperties") != Some(&false.into());
            assert!(!is_open, "{name} takes unknown keys");
        }
        assert!(!schema.to_string().contains("null"), "{schema:#}");
    }
}
