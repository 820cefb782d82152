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
    /// One of the harness's own, never [`FaultKind::Command`].
    Harness(FaultKind),
    /// What a system can be told.
    Command(CommandId, Lasting),
}

/// Whether there is an end to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// It takes no time.
    No,
    /// It is taken back when its fault is over.
    Yes,
}

impl Verb {
    /// The one that is meant by the name.
    ///
    /// # Errors
    ///
    /// If there is none, with what may have been meant.
    pub(super) fn named(action: &Spanned<String>, cast: &Cast<'_>) -> Result<Self, Diagnostic> {
        let name = action.get_ref().as_str();
        if let Some(kind) = FaultKind::from_name(name).filter(|kind| *kind != FaultKind::Command) {
            return Ok(Self::Harness(kind));
        }
        let command = cast.commands.iter().position(|command| command.name == name);
        let index = command.ok_or_else(|| unknown(action, cast))?;
        if let Some((why, needs)) = cast.commands[index].refused {
            let message = format!("`{name}` would do nothing: {why}");
            return Err(Diagnostic::at(action.span(), message).help(format!("{needs}, or remove the fault")));
        }
        let lasting = if cast.commands[index].undo.is_some() { Lasting::Yes } else { Lasting::No };
        Ok(Self::Command(CommandId(u16::try_from(index).expect("a system has few commands")), lasting))
    }

    /// The keys that belong to it, beside those that every fault has.
    pub(super) const fn keys(self) -> &'static [&'static str] {
        let kind = match self {
            Self::Harness(kind) => kind,
            Self::Command(_, Lasting::Yes) => return &["for"],
            Self::Command(_, Lasting::No) => return &[],
        };
        match kind {
            FaultKind::Partition | FaultKind::Clog | FaultKind::Hold => &["for", "to", "shape"],
            FaultKind::Link => {
                &["for", "to", "shape", "loss", "delay", "duplicate", "reorder", "slow", "burst"]
            }
            FaultKind::Swizzle | FaultKind::Stall | FaultKind::ClockFreeze => &["for"],
            FaultKind::Pause | FaultKind::Suspend | FaultKind::Crash | FaultKind::Torn | FaultKind::Wipe => {
                &["for", "before", "after", "strikes"]
            }
            FaultKind::Throttle => &["for", "step"],
            FaultKind::ClockRate => &["for", "rate"],
            FaultKind::WallStrobe => &["for", "by", "every"],
            FaultKind::WallStep => &["by"],
            FaultKind::WatchDrop | FaultKind::WatchStall | FaultKind::WatchGap => &["for"],
            FaultKind::Restart => &["strikes"],
            FaultKind::Command => &[],
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
