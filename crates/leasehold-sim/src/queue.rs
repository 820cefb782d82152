//! What is to happen, in order of time and then of scheduling.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use leasehold_core::time::SimInstant;

/// A queue of things to happen. Two at the same instant come out in the order in which they went in.
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    scheduled: u64,
}

struct Entry<T> {
    at: SimInstant,
    order: u64,
    task: T,
}

impl<T: Copy> Queue<T> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::with_capacity(256), scheduled: 0 }
    }

    pub(crate) fn push(&mut self, at: SimInstant, task: T) {
        let order = self.scheduled;
        self.scheduled += 1;
        self.heap.push(Entry { at, order, task });
    }

    /// Moves what is scheduled in time. What then falls on one instant keeps the order in which it went in.
    pub(crate) fn reschedule(&mut self, mut to: impl FnMut(SimInstant, T) -> SimInstant) {
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        for entry in &mut entries {
            entry.at = to(entry.at, entry.task);
        }
        self.heap = entries.into();
    }

    /// Takes out what is scheduled and wanted, in no particular order.
    pub(crate) fn extract(&mut self, wanted: impl Fn(T) -> bool) -> Vec<T> {
        let (out, stay): (Vec<Entry<T>>, Vec<Entry<T>>) =
            std::mem::take(&mut self.heap).into_iter().partition(|entry| wanted(entry.task));
        self.heap = stay.into();
        out.into_iter().map(|entry| entry.task).collect()
    }

    pub(crate) fn pop(&mut self) -> Option<(SimInstant, T)> {
        self.heap.pop().map(|entry| (entry.at, entry.task))
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
        fn comes_out_by_time_and_then_by_insertion(times in proptest::collection::vec(0_u64..10, 0..200)) {
            let mut queue = Queue::new();
            for (i, &t) in times.iter().enumerate() {
                queue.push(SimInstant::from_nanos(t), i);
            }
            let mut model: Vec<usize> = (0..times.len()).collect();
            model.sort_by_key(|&i| times[i]);
            let out: Vec<usize> = std::iter::from_fn(|| queue.pop()).map(|(_, i)| i).collect();
            prop_assert_eq!(out, model);
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
