//! A trial written as a file is the same run when it is read again.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_core::noise::NoiseKey;
use leasehold_core::plan::{
    Action, Burst, Chance, Condition, Cut, FaultPlan, Group, Latency, NetworkPlan, Phases, Pick, Plan, Role,
    Scope, Target, Trigger, WatchFault, Worsening,
};
use leasehold_core::{CommandId, NodeId, Purpose, RateError, SimInstant, Span};
use leasehold_scenario::{
    Case, Engine, Faults, RegistrySystem, Scenario, SingleGrantor, Source, System, Trial, Variant,
};
use proptest::prelude::*;

const SYSTEMS: &[&dyn System] = &[&SingleGrantor, &RegistrySystem];

fn scenarios() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut paths: Vec<PathBuf> = ["holds", "breaks"]
        .into_iter()
        .flat_map(|folder| fs_err::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    paths
}

/// The trial of the file that another is written as.
fn again(trial: &Trial) -> Trial {
    let text = trial.to_toml();
    let source = Source::of_file(Path::new("plan.toml"), text.as_str());
    let scenario = Scenario::parse(source, SYSTEMS).unwrap_or_else(|error| panic!("{error}\n\n{text}"));
    assert!(scenario.is_explicit());
    Trial::new(&Arc::new(scenario), 0, Faults::Random, SYSTEMS)
}

fn assert_same(trial: &Trial) {
    let again = again(trial);
    assert_eq!(again.plan(), trial.plan(), "{}", trial.to_toml());
    let of = |trial: &Trial| {
        let header = trial.header(Engine::Sim);
        (header.nodes, header.faults, header.commands, header.bounds, header.invariants, header.reach)
    };
    assert_eq!(of(&again), of(trial));
    let written_again = again.to_toml();
    let below_the_origin = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(below_the_origin(&written_again), below_the_origin(&trial.to_toml()));
}

#[test]
fn the_file_of_a_trial_is_the_same_run() {
    for path in scenarios() {
        for variant in [Variant::AsWritten, Variant::Safe] {
            let source = Source::read(&path).unwrap().as_variant(variant);
            if variant == Variant::Safe && !source.text().contains("[safe") {
                continue;
            }
            let scenario = Arc::new(Scenario::parse(source, SYSTEMS).unwrap());
            let random = (7..=10).map(|seed| (seed, Faults::Random));
            let runs: Vec<(u64, Faults)> = std::iter::once((0, Faults::Scripted)).chain(random).collect();
            // A fleet of hundreds is only read as it was written: running it takes its time, and shows what the others show.
            let run = if scenario.deployment.nodes().len() > 200 { &runs[..0] } else { &runs[..] };
            for &(seed, faults) in &runs {
                let trial = Trial::new(&scenario, seed, faults, SYSTEMS);
                assert_same(&trial);
                if !run.contains(&(seed, faults)) {
                    continue;
                }
                let digest = |trial: &Trial| trial.run(Engine::Sim, &mut ()).digest;
                assert_eq!(digest(&again(&trial)), digest(&trial), "{} under {seed}", path.display());
            }
        }
    }
}

const OPEN: &str = r#"
schema = 1
name = "open"
summary = "Two of each."
[topology]
holders = 4
resources = 2
"#;

/// Somebody of every role that a registry's scenario can have together.
const FLEET: &str = r#"
schema = 1
name = "fleet"
summary = "Some of each."
system = "registry"
[registration]
sweep = "500ms"
[topology]
instances = 4
sidecars = 2
discovery = 3
followers = 2
"#;

fn fleet() -> Trial {
    let scenario = Scenario::parse(Source::from_text("fleet", FLEET), SYSTEMS).unwrap();
    Trial::new(&Arc::new(scenario), 3, Faults::Scripted, SYSTEMS)
}

const GRANTOR: NodeId = NodeId(0);
const CHAOS: u64 = 60_000_000_000;

fn open() -> Trial {
    let scenario = Scenario::parse(Source::from_text("open", OPEN), SYSTEMS).unwrap();
    Trial::new(&Arc::new(scenario), 3, Faults::Scripted, SYSTEMS)
}

fn span() -> impl Strategy<Value = Span> {
    (1..CHAOS, 0..32_u32).prop_map(|(nanos, shift)| Span::from_nanos((nanos >> shift).max(1)))
}

fn chance() -> impl Strategy<Value = Chance> {
    (0..=1_000_000_u32).prop_map(|ppm| Chance::from_ppm(ppm).unwrap())
}

fn burst() -> impl Strategy<Value = Option<Burst>> {
    let length = || (1_000_000..CHAOS).prop_map(Span::from_nanos);
    let loss = (1..=1_000_000_u32).prop_map(|ppm| Chance::from_ppm(ppm).unwrap());
    proptest::option::of((length(), length(), loss).prop_map(|(good, bad, loss)| Burst { good, bad, loss }))
}

fn node() -> impl Strategy<Value = NodeId> {
    (0..7_u16).prop_map(NodeId)
}

/// Those that a peer can be. The grantor has the name of its role, so that no file means the role by it.
fn peer() -> impl Strategy<Value = Target> {
    prop_oneof![
        node().prop_map(Target::Node),
        Just(Target::Holder),
        Just(Target::ExHolder),
        Just(Target::one_of(Role::Contender)),
        Just(Target::one_of(Role::Resource)),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    let picks = prop_oneof![
        Just(Pick::One),
        Just(Pick::Minority),
        Just(Pick::Majority),
        Just(Pick::All),
        (1..=4_u16).prop_map(Pick::Random),
    ];
    let groups = prop_oneof![Just(Group::Role(Role::Contender)), Just(Group::Everybody)];
    prop_oneof![peer(), (picks, groups).prop_map(|(pick, from)| Target::Drawn { pick, from })]
}

/// Targets and scopes that a file allows together.
fn links() -> impl Strategy<Value = (Target, Scope)> {
    let everybody = Target::Drawn { pick: Pick::All, from: Group::Everybody };
    let few = prop_oneof![
        node().prop_map(Target::Node),
        Just(Target::Holder),
        Just(Target::Drawn { pick: Pick::Random(2), from: Group::Role(Role::Contender) }),
        Just(Target::Drawn { pick: Pick::Minority, from: Group::Everybody }),
    ];
    let scope = prop_oneof![Just(Scope::Isolate), Just(Scope::Majority), Just(Scope::Bridge)];
    let with_peer = (1..7_u16, any::<bool>()).prop_map(|(on, one_way)| {
        let peer = Target::Node(GRANTOR);
        (Target::Node(NodeId(on)), if one_way { Scope::OneWay(peer) } else { Scope::Between(peer) })
    });
    let with_role = prop_oneof![
        Just((Target::Node(GRANTOR), Scope::Between(Target::Holder))),
        Just((Target::Holder, Scope::OneWay(Target::one_of(Role::Contender)))),
        Just((Target::ExHolder, Scope::OneWay(Target::one_of(Role::Resource)))),
    ];
    prop_oneof![(few, scope), with_peer, with_role, Just((everybody, Scope::Ring))]
}

fn worsening() -> impl Strategy<Value = Worsening> {
    let maybe = || prop_oneof![Just(Span::ZERO), span()];
    (maybe(), chance(), chance(), maybe(), maybe(), burst())
        .prop_map(|(delay, loss, duplicate, reorder, slow, burst)| Worsening {
            delay,
            loss,
            duplicate,
            reorder,
            slow,
            burst,
        })
        .prop_filter("a link gets worse", |worse| *worse != Worsening::NONE)
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let instant = || (0..CHAOS).prop_map(|nanos| SimInstant::START + Span::from_nanos(nanos));
    let condition = prop_oneof![
        (1..=100_u8).prop_map(|percent| Condition::TtlRemainingBelow { percent }),
        Just(Condition::GrantInFlight),
        Just(Condition::RenewalInFlight),
        span().prop_map(|left| Condition::ExpiryWithin { left }),
        Just(Condition::AfterTakeover),
        Just(Condition::EndOrdered),
    ];
    let from = prop_oneof![Just(SimInstant::START), instant()];
    prop_oneof![
        instant().prop_map(Trigger::At),
        (condition, from).prop_map(|(condition, from)| Trigger::When { condition, from }),
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        Just(Cut::After(0)),
        Just(Cut::Now),
        any::<u16>().prop_map(Cut::After),
        proptest::sample::select(Purpose::ALL.to_vec()).prop_map(Cut::BeforeSend),
    ]
}

fn rate() -> impl Strategy<Value = RateError> {
    (-900_000_000..=1_000_000_000_i64).prop_map(|ppb| RateError::from_ppb(ppb).unwrap())
}

fn jump() -> impl Strategy<Value = i64> {
    any::<i32>().prop_filter("a step", |by| *by != 0).prop_map(|by| i64::from(by) * 1_001)
}

/// Around a lease.
fn strike() -> impl Strategy<Value = Strike> {
    let whole = Cut::After(0);
    let told = prop_oneof![
        Just((Target::Holder, Action::Command(CommandId(0)), whole, false)),
        Just((Target::Node(GRANTOR), Action::Command(CommandId(1)), whole, false)),
    ];
    prop_oneof![4 => strike_on(&target().boxed(), links().boxed()), 1 => told]
}

/// Who is struck by what, with a cut where it means something, and whether it lasts.
type Strike = (Target, Action, Cut, bool);

/// What can be done to nodes and links of any system.
fn strike_on(
    target: &BoxedStrategy<Target>,
    links: BoxedStrategy<(Target, Scope)>,
) -> impl Strategy<Value = Strike> + use<> {
    let target = target.clone();
    let target = move || target.clone();
    let whole = Cut::After(0);
    let on_links = (links, 0..4_u8, worsening()).prop_map(move |((on, scope), which, worse)| {
        let action = match which {
            0 => Action::Partition(scope),
            1 => Action::Clog(scope),
            2 => Action::Hold(scope),
            _ => Action::Link { scope, worse },
        };
        (on, action, whole, true)
    });
    let cuttable = [Action::Pause, Action::Suspend, Action::Crash, Action::Torn, Action::Wipe];
    let on_process = (target(), proptest::sample::select(cuttable.to_vec()), cut())
        .prop_map(|(on, action, cut)| (on, action, cut, true));
    let lasting = prop_oneof![
        Just(Action::Swizzle),
        Just(Action::Stall),
        Just(Action::ClockFreeze),
        span().prop_map(|step| Action::Throttle { step }),
        rate().prop_map(Action::ClockRate),
        (jump(), 1_000_000..CHAOS)
            .prop_map(|(by, every)| Action::WallStrobe { by, every: Span::from_nanos(every) }),
    ];
    let on_host = (target(), lasting).prop_map(move |(on, action)| (on, action, whole, true));
    let at_once = prop_oneof![Just(Action::Restart), jump().prop_map(Action::WallStep)];
    let at_once = (target(), at_once).prop_map(move |(on, action)| (on, action, whole, false));
    prop_oneof![on_links, on_process, on_host, at_once]
}

/// Nodes of the fleet, some of a role, or all. The registry has the name of its role.
fn of_fleet() -> impl Strategy<Value = Target> {
    let roles = [Role::Instance, Role::Discovery, Role::Follower, Role::Sidecar];
    let role = || proptest::sample::select(roles.to_vec());
    let groups = prop_oneof![role().prop_map(Group::Role), Just(Group::Everybody)];
    let picks = prop_oneof![Just(Pick::All), Just(Pick::Majority), (1..=2_u16).prop_map(Pick::Random)];
    prop_oneof![
        (0..12_u16).prop_map(|node| Target::Node(NodeId(node))),
        Just(Target::Holder),
        Just(Target::ExHolder),
        role().prop_map(Target::one_of),
        (picks, groups).prop_map(|(pick, from)| Target::Drawn { pick, from }),
    ]
}

fn links_of_fleet() -> impl Strategy<Value = (Target, Scope)> {
    let registry = Target::Node(NodeId(0));
    let with_registry = (1..12_u16, any::<bool>()).prop_map(move |(on, one_way)| {
        let scope = if one_way { Scope::OneWay(registry) } else { Scope::Between(registry) };
        (Target::Node(NodeId(on)), scope)
    });
    prop_oneof![
        with_registry,
        Just((registry, Scope::Between(Target::one_of(Role::Discovery)))),
        Just((Target::one_of(Role::Discovery), Scope::OneWay(Target::one_of(Role::Follower)))),
        Just((Target::one_of(Role::Instance), Scope::Between(Target::one_of(Role::Sidecar)))),
        Just((Target::Drawn { pick: Pick::Minority, from: Group::Role(Role::Instance) }, Scope::Isolate)),
        Just((Target::Drawn { pick: Pick::All, from: Group::Everybody }, Scope::Ring)),
    ]
}

/// Around a registry: watches are lost, and commands are for those who take them, some of them for a while.
fn strike_on_fleet() -> impl Strategy<Value = Strike> {
    let whole = Cut::After(0);
    let watchers = prop_oneof![
        Just(Target::one_of(Role::Discovery)),
        Just(Target::one_of(Role::Follower)),
        Just(Target::Drawn { pick: Pick::Majority, from: Group::Role(Role::Discovery) }),
        Just(Target::Drawn { pick: Pick::All, from: Group::Role(Role::Follower) }),
    ];
    let faults = [WatchFault::Drop, WatchFault::Stall, WatchFault::Gap].map(Action::Watch);
    let watches = (watchers, proptest::sample::select(faults.to_vec()))
        .prop_map(move |(on, action)| (on, action, whole, true));
    let trial = fleet();
    let told: Vec<Strike> = (0..)
        .zip(trial.scenario().deployment.commands())
        .map(|(id, command)| {
            let on = match command.role {
                Role::Registry => Target::Node(NodeId(0)),
                role => Target::Drawn { pick: Pick::All, from: Group::Role(role) },
            };
            (on, Action::Command(CommandId(id)), whole, command.undo.is_some())
        })
        .collect();
    assert!(told.iter().any(|(.., lasts)| *lasts) && told.iter().any(|(.., lasts)| !lasts));
    prop_oneof![
        2 => strike_on(&of_fleet().boxed(), links_of_fleet().boxed()),
        1 => watches,
        1 => proptest::sample::select(told),
    ]
}

fn fault(strike: BoxedStrategy<Strike>) -> impl Strategy<Value = FaultPlan> {
    (trigger(), strike, proptest::option::of(span())).prop_map(
        |(trigger, (target, action, cut, has_length), lasts)| {
            let lasts = lasts.filter(|_| has_length);
            FaultPlan { trigger, target, action, lasts, cut }
        },
    )
}

fn latency() -> impl Strategy<Value = Latency> {
    let below = |most: u64| (1..most).prop_map(Span::from_nanos);
    prop_oneof![
        below(900_000_000).prop_map(Latency::Constant),
        (below(100_000_000), below(900_000_000))
            .prop_map(|(min, more)| Latency::Uniform { min, max: min + more }),
        (below(10_000_000), below(100_000_000), below(800_000_000)).prop_map(|(median, more, most)| {
            Latency::LogNormal { median, p99: median + more, max: median + more + most }
        }),
        Just(Latency::LogNormal {
            median: Span::from_millis(2),
            p99: Span::from_millis(20),
            max: Span::from_micros(221_040),
        }),
    ]
}

prop_compose! {
    fn network()(latency in latency(), loss in chance(), duplicate in chance(), burst in burst()) -> NetworkPlan {
        NetworkPlan { latency, loss, duplicate, burst }
    }
}

/// What a seed decides about one node.
fn of_node() -> impl Strategy<Value = (RateError, i64, Span)> {
    prop_oneof![
        Just((RateError::ZERO, 0, Span::ZERO)),
        (rate(), jump(), prop_oneof![Just(Span::ZERO), span()]),
    ]
}

prop_compose! {
    fn plan(of: fn() -> Trial, strike: BoxedStrategy<Strike>)(
        faults in proptest::collection::vec(fault(strike), 0..6),
        network in proptest::option::of(network()),
        disk in proptest::option::of(latency()),
        noise in prop_oneof![Just(0), any::<u64>()],
        settle in span(),
        receive_buffer in 1..=65_536_u32,
        of_nodes in proptest::collection::vec(of_node(), of().plan().nodes.len()),
    ) -> Plan {
        let mut plan = of().plan().clone();
        plan.faults = faults;
        plan.noise = NoiseKey(noise);
        plan.phases = Phases { chaos: Span::from_nanos(CHAOS), settle };
        if let Some(network) = network {
            plan.network = network;
            plan.receive_buffer = receive_buffer;
        }
        for (node, (rate, wall_offset, starts)) in plan.nodes.iter_mut().zip(of_nodes) {
            (node.rate, node.wall_offset, node.starts) = (rate, wall_offset, starts);
            if let Some(disk) = disk {
                node.disk = disk;
            }
        }
        plan
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_a_file_can_say_is_read_as_it_was(plan in plan(open, strike().boxed())) {
        is_read_as_it_was(&open(), &plan)?;
    }

    #[test]
    fn so_it_is_around_a_registry(plan in plan(fleet, strike_on_fleet().boxed())) {
        is_read_as_it_was(&fleet(), &plan)?;
    }
}

fn is_read_as_it_was(trial: &Trial, plan: &Plan) -> Result<(), TestCaseError> {
    let case = Case { plan: plan.clone(), ..trial.case().clone() };
    let trial = trial.with(case, SYSTEMS).unwrap().unwrap();
    let again = again(&trial);
    prop_assert_eq!(again.plan(), plan, "{}", trial.to_toml());
    Ok(())
}

#[test]
fn what_a_plan_says_about_the_world_stays_when_it_says_more() {
    let of = |trial: &Trial, change: fn(&mut Plan)| {
        let mut case = trial.case().clone();
        change(&mut case.plan);
        trial.with(case, SYSTEMS).unwrap().unwrap()
    };
    let slow_disks = of(&open(), |plan| {
        plan.nodes.iter_mut().for_each(|node| node.disk = Latency::Constant(Span::from_millis(7)));
    });
    let both = of(&slow_disks, |plan| plan.network.latency = Latency::Constant(Span::from_millis(3)));
    assert_eq!(again(&both).plan(), both.plan());
}

/// Read it aloud: this is what somebody finds in a stored failure.
#[test]
fn a_plan_file_is_readable() {
    let trial = open();
    let mut plan = trial.plan().clone();
    plan.noise = NoiseKey(0x5f3c);
    for node in &mut plan.nodes {
        (node.rate, node.wall_offset, node.starts) = (RateError::ZERO, 0, Span::ZERO);
    }
    plan.nodes[1].starts = Span::from_micros(12_500);
    plan.nodes[2].rate = RateError::from_ppb(-500_000).unwrap();
    plan.nodes[2].wall_offset = -3_000_000_000;
    plan.network.latency = Latency::Constant(Span::from_millis(2));
    plan.faults = vec![FaultPlan {
        trigger: Trigger::when(Condition::TtlRemainingBelow { percent: 70 }),
        target: Target::Holder,
        action: Action::Pause,
        lasts: Some(Span::from_secs(15)),
        cut: Cut::BeforeSend(Purpose::Write),
    }];
    let trial = trial.with(Case { settings: Vec::new(), plan }, SYSTEMS).unwrap().unwrap();
    expect_test::expect![[r##"
        # The run of open under seed 3. Nothing is left to the seed any more.
        schema = 1
        summary = "Two of each."

        [topology]
        holders = 4
        resources = 2

        [network]
        latency = "2ms"

        [phases]
        chaos = "60s"
        settle = "49.81183521s"

        [plan]
        noise = "0x5f3c"

        [plan.starts]
        holder-1 = "12.5ms"

        [clocks.holder-2]
        rate = "-500ppm"
        wall_offset = "-3s"

        # pause holder before its next write for 15s, when ttl_remaining < 70%
        [[fault]]
        when = "ttl_remaining < 70%"
        on = "holder"
        do = "pause"
        before = "write"
        for = "15s"
    "##]]
    .assert_eq(&trial.to_toml());
}
