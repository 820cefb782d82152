//! Copies of a list, made once and given to all who ask the same.

use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::event::Asked;
use leasehold_core::id::Revision;
use leasehold_core::time::Span;

use super::super::list::List;
use super::super::message::Entry;

/// Of so many different questions answers are kept. Chosen by us.
const QUESTIONS: usize = 32;

/// The latest answer to each question.
#[derive(Debug, Default)]
pub(super) struct Copies {
    copies: Vec<Copy>,
    /// All there is, for watchers: no response cache is in between there.
    whole: Option<Copy>,
}

/// What a list said.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    asked: Asked,
    made: Reading,
    /// When the list was the latest for sure.
    pub(super) as_of: Reading,
    pub(super) revision: Revision,
    pub(super) entries: Arc<[Entry]>,
}

impl Copies {
    /// What the list says now.
    pub(super) fn latest(
        &mut self,
        asked: Asked,
        list: &List<Entry>,
        revision: Revision,
        as_of: Reading,
    ) -> &Copy {
        if asked == Asked::All {
            return self.whole(list, revision, as_of);
        }
        self.kept(asked, list, revision, as_of, as_of, |copy| copy.revision == revision)
    }

    /// What the list said less than `every` ago.
    pub(super) fn made_every(
        &mut self,
        every: Span,
        now: Reading,
        asked: Asked,
        list: &List<Entry>,
        revision: Revision,
        as_of: Reading,
    ) -> &Copy {
        self.kept(asked, list, revision, as_of, now, |copy| now.saturating_since(copy.made) < every)
    }

    /// All that the list says now.
    pub(super) fn whole(&mut self, list: &List<Entry>, revision: Revision, as_of: Reading) -> &Copy {
        let fits = self.whole.take().filter(|copy| copy.revision == revision);
        self.whole.insert(fits.unwrap_or_else(|| copy(Asked::All, list, revision, as_of, as_of)))
    }

    fn kept(
        &mut self,
        asked: Asked,
        list: &List<Entry>,
        revision: Revision,
        as_of: Reading,
        made: Reading,
        is_good: impl FnOnce(&Copy) -> bool,
    ) -> &Copy {
        let at = match self.copies.iter().position(|copy| copy.asked == asked) {
            Some(at) if is_good(&self.copies[at]) => at,
            Some(at) => {
                self.copies[at] = copy(asked, list, revision, as_of, made);
                at
            }
            None => {
                if self.copies.len() == QUESTIONS {
                    self.copies.remove(0);
                }
                self.copies.push(copy(asked, list, revision, as_of, made));
                self.copies.len() - 1
            }
        };
        &self.copies[at]
    }
}

fn copy(asked: Asked, list: &List<Entry>, revision: Revision, as_of: Reading, made: Reading) -> Copy {
    let fits = |entry: &&Entry| asked.fits(entry.offer.service, entry.offer.capabilities);
    let entries = list.rows().iter().filter(fits).copied().collect();
    Copy { asked, made, as_of, revision, entries }
}
