use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use leasehold_scenario::SingleGrantor;
use tempfile::TempDir;

use super::*;
use crate::results::Replace;
use crate::shard::Shard;
use crate::sweep::Wish;

const SYSTEMS: [&dyn System; 1] = [&SingleGrantor];

/// Holders that crash and are followed, in a few milliseconds a run.
const SCENARIO: &str = "\
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
chaos = \"30s\"
[chaos]
only = [\"crash\"]
longest = \"10s\"
";

const HEAD: &str = "\
schema = 1
summary = \"TTLs.\"
scenario = \"scene.toml\"
seeds = 4
metrics = [\"failover\", \"messages\"]
objectives = [\"failover.p99 < 20s\"]
trade = [\"failover.p99\", \"messages\"]
";

const GRID: &str = "\
[parameters]
ttl = { key = \"lease.ttl\", values = [\"2s\", \"4s\"] }
renew = { key = \"lease.renew\", values = [\"500ms\", \"1s\"] }
";

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("scene.toml"), SCENARIO).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, text: &str, size: Size) -> Result<Study, StudyError> {
        let path = self.path("study.toml");
        fs::write(&path, text).unwrap();
        Study::load(&path, None, &[], size, &SYSTEMS)
    }

    fn study(&self, more: &str) -> Study {
        self.load(&format!("{HEAD}{more}"), Size::Usual).unwrap_or_else(|error| panic!("{error}"))
    }

    fn refused(&self, more: &str) -> String {
        match self.load(&format!("{HEAD}{more}"), Size::Usual) {
            Ok(_) => panic!("this is fine: {more}"),
            Err(error) => error.to_string(),
        }
    }

    fn contents(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let mut names = Vec::new();
        crate::results::files_below(&self.path(name), Path::new(""), &mut names).unwrap();
        names.into_iter().map(|file| (file.clone(), fs::read(self.path(name).join(file)).unwrap())).collect()
    }
}

/// Keeps what comes, and breaks off behind a seed.
struct Keeper<'a> {
    study: &'a Study,
    folder: StudyFolder,
    until: u64,
}

impl StudyOverseer for Keeper<'_> {
    fn ran(&mut self) {}

    fn seed(&mut self, seed: u64, runs: &[StudyRun]) -> ControlFlow<()> {
        self.folder.seed(self.study, seed, runs);
        if seed + 1 == self.until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn go_on(study: &Study, folder: StudyFolder, sums: &mut [PointSum], jobs: usize, until: u64) -> KeptStudy {
    let order = StudyOrder {
        study,
        seeds: folder.rest(),
        systems: &SYSTEMS,
        jobs: NonZeroUsize::new(jobs).unwrap(),
        wish: &|| Wish::GoOn,
    };
    let mut keeper = Keeper { study, folder, until };
    let end = run_study(&order, sums, &mut keeper).unwrap();
    assert_eq!(end.broken, None);
    keeper.folder.finish(study, sums, None, Some("its time was over".to_owned())).unwrap()
}

fn run(desk: &Desk, study: &Study, name: &str, shard: Shard, jobs: usize) -> KeptStudy {
    let folder =
        StudyFolder::create(&desk.path(name), study, shard, RunRows::Kept, "leasehold", Replace::Never)
            .unwrap();
    let mut sums = vec![PointSum::default(); study.points().len()];
    go_on(study, folder, &mut sums, jobs, u64::MAX)
}

fn points(study: &Study) -> Vec<String> {
    study.points().iter().map(|point| point.values.join(" ")).collect()
}

#[test]
fn points_are_all_combinations_and_the_scenarios_own_is_among_them() {
    let desk = Desk::new();
    let study = desk.study(GRID);
    assert_eq!(points(&study), ["2s 500ms", "2s 1s", "4s 500ms", "4s 1s"]);
    assert_eq!(study.default_point(), Some(3));
    // Another way to write the same value is the same value.
    let study = desk.study("[parameters]\nttl = { key = \"lease.ttl\", values = [\"2s\", \"4000ms\"] }");
    assert_eq!((points(&study), study.default_point()), (vec!["2s".to_owned(), "4s".to_owned()], Some(1)));
    // What people would change is measured too.
    let study = desk.study("[parameters]\nttl = { key = \"lease.ttl\", values = [\"2s\", \"3s\"] }");
    assert_eq!((points(&study).len(), study.default_point()), (3, Some(2)));
    assert_eq!(study.points()[2].values, ["4s"]);
    // What the scenario leaves open is no value that can be named.
    let study = desk.study("[parameters]\nsweep = { key = \"lease.sweep\", values = [\"1s\"] }");
    assert_eq!(points(&study), ["1s", "default"]);
}

#[test]
fn constraints_drop_points_and_are_named_when_none_is_left() {
    let desk = Desk::new();
    let constrained = |constraints: &str| format!("constraints = [{constraints}]\n{GRID}");
    let study = desk.study(&constrained("\"renew <= ttl / 4\""));
    assert_eq!(
        (points(&study), study.dropped()),
        (vec!["2s 500ms".to_owned(), "4s 500ms".to_owned(), "4s 1s".to_owned()], 1)
    );
    let said = desk.refused(&constrained("\"renew < ttl\", \"renew > ttl\""));
    assert!(said.contains("`renew > ttl` drops all 4 points") && !said.contains("`renew < ttl`"), "{said}");
    let said = desk.refused(&constrained("\"ttl > 3s\", \"ttl < 3s\""));
    assert!(said.contains("contradict each other: together they drop all 4 points"), "{said}");
}

#[test]
fn a_point_that_the_reader_refuses_is_an_error_or_left_out() {
    let desk = Desk::new();
    let grid = "[parameters]\nrenew = { key = \"lease.renew\", values = [\"1s\", \"5s\", \"6s\"] }";
    let Err(StudyError::Point { point, refused, error }) = desk.load(&format!("{HEAD}{grid}"), Size::Usual)
    else {
        panic!("a renewal behind the end of the TTL is refused")
    };
    assert_eq!((point.as_str(), refused), ("renew = 5s", 2));
    assert!(error.to_string().contains("scene.toml"), "{error}");
    let study = desk.study(&format!("refused = \"drop\"\n{grid}"));
    assert_eq!((points(&study), study.refused()), (vec!["1s".to_owned()], 2));
    let all = "refused = \"drop\"\n[parameters]\nrenew = { key = \"lease.renew\", values = [\"5s\"] }";
    assert!(matches!(desk.load(&format!("{HEAD}{all}"), Size::Usual), Err(StudyError::Point { .. })));
}

#[test]
fn a_misspelt_key_is_told_by_the_reader_of_scenarios() {
    let desk = Desk::new();
    let said = desk.refused("[parameters]\nttl = { key = \"lease.tll\", values = [\"2s\"] }");
    assert!(said.contains("unknown key `tll`") && said.contains("did you mean `ttl`?"), "{said}");
    let said = desk.refused(&format!("[set]\n\"lease.tll\" = \"2s\"\n{GRID}"));
    assert!(said.contains("unknown key `tll`"), "{said}");
    fs::remove_file(desk.path("scene.toml")).unwrap();
    assert!(desk.refused(GRID).contains("there is no such file"));
}

#[test]
fn too_many_points_are_counted_and_refused() {
    let desk = Desk::new();
    let axis = |name: &str, key: &str| {
        format!("{name} = {{ key = \"{key}\", from = 1, to = 1000, steps = 1000 }}\n")
    };
    let said =
        desk.refused(&format!("[parameters]\n{}{}{}", axis("a", "a.b"), axis("b", "a.c"), axis("c", "a.d")));
    assert!(said.contains("combine to 1000000000 points"), "{said}");
    let axis = |name: &str, key: &str| {
        format!("{name} = {{ key = \"{key}\", from = \"3s\", to = \"30s\", steps = 101 }}\n")
    };
    let large = format!("[parameters]\n{}{}", axis("a", "lease.ttl"), axis("b", "phases.settle"));
    let said = desk.refused(&large.replace("renew = \"1s\"", ""));
    assert!(said.contains("the study has 10201 points, and 10000 are the most"), "{said}");
}

#[test]
fn a_scenario_that_leaves_nothing_to_a_seed_is_no_study() {
    let desk = Desk::new();
    let explicit = SCENARIO.split("[chaos]").next().unwrap().to_owned() + "[plan]\nnoise = \"3\"\n";
    fs::write(desk.path("scene.toml"), explicit).unwrap();
    let said = desk.refused(GRID);
    assert!(said.contains("leaves nothing to a seed"), "{said}");
}

/// A study varies what its file says: a seed draws faults, and no values that the scenario leaves open.
#[test]
fn with_random_faults_a_seed_draws_nothing_else() {
    let desk = Desk::new();
    let study = desk.study(GRID);
    for seed in 0..20 {
        let trial =
            leasehold_scenario::Trial::new(&study.points()[0].scenario, seed, study.faults(), &SYSTEMS);
        assert_eq!(trial.settings(), [], "seed {seed}");
    }
    let line = study.run_line("leasehold", 0, 7);
    assert!(line.contains("--seed 7 --chaos --set 'chaos.draw=[]'"), "{line}");
    assert!(line.ends_with("--set 'lease.ttl=\"2s\"' --set 'lease.renew=\"500ms\"'"), "{line}");
    // Unless it says what may be drawn.
    let study = desk.study(&format!("[set]\n\"chaos.draw\" = [\"network\"]\n{GRID}"));
    assert!(!study.run_line("leasehold", 0, 7).contains("draw=[]"));
}

/// Common random numbers: a point comes to the same whatever other points there are.
#[test]
fn a_point_alone_comes_to_what_it_comes_to_in_the_grid() {
    let desk = Desk::new();
    let all = run(&desk, &desk.study(GRID), "all", Shard::WHOLE, 2).summary;
    let alone = desk.study("[parameters]\nttl = { key = \"lease.ttl\", values = [\"2s\"] }\nrenew = { key = \"lease.renew\", values = [\"500ms\"] }");
    let alone = run(&desk, &alone, "alone", Shard::WHOLE, 1).summary;
    assert_eq!(all.points[0], alone.points[0]);
    assert!(all.points[0].runs == 4 && all.points[0] != all.points[2]);
}

#[test]
fn shards_merge_to_the_bytes_of_one_study_whatever_the_threads() {
    let desk = Desk::new();
    let study = desk.study(GRID);
    let whole = run(&desk, &study, "whole", Shard::WHOLE, 1);
    assert!(whole.manifest.is_whole());
    run(&desk, &study, "two", Shard::WHOLE, 2);
    assert_eq!(desk.contents("two"), desk.contents("whole"));
    for k in 1..=3 {
        run(&desk, &study, &format!("s{k}"), Shard::new(k, 3).unwrap(), 2);
    }
    let merge = |names: &[&str], out: &str| {
        let inputs: Vec<StudyResults> =
            names.iter().map(|name| StudyResults::open(&desk.path(name)).unwrap()).collect();
        merge_studies(&inputs, &study, &desk.path(out), Replace::Never, None)
    };
    let merged = merge(&["s3", "s1", "s2", "s1"], "merged").unwrap();
    assert!(merged.missing.is_empty());
    assert_eq!(merged.kept.summary, whole.summary);
    assert_eq!(desk.contents("merged"), desk.contents("whole"));
    // What is missing is named, and can be added later.
    let half = merge(&["s1", "s3"], "half").unwrap();
    assert_eq!(half.missing, ["seed 1"]);
    merge(&["half", "s2", "s3"], "again").unwrap();
    assert_eq!(desk.contents("again"), desk.contents("whole"));
    // Sums cannot be taken apart.
    merge(&["s1", "s2"], "first").unwrap();
    let overlap = merge(&["half", "first"], "never").unwrap_err();
    assert!(matches!(overlap, StudyMergeError::Overlap { seed: 0, .. }), "{overlap}");
    let other = desk.study(&GRID.replace("2s", "3s"));
    run(&desk, &other, "other", Shard::WHOLE, 2);
    let mixed = merge(&["s1", "other"], "never").unwrap_err();
    assert!(matches!(mixed, StudyMergeError::Mixed { .. }), "{mixed}");
    assert!(!desk.path("never").exists());
}

#[test]
fn what_was_stopped_goes_on_to_the_bytes_of_one_study() {
    let desk = Desk::new();
    let study = desk.study(GRID);
    run(&desk, &study, "whole", Shard::WHOLE, 2);
    let folder = StudyFolder::create(
        &desk.path("part"),
        &study,
        Shard::WHOLE,
        RunRows::Kept,
        "leasehold",
        Replace::Never,
    );
    let mut sums = vec![PointSum::default(); study.points().len()];
    let kept = go_on(&study, folder.unwrap(), &mut sums, 2, 2);
    assert_eq!((kept.manifest.covered.as_slice(), kept.summary.seeds.as_str()), (&[(0, 2)][..], "0..2"));
    assert_eq!(kept.manifest.stopped.as_deref(), Some("its time was over"));

    let (folder, mut sums) =
        StudyFolder::resume(&desk.path("part"), &study, Shard::WHOLE, RunRows::Kept, "leasehold").unwrap();
    assert_eq!(folder.rest(), 2..4);
    go_on(&study, folder, &mut sums, 1, u64::MAX);
    assert_eq!(desk.contents("part"), desk.contents("whole"));

    let other = desk.study(&GRID.replace("2s", "3s"));
    let refused = StudyFolder::resume(&desk.path("part"), &other, Shard::WHOLE, RunRows::Kept, "leasehold");
    assert!(matches!(refused, Err(crate::results::ResultsError::OtherOrder { .. })));
    fs::write(desk.path("part").join("sums.jsonl"), "").unwrap();
    let damaged = StudyResults::open(&desk.path("part")).unwrap_err().to_string();
    assert!(damaged.contains("sums.jsonl is damaged"), "{damaged}");
}

#[test]
fn a_hurry_keeps_the_seeds_that_all_points_had() {
    let desk = Desk::new();
    let study = desk.study(GRID);
    let folder = StudyFolder::create(
        &desk.path("out"),
        &study,
        Shard::WHOLE,
        RunRows::None,
        "leasehold",
        Replace::Never,
    )
    .unwrap();
    let mut sums = vec![PointSum::default(); study.points().len()];
    let begun = std::sync::atomic::AtomicU64::new(0);
    // In the midst of the second seed.
    let wish = || match begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0..8 => Wish::GoOn,
        _ => Wish::Hurry,
    };
    let order = StudyOrder {
        study: &study,
        seeds: folder.rest(),
        systems: &SYSTEMS,
        jobs: NonZeroUsize::MIN,
        wish: &wish,
    };
    let mut keeper = Keeper { study: &study, folder, until: u64::MAX };
    let end = run_study(&order, &mut sums, &mut keeper).unwrap();
    let runs: Vec<u64> = sums.iter().map(PointSum::runs).collect();
    assert!(runs.iter().all(|runs| *runs == end.done_to) && end.done_to < 4, "{runs:?}, {}", end.done_to);
}

#[test]
fn folders_of_others_are_not_replaced() {
    let desk = Desk::new();
    let study = desk.study(GRID);
    fs::create_dir(desk.path("mine")).unwrap();
    fs::write(desk.path("mine").join("thesis.txt"), "years").unwrap();
    for replace in [Replace::Never, Replace::Results] {
        let refused = StudyFolder::create(
            &desk.path("mine"),
            &study,
            Shard::WHOLE,
            RunRows::None,
            "leasehold",
            replace,
        );
        assert!(refused.is_err());
    }
    run(&desk, &study, "out", Shard::WHOLE, 2);
    let again = |replace| {
        StudyFolder::create(&desk.path("out"), &study, Shard::WHOLE, RunRows::None, "leasehold", replace)
    };
    assert!(again(Replace::Never).is_err());
    assert!(again(Replace::Results).is_ok());
    fs::write(desk.path("out").join("notes.txt"), "mine").unwrap();
    assert!(again(Replace::Results).is_err());
}

/// Names as hostile as they may be.
const CHOICES: &str = "\
each = \"situation\"
[parameters.policy.choices]
\"<b>4 s, \\\"as is\\\"\" = {}
short = { \"lease.ttl\" = \"2s\", \"lease.renew\" = \"500ms\" }
[parameters.situation.choices]
quiet = {}
cut-off = { fault = [ { at = \"10s\", on = \"holder\", to = \"grantor\", do = \"partition\", for = \"8s\" } ] }
";

#[test]
fn choices_are_points_and_the_scenarios_own_is_what_lays_nothing_over_it() {
    let desk = Desk::new();
    let study = desk.study(CHOICES);
    let own = "<b>4 s, \"as is\"";
    let names = [
        format!("{own} quiet"),
        format!("{own} cut-off"),
        "short quiet".to_owned(),
        "short cut-off".to_owned(),
    ];
    assert_eq!((points(&study), study.default_point()), (names.to_vec(), Some(0)));
    assert_eq!(study.points()[0].settings, study.points()[2].settings[..study.points()[0].settings.len()]);
    let line = study.run_line("leasehold", 3, 7);
    assert!(
        line.contains("--set 'lease.ttl=\"2s\"'") && line.contains("--set 'fault=[{ at = \"10s\""),
        "{line}"
    );
    // A choice that says what the scenario says anyway is the scenario's own.
    let same = CHOICES.replace("= {}\nshort", "= { \"lease.ttl\" = \"4000ms\" }\nshort");
    assert_eq!(desk.study(&same).default_point(), Some(0));
    // If none is, it is measured too.
    let none = desk.study(&CHOICES.replace("= {}\nshort", "= { \"lease.ttl\" = \"5s\" }\nshort"));
    assert_eq!((none.points().len(), none.default_point()), (5, Some(4)));
    assert_eq!(none.points()[4].values, ["default", "quiet"]);
    let wrong = desk.refused(&CHOICES.replace("lease.renew", "lease.rennew"));
    assert!(wrong.contains("unknown key `rennew`") && wrong.contains("did you mean `renew`?"), "{wrong}");
}

#[test]
fn a_study_of_choices_is_sharded_kept_and_told_like_any_other() {
    let desk = Desk::new();
    let study = desk.study(CHOICES);
    let whole = run(&desk, &study, "whole", Shard::WHOLE, 2);
    for k in 1..=2 {
        run(&desk, &study, &format!("s{k}"), Shard::new(k, 2).unwrap(), 1);
    }
    let inputs: Vec<StudyResults> =
        ["s2", "s1"].iter().map(|name| StudyResults::open(&desk.path(name)).unwrap()).collect();
    merge_studies(&inputs, &study, &desk.path("merged"), Replace::Never, None).unwrap();
    assert_eq!(desk.contents("merged"), desk.contents("whole"));
    let read = StudyResults::open(&desk.path("whole")).unwrap().summary().unwrap();
    assert_eq!(read.all_chosen(), whole.summary.all_chosen());

    let each = whole.summary.each().unwrap();
    let values: Vec<&str> = each.values.iter().map(|value| value.value.as_str()).collect();
    assert_eq!((each.parameter, values), (1, vec!["quiet", "cut-off"]));
    for value in &each.values {
        let chosen = &whole.summary.points[value.chosen().unwrap()];
        assert_eq!(chosen.values[1], value.value);
        assert!(value.runner_up.as_ref().is_some_and(|next| next.point != value.chosen().unwrap()));
    }
    let text = |name: &str| String::from_utf8(desk.contents("whole")[name].clone()).unwrap();
    let csv = text("points.csv");
    let mut lines = csv::Reader::from_reader(csv.as_bytes());
    let first = lines.records().next().unwrap().unwrap();
    assert_eq!((&first[1], &first[2]), ("<b>4 s, \"as is\"", "quiet"));
    let (html, markdown) = (text("report.html"), text("report.md"));
    assert!(html.contains("&#60;b&#62;4 s") || html.contains("&lt;b&gt;4 s"), "the name is there, as text");
    assert!(!html.contains("<b>4 s"));
    // Between backticks it is code, and no HTML.
    assert!(!markdown.replace("`<b>4 s", "").contains("<b>4 s"), "{markdown}");
    assert!(markdown.contains("What is best for each situation"), "{markdown}");
    assert!(markdown.contains("What each situation lays over the scenario"), "{markdown}");
}
