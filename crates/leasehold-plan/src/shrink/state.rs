//! A case with what is known about it.

use std::ops::Range;

use leasehold_core::outcome::FaultOutcome;
use leasehold_core::time::SimInstant;

use super::{Count, Facts};
use crate::case::{Case, Setting};

/// A case, what its run came to, and what of its scenario's tables can still be undone.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) case: Case,
    pub(super) facts: Facts,
    pub(super) counts: Vec<Count>,
    /// The keys that a seed decided and that are still as it decided them.
    pub(super) drawn: Vec<String>,
}

/// Something to try.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// What is turned: when an offer is taken, those before its knob are not made again.
    pub(super) knob: usize,
    pub(super) state: State,
}

/// Not what is expected of a random run: without that a small one fails by itself, whatever is mended.
pub(super) fn can_be_undone(key: &str) -> bool {
    !key.starts_with("expect.")
}

impl State {
    pub(super) fn new(case: Case, facts: Facts) -> Self {
        let drawn =
            case.settings.iter().filter(|setting| setting.value.is_some() && can_be_undone(&setting.key));
        let drawn = drawn.map(|setting| setting.key.clone()).collect();
        Self { case, facts, counts: Vec::new(), drawn }
    }

    /// What became of a fault, if that is known.
    pub(super) fn outcome(&self, fault: usize) -> Option<&FaultOutcome> {
        self.facts.faults.get(fault)
    }

    /// It as an offer, with a change.
    pub(super) fn changed(&self, knob: usize, change: impl FnOnce(&mut Self)) -> Offer {
        let mut state = self.clone();
        change(&mut state);
        Offer { knob, state }
    }

    pub(super) fn without_faults(&self, gone: Range<usize>) -> Offer {
        self.changed(0, |state| state.keep_faults(|fault| !gone.contains(&fault)))
    }

    fn keep_faults(&mut self, keep: impl Fn(usize) -> bool) {
        let mut place = 0..;
        self.case.plan.faults.retain(|_| place.next().is_some_and(&keep));
        let mut place = 0..;
        self.facts.faults.retain(|_| place.next().is_some_and(&keep));
    }

    /// All that did nothing; those that touched nothing; those that came too late.
    pub(super) fn without_idle_faults(&self) -> Vec<Offer> {
        let failed_at = self.facts.failed_at.unwrap_or(SimInstant::from_nanos(u64::MAX));
        let touched = |fault: usize| self.outcome(fault).is_none_or(|outcome| outcome.landed.is_some());
        let in_time = |fault: usize| {
            let landed = self.outcome(fault).and_then(|outcome| outcome.landed);
            landed.is_none_or(|landed| landed <= failed_at)
        };
        vec![
            self.changed(0, |state| state.keep_faults(|fault| touched(fault) && in_time(fault))),
            self.changed(1, |state| state.keep_faults(touched)),
            self.changed(2, |state| state.keep_faults(in_time)),
        ]
    }

    /// Without some of the values that were drawn for the scenario's tables.
    pub(super) fn without_drawn(&self, gone: Range<usize>) -> Offer {
        self.changed(0, |state| {
            let keys: Vec<String> = state.drawn.drain(gone).collect();
            for key in keys {
                let settings = &mut state.case.settings;
                let before = settings.len();
                settings.retain(|setting| setting.key != key);
                if settings.len() == before {
                    // It stands in the scenario by now.
                    settings.push(Setting { key, value: None });
                }
            }
        })
    }
}
