//! What GitHub Actions shows of a sweep: an annotation for each failure, and a page for the whole.
//!
//! Sources: GitHub's documentation, "Workflow commands for GitHub Actions", and `toCommandValue` and `toCommandProperty`
//! of actions/toolkit for what is escaped how.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use leasehold_campaign::{Standing, Unmet};

use crate::sweep::findings::{Again, Failure, Findings};
use crate::words::{counted, grouped};

/// GitHub shows ten annotations of a kind for a step, and the page is for reading: the rest is in the results.
const SHOWN: usize = 10;

/// Tells GitHub, if the environment says that it listens.
///
/// # Errors
///
/// If the file for the page cannot be written: which, and why.
pub(crate) fn tell(
    findings: &Findings,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(), (PathBuf, io::Error)> {
    if env("GITHUB_ACTIONS").as_deref() == Some("true") {
        for line in annotations(findings) {
            anstream::eprintln!("{line}");
        }
    }
    let Some(file) = env("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()).map(PathBuf::from) else {
        return Ok(());
    };
    // Other steps and commands write to it too.
    let opened = OpenOptions::new().append(true).create(true).open(&file);
    opened.and_then(|mut out| out.write_all(page(findings).as_bytes())).map_err(|error| (file, error))
}

fn annotations(findings: &Findings) -> Vec<String> {
    let mut lines = Vec::new();
    for failure in findings.failures.iter().take(SHOWN) {
        let scenario = &findings.order.scenarios[failure.job.scenario];
        let title = format!("{} in {}", failure.fingerprint, scenario.name);
        lines.push(error(&scenario.path, &title, &told(findings, failure)));
    }
    for (scenario, unmet) in findings.order.scenarios.iter().zip(&findings.unmet) {
        let others: Vec<String> =
            unmet.iter().filter(|unmet| !matches!(unmet, Unmet::Failed(_))).map(Unmet::in_words).collect();
        if !others.is_empty() && lines.len() < SHOWN {
            lines.push(error(&scenario.path, &format!("{} is not met", scenario.name), &others.join("\n")));
        }
    }
    lines
}

fn error(file: &str, title: &str, message: &str) -> String {
    format!("::error file={},title={}::{}", property(file), property(title), escaped(message))
}

/// As it stands behind the second `::` of a workflow command.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As it stands between the two `::` of a workflow command.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

fn told(findings: &Findings, failure: &Failure) -> String {
    let tally = findings.of_scenario(failure.job.scenario);
    let runs = tally.failures.get(&failure.fingerprint).map_or(1, |failure| failure.runs);
    let mut told = format!(
        "{} of {}, first under seed {}\n",
        grouped(runs),
        counted(tally.runs, "run"),
        failure.job.seed
    );
    let before = counted(failure.before as u64, "fault");
    match failure.shrunk {
        _ if failure.confirmation == Again::Different => {
            told.push_str("another digest when it was run again\n");
        }
        Some((after, _)) => told.push_str(&format!("{before}, shrunk to {after}\n")),
        None => told.push_str(&format!("{before}\n")),
    }
    // The folder lies on a machine that is gone by now: the seed does not.
    told.push_str(&findings.order.line(failure.job.scenario, failure.job.seed));
    told
}

fn page(findings: &Findings) -> String {
    let standing = Standing::of(findings.unmet.iter().flatten());
    let missed = findings.unmet.iter().filter(|unmet| !unmet.is_empty()).count();
    let scenarios = counted(findings.unmet.len() as u64, "scenario");
    let mut page = match standing {
        Standing::Met => format!("### Leasehold: {scenarios}, all as expected\n\n"),
        _ => format!("### Leasehold: {missed} of {scenarios} not as expected\n\n"),
    };
    let runs = counted(findings.tally.runs(), "run");
    match findings.ending.why() {
        None => page.push_str(&format!("{runs}.\n")),
        Some(why) => page.push_str(&format!("{runs} of {}: {why}.\n", grouped(findings.wanted))),
    }
    let rows: Vec<String> = findings
        .order
        .scenarios
        .iter()
        .zip(&findings.unmet)
        .zip(0..)
        .filter(|((_, unmet), _)| !unmet.is_empty())
        .map(|((scenario, unmet), place)| {
            let words: Vec<String> = unmet.iter().map(Unmet::in_words).collect();
            let runs = grouped(findings.of_scenario(place).runs);
            format!("| {} | {runs} | {} |\n", cell(&scenario.path), cell(&words.join("; ")))
        })
        .collect();
    if !rows.is_empty() {
        page.push_str("\n| scenario | runs | why |\n|---|---:|---|\n");
        page.push_str(&rows.concat());
    }
    for failure in findings.failures.iter().take(SHOWN) {
        let scenario = &findings.order.scenarios[failure.job.scenario];
        let title = cell(&format!("{} in {}", failure.fingerprint, scenario.name));
        page.push_str(&format!("\n**{title}**\n\n```\n{}\n```\n", told(findings, failure)));
    }
    if findings.failures.len() > SHOWN {
        page.push_str(&format!("\n… and {} more.\n", findings.failures.len() - SHOWN));
    }
    page.push('\n');
    page
}

/// Text in a table of Markdown.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '[' | '\\' => cell.extend(['\\', c]),
            c if c.is_control() => cell.push(' '),
            c => cell.push(c),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use leasehold_campaign::{
        Expects, FailureTally, FaultSource, Fingerprint, Job, Order, OrderedScenario, ScenarioTally, Tally,
        VariantName,
    };
    use leasehold_scenario::HazardPolicy;

    use super::*;
    use crate::sweep::findings::Ending;

    fn findings(clause: &str) -> Findings {
        let fingerprint =
            Fingerprint { what: "panic".to_owned(), clause: clause.to_owned(), roles: Vec::new() };
        let scenario = OrderedScenario {
            path: "scenarios/a,b.toml".to_owned(),
            name: "a".to_owned(),
            id: "a".to_owned(),
            digest: "0".repeat(64),
            explicit: false,
            engine: "sim".to_owned(),
            faults: FaultSource::Random,
            expects: Expects::Pass,
            violation: None,
            also: Vec::new(),
            hazard: HazardPolicy::Allowed,
            reach: Vec::new(),
            never: Vec::new(),
            budgets: Vec::new(),
            invariants: Vec::new(),
            kinds: Vec::new(),
        };
        let order = Order {
            tool: "0.0.0".to_owned(),
            program: "leasehold".to_owned(),
            seeds: (0, 2_000),
            engine: None,
            faults: FaultSource::Random,
            variant: VariantName::AsWritten,
            overlays: Vec::new(),
            audit_ppm: 0,
            ignore_expect: false,
            scenarios: vec![scenario],
            left_out: Vec::new(),
            confirm: None,
        };
        let failure = FailureTally { runs: 1_500, first: 7, seeds: vec![7] };
        let tally = ScenarioTally {
            runs: 2_000,
            failed: 1_500,
            failures: [(fingerprint.clone(), failure)].into(),
            ..ScenarioTally::default()
        };
        Findings {
            order,
            tally: Tally { scenarios: vec![tally], ..Tally::default() },
            unmet: vec![vec![Unmet::Failed(1_500), Unmet::NothingJudged]],
            confirmed: None,
            failures: vec![Failure {
                position: 7,
                job: Job { scenario: 0, seed: 7 },
                fingerprint,
                confirmation: Again::Same,
                before: 9,
                shrunk: Some((2, 40)),
                folder: None,
            }],
            broken: Vec::new(),
            wanted: 2_000,
            audited: 0,
            ending: Ending::Complete,
            pace: None,
            kept_in: None,
        }
    }

    #[test]
    fn an_annotation_says_what_failed_where_and_how_to_see_it() {
        assert_eq!(
            annotations(&findings("too late: 5 %\nof, all")),
            [
                "::error file=scenarios/a%2Cb.toml,title=panic%2C too late%3A 5 %25%0Aof%2C all in a::\
                 1,500 of 2,000 runs, first under seed 7%0A9 faults, shrunk to 2%0A\
                 leasehold run scenarios/a,b.toml --seed 7 --chaos",
                "::error file=scenarios/a%2Cb.toml,title=a is not met::nothing was judged",
            ]
        );
    }

    #[test]
    fn text_is_escaped_as_workflow_commands_ask() {
        for (text, message, as_property) in [
            ("plain", "plain", "plain"),
            ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
            ("100%", "100%25", "100%25"),
            ("%0A", "%250A", "%250A"),
            ("a: b, c", "a: b, c", "a%3A b%2C c"),
        ] {
            assert_eq!((escaped(text).as_str(), property(text).as_str()), (message, as_property));
        }
    }

    #[test]
    fn only_an_environment_that_listens_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("summary.md");
        let name = file.to_str().unwrap().to_owned();
        let nowhere = folder.path().join("no").join("where.md").to_str().unwrap().to_owned();
        let say = |variables: &[(&str, &str)]| {
            let env = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            tell(&findings("x"), &env)
        };
        say(&[]).unwrap();
        say(&[("GITHUB_STEP_SUMMARY", "")]).unwrap();
        assert!(!file.exists());
        std::fs::write(&file, "from another step\n").unwrap();
        say(&[("GITHUB_STEP_SUMMARY", &name)]).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("from another step\n### Leasehold: 1 of 1 scenario not as expected\n"),
            "{text}"
        );
        let (path, _) = say(&[("GITHUB_STEP_SUMMARY", &nowhere)]).unwrap_err();
        assert_eq!(path.to_str(), Some(nowhere.as_str()));
    }

    #[test]
    fn the_page_shows_what_is_not_as_expected_and_escapes_what_would_be_markdown() {
        let page = page(&findings("a|b `c` <d>"));
        for words in [
            "2,000 runs.\n",
            "| scenario | runs | why |\n",
            "| scenarios/a,b.toml | 2,000 | 1500 runs failed; nothing was judged |\n",
            "**panic, a\\|b \\`c\\` \\<d> in a**",
            "```\n1,500 of 2,000 runs, first under seed 7\n",
        ] {
            assert!(page.contains(words), "{words}\n{page}");
        }
    }
}
