//! The timeline of one run: who believed what, when, and what travelled between them.
//!
//! A [`Timeline`] listens to a run (or to a trace that is judged again) and keeps what a picture of it needs: what each
//! node claimed and what the grantor thought, the mark of each resource, faults and stops, messages with what became of
//! them, what views listed, and how each node's own clock ran. A [`Picture`] is what is left at the end; [`page`] draws
//! it as one HTML file.
//!
//! Its memory does not grow with the run: of events and messages at most [`MOST_SHOWN`] are shown, turning points first,
//! then what is nearest to what was found. What was left out is counted.

mod anchors;
mod bands;
mod beliefs;
mod chart;
mod choice;
mod clocks;
mod embedded;
mod following;
mod ink;
mod lanes;
mod lead;
mod marks;
mod messages;
mod page;
mod picture;
mod views;
mod weight;

#[cfg(test)]
mod tests;

pub use bands::{Band, BandKind, FaultBand};
pub use beliefs::{Bar, BarKind};
pub use choice::{LeftOut, MOST_SHOWN};
pub use clocks::OwnClock;
pub(crate) use following::Following;
pub use marks::{Mark, MarkKind, Step};
pub use messages::{Fate, Message};
pub use page::{Caption, page};
pub use picture::{Alarm, AlarmKind, Happening, Picture};
pub use views::{Listed, Listing};

use leasehold_check::Finding;
use leasehold_core::trace::Header;
use leasehold_core::{Event, Passage, SimInstant};
use leasehold_scenario::{Observer, Report};

use self::anchors::Anchors;
use self::bands::Bands;
use self::beliefs::Beliefs;
use self::choice::Choice;
use self::clocks::Clocks;
use self::marks::Marks;
use self::messages::Messages;
use self::views::Views;
use crate::names::Names;
use crate::words;

/// So many findings are marked. Chosen by us: the judge keeps eight of each kind with their evidence.
const MOST_ALARMS: usize = 64;

/// Keeps what a picture of a run needs. It listens to the run as an [`Observer`].
#[derive(Debug)]
pub struct Timeline {
    names: Names,
    latest: SimInstant,
    choice: Choice,
    beliefs: Beliefs,
    bands: Bands,
    marks: Marks,
    messages: Messages,
    views: Views,
    clocks: Clocks,
    alarms: Vec<Alarm>,
}

impl Timeline {
    /// A timeline of the run that this header stands above.
    pub fn new(header: &Header) -> Self {
        Self {
            names: Names::new(header.clone()),
            latest: SimInstant::START,
            choice: Choice::default(),
            beliefs: Beliefs::default(),
            bands: Bands::default(),
            marks: Marks::default(),
            messages: Messages::new(header.bounds.delay),
            views: Views::default(),
            clocks: Clocks::new(header.nodes.len()),
            alarms: Vec::new(),
        }
    }

    /// What there is to show, now that the run is over.
    pub fn finish(mut self, report: &Report) -> Picture {
        let ended_at = report.outcome.ended_at;
        for message in self.messages.under_way() {
            self.choice.take_message(message, &self.alarms);
        }
        let anchors = Anchors::of(&self.alarms, self.choice.turns(), ended_at);
        let (happenings, messages, left_out) = self.choice.finish(&anchors);
        let faults = self.bands.faults(ended_at, &report.outcome.end);
        let faults_left_out = self.bands.faults_left_out();
        let (bars, bars_left_out) = self.beliefs.finish(ended_at, &anchors);
        let (bands, bands_left_out) = self.bands.finish(ended_at, &anchors);
        let (views, listings) = self.views.finish(ended_at);
        let steps_left_out = self.marks.left_out();
        let left_out = LeftOut {
            bars: bars_left_out,
            bands: bands_left_out,
            faults: faults_left_out,
            steps: steps_left_out,
            listings,
            ..left_out
        };
        Picture {
            bars,
            bands,
            faults,
            steps: self.marks.steps(),
            views,
            clocks: self.clocks.finish(),
            alarms: self.alarms,
            names: self.names,
            verdict: report.verdict,
            ended_at,
            happenings,
            messages,
            left_out,
        }
    }

    fn alarm(&mut self, finding: &Finding) {
        let (kind, nodes) = match finding {
            Finding::Violation(violation) => (AlarmKind::Violation, &violation.nodes),
            Finding::Hazard(sighting) => (AlarmKind::Hazard, &sighting.nodes),
        };
        if self.alarms.len() < MOST_ALARMS {
            let text = words::found(finding);
            self.alarms.push(Alarm { at: finding.at(), kind, nodes: nodes.clone(), text });
        }
    }
}

impl Observer for Timeline {
    fn event(&mut self, event: &Event) {
        self.latest = event.at;
        self.clocks.hear(event);
        self.beliefs.hear(event, &self.alarms);
        self.bands.hear(event, &self.alarms);
        self.views.hear(event);
        let mark = self.marks.hear(event, &self.beliefs);
        self.choice.take_event(event, mark, &self.alarms);
    }

    fn message(&mut self, passage: &Passage) {
        if let Some(message) = self.messages.hear(passage) {
            self.choice.take_message(message, &self.alarms);
        }
    }

    fn finding(&mut self, finding: &Finding) {
        self.alarm(finding);
    }
}
