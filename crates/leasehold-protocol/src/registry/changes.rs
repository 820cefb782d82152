//! The history of a list: what changed from one revision to the next.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use leasehold_core::id::Revision;

use super::message::Change;

/// The changes of the last revisions, in order and without gaps. Who reads them keeps a revision, never a copy.
#[derive(Debug)]
pub(super) struct ChangeLog {
    /// How many revisions are kept at least.
    history: u64,
    /// The oldest revision that one can go on from.
    oldest: Revision,
    newest: Revision,
    batches: VecDeque<Batch>,
    /// What several batches make together, for whoever else stands at the same place.
    joined: Option<(Revision, Arc<[Change]>)>,
}

/// What changed at once.
#[derive(Clone, Debug)]
struct Batch {
    /// The revision that it leads to. It follows on that of the batch before.
    upto: Revision,
    changes: Arc<[Change]>,
}

/// What changed since a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// This.
    Changes(Arc<[Change]>),
    /// Nothing.
    Nothing,
    /// That is forgotten, or was never told apart.
    Compacted,
}

impl ChangeLog {
    /// A log that begins at a revision, with nothing before it.
    pub(super) fn beginning_at(revision: Revision, history: u32) -> Self {
        Self {
            history: u64::from(history),
            oldest: revision,
            newest: revision,
            batches: VecDeque::new(),
            joined: None,
        }
    }

    pub(super) fn newest(&self) -> Revision {
        self.newest
    }

    /// The oldest revision that one can go on from.
    pub(super) fn oldest(&self) -> Revision {
        self.oldest
    }

    /// Adds what led to a new revision. Tells if older ones are forgotten by that: from the oldest on that one can
    /// still go on from. They are forgotten many at a time, once a quarter more is there than has to be.
    ///
    /// # Panics
    ///
    /// If the revision is not new.
    pub(super) fn append(&mut self, upto: Revision, changes: Arc<[Change]>) -> Option<Revision> {
        assert!(upto > self.newest, "revision {upto} was published after {}", self.newest);
        self.joined = None;
        self.newest = upto;
        self.batches.push_back(Batch { upto, changes });
        if self.length() <= self.history + self.history / 4 {
            return None;
        }
        let before = self.oldest;
        while let Some(batch) = self.batches.front()
            && self.newest.0 - batch.upto.0 >= self.history
        {
            self.oldest = batch.upto;
            self.batches.pop_front();
        }
        (self.oldest > before).then_some(self.oldest)
    }

    fn length(&self) -> u64 {
        self.newest.0 - self.oldest.0
    }

    /// The first revision from this one on that one can go on from. What led from one to the next cannot be told in
    /// part: it may leave out what came and went in between.
    pub(super) fn step_at(&self, revision: Revision) -> Revision {
        if revision <= self.oldest || revision >= self.newest {
            return revision.max(self.oldest);
        }
        let next = self.batches.partition_point(|batch| batch.upto < revision);
        self.batches[next].upto
    }

    /// What changed since a revision. All who ask from there share it.
    pub(super) fn since(&mut self, revision: Revision) -> Since {
        if revision >= self.newest {
            return Since::Nothing;
        }
        if self.step_at(revision) != revision {
            return Since::Compacted;
        }
        let first = self.batches.partition_point(|batch| batch.upto <= revision);
        if first + 1 == self.batches.len() {
            return Since::Changes(self.batches[first].changes.clone());
        }
        if let Some((from, changes)) = &self.joined
            && *from == revision
        {
            return Since::Changes(changes.clone());
        }
        let changes: Arc<[Change]> =
            self.batches.range(first..).flat_map(|batch| batch.changes.iter().copied()).collect();
        self.joined = Some((revision, changes.clone()));
        Since::Changes(changes)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use leasehold_core::id::ResourceId;

    use super::*;

    /// A change that tells which revision it led to.
    fn change(revision: u32) -> Change {
        Change::Renewed { member: ResourceId(revision) }
    }

    fn log(history: u32, upto: u32) -> (ChangeLog, Vec<(u32, u64)>) {
        let mut log = ChangeLog::beginning_at(Revision(0), history);
        let mut compactions = Vec::new();
        for revision in 1..=upto {
            let forgotten = log.append(Revision(u64::from(revision)), Arc::new([change(revision)]));
            compactions.extend(forgotten.map(|oldest| (revision, oldest.0)));
        }
        (log, compactions)
    }

    fn since(log: &mut ChangeLog, revision: u64) -> Since {
        log.since(Revision(revision))
    }

    #[test]
    fn it_tells_all_that_came_after_a_revision_in_order() {
        let (mut log, _) = log(10, 5);
        assert_eq!(since(&mut log, 2), Since::Changes(Arc::new([change(3), change(4), change(5)])));
        assert_eq!(since(&mut log, 4), Since::Changes(Arc::new([change(5)])));
        assert_eq!(since(&mut log, 5), Since::Nothing);
    }

    #[test]
    fn it_forgets_many_at_a_time_and_keeps_what_it_has_to() {
        let (mut log, compactions) = log(8, 22);
        assert_eq!(compactions, [(11, 3), (14, 6), (17, 9), (20, 12)]);
        assert_eq!(since(&mut log, 11), Since::Compacted);
        assert!(matches!(since(&mut log, 12), Since::Changes(changes) if changes.len() == 10));
    }

    #[test]
    fn all_who_stand_at_one_place_share_one_allocation() {
        let (mut log, _) = log(10, 5);
        for revision in [4, 1] {
            let (Since::Changes(one), Since::Changes(other)) =
                (since(&mut log, revision), since(&mut log, revision))
            else {
                panic!("there are changes")
            };
            assert!(Arc::ptr_eq(&one, &other), "from {revision}");
        }
    }

    #[test]
    fn what_was_joined_does_not_outlive_the_next_revision() {
        let (mut log, _) = log(10, 5);
        since(&mut log, 1);
        log.append(Revision(6), Arc::new([change(6)]));
        assert!(matches!(since(&mut log, 1), Since::Changes(changes) if changes.len() == 5));
    }

    #[test]
    fn a_batch_that_spans_revisions_is_told_to_who_stands_before_it_only() {
        let mut log = ChangeLog::beginning_at(Revision(3), 10);
        log.append(Revision(7), Arc::new([change(4), change(6)]));
        log.append(Revision(8), Arc::new([change(8)]));
        assert!(matches!(since(&mut log, 3), Since::Changes(changes) if changes.len() == 3));
        assert!(matches!(since(&mut log, 7), Since::Changes(changes) if changes.len() == 1));
        assert_eq!([2, 4, 6].map(|revision| since(&mut log, revision)), [const { Since::Compacted }; 3]);
        let steps = [0, 3, 4, 7, 8, 9].map(|revision| log.step_at(Revision(revision)).0);
        assert_eq!(steps, [3, 3, 7, 7, 8, 9]);
    }
}
