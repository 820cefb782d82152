//! What there is to show of a run.

use leasehold_check::Verdict;
use leasehold_core::{Event, NodeId, SimInstant, Span};

use super::bands::{Band, FaultBand};
use super::beliefs::Bar;
use super::choice::LeftOut;
use super::clocks::OwnClock;
use super::marks::{MarkKind, Step};
use super::messages::Message;
use super::views::Listing;
use crate::names::Names;

/// All that is shown of a run.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What the numbers in events are called.
    pub names: Names,
    /// What the run came to.
    pub verdict: Verdict,
    /// When it ended.
    pub ended_at: SimInstant,
    /// What was found, in the order of time.
    pub alarms: Vec<Alarm>,
    /// The events that are shown, in the order of time.
    pub happenings: Vec<Happening>,
    /// The messages that are shown, in the order in which they ended.
    pub messages: Vec<Message>,
    /// What is not shown.
    pub left_out: LeftOut,
    /// What nodes claimed, and what grantors thought.
    pub bars: Vec<Bar>,
    /// When nodes could not do what they otherwise do.
    pub bands: Vec<Band>,
    /// How long faults lasted, and on whom.
    pub faults: Vec<FaultBand>,
    /// How the marks of resources rose.
    pub steps: Vec<Step>,
    /// What views listed.
    pub views: Vec<Listing>,
    /// How the clock of each node ran, by id.
    pub clocks: Vec<OwnClock>,
}

/// An event that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The event.
    pub event: Event,
    /// The mark that stands for it, if one does.
    pub mark: Option<MarkKind>,
    /// Whether it changes who holds, who claims, who runs, or what is true.
    pub is_turn: bool,
}

/// Something that the judge found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// When.
    pub at: SimInstant,
    /// What sort of thing.
    pub kind: AlarmKind,
    /// The nodes that had a part in it, the most concerned first.
    pub nodes: Vec<NodeId>,
    /// What it is, in words.
    pub text: String,
}

/// What sort of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmKind {
    /// An invariant was violated.
    Violation,
    /// Something dangerous happened that broke nothing.
    Hazard,
}

impl Picture {
    /// What the picture is about: the first violation; where there is none, the first hazard.
    pub fn first_alarm(&self) -> Option<&Alarm> {
        let violation = self.alarms.iter().find(|alarm| alarm.kind == AlarmKind::Violation);
        violation.or_else(|| self.alarms.first())
    }

    /// Whose clock stands under the true time at first: whoever is most concerned by what was found, else the first that
    /// can claim, else the first of all.
    pub(super) fn ruler_node(&self) -> NodeId {
        let concerned = self.first_alarm().and_then(|alarm| alarm.nodes.first()).copied();
        let mut nodes = (0..).map(NodeId).zip(&self.names.header().nodes);
        let first = nodes.find(|(_, node)| node.role.can_claim()).map(|(id, _)| id);
        concerned.or(first).unwrap_or_default()
    }

    /// The part of the run around what it is about; nothing if nothing was found, or that is most of the run.
    ///
    /// Two of the longest terms before it and half a one behind it, chosen by us: whoever lost a lease had got it before
    /// that, or had renewed it.
    pub(super) fn scene(&self) -> Option<(SimInstant, SimInstant)> {
        let about = self.first_alarm()?.at;
        let ttl = self.names.header().bounds.longest_ttl.as_nanos();
        let from = about.as_nanos().saturating_sub(ttl.saturating_mul(2));
        let until = about.as_nanos().saturating_add(ttl / 2).min(self.ended_at.as_nanos());
        let is_part = until - from < self.ended_at.as_nanos() / 5 * 4;
        (ttl > 0 && is_part).then(|| (SimInstant::from_nanos(from), SimInstant::from_nanos(until)))
    }

    /// The last moments before what it is about, close enough to tell messages apart; nothing if nothing was found.
    pub(super) fn close_up(&self) -> Option<(SimInstant, SimInstant)> {
        /// So many messages stand in it before the finding. Chosen by us: more cannot be told apart.
        const MESSAGES: usize = 24;
        let about = self.first_alarm()?.at;
        let before = self.messages.iter().rev().filter(|message| message.ended.is_some_and(|at| at <= about));
        let first = before.take(MESSAGES).map(|message| message.sent).min()?;
        let length = about
            .saturating_since(first)
            .as_nanos()
            .clamp(1_000_000, self.ended_at.as_nanos() / 8 + 1_000_000);
        let from = about.as_nanos().saturating_sub(length);
        let until = about.saturating_add(Span::from_nanos(length / 3)).min(self.ended_at);
        Some((SimInstant::from_nanos(from), until))
    }
}
