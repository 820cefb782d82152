//! What a study came to: what `summary.json` holds, what its pages show, and what a later study is compared with.

mod each;

use std::fmt;

pub use each::{EachAdvice, Everywhere, Gap, RunnerUp, ValueAdvice, told_but};
pub use leasehold_check::Statistic;
use leasehold_check::{Better, Metric, Unit};
use leasehold_scenario::Goal;
use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;

/// The version of the format of `summary.json`.
pub const FORMAT: u32 = 1;

/// A study, measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudySummary {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the tool that measured it.
    pub tool: String,
    /// The study's name.
    pub name: String,
    /// What it is about, in a sentence.
    pub summary: String,
    /// The scenario that it varies.
    pub scenario: String,
    /// The system that ran.
    pub system: String,
    /// The command that makes it again.
    pub command: String,
    /// The seeds of each point, as `A..B`.
    pub seeds: String,
    /// How long one run is, in simulated seconds.
    pub simulated: f64,
    /// What is varied, in the order of the study file. What follows from others comes last.
    pub parameters: Vec<Parameter>,
    /// The metrics that the study asks for, in the order of its file.
    pub metrics: Vec<Metric>,
    /// What was asked of a point, as the study file writes it: `failover.p99 < 15s`.
    pub objectives: Vec<String>,
    /// What the [`front`](Self::front) trades against each other.
    pub trade: Vec<Trait>,
    /// All points, by number.
    pub points: Vec<PointSummary>,
    /// The numbers of the points that no other point beats in all that is traded; where advice is given for each value of a
    /// parameter, no other point with the same value.
    pub front: Vec<usize>,
    /// The number of the point that has the scenario's own values, if there is one.
    pub default_point: Option<usize>,
    /// What is recommended, and why.
    pub advice: Advice,
}

/// Something that is varied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name in the study: `ttl`.
    pub name: String,
    /// The key path of the scenario that it sets: `lease.ttl`.
    pub key: String,
    /// Its values, in the order of the study file, as TOML writes them without quotes: `10s`.
    pub values: Vec<String>,
    /// What it is derived by, if it is no axis of its own: `ttl/3`.
    pub derived: Option<String>,
    /// If its values are names of choices: what each of them lays over the scenario, as TOML, key path by key path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Vec<String>>,
}

/// One number of a point: a statistic of a metric. Written as objectives write it: `failover.p99`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Trait {
    /// Of what.
    pub metric: Metric,
    /// Which number of it.
    pub statistic: Statistic,
}

/// One choice of all parameters, measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointSummary {
    /// The values, one for each of the study's parameters, as the study file writes them.
    pub values: Vec<String>,
    /// How many runs there were.
    pub runs: u64,
    /// In how many of them an invariant was violated, or the run came to another bad end. Such a point is never recommended.
    pub failed: u64,
    /// In how many of them there was a hazard.
    pub hazards: u64,
    /// What was measured, one for each of the study's metrics.
    pub figures: Vec<Figure>,
    /// Whether each of the study's objectives is met.
    pub objectives: Vec<Met>,
}

/// What was measured of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Which.
    pub metric: Metric,
    /// How many values there are, or how often it happened. Where nothing was measured, no value and no time in which it could
    /// have happened, there are no estimates.
    pub count: u64,
    /// In how many runs there was any.
    pub runs: u64,
    /// The histogram, in the short form of [`Histogram`], as text; empty if the metric has none.
    pub histogram: String,
    /// What did not end; nothing if all did. It counts as longer than all that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Open>,
    /// What is told of it.
    pub estimates: Vec<Estimate>,
    /// What docs/timing.md predicts, beside it.
    pub predictions: Vec<Prediction>,
}

/// What had begun and did not end before its run was over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// How often that was so.
    pub count: u64,
    /// How many seconds the longest had lasted by then.
    pub longest: f64,
}

/// A number with its interval of 95 %. Lengths are in seconds, rates per second, shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Which number.
    pub statistic: Statistic,
    /// The number; where it [is open](Figure::is_open), the least that it can be.
    pub value: f64,
    /// It lies from here; nothing if there are too few values to say.
    pub low: Option<f64>,
    /// It lies to here; nothing if there are too few values to say.
    pub high: Option<f64>,
}

/// What a formula says of a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Of which number.
    pub statistic: Statistic,
    /// The formula, in the symbols of docs/timing.md: `T - h/2 + σ/2 + c`.
    pub formula: String,
    /// What it comes to.
    pub value: f64,
    /// Whether the measurement confirms it.
    pub standing: PredictionStanding,
    /// How the values are spread of which it is the mean, where a formula says that: values in order, and which share of all is
    /// at most so great.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spread: Vec<(f64, f64)>,
}

/// Whether a measurement confirms a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PredictionStanding {
    /// The interval that was measured reaches to it, but for the little that formulas leave out, and nowhere far from it; or enough
    /// runs keep to the bound.
    Confirmed,
    /// It does not.
    Refuted,
    /// There are too few values to say.
    Open,
    /// It is told beside the measurement: its formula is of a world that the runs do not have. No number of seeds decides.
    Beside,
}

/// Whether an objective is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Met {
    /// It is, with the whole interval.
    Surely,
    /// The number meets it, its interval reaches beyond.
    Probably,
    /// The number does not meet it.
    Missed,
    /// Nothing was measured, or all that is known is a bound that does not tell.
    Unmeasured,
}

/// What a study recommends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// This point.
    Take {
        /// Its number.
        point: usize,
        /// Why, and by how much it beats the scenario's own values: whole sentences.
        because: Vec<String>,
    },
    /// None meets all objectives.
    NonePasses {
        /// The objective that most points miss, by number.
        obstacle: usize,
        /// The number of the point that comes nearest.
        nearest: usize,
        /// Why: whole sentences.
        because: Vec<String>,
    },
    /// Each value of one parameter has its own.
    Each(EachAdvice),
    /// The study asks for nothing.
    NotAsked,
}

impl StudySummary {
    /// The number of a point that is told of a metric; nothing if nothing was measured.
    pub fn estimate(&self, point: usize, of: Trait) -> Option<&Estimate> {
        self.points.get(point)?.figure(of.metric)?.estimate(of.statistic)
    }

    /// A point, as people name it: `ttl = 10s, renew = 3s`.
    pub fn label(&self, point: usize) -> String {
        let values = self.points.get(point).map_or(&[][..], |point| &point.values);
        let named = self.parameters.iter().zip(values);
        named.map(|(parameter, value)| format!("{} = {value}", parameter.name)).collect::<Vec<_>>().join(", ")
    }

    /// The point that is recommended, or that comes nearest to what was asked; nothing if nothing was asked, or if the answer
    /// depends on a parameter.
    pub fn chosen(&self) -> Option<usize> {
        match self.advice {
            Advice::Take { point, .. } => Some(point),
            Advice::NonePasses { nearest, .. } => Some(nearest),
            Advice::Each(_) | Advice::NotAsked => None,
        }
    }

    /// The same, for each value of the parameter on which the answer depends.
    pub fn all_chosen(&self) -> Vec<usize> {
        match &self.advice {
            Advice::Each(each) => each.values.iter().filter_map(ValueAdvice::chosen).collect(),
            _ => self.chosen().into_iter().collect(),
        }
    }

    /// The advice for each value of a parameter, if it was asked for.
    pub fn each(&self) -> Option<&EachAdvice> {
        match &self.advice {
            Advice::Each(each) => Some(each),
            _ => None,
        }
    }

    /// How many runs there were in all.
    pub fn runs(&self) -> u64 {
        self.points.iter().map(|point| point.runs).sum()
    }
}

impl PointSummary {
    /// What was measured of a metric; nothing if the study does not ask for it.
    pub fn figure(&self, metric: Metric) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }

    /// Its values without those that follow from others: `10s, 3s`.
    pub(crate) fn own_values(&self, parameters: &[Parameter]) -> String {
        let own = parameters.iter().zip(&self.values).filter(|(parameter, _)| parameter.derived.is_none());
        own.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Figure {
    /// One of its numbers; nothing if it is not told.
    pub fn estimate(&self, statistic: Statistic) -> Option<&Estimate> {
        self.estimates.iter().find(|estimate| estimate.statistic == statistic)
    }

    /// Whether of one of its numbers only the least is known that it can be, because some of its values had not ended when their
    /// runs were over. They stand behind all others in the order of values.
    pub fn is_open(&self, statistic: Statistic) -> bool {
        let Some(open) = self.open else { return false };
        let all = self.count.saturating_add(open.count);
        match statistic.quantile() {
            Some(share) => crate::statistics::rank(share, all) > self.count,
            None => true,
        }
    }

    /// One of its numbers, if it is known: nothing if it [is open](Self::is_open).
    pub fn number(&self, statistic: Statistic) -> Option<f64> {
        self.estimate(statistic).filter(|_| !self.is_open(statistic)).map(|estimate| estimate.value)
    }

    /// What is predicted of one of its numbers.
    pub fn prediction(&self, statistic: Statistic) -> Option<&Prediction> {
        self.predictions.iter().find(|prediction| prediction.statistic == statistic)
    }

    /// Its histogram; nothing if it has none, or nothing that can be read.
    pub fn distribution(&self) -> Option<Histogram> {
        self.histogram.parse().ok().filter(|histogram: &Histogram| !histogram.is_empty())
    }
}

impl Figure {
    /// Whether it keeps to a goal, and how sure that is.
    pub fn meets(&self, goal: &Goal) -> Met {
        let Some(estimate) = self.estimate(goal.statistic).filter(|_| self.metric == goal.metric) else {
            return Met::Unmeasured;
        };
        let is_kept = goal.is_kept_by(estimate.value);
        let wants = goal.comparison.wants();
        match (self.is_open(goal.statistic), is_kept, wants) {
            // At least so much is too much already; or it is not, and nobody knows how much more it is.
            (true, true, Better::Less) | (true, false, Better::More) => return Met::Unmeasured,
            (_, false, _) => return Met::Missed,
            (_, true, _) => {}
        }
        let far_end = match wants {
            Better::Less => estimate.high,
            Better::More => estimate.low,
        };
        if far_end.is_some_and(|end| goal.is_kept_by(end)) { Met::Surely } else { Met::Probably }
    }
}

impl Trait {
    /// Whether its values are lengths in seconds.
    pub fn is_length(self) -> bool {
        let whole = matches!(self.statistic, Statistic::Rate | Statistic::Share);
        !whole && self.metric.unit() == Unit::Nanoseconds
    }

    /// Whether its values are so many per second.
    pub fn is_rate(self) -> bool {
        match self.statistic {
            Statistic::Rate => true,
            Statistic::Share => false,
            _ => self.metric.unit() == Unit::PerSecond,
        }
    }
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.metric.name(), self.statistic.name())
    }
}
