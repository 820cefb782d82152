//! What `[grace]` is read as, and what is refused.

use leasehold_protocol::registry::grace::{Chen, Counted, Expected};
use leasehold_protocol::registry::grace::{
    Congestion, Damping, Detector, Ejection, GracePolicy, Lifeguard, PhiExponential, PhiNormal, Quorum,
    RateGuard, RateScaled, RiseAndFall, ZoneGuard,
};

use super::*;
use crate::registry::RegistrySystem;
use crate::{Scenario, Source, System, Tables};

/// What `[grace]` of this text is read as, with a TTL of 30 s, a heartbeat every 10 s, ten members and three observers.
fn policy(text: &str) -> GracePolicy {
    let source = Source::from_text("x.toml", text);
    let root = crate::overlay::read(&source).unwrap();
    let (mut tables, _) = Tables::new(root, RegistrySystem.tables().to_vec(), &[]);
    let table = tables.take::<GraceTable>("grace").unwrap();
    let counts = Counts {
        instances: 10,
        sidecars: 0,
        discovery: 1,
        followers: 0,
        observers: 3,
        zones: 1,
        starts_within: Span::ZERO,
    };
    table.policy(&RegistrationTable::default(), counts, &ProbePolicy::default()).unwrap()
}

/// What is wrong with a scenario that says this of grace.
fn complaint(overlays: &[&str]) -> String {
    let text = "schema = 1\nname = \"x\"\nsummary = \"s\"\nsystem = \"registry\"\n";
    let all = [&["topology.instances=10", "topology.observers=3"], overlays].concat();
    let source = Source::from_text("x.toml", text).with_overlays(all);
    Scenario::parse(source, &[&RegistrySystem]).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn no_table_is_no_grace() {
    assert_eq!(policy(""), GracePolicy::default());
}

/// What no key says is what the policies say by default, and what docs/grace.md shows.
#[test]
fn an_empty_part_has_its_defaults() {
    let with = |text: &str| policy(&format!("[grace]\n{text}"));
    let shown = |detector: &str| with(&format!("at_most = \"1h\"\ndetector = \"{detector}\"")).detector;
    assert_eq!(shown("fixed"), Detector::Fixed(Span::from_secs(30)));
    assert_eq!(shown("missed"), Detector::Missed(5));
    assert_eq!(shown("rise-and-fall"), Detector::RiseAndFall(RiseAndFall::default()));
    assert_eq!(shown("phi-normal"), Detector::PhiNormal(PhiNormal::default()));
    assert_eq!(shown("phi-exponential"), Detector::PhiExponential(PhiExponential::default()));
    assert_eq!(shown("chen"), Detector::Chen(Chen::default()));
    assert_eq!(shown("jacobson"), Detector::Jacobson);
    assert_eq!(shown("lifeguard"), Detector::Lifeguard(Lifeguard::default()));
    let parts = with(
        "rise_and_fall = {}\ndetector = \"rise-and-fall\"\ncongestion = {}\nrate_guard = {}\n\
                      zone_guard = {}\nquorum = {}\ndamping = {}\nejection = {}\nrate_scaled = {}",
    );
    let expected = GracePolicy {
        detector: Detector::RiseAndFall(RiseAndFall::default()),
        at_most: Span::from_secs(30),
        congestion: Some(Congestion::default()),
        rate_guard: Some(RateGuard::default()),
        zone_guard: Some(ZoneGuard::default()),
        quorum: Some(Quorum::default()),
        damping: Some(Damping::default()),
        ejection: Some(Ejection::default()),
        rate_scaled: Some(RateScaled::default()),
        ..GracePolicy::default()
    };
    assert_eq!(parts, expected);
}

/// What a table says arrives in the policy.
#[test]
fn every_value_of_every_part_is_read() {
    let mut seen = vec![policy("")];
    let fixed = "detector = \"fixed\"\n";
    for text in [
        "detector = \"fixed\"",
        "detector = \"fixed\"\nfixed = \"ttl/2\"",
        "detector = \"fixed\"\nat_most = \"2m\"",
        "detector = \"missed\"",
        "detector = \"missed\"\nmissed = 4",
        "detector = \"rise-and-fall\"",
        "detector = \"rise-and-fall\"\nrise_and_fall = { fall = 4 }",
        "detector = \"rise-and-fall\"\nrise_and_fall = { rise = 4 }",
        "detector = \"phi-normal\"",
        "detector = \"phi-normal\"\nphi = { threshold = 12 }",
        "detector = \"phi-normal\"\nphi = { window = 10 }",
        "detector = \"phi-normal\"\nphi = { least_deviation = \"1s\" }",
        "detector = \"phi-normal\"\nphi = { pause = \"0s\" }",
        "detector = \"phi-exponential\"\nphi = { threshold = 2 }",
        "detector = \"phi-exponential\"\nphi = { threshold = 2, window = 10 }",
        "detector = \"chen\"",
        "detector = \"chen\"\nchen = { margin = \"500ms\" }",
        "detector = \"chen\"\nchen = { window = 4 }",
        "detector = \"jacobson\"",
        "detector = \"lifeguard\"",
        "detector = \"lifeguard\"\nlifeguard = { multiplier = 5 }",
        "detector = \"lifeguard\"\nlifeguard = { longest = 5 }",
        "detector = \"lifeguard\"\nlifeguard = { interval = \"2s\" }",
        "detector = \"lifeguard\"\nlifeguard = { timeout = \"2s\" }",
        "late_sweep = \"compensated\"",
        "failover = \"5s\"",
        "second_stage = \"5s\"",
        "congestion = {}",
        "congestion = { share = \"30%\" }",
        "congestion = { window = \"20s\" }",
        "congestion = { late = \"1s\" }",
        "congestion = { step = \"1s\" }",
        "congestion = { factor = 3 }",
        "rate_guard = {}",
        "rate_guard = { threshold = \"50%\" }",
        "rate_guard = { window = \"10s\" }",
        "rate_guard = { counted = \"full-window\" }",
        "rate_guard = { pass_share = \"50%\" }",
        "rate_guard = { least_members = 10 }",
        "rate_guard = { expected = \"ignores-expiries\" }",
        "rate_guard = { limit = \"never\" }",
        "rate_guard = { limit = \"1s\" }",
        "zone_guard = {}",
        "zone_guard = { every = \"1s\" }",
        "zone_guard = { threshold = \"60%\" }",
        "zone_guard = { slow = \"10s\" }",
        "zone_guard = { small = 0 }",
        "zone_guard = { limit = \"never\" }",
        "quorum = {}",
        "quorum = { observers = 3 }",
        "quorum = { fresh = \"3s\" }",
        "quorum = { limit = \"never\" }",
        "damping = {}",
        "damping = { penalty = 1 }",
        "damping = { half_life = \"20m\" }",
        "damping = { suppress = 6000 }",
        "damping = { reuse = 800 }",
        "damping = { longest = \"2h\" }",
        "ejection = {}",
        "ejection = { base = \"1s\" }",
        "ejection = { longest = \"1h\" }",
        "ejection = { forget = \"1s\" }",
        "ejection = { share = \"50%\" }",
        "rate_scaled = {}",
        "rate_scaled = { least = \"1s\" }",
        "rate_scaled = { per_second = 1 }",
        "pass = \"1s\"",
    ] {
        let other = policy(&format!("[grace]\n{text}"));
        assert!(!seen.contains(&other), "{text} changes nothing");
        seen.push(other);
    }
    let known = policy(&format!("[grace]\n{fixed}rate_guard = {{ counted = \"full-window\" }}"));
    let guard = known.rate_guard.unwrap();
    assert_eq!((guard.counted, guard.expected), (Counted::FullWindow, Expected::FollowsEnds));
}

/// Each with the inequality that fails.
#[test]
fn what_can_never_be_is_refused() {
    let phi = ["grace.detector=phi-exponential"];
    let mut unexpected = Vec::new();
    for (overlays, expected) in [
        (
            &phi[..],
            "members are given up 184.206s after their last heartbeat at the soonest, and grace is over after 60s",
        ),
        (&phi, "expected at most ttl + at_most"),
        (&["grace.detector=missed", "grace.missed=3"], "expected missed * heartbeat > ttl"),
        (&["grace.detector=missed", "grace.missed=7"], "70s after their last heartbeat"),
        (&["grace.detector=fixed", "grace.fixed=31s"], "expected fixed <= at_most"),
        (&["grace.second_stage=31s"], "expected second_stage <= at_most"),
        (&["grace.failover=5m"], "write at_most = \"300s\" or more"),
        (&["grace.failover=0s"], "an extension of 0s"),
        (&["grace.detector=fixed", "grace.at_most=0s"], "grace of at most 0s is none"),
        (&["grace.at_most=10s"], "a limit, of grace that nothing gives"),
        (&["grace.fixed=10s"], "`fixed` is about a detector that is not there"),
        (
            &["grace.detector=chen", "grace.phi={}"],
            "write detector = \"phi-normal\" in [grace], or remove this",
        ),
        (
            &["grace.detector=phi-exponential", "grace.phi={ threshold = 2, pause = \"1s\" }"],
            "only phi-normal knows it",
        ),
        (&["grace.detector=lifeguard", "grace.lifeguard={ interval = \"0s\" }"], "an interval of 0s"),
        (&["grace.congestion={ share = \"100%\" }"], "expected share < 100%"),
        (&["grace.congestion={ window = \"10s\" }"], "expected window > heartbeat, which is 10s"),
        (&["grace.congestion={ late = \"50s\" }"], "expected heartbeat + late < ttl + at_most"),
        (&["grace.congestion={ step = \"31s\" }"], "expected step <= at_most"),
        (&["grace.congestion={ step = \"0s\" }"], "a step of 0s"),
        (&["grace.rate_guard={ threshold = \"0%\" }"], "a guard with a threshold of 0%"),
        (&["grace.rate_guard={ threshold = \"100%\" }"], "expected threshold < 100%"),
        (&["grace.rate_guard={ window = \"9s\" }"], "expected window >= heartbeat, which is 10s"),
        (&["grace.rate_guard={ pass_share = \"0%\" }"], "a share of a pass of 0%"),
        (&["grace.rate_guard={ least_members = 11 }"], "expected least_members <= topology.instances"),
        (&["grace.rate_guard={ limit = \"0s\" }"], "a guard that withholds ends for 0s withholds none"),
        (&["grace.rate_guard={ limit = \"nevr\" }"], "did you mean `never`?"),
        (&["grace.zone_guard={ slow = \"9s\" }"], "expected slow >= every"),
        (&["grace.zone_guard={ every = \"0s\" }"], "a time between two ends of 0s"),
        (&["grace.quorum={ observers = 4 }"], "expected observers <= topology.observers"),
        (&["grace.quorum={ fresh = \"2999ms\" }"], "expected fresh >= probe.every + probe.timeout"),
        (&["grace.damping={ reuse = 2000 }"], "expected reuse < suppress"),
        (
            &["grace.damping={ longest = \"15m\" }"],
            "no penalty is above 1500, which decays to 750 within 900s",
        ),
        (&["grace.damping={ half_life = \"0s\" }"], "a half-life of 0s"),
        (&["grace.ejection={ longest = \"29s\" }"], "expected base <= longest"),
        (&["grace.ejection={ share = \"0%\" }"], "a share that may be out of 0%"),
        (&["grace.rate_scaled={ least = \"0s\" }"], "a least term of 0s"),
        (
            &["registration.heartbeat=10s", "grace.rate_scaled={}"],
            "expected heartbeat < grace.rate_scaled.least",
        ),
        (&["grace.pass=0s"], "a pass of 0s"),
        (&["grace.detector=phy-normal"], "phi-normal"),
        (&["grace.rate_gard={}"], "rate_guard"),
    ] {
        let shown = complaint(overlays);
        if !(shown.contains(expected) && shown.contains("--set:")) {
            unexpected.push(shown);
        }
    }
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}
