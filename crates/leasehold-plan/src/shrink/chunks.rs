//! Which part of a list to leave out next: halves, quarters, and so on down to single items.

use std::ops::Range;

/// A walk over the parts of a list from which some are taken away meanwhile. It ends when a whole walk over the single
/// items has taken nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    len: usize,
    /// How many at once; 0 when the walk is over.
    size: usize,
    start: usize,
    /// Whether this walk over single items took some.
    took: bool,
}

impl Chunks {
    /// All at once first, then halves.
    pub(super) fn of(len: usize) -> Self {
        Self { len, size: len, start: 0, took: false }
    }

    /// What to leave out next.
    pub(super) fn current(&self) -> Option<Range<usize>> {
        (self.size > 0 && self.start < self.len).then(|| self.start..(self.start + self.size).min(self.len))
    }

    /// The current part was left out, and so many items are left.
    pub(super) fn took(&mut self, len: usize) {
        self.len = len;
        self.took = true;
        self.size = self.size.min(len);
        self.turn();
    }

    /// The current part has to stay.
    pub(super) fn left(&mut self) {
        self.start += self.size;
        self.turn();
    }

    /// At the end of the list, begins again with smaller parts.
    fn turn(&mut self) {
        if self.start < self.len {
            return;
        }
        self.start = 0;
        self.size = match self.size {
            0 => 0,
            1 if self.took => 1,
            size => size / 2,
        };
        self.took = false;
        if self.len == 0 {
            self.size = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is left of a list if nothing can be left out that breaks `needed`, and how many tries that took.
    fn reduced(len: usize, needed: &[usize]) -> (Vec<usize>, usize) {
        let mut list: Vec<usize> = (0..len).collect();
        let mut chunks = Chunks::of(len);
        let mut tries = 0;
        while let Some(chunk) = chunks.current() {
            tries += 1;
            if list[chunk.clone()].iter().any(|item| needed.contains(item)) {
                chunks.left();
            } else {
                list.drain(chunk);
                chunks.took(list.len());
            }
        }
        (list, tries)
    }

    proptest! {
        #[test]
        fn what_is_needed_is_left_and_nothing_else(len in 0_usize..200, needed in proptest::collection::btree_set(0_usize..200, 0..6)) {
            let needed: Vec<usize> = needed.into_iter().filter(|item| *item < len).collect();
            prop_assert_eq!(reduced(len, &needed).0, needed);
        }
    }

    #[test]
    fn few_tries_are_enough() {
        assert!(reduced(64, &[]).1 == 1);
        assert!(reduced(64, &[20]).1 <= 16, "{}", reduced(64, &[20]).1);
        assert!(reduced(64, &[20, 50]).1 <= 32, "{}", reduced(64, &[20, 50]).1);
    }
}
