//! A study that was never run: numbers of the kind that one gives, made by hand.

use leasehold_check::{Metric, Statistic};
use leasehold_report::Histogram;
use leasehold_report::study::{
    Advice, EachAdvice, Estimate, Everywhere, FORMAT, Figure, Gap, Met, Parameter, PointSummary, Prediction,
    PredictionStanding, RunnerUp, StudySummary, Trait, ValueAdvice,
};

const TTLS: [u64; 6] = [5, 10, 15, 20, 30, 60];
const RENEWS: [u64; 6] = [1, 2, 3, 5, 8, 13];

const RUNS: u64 = 1_000;

/// Numbers from 0 to 1 without a pattern that could be seen.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }
}

/// A study of TTL and interval, six by six but for what makes no sense.
pub(crate) fn ttl_and_interval() -> StudySummary {
    let mut points = Vec::new();
    for ttl in TTLS {
        for renew in RENEWS.into_iter().filter(|renew| renew * 3 <= ttl * 2) {
            points.push(point(ttl, renew));
        }
    }
    let place = |ttl: u64, renew: u64| {
        let values = [format!("{ttl}s"), format!("{renew}s")];
        points
            .iter()
            .position(|point: &PointSummary| point.values[..2] == values)
            .expect("all of these make sense")
    };
    let front = [(5, 1), (5, 2), (5, 3), (10, 2), (10, 3), (15, 3), (15, 5), (20, 5), (30, 8), (60, 13)];
    let front: Vec<usize> = front.map(|(ttl, renew)| place(ttl, renew)).into();
    let (chosen, default) = (place(10, 3), place(15, 5));
    let of = |metric, statistic| Trait { metric, statistic };
    StudySummary {
        format: FORMAT,
        tool: "0.1.0".to_owned(),
        name: "ttl-vs-interval".to_owned(),
        summary: "What TTL and renewal interval cost a leader election on a network that loses one message in a thousand."
            .to_owned(),
        scenario: "scenarios/holds/leader-election.toml".to_owned(),
        system: "lease".to_owned(),
        command: "leasehold tune scenarios/studies/ttl-vs-interval.toml --seeds 1000 --out reports/ttl".to_owned(),
        seeds: "0..1000".to_owned(),
        simulated: 600.0,
        parameters: vec![
            parameter("ttl", "lease.ttl", TTLS.map(|ttl| format!("{ttl}s")).into(), None),
            parameter("renew", "lease.renew", RENEWS.map(|renew| format!("{renew}s")).into(), None),
            parameter("retry", "holder.retry", Vec::new(), Some("renew/3")),
        ],
        metrics: vec![
            Metric::FailoverCrash,
            Metric::FailoverPartition,
            Metric::Handover,
            Metric::FalseExpiry,
            Metric::Unavailability,
            Metric::Load,
            Metric::Overlap,
        ],
        objectives: vec![
            "failover-crash.p99 < 15s".to_owned(),
            "false_expiry < 2/day".to_owned(),
            "load < 40/s".to_owned(),
        ],
        trade: vec![
            of(Metric::FailoverCrash, Statistic::P99),
            of(Metric::FalseExpiry, Statistic::Rate),
            of(Metric::Load, Statistic::Mean),
        ],
        points,
        front,
        default_point: Some(default),
        advice: Advice::Take {
            point: chosen,
            because: vec![
                "Of the points that meet every objective it has the shortest failover.".to_owned(),
                "Against the scenario's own values the failover is a third shorter, for 1.7 times the load.".to_owned(),
            ],
        },
    }
}

/// The same with the interval as a part of the TTL: one parameter.
pub(crate) fn ttl_alone() -> StudySummary {
    let mut study = ttl_and_interval();
    let mut kept: Vec<PointSummary> = Vec::new();
    for point in std::mem::take(&mut study.points) {
        if kept.last().is_none_or(|last| last.values[0] != point.values[0]) {
            kept.push(point);
        }
    }
    study.points = kept;
    study.parameters[1].derived = Some("ttl/5".to_owned());
    study.front = vec![0, 1, 2];
    study.default_point = Some(2);
    study.advice = Advice::Take { point: 1, because: vec!["It meets every objective.".to_owned()] };
    study
}

/// The same with a third parameter.
pub(crate) fn three_parameters() -> StudySummary {
    let mut study = ttl_and_interval();
    study
        .parameters
        .insert(2, parameter("sweep", "lease.sweep", vec!["100ms".to_owned(), "500ms".to_owned()], None));
    let two = std::mem::take(&mut study.points);
    for sweep in ["500ms", "100ms"] {
        for point in &two {
            let mut point = point.clone();
            point.values.insert(2, sweep.to_owned());
            study.points.push(point);
        }
    }
    study
}

/// The same with advice for each TTL, and names instead of intervals: another one is best for each.
pub(crate) fn best_for_each_ttl() -> StudySummary {
    let mut study = ttl_and_interval();
    let named = |value: &str| format!("a-policy-of-renewing-every-{value}");
    for point in &mut study.points {
        point.values[1] = named(&point.values[1]);
    }
    let policy = &mut study.parameters[1];
    policy.name = "policy".to_owned();
    policy.choices = policy.values.iter().map(|value| vec![format!("lease.renew = \"{value}\"")]).collect();
    policy.values.iter_mut().for_each(|value| *value = named(value));
    let values = study.parameters[0].values.clone();
    let of = |value: &String| -> Vec<usize> {
        (0..study.points.len()).filter(|&point| study.points[point].values[0] == *value).collect()
    };
    let advice = values.iter().enumerate().map(|(nth, value)| {
        let members = of(value);
        let because = vec![format!("Under `ttl = {value}` this is best."), "Next is another.".to_owned()];
        let (point, other) = (members[nth % members.len()], members[(nth + 1) % members.len()]);
        let gap = Gap { of: study.trade[0], value: 3.1, low: Some(2.9), high: Some(3.3) };
        let chance = Gap { of: study.trade[2], value: -0.5, low: Some(-1.5), high: Some(0.5) };
        ValueAdvice {
            value: value.clone(),
            front: vec![point],
            advice: match nth {
                0 => Advice::NonePasses { obstacle: 0, nearest: point, because },
                _ => Advice::Take { point, because },
            },
            equals: Vec::new(),
            runner_up: Some(RunnerUp { point: other, more: vec![gap, chance] }),
        }
    });
    let advice: Vec<ValueAdvice> = advice.collect();
    study.front = advice.iter().flat_map(|value| value.front.clone()).collect();
    let everywhere =
        Everywhere { points: study.front.clone(), meets: 5, said: "Nothing is good everywhere.".to_owned() };
    study.advice = Advice::Each(EachAdvice {
        parameter: 0,
        headline: "What is best depends on ttl".to_owned(),
        values: advice,
        everywhere,
    });
    study
}

fn parameter(name: &str, key: &str, values: Vec<String>, derived: Option<&str>) -> Parameter {
    Parameter {
        name: name.to_owned(),
        key: key.to_owned(),
        values,
        derived: derived.map(ToOwned::to_owned),
        choices: Vec::new(),
    }
}

fn point(ttl: u64, renew: u64) -> PointSummary {
    let (t, h) = (ttl as f64, renew as f64);
    let mut dice = Dice(ttl * 1_000 + renew);
    let mut failover = Histogram::default();
    let (mut sum, mut values) = (0.0, Vec::new());
    for _ in 0..2 * RUNS {
        let tail = if dice.roll() < 0.012 { dice.roll() * 2.0 } else { 0.0 };
        let value = t - h * dice.roll() + 0.5 * dice.roll() + 0.02 * dice.roll() + tail;
        failover.record((value * 1e9) as u64);
        sum += value;
        values.push(value);
    }
    values.sort_by(f64::total_cmp);
    let quantile = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    let count = values.len() as u64;
    let mut estimates = vec![sure(Statistic::Mean, sum / count as f64, 0.01)];
    for (statistic, share) in
        [(Statistic::P50, 0.5), (Statistic::P90, 0.9), (Statistic::P99, 0.99), (Statistic::P999, 0.999)]
    {
        estimates.push(sure(statistic, quantile(share), 0.02));
    }
    estimates.push(Estimate { statistic: Statistic::Max, value: quantile(1.0), low: None, high: None });
    let predictions = vec![
        Prediction {
            spread: vec![
                (t - h + 0.01, 0.0),
                (t - h + 0.51, 0.25 / h),
                (t + 0.01, 1.0 - 0.25 / h),
                (t + 0.51, 1.0),
            ],
            ..prediction(
                Statistic::Mean,
                "m·T - h/2 + σ/2 + 2c",
                t - h / 2.0 + 0.26,
                PredictionStanding::Confirmed,
            )
        },
        prediction(
            Statistic::Max,
            "d⁺ + (m·T+σ)/(1-ρ) + q + 2c + W",
            t + 0.9,
            if ttl == 60 { PredictionStanding::Refuted } else { PredictionStanding::Confirmed },
        ),
    ];
    // With more tries in a term fewer leases end by mistake.
    let rate = 0.3 / 3_600.0 * (0.02_f64).powf(t / h - 1.5);
    let happened = (rate * 600.0 * RUNS as f64) as u64;
    let false_expiry = match happened {
        0 => Estimate {
            statistic: Statistic::Rate,
            value: 0.0,
            low: Some(0.0),
            high: Some(3.7 / (600.0 * RUNS as f64)),
        },
        _ => sure(Statistic::Rate, rate, 1.96 / (happened as f64).sqrt()),
    };
    let load = sure(Statistic::Mean, 100.0 / h + 0.4, 0.003);
    let mut peak = Histogram::default();
    (0..600_u64).for_each(|second| peak.record(100 / renew + second % 7));
    let mut rare = Histogram::default();
    [t - h, t, t].iter().for_each(|seconds| rare.record((seconds * 1e9) as u64));
    let figures = vec![
        figure(Metric::FailoverCrash, count, &failover, estimates, predictions),
        figure(
            Metric::FailoverPartition,
            3,
            &rare,
            vec![Estimate { statistic: Statistic::Mean, value: t, low: None, high: None }],
            vec![prediction(Statistic::Mean, "m·T - h/2", t - h / 2.0, PredictionStanding::Open)],
        ),
        figure(Metric::Handover, 0, &Histogram::default(), Vec::new(), Vec::new()),
        figure(Metric::FalseExpiry, happened, &Histogram::default(), vec![false_expiry], Vec::new()),
        figure(
            Metric::Unavailability,
            count,
            &Histogram::default(),
            vec![sure(Statistic::Share, (t - h / 2.0) * 2.0 / 600.0, 0.05)],
            Vec::new(),
        ),
        figure(
            Metric::Load,
            600 * RUNS,
            &peak,
            vec![load, Estimate { statistic: Statistic::Max, value: 100.0 / h + 7.0, low: None, high: None }],
            vec![prediction(Statistic::Mean, "N/h", 100.0 / h, PredictionStanding::Confirmed)],
        ),
        figure(Metric::Overlap, 0, &Histogram::default(), Vec::new(), Vec::new()),
    ];
    let objectives = vec![
        if quantile(0.99) < 14.0 { Met::Surely } else { Met::Missed },
        match rate * 86_400.0 {
            rate if rate < 1.5 => Met::Surely,
            rate if rate < 2.0 => Met::Probably,
            _ => Met::Missed,
        },
        if 100.0 / h + 0.4 < 40.0 { Met::Surely } else { Met::Missed },
    ];
    PointSummary {
        values: vec![format!("{ttl}s"), format!("{renew}s"), format!("{:.3}s", h / 3.0)],
        runs: RUNS,
        failed: if (ttl, renew) == (20, 13) { 4 } else { 0 },
        hazards: 10,
        figures,
        objectives,
    }
}

fn figure(
    metric: Metric,
    count: u64,
    histogram: &Histogram,
    estimates: Vec<Estimate>,
    predictions: Vec<Prediction>,
) -> Figure {
    let runs = count.min(RUNS);
    Figure { metric, count, runs, histogram: histogram.to_string(), open: None, estimates, predictions }
}

fn sure(statistic: Statistic, value: f64, share: f64) -> Estimate {
    Estimate {
        statistic,
        value,
        low: Some((value * (1.0 - share)).max(0.0)),
        high: Some(value * (1.0 + share)),
    }
}

fn prediction(statistic: Statistic, formula: &str, value: f64, standing: PredictionStanding) -> Prediction {
    Prediction { statistic, formula: formula.to_owned(), value, standing, spread: Vec::new() }
}
