//! `[bug]`: the mistake of real systems that a scenario shows, and what has to catch it.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use leasehold_check::Invariant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Spanned;
use crate::diagnostic::{Diagnostic, Diagnostics, ScenarioError};
use crate::expect::InvariantName;
use crate::overlay;
use crate::scenario::{OWN, Scenario};
use crate::source::Variant;
use crate::suggest::{cut, listed, nearest};

/// A known mistake: one unsafe policy of an otherwise correct design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its id.
    pub id: BugId,
    /// Who made it.
    pub source: String,
    /// What brings it out.
    pub trigger: String,
    /// What has to happen to it.
    pub fate: Fate,
}

/// What has to happen to a known mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// One of these invariants catches it, in random plans.
    Caught(Vec<Invariant>),
    /// One of these catches it in the schedule of the scenario; random plans need not find it.
    CaughtByScript {
        /// The invariants.
        by: Vec<Invariant>,
        /// Why chance is not enough.
        why: String,
    },
    /// Nothing is ever violated: the rest of the protocol makes up for it.
    Harmless {
        /// How.
        why: String,
    },
    /// It is no mistake: hazards are seen, and nothing is ever violated.
    Control {
        /// What it shows.
        why: String,
    },
}

impl Bug {
    /// The invariants that have to catch it, the most telling first; none if nothing has to.
    pub fn caught_by(&self) -> &[Invariant] {
        match &self.fate {
            Fate::Caught(by) | Fate::CaughtByScript { by, .. } => by,
            Fate::Harmless { .. } | Fate::Control { .. } => &[],
        }
    }
}

/// The id of a known mistake: a letter for its list, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BugId {
    list: BugList,
    number: u8,
}

/// What a list of known mistakes is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BugList {
    /// A: a grantor, its holders, a resource.
    Leases,
    /// B: a registry, heartbeats, discovery.
    Registries,
}

impl BugList {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Leases, Self::Registries];

    /// Its letter.
    pub const fn letter(self) -> char {
        match self {
            Self::Leases => 'A',
            Self::Registries => 'B',
        }
    }

    /// How many mistakes stand in it.
    pub const fn mistakes(self) -> u8 {
        match self {
            Self::Leases => 35,
            Self::Registries => 21,
        }
    }
}

impl BugId {
    /// All of them, in order. Every one of them is to have a scenario.
    pub fn all() -> impl Iterator<Item = Self> {
        BugList::ALL
            .into_iter()
            .flat_map(|list| (1..=list.mistakes()).map(move |number| Self { list, number }))
    }

    /// The list that it stands in.
    pub const fn list(self) -> BugList {
        self.list
    }

    /// The one that is called so: `A7`, or `a7`; nothing if none is.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|id| id.to_string().eq_ignore_ascii_case(name))
    }

    /// The help line for a name that none has: one that it may have been meant for, and which there are.
    pub fn suggestion(name: &str) -> String {
        let names: Vec<String> = Self::all().map(|id| id.to_string()).collect();
        let lists = BugList::ALL.map(|list| format!("{0}1 to {0}{1}", list.letter(), list.mistakes()));
        let there_are = format!("the lists have {}", lists.join(" and "));
        match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}? {there_are}"),
            None => there_are,
        }
    }
}

impl fmt::Display for BugId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", self.list.letter(), self.number))
    }
}

impl Serialize for BugId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `[bug]` as it stands in the file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BugTable {
    /// Its id in the list of known bugs: a letter and a number.
    id: Spanned<String>,
    /// Who made this mistake: systems, issues, papers.
    source: Spanned<String>,
    /// What brings it out.
    trigger: Spanned<String>,
    /// The invariants of which one has to catch it, the most telling first.
    caught_by: Option<Spanned<Vec<Spanned<InvariantName>>>>,
    /// Why random plans need not find it: then the scenario's own faults have to bring it out.
    scripted: Option<Spanned<String>>,
    /// Why nothing is ever violated although the design is unsafe.
    harmless: Option<Spanned<String>>,
    /// What it shows, if it is no mistake: hazards, and nothing violated.
    control: Option<Spanned<String>>,
}

impl BugTable {
    /// What it says, of a system that these invariants apply to.
    pub(crate) fn bug(&self, judged: &[Invariant]) -> Result<Bug, Diagnostics> {
        let mut found = Diagnostics::default();
        let id = found.keep(self.id());
        for text in [Some(&self.source), Some(&self.trigger), self.scripted.as_ref(), self.harmless.as_ref()]
            .into_iter()
            .flatten()
            .chain(self.control.as_ref())
        {
            if text.get_ref().trim().is_empty() {
                found.push(Diagnostic::at(text.span(), "this says nothing").label("expected a few words"));
            }
        }
        let fate = found.keep(self.fate(judged));
        match (id, fate) {
            (Some(id), Some(fate)) => found.or(Bug {
                id,
                source: self.source.get_ref().clone(),
                trigger: self.trigger.get_ref().clone(),
                fate,
            }),
            _ => Err(found),
        }
    }

    fn id(&self) -> Result<BugId, Diagnostic> {
        let name = self.id.get_ref();
        BugId::from_name(name).ok_or_else(|| {
            Diagnostic::at(self.id.span(), format!("no known bug is called `{}`", cut(name)))
                .help(BugId::suggestion(name))
        })
    }

    fn fate(&self, judged: &[Invariant]) -> Result<Fate, Diagnostics> {
        let by = self.named(judged)?;
        let text = |text: &Spanned<String>| text.get_ref().clone();
        Ok(match (by, &self.scripted, &self.harmless, &self.control) {
            (Some(by), None, None, None) => Fate::Caught(by),
            (Some(by), Some(why), None, None) => Fate::CaughtByScript { by, why: text(why) },
            (None, None, Some(why), None) => Fate::Harmless { why: text(why) },
            (None, None, None, Some(why)) => Fate::Control { why: text(why) },
            (None, Some(why), ..) => {
                return Err(Diagnostic::at(why.span(), "it is scripted, and nothing catches it")
                    .help("add caught_by = [\"...\"]")
                    .into());
            }
            (None, None, None, None) => {
                return Err(Diagnostic::at(self.id.span(), "nothing says what catches this bug")
                    .help("add caught_by = [\"exclusivity\"], or say why it is `harmless`")
                    .into());
            }
            (_, _, Some(why), _) | (_, _, _, Some(why)) => {
                return Err(Diagnostic::at(why.span(), "a bug has one fate")
                    .label("expected one of `caught_by`, `harmless` and `control`")
                    .into());
            }
        })
    }

    /// The invariants that it names, if it names any.
    fn named(&self, judged: &[Invariant]) -> Result<Option<Vec<Invariant>>, Diagnostics> {
        let Some(names) = &self.caught_by else { return Ok(None) };
        let mut found = Diagnostics::default();
        if names.get_ref().is_empty() {
            found.push(
                Diagnostic::at(names.span(), "no invariant is named")
                    .help("name one, or leave `caught_by` out and say why it is `harmless`"),
            );
        }
        for name in names.get_ref() {
            if !judged.contains(&name.get_ref().0) {
                let message = format!("`{}` does not apply to this system", name.get_ref().0.name());
                let judged = listed(judged.iter().map(|invariant| invariant.name()));
                found.push(Diagnostic::at(name.span(), message).help(format!("expected {judged}")));
            }
        }
        found.or(Some(names.get_ref().iter().map(|name| name.get_ref().0).collect()))
    }
}

/// A policy that the safe variant of a scenario replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// Its key path.
    pub key: String,
    /// What the scenario says; nothing if it leaves it at its default.
    pub unsafe_value: Option<String>,
    /// What its safe variant says; nothing if that leaves it at its default.
    pub safe_value: Option<String>,
}

impl Scenario {
    /// In what its system differs from that of its safe variant, by key path; nothing of what belongs to the harness.
    ///
    /// # Errors
    ///
    /// If it has no safe variant.
    pub fn replaced_by_safe(&self) -> Result<Vec<Replaced>, ScenarioError> {
        self.replaced(|table| !OWN.contains(&table))
    }

    /// In what its safe variant differs in the harness's tables, but for what is expected of it: then it lives in another
    /// world, and what happens to it there says nothing of this one.
    ///
    /// # Errors
    ///
    /// If it has no safe variant.
    pub fn world_replaced_by_safe(&self) -> Result<Vec<Replaced>, ScenarioError> {
        self.replaced(|table| OWN.contains(&table) && table != "expect")
    }

    fn replaced(&self, counts: impl Fn(&str) -> bool) -> Result<Vec<Replaced>, ScenarioError> {
        let read = |variant| {
            let source = self.source.clone().as_variant(variant);
            let root = overlay::read(&source).map_err(|found| ScenarioError::new(source.clone(), found))?;
            let all: BTreeMap<String, String> = overlay::flatten(&root);
            let is_list = |key: &str| all.get(key).is_some_and(|value| value.starts_with('['));
            // A list is one value; of a table, each key is.
            let is_value = |key: &str| {
                let inner = format!("{key}.");
                let above = key.match_indices('.').map(|(dot, _)| &key[..dot]);
                !above.into_iter().any(is_list)
                    && (is_list(key) || !all.keys().any(|other| other.starts_with(&inner)))
            };
            let counts = |key: &str| counts(key.split('.').next().unwrap_or(key)) && is_value(key);
            let leaves = all.iter().filter(|(key, _)| counts(key));
            Ok(leaves.map(|(key, value)| (key.clone(), value.clone())).collect::<BTreeMap<_, _>>())
        };
        let (written, safe) = (read(Variant::AsWritten)?, read(Variant::Safe)?);
        let keys: BTreeSet<&String> = written.keys().chain(safe.keys()).collect();
        let replaced = keys.into_iter().map(|key| Replaced {
            key: key.clone(),
            unsafe_value: written.get(key).cloned(),
            safe_value: safe.get(key).cloned(),
        });
        Ok(replaced.filter(|policy| policy.unsafe_value != policy.safe_value).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RegistrySystem, SingleGrantor, Source};

    fn read(bug: &str) -> Result<Scenario, String> {
        let text = format!(
            "schema = 1\nname = \"x\"\nsummary = \"x\"\n[resource]\nfence = \"none\"\n[bug]\nid = \"A2\"\nsource = \"one\"\ntrigger = \"a pause\"\n{bug}\n[safe.resource]\nfence = \"highest-token\"\n[safe.expect]\nreach = []\n"
        );
        let systems: [&dyn crate::System; 2] = [&SingleGrantor, &RegistrySystem];
        Scenario::parse(Source::from_text("x", text), &systems).map_err(|error| error.to_string())
    }

    #[test]
    fn every_id_has_a_name_of_its_own() {
        let ids: Vec<String> = BugId::all().map(|id| id.to_string()).collect();
        assert_eq!(ids.len(), 56);
        assert_eq!(
            (ids.first().map(String::as_str), ids.last().map(String::as_str)),
            (Some("A1"), Some("B21"))
        );
        assert!(BugId::all().all(|id| BugId::from_name(&id.to_string().to_lowercase()) == Some(id)));
        assert_eq!(BugId::suggestion("A07"), "did you mean A7? the lists have A1 to A35 and B1 to B21");
        assert_eq!(BugId::suggestion("C"), "the lists have A1 to A35 and B1 to B21");
        assert_eq!(["A36", "A0", "C1", "", "A", "A07"].map(BugId::from_name), [None; 6]);
    }

    #[test]
    fn a_bug_says_who_catches_it() {
        let scenario = read("caught_by = [\"no-lost-update\"]").unwrap();
        let bug = scenario.bug.as_ref().unwrap();
        assert_eq!(bug.fate, Fate::Caught(vec![Invariant::NoLostUpdate]));
        let replaced = scenario.replaced_by_safe().unwrap();
        let [policy] = replaced.as_slice() else { panic!("{replaced:?}") };
        assert_eq!(policy.key, "resource.fence");
        assert_eq!(policy.unsafe_value.as_deref(), Some("\"none\""));
        assert_eq!(policy.safe_value.as_deref(), Some("\"highest-token\""));
        assert_eq!(scenario.world_replaced_by_safe().unwrap(), []);
        let elsewhere = read("caught_by = [\"no-lost-update\"]\n[safe.chaos]\nwithout = [\"hold\"]").unwrap();
        let keys: Vec<String> =
            elsewhere.world_replaced_by_safe().unwrap().into_iter().map(|replaced| replaced.key).collect();
        assert_eq!(keys, ["chaos.without"]);
    }

    #[test]
    fn a_bug_has_just_one_fate() {
        let fate = |text: &str| read(text).map(|scenario| scenario.bug.unwrap().fate);
        let why = || "because".to_owned();
        let by = vec![Invariant::Fencing];
        let cases = [
            ("harmless = \"because\"", Fate::Harmless { why: why() }),
            ("control = \"because\"", Fate::Control { why: why() }),
            ("caught_by = [\"fencing\"]\nscripted = \"because\"", Fate::CaughtByScript { by, why: why() }),
        ];
        for (text, expected) in cases {
            assert_eq!(fate(text).as_ref(), Ok(&expected), "{text}");
        }
        for (text, why) in [
            ("", "nothing says what catches this bug"),
            ("caught_by = []", "no invariant is named"),
            ("caught_by = [\"watch\"]", "`watch` does not apply to this system"),
            ("scripted = \"because\"", "it is scripted, and nothing catches it"),
            ("caught_by = [\"fencing\"]\nharmless = \"because\"", "a bug has one fate"),
            ("harmless = \"because\"\ncontrol = \"because\"", "a bug has one fate"),
            ("harmless = \" \"", "this says nothing"),
        ] {
            let error = fate(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
