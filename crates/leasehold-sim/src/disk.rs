//! A node's disk: what it kept, and what is still being written.

use std::collections::{BTreeMap, VecDeque};

use leasehold_core::id::{NodeId, Ticket};
use leasehold_core::node::{Record, Slot};
use leasehold_core::noise::{NoiseKey, Use};
use leasehold_core::plan::Latency;
use leasehold_core::time::SimInstant;

use crate::latency::Sampler;
use crate::network::Ordinals;

/// A disk that keeps the latest record of each slot. Writes become durable in order.
pub(crate) struct Disk<R> {
    node: NodeId,
    latency: Sampler,
    kept: BTreeMap<Slot, R>,
    writing: VecDeque<(Ticket, R)>,
    busy_until: SimInstant,
    ordinals: Ordinals,
}

impl<R: Record> Disk<R> {
    pub(crate) fn new(node: NodeId, latency: Latency) -> Self {
        Self {
            node,
            latency: Sampler::new(latency),
            kept: BTreeMap::new(),
            writing: VecDeque::new(),
            busy_until: SimInstant::START,
            ordinals: Ordinals::default(),
        }
    }

    /// Takes a write and says when it will be durable.
    pub(crate) fn write(&mut self, ticket: Ticket, record: R, now: SimInstant, key: NoiseKey) -> SimInstant {
        let ordinal = self.ordinals.next(now);
        let mut draws = key.draws(Use::Disk, self.node, self.node, now, ordinal);
        self.writing.push_back((ticket, record));
        self.busy_until = self.busy_until.max(now + self.latency.sample(&mut draws));
        self.busy_until
    }

    /// Completes the oldest write.
    ///
    /// # Panics
    ///
    /// If none is under way.
    pub(crate) fn complete(&mut self) -> Ticket {
        let (ticket, record) = self.writing.pop_front().expect("a completion belongs to a write");
        self.kept.insert(record.slot(), record);
        ticket
    }

    /// The process died. Of the writes under way the oldest few made it, how many is up to the noise: the node
    /// never heard of it, and must cope with either.
    pub(crate) fn lose_power(&mut self, now: SimInstant, key: NoiseKey) {
        let ordinal = self.ordinals.next(now);
        let mut draws = key.draws(Use::Disk, self.node, self.node, now, ordinal);
        let made_it = draws.draw_below(self.writing.len() as u64 + 1);
        for _ in 0..made_it {
            self.complete();
        }
        self.writing.clear();
        self.busy_until = now;
    }

    /// What a restarted process finds, by slot.
    pub(crate) fn contents(&self) -> Vec<R> {
        self.kept.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::time::Span;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Line(u64, u64);

    impl Record for Line {
        fn slot(&self) -> Slot {
            Slot(self.0)
        }
    }

    const KEY: NoiseKey = NoiseKey(3);

    fn at(nanos: u64) -> SimInstant {
        SimInstant::from_nanos(nanos)
    }

    #[test]
    fn writes_become_durable_in_order_and_replace_their_slot() {
        let spread = Latency::Uniform { min: Span::from_nanos(1), max: Span::from_nanos(1_000) };
        let mut disk = Disk::new(NodeId(0), spread);
        let done: Vec<SimInstant> =
            (0..50).map(|i| disk.write(Ticket(i), Line(i % 2, i), at(i), KEY)).collect();
        assert!(done.is_sorted());
        for i in 0..50 {
            assert_eq!(disk.complete(), Ticket(i));
        }
        assert_eq!(disk.contents(), [Line(0, 48), Line(1, 49)]);
    }

    #[test]
    fn a_crash_keeps_a_prefix_and_every_prefix_happens() {
        let mut kept_counts = [0; 4];
        for t in 0..200 {
            let mut disk = Disk::new(NodeId(0), Latency::Constant(Span::from_secs(1)));
            for i in 0..3 {
                disk.write(Ticket(i), Line(i, i), at(t), KEY);
            }
            disk.lose_power(at(t), KEY);
            let kept = disk.contents();
            assert!(kept.iter().enumerate().all(|(i, line)| line.0 == i as u64), "a prefix: {kept:?}");
            kept_counts[kept.len()] += 1;
        }
        assert!(kept_counts.iter().all(|&n| n > 20), "{kept_counts:?}");
    }
}
