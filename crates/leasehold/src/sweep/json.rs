//! A sweep as one JSON object. Its fields are stable; new ones may be added.

use leasehold_campaign::{Confirmed, MeasureSummary, ScenarioTally, Unmet};
use leasehold_core::plan::FaultKind;
use serde_json::{Map, Value, json};

use super::findings::{Again, Failure, Findings};
use super::totals::Totals;

/// All of it.
pub(crate) fn object(findings: &Findings) -> Value {
    let Findings { order, tally, .. } = findings;
    let totals = Totals::of(tally);
    let none = ScenarioTally::default();
    let scenarios = (0..order.scenarios.len())
        .map(|place| scenario(findings, place, tally.scenarios.get(place).unwrap_or(&none)));
    let reach: Map<String, Value> =
        totals.reach.iter().map(|(probe, runs)| (probe.name().to_owned(), (*runs).into())).collect();
    let verdicts: Map<String, Value> =
        totals.verdicts.iter().map(|(verdict, runs)| (verdict.name().to_owned(), (*runs).into())).collect();
    let closest: Vec<Value> = findings
        .closest()
        .iter()
        .map(|(invariant, (call, scenario, seed))| {
            json!({
                "invariant": invariant.name(),
                "left_ns": call.left,
                "of_ns": call.of,
                "scenario": order.scenarios[*scenario].id,
                "seed": seed,
            })
        })
        .collect();
    let possible = findings.possible_pairs();
    let missing = possible.iter().filter(|pair| !totals.pairs.contains_key(*pair));
    json!({
        "runs": totals.runs,
        "seconds": findings.pace.map(|pace| pace.elapsed.as_secs_f64()),
        "simulated_seconds": totals.simulated_seconds(),
        "jobs": findings.pace.map(|pace| pace.jobs),
        "seeds": { "from": order.seeds.0, "to": order.seeds.1 },
        "complete": findings.is_complete(),
        "results": findings.kept_in,
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
        "failures": findings.failures.iter().map(|found| failure(findings, found)).collect::<Vec<_>>(),
        "left_out": order.left_out,
        "confirmed": findings.confirmed.as_ref().map(|runs| {
            runs.iter().map(|run| confirmed(findings, run)).collect::<Vec<_>>()
        }),
        "digest_audits": {
            "runs": findings.audited,
            "different": tally.not_deterministic(),
            "first": tally.not_deterministic.iter().map(|(scenario, seed)| {
                json!({ "scenario": order.scenarios[*scenario].id, "seed": seed })
            }).collect::<Vec<_>>(),
        },
        "proves": findings.proves().map(|(runs, rate)| {
            json!({ "runs": runs, "rate_below": rate, "confidence": 0.95 })
        }),
        "broken": findings.broken.iter().map(|broken| {
            let scenario = &order.scenarios[broken.job.scenario].id;
            json!({ "scenario": scenario, "seed": broken.job.seed, "panic": broken.message })
        }).collect::<Vec<_>>(),
    })
}

fn confirmed(findings: &Findings, run: &Confirmed) -> Value {
    let dissents = run.agreement.is_dissent();
    json!({
        "scenario": findings.order.scenarios[run.scenario].id,
        "seed": run.seed,
        "failed": run.failed,
        "agreement": run.agreement,
        "again": dissents.then(|| findings.both_lines(run)),
    })
}

fn scenario(findings: &Findings, place: usize, tally: &ScenarioTally) -> Value {
    let entry = &findings.order.scenarios[place];
    let unmet = &findings.unmet[place];
    let verdicts: Map<String, Value> =
        tally.verdicts.iter().map(|(verdict, runs)| (verdict.name().to_owned(), (*runs).into())).collect();
    let reach: Map<String, Value> = tally
        .reach
        .iter()
        .map(|(probe, (runs, times))| (probe.name().to_owned(), json!({ "runs": runs, "times": times })))
        .collect();
    let measures: Map<String, Value> = tally
        .measures
        .iter()
        .map(|(metric, tally)| (metric.name().to_owned(), json!(MeasureSummary::of(*metric, tally))))
        .collect();
    json!({
        "path": entry.path,
        "id": entry.id,
        "engine": entry.engine,
        "name": entry.name,
        "digest": entry.digest,
        "runs": tally.runs,
        "verdicts": verdicts,
        "met": unmet.is_empty(),
        "unmet": unmet.iter().map(Unmet::in_words).collect::<Vec<_>>(),
        "found_expected": tally.found_expected,
        "failed": tally.failed,
        "failed_otherwise": tally.failed_otherwise(),
        "with_hazard": tally.with_hazard,
        "events": tally.events,
        "reach": reach,
        "forbidden": entry.never.iter().map(|probe| probe.name()).collect::<Vec<_>>(),
        "required": entry.reach.iter().map(|probe| probe.name()).collect::<Vec<_>>(),
        "faults": faults(tally.faults.iter().map(|(kind, counts)| (*kind, *counts))),
        "measures": measures,
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

fn failure(findings: &Findings, failure: &Failure) -> Value {
    let Failure { job, fingerprint, .. } = failure;
    let tally = findings.tally.scenarios.get(job.scenario);
    let of_kind = tally.and_then(|tally| tally.failures.get(fingerprint));
    json!({
        "fingerprint": {
            "what": fingerprint.what,
            "clause": fingerprint.clause,
            "roles": fingerprint.roles,
        },
        "id": findings.order.failure_id(job.scenario, fingerprint),
        "scenario": findings.order.scenarios[job.scenario].id,
        "seed": job.seed,
        "seeds": of_kind.map(|failure| &failure.seeds),
        "folder": failure.folder,
        "confirmed": failure.confirmation == Again::Same,
        "faults_before": failure.before,
        "faults_after": failure.shrunk.map(|(after, _)| after),
        "runs": of_kind.map(|failure| failure.runs),
        "again": findings.line_of(failure),
    })
}
