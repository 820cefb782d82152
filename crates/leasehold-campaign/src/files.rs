//! Where scenario files are found.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// A folder of this name holds grids of parameters, not scenarios.
const STUDIES: &str = "studies";

/// A file, or a folder that could not be looked into.
pub type Found = Result<PathBuf, (PathBuf, io::Error)>;

/// The file itself, or the scenario files below a folder, in the order of their paths. Links to folders are not
/// followed, and studies are none.
pub fn scenario_files(path: &Path) -> Vec<Found> {
    if !path.is_dir() {
        return vec![Ok(path.to_owned())];
    }
    let entries = fs_err::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return vec![Err((path.to_owned(), error))],
    };
    entries.sort_by_key(fs_err::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        // A link to a folder is not followed: it may lead back here.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && name != STUDIES {
            found.extend(scenario_files(&path));
        } else if !path.is_dir() && path.extension() == Some(OsStr::new("toml")) {
            found.push(Ok(path));
        }
    }
    found
}

/// The scenario files of several paths, in the order of their paths; one that is found twice counts once.
///
/// # Errors
///
/// The folder that cannot be looked into.
pub(crate) fn all_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut files: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for found in paths.iter().flat_map(|path| scenario_files(path)) {
        let file = found?;
        // What does not exist is told when it is read.
        let itself = file.canonicalize().unwrap_or_else(|_| file.clone());
        let known = files.entry(itself).or_insert_with(|| file.clone());
        if file < *known {
            *known = file;
        }
    }
    let mut files: Vec<PathBuf> = files.into_values().collect();
    files.sort();
    Ok(files)
}
