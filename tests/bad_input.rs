//! Scenarios that cannot be run: what is wrong, where it stands, and what to write instead.
//!
//! In the tables below, « and » enclose what must be underlined; they are not part of the text. Where something is
//! missing, the character that stands there instead is underlined.

use std::path::Path;
use std::process::{Command, Stdio};

const HEAD: &str = "schema = 1\nname = \"case\"\nsummary = \"A case.\"\n";

/// A folder with a file `case.toml`.
struct Bench(tempfile::TempDir);

/// How the program refused, on stderr.
struct Refusal(String);

impl Bench {
    fn with(text: impl AsRef<[u8]>) -> Self {
        let bench = Self(tempfile::tempdir().expect("there is room for a folder"));
        std::fs::write(bench.path().join("case.toml"), text).expect("there is room for a file");
        bench
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs what must be refused, and asserts all that holds for every refusal.
    #[track_caller]
    fn refuses(&self, args: &[&str]) -> Refusal {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
        command.arg("run").args(args).args(["--trace", "run.jsonl"]);
        command.current_dir(self.path()).stdin(Stdio::null()).env_remove("CLICOLOR_FORCE");
        let output = command.output().expect("the program starts");
        let stderr = String::from_utf8(output.stderr).expect("messages are UTF-8");
        assert_eq!(output.status.code(), Some(2), "{args:?}:\n{stderr}");
        assert!(output.stdout.is_empty(), "{args:?}: something on stdout");
        assert!(!self.path().join("run.jsonl").exists(), "{args:?}: a run was begun");
        assert!(stderr.starts_with("error: "), "{args:?}:\n{stderr}");
        assert!(!stderr.contains("panicked"), "{args:?}:\n{stderr}");
        assert!(!stderr.contains('\u{1b}'), "{args:?}: escapes in a pipe:\n{stderr}");
        Refusal(stderr)
    }
}

impl Refusal {
    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.0.contains(word), "{word:?} is not said:\n{}", self.0);
        }
        self
    }

    /// Asserts that exactly one thing is wrong, and that it is what was marked.
    #[track_caller]
    fn points_at(self, origin: &str, marked: &Marked) -> Self {
        let Marked { line, column, part, .. } = marked;
        let place = format!("--> {origin}:{line}:{column}\n");
        assert!(self.0.contains(&place), "not {place}:\n{}", self.0);
        assert_eq!(self.underlined(), [part.as_str()], "underlined:\n{}", self.0);
        assert_eq!(self.0.matches("error: ").count(), 1, "one mistake, one message:\n{}", self.0);
        self
    }

    /// What stands above each row of `^`.
    fn underlined(&self) -> Vec<String> {
        let lines: Vec<&str> = self.0.lines().collect();
        let above = |rows: &[&str]| {
            let start = rows[1].chars().position(|c| c == '^')?;
            let length = rows[1].chars().skip(start).take_while(|c| *c == '^').count();
            Some(rows[0].chars().skip(start).take(length).collect())
        };
        lines.windows(2).filter(|rows| rows[1].trim_start().starts_with('|')).filter_map(above).collect()
    }
}

/// A text, and the part of it that must be underlined.
struct Marked {
    text: String,
    part: String,
    line: usize,
    column: usize,
}

impl Marked {
    fn new(marked: &str) -> Self {
        let (before, rest) = marked.split_once('«').expect("« opens it");
        let (part, after) = rest.split_once('»').expect("» closes it");
        let line = before.split('\n').next_back().expect("there is a last line");
        Self {
            text: format!("{before}{part}{after}"),
            part: part.replace('\0', "␀"),
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

/// A fault with these lines, and these instead of its own.
macro_rules! fault {
    ($($lines:literal),*) => { concat!("[[fault]]\n", $($lines, "\n",)* ) };
}

/// Texts that follow the head of a scenario, and what must be said of them.
const WRONG: &[(&str, &[&str])] = &[
    // Misspelt and unknown.
    ("[lease]\n«tll» = \"10s\"", &["unknown key `tll` in [lease]", "did you mean `ttl`?"]),
    (
        "[lease]\n«colour» = \"red\"",
        &["unknown key `colour`", "expected `ttl`, `renew`, `sweep`, `lock_delay` or `extensions`"],
    ),
    ("[lease]\n«\"\"» = 1", &["unknown key ``"]),
    ("[«leese»]\nttl = \"10s\"", &["unknown table `[leese]`", "did you mean `[lease]`?"]),
    ("[[«faults»]]\nat = \"1s\"", &["unknown table `[[faults]]`", "did you mean `[[fault]]`?"]),
    ("[«banana»]\nttl = \"10s\"", &["unknown table `[banana]`", "lease", "topology"]),
    ("[resource]\nfence = «\"highest-tokn\"»", &["no value of `fence`", "did you mean `highest-token`?"]),
    ("[resource]\nfence = «\"maybe\"»", &["no value of `fence`", "expected `highest-token`, ", " or `none`"]),
    ("[holder]\non_lost_contact = «\"goon\"»", &["did you mean `go-on`?"]),
    ("[holder]\nkeys = «101»", &["0 to 100"]),
    ("[lease]\nttl = \"15s\"\n[holder]\nrenew_deadline = «\"15s\"»", &["expected renew_deadline < ttl"]),
    (
        "[lease]\nttl = \"15s\"\nrenew = \"2s\"\n[holder]\nrenew_deadline = «\"2400ms\"»",
        &["expected renew_deadline > renew*(1+jitter), which is 2.4s", "a renewal comes after 2s"],
    ),
    ("[holder]\nmargin = \"1s\"\nrenew_deadline = «\"6s\"»", &["the margin", "leave out one of the two"]),
    ("[work]\nkind = \"leader\"\n[resource]\nfence = «\"equality\"»", &["work.takeover = \"barrier\""]),
    ("[holder]\ndeadline_from = «\"recipt\"»", &["did you mean `receipt`?"]),
    (
        "[expect]\nreach = [\"taken-over\", «\"stale-write-rejectd\"»]",
        &["did you mean `stale-write-rejected`?"],
    ),
    ("[expect]\nverdict = «\"pas\"»", &["`pas` is no verdict", "did you mean `pass`?"]),
    ("[expect]\nviolation = «\"fencign\"»", &["`fencign` is no invariant", "did you mean `fencing`?"]),
    ("[expect]\nviolation = «\"I25\"»", &["did you mean `no-lost-update`?"]),
    (
        "[expect]\nbudgets = [«\"failovr.p99 < 15s\"»]",
        &["`failovr` is no metric", "did you mean `failover`?"],
    ),
    ("[expect]\nbudgets = [«\"failover < 15s\"»]", &["which number of them", "`failover.p99`"]),
    ("[expect]\nbudgets = [«\"load < 5s\"»]", &["is a rate such as `1/day` or `500/s`", "found \"5s\""]),
    (
        "[expect]\nbudgets = [\"load < 5/s\", «\"load.mean <= 9/s\"»]",
        &["`load.mean <= 9/s` is limited twice", "the first limit is here"],
    ),
    (
        "[expect]\nverdict = \"vacuous\"\nbudgets = [«\"load < 5/s\"»]",
        &["expected to panic, or to say nothing", "remove `budgets`"],
    ),
    (fault!("at = \"1s\"", "on = \"holder\"", "do = «\"pasue\"»"), &["`pasue`", "did you mean `pause`?"]),
    (fault!("at = \"1s\"", "on = \"holder\"", "do = «\"explode\"»"), &["`explode`", "`crash`", "`shutdown`"]),
    (
        fault!("at = \"1s\"", "on = \"holder\"", "do = \"shutdown\"", "for = «\"5s\"»"),
        &["`for` means nothing for `shutdown`", "remove `for`"],
    ),
    (fault!("at = \"1s\"", "on = \"holder\"", "do = \"pause\"", "«fro» = \"5s\""), &["did you mean `for`?"]),
    // Impossible numbers.
    ("[lease]\nttl = \"10s\"\nrenew = «\"10s\"»", &["a renewal after 10s", "ttl/3", "the TTL is 10s"]),
    ("[lease]\nttl = \"10s\"\nrenew = «\"9995ms\"»", &["expected renew < 9.99s, the TTL less the margin"]),
    ("[lease]\nttl = «\"0s\"»", &["a TTL of 0s", "expected 100ms to "]),
    ("[holder]\nmargin = «\"auot\"»", &["expected \"auto\", or a duration", "did you mean `auto`?"]),
    ("[holder]\njitter = «0.5»", &["write \"50%\" for a part of 0.5, or \"0.5%\""]),
    ("[lease]\nttl = «\"25h\"»", &["expected 100ms to ", "ttl_max"]),
    ("[lease]\nttl = «\"99ms\"»", &["expected 100ms to ", "write ttl = \"100ms\"", "ttl_min"]),
    ("[lease]\nttl = «\"-10s\"»", &["never negative", "leave out the sign: \"10s\""]),
    ("[lease]\nttl = «\"99999999999999999999s\"»", &["more than 366 days"]),
    ("[lease]\nttl = «\"1000000000000000000000s\"»", &["at most 20 digits"]),
    ("[lease]\nttl = «\"1.0000000001s\"»", &["finer than a nanosecond"]),
    ("[lease]\nttl = «10»", &["it has no unit", "\"10s\" for 10 seconds"]),
    ("[lease]\nttl = «\"10\"»", &["a unit is missing", "\"10s\" for 10 seconds"]),
    ("[lease]\nttl = «\"10S\"»", &["\"S\" is not a unit of time", "d, h, m, s, ms, us and ns"]),
    ("[lease]\nttl = «\"\"»", &["there is nothing in it"]),
    ("[holder]\njitter = «\"1001%\"»", &["more than 1000%", "write \"1000%\" or less"]),
    ("[holder]\njitter = «\"-1%\"»", &["never cut short"]),
    ("[holder]\nretry = «\"3s\"»\nretry_cap = \"2s\"", &["the cap is 2s"]),
    ("[network]\nlatency = «{ median = \"20ms\", p99 = \"2ms\" }»", &["not above the `median` of 20ms"]),
    ("[bounds]\nclock_rate = «\"51%\"»", &["more than 50%"]),
    ("[topology]\nholders = «401»", &["expected 1 to 400, found integer `401`"]),
    ("[topology]\ngrantors = «2»", &["expected 1"]),
    ("[phases]\nchaos = «\"0s\"»", &["expected more than 0s"]),
    // Faults at impossible times, and at nobody.
    (
        fault!("at = «\"30s\"»", "on = \"holder\"", "do = \"pause\"", "[phases]", "chaos = \"30s\""),
        &["when chaos is over", "chaos ends here", "let it fire earlier, or raise `chaos`"],
    ),
    (fault!("at = «\"61s\"»", "on = \"holder\"", "do = \"pause\""), &["when chaos is over", "until 60s"]),
    (
        fault!("at = \"1s\"", "when = «\"ttl_remaining < 9%\"»", "on = \"holder\"", "do = \"crash\""),
        &["both `at` and `when`", "the other is here", "remove one"],
    ),
    ("«[[fault]]»\non = \"holder\"\ndo = \"crash\"", &["neither `at` nor `when`", "add `at = \"20s\"`"]),
    (
        fault!("when = «\"ttl < 9%\"»", "on = \"holder\"", "do = \"crash\""),
        &["no condition is called ttl", "`ttl_remaining < N%`"],
    ),
    (
        fault!("when = «\"ttl_remaining < 9\"»", "on = \"holder\"", "do = \"crash\""),
        &["it is written ttl_remaining < N%"],
    ),
    (fault!("at = \"1s\"", "on = «\"hodler\"»", "do = \"crash\""), &["`hodler`", "did you mean `holder`?"]),
    (
        fault!("at = \"1s\"", "on = «\"banana\"»", "do = \"crash\""),
        &["`banana`", "nodes: grantor, holder-1 to holder-3, resource; roles: holder, ex-holder, contender"],
    ),
    (
        fault!("at = \"1s\"", "on = \"holder\"", "do = \"partition\"", "to = «\"granter\"»"),
        &["no node or role is called `granter`", "did you mean `grantor`?"],
    ),
    ("[clocks.«holder-4»]\nrate = \"+1%\"", &["no node is called `holder-4`", "holder-1 to holder-3"]),
    ("«[[fault]]»\nat = \"1s\"\ndo = \"crash\"", &["[[fault]] has no `on`", "add `on = \"holder\"`"]),
    // Wrong types.
    ("[lease]\nttl = «true»", &["expected a duration", "found boolean `true`"]),
    ("[lease]\nttl = «[\"10s\"]»", &["expected a duration", "found a list"]),
    ("[topology]\nholders = «\"3\"»", &["expected 1 to 400, found string \"3\"", "leave out the quotes: 3"]),
    ("[topology]\nholders = «3.0»", &["expected 1 to 400", "write 3"]),
    ("[topology]\nholders = «-3»", &["expected 1 to 400, found integer `-3`"]),
    ("[topology]\nholders = «99999999999999999999»", &["expected 1 to 400, found integer `9"]),
    ("lease = «5»", &["expected a table, found integer `5`"]),
    ("«[fault]»\nat = \"1s\"", &["expected a list of tables", "write [[fault]]"]),
    ("[expect]\nreach = «\"taken-over\"»", &["expected a list in square brackets", "write [\"taken-over\"]"]),
    // Not TOML.
    ("[lease]\nttl = \"10s\"\n«ttl» = \"11s\"", &["`ttl` stands there twice", "remove one"]),
    ("[lease]\n[network]\n[«lease»]", &["`lease` stands there twice"]),
    ("[lease]\nttl = \"10s«»\nrenew = \"3s\"", &["this text has no closing quote"]),
    ("[lease]\nttl = «10s»", &["a value without quotes", "stand in quotes: \"10s\""]),
    ("[lease]\nrenew = «ttl/3»", &["a value without quotes", "stand in quotes: \"ttl/3\""]),
    ("x = \"«\0»\"", &["not TOML"]),
    // Columns count characters, lines end in either way, and what is shown is harmless.
    ("[lease]\n\"é\" = «10s»", &["a value without quotes"]),
    ("[lease]\r\n«tll» = \"10s\"\r\n", &["did you mean `ttl`?"]),
    ("[lease]\nttl = «\"十秒\"»", &["a number should stand where there is '十'"]),
    ("[lease]\n«\"\\u001b[31mtll\"» = 1", &["unknown key"]),
];

#[test]
fn what_is_wrong_is_underlined_and_explained() {
    for (text, words) in WRONG {
        let marked = Marked::new(&format!("{HEAD}{text}\n"));
        Bench::with(&marked.text).refuses(&["case.toml"]).says(words).points_at("case.toml", &marked);
    }
}

/// Texts that follow the head of a registry's scenario, and what must be said of them.
const WRONG_AROUND_A_REGISTRY: &[(&str, &[&str])] = &[
    // Misspelt, unknown, and of the other system.
    ("[registration]\n«heart_beat» = \"3s\"", &["unknown key `heart_beat`", "did you mean `heartbeat`?"]),
    ("[registration]\n«renew» = \"3s\"", &["expected `ttl`, `heartbeat`, `renew_below`, `suspect_after`, "]),
    ("[registry]\n«livenes» = \"pull\"", &["did you mean `liveness`?"]),
    ("[registry]\nliveness = «\"poll\"»", &["no value of `liveness`", "did you mean `pull`?"]),
    ("[grace]\ndetector = «\"phi\"»", &["no value of `detector`", "`phi-normal`, `phi-exponential`"]),
    ("[grace]\nrate_guard = { «below» = \"85%\" }", &["in [grace.rate_guard]", "expected `threshold`, "]),
    ("[[«members»]]\nname = \"a\"", &["unknown table `[[members]]`", "did you mean `[[member]]`?"]),
    ("[«lease»]\nttl = \"5s\"", &["belongs to another system: system = \"single-grantor\""]),
    ("[topology]\n«holders» = 3", &["unknown key `holders`", "`instances`"]),
    ("[expect]\nviolation = «\"bounded-stalenes\"»", &["did you mean `bounded-staleness`?"]),
    ("[expect]\nreach = [«\"false-expriy\"»]", &["did you mean `false-expiry`?"]),
    ("[chaos]\nalso = [«\"watch.dorp\"»]", &["did you mean `watch.drop`?"]),
    // Who or what is not there.
    ("[discovery]\nasks = { capability = «\"gpu\"» }", &["unknown capability `gpu`", "add capabilities = "]),
    (
        "[instance]\ncapabilities = [\"gpu\"]\n[discovery]\nasks = { capabilities = [\"gpu\", «\"gpo\"»] }",
        &["unknown capability `gpo`", "did you mean `gpu`?"],
    ),
    ("[discovery]\nsource = «\"follower\"»", &["there are none", "write topology.followers = 1 or more"]),
    ("«[observer]»", &["this is about observers, and there are none"]),
    ("[grace]\nquorum = { observers = «2» }", &["a quorum of 2 observers, of 0"]),
    ("[topology]\nsidecars = «4»", &["4 sidecars for 3 applications", "instances = 4 or more"]),
    ("[[member]]\nname = \"a\"\n[[member]]\nname = «\"a\"»", &["two instances are called `a`"]),
    ("«[probe]»\nevery = \"1s\"", &["nobody probes", "write registry.liveness = "]),
    // What never comes to anything.
    (
        "[registration]\nttl = \"10s\"\nheartbeat = «\"10s\"»",
        &["lets every lease expire between two heartbeats", "expected heartbeat < ttl"],
    ),
    (
        "[registry]\nliveness = \"pull\"\n[probe]\nevery = «\"30s\"»",
        &[
            "lets every lease expire between two probes",
            "expected probe.every < ttl",
            "ttl is 30s, by default",
        ],
    ),
    ("[registration]\nsuspect_after = «5»", &["never reached", "suspect_after * heartbeat < ttl + grace"]),
    ("[grace]\ndetector = \"missed\"\nmissed = «100»", &["never reached", "expected at most ttl + at_most"]),
    ("[discovery]\ncache = «\"0s\"»", &["no view could ever be answered from", "expected cache > 0s"]),
    // Faults that nobody can suffer.
    (
        fault!("at = \"1s\"", "on = «\"instance-1\"»", "do = \"watch.drop\""),
        &["an instance watches nothing", "expected a node of the role discovery", "write on = \"discovery\""],
    ),
    (
        fault!("at = \"1s\"", "on = «\"registry\"»", "do = \"turn-unready\""),
        &["a registry cannot be told to turn-unready", "expected an instance", "write on = \"instance\""],
    ),
    (
        fault!("at = \"1s\"", "on = \"instance-1\"", "do = \"deregister\"", "for = «\"5s\"»"),
        &["`for` means nothing for `deregister`"],
    ),
    (fault!("at = \"1s\"", "on = «\"follower\"»", "do = \"crash\""), &["there is no follower"]),
    (
        fault!("at = \"1s\"", "on = \"instance\"", "pick = «\"random:5\"»", "do = \"crash\""),
        &["there are only 3 instances"],
    ),
];

#[test]
fn what_is_wrong_around_a_registry_is_underlined_and_explained() {
    for (text, words) in WRONG_AROUND_A_REGISTRY {
        let marked = Marked::new(&format!("{HEAD}system = \"registry\"\n{text}\n"));
        Bench::with(&marked.text).refuses(&["case.toml"]).says(words).points_at("case.toml", &marked);
    }
}

/// As above, of a value that disagrees with one that the file leaves out.
const WRONG_BESIDE_A_DEFAULT: &[(&str, &[&str])] = &[
    ("[lease]\nrenew = «\"12s\"»", &["expected renew < 9.99s", "the TTL is 10s, by default"]),
    ("[grantor]\nttl_max = «\"5s\"»", &["the TTL of 10s is above it"]),
    ("[grantor]\nttl_max = «\"50ms\"»", &["the shortest is 100ms, by default"]),
    ("[grantor]\nttl_min = «\"2d\"»", &["the longest"]),
    ("[holder]\nmargin = «\"7s\"»", &["leaves 3s of a TTL of 10s", "after 3.333"]),
    ("[holder]\nretry = «\"60s\"»", &["2s"]),
    ("[holder]\nretry_cap = «\"1ms\"»", &["200ms"]),
    ("[topology]\nholders = «0»", &["expected 1 to 400"]),
];

#[test]
fn what_disagrees_with_a_default_is_underlined_and_nothing_else_is_quoted() {
    for (text, words) in WRONG_BESIDE_A_DEFAULT {
        let marked = Marked::new(&format!("{HEAD}{text}\n"));
        let refusal = Bench::with(&marked.text).refuses(&["case.toml"]).says(words);
        let Refusal(said) = refusal.points_at("case.toml", &marked);
        assert!(!said.contains("schema = 1"), "that line has nothing to do with it:\n{said}");
    }
}

#[test]
fn what_disagrees_only_with_defaults_stands_nowhere() {
    let text = format!("{HEAD}[bounds]\nclock_rate = \"50%\"\n");
    let refusal = Bench::with(text).refuses(&["case.toml"]).says(&["of a TTL of 10s", "--> case.toml\n"]);
    assert!(refusal.underlined().is_empty(), "{}", refusal.0);
}

#[test]
fn the_head_is_explained_too() {
    for (text, words) in [
        (
            "schema = «2»\nname = \"case\"\nsummary = \"A.\"",
            &["expected 1", "later version of leasehold"][..],
        ),
        ("schema = «\"1\"»\nname = \"case\"\nsummary = \"A.\"", &["expected a whole number"]),
        ("schema = 1\nname = «\"other\"»\nsummary = \"A.\"", &["write name = \"case\"", "rename the file"]),
        ("schema = 1\nname = \"case\"\n«sumary» = \"A.\"", &["did you mean `summary`?"]),
        ("schema = 1\nname = \"case\"\nsummary = «\"\"»", &["the summary is empty", "one sentence"]),
        (
            "schema = 1\nname = \"case\"\nsummary = \"A.\"\nsystem = «\"single-granter\"»",
            &["no system is called `single-granter`", "did you mean `single-grantor`?"],
        ),
    ] {
        let marked = Marked::new(text);
        Bench::with(&marked.text).refuses(&["case.toml"]).says(words).points_at("case.toml", &marked);
    }
    let words = ["no `schema`", "no `summary`", "--> case.toml"];
    Bench::with("# only a comment\n").refuses(&["case.toml"]).says(&words);
}

#[test]
fn every_mistake_is_shown_at_once_in_the_order_of_the_file() {
    let text = "[lease]\ntll = \"1s\"\n[resource]\nfence = \"nnoe\"\n[network]\nloss = \"101%\"\n[banana]\n";
    let refusal = Bench::with(format!("{HEAD}{text}")).refuses(&["case.toml"]);
    assert_eq!(refusal.underlined(), ["tll", "\"nnoe\"", "\"101%\"", "banana"], "{}", refusal.0);
}

#[test]
fn many_mistakes_are_counted_rather_than_shown() {
    let tables: String = (0..50).map(|i| format!("[table-{i}]\n")).collect();
    let refusal = Bench::with(format!("{HEAD}{tables}")).refuses(&["case.toml"]).says(&["... and 30 more"]);
    assert_eq!(refusal.underlined().len(), 20);
}

#[test]
fn a_wrong_overlay_is_underlined_in_what_was_typed() {
    let scenario = format!(
        "{HEAD}{}",
        fault!(
            "at = \"20s\"",
            "on = \"holder\"",
            "do = \"pause\"",
            "for = \"5s\"",
            "[lease]",
            "ttl = \"10s\""
        )
    );
    let bench = Bench::with(scenario);
    for (overlay, words) in [
        ("lease.«tll»=5s", &["unknown key `tll`", "did you mean `ttl`?"][..]),
        ("«lese».ttl=5s", &["unknown table `[lese]`", "did you mean `[lease]`?"]),
        ("lease.ttl=«5»", &["it has no unit", "\"5s\""]),
        ("lease.ttl=«»", &["there is nothing in it"]),
        ("lease.ttl=«0s»", &["a TTL of 0s"]),
        ("lease.ttl=«5 years»", &["not a unit of time"]),
        ("lease.ttl=\"5s«»", &["not a TOML value"]),
        ("lease.renew=«20s»", &["a renewal after 20s", "case.toml:10:7", "the TTL is 10s"]),
        ("«lease.ttl»", &["has no value", "--set lease.ttl=5s"]),
        ("«=»5s", &["does not name a key", "--set lease.ttl=5s"]),
        ("lease.«=»5s", &["does not name a key"]),
        ("lease.«t t l»=5s", &["does not name a key"]),
        ("lease.«ttl».x=5s", &["`ttl` is no table", "it is this string", "case.toml:10:7"]),
        ("fault.«1».for=5s", &["`fault` has no element `1`", "it has one: fault.0"]),
        ("fault.«first».for=5s", &["`fault` has no element `first`"]),
        ("fault.0.at=«70s»", &["when chaos is over"]),
        ("fault.0.on=«holder-9»", &["no node or role is called `holder-9`", "holder-1 to holder-4"]),
        ("resource.fence=«nnoe»", &["did you mean `none`?"]),
        ("name=«other»", &["expected the name of the file"]),
        ("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.«a»=1", &["at most 16 parts"]),
        ("lease.ttl=«\u{1b}[31m5s»", &["expected a duration"]),
    ] {
        let mut marked = Marked::new(overlay);
        marked.part = marked.part.replace('\u{1b}', "␛");
        // A right one before and after: it is told which of them is wrong.
        let args =
            ["case.toml", "--set", "topology.holders=4", "--set", &marked.text, "--set", "work.think=1ms"];
        bench.refuses(&args).says(words).points_at("--set", &marked);
    }
}

#[test]
fn a_safe_variant_must_be_there_and_right_to_be_run() {
    let plain = Bench::with(HEAD);
    plain.refuses(&["case.toml", "--safe"]).says(&["--> case.toml", "no [safe] table", "[safe.resource]"]);
    let written = Bench::with(format!("{HEAD}[safe.leese]\n"));
    written.refuses(&["case.toml"]).says(&["did you mean `[lease]`?"]);
    for (text, words) in [
        ("[safe.«leese»]\nttl = \"1s\"", &["did you mean `[lease]`?"][..]),
        ("[resource]\nfence = \"none\"\n[safe.resource]\nfence = «\"nnoe\"»", &["did you mean `none`?"]),
        ("[safe]\nlease.ttl = «\"0s\"»", &["a TTL of 0s"]),
    ] {
        let marked = Marked::new(&format!("{HEAD}{text}\n"));
        Bench::with(&marked.text)
            .refuses(&["case.toml", "--safe"])
            .says(words)
            .points_at("case.toml", &marked);
    }
}

#[test]
fn bytes_that_are_no_scenario_are_refused() {
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(HEAD.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let broken = [HEAD.as_bytes(), b"[lease]\nttl = \"1\xff0s\"\n"].concat();
    let large = [HEAD.as_bytes(), "#".repeat(10 << 20).as_bytes()].concat();
    let deep_lists = format!("{HEAD}x = {}", "[".repeat(100_000));
    let deep_tables = format!("{HEAD}[x{}]", ".x".repeat(50_000));
    for (what, bytes, words) in [
        ("empty", &b""[..], &["--> case.toml", "the file is empty", "begin with `schema = 1`"][..]),
        ("blank", b" \n\t\r\n", &["--> case.toml", "the file is empty"]),
        ("not UTF-8", &broken, &["--> case.toml:5:9", "not UTF-8", "0xff", "save it as UTF-8"]),
        ("UTF-16", &utf16, &["--> case.toml:1:1", "looks like UTF-16"]),
        ("10 MiB", &large, &["--> case.toml", "10.0 MiB", "at most 1 MiB"]),
        ("nested lists", deep_lists.as_bytes(), &["--> case.toml:4:", "nested too deep"]),
        ("nested tables", deep_tables.as_bytes(), &["--> case.toml", "nested too deep"]),
        ("a trace", b"{\"format\":1}\n", &["--> case.toml:1:", "not TOML"]),
    ] {
        let Refusal(said) = Bench::with(bytes).refuses(&["case.toml"]).says(words);
        assert!(said.len() < 4_000, "{what} is told in {} bytes", said.len());
    }
}

#[test]
fn a_file_that_is_only_a_byte_order_mark_is_empty() {
    Bench::with(b"\xef\xbb\xbf\n").refuses(&["case.toml"]).says(&["the file is empty"]);
}

#[test]
fn a_byte_order_mark_before_a_scenario_moves_no_column() {
    let marked = Marked::new(&format!("{HEAD}[lease]\n«tll» = \"10s\"\n"));
    let bench = Bench::with(format!("\u{feff}{}", marked.text));
    bench.refuses(&["case.toml"]).points_at("case.toml", &marked);
}

#[test]
fn a_file_that_is_not_there_or_is_none_is_refused() {
    let bench = Bench::with(HEAD);
    std::fs::create_dir(bench.path().join("folder")).unwrap();
    std::fs::create_dir(bench.path().join("empty")).unwrap();
    std::fs::write(bench.path().join("folder/inner.toml"), HEAD).unwrap();
    for (path, words) in [
        ("caes.toml", &["there is no such file", "--> caes.toml", "did you mean case.toml?"][..]),
        ("case", &["there is no such file", "did you mean case.toml?"]),
        ("folder/iner.toml", &["there is no such file", "did you mean folder/inner.toml?"]),
        ("quite-another.toml", &["there is no such file", "--> quite-another.toml"]),
        ("nowhere/case.toml", &["there is no such file", "the folder nowhere does not exist"]),
        ("folder", &["--> folder", "this is a directory", "folder/inner.toml"]),
        ("empty", &["--> empty", "this is a directory", ".toml"]),
        ("case.toml/inner.toml", &["--> case.toml/inner.toml"]),
    ] {
        bench.refuses(&[path]).says(words);
    }
}

#[test]
#[cfg(unix)]
fn a_link_to_itself_and_an_endless_file_are_refused() {
    let bench = Bench::with(HEAD);
    std::os::unix::fs::symlink("loop.toml", bench.path().join("loop.toml")).unwrap();
    bench.refuses(&["loop.toml"]).says(&["--> loop.toml", "cannot be read: Too many"]);
    bench.refuses(&["/dev/zero"]).says(&["--> /dev/zero", "at most 1 MiB"]);
}
