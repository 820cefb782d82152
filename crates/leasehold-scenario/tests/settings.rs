//! What a seed decides about a scenario's tables.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_core::RunEnd;
use leasehold_scenario::{
    Case, Engine, Faults, RegistrySystem, Scenario, Setting, SingleGrantor, Source, Trial,
};

fn scenario(text: &str, overlays: &[&str]) -> Arc<Scenario> {
    let text = format!("schema = 1\nname = \"case\"\nsummary = \"A case.\"\n{text}");
    let source = Source::from_text("case.toml", text).with_overlays(overlays.iter().copied());
    Arc::new(
        Scenario::parse(source, &[&SingleGrantor, &RegistrySystem]).unwrap_or_else(|error| panic!("{error}")),
    )
}

fn trial(scenario: &Arc<Scenario>, seed: u64) -> Trial {
    Trial::new(scenario, seed, Faults::Random, &[&SingleGrantor, &RegistrySystem])
}

fn left_out(trial: &Trial) -> Option<&str> {
    let drawn = trial.drawn().iter().find(|drawn| drawn.what.starts_with("left out"));
    drawn.map(|drawn| drawn.value.as_str())
}

/// How often each key was drawn, under so many seeds.
fn keys(scenario: &Arc<Scenario>, seeds: u64) -> BTreeMap<String, u32> {
    let mut count = BTreeMap::new();
    for seed in 0..seeds {
        for setting in trial(scenario, seed).settings() {
            *count.entry(setting.key.clone()).or_default() += 1;
        }
    }
    count
}

fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(folder);
    let mut paths: Vec<PathBuf> =
        fs_err::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn an_empty_scenario_leaves_everything_open_and_most_of_it_stays_as_it_is() {
    let empty = scenario("", &[]);
    let count = keys(&empty, 1_000);
    for key in [
        "lease.ttl",
        "lease.renew",
        "lease.sweep",
        "lease.lock_delay",
        "topology.holders",
        "topology.resources",
        "network.preset",
        "network.latency",
        "network.loss",
        "network.duplicate",
        "network.burst",
        "network.receive_buffer",
        "disk.latency",
        "clocks.wall_offset",
        "phases.chaos",
        "grantor.clock",
        "grantor.sweep_at_most",
        "grantor.buckets",
        "grantor.tokens",
        "grantor.restart",
        "grantor.renewals",
        "grantor.same_owner",
        "grantor.queue",
        "grantor.preemption",
        "grantor.ttl_multiplier",
        "grantor.end_patience",
        "holder.clock",
        "holder.margin",
        "holder.renew_deadline",
        "holder.retry",
        "holder.retry_cap",
        "holder.give_up",
        "holder.jitter",
        "holder.poll",
        "holder.renew_jitter",
        "holder.on_lost_contact",
        "holder.identity",
        "holder.priority",
        "holder.keys",
        "work.kind",
        "work.takeover",
        "work.every",
        "work.think",
        "work.retry",
        "resource.writes",
        "resource.reads",
    ] {
        let drawn = count.get(key).copied().unwrap_or(0);
        assert!((20..=550).contains(&drawn), "{key} was drawn {drawn} times in 1,000");
    }
    let plain = (0..300).filter(|&seed| {
        let is_policy =
            |setting: &Setting| ["grantor.", "resource."].iter().any(|table| setting.key.starts_with(table));
        !trial(&empty, seed).settings().iter().any(is_policy)
    });
    assert!(plain.count() > 90, "in a third of the runs the design is the plain one");
}

#[test]
fn what_is_drawn_is_read_but_for_rare_cases() {
    let mut refused = Vec::new();
    let mut all = 0;
    for path in files("holds") {
        let read = Arc::new(Scenario::load(&path, &[&SingleGrantor, &RegistrySystem]).unwrap());
        for seed in 0..60 {
            all += 1;
            if let Some(what) = left_out(&trial(&read, seed)) {
                refused.push(format!("{} under {seed}: {what}", path.display()));
            }
        }
    }
    for path in files("breaks") {
        let source = Source::read(&path).unwrap().with_overlays(["chaos.script=left-out"]);
        let read = Arc::new(Scenario::parse(source, &[&SingleGrantor, &RegistrySystem]).unwrap());
        for seed in 0..60 {
            all += 1;
            if let Some(what) = left_out(&trial(&read, seed)) {
                refused.push(format!("{} under {seed}: {what}", path.display()));
            }
        }
    }
    let empty = scenario("", &[]);
    for seed in 0..1_000 {
        all += 1;
        refused.extend(left_out(&trial(&empty, seed)).map(|what| format!("empty under {seed}: {what}")));
    }
    assert!(refused.len() * 100 <= all, "{} of {all}:\n{}", refused.len(), refused.join("\n"));
}

#[test]
fn what_is_written_stays() {
    let text = "[lease]\nttl = \"7s\"\n[network]\nlatency = \"1ms\"\n[topology]\nholders = 2\n";
    let count = keys(&scenario(text, &["holder.poll=3s"]), 200);
    for key in ["lease.ttl", "network.latency", "network.preset", "topology.holders", "holder.poll"] {
        assert_eq!(count.get(key), None, "{key}");
    }
    assert!(count.contains_key("network.loss") && count.contains_key("lease.renew"));
}

#[test]
fn the_design_stays_where_it_is_not_sound() {
    for text in [
        "[resource]\nfence = \"none\"\n",
        "[holder]\ndeadline_from = \"receipt\"\n",
        "[grantor]\nend_attempts = 3\n",
        "[expect]\nviolation = \"fencing\"\n",
    ] {
        let count = keys(&scenario(text, &[]), 150);
        let policy = count.keys().find(|key| key.starts_with("grantor.") || key.starts_with("resource."));
        assert_eq!(policy, None, "{text}");
        assert!(count.contains_key("lease.ttl"), "{text}");
    }
}

#[test]
fn nodes_that_somebody_names_stay() {
    let fault = |on: &str| format!("[[fault]]\nat = \"1s\"\non = \"{on}\"\ndo = \"pause\"\n");
    let holders = |text: &str| -> Vec<usize> {
        let read = scenario(text, &[]);
        let named =
            |trial: &Trial| trial.plan().nodes.iter().filter(|node| node.name.starts_with("holder")).count();
        let trials = (0..100).map(|seed| trial(&read, seed));
        trials.inspect(|trial| assert_eq!(left_out(trial), None)).map(|trial| named(&trial)).collect()
    };
    let least = |text: &str| holders(text).into_iter().min().unwrap();
    assert_eq!(least(""), 1);
    assert_eq!(least(&fault("holder-3")), 3);
    assert_eq!(least("[clocks.holder-2]\nrate = \"+1ppm\"\n"), 2);
    assert_eq!(least("[[fault]]\nat = \"1s\"\non = \"contender\"\npick = \"minority\"\ndo = \"pause\"\n"), 3);
    assert!(holders("").into_iter().max().unwrap() == 8);
}

#[test]
fn scripted_faults_stay_within_the_chaos() {
    let read = scenario("[[fault]]\nat = \"59s\"\non = \"holder\"\ndo = \"pause\"\n", &[]);
    for seed in 0..200 {
        let trial = trial(&read, seed);
        assert_eq!(left_out(&trial), None);
        assert!(!trial.plan().faults.is_empty());
    }
}

/// They are drawn whatever stands there, but for what somebody says on the command line.
#[test]
fn values_of_the_scenario_itself_are_drawn() {
    let text = "[lease]\nttl = \"7s\"\n[chaos.values]\n\"lease.ttl\" = [\"2s\", \"3s\"]\n\"topology.holders\" = [2]\n";
    let read = scenario(text, &[]);
    let mut seen = BTreeMap::new();
    for seed in 0..100 {
        let trial = trial(&read, seed);
        let value = |key: &str| {
            trial
                .settings()
                .iter()
                .find(|setting| setting.key == key)
                .and_then(|setting| setting.value.clone())
        };
        assert_eq!(value("topology.holders").as_deref(), Some("2"));
        *seen.entry(value("lease.ttl").unwrap()).or_insert(0) += 1;
        let ttl = trial.header(Engine::Sim).bounds.longest_ttl;
        let times: u64 = value("grantor.ttl_multiplier").map_or(1, |times| times.parse().unwrap());
        assert_eq!(format!("\"{}s\"", ttl.as_nanos() / 1_000_000_000 / times), value("lease.ttl").unwrap());
    }
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["\"2s\"", "\"3s\""]);
    assert!(seen.values().all(|count| *count > 30), "{seen:?}");
    let count = keys(&scenario(text, &["lease.ttl=5s"]), 50);
    assert_eq!((count.get("lease.ttl"), count.get("topology.holders")), (None, Some(&50)));
}

#[test]
fn what_does_not_go_together_is_left_out_and_told() {
    let text = "[chaos]\ndraw = []\n[chaos.values]\n\"lease.ttl\" = [\"2s\", \"20s\"]\n\"lease.renew\" = [\"6s\", \"300ms\"]\n";
    let read = scenario(text, &[]);
    let mut told = BTreeMap::new();
    for seed in 0..60 {
        let trial = trial(&read, seed);
        let drawn: Vec<String> = trial.settings().iter().map(|setting| setting.key.clone()).collect();
        *told.entry((left_out(&trial).map(str::to_owned), drawn)).or_insert(0) += 1;
    }
    let both = vec!["lease.renew".to_owned(), "lease.ttl".to_owned()];
    // Of the two, the one that was decided last goes.
    let one = (Some("lease.ttl = \"2s\"".to_owned()), vec!["lease.renew".to_owned()]);
    assert!(told.keys().all(|seen| *seen == one || *seen == (None, both.clone())), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn a_value_that_can_never_be_drawn_is_refused_where_it_stands() {
    let refused = |values: &str| {
        let text = format!("schema = 1\nname = \"x\"\nsummary = \"s\"\n[chaos.values]\n{values}");
        let read = Scenario::parse(Source::from_text("x.toml", text), &[&SingleGrantor, &RegistrySystem]);
        read.map(|_| ()).map_err(|error| error.to_string())
    };
    for (values, words) in [
        ("\"lease.tll\" = [\"1s\"]", "did you mean `ttl`?"),
        ("\"lease.ttl\" = [\"1s\", 5]", "this is what [chaos.values] draws for \"lease.ttl\""),
        ("\"topology.resources\" = [5]", "5 resources for 3 holders"),
    ] {
        let told = refused(values).expect_err(values);
        assert!(told.contains(words), "{values}: {told}");
    }
    assert_eq!(refused("\"topology.resources\" = [5]\n\"topology.holders\" = [3, 6]"), Ok(()));
}

/// Nothing is read again where nothing was drawn.
#[test]
fn a_scenario_that_leaves_nothing_open_is_not_read_again() {
    let read = scenario("[chaos]\ndraw = []\n", &[]);
    let trial = trial(&read, 3);
    assert!(Arc::ptr_eq(trial.scenario(), &read) && trial.settings().is_empty());
}

#[test]
fn one_seed_always_decides_the_same_and_the_settings_are_in_the_plan() {
    let empty = scenario("", &[]);
    for seed in 0..100 {
        let (one, other) = (trial(&empty, seed), trial(&empty, seed));
        assert_eq!((one.case(), one.drawn()), (other.case(), other.drawn()));
        if let Some(Setting { value: Some(value), .. }) =
            one.settings().iter().find(|setting| setting.key == "topology.holders")
        {
            let holders = one.plan().nodes.iter().filter(|node| node.name.starts_with("holder")).count();
            assert_eq!(holders.to_string(), *value);
        }
    }
}

/// The safe design with whatever a seed decides: nothing is violated.
#[test]
fn what_is_drawn_holds() {
    let empty = scenario("", &[]);
    for seed in 0..300 {
        let trial = trial(&empty, seed);
        let report = trial.run(Engine::Sim, &mut ());
        assert_eq!(report.outcome.end, RunEnd::Completed, "seed {seed}\n{}", trial.to_toml());
        let violations = report.judgement.violations();
        assert!(violations.is_empty(), "seed {seed}: {violations:#?}\n{}", trial.to_toml());
    }
}

fn set(key: &str, value: Option<&str>) -> Setting {
    Setting { key: key.to_owned(), value: value.map(str::to_owned) }
}

#[test]
fn a_case_with_other_settings_keeps_its_faults() {
    let text = "[topology]\nholders = 4\nresources = 2\n\
                [[fault]]\nat = \"1s\"\non = \"holder-2\"\ndo = \"partition\"\nto = \"resource-2\"\n\
                [[fault]]\nat = \"2s\"\non = \"holder\"\ndo = \"pause\"\n";
    let read = scenario(text, &[]);
    let trial = Trial::new(&read, 3, Faults::Scripted, &[&SingleGrantor, &RegistrySystem]);
    let with = |settings: &[Setting], plan: &leasehold_core::Plan| {
        let case = Case { settings: settings.to_vec(), plan: plan.clone() };
        trial.with(case, &[&SingleGrantor, &RegistrySystem])
    };
    let names = |trial: &Trial| trial.plan().nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();

    // The resources come after the holders, so their ids move.
    let fewer = with(&[set("topology.holders", Some("3"))], trial.plan()).unwrap().unwrap();
    assert_eq!(names(&fewer), ["grantor", "holder-1", "holder-2", "holder-3", "resource-1", "resource-2"]);
    assert_eq!(fewer.header(Engine::Sim).faults, trial.header(Engine::Sim).faults);
    assert_eq!(fewer.plan().nodes[2], trial.plan().nodes[2]);
    assert_eq!(fewer.plan().nodes[5], trial.plan().nodes[6]);

    // A new one is right and there at once.
    let more = with(&[set("topology.holders", Some("5"))], trial.plan()).unwrap().unwrap();
    let new = &more.plan().nodes[5];
    assert_eq!((new.name.as_str(), new.rate.as_ppb(), new.starts.as_nanos()), ("holder-5", 0, 0));

    // One that a fault names cannot go, unless the fault goes too.
    let gone = [set("topology.holders", Some("2")), set("topology.resources", Some("1"))];
    assert!(with(&gone, trial.plan()).unwrap().is_none());
    let mut plan = trial.plan().clone();
    plan.faults.remove(0);
    assert_eq!(names(&with(&gone, &plan).unwrap().unwrap()), ["grantor", "holder-1", "holder-2", "resource"]);

    // What is removed has its default again, and what the reader refuses is an error.
    let default = with(&[set("topology.holders", None), set("topology.resources", None)], &plan);
    assert_eq!(names(&default.unwrap().unwrap()).len(), 5);
    let refused = with(&[set("lease.ttl", Some("\"0s\""))], &plan).unwrap_err().to_string();
    assert!(refused.contains("a TTL of 0s"), "{refused}");
}

/// A plan whose network was muted is judged by what a muted network allows.
#[test]
fn the_world_of_a_case_is_that_of_its_plan() {
    let trial = Trial::new(&scenario("", &[]), 3, Faults::Scripted, &[&SingleGrantor, &RegistrySystem]);
    let mut plan = trial.plan().clone();
    plan.network.latency = leasehold_core::plan::Latency::Constant(leasehold_core::Span::from_millis(1));
    let case = Case { settings: Vec::new(), plan: plan.clone() };
    let muted = trial.with(case, &[&SingleGrantor, &RegistrySystem]).unwrap().unwrap();
    assert_eq!(muted.plan(), &plan);
    let delay = |trial: &Trial| trial.header(Engine::Sim).bounds.delay;
    assert!(delay(&muted) < delay(&trial));
    assert!(muted.to_toml().contains("[network]\nlatency = \"1ms\"\n"), "{}", muted.to_toml());
}
