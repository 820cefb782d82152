//! `[[fault]]`: what goes wrong, when, to whom.

mod describe;
mod links;
mod pick;
mod target;
mod verb;
mod when;
mod write;

pub use describe::describe;
pub(crate) use target::{Cast, EVERYBODY};
pub(crate) use verb::actions;
pub(crate) use write::write;

use std::ops::Range;

use leasehold_core::plan::{Action, Cut, FaultKind, FaultPlan, Role, Target, Trigger, WatchFault};
use leasehold_core::{CommandId, Purpose, RateError, SimInstant, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::Spanned;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::schema::Named;
use crate::suggest::listed;
use crate::value::{BurstTable, Length, Offset, Percent, Rate};
use links::Shape;
use pick::PickText;
use verb::Verb;
use when::When;

/// The shortest time that a strobed clock stays on a side. Chosen by us: each jump is an event.
const SHORTEST_STROBE: Span = Span::from_millis(1);

/// One `[[fault]]` as it stands in the file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultTable {
    /// When it fires, from the start of the run; or say `when`.
    at: Option<Spanned<Length>>,
    /// By up to how much later than `at` it fires, drawn by the seed.
    spread: Option<Spanned<Length>>,
    /// What must hold when it fires, for the first time; or say `at`.
    when: Option<Spanned<When>>,
    /// Whom it strikes: a node's name, or a role such as holder, ex-holder, contender, grantor, resource.
    on: Spanned<String>,
    /// How many of them: one unless it is given.
    pick: Option<Spanned<PickText>>,
    /// What it does.
    #[serde(rename = "do")]
    #[schemars(schema_with = "action_names")]
    action: Spanned<String>,
    /// How long it lasts; until all is healed unless it is given.
    #[serde(rename = "for")]
    lasts: Option<Spanned<Length>>,
    /// From when on the condition of `when` counts.
    from: Option<Spanned<Length>>,
    /// The other end of the links that are meant: a node's name, or a role.
    to: Option<Spanned<String>>,
    /// Which links are meant.
    shape: Option<Spanned<Shape>>,
    /// How many more messages a link loses.
    loss: Option<Spanned<Percent>>,
    /// How much longer each message of a link takes.
    delay: Option<Spanned<Length>>,
    /// How many more messages of a link arrive twice.
    duplicate: Option<Spanned<Percent>>,
    /// By up to how much longer each message takes, so that messages overtake each other.
    reorder: Option<Spanned<Length>>,
    /// How long a link is busy with each message.
    slow: Option<Spanned<Length>>,
    /// Times in which a link loses more.
    burst: Option<Spanned<BurstTable>>,
    /// How long the process takes for each of its steps.
    step: Option<Spanned<Length>>,
    /// The rate of the node's clocks.
    rate: Option<Spanned<Rate>>,
    /// How far the wall clock jumps.
    by: Option<Spanned<Offset>>,
    /// How often the wall clock jumps there and back.
    every: Option<Spanned<Length>>,
    /// It strikes just before the next message about this leaves.
    #[schemars(with = "Option<Named<Purpose>>")]
    before: Option<Spanned<Purpose>>,
    /// It strikes after so many outputs of the target's next step.
    after: Option<Spanned<u16>>,
    /// Whether it waits for the target's next step.
    strikes: Option<Spanned<Strikes>>,
}

/// What a fault that falls on a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Strikes {
    /// The next step of the target that has outputs.
    NextStep,
    /// Nothing: all targets at one instant.
    Now,
}

/// The harness's own faults, and whatever commands a system may have.
fn action_names(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = actions().collect();
    json_schema!({ "anyOf": [{ "enum": names }, { "type": "string", "description": "a command of the system" }] })
}

/// The phase in which faults fire.
#[derive(Clone, Debug)]
pub(crate) struct Chaos {
    pub(crate) lasts: Span,
    /// Where the file says so, if it does.
    pub(crate) span: Option<Range<usize>>,
}

impl Chaos {
    /// The instant, if it lies in the chaos.
    fn holds(&self, at: &Spanned<Length>, message: String, help: &str) -> Result<SimInstant, Diagnostic> {
        let (instant, end) = (at.get_ref().0, self.lasts);
        if instant < end {
            return Ok(SimInstant::START + instant);
        }
        let diagnostic = Diagnostic::at(at.span(), message)
            .label(format!("faults fire while chaos lasts, until {end}"))
            .help(help);
        Err(match &self.span {
            Some(span) => diagnostic.related(span.clone(), "chaos ends here"),
            None => diagnostic,
        })
    }
}

impl FaultTable {
    /// The fault it stands for, and by up to how much later a seed has it fire.
    ///
    /// # Errors
    ///
    /// Every rule it breaks.
    pub(crate) fn plan(
        &self,
        header: Range<usize>,
        cast: &Cast<'_>,
        chaos: &Chaos,
    ) -> Result<(FaultPlan, Span), Diagnostics> {
        let mut found = Diagnostics::default();
        let spread = found.keep(self.spread(chaos));
        let trigger = found.keep(self.trigger(header, chaos));
        let target = found.keep(cast.select(&self.on, self.pick.as_ref()));
        let lasts = found.keep(self.lasts());
        let verb = found.keep(Verb::named(&self.action, cast));
        let Some(verb) = verb else { return Err(found) };
        if let Err(foreign) = self.only_keys_of(verb) {
            found.keep::<()>(Err(foreign));
            return Err(found);
        }
        let action = found.keep(self.action(verb, target, cast));
        let cut = found.keep(self.cut());
        match (trigger, target, action, lasts, cut, spread) {
            (Some(trigger), Some(target), Some(action), Some(lasts), Some(cut), Some(spread)) => {
                found.or((FaultPlan { trigger, target, action, lasts, cut }, spread))
            }
            _ => Err(found),
        }
    }

    fn trigger(&self, header: Range<usize>, chaos: &Chaos) -> Result<Trigger, Diagnostic> {
        match (&self.at, &self.when) {
            (Some(at), None) => {
                if let Some(from) = &self.from {
                    return Err(Diagnostic::at(from.span(), "`from` means nothing for a fault with `at`")
                        .related(at.span(), "it fires at this instant")
                        .help("remove `from`"));
                }
                let instant = at.get_ref().0;
                let message = format!("this fault is set for {instant}, when chaos is over");
                chaos.holds(at, message, "let it fire earlier, or raise `chaos` in [phases]").map(Trigger::At)
            }
            (None, Some(when)) => {
                let from = match &self.from {
                    Some(from) => {
                        let message =
                            format!("this fault waits until {}, when chaos is over", from.get_ref().0);
                        chaos.holds(from, message, "lower `from`, or raise `chaos` in [phases]")?
                    }
                    None => SimInstant::START,
                };
                Ok(Trigger::When { condition: when.get_ref().0, from })
            }
            (Some(at), Some(when)) => Err(Diagnostic::at(when.span(), "this fault has both `at` and `when`")
                .label("expected one of the two")
                .related(at.span(), "the other is here")
                .help("remove one; for both, write two faults")
                .help("for a condition that counts only from then on, write `from` instead of `at`")),
            (None, None) => {
                Err(Diagnostic::at(header, "this fault never fires: it has neither `at` nor `when`")
                    .help("add `at = \"20s\"`, or `when = \"ttl_remaining < 10%\"`"))
            }
        }
    }

    fn spread(&self, chaos: &Chaos) -> Result<Span, Diagnostic> {
        let Some(spread) = &self.spread else { return Ok(Span::ZERO) };
        let Some(at) = &self.at else {
            return Err(Diagnostic::at(spread.span(), "`spread` means nothing for a fault without `at`")
                .help("remove `spread`, or write `at` instead of `when`"));
        };
        let last = Spanned::new(spread.span(), Length(at.get_ref().0.saturating_add(spread.get_ref().0)));
        let message = format!("this fault may fire as late as {}, when chaos is over", last.get_ref().0);
        // Before chaos it could only be the instant itself that is too late, and that is told of it.
        if at.get_ref().0 < chaos.lasts {
            chaos.holds(&last, message, "lower `at` or `spread`, or raise `chaos` in [phases]")?;
        }
        Ok(spread.get_ref().0)
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

    fn own_keys(&self) -> [(&'static str, Option<Range<usize>>); 16] {
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
            ("reorder", span(&self.reorder)),
            ("slow", span(&self.slow)),
            ("burst", span(&self.burst)),
            ("step", span(&self.step)),
            ("rate", span(&self.rate)),
            ("by", span(&self.by)),
            ("every", span(&self.every)),
            ("before", span(&self.before)),
            ("after", span(&self.after)),
            ("strikes", span(&self.strikes)),
        ]
    }

    fn action(&self, verb: Verb, on: Option<Target>, cast: &Cast<'_>) -> Result<Action, Diagnostic> {
        let kind = match verb {
            Verb::Harness(kind) => kind,
            Verb::Command(command, _) => return self.command(command, on, cast).map(Action::Command),
        };
        Ok(match kind {
            FaultKind::Partition => Action::Partition(self.scope(on, cast)?),
            FaultKind::Link => self.link(self.scope(on, cast)?)?,
            FaultKind::Clog => Action::Clog(self.scope(on, cast)?),
            FaultKind::Hold => Action::Hold(self.scope(on, cast)?),
            FaultKind::Swizzle => Action::Swizzle,
            FaultKind::Pause => Action::Pause,
            FaultKind::Suspend => Action::Suspend,
            FaultKind::Throttle => Action::Throttle { step: self.slowness()? },
            FaultKind::Stall => Action::Stall,
            FaultKind::Crash => Action::Crash,
            FaultKind::Torn => Action::Torn,
            FaultKind::Wipe => Action::Wipe,
            FaultKind::Restart => Action::Restart,
            FaultKind::ClockRate => Action::ClockRate(self.rate()?),
            FaultKind::ClockFreeze => Action::ClockFreeze,
            FaultKind::WallStrobe => {
                Action::WallStrobe { by: self.jump("clock.strobe")?, every: self.every()? }
            }
            FaultKind::WatchDrop => self.watch(WatchFault::Drop, on, cast)?,
            FaultKind::WatchStall => self.watch(WatchFault::Stall, on, cast)?,
            FaultKind::WatchGap => self.watch(WatchFault::Gap, on, cast)?,
            FaultKind::WallStep => Action::WallStep(self.jump("clock.wall-step")?),
            FaultKind::Command => unreachable!("a command is a verb of its own"),
        })
    }

    fn watch(&self, what: WatchFault, on: Option<Target>, cast: &Cast<'_>) -> Result<Action, Diagnostic> {
        let Some(role) = on.and_then(|on| cast.role_of(on)).filter(|role| !role.can_watch()) else {
            return Ok(Action::Watch(what));
        };
        let watchers = || Role::ALL.into_iter().filter(|role| role.can_watch());
        let names: Vec<&str> = watchers().map(Role::name).collect();
        let diagnostic = Diagnostic::at(self.on.span(), format!("{} watches nothing", one(role)))
            .label(format!("expected a node of the role {}", names.join(" or ")))
            .related(self.action.span(), "this is done to who watches");
        let is_here = |role: &Role| cast.nodes.iter().any(|node| node.role == *role);
        Err(match watchers().find(is_here) {
            Some(watcher) => diagnostic.help(format!("write on = \"{}\"", watcher.name())),
            None => diagnostic,
        })
    }

    fn command(&self, id: CommandId, on: Option<Target>, cast: &Cast<'_>) -> Result<CommandId, Diagnostic> {
        let command = cast.commands[usize::from(id.0)];
        let (name, takes) = (command.name, command.role.name());
        let Some(on) = on else { return Ok(id) };
        let message = match cast.role_of(on) {
            Some(role) if role == command.role => return Ok(id),
            Some(role) => format!("{} cannot be told to {name}", one(role)),
            None => format!("not every node can be told to {name}"),
        };
        let diagnostic = Diagnostic::at(self.on.span(), message)
            .label(format!("expected {}", one(command.role)))
            .related(self.action.span(), format!("`{name}` is for nodes of the role {takes}"));
        Err(match cast.role_of(on) {
            None => diagnostic.help(format!("write on = \"{takes}\" and pick = \"all\"")),
            Some(_) => diagnostic.help(format!("write on = \"{takes}\"")),
        })
    }

    fn slowness(&self) -> Result<Span, Diagnostic> {
        match &self.step {
            Some(step) if step.get_ref().0.is_zero() => {
                Err(Diagnostic::at(step.span(), "a process that takes 0s for an input is not slow")
                    .label("expected more than 0s"))
            }
            Some(step) => Ok(step.get_ref().0),
            None => Err(Diagnostic::at(self.action.span(), "`throttle` does not say how slow")
                .label("expected a `step` beside it")
                .help("add `step = \"50ms\"`: how long the process takes for an input")),
        }
    }

    fn every(&self) -> Result<Span, Diagnostic> {
        match &self.every {
            Some(every) if every.get_ref().0 < SHORTEST_STROBE => {
                Err(Diagnostic::at(every.span(), "the clock jumps more often than can be simulated")
                    .label(format!("expected at least {SHORTEST_STROBE}")))
            }
            Some(every) => Ok(every.get_ref().0),
            None => Err(Diagnostic::at(self.action.span(), "`clock.strobe` does not say how often")
                .label("expected an `every` beside it")
                .help("add `every = \"100ms\"`")),
        }
    }

    fn rate(&self) -> Result<RateError, Diagnostic> {
        self.rate.as_ref().map(|rate| rate.get_ref().0).ok_or_else(|| {
            Diagnostic::at(self.action.span(), "`clock.rate` does not say which rate")
                .label("expected a `rate` beside it")
                .help("add `rate = \"+20%\"`")
        })
    }

    fn jump(&self, verb: &str) -> Result<i64, Diagnostic> {
        match &self.by {
            Some(by) if by.get_ref().0 == 0 => Err(Diagnostic::at(by.span(), "a step of 0s changes nothing")
                .label("expected more or less than 0s")),
            Some(by) => Ok(by.get_ref().0),
            None => Err(Diagnostic::at(self.action.span(), format!("`{verb}` does not say how far"))
                .label("expected a `by` beside it")
                .help("add `by = \"+3s\"`, or `by = \"-3s\"` for a step back")),
        }
    }

    fn cut(&self) -> Result<Cut, Diagnostic> {
        if let Some(strikes) = self.strikes.as_ref().filter(|strikes| *strikes.get_ref() == Strikes::Now) {
            let step = self.before.as_ref().map(Spanned::span);
            return match step.or(self.after.as_ref().map(Spanned::span)) {
                None => Ok(Cut::Now),
                Some(step) => Err(Diagnostic::at(step, "a fault that strikes now waits for no step")
                    .help("remove it, or remove `strikes`")
                    .related(strikes.span(), "it strikes now")),
            };
        }
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

/// One of a role, as people say it.
fn one(role: Role) -> String {
    let article = if role.name().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {}", role.name())
}

#[cfg(test)]
mod tests;
