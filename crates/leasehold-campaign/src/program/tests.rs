use std::fs;

use leasehold_scenario::{Engine, SingleGrantor};
use tempfile::TempDir;

use super::*;

/// A folder with these files: path and expectation of each.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, expect) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, scenario(expect)).unwrap();
    }
    folder
}

fn scenario(expect: &str) -> String {
    format!(
        "schema = 1\nsummary = \"s\"\n[lease]\nttl = \"1s\"\n[phases]\nchaos = \"1s\"\nsettle = \"1s\"\n\
         [expect]\n{expect}\n[safe.lease]\nttl = \"2s\"\n"
    )
}

fn options(seeds: &str) -> ProgramOptions {
    ProgramOptions {
        seeds: seeds.parse().unwrap(),
        overlays: Vec::new(),
        variant: Variant::AsWritten,
        faults: Faults::Random,
        expectation: Expectation::Counts,
        engine: None,
    }
}

fn load(paths: &[PathBuf], options: ProgramOptions) -> Result<Program, ProgramError> {
    Program::load(paths, options, &[&SingleGrantor])
}

fn names(program: &Program) -> Vec<&str> {
    program.entries().iter().map(|entry| entry.id.as_str()).collect()
}

#[test]
fn scenarios_stand_in_the_order_of_their_paths_each_once() {
    let files = [("b/two.toml", ""), ("b/one.toml", ""), ("a/three.toml", ""), ("b/studies/grid.toml", "")];
    let folder = folder(&files);
    fs::write(folder.path().join("b/README.md"), "no scenario").unwrap();
    let root = folder.path();
    let twice = root.join("b").join("..").join("a").join("three.toml");
    let program = load(&[root.join("b/two.toml"), root.to_owned(), twice], options("0..1")).unwrap();
    assert_eq!(names(&program), ["three", "one", "two"]);
}

#[test]
fn runs_without_seeds_come_first_and_then_seed_by_seed() {
    let folder = folder(&[("a.toml", ""), ("c.toml", ""), ("d.toml", "")]);
    let root = folder.path();
    let open = Program::load(&[root.join("a.toml")], options("7..8"), &[&SingleGrantor]).unwrap();
    let explicit = open.trial(Job { scenario: 0, seed: 7 }, &[&SingleGrantor]).to_toml();
    fs::write(root.join("b.toml"), explicit).unwrap();

    let program = load(&[root.to_owned()], options("0x10..18")).unwrap();
    assert_eq!(names(&program), ["a", "b", "c", "d"]);
    let jobs: Vec<(usize, u64)> =
        (0..program.total()).map(|at| program.job(at)).map(|job| (job.scenario, job.seed)).collect();
    assert_eq!(jobs, [(1, 0), (0, 16), (2, 16), (3, 16), (0, 17), (2, 17), (3, 17)]);
    assert_eq!([program.faults(0), program.faults(1)], [Faults::Random, Faults::Scripted]);
}

#[test]
fn a_choice_of_runs_is_a_program_too() {
    let folder = folder(&[("a.toml", ""), ("b.toml", "")]);
    let program = load(&[folder.path().to_owned()], options("0..100")).unwrap();
    let job = |scenario, seed| Job { scenario, seed };
    let chosen = [job(1, 5), job(0, 70), job(1, 2), job(1, 5)];
    let program = program.only(chosen);
    let jobs: Vec<Job> = (0..program.total()).map(|at| program.job(at)).collect();
    assert_eq!(jobs, [job(0, 70), job(1, 2), job(1, 5)]);
}

#[test]
fn a_digest_is_of_text_overlays_and_variant_and_of_nothing_else() {
    let folder = folder(&[("a.toml", ""), ("b.toml", ""), ("c.toml", "verdict = \"pass\"")]);
    let digests = |options: ProgramOptions| -> Vec<String> {
        let program = load(&[folder.path().to_owned()], options).unwrap();
        program.entries().iter().map(|entry| entry.digest.clone()).collect()
    };
    let written = digests(options("0..1"));
    assert_eq!(written[0], written[1]);
    assert_ne!(written[0], written[2]);
    assert_eq!(digests(options("3..9")), written);
    let overlaid = |overlays: &[&str]| {
        let overlays = overlays.iter().map(|&text| text.to_owned()).collect();
        digests(ProgramOptions { overlays, ..options("0..1") })[0].clone()
    };
    let safe = digests(ProgramOptions { variant: Variant::Safe, ..options("0..1") })[0].clone();
    let one = overlaid(&["lease.ttl=3s"]);
    let two = overlaid(&["lease.ttl=3s", "lease.ttl=4s"]);
    let mut all = vec![written[0].clone(), safe, one, two];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4, "each is of its own");
}

#[test]
fn scenarios_of_the_same_name_are_told_apart_by_their_paths() {
    let folder = folder(&[("x/a.toml", ""), ("y/a.toml", ""), ("y/b.toml", "")]);
    let program = load(&[folder.path().to_owned()], options("0..1")).unwrap();
    let ids = names(&program);
    assert!(ids[0].ends_with("-x-a") && ids[1].ends_with("-y-a"), "{ids:?}");
    assert_eq!(ids[2], "b");
    assert!(ids.iter().all(|id| !id.contains(['/', '\\'])), "{ids:?}");
}

#[test]
fn paths_that_make_the_same_name_are_told_apart_too() {
    let folder = folder(&[("a-b/c.toml", ""), ("a/b/c.toml", ""), ("x/c.toml", "")]);
    let program = load(&[folder.path().to_owned()], options("0..1")).unwrap();
    let ids = names(&program);
    assert_ne!(ids[0], ids[1]);
    assert!(ids[..2].iter().all(|id| id.contains("-a-b-c-")), "{ids:?}");
    assert!(ids[2].ends_with("-x-c"), "only those that need it: {ids:?}");
}

#[test]
fn a_scenario_that_should_say_nothing_is_run_as_it_is() {
    let folder = folder(&[("a.toml", "verdict = \"vacuous\""), ("b.toml", "")]);
    let program = load(&[folder.path().to_owned()], options("0..1")).unwrap();
    assert_eq!([program.faults(0), program.faults(1)], [Faults::Scripted, Faults::Random]);
    let scripted = ProgramOptions { faults: Faults::Scripted, ..options("0..1") };
    let program = load(&[folder.path().to_owned()], scripted).unwrap();
    assert_eq!([program.faults(0), program.faults(1)], [Faults::Scripted, Faults::Scripted]);
    let trial = program.trial(Job { scenario: 1, seed: 3 }, &[&SingleGrantor]);
    assert_eq!((trial.seed(), trial.plan().faults.len()), (3, 0));
    assert_eq!(trial.run(Engine::Sim, &mut ()).seed, 3);
}

#[test]
fn what_cannot_be_swept_is_told() {
    let folder =
        folder(&[("a.toml", ""), ("wrong.toml", "verdict = \"psas\""), ("also.toml", "reach = [1]")]);
    let root = folder.path();
    let empty = root.join("empty");
    fs::create_dir(&empty).unwrap();
    let wrong = load(&[root.to_owned()], options("0..1")).unwrap_err();
    let ProgramError::Wrong { errors } = &wrong else { panic!("{wrong}") };
    assert_eq!(errors.len(), 2, "both are told");
    assert!(wrong.to_string().contains("did you mean `pass`?"), "{wrong}");
    let nothing = load(std::slice::from_ref(&empty), options("0..1")).unwrap_err();
    assert!(nothing.to_string().starts_with("no scenario: there is no *.toml file in "), "{nothing}");
    let missing = load(&[root.join("b.toml")], options("0..1")).unwrap_err();
    assert!(missing.to_string().contains("there is no such file"), "{missing}");
    fs::write(empty.join("b.toml"), scenario("")).unwrap();
    let many = load(&[root.join("a.toml"), empty], options("0..18446744073709551615")).unwrap_err();
    assert!(matches!(many, ProgramError::TooMany { scenarios: 2, .. }), "{many}");
}

#[test]
fn the_kinds_of_faults_that_may_come_are_the_scripted_and_the_drawn() {
    let folder = folder(&[("a.toml", "[[fault]]\nat = \"100ms\"\non = \"holder\"\ndo = \"wipe\"")]);
    let program =
        |faults| load(&[folder.path().to_owned()], ProgramOptions { faults, ..options("0..1") }).unwrap();
    let scripted = program(Faults::Scripted);
    let kinds = |program: &Program| FaultKind::ALL.into_iter().filter(|kind| program.can_have(*kind)).count();
    assert!(scripted.can_have(FaultKind::Wipe));
    assert_eq!(kinds(&scripted), 1);
    assert!(kinds(&program(Faults::Random)) > 10);
}
