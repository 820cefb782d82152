//! `mutants` as a script and as a person see it: exit codes, what is told of each bug, what is written, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "desk/mod.rs"]
mod desk;

use std::fs;
use std::path::Path;

use desk::{Desk, Ended, PROGRAM};
use leasehold::{RegistrySystem, SingleGrantor};
use leasehold_campaign::{Completeness, RowsError, RowsOrder, catalogue, rows};
use serde_json::Value;

/// The grantor believes the wall clock.
const ON_THE_WALL: &str = "[grantor]\nclock = \"wall\"\n";
const ENDED_EARLY: &str = "caught_by = [\"no-early-end\"]";
/// It believes the boot clock, which nobody sets.
const ON_THE_BOOT: &str = "[safe.grantor]\nclock = \"boot\"\n";
/// Steps that bring the bug out, and pauses, after which leases end as they should.
const BOTH: &str = "only = [\"clock.wall-step\", \"pause\"]";
/// Nothing that could bring it out.
const PAUSES: &str = "only = [\"pause\"]";
/// Nothing after which a lease ends as it should.
const STEPS: &str = "only = [\"clock.wall-step\"]";

/// A folder with scenarios that show known bugs, each a file with its id for a name.
fn desk(rows: &[(&str, &str, &str, &str)]) -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("rows")).unwrap();
    for (id, design, fate, safe) in rows {
        fs::write(desk.path(&format!("rows/{id}.toml")), row(id, design, fate, safe)).unwrap();
    }
    desk
}

/// A short lease, five seconds of chaos, and a step of the wall clock that is left out unless it is asked for.
fn row(id: &str, design: &str, fate: &str, safe: &str) -> String {
    format!(
        "schema = 1\nsummary = \"Row {id}.\"\n{design}[lease]\nttl = \"1s\"\n[phases]\nchaos = \"5s\"\n\
         settle = \"5s\"\n[chaos]\ndraw = []\n{BOTH}\n[[fault]]\nat = \"2500ms\"\non = \"grantor\"\n\
         do = \"clock.wall-step\"\nby = \"+1h\"\n[bug]\nid = \"{id}\"\nsource = \"somebody\"\n\
         trigger = \"a step\"\n{fate}\n{safe}"
    )
}

fn found() -> Desk {
    desk(&[("A7", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT)])
}

fn mutants(desk: &Desk, words: &str) -> Ended {
    desk.run(&format!("mutants rows --quiet {words}"))
}

/// What is told of the only row.
fn only(ended: &Ended) -> Value {
    let rows = ended.json()["rows"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    rows[0].clone()
}

#[test]
fn a_bug_is_found_by_chance_and_its_twin_is_not() {
    let desk = found();
    let row = only(&mutants(&desk, "--seeds 60 --format json").with(0));
    assert_eq!((&row["id"], &row["standing"]), (&"A7".into(), &"found".into()));
    let detected = row["detected"].as_u64().unwrap();
    assert!((1..60).contains(&detected), "the rate says something: {detected}");
    assert_eq!(row["rate"].as_f64(), Some(detected as f64 / 60.0));
    let (low, high) = (row["rate_95"][0].as_f64().unwrap(), row["rate_95"][1].as_f64().unwrap());
    assert!(low < detected as f64 / 60.0 && high > detected as f64 / 60.0);
    assert_eq!(row["first_violated"]["no-early-end"], detected);
    assert_eq!((&row["safe"]["seeds"], &row["safe"]["alarms"]), (&60.into(), &0.into()));
    let judged = row["safe"]["judged"].as_u64().unwrap();
    assert!((1..60).contains(&judged), "only under some seeds does a lease end by itself: {judged}");
    assert_eq!(row["safe"]["excludes_above"], 3.0 / 60.0);
    assert_eq!(row["replaced"][0]["key"], "grantor.clock");
    assert_eq!(row["matrix"]["runs"], detected.min(25));
    assert_eq!(row["matrix"]["invariants"]["no-early-end"]["at_all"], detected.min(25));

    // The line that is told shows it, and the scenario's own fault is no part of that run.
    let again = row["again"].as_str().unwrap().replace('\'', "");
    let shown = desk.run(&again).with(1);
    assert!(shown.stdout.contains("no-early-end"), "{}", shown.stdout);
    let first = row["first_seed"].as_u64().unwrap();
    assert!(first > 0, "the seeds before do not find it");
    mutants(&desk, &format!("--seeds {first}")).with(1);
}

/// With the fault that it scripts it is found under each seed.
#[test]
fn what_a_scenario_scripts_is_left_out() {
    let desk = found();
    let calm = row("A7", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT).replace(BOTH, PAUSES);
    fs::write(desk.path("rows/A7.toml"), &calm).unwrap();
    let ended = mutants(&desk, "--seeds 40").with(1);
    assert!(ended.stdout.contains("it escaped: no random plan violated no-early-end"), "{}", ended.stdout);

    let scripted = calm.replace(ENDED_EARLY, &format!("{ENDED_EARLY}\nscripted = \"no step is drawn\""));
    fs::write(desk.path("rows/A7.toml"), &scripted).unwrap();
    let ended = mutants(&desk, "--seeds 40").with(1);
    assert!(ended.stdout.contains("  VACUOUS\n"), "no lease of the safe twin ends: {}", ended.stdout);

    let dies = "[[fault]]\nat = \"500ms\"\non = \"holder\"\ndo = \"crash\"\n[[fault]]\n";
    fs::write(desk.path("rows/A7.toml"), scripted.replacen("[[fault]]\n", dies, 1)).unwrap();
    let row = only(&mutants(&desk, "--seeds 40 --format json").with(0));
    assert_eq!((&row["standing"], &row["detected"]), (&"scripted".into(), &0.into()));
    assert_eq!((&row["as_written"]["seeds"], &row["as_written"]["detected"]), (&20.into(), &20.into()));
    assert_eq!(row["as_written"]["safe"]["alarms"], 0);
    assert_eq!(row["matrix"]["runs"], 20);
    let until_found = only(&mutants(&desk, "--seeds 40 --until-found --format json").with(0));
    assert!(until_found["seeds"].as_u64().unwrap() < 40, "{until_found}");
}

#[test]
fn the_exit_code_says_how_the_bugs_fare() {
    let harmless = "harmless = \"nobody sets the clock\"";
    let control = "control = \"it is dangerous and right\"";
    let still_on_the_wall = "[safe.lease]\nttl = \"1100ms\"\n";
    for (code, standing, kinds, row) in [
        (0, "found", BOTH, ("A7", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT)),
        (1, "ESCAPED", PAUSES, ("A7", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT)),
        (1, "VACUOUS", STEPS, ("A7", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT)),
        (1, "FALSE ALARM", BOTH, ("A7", ON_THE_WALL, ENDED_EARLY, still_on_the_wall)),
        (0, "harmless", PAUSES, ("A7", ON_THE_WALL, harmless, ON_THE_BOOT)),
        (1, "NOT HARMLESS", BOTH, ("A7", ON_THE_WALL, harmless, ON_THE_BOOT)),
        (0, "control", PAUSES, ("A33", "", control, "")),
        (1, "NOT HARMLESS", BOTH, ("A33", ON_THE_WALL, control, "")),
        (1, "NO HAZARD", STEPS, ("A33", "", control, "")),
    ] {
        let desk = desk(&[row]);
        let file = desk.path(&format!("rows/{}.toml", row.0));
        fs::write(&file, fs::read_to_string(&file).unwrap().replace(BOTH, kinds)).unwrap();
        for words in ["--seeds 40", "--seeds 40 --until-found"] {
            let ended = mutants(&desk, words);
            let told = format!("{standing}, {words}:\n{}", ended.stdout);
            assert!(ended.stdout.contains(&format!("  {standing}\n")) && ended.code == Some(code), "{told}");
        }
    }
}

#[test]
fn until_found_takes_no_more_seeds_than_it_needs_on_any_number_of_threads() {
    let desk =
        desk(&[("A7", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT), ("A8", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT)]);
    let all = mutants(&desk, "--seeds 60 --format json").with(0).json();
    let first = all["rows"][0]["first_seed"].as_u64().unwrap();
    let found = |jobs: &str| {
        let words = format!("--seeds 60 --until-found --format json --jobs {jobs}");
        mutants(&desk, &words).with(0).json()
    };
    let one = found("1");
    assert_eq!(one, found("4"));
    for row in one["rows"].as_array().unwrap() {
        // Until it is found, and until its twin was judged.
        let seeds = row["seeds"].as_u64().unwrap();
        assert!((first + 1..60).contains(&seeds), "{seeds}");
        assert_eq!(row["first_seed"], first);
        assert!(row["detected"] == 1 || row["safe"]["judged"] == 1, "{row}");
        assert_eq!(row["safe"]["seeds"], seeds, "the twin has the same seeds");
        assert_eq!(row["matrix"], Value::Null);
    }
}

#[test]
fn threads_do_not_show_in_what_is_written() {
    let desk =
        desk(&[("A7", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT), ("A8", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT)]);
    let written = |jobs: &str| {
        mutants(&desk, &format!("--seeds 60 --jobs {jobs} --out {jobs}")).with(0);
        desk.contents(jobs)
    };
    let one = written("1");
    assert_eq!(one, written("4"));
    assert_eq!(
        one.keys().collect::<Vec<_>>(),
        ["known-bugs.md", "matrix.csv", "mutants.csv", "mutants.json"]
    );
    let text = |name: &str| String::from_utf8(one[name].clone()).unwrap();
    let [sheet, matrix, object, page] =
        ["mutants.csv", "matrix.csv", "mutants.json", "known-bugs.md"].map(text);
    assert_eq!((sheet.lines().count(), sheet.contains("A8,A8,rows/A8.toml,found,60,")), (3, true), "{sheet}");
    assert!(
        matrix.lines().any(|line| line.starts_with("A7,A7,") && line.contains(",no-early-end,")),
        "{matrix}"
    );
    assert!(serde_json::from_str::<Value>(&object).unwrap()["complete"] == true);
    assert!(page.contains("| A7 | Row A7. | somebody | a step | `grantor.clock = \"wall\"` |"), "{page}");
}

#[test]
fn a_folder_is_replaced_only_if_it_is_one_of_these() {
    let desk = found();
    mutants(&desk, "--seeds 20 --out out").with(0);
    let told = mutants(&desk, "--seeds 20 --out out").with(2).stderr;
    assert!(told.contains("out is there already") && told.contains("--force"), "{told}");
    mutants(&desk, "--seeds 20 --out out --force").with(0);
    fs::write(desk.path("out/notes.txt"), "mine").unwrap();
    let told = mutants(&desk, "--seeds 20 --out out --force").with(2).stderr;
    assert!(told.contains("`notes.txt` in it is none of what mutants writes"), "{told}");
    let told = mutants(&desk, "--seeds 20 --out scenarios --force").with(2).stderr;
    assert!(told.contains("no mutants.json of leasehold"), "{told}");
}

#[test]
fn what_is_wrong_is_told_and_not_measured() {
    let desk = found();
    let same = row("A3", ON_THE_WALL, ENDED_EARLY, "[safe.expect]\nreach = []\n");
    let elsewhere =
        row("A4", ON_THE_WALL, ENDED_EARLY, &format!("{ON_THE_BOOT}[safe.phases]\nchaos = \"4s\"\n"));
    let nothing_safe = row("A5", ON_THE_WALL, ENDED_EARLY, "");
    let planned = format!("{}[plan]\n", row("A6", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT))
        .replace(&format!("[chaos]\ndraw = []\n{BOTH}\n"), "");
    let second = row("A7", ON_THE_WALL, ENDED_EARLY, ON_THE_BOOT);
    fs::create_dir(desk.path("others")).unwrap();
    for (name, text) in [
        ("same", same),
        ("elsewhere", elsewhere),
        ("nothing_safe", nothing_safe),
        ("planned", planned),
        ("second", second),
    ] {
        fs::write(desk.path(&format!("others/{name}.toml")), text).unwrap();
    }
    for (words, reason) in [
        ("rows --id A36", "no known bug is called so: did you mean A3"),
        ("rows --id A2", "no scenario in rows shows A2"),
        ("rows --id A7,B1", "no scenario in rows shows B1"),
        ("rows --seeds 0", "at least 1"),
        ("rows --force", "--out"),
        ("nowhere.toml", "there is no such file"),
        ("scenarios", "no scenario in scenarios has a [bug] table"),
        ("", "there is no folder ./scenarios/breaks here"),
        ("rows others/second.toml", "A7 is shown by two scenarios: "),
        ("others/same.toml", "the safe variant of A3 is the unsafe one"),
        (
            "others/elsewhere.toml",
            "the safe variant of A4 lives in another world: [safe] in others/elsewhere.toml replaces phases.chaos",
        ),
        ("others/nothing_safe.toml", "the scenario has no [safe] table"),
        ("others/planned.toml", "chance cannot find A6"),
    ] {
        let ended = desk.run(&format!("mutants --quiet {words}")).with(2);
        assert!(ended.stderr.contains(reason), "{words}, expected {reason}:\n{}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{words}: {}", ended.stdout);
    }
}

/// Of the folders that are looked into when nothing is said, each known bug has to be in one.
#[test]
fn no_known_bug_goes_missing_unnoticed() {
    let desk = found();
    fs::create_dir(desk.path("scenarios/breaks")).unwrap();
    fs::create_dir(desk.path("scenarios/holds")).unwrap();
    fs::copy(desk.path("rows/A7.toml"), desk.path("scenarios/breaks/A7.toml")).unwrap();
    let told = desk.run("mutants --quiet --seeds 1").with(2).stderr;
    assert!(told.contains("shows A1, A2, A3,") && told.contains("B20, B21"), "{told}");
    desk.run("mutants --quiet --seeds 30 --id A7").with(0);
}

#[test]
#[cfg(unix)]
fn interrupted_it_tells_what_was_not_run_and_writes_nothing() {
    let desk = found();
    let mut command = desk.command(PROGRAM);
    command.args(["mutants", "rows", "--seeds", "1000000", "--out", "out"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It says that it has begun, and listens to signals by then.
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut begun = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut begun).unwrap();
    assert!(begun.starts_with("mutants: 1 bug, 1,000,000 seeds each"), "{begun}");
    let signalled =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{}", ended.stdout);
    assert!(ended.stdout.contains("1 not run to their end"), "{}", ended.stdout);
    assert!(!desk.path("out").exists());
}

/// What the page measured is not compared: that is what `mutants --out` is for.
#[test]
fn the_page_of_known_bugs_says_of_each_what_its_scenario_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let paths = ["scenarios/breaks", "scenarios/holds"].map(|folder| root.join(folder));
    let order = RowsOrder { paths: &paths, ids: &[], completeness: Completeness::Every };
    let rows = rows(&order, &[&SingleGrantor, &RegistrySystem]).unwrap_or_else(|error| match error {
        RowsError::Wrong { errors } => panic!("{}", errors[0]),
        error => panic!("{error}"),
    });
    let page = fs::read_to_string(root.join("docs/known-bugs.md")).unwrap();
    let says = catalogue(&rows);
    for line in says.lines() {
        assert!(
            page.contains(line),
            "not in docs/known-bugs.md, which `leasehold mutants --out` writes:\n{line}"
        );
    }
    assert!(page.contains(&says), "docs/known-bugs.md has other bugs too");
    assert!(!page.contains("| a gap |"), "an invariant that no bug brings out");
}
