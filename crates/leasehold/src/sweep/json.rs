//! A sweep as one JSON object. Its fields are stable; new ones may be added.

use leasehold_campaign::{Finding, ScenarioTally, Unmet};
use leasehold_core::plan::FaultKind;
use serde_json::{Map, Value, json};

use super::page::{Findings, is_confirmed};
use super::totals::Totals;
use crate::again::line_of_a_sweep;

/// All of it.
pub(crate) fn object(findings: &Findings<'_>) -> Value {
    let Findings { program, end, .. } = findings;
    let totals = Totals::of(&end.tally);
    let none = ScenarioTally::default();
    let scenarios = (0..program.entries().len())
        .map(|place| scenario(findings, place, end.tally.scenarios.get(place).unwrap_or(&none)));
    let reach: Map<String, Value> =
        totals.reach.iter().map(|(probe, runs)| (probe.name().to_owned(), (*runs).into())).collect();
    let verdicts: Map<String, Value> =
        totals.verdicts.iter().map(|(verdict, runs)| (verdict.name().to_owned(), (*runs).into())).collect();
    let closest: Vec<Value> = end
        .tally
        .closest()
        .iter()
        .map(|(invariant, (call, scenario, seed))| {
            json!({
                "invariant": invariant.name(),
                "left_ns": call.left,
                "of_ns": call.of,
                "scenario": program.entries()[*scenario].id,
                "seed": seed,
            })
        })
        .collect();
    let possible = findings.possible_pairs();
    let missing = possible.iter().filter(|pair| !totals.pairs.contains_key(*pair));
    json!({
        "runs": totals.runs,
        "seconds": findings.elapsed.as_secs_f64(),
        "simulated_seconds": totals.simulated_seconds(),
        "jobs": findings.order.jobs,
        "seeds": { "from": program.options().seeds.start(), "to": program.options().seeds.end() },
        "complete": super::is_complete(end),
        "verdicts": verdicts,
        "scenarios": scenarios.collect::<Vec<_>>(),
        "reach": reach,
        "faults": faults(totals.faults.iter().map(|(kind, counts)| (*kind, *counts))),
        "pairs": {
            "possible": possible.len(),
            "seen": totals.pairs.iter().map(|(pair, runs)| pair_of(*pair, Some(*runs))).collect::<Vec<_>>(),
            "missing": missing.map(|pair| pair_of(*pair, None)).collect::<Vec<_>>(),
        },
        "closest_calls": closest,
        "failures": findings.found.iter().map(|finding| failure(findings, finding)).collect::<Vec<_>>(),
        "digest_audits": {
            "runs": end.audited,
            "different": end.tally.not_deterministic(),
            "first": end.tally.not_deterministic.iter().map(|(scenario, seed)| {
                json!({ "scenario": program.entries()[*scenario].id, "seed": seed })
            }).collect::<Vec<_>>(),
        },
        "proves": findings.proves().map(|(runs, rate)| {
            json!({ "runs": runs, "rate_below": rate, "confidence": 0.95 })
        }),
        "broken": end.broken.iter().map(|broken| {
            let scenario = &program.entries()[broken.job.scenario].id;
            json!({ "scenario": scenario, "seed": broken.job.seed, "panic": broken.message })
        }).collect::<Vec<_>>(),
    })
}

fn scenario(findings: &Findings<'_>, place: usize, tally: &ScenarioTally) -> Value {
    let entry = &findings.program.entries()[place];
    let unmet = &findings.unmet[place];
    let verdicts: Map<String, Value> =
        tally.verdicts.iter().map(|(verdict, runs)| (verdict.name().to_owned(), (*runs).into())).collect();
    let reach: Map<String, Value> = tally
        .reach
        .iter()
        .map(|(probe, (runs, times))| (probe.name().to_owned(), json!({ "runs": runs, "times": times })))
        .collect();
    json!({
        "path": entry.path,
        "id": entry.id,
        "name": entry.scenario.name,
        "digest": entry.digest,
        "runs": tally.runs,
        "verdicts": verdicts,
        "met": unmet.is_empty(),
        "unmet": unmet.iter().map(Unmet::in_words).collect::<Vec<_>>(),
        "found_expected": tally.found_expected,
        "failed": tally.failed,
        "with_hazard": tally.with_hazard,
        "events": tally.events,
        "reach": reach,
        "required": entry.scenario.expect.reach.iter().map(|probe| probe.name()).collect::<Vec<_>>(),
        "faults": faults(tally.faults.iter().map(|(kind, counts)| (*kind, *counts))),
    })
}

fn faults(counts: impl Iterator<Item = (FaultKind, [u64; 3])>) -> Value {
    let of_kind = |(kind, [scheduled, fired, landed]): (FaultKind, [u64; 3])| {
        let counts = json!({ "scheduled": scheduled, "fired": fired, "landed": landed });
        (kind.name().to_owned(), counts)
    };
    Value::Object(counts.map(of_kind).collect())
}

fn pair_of((one, other): (FaultKind, FaultKind), runs: Option<u64>) -> Value {
    match runs {
        Some(runs) => json!({ "kinds": [one.name(), other.name()], "runs": runs }),
        None => json!([one.name(), other.name()]),
    }
}

fn failure(findings: &Findings<'_>, finding: &Finding) -> Value {
    let Finding { job, investigation, .. } = finding;
    let fingerprint = &investigation.fingerprint;
    let tally = findings.end.tally.scenarios.get(job.scenario);
    let of_kind = tally.and_then(|tally| tally.failures.get(fingerprint));
    let folder: Option<&str> = None;
    json!({
        "fingerprint": {
            "what": fingerprint.what,
            "clause": fingerprint.clause,
            "roles": fingerprint.roles,
        },
        "id": findings.program.failure_id(job.scenario, fingerprint),
        "scenario": findings.program.entries()[job.scenario].id,
        "seed": job.seed,
        "seeds": of_kind.map(|failure| &failure.seeds),
        "folder": folder,
        "confirmed": is_confirmed(finding),
        "faults_before": investigation.trial.plan().faults.len(),
        "faults_after": investigation.shrunk.as_ref().map(|shrunk| shrunk.trial.plan().faults.len()),
        "runs": of_kind.map(|failure| failure.runs),
        "again": line_of_a_sweep(findings.args, findings.program, *job),
    })
}
