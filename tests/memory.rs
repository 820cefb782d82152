//! A run allocates nothing per event once it is under way, and its memory does not grow with simulated time.

use leasehold::{Engine, SingleGrantor};
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
    Scenario::parse(source, &[&SingleGrantor]).unwrap_or_else(|error| panic!("{error}"))
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
        Scenario::parse(source, &[&SingleGrantor]).unwrap_or_else(|error| panic!("{error}"))
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
