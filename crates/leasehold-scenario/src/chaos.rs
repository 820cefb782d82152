//! `[chaos]`: within which limits random faults and open values are drawn.

use core::fmt;
use std::borrow::Cow;
use std::ops::Range;

use leasehold_core::plan::FaultKind;
use leasehold_core::{Drift, Span};
use leasehold_plan::{Chaos, Part, Script};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::deployment::CommandSpec;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::expect::NameVisitor;
use crate::fault::Cast;
use crate::schema::{HasNames, Named};
use crate::spanned::Spanned;
use crate::suggest::{cut, did_you_mean, listed};
use crate::value::{Bound, Length, Percent, Whole};

/// The top-level names under which nothing can be drawn: what a run should come to does not depend on a seed, and
/// what makes it random does not depend on itself.
const NEVER_DRAWN: [&str; 8] = ["schema", "name", "summary", "system", "engine", "expect", "plan", "chaos"];

/// `[chaos]` as it stands in the file: limits of random runs, which `--chaos` and `sweep` are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ChaosTable {
    /// What becomes of scripted faults: they are kept beside the random ones, or left out.
    script: ScriptName,
    /// The kinds of faults that are drawn; all but wipe unless it is given.
    #[schemars(with = "Option<Vec<Named<FaultKind>>>")]
    only: Option<Spanned<Vec<Spanned<String>>>>,
    /// Kinds of faults that are not drawn.
    #[schemars(with = "Vec<Named<FaultKind>>")]
    without: Vec<Spanned<String>>,
    /// Kinds of faults that are drawn too, such as wipe.
    #[schemars(with = "Vec<Named<FaultKind>>")]
    also: Vec<Spanned<String>>,
    /// How many faults are drawn at most: 12 unless it is given.
    most: Option<Whole<0, 100>>,
    /// How many of them wait for a lease-critical instant, at least and on average: 20% unless it is given.
    aimed: Option<Percent>,
    /// The longest that a fault with an end of its own lasts: three TTLs unless it is given.
    longest: Option<Spanned<Length>>,
    /// How far clock.rate faults may take clocks from true time: as far as [bounds] declares unless it is given.
    clock_rate: Option<Spanned<Bound>>,
    /// What is drawn of that which the file leaves open. Unless it is given: all of it, and no policies where there is a
    /// `[bug]`, for that design and the safe one are to differ in one decision only.
    draw: Option<Vec<PartName>>,
    /// Values to draw from, by key path, instead of what stands in the file.
    values: Values,
}

impl ChaosTable {
    /// The limits that it stands for. `declared` is the bound of `[bounds]`, `cast` are those who can be struck,
    /// `known` are the top-level names of the scenario, and `parts` is what is drawn unless it says otherwise.
    ///
    /// # Errors
    ///
    /// Every rule it breaks.
    pub(crate) fn chaos(
        &self,
        declared: Drift,
        cast: &Cast<'_>,
        known: &[&str],
        parts: Vec<Part>,
    ) -> Result<Chaos, Diagnostics> {
        let mut found = Diagnostics::default();
        let kinds = found.keep(self.kinds(cast));
        let longest = found.keep(self.longest());
        let clock_rate = found.keep(self.clock_rate(declared));
        let values = found.keep(self.values.checked(known));
        let default = Chaos::default();
        let (Some(kinds), Some(longest), Some(clock_rate), Some(values)) =
            (kinds, longest, clock_rate, values)
        else {
            return Err(found);
        };
        let drawn = |named: &Vec<PartName>| {
            Part::ALL.into_iter().filter(|part| named.iter().any(|name| name.0 == *part)).collect()
        };
        found.or(Chaos {
            script: self.script.0,
            kinds,
            most: self.most.map_or(default.most, |most| u16::try_from(most.0).expect("at most 100")),
            aimed: self.aimed.map_or(default.aimed, |aimed| aimed.0),
            longest,
            clock_rate,
            parts: self.draw.as_ref().map_or(parts, drawn),
            values,
        })
    }

    fn kinds(&self, cast: &Cast<'_>) -> Result<Vec<FaultKind>, Diagnostics> {
        let commands = cast.commands;
        let mut found = Diagnostics::default();
        let mut read = |names: &[Spanned<String>]| -> Vec<(FaultKind, Range<usize>)> {
            names.iter().filter_map(|name| found.keep(kind(name, commands))).collect()
        };
        let only = self.only.as_ref().map(|only| read(only.get_ref()));
        let (without, also) = (read(&self.without), read(&self.also));
        for (kind, span) in only.iter().flatten() {
            let message = match kind {
                FaultKind::Command if commands.is_empty() => "the system has no commands: nothing is drawn",
                FaultKind::WatchDrop | FaultKind::WatchStall | FaultKind::WatchGap
                    if !cast.nodes.iter().any(|node| node.role.can_watch()) =>
                {
                    "nobody here watches anything: nothing is drawn"
                }
                _ => continue,
            };
            found.push(Diagnostic::at(span.clone(), message).help(NO_FAULTS));
            break;
        }
        if let Some(only) = self.only.as_ref().filter(|only| only.get_ref().is_empty()) {
            found.push(Diagnostic::at(only.span(), "`only` names no kind of fault").help(NO_FAULTS));
        }
        for (kind, span) in &without {
            let only = only.iter().flatten().map(|named| ("only", named));
            let mut named = only.chain(also.iter().map(|named| ("also", named)));
            if let Some((key, (_, other))) = named.find(|(_, (other, _))| other == kind) {
                let message = format!("`{}` is both in `{key}` and in `without`", kind.name());
                found.push(Diagnostic::at(span.clone(), message).related(other.clone(), "the other is here"));
            }
        }
        let has = |list: &[(FaultKind, _)], kind| list.iter().any(|(other, _)| *other == kind);
        let base = Chaos::default().kinds;
        let drawn = |kind: &FaultKind| {
            let named = only.as_ref().map_or_else(|| base.contains(kind), |only| has(only, *kind));
            (named || has(&also, *kind)) && !has(&without, *kind)
        };
        let kinds: Vec<FaultKind> = FaultKind::ALL.into_iter().filter(drawn).collect();
        if kinds.is_empty() && found.is_empty() {
            let place = self.without.first().map_or(0..0, Spanned::span);
            found.push(Diagnostic::at(place, "`without` leaves no kind of fault").help(NO_FAULTS));
        }
        found.or(kinds)
    }

    fn longest(&self) -> Result<Option<Span>, Diagnostic> {
        match &self.longest {
            Some(longest) if longest.get_ref().0.is_zero() => {
                Err(Diagnostic::at(longest.span(), "faults that last 0s touch nothing")
                    .label("expected more than 0s")
                    .help(NO_FAULTS))
            }
            longest => Ok(longest.as_ref().map(|longest| longest.get_ref().0)),
        }
    }

    fn clock_rate(&self, declared: Drift) -> Result<Option<Drift>, Diagnostic> {
        match &self.clock_rate {
            Some(widened) if widened.get_ref().0 < declared => {
                let rate = widened.get_ref().0;
                Err(Diagnostic::at(
                    widened.span(),
                    format!("clocks are taken up to {rate} from true time, but [bounds] declares {declared}"),
                )
                .label(format!("expected {declared} or more"))
                .help(
                    "rates within [bounds] are always drawn: raise this, or lower `clock_rate` in [bounds]",
                ))
            }
            widened => Ok(widened.as_ref().map(|widened| widened.get_ref().0)),
        }
    }
}

const NO_FAULTS: &str = "write `most = 0` for no random faults";

/// The kind with this name. Commands of the system are one kind.
fn kind(
    name: &Spanned<String>,
    commands: &[CommandSpec<()>],
) -> Result<(FaultKind, Range<usize>), Diagnostic> {
    let text = name.get_ref();
    if let Some(kind) = FaultKind::from_name(text) {
        return Ok((kind, name.span()));
    }
    let diagnostic = Diagnostic::at(name.span(), format!("no kind of fault is called `{}`", cut(text)));
    Err(match commands.iter().any(|command| command.name == *text) {
        true => diagnostic.help("the commands of a system are one kind: write \"command\""),
        false => diagnostic.help(did_you_mean(text, FaultKind::ALL.map(FaultKind::name))),
    })
}

impl HasNames for FaultKind {
    const CALLED: &'static str = "FaultKind";
    const MEANING: &'static str = "a kind of fault; the commands of a system are one";

    fn names() -> Vec<&'static str> {
        Self::ALL.map(Self::name).to_vec()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct ScriptName(Script);

impl ScriptName {
    const NAMES: [(&'static str, Script); 2] = [("kept", Script::Kept), ("left-out", Script::LeftOut)];

    fn named(name: &str) -> Result<Self, String> {
        let known = Self::NAMES.into_iter().find(|(known, _)| *known == name);
        known.map(|(_, script)| Self(script)).ok_or_else(|| {
            let help = did_you_mean(name, Self::NAMES.map(|(known, _)| known));
            format!("`{}` is no value of `script`\n{help}", cut(name))
        })
    }
}

impl<'de> Deserialize<'de> for ScriptName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor { expected: "\"kept\" or \"left-out\"", named: Self::named })
    }
}

impl JsonSchema for ScriptName {
    fn schema_name() -> Cow<'static, str> {
        "Script".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": Self::NAMES.map(|(name, _)| name) })
    }
}

/// A part of a scenario that may be left open.
#[derive(Clone, Copy, Debug)]
struct PartName(Part);

impl PartName {
    fn named(name: &str) -> Result<Self, String> {
        let known = Part::ALL.into_iter().find(|part| part.name() == name);
        known.map(Self).ok_or_else(|| {
            let help = did_you_mean(name, Part::ALL.map(Part::name));
            format!("`{}` is nothing that can be left open\n{help}", cut(name))
        })
    }
}

impl<'de> Deserialize<'de> for PartName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(NameVisitor { expected: "a part such as \"timing\"", named: Self::named })
    }
}

impl JsonSchema for PartName {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": Part::ALL.map(Part::name) })
    }
}

/// `[chaos.values]`: lists of values by key path. A path may stand in quotes, as tables, or both.
#[derive(Debug, Default)]
struct Values(Vec<(Spanned<String>, Spanned<Choice>)>);

/// What stands under a part of a key path.
#[derive(Debug)]
enum Choice {
    Values(Vec<toml::Value>),
    Below(Values),
}

impl Values {
    /// The values as TOML, by key path.
    fn checked(&self, known: &[&str]) -> Result<Vec<(String, Vec<String>)>, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut checked = Vec::new();
        self.check_below("", known, &mut checked, &mut found);
        found.or(checked)
    }

    fn check_below(
        &self,
        above: &str,
        known: &[&str],
        checked: &mut Vec<(String, Vec<String>)>,
        found: &mut Diagnostics,
    ) {
        for (key, choice) in &self.0 {
            let path = format!("{above}{}", key.get_ref());
            match choice.get_ref() {
                Choice::Below(values) => values.check_below(&format!("{path}."), known, checked, found),
                Choice::Values(values) => {
                    found.keep(check_key(&path, key.span(), known));
                    if values.is_empty() {
                        let message = format!("there is nothing to draw for `{}`", cut(&path));
                        found.push(
                            Diagnostic::at(choice.span(), message).label("expected a value at least").help(
                                "write some in the brackets, such as [\"1s\", \"10s\"], or remove the key",
                            ),
                        );
                    }
                    checked.push((path, values.iter().map(toml::Value::to_string).collect()));
                }
            }
        }
    }
}

/// Whether a key path leads into a table whose values can be drawn. What stands there is for its reader to say.
fn check_key(path: &str, span: Range<usize>, known: &[&str]) -> Result<(), Diagnostic> {
    let is_key =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let first = path.split('.').next().unwrap_or_default();
    let drawn = || known.iter().copied().filter(|name| !NEVER_DRAWN.contains(name));
    let wrong = |message: String| Err(Diagnostic::at(span.clone(), message));
    if !path.split('.').all(is_key) {
        return wrong(format!("`{}` is no key path", cut(path)))
            .map_err(|diagnostic| diagnostic.help("write table and key, such as \"lease.ttl\""));
    }
    if NEVER_DRAWN.contains(&first) {
        return wrong(format!("`{first}` cannot be drawn")).map_err(|diagnostic| {
            diagnostic.help(format!("tables that can be drawn are {}", listed(drawn())))
        });
    }
    if !known.contains(&first) {
        return wrong(format!("no table is called `{}`", cut(first)))
            .map_err(|diagnostic| diagnostic.help(did_you_mean(first, drawn().collect::<Vec<_>>())));
    }
    if path == first {
        return wrong(format!("`{first}` is a whole table")).map_err(|diagnostic| {
            diagnostic.help(format!("write which key of it, such as \"{first}.key\""))
        });
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;
        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = Values;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    values.push((key, map.next_value()?));
                }
                Ok(Values(values))
            }
        }
        deserializer.deserialize_map(ValuesVisitor)
    }
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoiceVisitor;
        impl<'de> Visitor<'de> for ChoiceVisitor {
            type Value = Choice;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Choice, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Choice::Values)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Choice, A::Error> {
                Values::deserialize(MapAccessDeserializer::new(map)).map(Choice::Below)
            }
        }
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

impl JsonSchema for Values {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": ["array", "object"] } })
    }
}

#[cfg(test)]
mod tests;
