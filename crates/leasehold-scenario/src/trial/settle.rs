//! What a seed decides about a scenario's tables.

use std::sync::Arc;

use leasehold_plan::{Dice, Drawn, Purpose, Setting, Stream};

use crate::draw;
use crate::engine::Engine;
use crate::expect::HazardPolicy;
use crate::scenario::Scenario;
use crate::system::System;

/// A scenario with what a seed decided about it.
pub(super) struct Settled {
    pub(super) scenario: Arc<Scenario>,
    pub(super) settings: Vec<Setting>,
    /// What did not go together with the rest.
    pub(super) left_out: Option<Drawn>,
}

/// Draws settings, and reads the scenario with them. If the reader refuses them, one is left out that is to blame; if none
/// is by itself, they are halved. First those are kept that the scenario asks for, then those about the world, then the
/// system's own.
///
/// An engine refuses too: what does not fit it, or what it cannot express, unless the scenario itself is so.
pub(super) fn settle(
    scenario: &Arc<Scenario>,
    seed: u64,
    engine: Engine,
    systems: &[&dyn System],
) -> Settled {
    let mut settings = drawn(scenario, seed, systems);
    let mut refused = Vec::new();
    let strange = |scenario: &Scenario| {
        let plan = scenario.plan_for(engine, seed);
        engine.misfits(&plan).len() + scenario.inexpressible(&plan, engine).len()
    };
    let is_taken = |read: &Scenario| engine == Engine::Sim || strange(read) <= strange(scenario);
    let read = |settings: &[Setting]| {
        let read = Scenario::again(scenario.source.clone().with_settings(settings), systems).ok();
        read.filter(is_taken).map(Arc::new)
    };
    while !settings.is_empty() {
        if let Some(scenario) = read(&settings) {
            return Settled { scenario, settings, left_out: told(&refused) };
        }
        let without = |place: &usize| {
            let others = settings.iter().enumerate().filter(|(other, _)| other != place);
            others.map(|(_, setting)| setting.clone()).collect::<Vec<_>>()
        };
        if let Some(place) = (0..settings.len()).rev().find(|place| read(&without(place)).is_some()) {
            refused.push(settings.remove(place));
            continue;
        }
        refused.splice(0..0, settings.split_off(settings.len() / 2));
    }
    Settled { scenario: Arc::clone(scenario), settings, left_out: told(&refused) }
}

fn drawn(scenario: &Scenario, seed: u64, systems: &[&dyn System]) -> Vec<Setting> {
    let chaos = &scenario.template.chaos;
    let written = |key: &str| scenario.written(key);
    let mut dice = Dice::new(seed, chaos, &written);
    // That nothing dangerous happens is said of the schedule as it is written. Random faults delay writes as no lease
    // can prevent.
    if scenario.expect.hazard == HazardPolicy::None && !scenario.source.is_set("expect.hazard") {
        dice.replace("expect.hazard", "\"allowed\"");
    }
    if !scenario.expect.never.is_empty() && !scenario.source.is_set("expect.never") {
        dice.replace("expect.never", "[]");
    }
    for (key, values) in &chaos.values {
        // Who says something on the command line means it.
        if !scenario.source.is_set(key) {
            let place = Stream::new(seed, Purpose::Setting(key)).below(values.len() as u64);
            dice.replace(key, values[place as usize].as_str());
        }
    }
    draw::draw(&mut dice, scenario);
    if let Some(system) = systems.iter().find(|system| system.name() == scenario.system) {
        system.draw(&mut dice);
    }
    dice.settings()
}

fn told(refused: &[Setting]) -> Option<Drawn> {
    let texts: Vec<String> = refused
        .iter()
        .filter_map(|Setting { key, value }| value.as_ref().map(|value| format!("{key} = {value}")))
        .collect();
    let value = texts.join(", ");
    (!texts.is_empty()).then(|| Drawn { what: "left out, for the reader refuses it".to_owned(), value })
}
