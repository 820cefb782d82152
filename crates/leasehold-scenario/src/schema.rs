//! The JSON schema of scenario files, generated from the types that read them.
//!
//! What a type says by `deny_unknown_fields`, its defaults and its documentation, an editor can say while the file
//! is written.

use std::borrow::Cow;
use std::marker::PhantomData;

use leasehold_core::event::Probe;
use leasehold_core::{ClockKind, Purpose};
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::bug::BugTable;
use crate::chaos::ChaosTable;
use crate::engine::Engine;
use crate::expect::ExpectTable;
use crate::fault::FaultTable;
use crate::plan_table::PlanTable;
use crate::scenario::SCHEMA;
use crate::system::System;
use crate::transport::TransportTable;
use crate::world::{BoundsTable, ClocksTable, DiskTable, NetworkTable, PhasesTable};

/// The tables of a system, described one by one: what [`System::schemas`] fills.
#[derive(Debug)]
pub struct Schemas<'g> {
    generator: &'g mut SchemaGenerator,
    properties: Map<String, Value>,
}

impl Schemas<'_> {
    /// Describes a table by the type that [`Tables::take`](crate::Tables::take) reads it as.
    pub fn table<T: JsonSchema>(&mut self, name: &str) {
        let schema = self.generator.subschema_for::<T>();
        self.properties.insert(name.to_owned(), schema.to_value());
    }

    /// Describes an array of tables by the type of its elements.
    pub fn each<T: JsonSchema>(&mut self, name: &str) {
        let schema = self.generator.subschema_for::<T>();
        self.properties.insert(name.to_owned(), json!({ "type": "array", "items": schema }));
    }

    /// Whatever a table that nobody described may hold.
    fn open(&mut self, name: &str) {
        self.properties.entry(name).or_insert_with(|| json!({ "type": "object" }));
    }
}

/// Stands for a type of the ground floor, which knows no schemas, in `#[schemars(with = "Named<ClockKind>")]`: one
/// of a few names.
pub(crate) struct Named<T>(PhantomData<T>);

/// What is written by its name.
pub(crate) trait HasNames {
    /// What the type is called in the schema.
    const CALLED: &'static str;
    /// What one of it is, in a few words.
    const MEANING: &'static str;

    /// All names.
    fn names() -> Vec<&'static str>;
}

impl<T: HasNames> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        T::CALLED.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "description": T::MEANING, "enum": T::names() })
    }
}

impl HasNames for ClockKind {
    const CALLED: &'static str = "Clock";
    const MEANING: &'static str = "which of a host's clocks: monotonic stops while the machine is suspended, boot \
                                   goes on, wall can be stepped";

    fn names() -> Vec<&'static str> {
        [Self::Boot, Self::Monotonic, Self::Wall].map(Self::name).to_vec()
    }
}

impl HasNames for Purpose {
    const CALLED: &'static str = "Purpose";
    const MEANING: &'static str = "what a message is about";

    fn names() -> Vec<&'static str> {
        Self::ALL.map(Self::name).to_vec()
    }
}

impl HasNames for Probe {
    const CALLED: &'static str = "Place";
    const MEANING: &'static str = "a place that a run can reach";

    fn names() -> Vec<&'static str> {
        Self::ALL.map(Self::name).to_vec()
    }
}

/// The JSON schema (draft 7, which editors know best) of the scenario files of these systems. A file that names none
/// is for the first of them.
///
/// # Panics
///
/// If there is none.
pub fn schema(systems: &[&dyn System]) -> Value {
    let (first, others) = systems.split_first().expect("a scenario runs some system");
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut tables = |system: &dyn System| {
        let mut schemas = Schemas { generator: &mut generator, properties: Map::new() };
        harness(&mut schemas);
        system.schemas(&mut schemas);
        for name in system.tables() {
            schemas.open(name);
        }
        schemas.properties
    };
    let of_first = tables(*first);
    let of_others: Vec<_> = others.iter().map(|system| (*system, tables(*system))).collect();
    let definitions = generator.take_definitions(true);

    let names: Vec<&str> = systems.iter().map(|system| system.name()).collect();
    let summaries: Vec<&str> = systems.iter().map(|system| system.summary()).collect();
    let mut root = schemars::json_schema!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": format!("Leasehold scenario for {}", names.join(" or ")),
        "description": format!("What runs ({}), in what world, what goes wrong, and what should come of it.", summaries.join("; or ")),
        "type": "object",
        "required": ["schema", "summary"],
        "definitions": definitions,
    });
    let mut body = body(*first, systems, of_first, &definitions);
    for (system, tables) in of_others {
        let is_named =
            json!({ "required": ["system"], "properties": { "system": { "const": system.name() } } });
        let then = self::body(system, systems, tables, &definitions);
        body = json!({ "if": is_named, "then": then, "else": body });
    }
    if let (Value::Object(body), Some(root)) = (body, root.as_object_mut()) {
        root.extend(body);
    }
    WithoutNull.transform(&mut root);
    root.to_value()
}

/// What stands in a file of one system.
fn body(
    system: &dyn System,
    systems: &[&dyn System],
    tables: Map<String, Value>,
    definitions: &Map<String, Value>,
) -> Value {
    let safe = safe_variant(&tables, definitions);
    let mut properties = head(system, systems);
    properties.extend(tables);
    properties.insert("safe".to_owned(), safe);
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// The harness's own tables. Each top-level name of the harness is here or in [`head`].
fn harness(schemas: &mut Schemas<'_>) {
    schemas.table::<BoundsTable>("bounds");
    schemas.table::<NetworkTable>("network");
    schemas.table::<DiskTable>("disk");
    schemas.table::<ClocksTable>("clocks");
    schemas.table::<PhasesTable>("phases");
    schemas.table::<TransportTable>("transport");
    schemas.table::<PlanTable>("plan");
    schemas.table::<ChaosTable>("chaos");
    schemas.table::<ExpectTable>("expect");
    schemas.table::<BugTable>("bug");
    schemas.each::<FaultTable>("fault");
}

/// The keys at the top.
fn head(system: &dyn System, systems: &[&dyn System]) -> Map<String, Value> {
    let by_default = match systems {
        [first, _, ..] if first.name() == system.name() => "; it need not be said",
        [_] => "; it need not be said",
        _ => "",
    };
    let keys = json!({
        "schema": {
            "const": SCHEMA,
            "description": "the version of the scenario format",
        },
        "name": {
            "type": "string",
            "minLength": 1,
            "description": "the name of the file, without its extension: it need not be said",
        },
        "summary": {
            "type": "string",
            "minLength": 1,
            "description": "one sentence on what the scenario shows",
        },
        "engine": {
            "enum": Engine::ALL.map(Engine::name),
            "description": "who runs the nodes unless the command line says otherwise: sim by default; turmoil if what \
                            the scenario shows needs a shell",
        },
        "system": {
            "const": system.name(),
            "description": format!("what runs: {}{by_default}", system.summary()),
        },
    });
    let Value::Object(keys) = keys else { unreachable!("it is written as an object") };
    keys
}

/// `[safe]`: parts of the other tables. What they require stands in the table that it is laid over.
fn safe_variant(tables: &Map<String, Value>, definitions: &Map<String, Value>) -> Value {
    let partly = |schema: &Value| {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let name = reference.and_then(|reference| reference.strip_prefix("#/definitions/"));
        let whole = name.and_then(|name| definitions.get(name)).and_then(Value::as_object);
        match whole {
            Some(whole) if whole.contains_key("required") => {
                let mut part = whole.clone();
                part.remove("required");
                Value::Object(part)
            }
            _ => schema.clone(),
        }
    };
    let properties: Map<String, Value> =
        tables.iter().map(|(name, schema)| (name.clone(), partly(schema))).collect();
    json!({
        "type": "object",
        "description": "the design that survives the same schedule: laid over the rest by --safe",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// Takes `null` out, which TOML has not: a key that may be missing is only not required. And takes out the
/// `allOf` that draft 7 needs around a reference, where nothing stands beside it.
pub(crate) struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        object.retain(|key, value| !(key == "default" && value.is_null()));
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(values)) = object.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
        let is_null = |schema: &Value| schema.get("type").is_some_and(|name| name == "null");
        if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
            choices.retain(|choice| !is_null(choice));
            if let [only] = choices.as_slice() {
                let only = only.clone();
                object.remove("anyOf");
                object.insert("allOf".to_owned(), json!([only]));
            }
        }
        if let (1, Some([Value::Object(only)])) =
            (object.len(), object.get("allOf").and_then(Value::as_array).map(Vec::as_slice))
        {
            *object = only.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::OWN;
    use crate::toy::{Other, Toy};
    use crate::{RegistrySystem, SingleGrantor, value};

    #[test]
    fn every_top_level_name_of_the_harness_and_of_the_system_is_described() {
        for system in [&SingleGrantor as &dyn System, &RegistrySystem, &Toy, &Other] {
            let schema = schema(&[system]);
            let described: Vec<&str> =
                schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            let known = OWN.iter().chain(system.tables()).chain(&["safe"]);
            let mut known: Vec<&str> = known.copied().collect();
            known.sort_unstable();
            assert_eq!(described, known, "{}", system.name());
        }
    }

    #[test]
    fn a_table_that_nobody_described_is_open_and_the_others_are_closed() {
        let schema = schema(&[&Other]);
        assert_eq!(schema["properties"]["record"], json!({ "type": "object" }));
        for (name, definition) in schema["definitions"].as_object().unwrap() {
            if definition.get("properties").is_some() {
                assert!(definition.get("additionalProperties").is_some(), "{name} takes unknown keys");
            }
        }
    }

    #[test]
    fn there_is_no_null_and_defaults_are_shown_as_they_are_written() {
        let schema = schema(&[&SingleGrantor, &RegistrySystem]);
        assert!(!schema.to_string().contains("null"), "{schema:#}");
        assert_eq!(schema["definitions"]["LeaseTable"]["properties"]["ttl"]["default"], "10s");
        assert_eq!(schema["definitions"]["LeaseTable"]["properties"]["renew"]["default"], "ttl/3");
        assert_eq!(schema["definitions"]["RegistrationTable"]["properties"]["ttl"]["default"], "30s");
    }

    /// Whoever names no system has the tables of the first.
    #[test]
    fn each_system_has_its_own_tables() {
        let schema = schema(&[&Toy, &SingleGrantor, &RegistrySystem]);
        let tables = |schema: &Value| schema["properties"].as_object().unwrap().clone();
        assert_eq!(schema["if"]["properties"]["system"]["const"], "registry");
        assert!(tables(&schema["then"]).contains_key("registration"));
        let rest = &schema["else"];
        assert_eq!(rest["if"]["properties"]["system"]["const"], "single-grantor");
        assert!(
            tables(&rest["then"]).contains_key("grantor") && !tables(&rest["then"]).contains_key("record")
        );
        assert!(
            tables(&rest["else"]).contains_key("lease") && !tables(&rest["else"]).contains_key("grantor")
        );
    }

    /// Each pattern takes what the reader takes: the examples, and what they are written back as.
    #[test]
    fn examples_are_read_and_written_back() {
        fn each<T: value::FromText + value::ToText>() {
            assert!(!T::EXAMPLES.is_empty() && T::PATTERN.is_some());
            for example in T::EXAMPLES {
                let Ok(value) = T::from_text(example) else { panic!("{example} is no example") };
                let written = value.to_text();
                let Ok(again) = T::from_text(&written) else { panic!("{written} is not read") };
                assert_eq!(again.to_text(), written);
            }
        }
        each::<value::Length>();
        each::<value::Offset>();
        each::<value::AutoOrLength>();
        each::<value::NeverOrLength>();
        each::<value::Share>();
        each::<value::Percent>();
        each::<value::Rate>();
        each::<value::Bound>();
        each::<crate::plan_table::KeyText>();
    }
}
