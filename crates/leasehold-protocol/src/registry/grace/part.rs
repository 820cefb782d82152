//! What one part of a grace policy does, and what it sees.

use alloc::vec::Vec;
use core::fmt::Debug;

use leasehold_core::clock::Reading;
use leasehold_core::id::ResourceId;
use leasehold_core::time::Span;

use super::sightings::Sightings;
use super::{Beginning, Departure};

/// One part of a grace policy. Members are numbered from zero.
pub(super) trait Part: Debug + Send {
    /// A lease began.
    fn began(&mut self, _member: usize, _at: Reading, _how: Beginning) {}

    /// A heartbeat was counted.
    fn renewed(&mut self, _member: usize, _number: u64, _at: Reading) {}

    /// A lease ended.
    fn ended(&mut self, _member: usize, _at: Reading, _how: Departure) {}

    /// The registry looked for leases that are over, so much later than it meant to.
    fn swept(&mut self, _late: Span) {}

    /// How long beyond its term it leaves this lease alive. Those of all parts are added up.
    fn gives(&mut self, _member: usize, _scene: &Scene<'_>) -> Span {
        Span::ZERO
    }

    /// Leaves of those who are due the ones that it lets end. It must not count them as ended yet: others are asked
    /// too.
    fn retain(&mut self, _scene: &Scene<'_>, _due: &mut Vec<ResourceId>) {}

    /// These end now.
    fn admitted(&mut self, _at: Reading, _ends: &[ResourceId]) {}

    /// After how long it may let those end that it did not let end last time; nothing if it lets all.
    fn retry(&self, _at: Reading) -> Option<Span> {
        None
    }

    /// When a member that registered may be listed; nothing if it may be now. The latest counts.
    fn readmission(&mut self, _member: usize, _at: Reading) -> Option<Reading> {
        None
    }
}

/// What a part is shown when it is asked something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// What the registry's clock shows.
    pub(super) at: Reading,
    /// How many leases live.
    pub(super) live: u32,
    /// The leases of all members.
    pub(super) tenures: &'a [Tenure],
    /// What observers said.
    pub(super) sightings: &'a Sightings,
}

impl Scene<'_> {
    /// How many observers missed a member since its last heartbeat, and not longer ago than `fresh`.
    pub(super) fn missed_by(&self, member: usize, fresh: Span) -> u32 {
        let since = self.tenures[member].last;
        self.sightings.missed_by(member, since, self.at, fresh)
    }
}

/// A member's lease, as far as grace goes by it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tenure {
    /// Whether it lives.
    pub(super) lives: bool,
    /// Its term.
    pub(super) term: Span,
    /// When it began, or was last renewed.
    pub(super) last: Option<Reading>,
}

/// The number of a member, as an index.
pub(super) fn index(member: ResourceId) -> usize {
    usize::try_from(member.0).expect("a u32 fits into a usize")
}

/// `share` of a number, in parts per million, rounded up.
pub(super) fn share_of(number: u32, share_ppm: u32) -> u32 {
    let share = u64::from(number) * u64::from(share_ppm);
    u32::try_from(share.div_ceil(u64::from(super::policy::MILLION))).unwrap_or(u32::MAX)
}

/// Whether more than a share of a whole, in parts per million, is taken.
pub(super) fn exceeds(part: u32, whole: u32, share_ppm: u32) -> bool {
    u64::from(part) * u64::from(super::policy::MILLION) > u64::from(whole) * u64::from(share_ppm)
}
