//! `list`: which scenarios there are, and what they should come to.

use std::path::PathBuf;

use leasehold_campaign::{Found, scenario_files};
use leasehold_scenario::{ExpectedVerdict, Scenario, ScenarioError, System};
use serde_json::{Value, json};

use crate::args::{Format, ListArgs};
use crate::exit::Exit;
use crate::page::Page;
use crate::refusal::{finish, misuse};

/// Where scenarios are looked for when nothing is said.
const DEFAULT_FOLDER: &str = "scenarios";

/// Narrower than this, a summary stands below its path.
const NARROWEST_SUMMARY: usize = 30;

/// Lists the scenarios of files and folders.
pub(crate) fn list(args: &ListArgs, systems: &[&dyn System]) -> Exit {
    let default = [PathBuf::from(DEFAULT_FOLDER)];
    let paths: &[PathBuf] = if !args.paths.is_empty() {
        &args.paths
    } else if default[0].is_dir() {
        &default
    } else {
        let problem = format!("there is no folder ./{DEFAULT_FOLDER} here, and no other path is given");
        return misuse(&problem, "name files or folders: list path/to/scenarios");
    };
    let mut entries = Vec::new();
    for path in paths {
        entries.extend(scenario_files(path).into_iter().map(|found| Entry::read(found, systems)));
    }
    let broken = entries.iter().filter(|entry| entry.is_broken()).count();

    let mut page = Page::stdout();
    match args.format {
        Format::Human => {
            for line in table(&entries, terminal_width()) {
                page.line(format_args!("{line}"));
            }
        }
        Format::Json => {
            let list: Vec<Value> = entries.iter().map(Entry::to_json).collect();
            page.line(format_args!("{:#}", Value::Array(list)));
        }
    }
    if entries.is_empty() {
        anstream::eprintln!("no scenario: there is no *.toml file in {}", shown(paths));
    }
    if broken == 0 {
        return finish(page, Exit::Fine);
    }
    let exit = finish(page, Exit::Usage);
    anstream::eprintln!("error: {broken} of {} files cannot be run as a scenario", entries.len());
    exit
}

fn shown(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

/// One line of the list.
struct Entry {
    path: String,
    read: Result<Listed, Problem>,
}

/// What is told of a scenario.
struct Listed {
    name: String,
    system: String,
    summary: String,
    verdict: &'static str,
    violates: Vec<&'static str>,
}

/// The first thing that is wrong with a file.
struct Problem {
    message: String,
    line: Option<usize>,
}

impl Entry {
    fn read(found: Found, systems: &[&dyn System]) -> Self {
        match found {
            Ok(path) => {
                let read = Scenario::load(&path, systems);
                Self {
                    path: path.display().to_string(),
                    read: read.map(Listed::from).map_err(|error| Problem::first_of(&error)),
                }
            }
            Err((folder, error)) => Self {
                path: folder.display().to_string(),
                read: Err(Problem { message: error.to_string(), line: None }),
            },
        }
    }

    fn is_broken(&self) -> bool {
        self.read.is_err()
    }

    /// Path, verdict, summary.
    fn columns(&self) -> [String; 3] {
        let path = one_line(&self.path);
        match &self.read {
            Ok(listed) => [path, listed.verdict_in_words(), one_line(&listed.summary)],
            Err(Problem { message, line }) => {
                let place = line.map_or_else(String::new, |line| format!("line {line}: "));
                [path, "ERROR".to_owned(), format!("{place}{}", one_line(message))]
            }
        }
    }

    fn to_json(&self) -> Value {
        match &self.read {
            Ok(listed) => json!({
                "path": self.path,
                "name": listed.name,
                "system": listed.system,
                "summary": listed.summary,
                "verdict": listed.verdict,
                "violates": listed.violates,
            }),
            Err(Problem { message, line }) => json!({
                "path": self.path,
                "error": message,
                "line": line,
            }),
        }
    }
}

impl Listed {
    fn verdict_in_words(&self) -> String {
        match self.violates.first() {
            Some(first) if self.verdict == "violation" => format!("violation of {first}"),
            _ => self.verdict.to_owned(),
        }
    }
}

impl From<Scenario> for Listed {
    fn from(scenario: Scenario) -> Self {
        let (verdict, violates) = match &scenario.expect.verdict {
            ExpectedVerdict::Pass => ("pass", Vec::new()),
            ExpectedVerdict::Violation { invariant, also } => {
                let names = [invariant].into_iter().chain(also).map(|invariant| invariant.name());
                let is_liveness = invariant.name() == "liveness";
                (if is_liveness { "liveness" } else { "violation" }, names.collect())
            }
            ExpectedVerdict::Panic => ("panic", Vec::new()),
            ExpectedVerdict::Vacuous => ("vacuous", Vec::new()),
        };
        Self { name: scenario.name, system: scenario.system, summary: scenario.summary, verdict, violates }
    }
}

impl Problem {
    fn first_of(error: &ScenarioError) -> Self {
        let first = error.diagnostics().iter().next().expect("an error says what is wrong");
        let line = first.span.as_ref().map(|span| error.source_text().locate(span).1.line);
        Self { message: first.message.clone(), line }
    }
}

/// A text on one line, without control characters.
fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(visible).collect()
}

/// The width of the terminal, if standard output is one.
pub(crate) fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// The lines of the list: one an entry, or wrapped where there is a width.
fn table(entries: &[Entry], width: Option<usize>) -> Vec<String> {
    let rows: Vec<[String; 3]> = entries.iter().map(Entry::columns).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (path_width, verdict_width) = (widest(0), widest(1));
    let indent = path_width + verdict_width + 4;
    let mut lines = Vec::new();
    for [path, verdict, summary] in rows {
        match width {
            None => lines.push(format!("{path:path_width$}  {verdict:verdict_width$}  {summary}")),
            Some(width) if width >= indent + NARROWEST_SUMMARY => {
                let mut head = format!("{path:path_width$}  {verdict:verdict_width$}  ");
                for line in wrapped(&summary, width - indent) {
                    lines.push(format!("{head}{line}"));
                    head = " ".repeat(indent);
                }
            }
            Some(width) => {
                lines.push(format!("{path}  {verdict}"));
                let room = width.saturating_sub(4).max(NARROWEST_SUMMARY);
                lines.extend(wrapped(&summary, room).into_iter().map(|line| format!("    {line}")));
            }
        }
    }
    lines
}

/// A text in lines of at most so many characters, broken between words; at least one line.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, verdict: &'static str, summary: &str) -> Entry {
        let listed = Listed {
            name: String::new(),
            system: String::new(),
            summary: summary.to_owned(),
            verdict,
            violates: if verdict == "violation" { vec!["fencing"] } else { vec![] },
        };
        Entry { path: path.to_owned(), read: Ok(listed) }
    }

    #[test]
    fn a_pipe_gets_one_line_each_and_a_terminal_gets_wrapped_ones() {
        let entries = [
            entry("a.toml", "pass", "one two three four five six seven eight nine ten"),
            entry("long/b.toml", "violation", "short"),
        ];
        assert_eq!(
            table(&entries, None),
            [
                "a.toml       pass                  one two three four five six seven eight nine ten",
                "long/b.toml  violation of fencing  short",
            ]
        );
        assert_eq!(
            table(&entries, Some(66)),
            [
                "a.toml       pass                  one two three four five six",
                "                                   seven eight nine ten",
                "long/b.toml  violation of fencing  short",
            ]
        );
        assert_eq!(
            table(&entries, Some(40)),
            [
                "a.toml  pass",
                "    one two three four five six seven",
                "    eight nine ten",
                "long/b.toml  violation of fencing",
                "    short",
            ]
        );
        assert!(table(&[], Some(0)).is_empty());
    }

    #[test]
    fn no_width_loses_a_word() {
        let text = "a verylongwordthatfitsnowhere and   more";
        for width in 0..50 {
            assert_eq!(wrapped(text, width).join(" "), "a verylongwordthatfitsnowhere and more");
        }
        assert_eq!(wrapped("", 10), [""]);
    }
}
