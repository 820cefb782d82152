//! `[expect]`: what a scenario should come to.

use core::fmt;
use std::borrow::Cow;

use crate::Spanned;
use leasehold_check::Invariant;
use leasehold_core::event::Probe;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::goal::Goal;
use crate::schema::Named;
use crate::suggest::{cut, did_you_mean, listed};

/// What a scenario should come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// Its verdict.
    pub verdict: ExpectedVerdict,
    /// Whether hazards may be counted on the way.
    pub hazard: HazardPolicy,
    /// The places that a run must reach, or its pass is vacuous.
    pub reach: Vec<Probe>,
    /// The places that no run may reach.
    pub never: Vec<Probe>,
    /// What the numbers measured in a run, or in all runs of a sweep together, must keep to.
    pub budgets: Vec<Goal>,
}

/// The verdict that is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// All invariants hold.
    #[default]
    Pass,
    /// An invariant is violated. `verdict = "liveness"` is short for that invariant.
    Violation {
        /// Which.
        invariant: Invariant,
        /// Which others may be violated along with it.
        also: Vec<Invariant>,
    },
    /// A node's code panics.
    Panic,
    /// Nothing was judged, or a place was not reached.
    Vacuous,
}

/// What hazards (overlapping claims or late effects with no broken state) mean for the expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HazardPolicy {
    /// They are counted beside the verdict.
    #[default]
    Allowed,
    /// There must be none.
    None,
}

/// `[expect]` as it stands in the file.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ExpectTable {
    /// The verdict: pass unless it is given; for a violation, say which.
    verdict: Option<Spanned<VerdictName>>,
    /// The invariant that must be violated.
    violation: Option<Spanned<InvariantName>>,
    /// The invariants that may be violated along with it; any other fails the run.
    also: Option<Spanned<Vec<Spanned<InvariantName>>>>,
    /// What hazards mean.
    hazard: HazardPolicy,
    /// Places that the run must reach, or it is vacuous.
    #[schemars(with = "Vec<Named<Probe>>")]
    reach: Vec<Probe>,
    /// Places that no run may reach. Random faults may lead anywhere: then it is not asked.
    #[schemars(with = "Option<Vec<Named<Probe>>>")]
    never: Option<Spanned<Vec<Spanned<Probe>>>>,
    /// Limits on what is measured, such as "failover.p99 < 15s": in one run, or in all runs of a sweep together.
    budgets: Vec<Spanned<Goal>>,
}

impl ExpectTable {
    /// The expectation it stands for, of a system that these invariants apply to.
    pub(crate) fn expect(&self, judged: &[Invariant]) -> Result<Expect, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut applies = |name: &Spanned<InvariantName>| {
            let invariant = name.get_ref().0;
            if !judged.contains(&invariant) {
                let judged = listed(judged.iter().map(|invariant| invariant.name()));
                let message = format!("`{}` does not apply to this system", invariant.name());
                found.push(Diagnostic::at(name.span(), message).help(format!("expected {judged}")));
            }
            invariant
        };
        let also: Vec<Invariant> = self.also.iter().flat_map(Spanned::get_ref).map(&mut applies).collect();
        let violation = self.violation.as_ref().map(&mut applies);
        let verdict = match (self.verdict.as_ref().map(Spanned::get_ref), violation) {
            (None | Some(VerdictName::Pass), None) => ExpectedVerdict::Pass,
            (None, Some(invariant)) => ExpectedVerdict::Violation { invariant, also },
            (Some(VerdictName::Liveness), None) => {
                ExpectedVerdict::Violation { invariant: Invariant::Liveness, also }
            }
            (Some(VerdictName::Panic), None) => ExpectedVerdict::Panic,
            (Some(VerdictName::Vacuous), None) => ExpectedVerdict::Vacuous,
            (Some(_), Some(_)) => {
                found.push(self.contradiction());
                ExpectedVerdict::Pass
            }
        };
        found.keep(self.check_also(&verdict));
        found.keep(self.check_never());
        found.keep(self.check_budgets(&verdict));
        let reach = each_once(self.reach.iter().copied());
        let never = each_once(self.never.iter().flat_map(Spanned::get_ref).map(|probe| *probe.get_ref()));
        let budgets = self.budgets.iter().map(|goal| goal.get_ref().clone()).collect();
        found.or(Expect { verdict, hazard: self.hazard, reach, never, budgets })
    }

    fn contradiction(&self) -> Diagnostic {
        let verdict = self.verdict.as_ref().expect("both are there").span();
        let violation = self.violation.as_ref().expect("both are there").span();
        Diagnostic::at(verdict, "`verdict` and `violation` exclude each other")
            .label("expected one of the two")
            .related(violation, "the other is here")
            .help("remove `verdict`: an expected violation is the verdict")
    }

    fn check_never(&self) -> Result<(), Diagnostic> {
        let mut never = self.never.iter().flat_map(Spanned::get_ref);
        let Some(both) = never.find(|probe| self.reach.contains(probe.get_ref())) else { return Ok(()) };
        let message = format!("`{}` cannot be both: to be reached, and never", both.get_ref().name());
        Err(Diagnostic::at(both.span(), message).help("remove it here, or from `reach`"))
    }

    fn check_budgets(&self, verdict: &ExpectedVerdict) -> Result<(), Diagnostic> {
        let Some(first) = self.budgets.first() else { return Ok(()) };
        if matches!(verdict, ExpectedVerdict::Vacuous | ExpectedVerdict::Panic) {
            let message = "a run that is expected to panic, or to say nothing, has no budgets";
            return Err(Diagnostic::at(first.span(), message).help("remove `budgets`"));
        }
        let number = |goal: &Spanned<Goal>| {
            (goal.get_ref().metric, goal.get_ref().statistic, goal.get_ref().comparison.wants())
        };
        let again = self.budgets.iter().enumerate().find_map(|(place, goal)| {
            let before = self.budgets[..place].iter().find(|before| number(before) == number(goal))?;
            Some((before, goal))
        });
        match again {
            Some((before, goal)) => {
                Err(Diagnostic::at(goal.span(), format!("`{}` is limited twice", goal.get_ref()))
                    .related(before.span(), "the first limit is here")
                    .help("remove one of the two"))
            }
            None => Ok(()),
        }
    }

    fn check_also(&self, verdict: &ExpectedVerdict) -> Result<(), Diagnostic> {
        let Some(also) = &self.also else { return Ok(()) };
        if self.violation.is_some() && self.verdict.is_some() {
            return Ok(());
        }
        let ExpectedVerdict::Violation { invariant, .. } = verdict else {
            return Err(Diagnostic::at(also.span(), "`also` stands only beside `violation`")
                .label("what may be violated along with it")
                .help("add `violation = \"...\"`, or remove `also`"));
        };
        match also.get_ref().iter().find(|name| name.get_ref().0 == *invariant) {
            Some(twice) => {
                Err(Diagnostic::at(twice.span(), format!("`{}` is already expected", invariant.name()))
                    .help("remove it here"))
            }
            None => Ok(()),
        }
    }
}

fn each_once(probes: impl Iterator<Item = Probe>) -> Vec<Probe> {
    let mut probes: Vec<Probe> = probes.collect();
    probes.sort();
    probes.dedup();
    probes
}

#[derive(Clone, Copy, Debug, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum VerdictName {
    /// All invariants hold.
    Pass,
    /// Something that should go on does not.
    Liveness,
    /// A node's code panics.
    Panic,
    /// Nothing was judged, or a place was not reached.
    Vacuous,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct InvariantName(pub(crate) Invariant);

impl JsonSchema for InvariantName {
    fn schema_name() -> Cow<'static, str> {
        "Invariant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let named = Invariant::ALL.map(|invariant| {
            let description = format!("{}: {}", invariant.id(), invariant.statement());
            json_schema!({ "const": invariant.name(), "description": description })
        });
        json_schema!({ "oneOf": named })
    }
}

impl VerdictName {
    fn named(name: &str) -> Result<Self, String> {
        match name {
            "pass" => Ok(Self::Pass),
            "liveness" => Ok(Self::Liveness),
            "panic" => Ok(Self::Panic),
            "vacuous" => Ok(Self::Vacuous),
            "violation" => Err("a violation is expected by name\nwrite violation = \"fencing\"".to_owned()),
            name => Err(match Invariant::from_name(name) {
                Some(_) => format!("`{name}` is an invariant, no verdict\nwrite violation = \"{name}\""),
                None => {
                    let help = did_you_mean(name, ["pass", "liveness", "panic", "vacuous"]);
                    format!("`{}` is no verdict\n{help}", cut(name))
                }
            }),
        }
    }
}

impl InvariantName {
    fn named(name: &str) -> Result<Self, String> {
        let by_id = || Invariant::ALL.into_iter().find(|invariant| invariant.id().eq_ignore_ascii_case(name));
        Invariant::from_name(name).map(Self).ok_or_else(|| {
            let help = match by_id() {
                Some(invariant) => format!("did you mean `{}`?", invariant.name()),
                None => did_you_mean(name, Invariant::ALL.map(Invariant::name)),
            };
            format!("`{}` is no invariant\n{help}", cut(name))
        })
    }
}

impl<'de> serde::Deserialize<'de> for VerdictName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(NameVisitor { expected: "a verdict such as \"pass\"", named: Self::named })
    }
}

impl<'de> serde::Deserialize<'de> for InvariantName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor { expected: "the name of an invariant", named: Self::named })
    }
}

/// Reads a name where it stands: an error that a visitor gives has the span of the value.
pub(crate) struct NameVisitor<T> {
    pub(crate) expected: &'static str,
    pub(crate) named: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for NameVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
        (self.named)(name).map_err(E::custom)
    }
}
