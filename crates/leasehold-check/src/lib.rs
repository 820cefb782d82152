//! Invariants of leases, judged from events alone.
//!
//! A [`Judge`] is an [`EventSink`](leasehold_core::EventSink). It is built from the header of a trace, so that
//! a recorded run is judged exactly like a live one, and ends in a [`Judgement`]: what was violated, what was
//! merely hazardous, which places the run reached, and how close it came. [`Verdict::of`] boils that down to
//! one word.
//!
//! # The rooms
//!
//! * One file for each invariant (`exclusivity`, `fencing`, ...): its statement, its source, its clauses, and
//!   the event lists that just do and just do not violate it.
//! * `scene`: what all of them may ask about the run so far. It has `assumptions`, `claims`, `overlaps`,
//!   `leases`, `promise`, `processes`, `roster` (who is registered, and who is gone) and `calm` (what was lost or late).
//! * `hazard` and `reach`: dangers that broke nothing, and places worth reaching.
//! * `judge`, `book`, `finding`, `report`, `verdict`: from findings to a verdict.
//!
//! # What this crate does not do
//!
//! It sees no node, no plan and no engine, and cannot tell one protocol from another. It keeps no history: its
//! memory is bounded by what lives at one instant (leases, claims, resources, nodes), not by how long the run
//! goes on. It prints nothing, and knows nodes by number only.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod acknowledged_is_alive;
mod applied_once;
mod assumptions;
mod atomic_end;
mod book;
mod bounded_staleness;
mod calm;
mod checker;
mod claims;
mod conservation;
#[cfg(test)]
mod edges;
mod exclusivity;
#[cfg(test)]
mod excuses;
mod false_expiry;
mod fencing;
mod finding;
mod hazard;
mod invariant;
mod judge;
mod leases;
mod linearizability;
mod linearizable_register;
mod liveness;
mod load;
mod lock_delay;
mod mass_expiry;
mod measure;
mod metric;
mod monotonic_reads;
mod no_early_end;
mod no_immortal_lease;
mod no_lost_update;
mod no_resurrection;
mod overlaps;
mod owner_only;
mod processes;
mod progress;
mod promise;
mod reach;
mod report;
mod roster;
mod scene;
#[cfg(test)]
mod script;
mod self_stop;
mod stretch;
mod token_order;
mod verdict;
mod watch;

pub use finding::{Fact, Finding, Gone, Sighting, Violation};
pub use hazard::Hazard;
pub use invariant::Invariant;
pub use judge::{Judge, UnknownInvariant};
pub use measure::{MeasureReport, Nearest, Sample, Standing, Times};
pub use metric::{Better, Kind, Metric, Statistic, Unit};
pub use report::{ClosestCall, HazardReport, InvariantReport, Judgement};
pub use verdict::Verdict;
