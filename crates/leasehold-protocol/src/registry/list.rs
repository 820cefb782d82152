//! A list of instances: compact, sorted, and summed up.

use alloc::vec::Vec;
use core::cmp::Ordering;

use leasehold_core::event::{Status, fingerprint};
use leasehold_core::id::{Epoch, InstanceId};

use super::message::{Change, Entry};

/// What stands in a list of one instance.
pub(super) trait Row: Copy {
    /// What of an entry is kept.
    fn of(entry: &Entry) -> Self;
    /// The registration. An instance that is registered twice stands there twice.
    fn key(&self) -> Key;
    /// How it is.
    fn status(&self) -> Status;
}

/// A registration of an instance: what lists are sorted by.
pub(super) type Key = (InstanceId, Epoch);

impl Row for Entry {
    fn of(entry: &Entry) -> Self {
        *entry
    }

    fn key(&self) -> Key {
        (self.offer.instance, self.epoch)
    }

    fn status(&self) -> Status {
        self.status
    }
}

impl Entry {
    pub(super) fn key(&self) -> Key {
        Row::key(self)
    }
}

/// A list of instances, sorted, without gaps in memory: a thousand clients keep one of a thousand instances each.
#[derive(Clone, Debug)]
pub(super) struct List<T> {
    rows: Vec<T>,
    fingerprint: u64,
    /// Beyond the highest number of an instance that it has listed.
    span: u64,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), fingerprint: 0, span: 0 }
    }
}

/// What a change did to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect<T> {
    /// It said so already.
    Nothing,
    /// This is there now, in the place of the other if there was one.
    Put { now: T, before: Option<T> },
    /// This is gone.
    Removed(T),
}

impl<T: Row> List<T> {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> &[T] {
        &self.rows
    }

    /// The sum of the fingerprints of what it lists.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Where a registration stands, or would.
    ///
    /// A thousand lists are more than a cache holds, and each step of a binary search waits for memory. Instances are
    /// numbered from 0, so it looks first where this one stands if those that are listed are spread evenly, and then in
    /// ever wider surroundings. Where all are listed, the first look finds it.
    pub(super) fn position(&self, key: Key) -> Result<usize, usize> {
        let rows = &self.rows;
        let spread = u64::from(key.0.0) * rows.len() as u64 / self.span.max(1);
        let guess = usize::try_from(spread).unwrap_or(usize::MAX).min(rows.len().saturating_sub(1));
        let Some(found) = rows.get(guess) else { return Err(0) };
        let mut width = 1;
        let (from, to) = match found.key().cmp(&key) {
            Ordering::Equal => return Ok(guess),
            Ordering::Less => {
                while rows.get(guess + width).is_some_and(|row| row.key() < key) {
                    width *= 2;
                }
                (guess + width / 2, rows.len().min(guess + width + 1))
            }
            Ordering::Greater => {
                while width <= guess && rows[guess - width].key() > key {
                    width *= 2;
                }
                (guess.saturating_sub(width), guess - width / 2)
            }
        };
        let within = rows[from..to].binary_search_by_key(&key, Row::key);
        within.map(|at| from + at).map_err(|at| from + at)
    }

    /// Does what a change says. What it says already, it does not do again.
    pub(super) fn apply(&mut self, change: &Change) -> Effect<T> {
        match change {
            Change::Listed(entry) => self.put(entry),
            Change::Ended { instance, epoch, .. } => self.remove((*instance, *epoch)),
            Change::Renewed { .. } => Effect::Nothing,
        }
    }

    fn put(&mut self, entry: &Entry) -> Effect<T> {
        let now = T::of(entry);
        match self.position(now.key()) {
            Ok(at) => {
                let before = self.rows[at];
                if before.status() == now.status() {
                    return Effect::Nothing;
                }
                self.rows[at] = now;
                self.count_out(&before);
                self.count_in(&now);
                Effect::Put { now, before: Some(before) }
            }
            Err(at) => {
                self.rows.insert(at, now);
                self.count_in(&now);
                Effect::Put { now, before: None }
            }
        }
    }

    fn remove(&mut self, key: Key) -> Effect<T> {
        let Ok(at) = self.position(key) else { return Effect::Nothing };
        let gone = self.rows.remove(at);
        self.count_out(&gone);
        Effect::Removed(gone)
    }

    /// Makes it the list of these, and tells of each that differs, in their order.
    ///
    /// # Panics
    ///
    /// If they are not sorted: whoever hands out lists keeps them sorted.
    pub(super) fn replace(&mut self, entries: &[Entry], mut differs: impl FnMut(Difference<'_, T>)) {
        assert!(entries.is_sorted_by_key(Entry::key), "a list was handed out that is not sorted");
        let mut old = self.rows.iter().peekable();
        for entry in entries {
            while let Some(gone) = old.next_if(|row| row.key() < entry.key()) {
                differs(Difference::Gone(gone));
            }
            match old.next_if(|row| row.key() == entry.key()) {
                Some(row) if row.status() == entry.status => {}
                _ => differs(Difference::Listed(entry)),
            }
        }
        old.for_each(|gone| differs(Difference::Gone(gone)));
        self.rows.clear();
        self.fingerprint = 0;
        for entry in entries {
            let row = T::of(entry);
            self.rows.push(row);
            self.count_in(&row);
        }
    }

    fn count_in(&mut self, row: &T) {
        let (instance, epoch) = row.key();
        self.span = self.span.max(u64::from(instance.0) + 1);
        self.fingerprint = self.fingerprint.wrapping_add(fingerprint(instance, epoch, row.status()));
    }

    fn count_out(&mut self, row: &T) {
        let (instance, epoch) = row.key();
        self.fingerprint = self.fingerprint.wrapping_sub(fingerprint(instance, epoch, row.status()));
    }
}

/// In what two lists differ.
#[derive(Clone, Copy, Debug)]
pub(super) enum Difference<'a, T> {
    /// The new one lists this, the old one did not, or with another status.
    Listed(&'a Entry),
    /// The old one listed this, the new one does not.
    Gone(&'a T),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    struct Bare(Key);

    impl Row for Bare {
        fn of(entry: &Entry) -> Self {
            Self(entry.key())
        }

        fn key(&self) -> Key {
            self.0
        }

        fn status(&self) -> Status {
            Status::Passing
        }
    }

    proptest! {
        /// However the numbers are spread, it finds what a binary search finds.
        #[test]
        fn every_registration_is_found_where_it_stands(
            keys in proptest::collection::btree_set((0_u32..40, 0_u32..25, 0_u64..3), 0..120),
            wanted in (0_u32..40, 0_u32..25, 0_u64..3),
        ) {
            // Close together and far apart.
            let key = |(number, magnitude, epoch): (u32, u32, u64)| {
                (InstanceId(number << (magnitude / 12 * 11)), Epoch(epoch))
            };
            let mut list = List::<Bare>::default();
            let mut rows: Vec<Key> = keys.into_iter().map(key).collect();
            rows.sort_unstable();
            rows.dedup();
            for &row in &rows {
                list.rows.push(Bare(row));
                list.count_in(&Bare(row));
            }
            for (at, &row) in rows.iter().enumerate() {
                prop_assert_eq!(list.position(row), Ok(at));
            }
            prop_assert_eq!(list.position(key(wanted)), rows.binary_search(&key(wanted)));
        }
    }
}
