//! Stored failures on the command line: replayed, compared, taken apart and told.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use expect_test::expect;
use leasehold::{RegistrySystem, SingleGrantor, System};
use leasehold_campaign::{Confirmation, Expectation, Fingerprint, Investigation, Origin, store};
use leasehold_scenario::{Engine, Faults, Scenario, Source, Trial, Variant};
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const SCENARIO: &str = "scenarios/breaks/pause-without-fencing.toml";
const SYSTEMS: &[&dyn System] = &[&SingleGrantor, &RegistrySystem];

/// How a command ended, and what it said.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn leasehold(args: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.args(args).current_dir(ROOT).stdin(Stdio::null()).env_remove("CLICOLOR_FORCE");
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ended {
    #[track_caller]
    fn says(self, code: i32, words: &[&str]) -> Self {
        let said = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.code, Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not said:\n{said}");
        }
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("one JSON object, and nothing else")
    }
}

/// A folder with a stored failure `failure` in it.
struct Bench(tempfile::TempDir);

impl Bench {
    /// The unfenced pause, with these texts laid over it.
    fn with(overlays: &[&str]) -> Self {
        let bench = Self(tempfile::tempdir().expect("there is room for a folder"));
        let source = Source::read(&Path::new(ROOT).join(SCENARIO)).expect("the scenario is there");
        let overlays: Vec<String> =
            ["phases.chaos=20s"].iter().chain(overlays).map(|text| (*text).to_owned()).collect();
        let scenario =
            Arc::new(Scenario::parse(source.with_overlays(overlays.clone()), SYSTEMS).expect("it is right"));
        let trial = Trial::new(&scenario, 0, Faults::Scripted, SYSTEMS);
        let report = trial.run(Engine::Sim, &mut ());
        let fingerprint = Fingerprint::of(&scenario, &report).remove(0);
        let confirmation = Confirmation::Same;
        let investigation = Investigation { fingerprint, trial, report, confirmation, shrunk: None };
        let origin = Origin {
            path: PathBuf::from(SCENARIO),
            variant: Variant::AsWritten,
            overlays,
            faults: Faults::Scripted,
            expectation: leasehold_campaign::Expectation::Counts,
            engine: Engine::Sim,
            ignore_expect: Expectation::Counts,
        };
        store(&investigation, &bench.path().join("failure"), &origin).expect("there is room");
        bench
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn failure(&self) -> String {
        self.path().join("failure").to_str().expect("temporary paths are UTF-8").to_owned()
    }

    fn edit(&self, name: &str, edit: impl FnOnce(&str) -> String) {
        let path = self.path().join("failure").join(name);
        let before = std::fs::read_to_string(&path).expect("it was stored");
        let after = edit(&before);
        assert_ne!(before, after, "{name} is edited");
        std::fs::write(path, after).expect("there is room");
    }
}

/// A pause that matters between two faults that do not: one comes too late, the other hits nothing that is needed.
const ONE_OF_THREE: &str = r#"fault=[
    { at = "19s", on = "holder-2", do = "pause", for = "100ms" },
    { when = "ttl_remaining < 70%", on = "holder", do = "pause", before = "write", for = "15s" },
    { at = "19.5s", on = "resource", do = "pause", for = "1ms" },
]"#;

#[test]
fn a_replay_proves_the_run_and_then_shows_it() {
    let bench = Bench::with(&[]);
    let failure = bench.failure();
    let ended = leasehold(&["replay", &failure]).says(
        1,
        &[
            "proved      same events as stored, digest ",
            "fault 1 fires: pause holder",
            "VIOLATION of I2 fencing",
            "verdict     violation (still there: fencing, accepted-older-token, of resource and contender)",
        ],
    );
    assert_eq!(ended.stderr, "");
    let until = leasehold(&["replay", &failure, "--until", "13.6"]).says(1, &["grants lease 2"]);
    assert!(!until.stdout.contains("VIOLATION of"), "the log ends before:\n{}", until.stdout);
    assert!(until.stdout.contains("I2 fencing at 20."), "the run does not:\n{}", until.stdout);
    let shrunk = leasehold(&["replay", &failure, "--shrunk", "--quiet"]).says(1, &["still there"]);
    assert!(!shrunk.stdout.contains("true time"), "{}", shrunk.stdout);
    let file = format!("{failure}/plan.toml");
    leasehold(&["replay", &file, "--quiet"])
        .says(1, &["verdict     violation (the scenario's expectation is ign"]);
}

#[test]
fn without_the_fault_that_matters_the_failure_is_gone() {
    let bench = Bench::with(&[ONE_OF_THREE]);
    let failure = bench.failure();
    for (without, code, there) in
        [(&["2"][..], 0, false), (&["1"], 1, true), (&["1", "3"], 1, true), (&["3", "2", "2"], 0, false)]
    {
        let mut args = vec!["replay", &failure, "--format", "json"];
        args.extend(without.iter().flat_map(|fault| ["--without", fault]));
        let replay = leasehold(&args).says(code, &[]).json()["replay"].clone();
        assert_eq!(replay["there"], there, "without {without:?}");
        assert_eq!(replay["fingerprint"]["what"], "fencing");
        assert_eq!(replay["proved_digest"].as_str().map(str::len), Some(64));
    }
    leasehold(&["replay", &failure, "--without", "2", "--quiet"]).says(
        0,
        &[
            "without     2. pause holder before its next write for 15s",
            "(gone: fencing, accepted-older-token",
        ],
    );
    for wrong in ["0", "4"] {
        leasehold(&["replay", &failure, "--without", wrong])
            .says(2, &[&format!("there is no fault {wrong}"), "the plan has faults 1 to 3"]);
    }
}

#[test]
fn a_plan_that_gives_another_run_is_refused_with_the_first_event_that_differs() {
    let bench = Bench::with(&[]);
    bench.edit("plan.toml", |plan| {
        let at = plan.find("noise = \"0x").expect("a plan has a noise key") + "noise = \"0x".len();
        let digit = if &plan[at..=at] == "1" { "2" } else { "1" };
        format!("{}{digit}{}", &plan[..at], &plan[at + 1..])
    });
    let failure = bench.failure();
    let ended = leasehold(&["replay", &failure]).says(
        3,
        &[
            "plan.toml does not give the stored run",
            "a second run is the same as this one, so the plan was edited",
            "they part at event 6",
            "failure/trace.jsonl:",
            "):\n    stored       0.025414  grantor ",
            "\n    this run     0.02",
        ],
    );
    assert_eq!(ended.stdout, "", "nothing is shown of a run that is not the stored one");
    leasehold(&["replay", &failure, "--shrunk", "--quiet"]).says(1, &["still there"]);
}

#[test]
fn a_digest_of_another_version_is_told_as_that() {
    let bench = Bench::with(&[]);
    bench.edit("failure.json", |record| {
        let at = record.find("\"digest\": \"").expect("a record has a digest") + "\"digest\": \"".len();
        let digit = if &record[at..=at] == "0" { "1" } else { "0" };
        let record = format!("{}{digit}{}", &record[..at], &record[at + 1..]);
        record.replace(&format!("\"tool\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"tool\": \"0.0.9\"")
    });
    leasehold(&["replay", &bench.failure()]).says(
        3,
        &[
            &format!("it was stored by version 0.0.9, this is {}", env!("CARGO_PKG_VERSION")),
            "it is the digest in failure.json that is not theirs",
        ],
    );
}

#[test]
fn a_fingerprint_that_the_run_does_not_have_is_not_called_gone() {
    let bench = Bench::with(&[]);
    bench.edit("failure.json", |record| record.replace("accepted-older-token", "took-older-token"));
    let failure = bench.failure();
    for more in [&[][..], &["--shrunk"], &["--without", "1"]] {
        let ended = leasehold(&[&["replay", &failure], more].concat()).says(
            2,
            &[
                "failure.json: its fingerprint is not what this version finds",
                "    stored    fencing, took-older-token, of ",
                "    this run  fencing, accepted-older-token, of ",
            ],
        );
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn the_folder_of_a_failure_stands_for_its_trace() {
    let bench = Bench::with(&[]);
    let failure = bench.failure();
    leasehold(&["check", &failure]).says(1, &["verdict     violation"]);
    leasehold(&["diff", &failure, &format!("{failure}/trace.jsonl")]).says(0, &["the same events"]);
    leasehold(&["check", bench.path().to_str().unwrap()]).says(2, &["it cannot be read"]);
}

#[test]
fn a_damaged_folder_is_refused_and_the_damage_named() {
    for (name, edit, says) in [
        ("failure.json", "{", "failure.json is damaged: "),
        ("plan.toml", "schema = 1\nsummary = \"x\"\n[leese]\n", "plan.toml:3"),
        ("plan.toml", "schema = 1\nsummary = \"x\"\n[lease]\nttl = \"10s\"\n", "plan.toml is no plan"),
        ("trace.jsonl", "{\"format\":1,\"tool\":\"0.0.1\"}\n", "format 1 was written by version 0.0.1"),
        ("trace.jsonl", "", "trace.jsonl:1: this is no trace"),
    ] {
        let bench = Bench::with(&[]);
        bench.edit(name, |_| edit.to_owned());
        let ended = leasehold(&["replay", &bench.failure()]).says(2, &[says]);
        assert_eq!(ended.stdout, "");
    }
    let bench = Bench::with(&[]);
    bench.edit("trace.jsonl", |trace| trace.replacen("\"local\":", "\"local\":1", 9));
    leasehold(&["replay", &bench.failure()]).says(2, &["trace.jsonl is not of this run"]);
    leasehold(&["replay", "no/such/folder"]).says(2, &["no/such/folder"]);
    leasehold(&["explain", "no/such/folder"]).says(2, &["no/such/folder"]);
    let missing = bench.path().to_str().unwrap();
    leasehold(&["replay", missing]).says(2, &["failure.json is missing"]);
}

#[test]
fn each_fault_is_labelled_by_what_becomes_of_the_failure_without_it() {
    let bench = Bench::with(&[ONE_OF_THREE]);
    let explained = leasehold(&["explain", &bench.failure(), "--format", "json"]).says(0, &[]).json();
    let parts: Vec<&str> = explained["runs"][0]["faults"]
        .as_array()
        .expect("the plan's faults")
        .iter()
        .map(|fault| fault["part"].as_str().expect("a label"))
        .collect();
    assert_eq!(parts, ["inert", "decisive", "inert"]);
    assert_eq!(explained["runs"][0]["breaks_by_itself"], false);

    // A pause of the successor moves what it writes, but the late write comes through all the same.
    let shifted = ONE_OF_THREE.replace("19s\", on = \"holder-2\"", "12s\", on = \"holder\"");
    let explained = leasehold(&["explain", &Bench::with(&[&shifted]).failure()]);
    explained.says(0, &["  shifted   1. pause holder for 100ms", "  decisive  2. pause holder before"]);
}

#[test]
fn faults_that_stand_in_for_each_other_and_designs_that_need_none_are_told() {
    let twice = r#"fault=[
        { when = "ttl_remaining < 70%", on = "holder-3", do = "pause", before = "write", for = "15s" },
        { when = "ttl_remaining < 69%", on = "holder-3", do = "pause", before = "write", for = "15s" },
    ]"#;
    leasehold(&["explain", &Bench::with(&[twice]).failure()])
        .says(0, &["no single one is decisive: each can be replaced by the others"]);
    leasehold(&["explain", "scenarios/holds/gc-pause-across-expiry.toml"])
        .says(1, &["nothing goes wrong in scenarios/holds/gc-pause-across-expiry.toml"]);
}

#[test]
fn the_story_says_who_believed_what_under_which_token() {
    let ended = leasehold(&["explain", SCENARIO]).says(0, &[]);
    expect![[r#"
        pause-without-fencing, seed 0: no-lost-update, overwrote-unseen, of contender and resource

        the plan has 1 fault:
          decisive  1. pause holder before its next write for 15s, when ttl_remaining < 70%, from 5s on

        what happened in the plan, by the true time:

                     the clocks run: those of grantor at -190631ppb, those of holder-1 at -16106ppb, those
                       of holder-3 at +500ppm, those of resource at +228290ppb
          25.414 ms  grantor grants lease 1 to holder-3 for 10s, token 1
          26.078 ms  holder-3 claims under token 1, until its boot clock shows 10.011 s
            3.359 s  lease 1 is renewed 1 time: its last term begins at 3.354 s and is over at about 13.354
                       s; holder-3 hears of it and claims until its boot clock shows 13.345 s
            6.340 s  holder-3 works: 231 writes accepted under token 1 so far, up to version 231
            6.369 s  resource shows version 231 to holder-3, token 1
            6.379 s  fault 1 strikes holder-3 (pause holder before its next write for 15s, when
                       ttl_remaining < 70%, from 5s on): it is paused; its clocks go on
           13.338 s  the boot clock of holder-3 reaches its deadline: its claim under token 1 is over, but
                       holder-3 is paused and does not know
           13.503 s  grantor ends lease 1: it expired, 10.148s into a term of 10s
           13.504 s  grantor grants lease 2 to holder-1 for 10s, token 2
           13.507 s  holder-1 claims under token 2, until its boot clock shows 23.495 s
           20.187 s  lease 2 is renewed 3 times: its last term begins at 20.173 s and is over at about
                       30.173 s; holder-1 hears of it and claims until its boot clock shows 30.161 s
           21.360 s  holder-1 works: 295 writes accepted under token 2 so far, up to version 526
           21.375 s  holder-1 sends write 592 under token 2
           21.378 s  resource accepts write 592 of holder-1 under token 2: version 527 replaces 526
           21.379 s  fault 1 is over for holder-3: it goes on where it stopped
           21.379 s  holder-3 sends write 464 under token 1, 8.04s after its claim was over
           21.379 s  holder-3 notices, 8.04s after its claim was over, and stops acting under token 1
           21.383 s  resource accepts write 464 of holder-3 under token 1: version 528 replaces 527, whose
                       writer had seen version 231 only. It had accepted a write under token 2 before
           21.383 s  this violates I25 no-lost-update: every accepted read-modify-write saw its predecessor
                       (overwrote-unseen)
                     - at 6.369816 holder-3 was shown version 231, token 1
                     - at 21.378383 write 592 of holder-1 under token 2 was accepted, having seen version
                       526: version 527 replaced 526
                     - at 21.383034 write 464 of holder-3 under token 1 was accepted, having seen version
                       231: version 528 replaced 527
    "#]]
    .assert_eq(&ended.stdout);
}
