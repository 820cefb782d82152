//! What runs come to in numbers.
//!
//! [`Histograms`] take the samples of a run, one histogram for each metric, and add up exactly: those of many runs are
//! the same in whatever order they are added, and whoever adds them.
//!
//! # What this crate does not do
//!
//! It judges nothing: what a sample says about its bound was decided by a checker. It prints nothing and writes no
//! file.

mod histogram;
mod histograms;

pub use histogram::{BadHistogram, HIGHEST, Histogram, Percentile};
pub use histograms::{Histograms, interval_log, scale};
