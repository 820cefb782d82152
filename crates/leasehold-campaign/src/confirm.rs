//! What the fast engine found, run again with the nodes behind sockets.
//!
//! The two agree in verdict, not in digest (DESIGN section 4). A failure is confirmed if the same invariant is violated
//! there, and so is a violation that a scenario expects; a run that passed if it passes there too.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use leasehold_check::Verdict;
use leasehold_report::Histograms;
use leasehold_scenario::{Engine, ExpectedVerdict, System};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::program::{Job, Program};
use crate::record::RunRecord;
use crate::sweep::{NoThreads, guarded, threads};

/// The runs of a sweep that are to be confirmed: the failures that are looked into (the first of each kind), the first run
/// of each scenario in which what it expects went wrong, and some that passed. Which those are depends on which runs there
/// are, and on their scenarios and seeds.
#[derive(Debug)]
pub struct Candidates {
    most: u64,
    failed: Vec<Candidate>,
    /// By scenario.
    expected: BTreeMap<usize, Candidate>,
    /// By rank.
    passed: BTreeMap<(u64, u64), Candidate>,
    /// Whether the other engine can run a scenario as it is written, of those that were asked about.
    fits: BTreeMap<usize, bool>,
}

/// So many times what is asked for is drawn, as random faults may be of a kind that the other engine cannot express.
/// Chosen by us: of the shipped scenarios, at least a third of the runs can be compared.
const DRAWN_BEYOND: u64 = 16;

/// A run that is to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its position in the sweep.
    pub position: u64,
    /// The run.
    pub job: Job,
    /// What failed, or went wrong as its scenario expects; nothing if it passed. What is expected has no clause and no roles:
    /// only which it is counts.
    pub failed: Option<Fingerprint>,
}

/// A run that was to be confirmed, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// Its position in the sweep.
    pub position: u64,
    /// The place of its scenario.
    pub scenario: usize,
    /// Its seed.
    pub seed: u64,
    /// What failed in the sweep, or went wrong as expected; nothing if the run passed.
    pub failed: Option<Fingerprint>,
    /// What the other engine says.
    pub agreement: Agreement,
}

/// What the other engine says of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Agreement {
    /// The same.
    Same,
    /// Something else.
    Other {
        /// Its verdict.
        verdict: Verdict,
        /// What fails there.
        failed: Vec<Fingerprint>,
    },
    /// Nothing: the plan has what it cannot express.
    NotExpressible {
        /// What.
        why: String,
    },
    /// Nothing: the run is too large for it.
    DoesNotFit {
        /// Why.
        why: String,
    },
    /// Nothing: the harness itself panicked, which is a bug of ours.
    Broken {
        /// What the panic said.
        message: String,
    },
}

impl Agreement {
    /// Whether the engines contradict each other, or one of them broke.
    pub const fn is_dissent(&self) -> bool {
        matches!(self, Self::Other { .. } | Self::Broken { .. })
    }
}

impl Candidates {
    /// So many that passed, at most, and all that failed.
    pub const fn new(most: u64) -> Self {
        Self {
            most,
            failed: Vec::new(),
            expected: BTreeMap::new(),
            passed: BTreeMap::new(),
            fits: BTreeMap::new(),
        }
    }

    /// A run of a sweep is over.
    pub fn ran(&mut self, program: &Program, record: &RunRecord) {
        let is_sim = program.engine(record.scenario) == Engine::Sim;
        if !is_sim || !record.failed.is_empty() {
            return;
        }
        let job = Job { scenario: record.scenario, seed: record.seed };
        let scenario = &program.entries()[job.scenario].scenario;
        let candidate = Candidate { position: record.position, job, failed: None };
        if record.found_expected {
            let what = match &scenario.expect.verdict {
                ExpectedVerdict::Violation { invariant, .. } => invariant.name(),
                ExpectedVerdict::Panic => "panic",
                ExpectedVerdict::Pass | ExpectedVerdict::Vacuous => return,
            };
            let failed =
                Some(Fingerprint { what: what.to_owned(), clause: String::new(), roles: Vec::new() });
            let first = self.expected.entry(job.scenario).or_insert_with(|| candidate.clone());
            if candidate.position <= first.position {
                *first = Candidate { failed, ..candidate };
            }
            return;
        }
        let fits = || program.strange_to(Engine::Turmoil, job.scenario).is_none();
        if record.verdict != Verdict::Pass || !*self.fits.entry(job.scenario).or_insert_with(fits) {
            return;
        }
        self.passed.insert((rank(&scenario.name, job.seed), record.position), candidate);
        if self.passed.len() as u64 > self.most.saturating_mul(DRAWN_BEYOND) {
            self.passed.pop_last();
        }
    }

    /// A failure of a sweep is known, the first of its kind.
    pub fn failed(&mut self, program: &Program, position: u64, job: Job, fingerprint: &Fingerprint) {
        if program.engine(job.scenario) == Engine::Sim {
            self.failed.push(Candidate { position, job, failed: Some(fingerprint.clone()) });
        }
    }

    /// All of them, what went wrong first, each in the order of positions. Of those that passed, as many as were asked for
    /// that the other engine can run.
    pub fn all(mut self, program: &Program, systems: &[&dyn System]) -> Vec<Candidate> {
        self.failed.extend(self.expected.into_values());
        self.failed.sort_by_key(|candidate| candidate.position);
        let is_comparable = |candidate: &Candidate| {
            let trial = program.trial(candidate.job, systems).on(Engine::Turmoil);
            trial.misfits(Engine::Turmoil).is_empty() && trial.inexpressible(Engine::Turmoil).is_empty()
        };
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        let mut passed: Vec<Candidate> = self.passed.into_values().filter(is_comparable).take(most).collect();
        passed.sort_by_key(|candidate| candidate.position);
        self.failed.into_iter().chain(passed).collect()
    }
}

/// The runs with the lowest are taken.
fn rank(scenario: &str, seed: u64) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("leasehold 2026-11-21 confirmation of a run v1");
    hasher.update(&seed.to_le_bytes());
    hasher.update(scenario.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Runs candidates again, behind sockets, on so many threads. None is begun any more once `is_enough` says so: what is
/// left then is left out.
///
/// # Errors
///
/// If the threads could not be started.
pub fn confirm(
    program: &Program,
    candidates: Vec<Candidate>,
    jobs: NonZeroUsize,
    systems: &[&dyn System],
    is_enough: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Confirmed>, NoThreads> {
    let pool = threads(jobs, "confirming ")?;
    let one = |candidate: Candidate| (!is_enough()).then(|| confirm_one(program, candidate, systems));
    Ok(pool.install(|| candidates.into_par_iter().filter_map(one).collect()))
}

fn confirm_one(program: &Program, candidate: Candidate, systems: &[&dyn System]) -> Confirmed {
    let Candidate { position, job, failed } = candidate;
    let agreement = guarded(job, || agreement(program, position, job, failed.as_ref(), systems));
    let agreement = agreement.unwrap_or_else(|broken| Agreement::Broken { message: broken.message });
    Confirmed { position, scenario: job.scenario, seed: job.seed, failed, agreement }
}

fn agreement(
    program: &Program,
    position: u64,
    job: Job,
    failed: Option<&Fingerprint>,
    systems: &[&dyn System],
) -> Agreement {
    let engine = Engine::Turmoil;
    let trial = program.trial(job, systems).on(engine);
    let misfits = trial.misfits(engine);
    if !misfits.is_empty() {
        let why: Vec<String> = misfits.iter().map(ToString::to_string).collect();
        return Agreement::DoesNotFit { why: why.join("; ") };
    }
    let strange = trial.inexpressible(engine);
    if !strange.is_empty() {
        let why: Vec<String> = strange.iter().map(ToString::to_string).collect();
        return Agreement::NotExpressible { why: why.join("; ") };
    }
    let mut samples = Histograms::default();
    let report = trial.run(engine, &mut samples);
    let record = RunRecord::of(position, job, &trial, &report, &samples, program.options().expectation);
    // What is expected there counts too: it is what the sweep found, or what it did not.
    let found = Fingerprint::of(trial.scenario(), &report);
    let is_same = match failed {
        Some(first) => found.iter().any(|other| other.what == first.what),
        None => passed_too(&record),
    };
    match is_same {
        true => Agreement::Same,
        false => Agreement::Other { verdict: record.verdict, failed: record.failed },
    }
}

/// Whether a run confirms one that passed. One in which nothing was judged does not.
fn passed_too(record: &RunRecord) -> bool {
    record.failed.is_empty() && record.verdict == Verdict::Pass
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use leasehold_scenario::{Faults, SingleGrantor, Variant};

    use super::*;
    use crate::program::{Expectation, ProgramOptions};
    use crate::results::samples;

    fn program(engine: Option<Engine>) -> Program {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/holds/gc-pause-across-expiry.toml");
        let options = ProgramOptions {
            seeds: "0..100".parse().unwrap(),
            overlays: vec!["lease.ttl=1s".to_owned(), "phases.chaos=4s".to_owned()],
            variant: Variant::AsWritten,
            faults: Faults::Scripted,
            expectation: Expectation::Counts,
            engine,
        };
        Program::load(&[path], options, &[&SingleGrantor]).unwrap()
    }

    fn breaks(overlays: &[&str]) -> Program {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/breaks/pause-without-fencing.toml");
        let overlays = overlays.iter().map(|text| (*text).to_owned()).collect();
        let options = ProgramOptions { overlays, ..program(None).options().clone() };
        Program::load(&[path], options, &[&SingleGrantor]).unwrap()
    }

    fn passed(position: u64) -> RunRecord {
        samples::fine(&samples::order(&["a"], (0, 100)), position)
    }

    fn seeds(most: u64, positions: impl Iterator<Item = u64>) -> Vec<u64> {
        let program = program(None);
        let mut candidates = Candidates::new(most);
        positions.for_each(|position| candidates.ran(&program, &passed(position)));
        candidates.all(&program, &[&SingleGrantor]).iter().map(|candidate| candidate.job.seed).collect()
    }

    #[test]
    fn some_that_passed_are_drawn_by_their_seeds_alone() {
        let drawn = seeds(5, 0..100);
        assert_eq!(drawn.len(), 5);
        assert!(drawn.is_sorted() && drawn != [0, 1, 2, 3, 4], "{drawn:?}");
        assert_eq!(seeds(5, (0..100).rev()), drawn, "whatever comes first");
        assert!(drawn.iter().all(|seed| seeds(6, 0..100).contains(seed)), "more add some and move none");
        assert_eq!(seeds(5, 0..3), [0, 1, 2]);
        assert!(seeds(0, 0..100).is_empty());
    }

    #[test]
    fn only_runs_of_the_fast_engine_are_drawn_and_none_that_failed_or_said_nothing() {
        let mut candidates = Candidates::new(10);
        candidates.ran(&program(Some(Engine::Turmoil)), &passed(1));
        let fast = program(None);
        candidates.ran(&fast, &RunRecord { verdict: Verdict::Vacuous, ..passed(2) });
        candidates.ran(&fast, &samples::bad(&samples::order(&["a"], (0, 100)), 3));
        assert!(candidates.all(&fast, &[&SingleGrantor]).is_empty());
    }

    #[test]
    fn a_run_that_judged_nothing_confirms_none() {
        assert!(passed_too(&passed(0)));
        for verdict in [Verdict::Vacuous, Verdict::Inconclusive, Verdict::Liveness] {
            assert!(!passed_too(&RunRecord { verdict, ..passed(0) }), "{}", verdict.name());
        }
    }

    #[test]
    fn the_first_run_in_which_what_is_expected_went_wrong_is_drawn() {
        let program = breaks(&[]);
        let mut candidates = Candidates::new(0);
        for position in [7, 3, 5] {
            let verdict = Verdict::Violation;
            candidates.ran(&program, &RunRecord { verdict, found_expected: true, ..passed(position) });
        }
        let all = candidates.all(&program, &[&SingleGrantor]);
        let told: Vec<(u64, &str)> = all
            .iter()
            .map(|candidate| (candidate.position, candidate.failed.as_ref().unwrap().what.as_str()))
            .collect();
        assert_eq!(told, [(3, "no-lost-update")]);
    }

    #[test]
    fn no_run_that_cannot_be_compared_is_drawn_of_those_that_passed() {
        let fits = |overlays: &[&str]| {
            let program = breaks(overlays);
            let mut candidates = Candidates::new(2);
            (0..40).for_each(|position| candidates.ran(&program, &passed(position)));
            candidates.all(&program, &[&SingleGrantor]).len()
        };
        assert_eq!(fits(&[]), 2);
        assert_eq!(fits(&["network.duplicate=10%"]), 0);
        assert_eq!(fits(&["topology.holders=12"]), 0);
    }

    /// The pause of this scenario is without danger: both engines say so. Nothing of the sort violates a bound.
    #[test]
    fn engines_agree_or_say_what_each_found() {
        let program = program(None);
        let jobs = NonZeroUsize::MIN;
        let job = Job { scenario: 0, seed: 1 };
        let lost = samples::fencing();
        let candidates = vec![
            Candidate { position: 1, job, failed: None },
            Candidate { position: 1, job, failed: Some(lost.clone()) },
        ];
        let said = confirm(&program, candidates, jobs, &[&SingleGrantor], &|| false).unwrap();
        let agreements: Vec<&Agreement> = said.iter().map(|run| &run.agreement).collect();
        let other = Agreement::Other { verdict: Verdict::Pass, failed: Vec::new() };
        assert_eq!(agreements, [&Agreement::Same, &other]);
        assert!(!said[0].agreement.is_dissent() && said[1].agreement.is_dissent());
        assert_eq!((said[1].seed, said[1].failed.as_ref()), (1, Some(&lost)));
    }
}
