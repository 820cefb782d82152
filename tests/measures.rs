//! What runs of a registry measure, and how it is told: by a run, by `bound`, by a sweep and by what it leaves behind.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// An agent dies, and three views watch.
const FLEET: &str = "scenarios/holds/agent-fleet-30s-10s.toml";
/// An agent dies when everything is as slow as it may be.
const AT_THE_BOUND: &str = "scenarios/holds/staleness-at-the-bound.toml";
/// It has no registry.
const LEASES: &str = "scenarios/holds/gc-pause-across-expiry.toml";

/// What the program prints, if it ends with this code.
fn printed(line: &str, code: i32) -> String {
    let mut command = Command::new(PROGRAM);
    let output = command.args(line.split(' ')).current_dir(ROOT).env("NO_COLOR", "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}\n{told}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(line: &str) -> Value {
    serde_json::from_str(&printed(&format!("{line} --format json"), 0)).unwrap()
}

/// The values behind a name in a table.
fn row<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let line = text.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).split_whitespace().collect()
}

#[test]
fn a_run_tells_bound_measured_and_ratio() {
    let run = json(&format!("run {FLEET} --quiet"));
    let measures = run["measures"].as_array().unwrap();
    let of = |name: &str| measures.iter().find(|measure| measure["metric"] == name).unwrap();
    let bounds = &json(&format!("bound {FLEET}"))["bounds"]["discovery"];
    for (name, bound) in [("exclusion", &bounds["exclusion_ns"]), ("visibility", &bounds["visibility_ns"])] {
        let nearest = &of(name)["nearest"];
        assert_eq!(&nearest["bound"], bound, "{name}");
        let ratio = nearest["measured"].as_f64().unwrap() / nearest["bound"].as_f64().unwrap();
        assert!((nearest["ratio"].as_f64().unwrap() - ratio).abs() < 1e-5 && ratio <= 1.0, "{name} {ratio}");
    }
    let together = of("staleness");
    assert_eq!(together["samples"], together["in_bound"], "nothing was cut, so nothing is excused");
    assert_eq!(together["percentiles"]["max"], together["worst"]);
    assert!(measures.iter().all(|measure| measure["metric"] != "calls-to-dead"), "nobody calls");

    let told = printed(&format!("run {FLEET} --quiet"), 0);
    let [measured, bound, ratio, percent, in_bound, outside, violated] = row(&told, "hop one ")[..] else {
        panic!("{told}")
    };
    assert_eq!((percent, in_bound, outside, violated), ("%", "1", "-", "-"));
    assert!(measured.ends_with('s') && bound.ends_with('s') && ratio.contains('.'), "{told}");
    assert_eq!(row(&told, "together ").len(), 7, "{told}");
}

#[test]
fn calls_to_the_dead_are_counted_where_somebody_calls() {
    let run = json("run scenarios/holds/load-balancer-polling.toml --quiet");
    let measures = run["measures"].as_array().unwrap();
    let calls = measures.iter().find(|measure| measure["metric"] == "calls-to-dead").unwrap();
    assert_eq!(calls["unit"], "calls");
    assert!(calls["worst"].as_u64() > Some(0), "{calls}");
}

/// The scenario is called so.
#[test]
fn at_the_bound_lookups_use_up_nearly_all_of_it() {
    for seed in 0..4 {
        let run = json(&format!("run {AT_THE_BOUND} --quiet --seed {seed}"));
        let measures = run["measures"].as_array().unwrap();
        let staleness = measures.iter().find(|measure| measure["metric"] == "staleness").unwrap();
        let ratio = staleness["nearest"]["ratio"].as_f64().unwrap();
        assert!((0.95..=1.0).contains(&ratio), "seed {seed}: {ratio}");
    }
}

#[test]
fn where_nothing_is_measured_nothing_is_told_of_it() {
    assert_eq!(json(&format!("run {LEASES} --quiet"))["measures"], Value::Array(Vec::new()));
    assert!(!printed(&format!("run {LEASES} --quiet"), 0).contains("staleness"));
    assert_eq!(json(&format!("bound {LEASES}"))["bounds"]["discovery"], Value::Null);
    assert!(!printed(&format!("bound {LEASES}"), 0).contains("hop one"));
}

#[test]
fn what_always_holds_is_hop_one_and_the_cache() {
    let bounds = &json(&format!("bound {FLEET}"))["bounds"]["discovery"];
    let of = |name: &str| bounds[name].as_u64().unwrap();
    assert_eq!(of("staleness_ns"), of("exclusion_ns") + of("cache_ns"));
    let told = printed(&format!("bound {FLEET}"), 0);
    assert!(told.contains("hop two, whatever happens to the network"), "{told}");
}

/// All files of a folder with what they hold, but for wall-clock figures.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(dir).unwrap().map(Result::unwrap).filter(|file| file.path().is_file());
    let named = files.map(|file| (file.file_name().to_string_lossy().into_owned(), file.path()));
    named
        .filter(|(name, _)| name != "timing.json")
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn a_sweep_adds_up_what_its_runs_measured_and_shards_give_the_same() {
    let desk = tempfile::tempdir().unwrap();
    let at = |name: &str| desk.path().join(name).display().to_string();
    let sweep = format!("sweep {FLEET} {LEASES} --seeds 0..12 --no-chaos --quiet");
    let told = printed(&format!("{sweep} --out {}", at("whole")), 0);
    let line = told.lines().find(|line| line.starts_with("agent-fleet-30s-10s ") && line.contains(" of "));
    assert!(line.is_some_and(|line| line.contains(" %: ") && line.contains(", seed ")), "{told}");
    for k in 1..=3 {
        printed(&format!("{sweep} --shard {k}/3 --out {}", at(&format!("s{k}"))), 0);
    }
    printed(&format!("merge {} {} {} --out {}", at("s2"), at("s3"), at("s1"), at("merged")), 0);
    let whole = contents(&desk.path().join("whole"));
    assert_eq!(contents(&desk.path().join("merged")), whole);

    let summary: Value = serde_json::from_slice(&whole["summary.json"]).unwrap();
    let measures = |place: usize| &summary["scenarios"][place]["measures"];
    assert_eq!(measures(1), &serde_json::json!({}));
    let staleness = &measures(0)["staleness"];
    assert!(staleness["samples"].as_u64().unwrap() >= 12, "{staleness}");
    assert!(staleness["nearest"]["share"].as_f64().unwrap() <= 1.0, "{staleness}");
    let log = String::from_utf8(whole["histograms.hlog"].clone()).unwrap();
    assert!(log.contains("Tag=agent-fleet-30s-10s/staleness,"), "{log}");
    // Rows of scenarios that measure nothing do not grow.
    let rows = String::from_utf8(whole["runs.csv"].clone()).unwrap();
    assert!(rows.lines().filter(|row| row.contains("gc-pause")).all(|row| row.ends_with(',')), "{rows}");
}
