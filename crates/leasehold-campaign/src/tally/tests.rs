use leasehold_core::Span;
use leasehold_core::plan::Role;
use leasehold_report::Amount;
use leasehold_scenario::{Digest, Digester};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::record::{FaultCount, InvariantCount, MeasureCount};

fn some_digest() -> Digest {
    Digester::default().finish()
}

fn fingerprints() -> impl Strategy<Value = Vec<Fingerprint>> {
    let fingerprint = |(what, clause): (&str, &str)| Fingerprint {
        what: what.to_owned(),
        clause: clause.to_owned(),
        roles: vec![Role::Contender],
    };
    let all = [("fencing", "a"), ("fencing", "b"), ("panic", "x"), ("liveness", "")].map(fingerprint);
    prop_oneof![2 => Just(vec![]), 1 => subsequence(all.to_vec(), 1..3).prop_shuffle()]
}

fn closest() -> impl Strategy<Value = Option<ClosestCall>> {
    let of = prop_oneof![Just(None), (0_u64..4).prop_map(|of| Some(Span::from_nanos(of)))];
    let call = (0_u64..4, of).prop_map(|(left, of)| ClosestCall { left: Span::from_nanos(left), of });
    prop::option::of(call)
}

fn measures() -> impl Strategy<Value = Vec<MeasureCount>> {
    let count = |(metric, values, bound): (Metric, Vec<u64>, u64)| {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.record(*value));
        let worst = values.iter().copied().max().unwrap_or(0);
        MeasureCount {
            metric,
            in_bound: values.len() as u64,
            outside: bound,
            violated: 0,
            worst,
            nearest: Some(Nearest { measured: worst, bound }),
            times: (bound > 1).then(|| Times { in_bound: Span::from_nanos(worst), ..Times::default() }),
            histogram,
        }
    };
    let one = (select(Metric::JUDGED.to_vec()), prop::collection::vec(0_u64..9_000, 0..4), 0_u64..4);
    prop::collection::vec(one.prop_map(count), 0..2)
}

fn budgets() -> impl Strategy<Value = Vec<(Metric, Amount)>> {
    let amounts = ["1/1/13/2/169/26/4/13/2/7:6+7", "1/1/20/1/400/20/1/20/1/20:20"];
    let one = select(amounts.map(|text| text.parse::<Amount>().unwrap()).to_vec());
    prop::collection::vec(one.prop_map(|amount| (Metric::Failover, amount)), 0..2)
}

prop_compose! {
    /// A record of any run; its position is set by whoever makes many.
    fn any_record()(
        scenario in 0_usize..3,
        seed in 0_u64..30,
        verdict in select(Verdict::ALL.to_vec()),
        differs: bool,
        counts in prop::array::uniform3(0_u32..3),
        kinds in subsequence(FaultKind::ALL.to_vec(), 0..4),
        probes in subsequence(Probe::ALL.to_vec(), 0..4),
        invariants in subsequence(Invariant::ALL.to_vec(), 0..4),
        call in closest(),
        measures in measures(),
        budgets in budgets(),
        failed in fingerprints(),
        found_expected: bool,
    ) -> RunRecord {
        let [scheduled, fired, landed] = counts;
        RunRecord {
            position: 0,
            scenario,
            seed,
            verdict,
            digest: some_digest(),
            second_digest: differs.then(some_digest),
            events: u64::from(scheduled),
            simulated_ns: u64::MAX,
            faults: kinds.iter().map(|&kind| FaultCount { kind, scheduled, fired, landed }).collect(),
            pairs: kinds.iter().map(|&kind| (kinds[0], kind)).collect(),
            reach: probes.iter().map(|&probe| (probe, u64::from(fired) + 1)).collect(),
            hazards: u64::from(landed),
            invariants: invariants
                .iter()
                .map(|&invariant| InvariantCount {
                    invariant,
                    judged: u64::from(scheduled),
                    excused: u64::from(fired),
                    violations: u64::from(landed),
                    closest: call,
                })
                .collect(),
            measures,
            budgets: Measured::of_run(budgets),
            failed,
            found_expected,
        }
    }
}

fn many_records() -> impl Strategy<Value = Vec<RunRecord>> {
    prop::collection::vec(any_record(), 0..60).prop_map(|mut records| {
        for (position, record) in (0..).zip(&mut records) {
            record.position = position;
        }
        records
    })
}

fn sum(records: &[RunRecord]) -> Tally {
    let mut tally = Tally::default();
    for record in records {
        tally.add(record);
    }
    tally
}

proptest! {
    #[test]
    fn a_sum_is_the_same_in_any_order(
        (one, other) in many_records().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle()))
    ) {
        prop_assert_eq!(sum(&one), sum(&other));
    }

    #[test]
    fn a_sum_counts_every_run_once(records in many_records()) {
        let tally = sum(&records);
        prop_assert_eq!(tally.runs(), records.len() as u64);
        let failing = records.iter().filter(|record| !record.failed.is_empty());
        prop_assert_eq!(tally.failed(), failing.clone().count() as u64);
        let by_fingerprint: u64 = tally
            .scenarios
            .iter()
            .flat_map(|scenario| scenario.failures.values())
            .map(|failure| failure.runs)
            .sum();
        prop_assert_eq!(by_fingerprint, tally.failed());
        let measured = tally.scenarios.iter().flat_map(|scenario| scenario.measures.values());
        let counted = records.iter().flat_map(|record| &record.measures);
        prop_assert_eq!(
            measured.clone().map(|measure| measure.histogram.count()).sum::<u64>(),
            counted.clone().map(|count| count.histogram.count()).sum::<u64>()
        );
        prop_assert_eq!(measured.clone().map(|m| m.worst).max(), counted.clone().map(|c| c.worst).max());
        for record in failing {
            let failure = &tally.scenarios[record.scenario].failures[&record.failed[0]];
            prop_assert!(failure.first <= record.position);
            prop_assert!(failure.seeds.len() == KEPT_SEEDS || failure.seeds.contains(&record.seed));
        }
    }

    #[test]
    fn how_close_calls_were_is_a_total_order(calls in prop::collection::vec(closest(), 3)) {
        let [Some(a), Some(b), Some(c)] = calls[..] else { return Ok(()) };
        prop_assert_eq!(closer(&a, &b), closer(&b, &a).reverse());
        prop_assert_eq!(closer(&a, &b).is_eq(), a == b);
        if closer(&a, &b).is_le() && closer(&b, &c).is_le() {
            prop_assert!(closer(&a, &c).is_le());
        }
    }
}

#[test]
fn the_nearest_is_the_greatest_share_then_the_longer_bound_then_the_first_seed() {
    let nearest = |measured, bound, seed| (Nearest { measured, bound }, seed);
    for (chosen, other) in [
        (nearest(9, 10, 5), nearest(80, 100, 1)),
        (nearest(90, 100, 5), nearest(9, 10, 1)),
        (nearest(9, 10, 1), nearest(9, 10, 5)),
        (nearest(1, 0, 5), nearest(0, 0, 1)),
    ] {
        assert_eq!((nearer(chosen, other), nearer(other, chosen)), (chosen, chosen));
    }
}

#[test]
fn the_closest_call_is_the_one_with_the_least_share_left() {
    let call =
        |left, of| ClosestCall { left: Span::from_nanos(left), of: (of > 0).then(|| Span::from_nanos(of)) };
    for (closest, others) in [
        (call(5, 1_000), &[call(4, 100), call(1, 0), call(6, 1_000)][..]),
        (call(0, 9), &[call(1, u64::MAX), call(0, 0)]),
        (call(1, 0), &[call(2, 0)]),
        (call(1, u64::MAX), &[call(2, u64::MAX)]),
    ] {
        for other in others {
            assert!(closer(&closest, other).is_lt(), "{closest:?} {other:?}");
        }
    }
}

#[test]
fn what_is_kept_of_a_failure_does_not_grow() {
    let failed = vec![Fingerprint { what: "fencing".to_owned(), clause: String::new(), roles: vec![] }];
    let mut tally = Tally::default();
    let mut record = RunRecord {
        position: 0,
        scenario: 0,
        seed: 0,
        verdict: Verdict::NotDeterministic,
        digest: some_digest(),
        second_digest: Some(some_digest()),
        events: 1,
        simulated_ns: 1,
        faults: vec![],
        pairs: vec![],
        reach: vec![],
        hazards: 0,
        invariants: vec![],
        measures: vec![],
        budgets: leasehold_report::Measured::default(),
        failed,
        found_expected: false,
    };
    for position in (0..1_000).rev() {
        record.position = position;
        record.seed = position;
        let novelty = tally.add(&record);
        assert_eq!(novelty == Novelty::NewFailure, position == 999);
    }
    let failure = tally.scenarios[0].failures.values().next().unwrap();
    assert_eq!((failure.runs, failure.first), (1_000, 0));
    assert!(failure.seeds.iter().copied().eq(0..KEPT_SEEDS as u64), "{:?}", failure.seeds);
    assert_eq!(tally.not_deterministic.len(), KEPT_NOT_DETERMINISTIC);
    assert_eq!(tally.not_deterministic(), 1_000);
}

#[test]
fn kinds_of_failure_are_bounded_and_the_rest_is_counted() {
    let record = |position: u64, kind: u64| {
        let clause = format!("text {kind}");
        let failed = vec![Fingerprint { what: "panic".to_owned(), clause, roles: vec![] }];
        RunRecord {
            position,
            scenario: 0,
            seed: position,
            verdict: Verdict::Panic,
            digest: some_digest(),
            second_digest: None,
            events: 0,
            simulated_ns: 0,
            faults: vec![],
            pairs: vec![],
            reach: vec![],
            hazards: 0,
            invariants: vec![],
            measures: vec![],
            budgets: leasehold_report::Measured::default(),
            failed,
            found_expected: false,
        }
    };
    let mut tally = Tally::default();
    let novel = (0..1_000).filter(|&run| tally.add(&record(run, run)) == Novelty::NewFailure).count();
    assert_eq!(novel, KEPT_KINDS, "no more are looked into");
    assert_eq!(tally.add(&record(1_000, 7)), Novelty::NothingNew);
    let scenario = &tally.scenarios[0];
    assert_eq!((scenario.failures.len(), scenario.failed), (KEPT_KINDS, 1_001));
    assert_eq!(scenario.failed_otherwise(), 1_000 - KEPT_KINDS as u64);
    assert!(scenario.failures.values().all(|failure| failure.first < KEPT_KINDS as u64));
}
