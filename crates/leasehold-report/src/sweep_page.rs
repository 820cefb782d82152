//! What the page of a sweep shows: filled by whoever ran it.

use serde::Serialize;

/// A sweep, or a merge of its shards. Nothing in it depends on the machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepPage {
    /// The version of the tool that ran it.
    pub tool: String,
    /// The seeds, as `A..B`.
    pub seeds: String,
    /// The command that does it again.
    pub command: String,
    /// What it comes to: `met`, `vacuous`, `failed`, `not-deterministic`.
    pub standing: String,
    /// Why it is not complete; nothing if it is.
    pub incomplete: Option<String>,
    /// How many runs there were.
    pub runs: u64,
    /// In how many of them something failed.
    pub failed: u64,
    /// How long they were together, in simulated seconds.
    pub simulated: f64,
    /// How many runs came to which verdict.
    pub verdicts: Vec<Counted>,
    /// The scenarios, in the order of the sweep.
    pub scenarios: Vec<ScenarioLine>,
    /// All places that there are, and in how many runs each was passed.
    pub reach: Vec<ReachLine>,
    /// The kinds of faults that the runs can have.
    pub faults: Vec<FaultLine>,
    /// In how many runs two kinds of faults were in effect at one instant: all pairs that the runs can have.
    pub pairs: Vec<PairCount>,
    /// The closest call of each invariant, the closest first.
    pub closest: Vec<CallLine>,
    /// What failed, the first of each kind.
    pub failures: Vec<FailureLine>,
    /// What the other engine says of some runs; nothing if it was not asked.
    pub confirmed: Option<Vec<ConfirmedLine>>,
}

/// How often something was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// What.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// A place that a run can pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReachLine {
    /// Its name.
    pub place: String,
    /// In how many runs it was passed.
    pub runs: u64,
    /// The scenarios that require it, and never passed it.
    pub missed_in: Vec<String>,
}

/// A scenario of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioLine {
    /// Its name among the others.
    pub id: String,
    /// Its file.
    pub path: String,
    /// What it expects, in words.
    pub expects: String,
    /// How many runs there were.
    pub runs: u64,
    /// In how many of them something failed.
    pub failed: u64,
    /// In how many of them there was a hazard.
    pub hazards: u64,
    /// How many runs came to which verdict.
    pub verdicts: Vec<Counted>,
    /// In what it is not as expected, in words; empty if it is.
    pub unmet: Vec<String>,
}

/// What became of the faults of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultLine {
    /// The kind.
    pub kind: String,
    /// How many were scheduled.
    pub scheduled: u64,
    /// How many of them fired.
    pub fired: u64,
    /// How many of them landed.
    pub landed: u64,
}

/// How often two kinds of faults came together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairCount {
    /// The one kind.
    pub one: String,
    /// The other.
    pub other: String,
    /// In how many runs.
    pub runs: u64,
}

/// How close an invariant came to being false.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallLine {
    /// Its number: `I1`.
    pub id: String,
    /// Its name.
    pub invariant: String,
    /// What was left, in seconds.
    pub left: f64,
    /// Of what; nothing if it is no share of anything.
    pub of: Option<f64>,
    /// The scenario in which it was.
    pub scenario: String,
    /// The line that runs it again.
    pub line: String,
}

/// A kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureLine {
    /// What went wrong: the invariant with its clause and roles, or a panic.
    pub what: String,
    /// The scenario.
    pub scenario: String,
    /// How many of its runs failed so.
    pub runs: u64,
    /// The first seeds.
    pub seeds: Vec<u64>,
    /// Its folder within the results; nothing if it is not stored.
    pub folder: Option<String>,
    /// The page within the results that shows who believed what; nothing if it is not stored.
    pub timeline: Option<String>,
    /// The lines to paste: what runs it again, and what explains it.
    pub lines: Vec<String>,
}

/// A run that the other engine was asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfirmedLine {
    /// The scenario and the seed.
    pub run: String,
    /// What it came to in the sweep.
    pub here: String,
    /// What it comes to there, or why it says nothing.
    pub there: String,
    /// What follows.
    pub agreement: Agreement,
    /// The lines to paste to see it on either engine; only where they disagree.
    pub lines: Vec<String>,
}

/// Whether two engines say the same of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// They do not.
    Other,
    /// They do.
    Same,
    /// The other one cannot run it.
    Unknown,
}
