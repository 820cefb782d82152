//! What a system says that a measurement will come to.

use leasehold_check::{Metric, Statistic};

/// What a formula says of a number, with the scenario's values. Source: docs/timing.md, section 4.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// Of what.
    pub metric: Metric,
    /// Which number of it.
    pub statistic: Statistic,
    /// The formula, in the symbols of docs/timing.md: `m·T − h/2 + σ/2 + 2c`.
    pub formula: String,
    /// What it comes to: seconds, a rate per second, or a share from 0 to 1.
    pub value: f64,
    /// How it is to be read.
    pub reading: Reading,
}

/// How a predicted number is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is the number that is to be expected.
    Expected,
    /// No value is above it.
    Bound,
}
