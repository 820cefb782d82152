//! The JSON schemas of scenario files and of studies: fresh, and of one mind with the reader.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::{Path, PathBuf};
use std::process::Command;

use leasehold::{RegistrySystem, SingleGrantor};
use leasehold_scenario::{Source, StudyFile};
use serde_json::Value;

/// Of each kind of file: where its schema is committed, and what it is written with.
const SCENARIO: (&str, &[&str]) = ("schemas/scenario.schema.json", &["schema"]);
const STUDY: (&str, &[&str]) = ("schemas/study.schema.json", &["schema", "--study"]);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn printed(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_leasehold")).args(args).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

/// An editor that knows the schema of one kind of file.
struct Editor(jsonschema::Validator);

impl Editor {
    fn of((_, args): (&str, &[&str])) -> Self {
        let schema: Value = serde_json::from_str(&printed(args)).unwrap();
        Self(jsonschema::draft7::new(&schema).expect("the schema is one"))
    }

    /// What is wrong with a text, in its eyes.
    fn complaints(&self, text: &str) -> Vec<String> {
        let table: toml::Table = text.parse().expect("it is TOML");
        let instance = serde_json::to_value(table).unwrap();
        self.0.iter_errors(&instance).map(|error| error.to_string()).collect()
    }
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
fn the_committed_schemas_are_fresh() {
    for (path, args) in [SCENARIO, STUDY] {
        let committed = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(
            committed == printed(args),
            "{path} is not what the types say now; write it anew:\ncargo run -- {} > {path}",
            args.join(" ")
        );
    }
}

#[test]
fn every_scenario_conforms() {
    let all = scenarios(&root().join("scenarios"));
    assert!(all.len() >= 8, "{all:?}");
    let editor = Editor::of(SCENARIO);
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(editor.complaints(&text), [""; 0], "{}", path.display());
    }
}

#[test]
fn every_study_conforms_and_so_do_the_scenarios_that_they_vary() {
    for (folder, kind, least) in [("scenarios/studies", STUDY, 6), ("scenarios/studies/scenes", SCENARIO, 6)]
    {
        let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let all: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
        assert!(all.len() >= least, "{all:?}");
        let editor = Editor::of(kind);
        for path in all {
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(editor.complaints(&text), [""; 0], "{}", path.display());
        }
    }
}

/// What the reader refuses because of a name, a type or a grammar, an editor underlines too, and the other way
/// round.
#[test]
fn schema_and_reader_agree() {
    const HEAD: &str = "schema = 1\nname = \"case\"\nsummary = \"A case.\"\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    let editor = Editor::of(SCENARIO);
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
        let complaints = editor.complaints(&text);
        assert_eq!(complaints.is_empty(), is_right, "an editor says of\n{text}\n{complaints:?}");
    }
    for missing in ["schema = 1", "summary = \"A case.\""] {
        let text = HEAD.replace(missing, "");
        assert!(!editor.complaints(&text).is_empty(), "{text}");
    }
}

/// The same of studies.
#[test]
fn the_schema_of_studies_and_their_reader_agree() {
    const HEAD: &str = "schema = 1\nsummary = \"A case.\"\nscenario = \"scene.toml\"\n";
    const TTL: &str = "[parameters]\nttl = { key = \"lease.ttl\", values = [\"5s\", \"10s\"] }\n";
    let parameter = |rest: &str| (format!("[parameters]\nttl = {{ {rest} }}"), String::new());
    let top = |rest: &str| (TTL.to_owned(), rest.to_owned());
    let editor = Editor::of(STUDY);
    for (is_right, (below, above)) in [
        (true, top("")),
        (true, top("name = \"case\"\nseeds = 5\nfaults = \"scripted\"\nrefused = \"drop\"")),
        (true, top("seeds = \"100 .. 200\"\nsample = { latin_hypercube = 40, seed = 3 }")),
        (true, top("metrics = [\"failover\", \"false_expiry\"]\ntrade = [\"failover.p99.9\", \"load\"]")),
        (true, top("trade = [\"false_expiry.rate\"]\nobjectives = [\"failover.p99 < 15s\"]")),
        (true, top("constraints = [\"ttl > 1s\"]\n[set]\n\"lease.sweep\" = \"1s\"\nwork.every = \"1s\"")),
        (true, parameter("key = [\"a.b\", \"c.0.d\"], values = [1, 2.5, true, \"none\"]")),
        (true, parameter("key = \"a\", from = \"5s\", to = \"30s\", steps = 6, scale = \"log\"")),
        (true, (format!("{TTL}renew = {{ key = \"lease.renew\", derive = \"ttl / 3\" }}"), String::new())),
        (false, top("seed = 5")),
        (false, top("seeds = 0")),
        (false, top("seeds = \"100\"")),
        (false, top("seeds = 1.5")),
        (false, top("faults = \"chaos\"")),
        (false, top("refused = \"keep\"")),
        (false, top("sample = 40")),
        (false, top("sample = { latin_hypercube = 0 }")),
        (false, top("sample = { latin_hypercube = 10001 }")),
        (false, top("sample = { hypercube = 40 }")),
        (false, top("metrics = [\"fail-over\"]")),
        (false, top("metrics = \"failover\"")),
        (false, top("trade = [\"failover\"]")),
        (false, top("trade = [\"failover.p98\"]")),
        (false, top("objectives = [\"failover.p99\"]")),
        (false, top("constraints = \"ttl > 1s\"")),
        (false, top("set = 5")),
        (false, (String::new(), String::new())),
        (false, ("[parameters]".to_owned(), String::new())),
        (false, parameter("key = \"lease.ttl\"")),
        (false, parameter("key = \"lease ttl\", values = [1]")),
        (false, parameter("key = [], values = [1]")),
        (false, parameter("keys = \"lease.ttl\", values = [1]")),
        (false, parameter("key = \"lease.ttl\", values = 1")),
        (false, parameter("key = \"lease.ttl\", values = [[1]]")),
        (false, parameter("key = \"lease.ttl\", values = [1], derive = \"1\"")),
        (false, parameter("key = \"lease.ttl\", from = 1, to = 5, steps = 1")),
        (false, parameter("key = \"lease.ttl\", from = 1, to = 5, steps = 1001")),
        (false, parameter("key = \"lease.ttl\", from = 1, to = 5, steps = 3, scale = \"cubic\"")),
        (false, parameter("key = \"lease.ttl\", from = 1, steps = 3")),
        (false, ("[parameters]\nmin = { key = \"a\", values = [1] }".to_owned(), String::new())),
        (false, ("[parameters]\n2nd = { key = \"a\", values = [1] }".to_owned(), String::new())),
    ] {
        let set = above.find("[set]").unwrap_or(above.len());
        let text = format!("{HEAD}{}\n{below}\n{}", &above[..set], &above[set..]);
        let read = StudyFile::parse(Source::of_file(Path::new("case.toml"), text.clone()), Path::new(""));
        assert_eq!(read.is_ok(), is_right, "the reader says of\n{text}\n{:?}", read.err());
        let complaints = editor.complaints(&text);
        assert_eq!(complaints.is_empty(), is_right, "an editor says of\n{text}\n{complaints:?}");
    }
    for missing in ["schema = 1", "summary = \"A case.\"", "scenario = \"scene.toml\""] {
        let text = format!("{HEAD}{TTL}").replace(missing, "");
        assert!(!editor.complaints(&text).is_empty(), "{text}");
    }
}
