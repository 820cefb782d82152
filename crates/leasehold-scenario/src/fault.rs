//! `[[fault]]`: what goes wrong, when, to whom.

mod describe;
mod target;
mod when;

pub use describe::describe;
pub(crate) use target::Cast;

use std::ops::Range;

use leasehold_core::plan::{Action, Chance, Cut, FaultPlan, Scope, Target, Trigger};
use leasehold_core::{CommandId, Purpose, RateError, SimInstant, Span};
use serde::Deserialize;
use toml::Spanned;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::suggest::{cut, listed, nearest};
use crate::value::{Length, Offset, Percent, Rate};
use when::When;

/// The harness's own values of `do`. A system's commands stand beside them.
pub(crate) const ACTIONS: [&str; 8] =
    ["partition", "link", "pause", "suspend", "crash", "restart", "clock.rate", "clock.wall-step"];

/// One `[[fault]]` as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultTable {
    at: Option<Spanned<Length>>,
    when: Option<Spanned<When>>,
    on: Spanned<String>,
    #[serde(rename = "do")]
    action: Spanned<String>,
    #[serde(rename = "for")]
    lasts: Option<Spanned<Length>>,
    to: Option<Spanned<String>>,
    shape: Option<Spanned<Shape>>,
    loss: Option<Spanned<Percent>>,
    delay: Option<Spanned<Length>>,
    duplicate: Option<Spanned<Percent>>,
    rate: Option<Spanned<Rate>>,
    by: Option<Spanned<Offset>>,
    before: Option<Spanned<Purpose>>,
    after: Option<Spanned<u16>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Symmetric,
    OneWay,
    Isolate,
}

/// What a fault does, before its own keys are read.
#[derive(Clone, Copy)]
enum Verb {
    Partition,
    Link,
    Pause,
    Suspend,
    Crash,
    Restart,
    ClockRate,
    WallStep,
    Command(CommandId),
}

impl Verb {
    /// The keys that belong to it, beside `at`, `when`, `on` and `do`.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Partition => &["for", "to", "shape"],
            Self::Link => &["for", "to", "shape", "loss", "delay", "duplicate"],
            Self::Pause | Self::Suspend | Self::Crash => &["for", "before", "after"],
            Self::ClockRate => &["for", "rate"],
            Self::WallStep => &["by"],
            Self::Restart | Self::Command(_) => &[],
        }
    }
}

/// The phase in which faults fire.
#[derive(Clone, Debug)]
pub(crate) struct Chaos {
    pub(crate) lasts: Span,
    /// Where the file says so, if it does.
    pub(crate) span: Option<Range<usize>>,
}

impl FaultTable {
    /// The fault it stands for.
    ///
    /// # Errors
    ///
    /// Every rule it breaks.
    pub(crate) fn plan(
        &self,
        header: Range<usize>,
        cast: &Cast<'_>,
        chaos: &Chaos,
    ) -> Result<FaultPlan, Diagnostics> {
        let mut found = Diagnostics::default();
        let trigger = found.keep(self.trigger(header, chaos));
        let target = found.keep(cast.resolve(&self.on));
        let lasts = found.keep(self.lasts());
        let verb = found.keep(self.verb(cast));
        let Some(verb) = verb else { return Err(found) };
        if let Err(foreign) = self.only_keys_of(verb) {
            found.keep::<()>(Err(foreign));
            return Err(found);
        }
        let action = found.keep(self.action(verb, target, cast));
        let cut = found.keep(self.cut());
        match (trigger, target, action, lasts, cut) {
            (Some(trigger), Some(target), Some(action), Some(lasts), Some(cut)) => {
                found.or(FaultPlan { trigger, target, action, lasts, cut })
            }
            _ => Err(found),
        }
    }

    fn trigger(&self, header: Range<usize>, chaos: &Chaos) -> Result<Trigger, Diagnostic> {
        match (&self.at, &self.when) {
            (Some(at), None) => {
                let instant = at.get_ref().0;
                if instant < chaos.lasts {
                    return Ok(Trigger::At(SimInstant::START + instant));
                }
                let end = chaos.lasts;
                let diagnostic =
                    Diagnostic::at(at.span(), format!("this fault is set for {instant}, when chaos is over"))
                        .label(format!("faults fire while chaos lasts, until {end}"))
                        .help("let it fire earlier, or raise `chaos` in [phases]");
                Err(match &chaos.span {
                    Some(span) => diagnostic.related(span.clone(), "chaos ends here"),
                    None => diagnostic,
                })
            }
            (None, Some(when)) => Ok(Trigger::When(when.get_ref().0)),
            (Some(at), Some(when)) => Err(Diagnostic::at(when.span(), "this fault has both `at` and `when`")
                .label("expected one of the two")
                .related(at.span(), "the other is here")
                .help("remove one; for both, write two faults")),
            (None, None) => {
                Err(Diagnostic::at(header, "this fault never fires: it has neither `at` nor `when`")
                    .help("add `at = \"20s\"`, or `when = \"ttl_remaining < 10%\"`"))
            }
        }
    }

    fn lasts(&self) -> Result<Option<Span>, Diagnostic> {
        match &self.lasts {
            Some(lasts) if lasts.get_ref().0.is_zero() => {
                Err(Diagnostic::at(lasts.span(), "a fault that lasts 0s touches nothing")
                    .label("expected more than 0s")
                    .help("remove the fault, or leave out `for`: it then lasts until the run settles"))
            }
            lasts => Ok(lasts.as_ref().map(|lasts| lasts.get_ref().0)),
        }
    }

    fn verb(&self, cast: &Cast<'_>) -> Result<Verb, Diagnostic> {
        let name = self.action.get_ref().as_str();
        Ok(match name {
            "partition" => Verb::Partition,
            "link" => Verb::Link,
            "pause" => Verb::Pause,
            "suspend" => Verb::Suspend,
            "crash" => Verb::Crash,
            "restart" => Verb::Restart,
            "clock.rate" => Verb::ClockRate,
            "clock.wall-step" => Verb::WallStep,
            _ => {
                let command = cast.commands.iter().position(|command| command.name == name);
                let index = command.ok_or_else(|| unknown_action(&self.action, cast))?;
                Verb::Command(CommandId(u16::try_from(index).expect("a system has few commands")))
            }
        })
    }

    fn only_keys_of(&self, verb: Verb) -> Result<(), Diagnostics> {
        let mut found = Diagnostics::default();
        let name = self.action.get_ref();
        for (key, span) in self.own_keys() {
            let Some(span) = span else { continue };
            if !verb.keys().contains(&key) {
                let diagnostic = Diagnostic::at(span, format!("`{key}` means nothing for `{name}`"))
                    .related(self.action.span(), "because of this");
                found.push(match verb.keys() {
                    [] => diagnostic.help(format!("remove `{key}`; `{name}` has no keys of its own")),
                    keys => {
                        let keys = listed(keys.iter().copied());
                        diagnostic.help(format!("remove `{key}`; `{name}` takes {keys}"))
                    }
                });
            }
        }
        found.or(())
    }

    fn own_keys(&self) -> [(&'static str, Option<Range<usize>>); 10] {
        fn span<T>(value: &Option<Spanned<T>>) -> Option<Range<usize>> {
            value.as_ref().map(Spanned::span)
        }
        [
            ("for", span(&self.lasts)),
            ("to", span(&self.to)),
            ("shape", span(&self.shape)),
            ("loss", span(&self.loss)),
            ("delay", span(&self.delay)),
            ("duplicate", span(&self.duplicate)),
            ("rate", span(&self.rate)),
            ("by", span(&self.by)),
            ("before", span(&self.before)),
            ("after", span(&self.after)),
        ]
    }

    fn action(&self, verb: Verb, on: Option<Target>, cast: &Cast<'_>) -> Result<Action, Diagnostic> {
        Ok(match verb {
            Verb::Partition => Action::Partition(self.scope(on, cast)?),
            Verb::Link => self.link(self.scope(on, cast)?)?,
            Verb::Pause => Action::Pause,
            Verb::Suspend => Action::Suspend,
            Verb::Crash => Action::Crash,
            Verb::Restart => Action::Restart,
            Verb::ClockRate => Action::ClockRate(self.rate()?),
            Verb::WallStep => Action::WallStep(self.step()?),
            Verb::Command(command) => Action::Command(self.command(command, on, cast)?),
        })
    }

    fn command(&self, id: CommandId, on: Option<Target>, cast: &Cast<'_>) -> Result<CommandId, Diagnostic> {
        let command = cast.commands[usize::from(id.0)];
        match on.map(|on| cast.role_of(on)) {
            Some(role) if role != command.role => {
                let (name, takes) = (command.name, command.role.name());
                Err(Diagnostic::at(self.on.span(), format!("a {} cannot be told to {name}", role.name()))
                    .label(format!("expected a {takes}"))
                    .related(self.action.span(), format!("`{name}` is for nodes of the role {takes}")))
            }
            _ => Ok(id),
        }
    }

    fn scope(&self, on: Option<Target>, cast: &Cast<'_>) -> Result<Scope, Diagnostic> {
        let shape = self.shape.as_ref();
        let Some(to) = &self.to else {
            return match shape {
                Some(shape) if *shape.get_ref() != Shape::Isolate => Err(Diagnostic::at(
                    shape.span(),
                    "this shape needs a peer: it says which links are meant",
                )
                .label("expected a `to` beside it")
                .help(
                    "add `to = \"grantor\"`, or any node or role; without a peer, write shape = \"isolate\"",
                )),
                _ => Ok(Scope::Isolate),
            };
        };
        let peer = cast.resolve(to)?;
        if on.is_some_and(|on| cast.is_same(on, peer)) {
            return Err(Diagnostic::at(to.span(), "both ends of the link are the same")
                .label("expected another node or role")
                .related(self.on.span(), "the other end"));
        }
        match shape.map(Spanned::get_ref) {
            Some(Shape::Isolate) => {
                Err(Diagnostic::at(to.span(), "`isolate` means all links of a node, so it has no peer")
                    .help("remove `to`, or write shape = \"symmetric\" or \"one-way\""))
            }
            Some(Shape::OneWay) => Ok(Scope::OneWay(peer)),
            Some(Shape::Symmetric) | None => Ok(Scope::Between(peer)),
        }
    }

    fn link(&self, scope: Scope) -> Result<Action, Diagnostic> {
        let chance =
            |percent: &Option<Spanned<Percent>>| percent.as_ref().map_or(Chance::NEVER, |p| p.get_ref().0);
        let (loss, duplicate) = (chance(&self.loss), chance(&self.duplicate));
        let delay = self.delay.as_ref().map_or(Span::ZERO, |delay| delay.get_ref().0);
        if loss == Chance::NEVER && duplicate == Chance::NEVER && delay.is_zero() {
            return Err(Diagnostic::at(self.action.span(), "this link gets no worse")
                .label("expected `loss`, `delay` or `duplicate` beside it")
                .help("for example `loss = \"10%\"` or `delay = \"50ms\"`"));
        }
        Ok(Action::Link { scope, delay, loss, duplicate })
    }

    fn rate(&self) -> Result<RateError, Diagnostic> {
        self.rate.as_ref().map(|rate| rate.get_ref().0).ok_or_else(|| {
            Diagnostic::at(self.action.span(), "`clock.rate` does not say which rate")
                .label("expected a `rate` beside it")
                .help("add `rate = \"+20%\"`")
        })
    }

    fn step(&self) -> Result<i64, Diagnostic> {
        match &self.by {
            Some(by) if by.get_ref().0 == 0 => Err(Diagnostic::at(by.span(), "a step of 0s changes nothing")
                .label("expected more or less than 0s")),
            Some(by) => Ok(by.get_ref().0),
            None => Err(Diagnostic::at(self.action.span(), "`clock.wall-step` does not say how far")
                .label("expected a `by` beside it")
                .help("add `by = \"+3s\"`, or `by = \"-3s\"` for a step back")),
        }
    }

    fn cut(&self) -> Result<Cut, Diagnostic> {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                Err(Diagnostic::at(after.span(), "this fault has both `before` and `after`")
                    .label("expected one of the two")
                    .related(before.span(), "the other is here"))
            }
            (Some(before), None) => Ok(Cut::BeforeSend(*before.get_ref())),
            (None, after) => Ok(Cut::After(after.as_ref().map_or(0, |after| *after.get_ref()))),
        }
    }
}

fn unknown_action(action: &Spanned<String>, cast: &Cast<'_>) -> Diagnostic {
    let name = action.get_ref();
    let known = || ACTIONS.into_iter().chain(cast.commands.iter().map(|command| command.name));
    let diagnostic = Diagnostic::at(action.span(), format!("no fault is called `{}`", cut(name)));
    let qualified = [format!("clock.{name}"), format!("clock.wall-{name}")];
    match nearest(name, known())
        .or_else(|| known().find(|action| qualified.iter().any(|name| name == action)))
    {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!("expected {}", listed(known()))),
    }
}

#[cfg(test)]
mod tests;
