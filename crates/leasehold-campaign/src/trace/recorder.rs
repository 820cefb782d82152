//! Writing a trace: a header, then one line of JSON for each event and for what becomes of each message, and a footer.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use leasehold_check::Finding;
use leasehold_core::trace::{Footer, Header, PassageLine};
use leasehold_core::{Event, Passage};
use leasehold_scenario::{Observer, Report};
use serde::Serialize;

use crate::placed::PlacedFile;

/// A trace that is being written.
///
/// It is a [`PlacedFile`]: an interrupted run leaves the old one. It listens to a run as an [`Observer`].
pub struct Recorder {
    out: BufWriter<PlacedFile>,
    failed: Option<io::Error>,
}

impl Recorder {
    /// Begins a trace.
    ///
    /// # Errors
    ///
    /// If no file can be made beside `path`.
    pub fn begin(path: &Path, header: &Header) -> io::Result<Self> {
        let out = PlacedFile::begin(path)?;
        let mut recorder = Self { out: BufWriter::new(out), failed: None };
        recorder.line(header);
        Ok(recorder)
    }

    /// Ends the trace with what the run came to, whatever that was, and gives it its name.
    ///
    /// # Errors
    ///
    /// If anything of it could not be written.
    pub fn finish(mut self, report: &Report) -> io::Result<()> {
        self.line(&Footer {
            ended_at: report.outcome.ended_at,
            end: report.outcome.end.clone(),
            events: report.events,
            digest: report.digest.to_string(),
            inexpressible: report.inexpressible.clone(),
        });
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.out.into_inner().map_err(io::IntoInnerError::into_error)?.place()
    }

    fn line(&mut self, value: &impl Serialize) {
        if self.failed.is_none() {
            let written = serde_json::to_writer(&mut self.out, value).map_err(io::Error::from);
            self.failed = written.and_then(|()| self.out.write_all(b"\n")).err();
        }
    }
}

impl Observer for Recorder {
    fn event(&mut self, event: &Event) {
        self.line(event);
    }

    fn message(&mut self, passage: &Passage) {
        self.line(&PassageLine { passage: *passage });
    }

    fn finding(&mut self, _: &Finding) {}
}
