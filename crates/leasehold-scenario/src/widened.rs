//! What an engine adds to the bounds of a system, so that no checker blames a protocol for it.
//!
//! Behind sockets things happen at ticks, and a connection that died has to be replaced before anything gets through
//! again. What depends on clocks alone is left as it is: the earliest end of a lease (I4), how long a claim may last, and
//! the lock-delay. Source of the terms: DESIGN section 4, and the shell's own times; how many of each is counted here,
//! generously.

use leasehold_core::{Bounds, Inequality, Span, Sum, Term};
use leasehold_turmoil::ShellPolicy;

use crate::engine::Engine;
use crate::scenario::Scenario;

/// How often anything happens behind sockets. DESIGN section 4: turmoil runs right with whole milliseconds only.
const TICK: Span = Span::from_millis(1);

impl Scenario {
    /// What timed invariants are judged by on an engine.
    pub fn bounds(&self, engine: Engine) -> Bounds {
        match engine {
            Engine::Sim => *self.deployment.bounds(),
            Engine::Turmoil => self.widened().0,
        }
    }

    /// What an engine adds to which bound, term by term; nothing if it adds nothing.
    pub fn widenings(&self, engine: Engine) -> Vec<Inequality> {
        match engine {
            Engine::Sim => Vec::new(),
            Engine::Turmoil => self.widened().1,
        }
    }

    fn widened(&self) -> (Bounds, Vec<Inequality>) {
        widen(self.deployment.bounds(), &self.shell, self.deployment.nodes().len() as u64)
    }
}

/// The bounds behind sockets, and how they come about. `hosts` is more than how many caches stand in a row, contenders in
/// a queue, or sweeps between two ends.
fn widen(bounds: &Bounds, shell: &ShellPolicy, hosts: u64) -> (Bounds, Vec<Inequality>) {
    let mut told = Vec::new();
    let mut add = |name: &'static str, bound: &mut Span, terms: &[Term]| {
        let left = Sum::of("what the engine adds", terms.to_vec());
        *bound = bound.saturating_add(left.total);
        let formula = terms.iter().map(|term| term.symbol).collect::<Vec<_>>().join(" + ").into();
        told.push(Inequality { name, formula, left, right: None, notes: Vec::new() });
    };
    let reconnecting = reconnecting(shell);
    let reconnecting = reconnecting.as_slice();
    let with = |terms: [Term; 2]| [&terms[..], reconnecting].concat();

    let mut bounds = *bounds;
    add("behind sockets: a message (d⁺)", &mut bounds.delay, &[&[hops(1)], reconnecting].concat());
    // A timer, the sweeps until its turn comes, and the write.
    add("behind sockets: the latest end of a lease (I5)", &mut bounds.end_slack, &[waits(4 + hosts)]);
    // Two rounds of question, grant and confirmation, and of each that stands ahead the end and the grant. All is healed
    // once the last dead connection is replaced.
    let all = with([hops(9), waits((1 + hosts) * (4 + hosts))]);
    add("behind sockets: the next grant once all is healed (I23)", &mut bounds.regrant, &all);
    let Some(views) = &mut bounds.discovery else { return (bounds, told) };
    add("behind sockets: a heartbeat (D)", &mut views.heartbeat_delay, &[hops(1), waits(1)]);
    // A probe and its answer, what a sidecar and an observer say, and the end.
    let chain = [hops(4), waits(4 + hosts)];
    add("behind sockets: a dead instance is listed (A)", &mut views.exclusion, &chain);
    let asked = with([hops(1), waits(2)]);
    add("behind sockets: one that asked to leave is listed", &mut views.deregistration, &asked);
    // A hop to each cache in a row, and a timer there.
    let row = [hops(1 + hosts), waits(1 + hosts)];
    if let Some(watch) = &mut views.watch {
        add("behind sockets: a healthy watch (W)", watch, &row);
    }
    let anew = with(row.clone());
    if let Some(dead) = &mut views.dead_watch {
        add("behind sockets: a dead watch (K_w + R + W)", dead, &anew);
    }
    if let Some(recovery) = &mut views.recovery {
        add("behind sockets: a watch is healthy again", recovery, &anew);
    }
    if let Some(cache) = &mut views.cache {
        add("behind sockets: a cache", cache, &row);
    }
    add("behind sockets: a new instance is seen", &mut views.visibility, &anew);
    if let Some(progress) = &mut views.progress {
        add("behind sockets: an instance that stands still", progress, &chain);
    }
    (bounds, told)
}

/// A message waits for the tick in which its fate is decided, and for the one in which it arrives.
fn hops(count: u64) -> Term {
    let ticks = TICK.scale(2, 1);
    let what = format!("{count} messages in a row, each up to two ticks of {TICK} late");
    Term { symbol: "hops", what, value: ticks.scale(count, 1) }
}

/// A timer, and a write that is durable, wait for the next tick.
fn waits(count: u64) -> Term {
    let what = format!("{count} timers and writes in a row, each up to a tick of {TICK} late");
    Term { symbol: "waits", what, value: TICK.scale(count, 1) }
}

/// Until a connection that a fault killed is replaced, once the fault is over: its end is noticed, an attempt that began
/// before has failed, and the next one is made.
fn reconnecting(shell: &ShellPolicy) -> [Term; 3] {
    let term = |symbol, value, what: &str| Term { symbol, value, what: what.to_owned() };
    [
        term(
            "silence",
            silence(shell),
            "until a dead connection is taken for dead: silent_after, in whole ping_every, and one",
        ),
        term("attempt", shell.connect_within, "until an attempt to connect has failed: connect_within"),
        term("back-off", shell.backoff_max, "until the next attempt: backoff_max"),
    ]
}

/// Until the silence of a connection is noticed. The shell counts whole waits of `ping_every` in which it heard nothing
/// (shell/conversation.rs), and the one in which it heard something last may be over just behind that.
fn silence(shell: &ShellPolicy) -> Span {
    let every = shell.ping_every.max(TICK);
    let waits = shell.silent_after.as_nanos().div_ceil(every.as_nanos());
    every.scale(waits.saturating_add(1), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RegistrySystem, SingleGrantor, Source};

    fn scenario(text: &str) -> Scenario {
        let head = "schema = 1\nname = \"x\"\nsummary = \"s\"\n";
        let source = Source::from_text("x.toml", format!("{head}{text}"));
        Scenario::parse(source, &[&SingleGrantor, &RegistrySystem]).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_fast_engine_adds_nothing() {
        let scenario = scenario("");
        assert_eq!(scenario.bounds(Engine::Sim), *scenario.deployment.bounds());
        assert!(scenario.widenings(Engine::Sim).is_empty());
    }

    #[test]
    fn what_clocks_alone_decide_is_left_as_it_is() {
        let scenario = scenario("[lease]\nlock_delay = \"15s\"");
        let (sim, turmoil) = (scenario.bounds(Engine::Sim), scenario.bounds(Engine::Turmoil));
        let ttl = Span::from_secs(10);
        assert_eq!(turmoil.earliest_end(ttl), sim.earliest_end(ttl));
        assert_eq!(
            (turmoil.clock_rate, turmoil.longest_ttl, turmoil.lock_delay),
            (sim.clock_rate, sim.longest_ttl, sim.lock_delay)
        );
    }

    #[test]
    fn silence_is_noticed_after_whole_waits() {
        for (text, expected) in [
            ("", Span::from_millis(800)),
            ("ping_every = \"29s\"\nsilent_after = \"30s\"", Span::from_secs(87)),
            ("ping_every = \"1ms\"\nsilent_after = \"2500us\"", Span::from_millis(4)),
        ] {
            let scenario = scenario(&format!("[transport]\n{text}\n"));
            assert_eq!(silence(&scenario.shell), expected, "{text}");
            let told = scenario.widenings(Engine::Turmoil);
            assert!(told[0].left.terms.iter().any(|term| term.symbol == "silence" && term.value == expected));
        }
    }

    #[test]
    fn a_formula_names_the_terms_below_it() {
        for widening in scenario("system = \"registry\"").widenings(Engine::Turmoil) {
            let symbols: Vec<&str> = widening.left.terms.iter().map(|term| term.symbol).collect();
            assert_eq!(widening.formula, symbols.join(" + "), "{}", widening.name);
        }
    }

    /// Five hosts, and a shell that takes 1.2 s until a dead connection is replaced.
    #[test]
    fn what_is_told_is_what_is_added() {
        let scenario = scenario(
            "[transport]\nsilent_after = \"600ms\"\nconnect_within = \"200ms\"\nbackoff_max = \"200ms\"",
        );
        let (sim, turmoil) = (scenario.bounds(Engine::Sim), scenario.bounds(Engine::Turmoil));
        let added =
            [turmoil.delay - sim.delay, turmoil.end_slack - sim.end_slack, turmoil.regrant - sim.regrant];
        assert_eq!(added, [1_202, 9, 18 + 54 + 1_200].map(Span::from_millis));
        let told: Vec<Span> =
            scenario.widenings(Engine::Turmoil).iter().map(|widening| widening.left.total).collect();
        assert_eq!(told, added);
    }

    #[test]
    fn every_bound_of_a_registry_that_a_connection_can_delay_is_widened() {
        let scenario = scenario("system = \"registry\"");
        let views = |engine| scenario.bounds(engine).discovery.expect("there is a registry");
        let (sim, turmoil) = (views(Engine::Sim), views(Engine::Turmoil));
        assert!(turmoil.heartbeat_delay > sim.heartbeat_delay && turmoil.exclusion > sim.exclusion);
        assert!(turmoil.deregistration > sim.deregistration && turmoil.visibility > sim.visibility);
        assert!(turmoil.watch > sim.watch && turmoil.dead_watch > sim.dead_watch);
        assert!(turmoil.recovery > sim.recovery && turmoil.cache > sim.cache);
        assert_eq!((turmoil.load, turmoil.mass, turmoil.envelope), (sim.load, sim.mass, sim.envelope));
    }

    #[test]
    fn a_run_settles_for_as_long_as_its_engine_needs() {
        let auto = scenario("");
        let settle = |scenario: &Scenario, engine| scenario.plan_for(engine, 1).phases.settle;
        let more = auto.bounds(Engine::Turmoil).regrant - auto.bounds(Engine::Sim).regrant;
        assert_eq!(settle(&auto, Engine::Turmoil) - settle(&auto, Engine::Sim), more.scale(2, 1));
        let given = scenario("[phases]\nsettle = \"70s\"");
        assert_eq!(settle(&given, Engine::Turmoil), Span::from_secs(70));
    }
}
