//! The canary expects a pass and must always fail: so finding, storing, shrinking, JUnit and the exit code are proven.

#[path = "desk/mod.rs"]
mod desk;

use desk::Desk;
use serde_json::Value;

#[test]
fn the_canary_is_found_stored_shrunk_and_replayed() {
    let desk = Desk::new();
    let words = "sweep scenarios/canary.toml --seeds 0..10 --quiet --format json --out out --junit tests.xml";
    let swept = desk.run(words).with(1).json();
    assert_eq!(swept["scenarios"][0]["met"], Value::Bool(false));
    assert_eq!(swept["verdicts"]["violation"], 10, "it must always fail: {}", swept["verdicts"]);

    let junit = std::fs::read_to_string(desk.path("tests.xml")).unwrap();
    assert!(junit.contains("<failure message=") && junit.contains("I2 fencing"), "{junit}");
    assert_eq!(junit, std::fs::read_to_string(desk.path("out/junit.xml")).unwrap());

    let kept = desk.contents("out");
    let failures = swept["failures"].as_array().unwrap();
    assert!(!failures.is_empty());
    for failure in failures {
        let folder = failure["folder"].as_str().unwrap();
        for file in ["failure.json", "plan.toml", "shrunk.toml", "trace.jsonl", "timeline.html"] {
            let name = format!("{}/{file}", folder.strip_prefix("out/").unwrap());
            assert!(kept.contains_key(&name), "there is no {name}");
        }
        let (before, after) = (failure["faults_before"].as_u64().unwrap(), failure["faults_after"].as_u64());
        let after = after.expect("it was shrunk");
        assert!(after == 1 && before > 1, "{before} faults became {after}");
        desk.run(&format!("replay {folder} --quiet")).with(1);
        desk.run(&format!("run {folder}/shrunk.toml --quiet --ignore-expect")).with(1);
    }
}
