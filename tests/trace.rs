//! Recorded runs on the command line: judged again, and compared.

use std::path::PathBuf;
use std::process::{Command, Stdio};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const BREAKS: &str = "scenarios/breaks/pause-without-fencing.toml";
const HOLDS: &str = "scenarios/holds/gc-pause-across-expiry.toml";

fn leasehold(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.args(args).current_dir(ROOT).stdin(Stdio::null()).env_remove("CLICOLOR_FORCE");
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
    (output.status.code(), text(output.stdout) + &text(output.stderr))
}

#[track_caller]
fn says(args: &[&str], code: i32, words: &[&str]) -> String {
    let (found, said) = leasehold(args);
    assert_eq!(found, Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not said:\n{said}");
    }
    said
}

/// A folder for traces.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room for a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn record(&self, name: &str, args: &[&str]) -> String {
        let path = self.arg(name);
        let (code, said) = leasehold(&[&["run", "--quiet", "--trace", &path], args].concat());
        assert!(matches!(code, Some(0 | 4 | 101)), "{said}");
        path
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), text).expect("there is room for a file");
        self.arg(name)
    }

    fn arg(&self, name: &str) -> String {
        self.path(name).to_str().expect("temporary paths are UTF-8").to_owned()
    }
}

/// How a line begins that tells what became of a message.
const PASSAGE: &str = "{\"passage\":";

/// The places of the lines that are events.
fn events_of(lines: &[&str]) -> Vec<usize> {
    (1..lines.len() - 1).filter(|place| !lines[*place].starts_with(PASSAGE)).collect()
}

/// What the verdict block says, without its last lines (how to see it again) and what a trace does not hold.
fn block(said: &str) -> Vec<&str> {
    let rest = said.lines().skip_while(|line| !line.starts_with("invariant  "));
    rest.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn a_trace_is_judged_as_its_run_was() {
    let bench = Bench::new();
    for (scenario, code, verdict) in [
        (BREAKS, 1, "verdict     violation (a trace says not"),
        (HOLDS, 0, "verdict     pass (a trace says not"),
    ] {
        let trace = bench.record("run.jsonl", &[scenario]);
        let (_, run) = leasehold(&["run", "--quiet", scenario]);
        let check = says(&["check", &trace], code, &[verdict]);
        assert!(block(&run).len() > 10, "{run}");
        assert_eq!(block(&check), block(&run));
        let json = says(&["check", &trace, "--format", "json"], code, &[]);
        let json: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
        assert_eq!(json["digest"], json["recorded_digest"]);
        assert_eq!(json["expectation_met"], serde_json::Value::Null);
    }
    let missed = bench.record("run.jsonl", &[HOLDS, "--set", "expect.reach=[\"revoked\"]"]);
    says(&["check", &missed], 4, &["verdict     vacuous", "revoked MISSED"]);
}

#[test]
fn a_damaged_trace_is_refused_with_the_line() {
    let bench = Bench::new();
    let sound =
        std::fs::read_to_string(bench.record("run.jsonl", &[HOLDS, "--set", "phases.chaos=20s"])).unwrap();
    let lines: Vec<&str> = sound.lines().collect();
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let last = lines.len() - 1;
    let edited = |place: usize, line: &str| {
        let mut lines = lines.clone();
        lines[place] = line;
        joined(&lines)
    };
    let in_the_middle = sound.len() - sound[..2_000].len();
    let in_the_middle = &sound[..in_the_middle - 30];
    let cut_line = in_the_middle.lines().count();
    let moved = {
        let mut lines = lines.clone();
        lines.swap(1, last - 1);
        joined(&lines)
    };
    let other_format = lines[0].replace("\"format\":3", "\"format\":9");
    let event = events_of(&lines)[20];
    let foreign = lines[event].replacen("\"node\":", "\"node\":7", 1);
    let passage = (1..).find(|place| lines[*place].starts_with(PASSAGE)).expect("messages are told of");
    let astray = lines[passage].replacen("\"to\":", "\"to\":7", 1);
    let unheard_of = lines[passage].replacen("\"sent\"", "\"eaten\"", 1);
    let events = events_of(&lines).len();
    for (text, says) in [
        (String::new(), ":1: this is no trace: its first line is no header (the file is empty)".to_owned()),
        ("once upon a time\n".to_owned(), ":1: this is no trace".to_owned()),
        (lines[0][..40].to_owned(), ":1: the trace is cut off in the middle of this line".to_owned()),
        (edited(0, &other_format), ":1: format 9 was written by version ".to_owned()),
        (in_the_middle.to_owned(), format!(":{cut_line}: the trace is cut off in the middle of this line")),
        (joined(&lines[..last]), format!(":{last}: the trace is cut off: it ends without a footer")),
        (joined(&lines[..1]), ":1: the trace is cut off: it ends without a footer".to_owned()),
        (edited(10, "{\"at\":1}"), ":11: this is no event".to_owned()),
        (edited(10, ""), ":11: this is no event".to_owned()),
        (edited(event, &foreign), format!(":{}: this event is of node ", event + 1)),
        (edited(passage, &astray), format!(":{}: this passage is of node 7", passage + 1)),
        (edited(passage, &unheard_of), format!(":{}: this is no event", passage + 1)),
        (moved, ":3: this event is from 0.0".to_owned()),
        (
            joined(&[&lines[..event], &lines[event + 1..]].concat()),
            format!(":{last}: the footer counts {events} events, the trace has {}", events - 1),
        ),
        (sound.clone() + "more\n", format!(":{}: the trace is over", last + 2)),
    ] {
        let path = bench.write("damaged.jsonl", &text);
        for args in [&["check", &path][..], &["diff", &path, &path]] {
            let (code, said) = leasehold(args);
            assert_eq!(code, Some(2), "{args:?}, {says}:\n{said}");
            assert!(said.contains(&format!("error: {path}{says}")), "{says} is not said:\n{said}");
        }
    }
    says(&["check", &bench.arg("no.jsonl")], 2, &["no.jsonl: it cannot be read: "]);
}

#[test]
fn an_edited_trace_is_judged_but_not_taken_for_the_recorded_one() {
    let bench = Bench::new();
    let trace = bench.record("run.jsonl", &[BREAKS]);
    let text = std::fs::read_to_string(&trace).unwrap();
    let edited = bench.write("edited.jsonl", text.replacen("\"local\":", "\"local\":1", 6));
    says(
        &["check", &edited],
        2,
        &["verdict     violation", "edited.jsonl was edited: its footer has the digest"],
    );
}

#[test]
fn a_trace_that_no_run_can_have_is_refused_with_the_line() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(bench.record("run.jsonl", &[BREAKS])).unwrap();
    let last = text.lines().count();
    let (events, footer) = text.trim_end().rsplit_once('\n').unwrap();
    let ended = |end: &str| format!("{events}\n{}\n", footer.replacen("\"completed\"", end, 1));
    let centuries = {
        let at = text.find("\"ttl\":").expect("a grant has a term") + "\"ttl\":".len();
        let digits = text[at..].find(|c: char| !c.is_ascii_digit()).unwrap();
        format!("{}{}{}", &text[..at], u64::MAX, &text[at + digits..])
    };
    let panicked = "{\"panicked\":{\"node\":0,\"message\":\"x\"}}";
    for (text, words) in [
        (centuries, "the checkers fail at this line (a span stays below 584 years)".to_owned()),
        (
            ended(panicked),
            format!(":{last}: this footer was edited: it says that a node panicked, and no event"),
        ),
        (ended("{\"livelock\":{\"node\":0}}"), format!(":{last}: this footer was edited: in a livelock")),
        (ended("{\"livelock\":{\"node\":900}}"), format!(":{last}: this footer was edited: it names a node")),
    ] {
        let path = bench.write("edited.jsonl", &text);
        says(&["check", &path], 2, &["edited.jsonl:", &words]);
    }
}

#[test]
fn two_traces_are_shown_where_they_part() {
    let bench = Bench::new();
    let zero = bench.record("zero.jsonl", &[BREAKS]);
    let one = bench.record("one.jsonl", &[BREAKS, "--seed", "1"]);
    says(&["diff", &zero, &zero], 0, &["the same events, and the same end"]);
    let said = says(
        &["diff", &zero, &one, "--context", "1"],
        1,
        &["seed differs:\n    A  0\n    B  1\n", "they part at event 4, which is line 5 of both"],
    );
    let marks: Vec<&str> = said
        .lines()
        .skip_while(|line| !line.contains("what happened"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| &line[..1])
        .collect();
    assert_eq!(marks, [" ", "A", "A", "B", "B"]);

    let text = std::fs::read_to_string(&zero).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut edited = lines.clone();
    // The thirtieth event.
    let place = events_of(&lines)[29];
    assert_ne!(place, 30, "there are passages before it");
    let line = lines[place].replacen("\"local\":", "\"local\":1", 1);
    edited[place] = &line;
    let edited = bench.write("edited.jsonl", edited.join("\n") + "\n");
    says(
        &["diff", &zero, &edited],
        1,
        &[
            &format!("they part at event 30, which is line {} of both", place + 1),
            "the first differ in the reading of the clock",
        ],
    );
    let json = says(&["diff", &zero, &edited, "--format", "json"], 1, &[]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!((&json["event"], &json["same"]), (&30.into(), &false.into()));
    assert_eq!(json["before"].as_array().map(Vec::len), Some(5));
    assert_eq!(json["a"]["events"].as_array().map(Vec::len), Some(6));
}

/// The same scenario with and without its fence: what happens is alike, what comes of it is not.
#[test]
fn two_traces_stand_side_by_side_by_time() {
    let bench = Bench::new();
    let broken = bench.record("broken.jsonl", &[BREAKS]);
    let safe = bench.record("safe.jsonl", &[BREAKS, "--safe", "--seed", "1"]);
    let said = says(
        &["diff", &broken, &safe, "--align", "by-time"],
        1,
        &[
            "seed differs:\n    A  0\n    B  1\n",
            "\nA  violation: I",
            "\nB  pass\n",
            "only B reached stale-write-rejected",
        ],
    );
    let line = |words: &str| {
        said.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {said}"))
    };
    // Both are paused, each at its own time; only one is wrong.
    let times = |line: &str| {
        line.split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let paused = times(line("is paused"));
    assert!(paused[0] != paused[1] && paused.iter().all(|time| time.parse::<f64>().is_ok()), "{paused:?}");
    assert_eq!(times(line("VIOLATION"))[1], "-");
    says(&["diff", &safe, &safe, "--align", "by-time"], 0, &["\nA  pass\nB  pass\n"]);

    let json = says(&["diff", &broken, &safe, "--align", "by-time", "--format", "json"], 1, &[]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!((&json["agree"], &json["b"]["verdict"]), (&false.into(), &"pass".into()));
    assert!(json["rows"].as_array().is_some_and(|rows| rows.len() > 10));
}

/// Messages stand in a trace and change nothing that is judged by it.
#[test]
fn a_trace_without_its_passages_is_the_same_run() {
    let bench = Bench::new();
    let trace = bench.record("run.jsonl", &[BREAKS]);
    let text = std::fs::read_to_string(&trace).unwrap();
    let is_event = |line: &&str| !line.starts_with(PASSAGE);
    let bare: Vec<&str> = text.lines().filter(is_event).collect();
    assert!(text.lines().count() > bare.len() + 1_000, "there are passages");
    let bare = bench.write("bare.jsonl", bare.join("\n") + "\n");
    says(&["diff", &trace, &bare], 0, &["the same events, and the same end"]);
    let (whole, without) = (leasehold(&["check", &trace]), leasehold(&["check", &bare]));
    assert_eq!(whole.0, Some(1));
    assert_eq!(block(&whole.1), block(&without.1));
}

#[test]
fn a_trace_is_exported() {
    let bench = Bench::new();
    let trace = bench.record("run.jsonl", &[BREAKS, "--set", "phases.chaos=20s"]);
    let (code, perfetto) = leasehold(&["export", &trace, "--format", "perfetto"]);
    assert_eq!(code, Some(0), "{perfetto}");
    let events: serde_json::Value = serde_json::from_str(&perfetto).expect("one JSON object");
    let events = events["traceEvents"].as_array().expect("a list");
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    assert!(of("s") > 500 && of("s") == of("f"), "{} flows", of("s"));
    assert_eq!((of("b"), of("e")), (2, 2), "two leases");
    assert!(
        events.iter().any(|event| event["cat"] == "found" && event["s"] == "g"),
        "the violation is marked"
    );

    let out = bench.arg("run.log");
    says(&["export", &trace, "--format", "shiviz", "--out", &out], 0, &[]);
    let log = std::fs::read_to_string(&out).unwrap();
    assert!(log.starts_with("(?<host>"), "{}", &log[..80]);
    assert!(log.contains("holder-3 {"), "hosts stand by their names");

    let (_, lines) = leasehold(&["export", &trace, "--format", "jsonl"]);
    let last = lines.lines().last().expect("there is a last line");
    let last: serde_json::Value = serde_json::from_str(last).expect("a line is JSON");
    assert_eq!(last["verdict"], "violation");
}

#[test]
fn what_cannot_be_exported_leaves_nothing_behind() {
    let bench = Bench::new();
    let trace = bench.record("run.jsonl", &[HOLDS, "--set", "phases.chaos=20s"]);
    let text = std::fs::read_to_string(&trace).unwrap();
    let cut = bench.write("cut.jsonl", &text[..text.len() / 2]);
    let edited = bench.write("edited.jsonl", text.replacen("\"local\":", "\"local\":1", 6));
    let out = bench.arg("out.json");
    for (trace, words) in [(&cut, "cut.jsonl:"), (&edited, "edited.jsonl was edited")] {
        says(&["export", trace, "--format", "perfetto", "--out", &out], 2, &["error: ", words]);
        assert!(!bench.path("out.json").exists(), "{words}");
    }
    says(&["export", &trace, "--format", "jsonl", "--out", &trace], 2, &["would overwrite"]);
    says(
        &["export", &trace, "--format", "jsonl", "--out", &bench.arg("no/out")],
        74,
        &["could not be written"],
    );
    says(&["export", &trace], 2, &["--format"]);
}

#[test]
fn a_run_is_drawn() {
    let bench = Bench::new();
    let page = bench.arg("run.html");
    says(&["run", "--quiet", BREAKS, "--timeline", &page], 0, &["as expected"]);
    let html = std::fs::read_to_string(&page).unwrap();
    for words in [
        "holder-3 was paused from 6.379 s to 21.379 s.",
        "holder-1 was granted lease 2 (token 2) at 13.504 s.",
        "This violates I25 no-lost-update",
        "href=\"#violation\"",
        "id=\"violation\"",
        "leasehold run scenarios/breaks/pause-without-fencing.toml --seed 0",
        "claim over, not noticed",
    ] {
        assert!(html.contains(words), "{words:?} is not in the page");
    }
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    says(&["run", "-q", HOLDS, "--timeline", HOLDS], 2, &["the timeline would overwrite"]);
    says(&["run", "-q", HOLDS, "--timeline", &bench.arg("no/run.html")], 74, &["could not be written"]);
}
