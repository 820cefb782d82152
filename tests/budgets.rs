//! Budgets: what is safe but slow exits with 6, in a run, in a sweep, and in what its shards are merged to.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "desk/mod.rs"]
mod desk;

use desk::Desk;
use serde_json::Value;

/// A holder crashes after a renewal, and the next claim comes when its term of 12 s is over.
const CRASH: &str = "schema = 1\nname = \"NAME\"\nsummary = \"A holder crashes.\"\n\
    [lease]\nttl = \"12s\"\n[network]\nlatency = \"10ms\"\nloss = \"0%\"\n\
    [[fault]]\nat = \"30s\"\non = \"holder\"\ndo = \"crash\"\nfor = \"20s\"\n\
    [phases]\nchaos = \"60s\"\n[chaos]\nmost = 0\ndraw = []\n[expect]\nbudgets = [BUDGETS]\n";

fn desk(budgets: &str) -> Desk {
    let desk = Desk::new();
    let text = CRASH.replace("NAME", "slow").replace("BUDGETS", budgets);
    std::fs::write(desk.path("slow.toml"), text).unwrap();
    desk
}

const MET: &str = "\"failover-crash.max < 30s\", \"false_expiry < 1/day\", \"load < 100/s\"";
const MISSED: &str = "\"failover-crash.max < 2s\", \"load < 100/s\"";
const UNMEASURED: &str = "\"handover.max < 2s\"";

#[test]
fn a_run_that_keeps_its_budgets_says_so() {
    let desk = desk(MET);
    let told = desk.run("run slow.toml --quiet").with(0).stdout;
    assert!(
        told.contains("budgets     failover-crash.max < 30s: measured ") && told.contains(", met"),
        "{told}"
    );
    let json = desk.run("run slow.toml --format json").with(0).json();
    let budgets = json["budgets"].as_array().unwrap();
    let goals: Vec<&str> = budgets.iter().map(|budget| budget["goal"].as_str().unwrap()).collect();
    assert_eq!(goals, ["failover-crash.max < 30s", "false_expiry < 1/day", "load < 100/s"]);
    let failover = budgets[0]["measured"].as_f64().unwrap();
    // Renewed within 4 s before the crash: 8 to 12 s of term are left, and some messages.
    assert!((8.0..13.0).contains(&failover), "{failover}");
    assert_eq!(json["verdict"], "pass");
}

#[test]
fn a_safe_run_that_misses_one_exits_with_6() {
    let desk = desk(MISSED);
    let told = desk.run("run slow.toml --quiet").with(6).stdout;
    for part in ["budget-missed", "not as expected: budget failover-crash.max < 2s: measured ", ", MISSED"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let json = desk.run("run slow.toml --format json").with(6).json();
    assert_eq!((&json["verdict"], &json["budgets"][0]["met"]), (&"budget-missed".into(), &"missed".into()));
    assert_eq!(json["unmet"].as_array().unwrap().len(), 1);
    let ignored = desk.run("run slow.toml --ignore-expect --format json").with(0).json();
    assert_eq!((&ignored["verdict"], &ignored["budgets"]), (&"pass".into(), &Value::Null));
}

#[test]
fn a_budget_about_what_never_happened_is_neither_met_nor_missed() {
    let desk = desk(UNMEASURED);
    let told = desk.run("run slow.toml --quiet").with(4).stdout;
    assert!(
        told.contains("inconclusive") && told.contains("handover.max < 2s: nothing was measured"),
        "{told}"
    );
    desk.run("sweep slow.toml --seeds 0..3 --quiet").with(4);
}

#[test]
fn a_sweep_judges_all_its_runs_together_and_so_do_its_shards() {
    let fine = desk(MET);
    fine.run("sweep slow.toml --seeds 0..6 --quiet").with(0);
    let desk = desk(MISSED);
    let told = desk.run("sweep slow.toml --seeds 0..6 --quiet --junit tests.xml --out whole").with(6).stdout;
    assert!(told.contains("missed a budget") && told.contains("failover-crash.max < 2s: measured"), "{told}");
    let junit = std::fs::read_to_string(desk.path("tests.xml")).unwrap();
    assert!(junit.contains("budget failover-crash.max &lt; 2s: measured"), "{junit}");
    let summary = std::fs::read_to_string(desk.path("whole/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["standing"], "budget-missed");
    assert_eq!(summary["verdicts"]["pass"], 6, "each run is safe by itself");
    for shard in 1..=2 {
        desk.run(&format!("sweep slow.toml --seeds 0..6 --quiet --shard {shard}/2 --out s{shard}")).with(0);
    }
    desk.run("merge s2 s1 --out merged").with(6);
    assert_eq!(desk.contents("merged"), desk.contents("whole"));
}

#[test]
fn without_budgets_nothing_is_told_of_them() {
    let desk = desk("");
    let json = desk.run("run slow.toml --format json").with(0).json();
    assert_eq!(json["budgets"], Value::Null);
    desk.run("sweep slow.toml --seeds 0..2 --quiet --out plain").with(0);
    for (name, bytes) in desk.contents("plain") {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("budget"), "{name}: {text}");
    }
}
