//! Runs for other people's tools: [Perfetto](https://ui.perfetto.dev), [ShiViz](https://bestchai.bitbucket.io/shiviz/),
//! and whatever reads lines of JSON.
//!
//! An exporter listens to a run, or to a trace that is judged again, and writes while it listens: its memory is what is
//! under way, not what has been.

mod jsonl;
mod perfetto;
mod shiviz;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use leasehold_core::trace::Header;
use leasehold_scenario::{Observer, Report};

use self::jsonl::Jsonl;
use self::perfetto::Perfetto;
use self::shiviz::Shiviz;
use crate::names::Names;

/// A format in which a run can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Chrome's trace events, as JSON.
    Perfetto,
    /// A log with vector clocks.
    Shiviz,
    /// Lines of JSON, with names instead of numbers.
    Jsonl,
}

/// Writes a run in some format. It listens to it as an [`Observer`].
pub trait Exporter: Observer {
    /// Writes what is left, now that the run is over.
    ///
    /// # Errors
    ///
    /// If anything of it could not be written.
    fn finish(self: Box<Self>, report: &Report) -> io::Result<()>;
}

/// Begins to write the run that this header stands above.
pub fn exporter<'w>(format: Format, header: &Header, out: impl Write + Send + 'w) -> Box<dyn Exporter + 'w> {
    let names = Names::new(header.clone());
    let out = Out { out, failed: None };
    match format {
        Format::Perfetto => Box::new(Perfetto::begin(names, out)),
        Format::Shiviz => Box::new(Shiviz::begin(names, out)),
        Format::Jsonl => Box::new(Jsonl::begin(names, out)),
    }
}

/// Where it is written. What goes wrong is kept for the end: a run cannot be stopped by who looks at it.
struct Out<W> {
    out: W,
    failed: Option<io::Error>,
}

impl<W: Write> Out<W> {
    fn text(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(text.as_bytes()).err();
        }
    }

    fn finish(mut self) -> io::Result<()> {
        match self.failed {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }
}
