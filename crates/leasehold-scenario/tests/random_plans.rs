//! Whatever goes wrong, the shipped system with its safe defaults violates nothing.
//!
//! Random plans: any world that a scenario file can describe, and any faults at all, also such as no file can
//! ask for. Hazards are fine; a violation is a bug of the protocol, of the engine, of a checker or of a bound.
//! For a longer look: `PROPTEST_CASES=20000 cargo test --release -p leasehold-scenario --test random_plans`.

use leasehold_core::plan::{
    Action, Burst, Chance, Condition, Cut, FaultPlan, Group, Pick, Role, Scope, Target, Trigger, Worsening,
};
use leasehold_core::{CommandId, NodeId, Purpose, RateError, RunEnd, SimInstant, Span};
use leasehold_scenario::{Engine, Report, Scenario, SingleGrantor, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const LONGEST_CHAOS_MILLIS: u64 = 40_000;

/// The longest that a fault lasts, if it has an end of its own.
const LONGEST_FAULT_MILLIS: u64 = 30_000;

/// The world of a run, in the units of its tables.
#[derive(Clone, Debug)]
struct World {
    ttl_millis: u64,
    renew: &'static str,
    sweep_millis: Option<u64>,
    holders: u16,
    resources: u16,
    poll_millis: u64,
    work_millis: u64,
    grantor_clock: &'static str,
    holder_clock: &'static str,
    latency: String,
    loss_percent: u32,
    duplicate_percent: u32,
    receive_buffer: u32,
    disk: String,
    bound_ppm: u32,
    chaos: Span,
}

impl World {
    fn nodes(&self) -> u16 {
        1 + self.holders + self.resources
    }

    fn text(&self) -> String {
        let Self { ttl_millis, renew, holders, resources, poll_millis, work_millis, .. } = self;
        let Self { grantor_clock, holder_clock, latency, loss_percent, duplicate_percent, .. } = self;
        let Self { receive_buffer, disk, bound_ppm, chaos, .. } = self;
        let sweep = self.sweep_millis.map_or_else(String::new, |every| format!("sweep = \"{every}ms\""));
        format!(
            r#"
                schema = 1
                name = "random"
                summary = "Whatever goes wrong."

                [lease]
                ttl = "{ttl_millis}ms"
                renew = "{renew}"
                {sweep}

                [grantor]
                clock = "{grantor_clock}"

                [holder]
                clock = "{holder_clock}"
                poll = "{poll_millis}ms"

                [work]
                every = "{work_millis}ms"

                [topology]
                holders = {holders}
                resources = {resources}

                [bounds]
                clock_rate = "{bound_ppm}ppm"

                [network]
                latency = {latency}
                loss = "{loss_percent}%"
                duplicate = "{duplicate_percent}%"
                receive_buffer = {receive_buffer}

                [disk]
                latency = {disk}

                [phases]
                chaos = "{chaos}"
            "#
        )
    }
}

/// Lengths of all magnitudes: as many around a millisecond as around the longest.
fn millis(longest: u64) -> impl Strategy<Value = Span> {
    let magnitudes = u64::BITS - longest.leading_zeros();
    (0..magnitudes, any::<u64>()).prop_map(move |(magnitude, draw)| {
        let low = 1 << magnitude;
        Span::from_millis((low + draw % low).min(longest))
    })
}

fn latency(longest_millis: u64) -> impl Strategy<Value = String> {
    prop_oneof![
        (0..=longest_millis).prop_map(|millis| format!("\"{millis}ms\"")),
        (0..=longest_millis, 0..=longest_millis).prop_map(|(a, b)| format!(
            "{{ min = \"{}ms\", max = \"{}ms\" }}",
            a.min(b),
            a.max(b)
        )),
        // The end keeps two of the longest delays below the shortest term.
        (1..=longest_millis / 4, 2..6_u64).prop_map(move |(median, spread)| format!(
            "{{ median = \"{median}ms\", p99 = \"{}ms\", max = \"{}ms\" }}",
            median * spread,
            median * spread + longest_millis
        )),
    ]
}

prop_compose! {
    fn world()(
        ttl_millis in prop_oneof![1_000..=1_500_u64, 1_000..=20_000_u64],
        renew in select(vec!["ttl/2", "ttl/3", "ttl/10"]),
        sweep_millis in proptest::option::of(1..=2_000_u64),
        (holders, resources) in (1..=5_u16).prop_flat_map(|holders| (Just(holders), 1..=holders.min(2))),
        poll_millis in 100..=5_000_u64,
        work_millis in select(vec![20_u64, 50, 200, 1_000]),
        grantor_clock in select(vec!["boot", "monotonic"]),
        holder_clock in select(vec!["boot", "monotonic"]),
        latency in prop_oneof![latency(20), latency(200)],
        (loss_percent, duplicate_percent) in (0..=20_u32, 0..=20_u32),
        receive_buffer in select(vec![1, 4, 256]),
        disk in latency(200),
        bound_ppm in prop_oneof![Just(0), 0..=50_000_u32, Just(50_000)],
        chaos in millis(LONGEST_CHAOS_MILLIS),
    ) -> World {
        World {
            ttl_millis,
            renew,
            sweep_millis,
            holders,
            resources,
            poll_millis,
            work_millis,
            grantor_clock,
            holder_clock,
            latency,
            loss_percent,
            duplicate_percent,
            receive_buffer,
            disk,
            bound_ppm,
            chaos,
        }
    }
}

fn target(nodes: u16) -> impl Strategy<Value = Target> {
    let role = || select(vec![Role::Grantor, Role::Contender, Role::Resource]);
    let group = prop_oneof![3 => role().prop_map(Group::Role), 1 => Just(Group::Everybody)];
    let pick = prop_oneof![
        Just(Pick::Minority),
        Just(Pick::Majority),
        Just(Pick::All),
        (1..=nodes).prop_map(Pick::Random),
    ];
    prop_oneof![
        3 => (0..nodes).prop_map(|node| Target::Node(NodeId(node))),
        3 => Just(Target::Holder),
        1 => Just(Target::ExHolder),
        3 => role().prop_map(Target::one_of),
        2 => (pick, group).prop_map(|(pick, from)| Target::Drawn { pick, from }),
    ]
}

fn chance() -> impl Strategy<Value = Chance> {
    let ppm = prop_oneof![Just(0), 0..=1_000_000_u32, Just(1_000_000)];
    ppm.prop_map(|ppm| Chance::from_ppm(ppm).expect("at most one"))
}

fn rate(bound_ppm: u32) -> impl Strategy<Value = RateError> {
    let bound = i64::from(bound_ppm) * 1_000;
    let ppb =
        prop_oneof![select(vec![-bound, bound]), -bound..=bound, RateError::MIN.as_ppb()..=2_000_000_000,];
    ppb.prop_map(|ppb| RateError::from_ppb(ppb).expect("in range"))
}

fn scope(nodes: u16) -> impl Strategy<Value = Scope> {
    prop_oneof![
        2 => Just(Scope::Isolate),
        2 => target(nodes).prop_map(Scope::Between),
        2 => target(nodes).prop_map(Scope::OneWay),
        1 => select(vec![Scope::Majority, Scope::Ring, Scope::Bridge]),
    ]
}

fn burst() -> impl Strategy<Value = Option<Burst>> {
    let burst = (millis(10_000), millis(10_000), chance());
    proptest::option::of(burst.prop_map(|(good, bad, loss)| Burst { good, bad, loss }))
}

fn worsening() -> impl Strategy<Value = Worsening> {
    let no_span = || prop_oneof![Just(Span::ZERO), millis(LONGEST_FAULT_MILLIS)];
    let slow = prop_oneof![Just(Span::ZERO), millis(1_000)];
    (no_span(), chance(), chance(), no_span(), slow, burst()).prop_map(
        |(delay, loss, duplicate, reorder, slow, burst)| Worsening {
            delay,
            loss,
            duplicate,
            reorder,
            slow,
            burst,
        },
    )
}

fn link_action(nodes: u16) -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => scope(nodes).prop_map(Action::Partition),
        3 => (scope(nodes), worsening()).prop_map(|(scope, worse)| Action::Link { scope, worse }),
        1 => scope(nodes).prop_map(Action::Clog),
        1 => scope(nodes).prop_map(Action::Hold),
        1 => Just(Action::Swizzle),
    ]
}

fn action(nodes: u16, bound_ppm: u32) -> impl Strategy<Value = Action> {
    let offset = || -3_600_000_000_000..=3_600_000_000_000_i64;
    prop_oneof![
        5 => link_action(nodes),
        2 => Just(Action::Pause),
        1 => Just(Action::Suspend),
        1 => millis(1_000).prop_map(|step| Action::Throttle { step }),
        1 => Just(Action::Stall),
        2 => Just(Action::Crash),
        1 => Just(Action::Torn),
        1 => Just(Action::Wipe),
        2 => Just(Action::Restart),
        1 => rate(bound_ppm).prop_map(Action::ClockRate),
        1 => Just(Action::ClockFreeze),
        1 => offset().prop_map(Action::WallStep),
        1 => (offset(), millis(10_000)).prop_map(|(by, every)| Action::WallStrobe { by, every }),
        1 => Just(Action::Command(CommandId(0))),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        3 => (1..=100_u8).prop_map(|percent| Condition::TtlRemainingBelow { percent }),
        1 => millis(20_000).prop_map(|left| Condition::ExpiryWithin { left }),
        1 => select(vec![Condition::GrantInFlight, Condition::RenewalInFlight, Condition::AfterTakeover]),
    ]
}

/// An instant in the chaos: anywhere, shortly after the instant that the faults of a plan have in common, or
/// shortly before the end.
fn instant(chaos: Span, focus: Span) -> impl Strategy<Value = SimInstant> {
    let last = chaos.saturating_sub(Span::from_nanos(1));
    let anywhere = (0..chaos.as_nanos()).prop_map(Span::from_nanos);
    let after_focus = millis(4_000).prop_map(move |after| focus.saturating_add(after).min(last));
    let before_end = millis(4_000).prop_map(move |before| last.saturating_sub(before));
    prop_oneof![anywhere, after_focus, before_end].prop_map(|span| SimInstant::START + span)
}

fn fault(nodes: u16, bound_ppm: u32, chaos: Span, focus: Span) -> BoxedStrategy<FaultPlan> {
    let trigger = prop_oneof![
        3 => instant(chaos, focus).prop_map(Trigger::At),
        1 => condition().prop_map(Trigger::when),
        1 => (condition(), instant(chaos, focus))
            .prop_map(|(condition, from)| Trigger::When { condition, from }),
    ];
    let lasts = prop_oneof![4 => millis(LONGEST_FAULT_MILLIS).prop_map(Some), 1 => Just(None)];
    let cut = prop_oneof![
        (0..=6_u16).prop_map(Cut::After),
        select(Purpose::ALL.to_vec()).prop_map(Cut::BeforeSend),
    ];
    let contender = prop_oneof![
        1 => Just(Target::Holder),
        1 => Just(Target::Drawn { pick: Pick::All, from: Group::Role(Role::Contender) }),
    ];
    (trigger, target(nodes), contender, action(nodes, bound_ppm), lasts, cut)
        .prop_map(|(trigger, target, contender, action, lasts, cut)| {
            // What a slow grantor, a stalled and a lost disk excuse is not yet known to the checkers.
            let target = match action {
                Action::Throttle { .. } | Action::Wipe => contender,
                Action::Stall => Target::one_of(Role::Resource),
                _ => target,
            };
            FaultPlan { trigger, target, action, lasts, cut }
        })
        .boxed()
}

fn world_and_faults() -> impl Strategy<Value = (World, Option<Burst>, Vec<FaultPlan>)> {
    let world_and_focus = world().prop_flat_map(|world| {
        let focus = (0..world.chaos.as_nanos()).prop_map(Span::from_nanos);
        (Just(world), focus)
    });
    world_and_focus.prop_flat_map(|(world, focus)| {
        let fault = fault(world.nodes(), world.bound_ppm, world.chaos, focus);
        let few_or_many = prop_oneof![3 => vec(fault.clone(), 0..=8), 1 => vec(fault, 0..=24)];
        (Just(world), burst(), few_or_many)
    })
}

fn scenario(world: &World, burst: Option<Burst>, faults: Vec<FaultPlan>) -> Scenario {
    let source = Source::from_text("random.toml", world.text());
    let mut scenario = Scenario::parse(source, &[&SingleGrantor]).unwrap_or_else(|error| panic!("{error}"));
    scenario.template.network.burst = burst;
    scenario.template.faults = faults;
    scenario
}

fn run(scenario: &Scenario, seed: u64) -> Report {
    scenario.run(seed, Engine::Sim, &mut ())
}

proptest! {
    // A failure shows its plan, so nothing is written beside the sources; shrinking takes at most some seconds.
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_violated_whatever_goes_wrong((world, burst, faults) in world_and_faults(), seed: u64) {
        let scenario = scenario(&world, burst, faults);
        let report = run(&scenario, seed);
        prop_assert_eq!(&report.outcome.end, &RunEnd::Completed);
        let violations = report.judgement.violations();
        prop_assert!(
            violations.is_empty(),
            "{violations:#?}\n{}\n{:#?}",
            world.text(),
            scenario.fault_descriptions(),
        );
        prop_assert_eq!(report.digest, run(&scenario, seed).digest, "the same plan, twice");
    }
}
