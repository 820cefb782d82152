//! `explain`: which faults a failure needs, and what happened.

use std::path::PathBuf;
use std::sync::Arc;

use leasehold_campaign::{Dissection, FailureFolder, Fingerprint, Part, Story, shell_path};
use leasehold_core::{FaultId, NodeId, RateError};
use leasehold_scenario::{Engine, Faults, Scenario, System, Trial};
use serde_json::{Value, json};

use crate::again::program;
use crate::args::{EngineName, Format};
use crate::engines::{self, Allowing, Misfits, engine_for};
use crate::exit::Exit;
use crate::names::Names;
use crate::page::Page;
use crate::panics;
use crate::refusal::{finish, misuse, refuse};
use crate::replay::refuse_failure;
use crate::words;

/// `explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each fault is left out in turn, and the run is run again without it. It is
    inert     if the violation is found at the same instant with the same evidence
    shifted   if the same goes wrong, at another time or with other evidence
    decisive  if that does not go wrong any more

Exit codes:
    0  the failure is explained
    1  nothing goes wrong, or not what was stored: there is nothing to explain
    2  the command line is wrong, or the folder or the plan is damaged
    4  inconclusive: nothing goes wrong, and the engine cannot express all of the plan
   74  results could not be written")]
pub(crate) struct ExplainArgs {
    /// The folder of a stored failure, or a plan or scenario file
    pub(crate) failure: PathBuf,

    /// The engine that runs a plan or scenario file; a stored failure is explained on the one that found it
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// A run that is explained.
struct Explained {
    title: &'static str,
    names: Names,
    dissection: Dissection,
}

/// Takes a failure apart, and tells its story.
pub(crate) fn explain(args: &ExplainArgs, systems: &[&dyn System]) -> Exit {
    let case = match open(args, systems) {
        Ok(case) => case,
        Err(exit) => return exit,
    };
    panics::watch(|| case.explain(args)).0
}

/// What is to be explained.
struct Case {
    fingerprint: Fingerprint,
    engine: Engine,
    runs: Vec<(&'static str, Trial)>,
}

fn open(args: &ExplainArgs, systems: &[&dyn System]) -> Result<Case, Exit> {
    if FailureFolder::is_at(&args.failure) {
        let folder = FailureFolder::load(&args.failure, systems).map_err(|error| refuse_failure(&error))?;
        let FailureFolder { record, engine, plan, shrunk, .. } = folder;
        if args.engine.is_some_and(|asked| Engine::from(asked) != engine) {
            let problem = format!("the failure was found on the engine {}", engine.name());
            return Err(misuse(&problem, "leave --engine out, or name its plan.toml instead of the folder"));
        }
        // Where nothing smaller was found, there is only one run to tell of.
        let mut runs = vec![("plan", plan)];
        if record.shrunk.digest != record.digest {
            runs.push(("shrunk plan", shrunk));
        }
        return Ok(Case { fingerprint: record.fingerprint, engine, runs });
    }
    let scenario = Scenario::load(&args.failure, systems).map_err(|error| refuse(&error))?;
    let engine = engine_for(args.engine, &scenario);
    let trial = Trial::meant_for(engine, &Arc::new(scenario), 0, Faults::Scripted, systems);
    engines::check(&trial, engine, Misfits::Run, Allowing::File)?;
    let (report, _) = panics::watch(|| trial.run(engine, &mut ()));
    match Fingerprint::main_of(trial.scenario(), &report) {
        Some(fingerprint) => Ok(Case { fingerprint, engine, runs: vec![("plan", trial)] }),
        None if !report.inexpressible.is_empty() => {
            let file = args.failure.display();
            anstream::eprintln!(
                "error: inconclusive: nothing goes wrong in {file}, but this engine cannot express all of it"
            );
            Err(Exit::Vacuous)
        }
        None => {
            let file = args.failure.display();
            anstream::eprintln!("error: nothing goes wrong in {file}: there is nothing to explain");
            Err(Exit::Violated)
        }
    }
}

impl Case {
    fn explain(&self, args: &ExplainArgs) -> Exit {
        let mut explained = Vec::new();
        for (title, trial) in &self.runs {
            let Some(dissection) = Dissection::new(trial, &self.fingerprint, self.engine) else {
                let file = args.failure.display();
                anstream::eprintln!(
                    "error: the {title} of {file} does not fail any more in this way: {}",
                    self.fingerprint
                );
                anstream::eprintln!("help: {} replay {}", program(), shell_path(&args.failure));
                return Exit::Violated;
            };
            let names = Names::new(trial.header(self.engine));
            explained.push(Explained { title, names, dissection });
        }
        let ((_, trial), told) = self.runs.last().zip(explained.last()).expect("there is a plan");
        let faults = told.dissection.worth_telling();
        let story = Story::of(trial, &told.dissection.report, &self.fingerprint, &faults, self.engine);
        let story = story.expect("the run failed in this way when it was taken apart");
        let mut page = Page::stdout();
        match args.format {
            Format::Human => self.print(&mut page, &explained, &story),
            Format::Json => page.line(format_args!("{:#}", self.object(&explained, &story))),
        }
        finish(page, Exit::Fine)
    }

    fn print(&self, page: &mut Page, explained: &[Explained], story: &Story) {
        let header = explained[0].names.header();
        page.line(format_args!("{}, seed {}: {}\n", header.scenario, header.seed, self.fingerprint));
        for run in explained {
            run.print(page);
        }
        let told = explained.last().expect("there is a plan");
        page.line(format_args!("what happened in the {}, by the true time:\n", told.title));
        if let Some(clocks) = self.clocks(story) {
            print_paragraph(page, "", &clocks);
        }
        for sentence in story.sentences(&told.names) {
            print_paragraph(page, &words::clock_time(sentence.at), &sentence.text);
        }
        let at = words::clock_time(story.ending.at);
        for believed in story.beliefs_told(&told.names) {
            print_paragraph(page, &at, &believed);
        }
        print_paragraph(page, &at, &story.ending_told(&told.names));
        for fact in &story.ending.evidence {
            print_paragraph(page, "", &format!("- {}", words::fact(&told.names, fact)));
        }
    }

    /// How the clocks of those who have a part in the story run, if any is not perfect.
    fn clocks(&self, story: &Story) -> Option<String> {
        let (_, trial) = self.runs.last().expect("there is a plan");
        let told = story.nodes();
        let nodes = (0..).map(NodeId).zip(&trial.plan().nodes);
        let rates: Vec<String> = nodes
            .filter(|(id, node)| told.contains(id) && node.rate != RateError::ZERO)
            .map(|(_, node)| format!("those of {} at {}", node.name, node.rate))
            .collect();
        (!rates.is_empty()).then(|| format!("the clocks run: {}", rates.join(", ")))
    }

    fn object(&self, explained: &[Explained], story: &Story) -> Value {
        let told = explained.last().expect("there is a plan");
        let sentences: Vec<Value> = story
            .sentences(&told.names)
            .into_iter()
            .map(|sentence| json!({ "at_ns": sentence.at, "text": sentence.text }))
            .collect();
        let evidence: Vec<String> =
            story.ending.evidence.iter().map(|fact| words::fact(&told.names, fact)).collect();
        json!({
            "scenario": told.names.header().scenario,
            "seed": told.names.header().seed,
            "fingerprint": self.fingerprint,
            "runs": explained.iter().map(Explained::object).collect::<Vec<_>>(),
            "story": sentences,
            "beliefs": story.beliefs_told(&told.names),
            "ending": { "at_ns": story.ending.at, "text": story.ending_told(&told.names), "told": evidence },
        })
    }
}

/// How wide a story is. Chosen by us: as wide as a terminal that nobody made narrow.
const WIDTH: usize = 100;

/// A text behind its time, broken where it would be too wide.
fn print_paragraph(page: &mut Page, time: &str, text: &str) {
    let mut line = format!("{time:>11} ");
    let indent = line.chars().count();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            page.line(format_args!("{line}"));
            line = " ".repeat(indent + 2);
        }
        line.push(' ');
        line.push_str(word);
        is_empty = false;
    }
    page.line(format_args!("{line}"));
}

impl Explained {
    fn print(&self, page: &mut Page) {
        let Dissection { parts, .. } = &self.dissection;
        let title = self.title;
        match parts.len() {
            0 => page.line(format_args!("the {title} has no fault")),
            count => page.line(format_args!("the {title} has {}:", words::counted(count as u64, "fault"))),
        }
        for (fault, part) in (0..).map(FaultId).zip(parts) {
            page.line(format_args!("  {:8}  {}. {}", part.name(), fault.0 + 1, self.names.fault(fault)));
        }
        if let Some(note) = self.note() {
            page.line(format_args!("  {note}"));
        }
        page.line(format_args!(""));
    }

    /// What the labels come to, where they do not say it by themselves.
    fn note(&self) -> Option<&'static str> {
        let Dissection { parts, breaks_by_itself, .. } = &self.dissection;
        match (breaks_by_itself, parts.len()) {
            (true, 0) => Some("it needs none: the design breaks by itself"),
            (true, _) => Some("it goes wrong without any of them too: the design breaks by itself"),
            (false, _) if parts.contains(&Part::Decisive) => None,
            (false, _) => Some("no single one is decisive: each can be replaced by the others"),
        }
    }

    fn object(&self) -> Value {
        let Dissection { report, parts, breaks_by_itself } = &self.dissection;
        let faults: Vec<Value> = (0..)
            .map(FaultId)
            .zip(parts)
            .map(|(fault, part)| json!({ "fault": fault.0 + 1, "what": self.names.fault(fault), "part": part.name() }))
            .collect();
        json!({
            "plan": self.title,
            "digest": report.digest.to_string(),
            "faults": faults,
            "breaks_by_itself": breaks_by_itself,
        })
    }
}
