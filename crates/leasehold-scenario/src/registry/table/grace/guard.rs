//! Guards against mass expiry.

use core::ops::Range;

use leasehold_protocol::registry::grace::{Counted, Expected, Quorum, RateGuard, ZoneGuard};
use leasehold_protocol::registry::policy::ProbePolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Times, check_limit, limit, not_nothing, ppm, share};
use crate::field::{length, not_zero, spanned, written};
use crate::names::names;
use crate::registry::table::Counts;
use crate::value::{Length, NeverOrLength, Percent, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

names! {
    /// Over which window heartbeats are counted.
    CountedName for Counted { #[default] Sliding, FullWindow }
    /// How many heartbeats are expected.
    ExpectedName for Expected { #[default] FollowsEnds, IgnoresExpiries }
}

/// When ends are withheld for the sake of few heartbeats.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RateGuardTable {
    /// Ends are withheld while not more than this share of the expected heartbeats came.
    threshold: Spanned<Percent>,
    /// Heartbeats are counted over so long: a heartbeat interval at least.
    window: Spanned<Length>,
    /// Over which window heartbeats are counted.
    counted: CountedName,
    /// In one pass at most this share of all members ends.
    pass_share: Spanned<Percent>,
    /// With fewer members than this it does nothing.
    least_members: Spanned<Whole<0, 1_000_000>>,
    /// How many heartbeats are expected.
    expected: ExpectedName,
    /// After it has withheld ends for so long it does so no more; `never` is no promise that anybody ever ends.
    limit: Spanned<NeverOrLength>,
}

impl Default for RateGuardTable {
    fn default() -> Self {
        let safe = RateGuard::default();
        Self {
            threshold: share(safe.threshold_ppm),
            window: spanned(Length(safe.window)),
            counted: CountedName::default(),
            pass_share: share(safe.pass_share_ppm),
            least_members: spanned(Whole(safe.least_members)),
            expected: ExpectedName::default(),
            limit: limit(safe.limit),
        }
    }
}

impl RateGuardTable {
    pub(super) fn policy(&self, found: &mut Diagnostics, times: &Times, counts: Counts) -> RateGuard {
        not_nothing(found, &self.threshold, "a guard with a threshold");
        not_nothing(found, &self.pass_share, "a share of a pass");
        check_limit(found, &self.limit);
        if ppm(&self.threshold) >= 1_000_000 {
            found.push(
                Diagnostic::at(
                    self.threshold.span(),
                    "not more than 100% of the expected heartbeats ever come",
                )
                .label("so no lease ever ends: expected threshold < 100%"),
            );
        }
        let window = length(&self.window);
        if window < times.heartbeat {
            let message = format!("a window of {window}, in which not every member sends a heartbeat");
            found.push(
                Diagnostic::at(self.window.span(), message)
                    .label(format!("expected window >= heartbeat, which is {}", times.heartbeat)),
            );
        }
        let Whole(least_members) = *self.least_members.get_ref();
        if least_members > u32::from(counts.instances) && written(&self.least_members) {
            let message =
                format!("a guard of {least_members} members or more, where there are {}", counts.instances);
            found.push(
                Diagnostic::at(self.least_members.span(), message)
                    .label("a threshold that is never reached: expected least_members <= topology.instances")
                    .help(format!("write least_members = {} or less, or remove the guard", counts.instances)),
            );
        }
        RateGuard {
            threshold_ppm: ppm(&self.threshold),
            window,
            counted: self.counted.into(),
            pass_share_ppm: ppm(&self.pass_share),
            least_members,
            expected: self.expected.into(),
            limit: self.limit.get_ref().span(),
        }
    }
}

/// How fast leases of a zone end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ZoneGuardTable {
    /// In a zone one lease ends in so long.
    every: Spanned<Length>,
    /// From this share of a zone being late on one ends in `slow`.
    threshold: Spanned<Percent>,
    /// How slow it is then; no end at all in a zone with at most `small` members.
    slow: Spanned<Length>,
    /// A zone is small up to this many members.
    small: Whole<0, 1_000_000>,
    /// After a zone was slow or stopped for so long it is as fast as others; `never` is no promise that anybody ever ends.
    limit: Spanned<NeverOrLength>,
}

impl Default for ZoneGuardTable {
    fn default() -> Self {
        let safe = ZoneGuard::default();
        Self {
            every: spanned(Length(safe.every)),
            threshold: share(safe.threshold_ppm),
            slow: spanned(Length(safe.slow)),
            small: Whole(safe.small),
            limit: limit(safe.limit),
        }
    }
}

impl ZoneGuardTable {
    pub(super) fn policy(&self, found: &mut Diagnostics) -> ZoneGuard {
        not_zero(found, &self.every, "a time between two ends");
        not_nothing(found, &self.threshold, "a guard with a threshold");
        check_limit(found, &self.limit);
        if ppm(&self.threshold) >= 1_000_000 {
            found.push(
                Diagnostic::at(self.threshold.span(), "a zone of which all is late loses leases as usual")
                    .label("so no zone is ever disturbed: expected threshold < 100%"),
            );
        }
        let (every, slow) = (length(&self.every), length(&self.slow));
        if slow < every {
            let place = if written(&self.slow) { self.slow.span() } else { self.every.span() };
            found.push(
                Diagnostic::at(
                    place,
                    format!("a disturbed zone loses one in {slow}, a healthy one in {every}"),
                )
                .label("expected slow >= every"),
            );
        }
        ZoneGuard {
            every,
            threshold_ppm: ppm(&self.threshold),
            slow,
            small: self.small.0,
            limit: self.limit.get_ref().span(),
        }
    }
}

/// How many observers have to miss somebody.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct QuorumTable {
    /// So many observers have to miss the member.
    observers: Spanned<Whole<1, 100>>,
    /// What an observer said counts for so long: at least as long as it takes to probe again.
    fresh: Spanned<Length>,
    /// After so long without a quorum the registry's word is enough; `never` is no promise that anybody ever ends.
    limit: Spanned<NeverOrLength>,
}

impl Default for QuorumTable {
    fn default() -> Self {
        let safe = Quorum::default();
        Self {
            observers: spanned(Whole(safe.observers)),
            fresh: spanned(Length(safe.fresh)),
            limit: limit(safe.limit),
        }
    }
}

impl QuorumTable {
    pub(super) fn policy(
        &self,
        found: &mut Diagnostics,
        table: Range<usize>,
        counts: Counts,
        probe: &ProbePolicy,
    ) -> Quorum {
        check_limit(found, &self.limit);
        let (Whole(observers), there) = (*self.observers.get_ref(), u32::from(counts.observers));
        if observers > there {
            let place = if written(&self.observers) { self.observers.span() } else { table };
            found.push(
                Diagnostic::at(place, format!("a quorum of {observers} observers, of {there}"))
                    .label("a threshold that is never reached: expected observers <= topology.observers")
                    .help(format!("write topology.observers = {observers} or more")),
            );
        }
        let (fresh, again) = (length(&self.fresh), probe.every.saturating_add(probe.timeout));
        if fresh < again {
            let message =
                format!("what an observer said counts for {fresh}, and it says it again after {again}");
            found.push(
                Diagnostic::at(self.fresh.span(), message)
                    .label("expected fresh >= probe.every + probe.timeout")
                    .help(format!("write fresh = \"{again}\" or more")),
            );
        }
        Quorum { observers, fresh, limit: self.limit.get_ref().span() }
    }
}
