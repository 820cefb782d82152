//! `man`: the manual, from what the command line says of itself.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use crate::args::{Args, ManArgs};
use crate::exit::Exit;
use crate::page::Page;
use crate::refusal::{finish, not_written};

/// Prints the main page, or writes all into a folder.
pub(crate) fn man(args: &ManArgs) -> Exit {
    if let Some(folder) = &args.out {
        return match write_all(folder) {
            Ok(()) => Exit::Fine,
            Err(error) => not_written(Some(folder), &error),
        };
    }
    let mut roff = Vec::new();
    if let Err(error) = clap_mangen::Man::new(command()).render(&mut roff) {
        return not_written(None, &error);
    }
    let mut page = Page::stdout();
    page.text(&String::from_utf8_lossy(&roff));
    finish(page, Exit::Fine)
}

/// The command line under the name that the program was called by: an own system's is not `leasehold`.
pub(crate) fn command() -> clap::Command {
    let called = std::env::args_os().next();
    let name = called.as_deref().map(Path::new).and_then(Path::file_stem);
    let name = name.map_or_else(|| "leasehold".to_owned(), |name| name.to_string_lossy().into_owned());
    Args::command().name(name.clone()).bin_name(name)
}

fn write_all(folder: &Path) -> io::Result<()> {
    fs_err::create_dir_all(folder)?;
    clap_mangen::generate_to(command().disable_help_subcommand(true), folder)
}
