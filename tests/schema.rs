//! The JSON schema of scenario files: fresh, and of one mind with the reader.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::{Path, PathBuf};
use std::process::Command;

use leasehold::{RegistrySystem, SingleGrantor};
use serde_json::Value;

const COMMITTED: &str = "schemas/scenario.schema.json";
const REGENERATE: &str = "cargo run -- schema > schemas/scenario.schema.json";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_leasehold")).arg("schema").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

/// What is wrong with a scenario's text, in the eyes of an editor.
fn complaints(text: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(&printed()).unwrap();
    let validator = jsonschema::draft7::new(&schema).expect("the schema is one");
    let table: toml::Table = text.parse().expect("it is TOML");
    let instance = serde_json::to_value(table).unwrap();
    validator.iter_errors(&instance).map(|error| error.to_string()).collect()
}

fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "studies") {
            found.extend(scenarios(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_committed_schema_is_fresh() {
    let committed = std::fs::read_to_string(root().join(COMMITTED)).unwrap_or_default();
    assert!(
        committed == printed(),
        "{COMMITTED} is not what the types say now; write it anew:\n{REGENERATE}"
    );
}

#[test]
fn every_scenario_conforms() {
    let all = scenarios(&root().join("scenarios"));
    assert!(all.len() >= 8, "{all:?}");
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(complaints(&text), [""; 0], "{}", path.display());
    }
}

/// What the reader refuses because of a name, a type or a grammar, an editor underlines too, and the other way
/// round.
#[test]
fn schema_and_reader_agree() {
    const HEAD: &str = "schema = 1\nname = \"case\"\nsummary = \"A case.\"\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    for (is_right, text) in [
        (true, ""),
        (true, "system = \"single-grantor\""),
        (true, "[lease]\nttl = \"1m 30s\"\nrenew = \"ttl*2/3\"\nsweep = \"500ms\""),
        (true, "[clocks]\nrate = \"10ppm\"\n[clocks.grantor]\nrate = \"-20%\""),
        (true, "[network]\nlatency = { median = \"2ms\", p99 = \"20ms\" }\nloss = \"0.1%\""),
        (true, "[clocks.grantor]\nwall_offset = \"-3s\""),
        (true, "[plan]\nnoise = \"0x5f3c\"\nstarts = { holder-1 = \"12.5ms\" }"),
        (true, "[plan]\nnoise = \"18446744073709551615\""),
        (true, "[phases]\nsettle = \"auto\""),
        (true, "[phases]\nsettle = \"10m\""),
        (true, "[[fault]]\nat = \"1s\"\non = \"holder\"\ndo = \"shutdown\""),
        (true, "[expect]\nviolation = \"fencing\"\nalso = [\"exclusivity\"]"),
        (true, "[safe.lease]\nttl = \"5s\""),
        (true, "system = \"registry\"\n[registration]\nttl = \"30s\"\nheartbeat = \"ttl/3\""),
        (true, "system = \"registry\"\n[discovery]\nrefresh = \"poll\"\nasks = { service = \"service\" }"),
        (true, "system = \"registry\"\n[[member]]\nname = \"agent-a\"\n[[member]]\nzone = 1"),
        (true, "system = \"registry\"\n[budget]\nmass_expiry = { window = \"1m\", share = \"15%\" }"),
        (true, "system = \"registry\"\n[safe.registration]\nttl = \"5s\""),
        (false, "[registration]\nttl = \"30s\""),
        (false, "system = \"registry\"\n[lease]\nttl = \"30s\""),
        (false, "system = \"registry\"\n[topology]\nholders = 3"),
        (false, "system = \"registry\"\n[safe.lease]\nttl = \"5s\""),
        (false, "system = \"registry\"\n[registration]\nheartbeats = \"5s\""),
        (false, "system = \"registry\"\n[discovery]\nasks = { services = \"service\" }"),
        (false, "system = \"registry\"\n[member]\nname = \"agent-a\""),
        (false, "system = \"registry\"\n[budget]\nmass_expiry = { window = \"1m\" }"),
        (false, "system = \"other\""),
        (false, "[leese]\nttl = \"10s\""),
        (false, "[lease]\ntll = \"10s\""),
        (false, "[lease]\nttl = 10"),
        (false, "[lease]\nttl = \"10 parsecs\""),
        (false, "[lease]\nrenew = \"ttl/x\""),
        (false, "[holder]\ndeadline_from = \"reciept\""),
        (false, "[topology]\nholders = 401"),
        (false, "[topology]\nholders = 2.5"),
        (false, "[network]\nloss = \"0.1\""),
        (false, "[network]\nlatency = { mean = \"2ms\" }"),
        (false, "[clocks.grantor]\nspeed = \"+1%\""),
        (false, "[plan]\nnoise = 5"),
        (false, "[plan]\nnoise = \"0x\""),
        (false, "[plan]\nnoise = \"5f3c\""),
        (false, "[plan.start]\nholder-1 = \"1s\""),
        (false, "[[fault]]\nat = \"1s\"\ndo = \"pause\""),
        (false, "[[fault]]\nat = \"1s\"\non = \"holder\"\ndo = \"pause\"\nfore = \"1s\""),
        (false, "[fault]\nat = \"1s\"\non = \"holder\"\ndo = \"pause\""),
        (false, "[expect]\nviolation = \"fence\""),
        (false, "[expect]\nreach = [\"taken-offer\"]"),
        (false, "[safe.leese]\nttl = \"5s\""),
    ] {
        let text = format!("{HEAD}{text}");
        std::fs::write(&path, &text).unwrap();
        let read = leasehold::check(&[&SingleGrantor, &RegistrySystem], &path, 0..0).unwrap_err().to_string();
        let is_read = read.contains("no seed in 0..0");
        assert_eq!(is_read, is_right, "the reader says of\n{text}\n{read}");
        let complaints = complaints(&text);
        assert_eq!(complaints.is_empty(), is_right, "an editor says of\n{text}\n{complaints:?}");
    }
    for missing in ["schema = 1", "summary = \"A case.\""] {
        let text = HEAD.replace(missing, "");
        assert!(!complaints(&text).is_empty(), "{text}");
    }
}
