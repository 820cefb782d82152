//! What runs come to in numbers.
//!
//! [`Histograms`] take the samples of a run, one histogram for each metric, and add up exactly: those of many runs are
//! the same in whatever order they are added, and whoever adds them.
//!
//! [`distance`] says how far apart two lots of runs are, and how likely chance alone makes them so; [`Failovers`] measure
//! what no checker does.
//!
//! # What this crate does not do
//!
//! It judges nothing: what a sample says about its bound was decided by a checker. It prints nothing and writes no
//! file.

mod distance;
pub mod export;
mod failovers;
mod histogram;
mod histograms;
pub mod names;
#[cfg(test)]
mod sample;
pub mod study;
pub mod timeline;
pub mod words;

pub use distance::{Distance, RunValues, Slack, distance, fisher, kolmogorov};
pub use failovers::Failovers;
pub use histogram::{BadHistogram, HIGHEST, Histogram, Percentile};
pub use histograms::{Histograms, interval_log, scale};
pub use names::Names;
