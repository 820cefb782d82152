//! Failures as folders: what is stored is read again, and what is damaged is named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_campaign::{
    Confirmation, Expectation, FailureFolder, Fingerprint, Investigation, Origin, Search, Shrunk,
    TraceReader, store,
};
use leasehold_core::EventSink as _;
use leasehold_scenario::{Digester, Engine, Faults, Scenario, SingleGrantor, Source, System, Trial, Variant};

const SYSTEMS: &[&dyn System] = &[&SingleGrantor];
const SCENARIO: &str = "scenarios/breaks/pause-without-fencing.toml";
const SHORT: &str = "phases.chaos=20s";

/// The unfenced pause, looked into; the smaller run is given.
fn investigation() -> (Investigation, Origin) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(SCENARIO);
    let source = Source::read(&path).expect("the scenario is there").with_overlays([SHORT]);
    let scenario = Arc::new(Scenario::parse(source, SYSTEMS).expect("it is right"));
    let trial = Trial::new(&scenario, 3, Faults::Scripted, SYSTEMS);
    let report = trial.run(Engine::Sim, &mut ());
    let fingerprint = Fingerprint::of(&scenario, &report).remove(0);
    let shrunk = Shrunk { trial: trial.clone(), report: report.clone(), runs: 17, search: Search::Exhausted };
    let investigation =
        Investigation { fingerprint, trial, report, confirmation: Confirmation::Same, shrunk: Some(shrunk) };
    let origin = Origin {
        path: PathBuf::from(SCENARIO),
        variant: Variant::AsWritten,
        overlays: vec![SHORT.to_owned()],
        faults: Faults::Scripted,
        expectation: Expectation::Counts,
        engine: Engine::Sim,
        ignore_expect: Expectation::Counts,
    };
    (investigation, origin)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("names are UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_stored_is_read_again_and_runs_to_the_same_digest() {
    let bench = tempfile::tempdir().unwrap();
    let folder = bench.path().join("failure");
    let (investigation, origin) = investigation();
    store(&investigation, &folder, &origin).unwrap();
    assert_eq!(names_in(bench.path()), ["failure"], "nothing temporary is left");
    assert_eq!(
        names_in(&folder),
        ["failure.json", "plan.toml", "shrunk.toml", "timeline.html", "trace.jsonl"]
    );

    let loaded = FailureFolder::load(&folder, SYSTEMS).unwrap();
    let record = &loaded.record;
    assert_eq!(record.fingerprint, investigation.fingerprint);
    assert_eq!(record.digest, investigation.report.digest.to_string());
    assert_eq!(record.again, format!("leasehold run {SCENARIO} --seed 3 --set {SHORT}"));
    let ignoring = Origin { ignore_expect: Expectation::Ignored, ..origin.clone() };
    assert_eq!(ignoring.again(&investigation.trial), format!("{} --ignore-expect", record.again));
    assert_eq!((record.faults.len(), record.shrunk.faults.len(), record.shrunk.runs), (1, 1, 17));
    let violation = record.violation.as_ref().unwrap();
    assert_eq!(
        (violation.invariant.as_str(), violation.clause.as_str()),
        ("fencing", "accepted-older-token")
    );
    assert_eq!(violation.facts.as_array().unwrap().len(), 2);

    for trial in [&loaded.plan, &loaded.shrunk] {
        let report = trial.run(loaded.engine, &mut ());
        assert_eq!(report.digest, investigation.report.digest);
        assert_eq!(Fingerprint::of(trial.scenario(), &report)[0], record.fingerprint);
        assert_eq!(trial.scenario().name, "pause-without-fencing");
    }

    let mut trace = TraceReader::open(&loaded.trace()).unwrap();
    assert_eq!(trace.header().scenario, "pause-without-fencing");
    let mut digester = Digester::default();
    while let Some(event) = trace.next_event().unwrap() {
        let _ = digester.on_event(&event);
    }
    let footer = trace.footer().unwrap();
    assert_eq!(footer.events, investigation.report.events);
    assert_eq!(footer.digest, record.digest);
    assert_eq!(digester.finish().to_string(), record.digest);
}

#[test]
fn the_same_failure_is_the_same_bytes_and_what_stands_there_is_not_overwritten() {
    let bench = tempfile::tempdir().unwrap();
    let (investigation, origin) = investigation();
    let folders = ["one", "two"].map(|name| bench.path().join(name));
    for folder in &folders {
        store(&investigation, folder, &origin).unwrap();
    }
    for name in names_in(&folders[0]) {
        let [one, two] = folders.each_ref().map(|folder| std::fs::read(folder.join(&name)).unwrap());
        assert!(one == two, "{name} differs");
        let text = String::from_utf8(one).unwrap();
        assert!(!text.contains(bench.path().to_str().unwrap()), "{name} says where it was written");
    }
    store(&investigation, &folders[0], &origin).unwrap_err();
    assert_eq!(names_in(bench.path()), ["one", "two"], "nothing temporary is left");
    store(&investigation, &bench.path().join("no/such/folder"), &origin).unwrap_err();
}

#[test]
fn a_damaged_folder_is_told_with_the_name_of_the_file() {
    let bench = tempfile::tempdir().unwrap();
    let (investigation, origin) = investigation();
    let sound = bench.path().join("sound");
    store(&investigation, &sound, &origin).unwrap();
    let read = |name: &str| std::fs::read_to_string(sound.join(name)).unwrap();
    let (record, plan) = (read("failure.json"), read("plan.toml"));

    let parts: Vec<&str> = plan.split("\n\n").collect();
    let is_plan = |part: &&str| part.trim_start().starts_with("[plan");
    assert!(parts.iter().any(is_plan));
    let without_plan: Vec<&str> = parts.into_iter().filter(|part| !is_plan(part)).collect();
    let cases: Vec<(&str, Option<String>, &[&str])> = vec![
        ("failure.json", None, &["failure.json is missing", "a failure is a folder with"]),
        ("plan.toml", None, &["plan.toml is missing"]),
        ("shrunk.toml", None, &["shrunk.toml is missing"]),
        ("trace.jsonl", None, &["trace.jsonl is missing"]),
        ("failure.json", Some(record[..record.len() / 2].to_owned()), &["failure.json is damaged", "EOF"]),
        ("failure.json", Some("[]".to_owned()), &["failure.json is damaged"]),
        ("failure.json", Some(record.replace("\"seed\"", "\"sead\"")), &["damaged", "missing field `seed`"]),
        ("failure.json", Some(record.replace("\"sim\"", "\"wind\"")), &["no engine is called `wind`"]),
        ("failure.json", Some(record.replace("\"single-grantor\"", "\"mine\"")), &["the system `mine`"]),
        (
            "failure.json",
            Some(r#"{ "format": 7, "tool": "9.1.0", "more": [] }"#.to_owned()),
            &["has format 7, this version reads 1; it was written by version 9.1.0"],
        ),
        ("plan.toml", Some(plan.replace("[lease]", "[leese]")), &["plan.toml", "leese"]),
        ("shrunk.toml", Some(plan.replace("[lease]", "[lease")), &["shrunk.toml", "[lease"]),
        ("plan.toml", Some(String::new()), &["plan.toml", "empty"]),
        ("plan.toml", Some(without_plan.join("\n\n")), &["plan.toml"]),
    ];
    for (place, (name, text, says)) in cases.into_iter().enumerate() {
        let folder = bench.path().join(format!("damaged-{place}"));
        std::fs::create_dir(&folder).unwrap();
        for other in names_in(&sound) {
            std::fs::copy(sound.join(&other), folder.join(&other)).unwrap();
        }
        match &text {
            None => std::fs::remove_file(folder.join(name)).unwrap(),
            Some(text) => std::fs::write(folder.join(name), text).unwrap(),
        }
        let error = FailureFolder::load(&folder, SYSTEMS).unwrap_err().to_string();
        for word in says {
            assert!(error.contains(word), "{name}, {text:?}: {word:?} is not said:\n{error}");
        }
    }
    let nowhere = FailureFolder::load(&bench.path().join("nowhere"), SYSTEMS).unwrap_err().to_string();
    assert!(nowhere.contains("failure.json is missing"), "{nowhere}");
}
