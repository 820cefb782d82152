//! Whether what was measured keeps to the budgets of a scenario.

use std::fmt;

use leasehold_check::{Kind, Metric, Statistic, Unit, Verdict};
use leasehold_scenario::{Engine, Expect, Goal, Report, Trial};

use crate::measured::Measured;
use crate::meter::Meter;
use crate::study::{Estimate, Met, Open};

/// A budget, held against what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// What is asked for.
    pub goal: Goal,
    /// Whether it is met.
    pub met: Met,
    /// The number that was measured; nothing if nothing was.
    pub measured: Option<Estimate>,
    /// What did not end; then it may be that of the number only the least is known that it can be.
    pub open: Option<Open>,
    /// Whether that is so.
    known: Known,
}

/// What is known of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Exactly,
    AtLeast,
}

impl Budget {
    /// Holds budgets against what was measured.
    pub fn judge(goals: &[Goal], measured: &Measured) -> Vec<Self> {
        let one = |goal: &Goal| {
            let figure = measured.figure(goal.metric, &[]);
            let estimate = figure.estimate(goal.statistic).copied();
            let known = if figure.is_open(goal.statistic) { Known::AtLeast } else { Known::Exactly };
            Self { goal: goal.clone(), met: figure.meets(goal), measured: estimate, open: figure.open, known }
        };
        goals.iter().map(one).collect()
    }

    /// What a verdict becomes by it. Of nothing that was measured nobody knows whether it keeps to a limit.
    fn verdict(&self) -> Verdict {
        match self.met {
            Met::Surely | Met::Probably => Verdict::Pass,
            Met::Missed => Verdict::BudgetMissed,
            Met::Unmeasured => Verdict::Inconclusive,
        }
    }

    /// How it is not met, in words; nothing if it is.
    pub fn unmet(&self) -> Option<String> {
        matches!(self.met, Met::Missed | Met::Unmeasured).then(|| self.to_string())
    }

    /// `failover.p99 < 15s: measured 17.25 s`, or that nothing was.
    pub fn told(&self) -> String {
        match &self.measured {
            Some(estimate) => {
                let value = in_words(self.goal.metric, self.goal.statistic, estimate.value);
                match (self.known, self.open) {
                    (Known::AtLeast, Some(open)) => {
                        format!("{}: measured at least {value}, {} did not end", self.goal, open.count)
                    }
                    _ => format!("{}: measured {value}", self.goal),
                }
            }
            None => format!("{}: nothing was measured", self.goal),
        }
    }
}

/// What is [told](Budget::told), as a part of a sentence.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "budget {}", self.told())
    }
}

/// The meter that a run's budgets need; nothing if it has none, or if nobody asks for them.
pub fn meter_of_budgets(trial: &Trial, engine: Engine) -> Option<Meter> {
    let wanted = metrics_of(&trial.scenario().expect);
    (!wanted.is_empty()).then(|| Meter::of(trial, engine, &wanted))
}

/// The metrics that budgets are about.
pub fn metrics_of(expect: &Expect) -> Vec<Metric> {
    expect.budgets.iter().map(|goal| goal.metric).collect()
}

/// Judges a run's budgets at its end, and has its report say so. A run that a panic or a livelock broke off measured
/// nothing that its budgets are about.
pub fn judge_budgets(report: &mut Report, expect: &Expect, meter: Option<Meter>) -> Vec<Budget> {
    let Some(meter) = meter.filter(|_| report.verdict < Verdict::NotDeterministic) else { return Vec::new() };
    let budgets = Budget::judge(&expect.budgets, &meter.finish(report.outcome.ended_at));
    for budget in &budgets {
        report.verdict = report.verdict.max(budget.verdict());
        report.unmet.extend(budget.unmet());
    }
    budgets
}

/// A number as people read it, with its unit: `13.4 s`, `0.2/day`, `412/s`, `0.03 %`.
pub fn in_words(metric: Metric, statistic: Statistic, value: f64) -> String {
    match (metric.kind(), metric.unit()) {
        _ if statistic == Statistic::Share => format!("{} %", digits(value * 100.0)),
        (Kind::Count, _) => {
            let (times, per) = match value {
                per_second if per_second >= 1.0 => (1.0, "s"),
                per_second if per_second * 3_600.0 >= 1.0 => (3_600.0, "h"),
                _ => (86_400.0, "day"),
            };
            format!("{}/{per}", digits(value * times))
        }
        (_, Unit::PerSecond) => format!("{}/s", digits(value)),
        (_, Unit::Nanoseconds) => format!("{} s", digits(value)),
        _ => digits(value),
    }
}

/// A number with four digits that say something, and no more zeros than it takes.
fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let before = libm::floor(libm::log10(value.abs())) as i32 + 1;
    let decimals = usize::try_from((4 - before).clamp(0, 12)).expect("it is not negative");
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::Amount;

    #[test]
    fn numbers_are_told_with_their_units() {
        for (metric, statistic, value, told) in [
            (Metric::Failover, Statistic::P99, 13.4, "13.4 s"),
            (Metric::Failover, Statistic::Max, 0.000_123_456, "0.0001235 s"),
            (Metric::FalseExpiry, Statistic::Rate, 3.0 / 86_400.0, "3/day"),
            (Metric::FalseExpiry, Statistic::Rate, 1.0 / 3_600.0, "1/h"),
            (Metric::Retries, Statistic::Rate, 2.5, "2.5/s"),
            (Metric::FalseExpiry, Statistic::Share, 0.012_5, "1.25 %"),
            (Metric::FalseExpiry, Statistic::Rate, 0.0, "0/day"),
            (Metric::Load, Statistic::Max, 12_345.0, "12345/s"),
            (Metric::Unavailability, Statistic::Share, 0.000_31, "0.031 %"),
            (Metric::Surge, Statistic::Max, 3.25, "3.25"),
            (Metric::CallsToDead, Statistic::Mean, 7.0, "7"),
        ] {
            assert_eq!(in_words(metric, statistic, value), told);
        }
    }

    #[test]
    fn what_did_not_end_misses_a_budget_that_it_exceeds_already() {
        let goals = ["failover.max < 40s", "failover.max < 45s"].map(|goal| Goal::parse(goal).unwrap());
        let mut open = crate::Histogram::default();
        open.record(41_000_000_000);
        let open = Amount::default().with_open(open);
        let budgets = Budget::judge(&goals, &Measured::of_run([(Metric::Failover, open)]));
        let verdicts = budgets.iter().map(Budget::verdict).collect::<Vec<_>>();
        assert_eq!(verdicts, [Verdict::BudgetMissed, Verdict::Inconclusive]);
        let told = budgets[0].told();
        assert!(told.starts_with("failover.max < 40s: measured at least 4"), "{told}");
        assert!(told.ends_with(" s, 1 did not end"), "{told}");
    }

    #[test]
    fn a_budget_is_met_missed_or_about_nothing() {
        let goals = ["failover.max < 15s", "failover.max < 13s", "handover.max < 1s", "load < 1/s"];
        let goals = goals.map(|goal| Goal::parse(goal).unwrap());
        let failover: Amount = "1/1/13000000000/1/0/0/1/13000000000/1/13000000000:1549p23".parse().unwrap();
        let measured = Measured::of_run([(Metric::Failover, failover)]);
        let budgets = Budget::judge(&goals, &measured);
        let told: Vec<String> = budgets.iter().map(Budget::told).collect();
        assert_eq!(
            told,
            [
                "failover.max < 15s: measured 13 s",
                "failover.max < 13s: measured 13 s",
                "handover.max < 1s: nothing was measured",
                "load < 1/s: nothing was measured"
            ]
        );
        let met: Vec<Met> = budgets.iter().map(|budget| budget.met).collect();
        assert_eq!(met, [Met::Probably, Met::Missed, Met::Unmeasured, Met::Unmeasured]);
        assert_eq!(budgets[0].unmet(), None);
        assert_eq!(budgets[1].unmet().as_deref(), Some("budget failover.max < 13s: measured 13 s"));
        let verdicts = budgets.iter().map(Budget::verdict).collect::<Vec<_>>();
        assert_eq!(
            verdicts,
            [Verdict::Pass, Verdict::BudgetMissed, Verdict::Inconclusive, Verdict::Inconclusive]
        );
    }
}
