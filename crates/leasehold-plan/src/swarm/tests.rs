//! What is drawn obeys the rules of scenario files, stays within its limits, and reaches every corner.

use std::collections::BTreeSet;

use leasehold_core::clock::ClockKind;
use leasehold_core::node::Purpose as About;
use leasehold_core::plan::{
    Action, Chance, Condition, Cut, FaultKind, FaultPlan, Group, Latency, NetworkPlan, Phases, Pick, Role,
    Scope, Target, Trigger, Worsening,
};
use leasehold_core::time::{Drift, RateError, SimInstant, Span};
use proptest::prelude::*;
use proptest::sample::select;

use super::Swarm;
use super::length::in_three_digits;
use crate::chaos::Chaos;
use crate::template::{
    CommandEffect, CommandTemplate, NodeTemplate, OffsetDraw, RateDraw, StartDraw, Template,
};

const TTL: Span = Span::from_secs(10);
const BOUND: u32 = 500_000;

/// What stands in the shipped system's scenarios, by default.
const FIVE: &[(&str, Role)] = &[
    ("grantor", Role::Grantor),
    ("holder-1", Role::Contender),
    ("holder-2", Role::Contender),
    ("holder-3", Role::Contender),
    ("resource", Role::Resource),
];

const TOPOLOGIES: [&[(&str, Role)]; 7] = [
    FIVE,
    &[("grantor", Role::Grantor), ("holder-1", Role::Contender), ("resource", Role::Resource)],
    &[("store", Role::Grantor), ("a", Role::Contender)],
    // Names of roles that nodes have.
    &[
        ("holder", Role::Contender),
        ("contender", Role::Contender),
        ("x", Role::Contender),
        ("grantor", Role::Grantor),
    ],
    &[("a", Role::Contender), ("b", Role::Contender), ("c", Role::Contender), ("d", Role::Contender)],
    &[
        ("g-1", Role::Grantor),
        ("g-2", Role::Grantor),
        ("g-3", Role::Grantor),
        ("resource", Role::Resource),
        ("r-2", Role::Resource),
        ("ex-holder", Role::Contender),
        ("h", Role::Contender),
        ("i", Role::Instance),
        ("d", Role::Discovery),
    ],
    &[("only", Role::Grantor)],
];

fn template(nodes: &[(&str, Role)]) -> Template {
    let node = |&(name, role): &(&str, Role)| NodeTemplate {
        name: name.to_owned(),
        role,
        relies_on: ClockKind::Boot,
        disk: Latency::Constant(Span::from_millis(1)),
        rate: RateDraw::Fixed(RateError::ZERO),
        wall_offset: OffsetDraw::Fixed(0),
        starts: StartDraw::Fixed(Span::ZERO),
    };
    Template {
        nodes: nodes.iter().map(node).collect(),
        network: NetworkPlan {
            latency: Latency::Constant(Span::from_millis(2)),
            loss: Chance::NEVER,
            duplicate: Chance::NEVER,
            burst: None,
        },
        faults: Vec::new(),
        spreads: Vec::new(),
        phases: Phases { chaos: Span::from_secs(60), settle: Span::from_secs(60) },
        clock_rate: Drift::from_ppb(BOUND).unwrap(),
        receive_buffer: 16,
        noise: None,
        chaos: Chaos { kinds: FaultKind::ALL.to_vec(), ..Chaos::default() },
        ttl: TTL,
        commands: vec![at_once(Role::Contender), at_once(Role::Grantor)],
    }
}

const fn at_once(role: Role) -> CommandTemplate {
    CommandTemplate { role, effect: CommandEffect::AtOnce }
}

/// A registry's commands, of which some last.
fn registry(nodes: &[(&str, Role)]) -> Template {
    let lasting = |role| CommandTemplate { role, effect: CommandEffect::Lasting };
    Template {
        commands: vec![
            at_once(Role::Instance),
            at_once(Role::Registry),
            lasting(Role::Registry),
            lasting(Role::Discovery),
        ],
        ..template(nodes)
    }
}

/// What stands in a registry's scenarios.
const REGISTRY: &[(&str, Role)] = &[
    ("registry", Role::Registry),
    ("follower-1", Role::Follower),
    ("instance-1", Role::Instance),
    ("instance-2", Role::Instance),
    ("instance-3", Role::Instance),
    ("observer-1", Role::Observer),
    ("discovery-1", Role::Discovery),
    ("discovery-2", Role::Discovery),
];

const REGISTRIES: [&[(&str, Role)]; 3] = [
    REGISTRY,
    &[("registry", Role::Registry), ("instance", Role::Instance)],
    // Names of roles that nodes have, and sidecars.
    &[
        ("r", Role::Registry),
        ("instance", Role::Instance),
        ("discovery", Role::Instance),
        ("follower", Role::Discovery),
        ("holder", Role::Sidecar),
        ("s", Role::Sidecar),
        ("c", Role::Discovery),
    ],
];

fn five() -> Template {
    template(FIVE)
}

fn faults(template: &Template, seed: u64) -> Vec<FaultPlan> {
    Swarm::draw(template, seed).faults
}

/// The faults of so many seeds.
fn many(template: &Template, seeds: u64) -> Vec<FaultPlan> {
    (0..seeds).flat_map(|seed| faults(template, seed)).collect()
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// The rules of scenario files, as their reader states them.
mod rules {
    use super::*;

    pub(super) fn check(fault: &FaultPlan, template: &Template) {
        let end = SimInstant::START + template.phases.chaos;
        match fault.trigger {
            Trigger::At(at) => assert!(at < end, "{fault:?}"),
            Trigger::When { condition, from } => {
                assert!(from < end, "{fault:?}");
                match condition {
                    Condition::TtlRemainingBelow { percent } => assert!((1..=100).contains(&percent)),
                    Condition::ExpiryWithin { left } => assert!(!left.is_zero()),
                    _ => {}
                }
            }
        }
        target(fault.target, template);
        action(fault, template);
        let kind = fault.action.kind();
        let has_no_end = match fault.action {
            Action::Command(id) => template.commands[usize::from(id.0)].effect == CommandEffect::AtOnce,
            Action::Restart | Action::WallStep(_) => true,
            _ => false,
        };
        assert!(!(has_no_end && fault.lasts.is_some()), "{fault:?}");
        assert_ne!(fault.lasts, Some(Span::ZERO), "{fault:?}");
        let strikes = matches!(
            kind,
            FaultKind::Pause | FaultKind::Suspend | FaultKind::Crash | FaultKind::Torn | FaultKind::Wipe
        );
        let is_now = kind == FaultKind::Restart && fault.cut == Cut::Now;
        assert!(strikes || is_now || fault.cut == Cut::After(0), "{fault:?}");
    }

    fn members(group: Group, template: &Template) -> Vec<usize> {
        let fits = |role| match group {
            Group::Everybody => true,
            Group::Role(wanted) => role == wanted,
        };
        (0..template.nodes.len()).filter(|&index| fits(template.nodes[index].role)).collect()
    }

    fn target(target: Target, template: &Template) {
        let is_a_role = |name: &str, role| {
            assert!(template.nodes.iter().all(|node| node.name != name), "`{name}` is a node: {target:?}");
            assert!(!members(Group::Role(role), template).is_empty(), "there is no {name}");
        };
        match target {
            Target::Node(node) => assert!(node.index() < template.nodes.len()),
            Target::Holder => is_a_role("holder", claimants(template)[0]),
            Target::ExHolder => is_a_role("ex-holder", claimants(template)[0]),
            Target::Drawn { pick, from } => {
                if let Group::Role(role) = from {
                    is_a_role(role.name(), role);
                }
                let count = members(from, template).len();
                match pick {
                    Pick::One => assert_ne!(from, Group::Everybody, "no file says one of all"),
                    Pick::Minority => assert!(count > 2, "{target:?}"),
                    Pick::Random(some) => assert!((1..=count).contains(&usize::from(some)), "{target:?}"),
                    Pick::Majority | Pick::All => {}
                }
            }
        }
    }

    /// Whom a target can be, if that is certain.
    fn certainly(target: Target, template: &Template) -> Option<Vec<usize>> {
        match target {
            Target::Node(node) => Some(vec![node.index()]),
            Target::Holder | Target::ExHolder => None,
            Target::Drawn { pick, from } => {
                let members = members(from, template);
                (pick.count(members.len()) == members.len()).then_some(members)
            }
        }
    }

    fn scope(targets: Target, scope: Scope, template: &Template) {
        let everybody = Target::Drawn { pick: Pick::All, from: Group::Everybody };
        let count = template.nodes.len();
        match scope {
            Scope::Ring => assert!(targets == everybody && count > 3, "{targets:?}"),
            _ => assert_ne!(targets, everybody, "{scope:?}"),
        }
        match scope {
            Scope::Between(peer) | Scope::OneWay(peer) => {
                target(peer, template);
                let is_one_or_all = matches!(peer, Target::Drawn { pick: Pick::One, .. })
                    || !matches!(peer, Target::Drawn { .. })
                    || peer == everybody;
                assert!(is_one_or_all, "no file says {peer:?} behind `to`");
                assert!(matches!(peer, Target::Drawn { .. }) || peer != targets, "both ends are {peer:?}");
                if let (Some(one), Some(other)) = (certainly(targets, template), certainly(peer, template)) {
                    assert!(!(other.len() == 1 && one == other), "both ends are {other:?}");
                }
                if let Target::Drawn { pick: Pick::All, from: Group::Role(role) } = targets {
                    assert_ne!(role_of(peer, template), Some(role), "{targets:?} {peer:?}");
                }
            }
            Scope::Bridge => {
                let struck = match targets {
                    Target::Drawn { pick, from } => pick.count(members(from, template).len()),
                    _ => 1,
                };
                assert!(count >= struck + 2, "{targets:?}");
            }
            Scope::Isolate | Scope::Majority | Scope::Ring => {}
        }
    }

    fn role_of(target: Target, template: &Template) -> Option<Role> {
        match target {
            Target::Node(node) => Some(template.nodes[node.index()].role),
            Target::Holder | Target::ExHolder => match claimants(template)[..] {
                [role] => Some(role),
                _ => None,
            },
            Target::Drawn { from: Group::Role(role), .. } => Some(role),
            Target::Drawn { .. } => None,
        }
    }

    fn claimants(template: &Template) -> Vec<Role> {
        let is_there = |role: &Role| template.nodes.iter().any(|node| node.role == *role);
        [Role::Contender, Role::Instance, Role::Sidecar].into_iter().filter(is_there).collect()
    }

    fn action(fault: &FaultPlan, template: &Template) {
        match fault.action {
            Action::Partition(links) | Action::Clog(links) | Action::Hold(links) => {
                scope(fault.target, links, template);
            }
            Action::Link { scope: links, worse } => {
                scope(fault.target, links, template);
                assert_ne!(worse, Worsening::NONE);
                if let Some(burst) = worse.burst {
                    let shortest = Span::from_millis(1);
                    assert!(burst.good >= shortest && burst.bad >= shortest && burst.loss != Chance::NEVER);
                }
            }
            Action::Throttle { step } => assert!(!step.is_zero()),
            Action::WallStep(by) => assert_ne!(by, 0),
            Action::WallStrobe { by, every } => assert!(by != 0 && every >= Span::from_millis(1)),
            Action::Command(command) => {
                let takes = template.commands[usize::from(command.0)].role;
                assert_eq!(role_of(fault.target, template), Some(takes));
            }
            Action::Watch(_) => {
                let role = role_of(fault.target, template);
                assert!(matches!(role, Some(Role::Discovery | Role::Follower)), "{fault:?}");
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fault_is_one_that_a_file_can_say(seed: u64, nodes in select(TOPOLOGIES.to_vec())) {
        let template = template(nodes);
        for fault in faults(&template, seed) {
            rules::check(&fault, &template);
        }
    }

    #[test]
    fn so_it_is_around_a_registry(seed: u64, nodes in select(REGISTRIES.to_vec())) {
        let template = registry(nodes);
        for fault in faults(&template, seed) {
            rules::check(&fault, &template);
        }
    }

    #[test]
    fn limits_are_kept_however_odd_they_are(
        seed: u64,
        ttl in select(vec![0, 1, 1_000_000, 100_000_000, 31_622_400_000_000_000]),
        chaos in select(vec![1, 1_000, 2_000_000, 60_000_000_000, 31_622_400_000_000_000]),
        longest in select(vec![None, Some(1), Some(30_000_000_000)]),
        delay in select(vec![0, 1, 5_000_000, 31_622_400_000_000_000]),
        most in 0..4_u16,
    ) {
        let mut template = five();
        template.ttl = Span::from_nanos(ttl);
        template.phases.chaos = Span::from_nanos(chaos);
        template.chaos.longest = longest.map(Span::from_nanos);
        template.chaos.most = most;
        template.network.latency = Latency::Constant(Span::from_nanos(delay));
        let faults = faults(&template, seed);
        prop_assert!(faults.len() <= usize::from(most));
        let longest = longest.unwrap_or(ttl.max(1).saturating_mul(3)).clamp(1, chaos);
        for fault in &faults {
            rules::check(fault, &template);
            prop_assert!(fault.lasts.is_none_or(|lasts| lasts.as_nanos() <= longest), "{:?}", fault);
        }
    }

    #[test]
    fn one_kind_more_moves_no_fault_of_the_others(seed: u64, left_out in select(FaultKind::ALL.to_vec())) {
        let mut all = five();
        all.chaos.most = u16::MAX;
        let mut fewer = all.clone();
        fewer.chaos.kinds.retain(|kind| *kind != left_out);
        let (all, fewer) = (Swarm::draw(&all, seed), Swarm::draw(&fewer, seed));
        let others: Vec<FaultPlan> =
            all.faults.into_iter().filter(|fault| fault.action.kind() != left_out).collect();
        // A calm seed keeps one of all.
        if fewer.drawn[0].value.starts_with("calm") {
            prop_assert!(others.iter().all(|fault| fewer.faults.contains(fault)));
        } else {
            prop_assert_eq!(others, fewer.faults);
        }
    }

    #[test]
    fn narrowing_to_a_few_kinds_adds_faults_and_moves_none(seed: u64) {
        let mut all = five();
        all.chaos.most = u16::MAX;
        let mut few = all.clone();
        few.chaos.kinds = vec![FaultKind::Pause, FaultKind::Crash];
        let (all, few) = (Swarm::draw(&all, seed), Swarm::draw(&few, seed));
        let calm = few.drawn[0].value.starts_with("calm");
        for kind in [FaultKind::Pause, FaultKind::Crash] {
            let of_kind = |swarm: &Swarm| -> Vec<FaultPlan> {
                swarm.faults.iter().filter(|fault| fault.action.kind() == kind).cloned().collect()
            };
            // A calm seed keeps one of all.
            prop_assert!(calm || of_kind(&few).starts_with(&of_kind(&all)));
        }
    }
}

#[test]
fn every_kind_condition_target_scope_cut_and_number_turns_up() {
    let mut all = BTreeSet::new();
    let mut seen = |what: String| all.insert(what);
    for fault in many(&five(), 4_000).into_iter().chain(many(&registry(REGISTRY), 4_000)) {
        seen(fault.action.kind().name().to_owned());
        if let Trigger::When { condition, from } = fault.trigger {
            let condition = match condition {
                Condition::TtlRemainingBelow { percent: 1 } => "less than 1%".to_owned(),
                Condition::TtlRemainingBelow { percent: 100 } => "less than 100%".to_owned(),
                Condition::TtlRemainingBelow { .. } => "ttl_remaining".to_owned(),
                Condition::ExpiryWithin { .. } => "expiry_within".to_owned(),
                other => format!("{other:?}"),
            };
            seen(format!("{condition} {}", if from == SimInstant::START { "first" } else { "later" }));
        }
        let pick = |target| match target {
            Target::Node(_) => "a node".to_owned(),
            Target::Drawn { pick: Pick::Random(_), from } => format!("random of {from:?}"),
            other => format!("{other:?}"),
        };
        seen(format!("on {}", pick(fault.target)));
        match fault.action {
            Action::Partition(scope)
            | Action::Clog(scope)
            | Action::Hold(scope)
            | Action::Link { scope, .. } => {
                match scope {
                    Scope::Between(peer) => seen(format!("between {}", pick(peer))),
                    Scope::OneWay(peer) => seen(format!("one way {}", pick(peer))),
                    other => seen(format!("{other:?}")),
                };
            }
            Action::Command(command) => {
                seen(format!("{command:?}, lasts {}", fault.lasts.is_some()));
            }
            _ => {}
        }
        seen(format!("{:?}", fault.cut));
        if let Action::Link { worse, .. } = fault.action {
            let Worsening { delay, loss, duplicate, reorder, slow, burst } = worse;
            let parts = [
                !delay.is_zero(),
                !reorder.is_zero(),
                !slow.is_zero(),
                burst.is_some(),
                loss == Chance::ALWAYS,
            ];
            seen(format!("{parts:?}"));
            seen(format!("duplicate {}", duplicate != Chance::NEVER));
        }
    }
    let mut expected: Vec<String> = FaultKind::ALL.iter().map(|kind| kind.name().to_owned()).collect();
    for condition in ["less than 1%", "less than 100%", "ttl_remaining", "expiry_within"] {
        expected.extend([format!("{condition} first"), format!("{condition} later")]);
    }
    for condition in ["GrantInFlight", "RenewalInFlight", "AfterTakeover", "EndOrdered"] {
        expected.extend([format!("{condition} first"), format!("{condition} later")]);
    }
    let several = |group| {
        let picks =
            [Pick::Minority, Pick::Majority, Pick::All].map(|pick| Target::Drawn { pick, from: group });
        picks.map(|target| format!("on {target:?}")).into_iter().chain([format!("on random of {group:?}")])
    };
    expected.extend(several(Group::Everybody));
    expected.extend(several(Group::Role(Role::Contender)));
    let one = |role| format!("{:?}", Target::one_of(role));
    // A registry has the name of its role: it is always meant by name.
    let roles = [Role::Contender, Role::Follower, Role::Instance, Role::Discovery, Role::Observer];
    let roles = roles.map(one);
    for who in ["a node", "Holder", "ExHolder"].into_iter().chain(roles.iter().map(String::as_str)) {
        expected.extend([format!("on {who}"), format!("between {who}"), format!("one way {who}")]);
    }
    expected.extend(several(Group::Role(Role::Instance)));
    expected.extend(several(Group::Role(Role::Discovery)).filter(|on| !on.contains("Minority")));
    expected.extend(["Isolate", "Majority", "Ring", "Bridge", "duplicate true"].map(str::to_owned));
    expected.extend([0, 1].map(|id| format!("CommandId({id}), lasts false")));
    expected.extend([2, 3].map(|id| format!("CommandId({id}), lasts true")));
    expected.extend((0..=6).map(|count| format!("{:?}", Cut::After(count))));
    expected.push(format!("{:?}", Cut::Now));
    expected.extend(About::ALL.map(|purpose| format!("{:?}", Cut::BeforeSend(purpose))));
    for part in 0..5 {
        let mut parts = [false; 5];
        parts[part] = true;
        expected.push(format!("{parts:?}"));
    }
    let missing: Vec<&String> = expected.iter().filter(|what| !all.contains(*what)).collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}\n{all:#?}");
}

/// The kinds that a seed enabled, as it is told.
fn enabled(swarm: &Swarm) -> impl Iterator<Item = &str> {
    swarm.drawn[1].value.split(", ").filter_map(|kind| kind.split(' ').next())
}

/// The kinds that can do something to somebody around a lease.
fn kinds_of_a_lease() -> Vec<FaultKind> {
    let about_watches = |kind: &FaultKind| kind.name().starts_with("watch.");
    FaultKind::ALL.into_iter().filter(|kind| !about_watches(kind)).collect()
}

#[test]
fn half_of_the_seeds_do_without_a_kind() {
    for (template, kinds) in [(five(), kinds_of_a_lease()), (registry(REGISTRY), FaultKind::ALL.to_vec())] {
        let seeds: Vec<Swarm> = (0..1_000).map(|seed| Swarm::draw(&template, seed)).collect();
        for kind in kinds {
            let enabled = seeds.iter().filter(|swarm| enabled(swarm).any(|name| name == kind.name()));
            let without = share(1_000 - enabled.count(), 1_000);
            assert!((0.3..0.7).contains(&without), "{} is left out in {without}", kind.name());
            let strikes = |swarm: &&Swarm| swarm.faults.iter().any(|fault| fault.action.kind() == kind);
            let struck = seeds.iter().filter(strikes).count();
            assert!((100..450).contains(&struck), "{} in {struck} of a thousand seeds", kind.name());
        }
    }
}

/// What may be drawn of watches leaves plans without any as they were.
#[test]
fn where_nobody_watches_nothing_is_drawn_of_watches() {
    let mut without = five();
    without.chaos.kinds = kinds_of_a_lease();
    for seed in 0..200 {
        let (all, fewer) = (Swarm::draw(&five(), seed), Swarm::draw(&without, seed));
        assert_eq!(all.faults, fewer.faults);
        assert_eq!(all.drawn, fewer.drawn, "nor is anybody told so");
    }
    let mut only = five();
    only.chaos.kinds = vec![FaultKind::WatchGap];
    assert!(many(&only, 50).is_empty());
}

#[test]
fn around_a_registry_most_faults_strike_those_who_keep_something_up_to_date() {
    let template = registry(REGISTRY);
    let faults = many(&template, 2_000);
    let of = |wanted: &dyn Fn(Target) -> bool| {
        share(faults.iter().filter(|fault| wanted(fault.target)).count(), faults.len())
    };
    let node = |target, index| matches!(target, Target::Node(node) if node.index() == index);
    let registry = of(&|target| target == Target::one_of(Role::Registry) || node(target, 0));
    let members = of(&|target| {
        let role = matches!(target, Target::Drawn { from: Group::Role(Role::Instance), .. });
        role || matches!(target, Target::Holder | Target::ExHolder)
    });
    let views = of(&|target| {
        let of = |role| matches!(target, Target::Drawn { from: Group::Role(other), .. } if other == role);
        of(Role::Discovery) || of(Role::Follower)
    });
    assert!((0.15..0.4).contains(&registry), "{registry}");
    assert!((0.25..0.5).contains(&members), "{members}");
    assert!((0.15..0.4).contains(&views), "{views}");
}

#[test]
fn one_seed_in_ten_is_calm_and_one_in_ten_is_nasty() {
    let template = five();
    let counts: Vec<(String, usize)> = (0..2_000)
        .map(|seed| Swarm::draw(&template, seed))
        .map(|swarm| (swarm.drawn[0].value.split(',').next().unwrap().to_owned(), swarm.faults.len()))
        .collect();
    let of = |name: &str| -> Vec<usize> {
        counts.iter().filter(|(intensity, _)| intensity == name).map(|(_, count)| *count).collect()
    };
    let mean = |counts: &[usize]| share(counts.iter().sum(), counts.len());
    let (calm, ordinary, nasty) = (of("calm"), of("ordinary"), of("nasty"));
    assert!((150..250).contains(&calm.len()) && (150..250).contains(&nasty.len()));
    assert!(calm.iter().all(|count| *count <= 1) && (0.3..0.6).contains(&mean(&calm)));
    assert!((4.0..6.0).contains(&mean(&ordinary)), "{}", mean(&ordinary));
    assert!((8.0..12.0).contains(&mean(&nasty)), "{}", mean(&nasty));
    let full = usize::from(template.chaos.most);
    assert!(counts.iter().all(|(_, count)| *count <= full));
    let crowded = ordinary.iter().filter(|count| **count == full).count();
    assert!(share(crowded, ordinary.len()) < 0.05, "the limit interferes in {crowded} seeds");
}

#[test]
fn a_scenario_that_names_one_kind_gets_some_of_it() {
    let mut template = five();
    template.chaos.kinds = vec![FaultKind::Suspend];
    let counts: Vec<usize> = (0..1_000).map(|seed| faults(&template, seed).len()).collect();
    let none = counts.iter().filter(|count| **count == 0).count();
    assert!((50..350).contains(&none), "{none} of a thousand without any");
    let all: usize = counts.iter().sum();
    assert!((2_000..5_000).contains(&all), "{all}");
}

#[test]
fn what_is_left_out_by_the_limit_is_of_any_kind() {
    let mut template = five();
    template.chaos.most = 3;
    let kept = many(&template, 2_000);
    let kinds = kinds_of_a_lease();
    for &kind in &kinds {
        let of_kind = kept.iter().filter(|fault| fault.action.kind() == kind).count();
        // Links are drawn twice as often.
        let times = if kind == FaultKind::Link { 2.0 } else { 1.0 };
        let share = share(of_kind, kept.len()) * (kinds.len() + 1) as f64 / times;
        assert!((0.6..1.5).contains(&share), "{} is drawn {share} times as often as it should", kind.name());
    }
}

#[test]
fn a_fifth_of_the_faults_aims_at_least_and_more_where_a_scenario_says_so() {
    let aims = |fault: &&FaultPlan| matches!(fault.trigger, Trigger::When { .. });
    for (least, range) in [(0, 0.2..0.35), (200_000, 0.3..0.5), (700_000, 0.75..0.85), (1_000_000, 1.0..1.01)]
    {
        let mut template = five();
        template.chaos.aimed = Chance::from_ppm(least).unwrap();
        let faults = many(&template, 2_000);
        let aimed = share(faults.iter().filter(aims).count(), faults.len());
        assert!(range.contains(&aimed), "{aimed} of the faults aim, where {least} ppm are the least");
    }
    // Many seeds have no more than the least.
    let shares: Vec<f64> = (0..200)
        .map(|seed| faults(&five(), seed))
        .filter(|faults| faults.len() > 4)
        .map(|faults| share(faults.iter().filter(aims).count(), faults.len()))
        .collect();
    assert!(shares.iter().any(|share| *share < 0.25) && shares.iter().any(|share| *share > 0.7));
}

#[test]
fn durations_stand_at_their_corners() {
    let faults = many(&five(), 2_000);
    let spans: Vec<Option<Span>> = faults
        .iter()
        .filter(|fault| fault.action.kind() == FaultKind::Pause)
        .map(|fault| fault.lasts)
        .collect();
    let so_many = |fits: &dyn Fn(Span) -> bool| {
        share(spans.iter().filter(|lasts| lasts.is_some_and(fits)).count(), spans.len())
    };
    let little = Span::from_millis(600);
    let (below, above) = (TTL.saturating_sub(little), TTL.saturating_add(little));
    assert!(so_many(&|lasts| lasts == TTL) > 0.05);
    assert!(so_many(&|lasts| lasts > below && lasts < TTL) > 0.07);
    assert!(so_many(&|lasts| lasts > TTL && lasts < above) > 0.07);
    assert!(so_many(&|lasts| lasts == TTL.scale(1, 3)) > 0.04);
    assert!(so_many(&|lasts| lasts == TTL.scale(3, 1)) > 0.04);
    assert!(so_many(&|lasts| lasts < Span::from_millis(100)) > 0.1);
    let until_healed = share(spans.iter().filter(|lasts| lasts.is_none()).count(), spans.len());
    assert!((0.03..0.12).contains(&until_healed), "{until_healed}");
}

#[test]
fn instants_meet_at_focuses_and_at_the_end() {
    let template = five();
    let mut pairs = 0;
    let mut at_the_end = 0;
    let mut count = 0;
    for seed in 0..1_000 {
        let mut at: Vec<u64> = faults(&template, seed)
            .iter()
            .filter_map(|fault| match fault.trigger {
                Trigger::At(at) => Some(at.as_nanos()),
                Trigger::When { .. } => None,
            })
            .collect();
        at.sort_unstable();
        count += at.len();
        pairs += at.windows(2).filter(|pair| pair[1] - pair[0] < 1_000_000_000).count();
        at_the_end += at.iter().filter(|at| **at >= 59_000_000_000).count();
    }
    // Three in a minute, wherever they fall, are within a second of each other in one case of twenty.
    assert!(share(pairs, count) > 0.15, "{pairs} of {count}");
    assert!(share(at_the_end, count) > 0.08, "{at_the_end} of {count}");
}

/// Two faults of one seed that are drawn apart strike the same node, within a term of each other, in few seeds.
#[test]
fn faults_meet_at_a_node_as_well_as_at_an_instant() {
    for (template, least) in [(five(), 0.15), (registry(REGISTRY), 0.15)] {
        let meet = |seed| {
            let at = |fault: &FaultPlan| match (fault.trigger, fault.target) {
                (Trigger::At(at), Target::Node(node)) => Some((at, node)),
                _ => None,
            };
            let places: Vec<_> = faults(&template, seed).iter().filter_map(at).collect();
            places.iter().enumerate().any(|(place, (one, node))| {
                places[place + 1..].iter().any(|(other, at)| {
                    at == node && one.as_nanos().abs_diff(other.as_nanos()) <= TTL.as_nanos()
                })
            })
        };
        let seeds = (0..1_000).filter(|seed| meet(*seed)).count();
        assert!(share(seeds, 1_000) > least, "{seeds} of a thousand");
    }
}

/// A fleet is restarted at one instant, or its steps would pace it.
#[test]
fn what_strikes_several_strikes_them_now_in_half_of_the_cases() {
    let all = many(&registry(REGISTRY), 2_000);
    let strikes = |fault: &&FaultPlan| {
        matches!(
            fault.action,
            Action::Pause | Action::Suspend | Action::Crash | Action::Torn | Action::Restart
        )
    };
    let (several, one): (Vec<_>, Vec<_>) = all.iter().filter(strikes).partition(|fault| {
        matches!(fault.target, Target::Drawn { pick: Pick::All | Pick::Majority, from: Group::Role(_) })
    });
    let now = |faults: &[&FaultPlan]| {
        share(faults.iter().filter(|fault| fault.cut == Cut::Now).count(), faults.len())
    };
    assert!((0.35..0.65).contains(&now(&several)), "{}", now(&several));
    assert!((0.03..0.25).contains(&now(&one)), "{}", now(&one));
}

#[test]
fn rates_stay_within_the_declared_bound_unless_a_scenario_widens_it() {
    let rates = |template: &Template| -> Vec<i64> {
        many(template, 2_000)
            .iter()
            .filter_map(|fault| match fault.action {
                Action::ClockRate(rate) => Some(rate.as_ppb()),
                _ => None,
            })
            .collect()
    };
    let mut template = five();
    template.chaos.kinds = vec![FaultKind::ClockRate];
    let bound = i64::from(BOUND);
    let within = rates(&template);
    assert!(within.iter().all(|rate| rate.abs() <= bound));
    let corners = within.iter().filter(|rate| rate.abs() == bound).count();
    assert!((0.4..0.6).contains(&share(corners, within.len())));

    let wide = Drift::from_ppb(50_000_000).unwrap();
    template.chaos.clock_rate = Some(wide);
    let widened = rates(&template);
    assert!(widened.iter().all(|rate| rate.abs() <= i64::from(wide.as_ppb())));
    for corner in [bound, -bound, 50_000_000, -50_000_000] {
        let at = share(widened.iter().filter(|rate| **rate == corner).count(), widened.len());
        assert!((0.08..0.18).contains(&at), "{at} at {corner}");
    }
}

#[test]
fn a_system_without_commands_is_told_nothing() {
    let mut template = five();
    template.commands.clear();
    assert!(many(&template, 300).iter().all(|fault| fault.action.kind() != FaultKind::Command));
}

#[test]
fn what_a_seed_decided_is_told() {
    let mut template = five();
    template.chaos.most = 4;
    let mut crowded = 0;
    for seed in 0..100 {
        let swarm = Swarm::draw(&template, seed);
        let told = |place: usize| (swarm.drawn[place].what.as_str(), swarm.drawn[place].value.as_str());
        let (what, value) = told(0);
        assert_eq!(what, "faults");
        assert!(value.contains(&format!(", {} random", swarm.faults.len())), "{value}");
        crowded += usize::from(value.ends_with(" more were left out"));
        let enabled: Vec<&str> = enabled(&swarm).collect();
        assert_eq!(told(1).0, "kinds of faults");
        assert!(swarm.faults.iter().all(|fault| enabled.contains(&fault.action.kind().name())));
        let (what, value) = told(2);
        let share = value.strip_suffix("% at lease-critical instants").unwrap();
        assert!(what == "aimed" && (20..=100).contains(&share.parse::<u32>().unwrap()), "{value}");
    }
    assert!((20..80).contains(&crowded), "{crowded} of a hundred seeds drew more than four");
}

#[test]
fn people_read_three_digits() {
    let shown = [0, 7, 999, 1_000, 1_234, 9_999, 123_456_789].map(in_three_digits);
    assert_eq!(shown, [0, 7, 999, 1_000, 1_230, 9_990, 123_000_000]);
}
