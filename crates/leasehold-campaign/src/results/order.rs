//! What a sweep was ordered to do, with all that has to be known of its scenarios once they were run.

use std::collections::BTreeMap;
use std::path::Path;

use leasehold_check::Invariant;
use leasehold_core::event::Probe;
use leasehold_core::plan::{Chance, FaultKind};
use leasehold_scenario::{Engine, Expect, ExpectedVerdict, Faults, Goal, HazardPolicy, Variant};
use serde::{Deserialize, Serialize};

use crate::failure::{shell_path, shell_word};
use crate::fingerprint::Fingerprint;
use crate::program::{Expectation, LeftOut, Program};
use crate::standing::{Unmet, Whole};
use crate::sweep::Audit;
use crate::tally::{ScenarioTally, Tally};

/// What a sweep was ordered to do: the same for all of its shards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The version of the tool.
    pub tool: String,
    /// What the program is called: somebody's own system has one of its own.
    pub program: String,
    /// The first seed, and the one behind the last.
    pub seeds: (u64, u64),
    /// The engine that was asked for; nothing if each scenario was run on its own.
    pub engine: Option<String>,
    /// Scripted faults alone, or random ones.
    pub faults: FaultSource,
    /// The scenarios as written, or their safe variants.
    pub variant: VariantName,
    /// What `--set` laid over the scenarios.
    pub overlays: Vec<String>,
    /// How many runs in a million are run twice.
    pub audit_ppm: u32,
    /// Whether every violation fails, whatever a scenario expects.
    pub ignore_expect: bool,
    /// The scenarios, in order of their paths.
    pub scenarios: Vec<OrderedScenario>,
    /// Those that are not run, because their engine cannot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// How many runs that passed are confirmed on turmoil, beside all failures; nothing if none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<u64>,
}

/// Which faults the runs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultSource {
    /// Those that the scenarios script.
    Scripted,
    /// Random ones too.
    Random,
}

/// Which variant of the scenarios is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariantName {
    /// What stands in the files.
    AsWritten,
    /// With their `[safe]` tables.
    Safe,
}

/// A scenario of a sweep, with all that has to be known of it once it was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderedScenario {
    /// The file, as it was found.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Names it among the others of the sweep, also in the names of files.
    pub id: String,
    /// The digest of its text, with what is laid over it.
    pub digest: String,
    /// Whether it leaves nothing to a seed, and so is run once.
    pub explicit: bool,
    /// The engine that ran it.
    #[serde(default = "sim")]
    pub engine: String,
    /// Scripted faults alone, or random ones.
    pub faults: FaultSource,
    /// The verdict that it expects.
    pub expects: Expects,
    /// The violation that it expects.
    pub violation: Option<Invariant>,
    /// Those that may come along with it.
    pub also: Vec<Invariant>,
    /// Whether hazards fail a run.
    pub hazard: HazardPolicy,
    /// The places that have to be reached.
    pub reach: Vec<Probe>,
    /// The places that no run with the scenario's own faults may reach.
    pub never: Vec<Probe>,
    /// What the numbers measured in all runs together must keep to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Goal>,
    /// The invariants that apply to its system.
    pub invariants: Vec<Invariant>,
    /// The kinds of faults that can be in its runs.
    #[serde(with = "kinds_by_name")]
    pub kinds: Vec<FaultKind>,
}

/// The verdict that a scenario expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expects {
    /// All invariants hold.
    Pass,
    /// One is violated.
    Violation,
    /// A node's code panics.
    Panic,
    /// Nothing was judged, or a place was not reached.
    Vacuous,
}

impl Order {
    /// What is ordered with a whole program. `name` is what the program is called on the command line.
    pub fn new(program: &Program, audit: Audit, confirm: Option<u64>, name: &str) -> Self {
        let options = program.options();
        Self {
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            program: name.to_owned(),
            seeds: (options.seeds.start(), options.seeds.end()),
            engine: options.engine.map(|engine| engine.name().to_owned()),
            faults: options.faults.into(),
            variant: options.variant.into(),
            overlays: options.overlays.clone(),
            audit_ppm: audit.share().as_ppm(),
            ignore_expect: options.expectation == Expectation::Ignored,
            scenarios: (0..program.entries().len())
                .map(|place| OrderedScenario::new(program, place))
                .collect(),
            left_out: program.left_out().to_vec(),
            confirm,
        }
    }

    /// How many runs the whole sweep has.
    pub fn total(&self) -> u64 {
        self.checked_total().unwrap_or(u64::MAX)
    }

    /// The same; nothing if 64 bits do not count them.
    pub(crate) fn checked_total(&self) -> Option<u64> {
        let explicit = self.scenarios.iter().filter(|scenario| scenario.explicit).count();
        let open = self.scenarios.len() - explicit;
        let count = |n: usize| u64::try_from(n).expect("lists are shorter than that");
        let seeds = self.seeds.1.checked_sub(self.seeds.0)?;
        seeds.checked_mul(count(open))?.checked_add(count(explicit))
    }

    /// The scenario and the seed of a position: those that leave nothing open come first, then seed after seed with
    /// all others.
    ///
    /// # Panics
    ///
    /// If there is no such position.
    pub fn job(&self, position: u64) -> (usize, u64) {
        assert!(position < self.total(), "position {position} of {}", self.total());
        let places = |explicit: bool| {
            let places = self.scenarios.iter().enumerate();
            places.filter(move |(_, scenario)| scenario.explicit == explicit).map(|(place, _)| place)
        };
        let index = |n: u64| usize::try_from(n).expect("it is less than the number of scenarios");
        let explicit = u64::try_from(places(true).count()).expect("lists are shorter than that");
        if position < explicit {
            return (places(true).nth(index(position)).expect("counted"), 0);
        }
        let open = u64::try_from(places(false).count()).expect("lists are shorter than that");
        let beyond = position - explicit;
        let place = places(false).nth(index(beyond % open)).expect("it is less than their number");
        (place, self.seeds.0 + beyond / open)
    }

    /// The paths of the scenarios.
    pub fn paths(&self) -> Vec<String> {
        self.scenarios.iter().map(|scenario| scenario.path.clone()).collect()
    }

    /// The name of the folder of a failure: the same in every shard.
    pub fn failure_id(&self, scenario: usize, fingerprint: &Fingerprint) -> String {
        failure_id(&self.scenarios[scenario].id, fingerprint)
    }

    /// By the place of the scenario: how its runs are not what they should be.
    pub fn unmet(&self, tally: &Tally, whole: Whole) -> Vec<Vec<Unmet>> {
        let none = ScenarioTally::default();
        let expectation = if self.ignore_expect { Expectation::Ignored } else { Expectation::Counts };
        let unmet = self.scenarios.iter().enumerate().map(|(place, scenario)| {
            let tally = tally.scenarios.get(place).unwrap_or(&none);
            tally.unmet(&scenario.expect(), expectation, whole)
        });
        unmet.collect()
    }

    /// Whether faults of this kind can be in a run of any of the scenarios.
    pub fn can_have(&self, kind: FaultKind) -> bool {
        self.scenarios.iter().any(|scenario| scenario.kinds.contains(&kind))
    }

    /// How many of these runs are run twice.
    pub fn audited(&self, positions: impl Iterator<Item = u64>) -> u64 {
        let Some(share) = Chance::from_ppm(self.audit_ppm) else { return 0 };
        let audit = Audit::of(share);
        let picked = positions.filter(|&position| {
            let (scenario, seed) = self.job(position);
            audit.picks(&self.scenarios[scenario].name, seed)
        });
        u64::try_from(picked.count()).expect("positions are counted in 64 bits")
    }

    /// In what two orders differ, in words; nothing if they are the same.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, one: String, other: String| {
            if one != other {
                found.push(format!("{what}: {one} and {other}"));
            }
        };
        let seeds = |order: &Self| format!("{}..{}", order.seeds.0, order.seeds.1);
        let audit = |order: &Self| format!("{} ppm", order.audit_ppm);
        let engine = |order: &Self| order.engine.clone().unwrap_or_else(|| "each its own".to_owned());
        let confirm = |order: &Self| order.confirm.map_or("none".to_owned(), |runs| runs.to_string());
        let set = |order: &Self| format!("[{}]", order.overlays.join(", "));
        compare("version of the tool", self.tool.clone(), other.tool.clone());
        compare("program", self.program.clone(), other.program.clone());
        compare("seeds", seeds(self), seeds(other));
        compare("engine", engine(self), engine(other));
        compare("faults", self.faults.name().to_owned(), other.faults.name().to_owned());
        compare("variant", self.variant.name().to_owned(), other.variant.name().to_owned());
        compare("--set", set(self), set(other));
        compare("--audit", audit(self), audit(other));
        compare("--confirm", confirm(self), confirm(other));
        compare("--ignore-expect", self.ignore_expect.to_string(), other.ignore_expect.to_string());
        let one: BTreeMap<&str, &OrderedScenario> = self.by_path();
        let two: BTreeMap<&str, &OrderedScenario> = other.by_path();
        for (path, scenario) in &one {
            match two.get(path) {
                None => found.push(format!("scenario {path}: only in the one")),
                Some(same) if same == scenario => {}
                Some(other) => {
                    let [one, two] = [&scenario.digest, &other.digest].map(|digest| digest.get(..12));
                    let [one, two] = [one, two].map(Option::unwrap_or_default);
                    found.push(format!("scenario {path}: its text has the digests {one}… and {two}…"));
                }
            }
        }
        let only_other = two.keys().filter(|path| !one.contains_key(*path));
        found.extend(only_other.map(|path| format!("scenario {path}: only in the other")));
        if found.is_empty() && self != other {
            found.push("the order of the scenarios".to_owned());
        }
        found
    }

    fn by_path(&self) -> BTreeMap<&str, &OrderedScenario> {
        self.scenarios.iter().map(|scenario| (scenario.path.as_str(), scenario)).collect()
    }
}

/// What ran the scenarios of a folder that does not say it: there was no other.
fn sim() -> String {
    Engine::Sim.name().to_owned()
}

/// Kinds are written as in scenario files.
mod kinds_by_name {
    use leasehold_core::plan::FaultKind;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(kinds: &[FaultKind], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(kinds.iter().map(|kind| kind.name()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<FaultKind>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let kind = |name: &String| {
            FaultKind::from_name(name)
                .ok_or_else(|| D::Error::custom(format!("`{name}` is no kind of fault")))
        };
        names.iter().map(kind).collect()
    }
}

/// A folder's name has to fit a file system with some room for what stands before it.
const LONGEST_SLUG: usize = 100;

/// The name of the folder of a failure of the scenario with this id.
pub(crate) fn failure_id(scenario: &str, fingerprint: &Fingerprint) -> String {
    let slug = fingerprint.slug();
    let short: String = slug.chars().take(LONGEST_SLUG).collect();
    // Two messages of panics may differ in what a slug leaves out.
    if short == slug && fingerprint.what != "panic" {
        return format!("{scenario}-{slug}");
    }
    let text = serde_json::to_string(fingerprint).expect("names and texts can be written as JSON");
    let mark = blake3::hash(text.as_bytes()).to_hex();
    format!("{scenario}-{short}-{}", &mark[..8])
}

impl OrderedScenario {
    fn new(program: &Program, place: usize) -> Self {
        let entry = &program.entries()[place];
        let scenario = &entry.scenario;
        let (expects, violation, also) = match &scenario.expect.verdict {
            ExpectedVerdict::Pass => (Expects::Pass, None, Vec::new()),
            ExpectedVerdict::Violation { invariant, also } => {
                (Expects::Violation, Some(*invariant), also.clone())
            }
            ExpectedVerdict::Panic => (Expects::Panic, None, Vec::new()),
            ExpectedVerdict::Vacuous => (Expects::Vacuous, None, Vec::new()),
        };
        Self {
            path: entry.path.display().to_string(),
            name: scenario.name.clone(),
            id: entry.id.clone(),
            digest: entry.digest.clone(),
            explicit: scenario.is_explicit(),
            engine: program.engine(place).name().to_owned(),
            faults: program.faults(place).into(),
            expects,
            violation,
            also,
            hazard: scenario.expect.hazard,
            reach: scenario.expect.reach.clone(),
            never: scenario.expect.never.clone(),
            budgets: scenario.expect.budgets.clone(),
            invariants: scenario.deployment.invariants().to_vec(),
            kinds: FaultKind::ALL.into_iter().filter(|&kind| program.can_have_in(place, kind)).collect(),
        }
    }

    /// What it expects.
    pub fn expect(&self) -> Expect {
        let verdict = match (self.violation, self.expects) {
            (Some(invariant), _) => ExpectedVerdict::Violation { invariant, also: self.also.clone() },
            (None, Expects::Panic) => ExpectedVerdict::Panic,
            (None, Expects::Vacuous) => ExpectedVerdict::Vacuous,
            (None, Expects::Pass | Expects::Violation) => ExpectedVerdict::Pass,
        };
        Expect {
            verdict,
            hazard: self.hazard,
            reach: self.reach.clone(),
            never: self.never.clone(),
            budgets: self.budgets.clone(),
        }
    }
}

impl FaultSource {
    /// As it stands in a manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scripted => "scripted",
            Self::Random => "random",
        }
    }
}

impl From<Faults> for FaultSource {
    fn from(faults: Faults) -> Self {
        match faults {
            Faults::Scripted => Self::Scripted,
            Faults::Random => Self::Random,
        }
    }
}

impl VariantName {
    /// As it stands in a manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "as-written",
            Self::Safe => "safe",
        }
    }
}

impl From<Variant> for VariantName {
    fn from(variant: Variant) -> Self {
        match variant {
            Variant::AsWritten => Self::AsWritten,
            Variant::Safe => Self::Safe,
        }
    }
}

impl Order {
    /// The line that runs one seed again: the same on every machine.
    pub fn line(&self, scenario: usize, seed: u64) -> String {
        self.line_for(&self.program, scenario, seed)
    }

    /// The line that runs one seed again with the program that is called like this.
    pub fn line_for(&self, program: &str, scenario: usize, seed: u64) -> String {
        self.line_on(self.engine.as_deref(), program, scenario, seed)
    }

    /// The lines that run one seed again on either engine.
    pub fn both_lines(&self, program: &str, scenario: usize, seed: u64) -> [String; 2] {
        [Engine::Sim, Engine::Turmoil]
            .map(|engine| self.line_on(Some(engine.name()), program, scenario, seed))
    }

    fn line_on(&self, engine: Option<&str>, program: &str, scenario: usize, seed: u64) -> String {
        let OrderedScenario { path, explicit, faults, .. } = &self.scenarios[scenario];
        let path = shell_path(Path::new(path));
        let mut line = format!("{} run {path}", shell_word(program));
        if !explicit {
            line.push_str(&format!(" --seed {seed}"));
            if *faults == FaultSource::Random {
                line.push_str(" --chaos");
            }
        }
        if let Some(engine) = engine {
            line.push_str(&format!(" --engine {}", shell_word(engine)));
        }
        if self.variant == VariantName::Safe {
            line.push_str(" --safe");
        }
        for overlay in &self.overlays {
            line.push_str(&format!(" --set {}", shell_word(overlay)));
        }
        if self.ignore_expect {
            line.push_str(" --ignore-expect");
        }
        line
    }
}
