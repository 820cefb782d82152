//! Under random faults a sound design violates nothing, and an unsound one is found out.

use std::sync::Arc;

use leasehold_check::Invariant;
use leasehold_core::RunEnd;
use leasehold_core::plan::Trigger;
use leasehold_scenario::{Engine, Faults, Report, Scenario, SingleGrantor, Source, Trial};

/// As scenarios/holds/gc-pause-across-expiry, in short, and only its faults are drawn.
const SOUND: &str = r#"schema = 1
name = "sound"
summary = "A holder stops for longer than its TTL between checking its lease and writing."

[lease]
ttl = "5s"
sweep = "500ms"

[resource]
fence = "highest-token"

[[fault]]
when = "ttl_remaining < 70%"
on = "holder"
do = "pause"
before = "write"
for = "8s"

[chaos]
draw = []

[phases]
chaos = "30s"
"#;

fn trials(overlays: &[&str], seeds: u64) -> Vec<(Trial, Report)> {
    let source = Source::from_text("sound.toml", SOUND).with_overlays(overlays.iter().copied());
    let scenario =
        Arc::new(Scenario::parse(source, &[&SingleGrantor]).unwrap_or_else(|error| panic!("{error}")));
    let run = |seed| {
        let trial = Trial::new(&scenario, seed, Faults::Random, &[&SingleGrantor]);
        let report = trial.run(Engine::Sim, &mut ());
        (trial, report)
    };
    (0..seeds).map(run).collect()
}

#[test]
fn a_sound_design_withstands_whatever_is_drawn() {
    let (mut drawn, mut landed, mut aimed) = (0, 0, 0);
    for (trial, report) in trials(&[], 200) {
        let told = || (report.seed, trial.scenario().describe(&trial.plan().faults));
        assert_eq!(report.outcome.end, RunEnd::Completed, "{:#?}", told());
        let violations = report.judgement.violations();
        assert!(violations.is_empty(), "{violations:#?}\n{:#?}", told());
        assert!(report.judgement.judged() > 0, "{:#?}", told());
        // The first is scripted.
        for (plan, outcome) in trial.plan().faults.iter().zip(&report.outcome.faults).skip(1) {
            drawn += 1;
            landed += usize::from(outcome.landed.is_some());
            let waits = matches!(plan.trigger, Trigger::When { .. });
            aimed += usize::from(waits && outcome.fired.is_some());
        }
    }
    assert!(drawn > 600, "{drawn} faults");
    assert!(landed > drawn / 2, "{landed} of {drawn} landed");
    assert!(aimed > drawn / 5, "{aimed} of {drawn} waited for an instant that came");
}

/// Nobody scripts a pause here: it is found by chance.
#[test]
fn a_design_without_a_fence_is_found_out() {
    let overlays = ["resource.fence=none", "chaos.script=left-out"];
    let found = trials(&overlays, 200)
        .iter()
        .filter(|(_, report)| {
            report.judgement.violations().iter().any(|found| found.invariant == Invariant::Fencing)
        })
        .count();
    assert!(found > 3, "in {found} of 200 seeds");
}

#[test]
fn a_limit_of_none_leaves_the_script_alone() {
    for (trial, report) in trials(&["chaos.most=0"], 5) {
        assert_eq!(trial.plan().faults, trial.scenario().template.faults);
        assert_eq!(report.outcome.faults.len(), 1);
    }
    assert!(trials(&["chaos.most=0", "chaos.script=left-out"], 1)[0].0.plan().faults.is_empty());
}

/// What nothing can prevent fails no random run, though the schedule as it is written is to do without.
#[test]
fn hazards_are_counted_in_random_runs() {
    let overlays = ["chaos.script=left-out"];
    let said = format!("{SOUND}[expect]\nhazard = \"none\"\n");
    let source = Source::from_text("sound.toml", said).with_overlays(overlays);
    let scenario = Arc::new(Scenario::parse(source, &[&SingleGrantor]).unwrap());
    let mut hazards = 0;
    for seed in 0..60 {
        let report = Trial::new(&scenario, seed, Faults::Random, &[&SingleGrantor]).run(Engine::Sim, &mut ());
        hazards += report.judgement.hazards.iter().map(|hazard| hazard.seen).sum::<u64>();
        assert!(report.unmet.is_empty(), "{seed}: {:?}", report.unmet);
    }
    assert!(hazards > 0, "no run had any");
}
