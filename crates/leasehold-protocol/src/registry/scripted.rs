//! A registry that lists what a test says, when it says so.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::{ClockKind, Reading};
use leasehold_core::event::{DiscoveryEvent, EndCause, Status, fingerprint};
use leasehold_core::id::{
    Capabilities, Epoch, InstanceId, LeaseId, NodeId, ResourceId, Revision, ServiceId, TimerId,
};
use leasehold_core::node::{Input, Node};

use super::feed::Feed;
use super::list::Key;
use super::message::{Change, Entry, Offer};
use super::pair::{Boxed, Ctx, Few};
use super::policy::FeedPolicy;
use super::{RegistryMessage, RegistryProtocol};

/// What happens: when, in milliseconds, and what. The first line leads to revision 1.
pub(super) type Script = Arc<[(i64, Change)]>;

/// An instance of service 0 whose capability is the bit of its number, on the node of its number and 100.
pub(super) fn entry(instance: u32, epoch: u64, status: Status) -> Entry {
    Entry {
        offer: Offer {
            instance: InstanceId(instance),
            service: ServiceId(0),
            capabilities: Capabilities(1 << (instance % 32)),
            node: NodeId(100 + instance as u16),
        },
        member: ResourceId(instance),
        lease: LeaseId(epoch),
        epoch: Epoch(epoch),
        status,
    }
}

/// It is listed as passing.
pub(super) fn up(instance: u32, epoch: u64) -> Change {
    Change::Listed(entry(instance, epoch, Status::Passing))
}

/// It is suspect.
pub(super) fn suspect(instance: u32, epoch: u64) -> Change {
    Change::Listed(entry(instance, epoch, Status::Suspect))
}

/// It is gone.
pub(super) fn down(instance: u32, epoch: u64) -> Change {
    Change::Ended { instance: InstanceId(instance), epoch: Epoch(epoch), cause: EndCause::Expired }
}

/// What is listed after so many lines: told by another way than that of the code under test.
fn list_at(script: &[(i64, Change)], revision: u64) -> BTreeMap<Key, Entry> {
    let mut list = BTreeMap::new();
    for (_, change) in &script[..revision as usize] {
        match change {
            Change::Listed(entry) => {
                list.insert((entry.offer.instance, entry.epoch), *entry);
            }
            Change::Ended { instance, epoch, .. } => {
                list.remove(&(*instance, *epoch));
            }
            Change::Renewed { .. } => {}
        }
    }
    list
}

/// The revisions that a view of `node` claimed to show, when.
///
/// # Panics
///
/// If it was not what the registry was at one of them, or its events do not add up to that.
pub(super) fn true_views(few: &Few, node: NodeId, script: &[(i64, Change)]) -> Vec<(i64, u64)> {
    let mut held = BTreeMap::new();
    let mut advances = Vec::new();
    for (at, event) in few.discovery_events(node) {
        match event {
            DiscoveryEvent::ViewListed { instance, epoch, status } => {
                held.insert((instance, epoch), status);
            }
            DiscoveryEvent::ViewDropped { instance, epoch } => {
                assert!(held.remove(&(instance, epoch)).is_some(), "{instance} was dropped, but not listed");
            }
            DiscoveryEvent::ViewAdvanced { revision, entries, fingerprint, .. } => {
                let list = list_at(script, revision.0);
                let listed: BTreeMap<Key, Status> =
                    list.iter().map(|(key, entry)| (*key, entry.status)).collect();
                assert_eq!(
                    held, listed,
                    "at {at} ms the view was not what was listed at revision {revision}"
                );
                assert_eq!((entries as usize, fingerprint), (list.len(), sum(&list)), "at {at} ms");
                advances.push((at, revision.0));
            }
            _ => {}
        }
    }
    advances
}

fn sum(list: &BTreeMap<Key, Entry>) -> u64 {
    list.iter().fold(0, |sum, ((instance, epoch), entry)| {
        sum.wrapping_add(fingerprint(*instance, *epoch, entry.status))
    })
}

/// Adds such a registry.
pub(super) fn add_registry(few: &mut Few, id: NodeId, policy: FeedPolicy, script: &Script) {
    let script = script.clone();
    few.add(id, move || -> Boxed {
        let feed = Feed::new(policy, ClockKind::Boot);
        Box::new(Scripted { feed, script: script.clone(), done: 0 })
    });
}

struct Scripted {
    feed: Feed,
    script: Script,
    done: usize,
}

impl Scripted {
    fn next(&self, ctx: &mut Ctx<'_>) {
        if let Some((at, _)) = self.script.get(self.done) {
            ctx.arm(TimerId(0), Reading::new(ClockKind::Boot, at * 1_000_000));
        }
    }

    /// All that happened so far is on its disk.
    fn open(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.read(ClockKind::Boot).as_nanos() / 1_000_000;
        self.done = self.script.iter().take_while(|(at, _)| *at < now).count();
        let list: Vec<Entry> = list_at(&self.script, self.done as u64).into_values().collect();
        self.feed.open(Revision(self.done as u64), &list);
        self.next(ctx);
    }
}

impl Node<RegistryProtocol> for Scripted {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input<RegistryProtocol>) {
        match input {
            Input::Started | Input::Restarted { .. } => self.open(ctx),
            Input::Timer(_) => {
                let change = self.script[self.done].1;
                self.done += 1;
                self.feed.publish(ctx, Revision(self.done as u64), &([change].into()));
                self.next(ctx);
            }
            Input::Received { from, message } => self.feed.handle(ctx, from, &message),
            Input::Persisted(_) | Input::Command(_) => {}
        }
    }
}

/// The messages that `from` sent to `to`, and when.
pub(super) fn heard(few: &Few, from: NodeId, to: NodeId) -> Vec<(i64, &RegistryMessage)> {
    few.letters(from, |_| true)
        .filter(|letter| letter.to == to)
        .map(|letter| (letter.at, &letter.message))
        .collect()
}
