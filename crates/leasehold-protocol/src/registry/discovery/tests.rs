//! Discovery clients, driven by hand against a registry that lists what the test says.

mod caching;
mod calling;
mod chance;
mod polling;
mod watching;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use leasehold_core::event::{DiscoveryEvent, LookupAnswer};
use leasehold_core::id::NodeId;
use leasehold_core::time::Span;

use super::super::message::{Change, RegistryMessage};
use super::super::pair::{Few, Way};
use super::super::policy::{DiscoveryPolicy, FeedPolicy, Refresh};
use super::super::scripted::{Script, add_registry, down, heard, suspect, true_views, up};
use super::*;

const REGISTRY: NodeId = NodeId(0);
const OTHER: NodeId = NodeId(1);
const CLIENT: NodeId = NodeId(2);

fn millis(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn watches() -> DiscoveryPolicy {
    DiscoveryPolicy { refresh: Refresh::Watch, ..DiscoveryPolicy::default() }
}

fn polls(every: u64) -> DiscoveryPolicy {
    DiscoveryPolicy { refresh: Refresh::Poll(millis(every)), ..DiscoveryPolicy::default() }
}

/// A registry and a client of it.
struct Case {
    few: Few,
    script: Script,
}

impl Case {
    fn new(policy: DiscoveryPolicy, script: &[(i64, Change)]) -> Self {
        Self::with(policy, FeedPolicy::default(), script)
    }

    fn with(policy: DiscoveryPolicy, feed: FeedPolicy, script: &[(i64, Change)]) -> Self {
        let (mut few, script): (Few, Script) = (Few::new(), script.into());
        add_registry(&mut few, REGISTRY, feed, &script);
        few.add(CLIENT, move || Box::new(Discovery::new(policy, vec![REGISTRY])));
        Self { few, script }
    }

    fn run_to(mut self, until: i64) -> Self {
        self.few.run_to(until);
        self
    }

    /// The revisions of its view, and when it got there; it was what was listed at each.
    fn views(&self) -> Vec<(i64, u64)> {
        true_views(&self.few, CLIENT, &self.script)
    }

    fn events(&self) -> Vec<(i64, DiscoveryEvent)> {
        self.few.discovery_events(CLIENT)
    }

    /// When it reported this.
    fn when(&self, wanted: DiscoveryEvent) -> Vec<i64> {
        self.events().into_iter().filter(|(_, event)| *event == wanted).map(|(at, _)| at).collect()
    }

    /// The lookups of a span of time: answer, how many, age in milliseconds.
    fn lookups(&self, from: i64, until: i64) -> Vec<(LookupAnswer, u32, i64)> {
        self.events()
            .into_iter()
            .filter(|(at, _)| (from..until).contains(at))
            .filter_map(|(_, event)| match event {
                DiscoveryEvent::LookupAnswered { answer, entries, age, .. } => {
                    Some((answer, entries, age.as_nanos() as i64 / 1_000_000))
                }
                _ => None,
            })
            .collect()
    }

    fn said(&self) -> Vec<(i64, &RegistryMessage)> {
        heard(&self.few, CLIENT, REGISTRY)
    }

    /// When it asked for a list.
    fn queries(&self) -> Vec<i64> {
        self.when_said(|message| matches!(message, RegistryMessage::Query { .. }))
    }

    /// When it asked for a watch.
    fn watches(&self) -> Vec<i64> {
        self.when_said(|message| matches!(message, RegistryMessage::Watch { .. }))
    }

    fn when_said(&self, wanted: impl Fn(&RegistryMessage) -> bool) -> Vec<i64> {
        self.said().into_iter().filter(|(_, message)| wanted(message)).map(|(at, _)| at).collect()
    }
}

/// Whether a message tells a watcher something.
fn is_of_a_watch(message: &RegistryMessage) -> bool {
    use leasehold_core::node::{Message, Purpose};
    message.class().0 == Purpose::Watch
}
