use leasehold_core::clock::ClockKind;
use leasehold_core::id::NodeId;
use leasehold_core::node::Purpose;
use leasehold_core::noise::NoiseKey;
use leasehold_core::plan::{
    Action, Burst, Chance, Condition, Cut, FaultPlan, Group, Latency, NetworkPlan, NodePlan, Phases, Pick,
    Plan, Role, Scope, Target, Trigger, Worsening,
};
use leasehold_core::time::{Drift, RateError, Span};
use proptest::prelude::*;

use super::*;
use crate::case::Setting;

fn s(seconds: u64) -> SimInstant {
    SimInstant::START + Span::from_secs(seconds)
}

fn node(name: &str, role: Role) -> NodePlan {
    NodePlan {
        name: name.to_owned(),
        role,
        relies_on: ClockKind::Boot,
        rate: RateError::from_ppb(-499_321).unwrap(),
        wall_offset: 123_456_789,
        disk: Latency::Uniform { min: Span::from_millis(1), max: Span::from_millis(3) },
        starts: Span::from_micros(12_345),
    }
}

/// A grantor, three contenders and a resource, in a noisy world.
fn plan(faults: Vec<FaultPlan>) -> Plan {
    let contenders = ["holder-1", "holder-2", "holder-3"].map(|name| node(name, Role::Contender));
    let mut nodes = vec![node("grantor", Role::Grantor)];
    nodes.extend(contenders);
    nodes.push(node("resource", Role::Resource));
    let (median, p99, max) = (Span::from_millis(2), Span::from_millis(20), Span::from_millis(200));
    Plan {
        nodes,
        network: NetworkPlan {
            latency: Latency::LogNormal { median, p99, max },
            loss: Chance::from_ppm(1_000).unwrap(),
            duplicate: Chance::from_ppm(500).unwrap(),
            burst: Some(Burst {
                good: Span::from_secs(5),
                bad: Span::from_millis(200),
                loss: Chance::ALWAYS,
            }),
        },
        noise: NoiseKey(0x5eed),
        faults,
        phases: Phases { chaos: Span::from_secs(60), settle: Span::from_secs(30) },
        clock_rate: Drift::from_ppb(500_000).unwrap(),
        receive_buffer: 256,
    }
}

fn fault(action: Action) -> impl Strategy<Value = FaultPlan> {
    let trigger = prop_oneof![
        (0_u64..60_000_000_000).prop_map(|at| Trigger::At(SimInstant::from_nanos(at))),
        (0_u64..60_000_000_000).prop_map(|from| Trigger::When {
            condition: Condition::ExpiryWithin { left: Span::from_millis(1_234) },
            from: SimInstant::from_nanos(from),
        }),
        Just(Trigger::when(Condition::GrantInFlight)),
    ];
    let target = prop_oneof![
        (1_u16..4).prop_map(|id| Target::Node(NodeId(id))),
        Just(Target::Holder),
        Just(Target::one_of(Role::Contender)),
        Just(Target::Drawn { pick: Pick::Majority, from: Group::Role(Role::Contender) }),
    ];
    let lasts = proptest::option::of((1_u64..40_000_000_000).prop_map(Span::from_nanos));
    let cut = prop_oneof![(0_u16..4).prop_map(Cut::After), Just(Cut::BeforeSend(Purpose::Write))];
    (trigger, target, lasts, cut).prop_map(move |(trigger, target, lasts, cut)| FaultPlan {
        trigger,
        target,
        action,
        lasts,
        cut,
    })
}

fn any_fault() -> impl Strategy<Value = FaultPlan> {
    let worse = Worsening {
        delay: Span::from_nanos(123_456_789),
        loss: Chance::from_ppm(123_456).unwrap(),
        burst: Some(Burst { good: Span::from_secs(1), bad: Span::from_secs(1), loss: Chance::ALWAYS }),
        ..Worsening::NONE
    };
    let grantor = Target::one_of(Role::Grantor);
    let actions = [
        Action::Pause,
        Action::Crash,
        Action::Stall,
        Action::WallStep(-7_654_321),
        Action::WallStrobe { by: 1_234_567, every: Span::from_micros(98_765) },
        Action::ClockRate(RateError::from_ppb(54_321).unwrap()),
        Action::Throttle { step: Span::from_micros(98_765) },
        Action::Partition(Scope::Isolate),
        Action::Partition(Scope::Bridge),
        Action::Hold(Scope::Majority),
        Action::Clog(Scope::Between(grantor)),
        Action::Link { scope: Scope::OneWay(grantor), worse },
    ];
    proptest::sample::select(actions.to_vec()).prop_flat_map(fault)
}

fn case(faults: Vec<FaultPlan>) -> Case {
    let setting = |key: &str, value: &str| Setting { key: key.to_owned(), value: Some(value.to_owned()) };
    let settings = vec![
        setting("lease.ttl", "\"1s\""),
        setting("lease.sweep", "\"7ms\""),
        setting("work.kind", "\"leader\""),
    ];
    Case { settings, plan: plan(faults) }
}

/// The smallest case, and how many proposals it took.
fn shrunk(case: Case, facts: Facts, mut fails: impl FnMut(&Case) -> bool) -> (Case, u64) {
    assert!(fails(&case), "a case that fails is shrunk");
    let mut shrinker = Shrinker::new(case, facts);
    let mut runs = 0;
    while let Some(proposal) = shrinker.propose() {
        runs += 1;
        assert!(runs < 20_000, "it ends");
        if fails(&proposal) {
            let _ = shrinker.accept(proposal, None);
        } else {
            shrinker.reject();
        }
    }
    (shrinker.best().clone(), runs)
}

/// How many faults there are of a kind that the oracle asks for.
fn count(case: &Case, is_it: impl Fn(&FaultPlan) -> bool) -> usize {
    case.plan.faults.iter().filter(|fault| is_it(fault)).count()
}

#[test]
fn two_of_many_faults_are_left_in_their_simplest_form() {
    let quick = Span::from_nanos(123_456_789);
    let at = |ns| Trigger::At(SimInstant::from_nanos(ns));
    let one = |trigger, action, lasts| FaultPlan {
        trigger,
        target: Target::one_of(Role::Contender),
        action,
        lasts: Some(lasts),
        cut: Cut::After(3),
    };
    let mut faults: Vec<FaultPlan> =
        (0..12).map(|i| one(at(1_234_567_890 * (i + 1)), Action::Stall, quick)).collect();
    faults[4] = one(at(23_456_789_012), Action::Pause, Span::from_nanos(15_123_456_789));
    faults[9] = one(at(34_567_890_123), Action::Partition(Scope::Majority), quick);
    let facts = Facts {
        faults: faults
            .iter()
            .map(|_| FaultOutcome { fired: Some(s(1)), targets: vec![NodeId(3)], landed: Some(s(1)) })
            .collect(),
        failed_at: Some(SimInstant::from_nanos(41_234_567_890)),
    };
    let fails = |case: &Case| {
        let long = |fault: &FaultPlan| fault.lasts.is_some_and(|lasts| lasts >= Span::from_secs(10));
        count(case, |fault| fault.action == Action::Pause && long(fault)) == 1
            && count(case, |fault| matches!(fault.action, Action::Partition(_))) == 1
            && case.plan.phases.chaos > Span::from_secs(30)
    };
    let (small, runs) = shrunk(case(faults), facts, fails);
    assert!(runs < 150, "{runs}");
    let [pause, partition] = small.plan.faults.as_slice() else { panic!("{:?}", small.plan.faults) };
    assert_eq!(pause.lasts, Some(Span::from_secs(10)));
    assert_eq!((pause.target, pause.cut), (Target::Node(NodeId(1)), Cut::After(0)));
    let Action::Partition(Scope::OneWay(Target::Node(_))) = partition.action else { panic!("{partition:?}") };
    assert_eq!(small.settings, []);
    assert_eq!(small.plan.noise, NoiseKey(0));
    assert_eq!(small.plan.network.loss, Chance::NEVER);
    assert_eq!(small.plan.network.latency, Latency::Constant(Span::from_millis(2)));
    assert!(small.plan.nodes.iter().all(|node| node.rate == RateError::ZERO && node.starts.is_zero()));
    assert!(small.plan.phases.chaos <= Span::from_secs(42) && small.plan.phases.settle.is_zero());
}

#[test]
fn a_condition_becomes_the_instant_that_happened_and_a_draw_the_node_that_was_struck() {
    let faults = vec![FaultPlan {
        trigger: Trigger::when(Condition::GrantInFlight),
        target: Target::Holder,
        action: Action::Crash,
        lasts: None,
        cut: Cut::After(0),
    }];
    let fired = SimInstant::from_nanos(12_345_678_901);
    let outcome = FaultOutcome { fired: Some(fired), targets: vec![NodeId(2)], landed: Some(fired) };
    let facts = Facts { faults: vec![outcome], failed_at: Some(s(13)) };
    // Just after the grant, and not much later.
    let fails = |case: &Case| match case.plan.faults.as_slice() {
        [FaultPlan { trigger: Trigger::When { .. }, .. }] => {
            case.plan.phases.chaos > Span::from_millis(12_400)
        }
        [FaultPlan { trigger: Trigger::At(at), target: Target::Node(_), .. }] => {
            fired < *at && *at < fired + Span::from_millis(5)
        }
        _ => false,
    };
    let (small, _) = shrunk(case(faults), facts, fails);
    let at = SimInstant::from_nanos(12_350_000_000);
    assert_eq!(small.plan.faults[0].trigger, Trigger::At(at));
    assert_eq!(small.plan.faults[0].target, Target::Node(NodeId(1)));
}

#[test]
fn what_never_landed_and_what_came_too_late_go_first() {
    let fault = |seconds| FaultPlan {
        trigger: Trigger::At(s(seconds)),
        target: Target::Node(NodeId(1)),
        action: Action::Pause,
        lasts: None,
        cut: Cut::After(0),
    };
    let landed = |at| FaultOutcome { fired: Some(s(1)), targets: vec![NodeId(1)], landed: at };
    let facts = Facts {
        faults: vec![landed(None), landed(Some(s(2))), landed(Some(s(50))), FaultOutcome::default()],
        failed_at: Some(s(10)),
    };
    let mut shrinker = Shrinker::new(case([1, 2, 3, 4].map(fault).to_vec()), facts);
    assert_eq!(shrinker.propose().unwrap().plan.faults, [fault(2)]);
}

#[test]
fn counts_go_down_to_the_least_that_fails() {
    let holders = Count { key: "topology.holders".to_owned(), least: 1, current: 5 };
    let mut shrinker = Shrinker::new(case(vec![]), Facts::default()).with_counts(vec![holders]);
    let wanted = |case: &Case| {
        let setting = case.settings.iter().find(|setting| setting.key == "topology.holders");
        setting.is_none_or(|setting| {
            setting.value.as_deref().is_some_and(|value| value.parse::<u32>().unwrap() >= 2)
        })
    };
    while let Some(proposal) = shrinker.propose() {
        if wanted(&proposal) {
            let _ = shrinker.accept(proposal, None);
        } else {
            shrinker.reject();
        }
    }
    let settings = &shrinker.best().settings;
    assert_eq!(settings, &[Setting { key: "topology.holders".to_owned(), value: Some("2".to_owned()) }]);
}

#[test]
fn a_value_that_was_drawn_and_stands_in_the_scenario_by_now_is_taken_out_of_it() {
    let explicit = Case { settings: vec![], ..case(vec![]) };
    let mut shrinker = Shrinker::new(explicit, Facts::default()).with_drawn(&["lease.ttl".to_owned()]);
    let mut taken_out = Vec::new();
    while let Some(proposal) = shrinker.propose() {
        taken_out.extend(proposal.settings);
        shrinker.reject();
    }
    assert_eq!(taken_out, [Setting { key: "lease.ttl".to_owned(), value: None }]);
}

proptest! {
    /// Whatever it is told, it ends, proposes nothing twice, and nothing that no file could hold.
    #[test]
    fn it_ends_whatever_the_oracle_says(faults in proptest::collection::vec(any_fault(), 0..8), answers: u64) {
        let mut answers = NoiseKey(answers).draws(leasehold_core::noise::Use::Node, NodeId(0), NodeId(0), s(0), 0);
        let mut seen = BTreeSet::new();
        let mut shrinker = Shrinker::new(case(faults), Facts::default());
        let mut runs = 0;
        while let Some(proposal) = shrinker.propose() {
            runs += 1;
            prop_assert!(runs < 20_000);
            prop_assert!(seen.insert(format!("{proposal:?}")), "proposed twice");
            prop_assert!(legal::is_expressible(&proposal.plan));
            if answers.chance(200_000) { let _ = shrinker.accept(proposal, None); } else { shrinker.reject(); }
        }
    }

    /// Some faults must be there, at least so long: they are what is left.
    #[test]
    fn what_is_left_is_minimal(
        faults in proptest::collection::vec(any_fault(), 1..12),
        needed in proptest::collection::btree_set(0_usize..12, 0..4),
    ) {
        // Marks a fault by its action and its duration.
        let mut faults = faults;
        for (place, fault) in faults.iter_mut().enumerate() {
            fault.action = Action::Throttle { step: Span::from_secs(place as u64 + 1) };
            fault.lasts = fault.lasts.or(Some(Span::from_secs(9)));
        }
        let marks: Vec<(u64, Span)> = needed
            .iter()
            .filter_map(|place| faults.get(*place).map(|fault| (*place as u64 + 1, fault.lasts.unwrap().scale(1, 3))))
            .collect();
        let fails = |case: &Case| {
            marks.iter().all(|(step, least)| {
                count(case, |fault| {
                    fault.action == Action::Throttle { step: Span::from_secs(*step) } && fault.lasts.unwrap() >= *least
                }) > 0
            })
        };
        let before = case(faults);
        let (small, _) = shrunk(before.clone(), Facts::default(), fails);
        prop_assert_eq!(small.plan.faults.len(), marks.len());
        for place in 0..small.plan.faults.len() {
            let mut without = small.clone();
            without.plan.faults.remove(place);
            prop_assert!(!fails(&without), "1-minimal");
        }
        // A third was needed, so less than all of it is left.
        for (step, least) in &marks {
            let is_marked = |fault: &&FaultPlan| fault.action == Action::Throttle { step: Span::from_secs(*step) };
            let fault = small.plan.faults.iter().find(is_marked).expect("it is needed");
            let most = (least.as_nanos() * 2).max(4_000_000);
            prop_assert!(fault.lasts.unwrap().as_nanos() <= most, "{:?} {:?}", fault.lasts, least);
        }
    }
}

#[test]
fn what_is_expected_of_a_random_run_stays() {
    let setting = |key: &str| Setting { key: key.to_owned(), value: Some("1".to_owned()) };
    let settings = vec![setting("expect.hazard"), setting("network.loss")];
    let mut shrinker = Shrinker::new(Case { settings, plan: plan(vec![]) }, Facts::default())
        .with_drawn(&["expect.also".to_owned()]);
    while let Some(proposal) = shrinker.propose() {
        let _ = shrinker.accept(proposal, None);
    }
    assert_eq!(shrinker.best().settings, [setting("expect.hazard")]);
}

#[test]
fn a_case_that_is_not_smaller_when_realised_is_not_taken() {
    let setting = Setting { key: "network.loss".to_owned(), value: Some("1".to_owned()) };
    let first = Case { settings: vec![setting], plan: plan(vec![]) };
    let mut shrinker = Shrinker::new(first.clone(), Facts::default());
    shrinker.propose().expect("there is much to leave out");
    let mut larger = first.clone();
    larger.plan.phases.chaos = Span::from_secs(3_600);
    larger.plan.nodes.push(node("another", Role::Contender));
    assert_eq!(shrinker.accept(larger, None), Accepted::NotSmaller);
    assert_eq!(shrinker.best(), &first);
    let smaller = shrinker.propose().expect("there is more");
    assert_eq!(shrinker.accept(smaller.clone(), None), Accepted::Best);
    assert_eq!(shrinker.best(), &smaller);
}
