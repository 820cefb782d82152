//! Results folders, shards and their merge, through the program.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "desk/mod.rs"]
mod desk;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use desk::{Desk, PROGRAM};

/// A sweep that has failures, a pass, and a violation that is expected.
const SWEEP: &str = "sweep scenarios --seeds 5..15 --quiet";

/// Runs all shards of it into `s1`, `s2` and so on.
fn shards(desk: &Desk, of: u64) -> Vec<String> {
    let names = (1..=of).map(|k| format!("s{k}"));
    let run = |(name, k): (String, u64)| {
        // Only the shards with a run of the canary fail.
        let ended = desk.run(&format!("{SWEEP} --shard {k}/{of} --out {name} --exit-zero-on-violation"));
        ended.with(0);
        name
    };
    names.zip(1..).map(run).collect()
}

/// What stands in the folder beside the scenarios.
fn left(desk: &Desk) -> Vec<String> {
    let entries = std::fs::read_dir(desk.path("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "scenarios");
    names.sort();
    names
}

#[test]
fn merged_shards_are_one_sweep_byte_for_byte() {
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --out whole")).with(1);
    let whole = desk.contents("whole");
    assert!(whole.keys().any(|name| name.starts_with("failures/canary-") && name.ends_with("/shrunk.toml")));
    assert_eq!(shards(&desk, 3), ["s1", "s2", "s3"]);

    let merged = desk.run("merge s3 s1 s2 s1 --out merged").with(1);
    assert_eq!(desk.contents("merged"), whole);
    assert!(!desk.path("merged/timing.json").exists());
    assert!(merged.stdout.contains("merged      30 runs"), "{}", merged.stdout);
    let line = merged.stdout.lines().last().unwrap();
    assert!(line.contains(" replay merged/failures/canary-"), "{line}");

    desk.run("merge s2 s3 --out half").with(5);
    desk.run("merge s1 half merged --out again").with(1);
    assert_eq!(desk.contents("again"), whole);
    desk.run("merge s1 half --out again --exit-zero-on-violation").with(2);
    desk.run("merge s1 half --out again --force --exit-zero-on-violation").with(0);
    assert_eq!(desk.contents("again"), whole);
}

#[test]
fn on_one_thread_and_on_two_it_is_the_same_folder() {
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --jobs 1 --out one")).with(1);
    desk.run(&format!("{SWEEP} --jobs 2 --out two")).with(1);
    assert_eq!(desk.contents("one"), desk.contents("two"));
}

#[test]
fn missing_shards_are_named_and_the_rest_is_merged() {
    let desk = Desk::new();
    shards(&desk, 3);
    let ended = desk.run("merge s3 s1 --out some --format json").with(5);
    assert_eq!(ended.json()["complete"], false);
    assert_eq!(ended.json()["runs"], 20);
    for words in ["10 runs, from scenarios/", "(shard 2/3)", "merge it with some"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    desk.run("merge s2 some --out all").with(1);
    desk.run(&format!("{SWEEP} --out whole")).with(1);
    assert_eq!(desk.contents("all"), desk.contents("whole"));
}

#[test]
fn folders_that_do_not_belong_together_are_refused_and_nothing_is_written() {
    let desk = Desk::new();
    shards(&desk, 2);
    desk.run("sweep scenarios --seeds 5..16 --quiet --shard 2/2 --out other").with(1);
    let text = std::fs::read_to_string(desk.path("s2/runs.csv")).unwrap();
    desk.run("merge s2 --out cut").with(5);
    std::fs::write(desk.path("cut/runs.csv"), &text[..text.len() - 10]).unwrap();
    desk.run("merge s2 --out damaged").with(5);
    std::fs::write(desk.path("damaged/manifest.json"), "{").unwrap();
    std::fs::create_dir(desk.path("empty")).unwrap();
    let before = left(&desk);
    for (words, reason) in [
        ("merge s1 other --out out", "s1 and other are of different sweeps: seeds: 5..15 and 5..16"),
        ("merge s1 cut --out out", "cut/runs.csv is damaged: it is cut off in the middle of a line"),
        ("merge s1 damaged --out out", "damaged/manifest.json is damaged: this is not JSON"),
        ("merge s1 empty --out out", "empty is no results folder: it has no manifest.json"),
        ("merge s1 nowhere --out out", "nowhere could not be read"),
        ("merge s1 s2 --out s2", "s2 is there already"),
        ("merge s1 s2 --out empty", "empty is there already"),
        ("merge s1 s2 --out scenarios --force", "scenarios is not replaced"),
        ("merge --out out", "<DIR>"),
        ("merge s1 s2", "--out <DIR>"),
    ] {
        let ended = desk.run(words).with(2);
        assert!(ended.stderr.contains(reason), "{words}: {}", ended.stderr);
        assert_eq!(left(&desk), before, "{words}");
    }
}

#[test]
fn an_existing_folder_is_left_alone() {
    let desk = Desk::new();
    desk.run("sweep scenarios/fenced.toml --seeds 0..2 --quiet --out out").with(0);
    let before = desk.contents("out");
    let ended = desk.run("sweep scenarios/fenced.toml --seeds 0..3 --quiet --out out").with(2);
    assert!(
        ended.stderr.contains("out is there already") && ended.stderr.contains("--force"),
        "{}",
        ended.stderr
    );
    assert_eq!(desk.contents("out"), before);
    desk.run("sweep scenarios/fenced.toml --seeds 0..3 --quiet --out out --force").with(0);
    assert_ne!(desk.contents("out"), before);
    // Nobody's files go, whatever is asked for.
    std::fs::write(desk.path("out/notes.txt"), "mine").unwrap();
    let ended = desk.run("sweep scenarios/fenced.toml --seeds 0..2 --quiet --out out --force").with(2);
    assert!(ended.stderr.contains("`notes.txt` in it is none of the results"), "{}", ended.stderr);
    assert_eq!(left(&desk), ["out"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_74() {
    let desk = Desk::new();
    std::fs::write(desk.path("file"), "").unwrap();
    let ended = desk.run("sweep scenarios/fenced.toml --seeds 0..2 --quiet --out file/out").with(74);
    assert!(ended.stderr.starts_with("error: file/out could not be written"), "{}", ended.stderr);
    let ended = desk.run("sweep scenarios/fenced.toml --seeds 0..2 --quiet --junit file/tests.xml").with(74);
    assert!(ended.stderr.contains("file/tests.xml could not be written"), "{}", ended.stderr);
}

#[test]
fn a_failure_that_cannot_be_stored_is_74() {
    let desk = Desk::new();
    std::fs::write(desk.path("reports"), "no folder").unwrap();
    let ended = desk.run("sweep scenarios/canary.toml --seeds 0..2 --quiet").with(74);
    let told = "error: reports/failures/canary-";
    assert!(
        ended.stderr.starts_with(told) && ended.stderr.contains("could not be written"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("1 of 1 scenario did not come"), "{}", ended.stdout);
}

#[test]
fn results_that_find_their_place_taken_are_told_where_they_are() {
    let desk = Desk::new();
    let mut command = desk.command(PROGRAM);
    let sweep = "sweep scenarios/canary.toml --seeds 0..100 --jobs 1 --out out";
    command.args(sweep.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut first).unwrap();
    std::fs::create_dir(desk.path("out")).unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let ended = desk::Ended::from(child.wait_with_output().unwrap()).with(74);
    assert!(ended.stdout.contains("did not come to what they should"), "the findings: {}", ended.stdout);
    let folder = rest.trim_end().rsplit(' ').next().unwrap();
    assert!(rest.contains("error: out could not be written") && folder.contains(".out.partial-"), "{rest}");
    assert_eq!(desk.contents(folder)["manifest.json"].last(), Some(&b'\n'));
}

#[test]
fn a_junit_file_replaces_an_older_one_and_nothing_else() {
    let desk = Desk::new();
    let sweep = "sweep scenarios/fenced.toml --seeds 0..2 --quiet --junit";
    for _ in 0..2 {
        desk.run(&format!("{sweep} tests.xml")).with(0);
        let text = std::fs::read_to_string(desk.path("tests.xml")).unwrap();
        assert!(text.contains("</testsuites>"), "{text}");
    }
    let scenario = std::fs::read_to_string(desk.path("scenarios/fenced.toml")).unwrap();
    for (target, told) in [("scenarios/fenced.toml", "is no JUnit XML"), ("scenarios", "is a folder")] {
        let ended = desk.run(&format!("{sweep} {target}")).with(2);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
    assert_eq!(std::fs::read_to_string(desk.path("scenarios/fenced.toml")).unwrap(), scenario);
    std::fs::write(desk.path("notes.txt"), "mine").unwrap();
    desk.run(&format!("{sweep} notes.txt --force")).with(0);
    assert!(std::fs::read_to_string(desk.path("notes.txt")).unwrap().starts_with("<?xml"));
    let before = left(&desk);
    assert_eq!(before, ["notes.txt", "tests.xml"], "nothing else is left");
    // It is refused before the first run, and what cannot be run leaves nothing.
    desk.run("sweep scenarios/fenced.toml --seeds 0..2 --force").with(2);
    desk.run(&format!("{sweep} nowhere/tests.xml")).with(74);
    assert_eq!(left(&desk), before);
}

#[test]
fn results_are_not_shrunk_in_their_place() {
    let desk = Desk::new();
    desk.run("sweep scenarios/canary.toml --seeds 0..2 --quiet --out out").with(1);
    let before = desk.contents("out");
    let id = std::fs::read_dir(desk.path("out/failures")).unwrap().next().unwrap().unwrap().file_name();
    let id = id.to_str().unwrap();
    let ended = desk.run(&format!("shrink out/failures/{id} --force")).with(2);
    assert!(ended.stderr.contains("is a part of the results in"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--out FILE"), "{}", ended.stderr);
    assert_eq!(desk.contents("out"), before);
    desk.run(&format!("shrink out/failures/{id} --out small.toml")).with(0);
    desk.run("sweep --rerun-failed out --quiet").with(1);
    // Alone it may be made smaller where it stands.
    std::fs::rename(desk.path(&format!("out/failures/{id}")), desk.path("alone")).unwrap();
    desk.run("shrink alone --force").with(0);
}

/// `ulimit` stands for a disk that is full: a file of ours cannot grow beyond it.
#[test]
#[cfg(unix)]
fn what_is_complete_stays_when_the_disk_is_full() {
    let desk = Desk::new();
    // A path that makes long lines: so that fewer runs fill the disk.
    let deep = format!("{0}/{0}", "deep".repeat(60));
    std::fs::create_dir_all(desk.path(&deep)).unwrap();
    std::fs::copy(desk.path("scenarios/fenced.toml"), desk.path(&format!("{deep}/fenced.toml"))).unwrap();
    let sweep = format!("sweep {deep} --set phases.chaos=2s --seeds 0..2700 --no-chaos --quiet --audit 0%");
    let mut command = desk.command("bash");
    command.args(["-c", &format!("trap '' XFSZ; ulimit -f 2048; exec {PROGRAM} {sweep} --out out")]);
    let ended = desk::Ended::from(command.output().unwrap()).with(74);
    assert!(ended.stderr.contains("out/runs.csv could not be written: File too large"), "{}", ended.stderr);
    assert!(ended.stdout.contains("of 2,700 runs: results could not be written"), "{}", ended.stdout);
    let rows = std::fs::read_to_string(desk.path("out/runs.csv")).unwrap();
    assert!(rows.ends_with('\n') && rows.len() > 1_000_000, "{}", rows.len());
    desk.run("sweep --resume out --quiet").with(0);
    desk.run(&format!("{sweep} --out whole")).with(0);
    assert_eq!(desk.contents("out"), desk.contents("whole"));
}

#[test]
fn a_sweep_that_stopped_early_goes_on_where_it_was() {
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --out whole")).with(1);
    desk.run(&format!("{SWEEP} --fail-fast 2 --out out")).with(1);
    let early = std::fs::read_to_string(desk.path("out/runs.csv")).unwrap();
    assert!(early.lines().count() < 30, "{early}");

    let ended = desk.run("sweep scenarios --seeds 5..16 --quiet --resume out").with(2);
    assert!(
        ended.stderr.contains("holds the results of another sweep: seeds: 5..16 and 5..15"),
        "{}",
        ended.stderr
    );
    let ended = desk.run(&format!("{SWEEP} --resume out --shard 1/2")).with(2);
    assert!(ended.stderr.contains("--shard: 1/2 and 1/1"), "{}", ended.stderr);

    let resumed = desk.run("sweep --resume out --quiet --format json").with(1);
    assert_eq!(resumed.json()["runs"], 30);
    assert!(
        resumed.json()["failures"].as_array().unwrap().iter().all(|failure| failure["folder"].is_string())
    );
    assert_eq!(desk.contents("out"), desk.contents("whole"));
    let late = std::fs::read_to_string(desk.path("out/runs.csv")).unwrap();
    assert!(late.starts_with(&early));
    // There is nothing left to do, and nothing is done twice.
    desk.run(&format!("{SWEEP} --resume out")).with(1);
    assert_eq!(desk.contents("out"), desk.contents("whole"));
}

#[test]
#[cfg(unix)]
fn what_is_interrupted_is_kept_and_gone_on_with() {
    let desk = Desk::new();
    let sweep = "sweep scenarios/fenced.toml --seeds 0..600 --jobs 1";
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut command = desk.command(PROGRAM);
        command
            .args(sweep.split_whitespace())
            .args(["--out", signal])
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.starts_with("sweep: "), "{first}");
        let kill = desk.command("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let manifest = std::fs::read_to_string(desk.path(signal).join("manifest.json")).unwrap();
        assert!(manifest.contains("\"complete\": false"), "{manifest}");
        assert!(manifest.contains("\"stopped\": \"it was interrupted\""), "{manifest}");
    }
    desk.run(&format!("{sweep} --quiet --out whole")).with(0);
    for signal in ["INT", "TERM"] {
        desk.run(&format!("sweep --quiet --resume {signal}")).with(0);
        assert_eq!(desk.contents(signal), desk.contents("whole"));
    }
}

#[test]
fn a_shard_can_come_from_the_environment() {
    let desk = Desk::new();
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "0"),
        ("SLURM_ARRAY_TASK_MIN", "0"),
        ("SLURM_ARRAY_TASK_MAX", "2"),
        ("SLURM_ARRAY_TASK_COUNT", "3"),
        ("SLURM_ARRAY_TASK_STEP", "1"),
    ];
    let words = "sweep scenarios/fenced.toml --seeds 0..9 --quiet --shard auto";
    let ended = desk.run_with(&format!("{words} --out auto"), &slurm).with(0);
    assert_eq!(ended.stderr, "shard 1/3: from a Slurm array, SLURM_ARRAY_TASK_ID=0 of 0 to 2\n");
    desk.run("sweep scenarios/fenced.toml --seeds 0..9 --quiet --shard 1/3 --out said").with(0);
    assert_eq!(desk.contents("auto"), desk.contents("said"));
    let ended = desk.run(words).with(2);
    assert!(ended.stderr.contains("no shard is named by the environment"), "{}", ended.stderr);
    for (wrong, reason) in [("0/3", "0/3 should be 1/3"), ("4/3", "the last is 3/3"), ("x", "K/N")] {
        let ended = desk.run(&format!("sweep scenarios --seeds 0..9 --shard {wrong}")).with(2);
        assert!(ended.stderr.contains(reason), "{wrong}: {}", ended.stderr);
    }
}

#[test]
fn only_what_failed_is_run_again() {
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --out out")).with(1);
    let again = desk.run("sweep --rerun-failed out --quiet --format json").with(1).json();
    assert_eq!(again["runs"], 10, "the ten runs of the canary");
    let again =
        desk.run("sweep scenarios --seeds 0..1 --rerun-failed out/failures --quiet --format json").with(1);
    let kinds = std::fs::read_dir(desk.path("out/failures")).unwrap().count();
    assert_eq!(again.json()["runs"], kinds);
    desk.run("sweep scenarios/fenced.toml --seeds 0..2 --quiet --out fine").with(0);
    let ended = desk.run("sweep --rerun-failed fine --quiet").with(2);
    assert!(ended.stderr.contains("nothing failed in fine"), "{}", ended.stderr);
}

#[test]
fn what_a_folder_says_is_not_said_again() {
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --fail-fast 2 --out out")).with(1);
    let options = ["--set lease.ttl=9s", "--safe", "--no-chaos", "--ignore-expect", "--audit 1%"];
    for folder in ["--resume out", "--rerun-failed out", "--rerun-failed out/failures"] {
        for option in options.into_iter().chain(["--seeds 0..1", "--engine sim"]) {
            let ended = desk.run(&format!("sweep {folder} {option} --quiet")).with(2);
            let name = option.split(' ').next().unwrap();
            let told = format!("error: {name}: without paths, a sweep is run as out");
            assert!(ended.stderr.starts_with(&told), "{folder} {option}: {}", ended.stderr);
        }
    }
    let ended = desk.run("sweep --resume out --shard 1/2 --safe --quiet").with(2);
    assert!(ended.stderr.starts_with("error: --safe, --shard: without paths"), "{}", ended.stderr);
    let ended = desk.run(&format!("{SWEEP} --resume out --no-chaos")).with(2);
    assert!(ended.stderr.contains("faults: scripted and random"), "{}", ended.stderr);
}

#[test]
fn failures_are_run_again_as_they_were_found() {
    let desk = Desk::new();
    let found = "--seeds 3..8 --no-chaos --set lease.ttl=900ms --ignore-expect --quiet";
    desk.run(&format!("sweep scenarios/expected.toml {found}")).with(1);
    // They fail only if nothing counts as expected.
    let again = desk.run("sweep --rerun-failed reports/sweep-1 --quiet --format json").with(1).json();
    let kinds = std::fs::read_dir(desk.path("reports/sweep-1/failures")).unwrap().count();
    assert_eq!(again["runs"], kinds);
    let mut folders = std::fs::read_dir(desk.path("reports/sweep-1/failures")).unwrap();
    let folder = folders.next().unwrap().unwrap().path();
    let record = std::fs::read_to_string(folder.join("failure.json")).unwrap();
    for words in ["\"chaos\": false", "\"ignore_expect\": true", "lease.ttl=900ms"] {
        assert!(record.contains(words), "{words}: {record}");
    }
    // With paths, the command line says how; the folder still says which seeds.
    desk.run("sweep scenarios/expected.toml --no-chaos --rerun-failed reports/sweep-1 --quiet").with(0);
    // What was found in two ways cannot be run in one.
    let two = desk.path("reports/sweep-1/failures/two");
    desk.run("sweep scenarios/canary.toml --seeds 0..2 --quiet --out other").with(1);
    let other = std::fs::read_dir(desk.path("other/failures")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(other, two).unwrap();
    let ended = desk.run("sweep --rerun-failed reports/sweep-1 --quiet").with(2);
    assert!(ended.stderr.contains("in more ways than one"), "{}", ended.stderr);
}

#[test]
fn once_a_bug_is_mended_what_failed_is_fine() {
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --out out")).with(1);
    desk.run(&format!("{SWEEP} --shard 2/2 --out half")).with(1);
    let failed = |name: &str| {
        let rows = std::fs::read_to_string(desk.path(name).join("summary.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&rows).unwrap()["failed"].clone()
    };
    let half = desk.run("sweep --rerun-failed half --quiet --format json").with(1).json();
    assert_eq!(half["runs"], failed("half"), "a shard's failures are not cut again");
    let fenced = std::fs::read_to_string(desk.path("scenarios/fenced.toml")).unwrap();
    std::fs::write(desk.path("scenarios/canary.toml"), fenced.replace("\"fenced\"", "\"canary\"")).unwrap();
    for folder in ["out", "out/failures", "half"] {
        desk.run(&format!("sweep --rerun-failed {folder} --quiet")).with(0);
    }
}

#[test]
fn a_sweep_that_ended_early_is_stored_as_it_is_told() {
    let desk = Desk::new();
    // Nothing is ever revoked in it: a whole sweep says too little.
    let text = std::fs::read_to_string(desk.path("scenarios/fenced.toml")).unwrap();
    let asking = text
        .replace("\"fenced\"", "\"asking\"")
        .replace("verdict = \"pass\"", "verdict = \"pass\"\nreach = [\"revoked\"]");
    std::fs::write(desk.path("scenarios/asking.toml"), asking).unwrap();
    let stored = |name: &str| {
        let text = std::fs::read_to_string(desk.path(name).join("summary.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let junit = std::fs::read_to_string(desk.path(name).join("junit.xml")).unwrap();
        (json["standing"].as_str().unwrap().to_owned(), junit.contains("never reached"))
    };
    let sweep = "sweep scenarios/asking.toml --no-chaos --audit 0% --quiet";
    desk.run(&format!("{sweep} --seeds 0..5 --out whole")).with(4);
    assert_eq!(stored("whole"), ("vacuous".to_owned(), true));
    desk.run(&format!("{sweep} --seeds 0..100000 --until-plateau --out plateau")).with(0);
    desk.run(&format!("{sweep} --seeds 0..100000000 --time 200ms --out time")).with(0);
    for name in ["plateau", "time"] {
        assert_eq!(stored(name), ("met".to_owned(), false), "{name}");
    }
}

#[test]
fn each_failure_has_a_line_to_paste() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("many")).unwrap();
    let canary = std::fs::read_to_string(desk.path("scenarios/canary.toml")).unwrap();
    for number in 0..23 {
        let text = canary.replace("\"canary\"", &format!("\"c{number}\""));
        std::fs::write(desk.path(&format!("many/c{number}.toml")), text).unwrap();
    }
    let sweep = "sweep many --seeds 0..1 --quiet --audit 0%";
    let told = desk.run(&format!("{sweep} --out out")).with(1).stdout;
    let folders: Vec<_> = std::fs::read_dir(desk.path("out/failures")).unwrap().collect();
    assert!(folders.len() >= 23, "{told}");
    for folder in folders {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(told.contains(&format!(" replay out/failures/{name}\n")), "{name}:\n{told}");
    }
}

#[test]
fn a_page_tells_what_was_run_here_and_now() {
    let desk = Desk::new();
    let fenced = std::fs::read_to_string(desk.path("scenarios/fenced.toml")).unwrap();
    std::fs::write(desk.path("other.toml"), fenced.replace("\"fenced\"", "\"other\"")).unwrap();
    let shard = "sweep scenarios/fenced.toml other.toml --seeds 0..1 --quiet --shard 1/2";
    let told = desk.run(shard).with(0).stdout;
    assert!(told.contains("1 of 2 scenarios had runs here, and came to what they should"), "{told}");

    desk.run(&format!("{SWEEP} --fail-fast 2 --out out")).with(1);
    let done = std::fs::read_to_string(desk.path("out/runs.csv")).unwrap();
    let rows = done.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    let told = desk.run("sweep --resume out --quiet").with(1).stdout;
    assert!(told.contains(&format!("30 runs, {} of them now in ", 30 - rows)), "{rows}:\n{told}");
}

#[test]
fn failures_are_stored_even_if_nobody_says_where() {
    let desk = Desk::new();
    desk.run("sweep scenarios/fenced.toml --seeds 0..2 --quiet").with(0);
    assert!(left(&desk).is_empty(), "what passes leaves nothing: {:?}", left(&desk));
    for number in [1, 2] {
        let ended = desk.run("sweep scenarios/canary.toml --seeds 0..2 --quiet").with(1);
        let place = format!("reports/sweep-{number}");
        assert!(ended.stdout.contains(&place), "{}", ended.stdout);
        let line = ended.stdout.lines().last().unwrap();
        let folder = line.rsplit(' ').next().unwrap();
        assert!(folder.starts_with(&place), "{line}");
        assert!(desk.path(folder).join("shrunk.toml").is_file());
    }
}

#[test]
fn github_is_told_where_it_looks() {
    let desk = Desk::new();
    let page = desk.path("summary.md");
    let page = page.to_str().unwrap();
    let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", page)];
    let words = "sweep scenarios/canary.toml --seeds 0..3 --quiet --out";
    let first = desk.run_with(&format!("{words} one"), &env).with(1);
    let told = first.stderr.lines().next().unwrap();
    assert!(told.starts_with("::error file=scenarios/canary.toml,title="), "{told}");
    assert!(told.contains("%0Aleasehold run scenarios/canary.toml --seed 0 --chaos"), "{told}");
    desk.run_with(&format!("{words} two"), &env).with(1);
    let page = std::fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("### Leasehold: 1 of 1 scenario not as expected").count(), 2, "{page}");
    assert_eq!(desk.run(&format!("{words} three")).with(1).stderr, "");
}
