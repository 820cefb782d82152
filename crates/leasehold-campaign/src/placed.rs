//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs_err::OpenOptions;
use tempfile::NamedTempFile;

/// A file that is being written.
///
/// A regular file stands under a temporary name until it is complete, so that whoever is interrupted leaves the old one.
/// Anything else that bears the name (a pipe, a device) is written to as it is.
#[derive(Debug)]
pub struct PlacedFile(Out);

#[derive(Debug)]
enum Out {
    Beside { file: NamedTempFile, path: PathBuf },
    Into(File),
}

impl PlacedFile {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// If `path` is a folder, or no file can be made beside it.
    pub fn begin(path: &Path) -> io::Result<Self> {
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
        Ok(Self(out))
    }

    /// Gives the file its name, now that it is whole.
    ///
    /// # Errors
    ///
    /// If it cannot be put into its place.
    pub fn place(self) -> io::Result<()> {
        match self.0 {
            Out::Beside { file, path } => file.persist(path).map(drop).map_err(|error| error.error),
            Out::Into(mut file) => file.flush(),
        }
    }
}

impl Write for PlacedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Out::Beside { file, .. } => file.write(bytes),
            Out::Into(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Out::Beside { file, .. } => file.flush(),
            Out::Into(file) => file.flush(),
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
