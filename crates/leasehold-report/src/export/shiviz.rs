//! A log with vector clocks, for ShiViz.
//!
//! The first line is the regular expression that takes a line apart, the second would part several runs and is empty.
//! Each host counts its own events from 1, without a gap, and knows of others what messages told it (Fidge 1988,
//! Mattern 1989). A message tells what its sender knew when it was sent to the host that it arrives at, though the process
//! there may take it later.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use leasehold_check::Finding;
use leasehold_core::event::WorldEvent;
use leasehold_core::passage::Came;
use leasehold_core::{Event, EventKind, NodeId, Passage, SimInstant};
use leasehold_scenario::{Observer, Report};

use super::{Exporter, Out};
use crate::names::Names;
use crate::words;

/// What takes a line apart. Host names are made so that they fit.
pub(super) const EXPRESSION: &str = r"(?<host>\S+) (?<clock>\{.*?\}) (?<time>\S+) (?<event>.*)";

/// Of so many messages that were lost it is remembered what they told: another copy may still come. Chosen by us.
const MOST_LOST: usize = 4_096;

pub(super) struct Shiviz<W> {
    names: Names,
    hosts: Vec<String>,
    /// What each host knows of the events of each.
    clocks: Vec<BTreeMap<NodeId, u64>>,
    /// What messages tell that did not arrive so far. What a copy would tell a second time is known already.
    under_way: BTreeMap<u64, Told>,
    out: Out<W>,
}

struct Told {
    clock: BTreeMap<NodeId, u64>,
    lost: bool,
}

impl<W: Write + Send> Shiviz<W> {
    pub(super) fn begin(names: Names, mut out: Out<W>) -> Self {
        out.text(&format!("{EXPRESSION}\n\n"));
        let hosts = hosts(&names);
        Self { clocks: vec![BTreeMap::new(); hosts.len()], hosts, names, under_way: BTreeMap::new(), out }
    }

    /// Something happens at a host.
    fn happen(&mut self, at: SimInstant, node: NodeId, what: &str) {
        let Some(clock) = self.clocks.get_mut(node.index()) else { return };
        *clock.entry(node).or_default() += 1;
        let known: Vec<String> =
            clock.iter().map(|(node, count)| format!("\"{}\":{count}", self.hosts[node.index()])).collect();
        let what = what.replace(['\n', '\r'], " ");
        let host = &self.hosts[node.index()];
        self.out.text(&format!("{host} {{{}}} {at} {what}\n", known.join(",")));
    }

    fn hear_of(&mut self, node: NodeId, clock: &BTreeMap<NodeId, u64>) {
        let Some(own) = self.clocks.get_mut(node.index()) else { return };
        for (of, count) in clock {
            let known = own.entry(*of).or_default();
            *known = (*known).max(*count);
        }
    }

    fn forget_lost(&mut self) {
        let lost = self.under_way.values().filter(|told| told.lost).count();
        if lost > MOST_LOST {
            self.under_way.retain(|_, told| !told.lost);
        }
    }
}

/// Names without anything that the expression would trip over, each once.
fn hosts(names: &Names) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let nodes = &names.header().nodes;
    nodes
        .iter()
        .enumerate()
        .map(|(place, node)| {
            let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
            let mut host: String = node.name.chars().map(plain).collect();
            if host.is_empty() || !taken.insert(host.clone()) {
                host = format!("{host}_{place}");
                taken.insert(host.clone());
            }
            host
        })
        .collect()
}

impl<W: Write + Send> Observer for Shiviz<W> {
    fn event(&mut self, event: &Event) {
        // That a message was lost happens to nobody.
        if let EventKind::World(WorldEvent::MessageLost { .. }) = event.kind {
            return;
        }
        if let Some(node) = event.node {
            let what = words::happened(&self.names, event);
            self.happen(event.at, node, &what);
        }
    }

    fn message(&mut self, passage: &Passage) {
        let Passage { at, number, from, to, purpose, leg, came } = *passage;
        let what = format!("{} {}", purpose.name(), words::leg_name(leg));
        match came {
            Came::Sent => {
                self.happen(at, from, &format!("sends {what} to {}", self.names.node(to)));
                let clock = self.clocks.get(from.index()).cloned().unwrap_or_default();
                self.under_way.insert(number, Told { clock, lost: false });
            }
            Came::Arrived => {
                if let Some(told) = self.under_way.remove(&number) {
                    self.hear_of(to, &told.clock);
                }
                self.happen(at, to, &format!("receives {what} of {}", self.names.node(from)));
            }
            Came::Lost { .. } => {
                if let Some(told) = self.under_way.get_mut(&number) {
                    told.lost = true;
                    self.forget_lost();
                }
            }
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let nodes = match finding {
            Finding::Violation(violation) => &violation.nodes,
            Finding::Hazard(sighting) => &sighting.nodes,
        };
        if let Some(node) = nodes.first() {
            self.happen(finding.at(), *node, &words::found(finding));
        }
    }
}

impl<W: Write + Send> Exporter for Shiviz<W> {
    fn finish(self: Box<Self>, _: &Report) -> io::Result<()> {
        self.out.finish()
    }
}
