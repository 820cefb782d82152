//! From a seed to a plan, and from a plan to a smaller one.
//!
//! A [`Template`] says what a scenario leaves open (clock rates within a range, start times within a window);
//! [`Template::expand`] closes it with a seed into an explicit [`Plan`], in which faults stand as they are
//! scripted. [`Template::generate`] adds random faults within the limits of a [`Chaos`]. [`Dice`] draw the values
//! that a scenario's own tables leave open. A [`Case`] is the result: the complete input of one run. A [`Shrinker`] makes
//! a case that fails smaller.
//!
//! # What this crate does not do
//!
//! It runs nothing, judges nothing, and has no source of randomness beside the seed: every purpose has a
//! [`Stream`] of its own, so that a new thing to draw moves nothing else.

mod case;
mod chaos;
mod dice;
mod shrink;
mod stream;
mod swarm;
mod template;

pub use case::{Case, Drawn, Setting};
pub use chaos::{Chaos, Part, Script};
pub use dice::Dice;
pub use shrink::{Accepted, Count, Facts, Shrinker};
pub use stream::{Purpose, Stream};
pub use template::{
    CommandEffect, CommandTemplate, Generated, NodeTemplate, OffsetDraw, RateDraw, StartDraw, Template,
};

pub use leasehold_core::plan::Plan;
