//! Advice for each value of one parameter apart: which choice of all else is best where.

use leasehold_scenario::Quantity;
use serde::{Deserialize, Serialize};

use super::{Advice, Parameter, StudySummary, Trait};

/// What is recommended for each value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EachAdvice {
    /// The place of the parameter.
    pub parameter: usize,
    /// All of it in one line.
    pub headline: String,
    /// What is recommended for each of its values, in their order.
    pub values: Vec<ValueAdvice>,
    /// Which choice is a good one for all of them.
    pub everywhere: Everywhere,
}

/// What is recommended for one value: only points that have it are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueAdvice {
    /// The value.
    pub value: String,
    /// The numbers of the points that no other one beats in all that is traded.
    pub front: Vec<usize>,
    /// What is recommended, and why.
    pub advice: Advice,
    /// The numbers of the points that come to the same in all that is traded and asked.
    pub equals: Vec<usize>,
    /// The next best; nothing if there is no other that could be taken.
    pub runner_up: Option<RunnerUp>,
}

/// The next best point, and what it costs more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunnerUp {
    /// Its number.
    pub point: usize,
    /// By how much each number that is traded is greater there.
    pub more: Vec<Gap>,
}

/// By how much a number is greater at one point than at another, seed by seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Which number.
    pub of: Trait,
    /// By so much.
    pub value: f64,
    /// It lies from here, with 95 %; nothing if there are too few seeds to say.
    pub low: Option<f64>,
    /// It lies to here.
    pub high: Option<f64>,
}

/// Which choice is a good one for all values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Everywhere {
    /// The numbers of its points, one for each value that it was measured with.
    pub points: Vec<usize>,
    /// For how many values it meets all objectives.
    pub meets: usize,
    /// The same in a sentence.
    pub said: String,
}

impl Gap {
    /// Whether it is sure which of the two is greater; it is not if they are the same.
    pub fn is_sure(&self) -> bool {
        self.low.is_some_and(|low| low > 0.0) || self.high.is_some_and(|high| high < 0.0)
    }

    /// Whether the two are the same under each of the seeds, as far as that can be told.
    pub fn is_none(&self) -> bool {
        self.value == 0.0 && [self.low, self.high].into_iter().flatten().all(|end| end == 0.0)
    }
}

impl ValueAdvice {
    /// The point that is recommended, or comes nearest.
    pub fn chosen(&self) -> Option<usize> {
        match self.advice {
            Advice::Take { point, .. } => Some(point),
            Advice::NonePasses { nearest, .. } => Some(nearest),
            Advice::NotAsked | Advice::Each(_) => None,
        }
    }

    /// The sentences that say so.
    pub fn because(&self) -> &[String] {
        match &self.advice {
            Advice::Take { because, .. } | Advice::NonePasses { because, .. } => because,
            Advice::NotAsked | Advice::Each(_) => &[],
        }
    }
}

impl EachAdvice {
    /// The advice for the value that a point has.
    pub fn of_point(&self, study: &StudySummary, point: usize) -> Option<&ValueAdvice> {
        let value = study.points.get(point)?.values.get(self.parameter)?;
        self.values.iter().find(|advice| advice.value == *value)
    }

    /// Whether there is a value for which no point meets all objectives.
    pub fn has_obstacle(&self) -> bool {
        self.values.iter().any(|value| matches!(value.advice, Advice::NonePasses { .. }))
    }
}

impl Parameter {
    /// One of its values, in a sentence: a name stands for itself, a number needs to be told of what.
    pub fn told(&self, value: &str) -> String {
        match self.is_name(value) {
            true => format!("`{value}`"),
            false => format!("`{} = {value}`", self.name),
        }
    }

    /// Whether a value says by itself what it is.
    pub fn is_name(&self, value: &str) -> bool {
        !self.choices.is_empty() || matches!(Quantity::told(value), Quantity::Word(_))
    }

    fn is_chosen_between(&self) -> bool {
        self.derived.is_none() && self.values.len() > 1
    }
}

/// A choice of all parameters but one, in a sentence: `phi-normal`, or `ttl = 10s, renew = 3s`.
pub fn told_but(parameters: &[Parameter], values: &[String], each: usize) -> String {
    let others = || parameters.iter().zip(values).enumerate().filter(|(place, _)| *place != each);
    let own: Vec<(&Parameter, &String)> =
        others().map(|(_, of)| of).filter(|(parameter, _)| parameter.is_chosen_between()).collect();
    let named = |of: &[(&Parameter, &String)]| {
        let named: Vec<String> =
            of.iter().map(|(parameter, value)| format!("{} = {value}", parameter.name)).collect();
        named.join(", ")
    };
    // A value that the study does not name is what the scenario has without it.
    if own.iter().any(|(parameter, value)| !parameter.values.contains(value)) {
        let said = |(parameter, value): &(&Parameter, &String)| {
            *value != "-" && (parameter.derived.is_some() || parameter.is_chosen_between())
        };
        let all: Vec<(&Parameter, &String)> = others().map(|(_, of)| of).filter(said).collect();
        return format!("what the scenario has (`{}`)", named(&all));
    }
    match own.as_slice() {
        [(parameter, value)] => parameter.told(value),
        own => format!("`{}`", named(own)),
    }
}
