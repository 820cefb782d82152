//! Around a registry, as around a lease: any faults, and designs that are safe together.

use leasehold_check::Violation;
use leasehold_core::RunEnd;
use leasehold_core::plan::{Burst, FaultPlan};
use leasehold_scenario::{Engine, RegistrySystem, Scenario, Source};
use proptest::prelude::*;
use proptest::sample::select;

use crate::faults::{Cast, burst, some_faults};
use crate::world::{World, world};

/// Who there is.
#[derive(Clone, Copy, Debug)]
struct Crew {
    instances: u16,
    sidecars: u16,
    discovery: u16,
    followers: u16,
}

impl Crew {
    fn nodes(self) -> u16 {
        1 + self.instances + self.sidecars + self.discovery + self.followers
    }
}

prop_compose! {
    fn crew()(instances in 1..=5_u16)(
        instances in Just(instances),
        sidecars in prop_oneof![2 => Just(0), 1 => 0..=instances],
        discovery in 1..=3_u16,
        followers in prop_oneof![2 => Just(0), 1 => 1..=2_u16],
    ) -> Crew {
        Crew { instances, sidecars, discovery, followers }
    }
}

/// The complete input of a run, but for its seed.
#[derive(Clone, Debug)]
struct Case {
    world: World,
    crew: Crew,
    design: Vec<String>,
    burst: Option<Burst>,
    faults: Vec<FaultPlan>,
}

impl Case {
    fn text(&self) -> String {
        let Crew { instances, sidecars, discovery, followers } = self.crew;
        let World { ttl_millis, renew, .. } = self.world;
        // As dotted keys of no table, designs stand before all tables.
        format!(
            r#"
                schema = 1
                name = "random"
                summary = "Whatever goes wrong."
                system = "registry"
                {}

                [topology]
                instances = {instances}
                sidecars = {sidecars}
                discovery = {discovery}
                followers = {followers}

                [registration]
                ttl = "{ttl_millis}ms"
                heartbeat = "ttl/{renew}"
                {}
            "#,
            self.design.join("\n"),
            self.world.surroundings(),
        )
    }

    fn scenario(&self) -> Scenario {
        let source = Source::from_text("random.toml", self.text());
        let mut scenario = Scenario::parse(source, &[&RegistrySystem]).unwrap_or_else(|e| panic!("{e}"));
        scenario.template.network.burst = self.burst.or(scenario.template.network.burst);
        scenario.template.faults.clone_from(&self.faults);
        scenario
    }
}

/// Dotted keys with their values, or nothing; each is safe whatever the others are.
fn design(followers: u16) -> impl Strategy<Value = Vec<String>> {
    const SAFE: [&[&str]; 14] = [
        &["registry.answers = \"once-durable\""],
        &["registry.buckets = \"700ms\""],
        &["registry.restart = \"extra\"", "registry.restart_extra = \"3s\""],
        &["instance.leaves = \"stops-then-deregisters\""],
        &["instance.entries = 3"],
        &["instance.keys = 2"],
        &["instance.jitter = \"20%\""],
        &["discovery.refresh = \"poll\"", "discovery.poll = \"3s\""],
        &["discovery.cut_off = \"serves-stale\""],
        &["feed.window = 1", "feed.buffer = 2"],
        &["feed.history = 1"],
        &["grace.detector = \"fixed\"", "grace.fixed = \"ttl/2\""],
        &["grace.second_stage = \"500ms\""],
        &["grace.late_sweep = \"compensated\""],
    ];
    let some = prop::sample::subsequence(SAFE.to_vec(), 0..=SAFE.len());
    let sources: &[&str] = if followers > 0 { &["registry", "follower", "by-turns"] } else { &["registry"] };
    (some, select(sources.to_vec())).prop_map(|(some, source)| {
        let mut lines: Vec<String> = some.concat().into_iter().map(str::to_owned).collect();
        lines.push(format!("discovery.source = \"{source}\""));
        lines
    })
}

fn case() -> impl Strategy<Value = Case> {
    // Whoever looks up does so as often whatever the TTL is: a shorter one shows nothing more.
    let world = world().prop_filter("a TTL of more than a second", |world| world.ttl_millis >= 1_000);
    (world, crew()).prop_flat_map(|(world, crew)| {
        let faults = some_faults(&world, Cast::of_a_registry(crew.nodes()));
        (design(crew.followers), burst(), faults).prop_map(move |(design, burst, faults)| Case {
            world: world.clone(),
            crew,
            design,
            burst,
            faults,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_violated_around_a_registry_whatever_goes_wrong(case in case(), seed: u64) {
        let scenario = case.scenario();
        let report = scenario.run(seed, Engine::Sim, &mut ());
        prop_assert_eq!(&report.outcome.end, &RunEnd::Completed);
        let violations: Vec<&Violation> = report.judgement.violations().into_iter().collect();
        prop_assert!(
            violations.is_empty(),
            "{violations:#?}\n{}\n{:#?}\nseed {seed}",
            case.text(),
            scenario.describe(&scenario.template.faults),
        );
        prop_assert_eq!(report.digest, scenario.run(seed, Engine::Sim, &mut ()).digest, "the same plan, twice");
    }
}
