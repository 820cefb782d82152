//! What runs come to in numbers.
//!
//! [`Histograms`] take the samples of a run, one histogram for each metric, and add up exactly: those of many runs are
//! the same in whatever order they are added, and whoever adds them.
//!
//! A [`Meter`] measures what no checker does (docs/metrics.md): it hears a run and gives [`Measured`], which add up as
//! histograms do. Their [`Figure`](study::Figure)s are numbers with honest intervals, beside what was predicted of them;
//! a [`Budget`] is one of them held against a limit.
//!
//! [`distance`] says how far apart two lots of runs are, and how likely chance alone makes them so, and [`Failovers`] are
//! the values that it compares.
//!
//! # What this crate does not do
//!
//! It judges no invariant: what a sample says about its bound was decided by a checker. It prints nothing and writes no
//! file.

mod amount;
mod budget;
mod chart;
mod distance;
pub mod export;
mod failovers;
mod histogram;
mod histograms;
mod interval;
mod measured;
mod meter;
pub mod names;
pub mod page;
#[cfg(test)]
mod sample;
mod statistics;
pub mod study;
pub mod sweep_page;
pub mod timeline;
pub mod words;

pub use amount::{Amount, BadAmount};
pub use budget::{Budget, in_words, judge_budgets, meter_of_budgets, metrics_of};
pub use distance::{Distance, RunValues, Slack, distance, fisher, kolmogorov};
pub use failovers::Failovers;
pub use histogram::{BadHistogram, HIGHEST, Histogram, Percentile};
pub use histograms::{Histograms, interval_log, scale};
pub use interval::{Interval, median};
pub use measured::Measured;
pub use meter::Meter;
pub use names::Names;
pub use statistics::student;
