//! Which faults were in effect at one instant.

use leasehold_core::plan::{Action, FaultKind, FaultPlan, Plan};
use leasehold_core::{FaultOutcome, Outcome, SimInstant};

/// The pairs of kinds of which two faults were in effect at one instant, each once, the smaller kind first.
pub(crate) fn pairs(plan: &Plan, outcome: &Outcome) -> Vec<(FaultKind, FaultKind)> {
    let effects: Vec<Effect> = plan
        .faults
        .iter()
        .zip(&outcome.faults)
        .filter_map(|(fault, became)| Effect::of(fault, became, plan.phases.settles_at()))
        .collect();
    let mut pairs = Vec::new();
    for (place, one) in effects.iter().enumerate() {
        for other in &effects[place + 1..] {
            if one.from <= other.until && other.from <= one.until {
                pairs.push((one.kind.min(other.kind), one.kind.max(other.kind)));
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// The time from which and until which a fault did something, both included.
struct Effect {
    kind: FaultKind,
    from: SimInstant,
    until: SimInstant,
}

impl Effect {
    /// Nothing if it did not land.
    fn of(fault: &FaultPlan, became: &FaultOutcome, settles_at: SimInstant) -> Option<Self> {
        let (fired, from) = (became.fired?, became.landed?);
        let healed = match fault.lasts {
            _ if is_over_at_once(fault) => from,
            Some(lasts) => fired.saturating_add(lasts).min(settles_at),
            None => settles_at,
        };
        // A pause or crash lands when its target's next step comes, which may be after its time is over.
        Some(Self { kind: fault.action.kind(), from, until: healed.max(from) })
    }
}

/// Whether it has no duration, whatever stands beside it.
fn is_over_at_once(fault: &FaultPlan) -> bool {
    match fault.action {
        Action::Restart | Action::WallStep(_) | Action::Command(_) => true,
        // Its node comes back at once unless a duration is given.
        Action::Wipe => fault.lasts.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::plan::{Chance, Cut, Latency, NetworkPlan, Phases, Role, Scope, Target, Trigger};
    use leasehold_core::{Drift, NoiseKey, RunEnd, Span};

    /// A fault: what, how long in seconds, when it fired, when it landed.
    type Row = (Action, Option<u64>, u64, Option<u64>);

    fn s(seconds: u64) -> SimInstant {
        SimInstant::START + Span::from_secs(seconds)
    }

    /// The chaos of these runs is over after 100 seconds.
    fn found(rows: &[Row]) -> Vec<(FaultKind, FaultKind)> {
        let faults = rows.iter().map(|&(action, lasts, at, _)| FaultPlan {
            trigger: Trigger::At(s(at)),
            target: Target::one_of(Role::Contender),
            action,
            lasts: lasts.map(Span::from_secs),
            cut: Cut::After(0),
        });
        let plan = Plan {
            nodes: vec![],
            network: NetworkPlan {
                latency: Latency::Constant(Span::from_millis(1)),
                loss: Chance::NEVER,
                duplicate: Chance::NEVER,
                burst: None,
            },
            noise: NoiseKey(0),
            faults: faults.collect(),
            phases: Phases { chaos: Span::from_secs(100), settle: Span::from_secs(10) },
            clock_rate: Drift::ZERO,
            receive_buffer: 1,
        };
        let faults = rows.iter().map(|&(_, _, fired, landed)| FaultOutcome {
            fired: Some(s(fired)),
            targets: vec![],
            landed: landed.map(s),
        });
        let outcome =
            Outcome { ended_at: s(110), steps: 0, end: RunEnd::Completed, faults: faults.collect() };
        pairs(&plan, &outcome)
    }

    const PAUSE: Action = Action::Pause;
    const CUT_OFF: Action = Action::Partition(Scope::Isolate);
    const STEP: Action = Action::WallStep(1);

    #[test]
    fn two_faults_are_a_pair_while_both_are_in_effect() {
        use FaultKind::{Crash, Partition, Pause, WallStep, Wipe};
        for (why, rows, expected) in [
            (
                "they overlap; the smaller kind stands first",
                &[(PAUSE, Some(10), 5, Some(6)), (CUT_OFF, Some(5), 14, Some(15))][..],
                &[(Partition, Pause)][..],
            ),
            ("one is over first", &[(PAUSE, Some(9), 5, Some(6)), (CUT_OFF, Some(5), 14, Some(15))], &[]),
            ("one did not land", &[(PAUSE, Some(10), 5, Some(6)), (CUT_OFF, Some(5), 6, None)], &[]),
            (
                "without an end, until all heal",
                &[(CUT_OFF, None, 5, Some(5)), (PAUSE, Some(1), 99, Some(100))],
                &[(Partition, Pause)],
            ),
            ("heals when all do", &[(CUT_OFF, Some(900), 5, Some(5)), (PAUSE, Some(1), 99, Some(101))], &[]),
            ("a step is over at once", &[(STEP, None, 5, Some(5)), (PAUSE, Some(9), 5, Some(6))], &[]),
            (
                "a step during a pause",
                &[(STEP, Some(1), 8, Some(8)), (PAUSE, Some(9), 5, Some(6))],
                &[(Pause, WallStep)],
            ),
            (
                "landed when its time was over",
                &[(PAUSE, Some(1), 5, Some(9)), (STEP, None, 9, Some(9))],
                &[(Pause, WallStep)],
            ),
            (
                "two of one kind",
                &[(PAUSE, Some(9), 5, Some(5)), (PAUSE, Some(9), 6, Some(6))],
                &[(Pause, Pause)],
            ),
            ("comes back at once", &[(Action::Wipe, None, 5, Some(5)), (STEP, None, 6, Some(6))], &[]),
            (
                "stays down",
                &[(Action::Wipe, Some(3), 5, Some(5)), (STEP, None, 6, Some(6))],
                &[(WallStep.min(Wipe), WallStep.max(Wipe))],
            ),
            (
                "stays down to the end",
                &[(Action::Crash, None, 5, Some(5)), (STEP, None, 6, Some(6))],
                &[(Crash, WallStep)],
            ),
            (
                "each pair once",
                &[(PAUSE, Some(50), 5, Some(5)), (STEP, None, 6, Some(6)), (STEP, None, 7, Some(7))],
                &[(Pause, WallStep)],
            ),
        ] {
            assert_eq!(found(rows), expected, "{why}");
        }
    }
}
