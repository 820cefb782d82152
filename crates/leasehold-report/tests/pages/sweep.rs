//! A sweep that was never run.

use leasehold_report::sweep_page::{
    Agreement, CallLine, ConfirmedLine, Counted, FailureLine, FaultLine, PairCount, ReachLine, ScenarioLine,
    SweepPage,
};

/// Two scenarios, one of which failed in two ways.
pub(crate) fn two_failures() -> SweepPage {
    let text = |text: &str| text.to_owned();
    let counted = |name: &str, count| Counted { name: text(name), count };
    let failure = |what: &str, slug: &str, runs| FailureLine {
        what: text(what),
        scenario: text("lease"),
        runs,
        seeds: vec![3, 14, 15, 92, 65, 35],
        folder: Some(format!("failures/lease-{slug}")),
        timeline: Some(format!("failures/lease-{slug}/timeline.html")),
        lines: vec![
            text("leasehold run scenarios/lease.toml --seed 3 --chaos"),
            format!("leasehold replay failures/lease-{slug}"),
        ],
    };
    let call = |id: &str, invariant: &str, left, of| CallLine {
        id: text(id),
        invariant: text(invariant),
        left,
        of,
        scenario: text("lease seed 7"),
        line: text("leasehold run scenarios/lease.toml --seed 7 --chaos"),
    };
    let place = |place: &str, runs, missed: &[&str]| ReachLine {
        place: text(place),
        runs,
        missed_in: missed.iter().map(ToString::to_string).collect(),
    };
    let fault = |kind: &str, [scheduled, fired, landed]: [u64; 3]| FaultLine {
        kind: text(kind),
        scheduled,
        fired,
        landed,
    };
    let pair = |one: &str, other: &str, runs| PairCount { one: text(one), other: text(other), runs };
    let scenario = |id: &str, failed, unmet: &[&str]| ScenarioLine {
        id: text(id),
        path: format!("scenarios/{id}.toml"),
        expects: text("that all invariants hold"),
        runs: 45,
        failed,
        hazards: 4,
        verdicts: vec![counted("pass", 45 - failed), counted("violation", failed)],
        unmet: unmet.iter().map(ToString::to_string).collect(),
    };
    SweepPage {
        tool: text("0.1.0"),
        seeds: text("0..50"),
        command: text("leasehold sweep scenarios/lease.toml scenarios/fleet.toml --seeds 0..50"),
        standing: text("failed"),
        incomplete: Some(text("90 of 100 runs are there; interrupted")),
        runs: 90,
        failed: 12,
        simulated: 5_400.0,
        verdicts: vec![counted("pass", 78), counted("violation", 12)],
        scenarios: vec![
            scenario("lease", 12, &["12 runs failed", "granted-from-queue was never reached"]),
            scenario("fleet", 0, &[]),
        ],
        reach: vec![
            place("taken-over", 80, &[]),
            place("granted-from-queue", 0, &["lease"]),
            place("view-resynced", 0, &[]),
        ],
        faults: vec![fault("pause", [90, 80, 75]), fault("partition", [40, 40, 0])],
        pairs: vec![
            pair("partition", "partition", 0),
            pair("partition", "pause", 12),
            pair("pause", "pause", 0),
        ],
        closest: vec![call("I1", "exclusivity", 0.0123, Some(0.094)), call("I23", "liveness", 4.5, None)],
        failures: vec![
            failure("fencing, accepted-older-token, of holder", "fencing-accepted-older-token-of-holder", 10),
            failure("exclusivity, overlap, of holder", "exclusivity-overlap-of-holder", 2),
        ],
        confirmed: None,
    }
}

/// The same, after turmoil was asked about three runs.
pub(crate) fn confirmed() -> SweepPage {
    let run = |run: &str, here: &str, there: &str, agreement, lines: &[&str]| ConfirmedLine {
        run: run.to_owned(),
        here: here.to_owned(),
        there: there.to_owned(),
        agreement,
        lines: lines.iter().map(ToString::to_string).collect(),
    };
    let both = ["leasehold run a --engine sim", "leasehold run a --engine turmoil"];
    SweepPage {
        confirmed: Some(vec![
            run("lease seed 3", "fencing, of holder", "the same", Agreement::Same, &[]),
            run("lease seed 4", "pass", "not expressible: torn writes", Agreement::Unknown, &[]),
            run("lease seed 5", "pass", "exclusivity, of holder", Agreement::Other, &both),
        ]),
        ..two_failures()
    }
}
