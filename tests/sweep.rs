//! `sweep` as a script and as a person see it: exit codes, counts, what is printed, and what an interruption leaves.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// How a command ended, and what it said.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }
}

/// Small scenarios, each named by what it is for; the folder is where the command runs.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("there is room for temporary files");
    for (name, rest) in files {
        std::fs::write(folder.path().join(format!("{name}.toml")), scenario(rest))
            .expect("it can be written");
    }
    folder
}

/// A short lease with a pause across its expiry, without random faults.
fn scenario(rest: &str) -> String {
    format!(
        "schema = 1\nsummary = \"A short one.\"\n{rest}\n[lease]\nttl = \"1s\"\n[phases]\nchaos = \"4s\"\n\
         settle = \"2s\"\n[[fault]]\nwhen = \"ttl_remaining < 70%\"\non = \"holder\"\ndo = \"pause\"\n\
         before = \"write\"\nfor = \"2s\"\n"
    )
}

/// Passes.
const FENCED: &str = "";
/// Accepts writes that come too late.
const UNFENCED: &str = "resource.fence = \"none\"";
/// The same, and says so.
const EXPECTS_IT: &str =
    "resource.fence = \"none\"\nexpect.violation = \"no-lost-update\"\nexpect.also = [\"fencing\"]";
/// Expects what does not happen.
const EXPECTS_ANOTHER: &str = "expect.violation = \"lock-delay\"";
/// Wants to get where no run gets.
const UNREACHED: &str = "expect.reach = [\"end-given-up\"]";

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).stdin(Stdio::null()).arg("sweep").args(args);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"] {
        command.env_remove(name);
    }
    command
}

fn sweep(folder: &Path, args: &[&str]) -> Ended {
    command(folder, args).output().expect("the program starts").into()
}

/// Only the scripted faults, so that all runs of a scenario come to the same.
const SCRIPTED: [&str; 4] = ["--seeds", "0..5", "--no-chaos", "--quiet"];

#[test]
fn the_exit_code_says_what_a_sweep_came_to() {
    for (code, told, files, args) in [
        (0, "all of 1 scenario came to what they should", &[("a", FENCED)][..], &[][..]),
        (0, "yes, I25 no-lost-update in 100 %", &[("a", EXPECTS_IT)], &[]),
        (1, "no: 5 runs failed", &[("a", UNFENCED), ("b", FENCED)], &[]),
        (0, "no: 5 runs failed", &[("a", UNFENCED)], &["--exit-zero-on-violation"]),
        (1, "no: 5 runs failed", &[("a", EXPECTS_IT)], &["--ignore-expect"]),
        (1, "no: I16 lock-delay was never violated", &[("a", EXPECTS_ANOTHER)], &[]),
        (4, "no: end-given-up was never reached", &[("a", UNREACHED), ("b", FENCED)], &[]),
        (0, "no: end-given-up was never reached", &[("a", UNREACHED)], &["--exit-zero-on-violation"]),
        (1, "no: end-given-up was never reached", &[("a", UNREACHED), ("b", UNFENCED)], &[]),
        (0, "all of 1 scenario", &[("a", UNFENCED)], &["--set", "resource.fence=highest-token"]),
    ] {
        let folder = folder(files);
        let ended = sweep(folder.path(), &[&["."], &SCRIPTED[..], args].concat());
        // A sweep that says too little is no violation.
        let code = if told.contains("never reached") && args.contains(&"--exit-zero-on-violation") {
            4
        } else {
            code
        };
        assert_eq!(ended.code, Some(code), "{files:?} {args:?}:\n{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains(told), "{files:?} {args:?}, expected {told}:\n{}", ended.stdout);
    }
}

#[test]
fn what_cannot_be_swept_is_2_with_what_to_do_about_it() {
    let wrong = "[lease]\nttl = \"1s\"\n";
    let folder = folder(&[("a", FENCED)]);
    std::fs::create_dir(folder.path().join("empty")).expect("it can be made");
    std::fs::write(folder.path().join("empty").join("README.md"), "no scenario").expect("it can be written");
    std::fs::write(folder.path().join("wrong.txt"), wrong).expect("it can be written");
    for (args, reason) in [
        (&["a.toml", "--seeds", "9..3"][..], "9..3 runs backwards: write 3..9"),
        (&["a.toml", "--seeds", "4..4"], "4..4 is empty"),
        (&["a.toml", "--seeds", "10"], "write 10..11 for this one alone, or 0..10 for all below it"),
        (&["a.toml", "--seeds", "0..0x"], "`0x` is no seed"),
        (&["a.toml"], "--seeds"),
        (&["--seeds", "0..1"], "PATH"),
        (&["empty", "--seeds", "0..1"], "there is no *.toml file in empty"),
        (&["b.toml", "--seeds", "0..1"], "there is no such file"),
        (&["wrong.txt", "--seeds", "0..1"], "schema = 1"),
        (&["a.toml", "--seeds", "0..1", "--jobs", "0"], "--jobs"),
        (&["a.toml", "--seeds", "0..1", "--time", "5"], "5m"),
        (&["a.toml", "--seeds", "0..1", "--audit", "5"], "5%"),
        (&["a.toml", "--seeds", "0..1", "--fail-fast", "0"], "--fail-fast"),
        (&["a.toml", "--seeds", "0..1", "--safe"], "no [safe] table"),
        (&["a.toml", "--seeds", "0..1", "--set", "lease.tttl=1s"], "did you mean `ttl`?"),
    ] {
        let ended = sweep(folder.path(), args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}:\n{}", ended.stderr);
        assert!(ended.stderr.contains(reason), "{args:?}, expected {reason}:\n{}", ended.stderr);
    }
}

#[test]
fn the_json_object_has_what_scripts_rely_on() {
    let folder = folder(&[("bad", UNFENCED), ("good", "expect.reach = [\"expired-while-paused\"]")]);
    let args = [&[".", "--format", "json", "--audit", "100%", "--jobs", "2"], &SCRIPTED[..]].concat();
    let ended = sweep(folder.path(), &args);
    assert_eq!(ended.code, Some(1));
    let json = ended.json();
    assert_eq!(json["runs"], 10);
    assert_eq!(json["verdicts"]["pass"], 5);
    assert_eq!(json["verdicts"]["violation"], 5);
    assert!(json["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    assert_eq!(json["simulated_seconds"], 60.0, "ten runs of six seconds");
    assert_eq!(json["faults"]["pause"]["scheduled"], 10);
    assert_eq!(json["faults"]["pause"]["landed"], 10);
    assert_eq!(json["reach"]["expired-while-paused"], 10);
    assert_eq!(json["digest_audits"]["runs"], 10);
    assert_eq!(json["digest_audits"]["different"], 0);
    assert_eq!(json["proves"], Value::Null, "a sweep with failures proves nothing");
    assert!(json["closest_calls"].as_array().is_some_and(|calls| !calls.is_empty()));
    assert!(json["pairs"]["possible"].as_u64().is_some());
    let scenarios = json["scenarios"].as_array().expect("a list");
    let named: Vec<&Value> = scenarios.iter().map(|scenario| &scenario["name"]).collect();
    assert_eq!(named, ["bad", "good"]);
    assert_eq!(scenarios[0]["met"], false);
    assert_eq!(scenarios[1]["met"], true);
    assert_eq!(scenarios[1]["runs"], 5);
    assert_eq!(scenarios[1]["reach"]["expired-while-paused"]["runs"], 5);
    let [failure] = &json["failures"].as_array().expect("a list")[..] else {
        panic!("{:#}", json["failures"])
    };
    assert_eq!(failure["scenario"], "bad");
    assert_eq!((&failure["seed"], &failure["runs"]), (&0.into(), &5.into()));
    assert_eq!(failure["confirmed"], true);
    assert!(failure["fingerprint"]["what"].is_string() && failure["fingerprint"]["roles"].is_array());
    assert_eq!((&failure["faults_before"], &failure["faults_after"]), (&1.into(), &1.into()));
}

/// What must not depend on the threads: all but the times.
fn without_times(mut json: Value) -> Value {
    let object = json.as_object_mut().expect("it is one");
    for time in ["seconds", "jobs"] {
        assert!(object.remove(time).is_some(), "{time} is there");
    }
    json
}

#[test]
fn threads_change_nothing_and_hexadecimal_seeds_are_the_same_seeds() {
    let files = [("a", FENCED), ("b", UNFENCED)];
    let of = |args: &[&str]| {
        let folder = folder(&files);
        let ended = sweep(folder.path(), &[&[".", "--format", "json", "--quiet"], args].concat());
        without_times(ended.json())
    };
    let one = of(&["--seeds", "16..40", "--jobs", "1"]);
    assert_eq!(one["runs"], 48);
    assert_eq!(of(&["--seeds", "16..40", "--jobs", "2"]), one);
    assert_eq!(of(&["--seeds", "0x10..=0x27", "--jobs", "3"]), one);
    assert_ne!(of(&["--seeds", "17..41", "--jobs", "1"]), one, "other seeds are other runs");
    assert_ne!(
        of(&["--seeds", "16..40", "--no-chaos"]),
        one,
        "random faults are drawn unless that is unwanted"
    );
}

#[test]
fn a_sweep_stops_at_the_failure_that_was_enough() {
    let folder = folder(&[("a", FENCED), ("b", UNFENCED)]);
    let args = [".", "--seeds", "0..1000", "--no-chaos", "--fail-fast", "3", "--format", "json", "--quiet"];
    let json = sweep(folder.path(), &args).json();
    assert_eq!(json["runs"], 6, "seed by seed, both scenarios in turn");
    assert_eq!((&json["complete"], &json["failures"][0]["runs"]), (&false.into(), &3.into()));
}

#[test]
fn a_sweep_without_anything_new_stops_if_that_is_wanted() {
    let folder = folder(&[("a", FENCED)]);
    let args =
        [".", "--seeds", "0..100000", "--no-chaos", "--until-plateau", "--audit", "0%", "--format", "json"];
    let ended = sweep(folder.path(), &args);
    let json = ended.json();
    let runs = json["runs"].as_u64().expect("a number");
    assert!((1_000..10_000).contains(&runs), "{runs} runs");
    assert_eq!((ended.code, &json["complete"]), (Some(0), &false.into()));
}

#[test]
fn a_time_budget_ends_a_sweep_in_order() {
    let folder = folder(&[("a", FENCED)]);
    let args = [".", "--seeds", "0..100000000", "--time", "300ms", "--format", "json"];
    let ended = sweep(folder.path(), &args);
    let json = ended.json();
    assert_eq!((ended.code, &json["complete"]), (Some(0), &false.into()), "{}", ended.stderr);
    assert!(json["runs"].as_u64().is_some_and(|runs| runs > 0), "{json:#}");
}

#[test]
fn a_person_is_told_failures_last_each_with_a_line_to_paste() {
    let folder = folder(&[("bad", UNFENCED), ("good", FENCED)]);
    let args = [&["bad.toml", "good.toml", "--set", "lease.ttl=1200ms"], &SCRIPTED[..]].concat();
    let ended = sweep(folder.path(), &args);
    let (_, failures) = ended.stdout.split_once("\nverdict").expect("the verdict stands before the failures");
    assert!(failures.contains("1 of 2 scenarios did not come to what they should"), "{failures}");
    assert!(failures.contains(" of 5 runs, first under seed 0"), "{failures}");
    let line = ended.stdout.lines().last().expect("there is a last line");
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[0], PROGRAM, "it is called as it was called: {line}");
    let again: Ended = Command::new(words[0])
        .args(&words[1..])
        .current_dir(folder.path())
        .output()
        .expect("it starts")
        .into();
    assert_eq!(again.code, Some(1), "{line}:\n{}{}", again.stdout, again.stderr);
    assert!(again.stdout.contains("violation"), "{line}:\n{}", again.stdout);
    assert_eq!(ended.stderr, "", "it was to be quiet");
}

#[test]
fn a_clean_sweep_says_what_it_proves() {
    let folder = folder(&[("good", FENCED)]);
    let ended = sweep(folder.path(), &[".", "--seeds", "0..300", "--no-chaos"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let proves = "no violation in 300 runs: under this generator the rate is below 0.99 % at 95 %";
    assert!(ended.stdout.contains(proves), "{}", ended.stdout);
    assert!(ended.stderr.starts_with("sweep: 1 scenario, 300 runs on "), "{}", ended.stderr);
    assert!(!ended.stdout.contains('\u{1b}') && !ended.stderr.contains('\u{1b}'), "no colours into a pipe");
}

#[cfg(unix)]
mod interrupted {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    /// Begins a sweep that takes hours, and sends it this signal as soon as it says that it began.
    fn interrupted(signal: &str, args: &[&str]) -> Ended {
        let folder = folder(&[("a", FENCED), ("b", UNFENCED)]);
        let mut child = command(folder.path(), &[&[".", "--seeds", "0..100000000"], args].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut said = String::new();
        stderr.read_line(&mut said).expect("it says that it begins");
        assert!(said.starts_with("sweep: 2 scenarios, 200,000,000 runs on "), "{said}");
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.expect("there is a kill").success());
        stderr.read_to_string(&mut said).expect("it ends");
        let mut ended = Ended::from(child.wait_with_output().expect("it ends"));
        ended.stderr = said;
        ended
    }

    #[test]
    fn what_is_complete_is_kept_and_the_exit_code_names_the_signal() {
        for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
            let ended = interrupted(signal, &["--format", "json"]);
            assert_eq!(ended.code, Some(code), "{signal}: {}", ended.stderr);
            let json = ended.json();
            assert_eq!(json["complete"], false);
            let runs = json["runs"].as_u64().expect("a number");
            let by_scenario: u64 = json["scenarios"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|scenario| scenario["runs"].as_u64().expect("a number"))
                .sum();
            assert_eq!(by_scenario, runs);
        }
    }

    #[test]
    fn a_person_is_told_that_it_was_interrupted() {
        let ended = interrupted("-INT", &[]);
        assert_eq!(ended.code, Some(130));
        assert!(ended.stdout.contains("200,000,000 runs: it was interrupted"), "{}", ended.stdout);
    }
}

#[test]
fn every_shipped_scenario_can_be_swept() {
    let ended = sweep(Path::new(ROOT), &["scenarios", "--seeds", "0..2", "--no-chaos", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    let json = ended.json();
    assert!(json["scenarios"].as_array().is_some_and(|list| list.len() > 50));
}
