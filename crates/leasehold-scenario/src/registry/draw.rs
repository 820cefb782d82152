//! What a seed decides about the system `registry` where a scenario says nothing: designs that are safe together.
//!
//! Keys that have to fit to each other are a group. A group of which anything is written stays as it is.

use leasehold_core::Span;
use leasehold_core::plan::FaultKind;
use leasehold_plan::{Dice, Part, Stream};
use leasehold_protocol::registry::policy::ProbePolicy;

use crate::document::{length, quoted};
use crate::draw::{Surroundings, millis, value};
use crate::value::{Length, Share, Whole};

/// What counts nodes, with the least there can be.
pub(super) const COUNTS: [(&str, u32); 5] = [
    ("topology.instances", 1),
    ("topology.discovery", 0),
    ("topology.followers", 0),
    ("topology.sidecars", 0),
    ("topology.observers", 0),
];

/// The widest bound on clock rates for which the lengths below are known to fit: 5 %.
const WIDEST: u32 = 50_000_000;

/// The named policies that are safe whatever the others are. One that is written with another name is safe with
/// some neighbours at the most, so then no policy is drawn.
const SOUND: [(&str, &[&str]); 28] = [
    ("registry.registrations", &["answered-when-durable"]),
    ("registry.heartbeat_order", &["number"]),
    ("registry.heartbeat_check", &["lease-and-epoch"]),
    ("registry.answers", &["at-once", "once-durable"]),
    ("registry.late_heartbeat", &["refused"]),
    ("registry.renewal", &["from-now"]),
    ("registry.deregister_check", &["lease-and-token"]),
    ("registry.again", &["replaces"]),
    ("registry.ends", &["together"]),
    ("registry.ids", &["durable"]),
    ("registry.renewals", &["never"]),
    ("registry.order", &["heartbeats-first"]),
    ("feed.behind", &["resync"]),
    ("feed.ages", &["told"]),
    ("instance.names", &["lease-and-epoch"]),
    ("instance.thread", &["supervised"]),
    ("instance.unanswered", &["waits", "retries"]),
    ("instance.next_heartbeat", &["when-sent"]),
    ("instance.refused", &["registers-anew"]),
    ("instance.registered_anew", &["heartbeats-go-on"]),
    ("sidecar.hears", &["progress"]),
    ("discovery.cache_from", &["send"]),
    ("discovery.guard", &["at-each-lookup"]),
    ("discovery.cut_off", &["fails-closed", "serves-stale"]),
    ("discovery.gap", &["resync"]),
    ("discovery.order", &["forward"]),
    ("follower.gap", &["resync"]),
    ("follower.order", &["forward"]),
];

/// The TTL unless something is said.
const TTL: Span = Span::from_secs(30);

/// How many instances there are unless something is said.
const INSTANCES: Whole<1, 2_000> = Whole(3);

/// Draws what is open.
pub(super) fn draw(dice: &mut Dice<'_>) {
    let around = Surroundings::of(dice);
    topology(dice);
    if around.clock_rate.as_ppb() > WIDEST {
        return;
    }
    term(dice, &around);
    intervals(dice);
    view(dice, &around);
    // In a third of the runs the design is the plain one.
    let is_plain = dice.stream("policies").below(3) == 0;
    if !is_plain && dice.draws(Part::Policies) && is_sound(dice) {
        policies(dice);
        grace(dice);
        probes(dice, &around);
    }
}

fn are_open(dice: &Dice<'_>, keys: &[&str]) -> bool {
    keys.iter().all(|key| dice.is_open(key))
}

/// Between two numbers of milliseconds, as many of each magnitude.
fn some_millis(stream: &mut Stream, least: u64, most: u64) -> String {
    length(Span::from_millis(stream.log_uniform(least, most)))
}

/// How many there are. What is named, or picked out of how many there are, stays as it is.
fn topology(dice: &mut Dice<'_>) {
    if !are_open(dice, &["budget.load", "budget.mass_expiry", "member"]) || names_somebody(dice) {
        return;
    }
    let sidecars: u16 = value(dice, "topology.sidecars").unwrap_or(0);
    let least = u64::from(sidecars.max(1));
    if least < 10 {
        dice.sometimes(Part::Topology, "topology.instances", 400_000, |stream| {
            (least + stream.below(11 - least)).to_string()
        });
    }
    dice.sometimes(Part::Topology, "topology.discovery", 300_000, |stream| (1 + stream.below(4)).to_string());
    dice.sometimes(Part::Topology, "topology.zones", 150_000, |stream| (1 + stream.below(3)).to_string());
    if are_open(dice, &["topology.sidecars", "sidecar", "registry.liveness"]) {
        let Whole(instances) = value::<Whole<1, 2_000>>(dice, "topology.instances").unwrap_or(INSTANCES);
        dice.sometimes(Part::Topology, "topology.sidecars", 150_000, |stream| {
            (1 + stream.below(u64::from(instances))).to_string()
        });
    }
    if are_open(dice, &["topology.followers", "discovery.source", "follower"]) {
        let which = dice.stream("topology.followers").below(8);
        let source = ["follower", "by-turns"].get(which as usize).copied();
        if let (Some(source), true) = (source, dice.draws(Part::Topology)) {
            let count = 1 + dice.stream("topology.followers/count").below(2);
            dice.set("topology.followers", count.to_string());
            dice.set("discovery.source", quoted(source));
        }
    }
}

/// Whether the scenario says something about a single node, or about a number of them.
fn names_somebody(dice: &Dice<'_>) -> bool {
    let kinds = ["instance-", "discovery-", "sidecar-", "follower-", "observer-"];
    let numbered = |text: &str| kinds.into_iter().any(|kind| text.trim_matches('"').starts_with(kind));
    let clocks =
        (1..=10).any(|number| kinds.into_iter().any(|kind| !dice.is_open(&format!("clocks.{kind}{number}"))));
    let mut index = 0;
    while let Some(on) = dice.value(&format!("fault.{index}.on")) {
        let to = dice.value(&format!("fault.{index}.to")).unwrap_or_default();
        let counts = ["pick", "shape"].into_iter().any(|key| !dice.is_open(&format!("fault.{index}.{key}")));
        if numbered(&on) || numbered(&to) || counts {
            return true;
        }
        index += 1;
    }
    clocks
}

/// The TTL and its heartbeats, unless something is written that is made for those which stand.
fn term(dice: &mut Dice<'_>, around: &Surroundings) {
    let made_for_it = [
        "registration.renew_below",
        "registration.suspect_after",
        "registry.ttl_min",
        "registry.ttl_max",
        "instance.margin",
        "instance.flaps",
        "instance.looks_every",
        "instance.dead_peer",
        "registry.service_time",
        "budget.load",
        "budget.lost_in_a_row",
        "budget.pause",
        "probe",
        "grace",
    ];
    if !are_open(dice, &made_for_it) {
        return;
    }
    let by_share = !matches!(value(dice, "registration.heartbeat"), Some(Share::Fixed(_)));
    if by_share {
        // Where only probes renew, three of them fit into the shortest term too.
        let shortest =
            match dice.value("registry.liveness").is_some_and(|name| name.trim_matches('"') == "pull") {
                true => 3 * millis(ProbePolicy::default().every),
                false => 1_000,
            };
        let least = ((millis(around.delay) * 4 + millis(around.write) + 5) * 3).max(shortest);
        dice.sometimes(Part::Timing, "registration.ttl", 500_000, |stream| {
            some_millis(stream, least, 60_000)
        });
        dice.sometimes(Part::Timing, "registration.heartbeat", 300_000, |stream| {
            quoted(stream.weighted(&[(1, "ttl/2"), (2, "ttl/4"), (2, "ttl/5"), (1, "ttl/6")]))
        });
    }
    if are_open(dice, &["registry.sweep_at_most", "registry.buckets"]) {
        dice.sometimes(Part::Timing, "registration.sweep", 250_000, |stream| some_millis(stream, 50, 5_000));
    }
}

/// How often everybody looks, works and asks.
fn intervals(dice: &mut Dice<'_>) {
    dice.sometimes(Part::Timing, "discovery.lookup", 250_000, |stream| some_millis(stream, 100, 5_000));
    if are_open(dice, &["budget.load", "instance.comes_back"]) {
        dice.sometimes(Part::Timing, "instance.comes_back", 250_000, |stream| some_millis(stream, 1, 10_000));
    }
    dice.sometimes(Part::Timing, "instance.jitter", 200_000, |stream| format!("\"{}%\"", stream.below(31)));
}

/// How a view is kept, and for how long.
fn view(dice: &mut Dice<'_>, around: &Surroundings) {
    let group = ["refresh", "poll", "cache", "cache_ends", "ping", "dead_watch"];
    let is_open = group.into_iter().all(|key| dice.is_open(&format!("discovery.{key}")));
    if !is_open || !dice.draws(Part::Timing) {
        return;
    }
    let round_trip = 2 * millis(around.delay) + 2;
    let mut stream = dice.stream("discovery/view");
    let which = stream.below(6);
    let every = stream.log_uniform(round_trip.max(200), 8_000);
    let lives = every * (2 + stream.below(4)) + 4 * round_trip;
    let text = |millis| length(Span::from_millis(millis));
    match which {
        // A load balancer that polls every few seconds.
        0 => {
            dice.set("discovery.refresh", quoted("poll"));
            dice.set("discovery.poll", text(every));
            dice.set("discovery.cache", text(lives));
        }
        1 | 2 => {
            if which == 1 {
                dice.set("discovery.refresh", quoted("watch"));
            } else {
                dice.set("discovery.poll", text(every));
            }
            dice.set("discovery.ping", text(every));
            dice.set("discovery.dead_watch", text(every * 3 + 2 * round_trip));
            dice.set("discovery.cache", text(lives + every * 2));
        }
        _ => {}
    }
}

/// Whether all that is written is safe whatever else is drawn, and nobody expects it not to be.
fn is_sound(dice: &Dice<'_>) -> bool {
    let says = |key: &str, names: &[&str]| match dice.value(key) {
        Some(written) => names.contains(&written.trim_matches('"')),
        None => true,
    };
    SOUND.iter().all(|(key, names)| says(key, names))
        && says("expect.verdict", &["pass"])
        && dice.is_open("expect.violation")
}

/// The decisions of the design, among those that are safe together.
fn policies(dice: &mut Dice<'_>) {
    let part = Part::Policies;
    let clocks: &[&str] = if trusts_wall_clocks(dice) { &["monotonic", "wall"] } else { &["monotonic"] };
    for key in ["registry.clock", "instance.clock", "discovery.clock"] {
        dice.one_of(part, key, clocks);
    }
    expiry(dice);
    if are_open(dice, &["registry.restart", "registry.restart_extra"])
        && dice.stream("registry.restart").below(8) == 0
    {
        dice.set("registry.restart", quoted("extra"));
        let extra = some_millis(&mut dice.stream("registry.restart_extra"), 1, 20_000);
        dice.set("registry.restart_extra", extra);
    }
    dice.one_of(part, "registry.answers", &["once-durable"]);
    dice.one_of(part, "instance.leaves", &["stops-then-deregisters"]);
    dice.one_of(part, "discovery.cut_off", &["serves-stale"]);
    dice.sometimes(part, "instance.entries", 200_000, |stream| (1 + stream.below(3)).to_string());
    dice.sometimes(part, "instance.keys", 200_000, |stream| (1 + stream.below(3)).to_string());
    dice.sometimes(part, "feed.window", 200_000, |stream| (1 + stream.below(4)).to_string());
    dice.sometimes(part, "feed.history", 200_000, |stream| (1 + stream.below(8)).to_string());
    dice.sometimes(part, "feed.buffer", 150_000, |stream| (1 + stream.below(8)).to_string());
}

/// Whether no wall clock is stepped, whatever comes: who trusts one is not safe against that.
fn trusts_wall_clocks(dice: &Dice<'_>) -> bool {
    let steps = [FaultKind::WallStep, FaultKind::WallStrobe];
    let mut scripted = (0..).map_while(|index| dice.value(&format!("fault.{index}.do")));
    !steps.into_iter().any(|kind| dice.strikes(kind))
        && !scripted.any(|action| steps.into_iter().any(|kind| action.trim_matches('"') == kind.name()))
}

/// How the registry notices that a term is over.
fn expiry(dice: &mut Dice<'_>) {
    if !are_open(
        dice,
        &["registration.sweep", "registry.sweep_at_most", "registry.buckets", "budget.queueing"],
    ) {
        return;
    }
    match dice.stream("policies/expiry").below(8) {
        0 => {
            let sweep = some_millis(&mut dice.stream("policies/sweep"), 50, 2_000);
            dice.set("registration.sweep", sweep);
            let most = 1 + dice.stream("registry.sweep_at_most").below(3);
            dice.set("registry.sweep_at_most", most.to_string());
        }
        1 => {
            let width = some_millis(&mut dice.stream("registry.buckets"), 50, 5_000);
            dice.set("registry.buckets", width);
        }
        _ => {}
    }
}

/// What the registry does for those that are late: a detector in three of ten runs, and what goes with any. All of it
/// is below `at_most`, which is the TTL.
fn grace(dice: &mut Dice<'_>) {
    if !dice.is_open("grace") {
        return;
    }
    let ttl = value(dice, "registration.ttl").map_or(TTL, |Length(ttl)| ttl);
    let third = Share::OfTtl { numerator: 1, denominator: 3 };
    let heartbeat = value(dice, "registration.heartbeat").unwrap_or(third).of(ttl);
    let (ttl_millis, heartbeat_millis) = (millis(ttl).max(1), millis(heartbeat).max(1));
    match dice.stream("policies/grace").below(10) {
        0 => {
            let fixed = some_millis(&mut dice.stream("grace.fixed"), 1, ttl_millis);
            dice.set("grace.detector", quoted("fixed"));
            dice.set("grace.fixed", fixed);
        }
        1 => {
            // More than the term, and at most two.
            let least = ttl.as_nanos() / heartbeat.as_nanos().max(1) + 1;
            let most = 2 * ttl.as_nanos() / heartbeat.as_nanos().max(1);
            let missed = least + dice.stream("grace.missed").below((most + 1).saturating_sub(least).max(1));
            dice.set("grace.detector", quoted("missed"));
            dice.set("grace.missed", missed.to_string());
        }
        2 => {
            let pause = some_millis(&mut dice.stream("grace.phi.pause"), 1, heartbeat_millis);
            dice.set("grace.detector", quoted("phi-normal"));
            dice.set("grace.phi.pause", pause);
            dice.set("grace.phi.least_deviation", length(Span::from_millis(heartbeat_millis.div_ceil(20))));
        }
        _ => {}
    }
    let part = Part::Policies;
    dice.sometimes(part, "grace.second_stage", 150_000, |stream| some_millis(stream, 1, ttl_millis));
    dice.sometimes(part, "grace.late_sweep", 150_000, |_| quoted("compensated"));
}

/// Whether the registry probes members that send heartbeats: where an answer comes well before it is late.
fn probes(dice: &mut Dice<'_>, around: &Surroundings) {
    let made_for_it = ["probe", "budget", "registry.service_time", "registry.unhealthy"];
    let round_trip = around.delay.scale(2, 1);
    if are_open(dice, &made_for_it) && round_trip.scale(2, 1) < ProbePolicy::default().timeout {
        dice.sometimes(Part::Policies, "registry.liveness", 150_000, |_| quoted("hybrid"));
    }
}
