//! Chrome's trace events, which Perfetto opens.
//!
//! A node is a process. What it claims and what is the matter with it are slices on threads of their own; the leases of
//! a grantor are asynchronous slices of that; a message is a slice of one nanosecond on either side with a flow between
//! them; the mark of a resource is a counter; turning points, faults and findings are instants. Times are true times in
//! microseconds. Source: "Trace Event Format", the Chromium project.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use leasehold_check::Finding;
use leasehold_core::event::{NodeEvent, WorldEvent};
use leasehold_core::passage::Came;
use leasehold_core::{Event, EventKind, LeaseId, NodeId, Passage, ResourceId, SimInstant};
use leasehold_scenario::{Observer, Report};
use serde_json::{Value, json};

use super::{Exporter, Out};
use crate::names::Names;
use crate::timeline::{Band, Bar, BarKind, Following};
use crate::words;

/// The process of what concerns the whole world. Nodes follow it.
const WORLD: u32 = 1;
/// The threads of a node: where instants stand, messages it sent, messages that reached it.
const EVENTS: u32 = 1;
const SENT: u32 = 2;
const RECEIVED: u32 = 3;
/// From here on a thread for each thing that can be the matter with it, and then for each resource that it claims.
const STATES: u32 = 10;
const CLAIMS: u32 = 100;

pub(super) struct Perfetto<W> {
    names: Names,
    out: Out<W>,
    is_first: bool,
    following: Following,
    /// The grantor of each live lease.
    grantors: BTreeMap<(ResourceId, LeaseId), NodeId>,
    /// When messages were sent that neither arrived nor were lost so far.
    under_way: BTreeMap<u64, SimInstant>,
    /// The threads that have a name.
    threads: BTreeSet<(u32, u32)>,
}

impl<W: Write + Send> Perfetto<W> {
    pub(super) fn begin(names: Names, mut out: Out<W>) -> Self {
        let header = names.header();
        let about = json!({
            "scenario": header.scenario,
            "seed": header.seed,
            "engine": header.engine,
            "tool": header.tool,
        });
        out.text(&format!("{{\"displayTimeUnit\":\"ms\",\"otherData\":{about},\"traceEvents\":["));
        let mut perfetto = Self {
            out,
            is_first: true,
            following: Following::default(),
            grantors: BTreeMap::new(),
            under_way: BTreeMap::new(),
            threads: BTreeSet::new(),
            names,
        };
        perfetto.name_processes();
        perfetto
    }

    fn name_processes(&mut self) {
        self.name("process_name", WORLD, 0, "the world");
        let nodes: Vec<String> = self.names.header().nodes.iter().map(|node| node.name.clone()).collect();
        for (node, name) in (0..).map(NodeId).zip(nodes) {
            self.name("process_name", process(node), 0, &name);
            for (thread, what) in
                [(EVENTS, "what happens"), (SENT, "messages sent"), (RECEIVED, "messages received")]
            {
                self.name("thread_name", process(node), thread, what);
            }
        }
    }

    fn name(&mut self, what: &str, pid: u32, tid: u32, name: &str) {
        self.put(&json!({ "ph": "M", "name": what, "pid": pid, "tid": tid, "args": { "name": name } }));
    }

    fn put(&mut self, event: &Value) {
        let joint = if std::mem::replace(&mut self.is_first, false) { "\n" } else { ",\n" };
        self.out.text(&format!("{joint}{event}"));
    }

    /// A thread that gets its name when something first stands on it.
    fn thread(&mut self, node: NodeId, tid: u32, name: &str) -> u32 {
        if self.threads.insert((process(node), tid)) {
            self.name("thread_name", process(node), tid, name);
        }
        tid
    }

    /// What came to its end since.
    fn put_ended(&mut self) {
        let (bars, bands, steps) = self.following.drain();
        bars.iter().for_each(|bar| self.put_bar(bar));
        bands.iter().for_each(|band| self.put_band(band));
        for step in steps {
            let name = format!("mark of resource {}", step.resource.0 + 1);
            self.put(&json!({
                "ph": "C", "name": name, "pid": process(step.node), "ts": micros(step.at),
                "args": { "token": step.token },
            }));
        }
    }

    fn put_bar(&mut self, bar: &Bar) {
        let on = self.names.on(bar.resource);
        let args = json!({ "resource": bar.resource.0 + 1, "token": bar.token, "over": bar.is_over });
        let BarKind::Lease(lease) = bar.kind else {
            let what = match bar.kind {
                BarKind::Unaware => "claim over, not noticed",
                _ => "claims",
            };
            let tid = self.thread(bar.node, CLAIMS + bar.resource.0, &format!("claims{on}"));
            self.put(&json!({
                "ph": "X", "cat": "claim", "name": format!("{what}, token {}", bar.token),
                "pid": process(bar.node), "tid": tid,
                "ts": micros(bar.from), "dur": length(bar.from, bar.until), "args": args,
            }));
            return;
        };
        let grantor = self.grantors.remove(&(bar.resource, lease)).unwrap_or(bar.node);
        let name = format!("lease {lease}{on} of {}, token {}", self.names.node(bar.node), bar.token);
        let id = format!("{}.{lease}", bar.resource);
        for (phase, at) in [("b", bar.from), ("e", bar.until)] {
            self.put(&json!({
                "ph": phase, "cat": "lease", "name": name, "id": id,
                "pid": process(grantor), "tid": EVENTS, "ts": micros(at), "args": args,
            }));
        }
    }

    fn put_band(&mut self, band: &Band) {
        let name = band.kind.name();
        let tid = self.thread(band.node, STATES + band.kind as u32, name);
        self.put(&json!({
            "ph": "X", "cat": "state", "name": name, "pid": process(band.node), "tid": tid,
            "ts": micros(band.from), "dur": length(band.from, band.until),
        }));
    }

    fn put_instant(&mut self, at: SimInstant, node: Option<NodeId>, category: &str, name: &str) {
        let (pid, tid) = node.map_or((WORLD, 0), |node| (process(node), EVENTS));
        let scope = if category == "found" { "g" } else { "t" };
        self.put(&json!({
            "ph": "i", "cat": category, "name": name, "pid": pid, "tid": tid, "ts": micros(at), "s": scope,
        }));
    }

    /// One end of a message: a slice of a nanosecond, to which the flow can be bound.
    fn put_end(&mut self, at: SimInstant, node: NodeId, tid: u32, name: &str, number: u64) {
        self.put(&json!({
            "ph": "X", "cat": "message", "name": name, "pid": process(node), "tid": tid,
            "ts": micros(at), "dur": micros(SimInstant::from_nanos(1)), "args": { "message": number },
        }));
    }

    fn put_flow(&mut self, phase: &str, at: SimInstant, node: NodeId, tid: u32, name: &str, number: u64) {
        let mut flow = json!({
            "ph": phase, "cat": "message", "name": name, "id": number,
            "pid": process(node), "tid": tid, "ts": micros(at),
        });
        if phase == "f" {
            // To the slice around it, not to the next.
            flow["bp"] = "e".into();
        }
        self.put(&flow);
    }
}

fn process(node: NodeId) -> u32 {
    u32::from(node.0) + WORLD + 1
}

/// An instant in microseconds, to the nanosecond.
fn micros(at: SimInstant) -> Value {
    let nanos = at.as_nanos();
    let text = format!("{}.{:03}", nanos / 1_000, nanos % 1_000);
    // Below 2^53 nanoseconds, which is a hundred days, a double holds it exactly enough.
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

fn length(from: SimInstant, until: SimInstant) -> Value {
    micros(SimInstant::from_nanos(until.saturating_since(from).as_nanos()))
}

impl<W: Write + Send> Observer for Perfetto<W> {
    fn event(&mut self, event: &Event) {
        let (EventKind::Node(NodeEvent::Granted { resource, lease, .. })
        | EventKind::Node(NodeEvent::Recovered { resource, lease, ended: None, .. })) = event.kind
        else {
            return self.happened(event);
        };
        if let Some(grantor) = event.node {
            self.grantors.insert((resource, lease), grantor);
        }
        self.happened(event);
    }

    fn message(&mut self, passage: &Passage) {
        let Passage { at, number, from, to, purpose, leg, came } = *passage;
        let what = format!("{} {}", purpose.name(), words::leg_name(leg));
        match came {
            Came::Sent => {
                self.put_end(at, from, SENT, &format!("{what} to {}", self.names.node(to)), number);
                self.under_way.insert(number, at);
            }
            Came::Arrived => {
                self.put_end(at, to, RECEIVED, &format!("{what} of {}", self.names.node(from)), number);
                // A copy that comes later has no flow of its own.
                if let Some(sent) = self.under_way.remove(&number) {
                    self.put_flow("s", sent, from, SENT, &what, number);
                    self.put_flow("f", at, to, RECEIVED, &what, number);
                }
            }
            Came::Lost { cause } => {
                self.under_way.remove(&number);
                let told = format!("{what} to {} lost: {}", self.names.node(to), words::loss(cause));
                self.put_instant(at, Some(from), "lost", &told);
            }
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let node = match finding {
            Finding::Violation(violation) => violation.nodes.first(),
            Finding::Hazard(sighting) => sighting.nodes.first(),
        };
        self.put_instant(finding.at(), node.copied(), "found", &words::found(finding));
    }
}

impl<W: Write + Send> Perfetto<W> {
    fn happened(&mut self, event: &Event) {
        let is_turn = self.following.hear(event);
        self.put_ended();
        if is_turn {
            let category = match event.kind {
                EventKind::World(
                    WorldEvent::FaultFired { .. }
                    | WorldEvent::FaultLanded { .. }
                    | WorldEvent::FaultHealed { .. },
                ) => "fault",
                EventKind::World(_) => "world",
                EventKind::Node(_) => "node",
            };
            let told = words::happened(&self.names, event);
            self.put_instant(event.at, event.node, category, &told);
        }
    }
}

impl<W: Write + Send> Exporter for Perfetto<W> {
    fn finish(mut self: Box<Self>, report: &Report) -> io::Result<()> {
        self.following.end(report.outcome.ended_at);
        self.put_ended();
        self.out.text("\n]}\n");
        self.out.finish()
    }
}
