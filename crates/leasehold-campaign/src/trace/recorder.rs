//! Writing a trace: a header, then one line of JSON for each event and for what becomes of each message, and a footer.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use fs_err::OpenOptions;
use leasehold_check::Finding;
use leasehold_core::trace::{Footer, Header, PassageLine};
use leasehold_core::{Event, Passage};
use leasehold_scenario::{Observer, Report};
use serde::Serialize;
use tempfile::NamedTempFile;

/// A trace that is being written.
///
/// A regular file stands under a temporary name until it is complete, so that an interrupted run leaves the old one.
/// Anything else that bears the name (a pipe, a device) is written to as it is. It listens to a run as an
/// [`Observer`].
pub struct Recorder {
    out: BufWriter<Out>,
    failed: Option<io::Error>,
}

enum Out {
    Beside { file: NamedTempFile, path: PathBuf },
    Into(File),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside { file, .. } => file.write(bytes),
            Self::Into(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Beside { file, .. } => file.flush(),
            Self::Into(file) => file.flush(),
        }
    }
}

impl Recorder {
    /// Begins a trace.
    ///
    /// # Errors
    ///
    /// If no file can be made beside `path`.
    pub fn begin(path: &Path, header: &Header) -> io::Result<Self> {
        // A link is followed, so that what it points to is written and the link stays.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let stands_there = fs_err::metadata(&path).ok();
        let out = match stands_there {
            Some(other) if other.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Some(other) if !other.is_file() => {
                Out::Into(OpenOptions::new().write(true).open(&path)?.into_file())
            }
            _ => {
                let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new("."));
                if !folder.is_dir() {
                    let problem = format!("there is no folder {}", folder.display());
                    return Err(io::Error::new(io::ErrorKind::NotFound, problem));
                }
                Out::Beside { file: readable_by_others(folder)?, path }
            }
        };
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
        match self.out.into_inner().map_err(io::IntoInnerError::into_error)? {
            Out::Beside { file, path } => {
                file.persist(path).map_err(|error| error.error)?;
            }
            Out::Into(mut file) => file.flush()?,
        }
        Ok(())
    }

    fn line(&mut self, value: &impl Serialize) {
        if self.failed.is_none() {
            let written = serde_json::to_writer(&mut self.out, value).map_err(io::Error::from);
            self.failed = written.and_then(|()| self.out.write_all(b"\n")).err();
        }
    }
}

/// A temporary file with the permissions that the process gives its files, not the narrow ones of a secret.
fn readable_by_others(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
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
