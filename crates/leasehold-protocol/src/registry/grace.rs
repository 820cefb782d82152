//! What a registry does for those that are late: grace policies against flapping.
//!
//! A lease promises its holder a term. Grace is what the registry gives on top of it: a lease is *due* when its term
//! and its grace are over, and it ends when it is due and its end is *admitted*. So no policy ends a lease early, and
//! none keeps it longer than [`at_most`](GracePolicy::at_most) and what its guards withhold.
//!
//! A [`GracePolicy`] has many parts, which work together:
//!
//! - What detector and extensions give is added up, and cut at [`at_most`](GracePolicy::at_most).
//! - An end is admitted when every guard admits it: of several, the one that admits least decides.
//! - A member is readmitted when every part readmits it: of several, the latest instant counts.
//!
//! Every rule, with its source and what it is good for, stands in docs/grace.md.

use alloc::vec::Vec;
use core::fmt::Debug;

use leasehold_core::clock::Reading;
use leasehold_core::id::{NodeId, ResourceId};
use leasehold_core::time::Span;

mod chen;
mod combined;
mod congested;
mod counted;
mod damping;
mod ejection;
mod extensions;
mod held;
mod jacobson;
mod lifeguard;
mod part;
mod phi;
mod policy;
mod quorum;
mod rate_guard;
mod samples;
mod sightings;
#[cfg(test)]
mod tests;
mod zone_guard;

pub use combined::build;
pub use policy::*;

/// A grace policy at work. All of its time is that of the registry's clock.
///
/// It lives in the registry's memory: a restart begins with a new one, and tells it of each lease that was recovered.
pub trait Grace: Debug + Send {
    /// A member's lease began, with this term.
    fn began(&mut self, member: ResourceId, term: Span, at: Reading, how: Beginning);

    /// A heartbeat of a member was counted; its term begins anew. The number is the heartbeat's own: they grow within
    /// a lease, and where some are missing, heartbeats were lost.
    fn renewed(&mut self, member: ResourceId, number: u64, at: Reading);

    /// A member's lease ended.
    fn ended(&mut self, member: ResourceId, at: Reading, how: Departure);

    /// The registry looked for leases that are over, so much later than it meant to.
    fn swept(&mut self, at: Reading, late: Span);

    /// An observer probed a member.
    fn observed(&mut self, member: ResourceId, observer: NodeId, at: Reading, sighting: Sighting);

    /// How long after the end of its term a member's lease is due, as it looks now.
    fn grace(&mut self, member: ResourceId, at: Reading) -> Span;

    /// How long after the end of its term a member is not listed as passing any more although its lease is not due
    /// yet; nothing if this policy has no opinion on that. Never longer than [`grace`](Self::grace).
    fn suspicion(&mut self, member: ResourceId, at: Reading) -> Option<Span>;

    /// Leaves of those whose leases are due, in the order in which they came due, the ones that end now. The rest is to
    /// be asked for again after [`retry`](Self::retry), together with what came due meanwhile.
    fn admit(&mut self, at: Reading, due: &mut Vec<ResourceId>);

    /// These end now: of those that were [admitted](Self::admit), as many as the registry ends at once.
    fn admitted(&mut self, at: Reading, ends: &[ResourceId]);

    /// After how long ends that were withheld just now are to be asked for again.
    fn retry(&self, at: Reading) -> Span;

    /// When a member that registered anew may be listed as passing; nothing if it may be now. Meanwhile it has its lease
    /// and sends its heartbeats. To be asked again then: the answer may be a later instant.
    fn readmission(&mut self, member: ResourceId, at: Reading) -> Option<Reading>;

    /// The term that a member gets that asked for this one, when so many are registered. `draw_below` draws a number
    /// below the one it is given.
    fn term(&self, asked: Span, members: u32, draw_below: &mut dyn FnMut(u64) -> u64) -> Span;
}

/// How a member's lease began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// The member registered.
    Registered,
    /// A restarted registry read it from its disk.
    Recovered,
}

/// How a member's lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It expired.
    Expired,
    /// The member left, or was replaced by its successor.
    Left,
    /// It was revoked.
    Revoked,
}

impl Departure {
    /// Whether the member did not want it: what flapping is counted by.
    pub const fn is_involuntary(self) -> bool {
        matches!(self, Self::Expired | Self::Revoked)
    }
}

/// What an observer saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// The member answered.
    Seen,
    /// It did not.
    Missed,
}
