//! Places worth reaching.

use serde::{Deserialize, Serialize};

/// Places worth reaching: a pass that never got there says little. Source: docs/timing.md, section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// A lease ended while its holder was paused.
    ExpiredWhilePaused,
    /// A renewal reached the grantor when its lease had just expired.
    RenewalInFlightAtExpiry,
    /// A renewal was applied but its answer was lost.
    RenewalAppliedButResponseLost,
    /// A write left with a token older than one already granted.
    StaleWriteAttempted,
    /// A resource refused such a write.
    StaleWriteRejected,
    /// A resource accepted an older token after a newer grant.
    UnfencedWindow,
    /// Two claims on one resource overlapped.
    ClaimsOverlapped,
    /// The next lease of a resource went to the holder of the last.
    #[serde(rename = "re-granted-to-same-owner")]
    RegrantedToSameOwner,
    /// A grantor restarted with a live lease on its disk.
    GrantorRestartedWithLiveLease,
    /// A clock's error used over half of what the margin allows.
    ClockUsedOverHalfTheMargin,
    /// A release reached the grantor when its lease had just expired.
    ReleaseRacedExpiry,
    /// A holder's deadline came while it waited for the answer to a renewal.
    ClaimLapsedAwaitingRenewal,
    /// A resource was granted after its last lease had expired.
    TakenOver,
    /// A resource was granted after its last lease had been released.
    HandedOver,
    /// A sweep left overdue leases for the next, because it may end only so many.
    SweepRateLimited,
    /// A contender asked for a resource while its lock-delay ran.
    AcquiredDuringLockDelay,
    /// A renewal arrived that was overtaken by a later one, or that had arrived before.
    RenewalOutOfOrder,
    /// A wall clock jumped on the host of a grantor or a holder of a live lease.
    WallSteppedWhileHeld,
    /// A lease was revoked.
    Revoked,
    /// A lease ended that had keys attached.
    KeysEnded,
    /// A task was given out that had been given out before.
    TaskDeliveredAgain,
    /// A resource recognised an operation or a task that it had done before.
    DuplicateRecognised,
    /// A lease was granted to a node whose process was down or stopped.
    GrantedToTheDead,
    /// A holder that had stopped at its deadline was told that it still has its lease.
    RecoveredFromJeopardy,
    /// A grantor gave up ending a lease.
    EndGivenUp,
    /// A heartbeat reached a registry whose sender had died since, or whose lease was over.
    HeartbeatArrivedAfterDeath,
    /// A heartbeat was counted when its lease's term was over: grace had kept it.
    KeptByGrace,
    /// A membership expired although its member's processes ran.
    FalseExpiry,
    /// A guard withheld ends that were due.
    EndsWithheld,
    /// A sweep ran later than it was due.
    SweptLate,
    /// A registry dropped a message because too many waited.
    InboxOverflowed,
    /// A member that came and went too often was told to wait.
    ReadmissionPutOff,
    /// An instance was listed as suspect.
    InstanceSuspected,
    /// An instance was listed as critical.
    InstanceTurnedCritical,
    /// A lease was revoked because its member could not do its work.
    InstanceRevokedByHealth,
    /// An instance was registered again.
    ReRegistered,
    /// A registry restarted with live registrations on its disk.
    RegistryRestartedWithRegistrations,
    /// A watcher for whom changes were missing got all there is.
    WatchGapResynced,
    /// A watcher fell so far behind that changes for it were dropped.
    WatcherOverflowed,
    /// A view whose watch had died was brought up to date by a poll.
    PolledWhileWatchWasDead,
    /// A view became too old to be answered from.
    ViewLapsed,
    /// A lookup was answered from a view that is too old, and the answer said so.
    ServedStale,
    /// A view answered with an instance that its registry routes no more, after at least 90 % of what is allowed.
    CacheServedNearItsBound,
    /// A call left for an instance that was gone.
    DeadInstanceCalled,
    /// A call was not answered in time.
    CallFailed,
    /// A holder read from its copy, for which its lease vouched.
    ReadFromCopy,
}

impl Probe {
    /// All of them.
    pub const ALL: [Self; 46] = [
        Self::ExpiredWhilePaused,
        Self::RenewalInFlightAtExpiry,
        Self::RenewalAppliedButResponseLost,
        Self::StaleWriteAttempted,
        Self::StaleWriteRejected,
        Self::UnfencedWindow,
        Self::ClaimsOverlapped,
        Self::RegrantedToSameOwner,
        Self::GrantorRestartedWithLiveLease,
        Self::ClockUsedOverHalfTheMargin,
        Self::ReleaseRacedExpiry,
        Self::ClaimLapsedAwaitingRenewal,
        Self::TakenOver,
        Self::HandedOver,
        Self::SweepRateLimited,
        Self::AcquiredDuringLockDelay,
        Self::RenewalOutOfOrder,
        Self::WallSteppedWhileHeld,
        Self::Revoked,
        Self::KeysEnded,
        Self::TaskDeliveredAgain,
        Self::DuplicateRecognised,
        Self::GrantedToTheDead,
        Self::RecoveredFromJeopardy,
        Self::EndGivenUp,
        Self::HeartbeatArrivedAfterDeath,
        Self::KeptByGrace,
        Self::FalseExpiry,
        Self::EndsWithheld,
        Self::SweptLate,
        Self::InboxOverflowed,
        Self::ReadmissionPutOff,
        Self::InstanceSuspected,
        Self::InstanceTurnedCritical,
        Self::InstanceRevokedByHealth,
        Self::ReRegistered,
        Self::RegistryRestartedWithRegistrations,
        Self::WatchGapResynced,
        Self::WatcherOverflowed,
        Self::PolledWhileWatchWasDead,
        Self::ViewLapsed,
        Self::ServedStale,
        Self::CacheServedNearItsBound,
        Self::DeadInstanceCalled,
        Self::CallFailed,
        Self::ReadFromCopy,
    ];

    /// The name as it stands in scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExpiredWhilePaused => "expired-while-paused",
            Self::RenewalInFlightAtExpiry => "renewal-in-flight-at-expiry",
            Self::RenewalAppliedButResponseLost => "renewal-applied-but-response-lost",
            Self::StaleWriteAttempted => "stale-write-attempted",
            Self::StaleWriteRejected => "stale-write-rejected",
            Self::UnfencedWindow => "unfenced-window",
            Self::ClaimsOverlapped => "claims-overlapped",
            Self::RegrantedToSameOwner => "re-granted-to-same-owner",
            Self::GrantorRestartedWithLiveLease => "grantor-restarted-with-live-lease",
            Self::ClockUsedOverHalfTheMargin => "clock-used-over-half-the-margin",
            Self::ReleaseRacedExpiry => "release-raced-expiry",
            Self::ClaimLapsedAwaitingRenewal => "claim-lapsed-awaiting-renewal",
            Self::TakenOver => "taken-over",
            Self::HandedOver => "handed-over",
            Self::SweepRateLimited => "sweep-rate-limited",
            Self::AcquiredDuringLockDelay => "acquired-during-lock-delay",
            Self::RenewalOutOfOrder => "renewal-out-of-order",
            Self::WallSteppedWhileHeld => "wall-stepped-while-held",
            Self::Revoked => "revoked",
            Self::KeysEnded => "keys-ended",
            Self::TaskDeliveredAgain => "task-delivered-again",
            Self::DuplicateRecognised => "duplicate-recognised",
            Self::GrantedToTheDead => "granted-to-the-dead",
            Self::RecoveredFromJeopardy => "recovered-from-jeopardy",
            Self::EndGivenUp => "end-given-up",
            Self::HeartbeatArrivedAfterDeath => "heartbeat-arrived-after-death",
            Self::KeptByGrace => "kept-by-grace",
            Self::FalseExpiry => "false-expiry",
            Self::EndsWithheld => "ends-withheld",
            Self::SweptLate => "swept-late",
            Self::InboxOverflowed => "inbox-overflowed",
            Self::ReadmissionPutOff => "readmission-put-off",
            Self::InstanceSuspected => "instance-suspected",
            Self::InstanceTurnedCritical => "instance-turned-critical",
            Self::InstanceRevokedByHealth => "instance-revoked-by-health",
            Self::ReRegistered => "re-registered",
            Self::RegistryRestartedWithRegistrations => "registry-restarted-with-registrations",
            Self::WatchGapResynced => "watch-gap-resynced",
            Self::WatcherOverflowed => "watcher-overflowed",
            Self::PolledWhileWatchWasDead => "polled-while-watch-was-dead",
            Self::ViewLapsed => "view-lapsed",
            Self::ServedStale => "served-stale",
            Self::CacheServedNearItsBound => "cache-served-near-its-bound",
            Self::DeadInstanceCalled => "dead-instance-called",
            Self::CallFailed => "call-failed",
            Self::ReadFromCopy => "read-from-copy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_names_are_those_of_the_scenario_files() {
        for probe in Probe::ALL {
            let quoted = serde_json::to_string(&probe).unwrap();
            assert_eq!(quoted.trim_matches('"'), probe.name());
        }
    }
}
