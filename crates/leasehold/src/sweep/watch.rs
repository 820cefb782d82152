//! What stands beside a running sweep: the progress, and what was found so far.

use std::ops::ControlFlow;

use leasehold_campaign::{Finding, Overseer, RunRecord, Tally};

use super::progress::Progress;

/// Shows the progress, and keeps what was found.
pub(crate) struct Watch<'a> {
    progress: Progress<'a>,
    found: Vec<Finding>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(progress: Progress<'a>) -> Self {
        Self { progress, found: Vec::new() }
    }

    /// What was found, in the order of positions.
    pub(crate) fn finish(self) -> Vec<Finding> {
        self.progress.finish();
        self.found
    }
}

impl Overseer for Watch<'_> {
    fn record(&mut self, _: &RunRecord, tally: &Tally) -> ControlFlow<()> {
        self.progress.tick(tally);
        ControlFlow::Continue(())
    }

    fn investigated(&mut self, finding: Finding) -> ControlFlow<()> {
        self.found.push(finding);
        ControlFlow::Continue(())
    }
}
