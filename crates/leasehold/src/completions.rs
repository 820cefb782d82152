//! `completions`: what a shell may offer while somebody types.

use crate::args::CompletionsArgs;
use crate::exit::Exit;
use crate::man;
use crate::page::Page;
use crate::refusal::finish;

/// Prints the script that a shell reads.
pub(crate) fn completions(args: &CompletionsArgs) -> Exit {
    let mut command = man::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut page = Page::stdout();
    page.text(&String::from_utf8_lossy(&script));
    finish(page, Exit::Fine)
}
