//! What observers said of members.

use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::clock::Reading;
use leasehold_core::id::NodeId;
use leasehold_core::time::Span;

use super::Sighting;
use crate::registry::Places;

/// The last word of each observer on each member.
#[derive(Debug)]
pub(super) struct Sightings {
    places: Arc<Places>,
    /// By member, then by observer: since when it was missed, as the observer said last.
    missed: Vec<Option<Reading>>,
}

impl Sightings {
    pub(super) fn new(places: Arc<Places>, members: usize) -> Self {
        let missed = alloc::vec![None; members * places.observers.len()];
        Self { places, missed }
    }

    /// How many observers there are.
    pub(super) fn observers(&self) -> usize {
        self.places.observers.len()
    }

    /// Takes an observer's word; that of somebody who is no observer does not count.
    pub(super) fn note(&mut self, member: usize, observer: NodeId, at: Reading, sighting: Sighting) {
        let Some(place) = self.places.observers.iter().position(|known| *known == observer) else { return };
        let place = member * self.observers() + place;
        self.missed[place] = match sighting {
            Sighting::Seen => None,
            Sighting::Missed => Some(at),
        };
    }

    /// How many observers missed a member after `since`, and said so not longer than `fresh` before `at`.
    pub(super) fn missed_by(&self, member: usize, since: Option<Reading>, at: Reading, fresh: Span) -> u32 {
        let observers = self.observers();
        let counts = |said: &Reading| {
            since.is_none_or(|since| !since.has_reached(*said)) && at.saturating_since(*said) <= fresh
        };
        let words = &self.missed[member * observers..(member + 1) * observers];
        let missing = words.iter().flatten().filter(|said| counts(said)).count();
        u32::try_from(missing).expect("observers are nodes, and fit into a u32")
    }
}
