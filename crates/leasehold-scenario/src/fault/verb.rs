//! What a fault does, by name, and the keys that belong to it.

use crate::Spanned;
use leasehold_core::CommandId;
use leasehold_core::plan::FaultKind;

use super::target::Cast;
use crate::diagnostic::Diagnostic;
use crate::suggest::{cut, listed, nearest};

/// The harness's own values of `do`. A system's commands stand beside them.
pub(crate) fn actions() -> impl Iterator<Item = &'static str> {
    FaultKind::ALL.into_iter().filter(|kind| *kind != FaultKind::Command).map(FaultKind::name)
}

/// What a fault does, before its own keys are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Partition,
    Link,
    Clog,
    Hold,
    Swizzle,
    Pause,
    Suspend,
    Throttle,
    Stall,
    Crash,
    Torn,
    Wipe,
    Restart,
    ClockRate,
    ClockFreeze,
    ClockStrobe,
    WallStep,
    Command(CommandId),
}

impl Verb {
    /// The one that is meant by the name.
    ///
    /// # Errors
    ///
    /// If there is none, with what may have been meant.
    pub(super) fn named(action: &Spanned<String>, cast: &Cast<'_>) -> Result<Self, Diagnostic> {
        let name = action.get_ref().as_str();
        Ok(match name {
            "partition" => Self::Partition,
            "link" => Self::Link,
            "clog" => Self::Clog,
            "hold" => Self::Hold,
            "swizzle" => Self::Swizzle,
            "pause" => Self::Pause,
            "suspend" => Self::Suspend,
            "throttle" => Self::Throttle,
            "stall" => Self::Stall,
            "crash" => Self::Crash,
            "torn" => Self::Torn,
            "wipe" => Self::Wipe,
            "restart" => Self::Restart,
            "clock.rate" => Self::ClockRate,
            "clock.freeze" => Self::ClockFreeze,
            "clock.strobe" => Self::ClockStrobe,
            "clock.wall-step" => Self::WallStep,
            _ => {
                let command = cast.commands.iter().position(|command| command.name == name);
                let index = command.ok_or_else(|| unknown(action, cast))?;
                Self::Command(CommandId(u16::try_from(index).expect("a system has few commands")))
            }
        })
    }

    /// The keys that belong to it, beside those that every fault has.
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Partition | Self::Clog | Self::Hold => &["for", "to", "shape"],
            Self::Link => &["for", "to", "shape", "loss", "delay", "duplicate", "reorder", "slow", "burst"],
            Self::Swizzle | Self::Stall | Self::ClockFreeze => &["for"],
            Self::Pause | Self::Suspend | Self::Crash | Self::Torn | Self::Wipe => {
                &["for", "before", "after"]
            }
            Self::Throttle => &["for", "step"],
            Self::ClockRate => &["for", "rate"],
            Self::ClockStrobe => &["for", "by", "every"],
            Self::WallStep => &["by"],
            Self::Restart | Self::Command(_) => &[],
        }
    }
}

fn unknown(action: &Spanned<String>, cast: &Cast<'_>) -> Diagnostic {
    let name = action.get_ref();
    let known = || actions().chain(cast.commands.iter().map(|command| command.name));
    let diagnostic = Diagnostic::at(action.span(), format!("no fault is called `{}`", cut(name)));
    let qualified = [format!("clock.{name}"), format!("clock.wall-{name}")];
    match nearest(name, known())
        .or_else(|| known().find(|action| qualified.iter().any(|name| name == action)))
    {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!("expected {}", listed(known()))),
    }
}
