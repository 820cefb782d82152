//! What a picture is about: the instants that everything else is near to or far from.

use leasehold_core::SimInstant;

use super::picture::{Alarm, AlarmKind};

/// Instants in the order of time.
#[derive(Clone, Debug)]
pub(super) struct Anchors(Vec<SimInstant>);

impl Anchors {
    /// The violations; where there is none, the hazards; where there is none either, the turning points and the present,
    /// since the next event may be what the run is about.
    pub(super) fn of(alarms: &[Alarm], turns: impl Iterator<Item = SimInstant>, now: SimInstant) -> Self {
        let of = |kind| alarms.iter().filter(move |alarm| alarm.kind == kind).map(|alarm| alarm.at);
        let mut at: Vec<SimInstant> = of(AlarmKind::Violation).collect();
        if at.is_empty() {
            at = of(AlarmKind::Hazard).collect();
        }
        if at.is_empty() {
            at = turns.chain([now]).collect();
        }
        at.sort_unstable();
        Self(at)
    }

    /// How far something that lasts is from the nearest of them, in nanoseconds.
    pub(super) fn distance(&self, from: SimInstant, until: SimInstant) -> u64 {
        let next = self.0.partition_point(|anchor| *anchor < from);
        let behind = self.0.get(next).map(|anchor| anchor.saturating_since(until).as_nanos());
        let before = next.checked_sub(1).map(|place| from.saturating_since(self.0[place]).as_nanos());
        behind.into_iter().chain(before).min().unwrap_or(u64::MAX)
    }

    /// Keeps so many of these things, the nearest, in their order.
    pub(super) fn keep_nearest<T>(
        &self,
        things: &mut Vec<T>,
        most: usize,
        lasts: impl Fn(&T) -> (SimInstant, SimInstant),
    ) -> u64 {
        let Some(excess) = things.len().checked_sub(most).filter(|excess| *excess > 0) else { return 0 };
        let mut far: Vec<(u64, usize)> = things
            .iter()
            .enumerate()
            .map(|(place, thing)| {
                let (from, until) = lasts(thing);
                (self.distance(from, until), place)
            })
            .collect();
        far.sort_unstable();
        let mut keeps = vec![false; things.len()];
        far[..most].iter().for_each(|(_, place)| keeps[*place] = true);
        let mut places = keeps.into_iter();
        things.retain(|_| places.next().unwrap_or_default());
        excess as u64
    }
}
