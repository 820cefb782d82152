//! The result of a run as one JSON object. Its fields are stable; new ones may be added.

use leasehold_check::{InvariantReport, Violation};
use leasehold_core::{FaultId, RunEnd};
use leasehold_report::Budget;
use serde_json::{Map, Value, json};

use crate::summary::{Summary, measured};
use crate::words;

/// The whole result.
pub(crate) fn object(summary: &Summary<'_>) -> Value {
    let Summary { expectation, names, report, .. } = summary;
    let judgement = &report.judgement;
    let hazards: Map<String, Value> =
        judgement.hazards.iter().map(|hazard| (hazard.hazard.name().into(), hazard.seen.into())).collect();
    let reach: Map<String, Value> =
        judgement.reach.iter().map(|&(probe, count)| (probe.name().into(), count.into())).collect();
    let faults: Vec<Value> = (0..)
        .zip(&report.outcome.faults)
        .map(|(index, fault)| {
            json!({
                "what": names.fault(FaultId(index)),
                "fired_ns": fault.fired,
                "target": fault.targets.first().map(|&node| names.node(node)),
                "targets": fault.targets.iter().map(|&node| names.node(node)).collect::<Vec<_>>(),
                "landed_ns": fault.landed,
            })
        })
        .collect();
    let assumptions: Vec<Value> = judgement
        .assumptions
        .iter()
        .map(|&(node, assumption, count)| {
            json!({ "node": names.node(node), "assumption": assumption.name(), "broken": count })
        })
        .collect();
    let mut object = json!({
        "scenario": names.header().scenario,
        "system": names.header().system,
        "seed": report.seed,
        "engine": report.engine.name(),
        "verdict": report.verdict.name(),
        "expectation_met": summary.expectation.is_met_by(report),
        "unmet": report.unmet,
        "inexpressible": report.inexpressible,
        "digest": report.digest.to_string(),
        "simulated_seconds": report.outcome.ended_at.since_start().as_secs_f64(),
        "events": report.events,
        "steps": report.outcome.steps,
        "end": end(summary, &report.outcome.end),
        "invariants": judgement.invariants.iter().map(invariant).collect::<Vec<_>>(),
        "measures": measured::object(&judgement.measures, summary.samples),
        "hazards": hazards,
        "reach": reach,
        "missed": expectation.missed(names, judgement),
        "faults": faults,
        "assumptions_broken": assumptions,
        "evidence": summary.violations().into_iter().map(|v| evidence(summary, v)).collect::<Vec<_>>(),
        "again": summary.again,
    });
    if !summary.budgets.is_empty() {
        object["budgets"] = budgets(summary.budgets);
    }
    object
}

/// Numbers are in seconds, per second, or shares from 0 to 1.
fn budgets(budgets: &[Budget]) -> Value {
    let one = |budget: &Budget| {
        json!({
            "goal": budget.goal,
            "met": budget.met,
            "measured": budget.measured.map(|measured| measured.value),
            "interval_95": budget.measured.map(|measured| [measured.low, measured.high]),
        })
    };
    budgets.iter().map(one).collect()
}

fn end(summary: &Summary<'_>, end: &RunEnd) -> Value {
    match end {
        RunEnd::Completed => json!({ "how": "completed" }),
        RunEnd::Stopped => json!({ "how": "stopped" }),
        RunEnd::Livelock { node } => json!({ "how": "livelock", "node": summary.names.node(*node) }),
        RunEnd::Panicked { node, message } => json!({
            "how": "panicked",
            "node": summary.names.node(*node),
            "message": message,
            "at": summary.panicked_at,
        }),
    }
}

fn invariant(report: &InvariantReport) -> Value {
    json!({
        "id": report.invariant.id(),
        "name": report.invariant.name(),
        "judged": report.judged,
        "excused": report.excused,
        "violations": report.violations,
        "unknown": report.unknown,
        "closest_call": report.closest_call.map(|call| json!({ "left_ns": call.left, "of_ns": call.of })),
    })
}

fn evidence(summary: &Summary<'_>, violation: &Violation) -> Value {
    let Summary { names, .. } = summary;
    let told: Vec<String> = violation.evidence.iter().map(|fact| words::fact(names, fact)).collect();
    json!({
        "invariant": violation.invariant.name(),
        "clause": violation.clause,
        "at_ns": violation.at,
        "nodes": violation.nodes.iter().map(|&node| names.node(node)).collect::<Vec<_>>(),
        "resource": violation.resource,
        "facts": violation.evidence,
        "told": told,
    })
}
