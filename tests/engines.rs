//! The command line with either engine: who runs what, what does not fit, what cannot be expressed, and what is
//! confirmed.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const FENCED: &str = "scenarios/holds/gc-pause-across-expiry.toml";
const UNFENCED: &str = "scenarios/breaks/pause-without-fencing.toml";

/// A run of a few simulated seconds: a debug build is slow behind sockets.
const SHORT: [&str; 10] = [
    "--set",
    "lease.ttl=1s",
    "--set",
    "fault.0.from=500ms",
    "--set",
    "fault.0.for=2s",
    "--set",
    "phases.chaos=4s",
    "--set",
    "phases.settle=1s",
];

/// How a command ended, and what it said.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }
}

fn leasehold(args: &[&str]) -> Ended {
    let mut command = Command::new(PROGRAM);
    command.args(args).current_dir(ROOT).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn short(verb: &[&str], more: &[&str]) -> Ended {
    leasehold(&[verb, &SHORT, more].concat())
}

/// A scenario file in a folder of its own.
fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path: PathBuf = folder.path().join(format!("{name}.toml"));
    let head = "schema = 1\nsummary = \"A case.\"\n";
    std::fs::write(&path, format!("{head}{text}")).unwrap();
    path.to_str().expect("temporary paths are UTF-8").to_owned()
}

/// What a fault does to the order of messages, which no stream lets happen.
const OVERTAKING: &str = "[lease]\nttl = \"1s\"\n[phases]\nchaos = \"3s\"\nsettle = \"1s\"\n\
                          [[fault]]\nat = \"1s\"\non = \"holder\"\ndo = \"link\"\nreorder = \"100ms\"\nfor = \"1s\"\n";

#[test]
fn both_engines_say_the_same_of_a_pause_with_and_without_a_fence() {
    for (scenario, verdict) in [(FENCED, "pass"), (UNFENCED, "violation")] {
        let on = |engine| {
            let args = ["--engine", engine, "--ignore-expect", "--format", "json"];
            let ended = short(&["run", scenario], &args);
            let json = ended.json();
            let violated = json["evidence"].as_array().unwrap().iter().map(|told| told["invariant"].clone());
            let violated: Vec<Value> = violated.collect();
            assert_eq!(
                (&json["engine"], &json["verdict"]),
                (&engine.into(), &verdict.into()),
                "{}",
                ended.stdout
            );
            (ended.code, violated)
        };
        assert_eq!(on("sim"), on("turmoil"), "{scenario}");
    }
}

#[test]
fn the_line_to_paste_says_the_engine_that_was_asked_for() {
    let ended = short(&["run", FENCED, "--quiet"], &["--engine", "turmoil"]);
    let line = ended.stdout.lines().find(|line| line.starts_with("again")).unwrap();
    assert!(line.contains("--engine turmoil"), "{line}");
    assert!(ended.stdout.contains("engine turmoil, "), "{}", ended.stdout);
}

#[test]
fn what_does_not_fit_is_2_with_the_reason_and_can_be_forced() {
    let large = ["--set", "topology.holders=12", "--engine", "turmoil", "--quiet"];
    let refused = short(&["run", FENCED], &large);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("it has 14 hosts, and 10 fit"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);

    let long = leasehold(&["run", FENCED, "--engine", "turmoil", "--set", "phases.chaos=10m"]);
    assert_eq!(long.code, Some(2));
    assert!(long.stderr.contains("of simulated time, and 300s fit"), "{}", long.stderr);

    let forced = short(&["run", FENCED], &[&large[..], &["--force", "--ignore-expect"]].concat());
    assert_eq!(forced.code, Some(0), "{}{}", forced.stdout, forced.stderr);
}

#[test]
fn what_cannot_be_expressed_is_named_and_makes_the_run_inconclusive_unless_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "overtaken", OVERTAKING);
    let run = |more: &[&str]| leasehold(&[&["run", &path, "--format", "json"], more].concat());

    let inconclusive = run(&["--engine", "turmoil"]);
    assert_eq!(inconclusive.code, Some(4), "{}", inconclusive.stderr);
    assert!(inconclusive.stderr.contains("cannot express fault 1"), "{}", inconclusive.stderr);
    assert!(inconclusive.stderr.contains("--allow link"), "{}", inconclusive.stderr);
    assert_eq!(inconclusive.json()["verdict"], "inconclusive");
    assert_eq!(inconclusive.json()["inexpressible"][0]["kind"], "link");

    let allowed = run(&["--engine", "turmoil", "--allow", "link"]);
    assert_eq!((allowed.code, allowed.json()["verdict"].clone()), (Some(0), "pass".into()));
    let again = allowed.json()["again"].as_str().unwrap().to_owned();
    assert!(again.contains("--allow link"), "{again}");
    assert_eq!(run(&["--engine", "sim"]).code, Some(0));
    assert_eq!(run(&["--engine", "turmoil", "--allow", "lnk"]).code, Some(2));
}

#[test]
fn what_is_allowed_on_the_command_line_is_allowed_beside_what_the_file_allows() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[network]\nduplicate = \"1%\"\n[transport]\nallow = [\"duplicate\"]\n{OVERTAKING}");
    let path = file(&folder, "both", &text);
    let run = |more: &[&str]| leasehold(&[&["run", &path, "--engine", "turmoil", "--quiet"], more].concat());
    assert_eq!(run(&[]).code, Some(4));
    let allowed = run(&["--allow", "link"]);
    assert_eq!(allowed.code, Some(0), "{}{}", allowed.stdout, allowed.stderr);
    let replaced = run(&["--allow", "link", "--set", "transport.allow=[]"]);
    assert_eq!(replaced.code, Some(4), "a --set still replaces the list: {}", replaced.stderr);
}

#[test]
fn a_trace_says_that_its_run_was_inconclusive() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "overtaken", OVERTAKING);
    let trace = folder.path().join("trace.jsonl").to_str().unwrap().to_owned();
    let ran = leasehold(&["run", &path, "--engine", "turmoil", "--quiet", "--trace", &trace]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    let judged = leasehold(&["check", &trace, "--format", "json"]);
    assert_eq!((judged.code, judged.json()["verdict"].clone()), (Some(4), "inconclusive".into()));
    assert_eq!(judged.json()["inexpressible"][0]["kind"], "link");
    // One that was written before there was such a line is read, and says nothing of it.
    let text = std::fs::read_to_string(&trace).unwrap();
    let footer: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let mut old = footer.clone();
    old.as_object_mut().unwrap().remove("inexpressible").expect("the footer has it");
    let (events, _) = text.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(&trace, format!("{events}\n{old}\n")).unwrap();
    assert_eq!(leasehold(&["check", &trace]).code, Some(0));
}

#[test]
fn a_scenario_that_needs_a_shell_is_run_in_one_unless_somebody_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let text = "engine = \"turmoil\"\n[lease]\nttl = \"1s\"\n[phases]\nchaos = \"2s\"\nsettle = \"1s\"\n";
    let path = file(&folder, "shelled", text);
    let by_itself = leasehold(&["run", &path, "--format", "json"]);
    assert_eq!(by_itself.json()["engine"], "turmoil");
    assert!(!by_itself.json()["again"].as_str().unwrap().contains("--engine"));
    let on_sim = leasehold(&["run", &path, "--engine", "sim", "--format", "json"]);
    assert_eq!(on_sim.json()["engine"], "sim");
    assert!(on_sim.stderr.contains("needs a shell"), "{}", on_sim.stderr);

    let swept = leasehold(&["sweep", &path, "--seeds", "0..1", "--no-chaos", "--format", "json"]);
    assert_eq!(swept.json()["scenarios"][0]["engine"], "turmoil");
}

#[test]
fn a_sweep_names_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, "overtaken", OVERTAKING);
    file(&folder, "large", "[topology]\nholders = 12\n");
    file(&folder, "small", "[lease]\nttl = \"1s\"\n[phases]\nchaos = \"2s\"\nsettle = \"1s\"\n");
    let dir = folder.path().to_str().unwrap();
    let args = ["sweep", dir, "--seeds", "0..2", "--no-chaos", "--engine", "turmoil"];
    let told = leasehold(&args);
    assert_eq!(told.code, Some(0), "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains("2 scenarios that the engine cannot run"), "{}", told.stdout);
    assert!(told.stderr.contains("large.toml: it has 14 hosts, and 10 fit"), "{}", told.stderr);
    let json = leasehold(&[&args[..], &["--format", "json", "--quiet"]].concat()).json();
    assert_eq!(json["runs"], 2);
    let paths = json["left_out"].as_array().unwrap().iter();
    let names = paths.map(|left| Path::new(left["path"].as_str().unwrap()).file_stem().unwrap().to_owned());
    assert_eq!(names.collect::<Vec<_>>(), ["large", "overtaken"]);

    let none = leasehold(&["sweep", &format!("{dir}/large.toml"), "--seeds", "0..2", "--engine", "turmoil"]);
    assert_eq!(none.code, Some(2), "{}", none.stderr);
    assert!(none.stderr.contains("none of these scenarios can be run"), "{}", none.stderr);
}

#[test]
fn what_one_engine_found_the_other_confirms_and_results_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let args = ["--seeds", "0..3", "--no-chaos", "--ignore-expect", "--confirm", "2", "--format", "json"];
    let swept = short(&["sweep", FENCED, UNFENCED, "--quiet"], &[&args[..], &["--out", out]].concat());
    let json = swept.json();
    let confirmed = json["confirmed"].as_array().unwrap();
    let failed = confirmed.iter().filter(|run| !run["failed"].is_null()).count();
    assert_eq!(
        (failed, confirmed.len() - failed),
        (json["failures"].as_array().unwrap().len(), 2),
        "{json:#}"
    );
    for run in confirmed {
        assert_eq!(run["agreement"], "same", "{run:#}");
    }
    assert_eq!(swept.code, Some(1), "the unfenced one fails");

    let read = |name: &str| -> Value {
        let text = std::fs::read_to_string(Path::new(out).join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let summary = read("summary.json");
    assert_eq!(summary["confirmed"]["same"], confirmed.len());
    assert_eq!(summary["confirmed"]["other"], 0);
    let merged = folder.path().join("merged");
    let merge = leasehold(&["merge", out, "--out", merged.to_str().unwrap(), "--format", "json"]);
    assert_eq!(merge.code, Some(1), "{}", merge.stderr);
    assert_eq!(merge.json()["confirmed"], json["confirmed"]);
}

#[test]
fn results_of_two_engines_are_not_merged() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sweep = |engine: &str| {
        let dir = out(engine);
        let args = ["--seeds", "0..1", "--no-chaos", "--engine", engine, "--out", &dir, "--quiet"];
        assert_eq!(short(&["sweep", FENCED], &args).code, Some(0), "{engine}");
        dir
    };
    let merge = leasehold(&["merge", &sweep("sim"), &sweep("turmoil"), "--out", &out("merged")]);
    assert_eq!(merge.code, Some(2), "{}", merge.stdout);
    assert!(merge.stderr.contains("engine: sim and turmoil"), "{}", merge.stderr);
}

#[test]
fn the_bounds_of_an_engine_are_told_and_judged_by() {
    let bounds = |engine: &str| {
        let ended = leasehold(&["bound", FENCED, "--engine", engine, "--format", "json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.json()
    };
    let (sim, turmoil) = (bounds("sim"), bounds("turmoil"));
    let regrant = |json: &Value| json["bounds"]["regrant_ns"].as_u64().unwrap();
    let added = turmoil["widened"].as_array().unwrap().iter();
    let added: Vec<u64> = added.filter_map(|told| told["left"]["total_ns"].as_u64()).collect();
    assert!(added.contains(&(regrant(&turmoil) - regrant(&sim))), "{added:?}");
    assert_eq!(sim["widened"], serde_json::json!([]));
    let shown = leasehold(&["bound", FENCED, "--engine", "turmoil"]).stdout;
    assert!(shown.contains("behind sockets: the next grant") && shown.contains("silent_after"), "{shown}");
}

/// A failure that one engine stored is replayed there, and can be tried on the other.
#[test]
fn a_stored_failure_is_replayed_on_the_engine_that_found_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let args =
        ["--seeds", "0..1", "--no-chaos", "--ignore-expect", "--engine", "turmoil", "--out", out, "--quiet"];
    assert_eq!(short(&["sweep", UNFENCED], &args).code, Some(1));
    let failures = std::fs::read_dir(Path::new(out).join("failures")).unwrap();
    let failure = failures.map(|entry| entry.unwrap().path()).next().expect("one is stored");
    let failure = failure.to_str().unwrap();
    let replay = |more: &[&str]| leasehold(&[&["replay", failure, "--quiet"], more].concat());
    let proved = replay(&[]);
    assert_eq!(proved.code, Some(1), "{}{}", proved.stdout, proved.stderr);
    assert!(proved.stdout.contains("same events as stored"), "{}", proved.stdout);
    let elsewhere = replay(&["--engine", "sim"]);
    assert_eq!(elsewhere.code, Some(1), "{}{}", elsewhere.stdout, elsewhere.stderr);
    assert!(elsewhere.stdout.contains("stored by another engine"), "{}", elsewhere.stdout);
}
