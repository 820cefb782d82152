//! One run, shown: its log while it happens.

use leasehold_check::Finding;
use leasehold_core::{Event, NodeId, SimInstant};
use leasehold_scenario::{Engine, Note, Observer, Report, Trial};

use crate::log::{Detail, Log};
use crate::names::Names;
use crate::page::Page;
use crate::panics;

/// Which part of a log is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// How much of each event.
    pub(crate) detail: Detail,
    /// Up to which instant, included; to the end if nothing is said.
    pub(crate) until: Option<SimInstant>,
}

impl View {
    /// Runs a trial and prints its log, and an empty line behind it. Another listens beside the log.
    pub(crate) fn of_run(
        self,
        page: &mut Page,
        names: &Names,
        trial: &Trial,
        engine: Engine,
        beside: &mut dyn Observer,
    ) -> (Report, Option<String>) {
        let mut window = Window { log: Log::new(page, names, self.detail), until: self.until };
        let result = panics::watch(|| trial.run(engine, &mut (&mut window, beside)));
        window.log.finish();
        page.line(format_args!(""));
        result
    }
}

/// A log that ends before its run does.
pub(crate) struct Window<'l> {
    pub(crate) log: Log<'l>,
    pub(crate) until: Option<SimInstant>,
}

impl Window<'_> {
    fn shows(&self, at: SimInstant) -> bool {
        self.until.is_none_or(|until| at <= until)
    }
}

impl Observer for Window<'_> {
    fn event(&mut self, event: &Event) {
        if self.shows(event.at) {
            self.log.event(event);
        }
    }

    fn note(&mut self, at: SimInstant, node: NodeId, note: &Note) {
        if self.shows(at) {
            self.log.note(at, node, note);
        }
    }

    fn finding(&mut self, finding: &Finding) {
        if self.shows(finding.at()) {
            self.log.finding(finding);
        }
    }
}
