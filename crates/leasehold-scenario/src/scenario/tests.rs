//! Good files, and what they become.

mod explicit;
mod refusals;
mod survival;

use super::*;
use crate::Variant;
use crate::expect::{ExpectedVerdict, HazardPolicy};
use crate::goal::Goal;
use crate::toy::{Other, Toy};
use leasehold_check::Invariant;
use leasehold_core::Span;
use leasehold_core::event::Probe;
use leasehold_core::plan::{Action, Chance, Condition, Cut, Latency, Role, Target, Trigger};
use leasehold_core::{Drift, RateError, SimInstant};

const GOOD: &str = r#"schema = 1
name = "good"
summary = "A holder stops for longer than its TTL."

[lease]
ttl = "10s"
renew = "ttl/3"
fence = "last-token"

[topology]
holders = 2

[bounds]
clock_rate = "100ppm"

[network]
latency = { min = "1ms", max = "5ms" }
loss = "0.1%"
duplicate = "1%"
receive_buffer = 64

[disk]
latency = "3ms"

[clocks]
rate = "50ppm"
wall_offset = "2s"

[clocks.holder-2]
rate = "+500ppm"

[[fault]]
when = "ttl_remaining < 10%"
on = "holder"
do = "pause"
for = "15s"
before = "write"

[[fault]]
at = "20s"
on = "grantor-1"
do = "crash"

[phases]
chaos = "40s"
settle = "30s"

[expect]
violation = "no-lost-update"
also = ["fencing"]
hazard = "none"
reach = ["stale-write-attempted", "expired-while-paused"]
never = ["taken-over"]
budgets = ["failover.p99 < 15s", "false_expiry < 1/day"]
"#;

const SHORT: &str = "schema = 1\nname = \"short\"\nsummary = \"s\"\n[lease]\nttl = \"10s\"\n";

fn parse(text: &str, overlays: &[&str]) -> Result<Scenario, ScenarioError> {
    let source = Source::from_text("good.toml", text).with_overlays(overlays.iter().copied());
    Scenario::parse(source, &[&Toy])
}

#[test]
fn a_file_becomes_what_it_says() {
    let scenario = parse(GOOD, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.name, "good");
    assert_eq!(scenario.summary, "A holder stops for longer than its TTL.");
    assert_eq!(scenario.system, "toy");
    assert_eq!(
        scenario.expect,
        Expect {
            verdict: ExpectedVerdict::Violation {
                invariant: Invariant::NoLostUpdate,
                also: vec![Invariant::Fencing]
            },
            hazard: HazardPolicy::None,
            reach: vec![Probe::ExpiredWhilePaused, Probe::StaleWriteAttempted],
            never: vec![Probe::TakenOver],
            budgets: ["failover.p99 < 15s", "false_expiry < 1/day"]
                .map(|goal| Goal::parse(goal).unwrap())
                .to_vec(),
        }
    );

    let template = &scenario.template;
    assert_eq!(
        template.network.latency,
        Latency::Uniform { min: Span::from_millis(1), max: Span::from_millis(5) }
    );
    assert_eq!(template.network.loss, Chance::from_ppm(1_000).unwrap());
    assert_eq!(template.network.duplicate, Chance::from_ppm(10_000).unwrap());
    assert_eq!(template.receive_buffer, 64);
    assert_eq!(template.clock_rate, Drift::from_ppb(100_000).unwrap());
    assert_eq!(template.phases.chaos, Span::from_secs(40));
    assert_eq!(template.phases.settle, Span::from_secs(30));

    let names: Vec<&str> = template.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["grantor-1", "holder-1", "holder-2", "resource-1"]);
    let drawn = RateDraw::Within(Drift::from_ppb(50_000).unwrap());
    let given = RateDraw::Fixed(RateError::from_ppb(500_000).unwrap());
    let rates: Vec<RateDraw> = template.nodes.iter().map(|node| node.rate).collect();
    assert_eq!(rates, [drawn, drawn, given, drawn]);
    for node in &template.nodes {
        assert_eq!(node.disk, Latency::Constant(Span::from_millis(3)));
        assert_eq!(node.wall_offset, OffsetDraw::Within(Span::from_secs(2)));
        let starts_within = if node.role == Role::Contender { Span::from_millis(50) } else { Span::ZERO };
        assert_eq!(node.starts, StartDraw::Within(starts_within), "{}", node.name);
    }

    assert_eq!(
        template.faults,
        [
            FaultPlan {
                trigger: Trigger::when(Condition::TtlRemainingBelow { percent: 10 }),
                target: Target::Holder,
                action: Action::Pause,
                lasts: Some(Span::from_secs(15)),
                cut: Cut::BeforeSend(leasehold_core::Purpose::Write),
            },
            FaultPlan {
                trigger: Trigger::At(SimInstant::from_nanos(20_000_000_000)),
                target: Target::Node(leasehold_core::NodeId(0)),
                action: Action::Crash,
                lasts: None,
                cut: Cut::After(0),
            },
        ]
    );
}

#[test]
fn what_a_file_leaves_out_has_a_default() {
    let scenario = parse(SHORT, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.expect, Expect::default());
    let template = &scenario.template;
    let ppm_500 = Drift::from_ppb(500_000).unwrap();
    assert_eq!(template.clock_rate, ppm_500);
    assert_eq!(template.phases.chaos, Span::from_secs(60));
    assert_eq!(template.phases.settle, Span::from_secs(15), "twice the 7s of the toy's bounds, and 1s");
    assert_eq!(template.receive_buffer, 256);
    assert_eq!(
        template.network.latency,
        Latency::LogNormal {
            median: Span::from_millis(2),
            p99: Span::from_millis(20),
            max: Span::from_micros(220_968)
        }
    );
    assert_eq!(template.network.loss, Chance::NEVER);
    assert!(template.faults.is_empty());
    for node in &template.nodes {
        assert_eq!(node.rate, RateDraw::Within(ppm_500));
        assert_eq!(node.disk, Latency::Constant(Span::from_millis(1)));
        assert_eq!(node.wall_offset, OffsetDraw::Within(Span::ZERO));
    }
    let settle = |value| parse(SHORT, &[&format!("phases.settle={value}")]).unwrap().template.phases.settle;
    assert_eq!(settle("0s"), Span::ZERO);
    assert_eq!(settle("auto"), Span::from_secs(15));
}

#[test]
fn a_verdict_is_read_from_its_name() {
    let verdict = |expect: &str| parse(&format!("{SHORT}[expect]\n{expect}\n"), &[]).unwrap().expect.verdict;
    let liveness = || ExpectedVerdict::Violation { invariant: Invariant::Liveness, also: Vec::new() };
    assert_eq!(verdict(r#"verdict = "pass""#), ExpectedVerdict::Pass);
    assert_eq!(verdict(r#"verdict = "liveness""#), liveness());
    assert_eq!(verdict(r#"violation = "liveness""#), liveness());
    assert_eq!(verdict(r#"verdict = "panic""#), ExpectedVerdict::Panic);
    assert_eq!(verdict(r#"verdict = "vacuous""#), ExpectedVerdict::Vacuous);
}

#[test]
fn the_header_of_a_trace_names_everything() {
    let scenario = parse(GOOD, &[]).unwrap();
    let header = scenario.header(&scenario.plan(7), 7, Engine::Sim);
    assert_eq!(header.seed, 7);
    assert_eq!(header.engine, "sim");
    assert_eq!(header.scenario, "good");
    assert_eq!(header.tool, env!("CARGO_PKG_VERSION"));
    assert_eq!(header.nodes[1].name, "holder-1");
    assert_eq!(header.nodes[1].contends_for.len(), 1);
    assert_eq!(header.commands, ["shutdown", "revoke"]);
    assert_eq!(header.invariants.len(), Invariant::ALL.len());
    assert_eq!(
        header.faults,
        ["pause holder before its next write for 15s, when ttl_remaining < 10%", "crash grantor-1, at 20s"]
    );
    assert_eq!(scenario.plan(7), scenario.plan(7));
    assert_ne!(scenario.plan(7), scenario.plan(8));
}

#[test]
fn one_of_several_systems_is_chosen_by_name() {
    let systems: [&dyn System; 2] = [&Toy, &Other];
    let parse = |text: String| Scenario::parse(Source::from_text("x.toml", text), &systems);
    assert_eq!(parse(SHORT.to_owned()).unwrap().system, "toy", "the first, if it names none");
    assert_eq!(parse(format!("system = \"toy\"\n{SHORT}")).unwrap().system, "toy");
    let shown = parse(format!("system = \"toy\"\n{SHORT}[record]\n")).unwrap_err().to_string();
    assert!(shown.contains("this table belongs to another system: system = \"other\""), "{shown}");
}

#[test]
fn a_file_bears_the_name_of_its_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.toml");
    fs_err::write(&path, SHORT).unwrap();
    let shown = Scenario::load(&path, &[&Toy]).unwrap_err().to_string();
    assert!(shown.contains("the name is `short`, the file is called `other`"), "{shown}");
    assert!(shown.contains("write name = \"other\", or rename the file"), "{shown}");
    let path = folder.path().join("a b.toml");
    fs_err::write(&path, SHORT).unwrap();
    let shown = Scenario::load(&path, &[&Toy]).unwrap_err().to_string();
    assert!(shown.contains("rename the file: letters, digits, `-`, `_` and `.`"), "{shown}");
    let nameless = SHORT.replace("name = \"short\"\n", "");
    fs_err::write(&path, &nameless).unwrap();
    let shown = Scenario::load(&path, &[&Toy]).unwrap_err().to_string();
    assert!(shown.contains("the scenario cannot be called as its file: `a b`"), "{shown}");
    let path = folder.path().join("shrunk-7.toml");
    fs_err::write(&path, &nameless).unwrap();
    assert_eq!(Scenario::load(&path, &[&Toy]).unwrap().name, "shrunk-7");
    let path = folder.path().join("short.toml");
    fs_err::write(&path, SHORT).unwrap();
    let source = Source::read(&path).unwrap().with_overlays(["lease.ttl=5s"]);
    let scenario = Scenario::parse(source, &[&Toy]).unwrap();
    assert_eq!(scenario.deployment.bounds().longest_ttl, Span::from_secs(5));
    let source = Source::read(&path).unwrap().with_overlays(["name=long"]);
    let shown = Scenario::parse(source, &[&Toy]).unwrap_err().to_string();
    assert!(shown.contains("--set:1:6\n") && shown.contains("leave out this --set"), "{shown}");
}

#[test]
fn a_scenario_can_be_run_on_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Scenario>();
}

#[test]
fn a_deployment_runs_on_the_engine_and_is_told_its_commands() {
    use leasehold_core::{CommandId, Event, EventKind, NodeId, RunEnd, WorldEvent};
    let fault = "[[fault]]\nat = \"2s\"\non = \"holder-2\"\ndo = \"revoke\"\n";
    let scenario = parse(&format!("{SHORT}{fault}"), &[]).unwrap();
    let mut events: Vec<Event> = Vec::new();
    let outcome = scenario.deployment.run(Engine::Sim, &scenario.plan(1), &mut events);
    assert_eq!(outcome.end, RunEnd::Completed);
    assert_eq!(outcome.ended_at, SimInstant::START + Span::from_secs(60 + 15));
    let told = events.iter().filter_map(|event| match event.kind {
        EventKind::World(WorldEvent::CommandGiven { command }) => Some((event.at, event.node, command)),
        _ => None,
    });
    let two_seconds = SimInstant::START + Span::from_secs(2);
    assert_eq!(told.collect::<Vec<_>>(), [(two_seconds, Some(NodeId(2)), CommandId(1))]);
}

#[test]
fn a_file_saved_on_windows_is_the_same() {
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    let scenario = parse(&windows, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.template, parse(GOOD, &[]).unwrap().template);
    let wrong = parse(&windows.replace("renew =", "renw ="), &[]).unwrap_err().to_string();
    assert!(wrong.contains("good.toml:7:1\n"), "{wrong}");
    let first_line = parse(&windows.replace("schema = 1", "schema = 7"), &[]).unwrap_err().to_string();
    assert!(first_line.contains("schema 7 is unknown"), "{first_line}");
}

#[test]
fn the_safe_variant_replaces_what_stands_beside_it() {
    let text = format!("{SHORT}[expect]\nviolation = \"fencing\"\n[safe.lease]\nttl = \"7s\"\n");
    let read = |variant, overlays: &[&str]| {
        let source = Source::from_text("x.toml", text.clone()).as_variant(variant);
        Scenario::parse(source.with_overlays(overlays.iter().copied()), &[&Toy]).unwrap()
    };
    let ttl = |scenario: &Scenario| scenario.deployment.bounds().longest_ttl;
    let written = read(Variant::AsWritten, &[]);
    let safe = read(Variant::Safe, &[]);
    assert_ne!(ttl(&written), Span::from_secs(7));
    assert_eq!(ttl(&safe), Span::from_secs(7));
    assert_eq!(safe.expect.verdict, ExpectedVerdict::Pass, "whatever the other is expected to come to");
    assert_ne!(written.expect.verdict, ExpectedVerdict::Pass);
    assert_eq!(ttl(&read(Variant::Safe, &["lease.ttl=8s"])), Span::from_secs(8), "--set has the last word");
}

#[test]
fn a_safe_table_must_be_right_even_if_it_is_not_asked_for() {
    let refused = |text: &str, overlays: &[&str]| parse(text, overlays).expect_err(text).to_string();
    let said = refused(&format!("{SHORT}[safe.leese]\nttl = \"7s\"\n"), &[]);
    assert!(said.contains("good.toml:6:7\n") && said.contains("did you mean `[lease]`?"), "{said}");
    let said = refused(&format!("{SHORT}[safe.lease]\nttl = \"0s\"\n"), &["lease.ttl=5s"]);
    assert!(said.contains("good.toml:7:7\n") && said.contains("a lease of 0s"), "{said}");
    let said = refused(&format!("safe = 5\n{SHORT}"), &[]);
    assert!(said.contains("good.toml:1:8\n") && said.contains("`safe` is no table"), "{said}");
    // What is wrong in both variants is told once.
    let both = format!("{SHORT}[banana]\n[safe.lease]\nttl = \"7s\"\n");
    assert_eq!(refused(&both, &[]).matches("error: ").count(), 1);
    assert!(parse(&format!("{SHORT}# There is nothing safe here.\n"), &[]).is_ok());
}

#[test]
fn without_a_safe_table_there_is_no_safe_variant() {
    let source = Source::from_text("x.toml", SHORT).as_variant(Variant::Safe);
    let shown = Scenario::parse(source, &[&Toy]).unwrap_err().to_string();
    assert!(shown.contains("no [safe] table"), "{shown}");
}
