//! The house rules that a compiler does not know: who may use whom, and what may be named where.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The floors of ARCHITECTURE.md. A crate uses only crates of lower floors.
const FLOORS: [(&str, u32); 11] = [
    ("leasehold-core", 1),
    ("leasehold-protocol", 2),
    ("leasehold-plan", 2),
    ("leasehold-check", 2),
    ("leasehold-sim", 3),
    ("leasehold-turmoil", 4),
    ("leasehold-scenario", 5),
    ("leasehold-report", 6),
    ("leasehold-campaign", 7),
    ("leasehold", 8),
    ("own-lease", 9),
];

/// Narrower than the floors: engines run any protocol, so they know none.
const UNKNOWN_TO: [(&str, &[&str]); 3] = [
    ("leasehold-sim", &["leasehold-protocol", "leasehold-plan", "leasehold-check"]),
    ("leasehold-turmoil", &["leasehold-protocol", "leasehold-plan", "leasehold-check"]),
    ("leasehold-check", &["leasehold-protocol"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn crates() -> Vec<(String, PathBuf)> {
    let folders = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let examples = std::fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<(String, PathBuf)> = folders
        .chain(examples)
        .filter(|folder| folder.join("Cargo.toml").exists())
        .map(|folder| (folder.file_name().unwrap().to_string_lossy().into_owned(), folder))
        .collect();
    all.sort();
    all
}

fn dependencies(folder: &Path) -> Vec<String> {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let mut found = Vec::new();
    let mut tables = vec![&manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    for table in tables {
        for kind in ["dependencies", "build-dependencies"] {
            let Some(table) = table.get(kind).and_then(toml::Value::as_table) else { continue };
            // A renamed dependency says which package it is.
            let package = |value: &toml::Value| Some(value.get("package")?.as_str()?.to_owned());
            found.extend(table.iter().map(|(name, value)| package(value).unwrap_or_else(|| name.clone())));
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn arrows_only_go_down() {
    let floors: BTreeMap<&str, u32> = FLOORS.into();
    for (name, folder) in crates() {
        let floor = floors.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no floor"));
        for used in dependencies(&folder) {
            if let Some(below) = floors.get(used.as_str()) {
                assert!(below < floor, "{name} (floor {floor}) uses {used} (floor {below})");
            }
        }
        for (_, unknown) in UNKNOWN_TO.iter().filter(|(who, _)| *who == name) {
            for used in dependencies(&folder) {
                assert!(!unknown.contains(&used.as_str()), "{name} must not know {used}");
            }
        }
    }
}

#[test]
fn the_ground_floors_have_no_standard_library() {
    for name in ["leasehold-core", "leasehold-protocol", "leasehold-check"] {
        let lib = std::fs::read_to_string(root().join("crates").join(name).join("src/lib.rs")).unwrap();
        assert!(lib.contains("#![no_std]"), "{name}");
    }
}

#[test]
fn only_the_wiring_names_the_shipped_protocol() {
    for (name, folder) in crates() {
        if name == "leasehold-protocol" {
            continue;
        }
        for (path, text) in sources(&folder.join("src")) {
            let place = path.strip_prefix(&folder).unwrap();
            let is_shipped = ["shipped", "registry"].into_iter().any(|system| {
                let module = Path::new("src").join(system);
                place == module.with_extension("rs") || place.starts_with(module)
            });
            let is_wiring = name == "leasehold-scenario" && is_shipped;
            assert!(is_wiring || !text.contains("leasehold_protocol"), "{}", path.display());
        }
    }
}

#[test]
fn own_lease_depends_on_leasehold_alone() {
    assert_eq!(dependencies(&root().join("examples/own-lease")), ["leasehold"]);
}

/// Everything that a run does follows from its plan, so these cannot even be named below the scenario reader.
#[test]
fn nothing_ambient_is_named_below_the_scenario() {
    let floors: BTreeMap<&str, u32> = FLOORS.into();
    let below = |name: &str| floors[name] <= 3 && name != "leasehold-turmoil";
    for (_, folder) in crates().into_iter().filter(|(name, _)| below(name)) {
        for (path, text) in sources(&folder.join("src")) {
            for ambient in
                ["std::env", "std::fs", "std::net", "std::thread", "std::process", "std::time", "fs_err"]
            {
                assert!(!text.contains(ambient), "{} names {ambient}", path.display());
            }
        }
    }
}

#[test]
fn only_the_turmoil_engine_knows_tokio_and_only_the_binary_prints() {
    for (name, folder) in crates() {
        for (path, text) in sources(&folder.join("src")) {
            let shown = path.display();
            assert!(name == "leasehold-turmoil" || !text.contains("tokio::"), "{shown}");
            for printing in ["println!(", "eprintln!(", "print!(", "eprint!(", "dbg!("] {
                assert!(name == "leasehold" || !text.contains(printing), "{shown} has {printing}");
            }
        }
    }
}

/// What runs on turmoil is to give the same events every time: its entropy is closed in `docs/determinism.md`.
#[test]
fn the_shell_takes_its_network_and_its_time_from_the_seam() {
    let folder = root().join("crates/leasehold-turmoil/src");
    for (path, text) in sources(&folder) {
        let place = path.strip_prefix(&folder).unwrap();
        let names = |word: &str| text.match_indices(word).any(|(at, _)| !text[..at].ends_with(['_', '"']));
        assert!(
            place == Path::new("turmoil_net.rs") || !names("turmoil::"),
            "{} names turmoil",
            place.display()
        );
        for word in ["sync::watch", "futures::select", "thread_rng", "rand::"] {
            assert!(!text.contains(word), "{} names {word}", place.display());
        }
        for (at, _) in text.match_indices("select! {") {
            let rest = text[at..].trim_start_matches("select! {").trim_start();
            assert!(rest.starts_with("biased;"), "{} has a choice that is drawn", place.display());
        }
        let is_real =
            place.starts_with("real") || ["real.rs", "tokio_net.rs"].map(Path::new).contains(&place);
        for ambient in ["tokio::time", "tokio::net", "std::env", "std::fs", "std::thread", "std::process"] {
            assert!(is_real || !text.contains(ambient), "{} names {ambient}", place.display());
        }
    }
}

/// House rule: errors are expected with a reason, and lints are expected, not allowed.
#[test]
fn nothing_is_silenced() {
    for (_, folder) in crates() {
        for (path, text) in sources(&folder.join("src")) {
            for word in ["#[allow(", "#![allow(", "todo!(", "unimplemented!("] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}

#[test]
fn no_crate_forgets_the_workspace_lints() {
    for (name, folder) in crates() {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name}");
    }
}
