//! Judging a recorded run again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use leasehold_check::{Judge, UnknownInvariant, Verdict};
use leasehold_core::event::WorldEvent;
use leasehold_core::{Event, EventKind, EventSink as _, FaultOutcome, Outcome};
use leasehold_scenario::{Digester, Engine, Observer, Report};
use thiserror::Error;

use super::reader::{Recorded, TraceError, TraceReader};

/// A recorded run, judged by the checkers of this version.
#[derive(Clone, Debug)]
pub struct Rejudged {
    /// What the run came to. Its steps are not recorded, and a trace holds no expectation to be met.
    pub report: Report,
    /// The digest that the footer has, in hexadecimal. Another than the report's if the events were edited.
    pub recorded_digest: String,
}

/// Why a recorded run cannot be judged.
#[derive(Debug, Error)]
pub enum RejudgeError {
    /// The trace is damaged.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// It names an invariant of another version.
    #[error(transparent)]
    Invariant(#[from] UnknownInvariant),
    /// It is of an engine of another version.
    #[error("no engine is called `{0}`; the trace is of another version")]
    Engine(String),
    /// A checker panicked: no run has such events, or the checker is wrong.
    #[error("{}:{line}: the checkers fail at this line ({message}): it was edited, or they have a bug", file.display())]
    Checkers {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What the panic said.
        message: String,
    },
}

/// Judges a recorded run, to the end of its trace. The observer hears it as if it happened now.
///
/// # Errors
///
/// If the trace is damaged, or tells of what this version does not know.
pub fn rejudge(trace: &mut TraceReader, observer: &mut dyn Observer) -> Result<Rejudged, RejudgeError> {
    // Events that no run can have, such as a lease of centuries, bring sums of times beyond their end.
    let judged = catch_unwind(AssertUnwindSafe(|| judged(trace, observer)));
    judged.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let message = text.unwrap_or_else(|| "a panic without a message".to_owned());
        Err(RejudgeError::Checkers { file: trace.path().to_owned(), line: trace.line(), message })
    })
}

fn judged(trace: &mut TraceReader, observer: &mut dyn Observer) -> Result<Rejudged, RejudgeError> {
    let header = trace.header();
    let engine =
        Engine::from_name(&header.engine).ok_or_else(|| RejudgeError::Engine(header.engine.clone()))?;
    let (seed, reach) = (header.seed, header.reach.clone());
    let mut judge = Judge::new(header)?;
    let mut digester = Digester::default();
    let mut faults = vec![FaultOutcome::default(); header.faults.len()];
    while let Some(recorded) = trace.next_recorded()? {
        let event = match recorded {
            Recorded::Event(event) => event,
            Recorded::Passage(passage) => {
                observer.message(&passage);
                continue;
            }
        };
        let _ = digester.on_event(&event);
        let _ = judge.on_event(&event);
        note_fault(&mut faults, &event);
        observer.event(&event);
        tell(&mut judge, observer);
    }
    let footer = trace.footer().expect("a trace without a footer is an error").clone();
    let judgement = judge.finish(footer.ended_at);
    tell(&mut judge, observer);
    let verdict = Verdict::of(&judgement, &footer.end, &reach);
    let verdict = match footer.inexpressible.is_empty() {
        true => verdict,
        false => verdict.max(Verdict::Inconclusive),
    };
    let report = Report {
        seed,
        engine,
        verdict,
        unmet: footer.inexpressible.iter().map(ToString::to_string).collect(),
        inexpressible: footer.inexpressible,
        events: digester.events(),
        digest: digester.finish(),
        outcome: Outcome { ended_at: footer.ended_at, steps: 0, end: footer.end, faults },
        judgement,
    };
    Ok(Rejudged { report, recorded_digest: footer.digest })
}

fn tell(judge: &mut Judge, observer: &mut dyn Observer) {
    judge.drain_findings().for_each(|finding| observer.finding(&finding));
    judge.drain_samples().for_each(|sample| observer.sample(&sample));
}

/// What became of each fault stands in the events too.
fn note_fault(faults: &mut [FaultOutcome], event: &Event) {
    let EventKind::World(seen) = event.kind else { return };
    match seen {
        WorldEvent::FaultFired { fault } => {
            if let Some(outcome) = faults.get_mut(usize::from(fault.0)) {
                outcome.fired.get_or_insert(event.at);
                outcome.targets.extend(event.node);
            }
        }
        WorldEvent::FaultLanded { fault } => {
            if let Some(outcome) = faults.get_mut(usize::from(fault.0)) {
                outcome.landed.get_or_insert(event.at);
            }
        }
        _ => {}
    }
}
