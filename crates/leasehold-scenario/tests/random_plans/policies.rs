//! Random policies: combinations of safe ones, and of any at all.

use std::fmt::{Debug, Display};

use leasehold_core::Span;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use crate::world::{World, millis};

/// What stands in the tables of the shipped system: tables and lines.
#[derive(Clone)]
pub(crate) struct Policies(Vec<Line>);

type Line = (&'static str, String);

/// Lines that belong together, or none.
type Choice = BoxedStrategy<Vec<Line>>;

impl Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl Policies {
    /// As tables of a scenario file; that of leases goes on where the world's text ends.
    pub(crate) fn text(&self) -> String {
        let lines = |wanted: &str| {
            let of_table = self.0.iter().filter(|(table, _)| *table == wanted);
            of_table.map(|(_, line)| format!("{line}\n")).collect::<String>()
        };
        let others =
            ["grantor", "holder", "work", "resource"].map(|table| format!("[{table}]\n{}", lines(table)));
        lines("lease") + &others.concat()
    }

    /// Whether something is measured on a wall clock, so that a step of it breaks what the policies promise.
    pub(crate) fn trust_a_wall_clock(&self) -> bool {
        self.0.iter().any(|(_, line)| line == "clock = \"wall\"" || line == "restart = \"remaining\"")
    }
}

/// A key with a value.
fn says<T: Debug + Display + 'static>(
    table: &'static str,
    key: &'static str,
    value: impl Strategy<Value = T> + 'static,
) -> Choice {
    value.prop_map(move |value| vec![(table, format!("{key} = {value}"))]).boxed()
}

fn name(table: &'static str, key: &'static str, names: &[&'static str]) -> Choice {
    says(table, key, select(names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>()))
}

fn length(table: &'static str, key: &'static str, from_millis: u64, to_millis: u64) -> Choice {
    let span = millis(to_millis).prop_map(move |span| span.max(Span::from_millis(from_millis)));
    says(table, key, span.prop_map(|span| format!("\"{span}\"")))
}

fn percent(table: &'static str, key: &'static str, most: u32) -> Choice {
    says(table, key, (0..=most).prop_map(|percent| format!("\"{percent}%\"")))
}

/// All of these.
fn all(choices: Vec<Choice>) -> Choice {
    choices.prop_map(|lines| lines.concat()).boxed()
}

/// One of these, or nothing.
fn perhaps(choices: Vec<Choice>) -> Choice {
    proptest::option::of(Union::new(choices)).prop_map(Option::unwrap_or_default).boxed()
}

/// A length of which no more than some hundred fit into a term, lest a run be all of it.
fn floor(world: &World) -> u64 {
    (world.ttl_millis / 300).max(1)
}

/// How a grantor notices that a term is over.
fn expiry(world: &World) -> Choice {
    let floor = floor(world);
    let sweep = || length("lease", "sweep", floor, 2_000);
    perhaps(vec![
        sweep(),
        all(vec![sweep(), says("grantor", "sweep_at_most", 1..=3_u32)]),
        length("grantor", "buckets", floor, 5_000),
    ])
}

/// How long a holder claims, which depends on how many TTLs its grantor lets go by.
fn terms(world: &World) -> Choice {
    let World { ttl_millis, renew, bound_ppm, .. } = *world;
    let bound = u64::from(bound_ppm);
    // T - T·(1−ρ)/(1+ρ), rounded up.
    let least = (ttl_millis * 2 * bound).div_ceil(1_000_000 + bound);
    let enough = (least..=least + ttl_millis / 10).prop_map(|millis| format!("\"{millis}ms\""));
    let in_millis = |millis: u64| Just(format!("\"{millis}ms\""));
    let mut lifetimes = vec![says("holder", "margin", enough)];
    // With the interval it must be below what clocks leave of the TTL, and above the interval and its jitter.
    if renew > 2 {
        lifetimes.push(says("holder", "renew_deadline", in_millis(ttl_millis * 45 / 100)));
    }
    let multiplier = says("grantor", "ttl_multiplier", 2..=3_u32);
    let whole = says("holder", "margin", in_millis(0));
    perhaps(vec![Union::new(lifetimes).boxed(), all(vec![multiplier.clone(), perhaps(vec![whole])])])
}

/// When a holder asks again, when it stops to, and what becomes of it when somebody else holds.
fn asking(world: &World) -> Choice {
    let waits = |least: u64| {
        let retry = (least..=least + 500, 0..=2_000_u64).prop_map(|(first, more)| {
            let cap = first + more;
            vec![("holder", format!("retry = \"{first}ms\"")), ("holder", format!("retry_cap = \"{cap}ms\""))]
        });
        retry.boxed()
    };
    // What a fast clock shows of so many milliseconds, and more.
    let more_than = |millis: u64| millis * 11 / 10 + 1;
    let refusal = 2 * world.network.longest_millis;
    // Who gives up at the first error has to wait for an answer until then, or it never gets any.
    let waits_and_gives_up = || {
        let waits = waits(more_than(refusal + world.disk.longest_millis));
        all(vec![waits, name("holder", "give_up", &["at-first-error"])])
    };
    let queue = all(vec![
        perhaps(vec![waits(floor(world)), waits_and_gives_up()]),
        perhaps(vec![name("grantor", "preemption", &["by-priority"])]),
    ]);
    // Without a queue, who repeats a request before its refusal can have come may be granted the copy, and wait for
    // it no more; nothing bounds how often. Nor how often a lease is revoked for a higher priority that is sent
    // away all the same, before anybody has claimed.
    let no_queue = all(vec![
        Union::new(vec![waits(more_than(refusal)), waits_and_gives_up()]).boxed(),
        name("grantor", "queue", &["none"]),
    ]);
    all(vec![
        Union::new(vec![queue, no_queue]).boxed(),
        perhaps(vec![percent("holder", "jitter", 30)]),
        length("holder", "poll", floor(world).max(20), 5_000),
    ])
}

fn safe_resource() -> Choice {
    let barrier = || name("work", "takeover", &["barrier"]);
    let compares = || name("resource", "writes", &["compare-and-set"]);
    let leaves_mark = || name("resource", "reads", &["leave-mark"]);
    perhaps(vec![
        barrier(),
        compares(),
        all(vec![barrier(), compares()]),
        all(vec![barrier(), leaves_mark()]),
        all(vec![compares(), leaves_mark()]),
    ])
}

fn work(world: &World) -> Choice {
    let every = floor(world);
    all(vec![
        perhaps(vec![name("work", "kind", &["leader", "tasks", "cache-fill"])]),
        says(
            "work",
            "every",
            select(vec![20, 50, 200, 1_000]).prop_map(move |ms: u64| format!("\"{}ms\"", ms.max(every))),
        ),
        perhaps(vec![length("work", "think", 0, world.ttl_millis * 2)]),
        perhaps(vec![length("work", "retry", every.max(10), 1_000)]),
    ])
}

/// Any combination of what is safe: nothing is violated under it.
pub(crate) fn safe(world: &World) -> impl Strategy<Value = Policies> + use<> {
    let clocks = ["monotonic", "wall"];
    let extra =
        all(vec![name("grantor", "restart", &["extra"]), length("grantor", "restart_extra", 0, 20_000)]);
    all(vec![
        expiry(world),
        terms(world),
        asking(world),
        work(world),
        safe_resource(),
        perhaps(vec![length("lease", "lock_delay", 1, 20_000)]),
        perhaps(vec![name("grantor", "clock", &clocks)]),
        perhaps(vec![name("grantor", "tokens", &["store-revision"])]),
        perhaps(vec![extra, name("grantor", "restart", &["remaining"])]),
        perhaps(vec![name("grantor", "renewals", &["once-durable"])]),
        perhaps(vec![name("grantor", "same_owner", &["revokes"])]),
        perhaps(vec![length("grantor", "end_patience", 1, 20_000)]),
        perhaps(vec![name("holder", "clock", &clocks)]),
        perhaps(vec![percent("holder", "renew_jitter", 50)]),
        perhaps(vec![name("holder", "on_lost_contact", &["jeopardy"])]),
        perhaps(vec![name("holder", "identity", &["node"])]),
        perhaps(vec![name("holder", "priority", &["by-number"])]),
        perhaps(vec![says("holder", "keys", 0..=3_u32)]),
    ])
    .prop_map(Policies)
}

/// Any policies at all.
pub(crate) fn any(world: &World) -> impl Strategy<Value = Policies> + use<> {
    let clocks = ["monotonic", "wall"];
    let extra =
        all(vec![name("grantor", "restart", &["extra"]), length("grantor", "restart_extra", 0, 20_000)]);
    let kept = name("grantor", "lock_delay_kept", &["in-memory", "never"]);
    let margin = length("holder", "margin", 0, world.ttl_millis / 3);
    let deadline = Just(format!("\"{}ms\"", world.ttl_millis * 9 / 10));
    all(vec![
        expiry(world),
        perhaps(vec![says("grantor", "ttl_multiplier", 2..=3_u32)]),
        perhaps(vec![margin, says("holder", "renew_deadline", deadline)]),
        work(world),
        perhaps(vec![all(vec![length("lease", "lock_delay", 1, 20_000), perhaps(vec![kept])])]),
        perhaps(vec![name("grantor", "clock", &clocks)]),
        perhaps(vec![name("grantor", "tokens", &["store-revision", "volatile", "per-owner", "random"])]),
        perhaps(vec![extra, name("grantor", "restart", &["remaining"])]),
        perhaps(vec![name("grantor", "renewals", &["once-durable", "once-durable-unchecked"])]),
        perhaps(vec![name("grantor", "renewal_of_ended", &["acknowledged-until-recorded", "resurrects"])]),
        perhaps(vec![name("grantor", "release_check", &["holder-name", "nothing"])]),
        perhaps(vec![name("grantor", "queue", &["none"])]),
        perhaps(vec![name("grantor", "same_owner", &["revokes", "takes-over"])]),
        perhaps(vec![name("grantor", "preemption", &["by-priority"])]),
        perhaps(vec![name("grantor", "revocation", &["at-once"])]),
        perhaps(vec![name("grantor", "keys", &["one-by-one"])]),
        perhaps(vec![length("grantor", "end_patience", 1, 20_000)]),
        perhaps(vec![says("grantor", "end_attempts", 1..=5_u32)]),
        perhaps(vec![name("holder", "clock", &clocks)]),
        perhaps(vec![name("holder", "deadline_from", &["latest-retry", "receipt"])]),
        perhaps(vec![percent("holder", "renew_jitter", 90)]),
        perhaps(vec![length("holder", "retry", floor(world), 1_500)]),
        perhaps(vec![name("holder", "give_up", &["at-first-error"])]),
        perhaps(vec![name("holder", "on_lost_contact", &["jeopardy", "go-on"])]),
        perhaps(vec![name("holder", "leave", &["release-then-stop"])]),
        perhaps(vec![name("holder", "after_waiting", &["trust"])]),
        perhaps(vec![name("holder", "identity", &["node", "shared"])]),
        perhaps(vec![name("holder", "priority", &["by-number"])]),
        perhaps(vec![says("holder", "keys", 0..=3_u32)]),
        perhaps(vec![name("work", "takeover", &["barrier"])]),
        perhaps(vec![name("resource", "fence", &["highest-volatile", "last-token", "equality", "none"])]),
        perhaps(vec![name("resource", "reads", &["leave-mark"])]),
        perhaps(vec![name("resource", "writes", &["compare-and-set"])]),
        perhaps(vec![name("resource", "duplicates", &["done-again"])]),
        perhaps(vec![name("resource", "tasks", &["each-time"])]),
    ])
    .prop_map(Policies)
}
