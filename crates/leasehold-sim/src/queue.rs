//! What is to happen, in order of time and then of scheduling.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use leasehold_core::time::SimInstant;

/// So many powers of two of nanoseconds are a slot: 67 ms. Chosen by us: messages and writes mostly fall into the slot
/// that they are scheduled in, or into the next.
const SLOT: u32 = 26;

/// So many slots lie ahead at most, which is 69 s. Chosen by us: longer than most timers.
const SLOTS: u64 = 1_024;

/// The end of a list.
const NOBODY: u32 = u32::MAX;

/// A queue of things to happen. Two at the same instant come out in the order in which they went in.
///
/// Only what happens soon is kept in order. With thousands of nodes tens of thousands of timers wait, and a heap of
/// all of them would be walked from end to end for each.
pub(crate) struct Queue<T> {
    /// What falls into the current slot, or before it.
    soon: BinaryHeap<Entry<T>>,
    /// What falls into one of the slots ahead, by slot, and in no order there.
    ahead: Slots<T>,
    /// What falls behind those.
    later: BinaryHeap<Entry<T>>,
    slot: u64,
    scheduled: u64,
}

#[derive(Clone, Copy)]
struct Entry<T> {
    at: SimInstant,
    order: u64,
    task: T,
}

impl<T> Entry<T> {
    fn slot(&self) -> u64 {
        self.at.as_nanos() >> SLOT
    }
}

/// A ring of lists, whose members stand in one place: a steady run allocates nothing.
struct Slots<T> {
    first: Vec<u32>,
    /// Which lists are not empty, a bit each.
    filled: [u64; SLOTS as usize / 64],
    places: Vec<(Entry<T>, u32)>,
    free: Vec<u32>,
}

impl<T: Copy> Slots<T> {
    fn new() -> Self {
        Self {
            first: vec![NOBODY; SLOTS as usize],
            filled: [0; SLOTS as usize / 64],
            places: Vec::with_capacity(256),
            free: Vec::with_capacity(256),
        }
    }

    fn push(&mut self, entry: Entry<T>) {
        let index = (entry.slot() % SLOTS) as usize;
        let place = (entry, self.first[index]);
        self.first[index] = match self.free.pop() {
            Some(free) => {
                self.places[free as usize] = place;
                free
            }
            None => {
                self.places.push(place);
                u32::try_from(self.places.len() - 1).expect("so much does not fit into memory")
            }
        };
        self.filled[index / 64] |= 1 << (index % 64);
    }

    /// Takes out all that falls into a slot.
    fn drain(&mut self, slot: u64, mut take: impl FnMut(Entry<T>)) {
        let index = (slot % SLOTS) as usize;
        let mut next = std::mem::replace(&mut self.first[index], NOBODY);
        self.filled[index / 64] &= !(1 << (index % 64));
        while next != NOBODY {
            let (entry, after) = self.places[next as usize];
            self.free.push(next);
            take(entry);
            next = after;
        }
    }

    /// The first slot after this one into which something falls.
    fn next_after(&self, slot: u64) -> Option<u64> {
        let from = slot + 1;
        let (word, bit) = ((from % SLOTS / 64) as usize, from % 64);
        let words = self.filled.len();
        // The word in which it begins comes first and, with what is before that bit, last.
        (0..=words).find_map(|step| {
            let mask = match step {
                0 => !0 << bit,
                _ if step == words => !(!0 << bit),
                _ => !0,
            };
            let filled = self.filled[(word + step) % words] & mask;
            let base = from - bit + step as u64 * 64;
            (filled != 0).then(|| base + u64::from(filled.trailing_zeros()))
        })
    }
}

impl<T: Copy> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            soon: BinaryHeap::with_capacity(256),
            ahead: Slots::new(),
            later: BinaryHeap::new(),
            slot: 0,
            scheduled: 0,
        }
    }

    pub(crate) fn push(&mut self, at: SimInstant, task: T) {
        let order = self.scheduled;
        self.scheduled += 1;
        self.put(Entry { at, order, task });
    }

    fn put(&mut self, entry: Entry<T>) {
        match entry.slot().saturating_sub(self.slot) {
            0 => self.soon.push(entry),
            1..SLOTS => self.ahead.push(entry),
            _ => self.later.push(entry),
        }
    }

    /// Moves what is scheduled in time. What then falls on one instant keeps the order in which it went in.
    pub(crate) fn reschedule(&mut self, mut to: impl FnMut(SimInstant, T) -> SimInstant) {
        for mut entry in self.take_all() {
            entry.at = to(entry.at, entry.task);
            self.put(entry);
        }
    }

    /// Takes out what is scheduled and wanted, in no particular order.
    pub(crate) fn extract(&mut self, wanted: impl Fn(T) -> bool) -> Vec<T> {
        let mut out = Vec::new();
        for entry in self.take_all() {
            match wanted(entry.task) {
                true => out.push(entry.task),
                false => self.put(entry),
            }
        }
        out
    }

    fn take_all(&mut self) -> Vec<Entry<T>> {
        let mut all = std::mem::take(&mut self.soon).into_vec();
        all.extend(std::mem::take(&mut self.later));
        for slot in 0..SLOTS {
            self.ahead.drain(slot, |entry| all.push(entry));
        }
        all
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&mut self) -> Option<SimInstant> {
        if self.soon.is_empty() {
            self.go_on();
        }
        self.soon.peek().map(|entry| entry.at)
    }

    pub(crate) fn pop(&mut self) -> Option<(SimInstant, T)> {
        if self.soon.is_empty() {
            self.go_on();
        }
        self.soon.pop().map(|entry| (entry.at, entry.task))
    }

    /// Goes on to the next slot into which something falls.
    #[cold]
    fn go_on(&mut self) {
        let later = self.later.peek().map(Entry::slot);
        let next = self.ahead.next_after(self.slot).into_iter().chain(later).min();
        let Some(next) = next else { return };
        self.slot = next;
        let soon = &mut self.soon;
        self.ahead.drain(next, |entry| soon.push(entry));
        while self.later.peek().is_some_and(|entry| entry.slot() <= next) {
            soon.extend(self.later.pop());
        }
    }
}

impl<T> Ord for Entry<T> {
    /// The heap gives its greatest first, so the earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The model is a stable sort by time.
        #[test]
        fn comes_out_by_time_and_then_by_insertion(
            times in proptest::collection::vec((0_u64..10, 0_u32..45), 0..200),
        ) {
            let times: Vec<u64> = times.into_iter().map(|(t, magnitude)| t << magnitude).collect();
            let mut queue = Queue::new();
            for (i, &t) in times.iter().enumerate() {
                queue.push(SimInstant::from_nanos(t), i);
            }
            let mut model: Vec<usize> = (0..times.len()).collect();
            model.sort_by_key(|&i| times[i]);
            let out: Vec<usize> = std::iter::from_fn(|| queue.pop()).map(|(_, i)| i).collect();
            prop_assert_eq!(out, model);
        }

        /// As a run uses it: what comes out schedules more, from that instant on, and now and then all is moved.
        #[test]
        fn what_is_scheduled_meanwhile_comes_in_its_turn(
            delays in proptest::collection::vec((0_u64..10, 0_u32..45), 1..300),
            moved_at in 0_usize..300,
        ) {
            let mut delays = delays.into_iter().map(|(t, magnitude)| t << magnitude).enumerate();
            let mut queue = Queue::new();
            let mut model: Vec<(u64, usize)> = Vec::new();
            for (i, at) in delays.by_ref().take(20) {
                queue.push(SimInstant::from_nanos(at), i);
                model.push((at, i));
            }
            let mut popped = 0;
            while let Some((now, task)) = queue.pop() {
                // The earliest, and of those the first.
                let place = (0..model.len()).min_by_key(|&place| model[place].0).expect("as many as in the queue");
                prop_assert_eq!(model.remove(place), (now.as_nanos(), task));
                for (i, delay) in delays.by_ref().take(popped % 3) {
                    let at = now.as_nanos() + delay;
                    queue.push(SimInstant::from_nanos(at), i);
                    model.push((at, i));
                }
                if popped == moved_at {
                    let most = now.as_nanos() + 1_000_000_000;
                    queue.reschedule(|at, _| SimInstant::from_nanos(at.as_nanos().min(most)));
                    for (at, _) in &mut model {
                        *at = (*at).min(most);
                    }
                    prop_assert!(queue.extract(|_| false).is_empty());
                }
                popped += 1;
            }
            prop_assert!(model.is_empty());
        }
    }

    #[test]
    fn what_is_taken_out_is_gone_and_the_rest_keeps_its_order() {
        let mut queue = Queue::new();
        for i in 0..20 {
            queue.push(SimInstant::from_nanos(i / 7), i);
        }
        let mut out = queue.extract(|i| i % 3 == 0);
        out.sort();
        assert_eq!(out, [0, 3, 6, 9, 12, 15, 18]);
        let left: Vec<u64> = std::iter::from_fn(|| queue.pop()).map(|(_, i)| i).collect();
        assert_eq!(left, (0..20).filter(|i| i % 3 != 0).collect::<Vec<_>>());
    }
}
