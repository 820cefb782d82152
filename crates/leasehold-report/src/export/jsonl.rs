//! Lines of JSON in which nodes, faults and instances stand by their names.

use std::io::{self, Write};

use leasehold_check::Finding;
use leasehold_core::{Event, FaultId, InstanceId, NodeId, Passage};
use leasehold_scenario::{Observer, Report};
use serde_json::{Value, json};

use super::{Exporter, Out};
use crate::names::Names;
use crate::words;

/// The fields of events in which a number is a node.
const NODES: [&str; 8] = ["holder", "by", "contender", "reader", "writer", "to", "from", "node"];

pub(super) struct Jsonl<W> {
    names: Names,
    out: Out<W>,
}

impl<W: Write + Send> Jsonl<W> {
    pub(super) fn begin(names: Names, mut out: Out<W>) -> Self {
        let header = names.header();
        let nodes: Vec<Value> = header
            .nodes
            .iter()
            .map(
                |node| json!({ "name": node.name, "role": node.role.name(), "clock": node.relies_on.name() }),
            )
            .collect();
        let head = json!({
            "scenario": header.scenario,
            "system": header.system,
            "engine": header.engine,
            "seed": header.seed,
            "tool": header.tool,
            "nodes": nodes,
            "faults": header.faults,
        });
        out.text(&format!("{head}\n"));
        Self { names, out }
    }

    fn line(&mut self, line: &Value) {
        self.out.text(&format!("{line}\n"));
    }

    fn node(&self, node: Option<NodeId>) -> Value {
        node.map_or(Value::Null, |node| self.names.node(node).into())
    }
}

/// Puts names in the place of numbers, wherever they stand.
fn named(names: &Names, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let number = value.as_u64();
                let small = |number: u64| u16::try_from(number).unwrap_or(u16::MAX);
                match (field.as_str(), number) {
                    (field, Some(number)) if NODES.contains(&field) => {
                        *value = names.node(NodeId(small(number))).into();
                    }
                    ("fault", Some(number)) => *value = names.fault(FaultId(small(number))).into(),
                    ("instance", Some(number)) => {
                        let number = u32::try_from(number).unwrap_or(u32::MAX);
                        *value = names.instance(InstanceId(number)).into();
                    }
                    _ => named(names, value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| named(names, value)),
        _ => {}
    }
}

impl<W: Write + Send> Observer for Jsonl<W> {
    fn event(&mut self, event: &Event) {
        let mut kind = serde_json::to_value(event.kind).expect("an event is plain data");
        named(&self.names, &mut kind);
        self.line(&json!({
            "at_ns": event.at,
            "node": self.node(event.node),
            "local_ns": event.local,
            "event": kind,
            "told": words::happened(&self.names, event),
        }));
    }

    fn message(&mut self, passage: &Passage) {
        self.line(&json!({
            "at_ns": passage.at,
            "message": passage.number,
            "from": self.node(Some(passage.from)),
            "to": self.node(Some(passage.to)),
            "purpose": passage.purpose,
            "leg": passage.leg,
            "came": passage.came,
        }));
    }

    fn finding(&mut self, finding: &Finding) {
        self.line(&json!({ "at_ns": finding.at(), "found": words::found(finding) }));
    }
}

impl<W: Write + Send> Exporter for Jsonl<W> {
    fn finish(mut self: Box<Self>, report: &Report) -> io::Result<()> {
        let end = words::run_end(&self.names, &report.outcome.end);
        self.line(&json!({
            "ended_at_ns": report.outcome.ended_at,
            "end": end,
            "verdict": report.verdict.name(),
            "events": report.events,
            "digest": report.digest.to_string(),
        }));
        self.out.finish()
    }
}
