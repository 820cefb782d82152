//! `failure.json`: what is known of a failure, apart from its plans and its events.

use leasehold_check::{Verdict, Violation};
use leasehold_core::RunEnd;
use leasehold_core::trace::Header;
use leasehold_scenario::{Drawn, Faults, Report, Setting, Trial, Variant};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::origin::Origin;
use crate::fingerprint::Fingerprint;
use crate::investigation::{Confirmation, Investigation, Search, Shrunk};
use crate::program::Expectation;

/// The version of the failure format.
pub const FAILURE_FORMAT: u32 = 1;

/// A failure, for whoever looks into it. Nothing in it depends on the machine or the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureRecord {
    /// [`FAILURE_FORMAT`].
    pub format: u32,
    /// The version of the tool that found it.
    pub tool: String,
    /// The scenario it was found with.
    pub scenario: ScenarioRecord,
    /// The name of its system.
    pub system: String,
    /// The seed.
    pub seed: u64,
    /// The name of the engine that ran it.
    pub engine: String,
    /// Whether it was run with random faults.
    pub chaos: bool,
    /// Whether whatever went wrong counted as a failure, also what the scenario expects.
    pub ignore_expect: bool,
    /// What went wrong.
    pub fingerprint: Fingerprint,
    /// What the run came to.
    pub verdict: Verdict,
    /// The digest of the run, in hexadecimal.
    pub digest: String,
    /// The digest of a second run of the same plan, if it was another: the run is not deterministic then.
    pub second_digest: Option<String>,
    /// How the run ended.
    pub end: RunEnd,
    /// The first violation with this fingerprint; nothing for what is none, such as a panic.
    pub violation: Option<ViolationRecord>,
    /// How close the invariants that held came to being violated.
    pub closest_calls: Vec<ClosestCallRecord>,
    /// What the seed decided about the scenario's tables.
    pub settings: Vec<SettingRecord>,
    /// What else was drawn, for people.
    pub drawn: Vec<DrawnRecord>,
    /// What each fault of the plan does, in words.
    pub faults: Vec<String>,
    /// The smaller run.
    pub shrunk: ShrunkRecord,
    /// The line to paste to see the run again from its scenario and seed.
    pub again: String,
}

/// The scenario of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioRecord {
    /// Its name.
    pub name: String,
    /// Its file, as it was given.
    pub path: String,
    /// Whether its safe variant ran.
    pub safe: bool,
    /// What was laid over it.
    pub set: Vec<String>,
}

/// A violation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViolationRecord {
    /// The name of the invariant.
    pub invariant: String,
    /// The clause of it.
    pub clause: String,
    /// When it was found, in nanoseconds of true time.
    pub at_ns: u64,
    /// The names of the nodes that had a part in it.
    pub nodes: Vec<String>,
    /// The resource it was about.
    pub resource: Option<u32>,
    /// What shows it: as in the JSON of `run`.
    pub facts: Value,
}

/// The least that was left of one bound that held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosestCallRecord {
    /// The name of the invariant.
    pub invariant: String,
    /// What was left, in nanoseconds.
    pub left_ns: u64,
    /// Of how many; nothing where it is not a share of a bound.
    pub of_ns: Option<u64>,
}

/// One value of the scenario's tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingRecord {
    /// The key path.
    pub key: String,
    /// The value, as TOML; nothing if the key is left out.
    pub value: Option<String>,
}

/// Something that was drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawnRecord {
    /// What.
    pub what: String,
    /// What it came to.
    pub value: String,
}

/// The smaller run of a failure; the same run where none was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShrunkRecord {
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// What each fault that it still has does, in words.
    pub faults: Vec<String>,
    /// How many runs it took to find it.
    pub runs: u64,
    /// How the search ended.
    pub search: Search,
}

impl ShrunkRecord {
    /// What is known of a smaller run.
    pub(super) fn of(shrunk: &Shrunk) -> Self {
        Self {
            digest: shrunk.report.digest.to_string(),
            faults: shrunk.trial.scenario().describe(&shrunk.trial.plan().faults),
            runs: shrunk.runs,
            search: shrunk.search,
        }
    }
}

impl FailureRecord {
    /// What is known of an investigated failure.
    pub(super) fn of(investigation: &Investigation, origin: &Origin) -> Self {
        let Investigation { fingerprint, trial, report, confirmation, shrunk } = investigation;
        let header = trial.header(origin.engine);
        let second_digest = match confirmation {
            Confirmation::Same => None,
            Confirmation::Differs(digest) => Some(digest.to_string()),
        };
        let shrunk = match shrunk {
            Some(shrunk) => ShrunkRecord::of(shrunk),
            None => ShrunkRecord {
                digest: report.digest.to_string(),
                faults: header.faults.clone(),
                runs: 0,
                search: Search::CutShort,
            },
        };
        Self {
            format: FAILURE_FORMAT,
            tool: header.tool.clone(),
            scenario: scenario(trial, origin),
            system: header.system.clone(),
            seed: trial.seed(),
            chaos: origin.faults == Faults::Random,
            ignore_expect: origin.expectation == Expectation::Ignored,
            engine: header.engine.clone(),
            fingerprint: fingerprint.clone(),
            verdict: report.verdict,
            digest: report.digest.to_string(),
            second_digest,
            end: report.outcome.end.clone(),
            violation: fingerprint.first_in(trial.scenario(), report).map(|found| violation(found, &header)),
            closest_calls: closest_calls(report),
            settings: trial.settings().iter().map(SettingRecord::from).collect(),
            drawn: trial.drawn().iter().map(DrawnRecord::from).collect(),
            faults: header.faults,
            shrunk,
            again: origin.again(trial),
        }
    }
}

fn scenario(trial: &Trial, origin: &Origin) -> ScenarioRecord {
    ScenarioRecord {
        name: trial.scenario().name.clone(),
        path: origin.path.to_string_lossy().into_owned(),
        safe: origin.variant == Variant::Safe,
        set: origin.overlays.clone(),
    }
}

fn violation(found: &Violation, header: &Header) -> ViolationRecord {
    let name = |node: &leasehold_core::NodeId| header.nodes.get(node.index()).map(|node| node.name.clone());
    ViolationRecord {
        invariant: found.invariant.name().to_owned(),
        clause: found.clause.to_owned(),
        at_ns: found.at.as_nanos(),
        nodes: found.nodes.iter().filter_map(name).collect(),
        resource: found.resource.map(|resource| resource.0),
        facts: serde_json::to_value(&found.evidence).expect("facts are plain data"),
    }
}

fn closest_calls(report: &Report) -> Vec<ClosestCallRecord> {
    let invariants = report.judgement.invariants.iter();
    let calls = invariants.filter_map(|invariant| Some((invariant.invariant, invariant.closest_call?)));
    calls
        .map(|(invariant, call)| ClosestCallRecord {
            invariant: invariant.name().to_owned(),
            left_ns: call.left.as_nanos(),
            of_ns: call.of.map(leasehold_core::Span::as_nanos),
        })
        .collect()
}

impl From<&Setting> for SettingRecord {
    fn from(setting: &Setting) -> Self {
        Self { key: setting.key.clone(), value: setting.value.clone() }
    }
}

impl From<&Drawn> for DrawnRecord {
    fn from(drawn: &Drawn) -> Self {
        Self { what: drawn.what.clone(), value: drawn.value.clone() }
    }
}
