//! Messages, from where they were sent to where they ended.

use std::collections::BTreeMap;

use leasehold_core::event::LossCause;
use leasehold_core::passage::Came;
use leasehold_core::{Leg, NodeId, Passage, Purpose, SimInstant, Span};

/// Of so many messages it is remembered when they were sent. Chosen by us: more than any link keeps; a copy that comes
/// after that many others is not shown.
const MOST_REMEMBERED: usize = 65_536;

/// A message, or a copy of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number in the run. Copies share it.
    pub number: u64,
    /// Who sent it.
    pub from: NodeId,
    /// Whom to.
    pub to: NodeId,
    /// What it is about.
    pub purpose: Purpose,
    /// Which part of the exchange it is.
    pub leg: Leg,
    /// When it was sent.
    pub sent: SimInstant,
    /// When it arrived or was lost; nothing if it was still under way when the run ended.
    pub ended: Option<SimInstant>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrived.
    Arrived,
    /// It arrived, later than the scenario's bound on healthy links allows.
    Late,
    /// It was lost.
    Lost(LossCause),
    /// The run ended before it did.
    UnderWay,
}

impl Fate {
    /// Its name, as filters take it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Late => "late",
            Self::Lost(_) => "lost",
            Self::UnderWay => "under-way",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    passage: Passage,
    /// Whether it, or a copy, came to its end.
    ended: bool,
}

/// Joins what becomes of messages with when they were sent.
#[derive(Debug)]
pub(super) struct Messages {
    /// A healthy link takes no longer.
    delay: Span,
    sent: BTreeMap<u64, Sent>,
}

impl Messages {
    pub(super) fn new(delay: Span) -> Self {
        Self { delay, sent: BTreeMap::new() }
    }

    /// Hears what becomes of a message; a message that came to its end is whole.
    pub(super) fn hear(&mut self, passage: &Passage) -> Option<Message> {
        let fate = match passage.came {
            Came::Sent => {
                self.sent.insert(passage.number, Sent { passage: *passage, ended: false });
                self.forget();
                return None;
            }
            Came::Arrived => None,
            Came::Lost { cause } => Some(Fate::Lost(cause)),
        };
        let sent = self.sent.get_mut(&passage.number)?;
        sent.ended = true;
        let took = passage.at.saturating_since(sent.passage.at);
        let on_time = if took > self.delay { Fate::Late } else { Fate::Arrived };
        Some(message(&sent.passage, Some(passage.at), fate.unwrap_or(on_time)))
    }

    /// The messages that did not come to an end.
    pub(super) fn under_way(&mut self) -> Vec<Message> {
        let open = std::mem::take(&mut self.sent).into_values().filter(|sent| !sent.ended);
        open.map(|sent| message(&sent.passage, None, Fate::UnderWay)).collect()
    }

    /// Forgets the oldest that came to an end, so that memory does not grow with the run.
    fn forget(&mut self) {
        if self.sent.len() > MOST_REMEMBERED {
            let oldest: Vec<u64> = self.sent.keys().take(MOST_REMEMBERED / 2).copied().collect();
            let half = oldest.last().copied().unwrap_or_default();
            self.sent.retain(|number, sent| *number > half || !sent.ended);
        }
    }
}

fn message(sent: &Passage, ended: Option<SimInstant>, fate: Fate) -> Message {
    let Passage { at, number, from, to, purpose, leg, .. } = *sent;
    Message { number, from, to, purpose, leg, sent: at, ended, fate }
}
