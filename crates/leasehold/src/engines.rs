//! Which engine runs a trial, and what it cannot do with it.

use leasehold_scenario::{Engine, LONGEST_RUN, MOST_HOSTS, Scenario, Trial};

use crate::args::EngineName;
use crate::exit::Exit;
use crate::refusal::misuse;

/// How somebody allows an engine to leave something out, as the verb has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowing {
    /// With `--allow`.
    Flag,
    /// In the file: the verb has no such flag.
    File,
}

/// Whether a run that does not fit its engine is made nevertheless.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfits {
    Refused,
    Run,
}

impl Misfits {
    /// What `--force` says.
    pub(crate) fn of(force: bool) -> Self {
        if force { Self::Run } else { Self::Refused }
    }
}

/// The engine that is asked for, else that of the scenario.
pub(crate) fn engine_for(asked: Option<EngineName>, scenario: &Scenario) -> Engine {
    asked.map_or(scenario.engine, Engine::from)
}

/// The `--set` text for `--allow`, which adds to what the file allows; nothing if nothing is allowed.
pub(crate) fn overlay_of(allow: &[String]) -> Option<String> {
    let kinds: Vec<String> = allow.iter().map(|kind| format!("{kind:?}")).collect();
    (!kinds.is_empty()).then(|| format!("transport.allow+=[{}]", kinds.join(", ")))
}

/// Says what an engine cannot do with a trial, before it runs.
///
/// # Errors
///
/// If the trial does not fit it.
pub(crate) fn check(trial: &Trial, engine: Engine, misfits: Misfits, allowing: Allowing) -> Result<(), Exit> {
    let why: Vec<String> = trial.misfits(engine).iter().map(ToString::to_string).collect();
    if !why.is_empty() && misfits == Misfits::Refused {
        let problem = format!("the run does not fit the engine {}: {}", engine.name(), why.join("; "));
        let help = format!(
            "run it on sim, lower topology or [phases] with --set ({MOST_HOSTS} hosts, {LONGEST_RUN}), or add --force"
        );
        return Err(misuse(&problem, &help));
    }
    if !why.is_empty() {
        anstream::eprintln!("note: the run does not fit the engine {}: {}", engine.name(), why.join("; "));
    }
    if engine == Engine::Sim && trial.scenario().engine == Engine::Turmoil {
        anstream::eprintln!(
            "note: what this scenario shows needs a shell, and the engine sim has none: it ignores [transport]"
        );
    }
    let strange = trial.inexpressible(engine);
    for found in &strange {
        anstream::eprintln!("note: {found}");
    }
    if !strange.is_empty() {
        let mut kinds: Vec<&str> = strange.iter().map(|found| found.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let how = match allowing {
            Allowing::Flag => format!("--allow {}", kinds.join(",")),
            Allowing::File => format!("write `allow = {kinds:?}` into its [transport]"),
        };
        anstream::eprintln!("note: so this run is inconclusive; {how} if it does not matter");
    }
    Ok(())
}
