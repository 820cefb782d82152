//! What of a run is shown, where there is too much to show all of it.

use leasehold_core::{Event, SimInstant};

use super::anchors::Anchors;
use super::marks::MarkKind;
use super::messages::{Fate, Message};
use super::picture::{Alarm, Happening};
use super::weight::{self, Weight};

/// So many events and messages are shown at most. Source: the page is to open in under a second.
pub const MOST_SHOWN: usize = 10_000;

/// While a run goes on, so many are kept at most: it is not known yet what it will be about.
const MOST_KEPT: usize = 4 * MOST_SHOWN;

/// What of a run is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many events there were.
    pub events: u64,
    /// How many of them are not shown.
    pub events_left_out: u64,
    /// How many of those were turning points.
    pub turns_left_out: u64,
    /// How many messages there were, each copy counted.
    pub messages: u64,
    /// How many of them are not shown.
    pub messages_left_out: u64,
    /// How many claims and leases are not drawn.
    pub bars: u64,
    /// How many pauses and the like are not drawn.
    pub bands: u64,
    /// How many faults are not drawn.
    pub faults: u64,
    /// How many rises of a resource's mark are not drawn.
    pub steps: u64,
    /// How many changes of what views list are not drawn.
    pub listings: u64,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Event(Event, Option<MarkKind>),
    Message(Message),
}

#[derive(Clone, Copy, Debug)]
struct Item {
    weight: Weight,
    what: What,
}

impl Item {
    fn lasts(&self) -> (SimInstant, SimInstant) {
        match self.what {
            What::Event(event, _) => (event.at, event.at),
            What::Message(message) => (message.sent, message.ended.unwrap_or(message.sent)),
        }
    }
}

/// Keeps what may be shown.
#[derive(Debug, Default)]
pub(super) struct Choice {
    items: Vec<Item>,
    events: u64,
    turns: u64,
    messages: u64,
}

impl Choice {
    pub(super) fn take_event(&mut self, event: &Event, mark: Option<MarkKind>, alarms: &[Alarm]) {
        let weight = match mark {
            Some(mark) if mark.is_odd() => Weight::Turn,
            _ => weight::of(event),
        };
        self.events += 1;
        self.turns += u64::from(weight == Weight::Turn);
        self.take(Item { weight, what: What::Event(*event, mark) }, alarms);
    }

    pub(super) fn take_message(&mut self, message: Message, alarms: &[Alarm]) {
        let weight = match message.fate {
            Fate::Arrived | Fate::UnderWay => Weight::Routine,
            Fate::Late | Fate::Lost(_) => Weight::Work,
        };
        self.messages += 1;
        self.take(Item { weight, what: What::Message(message) }, alarms);
    }

    /// The turning points among what is kept.
    pub(super) fn turns(&self) -> impl Iterator<Item = SimInstant> {
        self.items.iter().filter(|item| item.weight == Weight::Turn).map(|item| item.lasts().0)
    }

    /// What is shown, each in the order of time, and what is not.
    pub(super) fn finish(mut self, anchors: &Anchors) -> (Vec<Happening>, Vec<Message>, LeftOut) {
        self.thin(MOST_SHOWN, 0, anchors);
        let (mut happenings, mut messages) = (Vec::new(), Vec::new());
        let mut turns = 0;
        for Item { weight, what } in self.items {
            match what {
                What::Event(event, mark) => {
                    turns += u64::from(weight == Weight::Turn);
                    happenings.push(Happening { event, mark, is_turn: weight == Weight::Turn });
                }
                What::Message(message) => messages.push(message),
            }
        }
        let left_out = LeftOut {
            events: self.events,
            events_left_out: self.events - happenings.len() as u64,
            turns_left_out: self.turns - turns,
            messages: self.messages,
            messages_left_out: self.messages - messages.len() as u64,
            ..LeftOut::default()
        };
        (happenings, messages, left_out)
    }

    fn take(&mut self, item: Item, alarms: &[Alarm]) {
        if self.items.len() == MOST_KEPT {
            let anchors = Anchors::of(alarms, self.turns(), item.lasts().1);
            // As long as nothing was found, it may be found next: then what was just before it is what is asked for.
            let latest = if alarms.is_empty() { MOST_SHOWN } else { 0 };
            self.thin(MOST_KEPT / 2, latest, &anchors);
        }
        self.items.push(item);
    }

    /// Keeps so many: the latest of them, if that is asked for, turning points, and then what is nearest.
    fn thin(&mut self, most: usize, latest: usize, anchors: &Anchors) {
        if self.items.len() <= most {
            return;
        }
        let older = self.items.len() - latest;
        let mut order: Vec<(Weight, u64, usize)> = self.items[..older]
            .iter()
            .enumerate()
            .map(|(place, item)| {
                let (from, until) = item.lasts();
                // Work is worth as much as routine, at a tenth of the distance: what was done matters, where it was
                // done near what the picture is about.
                let distance = anchors.distance(from, until);
                match item.weight {
                    Weight::Turn => (Weight::Turn, distance, place),
                    Weight::Work => (Weight::Work, distance / 10, place),
                    Weight::Routine => (Weight::Work, distance, place),
                }
            })
            .collect();
        order.sort_unstable();
        let mut keeps = vec![false; self.items.len()];
        keeps[older..].fill(true);
        order[..most - latest].iter().for_each(|(.., place)| keeps[*place] = true);
        let mut places = keeps.into_iter();
        self.items.retain(|_| places.next().unwrap_or_default());
    }
}

#[cfg(test)]
impl Choice {
    /// How much is held at this point.
    pub(super) fn held(&self) -> usize {
        self.items.len()
    }
}
