//! `schema`: what a scenario file may hold, for editors.

use leasehold_scenario::System;

use crate::args::SchemaArgs;
use crate::exit::Exit;
use crate::page::Page;
use crate::refusal::{finish, misuse};

/// Prints the JSON schema of one system's scenarios.
pub(crate) fn schema(args: &SchemaArgs, systems: &[&dyn System]) -> Exit {
    let names: Vec<&str> = systems.iter().map(|system| system.name()).collect();
    let names = names.join(", ");
    let system = match (&args.system, systems) {
        (Some(name), _) => match systems.iter().find(|system| system.name() == name) {
            Some(system) => *system,
            None => {
                return misuse(
                    &format!("no system is called `{name}`"),
                    &format!("the systems are: {names}"),
                );
            }
        },
        (None, [only]) => *only,
        (None, _) => {
            let problem = "each system has tables of its own, and there are several";
            return misuse(problem, &format!("name one with --system: {names}"));
        }
    };
    let mut page = Page::stdout();
    page.line(format_args!("{:#}", leasehold_scenario::schema(system)));
    finish(page, Exit::Fine)
}
