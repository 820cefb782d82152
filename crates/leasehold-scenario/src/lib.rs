//! Scenario files, and how their tables become a system under test.
//!
//! A scenario is a TOML file: some tables belong to the harness (`[network]`, `[clocks]`, `[[fault]]`,
//! `[expect]`, ...), the others to the [`System`] that it runs. [`Scenario::load`] reads both into a template
//! for plans, a [`Deployment`] of the system, and an expectation. What is wrong is told with file, line and
//! column, the place underlined, what was expected, and a suggestion: a [`ScenarioError`].
//!
//! # What this crate does not do
//!
//! It prints nothing, reads no environment and no clock, and judges no run. Beside the shipped protocol's own
//! wiring it knows no protocol: everything goes through [`System`].

mod bug;
mod chaos;
mod complaint;
mod deployment;
mod diagnostic;
mod digest;
mod document;
mod draw;
mod engine;
mod expect;
mod fault;
mod field;
mod goal;
mod names;
mod overlay;
mod plan_table;
mod predicted;
mod reckoning;
mod registry;
mod run;
mod scenario;
mod schema;
mod shipped;
mod source;
mod spanned;
#[cfg(feature = "proptest")]
mod strategy;
mod study;
mod suggest;
mod system;
mod tables;
mod transport;
mod trial;
pub mod value;
mod widened;
mod world;

#[cfg(test)]
mod toy;

pub use bug::{Bug, BugId, BugList, Fate, Replaced};
pub use deployment::{CommandSpec, Deployment, NodeSpec};
pub use diagnostic::{Diagnostic, Diagnostics, ScenarioError, Style};
pub use digest::{Digest, Digester, NoDigest};
pub use engine::{Engine, LONGEST_RUN, MOST_HOSTS, Misfit, Shell, runs_for};
pub use expect::{Expect, ExpectedVerdict, HazardPolicy};
pub use fault::describe;
pub use goal::{BadGoal, Comparison, Goal};
pub use leasehold_core::trace::Inexpressible;
/// What random runs are drawn with.
pub use leasehold_plan::{Case, Chaos, Dice, Drawn, Part, Script, Setting, Stream};
/// What it takes to run a node for real.
pub use leasehold_turmoil::{BadLog, Beginning, Ended, Place, RealError, StopSignal, Then, Watcher};
/// How a shell works, and what it tells people.
pub use leasehold_turmoil::{ClosedBecause, Note, ShellPolicy};
pub use predicted::{Predicted, Reading};
pub use registry::RegistrySystem;
pub use run::{Observer, Report};
pub use scenario::{MOST_NODES, SCHEMA, Scenario};
pub use schema::{Schemas, schema};
pub use shipped::SingleGrantor;
pub use source::{LARGEST_FILE, Position, Source, Variant};
pub use spanned::Spanned;
#[cfg(feature = "proptest")]
pub use strategy::trials;
pub use study::{
    Axis, Choice, Constraint, Expression, Quantity, Refused, Sample, Scale, StudyFile, StudyParameter,
    study_schema,
};
pub use system::{Environment, System};
pub use tables::Tables;
pub use trial::{Faults, Trial};
