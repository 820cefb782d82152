//! What all verbs say when a scenario cannot be read or a result cannot be written.

use std::path::Path;

use leasehold_scenario::{Scenario, ScenarioError, Source, Style, System, Variant};

use crate::exit::Exit;
use crate::page::Page;

/// Reads a scenario with what the command line lays over it.
pub(crate) fn load(
    path: &Path,
    overlays: &[String],
    variant: Variant,
    systems: &[&dyn System],
) -> Result<Scenario, ScenarioError> {
    let source = Source::read(path)?.with_overlays(overlays).as_variant(variant);
    Scenario::parse(source, systems)
}

/// Says what is wrong with a scenario.
pub(crate) fn refuse(error: &ScenarioError) -> Exit {
    let style = match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => Style::Plain,
        _ => Style::Coloured,
    };
    anstream::eprintln!("{}", error.render(style));
    Exit::Usage
}

/// Says what is wrong with the command line, and what to do about it.
pub(crate) fn misuse(problem: &str, help: &str) -> Exit {
    anstream::eprintln!("error: {problem}\nhelp: {help}");
    Exit::Usage
}

/// Says that a file, or standard output, could not be written.
pub(crate) fn not_written(path: Option<&Path>, error: &std::io::Error) -> Exit {
    let what = path.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    anstream::eprintln!("error: {what} could not be written: {error}");
    Exit::NotWritten
}

/// Ends a page of results.
pub(crate) fn finish(page: Page, exit: Exit) -> Exit {
    match page.finish() {
        Ok(()) => exit,
        Err(error) => not_written(None, &error),
    }
}
