//! What lasts for a while, as it comes to its end: for whoever writes while it listens.

use leasehold_core::{Event, SimInstant};

use super::bands::{Band, Bands};
use super::beliefs::{Bar, Beliefs};
use super::marks::{MarkKind, Marks, Step};
use super::weight::{self, Weight};

/// Follows claims, leases, stops and marks.
#[derive(Debug, Default)]
pub(crate) struct Following {
    beliefs: Beliefs,
    bands: Bands,
    marks: Marks,
}

impl Following {
    /// Hears an event, and says whether it is a turning point.
    pub(crate) fn hear(&mut self, event: &Event) -> bool {
        self.beliefs.hear(event, &[]);
        self.bands.hear(event, &[]);
        let mark = self.marks.hear(event, &self.beliefs);
        weight::of(event) == Weight::Turn || mark.is_some_and(MarkKind::is_odd)
    }

    /// The run is over, and all that lasts with it.
    pub(crate) fn end(&mut self, at: SimInstant) {
        self.beliefs.end(at);
        self.bands.end_all(at);
    }

    /// What came to its end since this was asked last.
    pub(crate) fn drain(&mut self) -> (Vec<Bar>, Vec<Band>, Vec<Step>) {
        (self.beliefs.drain(), self.bands.drain(), self.marks.steps())
    }
}
