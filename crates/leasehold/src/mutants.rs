//! `mutants`: whether chance finds each known bug, and nothing cries wolf over its safe twin.

mod arguments;
mod progress;
mod table;

use std::path::PathBuf;

use leasehold_campaign::{
    Completeness, Extent, Measured, MutantsFolder, MutantsOrder, Replace, Row, RowStanding, RowsError,
    RowsOrder, Wish, measure, rows,
};
use leasehold_scenario::System;

pub(crate) use arguments::MutantsArgs;

use crate::args::Format;
use crate::exit::Exit;
use crate::page::Page;
use crate::panics;
use crate::refusal::{finish, misuse, refuse};
use crate::sweep::clock::Stopwatch;
use crate::sweep::signals::Signals;
use crate::sweep::{all_cores, refuse_results};
use progress::Progress;

/// Where the known bugs are looked for when nothing is said.
const DEFAULT_FOLDERS: [&str; 2] = ["scenarios/breaks", "scenarios/holds"];

/// Measures them, says how they fare.
pub(crate) fn mutants(args: &MutantsArgs, systems: &[&dyn System]) -> Exit {
    let rows = match read(args, systems) {
        Ok(rows) => rows,
        Err(exit) => return exit,
    };
    let replace = if args.force { Replace::Results } else { Replace::Never };
    let folder = args.out.as_deref().map(|dir| MutantsFolder::begin(dir, replace)).transpose();
    let folder = match folder {
        Ok(folder) => folder,
        Err(error) => return refuse_results(&error),
    };
    let signals = Signals::listen();
    let stopwatch = Stopwatch::start();
    let wish = || if signals.caught().is_some() { Wish::Hurry } else { Wish::GoOn };
    let order = MutantsOrder {
        rows: &rows,
        seeds: args.seeds.get(),
        extent: if args.until_found { Extent::UntilFound } else { Extent::All },
        systems,
        jobs: args.jobs.unwrap_or_else(all_cores),
        wish: &wish,
    };
    panics::silence_threads(leasehold_campaign::THREAD);
    let mut progress = Progress::begin(args, &order, &stopwatch);
    let measured = measure(&order, &mut progress);
    progress.finish();
    let measured = match measured {
        Ok(measured) => measured,
        Err(error) => return misuse(&error.to_string(), "give a smaller --jobs"),
    };
    let exit = exit_of(&measured, signals.caught());
    let mut page = Page::stdout();
    match args.format {
        Format::Human => table::print(&order, &measured, &stopwatch, &mut page),
        Format::Json => page.line(format_args!("{:#}", measured.object(&rows))),
    }
    let exit = finish(page, exit);
    match folder.map(|folder| keep(folder, &measured, &rows)) {
        Some(Err(error)) => error,
        Some(Ok(())) | None => exit,
    }
}

/// Writes what was measured, if that is all.
fn keep(folder: MutantsFolder, measured: &Measured, rows: &[Row]) -> Result<(), Exit> {
    if !measured.is_complete() {
        anstream::eprintln!("nothing was written: not all was measured");
        return Ok(());
    }
    let dir = folder.write(measured, rows).map_err(|error| refuse_results(&error))?;
    anstream::eprintln!("written to {}", dir.display());
    Ok(())
}

/// The rows that are asked for.
fn read(args: &MutantsArgs, systems: &[&dyn System]) -> Result<Vec<Row>, Exit> {
    let default: Vec<PathBuf> = DEFAULT_FOLDERS.iter().map(PathBuf::from).collect();
    let (paths, completeness) = match args.paths.as_slice() {
        [] => (default.as_slice(), Completeness::Every),
        paths => (paths, Completeness::AsFound),
    };
    if let (true, Some(folder)) = (args.paths.is_empty(), default.iter().find(|folder| !folder.is_dir())) {
        let problem = format!("there is no folder ./{} here, and no other path is given", folder.display());
        return Err(misuse(&problem, "name files or folders: mutants path/to/scenarios"));
    }
    let order = RowsOrder { paths, ids: &args.ids, completeness };
    rows(&order, systems).map_err(|error| refuse_rows(&error))
}

fn refuse_rows(error: &RowsError) -> Exit {
    let help = match error {
        RowsError::Wrong { errors } => {
            for error in errors {
                refuse(error);
            }
            return Exit::Usage;
        }
        RowsError::UnreadableFolder { .. } => "name folders that can be read",
        RowsError::NothingFound { .. } => "add one, as docs/scenario-format.md says, or name other scenarios",
        RowsError::NotThere { .. } => {
            "add a scenario with its [bug] table, or name those that are there by --id or path"
        }
        RowsError::Twice { .. } => "take the [bug] table out of one of them, or name just one",
        RowsError::NothingReplaced { .. } => "let [safe] say the policy that makes up for the bug",
        RowsError::AnotherWorld { .. } => "say it beside [safe], for both: they have to survive the same",
        RowsError::NothingLeftToChance { .. } => "take its [plan] out, or say why it is `scripted`",
    };
    misuse(&error.to_string(), help)
}

/// What it comes to.
fn exit_of(measured: &Measured, interrupted: Option<Exit>) -> Exit {
    let standings = || measured.rows.iter().filter_map(|row| row.standing);
    if standings().any(|standing| standing == RowStanding::BrokenOff) {
        return Exit::Panicked;
    }
    if let Some(exit) = interrupted {
        return exit;
    }
    if standings().all(RowStanding::is_fine) && measured.gaps().is_empty() {
        Exit::Fine
    } else {
        Exit::Violated
    }
}
