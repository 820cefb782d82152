//! A run allocates nothing per event once it is under way, and its memory does not grow with simulated time.

use std::ops::ControlFlow;

use leasehold::event::DiscoveryEvent;
use leasehold::{Engine, Event, EventKind, EventSink, NodeEvent, RegistrySystem, SingleGrantor};
use leasehold_scenario::{Scenario, Source};

/// Holders that work and renew while messages are lost and doubled, under a grantor that sweeps.
const SCENARIO: &str = r#"
schema = 1
name = "long"
summary = "A long run."

[lease]
ttl = "2s"
sweep = "500ms"

[network]
latency = { median = "2ms", p99 = "20ms" }
loss = "0.5%"
duplicate = "0.5%"

[phases]
settle = "0s"
"#;

fn scenario(chaos: &str, work: &str) -> Scenario {
    let source = Source::from_text("long.toml", SCENARIO)
        .with_overlays([format!("phases.chaos={chaos}"), format!("work.every={work}")]);
    Scenario::parse(source, &[&SingleGrantor, &RegistrySystem]).unwrap_or_else(|error| panic!("{error}"))
}

/// How often a run allocated, the most bytes it held at once, and how many events it had.
fn measure(scenario: &Scenario) -> (u64, u64, u64) {
    let mut events = 0;
    let allocated = allocation_counter::measure(|| {
        let report = scenario.run(3, Engine::Sim, &mut ());
        assert!(report.judgement.violations().is_empty());
        events = report.events;
    });
    (allocated.count_total, allocated.bytes_max, events)
}

/// Ten minutes more are sixty thousand events more, and no allocation more, with all checkers and the digest on.
#[test]
fn no_allocation_per_event() {
    let (short, _, short_events) = measure(&scenario("10m", "20ms"));
    let (long, _, long_events) = measure(&scenario("20m", "20ms"));
    assert!(long_events > short_events + 50_000, "{short_events} and {long_events} events");
    assert!(short > 0, "setting up allocates, or nothing is counted");
    assert!(long.abs_diff(short) <= 4, "{short} allocations in 10 minutes, {long} in 20");
}

/// Nor does a link that keeps what is sent on it for all that time.
#[test]
fn memory_is_flat_over_a_clogged_day() {
    let clogged = |chaos: &str| {
        let clog = "[[fault]]\nat = \"1s\"\non = \"resource\"\ndo = \"clog\"\n";
        let source = Source::from_text("long.toml", format!("{SCENARIO}\n{clog}"))
            .with_overlays([format!("phases.chaos={chaos}"), "work.retry=2s".to_owned()]);
        Scenario::parse(source, &[&SingleGrantor, &RegistrySystem]).unwrap_or_else(|error| panic!("{error}"))
    };
    let (_, hour, _) = measure(&clogged("1h"));
    let (_, day, _) = measure(&clogged("24h"));
    assert!(day < hour + hour / 10, "{hour} bytes after an hour, {day} after a day");
}

/// A day holds no more than an hour does, and far less than 64 MiB.
#[test]
fn memory_is_flat_over_a_simulated_day() {
    let (_, hour, _) = measure(&scenario("1h", "2s"));
    let (_, day, events) = measure(&scenario("24h", "2s"));
    assert!(events > 200_000, "{events} events");
    assert!(day < hour + hour / 10, "{hour} bytes after an hour, {day} after a day");
    assert!(day < 8 << 20, "{day} bytes");
}

/// A registry with its instances and the clients that watch it, all of which start within ten seconds.
fn fleet(instances: u16, clients: u16, chaos: &str, faults: &str) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"fleet\"\nsummary = \"A fleet.\"\nsystem = \"registry\"\n\
         [topology]\ninstances = {instances}\ndiscovery = {clients}\nstarts_within = \"10s\"\n\
         [phases]\nchaos = \"{chaos}\"\nsettle = \"0s\"\n{faults}"
    );
    let scenario = Scenario::parse(Source::from_text("fleet.toml", text), &[&SingleGrantor, &RegistrySystem]);
    scenario.unwrap_or_else(|error| panic!("{error}"))
}

/// How often somebody heard of an instance that is there.
struct Listed(u64);

impl EventSink for Listed {
    fn on_event(&mut self, event: &Event) -> ControlFlow<()> {
        if let EventKind::Node(NodeEvent::Discovery(DiscoveryEvent::ViewListed { .. })) = event.kind {
            self.0 += 1;
        }
        ControlFlow::Continue(())
    }
}

/// Each restart of an instance changes the list, and a thousand watchers hear of it: what they are sent is one thing,
/// and what they keep of it has its place already.
#[test]
fn a_change_is_not_copied_for_each_who_hears_of_it() {
    let measure = |restarts: u32| {
        let restart = |at| format!("[[fault]]\nat = \"{at}s\"\non = \"instance-1\"\ndo = \"restart\"\n");
        let faults: String = (1..=restarts).map(|number| restart(number * 10)).collect();
        let scenario = fleet(2, 1_000, "150s", &faults);
        let plan = scenario.plan(3);
        let mut listed = Listed(0);
        let allocated = allocation_counter::measure(|| {
            scenario.deployment.run(Engine::Sim, &plan, &mut listed);
        });
        (allocated.count_total, allocated.bytes_total, listed.0)
    };
    let (few, few_bytes, few_listed) = measure(4);
    let (many, many_bytes, many_listed) = measure(12);
    // Of the restarts, one may fall on a process that has not registered yet.
    assert!(many_listed >= few_listed + 7_000, "{few_listed} and {many_listed}: all hear of all");
    // Eight changes more.
    assert!(many.saturating_sub(few) < 8 * 100, "{few} allocations, and {many}");
    assert!(many_bytes.saturating_sub(few_bytes) < 8 * 20_000, "{few_bytes} bytes, and {many_bytes}");
}

#[test]
fn memory_of_a_fleet_is_flat_in_time() {
    let (_, short, _) = measure(&fleet(64, 64, "10m", ""));
    let (_, long, events) = measure(&fleet(64, 64, "40m", ""));
    assert!(events > 200_000, "{events} events");
    assert!(long < short + short / 10, "{short} bytes after ten minutes, {long} after forty");
}

/// A simulated day of 1,024 instances and as many clients:
/// `cargo test --release -p leasehold --test memory -- --ignored`.
#[test]
#[ignore = "more than a hundred million events take minutes"]
fn a_fleet_of_a_thousand_fits_into_a_quarter_of_a_gigabyte_for_a_day() {
    let (_, bytes, events) = measure(&fleet(1_024, 1_024, "24h", ""));
    assert!(events > 100_000_000, "{events} events");
    assert!(bytes < 256 << 20, "{bytes} bytes");
}
