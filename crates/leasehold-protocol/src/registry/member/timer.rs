//! The timers of applications and sidecars.

use leasehold_core::id::TimerId;

/// The timers of applications and sidecars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Timer {
    /// When to ask the registry again for what was not answered: to register, to deregister. Or to ask it at last.
    Retry,
    /// When to send a heartbeat.
    Heartbeat,
    /// An application: when its work has to say to the sidecar that it goes on, or has stood still for too long. A
    /// sidecar: when it has heard of no progress for too long.
    Progress,
    /// When an application looks at its own readiness.
    Look,
    /// When its readiness comes or goes by itself.
    Flap,
    /// When an application asks its sidecar again to be taken off the list, or has answered calls for long enough
    /// after it was.
    Leave,
    /// When the thread of the work is free to answer those that asked how it is.
    Answer,
}

impl From<Timer> for TimerId {
    fn from(timer: Timer) -> Self {
        Self(timer as u32)
    }
}

impl Timer {
    const ALL: [Self; 7] =
        [Self::Retry, Self::Heartbeat, Self::Progress, Self::Look, Self::Flap, Self::Leave, Self::Answer];

    pub(in crate::registry) fn from_id(id: TimerId) -> Self {
        Self::ALL[id.0 as usize]
    }

    /// Those that an application has beside those of its membership.
    pub(in crate::registry) const OF_AN_APPLICATION: [Self; 5] =
        [Self::Progress, Self::Look, Self::Flap, Self::Leave, Self::Answer];
}
