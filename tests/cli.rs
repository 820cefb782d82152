//! The command line as a script sees it: exit codes, what goes to which stream, and what may be relied on.

#[path = "glass/mod.rs"]
mod glass;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use glass::{Glass, crack};
use leasehold::trace::{Footer, Header, PassageLine};
use leasehold::{Event, Invariant};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A pause across the expiry, with fencing: passes.
const FENCED: &str = "scenarios/holds/gc-pause-across-expiry.toml";
/// The same without: an update is lost, as the file expects.
const UNFENCED: &str = "scenarios/breaks/pause-without-fencing.toml";

/// How a command ended, and what it said.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("one JSON object, and nothing else")
    }

    /// What stands behind a title of the verdict block.
    fn titled(&self, title: &str) -> &str {
        let found = self.stdout.lines().find_map(|line| line.strip_prefix(title)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no line begins with {title}:\n{}", self.stdout)).trim()
    }

    fn digest(&self) -> &str {
        let digest = self.titled("digest");
        assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
        digest
    }
}

/// The program in the workspace's folder, with nothing in its environment that changes colours.
fn program(args: &[&str]) -> Command {
    let mut command = at_root(PROGRAM);
    command.args(args);
    command
}

fn at_root(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(ROOT).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

fn ended(mut command: Command) -> Ended {
    command.output().expect("the program starts").into()
}

fn run(args: &[&str]) -> Ended {
    ended(program(&[&["run"], args].concat()))
}

/// A path as an argument.
fn arg(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

// ---- Exit codes

#[test]
fn the_exit_code_says_how_it_ended() {
    const UNREACHED: &str = r#"expect.reach=["grantor-restarted-with-live-lease"]"#;
    const NEVER_FIRES: &str = "fault.0.when=ttl_remaining < 1%";
    for (code, verdict, args) in [
        (0, "pass (as expected)", &[FENCED][..]),
        (0, "violation (as expected: I25 no-lost-update)", &[UNFENCED]),
        (0, "pass (as expected)", &[UNFENCED, "--safe"]),
        (0, "vacuous (as expected)", &[FENCED, "--set", "fault=[]", "--set", "expect.verdict=vacuous"]),
        (1, "violation (the scenario's expectation is ignored)", &[UNFENCED, "--ignore-expect"]),
        (1, "violation (not as expected: I2 fencing was violated", &[FENCED, "--set", "resource.fence=none"]),
        (1, "violation (not as expected: I2 fencing was violated", &[UNFENCED, "--set", "expect.also=[]"]),
        (1, "pass (not as expected: expected to be vacuous", &[FENCED, "--set", "expect.verdict=vacuous"]),
        (1, "pass (not as expected: there were hazards", &[FENCED, "--set", "expect.hazard=none"]),
        (0, "pass (the scenario's", &[FENCED, "--set", "expect.hazard=none", "--ignore-expect"]),
        (4, "vacuous (not as expected: the run did not reach grantor-", &[FENCED, "--set", UNREACHED]),
        (4, "vacuous (the scenario's", &[FENCED, "--set", UNREACHED, "--ignore-expect"]),
        (4, "violation (not as expected: the run did not reach grantor-", &[UNFENCED, "--set", UNREACHED]),
        (1, "violation (the scenario's", &[UNFENCED, "--set", UNREACHED, "--ignore-expect"]),
        (4, "vacuous (not as expected", &[FENCED, "--set", NEVER_FIRES]),
        (4, "vacuous (not as expected", &[UNFENCED, "--set", NEVER_FIRES]),
    ] {
        let ended = run(&[args, &["--quiet"]].concat());
        assert_eq!(ended.code, Some(code), "{args:?}:\n{}", ended.stdout);
        assert!(ended.titled("verdict").starts_with(verdict), "{args:?}: {}", ended.titled("verdict"));
        assert_eq!(ended.stderr, "", "{args:?}");
        let json = run(&[args, &["--format", "json"]].concat());
        assert_eq!(json.code, Some(code), "{args:?} as JSON");
    }
}

#[test]
fn a_fault_that_never_fires_is_told_by_name_and_so_is_what_was_missed() {
    let ended = run(&[FENCED, "--quiet", "--set", "fault.0.when=ttl_remaining < 1%"]);
    assert!(ended.titled("faults").contains("pause holder"), "{}", ended.titled("faults"));
    assert!(ended.titled("faults").ends_with("never fired"), "{}", ended.titled("faults"));
    assert!(ended.titled("reach").contains("stale-write-rejected MISSED"), "{}", ended.titled("reach"));
}

#[test]
fn a_wrong_command_line_is_2_with_the_reason_on_stderr() {
    for (args, reason) in [
        (&[][..], "Usage: leasehold"),
        (&["rnu"], "unrecognized subcommand 'rnu'"),
        (&["run"], "<SCENARIO>"),
        (&["run", FENCED, "--sed", "1"], "'--seed'"),
        (&["run", FENCED, "--seed", "0x"], "expected 0 to 18446744073709551615"),
        (&["run", FENCED, "--seed", "18446744073709551616"], "expected 0 to 18446744073709551615"),
        (&["run", FENCED, "--format", "xml"], "human, json"),
        (&["run", FENCED, "--quiet", "--verbose"], "cannot be used with"),
        (&["run", FENCED, UNFENCED], "unexpected argument"),
        (&["run", "scenarios/holds/no-such.toml"], "there is no such file"),
    ] {
        let ended = ended(program(args));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(ended.stderr.contains(reason), "{args:?}:\n{}", ended.stderr);
    }
}

#[test]
fn a_trace_that_cannot_be_written_is_74() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no-such-folder").join("run.jsonl");
    for path in [&nowhere, folder.path()] {
        let ended = run(&[FENCED, "--quiet", "--trace", arg(path)]);
        assert_eq!(ended.code, Some(74), "{}", path.display());
        assert!(ended.stderr.starts_with(&format!("error: {}", path.display())), "{}", ended.stderr);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_stdout_is_74() {
    for format in ["human", "json"] {
        let full = std::fs::File::create("/dev/full").expect("Linux has it");
        let mut command = program(&["run", FENCED, "--format", format]);
        command.stdout(full);
        let ended = ended(command);
        assert_eq!(ended.code, Some(74), "{format}");
        assert!(ended.stderr.contains("standard output could not be written"), "{}", ended.stderr);
    }
}

// ---- What a person reads

/// Asserts that the log tells these in this order, each on a line of its own, and says when.
fn assert_told_in_order(log: &str, story: &[&[&str]]) {
    let mut lines = log.lines();
    for chapter in story {
        assert!(
            lines.any(|line| chapter.iter().all(|words| line.contains(words))),
            "{chapter:?} is not told, or not after what should come before it:\n{log}"
        );
    }
}

/// The node whose line says this.
fn who<'l>(log: &'l str, what: &str) -> &'l str {
    let line = log.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what} in:\n{log}"));
    line.split_whitespace().nth(1).expect("the node stands behind the time")
}

#[test]
fn the_log_of_a_pause_tells_the_story_in_order() {
    let log = run(&[FENCED]).stdout;
    let late = who(&log, "is paused");
    let next = who(&log, "claims under token 2");
    assert_ne!(late, next);
    assert_told_in_order(
        &log,
        &[
            &["grantor", &format!("grants lease 1 to {late} for 10s, token 1")],
            &[late, "claims under token 1"],
            &["writes accepted with token 1"],
            &[late, "fault 1 lands"],
            &[late, "is paused"],
            &[late, "its claim under token 1 is over, whether it knows or not"],
            &["grantor", "lease 1 (token 1) expired"],
            &["grantor", &format!("grants lease 2 to {next} for 10s, token 2")],
            &[next, "claims under token 2"],
            &["resource", &format!("of {next} under token 2")],
            &[late, "goes on where it stopped"],
            &[late, "stops acting under token 1"],
            &["resource", &format!("refuses a write of {late} under token 1: it has seen token 2")],
            &["writes accepted with token 2"],
            &["all faults are healed"],
        ],
    );
    let (log, _) = log.split_once("\nverdict ").expect("the verdict follows");
    let times: Vec<f64> =
        log.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert!(times.len() > 20 && times.is_sorted(), "the first column is true time: {times:?}");
}

#[test]
fn a_lost_update_is_shown_with_who_had_seen_what() {
    let human = run(&[UNFENCED, "--ignore-expect"]);
    let late = who(&human.stdout, "is paused");
    assert_told_in_order(
        &human.stdout,
        &[
            &[late, "goes on where it stopped"],
            &["resource", &format!("of {late} under token 1"), "whose writer had seen version"],
            &["VIOLATION of I25 no-lost-update"],
            &["I25 no-lost-update at", "every accepted read-modify-write saw its predecessor"],
        ],
    );

    let json = run(&[UNFENCED, "--ignore-expect", "--format", "json"]).json();
    let evidence = json["evidence"].as_array().expect("a list");
    let lost = evidence.iter().find(|found| found["invariant"] == "no-lost-update").expect("it was violated");
    let facts = lost["facts"].as_array().expect("a list");
    let (shown, accepted) = (&facts[0]["read"], &facts[facts.len() - 1]["accepted"]);
    assert_eq!(shown["reader"], accepted["writer"], "who was shown it has written it: {lost:#}");
    assert_eq!(shown["version"], accepted["based_on"], "from what it was shown: {lost:#}");
    assert!(accepted["replaced"].as_u64() > accepted["based_on"].as_u64(), "over another's: {lost:#}");
    assert!(lost["nodes"].as_array().is_some_and(|nodes| nodes.contains(&late.into())), "{lost:#}");

    let shown = format!("{late} was shown version {}", shown["version"]);
    assert!(lost["told"][0].as_str().is_some_and(|told| told.contains(&shown)), "{lost:#}");
    for told in evidence.iter().flat_map(|found| found["told"].as_array().expect("a list")) {
        let line = format!("\n    {}\n", told.as_str().expect("a line"));
        assert!(human.stdout.contains(&line), "the person is shown the same: {line}");
    }
}

#[test]
fn the_safe_variant_of_each_break_passes() {
    for scenario in [UNFENCED, "scenarios/breaks/deadline-from-receipt.toml"] {
        let (broken, safe) =
            (run(&[scenario, "--ignore-expect"]), run(&[scenario, "--ignore-expect", "--safe"]));
        assert_eq!((broken.code, safe.code), (Some(1), Some(0)), "{scenario}");
        assert!(safe.titled("verdict").starts_with("pass"), "{scenario}: {}", safe.titled("verdict"));
    }
}

#[test]
fn routine_is_folded_unless_all_is_wanted_and_quiet_leaves_the_verdict() {
    let (folded, full, quiet) =
        (run(&[UNFENCED]), run(&[UNFENCED, "--verbose"]), run(&[UNFENCED, "--quiet"]));
    let log = folded.stdout.strip_suffix(&quiet.stdout).expect("the verdict block ends the longer output");
    assert!(log.starts_with("pause-without-fencing: ") && log.contains("what happened"), "{log}");
    assert!(log.lines().count() < 100, "nobody reads {} lines", log.lines().count());

    assert!(quiet.stdout.starts_with("I2 fencing at "), "the evidence comes first:\n{}", quiet.stdout);
    assert!(quiet.stdout.lines().count() < 60, "{}", quiet.stdout);

    let everything = full.stdout.strip_suffix(&quiet.stdout).expect("the verdict block is the same");
    let events = run(&[UNFENCED, "--format", "json"]).json()["events"].as_u64().expect("a number");
    let shown = everything.lines().count() as u64;
    assert!(events > 10_000 && shown >= events, "{shown} lines for {events} events");
    assert!(!everything.contains('…'), "nothing is folded");
}

#[test]
fn colours_are_for_terminals_and_can_be_turned_off() {
    const ESCAPE: char = '\u{1b}';
    let with = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = program(args);
        command.envs(variables.iter().copied());
        let ended = ended(command);
        format!("{}{}", ended.stdout, ended.stderr)
    };
    for args in [&["run", UNFENCED][..], &["run", "no-such.toml"], &["run", FENCED, "--format", "json"]] {
        assert!(!with(args, &[]).contains(ESCAPE), "a pipe has no colours: {args:?}");
        let off = with(args, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
        assert!(!off.contains(ESCAPE), "NO_COLOR wins: {args:?}");
    }
    for args in [&["run", UNFENCED][..], &["run", "no-such.toml"]] {
        assert!(with(args, &[("CLICOLOR_FORCE", "1")]).contains(ESCAPE), "there are colours: {args:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly_with_the_code_of_the_verdict() {
    // More than a pipe holds, and a reader that takes the first line of it.
    let mut command = program(&["run", UNFENCED, "--ignore-expect", "--verbose"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut reader, &mut first).unwrap();
    drop(reader);
    let after_one_line = Ended::from(child.wait_with_output().unwrap());
    assert!(first.starts_with("pause-without-fencing: "), "{first}");
    assert_eq!((after_one_line.code, after_one_line.stderr.as_str()), (Some(1), ""));

    // Little, and a reader that was never there.
    for (args, code) in [(&[FENCED][..], 0), (&[UNFENCED, "--ignore-expect", "--format", "json"], 1)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program(&[&["run"], args].concat());
        command.stdout(writer);
        let ended = ended(command);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(code), ""), "{args:?}");
    }
}

#[test]
fn help_goes_to_stdout_and_shows_the_defaults() {
    let top = ended(program(&["--help"]));
    assert_eq!((top.code, top.stderr.as_str()), (Some(0), ""));
    assert!(top.stdout.contains("Usage: leasehold") && top.stdout.contains("  run "), "{}", top.stdout);

    let help = run(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for shown in ["--seed <N>", "[default: 0]", "--engine <ENGINE>", "[default: human]", "--trace <FILE>"] {
        assert!(help.stdout.contains(shown), "{shown}:\n{}", help.stdout);
    }
    for shown in ["--set <KEY=VALUE>", "--safe", "--verbose", "--quiet", "--ignore-expect"] {
        assert!(help.stdout.contains(shown), "{shown}:\n{}", help.stdout);
    }
    let (_, codes) = help.stdout.split_once("Exit codes:").expect("they are listed");
    for code in ["0", "1", "2", "4", "74", "101"] {
        assert!(codes.split_whitespace().any(|word| word == code), "{code}:\n{codes}");
    }
}

// ---- What a program reads

/// What is judged where there is no registry.
fn of_leases() -> impl Iterator<Item = Invariant> {
    let of_registries = [
        Invariant::BoundedStaleness,
        Invariant::Watch,
        Invariant::FalseExpiry,
        Invariant::Load,
        Invariant::Progress,
        Invariant::MassExpiry,
        Invariant::MonotonicReads,
    ];
    Invariant::ALL.into_iter().filter(move |invariant| !of_registries.contains(invariant))
}

#[test]
fn json_is_one_object_with_the_documented_fields() {
    let human = run(&[FENCED, "--seed", "7"]);
    let ended = run(&[FENCED, "--seed", "7", "--format", "json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let json = ended.json();
    assert_eq!(json["scenario"], "gc-pause-across-expiry");
    assert_eq!(json["seed"], 7);
    assert_eq!(json["engine"], "sim");
    assert_eq!(json["verdict"], "pass");
    assert_eq!(json["digest"], human.digest());
    assert!(json["simulated_seconds"].as_f64() > Some(60.0), "{}", json["simulated_seconds"]);
    assert!(json["events"].as_u64() > Some(1_000), "{}", json["events"]);
    assert_eq!(json["hazards"]["effect-outside-claim"], 1);
    assert_eq!(json["reach"]["stale-write-rejected"], 1);
    assert_eq!(json["reach"]["handed-over"], 0, "what was not reached is there too");
    assert_eq!(json["faults"][0]["target"], who(&human.stdout, "is paused"));
    assert!(json["faults"][0]["landed_ns"].as_u64() >= json["faults"][0]["fired_ns"].as_u64());
    assert_eq!(json["evidence"], serde_json::json!([]));

    let invariants = json["invariants"].as_array().expect("a list");
    let names: Vec<&str> = invariants.iter().filter_map(|judged| judged["name"].as_str()).collect();
    assert_eq!(names, of_leases().map(Invariant::name).collect::<Vec<_>>());
    // What this scenario does not promise, or its system does not tell of, is there too.
    let elsewhere = ["owner-only", "lock-delay", "applied-once", "atomic-end"];
    for invariant in invariants {
        let is_judged_here = !elsewhere.iter().any(|name| invariant["name"] == *name);
        assert!(!is_judged_here || invariant["judged"].as_u64() > Some(0), "{invariant}");
        assert_eq!(invariant["violations"], 0, "{invariant}");
        let call = invariant.get("closest_call").expect("it is there, if only as null");
        assert!(call.is_null() || call["left_ns"].as_u64().is_some(), "{invariant}");
    }
    assert!(invariants[0]["closest_call"]["left_ns"].as_u64() > Some(0), "exclusivity has one");
}

/// A lease for every cycle of work is a thousand leases: they come and go without a line each.
#[test]
fn leases_that_come_and_go_are_folded_and_shown_in_full_on_request() {
    let fills = "scenarios/holds/cache-fill-under-a-lease.toml";
    let log = run(&[fills]).stdout;
    let granted = |log: &str| log.lines().filter(|line| line.contains(" grants lease ")).count();
    assert!(log.contains("leases granted and given back"), "{log}");
    assert!(log.contains("refuses a write of"), "what is not routine is there");
    assert!(granted(&log) < 60, "{log}");
    assert!(granted(&run(&[fills, "--verbose"]).stdout) > 500);
}

/// A fault on many nodes fires once.
#[test]
fn a_fault_on_many_nodes_is_told_once_and_where_it_landed() {
    let log = run(&["scenarios/holds/mass-expiry-under-a-rate-limit.toml"]).stdout;
    let lines = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!((lines("fault 1 fires"), lines("fault 1 lands")), (1, 16), "{log}");
}

#[test]
fn a_violation_in_json_counts_what_the_evidence_shows() {
    let json = run(&[UNFENCED, "--format", "json"]).json();
    assert_eq!((&json["verdict"], &json["expectation_met"]), (&"violation".into(), &true.into()));
    let shown = json["evidence"].as_array().expect("a list");
    for invariant in json["invariants"].as_array().expect("a list") {
        let evidence = shown.iter().filter(|found| found["invariant"] == invariant["name"]).count();
        assert_eq!(invariant["violations"].as_u64() > Some(0), evidence > 0, "{invariant}");
    }
}

#[test]
fn the_digest_depends_on_seed_and_scenario_and_not_on_how_it_is_shown() {
    let digest = |args: &[&str]| run(&[&[FENCED], args].concat()).digest().to_owned();
    let base = digest(&["--seed", "16"]);
    for same in [&["--seed", "0x10"][..], &["--seed=0X10", "-q"], &["--seed", "16", "-v"]] {
        assert_eq!(digest(same), base, "{same:?}");
    }
    assert_eq!(
        digest(&["--seed", "16", "--set", "lease.ttl=9s", "--set", "lease.ttl=10s"]),
        base,
        "last wins"
    );
    for other in [&["--seed", "17"][..], &["--seed", "16", "--set", "lease.ttl=5s"]] {
        assert_ne!(digest(other), base, "{other:?}");
    }
    assert_eq!(digest(&[]), digest(&["--seed", "0"]), "the default");
}

#[test]
fn a_trace_has_a_header_a_line_for_every_event_and_a_footer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    std::fs::write(&path, "what stood there before").unwrap();
    let traced = run(&[UNFENCED, "--seed", "3", "--format", "json", "--trace", arg(&path)]);
    let plain = run(&[UNFENCED, "--seed", "3", "--format", "json"]);
    assert_eq!((traced.code, traced.stderr.as_str()), (Some(0), ""));
    assert_eq!(traced.json()["digest"], plain.json()["digest"]);

    let text = std::fs::read_to_string(&path).unwrap();
    let (header, events) = text.split_once('\n').expect("a header");
    let header: Header = serde_json::from_str(header).expect("a header");
    assert_eq!((header.scenario.as_str(), header.seed), ("pause-without-fencing", 3));
    assert_eq!(header.invariants.len(), of_leases().count());
    let (events, footer) = events.trim_end().rsplit_once('\n').expect("a footer");
    let footer: Footer = serde_json::from_str(footer).expect("a footer");
    assert_eq!(Some(footer.digest.as_str()), plain.json()["digest"].as_str());
    assert_eq!(Some(footer.events), plain.json()["events"].as_u64());
    let mut before = 0;
    let (passages, told): (Vec<&str>, Vec<&str>) =
        events.lines().partition(|line| line.starts_with("{\"passage\":"));
    assert!(passages.len() > 1_000, "what became of messages stands there too");
    for line in passages {
        let passage: PassageLine =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(serde_json::to_string(&passage).unwrap(), line, "nothing is lost on the way");
    }
    for line in &told {
        let event: Event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(serde_json::to_string(&event).unwrap(), *line, "nothing is lost on the way");
        assert!(event.at.as_nanos() >= before, "back in time: {line}");
        assert!(event.node.is_none_or(|node| node.index() < header.nodes.len()), "nobody knows it: {line}");
        before = event.at.as_nanos();
    }
    assert_eq!(told.len() as u64, footer.events);
}

#[test]
#[cfg(unix)]
fn an_incomplete_trace_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    std::fs::write(&path, "what stood there before").unwrap();
    let mut shell = at_root("sh");
    // A limit of a few kilobytes for each file: the trace takes more.
    let script = r#"trap '' XFSZ; ulimit -f 8; exec "$0" run "$1" --quiet --trace "$2""#;
    shell.args(["-c", script, PROGRAM, FENCED, arg(&path)]);
    let ended = ended(shell);
    assert_eq!(ended.code, Some(74), "{}", ended.stderr);
    assert!(ended.stderr.contains(arg(&path)), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "what stood there before");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
#[cfg(unix)]
fn a_trace_destroys_nothing_that_is_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("gc-pause-across-expiry.toml");
    std::fs::copy(Path::new(ROOT).join(FENCED), &scenario).unwrap();
    let before = std::fs::read(&scenario).unwrap();
    let ended = run(&[arg(&scenario), "--quiet", "--trace", arg(&scenario)]);
    assert_eq!(ended.code, Some(2), "the scenario is no place for a trace: {}", ended.stderr);
    assert_eq!(std::fs::read(&scenario).unwrap(), before);

    let (link, target) = (folder.path().join("latest.jsonl"), folder.path().join("run.jsonl"));
    std::fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    run(&[FENCED, "--quiet", "--trace", arg(&link)]);
    assert!(link.is_symlink(), "a link stays a link");
    assert!(std::fs::read_to_string(&target).unwrap().starts_with("{\"format\":3,"));
}

// ---- The line to paste

#[test]
#[cfg(unix)]
fn the_last_line_of_a_failure_shows_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let awkward = folder.path().join("it's a $HOME; of scenarios");
    std::fs::create_dir(&awkward).unwrap();
    let copy = awkward.join("gc-pause-across-expiry.toml");
    std::fs::copy(Path::new(ROOT).join(FENCED), &copy).unwrap();
    let unreached = r#"expect.reach = ["handed-over"]"#;
    for args in [
        &[UNFENCED, "--ignore-expect"][..],
        &[FENCED, "--seed", "0x10", "--set", "resource.fence=none"],
        &[FENCED, "--set", "fault.0.when=ttl_remaining < 60%", "--set", "resource.fence=none"],
        &[FENCED, "--set", r#"summary="it's `so` $HOME \"or\" not""#, "--set", unreached],
        &[FENCED, "--set", r#"network.latency={ median = "3ms", p99 = "9ms" }"#, "--set", unreached],
        &[UNFENCED, "--safe", "--set", unreached],
        &[arg(&copy), "--set", unreached],
    ] {
        let first = run(args);
        assert!(matches!(first.code, Some(1 | 4)), "{args:?} fails: {}", first.titled("verdict"));
        let line = first.stdout.lines().next_back().expect("there is a last line");
        let mut shell = at_root("sh");
        shell.args(["-c", line]);
        let again = ended(shell);
        assert_eq!((again.code, again.stderr.as_str()), (first.code, ""), "{line}");
        assert_eq!(again.digest(), first.digest(), "{line}");
        assert_eq!(again.stdout, first.stdout, "{line}");
    }
}

// ---- A panic inside a node

#[test]
fn a_panic_in_a_node_is_told_with_place_and_seed() {
    let folder = tempfile::tempdir().unwrap();
    let failure = leasehold::check(&[&Glass], crack(folder.path(), "pass"), 41..43);
    let failure = failure.expect_err("a node panics").to_string();
    for told in ["crack", "seed 41", "a node panicked", "a crack in the glass", "tests/glass/mod.rs:"] {
        assert!(failure.contains(told), "{told} is not told:\n{failure}");
    }
}

#[test]
fn a_panic_in_a_node_is_told_with_the_name_of_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let failure = leasehold::check(&[&Glass], crack(folder.path(), "pass"), 41..43);
    let failure = failure.expect_err("a node panics").to_string();
    assert!(failure.contains("bottle") && !failure.contains("pane"), "{failure}");
}

#[test]
fn an_expected_panic_is_as_expected_even_if_nothing_was_judged_before() {
    let folder = tempfile::tempdir().unwrap();
    let checked = leasehold::check(&[&Glass], crack(folder.path(), "panic"), 41..43);
    assert_eq!(checked.expect("it is expected").runs, 2);
}

// ---- The other verbs

fn verb(args: &[&str]) -> Ended {
    ended(program(args))
}

/// What a verb that ends well prints.
fn printed(args: &[&str]) -> String {
    let ended = verb(args);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{args:?}");
    ended.stdout
}

#[test]
fn every_verb_has_a_help_page_with_its_options() {
    for (name, shown) in [
        ("list", &["[PATHS]...", "--format <FORMAT>", "[default: human]", "Exit codes:"][..]),
        ("bound", &["<SCENARIO>", "--set <KEY=VALUE>", "--safe", "--format <FORMAT>", "that is information"]),
        (
            "mutants",
            &[
                "[PATH]...",
                "--id <ID>",
                "[default: 1000]",
                "--until-found",
                "./scenarios/breaks",
                "Exit codes:",
            ],
        ),
        ("schema", &["--system <NAME>", "Exit codes:"]),
        ("completions", &["<SHELL>", "bash", "zsh", "fish"]),
        ("man", &["--out <DIR>", "Exit codes:"]),
    ] {
        let help = printed(&[name, "--help"]);
        for words in shown {
            assert!(help.contains(words), "{name}: {words}:\n{help}");
        }
        assert!(printed(&["--help"]).contains(&format!("  {name} ")), "{name} is not listed");
    }
}

#[test]
fn a_wrong_command_line_of_any_verb_is_2() {
    for (args, reason) in [
        (&["bound"][..], "<SCENARIO>"),
        (&["bound", "scenarios/holds/no-such.toml"], "there is no such file"),
        (&["bound", FENCED, "--set", "lease.tll=5s"], "unknown key `tll`"),
        (&["bound", FENCED, "--set", "lease.ttl"], "has no value"),
        (&["bound", FENCED, "--safe"], "no [safe] table"),
        (&["bound", "README.md"], "this is not TOML"),
        (&["bound", FENCED, "--format", "xml"], "human, json"),
        (&["completions"], "<SHELL>"),
        (&["completions", "csh"], "bash"),
        (&["schema", "--system", "single-grantr"], "the systems are: single-grantor, registry"),
        (&["schema", "extra"], "unexpected argument"),
        (&["man", "run"], "unexpected argument"),
        (&["list", "--format", "yaml"], "human, json"),
    ] {
        let ended = verb(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(ended.stderr.contains(reason), "{args:?}:\n{}", ended.stderr);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn results_of_any_verb_that_cannot_be_written_are_74_and_a_reader_that_goes_away_is_none() {
    for args in [&["list"][..], &["bound", FENCED], &["schema"], &["completions", "bash"], &["man"]] {
        let mut command = program(args);
        command.stdout(std::fs::File::create("/dev/full").expect("Linux has it"));
        let full = ended(command);
        assert_eq!(full.code, Some(74), "{args:?}");
        assert!(full.stderr.contains("standard output could not be written"), "{args:?}: {}", full.stderr);

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program(args);
        command.stdout(writer);
        let gone = ended(command);
        assert_eq!((gone.code, gone.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let ended = verb(&["man", "--out", arg(file.path())]);
    assert_eq!(ended.code, Some(74), "a file is no folder");
    assert!(ended.stderr.starts_with(&format!("error: {}", file.path().display())), "{}", ended.stderr);
}

#[test]
fn the_list_says_of_each_scenario_what_it_should_come_to() {
    let list = printed(&["list"]);
    let line = |path: &str| list.lines().find(|line| line.starts_with(path)).expect("it is listed");
    assert!(line(FENCED).contains("  pass  ") && line(FENCED).contains("  A holder stops"), "{list}");
    assert!(line(UNFENCED).contains("  violation of no-lost-update  "), "{list}");
    let paths: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(paths.len() >= 8 && paths.is_sorted(), "one line each: {paths:?}");
    assert_eq!(printed(&["list", "scenarios"]), list);
    assert_eq!(
        printed(&["list", "scenarios/breaks", "scenarios/holds", "scenarios/regressions"]).lines().count(),
        paths.len()
    );
    assert_eq!(printed(&["list", FENCED]).lines().count(), 1);

    let json: Value = serde_json::from_str(&printed(&["list", "--format", "json"])).unwrap();
    let json = json.as_array().expect("a list");
    assert_eq!(json.len(), paths.len());
    let unfenced = json.iter().find(|listed| listed["path"] == UNFENCED).expect("it is there");
    assert_eq!(unfenced["name"], "pause-without-fencing");
    assert_eq!(unfenced["verdict"], "violation");
    assert_eq!(unfenced["violates"], serde_json::json!(["no-lost-update", "fencing"]));
    assert_eq!(unfenced["system"], "single-grantor");
}

#[test]
fn the_list_goes_on_after_a_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    std::fs::create_dir_all(at("deep/deeper")).unwrap();
    std::fs::create_dir(at("studies")).unwrap();
    std::fs::write(at("studies/grid.toml"), "this = is no scenario").unwrap();
    std::fs::write(at("notes.txt"), "nor is this").unwrap();
    let text = "schema = 1\nname = \"good\"\nsummary = \"All\\tis\\nwell.\"\n";
    std::fs::write(at("deep/deeper/good.toml"), format!("{text}[expect]\nverdict = \"liveness\"\n")).unwrap();
    std::fs::write(at("bad.toml"), "schema = 1\nname = \"bad\"\nsummary = \"x\"\n\n[leese]\nttl = \"1s\"\n")
        .unwrap();
    let in_folder = |args: &[&str]| {
        let mut command = program(args);
        command.current_dir(folder.path());
        ended(command)
    };
    let list = in_folder(&["list", "."]);
    assert_eq!(list.code, Some(2));
    assert_eq!(list.stderr, "error: 1 of 2 files cannot be run as a scenario\n");
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "./bad.toml               ERROR     line 5: unknown table `[leese]`",
            "./deep/deeper/good.toml  liveness  All is well.",
        ]
    );
    let json = in_folder(&["list", ".", "no-such.toml", "--format", "json"]);
    assert_eq!(json.code, Some(2));
    assert_eq!(json.json()[0]["error"], "unknown table `[leese]`");
    assert_eq!(json.json()[0]["line"], 5);
    assert_eq!(json.json()[1]["verdict"], "liveness");
    assert_eq!(json.json()[2]["error"], "there is no such file");

    let nowhere = in_folder(&["list"]);
    assert_eq!((nowhere.code, nowhere.stdout.as_str()), (Some(2), ""));
    assert!(nowhere.stderr.contains("there is no folder ./scenarios here"), "{}", nowhere.stderr);
    std::fs::create_dir(at("scenarios")).unwrap();
    let empty = in_folder(&["list"]);
    assert_eq!((empty.code, empty.stdout.as_str()), (Some(0), ""));
    assert!(empty.stderr.contains("no *.toml file in scenarios"), "{}", empty.stderr);
}

#[test]
fn the_bounds_are_told_term_by_term() {
    let told = printed(&["bound", FENCED]);
    assert_told_in_order(
        &told,
        &[
            &["gc-pause-across-expiry: "],
            &["exclusivity of claims (I1)"],
            &["  L ≤ m·T·(1−ρ)/(1+ρ)"],
            &["  L ", " 9.990004  the TTL of 10s less a margin of 0.009995s"],
            &["  m·T·(1−ρ)/(1+ρ) ", " 9.990004  "],
            &["margin left ", " 0.000000"],
            &["latest end of a lease (I5)"],
            &["  T/(1−ρ) ", " 10.005002  "],
            &["  σ/(1−ρ) ", " 0.500250  until the next sweep, one every 500ms"],
            &["  c ", " 0.001000  "],
            &["  total ", " 10.506252"],
            &["the next grant once all is healed (I23)"],
            &["failover after a crash, at worst"],
            &["warnings"],
            &["the queue may hold 2 dead waiters"],
            &["mend it: "],
        ],
    );
    let points: Vec<usize> = told
        .lines()
        .filter(|line| line.starts_with("    ") && !line.starts_with("    -"))
        .filter_map(|line| {
            let columns: Vec<char> = line.chars().collect();
            let six = |at: usize| columns.get(at + 1..at + 7)?.iter().all(char::is_ascii_digit).then_some(at);
            (0..columns.len()).find(|&at| columns[at] == '.' && six(at).is_some())
        })
        .collect();
    assert!(points.len() > 20 && points.iter().all(|at| *at == points[0]), "{points:?}:\n{told}");
}

#[test]
fn a_design_that_does_not_hold_is_information() {
    const RECEIPT: &str = "scenarios/breaks/deadline-from-receipt.toml";
    let told = printed(&["bound", RECEIPT]);
    assert_told_in_order(
        &told,
        &[
            &["L + x ≤ m·T·(1−ρ)/(1+ρ)"],
            &["EXCEEDED by", " 6.656671"],
            &["1. counting from the answer has no safe margin"],
            &["mend it: count the deadline from the first send"],
        ],
    );
    let safe = printed(&["bound", RECEIPT, "--safe"]);
    assert!(safe.starts_with("deadline-from-receipt, the safe variant: "), "{safe}");
    assert!(!safe.contains("EXCEEDED") && !safe.contains("counting from the answer"), "{safe}");

    let broken =
        printed(&["bound", FENCED, "--set", "holder.clock=monotonic", "--set", "fault.0.do=suspend"]);
    assert!(broken.contains("which stops meanwhile: no TTL is safe then"), "{broken}");
}

#[test]
fn the_bounds_in_json_are_those_that_runs_are_judged_by() {
    let json: Value = serde_json::from_str(&printed(&["bound", FENCED, "--format", "json"])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("run.jsonl");
    run(&[FENCED, "--quiet", "--trace", arg(&trace)]);
    let text = std::fs::read_to_string(&trace).unwrap();
    let header: Header = serde_json::from_str(text.lines().next().expect("a header")).unwrap();
    assert_eq!(json["bounds"]["regrant_ns"], header.bounds.regrant.as_nanos());
    assert_eq!(json["bounds"]["end_slack_ns"], header.bounds.end_slack.as_nanos());
    assert_eq!(
        (&json["scenario"], &json["variant"]),
        (&"gc-pause-across-expiry".into(), &"as-written".into())
    );

    let inequalities = json["inequalities"].as_array().expect("a list");
    let totals: Vec<u64> = inequalities.iter().filter_map(|told| told["left"]["total_ns"].as_u64()).collect();
    assert!(totals.contains(&header.bounds.regrant.as_nanos()), "it is one of the sums: {totals:?}");
    for told in inequalities {
        let terms = told["left"]["terms"].as_array().expect("a list");
        let sum: u64 = terms.iter().filter_map(|term| term["value_ns"].as_u64()).sum();
        assert_eq!(Some(sum), told["left"]["total_ns"].as_u64(), "{told:#}");
    }
    assert_eq!(inequalities[0]["margin_ns"], 0);
    assert_eq!(inequalities[0]["holds"], true);
    assert!(json["warnings"][0]["text"].is_string() && json["warnings"][0]["help"].is_string());
}

#[test]
fn every_shell_gets_completions_for_every_verb() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for word in
            ["leasehold", "run", "list", "bound", "schema", "completions", "man", "mutants", "ignore-expect"]
        {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn there_is_a_page_of_the_manual_for_each_verb() {
    let main = printed(&["man"]);
    assert!(main.contains(".TH leasehold 1"), "{main}");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/man1");
    assert_eq!(printed(&["man", "--out", arg(&out)]), "");
    let mut pages: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().expect("names are UTF-8"))
        .collect();
    pages.sort();
    for verb in ["bound", "completions", "list", "man", "mutants", "run", "schema"] {
        assert!(pages.contains(&format!("leasehold-{verb}.1")), "{pages:?}");
        assert!(main.contains(&format!("leasehold\\-{verb}(1)")), "{main}");
    }
    assert!(pages.contains(&"leasehold.1".to_owned()) && !pages.contains(&"leasehold-help.1".to_owned()));
    let run = std::fs::read_to_string(out.join("leasehold-run.1")).unwrap();
    assert!(run.contains("Exit codes:") && run.contains("vacuous"), "{run}");
}

// ---- What a seed draws

#[test]
fn chaos_is_told_and_can_be_seen_again() {
    let human = run(&[FENCED, "--seed", "7", "--chaos"]);
    let drawn = human.stdout.lines().skip_while(|line| *line != "drawn under seed 7:");
    let drawn: Vec<&str> = drawn.take_while(|line| !line.is_empty()).collect();
    assert!(drawn.iter().any(|line| line.starts_with("    network.") && line.contains(" = ")), "{drawn:?}");
    assert!(drawn.iter().any(|line| line.starts_with("    kinds of faults: ")), "{drawn:?}");
    assert!(human.stdout.ends_with("--seed 7 --chaos\n"), "{}", human.stdout);

    let json = run(&[FENCED, "--seed", "7", "--chaos", "--format", "json"]).json();
    let settings = json["settings"].as_object().expect("settings are by key");
    assert!(!settings.is_empty() && json["drawn"].as_array().is_some_and(|drawn| !drawn.is_empty()));
    assert_eq!(json["digest"], human.digest());

    let plain = run(&[FENCED, "--seed", "7", "--format", "json"]).json();
    assert_eq!((&plain["settings"], &plain["drawn"]), (&serde_json::json!({}), &serde_json::json!([])));
    assert_ne!(plain["digest"], json["digest"]);
}

/// A plan leaves nothing to draw: it is the same run with and without chaos, and says so.
#[test]
fn a_plan_is_one_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kept.toml");
    let text = "schema = 1\nsummary = \"Nothing goes wrong.\"\n[phases]\nchaos = \"5s\"\n[plan]\n";
    std::fs::write(&path, text).expect("a file");
    let plain = run(&[arg(&path), "--format", "json"]);
    let chaos = run(&[arg(&path), "--format", "json", "--chaos", "--seed", "9"]);
    assert_eq!(plain.json()["scenario"], "kept");
    assert_eq!(plain.json()["digest"], chaos.json()["digest"]);
    assert!(plain.stderr.is_empty() && chaos.stderr.contains("--chaos adds nothing"), "{}", chaos.stderr);
}
