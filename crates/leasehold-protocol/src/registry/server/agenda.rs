//! When something is to be looked at.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use leasehold_core::clock::Reading;

/// A row of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowId(pub(super) u32);

impl RowId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// When which row is to be looked at: each at most once.
///
/// A heartbeat does not touch it: whoever looks too early notes a later time. So a row costs a look every so often,
/// and a heartbeat nothing. All readings are of one clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    entries: BTreeSet<(i64, RowId)>,
    /// When each row is in there, if it is.
    at: Vec<Option<i64>>,
}

impl Agenda {
    /// Looks at a row then, unless it is to be looked at before.
    pub(super) fn note(&mut self, row: RowId, at: Reading) {
        let at = at.as_nanos();
        if row.index() >= self.at.len() {
            self.at.resize(row.index() + 1, None);
        }
        let known = &mut self.at[row.index()];
        if let Some(before) = *known {
            if before <= at {
                return;
            }
            self.entries.remove(&(before, row));
        }
        *known = Some(at);
        self.entries.insert((at, row));
    }

    /// Takes a row out.
    pub(super) fn forget(&mut self, row: RowId) {
        if let Some(at) = self.at.get_mut(row.index()).and_then(Option::take) {
            self.entries.remove(&(at, row));
        }
    }

    /// Whether a row is to be looked at.
    pub(super) fn has(&self, row: RowId) -> bool {
        self.at.get(row.index()).is_some_and(Option::is_some)
    }

    /// Takes out a row whose time has come, the first of them.
    pub(super) fn take(&mut self, now: Reading) -> Option<RowId> {
        let &(at, row) = self.entries.first()?;
        if at > now.as_nanos() {
            return None;
        }
        self.forget(row);
        Some(row)
    }

    /// When the next look is due, in nanoseconds of the clock.
    pub(super) fn first(&self) -> Option<i64> {
        self.entries.first().map(|&(at, _)| at)
    }

    /// Whether there is nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All rows, the first to be looked at at the front.
    pub(super) fn rows(&self) -> impl Iterator<Item = RowId> {
        self.entries.iter().map(|&(_, row)| row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::clock::ClockKind;

    fn at(nanos: i64) -> Reading {
        Reading::new(ClockKind::Boot, nanos)
    }

    #[test]
    fn a_row_is_looked_at_once_and_at_the_earliest_time_that_was_noted() {
        let mut agenda = Agenda::default();
        for (row, time) in [(1, 50), (0, 40), (1, 30), (1, 60)] {
            agenda.note(RowId(row), at(time));
        }
        assert_eq!(agenda.first(), Some(30));
        assert_eq!(agenda.take(at(29)), None);
        assert_eq!(agenda.take(at(100)), Some(RowId(1)));
        assert_eq!(agenda.take(at(100)), Some(RowId(0)));
        assert_eq!(agenda.take(at(100)), None);
    }

    #[test]
    fn what_is_forgotten_can_be_noted_later() {
        let mut agenda = Agenda::default();
        agenda.note(RowId(3), at(10));
        agenda.forget(RowId(3));
        agenda.forget(RowId(9));
        assert!(agenda.is_empty());
        agenda.note(RowId(3), at(20));
        assert_eq!(agenda.first(), Some(20));
    }
}
