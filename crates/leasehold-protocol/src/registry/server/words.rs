//! Which word of an observer is its last.

use alloc::sync::Arc;
use alloc::vec::Vec;

use leasehold_core::id::{NodeId, ResourceId};

use crate::registry::Places;

/// In which round each observer spoke last of each member: what was held up must not be taken for what it says now.
#[derive(Debug)]
pub(super) struct Words {
    places: Arc<Places>,
    /// By member, then by observer.
    rounds: Vec<Option<u64>>,
}

impl Words {
    pub(super) fn new(places: Arc<Places>) -> Self {
        let rounds = alloc::vec![None; places.members.len() * places.observers.len()];
        Self { places, rounds }
    }

    /// Whether this observer said nothing of the member in this round or a later one, which it has now. Somebody who is
    /// no observer has nothing to say.
    pub(super) fn is_newer(&mut self, member: ResourceId, observer: NodeId, round: u64) -> bool {
        let observers = &self.places.observers;
        let Some(place) = observers.iter().position(|known| *known == observer) else { return false };
        let Some(last) = self.rounds.get_mut(member.0 as usize * observers.len() + place) else {
            return false;
        };
        let is_newer = last.is_none_or(|last| last < round);
        if is_newer {
            *last = Some(round);
        }
        is_newer
    }
}
