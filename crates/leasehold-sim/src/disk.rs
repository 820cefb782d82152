//! A node's disk: what it kept, and what is still being written.

use std::collections::{BTreeMap, VecDeque};

use leasehold_core::id::{NodeId, Ticket};
use leasehold_core::node::{Record, Slot};
use leasehold_core::noise::{NoiseKey, Use};
use leasehold_core::plan::Latency;
use leasehold_core::time::{SimInstant, Span};

use crate::latency::Sampler;
use crate::network::Ordinals;

/// A disk that keeps the latest record of each slot. Writes become durable in order.
pub(crate) struct Disk<R> {
    node: NodeId,
    latency: Sampler,
    kept: BTreeMap<Slot, R>,
    writing: VecDeque<Write<R>>,
    busy_until: SimInstant,
    ordinals: Ordinals,
    flow: Flow,
    /// Scheduled completions carry it, so that one that counts no more is recognised.
    generation: u32,
}

struct Write<R> {
    ticket: Ticket,
    record: R,
    takes: Span,
    /// When it is to be durable. Nothing while it waits for a stall to end.
    done: Option<SimInstant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Flows,
    Stalled,
}

/// What came of a scheduled completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// This write, the oldest, is durable.
    Done(Ticket),
    /// The disk is stalled: it will have to be scheduled anew.
    HeldBack,
    /// It had been scheduled before a crash or a stall.
    Outdated,
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
            flow: Flow::Flows,
            generation: 0,
        }
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Takes a write and says when it will be durable; nothing if that waits for the end of a stall.
    pub(crate) fn write(
        &mut self,
        ticket: Ticket,
        record: R,
        now: SimInstant,
        key: NoiseKey,
    ) -> Option<SimInstant> {
        let ordinal = self.ordinals.next(now);
        let mut draws = key.draws(Use::Disk, self.node, self.node, now, ordinal);
        let takes = self.latency.sample(&mut draws);
        let done = (self.flow == Flow::Flows).then(|| {
            self.busy_until = self.busy_until.max(now + takes);
            self.busy_until
        });
        self.writing.push_back(Write { ticket, record, takes, done });
        done
    }

    /// A scheduled completion came.
    ///
    /// # Panics
    ///
    /// If it counts and no write is under way.
    pub(crate) fn complete(&mut self, generation: u32) -> Completion {
        if generation != self.generation {
            return Completion::Outdated;
        }
        match self.flow {
            Flow::Flows => Completion::Done(self.keep_oldest()),
            Flow::Stalled => Completion::HeldBack,
        }
    }

    fn keep_oldest(&mut self) -> Ticket {
        let Write { ticket, record, .. } = self.writing.pop_front().expect("a completion belongs to a write");
        self.kept.insert(record.slot(), record);
        ticket
    }

    /// Nothing completes from now on.
    pub(crate) fn stall(&mut self) {
        self.flow = Flow::Stalled;
    }

    /// A stall is over. Gives the instants at which the writes complete now, in order: what is overdue begins
    /// anew, but the first of all completes at once.
    pub(crate) fn flow(&mut self, now: SimInstant) -> impl Iterator<Item = SimInstant> {
        self.flow = Flow::Flows;
        self.generation = self.generation.wrapping_add(1);
        self.busy_until = now;
        let mut is_first = true;
        for write in &mut self.writing {
            let due = match write.done.filter(|&done| done > now) {
                Some(done) => done,
                None if is_first => now,
                None => now + write.takes,
            };
            is_first = false;
            self.busy_until = self.busy_until.max(due);
            write.done = Some(self.busy_until);
        }
        self.writing.iter().filter_map(|write| write.done)
    }

    /// The process died. Of the writes under way the oldest few made it, how many is up to the noise: the node
    /// never heard of it, and must cope with either. None does on a stalled disk.
    pub(crate) fn lose_power(&mut self, now: SimInstant, key: NoiseKey) {
        let ordinal = self.ordinals.next(now);
        let mut draws = key.draws(Use::Disk, self.node, self.node, now, ordinal);
        if self.flow == Flow::Flows {
            let made_it = draws.draw_below(self.writing.len() as u64 + 1);
            for _ in 0..made_it {
                self.keep_oldest();
            }
        }
        self.tear(now);
    }

    /// The process died, and no write under way made it.
    pub(crate) fn tear(&mut self, now: SimInstant) {
        self.writing.clear();
        self.busy_until = now;
        self.generation = self.generation.wrapping_add(1);
    }

    /// All that it kept is gone.
    pub(crate) fn wipe(&mut self) {
        self.kept.clear();
    }

    /// What a restarted process finds, by slot.
    pub(crate) fn contents(&self) -> Vec<R> {
        self.kept.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            (0..50).map(|i| disk.write(Ticket(i), Line(i % 2, i), at(i), KEY).unwrap()).collect();
        assert!(done.is_sorted());
        for i in 0..50 {
            assert_eq!(disk.complete(0), Completion::Done(Ticket(i)));
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

    fn three_writes(at_zero: SimInstant) -> Disk<Line> {
        let mut disk = Disk::new(NodeId(0), Latency::Constant(Span::from_nanos(100)));
        for i in 0..3 {
            disk.write(Ticket(i), Line(i, i), at_zero, KEY);
        }
        disk
    }

    #[test]
    fn a_torn_crash_keeps_no_prefix_and_neither_does_a_stalled_disk() {
        for t in 0..100 {
            let mut torn = three_writes(at(t));
            torn.tear(at(t));
            assert_eq!(torn.contents(), []);
            assert_eq!(torn.complete(0), Completion::Outdated);
            let mut stalled = three_writes(at(t));
            stalled.stall();
            stalled.lose_power(at(t), KEY);
            assert_eq!(stalled.contents(), []);
        }
    }

    #[test]
    fn a_stall_holds_back_and_then_completes_in_order() {
        let mut disk = three_writes(at(0));
        disk.stall();
        assert_eq!(disk.complete(0), Completion::HeldBack);
        assert_eq!(disk.write(Ticket(3), Line(3, 3), at(150), KEY), None);
        let due: Vec<SimInstant> = disk.flow(at(1_000)).collect();
        assert_eq!(due, [1_000, 1_100, 1_100, 1_100].map(at));
        assert_eq!(disk.complete(0), Completion::Outdated, "that of before");
        assert_eq!(disk.complete(1), Completion::Done(Ticket(0)));
        assert_eq!(disk.write(Ticket(4), Line(4, 4), at(1_000), KEY), Some(at(1_100)));
    }

    #[test]
    fn a_stall_that_nothing_came_due_in_changes_no_time() {
        let mut disk = three_writes(at(0));
        disk.stall();
        let due: Vec<SimInstant> = disk.flow(at(50)).collect();
        assert_eq!(due, [100, 100, 100].map(at));
    }

    #[test]
    fn a_wiped_disk_is_empty() {
        let mut disk = three_writes(at(0));
        disk.complete(0);
        disk.wipe();
        assert_eq!(disk.contents(), []);
    }
}
