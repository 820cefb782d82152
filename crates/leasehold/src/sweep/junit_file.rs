//! The file of `--junit`: begun before the first run, put into its place after the last.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::Exit;
use crate::refusal::{misuse, not_written};

/// How many bytes tell whether a file is XML.
const HEAD: u64 = 64;

/// A file that is to be written.
#[derive(Debug)]
pub(super) struct JunitFile {
    /// As it was named.
    name: PathBuf,
    out: Out,
}

#[derive(Debug)]
enum Out {
    /// Written beside its place, which a reader finds whole or not at all.
    Beside { file: NamedTempFile, target: PathBuf },
    /// No file that could be replaced, such as a pipe.
    Itself(File),
}

/// Whether what is there may be replaced, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overwrite {
    /// Only an older report: a file that begins like one.
    Reports,
    /// Anything but a folder.
    Anything,
}

impl JunitFile {
    /// Begins it, or says why that cannot be.
    pub(super) fn begin(name: &Path, overwrite: Overwrite) -> Result<Self, Exit> {
        let there = match std::fs::metadata(name) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(not_written(Some(name), &error)),
        };
        if let Some(there) = &there {
            let refused = refused(name, there, overwrite).map_err(|error| not_written(Some(name), &error))?;
            if let Some((problem, help)) = refused {
                return Err(misuse(&format!("{} {problem}", name.display()), help));
            }
        }
        let out = match there {
            Some(there) if !there.is_file() => File::options().write(true).open(name).map(Out::Itself),
            // What a link leads to is replaced, not the link.
            Some(_) => name.canonicalize().and_then(Out::beside),
            None => Out::beside(name.to_owned()),
        };
        let out = out.map_err(|error| not_written(Some(name), &error))?;
        Ok(Self { name: name.to_owned(), out })
    }

    /// Writes it, and puts it into its place.
    pub(super) fn finish(self, text: &str) -> Result<(), Exit> {
        let written = match self.out {
            Out::Itself(mut file) => file.write_all(text.as_bytes()),
            Out::Beside { mut file, target } => file
                .write_all(text.as_bytes())
                .and_then(|()| file.persist(target).map(drop).map_err(|error| error.error)),
        };
        written.map_err(|error| not_written(Some(&self.name), &error))
    }
}

impl Out {
    fn beside(target: PathBuf) -> io::Result<Self> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.prefix(".junit-").tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self::Beside { file, target })
    }
}

/// Why what is there is not replaced, and what to do about it.
fn refused(
    name: &Path,
    there: &Metadata,
    overwrite: Overwrite,
) -> io::Result<Option<(&'static str, &'static str)>> {
    let help = "name another file, or replace it with --force";
    Ok(match overwrite {
        _ if there.is_dir() => Some(("is a folder", "name a file")),
        Overwrite::Anything => None,
        Overwrite::Reports if !there.is_file() => Some(("is there, and is no file", help)),
        Overwrite::Reports => {
            let mut head = Vec::new();
            File::open(name)?.take(HEAD).read_to_end(&mut head)?;
            (!is_like_a_report(&head)).then_some(("is there, and is no JUnit XML", help))
        }
    })
}

/// Whether a file that begins like this may be a report. Nothing is lost with an empty one.
fn is_like_a_report(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    head.is_empty() || head.starts_with(b"<?xml") || head.starts_with(b"<testsuite")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_known_by_how_it_begins() {
        for head in ["<?xml version=\"1.0\"?>", "\u{feff}<?xml ", "\n <testsuites/>", "<testsuite>", ""] {
            assert!(is_like_a_report(head.as_bytes()), "{head}");
        }
        for head in ["schema = 1", "<!DOCTYPE html>", "xml", "{}", "\0"] {
            assert!(!is_like_a_report(head.as_bytes()), "{head}");
        }
    }
}
