//! Studies, through the program.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "desk/mod.rs"]
mod desk;

use std::path::Path;

use desk::Desk;

const SCENE: &str = "\
schema = 1
summary = \"Holders crash.\"
[lease]
ttl = \"4s\"
renew = \"1s\"
[work]
kind = \"leader\"
every = \"500ms\"
[network]
loss = \"1%\"
[phases]
chaos = \"60s\"
[chaos]
only = [\"crash\"]
longest = \"10s\"
";

const STUDY: &str = "\
schema = 1
summary = \"What a TTL costs.\"
scenario = \"../scenes/scene.toml\"
seeds = 3
metrics = [\"failover\", \"messages\"]
objectives = [\"failover.p99 < 60s\"]
trade = [\"failover.p99\", \"messages\"]
[parameters]
ttl = { key = \"lease.ttl\", values = [\"2s\", \"4s\"] }
renew = { key = \"lease.renew\", derive = \"ttl / 4\" }
";

/// A desk with a study and its scenario.
fn desk() -> Desk {
    let desk = Desk::new();
    for (folder, file, text) in [("studies", "some.toml", STUDY), ("scenes", "scene.toml", SCENE)] {
        std::fs::create_dir(desk.path(folder)).unwrap();
        std::fs::write(desk.path(folder).join(file), text).unwrap();
    }
    desk
}

fn write(desk: &Desk, text: &str) {
    std::fs::write(desk.path("studies/some.toml"), text).unwrap();
}

#[test]
fn a_study_is_run_told_and_kept() {
    let desk = desk();
    let ended = desk.run("tune studies/some.toml").with(0);
    for words in [
        "some: What a TTL costs.",
        "2 points, 3 seeds each (the same for all), 6 runs",
        "front of failover.p99, messages.mean",
        "recommended: point 0, ttl = 2s, renew = 500ms",
        "than the scenario's own",
        "written to reports/some",
    ] {
        assert!(ended.stdout.contains(words), "{words}\n{}", ended.stdout);
    }
    assert!(ended.stderr.contains("tune: 2 points, 3 seeds each, 6 runs on "), "{}", ended.stderr);
    let kept = desk.contents("reports/some");
    let names: Vec<&str> = kept.keys().map(String::as_str).collect();
    for name in ["points.csv", "summary.json", "report.html", "report.md", "sums.jsonl", "study.json"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(names.contains(&"histograms/point-0-failover.hdr"), "{names:?}");
    assert!(names.contains(&"histograms/point-1-failover.hgrm"), "{names:?}");
    assert!(!names.contains(&"runs.csv") && !names.contains(&"failures.csv"), "{names:?}");
    let points = String::from_utf8(kept["points.csv"].clone()).unwrap();
    let lines: Vec<&str> = points.lines().collect();
    assert!(
        lines[0].starts_with("point,ttl,renew,runs,failed,hazards,default,front,failover.count,"),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with("0,2s,500ms,3,0,") && lines[2].starts_with("1,4s,1s,3,0,"), "{points}");
    // It is there already.
    let again = desk.run("tune studies/some.toml").with(2);
    assert!(again.stderr.contains("reports/some is there already"), "{}", again.stderr);
    desk.run("tune studies/some.toml --force --quiet").with(0);
    assert_eq!(desk.contents("reports/some"), kept);
}

#[test]
fn shards_merge_and_what_was_cut_short_goes_on() {
    let desk = desk();
    desk.run("tune studies/some.toml --runs --jobs 1 --quiet --out whole").with(0);
    let whole = desk.contents("whole");
    let runs = String::from_utf8(whole["runs.csv"].clone()).unwrap();
    assert_eq!(runs.lines().count(), 1 + 6, "{runs}");
    for k in 1..=2 {
        desk.run(&format!("tune studies/some.toml --runs --quiet --shard {k}/2 --out s{k}")).with(0);
    }
    let merged = desk.run("merge s2 s1 --out merged").with(0);
    assert!(merged.stdout.contains("recommended: point 0"), "{}", merged.stdout);
    assert_eq!(desk.contents("merged"), whole);
    let half = desk.run("merge s2 --out half").with(5);
    assert!(half.stderr.contains("    seed 0\n"), "{}", half.stderr);
    assert!(half.stdout.contains("2 points, 2 seeds each"), "{}", half.stdout);

    // No time at all: not one seed.
    let none = desk.run("tune studies/some.toml --runs --quiet --time 0s --out none").with(0);
    assert!(none.stderr.contains("nothing was kept: its time was over"), "{}", none.stderr);
    assert!(!desk.path("none").exists());
    // A shard of the first seed is a study of which the rest is missing.
    let resumed = desk.run("tune --resume whole --quiet").with(0);
    assert!(resumed.stdout.contains("6 runs"), "{}", resumed.stdout);
    assert_eq!(desk.contents("whole"), whole);
    let said = desk.run("tune --resume whole --seeds 5").with(2);
    assert!(said.stderr.contains("--seeds: without a study"), "{}", said.stderr);
    let mixed = desk.run("merge s1 scenarios --out never").with(2);
    assert!(mixed.stderr.contains("no folder of a study"), "{}", mixed.stderr);
}

#[test]
fn what_is_set_is_laid_over_all_points_and_is_a_part_of_the_order() {
    let desk = desk();
    let set = "--set network.loss=30% --set lease.sweep=250ms";
    desk.run("tune studies/some.toml --quiet --out plain").with(0);
    desk.run(&format!("tune studies/some.toml --quiet --out whole {set}")).with(0);
    let (plain, whole) = (desk.contents("plain"), desk.contents("whole"));
    assert_ne!(plain["points.csv"], whole["points.csv"]);
    let text = |name: &str| String::from_utf8(whole[name].clone()).unwrap();
    assert!(text("report.md").contains(&format!("tune studies/some.toml --seeds 0..3 {set}")));
    let order: serde_json::Value = serde_json::from_str(&text("study.json")).unwrap();
    assert_eq!(order["order"]["overlays"], serde_json::json!(["network.loss=30%", "lease.sweep=250ms"]));
    for k in 1..=2 {
        desk.run(&format!("tune studies/some.toml --quiet --shard {k}/2 --out s{k} {set}")).with(0);
    }
    desk.run("merge s1 s2 --out merged").with(0);
    assert_eq!(desk.contents("merged"), whole);
    desk.run("tune --resume whole --quiet").with(0);
    assert_eq!(desk.contents("whole"), whole);

    desk.run("tune studies/some.toml --quiet --shard 1/2 --out other").with(0);
    for (words, told) in [
        ("merge other s2 --out never", "--set: nothing and network.loss=30%, lease.sweep=250ms"),
        (
            "tune studies/some.toml --resume whole --set network.loss=1%",
            "--set: network.loss=1% and network.loss=30%",
        ),
        ("tune studies/some.toml --resume whole", "--set: nothing and network.loss=30%"),
        ("tune --resume whole --set network.loss=30%", "--set: without a study"),
        (
            "tune studies/some.toml --out never --baseline whole",
            "has network.loss=30%, lease.sweep=250ms laid over",
        ),
        (
            "tune studies/some.toml --out never --set lease.ttl=9s",
            "the parameter `ttl` of the study sets lease.ttl",
        ),
        (
            "tune studies/some.toml --out never --set lease={}",
            "the parameter `ttl` of the study sets lease.ttl",
        ),
        ("tune studies/some.toml --out never --set lease.swep=1s", "did you mean `sweep`?"),
        ("tune studies/some.toml --out never --set lease.sweep", "\"lease.sweep\" has no value"),
    ] {
        let ended = desk.run(words).with(2);
        assert!(ended.stderr.contains(told), "{words}\n{}", ended.stderr);
    }
    assert!(!desk.path("never").exists());
    assert_eq!(desk.contents("whole"), whole);
}

#[test]
fn if_no_point_passes_the_obstacle_is_told() {
    let desk = desk();
    write(&desk, &STUDY.replace("< 60s", "< 1ms"));
    let ended = desk.run("tune studies/some.toml --quiet --out out").with(6);
    for words in [
        "no point meets all objectives: `failover.p99 < 1ms` is the obstacle; nearest is point 0",
        "is missed by 2 of 2 points",
    ] {
        assert!(ended.stdout.contains(words), "{words}\n{}", ended.stdout);
    }
    let json = desk.run("tune studies/some.toml --quiet --force --out out --format json").with(6).json();
    assert_eq!(json["summary"]["advice"]["none-passes"]["nearest"], 0);
    assert_eq!(json["complete"], true);
    // Of a part nothing is asked.
    desk.run("tune studies/some.toml --quiet --shard 1/3 --out part").with(0);
}

/// A claim that ends too late is followed too early: the point fails, the study does not.
#[test]
fn a_point_that_fails_is_told_with_the_line_that_shows_it_and_never_recommended() {
    let desk = desk();
    let scene =
        SCENE.replace("[work]", "[bounds]\nclock_rate = \"5%\"\n[work]").replace("crash", "partition");
    std::fs::write(desk.path("scenes/scene.toml"), scene).unwrap();
    let margin = "margin = { key = \"holder.margin\", values = [\"0s\", \"500ms\"] }\n";
    write(&desk, &format!("{STUDY}{margin}").replace("seeds = 3", "seeds = 20"));
    // What is laid over all points is in the line too.
    let ended = desk.run("tune studies/some.toml --quiet --out out --set bounds.clock_rate=5%").with(0);
    assert!(ended.stdout.contains("with runs that failed: never recommended"), "{}", ended.stdout);
    assert!(ended.stdout.contains("margin = 500ms"), "{}", ended.stdout);
    let line =
        ended.stdout.lines().find(|line| line.contains(" run studies/../scenes/scene.toml --seed ")).unwrap();
    assert!(line.contains(" --set bounds.clock_rate=5%"), "{line}");
    let words = line.trim().split_once(" run ").unwrap().1.replace(['\'', '"'], "");
    let shown = desk.run(&format!("run {words}")).with(1);
    assert!(shown.stdout.contains("exclusivity"), "{}", shown.stdout);
    let failures = std::fs::read_to_string(desk.path("out/failures.csv")).unwrap();
    assert!(failures.lines().nth(1).unwrap().contains("exclusivity"), "{failures}");
}

#[test]
fn a_baseline_is_of_the_same_study() {
    let desk = desk();
    desk.run("tune studies/some.toml --quiet --out old").with(0);
    desk.run("tune studies/some.toml --quiet --out new --seeds 3..6 --baseline old").with(0);
    std::fs::write(desk.path("studies/other.toml"), STUDY).unwrap();
    let other = desk.run("tune studies/other.toml --quiet --out never --baseline old").with(2);
    assert!(other.stderr.contains("it is of the study some, not of other"), "{}", other.stderr);
    write(&desk, &STUDY.replace("renew = {", "interval = {"));
    let other = desk.run("tune studies/some.toml --quiet --out never --baseline old").with(2);
    assert!(other.stderr.contains("it varies ttl (lease.ttl), renew (lease.renew), and"), "{}", other.stderr);
    let none = desk.run("tune studies/some.toml --quiet --out never --baseline scenarios").with(2);
    assert!(none.stderr.contains("no folder of a study"), "{}", none.stderr);
    assert!(!desk.path("never").exists());
}

#[test]
fn a_baseline_with_other_values_is_compared_where_both_have_a_point() {
    let desk = desk();
    desk.run("tune studies/some.toml --quiet --out old").with(0);
    write(&desk, &STUDY.replace("\"2s\", \"4s\"", "\"4s\", \"8s\""));
    desk.run("tune studies/some.toml --quiet --out new --baseline old").with(0);
    let report = std::fs::read_to_string(desk.path("new/report.md")).unwrap();
    for words in [
        "1 of 2 points are in both",
        "Only this run has 1 point, which is compared with nothing: ttl = 8s, renew = 2s.",
        "Only the baseline has 1 point, which is compared with nothing: ttl = 2s, renew = 500ms.",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
    // The scenario's own point is another too.
    let scene = SCENE.replace("\"4s\"", "\"6s\"");
    std::fs::write(desk.path("scenes/scene.toml"), scene).unwrap();
    write(&desk, &STUDY.replace("\"2s\", \"4s\"", "\"3s\", \"8s\""));
    let none = desk.run("tune studies/some.toml --quiet --out never --baseline old").with(2);
    assert!(none.stderr.contains("it has none of the points of the study"), "{}", none.stderr);
    assert!(!desk.path("never").exists());
}

#[test]
fn bad_studies_leave_nothing_behind() {
    let desk = desk();
    for (text, words) in [
        (STUDY.replace("failover.p99 <", "fail-over.p99 <"), "is no metric"),
        (
            STUDY.replace("ttl / 4", "ttl * 4"),
            "the scenario's reader refuses the point ttl = 2s, renew = 8s, and 1 more",
        ),
        (
            STUDY.replace("[parameters]", "constraints = [\"ttl < renew\"]\n[parameters]"),
            "drops all 2 points",
        ),
        (STUDY.replace("scene.toml", "scnee.toml"), "did you mean studies/../scenes/scene.toml?"),
        (STUDY.replace("lease.ttl", "lease.tll"), "did you mean `ttl`?"),
        ("schema = 1\n".to_owned(), "the study has no `summary`"),
        (String::new(), "the file is empty"),
    ] {
        write(&desk, &text);
        let ended = desk.run("tune studies/some.toml --quiet --out out").with(2);
        assert!(ended.stderr.contains(words), "{words}\n{}", ended.stderr);
        assert!(!desk.path("out").exists() && ended.stdout.is_empty());
    }
    desk.run("tune studies/none.toml").with(2);
    desk.run("tune").with(2);
}

const EACH: &str = "\
schema = 1
summary = \"Which TTL is best where.\"
scenario = \"../scenes/scene.toml\"
seeds = 3
faults = \"scripted\"
metrics = [\"messages\"]
objectives = [\"messages < 1000/s\"]
trade = [\"messages\"]
each = \"situation\"
[parameters.ttl.choices]
own = {}
\"2 s\" = { \"lease.ttl\" = \"2s\", \"lease.renew\" = \"500ms\" }
[parameters.situation.choices]
calm = {}
crash = { fault = [ { at = \"20s\", on = \"holder\", do = \"crash\" } ] }
";

/// A study that asks what is best for each value of a parameter says so, and a baseline and a part of it are as for others.
#[test]
fn what_is_best_where_is_told_value_by_value() {
    let desk = desk();
    write(&desk, EACH);
    let ended = desk.run("tune studies/some.toml --quiet --out out").with(0);
    for words in [
        "the points that no other with the same situation beats",
        "Take `own`, whatever the situation",
        "Under `calm`, `own` is best: messages mean ",
        "Under `crash`, `own` is best: messages mean ",
        "Next is `2 s`: its messages mean is ",
        "`own` is good everywhere: it meets all objectives under all 2 values of situation",
    ] {
        assert!(ended.stdout.contains(words), "{words}\n{}", ended.stdout);
    }
    let kept = desk.contents("out");
    let again = desk.run("tune studies/some.toml --quiet --baseline out --out again").with(0);
    assert!(again.stdout.contains("Take `own`"), "{}", again.stdout);
    let page = String::from_utf8(desk.contents("again")["report.md"].clone()).unwrap();
    assert!(page.contains("Nothing got better and nothing worse"), "{page}");
    assert!(String::from_utf8(kept["points.csv"].clone()).unwrap().contains("\n1,own,crash,3,0,"));
    // Where for one value nothing is good enough, the budget is missed; of a part nothing is asked.
    write(&desk, &EACH.replace("messages < 1000/s", "messages < 0.001/s"));
    let ended = desk.run("tune studies/some.toml --quiet --out missed").with(6);
    for words in [
        "No ttl meets all objectives, whatever the situation",
        "Under `calm`, no ttl meets all objectives: `messages < 0.001/s` is the obstacle. Nearest is ",
        "No ttl is good everywhere. ",
        "meets all objectives under 0 of 2 values of situation: under `calm` it misses `messages < 0.001/s` with ",
    ] {
        assert!(ended.stdout.contains(words), "{words}\n{}", ended.stdout);
    }
    desk.run("tune studies/some.toml --quiet --shard 1/2 --out part").with(0);
}

#[cfg(unix)]
mod interrupted {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, Command, Stdio};

    use super::desk::{Ended, PROGRAM};
    use super::*;

    fn begun(desk: &Desk, words: &str) -> Child {
        let mut command = desk.command(PROGRAM);
        command.args(words.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn signalled(child: Child, signal: &str) -> Ended {
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        child.wait_with_output().unwrap().into()
    }

    /// How many bytes of runs are written beside the folder's place by now.
    fn written(desk: &Desk) -> u64 {
        let entries = std::fs::read_dir(desk.path("")).unwrap().map(|entry| entry.unwrap());
        let partial =
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".out.partial-"));
        partial.filter_map(|entry| entry.path().join("runs.csv").metadata().ok()).map(|of| of.len()).sum()
    }

    /// Sends it this signal as soon as more runs than these bytes are written: whole seeds, then.
    fn interrupted(desk: &Desk, words: &str, signal: &str, beyond: u64) -> Ended {
        let mut child = begun(desk, words);
        while written(desk) <= beyond {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
            std::thread::yield_now();
        }
        signalled(child, signal)
    }

    /// The seeds that are there, and whether that is all; each with all its points.
    fn kept(desk: &Desk) -> u64 {
        let contents = desk.contents("out");
        let study: serde_json::Value = serde_json::from_slice(&contents["study.json"]).unwrap();
        let covered = study["covered"].as_array().unwrap();
        let [from, to] = [0, 1].map(|end| covered[0][end].as_u64().unwrap());
        assert_eq!((covered.len(), from, &study["complete"]), (1, 0, &false.into()));
        let runs = String::from_utf8(contents["runs.csv"].clone()).unwrap();
        assert_eq!(runs.lines().count() as u64, 1 + 2 * to, "both points of each seed");
        to
    }

    /// Enough that a signal comes in time, and few enough to wait for twice.
    const SEEDS: u64 = 1_000;

    #[test]
    fn whole_seeds_are_kept_and_what_goes_on_comes_to_the_same() {
        let desk = desk();
        let order = format!("studies/some.toml --seeds {SEEDS} --runs --quiet");
        desk.run(&format!("tune {order} --out whole")).with(0);

        let ended = interrupted(&desk, &format!("tune {order} --out out"), "-INT", 0).with(130);
        for words in ["not complete: it was interrupted; go on with ", "tune --resume out"] {
            assert!(ended.stdout.contains(words), "{words}\n{}", ended.stdout);
        }
        let first = kept(&desk);
        assert!((1..SEEDS).contains(&first), "{first}");

        let there = desk.path("out/runs.csv").metadata().unwrap().len();
        let ended = interrupted(&desk, "tune --resume out --quiet", "-TERM", there).with(143);
        assert!(ended.stdout.contains("not complete: it was terminated"), "{}", ended.stdout);
        let second = kept(&desk);
        assert!((first + 1..SEEDS).contains(&second), "{first} {second}");

        desk.run("tune --resume out --quiet").with(0);
        assert_eq!(desk.contents("out"), desk.contents("whole"));
    }

    /// Sixty points of an hour each, and none of them is done when the signal comes.
    #[test]
    fn before_the_first_seed_is_whole_nothing_is_kept() {
        for (signal, code, word) in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
            let desk = desk();
            std::fs::write(desk.path("scenes/scene.toml"), SCENE.replace("60s", "1h")).unwrap();
            let values = "from = \"2s\", to = \"9s\", steps = 60";
            write(&desk, &STUDY.replace("values = [\"2s\", \"4s\"]", values));
            let mut child = begun(&desk, "tune studies/some.toml --out out");
            let mut stderr = BufReader::new(child.stderr.take().unwrap());
            let mut said = String::new();
            stderr.read_line(&mut said).unwrap();
            assert!(said.starts_with("tune: 61 points, 3 seeds each"), "{said}");
            let ended = signalled(child, signal).with(code);
            stderr.read_to_string(&mut said).unwrap();
            assert!(
                said.contains(&format!("nothing was kept: it was {word} before all points had")),
                "{said}"
            );
            assert!(ended.stdout.is_empty() && written(&desk) == 0 && !desk.path("out").exists());
        }
    }
}

/// Every study that is shipped can be read, point by point, and run.
#[test]
fn every_study_that_is_shipped_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("scenarios/studies");
    let mut studies: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    studies.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    studies.sort();
    assert!(studies.len() >= 6, "{studies:?}");
    let desk = desk();
    for study in studies {
        let name = study.file_stem().unwrap().to_string_lossy().into_owned();
        // Of a single seed no objective is asked: it is a part of two.
        let words = format!("tune {} --quiet --seeds 2 --shard 1/2 --out {name}", study.display());
        let ended = desk.run(&words).with(0);
        assert!(ended.stdout.contains(&format!("{name}: ")), "{}", ended.stdout);
    }
}
