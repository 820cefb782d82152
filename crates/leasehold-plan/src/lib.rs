//! From a seed to a plan.
//!
//! A [`Template`] says what a scenario leaves open (clock rates within a range, start times within a window);
//! [`Template::expand`] closes it with a seed into an explicit [`Plan`]. Faults are scripted: they pass through
//! as they stand. Random faults and shrinking come here later.
//!
//! # What this crate does not do
//!
//! It runs nothing, judges nothing, and has no source of randomness beside the seed: every purpose has a
//! [`Stream`] of its own, so that a new thing to draw moves nothing else.

mod stream;
mod template;

pub use stream::{Purpose, Stream};
pub use template::{NodeTemplate, RateDraw, Template};

pub use leasehold_core::plan::Plan;
