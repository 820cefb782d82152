//! Orders and runs for tests.

use std::path::Path;

use leasehold_check::{ClosestCall, Invariant, Metric, Nearest, Times, Unit, Verdict};
use leasehold_core::event::Probe;
use leasehold_core::plan::{FaultKind, Role};
use leasehold_core::time::Span;
use leasehold_report::{Amount, Histogram, Measured};
use leasehold_scenario::{Digest, HazardPolicy};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{Expects, FaultSource, Order, OrderedScenario, Replace, ResultsWriter, VariantName};
use crate::fingerprint::Fingerprint;
use crate::record::{FaultCount, InvariantCount, MeasureCount, RunRecord};
use crate::shard::Shard;

/// A sweep with these scenarios, those that leave nothing open marked by a `!`.
pub(crate) fn order(scenarios: &[&str], seeds: (u64, u64)) -> Order {
    let scenario = |mark: &&str| {
        let name = mark.trim_end_matches('!');
        OrderedScenario {
            path: format!("scenarios/{name}.toml"),
            name: name.to_owned(),
            id: name.to_owned(),
            digest: blake3::hash(name.as_bytes()).to_hex().to_string(),
            explicit: mark.ends_with('!'),
            engine: "sim".to_owned(),
            faults: if mark.ends_with('!') { FaultSource::Scripted } else { FaultSource::Random },
            expects: Expects::Pass,
            violation: None,
            also: Vec::new(),
            hazard: HazardPolicy::Allowed,
            reach: Vec::new(),
            never: Vec::new(),
            budgets: Vec::new(),
            invariants: vec![Invariant::Exclusivity, Invariant::Fencing, Invariant::Liveness],
            kinds: vec![FaultKind::Pause, FaultKind::WallStep],
        }
    };
    Order {
        tool: "0.0.0".to_owned(),
        program: "leasehold".to_owned(),
        seeds,
        engine: None,
        faults: FaultSource::Random,
        variant: VariantName::AsWritten,
        overlays: Vec::new(),
        audit_ppm: 50_000,
        ignore_expect: false,
        scenarios: scenarios.iter().map(scenario).collect(),
        left_out: Vec::new(),
        confirm: None,
    }
}

/// A run that is fine.
pub(crate) fn fine(order: &Order, position: u64) -> RunRecord {
    let (scenario, seed) = order.job(position);
    RunRecord {
        position,
        scenario,
        seed,
        verdict: Verdict::Pass,
        digest: digest(position),
        second_digest: None,
        events: 100 + position,
        simulated_ns: 60_000_000_000,
        faults: vec![FaultCount { kind: FaultKind::Pause, scheduled: 2, fired: 1, landed: 1 }],
        pairs: Vec::new(),
        reach: vec![(Probe::TakenOver, 1 + position % 3)],
        hazards: 0,
        invariants: vec![InvariantCount {
            invariant: Invariant::Fencing,
            judged: 10,
            excused: 0,
            violations: 0,
            closest: None,
        }],
        measures: Vec::new(),
        budgets: Measured::default(),
        failed: Vec::new(),
        found_expected: false,
    }
}

/// What a few lookups came to.
pub(crate) fn staleness() -> MeasureCount {
    let mut histogram = Histogram::default();
    for (value, times) in [(29, 1), (30, 10), (40, 2)] {
        histogram.record_times(value, times);
    }
    let nanos = Span::from_nanos;
    MeasureCount {
        metric: Metric::Staleness,
        in_bound: 12,
        outside: 1,
        violated: 0,
        worst: 40,
        nearest: Some(Nearest { measured: 30, bound: 50 }),
        times: Some(Times { in_bound: nanos(300), outside: nanos(9), violated: nanos(0) }),
        histogram,
    }
}

/// A run that violated fencing.
pub(crate) fn bad(order: &Order, position: u64) -> RunRecord {
    let mut record = fine(order, position);
    record.verdict = Verdict::Violation;
    record.invariants[0].violations = 1;
    record.failed = vec![fencing()];
    record
}

pub(crate) fn fencing() -> Fingerprint {
    Fingerprint {
        what: "fencing".to_owned(),
        clause: "accepted-older-token".to_owned(),
        roles: vec![Role::Contender, Role::Resource],
    }
}

pub(crate) fn digest(of: u64) -> Digest {
    blake3::hash(&of.to_le_bytes()).to_hex().parse().unwrap()
}

/// Stores what a failure's folder could hold.
pub(crate) fn store(position: u64) -> impl Fn(&Path) -> std::io::Result<()> {
    move |folder: &Path| {
        std::fs::create_dir(folder)?;
        std::fs::write(folder.join("plan.toml"), format!("# position {position}\n"))
    }
}

/// A folder with these runs, and the first failure of each kind.
pub(crate) fn write(dir: &Path, order: &Order, shard: Shard, records: &[RunRecord]) {
    let mut writer = ResultsWriter::create(dir, order.clone(), shard, Replace::Never).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for record in records {
        writer.record(record);
        if let Some(first) = record.failed.first()
            && seen.insert((record.scenario, first.clone()))
        {
            writer.failure(record.position, first, store(record.position));
        }
    }
    let complete = writer.rest().is_empty();
    let kept = writer.finish((!complete).then(|| "interrupted".to_owned()), None).unwrap();
    assert!(kept.broken.is_none());
}

/// Any run at this position.
pub(crate) fn any_record(order: &Order, position: u64) -> impl Strategy<Value = RunRecord> + use<> {
    let (scenario, seed) = order.job(position);
    let kinds = || select(FaultKind::ALL.to_vec());
    let verdict = select(Verdict::ALL.to_vec());
    let digests = (any::<u64>(), option::weighted(0.1, any::<u64>()));
    let faults = btree_map(kinds(), any::<(u32, u32, u32)>(), 0..4);
    let pairs = btree_set((kinds(), kinds()), 0..4);
    let reach = btree_map(select(Probe::ALL.to_vec()), any::<u64>(), 0..4);
    let call = (any::<u64>(), option::of(any::<u64>()));
    let counts = (0..1_000_u64, 0..1_000_u64, 0..1_000_u64, option::of(call));
    let invariants = btree_map(select(Invariant::ALL.to_vec()), counts, 0..4);
    let failed = prop_oneof![2 => Just(Vec::new()), 1 => vec(any_fingerprint(), 1..3)];
    let measures = (any_measures(), any_budgets());
    let numbers = (0..1_000_000_u64, 0..1_000_000_000_000_u64, 0..100_u64, any::<bool>());
    (verdict, digests, faults, pairs, reach, invariants, measures, failed, numbers).prop_map(
        move |(verdict, digests, faults, pairs, reach, invariants, measures, failed, numbers)| {
            let (events, simulated_ns, hazards, found_expected) = numbers;
            let (measures, budgets) = measures;
            RunRecord {
                position,
                scenario,
                seed,
                verdict,
                digest: digest(digests.0),
                second_digest: digests.1.map(digest),
                events,
                simulated_ns,
                faults: faults
                    .into_iter()
                    .map(|(kind, (scheduled, fired, landed))| FaultCount { kind, scheduled, fired, landed })
                    .collect(),
                pairs: pairs.into_iter().collect(),
                reach: reach.into_iter().map(|(probe, count)| (probe, count % 1_000)).collect(),
                hazards,
                invariants: invariants
                    .into_iter()
                    .map(|(invariant, (judged, excused, violations, call))| InvariantCount {
                        invariant,
                        judged,
                        excused,
                        violations,
                        closest: call.map(|(left, of)| ClosestCall {
                            left: Span::from_nanos(left),
                            of: of.map(Span::from_nanos),
                        }),
                    })
                    .collect(),
                measures,
                budgets,
                failed,
                found_expected,
            }
        },
    )
}

/// What budgets are about: written amounts, because only a meter makes others.
fn any_budgets() -> impl Strategy<Value = Measured> {
    let amounts = [
        (Metric::Failover, "1/1/13/2/169/26/4/13/2/7:6+7"),
        (Metric::FalseExpiry, "1/0/0/600/0/0/360000/0/600/0"),
        (Metric::Load, "1/1/2000000/1/4000000000000/2000000/1/2000000/1/2000000:1953p10"),
    ];
    let amounts = amounts.map(|(metric, text)| (metric, text.parse::<Amount>().unwrap()));
    subsequence(amounts.to_vec(), 0..=3).prop_map(Measured::of_run)
}

fn any_measures() -> impl Strategy<Value = Vec<MeasureCount>> {
    let numbers = (0..1_000_u64, 0..1_000_u64, 0..1_000_u64, 0..1_u64 << 50);
    let nearest = option::of((0..1_u64 << 50, 0..1_u64 << 50));
    let values = vec((0..1_u64 << 51, 1..1_000_u64), 0..8);
    let of_one = (numbers, nearest, any::<[u32; 3]>(), values);
    btree_map(select(Metric::JUDGED.to_vec()), of_one, 0..3).prop_map(|measures| {
        let count = |(metric, (numbers, nearest, times, values)): (Metric, _)| {
            let (in_bound, outside, violated, worst) = numbers;
            let nearest: Option<(u64, u64)> = nearest;
            let [one, two, three] = <[u32; 3]>::map(times, |nanos| Span::from_nanos(nanos.into()));
            let mut histogram = Histogram::default();
            Vec::into_iter(values).for_each(|(value, times)| histogram.record_times(value, times));
            MeasureCount {
                metric,
                in_bound,
                outside,
                violated,
                worst,
                nearest: nearest.map(|(measured, bound)| Nearest { measured, bound }),
                times: (metric.unit() == Unit::Nanoseconds).then_some(Times {
                    in_bound: one,
                    outside: two,
                    violated: three,
                }),
                histogram,
            }
        };
        measures.into_iter().map(count).collect()
    })
}

/// Of the few kinds that turn up again and again, and of panics that say anything.
fn any_fingerprint() -> impl Strategy<Value = Fingerprint> {
    let roles = || vec(select(Role::ALL.to_vec()), 0..3);
    let panic = "[ -~%/;,\"\n\r\t\u{e9}]{0,12}".prop_map(|clause| ("panic".to_owned(), clause));
    let known =
        select(vec![("fencing", "a"), ("fencing", "b"), ("livelock", ""), ("hazard", "claims-overlapped")]);
    let known = known.prop_map(|(what, clause)| (what.to_owned(), clause.to_owned()));
    (prop_oneof![3 => known, 1 => panic], roles()).prop_map(|((what, clause), mut roles)| {
        roles.sort();
        roles.dedup();
        Fingerprint { what, clause, roles }
    })
}
