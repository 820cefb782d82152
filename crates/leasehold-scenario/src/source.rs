//! The text of a scenario, with what the command line lays over it.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use leasehold_plan::Setting;

use crate::diagnostic::{Diagnostic, ScenarioError};
use crate::suggest::{nearest, shown};

/// The largest file that is read: 1 MiB. Chosen by us: a scenario of a thousand faults takes a tenth of it.
pub const LARGEST_FILE: u64 = 1 << 20;

/// What some editors begin a file with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How many other files are listed for one that is not there.
const MOST_LISTED: usize = 8;

/// A scenario's text with its path, and the `--set key.path=value` texts that replace parts of it.
///
/// All texts share one address space, so that a span says by itself where it belongs: the file's text comes
/// first, then each overlay's.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    stem: Option<String>,
    text: String,
    overlays: Vec<Overlay>,
    variant: Variant,
}

/// Which variant of a scenario is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// What stands in the file, without its `[safe]` table.
    #[default]
    AsWritten,
    /// What stands in the `[safe]` table replaces what stands beside it, and a pass is expected: the design
    /// that survives what breaks the other.
    Safe,
}

/// One `--set key.path=value`, or a key path to leave out.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    pub(crate) text: String,
    pub(crate) does: Does,
    /// Where its text begins in the address space.
    pub(crate) base: usize,
}

/// What an overlay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// It says what stands under a key path.
    Set,
    /// It takes away what stands under a key path, if anything does.
    Remove,
}

/// A place in a text, as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column in it.
    pub column: usize,
}

/// Where a span lies: in which text, and where there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place<'s> {
    /// The file's name, or `--set`.
    pub(crate) origin: &'s str,
    pub(crate) text: &'s str,
    pub(crate) range: Range<usize>,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If there is none (with the near name of another, if there is one), if it is a directory, larger than
    /// [`LARGEST_FILE`] (it is not read then), not UTF-8, or empty.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let blank = || Self::of_file(path, "");
        let bytes = read_bytes(path).map_err(|diagnostic| ScenarioError::new(blank(), diagnostic))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, ..blank() }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let diagnostic = not_utf8(error.as_bytes(), at);
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                Err(ScenarioError::new(Self { text, ..blank() }, diagnostic))
            }
        }
    }

    /// The text of a file that is read already, or that is still to be written.
    pub fn of_file(path: &Path, text: impl Into<String>) -> Self {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Self { stem, ..Self::from_text(path.display().to_string(), text) }
    }

    /// A scenario that stands in no file. `name` is shown where a path would be; the scenario says its own name,
    /// which may be any.
    pub fn from_text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            stem: None,
            text: text.into(),
            overlays: Vec::new(),
            variant: Variant::AsWritten,
        }
    }

    /// Lays `key.path=value` texts over it: the values of `--set`. A later one wins; `key.path+=[value]` adds to a list. They are read together
    /// with the text, so that is also when their errors show.
    #[must_use]
    pub fn with_overlays(mut self, overlays: impl IntoIterator<Item = impl Into<String>>) -> Self {
        for text in overlays {
            self.lay_over(text.into(), Does::Set);
        }
        self
    }

    /// Lays settings over it, after all else.
    #[must_use]
    pub fn with_settings(mut self, settings: &[Setting]) -> Self {
        for Setting { key, value } in settings {
            match value {
                Some(value) => self.lay_over(format!("{key}={value}"), Does::Set),
                None => self.lay_over(key.clone(), Does::Remove),
            }
        }
        self
    }

    fn lay_over(&mut self, text: String, does: Does) {
        let base = self.overlays.last().map_or(self.text.len(), |last| last.base + last.text.len()) + 1;
        self.overlays.push(Overlay { text, does, base });
    }

    /// Chooses the variant to read.
    #[must_use]
    pub fn as_variant(self, variant: Variant) -> Self {
        Self { variant, ..self }
    }

    /// The file alone.
    pub(crate) fn without_overlays(self) -> Self {
        Self { overlays: Vec::new(), ..self }
    }

    /// Whether an overlay says what stands under this key path, above it (as a whole table) or below it.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        let mut paths = self.overlays.iter().filter_map(|overlay| overlay.text.split('=').next());
        paths.any(|path| meet(path.trim_end_matches('+').trim(), key))
    }

    /// Whether a span lies in a `--set`.
    pub(crate) fn is_overlay(&self, span: &Range<usize>) -> bool {
        span.start > self.text.len()
    }

    pub(crate) fn variant(&self) -> Variant {
        self.variant
    }

    /// The path as it was given, or the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's name without its extension, if there is a file.
    pub fn stem(&self) -> Option<&str> {
        self.stem.as_deref()
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn overlays(&self) -> &[Overlay] {
        &self.overlays
    }

    /// The text that a span lies in (its file's name, or `--set`), and the position of the span's start there.
    pub fn locate(&self, span: &Range<usize>) -> (&str, Position) {
        let place = self.place(span);
        let before = &place.text[..place.range.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (place.origin, Position { line, column: before[line_start..].chars().count() + 1 })
    }

    /// Where a span lies. Whatever the span is, the range lies within the text and cuts no character.
    pub(crate) fn place(&self, span: &Range<usize>) -> Place<'_> {
        let overlay = self.overlays.iter().rev().find(|overlay| overlay.base <= span.start);
        let (origin, text, base) = match overlay {
            Some(overlay) => ("--set", overlay.text.as_str(), overlay.base),
            None => (self.name.as_str(), self.text.as_str(), 0),
        };
        let start = floor_char_boundary(text, span.start - base);
        let end = floor_char_boundary(text, span.end.saturating_sub(base)).max(start);
        Place { origin, text, range: start..end }
    }
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len()))
        .rev()
        .find(|&index| text.is_char_boundary(index))
        .expect("the start of a text is a boundary")
}

/// Whether one key path is the other, or stands above or below it.
pub(crate) fn meet(one: &str, other: &str) -> bool {
    let is_within = |path: &str, table: &str| {
        path.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    is_within(one, other) || is_within(other, one)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing(path)),
        Err(error) => return Err(unreadable(&error)),
    };
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        let diagnostic = Diagnostic::new("this is a directory, expected a scenario file");
        return Err(match scenarios_in(path).first() {
            Some(first) => {
                diagnostic.help(format!("name a file in it, such as {}", path.join(first).display()))
            }
            None => diagnostic.help("name a file that ends in .toml"),
        });
    }
    if metadata.len() > LARGEST_FILE {
        let size = metadata.len() as f64 / (1_u64 << 20) as f64;
        return Err(too_large(&format!("{size:.1} MiB large")));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(too_large("larger than 1 MiB"));
    }
    let after_mark = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    if after_mark.iter().all(u8::is_ascii_whitespace) {
        return Err(Diagnostic::new("the file is empty, expected a scenario")
            .help("begin with `schema = 1` and `summary`; any file under scenarios/ is an example"));
    }
    Ok(bytes)
}

/// What the operating system says, without the path, which stands below it.
fn unreadable(error: &std::io::Error) -> Diagnostic {
    let whole = error.to_string();
    let said = whole.rsplit_once("`: ").map_or(whole.as_str(), |(_, said)| said);
    let said = said.split(" (os error").next().unwrap_or(said);
    Diagnostic::new(format!("the file cannot be read: {said}"))
}

fn too_large(found: &str) -> Diagnostic {
    Diagnostic::new(format!("the file is {found}, expected a scenario of at most 1 MiB"))
        .help("is this a trace or a report? A scenario is a TOML file of a few kilobytes")
}

fn missing(path: &Path) -> Diagnostic {
    if let Ok(target) = fs_err::read_link(path) {
        return Diagnostic::new(format!("it is a link to {}, which does not exist", target.display()));
    }
    let diagnostic = Diagnostic::new("there is no such file");
    let folder = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return diagnostic,
    };
    if !folder.is_dir() {
        return diagnostic.help(format!("the folder {} does not exist either", folder.display()));
    }
    let Some(wanted) = path.file_name().and_then(|name| name.to_str()) else { return diagnostic };
    let names = scenarios_in(folder);
    let with_extension = format!("{wanted}.toml");
    let near = names.iter().map(String::as_str).find(|name| *name == with_extension);
    match near.or_else(|| nearest(wanted, names.iter().map(String::as_str))) {
        Some(near) => diagnostic.help(format!("did you mean {}?", path.with_file_name(near).display())),
        None if names.is_empty() => diagnostic,
        None => {
            let more = if names.len() > MOST_LISTED { ", ..." } else { "" };
            let first = names[..names.len().min(MOST_LISTED)].join(", ");
            diagnostic.help(format!("the scenarios there are {first}{more}"))
        }
    }
}

/// The names of the TOML files in a folder that look like scenarios, in order.
fn scenarios_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml") && says_its_schema(&folder.join(name)))
        .collect();
    names.sort();
    names
}

/// Whether a file begins like a scenario: other TOML files name no schema.
fn says_its_schema(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = fs_err::File::open(path).and_then(|file| file.take(4_096).read_to_end(&mut head));
    let is_schema = |line: &[u8]| {
        line.strip_prefix(b"schema").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"="))
    };
    read.is_ok() && head.split(|byte| *byte == b'\n').any(is_schema)
}

fn not_utf8(bytes: &[u8], at: usize) -> Diagnostic {
    // The lossy text that is shown has one replacement character of three bytes there.
    let diagnostic =
        Diagnostic::at(at..at + 3, format!("the file is not UTF-8: found the byte 0x{:02x}", bytes[at]))
            .label("not UTF-8 from here");
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => diagnostic.help("it looks like UTF-16: save it as UTF-8"),
        _ => diagnostic.help("save it as UTF-8, or remove this character"),
    }
}

/// A message about an overlay names it as it was typed.
pub(crate) fn shown_overlay(overlay: &Overlay) -> String {
    format!("--set {}", shown(&overlay.text))
}

#[cfg(test)]
mod tests;
