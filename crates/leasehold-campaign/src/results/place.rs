//! Where a results folder comes to stand: written beside its place under another name, then renamed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{MANIFEST, Replace, ResultsError, TIMING, read_manifest};

/// Why a folder that is there with these files, by their paths in it, is none that may be replaced.
pub(crate) type WhyNot = fn(&Path, &[String]) -> Result<(), String>;

/// A folder on its way to its place.
pub(crate) struct Place {
    target: PathBuf,
    replace: Replace,
    why_not: WhyNot,
    folder: TempDir,
}

impl Place {
    /// An empty folder beside the target, which it replaces or not.
    pub(crate) fn new(target: &Path, replace: Replace, why_not: WhyNot) -> Result<Self, ResultsError> {
        check(target, replace, why_not)?;
        let (parent, name) = split(target)?;
        fs_err::create_dir_all(parent).map_err(ResultsError::not_written(parent))?;
        let folder =
            beside(parent, &format!(".{name}.partial-")).map_err(ResultsError::not_written(target))?;
        Ok(Self { target: target.to_owned(), replace, why_not, folder })
    }

    /// The folder as it is now.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where it is to stand.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Puts the folder into its place, and says where it stands. If that fails it stays where it is, and the error says
    /// where that is.
    pub(crate) fn settle(self) -> (PathBuf, Result<(), ResultsError>) {
        let Self { target, replace, why_not, folder } = self;
        let folder = folder.keep();
        let Err(error) = settle(&folder, &target, replace, why_not) else { return (target, Ok(())) };
        let (kind, problem) = match error {
            ResultsError::NotWritten { error, .. } => (error.kind(), error.to_string()),
            ResultsError::Exists(_) => {
                (io::ErrorKind::AlreadyExists, "it has come to be there meanwhile".to_owned())
            }
            ResultsError::NotOurs { problem, .. } => (io::ErrorKind::AlreadyExists, problem),
            other => (io::ErrorKind::Other, other.to_string()),
        };
        let told = format!("{problem}; the results are in {}", folder.display());
        let error = ResultsError::NotWritten { path: target, error: io::Error::new(kind, told) };
        (folder, Err(error))
    }
}

fn settle(folder: &Path, target: &Path, replace: Replace, why_not: WhyNot) -> Result<(), ResultsError> {
    check(target, replace, why_not)?;
    if !target.is_dir() {
        return fs_err::rename(folder, target).map_err(ResultsError::not_written(target));
    }
    let (parent, name) = split(target)?;
    let old = beside(parent, &format!(".{name}.replaced-")).map_err(ResultsError::not_written(target))?;
    let aside = old.path().join(name);
    fs_err::rename(target, &aside).map_err(ResultsError::not_written(target))?;
    if let Err(error) = fs_err::rename(folder, target) {
        // The old results are put back before anybody misses them.
        if fs_err::rename(&aside, target).is_err() {
            let _ = old.keep();
        }
        return Err(ResultsError::not_written(target)(error));
    }
    Ok(())
}

/// Whether something that is there may be replaced. Nobody's files are deleted: only a folder whose every file is one
/// of ours goes.
fn check(target: &Path, replace: Replace, why_not: WhyNot) -> Result<(), ResultsError> {
    match target.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ResultsError::not_written(target)(error)),
        Ok(_) if replace == Replace::Never => return Err(ResultsError::Exists(target.to_owned())),
        Ok(_) => {}
    }
    let not_ours =
        |problem: &str| ResultsError::NotOurs { dir: target.to_owned(), problem: problem.to_owned() };
    if !target.symlink_metadata().is_ok_and(|data| data.is_dir()) {
        return Err(not_ours("it is no folder"));
    }
    let mut there = Vec::new();
    files_below(target, Path::new(""), &mut there).map_err(ResultsError::not_read(target))?;
    if there.is_empty() {
        return Ok(());
    }
    why_not(target, &there).map_err(|problem| not_ours(&problem))
}

/// Why a folder is not one of results.
pub(super) fn why_no_results(dir: &Path, there: &[String]) -> Result<(), String> {
    let manifest = match read_manifest(dir) {
        Ok(manifest) => manifest,
        Err(ResultsError::NoResults(_)) => {
            return Err("it holds files, and no manifest.json of results".to_owned());
        }
        Err(error) => return Err(error.to_string()),
    };
    let listed: BTreeSet<&str> =
        manifest.files.keys().map(String::as_str).chain([MANIFEST, TIMING]).collect();
    match there.iter().find(|name| !listed.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(format!("`{name}` in it is none of the results")),
    }
}

/// All files below a folder, by their paths in it with `/`, in order.
pub(crate) fn files_below(root: &Path, below: &Path, found: &mut Vec<String>) -> io::Result<()> {
    let entries = fs_err::read_dir(root.join(below))?.collect::<io::Result<Vec<_>>>()?;
    for entry in entries {
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            files_below(root, &path, found)?;
        } else {
            let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            found.push(parts.join("/"));
        }
    }
    found.sort();
    Ok(())
}

fn split(target: &Path) -> Result<(&Path, &str), ResultsError> {
    let unusable = || {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it cannot be the name of a new folder");
        ResultsError::NotWritten { path: target.to_owned(), error }
    };
    let name = target.file_name().and_then(|name| name.to_str()).ok_or_else(unusable)?;
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((parent.unwrap_or(Path::new(".")), name))
}

/// An empty folder with the rights of any new one: others may be about to read it.
fn beside(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    let rights = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o777);
    #[cfg(unix)]
    builder.permissions(rights);
    builder.tempdir_in(parent)
}
