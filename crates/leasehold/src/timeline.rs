//! The picture of a run, as a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use leasehold_campaign::{Fingerprint, PlacedFile, caption};
use leasehold_core::trace::Header;
use leasehold_report::timeline::{Timeline, page};
use leasehold_scenario::{Report, Trial};

use crate::again::program;
use crate::exit::Exit;
use crate::panics;
use crate::refusal::{misuse, not_written};

/// A picture that is being made. Its file is begun before the run, so that nobody runs for nothing.
pub(crate) struct TimelineFile {
    path: PathBuf,
    file: PlacedFile,
    pub(crate) timeline: Timeline,
}

impl TimelineFile {
    /// Begins it, or says why that cannot be. `others` are files that it must not overwrite.
    pub(crate) fn begin(path: &Path, header: &Header, others: &[Option<&Path>]) -> Result<Self, Exit> {
        if let Some(other) = others.iter().flatten().find(|other| is_same_file(path, other)) {
            let problem = format!("the timeline would overwrite {}", other.display());
            return Err(misuse(&problem, "write it to another file"));
        }
        let file = PlacedFile::begin(path).map_err(|error| not_written(Some(path), &error))?;
        Ok(Self { path: path.to_owned(), file, timeline: Timeline::new(header) })
    }

    /// Ends it with what the run came to. A run that fails is run once more, for its story.
    pub(crate) fn finish(mut self, trial: &Trial, report: &Report, command: String) -> Result<(), Exit> {
        let fingerprint = Fingerprint::main_of(trial.scenario(), report);
        let command = where_a_page_goes(command);
        let (caption, _) = panics::watch(|| caption(trial, report, fingerprint.as_ref(), command));
        let html = page(&self.timeline.finish(report), &caption);
        let written = self.file.write_all(html.as_bytes()).and_then(|()| self.file.place());
        written.map_err(|error| not_written(Some(&self.path), &error))
    }
}

/// The line to paste as a page tells it: it names the program, and not where it lay, for a page travels.
fn where_a_page_goes(command: String) -> String {
    let called = program();
    let name =
        Path::new(&called).file_name().map_or_else(|| called.clone().into(), |name| name.to_string_lossy());
    match command.strip_prefix(&called) {
        Some(rest) => format!("{name}{rest}"),
        None => command,
    }
}

/// Whether two paths name one file, or will when it is there.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    if one == other {
        return true;
    }
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
