//! `schema`: what a scenario file or a study may hold, for editors.

use leasehold_scenario::System;

use crate::args::SchemaArgs;
use crate::exit::Exit;
use crate::page::Page;
use crate::refusal::{finish, misuse};

/// Prints the JSON schema of scenarios, of all systems or of one, or that of studies.
pub(crate) fn schema(args: &SchemaArgs, systems: &[&dyn System]) -> Exit {
    if args.study {
        let mut page = Page::stdout();
        page.line(format_args!("{:#}", leasehold_scenario::study_schema()));
        return finish(page, Exit::Fine);
    }
    let names: Vec<&str> = systems.iter().map(|system| system.name()).collect();
    let names = names.join(", ");
    let wanted: Vec<&dyn System> = match &args.system {
        None => systems.to_vec(),
        Some(name) => systems.iter().copied().filter(|system| system.name() == name).collect(),
    };
    if wanted.is_empty() {
        let name = args.system.as_deref().unwrap_or_default();
        return misuse(&format!("no system is called `{name}`"), &format!("the systems are: {names}"));
    }
    let mut page = Page::stdout();
    page.line(format_args!("{:#}", leasehold_scenario::schema(&wanted)));
    finish(page, Exit::Fine)
}
