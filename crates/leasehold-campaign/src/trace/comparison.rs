//! Comparing runs event by event.

use std::collections::VecDeque;

use leasehold_check::Finding;
use leasehold_core::Event;
use leasehold_core::trace::Footer;
use leasehold_scenario::Observer;

use super::reader::{TraceError, TraceReader};

/// Compares a run with a recorded one while it happens. It listens as an [`Observer`].
#[derive(Debug)]
pub struct Comparison {
    recorded: TraceReader,
    compared: u64,
    outcome: Result<Option<Difference>, TraceError>,
}

/// The first event that is not the same in a run and in its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its place among the events, from 1.
    pub number: u64,
    /// The line of the record at which it stands.
    pub line: u64,
    /// What was recorded there; nothing if the record had ended.
    pub recorded: Option<Event>,
    /// What happened there; nothing if the run had ended.
    pub happened: Option<Event>,
}

impl Comparison {
    /// Compares with this record.
    pub fn with(recorded: TraceReader) -> Self {
        Self { recorded, compared: 0, outcome: Ok(None) }
    }

    /// The first difference, now that the run is over; nothing if there is none.
    ///
    /// # Errors
    ///
    /// If the record could not be read to the end, or to the first difference.
    pub fn finish(mut self) -> Result<Option<Difference>, TraceError> {
        self.compare(None);
        self.outcome
    }

    fn compare(&mut self, happened: Option<Event>) {
        if !matches!(self.outcome, Ok(None)) {
            return;
        }
        self.compared += 1;
        let number = self.compared;
        self.outcome = self.recorded.next_event().map(|recorded| {
            let line = self.recorded.line();
            (recorded != happened).then_some(Difference { number, line, recorded, happened })
        });
    }
}

impl Observer for Comparison {
    fn event(&mut self, event: &Event) {
        self.compare(Some(*event));
    }

    fn finding(&mut self, _: &Finding) {}
}

/// Where two recorded runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// The place of the first event that is not the same, from 1.
    pub number: u64,
    /// The lines at which the two traces have it.
    pub lines: [u64; 2],
    /// The last events that are.
    pub before: Vec<Event>,
    /// What comes then on either side.
    pub sides: [Continuation; 2],
}

/// What comes on one side where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// The next events, as many as were asked for at most.
    pub events: Vec<Event>,
    /// How the run ended, if it did so among them.
    pub footer: Option<Footer>,
}

/// Reads two traces up to where they part, with `context` events before it and behind the first that differ. Nothing
/// if their events and their ends are the same.
///
/// # Errors
///
/// What is wrong with one of them, as far as it was read.
pub fn parting(
    left: &mut TraceReader,
    right: &mut TraceReader,
    context: usize,
) -> Result<Option<Parting>, TraceError> {
    let mut before: VecDeque<Event> = VecDeque::with_capacity(context + 1);
    let mut number = 0;
    loop {
        number += 1;
        let next = [left.next_event()?, right.next_event()?];
        match next {
            [None, None] if left.footer() == right.footer() => return Ok(None),
            [Some(one), Some(other)] if one == other => {
                before.push_back(one);
                if before.len() > context {
                    before.pop_front();
                }
            }
            [one, other] => {
                let lines = [left.line(), right.line()];
                let sides = [continuation(left, one, context)?, continuation(right, other, context)?];
                return Ok(Some(Parting { number, lines, before: before.into(), sides }));
            }
        }
    }
}

fn continuation(
    trace: &mut TraceReader,
    first: Option<Event>,
    context: usize,
) -> Result<Continuation, TraceError> {
    let mut events: Vec<Event> = first.into_iter().collect();
    while trace.footer().is_none() && events.len() <= context {
        events.extend(trace.next_event()?);
    }
    Ok(Continuation { events, footer: trace.footer().cloned() })
}
