//! What faults are called.

use crate::plan::{Action, WatchFault};

/// The kind of a fault: what it does, without its numbers and targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// [`Action::Partition`].
    Partition,
    /// [`Action::Link`].
    Link,
    /// [`Action::Clog`].
    Clog,
    /// [`Action::Hold`].
    Hold,
    /// [`Action::Swizzle`].
    Swizzle,
    /// [`Action::Pause`].
    Pause,
    /// [`Action::Suspend`].
    Suspend,
    /// [`Action::Throttle`].
    Throttle,
    /// [`Action::Stall`].
    Stall,
    /// [`Action::Crash`].
    Crash,
    /// [`Action::Torn`].
    Torn,
    /// [`Action::Wipe`].
    Wipe,
    /// [`Action::Restart`].
    Restart,
    /// [`Action::ClockRate`].
    ClockRate,
    /// [`Action::ClockFreeze`].
    ClockFreeze,
    /// [`Action::WallStrobe`].
    WallStrobe,
    /// [`Action::WallStep`].
    WallStep,
    /// [`Action::Command`].
    Command,
    /// [`WatchFault::Drop`].
    WatchDrop,
    /// [`WatchFault::Stall`].
    WatchStall,
    /// [`WatchFault::Gap`].
    WatchGap,
}

impl FaultKind {
    /// All of them. A new one goes to the end: random plans number their faults in this order.
    pub const ALL: [Self; 21] = [
        Self::Partition,
        Self::Link,
        Self::Clog,
        Self::Hold,
        Self::Swizzle,
        Self::Pause,
        Self::Suspend,
        Self::Throttle,
        Self::Stall,
        Self::Crash,
        Self::Torn,
        Self::Wipe,
        Self::Restart,
        Self::ClockRate,
        Self::ClockFreeze,
        Self::WallStrobe,
        Self::WallStep,
        Self::Command,
        Self::WatchDrop,
        Self::WatchStall,
        Self::WatchGap,
    ];

    /// The name as it stands in scenario files. Commands stand there under names of their own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Link => "link",
            Self::Clog => "clog",
            Self::Hold => "hold",
            Self::Swizzle => "swizzle",
            Self::Pause => "pause",
            Self::Suspend => "suspend",
            Self::Throttle => "throttle",
            Self::Stall => "stall",
            Self::Crash => "crash",
            Self::Torn => "torn",
            Self::Wipe => "wipe",
            Self::Restart => "restart",
            Self::ClockRate => "clock.rate",
            Self::ClockFreeze => "clock.freeze",
            Self::WallStrobe => "clock.strobe",
            Self::WallStep => "clock.wall-step",
            Self::Command => "command",
            Self::WatchDrop => "watch.drop",
            Self::WatchStall => "watch.stall",
            Self::WatchGap => "watch.gap",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Action {
    /// What it does, without its numbers and targets.
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::Partition(_) => FaultKind::Partition,
            Self::Link { .. } => FaultKind::Link,
            Self::Clog(_) => FaultKind::Clog,
            Self::Hold(_) => FaultKind::Hold,
            Self::Swizzle => FaultKind::Swizzle,
            Self::Pause => FaultKind::Pause,
            Self::Suspend => FaultKind::Suspend,
            Self::Throttle { .. } => FaultKind::Throttle,
            Self::Stall => FaultKind::Stall,
            Self::Crash => FaultKind::Crash,
            Self::Torn => FaultKind::Torn,
            Self::Wipe => FaultKind::Wipe,
            Self::Restart => FaultKind::Restart,
            Self::ClockRate(_) => FaultKind::ClockRate,
            Self::ClockFreeze => FaultKind::ClockFreeze,
            Self::WallStrobe { .. } => FaultKind::WallStrobe,
            Self::WallStep(_) => FaultKind::WallStep,
            Self::Command(_) => FaultKind::Command,
            Self::Watch(WatchFault::Drop) => FaultKind::WatchDrop,
            Self::Watch(WatchFault::Stall) => FaultKind::WatchStall,
            Self::Watch(WatchFault::Gap) => FaultKind::WatchGap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_stands_at_its_place() {
        for (place, kind) in FaultKind::ALL.into_iter().enumerate() {
            assert_eq!(FaultKind::from_name(kind.name()), Some(kind));
            assert_eq!(kind as usize, place);
        }
        assert_eq!(FaultKind::from_name("chaos"), None);
    }
}
