//! What a failing run has to tell: the events that bear on its failure, and no others.
//!
//! Of the leases that the evidence names, and of the nodes that had to do with them: grants, claims and their ends, what
//! decisive faults did to whom, and which messages they took. Renewals and writes, which go on all the time, are counted.

mod chronicle;
mod fleet;
mod focus;
mod telling;
mod tenure;

pub use fleet::{Belief, Late, Listing};
pub use focus::{Ending, Wrong};
pub use telling::Sentence;
pub use tenure::{Routine, TenureId};

use std::collections::BTreeSet;

use leasehold_core::event::LossCause;
use leasehold_core::{Event, FaultId, LeaseId, Leg, NodeId, Purpose, SimInstant};
use leasehold_scenario::{Engine, Report, Trial};

use crate::fingerprint::Fingerprint;
use chronicle::Chronicle;

/// What bears on a failure, in the order of time, and how it went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// What happened.
    pub moments: Vec<Moment>,
    /// What everybody then believed of the instances that it is about.
    pub beliefs: Vec<Belief>,
    /// How it went wrong.
    pub ending: Ending,
}

/// One thing to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Something happened.
    Event(Event),
    /// A lease was renewed some times, as far as its grantor and its holder know by now.
    Renewals(TenureId, Option<LeaseId>, Routine),
    /// Writes were accepted under a lease, the last one now.
    Writes(TenureId, Routine),
    /// Heartbeats arrived for somebody who was gone, the first of them now.
    Late(Late),
    /// Messages did not arrive, the first of them now.
    Lost(Loss, LostMessages),
}

/// Which messages did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Who had sent them.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// What about.
    pub purpose: Purpose,
    /// Which leg of the exchange.
    pub leg: Leg,
    /// Why.
    pub cause: LossCause,
}

/// How many messages did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostMessages {
    /// The first.
    pub first: SimInstant,
    /// The last.
    pub last: SimInstant,
    /// All of them.
    pub count: u64,
}

impl Moment {
    /// When it was.
    pub fn at(&self) -> SimInstant {
        match self {
            Self::Event(event) => event.at,
            Self::Renewals(_, _, Routine { renewed, heard, .. }) => {
                let heard = heard.1.map(|(at, ..)| at).unwrap_or_default();
                let renewed = renewed.1.map(|(at, _)| at).unwrap_or_default();
                heard.max(renewed)
            }
            Self::Writes(_, routine) => routine.wrote.1.map(|(at, ..)| at).unwrap_or_default(),
            Self::Late(late) => late.first,
            Self::Lost(_, lost) => lost.first,
        }
    }
}

impl Story {
    /// Who has a part in it.
    pub fn nodes(&self) -> BTreeSet<NodeId> {
        let mut nodes: BTreeSet<NodeId> = self.ending.nodes.iter().copied().collect();
        for moment in &self.moments {
            match moment {
                Moment::Event(event) => nodes.extend(event.node),
                Moment::Lost(loss, _) => nodes.extend([loss.from, loss.to]),
                Moment::Renewals(..) | Moment::Writes(..) | Moment::Late(_) => {}
            }
        }
        nodes
    }

    /// What a failing run has to tell: it is run once more for it. `faults` are those to tell of. Nothing if the run,
    /// which came to `report`, does not fail in this way.
    pub fn of(
        trial: &Trial,
        report: &Report,
        fingerprint: &Fingerprint,
        faults: &[FaultId],
        engine: Engine,
    ) -> Option<Self> {
        let ending = Ending::of(fingerprint, trial, report)?;
        let mut chronicle = Chronicle::new(&ending, faults);
        trial.run(engine, &mut chronicle);
        let (moments, beliefs) = chronicle.finish();
        Some(Self { moments, beliefs, ending })
    }
}
