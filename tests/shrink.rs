//! `leasehold shrink`: from a file or a stored failure to a small scenario file, and what may go wrong on the way.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use leasehold::{Engine, RegistrySystem, SingleGrantor, System};
use leasehold_campaign::{Expectation, FailureFolder, Fingerprint, Investigation, Origin, store};
use leasehold_scenario::{Faults, Scenario, Source, Trial, Variant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const SYSTEMS: [&dyn System; 2] = [&SingleGrantor, &RegistrySystem];

/// A pause across the expiry without fencing, among other faults that have nothing to do with it.
const UNFENCED: &str = "scenarios/breaks/pause-without-fencing.toml";
/// The same with fencing: passes.
const FENCED: &str = "scenarios/holds/gc-pause-across-expiry.toml";

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn program(args: &[&str]) -> Ended {
    let mut command = Command::new(PROGRAM);
    let output =
        command.args(args).current_dir(ROOT).stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn shrink(args: &[&str]) -> Ended {
    program(&[&["shrink"], args].concat())
}

fn arg(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

/// The trial of a printed scenario.
fn read(text: &str) -> Trial {
    let scenario = Scenario::parse(Source::of_file(Path::new("shrunk.toml"), text), &SYSTEMS);
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(scenario.is_explicit(), "{text}");
    Trial::new(&Arc::new(scenario), 0, Faults::Scripted, &SYSTEMS)
}

fn fails(trial: &Trial) -> Vec<Fingerprint> {
    Fingerprint::of(trial.scenario(), &trial.run(Engine::Sim, &mut ()))
}

/// A failure that random faults found, stored in a folder.
fn stored(parent: &Path) -> PathBuf {
    let path = Path::new(ROOT).join(UNFENCED);
    let source = Source::read(&path).expect("it is there").with_overlays(["chaos.script=left-out"]);
    let scenario = Arc::new(Scenario::parse(source, &SYSTEMS).expect("it is sound"));
    let trials = (0..).map(|seed| Trial::new(&scenario, seed, Faults::Random, &SYSTEMS));
    let mut failing = trials.filter(|trial| trial.plan().faults.len() > 3 && !fails(trial).is_empty());
    let trial = failing.next().expect("there is always one more seed");
    let report = trial.run(Engine::Sim, &mut ());
    let fingerprint = Fingerprint::of(trial.scenario(), &report).remove(0);
    let investigation = Investigation::new(trial, report, fingerprint, Engine::Sim, &SYSTEMS, &|| false);
    let folder = parent.join("failure");
    let origin = Origin {
        path: UNFENCED.into(),
        variant: Variant::AsWritten,
        overlays: vec!["chaos.script=left-out".to_owned()],
        faults: Faults::Random,
        expectation: leasehold_campaign::Expectation::Counts,
        engine: Engine::Sim,
        ignore_expect: Expectation::Counts,
    };
    store(&investigation, &folder, &origin).expect("the folder can be written");
    folder
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}

#[test]
fn a_failing_scenario_is_printed_small_and_fails_in_the_same_way() {
    let ended = shrink(&[UNFENCED, "--seed", "3", "--chaos"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let small = read(&ended.stdout);
    let named = |fingerprint: &Fingerprint| ended.stderr.contains(&format!("fails by   {fingerprint}\n"));
    assert!(fails(&small).iter().any(named), "{}", ended.stderr);
    assert!(small.plan().faults.len() <= 2, "{}", ended.stdout);
    let counts = format!(" to {}, in ", small.plan().faults.len());
    assert!(ended.stderr.contains("shrunk     from ") && ended.stderr.contains(&counts), "{}", ended.stderr);
    let again = format!("shrink {UNFENCED} --seed 3 --chaos --out FILE");
    assert!(ended.stderr.contains(&again), "{}", ended.stderr);
}

#[test]
fn the_failure_to_keep_can_be_named() {
    for part in ["fencing", "no-lost-update"] {
        let ended = shrink(&[UNFENCED, "--fingerprint", part]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let all = fails(&read(&ended.stdout));
        assert!(all.iter().any(|fingerprint| fingerprint.what == part), "{part}: {all:?}");
    }
    let ended = shrink(&[UNFENCED, "--fingerprint", "zebra"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("no failure of this run is called `zebra`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\n  fencing, accepted-older-token, of "), "{}", ended.stderr);
}

#[test]
fn a_run_that_does_not_fail_cannot_be_shrunk() {
    let ended = shrink(&[FENCED]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("this run does not fail"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--chaos"), "{}", ended.stderr);
    let ended = shrink(&[UNFENCED, "--safe"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

#[test]
fn a_file_is_written_whole_and_none_is_overwritten_unasked() {
    let folder = temporary();
    let file = folder.path().join("small.toml");
    let out = ["--out", arg(&file)];
    let ended = shrink(&[&[UNFENCED], &out[..]].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!(" run {}", file.display())), "{}", ended.stderr);
    let text = std::fs::read_to_string(&file).expect("it was written");
    assert!(!fails(&read(&text)).is_empty());
    // As it is told: it runs, and comes to what it expects.
    assert_eq!(program(&["run", arg(&file), "--quiet"]).code, Some(0));

    std::fs::write(&file, "mine").expect("it can be written");
    let ended = shrink(&[&[UNFENCED], &out[..]].concat());
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("small.toml exists") && ended.stderr.contains("--force"),
        "{}",
        ended.stderr
    );
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "mine");
    let ended = shrink(&[&[UNFENCED, "--force"], &out[..]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), text);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("it is there").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_a_pipe_is_written_into() {
    use std::os::unix::fs::FileTypeExt;
    let folder = temporary();
    let (target, link, pipe) =
        (folder.path().join("target"), folder.path().join("link"), folder.path().join("pipe"));
    std::fs::write(&target, "mine").expect("it can be written");
    std::os::unix::fs::symlink(&target, &link).expect("it can be linked");
    let ended = shrink(&[UNFENCED, "--force", "--out", arg(&link)]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(link.is_symlink());
    let text = std::fs::read_to_string(&target).expect("it is there");
    assert!(!fails(&read(&text)).is_empty());

    let made = Command::new("mkfifo").arg(&pipe).status().expect("there is mkfifo");
    assert!(made.success());
    // Open at both ends, so that nobody waits for the other; a small run fits into a pipe.
    let ends = std::fs::OpenOptions::new().read(true).write(true).open(&pipe);
    let mut ends = ends.expect("it is there");
    let ended = shrink(&[UNFENCED, "--force", "--out", arg(&pipe)]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut piped = vec![0; text.len()];
    std::io::Read::read_exact(&mut ends, &mut piped).expect("it was written into");
    assert_eq!(String::from_utf8_lossy(&piped), text);
    assert!(pipe.metadata().expect("it is there").file_type().is_fifo());
}

#[test]
fn a_file_that_cannot_be_written_is_said() {
    let folder = temporary();
    let nowhere = folder.path().join("no/such/folder/small.toml");
    let ended = shrink(&[UNFENCED, "--out", arg(&nowhere)]);
    assert_eq!(ended.code, Some(74), "{}", ended.stderr);
    assert!(ended.stderr.contains("small.toml could not be written"), "{}", ended.stderr);
}

#[test]
fn a_search_that_is_cut_short_says_so_and_gives_what_it_has() {
    let ended = shrink(&[UNFENCED, "--seed", "3", "--chaos", "--runs", "2"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("with more --runs it may become smaller"), "{}", ended.stderr);
    assert!(!fails(&read(&ended.stdout)).is_empty());
}

#[test]
fn a_stored_failure_is_shrunk_again_and_replaced_only_when_asked() {
    let parent = temporary();
    let folder = stored(parent.path());
    let shrunk = || std::fs::read_to_string(folder.join("shrunk.toml")).expect("it is stored");
    let before = shrunk();
    let ended = shrink(&[arg(&folder)]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), before.as_str()), "{}", ended.stderr);

    let ended = shrink(&[arg(&folder), "--runs", "1", "--force"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    assert_ne!(shrunk(), before);
    let loaded = FailureFolder::load(&folder, &SYSTEMS).expect("the folder is still sound");
    let digest = loaded.shrunk.run(Engine::Sim, &mut ()).digest;
    assert_eq!(loaded.record.shrunk.digest, digest.to_string());
    assert_eq!(loaded.record.shrunk.faults.len(), loaded.shrunk.plan().faults.len());
    let ended = shrink(&[arg(&folder), "--force"]);
    assert_eq!((ended.code, shrunk()), (Some(0), before), "{}", ended.stderr);

    let ended = shrink(&[arg(&folder), "--seed", "3"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("its plan is fixed"), "{}", ended.stderr);
}

#[test]
fn a_stored_failure_that_is_gone_or_damaged_is_said() {
    let parent = temporary();
    let folder = stored(parent.path());
    let plan = folder.join("plan.toml");
    let text = std::fs::read_to_string(&plan).expect("it is stored");
    std::fs::write(&plan, text.replace("fence = \"none\"", "fence = \"highest-token\""))
        .expect("it can be written");
    let ended = shrink(&[arg(&folder)]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("does not fail any more by "), "{}", ended.stderr);
    std::fs::remove_file(&plan).expect("it is there");
    let ended = shrink(&[arg(&folder)]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("plan.toml is missing"), "{}", ended.stderr);
}
