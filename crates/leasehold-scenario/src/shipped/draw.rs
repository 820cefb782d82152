//! What a seed decides about the shipped system where a scenario says nothing: designs that are safe together.
//!
//! Keys that have to fit to each other are a group. A group of which anything is written stays as it is.

use leasehold_core::Span;
use leasehold_core::plan::FaultKind;
use leasehold_plan::{Dice, Part, Stream};

use crate::document::{length, quoted};
use crate::draw::{Surroundings, millis, value};
use crate::value::{Length, Share};

/// What counts nodes, with the least there can be.
pub(super) const COUNTS: [(&str, u32); 2] = [("topology.holders", 1), ("topology.resources", 1)];

/// The widest bound on clock rates for which the lengths below are known to fit: 5 %.
const WIDEST: u32 = 50_000_000;

/// The named policies that are safe whatever the others are. One that is written with another name is safe with
/// some neighbours at the most, so then no policy is drawn.
const SOUND: [(&str, &[&str]); 22] = [
    ("grantor.terms_from", &["own-timer"]),
    ("grantor.term_arithmetic", &["exact"]),
    ("grantor.renewal_check", &["lease-and-token"]),
    ("holder.ttl_multiplier", &["1"]),
    ("holder.back_in_contact", &["compares-the-lease"]),
    ("grantor.tokens", &["durable-counter", "store-revision"]),
    ("grantor.renewals", &["at-once", "once-durable"]),
    ("grantor.renewal_of_ended", &["refused"]),
    ("grantor.release_check", &["lease-and-token"]),
    ("grantor.lock_delay_kept", &["durable"]),
    ("grantor.same_owner", &["waits", "revokes"]),
    ("grantor.revocation", &["drain"]),
    ("grantor.keys", &["together"]),
    ("grantor.queries", &["from-table"]),
    ("holder.deadline_from", &["first-send"]),
    ("holder.on_lost_contact", &["stop", "jeopardy"]),
    ("holder.leave", &["stop-then-release"]),
    ("holder.after_waiting", &["confirm"]),
    ("holder.identity", &["process", "node"]),
    ("resource.fence", &["highest-token"]),
    ("resource.duplicates", &["recognised"]),
    ("resource.tasks", &["once"]),
];

/// Draws what is open.
pub(super) fn draw(dice: &mut Dice<'_>) {
    topology(dice);
    let around = Surroundings::of(dice);
    let fits = around.clock_rate.as_ppb() <= WIDEST;
    if fits {
        ttl(dice, &around);
    }
    let terms = Terms::of(dice, around);
    if fits {
        renewal(dice);
    }
    intervals(dice, &terms);
    // In a third of the runs the design is the plain one.
    let is_plain = dice.stream("policies").below(3) == 0;
    if !is_plain && fits && dice.draws(Part::Policies) && is_sound(dice) {
        policies(dice, &terms);
    }
}

/// What lengths have to fit to.
struct Terms {
    ttl: Span,
    around: Surroundings,
}

impl Terms {
    fn of(dice: &Dice<'_>, around: Surroundings) -> Self {
        let ttl = value(dice, "lease.ttl").map_or(Span::from_secs(10), |ttl: Length| ttl.0);
        Self { ttl, around }
    }

    /// No more than some hundred of these fit into a term, lest a run be all of it.
    fn floor(&self) -> u64 {
        (millis(self.ttl) / 300).max(1)
    }

    /// Within which a refusal comes back.
    fn refusal(&self) -> u64 {
        2 * (millis(self.around.delay) + 1)
    }
}

fn are_open(dice: &Dice<'_>, keys: &[&str]) -> bool {
    keys.iter().all(|key| dice.is_open(key))
}

/// Between two numbers of milliseconds, as many of each magnitude.
fn some_millis(stream: &mut Stream, least: u64, most: u64) -> String {
    length(Span::from_millis(stream.log_uniform(least, most)))
}

/// A key with a stream of its own, when something else has decided that it is drawn.
fn draw_millis(dice: &mut Dice<'_>, key: &str, least: u64, most: u64) {
    let mut stream = dice.stream(key);
    dice.set(key, some_millis(&mut stream, least, most));
}

/// How many nodes there are: so many that whatever the scenario says about some of them still makes sense.
fn topology(dice: &mut Dice<'_>) {
    let named = Named::by(dice);
    let written = |dice: &Dice<'_>, key, default| value::<u16>(dice, key).unwrap_or(default);
    let resources = written(dice, "topology.resources", 1);
    let least = named.holders.max(resources).max(1);
    if least < 8 {
        dice.sometimes(Part::Topology, "topology.holders", 400_000, |stream| {
            (u64::from(least) + stream.below(u64::from(9 - least))).to_string()
        });
    }
    let holders = written(dice, "topology.holders", 3);
    if !named.resources && holders > 1 {
        dice.sometimes(Part::Topology, "topology.resources", 250_000, |stream| {
            (1 + stream.below(u64::from(holders.min(4)))).to_string()
        });
    }
}

/// Which nodes a scenario says something about.
struct Named {
    /// At least so many holders.
    holders: u16,
    /// A resource, or how many there are.
    resources: bool,
}

impl Named {
    fn by(dice: &Dice<'_>) -> Self {
        let mut named = Self { holders: 0, resources: false };
        for number in 1..=8 {
            if !dice.is_open(&format!("clocks.holder-{number}")) {
                named.holders = number;
            }
            named.resources |= !dice.is_open(&format!("clocks.resource-{number}"));
        }
        named.resources |= !dice.is_open("clocks.resource");
        let mut index = 0;
        while let Some(on) = dice.value(&format!("fault.{index}.on")) {
            let to = dice.value(&format!("fault.{index}.to"));
            for name in [Some(on), to].into_iter().flatten() {
                let name = name.trim_matches('"');
                let holder = name.strip_prefix("holder-").and_then(|number| number.parse().ok());
                named.holders = named.holders.max(holder.unwrap_or(0));
                named.resources |= name.starts_with("resource-");
            }
            // What is picked, and what has a shape, needs as many as there are.
            if ["pick", "shape"].into_iter().any(|key| !dice.is_open(&format!("fault.{index}.{key}"))) {
                named.holders = named.holders.max(value(dice, "topology.holders").unwrap_or(3));
                named.resources = true;
            }
            index += 1;
        }
        named
    }
}

/// The TTL, unless something is written that is made for that which stands.
fn ttl(dice: &mut Dice<'_>, around: &Surroundings) {
    let made_for_it = ["holder.margin", "holder.renew_deadline", "grantor.ttl_min", "grantor.ttl_max"];
    let renews_by_share = !matches!(value(dice, "lease.renew"), Some(Share::Fixed(_)));
    if are_open(dice, &made_for_it) && renews_by_share {
        let round_trip = millis(around.delay) * 2 + millis(around.write) + 3;
        let least = (round_trip * 5 / 2).max(100);
        dice.sometimes(Part::Timing, "lease.ttl", 500_000, |stream| some_millis(stream, least, 60_000));
    }
}

/// When holders renew: seldom only where they have most of the TTL.
fn renewal(dice: &mut Dice<'_>) {
    let have_most = are_open(dice, &["holder.margin", "holder.renew_deadline", "lease.ttl"])
        || are_open(dice, &["holder.margin", "holder.renew_deadline", "holder.jitter"]);
    let seldom = u32::from(have_most);
    dice.sometimes(Part::Timing, "lease.renew", 300_000, |stream| {
        quoted(stream.weighted(&[(2 * seldom, "ttl/2"), (1, "ttl/4"), (1, "ttl/5"), (2, "ttl/10")]))
    });
}

/// How often everybody looks, asks and works.
fn intervals(dice: &mut Dice<'_>, terms: &Terms) {
    let floor = terms.floor();
    if are_open(dice, &["lease.sweep", "grantor.sweep_at_most", "grantor.buckets"]) {
        dice.sometimes(Part::Timing, "lease.sweep", 250_000, |stream| some_millis(stream, floor, 2_000));
    }
    dice.sometimes(Part::Timing, "holder.poll", 250_000, |stream| some_millis(stream, floor.max(20), 5_000));
    if dice.is_open("holder.renew_deadline") {
        dice.sometimes(Part::Timing, "holder.jitter", 200_000, |stream| format!("\"{}%\"", stream.below(31)));
    }
    if are_open(dice, &["work.kind", "work.takeover", "work.every", "work.think", "work.retry"]) {
        dice.sometimes(Part::Timing, "work.every", 250_000, |stream| {
            let every = stream.weighted(&[(1, 20), (1, 50), (1, 200), (1, 1_000)]);
            length(Span::from_millis(every.max(floor)))
        });
        let longest = millis(terms.ttl) * 2;
        dice.sometimes(Part::Timing, "work.think", 250_000, |stream| some_millis(stream, 1, longest));
        dice.sometimes(Part::Timing, "work.retry", 250_000, |stream| {
            some_millis(stream, floor.max(10), 1_000)
        });
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
        && are_open(dice, &["expect.violation", "grantor.end_attempts", "resource.reads", "lease.extensions"])
}

/// The decisions of the design, among those that are safe together.
fn policies(dice: &mut Dice<'_>, terms: &Terms) {
    expiry(dice, terms);
    lifetime(dice, terms);
    asking(dice, terms);
    fencing(dice);
    restarting(dice);
    let part = Part::Policies;
    if dice.is_open("grantor.lock_delay_kept") {
        dice.sometimes(part, "lease.lock_delay", 150_000, |stream| some_millis(stream, 1, 20_000));
    }
    let clocks: &[&str] = if trusts_wall_clocks(dice) { &["monotonic", "wall"] } else { &["monotonic"] };
    dice.one_of(part, "grantor.clock", clocks);
    dice.one_of(part, "holder.clock", clocks);
    dice.one_of(part, "grantor.tokens", &["store-revision"]);
    dice.one_of(part, "grantor.renewals", &["once-durable"]);
    dice.one_of(part, "grantor.same_owner", &["revokes"]);
    dice.sometimes(part, "grantor.end_patience", 150_000, |stream| some_millis(stream, 1, 20_000));
    dice.sometimes(part, "holder.renew_jitter", 200_000, |stream| format!("\"{}%\"", stream.below(51)));
    // Whoever lets its lease run out waits for no contact.
    if dice.value("work.kind").is_none_or(|kind| kind.trim_matches('"') != "cached-reads") {
        dice.one_of(part, "holder.on_lost_contact", &["jeopardy"]);
    }
    dice.one_of(part, "holder.identity", &["node"]);
    dice.one_of(part, "holder.priority", &["by-number"]);
    let least = terms.floor().max(100);
    dice.sometimes(part, "holder.asks_who", 200_000, |stream| some_millis(stream, least, 20_000));
    dice.sometimes(part, "holder.keys", 200_000, |stream| (1 + stream.below(3)).to_string());
}

/// Whether no wall clock is stepped, whatever comes: who trusts one is not safe against that.
fn trusts_wall_clocks(dice: &Dice<'_>) -> bool {
    let steps = [FaultKind::WallStep, FaultKind::WallStrobe];
    let mut scripted = (0..).map_while(|index| dice.value(&format!("fault.{index}.do")));
    !steps.into_iter().any(|kind| dice.strikes(kind))
        && !scripted.any(|action| steps.into_iter().any(|kind| action.trim_matches('"') == kind.name()))
}

/// How a grantor notices that a term is over.
fn expiry(dice: &mut Dice<'_>, terms: &Terms) {
    match dice.stream("policies/expiry").below(8) {
        0 if are_open(dice, &["grantor.sweep_at_most", "grantor.buckets"]) => {
            // Not the stream of `lease.sweep`: its first word has decided that nothing else draws the key.
            let sweep = some_millis(&mut dice.stream("policies/sweep"), terms.floor(), 2_000);
            dice.set("lease.sweep", sweep);
            let most = 1 + dice.stream("grantor.sweep_at_most").below(3);
            dice.set("grantor.sweep_at_most", most.to_string());
        }
        1 if are_open(dice, &["lease.sweep", "grantor.sweep_at_most", "grantor.buckets"]) => {
            draw_millis(dice, "grantor.buckets", terms.floor(), 5_000);
        }
        _ => {}
    }
}

/// How long a holder claims, which depends on how many TTLs its grantor lets go by.
fn lifetime(dice: &mut Dice<'_>, terms: &Terms) {
    let group = ["holder.margin", "holder.renew_deadline", "grantor.ttl_multiplier"];
    let renews_early = match value(dice, "lease.renew") {
        None => true,
        Some(renew @ Share::OfTtl { .. }) => renew.of(terms.ttl).scale(3, 1) <= terms.ttl,
        Some(Share::Fixed(_)) => false,
    };
    if !are_open(dice, &group) || !renews_early {
        return;
    }
    // T - T*(1-r)/(1+r), rounded up.
    let least = millis(terms.ttl - terms.around.clock_rate.safe_term(terms.ttl)) + 1;
    match dice.stream("policies/lifetime").below(10) {
        0 => {
            let more = dice.stream("holder.margin").below(millis(terms.ttl) / 10 + 1);
            dice.set("holder.margin", length(Span::from_millis(least + more)));
        }
        // Below what clocks leave of the TTL with the interval, and above the interval with its jitter.
        1 => {
            dice.set("holder.renew_deadline", length(terms.ttl.scale(45, 100)));
        }
        whole @ (2 | 3) => {
            let times = 2 + dice.stream("grantor.ttl_multiplier").below(2);
            dice.set("grantor.ttl_multiplier", times.to_string());
            if whole == 3 {
                dice.set("holder.margin", quoted("0s"));
            }
        }
        _ => {}
    }
}

/// When a holder asks again, when it stops to, and what becomes of it when somebody else holds.
fn asking(dice: &mut Dice<'_>, terms: &Terms) {
    let group = ["holder.retry", "holder.retry_cap", "holder.give_up", "grantor.queue", "grantor.preemption"];
    if !are_open(dice, &group) {
        return;
    }
    // What a fast clock shows of so many milliseconds, and more.
    let more_than = |millis: u64| millis * 11 / 10 + 1;
    let answer = terms.refusal() + millis(terms.around.write) + 1;
    let mut stream = dice.stream("policies/asking");
    let has_queue = stream.below(5) > 0;
    let gives_up = stream.below(6) == 0;
    let waits = stream.below(3) == 0;
    let least = match (gives_up, has_queue) {
        // Who gives up at the first error has to wait for an answer until then, or it never gets any.
        (true, _) => Some(more_than(answer)),
        // Without a queue, who repeats a request before its refusal can have come may be granted the copy, and
        // wait for it no more; nothing bounds how often.
        (false, false) => Some(more_than(terms.refusal())),
        (false, true) => waits.then(|| terms.floor()),
    };
    if let Some(least) = least {
        let first = least + dice.stream("holder.retry").below(501);
        let cap = first + dice.stream("holder.retry_cap").below(2_001);
        dice.set("holder.retry", length(Span::from_millis(first)));
        dice.set("holder.retry_cap", length(Span::from_millis(cap)));
    }
    if gives_up {
        dice.set("holder.give_up", quoted("at-first-error"));
    }
    if has_queue {
        dice.one_of(Part::Policies, "grantor.preemption", &["by-priority"]);
    } else {
        dice.set("grantor.queue", quoted("none"));
    }
}

/// What holders do, and what guards it.
fn fencing(dice: &mut Dice<'_>) {
    if !are_open(dice, &["work.kind", "work.takeover", "resource.fence", "resource.reads", "resource.writes"])
    {
        return;
    }
    dice.one_of(Part::Policies, "work.kind", &["leader", "tasks", "cache-fill"]);
    let (barrier, compares, leaves_mark) = match dice.stream("policies/fencing").below(12) {
        0 => (true, false, false),
        1 => (false, true, false),
        2 => (true, true, false),
        3 => (true, false, true),
        4 => (false, true, true),
        _ => return,
    };
    let choices = [
        (barrier, "work.takeover", "barrier"),
        (compares, "resource.writes", "compare-and-set"),
        (leaves_mark, "resource.reads", "leave-mark"),
    ];
    for (_, key, name) in choices.into_iter().filter(|(is_so, ..)| *is_so) {
        dice.set(key, quoted(name));
    }
}

/// What a restart does to leases that live.
fn restarting(dice: &mut Dice<'_>) {
    if !are_open(dice, &["grantor.restart", "grantor.restart_extra"]) {
        return;
    }
    match dice.stream("grantor.restart").below(6) {
        0 => {
            dice.set("grantor.restart", quoted("extra"));
            draw_millis(dice, "grantor.restart_extra", 1, 20_000);
        }
        // Deadlines are kept on the wall clock.
        1 if trusts_wall_clocks(dice) => dice.set("grantor.restart", quoted("remaining")),
        _ => {}
    }
}
