//! What stands beside a running sweep: the progress, what was found so far, and what is kept of it.

use std::ops::ControlFlow;

use leasehold_campaign::{Finding, Overseer, RunRecord, Tally};

use super::findings::Failure;
use super::keeper::{Hurry, Keeper};
use super::progress::Progress;

/// Shows the progress, and keeps what was found.
pub(crate) struct Watch<'a> {
    progress: Progress<'a>,
    keeper: Keeper<'a>,
    hurry: &'a dyn Fn() -> Hurry,
    found: Vec<Failure>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(progress: Progress<'a>, keeper: Keeper<'a>, hurry: &'a dyn Fn() -> Hurry) -> Self {
        Self { progress, keeper, hurry, found: Vec::new() }
    }

    /// What was found, in the order of positions, and what keeps it.
    pub(super) fn finish(self) -> (Vec<Failure>, Keeper<'a>) {
        self.progress.finish();
        (self.found, self.keeper)
    }
}

impl Overseer for Watch<'_> {
    fn record(&mut self, record: &RunRecord, tally: &Tally) -> ControlFlow<()> {
        self.progress.tick(tally);
        match self.keeper.record(record) {
            Ok(()) => ControlFlow::Continue(()),
            Err(()) => ControlFlow::Break(()),
        }
    }

    fn investigated(&mut self, finding: Finding) -> ControlFlow<()> {
        let folder = self.keeper.failure(&finding, (self.hurry)());
        self.found.push(Failure { folder, ..Failure::of(&finding) });
        ControlFlow::Continue(())
    }
}
